"""What an exercise is, as data: a reference, cases, criteria and misconceptions."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

import numpy as np

Function = Callable[..., Any]
"""Takes a case's arguments by position; returns one value or a tuple of them."""


class Elsewhere:
    """A function that runs in another process, which says of itself what its frame would.

    An exception that it raises has the attribute ``elsewhere``: the file, the number and the text
    of each of the student's lines, without a file's name where it is a cell.
    """

    variables: tuple[str, ...] = ()
    """The names of its local variables that are no arguments."""

    def __call__(self, *arguments: Any) -> Any:
        """Call it."""
        raise NotImplementedError

    def watched(self, *arguments: Any) -> tuple[Any, dict[str, Any]]:
        """Return what it returns, and those of its local variables that are numbers."""
        raise NotImplementedError


@dataclass(frozen=True)
class Case:
    """One call: arguments by name, in the order of the signature.

    `group` decides which criteria look at the case; `label` tells a student what is special.
    """

    group: str
    label: str
    arguments: dict[str, Any]


@dataclass(frozen=True)
class Criterion:
    """Something worth points.

    ``kind`` is "values" (the named `outputs` agree with the reference on the cases of `group`),
    "shape" (every output has the right shape and holds floats) or "unchanged" (no argument was
    written to). The last two are asked of every case. `tolerance`, relative and absolute, takes the
    place of the exercise's where numbers are drawn at random.
    """

    title: str
    points: float
    kind: Literal["values", "shape", "unchanged"] = "values"
    group: str = ""
    outputs: tuple[str, ...] = ()
    equations: tuple[str, ...] = ()
    tolerance: tuple[float, float] | None = None


@dataclass(frozen=True)
class Misconception:
    """A mistake that students really make, and what to tell them.

    Each of the `variants` computes it, in one of its forms, from a case's arguments. It is
    recognised when the student's numbers are a variant's: all that are judged, in every case.
    What is constant or an argument as it came proves nothing, but where the name says just that:
    then the mistake is `idle`. `edits` are the variants that are changes of the model answer's
    text, and `points` what the mistake earns, where a test is to hold it.
    """

    name: str
    hint: str
    equation: str
    variants: tuple[Function, ...]
    idle: bool = False
    edits: tuple[tuple[str, ...], ...] = ()
    points: float | None = None


def call_once(function: Function, *arguments: Any) -> Any:
    """Observe a function by what one call returns."""
    return function(*arguments)


NAN = "number of NaN"
"""The output that `counting_nan` adds."""


def counting_nan(function: Function, *arguments: Any) -> tuple[Any, ...]:
    """Observe what one call returns, with infinity for NaN, and before it the number of NaN.

    A student whose formula fails somewhere reads first that it does, and in how many places.
    """
    results = [np.asarray(result) for result in function(*arguments)]
    count = sum(int(np.isnan(result).sum()) for result in results)
    return count, *(np.where(np.isnan(result), np.inf, result) for result in results)


@dataclass(frozen=True)
class Exercise:
    """A graded function.

    What is compared are the `outputs`: those of one call, or of whatever `observe` does with the
    function and a case's arguments (several steps of an optimizer, the share of zeros in many
    masks). One call of the function then `returns` other values than are compared. The function
    that `observe` gets has its results checked already: arrays, or lists of arrays for the names
    in `lists`, whose number of entries is free. `model` is the answer that a student might give:
    the function of the solution, whose edits are tried on what is wrong and has no other name.
    """

    name: str
    outputs: tuple[str, ...]
    reference: Function
    cases: Callable[[np.random.Generator], Sequence[Case]]
    criteria: tuple[Criterion, ...]
    misconceptions: tuple[Misconception, ...]
    observe: Callable[..., Any] = call_once
    returns: tuple[str, ...] = ()
    lists: tuple[str, ...] = ()
    model: Function | None = None
    tolerance: dict[str, tuple[float, float]] = field(
        # Relative to the largest entry of the column, and absolute. Ten digits separate float64's
        # rounding from the first; the mistakes of students change a result by far more than both.
        default_factory=lambda: {"float64": (1e-6, 1e-9), "float32": (1e-3, 1e-5)}
    )

    @property
    def points(self) -> float:
        """The points of all criteria together."""
        return sum(criterion.points for criterion in self.criteria)

    @property
    def parameters(self) -> tuple[str, ...]:
        """The names of the function's arguments: the reference's."""
        return _parameters(self.reference)


@cache
def _parameters(function: Function) -> tuple[str, ...]:
    return tuple(inspect.signature(function).parameters)


def values(title: str, points: float, outputs: str, group: str, equations: str) -> Criterion:
    """Return a criterion of values; names are separated by blanks."""
    split = tuple(outputs.split()), tuple(equations.split())
    return Criterion(title, points, "values", group, *split)


def shapes(title: str, points: float) -> Criterion:
    """Return the criterion that all outputs have the right shape."""
    return Criterion(title, points, "shape")


def unchanged(points: float) -> Criterion:
    """Return the criterion that no argument was written to."""
    return Criterion("the arguments are left as they were", points, "unchanged")


CRITERION = re.compile(r"(?P<title>.+) \((?P<group>\w*), (?P<points>[\d.]+)\)")
WHAT = re.compile(
    r"(?P<outputs>[^:]+):(?P<equations>[ \w-]*)(, within \((?P<relative>.+), (?P<absolute>.+)\))?"
)


def criteria(text: str) -> tuple[Criterion, ...]:
    """Return the criteria that a text lists.

    A line at the margin has the title, the group of cases and the points; the group is ``shape``
    or ``unchanged`` where no values are judged. The line below says which outputs are, and the
    equations to read again; then, if need be, a tolerance. What is long goes on in a line that is
    indented further::

        the right share is kept (ordinary, 0.75)
            share_kept, mask: do-mask do-inverted, within (0.0, 0.03)
        out has the shape of x (shape, 0.25)

    Raises
    ------
    ValueError
        If an entry is not of this form.
    """
    whole = re.sub(r"\n {8,}", " ", text.strip())
    return tuple(_criterion(*entry.partition("\n")[::2]) for entry in re.split(r"\n(?=\S)", whole))


def _criterion(line: str, below: str) -> Criterion:
    found = CRITERION.fullmatch(line)
    if not found:
        raise ValueError(f"a criterion must begin with 'title (group, points)', got {line!r}")
    title, group, points = found["title"], found["group"], float(found["points"])
    if group == "shape":
        return Criterion(title, points, "shape")
    if group == "unchanged":
        return Criterion(title, points, "unchanged")
    what = WHAT.fullmatch(below.strip())
    if not what:
        raise ValueError(f"{title!r} must have 'outputs: equations' in the line below it")
    tolerance = (float(what["relative"]), float(what["absolute"])) if what["relative"] else None
    outputs, equations = tuple(what["outputs"].split(", ")), tuple(what["equations"].split())
    return Criterion(title, points, "values", group, outputs, equations, tolerance)
