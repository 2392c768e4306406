from typing import ClassVar

import numpy as np
import pytest
from checking import Checker

from gradlab import activations
from gradlab.checks import exercise, report
from gradlab.checks.activations import SELU_ALPHA, SELU_SCALE


class TestActivations(Checker):
    slug = "activations"
    equivalent: ClassVar = {
        ("activations.elu", "line 11: '0', 1 instead"): "beyond 0 np.where takes the other branch",
        ("activations.elu", "line 12: 'z > 0', comparison GtE"): "both branches give 0 at 0",
    }


def cases(name, group=""):
    for seed in range(20):
        for case in exercise(name).cases(np.random.default_rng(seed)):
            if group in ("", case.group):
                yield case.arguments


def test_shapes_and_gradients_hide_no_axis():
    for name in ("activations.leaky_relu", "activations.elu", "activations.softmax"):
        for arguments in cases(name):
            rows, columns = arguments["z"].shape
            assert rows != columns
            dout = arguments["dout"]
            assert np.unique(dout).size == dout.size
            assert dout.min() < 0 < dout.max()


def test_some_units_are_never_on_and_never_half_of_them():
    for arguments in cases("activations.leaky_relu"):
        z = arguments["z"]
        off, rows = np.mean(z.max(axis=0) <= 0), np.mean(z.max(axis=1) <= 0)
        assert off not in (0, 0.5, 1)
        assert rows != off
        assert np.mean(z.min(axis=0) <= 0) != off
        assert np.mean(z <= 0) > off


def test_net_inputs_of_0_are_in_units_that_are_on_and_in_units_that_are_not():
    for arguments in cases("activations.leaky_relu", "edge"):
        z = arguments["z"]
        alive = z.max(axis=0) > 0
        assert (z[:, alive] == 0).any()
        assert (z[:, ~alive].max(axis=0) == 0).any()


def test_no_constant_is_at_its_default():
    alphas = {a["alpha"] for a in cases("activations.leaky_relu")}
    assert 0.01 not in alphas
    assert max(alphas) > 1, "the maximum of z and alpha z is the same up to 1"
    assert 0 in alphas, "a ReLU"
    assert all(a["alpha"] != 1 for a in cases("activations.elu"))


def test_extreme_net_inputs_overflow():
    for name in ("activations.sigmoid_tanh", "activations.elu", "activations.softmax"):
        largest = [np.abs(arguments["z"]).max() for arguments in cases(name, "extreme")]
        assert max(largest) > 710


def test_samples_have_more_numbers_on_one_side():
    for arguments in cases("activations.constants"):
        z = arguments["z"]
        assert abs(np.mean(z > 0) - 0.5) > 0.03
        assert z.min() < 0 < z.max()


def test_references_are_the_functions_of_the_package():
    rng = np.random.default_rng(1)
    dout, z = rng.normal(size=(2, 6, 4))
    out, dz = exercise("activations.elu").reference(dout, z, SELU_ALPHA, SELU_SCALE)
    np.testing.assert_allclose(out, activations.selu(z), rtol=1e-12)
    np.testing.assert_allclose(dz, activations.selu_backward(dout, z), rtol=1e-12)
    # A normal sample, made symmetric so that its mean is exact.
    half = np.abs(rng.normal(size=400_000))
    found = exercise("activations.constants").reference(np.r_[half, -half])
    np.testing.assert_allclose(found, (SELU_ALPHA, SELU_SCALE), rtol=5e-3)


@pytest.mark.parametrize("spread", [np.std, lambda out: np.sqrt(np.mean(out**2))])
def test_a_scale_is_judged_with_the_alpha_that_came(spread):
    def too_large(z):
        right, left = np.maximum(z, 0), np.expm1(np.minimum(z, 0))
        alpha = -right.mean() / left.mean() + 0.1
        return alpha, 1 / spread(right + alpha * left)

    for form, points in (
        (too_large, 0.5),
        (lambda z: (too_large(z)[0], -too_large(z)[1]), 0),
        (lambda z: (z, 1.0), 0),
        (lambda z: (np.nan, np.nan), 0),
    ):
        result = report("activations.constants", form)
        assert result.earned == points, result


def test_a_nan_is_counted_and_named():
    def naive(dout, z):
        p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
        return p, np.log(p), p * (dout - (dout * p).sum(axis=1, keepdims=True))

    assert "number of NaN: expected 0, got" in repr(report("activations.softmax", naive))
