"""The repository root is an nbgrader course: run plain ``nbgrader`` commands here."""

import os
import sys
from pathlib import Path

root = Path(__file__).resolve().parent
sys.path.insert(0, str(root / "tools"))

import grading  # noqa: E402
import releasing  # noqa: E402

from gradlab.grading import intake, pages  # noqa: E402

c = get_config()  # noqa: F821  (nbgrader provides it)

c.CourseDirectory.root = str(root)
c.CourseDirectory.course_id = "gradlab"
# Everything that a course produces is in one folder that git ignores. What students get is in
# exercises/, where `make exercises` puts it: nbgrader itself would overwrite work there.
c.CourseDirectory.source_directory = "course/source"
c.CourseDirectory.source_with_tests_directory = "course/source_with_tests"
c.CourseDirectory.release_directory = "course/release"
c.CourseDirectory.submitted_directory = "course/submitted"
c.CourseDirectory.autograded_directory = "course/autograded"
c.CourseDirectory.feedback_directory = "course/feedback"
c.CourseDirectory.solution_directory = "course/solution"
c.CourseDirectory.db_url = f"sqlite:///{root / 'course' / 'gradebook.db'}"

c.ZipCollectApp.downloaded_directory = "course/downloaded"
c.ExportPlugin.to = str(root / "course" / "grades.csv")

# What is released follows from solutions/, whatever was there before.
c.GenerateAssignment.pre_convert_hook = "exercises.write_anew"
c.GenerateAssignment.preprocessors = releasing.GENERATE

c.Autograde.pre_convert_hook = intake.take_in
c.Autograde.sanitize_preprocessors = grading.SANITIZE
c.Autograde.autograde_preprocessors = grading.AUTOGRADE

# A cell may run for this long; an endless loop ends here and earns nothing.
c.ExecuteApart.cell_seconds = 60
# All of a submission's cells together.
c.ExecuteApart.submission_seconds = 300

# What instructors and students see of a graded submission.
c.HTMLExporter.extra_template_basedirs = pages.TEMPLATES
c.HTMLExporter.filters = pages.FILTERS

# When graded, the cases come from the course's secret, which no sandbox gets to see.
secret = root / "course" / "secret"
if secret.is_file():
    os.environ.setdefault("GRADLAB_COURSE_SECRET", secret.read_text().strip())

for student in grading.names_that_are_patterns(root / "course" / "submitted"):
    print(
        f"course/submitted/{student} is not graded: rename it without [ ] * ?, which nbgrader "
        "takes for a pattern",
        file=sys.stderr,
    )
for submission in grading.without_notebook(root / "course" / "submitted"):
    print(
        f"course/submitted/{submission} is not graded: there is no file *.ipynb in it",
        file=sys.stderr,
    )
