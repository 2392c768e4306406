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
        x = case.arguments["x"]
        assert (x[..., ::2] != 0).all(), "columns that show every mask"
        if case.group in ("share", "ordinary"):
            assert 0.05 < (x == 0).mean() < 0.15, "silent units, as after a ReLU"
        if case.group in ("share", "inference"):
            assert case.arguments["x"].size >= 20_000


def test_the_tolerance_for_shares_is_six_deviations_and_mistakes_are_outside():
    (criterion,) = [c for c in FORWARD.criteria if c.group == "share"]
    for case in FORWARD.cases(np.random.default_rng(0)):
        if case.group == "share":
            rate, size = case.arguments["rate"], np.count_nonzero(case.arguments["x"])
            deviation = np.sqrt(2 * rate * (1 - rate) / size)
            assert criterion.tolerance[1] > 5.9 * deviation
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


# ---- what was given a false name, or full marks


def _scaled_mask(x, rate, rng):
    return (rng.random(x.shape) >= rate) / (1 - rate)


def _trained(out_and_mask):
    """Dropout whose training step is this, and whose inference is right."""

    def forward(x, rate, rng, training):
        return out_and_mask(x, rate, rng) if training else (x, np.ones_like(x))

    return forward


def _combined(combine):
    def training_step(x, rate, rng):
        mask = _scaled_mask(x, rate, rng)
        return combine(x, mask), mask

    return _trained(training_step)


def _without_parentheses(x, rate, rng):
    mask = (rng.random(x.shape) >= rate) / 1 - rate
    return x * mask, mask


def _exchanged(x, rate, rng, training):
    return FORWARD.reference(x, rate, rng, not training)


def _named(result):
    return {f.misconception for f in result.findings if f.misconception}


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (_exchanged, "training and inference exchanged"),
        (_combined(lambda x, mask: x), "a mask that x is not multiplied by"),
        (_combined(lambda x, mask: x - mask), ""),
        (_combined(lambda x, mask: x + mask), ""),
        (_trained(_without_parentheses), "a difference without its parentheses"),
    ],
)
def test_keeping_everything_is_no_division_before_the_comparison(function, name):
    for seed in ("", "a", "b"):
        assert _named(report("dropout.forward", function, seed)) == {name} - {""}


def test_an_agreeing_share_alone_is_no_evidence():
    def above(x, rate, rng):
        mask = (rng.standard_normal(x.shape) > rate) / rate
        return x * mask, mask

    def kept_below(x, rate, rng):
        mask = (rng.random(x.shape) < rate) / rate
        return x * mask, mask

    found = _named(report("dropout.forward", _trained(above)))
    assert found == {"a normal random number in place of a uniform one"}
    found = _named(report("dropout.forward", _trained(kept_below)))
    assert found == {"rate taken as the probability to keep"}


def _mask_from(recover):
    def training_step(x, rate, rng):
        out = x * _scaled_mask(x, rate, rng)
        return out, recover(out, x, rate)

    return _trained(training_step)


def _exact_share(x, rate, rng):
    kept = rng.permutation(x.size).reshape(x.shape) >= round(rate * x.size)
    return x * kept / (1 - rate), kept / (1 - rate)


def _exact_share_of_each(axis):
    def training_step(x, rate, rng):
        order = rng.random(x.shape).argsort(axis=axis).argsort(axis=axis)
        kept = order >= round(rate * x.shape[axis])
        return x * kept / (1 - rate), kept / (1 - rate)

    return _trained(training_step)


@pytest.mark.parametrize(
    ("function", "lost"),
    [
        (_mask_from(lambda out, x, rate: (out != 0) / (1 - rate)), "mask is what x was"),
        (_mask_from(lambda out, x, rate: out / x), "mask is what x was"),
        (_trained(_exact_share), "each entry has a draw"),
        (_exact_share_of_each(0), "each entry has a draw"),
        (_exact_share_of_each(-1), "each entry has a draw"),
    ],
)
def test_a_mask_read_off_the_output_and_an_exact_share_lose(function, lost):
    for seed in ("", "a", "b"):
        result = report("dropout.forward", function, seed)
        failed = [f.criterion.title for f in result.findings if not f.passed]
        assert any(title.startswith(lost) for title in failed), result
