"""The course as an instructor has it: a clone, ``tools/exercises.py`` and plain nbgrader in it."""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import nbformat
import pytest
from nbgrader.api import Gradebook
from support import ROOT

SLUG, OTHER = "batch-normalization", "dropout"
BIN = Path(sys.executable).parent
CANVAS = r".*/(?P<student_id>[a-z]+)(_LATE)?_\d+_\d+_(?P<file_id>.+)"
MOODLE = r".*/(?P<student_id>[^/]+)_\d+_assignsubmission_file/(?P<file_id>[^/]+)"


@pytest.fixture
def clone(tmp_path):
    """The repository with two of its exercises, before the first make."""
    return copy_of_repository(tmp_path / "clone")


@pytest.fixture(scope="module")
def generated(tmp_path_factory):
    folder = copy_of_repository(tmp_path_factory.mktemp("generated") / "clone")
    assert generate(folder)[0] == 0
    return folder


@pytest.fixture
def course(tmp_path, generated):
    """The same after ``make exercises``."""
    return shutil.copytree(generated, tmp_path / "course of mine")


def copy_of_repository(folder):
    shutil.copytree(ROOT / "tools", folder / "tools")
    shutil.copy(ROOT / "nbgrader_config.py", folder)
    (folder / "solutions").mkdir()
    for slug in (SLUG, OTHER):
        shutil.copy(ROOT / "solutions" / f"{slug}.py", folder / "solutions")
    return folder


def run(clone, *command):
    """(exit code, log) of a program of the environment, run in the clone."""
    path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [BIN / command[0], *command[1:]],
        cwd=clone,
        env=os.environ | {"PATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def generate(clone):
    return run(clone, "python", "tools/exercises.py", "generate")


def replace(clone, slug, old, new):
    path = clone / "solutions" / f"{slug}.py"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def files_outside_course(clone):
    return {
        path.relative_to(clone)
        for path in clone.rglob("*")
        if path.is_file()
        and "course" not in path.relative_to(clone).parts
        and "__pycache__" not in path.parts
    }


@pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")
def test_an_exercise_that_is_refused_does_not_keep_the_others_back(course):
    with Gradebook(f"sqlite:///{course / 'course' / 'gradebook.db'}") as book:
        book.add_student("anna")
        book.add_submission(OTHER, "anna")
    before = (course / "exercises" / OTHER / f"{OTHER}.ipynb").read_bytes()
    replace(course, OTHER, '"grade_id": "check-forward"', '"grade_id": "check-new"')
    replace(course, SLUG, "# Write plain NumPy.", "# Write plain NumPy, please.")
    code, log = generate(course)
    assert code == 1
    (line,) = (
        line for line in log.splitlines() if "up to date" not in line and "written" not in line
    )
    assert line.startswith(f"exercises/{OTHER} not generated: ")
    assert f"Cannot add or remove cells for notebook '{OTHER}' because there are subm" in line
    assert (course / "exercises" / OTHER / f"{OTHER}.ipynb").read_bytes() == before
    assert "NumPy, please" in (course / "exercises" / SLUG / f"{SLUG}.ipynb").read_text()


@pytest.mark.parametrize("command", ["generate", "grade"])
def test_points_that_stand_twice_are_named_before_anything_else(clone, command):
    name = '"grade_id": "check-backward"'
    replace(clone, SLUG, name, f'{name}, "points": 3')
    code, log = run(clone, "python", "tools/exercises.py", command)
    assert code == 1
    assert log == (
        f"solutions/{SLUG}.py gives 3 points for batch_normalization.backward: leave them out, "
        "they stand in its criteria in package/gradlab/checks/batch_normalization.py\n"
    )


def test_what_nbgrader_says_when_it_fails_is_one_line(clone):
    # A name that nbgrader takes in no cell.
    replace(clone, SLUG, '"grade_id": "check-forward"', '"grade_id": ""')
    code, log = run(clone, "python", "tools/exercises.py", "grade")
    assert code == 1
    assert len(log.splitlines()) == 1
    assert "'' does not match" in log
    assert "nbgrader.log" in log


def test_nbgraders_own_release_is_of_the_solutions_as_they_are(course):
    target = course / "exercises" / SLUG / f"{SLUG}.ipynb"
    target.write_text("somebody's work")
    replace(course, SLUG, "# Write plain NumPy.", "# Write plain NumPy, please.")
    assert run(course, "nbgrader", "generate_assignment", SLUG, "--force")[0] == 0
    released = course / "course" / "release" / SLUG / f"{SLUG}.ipynb"
    assert "NumPy, please" in released.read_text()
    assert target.read_text() == "somebody's work"


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        (CANVAS, ["adaking_LATE_101_202_{}.ipynb", "alanturing_102_203_{}-1.ipynb"]),
        (
            MOODLE,
            [
                "adaking_101_assignsubmission_file/{}.ipynb",
                "alanturing_102_assignsubmission_file/{} (1).ipynb",
            ],
        ),
    ],
    ids=["Canvas", "Moodle"],
)
def test_what_a_learning_platform_gives_is_collected_inside_course(course, pattern, names):
    readme = (ROOT / "README.md").read_text()
    assert f"--FileNameCollectorPlugin.named_regexp='{pattern}'" in readme
    there = files_outside_course(course)
    archive = course / "course" / "downloaded" / SLUG / "archive"
    archive.mkdir(parents=True)
    with zipfile.ZipFile(archive / "submissions.zip", "w") as file:
        for name in names:
            file.write(course / "exercises" / SLUG / f"{SLUG}.ipynb", name.format(SLUG))
    option = f"--FileNameCollectorPlugin.named_regexp={pattern}"
    assert run(course, "nbgrader", "zip_collect", SLUG, option)[0] == 0
    code, log = run(course, "nbgrader", "autograde", SLUG)
    assert code == 0, log
    for student in ("adaking", "alanturing"):
        path = course / "course" / "autograded" / student / SLUG / f"{SLUG}.ipynb"
        nbformat.validate(nbformat.read(path, as_version=4))
    assert files_outside_course(course) == there


def test_a_folder_whose_name_is_a_pattern_is_named(course):
    for student in ("anna [late]", "bert"):
        folder = course / "course" / "submitted" / student / SLUG
        folder.mkdir(parents=True)
        shutil.copy(course / "exercises" / SLUG / f"{SLUG}.ipynb", folder)
    log = run(course, "nbgrader", "autograde", SLUG)[1]
    assert "course/submitted/anna [late] is not graded: rename it" in log
    moved = course.rename(course.with_name("clone [2026]"))
    code, log = generate(moved)
    assert code == 1
    assert re.fullmatch(r"nbgrader takes \[ \] \* \? in .*/clone \[2026\] for a pattern: .*\n", log)


def test_a_submission_without_a_notebook_is_named(course):
    submitted = course / "course" / "submitted"
    notebook = course / "exercises" / SLUG / f"{SLUG}.ipynb"
    # What a zip file that was made of the folder unpacks to, another ending, and nothing at all.
    for student, place in (
        ("anna", f"{SLUG}/{SLUG}.ipynb"),
        ("bert", f"{SLUG}.ipynb.txt"),
        ("carl", f"{SLUG}.ipynb"),
    ):
        path = submitted / student / SLUG / place
        path.parent.mkdir(parents=True)
        shutil.copy(notebook, path)
    (submitted / "dora" / SLUG).mkdir(parents=True)
    log = run(course, "nbgrader", "autograde", SLUG)[1]
    for student in ("anna", "bert", "dora"):
        assert f"course/submitted/{student}/{SLUG} is not graded: there is no file *.ipynb" in log
    assert "submitted/carl/batch-normalization is not graded" not in log
