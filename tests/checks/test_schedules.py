import numpy as np
import pytest
from checking import Checker

from gradlab.checks.schedules import BEST_RATES, EXPONENTIAL, PERFORMANCE, POWER

SEEDS = range(20)


class TestSchedules(Checker):
    slug = "schedules"


def arguments(exercise, *groups):
    for seed in SEEDS:
        for case in exercise.cases(np.random.default_rng(seed)):
            if case.group in groups:
                yield case.arguments


@pytest.mark.parametrize("exercise", [POWER, EXPONENTIAL], ids=lambda e: e.name)
def test_steps_hide_nothing(exercise):
    for given in arguments(exercise, "ordinary"):
        stretches = given["step"] / given["decay_steps"]
        assert stretches[0] == 0
        assert (stretches[1:] % 1 > 0).all(), "a step at the edge of a stair"
        assert (stretches % 1 > 0.5).any(), "rounding and rounding down agree"
        assert stretches.max() > 2
        assert len(np.unique(given["step"])) == len(given["step"])
        assert given.get("decay_rate") != 0.5, "what is lost equals what is left"
        assert given["init_value"] < 1
    powers = {given["power"] for given in arguments(POWER, "ordinary")}
    assert len(powers - {1.0}) >= 2, "a power of 1 hides where it stands"


def test_the_edges_of_the_stairs_are_met_exactly():
    for given in arguments(EXPONENTIAL, "edge"):
        stretches = given["step"] / given["decay_steps"]
        assert (stretches[1:] % 1 == 0).any()
        assert not (stretches[1:] % 1 == 0).all()


def test_runs_hide_nothing():
    for given in arguments(PERFORMANCE, "ordinary", "delta", "floor"):
        losses = given["losses"]
        assert np.isfinite(losses).all()
        rates = PERFORMANCE.reference(**given)
        reductions = (np.diff(rates, prepend=given["init_value"]) < 0).sum()
        assert reductions >= 2, "a single reduction hides what happens to the count"
        assert (np.diff(losses) < 0).sum() >= 4
        if given["min_delta"]:
            best = np.inf
            for loss in losses:
                ratio = (best - loss) / given["min_delta"]
                assert not 0.95 < ratio < 1.05, "rounding decides what is an improvement"
                best = loss if ratio > 1 else best
    floors = [(g, PERFORMANCE.reference(**g)) for g in arguments(PERFORMANCE, "floor")]
    assert all((rates == given["min_value"]).sum() > 1 for given, rates in floors)
    assert all((rates > given["min_value"]).sum() > 1 for given, rates in floors)
    for given in arguments(PERFORMANCE, "nan"):
        assert np.isnan(given["losses"][0])
        assert np.isinf(given["losses"]).any()


@pytest.mark.equation("sched-noisy-bowl")
@pytest.mark.equation("sched-best-rate")
def test_no_other_rate_does_better_in_any_step():
    for given in arguments(BEST_RATES, "ordinary", "edge"):
        h, noise, error = given["curvature"], given["noise"], given["error"]
        assert all(abs(value - 1) > 0.1 for value in (h, noise, error)), "1 hides its power"
        for rate in BEST_RATES.reference(**given):
            rivals = rate * np.array([1.0, 0.99, 1.01, 0.5, 2.0])
            errors = (1 - rivals * h) ** 2 * error + rivals**2 * noise
            assert errors.argmin() == 0
            error = errors[0]
