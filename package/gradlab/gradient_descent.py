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
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gradlab._jit import njit
from gradlab._validate import (
    FloatArray,
    as_batch,
    as_choice,
    as_flag,
    as_float_array,
    as_integer,
    as_positive,
    as_real,
    as_rng,
    as_shaped,
    is_finite,
)

__all__ = [
    "DominantEigenpair",
    "condition_number",
    "diagonal_newton_step",
    "gauss_newton_matrix",
    "gradient_descent",
    "linear_descent",
    "max_stable_learning_rate",
    "minibatch_variance",
    "minibatches",
    "optimal_learning_rate",
    "power_iteration",
    "quadratic_descent",
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
    as_choice("rule", rule, ("minimax", "largest curvature"))
    low, high = _extreme_eigenvalues(hessian)
    # (gd-optimal-rate)  1 / h is what both rules give for one weight h.
    if rule == "minimax":
        if low == 0:
            raise ValueError("hessian must be positive definite, got a singular matrix")
        # (gd-minimax-rate)  2 / (lambda_min + lambda_max)
        return 1.0 / (0.5 * low + 0.5 * high)
    # (gd-largest-curvature-rate)  1 / lambda_max
    return 1.0 / high


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
        The bound, itself not stable: there the steepest axis oscillates forever, and above it
        diverges. For one weight it is twice `optimal_learning_rate`.

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


@njit
def _update_kernel(x, slope, rate, after):
    """Equation gd-update."""
    for k in range(len(x)):
        # (gd-update)  x_(t+1) = x_t - eta_t grad(x_t)
        after[k] = x[k] - rate * slope[k]


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
    steps, rate_at = as_integer("steps", steps, low=0), _as_rates(learning_rate)
    trajectory = np.empty((steps + 1, *start.shape), start.dtype)
    trajectory[0] = start
    rows = trajectory.reshape(steps + 1, start.size)
    with np.errstate(over="ignore", invalid="ignore"):
        for t in range(steps):
            slope = as_shaped("grad", grad(trajectory[t].copy()), start.shape, start.dtype)
            _update_kernel(rows[t], slope.reshape(-1), rate_at(t), rows[t + 1])
    return trajectory


def _as_rates(learning_rate: float | Callable[[int], float]) -> Callable[[int], float]:
    """Return a function of the step whose values are checked, a constant at once."""
    if callable(learning_rate):
        return lambda t: as_real("learning_rate", learning_rate(t), low=0.0)
    constant = as_real("learning_rate", learning_rate, low=0.0)
    return lambda _: constant


@njit
def _quadratic_descent_kernel(hessian, rates, trajectory):
    """Equation gd-update on E(x) = x^T H x / 2, whose gradient is H x."""
    for t in range(len(rates)):
        x, after = trajectory[t], trajectory[t + 1]
        for j in range(len(x)):
            slope = 0.0
            for k in range(len(x)):
                slope += hessian[j, k] * x[k]
            # (gd-update)  x_(t+1) = x_t - eta_t grad(x_t)
            after[j] = x[j] - rates[t] * slope


def quadratic_descent(
    hessian: ArrayLike,
    x0: ArrayLike,
    learning_rate: float | Callable[[int], float],
    steps: int,
) -> FloatArray:
    r"""Gradient descent on a quadratic with its minimum at 0. Equation gd-update.

    .. math:: x_{t + 1} = x_t - \eta_t H x_t

    Parameters
    ----------
    hessian : array (weights, weights)
        H, symmetric; of eigenvalues of any sign.
    x0 : array (weights,)
        Where to start.
    learning_rate : float, or callable
        As in `gradient_descent`.
    steps : int
        How many updates; at least 0.

    Returns
    -------
    array (steps + 1, weights)
        The points from `x0` on, in the dtype of `x0`, computed in float64. A run that diverges goes
        on to infinities and numbers that are not, without a warning.

    Notes
    -----
    The same path as ``gradient_descent(lambda x: hessian @ x, ...)``, without a call of Python for
    each step.

    Examples
    --------
    >>> quadratic_descent([[1.0, 0.0], [0.0, 4.0]], [8.0, 1.0], learning_rate=0.5, steps=2)
    array([[ 8.,  1.],
           [ 4., -1.],
           [ 2.,  1.]])
    """
    matrix = _as_symmetric(hessian)
    start = as_shaped("x0", x0, (len(matrix),))
    steps, rate_at = as_integer("steps", steps, low=0), _as_rates(learning_rate)
    rates = np.array([rate_at(t) for t in range(steps)], float)
    trajectory = np.empty((rates.size + 1, start.size))
    trajectory[0] = start
    with np.errstate(over="ignore", invalid="ignore"):
        _quadratic_descent_kernel(matrix, rates, trajectory)
        return trajectory.astype(start.dtype, copy=False)


@njit
def _linear_descent_kernel(x, y, order, batch_size, rates, trajectory):
    """Equations gd-minibatch-gradient and gd-update, of a linear unit.

    The error of an example is (x_i w - y_i)^2 / 2. A mini-batch is the next `batch_size` entries
    of `order`; the last one may be shorter.
    """
    features = x.shape[1]
    for t in range(len(rates)):
        w, after = trajectory[t], trajectory[t + 1]
        for j in range(features):
            after[j] = w[j]
        start = t * batch_size
        stop = min(start + batch_size, len(order))
        for i in order[start:stop]:
            xi = x[i]
            error = -y[i]
            for j in range(features):
                error += xi[j] * w[j]
            # (gd-minibatch-gradient)  g_j = 1/B sum_i x_ij (x_i w - y_i)
            # (gd-update)              w <- w - eta g
            for j in range(features):
                after[j] -= rates[t] * error * xi[j] / (stop - start)


def linear_descent(
    x: ArrayLike,
    y: ArrayLike,
    w0: ArrayLike,
    learning_rate: float | Callable[[int], float],
    batch_size: int,
    epochs: int = 1,
    rng: np.random.Generator | None = None,
    shuffle: bool = True,
) -> FloatArray:
    r"""Mini-batch descent of a linear unit. Equations gd-minibatch-gradient and gd-update.

    .. math:: w_{t + 1} = w_t - \frac{\eta_t}{B} \sum_{i \in \text{batch}}
              x_i \, (x_i^\top w_t - y_i)

    on the error :math:`E_i = (x_i^\top w - y_i)^2 / 2`.

    Parameters
    ----------
    x : array (examples, features)
        Inputs; a column of ones gives the unit a bias.
    y : array (examples,)
        Targets.
    w0 : array (features,)
        Where to start.
    learning_rate : float, or callable
        As in `gradient_descent`.
    batch_size : int
        B, at least 1; with all examples this is batch gradient descent. The last mini-batch of an
        epoch holds the rest.
    epochs : int, default 1
        Passes over the data; at least 0.
    rng : numpy.random.Generator
        Shuffles; needed unless `shuffle` is False.
    shuffle : bool, default True
        Present the examples in a new random order in each epoch.

    Returns
    -------
    array (updates + 1, features)
        The weights from `w0` on, in the dtype of `x`, computed in float64.

    Notes
    -----
    Decks L "Batch vs. Stochastic Learning" and "Shuffling the Examples", C "Mini-batch update".

    Examples
    --------
    >>> linear_descent([[1.0], [2.0]], [2.0, 4.0], [0.0], 0.2, batch_size=1, shuffle=False)
    array([[0.  ],
           [0.4 ],
           [1.68]])
    """
    x = as_batch("x", x)
    dtype, x = x.dtype, x.astype(np.float64, copy=False)
    y = as_shaped("y", y, x.shape[:1], np.float64)
    w = as_shaped("w0", w0, x.shape[1:], np.float64)
    epochs = as_integer("epochs", epochs, low=0)
    rate_at, trajectory, t = _as_rates(learning_rate), [w[np.newaxis]], 0
    for _ in range(epochs):
        batches = list(minibatches(len(x), batch_size, rng, shuffle))
        rates = np.array([rate_at(t + k) for k in range(len(batches))])
        path = np.empty((rates.size + 1, w.size))
        path[0] = trajectory[-1][-1]
        with np.errstate(over="ignore", invalid="ignore"):
            _linear_descent_kernel(x, y, np.concatenate(batches), batch_size, rates, path)
        trajectory.append(path[1:])
        t += rates.size
    with np.errstate(over="ignore"):
        return np.concatenate(trajectory, dtype=dtype, casting="same_kind")


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
        If `drop_last` would leave nothing.

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


@njit
def _minibatch_variance_kernel(gradients, batch_size, variance):
    """Equation gd-minibatch-variance, for every component of the gradient."""
    n, weights = gradients.shape
    for j in range(weights):
        mean = 0.0
        for i in range(n):
            mean += gradients[i, j]
        mean /= n
        total = 0.0
        for i in range(n):
            total += (gradients[i, j] - mean) ** 2
        # (gd-minibatch-variance)  Var g = (n - B) / (n - 1) Var(dE_i) / B
        variance[j] = total / n * (n - batch_size) / (max(n - 1, 1) * batch_size)


def minibatch_variance(gradients: ArrayLike, batch_size: int) -> FloatArray:
    r"""Variance of the mean over a mini-batch. Equation gd-minibatch-variance.

    .. math:: \mathrm{Var} \, \hat g =
              \frac{n - B}{n - 1} \, \frac{\mathrm{Var} \, \nabla E_i}{B}

    for B of n examples, drawn without replacement.

    Parameters
    ----------
    gradients : array (examples, weights)
        The gradient of each of the n examples.
    batch_size : int
        B, from 1 to n.

    Returns
    -------
    array (weights,)
        For each component, in the dtype of `gradients`, summed in float64. 0 for a mini-batch of
        all examples.

    Notes
    -----
    Var of the gradients divides by n, since these examples are all that there are.

    Decks L "Batch vs. Stochastic Learning" and C "Story so far".

    Examples
    --------
    >>> minibatch_variance([[1.0], [2.0], [3.0]], batch_size=2).round(6)
    array([0.166667])
    """
    gradients = as_batch("gradients", gradients)
    batch_size = as_integer("batch_size", batch_size, low=1)
    if batch_size > len(gradients):
        raise ValueError(f"batch_size must be at most {len(gradients)}, got {batch_size}")
    variance = np.empty(gradients.shape[1])
    _minibatch_variance_kernel(gradients.astype(np.float64, copy=False), batch_size, variance)
    return variance.astype(gradients.dtype, copy=False)


class DominantEigenpair(NamedTuple):
    """What `power_iteration` found.

    Attributes
    ----------
    value : float
        The eigenvalue of largest magnitude, with its sign.
    vector : array (size,)
        Its eigenvector, of length 1.
    """

    value: float
    vector: FloatArray


@njit
def _normalize_kernel(v, product):
    """Return the Rayleigh quotient of `v` and how far it is from an eigenvector.

    `product` is the matrix times `v`, a vector of length 1, which receives the
    direction of `product`.
    """
    value = length = 0.0
    for k in range(len(v)):
        value += v[k] * product[k]
        length += product[k] ** 2
    length = np.sqrt(length)
    residual = 0.0
    for k in range(len(v)):
        residual += (product[k] - value * v[k]) ** 2
        if length > 0.0:
            v[k] = product[k] / length
    return value, np.sqrt(residual)


def power_iteration(
    matrix_vector: Callable[[FloatArray], ArrayLike] | ArrayLike,
    size: int,
    rng: np.random.Generator,
    tol: float = 1e-6,
    max_steps: int = 1000,
) -> DominantEigenpair:
    r"""Largest curvature, from products with the Hessian alone.

    .. math:: v \leftarrow \frac{H v}{\| H v \|}, \qquad \lambda = v^\top H v

    Parameters
    ----------
    matrix_vector : callable, or array (size, size)
        Takes a vector v and returns H v, for a symmetric H; or H itself. For a network,
        ``(gradient(w + t v) - gradient(w - t v)) / (2 t)`` is H v without H.
    size : int
        Entries of v, at least 1.
    rng : numpy.random.Generator
        Draws the first v.
    tol : float, default 1e-6
        Ends when :math:`\| H v - \lambda v \|` is at most this share of :math:`|\lambda|`; the
        eigenvalue is then right to about the square of it.
    max_steps : int, default 1000
        Products at the most.

    Returns
    -------
    DominantEigenpair
        ``value`` and ``vector``.

    Raises
    ------
    ValueError
        If `max_steps` products do not reach `tol`: two eigenvalues of nearly the same magnitude
        are hard to tell apart, and of opposite signs never.

    Notes
    -----
    Each step multiplies the share of every other eigenvector by the ratio of its eigenvalue to the
    largest. LeCun et al. (1998), section 9, find the largest learning rate by it.

    Examples
    --------
    >>> value, vector = power_iteration([[2.0, 1.0], [1.0, 2.0]], 2, np.random.default_rng(0))
    >>> round(value, 6), abs(vector).round(3)
    (3.0, array([0.707, 0.707]))
    """
    size = as_integer("size", size, low=1)
    if callable(matrix_vector):
        multiply = matrix_vector
    else:
        multiply = as_shaped("matrix_vector", matrix_vector, (size, size), np.float64).dot
    tol = as_positive("tol", tol)
    v = as_rng("rng", rng).standard_normal(size)
    v /= np.linalg.norm(v)
    for _ in range(as_integer("max_steps", max_steps, low=1)):
        product = as_shaped("matrix_vector", multiply(v.copy()), (size,), np.float64)
        if not is_finite(product):
            raise ValueError("matrix_vector must return finite numbers")
        before = v.copy()
        value, residual = _normalize_kernel(v, product)
        if residual <= tol * abs(value):
            return DominantEigenpair(float(value), before)
    raise ValueError(
        f"matrix_vector has no eigenvalue that {max_steps} steps part from the others: "
        f"after them the residual is {residual:.3g} at an estimate of {value:.6g}"
    )


@njit
def _diagonal_newton_kernel(grad, curvature, damping, step):
    """Equation gd-diagonal-newton: each weight by its own second derivative."""
    for k in range(len(grad)):
        # (gd-diagonal-newton)  -g_k / (|h_kk| + mu)
        step[k] = -grad[k] / (abs(curvature[k]) + damping)


def diagonal_newton_step(
    grad: ArrayLike, curvature: ArrayLike, damping: float = 1e-3
) -> FloatArray:
    r"""Newton's step with the diagonal of the Hessian alone. Equation gd-diagonal-newton.

    .. math:: \Delta w_k = - \frac{\partial E / \partial w_k}{|h_{kk}| + \mu}

    Parameters
    ----------
    grad : array
        The gradient.
    curvature : array of the shape of `grad`
        Second derivatives :math:`h_{kk} = \partial^2 E / \partial w_k^2`.
    damping : float, default 1e-3
        :math:`\mu`, positive, in the unit of a curvature: it bounds the step where the error is
        flat.

    Returns
    -------
    array of the shape of `grad`
        To be added to the weights.

    Notes
    -----
    The inverse of the Hessian is taken as if the Hessian were diagonal. That is Newton's step where
    the axes of the error surface are those of the weights, and not where they are rotated. A
    magnitude in place of the second derivative keeps the step downhill where the curvature is
    negative. LeCun et al. (1998), section 7; deck L "Recap: Choosing the Right Learning Rate"
    speaks of simplified Hessians.

    Examples
    --------
    >>> diagonal_newton_step([2.0, -8.0], [1.0, 4.0], damping=1e-12).round(6)
    array([-2.,  2.])
    """
    grad = as_float_array("grad", grad)
    curvature = as_shaped("curvature", curvature, grad.shape, grad.dtype)
    damping = as_positive("damping", damping)
    step = np.empty_like(grad)
    _diagonal_newton_kernel(grad.reshape(-1), curvature.reshape(-1), damping, step.reshape(-1))
    return step


@njit
def _gauss_newton_kernel(jacobian, loss_hessian, matrix):
    """Equation gd-gauss-newton."""
    batch, outputs, weights = jacobian.shape
    matrix[:] = 0.0
    for i in range(batch):
        for a in range(outputs):
            for b in range(outputs):
                # (gd-gauss-newton)  1/M sum_i J_i^T H_i J_i
                h = loss_hessian[i, a, b] / batch
                for j in range(weights):
                    for k in range(weights):
                        matrix[j, k] += jacobian[i, a, j] * h * jacobian[i, b, k]


def gauss_newton_matrix(jacobian: ArrayLike, loss_hessian: ArrayLike | None = None) -> FloatArray:
    r"""Gauss and Newton's approximation of the Hessian. Equation gd-gauss-newton.

    .. math:: G = \frac{1}{B} \sum_{i=1}^{B} J_i^\top H_i J_i

    Parameters
    ----------
    jacobian : array (batch, outputs, weights)
        :math:`J_i`, the derivatives of the outputs for example i with respect to the weights.
    loss_hessian : array (batch, outputs, outputs), optional
        :math:`H_i`, the second derivatives of the loss with respect to the outputs; left out, the
        identity, which is that of half the squared error.

    Returns
    -------
    array (weights, weights)
        In the dtype of `jacobian`, summed in float64. Positive semidefinite where every :math:`H_i`
        is.

    Notes
    -----
    The Hessian of the mean loss is G plus the second derivatives of the outputs, each weighted by
    the slope of the loss: the two are equal for a model that is linear in its weights, and close
    where the outputs fit the targets. Deck L "Recap: Choosing the Right Learning Rate" speaks of
    simplified Hessians; LeCun et al. (1998), section 6.

    Examples
    --------
    >>> gauss_newton_matrix([[[1.0, 2.0]], [[3.0, 0.0]]])
    array([[5., 1.],
           [1., 2.]])
    """
    jacobian = as_float_array("jacobian", jacobian, ndim=3)
    if jacobian.size == 0:
        raise ValueError(f"jacobian must not be empty, got shape {jacobian.shape}")
    batch, outputs, weights = jacobian.shape
    shape = (batch, outputs, outputs)
    if loss_hessian is None:
        loss_hessian = np.broadcast_to(np.eye(outputs), shape)
    curvature = as_shaped("loss_hessian", loss_hessian, shape, np.float64)
    matrix = np.empty((weights, weights))
    _gauss_newton_kernel(jacobian.astype(np.float64, copy=False), curvature, matrix)
    return matrix.astype(jacobian.dtype, copy=False)


def hessian_eigenvalues(hessian: ArrayLike) -> FloatArray:
    """Return the eigenvalues of a checked symmetric matrix, or number, in ascending order.

    They are LAPACK's, which finds them faster and closer than a loop of ours would.
    """
    return np.asarray(np.linalg.eigvalsh(_as_symmetric(hessian)))


def _as_symmetric(hessian: ArrayLike) -> FloatArray:
    """Return a symmetric matrix, or number, as a float64 matrix that is so to the last digit."""
    array = as_float_array("hessian", hessian)
    if array.ndim == 0:
        array = array.reshape(1, 1)
    if array.ndim != 2 or array.shape[0] != array.shape[1] or array.size == 0:
        raise ValueError(f"hessian must be a number or a square matrix, got shape {array.shape}")
    if not is_finite(array):
        raise ValueError("hessian must be finite, got an entry that is not")
    # Halves, so that the sums of large entries do not overflow.
    asymmetry = np.abs(array / 2 - array.T / 2).max()
    if asymmetry > np.sqrt(np.finfo(array.dtype).eps) * np.abs(array / 2).max():
        raise ValueError(
            f"hessian must be symmetric, got differences of up to {2 * float(asymmetry):g}"
        )
    array = array.astype(np.float64)
    return array / 2 + array.T / 2


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
