import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special
from support import array_errors, assert_agrees, frozen, torch

from gradlab import _threads
from gradlab.activations import sigmoid, sigmoid_backward, softmax, softmax_backward
from gradlab.gradient_check import check_gradient
from gradlab.losses import (
    BOTH,
    binary_cross_entropy,
    binary_cross_entropy_backward,
    kl_divergence,
    kl_divergence_backward,
    margin_losses,
    sigmoid_cross_entropy,
    sigmoid_cross_entropy_backward,
    softmax_cross_entropy,
    softmax_cross_entropy_backward,
    squared_error,
    squared_error_backward,
)

DTYPES = [np.float64, np.float32]
REGRESSION = (squared_error, squared_error_backward)
BINARY = (binary_cross_entropy, binary_cross_entropy_backward)
KL = (kl_divergence, kl_divergence_backward)
LOGITS = (sigmoid_cross_entropy, sigmoid_cross_entropy_backward)
CROSS_ENTROPY = (softmax_cross_entropy, softmax_cross_entropy_backward)


def make_pair(seed, loss, rows=5, columns=3, dtype=np.float64):
    """A prediction and a target that the loss can take, inside of its domain."""
    rng = np.random.default_rng(seed)
    if loss is squared_error:
        y, target = rng.normal(size=(2, rows, columns)) * 3
    elif loss is binary_cross_entropy:
        y, target = rng.uniform(0.02, 0.98, (2, rows, columns))
    elif loss is kl_divergence:
        y, target = rng.dirichlet(np.ones(columns), size=(2, rows)) * 0.9 + 0.1 / columns
    elif loss is sigmoid_cross_entropy:
        y, target = rng.normal(size=(rows, columns)) * 3, rng.uniform(size=(rows, columns))
    else:
        logits = (rng.normal(size=(rows, columns)) * 3).astype(dtype)
        return logits, rng.integers(0, columns, rows)
    return y.astype(dtype), target.astype(dtype)


# ---- the definitions


@pytest.mark.equation("loss-squared-error")
def test_squared_error_is_the_definition():
    y, target = make_pair(0, squared_error)
    expected = sum(
        sum((a - b) ** 2 for a, b in zip(yi, di, strict=True)) / 2
        for yi, di in zip(y, target, strict=True)
    )
    assert squared_error(y, target) == pytest.approx(expected / 5, rel=1e-12)


@pytest.mark.equation("loss-binary-cross-entropy")
def test_binary_cross_entropy_is_the_definition():
    y, target = make_pair(1, binary_cross_entropy)
    expected = -sum(
        d * math.log(p) + (1 - d) * math.log(1 - p)
        for p, d in zip(y.ravel(), target.ravel(), strict=True)
    )
    assert binary_cross_entropy(y, target) == pytest.approx(expected / 15, rel=1e-12)


@pytest.mark.equation("loss-kl-divergence")
def test_kl_divergence_is_the_definition():
    y, target = make_pair(2, kl_divergence)
    expected = sum(
        d * math.log(d) - d * math.log(p) for p, d in zip(y.ravel(), target.ravel(), strict=True)
    )
    assert kl_divergence(y, target) == pytest.approx(expected / 5, rel=1e-12)
    assert kl_divergence(y, target) == pytest.approx(special.rel_entr(target, y).sum() / 5)


@pytest.mark.equation("loss-sigmoid-cross-entropy")
@pytest.mark.equation("loss-sigmoid-cross-entropy-backward")
def test_sigmoid_cross_entropy_is_the_binary_one_behind_a_sigmoid():
    logits, target = make_pair(13, sigmoid_cross_entropy)
    p = 1 / (1 + np.exp(-logits))
    expected = -(target * np.log(p) + (1 - target) * np.log(1 - p)).mean()
    assert sigmoid_cross_entropy(logits, target) == pytest.approx(expected, rel=1e-12)
    assert binary_cross_entropy(p, target) == pytest.approx(expected, rel=1e-12)
    gradient = sigmoid_cross_entropy_backward(logits, target)
    np.testing.assert_allclose(gradient, (p - target) / 15, rtol=1e-12)
    by_chain = sigmoid_backward(binary_cross_entropy_backward(p, target), logits)
    np.testing.assert_allclose(gradient, by_chain, rtol=1e-9)


@pytest.mark.equation("loss-softmax-cross-entropy")
def test_softmax_cross_entropy_is_the_definition():
    logits, labels = make_pair(3, softmax_cross_entropy)
    expected = sum(
        math.log(sum(math.exp(z) for z in row)) - row[c]
        for row, c in zip(logits, labels, strict=True)
    )
    assert softmax_cross_entropy(logits, labels) == pytest.approx(expected / 5, rel=1e-12)


@pytest.mark.equation("loss-margin-misclassification")
@pytest.mark.equation("loss-margin-squared")
@pytest.mark.equation("loss-margin-squared-sigmoid")
@pytest.mark.equation("loss-margin-squared-tanh")
@pytest.mark.equation("loss-margin-cross-entropy")
def test_margin_losses_are_the_errors_of_a_target_and_an_output():
    output = np.linspace(-4, 4, 17)
    for target in (-1, 1):
        losses = margin_losses(target * output)
        wrong = np.where(output == 0, True, np.sign(output) != target)
        np.testing.assert_array_equal(losses["misclassification"], wrong)
        np.testing.assert_allclose(losses["squared_error"], (output - target) ** 2)
        probability = 1 / (1 + np.exp(-output))
        np.testing.assert_allclose(
            losses["squared_error_sigmoid"], (probability - (target + 1) / 2) ** 2
        )
        np.testing.assert_allclose(losses["squared_error_tanh"], (np.tanh(output) - target) ** 2)
        right = probability if target == 1 else 1 - probability
        np.testing.assert_allclose(losses["cross_entropy"], -np.log2(right))


# ---- the backward passes


@pytest.mark.equation("loss-squared-error-backward")
@pytest.mark.equation("loss-binary-cross-entropy-backward")
@pytest.mark.equation("loss-kl-divergence-backward")
@pytest.mark.equation("loss-softmax-cross-entropy-backward")
@pytest.mark.parametrize(("loss", "backward"), [REGRESSION, BINARY, KL, LOGITS, CROSS_ENTROPY])
@pytest.mark.parametrize(("rows", "columns"), [(5, 3), (2, 7), (1, 1)])
def test_backward_agrees_with_central_differences(loss, backward, rows, columns):
    y, target = make_pair(4, loss, rows, columns)
    y = np.minimum(y, 0.99) if loss is kl_divergence else y
    check_gradient(lambda a: loss(a, target), backward(y, target), y, tol=1e-6)


@pytest.mark.equation("loss-net-input")
@given(st.integers(0, 2**32 - 1), st.integers(1, 6), st.integers(1, 5))
def test_behind_its_own_activation_the_gradient_is_the_error(seed, rows, columns):
    logits, labels = make_pair(seed, softmax_cross_entropy, rows, columns)
    target = np.eye(columns)[labels]
    p = softmax(logits)
    by_chain = softmax_backward(kl_divergence_backward(p, target), logits)
    np.testing.assert_allclose(by_chain, (p - target) / rows, atol=1e-12)
    np.testing.assert_allclose(
        softmax_cross_entropy_backward(logits, labels), (p - target) / rows, atol=1e-12
    )
    y = sigmoid(logits)
    by_chain = sigmoid_backward(binary_cross_entropy_backward(y, target), logits)
    np.testing.assert_allclose(by_chain, (y - target) / y.size, atol=1e-12)


def test_squared_error_on_a_net_input_is_the_error_times_the_jacobian():
    z, _ = make_pair(5, squared_error, 2, 3)
    target = np.array([[0.0, 1.0, 0.0], [0.2, 0.3, 0.5]])
    gradient = softmax_backward(squared_error_backward(softmax(z), target), z)
    for i in range(2):
        p = softmax(z[i])
        jacobian = np.diag(p) - np.outer(p, p)
        np.testing.assert_allclose(gradient[i], (p - target[i]) @ jacobian / 2, atol=1e-12)


# ---- what the chapter says of them


@given(st.integers(0, 2**32 - 1))
def test_kl_divergence_is_not_negative_and_zero_where_equal(seed):
    y, target = make_pair(seed, kl_divergence)
    assert kl_divergence(y, target) > 0
    assert kl_divergence(target, target) == pytest.approx(0, abs=1e-12)


@given(st.integers(0, 2**32 - 1), st.booleans())
def test_binary_cross_entropy_is_kl_divergence_plus_the_entropy_of_the_target(seed, hard):
    y, target = make_pair(seed, binary_cross_entropy, 6, 1)
    target = np.round(target) if hard else target
    kl = kl_divergence(np.hstack([y, 1 - y]), np.hstack([target, 1 - target]))
    entropy = (special.entr(target) + special.entr(1 - target)).mean()
    assert binary_cross_entropy(y, target) == pytest.approx(kl + entropy, rel=1e-9)
    if hard:
        assert entropy == 0
    else:
        # Deck C calls it the KL divergence, but it is not 0 where the prediction is right.
        assert binary_cross_entropy(target, target) == pytest.approx(entropy)


@given(st.integers(0, 2**32 - 1))
def test_softmax_cross_entropy_is_kl_divergence_of_the_softmax(seed):
    logits, labels = make_pair(seed, softmax_cross_entropy)
    expected = kl_divergence(softmax(logits), np.eye(3)[labels])
    assert softmax_cross_entropy(logits, labels) == pytest.approx(expected, rel=1e-9)


@given(st.floats(-50, 50))
def test_shapes_of_the_margin_losses(z):
    losses = margin_losses([z, z + 0.1])
    assert losses["cross_entropy"][0] >= losses["misclassification"][0] - 1e-12
    for name in ("squared_error_sigmoid", "squared_error_tanh", "cross_entropy"):
        assert losses[name][1] <= losses[name][0]
    # Without a penalty for right decisions the error is bounded for wrong ones.
    assert max(losses["squared_error_sigmoid"]) <= 1
    assert max(losses["squared_error_tanh"]) <= 4


def test_margin_losses_far_from_the_decision():
    step = 1e-3
    slopes = {
        name: (loss[1] - loss[0]) / step
        for name, loss in margin_losses([-20.0, -20.0 + step]).items()
    }
    # Confidently wrong: only the cross-entropy and the plain squared error still have a slope.
    assert abs(slopes["squared_error_sigmoid"]) < 1e-8
    assert abs(slopes["squared_error_tanh"]) < 1e-8
    assert slopes["cross_entropy"] == pytest.approx(-1 / math.log(2), rel=1e-6)
    assert slopes["squared_error"] == pytest.approx(-42, rel=1e-3)
    # More than right: only the plain squared error penalizes it.
    right = margin_losses(20.0)
    assert right["squared_error"] == 361
    assert max(right[name] for name in right if name != "squared_error") < 1e-8
    crossing = margin_losses(0.0)
    assert [float(crossing[name]) for name in crossing] == pytest.approx([1, 1, 0.25, 1, 1])


# ---- extremes


@pytest.mark.parametrize("dtype", DTYPES)
def test_predictions_of_exactly_zero_and_one(dtype):
    y = np.array([[0], [0], [1], [1]], dtype)
    target = np.array([[0], [1], [0], [1]], dtype)
    assert [
        binary_cross_entropy(a, b) for a, b in zip(y[:, None], target[:, None], strict=True)
    ] == [0, 100, 100, 0]
    assert binary_cross_entropy(y, target) == 50
    assert binary_cross_entropy(y, target, min_log=-30) == 15
    assert binary_cross_entropy(y, target, min_log=-np.inf) == np.inf
    assert binary_cross_entropy(y[::3], target[::3], min_log=-np.inf) == 0
    gradient = binary_cross_entropy_backward(y, target)
    np.testing.assert_allclose(gradient, [[0], [-0.25e12], [0.25e12], [0]], rtol=1e-6)

    y = np.array([[1, 0], [1, 0]], dtype)
    target = np.array([[1, 0], [0, 1]], dtype)
    assert kl_divergence(y, target) == 50
    assert kl_divergence(y, target, min_log=-7.5) == 3.75
    assert kl_divergence(y, target, min_log=-np.inf) == np.inf
    assert kl_divergence(y[:1], target[:1], min_log=-np.inf) == 0
    gradient = kl_divergence_backward(y, target)
    np.testing.assert_allclose(gradient, [[-0.5, 0], [0, -0.5e12]], rtol=1e-6)


@pytest.mark.parametrize("dtype", DTYPES)
def test_logits_that_are_sure(dtype):
    logits = np.array([1000, -1000, 1000, -1000, 0], dtype)
    target = np.array([1, 0, 0, 1, 0.5], dtype)
    assert sigmoid_cross_entropy(logits, target) == pytest.approx((2000 + math.log(2)) / 5)
    gradient = sigmoid_cross_entropy_backward(logits, target)
    np.testing.assert_allclose(gradient, np.array([0, 0, 1, -1, 0]) / 5, rtol=1e-6)
    # Right and sure: the small rest is there, whichever the answer is.
    for z, d in ((40, 1), (-40, 0)):
        case = np.array(z, dtype), np.array(d, dtype)
        rest = math.exp(-40)
        assert sigmoid_cross_entropy(*case) == pytest.approx(rest, rel=2e-6, abs=0)
        error = sigmoid_cross_entropy_backward(*case)
        np.testing.assert_allclose(error, (1 - 2 * d) * rest, rtol=2e-6)
    infinite = np.array([np.inf, -np.inf], dtype)
    assert sigmoid_cross_entropy(infinite, [1, 0]) == 0
    assert sigmoid_cross_entropy(infinite, [0, 0]) == np.inf
    np.testing.assert_array_equal(sigmoid_cross_entropy_backward(infinite, [0, 0]), [0.5, 0])
    assert math.isnan(sigmoid_cross_entropy(np.array([np.nan, 0], dtype), [0, 1]))


def test_keras_moves_the_prediction_instead():
    y = np.clip([[0.0, 1.0]], 1e-7, 1 - 1e-7)
    assert binary_cross_entropy(y, [[1, 1]]) == pytest.approx(-math.log(1e-7) / 2, rel=1e-6)


def test_probabilities_near_the_ends_keep_their_digits():
    assert binary_cross_entropy([[1e-20]], [[0.0]]) == pytest.approx(1e-20, abs=0)
    assert binary_cross_entropy([[1e-40]], [[1.0]]) == pytest.approx(40 * math.log(10))
    assert binary_cross_entropy([[1e-50]], [[1.0]]) == 100
    assert kl_divergence([[1e-300, 1.0]], [[1.0, 0.0]], min_log=-1e4) == pytest.approx(
        300 * math.log(10)
    )


@pytest.mark.parametrize("dtype", DTYPES)
def test_large_numbers(dtype):
    logits = np.array([[1e4, -1e4, 0], [-1e4, -1e4, -1e4]], dtype)
    assert softmax_cross_entropy(logits, [1, 0]) == pytest.approx((2e4 + math.log(3)) / 2)
    np.testing.assert_allclose(
        softmax_cross_entropy_backward(logits, [1, 0]),
        [[0.5, -0.5, 0], [-1 / 3, 1 / 6, 1 / 6]],
        rtol=1e-6,
    )
    y, target = np.array([[1e4, 1e-4]], dtype), np.array([[-1e4, 0]], dtype)
    assert squared_error(y, target) == pytest.approx(2e8)
    losses = margin_losses(np.array([-1e4, 1e4], dtype))
    for name, expected in {
        "misclassification": [1, 0],
        "squared_error": [10001.0**2, 9999.0**2],
        "squared_error_sigmoid": [1, 0],
        "squared_error_tanh": [4, 0],
        "cross_entropy": [1e4 / math.log(2), 0],
    }.items():
        np.testing.assert_allclose(losses[name], expected, rtol=1e-6)


def test_long_float32_sums_are_taken_in_float64():
    # Summed in float32, 2e6 terms of 0.005 are off by more than a thousandth.
    y = np.full((2_000_000, 1), 0.1, np.float32)
    exact = float(np.float32(0.1)) ** 2 / 2
    assert squared_error(y, np.zeros_like(y)) == pytest.approx(exact, rel=1e-9)
    assert binary_cross_entropy(y[:200_000], np.ones_like(y[:200_000])) == pytest.approx(
        -math.log(0.1), rel=1e-6
    )


def test_not_a_number_reaches_the_loss():
    assert math.isnan(squared_error([[np.nan, 1.0]], [[0.0, 1.0]]))
    assert np.isnan(squared_error_backward([[np.nan, 1.0]], [[0.0, 1.0]])).tolist() == [
        [True, False]
    ]
    assert math.isnan(margin_losses(np.nan)["cross_entropy"])


# ---- agreement with other libraries


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("functions", "arguments"),
    [
        (REGRESSION, ("y", "target")),
        (BINARY, ("y", "target")),
        (KL, ("rows", "distribution")),
        (LOGITS, ("logits", "target")),
        (CROSS_ENTROPY, ("logits", "labels")),
    ],
)
def test_agrees_with_frozen_pytorch(functions, arguments, dtype):
    stored = frozen("losses")
    loss, backward = functions
    given = [stored[f"{dtype.__name__}/{name}"] for name in arguments]
    assert_agrees(dtype(loss(*given)), stored[f"{dtype.__name__}/{loss.__name__}"])
    gradient = stored[f"{dtype.__name__}/{backward.__name__}"]
    # Row by row: the gradients at exactly 0 and 1 must not set the tolerance for the others.
    for got, expected in zip(backward(*given), gradient, strict=True):
        assert_agrees(got, expected)


@pytest.mark.parametrize("dtype", DTYPES)
@given(
    seed=st.integers(0, 2**32 - 1),
    rows=st.integers(1, 20),
    columns=st.integers(1, 8),
    hard=st.booleans(),
)
def test_agrees_with_pytorch(dtype, seed, rows, columns, hard):
    pytorch = torch()
    functional = pytorch.nn.functional

    def check(functions, y, target, torch_loss):
        leaf = pytorch.from_numpy(y.copy()).requires_grad_()
        expected = torch_loss(leaf, pytorch.from_numpy(target))
        expected.backward()
        loss, backward = functions
        assert_agrees(dtype(loss(y, target)), expected.detach().numpy(), scale=1.0)
        assert_agrees(backward(y, target), leaf.grad.numpy())

    check(
        REGRESSION,
        *make_pair(seed, squared_error, rows, columns, dtype),
        lambda y, d: functional.mse_loss(y, d) * columns / 2,
    )
    y, target = make_pair(seed, binary_cross_entropy, rows, columns, dtype)
    check(BINARY, y, np.round(target) if hard else target, functional.binary_cross_entropy)
    # Predictions so near to 0 or 1 that PyTorch's rules act; the gradients then reach 1e12.
    extreme = (y > 0.5).astype(dtype) if hard else dtype(1e-13) * y
    check(BINARY, extreme, np.round(target), functional.binary_cross_entropy)
    check(
        KL,
        *make_pair(seed, kl_divergence, rows, columns, dtype),
        lambda y, d: functional.kl_div(y.log(), d, reduction="batchmean"),
    )
    check(
        LOGITS,
        *make_pair(seed, sigmoid_cross_entropy, rows, columns, dtype),
        functional.binary_cross_entropy_with_logits,
    )
    check(
        CROSS_ENTROPY,
        *make_pair(seed, softmax_cross_entropy, rows, columns, dtype),
        functional.cross_entropy,
    )


def test_agrees_with_optax():
    optax = pytest.importorskip("optax", reason="optax is not installed: run `make oracles`")
    y, target = make_pair(6, squared_error, dtype=np.float32)
    expected = np.asarray(optax.l2_loss(y, target)).sum(axis=1).mean()
    assert_agrees(np.float32(squared_error(y, target)), expected)
    y, target = make_pair(7, kl_divergence, dtype=np.float32)
    expected = np.asarray(optax.kl_divergence(np.log(y), target)).mean()
    assert_agrees(np.float32(kl_divergence(y, target)), expected)
    logits, labels = make_pair(8, softmax_cross_entropy, dtype=np.float32)
    expected = optax.softmax_cross_entropy_with_integer_labels(logits, labels)
    assert_agrees(np.float32(softmax_cross_entropy(logits, labels)), np.asarray(expected).mean())
    hard = (logits > 1).astype(np.float32)
    expected = np.asarray(optax.sigmoid_binary_cross_entropy(logits, hard)).mean()
    assert_agrees(np.float32(binary_cross_entropy(sigmoid(logits), hard)), expected)
    assert_agrees(np.float32(sigmoid_cross_entropy(logits, hard)), expected)


# ---- conventions of the package


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("loss", "backward"), [REGRESSION, BINARY, KL, LOGITS, CROSS_ENTROPY])
def test_a_loss_is_a_float_and_gradients_keep_the_dtype(loss, backward, dtype):
    y, target = make_pair(9, loss, dtype=dtype)
    copies = y.copy(), target.copy()
    assert type(loss(y, target)) is float
    gradient = backward(y, target)
    assert (gradient.dtype, gradient.shape) == (dtype, y.shape)
    assert not np.shares_memory(gradient, y)
    np.testing.assert_array_equal(y, copies[0])
    np.testing.assert_array_equal(target, copies[1])
    for shape in ((4,), (), (2, 0, 3), (2, 3)):
        margins = margin_losses(np.ones(shape, dtype))
        assert len(margins) == 5
        for values in margins.values():
            assert isinstance(values, np.ndarray)
            assert (values.dtype, values.shape) == (dtype, shape)


@pytest.mark.parametrize(("loss", "backward"), [REGRESSION, BINARY, KL, LOGITS, CROSS_ENTROPY])
def test_integers_lists_and_other_memory_layouts_give_the_same(loss, backward):
    y = np.array([[0, 1, 1], [1, 0, 0]])
    target = np.array([2, 0]) if loss is softmax_cross_entropy else np.array([[0, 1, 0], [0, 1, 1]])
    expected = loss(y.astype(float), target), backward(y.astype(float), target)
    wide = np.zeros((4, 6))
    wide[::2, ::2] = y
    for other in (y, y.tolist(), np.asfortranarray(y), wide[::2, ::2], y.astype(">f8")):
        assert loss(other, target.tolist()) == expected[0]
        np.testing.assert_array_equal(backward(other, target.tolist()), expected[1])
    for values in (y[0], y[0].tolist()):
        np.testing.assert_array_equal(margin_losses(values)["squared_error"], [1.0, 0.0, 0.0])


@pytest.mark.equation("loss-binary-cross-entropy")
@pytest.mark.parametrize(("loss", "backward"), [BINARY, LOGITS])
def test_a_mean_over_elements_takes_any_shape(loss, backward):
    y, target = make_pair(12, loss)
    value, gradient = (f(y.reshape(-1, 1), target.reshape(-1, 1)) for f in (loss, backward))
    for shape in ((-1,), (1, -1), (y.shape[0], 1, -1)):
        case = y.reshape(shape), target.reshape(shape)
        assert loss(*case) == value
        np.testing.assert_array_equal(backward(*case), gradient.reshape(shape))
    assert loss(0.5, 1) == loss([0.5], [1])
    assert backward(0.5, 1).shape == ()


def test_single_numbers_are_elements():
    assert binary_cross_entropy(0.5, 1) == pytest.approx(np.log(2))
    assert sigmoid_cross_entropy(0.0, 1) == pytest.approx(np.log(2))
    assert binary_cross_entropy([0.2, 0.7], [0, 1]) == pytest.approx(-np.log([0.8, 0.7]).mean())


# ---- bad input

X = np.array([[0.1, 0.9], [0.5, 0.5], [0.3, 0.7]])
LABELS = np.array([0, 1, 1])
CALLS = {
    **{function: {"y": X, "target": X[::-1].copy()} for function in (*REGRESSION, *BINARY, *KL)},
    **{function: {"logits": X, "target": X[::-1].copy()} for function in LOGITS},
    **{function: {"logits": X, "labels": LABELS} for function in CROSS_ENTROPY},
    margin_losses: {"z": X},
}


def bad_calls():
    for function, good in CALLS.items():
        for name, value in good.items():
            if name == "labels":
                continue
            for argument, bad, error in array_errors(name, value):
                # margin_losses and a mean over elements take any shape, of which `target` has that
                # of `y`.
                entries = function in (*BINARY, *LOGITS)
                free = name == "z" or (name in ("y", "logits") and entries)
                if error is TypeError or not free or (name != "z" and np.size(bad) == 0):
                    yield function, argument, bad, error
            yield function, name, value.astype(np.float16), TypeError
            yield function, name, [[1.0], [1.0, 0.5]], ValueError
        if "target" in good:
            yield function, next(iter(good)), X[:0], ValueError
            if function in (*BINARY, *LOGITS):
                yield function, "target", 1.0, ValueError
            yield from ((function, "target", bad, ValueError) for bad in (X[:2], X[:, :1], X[0]))
        if "labels" in good:
            for bad in ([0, 1, 2], [0, -1, 1], [0, 1], [[0, 1, 1]], 0, [[0], [1, 2]]):
                yield function, "labels", bad, ValueError
            for bad in ([0.0, 1.0, 1.0], None, ["a", "b", "c"], [True, False, True]):
                yield function, "labels", bad, TypeError
            yield function, "logits", X[:0], ValueError
    for function in (*BINARY, *KL, *LOGITS):
        for name in ("target",) if function in LOGITS else ("y", "target"):
            for bad in (X + 0.5, X - 0.2, np.where(X == 0.3, np.nan, X)):
                yield function, name, bad, ValueError
    for function in (binary_cross_entropy, kl_divergence):
        for bad in (0.0, 1.0, np.nan, np.inf):
            yield function, "min_log", bad, ValueError
        for bad in ("1", None, 1j, True):
            yield function, "min_log", bad, TypeError


@pytest.mark.parametrize(("function", "name", "bad", "error"), list(bad_calls()))
def test_bad_input_is_refused_by_name(function, name, bad, error):
    with pytest.raises(error, match=rf"^{name} must"):
        function(**(CALLS[function] | {name: bad}))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("shape", [(1, 1), (5, 3), (40, 70)])
def test_loss_and_gradient_at_once_are_those_of_two_calls(dtype, shape, monkeypatch):
    monkeypatch.setattr(_threads, "PART", 500)
    rng = np.random.default_rng(6)
    logits = (5 * rng.normal(size=shape)).astype(dtype)
    labels = rng.integers(0, shape[1], shape[0])
    loss, gradient = BOTH[CROSS_ENTROPY](logits, labels)
    assert loss == softmax_cross_entropy(logits, labels)
    np.testing.assert_array_equal(gradient, softmax_cross_entropy_backward(logits, labels))
    assert gradient.dtype == dtype
