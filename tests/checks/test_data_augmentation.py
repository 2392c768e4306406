from typing import ClassVar

import numpy as np
import pytest
from checking import Checker

from gradlab.checks import report
from gradlab.checks.data_augmentation import (
    COLOR_PCA,
    CROP_FLIP,
    EXERCISES,
    TEST_TIME,
    ZOOM,
)


class TestDataAugmentation(Checker):
    slug = "data-augmentation"
    equivalent: ClassVar = {
        (
            "data_augmentation.crop_flip",
            "line 22: 'rng.random(batch) < probability', comparison LtE",
        ): "a uniform number meets the probability itself with probability 2^-53",
        (
            "data_augmentation.color_pca",
            "line 15: 'images + shift[:, np.newaxis, np.newaxis]', operator Sub",
        ): "all eigenvectors with the other sign, which are eigenvectors as well",
    }


def cases(exercise, seeds=20):
    return [c for seed in range(seeds) for c in exercise.cases(np.random.default_rng(seed))]


def test_crops_have_unequal_axes_and_probabilities_away_from_one_half():
    for case in cases(CROP_FLIP):
        images, size, _, probability, _ = case.arguments.values()
        shape = images.shape
        assert len(set(shape)) == 4, "an axis can be taken for another"
        assert size[0] != size[1]
        assert abs(probability - 0.5) > 0.05
        if case.group == "ordinary":
            assert all(n < m for n, m in zip(size, shape[1:3])), "a window with a single place"


def test_the_tolerance_for_shares_is_six_deviations_and_mistakes_are_outside():
    (criterion,) = [c for c in CROP_FLIP.criteria if c.group == "share"]
    for case in CROP_FLIP.cases(np.random.default_rng(0)):
        if case.group == "share":
            probability, count = case.arguments["probability"], len(case.arguments["images"])
            deviation = np.sqrt(2 * probability * (1 - probability) / count)
            assert criterion.tolerance[1] > 6 * deviation
            # Of an image in two mirrored, the mistake that is nearest.
            nearest = np.sqrt((probability * (1 - probability) + 0.25) / count)
            assert 0.5 - probability - criterion.tolerance[1] > 4.5 * nearest


def test_zoom_cases_reach_the_background_and_no_fill_is_a_pixel():
    for case in cases(ZOOM):
        image, factor, fill = case.arguments.values()
        assert image.shape[0] != image.shape[1]
        assert fill not in (0.0, 1.0)
        if case.group == "shrink":
            far = ZOOM.reference(image, factor, fill + 1.0)
            assert np.abs(far - ZOOM.reference(image, factor, fill)).max() > 0.1


def test_variances_of_colors_are_no_ones_and_lie_apart():
    for case in cases(COLOR_PCA):
        values = np.linalg.eigvalsh(case.arguments["covariance"])
        assert np.abs(values - 1).min() > 0.1, "an eigenvalue is its own root"
        if case.group == "ordinary":
            assert (np.diff(values) > 0.2).all()
        assert len(set(case.arguments["images"].shape)) == 4


def test_color_axes_of_either_sign_and_in_any_order_are_right():
    def otherwise(images, covariance, alpha):
        values, axes = np.linalg.eigh(covariance)
        signs = np.where(np.arange(len(values)) % 2, 1.0, -1.0)
        shift = (alpha * values[::-1]) @ (axes * signs)[:, ::-1].T
        return images + shift[:, np.newaxis, np.newaxis]

    result = report(COLOR_PCA.name, otherwise, "secret")
    assert result.earned == result.possible, result


def test_predictions_for_changed_images_differ():
    for case in cases(TEST_TIME):
        predict, images, augmentations = case.arguments.values()
        answers = np.array([predict(change(images)) for change in augmentations])
        assert len(augmentations) != len(images)
        if len(answers) > 1:
            assert np.ptp(answers, axis=0).max() > 1e-3


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda e: e.name)
def test_mistakes_can_be_computed_in_every_case(exercise):
    """A misconception that raises would take the report down."""
    for case in cases(exercise, seeds=2):
        for misconception in exercise.misconceptions:
            for variant in misconception.variants:
                with np.errstate(all="ignore"):
                    exercise.observe(variant, *case.arguments.values())


def test_a_wrong_shape_is_said_and_is_no_error():
    for name in ("data_augmentation.crop_flip", "data_augmentation.color_pca"):
        text = " ".join(repr(report(name, lambda *a: np.ones((2, 3)))).split())
        assert "out has shape (2, 3)" in text
        assert "raised" not in text
