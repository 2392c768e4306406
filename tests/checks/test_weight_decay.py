import numpy as np
import pytest
from checking import Checker

from gradlab.checks import report
from gradlab.checks._edits import edited
from gradlab.checks.weight_decay import ADAPTIVE, EXERCISES, PENALTY, RIDGE, STEP


class TestWeightDecay(Checker):
    slug = "weight-decay"


def cases_of(exercise):
    for seed in range(20):
        yield from exercise.cases(np.random.default_rng(seed))


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda e: e.name)
def test_no_number_is_neutral(exercise):
    for case in cases_of(exercise):
        numbers = {k: v for k, v in case.arguments.items() if isinstance(v, float)}
        assert not set(numbers.values()) & {0.5, 1.0, 2.0}, "hides that it was forgotten"
        if "learning_rate" in numbers:
            assert numbers["learning_rate"] != numbers["strength"]


def test_weights_and_biases_are_told_apart_by_their_dimensions_alone():
    for exercise in (PENALTY, STEP):
        for case in cases_of(exercise):
            arrays = case.arguments["params"]
            assert {a.ndim for a in arrays} == ({1} if case.label == "biases alone" else {1, 2})
            assert all(np.unique(a).size == a.size for a in arrays)
    places = {
        tuple(a.ndim for a in case.arguments["params"])
        for case in cases_of(PENALTY)
        if case.group == "ordinary"
    }
    assert len(places) == 2, "weights and biases do not simply take turns"


def test_the_batch_is_unlike_every_other_dimension():
    for case in cases_of(STEP):
        if case.group == "ordinary":
            for p, g in zip(*list(case.arguments.values())[:2], strict=True):
                assert g.shape[1:] == p.shape
                assert len(g) not in p.shape
                assert (np.abs(g.mean(axis=0)) > 1e-3).all()


def test_a_decay_takes_everything():
    rates = {(c.arguments["learning_rate"], c.arguments["strength"]) for c in cases_of(STEP)}
    assert 1.0 in {round(rate * strength, 12) for rate, strength in rates}


def test_gradients_change_and_epsilon_matters():
    for group in ("coupled", "decoupled"):
        chosen = [case.arguments for case in cases_of(ADAPTIVE) if case.group == group]
        assert {len(a["grads"]) for a in chosen} == {4}
        assert max(a["eps"] for a in chosen) > 0.01
    silent = [case.arguments for case in cases_of(ADAPTIVE) if case.group == "silent"]
    assert {a["decoupled"] for a in silent} == {True, False}
    assert all((a["grads"][:, 1] == 0).all() for a in silent)


def test_inputs_have_a_mean_and_more_features_than_examples_somewhere():
    shapes = set()
    for case in cases_of(RIDGE):
        x, y, _ = case.arguments.values()
        shapes.add(x.shape[0] > x.shape[1])
        assert x.shape[0] != x.shape[1]
        assert abs(y.mean()) > 1
        if case.group == "ordinary":
            assert (np.abs(x.mean(axis=0)) > 0.01).all()
    assert shapes == {True, False}


def test_weights_that_follow_from_a_wrong_average_earn_their_points():
    """One slip, and one more in the step: the second costs what the step is worth."""
    slip, another = "(1 - rho) * slope**2 -> slope**2", "new_square + eps) -> new_square) + eps"
    earned = [
        report(ADAPTIVE.name, edited(ADAPTIVE.model, *edits)).earned
        for edits in ((slip,), (slip, another))
    ]
    assert earned == [1.0, 0.25]


def test_nothing_follows_from_an_average_that_leaves_no_step():
    def decays_alone(weight, grad, square, rate, rho, eps, strength, decoupled):
        kept = weight * (1 - rate * strength) if decoupled else weight
        return kept, np.full_like(square, 1e30)

    assert report(ADAPTIVE.name, decays_alone).earned == 0.25
