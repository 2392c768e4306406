r"""Activation functions, each with its backward pass.

Most work entry by entry on an array of any shape; softmax and log-softmax couple the entries of the
last axis, and maxout takes the largest of every few of them. A backward pass takes the input `x` of
the forward pass, not its output, and multiplies `dout` by the derivative there. Where a function
has a kink the derivative is PyTorch's choice of the two, and the docstring says which. `dout` has
the shape of the output: nothing is broadcast. A shape or a constant that does not fit is a
ValueError, an array that does not hold real numbers a TypeError.

Chapter: ``book/activations.md``.
Decks: H "Some Popular NonSaturating Activation Functions", L "Commonly Used Nonlinearities",
"Choosing the Right Sigmoid", "Usage", "Extension: ReLU" and "Further Extensions", S "Exploding
Gradients" (softplus).
Papers: Y. LeCun et al., Efficient BackProp, 1998; A. Maas et al., Rectifier Nonlinearities Improve
Neural Network Acoustic Models, 2013; D.-A. Clevert et al., Fast and Accurate Deep Network Learning
by Exponential Linear Units, ICLR 2016; G. Klambauer et al., Self-Normalizing Neural Networks, NIPS
2017; I. Goodfellow et al., Maxout Networks, ICML 2013.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from gradlab._elementary import exp_nonpositive, expm1, largest, log, log1p, normal, total
from gradlab._elementary import tanh as _tanh
from gradlab._jit import njit, njit_inline, njit_sums
from gradlab._memory import empty_like
from gradlab._threads import by_rows
from gradlab._validate import (
    FloatArray,
    as_batch,
    as_choice,
    as_float_array,
    as_integer,
    as_real,
    as_shaped,
)

__all__ = [
    "dead_fraction",
    "elu",
    "elu_backward",
    "gelu",
    "gelu_backward",
    "hard_tanh",
    "hard_tanh_backward",
    "leaky_relu",
    "leaky_relu_backward",
    "log_softmax",
    "log_softmax_backward",
    "maxout",
    "maxout_backward",
    "relu",
    "relu_backward",
    "scaled_tanh",
    "scaled_tanh_backward",
    "selu",
    "selu_backward",
    "sigmoid",
    "sigmoid_backward",
    "silu",
    "silu_backward",
    "softmax",
    "softmax_backward",
    "softplus",
    "softplus_backward",
    "tanh",
    "tanh_backward",
]

# Float32 holds these exactly, and arithmetic with float32 stays in float32, which a plain 1.0 would
# make float64.
_ZERO, _HALF, _ONE, _TWO, _THREE, _FOUR, _FAR = np.array([0, 0.5, 1, 2, 3, 4, 1000], np.float32)

# LeCun's constants: f(1) = 1 and f(-1) = -1 to four digits.
_SCALED_TANH_HEIGHT = 1.7159
_SCALED_TANH_SLOPE = 2.0 / 3.0

# The solution of Klambauer et al. for which mean 0 and variance 1 are a fixed point.
_SELU_ALPHA = 1.6732632423543772848170429916717
_SELU_SCALE = 1.0507009873554804934193349852946

# 1 / sqrt(2 pi), and the constants of GELU's form with tanh.
_NORMAL_HEIGHT = 0.3989422804014326779
_GELU_SLOPE = 2.0 * 0.7978845608028653559
_GELU_CUBE = 0.044715


def _entrywise(kernel: Callable[..., None], x: ArrayLike, *constants: float) -> FloatArray:
    """Return what `kernel` makes of every entry of `x`."""
    x = as_float_array("x", x)
    out = empty_like(x)
    settings = map(x.dtype.type, constants) if constants else ()
    by_rows(kernel, (x.ravel(), out.ravel()), *settings)
    return out


def _entrywise_backward(
    kernel: Callable[..., None], dout: ArrayLike, x: ArrayLike, *constants: float
) -> FloatArray:
    """Return what `kernel` makes of every entry of `dout` and `x`."""
    x = as_float_array("x", x)
    dout = as_shaped("dout", dout, x.shape, x.dtype)
    dx = empty_like(x)
    settings = map(x.dtype.type, constants) if constants else ()
    by_rows(kernel, (dout.ravel(), x.ravel(), dx.ravel()), *settings)
    return dx


@njit_inline
def _where(condition, value):
    """Return `value`, or 0 where the condition does not hold.

    The sign of `value` is taken even there. Otherwise the compiler would read it only where the
    condition holds, and wait for the comparison: on large arrays that takes a quarter longer.
    """
    return value if condition else np.copysign(_ZERO, value) + _ZERO


@njit
def _sigmoid_kernel(x, out):
    """Equation act-sigmoid."""
    # (act-sigmoid)  s(x) = 1 / (1 + exp(-x)) = exp(x) / (1 + exp(x))
    # Of the two forms, the one that takes exp of a negative number:
    # it cannot overflow.
    for k in range(x.size):
        e = exp_nonpositive(-abs(x[k]))
        out[k] = (_ONE if x[k] >= 0 else e) / (_ONE + e)


def sigmoid(x: ArrayLike) -> FloatArray:
    r"""Logistic sigmoid.

    .. math:: \sigma(x) = \frac{1}{1 + e^{-x}}

    Parameters
    ----------
    x : array

    Returns
    -------
    array of the shape and dtype of `x`
        In [0, 1], without overflow for any finite `x`.

    Notes
    -----
    Deck L "Commonly Used Nonlinearities".

    Examples
    --------
    >>> sigmoid([0.0, 1e4, -1e4])
    array([0.5, 1. , 0. ])
    """
    return _entrywise(_sigmoid_kernel, x)


@njit
def _sigmoid_backward_kernel(dout, x, dx):
    """Equation act-sigmoid-backward."""
    # (act-sigmoid-backward)  dx = dout s(x) (1 - s(x))
    #                            = dout e / (1 + e)^2,  e = exp(-|x|)
    # The second form keeps its digits where s(x) rounds to 1.
    for k in range(x.size):
        e = exp_nonpositive(-abs(x[k]))
        dx[k] = dout[k] * (e / ((_ONE + e) * (_ONE + e)))


def sigmoid_backward(dout: ArrayLike, x: ArrayLike) -> FloatArray:
    r"""Gradient through `sigmoid`.

    .. math:: \frac{\partial L}{\partial x}
              = \frac{\partial L}{\partial \sigma} \, \sigma(x) \, (1 - \sigma(x))

    Parameters
    ----------
    dout : array
        Gradient of the loss with respect to the output.
    x : array
        The input of the forward pass.

    Returns
    -------
    array of the shape and dtype of `x`

    Notes
    -----
    The derivative is at most 1/4, at 0, and keeps its digits where it is small: PyTorch, which
    computes it from the rounded output, returns 0 from about 37 on (float64) or 17 (float32).

    Deck S "Vanishing Gradients" on its saturation.

    Examples
    --------
    >>> sigmoid_backward([2.0], [0.0])
    array([0.5])
    """
    return _entrywise_backward(_sigmoid_backward_kernel, dout, x)


@njit
def _tanh_kernel(x, out, height, slope):
    """Equations act-tanh and act-scaled-tanh."""
    # (act-tanh)         f(x) = tanh(x)
    # (act-scaled-tanh)  f(x) = height tanh(slope x)
    for k in range(x.size):
        out[k] = height * _tanh(slope * x[k])


def tanh(x: ArrayLike) -> FloatArray:
    r"""Hyperbolic tangent.

    .. math:: \tanh(x) = \frac{e^x - e^{-x}}{e^x + e^{-x}} = 2 \sigma(2x) - 1

    The second form is equation act-tanh-sigmoid.

    Parameters
    ----------
    x : array

    Returns
    -------
    array of the shape and dtype of `x`
        In [-1, 1].

    Notes
    -----
    Deck L "Commonly Used Nonlinearities" and "Choosing the Right Sigmoid".

    Examples
    --------
    >>> tanh([0.0, 1e4])
    array([0., 1.])
    """
    return _entrywise(_tanh_kernel, x, 1.0, 1.0)


@njit
def _tanh_backward_kernel(dout, x, dx, height, slope):
    """Equations act-tanh-backward and act-scaled-tanh-backward."""
    # (act-tanh-backward)         dx = dout (1 - tanh(x)^2) = dout 4 e / (1 + e)^2,  e = exp(-2 |x|)
    # (act-scaled-tanh-backward)  dx = dout height slope (1 - tanh(slope x)^2)
    # The form in e keeps its digits where tanh(x) rounds to 1.
    for k in range(x.size):
        e = exp_nonpositive(-_TWO * slope * abs(x[k]))
        dx[k] = dout[k] * (height * slope * _FOUR * e / ((_ONE + e) * (_ONE + e)))


def tanh_backward(dout: ArrayLike, x: ArrayLike) -> FloatArray:
    r"""Gradient through `tanh`.

    .. math:: \frac{\partial L}{\partial x}
              = \frac{\partial L}{\partial \tanh} \, (1 - \tanh^2(x))

    Parameters
    ----------
    dout : array
        Gradient of the loss with respect to the output.
    x : array
        The input of the forward pass.

    Returns
    -------
    array of the shape and dtype of `x`

    Notes
    -----
    The derivative is at most 1, at 0; deck S "Vanishing Gradients" on its saturation.

    Examples
    --------
    >>> tanh_backward([2.0], [0.0])
    array([2.])
    """
    return _entrywise_backward(_tanh_backward_kernel, dout, x, 1.0, 1.0)


def scaled_tanh(x: ArrayLike) -> FloatArray:
    r"""LeCun's recommended sigmoid, a tanh that goes through (1, 1) and (-1, -1).

    .. math:: f(x) = 1.7159 \, \tanh \bigl( \tfrac{2}{3} x \bigr)

    Parameters
    ----------
    x : array

    Returns
    -------
    array of the shape and dtype of `x`
        In [-1.7159, 1.7159].

    Notes
    -----
    The second derivative is largest where :math:`\tanh^2(2x/3) = 1/3`, at x = 0.988, which deck L
    rounds to 1: targets of -1 and 1 use the whole nonlinearity without saturating it. For standard
    normal input the variance of the output is 0.75, for :math:`\tanh` 0.39.

    Deck L "Choosing the Right Sigmoid"; LeCun et al. (1998), section 4.4.

    Examples
    --------
    >>> scaled_tanh([-1.0, 0.0, 1.0, 1e4]).round(4)
    array([-1.    ,  0.    ,  1.    ,  1.7159])
    """
    return _entrywise(_tanh_kernel, x, _SCALED_TANH_HEIGHT, _SCALED_TANH_SLOPE)


def scaled_tanh_backward(dout: ArrayLike, x: ArrayLike) -> FloatArray:
    r"""Gradient through `scaled_tanh`.

    .. math:: \frac{\partial L}{\partial x} = \frac{\partial L}{\partial f} \,
              1.7159 \cdot \tfrac{2}{3} \, \bigl(1 - \tanh^2 \bigl(\tfrac{2}{3} x \bigr) \bigr)

    Parameters
    ----------
    dout : array
        Gradient of the loss with respect to the output.
    x : array
        The input of the forward pass.

    Returns
    -------
    array of the shape and dtype of `x`

    Notes
    -----
    Deck L "Choosing the Right Sigmoid".

    Examples
    --------
    >>> scaled_tanh_backward([1.0, 1.0], [0.0, 1.0]).round(4)
    array([1.1439, 0.7554])
    """
    return _entrywise_backward(
        _tanh_backward_kernel, dout, x, _SCALED_TANH_HEIGHT, _SCALED_TANH_SLOPE
    )


@njit
def _hard_tanh_kernel(x, out):
    """Equation act-hard-tanh."""
    # (act-hard-tanh)  f(x) = max(-1, min(1, x))
    for k in range(x.size):
        out[k] = -_ONE if x[k] < -_ONE else (_ONE if x[k] > _ONE else x[k])


def hard_tanh(x: ArrayLike) -> FloatArray:
    r"""Piecewise-linear form of tanh.

    .. math:: f(x) = \max(-1, \min(1, x))

    Parameters
    ----------
    x : array

    Returns
    -------
    array of the shape and dtype of `x`
        In [-1, 1].

    Notes
    -----
    Deck L "Usage".

    Examples
    --------
    >>> hard_tanh([-3.0, 0.5, 1e4])
    array([-1. ,  0.5,  1. ])
    """
    return _entrywise(_hard_tanh_kernel, x)


@njit
def _hard_tanh_backward_kernel(dout, x, dx):
    """Equation act-hard-tanh-backward."""
    # (act-hard-tanh-backward)  dx = dout [-1 < x < 1]
    for k in range(x.size):
        dx[k] = _where(abs(x[k]) < _ONE, dout[k])


def hard_tanh_backward(dout: ArrayLike, x: ArrayLike) -> FloatArray:
    r"""Gradient through `hard_tanh`: `dout` where `x` is between -1 and 1, else 0.

    .. math:: \frac{\partial L}{\partial x} = \frac{\partial L}{\partial f} \, [-1 < x < 1]

    Parameters
    ----------
    dout : array
        Gradient of the loss with respect to the output.
    x : array
        The input of the forward pass. At exactly -1 and 1 the gradient is taken as 0, as in
        PyTorch.

    Returns
    -------
    array of the shape and dtype of `x`

    Notes
    -----
    Deck L "Usage"; `torch.nn.Hardtanh`.

    Examples
    --------
    >>> hard_tanh_backward([5.0, 5.0, 5.0], [-3.0, 0.5, 1.0])
    array([0., 5., 0.])
    """
    return _entrywise_backward(_hard_tanh_backward_kernel, dout, x)


def _as_rows(x: ArrayLike) -> FloatArray:
    """Return `x` with a last axis that is not empty."""
    x = as_float_array("x", x)
    if x.ndim == 0 or x.shape[-1] == 0:
        raise ValueError(f"x must have a last axis of at least one entry, got shape {x.shape}")
    return x


def _rowwise(kernel: Callable[..., None], x: ArrayLike) -> FloatArray:
    """Return what `kernel` makes of every row of `x`."""
    x = _as_rows(x)
    out = empty_like(x)
    by_rows(kernel, (x.reshape(-1, x.shape[-1]), out.reshape(-1, x.shape[-1])))
    return out


def _rowwise_backward(kernel: Callable[..., None], dout: ArrayLike, x: ArrayLike) -> FloatArray:
    """Return what `kernel` makes of every row of `dout` and `x`."""
    x = _as_rows(x)
    dout = as_shaped("dout", dout, x.shape, x.dtype)
    dx = empty_like(x)
    by_rows(kernel, [a.reshape(-1, x.shape[-1]) for a in (dout, x, dx)])
    return dx


@njit
def _softmax_kernel(x, out):
    """Equation act-softmax."""
    rows, classes = x.shape
    # (act-softmax)  p_i = exp(x_i - c) / sum_j exp(x_j - c),  for any c
    # With c the largest entry, exp cannot overflow and the sum is at least 1.
    for r in range(rows):
        row, p = x[r], out[r]
        top = largest(row)
        for i in range(classes):
            p[i] = exp_nonpositive(row[i] - top)
        scale = x.dtype.type(1.0 / total(p))
        for i in range(classes):
            p[i] *= scale


def softmax(x: ArrayLike) -> FloatArray:
    r"""Softmax over the last axis.

    .. math:: p_i = \frac{e^{x_i}}{\sum_j e^{x_j}}

    Parameters
    ----------
    x : array (..., classes)

    Returns
    -------
    array of the shape and dtype of `x`
        Positive (0 where exp underflows), with a sum of 1 over the last axis. Finite for any finite
        `x`; an entry of minus infinity has probability 0, as long as another one is finite.

    Notes
    -----
    Deck L "Commonly Used Nonlinearities" writes the exponential of *minus* the net input, which
    gives the largest probability to the smallest entry; here it is plus, as everywhere else.

    Examples
    --------
    >>> softmax([[0.0, 0.0], [1e4, 0.0]])
    array([[0.5, 0.5],
           [1. , 0. ]])
    """
    return _rowwise(_softmax_kernel, x)


@njit_sums
def _softmax_backward_kernel(dout, x, dx):
    """Equation act-softmax-backward."""
    rows, classes = x.shape
    # (act-softmax-backward)  dx_i = p_i (dout_i - sum_j dout_j p_j)
    for r in range(rows):
        # The probabilities, where their gradient will be.
        _softmax_kernel(x[r : r + 1], dx[r : r + 1])
        dr, p = dout[r], dx[r]
        weighted = np.float64(0.0)
        for j in range(classes):
            weighted += np.float64(dr[j]) * p[j]
        mean = x.dtype.type(weighted)
        for i in range(classes):
            p[i] = p[i] * (dr[i] - mean)


def softmax_backward(dout: ArrayLike, x: ArrayLike) -> FloatArray:
    r"""Gradient through `softmax`.

    .. math:: \frac{\partial L}{\partial x_i} = p_i \Bigl( \frac{\partial L}{\partial p_i}
              - \sum_j \frac{\partial L}{\partial p_j} \, p_j \Bigr)

    Parameters
    ----------
    dout : array (..., classes)
        Gradient of the loss with respect to the probabilities.
    x : array (..., classes)
        The input of the forward pass.

    Returns
    -------
    array of the shape and dtype of `x`
        It sums to 0 over the last axis.

    Notes
    -----
    Deck C "A note on derivatives" needs this Jacobian where an L2 divergence follows a softmax.

    Examples
    --------
    >>> softmax_backward([[1.0, 0.0]], [[0.0, 0.0]])
    array([[ 0.25, -0.25]])
    """
    return _rowwise_backward(_softmax_backward_kernel, dout, x)


@njit
def _log_softmax_kernel(x, out):
    """Equation act-log-softmax."""
    rows, classes = x.shape
    # (act-log-softmax)  out_i = x_i - c - log sum_j exp(x_j - c),  c the largest entry
    for r in range(rows):
        row, o = x[r], out[r]
        top = largest(row)
        for j in range(classes):
            o[j] = exp_nonpositive(row[j] - top)
        log_total = x.dtype.type(log(total(o)))
        for i in range(classes):
            o[i] = (row[i] - top) - log_total


def log_softmax(x: ArrayLike) -> FloatArray:
    r"""Logarithm of the softmax over the last axis.

    .. math:: \log p_i = x_i - \log \sum_j e^{x_j}

    Parameters
    ----------
    x : array (..., classes)

    Returns
    -------
    array of the shape and dtype of `x`
        At most 0; finite, also where the softmax itself underflows, as long as the differences of
        the entries are in the range of the dtype.

    Notes
    -----
    The logarithm of deck L's softmax, "Commonly Used Nonlinearities".

    Examples
    --------
    >>> log_softmax([[0.0, 0.0], [1e4, 0.0]]).round(4)
    array([[-6.931e-01, -6.931e-01],
           [ 0.000e+00, -1.000e+04]])
    """
    return _rowwise(_log_softmax_kernel, x)


@njit
def _log_softmax_backward_kernel(dout, x, dx):
    """Equation act-log-softmax-backward."""
    rows, classes = x.shape
    # (act-log-softmax-backward)  dx_i = dout_i - p_i sum_j dout_j
    for r in range(rows):
        # The probabilities, where their gradient will be.
        _softmax_kernel(x[r : r + 1], dx[r : r + 1])
        dr, p = dout[r], dx[r]
        arrives = x.dtype.type(total(dr))
        for i in range(classes):
            p[i] = dr[i] - p[i] * arrives


def log_softmax_backward(dout: ArrayLike, x: ArrayLike) -> FloatArray:
    r"""Gradient through `log_softmax`.

    .. math:: \frac{\partial L}{\partial x_i} = \frac{\partial L}{\partial \log p_i}
              - p_i \sum_j \frac{\partial L}{\partial \log p_j}

    Parameters
    ----------
    dout : array (..., classes)
        Gradient of the loss with respect to the log-probabilities.
    x : array (..., classes)
        The input of the forward pass.

    Returns
    -------
    array of the shape and dtype of `x`
        It sums to 0 over the last axis.

    Notes
    -----
    With minus one at the class of the example and 0 elsewhere as `dout` it is the gradient of the
    cross-entropy: the vector form of deck C "Choices for divergence" behind a softmax.

    Examples
    --------
    >>> log_softmax_backward([[-1.0, 0.0]], [[0.0, 0.0]])
    array([[-0.5,  0.5]])
    """
    return _rowwise_backward(_log_softmax_backward_kernel, dout, x)


@njit
def _relu_kernel(x, out):
    """Equation act-relu."""
    # (act-relu)  f(x) = max(0, x)
    for k in range(x.size):
        out[k] = _ZERO if x[k] <= 0 else x[k]


def relu(x: ArrayLike) -> FloatArray:
    r"""Rectified linear unit.

    .. math:: f(x) = \max(0, x)

    Parameters
    ----------
    x : array

    Returns
    -------
    array of the shape and dtype of `x`

    Notes
    -----
    Deck H eq. (11), L "Extension: ReLU". Its offset bias (deck L): for standard normal input the
    mean output is :math:`1 / \sqrt{2 \pi} = 0.40`.

    Examples
    --------
    >>> relu([-1.0, 2.0])
    array([0., 2.])
    """
    return _entrywise(_relu_kernel, x)


@njit
def _relu_backward_kernel(dout, x, dx):
    """Equation act-relu-backward."""
    # (act-relu-backward)  dx = dout [x > 0]
    for k in range(x.size):
        dx[k] = _where(x[k] > 0, dout[k])


def relu_backward(dout: ArrayLike, x: ArrayLike) -> FloatArray:
    r"""Gradient through `relu`: `dout` where `x` is above 0, else 0.

    .. math:: \frac{\partial L}{\partial x} = \frac{\partial L}{\partial f} \, [x > 0]

    Parameters
    ----------
    dout : array
        Gradient of the loss with respect to the output.
    x : array
        The input of the forward pass. At exactly 0 the gradient is taken as 0, as in PyTorch.

    Returns
    -------
    array of the shape and dtype of `x`

    Notes
    -----
    Deck L "Extension: ReLU".

    Examples
    --------
    >>> relu_backward([5.0, 5.0], [-1.0, 2.0])
    array([0., 5.])
    """
    return _entrywise_backward(_relu_backward_kernel, dout, x)


@njit
def _leaky_relu_kernel(x, out, alpha):
    """Equation act-leaky-relu."""
    # (act-leaky-relu)  f(x) = x where x > 0, else alpha x
    for k in range(x.size):
        out[k] = x[k] if x[k] > 0 else alpha * x[k]


def leaky_relu(x: ArrayLike, alpha: float = 0.01) -> FloatArray:
    r"""ReLU with a small slope for negative input, so that no unit is stuck at zero.

    .. math:: f(x) = \begin{cases} x & x > 0 \\ \alpha x & x \le 0 \end{cases}

    Parameters
    ----------
    x : array
    alpha : float, default 0.01
        The slope for negative input, finite; 0 gives `relu`, 1 the identity. Deck L's beta. The
        default is PyTorch's; Keras's layer has 0.3.

    Returns
    -------
    array of the shape and dtype of `x`

    Notes
    -----
    Deck H eq. (12), L "Further Extensions", Maas et al. (2013). Deck L's form, the maximum of alpha
    x and x, is the same up to a slope of 1 and another function beyond.

    Examples
    --------
    >>> leaky_relu([-2.0, 3.0], alpha=0.1)
    array([-0.2,  3. ])
    """
    return _entrywise(_leaky_relu_kernel, x, as_real("alpha", alpha))


@njit
def _leaky_relu_backward_kernel(dout, x, dx, alpha):
    """Equation act-leaky-relu-backward."""
    # (act-leaky-relu-backward)  dx = dout where x > 0, else alpha dout
    for k in range(x.size):
        dx[k] = dout[k] if x[k] > 0 else alpha * dout[k]


def leaky_relu_backward(dout: ArrayLike, x: ArrayLike, alpha: float = 0.01) -> FloatArray:
    r"""Gradient through `leaky_relu`.

    .. math:: \frac{\partial L}{\partial x} = \frac{\partial L}{\partial f}
              \begin{cases} 1 & x > 0 \\ \alpha & x \le 0 \end{cases}

    Parameters
    ----------
    dout : array
        Gradient of the loss with respect to the output.
    x : array
        The input of the forward pass. At exactly 0 the slope is taken as `alpha`, as in PyTorch.
    alpha : float, default 0.01
        The same as in the forward pass.

    Returns
    -------
    array of the shape and dtype of `x`

    Notes
    -----
    Deck L "Further Extensions".

    Examples
    --------
    >>> leaky_relu_backward([5.0, 5.0], [-2.0, 3.0], alpha=0.1)
    array([0.5, 5. ])
    """
    return _entrywise_backward(_leaky_relu_backward_kernel, dout, x, as_real("alpha", alpha))


@njit
def _elu_kernel(x, out, alpha, scale):
    """Equations act-elu and act-selu."""
    # (act-elu)   f(x) = x for x > 0, alpha (exp(x) - 1) otherwise
    # (act-selu)  f(x) = scale times that
    for k in range(x.size):
        bent = alpha * expm1(_ZERO if x[k] > 0 else x[k])
        out[k] = scale * (x[k] if x[k] > 0 else bent)


@njit
def _elu_backward_kernel(dout, x, dx, alpha, scale):
    """Equations act-elu-backward and act-selu-backward."""
    # (act-elu-backward)   dx = dout for x > 0, dout alpha exp(x) otherwise
    # (act-selu-backward)  dx = scale times that
    for k in range(x.size):
        bent = alpha * exp_nonpositive(_ZERO if x[k] > 0 else x[k])
        dx[k] = dout[k] * (scale * (_ONE if x[k] > 0 else bent))


def elu(x: ArrayLike, alpha: float = 1.0) -> FloatArray:
    r"""Exponential linear unit.

    .. math:: f(x) = \begin{cases} x & x > 0 \\ \alpha (e^x - 1) & x \le 0 \end{cases}

    Parameters
    ----------
    x : array
    alpha : float, default 1.0
        Not negative: the output saturates at minus `alpha`. Only at 1 is the slope continuous.

    Returns
    -------
    array of the shape and dtype of `x`

    Notes
    -----
    Deck H eq. (13) has the case of an alpha of 1. Deck L "Further Extensions" has its two cases the
    wrong way round, and says that there is no offset bias anymore: it is smaller, for standard
    normal input a mean of 0.16 after 0.40 for `relu`. Clevert et al. (2016), eq. (15).

    Examples
    --------
    >>> elu([-1e4, -1.0, 2.0]).round(4)
    array([-1.    , -0.6321,  2.    ])
    """
    return _entrywise(_elu_kernel, x, as_real("alpha", alpha, low=0.0), 1.0)


def elu_backward(dout: ArrayLike, x: ArrayLike, alpha: float = 1.0) -> FloatArray:
    r"""Gradient through `elu`.

    .. math:: \frac{\partial L}{\partial x} = \frac{\partial L}{\partial f}
              \begin{cases} 1 & x > 0 \\ \alpha e^x & x \le 0 \end{cases}

    Parameters
    ----------
    dout : array
        Gradient of the loss with respect to the output.
    x : array
        The input of the forward pass. At exactly 0 the slope is taken as `alpha`, as in PyTorch.
    alpha : float, default 1.0
        The same as in the forward pass.

    Returns
    -------
    array of the shape and dtype of `x`

    Notes
    -----
    Deck H eq. (13), Clevert et al. (2016), eq. (15).

    Examples
    --------
    >>> elu_backward([1.0, 1.0], [-1.0, 2.0]).round(4)
    array([0.3679, 1.    ])
    """
    return _entrywise_backward(_elu_backward_kernel, dout, x, as_real("alpha", alpha, low=0.0), 1.0)


def selu(x: ArrayLike) -> FloatArray:
    r"""Scaled exponential linear unit, which draws layers to mean 0 and variance 1.

    .. math:: f(x) = \lambda \begin{cases} x & x > 0 \\ \alpha (e^x - 1) & x \le 0 \end{cases},
              \qquad \lambda = 1.0507\ldots, \quad \alpha = 1.6733\ldots

    Parameters
    ----------
    x : array

    Returns
    -------
    array of the shape and dtype of `x`

    Notes
    -----
    The constants make standard normal input leave with mean 0 and variance 1 again (equations
    act-selu-alpha and act-selu-scale), which needs weights of variance 1 / fan_in:
    `gradlab.initialization.lecun_normal`.

    Deck H eq. (14), Klambauer et al. (2017), eq. (2) and (14).

    Examples
    --------
    >>> selu([-1e4, 0.0, 1.0]).round(4)
    array([-1.7581,  0.    ,  1.0507])
    """
    return _entrywise(_elu_kernel, x, _SELU_ALPHA, _SELU_SCALE)


def selu_backward(dout: ArrayLike, x: ArrayLike) -> FloatArray:
    r"""Gradient through `selu`.

    .. math:: \frac{\partial L}{\partial x} = \frac{\partial L}{\partial f} \, \lambda
              \begin{cases} 1 & x > 0 \\ \alpha e^x & x \le 0 \end{cases}

    Parameters
    ----------
    dout : array
        Gradient of the loss with respect to the output.
    x : array
        The input of the forward pass. At exactly 0 the slope is taken as lambda times alpha, as in
        PyTorch.

    Returns
    -------
    array of the shape and dtype of `x`

    Notes
    -----
    Deck H eq. (14).

    Examples
    --------
    >>> selu_backward([1.0, 1.0], [-1.0, 2.0]).round(4)
    array([0.6468, 1.0507])
    """
    return _entrywise_backward(_elu_backward_kernel, dout, x, _SELU_ALPHA, _SELU_SCALE)


@njit
def _softplus_kernel(x, out):
    """Equation act-softplus."""
    # (act-softplus)  f(x) = log(1 + exp(x)) = max(0, x) + log(1 + exp(-|x|))
    # In the second form exp cannot overflow.
    for k in range(x.size):
        out[k] = (x[k] if x[k] > 0 else _ZERO) + log1p(exp_nonpositive(-abs(x[k])))


def softplus(x: ArrayLike) -> FloatArray:
    r"""Smooth form of ReLU, whose derivative is the sigmoid.

    .. math:: f(x) = \log(1 + e^x) = \max(0, x) + \log(1 + e^{-|x|})

    Parameters
    ----------
    x : array

    Returns
    -------
    array of the shape and dtype of `x`
        Positive (0 where exp underflows), without overflow for any finite `x`.

    Notes
    -----
    PyTorch returns `x` itself above a threshold of 20, which differs by less than 3e-9.

    Deck S "Exploding Gradients", among the functions that do not saturate.

    Examples
    --------
    >>> softplus([-1e4, 0.0, 2.0]).round(4)
    array([0.    , 0.6931, 2.1269])
    """
    return _entrywise(_softplus_kernel, x)


@njit
def _softplus_backward_kernel(dout, x, dx):
    """Equation act-softplus-backward."""
    # (act-softplus-backward)  dx = dout s(x),  the sigmoid as in act-sigmoid
    for k in range(x.size):
        e = exp_nonpositive(-abs(x[k]))
        dx[k] = dout[k] * ((_ONE if x[k] >= 0 else e) / (_ONE + e))


def softplus_backward(dout: ArrayLike, x: ArrayLike) -> FloatArray:
    r"""Gradient through `softplus`.

    .. math:: \frac{\partial L}{\partial x} = \frac{\partial L}{\partial f} \, \sigma(x)

    Parameters
    ----------
    dout : array
        Gradient of the loss with respect to the output.
    x : array
        The input of the forward pass.

    Returns
    -------
    array of the shape and dtype of `x`

    Notes
    -----
    Deck S "Exploding Gradients".

    Examples
    --------
    >>> softplus_backward([2.0, 2.0], [0.0, 1e4])
    array([1., 2.])
    """
    return _entrywise_backward(_softplus_backward_kernel, dout, x)


@njit
def _silu_kernel(x, out):
    """Equation act-silu."""
    # (act-silu)  f(x) = x s(x), with exp of a negative number as in act-sigmoid
    # Beyond 1000 exp(-|x|) is 0, and 0 times infinity would be no number.
    for k in range(x.size):
        a = _FAR if abs(x[k]) > _FAR else abs(x[k])
        e = exp_nonpositive(-a)
        out[k] = (x[k] if x[k] >= 0 else -a * e) / (_ONE + e)


def silu(x: ArrayLike) -> FloatArray:
    r"""Sigmoid linear unit, also called swish: a smooth ReLU that dips below 0.

    .. math:: f(x) = x \, \sigma(x)

    Parameters
    ----------
    x : array

    Returns
    -------
    array of the shape and dtype of `x`
        At least -0.2785, at x = -1.2785. At minus infinity it is 0, its limit; PyTorch returns a
        value that is not a number.

    Notes
    -----
    S. Elfwing, E. Uchibe and K. Doya, Sigmoid-Weighted Linear Units for Neural Network Function
    Approximation in Reinforcement Learning, Neural Networks 107, 2018. No deck has it.

    Examples
    --------
    >>> silu([-1e4, -1.0, 0.0, 2.0]).round(4)
    array([-0.    , -0.2689,  0.    ,  1.7616])
    """
    return _entrywise(_silu_kernel, x)


@njit
def _silu_backward_kernel(dout, x, dx):
    """Equation act-silu-backward."""
    # (act-silu-backward)  dx = dout s(x) (1 + x (1 - s(x)))
    #                         = dout (s(x) + x e / (1 + e)^2),  e = exp(-|x|)
    for k in range(x.size):
        a = _FAR if abs(x[k]) > _FAR else abs(x[k])
        e = exp_nonpositive(-a)
        bend = a * e / (_ONE + e)
        dx[k] = dout[k] * ((_ONE + bend if x[k] >= 0 else e - bend) / (_ONE + e))


def silu_backward(dout: ArrayLike, x: ArrayLike) -> FloatArray:
    r"""Gradient through `silu`.

    .. math:: \frac{\partial L}{\partial x} = \frac{\partial L}{\partial f} \, \sigma(x) \,
              \bigl( 1 + x \, (1 - \sigma(x)) \bigr)

    Parameters
    ----------
    dout : array
        Gradient of the loss with respect to the output.
    x : array
        The input of the forward pass.

    Returns
    -------
    array of the shape and dtype of `x`

    Notes
    -----
    The derivative is 1/2 at 0, negative below -1.2785 and above 1 beyond 1.2785. Elfwing et al.
    (2018).

    Examples
    --------
    >>> silu_backward([2.0, 1.0, 1.0], [0.0, -1e4, 1e4])
    array([1., 0., 1.])
    """
    return _entrywise_backward(_silu_backward_kernel, dout, x)


@njit
def _gelu_kernel(x, out):
    """Equation act-gelu."""
    # (act-gelu)  f(x) = x P(Z <= x) = max(x, 0) - |x| P(Z > |x|), Z standard normal
    for k in range(x.size):
        a, _, above = normal(x[k])
        out[k] = (x[k] if x[k] > 0 else _ZERO) - a * above


@njit
def _gelu_tanh_kernel(x, out, slope, cube):
    """Equation act-gelu-tanh."""
    # (act-gelu-tanh)  f(x) = x / 2 (1 + tanh u) = x s(2 u),  2 u = slope (x + cube x^3)
    for k in range(x.size):
        a = _FAR if abs(x[k]) > _FAR else abs(x[k])
        e = exp_nonpositive(-slope * (a + cube * a * a * a))
        out[k] = (x[k] if x[k] >= 0 else -a * e) / (_ONE + e)


def gelu(x: ArrayLike, approximate: str = "none") -> FloatArray:
    r"""Gaussian error linear unit: the input times the probability of a smaller normal number.

    .. math:: f(x) = x \, \Phi(x) = \frac{x}{2} \Bigl( 1 + \operatorname{erf}
              \frac{x}{\sqrt 2} \Bigr)

    Parameters
    ----------
    x : array
    approximate : {"none", "tanh"}, default "none"
        "tanh" is the approximation :math:`\frac{x}{2} (1 + \tanh u)` with
        :math:`u = \sqrt{2 / \pi} \, (x + 0.044715 \, x^3)`, at most 0.0005 off, which GPT-2 was
        trained with.

    Returns
    -------
    array of the shape and dtype of `x`
        At least -0.17, at x = -0.7518. At minus infinity it is 0, its limit; PyTorch returns a
        value that is not a number.

    Notes
    -----
    PyTorch's ``gelu`` has the same two forms. Where the input is far below 0 it adds 1 and an erf
    of nearly -1, and loses the digits that are left here.

    D. Hendrycks and K. Gimpel, Gaussian Error Linear Units, 2016. No deck has it.

    Examples
    --------
    >>> gelu([-1e4, -1.0, 0.0, 2.0]).round(4)
    array([ 0.    , -0.1587,  0.    ,  1.9545])
    >>> gelu([-1.0, 2.0], approximate="tanh").round(4)
    array([-0.1588,  1.9546])
    """
    if _is_approximate(approximate):
        return _entrywise(_gelu_tanh_kernel, x, _GELU_SLOPE, _GELU_CUBE)
    return _entrywise(_gelu_kernel, x)


def _is_approximate(approximate: str) -> bool:
    return as_choice("approximate", approximate, ("none", "tanh")) == "tanh"


@njit
def _gelu_backward_kernel(dout, x, dx, height):
    """Equation act-gelu-backward."""
    # (act-gelu-backward)  dx = dout (P(Z <= x) + x p(x)),  p(x) = height exp(-x^2 / 2)
    for k in range(x.size):
        a, bell, above = normal(x[k])
        below = _ONE - above if x[k] > 0 else above
        dx[k] = dout[k] * (below + np.copysign(a, x[k]) * (height * bell))


@njit
def _gelu_tanh_backward_kernel(dout, x, dx, slope, cube):
    """Equation act-gelu-tanh-backward."""
    # (act-gelu-tanh-backward)  dx = dout (s(2 u) + x s'(2 u) slope (1 + 3 cube x^2)),
    #                           s'(2 u) = e / (1 + e)^2 with e = exp(-|2 u|)
    for k in range(x.size):
        a = _FAR if abs(x[k]) > _FAR else abs(x[k])
        square = cube * a * a
        e = exp_nonpositive(-slope * (a + square * a))
        bend = slope * (a + _THREE * square * a) * e / (_ONE + e)
        dx[k] = dout[k] * ((_ONE + bend if x[k] >= 0 else e - bend) / (_ONE + e))


def gelu_backward(dout: ArrayLike, x: ArrayLike, approximate: str = "none") -> FloatArray:
    r"""Gradient through `gelu`.

    .. math:: \frac{\partial L}{\partial x} = \frac{\partial L}{\partial f} \,
              \bigl( \Phi(x) + x \, \varphi(x) \bigr), \qquad
              \varphi(x) = \frac{e^{-x^2 / 2}}{\sqrt{2 \pi}}

    Parameters
    ----------
    dout : array
        Gradient of the loss with respect to the output.
    x : array
        The input of the forward pass.
    approximate : {"none", "tanh"}, default "none"
        The same as in the forward pass.

    Returns
    -------
    array of the shape and dtype of `x`

    Notes
    -----
    The derivative is 1/2 at 0, negative below -0.7518 and above 1 beyond 0.7518. Hendrycks and
    Gimpel (2016).

    Examples
    --------
    >>> gelu_backward([2.0, 1.0, 1.0], [0.0, -1e4, 1e4])
    array([1., 0., 1.])
    """
    if _is_approximate(approximate):
        return _entrywise_backward(_gelu_tanh_backward_kernel, dout, x, _GELU_SLOPE, _GELU_CUBE)
    return _entrywise_backward(_gelu_backward_kernel, dout, x, _NORMAL_HEIGHT)


def _as_pieces(x: ArrayLike, pieces: int) -> tuple[FloatArray, int]:
    """Return `x` and the number of pieces, which divides its last axis."""
    x = _as_rows(x)
    pieces = as_integer("pieces", pieces, low=1)
    if x.shape[-1] % pieces:
        raise ValueError(
            f"pieces must divide the last axis of x, got {pieces} for a shape of {x.shape}"
        )
    return x, pieces


@njit
def _maxout_kernel(x, winner, out):
    """Equation act-maxout."""
    units, pieces = x.shape
    # (act-maxout)  f_u = max_k x_uk
    for u in range(units):
        row = x[u]
        winner[u], out[u] = 0, row[0]
        for k in range(1, pieces):
            # The first of equal pieces wins, and a value that is not a number beats all others.
            better = (not row[k] <= out[u]) & (out[u] == out[u])
            winner[u] = k if better else winner[u]
            out[u] = row[k] if better else out[u]


def maxout(x: ArrayLike, pieces: int) -> FloatArray:
    r"""Largest of every few neighboring entries of the last axis.

    .. math:: f_u(x) = \max_{0 \le k < K} x_{u K + k}

    Parameters
    ----------
    x : array (..., units * pieces)
        The linear pieces; those of one unit are neighbors.
    pieces : int
        K, the number of pieces of a unit; it divides the last axis.

    Returns
    -------
    array (..., units)
        In the dtype of `x`.

    Notes
    -----
    With the two pieces x and 0 it is `relu`, with x and alpha x a leaky one up to an alpha of 1.
    PyTorch has no such layer.

    Deck L "Usage", Goodfellow et al. (2013).

    Examples
    --------
    >>> maxout([[1.0, 5.0, -2.0, -3.0]], pieces=2)
    array([[ 5., -2.]])
    """
    x, pieces = _as_pieces(x, pieces)
    out = np.empty((*x.shape[:-1], x.shape[-1] // pieces), x.dtype)
    _maxout_kernel(x.reshape(-1, pieces), np.empty(out.size, np.int64), out.reshape(-1))
    return out


@njit
def _maxout_backward_kernel(dout, winner, dx):
    """Equation act-maxout-backward."""
    units, pieces = dx.shape
    # (act-maxout-backward)  dx_uk = dout_u [k is the winner of u]
    for u in range(units):
        for k in range(pieces):
            dx[u, k] = _ZERO
        dx[u, winner[u]] = dout[u]


def maxout_backward(dout: ArrayLike, x: ArrayLike, pieces: int) -> FloatArray:
    r"""Gradient through `maxout`: `dout` at the piece that won, 0 at the others.

    .. math:: \frac{\partial L}{\partial x_{u K + k}} = \frac{\partial L}{\partial f_u} \,
              \bigl[ k = \arg\max_j x_{u K + j} \bigr]

    Parameters
    ----------
    dout : array (..., units)
        Gradient of the loss with respect to the output.
    x : array (..., units * pieces)
        The input of the forward pass. Of equal pieces the first takes the gradient, as in PyTorch's
        ``max`` along an axis.
    pieces : int
        The same as in the forward pass.

    Returns
    -------
    array of the shape and dtype of `x`

    Notes
    -----
    Deck L "Usage", Goodfellow et al. (2013).

    Examples
    --------
    >>> maxout_backward([[7.0, 9.0]], [[1.0, 5.0, -2.0, -3.0]], pieces=2)
    array([[0., 7., 9., 0.]])
    """
    x, pieces = _as_pieces(x, pieces)
    dout = as_shaped("dout", dout, (*x.shape[:-1], x.shape[-1] // pieces), x.dtype)
    winner = np.empty(dout.size, np.int64)
    _maxout_kernel(x.reshape(-1, pieces), winner, np.empty(dout.size, x.dtype))
    dx = np.empty_like(x)
    _maxout_backward_kernel(dout.reshape(-1), winner, dx.reshape(-1, pieces))
    return dx


@njit
def _dead_fraction_kernel(z, alive):
    """Equation act-dead-fraction."""
    batch, units = z.shape
    # (act-dead-fraction)  1/n sum_j [max_i z_ij <= 0]
    # A unit is alive where an example turns it on, or has a value that is not a number.
    for j in range(units):
        alive[j] = False
    for i in range(batch):
        for j in range(units):
            alive[j] |= not z[i, j] <= 0
    dead = 0
    for j in range(units):
        dead += not alive[j]
    return dead / units


def dead_fraction(pre_activations: ArrayLike) -> float:
    r"""Fraction of ReLU units that are at zero for every example, and so pass no gradient.

    .. math:: \frac{1}{n} \sum_{j=1}^{n} \bigl[ \max_i z_{ij} \le 0 \bigr]

    Parameters
    ----------
    pre_activations : array (batch, units)
        The net inputs z, before `relu`, of a batch or better of the whole training set.

    Returns
    -------
    float in [0, 1]

    Notes
    -----
    A unit that is dead for a batch may be alive for another one; dead for the whole training set it
    stays so, because its incoming weights have no gradient. A unit with a value that is not a
    number does not count as dead.

    Deck L "Extension: ReLU", units "stuck at zero".

    Examples
    --------
    >>> dead_fraction([[-1.0, 2.0, 0.0, -3.0], [-2.0, -1.0, -5.0, 4.0]])
    0.5
    """
    z = as_batch("pre_activations", pre_activations)
    return float(_dead_fraction_kernel(z, np.empty(z.shape[1], np.bool_)))
