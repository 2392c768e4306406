import jupytext
import numpy as np
import pytest
from checking import Checker, answers
from support import ROOT

from gradlab.checks import exercise
from gradlab.checks.gradient_bounds import EXERCISES
from gradlab.gradient_bounds import gradient_norm_bounds, propagate_norms


class TestGradientBounds(Checker):
    slug = "gradient-bounds"


def cases(name, seeds=range(20)):
    for seed in seeds:
        yield from exercise(f"gradient_bounds.{name}").cases(np.random.default_rng(seed))


@pytest.mark.parametrize("case_of", EXERCISES, ids=lambda e: e.name)
def test_right_results_differ_from_trivial_ones(case_of):
    """Neither zeros nor ones, the same for all entries, nor one output twice."""
    for seed in range(20):
        for case in case_of.cases(np.random.default_rng(seed)):
            results = case_of.reference(*case.arguments.values())
            if len(case_of.outputs) == 1:
                assert abs(results - 1) > 1e-3, "a gain of 1 hides everything"
                continue
            first, second = map(np.atleast_1d, results)
            assert np.unique(second).size == second.size
            assert (second > 0).all()
            if not case.label.startswith("0 "):
                assert not np.allclose(first, second, atol=0)


def test_factors_are_asked_of_every_kind_of_layer():
    kinds = set()
    for case in cases("layer_factors"):
        weight, slopes = case.arguments.values()
        rows, columns = weight.shape
        kinds.add((case.group, np.sign(rows - columns)))
        assert min(rows, columns) > 2, "with two singular values the order is all"
        low, high = exercise("gradient_bounds.layer_factors").reference(weight, slopes)
        void = "widening" in case.label or "proportional" in case.label or "off" in case.label
        assert (low == 0) == void
        assert high > 0.05
        if case.group == "signs":
            assert -slopes.min() > slopes.max() > 0, "the steepest slope is negative"
            assert -slopes[slopes < 0].max() < slopes[slopes > 0].min(), "and the flattest"
    assert kinds == {("ordinary", 0), ("ordinary", 1), ("void", 1), ("void", -1), ("signs", 1)}


def test_factors_of_the_exercise_bound_what_the_layer_does():
    rng = np.random.default_rng(0)
    for case in cases("layer_factors", range(5)):
        weight, slopes = case.arguments.values()
        low, high = exercise("gradient_bounds.layer_factors").reference(weight, slopes)
        for v in rng.standard_normal((50, weight.shape[1])):
            ratio = np.linalg.norm(slopes * (weight @ v)) / np.linalg.norm(v)
            assert low <= ratio <= high


def test_tiny_gradients_have_squares_that_underflow_and_are_numbers_themselves():
    for case in cases("norm_bounds"):
        if case.group == "float32":
            tiny = case.arguments["loss_gradient"]
            assert tiny.dtype == np.float32
            assert tiny.all()
            assert not (tiny**2).any()


def test_layers_of_one_width_and_of_many_are_asked_and_slopes_matter():
    for name in ("norms_through_depth", "balancing_gain"):
        for case in cases(name):
            x, weights, loss_gradient = case.arguments.values()
            widths = [x.size, *(weight.shape[1] for weight in weights)]
            assert widths[-1] == loss_gradient.size
            assert (len(set(widths)) == 1) == (case.group in ("ordinary", "deep"))
            if case.group == "ordinary":
                for weight in weights:
                    assert not np.allclose(weight, weight.T)
            if name == "norms_through_depth" and case.group == "ordinary":
                assert np.abs(np.tanh(weights[0].T @ x)).max() > 0.3, "tanh is not linear here"


def test_sensitivities_vanish_in_the_deep_case():
    for case in cases("norms_through_depth"):
        sensitivities, _ = exercise("gradient_bounds.norms_through_depth").reference(
            *case.arguments.values()
        )
        if case.group == "deep":
            assert 0 < sensitivities[0] < 1e-6 * sensitivities[-1]


def test_references_agree_with_the_bounds_of_the_package():
    """The exercise's way through backpropagation, and the package's through depth."""
    drawn, width, depth = [], 5, 4

    def initializer(*arguments):
        drawn.append(np.random.default_rng(len(drawn)).standard_normal((width, width)))
        return drawn[-1]

    seed = 3
    norms = propagate_norms(
        depth,
        width,
        np.random.default_rng(seed),
        initializer,
        np.tanh,
        lambda dout, z: dout / np.cosh(z) ** 2,
    )
    rng = np.random.default_rng(seed)
    x, loss_gradient = rng.standard_normal((2, width))
    loss_gradient /= np.linalg.norm(loss_gradient)
    reference = exercise("gradient_bounds.norms_through_depth").reference
    sensitivities, gradients = reference(x, drawn, loss_gradient)
    np.testing.assert_allclose(gradients, norms.gradients)
    np.testing.assert_allclose(sensitivities, norms.gradients / norms.activations)

    hidden, slopes = [x], []
    for weight in drawn[:-1]:
        hidden.append(np.tanh(hidden[-1] @ weight))
        slopes.append(1 - hidden[-1] ** 2)
    factors = exercise("gradient_bounds.layer_factors").reference
    smallest, largest = np.transpose([factors(*pair) for pair in zip(drawn[1:], slopes)])
    bounds = exercise("gradient_bounds.norm_bounds").reference
    lower, upper = bounds(hidden, smallest, largest, loss_gradient)
    np.testing.assert_allclose(lower, norms.lower)
    np.testing.assert_allclose(upper, norms.upper)
    first = gradient_norm_bounds(x, drawn[1:], slopes, loss_gradient)
    np.testing.assert_allclose((lower[0], upper[0]), first)


def test_gain_does_what_it_is_for():
    gain_of = exercise("gradient_bounds.balancing_gain").reference
    for case in cases("balancing_gain", range(5)):
        x, weights, loss_gradient = case.arguments.values()
        scaled = [gain_of(x, weights, loss_gradient) * weight for weight in weights]
        assert gain_of(x, scaled, loss_gradient) == pytest.approx(1)


def test_numba_form_agrees_with_numpy():
    answer = answers("gradient-bounds")["gradient_bounds.norms_through_depth"]
    solution = jupytext.read(ROOT / "solutions" / "gradient-bounds.py")
    scope = {"np": np}
    exec(next(c.source for c in solution.cells if "def sensitivities_numba" in c.source), scope)
    rng = np.random.default_rng(0)
    stacked, (x, gradient) = rng.normal(0, 0.5, (5, 6, 6)), rng.normal(size=(2, 6))
    expected, _ = answer.run(answer.source)(x, list(stacked), gradient)
    np.testing.assert_allclose(scope["sensitivities_numba"](x, stacked, gradient), expected)
