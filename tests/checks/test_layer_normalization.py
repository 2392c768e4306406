from typing import ClassVar

import numpy as np
import pytest
from checking import Checker

from gradlab.checks import report
from gradlab.checks.layer_normalization import EXERCISES, FORWARD, GROUP, INFLUENCE


class TestLayerNormalization(Checker):
    slug = "layer-normalization"
    equivalent: ClassVar[dict] = {
        (GROUP.name, "line 13: '1', 2 instead"): "NumPy takes any negative length for the rest",
    }


@pytest.mark.parametrize("exercise", [e for e in EXERCISES if e is not GROUP], ids=lambda e: e.name)
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


def test_groups_of_channels_are_told_from_other_ways_to_cut_them():
    for seed in range(20):
        for case in GROUP.cases(np.random.default_rng(seed)):
            batch, channels, positions = case.arguments["x"].shape
            groups = case.arguments["groups"]
            assert np.unique(case.arguments["gamma"]).size == channels
            assert len({batch, channels, positions}) == 3
            if case.group == "group":
                assert 1 < groups < channels
                assert groups**2 != channels, "as many groups as channels in each"


def test_an_output_that_follows_from_a_wrong_variance_earns_its_points():
    """One slip, and one more in the output: the second costs what the output is worth."""

    def wrong_variance(x, gamma, beta, eps):
        mean, var = x.mean(axis=1), x.var(axis=1) * 1.5
        return gamma * (x - mean[:, None]) / np.sqrt(var + eps)[:, None] + beta, mean, var

    def wrong_output_too(x, gamma, beta, eps):
        _, mean, var = wrong_variance(x, gamma, beta, eps)
        return gamma * (x - mean[:, None]) / (var + eps)[:, None] + beta, mean, var

    earned = [report(FORWARD.name, f).earned for f in (wrong_variance, wrong_output_too)]
    assert earned == [1.0, 0.625]


@pytest.mark.parametrize("ddof", [0, 1])
def test_what_two_words_change_in_a_group_has_a_name(ddof):
    def group_norm(x, gamma, beta, groups, eps):
        rows = x.reshape(len(x), groups, -1)
        var = rows.var(axis=2, ddof=ddof, keepdims=True)
        u = ((rows - rows.mean(axis=2, keepdims=True)) / np.sqrt(var + eps)).reshape(x.shape)
        scale, shift = (gamma, beta) if ddof else (beta, gamma)
        return scale[:, np.newaxis] * u + shift[:, np.newaxis]

    told = repr(report("layer_normalization.group", group_norm))
    names = "gamma and beta exchanged", "the variance divided by one less"
    assert f"Looks like {names[ddof]}" in told
    assert "1 examples" not in told
