import inspect

import jupytext
import numpy as np
import pytest
from mutants import mutants
from submissions.batch_normalization import OTHER_FORMS, STUDENTS
from support import ROOT

from gradlab.checks import exercise, report
from gradlab.checks.batch_normalization import EXERCISES

NAMES = [e.name for e in EXERCISES]
FORWARD, BACKWARD, RUNNING, INFERENCE = NAMES
SEEDS = [f"seed {k}" for k in range(20)]

# The function cell that answers each exercise, by nbgrader's grade_id.
CELLS = {
    FORWARD: "forward",
    BACKWARD: "backward",
    RUNNING: "running-statistics",
    INFERENCE: "inference",
}


def solution_source(name):
    notebook = jupytext.read(ROOT / "solutions" / "batch-normalization.py")
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("grade_id") == CELLS[name]:
            return cell.source
    raise AssertionError(name)


def function_from(source):
    scope = {"np": np}
    exec(source, scope)
    return next(v for v in scope.values() if inspect.isfunction(v))


def recognised(result):
    return {f.misconception for f in result.findings if f.misconception}


# ---- right answers


@pytest.mark.parametrize("name", NAMES)
def test_solution_earns_full_points_with_twenty_seeds(name):
    solution = function_from(solution_source(name))
    for seed in ["", *SEEDS]:
        result = report(name, solution, seed)
        assert result.earned == result.possible, result


@pytest.mark.parametrize(("name", "form"), OTHER_FORMS)
def test_other_correct_forms_earn_full_points(name, form):
    for seed in ["", *SEEDS]:
        result = report(name, form, seed)
        assert result.earned == result.possible, result


# ---- answers that are none


@pytest.mark.parametrize("name", NAMES)
def test_untouched_release_earns_nothing(name):
    def stub(*arguments):
        raise NotImplementedError

    result = report(name, stub)
    assert result.earned == 0
    assert "NotImplementedError" in repr(result)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "wrong",
    [
        lambda *a: None,
        lambda *a: a[0],
        lambda *a: tuple(np.zeros_like(v) for v in a[:3]),
        lambda *a: (),
        lambda: None,
        lambda *a: "full marks",
        lambda *a: 1 / 0,
    ],
)
def test_worthless_answers_earn_no_value_criterion(name, wrong):
    result = report(name, wrong)
    assert not any(f.passed for f in result.findings if f.criterion.kind == "values")
    assert result.earned <= 0.25
    assert all(f.detail for f in result.findings if not f.passed)


@pytest.mark.parametrize("name", NAMES)
def test_the_function_itself_runs_and_not_the_reference(name):
    calls = []

    def counted(*arguments):
        calls.append(arguments)
        return function_from(solution_source(name))(*arguments)

    report(name, counted)
    assert len(calls) == len(exercise(name).cases(np.random.default_rng(0)))


# ---- misconceptions


@pytest.mark.parametrize(
    ("name", "misconception", "variant"),
    [(e.name, m.name, v) for e in EXERCISES for m in e.misconceptions for v in m.variants],
)
def test_misconception_is_recognised_by_name_with_twenty_seeds(name, misconception, variant):
    scores = set()
    for seed in ["", *SEEDS]:
        result = report(name, variant, seed)
        assert misconception in recognised(result), result
        assert result.earned < result.possible
        scores.add(result.earned)
    assert len(scores) == 1, "the same mistake earns the same, whatever the numbers"


@pytest.mark.parametrize(("name", "student", "misconception", "points"), STUDENTS)
def test_what_students_write_gets_what_the_weights_say(name, student, misconception, points):
    for seed in ["", *SEEDS]:
        result = report(name, student, seed)
        assert result.earned == points, result
        if misconception:
            assert misconception in recognised(result), result


# ---- mutants

# (exercise, description): why no result can tell it from the solution.
EQUIVALENT = {}


@pytest.mark.parametrize("name", NAMES)
def test_mutants_of_the_solution_are_caught(name):
    alive, killed = [], 0
    for description, source in mutants(solution_source(name)):
        result = report(name, function_from(source))
        if result.earned < result.possible:
            killed += 1
        elif (name, description) not in EQUIVALENT:
            alive.append(description)
    print(f"{name}: {killed} of {killed + len(alive)} mutants killed")
    assert killed > 10
    assert not alive
