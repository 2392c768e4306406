"""A class of more than forty on one topic: generate, submit, autograde, feedback, export.

Among them are those whose cells were doubled, split, merged or deleted, whose checks are shadowed,
silenced or accompanied by noise, and who cheat in one line.
"""

import csv
from itertools import zip_longest

import pytest
from checking import answers
from classroom import as_submitted, feedback, gradebook, nbgrader, scores, submit
from submissions.batch_normalization import FORWARD, OTHER_FORMS, STUDENTS
from support import exercises_tool
from tampering import (
    CHEATS,
    HARMLESS,
    crashes_after_the_first_check,
    work_in_new_cells,
)

from gradlab.checks import exercise

SLUG = "batch-normalization"
ANSWERS = answers(SLUG)
QUESTION = "question-bias"
INFERENCE = "batch_normalization.inference"
FULL = {name: exercise(name).points for name in ANSWERS}

SYNTAX_ERROR = "def batch_norm_forward(x, gamma, beta, eps)\n    return x"
EXCEPTION = "def batch_norm_forward(x, gamma, beta, eps):\n    return x.shape[5]"
ENDLESS = "def batch_norm_forward(x, gamma, beta, eps):\n    while True:\n        pass"


def mistake():
    """One function wrong and three right: what grading must neither raise nor lower."""
    name, function, _, earned = STUDENTS[0]
    cells = {name: answer.source for name, answer in ANSWERS.items()}
    return cells | {name: as_submitted(SLUG, name, function)}, FULL | {name: earned}


def tampered():
    """{student: ({exercise: cell source}, {exercise: points}, edit of the notebook)}"""
    cells, points = mistake()
    nothing = dict.fromkeys(FULL, 0.0)
    return (
        {student: (cells, points, edit) for student, edit in HARMLESS.items()}
        | {student: ({}, nothing, edit) for student, edit in CHEATS.items()}
        | {
            "crashes": (cells, points, crashes_after_the_first_check),
            "new-cells": (cells, points | {INFERENCE: 0.0}, work_in_new_cells),
            "renamed": (cells, points, None),
        }
    )


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
    warns = right[FORWARD].replace(
        "    mean =", "    import warnings\n    warnings.warn('!')\n    mean ="
    )
    students["warns"] = right | {FORWARD: warns}, FULL
    return students


EXPECTED = {student: points for student, (_, points) in submissions().items()}
EXPECTED |= {student: points for student, (_, points, _) in tampered().items()}


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
    for student, (functions, _, edit) in tampered().items():
        cells = {ANSWERS[name].cell: source for name, source in functions.items()}
        name = f"{SLUG} (1).ipynb" if student == "renamed" else None
        submit(folder, SLUG, student, cells, edit, name)
    nbgrader(folder, "generate_assignment", SLUG)
    log = nbgrader(folder, "autograde", SLUG, "--ExecuteApart.cell_seconds=8")
    (folder / "autograde.log").write_text(log)
    nbgrader(folder, "generate_feedback", SLUG)
    nbgrader(folder, "export", f"--to={folder / 'grades.csv'}")
    return folder


@pytest.mark.parametrize("student", EXPECTED)
def test_autograded_scores(course, student):
    assert scores(course, SLUG, student) == pytest.approx(EXPECTED[student])


def test_feedback_names_the_mistake(course):
    page = feedback(course, SLUG, "mistakes-0")
    assert "Looks like the statistics of each example instead of each feature" in page
    assert "Looks like epsilon left out of the backward pass" in page
    assert "Looks like running statistics that never move" in page


@pytest.mark.parametrize("student", HARMLESS)
def test_everybody_gets_feedback(course, student):
    assert "batch_normalization.backward" in feedback(course, SLUG, student)


def test_feedback_shows_no_solution(course):
    solution = ANSWERS["batch_normalization.backward"].source
    lines = [line.strip() for line in solution.splitlines() if "inv_std" in line]
    assert lines
    for student in ("blank", "other-form-a", "other-form-b"):
        assert not [line for line in lines if line in feedback(course, SLUG, student)]


def test_a_function_that_ran_out_of_time_says_so(course):
    assert "did not come back within 8 seconds" in feedback(course, SLUG, "endless-loop")


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


def grade(course, name, student):
    with gradebook(course) as book:
        found = book.find_grade(name, SLUG, SLUG, student)
        return found.score, found.needs_manual_grade


def test_the_class_is_large_enough_to_mean_something():
    assert len(EXPECTED) >= 40


@pytest.mark.parametrize(
    "student", ["split-question", "copy-of-question-left-blank", "metadata-lost"]
)
def test_an_answer_in_words_is_found_where_its_cell_was_tampered_with(course, student):
    assert grade(course, QUESTION, student) == (0, True)


def test_work_in_a_new_cell_waits_for_a_person(course):
    assert grade(course, ANSWERS[INFERENCE].check, "new-cells") == (0, True)
    assert grade(course, QUESTION, "new-cells") == (0, True)
    page = feedback(course, SLUG, "new-cells")
    assert "batch_norm_inference is defined again below its check" in page
    # Nobody else's: the one whose answers are there, and the one who has none.
    for student in ("right", "blank", "deleted-checks", "mistakes-0"):
        for answer in ANSWERS.values():
            assert not grade(course, answer.check, student)[1]
    assert not grade(course, QUESTION, "blank")[1]


def test_a_cell_that_ends_its_process_says_so_and_costs_nothing_else(course):
    assert "This cell was stopped: it ended Python" in feedback(course, SLUG, "crashes")


def test_the_log_says_what_was_put_right(course):
    log = (course / "autograde.log").read_text()
    assert "cells had lost nbgrader's metadata" in log
    assert "copies of cell 'check-forward'" in log
    assert "The graded cell 'check-forward' is missing" in log
    assert f"{SLUG} (1).ipynb is graded as {SLUG}.ipynb" in log
    assert "This cell was stopped: it ended Python" in log
