"""TITLE: TODO: the topic in three sentences.

Chapter: ``book/SLUG.md``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from gradlab._jit import njit
from gradlab._validate import FloatArray, as_float_array

__all__ = ["compute"]


@njit
def _compute_kernel(x, out):
    """Equation PREFIX-definition."""
    for k in range(x.size):
        # (PREFIX-definition)  TODO: the equation
        out[k] = np.nan


def compute(x: ArrayLike) -> FloatArray:
    r"""TODO: what it computes, in a line.

    .. math:: y = x

    Parameters
    ----------
    x : array
        TODO: what it is, with its unit.

    Returns
    -------
    array of the shape and dtype of `x`

    Notes
    -----
    Equation PREFIX-definition.

    Examples
    --------
    >>> compute([1.0])
    array([1.])
    """
    x = as_float_array("x", x)
    out = np.empty_like(x)
    _compute_kernel(x.reshape(-1), out.reshape(-1))
    return out
