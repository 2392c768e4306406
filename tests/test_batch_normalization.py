import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import array_errors, assert_agrees, frozen, torch

from gradlab._threads import parts
from gradlab.batch_normalization import (
    average_statistics,
    batch_norm_backward,
    batch_norm_forward,
    batch_norm_inference,
    exponential_average,
    update_running_statistics,
)
from gradlab.gradient_check import check_gradient

DTYPES = [np.float64, np.float32]


def make_batch(seed, rows, features, dtype=np.float64, constant=False):
    """Features with means and scales of their own; the last one constant if asked for."""
    rng = np.random.default_rng(seed)
    scale = np.exp(rng.uniform(-2, 2, features))
    x = scale * (rng.uniform(-3, 3, features) + rng.normal(size=(rows, features)))
    if constant:
        x[:, -1] = rng.uniform(-3, 3)
    gamma, beta = rng.uniform(-2, 2, (2, features))
    dout = rng.normal(size=(rows, features)) + 0.5
    return (a.astype(dtype) for a in (x, gamma, beta, dout))


# ---- the definition


@pytest.mark.equation("bn-mean")
@pytest.mark.equation("bn-variance")
@pytest.mark.equation("bn-normalize")
@pytest.mark.equation("bn-scale-shift")
def test_forward_is_the_definition():
    x, gamma, beta, _ = make_batch(0, 7, 4)
    out, cache = batch_norm_forward(x, gamma, beta, eps=0.3)
    for j in range(4):
        mean = sum(x[:, j]) / 7
        var = sum((x[:, j] - mean) ** 2) / 7
        u = (x[:, j] - mean) / (var + 0.3) ** 0.5
        np.testing.assert_allclose(cache.mean[j], mean)
        np.testing.assert_allclose(cache.var[j], var)
        np.testing.assert_allclose(cache.normalized[:, j], u)
        np.testing.assert_allclose(out[:, j], gamma[j] * u + beta[j])


@given(st.integers(0, 2**32 - 1), st.integers(2, 20), st.integers(1, 8))
def test_output_has_mean_beta_and_spread_gamma(seed, rows, features):
    x, gamma, beta, _ = make_batch(seed, rows, features)
    out, cache = batch_norm_forward(x, gamma, beta, eps=1e-12)
    np.testing.assert_allclose(out.mean(axis=0), beta, atol=1e-9)
    np.testing.assert_allclose(out.std(axis=0), np.abs(gamma), rtol=1e-5)
    np.testing.assert_allclose(cache.normalized.mean(axis=0), 0, atol=1e-9)


@given(st.integers(0, 2**32 - 1), st.floats(0.1, 10), st.floats(-10, 10))
def test_output_ignores_shift_and_positive_scale_of_the_input(seed, scale, shift):
    x, gamma, beta, _ = make_batch(seed, 6, 3)
    plain, _ = batch_norm_forward(x, gamma, beta, eps=1e-14)
    moved, _ = batch_norm_forward(scale * x + shift, gamma, beta, eps=1e-14)
    np.testing.assert_allclose(moved, plain, atol=1e-6)


def test_constant_feature_comes_out_as_beta():
    x = np.full((10, 2), 0.1)
    out, cache = batch_norm_forward(x, [3.0, -2.0], [5.0, 7.0])
    np.testing.assert_allclose(out, [[5.0, 7.0]] * 10, rtol=1e-12)
    dx, dgamma, _ = batch_norm_backward(np.arange(20.0).reshape(10, 2), cache)
    assert np.isfinite(dx).all()
    np.testing.assert_allclose(dgamma, 0, atol=1e-9)


def test_large_offset_keeps_its_digits():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(50, 3))
    plain, _ = batch_norm_forward(x, np.ones(3), np.zeros(3))
    moved, _ = batch_norm_forward(x + 1e8, np.ones(3), np.zeros(3))
    np.testing.assert_allclose(moved, plain, atol=1e-6)


@pytest.mark.parametrize("rows", [2, 3, 50, 4001])
def test_float32_at_an_offset_of_ten_million(rows):
    # Integers, which float32 has there too. The mean is none of them.
    x, gamma, beta, dout = make_batch(8, rows, 3, np.float32)
    x = np.random.default_rng(rows).integers(-20, 20, (rows, 3)).astype(np.float32)
    out, cache = batch_norm_forward(x + np.float32(1e7), gamma, beta)
    expected, near = batch_norm_forward(x.astype(np.float64), gamma, beta)
    np.testing.assert_allclose(out, expected, atol=1e-6)
    np.testing.assert_allclose(cache.normalized, near.normalized, atol=1e-6)
    np.testing.assert_allclose(cache.var, near.var, rtol=1e-6)
    grads = batch_norm_backward(dout, cache), batch_norm_backward(dout, near)
    for got, wanted in zip(*grads, strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("dtype", DTYPES)
def test_an_outlier_that_comes_first_costs_no_digits(dtype):
    x = np.random.default_rng(9).normal(size=(403, 2)).astype(dtype)
    x[0] = 1e6
    _, cache = batch_norm_forward(x, np.ones(2), np.zeros(2))
    exact = x.astype(np.longdouble)
    rtol = 8 * np.finfo(dtype).eps
    np.testing.assert_allclose(cache.mean, exact.mean(axis=0).astype(float), rtol=rtol)
    np.testing.assert_allclose(cache.var, exact.var(axis=0).astype(float), rtol=rtol)


@pytest.mark.parametrize("dtype", DTYPES)
def test_stretches_for_threads_agree_with_one_stretch(dtype, monkeypatch):
    x, gamma, beta, dout = make_batch(10, 37, 5, dtype)
    out, cache = batch_norm_forward(x, gamma, beta)
    whole = [out, *cache.statistics[:3], *batch_norm_backward(dout, cache)]
    monkeypatch.setattr("gradlab._threads.PART", 30)
    assert len(parts(37, x.size)) > 2
    out, cache = batch_norm_forward(x, gamma, beta)
    cut = [out, *cache.statistics[:3], *batch_norm_backward(dout, cache)]
    for a, b in zip(cut, whole, strict=True):
        assert_agrees(a, b, scale=10)
    again = batch_norm_inference(x, gamma, beta, cache.mean, cache.var)
    assert_agrees(again, out, scale=10)


def test_long_float32_batch_is_summed_in_float64():
    x = np.full((200_000, 1), 0.1, np.float32)
    _, cache = batch_norm_forward(x, [1.0], [0.0])
    assert cache.mean[0] == np.float32(0.1)
    assert cache.var[0] < 1e-12


def test_not_a_number_stays_in_its_feature():
    x, gamma, beta, dout = make_batch(0, 5, 3)
    x[2, 1] = np.nan
    out, cache = batch_norm_forward(x, gamma, beta)
    dx, _, _ = batch_norm_backward(dout, cache)
    for result in (out, dx):
        assert np.isnan(result[:, 1]).all()
        assert np.isfinite(result[:, [0, 2]]).all()


# ---- the backward pass


@pytest.mark.parametrize("rows", [2, 3, 8])
@pytest.mark.parametrize("constant", [False, True])
def test_backward_agrees_with_central_differences(rows, constant):
    x, gamma, beta, dout = make_batch(1, rows, 4, constant=constant)
    _, cache = batch_norm_forward(x, gamma, beta, eps=0.05)
    dx, dgamma, dbeta = batch_norm_backward(dout, cache)

    def loss(x=x, gamma=gamma, beta=beta):
        return float((batch_norm_forward(x, gamma, beta, eps=0.05)[0] * dout).sum())

    check_gradient(lambda a: loss(x=a), dx, x, tol=1e-7)
    check_gradient(lambda a: loss(gamma=a), dgamma, gamma, tol=1e-7)
    check_gradient(lambda a: loss(beta=a), dbeta, beta, tol=1e-7)


@pytest.mark.equation("bn-backward-beta")
@pytest.mark.equation("bn-backward-gamma")
@pytest.mark.equation("bn-backward-u")
@pytest.mark.equation("bn-backward-variance")
@pytest.mark.equation("bn-backward-mean")
@pytest.mark.equation("bn-backward-z")
@pytest.mark.equation("bn-backward-compact")
def test_backward_is_the_sum_of_the_three_paths():
    eps, batch = 0.2, 6
    x, gamma, beta, dout = make_batch(2, batch, 3)
    _, cache = batch_norm_forward(x, gamma, beta, eps)
    dx, dgamma, dbeta = batch_norm_backward(dout, cache)
    mean, var = x.mean(axis=0), x.var(axis=0)
    u = (x - mean) / np.sqrt(var + eps)
    du = gamma * dout
    dvar = -0.5 * (var + eps) ** -1.5 * (du * (x - mean)).sum(axis=0)
    dmean = -du.sum(axis=0) / np.sqrt(var + eps)
    by_paths = du / np.sqrt(var + eps) + dvar * 2 * (x - mean) / batch + dmean / batch
    compact = gamma / np.sqrt(var + eps) * (dout - dbeta / batch - u * dgamma / batch)
    np.testing.assert_allclose(dbeta, dout.sum(axis=0))
    np.testing.assert_allclose(dgamma, (dout * u).sum(axis=0))
    np.testing.assert_allclose(dx, by_paths, atol=1e-12)
    np.testing.assert_allclose(dx, compact, atol=1e-12)

    # The intermediate derivatives too, each against central differences of what it differentiates.
    def loss_given(u):
        return float((dout * (gamma * u + beta)).sum())

    check_gradient(loss_given, du, u, tol=1e-7)
    check_gradient(lambda v: loss_given((x - mean) / np.sqrt(v + eps)), dvar, var, tol=1e-7)

    def loss_given_mean(m):
        return loss_given((x - m) / np.sqrt(((x - m) ** 2).mean(axis=0) + eps))

    # With the variance moving along: its term vanishes, as the chapter shows.
    check_gradient(loss_given_mean, dmean, mean, tol=1e-7)


@given(st.integers(0, 2**32 - 1), st.integers(2, 20), st.integers(1, 8))
def test_gradient_is_orthogonal_to_ones_and_nearly_to_u(seed, rows, features):
    eps = 0.1
    x, gamma, beta, dout = make_batch(seed, rows, features)
    _, cache = batch_norm_forward(x, gamma, beta, eps)
    dx, dgamma, _ = batch_norm_backward(dout, cache)
    inv_std = 1 / np.sqrt(cache.var + eps)
    np.testing.assert_allclose(dx.sum(axis=0), 0, atol=1e-9 * np.abs(dx).max() * rows)
    expected = gamma * inv_std * dgamma * (eps / (cache.var + eps))
    np.testing.assert_allclose((dx * cache.normalized).sum(axis=0), expected, atol=1e-9)


def test_backward_is_linear_in_dout():
    x, gamma, beta, dout = make_batch(3, 5, 4)
    _, cache = batch_norm_forward(x, gamma, beta)
    other = np.roll(dout, 1, axis=0)
    together = batch_norm_backward(2 * dout - 3 * other, cache)
    separate = zip(batch_norm_backward(dout, cache), batch_norm_backward(other, cache), strict=True)
    for both, (first, second) in zip(together, separate, strict=True):
        np.testing.assert_allclose(both, 2 * first - 3 * second, atol=1e-12)


# ---- statistics for inference


@pytest.mark.equation("bn-inference")
def test_inference_is_the_definition_and_independent_of_the_batch():
    x, gamma, beta, _ = make_batch(4, 6, 3)
    mean, var = np.array([0.3, -2.0, 5.0]), np.array([0.0, 1.5, 20.0])
    out = batch_norm_inference(x, gamma, beta, mean, var, eps=0.1)
    np.testing.assert_allclose(out, gamma * (x - mean) / np.sqrt(var + 0.1) + beta)
    for i in range(6):
        np.testing.assert_array_equal(
            batch_norm_inference(x[i : i + 1], gamma, beta, mean, var, eps=0.1)[0], out[i]
        )


def test_inference_with_the_statistics_of_the_batch_repeats_training():
    x, gamma, beta, _ = make_batch(5, 6, 3)
    out, cache = batch_norm_forward(x, gamma, beta)
    repeated = batch_norm_inference(x, gamma, beta, cache.mean, cache.var)
    np.testing.assert_allclose(repeated, out, rtol=1e-12)


@pytest.mark.equation("bn-running-mean")
@pytest.mark.equation("bn-running-variance")
def test_running_statistics_are_the_definition():
    mean, var = update_running_statistics([2.0], [3.0], [10.0], [8.0], batch_size=5, momentum=0.25)
    assert mean == pytest.approx(0.75 * 2 + 0.25 * 10)
    assert var == pytest.approx(0.75 * 3 + 0.25 * 8 * 5 / 4)
    _, biased = update_running_statistics(
        [2.0], [3.0], [10.0], [8.0], batch_size=1, momentum=0.25, unbiased=False
    )
    assert biased == pytest.approx(0.75 * 3 + 0.25 * 8)


@pytest.mark.equation("bn-average-mean")
@pytest.mark.equation("bn-average-variance")
def test_average_statistics_are_the_definition():
    mean, var = average_statistics([[1.0, 5.0], [2.0, 7.0], [6.0, 0.0]], np.ones((3, 2)), 4)
    np.testing.assert_allclose(mean, [3, 4])
    np.testing.assert_allclose(var, [4 / 3, 4 / 3])


def test_average_variance_is_unbiased():
    rng = np.random.default_rng(0)
    batches = rng.normal(3.0, 2.0, size=(20_000, 3, 1))
    _, var = average_statistics(batches.mean(axis=1), batches.var(axis=1), 3)
    # The standard error of this average is 4 / sqrt(20000) = 0.03.
    assert var[0] == pytest.approx(4.0, abs=0.12)
    assert batches.var(axis=1).mean() == pytest.approx(4.0 * 2 / 3, abs=0.12)


@pytest.mark.equation("bn-exponential-average")
@given(st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=30), st.floats(0, 1))
def test_exponential_average_is_the_recursion(values, alpha):
    expected = values[0]
    for value in values[1:]:
        expected = alpha * value + (1 - alpha) * expected
    assert exponential_average(values, alpha) == pytest.approx(expected, abs=1e-9)


def test_exponential_average_keeps_the_shape_of_a_value():
    assert exponential_average(np.ones((4, 2, 3)), 0.5).shape == (2, 3)
    assert exponential_average(np.ones((1, 0)), 0.5).shape == (0,)
    np.testing.assert_array_equal(exponential_average([[1.0], [9.0]], 0.0), [1.0])
    np.testing.assert_array_equal(exponential_average([[1.0], [9.0]], 1.0), [9.0])


# ---- agreement with PyTorch


@pytest.mark.parametrize("name", ["float64", "float32", "pair", "single"])
def test_agrees_with_frozen_pytorch(name):
    stored = frozen("batch_normalization")
    case = {key.split("/")[1]: value for key, value in stored.items() if key.startswith(name + "/")}
    eps, momentum = float(case["eps"]), float(case["momentum"])
    out, cache = batch_norm_forward(case["x"], case["gamma"], case["beta"], eps)
    assert_agrees(out, case["out"])
    for got, key in zip(
        batch_norm_backward(case["dout"], cache), ("dx", "dgamma", "dbeta"), strict=True
    ):
        assert_agrees(got, case[key], scale=np.abs(case["dout"]).max())
    mean, var = update_running_statistics(
        case["running_mean"],
        case["running_var"],
        cache.mean,
        cache.var,
        len(case["x"]),
        momentum,
    )
    assert_agrees(mean, case["new_mean"])
    assert_agrees(var, case["new_var"])
    test = batch_norm_inference(case["test"], case["gamma"], case["beta"], mean, var, eps)
    assert_agrees(test, case["inference"])


@pytest.mark.parametrize("dtype", DTYPES)
@given(
    seed=st.integers(0, 2**32 - 1),
    rows=st.integers(2, 40),
    features=st.integers(1, 12),
    constant=st.booleans(),
    eps=st.floats(1e-5, 1.0),
    momentum=st.floats(0.0, 1.0),
)
def test_agrees_with_pytorch(dtype, seed, rows, features, constant, eps, momentum):
    pytorch = torch()
    x, gamma, beta, dout = make_batch(seed, rows, features, dtype, constant)
    leaves = [pytorch.from_numpy(a.copy()).requires_grad_() for a in (x, gamma, beta)]
    running = [pytorch.zeros(features, dtype=leaves[0].dtype) + k for k in (0, 1)]
    expected = pytorch.nn.functional.batch_norm(
        leaves[0], *running, leaves[1], leaves[2], training=True, momentum=momentum, eps=eps
    )
    expected.backward(pytorch.from_numpy(dout))

    out, cache = batch_norm_forward(x, gamma, beta, eps)
    # x reaches magnitudes of 30; its mean is subtracted from it.
    assert_agrees(out, expected.detach().numpy(), scale=np.abs(x).max())
    grads = batch_norm_backward(dout, cache)
    steepest = np.abs(dout).max() * (np.abs(gamma) / np.sqrt(cache.var + eps)).max()
    for got, leaf, scale in zip(grads, leaves, (steepest, rows, rows), strict=True):
        assert_agrees(got, leaf.grad.numpy(), scale=scale)
    mean, var = update_running_statistics(
        np.zeros(features, dtype), np.ones(features, dtype), cache.mean, cache.var, rows, momentum
    )
    assert_agrees(mean, running[0].numpy(), scale=np.abs(x).max())
    # The variance of a constant feature is what rounding its mean leaves, squared.
    assert_agrees(var, running[1].numpy(), scale=1e-6 * np.abs(x).max() ** 2)
    inference = pytorch.nn.functional.batch_norm(
        leaves[0], *running, leaves[1], leaves[2], training=False, eps=eps
    )
    assert_agrees(
        batch_norm_inference(x, gamma, beta, running[0].numpy(), running[1].numpy(), eps),
        inference.detach().numpy(),
        scale=np.abs(x).max(),
    )


# ---- conventions of the package


@pytest.mark.parametrize("dtype", DTYPES)
def test_dtype_is_kept(dtype):
    x, gamma, beta, dout = make_batch(6, 5, 3, dtype)
    out, cache = batch_norm_forward(x, gamma, beta)
    results = [out, *batch_norm_backward(dout, cache)]
    results += [cache.mean, cache.var, cache.normalized, cache.inv_std]
    results += [batch_norm_inference(x, gamma, beta, cache.mean, cache.var)]
    results += update_running_statistics(cache.mean, cache.var, cache.mean, cache.var, 5)
    results += average_statistics(cache.mean[None], cache.var[None], 5)
    results += [exponential_average(cache.mean[None], 0.5)]
    assert all(result.dtype == dtype for result in results)


def test_integers_lists_and_other_memory_layouts_give_the_same():
    x = np.arange(12).reshape(4, 3) ** 2
    gamma, beta = [1, 2, 3], [0, 1, 2]
    expected, _ = batch_norm_forward(x.astype(float), np.array(gamma, float), np.array(beta, float))
    wide = np.zeros((8, 6))
    wide[::2, ::2] = x
    for other in (x, x.tolist(), np.asfortranarray(x), wide[::2, ::2], x.astype(">f8")):
        out, _ = batch_norm_forward(other, gamma, beta)
        assert out.dtype == np.float64
        np.testing.assert_array_equal(out, expected)


def test_inputs_are_left_alone_and_the_cache_is_a_copy():
    x, gamma, beta, dout = make_batch(7, 5, 3)
    copies = [a.copy() for a in (x, gamma, beta, dout)]
    _, cache = batch_norm_forward(x, gamma, beta)
    first = batch_norm_backward(dout, cache)
    batch_norm_inference(x, gamma, beta, cache.mean, cache.var)
    update_running_statistics(gamma, cache.var, beta, cache.var, 5)
    for array, copy in zip((x, gamma, beta, dout), copies, strict=True):
        np.testing.assert_array_equal(array, copy)
    gamma[:] = 0
    for before, after in zip(first, batch_norm_backward(dout, cache), strict=True):
        np.testing.assert_array_equal(before, after)


# ---- bad input

X = np.arange(6.0).reshape(3, 2)
V = np.array([0.5, 1.5])

CALLS = {
    batch_norm_forward: {"x": X, "gamma": V, "beta": V, "eps": 1e-5},
    batch_norm_backward: {"dout": X, "cache": batch_norm_forward(X, V, V)[1]},
    batch_norm_inference: {"x": X, "gamma": V, "beta": V, "mean": V, "var": V, "eps": 1e-5},
    update_running_statistics: {
        "running_mean": V,
        "running_var": V,
        "batch_mean": V,
        "batch_var": V,
        "batch_size": 3,
        "momentum": 0.1,
    },
    average_statistics: {"batch_means": X, "batch_vars": X, "batch_size": 3},
    exponential_average: {"values": X, "alpha": 0.5},
}


def bad_calls():
    for function, good in CALLS.items():
        for name, value in good.items():
            if isinstance(value, np.ndarray):
                for argument, bad, error in array_errors(name, value):
                    # Any shape that has a step is a series of values.
                    if name != "values" or error is TypeError or np.ndim(bad) == 0:
                        yield function, argument, bad, error
        for name, values in {
            "eps": [0, -1e-5, np.nan, np.inf],
            "momentum": [-0.1, 1.1, np.nan],
            "alpha": [-0.1, 1.1, np.nan],
            "batch_size": [1, 0, -3],
        }.items():
            if name in good:
                yield from ((function, name, value, ValueError) for value in values)
                yield from ((function, name, value, TypeError) for value in ("1", None, 1j, True))
        for name in sorted({"var", "running_var", "batch_var", "batch_vars"} & set(good)):
            yield function, name, -good[name] - 1, ValueError
    yield update_running_statistics, "batch_size", 3.0, TypeError
    yield batch_norm_backward, "cache", {"normalized": X}, TypeError
    yield batch_norm_backward, "dout", X[:2], ValueError
    yield batch_norm_forward, "x", X[:1], ValueError
    yield batch_norm_forward, "x", X[:0], ValueError
    yield batch_norm_forward, "x", [[1.0], [1.0, 2.0]], ValueError
    yield batch_norm_forward, "x", X.astype(np.float16), TypeError
    yield batch_norm_forward, "gamma", V[:1], ValueError
    yield batch_norm_inference, "x", X[:0], ValueError
    yield average_statistics, "batch_means", X[:0], ValueError
    yield exponential_average, "values", [], ValueError


@pytest.mark.parametrize(("function", "name", "bad", "error"), list(bad_calls()))
def test_bad_input_is_refused_by_name(function, name, bad, error):
    with pytest.raises(error, match=rf"^{name} must"):
        function(**(CALLS[function] | {name: bad}))
