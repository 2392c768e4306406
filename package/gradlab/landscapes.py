"""Test surfaces for optimizers, with exact gradients and Hessians.

A surface of two coordinates shows an optimizer's whole path: along a valley, away from a saddle,
across plateaus and around steep walls. Each one comes with its minimum, a place to start and the
part of the plane to draw.

Chapter: ``book/optimizers.md``.
Decks: L "Example: Behavior in a Long Valley", "Example: Behavior around a Saddle Point", "Trick:
Patience"; C "Visualizing the optimizers".
Papers: E. M. L. Beale, On an Iterative Method for Finding a Local Minimum of a Function of More
than One Variable, Princeton University, 1958; H. H. Rosenbrock, An Automatic Method for Finding
the Greatest or Least Value of a Function, The Computer Journal 3(3), 1960.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from gradlab._jit import njit, njit_sums
from gradlab._validate import FloatArray, as_float_array
from gradlab.gradient_descent import hessian_eigenvalues

__all__ = ["Landscape", "beale", "long_valley", "quadratic", "saddle"]

Kernel = Callable[[FloatArray, FloatArray], None]
"""Takes points (count, dimension), and writes what it computes for each into the other array."""


@dataclass(frozen=True, eq=False)
class Landscape:
    """A function of several coordinates with its derivatives.

    Attributes
    ----------
    name : str
    minimum : array (dimension,) or None
        Where the function is smallest; None if it has no minimum. Read-only, like `start`: copy
        it before an optimizer works on it in place.
    start : array (dimension,)
        Where a demonstration starts.
    bounds : tuple of pairs of float
        Lowest and highest value to draw, for each coordinate.

    Notes
    -----
    ``f``, ``grad`` and ``hessian`` take a point (dimension,) or any array of points
    (..., dimension) and return arrays of shape (...), (..., dimension) and (..., dimension,
    dimension), in the dtype of the points. Too far outside the values overflow to infinity,
    without a warning.

    Examples
    --------
    >>> beale.f(beale.minimum)
    0.0
    >>> beale.grad([[1.0, 1.0], [3.0, 0.5]])
    array([[ 0.  , 27.75],
           [ 0.  ,  0.  ]])
    """

    name: str
    minimum: FloatArray | None
    start: FloatArray
    bounds: tuple[tuple[float, float], ...]
    _f: Kernel
    _grad: Kernel
    _hessian: Kernel

    def __post_init__(self) -> None:
        for point in (self.minimum, self.start):
            if point is not None:
                point.setflags(write=False)

    def f(self, x: ArrayLike) -> float | FloatArray:
        """Return the value at each point; a float for a single one."""
        values = self._at(self._f, x, derivatives=0)
        return float(values) if values.ndim == 0 else values

    def grad(self, x: ArrayLike) -> FloatArray:
        """Return the gradient at each point."""
        return self._at(self._grad, x, derivatives=1)

    def hessian(self, x: ArrayLike) -> FloatArray:
        """Return the matrix of second derivatives at each point."""
        return self._at(self._hessian, x, derivatives=2)

    def _at(self, kernel: Kernel, x: ArrayLike, derivatives: int) -> FloatArray:
        points = as_float_array("x", x)
        dimension = self.start.size
        if points.ndim == 0 or points.shape[-1] != dimension:
            raise ValueError(f"x must have shape (..., {dimension}), got {points.shape}")
        rows, entries = points.reshape(-1, dimension), (dimension,) * derivatives
        out = np.empty((len(rows), *entries), points.dtype)
        with np.errstate(over="ignore", invalid="ignore"):
            kernel(rows, out)
        return out.reshape(points.shape[:-1] + entries)


_BEALE_CONSTANTS = (1.5, 2.25, 2.625)


@njit
def _beale_kernel(points, out):
    """Compute the value of `beale` at each point."""
    for i in range(len(points)):
        x, y = points[i, 0], points[i, 1]
        total, power = 0.0, 1.0
        # f(x, y) = sum_k r_k^2,  r_k = c_k - x + x y^k
        for c in _BEALE_CONSTANTS:
            power *= y
            total += (c - x + x * power) ** 2
        out[i] = total


@njit
def _beale_gradient_kernel(points, out):
    """Compute the gradient of `beale` at each point."""
    for i in range(len(points)):
        x, y = points[i, 0], points[i, 1]
        by_x, by_y, k, lower, power = 0.0, 0.0, 0.0, 1.0, 1.0
        # df/dx = sum_k 2 r_k (y^k - 1),  df/dy = sum_k 2 r_k k x y^(k - 1)
        for c in _BEALE_CONSTANTS:
            k, lower, power = k + 1.0, power, power * y
            r = c - x + x * power
            by_x += 2.0 * r * (power - 1.0)
            by_y += 2.0 * r * k * x * lower
        out[i, 0], out[i, 1] = by_x, by_y


@njit
def _beale_hessian_kernel(points, out):
    """Compute the Hessian of `beale` at each point."""
    for i in range(len(points)):
        x, y = points[i, 0], points[i, 1]
        xx, xy, yy = 0.0, 0.0, 0.0
        # y^(k - 2), of which none is needed for k = 1, y^(k - 1) and y^k.
        k, lowest, lower, power = 0.0, 0.0, 0.0, 1.0
        # sum_k 2 (grad r_k grad r_k^T + r_k H_k), with H_k that of r_k:
        # 0 for x x, k y^(k - 1) for x y, k (k - 1) x y^(k - 2) for y y
        for c in _BEALE_CONSTANTS:
            k, lowest, lower, power = k + 1.0, lower, power, power * y
            r, by_x, by_y = c - x + x * power, power - 1.0, k * x * lower
            xx += 2.0 * by_x * by_x
            xy += 2.0 * (by_x * by_y + r * k * lower)
            yy += 2.0 * (by_y * by_y + r * k * (k - 1.0) * x * lowest)
        out[i, 0, 0], out[i, 0, 1], out[i, 1, 0], out[i, 1, 1] = xx, xy, xy, yy


beale = Landscape(
    "Beale's function",
    minimum=np.array([3.0, 0.5]),
    start=np.array([1.0, 1.5]),
    bounds=((-4.5, 4.5), (-4.5, 4.5)),
    _f=_beale_kernel,
    _grad=_beale_gradient_kernel,
    _hessian=_beale_hessian_kernel,
)
r"""Beale's function: flat in the middle, steep walls, a minimum of 0 at (3, 1/2).

With :math:`r_k = c_k - x + x y^k` and :math:`c = (1.5, \, 2.25, \, 2.625)`,

.. math::

   f(x, y) &= \sum_{k=1}^{3} r_k^2 \\
   \nabla f &= \sum_{k=1}^{3} 2 \, r_k \begin{pmatrix} y^k - 1 \\ k x y^{k-1} \end{pmatrix} \\
   \nabla^2 f &= \sum_{k=1}^{3} 2 \left[ \nabla r_k \nabla r_k^\top + r_k \begin{pmatrix}
       0 & k y^{k-1} \\ k y^{k-1} & k (k-1) x y^{k-2} \end{pmatrix} \right]

Deck C "Visualizing the optimizers: Beale's Function".
"""


@njit
def _long_valley_kernel(points, out):
    """Compute the value of `long_valley` at each point."""
    for i in range(len(points)):
        x, y = points[i, 0], points[i, 1]
        # f(x, y) = (1 - x)^2 + 100 (y - x^2)^2
        out[i] = (1.0 - x) ** 2 + 100.0 * (y - x**2) ** 2


@njit
def _long_valley_gradient_kernel(points, out):
    """Compute the gradient of `long_valley` at each point."""
    for i in range(len(points)):
        x, y = points[i, 0], points[i, 1]
        # df/dx = -2 (1 - x) - 400 x (y - x^2),  df/dy = 200 (y - x^2)
        out[i, 0] = -2.0 * (1.0 - x) - 400.0 * x * (y - x**2)
        out[i, 1] = 200.0 * (y - x**2)


@njit
def _long_valley_hessian_kernel(points, out):
    """Compute the Hessian of `long_valley` at each point."""
    for i in range(len(points)):
        x, y = points[i, 0], points[i, 1]
        # [[2 - 400 y + 1200 x^2, -400 x], [-400 x, 200]]
        out[i, 0, 0] = 2.0 - 400.0 * y + 1200.0 * x**2
        out[i, 0, 1] = out[i, 1, 0] = -400.0 * x
        out[i, 1, 1] = 200.0


long_valley = Landscape(
    "Long valley",
    minimum=np.array([1.0, 1.0]),
    start=np.array([-1.2, 1.0]),
    bounds=((-2.0, 2.0), (-1.0, 3.0)),
    _f=_long_valley_kernel,
    _grad=_long_valley_gradient_kernel,
    _hessian=_long_valley_hessian_kernel,
)
r"""Rosenbrock's curved valley: minimum of 0 at (1, 1), condition number 2508 there.

.. math::

   f(x, y) &= (1 - x)^2 + 100 \, (y - x^2)^2 \\
   \nabla f &= \begin{pmatrix}
       -2 (1 - x) - 400 \, x (y - x^2) \\ 200 \, (y - x^2) \end{pmatrix} \\
   \nabla^2 f &= \begin{pmatrix}
       2 - 400 \, y + 1200 \, x^2 & -400 \, x \\ -400 \, x & 200 \end{pmatrix}

Decks L "Example: Behavior in a Long Valley" and C "Visualizing the optimizers: Long Valley" show a
long valley without a formula; this is the standard one, from its standard start.
"""


@njit
def _saddle_kernel(points, out):
    """Compute the value of `saddle` at each point."""
    # f(x, y) = x^2 - y^2
    for i in range(len(points)):
        out[i] = points[i, 0] ** 2 - points[i, 1] ** 2


@njit
def _saddle_gradient_kernel(points, out):
    """Compute the gradient of `saddle` at each point."""
    # (2 x, -2 y)
    for i in range(len(points)):
        out[i, 0], out[i, 1] = 2.0 * points[i, 0], -2.0 * points[i, 1]


@njit
def _saddle_hessian_kernel(points, out):
    """Compute the Hessian of `saddle` at each point."""
    # [[2, 0], [0, -2]]
    for i in range(len(points)):
        out[i, 0, 0], out[i, 0, 1], out[i, 1, 0], out[i, 1, 1] = 2.0, 0.0, 0.0, -2.0


saddle = Landscape(
    "Saddle",
    minimum=None,
    start=np.array([1.0, 1e-3]),
    bounds=((-1.5, 1.5), (-1.5, 1.5)),
    _f=_saddle_kernel,
    _grad=_saddle_gradient_kernel,
    _hessian=_saddle_hessian_kernel,
)
r"""A saddle at the origin; no minimum.

.. math::

   f(x, y) = x^2 - y^2, \qquad
   \nabla f = \begin{pmatrix} 2 x \\ -2 y \end{pmatrix}, \qquad
   \nabla^2 f = \begin{pmatrix} 2 & 0 \\ 0 & -2 \end{pmatrix}

The start lies beside the ridge line y = 0. Gradient descent multiplies its small y by
:math:`1 + 2 \eta` a step, so that leaving takes a time that grows with the logarithm of 1 / y: deck
L's patience. From y = 0 itself it converges to the saddle. Decks L "Example: Behavior around a
Saddle Point" and C "Visualizing the optimizers: Saddle Point" show a saddle without a formula.
"""


@njit_sums
def _quadratic_kernel(points, hessian, out):
    """Equation opt-quadratic."""
    count, dimension = points.shape
    for n in range(count):
        x, total = points[n], 0.0
        # (opt-quadratic)  f(x) = 1/2 x^T H x
        for i in range(dimension):
            row, product = hessian[i], 0.0
            for j in range(dimension):
                product += row[j] * x[j]
            total += x[i] * product
        out[n] = 0.5 * total


@njit_sums
def _quadratic_gradient_kernel(points, hessian, out):
    """Compute the gradient H x of equation opt-quadratic."""
    count, dimension = points.shape
    for n in range(count):
        x = points[n]
        for i in range(dimension):
            row, product = hessian[i], 0.0
            for j in range(dimension):
                product += row[j] * x[j]
            out[n, i] = product


def quadratic(hessian: ArrayLike) -> Landscape:
    r"""Quadratic surface with a given Hessian. Equation opt-quadratic.

    .. math:: f(x) = \tfrac{1}{2} \, x^\top H x, \qquad \nabla f(x) = H x

    Parameters
    ----------
    hessian : float or array (dimension, dimension)
        H, symmetric, of any signs.

    Returns
    -------
    Landscape
        Its minimum is 0 at the origin (with a flat axis, among other points), or None if an
        eigenvalue is negative. It starts at ``(1, 2, ..., dimension) / dimension``, which has a
        part along every axis of the surface for all but special matrices.

    Notes
    -----
    The error surface of a linear unit with squared error, with H the covariance of its inputs:
    deck L "Why Learning Can Be Slow".

    Examples
    --------
    >>> surface = quadratic([[2.0, 1.0], [1.0, 2.0]])
    >>> surface.f([1.0, 1.0]), surface.grad([1.0, 1.0])
    (3.0, array([3., 3.]))
    """
    eigenvalues = hessian_eigenvalues(hessian)
    dimension = eigenvalues.size
    matrix = as_float_array("hessian", hessian, dtype=np.float64).reshape(dimension, dimension)
    matrix = matrix / 2 + matrix.T / 2
    rounding = dimension * np.finfo(np.float64).eps * np.abs(eigenvalues).max()

    def f(points: FloatArray, out: FloatArray) -> None:
        _quadratic_kernel(points, matrix.astype(points.dtype), out)

    def grad(points: FloatArray, out: FloatArray) -> None:
        _quadratic_gradient_kernel(points, matrix.astype(points.dtype), out)

    def second(points: FloatArray, out: FloatArray) -> None:  # noqa: ARG001 (the same everywhere)
        out[:] = matrix

    return Landscape(
        "Quadratic",
        minimum=np.zeros(dimension) if eigenvalues[0] >= -rounding else None,
        start=np.arange(1.0, dimension + 1) / dimension,
        bounds=((-1.5, 1.5),) * dimension,
        _f=f,
        _grad=grad,
        _hessian=second,
    )
