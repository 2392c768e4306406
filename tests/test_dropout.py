import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import array_errors, torch

from gradlab.dropout import (
    dropconnect,
    dropout_backward,
    dropout_forward,
    expected_subnetwork_output,
    monte_carlo_dropout,
    scale_weights_for_inference,
    shakeout,
    standard_dropout_forward,
    whiteout,
    zoneout,
)
from gradlab.gradient_check import check_gradient

DTYPES = [np.float64, np.float32]
RATE = 0.3


def rng(seed=0):
    return np.random.default_rng(seed)


def make_layer(seed, batch=4, fan_in=5, fan_out=3, dtype=np.float64):
    generator = rng(seed)
    x, weight, dout = (
        generator.normal(size=shape) + 0.5
        for shape in ((batch, fan_in), (fan_in, fan_out), (batch, fan_out))
    )
    return [a.astype(dtype) for a in (x, weight, dout)]


# ---- dropout


@pytest.mark.equation("do-mask")
@pytest.mark.equation("do-inverted")
@pytest.mark.equation("do-forward")
def test_forward_is_the_definition():
    x = rng(1).normal(size=(4, 6)) + 3
    out, mask = dropout_forward(x, RATE, rng())
    plain, zeros_and_ones = standard_dropout_forward(x, RATE, rng())
    uniform = rng().random((4, 6))
    for k in np.ndindex(4, 6):
        kept = 1.0 if uniform[k] >= RATE else 0.0
        assert zeros_and_ones[k] == kept
        assert plain[k] == kept * x[k]
        assert mask[k] == kept / (1 - RATE)
        assert out[k] == pytest.approx(kept * x[k] / (1 - RATE))


@given(st.integers(0, 2**32 - 1), st.floats(0.01, 0.95))
def test_expected_output_is_the_input(seed, rate):
    x = np.full(40_000, 2.0)
    out, mask = dropout_forward(x, rate, rng(seed))
    # Six standard errors: 40000 numbers of variance 4 rate / (1 - rate).
    bound = 6 * 2 * np.sqrt(rate / (1 - rate) / x.size)
    assert out.mean() == pytest.approx(2.0, abs=bound)
    assert (mask == 0).mean() == pytest.approx(rate, abs=6 * np.sqrt(rate * (1 - rate) / x.size))
    plain, _ = standard_dropout_forward(x, rate, rng(seed))
    assert plain.mean() == pytest.approx(2.0 * (1 - rate), abs=bound)


def test_rows_columns_and_calls_have_masks_of_their_own():
    generator = rng()
    _, mask = dropout_forward(np.ones((50, 60)), RATE, generator)
    assert len(np.unique(mask, axis=0)) == 50
    assert len(np.unique(mask, axis=1).T) == 60
    _, other = dropout_forward(np.ones((50, 60)), RATE, generator)
    assert (mask != other).any()
    # No more alike than chance has it: independent entries agree with probability 0.58.
    assert (mask[:-1] == mask[1:]).mean() == pytest.approx(0.58, abs=0.06)


def test_inference_lets_the_input_through_and_draws_nothing():
    generator = rng(3)
    x = np.arange(4.0)
    out, mask = dropout_forward(x, RATE, generator, training=False)
    np.testing.assert_array_equal(out, x)
    np.testing.assert_array_equal(mask, np.ones(4))
    assert out is not x
    assert generator.random() == rng(3).random()


def test_rate_0_keeps_everything():
    x = np.arange(5.0)
    for out, mask in (dropout_forward(x, 0, rng()), standard_dropout_forward(x, 0, rng())):
        np.testing.assert_array_equal(out, x)
        np.testing.assert_array_equal(mask, 1)


def test_dropped_entries_are_0_whatever_they_were():
    x = np.full(100, np.inf)
    out, mask = dropout_forward(x, RATE, rng())
    np.testing.assert_array_equal(out[mask == 0], 0)
    assert np.isinf(out[mask > 0]).all()
    np.testing.assert_array_equal(dropout_backward(x, mask) == 0, mask == 0)


@pytest.mark.equation("do-backward")
def test_backward_is_the_definition_and_agrees_with_central_differences():
    x, dout = rng(1).normal(size=(2, 4, 6)) + 0.5
    _, mask = dropout_forward(x, RATE, rng(7))
    dx = dropout_backward(dout, mask)
    np.testing.assert_allclose(dx, dout * mask)
    check_gradient(lambda a: float((dropout_forward(a, RATE, rng(7))[0] * dout).sum()), dx, x)
    _, mask = standard_dropout_forward(x, RATE, rng(7))
    check_gradient(
        lambda a: float((standard_dropout_forward(a, RATE, rng(7))[0] * dout).sum()),
        dropout_backward(dout, mask),
        x,
    )


def test_values_and_rate_mean_the_same_as_in_pytorch():
    pytorch = torch()
    pytorch.manual_seed(0)
    x = np.ones(20_000)
    theirs = pytorch.nn.functional.dropout(pytorch.from_numpy(x), RATE).numpy()
    ours, _ = dropout_forward(x, RATE, rng())
    np.testing.assert_allclose(np.unique(theirs), np.unique(ours))
    assert (theirs == 0).mean() == pytest.approx((ours == 0).mean(), abs=0.03)


def test_dividing_the_next_weights_is_the_same_but_for_the_bias():
    # Deck H "Dropout" divides weights by the keep probability; libraries divide activations.
    x, weight, _ = make_layer(2)
    bias = np.array([1.0, -2.0, 0.5])
    inverted, _ = dropout_forward(x, RATE, rng())
    plain, _ = standard_dropout_forward(x, RATE, rng())
    np.testing.assert_allclose(inverted @ weight + bias, plain @ (weight / (1 - RATE)) + bias)
    assert np.abs(inverted @ weight + bias - (plain @ weight + bias) / (1 - RATE)).max() > 0.1


# ---- inference and the average over sub-networks


@pytest.mark.equation("do-weight-scaling")
def test_scaled_weights_give_the_expected_net_input():
    x, weight, _ = make_layer(3, batch=1)
    scaled = scale_weights_for_inference(weight, RATE)
    np.testing.assert_allclose(scaled, 0.7 * weight)
    expected = expected_subnetwork_output(lambda h: h @ weight, x[0], RATE, inverted=False)
    np.testing.assert_allclose(x[0] @ scaled, expected)
    # Deck L multiplies by the probability to be set to zero: right at 0.5 and nowhere else.
    assert np.abs(x[0] @ (RATE * weight) - expected).max() > 0.1
    np.testing.assert_allclose(scale_weights_for_inference(weight, 0.5), 0.5 * weight)
    # Deck C's "The forward pass (testing)" divides by alpha.
    assert np.abs(x[0] @ weight / (1 - RATE) - expected).max() > 0.1


@pytest.mark.equation("do-subnetwork")
@pytest.mark.equation("do-expectation")
@pytest.mark.parametrize("inverted", [True, False])
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(1, 6), rate=st.floats(0, 0.9))
def test_expected_output_is_the_sum_over_all_masks(inverted, seed, n, rate):
    x, weight, _ = make_layer(seed, batch=1, fan_in=n)

    def predict(h):
        return np.tanh(h @ weight)

    expected, probabilities = np.zeros(3), 0.0
    for mask in itertools.product((0, 1), repeat=n):
        probability = (1 - rate) ** sum(mask) * rate ** (n - sum(mask))
        scale = 1 / (1 - rate) if inverted else 1.0
        expected += probability * predict(scale * np.array(mask) * x[0])
        probabilities += probability
    assert probabilities == pytest.approx(1)
    got = expected_subnetwork_output(predict, x[0], rate, inverted)
    np.testing.assert_allclose(got, expected, atol=1e-12)


def test_linear_networks_alone_have_their_average_at_the_scaled_weights():
    x, weight, _ = make_layer(4, batch=1, fan_in=9)
    for predict, exact in ((lambda h: h @ weight, True), (lambda h: np.tanh(h @ weight), False)):
        average = expected_subnetwork_output(predict, x[0], RATE)
        assert np.allclose(average, predict(x)[0], atol=1e-10) is exact


def test_outputs_that_change_their_shape_between_chunks_are_refused():
    shapes = iter([(4096, 2), (4096, 3)])
    with pytest.raises(
        ValueError, match=r"^predict must return one output .*, always of one shape"
    ):
        expected_subnetwork_output(lambda _: np.ones(next(shapes)), np.ones(13), 0.5)


def test_average_over_more_masks_than_a_chunk_holds():
    # E of the squared number of units kept is (n q)^2 + n q (1 - q).
    n, keep = 14, 1 - RATE
    got = expected_subnetwork_output(lambda h: h.sum(axis=1) ** 2, np.ones(n), RATE, inverted=False)
    assert got.shape == ()
    assert got == pytest.approx((n * keep) ** 2 + n * keep * RATE)


@pytest.mark.equation("do-monte-carlo-mean")
@pytest.mark.equation("do-monte-carlo-std")
def test_monte_carlo_is_mean_and_deviation_of_the_samples():
    x, weight, _ = make_layer(5)

    def predict(x, generator):
        return 1e6 + np.tanh(dropout_forward(x, RATE, generator)[0] @ weight)

    mean, std = monte_carlo_dropout(predict, x, 40, rng(9))
    generator = rng(9)
    samples = np.array([predict(x, generator) for _ in range(40)])
    np.testing.assert_allclose(mean, samples.mean(axis=0), rtol=1e-14)
    np.testing.assert_allclose(std, samples.std(axis=0), rtol=1e-7)
    assert std.min() > 0.01


def test_monte_carlo_comes_near_the_exact_average():
    x, weight, _ = make_layer(6, batch=1)

    def predict(x, generator):
        return np.tanh(dropout_forward(x, RATE, generator)[0] @ weight)

    mean, std = monte_carlo_dropout(predict, x, 4000, rng())
    exact = expected_subnetwork_output(lambda h: np.tanh(h @ weight), x[0], RATE)
    assert (np.abs(mean[0] - exact) < 5 * std[0] / np.sqrt(4000)).all()


def test_one_sample_has_no_spread():
    mean, std = monte_carlo_dropout(lambda x, _: x, [1.0, 2.0], 1, rng())
    np.testing.assert_array_equal((mean, std), ([1, 2], [0, 0]))


# ---- variants


@pytest.mark.equation("do-zoneout")
def test_zoneout_keeps_or_takes_the_state():
    previous, proposed, dout = rng(1).normal(size=(3, 50, 20)) + 0.5
    out, mask = zoneout(previous, proposed, RATE, rng(2))
    kept_old = rng(2).random((50, 20)) < RATE
    np.testing.assert_array_equal(out, np.where(kept_old, previous, proposed))
    np.testing.assert_array_equal(mask, np.where(kept_old, 0.0, 1.0))
    assert kept_old.mean() == pytest.approx(RATE, abs=0.07)
    expected, mean_mask = zoneout(previous, proposed, RATE, rng(2), training=False)
    np.testing.assert_allclose(expected, RATE * previous + (1 - RATE) * proposed)
    np.testing.assert_allclose(mean_mask, 1 - RATE)
    few = np.s_[:3, :2]
    for training, m in (
        (False, mean_mask),
        (True, zoneout(previous[few], proposed[few], RATE, rng())[1]),
    ):

        def loss(a, b, training=training):
            return float((zoneout(a, b, RATE, rng(), training)[0] * dout[few]).sum())

        a, b, m = previous[few], proposed[few], m[few]
        check_gradient(lambda p, b=b: loss(p, b), (1 - m) * dout[few], a)
        check_gradient(lambda p, a=a: loss(a, p), m * dout[few], b)


@pytest.mark.equation("do-dropconnect")
def test_dropconnect_is_the_definition():
    x, weight, dout = make_layer(7)
    out, mask = dropconnect(x, weight, RATE, rng(1))
    np.testing.assert_allclose(mask, (rng(1).random((4, 5, 3)) >= RATE) / (1 - RATE))
    for i in range(4):
        np.testing.assert_allclose(out[i], x[i] @ (mask[i] * weight))
    clean, ones = dropconnect(x, weight, RATE, rng(1), training=False)
    np.testing.assert_allclose(clean, x @ weight)
    np.testing.assert_array_equal(ones, np.ones((4, 5, 3)))

    def loss(x=x, weight=weight):
        return float((dropconnect(x, weight, RATE, rng(1))[0] * dout).sum())

    dx = np.einsum("ij,ikj,kj->ik", dout, mask, weight)
    dweight = np.einsum("ij,ikj,ik->kj", dout, mask, x)
    check_gradient(lambda a: loss(x=a), dx, x)
    check_gradient(lambda a: loss(weight=a), dweight, weight)


def test_dropconnect_has_the_mean_and_the_variance_of_the_docstring():
    x, weight, _ = make_layer(8, batch=1)
    out, _ = dropconnect(np.repeat(x, 50_000, axis=0), weight, RATE, rng())
    variance = RATE / (1 - RATE) * (x**2 @ weight**2)[0]
    assert (np.abs(out.mean(axis=0) - (x @ weight)[0]) < 5 * np.sqrt(variance / 50_000)).all()
    np.testing.assert_allclose(out.var(axis=0), variance, rtol=0.05)


@pytest.mark.equation("do-shakeout")
def test_shakeout_is_the_definition():
    x, weight, dout = make_layer(9)
    c = 0.4
    out, mask = shakeout(x, weight, RATE, c, rng(1))
    reversed_units = rng(1).random((4, 5)) < RATE
    for i in range(4):
        shaken = np.where(
            reversed_units[i][:, np.newaxis],
            -c * np.sign(weight),
            np.sign(weight) * (np.abs(weight) + c * RATE) / (1 - RATE),
        )
        np.testing.assert_allclose(out[i], x[i] @ shaken)
    clean, ones = shakeout(x, weight, RATE, c, rng(1), training=False)
    np.testing.assert_allclose(clean, x @ weight)
    np.testing.assert_array_equal(ones, np.ones((4, 5)))

    def loss(x=x, weight=weight):
        return float((shakeout(x, weight, RATE, c, rng(1))[0] * dout).sum())

    dx = mask * (dout @ weight.T) + c * (mask - 1) * (dout @ np.sign(weight).T)
    check_gradient(lambda a: loss(x=a), dx, x)
    check_gradient(lambda a: loss(weight=a), (mask * x).T @ dout, weight)


def test_shakeout_without_strength_is_dropout():
    x, weight, _ = make_layer(10)
    out, mask = shakeout(x, weight, RATE, 0, rng(1))
    dropped, same = dropout_forward(x, RATE, rng(1))
    np.testing.assert_allclose(out, dropped @ weight)
    np.testing.assert_array_equal(mask, same)


def test_shakeout_keeps_the_expected_weight_and_the_slide_does_not():
    weight, c = np.array([2.0, -0.6, 0.1]), 0.4
    alpha, sign = 1 / (1 - RATE), np.sign(weight)
    reversed_weight = -c * sign
    enhanced = sign * (alpha * np.abs(weight) + (alpha - 1) * c)
    np.testing.assert_allclose(RATE * reversed_weight + (1 - RATE) * enhanced, weight)
    # Deck C "Variations on dropout", with alpha above 1 (it scales up) and as a keep probability.
    for a in (alpha, 1 - RATE):
        slide = sign * (a * np.abs(weight) + (1 - a) * c)
        assert np.abs(RATE * reversed_weight + (1 - RATE) * slide - weight).max() > 0.1


@pytest.mark.equation("do-whiteout")
@pytest.mark.parametrize("multiplicative", [False, True])
@pytest.mark.parametrize(("gamma", "ridge"), [(1.0, 0.0), (0.5, 0.2), (0.0, 0.1)])
def test_whiteout_has_the_noise_of_the_paper(multiplicative, gamma, ridge):
    x, weight, _ = make_layer(11, batch=1)
    sigma, repeats = 0.6, 50_000
    out, noise = whiteout(
        np.repeat(x, repeats, axis=0), weight, sigma, rng(), gamma, ridge, multiplicative
    )
    np.testing.assert_allclose(out - noise, np.repeat(x @ weight, repeats, axis=0))
    # Connection by connection, as the paper has it.
    connection = sigma**2 * np.abs(weight) ** -gamma + ridge
    if multiplicative:
        connection = connection * x.T**2
    variance = (weight**2 * connection).sum(axis=0)
    assert (np.abs(noise.mean(axis=0)) < 5 * np.sqrt(variance / repeats)).all()
    np.testing.assert_allclose(noise.var(axis=0), variance, rtol=0.05)
    np.testing.assert_allclose(np.corrcoef(noise.T), np.eye(3), atol=0.03)
    # The draw itself, to the digit.
    np.testing.assert_allclose(
        noise, np.sqrt(variance) * rng().standard_normal((repeats, 3)), rtol=1e-9
    )


def test_whiteout_at_weight_0_and_at_inference():
    x, weight, _ = make_layer(12)
    weight[:, 1] = 0.0
    out, noise = whiteout(x, weight, 0.5, rng(), gamma=1.5)
    np.testing.assert_array_equal(out[:, 1], 0)
    assert np.isfinite(out).all()
    assert (noise[:, [0, 2]] != 0).all()
    clean, none = whiteout(x, weight, 0.5, rng(), training=False)
    np.testing.assert_allclose(clean, x @ weight)
    np.testing.assert_array_equal(none, np.zeros((4, 3)))
    np.testing.assert_array_equal(whiteout(x, weight, 0, rng())[1], np.zeros((4, 3)))


# ---- conventions of the package

X, W, _ = make_layer(13, dtype=np.float64)
MASK = dropout_forward(X, RATE, rng())[1]


def first(x, generator):
    return dropout_forward(x, RATE, generator)[0]


def double(h):
    return 2 * h


CALLS = {
    dropout_forward: {"x": X, "rate": RATE, "rng": rng(), "training": True},
    standard_dropout_forward: {"x": X, "rate": RATE, "rng": rng()},
    dropout_backward: {"dout": X, "mask": MASK},
    scale_weights_for_inference: {"weight": W, "rate": RATE},
    expected_subnetwork_output: {"predict": double, "x": X[0], "rate": RATE},
    monte_carlo_dropout: {"predict": first, "x": X, "samples": 3, "rng": rng()},
    zoneout: {"previous": X, "proposed": X + 1, "rate": RATE, "rng": rng()},
    dropconnect: {"x": X, "weight": W, "rate": RATE, "rng": rng()},
    shakeout: {"x": X, "weight": W, "rate": RATE, "strength": 0.2, "rng": rng()},
    whiteout: {"x": X, "weight": W, "sigma": 0.2, "rng": rng(), "gamma": 1.0, "ridge": 0.1},
}


def run(function, **changes):
    """Call with the arguments of the table, always with a fresh generator of one seed."""
    arguments = CALLS[function] | ({"rng": rng(21)} if "rng" in CALLS[function] else {}) | changes
    result = function(**arguments)
    return result if isinstance(result, tuple) else (result,)


@pytest.mark.parametrize("function", CALLS)
def test_one_seed_gives_one_result_in_both_precisions_and_any_layout(function):
    expected = run(function)
    arrays = {name: a for name, a in CALLS[function].items() if isinstance(a, np.ndarray)}
    copies = {name: a.copy() for name, a in arrays.items()}
    for result, again in zip(expected, run(function), strict=True):
        np.testing.assert_array_equal(result, again)
        assert result.dtype == np.float64
    for result, single in zip(
        expected, run(function, **{n: a.astype(np.float32) for n, a in arrays.items()}), strict=True
    ):
        assert single.dtype == np.float32
        np.testing.assert_allclose(single, result, rtol=1e-4, atol=1e-5)
    for change in (np.asfortranarray, lambda a: np.repeat(a, 2, axis=-1)[..., ::2], list):
        if change is list and function is monte_carlo_dropout:
            continue
        other = run(function, **{n: change(a) for n, a in arrays.items()})
        for result, same in zip(expected, other, strict=True):
            np.testing.assert_array_equal(result, same)
    for name, copy in copies.items():
        np.testing.assert_array_equal(arrays[name], copy)


@pytest.mark.parametrize("function", [f for f in CALLS if "rng" in CALLS[f]])
def test_another_seed_gives_another_result(function):
    assert (run(function)[1] != run(function, rng=rng(22))[1]).any()


def test_integers_become_float64():
    out, mask = dropout_forward(np.arange(6), RATE, rng())
    assert out.dtype == mask.dtype == np.float64
    np.testing.assert_array_equal(out, dropout_forward(np.arange(6.0), RATE, rng())[0])


def test_empty_scalar_and_one_element_arrays():
    for shape in ((0,), (3, 0), ()):
        out, mask = dropout_forward(np.ones(shape), RATE, rng())
        assert out.shape == mask.shape == shape
        assert dropout_backward(out, mask).shape == shape
    assert dropout_forward([[2.0]], RATE, rng())[0] in (0.0, 2.0 / 0.7)
    np.testing.assert_allclose(expected_subnetwork_output(double, [3.0], RATE), [6.0])


# ---- bad input


def bad_calls():
    for function, good in CALLS.items():
        for name, value in good.items():
            if isinstance(value, np.ndarray) and function is not monte_carlo_dropout:
                for argument, bad, error in array_errors(name, value):
                    # Some arrays may have any shape.
                    free = (function, name) in {
                        (dropout_forward, "x"),
                        (standard_dropout_forward, "x"),
                        (dropout_backward, "mask"),
                        (scale_weights_for_inference, "weight"),
                        (zoneout, "proposed"),
                    }
                    if not (free and error is ValueError):
                        yield function, argument, bad, error
        if "rate" in good:
            yield from ((function, "rate", v, ValueError) for v in (-0.1, 1, 1.5, np.nan, np.inf))
            yield from ((function, "rate", v, TypeError) for v in ("1", None, 1j, True))
        if "rng" in good:
            yield from (
                (function, "rng", v, TypeError) for v in (None, 0, np.random, "rng", np.random.rand)
            )
    for function in (dropconnect, shakeout, whiteout):
        yield function, "weight", W[:2], ValueError
        yield function, "weight", W.T, ValueError
        yield function, "x", X[:0], ValueError
    yield from ((shakeout, "strength", v, ValueError) for v in (-0.1, np.nan, np.inf))
    yield from ((whiteout, "sigma", v, ValueError) for v in (-0.1, np.nan, np.inf))
    yield from ((whiteout, "ridge", v, ValueError) for v in (-0.1, np.nan, np.inf))
    yield from ((whiteout, "gamma", v, ValueError) for v in (-0.1, 2, np.nan))
    yield from ((monte_carlo_dropout, "samples", v, ValueError) for v in (0, -1))
    yield from ((monte_carlo_dropout, "samples", v, TypeError) for v in (2.0, "2", None, True))
    yield monte_carlo_dropout, "predict", lambda x, _: x > 0, TypeError
    sizes = itertools.count(1)
    yield monte_carlo_dropout, "predict", lambda *_: np.ones(next(sizes)), ValueError
    yield expected_subnetwork_output, "predict", lambda h: h[:3], ValueError
    yield expected_subnetwork_output, "predict", lambda h: h.sum(), ValueError
    yield expected_subnetwork_output, "predict", lambda h: h > 0, TypeError
    yield expected_subnetwork_output, "x", np.ones(21), ValueError
    yield expected_subnetwork_output, "x", np.ones(0), ValueError
    yield expected_subnetwork_output, "x", X, ValueError


@pytest.mark.parametrize(("function", "name", "bad", "error"), list(bad_calls()))
def test_bad_input_is_refused_by_name(function, name, bad, error):
    with pytest.raises(error, match=rf"^{name} must"):
        run(function, **{name: bad})
