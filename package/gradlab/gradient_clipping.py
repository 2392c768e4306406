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
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import ArrayLike

from gradlab._jit import njit, njit_sums
from gradlab._memory import empty_like
from gradlab._threads import by_rows
from gradlab._validate import FloatArray, as_choice, as_float_array, as_list, as_positive, as_real

__all__ = ["clip_by_global_norm", "clip_by_norm", "clip_by_value", "global_norm"]


def _finite(name: str, grad: FloatArray, nonfinite: str) -> FloatArray:
    """Return `grad` if it is finite; what is not raises or becomes 0."""
    finite = np.isfinite(grad)
    if finite.all():
        return grad
    if nonfinite == "zero":
        return np.where(finite, grad, grad.dtype.type(0))
    raise ValueError(
        f"{name} must be finite, got {grad.size - np.count_nonzero(finite)} of {grad.size} entries "
        f"that are not; nonfinite='zero' replaces them by 0"
    )


def _as_gradients(grads: Sequence[ArrayLike]) -> dict[str, FloatArray]:
    """Return the gradients as arrays, by the name that an error calls them."""
    names = {f"grads[{k}]": grad for k, grad in enumerate(as_list("grads", grads))}
    return {name: as_float_array(name, grad) for name, grad in names.items()}


@njit
def _clip_by_value_kernel(g, out, limit):
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
    as_choice("nonfinite", nonfinite, ("raise", "zero"))
    clipped = []
    for name, grad in _as_gradients(grads).items():
        grad = _finite(name, grad, nonfinite)
        out = empty_like(grad)
        by_rows(_clip_by_value_kernel, (grad.reshape(-1), out.reshape(-1)), grad.dtype.type(limit))
        clipped.append(out)
    return clipped


@njit_sums
def _square_sum_kernel(g, scale):
    """Equation gc-norm, the sum under its root, with `scale` = 1 / c."""
    # (gc-norm)  ||g|| = c sqrt(sum_i (g_i / c)^2)
    total = np.float64(0.0)
    for i in range(g.size):
        total += (g[i] * scale) * (g[i] * scale)
    return total


@njit
def _shorten_kernel(g, out, scale, length):
    """Equation gc-clip-norm, with `scale` = 1 / c and `length` = tau / (||g|| / c)."""
    # (gc-clip-norm)  g <- tau g / ||g|| = (g / c) tau / (||g|| / c)
    for i in range(g.size):
        out[i] = (g[i] * scale) * length


@njit
def _shorten_in_place_kernel(g, scale, length):
    """Equation gc-clip-norm, as `_shorten_kernel`, which is slow where `out` is `g`."""
    for i in range(g.size):
        g[i] = (g[i] * scale) * length


_SAFE = 1e-280
"""Sums of squares from here on have lost nothing that counts to squares that underflow."""


def _square_sum(grads: Iterable[FloatArray], scale: float) -> float:
    return sum(
        sum(by_rows(_square_sum_kernel, (grad.reshape(-1),), np.float64(scale))) for grad in grads
    )


def _norm_in_units(
    grads: dict[str, FloatArray], nonfinite: str
) -> tuple[list[FloatArray], float, float]:
    """Return the gradients, finite; 1 / c; and their common norm divided by c.

    c is 1, unless squares overflow or underflow, or an entry is not finite, which the sum of
    squares tells: then c is the power of two next to the largest magnitude, by which a number is
    divided without rounding.
    """
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        square = _square_sum(grads.values(), 1.0)
    if _SAFE <= square < math.inf:
        return list(grads.values()), 1.0, math.sqrt(square)
    finite = [_finite(name, grad, nonfinite) for name, grad in grads.items()]
    largest = max((float(np.abs(grad).max(initial=0.0)) for grad in finite), default=0.0)
    exponent = math.frexp(largest)[1]
    scale = math.ldexp(1.0, min(max(-exponent, -1022), 1000))
    return finite, scale, math.sqrt(_square_sum(finite, scale))


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
    _, scale, units = _norm_in_units(_as_gradients(grads), "raise")
    return units / scale


def _as_out(out: Sequence[FloatArray], grads: Sequence[FloatArray]) -> list[FloatArray]:
    """Return the arrays that results go to, after a check that they fit the gradients."""
    arrays = as_list("out", out)
    if len(arrays) != len(grads):
        raise ValueError(f"out must have {len(grads)} arrays, as grads, got {len(arrays)}")
    for k, (array, grad) in enumerate(zip(arrays, grads, strict=True)):
        if not isinstance(array, np.ndarray):
            raise TypeError(f"out[{k}] must be a NumPy array, got {type(array).__name__}")
        if (array.shape, array.dtype) != (grad.shape, grad.dtype):
            raise ValueError(
                f"out[{k}] must have shape {grad.shape} and dtype {grad.dtype}, as its gradient, "
                f"got {array.shape} and {array.dtype}"
            )
        if not (array.flags.writeable and array.flags.c_contiguous):
            raise ValueError(f"out[{k}] must be writeable and C-contiguous")
    return arrays


def _shorten(
    grads: dict[str, FloatArray],
    max_norm: float,
    nonfinite: str,
    eps: float,
    out: Sequence[FloatArray] | None = None,
) -> tuple[list[FloatArray], float]:
    as_choice("nonfinite", nonfinite, ("raise", "zero"))
    limit = as_positive("max_norm", max_norm)
    eps = as_real("eps", eps, low=0.0)
    to = None if out is None else _as_out(out, list(grads.values()))
    finite, scale, units = _norm_in_units(grads, nonfinite)
    norm = units / scale
    if to is None:
        to = [empty_like(grad) for grad in finite]
    short = units == 0.0 or norm + eps <= limit
    length = math.nan if short else limit / (units + eps * scale)
    for grad, array in zip(finite, to, strict=True):
        if short:
            if array is not grad:
                array[...] = grad
            continue
        # In float64 only where the gradient's own dtype might have no place for them.
        fits = scale == 1.0 and length >= np.finfo(grad.dtype).tiny
        kind = grad.dtype.type if fits else np.float64
        factors = kind(scale), kind(length)
        if array is grad:
            by_rows(_shorten_in_place_kernel, (array.reshape(-1),), *factors)
        else:
            by_rows(_shorten_kernel, (grad.reshape(-1), array.reshape(-1)), *factors)
    return to, norm


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
    clipped, _ = _shorten({"grad": as_float_array("grad", grad)}, max_norm, nonfinite, eps)
    return clipped[0]


def clip_by_global_norm(
    grads: Sequence[ArrayLike],
    max_norm: float,
    *,
    nonfinite: str = "raise",
    eps: float = 0.0,
    out: Sequence[FloatArray] | None = None,
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
    out : sequence of arrays, optional
        Where the results go: an array for each gradient, of its shape and dtype. With
        ``out=grads`` the gradients themselves are shortened, each array once, without new memory.

    Returns
    -------
    clipped : list of arrays
        Those of `out`, or new arrays, each in the dtype of its gradient; together they point where
        `grads` did.
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
    return _shorten(_as_gradients(grads), max_norm, nonfinite, eps, out)
