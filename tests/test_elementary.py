"""Elementary functions of kernels, against long double (float64) and float64 (float32)."""

import re

import numba
import numpy as np
import pytest
from scipy import special

from gradlab import _elementary
from gradlab._jit import njit, njit_sums

pytestmark = pytest.mark.skipif(
    numba.config.DISABLE_JIT, reason="kernels that are not compiled call NumPy's own functions"
)
LONG = np.finfo(np.longdouble).nmant > np.finfo(np.float64).nmant


@njit
def _exp(x, out):
    for i in range(len(x)):
        out[i] = _elementary.exp(x[i])


@njit
def _exp_nonpositive(x, out):
    for i in range(len(x)):
        out[i] = _elementary.exp_nonpositive(x[i])


@njit
def _expm1(x, out):
    for i in range(len(x)):
        out[i] = _elementary.expm1(x[i])


@njit
def _log(x, out):
    for i in range(len(x)):
        out[i] = _elementary.log(x[i])


@njit
def _log1p(x, out):
    for i in range(len(x)):
        out[i] = _elementary.log1p(x[i])


@njit
def _tanh(x, out):
    for i in range(len(x)):
        out[i] = _elementary.tanh(x[i])


KERNELS = {"exp": _exp, "expm1": _expm1, "log": _log, "log1p": _log1p, "tanh": _tanh}
# Where the functions bend, and where a reduction of the argument or a form begins.
EDGES = [
    0.0,
    1.0,
    2.0,
    0.5,
    0.35,
    np.sqrt(0.5),
    np.sqrt(2.0),
    np.log(2) / 2,
    np.log(2),
    1.5 * np.log(2),
    20,
    22,
]
EDGES += [709.7827, 708.3, 745.13, 88.72283, 87.3, 103.97, 1e-8, 1e-17, 1e-38, 1e-308]


def evaluate(name, x):
    out = np.empty_like(x)
    with np.errstate(all="ignore"):
        KERNELS[name](x, out)
    return out


def numpys(name, x):
    with np.errstate(all="ignore"):
        return getattr(np, name)(x)


def neighbors(dtype, count=200):
    """Stretches of adjacent numbers about the edges, on both sides of 0."""
    whole = {np.float32: np.int32, np.float64: np.int64}[dtype]
    bits = np.array(EDGES, dtype).view(whole)[:, np.newaxis] + np.arange(-count, count, dtype=whole)
    rows = bits[(bits >= 0).all(axis=1)].view(dtype)
    return np.concatenate([rows, -rows[:, ::-1]])


def arguments(dtype):
    """Numbers of every size and sign, with more of them where the functions are not flat."""
    rng = np.random.default_rng(0)
    whole = {np.float32: np.int32, np.float64: np.int64}[dtype]
    limits = np.iinfo(whole)
    anything = rng.integers(limits.min, limits.max, 100_000, whole, endpoint=True).view(dtype)
    spreads = [rng.uniform(-s, s, 50_000).astype(dtype) for s in (1, 25, 120, 800)]
    near_one = (1 + 0.1 * rng.normal(size=50_000)).astype(dtype)
    return np.concatenate([anything, *spreads, near_one, neighbors(dtype).ravel()])


def units_in_the_last_place(got, exact, dtype):
    with np.errstate(all="ignore"):
        unit = np.spacing(np.abs(exact).astype(dtype)).astype(exact.dtype)
        error = np.abs(got.astype(exact.dtype) - exact) / unit
        right = got == exact.astype(dtype)
    return np.where(right, 0, error)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", KERNELS)
def test_within_two_units_in_the_last_place(name, dtype):
    if dtype is np.float64 and not LONG:
        pytest.skip("long double has no more digits than float64 here")
    x = arguments(dtype)
    with np.errstate(invalid="ignore"):  # some of the bits are signaling numbers that are none
        wide = x.astype(np.float64 if dtype is np.float32 else np.longdouble)
    exact = numpys(name, wide)
    got = evaluate(name, x)
    assert got.dtype == dtype
    with np.errstate(all="ignore"):
        numbers = np.isfinite(exact.astype(dtype)) & np.isfinite(got)
    error = units_in_the_last_place(got[numbers], exact[numbers], dtype)
    assert error.max() < 2, (x[numbers][error.argmax()], error.max())


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", KERNELS)
def test_special_values_are_numpys(name, dtype):
    limits = np.finfo(dtype)
    special = [0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0, limits.max, limits.min, limits.tiny]
    special += [limits.smallest_subnormal, -limits.smallest_subnormal]
    x = np.concatenate([np.array(special, dtype), arguments(dtype)])
    got, expected = evaluate(name, x), numpys(name, x)
    np.testing.assert_array_equal(np.isnan(got), np.isnan(expected))
    np.testing.assert_array_equal(np.isinf(got), np.isinf(expected))
    zero = got == 0
    np.testing.assert_array_equal(zero, expected == 0)
    np.testing.assert_array_equal(np.signbit(got[zero]), np.signbit(expected[zero]))
    np.testing.assert_array_equal(got[:2], expected[:2])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", KERNELS)
def test_never_falls_from_one_number_to_the_next(name, dtype):
    rows = neighbors(dtype, 2000)
    values = evaluate(name, rows.ravel()).reshape(rows.shape)
    falls = values[:, 1:] < values[:, :-1]
    assert not falls.any(), rows[:, 1:][falls][:5]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_exp_of_what_is_not_above_zero_is_exp(dtype):
    x = -np.abs(arguments(dtype))
    out = np.empty_like(x)
    with np.errstate(all="ignore"):
        _exp_nonpositive(x, out)
    np.testing.assert_array_equal(out, evaluate("exp", x))


def test_a_kernel_may_call_them_with_either_precision_and_nothing_else():
    assert evaluate("exp", np.zeros(1, np.float32)).dtype == np.float32
    assert evaluate("exp", np.zeros(1)).dtype == np.float64


@njit
def _normal(x, near, bell, above):
    for i in range(len(x)):
        near[i], bell[i], above[i] = _elementary.normal(x[i])


@njit
def _row(x):
    return _elementary.largest(x), _elementary.total(x)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_normal_distribution(dtype):
    x = np.concatenate([np.linspace(-37, 9, 20_001), [-1e-30, 0, 1e-30, 6]]).astype(dtype)
    x = x[x > (-13 if dtype is np.float32 else -37)]
    near, bell, above = (np.empty_like(x) for _ in range(3))
    _normal(x, near, bell, above)
    np.testing.assert_array_equal(near, np.abs(x))
    square = x.astype(np.longdouble) ** 2
    expected_bell = np.exp(-0.5 * square)
    tail = 0.5 * special.erfcx(np.abs(x, dtype=np.float64) / np.sqrt(2.0)) * expected_bell
    # Where x is far from 0, the rounding of its square is felt as often as the square is large.
    eps = np.finfo(dtype).eps
    assert (np.abs(above / tail - 1) < eps * (6 + square)).all()
    assert (np.abs(bell / expected_bell - 1) < eps * (2 + square)).all()
    far = np.array([-np.inf, -1e4, 1e4, np.inf, np.nan], dtype)
    near, bell, above = (np.empty_like(far) for _ in range(3))
    _normal(far, near, bell, above)
    np.testing.assert_array_equal(near * above, [0, 0, 0, 0, np.nan])
    np.testing.assert_array_equal(bell, [0, 0, 0, 0, np.nan])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [1, 2, 7, 16, 17, 1000])
def test_largest_and_total_of_a_row(size, dtype):
    rng = np.random.default_rng(size)
    tiny = np.finfo(dtype).smallest_subnormal
    for offset in (-5, 0, 5):
        x = (rng.normal(size=size) + offset).astype(dtype)
        largest, total = _row(x)
        assert largest == x.max()
        assert total == pytest.approx(x.sum(dtype=np.float64), rel=1e-12)
    for place in {0, size // 2, size - 1}:
        for value, others in ((np.inf, 1), (-1, -np.inf), (tiny, 0), (0, -tiny), (-tiny, -1)):
            x = np.full(size, others, dtype)
            x[place] = value
            assert _row(x)[0] == value
        x[place] = np.nan
        assert np.isnan(_row(x)[1])
    assert _row(np.full(size, -np.inf, dtype))[0] == -np.inf


def test_elementary_functions_keep_their_order_in_kernels_that_sum_in_any(monkeypatch, tmp_path):
    # Code from an earlier run cannot be looked at.
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))

    @njit_sums
    def total_of_exp(x):
        total = 0.0
        for i in range(len(x)):
            total += _elementary.exp(x[i])
        return total

    total_of_exp(np.ones(100))
    (code,) = total_of_exp.inspect_llvm().values()
    # The sum, in vectors and in what remains, and nothing of the polynomial.
    assert 0 < len(re.findall(r"= f\w+ reassoc|reassoc double", code)) < 40
    assert re.findall(r"= fmul reassoc", code) == []
    assert re.findall(r"= fmul contract", code)
