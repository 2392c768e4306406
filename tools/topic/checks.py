"""Checks of the exercise ``SLUG``."""

from __future__ import annotations

import numpy as np

from gradlab import MODULE as reference
from gradlab.checks._model import Case, Criterion, Exercise


def _cases(rng: np.random.Generator) -> list[Case]:
    # TODO: the edge cases, and numbers on which no mistake goes unseen.
    return [Case("ordinary", "five numbers", {"x": rng.uniform(0.5, 2.0, 5)})]


COMPUTE = Exercise(
    name="MODULE.compute",
    outputs=("out",),
    reference=reference.compute,
    cases=_cases,
    criteria=(
        Criterion("the output has the right shape", 2.0, "shape"),
        Criterion(
            "the values", 8.0, group="ordinary", outputs=("out",), equations=("PREFIX-definition",)
        ),
    ),
    # TODO: the mistakes that students make, each with what to tell them.
    misconceptions=(),
)

EXERCISES = (COMPUTE,)
