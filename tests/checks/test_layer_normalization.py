import numpy as np
import pytest
from checking import Checker

from gradlab.checks.layer_normalization import EXERCISES, INFLUENCE


class TestLayerNormalization(Checker):
    slug = "layer-normalization"


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda e: e.name)
def test_cases_are_never_degenerate(exercise):
    """Conditions that hide mistakes, by the design's list: see the messages."""
    for seed in range(20):
        cases = exercise.cases(np.random.default_rng(seed))
        for case in cases:
            arguments = case.arguments
            for name, value in arguments.items():
                if name in {"gamma", "beta", "dout"}:
                    assert np.unique(value).size == value.size, f"{name} has equal entries"
            rows, features = arguments["x"].shape
            assert (rows == features) == (case.group == "square"), "as many examples as features"
            means = arguments["x"].mean(axis=1)
            assert (np.abs(means) > 0.01).all(), "an example without a mean"
            assert np.unique(means).size == rows, "examples of one mean"
            if "feature" in arguments:
                assert 0 < arguments["feature"] < features, "the first feature hides its index"
                assert arguments["step"] < 1, "a step of one hides a division by it"
        if "eps" in cases[0].arguments:
            assert any(case.arguments["eps"] > 0.1 for case in cases if case.group == "ordinary"), (
                "epsilon never matters"
            )


def test_influence_tells_what_mixes_examples_from_what_does_not():
    """The experiment shows what the notebook says: zeros off the diagonal, or none at all."""
    for seed in range(20):
        for case in INFLUENCE.cases(np.random.default_rng(seed)):
            values = INFLUENCE.reference(*case.arguments.values())
            off_diagonal = values[~np.eye(len(values), dtype=bool)]
            assert (np.diag(values) > 1e-6).all()
            if case.group != "mixed":
                assert not off_diagonal.any()
            elif "half" not in case.label:
                assert (off_diagonal > 1e-6).all()
