"""Checks of the exercise ``dropout``."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradlab import dropout as reference
from gradlab.activations import softmax
from gradlab.checks._edits import mistakes
from gradlab.checks._model import (
    Case,
    Exercise,
    Function,
    criteria,
)

Array = NDArray[Any]


def _away_from_zero(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Numbers of both signs, none of which can be taken for a dropped one."""
    return rng.uniform(0.3, 2.0, shape) * rng.choice([-1.0, 1.0], shape)


# ---- forward: the student's random numbers are not ours, so what is compared are statistics

_DRAWS = (0.0, 0.03)
"""Tolerance for shares of 19,000 draws: six standard deviations of the difference of two, which
are sqrt(2 * 0.24 / 19,000) = 0.0050 at a rate of 0.6."""
_EXACT = (1e-4, 1e-5)
"""For what does not depend on the draws; float32 included."""
_COUNTS = (0.2, 0.0)
"""Two of thirty masks may agree by chance; all of them agree where one was drawn."""


def _forward_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for group, shape, rate, training in (
        # Of one example, so that one mask for a whole batch has as many draws.
        ("share", (1, 22_000), 0.3, True),
        ("share", (1, 22_000), 0.6, True),
        ("ordinary", (31, 43), 0.25, True),
        ("ordinary", (37, 29), 0.35, True),
        ("ordinary", (33, 41), 0.6, True),
        ("edge", (19, 5, 11), 0.4, True),
        ("edge", (9, 7), 0.0, True),
        ("inference", (1, 22_000), 0.3, False),
    ):
        x = _away_from_zero(rng, shape)
        # As after a ReLU: such an entry of out does not tell whether it was dropped.
        x[..., 1::2] *= rng.random(x[..., 1::2].shape) < 0.8
        arguments = {
            "x": x.astype(np.float32 if rate == 0.35 else np.float64),
            "rate": rate,
            "seed": int(rng.integers(2**32)),
            "training": training,
        }
        mode = "training" if training else "inference"
        cases.append(Case(group, f"x of shape {shape}, rate = {rate:g}, {mode}", arguments))
    return cases


def _fitted(array: Array, shape: tuple[int, ...]) -> Array:
    """`array` in this shape; zeros where that cannot be, which the shape criterion explains."""
    numbers = np.asarray(array, np.float64)
    if numbers.size == np.prod(shape):
        return numbers.reshape(shape)
    try:
        return np.broadcast_to(numbers, shape)
    except ValueError:
        return np.zeros(shape)


def _range(numbers: Array, chosen: Array) -> Array:
    """The smallest and the largest of the chosen values; zeros if there is none."""
    if not chosen.any():
        return np.zeros(2)
    lowest, highest = np.where(chosen, numbers, np.inf), np.where(chosen, numbers, -np.inf)
    return np.array([lowest.min(), highest.max()])


def _observe_forward(
    function: Function, x: Array, rate: float, seed: int, training: bool
) -> tuple[Any, ...]:
    """What every right dropout has in common, whatever its random numbers."""
    out, mask = function(x, rate, np.random.default_rng(seed), training)
    dropped, multiplied = _fitted(out, x.shape), _fitted(mask, x.shape)
    kept = dropped != 0
    always = (x != 0).reshape(len(x), -1).all(axis=0)
    patterns = kept.reshape(len(x), -1)[:, always][:, :50]
    calls = _CALLS if len(x) > 30 else 2
    # Without zeros: whoever keeps an exact share keeps it of all entries.
    rng, few = np.random.default_rng(seed), np.where(x == 0, x.dtype.type(1.0), x)[:6, :40]
    draws = [np.asarray(function(few, rate, rng, training)[0]) for _ in range(calls)]
    again = np.asarray(function(few, rate, np.random.default_rng(seed), training)[0])
    return (
        out,
        mask,
        kept[x != 0].mean(),
        _range(dropped / np.where(x == 0, 1.0, x), kept),
        _range(multiplied, multiplied != 0),
        np.max(multiplied, initial=0.0, where=x == 0),
        np.abs(dropped - multiplied * x).max(),
        len({row.tobytes() for row in patterns}),
        len({column.tobytes() for column in patterns.T.copy()}),
        np.array_equal(draws[0], again),
        not np.array_equal(draws[0], draws[1]),
        *_counts_vary(np.stack([_fitted(draw, few.shape) for draw in draws]), rate),
    )


_CALLS = 40
"""Enough that a variance of counts below a tenth of what it should be is no accident: for a
chi-squared variable with 39 degrees of freedom the probability is below 1e-11."""


def _counts_vary(draws: Array, rate: float) -> tuple[bool, bool, bool]:
    """Whether the number kept varies in a call, an example and a unit as independent draws do."""
    kept = (draws != 0).reshape(*draws.shape[:2], -1)
    binomial = rate * (1 - rate) * (draws != 0).any(axis=0).reshape(kept.shape[1:])

    def varies(axes: tuple[int, ...]) -> bool:
        counts = kept.sum(axis=axes)
        expected = binomial.sum(axis=tuple(axis - 1 for axis in axes))
        return bool(counts.var(axis=0).sum() > 0.1 * expected.sum())

    return varies((1, 2)), varies((2,)), varies((1,))


def _forward_answer(
    x: Array, rate: float, rng: np.random.Generator, training: bool
) -> tuple[Array, Array]:
    if not training:
        return x.copy(), np.ones_like(x)
    kept = rng.random(x.shape) >= rate
    mask = kept / (1 - rate)
    return x * mask, mask


FORWARD = Exercise(
    name="dropout.forward",
    outputs=(
        "out",
        "mask",
        "share_kept",
        "out_over_x_where_kept",
        "mask_where_kept",
        "largest_mask_where_x_is_0",
        "out_minus_mask_times_x",
        "different_masks_of_examples",
        "different_masks_of_units",
        "same_seed_gives_same_mask",
        "next_call_gives_new_mask",
        "number_kept_varies_from_call_to_call",
        "number_kept_of_an_example_varies",
        "number_kept_of_a_unit_varies",
    ),
    returns=("out", "mask"),
    reference=reference.dropout_forward,
    observe=_observe_forward,
    cases=_forward_cases,
    criteria=criteria(f"""
out and mask have the shape of x (shape, 0.25)
the right share is kept (share, 0.75)
    share_kept: do-mask, within {_DRAWS}
what is kept is scaled as inverted dropout does it (ordinary, 0.5)
    out_over_x_where_kept: do-inverted, within {_EXACT}
mask is what x was multiplied by (ordinary, 0.25)
    mask_where_kept, largest_mask_where_x_is_0, out_minus_mask_times_x: do-forward do-inverted,
        within {_EXACT}
each entry has a draw of its own, from rng (ordinary, 0.5)
    different_masks_of_examples, different_masks_of_units, same_seed_gives_same_mask,
        next_call_gives_new_mask, number_kept_varies_from_call_to_call,
        number_kept_of_an_example_varies, number_kept_of_a_unit_varies: do-mask, within {_COUNTS}
inference lets x through (inference, 0.25)
    share_kept, out_over_x_where_kept, mask_where_kept: do-inverted, within {_DRAWS}
an x of three axes, a rate of 0 (edge, 0.25)
    out_over_x_where_kept: do-inverted, within {_EXACT}
the arguments are left as they were (unchanged, 0.25)
"""),
    model=_forward_answer,
    misconceptions=mistakes(
        _forward_answer,
        """
a division by the drop probability (do-inverted, 2)
    kept / (1 - rate) -> kept / rate
    What was kept with probability 1 - rate has to be divided by 1 - rate, so that the mask has
    mean 1. Only at a rate of 0.5 does nobody notice.
rate taken as the probability to keep (do-mask)
    >= rate -> < rate
    >= rate -> < rate & kept / (1 - rate) -> kept / rate
    That is the convention of the paper of Srivastava and others and of TensorFlow 1. Here, as in
    PyTorch and Keras, rate is the probability to drop. A uniform number is below rate with
    probability rate: such an entry is dropped, and the others stay.
no scaling in training (do-inverted, 2)
    kept / (1 - rate) -> kept * 1.0
    That is standard dropout, which has to scale the weights afterwards. Inverted dropout scales
    what is kept, so that the expected output is x.
standard dropout (do-inverted, 1.75)
    kept / (1 - rate) -> kept * 1.0 & x.copy(), np.ones_like(x) -> (1 - rate) * x, 0 * x + 1 - rate
    kept / (1 - rate) -> kept * 1.0 & x.copy() -> (1 - rate) * x
    kept / (1 - rate) -> kept * 1.0 & x.copy(), np.ones_like(x) -> rate * x, 0 * x + rate
    kept / (1 - rate) -> kept * 1.0 & x.copy() -> rate * x
    It keeps what it keeps as it is and scales at inference. Inverted dropout scales in training,
    by 1 / (1 - rate), and leaves inference alone.
what is kept made smaller (do-inverted, 2)
    kept / (1 - rate) -> kept * (1 - rate)
    You multiply by 1 - rate in training. Some entries are missing, so the others have to become
    larger for the mean to stay: divide.
a factor of 1 - rate at inference (do-inverted, 2.75)
    x.copy(), np.ones_like(x) -> (1 - rate) * x, 0 * x + 1 - rate
    x.copy() -> (1 - rate) * x
    That belongs to standard dropout. Inverted dropout has scaled in training already; a second
    factor makes every net input too small.
a factor of 1 / (1 - rate) at inference (do-inverted, 2.75)
    x.copy(), np.ones_like(x) -> x / (1 - rate), 0 * x + 1 / (1 - rate)
    x.copy() -> x / (1 - rate)
    Nothing is dropped at inference, so there is nothing to make up for: out is x.
dropout left on at inference (do-inverted, 2.75)
    if not training -> if False
    Look at training: where it is False, out is x and every entry of mask is 1.
training and inference exchanged (do-inverted, 0.25)
    if not training -> if training
    Units are dropped where training is True.
a mask that x is not multiplied by (do-forward, 0.75, idle)
    x * mask, mask -> x, mask
    You return x as it came. out is mask * x.
nothing dropped in training (do-mask, 0.75, idle)
    kept / (1 - rate) -> np.ones_like(x)
    Every entry of your mask is 1. If it comes from a comparison, look at the order: Python divides
    first and compares then, and a uniform number is always below p / p.
a difference without its parentheses (do-inverted, 0.75)
    kept / (1 - rate) -> kept / 1 - rate
    Python reads a / 1 - rate as (a / 1) - rate. Put parentheses around 1 - rate.
one mask for the whole batch (do-mask)
    rng.random(x.shape) -> rng.random(x.shape[1:]) + 0 * x
    rng.random(x.shape) -> rng.random(x.shape[1:])
    Each example of a mini-batch trains a sub-network of its own: draw as many numbers as x has
    entries. Deck H and deck L draw once for a mini-batch; the gradient is then noisier.
one draw for all units of an example (do-mask, 1.75)
    rng.random(x.shape) -> rng.random((len(x), *[1] * (x.ndim - 1))) + 0 * x
    The units have to be dropped independently of each other: draw as many numbers as x has
    entries.
an exact share of the entries (do-mask)
    rng.random(x.shape) >= rate -> rng.permutation(x.size).reshape(x.shape) >= round(rate * x.size)
    rng.random(x.shape) >= rate -> rng.random(x.shape).argsort(0).argsort(0) >= round(rate * len(x))
    rng.random(x.shape) >= rate -> rng.random(x.shape).argsort().argsort() >= rate * x.shape[-1]
    You always drop the same number of entries. Each has to be dropped by a draw of its own, so that
    the number varies; with a fixed one, whether a unit is kept depends on the others.
a normal random number in place of a uniform one (do-mask)
    rng.random(x.shape) -> rng.standard_normal(x.shape)
    rng.random(x.shape) -> rng.standard_normal(x.shape) & kept / (1 - rate) -> kept / rate
    rng.random(x.shape) >= -> rng.standard_normal(x.shape) <
    rng.random(x.shape) >= -> rng.standard_normal(x.shape) < & kept / (1 - rate) -> kept / rate
    Only a number that is uniform on [0, 1) is below rate with probability rate.
a division done before the comparison (do-inverted, 0.75)
    >= rate -> >= rate / (1 - rate) & kept / (1 - rate) -> kept * 1.0
    Python divides first and compares then: u >= p / (1 - p) compares u with the quotient. Put
    parentheses around the comparison.
a seed of your own (do-mask, 2.5)
    rng.random( -> np.random.default_rng(1).random(
    A generator that is made anew in every call repeats itself, so the same units are dropped for
    ever. Draw from rng.
random numbers that do not come from rng (do-mask, 2.5)
    rng.random( -> np.random.default_rng().random(
    The caller cannot repeat the run: with the same rng the masks have to be the same.
a mask read off the output (do-forward, 2.75)
    x * mask, mask -> x * mask, (x * mask != 0) / (1 - rate)
    x * mask, mask -> x * mask, x * mask / x
    An output of 0 does not say that the entry was dropped: x itself may be 0, as after a ReLU.
    Return the mask that was drawn.
a mask without its scale (do-inverted)
    x * mask, mask -> x * mask, kept * 1.0
    x * mask, mask -> x * mask, kept
    Return what x was multiplied by, 0 or 1 / (1 - rate): the backward pass needs both.
""",
    ),
)


# ---- backward, through dropout and the dense layer on it


def _backward(dz: Array, h: Array, mask: Array, weight: Array) -> tuple[Array, ...]:
    dh = reference.dropout_backward(dz @ weight.T, mask)
    return dh, (mask * h).T @ dz, dz.sum(axis=0)


def _mask(rng: np.random.Generator, shape: tuple[int, int], rate: float, scale: float) -> Array:
    """A mask in which every unit is on somewhere and off somewhere."""
    kept = rng.random(shape) >= rate
    units = np.arange(shape[1])
    kept[units % shape[0], units], kept[(units + 1) % shape[0], units] = True, False
    return kept * scale


def _backward_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for group, batch, units, outputs, rate, special in (
        ("ordinary", 7, 5, 3, 0.2, ""),
        ("ordinary", 6, 4, 9, 0.4, ""),
        ("ordinary", 5, 8, 3, 0.7, "float32"),
        ("edge", 6, 4, 3, 0.3, "an example without units, a unit that is always off"),
        ("edge", 5, 7, 2, 0.4, "standard dropout, whose mask holds 0 and 1"),
        ("edge", 1, 6, 4, 0.3, ""),
    ):
        scale = 1.0 if special.startswith("standard") else 1 / (1 - rate)
        h = _away_from_zero(rng, (batch, units))
        mask = _mask(rng, h.shape, rate, scale) if batch > 1 else scale * (h > h.mean())
        if special.startswith("an example"):
            mask[0], mask[:, 1] = 0.0, 0.0
        # A unit that is on may well be silent, as after a ReLU.
        rows, columns = np.nonzero(mask)
        h[rows[0], columns[0]] = 0.0
        arguments = {
            "dz": rng.uniform(0.2, 0.8) + rng.standard_normal((batch, outputs)),
            "h": h,
            "mask": mask,
            "weight": rng.standard_normal((units, outputs)),
        }
        if special == "float32":
            arguments = {name: a.astype(np.float32) for name, a in arguments.items()}
        examples = f"{batch} example{'s' if batch > 1 else ''}"
        label = f"{examples}, {units} units, {outputs} outputs, rate = {rate:g}"
        cases.append(Case(group, f"{label}, {special}" if special else label, arguments))
    return cases


def _backward_answer(dz: Array, h: Array, mask: Array, weight: Array) -> tuple[Array, Array, Array]:
    dweight = (h * mask).T @ dz
    dbias = dz.sum(axis=0)
    dh = (dz @ weight.T) * mask
    return dh, dweight, dbias


BACKWARD = Exercise(
    name="dropout.backward",
    outputs=("dh", "dweight", "dbias"),
    reference=_backward,
    cases=_backward_cases,
    criteria=criteria("""
dh, dweight and dbias have the right shapes (shape, 0.25)
dh goes back through the mask (ordinary, 0.5)
    dh: do-backward
dweight and dbias are those of the layer's input (ordinary, 0.5)
    dweight, dbias: do-forward do-backward
units and examples that are off, standard dropout, a single example (edge, 0.5)
    dh, dweight, dbias: do-backward
the arguments are left as they were (unchanged, 0.25)
"""),
    model=_backward_answer,
    misconceptions=mistakes(
        _backward_answer,
        """
a mask that is missing in dh (do-backward, 1)
    (dz @ weight.T) * mask -> dz @ weight.T
    The forward pass multiplied h by mask, and so does the chain rule: a unit that was off had no
    part in the loss.
the weights' gradient from units that were off (do-forward, 1)
    h * mask -> h
    What the layer received was mask * h, so that is what dz meets in dweight.
no mask at all (do-backward, 0.25)
    (dz @ weight.T) * mask -> dz @ weight.T & h * mask -> h
    This is the gradient of the layer without dropout. The forward pass that gave the loss had a
    mask, and the gradient has the same one.
a mask whose scale is lost in dh (do-backward, 1)
    weight.T) * mask -> weight.T) * (mask != 0)
    Where mask is 1 / (1 - rate), the derivative is 1 / (1 - rate) and not 1: multiply by mask
    itself.
a scale that is lost in the weights' gradient (do-inverted, 1)
    h * mask -> h * (mask != 0)
    The layer received mask * h, and where a unit is on that is larger than h.
a mask applied twice in dh (do-backward, 1)
    weight.T) * mask -> weight.T) * mask * mask
    The mask came once into the forward pass, so it comes once into the derivative. Deck C's second
    mask does no harm, because its masks hold 0 and 1; here it squares the scale.
a mask applied twice in the weights' gradient (do-forward, 1)
    h * mask -> h * mask * mask
    The layer received mask * h, with one mask.
units taken as dropped because they are silent (do-backward, 1)
    weight.T) * mask -> weight.T) * mask * (h != 0)
    An h of 0 says nothing about the mask: the unit is on, and its gradient is not 0. Use mask
    itself.
the layer's input in place of the mask (do-backward, 1)
    weight.T) * mask -> weight.T) * mask * h
    weight.T) * mask -> weight.T) * h
    The derivative of mask * h with respect to h is mask.
the derivative of a ReLU in dh (do-backward, 1)
    weight.T) * mask -> weight.T) * mask * (h > 0)
    h comes out of the activation, and dh is asked for h itself. The activation's derivative belongs
    to the layer below.
a gradient of the bias for each example (do-backward, 0.75, idle)
    dz.sum(axis=0) -> dz
    One bias serves the whole batch, so every example adds to its gradient: sum over axis 0.
a mean where dweight and dbias want a sum (do-backward, 1)
    (h * mask).T @ dz -> (h * mask).T @ dz / len(dz) & dz.sum -> dz.mean
    Whatever averages over the batch is already in dz: add up the examples.
""",
    ),
)


# ---- the weights of standard dropout at inference


def _inference(
    weights: list[Array], biases: list[Array], input_rate: float, hidden_rate: float
) -> tuple[list[Array], list[Array]]:
    rates = [input_rate] + [hidden_rate] * (len(weights) - 1)
    scaled = [
        reference.scale_weights_for_inference(weight, rate)
        for weight, rate in zip(weights, rates, strict=True)
    ]
    return scaled, biases


def _inference_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for group, widths, input_rate, hidden_rate in (
        ("ordinary", (5, 4, 3), 0.2, 0.4),
        ("ordinary", (3, 6, 4, 2), 0.1, 0.7),
        ("ordinary", (4, 5, 3, 6, 2), 0.3, 0.15),
        ("edge", (4, 6, 5, 3), 0.0, 0.3),
        ("edge", (5, 3), 0.35, 0.6),
    ):
        arguments = {
            "weights": [_away_from_zero(rng, (a, b)) for a, b in pairwise(widths)],
            "biases": [_away_from_zero(rng, (b,)) for b in widths[1:]],
            "input_rate": input_rate,
            "hidden_rate": hidden_rate,
        }
        layers = len(widths) - 1
        name = f"{layers} layers" if layers > 1 else "one layer, so that nothing is hidden"
        label = f"{name}, input_rate = {input_rate:g}, hidden_rate = {hidden_rate:g}"
        cases.append(Case(group, label, arguments))
    return cases


def _first_layer_apart(
    function: Function,
    weights: list[Array],
    biases: list[Array],
    input_rate: float,
    hidden_rate: float,
) -> tuple[list[Array], list[Array], list[Array]]:
    scaled, kept = function(weights, biases, input_rate, hidden_rate)
    return scaled[:1], scaled[1:], kept


def _inference_answer(
    weights: list[Array], biases: list[Array], input_rate: float, hidden_rate: float
) -> tuple[list[Array], list[Array]]:
    scaled = [weights[0] * (1 - input_rate)]
    for weight in weights[1:]:
        scaled.append(weight * (1 - hidden_rate))
    return scaled, [bias.copy() for bias in biases]


INFERENCE = Exercise(
    name="dropout.inference",
    outputs=("first_weights", "other_weights", "biases"),
    returns=("weights", "biases"),
    lists=("weights", "biases", "first_weights", "other_weights"),
    reference=_inference,
    observe=_first_layer_apart,
    cases=_inference_cases,
    criteria=criteria("""
weights and biases have the shapes of the given ones (shape, 0.25)
weights of the first layer (ordinary, 0.25)
    first_weights: do-weight-scaling
weights of the other layers, and the biases (ordinary, 0.5)
    other_weights, biases: do-weight-scaling
inputs that were never dropped, a network of one layer (edge, 0.25)
    first_weights, other_weights, biases: do-weight-scaling
the arguments are left as they were (unchanged, 0.25)
"""),
    model=_inference_answer,
    misconceptions=mistakes(
        _inference_answer,
        """
the probability to be dropped where that to be kept belongs (do-weight-scaling, 0.25)
    (1 - input_rate) -> input_rate & (1 - hidden_rate) -> hidden_rate
    Deck L says so, and at a rate of 0.5 it makes no difference. A weight was used with probability
    1 - rate, so that is its share of the expected sum.
a division by the probability to keep (do-weight-scaling, 0.25)
    * (1 - input_rate) -> / (1 - input_rate) & * (1 - hidden_rate) -> / (1 - hidden_rate)
    With all units on the sums are larger than in training, so the weights have to become smaller.
biases that are scaled too (do-weight-scaling, 0.75)
    bias.copy() for bias in biases -> b * (s / w).max() for b, s, w in zip(biases, scaled, weights)
    A bias was never dropped: it came into every sum of the training, and comes into every sum now.
the weights into the dropped units in place of those out of them (do-weight-scaling)
    [weights[0] * (1 - input_rate)] -> [] & [1:] -> [:-1] & scaled, -> scaled + weights[-1:],
    rate)] -> rate)][: len(weights) - 1] & [1:] -> [1:-1] & scaled, -> scaled + weights[-1:],
    A weight needs the factor if its input could be dropped. So the output layer's has one, for
    hidden units feed it, and the first layer's has that of the inputs.
the dropped inputs forgotten (do-weight-scaling, 1)
    weights[0] * (1 - input_rate) -> weights[0]
    The first layer's weights are fed by the inputs, which were dropped with input_rate.
one rate for all layers (do-weight-scaling)
    (1 - input_rate) -> (1 - hidden_rate)
    (1 - hidden_rate) -> (1 - input_rate)
    The first layer is fed by the inputs, and these have a rate of their own.
factors that pile up from layer to layer (do-weight-scaling, 0.75)
    weight * (1 - hidden_rate) -> weight * (1 - input_rate) * (1 - hidden_rate) ** len(scaled)
    (1 - hidden_rate) -> (1 - hidden_rate) ** len(scaled)
    Once the first layer is scaled, the next one receives what it received in training on average.
    It needs the factor for its own inputs and no other.
weights as they were trained (do-weight-scaling, 0.25, idle)
    return scaled, -> return weights,
    With standard dropout nothing was scaled in training, and at inference every sum has all of its
    terms: scale the weights.
""",
    ),
)


# ---- the average over all sub-networks


def _layers(
    rng: np.random.Generator, units: int, outputs: int, linear: bool
) -> Callable[[Array], Array]:
    """The layers above the dropout: far from linear, so that the averages lie apart."""
    first, bias = 0.9 * rng.standard_normal((units, 5)), rng.standard_normal(5)
    second = 0.9 * rng.standard_normal((5, outputs))

    def predict(h: Array) -> Array:
        net = np.asarray(h, np.float64) @ first + bias
        return net @ second if linear else softmax(np.maximum(net, 0.0) @ second)

    return predict


def _average_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for group, units, outputs, rate, special in (
        ("ordinary", 3, 4, 0.2, ""),
        ("ordinary", 5, 3, 0.35, ""),
        ("ordinary", 6, 2, 0.7, ""),
        ("edge", 1, 3, 0.3, ""),
        ("edge", 4, 3, 0.4, "layers without an activation"),
        ("edge", 4, 2, 0.0, ""),
    ):
        arguments = {
            "predict": _layers(rng, units, outputs, linear=bool(special)),
            "h": rng.uniform(0.6, 2.0, units) * rng.choice([-1.0, 1.0], units),
            "rate": rate,
        }
        label = f"{units} unit{'s' if units > 1 else ''}, {outputs} outputs, rate = {rate:g}"
        cases.append(Case(group, f"{label}, {special}" if special else label, arguments))
    return cases


def _average(predict: Callable[[Array], Array], h: Array, rate: float) -> Array:
    return reference.expected_subnetwork_output(predict, h, rate)


def _average_answer(predict: Callable[[Array], Array], h: Array, rate: float) -> Array:
    units = len(h)
    numbers = np.arange(2**units)[:, np.newaxis]
    kept = numbers // 2 ** np.arange(units) % 2
    probability = np.prod(np.where(kept == 1, 1 - rate, rate), axis=1)
    return probability @ predict(kept * h / (1 - rate))


def _observe_average(
    function: Function, predict: Callable[[Array], Array], h: Array, rate: float
) -> tuple[bool, Array]:
    """The average, and before it whether it is computed or estimated from random masks."""
    first, second = (np.asarray(function(predict, h, rate)) for _ in range(2))
    return np.array_equal(first, second, equal_nan=True), first


AVERAGE = Exercise(
    name="dropout.average",
    outputs=("second_call_gives_the_same", "average"),
    returns=("average",),
    reference=_average,
    observe=_observe_average,
    cases=_average_cases,
    criteria=criteria("""
the average has the shape of one output (shape, 0.25)
the average over all sub-networks (ordinary, 1.5)
    second_call_gives_the_same, average: do-subnetwork do-expectation
a single unit, layers that are linear, a rate of 0 (edge, 0.5)
    average: do-subnetwork do-expectation
the arguments are left as they were (unchanged, 0.25)
"""),
    model=_average_answer,
    misconceptions=mistakes(
        _average_answer,
        """
one network in place of the average (do-expectation, 0.25)
    probability @ predict(kept * h / (1 - rate)) -> predict(h[np.newaxis])[0]
    probability @ predict(kept * h / (1 - rate)) -> predict((1 - rate) * h[np.newaxis])[0]
    probability @ predict(kept * h / (1 - rate)) -> predict(h[np.newaxis] / (1 - rate))[0]
    You put one input through predict, once. What is asked for is the average of the outputs,
    which is another number as soon as predict bends.
all sub-networks taken as equally likely (do-subnetwork, 0.25)
    np.prod(np.where(kept == 1, 1 - rate, rate), axis=1) -> np.full(2**units, 0.5**units)
    A mask that keeps k of n units has the probability (1 - rate)^k rate^(n - k). They are equal at
    a rate of 0.5 alone.
sub-networks added up without their probabilities (do-subnetwork, 0.25)
    np.prod(np.where(kept == 1, 1 - rate, rate), axis=1) -> np.ones(2**units)
    A sum over 2^n networks is no average: each comes in with its probability.
probabilities of keeping and dropping exchanged (do-subnetwork, 0.25)
    1 - rate, rate) -> rate, 1 - rate)
    Each unit that is on brings the factor 1 - rate, each unit that is off the factor rate.
probabilities of what is kept alone (do-subnetwork, 0.25)
    1 - rate, rate) -> 1 - rate, 1.0)
    1 - rate, rate) -> 1 - rate, 1.0) & return probability -> return probability / sum(probability)
    The units that are off have their factor too, rate for each of them. Do your probabilities add
    up to 1?
probabilities of what is dropped alone (do-subnetwork, 0.25)
    1 - rate, rate) -> 1.0, rate)
    1 - rate, rate) -> 1.0, rate) & return probability -> return probability / sum(probability)
    The units that are on have their factor too, 1 - rate for each of them. Do your probabilities
    add up to 1?
kept units that are not scaled (do-inverted, 0.25)
    kept * h / (1 - rate) -> kept * h
    These are the sub-networks of standard dropout. Inverted dropout divides what is kept by
    1 - rate.
the sub-network without any unit left out (do-expectation, 0.25)
    np.arange(2**units) -> np.arange(1, 2**units)
    arange(2 -> arange(1, 2 & return probability -> return probability / sum(probability)
    The mask of zeros belongs to the 2^n, with probability rate^n: the layers above still have their
    biases.
the network with all units left out (do-expectation, 0.25)
    np.arange(2**units) -> np.arange(2**units - 1)
    2**units) -> 2**units - 1) & return probability -> return probability / sum(probability)
    The mask of ones belongs to the 2^n, with probability (1 - rate)^n.
a division by the number of masks on top of the probabilities (do-expectation, 0.25)
    probability @ -> probability / 2**units @
    The probabilities add up to 1, so the weighted sum is the average already.
""",
    ),
)

EXERCISES = (FORWARD, BACKWARD, INFERENCE, AVERAGE)
