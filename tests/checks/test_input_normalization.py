from typing import ClassVar

import numpy as np
import pytest
from checking import Checker

from gradlab.checks import report
from gradlab.checks.input_normalization import CURVATURE, EXERCISES, PCA, STANDARDIZE, ZCA


class TestInputNormalization(Checker):
    slug = "input-normalization"
    equivalent: ClassVar[dict] = {
        (CURVATURE.name, "line 16: 'values > floor', comparison GtE"): (
            "no eigenvalue is the floor to the last digit"
        ),
    }


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda e: e.name)
def test_cases_are_never_degenerate(exercise):
    """Conditions that hide mistakes, by the design's list: see the messages."""
    for seed in range(20):
        cases = exercise.cases(np.random.default_rng(seed))
        for case in cases:
            train = case.arguments.get("train", case.arguments["x"])
            rows, features = train.shape
            assert rows != features, "as many examples as features"
            if case.group in {"train", "new"}:
                assert (np.abs(train.mean(axis=0)) > 0.1).all(), "data without a mean"
                scales = train.std(axis=0)
                assert scales.max() > 1.02 * scales.min(), "features of one scale"
            if case.group == "new":
                assert len(case.arguments["x"]) not in {rows, features}
            if case.group == "train":
                assert np.array_equal(train, case.arguments["x"])
        if "eps" in cases[0].arguments:
            assert any(case.arguments["eps"] > 0.1 for case in cases if case.group != "edge"), (
                "epsilon never matters"
            )


@pytest.mark.parametrize("exercise", [PCA, ZCA], ids=lambda e: e.name)
def test_whitening_cases_are_well_conditioned(exercise):
    """Axes that are well apart, and two of them not alike, so that their order matters."""
    for seed in range(20):
        for case in exercise.cases(np.random.default_rng(seed)):
            if case.group != "edge":
                variances = np.linalg.eigvalsh(np.cov(case.arguments["train"].T, ddof=0))
                assert (variances[1:] > 1.2 * variances[:-1]).all()


def test_a_constant_feature_is_exactly_constant_and_moves_in_new_examples():
    """So that a deviation of 0 is found by every way to sum, and its treatment is seen."""
    for seed in range(20):
        for case in STANDARDIZE.cases(np.random.default_rng(seed)):
            if case.group == "constant":
                train, x = case.arguments.values()
                constant = np.ptp(train, axis=0) == 0
                assert 1 <= constant.sum() <= 2
                assert not (train.std(axis=0)[constant]).any()
                assert (np.abs(x - train.mean(axis=0))[:, constant] > 1e-6).all()


def test_floor_lies_well_between_two_eigenvalues():
    for seed in range(20):
        for case in CURVATURE.cases(np.random.default_rng(seed)):
            x, floor = case.arguments.values()
            extended = np.column_stack([x, np.ones(len(x))])
            values = np.linalg.eigvalsh(extended.T @ extended / len(x))
            assert not ((values > floor / 1.5) & (values < 1.5 * floor)).any()
            assert (values.min() < floor) == (case.group == "floor" or "constant" in case.label)


def test_signs_of_principal_axes_are_free():
    def turned(train, x, eps):
        out = np.array(PCA.reference(train, x, eps))
        out[:, ::2] *= -1
        return out

    assert report(PCA.name, turned).earned == PCA.points
    assert report(PCA.name, lambda *a: np.abs(turned(*a))).earned < PCA.points


@pytest.mark.equation("in-hessian")
def test_curvature_is_that_of_the_squared_error():
    """Second differences of a quadratic are its second derivatives, whatever the step."""
    x, y = np.random.default_rng(0).normal(1.0, 2.0, (9, 3)), np.arange(9.0)
    steps = np.eye(4)

    def loss(v):
        return 0.5 * np.mean((x @ v[:3] + v[3] - y) ** 2)

    hessian = [[loss(a + b) - loss(a) - loss(b) + loss(np.zeros(4)) for b in steps] for a in steps]
    values = np.linalg.eigvalsh(hessian)
    np.testing.assert_allclose(CURVATURE.reference(x, 0.0), (values[-1], values[-1] / values[0]))
