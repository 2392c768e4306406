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
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradlab.checks._model import Case, Criterion, Exercise, Function, Misconception, call_once

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
    equations: tuple[str, ...] = ()

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


class _Guarded:
    """The student's function: what goes in is a copy, what comes out is plain data.

    So an `observe` that calls it many times is not misled by what it writes to or returns.
    """

    def __init__(self, exercise: Exercise, function: Function, case: Case) -> None:
        self._exercise, self._function = exercise, function
        once = exercise.observe is call_once
        self._parameters = tuple(case.arguments) if once else exercise.parameters
        self.changed: list[str] = []

    def __call__(self, *arguments: Any) -> Any:
        given = [_copied(value) for value in arguments]
        result = self._function(*given)
        for name, before, after in zip(self._parameters, arguments, given, strict=False):
            if name not in self.changed and not _identical(after, before):
                self.changed.append(name)
        exercise = self._exercise
        names = exercise.returns or exercise.outputs
        parts = _as_outputs(result, names, exercise.lists)
        # A single number as such: `count += 1` must not write to what the next call is given.
        values = tuple(
            parts[name] if name in exercise.lists else parts[name][0][()] for name in names
        )
        return values if len(names) > 1 else values[0]


def _call(exercise: Exercise, function: Function, case: Case) -> Outcome:
    outcome = Outcome(case, _observed(exercise, exercise.reference, case))
    guarded = _Guarded(exercise, function, case)
    # nbgrader gives 0 to a cell that wrote to stderr, which an honest warning does.
    stderr = io.StringIO()
    with (
        warnings.catch_warnings(record=True) as caught,
        contextlib.redirect_stderr(stderr),
        np.errstate(all="warn", under="ignore"),
    ):
        warnings.simplefilter("always")
        try:
            outcome.got = _observed(exercise, guarded, case)
        except NotDataError as error:
            outcome.error = str(error)
        except (Exception, SystemExit) as error:
            outcome.error = _describe(error)
    if caught:
        outcome.warning = f"{caught[0].category.__name__}: {caught[0].message}"[:300]
    elif stderr.getvalue():
        outcome.warning = stderr.getvalue().strip().splitlines()[0][:300]
    outcome.changed = tuple(guarded.changed)
    return outcome


def _observed(exercise: Exercise, function: Function, case: Case) -> dict[str, Parts]:
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
    if len(names) == 1:
        return {names[0]: _as_parts(names[0], result, lists)}
    wanted = f"({', '.join(names)})"
    if type(result) not in (tuple, list):
        came = "nothing" if result is None else f"one value of type {type(result).__name__}"
        raise NotDataError(f"Return the tuple {wanted}; your function returned {came}")
    if len(result) != len(names):
        raise NotDataError(
            f"Return the tuple {wanted}; your function returned {len(result)} value(s)"
        )
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
    if value.dtype.kind not in "iufb":
        raise NotDataError(f"{name} must hold real numbers, got dtype {value.dtype}")
    return value


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


def _describe(error: BaseException) -> str:
    """One line about an exception, with the line of the student's code where it left."""
    if type(error) is NotImplementedError and not str(error):
        return "Your function is not written yet: it raises NotImplementedError"
    text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    # The innermost frame of the student's own code: the notebook's, not ours nor a library's.
    frames = traceback.extract_tb(error.__traceback__)
    own = [f for f in frames if not ("site-packages" in f.filename or _OURS in f.filename)]
    if not own:
        return f"Your function raised {text[:500]}"
    line = (linecache.getline(own[-1].filename, own[-1].lineno or 0)).strip()
    where = f" in line {own[-1].lineno} of its cell" + (f" ({line[:120]})" if line else "")
    return f"Your function raised {text[:500]}{where}"


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


def _same_but_for_axes_of_length_one(a: tuple[int, ...], b: tuple[int, ...]) -> bool:
    return [n for n in a if n != 1] == [n for n in b if n != 1]


def _mismatch(
    exercise: Exercise, criterion: Criterion, name: str, expected: Parts, got: Parts
) -> str:
    """Return where `got` first differs from `expected`, or an empty string."""
    if name not in exercise.lists:
        return _differs(exercise, criterion, name, expected[0], got[0])
    if len(expected) != len(got):
        return f"{name} has {len(got)} entries, expected {len(expected)}"
    problems = (
        _differs(exercise, criterion, f"{name}[{k}]", *pair)
        for k, pair in enumerate(zip(expected, got, strict=True))
    )
    return next(filter(None, problems), "")


def _differs(
    exercise: Exercise, criterion: Criterion, name: str, expected: NDArray[Any], got: NDArray[Any]
) -> str:
    """A wrong shape is the shape criterion's business as long as the entries still correspond."""
    if got.shape != expected.shape:
        if not _same_but_for_axes_of_length_one(got.shape, expected.shape):
            return f"{name} has shape {got.shape}, expected {expected.shape}"
        got = got.reshape(expected.shape)
    # Counts and masks are right or wrong.
    tolerance = criterion.tolerance or exercise.tolerance.get(str(expected.dtype), (0.0, 0.0))
    reference, got = expected.astype(np.float64), got.astype(np.float64)
    scale = np.abs(reference)
    if reference.ndim > 1:
        scale = scale.max(axis=0, keepdims=True)
    with np.errstate(all="ignore"):
        close = np.abs(got - reference) <= tolerance[0] * scale + tolerance[1]
    # Where infinity is due, only infinity is right. No reference has a nan; a mistake that is being
    # recognised may have.
    same = (got == reference) | (np.isnan(got) & np.isnan(reference))
    wrong = np.where(np.isfinite(reference), ~close, ~same)
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
                _mismatch(exercise, criterion, name, outcome.expected[name], outcome.got[name])
                for name in criterion.outputs
            )
            problem = next(filter(None, problems), "")
        if problem:
            finding = Finding(criterion, False, problem, outcome.case.label)
            found = _recognise(exercise, criterion, outcomes)
            if found:
                finding.misconception = found.name
                finding.hint = found.hint
                finding.equations = (found.equation,)
            elif not outcome.error:
                finding.equations = criterion.equations
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
        try:
            wrong = _observed(exercise, variant, outcome.case)
        except Exception:  # A mistake that fits some shapes alone is not what happened here.
            return False
        for name in criterion.outputs:
            pairs = zip(wrong[name], outcome.expected[name], strict=False)
            numbers = [ours.astype(right.dtype) for ours, right in pairs]
            numbers += wrong[name][len(numbers) :]
            if _mismatch(exercise, criterion, name, numbers, outcome.got[name]):
                return False
    return True


def _judge_shapes(criterion: Criterion, outcomes: list[Outcome]) -> Finding:
    for outcome in outcomes:
        if outcome.error:
            return Finding(criterion, False, outcome.error, outcome.case.label)
        for name, parts in outcome.expected.items():
            got = outcome.got[name]
            if len(parts) != len(got):
                detail = f"{name} has {len(got)} entries, expected {len(parts)}"
                return Finding(criterion, False, detail, outcome.case.label)
            for k, pair in enumerate(zip(parts, got, strict=True)):
                label = f"{name}[{k}]" if len(parts) > 1 else name
                finding = _judge_shape(criterion, label, *pair)
                if finding:
                    return finding
    return Finding(criterion, True)


def _judge_shape(
    criterion: Criterion, name: str, expected: NDArray[Any], got: NDArray[Any]
) -> Finding | None:
    if got.shape != expected.shape:
        detail = f"{name} has shape {got.shape}, expected {expected.shape}"
        finding = Finding(criterion, False, detail)
        if _same_but_for_axes_of_length_one(got.shape, expected.shape):
            finding.misconception = "an axis of length one"
            finding.hint = (
                "The numbers are judged all the same. A sum or mean with keepdims=True, "
                "or a slice, keeps the axis."
            )
        return finding
    # A single number may well be Python's own integer.
    if got.shape and expected.dtype.kind == "f" and got.dtype.kind != "f":
        kind = "booleans" if got.dtype.kind == "b" else "integers"
        return Finding(criterion, False, f"{name} holds {kind}, expected floats")
    return None


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
