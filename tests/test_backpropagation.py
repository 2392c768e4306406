from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import array_errors, assert_agrees, frozen, torch

from gradlab.activations import relu, relu_backward
from gradlab.backpropagation import (
    bias_relu,
    mlp_backward,
    mlp_forward,
    relu_bias_backward,
    sensitivities,
)
from gradlab.gradient_check import check_gradient
from gradlab.network import Activation, Dense, Network

DTYPES = [np.float64, np.float32]

FUNCTIONS = {
    "identity": (lambda n: n, lambda n: np.ones_like(n)),
    "relu": (lambda n: np.maximum(n, 0), lambda n: (n > 0) * 1.0),
    "sigmoid": (lambda n: 1 / (1 + np.exp(-n)), lambda n: np.exp(-n) / (1 + np.exp(-n)) ** 2),
    "tanh": (np.tanh, lambda n: 1 / np.cosh(n) ** 2),
}


def make_network(seed, widths=(3, 5, 4, 2), batch=6, dtype=np.float64):
    """A batch, weights, biases and a dout without symmetry."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(batch, widths[0])) + 0.3
    weights = [rng.normal(size=shape) for shape in pairwise(widths)]
    biases = [rng.normal(size=fan_out) for fan_out in widths[1:]]
    dout = rng.normal(size=(batch, widths[-1])) + 0.5
    cast = [a.astype(dtype) for a in (x, *weights, *biases, dout)]
    layers = len(weights)
    return cast[0], cast[1 : layers + 1], cast[layers + 1 : -1], cast[-1]


# ---- the definition


@pytest.mark.equation("bp-net-input")
@pytest.mark.equation("bp-activation")
@pytest.mark.parametrize("activation", FUNCTIONS)
@pytest.mark.parametrize("output", FUNCTIONS)
def test_forward_is_the_definition_for_each_example(activation, output):
    x, weights, biases, _ = make_network(0)
    out, cache = mlp_forward(x, weights, biases, activation, output)
    for i in range(6):
        a = x[i]
        for k, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
            np.testing.assert_allclose(cache.inputs[k][i], a)
            # Deck H eq. (6): a 1 before the example, the bias above the weights.
            n = np.concatenate([[1.0], a]) @ np.vstack([bias, weight])
            np.testing.assert_allclose(cache.net_inputs[k][i], n)
            a = FUNCTIONS[output if k == 2 else activation][0](n)
        np.testing.assert_allclose(out[i], a)
    assert cache.activations == (activation, activation, output)


@pytest.mark.equation("bp-sensitivity-output")
@pytest.mark.equation("bp-sensitivity")
@pytest.mark.parametrize("activation", FUNCTIONS)
@pytest.mark.parametrize("output", FUNCTIONS)
def test_sensitivities_are_those_of_the_deck_for_each_example(activation, output):
    x, weights, biases, _ = make_network(1)
    target = np.random.default_rng(1).normal(size=(6, 2))
    out, cache = mlp_forward(x, weights, biases, activation, output)
    s1, s2, s3 = sensitivities(-2 * (target - out), cache)
    slope = FUNCTIONS[activation][1]
    n1, n2, n3 = cache.net_inputs
    for i in range(6):
        # Deck H eqs. (7), (8) and (10), with row vectors and diagonal matrices.
        last = -2 * (target[i] - out[i]) @ np.diag(FUNCTIONS[output][1](n3[i]))
        middle = last @ weights[2].T @ np.diag(slope(n2[i]))
        first = middle @ weights[1].T @ np.diag(slope(n1[i]))
        for got, expected in ((s3, last), (s2, middle), (s1, first)):
            np.testing.assert_allclose(got[i], expected, atol=1e-12)


@pytest.mark.equation("bp-weight-gradient")
@pytest.mark.equation("bp-bias-gradient")
@pytest.mark.equation("bp-input-gradient")
def test_gradients_are_sums_over_examples_of_outer_products():
    x, weights, biases, dout = make_network(2)
    _, cache = mlp_forward(x, weights, biases)
    s = sensitivities(dout, cache)
    dx, dweights, dbiases = mlp_backward(dout, cache)
    for k in range(3):
        # Deck H eq. (9): [1 a]^T s, added over the batch.
        total = sum(
            np.outer(np.concatenate([[1.0], cache.inputs[k][i]]), s[k][i]) for i in range(6)
        )
        np.testing.assert_allclose(dbiases[k], total[0])
        np.testing.assert_allclose(dweights[k], total[1:])
    for i in range(6):
        np.testing.assert_allclose(dx[i], weights[0] @ s[0][i])


@pytest.mark.equation("bp-net-input")
@pytest.mark.equation("bp-bias-gradient")
@pytest.mark.parametrize("dtype", DTYPES)
def test_bias_and_relu_in_one_pass_are_those_of_two(dtype):
    rng = np.random.default_rng(4)
    product, bias = rng.normal(size=(50, 7)).astype(dtype), rng.normal(size=7).astype(dtype)
    product[0], bias[6] = [np.inf, -np.inf, np.nan, -bias[3], 0.0, -0.0, -0.0], -0.0
    out = product.copy()
    bias_relu(out, bias)
    net = product + bias
    np.testing.assert_array_equal(out, relu(net))
    assert not np.signbit(out).any()

    dout = rng.normal(size=(50, 7)).astype(dtype)
    s = dout.copy()
    dbias = relu_bias_backward(s, out)
    np.testing.assert_array_equal(s, relu_backward(dout, net))
    np.testing.assert_array_equal(dbias, s.astype(np.float64).sum(axis=0))
    assert dbias.dtype == np.float64


def test_first_layer_is_the_product_of_deck_s():
    x, weights, biases, dout = make_network(3, batch=1)
    _, cache = mlp_forward(x, weights, biases)
    _, dweights, _ = mlp_backward(dout, cache)
    # In the deck W_l maps columns: W_l^T is our weights[l].
    diag = [np.diag(1 - np.tanh(n[0]) ** 2) for n in cache.net_inputs]
    for j in range(5):
        columns = np.zeros((3, 5))
        columns[:, j] = x[0]
        product = columns @ diag[0] @ weights[1] @ diag[1] @ weights[2] @ dout[0]
        np.testing.assert_allclose(dweights[0][:, j], product)


# ---- the backward pass


@pytest.mark.parametrize(
    ("activation", "output"),
    [("tanh", "identity"), ("sigmoid", "tanh"), ("relu", "sigmoid"), ("identity", "relu")],
)
@pytest.mark.parametrize("widths", [(3, 5, 4, 2), (4, 3), (1, 1, 1)])
def test_backward_agrees_with_central_differences(activation, output, widths):
    x, weights, biases, dout = make_network(4, widths)
    _, cache = mlp_forward(x, weights, biases, activation, output)
    dx, dweights, dbiases = mlp_backward(dout, cache)

    def loss(x=x, weights=weights, biases=biases):
        return float((mlp_forward(x, weights, biases, activation, output)[0] * dout).sum())

    def put(arrays, k, value):
        return [*arrays[:k], value, *arrays[k + 1 :]]

    check_gradient(lambda a: loss(x=a), dx, x, tol=1e-7)
    for k in range(len(weights)):
        check_gradient(lambda a, k=k: loss(weights=put(weights, k, a)), dweights[k], weights[k])
        check_gradient(lambda a, k=k: loss(biases=put(biases, k, a)), dbiases[k], biases[k])


def test_sensitivity_is_the_gradient_with_respect_to_the_net_input():
    x, weights, biases, dout = make_network(5)
    _, cache = mlp_forward(x, weights, biases)
    s = sensitivities(dout, cache)
    for k in range(3):

        def loss(n, k=k):
            a = n if k == 2 else np.tanh(n)
            if k < 2:
                a, _ = mlp_forward(a, weights[k + 1 :], biases[k + 1 :])
            return float((a * dout).sum())

        check_gradient(loss, s[k], cache.net_inputs[k], tol=1e-7)


def test_backward_is_linear_in_dout_and_adds_over_examples():
    x, weights, biases, dout = make_network(6)
    _, cache = mlp_forward(x, weights, biases)
    _, dweights, dbiases = mlp_backward(dout, cache)
    _, doubled, _ = mlp_backward(-2 * dout, cache)
    single = [
        mlp_backward(dout[i : i + 1], mlp_forward(x[i : i + 1], weights, biases)[1])
        for i in range(6)
    ]
    for k in range(3):
        np.testing.assert_allclose(doubled[k], -2 * dweights[k])
        np.testing.assert_allclose(sum(g[1][k] for g in single), dweights[k])
        np.testing.assert_allclose(sum(g[2][k] for g in single), dbiases[k])


@given(
    st.integers(0, 2**32 - 1),
    st.lists(st.integers(1, 6), min_size=2, max_size=5),
    st.integers(1, 6),
    st.sampled_from(["tanh", "sigmoid", "relu"]),
)
def test_agrees_with_the_layers_of_a_network(seed, widths, batch, activation):
    x, weights, biases, dout = make_network(seed, widths, batch)
    layers = []
    for weight, bias in zip(weights, biases, strict=True):
        dense = Dense(*weight.shape, np.random.default_rng(0))
        dense.weight, dense.bias = weight, bias
        layers += [dense, Activation(activation)]
    network = Network(layers[:-1])
    out, cache = mlp_forward(x, weights, biases, activation)
    np.testing.assert_allclose(out, network.forward(x, training=True), atol=1e-12)
    dx, dweights, dbiases = mlp_backward(dout, cache)
    np.testing.assert_allclose(dx, network.backward(dout), atol=1e-10)
    ours = [g for pair in zip(dweights, dbiases, strict=True) for g in pair]
    for got, expected in zip(ours, network.gradients(), strict=True):
        np.testing.assert_allclose(got, expected, atol=1e-10)


# ---- agreement with PyTorch


@pytest.mark.parametrize("name", ["three", "relu", "single"])
def test_agrees_with_frozen_pytorch(name):
    stored = frozen("backpropagation")
    case = {key.split("/")[1]: value for key, value in stored.items() if key.startswith(name + "/")}
    layers = sum(key.startswith("weight") for key in case)
    weights = [case[f"weight{k}"] for k in range(layers)]
    biases = [case[f"bias{k}"] for k in range(layers)]
    names = str(case["activation"]), str(case["output"])
    out, cache = mlp_forward(case["x"], weights, biases, *names)
    assert_agrees(out, case["out"])
    dout = -2 * (case["target"] - out)
    assert_agrees(dout, case["dout"])
    dx, dweights, dbiases = mlp_backward(dout, cache)
    assert_agrees(dx, case["dx"])
    for k, s in enumerate(sensitivities(dout, cache)):
        assert_agrees(s, case[f"s{k}"])
        assert_agrees(dweights[k], case[f"dweight{k}"])
        assert_agrees(dbiases[k], case[f"dbias{k}"])


@pytest.mark.parametrize("dtype", DTYPES)
@given(
    seed=st.integers(0, 2**32 - 1),
    widths=st.lists(st.integers(1, 6), min_size=2, max_size=4),
    activation=st.sampled_from(sorted(FUNCTIONS)),
    output=st.sampled_from(sorted(FUNCTIONS)),
)
def test_agrees_with_pytorch(dtype, seed, widths, activation, output):
    pytorch = torch()
    functions = {name: getattr(pytorch, name, lambda t: t) for name in FUNCTIONS}
    functions["identity"] = lambda t: t
    x, weights, biases, dout = make_network(seed, widths, dtype=dtype)
    leaves = [pytorch.from_numpy(a.copy()).requires_grad_() for a in (x, *weights, *biases)]
    a, layers = leaves[0], len(weights)
    for k in range(layers):
        n = a @ leaves[1 + k] + leaves[1 + layers + k]
        a = functions[output if k == layers - 1 else activation](n)
    a.backward(pytorch.from_numpy(dout))

    out, cache = mlp_forward(x, weights, biases, activation, output)
    # Entries of the net inputs cancel; so do those of the gradients.
    scale = max(np.abs(n).max() for n in cache.net_inputs)
    assert_agrees(out, a.detach().numpy(), scale=scale)
    dx, dweights, dbiases = mlp_backward(dout, cache)
    largest = max(1.0, *(np.abs(s).max() for s in sensitivities(dout, cache)))
    for got, leaf in zip((dx, *dweights, *dbiases), leaves, strict=True):
        assert_agrees(got, leaf.grad.numpy(), scale=scale * largest)


# ---- conventions of the package


def everything(x, weights, biases, dout, **names):
    out, cache = mlp_forward(x, weights, biases, **names)
    dx, dweights, dbiases = mlp_backward(dout, cache)
    kept = (*cache.inputs, *cache.net_inputs, *cache.weights)
    return [out, dx, *dweights, *dbiases, *sensitivities(dout, cache), *kept]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("activation", FUNCTIONS)
def test_dtype_is_that_of_x(dtype, activation):
    x, weights, biases, dout = make_network(7)
    results = everything(
        x.astype(dtype), weights, biases, dout, activation=activation, output=activation
    )
    assert all(result.dtype == dtype for result in results)


def test_bias_gradient_of_a_long_float32_batch_is_summed_in_float64():
    _, cache = mlp_forward(np.zeros((200_000, 1), np.float32), [[[1.0]]], [[0.0]])
    _, _, (dbias,) = mlp_backward(np.full((200_000, 1), 0.1, np.float32), cache)
    assert dbias[0] == np.float32(200_000 * float(np.float32(0.1)))


def test_integers_lists_and_other_memory_layouts_give_the_same():
    x, weights, biases, dout = make_network(8)
    x, weights, biases, dout = (
        np.round(x).astype(int),
        [np.round(2 * w).astype(int) for w in weights],
        [np.round(2 * b).astype(int) for b in biases],
        np.round(3 * dout).astype(int),
    )
    expected = everything(
        x.astype(float), [w.astype(float) for w in weights], biases, dout.astype(float)
    )
    wide = np.zeros((12, 6))
    wide[::2, ::2] = x
    for other in (
        (x, weights, biases, dout),
        (x.tolist(), [w.tolist() for w in weights], [b.tolist() for b in biases], dout.tolist()),
        (wide[::2, ::2], [np.asfortranarray(w) for w in weights], tuple(biases), dout[::-1][::-1]),
    ):
        for got, result in zip(everything(*other), expected, strict=True):
            assert got.dtype == np.float64
            np.testing.assert_array_equal(got, result)


def test_inputs_are_left_alone_and_the_cache_is_a_copy():
    for activation in ("tanh", "identity"):
        x, weights, biases, dout = make_network(9)
        arrays = [x, *weights, *biases, dout]
        copies = [a.copy() for a in arrays]
        out, cache = mlp_forward(x, weights, biases, activation)
        first = mlp_backward(dout, cache)
        last = cache.net_inputs[-1].copy()
        for array, copy in zip(arrays, copies, strict=True):
            np.testing.assert_array_equal(array, copy)
        for array in (*arrays[:-1], out, *first[1], *sensitivities(dout, cache)):
            array[:] = 0
        np.testing.assert_array_equal(cache.net_inputs[-1], last)
        second = mlp_backward(dout, cache)
        np.testing.assert_array_equal(second[0], first[0])
        assert all(np.abs(g).max() > 0 for g in second[1])


def test_one_example_one_feature_one_layer():
    out, cache = mlp_forward([[2.0]], [[[3.0]]], [[1.0]])
    assert out == [[7.0]]
    dx, (dweight,), (dbias,) = mlp_backward([[5.0]], cache)
    assert (dx.item(), dweight.item(), dbias.item()) == (15.0, 10.0, 5.0)


def test_saturated_units_pass_nothing_on_and_stay_finite():
    x, weights, biases, dout = make_network(10)
    for activation in ("tanh", "sigmoid"):
        results = everything(1e4 * x, weights, biases, dout, activation=activation)
        assert all(np.isfinite(result).all() for result in results)
        # The gradient with respect to the input has vanished.
        assert np.abs(results[1]).max() < 1e-12


# ---- bad input

X, WEIGHTS, BIASES, DOUT = make_network(11, batch=3)
CACHE = mlp_forward(X, WEIGHTS, BIASES)[1]
CALLS = {
    mlp_forward: {
        "x": X,
        "weights": WEIGHTS,
        "biases": BIASES,
        "activation": "tanh",
        "output": "identity",
    },
    mlp_backward: {"dout": DOUT, "cache": CACHE},
    sensitivities: {"dout": DOUT, "cache": CACHE},
}


def bad_calls():
    for name, bad, error in array_errors("x", X):
        yield mlp_forward, name, bad, error
    yield mlp_forward, "x", X[:0], ValueError
    yield mlp_forward, "x", [[1.0], [1.0, 2.0]], ValueError
    for k in range(3):
        for name, arrays in (("weights", WEIGHTS), ("biases", BIASES)):
            for _, bad, error in array_errors(name, arrays[k]):
                yield mlp_forward, name, [*arrays[:k], bad, *arrays[k + 1 :]], error
    for name, arrays in (("weights", WEIGHTS), ("biases", BIASES)):
        yield mlp_forward, name, WEIGHTS[0], TypeError
        yield mlp_forward, name, None, TypeError
        yield mlp_forward, name, "W", TypeError
        yield mlp_forward, name, iter(arrays), TypeError
    yield mlp_forward, "weights", [], ValueError
    yield mlp_forward, "weights", WEIGHTS[::-1], ValueError
    yield mlp_forward, "weights", [w.T for w in WEIGHTS], ValueError
    yield mlp_forward, "biases", BIASES[:2], ValueError
    yield mlp_forward, "biases", [b[None] for b in BIASES], ValueError
    for name in ("activation", "output"):
        for bad in ("softmax", "Tanh", "", None, 1):
            yield mlp_forward, name, bad, ValueError
    for function in (mlp_backward, sensitivities):
        for name, bad, error in array_errors("dout", DOUT):
            yield function, name, bad, error
        yield function, "dout", DOUT[:2], ValueError
        yield function, "cache", {"inputs": X}, TypeError


@pytest.mark.parametrize(("function", "name", "bad", "error"), list(bad_calls()))
def test_bad_input_is_refused_by_name(function, name, bad, error):
    with pytest.raises(error, match=rf"^{name} must"):
        function(**(CALLS[function] | {name: bad}))


def test_weights_that_do_not_fit_x_are_named_with_their_layer():
    with pytest.raises(ValueError, match=r"^weights must have shape \(2, fan_out\) in layer 1"):
        mlp_forward(X[:, :2], WEIGHTS, BIASES)
