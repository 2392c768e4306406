"""Run a student's function on an exercise's cases and judge what comes back."""

from __future__ import annotations

import contextlib
import copy
import io
import linecache
import re
import traceback
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradlab.checks._model import Case, Criterion, Exercise, Function, Misconception, call_once

MAX_ENTRIES = 1_000_000
"""More numbers than any case can ask for: a longer list is refused before it is converted."""

MAX_REORDERED = 5
"""With more values than this, other orders of them are too many to try."""

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
    warning: str = ""
    changed: tuple[str, ...] = ()
    idle: frozenset[str] = frozenset()
    """What the function returned as 0, 1, NaN or an argument as it came, in every call."""
    idle_when_right: frozenset[str] = frozenset()


@dataclass
class Finding:
    """A criterion's verdict; `detail` and `hint` say what is wrong, `where` in which case.

    `wrong` are the outputs that differ from the reference's in some case that ran.
    """

    criterion: Criterion
    passed: bool
    detail: str = ""
    where: str = ""
    misconception: str = ""
    hint: str = ""
    equations: tuple[str, ...] = ()
    wrong: frozenset[str] = frozenset()

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
        if criterion.kind == "values":
            findings.append(_judge_values(exercise, criterion, outcomes))
        elif criterion.kind == "shape":
            findings.append(_judge_shapes(criterion, outcomes))
        else:
            findings.append(_judge_unchanged(criterion, outcomes))
    _explain(exercise, function, [f for f in findings if f.criterion.kind == "values"], outcomes)
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


def _call(exercise: Exercise, function: Function, case: Case) -> Outcome:
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

    expected = _observed(exercise, reference, case)
    outcome = Outcome(case, expected, idle_when_right=frozenset(due.names))
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
            outcome.error, outcome.raised = _describe(error), True
    if caught:
        outcome.warning = f"{caught[0].category.__name__}: {caught[0].message}"[:300]
    elif stderr.getvalue():
        outcome.warning = stderr.getvalue().strip().splitlines()[0][:300]
    outcome.changed = tuple(guarded.changed)
    outcome.idle = frozenset(guarded.idle.names)
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
    if type(result) is list and set(names) == set(lists) and all(map(_is_array, result)):
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
    if value.dtype.kind not in "iufb":
        raise NotDataError(f"{name} must hold real numbers, got dtype {value.dtype}")
    return value


def _is_array(value: Any) -> bool:
    return type(value) is np.ndarray


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
    text = " ".join(f"{type(error).__name__}: {error}".split()).removesuffix(":")
    # The innermost frame of the student's own code: the notebook's, not ours nor a library's.
    frames = traceback.extract_tb(error.__traceback__)
    own = [f for f in frames if not ("site-packages" in f.filename or _OURS in f.filename)]
    if not own:
        return f"Your function raised {text[:500]}"
    line = (linecache.getline(own[-1].filename, own[-1].lineno or 0)).strip()
    if isinstance(error, TypeError) and re.match(r"raise NotImplemented\b", line):
        return "Your function is not written yet: it raises NotImplemented"
    where = f" in line {own[-1].lineno} of its cell" + (f" ({line[:120]})" if line else "")
    if "values to unpack" in text and ".shape" in line:
        where += ". The array has another number of axes in this case"
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
    """Return where `got` differs most from `expected`, or an empty string.

    Of a list, in the first part that differs: the first wrong step tells more than the worst.
    """
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
    """Return where the error is largest, in tolerances, or an empty string if all agree.

    A wrong shape is the shape criterion's business as long as the entries still correspond.
    """
    if got.shape != expected.shape:
        if not _same_but_for_axes_of_length_one(got.shape, expected.shape):
            return f"{name} has shape {got.shape}, expected {expected.shape}"
        got = got.reshape(expected.shape)
    # Counts and masks are right or wrong.
    tolerance = criterion.tolerance or exercise.tolerance.get(str(expected.dtype), (0.0, 0.0))
    reference, got = expected.astype(np.float64), got.astype(np.float64)
    finite = np.isfinite(reference)
    scale = np.where(finite, np.abs(reference), 0.0)
    if reference.ndim > 1:
        scale = scale.max(axis=0, keepdims=True)
    with np.errstate(all="ignore"):
        allowed = np.broadcast_to(tolerance[0] * scale + tolerance[1], reference.shape)
        error = np.abs(got - reference)
        close = finite & (error <= allowed)
        severity = error / allowed
    # Where infinity is due, only infinity is right. No reference has a nan; a mistake that is being
    # recognised may have.
    same = (got == reference) | (np.isnan(got) & np.isnan(reference))
    wrong = ~(close | same)
    if not wrong.any():
        return ""
    severity = np.where(wrong, np.nan_to_num(severity, nan=np.inf, posinf=np.inf), -1.0)
    index = np.unravel_index(int(severity.argmax()), severity.shape)
    place = f"{name}[{', '.join(map(str, index))}]" if index else name
    right, mine = _told_apart(float(reference[index]) + 0.0, float(got[index]) + 0.0)
    return f"{place}: expected {right}, got {mine}"


def _told_apart(expected: float, got: float) -> tuple[str, str]:
    """Both numbers with six digits, or as many as it takes to see that they differ."""
    for digits in range(6, 18):
        pair = f"{expected:.{digits}g}", f"{got:.{digits}g}"
        if pair[0] != pair[1]:
            break
    return pair


def _judge_values(exercise: Exercise, criterion: Criterion, outcomes: list[Outcome]) -> Finding:
    finding = Finding(criterion, True)
    wrong: set[str] = set()
    for outcome in outcomes:
        if criterion.group not in ("", outcome.case.group):
            continue
        problems = {"": outcome.error} if outcome.error else _problems(exercise, criterion, outcome)
        wrong |= problems.keys() - {""}
        if problems and finding.passed:
            detail = next(iter(problems.values()))
            finding = Finding(criterion, False, detail, outcome.case.label)
    finding.wrong = frozenset(wrong)
    return finding


def _problems(exercise: Exercise, criterion: Criterion, outcome: Outcome) -> dict[str, str]:
    """What a criterion finds wrong in a case that ran, by output."""
    found = {
        name: _mismatch(exercise, criterion, name, outcome.expected[name], outcome.got[name])
        for name in criterion.outputs
    }
    return {name: problem for name, problem in found.items() if problem}


# ---- why


Judged = list[tuple[Criterion, Outcome]]


def _explain(
    exercise: Exercise, function: Function, findings: list[Finding], outcomes: list[Outcome]
) -> None:
    """Name the mistake of the failed value criteria, or the equations to read again."""
    failed = [f for f in findings if not f.passed]
    if not failed:
        return
    # Cases of failed criteria first: most mistakes are ruled out by the first of them.
    judged = [
        (finding.criterion, outcome)
        for finding in sorted(findings, key=lambda f: f.passed)
        for outcome in outcomes
        if finding.criterion.group in ("", outcome.case.group)
    ]
    ran = [(criterion, outcome) for criterion, outcome in judged if not outcome.error]
    found = None
    if any(f.wrong for f in failed):
        found = _recognise(exercise, ran, _spoiled(failed, judged))
    # One call that raises does so in any order; of several, the first may have misled the next.
    if found is None and not (
        exercise.observe is call_once and any(outcome.raised for _, outcome in judged)
    ):
        found = _other_order(exercise, function, judged)
    already: frozenset[str] = frozenset()
    for finding in failed:
        if found and (finding.wrong or not found.variants):
            finding.misconception, finding.hint = found.name, found.hint
            finding.equations = (found.equation,) if found.equation else ()
        elif finding.wrong and not finding.wrong <= already:
            # A special case that fails because the ordinary one does says nothing of its own.
            finding.equations = finding.criterion.equations
        already |= finding.wrong


def _spoiled(failed: list[Finding], judged: Judged) -> Judged:
    """What exceptions have spoiled, if it is worth as much as the rest of what failed.

    What is left to see is then little evidence: perhaps a single example, or square matrices.
    """
    seen = sum(f.criterion.points for f in failed if f.wrong)
    lost = [f.criterion for f in failed if not f.wrong]
    if sum(criterion.points for criterion in lost) < seen:
        return []
    return [pair for pair in judged if pair[0] in lost and pair[1].error]


def _recognise(exercise: Exercise, judged: Judged, spoiled: Judged) -> Misconception | None:
    """Return the first misconception that gives the student's numbers, all of them.

    A name is an accusation. So it needs every output that is judged, in every case that ran, and
    what a function returns without having computed it is no evidence but of that. In the cases
    that are `spoiled` by exceptions, the mistake has to fail as well.
    """
    idle = _idle([outcome for _, outcome in judged])
    for misconception in exercise.misconceptions:
        if idle and not misconception.idle:
            continue
        for variant in misconception.variants:
            if _reproduces(exercise, variant, judged) and not any(
                _fails_otherwise(exercise, variant, *pair) for pair in spoiled
            ):
                return misconception
    return None


def _fails_otherwise(
    exercise: Exercise, variant: Function, criterion: Criterion, outcome: Outcome
) -> bool:
    """Whether a mistake has wrong numbers where the student's function raised an exception."""
    try:
        got = _observed(exercise, variant, outcome.case)
    except Exception:
        return False
    # Some mistakes return NaN, or what is right, where their shapes do not fit.
    if any(np.isnan(part).any() for parts in got.values() for part in parts):
        return False
    return bool(_problems(exercise, criterion, Outcome(outcome.case, outcome.expected, got)))


def _idle(outcomes: list[Outcome]) -> frozenset[str]:
    """The outputs that the function never computed, though the reference did."""
    names = frozenset.intersection(*(o.idle for o in outcomes))
    return names - frozenset.intersection(*(o.idle_when_right for o in outcomes))


def _reproduces(exercise: Exercise, variant: Function, judged: Judged) -> bool:
    seen: dict[int, dict[str, Parts]] = {}
    for criterion, outcome in judged:
        if id(outcome) not in seen:
            try:
                seen[id(outcome)] = _observed(exercise, variant, outcome.case)
            except Exception:  # A mistake that fits some shapes alone is not what happened here.
                return False
        wrong = seen[id(outcome)]
        for name in criterion.outputs:
            pairs = zip(wrong[name], outcome.expected[name], strict=False)
            numbers = [ours.astype(right.dtype) for ours, right in pairs]
            numbers += wrong[name][len(numbers) :]
            if _mismatch(exercise, criterion, name, numbers, outcome.got[name]):
                return False
    return True


def _other_order(exercise: Exercise, function: Function, judged: Judged) -> Misconception | None:
    """Say in which order the values were returned, if all are right in the one asked for."""
    names = exercise.returns or exercise.outputs
    if not 2 <= len(names) <= MAX_REORDERED:
        return None
    for order in permutations(range(len(names))):

        def reordered(*arguments: Any, order: tuple[int, ...] = order) -> Any:
            result = function(*arguments)
            if type(result) not in (tuple, list, np.ndarray) or len(result) != len(names):
                return result
            return tuple(result[k] for k in order)

        if order != tuple(range(len(names))) and _right(exercise, reordered, judged):
            returned = ", ".join(names[order.index(k)] for k in range(len(names)))
            hint = f"You return ({returned}); asked for is ({', '.join(names)})."
            return Misconception("the right values in another order", hint, "", ())
    return None


def _right(exercise: Exercise, function: Function, judged: Judged) -> bool:
    """Whether the function meets every criterion."""
    seen: dict[int, Outcome] = {}
    for criterion, outcome in judged:
        if id(outcome) not in seen:
            seen[id(outcome)] = _call(exercise, function, outcome.case)
        again = seen[id(outcome)]
        if again.error or _problems(exercise, criterion, again):
            return False
    return True


def _judge_shapes(criterion: Criterion, outcomes: list[Outcome]) -> Finding:
    """Of the cases that ran: an exception costs what it has spoiled, and no more."""
    ran = [outcome for outcome in outcomes if not outcome.error]
    if not ran:
        return Finding(criterion, False, outcomes[0].error, outcomes[0].case.label)
    for outcome in ran:
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
            finding.misconception, finding.hint = "an axis of length one", "It is in another place."
            if got.ndim > expected.ndim:
                finding.hint = "A sum or mean with keepdims=True, or a slice, keeps the axis."
            elif got.ndim < expected.ndim:
                finding.misconception = "an axis of length one that is lost"
                finding.hint = (
                    "An index, np.squeeze, or a sum without keepdims=True drops the axis."
                )
            finding.hint = f"The numbers are judged all the same. {finding.hint}"
        return finding
    # A single number may well be Python's own integer.
    if got.shape and expected.dtype.kind == "f" and got.dtype.kind != "f":
        kind = "booleans" if got.dtype.kind == "b" else "integers"
        return Finding(criterion, False, f"{name} holds {kind}, expected floats")
    return None


def _judge_unchanged(criterion: Criterion, outcomes: list[Outcome]) -> Finding:
    ran = [outcome for outcome in outcomes if not outcome.error]
    if not ran:
        return Finding(criterion, False, outcomes[0].error, outcomes[0].case.label)
    for outcome in ran:
        if outcome.changed:
            names = " and ".join(outcome.changed)
            finding = Finding(criterion, False, f"Your function wrote to {names}")
            finding.hint = "a -= b writes to the caller's array; a = a - b makes a new one."
            return finding
    return Finding(criterion, True)
