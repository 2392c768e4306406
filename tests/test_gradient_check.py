import numpy as np
import pytest
import scipy.optimize
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from support import array_errors

from gradlab.gradient_check import (
    check_gradient,
    check_network_gradient,
    complex_step_gradient,
    numerical_gradient,
    relative_error,
)
from gradlab.layers import Activation, BatchNorm, Dense, Dropout, Layer, LayerNorm
from gradlab.losses import squared_error
from gradlab.network import Network


def smooth(x):
    """An analytic function whose gradient has no symmetry."""
    weights = np.arange(1, x.size + 1).reshape(x.shape)
    return np.sum(np.sin(weights * x)) + np.prod(x) * np.exp(x.reshape(-1)[0])


def smooth_gradient(x):
    weights = np.arange(1, x.size + 1).reshape(x.shape)
    product = np.prod(x) * np.exp(x.reshape(-1)[0])
    gradient = np.array(weights * np.cos(weights * x) + product / x)
    gradient.reshape(-1)[0] += product
    return gradient


def points(*shape):
    return np.random.default_rng(0).uniform(0.5, 2, shape)


# ---- central differences


@pytest.mark.equation("bp-central-difference")
@given(st.floats(-5, 5), st.floats(0.01, 1))
def test_central_difference_of_a_cube_is_off_by_the_squared_step(x, eps):
    got = numerical_gradient(lambda p: float(p[0] ** 3), [x], eps)
    assert got[0] == pytest.approx(3 * x**2 + eps**2, rel=1e-9)


@pytest.mark.parametrize("shape", [(), (1,), (4,), (2, 3), (2, 1, 2)])
def test_both_gradients_are_the_derivative_for_any_shape(shape):
    x = points(*shape)
    expected = smooth_gradient(x)
    numerical = numerical_gradient(smooth, x)
    assert numerical.shape == shape
    np.testing.assert_allclose(numerical, expected, rtol=1e-8, atol=1e-8)
    exact = complex_step_gradient(smooth, x)
    assert exact.shape == shape
    np.testing.assert_allclose(exact, expected, rtol=1e-14, atol=1e-14)


def test_agrees_with_scipy():
    x = points(3)
    expected = scipy.optimize.approx_fprime(x, smooth, 1e-7)
    np.testing.assert_allclose(numerical_gradient(smooth, x), expected, rtol=1e-5)


@pytest.mark.parametrize("x", [1e-200, 1e-8, 1.0, 1e8, 1e100])
def test_default_step_suits_entries_of_any_size(x):
    # Quadratics have no truncation error: what is left is rounding.
    got = numerical_gradient(lambda p: float((p[0] / max(x, 1)) ** 2), [x])
    assert got[0] * max(x, 1) == pytest.approx(2 * min(x, 1), abs=1e-9)


def test_default_step_loses_about_a_third_of_the_digits():
    error = numerical_gradient(lambda p: float(np.exp(p[0])), [1.0])[0] / np.e - 1
    assert abs(error) < 1e-9
    # A step far from the default is worse, on either side.
    for eps in (1e-2, 1e-13):
        assert (
            abs(numerical_gradient(lambda p: float(np.exp(p[0])), [1.0], eps)[0] / np.e - 1) > 1e-6
        )


def test_each_entry_moves_alone_and_comes_back():
    seen = []

    def f(p):
        seen.append(p.copy())
        return 0.0

    x = points(3)
    numerical_gradient(f, x, eps=0.5)
    assert len(seen) == 6
    for k, (above, below) in enumerate(zip(seen[::2], seen[1::2], strict=True)):
        step = 0.5 * np.eye(3)[k]
        np.testing.assert_allclose(above, x + step)
        np.testing.assert_allclose(below, x - step)


def test_step_is_the_one_that_rounding_left():
    # The spacing of numbers at 1e9 is 1.2e-7: a step of 2e-7 is really one of 2.4e-7.
    got = numerical_gradient(lambda p: float(3 * (p[0] - 1e9)), [1e9], eps=2e-7)
    assert got[0] == pytest.approx(3, rel=1e-12)


# ---- the complex step


@pytest.mark.equation("bp-complex-step")
@given(st.floats(-3, 3))
def test_complex_step_is_exact_to_rounding(x):
    got = complex_step_gradient(lambda p: np.exp(np.sin(p[0])) / (2 + np.cos(p[0])), [x])
    s, c = np.sin(x), np.cos(x)
    expected = np.exp(s) * (c / (2 + c) + s / (2 + c) ** 2)
    assert got[0] == pytest.approx(expected, rel=1e-13, abs=1e-15)


def test_complex_step_with_a_large_step_has_its_truncation_error():
    # Im (x + ih)^3 / h = 3 x^2 - h^2
    got = complex_step_gradient(lambda p: p[0] ** 3, [2.0], eps=0.5)
    assert got[0] == pytest.approx(12 - 0.25)


@pytest.mark.parametrize("f", [lambda p: np.abs(p).sum(), lambda p: p.real.sum(), lambda _: 1.0])
def test_complex_step_notices_that_the_imaginary_part_is_lost(f):
    with pytest.raises(TypeError, match=r"^f must return a complex number"):
        complex_step_gradient(f, [1.0, 2.0])


# ---- comparing


@pytest.mark.equation("bp-relative-error")
@given(
    arrays(np.float64, 5, elements=st.floats(-1e6, 1e6)),
    arrays(np.float64, 5, elements=st.floats(-1e6, 1e6)),
)
def test_relative_error_is_the_definition(a, b):
    scale = max(max(abs(v) for v in a), max(abs(v) for v in b))
    expected = max(abs(v - w) for v, w in zip(a, b, strict=True)) / scale if scale else 0.0
    assert relative_error(a, b) == pytest.approx(expected, rel=1e-12)
    assert relative_error(b, a) == relative_error(a, b)


def test_relative_error_at_its_edges():
    assert relative_error([], []) == 0
    assert relative_error([0.0, 0.0], [0.0, -0.0]) == 0
    assert relative_error(2.0, 1.0) == 0.5
    assert relative_error([1e-200], [2e-200]) == 0.5
    assert relative_error([1e200], [2e200]) == 0.5
    assert relative_error([np.inf, 1.0], [np.inf, 1.0]) == 0
    for a, b in (([np.nan], [1.0]), ([np.nan], [np.nan]), ([np.inf], [1.0]), ([np.inf], [-np.inf])):
        assert np.isnan(relative_error(a, b))
    assert type(relative_error([1], [3])) is float


def test_check_returns_the_error_of_a_right_gradient():
    x = points(2, 3)
    error = check_gradient(smooth, smooth_gradient(x), x)
    expected = relative_error(smooth_gradient(x), numerical_gradient(smooth, x))
    assert 0 < error < 1e-8
    assert error == expected


def test_check_names_the_worst_entry_of_a_wrong_gradient():
    x = points(2, 3)
    wrong = smooth_gradient(x)
    wrong[0, 1] += 0.01
    wrong[1, 2] += 0.1
    with pytest.raises(AssertionError, match=r"worst at index \(1, 2\): expected .*, got "):
        check_gradient(smooth, wrong, x)
    with pytest.raises(AssertionError):
        check_gradient(smooth, -smooth_gradient(x), x)
    assert check_gradient(smooth, wrong, x, tol=0.5) > 1e-3


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_check_refuses_a_gradient_that_is_not_finite(bad):
    with pytest.raises(AssertionError, match="worst at index"):
        check_gradient(lambda p: float((p**2).sum()), [bad, 4.0], [1.0, 2.0], tol=1e3)
    with pytest.raises(AssertionError):
        check_gradient(lambda _: bad, [0.0], [1.0])


# ---- several arrays


def product(parts):
    a, b, c = parts
    return float(a @ b) * float(c) ** 2


def product_gradient(a, b, c):
    return [b * c**2, a * c**2, 2 * (a @ b) * c]


def three():
    rng = np.random.default_rng(0)
    return [rng.normal(size=4), rng.normal(size=4), np.array(1.5)]


@pytest.mark.parametrize("kind", [list, tuple])
def test_a_list_of_arrays(kind):
    x = three()
    before = [part.copy() for part in x]
    grad = product_gradient(*x)
    error = check_gradient(product, grad, kind(x))
    parts = [lambda p, k=k: product([*x[:k], p, *x[k + 1 :]]) for k in range(3)]
    alone = [check_gradient(f, g, part) for f, g, part in zip(parts, grad, x, strict=True)]
    assert error == max(alone)
    assert 0 < error < 1e-8
    np.testing.assert_equal(x, before)
    # One entry that is an array makes a list of arrays, and the others may be of numbers.
    assert check_gradient(product, grad, [x[0].tolist(), x[1], 1.5]) == error


def test_a_list_of_lists_is_one_array():
    shapes = []

    def f(p):
        shapes.append(p.shape)
        return float((p**2).sum())

    assert check_gradient(f, [[2.0, 4.0], [6.0, 8.0]], [[1.0, 2.0], [3.0, 4.0]]) < 1e-6
    assert set(shapes) == {(2, 2)}


@pytest.mark.parametrize("k", [0, 1])
def test_the_array_and_its_entry_that_are_worst_are_named(k):
    x = three()
    grad = product_gradient(*x)
    grad[k] = grad[k] + [0, 0, 1, 0.01]
    grad[2] = grad[2] * 1.001
    with pytest.raises(
        AssertionError, match=rf"^grad\[{k}\] differs .* worst at index \(2,\): exp"
    ):
        check_gradient(product, grad, x)
    grad[2] = np.nan
    with pytest.raises(
        AssertionError, match=r"^grad\[2\] differs .* worst at index \(\): .* got nan"
    ):
        check_gradient(product, grad, x)


@pytest.mark.parametrize("value", [None, "1", 1j])
def test_a_function_that_returns_no_real_number(value):
    with pytest.raises(TypeError, match=r"^f must return a real number, got "):
        numerical_gradient(lambda x: value, [1.0])


def test_lists_of_different_lengths():
    x = three()
    with pytest.raises(ValueError, match=r"^grad must have 3 arrays, as x, got 2"):
        check_gradient(product, product_gradient(*x)[:2], x)
    with pytest.raises(ValueError, match=r"^grad\[1\] must have shape \(4,\), got \(3,\)"):
        check_gradient(product, [x[0], x[1][:3], x[2]], x)
    with pytest.raises(TypeError, match=r"^grad must be a sequence, got float"):
        check_gradient(product, 1.0, x)
    with pytest.raises(TypeError, match=r"^x\[1\] must hold"):
        check_gradient(product, x, [x[0], x[1] > 0, x[2]])


def test_an_absolute_tolerance():
    # A gradient that is zero but for rounding, as that of a bias below batch normalization.
    def f(p):
        return float(p[0] ** 2)

    with pytest.raises(AssertionError, match=r"by 1\.00e\+00 \(allowed 1e-06\)"):
        check_gradient(lambda p: float(0 * p[0]), [5e-17], [1.0])
    assert check_gradient(lambda p: float(0 * p[0]), [5e-17], [1.0], atol=1e-16) == 0
    assert check_gradient(f, [2.0 + 1e-3], [1.0], atol=2e-3) == 0
    with pytest.raises(AssertionError, match=r"\(allowed 1e-06, or 1e-04 in absolute terms\)"):
        check_gradient(f, [2.0 + 1e-3], [1.0], atol=1e-4)
    # Beside the relative one: either will do, in each array.
    assert check_gradient(f, [2.0 + 1e-3], [1.0], tol=1e-3, atol=1e-4) > 1e-4
    flat = [lambda p: float(p[0] @ p[0] + 0 * p[1].sum()), [2 * X, [0.0, 1e-12]], [X, X]]
    with pytest.raises(AssertionError, match=r"^grad\[1\] differs"):
        check_gradient(*flat)
    assert 0 < check_gradient(*flat, atol=1e-11) < 1e-8


# ---- a network


class Faulty(Layer):
    """Doubles, with a factor for each feature, and takes a wrong derivative of it."""

    def __init__(self, by=1.0, dx=1.0):
        self.factor, self.by, self.dx = np.array([1.0, 2.0, 3.0]), by, dx

    def forward(self, x, training):
        self.x = x
        return 2 * x * self.factor

    def backward(self, dout):
        self.grad = 2 * (dout * self.x).sum(axis=0)
        self.grad[1] *= self.by
        return 2 * dout * self.factor * self.dx

    def parameters(self):
        return [self.factor]

    def gradients(self):
        return [self.grad]


def network(*layers):
    rng = np.random.default_rng(0)
    below = [Dense(4, 5, rng), BatchNorm(5), Activation("tanh"), Dropout(0.3, rng)]
    return Network([*below, Network([Dense(5, 3, rng), LayerNorm(3)]), *layers])


def examples():
    rng = np.random.default_rng(1)
    return rng.normal(size=(6, 4)), rng.integers(0, 3, 6)


@pytest.mark.parametrize(
    ("loss", "target_of"),
    [
        ("softmax_cross_entropy", lambda labels: labels),
        ("squared_error", lambda labels: np.eye(3)[labels]),
        (
            (lambda y, t: float((y * t).sum()), lambda y, t: np.broadcast_to(t, y.shape)),
            lambda labels: np.arange(3.0),
        ),
    ],
)
def test_a_network_with_every_loss(loss, target_of):
    x, labels = examples()
    target = target_of(labels)
    target = np.tile(target, (6, 1)) if target.shape == (3,) else target
    assert 0 < check_network_gradient(network(Faulty()), x, target, loss) < 1e-6


def test_a_network_is_left_as_it_is():
    x, labels = examples()
    net, other = network(), network()
    check_network_gradient(net, x, labels)
    for a, b in zip(net.arrays(), other.arrays(), strict=True):
        np.testing.assert_array_equal(a, b)
    # The generator of dropout too.
    np.testing.assert_array_equal(net.forward(x, True), other.forward(x, True))


@pytest.mark.parametrize(
    ("break_it", "message"),
    [
        (lambda: network(Faulty(by=1.1)), r"layers\[5\]\.parameters\(\)\[0\] .* index \(1,\):"),
        (
            lambda: Network([Network([Activation("elu"), Faulty(by=-1)])]),
            r"layers\[0\]\.layers\[1\]\.parameters\(\)\[0\] .* index \(1,\):",
        ),
        (lambda: Network([Activation("tanh"), Faulty(dx=1.01)]), r"x .* index \(\d, \d\):"),
        (
            lambda: Network([Dense(3, 3, np.random.default_rng(0)), Faulty(dx=[1, 1, 0.9])]),
            r"layers\[0\]\.(weight .* index \(\d, 2\)|bias .* index \(2,\)):",
        ),
    ],
)
def test_what_is_wrong_in_a_network_is_named(break_it, message):
    net, (x, labels) = break_it(), examples()
    x = x if isinstance(net.layers[0], Dense) and net.layers[0].weight.shape[0] == 4 else x[:, :3]
    with pytest.raises(AssertionError, match=rf"^the gradient of {message}"):
        check_network_gradient(net, x, labels)


def test_frozen_layers_are_passed_through():
    net, (x, labels) = network(Faulty(by=2.0)), examples()
    net.layers[5].trainable = net.layers[1].trainable = False
    assert check_network_gradient(net, x, labels) < 1e-6


def test_tolerances_of_a_network():
    net, (x, labels) = network(Faulty(by=1 + 1e-5)), examples()
    with pytest.raises(AssertionError):
        check_network_gradient(net, x, labels)
    assert check_network_gradient(net, x, labels, tol=1e-4) > 1e-6
    assert check_network_gradient(net, x, labels, atol=1e-3) < 1e-6


class NoGradient(Faulty):
    def gradients(self):
        return []


class Flat(Faulty):
    def gradients(self):
        return [self.grad[:2]]


def bad_networks():
    x, labels = examples()
    single = Network([Dense(4, 3, np.random.default_rng(0), dtype=np.float32)])
    yield (3, x, labels), {}, TypeError, "network must be a Network"
    yield (single, x, labels), {}, ValueError, r"network must be in float64, got float32 in layers"
    yield (network(), x, labels[:3]), {}, ValueError, "target must have one label"
    yield (network(), x, labels + 1), {}, ValueError, "target must hold labels"
    yield (network(), x[:, :2], labels), {}, ValueError, "x must have 4 features"
    yield (network(), x, labels, "mse"), {}, ValueError, "loss must be one of"
    yield (network(), x, labels), {"tol": -1.0}, ValueError, "tol must"
    yield (network(), x, labels), {"atol": "0"}, TypeError, "atol must"
    yield (network(), np.full_like(x, np.nan), labels), {}, ValueError, "the loss must be in"
    yield (network(NoGradient()), x, labels), {}, ValueError, r"layers\[5\] must have a gradient"
    shape = r"the gradient of layers\[5\]\.parameters\(\)\[0\] must have shape \(3,\), got \(2,\)"
    yield (network(Flat()), x, labels), {}, ValueError, shape
    slope = (squared_error, lambda y, t: 1.0)
    yield (network(), x, np.eye(3)[labels], slope), {}, ValueError, "the gradient of loss must"


@pytest.mark.parametrize(("args", "settings", "error", "message"), list(bad_networks()))
def test_a_network_that_cannot_be_checked(args, settings, error, message):
    with pytest.raises(error, match=f"^{message}"):
        check_network_gradient(*args, **settings)


# ---- conventions of the package


def test_all_is_computed_in_float64():
    x = points(3).astype(np.float32)
    wide = np.zeros((3, 2))
    wide[:, 0] = x
    expected = numerical_gradient(smooth, x.astype(np.float64))
    for other in (x, x.tolist(), wide[:, 0], wide[::-1, 0][::-1]):
        for gradient in (numerical_gradient(smooth, other), complex_step_gradient(smooth, other)):
            assert gradient.dtype == np.float64
            np.testing.assert_allclose(gradient, expected, rtol=1e-8)
    assert check_gradient(smooth, smooth_gradient(x.astype(np.float64)), x) < 1e-8
    np.testing.assert_allclose(numerical_gradient(lambda p: p @ p, [1, 2]), [2, 4])


def test_inputs_are_left_alone():
    x = points(2, 2)
    grad, before = smooth_gradient(x), x.copy()
    numerical_gradient(smooth, x)
    complex_step_gradient(smooth, x)
    check_gradient(smooth, grad, x)
    relative_error(x, grad)
    np.testing.assert_array_equal(x, before)
    np.testing.assert_array_equal(grad, smooth_gradient(before))


def test_no_entry_no_call():
    def f(_):
        raise AssertionError

    assert numerical_gradient(f, np.zeros((0, 2))).shape == (0, 2)
    assert complex_step_gradient(f, []).shape == (0,)
    assert check_gradient(f, [], []) == 0


# ---- bad input

X = np.array([1.0, 2.0])
CALLS = {
    numerical_gradient: {"f": lambda x: float((x**2).sum()), "x": X, "eps": 1e-5},
    complex_step_gradient: {"f": lambda x: (x**2).sum(), "x": X, "eps": 1e-30},
    relative_error: {"a": X, "b": X + 1},
    check_gradient: {"f": lambda x: float((x**2).sum()), "grad": 2 * X, "x": X, "tol": 1e-6},
}


def bad_calls():
    for function, good in CALLS.items():
        for name in sorted({"x", "a", "b", "grad"} & set(good)):
            for _, bad, error in array_errors(name, X):
                if error is TypeError or name in ("b", "grad"):
                    yield function, name, bad, error
            yield function, name, [[1.0], [1.0, 2.0]], ValueError
        if "f" in good:
            yield function, "f", lambda x: x, ValueError
            yield function, "f", lambda _: [], ValueError
        if "eps" in good:
            yield from ((function, "eps", bad, ValueError) for bad in (0, -1e-5, np.nan, np.inf))
            yield from ((function, "eps", bad, TypeError) for bad in ("1", 1j, True))
    yield numerical_gradient, "eps", 1e-20, ValueError
    yield check_gradient, "tol", -1e-6, ValueError
    yield check_gradient, "tol", np.nan, ValueError
    yield check_gradient, "tol", None, TypeError
    yield check_gradient, "atol", -1e-6, ValueError
    yield check_gradient, "atol", "0", TypeError


@pytest.mark.parametrize(("function", "name", "bad", "error"), list(bad_calls()))
def test_bad_input_is_refused_by_name(function, name, bad, error):
    with pytest.raises(error, match=rf"^{name} must"):
        function(**(CALLS[function] | {name: bad}))
