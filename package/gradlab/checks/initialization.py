"""Checks of the exercise ``initialization``."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradlab import initialization as reference
from gradlab.checks._edits import mistakes
from gradlab.checks._model import Case, Exercise, criteria

Array = NDArray[Any]


def _fans(rng: np.random.Generator) -> tuple[int, int]:
    """Two numbers of units, one about three times the other, whose sum is odd.

    Otherwise their mean would hide that it was rounded.
    """
    small = int(rng.integers(11, 17))
    large = 3 * small + int(rng.choice([1, 3, 5]))
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


def _spread_answer(rule: str, fan_in: int, fan_out: int) -> tuple[float, float]:
    mean_fan = (fan_in + fan_out) / 2
    variances = {
        "lecun": 1 / fan_in,
        "xavier": 1 / mean_fan,
        "he": 2 / fan_in,
        "he-average": 2 / mean_fan,
    }
    variance = variances[rule]
    return np.sqrt(variance), np.sqrt(3 * variance)


SPREAD = Exercise(
    name="initialization.spread",
    outputs=("deviation", "limit"),
    reference=_spread,
    cases=_spread_cases,
    criteria=criteria("""
the deviations of LeCun's and Xavier's rules (linear, 0.5)
    deviation: init-lecun init-xavier
the deviations of He's rule and of deck S's form (relu, 0.5)
    deviation: init-he init-he-average
the limits of LeCun's and Xavier's rules (linear, 0.5)
    limit: init-lecun-uniform init-xavier-uniform
the limits of He's rule and of deck S's form (relu, 0.5)
    limit: init-uniform-limit init-he-uniform
"""),
    model=_spread_answer,
    misconceptions=mistakes(
        _spread_answer,
        """
the variance in place of the deviation (init-lecun, 1)
    np.sqrt(variance), -> variance,
    The rules name a variance. The deviation is its root, and it is the deviation that rng.normal
    takes.
the deviation in place of the limit (init-legacy-torch, 1)
    np.sqrt(3 * variance) -> np.sqrt(variance)
    A uniform number between -a and a has a smaller deviation than a. To take the one for the other
    was the mistake of Torch's old rule.
the length of the interval in place of its limit (init-uniform-limit, 1)
    np.sqrt(3 * variance) -> np.sqrt(12 * variance)
    The interval reaches from -a to a, so its length is 2a, and the variance is the square of that
    over 12.
a limit without the root (init-uniform-limit, 1)
    np.sqrt(3 * variance) -> 3 * variance
    Three times the variance is the square of the limit.
3 outside of the root (init-uniform-limit, 1)
    np.sqrt(3 * variance) -> 3 * np.sqrt(variance)
    The limit is the deviation times the root of 3.
the fan-out in place of the fan-in (init-he, 0)
    1 / fan_in -> 1 / fan_out & 2 / fan_in -> 2 / fan_out
    LeCun's rule and He's, as this exercise asks for them, keep the activations: the sum in a unit
    runs over its inputs. With the fan-out (PyTorch's mode='fan_out') they would keep the gradients.
deck S's form without its factor 2 (init-he-average, 1)
    2 / mean_fan -> 1 / mean_fan
    This is Xavier's rule. Deck S's form is to He's what Xavier's is to LeCun's, so twice that
    variance.
the sum of the fans in place of their mean (init-xavier, 0)
    (fan_in + fan_out) / 2 -> fan_in + fan_out
    In a square layer the rule has to agree with the one that has the fan-in alone.
a mean of the fans that is rounded (init-xavier, 0)
    (fan_in + fan_out) / 2 -> (fan_in + fan_out) // 2
    // rounds down. The mean of 10 and 15 is 12.5: divide by /.
the mean of two variances (init-xavier, 0)
    (fan_in + fan_out) / 2 -> 2 / (1 / fan_out + 1 / fan_in)
    The two fans are averaged, and the variance is one over that. You average one over the fan-in
    and one over the fan-out, which is more wherever they differ.
the geometric mean of the fans (init-xavier, 0)
    (fan_in + fan_out) / 2 -> np.sqrt(fan_in * fan_out)
    The rule has the arithmetic mean, (fan_in + fan_out) / 2.
rules for ReLU without their factor 2 (init-he, 1)
    2 / fan_in -> 1 / fan_in & 2 / mean_fan -> 1 / mean_fan
    These are LeCun's and Xavier's rules again. ReLU passes half of the mean square, and the
    variance has to make up for it.
the factor 2 outside of the root (init-he, 1)
    2 / fan_in -> 4 / fan_in & 2 / mean_fan -> 4 / mean_fan
    The variance is doubled, not the deviation.
""",
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


def _draw_answer(fan_in: int, fan_out: int, rng: np.random.Generator) -> Array:
    limit = np.sqrt(3 * 2 / fan_in)
    return rng.uniform(-limit, limit, size=(fan_in, fan_out))


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
    criteria=criteria("""
weights has the shape (fan_in, fan_out) (shape, 0.25)
every weight is a draw of its own, and each comes from rng (ordinary, 0.5)
    share_of_different_weights, share_new_in_the_next_draw, share_repeated_from_the_same_seed:
        init-symmetry, within (0.01, 0.0)
the weights reach from minus the limit to the limit (ordinary, 0.75)
    share_of_different_weights, least_weight, greatest_weight: init-he-uniform, within (3e-3, 0.0)
between the limits they are spread evenly (ordinary, 0.5)
    share_of_different_weights, deviation, share_within_one_deviation: init-uniform-limit, within
        (0.05, 0.0)
"""),
    model=_draw_answer,
    misconceptions=mistakes(
        _draw_answer,
        """
the deviation as the limit (init-legacy-torch, 0.75)
    3 * 2 / fan_in -> 2 / fan_in
    This was Torch's old mistake: the variance comes out as a third of what it should be.
Torch's old rule (init-legacy-torch, 0.75)
    3 * 2 / fan_in -> 1 / fan_in
    One over the root of the fan-in is LeCun's deviation, and here it is the limit of a uniform draw
    for ReLU: a factor is missing for each of the two.
LeCun's limit (init-he-uniform, 0.75)
    3 * 2 / fan_in -> 3 / fan_in
    It keeps the mean square through linear units. ReLU passes half of it, so the variance has to be
    twice as large.
Xavier's limit (init-he-uniform, 0.75)
    3 * 2 / fan_in -> 6 / (fan_in + fan_out)
    It has the sum of both fans. He's rule, as asked for here, has the fan-in alone.
the fan-out in place of the fan-in (init-he-uniform, 0.75)
    3 * 2 / fan_in -> 6 / fan_out
    With the fan-out, PyTorch's mode='fan_out', the rule keeps the gradients. This exercise asks for
    the one that keeps the activations.
a limit without the root (init-uniform-limit, 0.75)
    np.sqrt(3 -> (3
    The square of the limit is three times the variance.
the factor 2 outside of the root (init-he-uniform, 0.75)
    3 * 2 / fan_in -> 12 / fan_in
    He's rule doubles the variance, not the deviation.
weights of one sign (init-he-uniform, 0.75)
    -limit, limit -> 0, limit
    The interval reaches from minus the limit to the limit. The derivation needs weights with mean
    0.
an interval of half the length (init-he-uniform, 0.75)
    -limit, limit -> -limit / 2, limit / 2
    Your weights reach half as far as they should. If they come from rng.random() - 0.5: that lies
    between -0.5 and 0.5, not between -1 and 1.
a normal draw (init-he, 0.75)
    uniform(-limit, limit -> normal(0, limit / np.sqrt(3)
    Its variance is right, and as an initialization it is as good. This exercise asks for the
    uniform draw.
the same weights for every unit (init-symmetry, 0.25)
    size=(fan_in, fan_out)) -> size=(fan_in, 1)) + np.zeros((fan_in, fan_out))
    size=(fan_in, fan_out)) -> size=1) + np.zeros((fan_in, fan_out))
    Draw fan_in times fan_out numbers. Units that start equal get equal gradients and stay equal.
numbers that do not come from rng (init-he-uniform, 1.5)
    rng.uniform -> np.random.default_rng().uniform
    The same seed has to give the same weights, or an experiment cannot be repeated: draw from the
    generator that is handed over.
a generator with a seed of its own (init-symmetry, 1.5)
    rng.uniform -> np.random.default_rng(0).uniform
    Each call gives the same numbers, so all layers of one shape start equal: draw from the
    generator that is handed over.
""",
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


def _mean_squares_answer(
    widths: list[int], variances: Array, alpha: float, start: float, end: float
) -> tuple[Array, Array]:
    sizes = np.array(widths, dtype=float)
    gain = (1 + alpha**2) / 2
    growth = gain * sizes[:-1] * variances
    forward = start * np.append(1.0, np.cumprod(growth))
    growth_back = gain * sizes[1:] * variances
    backward = end * np.append(1.0, np.cumprod(growth_back[::-1]))[::-1]
    return forward, backward


MEAN_SQUARES = Exercise(
    name="initialization.mean_squares",
    outputs=("forward", "backward"),
    reference=_mean_squares,
    cases=_mean_square_cases,
    # After thirty layers a mean square may be tiny: the absolute part would excuse everything.
    tolerance={"float64": (1e-6, 0.0)},
    criteria=criteria("""
forward and backward have the right shapes (shape, 0.25)
forward is right (ordinary, 0.75)
    forward: init-variance-forward
backward is right (ordinary, 0.75)
    backward: init-variance-backward
a single layer, linear units, thirty layers (edge, 0.5)
    forward, backward: init-variance-forward init-variance-backward
the arguments are left as they were (unchanged, 0.25)
"""),
    model=_mean_squares_answer,
    misconceptions=mistakes(
        _mean_squares_answer,
        """
the fan-out on the way forward (init-variance-forward, 1.25)
    sizes[:-1] -> sizes[1:]
    A net input is a sum over the units of the layer before.
the fan-in on the way back (init-variance-backward, 1.25)
    sizes[1:] -> sizes[:-1]
    The gradient at a unit is a sum over the units of the layer above, to which its output goes.
alpha without its square (init-variance-forward, 0.25)
    alpha**2 -> alpha
    alpha multiplies the activation or the gradient, so it enters their squares as alpha squared.
both halves counted in full (init-variance-forward, 0.25)
    (1 + alpha**2) / 2 -> 1 + alpha**2
    Half of the mean square comes from positive net inputs and half from negative ones: the factor
    of a linear unit, with alpha = 1, has to be 1.
ReLU whatever alpha is (init-variance-forward, 0.25)
    (1 + alpha**2) / 2 -> 0.5
    What comes from negative net inputs is not lost unless alpha is 0.
linear units whatever alpha is (init-variance-forward, 0.25)
    (1 + alpha**2) / 2 -> 1.0
    The activation function takes its part: negative net inputs are multiplied by alpha.
an activation function that leaves the gradient alone (init-variance-backward, 1.25)
    growth_back = gain * sizes -> growth_back = sizes
    On the way back a unit multiplies by its slope, 1 or alpha, so the same factor counts there.
variances taken for deviations (init-variance-forward, 0.25)
    gain = (1 -> variances = variances**2; gain = (1
    They are variances already: no square of them.
deviations where variances belong (init-variance-forward, 0.25)
    gain = (1 -> variances = np.sqrt(variances); gain = (1
    Mean squares are multiplied by variances, without a root.
the factors of single layers (init-variance-forward, 0.25)
    np.cumprod(growth) -> growth & np.cumprod(growth_back[::-1]) -> growth_back[::-1]
    The factors multiply: each layer starts from what the one before it has left.
a start at 1 (init-variance-forward, 0.25)
    start * np -> np & end * np -> np
    The mean square of the input is start, and that of the gradient at the output end.
one start for both directions (init-variance-backward, 1.25)
    end * np -> start * np
    The gradient begins at the output, with the mean square end.
gradients that travel from the input to the output (init-variance-backward, 1.25)
    np.cumprod(growth_back[::-1]))[::-1] -> np.cumprod(growth_back))
    The last entry is end, and the recursion goes from it to the first.
gradients in the order in which they are computed (init-variance-backward, 1.25)
    [::-1]))[::-1] -> [::-1]))
    Entry l belongs to layer l in both directions, so end stands last.
""",
    ),
)


# ---- factors that keep the signal


def _factors_answer(x: Array, weights: list[Array], alpha: float) -> Array:
    wanted = np.mean(x**2)
    activations, factors = x, []
    for weight in weights:
        z = activations @ weight
        activations = np.maximum(z, 0) + alpha * np.minimum(z, 0)
        factor = np.sqrt(wanted / np.mean(activations**2))
        factors.append(factor)
        activations = factor * activations
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


FACTORS = Exercise(
    name="initialization.balancing_factors",
    outputs=("factors",),
    reference=_factors_answer,
    cases=_factor_cases,
    criteria=criteria("""
factors has the right shape (shape, 0.25)
factors are right for several layers (ordinary, 1.25)
    factors: init-variance-forward
a single layer, ReLU, linear units (edge, 0.75)
    factors: init-variance-forward
the arguments are left as they were (unchanged, 0.25)
"""),
    model=_factors_answer,
    misconceptions=mistakes(
        _factors_answer,
        """
factors that forget those before them (init-variance-forward, 0.25)
    factor * activations -> activations
    You measure every layer in the network as it was. Once the first matrix is multiplied, all later
    layers receive something else.
the variance in place of the mean square (init-variance-forward, 0.25)
    np.mean(x**2) -> np.var(x) & np.mean(activations**2) -> np.var(activations)
    np.mean(activations**2) -> np.var(activations)
    np.mean(x**2) -> np.var(x)
    The activations have a mean, after ReLU always, and the next layer multiplies the mean square:
    do not subtract the mean.
no root (init-variance-forward, 0.25)
    np.sqrt(wanted / np.mean(activations**2)) -> wanted / np.mean(activations**2)
    A factor of the weights enters the mean square as its square.
factors upside down (init-variance-forward, 0.25)
    wanted / np.mean(activations**2) -> np.mean(activations**2) / wanted
    wanted / np.mean( -> 1 / wanted * np.mean( & factor * activations -> activations
    Where the signal has become too small, the factor has to be above 1.
the net inputs measured (init-variance-forward, 0.25)
    np.mean(activations**2) -> np.mean(z**2)
    What the next layer receives has gone through the activation function: measure that.
a mean square of 1 (init-variance-forward, 0.25)
    np.mean(x**2) -> 1.0
    Keep the mean square of the input, whatever it is.
sums in place of means (init-variance-forward, 0.25)
    np.mean(x**2) -> np.sum(x**2) & np.mean(activations**2) -> np.sum(activations**2)
    Layers have different numbers of units, so a sum of squares grows with the width: divide by the
    number of entries.
ReLU whatever alpha is (init-variance-forward, 0.25)
    np.maximum(z, 0) + alpha * np.minimum(z, 0) -> np.maximum(z, 0)
    Negative net inputs are multiplied by alpha, not lost.
linear units whatever alpha is (init-variance-forward, 0.25)
    np.maximum(z, 0) + alpha * np.minimum(z, 0) -> z
    The activation function is missing: negative net inputs are multiplied by alpha.
alpha on the positive side (init-variance-forward, 0.25)
    np.maximum(z, 0) + alpha * np.minimum(z, 0) -> np.minimum(z, 0) + alpha * np.maximum(z, 0)
    Positive net inputs pass as they are; negative ones are multiplied by alpha.
factors from the theory (init-variance-forward, 0.25)
    wanted / np.mean(activations**2) -> 2 / (1 + alpha**2) / len(weight) / np.var(weight)
    wanted / np.mean(activations**2) -> 2 / (1 + alpha**2) / len(weight) / np.mean(weight**2)
    They keep the mean square on average over many networks. This exercise asks for those of this
    network and this batch, so measure.
""",
    ),
)

EXERCISES = (SPREAD, DRAW, MEAN_SQUARES, FACTORS)
