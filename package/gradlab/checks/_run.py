"""Run a student's function on an exercise's cases, and take what comes back as data."""

from __future__ import annotations

import contextlib
import copy
import io
import linecache
import os
import re
import traceback
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradlab.checks._limits import CHARACTERS, GoneError, Limits, OvertimeError, printing_little
from gradlab.checks._model import Case, Exercise, Function, call_once

MAX_ENTRIES = 1_000_000
"""More numbers than any case can ask for: a longer list is refused before it is converted."""

_OURS = str(Path(__file__).resolve().parent.parent)

Parts = list[NDArray[Any]]
"""An output: one array, or as many as a list of arrays has."""


@dataclass
class Outcome:
    """What the student's function gave in one case."""

    case: Case
    expected: dict[str, Parts]
    got: dict[str, Parts] = field(default_factory=dict)
    error: str = ""
    raised: bool = False
    endless: bool = False
    """Whether time or memory did not suffice."""
    warning: str = ""
    changed: tuple[str, ...] = ()
    idle: frozenset[str] = frozenset()
    """What the function returned as 0, 1, NaN or an argument as it came, in every call."""
    idle_when_right: frozenset[str] = frozenset()


class NotDataError(Exception):
    """A result is not plain numbers; the message says what to return."""


class _Guarded:
    """The student's function: what goes in is a copy, what comes out is plain data.

    So an `observe` that calls it many times is not misled by what it writes to or returns.
    """

    def __init__(self, exercise: Exercise, function: Function, case: Case) -> None:
        self._exercise, self._function = exercise, function
        once = exercise.observe is call_once
        self._parameters = tuple(case.arguments) if once else exercise.parameters
        self.changed: list[str] = []
        self.idle = _Idle(exercise)

    def __call__(self, *arguments: Any) -> Any:
        given = [_copied(value) for value in arguments]
        result = self._function(*given)
        for name, before, after in zip(self._parameters, arguments, given, strict=False):
            if name not in self.changed and not _identical(after, before):
                self.changed.append(name)
        exercise = self._exercise
        names = exercise.returns or exercise.outputs
        parts = _as_outputs(result, names, exercise.lists)
        self.idle.see(arguments, parts)
        # A single number as such: `count += 1` must not write to what the next call is given.
        values = tuple(
            parts[name] if name in exercise.lists else parts[name][0][()] for name in names
        )
        return values if len(names) > 1 else values[0]


class _Idle:
    """Which outputs have been 0, 1, NaN or an argument as it came, in every call so far."""

    def __init__(self, exercise: Exercise) -> None:
        self.names = set(exercise.returns or exercise.outputs)

    def see(self, arguments: Any, parts: dict[str, Parts]) -> None:
        """Take in what one call was given and returned."""
        given = list(_arrays(arguments)) if self.names else []
        for name in tuple(self.names):
            if not all(_is_idle(part, given) for part in parts[name]):
                self.names.discard(name)


def _arrays(values: Any) -> Iterator[NDArray[Any]]:
    """The arrays and numbers among arguments, and those that their lists hold."""
    for value in values:
        if isinstance(value, (list, tuple)):
            yield from _arrays(value)
        elif isinstance(value, np.ndarray) or _is_number(value):
            yield np.asarray(value)


def _is_idle(part: NDArray[Any], given: list[NDArray[Any]]) -> bool:
    # Broadcast, for zeros are returned in any shape.
    return bool(np.isnan(part).all() or (part == 0).all() or (part == 1).all()) or any(
        part.shape == value.shape and np.array_equal(part, value) for value in given
    )


def call(exercise: Exercise, function: Function, case: Case, limits: Limits) -> Outcome:
    due = _Idle(exercise)

    def reference(*arguments: Any) -> Any:
        result = exercise.reference(*arguments)
        names = exercise.returns or exercise.outputs
        values = result if len(names) > 1 else (result,)
        parts = {
            name: [np.asarray(v) for v in (value if name in exercise.lists else [value])]
            for name, value in zip(names, values, strict=True)
        }
        due.see(arguments, parts)
        return result

    expected = observed(exercise, reference, case)
    outcome = Outcome(case, expected, idle_when_right=frozenset(due.names))
    guarded = _Guarded(exercise, function, case)
    # nbgrader gives 0 to a cell that wrote to stderr, which an honest warning does.
    stderr = io.StringIO()
    with (
        warnings.catch_warnings(record=True) as caught,
        contextlib.redirect_stderr(stderr),
        printing_little(CHARACTERS),
        np.errstate(all="warn", under="ignore"),
    ):
        warnings.simplefilter("always")
        try:
            with limits:
                try:
                    outcome.got = observed(exercise, guarded, case)
                except NotDataError as error:
                    outcome.error = str(error)
                except (OvertimeError, GoneError, MemoryError):
                    raise
                except BaseException as error:  # Nothing that a function raises ends a notebook.
                    outcome.error, outcome.raised = _describe(error), True
                if caught:
                    outcome.warning = _named(caught[0].message)[:300]
        except OvertimeError:
            outcome.error = f"Your function ran for {limits.seconds:g} seconds: does your loop end?"
            outcome.raised = outcome.endless = True
        except GoneError as error:
            outcome.error = str(error)
            outcome.raised = outcome.endless = True
        except MemoryError as error:
            outcome.error = (
                f"{_describe(error)}. In one case it may take {limits.memory / 2**20:g} MB: does a "
                "list grow without end, or has an array an axis too many?"
            )
            outcome.raised = outcome.endless = True
    if stderr.getvalue() and not outcome.warning:
        outcome.warning = stderr.getvalue().strip().splitlines()[0][:300]
    outcome.changed = tuple(guarded.changed)
    outcome.idle = frozenset(guarded.idle.names)
    return outcome


def observed(exercise: Exercise, function: Function, case: Case) -> dict[str, Parts]:
    """Return the outputs that a function, the student's or ours, has in a case."""
    arguments = copy.deepcopy(list(case.arguments.values()))
    ours = contextlib.nullcontext() if isinstance(function, _Guarded) else np.errstate(all="ignore")
    with ours:
        result = exercise.observe(function, *arguments)
    values = result if len(exercise.outputs) > 1 else (result,)
    return {
        name: [np.asarray(v) for v in (value if name in exercise.lists else [value])]
        for name, value in zip(exercise.outputs, values, strict=True)
    }


def _as_outputs(result: Any, names: tuple[str, ...], lists: tuple[str, ...]) -> dict[str, Parts]:
    wanted = names[0] if len(names) == 1 else f"the tuple ({', '.join(names)})"
    if result is None:
        raise NotDataError(f"Your function returned nothing; return {wanted}")
    if len(names) == 1:
        several = type(result) is tuple and names[0] not in lists
        if several and len({value.shape for value in result if _is_array(value)}) > 1:
            raise NotDataError(
                f"Return {wanted} alone; your function returned {len(result)} values"
            )
        return {names[0]: _as_parts(names[0], result, lists)}
    # An array of the right length unpacks as a tuple does.
    if type(result) is np.ndarray and result.ndim and len(result) == len(names):
        result = tuple(result)
    if type(result) not in (tuple, list):
        came = f"one value of type {type(result).__name__}"
        raise NotDataError(f"Return {wanted}; your function returned {came}")
    if type(result) is list and set(names) <= set(lists) and all(map(_is_array, result)):
        raise NotDataError(f"Return {wanted}; your function returned one list of arrays")
    if len(result) != len(names):
        raise NotDataError(f"Return {wanted}; your function returned {len(result)} value(s)")
    return {name: _as_parts(name, value, lists) for name, value in zip(names, result, strict=True)}


def _as_parts(name: str, value: Any, lists: tuple[str, ...]) -> Parts:
    if name not in lists:
        return [_as_data(name, value)]
    if type(value) not in (list, tuple, np.ndarray) or (
        type(value) is np.ndarray and value.ndim == 0
    ):
        came = "None" if value is None else f"an object of type {type(value).__name__}"
        raise NotDataError(f"{name} must be a list of arrays, got {came}")
    if len(value) > MAX_ENTRIES:
        raise NotDataError(f"{name} holds more than {MAX_ENTRIES} entries")
    return [_as_data(f"{name}[{k}]", part) for k, part in enumerate(value)]


def _as_data(name: str, value: Any) -> NDArray[Any]:
    """Return plain numbers as an array; types are compared exactly, so that nothing of the
    student's own (an ``__eq__``, an ``__array__``) takes part in the comparison.
    """
    if type(value) in (list, tuple):
        _check_numbers(name, value)
        try:
            value = np.array(value)
        except ValueError:
            raise NotDataError(f"the rows of {name} have different lengths") from None
    elif _is_number(value):
        value = np.array(value)
    elif type(value) is not np.ndarray:
        came = "None" if value is None else f"an object of type {type(value).__name__}"
        raise NotDataError(f"{name} must be a NumPy array or a list of numbers, got {came}")
    if value.size > MAX_ENTRIES:
        raise NotDataError(f"{name} holds more than {MAX_ENTRIES} entries")
    if value.dtype.kind not in "iufb":
        raise NotDataError(f"{name} must hold real numbers, got dtype {value.dtype}")
    return value


def _is_array(value: Any) -> bool:
    return type(value) is np.ndarray


def is_data(value: Any) -> bool:
    """Whether a value is a number, or an array of real ones."""
    return _is_number(value) or (_is_array(value) and value.dtype.kind in "iufb")


def _is_number(value: Any) -> bool:
    return type(value) in (int, float, bool) or (
        isinstance(value, (np.floating, np.integer, np.bool_)) and type(value).__module__ == "numpy"
    )


def _check_numbers(name: str, values: Any) -> None:
    """Refuse a nested list that holds anything but numbers, or that does not end."""
    count, stack = 0, [values]
    while stack:
        for item in stack.pop():
            count += 1
            if count > MAX_ENTRIES:
                raise NotDataError(f"{name} holds more than {MAX_ENTRIES} entries")
            if type(item) in (list, tuple):
                stack.append(item)
            elif type(item) is np.ndarray and item.dtype.kind in "iufb":
                continue
            elif not _is_number(item):
                raise NotDataError(
                    f"{name} must hold numbers, got an object of type {type(item).__name__}"
                )


def _named(error: BaseException | str) -> str:
    """The type and the message of an exception or warning, in one line."""
    try:
        message = str(error)
    except OvertimeError:
        raise
    except BaseException:  # The student's own class may be wrong in its message, too.
        message = "(its message cannot be read)"
    return " ".join(f"{type(error).__name__}: {message}".split()).removesuffix(":")


def _describe(error: BaseException) -> str:
    """One line about an exception, with the line of the student's code where it left."""
    if type(error) is NotImplementedError and not str(error):
        return "Your function is not written yet: it raises NotImplementedError"
    text = _named(error)
    places = _places(error)
    if not places:
        return f"Your function raised {text[:500]}"
    file, number, line = places[-1]
    if isinstance(error, TypeError) and re.match(r"raise NotImplemented\b", line):
        return "Your function is not written yet: it raises NotImplemented"
    # A module that the student imports is no cell.
    cell = file == places[0][0] or "ipykernel" in file
    where = f" in line {number} of {'its cell' if cell else os.path.basename(file)}"
    where += f" ({line[:120]})" if line else ""
    if "values to unpack" in text and ".shape" in line:
        where += ". The array has another number of axes in this case"
    if isinstance(error, RecursionError):
        where += ". It calls itself: does it reach a case in which it no longer does?"
    return f"Your function raised {text[:500]}{where}"


def _places(error: BaseException) -> list[tuple[str, int, str]]:
    """The file, number and text of each line of the student's own that an exception left."""
    if "elsewhere" in vars(error):
        return list(error.elsewhere)  # type: ignore[attr-defined]
    # The notebook's, not ours nor a library's.
    return [
        (name, number, linecache.getline(name, number).strip())
        for frame, number in traceback.walk_tb(error.__traceback__)
        if not ("site-packages" in (name := frame.f_code.co_filename) or _OURS in name)
    ]


def _copied(value: Any) -> Any:
    """Copy what holds data; a generator of random numbers has to stay the one that it is."""
    if isinstance(value, np.ndarray):
        return value.copy()
    if isinstance(value, (list, tuple)):
        return type(value)(_copied(item) for item in value)
    if isinstance(value, dict):
        return {key: _copied(item) for key, item in value.items()}
    return value


def _identical(a: Any, b: Any) -> bool:
    if isinstance(b, np.ndarray):
        return (
            type(a) is np.ndarray
            and (a.shape, a.dtype) == (b.shape, b.dtype)
            and np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
        )
    if isinstance(b, (list, tuple)):
        return type(a) is type(b) and len(a) == len(b) and all(map(_identical, a, b))
    if isinstance(b, dict):
        return type(a) is dict and a.keys() == b.keys() and all(_identical(a[k], b[k]) for k in b)
    return a is b or bool(a == b)
