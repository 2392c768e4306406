from typing import ClassVar

import numpy as np
import pytest
from checking import Checker

from gradlab.checks import report
from gradlab.checks.early_stopping import EXERCISES

EPOCHS, PATIENCE = EXERCISES[1], EXERCISES[2]


class TestEarlyStopping(Checker):
    slug = "early-stopping"
    equivalent: ClassVar = {
        (EPOCHS.name, f"line 12: '0', {value} instead"): (
            "the first loss is finite, so the first epoch sets the count and the best epoch"
        )
        for value in (1, -1)
    }


def observed(exercise, case):
    return exercise.observe(exercise.reference, *case.arguments.values())


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda e: e.name)
def test_cases_are_never_degenerate(exercise):
    """Conditions that hide mistakes."""
    for seed in range(20):
        cases = exercise.cases(np.random.default_rng(seed))
        for case in cases:
            arguments = case.arguments
            metrics = np.array(arguments.get("losses", arguments.get("metrics")))
            finite = metrics[np.isfinite(metrics)]
            assert (finite * 4 == np.round(finite * 4)).all(), "rounding could decide"
            assert arguments.get("patience") != 10, "the default"
            if case.group in ("ordinary", "loss", "accuracy"):
                steps = np.diff(metrics)
                assert steps.min() < 0 < steps.max(), "a run in one direction"
        deltas = {case.arguments.get("min_delta", 0.0) for case in cases}
        assert deltas == {0.0} or len(deltas) > 1, "one least improvement in all cases"


@pytest.mark.parametrize("exercise", [EPOCHS, PATIENCE], ids=lambda e: e.name)
def test_no_constant_is_right_in_all_cases_of_a_criterion(exercise):
    for seed in range(20):
        cases = exercise.cases(np.random.default_rng(seed))
        for group in ("ordinary", "edge"):
            expected = {str(observed(exercise, case)) for case in cases if case.group == group}
            assert len(expected) > 1


def test_ordinary_runs_hold_a_better_loss_that_is_never_seen():
    for seed in range(20):
        cases = EPOCHS.cases(np.random.default_rng(seed))
        hidden = []
        for case in cases:
            last, best = observed(EPOCHS, case)
            losses = case.arguments["losses"]
            hidden.append(min(losses[last:]) < losses[best])
        assert sum(hidden) >= 3


@pytest.mark.parametrize(
    ("name", "function", "points"),
    [
        # The shapes, and what does not depend on the best.
        ("update", lambda best, wait, *rest: (best, wait, False), 0.25),
        ("update", lambda best, wait, *rest: (best, wait + 1, False), 0.25),
        ("update", lambda *rest: (1e9, 0, False), 0.25),
        ("epochs", lambda losses, *rest: (0, 0), 0.25),
        ("epochs", lambda losses, *rest: (len(losses) - 1, len(losses) - 1), 0.25),
        ("train", lambda network, *rest: (0, np.inf), 0.0),
        ("train", lambda network, *rest: (network.train_epoch(), network.validation_loss()), 0.0),
        ("train", lambda network, *rest: (network.train_epoch() or 1, np.inf), 0.0),
    ],
)
def test_nothing_follows_from_what_was_not_computed(name, function, points):
    assert report(f"early_stopping.{name}", function).earned == points


def test_kept_weights_are_copies_even_if_the_list_was_copied():
    """`list(network.parameters())` is a new list of the same arrays."""

    def shallow(network, patience, max_epochs):
        best, wait, epochs = np.inf, 0, 0
        kept = list(network.parameters())
        while epochs < max_epochs and wait < patience:
            network.train_epoch()
            epochs += 1
            loss = network.validation_loss()
            wait += 1
            if loss < best:
                best, wait, kept = loss, 0, list(network.parameters())
        for array, values in zip(network.parameters(), kept, strict=True):
            array[...] = values
        return epochs, best

    result = report("early_stopping.train", shallow)
    assert result.earned == 1.25, result
    assert "not copies of them" in " ".join(repr(result).split())
