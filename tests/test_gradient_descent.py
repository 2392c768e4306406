from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import torch

from gradlab.gradient_descent import (
    condition_number,
    diagonal_newton_step,
    gauss_newton_matrix,
    gradient_descent,
    linear_descent,
    max_stable_learning_rate,
    minibatch_variance,
    minibatches,
    optimal_learning_rate,
    power_iteration,
    quadratic_descent,
)


def rotated(eigenvalues, seed=0):
    """A symmetric matrix with these eigenvalues and axes in general position."""
    rng = np.random.default_rng(seed)
    axes, _ = np.linalg.qr(rng.normal(size=(len(eigenvalues), len(eigenvalues))))
    return axes * eigenvalues @ axes.T


def shrinkage(hessian, rate):
    """The factor by which the slowest axis shrinks at each step."""
    return np.abs(1 - rate * np.linalg.eigvalsh(hessian)).max()


spectra = st.lists(st.floats(0.01, 100), min_size=1, max_size=6)

# ---- learning rates


@pytest.mark.equation("gd-optimal-rate")
@pytest.mark.parametrize("rule", ["minimax", "largest curvature"])
@given(st.floats(1e-3, 1e3), st.floats(-10, 10), st.floats(-10, 10))
def test_one_weight_reaches_the_minimum_in_one_step(rule, curvature, start, minimum):
    rate = optimal_learning_rate(curvature, rule)
    assert rate == pytest.approx(1 / curvature)
    assert optimal_learning_rate([[curvature]], rule) == rate
    path = gradient_descent(lambda w: curvature * (w - minimum), [start], rate, 1)
    assert path[1, 0] == pytest.approx(minimum, abs=1e-12)


@pytest.mark.equation("gd-minimax-rate")
@given(spectra, st.floats(0.5, 1.5))
def test_minimax_rate_makes_the_slowest_axis_fastest(eigenvalues, factor):
    hessian = rotated(np.array(eigenvalues))
    best = optimal_learning_rate(hessian)
    kappa = max(eigenvalues) / min(eigenvalues)
    assert shrinkage(hessian, best) == pytest.approx((kappa - 1) / (kappa + 1), abs=1e-9)
    assert shrinkage(hessian, factor * best) >= shrinkage(hessian, best) - 1e-12


@pytest.mark.equation("gd-largest-curvature-rate")
@given(spectra)
def test_largest_curvature_rate_is_the_largest_that_never_overshoots(eigenvalues):
    hessian = rotated(np.array(eigenvalues))
    rate = optimal_learning_rate(hessian, rule="largest curvature")
    factors = 1 - rate * np.linalg.eigvalsh(hessian)
    assert factors.min() == pytest.approx(0, abs=1e-9)


@pytest.mark.equation("gd-stable-rate")
@given(spectra)
def test_stable_rate_parts_convergence_from_divergence(eigenvalues):
    hessian = rotated(np.array(eigenvalues))
    bound = max_stable_learning_rate(hessian)
    assert shrinkage(hessian, bound) == pytest.approx(1)
    assert shrinkage(hessian, 0.99 * bound) < 1
    assert shrinkage(hessian, 1.01 * bound) > 1
    start = np.linalg.eigh(hessian)[1][:, -1]
    ends = [
        np.linalg.norm(gradient_descent(lambda w: hessian @ w, start, factor * bound, 300)[-1])
        for factor in (0.98, 1.02)
    ]
    assert ends[0] < 1e-2
    assert ends[1] > 1e2


def test_rates_between_optimal_and_stable_overshoot_and_converge():
    # Deck L: exceeding the optimal rate is not yet divergence.
    path = gradient_descent(lambda w: 4 * w, [1.0], 1.5 * optimal_learning_rate(4.0), 60)[:, 0]
    assert (path[:-1] * path[1:] < 0).all()
    assert abs(path[-1]) < 1e-15
    assert max_stable_learning_rate(4.0) == 2 * optimal_learning_rate(4.0)


def test_a_flat_axis_has_a_stable_rate_and_no_optimal_one():
    hessian = rotated(np.array([0.0, 1.0, 4.0]))
    assert max_stable_learning_rate(hessian) == pytest.approx(0.5)
    assert optimal_learning_rate(hessian, "largest curvature") == pytest.approx(0.25)
    with pytest.raises(ValueError, match=r"^hessian must be positive definite"):
        optimal_learning_rate(hessian)


@pytest.mark.equation("gd-condition-number")
@given(spectra, st.integers(0, 100))
def test_condition_number_is_that_of_numpy(eigenvalues, seed):
    hessian = rotated(np.array(eigenvalues), seed)
    assert condition_number(hessian) == pytest.approx(np.linalg.cond(hessian), rel=1e-8)
    assert condition_number(-hessian) == pytest.approx(condition_number(hessian), rel=1e-8)


def test_condition_number_of_special_matrices():
    assert condition_number(np.eye(3)) == 1
    assert condition_number(-2) == 1
    assert condition_number([[2, 0], [0, -8]]) == 4
    assert condition_number([[1.0, 0.0], [0.0, 0.0]]) == np.inf
    assert condition_number(0.0) == np.inf


@pytest.mark.parametrize("correlation", [-0.9, 0.0, 0.5, 0.99])
def test_correlated_inputs_elongate_the_surface_of_a_linear_unit(correlation):
    rng = np.random.default_rng(0)
    # Inputs whose sample covariance is exact.
    plain = rng.normal(size=(500, 2))
    plain = (plain - plain.mean(axis=0)) @ np.linalg.inv(np.linalg.cholesky(np.cov(plain.T)).T)
    covariance = np.array([[1.0, correlation], [correlation, 1.0]])
    x = plain @ np.linalg.cholesky(covariance).T
    hessian = x.T @ x / 499
    expected = (1 + abs(correlation)) / (1 - abs(correlation))
    assert condition_number(hessian) == pytest.approx(expected)


@pytest.mark.parametrize("scale", [1e-200, 1e200, 1e308])
def test_curvatures_of_any_size(scale):
    hessian = np.array([[0.5, 0.25], [0.25, 0.5]])
    assert optimal_learning_rate(scale * hessian) * scale == pytest.approx(2)
    assert max_stable_learning_rate(scale * hessian) * scale == pytest.approx(8 / 3)
    assert condition_number(scale * hessian) == pytest.approx(3)


def test_small_asymmetry_of_a_numerical_hessian_is_borne():
    hessian = rotated(np.array([1.0, 3.0]))
    hessian[0, 1] += 1e-9
    assert max_stable_learning_rate(hessian) == pytest.approx(2 / 3)
    single = rotated(np.array([1.0, 3.0])).astype(np.float32)
    single[0, 1] += np.float32(1e-5)
    assert max_stable_learning_rate(single) == pytest.approx(2 / 3, rel=1e-4)


def test_hessian_may_be_integers_lists_and_views_and_is_left_alone():
    hessian = np.array([[2, 1], [1, 2]])
    wide = np.zeros((4, 4))
    wide[::2, ::2] = hessian
    for function, expected in (
        (optimal_learning_rate, 0.5),
        (max_stable_learning_rate, 2 / 3),
        (condition_number, 3),
    ):
        for other in (hessian, hessian.tolist(), hessian.astype(np.float32), wide[::2, ::2]):
            result = function(other)
            assert type(result) is float
            assert result == pytest.approx(expected)
    np.testing.assert_array_equal(hessian, [[2, 1], [1, 2]])


# ---- gradient descent


@pytest.mark.equation("gd-update")
@given(spectra, st.floats(0, 0.02), st.integers(0, 20))
def test_path_on_a_quadratic_has_a_closed_form(eigenvalues, rate, steps):
    hessian = rotated(np.array(eigenvalues))
    start = np.arange(1.0, 1 + len(eigenvalues))
    path = gradient_descent(lambda w: hessian @ w, start, rate, steps)
    assert path.shape == (steps + 1, len(eigenvalues))
    matrix = np.eye(len(eigenvalues)) - rate * hessian
    for t in range(steps + 1):
        expected = np.linalg.matrix_power(matrix, t) @ start
        np.testing.assert_allclose(path[t], expected, atol=1e-9)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_agrees_with_pytorch(dtype):
    pytorch = torch()
    start = np.array([1.5, -0.5, 2.0], dtype)
    leaf = pytorch.from_numpy(start.copy()).requires_grad_()
    optimizer = pytorch.optim.SGD([leaf], lr=0.05)
    expected = [start]
    for _ in range(20):
        optimizer.zero_grad()
        (leaf**4 - leaf.roll(1) * leaf).sum().backward()
        optimizer.step()
        expected.append(leaf.detach().numpy().copy())
    path = gradient_descent(
        lambda x: 4 * x**3 - np.roll(x, 1) - np.roll(x, -1), start, 0.05, steps=20
    )
    assert path.dtype == dtype
    np.testing.assert_allclose(path, expected, rtol=1e-5 if dtype == np.float32 else 1e-12)


def test_learning_rate_may_follow_the_step():
    rates = []

    def schedule(step):
        rates.append(step)
        return 1 / (step + 2)

    path = gradient_descent(lambda x: x, [12.0], schedule, 3)
    np.testing.assert_allclose(path[:, 0], [12, 6, 4, 3])
    assert rates == [0, 1, 2]


def test_divergence_ends_in_infinities_without_a_warning():
    path = gradient_descent(lambda x: x**3, [10.0], 1.0, 12)
    assert np.isfinite(path[:4]).all()
    assert not np.isfinite(path[-1]).any()


def test_points_of_any_shape_and_none():
    assert gradient_descent(lambda x: x, 8.0, 0.5, 2).tolist() == [8, 4, 2]
    assert gradient_descent(lambda x: x, np.full((2, 3), 4), 0.5, 1).tolist() == [
        [[4.0] * 3] * 2,
        [[2.0] * 3] * 2,
    ]
    assert gradient_descent(lambda x: x, [], 0.5, 2).shape == (3, 0)
    assert gradient_descent(lambda x: x, [3, 4], 0.5, 0).tolist() == [[3.0, 4.0]]


def test_start_is_left_alone_and_a_gradient_may_work_in_place():
    start = np.array([1.0, 2.0])

    def grad(x):
        x *= 2
        return x

    path = gradient_descent(grad, start, 0.25, 2)
    np.testing.assert_array_equal(start, [1, 2])
    np.testing.assert_array_equal(path, [[1, 2], [0.5, 1], [0.25, 0.5]])
    strided = np.array([1.0, 0.0, 2.0, 0.0])[::2]
    np.testing.assert_array_equal(gradient_descent(grad, strided, 0.25, 2), path)


# ---- mini-batches


@given(st.integers(1, 60), st.integers(1, 70), st.integers(0, 2**32 - 1))
def test_each_example_comes_once_in_a_pass(n, batch_size, seed):
    batches = list(minibatches(n, batch_size, np.random.default_rng(seed)))
    assert sorted(np.concatenate(batches).tolist()) == list(range(n))
    sizes = [len(batch) for batch in batches]
    assert sizes[:-1] == [batch_size] * (len(sizes) - 1)
    assert sizes[-1] == (n % batch_size or min(batch_size, n))
    assert all(batch.dtype == np.int64 for batch in batches)


@given(st.integers(1, 60), st.integers(1, 60))
def test_a_short_last_batch_is_left_out_on_request(n, batch_size):
    if batch_size > n:
        return
    batches = list(minibatches(n, batch_size, shuffle=False, drop_last=True))
    assert np.concatenate(batches).tolist() == list(range(n - n % batch_size))
    assert {len(batch) for batch in batches} == {batch_size}


def test_order_is_new_in_each_pass_and_repeats_with_the_seed():
    rng, again = np.random.default_rng(3), np.random.default_rng(3)
    first, second = (np.concatenate(list(minibatches(50, 8, rng))) for _ in range(2))
    assert (first != second).any()
    assert (first != np.arange(50)).any()
    np.testing.assert_array_equal(first, np.concatenate(list(minibatches(50, 8, again))))


@pytest.mark.equation("gd-minibatch-gradient")
@pytest.mark.equation("gd-minibatch-variance")
@pytest.mark.parametrize("batch_size", [1, 4, 12])
def test_minibatch_gradient_is_unbiased_with_a_variance_that_falls(batch_size):
    n, passes = 12, 4000
    gradients = np.random.default_rng(0).normal(2.0, 3.0, n)
    rng = np.random.default_rng(1)
    # The first batch of a pass: those of one pass depend on each other.
    estimates = np.array(
        [gradients[next(iter(minibatches(n, batch_size, rng)))].mean() for _ in range(passes)]
    )
    variance = (n - batch_size) / (n - 1) / batch_size * gradients.var()
    assert estimates.mean() == pytest.approx(
        gradients.mean(), abs=4 * (variance / passes) ** 0.5 + 1e-12
    )
    assert estimates.var() == pytest.approx(variance, rel=0.1, abs=1e-12)


@pytest.mark.equation("gd-minibatch-variance")
@given(st.integers(1, 7), st.data())
def test_variance_is_that_over_all_batches(n, data):
    size = data.draw(st.integers(1, n))
    gradients = np.random.default_rng(n).normal(2.0, 3.0, (n, 2)) * [1.0, 1e3]
    means = [gradients[list(batch)].mean(axis=0) for batch in combinations(range(n), size)]
    variance = minibatch_variance(gradients, size)
    np.testing.assert_allclose(variance, np.var(means, axis=0), rtol=1e-9, atol=1e-9)


# ---- paths without a call of Python for each step


@pytest.mark.equation("gd-update")
@given(spectra, st.integers(0, 20))
def test_descent_on_a_quadratic_is_gradient_descent_there(eigenvalues, steps):
    hessian, start = rotated(np.array(eigenvalues)), np.arange(1.0, 1 + len(eigenvalues))

    def rate(t):
        return 0.02 / (1 + t)

    path = quadratic_descent(hessian, start, rate, steps)
    expected = gradient_descent(lambda x: hessian @ x, start, rate, steps)
    np.testing.assert_allclose(path, expected, rtol=1e-9, atol=1e-9)


def test_descent_on_a_quadratic_may_diverge_and_meet_a_saddle():
    path = quadratic_descent(np.diag([1.0, -1.0]), [1.0, 1e-3], 0.5, 30)
    assert abs(path[-1, 0]) < 1e-8 < path[-1, 1]
    assert not np.isfinite(quadratic_descent([[4.0]], [1.0], 1e3, 200)[-1]).any()


@pytest.mark.equation("gd-minibatch-gradient")
@given(st.integers(1, 9), st.integers(1, 10), st.integers(0, 3))
def test_descent_of_a_linear_unit_takes_the_mean_over_each_mini_batch(n, size, epochs):
    rng = np.random.default_rng(n)
    x, y, w = rng.normal(size=(n, 3)), rng.normal(size=n), rng.normal(size=3)
    path = linear_descent(x, y, w, lambda t: 0.1 / (1 + t), size, epochs, np.random.default_rng(1))
    again, expected = np.random.default_rng(1), [w]
    for _ in range(epochs):
        for batch in minibatches(n, size, again):
            error = x[batch] @ w - y[batch]
            w = w - 0.1 / len(expected) * x[batch].T @ error / len(batch)
            expected.append(w)
    np.testing.assert_allclose(path, expected, rtol=1e-9, atol=1e-9)


# ---- curvature without the whole Hessian


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=5), st.integers(0, 99))
def test_power_iteration_finds_the_eigenvalue_of_largest_magnitude(others, seed):
    hessian = rotated(np.array([-8.0, *others]))
    size = len(others) + 1
    rng = np.random.default_rng(seed)
    for given_as in (hessian, lambda v: hessian @ v):
        value, vector = power_iteration(given_as, size, rng)
        assert value == pytest.approx(-8.0, rel=1e-9)
        np.testing.assert_allclose(hessian @ vector, value * vector, atol=1e-4)
        assert np.linalg.norm(vector) == pytest.approx(1.0)


def test_power_iteration_says_where_nothing_dominates():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="matrix_vector has no eigenvalue that 50 steps part"):
        power_iteration(np.diag([1.0, -1.0]), 2, rng, max_steps=50)
    assert power_iteration(np.zeros((2, 2)), 2, rng).value == 0.0
    assert power_iteration([[3.0]], 1, rng).value == pytest.approx(3.0)
    for bad, error in ((np.eye(3), ValueError), (lambda v: v[:1], ValueError), ("a", TypeError)):
        with pytest.raises(error, match="matrix_vector must"):
            power_iteration(bad, 2, rng)
    with pytest.raises(ValueError, match="matrix_vector must return finite"):
        power_iteration(lambda v: v * np.nan, 2, rng)


@pytest.mark.equation("gd-diagonal-newton")
@given(st.lists(st.floats(0.1, 5), min_size=1, max_size=5))
def test_a_diagonal_newton_step_reaches_the_minimum_where_the_axes_are_the_weights(curvatures):
    curvature = np.array(curvatures)
    w = np.arange(1.0, 1 + curvature.size)
    step = diagonal_newton_step(curvature * w, curvature, damping=1e-12)
    np.testing.assert_allclose(w + step, 0, atol=1e-9)
    # Uphill curvature, too, is left downhill.
    np.testing.assert_allclose(diagonal_newton_step(curvature * w, -curvature, 1e-12), step)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_diagonal_newton_step_keeps_type_and_shape(dtype):
    step = diagonal_newton_step(np.ones((2, 3), dtype), np.zeros((2, 3)), damping=0.5)
    assert step.dtype == dtype
    np.testing.assert_array_equal(step, np.full((2, 3), -2.0))


@pytest.mark.equation("gd-gauss-newton")
def test_gauss_newton_is_the_hessian_of_a_linear_model_and_close_where_it_fits():
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(6, 3)), rng.normal(size=3)
    np.testing.assert_allclose(gauss_newton_matrix(x[:, None, :]), x.T @ x / 6)
    # tanh(x w) under half the squared error: exact where the targets are met.
    h = np.tanh(x @ w)
    slope = (1 - h**2)[:, None] * x

    def gradient(v, target):
        out = np.tanh(x @ v)
        return ((out - target) * (1 - out**2)) @ x / 6

    for target, gap in ((h, 1e-8), (h + 0.5, 0.1)):
        hessian = np.array(
            [(gradient(w + e, target) - gradient(w - e, target)) / 2e-5 for e in 1e-5 * np.eye(3)]
        )
        difference = np.abs(gauss_newton_matrix(slope[:, None, :]) - hessian).max()
        assert gap / 100 < difference + 1e-9 < gap * 10


@pytest.mark.equation("gd-gauss-newton")
def test_gauss_newton_takes_the_curvature_of_the_loss():
    rng = np.random.default_rng(1)
    jacobian, h = rng.normal(size=(4, 2, 3)), rng.normal(size=(4, 2, 2))
    expected = np.mean([j.T @ c @ j for j, c in zip(jacobian, h, strict=True)], axis=0)
    np.testing.assert_allclose(gauss_newton_matrix(jacobian, h), expected)


# ---- precision


def in_both(dtype, function, *arrays, **others):
    """Call with arrays that float32 holds exactly, in one dtype, and check that it comes back."""
    result = function(*(np.asarray(a, dtype) for a in arrays), **others)
    assert result.dtype == dtype
    return result


@pytest.mark.parametrize("seed", range(5))
def test_float32_comes_back_as_the_rounded_result_of_float64(seed):
    rng = np.random.default_rng(seed)
    x, w = rng.normal(size=(9, 3)).astype(np.float32), rng.normal(size=3).astype(np.float32)
    hessian = x.T @ x
    jacobian = x.reshape(3, 3, 3)
    for function, arrays, others in (
        (quadratic_descent, (hessian, w), {"learning_rate": 0.01, "steps": 50}),
        (
            lambda x, y, w: linear_descent(x, y, w, 0.1, 4, 3, np.random.default_rng(seed)),
            (x, x[:, 0], w),
            {},
        ),
        (minibatch_variance, (x + np.float32(1000),), {"batch_size": 4}),
        (gauss_newton_matrix, (jacobian,), {}),
        (gauss_newton_matrix, (jacobian, jacobian), {}),
    ):
        single, double = (in_both(d, function, *arrays, **others) for d in (np.float32, np.float64))
        np.testing.assert_array_equal(single, double.astype(np.float32))


def test_one_array_gives_the_dtype():
    x = np.eye(2, dtype=np.float32)
    assert quadratic_descent(x, [1.0, 2.0], 0.1, 2).dtype == np.float64
    assert quadratic_descent(np.eye(2), x[0], 0.1, 2).dtype == np.float32
    assert linear_descent(x, [1.0, 2.0], [0.0, 0.0], 0.1, 1, shuffle=False).dtype == np.float32
    assert gauss_newton_matrix(x[None], np.ones((1, 2, 2))).dtype == np.float32


def test_a_run_of_float32_diverges_without_a_warning():
    start = np.ones(1, np.float32)
    path = quadratic_descent([[4.0]], start, 10.0, 40)
    assert path[-1] == np.inf
    x = np.full((1, 1), 4.0, np.float32)
    assert not np.isfinite(linear_descent(x, [0.0], [1.0], 10.0, 1, 40, shuffle=False)[-1])


# ---- bad input

EYE = np.eye(2)
RNG = np.random.default_rng(0)
CALLS = {
    optimal_learning_rate: {"hessian": EYE, "rule": "minimax"},
    max_stable_learning_rate: {"hessian": EYE},
    condition_number: {"hessian": EYE},
    gradient_descent: {"grad": lambda x: x, "x0": [1.0, 2.0], "learning_rate": 0.1, "steps": 2},
    minibatches: {"n": 5, "batch_size": 2, "rng": RNG, "drop_last": False},
    quadratic_descent: {"hessian": EYE, "x0": [1.0, 2.0], "learning_rate": 0.1, "steps": 2},
    linear_descent: {
        "x": EYE,
        "y": [1.0, 2.0],
        "w0": [0.0, 0.0],
        "learning_rate": 0.1,
        "batch_size": 1,
        "epochs": 1,
        "rng": RNG,
    },
    minibatch_variance: {"gradients": EYE, "batch_size": 1},
    power_iteration: {"matrix_vector": np.diag([1.0, 2.0]), "size": 2, "rng": RNG},
    diagonal_newton_step: {"grad": [1.0], "curvature": [1.0], "damping": 0.1},
    gauss_newton_matrix: {"jacobian": np.ones((2, 1, 3)), "loss_hessian": np.ones((2, 1, 1))},
}


def bad_calls():
    for function in (optimal_learning_rate, max_stable_learning_rate, condition_number):
        for bad in (
            np.ones((2, 3)),
            np.ones(2),
            np.ones((0, 0)),
            np.ones((1, 2, 2)),
            [[1.0, 2.0], [0.0, 1.0]],
            [[1e308, 1e308], [-1e308, 1e308]],
            [[1.0], [1.0, 2.0]],
            np.diag([1.0, np.nan]),
            np.diag([1.0, np.inf]),
            np.inf,
        ):
            yield function, "hessian", bad, ValueError
        for bad in (EYE.astype(complex), EYE.astype(object), EYE > 0, "1", None):
            yield function, "hessian", bad, TypeError
    for function in (optimal_learning_rate, max_stable_learning_rate):
        for bad in (-1.0, 0.0, np.diag([1.0, -1.0]), -EYE, 0 * EYE):
            yield function, "hessian", bad, ValueError
    yield optimal_learning_rate, "rule", "newton", ValueError
    yield optimal_learning_rate, "rule", None, ValueError
    for bad in (-0.1, np.nan, np.inf, lambda _: -0.1, lambda _: np.nan):
        yield gradient_descent, "learning_rate", bad, ValueError
    for bad in ("1", None, 1j, True, [0.1, 0.2], lambda _: None):
        yield gradient_descent, "learning_rate", bad, TypeError
    for bad in (lambda _: 1.0, lambda _: np.ones(3), lambda _: np.ones((1, 2))):
        yield gradient_descent, "grad", bad, ValueError
    for bad in (None, np.ones(2), lambda x: x * 1j, lambda _: None):
        yield gradient_descent, "grad", bad, TypeError
    yield gradient_descent, "steps", -1, ValueError
    yield gradient_descent, "steps", 1.0, TypeError
    yield gradient_descent, "steps", True, TypeError
    yield gradient_descent, "x0", [[1.0], [1.0, 2.0]], ValueError
    for bad in ("1", None, [1j], [True]):
        yield gradient_descent, "x0", bad, TypeError
    for name in ("n", "batch_size"):
        for bad in (0, -1):
            yield minibatches, name, bad, ValueError
        for bad in (2.0, "2", None, True):
            yield minibatches, name, bad, TypeError
    for function in (minibatches, linear_descent, power_iteration):
        for bad in (None, 0, np.random.RandomState(0), np.random):
            yield function, "rng", bad, TypeError
    yield quadratic_descent, "hessian", [[1.0, 2.0], [0.0, 1.0]], ValueError
    for function, name in (
        (quadratic_descent, "x0"),
        (linear_descent, "y"),
        (linear_descent, "w0"),
        (diagonal_newton_step, "curvature"),
    ):
        yield function, name, [1.0, 2.0, 3.0], ValueError
        yield function, name, "ab", TypeError
    for function in (quadratic_descent, linear_descent):
        yield function, "learning_rate", -0.1, ValueError
        yield function, "learning_rate", None, TypeError
    yield quadratic_descent, "steps", -1, ValueError
    yield linear_descent, "epochs", -1, ValueError
    yield linear_descent, "x", [1.0, 2.0], ValueError
    yield linear_descent, "batch_size", 0, ValueError
    yield minibatch_variance, "gradients", [1.0], ValueError
    for bad in (0, 3):
        yield minibatch_variance, "batch_size", bad, ValueError
    yield power_iteration, "size", 0, ValueError
    yield diagonal_newton_step, "damping", 0.0, ValueError
    for bad in (np.ones((2, 3)), np.ones((0, 1, 3))):
        yield gauss_newton_matrix, "jacobian", bad, ValueError
    yield gauss_newton_matrix, "loss_hessian", np.ones((2, 1)), ValueError


@pytest.mark.parametrize(("function", "name", "bad", "error"), list(bad_calls()))
def test_bad_input_is_refused_by_name(function, name, bad, error):
    with pytest.raises(error, match=rf"^{name} must"):
        function(**(CALLS[function] | {name: bad}))


def test_drop_last_needs_one_full_batch():
    with pytest.raises(ValueError, match=r"^batch_size must"):
        minibatches(5, 6, shuffle=False, drop_last=True)
