"""Checks of the exercise ``backpropagation``."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradlab import activations, gradient_check
from gradlab import backpropagation as reference
from gradlab.checks._model import Case, Criterion, Exercise, Function, Misconception

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


def _matched(h: Array, weight: Array) -> Array:
    """Multiply by the matrix as it stands where its shape allows that, else by its transpose."""
    return h @ (weight if weight.shape[0] == weight.shape[1] else weight.T)


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


def _identity(z: Array) -> Array:
    return z


def _forward_variant(
    hidden: Callable[[Array], Array] = np.tanh,
    output: Callable[[Array], Array] = activations.sigmoid,
    product: Callable[[Array, Array], Array] = lambda h, w: h @ w,
    net_input: Callable[[Array, Array], Array] = lambda product, b: product + b,
    kept: Callable[[Array, Array], Array] = lambda z, b: z,
    after: Callable[[Array, Array], Array] = lambda h, b: h,
    passed_on: Callable[[Array, Array], Array] = lambda z, h: h,
    result: Callable[[Arrays, Arrays, Array], Any] = lambda zs, hs, x: (zs, hs),
) -> Function:
    """The forward pass with one of its steps exchanged."""

    def variant(x: Array, weights: Arrays, biases: Arrays) -> Any:
        zs, hs, a = [], [], x
        for k, (weight, bias) in enumerate(zip(weights, biases, strict=True), start=1):
            z = net_input(product(a, weight), bias)
            h = after((output if k == len(weights) else hidden)(z), bias)
            zs.append(kept(z, bias))
            hs.append(h)
            a = passed_on(z, h)
        return result(zs, hs, x)

    return variant


FORWARD = Exercise(
    name="backpropagation.forward",
    outputs=("net_inputs", "outputs"),
    lists=("net_inputs", "outputs"),
    reference=_forward,
    cases=_cases(_forward_arguments),
    criteria=(
        Criterion(
            "there is one net input and one output a layer, of the right shape", 0.25, "shape"
        ),
        Criterion(
            "the net inputs are right",
            0.75,
            group="ordinary",
            outputs=("net_inputs",),
            equations=("bp-net-input",),
        ),
        Criterion(
            "the outputs are right",
            0.5,
            group="ordinary",
            outputs=("outputs",),
            equations=("bp-activation",),
        ),
        Criterion(
            _SQUARE,
            0.25,
            group="edge",
            outputs=("net_inputs", "outputs"),
            equations=("bp-net-input", "bp-activation"),
        ),
        Criterion("the arguments are left as they were", 0.25, "unchanged"),
    ),
    misconceptions=(
        Misconception(
            "the input among the outputs",
            "The list of outputs starts with what layer 1 puts out. x is what layer 1 receives.",
            "bp-activation",
            (_forward_variant(result=lambda zs, hs, x: (zs, [x, *hs])),),
        ),
        Misconception(
            "the last layer first",
            "Both lists start with layer 1, the one that receives x.",
            "bp-net-input",
            (_forward_variant(result=lambda zs, hs, x: (zs[::-1], hs[::-1])),),
        ),
        Misconception(
            "net inputs and outputs exchanged",
            "The net inputs, before the activation, come first in the tuple.",
            "bp-activation",
            (_forward_variant(result=lambda zs, hs, x: (hs, zs)),),
        ),
        Misconception(
            "net inputs handed on to the next layer",
            "A layer receives what the one below puts out, after the activation. Without that the "
            "network is linear, however deep.",
            "bp-net-input",
            (_forward_variant(passed_on=lambda z, h: z),),
        ),
        Misconception(
            "no activation in the hidden layers",
            "Every hidden layer applies tanh to its net input. Without that the network is linear, "
            "however deep.",
            "bp-activation",
            (_forward_variant(hidden=_identity),),
        ),
        Misconception(
            "tanh at the output, too",
            "The last layer has an activation of its own: here the sigmoid, whose values lie "
            "between 0 and 1.",
            "bp-activation",
            (_forward_variant(output=np.tanh),),
        ),
        Misconception(
            "an output layer without activation",
            "A network for regression often ends so, deck S's too. This one ends with a sigmoid.",
            "bp-activation",
            (_forward_variant(output=_identity),),
        ),
        Misconception(
            "the sigmoid in all layers",
            "The sigmoid belongs to the last layer; the hidden ones apply tanh.",
            "bp-activation",
            (_forward_variant(hidden=activations.sigmoid),),
        ),
        Misconception(
            "the biases left out",
            "Every unit adds its bias to its weighted sum.",
            "bp-net-input",
            (_forward_variant(net_input=lambda product, b: product),),
        ),
        Misconception(
            "net inputs that are returned without the bias",
            "The outputs show that you add the bias. It is part of the net input: the slope of "
            "the activation will be taken there.",
            "bp-net-input",
            (_forward_variant(kept=lambda z, b: z - b),),
        ),
        Misconception(
            "the bias added after the activation",
            "The bias shifts the net input, so it is added before the activation is applied.",
            "bp-net-input",
            (_forward_variant(net_input=lambda product, b: product, after=lambda h, b: h + b),),
        ),
        Misconception(
            "transposed weights",
            "PyTorch and deck S keep the weights as (fan_out, fan_in) and transpose them. Here "
            "they are (fan_in, fan_out), which fits rows of examples as it is.",
            "bp-net-input",
            (_forward_variant(product=lambda h, w: _matched(h, w.T)),),
        ),
    ),
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
    """Look at the sensitivity of the output layer by itself: it is the first to be right."""
    result = function(dout, net_inputs, weights)
    return (result[-1] if result else np.empty(0)), result[:-1]


def _tanh_slope(z: Array) -> Array:
    return 1 - np.tanh(z) ** 2


def _sigmoid_slope(z: Array) -> Array:
    return activations.sigmoid(z) * activations.sigmoid(-z)


def _no_slope(z: Array) -> Array:
    return np.ones_like(z)


def _sensitivities_variant(
    hidden: Callable[[Array], Array] = _tanh_slope,
    output: Callable[[Array], Array] = _sigmoid_slope,
    weight: Callable[[Arrays, int], Array] = lambda weights, k: weights[k].T,
    carried: Callable[[Array, Array], Array] = lambda s, gradient: s,
    scale: Callable[[Array], float] = lambda dout: 1.0,
    result: Callable[[Arrays], Arrays] = lambda s: s,
) -> Function:
    """The walk through the layers with one of its steps exchanged.

    `weight` is what the sensitivity of layer k + 1 is multiplied by; `carried` is what goes down.
    """

    def variant(dout: Array, net_inputs: Arrays, weights: Arrays) -> Arrays:
        gradient = dout * scale(dout)
        s = gradient * output(net_inputs[-1])
        found = [s]
        for k in range(len(weights) - 1, 0, -1):
            gradient = carried(s, gradient) @ weight(weights, k)
            s = gradient * hidden(net_inputs[k - 1])
            found.insert(0, s)
        return result(found)

    return variant


def _weight_as_it_is(weights: Arrays, k: int) -> Array:
    rows, columns = weights[k].shape
    return weights[k] if rows == columns else weights[k].T


def _weight_below(weights: Arrays, k: int) -> Array:
    fits = weights[k - 1].shape == weights[k].shape
    return weights[k - 1 if fits else k].T


SENSITIVITIES = Exercise(
    name="backpropagation.sensitivities",
    outputs=("output_layer", "hidden_layers"),
    returns=("sensitivities",),
    lists=("sensitivities", "hidden_layers"),
    reference=_sensitivities,
    observe=_output_and_hidden,
    cases=_cases(_sensitivities_arguments),
    criteria=(
        Criterion("there is one sensitivity a layer, of the right shape", 0.25, "shape"),
        Criterion(
            "the sensitivity of the output layer is right",
            0.5,
            group="ordinary",
            outputs=("output_layer",),
            equations=("bp-sensitivity-output",),
        ),
        Criterion(
            "the sensitivities of the hidden layers are right",
            1.0,
            group="ordinary",
            outputs=("hidden_layers",),
            equations=("bp-sensitivity",),
        ),
        Criterion(
            _SQUARE,
            0.5,
            group="edge",
            outputs=("output_layer", "hidden_layers"),
            equations=("bp-sensitivity-output", "bp-sensitivity"),
        ),
        Criterion("the arguments are left as they were", 0.25, "unchanged"),
    ),
    misconceptions=(
        Misconception(
            "the last layer first",
            "You walk from the output down, but the list starts with layer 1: turn it round.",
            "bp-sensitivity",
            (_sensitivities_variant(result=lambda s: s[::-1]),),
        ),
        Misconception(
            "the transpose forgotten",
            "A unit collects from all units that it feeds, so the sum runs over the second index "
            "of the weights. Where the matrix is square, nothing else gives the mistake away.",
            "bp-sensitivity",
            (_sensitivities_variant(weight=_weight_as_it_is),),
        ),
        Misconception(
            "the weights of the wrong layer",
            "Between layers l and l + 1 stand the weights that the forward pass used to get from "
            "one to the other. Mind that weights[0] leads into layer 1.",
            "bp-sensitivity",
            (_sensitivities_variant(weight=_weight_below),),
        ),
        Misconception(
            "the slope at the output layer forgotten",
            "dout is the gradient with respect to the output. The sensitivity is that with "
            "respect to the net input, with the sigmoid in between. (A linear output has slope "
            "1, and then the two are the same.)",
            "bp-sensitivity-output",
            (_sensitivities_variant(output=_no_slope),),
        ),
        Misconception(
            "the slope at the hidden layers forgotten",
            "What comes down through the weights is the gradient with respect to the layer's "
            "output; the slope of its tanh is still missing.",
            "bp-sensitivity",
            (_sensitivities_variant(hidden=_no_slope),),
        ),
        Misconception(
            "no slope at any layer",
            "A sensitivity belongs to the net input, and the activation lies between it and the "
            "output: multiply by its slope, at the output layer and at the hidden ones.",
            "bp-sensitivity",
            (_sensitivities_variant(hidden=_no_slope, output=_no_slope),),
        ),
        Misconception(
            "a gradient handed down without the slopes above",
            "You multiply by a layer's own slope, but send down what it was before that. What "
            "goes through the weights is the sensitivity of the layer above, slope included.",
            "bp-sensitivity",
            (_sensitivities_variant(carried=lambda s, gradient: gradient),),
        ),
        Misconception(
            "the slope of tanh at the output layer",
            "The output layer has a sigmoid, so its slope is the sigmoid's.",
            "bp-sensitivity-output",
            (_sensitivities_variant(output=_tanh_slope),),
        ),
        Misconception(
            "the slope of the sigmoid in the hidden layers",
            "The hidden layers have tanh, so their slope is that of tanh.",
            "bp-sensitivity",
            (_sensitivities_variant(hidden=_sigmoid_slope),),
        ),
        Misconception(
            "the activation in place of its slope",
            "You multiply by g(z). The chain rule asks for the derivative g'(z).",
            "bp-sensitivity",
            (
                _sensitivities_variant(hidden=np.tanh, output=activations.sigmoid),
                _sensitivities_variant(hidden=np.tanh),
                _sensitivities_variant(output=activations.sigmoid),
            ),
        ),
        Misconception(
            "the slope formula for outputs applied to net inputs",
            "1 - h**2 and a * (1 - a) take the layer's output. You have its net input, so apply "
            "the activation first.",
            "bp-sensitivity",
            (
                _sensitivities_variant(hidden=lambda z: 1 - z**2, output=lambda z: z * (1 - z)),
                _sensitivities_variant(hidden=lambda z: 1 - z**2),
                _sensitivities_variant(output=lambda z: z * (1 - z)),
            ),
        ),
        Misconception(
            "the slope taken at the output of the layer",
            "The activation is applied once too often: its slope belongs to the net input z, and "
            "net_inputs holds z already.",
            "bp-sensitivity",
            (
                _sensitivities_variant(hidden=lambda z: _tanh_slope(np.tanh(z))),
                _sensitivities_variant(
                    hidden=lambda z: _tanh_slope(np.tanh(z)),
                    output=lambda z: _sigmoid_slope(activations.sigmoid(z)),
                ),
            ),
        ),
        Misconception(
            "a division by the batch size",
            "Where the loss is a mean over the batch, dout holds the 1 / B already.",
            "bp-sensitivity-output",
            (_sensitivities_variant(scale=lambda dout: 1 / len(dout)),),
        ),
    ),
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


def _gradients_variant(
    dweight: Callable[[Array, Array], Array] = lambda h, s: h.T @ s,
    dbias: Callable[[Array], Array] = lambda s: s.sum(axis=0),
    dx: Callable[[Arrays, Arrays, Arrays], Array] = lambda h, s, w: s[0] @ w[0].T,
    order: int = 1,
) -> Function:
    """The gradients with one of them exchanged."""

    def variant(inputs: Arrays, sensitivities: Arrays, weights: Arrays) -> tuple[Any, ...]:
        dweights = [dweight(h, s) for h, s in zip(inputs, sensitivities, strict=True)]
        dbiases = [dbias(s) for s in sensitivities]
        return dx(inputs, sensitivities, weights), dweights[::order], dbiases[::order]

    return variant


GRADIENTS = Exercise(
    name="backpropagation.gradients",
    outputs=("dx", "dweights", "dbiases"),
    lists=("dweights", "dbiases"),
    reference=_gradients,
    cases=_cases(_gradients_arguments),
    criteria=(
        Criterion("every gradient has the shape of what it belongs to", 0.25, "shape"),
        Criterion(
            "the gradients of the weights are right",
            0.5,
            group="ordinary",
            outputs=("dweights",),
            equations=("bp-weight-gradient",),
        ),
        Criterion(
            "the gradients of the biases are right",
            0.5,
            group="ordinary",
            outputs=("dbiases",),
            equations=("bp-bias-gradient",),
        ),
        Criterion(
            "the gradient of the input is right",
            0.25,
            group="ordinary",
            outputs=("dx",),
            equations=("bp-input-gradient",),
        ),
        Criterion(
            _SQUARE,
            0.25,
            group="edge",
            outputs=("dx", "dweights", "dbiases"),
            equations=("bp-weight-gradient", "bp-bias-gradient", "bp-input-gradient"),
        ),
        Criterion("the arguments are left as they were", 0.25, "unchanged"),
    ),
    misconceptions=(
        Misconception(
            "the last layer first",
            "The lists start with the layer that receives x, as those of the arguments do.",
            "bp-weight-gradient",
            (_gradients_variant(order=-1),),
        ),
        Misconception(
            "the gradient of the weights transposed",
            "It has the shape of the weights, (fan_in, fan_out): the index of the activation below "
            "comes first. PyTorch's weights are (fan_out, fan_in), and so are its gradients.",
            "bp-weight-gradient",
            (_gradients_variant(dweight=lambda h, s: s.T @ h),),
        ),
        Misconception(
            "a sum over the batch before activation and sensitivity meet",
            "Each example multiplies its own activation and its own sensitivity; the products are "
            "summed. The product of the sums is something else.",
            "bp-weight-gradient",
            (_gradients_variant(dweight=lambda h, s: np.outer(h.sum(axis=0), s.sum(axis=0))),),
        ),
        Misconception(
            "the weight gradient of the first example only",
            "The weights serve all examples, so their gradient is a sum over the batch.",
            "bp-weight-gradient",
            (_gradients_variant(dweight=lambda h, s: np.outer(h[0], s[0])),),
        ),
        Misconception(
            "a second division by the batch size",
            "Where the loss is a mean over the batch, the sensitivities hold the 1 / B already. "
            "Sum over the examples.",
            "bp-weight-gradient",
            (
                _gradients_variant(
                    dweight=lambda h, s: h.T @ s / len(s), dbias=lambda s: s.mean(axis=0)
                ),
                _gradients_variant(dweight=lambda h, s: h.T @ s / len(s)),
                _gradients_variant(dbias=lambda s: s.mean(axis=0)),
            ),
        ),
        Misconception(
            "a bias gradient that is not summed",
            "One bias serves all examples, so its gradient is the sum of their sensitivities and "
            "has the shape of the bias, (fan_out,).",
            "bp-bias-gradient",
            (_gradients_variant(dbias=lambda s: s),),
            idle=True,
        ),
        Misconception(
            "a bias gradient summed over the units",
            "You have a number for each example. Each unit has a bias: sum over the examples, "
            "which is axis 0.",
            "bp-bias-gradient",
            (_gradients_variant(dbias=lambda s: s.sum(axis=1)),),
        ),
        Misconception(
            "a bias gradient summed over everything",
            "The axis is missing: each unit has a bias of its own, so sum over the examples only.",
            "bp-bias-gradient",
            (_gradients_variant(dbias=lambda s: s.sum()),),
        ),
        Misconception(
            "the bias gradient of the first example only",
            "One bias serves all examples, so its gradient is the sum of their sensitivities.",
            "bp-bias-gradient",
            (_gradients_variant(dbias=lambda s: s[0]),),
        ),
        Misconception(
            "a slope at the input",
            "The input is a layer without activation: nothing follows the product.",
            "bp-input-gradient",
            (
                _gradients_variant(dx=lambda h, s, w: s[0] @ w[0].T * (1 - h[0] ** 2)),
                _gradients_variant(dx=lambda h, s, w: s[0] @ w[0].T * _tanh_slope(h[0])),
            ),
        ),
        Misconception(
            "the gradient of the input from the last layer",
            "You multiply the last sensitivity by the last weights, which gives the gradient of "
            "what the last layer received. The input meets the first weights.",
            "bp-input-gradient",
            (_gradients_variant(dx=lambda h, s, w: s[-1] @ w[-1].T),),
        ),
        Misconception(
            "the first sensitivity as the gradient of the input",
            "The first sensitivity belongs to the net input of layer 1. Between that and x stand "
            "the first weights.",
            "bp-input-gradient",
            (_gradients_variant(dx=lambda h, s, w: s[0]),),
            idle=True,
        ),
        Misconception(
            "the gradient of the input summed over the batch",
            "Each example has an input of its own, so each has its own gradient.",
            "bp-input-gradient",
            (_gradients_variant(dx=lambda h, s, w: (s[0] @ w[0].T).sum(axis=0)),),
        ),
        Misconception(
            "the transpose forgotten",
            "An input unit collects from all units that it feeds, so the sum runs over the second "
            "index of the weights.",
            "bp-input-gradient",
            (_gradients_variant(dx=lambda h, s, w: _matched(s[0], w[0])),),
        ),
    ),
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


def _nudged(f: Loss, parameters: Arrays, k: int, index: Any, by: float) -> float:
    moved = [p.copy() for p in parameters]
    moved[k][index] += by
    return f(moved)


def _central(f: Loss, parameters: Arrays, k: int, index: Any, h: float) -> float:
    above, below = (_nudged(f, parameters, k, index, by) for by in (h, -h))
    return (above - below) / (2 * h)


def _forward_difference(f: Loss, parameters: Arrays, k: int, index: Any, h: float) -> float:
    return (_nudged(f, parameters, k, index, h) - f(parameters)) / h


def _all_at_once(f: Loss, parameters: Arrays, k: int, index: Any, h: float) -> float:
    return _central(f, parameters, k, ..., h)


def _with_step(
    other: Callable[[float, float], float],
) -> Callable[[Loss, Arrays, int, Any, float], float]:
    """Take a step that depends on the one given and on the size of the entry."""

    def difference(f: Loss, parameters: Arrays, k: int, index: Any, h: float) -> float:
        return _central(f, parameters, k, index, other(h, abs(parameters[k][index])))

    return difference


def _left_nudged(f: Loss, parameters: Arrays, k: int, index: Any, h: float) -> float:
    # The arrays are the variant's own copies.
    result = _central(f, parameters, k, index, h)
    parameters[k][index] -= h
    return result


def _scaled(scale: Callable[[Array, Array], Any]) -> Callable[[Array, Array], Any]:
    """Divide the difference by something before the largest is taken; zeros agree."""

    def error(a: Array, b: Array) -> Any:
        if not (a - b).any():
            return 0.0
        size = np.broadcast_to(scale(a, b), a.shape)
        return np.max(np.abs(a - b)[size > 0] / size[size > 0], initial=0.0)

    return error


def _of_norms(a: Array, b: Array) -> Any:
    scale = np.linalg.norm(a) + np.linalg.norm(b)
    return np.linalg.norm(a - b) / scale if scale > 0 else 0.0


def _by_largest(difference: Callable[[Array, Array], Any]) -> Callable[[Array, Array], Any]:
    """Divide by the right scale something that is not the largest difference; zeros agree."""

    def error(a: Array, b: Array) -> Any:
        scale = max(np.abs(a).max(), np.abs(b).max())
        return difference(a, b) / scale if scale > 0 else 0.0

    return error


def _check_variant(
    difference: Callable[[Loss, Arrays, int, Any, float], float] = _central,
    factor: float = 1.0,
    error: Callable[[Array, Array], Any] = gradient_check.relative_error,
    pooled: bool = False,
) -> Function:
    """The check with another difference quotient or another error."""

    def variant(f: Loss, parameters: Arrays, gradients: Arrays, step: float) -> tuple[Arrays, Any]:
        own = [p.copy() for p in parameters]
        numerical = [np.zeros_like(p) for p in parameters]
        for k, found in enumerate(numerical):
            for index in np.ndindex(found.shape):
                found[index] = factor * difference(f, own, k, index, step)
        if pooled:
            a, b = (np.concatenate([v.ravel() for v in vs]) for vs in (numerical, gradients))
            return numerical, error(a, b)
        return numerical, [error(a, b) for a, b in zip(numerical, gradients, strict=True)]

    return variant


CHECK = Exercise(
    name="backpropagation.check",
    outputs=("numerical", "errors"),
    lists=("numerical",),
    reference=_check,
    cases=_check_cases,
    criteria=(
        Criterion("an array for each array of parameters, and as many errors", 0.25, "shape"),
        Criterion(
            "the numerical gradients are right",
            1.0,
            group="difference",
            outputs=("numerical",),
            equations=("bp-central-difference",),
        ),
        Criterion(
            "the relative errors are right",
            0.75,
            group="check",
            outputs=("errors",),
            equations=("bp-relative-error",),
            tolerance=_LOOSE,
        ),
        Criterion(
            "a gradient of zeros",
            0.25,
            group="edge",
            outputs=("errors",),
            equations=("bp-relative-error",),
            tolerance=_LOOSE,
        ),
        Criterion("the arguments are left as they were", 0.25, "unchanged"),
    ),
    misconceptions=(
        Misconception(
            "a one-sided difference",
            "You compare with the value at the point itself. Its error shrinks with the step, "
            "that of the central difference with the square of the step: nudge both ways.",
            "bp-central-difference",
            (_check_variant(_forward_difference),),
        ),
        Misconception(
            "a division by one step",
            "The two points lie two steps apart.",
            "bp-central-difference",
            (_check_variant(factor=2.0),),
        ),
        Misconception(
            "a multiplication by half the step",
            "The whole of 2 h stands below the fraction bar: in code it needs parentheses.",
            "bp-central-difference",
            (_check_variant(lambda f, p, k, i, h: h * h * _central(f, p, k, i, h)),),
        ),
        Misconception(
            "a minus too many",
            "The value at the larger argument comes first.",
            "bp-central-difference",
            (_check_variant(factor=-1.0),),
        ),
        Misconception(
            "an entry that is not put back",
            "When an entry's turn comes, all others must have their original values: the "
            "definition moves one at a time.",
            "bp-central-difference",
            (_check_variant(_left_nudged),),
        ),
        Misconception(
            "all entries of an array nudged at once",
            "That gives the sum of an array's derivatives. Move one entry at a time.",
            "bp-central-difference",
            (_check_variant(_all_at_once),),
        ),
        Misconception(
            "a step of your own",
            "The exercise gives the step, large ones too, so that its error can be seen. A program "
            "that has to choose may scale it by the entry, as the package does; here do not.",
            "bp-central-difference",
            (
                _check_variant(_with_step(lambda h, size: 1e-5)),
                _check_variant(_with_step(lambda h, size: h * max(1.0, size))),
            ),
        ),
        Misconception(
            "an absolute difference",
            "Whether a difference is large depends on the numbers: divide by their size.",
            "bp-relative-error",
            (_check_variant(error=_scaled(lambda a, b: 1.0)),),
        ),
        Misconception(
            "a relative error entry by entry",
            "Some tutorials divide each difference by its own entry; then an entry that is zero "
            "but for rounding raises an alarm. The chapter has one scale for the whole array.",
            "bp-relative-error",
            (
                _check_variant(error=_scaled(lambda a, b: np.maximum(np.abs(a), np.abs(b)))),
                _check_variant(error=_scaled(lambda a, b: np.abs(a) + np.abs(b))),
            ),
        ),
        Misconception(
            "a ratio of norms",
            "That is the convention of some courses. This exercise asks for largest entries, which "
            "do not let one wrong entry drown among many.",
            "bp-relative-error",
            (_check_variant(error=_of_norms),),
        ),
        Misconception(
            "the sum of both sizes as the scale",
            "CS231n divides by a sum of sizes; the chapter divides by the larger one. The "
            "two differ by a factor of up to 2.",
            "bp-relative-error",
            (_check_variant(error=_scaled(lambda a, b: np.abs(a).max() + np.abs(b).max())),),
        ),
        Misconception(
            "one of the two arrays as the scale",
            "Take the larger of both sizes: then it does not matter which array is which, and the "
            "error of a gradient of zeros is 1.",
            "bp-relative-error",
            (
                _check_variant(error=_scaled(lambda a, b: np.abs(a).max())),
                _check_variant(error=_scaled(lambda a, b: np.abs(b).max())),
            ),
        ),
        Misconception(
            "a mean difference",
            "A mean hides one wrong entry among many right ones: take the largest difference.",
            "bp-relative-error",
            (_check_variant(error=_by_largest(lambda a, b: np.abs(a - b).mean())),),
        ),
        Misconception(
            "differences with their signs",
            "Where the gradient is too large, a - b is negative and the largest of these numbers "
            "says nothing: take absolute values.",
            "bp-relative-error",
            (
                _check_variant(error=_by_largest(lambda a, b: (a - b).max())),
                _check_variant(error=_by_largest(lambda a, b: (b - a).max())),
            ),
        ),
        Misconception(
            "one error for all arrays",
            "Return an error for each array: which of them are large says where the mistake is.",
            "bp-relative-error",
            (_check_variant(pooled=True),),
        ),
    ),
)

EXERCISES = (FORWARD, SENSITIVITIES, GRADIENTS, CHECK)
