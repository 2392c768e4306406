"""Gradient descent: the learning rate that the curvature allows, and steps on mini-batches.

On a quadratic error surface each principal axis shrinks by a factor of its own at every step, so
the Hessian's eigenvalues say which learning rate is stable, which is best, and how slow the best
one is when the surface is elongated. On a training set the gradient is taken on mini-batches.

Chapter: ``book/gradient-descent.md``.
Decks: L "Recap: Choosing the Right Learning Rate", "Why Learning Can Be Slow", "Batch vs.
Stochastic Learning", "Shuffling the Examples"; C "Mini-batch update".
Paper: Y. LeCun, L. Bottou, G. B. Orr and K.-R. Müller, Efficient BackProp, in Neural Networks:
Tricks of the Trade, Springer, 1998.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gradlab._validate import (
    FloatArray,
    as_flag,
    as_float_array,
    as_integer,
    as_real,
    as_rng,
    as_shaped,
)

__all__ = [
    "condition_number",
    "gradient_descent",
    "max_stable_learning_rate",
    "minibatches",
    "optimal_learning_rate",
]


def optimal_learning_rate(hessian: ArrayLike, rule: str = "minimax") -> float:
    r"""Best constant learning rate on a quadratic error surface.

    Equations gd-optimal-rate, gd-minimax-rate and gd-largest-curvature-rate.

    .. math:: \eta_{\text{opt}} = \left( \frac{d^2 E}{d w^2} \right)^{-1}, \qquad
              \eta_{\text{minimax}} = \frac{2}{\lambda_{\min} + \lambda_{\max}}, \qquad
              \eta_{\text{largest curvature}} = \frac{1}{\lambda_{\max}}

    for one weight and, with the extreme eigenvalues of the Hessian, for many. The last two equal
    the first where there is one weight.

    Parameters
    ----------
    hessian : float or array (weights, weights)
        Second derivatives of the error; symmetric, positive semidefinite and not 0. "minimax" asks
        for a positive definite one: with a flat axis nothing is optimal.
    rule : {"minimax", "largest curvature"}, default "minimax"
        With several weights, make the slowest axis as fast as possible (a factor of
        :math:`(\kappa - 1) / (\kappa + 1)` a step, where :math:`\kappa` is the
        `condition_number`), or reach the minimum along the steepest axis in one step and
        overshoot along none.

    Returns
    -------
    float
        In units of weight squared over error.

    Raises
    ------
    ValueError
        If `hessian` is not a square symmetric matrix of finite numbers or not as definite as it
        must be, or `rule` has another name.
    TypeError
        If `hessian` does not hold real numbers.

    Notes
    -----
    Deck L "Recap: Choosing the Right Learning Rate" gives the inverse of the Hessian, for one
    weight; as a matrix it is Newton's method, not a learning rate. "largest curvature" is the
    choice of LeCun et al. (1998). A rate above the optimal one overshoots and still converges, up
    to `max_stable_learning_rate`. The update on the slide writes :math:`W^{(\tau - 1)}` on the
    left where :math:`W^{(\tau + 1)}` is meant.

    Examples
    --------
    >>> optimal_learning_rate(4.0)
    0.25
    >>> optimal_learning_rate([[1.0, 0.0], [0.0, 9.0]])
    0.2
    """
    low, high = _extreme_eigenvalues(hessian)
    # (gd-optimal-rate)  1 / h is what both rules give for one weight h.
    if rule == "minimax":
        if low == 0:
            raise ValueError("hessian must be positive definite, got a singular matrix")
        # (gd-minimax-rate)  2 / (lambda_min + lambda_max)
        return 1.0 / (0.5 * low + 0.5 * high)
    if rule == "largest curvature":
        # (gd-largest-curvature-rate)  1 / lambda_max
        return 1.0 / high
    raise ValueError(f"rule must be 'minimax' or 'largest curvature', got {rule!r}")


def max_stable_learning_rate(hessian: ArrayLike) -> float:
    r"""Bound below which gradient descent converges on a quadratic. Equation gd-stable-rate.

    .. math:: \eta < \frac{2}{\lambda_{\max}}

    Parameters
    ----------
    hessian : float or array (weights, weights)
        Second derivatives of the error; symmetric, positive semidefinite and not 0. Along a flat
        axis (an eigenvalue of 0) nothing moves.

    Returns
    -------
    float
        The bound, itself not stable: there the steepest axis oscillates for ever, and above it
        diverges. For one weight it is twice `optimal_learning_rate`.

    Raises
    ------
    ValueError
        If `hessian` is not a square symmetric matrix of finite numbers, or not positive
        semidefinite, or 0.
    TypeError
        If `hessian` does not hold real numbers.

    Notes
    -----
    Deck L "Recap: Choosing the Right Learning Rate"; LeCun et al. (1998), section 5.

    Examples
    --------
    >>> max_stable_learning_rate([[1.0, 0.0], [0.0, 8.0]])
    0.25
    """
    _, high = _extreme_eigenvalues(hessian)
    # (gd-stable-rate)  2 / lambda_max
    return 2.0 / high


def condition_number(hessian: ArrayLike) -> float:
    r"""How elongated the error surface is. Equation gd-condition-number.

    .. math:: \kappa = \frac{\max_k |\lambda_k|}{\min_k |\lambda_k|}

    The contours of a quadratic are ellipses whose axes differ by the root of it.

    Parameters
    ----------
    hessian : float or array (weights, weights)
        Second derivatives of the error; symmetric. With eigenvalues of both signs (a saddle) the
        magnitudes count.

    Returns
    -------
    float
        At least 1; infinite for a singular matrix. From about 1e15 on it says no more than that
        the matrix is singular to rounding.

    Raises
    ------
    ValueError
        If `hessian` is not a square symmetric matrix of finite numbers.
    TypeError
        If `hessian` does not hold real numbers.

    Notes
    -----
    Deck L "Why Learning Can Be Slow": inputs of variance 1 with correlation r give
    :math:`\kappa = (1 + |r|) / (1 - |r|)` for a linear unit with two of them.

    Examples
    --------
    >>> condition_number([[1.0, 0.5], [0.5, 1.0]])
    3.0
    """
    magnitudes = np.abs(hessian_eigenvalues(hessian))
    # (gd-condition-number)  max |lambda| / min |lambda|
    low, high = float(magnitudes.min()), float(magnitudes.max())
    return high / low if low > 0 else float("inf")


def gradient_descent(
    grad: Callable[[FloatArray], ArrayLike],
    x0: ArrayLike,
    learning_rate: float | Callable[[int], float],
    steps: int,
) -> FloatArray:
    r"""Follow the negative gradient and record the way. Equation gd-update.

    .. math:: x_{t + 1} = x_t - \eta_t \, \nabla f(x_t)

    Parameters
    ----------
    grad : callable
        Takes a point, an array of the shape of `x0`, and returns the gradient there.
    x0 : array
        Where to start.
    learning_rate : float, or callable
        :math:`\eta`, not negative; or a function of the step t = 0, 1, ... that returns it, such
        as those of `gradlab.schedules`.
    steps : int
        How many updates; at least 0.

    Returns
    -------
    array (steps + 1, ...)
        The points from `x0` on, in the dtype of `x0`. A run that diverges goes on to infinities
        and numbers that are not, without a warning.

    Raises
    ------
    ValueError
        If a learning rate is negative or not finite, `steps` is negative, or `grad` returns
        another shape.
    TypeError
        If `x0` or what `grad` returns does not hold real numbers, or `grad` is not callable.

    Notes
    -----
    Deck L "Recap: Choosing the Right Learning Rate" and "Normalization". On a quadratic with
    Hessian H and minimum at 0 the trajectory is :math:`x_t = (I - \eta H)^t x_0`.

    Examples
    --------
    >>> gradient_descent(lambda x: 2 * x, [4.0], learning_rate=0.25, steps=2)
    array([[4.],
           [2.],
           [1.]])
    """
    if not callable(grad):
        raise TypeError(f"grad must be callable, got {grad!r}")
    start = as_float_array("x0", x0)
    steps = as_integer("steps", steps, low=0)
    if callable(learning_rate):
        rate_at = learning_rate
    else:
        constant = as_real("learning_rate", learning_rate, low=0.0)

        def rate_at(_: int) -> float:
            return constant

    trajectory = np.empty((steps + 1, *start.shape), start.dtype)
    trajectory[0] = start
    with np.errstate(over="ignore", invalid="ignore"):
        for t in range(steps):
            rate = as_real("learning_rate", rate_at(t), low=0.0)
            slope = grad(trajectory[t].copy())
            slope = as_shaped("grad", slope, start.shape, start.dtype)
            # (gd-update)  x_(t+1) = x_t - eta_t grad(x_t)
            trajectory[t + 1] = trajectory[t] - rate * slope
    return trajectory


def minibatches(
    n: int,
    batch_size: int,
    rng: np.random.Generator | None = None,
    shuffle: bool = True,
    drop_last: bool = False,
) -> Iterator[NDArray[np.int64]]:
    r"""Split the indices 0 ... n - 1 into mini-batches: one pass over the data.

    .. math:: \hat g = \frac{1}{B} \sum_{i \in \text{batch}} \nabla E_i, \qquad
              \mathrm{E} \, \hat g = \nabla E, \qquad
              \mathrm{Var} \, \hat g = \frac{n - B}{n - 1} \, \frac{\mathrm{Var} \, \nabla E_i}{B}

    is what a mini-batch of B out of n examples is for.

    Parameters
    ----------
    n : int
        Examples in the training set, at least 1.
    batch_size : int
        Indices in a mini-batch, at least 1; the last one holds the rest.
    rng : numpy.random.Generator
        Shuffles; needed unless `shuffle` is False.
    shuffle : bool, default True
        Present the examples in a new random order.
    drop_last : bool, default False
        Leave out a last mini-batch that is not full.

    Returns
    -------
    iterator of integer arrays

    Raises
    ------
    ValueError
        If a count is below 1, or `drop_last` would leave nothing.
    TypeError
        If a count is not an integer, or `rng` is not a Generator.

    Notes
    -----
    Decks L "Shuffling the Examples" and C "Mini-batch update". The mean over a mini-batch of the
    examples' gradients is an unbiased estimate of the gradient (equation gd-minibatch-gradient);
    from examples drawn without replacement its variance is (n - B) / (n - 1) / B of that of one
    example, with B the batch size (equation gd-minibatch-variance). The pseudo-code on the slides
    of deck C runs to t + b - 1, which is past the last example where b does not divide their
    number, and names example t where t' is meant.

    Examples
    --------
    >>> [batch.tolist() for batch in minibatches(5, 2, shuffle=False)]
    [[0, 1], [2, 3], [4]]
    """
    n, batch_size = as_integer("n", n, low=1), as_integer("batch_size", batch_size, low=1)
    shuffle, drop_last = as_flag("shuffle", shuffle), as_flag("drop_last", drop_last)
    if drop_last and batch_size > n:
        raise ValueError(f"batch_size must be at most n = {n} with drop_last, got {batch_size}")
    order = as_rng("rng", rng).permutation(n) if shuffle else np.arange(n)
    stop = n - n % batch_size if drop_last else n
    return (order[start : start + batch_size] for start in range(0, stop, batch_size))


def hessian_eigenvalues(hessian: ArrayLike) -> FloatArray:
    """Return the eigenvalues of a checked symmetric matrix, or number, in ascending order."""
    array = as_float_array("hessian", hessian)
    if array.ndim == 0:
        array = array.reshape(1, 1)
    if array.ndim != 2 or array.shape[0] != array.shape[1] or array.size == 0:
        raise ValueError(f"hessian must be a number or a square matrix, got shape {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError("hessian must be finite, got an entry that is not")
    # Halves, so that the sums of large entries do not overflow.
    asymmetry = np.abs(array / 2 - array.T / 2).max()
    if asymmetry > np.sqrt(np.finfo(array.dtype).eps) * np.abs(array / 2).max():
        raise ValueError(
            f"hessian must be symmetric, got differences of up to {2 * float(asymmetry):g}"
        )
    array = array.astype(np.float64)
    return np.asarray(np.linalg.eigvalsh(array / 2 + array.T / 2))


def _extreme_eigenvalues(hessian: ArrayLike) -> tuple[float, float]:
    """Return the smallest and the largest eigenvalue, the first as 0 if it is but for rounding."""
    eigenvalues = hessian_eigenvalues(hessian)
    low, high = float(eigenvalues[0]), float(eigenvalues[-1])
    rounding = eigenvalues.size * np.finfo(np.float64).eps * high
    if high <= 0 or low < -rounding:
        raise ValueError(
            f"hessian must be positive semidefinite and not 0, got eigenvalues from {low:g} to "
            f"{high:g}"
        )
    return (low if low > rounding else 0.0), high
