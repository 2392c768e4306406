"""Gradient clipping: keep a gradient that explodes from throwing the weights far away.

Clipping by value bounds every entry on its own and so turns the gradient; clipping by norm shortens
it and keeps its direction, for one array or for all the arrays of a network together. A gradient
that is not finite cannot be shortened, so it is refused unless the caller says otherwise.

Chapter: ``book/gradient-clipping.md``.
Decks: H "Gradient Clipping", C "Additional heuristics: Gradient clipping".
Papers: T. Mikolov, Statistical Language Models Based on Neural Networks, PhD thesis, Brno, 2012
(by value). R. Pascanu, T. Mikolov and Y. Bengio, On the Difficulty of Training Recurrent Neural
Networks, ICML 2013 (by norm).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from gradlab._jit import njit
from gradlab._validate import FloatArray, as_choice, as_float_array, as_list, as_positive, as_real

__all__ = ["clip_by_global_norm", "clip_by_norm", "clip_by_value", "global_norm"]


def _as_gradient(name: str, value: ArrayLike, nonfinite: str) -> FloatArray:
    """Return `value` as a finite array; what is not finite raises or becomes 0."""
    grad = as_float_array(name, value)
    finite = np.isfinite(grad)
    if finite.all():
        return grad
    if nonfinite == "zero":
        return np.where(finite, grad, grad.dtype.type(0))
    raise ValueError(
        f"{name} must be finite, got {grad.size - np.count_nonzero(finite)} of {grad.size} entries "
        f"that are not; nonfinite='zero' replaces them by 0"
    )


def _as_gradients(grads: Sequence[ArrayLike], nonfinite: str) -> list[FloatArray]:
    as_choice("nonfinite", nonfinite, ("raise", "zero"))
    entries = as_list("grads", grads)
    return [_as_gradient(f"grads[{k}]", grad, nonfinite) for k, grad in enumerate(entries)]


@njit
def _clip_by_value_kernel(g, limit, out):
    """Equation gc-value."""
    # (gc-value)  g <- min(max(g, -tau), tau)
    for i in range(g.size):
        out[i] = min(max(g[i], -limit), limit)


def clip_by_value(
    grads: Sequence[ArrayLike], clip_value: float, *, nonfinite: str = "raise"
) -> list[FloatArray]:
    r"""Bound every entry of the gradients on both sides.

    .. math:: g_i \leftarrow \min(\max(g_i, -\tau), \tau)

    Parameters
    ----------
    grads : sequence of arrays
        One gradient for each parameter; an empty sequence is allowed.
    clip_value : float
        :math:`\tau`, the largest magnitude that stays, positive. Deck C writes :math:`\theta` and
        calls 5 typical.
    nonfinite : {"raise", "zero"}, default "raise"
        What to do with an entry that is infinite or not a number: raise, or replace it by 0.

    Returns
    -------
    list of arrays
        New arrays, each in the dtype of its gradient. Their direction changes wherever an entry
        was clipped and another was not.

    Notes
    -----
    ``clipvalue`` in Keras, `torch.nn.utils.clip_grad_value_`, `optax.clip`. Deck C writes only the
    upper bound, which lets a derivative of -100 pass; the ceiling is meant for its magnitude.

    Decks H "Gradient Clipping" and C "Additional heuristics: Gradient clipping"; Mikolov (2012).

    Examples
    --------
    >>> clip_by_value([np.array([0.9, 100.0]), np.array([-7.0])], clip_value=1.0)
    [array([0.9, 1. ]), array([-1.])]
    """
    limit = as_positive("clip_value", clip_value)
    clipped = []
    for grad in _as_gradients(grads, nonfinite):
        out = np.empty_like(grad)
        _clip_by_value_kernel(grad.reshape(-1), limit, out.reshape(-1))
        clipped.append(out)
    return clipped


@njit
def _scaled_square_sum_kernel(g, largest):
    """Equation gc-norm, the sum under its root."""
    # (gc-norm)  ||g|| = c sqrt(sum_i (g_i / c)^2)  with c = max_i |g_i|
    total = np.float64(0.0)
    for i in range(g.size):
        total += (g[i] / largest) ** 2
    return total


@njit
def _shorten_kernel(g, largest, length, out):
    """Equation gc-clip-norm, with `length` = tau / (||g|| / c)."""
    # (gc-clip-norm)  g <- tau g / ||g|| = (g / c) tau / (||g|| / c)
    for i in range(g.size):
        out[i] = (g[i] / largest) * length


def _norm_in_units(grads: list[FloatArray]) -> tuple[float, float]:
    """Return the largest magnitude c of all arrays, and their common norm divided by it.

    The squares of g / c neither overflow nor underflow, whatever the scale of g.
    """
    largest = max((float(np.abs(g).max(initial=0.0)) for g in grads), default=0.0)
    if largest == 0.0:
        return 0.0, 0.0
    return largest, math.sqrt(sum(_scaled_square_sum_kernel(g.reshape(-1), largest) for g in grads))


def global_norm(grads: Sequence[ArrayLike]) -> float:
    r"""Euclidean norm of all gradients together, as if they were one vector.

    .. math:: \lVert g \rVert = c \sqrt{\sum_k \sum_i (g_{ki} / c)^2},
              \qquad c = \max_{k,i} |g_{ki}|

    Parameters
    ----------
    grads : sequence of arrays
        One gradient for each parameter.

    Returns
    -------
    float
        0 for a sequence without an entry; right for entries of 1e200 and of 1e-200, whose squares
        are out of range. Infinite only if the norm itself is above the largest float64.

    Raises
    ------
    ValueError
        If an entry is not finite.

    Notes
    -----
    Equation gc-global-norm, in the form gc-norm. Pascanu et al. (2013).

    Examples
    --------
    >>> global_norm([[3.0, 0.0], [4.0]])
    5.0
    >>> print(f"{global_norm([[3e200, 0.0], [4e200]]):.3g}")
    5e+200
    """
    largest, units = _norm_in_units(_as_gradients(grads, "raise"))
    return largest * units


def _shorten(
    grads: list[FloatArray], max_norm: float, eps: float
) -> tuple[list[FloatArray], float]:
    limit = as_positive("max_norm", max_norm)
    eps = as_real("eps", eps, low=0.0)
    largest, units = _norm_in_units(grads)
    norm = largest * units
    if largest == 0.0 or norm + eps <= limit:
        return [grad.copy() for grad in grads], norm
    length = limit / (units + eps / largest)
    clipped = [np.empty_like(grad) for grad in grads]
    for grad, out in zip(grads, clipped, strict=True):
        _shorten_kernel(grad.reshape(-1), largest, length, out.reshape(-1))
    return clipped, norm


def clip_by_norm(
    grad: ArrayLike, max_norm: float, *, nonfinite: str = "raise", eps: float = 0.0
) -> FloatArray:
    r"""Shorten one gradient to a largest Euclidean norm, in its own direction.

    .. math:: g \leftarrow \min\!\left(1, \frac{\tau}{\lVert g \rVert}\right) g

    Parameters
    ----------
    grad : array
        Of any shape; the norm is that of all its entries.
    max_norm : float
        :math:`\tau`, positive.
    nonfinite : {"raise", "zero"}, default "raise"
        What to do with an entry that is infinite or not a number: raise, or replace it by 0.
    eps : float, default 0
        Added to the norm; 1e-6 is PyTorch's, which leaves the result that much too short.

    Returns
    -------
    array of the shape and dtype of `grad`
        A copy where the norm is small enough already.

    Notes
    -----
    Keras's ``clipnorm``, which clips the gradient of each variable by itself.

    Deck H "Gradient Clipping"; Pascanu et al. (2013), Algorithm 1.

    Examples
    --------
    >>> clip_by_norm([0.9, 100.0], max_norm=1.0).round(7)
    array([0.0089996, 0.9999595])
    """
    as_choice("nonfinite", nonfinite, ("raise", "zero"))
    clipped, _ = _shorten([_as_gradient("grad", grad, nonfinite)], max_norm, eps)
    return clipped[0]


def clip_by_global_norm(
    grads: Sequence[ArrayLike], max_norm: float, *, nonfinite: str = "raise", eps: float = 0.0
) -> tuple[list[FloatArray], float]:
    r"""Shorten all gradients of a network by one factor, so that their common norm is bounded.

    .. math:: g_k \leftarrow \min\!\left(1, \frac{\tau}{\lVert g \rVert}\right) g_k, \qquad
              \lVert g \rVert = \sqrt{\sum_k \lVert g_k \rVert^2}

    Parameters
    ----------
    grads : sequence of arrays
        One gradient for each parameter; an empty sequence is allowed.
    max_norm : float
        :math:`\tau`, positive.
    nonfinite : {"raise", "zero"}, default "raise"
        What to do with an entry that is infinite or not a number: raise, or replace it by 0.
    eps : float, default 0
        Added to the norm; 1e-6 is PyTorch's, which leaves the result that much too short.

    Returns
    -------
    clipped : list of arrays
        New arrays, each in the dtype of its gradient; together they point where `grads` do.
    total_norm : float
        The common norm before clipping, as `global_norm` gives it.

    Notes
    -----
    ``global_clipnorm`` in Keras, `torch.nn.utils.clip_grad_norm_`, `optax.clip_by_global_norm`.
    With a norm that is not finite PyTorch goes on, unless asked to raise: entries become 0 or not a
    number.

    Deck H "Gradient Clipping", which has one norm for each variable; Pascanu et al. (2013).

    Examples
    --------
    >>> clip_by_global_norm([[3.0, 0.0], [-4.0]], max_norm=1.0)
    ([array([0.6, 0. ]), array([-0.8])], 5.0)
    """
    return _shorten(_as_gradients(grads, nonfinite), max_norm, eps)
