"""Checks of the exercise ``dropout``."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradlab import dropout as reference
from gradlab.activations import softmax
from gradlab.checks._model import Case, Criterion, Exercise, Function, Misconception

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


def _range(values: Array, chosen: Array) -> Array:
    """The smallest and the largest of the chosen values; zeros if there is none."""
    if not chosen.any():
        return np.zeros(2)
    lowest, highest = np.where(chosen, values, np.inf), np.where(chosen, values, -np.inf)
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


def _forward_variant(
    kept: Callable[[Array, float], Array] = lambda u, p: u >= p,
    scale: Callable[[float], float] = lambda p: 1 / (1 - p),
    draw: Callable[[np.random.Generator, tuple[int, ...]], Array] = lambda rng, s: rng.random(s),
    inference: Callable[[float], tuple[float, float]] | None = lambda p: (1.0, 1.0),
    scale_in_mask: bool = True,
) -> Function:
    """The forward pass with one of its steps exchanged; `inference` gives factors of out and mask,
    None drops there as well.
    """

    def variant(
        x: Array, rate: float, rng: np.random.Generator, training: bool
    ) -> tuple[Array, Array]:
        if not training and inference is not None:
            by_out, by_mask = inference(rate)
            return x * by_out, np.full_like(x, by_mask)
        on = np.broadcast_to(kept(draw(rng, x.shape), rate), x.shape).astype(np.float64)
        mask = on * scale(rate)
        return x * mask, mask if scale_in_mask else on

    return variant


def _by_mask(mask_of: Callable[[Array, float], Array]) -> Function:
    """The forward pass with another mask from the uniform numbers."""

    def variant(
        x: Array, rate: float, rng: np.random.Generator, training: bool
    ) -> tuple[Array, Array]:
        mask = mask_of(rng.random(x.shape), rate) if training else np.ones_like(x)
        return x * mask, mask

    return variant


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
    criteria=(
        Criterion("out and mask have the shape of x", 0.25, "shape"),
        Criterion(
            "the right share is kept",
            0.75,
            group="share",
            outputs=("share_kept",),
            equations=("do-mask",),
            tolerance=_DRAWS,
        ),
        Criterion(
            "what is kept is scaled as inverted dropout does it",
            0.5,
            group="ordinary",
            outputs=("out_over_x_where_kept",),
            equations=("do-inverted",),
            tolerance=_EXACT,
        ),
        Criterion(
            "mask is what x was multiplied by",
            0.25,
            group="ordinary",
            outputs=("mask_where_kept", "largest_mask_where_x_is_0", "out_minus_mask_times_x"),
            equations=("do-forward", "do-inverted"),
            tolerance=_EXACT,
        ),
        Criterion(
            "each entry has a draw of its own, from rng",
            0.5,
            group="ordinary",
            outputs=(
                "different_masks_of_examples",
                "different_masks_of_units",
                "same_seed_gives_same_mask",
                "next_call_gives_new_mask",
                "number_kept_varies_from_call_to_call",
                "number_kept_of_an_example_varies",
                "number_kept_of_a_unit_varies",
            ),
            equations=("do-mask",),
            tolerance=_COUNTS,
        ),
        Criterion(
            "inference lets x through",
            0.25,
            group="inference",
            outputs=("share_kept", "out_over_x_where_kept", "mask_where_kept"),
            equations=("do-inverted",),
            tolerance=_DRAWS,
        ),
        Criterion(
            "an x of three axes, a rate of 0",
            0.25,
            group="edge",
            outputs=("out_over_x_where_kept",),
            equations=("do-inverted",),
            tolerance=_EXACT,
        ),
        Criterion("the arguments are left as they were", 0.25, "unchanged"),
    ),
    misconceptions=(
        Misconception(
            "a division by the drop probability",
            "What was kept with probability 1 - rate has to be divided by 1 - rate, so that the "
            "mask has mean 1. Only at a rate of 0.5 does nobody notice.",
            "do-inverted",
            (_forward_variant(scale=lambda p: np.divide(1.0, p)),),
        ),
        Misconception(
            "rate taken as the probability to keep",
            "That is the convention of the paper of Srivastava and others and of TensorFlow 1. "
            "Here, as in PyTorch and Keras, rate is the probability to drop. A uniform number is "
            "below rate with probability rate: such an entry is dropped, and the others stay.",
            "do-mask",
            (
                _forward_variant(kept=lambda u, p: u < p),
                _forward_variant(kept=lambda u, p: u < p, scale=lambda p: np.divide(1.0, p)),
            ),
        ),
        Misconception(
            "no scaling in training",
            "That is standard dropout, which has to scale the weights afterwards. Inverted dropout "
            "scales what is kept, so that the expected output is x.",
            "do-inverted",
            (_forward_variant(scale=lambda p: 1.0),),
        ),
        Misconception(
            "standard dropout",
            "It keeps what it keeps as it is and scales at inference. Inverted dropout scales in "
            "training, by 1 / (1 - rate), and leaves inference alone.",
            "do-inverted",
            tuple(
                _forward_variant(scale=lambda p: 1.0, inference=inference)
                for inference in (
                    lambda p: (1 - p, 1 - p),
                    lambda p: (1 - p, 1.0),
                    lambda p: (p, p),
                    lambda p: (p, 1.0),
                )
            ),
        ),
        Misconception(
            "what is kept made smaller",
            "You multiply by 1 - rate in training. Some entries are missing, so the others have to "
            "become larger for the mean to stay: divide.",
            "do-inverted",
            (_forward_variant(scale=lambda p: 1 - p),),
        ),
        Misconception(
            "a factor of 1 - rate at inference",
            "That belongs to standard dropout. Inverted dropout has scaled in training already; a "
            "second factor makes every net input too small.",
            "do-inverted",
            (
                _forward_variant(inference=lambda p: (1 - p, 1 - p)),
                _forward_variant(inference=lambda p: (1 - p, 1.0)),
            ),
        ),
        Misconception(
            "a factor of 1 / (1 - rate) at inference",
            "Nothing is dropped at inference, so there is nothing to make up for: out is x.",
            "do-inverted",
            (
                _forward_variant(inference=lambda p: (1 / (1 - p), 1 / (1 - p))),
                _forward_variant(inference=lambda p: (1 / (1 - p), 1.0)),
            ),
        ),
        Misconception(
            "dropout left on at inference",
            "Look at training: where it is False, out is x and every entry of mask is 1.",
            "do-inverted",
            (_forward_variant(inference=None),),
        ),
        Misconception(
            "training and inference exchanged",
            "Units are dropped where training is True.",
            "do-inverted",
            (lambda x, rate, rng, training: _forward_variant()(x, rate, rng, not training),),
        ),
        Misconception(
            "a mask that x is not multiplied by",
            "You return x as it came. out is mask * x.",
            "do-forward",
            (lambda x, rate, rng, training: (x, _forward_variant()(x, rate, rng, training)[1]),),
            idle=True,
        ),
        Misconception(
            "nothing dropped in training",
            "Every entry of your mask is 1. If it comes from a comparison, look at the order: "
            "Python divides first and compares then, and a uniform number is always below p / p.",
            "do-mask",
            (_forward_variant(kept=lambda u, p: u < 1.0, scale=lambda p: 1.0),),
            idle=True,
        ),
        Misconception(
            "a difference without its parentheses",
            "Python reads a / 1 - rate as (a / 1) - rate. Put parentheses around 1 - rate.",
            "do-inverted",
            (_by_mask(lambda u, p: (u >= p) / 1 - p),),
        ),
        Misconception(
            "one mask for the whole batch",
            "Each example of a mini-batch trains a sub-network of its own: draw as many numbers as "
            "x has entries. Deck H and deck L draw once for a mini-batch; the gradient is then "
            "noisier.",
            "do-mask",
            (_forward_variant(draw=lambda rng, s: rng.random(s[1:])),),
        ),
        Misconception(
            "one draw for all units of an example",
            "The units have to be dropped independently of each other: draw as many numbers as x "
            "has entries.",
            "do-mask",
            (_forward_variant(draw=lambda rng, s: rng.random((s[0], *[1] * (len(s) - 1)))),),
        ),
        Misconception(
            "a normal random number in place of a uniform one",
            "Only a number that is uniform on [0, 1) is below rate with probability rate.",
            "do-mask",
            tuple(
                _forward_variant(kept, scale, lambda rng, s: rng.standard_normal(s))
                for kept in (lambda u, p: u >= p, lambda u, p: u < p)
                for scale in (lambda p: 1 / (1 - p), lambda p: np.divide(1.0, p))
            ),
        ),
        Misconception(
            "a division done before the comparison",
            "Python divides first and compares then: u >= p / (1 - p) compares u with the "
            "quotient. Put parentheses around the comparison.",
            "do-inverted",
            (_forward_variant(kept=lambda u, p: u >= p / (1 - p), scale=lambda p: 1.0),),
        ),
        Misconception(
            "a seed of your own",
            "A generator that is made anew in every call repeats itself, so the same units are "
            "dropped for ever. Draw from rng.",
            "do-mask",
            (_forward_variant(draw=lambda rng, s: np.random.default_rng(1).random(s)),),
        ),
        Misconception(
            "random numbers that do not come from rng",
            "The caller cannot repeat the run: with the same rng the masks have to be the same.",
            "do-mask",
            (_forward_variant(draw=lambda rng, s: np.random.default_rng().random(s)),),
        ),
        Misconception(
            "a mask without its scale",
            "Return what x was multiplied by, 0 or 1 / (1 - rate): the backward pass needs both.",
            "do-inverted",
            (_forward_variant(scale_in_mask=False),),
        ),
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


def _backward_variant(
    dh: Callable[..., Array] = lambda back, h, mask: back * mask,
    into_weight: Callable[[Array, Array], Array] = lambda h, mask: h * mask,
    mean: bool = False,
) -> Function:
    """The backward pass with one of its steps exchanged."""

    def variant(dz: Array, h: Array, mask: Array, weight: Array) -> tuple[Array, ...]:
        count = len(dz) if mean else 1
        dweight = into_weight(h, mask).T @ dz / count
        return dh(dz @ weight.T, h, mask), dweight, dz.sum(axis=0) / count

    return variant


BACKWARD = Exercise(
    name="dropout.backward",
    outputs=("dh", "dweight", "dbias"),
    reference=_backward,
    cases=_backward_cases,
    criteria=(
        Criterion("dh, dweight and dbias have the right shapes", 0.25, "shape"),
        Criterion(
            "dh goes back through the mask",
            0.5,
            group="ordinary",
            outputs=("dh",),
            equations=("do-backward",),
        ),
        Criterion(
            "dweight and dbias are those of the layer's input",
            0.5,
            group="ordinary",
            outputs=("dweight", "dbias"),
            equations=("do-forward", "do-backward"),
        ),
        Criterion(
            "units and examples that are off, standard dropout, a single example",
            0.5,
            group="edge",
            outputs=("dh", "dweight", "dbias"),
            equations=("do-backward",),
        ),
        Criterion("the arguments are left as they were", 0.25, "unchanged"),
    ),
    misconceptions=(
        Misconception(
            "a mask that is missing in dh",
            "The forward pass multiplied h by mask, and so does the chain rule: a unit that was "
            "off had no part in the loss.",
            "do-backward",
            (_backward_variant(dh=lambda back, h, mask: back),),
        ),
        Misconception(
            "the weights' gradient from units that were off",
            "What the layer received was mask * h, so that is what dz meets in dweight.",
            "do-forward",
            (_backward_variant(into_weight=lambda h, mask: h),),
        ),
        Misconception(
            "no mask at all",
            "This is the gradient of the layer without dropout. The forward pass that gave the "
            "loss had a mask, and the gradient has the same one.",
            "do-backward",
            (_backward_variant(dh=lambda back, h, mask: back, into_weight=lambda h, mask: h),),
        ),
        Misconception(
            "a mask whose scale is lost in dh",
            "Where mask is 1 / (1 - rate), the derivative is 1 / (1 - rate) and not 1: multiply by "
            "mask itself.",
            "do-backward",
            (_backward_variant(dh=lambda back, h, mask: back * (mask != 0)),),
        ),
        Misconception(
            "a scale that is lost in the weights' gradient",
            "The layer received mask * h, and where a unit is on that is larger than h.",
            "do-inverted",
            (_backward_variant(into_weight=lambda h, mask: h * (mask != 0)),),
        ),
        Misconception(
            "a mask applied twice in dh",
            "The mask came once into the forward pass, so it comes once into the derivative. Deck "
            "C's second mask does no harm, because its masks hold 0 and 1; here it squares the "
            "scale.",
            "do-backward",
            (_backward_variant(dh=lambda back, h, mask: back * mask * mask),),
        ),
        Misconception(
            "a mask applied twice in the weights' gradient",
            "The layer received mask * h, with one mask.",
            "do-forward",
            (_backward_variant(into_weight=lambda h, mask: h * mask * mask),),
        ),
        Misconception(
            "units taken as dropped because they are silent",
            "An h of 0 says nothing about the mask: the unit is on, and its gradient is not 0. "
            "Use mask itself.",
            "do-backward",
            (_backward_variant(dh=lambda back, h, mask: back * mask * (h != 0)),),
        ),
        Misconception(
            "the layer's input in place of the mask",
            "The derivative of mask * h with respect to h is mask.",
            "do-backward",
            (
                _backward_variant(dh=lambda back, h, mask: back * mask * h),
                _backward_variant(dh=lambda back, h, mask: back * h),
            ),
        ),
        Misconception(
            "the derivative of a ReLU in dh",
            "h comes out of the activation, and dh is asked for h itself. The activation's "
            "derivative belongs to the layer below.",
            "do-backward",
            (_backward_variant(dh=lambda back, h, mask: back * mask * (h > 0)),),
        ),
        Misconception(
            "a mean where dweight and dbias want a sum",
            "Whatever averages over the batch is already in dz: add up the examples.",
            "do-backward",
            (_backward_variant(mean=True),),
        ),
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


def _inference_variant(
    factors: Callable[[float, float, int], list[float]], on_bias: bool = False
) -> Function:
    """Inference with other factors than 1 - input_rate, 1 - hidden_rate, 1 - hidden_rate ..."""

    def variant(
        weights: list[Array], biases: list[Array], input_rate: float, hidden_rate: float
    ) -> tuple[list[Array], list[Array]]:
        chosen = factors(input_rate, hidden_rate, len(weights))
        return (
            [f * w for f, w in zip(chosen, weights, strict=True)],
            [f * b if on_bias else b for f, b in zip(chosen, biases, strict=True)],
        )

    return variant


def _of_layers(kept: Callable[[float], float]) -> Callable[[float, float, int], list[float]]:
    return lambda a, b, n: [kept(a)] + [kept(b)] * (n - 1)


INFERENCE = Exercise(
    name="dropout.inference",
    outputs=("weights", "biases"),
    lists=("weights", "biases"),
    reference=_inference,
    cases=_inference_cases,
    criteria=(
        Criterion("weights and biases have the shapes of the given ones", 0.25, "shape"),
        Criterion(
            "weights and biases of the network at inference",
            0.75,
            group="ordinary",
            outputs=("weights", "biases"),
            equations=("do-weight-scaling",),
        ),
        Criterion(
            "inputs that were never dropped, a network of one layer",
            0.25,
            group="edge",
            outputs=("weights", "biases"),
            equations=("do-weight-scaling",),
        ),
        Criterion("the arguments are left as they were", 0.25, "unchanged"),
    ),
    misconceptions=(
        Misconception(
            "the probability to be dropped where that to be kept belongs",
            "Deck L says so, and at a rate of 0.5 it makes no difference. A weight was used with "
            "probability 1 - rate, so that is its share of the expected sum.",
            "do-weight-scaling",
            (_inference_variant(_of_layers(lambda p: p)),),
        ),
        Misconception(
            "a division by the probability to keep",
            "With all units on the sums are larger than in training, so the weights have to become "
            "smaller.",
            "do-weight-scaling",
            (_inference_variant(_of_layers(lambda p: 1 / (1 - p))),),
        ),
        Misconception(
            "biases that are scaled too",
            "A bias was never dropped: it came into every sum of the training, and comes into "
            "every sum now.",
            "do-weight-scaling",
            (_inference_variant(_of_layers(lambda p: 1 - p), on_bias=True),),
        ),
        Misconception(
            "the weights into the dropped units in place of those out of them",
            "A weight needs the factor if its input could be dropped. So the output layer's has "
            "one, for hidden units feed it, and the first layer's has that of the inputs.",
            "do-weight-scaling",
            (
                _inference_variant(lambda a, b, n: [1 - b] * (n - 1) + [1.0]),
                _inference_variant(lambda a, b, n: [1 - a, *[1 - b] * (n - 2), 1.0][-n:]),
            ),
        ),
        Misconception(
            "the dropped inputs forgotten",
            "The first layer's weights are fed by the inputs, which were dropped with input_rate.",
            "do-weight-scaling",
            (_inference_variant(lambda a, b, n: [1.0] + [1 - b] * (n - 1)),),
        ),
        Misconception(
            "one rate for all layers",
            "The first layer is fed by the inputs, and these have a rate of their own.",
            "do-weight-scaling",
            (_inference_variant(lambda a, b, n: [1 - b] * n),),
        ),
        Misconception(
            "factors that pile up from layer to layer",
            "Once the first layer is scaled, the next one receives what it received in training on "
            "average. It needs the factor for its own inputs and no other.",
            "do-weight-scaling",
            (
                _inference_variant(lambda a, b, n: [(1 - a) * (1 - b) ** k for k in range(n)]),
                _inference_variant(lambda a, b, n: [1 - a] + [(1 - b) ** k for k in range(1, n)]),
            ),
        ),
        Misconception(
            "weights as they were trained",
            "With standard dropout nothing was scaled in training, and at inference every sum has "
            "all of its terms: scale the weights.",
            "do-weight-scaling",
            (_inference_variant(lambda a, b, n: [1.0] * n),),
            idle=True,
        ),
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


def _average_variant(
    probability: Callable[[Array, int, float], Any] = (
        lambda on, n, p: (1 - p) ** on * p ** (n - on)
    ),
    scale: Callable[[float], float] = lambda p: 1 / (1 - p),
    normalize: bool = False,
) -> Function:
    """The average with other probabilities of masks with `on` ones, or another scale."""

    def variant(predict: Callable[[Array], Array], h: Array, rate: float) -> Array:
        units = len(h)
        kept = (np.arange(2**units)[:, np.newaxis] >> np.arange(units)) & 1
        on = kept.sum(axis=1)
        weight = np.broadcast_to(probability(on, units, rate), on.shape).astype(np.float64)
        if normalize:
            weight = weight / weight.sum()
        return weight @ predict(kept * h * scale(rate))

    return variant


def _one_network(factor: Callable[[float], float]) -> Function:
    return lambda predict, h, rate: predict(factor(rate) * h[np.newaxis])[0]


def _without(number: Callable[[int], int]) -> Callable[[Array, int, float], Array]:
    """The probabilities with 0 for the masks that have this number of ones."""
    return lambda on, n, p: (1 - p) ** on * p ** (n - on) * (on != number(n))


AVERAGE = Exercise(
    name="dropout.average",
    outputs=("average",),
    reference=_average,
    cases=_average_cases,
    criteria=(
        Criterion("the average has the shape of one output", 0.25, "shape"),
        Criterion(
            "the average over all sub-networks",
            1.5,
            group="ordinary",
            outputs=("average",),
            equations=("do-subnetwork", "do-expectation"),
        ),
        Criterion(
            "a single unit, layers that are linear, a rate of 0",
            0.5,
            group="edge",
            outputs=("average",),
            equations=("do-subnetwork", "do-expectation"),
        ),
        Criterion("the arguments are left as they were", 0.25, "unchanged"),
    ),
    misconceptions=(
        Misconception(
            "one network in place of the average",
            "You put the average input through predict. What is asked for is the average of the "
            "outputs, which is another number as soon as predict bends.",
            "do-expectation",
            (
                _one_network(lambda p: 1.0),
                _one_network(lambda p: 1 - p),
                _one_network(lambda p: 1 / (1 - p)),
            ),
        ),
        Misconception(
            "all sub-networks taken as equally likely",
            "A mask that keeps k of n units has the probability (1 - rate)^k rate^(n - k). They "
            "are equal at a rate of 0.5 alone.",
            "do-subnetwork",
            (_average_variant(lambda on, n, p: 0.5**n),),
        ),
        Misconception(
            "sub-networks added up without their probabilities",
            "A sum over 2^n networks is no average: each comes in with its probability.",
            "do-subnetwork",
            (_average_variant(lambda on, n, p: 1.0),),
        ),
        Misconception(
            "probabilities of keeping and dropping exchanged",
            "Each unit that is on brings the factor 1 - rate, each unit that is off the factor "
            "rate.",
            "do-subnetwork",
            (_average_variant(lambda on, n, p: p**on * (1 - p) ** (n - on)),),
        ),
        Misconception(
            "probabilities of what is kept alone",
            "The units that are off have their factor too, rate for each of them. Do your "
            "probabilities add up to 1?",
            "do-subnetwork",
            (
                _average_variant(lambda on, n, p: (1 - p) ** on),
                _average_variant(lambda on, n, p: (1 - p) ** on, normalize=True),
            ),
        ),
        Misconception(
            "probabilities of what is dropped alone",
            "The units that are on have their factor too, 1 - rate for each of them. Do your "
            "probabilities add up to 1?",
            "do-subnetwork",
            (
                _average_variant(lambda on, n, p: p ** (n - on)),
                _average_variant(lambda on, n, p: p ** (n - on), normalize=True),
            ),
        ),
        Misconception(
            "kept units that are not scaled",
            "These are the sub-networks of standard dropout. Inverted dropout divides what is kept "
            "by 1 - rate.",
            "do-inverted",
            (_average_variant(scale=lambda p: 1.0),),
        ),
        Misconception(
            "kept units divided by the drop probability",
            "What is kept with probability 1 - rate is divided by 1 - rate.",
            "do-inverted",
            (_average_variant(scale=lambda p: float(np.divide(1.0, p))),),
        ),
        Misconception(
            "the sub-network without any unit left out",
            "The mask of zeros belongs to the 2^n, with probability rate^n: the layers above still "
            "have their biases.",
            "do-expectation",
            (
                _average_variant(_without(lambda n: 0)),
                _average_variant(_without(lambda n: 0), normalize=True),
            ),
        ),
        Misconception(
            "the network with all units left out",
            "The mask of ones belongs to the 2^n, with probability (1 - rate)^n.",
            "do-expectation",
            (
                _average_variant(_without(lambda n: n)),
                _average_variant(_without(lambda n: n), normalize=True),
            ),
        ),
        Misconception(
            "a division by the number of masks on top of the probabilities",
            "The probabilities add up to 1, so the weighted sum is the average already.",
            "do-expectation",
            (_average_variant(lambda on, n, p: (1 - p) ** on * p ** (n - on) / 2**n),),
        ),
    ),
)

EXERCISES = (FORWARD, BACKWARD, INFERENCE, AVERAGE)
