"""Argument checks whose errors name the argument, what was expected and what came."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterable, Mapping, Set
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from gradlab._jit import njit

T = TypeVar("T")

FloatArray = NDArray[Any]
"""An array of float32 or float64."""

_FLOAT32, _FLOAT64 = np.dtype(np.float32), np.dtype(np.float64)


def as_array(name: str, value: ArrayLike, of: str = "numbers") -> NDArray[Any]:
    """Return `value` as an array without a mask.

    Raises
    ------
    TypeError
        If an entry is masked: a mask would be lost, and what it hides would count.
    ValueError
        If the rows have different lengths.
    """
    if type(value) is np.ndarray:
        return value
    parts = value if isinstance(value, (list, tuple)) else (value,)
    if any(isinstance(part, np.ma.MaskedArray) and np.ma.is_masked(part) for part in parts):
        raise TypeError(f"{name} must not be masked: fill the masked entries or leave them out")
    try:
        return np.asarray(value)
    except ValueError as error:
        raise ValueError(f"{name} must be a rectangular array of {of}: {error}") from None


def as_float_array(
    name: str, value: ArrayLike, *, ndim: int | None = None, dtype: DTypeLike | None = None
) -> FloatArray:
    """Return `value` as a C-contiguous float array in native byte order.

    float32 and float64 stay as they are and integers become float64, unless `dtype` asks for one
    of the two.

    Raises
    ------
    TypeError
        If the values are not real numbers, or of a precision that no kernel is compiled for, or
        masked.
    ValueError
        If the rows have different lengths, or the number of dimensions is not `ndim`.
    """
    array = value if type(value) is np.ndarray else as_array(name, value)
    # Most arrays are as they should be, and a small one takes less time than these checks.
    if (
        (array.dtype is _FLOAT32 or array.dtype is _FLOAT64)
        and array.flags.c_contiguous
        and (ndim is None or array.ndim == ndim)
        and (dtype is None or array.dtype == dtype)
    ):
        return array
    kind, size = array.dtype.kind, array.dtype.itemsize
    if not (kind in "iu" or (kind == "f" and size in (4, 8))):
        raise TypeError(
            f"{name} must hold float32, float64 or integer numbers, got dtype {array.dtype}"
        )
    if ndim is not None and array.ndim != ndim:
        raise ValueError(f"{name} must have {ndim} dimension(s), got shape {array.shape}")
    if dtype is None:
        dtype = np.float32 if (kind, size) == ("f", 4) else np.float64
    return np.asarray(array, dtype=dtype, order="C")


@njit
def _is_finite_kernel(values):
    finite = True
    for k in range(values.size):
        # A comparison, since inf - inf would warn where the kernel runs as plain Python.
        finite &= abs(values[k]) < np.inf
    return finite


def is_finite(array: ArrayLike) -> bool:
    """Return whether every entry is a finite number, in one pass."""
    if type(array) is np.ndarray and (array.dtype is _FLOAT32 or array.dtype is _FLOAT64):
        return bool(_is_finite_kernel(array.ravel()))
    return bool(np.isfinite(array).all())


def shapes_of(arrays: Iterable[ArrayLike]) -> list[tuple[int, ...]]:
    """Return the shape of each array, or of what can become one."""
    return [a.shape if type(a) is np.ndarray else np.shape(a) for a in arrays]


def as_list(name: str, values: Any) -> list[Any]:
    """Return the entries of a sequence, or of an iterator, which can be walked only once."""
    if type(values) is list:
        return values.copy()
    try:
        if isinstance(values, (str, bytes, Mapping, Set)):
            raise TypeError
        entries = iter(values)
    except TypeError:
        raise TypeError(f"{name} must be a sequence, got {type(values).__name__}") from None
    return list(entries)


def as_batch(name: str, value: ArrayLike, *, min_rows: int = 1) -> FloatArray:
    """Return `value` as a float array of shape (batch, features), neither of them empty."""
    array = as_float_array(name, value, ndim=2)
    rows, features = array.shape
    if rows < min_rows:
        raise ValueError(
            f"{name} must have at least {min_rows} row(s), one an example, got shape {array.shape}"
        )
    if features == 0:
        raise ValueError(f"{name} must have at least one feature, got shape {array.shape}")
    return array


def as_inputs(name: str, value: ArrayLike) -> FloatArray:
    """Return a batch as a user has it: a data frame will do too, and True and False are 1 and 0.

    Raises
    ------
    TypeError
        If a column of a data frame holds no numbers; or as in `as_batch`.
    """
    if isinstance(value, np.ndarray) and value.dtype.kind != "b":
        return as_batch(name, value)
    array = as_array(name, value)
    if array.dtype.kind == "O" and hasattr(value, "columns") and hasattr(value, "dtypes"):
        kinds = [getattr(dtype, "kind", "O") for dtype in value.dtypes]
        bad = [c for c, kind in zip(value.columns, kinds, strict=True) if kind not in "biuf"]
        if bad:
            raise TypeError(
                f"{name} must hold numbers, got the columns {bad} without: leave them out, or "
                "encode them, as pandas.get_dummies does"
            )
        # Columns of different types, whose common one is that of any object.
        array = array.astype(np.float64)
    return as_batch(name, array.astype(np.float64) if array.dtype.kind == "b" else array)


def as_vector(name: str, value: ArrayLike) -> FloatArray:
    """Return `value` as a float array of shape (features,), not empty."""
    array = as_float_array(name, value, ndim=1)
    if array.size == 0:
        raise ValueError(f"{name} must have at least one entry, got shape {array.shape}")
    return array


def as_image_batch(name: str, value: ArrayLike) -> FloatArray:
    """Return `value` as a float array of images, with or without channels; none of it empty."""
    array = as_float_array(name, value)
    if array.ndim not in (3, 4) or array.size == 0:
        raise ValueError(
            f"{name} must have shape (batch, height, width) or (batch, height, width, channels), "
            f"none of them 0, got {array.shape}"
        )
    return array


def as_shaped(
    name: str, value: ArrayLike, shape: tuple[int, ...], dtype: DTypeLike | None = None
) -> FloatArray:
    """Return `value` as a float array of exactly this shape: nothing is broadcast."""
    array = as_float_array(name, value, dtype=dtype)
    if array.shape != shape:
        raise ValueError(f"{name} must have shape {shape}, got {array.shape}")
    return array


def as_variance(
    name: str, value: ArrayLike, shape: tuple[int, ...], dtype: DTypeLike | None = None
) -> FloatArray:
    """Return `value` as an array of this shape without a negative entry."""
    array = as_shaped(name, value, shape, dtype)
    if (array < 0).any():
        raise ValueError(f"{name} must not be negative, got a smallest entry of {array.min()}")
    return array


def as_real(
    name: str,
    value: Any,
    *,
    low: float = -math.inf,
    high: float = math.inf,
    low_open: bool = False,
    high_open: bool = False,
) -> float:
    """Return `value` as a finite float in the interval; an open end is itself left out."""
    number = value if type(value) is float else _as_number(name, value)
    too_low = number <= low if low_open else number < low
    too_high = number >= high if high_open else number > high
    if not math.isfinite(number) or too_low or too_high:
        left = f"{'(' if low_open or math.isinf(low) else '['}{low:g}"
        right = f"{high:g}{')' if high_open or math.isinf(high) else ']'}"
        raise ValueError(f"{name} must be in {left}, {right}, got {value!r}")
    return number


def as_positive(name: str, value: Any) -> float:
    """Return `value` as a finite float above 0."""
    return as_real(name, value, low=0.0, low_open=True)


def as_fraction(name: str, value: Any) -> float:
    """Return `value` as a float in [0, 1): a share that leaves something."""
    return as_real(name, value, low=0.0, high=1.0, high_open=True)


def _as_number(name: str, value: Any) -> float:
    if isinstance(value, (str, bytes, bool, np.bool_)) or np.iscomplexobj(value):
        raise TypeError(f"{name} must be a real number, got {value!r}")
    if np.ma.is_masked(value):
        raise TypeError(f"{name} must not be masked")
    try:
        return float(value)
    except OverflowError:
        raise ValueError(f"{name} must be finite, got an integer beyond float64") from None
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be a real number, got {value!r}") from None


def as_metric(name: str, value: Any) -> float:
    """Return `value` as a float, which need not be finite: a run that diverges has a metric too."""
    number = isinstance(value, (float, np.floating)) or (
        isinstance(value, np.ndarray) and value.shape == () and value.dtype.kind == "f"
    )
    return _as_number(name, value) if number else as_real(name, value)


def as_flag(name: str, value: Any) -> bool:
    """Return `value` if it is True or False; 0 and 1 are numbers."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} must be True or False, got {value!r}")
    return bool(value)


def as_choice(name: str, value: Any, choices: Iterable[str]) -> str:
    """Return `value` if it is one of these strings."""
    known = list(choices)
    # The type first: an array would be compared entry by entry.
    if not isinstance(value, str) or value not in known:
        *first, last = map(repr, known)
        raise ValueError(f"{name} must be {', '.join(first)} or {last}, got {value!r}")
    return value


def as_cache(value: Any, kind: type[T], forward: str) -> T:
    """Return what a forward pass handed out for its backward pass."""
    if not isinstance(value, kind):
        raise TypeError(
            f"cache must be the {kind.__name__} that {forward} returned, got {type(value).__name__}"
        )
    return value


def as_float_dtype(name: str, value: Any) -> np.dtype[Any]:
    """Return float32 or float64 as a dtype."""
    try:
        dtype = np.dtype(value)
    except TypeError:
        dtype = None
    if dtype not in (np.float32, np.float64):
        raise TypeError(f"{name} must be float32 or float64, got {value!r}")
    return dtype


def as_rng(name: str, value: Any) -> np.random.Generator:
    """Return `value` if it is a random number generator."""
    if not isinstance(value, np.random.Generator):
        seed = value if type(value) is int else ""
        raise TypeError(
            f"{name} must be a numpy.random.Generator, got {type(value).__name__}: pass "
            f"numpy.random.default_rng({seed})"
        )
    return value


def as_integer(name: str, value: Any, *, low: int | None = None) -> int:
    """Return `value` as an int that is at least `low`."""
    if isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name} must be an integer, got {value!r}")
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} must be an integer, got {value!r}") from None
    if low is not None and number < low:
        raise ValueError(f"{name} must be at least {low}, got {number}")
    return number
