from itertools import pairwise

import numpy as np
import pytest
from checking import Checker

from gradlab.checks import report
from gradlab.checks.optimizers import EXERCISES

STEPS = [e for e in EXERCISES if e.name != "optimizers.best_pair"]


class TestOptimizers(Checker):
    slug = "optimizers"


@pytest.mark.parametrize("exercise", STEPS, ids=lambda e: e.name)
def test_cases_are_never_degenerate(exercise):
    """Conditions that hide mistakes, by the design's list."""
    usual = {0.5, 0.9, 0.99, 0.999, 1.2, 50.0, 1e-8, 1e-7, 1e-10}
    for seed in range(20):
        cases = exercise.cases(np.random.default_rng(seed))
        for case in cases:
            gradients = case.arguments["gradients"]
            assert len(gradients) >= 3, "too few steps to tell a memory from none"
            assert all((a != b).any() for a, b in pairwise(gradients))
            assert not usual & set(case.arguments["settings"][0]), "a default or one half"
            assert (gradients < 0).any()
            assert (gradients > 0).any()
        starts = [case.arguments["state"][-2 if "adam" in exercise.name else -1] for case in cases]
        assert any((start == 0).all() for start in starts), "no case from the first step on"
        assert any((start != 0).all() for start in starts), "no case with a memory"


@pytest.mark.parametrize("exercise", EXERCISES[4:], ids=lambda e: e.name)
def test_epsilon_matters_and_some_gradient_stays_zero(exercise):
    cases = exercise.cases(np.random.default_rng(0))
    ordinary = [case for case in cases if case.group == "ordinary"]
    assert any(case.arguments["settings"][0][-1] > 0.1 for case in ordinary)
    for case in cases:
        if case.group == "edge":
            gradients = case.arguments["gradients"]
            assert ((gradients == 0).all(axis=0)).sum() == 1
            eps = case.arguments["settings"][0][-1]
            assert eps < np.abs(gradients).max() < 10 * eps


def test_a_step_that_follows_from_a_wrong_memory_earns_its_points():
    """One slip, and one more in the step: the second costs what the step is worth."""

    def remembers_wrong(w, total, gradient, learning_rate, eps):
        total = total + 2 * gradient**2
        return w - learning_rate * gradient / (np.sqrt(total) + eps), total

    def steps_wrong_too(w, total, gradient, learning_rate, eps):
        total = total + 2 * gradient**2
        return w - learning_rate * gradient / (total + eps), total

    earned = [report("optimizers.adagrad", f).earned for f in (remembers_wrong, steps_wrong_too)]
    assert earned == [0.5, 0.125]


@pytest.mark.parametrize(
    ("name", "memory"),
    [
        ("momentum", (0.0,)),
        ("rprop", (0.0, 0.0)),
        ("adagrad", (np.inf,)),
        ("rmsprop", (1e200,)),
        ("adam", (0.0, 1.0, 1)),
    ],
)
def test_nothing_follows_for_weights_that_never_move(name, memory):
    def stays(w, *others):
        return w, *(each if isinstance(each, int) else np.full(w.shape, each) for each in memory)

    assert report(f"optimizers.{name}", stays).earned == 0.125


def test_a_gradient_that_is_remembered_costs_no_more_than_the_step_after_a_change_of_sign():
    """The weight rests as it should: it is what comes after that is wrong."""

    def remembers(w, size, previous, gradient, increase, decrease, min_step, max_step):
        agree = gradient * previous
        factor = np.where(agree > 0, increase, np.where(agree < 0, decrease, 1.0))
        size = np.clip(size * factor, min_step, max_step)
        return w - size * np.sign(gradient) * (agree >= 0), size, gradient

    result = report("optimizers.rprop", remembers)
    assert result.earned == 0.5
    assert "a gradient that is remembered although its sign has changed" in repr(result)


def test_what_a_wrong_memory_does_to_the_way_back_is_no_error_of_the_students():
    """Powers that overflow, arrays that do not fit: the memory is wrong, and nothing raises."""

    def counts_down(w, m, v, t, *others):
        return w, m, v, t - 10**6

    def too_long(w, velocity, *others):
        return w, np.ones(w.size + 1)

    for name, function in (("optimizers.adam", counts_down), ("optimizers.momentum", too_long)):
        told = repr(report(name, function))
        assert "raised" not in told
        assert "gave a warning" not in told


def test_first_steps_are_looked_at_before_any_later_one():
    """An exponent of 2 is right in step 2, a factor 1 - beta in step 1: each in that one alone."""

    def right_in_step(k):
        def step(w, m, v, t, gradient, learning_rate, beta1, beta2, eps):
            m = beta1 * m + (1 - beta1) * gradient
            v = beta2 * v + (1 - beta2) * gradient**2
            m_hat, v_hat = m / (1 - beta1**k), v / (1 - beta2**k)
            return w - learning_rate * m_hat / (np.sqrt(v_hat) + eps), m, v, t + 1

        return step

    assert "w_after[2]" in repr(report("optimizers.adam", right_in_step(1)))
    assert "w_after[1]" in repr(report("optimizers.adam", right_in_step(2)))


def test_an_integer_count_in_place_is_no_write_to_an_argument():
    def counts_in_place(w, m, v, t, gradient, learning_rate, beta1, beta2, eps):
        t += 1
        m = beta1 * m + (1 - beta1) * gradient
        v = beta2 * v + (1 - beta2) * gradient**2
        m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
        return w - learning_rate * m_hat / (np.sqrt(v_hat) + eps), m, v, t

    result = report("optimizers.adam", counts_in_place)
    assert result.earned == result.possible, result
