"""Random initial weights of shape (fan_in, fan_out).

Chapter: ``book/initialization.md``.
Decks: L "Initializing the Weights", S "Initialization".
Papers: X. Glorot and Y. Bengio, Understanding the Difficulty of Training Deep Feedforward Neural
Networks, AISTATS 2010; K. He et al., Delving Deep into Rectifiers, ICCV 2015.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import DTypeLike

from gradlab._validate import FloatArray, as_integer

__all__ = ["he_normal", "xavier_normal"]


def xavier_normal(
    fan_in: int, fan_out: int, rng: np.random.Generator, dtype: DTypeLike = np.float64
) -> FloatArray:
    """Glorot (Xavier) initialization: normal with variance 2 / (fan_in + fan_out).

    Parameters
    ----------
    fan_in, fan_out : int
        Inputs and outputs of the layer, at least 1.
    rng : numpy.random.Generator
    dtype : float32 or float64

    Returns
    -------
    array (fan_in, fan_out)

    Raises
    ------
    ValueError
        If a size is below 1.
    TypeError
        If a size is not an integer, `rng` is not a Generator, or `dtype` is neither of the two.

    Notes
    -----
    Glorot and Bengio (2010), eq. (12); deck L "Analysis (cont'd)".

    Examples
    --------
    >>> weight = xavier_normal(300, 500, np.random.default_rng(0))
    >>> weight.shape, round(float(weight.std()), 3)
    ((300, 500), 0.05)
    """
    fan_in, fan_out = as_integer("fan_in", fan_in, low=1), as_integer("fan_out", fan_out, low=1)
    return _normal(fan_in, fan_out, 2 / (fan_in + fan_out), rng, dtype)


def he_normal(
    fan_in: int, fan_out: int, rng: np.random.Generator, dtype: DTypeLike = np.float64
) -> FloatArray:
    """He initialization, for layers followed by ReLU: normal with variance 2 / fan_in.

    Parameters
    ----------
    fan_in, fan_out : int
        Inputs and outputs of the layer, at least 1.
    rng : numpy.random.Generator
    dtype : float32 or float64

    Returns
    -------
    array (fan_in, fan_out)

    Raises
    ------
    ValueError
        If a size is below 1.
    TypeError
        If a size is not an integer, `rng` is not a Generator, or `dtype` is neither of the two.

    Notes
    -----
    He et al. (2015), eq. (10); deck L "Extension to ReLU".

    Examples
    --------
    >>> weight = he_normal(200, 500, np.random.default_rng(0))
    >>> round(float(weight.std()), 3)
    0.1
    """
    fan_in, fan_out = as_integer("fan_in", fan_in, low=1), as_integer("fan_out", fan_out, low=1)
    return _normal(fan_in, fan_out, 2 / fan_in, rng, dtype)


def _normal(
    fan_in: int, fan_out: int, variance: float, rng: np.random.Generator, dtype: DTypeLike
) -> FloatArray:
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"rng must be a numpy.random.Generator, got {type(rng).__name__}")
    if np.dtype(dtype) not in (np.float32, np.float64):
        raise TypeError(f"dtype must be float32 or float64, got {np.dtype(dtype)}")
    return (np.sqrt(variance) * rng.standard_normal((fan_in, fan_out))).astype(dtype)
