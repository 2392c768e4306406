"""Judge what a student's function gave: a finding for each criterion."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from typing import Any

from numpy.typing import NDArray

from gradlab.checks._compare import problems, same_but_for_axes_of_length_one
from gradlab.checks._explain import Finding, explain
from gradlab.checks._limits import BYTES, SECONDS, Limits, nothing_left_behind
from gradlab.checks._model import Case, Criterion, Exercise, Function
from gradlab.checks._run import Outcome, call


@nothing_left_behind()
def judge(
    exercise: Exercise, function: Function, cases: Sequence[Case]
) -> tuple[list[Finding], str]:
    """Return a finding for each criterion, and the first warning that the function gave."""
    with closing(Limits(SECONDS, BYTES)) as limits:
        outcomes: list[Outcome] = []
        for case in cases:
            # What did not come back once is not waited for again.
            endless = next((o for o in outcomes if o.endless), None)
            outcomes.append(
                replace(endless, case=case) if endless else call(exercise, function, case, limits)
            )
        findings = [_judged(exercise, criterion, outcomes) for criterion in exercise.criteria]
        explain(exercise, function, findings, outcomes, limits)
    # Leaving the inputs alone is no achievement of a function that computes nothing right.
    if not any(f.passed for f in findings if f.criterion.kind == "values"):
        for finding in findings:
            if finding.passed and finding.criterion.kind == "unchanged":
                finding.passed = False
                finding.detail = "Counts once one of the values above is right"
    return findings, next((o.warning for o in outcomes if o.warning), "")


def _judged(exercise: Exercise, criterion: Criterion, outcomes: list[Outcome]) -> Finding:
    if criterion.kind == "values":
        return _judge_values(exercise, criterion, outcomes)
    if criterion.kind == "shape":
        return _judge_shapes(criterion, outcomes)
    return _judge_unchanged(criterion, outcomes)


def _judge_values(exercise: Exercise, criterion: Criterion, outcomes: list[Outcome]) -> Finding:
    finding = Finding(criterion, True)
    wrong: set[str] = set()
    for outcome in outcomes:
        if criterion.group not in ("", outcome.case.group):
            continue
        found = {"": outcome.error} if outcome.error else problems(exercise, criterion, outcome)
        wrong |= found.keys() - {""}
        if found and finding.passed:
            detail = next(iter(found.values()))
            finding = Finding(criterion, False, detail, outcome.case.label)
    finding.wrong = frozenset(wrong)
    return finding


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
        if same_but_for_axes_of_length_one(got.shape, expected.shape):
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
