"""A check for each entry of the book's page of slide errata, which shows it."""

import numpy as np
import pytest
from support import ROOT

from gradlab import (
    activations,
    autodiff,
    backpropagation,
    batch_normalization,
    datasets,
    dropout,
    gradient_bounds,
    gradient_clipping,
    gradient_descent,
    initialization,
    input_normalization,
    layer_normalization,
    losses,
    optimizers,
    schedules,
    weight_decay,
)


def test_h_cifar_features():
    """H, CIFAR-10: 1024 numbers, one for each pixel, do not tell red from blue.

    Nor are they an image to the loader, which reads three colors for each pixel.
    """
    photo = datasets.as_images(np.random.default_rng(0).random((1, 3072)))
    assert photo.shape == (1, 32, 32, 3)
    other_colors = photo[..., ::-1]
    by_pixel = [image.mean(axis=3).reshape(1, -1) for image in (photo, other_colors)]
    np.testing.assert_allclose(*by_pixel)
    assert np.abs(photo - other_colors).max() > 0.9
    with pytest.raises(ValueError, match="got 1024"):
        datasets.as_images(by_pixel[0])


def test_h_exponential_ratio():
    """H eq. (4): the middle term, as printed, is not the ratio of 0.1."""
    s, k = 20, 3
    now, later = schedules.exponential_decay(np.array([k * s, (k + 1) * s]), 1.0, s)
    assert later / now == pytest.approx(0.1)
    assert 0.1 ** (k + 1) / 0.1**k == pytest.approx(0.1)
    assert 0.1 ** ((k + 1) / s) / 0.1 ** (k / s) == pytest.approx(0.1 ** (1 / s))


def test_h_slopes_do_not_explode():
    """H, exploding gradients: slopes stay below 1.76; weights alone multiply a gradient by 1024."""
    x = np.linspace(-20, 20, 400_001)
    for name in (
        "sigmoid",
        "tanh",
        "scaled_tanh",
        "hard_tanh",
        "relu",
        "leaky_relu",
        "elu",
        "softplus",
    ):
        backward = getattr(activations, f"{name}_backward")
        assert backward(np.ones_like(x), x).max() < 1.15
    assert activations.selu_backward(np.ones_like(x), x).max() == pytest.approx(1.758, abs=0.001)
    slopes, weights = [np.ones(3)] * 10, [2 * np.eye(3)] * 10
    lower, upper = gradient_bounds.gradient_norm_bounds([1.0], weights, slopes, [1.0, 0.0, 0.0])
    assert lower == upper == pytest.approx(2**10)


def test_h_saturation_on_the_left():
    """H, nonsaturating functions: the slopes at 10 and at -10."""
    far = np.array([10.0, -10.0])
    for name in ("relu", "elu", "selu"):
        right, left = getattr(activations, f"{name}_backward")(np.ones(2), far)
        assert right >= 1
        assert left < 1e-4
    assert activations.leaky_relu_backward(np.ones(2), far).tolist() == [1.0, 0.01]


def test_h_elu():
    """H eq. (13) is the ELU with alpha = 1."""
    x = np.linspace(-3, 3, 13)
    np.testing.assert_allclose(activations.elu(x), np.where(x >= 0, x, np.exp(x) - 1))
    assert activations.elu([-3.0], alpha=0.5)[0] == pytest.approx(0.5 * (np.exp(-3) - 1))


def test_h_index_of_a_mini_batch():
    """H eqs. (15) and (16): mini-batch j has a mean and a variance for each feature."""
    batches = np.random.default_rng(0).normal(size=(2, 4, 3))
    for batch in batches:
        _, cache = batch_normalization.batch_norm_forward(batch, np.ones(3), np.zeros(3))
        mean = sum(example for example in batch) / len(batch)
        np.testing.assert_allclose(cache.mean, mean)
        np.testing.assert_allclose(cache.var, sum((e - mean) ** 2 for e in batch) / len(batch))
        assert cache.mean.shape == cache.var.shape == (3,)


def test_h_average_of_deviations():
    """H eq. (20): averaging deviations gives less than averaging variances."""
    std = np.array([[1.0], [3.0]])
    of_deviations = batch_normalization.exponential_average(std, 0.5) ** 2
    of_variances = batch_normalization.exponential_average(std**2, 0.5)
    assert of_deviations[0] == 4.0
    assert of_variances[0] == 5.0


def test_h_inference_can_be_free():
    """H, cost of batch normalization in testing: other weights and bias do its work."""
    rng = np.random.default_rng(0)
    x, weight, bias = rng.normal(size=(5, 4)), rng.normal(size=(4, 3)), rng.normal(size=3)
    gamma, beta, mean = rng.normal(size=(3, 3))
    var = np.array([0.5, 1.0, 4.0])
    out = batch_normalization.batch_norm_inference(x @ weight + bias, gamma, beta, mean, var)
    factor = gamma / np.sqrt(var + 1e-5)
    np.testing.assert_allclose(x @ (weight * factor) + (bias - mean) * factor + beta, out)


def test_h_dropout_of_inputs():
    """H, dropout: a sigmoid unit whose net input is 0 is not silent."""
    assert activations.sigmoid([0.0])[0] == 0.5
    assert activations.tanh([0.0])[0] == activations.relu([0.0])[0] == 0.0


def test_h_dropout_per_mini_batch():
    """H and L, dropout: our mask, like that of libraries, differs from example to example."""
    _, mask = dropout.dropout_forward(np.ones((50, 20)), 0.5, np.random.default_rng(0))
    assert len(np.unique(mask, axis=0)) == 50


def test_h_dropout_weights():
    """H, dropout: dividing weights by the keep probability equals dividing activations."""
    rng = np.random.default_rng(0)
    hidden, weight, bias, keep = rng.normal(size=(5, 4)), rng.normal(size=(4, 3)), np.ones(3), 0.8
    by_activations = (hidden / keep) @ weight + bias
    np.testing.assert_allclose(hidden @ (weight / keep) + bias, by_activations)
    assert not np.allclose((hidden @ weight + bias) / keep, by_activations)


def test_h_dropout_which_weights():
    """H, dropout: with dropped hidden units it is the output layer's weights that are scaled."""
    x, w_hidden, w_out = np.array([1.0, 2.0]), np.array([[0.5, 1], [1, -1]]), np.array([1.0, -2])
    h = np.tanh(x @ w_hidden)
    exact = dropout.expected_subnetwork_output(lambda h: h @ w_out, h, 0.2, inverted=False)
    np.testing.assert_allclose(h @ (0.8 * w_out), exact)
    assert abs(np.tanh(x @ (0.8 * w_hidden)) @ w_out - exact) > 0.1


def test_l_passes():
    """L, computational graphs: three inputs need three forward passes, however many nodes."""

    def f(x, y, z):
        return ((x * y + z).tanh() * x + y).exp()

    at = np.array([0.5, -1.0, 2.0])
    passes = [f(*map(autodiff.Dual, at, seed)).derivative for seed in np.eye(3)]
    inputs = [autodiff.Variable(value) for value in at]
    f(*inputs).backward()
    np.testing.assert_allclose([v.grad for v in inputs], passes)
    assert autodiff.count_passes(n_inputs=3, n_outputs=1) == (3, 1)


def test_l_update_index():
    """L, learning rate: the step leads down forward in time; as printed, backward in time."""
    hessian = np.diag([1.0, 4.0])
    now, later = gradient_descent.gradient_descent(lambda w: hessian @ w, [1.0, 1.0], 0.1, 1)
    printed = np.linalg.solve(np.eye(2) - 0.1 * hessian, now)  # whose own step leads back to now
    energy = [0.5 * w @ hessian @ w for w in (later, now, printed)]
    assert energy[0] < energy[1] < energy[2]


def test_l_beyond_optimal():
    """L, learning rate: between the optimal rate and twice it descent still converges."""
    for rate, converges in ((1.0, True), (1.9, True), (2.1, False)):
        path = gradient_descent.gradient_descent(lambda w: w, [1.0], rate, 200)
        assert (abs(path[-1][0]) < 1e-6) == converges


def test_l_rmsprop_epsilon():
    """L, RMSProp: without epsilon a gradient of 0 makes 0 / 0."""
    gradient, mean_square = np.zeros(1), np.zeros(1)
    mean_square = 0.9 * mean_square + 0.1 * gradient**2
    with np.errstate(invalid="ignore"):
        assert np.isnan(gradient / np.sqrt(mean_square)).all()
    weight = np.array([1.0])
    optimizers.RMSProp(0.1).step([weight], [gradient])
    assert weight[0] == 1.0


def test_l_updates_of_one_sign():
    """L, normalization: one example moves all weights one way, two need not."""
    x, sensitivity = np.array([[1.0, 3.0], [3.0, 1.0]]), np.array([1.0, -1.0])
    for example, s in zip(x, sensitivity, strict=True):
        assert len(set(np.sign(example * s))) == 1
    assert np.sign(sensitivity @ x).tolist() == [-1.0, 1.0]


def test_l_softmax_sign():
    """L, softmax with exp(-a): the smallest net input would win."""
    a = np.array([0.0, 1.0, 5.0])
    printed = np.exp(-a) / np.exp(-a).sum()
    assert printed.argmax() == 0
    assert activations.softmax(a).argmax() == 2


def test_l_scaled_tanh():
    """L, recommended sigmoid: output variance 0.75, largest second derivative near 1."""
    rng = np.random.default_rng(0)
    assert activations.scaled_tanh([1.0])[0] == pytest.approx(1.0, abs=1e-4)
    out = activations.scaled_tanh(rng.normal(size=1_000_000))
    assert out.var() == pytest.approx(0.75, abs=0.01)
    x = np.linspace(0, 3, 30_001)
    first = np.gradient(activations.scaled_tanh(x), x)
    second = np.abs(np.gradient(first, x))
    assert x[2:-2][second[2:-2].argmax()] == pytest.approx(0.988, abs=0.005)
    curvature = second / (1 + first**2) ** 1.5
    assert x[2:-2][curvature[2:-2].argmax()] == pytest.approx(1.453, abs=0.005)


def test_l_tanh_for_regression():
    """L, usage: the squared error of a tanh output cannot fall below 2 for a target of 3."""
    y = activations.tanh(np.linspace(-50, 50, 101))[:, None]
    assert min(losses.squared_error([value], [[3.0]]) for value in y) == pytest.approx(2.0)


def test_l_hard_tanh_is_another_function():
    """L, usage: hard tanh is 0.24 away from tanh at 1; ours and NumPy's are tanh."""
    x = np.linspace(-4, 4, 801)
    apart = np.abs(activations.hard_tanh(x) - np.tanh(x))
    assert apart.max() == pytest.approx(1 - np.tanh(1)) == pytest.approx(0.238, abs=0.001)
    tanh = 1 - 2 / (np.exp(2 * x) + 1)
    for ours in (activations.tanh(x), np.tanh(x)):
        np.testing.assert_allclose(ours, tanh, rtol=1e-12, atol=1e-15)


def test_l_small_weights_lose_gradients():
    """L, sigmoids: ten layers with the full slope of tanh and weights of 0.1 leave 1e-10."""
    slope = activations.tanh_backward(np.ones(3), np.zeros(3))
    assert slope.tolist() == [1.0, 1.0, 1.0]
    assert activations.sigmoid_backward([1.0], [0.0])[0] == 0.25
    weights, gradient = [0.1 * np.eye(3)] * 10, [1.0, 0.0, 0.0]
    _, upper = gradient_bounds.gradient_norm_bounds([1.0], weights, [slope] * 10, gradient)
    assert upper == pytest.approx(1e-10)


def test_l_slopes_from_outputs():
    """L, memory: for the slopes of ReLU, tanh and ELU the output is enough."""
    x, ones = np.linspace(-3, 3, 60), np.ones(60)
    y = activations.relu(x)
    np.testing.assert_array_equal(y > 0, activations.relu_backward(ones, x))
    y = activations.tanh(x)
    np.testing.assert_allclose(1 - y**2, activations.tanh_backward(ones, x))
    y = activations.elu(x)
    np.testing.assert_allclose(np.where(y > 0, 1, y + 1), activations.elu_backward(ones, x))


def test_l_stuck_unit_wakes():
    """L, units stuck at zero: one step of the layer below, through a neighbor, switches it on."""
    x = [[1.0]]
    weights = [np.array([[1.0, 1.0]]), np.array([[1.0, 0.0], [-2.0, 1.0]]), np.ones((2, 1))]
    biases = [np.zeros(2), np.zeros(2), np.zeros(1)]
    out, cache = backpropagation.mlp_forward(x, weights, biases, "relu")
    assert cache.net_inputs[1].tolist() == [[-1.0, 1.0]]  # stuck, and its neighbor
    _, dweights, _ = backpropagation.mlp_backward(out, cache)  # the target is 0
    assert not dweights[1][:, 0].any()
    moved = [w - 0.6 * dw for w, dw in zip(weights, dweights, strict=True)]
    _, cache = backpropagation.mlp_forward(x, moved, biases, "relu")
    assert cache.net_inputs[1][0, 0] == pytest.approx(0.2)


def test_l_leaky_maximum():
    """L, leaky ReLU as a maximum: right for a slope of 0.5, wrong for one of 2."""
    a = np.array([-1.0, 1.0])
    for beta, right in ((0.5, True), (2.0, False)):
        printed = np.maximum(beta * a, a)
        assert np.array_equal(printed, activations.leaky_relu(a, alpha=beta)) == right


def test_l_elu_cases():
    """L, ELU with the cases as printed grows without bound and is linear below zero."""

    def printed(a):
        return np.where(a < 0, a, np.exp(a) - 1)

    assert printed(np.array([10.0]))[0] > 22_000
    assert activations.elu([10.0])[0] == 10.0
    assert activations.elu([-10.0])[0] == pytest.approx(-1, abs=1e-4)


def test_l_elu_offset():
    """L, ELU: the offset shrinks and does not vanish."""
    x = np.random.default_rng(0).normal(size=1_000_000)
    assert activations.relu(x).mean() == pytest.approx(0.40, abs=0.01)
    assert activations.elu(x).mean() == pytest.approx(0.16, abs=0.01)


def test_l_variance_of_a_uniform_draw():
    """L, sidenotes: a draw from [2, 8] has the variance 3, and the deviation 1.73."""
    draw = np.random.default_rng(0).uniform(2, 8, 1_000_000)
    assert draw.var() == pytest.approx((8 - 2) ** 2 / 12, rel=0.01)
    assert draw.std() == pytest.approx((8 - 2) / np.sqrt(12), rel=0.01)


def test_l_torch_rule():
    """L, Torch's old rule: the variance falls to a third in a layer, as the slide says."""
    weight = initialization.legacy_torch_uniform(400, 400, np.random.default_rng(0))
    for direction in ("forward", "backward"):
        variances = initialization.propagated_variance(
            [400, 400], [weight.var()], alpha=1.0, direction=direction
        )
        assert min(variances) / max(variances) == pytest.approx(1 / 3, rel=0.02)
    assert np.sqrt(1 / 3) == pytest.approx(0.58, abs=0.003)


def test_l_means_of_the_weights():
    """L, analysis: input and output of mean 0 are not enough if the weights have the mean 1."""
    rng = np.random.default_rng(0)
    w, x = rng.normal(1.0, 2.0, 2_000_000), rng.normal(0.0, 0.5, 2_000_000)
    assert (w * x).mean() == pytest.approx(0.0, abs=0.01)
    assert (w * x).var() == pytest.approx(4.0 * 0.25 + 1.0**2 * 0.25, rel=0.01)


def test_l_variance_of_a_product():
    """L, analysis: the formula holds with the squared means, not with the mean squares."""
    rng = np.random.default_rng(0)
    w, x = rng.normal(1.0, 2.0, 2_000_000), rng.normal(3.0, 0.5, 2_000_000)
    measured = (w * x).var()
    squared_means = 3.0**2 * 4.0 + 1.0**2 * 0.25 + 4.0 * 0.25
    mean_squares = (9.0 + 0.25) * 4.0 + (1.0 + 4.0) * 0.25 + 4.0 * 0.25
    assert measured == pytest.approx(squared_means, rel=0.01)
    assert measured != pytest.approx(mean_squares, rel=0.03)


def test_l_backward_is_not_undoing():
    """L, batch normalization: input ten times as wide, gradient a tenth, and not ten times."""
    rng = np.random.default_rng(0)
    x, dout = rng.normal(size=(2, 8, 3))
    gradients = []
    for factor in (1.0, 10.0):
        _, cache = batch_normalization.batch_norm_forward(
            factor * x, np.ones(3), np.zeros(3), eps=1e-12
        )
        gradients.append(batch_normalization.batch_norm_backward(dout, cache)[0])
    np.testing.assert_allclose(gradients[1], gradients[0] / 10)


def test_l_dropout_at_test():
    """L, dropout: the factor is the probability of being kept."""
    x, weight, rate = np.array([1.0, 2.0, 3.0]), np.array([1.0, -2.0, 0.5]), 0.2
    exact = dropout.expected_subnetwork_output(lambda h: h @ weight, x, rate, inverted=False)
    np.testing.assert_allclose((1 - rate) * x @ weight, exact)
    assert not np.allclose(rate * x @ weight, exact)


def test_c_rate_can_shrink_too_rapidly():
    """C, shrinking rates: on w^2 / 2 the rates 1 / (2 t) arrive, 1 / (2 t^2) stop at 0.36."""
    t = np.arange(1, 200_001)
    assert np.prod(1 - 0.5 / t) < 0.002
    assert np.prod(1 - 0.5 / t**2) == pytest.approx(0.358, abs=0.001)


def test_c_momentum_is_a_sum():
    """C, momentum: under a constant gradient of 1 the steps grow to ten times the rate."""
    weight, optimizer = np.zeros(1), optimizers.Momentum(0.1, 0.9)
    for _ in range(300):
        before = weight[0]
        optimizer.step([weight], [np.ones(1)])
    assert before - weight[0] == pytest.approx(0.1 / (1 - 0.9))


def test_c_minibatch_loop():
    """C, mini-batch update: an inner loop that uses index t adds one gradient b times."""
    gradients, b = np.array([1.0, 5.0, 9.0]), 3
    printed = sum(gradients[0] / b for _ in range(b))
    assert printed == pytest.approx(1.0)
    assert sum(gradients[k] / b for k in range(b)) == pytest.approx(5.0)
    last = max(range(1, 10 + 1, b))
    assert last + b - 1 > 10


def test_c_trajectory():
    """C, smoothing the trajectory: the movement in the table of five steps."""
    x, y = np.array([1, 1, 3, 1, 2]), np.array([2.5, -3, 2.5, -2, 1.5])
    assert (np.abs(x).sum(), np.abs(y).sum()) == (8, 11.5)
    assert ((x**2).sum(), (y**2).sum()) == (16, 27.75)


def test_c_mean_square_is_not_variance():
    """C, variance-normalized step: constant derivatives of 1 and of 100 give the same step."""
    weights, gradients = np.zeros(2), np.array([1.0, 100.0])
    optimizer = optimizers.RMSProp(0.01, rho=0.9)
    for _ in range(200):
        before = weights.copy()
        optimizer.step([weights], [gradients])
    np.testing.assert_allclose(before - weights, 0.01, rtol=1e-6)


def test_c_epsilon():
    """C, RMSProp and Adam: inside the root epsilon acts on gradients that it spares outside."""
    moves = {}
    for inside in (False, True):
        for gradient in (1e-6, 1.0):
            weight = np.array([0.0])
            optimizer = optimizers.Adam(1.0, eps=1e-8, eps_inside_sqrt=inside)
            optimizer.step([weight], [np.array([gradient])])
            moves[inside, gradient] = -weight[0]
    assert moves[False, 1e-6] == pytest.approx(0.99, abs=0.01)
    assert moves[True, 1e-6] == pytest.approx(0.01, abs=0.001)
    assert moves[False, 1.0] == pytest.approx(moves[True, 1.0]) == pytest.approx(1.0)


def test_c_rmsprop_restarts():
    """C, RMSProp: a mean square that starts anew makes the next step 1 / sqrt(1 - gamma) long."""
    step = {}
    for restarted in (False, True):
        weight, optimizer = np.zeros(1), optimizers.RMSProp(0.01, rho=0.9, eps=1e-12)
        for _ in range(200):
            optimizer.step([weight], [np.ones(1)])
        if restarted:
            optimizer = optimizers.RMSProp(0.01, rho=0.9, eps=1e-12)
        before = weight[0]
        optimizer.step([weight], [np.ones(1)])
        step[restarted] = before - weight[0]
    assert step[False] == pytest.approx(0.01)
    assert step[True] == pytest.approx(0.01 / np.sqrt(1 - 0.9)) == pytest.approx(0.0316, abs=1e-4)


def test_c_adam_root():
    """C, Adam: with the root gradients of 1 and 10 move alike, without it the larger moves less."""
    gradients, weights = np.array([1.0, 10.0]), np.zeros(2)
    optimizers.Adam(0.1).step([weights], [gradients])
    np.testing.assert_allclose(weights, -0.1, rtol=1e-6)
    without_root = gradients / gradients**2
    assert without_root[1] == without_root[0] / 10


def test_c_learning_rates():
    """C, other variants: twice the learning rate, twice the step."""
    for method in (optimizers.AdaGrad, optimizers.RMSProp, optimizers.Adam, optimizers.AdaMax):
        steps = []
        for rate in (0.001, 0.002):
            weight = np.zeros(1)
            method(learning_rate=rate).step([weight], [np.ones(1)])
            steps.append(weight[0])
        assert steps[1] == pytest.approx(2 * steps[0])
        assert steps[0] < 0


def test_c_kl():
    """C, KL divergence: the binary cross-entropy is larger by the entropy of soft targets."""
    y, target = np.array([[0.7]]), np.array([[0.4]])
    both = np.array([[0.7, 0.3]]), np.array([[0.4, 0.6]])
    entropy = -(0.4 * np.log(0.4) + 0.6 * np.log(0.6))
    cross = losses.binary_cross_entropy(y, target)
    assert cross == pytest.approx(losses.kl_divergence(*both) + entropy)
    hard = losses.kl_divergence(both[0], np.array([[1.0, 0.0]]))
    assert losses.binary_cross_entropy(y, np.array([[1.0]])) == pytest.approx(hard)


def test_c_what_standardizing_leaves():
    """C, covariate shift: standardized mini-batches without a common point."""
    rising, falling = np.array([[1.0, 1.0], [3.0, 3.0]]), np.array([[1.0, 3.0], [3.0, 1.0]])
    out = [
        batch_normalization.batch_norm_forward(batch, np.ones(2), np.zeros(2), eps=1e-12)[0]
        for batch in (rising, falling)
    ]
    for batch in out:
        np.testing.assert_allclose(batch.mean(axis=0), 0, atol=1e-9)
        np.testing.assert_allclose(batch.std(axis=0), 1)
    assert out[0][:, 0] @ out[0][:, 1] == pytest.approx(2)
    assert out[1][:, 0] @ out[1][:, 1] == pytest.approx(-2)


def test_c_minibatch_mean():
    """C, derivative of a mini-batch: the mean runs over its B examples, not over T."""
    rng = np.random.default_rng(0)
    logits, labels = rng.normal(size=(4, 3)), np.array([0, 1, 2, 0])
    whole = losses.softmax_cross_entropy_backward(logits, labels)
    single = losses.softmax_cross_entropy_backward(logits[:1], labels[:1])
    np.testing.assert_allclose(whole[0], single[0] / 4)


def test_c_batch_norm_sign():
    """C, batch normalization backward: with a plus for the term of the variance, not a minus."""
    rng = np.random.default_rng(0)
    z, du = rng.normal(size=(2, 6))
    mu, var, eps = z.mean(), z.var(), 1e-5
    root = np.sqrt(var + eps)
    by_u, by_mu = du / root, -du.sum() / root / 6
    by_var = -0.5 * root**-3 * (du * (z - mu)).sum() * 2 * (z - mu) / 6
    _, cache = batch_normalization.batch_norm_forward(z[:, None], [1.0], [0.0], eps=eps)
    dz = batch_normalization.batch_norm_backward(du[:, None], cache)[0][:, 0]
    np.testing.assert_allclose(by_u + by_var + by_mu, dz)
    assert not np.allclose(by_u - by_var + by_mu, dz, rtol=0.1)


def test_c_shift_between_training_and_test():
    """C, covariate shift: in inference inputs that are 3 deviations off come out 3 off."""
    train = np.random.default_rng(0).normal(5.0, 2.0, size=(1000, 1))
    statistics = train.mean(axis=0), train.var(axis=0)
    shifted = train + 3 * train.std(axis=0)
    out = batch_normalization.batch_norm_inference(shifted, [1.0], [0.0], *statistics)
    assert out.mean() == pytest.approx(3, abs=1e-4)


def test_c_power_of_two():
    """C, underspecification: a hundred binary inputs take 1.27e30 values."""
    assert pytest.approx(1.2677e30, rel=1e-4) == 2**100


def test_c_norm_of_a_matrix():
    """C, weight decay: lambda W is the gradient of the Frobenius norm's square, times a half."""
    weight, step = np.array([[2.0, 1.0], [0.0, 1.0]]), 1e-6
    gradient = weight_decay.l2_penalty_backward([weight], 0.1)[0]
    np.testing.assert_allclose(gradient, 0.1 * weight)
    for order, same in (("fro", True), (2, False)):
        numerical = np.empty((2, 2))
        for k in range(4):
            nudge = np.zeros(4)
            nudge[k] = step
            both = [weight + sign * nudge.reshape(2, 2) for sign in (1, -1)]
            up, down = (0.05 * np.linalg.norm(w, order) ** 2 for w in both)
            numerical.flat[k] = (up - down) / (2 * step)
        assert np.allclose(numerical, gradient, atol=1e-6) == same


def test_c_decay_batch():
    """C, weight decay: the printed step is b times one with a decay of lambda / b."""
    gradients, weight, rate, strength = np.array([1.0, 2.0, 3.0]), np.array([[2.0]]), 0.01, 0.1
    b = len(gradients)
    printed = rate * (gradients.sum() + strength * weight)
    weaker = weight_decay.l2_penalty_backward([weight], strength / b)[0]
    np.testing.assert_allclose(printed, b * rate * (gradients.mean() + weaker))
    meant = rate * (gradients.mean() + strength * weight)
    assert not np.allclose(printed, meant)


def test_c_depth_can_roughen():
    """C, depth and smoothness: five layers of two ReLUs fold the interval into 32 pieces."""
    fold, first, out = np.array([[2.0, 2.0], [-4.0, -4.0]]), np.ones((1, 2)), [[2.0], [-4.0]]
    weights, biases = [first, *[fold] * 4, np.array(out)], [np.array([0.0, -0.5])] * 5 + [[0.0]]
    assert sum(np.size(w) for w in weights) + sum(np.size(b) for b in biases) == 31
    x = np.linspace(0, 1, 1025)
    y = backpropagation.mlp_forward(x[:, None], weights, biases, "relu")[0][:, 0]
    slopes = np.diff(y) / np.diff(x)
    np.testing.assert_allclose(np.abs(slopes), 32)
    assert 1 + np.count_nonzero(np.diff(slopes)) == 32
    units = (31 - 1) // 3  # each with a weight, a bias and a weight at the output
    assert units + 1 == 11


def test_c_dropout_success():
    """C, dropout: to succeed is to be switched off, so 1 - alpha is right there."""
    rng, keep = np.random.default_rng(0), 0.8
    off = rng.random(100_000) < 1 - keep
    assert (~off).mean() == pytest.approx(keep, abs=0.01)


def test_c_number_of_subnetworks():
    """C, sub-networks: three hidden units before two outputs make eight, not thirty-two."""
    seen = []

    def predict(h):
        seen.extend(map(tuple, h))
        return h @ np.ones((3, 2))

    dropout.expected_subnetwork_output(predict, np.ones(3), 0.5)
    assert len(set(seen)) == 2**3


def test_c_two_biases():
    """C, forward pass: with the constant input and b_j the bias counts twice."""
    y, weight, bias = np.array([[2.0, 3.0]]), np.array([[1.0], [-1.0]]), np.array([0.5])
    with_constant = np.hstack([[[1.0]], y]) @ np.vstack([bias, weight])
    out, _ = backpropagation.mlp_forward(y, [weight], [bias])
    np.testing.assert_allclose(with_constant, out)
    assert not np.allclose(with_constant + bias, out)


def test_c_backward_pass():
    """C, backward pass: biases have a gradient; a mask applied twice is a mask."""
    rng = np.random.default_rng(0)
    weights, biases = [rng.normal(size=(2, 4)), rng.normal(size=(4, 1))], [np.ones(4), np.ones(1)]
    _, cache = backpropagation.mlp_forward(rng.normal(size=(1, 2)), weights, biases)
    assert len(cache.net_inputs) == 2  # of the layers after the input
    _, _, dbiases = backpropagation.mlp_backward([[1.0]], cache)
    assert all(db.all() for db in dbiases)
    mask = np.array([1.0, 0.0, 1.0, 0.0])
    dz = dropout.dropout_backward(np.ones(4), mask)
    np.testing.assert_array_equal(dz * mask, dz)


def test_c_expected_output():
    """C, expected output: exact for a linear unit, 0 instead of 0.6 behind a ReLU."""
    h, weight, rate = np.array([3.0, 2.0]), np.array([1.0, -1.0]), 0.2

    def linear(masked):
        return masked @ weight - 1

    def unit(masked):
        return activations.relu(linear(masked))

    assert dropout.expected_subnetwork_output(linear, h, rate) == pytest.approx(linear(h))
    assert dropout.expected_subnetwork_output(unit, h, rate) == pytest.approx(0.6)
    assert unit(h) == 0


def test_c_dropout_testing():
    """C, dropout forward pass for testing: alpha multiplies; dividing overshoots."""
    x, weight, keep = np.ones(6), np.ones(6), 0.75
    exact = dropout.expected_subnetwork_output(lambda h: h @ weight, x, 1 - keep, inverted=False)
    np.testing.assert_allclose((keep * x) @ weight, exact)
    np.testing.assert_allclose((x / keep) @ weight, exact / keep**2)
    without_dropout = dropout.expected_subnetwork_output(lambda h: h @ weight, x, 0.0)
    assert without_dropout == pytest.approx(6)


def test_c_shakeout():
    """C, Shakeout: with the sign as printed the mean weight is not the weight."""
    weight, keep, c = 2.0, 0.8, 0.5
    for alpha in (keep, 1 / keep):
        printed = alpha * weight + (1 - alpha) * c
        assert keep * printed - (1 - keep) * c != pytest.approx(weight)
    meant = weight / keep + (1 / keep - 1) * c
    assert keep * meant - (1 - keep) * c == pytest.approx(weight)
    x, rng = np.array([[1.0]]), np.random.default_rng(0)
    seen = {dropout.shakeout(x, [[-weight]], 1 - keep, c, rng)[0].item() for _ in range(50)}
    assert sorted(seen) == pytest.approx([-meant, c])


def test_c_clipping_one_side():
    """C, gradient clipping: as printed, a large negative derivative passes."""
    gradient = np.array([-100.0, 100.0])
    printed = np.where(gradient > 5, 5, gradient)
    assert printed.tolist() == [-100.0, 5.0]
    assert gradient_clipping.clip_by_value([gradient], 5.0)[0].tolist() == [-5.0, 5.0]


def test_c_normalized_input():
    """C, normalized input: equal to batch normalization of all examples, not of mini-batches."""
    x = np.random.default_rng(0).normal(3.0, 2.0, size=(20, 2))
    standardized = input_normalization.fit_standardize(x).transform(x)

    def normalized(batch):
        ones, zeros = np.ones(2), np.zeros(2)
        return batch_normalization.batch_norm_forward(batch, ones, zeros, eps=1e-12)[0]

    np.testing.assert_allclose(normalized(x), standardized)
    assert np.abs(normalized(x[:5]) - standardized[:5]).max() > 0.1


def test_c_dropout_parts_twins():
    """C, identical neurons: equal gradients without dropout, different ones with it."""
    x, twins = np.array([[1.0, 2.0]]), np.full((2, 2), 0.5)
    hidden = activations.tanh(x @ twins)
    for mask, alike in ((np.ones((1, 2)), True), (np.array([[2.0, 0.0]]), False)):
        assert (hidden == hidden[0, 0]).all()
        dz = activations.tanh_backward(dropout.dropout_backward(np.ones((1, 2)), mask), x @ twins)
        gradient = x.T @ dz
        assert np.array_equal(gradient[:, 0], gradient[:, 1]) == alike


def test_s_small_pre_activations():
    """S, vanishing gradients: ten layers at 0.01 and at 5, of tanh and of the logistic function."""

    def kept(name, z, weight=1.0):
        backward = getattr(activations, f"{name}_backward")
        slopes = [backward(np.ones(2), np.full(2, z))] * 10
        lower, upper = gradient_bounds.gradient_norm_bounds(
            [1.0], [weight * np.eye(2)] * 10, slopes, [1.0, 0.0]
        )
        assert lower == pytest.approx(upper)
        return upper

    assert kept("tanh", 0.01) > 0.99
    assert kept("tanh", 5.0) < 1e-37
    assert kept("sigmoid", 0.01) == pytest.approx(0.25**10, rel=1e-3)
    assert kept("sigmoid", 5.0) < 1e-21
    assert kept("sigmoid", 0.01, weight=4.0) > 0.99


def test_s_lower_bound_rank():
    """S, lower bound: a wide factor sends some gradients to zero, whatever its singular values."""
    wide = np.array([[1.0, 0.0, 1.0], [0.0, 1.0, 1.0]])
    assert np.linalg.svd(wide, compute_uv=False).min() == pytest.approx(1.0)
    lost = np.array([1.0, 1.0, -1.0])
    assert np.linalg.norm(wide @ lost) == pytest.approx(0.0)
    lower, _ = gradient_bounds.gradient_norm_bounds([1.0], [wide], [[1.0, 1.0]], lost)
    assert lower == 0.0
    narrow, _ = gradient_bounds.gradient_norm_bounds([1.0], [wide.T], [np.ones(3)], [1.0, 0.0])
    assert narrow == pytest.approx(1.0)


def test_s_lower_bound_bias_column():
    """S, lower bound: the column of zeros makes the infimum 0, whatever the slopes are."""
    slopes = np.diag([1.0, 0.9, 0.8])
    printed = np.hstack([slopes, np.zeros((3, 1))])
    assert np.linalg.svd(printed, compute_uv=False).min() == pytest.approx(0.8)
    assert not (printed @ [0.0, 0.0, 0.0, 1.0]).any()
    transposed = np.random.default_rng(0).normal(size=(4, 2))
    np.testing.assert_allclose(printed @ transposed, slopes @ transposed[:3])


def test_s_lower_bound_row():
    """S, lower bound for one row of W_0: the first factor has rank one; for all of W_0 it is x."""
    x = np.array([3.0, 4.0])
    factor = np.zeros((2, 3))
    factor[:, 1] = x
    assert np.linalg.svd(factor, compute_uv=False)[1] == 0.0
    lower, upper = gradient_bounds.gradient_norm_bounds(x, [np.eye(3)], [np.ones(3)], [0, 0, 1.0])
    assert lower == upper == pytest.approx(np.linalg.norm(x))


def test_s_relu_explodes():
    """S, exploding gradients: one inactive ReLU makes the lower bound zero."""
    weight = 3 * np.eye(4)
    active = gradient_bounds.singular_value_products([weight], [np.ones(4)])[0][0]
    one_off = gradient_bounds.singular_value_products([weight], [[1.0, 1.0, 0.0, 1.0]])[0][0]
    assert active == pytest.approx(3.0)
    assert one_off == 0.0


def test_s_orthogonal():
    """S, initialization: orthogonal weights have all singular values at 1, normal ones not."""
    rng = np.random.default_rng(0)
    orthogonal = np.linalg.svd(initialization.orthogonal(50, 50, rng), compute_uv=False)
    np.testing.assert_allclose(orthogonal, 1)
    normal = np.linalg.svd(initialization.xavier_normal(50, 50, rng), compute_uv=False)
    assert normal.max() > 1.7
    assert normal.min() < 0.1


def test_s_he_average():
    """S, 4 / (fan_in + fan_out): keeps neither variance, unless the layer is square."""
    forward = initialization.propagated_variance([100, 300], [4 / 400], alpha=0.0)
    backward = initialization.propagated_variance(
        [100, 300], [4 / 400], alpha=0.0, direction="backward"
    )
    assert forward[-1] / forward[0] == pytest.approx(0.5)
    assert max(backward) / min(backward) == pytest.approx(1.5)
    kept = initialization.propagated_variance([100, 300], [2 / 100], alpha=0.0)
    assert kept[-1] / kept[0] == pytest.approx(1.0)
    square = initialization.propagated_variance([100, 100], [4 / 200], alpha=0.0)
    assert square[-1] / square[0] == pytest.approx(1.0)


def test_s_unsquared_norm():
    """S, weight decay: least squares squares the norm of the error."""
    predictions, target = np.array([[3.0, 4.0]]), np.zeros((1, 2))
    assert losses.squared_error(predictions, target) == pytest.approx(0.5 * 25.0)
    assert np.linalg.norm(predictions - target) == pytest.approx(5.0)


def test_s_penalty_in_the_sum():
    """S, weight decay: inside the sum over examples the penalty grows with their number."""
    errors, weights, strength = np.array([1.0, 2.0, 3.0]), [np.ones((2, 2)), np.ones((2, 1))], 0.1
    penalty = weight_decay.l2_penalty(weights, strength, half=False)
    assert penalty == pytest.approx(strength * (4 + 2))
    printed = sum(error + penalty for error in errors)
    assert printed == pytest.approx(errors.sum() + len(errors) * penalty)


def test_s_norms_do_not_suffice():
    """S, layer normalization: the norm is fixed, and two directions of the gradient are lost."""
    z = np.random.default_rng(0).normal(size=(1, 6))
    out, cache = layer_normalization.layer_norm_forward(z, np.ones(6), np.zeros(6), eps=1e-12)
    assert np.linalg.norm(out) == pytest.approx(np.sqrt(6))
    jacobian = [
        layer_normalization.layer_norm_backward(row[None], cache)[0][0] for row in np.eye(6)
    ]
    values = np.linalg.svd(np.array(jacobian), compute_uv=False)
    np.testing.assert_allclose(values, [1 / z.std()] * 4 + [0, 0], atol=1e-9)


def test_s_layer_norm_epsilon():
    """S, layer normalization: without epsilon, equal pre-activations make 0 / 0."""
    h = np.full(4, 2.5)
    with np.errstate(invalid="ignore"):
        printed = np.sqrt(4) * (h - h.mean()) / np.linalg.norm(h - h.mean())
    assert np.isnan(printed).all()
    out, _ = layer_normalization.layer_norm_forward(h[None], np.ones(4), np.zeros(4))
    assert not out.any()


def test_the_page_shows_every_check():
    page = (ROOT / "book" / "errata.md").read_text()
    shown = {line.split()[-1] for line in page.splitlines() if line.startswith(":pyobject:")}
    checks = {name for name in globals() if name.startswith("test_") and "page" not in name}
    assert shown == checks


def test_the_page_has_three_verdicts_and_no_heading_twice():
    page = (ROOT / "book" / "errata.md").read_text()
    lines = page.splitlines()
    headings = [line for line in lines if line.startswith("### ")]
    assert len(set(headings)) == len(headings)
    verdicts = [line.removeprefix("**Verdict**: ") for line in lines if "**Verdict**" in line]
    assert len(verdicts) == len(headings)
    assert set(verdicts) == {"A slip.", "A slip in part.", "No slip: the slide is right."}
