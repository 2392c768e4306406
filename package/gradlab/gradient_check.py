"""Check a gradient against finite differences or against the complex step.

Central differences work on any function of real arrays and lose a third of the digits to
cancellation; the complex step loses none, on functions that are analytic and accept complex input.

Chapter: ``book/backpropagation.md``.
Papers: W. Squire and G. Trapp, Using Complex Variables to Estimate Derivatives of Real Functions,
SIAM Review 40(1), 1998.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gradlab._examples import as_examples, as_loss, as_targets, gradient_of, loss_of
from gradlab._validate import FloatArray, as_float_array, as_list, as_positive, as_real, as_shaped
from gradlab.layers import BuiltIn
from gradlab.network import Network, as_network, unequal_gradients
from gradlab.training import Loss

__all__ = [
    "check_gradient",
    "check_network_gradient",
    "complex_step_gradient",
    "numerical_gradient",
    "relative_error",
]


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
    f: Callable[[Any], float],
    grad: ArrayLike,
    x: ArrayLike,
    tol: float = 1e-6,
    atol: float = 0.0,
) -> float:
    """Compare a gradient with central differences, and raise if they do not agree.

    Parameters
    ----------
    f : callable
        Takes what `x` is, an array or a list of arrays, and returns a number.
    grad : array, or list of arrays, of the shape of `x`
        The gradient to check.
    x : array, or list of arrays
        The point. A list or tuple of which any entry is a NumPy array is a list of arrays; one of
        numbers, or of lists of numbers, is one array.
    tol : float, default 1e-6
        The largest `relative_error` that passes, in each array by itself.
    atol : float, default 0
        An array passes too, as one of error 0, if no entry is off by more than this. Where the
        gradient is zero but for rounding, that of a bias below batch normalization for example, no
        relative error is small.

    Returns
    -------
    float
        The relative error, in a list the largest.

    Raises
    ------
    AssertionError
        If the error is above `tol`, or not a number; the message names the array and its entry
        that are worst.

    Notes
    -----
    At a kink, such as that of relu at 0, central differences are the mean of the slopes on its two
    sides, and no gradient agrees with them: check beside it.

    See Also
    --------
    check_network_gradient : of a loss for all parameters of a network.

    Examples
    --------
    >>> check_gradient(lambda x: float(np.sum(x**2)), grad=[2.0, 4.0], x=[1.0, 2.0]) < 1e-6
    True
    >>> w, b = np.array([1.0, 2.0]), np.array(3.0)
    >>> check_gradient(lambda p: float(p[0] @ p[0] * p[1]), [6 * w, w @ w], [w, b]) < 1e-6
    True
    """
    tol, atol = as_real("tol", tol, low=0.0), as_real("atol", atol, low=0.0)
    if not (isinstance(x, (list, tuple)) and any(isinstance(part, np.ndarray) for part in x)):
        point = as_float_array("x", x, dtype=np.float64)
        given = as_shaped("grad", grad, point.shape, np.float64)
        return _compare(["grad"], [given], [numerical_gradient(f, point)], tol, atol)
    points = [as_float_array(f"x[{k}]", part, dtype=np.float64) for k, part in enumerate(x)]
    grads = as_list("grad", grad)
    if len(grads) != len(points):
        raise ValueError(f"grad must have {len(points)} arrays, as x, got {len(grads)}")
    names = [f"grad[{k}]" for k in range(len(points))]
    shapes = [point.shape for point in points]
    several = [as_shaped(*each, np.float64) for each in zip(names, grads, shapes, strict=True)]

    def moved(k: int, part: FloatArray) -> float:
        return f([*points[:k], part, *points[k + 1 :]])

    expected = [numerical_gradient(partial(moved, k), point) for k, point in enumerate(points)]
    return _compare(names, several, expected, tol, atol)


def check_network_gradient(
    network: Network,
    x: ArrayLike,
    target: ArrayLike,
    loss: Loss = "softmax_cross_entropy",
    tol: float = 1e-6,
    atol: float | None = None,
) -> float:
    """Check the gradient of a loss for every parameter of a network, and for its input.

    Parameters
    ----------
    network : Network
        In float64. It is left as it is, with the generators of its layers.
    x : array (batch, features)
        A few examples: each parameter and each entry of `x` costs two passes forwards.
    target : integer array (batch,), or what `loss` takes
    loss : str or pair of callables, default "softmax_cross_entropy"
        As in `gradlab.training.fit`.
    tol : float, default 1e-6
    atol : float, optional
        As in `check_gradient`. Left out, it is 1e-9 times the larger of 1 and the absolute loss,
        for what rounding leaves of central differences where the gradient is zero.

    Returns
    -------
    float
        The largest relative error of an array.

    Raises
    ------
    AssertionError
        If a gradient is wrong; the message names the layer, its array and the entry that are worst.
    ValueError
        If the shapes do not fit, the network is not in float64, or the loss is not finite.

    Notes
    -----
    The network runs in training mode. Every pass begins with the generators of its layers as they
    are, so that dropout drops the same units in each. Frozen layers are passed through; their
    parameters are not checked.

    Examples
    --------
    >>> from gradlab.layers import Activation, BatchNorm, Dense
    >>> rng = np.random.default_rng(0)
    >>> network = Network([Dense(3, 4, rng), BatchNorm(4), Activation("tanh"), Dense(4, 2, rng)])
    >>> check_network_gradient(network, rng.normal(size=(5, 3)), [0, 1, 1, 0, 1]) < 1e-6
    True
    """
    tol = as_real("tol", tol, low=0.0)
    (value_of, slope_of), network = as_loss(loss), as_network(network)
    inputs, labels = as_examples(x, target, "x", "target")
    inputs = inputs.astype(np.float64)
    names = list(_parameter_names(network))
    for name, array in zip(names, network.parameters(), strict=True):
        if array.dtype != np.float64:
            raise ValueError(f"network must be in float64, got {array.dtype} in {name}")
    once = deepcopy(network)
    out = once.forward(inputs, training=True)
    labels = as_targets("target", labels, out.shape[1:], value_of)
    at = as_real("the loss", loss_of(value_of, out, labels))
    atol = 1e-9 * max(1.0, abs(at)) if atol is None else as_real("atol", atol, low=0.0)
    dx = once.backward(gradient_of(slope_of, out, labels))
    if len(once.gradients()) != len(names):
        raise unequal_gradients(once)

    def moved(k: int, array: FloatArray) -> float:
        trial, of_x = deepcopy(network), k == len(network.parameters())
        if not of_x:
            trial.parameters()[k][...] = array
        out = trial.forward(array if of_x else inputs, training=True)
        return loss_of(value_of, out, labels)

    points, grads = [*network.parameters(), inputs], [*once.gradients(), dx]
    shapes = [point.shape for point in points]
    names = [f"the gradient of {name}" for name in (*names, "x")]
    given = [as_shaped(*each) for each in zip(names, grads, shapes, strict=True)]
    expected = [numerical_gradient(partial(moved, k), point) for k, point in enumerate(points)]
    return _compare(names, given, expected, tol, atol)


def _parameter_names(network: Network, within: str = "") -> Iterator[str]:
    """Name the parameters in the order of `Network.parameters`."""
    for k, layer in enumerate(network.layers):
        place = f"{within}layers[{k}]"
        if not getattr(layer, "trainable", True):
            continue
        if isinstance(layer, Network):
            yield from _parameter_names(layer, f"{place}.")
        elif isinstance(layer, BuiltIn):
            yield from (f"{place}.{name}" for name in layer._trained)
        else:
            yield from (f"{place}.parameters()[{j}]" for j in range(len(layer.parameters())))


def _compare(
    names: list[str],
    given: list[FloatArray],
    expected: list[FloatArray],
    tol: float,
    atol: float,
) -> float:
    """Return the largest relative error, or raise where it is that of a wrong gradient."""
    with np.errstate(invalid="ignore"):
        differences = [np.abs(a - b) for a, b in zip(given, expected, strict=True)]
    errors = [
        0.0 if difference.max(initial=0.0) <= atol else relative_error(a, b)
        for difference, a, b in zip(differences, given, expected, strict=True)
    ]
    k = int(np.argmax(errors))
    if not errors[k] <= tol:
        worst = np.unravel_index(np.argmax(differences[k]), differences[k].shape)
        where = tuple(int(index) for index in worst)
        allowed = f"{tol:.0e}" + (f", or {atol:.0e} in absolute terms" if atol else "")
        raise AssertionError(
            f"{names[k]} differs from central differences by {errors[k]:.2e} (allowed {allowed}); "
            f"worst at index {where}: expected {expected[k][worst]:.6g}, "
            f"got {given[k][worst]:.6g}"
        )
    return errors[k]


def _number(value: Any) -> float:
    result = np.asarray(value)
    if result.size != 1:
        raise ValueError(f"f must return one number, got shape {result.shape}")
    if result.dtype.kind not in "biuf":
        raise TypeError(f"f must return a real number, got {value!r}")
    return float(result.reshape(()))
