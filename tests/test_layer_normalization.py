import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import array_errors, assert_agrees, frozen, torch

from gradlab._threads import parts
from gradlab.batch_normalization import batch_norm_forward
from gradlab.gradient_check import check_gradient
from gradlab.layer_normalization import (
    group_norm_backward,
    group_norm_forward,
    influence,
    instance_norm_backward,
    instance_norm_forward,
    layer_norm_backward,
    layer_norm_forward,
)

DTYPES = [np.float64, np.float32]
KINDS = ["layer", "instance", "group"]
SHAPES = {"layer": (4, 6), "instance": (3, 4, 5), "group": (3, 6, 4)}
BACKWARD = {
    "layer": layer_norm_backward,
    "instance": instance_norm_backward,
    "group": group_norm_backward,
}


def forward(kind, x, gamma, beta, eps=1e-5, groups=3):
    if kind == "group":
        return group_norm_forward(x, gamma, beta, groups, eps)
    return {"layer": layer_norm_forward, "instance": instance_norm_forward}[kind](
        x, gamma, beta, eps
    )


def make_case(seed, shape, dtype=np.float64):
    """Channels with means and scales, gammas and betas of their own."""
    rng = np.random.default_rng(seed)
    per_channel = (shape[1], *(1,) * (len(shape) - 2))
    scale = np.exp(rng.uniform(-2, 2, per_channel))
    x = scale * (rng.uniform(-3, 3, per_channel) + rng.normal(size=shape))
    gamma, beta = rng.uniform(-2, 2, (2, shape[1]))
    dout = rng.normal(size=shape) + 0.5
    return [a.astype(dtype) for a in (x, gamma, beta, dout)]


def rows_of(kind, shape, groups=3):
    """Index lists of the entries that are standardized together, straight from the definition."""
    batch, channels = shape[:2]
    if kind == "layer":
        return [[(i, j) for j in range(channels)] for i in range(batch)]
    positions = range(shape[2])
    if kind == "instance":
        return [[(i, c, p) for p in positions] for i in range(batch) for c in range(channels)]
    return [
        [(i, c, p) for c in range(channels) if c * groups // channels == g for p in positions]
        for i in range(batch)
        for g in range(groups)
    ]


# ---- the definition


@pytest.mark.equation("ln-mean")
@pytest.mark.equation("ln-variance")
@pytest.mark.equation("ln-normalize")
@pytest.mark.equation("ln-scale-shift")
@pytest.mark.equation("ln-instance")
@pytest.mark.equation("ln-group")
@pytest.mark.parametrize("kind", KINDS)
def test_forward_is_the_definition(kind):
    x, gamma, beta, _ = make_case(0, SHAPES[kind])
    out, cache = forward(kind, x, gamma, beta, eps=0.3)
    rows = rows_of(kind, x.shape)
    assert cache.mean.size == len(rows)
    for r, row in enumerate(rows):
        mean = sum(x[k] for k in row) / len(row)
        var = sum((x[k] - mean) ** 2 for k in row) / len(row)
        assert cache.mean.flat[r] == pytest.approx(mean)
        assert cache.var.flat[r] == pytest.approx(var)
        assert cache.inv_std.flat[r] == pytest.approx((var + 0.3) ** -0.5)
        for k in row:
            u = (x[k] - mean) / (var + 0.3) ** 0.5
            assert cache.normalized[k] == pytest.approx(u)
            assert out[k] == pytest.approx(gamma[k[1]] * u + beta[k[1]])


def test_statistics_have_one_entry_a_row():
    assert forward("layer", *make_case(0, (4, 6))[:3])[1].mean.shape == (4,)
    assert forward("instance", *make_case(0, (3, 4, 5))[:3])[1].var.shape == (3, 4)
    assert forward("group", *make_case(0, (3, 6, 4))[:3])[1].inv_std.shape == (3, 3)


@given(st.integers(0, 2**32 - 1), st.integers(1, 9), st.integers(2, 12))
def test_normalized_example_has_the_norm_of_the_square_root_of_its_size(seed, batch, features):
    x, _, _, _ = make_case(seed, (batch, features))
    out, _ = layer_norm_forward(x, np.ones(features), np.zeros(features), eps=1e-14)
    np.testing.assert_allclose(out.sum(axis=1), 0, atol=1e-8)
    np.testing.assert_allclose(np.linalg.norm(out, axis=1), np.sqrt(features), rtol=1e-6)


@given(st.integers(0, 2**32 - 1), st.floats(0.1, 10), st.floats(-10, 10))
def test_output_ignores_shift_and_positive_scale_of_an_example(seed, scale, shift):
    x, gamma, beta, _ = make_case(seed, (5, 6))
    plain, _ = layer_norm_forward(x, gamma, beta, eps=1e-14)
    x[2] = scale * x[2] + shift
    moved, _ = layer_norm_forward(x, gamma, beta, eps=1e-14)
    np.testing.assert_allclose(moved, plain, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_examples_do_not_see_each_other(kind):
    x, gamma, beta, dout = make_case(1, SHAPES[kind])
    out, cache = forward(kind, x, gamma, beta)
    dx, _, _ = BACKWARD[kind](dout, cache)
    for i in range(len(x)):
        alone, own = forward(kind, x[i : i + 1], gamma, beta)
        np.testing.assert_array_equal(alone[0], out[i])
        np.testing.assert_array_equal(BACKWARD[kind](dout[i : i + 1], own)[0][0], dx[i])


def test_layer_norm_is_batch_norm_of_the_transposed_batch():
    x, _, _, _ = make_case(2, (5, 7))
    rows, _ = layer_norm_forward(x, np.ones(7), np.zeros(7), eps=0.1)
    columns, _ = batch_norm_forward(x.T, np.ones(5), np.zeros(5), eps=0.1)
    np.testing.assert_allclose(rows, columns.T, atol=1e-12)
    assert np.abs(rows - batch_norm_forward(x, np.ones(7), np.zeros(7), eps=0.1)[0]).max() > 0.1


def test_group_norm_has_the_other_two_at_its_ends():
    x, gamma, beta, dout = make_case(3, (3, 6, 4))
    by_channel, cache = group_norm_forward(x, gamma, beta, groups=6)
    instance, instance_cache = instance_norm_forward(x, gamma, beta)
    np.testing.assert_array_equal(by_channel, instance)
    for a, b in zip(
        group_norm_backward(dout, cache), instance_norm_backward(dout, instance_cache), strict=True
    ):
        np.testing.assert_array_equal(a, b)
    single, cache = group_norm_forward(x[:, :, :1], gamma, beta, groups=1)
    layer, layer_cache = layer_norm_forward(x[:, :, 0], gamma, beta)
    np.testing.assert_array_equal(single[:, :, 0], layer)
    dx, _, _ = group_norm_backward(dout[:, :, :1], cache)
    np.testing.assert_array_equal(
        dx[:, :, 0], layer_norm_backward(np.ascontiguousarray(dout[:, :, 0]), layer_cache)[0]
    )


def test_equal_pre_activations_come_out_as_beta():
    # Deck S has no epsilon: its formula is 0 / 0 here.
    x, beta = np.full((2, 5), 0.1), np.arange(5.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        centered = np.array([3.0, 3.0]) - 3.0
        assert np.isnan(np.sqrt(2) / np.linalg.norm(centered) * centered).all()
    out, cache = layer_norm_forward(x, np.full(5, 3.0), beta)
    np.testing.assert_allclose(out, [beta] * 2, atol=1e-9)
    dx, dgamma, _ = layer_norm_backward(np.arange(10.0).reshape(2, 5), cache)
    assert np.isfinite(dx).all()
    np.testing.assert_allclose(dgamma, 0, atol=1e-9)


def test_scale_of_deck_s_is_one_over_the_standard_deviation():
    x, _, _, _ = make_case(4, (1, 8))
    centered = x[0] - x[0].mean()
    deck = np.sqrt(8) / np.linalg.norm(centered) * centered
    out, _ = layer_norm_forward(x, np.ones(8), np.zeros(8), eps=1e-15)
    np.testing.assert_allclose(out[0], deck, rtol=1e-9)


def test_row_of_one_entry_comes_out_as_beta():
    out, cache = layer_norm_forward([[5.0], [-3.0]], [2.0], [7.0])
    np.testing.assert_array_equal(out, [[7.0], [7.0]])
    dx, dgamma, dbeta = layer_norm_backward([[1.0], [3.0]], cache)
    np.testing.assert_array_equal(dx, 0)
    np.testing.assert_array_equal((dgamma, dbeta), ([0.0], [4.0]))
    out, _ = instance_norm_forward(np.ones((2, 3, 1)), np.ones(3), [1.0, 2.0, 3.0])
    np.testing.assert_array_equal(out[:, :, 0], [[1, 2, 3], [1, 2, 3]])


def test_large_offset_keeps_its_digits():
    x = np.random.default_rng(0).normal(size=(3, 50))
    plain, _ = layer_norm_forward(x, np.ones(50), np.zeros(50))
    moved, _ = layer_norm_forward(x + 1e8, np.ones(50), np.zeros(50))
    np.testing.assert_allclose(moved, plain, atol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_float32_at_an_offset_of_ten_million(kind):
    # Integers, which float32 has there too. The mean is none of them.
    x = np.random.default_rng(3).integers(-20, 20, SHAPES[kind]).astype(np.float32)
    gamma, beta, dout = (a.astype(np.float32) for a in make_case(3, SHAPES[kind])[1:])
    out, cache = forward(kind, x + np.float32(1e7), gamma, beta)
    expected, near = forward(kind, x.astype(np.float64), gamma, beta)
    np.testing.assert_allclose(out, expected, atol=1e-6)
    np.testing.assert_allclose(cache.normalized, near.normalized, atol=1e-6)
    for got, wanted in zip(BACKWARD[kind](dout, cache), BACKWARD[kind](dout, near), strict=True):
        np.testing.assert_allclose(got, wanted, atol=1e-5)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", KINDS)
def test_stretches_for_threads_agree_with_one_stretch(kind, dtype, monkeypatch):
    x, gamma, beta, dout = make_case(4, (11, *SHAPES[kind][1:]), dtype)
    out, cache = forward(kind, x, gamma, beta)
    whole = [out, cache.mean, cache.var, *BACKWARD[kind](dout, cache)]
    monkeypatch.setattr("gradlab._threads.PART", 32)
    assert len(parts(11, x.size)) > 1
    out, cache = forward(kind, x, gamma, beta)
    cut = [out, cache.mean, cache.var, *BACKWARD[kind](dout, cache)]
    for a, b in zip(cut, whole, strict=True):
        assert_agrees(a, b)


def test_long_float32_rows_are_summed_in_float64():
    _, cache = instance_norm_forward(np.full((1, 1, 200_000), 0.1, np.float32), [1.0], [0.0])
    assert cache.mean[0, 0] == np.float32(0.1)
    assert cache.var[0, 0] < 1e-12
    x = np.tile(np.float32([0.0, 1.0]), (1, 1, 100_000))
    dx, _, _ = instance_norm_backward(
        np.full_like(x, 0.1), instance_norm_forward(x, [1.0], [0.0])[1]
    )
    assert np.abs(dx).max() < 1e-7
    x = np.zeros((300_000, 1), np.float32)
    _, _, dbeta = layer_norm_backward(np.full_like(x, 0.1), layer_norm_forward(x, [1.0], [0.0])[1])
    assert dbeta[0] == np.float32(300_000 * np.float64(np.float32(0.1)))


def test_not_a_number_stays_in_its_example():
    x, gamma, beta, dout = make_case(5, (5, 4))
    x[2, 1] = np.nan
    out, cache = layer_norm_forward(x, gamma, beta)
    dx, _, _ = layer_norm_backward(dout, cache)
    for result in (out, dx):
        assert np.isnan(result[2]).all()
        assert np.isfinite(result[[0, 1, 3, 4]]).all()


# ---- the backward pass


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("constant", [False, True])
def test_backward_agrees_with_central_differences(kind, constant):
    x, gamma, beta, dout = make_case(6, SHAPES[kind])
    if constant:
        x[1] = 0.7
    _, cache = forward(kind, x, gamma, beta, eps=0.05)
    dx, dgamma, dbeta = BACKWARD[kind](dout, cache)

    def loss(x=x, gamma=gamma, beta=beta):
        return float((forward(kind, x, gamma, beta, eps=0.05)[0] * dout).sum())

    check_gradient(lambda a: loss(x=a), dx, x, tol=1e-7)
    check_gradient(lambda a: loss(gamma=a), dgamma, gamma, tol=1e-7)
    check_gradient(lambda a: loss(beta=a), dbeta, beta, tol=1e-7)


@pytest.mark.equation("ln-backward-beta")
@pytest.mark.equation("ln-backward-gamma")
@pytest.mark.equation("ln-backward-u")
@pytest.mark.equation("ln-backward-x")
@pytest.mark.equation("ln-backward-channel")
@pytest.mark.equation("ln-backward-instance")
@pytest.mark.equation("ln-backward-group")
@pytest.mark.parametrize("kind", KINDS)
def test_backward_is_the_formula(kind):
    x, gamma, beta, dout = make_case(7, SHAPES[kind])
    _, cache = forward(kind, x, gamma, beta, eps=0.2)
    dx, dgamma, dbeta = BACKWARD[kind](dout, cache)
    u = cache.normalized
    for c in range(x.shape[1]):
        np.testing.assert_allclose(dbeta[c], dout[:, c].sum())
        np.testing.assert_allclose(dgamma[c], (dout[:, c] * u[:, c]).sum())
    for r, row in enumerate(rows_of(kind, x.shape)):
        du = {k: gamma[k[1]] * dout[k] for k in row}
        mean = sum(du.values()) / len(row)
        mean_u = sum(du[k] * u[k] for k in row) / len(row)
        for k in row:
            expected = (du[k] - mean - u[k] * mean_u) * cache.inv_std.flat[r]
            assert dx[k] == pytest.approx(expected, abs=1e-12)


@given(st.integers(0, 2**32 - 1), st.integers(1, 8), st.integers(1, 12))
def test_gradient_sums_to_zero_over_an_example(seed, batch, features):
    x, gamma, beta, dout = make_case(seed, (batch, features))
    _, cache = layer_norm_forward(x, gamma, beta, eps=0.1)
    dx, _, _ = layer_norm_backward(dout, cache)
    np.testing.assert_allclose(dx.sum(axis=1), 0, atol=1e-10 * features)


# ---- agreement with PyTorch


@pytest.mark.parametrize(
    "name", sorted({key.split("/")[0] for key in frozen("layer_normalization")})
)
def test_agrees_with_frozen_pytorch(name):
    stored = frozen("layer_normalization")
    case = {key.split("/")[1]: value for key, value in stored.items() if key.startswith(name + "/")}
    kind = name.split("-")[0]
    out, cache = forward(
        kind, case["x"], case["gamma"], case["beta"], float(case["eps"]), int(case["groups"])
    )
    assert_agrees(out, case["out"])
    for got, key in zip(
        BACKWARD[kind](case["dout"], cache), ("dx", "dgamma", "dbeta"), strict=True
    ):
        assert_agrees(got, case[key], scale=np.abs(case["dout"]).max())


@pytest.mark.parametrize("dtype", DTYPES)
@settings(max_examples=40)
@given(
    seed=st.integers(0, 2**32 - 1),
    batch=st.integers(1, 6),
    groups=st.integers(1, 3),
    width=st.integers(1, 3),
    positions=st.integers(2, 8),
    eps=st.floats(1e-5, 1.0),
)
def test_agrees_with_pytorch(dtype, seed, batch, groups, width, positions, eps):
    pytorch = torch()
    functional = pytorch.nn.functional
    channels = groups * width
    for kind in KINDS:
        shape = (batch, channels) if kind == "layer" else (batch, channels, positions)
        x, gamma, beta, dout = make_case(seed, shape, dtype)
        leaves = [pytorch.from_numpy(a.copy()).requires_grad_() for a in (x, gamma, beta)]
        if kind == "layer":
            expected = functional.layer_norm(leaves[0], (channels,), leaves[1], leaves[2], eps)
        elif kind == "instance":
            expected = functional.instance_norm(
                leaves[0], weight=leaves[1], bias=leaves[2], eps=eps
            )
        else:
            expected = functional.group_norm(leaves[0], groups, leaves[1], leaves[2], eps)
        expected.backward(pytorch.from_numpy(dout))
        out, cache = forward(kind, x, gamma, beta, eps, groups)
        # x reaches magnitudes of 30; its mean is subtracted from it and the rest divided by std.
        steepest = np.abs(x).max() * np.abs(gamma).max() * cache.inv_std.max()
        assert_agrees(out, expected.detach().numpy(), scale=steepest)
        steepest = np.abs(dout).max() * np.abs(gamma).max() * cache.inv_std.max()
        scales = (10 * steepest, dout.size * steepest, dout.size)
        for got, leaf, scale in zip(BACKWARD[kind](dout, cache), leaves, scales, strict=True):
            assert_agrees(got, leaf.grad.numpy(), scale=scale)


# ---- conventions of the package


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", KINDS)
def test_dtype_is_kept(kind, dtype):
    x, gamma, beta, dout = make_case(8, SHAPES[kind], dtype)
    out, cache = forward(kind, x, gamma.astype(np.float64), beta)
    results = [out, *BACKWARD[kind](dout.astype(np.float64), cache)]
    results += [cache.mean, cache.var, cache.normalized, cache.inv_std, cache.gamma]
    assert all(result.dtype == dtype for result in results)


def test_integers_lists_and_other_memory_layouts_give_the_same():
    x = np.arange(24).reshape(2, 4, 3) ** 2
    gamma, beta = [1, 2, 3, 4], [0, 1, 2, 3]
    expected, cache = group_norm_forward(x.astype(float), gamma, beta, 2)
    wide = np.zeros((4, 8, 6))
    wide[::2, ::2, ::2] = x
    for other in (x, x.tolist(), np.asfortranarray(x), wide[::2, ::2, ::2], x.astype(">f8")):
        out, _ = group_norm_forward(other, gamma, beta, 2)
        assert out.dtype == np.float64
        np.testing.assert_array_equal(out, expected)
        for got, known in zip(
            group_norm_backward(other, cache),
            group_norm_backward(x.astype(float), cache),
            strict=True,
        ):
            np.testing.assert_array_equal(got, known)


@pytest.mark.parametrize("kind", KINDS)
def test_inputs_are_left_alone_and_the_cache_holds_the_input_and_a_copy_of_gamma(kind):
    x, gamma, beta, dout = make_case(9, SHAPES[kind])
    copies = [a.copy() for a in (x, gamma, beta, dout)]
    _, cache = forward(kind, x, gamma, beta)
    assert cache.x is x
    first = BACKWARD[kind](dout, cache)
    for array, copy in zip((x, gamma, beta, dout), copies, strict=True):
        np.testing.assert_array_equal(array, copy)
    gamma[:] = 0
    for before, after in zip(first, BACKWARD[kind](dout, cache), strict=True):
        np.testing.assert_array_equal(before, after)


def test_a_cache_stays_as_it_is():
    _, cache = layer_norm_forward([[1.0, 2.0]], [1.0, 1.0], [0.0, 0.0])
    with pytest.raises(AttributeError):
        cache.mean = 0


# ---- whose output depends on whom


@pytest.mark.parametrize("dtype", DTYPES)
def test_influence_of_a_linear_map_is_its_matrix(dtype):
    rng = np.random.default_rng(5)
    across, along = rng.normal(size=(4, 4)), rng.normal(size=(3, 3))
    x = rng.normal(size=(4, 3)).astype(dtype)
    kept = x.copy()
    moves = influence(lambda z: across @ z @ along, x, feature=1, step=0.5)
    # out_ij = sum_kf A_ik x_kf B_fj moves by A_ik s B_fj.
    expected = 0.5 * np.abs(across) * np.abs(along[1]).max()
    assert_agrees(moves, expected.astype(dtype))
    np.testing.assert_array_equal(x, kept)


@pytest.mark.parametrize("rows", [1, 4])
def test_influence_tells_layer_from_batch_normalization(rows):
    x, gamma, beta, _ = make_case(6, (rows, 3))
    by_layer = influence(lambda z: layer_norm_forward(z, gamma, beta)[0], x, 0, 0.5)
    np.testing.assert_array_equal(by_layer != 0, np.eye(rows, dtype=bool))
    if rows > 1:
        assert influence(lambda z: batch_norm_forward(z, gamma, beta)[0], x, 0, 0.5).all()


def test_influence_of_a_step_that_rounding_takes_away():
    with pytest.raises(ValueError, match=r"^step must be large enough to change the entry 1\.0"):
        influence(np.tanh, np.ones((2, 2), np.float32), feature=0, step=1e-9)


def test_influence_bears_a_function_that_spoils_or_reuses_its_arrays():
    x, gamma, beta, _ = make_case(7, (3, 4))
    out = np.empty_like(x)

    def reusing(z):
        out[:] = layer_norm_forward(z, gamma, beta)[0]
        z[:] = np.nan
        return out

    expected = influence(lambda z: layer_norm_forward(z, gamma, beta)[0], x, 2, 0.1)
    np.testing.assert_array_equal(influence(reusing, x, 2, 0.1), expected)


# ---- bad input

X2, X3 = np.arange(6.0).reshape(3, 2), np.arange(24.0).reshape(2, 4, 3)
V2, V4 = np.array([0.5, 1.5]), np.array([0.5, 1.5, -2.0, 1.0])
LAYER_CACHE = layer_norm_forward(X2, V2, V2)[1]
GROUP_CACHE = group_norm_forward(X3, V4, V4, 2)[1]

CALLS = {
    layer_norm_forward: {"x": X2, "gamma": V2, "beta": V2, "eps": 1e-5},
    instance_norm_forward: {"x": X3, "gamma": V4, "beta": V4, "eps": 1e-5},
    group_norm_forward: {"x": X3, "gamma": V4, "beta": V4, "groups": 2, "eps": 1e-5},
    layer_norm_backward: {"dout": X2, "cache": LAYER_CACHE},
    instance_norm_backward: {"dout": X3, "cache": instance_norm_forward(X3, V4, V4)[1]},
    group_norm_backward: {"dout": X3, "cache": GROUP_CACHE},
    influence: {"normalize": np.tanh, "x": X2, "feature": 0, "step": 0.5},
}


def bad_calls():
    for function, good in CALLS.items():
        for name, value in good.items():
            if isinstance(value, np.ndarray):
                yield from ((function, *error) for error in array_errors(name, value))
                yield function, name, value[:0], ValueError
        if "eps" in good:
            yield from ((function, "eps", bad, ValueError) for bad in (0, -1e-5, np.nan, np.inf))
            yield from ((function, "eps", bad, TypeError) for bad in ("1", None, 1j, True))
            yield function, "gamma", good["gamma"][:1], ValueError
            yield function, "x", good["x"].astype(np.float16), TypeError
        elif "cache" in good:
            yield function, "dout", good["dout"][:1], ValueError
            yield function, "cache", {"normalized": X2}, TypeError
            yield function, "cache", batch_norm_forward(X2, V2, V2)[1], TypeError
            other = GROUP_CACHE if function is layer_norm_backward else LAYER_CACHE
            yield function, "cache", other, ValueError
    yield from ((group_norm_forward, "groups", bad, ValueError) for bad in (0, -2, 3, 8))
    yield from ((group_norm_forward, "groups", bad, TypeError) for bad in (2.0, "2", None, True))
    yield from ((influence, "step", bad, ValueError) for bad in (0, -0.5, np.nan, np.inf))
    yield from ((influence, "feature", bad, ValueError) for bad in (-1, X2.shape[1]))
    yield from ((influence, "feature", bad, TypeError) for bad in (0.0, None, True))
    yield from ((influence, "normalize", bad, TypeError) for bad in (None, X2, lambda z: z > 0))
    yield influence, "normalize", lambda z: z[:1], ValueError
    yield layer_norm_forward, "x", [[1.0], [1.0, 2.0]], ValueError
    yield instance_norm_forward, "x", X2, ValueError


@pytest.mark.parametrize(("function", "name", "bad", "error"), list(bad_calls()))
def test_bad_input_is_refused_by_name(function, name, bad, error):
    with pytest.raises(error, match=rf"^{name} must"):
        function(**(CALLS[function] | {name: bad}))
