from itertools import pairwise
from typing import ClassVar

import numpy as np
from checking import Checker

from gradlab.checks import report
from gradlab.checks._edits import edited
from gradlab.checks.transfer_learning import PHASES, RESIZE, REUSE, STEP


class TestTransferLearning(Checker):
    slug = "transfer-learning"
    equivalent: ClassVar = {
        (RESIZE.name, "line 19: 'weights.sum(axis=1)', sign turned"): (
            "the rows' weights and the columns' both change their sign, and the result has neither"
        ),
    }


def cases_of(exercise):
    for seed in range(20):
        for case in exercise.cases(np.random.default_rng(seed)):
            yield case.group, case.arguments


def fits(arrays):
    """Whether each layer takes what the one below it gives."""
    weights, biases = arrays[::2], arrays[1::2]
    return all(w.shape[1] == b.size for w, b in zip(weights, biases, strict=True)) and all(
        a.shape[1] == b.shape[0] for a, b in pairwise(weights)
    )


def test_networks_fit_together_and_layers_differ():
    for _, arguments in cases_of(REUSE):
        params, _ = REUSE.reference(*arguments.values())
        assert fits(params)
        assert fits(arguments["pretrained"])
    for exercise in (STEP, PHASES):
        for _, arguments in cases_of(exercise):
            assert fits(arguments["params"])


def test_the_reference_is_a_copy():
    for _, arguments in cases_of(REUSE):
        params, _ = REUSE.reference(*arguments.values())
        reused = params[: 2 * arguments["layers"]]
        for new, old in zip(reused, arguments["pretrained"], strict=False):
            np.testing.assert_array_equal(new, old)
            assert not np.shares_memory(new, old)


def test_something_is_frozen_and_not_everything():
    for group, arguments in cases_of(STEP):
        layers = len(arguments["params"]) // 2
        assert arguments["frozen"] < layers
        if group == "ordinary":
            assert arguments["frozen"] > 0
            assert arguments["strength"] > 0
            assert 2 * arguments["frozen"] != layers, "both halves are as large"


def test_phases_differ_in_everything():
    for group, arguments in cases_of(PHASES):
        assert arguments["momentum"] != 0.5
        assert 2 * arguments["reused"] < len(arguments["params"])
        if group == "both":
            assert 0 < arguments["top"] < arguments["reused"]
            assert min(arguments["steps"]) > 1, "one step has no velocity"
            assert arguments["steps"][0] != arguments["steps"][1]
            assert arguments["reduction"] != 0.5


def test_every_parameter_matters_for_every_gradient():
    for _, arguments in cases_of(PHASES):
        params, gradients = arguments["params"], arguments["gradients"]
        before = gradients(params)
        moved = [*params[:-1], params[-1] + 0.1]
        for old, new in zip(before, gradients(moved), strict=True):
            assert (old != new).all()


def test_images_are_not_square_and_change_in_both_directions():
    for group, arguments in cases_of(RESIZE):
        (height, width), (rows, columns) = arguments["image"].shape, arguments["size"]
        if group != "edge":
            assert rows != columns
            assert height != width
            assert rows not in (height, width)
            assert columns not in (width, height)
            assert arguments["antialias"] == (group == "antialias")
    shrinks = {
        (a["image"].shape[1] > a["size"][1]) for group, a in cases_of(RESIZE) if a["antialias"]
    }
    assert shrinks == {True, False}


def test_a_second_phase_that_follows_from_a_wrong_first_one_earns_its_points():
    """One slip in the first phase, and one more in the second: each costs what it is worth."""
    slip = "steps[0], learning_rate -> steps[0], 2 * learning_rate"
    another = "reduction * learning_rate -> learning_rate"
    model = PHASES.model
    earned = [report(PHASES.name, edited(model, *e)).earned for e in ((slip,), (slip, another))]
    assert earned == [1.125, 0.25]


def test_arrays_that_are_missing_after_the_first_phase_are_no_error_of_the_check():
    told = repr(report(PHASES.name, lambda params, *others: params[:-1]))
    assert "raised" not in told
    assert "entries, expected" in told
