import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import Ridge
from support import array_errors, assert_agrees, torch

from gradlab.gradient_check import check_gradient, numerical_gradient
from gradlab.optimizers import SGD
from gradlab.weight_decay import (
    add_input_noise,
    l1_activation_penalty,
    l1_activation_penalty_backward,
    l2_penalty,
    l2_penalty_backward,
    ridge,
)

DTYPES = [np.float64, np.float32]


def make_weights(seed, dtype=np.float64):
    rng = np.random.default_rng(seed)
    return [(rng.normal(size=shape) + 0.3).astype(dtype) for shape in ((4, 3), (3, 2), (5,))]


# ---- the penalty on the weights


@pytest.mark.equation("wd-penalty")
@pytest.mark.parametrize("dtype", DTYPES)
def test_l2_penalty_is_the_definition(dtype):
    weights = make_weights(0, dtype)
    total = sum(float(value) ** 2 for weight in weights for value in weight.ravel())
    rtol = 1e-12 if dtype == np.float64 else 1e-6
    assert l2_penalty(weights, 0.3) == pytest.approx(0.15 * total, rel=rtol)
    assert l2_penalty(weights, 0.3, half=False) == pytest.approx(0.3 * total, rel=rtol)
    assert type(l2_penalty(weights, 0.3)) is float


@pytest.mark.equation("wd-gradient")
@pytest.mark.parametrize("half", [True, False])
def test_l2_gradient_agrees_with_central_differences(half):
    weights = make_weights(1)
    grads = l2_penalty_backward(weights, 0.3, half=half)
    for k, grad in enumerate(grads):
        np.testing.assert_allclose(grad, (0.3 if half else 0.6) * weights[k], rtol=1e-12)

        def penalty(weight, k=k):
            return l2_penalty([*weights[:k], weight, *weights[k + 1 :]], 0.3, half=half)

        check_gradient(penalty, grad, weights[k], tol=1e-8)


@given(st.integers(0, 2**32 - 1), st.floats(0, 10), st.floats(-3, 3))
def test_l2_penalty_is_quadratic_and_additive(seed, strength, factor):
    weights = make_weights(seed)
    whole = l2_penalty(weights, strength)
    assert whole == pytest.approx(sum(l2_penalty([w], strength) for w in weights))
    scaled = l2_penalty([factor * w for w in weights], strength)
    assert scaled == pytest.approx(factor**2 * whole, abs=1e-12)


def test_squares_of_float32_weights_may_exceed_float32():
    weights = [np.array([3e30, 4e30], np.float32)]
    assert l2_penalty(weights, 2.0) == pytest.approx(25e60, rel=1e-6)


@pytest.mark.equation("wd-update")
def test_gradient_descent_on_the_penalized_loss_is_weight_decay():
    rng = np.random.default_rng(2)
    weights = make_weights(3)
    others = [weight.copy() for weight in weights]
    built_in, plain = SGD(0.1, weight_decay=0.4), SGD(0.1)
    for _ in range(5):
        slopes = [rng.normal(size=weight.shape) for weight in weights]
        by_hand = [w - 0.1 * (g + 0.4 * w) for w, g in zip(weights, slopes, strict=True)]
        built_in.step(weights, slopes)
        decays = l2_penalty_backward(others, 0.4)
        plain.step(others, [g + d for g, d in zip(slopes, decays, strict=True)])
        for weight, other, expected in zip(weights, others, by_hand, strict=True):
            np.testing.assert_allclose(weight, expected, rtol=1e-12)
            np.testing.assert_allclose(other, expected, rtol=1e-12)


def test_deck_cs_pseudo_code_is_another_rate_and_strength_than_its_formula():
    rng = np.random.default_rng(4)
    x, target, weight = rng.normal(size=(8, 3)), rng.normal(size=8), rng.normal(size=3)
    eta, strength, batch = 0.05, 0.3, 8
    slopes = [(row @ weight - d) * row for row, d in zip(x, target, strict=True)]
    formula = weight - eta * (sum(slopes) / batch + strength * weight)
    # The gradient of the objective that the deck states: mean divergence plus the penalty.

    def objective(w):
        return float(0.5 * np.mean((x @ w - target) ** 2)) + l2_penalty([w], strength)

    check_gradient(objective, (weight - formula) / eta, weight)

    def pseudo_code(eta, strength):
        return weight - eta * (sum(slopes) + strength * weight)

    assert np.abs(pseudo_code(eta, strength) - formula).max() > 0.1
    np.testing.assert_allclose(pseudo_code(eta / batch, strength * batch), formula, rtol=1e-12)


def test_deck_ss_penalty_counts_once_for_each_example():
    rng = np.random.default_rng(5)
    x, target, weight = rng.normal(size=(6, 3)), rng.normal(size=6), rng.normal(size=3)
    strength = 0.2

    def loss(w):
        return float(
            sum(abs(d - row @ w) + strength * w @ w for row, d in zip(x, target, strict=True))
        )

    # Its norm of the error is not squared, so an example pulls with the same force near and far.
    errors = np.sign(x @ weight - target) @ x
    penalty = l2_penalty_backward([weight], len(x) * strength, half=False)[0]
    check_gradient(loss, errors + penalty, weight)


# ---- the penalty on activations


@pytest.mark.equation("wd-activation-penalty")
@pytest.mark.parametrize("dtype", DTYPES)
def test_l1_penalty_is_the_definition(dtype):
    activations = np.random.default_rng(6).normal(size=(7, 4)).astype(dtype)
    total = sum(abs(float(value)) for value in activations.ravel())
    penalty = l1_activation_penalty(activations, 0.3)
    assert penalty == pytest.approx(0.3 * total / 7, rel=1e-12 if dtype == np.float64 else 1e-6)
    assert type(penalty) is float


@pytest.mark.equation("wd-activation-gradient")
def test_l1_gradient_agrees_with_central_differences():
    rng = np.random.default_rng(7)
    activations = rng.choice([-1, 1], (5, 3)) * rng.uniform(0.1, 2, (5, 3))
    grad = l1_activation_penalty_backward(activations, 0.3)
    check_gradient(lambda a: l1_activation_penalty(a, 0.3), grad, activations, tol=1e-8)
    np.testing.assert_allclose(grad, 0.06 * np.sign(activations), rtol=1e-12)
    # Central differences see 0 at the kink, too.
    activations[2] = 0
    grad = l1_activation_penalty_backward(activations, 0.3)
    check_gradient(lambda a: l1_activation_penalty(a, 0.3), grad, activations, tol=1e-8)
    np.testing.assert_array_equal(grad[2], 0)


@given(st.integers(0, 2**32 - 1), st.integers(1, 5))
def test_l1_penalty_does_not_depend_on_the_size_of_the_batch(seed, copies):
    activations = np.random.default_rng(seed).normal(size=(4, 3))
    repeated = np.concatenate([activations] * copies)
    assert l1_activation_penalty(repeated, 0.7) == pytest.approx(
        l1_activation_penalty(activations, 0.7)
    )


@pytest.mark.parametrize("dtype", DTYPES)
def test_agrees_with_pytorch(dtype):
    pytorch = torch()
    weights, activations = make_weights(8, dtype), make_weights(9, dtype)[0]
    tensors = [pytorch.from_numpy(w.copy()).requires_grad_() for w in weights]
    expected = 0.15 * sum(tensor.pow(2).sum() for tensor in tensors)
    expected.backward()
    assert l2_penalty(weights, 0.3) == pytest.approx(expected.item(), rel=1e-6)
    for got, tensor in zip(l2_penalty_backward(weights, 0.3), tensors, strict=True):
        assert_agrees(got, tensor.grad.numpy())
    tensor = pytorch.from_numpy(activations.copy()).requires_grad_()
    expected = 0.3 * tensor.abs().sum(dim=1).mean()
    expected.backward()
    assert l1_activation_penalty(activations, 0.3) == pytest.approx(expected.item(), rel=1e-6)
    assert_agrees(l1_activation_penalty_backward(activations, 0.3), tensor.grad.numpy())


# ---- noise


@pytest.mark.equation("wd-noise")
@pytest.mark.parametrize("dtype", DTYPES)
def test_noise_is_independent_gaussian_and_reproducible(dtype):
    x = np.full((400, 50), 3.0, dtype)
    noisy = add_input_noise(x, 0.5, np.random.default_rng(10))
    noise = (noisy - x).astype(np.float64)
    # 20000 draws: the mean has a standard error of 0.0035, the spread one of 0.0025.
    assert noisy.dtype == dtype
    assert noise.mean() == pytest.approx(0, abs=0.015)
    assert noise.std() == pytest.approx(0.5, abs=0.01)
    assert (noise**4).mean() == pytest.approx(3 * 0.5**4, rel=0.1)
    assert abs(np.corrcoef(noise[0::2].ravel(), noise[1::2].ravel())[0, 1]) < 0.05
    assert abs(np.corrcoef(noise[:, 0::2].ravel(), noise[:, 1::2].ravel())[0, 1]) < 0.05
    again = add_input_noise(x, 0.5, np.random.default_rng(10))
    np.testing.assert_array_equal(noisy, again)
    rng = np.random.default_rng(10)
    assert (add_input_noise(x, 0.5, rng) != add_input_noise(x, 0.5, rng)).mean() > 0.99


def test_noise_scales_and_vanishes():
    x = np.arange(6.0).reshape(2, 3)
    one, two = (add_input_noise(x, s, np.random.default_rng(11)) - x for s in (0.1, 0.2))
    np.testing.assert_allclose(two, 2 * one, rtol=1e-9)
    np.testing.assert_array_equal(add_input_noise(x, 0, np.random.default_rng(12)), x)


@pytest.mark.equation("wd-noise-penalty")
def test_noise_on_the_input_of_a_linear_model_is_weight_decay():
    rng = np.random.default_rng(13)
    weight, scale = np.array([1.5, -0.5, 2.0]), 0.4
    x = rng.normal(size=(2, 3))
    # Errors that are small beside the noise, so that the mean settles soon.
    target = x @ weight + [0.1, -0.2]
    clean = 0.5 * np.mean((x @ weight - target) ** 2)
    noisy = add_input_noise(np.tile(x, (200_000, 1)), scale, rng)
    losses = 0.5 * (noisy @ weight - np.tile(target, 200_000)) ** 2
    penalty = l2_penalty([weight], scale**2)
    error = 5 * losses.std() / np.sqrt(losses.size)
    assert losses.mean() - clean == pytest.approx(penalty, abs=error)
    assert error < 0.05 * penalty


# ---- a linear model without a step


def ridge_loss(x, y, strength):
    """Half the mean squared error and the penalty, of weights and bias in one vector."""
    return lambda v: 0.5 * np.mean((x @ v[:-1] + v[-1] - y) ** 2) + l2_penalty([v[:-1]], strength)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("examples", "features"), [(9, 3), (4, 6), (5, 1)])
def test_ridge_is_that_of_scikit_learn(examples, features, dtype):
    rng = np.random.default_rng(examples)
    x = (rng.normal(size=(examples, features)) + 2).astype(dtype)
    y = rng.normal(size=examples) + 5
    weight, bias = ridge(x, y, 0.3)
    fitted = Ridge(alpha=0.3 * examples).fit(x.astype(float), y)
    assert_agrees(weight, fitted.coef_.astype(dtype))
    assert bias == pytest.approx(fitted.intercept_, rel=1e-6 if dtype == np.float32 else 1e-12)
    assert type(bias) is float


@given(st.integers(0, 2**32 - 1), st.floats(1e-3, 10))
def test_the_loss_is_level_at_the_solution_of_ridge(seed, strength):
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(6, 3)) + 1, rng.normal(size=6)
    solution = np.append(*ridge(x, y, strength))
    slope = numerical_gradient(ridge_loss(x, y, strength), solution)
    np.testing.assert_allclose(slope, 0, atol=1e-7)


def test_ridge_without_strength_is_least_squares_of_the_shortest_weights():
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(3, 5)) + 1, rng.normal(size=3)
    weight, bias = ridge(x, y, 0.0)
    np.testing.assert_allclose(x @ weight + bias, y)
    # Shortest: it has no part that the centered examples do not see.
    _, _, axes = np.linalg.svd(x - x.mean(axis=0))
    np.testing.assert_allclose(axes[2:] @ weight, 0, atol=1e-12)
    # A bias without features to speak of.
    assert ridge(np.ones((4, 2)), [1.0, 2.0, 3.0, 6.0], 0.0)[1] == 3.0


def test_ridge_with_a_large_strength_predicts_the_mean():
    weight, bias = ridge([[1.0], [2.0], [4.0]], [5.0, 6.0, 10.0], 1e12)
    assert abs(weight[0]) < 1e-10
    assert bias == pytest.approx(7.0)


def test_ridge_does_not_square_the_condition_number():
    # Directions of 1 and 1e-9: the normal equations would lose the second to rounding.
    x = np.array([[1.0, 1e-9], [1.0, -1e-9], [-1.0, 1e-9], [-1.0, -1e-9]])
    np.testing.assert_allclose(ridge(x, x @ [2.0, 3.0], 0.0)[0], [2.0, 3.0], rtol=1e-6)


# ---- conventions of the package


@pytest.mark.parametrize("dtype", DTYPES)
def test_dtypes_are_kept_and_inputs_left_alone(dtype):
    weights = make_weights(14, dtype)
    copies = [weight.copy() for weight in weights]
    results = l2_penalty_backward(weights, 0.3)
    assert not any(np.shares_memory(r, w) for r, w in zip(results, weights, strict=True))
    results += [l1_activation_penalty_backward(weights[0], 0.3)]
    results += [add_input_noise(weights[0], 0.3, np.random.default_rng(0))]
    l2_penalty(weights, 0.3)
    l1_activation_penalty(weights[0], 0.3)
    assert all(result.dtype == dtype for result in results)
    for weight, copied in zip(weights, copies, strict=True):
        np.testing.assert_array_equal(weight, copied)


def test_integers_lists_and_other_memory_layouts_give_the_same():
    x = np.arange(12).reshape(4, 3) - 5
    wide = np.zeros((8, 6))
    wide[::2, ::2] = x
    floats = x.astype(float)
    for other in (x, x.tolist(), np.asfortranarray(x), wide[::2, ::2]):
        assert l2_penalty([other], 0.3) == pytest.approx(l2_penalty([floats], 0.3), rel=1e-12)
        assert l1_activation_penalty(other, 0.3) == pytest.approx(
            l1_activation_penalty(floats, 0.3), rel=1e-12
        )
        for got, expected in (
            (l2_penalty_backward([other], 0.3)[0], l2_penalty_backward([floats], 0.3)[0]),
            (l1_activation_penalty_backward(other, 0.3), 0.075 * np.sign(floats)),
            (
                add_input_noise(other, 0.3, np.random.default_rng(1)),
                add_input_noise(floats, 0.3, np.random.default_rng(1)),
            ),
        ):
            assert got.dtype == np.float64
            np.testing.assert_allclose(got, expected, rtol=1e-12)


def test_empty_and_single():
    assert l2_penalty([], 0.3) == 0.0
    assert l2_penalty_backward([], 0.3) == []
    assert l2_penalty([np.empty((0, 3))], 0.3) == 0.0
    assert l2_penalty_backward([np.empty((0, 3))], 0.3)[0].shape == (0, 3)
    assert l2_penalty([[2.0]], 0.5) == 1.0
    assert l1_activation_penalty([[-2.0]], 0.5) == 1.0
    assert add_input_noise(np.empty((0, 3)), 0.1, np.random.default_rng(0)).shape == (0, 3)
    assert l2_penalty(make_weights(0), 0.0) == 0.0


# ---- bad input

X = np.arange(6.0).reshape(3, 2)
CALLS = {
    l2_penalty: {"weights": [X, X], "strength": 0.1, "half": True},
    l2_penalty_backward: {"weights": [X, X], "strength": 0.1, "half": True},
    l1_activation_penalty: {"activations": X, "strength": 0.1},
    l1_activation_penalty_backward: {"activations": X, "strength": 0.1},
    add_input_noise: {"x": X, "scale": 0.1, "rng": np.random.default_rng(0)},
    ridge: {"x": X, "y": X[:, 0], "strength": 0.1},
}


def bad_calls():
    for function, good in CALLS.items():
        for name in sorted({"strength", "scale"} & set(good)):
            yield from ((function, name, v, ValueError) for v in (-0.1, np.nan, np.inf))
            yield from ((function, name, v, TypeError) for v in ("1", None, 1j, True))
        if "weights" in good:
            for _, bad, error in array_errors("weights", X):
                if error is TypeError:
                    yield function, "weights", [X, bad], error
            yield function, "weights", [X, [[1.0], [1.0, 2.0]]], ValueError
            yield from (
                (function, "weights", bad, TypeError) for bad in (None, 3, "ab", np.float64(3))
            )
            yield from ((function, "half", bad, TypeError) for bad in ("no", 1, None))
        if "activations" in good:
            yield from ((function, *bad) for bad in array_errors("activations", X))
            yield function, "activations", X[:0], ValueError
        if "y" in good:
            yield function, "y", good["y"][:1], ValueError
            for name in ("x", "y"):
                yield from ((function, *bad) for bad in array_errors(name, good[name]))
                yield function, name, np.full_like(good[name], np.inf), ValueError
        if "rng" in good:
            yield from ((function, "rng", bad, TypeError) for bad in (None, 0, np.random))
            yield function, "x", X.astype(complex), TypeError
            yield function, "x", [[1.0], [1.0, 2.0]], ValueError


@pytest.mark.parametrize(("function", "name", "bad", "error"), list(bad_calls()))
def test_bad_input_is_refused_by_name(function, name, bad, error):
    with pytest.raises(error, match=rf"^{name}(\[1\])? must"):
        function(**(CALLS[function] | {name: bad}))
