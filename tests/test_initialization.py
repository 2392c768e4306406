import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats
from support import array_errors, torch

from gradlab.backpropagation import mlp_backward, mlp_forward
from gradlab.initialization import (
    he_average_normal,
    he_normal,
    he_uniform,
    identical_units,
    lecun_normal,
    lecun_uniform,
    legacy_torch_uniform,
    marchenko_pastur_pdf,
    orthogonal,
    propagated_variance,
    variance_scaling,
    xavier_normal,
    xavier_uniform,
    zeros,
)

DTYPES = [np.float64, np.float32]

NORMAL = {
    lecun_normal: lambda n_in, _: 1 / n_in,
    xavier_normal: lambda n_in, n_out: 2 / (n_in + n_out),
    he_normal: lambda n_in, _: 2 / n_in,
    he_average_normal: lambda n_in, n_out: 4 / (n_in + n_out),
}
# The limits as the decks have them, each as a formula of its own.
UNIFORM_LIMITS = {
    lecun_uniform: lambda n_in, _: math.sqrt(3) / math.sqrt(n_in),
    legacy_torch_uniform: lambda n_in, _: 1 / math.sqrt(n_in),
    xavier_uniform: lambda n_in, n_out: math.sqrt(6) / math.sqrt(n_in + n_out),
    he_uniform: lambda n_in, _: math.sqrt(6 / n_in),
}
RANDOM = (*NORMAL, *UNIFORM_LIMITS, orthogonal)
ALL = (*RANDOM, zeros)


# ---- the distributions
#
# Statistical limits. Of N independent entries of mean 0 and variance v, with E w^4 = k v^2,
# - the mean has the standard deviation sqrt(v / N);
# - the mean of the squares has the standard deviation v sqrt((k - 1) / N), where k is 3 for the
#   normal distribution and 9/5 for the uniform one: E w^4 = a^4 / 5 and v = a^2 / 3.
# A limit of five standard deviations fails one seed in two million. With N = 60,000 it is 2.9% of
# the variance (normal) or 1.8% (uniform), while the nearest two rules differ by 20%.

SIZES = (300, 200)
N = 300 * 200


@pytest.mark.equation("init-lecun")
@pytest.mark.equation("init-xavier")
@pytest.mark.equation("init-he")
@pytest.mark.equation("init-he-average")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rule", NORMAL)
def test_normal_rules(rule, dtype):
    for seed, sizes in enumerate((SIZES, SIZES[::-1])):
        weight = rule(*sizes, np.random.default_rng(seed), dtype).astype(np.float64)
        variance = NORMAL[rule](*sizes)
        assert abs(weight.mean()) < 5 * math.sqrt(variance / N)
        assert abs((weight**2).mean() - variance) < 5 * variance * math.sqrt(2 / N)
        p_value = stats.kstest(weight.ravel(), stats.norm(scale=math.sqrt(variance)).cdf).pvalue
        assert p_value > 1e-6


@pytest.mark.equation("init-lecun-uniform")
@pytest.mark.equation("init-legacy-torch")
@pytest.mark.equation("init-xavier-uniform")
@pytest.mark.equation("init-he-uniform")
@pytest.mark.equation("init-uniform-limit")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rule", UNIFORM_LIMITS)
def test_uniform_rules(rule, dtype):
    for seed, sizes in enumerate((SIZES, SIZES[::-1])):
        weight = rule(*sizes, np.random.default_rng(seed), dtype).astype(np.float64)
        limit = UNIFORM_LIMITS[rule](*sizes)
        variance = limit**2 / 3
        assert abs(weight.mean()) < 5 * math.sqrt(variance / N)
        assert abs((weight**2).mean() - variance) < 5 * variance * math.sqrt(0.8 / N)
        # No entry is beyond the limit; all within a share c of it happens with probability
        # (1 - c)^N, here exp(-20).
        largest = np.abs(weight).max()
        assert limit * (1 - 20 / N) < largest <= limit * (1 + np.finfo(dtype).eps)
        p_value = stats.kstest(weight.ravel(), stats.uniform(-limit, 2 * limit).cdf).pvalue
        assert p_value > 1e-6


@pytest.mark.parametrize(
    ("normal", "uniform"),
    [(lecun_normal, lecun_uniform), (xavier_normal, xavier_uniform), (he_normal, he_uniform)],
)
def test_normal_and_uniform_form_have_one_variance(normal, uniform):
    for sizes in (SIZES, (7, 90)):
        assert UNIFORM_LIMITS[uniform](*sizes) ** 2 / 3 == pytest.approx(NORMAL[normal](*sizes))


@pytest.mark.parametrize(
    ("rule", "name", "options"),
    [
        (xavier_normal, "xavier_normal_", {}),
        (xavier_uniform, "xavier_uniform_", {}),
        (he_normal, "kaiming_normal_", {"nonlinearity": "relu"}),
        (he_uniform, "kaiming_uniform_", {"nonlinearity": "relu"}),
        (lecun_normal, "kaiming_normal_", {"nonlinearity": "linear"}),
        (lecun_uniform, "kaiming_uniform_", {"nonlinearity": "linear"}),
        (legacy_torch_uniform, None, {}),
    ],
)
def test_same_distribution_as_pytorch(rule, name, options):
    pytorch = torch()
    pytorch.manual_seed(0)
    # PyTorch keeps weights as (fan_out, fan_in); without a rule it still has Torch's old one.
    layer = pytorch.nn.Linear(*SIZES)
    if name is not None:
        getattr(pytorch.nn.init, name)(layer.weight, **options)
    theirs = layer.weight.detach().numpy().T
    ours = rule(*SIZES, np.random.default_rng(0), np.float32)
    assert ours.shape == theirs.shape
    assert stats.ks_2samp(ours.ravel(), theirs.ravel()).pvalue > 1e-6


@pytest.mark.parametrize("dtype", DTYPES)
@given(seed=st.integers(0, 2**32 - 1), fan_in=st.integers(1, 999), fan_out=st.integers(1, 9))
def test_a_seed_gives_the_numbers_that_numpy_s_distributions_give(dtype, seed, fan_in, fan_out):
    variances = NORMAL | {
        lecun_uniform: lambda n_in, _: 1 / n_in,
        legacy_torch_uniform: lambda n_in, _: 1 / (3 * n_in),
        xavier_uniform: lambda n_in, n_out: 2 / (n_in + n_out),
        he_uniform: lambda n_in, _: 2 / n_in,
    }
    for rule, variance in variances.items():
        rng, size = np.random.default_rng(seed), (fan_in, fan_out)
        if rule in NORMAL:
            expected = math.sqrt(variance(*size)) * rng.standard_normal(size)
        else:
            limit = math.sqrt(3 * variance(*size))
            expected = rng.uniform(-limit, limit, size)
        weight = rule(*size, np.random.default_rng(seed), dtype)
        np.testing.assert_array_equal(weight, expected.astype(dtype))


@pytest.mark.equation("init-uniform-limit")
@pytest.mark.parametrize("scale", [1, 2.5])
@pytest.mark.parametrize(("mode", "fan"), [("fan_in", 300), ("fan_out", 200), ("fan_avg", 250)])
def test_variance_scaling(scale, mode, fan):
    variance = scale / fan
    arguments = (*SIZES, np.random.default_rng(0), scale, mode)
    normal = variance_scaling(*arguments)
    assert abs((normal**2).mean() - variance) < 5 * variance * math.sqrt(2 / N)
    uniform = variance_scaling(*arguments, "uniform", np.float32)
    assert uniform.dtype == np.float32
    assert np.abs(uniform).max() == pytest.approx(math.sqrt(3 * variance), rel=20 / N)
    assert stats.kstest(normal.ravel(), stats.norm(scale=variance**0.5).cdf).pvalue > 1e-6


# ---- orthogonal matrices and zeros


@pytest.mark.equation("init-orthogonal")
@pytest.mark.parametrize("dtype", DTYPES)
@given(
    seed=st.integers(0, 2**32 - 1),
    fan_in=st.integers(1, 12),
    fan_out=st.integers(1, 12),
    gain=st.just(0.0) | st.floats(0.01, 10),
)
def test_singular_values_of_an_orthogonal_matrix_are_the_gain(dtype, seed, fan_in, fan_out, gain):
    weight = orthogonal(fan_in, fan_out, np.random.default_rng(seed), dtype, gain)
    assert weight.shape == (fan_in, fan_out)
    small = weight.T @ weight if fan_in >= fan_out else weight @ weight.T
    np.testing.assert_allclose(
        small, gain**2 * np.eye(len(small)), atol=20 * np.finfo(dtype).eps * gain**2
    )
    assert (weight**2).mean() == pytest.approx(gain**2 / max(fan_in, fan_out), rel=1e-5)


def test_orthogonal_matrices_are_spread_evenly():
    draws = np.stack([orthogonal(3, 3, np.random.default_rng(seed)) for seed in range(400)])
    # An entry has variance 1/3, its mean over 400 draws the standard deviation 0.029. With the
    # signs as LAPACK leaves them the first entry would have a mean of -1/2.
    assert np.abs(draws.mean(axis=0)).max() < 5 * math.sqrt(1 / 3 / 400)
    assert 120 < (np.linalg.det(draws) > 0).sum() < 280


def test_orthogonal_agrees_with_pytorch():
    pytorch = torch()
    theirs = pytorch.nn.init.orthogonal_(pytorch.empty(4, 6, dtype=pytorch.float64), gain=1.5)
    ours = orthogonal(6, 4, np.random.default_rng(0), gain=1.5)
    theirs = theirs.numpy().T
    np.testing.assert_allclose(ours.T @ ours, theirs.T @ theirs, atol=1e-12)


def train(weights, steps=20):
    """Gradient descent on a network with one hidden tanh layer; returns the last gradients."""
    rng = np.random.default_rng(0)
    x, target = rng.normal(size=(10, 3)), rng.normal(size=(10, 2))
    first, second = (weight.copy() for weight in weights)
    for _ in range(steps):
        hidden = np.tanh(x @ first)
        error = (hidden @ second - target) / 10
        gradients = x.T @ ((error @ second.T) * (1 - hidden**2)), hidden.T @ error
        first -= 0.1 * gradients[0]
        second -= 0.1 * gradients[1]
    return first, second, gradients


@pytest.mark.equation("init-symmetry")
def test_identical_units_stay_identical():
    rng = np.random.default_rng(0)
    start = zeros(3, 4, rng), zeros(4, 2, rng)
    assert not any(weight.any() for weight in start)
    # All zeros: each layer multiplies the other's gradient by 0.
    *_, gradients = train(start)
    assert not any(gradient.any() for gradient in gradients)
    # Any other constant: the units learn, but all the same.
    first, second, gradients = train((start[0] + 0.3, start[1] - 0.2))
    assert np.abs(gradients[0]).max() > 1e-3
    np.testing.assert_allclose(first, first[:, :1] * np.ones(4), rtol=1e-12)
    np.testing.assert_allclose(second, np.ones((4, 1)) * second[:1], rtol=1e-12)
    # A random start breaks the symmetry.
    first, *_ = train((lecun_normal(3, 4, rng), lecun_normal(4, 2, rng)))
    assert np.abs(first - first[:, :1]).max() > 0.1


@pytest.mark.equation("init-symmetry")
@given(
    seed=st.integers(0, 2**32 - 1),
    units=st.integers(1, 7),
    kinds=st.integers(1, 4),
    own=st.booleans(),
)
def test_identical_units_are_found_and_have_identical_gradients(seed, units, kinds, own):
    rng = np.random.default_rng(seed)
    # Small integers, so that products and sums are exact in any order.
    kind = rng.integers(0, kinds, units)
    first = rng.integers(-2, 3, (3, kinds))[:, kind].astype(float)
    second = rng.integers(-2, 3, (kinds, 2))[kind].astype(float)
    if own:
        second[-1] = [7.0, 8.0]
    found = identical_units(first, second)
    _, by_definition = np.unique(np.vstack([first, second.T]), axis=1, return_inverse=True)
    by_definition = by_definition.ravel().tolist()
    assert found.tolist() == [by_definition.index(number) for number in by_definition]

    x, dout = rng.integers(-3, 4, (5, 3)), rng.integers(-3, 4, (5, 2))
    biases = np.zeros(units), np.zeros(2)
    _, cache = mlp_forward(x.astype(float), [first, second], biases, "relu")
    _, gradients, _ = mlp_backward(dout.astype(float), cache)
    np.testing.assert_array_equal(gradients[0], gradients[0][:, found])
    np.testing.assert_array_equal(gradients[1], gradients[1][found])


def test_identical_units_to_within_a_tolerance():
    first = np.array([[0.1 + 0.2, 0.3, 0.4, np.nan, np.nan]])
    second = np.ones((5, 2), np.float32)
    assert identical_units(first, second).tolist() == [0, 1, 2, 3, 4]
    assert identical_units(first, second, 1e-12).tolist() == [0, 0, 2, 3, 4]
    # Within a tenth of the second unit, but that counts as the first one.
    assert identical_units([[0.0, 0.08, 0.16]], np.ones((3, 1)), 0.1).tolist() == [0, 0, 2]
    second[1, 1] = 2.0
    assert identical_units(first, second, 0.5).tolist() == [0, 1, 0, 3, 4]
    weights = [zeros(3, 4, np.random.default_rng(0)), zeros(4, 2, np.random.default_rng(0))]
    assert identical_units(*weights).tolist() == [0, 0, 0, 0]


# ---- singular values


def marchenko_pastur_of_eigenvalues(value, n_in, n_out, variance):
    """The law as it is mostly stated, for the eigenvalues of W W^T / max(n_in, n_out)."""
    ratio = min(n_in, n_out) / max(n_in, n_out)
    low, high = variance * (1 - math.sqrt(ratio)) ** 2, variance * (1 + math.sqrt(ratio)) ** 2
    if not low < value < high:
        return 0.0
    return math.sqrt((high - value) * (value - low)) / (2 * math.pi * variance * ratio * value)


@pytest.mark.equation("init-marchenko-pastur")
@given(
    n_in=st.integers(1, 50),
    n_out=st.integers(1, 50),
    variance=st.floats(1e-3, 10),
    share=st.floats(0.01, 1.2),
)
def test_marchenko_pastur_is_the_law_of_the_eigenvalues(n_in, n_out, variance, share):
    longer = max(n_in, n_out)
    s = share * math.sqrt(variance) * (math.sqrt(n_in) + math.sqrt(n_out))
    eigenvalue = s**2 / longer
    expected = marchenko_pastur_of_eigenvalues(eigenvalue, n_in, n_out, variance) * 2 * s / longer
    got = float(marchenko_pastur_pdf(s, n_in, n_out, variance))
    # Within rounding of an edge the root is that of a rounding error.
    assert got == pytest.approx(expected, rel=1e-6, abs=1e-6 / math.sqrt(variance * longer))


@pytest.mark.parametrize(("n_in", "n_out"), [(30, 20), (20, 30), (25, 25), (1, 40)])
def test_marchenko_pastur_is_a_density_with_the_right_mean_square(n_in, n_out):
    variance = 0.04
    low, high = (0.2 * abs(math.sqrt(n_in) + sign * math.sqrt(n_out)) for sign in (-1, 1))

    def density(s):
        return float(marchenko_pastur_pdf(s, n_in, n_out, variance))

    assert integrate.quad(density, low, high)[0] == pytest.approx(1, abs=1e-6)
    mean_square = integrate.quad(lambda s: s**2 * density(s), low, high)[0]
    assert mean_square == pytest.approx(variance * max(n_in, n_out), rel=1e-6)
    assert density(high * 1.001) == density(-0.5 * high) == 0
    assert low == 0 or density(low * 0.999) == 0


@pytest.mark.parametrize("rule", [lecun_normal, he_uniform])
@pytest.mark.parametrize(("n_in", "n_out"), [(400, 200), (150, 300), (200, 200)])
def test_singular_values_of_random_weights_follow_marchenko_pastur(rule, n_in, n_out):
    values = np.sort(np.linalg.svd(rule(n_in, n_out, np.random.default_rng(0)), compute_uv=False))
    variance = (1 if rule is lecun_normal else 2) / n_in
    grid = np.linspace(0, 1.05 * values[-1], 20_001)
    density = marchenko_pastur_pdf(grid, n_in, n_out, variance)
    cumulated = integrate.cumulative_trapezoid(density, grid, initial=0)
    below = np.interp(values, grid, cumulated)
    # The m singular values repel each other: their distribution function is off by some 1 / m,
    # not by the 1 / sqrt(m) of independent draws. Three such steps are allowed.
    ranks = (np.arange(values.size) + 0.5) / values.size
    assert np.abs(below - ranks).max() < 3 / values.size


def test_marchenko_pastur_at_its_edges_and_at_any_scale():
    # A square matrix: a quarter circle of radius 2 sqrt(n v), finite at 0.
    s = np.array([0.0, 0.5, 1.0, 2.0])
    np.testing.assert_allclose(
        marchenko_pastur_pdf(s, 100, 100, 0.01), np.sqrt(4 - s**2) / math.pi, atol=1e-7
    )
    assert np.isnan(marchenko_pastur_pdf([np.nan], 3, 4, 1.0)[0])
    assert marchenko_pastur_pdf([np.inf], 3, 4, 1.0)[0] == 0
    for scale in (1e-150, 1e150):
        got = marchenko_pastur_pdf(scale, 9, 4, scale**2)
        assert got * scale == pytest.approx(float(marchenko_pastur_pdf(1.0, 9, 4, 1.0)))


# ---- variance through layers


@pytest.mark.equation("init-variance-forward")
@pytest.mark.equation("init-variance-backward")
@pytest.mark.parametrize("alpha", [1.0, 0.0, 0.3])
@pytest.mark.parametrize("draw", ["normal", "uniform"])
def test_propagated_variance_is_the_mean_over_random_networks(alpha, draw):
    widths, variances, networks = [6, 9, 12, 7], np.array([0.2, 0.15, 0.1]), 20_000
    rng = np.random.default_rng(0)

    def random_weight(variance, shape):
        if draw == "normal":
            return math.sqrt(variance) * rng.normal(size=shape)
        return math.sqrt(3 * variance) * rng.uniform(-1, 1, shape)

    h = rng.normal(size=(networks, 1, widths[0])) * math.sqrt(2.0)
    squares, layers = [(h**2).mean(axis=(1, 2))], []
    for n_in, n_out, variance in zip(widths[:-1], widths[1:], variances, strict=True):
        weight = random_weight(variance, (networks, n_in, n_out))
        z = h @ weight
        h = np.where(z > 0, z, alpha * z)
        layers.append((weight, np.where(z > 0, 1.0, alpha)))
        squares.append((h**2).mean(axis=(1, 2)))
    gradient = rng.normal(size=h.shape) * math.sqrt(3.0)
    gradient_squares = [(gradient**2).mean(axis=(1, 2))]
    for weight, slope in layers[::-1]:
        gradient = (slope * gradient) @ weight.transpose(0, 2, 1)
        gradient_squares.insert(0, (gradient**2).mean(axis=(1, 2)))

    for measured, expected in (
        (squares, propagated_variance(widths, variances, alpha, "forward", 2.0)),
        (gradient_squares, propagated_variance(widths, variances, alpha, "backward", 3.0)),
    ):
        for sample, value in zip(measured, expected, strict=True):
            # Five standard errors of a mean over independent networks, here up to 9% of it; the
            # nearest wrong factor, fan-in for fan-out, is off by 25%. That all nine ReLUs of the
            # first layer are off, 2^-9, is too rare to be seen.
            limit = 5 * sample.std() / math.sqrt(networks)
            assert limit < 0.1 * value
            assert abs(sample.mean() - value) < limit


def test_what_each_rule_preserves():
    widths = [100, 300, 50, 200]
    n_in, n_out = np.array(widths[:-1]), np.array(widths[1:])
    ones = np.ones(4)
    # LeCun's rule keeps the activations of linear units, He's those of ReLU.
    np.testing.assert_allclose(propagated_variance(widths, 1 / n_in), ones)
    np.testing.assert_allclose(propagated_variance(widths, 2 / n_in, alpha=0), ones)
    np.testing.assert_allclose(propagated_variance(widths, 2 / n_out, 0, "backward"), ones)
    np.testing.assert_allclose(propagated_variance(widths, 2 / 1.09 / n_in, alpha=0.3), ones)
    # The averaged forms of Glorot and of deck S keep neither, but the mean of the two factors is 1.
    for variances, alpha in ((2 / (n_in + n_out), 1.0), (4 / (n_in + n_out), 0.0)):
        forward = propagated_variance(widths, variances, alpha)
        backward = propagated_variance(widths, variances, alpha, "backward")
        factors = forward[1:] / forward[:-1], backward[:-1] / backward[1:]
        np.testing.assert_allclose((factors[0] + factors[1]) / 2, 1)
        assert np.abs(factors[0] - 1).min() > 0.2
    # In a square layer deck S's form is He's.
    assert NORMAL[he_average_normal](64, 64) == NORMAL[he_normal](64, 64)


def test_torchs_old_rule_loses_two_thirds_a_layer():
    variances = [UNIFORM_LIMITS[legacy_torch_uniform](n, n) ** 2 / 3 for n in [50] * 10]
    got = propagated_variance([50] * 11, variances)
    np.testing.assert_allclose(got, (1 / 3) ** np.arange(11))
    assert got[-1] == pytest.approx(1.7e-5, rel=0.01)


def test_the_product_of_independent_variables_has_the_variance_of_deck_l():
    # Exact over all pairs of two small populations: the squares are those of the means.
    rng = np.random.default_rng(0)
    w, x = rng.normal(size=7) + 0.5, rng.normal(size=5) - 2
    exact = np.outer(w, x).var()
    formula = x.mean() ** 2 * w.var() + w.mean() ** 2 * x.var() + w.var() * x.var()
    literal = (x**2).mean() * w.var() + (w**2).mean() * x.var() + w.var() * x.var()
    assert formula == pytest.approx(exact)
    assert literal > 1.1 * exact


def test_propagated_variance_without_layers_and_with_many():
    np.testing.assert_array_equal(propagated_variance([5], 1.0, start=2), [2.0])
    np.testing.assert_array_equal(propagated_variance([5], [], direction="backward"), [1.0])
    wide = propagated_variance([2**40] * 4, 1.0)
    np.testing.assert_allclose(wide, 2.0 ** (40 * np.arange(4)))


# ---- conventions of the package


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rule", ALL)
def test_shape_dtype_and_the_generator(rule, dtype):
    for sizes in ((5, 3), (3, 5), (1, 1), (np.int64(2), np.int32(1))):
        weight = rule(*sizes, np.random.default_rng(3), dtype)
        assert (weight.shape, weight.dtype) == (sizes, dtype)
        assert weight.flags.c_contiguous
        assert weight.flags.writeable
        np.testing.assert_array_equal(weight, rule(*sizes, np.random.default_rng(3), dtype))
    assert rule(4, 5, np.random.default_rng(3)).dtype == np.float64
    rng = np.random.default_rng(3)
    state = rng.bit_generator.state
    first, second = rule(4, 5, rng), rule(4, 5, rng)
    assert (rng.bit_generator.state != state) == (rule in RANDOM)
    assert (first != second).any() == (rule in RANDOM)


@pytest.mark.parametrize("dtype", DTYPES)
def test_density_keeps_the_dtype_and_takes_any_array(dtype):
    s = np.linspace(0, 3, 12, dtype=dtype).reshape(3, 4)
    copy = s.copy()
    density = marchenko_pastur_pdf(s, 3, 5, 0.4)
    assert (density.dtype, density.shape) == (dtype, (3, 4))
    np.testing.assert_array_equal(s, copy)
    wide = np.zeros((6, 8), dtype)
    wide[::2, ::2] = s
    for other in (np.asfortranarray(s), wide[::2, ::2], s.tolist()):
        np.testing.assert_allclose(marchenko_pastur_pdf(other, 3, 5, 0.4), density, rtol=1e-6)
    for shape in ((), (0,), (2, 0)):
        assert marchenko_pastur_pdf(np.ones(shape, dtype), 3, 5, 0.4).shape == shape
    np.testing.assert_array_equal(
        marchenko_pastur_pdf([1, 2], 3, 5, 1), marchenko_pastur_pdf([1.0, 2.0], 3, 5, 1)
    )


def test_propagated_variance_takes_lists_and_arrays():
    variances = np.array([0.5, 0.25])
    expected = propagated_variance([2, 3, 4], variances)
    for widths in ((2, 3, 4), np.array([2, 3, 4]), np.array([2.0, 3.0, 4.0])):
        np.testing.assert_array_equal(propagated_variance(widths, [0.5, 0.25]), expected)
    np.testing.assert_array_equal(variances, [0.5, 0.25])
    assert propagated_variance([2, 3], np.float32(0.5)).dtype == np.float64


# ---- bad input

RNG = np.random.default_rng(0)
CALLS = {
    **{rule: {"fan_in": 3, "fan_out": 4, "rng": RNG, "dtype": np.float64} for rule in ALL},
    marchenko_pastur_pdf: {"s": np.ones(3), "fan_in": 3, "fan_out": 4, "variance": 1.0},
    variance_scaling: {"fan_in": 3, "fan_out": 4, "rng": RNG, "scale": 1.0, "mode": "fan_in"},
    identical_units: {"weight_in": np.ones((3, 4)), "weight_out": np.ones((4, 2))},
    propagated_variance: {
        "widths": np.array([2, 3, 4]),
        "weight_variances": np.array([0.5, 0.5]),
        "alpha": 1.0,
        "direction": "forward",
        "start": 1.0,
    },
}


def bad_calls():
    for function, good in CALLS.items():
        for name in sorted({"fan_in", "fan_out"} & set(good)):
            yield from ((function, name, bad, ValueError) for bad in (0, -1))
            yield from ((function, name, bad, TypeError) for bad in (2.0, "2", None, True))
        if "rng" in good:
            for bad in (None, 0, np.random, np.random.RandomState(0)):
                yield function, "rng", bad, TypeError
            for bad in (np.float16, np.int64, complex, "float33", ">f8"):
                yield function, "dtype", bad, TypeError
    yield from ((variance_scaling, "scale", bad, ValueError) for bad in (0, -1, np.nan, np.inf))
    yield variance_scaling, "scale", "2", TypeError
    for bad in ("fan", None, ["fan_in"], 1):
        yield variance_scaling, "mode", bad, ValueError
        yield variance_scaling, "distribution", bad, ValueError
    for name in ("weight_in", "weight_out"):
        yield from ((identical_units, *error) for error in array_errors(name, np.ones((4, 4))))
    yield identical_units, "weight_out", np.ones((3, 2)), ValueError
    yield from ((identical_units, "tolerance", bad, ValueError) for bad in (-1, np.nan, np.inf))
    yield from ((orthogonal, "gain", bad, ValueError) for bad in (-1, np.nan, np.inf))
    yield orthogonal, "gain", "1", TypeError
    for name, values in {"variance": (0, -1, np.nan, np.inf)}.items():
        yield from ((marchenko_pastur_pdf, name, bad, ValueError) for bad in values)
        yield from ((marchenko_pastur_pdf, name, bad, TypeError) for bad in ("1", None, True))
    for name, bad, error in array_errors("s", np.ones(3)):
        if error is TypeError:
            yield marchenko_pastur_pdf, name, bad, error
    for name in ("widths", "weight_variances"):
        for argument, bad, error in array_errors(name, CALLS[propagated_variance][name]):
            # One number serves as the variance of all layers.
            if name == "widths" or error is TypeError or np.ndim(bad):
                yield propagated_variance, argument, bad, error
    for bad in ([], [2, 0, 3], [2, -1, 3], [2.5, 1, 1], [2, np.nan, 1], [2, np.inf, 1]):
        yield propagated_variance, "widths", bad, ValueError
    for bad in ([0.5], [0.5, 0.5, 0.5], [[0.5, 0.5]], -1, [0.5, -0.1], [0.5, np.nan], np.inf):
        yield propagated_variance, "weight_variances", bad, ValueError
    yield from ((propagated_variance, "direction", bad, ValueError) for bad in ("up", None, 1))
    yield from ((propagated_variance, "alpha", bad, ValueError) for bad in (np.nan, np.inf))
    yield from ((propagated_variance, "start", bad, ValueError) for bad in (-1, np.nan, np.inf))
    for name in ("alpha", "start"):
        yield from ((propagated_variance, name, bad, TypeError) for bad in ("1", None, 1j, True))


@pytest.mark.parametrize(("function", "name", "bad", "error"), list(bad_calls()))
def test_bad_input_is_refused_by_name(function, name, bad, error):
    with pytest.raises(error, match=rf"^{name} must"):
        function(**(CALLS[function] | {name: bad}))
