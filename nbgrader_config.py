"""The repository root is an nbgrader course: run plain ``nbgrader`` commands here."""

import os
from pathlib import Path

root = Path(__file__).resolve().parent

c = get_config()  # noqa: F821  (nbgrader provides it)

c.CourseDirectory.root = str(root)
c.CourseDirectory.course_id = "gradlab"
# Everything that a course produces is in one folder that git ignores. Only the release is kept.
c.CourseDirectory.source_directory = "course/source"
c.CourseDirectory.release_directory = "exercises"
c.CourseDirectory.submitted_directory = "course/submitted"
c.CourseDirectory.autograded_directory = "course/autograded"
c.CourseDirectory.feedback_directory = "course/feedback"
c.CourseDirectory.solution_directory = "course/solution"
c.CourseDirectory.db_url = f"sqlite:///{root / 'course' / 'gradebook.db'}"

c.ExportPlugin.to = str(root / "course" / "grades.csv")

# A cell may run for this long; an endless loop ends here and earns nothing.
c.ExecutePreprocessor.timeout = 60
# Python starts slowly on a busy machine.
c.ExecutePreprocessor.startup_timeout = 120

# When graded, the cases come from the course's secret. Kernels inherit the variable.
secret = root / "course" / "secret"
if secret.is_file():
    os.environ.setdefault("GRADLAB_COURSE_SECRET", secret.read_text().strip())
