import copy
import io
import json
import os
import zipfile

import numpy as np
import pytest
from support import assert_agrees, torch

from gradlab import activations
from gradlab import layers as layers_module
from gradlab import network as network_module
from gradlab.gradient_check import numerical_gradient
from gradlab.layer_normalization import group_norm_forward, instance_norm_forward
from gradlab.layers import (
    Activation,
    BatchNorm,
    Dense,
    Dropout,
    GroupNorm,
    InstanceNorm,
    Layer,
    LayerNorm,
)
from gradlab.network import Network

DTYPES = [np.float64, np.float32]

# Settings of every activation, none of them at its default.
ENTRYWISE = {
    "elu": {"alpha": 0.7},
    "gelu": {},
    "hard_tanh": {},
    "leaky_relu": {"alpha": 0.2},
    "relu": {},
    "scaled_tanh": {},
    "selu": {},
    "sigmoid": {},
    "silu": {},
    "softplus": {},
    "tanh": {},
}
ROWWISE = {"softmax": {}, "log_softmax": {}, "maxout": {"pieces": 3}}
ACTIVATIONS = ENTRYWISE | ROWWISE


def rng(seed=0):
    return np.random.default_rng(seed)


def randomize(network, seed=1):
    """Move every array away from its start: gamma from 1, beta and biases from 0."""
    generator = rng(seed)
    for array in network.arrays():
        array += generator.uniform(0.1, 0.5, array.shape)
    return network


def make_network(name="tanh", norm=BatchNorm, rate=0.3, dtype=np.float64, seed=0):
    """A network with a layer of every kind."""
    generator = rng(seed)
    middle = Activation(name, **ACTIVATIONS[name])
    layers = [
        Dense(5, 6, generator, dtype=dtype),
        norm(6, dtype=dtype),
        middle,
        Dropout(rate, rng(7)),
        Dense(6 // middle.settings.get("pieces", 1), 4, generator, dtype=dtype),
    ]
    return randomize(Network(layers))


def make_batch(seed=3, rows=7, dtype=np.float64):
    generator = rng(seed)
    return [generator.normal(size=(rows, n)).astype(dtype) for n in (5, 4)]


def restart_dropout(network):
    for layer in network.layers:
        if isinstance(layer, Dropout):
            layer.rng = rng(7)


def check_all_gradients(network, x, dout):
    """Compare the gradients for input and parameters with central differences."""

    def loss(_):
        restart_dropout(network)
        return float((network.forward(point, training=True) * dout).sum())

    point = x.copy()
    loss(None)
    dx = network.backward(dout)
    gradients = [g.copy() for g in network.gradients()]
    parameters = network.parameters()
    assert len(parameters) == len(gradients)

    def loss_at(array, value):
        kept = array.copy()
        array[...] = value
        result = loss(None)
        array[...] = kept
        return result

    for array, gradient in zip([point, *parameters], [dx, *gradients]):
        expected = numerical_gradient(lambda value, a=array: loss_at(a, value), array)
        # A bias before batch normalization has the gradient 0, but for rounding.
        assert_agrees(gradient, expected, rtol=1e-7, scale=1.0)


# ---- gradients of whole networks


@pytest.mark.parametrize("norm", [BatchNorm, LayerNorm])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_gradients_agree_with_central_differences(name, norm):
    check_all_gradients(make_network(name, norm), *make_batch())


def test_gradients_of_two_normalized_layers_agree_with_central_differences():
    generator = rng()
    layers = [LayerNorm(5), Dense(5, 6, generator), BatchNorm(6), Activation("softplus")]
    layers += [Dense(6, 6, generator), BatchNorm(6), Activation("elu"), Dense(6, 4, generator)]
    network = randomize(Network(layers))
    x, dout = make_batch()
    check_all_gradients(network, x, dout)


def torch_activation(pytorch, name, settings):
    functional = pytorch.nn.functional
    return {
        "elu": lambda x: functional.elu(x, **settings),
        "gelu": functional.gelu,
        "hard_tanh": functional.hardtanh,
        "leaky_relu": lambda x: functional.leaky_relu(x, settings.get("alpha")),
        "relu": pytorch.relu,
        "scaled_tanh": lambda x: 1.7159 * pytorch.tanh(2 * x / 3),
        "selu": pytorch.selu,
        "sigmoid": pytorch.sigmoid,
        "silu": functional.silu,
        "softplus": functional.softplus,
        "tanh": pytorch.tanh,
        "softmax": lambda x: pytorch.softmax(x, -1),
        "log_softmax": lambda x: pytorch.log_softmax(x, -1),
        "maxout": lambda x: x.reshape(len(x), -1, settings.get("pieces")).amax(-1),
    }[name]


class InTorch:
    """The same network in PyTorch, with the same parameters."""

    def __init__(self, pytorch, network):
        self.pytorch, self.network = pytorch, network
        self.leaves = [pytorch.from_numpy(p.copy()).requires_grad_() for p in network.parameters()]
        self.running = {
            k: [pytorch.from_numpy(a.copy()) for a in (layer.running_mean, layer.running_var)]
            for k, layer in enumerate(network.layers)
            if isinstance(layer, BatchNorm)
        }

    def forward(self, x, training):
        functional, leaves = self.pytorch.nn.functional, iter(self.leaves)
        for k, layer in enumerate(self.network.layers):
            if isinstance(layer, Dense):
                x = x @ next(leaves) + next(leaves)
            elif isinstance(layer, Activation):
                x = torch_activation(self.pytorch, layer.name, layer.settings)(x)
            elif isinstance(layer, Dropout):
                x = x * self.pytorch.from_numpy(layer.mask) if training else x
            elif isinstance(layer, LayerNorm):
                gamma, beta = next(leaves), next(leaves)
                x = functional.layer_norm(x, gamma.shape, gamma, beta, layer.eps)
            elif layer.trainable:
                x = functional.batch_norm(
                    x, *self.running[k], next(leaves), next(leaves), training, 0.1, layer.eps
                )
            else:
                gamma, beta = (self.pytorch.from_numpy(a) for a in (layer.gamma, layer.beta))
                x = functional.batch_norm(x, *self.running[k], gamma, beta, False, 0.1, layer.eps)
        return x


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("norm", [BatchNorm, LayerNorm])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_agrees_with_pytorch(name, norm, dtype):
    pytorch = torch()
    network = make_network(name, norm, dtype=dtype)
    x, dout = make_batch(dtype=dtype)
    theirs = InTorch(pytorch, network)
    out = network.forward(x, training=True)
    dx = network.backward(dout)
    leaf = pytorch.from_numpy(x).requires_grad_()
    expected = theirs.forward(leaf, True)
    expected.backward(pytorch.from_numpy(dout))
    assert_agrees(out, expected.detach().numpy())
    assert_agrees(dx, leaf.grad.numpy(), scale=1.0)
    for got, parameter in zip(network.gradients(), theirs.leaves, strict=True):
        assert_agrees(got, parameter.grad.numpy(), scale=10.0)
    for k, running in theirs.running.items():
        assert_agrees(network.layers[k].running_mean, running[0].numpy())
        assert_agrees(network.layers[k].running_var, running[1].numpy())
    inference = theirs.forward(pytorch.from_numpy(x), False)
    assert_agrees(network.forward(x), inference.detach().numpy())


# ---- layers


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_every_activation_is_the_function_of_its_name(name):
    settings = ACTIVATIONS[name]
    x = rng().normal(size=(3, 6)) * 2
    layer = Activation(name, **settings)
    expected = getattr(activations, name)(x, **settings)
    np.testing.assert_array_equal(layer.forward(x, training=True), expected)
    dout = rng(1).normal(size=expected.shape)
    np.testing.assert_array_equal(
        layer.backward(dout), getattr(activations, f"{name}_backward")(dout, x, **settings)
    )
    assert layer.parameters() == layer.gradients() == layer.arrays() == []


def test_every_activation_of_the_module_has_a_layer():
    names = {name.removesuffix("_backward") for name in activations.__all__} - {"dead_fraction"}
    assert names == set(ACTIVATIONS)


def test_defaults_of_settings_are_those_of_the_functions():
    x = np.array([[-2.0, 3.0]])
    for name in ("elu", "leaky_relu"):
        expected = getattr(activations, name)(x)
        np.testing.assert_array_equal(Activation(name).forward(x, False), expected)


def test_dropout_is_random_in_training_and_silent_at_inference():
    x = np.ones((50, 40))
    layer = Dropout(0.25, rng())
    first, second = layer.forward(x, training=True), layer.forward(x, training=True)
    assert (first != second).any()
    np.testing.assert_array_equal(np.unique(first), [0, 1 / 0.75])
    assert (first == 0).mean() == pytest.approx(0.25, abs=0.05)
    state = layer.rng.bit_generator.state
    np.testing.assert_array_equal(layer.forward(x, training=False), x)
    assert layer.rng.bit_generator.state == state
    with pytest.raises(RuntimeError, match="generator"):
        Dropout(0.25, None).forward(x, training=True)
    np.testing.assert_array_equal(Dropout(0.25, None).forward(x, training=False), x)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_batch_normalization_updates_its_running_statistics_in_place(dtype):
    layer = BatchNorm(2, momentum=0.5, dtype=dtype)
    mean, var = layer.running_mean, layer.running_var
    layer.forward(np.array([[1.0, 2.0], [3.0, 2.0]], dtype), training=True)
    np.testing.assert_array_equal(mean, [1, 1])
    np.testing.assert_array_equal(var, [1.5, 0.5])
    assert layer.running_mean is mean
    assert layer.running_var is var
    assert mean.dtype == var.dtype == dtype
    assert layer.cache.mean.tolist() == [2, 2]
    layer.forward(np.ones((1, 2)), training=False)
    assert layer.cache is None


def test_both_import_paths_lead_to_the_same_layers():
    for name in layers_module.__all__:
        assert getattr(network_module, name) is getattr(layers_module, name)
    assert set(layers_module.__all__) < set(network_module.__all__)


def test_a_dense_layer_without_a_bias():
    layer = Dense(5, 4, rng(), bias=False)
    x, dout = make_batch()
    assert layer.bias is None
    assert [a is layer.weight for a in layer.arrays()] == [True]
    np.testing.assert_array_equal(layer.forward(x, True), x @ layer.weight)
    check_all_gradients(Network([layer, BatchNorm(4)]), x, dout)
    same_weights = Dense(5, 4, rng())
    np.testing.assert_array_equal(same_weights.weight, layer.weight)


GROUPED = [
    (lambda: GroupNorm(4, 2, eps=0.1), lambda *a: group_norm_forward(*a, 2, 0.1)[0]),
    (lambda: InstanceNorm(4, eps=0.1), lambda *a: instance_norm_forward(*a, 0.1)[0]),
]


@pytest.mark.parametrize(("make", "expected"), GROUPED)
def test_normalizations_of_channels_are_those_of_their_topic(make, expected):
    layer, x = make(), rng().normal(size=(3, 12))
    layer.gamma[:], layer.beta[:] = [1, 2, 3, 4], [0.1, 0.2, 0.3, 0.4]
    apart = x.reshape(3, 4, 3)
    for training in (True, False):
        out = layer.forward(x, training)
        np.testing.assert_array_equal(out, expected(apart, layer.gamma, layer.beta).reshape(3, 12))
    with pytest.raises(RuntimeError, match="forward pass"):
        layer.backward(out)


@pytest.mark.parametrize("make", [make for make, _ in GROUPED])
@pytest.mark.parametrize("frozen", [True, False])
def test_gradients_of_normalizations_of_channels_agree_with_central_differences(make, frozen):
    generator = rng()
    network = randomize(Network([Dense(5, 8, generator), make(), Dense(8, 4, generator)]))
    network.layers[1].trainable = not frozen
    check_all_gradients(network, *make_batch())


def test_layers_and_networks_show_what_they_are():
    generator = rng()
    shown = {
        "Dense(2, 3)": Dense(2, 3, generator),
        "Dense(2, 3, bias=False)": Dense(2, 3, generator, bias=False),
        "Activation('relu')": Activation("relu"),
        "Activation('elu', alpha=0.5)": Activation("elu", alpha=0.5),
        "BatchNorm(3)": BatchNorm(3),
        "LayerNorm(3)": LayerNorm(3),
        "GroupNorm(4, groups=2)": GroupNorm(4, 2),
        "InstanceNorm(3)": InstanceNorm(3),
        "Dropout(0.5)": Dropout(0.5, None),
    }
    assert [repr(layer) for layer in shown.values()] == list(shown)
    inner = Network([Dense(8, 1000, generator), Doubled()])
    network = Network([Dense(4, 8, generator), inner, Activation("maxout", pieces=2)])
    network.layers[0].trainable = False
    assert repr(network).splitlines() == [
        "Network of 3 layers, 9,041 parameters",
        "  0  Dense(4, 8)                     4 -> 8     40  frozen",
        "  1  Network of 2 layers                     9,001",
        "  2  Activation('maxout', pieces=2)              0",
    ]
    # In front, the width of its input is what its first layer says.
    inner = Network([Network([Dense(10, 4, generator)]), Activation("relu")])
    network = Network([inner, Dense(4, 2, generator)])
    assert repr(network).splitlines()[1:] == [
        "  0  Network of 2 layers  10 -> 4  44",
        "  1  Dense(4, 2)           4 -> 2  10",
    ]
    late = Network([Activation("maxout", pieces=2), Dense(4, 2, generator)])
    assert repr(Network([late])).splitlines()[1:] == ["  0  Network of 2 layers  ? -> 2  10"]
    assert repr(Network([BatchNorm(3)])).splitlines()[1:] == ["  0  BatchNorm(3)  3 -> 3  6"]


# ---- networks in networks, and how many examples a layer needs


def nested(seed=0, dtype=np.float64):
    generator = rng(seed)
    inner = [Dense(6, 6, generator, dtype=dtype, bias=False), BatchNorm(6, dtype=dtype)]
    innermost = Network([Activation("tanh"), Dropout(0.3, rng(7))])
    first, last = (Dense(*sizes, generator, dtype=dtype) for sizes in ((5, 6), (6, 4)))
    return randomize(Network([first, Network([*inner, innermost]), GroupNorm(6, 2), last]))


def test_a_network_in_a_network_computes_what_a_flat_one_does():
    network = nested()
    inner = network.layers[1].layers
    flat = Network([network.layers[0], *inner[:2], *inner[2].layers, *network.layers[2:]])
    x, dout = make_batch()
    outs = []
    for each in (network, flat):
        inner[2].layers[1].rng = rng(7)
        outs.append([each.forward(x, True), each.backward(dout), *each.gradients()])
    assert same(*outs)
    np.testing.assert_array_equal(network(x), flat.forward(x))


def test_a_network_in_a_network_is_saved_and_loaded(tmp_path):
    network = nested()
    network.layers[1].layers[0].trainable = False
    network.save(tmp_path / "n")
    again = Network.load(tmp_path / "n", rng(7))
    assert repr(again) == repr(network)
    assert same(again.arrays(), network.arrays())
    assert [layer.trainable for layer in again.layers[1].layers] == [False, True, True]
    x, _ = make_batch()
    assert same([again.forward(x, True)], [network.forward(x, True)])
    network.layers[1].layers.append(Doubled())
    with pytest.raises(
        TypeError, match=r"^layers\[1\]\.layers\[3\] must be one of .*, got Doubled"
    ):
        network.save(tmp_path / "n")


def test_freezing_a_network_in_a_network_freezes_its_layers():
    network, x = nested(), make_batch()[0]
    inner = network.layers[1]
    kept = [a.copy() for a in inner.arrays()]
    inner.trainable = False
    assert len(network.parameters()) == 6
    network.forward(x, training=True)
    network.backward(make_batch()[1])
    assert len(network.gradients()) == 6
    assert same(kept, inner.arrays())
    inner.layers[0].trainable = True
    assert inner.trainable
    assert len(network.parameters()) == 7


def test_a_network_needs_as_many_examples_as_its_layers():
    assert Network([Activation("relu")]).smallest_batch == 1
    network = nested()
    assert network.smallest_batch == 2
    network.layers[1].layers[1].trainable = False
    assert network.smallest_batch == 1
    layer = Doubled()
    layer.smallest_batch = 3
    assert Network([network, layer]).smallest_batch == 3
    layer.smallest_batch = "two"
    with pytest.raises(TypeError, match=r"^layers\[1\].smallest_batch must be an integer"):
        _ = Network([network, layer]).smallest_batch


# ---- layers of one's own, and data frames


class Identity(Layer):
    """What a class derived from Layer needs."""

    def forward(self, x, training):
        """Return the input."""
        return x

    def backward(self, dout):
        """Return the gradient."""
        return dout


def test_a_class_derived_from_layer_has_no_parameters():
    network = Network([Dense(5, 4, rng()), Identity()])
    check_all_gradients(network, *make_batch())
    assert len(network.parameters()) == 2

    class Half(Layer):
        """Lacks a method."""

        def forward(self, x, training):
            """Return the input."""
            return x

    with pytest.raises(TypeError, match="backward"):
        Half()


@pytest.mark.parametrize(
    ("method", "answer", "error"),
    [
        (
            "forward",
            None,
            r"^layers\[1\], Identity, must return an array from forward, got None",
        ),
        (
            "backward",
            None,
            r"^layers\[1\], Identity, must return an array from backward, got N",
        ),
        ("parameters", None, r"^parameters\(\) of Identity must be a sequence, got NoneType"),
        ("gradients", None, r"^gradients\(\) of Identity must be a sequence, got NoneType"),
    ],
)
def test_a_layer_that_answers_nothing_is_named(method, answer, error):
    layer = Identity()
    network = Network([Dense(5, 4, rng()), layer])
    setattr(layer, method, lambda *args: answer)
    x, dout = make_batch()
    with pytest.raises(TypeError, match=error):
        network.forward(x, True), network.backward(dout), network.parameters(), network.gradients()


@pytest.mark.parametrize("method", ["forward", "backward"])
def test_an_error_in_a_layer_says_in_which(method):
    def fail(*args):
        raise KeyError("mine")

    layer = Identity()
    network = Network([Network([Dense(5, 4, rng()), layer])])
    setattr(layer, method, fail)
    x, dout = make_batch()
    with pytest.raises(KeyError) as caught:
        network.forward(x, True), network.backward(dout)
    assert caught.value.__notes__ == [
        "in layers[1], Identity",
        "in layers[0], Network of 2 layers",
    ]


class Frame:
    """What this package sees of a data frame of pandas."""

    def __init__(self, **columns):
        self.columns = list(columns)
        self._values = [np.asarray(column) for column in columns.values()]
        self.dtypes = [column.dtype for column in self._values]

    def __array__(self, dtype=None, copy=None):
        plain = np.result_type(*self._values) if len(set(self.dtypes)) == 1 else object
        return np.stack([column.astype(plain) for column in self._values], axis=1)


def test_data_frames_and_truth_values_are_taken():
    network = Network([Dense(2, 3, rng())])
    x = np.array([[1.0, 0.0], [2.5, 1.0]])
    frames = [
        Frame(a=[1.0, 2.5], b=[False, True]),
        Frame(a=[1.0, 2.5], b=[0.0, 1.0]),
        Frame(a=[1.0, 2.5], b=[0, 1]),
    ]
    for frame in frames:
        np.testing.assert_array_equal(network(frame), network(x))
    np.testing.assert_array_equal(network(x > 1), network((x > 1).astype(float)))
    np.testing.assert_array_equal(
        network(Frame(a=[True, False], b=[True, True])), network([[1, 1], [0, 1]])
    )
    with pytest.raises(TypeError, match=r"^x must hold numbers, got the columns \['b'\] without"):
        network(Frame(a=[1.0, 2.5], b=["red", "blue"]))


# ---- frozen layers


def test_frozen_layers_have_no_parameters_and_no_gradients():
    network = make_network()
    x, dout = make_batch()
    all_arrays = [a.copy() for a in network.arrays()]
    assert len(all_arrays) == 8
    frozen_norm = LayerNorm(4)
    for layer in (*network.layers[:3], frozen_norm):
        layer.trainable = False
    network.forward(x, training=True)
    network.backward(dout)
    frozen_norm.forward(dout, training=True)
    frozen_norm.backward(dout)
    dense = network.layers[-1]
    assert [p is q for p, q in zip(network.parameters(), (dense.weight, dense.bias))] == [True] * 2
    assert len(network.gradients()) == 2
    # Nor is the work done to find them.
    for layer in (*network.layers[:3], frozen_norm):
        assert layer.gradients() == []
    # What is kept stays complete, and unchanged by the forward pass.
    for array, before in zip(network.arrays(), all_arrays, strict=True):
        np.testing.assert_array_equal(array, before)


def test_gradients_with_frozen_layers_agree_with_central_differences():
    network = make_network("softplus")
    for layer in network.layers[:3]:
        layer.trainable = False
    check_all_gradients(network, *make_batch())


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_frozen_batch_normalization_agrees_with_pytorch_in_inference_mode(dtype):
    pytorch = torch()
    network = make_network(dtype=dtype)
    network.layers[1].trainable = False
    x, dout = make_batch(dtype=dtype)
    out = network.forward(x, training=True)
    dx = network.backward(dout)
    leaf, theirs = pytorch.from_numpy(x).requires_grad_(), InTorch(pytorch, network)
    expected = theirs.forward(leaf, True)
    expected.backward(pytorch.from_numpy(dout))
    assert_agrees(out, expected.detach().numpy())
    assert_agrees(dx, leaf.grad.numpy())
    for got, parameter in zip(network.gradients(), theirs.leaves, strict=True):
        assert_agrees(got, parameter.grad.numpy())
    # One example is enough for it.
    assert network.forward(x[:1], training=True).shape == (1, 4)


def test_unfreezing_brings_everything_back():
    network, other = make_network(), make_network()
    x, dout = make_batch()
    for layer in network.layers:
        layer.trainable = False
    network.forward(x, training=True)
    network.backward(dout)
    assert network.parameters() == network.gradients() == []
    for layer in network.layers:
        layer.trainable = True
    for each in (network, other):
        restart_dropout(each)
        each.forward(x, training=True)
        each.backward(dout)
    for got, expected in zip(network.gradients(), other.gradients(), strict=True):
        np.testing.assert_array_equal(got, expected)


# ---- the network


class Doubled:
    """A layer from elsewhere, with the four methods alone and a parameter."""

    def __init__(self):
        self.factor = np.array([2.0])

    def forward(self, x, training):
        """Return the input times the factor."""
        self.x = x
        return x * self.factor

    def backward(self, dout):
        """Return the gradient."""
        self.dfactor = np.array([(dout * self.x).sum()])
        return dout * self.factor

    def parameters(self):
        """Return the factor."""
        return [self.factor]

    def gradients(self):
        """Return its gradient."""
        return [self.dfactor]


def test_layers_from_elsewhere_will_do():
    layer = Doubled()
    network = Network([Dense(5, 4, rng()), layer, Activation("tanh")])
    check_all_gradients(randomize(network), *make_batch())
    assert len(network.arrays()) == 3
    layer.trainable = False
    assert len(network.parameters()) == len(network.gradients()) == 2
    network.layers.insert(1, Activation("relu"))
    assert network.forward(np.ones((2, 5))).shape == (2, 4)


def test_the_network_computes_in_the_dtype_of_its_parameters():
    x, dout = make_batch()
    for dtype in DTYPES:
        network = make_network(dtype=dtype)
        for given in (x, x.astype(np.float32), (10 * x).astype(int), x.tolist()):
            assert network.forward(given, training=True).dtype == dtype
            assert network.backward(dout).dtype == dtype
            assert all(g.dtype == dtype for g in network.gradients())
            assert network.layers[1].running_var.dtype == dtype
    network = Network([Activation("tanh")])
    assert [network.forward(x.astype(dtype)).dtype for dtype in DTYPES] == DTYPES


def test_inputs_are_left_alone_and_may_be_laid_out_in_any_way():
    network = make_network(rate=0.0)
    x, dout = make_batch()
    kept = x.copy(), dout.copy()
    expected = network.forward(x, training=True), network.backward(dout)
    wide = np.zeros((14, 10))
    wide[::2, ::2] = x
    for other in (np.asfortranarray(x), wide[::2, ::2], x.astype(">f8")):
        out = network.forward(other, training=True), network.backward(np.asfortranarray(dout))
        for got, value in zip(out, expected):
            np.testing.assert_allclose(got, value, rtol=1e-12)
    np.testing.assert_array_equal(x, kept[0])
    np.testing.assert_array_equal(dout, kept[1])


def test_backward_needs_a_forward_pass_in_training():
    network = make_network()
    x, dout = make_batch()
    with pytest.raises(RuntimeError, match="forward pass"):
        network.backward(dout)
    network.forward(x, training=True)
    network.forward(x)
    with pytest.raises(RuntimeError, match="forward pass"):
        network.backward(dout)
    for layer in network.layers:
        with pytest.raises(RuntimeError, match="forward pass"):
            layer.backward(dout)


# ---- files


def same(first, second):
    return len(first) == len(second) and all(
        a.dtype == b.dtype and np.array_equal(a, b) for a, b in zip(first, second)
    )


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("norm", [BatchNorm, LayerNorm])
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_every_layer_survives_a_round_trip(name, norm, dtype, tmp_path):
    network = make_network(name, norm, dtype=dtype)
    network.layers[0].trainable = False
    x, dout = make_batch(dtype=dtype)
    network.forward(x, training=True)
    network.save(tmp_path / "network.npz")
    again = Network.load(tmp_path / "network.npz", rng(7))
    assert same(network.arrays(), again.arrays())
    assert [type(layer) for layer in again.layers] == [type(layer) for layer in network.layers]
    for layer, other in zip(network.layers, again.layers):
        assert layer.trainable == other.trainable
        assert layer._settings() == other._settings()
    np.testing.assert_array_equal(again.forward(x), network.forward(x))
    # They go on alike in training, too.
    restart_dropout(network)
    outs = [each.forward(x, training=True) for each in (network, again)]
    assert same(outs[:1], outs[1:])
    assert same([network.backward(dout)], [again.backward(dout)])
    assert same(network.gradients(), again.gradients())
    assert same(network.arrays(), again.arrays())


def test_settings_away_from_their_defaults_survive_a_round_trip(tmp_path):
    layers = [BatchNorm(3, eps=0.1, momentum=0.25), LayerNorm(3, eps=0.2), Dropout(0.4, rng())]
    layers += [GroupNorm(3, 3, eps=0.3), InstanceNorm(3, eps=0.4), Dense(3, 2, rng(), bias=False)]
    Network(layers).save(tmp_path / "n")
    norm, layer_norm, dropout, group, instance, dense = Network.load(tmp_path / "n").layers
    assert (group.groups, group.eps, instance.eps, dense.bias) == (3, 0.3, 0.4, None)
    assert (norm.eps, norm.momentum, layer_norm.eps, dropout.rate) == (0.1, 0.25, 0.2, 0.4)
    assert dropout.rng is None


def test_arrays_of_any_layout_and_values_are_saved(tmp_path):
    network = Network([Dense(3, 2, rng())])
    network.layers[0].weight = np.asfortranarray([[np.nan, np.inf], [-0.0, 5e-324], [1e300, 1.0]])
    network.save(str(tmp_path / "n"))
    stored = Network.load(str(tmp_path / "n")).layers[0].weight
    assert stored.flags.c_contiguous
    assert stored.tobytes() == np.ascontiguousarray(network.layers[0].weight).tobytes()


def test_a_file_is_complete_or_not_there(tmp_path, monkeypatch):
    path = tmp_path / "network.npz"
    first, second = make_network(), make_network(seed=5)
    first.save(path)
    before = path.read_bytes()

    def fail(*args, **kwargs):
        raise OSError("No space left on device")

    savez = np.savez

    def cut_short(file, **arrays):
        savez(file, **arrays)
        fail()

    for target, name, broken in ((np, "savez", cut_short), (os, "replace", fail)):
        with monkeypatch.context() as patch:
            patch.setattr(target, name, broken)
            with pytest.raises(OSError, match="No space left"):
                second.save(path)
        assert path.read_bytes() == before
        assert os.listdir(tmp_path) == ["network.npz"]
    second.save(path)
    assert same(Network.load(path).arrays(), second.arrays())
    assert os.listdir(tmp_path) == ["network.npz"]


def test_equal_networks_make_equal_files(tmp_path):
    for name in "ab":
        make_network().save(tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_only_layers_of_the_module_are_saved(tmp_path):
    class Mine(Dense):
        """Would come back as another class."""

    for layer in (Doubled(), Mine(5, 4, rng())):
        network = Network([Dense(5, 5, rng()), layer])
        with pytest.raises(TypeError, match=r"^layers\[1\] must be one of"):
            network.save(tmp_path / "n")
    norm = BatchNorm(4)
    norm.running_mean = np.zeros(3)
    with pytest.raises(ValueError, match=r"^layers\[0\]\.running_mean must have shape"):
        Network([norm]).save(tmp_path / "n")
    assert os.listdir(tmp_path) == []


def saved_parts(tmp_path):
    """The description and the arrays of a small saved network."""
    make_network().save(tmp_path / "good.npz")
    with np.load(tmp_path / "good.npz") as stored:
        arrays = dict(stored)
    return json.loads(str(arrays.pop("description"))), arrays


def change(description, arrays, what):
    """Apply one of the damages below."""
    layers = description["layers"]
    if what == "format":
        description["format"] = "other"
    elif what == "version":
        description["version"] = 2
    elif what == "no version":
        del description["version"]
    elif what == "kind":
        layers[1]["kind"] = "Conv"
    elif what == "kind of the machine":
        layers[1]["kind"] = "BuiltIn"
    elif what == "no layers in a network":
        layers[1] |= {"kind": "Network"}
    elif what == "an empty network":
        layers[3] |= {"kind": "Network", "settings": {"layers": []}}
    elif what == "a bad layer in a network":
        inner = {"kind": "Dropout", "trainable": True, "settings": {"rate": 2}}
        layers[3] |= {"kind": "Network", "settings": {"layers": [inner]}}
    elif what == "unknown setting":
        layers[1]["settings"]["affine"] = True
    elif what == "missing setting":
        del layers[1]["settings"]["features"]
    elif what == "bad setting":
        layers[3]["settings"]["rate"] = 1.5
    elif what == "bad type of setting":
        layers[1]["settings"]["features"] = "6"
    elif what == "bad dtype":
        layers[0]["settings"]["dtype"] = "float16"
    elif what == "huge":
        layers[0]["settings"]["fan_in"] = 10**18
    elif what == "initializer":
        layers[0]["settings"]["initializer"] = "he_normal"
    elif what == "no settings":
        del layers[2]["settings"]
    elif what == "flag":
        layers[0]["trainable"] = 1
    elif what == "layers":
        description["layers"] = {"0": layers[0]}
    elif what == "no layer":
        layers.clear()
        arrays.clear()
    elif what == "order":
        layers[:2] = layers[1::-1]
    elif what == "missing array":
        del arrays["0.bias"]
    elif what == "more arrays":
        arrays["9.weight"] = np.zeros(2)
    elif what == "shape":
        arrays["0.weight"] = arrays["0.weight"].T
    elif what == "dimensions":
        arrays["0.bias"] = arrays["0.bias"][np.newaxis]
    elif what == "dtype":
        arrays["1.gamma"] = arrays["1.gamma"].astype(np.float32)
    elif what == "integers":
        arrays["1.gamma"] = np.ones(6, dtype=np.int64)
    elif what == "objects":
        arrays["0.bias"] = arrays["0.bias"].astype(object)
    elif what == "layers that do not fit":
        layers[4]["settings"]["fan_in"] = 5
        arrays["4.weight"] = arrays["4.weight"][:5]


DAMAGES = {
    "format": "description is not that of a network",
    "version": "version must be 1, got 2",
    "no version": "version must be 1, got None",
    "kind": r"layers\[1\] must be one of .*, got 'Conv'",
    "kind of the machine": r"layers\[1\] must be one of",
    "no layers in a network": "must list layers",
    "an empty network": "layers must hold at least one layer",
    "a bad layer in a network": r"layers\[3\].layers\[0\] cannot be made: rate must",
    "unknown setting": r"layers\[1\] cannot be made: .*affine",
    "missing setting": r"layers\[1\] cannot be made: .*features",
    "bad setting": r"layers\[3\] cannot be made: rate must be in \[0, 1\)",
    "bad type of setting": r"layers\[1\] cannot be made: features must be an integer",
    "bad dtype": r"layers\[0\] cannot be made: dtype must be float32 or float64",
    "huge": "",
    "initializer": r"layers\[0\] cannot be made: .*initializer",
    "no settings": "must list layers",
    "flag": "must list layers",
    "layers": "must list layers",
    "no layer": "at least one layer",
    "order": "is missing|must be|fit together",
    "missing array": r"0\.bias is missing",
    "more arrays": r"no layer knows, \['9\.weight'\]",
    "shape": r"0\.weight must be float64 of shape \(5, 6\), got float64 of shape \(6, 5\)",
    "dimensions": r"0\.bias must be float64 of shape \(6,\), got float64 of shape \(1, 6\)",
    "dtype": r"1\.gamma must be float64 of shape \(6,\), got float32",
    "integers": r"1\.gamma must be float64 of shape \(6,\), got int64",
    "objects": "Object arrays cannot be loaded",
    "layers that do not fit": r"layers must fit together; in layers\[4\] x must have 5 features",
}


@pytest.mark.parametrize("what", DAMAGES)
def test_a_tampered_file_is_refused_with_its_name_and_the_reason(what, tmp_path):
    description, arrays = saved_parts(tmp_path)
    change(description, arrays, what)
    path = tmp_path / "tampered.npz"
    np.savez(path, description=np.array(json.dumps(description)), **arrays)
    with pytest.raises(
        ValueError,
        match=rf"^path must name a saved network, not .*tampered\.npz: .*{DAMAGES[what]}",
    ):
        Network.load(path)


def npz_of(**entries):
    file = io.BytesIO()
    np.savez(file, **entries)
    return file.getvalue()


def zip_of(**entries):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return file.getvalue()


def npy():
    file = io.BytesIO()
    np.save(file, np.ones(3))
    return file.getvalue()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not an npz file"),
        (b"PK", "not an npz file"),
        (b"PK\x03\x04", "damaged or cut short"),
        (b"hello, this is no network" * 100, "not an npz file"),
        (b"\x80\x04\x95\x0c\x00\x00\x00\x00\x00\x00\x00\x8c\x08builtins\x94.", "not an npz file"),
        (npy(), "not an npz file"),
        (npz_of(weight=np.ones(3)), "no description"),
        (npz_of(description=np.ones(3)), "no description"),
        (npz_of(description=np.array("{")), "Expecting"),
        (npz_of(description=np.array("[" * 100_000)), "recursion"),
        (npz_of(description=np.array("[1]")), "not that of a network"),
        (npz_of(description=np.array({"layers": []}, dtype=object)), "Object arrays"),
        (zip_of(description="text"), "no arrays"),
    ],
)
def test_other_files_are_refused(data, reason, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(data)
    with pytest.raises(
        ValueError, match=rf"^path must name a saved network, not .*file: .*{reason}"
    ):
        Network.load(path)


def test_a_file_cut_short_anywhere_is_refused(tmp_path):
    make_network().save(tmp_path / "good")
    data = (tmp_path / "good").read_bytes()
    path = tmp_path / "short"
    for end in range(0, len(data), 97):
        path.write_bytes(data[:end])
        with pytest.raises(ValueError, match=r"^path must name a saved network, not .*short"):
            Network.load(path)


def test_a_changed_byte_is_noticed_or_changes_nothing(tmp_path):
    network = make_network()
    network.save(tmp_path / "good")
    data = (tmp_path / "good").read_bytes()
    path, refused = tmp_path / "changed", 0
    places = range(0, len(data), 17)
    for place in places:
        changed = bytearray(data)
        changed[place] ^= 1 + place % 255
        path.write_bytes(changed)
        try:
            loaded = Network.load(path)
        except ValueError:
            refused += 1
        else:
            assert same(loaded.arrays(), network.arrays())
    assert refused > 0.7 * len(places)


def test_files_that_cannot_be_opened(tmp_path):
    with pytest.raises(FileNotFoundError, match="nothing"):
        Network.load(tmp_path / "nothing")
    with pytest.raises(FileNotFoundError):
        make_network().save(tmp_path / "nowhere" / "n")
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match="folder"):
        Network.load(tmp_path / "folder")
    for function in (Network.load, make_network().save):
        with pytest.raises(TypeError):
            function(3)


def test_a_copy_is_on_its_own():
    network = make_network()
    other = copy.deepcopy(network)
    other.layers[0].weight += 1
    assert not np.array_equal(network.layers[0].weight, other.layers[0].weight)


LAYERS = [
    lambda: Dense(2, 2, rng()),
    lambda: BatchNorm(2),
    lambda: LayerNorm(2),
    lambda: GroupNorm(2, 1),
    lambda: InstanceNorm(1),
    lambda: Activation("relu"),
    lambda: Dropout(0.5, rng()),
]


@pytest.mark.parametrize("make", LAYERS)
@pytest.mark.parametrize("training", [True, False])
def test_a_layer_takes_lists_and_integers(make, training):
    x, dout = [[1, 2], [3, 5]], [[1, 0], [2, 1]]
    layer, other = make(), make()
    expected = layer.forward(np.array(x, float), training)
    np.testing.assert_array_equal(other.forward(x, training), expected)
    if training:
        np.testing.assert_array_equal(other.backward(dout), layer.backward(np.array(dout, float)))


@pytest.mark.parametrize("frozen", [True, False])
@pytest.mark.parametrize("make", LAYERS)
def test_a_layer_refuses_a_gradient_of_another_shape(make, frozen):
    layer = make()
    layer.trainable = not frozen
    layer.forward(np.array([[1.0, 2.0], [3.0, 5.0]]), True)
    for bad in ([[1.0, 2.0]], [[1.0], [2.0]], "ab", None, [1.0, 2.0]):
        with pytest.raises((TypeError, ValueError), match=r"^dout must"):
            layer.backward(bad)


def test_arrays_are_live():
    network = make_network()
    held, start = network.arrays(), [array.copy() for array in network.arrays()]
    network.forward(make_batch()[0], training=True)
    for array in network.parameters():
        array += 1.0
    assert all(a is b for a, b in zip(held, network.arrays(), strict=True))
    assert not any(np.array_equal(a, b) for a, b in zip(held, start, strict=True))


def test_statistics_that_cannot_be_updated_in_place_are_refused():
    """An integer array would round them to 0, unnoticed."""
    norm = BatchNorm(2)
    norm.running_mean = np.zeros(2, int)
    with pytest.raises(TypeError, match="Cannot cast"):
        norm.forward(np.array([[0.0, 1.0], [1.0, 3.0]]), training=True)


# ---- bad input


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: Network([]), ValueError, "layers must hold"),
        (
            lambda: Network([Dense(2, 3, rng()), Dense(2, 3, rng())]),
            ValueError,
            r"layers must fit together; in layers\[1\] x must have 2 features, got 3",
        ),
        (
            lambda: Network([Dense(2, 3, rng()), Activation("tanh"), BatchNorm(2)]),
            ValueError,
            r"layers must fit together; in layers\[2\] x must have 2 features, got 3",
        ),
        (
            lambda: Network([LayerNorm(4), Activation("maxout", pieces=3)]),
            ValueError,
            r"layers must fit together; in layers\[1\] x must have a multiple of 3 features",
        ),
        (
            lambda: Network([LayerNorm(6), Activation("maxout", pieces=3), Dense(6, 1, rng())]),
            ValueError,
            r"layers must fit together; in layers\[2\] x must have 6 features, got 2",
        ),
        (lambda: Dense(0, 3, rng()), ValueError, "fan_in must"),
        (lambda: Dense(3, 2.0, rng()), TypeError, "fan_out must"),
        (lambda: Dense(3, 2, 0), TypeError, "rng must"),
        (lambda: Dense(3, 2, rng(), dtype=np.float16), TypeError, "dtype must"),
        (lambda: Activation("swish"), ValueError, "name must be 'elu', .* or 'tanh', got 'swish'"),
        (lambda: Activation("relu", alpha=0.1), TypeError, r"settings must be \[\] for relu"),
        (lambda: Activation("elu", beta=0.1), TypeError, r"settings must be \['alpha'\] for elu"),
        (lambda: Activation("elu", alpha=-1), ValueError, "alpha must"),
        (lambda: Activation("leaky_relu", alpha=np.nan), ValueError, "alpha must"),
        (lambda: Activation("leaky_relu", alpha="1"), TypeError, "alpha must"),
        (lambda: Activation("maxout"), TypeError, r"settings must be \['pieces'\] for maxout"),
        (lambda: Activation("maxout", pieces=0), ValueError, "pieces must"),
        (lambda: Activation("maxout", pieces=2.0), TypeError, "pieces must"),
        (lambda: BatchNorm(0), ValueError, "features must"),
        (lambda: BatchNorm(2.0), TypeError, "features must"),
        (lambda: BatchNorm(2, eps=0), ValueError, "eps must"),
        (lambda: BatchNorm(2, momentum=1.1), ValueError, "momentum must"),
        (lambda: BatchNorm(2, dtype=int), TypeError, "dtype must"),
        (lambda: LayerNorm(-1), ValueError, "features must"),
        (lambda: Dense(2, 2, rng(), bias=0), TypeError, "bias must be True or False"),
        (lambda: Dense(2, 2, 0), TypeError, r"rng must .*: pass numpy.random.default_rng\(0\)"),
        (lambda: GroupNorm(0, 1), ValueError, "channels must"),
        (lambda: GroupNorm(4, 3), ValueError, "groups must divide the 4 channels, got 3"),
        (lambda: GroupNorm(4, 0), ValueError, "groups must"),
        (lambda: GroupNorm(4, 2.0), TypeError, "groups must"),
        (lambda: InstanceNorm(2.0), TypeError, "channels must"),
        (lambda: InstanceNorm(2, eps=0), ValueError, "eps must"),
        (
            lambda: Network([Dense(2, 5, rng()), InstanceNorm(2)]),
            ValueError,
            r"layers must fit together; in layers\[1\] x must have a multiple of 2 features",
        ),
        (
            lambda: Network([Network([Dense(2, 5, rng())]), Dense(4, 1, rng())]),
            ValueError,
            r"layers must fit together; in layers\[1\] x must have 4 features, got 5",
        ),
        (lambda: LayerNorm(2, eps=np.inf), ValueError, "eps must"),
        (lambda: LayerNorm(2, dtype=np.float16), TypeError, "dtype must"),
        (lambda: Dropout(1.0, rng()), ValueError, "rate must"),
        (lambda: Dropout(-0.1, rng()), ValueError, "rate must"),
        (lambda: Dropout("0.5", rng()), TypeError, "rate must"),
        (lambda: Dropout(0.5, 0), TypeError, "rng must"),
        (lambda: Network.load("nothing", rng=0), TypeError, "rng must"),
        (lambda: make_network().forward(np.ones(5)), ValueError, "x must"),
        (lambda: make_network().forward(np.ones((0, 5))), ValueError, "x must"),
        (lambda: make_network().forward(np.ones((2, 6))), ValueError, "x must have 5 features"),
        (lambda: make_network().forward(np.ones((2, 5), complex)), TypeError, "x must"),
        (lambda: make_network().forward(np.ones((1, 5)), training=True), ValueError, "x must"),
        (lambda: BatchNorm(2).forward(np.ones((3, 3)), False), ValueError, "x must have 2"),
        (lambda: Network([1, 2]), TypeError, r"layers\[0\] must be a layer.* got int"),
        (lambda: Network([Activation("relu"), Dense]), TypeError, r"layers\[1\].* the class Dense"),
        (lambda: Network(3), TypeError, "layers must be a sequence"),
        (lambda: Network(iter([])), ValueError, "layers must hold"),
        *(
            (
                lambda make=make, bad=bad: make().forward(bad, False),
                (TypeError, ValueError),
                "x must",
            )
            for make in LAYERS
            for bad in ("x", None, [["a", "b"]], [[1.0], [1.0, 2.0]], [[1j, 2.0]])
        ),
        (lambda: LayerNorm(2).forward(np.ones((3, 3)), False), ValueError, "x must have 2"),
    ],
)
def test_bad_input_is_refused_by_name(call, error, message):
    with pytest.raises(error, match=f"^{message}"):
        call()


@pytest.mark.parametrize(
    ("dout", "error"),
    [
        (np.ones((7, 3)), ValueError),
        (np.ones((6, 4)), ValueError),
        (np.ones(4), ValueError),
        (None, TypeError),
        (np.ones((7, 4), complex), TypeError),
    ],
)
def test_a_gradient_of_another_form_is_refused(dout, error):
    network = make_network()
    network.forward(make_batch()[0], training=True)
    with pytest.raises(error, match=r"^dout must"):
        network.backward(dout)
