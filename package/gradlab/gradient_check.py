"""Check a gradient against finite differences or against the complex step.

Central differences work on any function of real arrays and lose a third of the digits to
cancellation; the complex step loses none, on functions that are analytic and accept complex input.

Chapter: ``book/backpropagation.md``.
Papers: W. Squire and G. Trapp, Using Complex Variables to Estimate Derivatives of Real Functions,
SIAM Review 40(1), 1998.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gradlab._validate import FloatArray, as_float_array, as_positive, as_real, as_shaped

__all__ = ["check_gradient", "complex_step_gradient", "numerical_gradient", "relative_error"]


def numerical_gradient(
    f: Callable[[FloatArray], float], x: ArrayLike, eps: float | None = None
) -> FloatArray:
    r"""Gradient of `f` at `x` by central differences. Equation bp-central-difference.

    .. math:: \frac{\partial f}{\partial x_k} \approx
              \frac{f(x + h e_k) - f(x - h e_k)}{2 h}

    Parameters
    ----------
    f : callable
        Takes an array of the shape of `x`, returns a number.
    x : array
        Computed with in float64, whatever its dtype.
    eps : float, optional
        The step h. Left out, it is the cube root of the machine epsilon (6e-6) times the larger of
        1 and ``abs(x_k)``, where the errors of truncation (h squared) and of rounding (1 / h)
        balance.

    Returns
    -------
    array of the shape of `x`, float64

    Raises
    ------
    ValueError
        If `eps` is too small to change an entry.

    Examples
    --------
    >>> numerical_gradient(lambda x: float(np.sum(x**3)), [1.0, 2.0]).round(6)
    array([ 3., 12.])
    """
    point = as_float_array("x", x, dtype=np.float64).copy()
    if eps is not None:
        eps = as_positive("eps", eps)
    gradient = np.empty_like(point)
    for index in np.ndindex(point.shape):
        value = point[index]
        step = np.cbrt(np.finfo(np.float64).eps) * max(1.0, abs(value)) if eps is None else eps
        point[index] = value + step
        above, upper = _number(f(point)), point[index]
        point[index] = value - step
        below, lower = _number(f(point)), point[index]
        point[index] = value
        if eps is not None and upper == lower:
            raise ValueError(f"eps must be large enough to change the entry {value}, got {eps}")
        # The step that was really taken, after rounding.
        gradient[index] = (above - below) / (upper - lower)
    return gradient


def complex_step_gradient(
    f: Callable[[NDArray[Any]], complex], x: ArrayLike, eps: float = 1e-30
) -> FloatArray:
    r"""Gradient of an analytic `f` at `x` from one complex evaluation for each entry.

    Equation bp-complex-step.

    .. math:: \frac{\partial f}{\partial x_k} \approx \frac{\mathrm{Im} f(x + i h e_k)}{h}

    Nothing is subtracted, so h can be tiny and the result is exact to rounding. `f` must accept a
    complex array and must not take absolute values, maxima or conjugates.

    Parameters
    ----------
    f : callable
        Takes a complex array of the shape of `x`, returns a complex number.
    x : array
        The point, real.
    eps : float, default 1e-30
        The step h.

    Returns
    -------
    array of the shape of `x`, float64

    Raises
    ------
    TypeError
        If `f` returns a real number: it lost the imaginary part.

    Notes
    -----
    Squire and Trapp (1998).

    Examples
    --------
    >>> complex_step_gradient(lambda x: np.sum(x**3), [1.0, 2.0])
    array([ 3., 12.])
    """
    point = as_float_array("x", x, dtype=np.float64).astype(np.complex128)
    eps = as_positive("eps", eps)
    gradient = np.empty(point.shape)
    for index in np.ndindex(point.shape):
        value = point[index]
        point[index] = value + 1j * eps
        result = np.asarray(f(point))
        point[index] = value
        if result.size != 1:
            raise ValueError(f"f must return one number, got shape {result.shape}")
        if not np.iscomplexobj(result):
            raise TypeError("f must return a complex number for complex input, got a real one")
        gradient[index] = result.reshape(()).imag / eps
    return gradient


def relative_error(a: ArrayLike, b: ArrayLike) -> float:
    r"""Largest difference of two arrays, relative to their largest entry.

    Equation bp-relative-error.

    .. math:: \frac{\max_k |a_k - b_k|}{\max_k \max(|a_k|, |b_k|)}

    One scale serves the whole array, so an entry that is zero but for rounding does no harm.

    Parameters
    ----------
    a, b : arrays of one shape

    Returns
    -------
    float
        0 for two arrays of zeros or without an entry; nan if an entry is not a number, or if one
        is infinite and the arrays differ.

    Examples
    --------
    >>> relative_error([1.0, 0.0], [1.0, 0.1])
    0.1
    """
    first = as_float_array("a", a, dtype=np.float64)
    second = as_shaped("b", b, first.shape, np.float64)
    if first.size == 0 or np.array_equal(first, second):
        return 0.0
    scale = max(np.abs(first).max(), np.abs(second).max())
    with np.errstate(over="ignore", invalid="ignore"):
        return float(np.abs(first - second).max() / scale)


def check_gradient(
    f: Callable[[FloatArray], float], grad: ArrayLike, x: ArrayLike, tol: float = 1e-6
) -> float:
    """Compare a gradient with central differences, and raise if they do not agree.

    Parameters
    ----------
    f : callable
        Takes an array of the shape of `x`, returns a number.
    grad : array of the shape of `x`
        The gradient to check.
    x : array
        The point.
    tol : float, default 1e-6
        The largest `relative_error` that passes.

    Returns
    -------
    float
        The relative error.

    Raises
    ------
    AssertionError
        If the error is above `tol`, or not a number; the message names the entry that is worst.

    Examples
    --------
    >>> check_gradient(lambda x: float(np.sum(x**2)), grad=[2.0, 4.0], x=[1.0, 2.0]) < 1e-6
    True
    """
    tol = as_real("tol", tol, low=0.0)
    expected = numerical_gradient(f, x)
    given = as_shaped("grad", grad, expected.shape, np.float64)
    error = relative_error(given, expected)
    if not error <= tol:
        with np.errstate(invalid="ignore"):
            difference = np.abs(given - expected)
        worst = np.unravel_index(np.argmax(difference), difference.shape)
        where = tuple(int(k) for k in worst)
        raise AssertionError(
            f"grad differs from central differences by {error:.2e} (allowed {tol:.0e}); "
            f"worst at index {where}: expected {expected[worst]:.6g}, got {given[worst]:.6g}"
        )
    return error


def _number(value: Any) -> float:
    result = np.asarray(value)
    if result.size != 1:
        raise ValueError(f"f must return one number, got shape {result.shape}")
    return float(result.reshape(()))
