"""The whole loop with stock nbgrader: generate, submit, autograde, feedback, export."""

import csv
import inspect
import os
import re
import subprocess
import sys
from itertools import zip_longest
from pathlib import Path

import jupytext
import nbformat
import pytest
from nbgrader.api import Gradebook
from submissions.batch_normalization import (
    BACKWARD,
    FORWARD,
    INFERENCE,
    OTHER_FORMS,
    RUNNING,
    STUDENTS,
)
from support import ROOT, exercises_tool

SLUG = "batch-normalization"
BIN = Path(sys.executable).parent

# The cell that a function goes into, and its check cell.
CELLS = {
    FORWARD: "forward",
    BACKWARD: "backward",
    RUNNING: "running-statistics",
    INFERENCE: "inference",
}
QUESTION = "question-bias"
FULL = {FORWARD: 3.0, BACKWARD: 3.5, RUNNING: 1.5, INFERENCE: 1.0}

SYNTAX_ERROR = "def batch_norm_forward(x, gamma, beta, eps)\n    return x"
EXCEPTION = "def batch_norm_forward(x, gamma, beta, eps):\n    return x.shape[5]"
ENDLESS = "def batch_norm_forward(x, gamma, beta, eps):\n    while True:\n        pass"


def solution_cells():
    notebook = jupytext.read(ROOT / "solutions" / f"{SLUG}.py")
    marked = [cell for cell in notebook.cells if "nbgrader" in cell.metadata]
    return {cell.metadata["nbgrader"]["grade_id"]: cell.source for cell in marked}


SOLUTION = solution_cells()


def as_submitted(name, function):
    """The function's source under the name that the notebook asks for."""
    wanted = re.search(r"def (\w+)\(", SOLUTION[CELLS[name]])[1]
    return re.sub(r"def \w+\(", f"def {wanted}(", inspect.getsource(function), count=1)


def submissions():
    """{student: ({exercise: cell source}, {exercise: points})}"""
    right = {name: SOLUTION[cell] for name, cell in CELLS.items()}
    students = {"right": (right, FULL)}
    for number, form in enumerate(("a", "b")):
        cells = dict(right)
        for name in CELLS:
            forms = [function for n, function in OTHER_FORMS if n == name]
            cells[name] = as_submitted(name, forms[number])
        students[f"other-form-{form}"] = cells, FULL
    # The k-th mistake in each of the four functions makes one submission.
    columns = [[row for row in STUDENTS if row[0] == name] for name in CELLS]
    for number, rows in enumerate(zip_longest(*columns)):
        cells, points = dict(right), dict(FULL)
        for row in filter(None, rows):
            cells[row[0]], points[row[0]] = as_submitted(row[0], row[1]), row[3]
        students[f"mistakes-{number}"] = cells, points
    nothing = dict.fromkeys(FULL, 0.0)
    students["blank"] = {}, nothing
    for student, source in (
        ("syntax-error", SYNTAX_ERROR),
        ("exception", EXCEPTION),
        ("endless-loop", ENDLESS),
    ):
        students[student] = right | {FORWARD: source}, FULL | {FORWARD: 0.0}
    warns = right[FORWARD].replace("    mean =", "    import warnings\n    warnings.warn('!')\n    mean =")
    students["warns"] = right | {FORWARD: warns}, FULL
    return students


EXPECTED = {student: points for student, (_, points) in submissions().items()}


def submit(course, student, cells):
    notebook = nbformat.read(ROOT / "exercises" / SLUG / f"{SLUG}.ipynb", as_version=4)
    for cell in notebook.cells:
        for name, source in cells.items():
            if cell.metadata.get("nbgrader", {}).get("grade_id") == CELLS[name]:
                cell.source = source
        if student == "right" and cell.metadata.get("nbgrader", {}).get("grade_id") == QUESTION:
            cell.source = "It loses nothing: the mean is subtracted."
    folder = course / "course" / "submitted" / student / SLUG
    folder.mkdir(parents=True)
    nbformat.write(notebook, folder / f"{SLUG}.ipynb")


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A course of our own with the root's configuration, graded by nbgrader's commands."""
    folder = tmp_path_factory.mktemp("course")
    exercises_tool().write_source(SLUG, folder / "course" / "source")
    for student, (cells, _) in submissions().items():
        submit(folder, student, cells)
    run(folder, "generate_assignment", SLUG)
    run(folder, "autograde", SLUG, "--ExecutePreprocessor.timeout=15")
    run(folder, "generate_feedback", SLUG)
    run(folder, "export", f"--to={folder / 'grades.csv'}")
    return folder


def run(folder, command, *arguments):
    done = subprocess.run(
        [
            BIN / "nbgrader",
            command,
            *arguments,
            f"--CourseDirectory.root={folder}",
            f"--CourseDirectory.db_url=sqlite:///{folder / 'gradebook.db'}",
        ],
        cwd=ROOT,
        env=os.environ | {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def scores(course):
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as gradebook:
        return {
            student: {
                name: gradebook.find_grade(f"check-{cell}", SLUG, SLUG, student).score
                for name, cell in CELLS.items()
            }
            for student in EXPECTED
        }


@pytest.mark.parametrize("student", EXPECTED)
def test_autograded_scores(scores, student):
    assert scores[student] == pytest.approx(EXPECTED[student])


def feedback(course, student):
    return (course / "course" / "feedback" / student / SLUG / f"{SLUG}.html").read_text()


def test_feedback_names_the_mistake(course):
    page = feedback(course, "mistakes-0")
    assert "Looks like epsilon outside the root" in page
    assert "Looks like dx without the paths through the mean and the variance" in page
    assert "Looks like running statistics that never move" in page


def test_feedback_shows_no_solution(course):
    lines = [line.strip() for line in SOLUTION["backward"].splitlines() if "inv_std" in line]
    assert lines
    for student in ("blank", "other-form-a", "other-form-b"):
        assert not [line for line in lines if line in feedback(course, student)]


def test_a_cell_that_ran_out_of_time_says_so(course):
    assert "KeyboardInterrupt" in feedback(course, "endless-loop")


def test_export_has_a_row_for_everybody(course):
    with (course / "grades.csv").open() as file:
        rows = {row["student_id"]: float(row["score"]) for row in csv.DictReader(file)}
    assert rows == pytest.approx({s: sum(points.values()) for s, points in EXPECTED.items()})


def test_the_written_question_waits_for_a_person(course):
    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as gradebook:
        answered = gradebook.find_grade(QUESTION, SLUG, SLUG, "right")
        blank = gradebook.find_grade(QUESTION, SLUG, SLUG, "blank")
        assert answered.max_score == 1
        assert answered.needs_manual_grade
        assert not blank.needs_manual_grade
        assert blank.score == 0
