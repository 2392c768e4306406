from typing import ClassVar

import numpy as np
import pytest
from checking import Checker

from gradlab.checks import report
from gradlab.checks.dropout import AVERAGE, BACKWARD, EXERCISES, FORWARD, INFERENCE


class TestDropout(Checker):
    slug = "dropout"
    equivalent: ClassVar = {
        (
            "dropout.forward",
            "line 16: 'rng.random(x.shape) >= rate', comparison Gt",
        ): "a uniform number meets the rate itself with probability 2^-53"
    }


SEEDS = range(20)


def cases(exercise):
    return [c for seed in SEEDS for c in exercise.cases(np.random.default_rng(seed))]


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda e: e.name)
def test_no_rate_of_one_half_and_no_square_shapes(exercise):
    for case in cases(exercise):
        rates = [v for name, v in case.arguments.items() if name.endswith("rate")]
        assert all(abs(rate - 0.5) > 0.09 for rate in rates), "drop and keep look the same"
        for name in ("x", "h", "dz"):
            shape = np.shape(case.arguments.get(name, 0.0))
            assert len(set(shape)) == len(shape), "an axis can be taken for another"


def test_forward_cases_can_tell_a_dropped_entry_and_have_enough_draws():
    for case in cases(FORWARD):
        assert (case.arguments["x"] != 0).all()
        if case.group in ("share", "inference"):
            assert case.arguments["x"].size >= 20_000


def test_the_tolerance_for_shares_is_six_deviations_and_mistakes_are_outside():
    (criterion,) = [c for c in FORWARD.criteria if c.group == "share"]
    for case in FORWARD.cases(np.random.default_rng(0)):
        if case.group == "share":
            rate, size = case.arguments["rate"], case.arguments["x"].size
            deviation = np.sqrt(2 * rate * (1 - rate) / size)
            assert criterion.tolerance[1] > 6 * deviation
            assert abs(1 - 2 * rate) - criterion.tolerance[1] > 6 * deviation


def test_backward_cases_have_silent_units_and_masks_that_differ():
    for case in cases(BACKWARD):
        h, mask, dz = (case.arguments[name] for name in ("h", "mask", "dz"))
        assert ((h == 0) & (mask != 0)).any(), "a silent unit that is on"
        assert np.unique(dz).size == dz.size, "a uniform dz hides a sum taken too early"
        if case.group == "ordinary":
            assert len(np.unique(mask, axis=0)) > 1, "one mask for all examples"
            assert (mask.any(axis=0) & (mask == 0).any(axis=0)).all()
            assert mask.max() > 1.1, "a mask without a scale"


def test_inference_cases_have_two_rates_and_hidden_layers():
    for case in cases(INFERENCE):
        a = case.arguments
        assert abs(a["input_rate"] - a["hidden_rate"]) > 0.1
        assert case.group == "edge" or len(a["weights"]) > 1


def test_the_average_is_far_from_the_network_at_inference():
    for case in cases(AVERAGE):
        if case.group == "ordinary":
            predict, h, rate = case.arguments.values()
            average = AVERAGE.reference(predict, h, rate)
            assert np.abs(average - predict(h[np.newaxis])[0]).max() > 1e-5


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda e: e.name)
def test_mistakes_can_be_computed_in_every_case(exercise):
    """A misconception that raises would take the report down."""
    for case in exercise.cases(np.random.default_rng(0)):
        for misconception in exercise.misconceptions:
            for variant in misconception.variants:
                with np.errstate(all="ignore"):
                    exercise.observe(variant, *case.arguments.values())


@pytest.mark.parametrize("part", ["out", "mask"])
def test_a_wrong_shape_of_one_output_is_said_and_is_no_error(part):
    def wrong(x, rate, rng, training):
        out, mask = FORWARD.reference(x, rate, rng, training)
        return (out[:1, :2], mask) if part == "out" else (out, mask[:, :1])

    text = " ".join(repr(report("dropout.forward", wrong)).split())
    assert f"{part} has shape" in text
    assert "raised" not in text
