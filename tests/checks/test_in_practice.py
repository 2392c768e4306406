import inspect
from typing import ClassVar

import numpy as np
import pytest
import releasing
from checking import SEEDS, Checker, answers, steps

from gradlab.checks import _explain, exercise, in_practice, report
from gradlab.checks._edits import edited
from gradlab.checks.in_practice import EXERCISES, LEARNT, RUN

SLUG = "in-practice"
ANSWERS = answers(SLUG)
FAULTS = [
    (name, number)
    for name, answer in ANSWERS.items()
    for number in range(len(releasing.REGION.findall(answer.source)))
]


def test_training_that_asks_for_no_gradient_is_no_error():
    """It was told that it had raised an exception, which was the check's own."""
    idle = report("in_practice.train", lambda params, *others: (params, [], [], []))
    assert idle.earned == 0
    assert "raised" not in repr(idle)
    assert "shape" in repr(idle) or "expected" in repr(idle)


def test_labels_of_the_test_that_are_handed_back_are_nothing_learnt():
    def run(training, held_out, test, sizes, epochs, rng):
        return np.eye(10)[test[1]], [[], [], []]

    asked = exercise("in_practice.run")
    (case,) = asked.cases(np.random.default_rng(0))
    before = case.arguments["test"][1].copy()
    for secret in SEEDS[:8]:
        assert "passed  0.5" not in repr(report(asked, run, secret))
    assert (case.arguments["test"][1] == before).all()


def test_training_on_examples_of_huge_numbers_takes_no_memory():
    def train(params, loss_and_gradients, training, *others):
        x, labels = training
        loss_and_gradients(params, 1e9 + x, labels)
        return params, [], [], []

    assert "Unable to allocate" not in repr(report("in_practice.train", train))


class TestInPractice(Checker):
    slug = SLUG
    # It derives nothing of its own: hints name what to look at.
    equations = False
    seeds: ClassVar[dict] = {RUN.name: SEEDS[:8]}
    without_model: ClassVar[dict] = {
        RUN.name: "each edit takes five trainings, and most of what is seen of them is yes or no"
    }
    equivalent: ClassVar[dict] = {
        **dict.fromkeys(
            [
                ("in_practice.gradients", "line 23: '0', 1 instead"),
                ("in_practice.gradients", "line 24: '1', 2 instead"),
            ],
            "places for gradients that are all filled, and a range that ends at the same place",
        ),
        (
            "in_practice.train",
            "line 44: 'held_losses[-1] < min(held_losses[:-1])', comparison LtE",
        ): "of two epochs of equal loss either may be kept",
    }


def with_faults(name, *numbers):
    """The source of a function with some of its faults, the others repaired."""
    count = -1

    def replaced(region):
        nonlocal count
        count += 1
        return releasing.given(region[0]) if count in numbers else region[0]

    return releasing.REGION.sub(replaced, ANSWERS[name].source)


def script(name, *numbers):
    """The whole run, with some faults in one of its functions."""
    scope = {k: v for answer in ANSWERS.values() for k, v in answer.scope.items()}
    for which, answer in ANSWERS.items():
        exec(with_faults(which, *numbers) if which == name else answer.source, scope)
    return scope["run"]


def test_there_are_seven_faults():
    assert len(FAULTS) == 7


@pytest.mark.parametrize("name", ANSWERS)
def test_functions_as_they_are_given_earn_nothing(name):
    scope = {k: v for answer in ANSWERS.values() for k, v in answer.scope.items()}
    for answer in ANSWERS.values():
        exec(releasing.given(answer.source), scope)
    for seed in SEEDS[:6]:
        result = report(name, scope[ANSWERS[name].function], seed)
        assert result.earned == 0, result


@pytest.mark.parametrize(("name", "number"), FAULTS)
def test_a_fault_that_is_left_costs_points_of_its_part_and_of_the_run(name, number):
    answer = ANSWERS[name]
    part = answer.run(with_faults(name, number)) if name != RUN.name else None
    whole = script(name, number)
    for seed in SEEDS[:3]:
        result = report(RUN.name, whole, seed)
        assert result.earned < result.possible, result
        if part:
            result = report(name, part, seed)
            assert result.earned < result.possible, result
            assert any(f.misconception for f in result.findings), result


@pytest.mark.parametrize("number", range(3))
def test_each_repair_of_training_earns_its_own_points(number):
    name = "in_practice.train"
    others = {0, 1, 2} - {number}
    function = ANSWERS[name].run(with_faults(name, *others))
    assert {report(name, function, seed).earned for seed in SEEDS} == {1.0}


ACCURACY = {
    ("in_practice.initial", 0): False,
    ("in_practice.gradients", 0): False,
    ("in_practice.train", 0): False,
    ("in_practice.standardize", 0): True,
    ("in_practice.train", 1): True,
    ("in_practice.train", 2): True,
    ("in_practice.run", 0): True,
    ("", 0): True,
}


@pytest.mark.parametrize(("fault", "learns"), ACCURACY.items())
def test_accuracy_is_far_from_its_bound_with_twenty_seeds(fault, learns):
    function, reached = script(*fault), []
    for seed in range(20):
        (case,) = RUN.cases(np.random.default_rng(seed))
        *examples, sizes, epochs, draw = case.arguments.values()
        with np.errstate(all="ignore"):
            out, _ = function(*examples, sizes, epochs, np.random.default_rng(draw))
        reached.append((out.argmax(axis=1) == examples[2][1]).mean())
    assert min(reached) > LEARNT + 0.1 if learns else max(reached) < LEARNT - 0.1


def test_the_run_of_the_checker_is_the_solutions():
    assert steps(inspect.getsource(in_practice.run)) == steps(ANSWERS[RUN.name].source)


def test_a_run_that_records_nothing_earns_no_more_than_accuracy():
    def silent(*arguments):
        out, records = in_practice.run(*arguments)
        return out, [np.zeros(len(record)) for record in records]

    assert report(RUN.name, silent).earned <= 1.0


def test_cases_of_training_tell_the_best_epoch_from_first_and_last():
    train = exercise("in_practice.train")
    for seed in range(20):
        lowest = [case.arguments["plan"] for case in train.cases(np.random.default_rng(seed))]
        places = [int(plan.argmin()) for plan in lowest]
        assert all(place < len(plan) - 1 for place, plan in zip(places, lowest, strict=True))
        assert {0} < set(places)


def test_of_two_mistakes_in_training_both_are_named(monkeypatch):
    monkeypatch.setattr(_explain, "SECONDS", 60.0)
    train = edited(
        in_practice.train,
        "epoch * per_epoch + start // batch_size -> epoch",
        "x, labels = x[order], labels[order] -> x = x[order]",
    )
    named = {f.misconception for f in report("in_practice.train", train).findings}
    assert any("counts epochs" in name and "lose their examples" in name for name in named)


def test_the_points_are_ten_with_the_question():
    assert sum(e.points for e in EXERCISES) == 9
