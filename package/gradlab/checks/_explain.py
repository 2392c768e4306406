"""Why a criterion failed: a mistake that explains everything that was seen, or no name."""

from __future__ import annotations

import io
import time
import warnings
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from itertools import permutations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradlab.checks._compare import Judged, problems, reproduces
from gradlab.checks._edits import one_place_variants, two_at_once
from gradlab.checks._limits import Limits
from gradlab.checks._model import Criterion, Exercise, Function, Misconception, call_once
from gradlab.checks._run import Outcome, Parts, call, observed
from gradlab.checks._seen import what_agrees, where_it_leaves


@dataclass
class Finding:
    """A criterion's verdict; `detail` and `hint` say what is wrong, `where` in which case.

    `wrong` are the outputs that differ from the reference's in some case that ran, and `seen` is
    what can be said of them where nothing explains them.
    """

    criterion: Criterion
    passed: bool
    detail: str = ""
    where: str = ""
    misconception: str = ""
    hint: str = ""
    equations: tuple[str, ...] = ()
    wrong: frozenset[str] = frozenset()
    seen: str = ""

    @property
    def points(self) -> float:
        """The points that this criterion earned."""
        return self.criterion.points if self.passed else 0.0


SECONDS = 2.0
"""How long edits of the model answer, and orders, are tried: neither changes the points.

Of the processor's time, so that what is found does not depend on what else the machine does."""

MAX_REORDERED = 5
"""With more values than this, other orders of them are too many to try."""


@dataclass(frozen=True)
class _Cause:
    """What gives all of the student's numbers; without a name where it is but an observation."""

    hint: str
    name: str = ""
    equations: tuple[str, ...] = ()
    whole: bool = False
    """Whether it explains exceptions too."""


def explain(
    exercise: Exercise,
    function: Function,
    findings: list[Finding],
    outcomes: list[Outcome],
    limits: Limits,
) -> None:
    """Say of the failed value criteria what gives these numbers, or what to read again."""
    findings = [f for f in findings if f.criterion.kind == "values"]
    failed = [f for f in findings if not f.passed]
    if not failed:
        return
    # What a function prints has been shown once.
    quiet = io.StringIO()
    with warnings.catch_warnings(), redirect_stderr(quiet), redirect_stdout(quiet):
        warnings.simplefilter("ignore")
        seen = _Seen(exercise, function, limits, findings, outcomes)
        cause = _cause(seen)
        first = next((f for f in failed if f.wrong), None)
        if cause is None and first is not None:
            first.seen = _told(seen)
    already: frozenset[str] = frozenset()
    for finding in failed:
        explained = cause is not None and (bool(finding.wrong) or cause.whole)
        if cause is not None and explained:
            finding.misconception, finding.hint = cause.name, cause.hint
            finding.equations = cause.equations
        if finding.wrong and not finding.wrong <= already and not finding.misconception:
            # A special case that fails because the ordinary one does says nothing of its own.
            finding.equations = finding.criterion.equations
        already |= finding.wrong


def _cause(seen: _Seen) -> _Cause | None:
    """Return the simplest explanation that there is: a known mistake comes before a new one."""
    exercise = seen.exercise
    found = _known(seen) if seen.numbers else None
    # One call that raises does so in any order; of several, the first may have misled the next.
    # What did not come back is not called again.
    hopeless = any(
        outcome.endless or (outcome.raised and exercise.observe is call_once)
        for _, outcome in seen.failed
    )
    if found is None and not hopeless:
        found = _other_order(seen, time.process_time() + SECONDS)
    # Where exceptions leave little to be seen, it fits many an edit.
    if found is None and seen.computed and len(seen.judged) > len(seen.failed):
        deadline = time.process_time() + SECONDS
        found = _near(seen) or _one_edit(seen, deadline) or _two_known(seen, deadline)
    return found


class _Seen:
    """What is to be explained: the cases that ran, and those that exceptions have `spoiled`."""

    def __init__(
        self,
        exercise: Exercise,
        function: Function,
        limits: Limits,
        findings: list[Finding],
        outcomes: list[Outcome],
    ) -> None:
        # Cases of failed criteria first: most mistakes are ruled out by the first of them.
        judged = [
            (finding.criterion, outcome)
            for finding in sorted(findings, key=lambda f: f.passed)
            for outcome in outcomes
            if finding.criterion.group in ("", outcome.case.group)
        ]
        wrong = [f for f in findings if not f.passed]
        self.exercise, self.function, self.limits = exercise, function, limits
        self.spoiled = _spoiled(wrong, judged)
        self.judged = [pair for pair in judged if not pair[1].error]
        self.failed = [pair for pair in judged if pair[1].error]
        self.idle = _idle([outcome for _, outcome in self.judged]) if self.judged else frozenset()
        self.numbers = any(f.wrong for f in wrong)

    @property
    def computed(self) -> bool:
        """Whether there are numbers, and of each output some that were computed."""
        return self.numbers and not self.idle

    def is_that_of(self, variant: Function) -> bool:
        """Whether a mistake gives all of it: every output that is judged, in every case.

        A name is an accusation. In the cases that are spoiled the mistake has to fail as well.
        """
        return reproduces(self.exercise, variant, self.judged) and not any(
            _fails_otherwise(self.exercise, variant, *pair) for pair in self.spoiled
        )

    def is_just_that_of(self, variant: Function) -> bool:
        """Whether an edit gives all of it, and fails wherever the function failed."""
        return self.is_that_of(variant) and all(
            _raises(self.exercise, variant, outcome) for _, outcome in self.failed
        )


def _told(seen: _Seen) -> str:
    """Say what agrees, and where the function leaves the model answer, if that can be seen."""
    if not seen.computed or seen.failed:
        return ""
    deadline = time.process_time() + SECONDS
    said = [
        what_agrees(seen.exercise, seen.judged),
        where_it_leaves(seen.exercise, seen.function, seen.judged, seen.limits, deadline),
    ]
    return " ".join(filter(None, said))


def _spoiled(failed: list[Finding], judged: Judged) -> Judged:
    """What exceptions have spoiled, if it is worth as much as the rest of what failed.

    What is left to see is then little evidence: perhaps a single example, or square matrices.
    """
    seen = sum(f.criterion.points for f in failed if f.wrong)
    lost = [f.criterion for f in failed if not f.wrong]
    if sum(criterion.points for criterion in lost) < seen:
        return []
    return [pair for pair in judged if pair[0] in lost and pair[1].error]


def _known(seen: _Seen) -> _Cause | None:
    """Return the first misconception that gives the student's numbers.

    What a function returns without having computed it is no evidence but of that.
    """
    for mistake in seen.exercise.misconceptions:
        if seen.idle and not mistake.idle:
            continue
        if any(map(seen.is_that_of, mistake.variants)):
            return _Cause(mistake.hint, mistake.name, _labels(mistake))
    return None


def _labels(*misconceptions: Misconception) -> tuple[str, ...]:
    return tuple(dict.fromkeys(m.equation for m in misconceptions if m.equation))


def _two_known(seen: _Seen, deadline: float) -> _Cause | None:
    """Return the first two misconceptions that give the numbers together."""
    model = seen.exercise.model
    if model is None:
        return None
    owner = {edits: m for m in seen.exercise.misconceptions for edits in m.edits}
    for one, other, variant in two_at_once(model, tuple(owner)):
        if time.process_time() > deadline:
            break
        first, second = owner[one], owner[other]
        if first is not second and seen.is_just_that_of(variant):
            name = f"two mistakes at once: {first.name}, and {second.name}"
            return _Cause(f"{first.hint} {second.hint}", name, _labels(first, second))
    return None


def _one_edit(seen: _Seen, deadline: float) -> _Cause | None:
    """Return the first edit of the model answer, in one place, that gives the numbers."""
    if seen.exercise.model is None:
        return None
    for old, new, variant in one_place_variants(seen.exercise.model):
        if time.process_time() > deadline:
            break
        if seen.is_just_that_of(variant):
            new, old = _shortened(new), _shortened(old)
            return _Cause(
                f"Your numbers are those of the model answer with `{new}` in place of `{old}`."
            )
    return None


def _shortened(code: str) -> str:
    """A piece of code in one line, without its middle if it is long."""
    line = " ".join(code.split())
    return line if len(line) <= 90 else f"{line[:42]} ... {line[-42:]}"


def _near(seen: _Seen) -> _Cause | None:
    """Say by which factor each wrong output is off, or that it is transposed, if that is all.

    Of what is observed in many calls, a count or a share, a factor says nothing, and what holds in
    every case has to be seen in every case.
    """
    if seen.failed or seen.exercise.observe is not call_once:
        return None
    judged, said = seen.judged, []
    for name in dict.fromkeys(n for pair in judged for n in problems(seen.exercise, *pair)):
        outcomes = {
            id(outcome): outcome for criterion, outcome in judged if name in criterion.outputs
        }
        said.append(
            _relation(name, [(o, o.expected[name], o.got[name]) for o in outcomes.values()])
        )
    return _Cause(" ".join(said)) if said and all(said) else None


def _relation(name: str, cases: list[tuple[Outcome, Parts, Parts]]) -> str:
    """Return how an output differs from the right one in every case, or an empty string."""
    floats = [
        (outcome, right.astype(np.float64), got.astype(np.float64))
        for outcome, expected, came in cases
        for right, got in zip(expected, came, strict=False)
        if right.dtype.kind == "f"
    ]
    # Of what is 0 any multiple is 0, and nothing else is.
    if any(np.any(got) for _, right, got in floats if not np.any(right)):
        return ""
    parts = [part for part in floats if np.any(part[1])]
    if len(parts) < 2 or any(len(expected) != len(came) for _, expected, came in cases):
        return ""
    if all(
        right.ndim == 2 and got.shape == right.T.shape and _close(got.T, right)
        for _, right, got in parts
    ):
        return f"{name} is transposed."
    if any(got.shape != right.shape for _, right, got in parts):
        return ""
    factors = [float((got * right).sum() / (right * right).sum()) for _, right, got in parts]
    if not all(
        factor and _close(got, factor * right)
        for factor, (_, right, got) in zip(factors, parts, strict=True)
    ):
        return ""
    # A factor of 1 to the digits shown, as after rounding, would say that nothing is wrong.
    if f"{factors[0]:.6g}" == "1":
        return ""
    if np.allclose(factors, factors[0], rtol=1e-4, atol=0):
        turned = " (its sign is turned)" if round(factors[0], 6) == -1 else ""
        return f"{name} is the right one times {factors[0]:.6g} in every case{turned}."
    return _size(name, factors, [outcome for outcome, _, _ in parts])


def _close(a: NDArray[Any], b: NDArray[Any]) -> bool:
    scale = float(np.abs(b).max())
    return bool(np.isfinite(scale) and np.abs(a - b).max() <= 1e-5 * scale)


def _size(name: str, factors: list[float], outcomes: list[Outcome]) -> str:
    """Say which length of an argument the factors are, if they are one in every case."""
    for argument, value in outcomes[0].case.arguments.items():
        for axis in range(getattr(value, "ndim", 0)):
            sizes = [_length(o.case.arguments[argument], axis) for o in outcomes]
            for word, wanted in (("times", sizes), ("divided by", [1 / size for size in sizes])):
                if np.allclose(factors, wanted, rtol=1e-4, atol=0):
                    return f"{name} is the right one {word} {argument}.shape[{axis}] in every case."
    return ""


def _length(value: Any, axis: int) -> float:
    shape = np.shape(value)
    return float(shape[axis]) if axis < len(shape) and shape[axis] else np.nan


def _fails_otherwise(
    exercise: Exercise, variant: Function, criterion: Criterion, outcome: Outcome
) -> bool:
    """Whether a mistake has wrong numbers where the student's function raised an exception."""
    try:
        got = observed(exercise, variant, outcome.case)
    except Exception:
        return False
    # Some mistakes return NaN, or what is right, where their shapes do not fit.
    if any(np.isnan(part).any() for parts in got.values() for part in parts):
        return False
    return bool(problems(exercise, criterion, Outcome(outcome.case, outcome.expected, got)))


def _raises(exercise: Exercise, variant: Function, outcome: Outcome) -> bool:
    """Whether a variant raises an exception in a case, too."""
    try:
        observed(exercise, variant, outcome.case)
    except Exception:
        return True
    return False


def _idle(outcomes: list[Outcome]) -> frozenset[str]:
    """The outputs that the function never computed, though the reference did."""
    names = frozenset.intersection(*(o.idle for o in outcomes))
    return names - frozenset.intersection(*(o.idle_when_right for o in outcomes))


def _other_order(seen: _Seen, deadline: float) -> _Cause | None:
    """Say in which order the values were returned, if all are right in the one asked for."""
    names = seen.exercise.returns or seen.exercise.outputs
    if not 2 <= len(names) <= MAX_REORDERED:
        return None
    for order in permutations(range(len(names))):
        if time.process_time() > deadline:
            break

        def reordered(*arguments: Any, order: tuple[int, ...] = order) -> Any:
            result = seen.function(*arguments)
            if type(result) not in (tuple, list, np.ndarray) or len(result) != len(names):
                return result
            return tuple(result[k] for k in order)

        if order != tuple(range(len(names))) and _right(seen, reordered):
            returned = ", ".join(names[order.index(k)] for k in range(len(names)))
            hint = f"You return ({returned}); asked for is ({', '.join(names)})."
            return _Cause(hint, "the right values in another order", whole=True)
    return None


def _right(seen: _Seen, function: Function) -> bool:
    """Whether the function meets every criterion."""
    outcomes: dict[int, Outcome] = {}
    for criterion, outcome in seen.judged + seen.failed:
        if id(outcome) not in outcomes:
            outcomes[id(outcome)] = call(seen.exercise, function, outcome.case, seen.limits)
        again = outcomes[id(outcome)]
        if again.error or problems(seen.exercise, criterion, again):
            return False
    return True
