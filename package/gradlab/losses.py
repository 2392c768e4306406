"""Losses of a batch of predictions, each with its backward pass; prediction first, then target.

A loss is one number, a mean over the batch summed in float64, and its backward pass is the gradient
with respect to the prediction: it stands at the start of backpropagation. Which loss goes with
which output decides how steep the gradient is where the prediction is far off, and `margin_losses`
compares that. Prediction and target have one shape: nothing is broadcast. A shape or a number that
does not fit is a ValueError, an array that does not hold real numbers a TypeError.

Chapter: ``book/losses.md``.
Decks: C "Choices for divergence", "L2 or KL?" and "A note on derivatives", L "Another Note on Error
Functions".
Books: C. Bishop, Pattern Recognition and Machine Learning, 2006, section 7.1.2 and figure 7.5.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gradlab._elementary import exp_nonpositive, largest, log, log1p, total
from gradlab._jit import njit, njit_sums
from gradlab._memory import empty_like
from gradlab._threads import by_rows
from gradlab._validate import FloatArray, as_array, as_batch, as_float_array, as_real, as_shaped

__all__ = [
    "binary_cross_entropy",
    "binary_cross_entropy_backward",
    "kl_divergence",
    "kl_divergence_backward",
    "margin_losses",
    "sigmoid_cross_entropy",
    "sigmoid_cross_entropy_backward",
    "softmax_cross_entropy",
    "softmax_cross_entropy_backward",
    "squared_error",
    "squared_error_backward",
]

_MIN_DENOMINATOR = 1e-12
"""Smallest denominator in the derivative of a logarithm, as in PyTorch."""

# Float32 holds these exactly, and arithmetic with float32 stays in float32, which a plain 1.0 would
# make float64.
_ZERO, _ONE, _TWO = np.array([0, 1, 2], np.float32)


def _as_pair(y: ArrayLike, target: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Return predictions and targets as two batches of one shape and dtype."""
    y = as_batch("y", y)
    return y, as_shaped("target", target, y.shape, y.dtype)


def _as_elements(y: ArrayLike, target: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Return predictions and targets as two arrays of any one shape, in [0, 1]."""
    y = as_float_array("y", y)
    if y.size == 0:
        raise ValueError(f"y must have at least one entry, got shape {y.shape}")
    return _as_probabilities(y, as_shaped("target", target, y.shape, y.dtype))


def _as_probabilities(y: FloatArray, target: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return predictions and targets, after a check that they are in [0, 1]."""
    _check_probabilities("y", y)
    _check_probabilities("target", target)
    return y, target


def _check_probabilities(name: str, array: FloatArray) -> None:
    within = by_rows(
        _all_within_kernel, (array.reshape(-1),), array.dtype.type(0), array.dtype.type(1)
    )
    if not all(within):
        raise ValueError(
            f"{name} must be in [0, 1], got entries from {array.min()} to {array.max()}"
        )


def _as_min_log(value: float) -> float:
    """Return the smallest logarithm, negative and possibly minus infinity."""
    if isinstance(value, float) and value == -math.inf:
        return value
    return as_real("min_log", value, high=0.0, high_open=True)


def _total(kernel: Callable[..., float], arrays: Sequence[FloatArray], *others: Any) -> float:
    """Return what `kernel` makes of the rows of these arrays, added."""
    return float(sum(by_rows(kernel, arrays, *others)))


@njit_sums
def _squared_error_kernel(y, target, count):
    """Equation loss-squared-error."""
    batch, features = y.shape
    # (loss-squared-error)  L = 1/B sum_i 1/2 sum_j (y_ij - target_ij)^2
    loss = np.float64(0.0)
    for i in range(batch):
        yi, di = y[i], target[i]
        for j in range(features):
            loss += 0.5 * (np.float64(yi[j]) - di[j]) ** 2
    return loss / count


def squared_error(y: ArrayLike, target: ArrayLike) -> float:
    r"""Half the squared distance of prediction and target, mean over the batch (L2 divergence).

    .. math:: L = \frac{1}{B} \sum_{i=1}^{B} \frac{1}{2} \sum_j (\hat y_{ij} - y_{ij})^2

    Parameters
    ----------
    y : array (batch, features)
        Predictions.
    target : array (batch, features)
        What they should be, d; converted to the dtype of `y`.

    Returns
    -------
    float
        In the squared unit of `y`.

    Notes
    -----
    PyTorch's ``mse_loss`` and Keras's ``MeanSquaredError`` are the mean over all entries without
    the half: multiply by 2 / features. optax's ``l2_loss`` is the half of every entry, unsummed.
    The decks do not agree either: H eq. (7) derives its sensitivities from a sum without the half.

    Deck C "Choices for divergence".

    Examples
    --------
    >>> squared_error([[1.0, 2.0], [3.0, 4.0]], [[1.0, 0.0], [3.0, 0.0]])
    5.0
    """
    y, target = _as_pair(y, target)
    return _total(_squared_error_kernel, (y, target), len(y))


@njit
def _squared_error_backward_kernel(y, target, dy, count):
    """Equation loss-squared-error-backward."""
    batch, features = y.shape
    # (loss-squared-error-backward)  dL/dy_ij = 1/B (y_ij - target_ij)
    for i in range(batch):
        yi, di, dyi = y[i], target[i], dy[i]
        for j in range(features):
            dyi[j] = (yi[j] - di[j]) / count


def squared_error_backward(y: ArrayLike, target: ArrayLike) -> FloatArray:
    r"""Gradient of `squared_error` with respect to the prediction: the error itself.

    .. math:: \frac{\partial L}{\partial \hat y_{ij}} = \frac{1}{B} (\hat y_{ij} - y_{ij})

    Parameters
    ----------
    y, target : arrays (batch, features)

    Returns
    -------
    array (batch, features)
        In the dtype of `y`.

    Notes
    -----
    Deck C "A note on derivatives": the error is what backpropagation carries backward, multiplied
    by the Jacobian of the output activation first. Where that saturates the gradient vanishes,
    however wrong the prediction is.

    Examples
    --------
    >>> squared_error_backward([[1.0, 2.0], [3.0, 4.0]], [[1.0, 0.0], [3.0, 0.0]])
    array([[0., 1.],
           [0., 2.]])
    """
    y, target = _as_pair(y, target)
    dy = empty_like(y)
    by_rows(_squared_error_backward_kernel, (y, target, dy), y.dtype.type(len(y)))
    return dy


@njit_sums
def _binary_cross_entropy_kernel(y, target, min_log, count):
    """Equation loss-binary-cross-entropy."""
    # (loss-binary-cross-entropy)  L = -1/N sum_k (target_k log y_k + (1 - target_k) log(1 - y_k))
    # A term with the weight 0 is left out: 0 log 0 is 0.
    loss = np.float64(0.0)
    for k in range(y.size):
        yes, no = max(log(y[k]), min_log), max(log1p(-y[k]), min_log)
        loss -= target[k] * yes if target[k] > 0 else 0.0
        loss -= (_ONE - target[k]) * no if target[k] < 1 else 0.0
    return loss / count


def binary_cross_entropy(y: ArrayLike, target: ArrayLike, min_log: float = -100.0) -> float:
    r"""Cross-entropy of independent yes-or-no predictions, mean over all elements.

    .. math:: L = -\frac{1}{B n} \sum_{i=1}^{B} \sum_{j=1}^{n}
              \bigl( y_{ij} \log \hat y_{ij} + (1 - y_{ij}) \log(1 - \hat y_{ij}) \bigr)

    Parameters
    ----------
    y : array (batch, features), or of any other shape
        Predicted probabilities, in [0, 1].
    target : array of the shape of `y`
        Probabilities d that should be, in [0, 1], mostly 0 or 1; converted to the dtype of `y`.
    min_log : float, default -100.0
        A logarithm below it is replaced by it, so that a wrong prediction of exactly 0 or 1, where
        rounding leads, costs 100 and the loss stays finite: PyTorch's rule. ``-numpy.inf`` is the
        formula as deck C has it, infinite there.

    Returns
    -------
    float
        In nats. With 0 log 0 = 0, a right prediction of exactly 0 or 1 costs nothing.

    Notes
    -----
    Keras moves the prediction into [1e-7, 1 - 1e-7] instead: pass
    ``numpy.clip(y, 1e-7, 1 - 1e-7)``. optax has the form from the logits only.

    Deck C "Choices for divergence" calls this the KL divergence. For targets of 0 and 1 it is; for
    targets between it is larger by the entropy of the target, and so not 0 where y equals d.

    Examples
    --------
    >>> round(binary_cross_entropy([[0.8, 0.5]], [[1.0, 0.0]]), 4)
    0.4581
    >>> binary_cross_entropy([[0.0]], [[1.0]])
    100.0
    """
    y, target = _as_elements(y, target)
    floor = _as_min_log(min_log)
    with np.errstate(divide="ignore"):
        flat = y.reshape(-1), target.reshape(-1)
        return _total(_binary_cross_entropy_kernel, flat, y.dtype.type(floor), y.size)


@njit
def _binary_cross_entropy_backward_kernel(y, target, dy, min_denominator, count):
    """Equation loss-binary-cross-entropy-backward."""
    # (loss-binary-cross-entropy-backward)
    # dL/dy_k = 1/N (y_k - target_k) / (y_k (1 - y_k))
    for k in range(y.size):
        product = y[k] * (_ONE - y[k])
        product = min_denominator if product < min_denominator else product
        dy[k] = (y[k] - target[k]) / (product * count)


def binary_cross_entropy_backward(y: ArrayLike, target: ArrayLike) -> FloatArray:
    r"""Gradient of `binary_cross_entropy` with respect to the predicted probabilities.

    .. math:: \frac{\partial L}{\partial \hat y_{ij}} = \frac{1}{B n} \,
              \frac{\hat y_{ij} - y_{ij}}{\hat y_{ij} (1 - \hat y_{ij})}

    Parameters
    ----------
    y, target : arrays (batch, features), or of any other shape
        In [0, 1].

    Returns
    -------
    array of the shape of `y`
        In the dtype of `y`; always finite.

    Notes
    -----
    The denominator is taken as at least 1e-12, PyTorch's rule: a wrong prediction of exactly 0 or 1
    has a large gradient that points the right way, where the derivative of the cut logarithm would
    be 0 and that of the formula infinite; a right one has the gradient 0. Behind a sigmoid the
    product with its derivative is (y - d) / (B n) (equation loss-net-input), which does not vanish
    where y is wrong.

    Deck C "Choices for divergence", L "Another Note on Error Functions".

    Examples
    --------
    >>> binary_cross_entropy_backward([[0.8, 0.5]], [[1.0, 0.0]])
    array([[-0.625,  1.   ]])
    """
    y, target = _as_elements(y, target)
    dy = empty_like(y)
    constants = map(y.dtype.type, (_MIN_DENOMINATOR, y.size))
    flat = y.reshape(-1), target.reshape(-1), dy.reshape(-1)
    by_rows(_binary_cross_entropy_backward_kernel, flat, *constants)
    return dy


@njit_sums
def _sigmoid_cross_entropy_kernel(logits, target, count):
    """Equation loss-sigmoid-cross-entropy."""
    # (loss-sigmoid-cross-entropy)
    # L = 1/N sum_k (max(0, z_k) - target_k z_k + log(1 + exp(-|z_k|)))
    # The first two terms are |z| times the probability that the target gives the other answer.
    # Where that is 0 they are left out: infinite logits that are right cost nothing.
    loss = np.float64(0.0)
    for k in range(logits.size):
        size = abs(logits[k])
        other = _ONE - target[k] if logits[k] > 0 else target[k]
        loss += (other * size if other > 0 else _ZERO) + log1p(exp_nonpositive(-size))
    return loss / count


def sigmoid_cross_entropy(logits: ArrayLike, target: ArrayLike) -> float:
    r"""Cross-entropy of independent yes-or-no predictions, from the logits; mean over all elements.

    .. math:: L = \frac{1}{B n} \sum_{i=1}^{B} \sum_{j=1}^{n}
              \Bigl( \max(0, z_{ij}) - y_{ij} z_{ij} + \log \bigl( 1 + e^{-|z_{ij}|} \bigr) \Bigr)

    Parameters
    ----------
    logits : array (batch, features), or of any other shape
        z, before the sigmoid.
    target : array of the shape of `logits`
        Probabilities d that should be, in [0, 1], mostly 0 or 1; converted to the dtype of
        `logits`.

    Returns
    -------
    float
        In nats; finite for any finite logits. `binary_cross_entropy` of the sigmoid, whose
        logarithms are not cut here.

    Notes
    -----
    PyTorch's ``binary_cross_entropy_with_logits``, optax's ``sigmoid_binary_cross_entropy``,
    averaged. Of infinite logits PyTorch makes a value that is not a number; here they cost 0 where
    they are right, and are infinitely wrong otherwise.

    Deck C "Choices for divergence", behind a sigmoid.

    Examples
    --------
    >>> round(sigmoid_cross_entropy([[0.0, 2.0]], [[1.0, 0.0]]), 4)
    1.41
    >>> sigmoid_cross_entropy([[-1000.0]], [[1.0]])
    1000.0
    """
    logits, target = _as_logits(logits, target)
    return _total(_sigmoid_cross_entropy_kernel, (logits, target), logits.size)


def _as_logits(logits: ArrayLike, target: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Return logits and targets, entry by entry."""
    logits = as_float_array("logits", logits)
    if logits.size == 0:
        raise ValueError(f"logits must have at least one entry, got shape {logits.shape}")
    target = as_shaped("target", target, logits.shape, logits.dtype)
    _check_probabilities("target", target)
    return logits.reshape(-1), target.reshape(-1)


@njit
def _sigmoid_cross_entropy_backward_kernel(logits, target, dlogits, count):
    """Equation loss-sigmoid-cross-entropy-backward."""
    # (loss-sigmoid-cross-entropy-backward)  dL/dz_k = 1/N (s(z_k) - target_k)
    # From e / (1 + e) = s(-|z|), which keeps its digits where the other of the two rounds to 1.
    for k in range(logits.size):
        e = exp_nonpositive(-abs(logits[k]))
        less = e / (_ONE + e)
        error = (_ONE - target[k]) - less if logits[k] > 0 else less - target[k]
        dlogits[k] = error / count


def sigmoid_cross_entropy_backward(logits: ArrayLike, target: ArrayLike) -> FloatArray:
    r"""Gradient of `sigmoid_cross_entropy` with respect to the logits: the error.

    .. math:: \frac{\partial L}{\partial z_{ij}} = \frac{1}{B n}
              \bigl( \sigma(z_{ij}) - y_{ij} \bigr)

    Parameters
    ----------
    logits, target : arrays (batch, features), or of any other shape

    Returns
    -------
    array of the shape of `logits`
        In the dtype of `logits`.

    Notes
    -----
    Sigmoid and logarithm are differentiated together, so that nothing is divided by a probability
    that may have been rounded to 0. Where the target is 1 the error keeps its digits for large
    logits, too.

    Examples
    --------
    >>> sigmoid_cross_entropy_backward([[0.0, 1e4]], [[1.0, 0.0]])
    array([[-0.25,  0.5 ]])
    """
    z, target = _as_logits(logits, target)
    dlogits = empty_like(z)
    by_rows(_sigmoid_cross_entropy_backward_kernel, (z, target, dlogits), z.dtype.type(z.size))
    return dlogits.reshape(np.shape(logits))


@njit_sums
def _kl_divergence_kernel(y, target, min_log, count):
    """Equation loss-kl-divergence."""
    batch, classes = y.shape
    # (loss-kl-divergence)  L = 1/B sum_i sum_c target_ic (log target_ic - log y_ic)
    # A term with the weight 0 is left out: 0 log 0 is 0.
    loss = np.float64(0.0)
    for i in range(batch):
        yi, di = y[i], target[i]
        for c in range(classes):
            loss += di[c] * (log(di[c]) - max(log(yi[c]), min_log)) if di[c] > 0 else 0.0
    return loss / count


def kl_divergence(y: ArrayLike, target: ArrayLike, min_log: float = -100.0) -> float:
    r"""Kullback-Leibler divergence of the target from the prediction, mean over the batch.

    .. math:: L = \frac{1}{B} \sum_{i=1}^{B} \sum_c
              \bigl( y_{ic} \log y_{ic} - y_{ic} \log \hat y_{ic} \bigr)

    Parameters
    ----------
    y : array (batch, classes)
        Predicted probabilities, in [0, 1]. That a row sums to 1 is not checked, because a
        derivative with respect to one entry leaves the rows that do.
    target : array (batch, classes)
        Probabilities d that should be, in [0, 1]; one-hot or not. Converted to the dtype of `y`.
    min_log : float, default -100.0
        A logarithm of `y` below it is replaced by it, as in `binary_cross_entropy`;
        ``-numpy.inf`` is the formula as deck C has it, infinite where `y` is 0 and the target not.

    Returns
    -------
    float
        In nats; for rows that sum to 1, not negative, and 0 where they are equal.

    Notes
    -----
    PyTorch's ``kl_div`` takes the logarithm of the prediction, which needs no such rule, and has
    the mean over the batch only with ``reduction="batchmean"``; its default divides by the number
    of classes too. Keras moves both arguments into [1e-7, 1].

    Deck C "Choices for divergence".

    Examples
    --------
    >>> round(kl_divergence([[0.5, 0.25, 0.25]], [[1.0, 0.0, 0.0]]), 4)
    0.6931
    """
    y, target = _as_probabilities(*_as_pair(y, target))
    floor = _as_min_log(min_log)
    with np.errstate(divide="ignore"):
        return _total(_kl_divergence_kernel, (y, target), y.dtype.type(floor), len(y))


@njit
def _kl_divergence_backward_kernel(y, target, dy, min_denominator, count):
    """Equation loss-kl-divergence-backward."""
    batch, classes = y.shape
    # (loss-kl-divergence-backward)  dL/dy_ic = -1/B target_ic / y_ic
    for i in range(batch):
        yi, di, dyi = y[i], target[i], dy[i]
        for c in range(classes):
            denominator = min_denominator if yi[c] < min_denominator else yi[c]
            dyi[c] = -di[c] / (denominator * count)


def kl_divergence_backward(y: ArrayLike, target: ArrayLike) -> FloatArray:
    r"""Gradient of `kl_divergence` with respect to the predicted probabilities.

    .. math:: \frac{\partial L}{\partial \hat y_{ic}} = -\frac{1}{B} \, \frac{y_{ic}}{\hat y_{ic}}

    Parameters
    ----------
    y, target : arrays (batch, classes)
        In [0, 1].

    Returns
    -------
    array (batch, classes)
        In the dtype of `y`; always finite.

    Notes
    -----
    The denominator is taken as at least 1e-12, as in `binary_cross_entropy_backward`. Behind a
    softmax the product with its Jacobian is (y - d) / B.

    Deck C "Choices for divergence".

    Examples
    --------
    >>> kl_divergence_backward([[0.5, 0.25, 0.25]], [[0.5, 0.125, 0.375]])
    array([[-1. , -0.5, -1.5]])
    """
    y, target = _as_probabilities(*_as_pair(y, target))
    dy = empty_like(y)
    constants = map(y.dtype.type, (_MIN_DENOMINATOR, len(y)))
    by_rows(_kl_divergence_backward_kernel, (y, target, dy), *constants)
    return dy


@njit
def _softmax_cross_entropy_kernel(logits, labels, row_of_exp, count):
    """Equation loss-softmax-cross-entropy."""
    batch, classes = logits.shape
    # (loss-softmax-cross-entropy)  L = 1/B sum_i (log sum_c exp(z_ic - t_i)
    #                                               - (z_{i,label} - t_i))
    # With t_i the largest logit, exp cannot overflow and the sum is at least 1.
    loss = np.float64(0.0)
    for i in range(batch):
        row = logits[i]
        top = largest(row)
        for c in range(classes):
            row_of_exp[c] = exp_nonpositive(row[c] - top)
        loss += log(total(row_of_exp)) - (row[labels[i]] - top)
    return loss / count


def softmax_cross_entropy(logits: ArrayLike, labels: ArrayLike) -> float:
    r"""Mean cross-entropy of softmax probabilities, from the logits.

    .. math:: L = \frac{1}{B} \sum_{i=1}^{B}
              \Bigl( \log \sum_c e^{z_{ic}} - z_{i, y_i} \Bigr)

    Parameters
    ----------
    logits : array (batch, classes)
        z, before the softmax.
    labels : integer array (batch,)
        y, the class of each example, counted from 0.

    Returns
    -------
    float
        In nats; finite as long as the differences of the logits are in the range of their dtype.

    Notes
    -----
    PyTorch's ``cross_entropy`` and optax's ``softmax_cross_entropy_with_integer_labels``, averaged.
    The KL divergence of deck C "Choices for divergence" for a one-hot target, behind a softmax.

    Examples
    --------
    >>> round(softmax_cross_entropy([[0.0, 0.0], [1e4, 0.0]], [0, 0]), 4)
    0.3466
    """
    logits, labels = _as_classified(logits, labels)
    batch, classes = logits.shape

    def loss_of(logits: FloatArray, labels: NDArray[np.int64]) -> float:
        row_of_exp = np.empty(classes, logits.dtype)
        return _softmax_cross_entropy_kernel(logits, labels, row_of_exp, batch)

    return _total(loss_of, (logits, labels))


@njit
def _softmax_cross_entropy_backward_kernel(logits, labels, dlogits, count):
    """Equations loss-softmax-cross-entropy-backward and act-softmax."""
    batch, classes = logits.shape
    # (act-softmax)                          p_ic = exp(z_ic - t_i) / sum_k exp(z_ik - t_i)
    # (loss-softmax-cross-entropy-backward)  dL/dz_ic = 1/B (p_ic - [c = label_i])
    for i in range(batch):
        row, p = logits[i], dlogits[i]
        top = largest(row)
        for c in range(classes):
            p[c] = exp_nonpositive(row[c] - top)
        scale = logits.dtype.type(1.0 / (count * total(p)))
        for c in range(classes):
            p[c] *= scale
        p[labels[i]] -= logits.dtype.type(1.0 / count)


def softmax_cross_entropy_backward(logits: ArrayLike, labels: ArrayLike) -> FloatArray:
    r"""Gradient of `softmax_cross_entropy` with respect to the logits.

    .. math:: \frac{\partial L}{\partial z_{ic}} = \frac{1}{B}
              \bigl( \mathrm{softmax}(z_i)_c - [c = y_i] \bigr)

    Parameters
    ----------
    logits : array (batch, classes)
    labels : integer array (batch,)

    Returns
    -------
    array (batch, classes)
        In the dtype of `logits`.

    Notes
    -----
    Softmax and logarithm are differentiated together, so that nothing is divided by a probability
    that may have underflowed. Deck C "A note on derivatives" gives the same form, the error y - d
    at the net input, for the L2 divergence only.

    Examples
    --------
    >>> softmax_cross_entropy_backward([[0.0, 0.0]], [0])
    array([[-0.5,  0.5]])
    """
    logits, labels = _as_classified(logits, labels)
    dlogits = empty_like(logits)
    by_rows(_softmax_cross_entropy_backward_kernel, (logits, labels, dlogits), float(len(logits)))
    return dlogits


@njit
def _softmax_cross_entropy_both_kernel(logits, labels, dlogits, count):
    """Equations loss-softmax-cross-entropy, loss-softmax-cross-entropy-backward and act-softmax."""
    batch, classes = logits.shape
    # As in the kernels of one of the two, which take the exponentials once here.
    loss = np.float64(0.0)
    for i in range(batch):
        row, p = logits[i], dlogits[i]
        top = largest(row)
        for c in range(classes):
            p[c] = exp_nonpositive(row[c] - top)
        sum_of_exp = total(p)
        # (loss-softmax-cross-entropy)           L = 1/B sum_i (log sum_c exp(z_ic - t_i)
        #                                                        - (z_{i,label} - t_i))
        loss += log(sum_of_exp) - (row[labels[i]] - top)
        # (act-softmax)                          p_ic = exp(z_ic - t_i) / sum_k exp(z_ik - t_i)
        # (loss-softmax-cross-entropy-backward)  dL/dz_ic = 1/B (p_ic - [c = label_i])
        scale = logits.dtype.type(1.0 / (count * sum_of_exp))
        for c in range(classes):
            p[c] *= scale
        p[labels[i]] -= logits.dtype.type(1.0 / count)
    return loss / count


def _softmax_cross_entropy_both(
    logits: ArrayLike, labels: NDArray[np.int64]
) -> tuple[float, FloatArray]:
    logits = as_batch("logits", logits)
    dlogits = empty_like(logits)
    arrays = (logits, labels, dlogits)
    return _total(_softmax_cross_entropy_both_kernel, arrays, float(len(logits))), dlogits


BOTH: dict[tuple[Callable[..., Any], Callable[..., Any]], Callable[..., Any]] = {
    (softmax_cross_entropy, softmax_cross_entropy_backward): _softmax_cross_entropy_both,
}
"""What computes a loss and its gradient for labels that were checked before: int64, one a row,
each a class."""


@njit
def _all_within_kernel(values, low, high):
    """Return whether every entry is a number from low to high."""
    within = True
    for k in range(values.size):
        within &= (values[k] >= low) & (values[k] <= high)
    return within


def _as_classified(logits: ArrayLike, labels: ArrayLike) -> tuple[FloatArray, NDArray[np.int64]]:
    """Return logits and the labels that fit them."""
    logits = as_batch("logits", logits)
    batch, classes = logits.shape
    labels = as_array("labels", labels, "integers")
    if labels.dtype.kind not in "iu":
        raise TypeError(f"labels must hold integers, got dtype {labels.dtype}")
    if labels.shape != (batch,):
        raise ValueError(f"labels must have shape {(batch,)}, got {labels.shape}")
    integers = labels.astype(np.int64, copy=False)
    if not _all_within_kernel(integers, 0, classes - 1):
        raise ValueError(
            f"labels must be in 0 ... {classes - 1}, got {labels.min()} ... {labels.max()}"
        )
    return logits, integers


@njit
def _margin_losses_kernel(z, wrong, squared, squared_sigmoid, squared_tanh, cross_entropy):
    """Equations loss-margin-misclassification, loss-margin-squared, loss-margin-squared-sigmoid,
    loss-margin-squared-tanh and loss-margin-cross-entropy.
    """
    log_2 = z.dtype.type(math.log(2.0))
    for k in range(z.size):
        # 1 - s(z) = s(-z) and 1 - tanh(z) = 2 s(-2 z), from exp of a negative number.
        e = exp_nonpositive(-abs(z[k]))
        short_of_sigmoid = (e if z[k] >= 0 else _ONE) / (_ONE + e)
        short_of_tanh = _TWO * (e * e if z[k] >= 0 else _ONE) / (_ONE + e * e)
        # (loss-margin-misclassification)  E = [z <= 0]
        wrong[k] = _ZERO if z[k] > 0 else _ONE
        # (loss-margin-squared)            E = (1 - z)^2
        squared[k] = (_ONE - z[k]) * (_ONE - z[k])
        # (loss-margin-squared-sigmoid)    E = (1 - s(z))^2
        squared_sigmoid[k] = short_of_sigmoid * short_of_sigmoid
        # (loss-margin-squared-tanh)       E = (1 - tanh(z))^2
        squared_tanh[k] = short_of_tanh * short_of_tanh
        # (loss-margin-cross-entropy)      E = log(1 + exp(-z)) / log(2)
        cross_entropy[k] = ((-z[k] if z[k] < 0 else _ZERO) + log1p(e)) / log_2


def margin_losses(z: ArrayLike) -> dict[str, FloatArray]:
    r"""Error functions of a two-class decision, as functions of the margin (deck L's comparison).

    .. math:: E_{01} = [z \le 0], \quad E_2 = (1 - z)^2, \quad E_\sigma = (1 - \sigma(z))^2, \\
              E_{\tanh} = (1 - \tanh z)^2, \quad E_{CE} = \frac{\log(1 + e^{-z})}{\log 2}

    Parameters
    ----------
    z : array
        The margin: the target, -1 or 1, times the net output y(x). Positive where the decision is
        right.

    Returns
    -------
    dict of arrays of the shape and dtype of `z`
        ``"misclassification"`` (a margin of 0 counts as wrong), ``"squared_error"``,
        ``"squared_error_sigmoid"`` (targets 0 and 1), ``"squared_error_tanh"`` and
        ``"cross_entropy"``, in bits, so that it is 1 at a margin of 0 and nowhere below the
        misclassification error.

    Notes
    -----
    The squared error also grows where the decision is more than right. Behind a sigmoid or tanh it
    does not, but it is flat where the decision is badly wrong: no gradient leads out. The
    cross-entropy has neither fault, its slope there is that of a straight line.

    Deck L "Another Note on Error Functions"; Bishop (2006), figure 7.5.

    Examples
    --------
    >>> losses = margin_losses([-9.0, 0.0, 3.0])
    >>> losses["squared_error"]
    array([100.,   1.,   4.])
    >>> losses["squared_error_tanh"].round(3)
    array([4., 1., 0.])
    >>> losses["cross_entropy"].round(3)
    array([12.984,  1.   ,  0.07 ])
    """
    z = as_float_array("z", z)
    names = (
        "misclassification",
        "squared_error",
        "squared_error_sigmoid",
        "squared_error_tanh",
        "cross_entropy",
    )
    losses = {name: empty_like(z) for name in names}
    _margin_losses_kernel(z.reshape(-1), *(loss.reshape(-1) for loss in losses.values()))
    return losses
