"""Checks of the exercise ``transfer-learning``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradlab import transfer_learning as reference
from gradlab.checks._edits import mistakes
from gradlab.checks._model import Case, Exercise, Function, criteria
from gradlab.network import Dense, Network
from gradlab.optimizers import SGD, Momentum

Array = NDArray[Any]


def _signed(rng: np.random.Generator, *shape: int) -> Array:
    """Numbers of both signs, none of them small."""
    result: Array = rng.uniform(0.5, 2.0, shape) * rng.choice([-1.0, 1.0], shape)
    return result


def _layers(rng: np.random.Generator, *widths: int) -> list[Array]:
    """Weights and biases in turn, of layers between these widths."""
    arrays = []
    for fan_in, width in pairwise(widths):
        arrays += [_signed(rng, fan_in, width), _signed(rng, width)]
    return arrays


# ---- reuse


def _network(arrays: Sequence[Array]) -> Network:
    rng = np.random.default_rng(0)
    layers = []
    for weight, bias in zip(arrays[::2], arrays[1::2], strict=True):
        layer = Dense(weight.shape[0], weight.shape[1], rng)
        layer.weight, layer.bias = weight, bias
        layers.append(layer)
    return Network(layers)


def _reuse(pretrained: Sequence[Array], layers: int, head: Sequence[Array]) -> tuple[Any, ...]:
    network = reference.reuse(_network(pretrained), layers, _network(head).layers)
    params = network.parameters()
    reference.freeze(network, layers)
    return params, sum(array.size for array in network.parameters())


def _reuse_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for group, widths, layers, above in (
        ("ordinary", (4, 5, 6, 3, 2), 3, (4,)),
        ("ordinary", (3, 7, 5, 6, 4), 1, (4, 2)),
        ("edge", (5, 4, 6, 3), 3, (2,)),
        ("edge", (3, 6, 2), 1, (5, 4, 2)),
    ):
        arguments = {
            "pretrained": _layers(rng, *widths),
            "layers": layers,
            "head": _layers(rng, widths[layers], *above),
        }
        label = f"{layers} of {len(widths) - 1} layers, a head of {len(above)}"
        cases.append(Case(group, label, arguments))
    return cases


def _reuse_answer(
    pretrained: list[Array], layers: int, head: list[Array]
) -> tuple[list[Array], int]:
    base = [array.copy() for array in pretrained[: 2 * layers]]
    learned = 0
    for array in head:
        learned += array.size
    return base + head, learned


REUSE = Exercise(
    name="transfer_learning.reuse",
    outputs=("params", "learned"),
    lists=("params",),
    reference=_reuse,
    cases=_reuse_cases,
    criteria=criteria("""
params and learned have the right shapes (shape, 0.25)
the lower layers, and the head on them (ordinary, 0.5)
    params: tl-freeze
how many numbers the first phase learns (ordinary, 0.25)
    learned: tl-freeze
every old layer reused, a head deeper than the base (edge, 0.25)
    params, learned: tl-freeze
the arguments are left as they were (unchanged, 0.25)
"""),
    model=_reuse_answer,
    misconceptions=mistakes(
        _reuse_answer,
        """
layers counted in arrays (tl-freeze, 0.5)
    2 * layers -> layers
    Each layer has two arrays in the list, its weights and its bias.
the old top below the new head (tl-freeze, 0.5)
    pretrained[: 2 * layers] -> pretrained
    You keep the whole pretrained network. What lies above the reused layers was made for the old
    classes, and the head would not even fit on it.
the upper layers instead of the lower ones (tl-freeze, 0.5)
    [: 2 * layers] -> [-2 * layers :]
    [: 2 * layers] -> [-2 * layers :][::-1]
    The lower layers find simple features that serve other data, too: take those next to the input.
one layer too few (tl-freeze, 0.5)
    2 * layers -> 2 * layers - 2
    layers says how many are reused, the last of them included.
the weights without their biases (tl-freeze, 0.5)
    2 * layers] -> 2 * layers : 2]
    A layer consists of its weights and its bias: both are taken over.
all parameters counted as learned (tl-freeze, 1)
    in head: -> in base + head:
    The base is frozen in the first phase: what is learned are the numbers of the head.
the frozen parameters counted (tl-freeze, 1)
    in head: -> in base:
    Those are the numbers that stay. The first phase learns the head.
the biases not counted (tl-freeze, 1)
    in head: -> in head[::2]:
    The biases of the head are learned, too.
arrays counted instead of numbers (tl-freeze, 1)
    array.size -> 1
    Count the entries of the arrays.
layers counted instead of numbers (tl-freeze, 1)
    array.size -> 0.5
    Count the entries of the layers' arrays.
rows counted instead of numbers (tl-freeze, 1)
    array.size -> len(array)
    The length of an array is the number of its rows. Count its entries.
""",
    ),
)


# ---- resizing


def _resize(image: Array, size: tuple[int, int], antialias: bool) -> Array:
    result: Array = reference.resize_images(image[np.newaxis], size, antialias)[0]
    return result


def _resize_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for group, old, new, antialias in (
        ("enlarge", (5, 3), (7, 8), False),
        ("enlarge", (3, 5), (8, 6), False),
        ("shrink", (7, 9), (4, 2), False),
        ("shrink", (8, 5), (3, 4), False),
        ("antialias", (9, 7), (2, 3), True),
        ("antialias", (8, 3), (4, 5), True),
        ("edge", (5, 6), (5, 6), False),
        ("edge", (5, 3), (1, 1), True),
        ("edge", (1, 3), (4, 2), False),
    ):
        image = rng.uniform(1.0, 9.0, old)
        smooth = ", antialiased" if antialias else ""
        label = f"{old[0]} by {old[1]} to {new[0]} by {new[1]} pixels{smooth}"
        arguments = {"image": image, "size": new, "antialias": antialias}
        cases.append(Case(group, label, arguments))
    return cases


def _resize_answer(image: Array, size: tuple[int, int], antialias: bool) -> Array:
    matrices = []
    for old, new in zip(image.shape, size, strict=True):
        places = old / new * (np.arange(new) + 0.5) - 0.5
        reach = np.maximum(1, old / new) if antialias else 1
        distance = np.abs(places[:, None] - np.arange(old))
        weights = np.maximum(0, 1 - distance / reach)
        matrices.append(weights / weights.sum(axis=1)[:, None])
    down, across = matrices
    return down @ image @ across.T


RESIZE = Exercise(
    name="transfer_learning.resize",
    outputs=("resized",),
    reference=_resize,
    cases=_resize_cases,
    criteria=criteria("""
resized has the right shape (shape, 0.25)
an image is enlarged (enlarge, 1)
    resized: tl-resize-weights tl-resize
an image is shrunk (shrink, 0.5)
    resized: tl-resize-weights tl-resize
antialiasing, where it shrinks and where it does not (antialias, 0.75)
    resized: tl-resize-weights
the same size, to one pixel, from one row (edge, 0.25)
    resized: tl-resize-weights
the arguments are left as they were (unchanged, 0.25)
"""),
    model=_resize_answer,
    misconceptions=mistakes(
        _resize_answer,
        """
the corner pixels' centers aligned (tl-resize-weights, 0.25)
    old / new * (np.arange(new) + 0.5) - 0.5 -> np.arange(new) * (old - 1) / max(new - 1, 1)
    That is align_corners=True of some libraries. Here the images' borders coincide, and with them
    no centers but those of equal sizes.
places without the half pixels (tl-resize-position, 0.25)
    (np.arange(new) + 0.5) - 0.5 -> np.arange(new)
    The pixel of number i has its center at i + 1/2, in the old image and in the new one.
half a pixel that is not taken off again (tl-resize-position, 0.25)
    + 0.5) - 0.5 -> + 0.5)
    (i + 1/2) R / R' counts from the border. In the numbers of the old pixels, whose centers are at
    k + 1/2, it is 1/2 less.
the ratio of the sizes upside down (tl-resize-position, 0.25)
    places = old / new -> places = new / old
    A new pixel is R / R' old pixels high: more than one where the image shrinks.
weights that do not sum to 1 (tl-resize-weights, 1)
    weights / weights.sum(axis=1)[:, None] -> weights
    Divide by the sum over the old pixels. At the border one neighbor is missing, and with
    antialiasing many pixels count.
weights summed over the new pixels (tl-resize-weights, 0.25)
    weights.sum(axis=1)[:, None] -> weights.sum(axis=0)
    Each new pixel distributes a weight of 1 over the old ones: the sum runs over k, for every i by
    itself.
weights below 0 (tl-resize-weights, 0.25)
    np.maximum(0, 1 - distance / reach) -> 1 - distance / reach
    Beyond the distance s a pixel counts nothing; without the maximum it counts negatively.
a reach below 1 (tl-resize-weights, 2.25)
    np.maximum(1, old / new) -> old / new
    Where the image grows, R / R' is below 1, and some new pixels lose one neighbor or both. The
    reach is at least 1.
antialiasing always (tl-resize-weights, 2.25)
    if antialias else 1 -> if True else 1
    The reach is wider than 1 only where antialias asks for it.
antialiasing never (tl-resize-weights, 2)
    if antialias else 1 -> if False else 1
    With antialias=True the reach is max(1, R / R'), so that every old pixel counts.
the nearest pixel (tl-resize, 0.25)
    np.maximum(0, 1 - distance / reach) -> np.floor(places[:, None] + 0.5) == np.arange(old)
    Each new value is that of one old pixel. Bilinear interpolation shares it between neighbors.
rows and columns exchanged (tl-resize, 0)
    size, strict -> size[::-1], strict
    size is (height, width): rows come first, as in the shape of an array.
""",
    ),
)


# ---- a step with frozen layers


def _step(
    params: Sequence[Array],
    grads: Sequence[Array],
    frozen: int,
    learning_rate: float,
    strength: float,
) -> list[Array]:
    stepped = [array.copy() for array in params]
    optimizer = SGD(learning_rate, weight_decay=strength, decay_biases=False)
    optimizer.step(stepped[2 * frozen :], grads[2 * frozen :])
    return stepped


def _step_apart(
    function: Function, params: list[Array], grads: list[Array], frozen: int, *others: float
) -> tuple[list[Array], ...]:
    """The frozen arrays after a step, and the weights and the biases that are trained."""
    stepped = function(params, grads, frozen, *others)
    return stepped[: 2 * frozen], stepped[2 * frozen :: 2], stepped[2 * frozen + 1 :: 2]


def _step_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for group, widths, frozen, rate, strength in (
        ("ordinary", (4, 5, 3, 6, 2), 3, 0.2, 0.6),
        ("ordinary", (3, 4, 6, 5), 1, 0.06, 1.4),
        ("edge", (5, 3, 4), 0, 0.3, 0.7),
        ("edge", (3, 5, 4, 6), 2, 0.4, 0.0),
    ):
        params = _layers(rng, *widths)
        arguments = {
            "params": params,
            "grads": [_signed(rng, *array.shape) for array in params],
            "frozen": frozen,
            "learning_rate": rate,
            "strength": strength,
        }
        label = f"{frozen} of {len(widths) - 1} layers frozen, strength {strength:g}"
        cases.append(Case(group, label, arguments))
    return cases


def _step_answer(
    params: list[Array], grads: list[Array], frozen: int, learning_rate: float, strength: float
) -> list[Array]:
    stepped = params[: 2 * frozen]
    for k in range(2 * frozen, len(params)):
        slope = grads[k]
        if params[k].ndim == 2:
            slope = slope + strength * params[k]
        stepped.append(params[k] - learning_rate * slope)
    return stepped


STEP = Exercise(
    name="transfer_learning.step",
    outputs=("frozen", "weights", "biases"),
    returns=("params",),
    lists=("params", "frozen", "weights", "biases"),
    reference=_step,
    observe=_step_apart,
    cases=_step_cases,
    criteria=criteria("""
params has the right number of arrays, of the right shapes (shape, 0.25)
frozen layers stay, the other weights make the step (ordinary, 0.375)
    frozen, weights: tl-freeze
frozen layers stay, the other biases make the step (ordinary, 0.375)
    frozen, biases: tl-freeze
nothing frozen, a strength of 0 (edge, 0.25)
    frozen, weights, biases: tl-freeze
the arguments are left as they were (unchanged, 0.25)
"""),
    model=_step_answer,
    misconceptions=mistakes(
        _step_answer,
        """
a gradient of zero, taken for a frozen weight (tl-freeze, 0.75)
    stepped = params -> stepped = [p - learning_rate * strength * p * (p.ndim == 2) for p in params]
    Your frozen weights get no gradient, and still shrink: the decay acts on whatever is in the
    step. Leave frozen layers out of it altogether.
a step without frozen layers (tl-freeze, 0.25)
    : 2 * frozen -> :0 & 2 * frozen, -> 0,
    All layers are trained. The lower ones, as many as frozen says, have to stay.
layers counted in arrays (tl-freeze, 0.25)
    [: 2 * frozen] -> [:frozen] & (2 * frozen, -> (frozen,
    Each layer has two arrays in the list, its weights and its bias.
the head frozen instead of the base (tl-freeze, 0.25)
    : 2 * frozen -> :0 & 2 * frozen, -> 0, & * slope -> * slope * (k < len(params) - 2 * frozen)
    : 2 * frozen -> :0 & 2 * frozen, -> 0, & * slope -> * slope * (k < 2 * frozen)
    The lower layers are frozen, those next to the input; the head has everything to learn.
frozen weights with biases that learn (tl-freeze, 0.25)
    : 2 * frozen -> :0 & 2 * frozen, -> 0, & * slope -> * slope * (k >= 2 * frozen or k % 2)
    A frozen layer keeps its bias, too: it would shift the features that the head relies on.
frozen layers that are missing (tl-freeze, 0)
    return stepped -> return stepped[2 * frozen :]
    You return the trained arrays alone. The network still needs the others.
decay of the biases (tl-freeze, 0.875)
    params[k].ndim == 2 -> True
    The decay is for the weights: arrays of two dimensions.
a step without decay (tl-freeze, 0.875)
    params[k].ndim == 2 -> False
    The weights that are trained decay: strength times the weight joins the gradient.
""",
    ),
)


# ---- two phases


def _two_phases(
    params: Sequence[Array],
    gradients: Callable[[Sequence[Array]], list[Array]],
    reused: int,
    top: int,
    learning_rate: float,
    reduction: float,
    momentum: float,
    steps: tuple[int, int],
) -> list[Array]:
    arrays = [array.copy() for array in params]
    rates, below = (learning_rate, reduction * learning_rate), (2 * reused, 2 * (reused - top))
    for count, rate, frozen in zip(steps, rates, below, strict=True):
        optimizer = Momentum(rate, momentum)
        for _ in range(count):
            optimizer.step(arrays[frozen:], gradients(arrays)[frozen:])
    return arrays


def _from_own_first(
    function: Function,
    params: list[Array],
    gradients: Callable[[Sequence[Array]], list[Array]],
    *others: Any,
) -> tuple[list[Array], list[Array]]:
    """The parameters after both phases, and how far they are from a second phase that is right.

    It begins where the function ends if there are no steps in the second phase.
    """
    (*settings, steps) = others
    both = function(params, gradients, *settings, steps)
    first = function(params, gradients, *settings, (steps[0], 0))
    if not all(list(map(np.shape, a)) == list(map(np.shape, params)) for a in (both, first)):
        return both, [np.full_like(array, np.nan) for array in params]
    due = _two_phases(first, gradients, *(*settings, (0, steps[1])))
    # Rounded, so that a report expects 0 and not what rounding leaves of it.
    return both, [np.round(a - b, 12) for a, b in zip(both, due, strict=True)]


def _loss(rng: np.random.Generator, params: Sequence[Array]) -> Callable[[Any], list[Array]]:
    """The gradients of a quadratic in which every parameter matters for every other."""
    size = sum(array.size for array in params)
    root = rng.standard_normal((size, size)) / np.sqrt(size)
    hessian = root @ root.T + 0.3 * np.eye(size)
    target = _signed(rng, size)
    shapes = [array.shape for array in params]
    ends = np.cumsum([array.size for array in params])[:-1]

    def gradients(arrays: Any) -> list[Array]:
        flat = np.concatenate([np.ravel(array) for array in arrays])
        pieces = np.split(hessian @ (flat - target), ends)
        return [piece.reshape(shape) for piece, shape in zip(pieces, shapes, strict=True)]

    return gradients


def _phases_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for group, widths, reused, top, reduction, steps in (
        ("head", (3, 4, 2, 3, 2), 3, 1, 0.2, (4, 0)),
        ("head", (2, 3, 4, 2), 1, 1, 0.3, (3, 0)),
        ("both", (2, 4, 3, 4, 2), 3, 1, 0.3, (3, 4)),
        ("both", (3, 2, 4, 3, 2), 3, 2, 0.15, (4, 3)),
        ("both", (4, 2, 3, 3), 2, 1, 0.25, (2, 3)),
        ("edge", (2, 3, 4, 2), 2, 0, 0.2, (2, 3)),
        ("edge", (3, 4, 2, 3), 2, 2, 0.3, (3, 2)),
        ("edge", (2, 4, 3, 2), 2, 1, 0.1, (0, 4)),
        ("edge", (3, 2, 4, 2), 2, 1, 1.0, (3, 3)),
    ):
        params = _layers(rng, *widths)
        arguments = {
            "params": params,
            "gradients": _loss(rng, params),
            "reused": reused,
            "top": top,
            "learning_rate": float(rng.uniform(0.12, 0.2)),
            "reduction": reduction,
            "momentum": float(rng.uniform(0.6, 0.8)),
            "steps": steps,
        }
        label = f"{reused} of {len(widths) - 1} layers reused, {top} unfrozen"
        label += f", reduction {reduction:g}, {steps[0]} and {steps[1]} steps"
        cases.append(Case(group, label, arguments))
    return cases


def _phases_answer(
    params: list[Array],
    gradients: Callable[[Sequence[Array]], list[Array]],
    reused: int,
    top: int,
    learning_rate: float,
    reduction: float,
    momentum: float,
    steps: tuple[int, int],
) -> list[Array]:
    arrays = list(params)
    phases = [
        (steps[0], learning_rate, reused),
        (steps[1], reduction * learning_rate, reused - top),
    ]
    for count, rate, frozen in phases:
        velocities = [np.zeros_like(array) for array in arrays]
        for _ in range(count):
            slopes = gradients(arrays)
            for k in range(2 * frozen, len(arrays)):
                velocities[k] = momentum * velocities[k] - rate * slopes[k]
                arrays[k] = arrays[k] + velocities[k]
    return arrays


PHASES = Exercise(
    name="transfer_learning.two_phases",
    outputs=("params", "second_phase_apart"),
    returns=("params",),
    lists=("params", "second_phase_apart"),
    reference=_two_phases,
    observe=_from_own_first,
    cases=_phases_cases,
    criteria=criteria("""
params has the right number of arrays, of the right shapes (shape, 0.25)
the first phase alone (head, 0.75)
    params: tl-freeze
the second phase, from where your own first one ends: 0 apart from what is due (both, 0.625)
    second_phase_apart: tl-reduced-rate
both phases (both, 0.625)
    params: tl-reduced-rate
none or all unfrozen, no first phase, a reduction of 1 (edge, 0.5)
    params: tl-reduced-rate
the arguments are left as they were (unchanged, 0.25)
"""),
    model=_phases_answer,
    misconceptions=mistakes(
        _phases_answer,
        """
the full rate after unfreezing (tl-reduced-rate, 1.25)
    reduction * learning_rate -> learning_rate
    The second phase has the rate reduction * learning_rate: it bounds how far the reused weights
    can go from what they learned.
a rate divided by the reduction (tl-reduced-rate, 1.25)
    reduction * learning_rate -> learning_rate / reduction
    A reduction of 0.1 means a tenth of the rate.
a reduced rate for the base alone (tl-reduced-rate, 1.25)
    rate * slopes[k] -> (rate if k < 2 * reused else learning_rate) * slopes[k]
    In the second phase everything that is trained has the reduced rate, the head as well.
the old velocities in the second phase (tl-reduced-rate, 1.25)
    list(params) -> list(params); velocities = [0.0] * len(params) & velocities = [np -> _ = [np
    They were made at another rate and for another list of parameters. The second phase starts with
    velocities of 0.
a first phase that trains everything (tl-freeze, 1.125)
    learning_rate, reused), -> learning_rate, 0),
    The base is frozen in the first phase: a random head would push it about.
all layers unfrozen (tl-reduced-rate, 1.25)
    reused - top -> 0
    Only the upper ones of the reused layers are unfrozen, as many as top says.
a base that stays frozen (tl-reduced-rate, 1.25)
    reused - top -> reused
    In the second phase the top reused layers are trained as well.
the lowest layers unfrozen instead of the top ones (tl-reduced-rate, 1.25)
    reused - top -> 0 & rate * slopes[k] -> rate * slopes[k] * (k < 2 * top or k >= 2 * reused)
    reused - top -> top
    top counts from the head down: the layers next to it are the most special ones, and gain most.
a head that is frozen in the second phase (tl-reduced-rate, 1.25)
    * slopes[k] -> * slopes[k] * (k < 2 * reused or (count, frozen) == (steps[0], reused))
    The head is trained in both phases, together with what is unfrozen.
layers counted in arrays (tl-freeze)
    2 * frozen -> frozen
    2 * frozen -> int(2 * frozen) & reused - top -> reused - top / 2
    Each layer has two arrays in the list, its weights and its bias.
a second phase that begins again (tl-reduced-rate, 1.125)
    velocities = [np -> arrays = list(params); velocities = [np
    The second phase goes on from where the first one ended; otherwise its head is random again.
the same gradients in every step (tl-freeze, 0.25)
    gradients(arrays) -> gradients(params)
    The gradients change with the parameters: ask for them anew in each step.
""",
    ),
)

EXERCISES = (REUSE, RESIZE, STEP, PHASES)
