import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import array_errors, assert_agrees, torch

from gradlab.datasets import load_digits
from gradlab.early_stopping import EarlyStopping
from gradlab.network import Activation, BatchNorm, Dense, Dropout, Network
from gradlab.optimizers import SGD, Adam
from gradlab.training import evaluate, fit
from gradlab.transfer_learning import freeze, resize_images, reuse, two_phase_fit, unfreeze

DTYPES = [np.float64, np.float32]
BASE = 8  # layers of the network below that are reused


def rng(seed=0):
    return np.random.default_rng(seed)


def make_network(outputs=5, width=24, seed=0):
    """Two hidden layers, each with normalization, activation and dropout, and an output layer."""
    generator, layers = rng(seed), []
    for fan_in in (64, width):
        layers += [Dense(fan_in, width, generator), BatchNorm(width), Activation("relu")]
        layers += [Dropout(0.1, generator)]
    return Network([*layers, Dense(width, outputs, generator)])


def snapshot(layers):
    return [array.copy() for array in Network(layers).arrays()]


def same(first, second):
    return all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def flags(network):
    return [layer.trainable for layer in network.layers]


@pytest.fixture(scope="module")
def digits():
    """Digits below 5, and a few of the others with the rest of them held out."""
    data = load_digits()
    x, y = data.x_train, data.y_train
    low, high = y < 5, y >= 5
    return {
        "low": (x[low], y[low]),
        "few": (x[high][:40], y[high][:40] - 5),
        "held out": (x[high][40:], y[high][40:] - 5),
    }


@pytest.fixture(scope="module")
def pretrained(digits):
    """A network that knows the digits below 5."""
    network = make_network()
    fit(network, digits["low"], None, Adam(0.01), epochs=10, batch_size=32, rng=rng(1))
    return network


# ---- reuse


def test_reuse_copies_the_lower_layers_and_takes_the_head_itself(pretrained):
    head = [Dense(24, 7, rng())]
    before = snapshot(pretrained.layers)
    network = reuse(pretrained, BASE, head)
    assert len(network.layers) == BASE + 1
    assert network.layers[-1] is head[0]
    assert same(snapshot(network.layers[:BASE]), snapshot(pretrained.layers[:BASE]))
    x = rng().normal(size=(3, 64))
    below = Network(pretrained.layers[:BASE]).forward(x)
    np.testing.assert_array_equal(network.forward(x), head[0].forward(below, training=False))
    for array in network.arrays():
        array += 1
    assert same(snapshot(pretrained.layers), before)
    assert all(flags(network))


def test_copied_dropout_goes_on_with_one_generator_of_its_own(pretrained):
    network = reuse(pretrained, BASE, [Dense(24, 7, rng())])
    assert network.layers[3].rng is network.layers[7].rng
    assert network.layers[3].rng is not pretrained.layers[3].rng
    state = pretrained.layers[3].rng.bit_generator.state
    network.forward(np.ones((2, 64)), training=True)
    assert pretrained.layers[3].rng.bit_generator.state == state


def test_any_number_of_layers_can_be_reused(pretrained):
    assert len(reuse(pretrained, 1, [Activation("tanh")]).layers) == 2
    assert len(reuse(pretrained, 9, [Dense(5, 2, rng())]).layers) == 10


# ---- freeze and unfreeze


def test_freeze_takes_the_lower_layers_out_of_training():
    network = make_network()
    freeze(network, 0)
    assert all(flags(network))
    freeze(network, 5)
    assert flags(network) == [False] * 5 + [True] * 4
    freeze(network, 2)
    assert flags(network) == [False] * 5 + [True] * 4
    assert len(network.parameters()) == 4
    freeze(network, 9)
    assert network.parameters() == []


def test_unfreeze_counts_hidden_layers_from_the_top():
    network = make_network()
    freeze(network, BASE)
    unfreeze(network, 0)
    assert flags(network) == [False] * 8 + [True]
    unfreeze(network, 1)
    assert flags(network) == [False] * 4 + [True] * 5
    unfreeze(network, 1)
    assert all(flags(network))
    freeze(network, 9)
    unfreeze(network, 1)
    assert flags(network) == [False] * 8 + [True]
    unfreeze(network, 2)
    assert all(flags(network))


def test_layers_from_elsewhere_are_frozen_too():
    class Shift:
        """A layer with the four methods alone."""

        def __init__(self):
            self.by = np.zeros(64)

        def forward(self, x, training):
            """Return the shifted input."""
            return x + self.by

        def backward(self, dout):
            """Return the gradient."""
            self.dby = dout.sum(axis=0)
            return dout

        def parameters(self):
            """Return the shift."""
            return [self.by]

        def gradients(self):
            """Return its gradient."""
            return [self.dby]

    shift = Shift()
    network = Network([shift, Dense(64, 3, rng())])
    freeze(network, 1)
    assert len(network.parameters()) == 2
    copied = reuse(network, 1, [Dense(64, 2, rng())])
    assert copied.layers[0] is not shift
    assert len(copied.parameters()) == 2


@pytest.mark.equation("tl-freeze")
def test_a_network_in_a_network_is_one_hidden_layer():
    inner = Network([Dense(4, 4, rng()), BatchNorm(4)])
    network = Network([Dense(4, 4, rng()), inner, Activation("relu"), Dense(4, 2, rng())])
    freeze(network, 3)
    assert [layer.trainable for layer in inner.layers] == [False, False]
    assert len(network.parameters()) == 2
    unfreeze(network, 1)
    assert [layer.trainable for layer in network.layers] == [False, True, True, True]
    assert [layer.trainable for layer in inner.layers] == [True, True]


def test_frozen_layers_do_not_move_and_the_head_does(pretrained, digits):
    network = reuse(pretrained, BASE, [Dense(24, 5, rng(2))])
    freeze(network, BASE)
    base, head = snapshot(network.layers[:BASE]), snapshot(network.layers[BASE:])
    settings = {"epochs": 5, "batch_size": 20, "rng": rng(3)}
    history = fit(network, digits["few"], None, Adam(0.01, weight_decay=0.01), **settings)
    # To the bit, running statistics included.
    assert same(snapshot(network.layers[:BASE]), base)
    assert not any(np.array_equal(a, b) for a, b in zip(head, snapshot(network.layers[BASE:])))
    assert history.train_loss[-1] < history.train_loss[0]
    unfreeze(network, 1)
    fit(network, digits["few"], None, Adam(0.001, weight_decay=0.01), **settings)
    assert same(snapshot(network.layers[:4]), base[:6])
    assert not any(np.array_equal(a, b) for a, b in zip(base[6:], snapshot(network.layers[4:8])))


# ---- both phases

SETTINGS = {"reused": BASE, "learning_rate": 0.5, "epochs": (4, 3), "batch_size": 10}


@pytest.mark.equation("tl-reduced-rate")
def test_the_phases_are_those_of_the_deck(pretrained, digits):
    network = reuse(pretrained, BASE, [Dense(24, 5, rng(2))])
    rates, seen = [], []

    def make_optimizer(rate):
        rates.append(rate)
        return SGD(rate)

    def watch(epoch, network, history):
        seen.append((flags(network), snapshot(network.layers)))

    start = snapshot(network.layers)
    head, tuning = two_phase_fit(
        network,
        digits["few"],
        digits["held out"],
        make_optimizer,
        **SETTINGS,
        reduction=0.2,
        freeze_batch_norm=False,
        rng=rng(3),
        callbacks=[watch],
        clip=1.0,
    )
    assert rates == [0.5, 0.1]
    assert set(head.learning_rate) == {0.5}
    assert set(tuning.learning_rate) == {0.1}
    assert (len(head.train_loss), len(tuning.train_loss)) == (4, 3)
    assert len(head.gradient_norm) == 16
    assert [f for f, _ in seen] == [[False] * 8 + [True]] * 4 + [[False] * 4 + [True] * 5] * 3
    arrays = [a for _, a in seen]
    # Two arrays each in the dense layers, four in the normalizations, two in the head.
    assert all(same(a[:12], start[:12]) for a in arrays[:4])
    assert all(same(a[:6], start[:6]) for a in arrays)
    assert not any(np.array_equal(a, b) for a, b in zip(arrays[3][6:], arrays[4][6:]))
    assert head.stopped == tuning.stopped == ""


@pytest.mark.parametrize("frozen", [True, False])
def test_two_phases_are_two_fits(pretrained, digits, frozen):
    first = reuse(pretrained, BASE, [Dense(24, 5, rng(2))])
    settings = SETTINGS | {"learning_rate": 0.01, "top": 2, "freeze_batch_norm": frozen}
    histories = two_phase_fit(first, digits["few"], None, Adam, **settings, rng=rng(3))
    second, generator = reuse(pretrained, BASE, [Dense(24, 5, rng(2))]), rng(3)
    settings = {"batch_size": 10, "rng": generator}
    freeze(second, BASE)
    head = fit(second, digits["few"], None, Adam(0.01), epochs=4, **settings)
    unfreeze(second, 2)
    for k in (1, 5):
        second.layers[k].trainable = not frozen
    tuning = fit(second, digits["few"], None, Adam(0.001), epochs=3, **settings)
    assert histories == (head, tuning)
    assert same(snapshot(first.layers), snapshot(second.layers))
    assert flags(first) == flags(second)


def test_reused_batch_normalization_stays_in_inference_mode():
    """Against one step of the second phase written out, by the statistics of the old data."""
    dense, norm, head = Dense(3, 4, rng(1)), BatchNorm(4), Dense(4, 2, rng(2))
    for k, array in enumerate((norm.gamma, norm.beta, norm.running_mean, norm.running_var)):
        array[...] = rng(k).uniform(0.5, 2, 4)
    network = reuse(Network([dense, norm, Activation("relu"), head]), 3, [head])
    x, labels = rng(4).normal(size=(6, 3)), np.array([0, 1, 1, 0, 1, 0])
    kept, v, c = snapshot([norm]), head.weight.copy(), head.bias.copy()
    two_phase_fit(
        network,
        (x, labels),
        None,
        SGD,
        reused=3,
        learning_rate=5.0,
        epochs=(0, 1),
        batch_size=6,
        rng=rng(),
    )
    gamma, beta, mean, var = kept
    slope = gamma / np.sqrt(var + norm.eps)
    hidden = np.maximum(0, (x @ dense.weight + dense.bias - mean) * slope + beta)
    dlogits = np.exp(hidden @ v + c)
    dlogits /= dlogits.sum(axis=1, keepdims=True)
    dlogits[np.arange(6), labels] -= 1
    dlogits /= 6
    dz = dlogits @ v.T * (hidden > 0) * slope
    expected = (
        dense.weight - 0.5 * x.T @ dz,
        dense.bias - 0.5 * dz.sum(axis=0),
        *kept,
        v - 0.5 * hidden.T @ dlogits,
        c - 0.5 * dlogits.sum(axis=0),
    )
    for got, value in zip(snapshot(network.layers), expected, strict=True):
        np.testing.assert_allclose(got, value, rtol=1e-10, atol=1e-12)
    assert same(snapshot(network.layers[1:2]), kept)


@pytest.mark.parametrize("frozen", [True, False])
def test_only_reused_batch_normalization_stays_frozen(frozen):
    inner = Network([Dense(4, 4, rng()), BatchNorm(4)])
    head = [Dense(4, 4, rng()), BatchNorm(4), Dense(4, 2, rng())]
    network = reuse(Network([Dense(3, 4, rng()), BatchNorm(4), inner]), 3, head)
    start = snapshot(network.layers)
    two_phase_fit(
        network,
        (rng(1).normal(size=(8, 3)), [0, 1] * 4),
        None,
        SGD,
        reused=3,
        top=1,
        learning_rate=1.0,
        epochs=(1, 1),
        batch_size=4,
        rng=rng(),
        freeze_batch_norm=frozen,
    )
    held = [np.array_equal(a, b) for a, b in zip(snapshot(network.layers), start, strict=True)]
    # Two arrays in a dense layer, four in a normalization.
    assert held[:6] == [True] * 6
    assert held[8:12] == [frozen] * 4
    assert not held[6]
    assert not any(held[12:14:2])
    assert not any(held[14:18])
    assert [layer.trainable for layer in network.layers[2].layers] == [True, not frozen]


def test_reused_layers_help_where_examples_are_few():
    """Deck H: significantly less training data. Odd or even, from 40 examples of digits."""
    data = load_digits()
    pretrained = make_network(outputs=10)
    first = data.x_train[:1000], data.y_train[:1000]
    fit(pretrained, first, None, Adam(0.01), epochs=10, batch_size=32, rng=rng(1))
    few = data.x_train[1000:1040], data.y_train[1000:1040] % 2
    test = data.x_test, data.y_test % 2
    accuracies = []
    for seed in range(3):
        network = reuse(pretrained, BASE, [Dense(24, 2, rng(seed))])
        settings = SETTINGS | {"learning_rate": 0.01, "epochs": (15, 10), "rng": rng(seed)}
        two_phase_fit(network, few, None, Adam, **settings)
        scratch = make_network(outputs=2, seed=seed + 10)
        fit(scratch, few, None, Adam(0.01), epochs=25, batch_size=10, rng=rng(seed))
        accuracies.append([evaluate(n, *test)[1] for n in (network, scratch)])
    reused, scratch = np.mean(accuracies, axis=0)
    assert reused > scratch + 0.03
    assert reused > 0.9


def test_early_stopping_keeps_the_best_epoch_of_both_phases(pretrained, digits):
    network = reuse(pretrained, BASE, [Dense(24, 5, rng(2))])
    stopping = EarlyStopping(patience=2)
    # A second rate that does nothing but harm.
    head, tuning = two_phase_fit(
        network,
        digits["few"],
        digits["held out"],
        SGD,
        **SETTINGS | {"epochs": (6, 30), "learning_rate": 8.0},
        reduction=1.0,
        early_stopping=stopping,
        rng=rng(3),
    )
    losses = head.validation_loss + tuning.validation_loss
    assert stopping.best == min(losses)
    assert evaluate(network, *digits["held out"])[0] == pytest.approx(min(losses))
    assert len(tuning.validation_loss) >= 2


def test_an_interrupt_or_divergence_in_the_first_phase_is_the_end(pretrained, digits):
    def interrupt(epoch, network, history):
        raise KeyboardInterrupt

    for more, reason in (
        ({"callbacks": [interrupt]}, "interrupted"),
        ({"learning_rate": 1e305}, "loss not finite"),
    ):
        network = reuse(pretrained, BASE, [Dense(24, 5, rng(2)), Dense(5, 5, rng(3))])
        head, tuning = two_phase_fit(
            network, digits["few"], None, SGD, **SETTINGS | more, rng=rng(3)
        )
        assert head.stopped.startswith(reason)
        assert tuning.step_loss == []
        assert not any(flags(network)[:BASE])


# ---- resizing


def make_images(seed=0, shape=(2, 5, 7, 3), dtype=np.float64):
    return rng(seed).uniform(-1, 1, shape).astype(dtype)


SIZES = [(5, 7), (10, 14), (8, 3), (1, 1), (2, 20), (4, 6)]


def weight(i, k, old, new, antialias):
    """The formula, for one new and one old pixel."""
    spread = max(1.0, old / new) if antialias else 1.0
    y = old / new * (i + 0.5) - 0.5
    values = [max(0.0, 1 - abs(y - m) / spread) for m in range(old)]
    return values[k] / sum(values)


@pytest.mark.equation("tl-resize")
@pytest.mark.equation("tl-resize-weights")
@pytest.mark.equation("tl-resize-position")
@pytest.mark.parametrize("antialias", [False, True])
def test_resizing_is_the_definition(antialias):
    images = make_images(shape=(1, 3, 4))
    for height, width in ((5, 2), (2, 6)):
        out = resize_images(images, (height, width), antialias)
        for i, j in np.ndindex(height, width):
            expected = sum(
                weight(i, k, 3, height, antialias)
                * weight(j, m, 4, width, antialias)
                * images[0, k, m]
                for k, m in np.ndindex(3, 4)
            )
            assert out[0, i, j] == pytest.approx(expected)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("antialias", [False, True])
@pytest.mark.parametrize("size", SIZES)
def test_resizing_agrees_with_pytorch(size, antialias, dtype):
    pytorch = torch()
    images = make_images(dtype=dtype)
    theirs = pytorch.nn.functional.interpolate(
        pytorch.from_numpy(images.transpose(0, 3, 1, 2).copy()),
        size,
        mode="bilinear",
        align_corners=False,
        antialias=antialias,
    )
    assert_agrees(
        resize_images(images, size, antialias), theirs.numpy().transpose(0, 2, 3, 1), scale=1.0
    )


@pytest.mark.parametrize("size", SIZES)
def test_resizing_with_antialias_agrees_with_jax(size):
    jax = pytest.importorskip("jax", reason="jax is not installed: run `make oracles`")
    images = make_images(dtype=np.float32)
    theirs = np.asarray(jax.image.resize(images, (2, *size, 3), "bilinear"))
    assert_agrees(resize_images(images, size, antialias=True), theirs, scale=1.0)


@given(
    st.integers(0, 2**32 - 1),
    st.tuples(*[st.integers(1, 9)] * 2),
    st.tuples(*[st.integers(1, 20)] * 2),
    st.booleans(),
)
def test_resizing_keeps_range_constants_and_symmetry(seed, old, new, antialias):
    images = make_images(seed, (2, *old))
    out = resize_images(images, new, antialias)
    assert out.shape == (2, *new)
    assert images.min() - 1e-12 <= out.min() <= out.max() <= images.max() + 1e-12
    np.testing.assert_allclose(resize_images(np.full((1, *old), 0.3), new, antialias), 0.3)
    mirrored = resize_images(images[:, ::-1, ::-1], new, antialias)
    np.testing.assert_allclose(mirrored, out[:, ::-1, ::-1], atol=1e-12)
    np.testing.assert_allclose(resize_images(images, old, antialias), images, atol=1e-12)


def test_antialias_averages_what_is_lost():
    stripes = np.tile([0.0, 1.0], (1, 16, 8))
    assert np.ptp(resize_images(stripes, 4, antialias=True)) < 0.2
    # Four old columns to one: the two in the middle, one of each kind.
    np.testing.assert_allclose(resize_images(stripes, 4), 0.5)
    shifted = np.tile([0.0, 1.0, 1.0, 0.0], (1, 16, 4))
    np.testing.assert_allclose(resize_images(shifted, 4), 1.0)
    assert resize_images(shifted, 4, antialias=True).max() < 0.8


@pytest.mark.parametrize("dtype", DTYPES)
def test_dtypes_channels_and_layouts(dtype):
    images = make_images(dtype=dtype)
    out = resize_images(images, (6, 4))
    assert out.dtype == dtype
    assert out.flags.c_contiguous
    for channel in range(3):
        alone = resize_images(images[..., channel], (6, 4))
        np.testing.assert_allclose(alone, out[..., channel], rtol=1e-5)
    kept = images.copy()
    resize_images(images, 3)
    np.testing.assert_array_equal(images, kept)
    for other in (np.asfortranarray(images), images.tolist() if dtype == np.float64 else images):
        np.testing.assert_allclose(resize_images(other, (6, 4)), out, rtol=1e-6)
    assert resize_images([[[1, 2], [3, 4]]], 1).tolist() == [[[2.5]]]


def test_small_images_feed_a_network_for_large_ones(digits):
    """The deck: as many features as the pretrained network has inputs."""
    x = digits["few"][0]
    small = x.reshape(-1, 8, 8)[:, 1:7, 1:7]
    resized = resize_images(small, 8).reshape(len(x), 64)
    assert make_network().forward(resized).shape == (40, 5)
    # It is still the digit: nearer to its own picture than to the average one, made as large.
    own = resize_images(x.reshape(-1, 8, 8), 10)[:, 1:9, 1:9].reshape(len(x), 64)
    own_distance = np.linalg.norm(resized - own, axis=1).mean()
    assert own_distance < 0.5 * np.linalg.norm(resized - own.mean(axis=0), axis=1).mean()


# ---- bad input

IMAGES = make_images(shape=(2, 4, 4))
DATA = rng().normal(size=(12, 64)), np.arange(12) % 5


def calls():
    network = make_network()
    return {
        reuse: {"network": network, "layers": 8, "new_head": [Dense(24, 3, rng())]},
        freeze: {"network": network, "upto": 8},
        unfreeze: {"network": network, "top": 0},
        resize_images: {"images": IMAGES, "size": 3},
        two_phase_fit: {
            "network": network,
            "train": DATA,
            "validation": DATA,
            "make_optimizer": SGD,
            "reused": 8,
            "learning_rate": 0.1,
            "epochs": (1, 1),
            "batch_size": 4,
            "rng": rng(),
        },
    }


def bad_calls():
    for function in (reuse, freeze, unfreeze, two_phase_fit):
        yield function, "network", [Dense(64, 2, rng())], TypeError
    for function, name in (
        (reuse, "layers"),
        (freeze, "upto"),
        (unfreeze, "top"),
        (two_phase_fit, "reused"),
        (two_phase_fit, "top"),
    ):
        yield from ((function, name, value, ValueError) for value in (-1, 10))
        yield from ((function, name, value, TypeError) for value in (1.0, "1", None, True))
    yield reuse, "layers", 0, ValueError
    yield unfreeze, "top", 1, ValueError
    yield two_phase_fit, "top", 3, ValueError
    yield reuse, "new_head", [], ValueError
    yield two_phase_fit, "make_optimizer", SGD(0.1), TypeError
    yield two_phase_fit, "make_optimizer", lambda rate: None, TypeError
    for value in (-0.1, np.nan, np.inf):
        yield two_phase_fit, "learning_rate", value, ValueError
    yield two_phase_fit, "learning_rate", "1", TypeError
    yield from ((two_phase_fit, "reduction", value, ValueError) for value in (0, 1.5, np.nan))
    yield from ((two_phase_fit, "epochs", value, TypeError) for value in (3, (1, 2, 3), (1, 0.5)))
    yield two_phase_fit, "epochs", (1, -1), ValueError
    yield two_phase_fit, "freeze_batch_norm", 1, TypeError
    yield two_phase_fit, "schedule", lambda step: 0.1, TypeError
    yield two_phase_fit, "clip", -1, ValueError
    yield two_phase_fit, "batch_size", 0, ValueError
    yield two_phase_fit, "rng", 0, TypeError
    yield two_phase_fit, "train", DATA[0], TypeError
    yield from ((resize_images, *bad) for bad in array_errors("images", make_images()))
    yield resize_images, "images", IMAGES[0], ValueError
    yield resize_images, "images", IMAGES[:0], ValueError
    yield from ((resize_images, "size", v, ValueError) for v in (0, -1, (3, 0), (3,), (1, 2, 3)))
    yield from ((resize_images, "size", v, TypeError) for v in (2.0, "2", None, (2, 2.0)))
    yield from ((resize_images, "antialias", v, TypeError) for v in (None, 1, "yes"))


@pytest.mark.parametrize(("function", "name", "bad", "error"), list(bad_calls()))
def test_bad_input_is_refused_by_name(function, name, bad, error):
    arguments = calls()[function] | {name: bad}
    message = "optimizer" if name == "make_optimizer" and callable(bad) else name
    with pytest.raises(error, match=rf"^{message} must"):
        function(**arguments)


def test_bad_arguments_are_refused_before_anything_is_frozen():
    arguments = calls()[two_phase_fit]
    for name, bad in (("top", 3), ("reduction", 2.0), ("epochs", 1), ("reused", 99)):
        with pytest.raises((TypeError, ValueError)):
            two_phase_fit(**arguments | {name: bad})
        assert all(flags(arguments["network"]))


def test_a_head_that_does_not_fit_is_refused():
    with pytest.raises(ValueError, match=r"layers\[8\] x must have 25 features, got 24"):
        reuse(make_network(), 8, [Dense(25, 3, rng())])


def test_a_setting_that_fit_does_not_take_is_refused_before_anything_is_frozen():
    arguments = calls()[two_phase_fit]
    with pytest.raises(TypeError, match="unexpected keyword argument 'paitence'"):
        two_phase_fit(**arguments, paitence=3)
    assert all(flags(arguments["network"]))
