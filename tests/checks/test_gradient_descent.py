from itertools import combinations

import numpy as np
import pytest
from checking import Checker

from gradlab.checks.gradient_descent import BRACKET, MINIBATCH_DESCENT, RATES, VARIANCE

SEEDS = range(20)


class TestGradientDescent(Checker):
    slug = "gradient-descent"


def arguments(exercise, group):
    for seed in SEEDS:
        for case in exercise.cases(np.random.default_rng(seed)):
            if case.group == group:
                yield case.arguments


def test_hessians_hide_nothing():
    for (hessian,) in map(dict.values, arguments(RATES, "ordinary")):
        low, *_, high = np.linalg.eigvalsh(hessian)
        assert low > 0
        assert high / low > 2, "a round bowl hides which eigenvalue is meant"
        assert all(abs(value - 1) > 0.01 for value in (high, low, high / low, low + high))
        unsorted = np.linalg.eigvals(hessian)
        diagonal = np.diag(np.diag(hessian))
        if np.array_equal(hessian, diagonal):
            assert unsorted[-1] < 0.99 * high, "the order of the eigenvalues happens to be right"
        else:
            assert diagonal.max() < 0.999 * high, "the axes of the surface are those of the weights"


def test_passes_hide_nothing():
    for given in arguments(MINIBATCH_DESCENT, "full"):
        examples, features = given["x"].shape
        batch, rate = given["batch_size"], given["rate"]
        assert len({examples, features, batch}) == 3
        assert examples % batch == 0
        assert not np.array_equal(given["order"][:batch], np.arange(batch))
        assert rate != 0.5
        assert np.unique(given["y"]).size == examples
    for given in arguments(MINIBATCH_DESCENT, "rest"):
        assert len(given["x"]) % given["batch_size"] > 0


def test_the_variance_is_that_over_all_minibatches():
    for group in ("ordinary", "edge"):
        for given in arguments(VARIANCE, group):
            gradients, size = given["gradients"], given["batch_size"]
            assert len(gradients) not in (size + 1, gradients.shape[1])
            distances = [
                ((gradients[list(chosen)] - gradients.mean(axis=0)).mean(axis=0) ** 2).sum()
                for chosen in combinations(range(len(gradients)), size)
            ]
            assert VARIANCE.reference(gradients, size) == pytest.approx(np.mean(distances))


def test_trials_hide_nothing():
    for given in arguments(BRACKET, "ordinary"):
        grad, start, steps, low, high, halvings = given.values()
        width = (high - low) / 2**halvings
        found, _ = BRACKET.reference(**given)
        assert low < found < high - 2 * width, "the interval only moves one way"

        def length(rate, grad=grad, start=start, steps=steps):
            w = start
            for _ in range(steps):
                w = w - rate * grad(w)
            return np.linalg.norm(grad(w)) / np.linalg.norm(grad(start))

        # No trial is so close to the verdict's border that rounding decides it.
        rates = low + width * np.arange(2**halvings + 1)
        assert min(abs(length(rate) - 1) for rate in rates) > 1e-9
    for given in arguments(BRACKET, "bound"):
        grad, start, low, high = (given[name] for name in ("grad", "start", "low", "high"))
        there = start - (low + high) / 2 * grad(start)
        assert np.array_equal(there, -start), "the rate in the middle is not the bound exactly"
    with np.errstate(all="ignore"):
        for given in arguments(BRACKET, "overflow"):
            w = given["start"]
            for _ in range(given["steps"]):
                w = w - given["high"] / 2 ** given["halvings"] * given["grad"](w)
            assert np.isnan(np.linalg.norm(given["grad"](w))), "nothing overflows"


def test_the_experiment_finds_the_bound():
    hessian = np.array([[3.0, 1.0], [1.0, 2.0]])
    _, bound, _ = RATES.reference(hessian)
    low, high = BRACKET.reference(lambda w: hessian @ w, np.array([1.0, 2.0]), 300, 0.1, 2.0, 14)
    assert low < 1.005 * bound < 1.01 * high
    assert high - low < 1e-3
