"""Checks of the exercise ``initialization``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradlab import initialization as reference
from gradlab.activations import leaky_relu
from gradlab.checks._model import Case, Criterion, Exercise, Misconception

Array = NDArray[Any]


def _fans(rng: np.random.Generator) -> tuple[int, int]:
    """Two numbers of units, one about three times the other."""
    small = int(rng.integers(11, 17))
    large = 3 * small + int(rng.integers(1, 6))
    return (small, large) if rng.random() < 0.5 else (large, small)


# ---- deviation and limit of each rule

_RULES = {
    "lecun": (reference.lecun_normal, reference.lecun_uniform),
    "xavier": (reference.xavier_normal, reference.xavier_uniform),
    "he": (reference.he_normal, reference.he_uniform),
    "he-average": (reference.he_average_normal, None),
}
_GROUPS = {"linear": ("lecun", "xavier"), "relu": ("he", "he-average")}


def _spread(rule: str, fan_in: int, fan_out: int) -> tuple[float, float]:
    """What the rule makes of a standard normal number, and of one uniform between -1 and 1."""
    normal, uniform = _RULES[rule]
    drawn = normal(fan_in, fan_out, np.random.default_rng(0))[0, 0]
    deviation = float(drawn / np.random.default_rng(0).standard_normal())
    if uniform is None:
        return deviation, float(np.sqrt(3 * deviation**2))
    drawn = uniform(fan_in, fan_out, np.random.default_rng(0))[0, 0]
    return deviation, float(drawn / np.random.default_rng(0).uniform(-1, 1))


def _spread_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for group, rules in _GROUPS.items():
        for rule in rules:
            fan_in, fan_out = _fans(rng)
            # Both orders for each rule: with one, the larger fan could be taken for the fan-in.
            for sizes in ((fan_in, fan_out), (fan_out, fan_in)):
                arguments = {"rule": rule, "fan_in": sizes[0], "fan_out": sizes[1]}
                label = f"{rule}, {sizes[0]} inputs and {sizes[1]} outputs"
                cases.append(Case(group, label, arguments))
    return cases


def _mean_fan(fan_in: int, fan_out: int) -> float:
    return (fan_in + fan_out) / 2


def _spread_variant(
    fan: Callable[[int, int], float] = lambda fan_in, fan_out: fan_in,
    mean: Callable[[int, int], float] = _mean_fan,
    gain: float = 2.0,
    average_gain: float = 2.0,
    deviation: Callable[[float, float], float] = lambda gain, fan: (gain / fan) ** 0.5,
    limit: Callable[[float, float], float] = lambda gain, fan: (3 * gain / fan) ** 0.5,
) -> Callable[..., tuple[float, float]]:
    """Deviation and limit with one of their parts exchanged."""

    def variant(rule: str, fan_in: int, fan_out: int) -> tuple[float, float]:
        chosen = {
            "lecun": (1.0, fan(fan_in, fan_out)),
            "xavier": (1.0, mean(fan_in, fan_out)),
            "he": (gain, fan(fan_in, fan_out)),
            "he-average": (average_gain, mean(fan_in, fan_out)),
        }[rule]
        return deviation(*chosen), limit(*chosen)

    return variant


SPREAD = Exercise(
    name="initialization.spread",
    outputs=("deviation", "limit"),
    reference=_spread,
    cases=_spread_cases,
    criteria=(
        Criterion(
            "the deviations of LeCun's and Xavier's rules",
            0.5,
            group="linear",
            outputs=("deviation",),
            equations=("init-lecun", "init-xavier"),
        ),
        Criterion(
            "the deviations of He's rule and of deck S's form",
            0.5,
            group="relu",
            outputs=("deviation",),
            equations=("init-he", "init-he-average"),
        ),
        Criterion(
            "the limits of LeCun's and Xavier's rules",
            0.5,
            group="linear",
            outputs=("limit",),
            equations=("init-lecun-uniform", "init-xavier-uniform"),
        ),
        Criterion(
            "the limits of He's rule and of deck S's form",
            0.5,
            group="relu",
            outputs=("limit",),
            equations=("init-uniform-limit", "init-he-uniform"),
        ),
    ),
    misconceptions=(
        Misconception(
            "the variance in place of the deviation",
            "The rules name a variance. The deviation is its root, and it is the deviation that "
            "rng.normal takes.",
            "init-lecun",
            (_spread_variant(deviation=lambda gain, fan: gain / fan),),
        ),
        Misconception(
            "the deviation in place of the limit",
            "A uniform number between -a and a has a smaller deviation than a. To take the one for "
            "the other was the mistake of Torch's old rule.",
            "init-legacy-torch",
            (_spread_variant(limit=lambda gain, fan: (gain / fan) ** 0.5),),
        ),
        Misconception(
            "the length of the interval in place of its limit",
            "The interval reaches from -a to a, so its length is 2a, and the variance is the "
            "square of that over 12.",
            "init-uniform-limit",
            (_spread_variant(limit=lambda gain, fan: (12 * gain / fan) ** 0.5),),
        ),
        Misconception(
            "a limit without the root",
            "Three times the variance is the square of the limit.",
            "init-uniform-limit",
            (_spread_variant(limit=lambda gain, fan: 3 * gain / fan),),
        ),
        Misconception(
            "3 outside of the root",
            "The limit is the deviation times the root of 3.",
            "init-uniform-limit",
            (_spread_variant(limit=lambda gain, fan: 3 * (gain / fan) ** 0.5),),
        ),
        Misconception(
            "the fan-out in place of the fan-in",
            "LeCun's rule and He's, as this exercise asks for them, keep the activations: the sum "
            "in a unit runs over its inputs. With the fan-out (PyTorch's mode='fan_out') they "
            "would keep the gradients.",
            "init-he",
            (_spread_variant(fan=lambda fan_in, fan_out: fan_out),),
        ),
        Misconception(
            "deck S's form without its factor 2",
            "This is Xavier's rule. Deck S's form is to He's what Xavier's is to LeCun's, so twice "
            "that variance.",
            "init-he-average",
            (_spread_variant(average_gain=1.0),),
        ),
        Misconception(
            "the sum of the fans in place of their mean",
            "In a square layer the rule has to agree with the one that has the fan-in alone.",
            "init-xavier",
            (_spread_variant(mean=lambda fan_in, fan_out: fan_in + fan_out),),
        ),
        Misconception(
            "the mean of two variances",
            "The two fans are averaged, and the variance is one over that. You average one over "
            "the fan-in and one over the fan-out, which is more wherever they differ.",
            "init-xavier",
            (
                _spread_variant(
                    mean=lambda fan_in, fan_out: 2 / (1 / fan_in + 1 / fan_out),
                ),
            ),
        ),
        Misconception(
            "the geometric mean of the fans",
            "The rule has the arithmetic mean, (fan_in + fan_out) / 2.",
            "init-xavier",
            (_spread_variant(mean=lambda fan_in, fan_out: (fan_in * fan_out) ** 0.5),),
        ),
        Misconception(
            "rules for ReLU without their factor 2",
            "These are LeCun's and Xavier's rules again. ReLU passes half of the mean square, and "
            "the variance has to make up for it.",
            "init-he",
            (_spread_variant(gain=1.0, average_gain=1.0),),
        ),
        Misconception(
            "the factor 2 outside of the root",
            "The variance is doubled, not the deviation.",
            "init-he",
            (_spread_variant(gain=4.0, average_gain=4.0),),
        ),
    ),
)


# ---- drawing weights


def _draw(fan_in: int, fan_out: int, rng: np.random.Generator) -> Array:
    return reference.he_uniform(fan_in, fan_out, rng)


def _draws(
    function: Callable[..., Array], fan_in: int, fan_out: int, seed: int
) -> tuple[Array, float, float, float, float, float, float, float]:
    """What is the same for every correct way to draw, or all but the same."""
    rng = np.random.default_rng(seed)
    first = np.asarray(function(fan_in, fan_out, rng), float)
    following = np.asarray(function(fan_in, fan_out, rng), float)
    again = np.asarray(function(fan_in, fan_out, np.random.default_rng(seed)), float)
    if first.size == 0 or not first.shape == following.shape == again.shape:
        nan = np.nan
        return first, nan, nan, nan, nan, nan, nan, nan
    deviation = first.std()
    return (
        first,
        np.unique(first).size / first.size,
        first.min(),
        first.max(),
        deviation,
        np.mean(np.abs(first) < deviation),
        np.mean(following != first),
        np.mean(again == first),
    )


def _draw_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for fan_in, fan_out in ((200, 130), (110, 240)):
        seed = int(rng.integers(2**31))
        sizes = fan_in + int(rng.integers(9)), fan_out + int(rng.integers(9))
        label = f"{sizes[0]} inputs and {sizes[1]} outputs"
        arguments = {"fan_in": sizes[0], "fan_out": sizes[1], "seed": seed}
        cases.append(Case("ordinary", label, arguments))
    return cases


def _uniform(limit: Callable[[int, int], float], low: float = -1.0) -> Callable[..., Array]:
    """A uniform draw up to another limit, from `low` times it on."""

    def variant(fan_in: int, fan_out: int, rng: np.random.Generator) -> Array:
        a = limit(fan_in, fan_out)
        return rng.uniform(low * a, a, (fan_in, fan_out))

    return variant


def _he_limit(fan_in: int, fan_out: int) -> float:
    return float(np.sqrt(6 / fan_in))


def _elsewhere(*seed: int) -> Callable[..., Array]:
    """The draw from a generator that is not the one handed over."""
    return lambda fan_in, fan_out, rng: _draw(fan_in, fan_out, np.random.default_rng(*seed))


def _normal(fan_in: int, fan_out: int, rng: np.random.Generator) -> Array:
    return reference.he_normal(fan_in, fan_out, rng)


def _shared(fan_in: int, fan_out: int, rng: np.random.Generator) -> Array:
    return np.repeat(_draw(fan_in, 1, rng), fan_out, axis=1)


def _one_number(fan_in: int, fan_out: int, rng: np.random.Generator) -> Array:
    return np.full((fan_in, fan_out), _draw(fan_in, 1, rng)[0, 0])


# Each case has at least 26,000 draws. The largest of them is within 0.3 % of the limit but once in
# 10^16 times; between two draws the deviation and the share within it differ by 6 standard
# deviations at 2.4 % and 4.6 %.
DRAW = Exercise(
    name="initialization.draw",
    outputs=(
        "weights",
        "share_of_different_weights",
        "least_weight",
        "greatest_weight",
        "deviation",
        "share_within_one_deviation",
        "share_new_in_the_next_draw",
        "share_repeated_from_the_same_seed",
    ),
    returns=("weights",),
    reference=_draw,
    observe=_draws,
    cases=_draw_cases,
    criteria=(
        Criterion("weights has the shape (fan_in, fan_out)", 0.25, "shape"),
        Criterion(
            "every weight is a draw of its own, and each comes from rng",
            0.5,
            group="ordinary",
            outputs=(
                "share_of_different_weights",
                "share_new_in_the_next_draw",
                "share_repeated_from_the_same_seed",
            ),
            equations=("init-symmetry",),
            # Of float32 draws, one in a thousand comes twice.
            tolerance=(0.01, 0.0),
        ),
        Criterion(
            "the weights reach from minus the limit to the limit",
            0.75,
            group="ordinary",
            # Few draws, each used many times, could come near the limits or not.
            outputs=("share_of_different_weights", "least_weight", "greatest_weight"),
            equations=("init-he-uniform",),
            tolerance=(3e-3, 0.0),
        ),
        Criterion(
            "between the limits they are spread evenly",
            0.5,
            group="ordinary",
            outputs=(
                "share_of_different_weights",
                "deviation",
                "share_within_one_deviation",
            ),
            equations=("init-uniform-limit",),
            tolerance=(0.05, 0.0),
        ),
    ),
    misconceptions=(
        Misconception(
            "the deviation as the limit",
            "This was Torch's old mistake: the variance comes out as a third of what it should be.",
            "init-legacy-torch",
            (_uniform(lambda fan_in, fan_out: float(np.sqrt(2 / fan_in))),),
        ),
        Misconception(
            "Torch's old rule",
            "One over the root of the fan-in is LeCun's deviation, and here it is the limit of a "
            "uniform draw for ReLU: a factor is missing for each of the two.",
            "init-legacy-torch",
            (reference.legacy_torch_uniform,),
        ),
        Misconception(
            "LeCun's limit",
            "It keeps the mean square through linear units. ReLU passes half of it, so the "
            "variance has to be twice as large.",
            "init-he-uniform",
            (reference.lecun_uniform,),
        ),
        Misconception(
            "Xavier's limit",
            "It has the sum of both fans. He's rule, as asked for here, has the fan-in alone.",
            "init-he-uniform",
            (reference.xavier_uniform,),
        ),
        Misconception(
            "the fan-out in place of the fan-in",
            "With the fan-out, PyTorch's mode='fan_out', the rule keeps the gradients. This "
            "exercise asks for the one that keeps the activations.",
            "init-he-uniform",
            (_uniform(lambda fan_in, fan_out: float(np.sqrt(6 / fan_out))),),
        ),
        Misconception(
            "a limit without the root",
            "The square of the limit is three times the variance.",
            "init-uniform-limit",
            (_uniform(lambda fan_in, fan_out: 6 / fan_in),),
        ),
        Misconception(
            "the factor 2 outside of the root",
            "He's rule doubles the variance, not the deviation.",
            "init-he-uniform",
            (_uniform(lambda fan_in, fan_out: 2 * float(np.sqrt(3 / fan_in))),),
        ),
        Misconception(
            "weights of one sign",
            "The interval reaches from minus the limit to the limit. The derivation needs weights "
            "with mean 0.",
            "init-he-uniform",
            (_uniform(_he_limit, low=0.0),),
        ),
        Misconception(
            "an interval of half the length",
            "rng.random() - 0.5 lies between -0.5 and 0.5, not between -1 and 1.",
            "init-he-uniform",
            (_uniform(lambda fan_in, fan_out: _he_limit(fan_in, fan_out) / 2),),
        ),
        Misconception(
            "a normal draw",
            "Its variance is right, and as an initialization it is as good. This exercise asks for "
            "the uniform draw.",
            "init-he",
            (_normal,),
        ),
        Misconception(
            "the same weights for every unit",
            "Draw fan_in times fan_out numbers. Units that start equal get equal gradients and "
            "stay equal.",
            "init-symmetry",
            (_shared, _one_number),
        ),
        Misconception(
            "numbers that do not come from rng",
            "The same seed has to give the same weights, or an experiment cannot be repeated: draw "
            "from the generator that is handed over.",
            "init-he-uniform",
            (_elsewhere(),),
        ),
        Misconception(
            "a generator with a seed of its own",
            "Each call gives the same numbers, so all layers of one shape start equal: draw from "
            "the generator that is handed over.",
            "init-symmetry",
            (_elsewhere(0),),
        ),
    ),
)


# ---- mean squares through the layers


def _mean_squares(
    widths: list[int], variances: Array, alpha: float, start: float, end: float
) -> tuple[Array, Array]:
    return (
        reference.propagated_variance(widths, variances, alpha, "forward", start),
        reference.propagated_variance(widths, variances, alpha, "backward", end),
    )


def _mean_square_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for group, layers, alpha, what in (
        ("ordinary", 3, 0.3, "leaky ReLU"),
        ("ordinary", 5, 0.0, "ReLU"),
        ("ordinary", 4, 0.1, "leaky ReLU"),
        ("edge", 1, 0.2, "leaky ReLU"),
        ("edge", 4, 1.0, "linear units"),
        ("edge", 30, 0.05, "leaky ReLU"),
    ):
        widths = rng.permutation(np.arange(20, 20 + 3 * (layers + 1), 3)).tolist()
        arguments = {
            "widths": widths,
            "variances": rng.uniform(0.3, 2.5, layers) / widths[0],
            "alpha": alpha,
            "start": float(rng.uniform(1.5, 3.0)),
            "end": float(rng.uniform(0.2, 0.7)),
        }
        plural = "" if layers == 1 else "s"
        cases.append(Case(group, f"{layers} layer{plural} of {what}, alpha = {alpha:g}", arguments))
    return cases


def _half_gain(alpha: float) -> float:
    return (1 + alpha**2) / 2


def _mean_square_variant(
    gain: Callable[[float], float] = _half_gain,
    gain_back: Callable[[float], float] | None = None,
    forward_fan: slice = slice(None, -1),
    backward_fan: slice = slice(1, None),
    of_variances: Callable[[Array], Array] = lambda variances: variances,
    pile: Callable[[Array], Array] = np.cumprod,
    starts: Callable[[float, float], tuple[float, float]] = lambda start, end: (start, end),
) -> Callable[..., tuple[Array, Array]]:
    """The recursions with one of their parts exchanged."""

    def variant(
        widths: list[int], variances: Array, alpha: float, start: float, end: float
    ) -> tuple[Array, Array]:
        sizes, v = np.array(widths, float), of_variances(variances)
        first, last = starts(start, end)
        there = gain(alpha) * sizes[forward_fan] * v
        back = (gain_back or gain)(alpha) * sizes[backward_fan] * v
        return (
            first * np.append(1.0, pile(there)),
            last * np.append(1.0, pile(back[::-1]))[::-1],
        )

    return variant


def _backward_from_the_input(
    widths: list[int], variances: Array, alpha: float, start: float, end: float
) -> tuple[Array, Array]:
    forward, _ = _mean_squares(widths, variances, alpha, start, end)
    factors = _half_gain(alpha) * np.array(widths[1:]) * variances
    return forward, end * np.append(1.0, np.cumprod(factors))


MEAN_SQUARES = Exercise(
    name="initialization.mean_squares",
    outputs=("forward", "backward"),
    reference=_mean_squares,
    cases=_mean_square_cases,
    # After thirty layers a mean square may be tiny: the absolute part would excuse everything.
    tolerance={"float64": (1e-6, 0.0)},
    criteria=(
        Criterion("forward and backward have the right shapes", 0.25, "shape"),
        Criterion(
            "forward is right",
            0.75,
            group="ordinary",
            outputs=("forward",),
            equations=("init-variance-forward",),
        ),
        Criterion(
            "backward is right",
            0.75,
            group="ordinary",
            outputs=("backward",),
            equations=("init-variance-backward",),
        ),
        Criterion(
            "a single layer, linear units, thirty layers",
            0.5,
            group="edge",
            outputs=("forward", "backward"),
            equations=("init-variance-forward", "init-variance-backward"),
        ),
        Criterion("the arguments are left as they were", 0.25, "unchanged"),
    ),
    misconceptions=(
        Misconception(
            "the fan-out on the way forward",
            "A net input is a sum over the units of the layer before.",
            "init-variance-forward",
            (_mean_square_variant(forward_fan=slice(1, None)),),
        ),
        Misconception(
            "the fan-in on the way back",
            "The gradient at a unit is a sum over the units of the layer above, to which its "
            "output goes.",
            "init-variance-backward",
            (_mean_square_variant(backward_fan=slice(None, -1)),),
        ),
        Misconception(
            "alpha without its square",
            "alpha multiplies the activation or the gradient, so it enters their squares as alpha "
            "squared.",
            "init-variance-forward",
            (_mean_square_variant(gain=lambda alpha: (1 + alpha) / 2),),
        ),
        Misconception(
            "both halves counted in full",
            "Half of the mean square comes from positive net inputs and half from negative ones: "
            "the factor of a linear unit, with alpha = 1, has to be 1.",
            "init-variance-forward",
            (_mean_square_variant(gain=lambda alpha: 1 + alpha**2),),
        ),
        Misconception(
            "ReLU whatever alpha is",
            "What comes from negative net inputs is not lost unless alpha is 0.",
            "init-variance-forward",
            (_mean_square_variant(gain=lambda alpha: 0.5),),
        ),
        Misconception(
            "linear units whatever alpha is",
            "The activation function takes its part: negative net inputs are multiplied by alpha.",
            "init-variance-forward",
            (_mean_square_variant(gain=lambda alpha: 1.0),),
        ),
        Misconception(
            "an activation function that leaves the gradient alone",
            "On the way back a unit multiplies by its slope, 1 or alpha, so the same factor counts "
            "there.",
            "init-variance-backward",
            (_mean_square_variant(gain_back=lambda alpha: 1.0),),
        ),
        Misconception(
            "variances taken for deviations",
            "They are variances already: no square of them.",
            "init-variance-forward",
            (_mean_square_variant(of_variances=np.square),),
        ),
        Misconception(
            "deviations where variances belong",
            "Mean squares are multiplied by variances, without a root.",
            "init-variance-forward",
            (_mean_square_variant(of_variances=np.sqrt),),
        ),
        Misconception(
            "the factors of single layers",
            "The factors multiply: each layer starts from what the one before it has left.",
            "init-variance-forward",
            (_mean_square_variant(pile=lambda factors: factors),),
        ),
        Misconception(
            "a start at 1",
            "The mean square of the input is start, and that of the gradient at the output end.",
            "init-variance-forward",
            (_mean_square_variant(starts=lambda start, end: (1.0, 1.0)),),
        ),
        Misconception(
            "one start for both directions",
            "The gradient begins at the output, with the mean square end.",
            "init-variance-backward",
            (_mean_square_variant(starts=lambda start, end: (start, start)),),
        ),
        Misconception(
            "gradients that travel from the input to the output",
            "The last entry is end, and the recursion goes from it to the first.",
            "init-variance-backward",
            (_backward_from_the_input,),
        ),
        Misconception(
            "gradients in the order in which they are computed",
            "Entry l belongs to layer l in both directions, so end stands last.",
            "init-variance-backward",
            (
                lambda *arguments: (
                    _mean_squares(*arguments)[0],
                    _mean_squares(*arguments)[1][::-1],
                ),
            ),
        ),
    ),
)


# ---- factors that keep the signal


def _leaky(z: Array, alpha: float) -> Array:
    activations: Array = leaky_relu(z, alpha)
    return activations


def _mean_of_squares(a: Array) -> float:
    return float((a**2).mean())


def _factors(x: Array, weights: list[Array], alpha: float) -> Array:
    wanted, hidden, factors = _mean_of_squares(x), x, []
    for weight in weights:
        hidden = _leaky(hidden @ weight, alpha)
        factors.append(np.sqrt(wanted / _mean_of_squares(hidden)))
        hidden = factors[-1] * hidden
    return np.array(factors)


def _factor_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    size = int(rng.integers(5, 8))
    for group, batch, widths, alpha, what in (
        ("ordinary", 9, [size, size + 4, size + 1, size + 6], 0.25, "leaky ReLU"),
        ("ordinary", 13, [size + 3, size, size + 5, size + 2, size + 7], 0.1, "leaky ReLU"),
        ("edge", 11, [size, size + 3], 0.3, "leaky ReLU"),
        ("edge", 10, [size, size + 8, size + 6, size + 9], 0.0, "ReLU"),
        ("edge", 12, [size, size + 2, size + 4], 1.0, "linear units"),
    ):
        x = rng.uniform(0.5, 2.0) + rng.uniform(1.0, 2.0) * rng.standard_normal((batch, widths[0]))
        weights = [
            rng.uniform(0.2, 0.6) * rng.standard_normal((n_in, n_out))
            for n_in, n_out in pairwise(widths)
        ]
        layers = len(weights)
        label = f"{layers} layer{'' if layers == 1 else 's'} of {what}, a batch of {batch}"
        cases.append(Case(group, label, {"x": x, "weights": weights, "alpha": alpha}))
    return cases


def _factor_variant(
    size: Callable[[Array], float] = _mean_of_squares,
    wanted: Callable[[Array], float] | None = None,
    function: Callable[[Array, float], Array] = _leaky,
    measured: Callable[[Array, Array], Array] = lambda z, hidden: hidden,
    factor: Callable[[float], float] = lambda ratio: ratio**0.5,
    applied: bool = True,
) -> Callable[..., Array]:
    """The factors with one step exchanged."""

    def variant(x: Array, weights: list[Array], alpha: float) -> Array:
        target, hidden, factors = (wanted or size)(x), x, []
        for weight in weights:
            z = hidden @ weight
            hidden = function(z, alpha)
            factors.append(factor(target / size(measured(z, hidden))))
            hidden = factors[-1] * hidden if applied else hidden
        return np.array(factors)

    return variant


def _predicted(x: Array, weights: Sequence[Array], alpha: float) -> Array:
    return np.array([(_half_gain(alpha) * len(w) * w.var()) ** -0.5 for w in weights])


def _total_factors(x: Array, weights: list[Array], alpha: float) -> Array:
    return np.cumprod(_factors(x, weights, alpha))


FACTORS = Exercise(
    name="initialization.balancing_factors",
    outputs=("factors",),
    reference=_factors,
    cases=_factor_cases,
    criteria=(
        Criterion("factors has the right shape", 0.25, "shape"),
        Criterion(
            "factors are right for several layers",
            1.25,
            group="ordinary",
            outputs=("factors",),
            equations=("init-variance-forward",),
        ),
        Criterion(
            "a single layer, ReLU, linear units",
            0.75,
            group="edge",
            outputs=("factors",),
            equations=("init-variance-forward",),
        ),
        Criterion("the arguments are left as they were", 0.25, "unchanged"),
    ),
    misconceptions=(
        Misconception(
            "factors that forget those before them",
            "You measure every layer in the network as it was. Once the first matrix is "
            "multiplied, all later layers receive something else.",
            "init-variance-forward",
            (_factor_variant(applied=False), _total_factors),
        ),
        Misconception(
            "the variance in place of the mean square",
            "The activations have a mean, after ReLU always, and the next layer multiplies the "
            "mean square: do not subtract the mean.",
            "init-variance-forward",
            (
                _factor_variant(size=lambda a: float(a.var())),
                _factor_variant(size=lambda a: float(a.var()), wanted=_mean_of_squares),
                _factor_variant(wanted=lambda a: float(a.var())),
            ),
        ),
        Misconception(
            "no root",
            "A factor of the weights enters the mean square as its square.",
            "init-variance-forward",
            (_factor_variant(factor=lambda ratio: ratio),),
        ),
        Misconception(
            "factors upside down",
            "Where the signal has become too small, the factor has to be above 1.",
            "init-variance-forward",
            (
                _factor_variant(factor=lambda ratio: ratio**-0.5),
                _factor_variant(factor=lambda ratio: ratio**-0.5, applied=False),
            ),
        ),
        Misconception(
            "the net inputs measured",
            "What the next layer receives has gone through the activation function: measure that.",
            "init-variance-forward",
            (_factor_variant(measured=lambda z, hidden: z),),
        ),
        Misconception(
            "a mean square of 1",
            "Keep the mean square of the input, whatever it is.",
            "init-variance-forward",
            (_factor_variant(wanted=lambda a: 1.0),),
        ),
        Misconception(
            "sums in place of means",
            "Layers have different numbers of units, so a sum of squares grows with the width: "
            "divide by the number of entries.",
            "init-variance-forward",
            (_factor_variant(size=lambda a: float((a**2).sum())),),
        ),
        Misconception(
            "ReLU whatever alpha is",
            "Negative net inputs are multiplied by alpha, not lost.",
            "init-variance-forward",
            (_factor_variant(function=lambda z, alpha: np.maximum(z, 0)),),
        ),
        Misconception(
            "linear units whatever alpha is",
            "The activation function is missing: negative net inputs are multiplied by alpha.",
            "init-variance-forward",
            (_factor_variant(function=lambda z, alpha: z),),
        ),
        Misconception(
            "alpha on the positive side",
            "Positive net inputs pass as they are; negative ones are multiplied by alpha.",
            "init-variance-forward",
            (_factor_variant(function=lambda z, alpha: np.where(z > 0, alpha * z, z)),),
        ),
        Misconception(
            "factors from the theory",
            "They keep the mean square on average over many networks. This exercise asks for those "
            "of this network and this batch, so measure.",
            "init-variance-forward",
            (_predicted,),
        ),
    ),
)

EXERCISES = (SPREAD, DRAW, MEAN_SQUARES, FACTORS)
