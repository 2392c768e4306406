"""An instructor who is no root grades by plain nbgrader; what tests run as root elsewhere."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import nbformat
import pytest
from checking import answers
from classroom import scores, submit
from ordinary import NUMBER, as_ordinary_user
from support import ROOT, exercises_tool

import gradlab
from gradlab.checks import exercise

BIN = Path(sys.executable).parent
SLUG = "weight-decay"


@pytest.fixture
def course():
    # pytest's own folders are closed to other users.
    with tempfile.TemporaryDirectory(prefix="course-") as folder:
        os.chmod(folder, 0o755)
        yield Path(folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="whoever runs the tests is an ordinary user")
@pytest.mark.skipif(shutil.which("bwrap") is None, reason="apt install bubblewrap")
def test_an_ordinary_user_grades(course):
    exercises_tool().write_source(SLUG, course / "course" / "source")
    submit(course, SLUG, "honest", {a.cell: a.source for a in answers(SLUG).values()})
    for path in (course, *course.rglob("*")):
        os.chown(path, NUMBER, NUMBER)
    environment = {
        "HOME": str(course),
        # That user has no folder of compiled kernels.
        "NUMBA_DISABLE_JIT": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "PATH": f"{BIN}:{os.environ['PATH']}",
        "PYTHONPATH": str(Path(gradlab.__file__).parent.parent),
    }
    for command in ("generate_assignment", "autograde"):
        options = [f"--course-dir={course}", f"--db=sqlite:///{course / 'gradebook.db'}"]
        done = subprocess.run(
            as_ordinary_user([str(BIN / "nbgrader"), command, SLUG, *options]),
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
    graded = course / "course" / "autograded" / "honest" / SLUG / f"{SLUG}.ipynb"
    assert graded.stat().st_uid == NUMBER
    assert nbformat.read(graded, as_version=4).metadata.gradlab.sandbox == "bubblewrap"
    assert scores(course, SLUG, "honest") == {name: exercise(name).points for name in answers(SLUG)}
