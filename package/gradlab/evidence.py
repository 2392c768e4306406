"""Claims of the book, each with the runs that it rests on: asserted here, listed on one page.

A sentence of a chapter that compares has a claim in a hidden cell, which fails the build if it
stops being true. Three forms: `each`, which must hold with every seed; `mean`, which must hold on
average by more than chance explains; and `exact`, for what draws nothing at random.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

__all__ = ["MINIMUM", "each", "exact", "mean"]

MINIMUM = 5
"""Seeds, at least, on which a claim about something random rests."""

MIME = "application/vnd.gradlab.claim+json"


def each(sentence: str, holds: ArrayLike) -> None:
    """Assert that something holds with each of five seeds or more.

    Parameters
    ----------
    sentence : str
        The claim with its conditions, as a reader of the list of claims understands it.
    holds : array_like of bool, shape (seeds, ...)
        The first axis is the seeds; what follows are further cases in which it must hold.

    Raises
    ------
    AssertionError
        If it fails, with the seeds at which it does.
    ValueError
        If there are fewer than `MINIMUM` seeds.

    Examples
    --------
    >>> each("late losses are below early ones", np.array([1, 1, 1, 2, 3]) < 4)
    """
    checked = _array("holds", holds)
    if checked.dtype != bool:
        raise ValueError(f"holds must have the dtype bool, got {checked.dtype}")
    failing = np.flatnonzero(~checked.reshape(len(checked), -1).all(axis=1))
    if failing.size:
        raise AssertionError(
            f"{sentence}: does not hold with {failing.size} of {len(checked)} seeds: "
            f"{', '.join(map(str, failing))}"
        )
    _show(sentence, len(checked), "holds with each of them")


def mean(sentence: str, differences: ArrayLike, *, least: float = 0.0, unit: str = "") -> None:
    r"""Assert that a mean over five seeds or more is above a bound by two standard errors.

    Parameters
    ----------
    sentence : str
        The claim with its conditions.
    differences : array_like, shape (seeds,)
        What it compares, as one number a seed that should be large: the difference between two
        methods with the same seed, for example.
    least : float, default 0
        What the mean should exceed.
    unit : str, optional
        Of the differences, such as ``"points"``, for the list.

    Raises
    ------
    AssertionError
        If the mean is not above `least` by two standard errors.
    ValueError
        If there are fewer than `MINIMUM` seeds.

    Notes
    -----
    The standard error of the mean of n differences is their standard deviation, with n - 1 in its
    denominator, divided by :math:`\sqrt n`.

    Examples
    --------
    >>> mean("the second is longer", [1.0, 1.2, 0.9, 1.1, 1.0], unit="steps")
    """
    values = _array("differences", differences).astype(float)
    if values.ndim != 1:
        raise ValueError(f"differences must have 1 dimension, got shape {values.shape}")
    middle, error = values.mean(), values.std(ddof=1) / np.sqrt(len(values))
    found = f"{middle:.3g} ± {error:.2g} {unit}".strip()
    if not middle - 2 * error > least:
        raise AssertionError(f"{sentence}: {found}, which is not above {least:g} by two errors")
    above = f", above {least:g}" if least else ""
    _show(sentence, len(values), f"on average {found}{above}")


def exact(sentence: str, holds: Any) -> None:
    """Assert something that draws nothing at random: one run says all that there is to say.

    Parameters
    ----------
    sentence : str
        The claim with its conditions.
    holds : bool or array_like of bool

    Raises
    ------
    AssertionError
        If it does not hold.

    Examples
    --------
    >>> exact("two is more than one", 2 > 1)
    """
    if not np.asarray(holds, dtype=bool).all():
        raise AssertionError(f"{sentence}: does not hold")
    _show(sentence, 0, "holds; nothing is drawn at random")


def _array(name: str, values: ArrayLike) -> np.ndarray[Any, Any]:
    """Return values over seeds as an array, if there are enough."""
    array = np.asarray(values)
    if array.ndim == 0 or len(array) < MINIMUM or array.size == 0:
        raise ValueError(
            f"{name} must have an entry for each of {MINIMUM} seeds or more, "
            f"got shape {array.shape}"
        )
    return array


def _show(sentence: str, seeds: int, result: str) -> None:
    """Leave the claim among the outputs of the cell, where the list of claims finds it."""
    if "IPython" not in sys.modules or sys.modules["IPython"].get_ipython() is None:
        return
    data = {MIME: {"sentence": sentence, "seeds": seeds, "result": result}, "text/plain": sentence}
    sys.modules["IPython"].display.display(data, raw=True)
