"""Checks of the exercises: what a student calls, and what grades the submission.

``check("batch_normalization.forward", my_function)`` runs the function beside the reference on
seeded cases, shows which criteria it meets, and returns the points that it earned.
"""

from __future__ import annotations

import hashlib
import importlib
import os
import pkgutil
from collections.abc import Callable
from functools import partial
from importlib.metadata import entry_points
from typing import Any

import numpy as np

from gradlab.checks._edits import mistakes
from gradlab.checks._explain import Finding
from gradlab.checks._judge import judge
from gradlab.checks._model import (
    Case,
    Criterion,
    Exercise,
    Misconception,
    shapes,
    unchanged,
    values,
)
from gradlab.checks._report import Report

__all__ = [
    "Case",
    "Criterion",
    "Exercise",
    "Finding",
    "Misconception",
    "Report",
    "check",
    "exercise",
    "mistakes",
    "report",
    "shapes",
    "unchanged",
    "values",
]

GROUP = "gradlab.exercises"
"""Entry points by which other packages add topics."""

SECRET = "GRADLAB_COURSE_SECRET"
"""Environment variable that seeds the cases when graded; unset, the public seed is used."""

_ROUNDS_PUBLIC, _ROUNDS_GRADED = 1, 3


def check(name: str | Exercise, function: Any) -> float:
    """Check a function, show the report, and return the points that it earned.

    Parameters
    ----------
    name : str or Exercise
        The exercise, such as ``"batch_normalization.forward"``, or one of your own.
    function : callable
        Your function, itself and not its result: no parentheses after its name.

    Returns
    -------
    float
        Between 0 and the exercise's points.

    Raises
    ------
    ValueError
        If there is no exercise of this name.
    TypeError
        If `function` cannot be called.
    """
    result = report(name, function)
    _show(result)
    return _Points(result.earned)


class _Points(float):
    """The points under a report that says them: a notebook shows nothing more, a grader reads them.

    What reads a notebook as text still finds the number.
    """

    def _repr_html_(self) -> str:
        # Not an empty text: a page may take it for none, and show the number.
        return "<span></span>"


def report(name: str | Exercise, function: Any, secret: str | None = None) -> Report:
    """Check a function and return the report, without showing it.

    `secret` seeds the cases instead of the environment variable `SECRET`. With a secret the cases
    are other ones and more; the criteria and their points are the same.
    """
    chosen = name if isinstance(name, Exercise) else exercise(name)
    if not callable(function):
        raise TypeError(
            f"the second argument must be your function, without parentheses after its name; "
            f"got {type(function).__name__}"
        )
    secret = os.environ.get(SECRET, "") if secret is None else secret
    digest = hashlib.sha256(f"{chosen.name}\0{secret}".encode()).digest()
    rng = np.random.default_rng(int.from_bytes(digest[:16], "big"))
    rounds = _ROUNDS_GRADED if secret else _ROUNDS_PUBLIC
    cases = [case for _ in range(rounds) for case in chosen.cases(rng)]
    findings, warning = judge(chosen, function, cases)
    return Report(chosen.name, tuple(findings), warning)


def exercise(name: str) -> Exercise:
    """Return the exercise of this name.

    Those of another package are found if it has an entry point of the group `GROUP` whose name is
    the topic and whose module has the list ``EXERCISES``.

    Raises
    ------
    ValueError
        If there is none; the message lists those that there are.
    """
    topic = name.split(".")[0] if isinstance(name, str) else ""
    # Ours first, so that they cannot be taken; to look for others' takes longer than most checks.
    topics = _ours()
    if topic not in topics:
        topics = {entry.name: entry.load for entry in entry_points(group=GROUP)} | topics
    if topic not in topics:
        raise ValueError(f"the topic of name must be one of {', '.join(topics)}; got {name!r}")
    known = {candidate.name: candidate for candidate in topics[topic]().EXERCISES}
    if name not in known:
        raise ValueError(f"name must be one of {', '.join(known)}; got {name!r}")
    return known[name]


def _ours() -> dict[str, Callable[[], Any]]:
    """Return what imports the module of each topic of the book."""
    modules = [module.name for module in pkgutil.iter_modules(__path__, f"{__name__}.")]
    return {
        topic: partial(importlib.import_module, module)
        for module in modules
        if not (topic := module.rpartition(".")[2]).startswith("_")
    }


def _show(result: Report) -> None:
    """Show the report as a table in a notebook, as text elsewhere; never on stderr."""
    try:
        from IPython.core.getipython import get_ipython
        from IPython.display import display
    except ImportError:
        print(result)
        return
    shell = get_ipython()
    if shell is not None and hasattr(shell, "kernel"):
        display(result)
    else:
        print(result)
