"""Run a student's function on an exercise's cases and judge what comes back."""

from __future__ import annotations

import contextlib
import copy
import io
import linecache
import traceback
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradlab.checks._model import Case, Criterion, Exercise, Function, Misconception

MAX_ENTRIES = 1_000_000
"""More numbers than any case can ask for: a longer list is refused before it is converted."""


@dataclass
class Outcome:
    """What one call of the student's function gave."""

    case: Case
    expected: dict[str, NDArray[Any]]
    got: dict[str, NDArray[Any]] = field(default_factory=dict)
    error: str = ""
    warning: str = ""
    changed: tuple[str, ...] = ()


@dataclass
class Finding:
    """A criterion's verdict; `detail` and `hint` say what is wrong, `where` in which case."""

    criterion: Criterion
    passed: bool
    detail: str = ""
    where: str = ""
    misconception: str = ""
    hint: str = ""

    @property
    def points(self) -> float:
        """The points that this criterion earned."""
        return self.criterion.points if self.passed else 0.0


class NotDataError(Exception):
    """A result is not plain numbers; the message says what to return."""


def judge(
    exercise: Exercise, function: Function, cases: Sequence[Case]
) -> tuple[list[Finding], str]:
    """Return a finding for each criterion, and the first warning that the function gave."""
    outcomes = [_call(exercise, function, case) for case in cases]
    findings = []
    for criterion in exercise.criteria:
        mine = [o for o in outcomes if criterion.group in ("", o.case.group)]
        if criterion.kind == "values":
            findings.append(_judge_values(exercise, criterion, mine))
        elif criterion.kind == "shape":
            findings.append(_judge_shapes(criterion, mine))
        else:
            findings.append(_judge_unchanged(criterion, mine))
    # Leaving the inputs alone is no achievement of a function that computes nothing right.
    if not any(f.passed for f in findings if f.criterion.kind == "values"):
        for finding in findings:
            if finding.passed and finding.criterion.kind == "unchanged":
                finding.passed = False
                finding.detail = "Counts once one of the values above is right"
    return findings, next((o.warning for o in outcomes if o.warning), "")


def _call(exercise: Exercise, function: Function, case: Case) -> Outcome:
    expected = _reference_outputs(exercise, exercise.reference, case)
    outcome = Outcome(case, expected)
    arguments = copy.deepcopy(case.arguments)
    # nbgrader gives 0 to a cell that wrote to stderr, which an honest warning does.
    stderr = io.StringIO()
    with (
        warnings.catch_warnings(record=True) as caught,
        contextlib.redirect_stderr(stderr),
        np.errstate(all="warn"),
    ):
        warnings.simplefilter("always")
        try:
            result = function(*arguments.values())
            outcome.got = _as_outputs(result, exercise.outputs)
        except NotDataError as error:
            outcome.error = str(error)
        except (Exception, SystemExit) as error:
            outcome.error = _describe(error)
    if caught:
        outcome.warning = f"{caught[0].category.__name__}: {caught[0].message}"[:300]
    elif stderr.getvalue():
        outcome.warning = stderr.getvalue().strip().splitlines()[0][:300]
    outcome.changed = tuple(
        name for name, value in arguments.items() if not _identical(value, case.arguments[name])
    )
    return outcome


def _reference_outputs(
    exercise: Exercise, function: Function, case: Case
) -> dict[str, NDArray[Any]]:
    with np.errstate(all="ignore"):
        result = function(*copy.deepcopy(case.arguments).values())
    values = result if len(exercise.outputs) > 1 else (result,)
    return {name: np.asarray(value) for name, value in zip(exercise.outputs, values, strict=True)}


def _as_outputs(result: Any, names: tuple[str, ...]) -> dict[str, NDArray[Any]]:
    if len(names) == 1:
        return {names[0]: _as_data(names[0], result)}
    wanted = f"({', '.join(names)})"
    if type(result) not in (tuple, list):
        came = "nothing" if result is None else f"one value of type {type(result).__name__}"
        raise NotDataError(f"Return the tuple {wanted}; your function returned {came}")
    if len(result) != len(names):
        raise NotDataError(
            f"Return the tuple {wanted}; your function returned {len(result)} value(s)"
        )
    return {name: _as_data(name, value) for name, value in zip(names, result, strict=True)}


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
    if value.dtype.kind not in "iuf":
        raise NotDataError(f"{name} must hold real numbers, got dtype {value.dtype}")
    return value


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) or (
        isinstance(value, (np.floating, np.integer)) and type(value).__module__ == "numpy"
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
            elif type(item) is np.ndarray and item.dtype.kind in "iuf":
                continue
            elif not _is_number(item):
                raise NotDataError(
                    f"{name} must hold numbers, got an object of type {type(item).__name__}"
                )


def _describe(error: BaseException) -> str:
    """One line about an exception, with the line of the student's code where it left."""
    frames = traceback.extract_tb(error.__traceback__)[1:]
    text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    if not frames:
        return f"Your function raised {text[:500]}"
    # The innermost frame of the student's own code: the notebook's, not a library's.
    own = [f for f in frames if "site-packages" not in f.filename] or frames
    line = (linecache.getline(own[-1].filename, own[-1].lineno or 0)).strip()
    where = f" in line {own[-1].lineno} of its cell" + (f" ({line[:120]})" if line else "")
    return f"Your function raised {text[:500]}{where}"


def _identical(a: Any, b: Any) -> bool:
    if isinstance(b, np.ndarray):
        return type(a) is np.ndarray and a.shape == b.shape and np.array_equal(a, b, equal_nan=True)
    return bool(a == b)


def _same_but_for_axes_of_length_one(a: tuple[int, ...], b: tuple[int, ...]) -> bool:
    return [n for n in a if n != 1] == [n for n in b if n != 1]


def _mismatch(exercise: Exercise, name: str, expected: NDArray[Any], got: NDArray[Any]) -> str:
    """Return where `got` first differs from `expected`, or an empty string.

    A wrong shape is the shape criterion's business as long as the entries still correspond.
    """
    if got.shape != expected.shape:
        if not _same_but_for_axes_of_length_one(got.shape, expected.shape):
            return f"{name} has shape {got.shape}, expected {expected.shape}"
        got = got.reshape(expected.shape)
    relative, absolute = exercise.tolerance[str(expected.dtype)]
    reference = expected.astype(np.float64)
    scale = np.abs(reference)
    if reference.ndim > 1:
        scale = scale.max(axis=0, keepdims=True)
    with np.errstate(all="ignore"):
        difference = np.abs(got.astype(np.float64) - reference)
    wrong = ~(difference <= relative * scale + absolute)
    if not wrong.any():
        return ""
    index = tuple(int(k) for k in np.argwhere(wrong)[0])
    place = f"{name}[{', '.join(map(str, index))}]" if index else name
    return f"{place}: expected {reference[index]:.6g}, got {got[index]:.6g}"


def _judge_values(exercise: Exercise, criterion: Criterion, outcomes: list[Outcome]) -> Finding:
    for outcome in outcomes:
        problem = outcome.error
        if not problem:
            problems = (
                _mismatch(exercise, name, outcome.expected[name], outcome.got[name])
                for name in criterion.outputs
            )
            problem = next(filter(None, problems), "")
        if problem:
            finding = Finding(criterion, False, problem, outcome.case.label)
            found = _recognise(exercise, criterion, outcomes)
            if found:
                finding.misconception = found.name
                finding.hint = f"{found.hint} Read again: equation {found.equation}."
            elif not outcome.error and criterion.equations:
                finding.hint = f"Read again: equation {', '.join(criterion.equations)}."
            return finding
    return Finding(criterion, True)


def _recognise(
    exercise: Exercise, criterion: Criterion, outcomes: list[Outcome]
) -> Misconception | None:
    """Return the first misconception that reproduces the student's numbers on every case."""
    if any(outcome.error for outcome in outcomes):
        return None
    for misconception in exercise.misconceptions:
        for variant in misconception.variants:
            if _reproduces(exercise, criterion, variant, outcomes):
                return misconception
    return None


def _reproduces(
    exercise: Exercise, criterion: Criterion, variant: Function, outcomes: list[Outcome]
) -> bool:
    for outcome in outcomes:
        wrong = _reference_outputs(exercise, variant, outcome.case)
        for name in criterion.outputs:
            numbers = wrong[name].astype(outcome.expected[name].dtype)
            if _mismatch(exercise, name, numbers, outcome.got[name]):
                return False
    return True


def _judge_shapes(criterion: Criterion, outcomes: list[Outcome]) -> Finding:
    for outcome in outcomes:
        if outcome.error:
            return Finding(criterion, False, outcome.error, outcome.case.label)
        for name, expected in outcome.expected.items():
            got = outcome.got[name]
            if got.shape != expected.shape:
                finding = Finding(
                    criterion, False, f"{name} has shape {got.shape}, expected {expected.shape}"
                )
                if _same_but_for_axes_of_length_one(got.shape, expected.shape):
                    finding.misconception = "an axis of length one"
                    finding.hint = (
                        "The numbers are judged all the same. A sum or mean with keepdims=True, "
                        "or a slice, keeps the axis."
                    )
                return finding
            if got.dtype.kind != "f":
                return Finding(criterion, False, f"{name} holds integers, expected floats")
    return Finding(criterion, True)


def _judge_unchanged(criterion: Criterion, outcomes: list[Outcome]) -> Finding:
    for outcome in outcomes:
        if outcome.error:
            return Finding(criterion, False, outcome.error, outcome.case.label)
        if outcome.changed:
            names = " and ".join(outcome.changed)
            finding = Finding(criterion, False, f"Your function wrote to {names}")
            finding.hint = "a -= b writes to the caller's array; a = a - b makes a new one."
            return finding
    return Finding(criterion, True)
