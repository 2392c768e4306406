import numpy as np
import pytest
from checking import Checker

from gradlab import activations, losses
from gradlab.checks import exercise, report
from gradlab.checks.losses import EXERCISES


class TestLosses(Checker):
    slug = "losses"


def cases(name, group):
    for seed in range(20):
        for case in exercise(name).cases(np.random.default_rng(seed)):
            if case.group == group:
                yield case.arguments


@pytest.mark.parametrize("chosen", EXERCISES, ids=lambda e: e.name)
def test_no_size_hides_what_a_mean_is_taken_over(chosen):
    for arguments in cases(chosen.name, "ordinary"):
        rows, columns = next(iter(arguments.values())).shape
        assert rows != columns, "as many examples as features"
        assert columns != 2, "2 / 2 would make PyTorch's mean and ours the same"


def test_errors_are_neither_small_nor_alike():
    for arguments in cases("losses.squared_error", "ordinary"):
        error = np.abs(arguments["y"] - arguments["target"])
        assert error.min() > 0.1
        assert np.unique(error).size == error.size


def test_distributions_sum_to_1_and_zeros_of_the_target_are_at_the_edge_alone():
    for group in ("ordinary", "edge"):
        zeros = 0
        for arguments in cases("losses.kl_divergence", group):
            for array in arguments.values():
                np.testing.assert_allclose(array.sum(axis=1), 1, rtol=1e-6)
            assert group == "edge" or arguments["y"].min() > 0.005
            zeros += (arguments["target"] == 0).sum()
        assert (zeros > 0) == (group == "edge")


def test_binary_targets_are_mixed_and_soft_ones_are_among_them():
    soft = 0
    for arguments in cases("losses.sigmoid_cross_entropy", "ordinary"):
        assert 0.1 < arguments["target"].mean() < 0.9
        soft += bool((arguments["target"] % 1).any())
    assert soft == 20
    for arguments in cases("losses.sigmoid_cross_entropy", "extreme"):
        z, target = arguments.values()
        seen = set(zip(np.sign(z).ravel(), target.ravel(), strict=True))
        assert len(seen) == 4, "right and wrong, on both sides"


def test_labels_differ_and_logits_underflow_where_they_should():
    for arguments in cases("losses.softmax_cross_entropy", "ordinary"):
        assert np.unique(arguments["labels"]).size == arguments["logits"].shape[1]
    wide = 0
    for arguments in cases("losses.softmax_cross_entropy", "extreme"):
        logits, labels = arguments.values()
        assert logits.max() > 900
        assert logits.min() < -900
        p = activations.softmax(logits)
        wide += bool((p[np.arange(len(labels)), labels] == 0).any())
    assert wide == 20


def test_the_reference_behind_a_sigmoid_is_the_binary_cross_entropy_of_the_package():
    chosen = exercise("losses.sigmoid_cross_entropy")
    for arguments in cases(chosen.name, "ordinary"):
        z, target = (a.astype(float) for a in arguments.values())
        loss, dz = chosen.reference(z, target)
        y = activations.sigmoid(z)
        assert np.isclose(loss, losses.binary_cross_entropy(y, target), rtol=1e-12)
        dy = losses.binary_cross_entropy_backward(y, target)
        np.testing.assert_allclose(dz, activations.sigmoid_backward(dy, z), rtol=1e-10)


def test_a_nan_is_counted_and_named():
    def naive(z, target):
        y = 1 / (1 + np.exp(-z))
        return -(target * np.log(y) + (1 - target) * np.log(1 - y)).mean(), (y - target) / z.size

    text = repr(report("losses.sigmoid_cross_entropy", naive))
    assert "number of NaN: expected 0, got 1" in text
