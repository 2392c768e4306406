"""Checks of the exercise ``backpropagation``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradlab import backpropagation as reference
from gradlab import gradient_check
from gradlab.checks._edits import mistakes
from gradlab.checks._model import (
    Case,
    Exercise,
    Function,
    criteria,
)

Array = NDArray[Any]
Arrays = list[Array]

# No two widths of a network are equal, and no batch has the size of a width.
_ORDINARY = (
    ("one hidden layer", 7, (3, 5, 2), np.float64),
    ("two hidden layers", 8, (4, 3, 6, 2), np.float64),
    ("three hidden layers", 7, (2, 6, 3, 5, 4), np.float64),
    ("two hidden layers, float32", 8, (5, 6, 4, 3), np.float32),
)
# Square matrices, with which a transpose too many or too few goes through.
_EDGE = (
    ("four units in each layer", 6, (4, 4, 4, 4), np.float64),
    ("three units in each layer, one example", 1, (3, 3, 3), np.float64),
    ("five units in each layer, no hidden one", 3, (5, 5), np.float64),
)
_SQUARE = "layers of equal width, a single example, no hidden layer"


def _away_from_zero(rng: np.random.Generator, size: int) -> Array:
    return rng.uniform(0.3, 1.0, size) * rng.choice([-1.0, 1.0], size)


def _cases(make: Callable[[np.random.Generator, int, tuple[int, ...]], dict[str, Any]]) -> Function:
    """Return the generator of cases on all networks; `make` draws what a function is given."""

    def cases(rng: np.random.Generator) -> list[Case]:
        result = []
        for group, networks in (("ordinary", _ORDINARY), ("edge", _EDGE)):
            for label, batch, widths, dtype in networks:
                arguments = {
                    name: _cast(value, dtype) for name, value in make(rng, batch, widths).items()
                }
                result.append(Case(group, f"{label}, batch of {batch}", arguments))
        return result

    return cases


def _cast(value: Any, dtype: Any) -> Any:
    return [a.astype(dtype) for a in value] if isinstance(value, list) else value.astype(dtype)


def _weights(rng: np.random.Generator, widths: tuple[int, ...]) -> Arrays:
    return [1.2 * rng.standard_normal(pair) / np.sqrt(pair[0]) for pair in pairwise(widths)]


def _uneven(rng: np.random.Generator, batch: int, width: int) -> Array:
    """Numbers with a mean of their own, so that no sum over the batch is small by chance."""
    return rng.uniform(0.3, 1.0) + rng.standard_normal((batch, width))


# ---- forward


def _forward(x: Array, weights: Arrays, biases: Arrays) -> tuple[Arrays, Arrays]:
    out, cache = reference.mlp_forward(x, weights, biases, "tanh", "sigmoid")
    return list(cache.net_inputs), [*cache.inputs[1:], out]


def _forward_arguments(
    rng: np.random.Generator, batch: int, widths: tuple[int, ...]
) -> dict[str, Any]:
    return {
        "x": _uneven(rng, batch, widths[0]),
        "weights": _weights(rng, widths),
        "biases": [_away_from_zero(rng, width) for width in widths[1:]],
    }


def _layer_by_layer(
    function: Function, x: Array, weights: Arrays, biases: Arrays
) -> tuple[Arrays, Arrays, Array]:
    """Net inputs are right if they follow from the student's own outputs of the layer below, and
    outputs if they follow from their own net inputs: an error there is taken off.
    """
    net_inputs, outputs = function(x, weights, biases)
    right_z, right_h = _forward(x, weights, biases)
    # Nothing follows from one number for all units and examples.
    constant = any(a.size > 1 and (a == a.flat[0]).all() for a in net_inputs)
    if constant or not _fit(net_inputs, right_z) or not _fit(outputs, right_h):
        return net_inputs, outputs, outputs[-1] if outputs else np.empty(0)
    squash = [np.tanh] * (len(weights) - 1) + [lambda z: 1 / (1 + np.exp(-z))]
    own_z, own_h = net_inputs, [x, *outputs[:-1]]
    due_z = [h @ w + bias for h, w, bias in zip(own_h, weights, biases, strict=True)]
    due_h = [g(z) for g, z in zip(squash, own_z, strict=True)]
    return (
        _following(net_inputs, due_z, right_z),
        _following(outputs, due_h, right_h),
        outputs[-1],
    )


def _following(came: Sequence[Any], due: Sequence[Any], right: Sequence[Any]) -> list[Any]:
    """Arrays less what those that they follow from are off, where they are not right at once."""
    return [
        a if np.allclose(a, b, rtol=1e-3, atol=1e-5) else a - d + b
        for a, d, b in zip(came, due, right, strict=True)
    ]


def _fit(came: Sequence[Array], right: Sequence[Array]) -> bool:
    """Whether arrays have the shapes of the right ones, and each holds something but zeros."""
    return [a.shape for a in came] == [a.shape for a in right] and all(a.any() for a in came)


def _forward_model(x: Array, weights: Arrays, biases: Arrays) -> Any:
    net_inputs, outputs = [], []
    h = x
    for weight, bias in zip(weights, biases, strict=True):
        z = h @ weight + bias
        h = np.tanh(z)
        net_inputs.append(z)
        outputs.append(h)
    outputs[-1] = 1 / (1 + np.exp(-net_inputs[-1]))
    return net_inputs, outputs


FORWARD = Exercise(
    name="backpropagation.forward",
    outputs=("net_inputs", "outputs", "last_output"),
    returns=("net_inputs", "outputs"),
    lists=("net_inputs", "outputs"),
    reference=_forward,
    observe=_layer_by_layer,
    cases=_cases(_forward_arguments),
    criteria=criteria("""
there is one net input and one output a layer, of the right shape (shape, 0.25)
the net inputs follow from the outputs of the layer below (ordinary, 0.75)
    net_inputs: bp-net-input
the outputs follow from the net inputs (ordinary, 0.5)
    outputs: bp-activation
layers of equal width, a single example, no hidden layer (edge, 0.25)
    net_inputs, outputs, last_output: bp-net-input bp-activation
the arguments are left as they were (unchanged, 0.25)
"""),
    misconceptions=mistakes(
        _forward_model,
        """
the input among the outputs (bp-activation, 1)
    return net_inputs, outputs -> return net_inputs, [x, *outputs]
    The list of outputs starts with what layer 1 puts out. x is what layer 1 receives.
the last layer first (bp-net-input, 0)
    return net_inputs, outputs -> return net_inputs[::-1], outputs[::-1]
    Both lists start with layer 1, the one that receives x.
net inputs and outputs exchanged (bp-activation, 0.25)
    return net_inputs, outputs -> return outputs, net_inputs
    The net inputs, before the activation, come first in the tuple.
net inputs handed on to the next layer (bp-net-input, 1)
    h = np.tanh(z) -> h = z & outputs.append(h) -> outputs.append(np.tanh(z))
    A layer receives what the one below puts out, after the activation. Without that the network is
    linear, however deep.
no activation in the hidden layers (bp-activation, 1.25)
    np.tanh(z) -> z
    Every hidden layer applies tanh to its net input. Without that the network is linear, however
    deep.
tanh at the output, too (bp-activation, 1.25)
    outputs[-1] = 1 / (1 + np.exp(-net_inputs[-1])) -> pass
    The last layer has an activation of its own: here the sigmoid, whose values lie between 0 and 1.
an output layer without activation (bp-activation, 1.25)
    1 / (1 + np.exp(-net_inputs[-1])) -> net_inputs[-1]
    A network for regression often ends so, deck S's too. This one ends with a sigmoid.
the sigmoid in all layers (bp-activation, 1.25)
    np.tanh(z) -> 1 / (1 + np.exp(-z))
    The sigmoid belongs to the last layer; the hidden ones apply tanh.
the sigmoid of the last output (bp-activation, 1.25)
    np.exp(-net_inputs[-1]) -> np.exp(-h)
    The last layer applies the sigmoid in place of tanh: to its net input, not to a tanh of it.
the biases left out (bp-net-input, 1)
    h @ weight + bias -> h @ weight
    Every unit adds its bias to its weighted sum.
net inputs that are returned without the bias (bp-net-input, 1)
    net_inputs.append(z) -> net_inputs.append(z - bias) & -net_inputs[-1] -> -z
    The outputs show that you add the bias. It is part of the net input: the slope of the activation
    will be taken there.
the bias added after the activation (bp-net-input, 0.25)
    h @ weight + bias -> h @ weight & np.tanh(z) -> np.tanh(z) + bias & [-1])) -> [-1])) + bias
    The bias shifts the net input, so it is added before the activation is applied.
transposed weights (bp-net-input, 0.25)
    h @ weight -> h @ weight.T
    PyTorch and deck S keep the weights as (fan_out, fan_in) and transpose them. Here they are
    (fan_in, fan_out), which fits rows of examples as it is.
""",
    ),
    model=_forward_model,
)


# ---- sensitivities


def _sensitivities(dout: Array, net_inputs: Arrays, weights: Arrays) -> Arrays:
    names = ("tanh",) * (len(weights) - 1) + ("sigmoid",)
    cache = reference.MLPCache((), tuple(net_inputs), tuple(weights), names)
    return reference.sensitivities(dout, cache)


def _sensitivities_arguments(
    rng: np.random.Generator, batch: int, widths: tuple[int, ...]
) -> dict[str, Any]:
    return {
        "dout": _uneven(rng, batch, widths[-1]),
        "net_inputs": [_uneven(rng, batch, width) for width in widths[1:]],
        "weights": _weights(rng, widths),
    }


def _output_and_hidden(
    function: Function, dout: Array, net_inputs: Arrays, weights: Arrays
) -> tuple[Array, Arrays]:
    """Look at the sensitivity of the output layer by itself: it is the first to be right.

    Those of the hidden layers are right if they follow from the student's own of the layer above.
    """
    result = function(dout, net_inputs, weights)
    right = _sensitivities(dout, net_inputs, weights)
    if _fit(result, right):
        layers = zip(result[1:], weights[1:], net_inputs, strict=False)
        due = [above @ weight.T * (1 - np.tanh(z) ** 2) for above, weight, z in layers]
        result = [*_following(result[:-1], due, right[:-1]), result[-1]]
    return (result[-1] if result else np.empty(0)), result[:-1]


def _sensitivities_model(dout: Array, net_inputs: Arrays, weights: Arrays) -> Any:
    a = 1 / (1 + np.exp(-net_inputs[-1]))
    s = dout * a * (1 - a)
    sensitivities = [s]
    for k in range(len(weights) - 1, 0, -1):
        s = s @ weights[k].T * (1 - np.tanh(net_inputs[k - 1]) ** 2)
        sensitivities.insert(0, s)
    return sensitivities


SENSITIVITIES = Exercise(
    name="backpropagation.sensitivities",
    outputs=("output_layer", "hidden_layers"),
    returns=("sensitivities",),
    lists=("sensitivities", "hidden_layers"),
    reference=_sensitivities,
    observe=_output_and_hidden,
    cases=_cases(_sensitivities_arguments),
    criteria=criteria("""
there is one sensitivity a layer, of the right shape (shape, 0.25)
the sensitivity of the output layer is right (ordinary, 0.5)
    output_layer: bp-sensitivity-output
the sensitivity of a hidden layer follows from the one above (ordinary, 1)
    hidden_layers: bp-sensitivity
layers of equal width, a single example, no hidden layer (edge, 0.5)
    output_layer, hidden_layers: bp-sensitivity-output bp-sensitivity
the arguments are left as they were (unchanged, 0.25)
"""),
    misconceptions=mistakes(
        _sensitivities_model,
        """
the last layer first (bp-sensitivity, 0)
    return sensitivities -> return sensitivities[::-1]
    You walk from the output down, but the list starts with layer 1: turn it round.
the transpose forgotten (bp-sensitivity, 0.25)
    weights[k].T -> weights[k]
    A unit collects from all units that it feeds, so the sum runs over the second index of the
    weights. Where the matrix is square, nothing else gives the mistake away.
the weights of the wrong layer (bp-sensitivity, 0.25)
    weights[k].T -> weights[k - 1].T
    Between layers l and l + 1 stand the weights that the forward pass used to get from one to the
    other. Mind that weights[0] leads into layer 1.
the slope at the output layer forgotten (bp-sensitivity-output, 1.5)
    dout * a * (1 - a) -> dout
    dout is the gradient with respect to the output. The sensitivity is that with respect to the net
    input, with the sigmoid in between. (A linear output has slope 1, and then the two are the
    same.)
the slope at the hidden layers forgotten (bp-sensitivity, 1)
    weights[k].T * (1 - np.tanh(net_inputs[k - 1]) ** 2) -> weights[k].T
    What comes down through the weights is the gradient with respect to the layer's output; the
    slope of its tanh is still missing.
no slope at any layer (bp-sensitivity, 0.25)
    dout * a * (1 - a) -> dout &
        weights[k].T * (1 - np.tanh(net_inputs[k - 1]) ** 2) -> weights[k].T
    A sensitivity belongs to the net input, and the activation lies between it and the output:
    multiply by its slope, at the output layer and at the hidden ones.
a gradient handed down without the slopes above (bp-sensitivity, 1)
    s = dout * a -> s = (g := dout) * a & s = s @ weights[k].T -> s = (g := g @ weights[k].T)
    You multiply by a layer's own slope, but send down what it was before that. What goes through
    the weights is the sensitivity of the layer above, slope included.
the slope of tanh at the output layer (bp-sensitivity-output, 1.5)
    dout * a * (1 - a) -> dout * (1 - np.tanh(net_inputs[-1]) ** 2)
    The output layer has a sigmoid, so its slope is the sigmoid's.
the slope of the sigmoid in the hidden layers (bp-sensitivity, 1)
    (1 - np.tanh(net_inputs[k - 1]) ** 2) -> (a := 1 / (1 + np.exp(-net_inputs[k - 1]))) * (1 - a)
    The hidden layers have tanh, so their slope is that of tanh.
the activation in place of its slope (bp-sensitivity)
    dout * a * (1 - a) -> dout * a &
        (1 - np.tanh(net_inputs[k - 1]) ** 2) -> np.tanh(net_inputs[k - 1])
    (1 - np.tanh(net_inputs[k - 1]) ** 2) -> np.tanh(net_inputs[k - 1])
    dout * a * (1 - a) -> dout * a
    You multiply by g(z). The chain rule asks for the derivative g'(z).
the slope formula for outputs applied to net inputs (bp-sensitivity)
    1 / (1 + np.exp(-net_inputs[-1])) -> net_inputs[-1] &
        np.tanh(net_inputs[k - 1]) -> net_inputs[k - 1]
    np.tanh(net_inputs[k - 1]) -> net_inputs[k - 1]
    1 / (1 + np.exp(-net_inputs[-1])) -> net_inputs[-1]
    1 - h**2 and a * (1 - a) take the layer's output. You have its net input, so apply the
    activation first.
the slope taken at the output of the layer (bp-sensitivity)
    np.tanh(net_inputs[k - 1]) -> np.tanh(np.tanh(net_inputs[k - 1]))
    np.tanh(net_inputs[k - 1]) -> np.tanh(np.tanh(net_inputs[k - 1])) &
        dout * a -> (a := 1 / (1 + np.exp(-a))) * dout
    The activation is applied once too often: its slope belongs to the net input z, and net_inputs
    holds z already.
a division by the batch size (bp-sensitivity-output, 1.5)
    dout * a -> dout / len(dout) * a
    Where the loss is a mean over the batch, dout holds the 1 / B already.
""",
    ),
    model=_sensitivities_model,
)


# ---- gradients


def _gradients(inputs: Arrays, sensitivities: Arrays, weights: Arrays) -> tuple[Any, ...]:
    below, dweights, dbiases = [], [], []
    for h, s, weight in zip(inputs, sensitivities, weights, strict=True):
        # A layer without activation is a network whose dout is the layer's sensitivity.
        _, cache = reference.mlp_forward(h, [weight], [np.zeros(weight.shape[1])])
        dh, (dweight,), (dbias,) = reference.mlp_backward(s, cache)
        below.append(dh)
        dweights.append(dweight)
        dbiases.append(dbias)
    return below[0], dweights, dbiases


def _gradients_arguments(
    rng: np.random.Generator, batch: int, widths: tuple[int, ...]
) -> dict[str, Any]:
    hidden = [np.tanh(_uneven(rng, batch, width)) for width in widths[1:-1]]
    return {
        "inputs": [_uneven(rng, batch, widths[0]), *hidden],
        "sensitivities": [_uneven(rng, batch, width) for width in widths[1:]],
        "weights": _weights(rng, widths),
    }


def _gradients_model(inputs: Arrays, sensitivities: Arrays, weights: Arrays) -> Any:
    dweights, dbiases = [], []
    for h, s in zip(inputs, sensitivities, strict=True):
        dweights.append(h.T @ s)
        dbiases.append(s.sum(axis=0))
    dx = sensitivities[0] @ weights[0].T
    return dx, dweights, dbiases


GRADIENTS = Exercise(
    name="backpropagation.gradients",
    outputs=("dx", "dweights", "dbiases"),
    lists=("dweights", "dbiases"),
    reference=_gradients,
    cases=_cases(_gradients_arguments),
    criteria=criteria("""
every gradient has the shape of what it belongs to (shape, 0.25)
the gradients of the weights are right (ordinary, 0.5)
    dweights: bp-weight-gradient
the gradients of the biases are right (ordinary, 0.5)
    dbiases: bp-bias-gradient
the gradient of the input is right (ordinary, 0.25)
    dx: bp-input-gradient
layers of equal width, a single example, no hidden layer (edge, 0.25)
    dx, dweights, dbiases: bp-weight-gradient bp-bias-gradient bp-input-gradient
the arguments are left as they were (unchanged, 0.25)
"""),
    misconceptions=mistakes(
        _gradients_model,
        """
the last layer first (bp-weight-gradient, 0.5)
    return dx, dweights, dbiases -> return dx, dweights[::-1], dbiases[::-1]
    The lists start with the layer that receives x, as those of the arguments do.
the gradient of the weights transposed (bp-weight-gradient, 1)
    h.T @ s -> s.T @ h
    It has the shape of the weights, (fan_in, fan_out): the index of the activation below comes
    first. PyTorch's weights are (fan_out, fan_in), and so are its gradients.
a sum over the batch before activation and sensitivity meet (bp-weight-gradient, 1.25)
    h.T @ s -> np.outer(h.sum(axis=0), s.sum(axis=0))
    Each example multiplies its own activation and its own sensitivity; the products are summed. The
    product of the sums is something else.
the weight gradient of the first example only (bp-weight-gradient, 1.25)
    h.T @ s -> np.outer(h[0], s[0])
    The weights serve all examples, so their gradient is a sum over the batch.
a second division by the batch size (bp-weight-gradient)
    h.T @ s -> h.T @ s / len(s) & s.sum(axis=0) -> s.mean(axis=0)
    h.T @ s -> h.T @ s / len(s)
    s.sum(axis=0) -> s.mean(axis=0)
    Where the loss is a mean over the batch, the sensitivities hold the 1 / B already. Sum over the
    examples.
a bias gradient that is not summed (bp-bias-gradient, 1, idle)
    s.sum(axis=0) -> s
    One bias serves all examples, so its gradient is the sum of their sensitivities and has the
    shape of the bias, (fan_out,).
a bias gradient summed over the units (bp-bias-gradient, 1)
    s.sum(axis=0) -> s.sum(axis=1)
    You have a number for each example. Each unit has a bias: sum over the examples, which is axis
    0.
a bias gradient summed over everything (bp-bias-gradient, 1)
    s.sum(axis=0) -> s.sum()
    The axis is missing: each unit has a bias of its own, so sum over the examples only.
the bias gradient of the first example only (bp-bias-gradient, 1.25)
    s.sum(axis=0) -> s[0]
    One bias serves all examples, so its gradient is the sum of their sensitivities.
a slope at the input (bp-input-gradient, 1.5)
    weights[0].T -> weights[0].T * (1 - inputs[0] ** 2)
    weights[0].T -> weights[0].T * (1 - np.tanh(inputs[0]) ** 2)
    The input is a layer without activation: nothing follows the product.
the gradient of the input from the last layer (bp-input-gradient, 1.25)
    sensitivities[0] @ weights[0] -> sensitivities[-1] @ weights[-1]
    You multiply the last sensitivity by the last weights, which gives the gradient of what the last
    layer received. The input meets the first weights.
the first sensitivity as the gradient of the input (bp-input-gradient, 1.25, idle)
    sensitivities[0] @ weights[0].T -> sensitivities[0]
    The first sensitivity belongs to the net input of layer 1. Between that and x stand the first
    weights.
the gradient of the input summed over the batch (bp-input-gradient, 1.25)
    sensitivities[0] @ weights[0].T -> (sensitivities[0] @ weights[0].T).sum(axis=0)
    Each example has an input of its own, so each has its own gradient.
the transpose forgotten (bp-input-gradient, 0.25)
    weights[0].T -> weights[0]
    An input unit collects from all units that it feeds, so the sum runs over the second index of
    the weights.
""",
    ),
    model=_gradients_model,
)


# ---- check

Loss = Callable[[Arrays], float]


def _numerical(f: Loss, parameters: Arrays, step: float) -> Arrays:
    gradients = []
    for k, parameter in enumerate(parameters):

        def of_one(value: Array, k: int = k) -> float:
            return f([*parameters[:k], value, *parameters[k + 1 :]])

        gradients.append(gradient_check.numerical_gradient(of_one, parameter, step))
    return gradients


def _check(
    f: Loss, parameters: Arrays, gradients: Arrays, step: float
) -> tuple[Arrays, list[float]]:
    numerical = _numerical(f, parameters, step)
    pairs = zip(numerical, gradients, strict=True)
    return numerical, [gradient_check.relative_error(a, b) for a, b in pairs]


def _with_their_own_gradients(
    function: Function, f: Loss, parameters: Arrays, gradients: Arrays, step: float
) -> tuple[Arrays, Array]:
    """The errors are right if they follow from the numerical gradients that came."""
    numerical, came = function(f, parameters, gradients, step)
    found, right = _check(f, parameters, gradients, step)
    errors = np.array(came, dtype=np.float64)
    if _fit(numerical, found) and errors.shape == (len(right),):
        for k, (own, claimed) in enumerate(zip(numerical, gradients, strict=True)):
            # What is the claim itself was not computed.
            if np.isfinite(own).all() and not np.array_equal(own, claimed):
                due = gradient_check.relative_error(own, claimed)
                (errors[k],) = _following([errors[k]], [due], [right[k]])
    return numerical, errors


def _loss(rng: np.random.Generator, last: int) -> Loss:
    """The loss of a small network and a term for a last array, of shapes (2, 3), (3, 1) and (3,).

    The gradient for the second array is negative, and `last` is the sign of that for the last one;
    with 0 that array does not matter.
    """
    x, y = rng.uniform(0.3, 1.0, 2), rng.uniform(3.0, 4.0)
    sizes = rng.uniform(0.9, 1.1, 3) * rng.permutation([0.1, 0.3, 0.6])

    def loss(parameters: Arrays) -> float:
        w0, w1, rest = parameters
        miss = y - (np.tanh(x @ w0) @ w1)[0]
        return float(miss * miss + last * (sizes @ rest + 0.02 * (rest @ rest)))

    return loss


def _to_be_checked(gradient: Array, kind: str) -> Array:
    """A gradient, right or not, whose relative error depends on how that is defined."""
    if kind == "zero":
        return np.zeros_like(gradient)
    if kind == "right":
        return gradient.copy()
    flat = gradient.ravel()
    factor, shift = {"large": (1.6, 0.9), "small": (0.8, -0.9)}[kind]
    order, result = np.argsort(np.abs(flat)), factor * flat
    # The largest difference is at an entry that is not the largest one, ...
    middle = order[-2]
    result[middle] = flat[middle] + shift * np.sign(flat[middle]) * np.abs(flat).max()
    # ... and the difference that is largest for its entry is at the smallest one.
    result[order[0]] = -flat[order[0]]
    return result.reshape(gradient.shape)


# An error of 1e-10 is as good as one of 1e-6; wrong definitions are off by a tenth and more.
_LOOSE = (0.01, 0.003)

_CHECKED = (
    ("difference", "a step of 0.1", 1, 0.1, ("right", "large", "small")),
    ("difference", "a step of 0.02", -1, 0.02, ("small", "right", "large")),
    # With small steps, another difference quotient does not cost points a second time.
    ("check", "the first gradient is right", 1, 1e-5, ("right", "large", "small")),
    ("check", "the second gradient is right", -1, 2e-5, ("large", "right", "small")),
    ("edge", "two gradients given as zero", 0, 1e-5, ("right", "zero", "zero")),
)


def _check_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for group, label, last, step, kinds in _CHECKED:
        f = _loss(rng, last)
        parameters = [
            rng.uniform(0.2, 1.2, (2, 3)),
            _away_from_zero(rng, 3)[:, None],
            _away_from_zero(rng, 3),
        ]
        pairs = zip(_numerical(f, parameters, 1e-5), kinds, strict=True)
        arguments = {
            "f": f,
            "parameters": parameters,
            "gradients": [_to_be_checked(gradient, kind) for gradient, kind in pairs],
            "step": step,
        }
        cases.append(Case(group, label, arguments))
    return cases


def _check_model(f: Loss, parameters: Arrays, gradients: Arrays, step: float) -> Any:
    nudged = [parameter.copy() for parameter in parameters]
    numerical, errors = [], []
    for array, claimed in zip(nudged, gradients, strict=True):
        found = np.zeros_like(array)
        for index in np.ndindex(array.shape):
            saved = array[index]
            array[index] = saved + step
            above = f(nudged)
            array[index] = saved - step
            below = f(nudged)
            array[index] = saved
            found[index] = (above - below) / (2 * step)
        numerical.append(found)
        scale = max(np.abs(found).max(), np.abs(claimed).max())
        errors.append(np.abs(found - claimed).max() / scale if scale > 0 else 0.0)
    return numerical, np.array(errors)


def _one_error(f: Loss, parameters: Arrays, gradients: Arrays, step: float) -> Any:
    numerical = _numerical(f, parameters, step)
    a, b = (np.concatenate([v.ravel() for v in vs]) for vs in (numerical, gradients))
    return numerical, gradient_check.relative_error(a, b)


CHECK = Exercise(
    name="backpropagation.check",
    outputs=("numerical", "errors"),
    lists=("numerical",),
    reference=_check,
    observe=_with_their_own_gradients,
    cases=_check_cases,
    criteria=criteria(f"""
an array for each array of parameters, and as many errors (shape, 0.25)
the numerical gradients are right (difference, 1)
    numerical: bp-central-difference
the relative errors follow from the numerical gradients (check, 0.75)
    errors: bp-relative-error, within {_LOOSE}
a gradient of zeros (edge, 0.25)
    errors: bp-relative-error, within {_LOOSE}
the arguments are left as they were (unchanged, 0.25)
"""),
    misconceptions=mistakes(
        _check_model,
        """
a one-sided difference (bp-central-difference, 1.5)
    array[index] = saved - step -> array[index] = saved & (2 * step) -> step
    array[index] = saved + step -> array[index] = saved & (2 * step) -> step
    You compare with the value at the point itself. Its error shrinks with the step, that of the
    central difference with the square of the step: nudge both ways.
a division by one step (bp-central-difference, 1.25)
    (2 * step) -> step
    The two points lie two steps apart.
a multiplication by half the step (bp-central-difference, 1.25)
    / (2 * step) -> / 2 * step
    The whole of 2 h stands below the fraction bar: in code it needs parentheses.
a minus too many (bp-central-difference, 1.25)
    above - below -> below - above
    The value at the larger argument comes first.
an entry that is not put back (bp-central-difference, 1.5)
    found[index] = (above -> array[index] = saved - step; found[index] = (above
    When an entry's turn comes, all others must have their original values: the definition moves one
    at a time.
all entries of an array nudged at once (bp-central-difference, 1.25)
    np.ndindex(array.shape) -> [...] & saved = array[index] -> saved = array.copy()
    That gives the sum of an array's derivatives. Move one entry at a time.
a step of your own (bp-central-difference, 1.5)
    saved = array[index] -> step = 1e-5; saved = array[index]
    step: float -> given: float &
        saved = array[index] -> saved = array[index]; step = given * max(1.0, abs(saved))
    The exercise gives the step, large ones too, so that its error can be seen. A program that has
    to choose may scale it by the entry, as the package does; here do not.
an absolute difference (bp-relative-error, 1.5)
    .max() / scale if scale > 0 else 0.0 -> .max()
    Whether a difference is large depends on the numbers: divide by their size.
a relative error entry by entry (bp-relative-error, 1.75)
    max(np.abs(found).max(), np.abs(claimed).max()) -> np.maximum(np.abs(found), np.abs(claimed)) &
        np.abs(found - claimed).max() / scale -> (np.abs(found - claimed) / scale).max() &
        scale > 0 -> scale.any()
    max(np.abs(found).max(), np.abs(claimed).max()) -> np.abs(found) + np.abs(claimed) &
        np.abs(found - claimed).max() / scale -> (np.abs(found - claimed) / scale).max() &
        scale > 0 -> scale.any()
    Some tutorials divide each difference by its own entry; then an entry that is zero but for
    rounding raises an alarm. The chapter has one scale for the whole array.
a ratio of norms (bp-relative-error, 1.75)
    np.abs(found - claimed).max() -> np.linalg.norm(found - claimed) &
        max(np.abs(found).max(), -> np.linalg.norm(found) + ( &
        np.abs(claimed).max()) -> np.linalg.norm(claimed))
    That is the convention of some courses. This exercise asks for largest entries, which do not let
    one wrong entry drown among many.
the sum of both sizes as the scale (bp-relative-error, 1.75)
    max(np.abs(found).max(), np.abs(claimed).max()) -> np.abs(found).max() + np.abs(claimed).max()
    CS231n divides by a sum of sizes; the chapter divides by the larger one. The two differ by a
    factor of up to 2.
one of the two arrays as the scale (bp-relative-error)
    max(np.abs(found).max(), np.abs(claimed).max()) -> np.abs(found).max()
    max(np.abs(found).max(), np.abs(claimed).max()) -> np.abs(claimed).max()
    Take the larger of both sizes: then it does not matter which array is which, and the error of a
    gradient of zeros is 1.
the smaller of both sizes as the scale (bp-relative-error, 1.5)
    max(np.abs -> min(np.abs
    Take the larger of both sizes: with the smaller one a gradient of zeros has no error at all, or
    an infinite one.
a mean difference (bp-relative-error, 1.5)
    np.abs(found - claimed).max() -> np.abs(found - claimed).mean()
    A mean hides one wrong entry among many right ones: take the largest difference.
differences with their signs (bp-relative-error)
    np.abs(found - claimed).max() -> (found - claimed).max()
    np.abs(found - claimed).max() -> (claimed - found).max()
    Where the gradient is too large, a - b is negative and the largest of these numbers says
    nothing: take absolute values.
zero divided by zero (bp-relative-error, 2.25)
    / scale if scale > 0 else 0.0 -> / scale
    Two gradients of zeros agree: their error is 0, and 0 / 0 is not a number. Ask for the scale
    before you divide.
one error for all arrays (bp-relative-error, 1.25)
    = _one_error
    Return an error for each array: which of them are large says where the mistake is.
""",
    ),
    model=_check_model,
)

EXERCISES = (FORWARD, SENSITIVITIES, GRADIENTS, CHECK)
