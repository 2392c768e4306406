"""The whole loop with stock nbgrader on one topic: generate, submit, autograde, feedback, export."""

import csv
from itertools import zip_longest

import pytest
from checking import answers
from classroom import as_submitted, feedback, gradebook, nbgrader, scores, submit
from submissions.batch_normalization import FORWARD, OTHER_FORMS, STUDENTS
from support import exercises_tool

from gradlab.checks import exercise

SLUG = "batch-normalization"
ANSWERS = answers(SLUG)
QUESTION = "question-bias"
FULL = {name: exercise(name).points for name in ANSWERS}

SYNTAX_ERROR = "def batch_norm_forward(x, gamma, beta, eps)\n    return x"
EXCEPTION = "def batch_norm_forward(x, gamma, beta, eps):\n    return x.shape[5]"
ENDLESS = "def batch_norm_forward(x, gamma, beta, eps):\n    while True:\n        pass"


def submissions():
    """{student: ({exercise: cell source}, {exercise: points})}"""
    right = {name: answer.source for name, answer in ANSWERS.items()}
    students = {"right": (right, FULL)}
    for number, form in enumerate(("a", "b")):
        cells = dict(right)
        for name in ANSWERS:
            forms = [function for n, function in OTHER_FORMS if n == name]
            cells[name] = as_submitted(SLUG, name, forms[number])
        students[f"other-form-{form}"] = cells, FULL
    # The k-th mistake in each of the four functions makes one submission.
    columns = [[row for row in STUDENTS if row[0] == name] for name in ANSWERS]
    for number, rows in enumerate(zip_longest(*columns)):
        cells, points = dict(right), dict(FULL)
        for name, function, _, earned in filter(None, rows):
            cells[name], points[name] = as_submitted(SLUG, name, function), earned
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


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A course of our own with the root's configuration, graded by nbgrader's commands."""
    folder = tmp_path_factory.mktemp("course")
    exercises_tool().write_source(SLUG, folder / "course" / "source")
    for student, (functions, _) in submissions().items():
        cells = {ANSWERS[name].cell: source for name, source in functions.items()}
        if student == "right":
            cells[QUESTION] = "It loses nothing: the mean is subtracted."
        submit(folder, SLUG, student, cells)
    nbgrader(folder, "generate_assignment", SLUG)
    nbgrader(folder, "autograde", SLUG, "--ExecutePreprocessor.timeout=15")
    nbgrader(folder, "generate_feedback", SLUG)
    nbgrader(folder, "export", f"--to={folder / 'grades.csv'}")
    return folder


@pytest.mark.parametrize("student", EXPECTED)
def test_autograded_scores(course, student):
    assert scores(course, SLUG, student) == pytest.approx(EXPECTED[student])


def test_feedback_names_the_mistake(course):
    page = feedback(course, SLUG, "mistakes-0")
    assert "Looks like epsilon outside the root" in page
    assert "Looks like dx without the paths through the mean and the variance" in page
    assert "Looks like running statistics that never move" in page


def test_feedback_shows_no_solution(course):
    solution = ANSWERS["batch_normalization.backward"].source
    lines = [line.strip() for line in solution.splitlines() if "inv_std" in line]
    assert lines
    for student in ("blank", "other-form-a", "other-form-b"):
        assert not [line for line in lines if line in feedback(course, SLUG, student)]


def test_a_cell_that_ran_out_of_time_says_so(course):
    assert "KeyboardInterrupt" in feedback(course, SLUG, "endless-loop")


def test_export_has_a_row_for_everybody(course):
    with (course / "grades.csv").open() as file:
        rows = {row["student_id"]: float(row["score"]) for row in csv.DictReader(file)}
    assert rows == pytest.approx({s: sum(points.values()) for s, points in EXPECTED.items()})


def test_the_written_question_waits_for_a_person(course):
    with gradebook(course) as book:
        answered = book.find_grade(QUESTION, SLUG, SLUG, "right")
        blank = book.find_grade(QUESTION, SLUG, SLUG, "blank")
        assert answered.max_score == 1
        assert answered.needs_manual_grade
        assert not blank.needs_manual_grade
        assert blank.score == 0
