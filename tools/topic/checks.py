"""Checks of the exercise ``SLUG``."""

from __future__ import annotations

import numpy as np

from gradlab import MODULE as reference
from gradlab.checks._model import Case, Exercise, shapes, values


def _cases(rng: np.random.Generator) -> list[Case]:
    # TODO: the edge cases, and numbers on which no mistake goes unseen.
    return [Case("ordinary", "five numbers", {"x": rng.uniform(0.5, 2.0, 5)})]


def compute(x):
    return np.full(x.shape, np.nan)  # TODO: the solution's own code, to the letter


COMPUTE = Exercise(
    name="MODULE.compute",
    outputs=("out",),
    reference=reference.compute,
    model=compute,
    cases=_cases,
    criteria=(
        shapes("the output has the right shape", 2),
        values("the values", 8, "out", "ordinary", "PREFIX-definition"),
    ),
    # TODO: the mistakes that students make, as changes of the model answer: see `mistakes`.
    misconceptions=(),
)

EXERCISES = (COMPUTE,)
