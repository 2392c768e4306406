"""What is seen of a wrong answer that nothing explains: where it agrees, and where it leaves."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from types import FrameType
from typing import Any

import numpy as np

from gradlab.checks._compare import Judged, problems, reproduces, where_worst
from gradlab.checks._edits import with_given
from gradlab.checks._limits import Limits
from gradlab.checks._model import Elsewhere, Exercise, Function
from gradlab.checks._run import Outcome, call, is_data, observed

LONG = 120
"""Names of cases with more characters than this are left out of a sentence."""


def what_agrees(exercise: Exercise, judged: Judged) -> str:
    """Say which outputs are right in every case, and in which cases the others are."""
    cases: dict[str, dict[str, bool]] = {}
    for criterion, outcome in judged:
        wrong = problems(exercise, criterion, outcome)
        for name in criterion.outputs:
            labels = cases.setdefault(name, {})
            labels[outcome.case.label] = labels.get(outcome.case.label, True) and name not in wrong
    always = [name for name, labels in cases.items() if all(labels.values())]
    said = [f"{_listed(always)} agree{'s' * (len(always) == 1)} in every case."] if always else []
    for name, labels in cases.items():
        right = [label for label, agrees in labels.items() if agrees]
        wrong_ones = [label for label, agrees in labels.items() if not agrees]
        if right and wrong_ones:
            word, few = (
                ("agrees", right) if len(right) <= len(wrong_ones) else ("differs", wrong_ones)
            )
            which = "; ".join(few)
            which = f": {which}" if len(which) <= LONG else ""
            said.append(f"{name} {word} in {len(few)} of {len(labels)} cases{which}.")
    return " ".join(said)


def _listed(names: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def where_it_leaves(
    exercise: Exercise, function: Function, judged: Judged, limits: Limits, deadline: float
) -> str:
    """Say which variable of the function is the first that differs from the model answer's.

    Of the same name, that is. It may well mean something else: so this is said only if the model
    answer gives all of the student's numbers, in every case, with the student's value in the place
    of its own. Where none differs, it is said which agree.
    """
    if exercise.model is None:
        return ""
    outcomes = {id(outcome): outcome for _, outcome in judged}
    pairs: dict[int, tuple[dict[str, Any], dict[str, Any]]] = {}
    for key, outcome in outcomes.items():
        mine, theirs = _Watched(function), _Watched(exercise.model)
        again = call(exercise, mine, outcome.case, limits)
        if mine.calls != 1 or time.process_time() > deadline or not _same(again, outcome):
            return ""
        observed(exercise, theirs, outcome.case)
        pairs[key] = mine.variables, theirs.variables
    agree = []
    for name in _shared(exercise, function, list(pairs.values())):
        differing = [
            (key, found)
            for key, (mine, theirs) in pairs.items()
            if (found := _differs(exercise, name, theirs[name], mine[name]))
        ]
        if not differing:
            agree.append(f"`{name}`")
        elif all(_explains(exercise, name, pairs[id(pair[1])][0][name], pair) for pair in judged):
            key, (place, right, got) = differing[0]
            return (
                f"Your `{name}` already differs from the model answer's variable of that name: "
                f"{place} is {got}, there {right} ({outcomes[key].case.label}). With yours in its "
                "place, the model answer gives all your numbers."
            )
        else:
            return ""
    if not agree:
        return ""
    verb = "is" if len(agree) == 1 else "are"
    return f"Your {_listed(agree)} {verb} as in the model answer in every case."


class _Watched:
    """A function of which the local variables are kept when it returns."""

    def __init__(self, function: Function) -> None:
        self._function, self._code = function, getattr(function, "__code__", None)
        self.variables: dict[str, Any] = {}
        self.calls = 0

    def __call__(self, *arguments: Any) -> Any:
        self.calls += 1
        if isinstance(self._function, Elsewhere):
            result, self.variables = self._function.watched(*arguments)
            return result
        before = sys.getprofile()
        sys.setprofile(self._note)
        try:
            return self._function(*arguments)
        finally:
            sys.setprofile(before)

    def _note(self, frame: FrameType, event: str, _: Any) -> None:
        if event == "return" and frame.f_code is self._code:
            self.variables = dict(frame.f_locals)


def _same(again: Outcome, before: Outcome) -> bool:
    """Whether a second call gave what the first did: what was watched is what was judged."""
    return not again.error and all(
        len(parts) == len(again.got[name])
        and all(
            np.array_equal(a, b, equal_nan=a.dtype.kind == b.dtype.kind == "f")
            for a, b in zip(again.got[name], parts, strict=True)
        )
        for name, parts in before.got.items()
    )


def _shared(
    exercise: Exercise, function: Function, pairs: list[tuple[dict[str, Any], dict[str, Any]]]
) -> Iterator[str]:
    """Yield the variables that both have in every case, in one shape, as the function has them.

    Not arguments and results, which are judged as such.
    """
    named = {*exercise.parameters, *exercise.outputs, *exercise.returns}
    for name in _own_variables(function):
        if name not in named and all(
            name in mine
            and name in theirs
            and is_data(mine[name])
            and is_data(theirs[name])
            and np.shape(mine[name]) == np.shape(theirs[name])
            for mine, theirs in pairs
        ):
            yield name


def _own_variables(function: Function) -> tuple[str, ...]:
    if isinstance(function, Elsewhere):
        return function.variables
    code = getattr(function, "__code__", None)
    return tuple(code.co_varnames[code.co_argcount :]) if code else ()


def _differs(exercise: Exercise, name: str, right: Any, got: Any) -> tuple[str, str, str] | None:
    right, got = np.asarray(right), np.asarray(got)
    tolerance = exercise.tolerance.get(str(right.dtype), (0.0, 0.0))
    return where_worst(tolerance, name, right, got)


def _explains(exercise: Exercise, name: str, value: Any, pair: Any) -> bool:
    """Whether the model answer gives the student's numbers with the student's value."""
    _, outcome = pair
    # What is returned as it stands explains nothing.
    returned = (part for parts in outcome.got.values() for part in parts)
    if any(np.array_equal(part, value) for part in returned):
        return False
    variant = with_given(exercise.model, name, value) if exercise.model else None
    return variant is not None and reproduces(exercise, variant, [pair])
