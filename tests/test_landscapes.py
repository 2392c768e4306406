import dataclasses

import numpy as np
import pytest
import scipy.optimize
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from support import array_errors, assert_agrees, torch

from gradlab.gradient_check import check_gradient
from gradlab.gradient_descent import condition_number, gradient_descent
from gradlab.landscapes import beale, long_valley, quadratic, saddle

H3 = np.array([[3.0, 1.0, -0.5], [1.0, 2.0, 0.25], [-0.5, 0.25, 4.0]])
LANDSCAPES = {
    "beale": beale,
    "long_valley": long_valley,
    "saddle": saddle,
    "quadratic": quadratic(H3),
    "single": quadratic(2.5),
    "indefinite": quadratic([[1.0, 2.0], [2.0, -1.0]]),
}
names = pytest.mark.parametrize("name", LANDSCAPES)


def points(landscape, shape=(), seed=0):
    low, high = np.array(landscape.bounds).T
    return np.random.default_rng(seed).uniform(low, high, (*shape, low.size))


# The definitions once more, as plain functions of coordinates that tensors may be too.
DEFINITIONS = {
    "beale": lambda x, y: (
        (1.5 - x + x * y) ** 2 + (2.25 - x + x * y * y) ** 2 + (2.625 - x + x * y * y * y) ** 2
    ),
    "long_valley": lambda x, y: (1 - x) ** 2 + 100 * (y - x * x) ** 2,
    "saddle": lambda x, y: x * x - y * y,
    "quadratic": lambda x, y, z: (
        (3 * x * x + 2 * y * y + 4 * z * z) / 2 + x * y - 0.5 * x * z + 0.25 * y * z
    ),
    "single": lambda x: 1.25 * x * x,
    "indefinite": lambda x, y: (x * x - y * y) / 2 + 2 * x * y,
}


@pytest.mark.equation("opt-quadratic")
@names
@given(seed=st.integers(0, 2**32 - 1))
def test_value_is_the_definition(name, seed):
    landscape = LANDSCAPES[name]
    x = points(landscape, seed=seed)
    assert landscape.f(x) == pytest.approx(DEFINITIONS[name](*x), rel=1e-12, abs=1e-12)


@names
@given(seed=st.integers(0, 2**32 - 1))
def test_derivatives_agree_with_central_differences(name, seed):
    landscape = LANDSCAPES[name]
    x = points(landscape, seed=seed)
    check_gradient(landscape.f, landscape.grad(x), x, tol=1e-6)
    hessian = landscape.hessian(x)
    for k in range(x.size):
        check_gradient(lambda p, k=k: landscape.grad(p)[k], hessian[k], x, tol=1e-6)
    np.testing.assert_array_equal(hessian, hessian.T)


@names
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_derivatives_agree_with_pytorch(name, dtype):
    pytorch = torch()
    landscape = LANDSCAPES[name]
    for seed in range(5):
        x = points(landscape, seed=seed).astype(dtype)
        leaf = pytorch.from_numpy(x.copy())

        def function(p):
            return DEFINITIONS[name](*p)

        expected = pytorch.autograd.functional.jacobian(function, leaf).numpy()
        assert_agrees(landscape.grad(x), expected)
        expected = pytorch.autograd.functional.hessian(function, leaf).numpy()
        # Terms of up to the size of the largest power of y cancel.
        assert_agrees(landscape.hessian(x), expected, scale=1e3)


def test_long_valley_is_scipys():
    for seed in range(5):
        x = points(long_valley, seed=seed)
        assert long_valley.f(x) == pytest.approx(scipy.optimize.rosen(x))
        np.testing.assert_allclose(long_valley.grad(x), scipy.optimize.rosen_der(x))
        np.testing.assert_allclose(long_valley.hessian(x), scipy.optimize.rosen_hess(x))
    assert condition_number(long_valley.hessian(long_valley.minimum)) == pytest.approx(2508, abs=1)


# ---- minimum and start


@names
def test_minimum_is_one(name):
    landscape = LANDSCAPES[name]
    if landscape.minimum is None:
        assert np.linalg.eigvalsh(landscape.hessian(landscape.start)).min() < 0
        return
    assert landscape.f(landscape.minimum) == 0
    np.testing.assert_array_equal(landscape.grad(landscape.minimum), 0)
    assert np.linalg.eigvalsh(landscape.hessian(landscape.minimum)).min() > 0
    assert landscape.f(points(landscape, (500,))).min() > 0


@names
def test_start_and_minimum_lie_within_the_bounds(name):
    landscape = LANDSCAPES[name]
    low, high = np.array(landscape.bounds).T
    for point in (landscape.start, landscape.minimum):
        if point is not None:
            assert point.shape == low.shape
            assert ((low <= point) & (point <= high)).all()
    assert np.abs(landscape.grad(landscape.start)).max() > 0


@pytest.mark.parametrize(("name", "rate", "steps"), [("beale", 0.01, 20_000), ("single", 0.3, 60)])
def test_descent_from_the_start_finds_the_minimum(name, rate, steps):
    landscape = LANDSCAPES[name]
    end = gradient_descent(landscape.grad, landscape.start, rate, steps)[-1]
    np.testing.assert_allclose(end, landscape.minimum, atol=1e-3)


def test_descent_in_the_long_valley_is_slow():
    path = gradient_descent(long_valley.grad, long_valley.start, 1e-3, 20_000)
    # Down to the floor at once, then along it.
    assert long_valley.f(path[100]) < 0.3 * long_valley.f(path[0])
    assert np.abs(path[1000] - long_valley.minimum).max() > 0.3
    np.testing.assert_allclose(path[-1], long_valley.minimum, atol=1e-2)


def test_descent_leaves_the_saddle_after_a_time_that_is_logarithmic():
    rate = 0.05
    for y in (1e-3, 1e-6, 1e-12):
        path = gradient_descent(saddle.grad, [1.0, y], rate, 400)
        left = int(np.argmax(np.abs(path[:, 1]) > 1))
        assert left == int(np.ceil(np.log(1 / y) / np.log(1 + 2 * rate)))
    stuck = gradient_descent(saddle.grad, [1.0, 0.0], rate, 400)[-1]
    np.testing.assert_allclose(stuck, 0, atol=1e-12)


def test_start_and_minimum_cannot_be_changed():
    for landscape in LANDSCAPES.values():
        for point in (landscape.start, landscape.minimum):
            if point is not None:
                with pytest.raises(ValueError, match="read-only"):
                    point += 1
    with pytest.raises(dataclasses.FrozenInstanceError):
        beale.start = np.zeros(2)


def test_minimum_of_a_quadratic_depends_on_its_signs():
    assert quadratic([[1.0, 1.0], [1.0, 1.0]]).minimum.tolist() == [0, 0]
    for seed in range(20):
        flat = np.random.default_rng(seed).normal(size=4)
        # Eigenvalues that are 0 come out negative now and then.
        assert quadratic(np.outer(flat, flat)).minimum is not None
    assert quadratic(0).minimum.tolist() == [0]
    assert quadratic(-1).minimum is None
    assert quadratic(np.diag([1.0, -1e-3])).minimum is None
    # Correlated inputs: the start has parts along both axes.
    surface = quadratic([[1.0, 0.9], [0.9, 1.0]])
    parts = np.linalg.eigh(surface.hessian(surface.start))[1].T @ surface.start
    assert np.abs(parts).min() > 0.1


def test_quadratic_keeps_a_copy_of_its_matrix():
    matrix = np.eye(2)
    surface = quadratic(matrix)
    matrix[:] = 0
    np.testing.assert_array_equal(surface.grad([1.0, 2.0]), [1, 2])
    surface.hessian([0.0, 0.0])[:] = 0
    np.testing.assert_array_equal(surface.hessian([0.0, 0.0]), np.eye(2))


# ---- conventions of the package


@names
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("shape", [(), (1,), (5,), (2, 3), (0,), (2, 0)])
def test_arrays_of_points_are_taken_point_by_point(name, dtype, shape):
    landscape = LANDSCAPES[name]
    x = points(landscape, shape).astype(dtype)
    dimension = x.shape[-1]
    value, grad, hessian = landscape.f(x), landscape.grad(x), landscape.hessian(x)
    assert grad.shape == x.shape
    assert hessian.shape == (*x.shape, dimension)
    assert grad.dtype == hessian.dtype == dtype
    if shape == ():
        assert type(value) is float
        return
    assert (value.shape, value.dtype) == (shape, dtype)
    rtol = 1e-12 if dtype == np.float64 else 1e-4
    for index in np.ndindex(shape):
        assert value[index] == pytest.approx(landscape.f(x[index]), rel=rtol)
        np.testing.assert_allclose(grad[index], landscape.grad(x[index]), rtol=rtol)
        np.testing.assert_allclose(hessian[index], landscape.hessian(x[index]), rtol=rtol)


@names
def test_integers_lists_and_views_give_the_same_and_are_left_alone(name):
    landscape = LANDSCAPES[name]
    x = np.arange(4 * landscape.start.size).reshape(4, -1) % 3
    expected = landscape.f(x.astype(float)), landscape.grad(x.astype(float))
    wide = np.zeros((8, 2 * x.shape[1]))
    wide[::2, ::2] = x
    for other in (x, x.tolist(), np.asfortranarray(x), wide[::2, ::2]):
        np.testing.assert_array_equal(landscape.f(other), expected[0])
        np.testing.assert_array_equal(landscape.grad(other), expected[1])
        assert landscape.hessian(other).dtype == np.float64
    np.testing.assert_array_equal(x, np.arange(x.size).reshape(4, -1) % 3)


@given(arrays(np.float64, 2, elements=st.floats(-1e300, 1e300)))
def test_points_far_outside_raise_no_warning(x):
    for landscape in (beale, long_valley, saddle, quadratic([[1.0, 2.0], [2.0, -1.0]])):
        landscape.f(x)
        landscape.grad(x)
        landscape.hessian(x)


# ---- bad input


H3_SURFACE = LANDSCAPES["quadratic"]
BAD_POINTS = [(H3_SURFACE, bad, error) for _, bad, error in array_errors("x", np.ones((2, 3)))]
for surface in (beale, long_valley, saddle, H3_SURFACE):
    BAD_POINTS += [
        (surface, np.ones(surface.start.size + 1), ValueError),
        (surface, np.ones(surface.start.size - 1), ValueError),
        (surface, 1.0, ValueError),
        (surface, [], ValueError),
        (surface, [[1.0], [1.0, 2.0]], ValueError),
        (surface, None, TypeError),
    ]


@pytest.mark.parametrize(("landscape", "bad", "error"), BAD_POINTS)
@pytest.mark.parametrize("method", ["f", "grad", "hessian"])
def test_bad_points_are_refused_by_name(landscape, method, bad, error):
    with pytest.raises(error, match=r"^x must"):
        getattr(landscape, method)(bad)


@pytest.mark.parametrize(
    ("bad", "error"),
    [
        (np.ones((2, 3)), ValueError),
        (np.ones(2), ValueError),
        (np.ones((0, 0)), ValueError),
        ([[1.0, 2.0], [0.0, 1.0]], ValueError),
        ([[1.0], [1.0, 2.0]], ValueError),
        (np.nan, ValueError),
        (np.diag([1.0, np.inf]), ValueError),
        (None, TypeError),
        ("1", TypeError),
        (np.eye(2) * 1j, TypeError),
        (np.eye(2) > 0, TypeError),
    ],
)
def test_bad_hessians_are_refused_by_name(bad, error):
    with pytest.raises(error, match=r"^hessian must"):
        quadratic(bad)
