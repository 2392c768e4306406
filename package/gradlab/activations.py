r"""Activation functions, each with its backward pass.

Most work entry by entry on an array of any shape; softmax and log-softmax couple the entries of the
last axis, and maxout takes the largest of every few of them. A backward pass takes the input `x` of
the forward pass, not its output, and multiplies `dout` by the derivative there. Where a function
has a kink the derivative is PyTorch's choice of the two, and the docstring says which.

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

from gradlab._jit import njit, njit_sums
from gradlab._validate import FloatArray, as_batch, as_float_array, as_integer, as_real, as_shaped

__all__ = [
    "dead_fraction",
    "elu",
    "elu_backward",
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
    "softmax",
    "softmax_backward",
    "softplus",
    "softplus_backward",
    "tanh",
    "tanh_backward",
]

# LeCun's constants: f(1) = 1 and f(-1) = -1 to four digits.
_SCALED_TANH_HEIGHT = 1.7159
_SCALED_TANH_SLOPE = 2.0 / 3.0

# The solution of Klambauer et al. for which mean 0 and variance 1 are a fixed point.
_SELU_ALPHA = 1.6732632423543772848170429916717
_SELU_SCALE = 1.0507009873554804934193349852946


def _entrywise(kernel: Callable[..., None], x: ArrayLike, *constants: float) -> FloatArray:
    """Return what `kernel` makes of every entry of `x`."""
    x = as_float_array("x", x)
    out = np.empty_like(x)
    kernel(x.reshape(-1), *constants, out.reshape(-1))
    return out


def _entrywise_backward(
    kernel: Callable[..., None], dout: ArrayLike, x: ArrayLike, *constants: float
) -> FloatArray:
    """Return what `kernel` makes of every entry of `dout` and `x`."""
    x = as_float_array("x", x)
    dout = as_shaped("dout", dout, x.shape, x.dtype)
    dx = np.empty_like(x)
    kernel(dout.reshape(-1), x.reshape(-1), *constants, dx.reshape(-1))
    return dx


@njit
def _sigmoid_kernel(x, out):
    """Equation act-sigmoid."""
    # (act-sigmoid)  s(x) = 1 / (1 + exp(-x)) = exp(x) / (1 + exp(x))
    # Of the two forms, the one that takes exp of a negative number:
    # it cannot overflow.
    for k in range(x.size):
        e = np.exp(-abs(x[k]))
        out[k] = 1.0 / (1.0 + e) if x[k] >= 0 else e / (1.0 + e)


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

    Raises
    ------
    TypeError
        If `x` does not hold real numbers.

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
        e = np.exp(-abs(x[k]))
        dx[k] = dout[k] * (e / (1.0 + e) ** 2)


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

    Raises
    ------
    ValueError
        If the shapes differ.
    TypeError
        If an array does not hold real numbers.

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


def tanh(x: ArrayLike) -> FloatArray:
    r"""Hyperbolic tangent.

    .. math:: \tanh(x) = \frac{e^x - e^{-x}}{e^x + e^{-x}} = 2 \sigma(2x) - 1

    Equations act-tanh and act-tanh-sigmoid.

    Parameters
    ----------
    x : array

    Returns
    -------
    array of the shape and dtype of `x`
        In [-1, 1].

    Raises
    ------
    TypeError
        If `x` does not hold real numbers.

    Notes
    -----
    Deck L "Commonly Used Nonlinearities" and "Choosing the Right Sigmoid".

    Examples
    --------
    >>> tanh([0.0, 1e4])
    array([0., 1.])
    """
    return np.asarray(np.tanh(as_float_array("x", x)))


@njit
def _tanh_backward_kernel(dout, x, height, slope, dx):
    """Equations act-tanh-backward and act-scaled-tanh-backward."""
    # (act-tanh-backward)         dx = dout (1 - tanh(x)^2) = dout 4 e / (1 + e)^2,  e = exp(-2 |x|)
    # (act-scaled-tanh-backward)  dx = dout height slope (1 - tanh(slope x)^2)
    # The form in e keeps its digits where tanh(x) rounds to 1.
    for k in range(x.size):
        e = np.exp(-2.0 * slope * abs(x[k]))
        dx[k] = dout[k] * (height * slope * 4.0 * e / (1.0 + e) ** 2)


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

    Raises
    ------
    ValueError
        If the shapes differ.
    TypeError
        If an array does not hold real numbers.

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

    Equation act-scaled-tanh.

    Parameters
    ----------
    x : array

    Returns
    -------
    array of the shape and dtype of `x`
        In [-1.7159, 1.7159].

    Raises
    ------
    TypeError
        If `x` does not hold real numbers.

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
    x = as_float_array("x", x)
    return np.asarray(_SCALED_TANH_HEIGHT * np.tanh(_SCALED_TANH_SLOPE * x))


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

    Raises
    ------
    ValueError
        If the shapes differ.
    TypeError
        If an array does not hold real numbers.

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


def hard_tanh(x: ArrayLike) -> FloatArray:
    r"""Piecewise-linear form of tanh.

    .. math:: f(x) = \max(-1, \min(1, x))

    Equation act-hard-tanh.

    Parameters
    ----------
    x : array

    Returns
    -------
    array of the shape and dtype of `x`
        In [-1, 1].

    Raises
    ------
    TypeError
        If `x` does not hold real numbers.

    Notes
    -----
    Deck L "Usage".

    Examples
    --------
    >>> hard_tanh([-3.0, 0.5, 1e4])
    array([-1. ,  0.5,  1. ])
    """
    return np.asarray(np.clip(as_float_array("x", x), -1, 1))


def hard_tanh_backward(dout: ArrayLike, x: ArrayLike) -> FloatArray:
    r"""Gradient through `hard_tanh`: `dout` where `x` is between -1 and 1, else 0.

    .. math:: \frac{\partial L}{\partial x} = \frac{\partial L}{\partial f} \, [-1 < x < 1]

    Equation act-hard-tanh-backward.

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

    Raises
    ------
    ValueError
        If the shapes differ.
    TypeError
        If an array does not hold real numbers.

    Notes
    -----
    Deck L "Usage"; `torch.nn.Hardtanh`.

    Examples
    --------
    >>> hard_tanh_backward([5.0, 5.0, 5.0], [-3.0, 0.5, 1.0])
    array([0., 5., 0.])
    """
    x = as_float_array("x", x)
    dout = as_shaped("dout", dout, x.shape, x.dtype)
    return np.where(np.abs(x) < 1, dout, x.dtype.type(0))


def _as_rows(x: ArrayLike) -> FloatArray:
    """Return `x` with a last axis that is not empty."""
    x = as_float_array("x", x)
    if x.ndim == 0 or x.shape[-1] == 0:
        raise ValueError(f"x must have a last axis of at least one entry, got shape {x.shape}")
    return x


@njit
def _softmax_kernel(x, out):
    """Equation act-softmax."""
    rows, classes = x.shape
    # (act-softmax)  p_i = exp(x_i - c) / sum_j exp(x_j - c),  for any c
    # With c the largest entry, exp cannot overflow and the sum is at least 1.
    for r in range(rows):
        row, p = x[r], out[r]
        top = row.max()
        total = np.float64(0.0)
        for i in range(classes):
            p[i] = np.exp(row[i] - top)
            total += p[i]
        for i in range(classes):
            p[i] /= total


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

    Raises
    ------
    ValueError
        If there is no last axis, or it is empty.
    TypeError
        If `x` does not hold real numbers.

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
    x = _as_rows(x)
    out = np.empty_like(x)
    _softmax_kernel(x.reshape(-1, x.shape[-1]), out.reshape(-1, x.shape[-1]))
    return out


@njit_sums
def _softmax_backward_kernel(dout, p, dx):
    """Equation act-softmax-backward."""
    rows, classes = p.shape
    # (act-softmax-backward)  dx_i = p_i (dout_i - sum_j dout_j p_j)
    for r in range(rows):
        dr, pr, dxr = dout[r], p[r], dx[r]
        mean = np.float64(0.0)
        for j in range(classes):
            mean += dr[j] * pr[j]
        for i in range(classes):
            dxr[i] = pr[i] * (dr[i] - mean)


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

    Raises
    ------
    ValueError
        If the shapes differ, there is no last axis, or it is empty.
    TypeError
        If an array does not hold real numbers.

    Notes
    -----
    Deck C "A note on derivatives" needs this Jacobian where an L2 divergence follows a softmax.

    Examples
    --------
    >>> softmax_backward([[1.0, 0.0]], [[0.0, 0.0]])
    array([[ 0.25, -0.25]])
    """
    p = softmax(x)
    dout = as_shaped("dout", dout, p.shape, p.dtype)
    dx = np.empty_like(p)
    _softmax_backward_kernel(*(a.reshape(-1, p.shape[-1]) for a in (dout, p, dx)))
    return dx


@njit
def _log_softmax_kernel(x, out):
    """Equation act-log-softmax."""
    rows, classes = x.shape
    # (act-log-softmax)  out_i = x_i - c - log sum_j exp(x_j - c),  c the largest entry
    for r in range(rows):
        row, o = x[r], out[r]
        top = row.max()
        total = np.float64(0.0)
        for j in range(classes):
            total += np.exp(row[j] - top)
        log_total = np.log(total)
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
        At most 0; finite for any finite `x`, also where the softmax itself underflows.

    Raises
    ------
    ValueError
        If there is no last axis, or it is empty.
    TypeError
        If `x` does not hold real numbers.

    Notes
    -----
    The logarithm of deck L's softmax, "Commonly Used Nonlinearities".

    Examples
    --------
    >>> log_softmax([[0.0, 0.0], [1e4, 0.0]]).round(4)
    array([[-6.931e-01, -6.931e-01],
           [ 0.000e+00, -1.000e+04]])
    """
    x = _as_rows(x)
    out = np.empty_like(x)
    _log_softmax_kernel(x.reshape(-1, x.shape[-1]), out.reshape(-1, x.shape[-1]))
    return out


def log_softmax_backward(dout: ArrayLike, x: ArrayLike) -> FloatArray:
    r"""Gradient through `log_softmax`.

    .. math:: \frac{\partial L}{\partial x_i} = \frac{\partial L}{\partial \log p_i}
              - p_i \sum_j \frac{\partial L}{\partial \log p_j}

    Equation act-log-softmax-backward.

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

    Raises
    ------
    ValueError
        If the shapes differ, there is no last axis, or it is empty.
    TypeError
        If an array does not hold real numbers.

    Notes
    -----
    With minus one at the class of the example and 0 elsewhere as `dout` it is the gradient of the
    cross-entropy: the vector form of deck C "Choices for divergence" behind a softmax.

    Examples
    --------
    >>> log_softmax_backward([[-1.0, 0.0]], [[0.0, 0.0]])
    array([[-0.5,  0.5]])
    """
    p = softmax(x)
    dout = as_shaped("dout", dout, p.shape, p.dtype)
    total = dout.sum(axis=-1, keepdims=True, dtype=np.float64)
    return np.asarray(dout - p * total, dtype=p.dtype)


def relu(x: ArrayLike) -> FloatArray:
    r"""Rectified linear unit.

    .. math:: f(x) = \max(0, x)

    Equation act-relu.

    Parameters
    ----------
    x : array

    Returns
    -------
    array of the shape and dtype of `x`

    Raises
    ------
    TypeError
        If `x` does not hold real numbers.

    Notes
    -----
    Deck H eq. (11), L "Extension: ReLU". Its offset bias (deck L): for standard normal input the
    mean output is :math:`1 / \sqrt{2 \pi} = 0.40`.

    Examples
    --------
    >>> relu([-1.0, 2.0])
    array([0., 2.])
    """
    return np.asarray(np.maximum(as_float_array("x", x), 0))


@njit
def _relu_backward_kernel(dout, x, dx):
    """Equation act-relu-backward."""
    # (act-relu-backward)  dx = dout [x > 0]
    for k in range(x.size):
        dx[k] = dout[k] if x[k] > 0 else 0.0


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

    Raises
    ------
    ValueError
        If the shapes differ.
    TypeError
        If an array does not hold real numbers.

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
def _leaky_relu_kernel(x, alpha, out):
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

    Raises
    ------
    ValueError
        If `alpha` is not finite.
    TypeError
        If `x` does not hold real numbers, or `alpha` is not one.

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
def _leaky_relu_backward_kernel(dout, x, alpha, dx):
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

    Raises
    ------
    ValueError
        If the shapes differ, or `alpha` is not finite.
    TypeError
        If an array does not hold real numbers, or `alpha` is not one.

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
def _elu_kernel(x, alpha, scale, out):
    """Equations act-elu and act-selu."""
    # (act-elu)   f(x) = x for x > 0, alpha (exp(x) - 1) otherwise
    # (act-selu)  f(x) = scale times that
    for k in range(x.size):
        out[k] = scale * (x[k] if x[k] > 0 else alpha * np.expm1(x[k]))


@njit
def _elu_backward_kernel(dout, x, alpha, scale, dx):
    """Equations act-elu-backward and act-selu-backward."""
    # (act-elu-backward)   dx = dout for x > 0, dout alpha exp(x) otherwise
    # (act-selu-backward)  dx = scale times that
    for k in range(x.size):
        dx[k] = dout[k] * (scale if x[k] > 0 else scale * alpha * np.exp(x[k]))


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

    Raises
    ------
    ValueError
        If `alpha` is negative or not finite.
    TypeError
        If `x` does not hold real numbers, or `alpha` is not one.

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

    Raises
    ------
    ValueError
        If the shapes differ, or `alpha` is negative or not finite.
    TypeError
        If an array does not hold real numbers, or `alpha` is not one.

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

    Raises
    ------
    TypeError
        If `x` does not hold real numbers.

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

    Raises
    ------
    ValueError
        If the shapes differ.
    TypeError
        If an array does not hold real numbers.

    Notes
    -----
    Deck H eq. (14).

    Examples
    --------
    >>> selu_backward([1.0, 1.0], [-1.0, 2.0]).round(4)
    array([0.6468, 1.0507])
    """
    return _entrywise_backward(_elu_backward_kernel, dout, x, _SELU_ALPHA, _SELU_SCALE)


def softplus(x: ArrayLike) -> FloatArray:
    r"""Smooth form of ReLU, whose derivative is the sigmoid.

    .. math:: f(x) = \log(1 + e^x) = \max(0, x) + \log(1 + e^{-|x|})

    Equation act-softplus, computed in the second form, whose exponential cannot overflow.

    Parameters
    ----------
    x : array

    Returns
    -------
    array of the shape and dtype of `x`
        Positive (0 where exp underflows), without overflow for any finite `x`.

    Raises
    ------
    TypeError
        If `x` does not hold real numbers.

    Notes
    -----
    PyTorch returns `x` itself above a threshold of 20, which differs by less than 3e-9.

    Deck S "Exploding Gradients", among the functions that do not saturate.

    Examples
    --------
    >>> softplus([-1e4, 0.0, 2.0]).round(4)
    array([0.    , 0.6931, 2.1269])
    """
    x = as_float_array("x", x)
    return np.asarray(np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x))))


def softplus_backward(dout: ArrayLike, x: ArrayLike) -> FloatArray:
    r"""Gradient through `softplus`.

    .. math:: \frac{\partial L}{\partial x} = \frac{\partial L}{\partial f} \, \sigma(x)

    Equation act-softplus-backward.

    Parameters
    ----------
    dout : array
        Gradient of the loss with respect to the output.
    x : array
        The input of the forward pass.

    Returns
    -------
    array of the shape and dtype of `x`

    Raises
    ------
    ValueError
        If the shapes differ.
    TypeError
        If an array does not hold real numbers.

    Notes
    -----
    Deck S "Exploding Gradients".

    Examples
    --------
    >>> softplus_backward([2.0, 2.0], [0.0, 1e4])
    array([1., 2.])
    """
    slope = sigmoid(x)
    return np.asarray(slope * as_shaped("dout", dout, slope.shape, slope.dtype))


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
        best = 0
        for k in range(1, pieces):
            # The first of equal pieces wins, and a value that is not a number beats all others.
            if row[k] > row[best] or (row[k] != row[k] and row[best] == row[best]):
                best = k
        winner[u] = best
        out[u] = row[best]


def maxout(x: ArrayLike, pieces: int) -> FloatArray:
    r"""Largest of every few neighbouring entries of the last axis.

    .. math:: f_u(x) = \max_{0 \le k < K} x_{u K + k}

    Parameters
    ----------
    x : array (..., units * pieces)
        The linear pieces; those of one unit are neighbours.
    pieces : int
        K, the number of pieces of a unit; it divides the last axis.

    Returns
    -------
    array (..., units)
        In the dtype of `x`.

    Raises
    ------
    ValueError
        If there is no last axis, it is empty, or `pieces` does not divide it or is below 1.
    TypeError
        If `x` does not hold real numbers, or `pieces` is not an integer.

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


def maxout_backward(dout: ArrayLike, x: ArrayLike, pieces: int) -> FloatArray:
    r"""Gradient through `maxout`: `dout` at the piece that won, 0 at the others.

    .. math:: \frac{\partial L}{\partial x_{u K + k}} = \frac{\partial L}{\partial f_u} \,
              \bigl[ k = \arg\max_j x_{u K + j} \bigr]

    Equation act-maxout-backward.

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

    Raises
    ------
    ValueError
        If a shape does not fit, or `pieces` does not divide the last axis or is below 1.
    TypeError
        If an array does not hold real numbers, or `pieces` is not an integer.

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
    dx = np.zeros_like(x)
    dx.reshape(-1, pieces)[np.arange(dout.size), winner] = dout.reshape(-1)
    return dx


def dead_fraction(pre_activations: ArrayLike) -> float:
    r"""Fraction of ReLU units that are at zero for every example, and so pass no gradient.

    .. math:: \frac{1}{n} \sum_{j=1}^{n} \bigl[ \max_i z_{ij} \le 0 \bigr]

    Equation act-dead-fraction.

    Parameters
    ----------
    pre_activations : array (batch, units)
        The net inputs z, before `relu`, of a batch or better of the whole training set.

    Returns
    -------
    float in [0, 1]

    Raises
    ------
    ValueError
        If the array has other than two dimensions, or an empty one.
    TypeError
        If it does not hold real numbers.

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
    return float(np.mean(z.max(axis=0) <= 0))
