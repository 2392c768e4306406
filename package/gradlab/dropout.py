"""Dropout and its relatives: train with random parts of the network switched off.

Each unit of each example is set to 0 with probability `rate`, so that every step trains another of
the 2^n sub-networks that share their weights. Either the kept activations are scaled up in training
(inverted dropout, what libraries do) or the weights are scaled down for inference; both give the
next layer the same expected input.

Everywhere in this module `rate` is the probability to drop. Where a source gives the probability to
keep, alpha or p, it is ``rate = 1 - alpha``.

Chapter: ``book/dropout.md``.
Decks: H "Dropout", L "Dropout [Srivastava, Hinton '12]", C "Dropout" and "Variations on dropout".
Papers: N. Srivastava et al., Dropout: A Simple Way to Prevent Neural Networks from Overfitting,
JMLR 15, 2014; Y. Gal and Z. Ghahramani, Dropout as a Bayesian Approximation, ICML 2016; L. Wan et
al., Regularization of Neural Networks using DropConnect, ICML 2013; D. Krueger et al., Zoneout,
ICLR 2017; G. Kang, J. Li and D. Tao, Shakeout, AAAI 2016; Y. Li and F. Liu, Whiteout,
arXiv:1612.01490.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from gradlab._jit import njit
from gradlab._validate import (
    FloatArray,
    as_batch,
    as_flag,
    as_float_array,
    as_fraction,
    as_integer,
    as_real,
    as_rng,
    as_shaped,
    as_vector,
)

__all__ = [
    "dropconnect",
    "dropout_backward",
    "dropout_forward",
    "expected_subnetwork_output",
    "monte_carlo_dropout",
    "scale_weights_for_inference",
    "shakeout",
    "standard_dropout_forward",
    "whiteout",
    "zoneout",
]

_LARGEST_EXACT = 20
"""Units over whose masks an exact average is still a matter of seconds."""


@njit
def _dropout_kernel(x, uniform, rate, scale, mask, out):
    """Equations do-mask and do-forward; do-inverted where `scale` is 1 / (1 - rate)."""
    for k in range(x.size):
        # (do-mask)      m_k = scale with probability 1 - rate, else 0; scale is 1,
        # (do-inverted)  or in inverted dropout 1 / (1 - rate)
        # (do-forward)   out_k = m_k x_k
        if uniform[k] >= rate:
            mask[k] = scale
            out[k] = x[k] * mask[k]
        else:
            mask[k] = 0.0
            out[k] = 0.0


def dropout_forward(
    x: ArrayLike, rate: float, rng: np.random.Generator, training: bool = True
) -> tuple[FloatArray, FloatArray]:
    r"""Drop each activation at random, and scale up what is kept (inverted dropout).

    .. math:: \mathrm{out} = m \odot x, \qquad
              m_k = \begin{cases} 1 / (1 - p) & \text{with probability } 1 - p \\
                                  0 & \text{with probability } p \end{cases}

    Parameters
    ----------
    x : array
        Activations of any shape; every entry is dropped or kept on its own, so each example has a
        mask of its own.
    rate : float in [0, 1)
        p, the probability to drop. From a keep probability alpha it is ``1 - alpha``. PyTorch's
        ``p`` and Keras's ``rate`` are the same.
    rng : numpy.random.Generator
        Draws the mask, in training only. The mask is the same for float32 and float64.
    training : bool, default True
        False (inference) lets `x` through unchanged: the expected output is already right.

    Returns
    -------
    out : array of the shape and dtype of `x`
        A dropped entry is 0, whatever it was.
    mask : array of the shape and dtype of `x`
        m, which already holds 1 / (1 - rate); ones at inference.

    Notes
    -----
    Deck H "Dropout" divides the weights by 1 - rate instead. That is the same for the layer that
    follows, ``(m * x) @ weight``, as long as its bias is left alone.

    Deck C "Dropout : alternate implementation"; Srivastava et al. (2014), section 10. Deck C's
    "The forward pass (testing)" divides by its keep probability and zeroes other layers: that is
    this training pass without its mask, and no test pass.

    Examples
    --------
    >>> out, mask = dropout_forward([1.0, 2.0, 3.0, 4.0], 0.2, np.random.default_rng(2))
    >>> mask
    array([1.25, 1.25, 1.25, 0.  ])
    >>> out
    array([1.25, 2.5 , 3.75, 0.  ])
    """
    return _dropout(x, rate, rng, training, inverted=True)


def standard_dropout_forward(
    x: ArrayLike, rate: float, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    r"""Drop each activation at random, and leave the others as they are (training).

    .. math:: \mathrm{out} = m \odot x, \qquad m_k \sim \mathrm{Bernoulli}(1 - p)

    For inference the weights of the next layer are scaled by `scale_weights_for_inference`.

    Parameters
    ----------
    x : array
        Activations of any shape; every entry is dropped or kept on its own.
    rate : float in [0, 1)
        p, the probability to drop. From a keep probability alpha it is ``1 - alpha``.
    rng : numpy.random.Generator
        Draws the mask, the same as in `dropout_forward` but for its scale.

    Returns
    -------
    out : array of the shape and dtype of `x`
    mask : array of the shape and dtype of `x`
        Ones and zeros.

    Notes
    -----
    Decks L "Dropout [Srivastava, Hinton '12]" and C "The forward pass"; Srivastava et al. (2014),
    section 4. Deck C switches a unit off on the "success" of a draw with probability 1 - alpha, and
    on the next slides keeps it on a draw with probability alpha: two ways to say one thing.

    Examples
    --------
    >>> out, mask = standard_dropout_forward([1.0, 2.0, 3.0, 4.0], 0.2, np.random.default_rng(2))
    >>> out
    array([1., 2., 3., 0.])
    """
    return _dropout(x, rate, rng, True, inverted=False)


def _dropout(
    x: ArrayLike, rate: float, rng: np.random.Generator, training: bool, inverted: bool
) -> tuple[FloatArray, FloatArray]:
    x = as_float_array("x", x)
    rate, rng = as_fraction("rate", rate), as_rng("rng", rng)
    if not as_flag("training", training):
        return x.copy(), np.ones_like(x)
    mask, out = np.empty_like(x), np.empty_like(x)
    scale = 1.0 / (1.0 - rate) if inverted else 1.0
    uniform = rng.random(x.size)
    _dropout_kernel(x.reshape(-1), uniform, rate, scale, mask.reshape(-1), out.reshape(-1))
    return out, mask


@njit
def _dropout_backward_kernel(dout, mask, dx):
    """Equation do-backward."""
    # (do-backward)  dx_k = m_k dout_k
    for k in range(dout.size):
        dx[k] = dout[k] * mask[k] if mask[k] != 0.0 else 0.0


def dropout_backward(dout: ArrayLike, mask: ArrayLike) -> FloatArray:
    r"""Gradient of the loss through dropout: what was dropped gets none.

    .. math:: \frac{\partial L}{\partial x} = m \odot \frac{\partial L}{\partial \mathrm{out}}

    Parameters
    ----------
    dout : array
        Gradient of the loss with respect to the output.
    mask : array of the shape of `dout`
        What the forward pass returned beside that output; it holds the scale, if there was one.

    Returns
    -------
    array of the shape and dtype of `mask`

    Notes
    -----
    Deck C "Backward Pass"; with inverted dropout the factor 1 / (1 - rate), which the slide leaves
    out, is in the mask.

    Examples
    --------
    >>> dropout_backward([1.0, 2.0, 3.0], mask=[1.25, 0.0, 1.25])
    array([1.25, 0.  , 3.75])
    """
    mask = as_float_array("mask", mask)
    dout = as_shaped("dout", dout, mask.shape, mask.dtype)
    dx = np.empty_like(mask)
    _dropout_backward_kernel(dout.reshape(-1), mask.reshape(-1), dx.reshape(-1))
    return dx


@njit
def _scaled_weights_kernel(weight, keep, out):
    """Equation do-weight-scaling."""
    # (do-weight-scaling)  W_test = (1 - p) W_trained
    for k in range(weight.size):
        out[k] = keep * weight[k]


def scale_weights_for_inference(weight: ArrayLike, rate: float) -> FloatArray:
    r"""Scale the weights that dropped units feed, for a network trained with standard dropout.

    .. math:: W_{\mathrm{test}} = (1 - p) \, W_{\mathrm{trained}}

    Parameters
    ----------
    weight : array
        Weights of the layer *after* the dropout, (fan_in, fan_out) in a dense layer. Its bias, and
        layers whose input was never dropped, stay as they are.
    rate : float in [0, 1)
        p, the probability to drop that was used in training.

    Returns
    -------
    array of the shape and dtype of `weight`

    Notes
    -----
    Equation do-weight-scaling. The factor is the probability to be *kept*: deck L "Dropout
    [Srivastava, Hinton '12]" names the probability to be set to zero, which agrees at 0.5 alone.
    Not for `dropout_forward`, which has scaled already.

    Decks H "Dropout" and C "Dropout during test: implementation"; Srivastava et al. (2014), fig. 2.

    Examples
    --------
    >>> scale_weights_for_inference([[1.0, -2.0]], 0.2)
    array([[ 0.8, -1.6]])
    """
    weight = as_float_array("weight", weight)
    keep, out = weight.dtype.type(1.0 - as_fraction("rate", rate)), np.empty_like(weight)
    _scaled_weights_kernel(weight.reshape(-1), keep, out.reshape(-1))
    return out


@njit
def _subnetworks_kernel(first, x, keep, scale, masked, probability):
    """Equation do-subnetwork: the masks numbered `first`, `first` + 1 and so on.

    Bit k of a mask's number says whether it keeps unit k.
    """
    for row in range(probability.size):
        inputs = masked[row]
        product = 1.0
        # (do-subnetwork)  P(m) = (1 - p)^(units kept) p^(units dropped)
        for k in range(x.size):
            if ((first + row) >> k) & 1:
                inputs[k] = x[k] * scale
                product *= keep
            else:
                inputs[k] = 0.0
                product *= 1.0 - keep
        probability[row] = product


@njit
def _expectation_kernel(probability, output, total):
    """Equation do-expectation, the summands of some masks; `total` is float64 and carried on."""
    masks, size = output.shape
    for row in range(masks):
        p, values = probability[row], output[row]
        # (do-expectation)  sum_m P(m) f(m x)
        for j in range(size):
            total[j] += p * values[j]


def expected_subnetwork_output(
    predict: Callable[[FloatArray], ArrayLike],
    x: ArrayLike,
    rate: float,
    inverted: bool = True,
) -> FloatArray:
    r"""Average a network's output over all 2^n masks on n units, exactly.

    .. math:: \sum_{m \in \{0, 1\}^n} P(m) \, f(m \odot x), \qquad
              P(m) = (1 - p)^{|m|} \, p^{\, n - |m|}

    Parameters
    ----------
    predict : callable
        f, the layers after the dropout: takes an array (masks, n) of masked activations and returns
        one output for each row.
    x : array (n,)
        Activations of the n units of one example, at most 20.
    rate : float in [0, 1)
        p, the probability to drop.
    inverted : bool, default True
        Divide what is kept by 1 - rate, as `dropout_forward` does; False: as
        `standard_dropout_forward`.

    Returns
    -------
    array
        Of the shape and float type of one output of `predict`.

    Notes
    -----
    Equation do-expectation. Where `predict` is linear the average equals inference with scaled
    weights, as on deck C "What each neuron computes"; behind a nonlinearity that is an
    approximation, and this is what it approximates.

    Decks H "Dropout: Why It Works?" and C "Statistical Interpretation"; Srivastava et al. (2014),
    section 1.

    Examples
    --------
    >>> def predict(h):
    ...     return np.maximum(h @ [1.0, -1.0] - 1.0, 0.0)
    >>> expected_subnetwork_output(predict, [3.0, 2.0], rate=0.2)
    array(0.6)
    >>> predict(np.array([[3.0, 2.0]]))
    array([0.])
    """
    x = as_vector("x", x)
    n = x.size
    if n > _LARGEST_EXACT:
        raise ValueError(
            f"x must have at most {_LARGEST_EXACT} units for an average over all 2^n masks, "
            f"got {n}: draw masks at random instead (monte_carlo_dropout)"
        )
    keep = 1.0 - as_fraction("rate", rate)
    scale = 1.0 / keep if as_flag("inverted", inverted) else 1.0
    chunk = min(2**n, 4096)
    total, shape = np.empty(0), None
    for first in range(0, 2**n, chunk):
        masked, probability = np.empty((chunk, n), x.dtype), np.empty(chunk)
        _subnetworks_kernel(first, x, keep, scale, masked, probability)
        output = as_float_array("predict", predict(masked))
        if output.shape[:1] != (chunk,) or shape not in (None, output.shape):
            raise ValueError(
                f"predict must return one output for each of {chunk} rows, always of one shape, "
                f"got shape {output.shape}"
            )
        if shape is None:
            shape, total = output.shape, np.zeros(output[0].size)
        _expectation_kernel(probability, output.reshape(chunk, -1), total)
    return total.reshape(output.shape[1:]).astype(output.dtype)


@njit
def _running_moments_kernel(value, n, mean, squares):
    """Equations do-monte-carlo-mean and do-monte-carlo-std, updated by the n-th sample.

    `squares` holds the sum of squared distances from the mean so far.
    """
    for k in range(value.size):
        # (do-monte-carlo-mean)  mean_n = 1/n sum_t y_t = mean_{n-1} + (y_n - mean_{n-1}) / n
        # (do-monte-carlo-std)   std_n^2 = 1/n sum_t (y_t - mean_n)^2
        before = value[k] - mean[k]
        mean[k] += before / n
        squares[k] += before * (value[k] - mean[k])


def monte_carlo_dropout(
    predict: Callable[[ArrayLike, np.random.Generator], ArrayLike],
    x: ArrayLike,
    samples: int,
    rng: np.random.Generator,
) -> tuple[FloatArray, FloatArray]:
    r"""Predict many times with dropout left on: the mean, and how far the samples spread.

    .. math:: \bar y = \frac{1}{T} \sum_{t=1}^{T} y_t, \qquad
              s^2 = \frac{1}{T} \sum_{t=1}^{T} (y_t - \bar y)^2

    Parameters
    ----------
    predict : callable
        ``predict(x, rng)`` runs the network with dropout, drawing its masks from `rng`, and returns
        an array of the same shape each time.
    x : array
        The input, handed to `predict` as it is.
    samples : int
        T, at least 1.
    rng : numpy.random.Generator

    Returns
    -------
    mean, std : arrays
        Of the shape and float type of a prediction. The deviation divides by T.

    Notes
    -----
    Gal and Ghahramani (2016), without the model's own noise; deck H "Dropout:
    Code Example", further reading.

    Examples
    --------
    >>> def predict(x, rng):
    ...     return dropout_forward(x, 0.2, rng)[0].sum(axis=1)
    >>> mean, std = monte_carlo_dropout(predict, np.ones((1, 50)), 2000, np.random.default_rng(0))
    >>> mean.round(), std.round(1)
    (array([50.]), array([3.5]))
    """
    samples, rng = as_integer("samples", samples, low=1), as_rng("rng", rng)
    first = as_float_array("predict", predict(x, rng))
    # The first sample is the mean of one, at distance 0 from itself.
    mean, squares = first.astype(np.float64).reshape(-1), np.zeros(first.size)
    for n in range(2, samples + 1):
        value = as_float_array("predict", predict(x, rng))
        if value.shape != first.shape:
            raise ValueError(
                f"predict must return the same shape each time, got {first.shape}, "
                f"then {value.shape}"
            )
        _running_moments_kernel(value.reshape(-1), n, mean, squares)
    std = np.sqrt(squares / samples)
    return (
        mean.reshape(first.shape).astype(first.dtype),
        std.reshape(first.shape).astype(first.dtype),
    )


@njit
def _zoneout_kernel(previous, proposed, mask, out):
    """Equation do-zoneout."""
    one = mask.dtype.type(1.0)
    # (do-zoneout)  h_t = m h~_t + (1 - m) h_{t-1}
    for k in range(mask.size):
        out[k] = mask[k] * proposed[k] + (one - mask[k]) * previous[k]


def zoneout(
    previous: ArrayLike,
    proposed: ArrayLike,
    rate: float,
    rng: np.random.Generator,
    training: bool = True,
) -> tuple[FloatArray, FloatArray]:
    r"""Let randomly chosen units of a recurrent network keep their state over a time step.

    .. math:: h_t = m \odot \tilde h_t + (1 - m) \odot h_{t-1}, \qquad
              m_k \sim \mathrm{Bernoulli}(1 - p)

    Parameters
    ----------
    previous : array
        The state before the step, :math:`h_{t-1}`.
    proposed : array of the shape of `previous`
        The state that the network computed from it, :math:`\tilde h_t`.
    rate : float in [0, 1)
        p, the probability to keep the *old* state.
    rng : numpy.random.Generator
        Draws the mask, in training only.
    training : bool, default True
        At inference m is 1 - p in every unit: the expected state.

    Returns
    -------
    out : array of the shape and dtype of `proposed`
    mask : array of the shape and dtype of `proposed`
        m.

    Notes
    -----
    Equation do-zoneout. The gradient is ``mask * dout`` for `proposed` and ``(1 - mask) * dout``
    for `previous`: it passes through time unharmed where a unit did not change.

    Krueger et al. (2017); deck C "Variations on dropout".

    Examples
    --------
    >>> zoneout([0.0, 0.0], [1.0, 2.0], 0.25, np.random.default_rng(0), training=False)[0]
    array([0.75, 1.5 ])
    """
    proposed = as_float_array("proposed", proposed)
    previous = as_shaped("previous", previous, proposed.shape, proposed.dtype)
    rate, rng = as_fraction("rate", rate), as_rng("rng", rng)
    if as_flag("training", training):
        mask = (rng.random(proposed.shape) >= rate).astype(proposed.dtype)
    else:
        mask = np.full_like(proposed, 1.0 - rate)
    out = np.empty_like(proposed)
    flat = (array.reshape(-1) for array in (previous, proposed, mask, out))
    _zoneout_kernel(*flat)
    return out, mask


@njit
def _dropconnect_kernel(x, weight, mask, out):
    """Equation do-dropconnect; `out` is float64."""
    batch, fan_in = x.shape
    fan_out = weight.shape[1]
    out[:] = 0.0
    for i in range(batch):
        outi = out[i]
        for k in range(fan_in):
            xik, wk, mik = x[i, k], weight[k], mask[i, k]
            # (do-dropconnect)  out_ij = sum_k x_ik m_ikj w_kj
            for j in range(fan_out):
                outi[j] += xik * mik[j] * wk[j]


def dropconnect(
    x: ArrayLike,
    weight: ArrayLike,
    rate: float,
    rng: np.random.Generator,
    training: bool = True,
) -> tuple[FloatArray, FloatArray]:
    r"""Drop connections instead of units: a dense layer with a mask on its weights.

    .. math:: \mathrm{out}_{ij} = \sum_k x_{ik} \, m_{ikj} \, w_{kj}, \qquad
              m_{ikj} = \begin{cases} 1 / (1 - p) & \text{with probability } 1 - p \\
                                  0 & \text{with probability } p \end{cases}

    Parameters
    ----------
    x : array (batch, fan_in)
        Input of the layer.
    weight : array (fan_in, fan_out)
        Its weights; a bias is added afterwards and not dropped.
    rate : float in [0, 1)
        p, the probability to drop a connection.
    rng : numpy.random.Generator
        Draws the masks, one for each example, in training only.
    training : bool, default True
        False gives ``x @ weight``, the expected output.

    Returns
    -------
    out : array (batch, fan_out)
        In the dtype of `x`.
    mask : array (batch, fan_in, fan_out)
        m, which already holds 1 / (1 - rate); ones at inference.

    Notes
    -----
    The gradients are ``np.einsum("ij,ikj,kj->ik", dout, mask, weight)`` for `x` and
    ``np.einsum("ij,ikj,ik->kj", dout, mask, x)`` for `weight`.

    Wan et al. (2013), who do not scale in training; at test they draw the net input from a
    normal distribution with its mean and variance. In the scaling used here these are
    ``x @ weight`` and ``rate / (1 - rate) * (x**2 @ weight**2)``. Deck C "Variations on dropout".

    Examples
    --------
    >>> weight, rng = [[1.0, 2.0], [3.0, 4.0]], np.random.default_rng(1)
    >>> out, mask = dropconnect([[1.0, 1.0]], weight, 0.2, rng)
    >>> mask
    array([[[1.25, 1.25],
            [0.  , 1.25]]])
    >>> out
    array([[1.25, 7.5 ]])
    """
    x, weight = _as_layer(x, weight)
    rate, rng = as_fraction("rate", rate), as_rng("rng", rng)
    batch, (fan_in, fan_out) = len(x), weight.shape
    if not as_flag("training", training):
        return x @ weight, np.ones((batch, fan_in, fan_out), x.dtype)
    kept = rng.random((batch, fan_in, fan_out)) >= rate
    mask = kept.astype(x.dtype) * x.dtype.type(1.0 / (1.0 - rate))
    out = np.empty((batch, fan_out))
    _dropconnect_kernel(x, weight, mask, out)
    return out.astype(x.dtype), mask


def shakeout(
    x: ArrayLike,
    weight: ArrayLike,
    rate: float,
    strength: float,
    rng: np.random.Generator,
    training: bool = True,
) -> tuple[FloatArray, FloatArray]:
    r"""Enhance or reverse each unit's contribution to a dense layer at random.

    .. math:: \mathrm{out}_{ij} = \sum_k x_{ik} \, \bigl( r_{ik} w_{kj}
              + c \, (r_{ik} - 1) \, \mathrm{sgn}(w_{kj}) \bigr), \\
              r_{ik} = \begin{cases} 1 / (1 - p) & \text{with probability } 1 - p \\
                                  0 & \text{with probability } p \end{cases}

    so that a weight becomes :math:`-c \, \mathrm{sgn}(w)` where its unit is reversed, and
    :math:`(|w| + c p) \, \mathrm{sgn}(w) / (1 - p)` where it is enhanced.

    Parameters
    ----------
    x : array (batch, fan_in)
        Input of the layer.
    weight : array (fan_in, fan_out)
        Its weights; a bias is added afterwards and left alone.
    rate : float in [0, 1)
        p, the probability to reverse; tau in the paper.
    strength : float
        c, 0 or more, in the unit of the weights; at 0 this is inverted dropout of `x`.
    rng : numpy.random.Generator
        Draws the mask, in training only.
    training : bool, default True
        False gives ``x @ weight``, the expected output.

    Returns
    -------
    out : array (batch, fan_out)
        In the dtype of `x`.
    mask : array (batch, fan_in)
        r, one for each unit of each example; ones at inference.

    Notes
    -----
    Equation do-shakeout, whose two sums over the units are matrix products, faster in NumPy's
    library than in a loop. The gradients are
    ``mask * (dout @ weight.T) + strength * (mask - 1) * (dout @ np.sign(weight).T)`` for `x` and
    ``(mask * x).T @ dout`` for `weight`, whose sign has slope 0 almost everywhere; the authors' own
    program smooths the sign there.

    Kang, Li and Tao (2016). Deck C "Variations on dropout" writes abs(w) -> alpha abs(w)
    + (1 - alpha) c with alpha above 1 ("scale up"): its second sign is turned, the expected weight
    would not be w. And a reversed weight is fixed to -c times its sign, not to -c.

    Examples
    --------
    >>> out, mask = shakeout([[1.0, 1.0]], [[2.0], [-3.0]], 0.2, 0.5, np.random.default_rng(17))
    >>> mask
    array([[1.25, 0.  ]])
    >>> out
    array([[3.125]])
    """
    x, weight = _as_layer(x, weight)
    rate, rng = as_fraction("rate", rate), as_rng("rng", rng)
    strength = as_real("strength", strength, low=0.0)
    enhanced, mask = dropout_forward(x, rate, rng, training)
    if not training:
        return x @ weight, mask
    # (do-shakeout)  out = (r x) W + c ((r - 1) x) sgn(W)
    reversed_part = ((mask - 1) * x) @ np.sign(weight)
    return enhanced @ weight + x.dtype.type(strength) * reversed_part, mask


@njit
def _whiteout_deviation_kernel(x, weight, sigma, gamma, ridge, multiplicative, deviation):
    """Equation do-whiteout."""
    batch, fan_in = x.shape
    fan_out = weight.shape[1]
    deviation[:] = 0.0
    for i in range(batch):
        di = deviation[i]
        for k in range(fan_in):
            wk = weight[k]
            scale = x[i, k] ** 2 if multiplicative else 1.0
            # (do-whiteout)  var_ij = sum_k s_ik w_kj^2 (sigma^2 |w_kj|^(-gamma) + lambda)
            # w^2 |w|^(-gamma) is written as one power, which is 0 and not nan at w = 0.
            for j in range(fan_out):
                w = abs(wk[j])
                di[j] += scale * (sigma**2 * w ** (2.0 - gamma) + ridge * w**2)
        for j in range(fan_out):
            di[j] = np.sqrt(di[j])


def whiteout(
    x: ArrayLike,
    weight: ArrayLike,
    sigma: float,
    rng: np.random.Generator,
    gamma: float = 1.0,
    ridge: float = 0.0,
    multiplicative: bool = False,
    training: bool = True,
) -> tuple[FloatArray, FloatArray]:
    r"""Add normal noise to the signal on each connection, the more the smaller its weight.

    .. math:: \mathrm{out}_{ij} = \sum_k w_{kj} (x_{ik} + e_{ikj}), \qquad
              e_{ikj} \sim \mathcal N \bigl(0, \; s_{ik} (\sigma^2 |w_{kj}|^{-\gamma} + \lambda)
              \bigr)

    with :math:`s_{ik} = 1` for additive and :math:`x_{ik}^2` for multiplicative noise.

    Parameters
    ----------
    x : array (batch, fan_in)
        Input of the layer.
    weight : array (fan_in, fan_out)
        Its weights; a bias is added afterwards and left alone.
    sigma : float
        Scale of the noise that depends on the weight, 0 or more.
    rng : numpy.random.Generator
        Draws the noise, in training only.
    gamma : float in [0, 2), default 1
        How the noise depends on the weight. The expected loss gains a penalty on
        :math:`|w|^{2 - \gamma}`: 1 acts like the lasso, 0 like weight decay.
    ridge : float, default 0
        lambda, the noise variance that does not depend on the weight, 0 or more; with `gamma` 1 it
        makes an elastic net.
    multiplicative : bool, default False
        Scale the noise with the signal.
    training : bool, default True
        False gives ``x @ weight``, the expected output.

    Returns
    -------
    out : array (batch, fan_out)
        In the dtype of `x`.
    noise : array (batch, fan_out)
        What was added to ``x @ weight``; zeros at inference.

    Notes
    -----
    The noises of the connections to one unit are independent and normal, so that their weighted sum
    is normal too: it is drawn at once, from

    .. math:: \mathcal N \Bigl(0, \; \sum_k s_{ik} \bigl( \sigma^2 |w_{kj}|^{2 - \gamma}
              + \lambda w_{kj}^2 \bigr) \Bigr),

    which also serves a weight of 0, whose connection carries no noise to the unit.

    Li and Liu (2016), eqs. (1) and (2); deck C "Variations on dropout".

    Examples
    --------
    >>> x, weight = [[1.0, 2.0]], [[4.0], [0.0]]
    >>> out, noise = whiteout(np.repeat(x, 10_000, axis=0), weight, 0.5, np.random.default_rng(0))
    >>> round(float(out.mean()), 1), round(float(noise.std()), 1)
    (4.0, 1.0)
    """
    x, weight = _as_layer(x, weight)
    sigma = as_real("sigma", sigma, low=0.0)
    gamma = as_real("gamma", gamma, low=0.0, high=2.0, high_open=True)
    ridge, rng = as_real("ridge", ridge, low=0.0), as_rng("rng", rng)
    multiplicative = as_flag("multiplicative", multiplicative)
    clean = x @ weight
    if not as_flag("training", training):
        return clean, np.zeros_like(clean)
    deviation = np.empty(clean.shape)
    _whiteout_deviation_kernel(x, weight, sigma, gamma, ridge, multiplicative, deviation)
    noise = (deviation * rng.standard_normal(clean.shape)).astype(x.dtype)
    return clean + noise, noise


def _as_layer(x: ArrayLike, weight: ArrayLike) -> tuple[FloatArray, FloatArray]:
    x = as_batch("x", x)
    weight = as_float_array("weight", weight, ndim=2, dtype=x.dtype)
    if weight.shape[0] != x.shape[1] or weight.shape[1] == 0:
        raise ValueError(
            f"weight must have shape ({x.shape[1]}, fan_out) for x of shape {x.shape}, "
            f"got {weight.shape}"
        )
    return x, weight
