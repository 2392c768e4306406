"""A check for each entry of the book's page of slide errata, which shows it."""

import numpy as np
import pytest
from support import ROOT

from gradlab import (
    activations,
    autodiff,
    batch_normalization,
    datasets,
    dropout,
    gradient_bounds,
    gradient_clipping,
    gradient_descent,
    initialization,
    layer_normalization,
    losses,
    optimizers,
    schedules,
    weight_decay,
)


def test_h_exponential_ratio():
    """H eq. (4): the middle term, as printed, is not the ratio of 0.1."""
    s, k = 20, 3
    now, later = schedules.exponential_decay(np.array([k * s, (k + 1) * s]), 1.0, s)
    assert later / now == pytest.approx(0.1)
    assert 0.1 ** (k + 1) / 0.1**k == pytest.approx(0.1)
    assert 0.1 ** ((k + 1) / s) / 0.1 ** (k / s) == pytest.approx(0.1 ** (1 / s))


def test_h_average_of_deviations():
    """H eq. (20): averaging deviations gives less than averaging variances."""
    std = np.array([[1.0], [3.0]])
    of_deviations = batch_normalization.exponential_average(std, 0.5) ** 2
    of_variances = batch_normalization.exponential_average(std**2, 0.5)
    assert of_deviations[0] == 4.0
    assert of_variances[0] == 5.0


def test_h_elu():
    """H eq. (13) is the ELU with alpha = 1."""
    x = np.linspace(-3, 3, 13)
    np.testing.assert_allclose(activations.elu(x), np.where(x >= 0, x, np.exp(x) - 1))
    assert activations.elu([-3.0], alpha=0.5)[0] == pytest.approx(0.5 * (np.exp(-3) - 1))


def test_h_dropout_weights():
    """H, dropout: dividing weights by the keep probability equals dividing activations."""
    rng = np.random.default_rng(0)
    hidden, weight, bias, keep = rng.normal(size=(5, 4)), rng.normal(size=(4, 3)), np.ones(3), 0.8
    by_activations = (hidden / keep) @ weight + bias
    np.testing.assert_allclose(hidden @ (weight / keep) + bias, by_activations)
    assert not np.allclose((hidden @ weight + bias) / keep, by_activations)


def test_h_cifar_features():
    """H, CIFAR-10: a colour image of 32 x 32 pixels has 3072 features."""
    image = np.zeros((1, 32 * 32 * 3))
    assert datasets.as_images(image).shape == (1, 32, 32, 3)


def test_l_update_index():
    """L, learning rate: the step leads forward; backwards it climbs."""
    hessian = np.diag([1.0, 4.0])
    steps = gradient_descent.gradient_descent(lambda w: hessian @ w, [1.0, 1.0], 0.1, 1)
    energy = [0.5 * w @ hessian @ w for w in steps]
    assert energy[1] < energy[0]


def test_l_beyond_optimal():
    """L, learning rate: between the optimal rate and twice it descent still converges."""
    for rate, converges in ((1.0, True), (1.9, True), (2.1, False)):
        path = gradient_descent.gradient_descent(lambda w: w, [1.0], rate, 200)
        assert (abs(path[-1][0]) < 1e-6) == converges


def test_l_passes():
    """L, computational graphs: forward mode needs a pass for each input, not for each node."""
    assert autodiff.count_passes(n_inputs=3, n_outputs=1) == (3, 1)


def test_l_softmax_sign():
    """L, softmax with exp(-a): the smallest net input would win."""
    a = np.array([0.0, 1.0, 5.0])
    printed = np.exp(-a) / np.exp(-a).sum()
    assert printed.argmax() == 0
    assert activations.softmax(a).argmax() == 2


def test_l_elu_cases():
    """L, ELU with the cases as printed grows without bound and is linear below zero."""

    def printed(a):
        return np.where(a < 0, a, np.exp(a) - 1)

    assert printed(np.array([10.0]))[0] > 22_000
    assert activations.elu([10.0])[0] == 10.0
    assert activations.elu([-10.0])[0] == pytest.approx(-1, abs=1e-4)


def test_l_dropout_at_test():
    """L, dropout: the factor is the probability of being kept."""
    x, weight, rate = np.array([1.0, 2.0, 3.0]), np.array([1.0, -2.0, 0.5]), 0.2
    exact = dropout.expected_subnetwork_output(lambda h: h @ weight, x, rate, inverted=False)
    np.testing.assert_allclose((1 - rate) * x @ weight, exact)
    assert not np.allclose(rate * x @ weight, exact)


def test_l_torch_rule():
    """L, Torch's old rule: the variance falls to a third in a layer, as the slide says."""
    weight = initialization.legacy_torch_uniform(400, 400, np.random.default_rng(0))
    assert 400 * weight.var() == pytest.approx(1 / 3, rel=0.02)


def test_l_scaled_tanh():
    """L, recommended sigmoid: output variance 0.75, largest second derivative near 1."""
    rng = np.random.default_rng(0)
    assert activations.scaled_tanh(rng.normal(size=1_000_000)).var() == pytest.approx(
        0.75, abs=0.01
    )
    x = np.linspace(0, 3, 30_001)
    second = np.gradient(np.gradient(activations.scaled_tanh(x), x), x)
    assert x[np.abs(second[2:-2]).argmax() + 2] == pytest.approx(0.988, abs=0.005)


def test_l_elu_offset():
    """L, ELU: the offset shrinks and does not vanish."""
    x = np.random.default_rng(0).normal(size=1_000_000)
    assert activations.relu(x).mean() == pytest.approx(0.40, abs=0.01)
    assert activations.elu(x).mean() == pytest.approx(0.16, abs=0.01)


def test_l_variance_of_a_product():
    """L, analysis: the formula holds with the squared means, not with the mean squares."""
    rng = np.random.default_rng(0)
    w, x = rng.normal(1.0, 2.0, 2_000_000), rng.normal(3.0, 0.5, 2_000_000)
    measured = (w * x).var()
    squared_means = 3.0**2 * 4.0 + 1.0**2 * 0.25 + 4.0 * 0.25
    mean_squares = (9.0 + 0.25) * 4.0 + (1.0 + 4.0) * 0.25 + 4.0 * 0.25
    assert measured == pytest.approx(squared_means, rel=0.01)
    assert measured != pytest.approx(mean_squares, rel=0.03)


def test_c_clipping_one_side():
    """C, gradient clipping: as printed, a large negative derivative passes."""
    gradient = np.array([-100.0, 100.0])
    printed = np.where(gradient > 5, 5, gradient)
    assert printed.tolist() == [-100.0, 5.0]
    assert gradient_clipping.clip_by_value([gradient], 5.0)[0].tolist() == [-5.0, 5.0]


def test_c_dropout_success():
    """C, dropout: to succeed is to be switched off, so 1 - alpha is right there."""
    rng, keep = np.random.default_rng(0), 0.8
    off = rng.random(100_000) < 1 - keep
    assert (~off).mean() == pytest.approx(keep, abs=0.01)


def test_c_dropout_testing():
    """C, dropout forward pass for testing: alpha multiplies; dividing overshoots."""
    x, weight, keep = np.ones(6), np.ones(6), 0.75
    exact = dropout.expected_subnetwork_output(lambda h: h @ weight, x, 1 - keep, inverted=False)
    np.testing.assert_allclose((keep * x) @ weight, exact)
    np.testing.assert_allclose((x / keep) @ weight, exact / keep**2)


def test_c_decay_batch():
    """C, weight decay: without the division by b the step is b times too long."""
    gradients = np.array([1.0, 2.0, 3.0])
    assert gradients.sum() == pytest.approx(len(gradients) * gradients.mean())
    penalty = weight_decay.l2_penalty_backward([np.array([[2.0]])], 0.1)[0]
    step = gradients.mean() + penalty[0, 0]
    assert gradients.sum() + penalty[0, 0] != pytest.approx(len(gradients) * step)


def test_c_minibatch_mean():
    """C, derivative of a mini-batch: the mean runs over its B examples, not over T."""
    rng = np.random.default_rng(0)
    logits, labels = rng.normal(size=(4, 3)), np.array([0, 1, 2, 0])
    whole = losses.softmax_cross_entropy_backward(logits, labels)
    single = losses.softmax_cross_entropy_backward(logits[:1], labels[:1])
    np.testing.assert_allclose(whole[0], single[0] / 4)


def test_c_minibatch_loop():
    """C, mini-batch update: an inner loop that uses index t adds one gradient b times."""
    gradients, b = np.array([1.0, 5.0, 9.0]), 3
    printed = sum(gradients[0] / b for _ in range(b))
    assert printed == pytest.approx(1.0)
    assert sum(gradients[k] / b for k in range(b)) == pytest.approx(5.0)


def test_c_epsilon():
    """C, RMSProp and Adam: inside the root epsilon acts on gradients that it spares outside."""
    moves = {}
    for inside in (False, True):
        weight = np.array([0.0])
        optimizers.Adam(1.0, eps=1e-8, eps_inside_sqrt=inside).step([weight], [np.array([1e-6])])
        moves[inside] = -weight[0]
    assert moves[False] == pytest.approx(0.99, abs=0.01)
    assert moves[True] == pytest.approx(0.01, abs=0.001)


def test_c_power_of_two():
    """C, underspecification: a hundred binary inputs take 1.27e30 values."""
    assert pytest.approx(1.2677e30, rel=1e-4) == 2**100


def test_c_kl():
    """C, KL divergence: the binary cross-entropy is larger by the entropy of soft targets."""
    y, target = np.array([[0.7]]), np.array([[0.4]])
    both = np.array([[0.7, 0.3]]), np.array([[0.4, 0.6]])
    entropy = -(0.4 * np.log(0.4) + 0.6 * np.log(0.6))
    cross = losses.binary_cross_entropy(y, target)
    assert cross == pytest.approx(losses.kl_divergence(*both) + entropy)
    hard = losses.kl_divergence(both[0], np.array([[1.0, 0.0]]))
    assert losses.binary_cross_entropy(y, np.array([[1.0]])) == pytest.approx(hard)


def test_c_shakeout():
    """C, Shakeout: with the sign as printed the mean weight is not the weight."""
    weight, keep, c = 2.0, 0.8, 0.5
    for up in (keep * weight + (1 - keep) * c, weight / keep + (1 - keep) * c):
        for p in (keep, 1 - keep):
            assert p * up - (1 - p) * c != pytest.approx(weight)
    papers = weight / keep + c * (1 - keep) / keep
    assert keep * papers - (1 - keep) * c == pytest.approx(weight)


def test_s_unsquared_norm():
    """S, weight decay: least squares squares the norm of the error."""
    predictions, target = np.array([[3.0, 4.0]]), np.zeros((1, 2))
    assert losses.squared_error(predictions, target) == pytest.approx(0.5 * 25.0)
    assert np.linalg.norm(predictions - target) == pytest.approx(5.0)


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


def test_s_lower_bound_rank():
    """S, lower bound: a wide factor sends some gradients to zero, whatever its singular values."""
    wide = np.array([[1.0, 0.0, 1.0], [0.0, 1.0, 1.0]])
    assert np.linalg.svd(wide, compute_uv=False).min() == pytest.approx(1.0)
    lost = np.array([1.0, 1.0, -1.0])
    assert np.linalg.norm(wide @ lost) == pytest.approx(0.0)
    lower, _ = gradient_bounds.gradient_norm_bounds([1.0], [wide], [[1.0, 1.0]], lost)
    assert lower == 0.0


def test_s_lower_bound_row():
    """S, lower bound for one row of W_0: the first factor has rank one; for all of W_0 it is x."""
    x = np.array([3.0, 4.0])
    factor = np.zeros((2, 3))
    factor[:, 1] = x
    assert np.linalg.svd(factor, compute_uv=False)[1] == 0.0
    lower, upper = gradient_bounds.gradient_norm_bounds(x, [np.eye(3)], [np.ones(3)], [0, 0, 1.0])
    assert lower == upper == pytest.approx(np.linalg.norm(x))


def test_s_layer_norm_epsilon():
    """S, layer normalization: without epsilon, equal pre-activations make 0 / 0."""
    h = np.full(4, 2.5)
    with np.errstate(invalid="ignore"):
        printed = np.sqrt(4) * (h - h.mean()) / np.linalg.norm(h - h.mean())
    assert np.isnan(printed).all()
    out, _ = layer_normalization.layer_norm_forward(h[None], np.ones(4), np.zeros(4))
    assert not out.any()


def test_s_relu_explodes():
    """S, exploding gradients: one inactive ReLU makes the lower bound zero."""
    weight = 3 * np.eye(4)
    active = gradient_bounds.singular_value_products([weight], [np.ones(4)])[0][0]
    one_off = gradient_bounds.singular_value_products([weight], [[1.0, 1.0, 0.0, 1.0]])[0][0]
    assert active == pytest.approx(3.0)
    assert one_off == 0.0


def test_the_page_shows_every_check():
    page = (ROOT / "book" / "errata.md").read_text()
    shown = {line.split()[-1] for line in page.splitlines() if line.startswith(":pyobject:")}
    checks = {name for name in globals() if name.startswith("test_") and "page" not in name}
    assert shown == checks
