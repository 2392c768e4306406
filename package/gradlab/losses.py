"""Losses of a batch of predictions, each with its backward pass; prediction first, then target.

Chapter: ``book/losses.md``.
Decks: C "Choosing the divergence", L "Another Note on Error Functions".
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gradlab._jit import njit
from gradlab._validate import FloatArray, as_batch

__all__ = ["softmax_cross_entropy", "softmax_cross_entropy_backward"]


@njit
def _softmax_cross_entropy_kernel(logits, labels, probabilities):
    # The largest logit is subtracted first, so that exp cannot overflow and the sum is at least 1.
    batch, classes = logits.shape
    loss = 0.0
    for i in range(batch):
        row, p = logits[i], probabilities[i]
        top = row.max()
        total = 0.0
        for c in range(classes):
            p[c] = np.exp(row[c] - top)
            total += p[c]
        for c in range(classes):
            p[c] /= total
        loss += np.log(total) - (row[labels[i]] - top)
    return loss / batch


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
        In nats; finite for any finite logits.

    Raises
    ------
    ValueError
        If a shape does not fit, or a label names no class.
    TypeError
        If `logits` does not hold real numbers or `labels` integers.

    Notes
    -----
    Deck C "For multi-class classification".

    Examples
    --------
    >>> round(softmax_cross_entropy([[0.0, 0.0], [1e4, 0.0]], [0, 0]), 4)
    0.3466
    """
    loss, _, _ = _softmax_cross_entropy(logits, labels)
    return loss


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

    Raises
    ------
    ValueError
        If a shape does not fit, or a label names no class.
    TypeError
        If `logits` does not hold real numbers or `labels` integers.

    Examples
    --------
    >>> softmax_cross_entropy_backward([[0.0, 0.0]], [0])
    array([[-0.5,  0.5]])
    """
    _, dlogits, labels = _softmax_cross_entropy(logits, labels)
    batch = dlogits.shape[0]
    dlogits[np.arange(batch), labels] -= 1
    dlogits /= batch
    return dlogits


def _softmax_cross_entropy(
    logits: ArrayLike, labels: ArrayLike
) -> tuple[float, FloatArray, NDArray[np.int64]]:
    """Return the loss, the probabilities and the checked labels."""
    logits = as_batch("logits", logits)
    batch, classes = logits.shape
    labels = np.asarray(labels)
    if labels.dtype.kind not in "iu":
        raise TypeError(f"labels must hold integers, got dtype {labels.dtype}")
    if labels.shape != (batch,):
        raise ValueError(f"labels must have shape {(batch,)}, got {labels.shape}")
    if labels.min() < 0 or labels.max() >= classes:
        raise ValueError(
            f"labels must be in 0 ... {classes - 1}, got {labels.min()} ... {labels.max()}"
        )
    labels = labels.astype(np.int64)
    probabilities = np.empty_like(logits)
    loss = _softmax_cross_entropy_kernel(logits, labels, probabilities)
    return float(loss), probabilities, labels
