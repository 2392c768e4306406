"""A small exercise to try the engine of the checkers on."""

import numpy as np

from gradlab.checks._edits import mistakes
from gradlab.checks._judge import judge
from gradlab.checks._model import Case, Exercise, shapes, values
from gradlab.checks._report import Report


def model(x, w, c):
    centered = x - x.mean(axis=0)
    out = (centered * w) / (c + 1)
    total = (out**2).sum(axis=0) / len(x)
    return out, total


def elsewhere(x, w, c):
    return np.sin(x), np.cos(w)


def cases(rng):
    for rows in (4, 7):
        arguments = {"x": rng.normal(1.0, 1.0, (rows, 3)), "w": rng.uniform(1, 2, 3), "c": 2.0}
        yield Case("ordinary", f"{rows} rows", arguments)


MISTAKES = """
a mean that stays (toy-mean, 1.0)
    x - x.mean(axis=0) -> x
    Subtract the mean.
a sum for a mean (toy-total)
    .sum(axis=0) / len(x) -> .sum(axis=0)
    Divide by the number of rows.
the sine (, 0)
    = elsewhere
    That is another formula.
"""

TOY = Exercise(
    name="toy.out",
    outputs=("out", "total"),
    reference=model,
    cases=lambda rng: list(cases(rng)),
    criteria=(
        shapes("both have the right shapes", 1),
        values("out is right", 1, "out", "ordinary", "toy-mean"),
        values("total is right", 1, "total", "ordinary", "toy-total"),
    ),
    misconceptions=mistakes(model, MISTAKES),
    model=model,
)


def told(function, exercise=TOY):
    findings, _ = judge(exercise, function, exercise.cases(np.random.default_rng(0)))
    return " ".join(repr(Report(exercise.name, tuple(findings))).split()), findings
