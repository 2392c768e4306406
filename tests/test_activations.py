import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy import integrate, optimize, special, stats
from support import array_errors, assert_agrees, frozen, torch

from gradlab import activations as act
from gradlab.gradient_check import check_gradient

DTYPES = [np.float64, np.float32]

# Each entrywise function as its definition has it, for one number of moderate size.
DEFINITIONS = {
    "sigmoid": lambda x: 1 / (1 + math.exp(-x)),
    "tanh": lambda x: (math.exp(x) - math.exp(-x)) / (math.exp(x) + math.exp(-x)),
    "scaled_tanh": lambda x: 1.7159 * math.tanh(2 * x / 3),
    "hard_tanh": lambda x: -1.0 if x < -1 else 1.0 if x > 1 else x,
    "relu": lambda x: x if x > 0 else 0.0,
    "leaky_relu": lambda x: x if x > 0 else 0.01 * x,
    "elu": lambda x: x if x > 0 else math.exp(x) - 1,
    "selu": lambda x: 1.0507009873554805 * (x if x > 0 else 1.6732632423543772 * (math.exp(x) - 1)),
    "softplus": lambda x: math.log(1 + math.exp(x)),
    "gelu": lambda x: x / 2 * math.erfc(-x / math.sqrt(2)),
    "silu": lambda x: x / (1 + math.exp(-x)),
}
COUPLED = ("softmax", "log_softmax")
TORCH = {
    "sigmoid": "sigmoid",
    "tanh": "tanh",
    "hard_tanh": "hardtanh",
    "relu": "relu",
    "leaky_relu": "leaky_relu",
    "elu": "elu",
    "selu": "selu",
    "softplus": "softplus",
    "gelu": "gelu",
    "silu": "silu",
    "softmax": "softmax",
    "log_softmax": "log_softmax",
}
ALL = (*DEFINITIONS, *COUPLED)


def pair(name):
    return getattr(act, name), getattr(act, f"{name}_backward")


def make_case(seed, shape=(5, 4), dtype=np.float64):
    """Inputs on both sides of every kink, none of them near one; a dout of mean one half."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(0.1, 0.9, shape) + rng.choice([-3, -2, -1, 0, 1, 2], shape)
    return x.astype(dtype), (rng.normal(size=shape) + 0.5).astype(dtype)


# ---- the definitions


@pytest.mark.equation("act-sigmoid")
@pytest.mark.equation("act-tanh")
@pytest.mark.equation("act-scaled-tanh")
@pytest.mark.equation("act-hard-tanh")
@pytest.mark.equation("act-relu")
@pytest.mark.equation("act-leaky-relu")
@pytest.mark.equation("act-elu")
@pytest.mark.equation("act-selu")
@pytest.mark.equation("act-softplus")
@pytest.mark.equation("act-gelu")
@pytest.mark.equation("act-silu")
@pytest.mark.parametrize("name", DEFINITIONS)
def test_entrywise_functions_are_their_definitions(name):
    x = np.concatenate([np.linspace(-9, 9, 61), [-1.0, 0.0, 1.0]])
    expected = [DEFINITIONS[name](value) for value in x]
    np.testing.assert_allclose(pair(name)[0](x), expected, rtol=1e-12, atol=1e-15)


@pytest.mark.equation("act-softmax")
@pytest.mark.equation("act-log-softmax")
def test_softmax_and_its_logarithm_are_their_definitions():
    x, _ = make_case(0, (2, 3, 4))
    p = np.exp(x) / np.exp(x).sum(axis=-1, keepdims=True)
    np.testing.assert_allclose(act.softmax(x), p, rtol=1e-12)
    np.testing.assert_allclose(act.log_softmax(x), np.log(p), rtol=1e-12)


def test_softmax_prefers_the_largest_entry():
    # With exp of minus the net input, as on the slide, it would be the first.
    assert act.softmax([1.0, 2.0, 3.0]).argmax() == 2


@pytest.mark.equation("act-maxout")
def test_maxout_is_its_definition():
    x, _ = make_case(1, (2, 5, 12))
    for pieces in (1, 3, 4, 12):
        out = act.maxout(x, pieces)
        assert out.shape == (2, 5, 12 // pieces)
        for unit in range(12 // pieces):
            window = x[..., unit * pieces : (unit + 1) * pieces]
            np.testing.assert_array_equal(out[..., unit], window.max(axis=-1))


@pytest.mark.equation("act-dead-fraction")
def test_dead_fraction_counts_units_that_are_never_on():
    z = [[-1.0, 2.0, 0.0, -3.0, -1.0], [-2.0, -1.0, -5.0, 4.0, -0.5], [-1.0, 1.0, 0.0, -1.0, -9.0]]
    assert act.dead_fraction(z) == 3 / 5
    # A dead unit is one that passes no gradient, whatever arrives.
    gradient = act.relu_backward(np.ones((3, 5)), z)
    assert act.dead_fraction(z) == (gradient == 0).all(axis=0).mean()
    assert act.dead_fraction([[np.nan, -1.0]]) == 0.5


# ---- the backward passes


@pytest.mark.equation("act-sigmoid-backward")
@pytest.mark.equation("act-tanh-backward")
@pytest.mark.equation("act-scaled-tanh-backward")
@pytest.mark.equation("act-hard-tanh-backward")
@pytest.mark.equation("act-relu-backward")
@pytest.mark.equation("act-leaky-relu-backward")
@pytest.mark.equation("act-elu-backward")
@pytest.mark.equation("act-selu-backward")
@pytest.mark.equation("act-softplus-backward")
@pytest.mark.equation("act-gelu-backward")
@pytest.mark.equation("act-silu-backward")
@pytest.mark.equation("act-softmax-backward")
@pytest.mark.equation("act-log-softmax-backward")
@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("shape", [(5, 4), (2, 3, 4), (1, 1), (7,)])
def test_backward_agrees_with_central_differences(name, shape):
    forward, backward = pair(name)
    x, dout = make_case(2, shape)
    check_gradient(lambda a: float((forward(a) * dout).sum()), backward(dout, x), x, tol=1e-7)


@pytest.mark.parametrize("alpha", [0.0, 0.2, 1.0, 2.5])
def test_backward_with_a_slope_agrees_with_central_differences(alpha):
    x, dout = make_case(3)
    for name in ("leaky_relu", "elu"):
        forward, backward = pair(name)
        check_gradient(
            lambda a, f=forward: float((f(a, alpha) * dout).sum()),
            backward(dout, x, alpha),
            x,
            tol=1e-7,
        )


@pytest.mark.equation("act-maxout-backward")
@pytest.mark.parametrize("pieces", [1, 2, 3, 6])
def test_backward_of_maxout_agrees_with_central_differences(pieces):
    x, _ = make_case(4, (4, 6))
    _, dout = make_case(5, (4, 6 // pieces))
    dx = act.maxout_backward(dout, x, pieces)
    check_gradient(lambda a: float((act.maxout(a, pieces) * dout).sum()), dx, x, tol=1e-7)


@pytest.mark.parametrize("name", ALL)
def test_backward_is_linear_in_dout(name):
    _, backward = pair(name)
    x, dout = make_case(6)
    other = np.roll(dout, 1, axis=0)
    np.testing.assert_allclose(
        backward(2 * dout - 3 * other, x),
        2 * backward(dout, x) - 3 * backward(other, x),
        atol=1e-12,
    )


def test_backward_at_a_kink_is_as_documented():
    for name, x, slope in (
        ("relu", 0.0, 0.0),
        ("leaky_relu", 0.0, 0.01),
        ("elu", 0.0, 1.0),
        ("selu", 0.0, 1.0507009873554805 * 1.6732632423543772),
        ("hard_tanh", 1.0, 0.0),
        ("hard_tanh", -1.0, 0.0),
    ):
        assert pair(name)[1]([3.0], [x])[0] == pytest.approx(3 * slope, rel=1e-15)
    np.testing.assert_array_equal(
        act.maxout_backward([[5.0]], [[1.0, 2.0, 2.0]], 3), [[0.0, 5.0, 0.0]]
    )


@pytest.mark.equation("act-gelu-tanh")
@pytest.mark.equation("act-gelu-tanh-backward")
def test_gelu_with_tanh_is_its_definition_and_near_the_exact_one():
    x = np.linspace(-9, 9, 61)
    u = math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)
    out = act.gelu(x, approximate="tanh")
    np.testing.assert_allclose(out, x / 2 * (1 + np.tanh(u)), rtol=1e-12, atol=1e-15)
    x = np.linspace(-9, 9, 10001)
    assert 0.0004 < np.abs(act.gelu(x) - act.gelu(x, approximate="tanh")).max() < 0.0005
    x, dout = make_case(12)
    dx = act.gelu_backward(dout, x, approximate="tanh")
    check_gradient(lambda a: float((act.gelu(a, approximate="tanh") * dout).sum()), dx, x, tol=1e-7)


# ---- what the chapter says of them


@pytest.mark.equation("act-tanh-sigmoid")
@given(st.floats(-20, 20))
def test_tanh_is_a_sigmoid_stretched(x):
    assert act.tanh(x) == pytest.approx(2 * act.sigmoid(2 * x) - 1, abs=1e-15)


@given(st.floats(-300, 300))
def test_symmetries(x):
    assert act.sigmoid(x) + act.sigmoid(-x) == pytest.approx(1, abs=1e-15)
    assert act.scaled_tanh(-x) == -act.scaled_tanh(x)
    assert act.softplus(x) - act.softplus(-x) == pytest.approx(x, abs=1e-12)
    assert act.softplus_backward(1.0, x) == act.sigmoid(x)


@pytest.mark.parametrize("dtype", DTYPES)
@given(
    x=arrays(np.float64, array_shapes(max_dims=3, max_side=6), elements=st.floats(-1e4, 1e4)),
    shift=st.floats(-1e3, 1e3),
)
def test_softmax_is_a_distribution_that_ignores_a_shift(dtype, x, shift):
    x = x.astype(dtype)
    p = act.softmax(x)
    assert (p >= 0).all()
    np.testing.assert_allclose(p.sum(axis=-1), 1, rtol=1e-6 if dtype == np.float32 else 1e-12)
    # A shift rounds the entries, the largest of which is below 1.1e4.
    rounding = np.finfo(dtype).eps * 2.2e4
    np.testing.assert_allclose(act.softmax(x + dtype(shift)), p, atol=2 * rounding)
    total = act.softmax_backward(np.arange(x.size).reshape(x.shape).astype(dtype), x).sum(axis=-1)
    np.testing.assert_allclose(total, 0, atol=np.finfo(dtype).eps * 10 * x.size)


@given(st.integers(0, 2**32 - 1), st.floats(-0.5, 1.0))
def test_maxout_contains_relu_and_leaky_relu(seed, alpha):
    x, _ = make_case(seed, (3, 4))
    for slope, expected in ((0.0, act.relu(x)), (alpha, act.leaky_relu(x, alpha))):
        pieces = np.stack([x, slope * x], axis=-1).reshape(3, 8)
        np.testing.assert_array_equal(act.maxout(pieces, 2), expected)


def test_leaky_relu_is_not_the_larger_line_beyond_a_slope_of_one():
    np.testing.assert_array_equal(act.leaky_relu([-1.0, 1.0], 2.0), [-2.0, 1.0])
    np.testing.assert_array_equal(act.leaky_relu([-2.0, 3.0], 0.0), act.relu([-2.0, 3.0]))


def moment(function, power):
    """Mean of a power of the output, for standard normal input."""

    def integrand(x):
        return float(function(x)) ** power * stats.norm.pdf(x)

    return sum(integrate.quad(integrand, *side)[0] for side in ((-12, 0), (0, 12)))


@pytest.mark.equation("act-selu-alpha")
@pytest.mark.equation("act-selu-scale")
def test_moments_for_standard_normal_input():
    assert moment(act.selu, 1) == pytest.approx(0, abs=1e-9)
    assert moment(act.selu, 2) == pytest.approx(1, abs=1e-9)
    assert moment(act.relu, 1) == pytest.approx(1 / math.sqrt(2 * math.pi))
    # Deck L says that ELU has no offset bias anymore; it has a smaller one.
    assert moment(act.elu, 1) == pytest.approx(0.1605, abs=1e-4)
    # For LeCun's tanh deck L says that the variance is close to 1; for the plain one it is 0.39.
    assert moment(act.scaled_tanh, 2) == pytest.approx(0.7504, abs=1e-4)
    assert moment(act.tanh, 2) == pytest.approx(0.3943, abs=1e-4)


def test_scaled_tanh_bends_most_near_one():
    def negative_bend(x):
        h = 1e-4
        slopes = act.scaled_tanh_backward([1.0, 1.0], [x - h, x + h])
        return -abs(slopes[1] - slopes[0])

    found = optimize.minimize_scalar(negative_bend, bounds=(0.1, 3.0), method="bounded").x
    # tanh^2(2x/3) = 1/3
    assert found == pytest.approx(1.5 * math.atanh(1 / math.sqrt(3)), abs=1e-3)
    assert found == pytest.approx(1, abs=0.02)
    np.testing.assert_allclose(act.scaled_tanh([-1.0, 1.0]), [-1, 1], atol=1e-5)


# ---- extremes


@pytest.mark.parametrize("dtype", DTYPES)
def test_values_at_extremes(dtype):
    x = np.array([-1e4, 1e4], dtype)
    for name, expected in {
        "sigmoid": [0, 1],
        "tanh": [-1, 1],
        "scaled_tanh": [-1.7159, 1.7159],
        "hard_tanh": [-1, 1],
        "relu": [0, 1e4],
        "leaky_relu": [-100, 1e4],
        "elu": [-1, 1e4],
        "selu": [-1.7580993408473766, 10507.009873554805],
        "softplus": [0, 1e4],
        "gelu": [0, 1e4],
        "silu": [0, 1e4],
        "softmax": [0, 1],
        "log_softmax": [-2e4, 0],
    }.items():
        np.testing.assert_allclose(pair(name)[0](x), np.array(expected, dtype), rtol=1e-6)
    for name, expected in {
        "sigmoid": [0, 0],
        "tanh": [0, 0],
        "scaled_tanh": [0, 0],
        "hard_tanh": [0, 0],
        "relu": [0, 3],
        "leaky_relu": [0.02, 3],
        "elu": [0, 3],
        "selu": [0, 3 * 1.0507009873554805],
        "softplus": [0, 3],
        "gelu": [0, 3],
        "silu": [0, 3],
        "softmax": [0, 0],
        "log_softmax": [2, -2],
    }.items():
        got = pair(name)[1](np.array([2, 3], dtype), x)
        np.testing.assert_allclose(got, np.array(expected, dtype), rtol=1e-6)


@pytest.mark.parametrize("dtype", DTYPES)
def test_small_results_keep_their_digits(dtype):
    x = dtype(40.0)
    tail = np.exp(-40.0)
    for got, expected in (
        (act.sigmoid(-x), tail),
        (act.softplus(-x), tail),
        (act.sigmoid_backward(dtype(1), x), tail),
        (act.sigmoid_backward(dtype(1), -x), tail),
        (act.tanh_backward(dtype(1), x / 2), 4 * tail),
        (act.elu(dtype(-1e-6)), -1e-6),
        (act.log_softmax(np.array([x, 0], dtype))[1], -40.0),
    ):
        np.testing.assert_allclose(got, expected, rtol=2e-6)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("approximate", ["none", "tanh"])
def test_gelu_keeps_its_digits_far_below_zero(approximate, dtype):
    x = np.linspace(-9, -3, 25).astype(dtype)
    if approximate == "none":
        expected = [v / 2 * math.erfc(-v / math.sqrt(2)) for v in x.astype(float)]
    else:
        wide = x.astype(float)
        u = math.sqrt(2 / math.pi) * (wide + 0.044715 * wide**3)
        expected = wide / (1 + np.exp(-2 * u))
    rtol = 1e-12 if dtype == np.float64 else 2e-5
    np.testing.assert_allclose(act.gelu(x, approximate), expected, rtol=rtol)
    far = np.array([-np.inf, np.inf, np.nan], dtype)
    np.testing.assert_array_equal(act.gelu(far, approximate), [0, np.inf, np.nan])
    slopes = act.gelu_backward(np.ones(3, dtype), far, approximate)
    np.testing.assert_array_equal(slopes, [0, 1, np.nan])


@pytest.mark.parametrize("dtype", DTYPES)
@given(x=arrays(np.float64, array_shapes(max_dims=2, max_side=40), elements=st.floats(-80, 80)))
def test_rows_of_any_width_and_order(dtype, x):
    x = x.astype(dtype)
    expected = special.log_softmax(x.astype(np.float64), axis=-1)
    tolerance = 1e-5 if dtype == np.float32 else 1e-12
    np.testing.assert_allclose(act.log_softmax(x), expected, rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(act.softmax(x), np.exp(expected), rtol=2e-5, atol=tolerance)


@pytest.mark.parametrize("name", DEFINITIONS)
def test_infinite_and_undefined_input_stay_in_their_place(name):
    forward, backward = pair(name)
    x = np.array([np.inf, -np.inf, np.nan, 0.5])
    out = forward(x)
    assert np.isnan(out[2])
    limits = forward(np.array([1e300, -1e300]))
    for got, limit in zip(out[:2], limits, strict=True):
        assert got == limit or (np.isinf(got) and abs(limit) > 1e290 and got * limit > 0)
    assert np.isfinite(backward(np.ones(4), x)[[0, 1, 3]]).all()


def test_masked_and_undefined_entries_of_softmax():
    np.testing.assert_array_equal(act.softmax([0.0, -np.inf, 0.0]), [0.5, 0.0, 0.5])
    assert act.log_softmax([0.0, -np.inf])[1] == -np.inf
    p = act.softmax([[np.nan, 1.0], [1.0, 1.0]])
    assert np.isnan(p[0]).all()
    np.testing.assert_array_equal(p[1], [0.5, 0.5])
    # The sign bit of what is not a number plays no part, nor does its place.
    for bad in (np.nan, -np.nan, np.inf):
        for row in ([bad, 1.0, -1.0], [-1.0, 1.0, bad]):
            for dtype in DTYPES:
                with np.errstate(invalid="ignore"):
                    assert np.isnan(act.softmax(np.array(row, dtype))).any()
    for dtype in DTYPES:
        wide = np.full((2, 100), -1000, dtype)
        wide[:, 37] = -999
        wide[1, 50:] = -np.inf
        np.testing.assert_allclose(
            act.softmax(wide)[:, 36:38].sum(axis=1),
            [(1 + np.e) / (99 + np.e), (1 + np.e) / (49 + np.e)],
            rtol=1e-6,
        )


def test_not_a_number_wins_in_maxout():
    x = np.array([[1.0, np.nan, 2.0, 5.0, 4.0, 6.0, np.nan, np.nan, 7.0]])
    np.testing.assert_array_equal(act.maxout(x, 3), [[np.nan, 6.0, np.nan]])
    dx = act.maxout_backward([[1.0, 2.0, 3.0]], x, 3)
    np.testing.assert_array_equal(dx, [[0, 1, 0, 0, 0, 2, 3, 0, 0]])


# ---- agreement with other libraries


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", TORCH)
def test_agrees_with_frozen_pytorch(name, dtype):
    stored = frozen("activations")
    x, dout = (stored[f"{dtype.__name__}/{key}"] for key in ("x", "dout"))
    forward, backward = pair(name)
    # Row by row: an entry of 1e4 must not set the tolerance for the others.
    for i, (out, dx) in enumerate(zip(forward(x), backward(dout, x), strict=True)):
        assert_agrees(out, stored[f"{dtype.__name__}/{name}"][i])
        # Where its output rounds to 1, PyTorch's derivatives are 0 but for rounding.
        assert_agrees(dx, stored[f"{dtype.__name__}/{name}_backward"][i], scale=1.0)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", TORCH)
@given(
    x=arrays(np.float64, array_shapes(max_dims=3, max_side=5), elements=st.floats(-50, 50)),
    seed=st.integers(0, 2**32 - 1),
)
def test_agrees_with_pytorch(name, dtype, x, seed):
    pytorch = torch()
    x = x.astype(dtype)
    dout = (np.random.default_rng(seed).normal(size=x.shape) + 0.5).astype(dtype)
    leaf = pytorch.from_numpy(x.copy()).requires_grad_()
    options = {"dim": -1} if name in COUPLED else {}
    function = getattr(pytorch.nn.functional, TORCH[name], None) or getattr(pytorch, TORCH[name])
    expected = function(leaf, **options)
    expected.backward(pytorch.from_numpy(dout))
    forward, backward = pair(name)
    assert_agrees(forward(x), expected.detach().numpy(), scale=1.0)
    assert_agrees(backward(dout, x), leaf.grad.numpy(), scale=np.abs(dout).max())


@pytest.mark.parametrize("alpha", [0.0, 0.3, 1.7])
def test_slopes_agree_with_pytorch(alpha):
    pytorch = torch()
    x, dout = make_case(7)
    x[0, 0] = 0.0
    for name, options in (("leaky_relu", {"negative_slope": alpha}), ("elu", {"alpha": alpha})):
        leaf = pytorch.from_numpy(x.copy()).requires_grad_()
        expected = getattr(pytorch.nn.functional, name)(leaf, **options)
        expected.backward(pytorch.from_numpy(dout))
        forward, backward = pair(name)
        assert_agrees(forward(x, alpha), expected.detach().numpy())
        assert_agrees(backward(dout, x, alpha), leaf.grad.numpy())


@pytest.mark.parametrize("dtype", DTYPES)
def test_gelu_with_tanh_agrees_with_frozen_pytorch(dtype):
    stored = frozen("activations")
    x, dout = (stored[f"{dtype.__name__}/{key}"] for key in ("x", "dout"))
    out, dx = act.gelu(x, "tanh"), act.gelu_backward(dout, x, "tanh")
    for i in range(len(x)):
        assert_agrees(out[i], stored[f"{dtype.__name__}/gelu_tanh"][i])
        assert_agrees(dx[i], stored[f"{dtype.__name__}/gelu_tanh_backward"][i], scale=1.0)


def test_maxout_agrees_with_pytorch():
    pytorch = torch()
    x, _ = make_case(8, (5, 6))
    x[0, 1] = x[0, 0]
    _, dout = make_case(9, (5, 2))
    leaf = pytorch.from_numpy(x.copy()).requires_grad_()
    expected = leaf.reshape(5, 2, 3).max(dim=-1).values
    expected.backward(pytorch.from_numpy(dout))
    assert_agrees(act.maxout(x, 3), expected.detach().numpy())
    assert_agrees(act.maxout_backward(dout, x, 3), leaf.grad.numpy())


# ---- conventions of the package


@pytest.mark.parametrize("dtype", DTYPES)
def test_dtype_and_shape_are_kept(dtype):
    for shape in ((3, 4), (0, 4), (1, 1), (2, 3, 4)):
        x, dout = make_case(10, shape, dtype)
        for name in ALL:
            forward, backward = pair(name)
            for result in (forward(x), backward(dout, x)):
                assert isinstance(result, np.ndarray)
                assert (result.dtype, result.shape) == (dtype, shape)
        assert act.maxout(x, 1).dtype == act.maxout_backward(dout, x, 1).dtype == dtype
        assert act.maxout(x, shape[-1]).shape == (*shape[:-1], 1)
    for name in DEFINITIONS:
        forward, backward = pair(name)
        for result in (forward(dtype(0.5)), backward(dtype(1), dtype(0.5)), forward(x[:0, 0, 0])):
            assert isinstance(result, np.ndarray)
            assert result.dtype == dtype


def test_integers_lists_and_other_memory_layouts_give_the_same():
    x = np.arange(12).reshape(3, 4) - 8
    dout = np.arange(12).reshape(3, 4)[::-1] % 5
    wide = np.zeros((6, 8))
    wide[::2, ::2] = x
    others = (x, x.tolist(), np.asfortranarray(x), wide[::2, ::2], x.astype(">f8"))
    functions = [(name, pair(name), ()) for name in ALL]
    functions.append(("maxout", pair("maxout"), (1,)))
    for _, (forward, backward), options in functions:
        expected = (
            forward(x.astype(float), *options),
            backward(dout.astype(float), x.astype(float), *options),
        )
        for other in others:
            np.testing.assert_array_equal(forward(other, *options), expected[0])
            np.testing.assert_array_equal(backward(dout, other, *options), expected[1])
    assert {act.dead_fraction(other) for other in others} == {0.25}


def test_inputs_are_left_alone():
    x, dout = make_case(11)
    copies = x.copy(), dout.copy()
    for name in ALL:
        forward, backward = pair(name)
        results = forward(x), backward(dout, x)
        assert not any(np.shares_memory(result, given) for result in results for given in (x, dout))
    act.maxout(x, 2)
    act.maxout_backward(dout[:, :2], x, 2)
    act.dead_fraction(x)
    np.testing.assert_array_equal(x, copies[0])
    np.testing.assert_array_equal(dout, copies[1])


# ---- bad input

X = np.arange(6.0).reshape(3, 2) - 2.5
CALLS = {
    **{pair(name)[0]: {"x": X} for name in ALL},
    **{pair(name)[1]: {"dout": X, "x": X} for name in ALL},
    act.leaky_relu: {"x": X, "alpha": 0.1},
    act.leaky_relu_backward: {"dout": X, "x": X, "alpha": 0.1},
    act.elu: {"x": X, "alpha": 0.1},
    act.elu_backward: {"dout": X, "x": X, "alpha": 0.1},
    act.maxout: {"x": X, "pieces": 2},
    act.maxout_backward: {"dout": X[:, :1], "x": X, "pieces": 2},
    act.dead_fraction: {"pre_activations": X},
}


def bad_calls():
    for function, good in CALLS.items():
        for name, value in good.items():
            if isinstance(value, np.ndarray):
                for argument, bad, error in array_errors(name, value):
                    # Most functions take any shape: only dout can be of a wrong one.
                    if error is TypeError or name == "dout":
                        yield function, argument, bad, error
                yield function, name, value.astype(np.float16), TypeError
                yield function, name, [[1.0], [1.0, 2.0]], ValueError
        if "alpha" in good:
            yield from ((function, "alpha", bad, ValueError) for bad in (np.nan, np.inf))
            yield from ((function, "alpha", bad, TypeError) for bad in ("1", None, 1j, True))
        if "pieces" in good:
            yield from ((function, "pieces", bad, ValueError) for bad in (0, -2, 3, 4))
            yield from ((function, "pieces", bad, TypeError) for bad in (2.0, "2", None, True))
    for function in (act.elu, act.elu_backward):
        yield function, "alpha", -0.1, ValueError
    for name in (*COUPLED, "maxout"):
        for function in pair(name):
            yield from ((function, "x", bad, ValueError) for bad in (1.0, [], np.ones((2, 0))))
    for function in pair("gelu"):
        yield from ((function, "approximate", bad, ValueError) for bad in ("erf", None, True, 0))
    for bad in (1.0, [1.0], X[:0], X[:, :0], X[None]):
        yield act.dead_fraction, "pre_activations", bad, ValueError


@pytest.mark.parametrize(("function", "name", "bad", "error"), list(bad_calls()))
def test_bad_input_is_refused_by_name(function, name, bad, error):
    with pytest.raises(error, match=rf"^{name} must"):
        function(**(CALLS[function] | {name: bad}))
