"""Functions of the user's that are called again and again: checks, and errors that name them."""

from __future__ import annotations

import inspect
from contextlib import suppress
from typing import Any

import numpy as np

from gradlab._validate import as_metric


class In:
    """Adds to an error from inside a function that was passed in which one it was."""

    def __init__(self, place: str) -> None:
        self.place = place

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, Exception):
            with suppress(AttributeError):
                error.add_note(f"in {self.place}")


def as_function(name: str, value: Any, *arguments: str, remedy: str = "") -> Any:
    """Return a callable that takes so many arguments."""
    if not callable(value):
        raise TypeError(f"{name} must be callable, got {value!r}")
    try:
        signature = inspect.signature(value)
    except (TypeError, ValueError):
        # Some that are written in C do not tell.
        return value
    try:
        signature.bind(*arguments)
    except TypeError as error:
        raise TypeError(
            f"{name} must take ({', '.join(arguments)}), got a function of "
            f"({', '.join(signature.parameters)}), {error}{remedy}"
        ) from None
    return value


def as_answer(name: str, value: Any) -> float:
    """Return what a function of the user answered, which must be a number."""
    if type(value) is float:
        return value
    try:
        return as_metric(name, value)
    except TypeError:
        shape = f" of shape {value.shape}" if isinstance(value, np.ndarray) else ""
        got = "None" if value is None else type(value).__name__ + shape
        raise TypeError(f"{name} must return a number, got {got}") from None
