"""Checks of the exercises: what a student calls, and what grades the submission.

``check("batch_normalization.forward", my_function)`` runs the function beside the reference on
seeded cases, shows which criteria it meets, and returns the points that it earned.
"""

from __future__ import annotations

import hashlib
import importlib
import os
import pkgutil
from typing import Any

import numpy as np

from gradlab.checks._explain import Finding
from gradlab.checks._judge import judge
from gradlab.checks._model import Case, Criterion, Exercise, Misconception
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
    "report",
]

SECRET = "GRADLAB_COURSE_SECRET"
"""Environment variable that seeds the cases when graded; unset, the public seed is used."""

_ROUNDS_PUBLIC, _ROUNDS_GRADED = 1, 3


def check(name: str, function: Any) -> float:
    """Check a function, show the report, and return the points that it earned.

    Parameters
    ----------
    name : str
        The exercise, such as ``"batch_normalization.forward"``.
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
    return result.earned


def report(name: str, function: Any, secret: str | None = None) -> Report:
    """Check a function and return the report, without showing it.

    `secret` seeds the cases instead of the environment variable `SECRET`. With a secret the cases
    are other ones and more; the criteria and their points are the same.
    """
    chosen = exercise(name)
    if not callable(function):
        raise TypeError(
            f"the second argument must be your function, without parentheses after its name; "
            f"got {type(function).__name__}"
        )
    secret = os.environ.get(SECRET, "") if secret is None else secret
    digest = hashlib.sha256(f"{name}\0{secret}".encode()).digest()
    rng = np.random.default_rng(int.from_bytes(digest[:16], "big"))
    rounds = _ROUNDS_GRADED if secret else _ROUNDS_PUBLIC
    cases = [case for _ in range(rounds) for case in chosen.cases(rng)]
    findings, warning = judge(chosen, function, cases)
    return Report(name, tuple(findings), warning)


def exercise(name: str) -> Exercise:
    """Return the exercise of this name.

    Raises
    ------
    ValueError
        If there is none; the message lists those that there are.
    """
    topic = name.split(".")[0]
    topics = [m.name for m in pkgutil.iter_modules(__path__) if not m.name.startswith("_")]
    if topic not in topics:
        raise ValueError(f"the topic of name must be one of {', '.join(topics)}; got {name!r}")
    module = importlib.import_module(f"gradlab.checks.{topic}")
    known = {candidate.name: candidate for candidate in module.EXERCISES}
    if name not in known:
        raise ValueError(f"name must be one of {', '.join(known)}; got {name!r}")
    return known[name]


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
