import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import array_errors, torch

from gradlab import activations as act
from gradlab.gradient_bounds import gradient_norm_bounds, propagate_norms, singular_value_products
from gradlab.initialization import he_normal, lecun_normal, orthogonal, xavier_normal

FUNCTIONS = {
    "identity": (lambda x: x, lambda dout, _: dout),
    "sigmoid": (act.sigmoid, act.sigmoid_backward),
    "tanh": (act.tanh, act.tanh_backward),
    "relu": (act.relu, act.relu_backward),
    "leaky_relu": (act.leaky_relu, act.leaky_relu_backward),
    "softplus": (act.softplus, act.softplus_backward),
}


def backpropagate(x, weights, activation, target):
    """Plain backpropagation of half the squared error of one example, without biases.

    Returns the gradient for every matrix, the activation derivatives and dLoss/dOutput.
    """
    function, function_backward = FUNCTIONS[activation]
    inputs, derivatives = [x], []
    for weight in weights[:-1]:
        z = inputs[-1] @ weight
        derivatives.append(function_backward(np.ones_like(z), z))
        inputs.append(function(z))
    loss_gradient = inputs[-1] @ weights[-1] - target
    gradients, arriving = [], loss_gradient
    for layer in range(len(weights) - 1, -1, -1):
        gradients.insert(0, np.outer(inputs[layer], arriving))
        if layer:
            arriving = (weights[layer] @ arriving) * derivatives[layer - 1]
    return gradients, derivatives, loss_gradient


def make_network(seed, widths, activation, scale=1.0):
    rng = np.random.default_rng(seed)
    x, target = rng.normal(size=widths[0]), rng.normal(size=widths[-1])
    weights = [
        scale * rng.normal(size=sizes) / math.sqrt(sizes[0]) for sizes in itertools.pairwise(widths)
    ]
    return x, weights, *backpropagate(x, weights, activation, target)


def bounds_and_norm(x, weights, gradients, derivatives, loss_gradient):
    lower, upper = gradient_norm_bounds(x, weights[1:], derivatives, loss_gradient)
    return lower, float(np.linalg.norm(gradients[0])), upper


# ---- the gradients of real networks


@pytest.mark.equation("gb-upper-bound")
@pytest.mark.equation("gb-lower-bound")
@pytest.mark.parametrize("activation", FUNCTIONS)
@given(
    seed=st.integers(0, 2**32 - 1),
    widths=st.lists(st.integers(1, 7), min_size=2, max_size=6),
    scale=st.floats(0.1, 10),
)
def test_bounds_hold_for_the_gradient_of_a_network(activation, seed, widths, scale):
    lower, norm, upper = bounds_and_norm(*make_network(seed, widths, activation, scale))
    assert 0 <= lower <= norm * (1 + 1e-9)
    assert norm <= upper * (1 + 1e-9)


@given(st.integers(0, 2**32 - 1), st.integers(1, 4), st.floats(0.5, 2))
def test_lower_bound_is_positive_where_its_condition_holds(seed, depth, scale):
    # Layers after the first that never widen, and derivatives that are never 0: with larger weights
    # the net inputs grow so far below 0 that the derivative of softplus underflows.
    widths = [3, *range(6 + depth, 5, -1), 2]
    lower, norm, upper = bounds_and_norm(*make_network(seed, widths, "softplus", scale))
    assert 0 < lower <= norm * (1 + 1e-9)
    assert norm <= upper * (1 + 1e-9)


@pytest.mark.equation("gb-upper-bound")
@pytest.mark.equation("gb-lower-bound")
def test_bounds_are_their_formulas():
    x, weights, _, derivatives, loss_gradient = make_network(0, [4, 6, 5, 3], "softplus")
    expected = [np.linalg.norm(x) * np.linalg.norm(loss_gradient)] * 2
    for weight, derivative in zip(weights[1:], derivatives, strict=True):
        # Singular values as roots of eigenvalues; the package takes them from the SVD.
        values = np.sqrt(np.linalg.eigvalsh(weight.T @ weight))
        expected[0] *= np.abs(derivative).min() * values[0]
        expected[1] *= np.abs(derivative).max() * values[-1]
    got = gradient_norm_bounds(x, weights[1:], derivatives, loss_gradient)
    assert got == pytest.approx(expected, rel=1e-9)


@pytest.mark.equation("gb-weight-gradient")
def test_gradient_is_the_outer_product_of_the_example_and_the_factors():
    x, weights, gradients, derivatives, loss_gradient = make_network(1, [4, 6, 5, 3], "tanh")
    product = np.eye(6)
    for weight, derivative in zip(weights[1:], derivatives, strict=True):
        product = product @ np.diag(derivative) @ weight
    sensitivity = product @ loss_gradient
    np.testing.assert_allclose(gradients[0], np.outer(x, sensitivity), atol=1e-12)
    norm = np.linalg.norm(x) * np.linalg.norm(sensitivity)
    assert np.linalg.norm(gradients[0]) == pytest.approx(norm)


def test_plain_backpropagation_agrees_with_pytorch():
    pytorch = torch()
    x, weights, gradients, _, loss_gradient = make_network(2, [3, 5, 4, 2], "softplus", 2.0)
    leaves = [pytorch.from_numpy(weight.copy()).requires_grad_() for weight in weights]
    hidden = pytorch.from_numpy(x)
    for leaf in leaves[:-1]:
        hidden = pytorch.nn.functional.softplus(hidden @ leaf)
    output = hidden @ leaves[-1]
    target = output.detach().numpy() - loss_gradient
    (0.5 * ((output - pytorch.from_numpy(target)) ** 2).sum()).backward()
    for gradient, leaf in zip(gradients, leaves, strict=True):
        np.testing.assert_allclose(gradient, leaf.grad.numpy(), rtol=1e-6)


@pytest.mark.equation("gb-singular-value-products")
@pytest.mark.parametrize("activation", FUNCTIONS)
def test_products_bound_the_sensitivity_of_every_layer(activation):
    x, weights, gradients, derivatives, loss_gradient = make_network(3, [4, 7, 6, 5, 3], activation)
    smallest, largest = singular_value_products(weights[1:], derivatives)
    assert smallest.shape == largest.shape == (3,)
    hidden = x
    for layer in range(3):
        # ||dL/dW|| = ||h|| ||dL/dz||, so that the sensitivity is the quotient.
        sensitivity = np.linalg.norm(gradients[layer]) / np.linalg.norm(hidden)
        share = sensitivity / np.linalg.norm(loss_gradient)
        assert smallest[layer] <= share * (1 + 1e-9)
        assert share <= largest[layer] * (1 + 1e-9)
        hidden = FUNCTIONS[activation][0](hidden @ weights[layer])
        # Each entry has one layer more than the next one.
        if layer < 2:
            slopes = np.abs(derivatives[layer])
            values = np.linalg.svd(weights[layer + 1], compute_uv=False)
            assert largest[layer] == pytest.approx(largest[layer + 1] * slopes.max() * values[0])
            assert smallest[layer] == pytest.approx(smallest[layer + 1] * slopes.min() * values[-1])
    assert (smallest[0] == 0) == (activation == "relu")


# ---- where the bounds are tight


def test_both_bounds_are_attained_by_orthogonal_matrices():
    rng = np.random.default_rng(0)
    # Square ones first, then one that is narrower, and linear units.
    sizes = [(3, 6), (6, 6), (6, 6), (6, 4)]
    weights = [orthogonal(*size, rng, gain=1.5) for size in sizes]
    x = rng.normal(size=3)
    network = backpropagate(x, weights, "identity", rng.normal(size=4))
    lower, norm, upper = bounds_and_norm(x, weights, *network)
    assert lower == pytest.approx(norm, rel=1e-12)
    assert upper == pytest.approx(norm, rel=1e-12)


@given(st.integers(0, 2**32 - 1), st.integers(1, 6), st.sampled_from(["tanh", "softplus"]))
def test_both_bounds_are_attained_by_a_chain_of_single_units(seed, depth, activation):
    lower, norm, upper = bounds_and_norm(*make_network(seed, [4, *[1] * depth, 1], activation))
    assert lower == pytest.approx(norm, rel=1e-9)
    assert upper == pytest.approx(norm, rel=1e-9)


def test_each_bound_is_attained_by_the_right_gradient_at_the_output():
    x, weights, *_ = make_network(4, [4, 5, 3], "identity")
    _, values, rows = np.linalg.svd(weights[1])
    ones = [np.ones(5)]
    for which, vector in ((1, rows[0]), (0, rows[-1])):
        norm = np.linalg.norm(np.outer(x, weights[1] @ vector))
        bound = gradient_norm_bounds(x, weights[1:], ones, vector)[which]
        assert bound == pytest.approx(norm, rel=1e-12)
    assert values[0] > 1.5 * values[-1]


# ---- where the lower bound is void


def test_wide_layer_voids_the_lower_bound():
    x, weights, gradients, derivatives, loss_gradient = make_network(5, [4, 3, 5], "softplus")
    # The smallest of its three singular values is well above 0, and is not a bound.
    assert np.linalg.svd(weights[1], compute_uv=False)[-1] > 0.2
    lower, norm, upper = bounds_and_norm(x, weights, gradients, derivatives, loss_gradient)
    assert lower == 0 < norm < upper
    # A gradient at the output that the layer sends to 0.
    lost = np.linalg.svd(weights[1])[2][-1]
    assert np.linalg.norm(lost) == pytest.approx(1)
    np.testing.assert_allclose(weights[1] @ lost, 0, atol=1e-12)
    naive = np.linalg.svd(weights[1], compute_uv=False)[-1] * derivatives[0].min()
    assert np.linalg.norm(derivatives[0] * (weights[1] @ lost)) < 1e-12 < naive


def test_wide_layer_voids_it_although_the_whole_product_has_full_column_rank():
    x, weights, gradients, derivatives, loss_gradient = make_network(6, [3, 4, 8, 2], "softplus")
    product = np.diag(derivatives[0]) @ weights[1] @ np.diag(derivatives[1]) @ weights[2]
    smallest = np.linalg.svd(product, compute_uv=False)[-1]
    lower, norm, _ = bounds_and_norm(x, weights, gradients, derivatives, loss_gradient)
    assert lower == 0
    # Its own smallest singular value does bound the gradient.
    assert 0.01 < smallest * np.linalg.norm(x) * np.linalg.norm(loss_gradient) <= norm


def test_rank_deficient_matrix_voids_the_lower_bound():
    rng = np.random.default_rng(7)
    left, right = rng.normal(size=(6, 2)), rng.normal(size=(2, 4))
    x, loss_gradient = rng.normal(size=3), rng.normal(size=4)
    # Rounding leaves singular values of 1e-16 in the place of 0.
    assert np.linalg.svd(left @ right, compute_uv=False)[-1] < 1e-14
    for weight in (left @ right, 1e200 * (left @ right), 1e-200 * (left @ right), 0 * left @ right):
        lower, upper = gradient_norm_bounds(x, [weight], [np.ones(6)], loss_gradient)
        assert lower == 0
        assert (upper > 0) == weight.any()
    # A small one is not deficient.
    full = np.diag([1.0, 1e-10])
    assert gradient_norm_bounds([1.0], [full], [[1.0, 1.0]], [1.0, 0.0])[0] == pytest.approx(
        1e-10, abs=0
    )


def test_one_relu_unit_that_is_off_voids_the_lower_bound_of_an_exploding_gradient():
    # Deck S speaks of ReLU where it concludes from large singular values that gradients explode.
    widths = [20] * 16
    for activation, void in (("relu", True), ("leaky_relu", False)):
        x, weights, gradients, derivatives, loss_gradient = make_network(
            8, widths, activation, scale=6.0
        )
        lower, norm, _ = bounds_and_norm(x, weights, gradients, derivatives, loss_gradient)
        assert norm > 1e5 * np.linalg.norm(loss_gradient)
        assert (lower == 0) == void
    # With every unit on, it holds for ReLU too.
    weights = [np.full((2, 2), 0.1) + np.diag([3.0, 2.0])] * 4
    x = np.array([1.0, 2.0])
    network = backpropagate(x, weights, "relu", np.zeros(2))
    lower, norm, _ = bounds_and_norm(x, weights, *network)
    assert 0 < lower <= norm


def test_deck_s_bounds_one_row_where_the_first_factor_has_rank_one():
    x, weights, gradients, derivatives, loss_gradient = make_network(9, [4, 6, 5, 3], "softplus")
    sensitivity = gradients[0][0] / x[0]
    for unit in range(6):
        # Deck S: x in one column, zeros elsewhere, times dL/dz_1 is the gradient of one unit.
        first_factor = np.zeros((4, 6))
        first_factor[:, unit] = x
        np.testing.assert_allclose(first_factor @ sensitivity, gradients[0][:, unit], atol=1e-12)
        values = np.linalg.svd(first_factor, compute_uv=False)
        assert values[0] == pytest.approx(np.linalg.norm(x))
        # So the slide's lower bound is 0, whatever the layers behind it are.
        np.testing.assert_allclose(values[1:], 0, atol=1e-12)
    # For the whole matrix the factor is v -> x v^T, and all of its singular values are ||x||.
    whole = np.kron(x[:, None], np.eye(6))
    np.testing.assert_allclose(whole @ sensitivity, gradients[0].ravel(), atol=1e-12)
    np.testing.assert_allclose(np.linalg.svd(whole, compute_uv=False), np.linalg.norm(x))
    lower, norm, _ = bounds_and_norm(x, weights, gradients, derivatives, loss_gradient)
    assert 0 < lower <= norm


# ---- extremes


@pytest.mark.parametrize("scale", [1e-200, 1e-4, 1e4, 1e200])
def test_norms_of_large_and_small_numbers(scale):
    weight = np.array([[3.0, 0.0], [0.0, 4.0]])
    lower, upper = gradient_norm_bounds(
        np.array([3.0, 4.0]) * scale, [weight / scale], [[1.0, 1.0]], [6.0, 8.0]
    )
    assert (lower, upper) == pytest.approx((5 * 3 * 10, 5 * 4 * 10))
    lower, upper = gradient_norm_bounds([1.0], [weight * scale], [[1.0, 1.0]], [scale / scale, 0])
    assert (lower, upper) == pytest.approx((3 * scale, 4 * scale), abs=0)


def test_products_leave_the_range_of_numbers_only_if_the_result_does():
    # The first hundred layers multiply by 1e400, the next hundred by 1e-400.
    weights = [np.eye(2) * 1e4] * 100 + [np.eye(2) * 1e-4] * 100
    slopes = [[1.0, 1.0]] * 200
    assert gradient_norm_bounds([1.0], weights, slopes, [3.0, 4.0]) == pytest.approx((5, 5))
    smallest, largest = singular_value_products(weights, slopes)
    assert smallest[0] == pytest.approx(1)
    assert largest[100] == 0
    assert singular_value_products(weights[:100], slopes[:100])[1][0] == np.inf
    assert gradient_norm_bounds([1.0], weights[:100], slopes[:100], [1.0, 0.0])[1] == np.inf


def test_no_hidden_layer_and_zeros():
    assert gradient_norm_bounds([3.0, 4.0], [], [], [1.0, 0.0]) == (5.0, 5.0)
    smallest, largest = singular_value_products([], [])
    assert smallest.shape == largest.shape == (0,)
    assert gradient_norm_bounds([0.0], [np.eye(2)], [[1.0, 1.0]], [1.0, 0.0]) == (0.0, 0.0)
    assert gradient_norm_bounds([2.0], [[[3.0]]], [[-0.5]], [-7.0]) == (21.0, 21.0)


# ---- the depth experiment


@pytest.mark.equation("gb-weight-gradient")
@pytest.mark.equation("gb-sensitivity")
@pytest.mark.parametrize("name", ["sigmoid", "tanh", "relu", "softplus"])
def test_propagated_norms_are_those_of_plain_backpropagation(name):
    drawn = []

    def initializer(*arguments):
        drawn.append(he_normal(*arguments))
        return drawn[-1]

    norms = propagate_norms(6, 5, np.random.default_rng(0), initializer, *FUNCTIONS[name])
    # The draws again, in the documented order: matrices, example, gradient at the output.
    rng = np.random.default_rng(0)
    weights = [he_normal(5, 5, rng) for _ in range(7)]
    x, direction = rng.normal(size=(2, 5))
    direction /= np.linalg.norm(direction)
    np.testing.assert_array_equal(weights, drawn)
    output = x
    for weight in weights[:-1]:
        output = FUNCTIONS[name][0](output @ weight)
    target = output @ weights[-1] - direction
    gradients, derivatives, loss_gradient = backpropagate(x, weights, name, target)
    np.testing.assert_allclose(loss_gradient, direction, atol=1e-12)
    expected = [np.linalg.norm(gradient) for gradient in gradients]
    np.testing.assert_allclose(norms.gradients, expected, rtol=1e-9)
    assert norms.activations[0] == pytest.approx(np.linalg.norm(x))
    lower, upper = gradient_norm_bounds(x, weights[1:], derivatives, direction)
    assert (norms.lower[0], norms.upper[0]) == pytest.approx((lower, upper))
    assert (norms.lower <= norms.gradients * (1 + 1e-9)).all()
    assert (norms.gradients <= norms.upper * (1 + 1e-9)).all()
    # The last matrix has nothing behind it: both bounds are the norm itself.
    assert norms.lower[-1] == norms.upper[-1] == pytest.approx(norms.gradients[-1])


def share_left(initializer, name, depth=30, width=50):
    """Norm of the sensitivity of the first layer over that of the output."""
    norms = propagate_norms(depth, width, np.random.default_rng(0), initializer, *FUNCTIONS[name])
    sensitivities = norms.gradients / norms.activations
    return sensitivities[0] / sensitivities[-1]


def test_gradients_vanish_explode_or_stay():
    def large(*arguments):
        return 4 * xavier_normal(*arguments)

    assert share_left(xavier_normal, "sigmoid") < 1e-15
    assert share_left(large, "relu") > 1e10
    assert 0.05 < share_left(he_normal, "relu") < 20
    assert share_left(orthogonal, "identity") == pytest.approx(1)
    # The gradients of the matrices explode together: what the sensitivities gain on the way back,
    # the activations gained on the way forward.
    exploded = propagate_norms(30, 50, np.random.default_rng(0), large, *FUNCTIONS["relu"])
    assert exploded.gradients.min() > 1e10
    assert exploded.gradients.max() < 20 * exploded.gradients.min()


def test_it_is_large_pre_activations_that_make_the_gradient_of_tanh_vanish():
    # Deck S says "small" on one slide and the opposite on the one before it. The matrices are
    # orthogonal, so that the activation alone makes the difference; the first one sets the scale.
    def scaled(first):
        calls = iter([first] + [1.0] * 30)
        return lambda *arguments: next(calls) * orthogonal(*arguments)

    small = propagate_norms(30, 50, np.random.default_rng(0), scaled(1e-3), *FUNCTIONS["tanh"])
    sensitivity = small.gradients / small.activations
    np.testing.assert_allclose(sensitivity, 1, atol=1e-3)

    def large(*arguments):
        return 20 * orthogonal(*arguments)

    saturated = propagate_norms(30, 50, np.random.default_rng(0), large, *FUNCTIONS["tanh"])
    # The same matrices without the activation multiply by 20 a layer; saturation undoes most of it.
    sensitivity = saturated.gradients / saturated.activations
    assert sensitivity[0] < 1e-9 * 20.0**30
    # The sigmoid's derivative is at most 1/4, and so is what is left of a gradient after a layer.
    sigmoid = propagate_norms(30, 50, np.random.default_rng(0), scaled(1e-3), *FUNCTIONS["sigmoid"])
    assert sigmoid.upper[0] / sigmoid.activations[0] <= 0.25**30 * (1 + 1e-9)


def test_depth_experiment_with_one_layer_and_one_unit():
    norms = propagate_norms(1, 1, np.random.default_rng(0), lecun_normal, *FUNCTIONS["tanh"])
    assert [len(values) for values in norms] == [2, 2, 2, 2]
    np.testing.assert_allclose(norms.lower, norms.gradients)
    np.testing.assert_allclose(norms.upper, norms.gradients)


# ---- conventions of the package


def test_precision_lists_and_other_memory_layouts():
    x, weights, _, derivatives, loss_gradient = make_network(10, [4, 6, 5, 3], "tanh")
    arguments = x, weights[1:], derivatives, loss_gradient
    copies = [np.array(a) for a in (x, weights[1], weights[2], *derivatives, loss_gradient)]
    expected = gradient_norm_bounds(*arguments)
    assert all(type(bound) is float for bound in expected)
    for change in (np.asfortranarray, lambda a: a.astype(">f8"), lambda a: a.tolist()):
        changed = (
            change(x),
            tuple(change(w) for w in weights[1:]),
            [change(d) for d in derivatives],
            change(loss_gradient),
        )
        assert gradient_norm_bounds(*changed) == pytest.approx(expected, rel=1e-12)
    single = [np.float32(a) for a in (x, weights[1], weights[2], *derivatives, loss_gradient)]
    got = gradient_norm_bounds(single[0], single[1:3], single[3:5], single[5])
    assert got == pytest.approx(expected, rel=1e-5)
    smallest, _ = singular_value_products(single[1:3], single[3:5])
    assert smallest.dtype == np.float64
    # A stack of square matrices is a sequence, and integers are numbers.
    stack = np.arange(8).reshape(2, 2, 2)
    assert gradient_norm_bounds([1, 2], stack, np.ones((2, 2)), [3, 4]) == gradient_norm_bounds(
        [1.0, 2.0], list(stack.astype(float)), [[1.0, 1.0]] * 2, [3.0, 4.0]
    )
    for array, copy in zip(
        (x, weights[1], weights[2], *derivatives, loss_gradient), copies, strict=True
    ):
        np.testing.assert_array_equal(array, copy)


# ---- bad input

W = [np.ones((3, 2)), np.ones((2, 4))]
D = [np.ones(3), np.ones(2)]
CALLS = {
    gradient_norm_bounds: {
        "x": np.ones(5),
        "weights": W,
        "activation_derivatives": D,
        "loss_gradient": np.ones(4),
    },
    singular_value_products: {"weights": W, "activation_derivatives": D},
    propagate_norms: {
        "depth": 2,
        "width": 3,
        "rng": np.random.default_rng(0),
        "initializer": he_normal,
        "activation": act.tanh,
        "activation_backward": act.tanh_backward,
    },
}


def bad_calls():
    for name in ("x", "loss_gradient"):
        good = CALLS[gradient_norm_bounds][name]
        for argument, bad, error in array_errors(name, good):
            yield gradient_norm_bounds, argument, bad, error
        for value in (np.nan, np.inf):
            yield (
                gradient_norm_bounds,
                name,
                np.where(np.arange(good.size) == 1, value, 1),
                ValueError,
            )
    yield gradient_norm_bounds, "loss_gradient", np.ones(3), ValueError
    for function in (gradient_norm_bounds, singular_value_products):
        for name, good in (("weights", W), ("activation_derivatives", D)):
            for _, bad, error in array_errors(name, good[1]):
                yield function, name, [good[0], bad], error
            for value in (np.nan, -np.inf):
                yield function, name, [good[0], good[1] * value], ValueError
            for bad in (None, 1.0, "ab", np.float64(1)):
                yield function, name, bad, TypeError
        yield function, "weights", [W[0], np.ones((3, 4))], ValueError
        yield function, "weights", np.ones((2, 2)), ValueError
        yield function, "weights", [W[0], [[1.0], [1.0, 2.0]]], ValueError
        yield function, "weights", [W[0], np.ones((2, 0))], ValueError
        yield function, "activation_derivatives", D[:1], ValueError
        yield function, "activation_derivatives", D[::-1], ValueError
        yield function, "activation_derivatives", [], ValueError
    for name in ("depth", "width"):
        yield from ((propagate_norms, name, bad, ValueError) for bad in (0, -1))
        yield from ((propagate_norms, name, bad, TypeError) for bad in (2.0, "2", None, True))
    yield from ((propagate_norms, "rng", bad, TypeError) for bad in (None, 0, np.random))
    for name in ("initializer", "activation", "activation_backward"):
        yield from ((propagate_norms, name, bad, TypeError) for bad in (None, "tanh"))
    yield propagate_norms, "initializer", lambda *_: np.ones((2, 3)), ValueError


@pytest.mark.parametrize(("function", "name", "bad", "error"), list(bad_calls()))
def test_bad_input_is_refused_by_name(function, name, bad, error):
    with pytest.raises(error, match=rf"^{name} must"):
        function(**(CALLS[function] | {name: bad}))
