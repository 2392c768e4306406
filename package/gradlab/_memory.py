"""Memory for results: the one place that says where a large array begins."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from gradlab._jit import njit

LINE = 64
"""Bytes in a line of the cache, which are also those of the widest vector."""

LARGE = 1 << 12
"""Entries from which on it matters: below, the call takes longer than the loops gain."""


@njit
def _lead_kernel(room):
    """Return the bytes of `room` that lie before a line: compiled, since NumPy's way is slow."""
    return -room.ctypes.data % LINE


def empty(shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
    """Return an array without content that begins where a line of memory does.

    NumPy's begin at any multiple of 16 bytes: then each vector that a kernel reads or writes
    touches two lines, which costs some loops a third of their time and others nothing.
    """
    size = math.prod(shape)
    if size < LARGE:
        return np.empty(shape, dtype)
    dtype = np.dtype(dtype)
    return _at_a_line(shape, dtype, size * dtype.itemsize)


def empty_like(array: NDArray[Any]) -> NDArray[Any]:
    """Return such an array of the shape and dtype of another."""
    if array.size < LARGE:
        return np.empty_like(array)
    return _at_a_line(array.shape, array.dtype, array.nbytes)


def _at_a_line(shape: tuple[int, ...], dtype: np.dtype[Any], nbytes: int) -> NDArray[Any]:
    room = np.empty(nbytes + LINE, np.uint8)
    return np.ndarray(shape, dtype, room, _lead_kernel(room))


def full(shape: tuple[int, ...], value: float, dtype: DTypeLike) -> NDArray[Any]:
    """Return such an array that holds one value."""
    array = empty(shape, dtype)
    array[...] = value
    return array
