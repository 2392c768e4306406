from typing import ClassVar

import numpy as np
import pytest
from checking import Checker

from gradlab.checks.batch_normalization import EXERCISES


class TestBatchNormalization(Checker):
    slug = "batch-normalization"
    equivalent: ClassVar = {
        ("batch_normalization.averages", "line 15: '1', 0 instead"): "alpha v + (1 - alpha) v = v",
    }


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda e: e.name)
def test_cases_are_never_degenerate(exercise):
    """Conditions that hide mistakes, by the design's list: see the messages."""
    for seed in range(20):
        cases = exercise.cases(np.random.default_rng(seed))
        for case in cases:
            arguments = case.arguments
            for name, value in arguments.items():
                if name in {"gamma", "beta", "dout"} and value.size > 1:
                    assert np.unique(value).size == value.size, f"{name} has equal entries"
                if name == "momentum":
                    assert value != 0.5, "a momentum of one half hides the conventions"
            if "x" in arguments and case.group == "ordinary":
                rows, features = arguments["x"].shape
                assert rows != features, "as many examples as features"
                assert (np.abs(arguments["x"].mean(axis=0)) > 0.01).all(), "data without a mean"
        if "eps" in cases[0].arguments:
            assert any(case.arguments["eps"] > 0.1 for case in cases if case.group == "ordinary"), (
                "epsilon never matters"
            )
