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

from gradlab._validate import FloatArray, as_float_array
from gradlab.gradient_descent import hessian_eigenvalues

__all__ = ["Landscape", "beale", "long_valley", "quadratic", "saddle"]


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
    _f: Callable[[FloatArray], FloatArray]
    _grad: Callable[[FloatArray], FloatArray]
    _hessian: Callable[[FloatArray], FloatArray]

    def __post_init__(self) -> None:
        for point in (self.minimum, self.start):
            if point is not None:
                point.setflags(write=False)

    def f(self, x: ArrayLike) -> float | FloatArray:
        """Return the value at each point; a float for a single one."""
        values = self._at(self._f, x)
        return float(values) if values.ndim == 0 else values

    def grad(self, x: ArrayLike) -> FloatArray:
        """Return the gradient at each point."""
        return self._at(self._grad, x)

    def hessian(self, x: ArrayLike) -> FloatArray:
        """Return the matrix of second derivatives at each point."""
        return self._at(self._hessian, x)

    def _at(self, function: Callable[[FloatArray], FloatArray], x: ArrayLike) -> FloatArray:
        points = as_float_array("x", x)
        dimension = self.start.size
        if points.ndim == 0 or points.shape[-1] != dimension:
            raise ValueError(f"x must have shape (..., {dimension}), got {points.shape}")
        with np.errstate(over="ignore", invalid="ignore"):
            return function(points)


def _symmetric(xx: FloatArray, xy: FloatArray, yy: FloatArray) -> FloatArray:
    """Put second derivatives together to matrices (..., 2, 2)."""
    return np.stack([np.stack([xx, xy], axis=-1), np.stack([xy, yy], axis=-1)], axis=-2)


_BEALE_CONSTANTS = ((1, 1.5), (2, 2.25), (3, 2.625))


def _beale(p: FloatArray) -> FloatArray:
    """Equation opt-beale."""
    x, y = p[..., 0], p[..., 1]
    # (opt-beale)  f(x, y) = sum_k r_k^2,  r_k = c_k - x + x y^k
    return sum((c - x + x * y**k) ** 2 for k, c in _BEALE_CONSTANTS)


def _beale_grad(p: FloatArray) -> FloatArray:
    """Equation opt-beale-gradient."""
    x, y = p[..., 0], p[..., 1]
    by_x, by_y = np.zeros_like(x), np.zeros_like(x)
    for k, c in _BEALE_CONSTANTS:
        r = c - x + x * y**k
        # (opt-beale-gradient)  df/dx = sum_k 2 r_k (y^k - 1),  df/dy = sum_k 2 r_k k x y^(k - 1)
        by_x += 2 * r * (y**k - 1)
        by_y += 2 * r * k * x * y ** (k - 1)
    return np.stack([by_x, by_y], axis=-1)


def _beale_hessian(p: FloatArray) -> FloatArray:
    """Equation opt-beale-hessian."""
    x, y = p[..., 0], p[..., 1]
    xx, xy, yy = np.zeros_like(x), np.zeros_like(x), np.zeros_like(x)
    for k, c in _BEALE_CONSTANTS:
        r, by_x, by_y = c - x + x * y**k, y**k - 1, k * x * y ** (k - 1)
        # (opt-beale-hessian)  sum_k 2 (grad r_k grad r_k^T + r_k H_k), with H_k that of r_k:
        # 0 for x x, k y^(k - 1) for x y, k (k - 1) x y^(k - 2) for y y
        xx += 2 * by_x**2
        xy += 2 * (by_x * by_y + r * k * y ** (k - 1))
        yy += 2 * by_y**2
        if k > 1:
            yy += 2 * r * k * (k - 1) * x * y ** (k - 2)
    return _symmetric(xx, xy, yy)


beale = Landscape(
    "Beale's function",
    minimum=np.array([3.0, 0.5]),
    start=np.array([1.0, 1.5]),
    bounds=((-4.5, 4.5), (-4.5, 4.5)),
    _f=_beale,
    _grad=_beale_grad,
    _hessian=_beale_hessian,
)
r"""Beale's function: flat in the middle, steep walls, a minimum of 0 at (3, 1/2).

Equation opt-beale.

.. math:: f(x, y) = (1.5 - x + xy)^2 + (2.25 - x + xy^2)^2 + (2.625 - x + xy^3)^2

Deck C "Visualizing the optimizers: Beale's Function".
"""


def _long_valley(p: FloatArray) -> FloatArray:
    """Equation opt-long-valley."""
    x, y = p[..., 0], p[..., 1]
    # (opt-long-valley)  f(x, y) = (1 - x)^2 + 100 (y - x^2)^2
    return (1 - x) ** 2 + 100 * (y - x**2) ** 2


def _long_valley_grad(p: FloatArray) -> FloatArray:
    """Equation opt-long-valley-gradient."""
    x, y = p[..., 0], p[..., 1]
    # (opt-long-valley-gradient)  df/dx = -2 (1 - x) - 400 x (y - x^2),  df/dy = 200 (y - x^2)
    return np.stack([-2 * (1 - x) - 400 * x * (y - x**2), 200 * (y - x**2)], axis=-1)


def _long_valley_hessian(p: FloatArray) -> FloatArray:
    """Equation opt-long-valley-hessian."""
    x, y = p[..., 0], p[..., 1]
    # (opt-long-valley-hessian)  [[2 - 400 y + 1200 x^2, -400 x], [-400 x, 200]]
    return _symmetric(2 - 400 * y + 1200 * x**2, -400 * x, np.full_like(x, 200))


long_valley = Landscape(
    "Long valley",
    minimum=np.array([1.0, 1.0]),
    start=np.array([-1.2, 1.0]),
    bounds=((-2.0, 2.0), (-1.0, 3.0)),
    _f=_long_valley,
    _grad=_long_valley_grad,
    _hessian=_long_valley_hessian,
)
r"""Rosenbrock's curved valley: minimum of 0 at (1, 1), condition number 2508 there.

Equation opt-long-valley.

.. math:: f(x, y) = (1 - x)^2 + 100 (y - x^2)^2

Decks L "Example: Behavior in a Long Valley" and C "Visualizing the optimizers: Long Valley" show a
long valley without a formula; this is the standard one, from its standard start.
"""


def _saddle(p: FloatArray) -> FloatArray:
    """Equation opt-saddle."""
    # (opt-saddle)  f(x, y) = x^2 - y^2
    return p[..., 0] ** 2 - p[..., 1] ** 2


def _saddle_grad(p: FloatArray) -> FloatArray:
    """Equation opt-saddle-gradient."""
    # (opt-saddle-gradient)  (2 x, -2 y)
    return p * np.array([2, -2], p.dtype)


def _saddle_hessian(p: FloatArray) -> FloatArray:
    """Equation opt-saddle-hessian."""
    # (opt-saddle-hessian)  [[2, 0], [0, -2]]
    return np.broadcast_to(np.diag([2.0, -2.0]).astype(p.dtype), (*p.shape, 2)).copy()


saddle = Landscape(
    "Saddle",
    minimum=None,
    start=np.array([1.0, 1e-3]),
    bounds=((-1.5, 1.5), (-1.5, 1.5)),
    _f=_saddle,
    _grad=_saddle_grad,
    _hessian=_saddle_hessian,
)
r"""A saddle at the origin; no minimum. Equation opt-saddle.

.. math:: f(x, y) = x^2 - y^2

The start lies beside the ridge line y = 0. Gradient descent multiplies its small y by
:math:`1 + 2 \eta` a step, so that leaving takes a time that grows with the logarithm of 1 / y: deck
L's patience. From y = 0 itself it converges to the saddle. Decks L "Example: Behavior around a
Saddle Point" and C "Visualizing the optimizers: Saddle Point" show a saddle without a formula.
"""


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

    Raises
    ------
    ValueError
        If `hessian` is not a square symmetric matrix of finite numbers.
    TypeError
        If `hessian` does not hold real numbers.

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

    def f(p: FloatArray) -> FloatArray:
        # (opt-quadratic)  f(x) = 1/2 x^T H x
        return 0.5 * (p * grad(p)).sum(axis=-1)

    def grad(p: FloatArray) -> FloatArray:
        return p @ matrix.astype(p.dtype)

    def second(p: FloatArray) -> FloatArray:
        return np.broadcast_to(matrix.astype(p.dtype), (*p.shape, dimension)).copy()

    return Landscape(
        "Quadratic",
        minimum=np.zeros(dimension) if eigenvalues[0] >= -rounding else None,
        start=np.arange(1.0, dimension + 1) / dimension,
        bounds=((-1.5, 1.5),) * dimension,
        _f=f,
        _grad=grad,
        _hessian=second,
    )
