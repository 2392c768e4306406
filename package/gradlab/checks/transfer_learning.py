"""Checks of the exercise ``transfer-learning``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradlab import transfer_learning as reference
from gradlab.checks._model import Case, Criterion, Exercise, Misconception
from gradlab.network import Dense, Network
from gradlab.optimizers import SGD, Momentum

Array = NDArray[Any]

# The chapter has no labelled equation for what is frozen; this one follows the text on it.
_FREEZING = "tl-freeze"


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


def _is_weight(array: Array) -> bool:
    return array.ndim > 1


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


def _reuse_variant(
    base: Callable[[list[Array], int], list[Array]] = lambda old, layers: old[: 2 * layers],
    learned: Callable[[list[Array], list[Array]], int] = lambda base, head: _size(head),
) -> Callable[..., tuple[Any, ...]]:
    def variant(pretrained: list[Array], layers: int, head: list[Array]) -> tuple[Any, ...]:
        kept = base(pretrained, layers)
        return kept + head, learned(kept, head)

    return variant


def _size(arrays: Sequence[Array]) -> int:
    return sum(array.size for array in arrays)


REUSE = Exercise(
    name="transfer_learning.reuse",
    outputs=("params", "learned"),
    lists=("params",),
    reference=_reuse,
    cases=_reuse_cases,
    criteria=(
        Criterion("params and learned have the right shapes", 0.25, "shape"),
        Criterion(
            "the lower layers, and the head on them",
            0.5,
            group="ordinary",
            outputs=("params",),
            equations=(_FREEZING,),
        ),
        Criterion(
            "how many numbers the first phase learns",
            0.25,
            group="ordinary",
            outputs=("learned",),
            equations=(_FREEZING,),
        ),
        Criterion(
            "every old layer reused, a head deeper than the base",
            0.25,
            group="edge",
            outputs=("params", "learned"),
            equations=(_FREEZING,),
        ),
        Criterion("the arguments are left as they were", 0.25, "unchanged"),
    ),
    misconceptions=(
        Misconception(
            "layers counted in arrays",
            "Each layer has two arrays in the list, its weights and its bias.",
            _FREEZING,
            (_reuse_variant(lambda old, layers: old[:layers]),),
        ),
        Misconception(
            "the old top below the new head",
            "You keep the whole pretrained network. What lies above the reused layers was made for "
            "the old classes, and the head would not even fit on it.",
            _FREEZING,
            (_reuse_variant(lambda old, layers: old),),
        ),
        Misconception(
            "the upper layers instead of the lower ones",
            "The lower layers find simple features that serve other data, too: take those next to "
            "the input.",
            _FREEZING,
            (
                _reuse_variant(lambda old, layers: old[-2 * layers :]),
                _reuse_variant(lambda old, layers: old[len(old) - 2 * layers :][::-1]),
            ),
        ),
        Misconception(
            "one layer too few",
            "layers says how many are reused, the last of them included.",
            _FREEZING,
            (_reuse_variant(lambda old, layers: old[: 2 * (layers - 1)]),),
        ),
        Misconception(
            "the weights without their biases",
            "A layer consists of its weights and its bias: both are taken over.",
            _FREEZING,
            (_reuse_variant(lambda old, layers: old[: 2 * layers : 2]),),
        ),
        Misconception(
            "all parameters counted as learned",
            "The base is frozen in the first phase: what is learned are the numbers of the head.",
            _FREEZING,
            (_reuse_variant(learned=lambda base, head: _size(base) + _size(head)),),
        ),
        Misconception(
            "the frozen parameters counted",
            "Those are the numbers that stay. The first phase learns the head.",
            _FREEZING,
            (_reuse_variant(learned=lambda base, head: _size(base)),),
        ),
        Misconception(
            "the biases not counted",
            "The biases of the head are learned, too.",
            _FREEZING,
            (_reuse_variant(learned=lambda base, head: _size(head[::2])),),
        ),
        Misconception(
            "arrays counted instead of numbers",
            "Count the entries of the arrays.",
            _FREEZING,
            (
                _reuse_variant(learned=lambda base, head: len(head)),
                _reuse_variant(learned=lambda base, head: len(head) // 2),
                _reuse_variant(learned=lambda base, head: sum(len(a) for a in head)),
            ),
        ),
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


def _half_pixels(old: int, new: int) -> Array:
    places: Array = (np.arange(new) + 0.5) * old / new - 0.5
    return places


def _reach(old: int, new: int, antialias: bool) -> float:
    return max(1.0, old / new) if antialias else 1.0


def _triangle(distance: Array) -> Array:
    return np.maximum(0.0, 1.0 - distance)


def _normalized(t: Array) -> Array:
    weights: Array = t / t.sum(axis=1, keepdims=True)
    return weights


def _resize_variant(
    places: Callable[[int, int], Array] = _half_pixels,
    reach: Callable[[int, int, bool], float] = _reach,
    kernel: Callable[[Array], Array] = _triangle,
    normalize: Callable[[Array], Array] = _normalized,
    swapped: bool = False,
) -> Callable[..., Array]:
    """Resizing with another rule for the places, the reach, the kernel or its sum."""

    def interpolation(old: int, new: int, antialias: bool) -> Array:
        distance = np.abs(places(old, new)[:, np.newaxis] - np.arange(old))
        return normalize(kernel(distance / reach(old, new, antialias)))

    def variant(image: Array, size: tuple[int, int], antialias: bool) -> Array:
        rows, columns = size[::-1] if swapped else size
        down = interpolation(image.shape[0], rows, antialias)
        across = interpolation(image.shape[1], columns, antialias)
        return down @ image @ across.T

    return variant


def _aligned(old: int, new: int) -> Array:
    return np.arange(new) * ((old - 1) / max(new - 1, 1))


def _nearest(image: Array, size: tuple[int, int], antialias: bool) -> Array:
    rows, columns = (
        np.floor((np.arange(new) + 0.5) * old / new).astype(int)
        for old, new in zip(image.shape, size, strict=True)
    )
    result: Array = image[np.ix_(rows, columns)]
    return result


RESIZE = Exercise(
    name="transfer_learning.resize",
    outputs=("resized",),
    reference=_resize,
    cases=_resize_cases,
    criteria=(
        Criterion("resized has the right shape", 0.25, "shape"),
        Criterion(
            "an image is enlarged",
            1.0,
            group="enlarge",
            outputs=("resized",),
            equations=("tl-resize-weights", "tl-resize"),
        ),
        Criterion(
            "an image is shrunk",
            0.5,
            group="shrink",
            outputs=("resized",),
            equations=("tl-resize-weights", "tl-resize"),
        ),
        Criterion(
            "antialiasing, where it shrinks and where it does not",
            0.75,
            group="antialias",
            outputs=("resized",),
            equations=("tl-resize-weights",),
        ),
        Criterion(
            "the same size, to one pixel, from one row",
            0.25,
            group="edge",
            outputs=("resized",),
            equations=("tl-resize-weights",),
        ),
        Criterion("the arguments are left as they were", 0.25, "unchanged"),
    ),
    misconceptions=(
        Misconception(
            "the corner pixels' centres aligned",
            "That is align_corners=True of some libraries. Here the images' borders coincide, and "
            "with them no centres but those of equal sizes.",
            "tl-resize-weights",
            (_resize_variant(_aligned),),
        ),
        Misconception(
            "places without the half pixels",
            "The pixel of number i has its centre at i + 1/2, in the old image and in the new one.",
            "tl-resize-position",
            (_resize_variant(lambda old, new: np.arange(new) * old / new),),
        ),
        Misconception(
            "half a pixel that is not taken off again",
            "(i + 1/2) R / R' counts from the border. In the numbers of the old pixels, whose "
            "centres are at k + 1/2, it is 1/2 less.",
            "tl-resize-position",
            (_resize_variant(lambda old, new: (np.arange(new) + 0.5) * old / new),),
        ),
        Misconception(
            "the ratio of the sizes upside down",
            "A new pixel is R / R' old pixels high: more than one where the image shrinks.",
            "tl-resize-position",
            (_resize_variant(lambda old, new: (np.arange(new) + 0.5) * new / old - 0.5),),
        ),
        Misconception(
            "weights that do not sum to 1",
            "Divide by the sum over the old pixels. At the border one neighbour is missing, and "
            "with antialiasing many pixels count.",
            "tl-resize-weights",
            (_resize_variant(normalize=lambda t: t),),
        ),
        Misconception(
            "weights summed over the new pixels",
            "Each new pixel distributes a weight of 1 over the old ones: the sum runs over k, for "
            "every i by itself.",
            "tl-resize-weights",
            (_resize_variant(normalize=lambda t: t / t.sum(axis=0)),),
        ),
        Misconception(
            "weights below 0",
            "Beyond the distance s a pixel counts nothing; without the maximum it counts "
            "negatively.",
            "tl-resize-weights",
            (_resize_variant(kernel=lambda distance: 1.0 - distance),),
        ),
        Misconception(
            "a reach below 1",
            "Where the image grows, R / R' is below 1, and some new pixels lose one neighbour or "
            "both. The reach is at least 1.",
            "tl-resize-weights",
            (_resize_variant(reach=lambda old, new, antialias: old / new if antialias else 1.0),),
        ),
        Misconception(
            "antialiasing always",
            "The reach is wider than 1 only where antialias asks for it.",
            "tl-resize-weights",
            (_resize_variant(reach=lambda old, new, antialias: max(1.0, old / new)),),
        ),
        Misconception(
            "antialiasing never",
            "With antialias=True the reach is max(1, R / R'), so that every old pixel counts.",
            "tl-resize-weights",
            (_resize_variant(reach=lambda old, new, antialias: 1.0),),
        ),
        Misconception(
            "the nearest pixel",
            "Each new value is that of one old pixel. Bilinear interpolation shares it between "
            "neighbours.",
            "tl-resize",
            (_nearest,),
        ),
        Misconception(
            "rows and columns exchanged",
            "size is (height, width): rows come first, as in the shape of an array.",
            "tl-resize",
            (_resize_variant(swapped=True),),
        ),
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


def _step_variant(
    is_frozen: Callable[[int, int, int, Array], bool] = lambda k, frozen, count, a: k < 2 * frozen,
    decays: Callable[[Array], bool] = _is_weight,
    frozen_decay: bool = False,
) -> Callable[..., list[Array]]:
    """The step with other arrays frozen or decayed; `is_frozen` gets an array's place and shape."""

    def variant(
        params: list[Array],
        grads: list[Array],
        frozen: int,
        learning_rate: float,
        strength: float,
    ) -> list[Array]:
        stepped = []
        for k, (p, g) in enumerate(zip(params, grads, strict=True)):
            decay = strength * p if decays(p) else 0.0
            if not is_frozen(k, frozen, len(params), p):
                p = p - learning_rate * (g + decay)
            elif frozen_decay:
                p = p - learning_rate * decay
            stepped.append(p)
        return stepped

    return variant


def _trained_alone(
    params: list[Array], grads: list[Array], frozen: int, learning_rate: float, strength: float
) -> list[Array]:
    return _step(params, grads, frozen, learning_rate, strength)[2 * frozen :]


STEP = Exercise(
    name="transfer_learning.step",
    outputs=("params",),
    lists=("params",),
    reference=_step,
    cases=_step_cases,
    criteria=(
        Criterion("params has the right number of arrays, of the right shapes", 0.25, "shape"),
        Criterion(
            "frozen layers stay, the others make the step",
            0.75,
            group="ordinary",
            outputs=("params",),
            equations=(_FREEZING,),
        ),
        Criterion(
            "nothing frozen, a strength of 0",
            0.25,
            group="edge",
            outputs=("params",),
            equations=(_FREEZING,),
        ),
        Criterion("the arguments are left as they were", 0.25, "unchanged"),
    ),
    misconceptions=(
        Misconception(
            "a gradient of zero, taken for a frozen weight",
            "Your frozen weights get no gradient, and still shrink: the decay acts on whatever is "
            "in the step. Leave frozen layers out of it altogether.",
            _FREEZING,
            (_step_variant(frozen_decay=True),),
        ),
        Misconception(
            "a step without frozen layers",
            "All layers are trained. The lower ones, as many as frozen says, have to stay.",
            _FREEZING,
            (_step_variant(lambda k, frozen, count, a: False),),
        ),
        Misconception(
            "layers counted in arrays",
            "Each layer has two arrays in the list, its weights and its bias.",
            _FREEZING,
            (_step_variant(lambda k, frozen, count, a: k < frozen),),
        ),
        Misconception(
            "the head frozen instead of the base",
            "The lower layers are frozen, those next to the input; the head has everything to "
            "learn.",
            _FREEZING,
            (
                _step_variant(lambda k, frozen, count, a: k >= count - 2 * frozen),
                _step_variant(lambda k, frozen, count, a: k >= 2 * frozen),
            ),
        ),
        Misconception(
            "frozen weights with biases that learn",
            "A frozen layer keeps its bias, too: it would shift the features that the head relies "
            "on.",
            _FREEZING,
            (_step_variant(lambda k, frozen, count, a: k < 2 * frozen and _is_weight(a)),),
        ),
        Misconception(
            "frozen layers that are missing",
            "You return the trained arrays alone. The network still needs the others.",
            _FREEZING,
            (_trained_alone,),
        ),
        Misconception(
            "decay of the biases",
            "The decay is for the weights: arrays of two dimensions.",
            _FREEZING,
            (_step_variant(decays=lambda p: True),),
        ),
        Misconception(
            "a step without decay",
            "The weights that are trained decay: strength times the weight joins the gradient.",
            _FREEZING,
            (_step_variant(decays=lambda p: False),),
        ),
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


def _loss(rng: np.random.Generator, params: Sequence[Array]) -> Callable[[Any], list[Array]]:
    """The gradients of a quadratic in which every parameter matters for every other."""
    size = _size(params)
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


Trained = Callable[[int, int, int], bool]


def _phases_variant(
    first: Trained = lambda k, reused, top: k >= 2 * reused,
    second: Trained = lambda k, reused, top: k >= 2 * (reused - top),
    rate: Callable[[float, float, bool], float] = lambda eta, rho, head: rho * eta,
    memory: bool = False,
    afresh: bool = False,
    once: bool = False,
) -> Callable[..., list[Array]]:
    """Two phases with other arrays trained, by their place in the list, or another second rate.

    `memory` keeps the velocities of the first phase, `afresh` begins the second one at the
    pretrained weights, `once` computes the gradients once.
    """

    def variant(
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
        velocities = [np.zeros_like(a) for a in arrays]
        for phase in (0, 1):
            trained = (first, second)[phase]
            if phase == 1:
                arrays = list(params) if afresh else arrays
                velocities = velocities if memory else [np.zeros_like(a) for a in arrays]
            for _ in range(steps[phase]):
                slopes = gradients(params if once else arrays)
                for k in range(len(arrays)):
                    if trained(k, reused, top):
                        eta = learning_rate
                        if phase == 1:
                            eta = rate(learning_rate, reduction, k >= 2 * reused)
                        velocities[k] = momentum * velocities[k] - eta * slopes[k]
                        arrays[k] = arrays[k] + velocities[k]
        return arrays

    return variant


PHASES = Exercise(
    name="transfer_learning.two_phases",
    outputs=("params",),
    lists=("params",),
    reference=_two_phases,
    cases=_phases_cases,
    criteria=(
        Criterion("params has the right number of arrays, of the right shapes", 0.25, "shape"),
        Criterion(
            "the first phase alone",
            0.75,
            group="head",
            outputs=("params",),
            equations=(_FREEZING,),
        ),
        Criterion(
            "both phases",
            1.25,
            group="both",
            outputs=("params",),
            equations=("tl-reduced-rate",),
        ),
        Criterion(
            "none or all unfrozen, no first phase, a reduction of 1",
            0.5,
            group="edge",
            outputs=("params",),
            equations=("tl-reduced-rate",),
        ),
        Criterion("the arguments are left as they were", 0.25, "unchanged"),
    ),
    misconceptions=(
        Misconception(
            "the full rate after unfreezing",
            "The second phase has the rate reduction * learning_rate: it bounds how far the reused "
            "weights can go from what they learned.",
            "tl-reduced-rate",
            (_phases_variant(rate=lambda eta, rho, head: eta),),
        ),
        Misconception(
            "a rate divided by the reduction",
            "A reduction of 0.1 means a tenth of the rate.",
            "tl-reduced-rate",
            (_phases_variant(rate=lambda eta, rho, head: eta / rho),),
        ),
        Misconception(
            "a reduced rate for the base alone",
            "In the second phase everything that is trained has the reduced rate, the head as "
            "well.",
            "tl-reduced-rate",
            (_phases_variant(rate=lambda eta, rho, head: eta if head else rho * eta),),
        ),
        Misconception(
            "the old velocities in the second phase",
            "They were made at another rate and for another list of parameters. The second phase "
            "starts with velocities of 0.",
            "tl-reduced-rate",
            (_phases_variant(memory=True),),
        ),
        Misconception(
            "a first phase that trains everything",
            "The base is frozen in the first phase: a random head would push it about.",
            _FREEZING,
            (_phases_variant(first=lambda k, reused, top: True),),
        ),
        Misconception(
            "all layers unfrozen",
            "Only the upper ones of the reused layers are unfrozen, as many as top says.",
            "tl-reduced-rate",
            (_phases_variant(second=lambda k, reused, top: True),),
        ),
        Misconception(
            "a base that stays frozen",
            "In the second phase the top reused layers are trained as well.",
            "tl-reduced-rate",
            (_phases_variant(second=lambda k, reused, top: k >= 2 * reused),),
        ),
        Misconception(
            "the lowest layers unfrozen instead of the top ones",
            "top counts from the head down: the layers next to it are the most special ones, and "
            "gain most.",
            "tl-reduced-rate",
            (
                _phases_variant(second=lambda k, reused, top: k < 2 * top or k >= 2 * reused),
                _phases_variant(second=lambda k, reused, top: k >= 2 * top),
            ),
        ),
        Misconception(
            "a head that is frozen in the second phase",
            "The head is trained in both phases, together with what is unfrozen.",
            "tl-reduced-rate",
            (_phases_variant(second=lambda k, reused, top: 2 * (reused - top) <= k < 2 * reused),),
        ),
        Misconception(
            "layers counted in arrays",
            "Each layer has two arrays in the list, its weights and its bias.",
            _FREEZING,
            (
                _phases_variant(
                    lambda k, reused, top: k >= reused, lambda k, reused, top: k >= reused - top
                ),
                _phases_variant(second=lambda k, reused, top: k >= 2 * reused - top),
            ),
        ),
        Misconception(
            "a second phase that begins again",
            "The second phase goes on from where the first one ended; otherwise its head is random "
            "again.",
            "tl-reduced-rate",
            (_phases_variant(afresh=True),),
        ),
        Misconception(
            "the same gradients in every step",
            "The gradients change with the parameters: ask for them anew in each step.",
            _FREEZING,
            (_phases_variant(once=True),),
        ),
    ),
)

EXERCISES = (REUSE, RESIZE, STEP, PHASES)
