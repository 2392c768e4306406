r"""Bounds on the norm of a gradient that went back through many layers.

Backpropagation multiplies the gradient by two matrices a layer, the diagonal one of the activation
derivatives and the weights. The largest singular values bound the product from above: where they
are below 1 the gradient vanishes with depth. The smallest bound it from below, on a condition that
real networks rarely meet; where it holds and they are above 1, the gradient explodes.

Chapter: ``book/gradient-bounds.md``.
Decks: S "Backpropagation in MLPs: Practice", "Vanishing Gradients" and "Exploding Gradients", H
"The Vanishing / Exploding Gradient Problem".
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from gradlab._jit import njit
from gradlab._validate import (
    FloatArray,
    as_float_array,
    as_integer,
    as_list,
    as_rng,
    as_shaped,
    as_vector,
    is_finite,
)

__all__ = ["PropagatedNorms", "gradient_norm_bounds", "propagate_norms", "singular_value_products"]


class PropagatedNorms(NamedTuple):
    """What `propagate_norms` measured, with one entry for each weight matrix W_0 ... W_L.

    Attributes
    ----------
    activations : array (depth + 1,)
        Norm of what enters the matrix: the input, then the output of each hidden layer.
    gradients : array (depth + 1,)
        Frobenius norm of the gradient of the loss with respect to the matrix.
    lower, upper : arrays (depth + 1,)
        The bounds of `gradient_norm_bounds` on it, from the matrices behind it.
    """

    activations: FloatArray
    gradients: FloatArray
    lower: FloatArray
    upper: FloatArray


def _finite(name: str, array: FloatArray) -> FloatArray:
    if array.size == 0:
        raise ValueError(f"{name} must not be empty, got shape {array.shape}")
    if not is_finite(array):
        raise ValueError(f"{name} must be finite, got infinite entries or ones that are no number")
    return array


def _as_layers(
    weights: Sequence[ArrayLike], activation_derivatives: Sequence[ArrayLike]
) -> list[tuple[FloatArray, FloatArray]]:
    """Return the pairs g'(z_l) and W_l in float64, which fit into each other."""
    matrices = [
        _finite("weights", as_float_array("weights", weight, ndim=2, dtype=np.float64))
        for weight in as_list("weights", weights)
    ]
    derivatives = as_list("activation_derivatives", activation_derivatives)
    if len(derivatives) != len(matrices):
        raise ValueError(
            f"activation_derivatives must hold one vector for each of the {len(matrices)} later "
            f"weight matrices, got {len(derivatives)}"
        )
    for before, after in itertools.pairwise(matrices):
        if before.shape[1] != after.shape[0]:
            raise ValueError(
                f"weights must fit into each other, got shapes {before.shape} and {after.shape}"
            )
    name = "activation_derivatives"
    return [
        (_finite(name, as_shaped(name, derivative, weight.shape[:1], np.float64)), weight)
        for derivative, weight in zip(derivatives, matrices, strict=True)
    ]


@njit
def _norm_kernel(v):
    """Return the Euclidean norm, also of numbers whose squares overflow or underflow."""
    largest = 0.0
    for x in v:
        largest = max(largest, abs(x))
    if largest == 0.0:
        return 0.0
    total = 0.0
    for x in v:
        total += (x / largest) ** 2
    return largest * math.sqrt(total)


@njit
def _products_kernel(factors, products):
    """Equations gb-singular-value-products, gb-upper-bound, gb-lower-bound.

    From the last factor to the first. Mantissa and exponent are kept apart on
    the way, so that a product overflows or underflows only if the result does.
    """
    mantissa, exponent = 1.0, 0
    for layer in range(len(factors) - 1, -1, -1):
        # (gb-singular-value-products)  the product of the factors of layers l ... L
        part, shift = math.frexp(factors[layer])
        mantissa, carry = math.frexp(mantissa * part)
        exponent += shift + carry
        products[layer] = np.ldexp(mantissa, exponent)


def _products(factors: list[float]) -> FloatArray:
    """Return the product of each factor and those after it."""
    products = np.empty(len(factors))
    with np.errstate(over="ignore", under="ignore"):
        _products_kernel(np.array(factors, float), products)
    return products


def _extreme_singular_values(weight: FloatArray) -> tuple[float, float]:
    """Return the least and the greatest of norm(W v) over unit vectors v.

    With more columns than rows there is a v that W sends to 0, which the
    singular values of W do not show. A least one within rounding of 0 is
    taken as 0.
    """
    values = np.linalg.svd(weight, compute_uv=False)
    rows, columns = weight.shape
    largest, smallest = float(values[0]), float(values[-1])
    rounding = max(rows, columns) * float(np.finfo(np.float64).eps) * largest
    return (0.0 if columns > rows or smallest <= rounding else smallest), largest


def _layer_factors(
    layers: list[tuple[FloatArray, FloatArray]],
) -> tuple[list[float], list[float]]:
    """Return what each layer can multiply the norm of a gradient by, at least and at most."""
    smallest, largest = [], []
    for derivative, weight in layers:
        low, high = _extreme_singular_values(weight)
        slopes = np.abs(derivative)
        # The singular values of a diagonal matrix are the absolute values on its diagonal.
        smallest.append(float(_products([float(slopes.min()), low])[0]))
        largest.append(float(_products([float(slopes.max()), high])[0]))
    return smallest, largest


def singular_value_products(
    weights: Sequence[ArrayLike], activation_derivatives: Sequence[ArrayLike]
) -> tuple[FloatArray, FloatArray]:
    r"""Products of the smallest and of the largest singular values, from each layer to the output.

    .. math:: \prod_{k=l}^{L} \min_i |g'(z_{k,i})| \, \sigma_{\min}(W_k)
              \;\le\; \frac{\| \partial L / \partial z_l \|_2}{\| \partial L / \partial \hat y \|_2}
              \;\le\; \prod_{k=l}^{L} \max_i |g'(z_{k,i})| \, \sigma_{\max}(W_k)

    Equation gb-singular-value-products.

    Parameters
    ----------
    weights : sequence of L arrays (n_l, n_{l+1})
        The matrices W_1 ... W_L of the layers after the first; in the package's orientation, fan-in
        by fan-out.
    activation_derivatives : sequence of L vectors (n_l,)
        g'(z_l), of each hidden layer.

    Returns
    -------
    smallest, largest : arrays (L,), float64
        Entry l - 1 is the product over the layers l ... L, so the first entries are the whole
        products. Infinite or 0 where they are out of the range of numbers.

    Notes
    -----
    :math:`\sigma_{\min}(W)` stands for the least of :math:`\|W v\|` over unit vectors: the smallest
    singular value where W has full column rank, and 0 otherwise. A layer with more outputs than
    inputs never has (`gradient_norm_bounds`).

    Deck S "Vanishing Gradients" and "Exploding Gradients".

    Examples
    --------
    >>> smallest, largest = singular_value_products(
    ...     [np.diag([2.0, 4.0]), np.diag([1.0, 3.0])], [[1.0, 1.0], [0.5, 0.5]]
    ... )
    >>> smallest, largest
    (array([1. , 0.5]), array([6. , 1.5]))
    """
    smallest, largest = _layer_factors(_as_layers(weights, activation_derivatives))
    return _products(smallest), _products(largest)


def gradient_norm_bounds(
    x: ArrayLike,
    weights: Sequence[ArrayLike],
    activation_derivatives: Sequence[ArrayLike],
    loss_gradient: ArrayLike,
) -> tuple[float, float]:
    r"""Bounds on the norm of the gradient with respect to the first weight matrix, for one example.

    .. math:: \frac{\partial L}{\partial W_0} = x \, \Bigl( \prod_{l=1}^{L}
              \bigl[ \mathrm{diag}(g'(z_l)) \, W_l \bigr] \,
              \frac{\partial L}{\partial \hat y} \Bigr)^{\!\top}

    .. math:: \Bigl\| \frac{\partial L}{\partial W_0} \Bigr\|_F \le \|x\|_2
              \prod_{l=1}^{L} \bigl[ \max_i |g'(z_{l,i})| \, \sigma_{\max}(W_l) \bigr]
              \Bigl\| \frac{\partial L}{\partial \hat y} \Bigr\|_2

    and the same with the smallest instead of the largest values, from below. Equations
    gb-weight-gradient, gb-upper-bound and gb-lower-bound.

    Parameters
    ----------
    x : array (n_0,)
        The example.
    weights : sequence of L arrays (n_l, n_{l+1})
        The matrices W_1 ... W_L of the layers after the first; in the package's orientation, fan-in
        by fan-out, so that W_l here is the transpose in deck S, and stands as it is in the product.
    activation_derivatives : sequence of L vectors (n_l,)
        g'(z_l), of each hidden layer.
    loss_gradient : array (n_{L+1},)
        Gradient of the loss with respect to the output.

    Returns
    -------
    lower, upper : float
        Of the Frobenius norm of the gradient. `lower` is 0 where its condition fails: it then says
        nothing. Both hold to rounding.

    Notes
    -----
    The lower bound needs every factor to have full column rank, because only then is the least of
    :math:`\|A v\|` over unit vectors its smallest singular value. It is 0 as soon as

    - one layer is wide, with more outputs than inputs: there is a gradient that it sends to 0;
    - one matrix is rank deficient;
    - one unit has the derivative 0: every ReLU network in which a unit is off for the example.

    So it can be 0 although the gradient is large, and even although the product of all factors has
    full column rank. Deck S states it without the condition, and draws the conclusion that large
    singular values explode for ReLU and softplus. For ReLU the bound is void; for softplus it is
    not, but as weak as its smallest derivative, which is next to 0 where z is far below it.

    Deck S bounds the gradient of one row of W_0, and has as the first factor a matrix with x in one
    column and zeros in the others. Its largest singular value is the norm of x, but its smallest is
    0 where the first hidden layer has two units or more, so that the slide's lower bound is 0
    whatever follows. For the whole of W_0 the factor sends v to the outer product of x and v, whose
    norm is exactly the product of theirs: the norm of x stands in both bounds.

    Both bounds are attained by matrices with equal singular values (`orthogonal` ones) and equal
    derivatives, and by a chain of single units.

    Deck S "Backpropagation in MLPs: Practice", "Vanishing Gradients" and "Exploding Gradients".

    Examples
    --------
    >>> tall, wide = np.array([[2.0, 0.0], [0.0, 1.0], [0.0, 0.0]]), np.ones((3, 4))
    >>> gradient_norm_bounds([3.0, 4.0], [tall], [[1.0, 1.0, 0.5]], [1.0, 0.0])
    (2.5, 10.0)
    >>> lower, upper = gradient_norm_bounds([3.0, 4.0], [wide], [[1.0, 1.0, 0.5]], np.ones(4))
    >>> lower, round(upper, 6)
    (0.0, 34.641016)
    """
    x = _finite("x", as_vector("x", x).astype(np.float64))
    layers = _as_layers(weights, activation_derivatives)
    loss_gradient = _finite(
        "loss_gradient", as_vector("loss_gradient", loss_gradient).astype(np.float64)
    )
    if layers and loss_gradient.size != layers[-1][1].shape[1]:
        raise ValueError(
            f"loss_gradient must have shape {(layers[-1][1].shape[1],)}, got {loss_gradient.shape}"
        )
    ends = [_norm_kernel(x), _norm_kernel(loss_gradient)]
    lower, upper = (_products(ends + side)[0] for side in _layer_factors(layers))
    return float(lower), float(upper)


@njit
def _sensitivities_kernel(weights, derivatives, s):
    """Equation gb-sensitivity.

    ``weights[l]`` is W_{l+1} and ``derivatives[l]`` is g'(z_{l+1}). The last row of `s` holds the
    gradient with respect to the output, and the others receive the sensitivities.
    """
    layers, width = derivatives.shape
    for layer in range(layers - 1, -1, -1):
        above = s[layer + 1]
        for j in range(width):
            # (gb-sensitivity)  dL/dz_l = g'(z_l) (W_l dL/dz_(l+1))
            wj = weights[layer, j]
            total = 0.0
            for k in range(width):
                total += wj[k] * above[k]
            s[layer, j] = derivatives[layer, j] * total


@njit
def _gradient_norms_kernel(hidden, s, activations, gradients):
    """Equation gb-weight-gradient."""
    for layer in range(len(hidden)):
        activations[layer] = _norm_kernel(hidden[layer])
        # (gb-weight-gradient)  |dL/dW_l| = |h_l| |dL/dz_(l+1)|
        gradients[layer] = activations[layer] * _norm_kernel(s[layer])


def propagate_norms(
    depth: int,
    width: int,
    rng: np.random.Generator,
    initializer: Callable[[int, int, np.random.Generator, DTypeLike], FloatArray],
    activation: Callable[[FloatArray], FloatArray],
    activation_backward: Callable[[FloatArray, FloatArray], FloatArray],
) -> PropagatedNorms:
    r"""Norms of activations and gradients in a random deep network, with the bounds on them.

    .. math:: \Bigl\| \frac{\partial L}{\partial W_l} \Bigr\|_F = \|h_l\|_2 \,
              \Bigl\| \frac{\partial L}{\partial z_{l+1}} \Bigr\|_2

    Equation gb-weight-gradient, for every layer: an example of `width` standard normal numbers goes
    through, and a random gradient of norm 1 comes back.

    Parameters
    ----------
    depth : int
        L, the number of hidden layers, at least 1. There are depth + 1 matrices, without biases.
    width : int
        Units of the input, of each hidden layer and of the output, at least 1.
    rng : numpy.random.Generator
    initializer : callable
        Called with ``(fan_in, fan_out, rng, dtype)``: one of `gradlab.initialization`.
    activation, activation_backward : callables
        An entrywise pair of `gradlab.activations`, called with ``(x)`` and ``(dout, x)``.

    Returns
    -------
    PropagatedNorms
        ``activations``, ``gradients``, ``lower`` and ``upper``, each of shape (depth + 1,).

    Raises
    ------
    ValueError
        If a number overflows on the way.

    Notes
    -----
    Equations gb-sensitivity and gb-weight-gradient. ``gradients / activations`` is the norm of the
    sensitivity dL/dz of each layer, deck H's s.
    Where ReLU layers multiply by more than 1, both ways, the sensitivities grow towards the input
    and the activations towards the output: the gradients of all matrices explode together. So
    compare them with those at another depth, and the sensitivities with one another.

    Deck S "Vanishing Gradients" speaks of small pre-activations where the gradient decays. Slopes
    are small at large ones, as the slide before it says; at small ones the slope is 1 for tanh and
    1/4, its maximum, for the sigmoid. Whether the gradient decays depends on the weights as well.

    Decks S "Exploding Gradients" and H "The Vanishing / Exploding Gradient Problem".

    Examples
    --------
    >>> from gradlab.activations import sigmoid, sigmoid_backward
    >>> from gradlab.initialization import xavier_normal
    >>> norms = propagate_norms(
    ...     20, 30, np.random.default_rng(0), xavier_normal, sigmoid, sigmoid_backward
    ... )
    >>> bool(norms.gradients[0] < 1e-10 * norms.gradients[-1])
    True
    """
    depth, width = as_integer("depth", depth, low=1), as_integer("width", width, low=1)
    as_rng("rng", rng)
    for name, function in (
        ("initializer", initializer),
        ("activation", activation),
        ("activation_backward", activation_backward),
    ):
        if not callable(function):
            raise TypeError(f"{name} must be callable, got {type(function).__name__}")

    weights = np.empty((depth + 1, width, width))
    for weight in weights:
        weight[:] = as_shaped(
            "initializer", initializer(width, width, rng, np.float64), weight.shape
        )
    # Forward: z_{l+1} = h_l W_l and h_{l+1} = g(z_{l+1}).
    hidden, derivatives = np.empty((depth + 1, width)), np.empty((depth, width))
    hidden[0] = rng.standard_normal(width)
    for layer in range(depth):
        z = hidden[layer] @ weights[layer]
        hidden[layer + 1] = activation(z)
        derivatives[layer] = activation_backward(np.ones(width), z)
    s = np.empty((depth + 1, width))
    s[-1] = rng.standard_normal(width)
    s[-1] /= _norm_kernel(s[-1])

    _sensitivities_kernel(weights[1:], derivatives, s)
    activations, gradients = np.empty((2, depth + 1))
    _gradient_norms_kernel(hidden, s, activations, gradients)
    smallest, largest = (
        np.append(side, 1.0)
        for side in singular_value_products(list(weights[1:]), list(derivatives))
    )
    return PropagatedNorms(activations, gradients, activations * smallest, activations * largest)
