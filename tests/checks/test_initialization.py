import numpy as np
import pytest
from checking import Checker

from gradlab.activations import leaky_relu
from gradlab.checks import exercise
from gradlab.checks.initialization import EXERCISES


class TestInitialization(Checker):
    slug = "initialization"


def cases(name, seeds=range(20)):
    for seed in seeds:
        yield from exercise(f"initialization.{name}").cases(np.random.default_rng(seed))


@pytest.mark.parametrize("case_of", EXERCISES, ids=lambda e: e.name)
def test_layers_are_never_square(case_of):
    for seed in range(20):
        for case in case_of.cases(np.random.default_rng(seed)):
            arguments = case.arguments
            if "fan_in" in arguments:
                ratio = arguments["fan_in"] / arguments["fan_out"]
                assert abs(np.log(ratio)) > 0.3, "a fan taken for the other is not seen"
            if "widths" in arguments:
                assert len(set(arguments["widths"])) == len(arguments["widths"])
            for weight in arguments.get("weights", []):
                assert weight.shape[0] != weight.shape[1]


def test_spread_asks_for_each_rule_in_both_orders_of_size():
    asked = {
        (case.arguments["rule"], case.arguments["fan_in"] > case.arguments["fan_out"])
        for case in cases("spread", [0])
    }
    assert asked == {(rule, larger) for rule in RULES for larger in (False, True)}


RULES = {
    "lecun": lambda fan_in, fan_out: 1 / fan_in,
    "xavier": lambda fan_in, fan_out: 2 / (fan_in + fan_out),
    "he": lambda fan_in, fan_out: 2 / fan_in,
    "he-average": lambda fan_in, fan_out: 4 / (fan_in + fan_out),
}


def test_spread_taken_from_the_package_is_that_of_the_formulas():
    spread = exercise("initialization.spread").reference
    for case in cases("spread", range(5)):
        rule, *fans = case.arguments.values()
        variance = RULES[rule](*fans)
        expected = variance**0.5, (3 * variance) ** 0.5
        np.testing.assert_allclose(spread(rule, *fans), expected, rtol=1e-12)


def test_draws_are_many_enough_for_the_tolerances():
    """Six standard deviations of the difference between two draws of these sizes."""
    chosen = exercise("initialization.draw")
    limits, evenness = chosen.criteria[2], chosen.criteria[3]
    for case in cases("draw"):
        count = case.arguments["fan_in"] * case.arguments["fan_out"]
        assert count > 20_000
        deviation = ((9 / 5 - 1) / (4 * count)) ** 0.5
        share = 3**-0.5
        within = (share * (1 - share) / count) ** 0.5 / share
        assert evenness.tolerance[0] > 6 * 2**0.5 * max(deviation, within)
        # The chance that none of the draws is that close to the limit.
        assert (1 - limits.tolerance[0] / 2) ** count < 1e-15


def test_wrong_limits_are_far_outside_the_tolerances():
    chosen = exercise("initialization.draw")
    for case in cases("draw"):
        fan_in, fan_out = case.arguments["fan_in"], case.arguments["fan_out"]
        right = np.sqrt(6 / fan_in)
        for square in (2 / fan_in, 3 / fan_in, 6 / fan_out, 6 / (fan_in + fan_out), 12 / fan_in):
            assert abs(np.sqrt(square) / right - 1) > 3 * chosen.criteria[3].tolerance[0]


def test_mean_squares_ask_for_every_kind_of_unit():
    for case in cases("mean_squares"):
        widths, variances, _, start, end = case.arguments.values()
        assert np.unique(variances).size == len(widths) - 1
        assert min(abs(np.log(v)) for v in (start, end, start / end)) > 0.1
    slopes = [case.arguments["alpha"] for case in cases("mean_squares", [0])]
    assert {0.0, 1.0} < set(slopes)
    assert sum(0 < alpha < 0.5 for alpha in slopes) >= 3


def test_signals_have_a_mean_and_a_size_of_their_own():
    for case in cases("balancing_factors"):
        x, weights, alpha = case.arguments.values()
        assert abs((x**2).mean() - 1) > 0.1
        assert x.mean() ** 2 > 0.01 * x.var()
        assert len(x) not in x.shape[1:]
        factors = exercise("initialization.balancing_factors").reference(x, weights, alpha)
        assert (np.abs(np.log(factors)) > 1e-3).all()
        hidden, sizes = x, []
        for factor, weight in zip(factors, weights, strict=True):
            hidden = leaky_relu(hidden @ (factor * weight), alpha)
            sizes.append((hidden**2).mean())
        np.testing.assert_allclose(sizes, (x**2).mean())
