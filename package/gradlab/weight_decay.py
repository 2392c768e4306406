"""Weight decay: penalties and noise that ask for smoother functions.

Few examples leave much of a network's function open, and large weights let it change sharply
between them; a penalty on the squared weights makes it prefer small ones. A penalty on the
activations asks for sparse codes, and noise on the input asks for outputs that do not depend on
details.

Chapter: ``book/weight-decay.md``.
Decks: C "Smoothness through weight constraints", "Regularizing the weights" and "Regularization..",
S "Weight Decay".
Papers: A. Krogh and J. Hertz, A Simple Weight Decay Can Improve Generalization, NIPS 1991.
C. M. Bishop, Training with Noise is Equivalent to Tikhonov Regularization, Neural Computation 7,
1995.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from gradlab._jit import njit, njit_sums
from gradlab._validate import (
    FloatArray,
    as_batch,
    as_flag,
    as_float_array,
    as_list,
    as_real,
    as_rng,
    as_shaped,
    is_finite,
)

__all__ = [
    "add_input_noise",
    "l1_activation_penalty",
    "l1_activation_penalty_backward",
    "l2_penalty",
    "l2_penalty_backward",
    "ridge",
]


def _as_weights(weights: Sequence[ArrayLike]) -> list[FloatArray]:
    entries = as_list("weights", weights)
    return [as_float_array(f"weights[{k}]", weight) for k, weight in enumerate(entries)]


def _as_strength(value: float, half: bool) -> float:
    return as_real("strength", value, low=0.0) * (1.0 if as_flag("half", half) else 2.0)


@njit_sums
def _l2_penalty_kernel(w, strength):
    """Equation wd-penalty, the summand of one array."""
    # (wd-penalty)  lambda / 2 ||W||^2
    total = np.float64(0.0)
    for i in range(w.size):
        total += np.float64(w[i]) * w[i]
    return 0.5 * strength * total


def l2_penalty(weights: Sequence[ArrayLike], strength: float, *, half: bool = True) -> float:
    r"""Half the sum of the squared weights, times the strength: add it to the loss.

    .. math:: \frac{\lambda}{2} \sum_k \lVert W_k \rVert_F^2

    Parameters
    ----------
    weights : sequence of arrays
        The weight matrices, without the biases; an empty sequence is allowed.
    strength : float
        :math:`\lambda`, not negative.
    half : bool, default True
        True: the formula above (deck C; the ``weight_decay`` of PyTorch's SGD). False: without the
        half (deck S; Keras's ``regularizers.L2``), which is twice the strength.

    Returns
    -------
    float
        Summed in float64, whatever the dtype of the weights.

    Notes
    -----
    Equation wd-penalty. It is added once to the *mean* loss over the examples (deck C). Deck S
    writes it inside the sum over the examples, where it counts once for each of them.

    Decks C "Smoothness through weight constraints" and S "Weight Decay"; Krogh and Hertz (1991).

    Examples
    --------
    >>> l2_penalty([[[1.0, 2.0]], [[3.0]]], strength=0.5)
    3.5
    """
    strength = _as_strength(strength, half)
    return float(sum(_l2_penalty_kernel(w.reshape(-1), strength) for w in _as_weights(weights)))


@njit
def _l2_penalty_backward_kernel(w, strength, out):
    """Equation wd-gradient."""
    # (wd-gradient)  lambda W
    for i in range(w.size):
        out[i] = strength * w[i]


def l2_penalty_backward(
    weights: Sequence[ArrayLike], strength: float, *, half: bool = True
) -> list[FloatArray]:
    r"""Gradient of `l2_penalty`: add it to the gradient of the loss.

    .. math:: \frac{\partial}{\partial W_k} \frac{\lambda}{2} \sum_k \lVert W_k \rVert_F^2
              = \lambda W_k

    Parameters
    ----------
    weights : sequence of arrays
    strength : float
        :math:`\lambda`, not negative.
    half : bool, default True
        As in `l2_penalty`; False gives :math:`2 \lambda W_k`.

    Returns
    -------
    list of arrays
        New arrays, each of the shape and dtype of its weights.

    Notes
    -----
    Equation wd-gradient. Gradient descent on the sum is the update :math:`W \leftarrow W - \eta
    (\Delta W + \lambda W)` (equation wd-update), which `gradlab.optimizers.SGD` has built in.
    :math:`\Delta W` there is the *mean* gradient over the mini-batch: deck C's pseudo-code leaves
    out the division by its size, which its formula for the mini-batch has.

    Deck C "Regularizing the weights".

    Examples
    --------
    >>> l2_penalty_backward([[[1.0, 2.0]], [[3.0]]], strength=0.5)
    [array([[0.5, 1. ]]), array([[1.5]])]
    """
    strength = _as_strength(strength, half)
    grads = []
    for w in _as_weights(weights):
        out = np.empty_like(w)
        _l2_penalty_backward_kernel(w.reshape(-1), w.dtype.type(strength), out.reshape(-1))
        grads.append(out)
    return grads


@njit_sums
def _l1_activation_penalty_kernel(a, strength):
    """Equation wd-activation-penalty."""
    batch, features = a.shape
    # (wd-activation-penalty)  lambda / B sum_ij |a_ij|
    total = np.float64(0.0)
    for i in range(batch):
        for j in range(features):
            total += abs(np.float64(a[i, j]))
    return strength / batch * total


def l1_activation_penalty(activations: ArrayLike, strength: float) -> float:
    r"""Sum of the magnitudes of a layer's activations, times the strength; mean over the batch.

    .. math:: \frac{\lambda}{B} \sum_{i=1}^{B} \sum_j |a_{ij}|

    Parameters
    ----------
    activations : array (batch, features)
        What the layer puts out.
    strength : float
        :math:`\lambda`, not negative.

    Returns
    -------
    float
        Summed in float64, whatever the dtype of the activations.

    Notes
    -----
    Equation wd-activation-penalty. The mean over the batch makes the strength independent of its
    size, as in Keras's ``ActivityRegularization(l1=...)``.

    Deck C "Regularization..".

    Examples
    --------
    >>> l1_activation_penalty([[1.0, -2.0], [0.0, 3.0]], strength=0.5)
    1.5
    """
    activations = as_batch("activations", activations)
    strength = as_real("strength", strength, low=0.0)
    return float(_l1_activation_penalty_kernel(activations, strength))


@njit
def _l1_activation_penalty_backward_kernel(a, slope, out):
    """Equation wd-activation-gradient, with `slope` = lambda / B."""
    # (wd-activation-gradient)  lambda / B sign(a_ij)
    for k in range(a.size):
        # The last case is 0, or not a number.
        out[k] = slope if a[k] > 0 else (-slope if a[k] < 0 else slope * a[k])


def l1_activation_penalty_backward(activations: ArrayLike, strength: float) -> FloatArray:
    r"""Gradient of `l1_activation_penalty`; 0 at an activation of 0.

    .. math:: \frac{\partial}{\partial a_{ij}} = \frac{\lambda}{B} \, \mathrm{sign}(a_{ij})

    Parameters
    ----------
    activations : array (batch, features)
    strength : float
        :math:`\lambda`, not negative.

    Returns
    -------
    array (batch, features)
        In the dtype of `activations`; add it to the gradient that comes from the next layer.

    Notes
    -----
    Equation wd-activation-gradient. At 0 any number between -1 and 1 times the factor is a
    subgradient; 0 leaves a silent unit silent.

    Deck C "Regularization..".

    Examples
    --------
    >>> l1_activation_penalty_backward([[1.0, -2.0], [0.0, 3.0]], strength=0.5)
    array([[ 0.25, -0.25],
           [ 0.  ,  0.25]])
    """
    activations = as_batch("activations", activations)
    strength = as_real("strength", strength, low=0.0)
    slope = activations.dtype.type(strength / activations.shape[0])
    out = np.empty_like(activations)
    _l1_activation_penalty_backward_kernel(activations.reshape(-1), slope, out.reshape(-1))
    return out


@njit
def _input_noise_kernel(x, scale, noise):
    """Equation wd-noise; `noise` holds xi, and then the sum."""
    # (wd-noise)  x + sigma xi
    for k in range(x.size):
        noise[k] = x[k] + scale * noise[k]


def add_input_noise(x: ArrayLike, scale: float, rng: np.random.Generator) -> FloatArray:
    r"""Add independent Gaussian noise to every input (training only).

    .. math:: \tilde x = x + \sigma \, \xi, \qquad \xi_{ij} \sim N(0, 1)

    Parameters
    ----------
    x : array (batch, features)
        Or of any other shape. Features should be standardized, so that one scale suits all.
    scale : float
        :math:`\sigma`, the standard deviation of the noise, not negative, in the unit of `x`.
    rng : numpy.random.Generator
        Draws the noise.

    Returns
    -------
    array of the shape and dtype of `x`

    Notes
    -----
    Equation wd-noise. For a linear model :math:`x \cdot w` with half the squared error, the mean
    over the noise is the loss without noise plus :math:`\frac{\sigma^2}{2} \lVert w \rVert^2`
    (equation wd-noise-penalty): weight decay of strength :math:`\sigma^2`. For other models this
    holds for the derivatives of the output, to second order in :math:`\sigma`.

    Deck C "Regularization.."; Bishop (1995).

    Examples
    --------
    >>> add_input_noise([[1.0, 2.0]], scale=0.1, rng=np.random.default_rng(0)).round(3)
    array([[1.013, 1.987]])
    """
    x = as_float_array("x", x)
    scale = as_real("scale", scale, low=0.0)
    noise = np.empty_like(x)
    as_rng("rng", rng).standard_normal(x.shape, x.dtype, out=noise)
    _input_noise_kernel(x.reshape(-1), x.dtype.type(scale), noise.reshape(-1))
    return noise


def ridge(x: ArrayLike, y: ArrayLike, strength: float) -> tuple[FloatArray, float]:
    r"""Weights and bias of a linear model under weight decay, without a step of descent.

    .. math:: \min_{w, b} \; \frac{1}{2M} \sum_{i=1}^{M} (x_i \cdot w + b - y_i)^2
              + \frac{\lambda}{2} \lVert w \rVert_2^2

    for the M rows :math:`x_i`.

    Parameters
    ----------
    x : array (examples, features)
        Finite, as the targets are.
    y : array (examples,)
        Targets.
    strength : float
        :math:`\lambda`, not negative. At 0 this is least squares; where that leaves weights open,
        the shortest.

    Returns
    -------
    weight : array (features,)
        In the dtype of `x`.
    bias : float
        It is not in the penalty, so the mean prediction is the mean target.

    Notes
    -----
    scikit-learn's ``Ridge`` has the sum of the errors in place of half their mean: its ``alpha`` is
    :math:`M \lambda`. LAPACK solves it, as least squares over M centered examples and one more for
    each weight, of length :math:`\sqrt{M \lambda}`, that asks it to be 0: forming the matrix of the
    normal equations would square its condition number.

    Decks C "Smoothness through weight constraints" and S "Weight Decay"; Krogh and Hertz (1991).

    Examples
    --------
    >>> ridge([[1.0], [3.0]], [2.0, 6.0], strength=1.0)
    (array([1.]), 2.0)
    """
    x = as_batch("x", x)
    y = as_shaped("y", y, x.shape[:1], np.float64)
    strength = as_real("strength", strength, low=0.0)
    for name, values in (("x", x), ("y", y)):
        if not is_finite(values):
            raise ValueError(f"{name} must be finite, got nan or infinity")
    examples, features = x.shape
    x_mean, y_mean = x.mean(axis=0, dtype=np.float64), y.mean()
    towards_zero = np.sqrt(examples * strength) * np.eye(features)
    matrix = np.concatenate([x - x_mean, towards_zero])
    targets = np.concatenate([y - y_mean, np.zeros(features)])
    weight = np.linalg.lstsq(matrix, targets, rcond=None)[0]
    return weight.astype(x.dtype), float(y_mean - x_mean @ weight)
