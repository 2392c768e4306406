"""Where numbers differ from the reference's."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradlab.checks._model import Criterion, Exercise, Function
from gradlab.checks._run import Outcome, Parts, observed

Judged = list[tuple[Criterion, Outcome]]
"""Criteria of values, with the cases that they look at."""


def same_but_for_axes_of_length_one(a: tuple[int, ...], b: tuple[int, ...]) -> bool:
    return [n for n in a if n != 1] == [n for n in b if n != 1]


def mismatch(
    exercise: Exercise, criterion: Criterion, name: str, expected: Parts, got: Parts
) -> str:
    """Return where `got` differs most from `expected`, or an empty string.

    Of a list, in the first part that differs: the first wrong step tells more than the worst.
    """
    if name not in exercise.lists:
        return differs(exercise, criterion, name, expected[0], got[0])
    if len(expected) != len(got):
        return f"{name} has {len(got)} entries, expected {len(expected)}"
    problems = (
        differs(exercise, criterion, f"{name}[{k}]", *pair)
        for k, pair in enumerate(zip(expected, got, strict=True))
    )
    return next(filter(None, problems), "")


def differs(
    exercise: Exercise, criterion: Criterion, name: str, expected: NDArray[Any], got: NDArray[Any]
) -> str:
    """Return where the error is largest, in tolerances, or an empty string if all agree.

    A wrong shape is the shape criterion's business as long as the entries still correspond.
    """
    if got.shape != expected.shape:
        if not same_but_for_axes_of_length_one(got.shape, expected.shape):
            return f"{name} has shape {got.shape}, expected {expected.shape}"
        got = got.reshape(expected.shape)
    # Counts and masks are right or wrong.
    tolerance = criterion.tolerance or exercise.tolerance.get(str(expected.dtype), (0.0, 0.0))
    worst = where_worst(tolerance, name, expected, got)
    return f"{worst[0]}: expected {worst[1]}, got {worst[2]}" if worst else ""


def where_worst(
    tolerance: tuple[float, float], name: str, expected: NDArray[Any], got: NDArray[Any]
) -> tuple[str, str, str] | None:
    """Return the entry whose error is largest, in tolerances, what is due there, and what is there.

    The arrays have one shape. None if all agree.
    """
    reference, got = expected.astype(np.float64), got.astype(np.float64)
    finite = np.isfinite(reference)
    scale = np.where(finite, np.abs(reference), 0.0)
    if reference.ndim > 1:
        scale = scale.max(axis=0, keepdims=True)
    allowed = tolerance[0] * scale + tolerance[1]
    with np.errstate(all="ignore"):
        error = np.abs(got - reference)
        wrong = ~(finite & (error <= allowed))
        if not wrong.any():
            return None
        severity = error / allowed
    # Where infinity is due, only infinity is right. No reference has a nan; a mistake that is being
    # recognised may have.
    wrong &= ~((got == reference) | (np.isnan(got) & np.isnan(reference)))
    if not wrong.any():
        return None
    severity = np.where(wrong, np.nan_to_num(severity, nan=np.inf, posinf=np.inf), -1.0)
    index = np.unravel_index(int(severity.argmax()), severity.shape)
    place = f"{name}[{', '.join(map(str, index))}]" if index else name
    return place, *_told_apart(float(reference[index]) + 0.0, float(got[index]) + 0.0)


def _told_apart(expected: float, got: float) -> tuple[str, str]:
    """Both numbers with six digits, or as many as it takes to see that they differ."""
    for digits in range(6, 18):
        pair = f"{expected:.{digits}g}", f"{got:.{digits}g}"
        if pair[0] != pair[1]:
            break
    return pair


def problems(exercise: Exercise, criterion: Criterion, outcome: Outcome) -> dict[str, str]:
    """What a criterion finds wrong in a case that ran, by output."""
    found = {
        name: mismatch(exercise, criterion, name, outcome.expected[name], outcome.got[name])
        for name in criterion.outputs
    }
    return {name: problem for name, problem in found.items() if problem}


def reproduces(exercise: Exercise, variant: Function, judged: Judged) -> bool:
    """Whether a mistake gives the student's numbers: all that are judged, in these cases."""
    seen: dict[int, dict[str, Parts]] = {}
    for criterion, outcome in judged:
        if id(outcome) not in seen:
            try:
                seen[id(outcome)] = observed(exercise, variant, outcome.case)
            except Exception:  # A mistake that fits some shapes alone is not what happened here.
                return False
        wrong = seen[id(outcome)]
        for name in criterion.outputs:
            pairs = zip(wrong[name], outcome.expected[name], strict=False)
            numbers = [
                ours.astype(right.dtype) if right.dtype.kind == "f" else ours
                for ours, right in pairs
            ]
            numbers += wrong[name][len(numbers) :]
            if mismatch(exercise, criterion, name, numbers, outcome.got[name]):
                return False
    return True
