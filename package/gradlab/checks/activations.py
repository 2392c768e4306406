"""Checks of the exercise ``activations``."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradlab import activations as reference
from gradlab.checks._edits import mistakes
from gradlab.checks._model import (
    NAN,
    Case,
    Exercise,
    Function,
    counting_nan,
    criteria,
)
from gradlab.checks.losses import for_each_cut

Array = NDArray[Any]


def _away_from_0(rng: np.random.Generator, shape: tuple[int, ...], low: float, high: float) -> Any:
    return rng.uniform(low, high, shape) * rng.choice([-1.0, 1.0], shape)


def _sizes(rng: np.random.Generator, fewest: int = 3) -> tuple[int, int]:
    """A batch size and a number of units that are never equal."""
    units = int(rng.integers(fewest, fewest + 3))
    return units + int(rng.integers(2, 6)), units


def _arriving(rng: np.random.Generator, shape: tuple[int, ...]) -> Any:
    """A gradient with both signs and a mean of its own."""
    return rng.uniform(0.3, 0.8) + _away_from_0(rng, shape, 0.2, 2.0)


def _label(shape: tuple[int, ...], what: str, rest: str = "") -> str:
    return f"{shape[0]} examples with {shape[1]} {what}{rest}"


# ---- sigmoid and tanh


def _saturating_reference(z: Array) -> tuple[Array, ...]:
    one = np.ones_like(z)
    return (
        reference.sigmoid(z),
        reference.tanh(z),
        reference.sigmoid_backward(one, z),
        reference.tanh_backward(one, z),
    )


def _saturating_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for shape, rest, dtype in (
        (_sizes(rng), "", np.float64),
        (_sizes(rng), ", float32", np.float32),
        ((6,), ", one of them 0", np.float64),
    ):
        z = _away_from_0(rng, shape, 0.2, 2.5)
        if "0" in rest:
            z[rng.integers(shape[0])] = 0.0
        cases.append(Case("ordinary", f"an array of shape {shape}{rest}", {"z": z.astype(dtype)}))
    for low, high in ((30.0, 300.0), (750.0, 1000.0)):
        sizes = rng.uniform(low, high, (2, 3))
        z = rng.permutation(np.array([sizes, -sizes]).ravel())
        cases.append(Case("extreme", f"entries beyond -{low:g} and {low:g}", {"z": z}))
    return cases


def _sigmoid_and_tanh(z: Array) -> Any:
    t = np.tanh(z)
    s = (1 + np.tanh(z / 2)) / 2
    ds = s * (1 - s)
    dt = 1 - t**2
    return s, t, ds, dt


SIGMOID_TANH = Exercise(
    name="activations.sigmoid_tanh",
    outputs=(NAN, "s", "t", "ds", "dt"),
    returns=("s", "t", "ds", "dt"),
    observe=counting_nan,
    reference=_saturating_reference,
    model=_sigmoid_and_tanh,
    cases=_saturating_cases,
    criteria=criteria("""
all four have the shape of z (shape, 0.25)
sigmoid and tanh are right (ordinary, 0.25)
    s, t: act-sigmoid act-tanh-sigmoid
both slopes are right (ordinary, 0.25)
    ds, dt: act-sigmoid-backward act-tanh-backward
net inputs of 30 to 1000, on both sides (extreme, 0.25)
    number of NaN, s, t, ds, dt: act-sigmoid
z is left as it was (unchanged, 0.25)
"""),
    misconceptions=mistakes(
        _sigmoid_and_tanh,
        """
an exponential that overflows (act-sigmoid, 1)
    (1 + np.tanh(z / 2)) / 2 -> np.exp(z) / (1 + np.exp(z))
    np.tanh(z) -> (np.exp(z) - np.exp(-z)) / (np.exp(z) + np.exp(-z))
    np.tanh(z) -> (np.exp(2 * z) - 1) / (np.exp(2 * z) + 1)
    np.tanh(z) -> 2 * np.exp(2 * z) / (1 + np.exp(2 * z)) - 1
    np.tanh(z) -> (np.exp(z) - np.exp(-z)) / (np.exp(z) + np.exp(-z))
        & (1 + np.tanh(z / 2)) / 2 -> np.exp(z) / (1 + np.exp(z))
    np.tanh(z) -> (np.exp(2 * z) - 1) / (np.exp(2 * z) + 1)
        & (1 + np.tanh(z / 2)) / 2 -> np.exp(z) / (1 + np.exp(z))
    np.tanh(z) -> 2 * np.exp(2 * z) / (1 + np.exp(2 * z)) - 1
        & (1 + np.tanh(z / 2)) / 2 -> np.exp(z) / (1 + np.exp(z))
    exp(1000) is infinite, and infinity divided by infinity is NaN. Take a form whose exponential is
    one of a negative number, or one whose quotient stays defined.
the slope at the output instead of the net input (act-sigmoid-backward, 0.75)
    s * (1 - s) -> (1 - np.tanh(s / 2) ** 2) / 4 & 1 - t**2 -> 1 - np.tanh(t) ** 2
    s * (1 - s) -> (1 - np.tanh(s / 2) ** 2) / 4
    1 - t**2 -> 1 - np.tanh(t) ** 2
    You put the function's output in the place of z and apply the function once more. The slope is
    s (1 - s), with s itself.
the net input in the place of the output (act-sigmoid-backward, 0.75)
    s * (1 - s) -> z * (1 - z) & t**2 -> z**2
    s * (1 - s) -> z * (1 - z)
    t**2 -> z**2
    The short forms of the slopes hold for the output of the function: s (1 - s), not z (1 - z).
a sigmoid that falls (act-sigmoid, 0.75)
    np.tanh(z / 2) -> np.tanh(-z / 2)
    The exponent has a minus: a large net input gives 1.
a tanh with a step missing (act-tanh-sigmoid)
    np.tanh(z) -> np.tanh(z / 2)
    np.tanh(z) -> np.tanh(z / 2) & t**2 -> np.tanh(z) ** 2
    np.tanh(z) -> (1 + np.tanh(z)) / 2
    np.tanh(z) -> (1 + np.tanh(z)) / 2 & t**2 -> np.tanh(z) ** 2
    np.tanh(z) -> 1 + np.tanh(z)
    np.tanh(z) -> 1 + np.tanh(z) & t**2 -> np.tanh(z) ** 2
    tanh goes from -1 to 1 and has the slope 1 at 0. The sigmoid is taken of 2 z, doubled, and
    lowered by 1: all three are needed.
one formula for both slopes (act-tanh-backward, 0.75)
    1 - t**2 -> t * (1 - t)
    s * (1 - s) -> 1 - s**2
    s (1 - s) belongs to the sigmoid, 1 - t^2 to tanh: derive each from its own function.
a factor 2 lost in the slope of tanh (act-tanh-backward, 1)
    1 - t**2 -> (1 - t**2) / 4
    1 - t**2 -> (1 - t**2) / 2
    In 2 sigmoid(2 z) - 1 there is a 2 outside and, by the chain rule, another one from inside. The
    slope at 0 is 1.
slopes with their signs turned (act-sigmoid-backward, 1)
    s * (1 - s) -> -s * (1 - s) & 1 - t**2 -> t**2 - 1
    s * (1 - s) -> -s * (1 - s)
    1 - t**2 -> t**2 - 1
    Both functions rise everywhere, so their slopes are positive.
""",
    ),
)


# ---- leaky ReLU


def _leaky_reference(dout: Array, z: Array, alpha: float) -> tuple[Any, ...]:
    return (
        reference.leaky_relu(z, alpha),
        reference.leaky_relu_backward(dout, z, alpha),
        reference.dead_fraction(z),
    )


def _leaky_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for group, alpha, rest, dtype in (
        ("ordinary", 0.1, "", np.float64),
        ("ordinary", 0.3, "", np.float64),
        ("ordinary", 0.2, ", float32", np.float32),
        ("edge", 0.0, " (ReLU), some net inputs are 0", np.float64),
        ("edge", 1.6, ", some net inputs are 0", np.float64),
    ):
        # Units 0 and, perhaps, 1 are never on, the last one (almost) always, others now and then.
        rows, units = _sizes(rng, fewest=5)
        z = _away_from_0(rng, (rows, units), 0.2, 2.5)
        z[0], z[1] = np.abs(z[0]), -np.abs(z[1])
        never = int(rng.integers(1, 3))
        z[:, :never] = -np.abs(z[:, :never])
        z[:, -1] = np.abs(z[:, -1])
        if group == "edge":
            z[rng.integers(rows, size=2), [0, 2]] = 0.0
            # So that unit 2 is on at least once, and no unit in example 1.
            z[2:, 2], z[1, -1] = np.abs(z[2:, 2]), -np.abs(z[1, -1])
        z = z[:, rng.permutation(units)]
        dout = _arriving(rng, z.shape)
        arguments = {"dout": dout.astype(dtype), "z": z.astype(dtype), "alpha": alpha}
        label = _label(z.shape, "units", f", alpha = {alpha:g}{rest}")
        cases.append(Case(group, label, arguments))
    return cases


def _leaky_relu(dout: Array, z: Array, alpha: float) -> Any:
    on = z > 0
    out = np.where(on, z, alpha * z)
    dz = dout * np.where(on, 1, alpha)
    off = (~on.any(axis=0)).mean()
    return out, dz, off


LEAKY_RELU = Exercise(
    name="activations.leaky_relu",
    outputs=("out", "dz", "off"),
    reference=_leaky_reference,
    model=_leaky_relu,
    cases=_leaky_cases,
    criteria=criteria("""
out and dz have the shape of z, off is a number (shape, 0.25)
out is right (ordinary, 0.25)
    out: act-leaky-relu
dz is right (ordinary, 0.5)
    dz: act-leaky-relu-backward
off is the share of the units that are never on (ordinary, 0.25)
    off: act-dead-fraction
net inputs of 0, an alpha of 0 and one above 1 (edge, 0.25)
    out, dz, off: act-leaky-relu act-leaky-relu-backward
the arguments are left as they were (unchanged, 0.25)
"""),
    misconceptions=mistakes(
        _leaky_relu,
        """
the maximum of z and alpha z (act-leaky-relu, 1.5)
    np.where(on, z, alpha * z) -> np.maximum(z, alpha * z)
    np.where(on, z, alpha * z) -> np.maximum(z, alpha * z) & where(on, 1 -> where(z > alpha * z, 1
    np.where(on, z, alpha * z) -> np.maximum(z, alpha * z) & where(on, 1 -> where(z >= alpha * z, 1
    That is deck L's form. It is the same up to an alpha of 1; beyond, alpha z is the larger one on
    the right. Choose by the sign of z.
a net input of 0 that counts as on (act-leaky-relu-backward, 1.5)
    z > 0 -> z >= 0
    where(on, 1 -> where(z >= 0, 1
    ~on.any(axis=0) -> (z < 0).all(axis=0)
    There is no derivative at 0, and libraries choose. Here, as in PyTorch, the left side has the
    case z = 0: the slope is alpha, and the unit is not on.
a ReLU without its leak (act-leaky-relu)
    alpha * z -> 0 & 1, alpha -> 1, 0
    alpha * z -> 0
    1, alpha -> 1, 0
    On the left the function is alpha z with the slope alpha, and 0 only where alpha is.
the sign of dout instead of that of z (act-leaky-relu-backward, 1)
    where(on, 1 -> where(dout > 0, 1
    Whether the slope is 1 or alpha was decided in the forward pass, by z. A negative gradient
    passes a unit that is on.
the function in the place of its slope (act-leaky-relu-backward, 1)
    1, alpha -> z, alpha * z
    1, alpha -> 1, alpha * z
    dout is multiplied by the derivative: 1 on the right and alpha on the left.
the two sides exchanged (act-leaky-relu)
    z, alpha * z -> alpha * z, z & 1, alpha -> alpha, 1
    z, alpha * z -> alpha * z, z
    1, alpha -> alpha, 1
    alpha belongs to the left side, where z is negative.
a leak that rises to the left (act-leaky-relu)
    alpha * z -> -alpha * z & 1, alpha -> 1, -alpha
    alpha * z -> -alpha * z
    1, alpha -> 1, -alpha
    alpha z is negative on the left, since z is: there is no minus in front of alpha.
the share of the entries that are off (act-dead-fraction, 1.25)
    ~on.any(axis=0) -> ~on
    You count pairs of an example and a unit. A unit that is off for some examples is alive: count
    the units that are off for all of them.
the share of the units that are off at least once (act-dead-fraction, 1.25)
    on.any -> on.all
    One example for which a unit is on keeps it alive. What counts is the largest net input of the
    unit, not the smallest.
the examples for which no unit is on (act-dead-fraction, 1.25)
    axis=0 -> axis=1
    axis 1 runs over the units of one example. A unit is a column: look down axis 0.
the share of the units that are on (act-dead-fraction, 1.25)
    ~on.any -> on.any
    That is what remains. Asked for are the units that are never on.
a share that is always 0 (act-dead-fraction, 1.25, idle)
    on.any(axis=0) -> on.any()
    No unit is found to be off. Without an axis, any and max look at all units at once; a unit is a
    column.
an output that is z itself (act-leaky-relu, 1.25, idle)
    alpha * z -> z
    On the left z is multiplied by alpha.
a gradient that passes as it arrives (act-leaky-relu-backward, 1, idle)
    1, alpha -> 1, 1
    dout is multiplied by the slope, which is alpha where z is not above 0.
""",
    ),
)


# ---- ELU and SELU


SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805


def _elu_reference(dout: Array, z: Array, alpha: float, scale: float) -> tuple[Array, ...]:
    return scale * reference.elu(z, alpha), scale * reference.elu_backward(dout, z, alpha)


def _elu_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for group, alpha, scale, rest, dtype in (
        ("ordinary", 0.7, 1.0, " (an ELU)", np.float64),
        ("ordinary", SELU_ALPHA, SELU_SCALE, " (SELU's constants)", np.float64),
        ("ordinary", 1.4, 0.6, "", np.float64),
        ("ordinary", 0.4, 2.3, ", float32", np.float32),
        ("extreme", 1.3, 0.8, ", entries of -1000, 0 and 1000", np.float64),
    ):
        z = _away_from_0(rng, _sizes(rng), 0.2, 2.5)
        if group == "extreme":
            z[:3] = rng.permuted(np.tile([[-1000.0], [0.0], [1000.0]], z.shape[1]), axis=0)
        dout = _arriving(rng, z.shape)
        arguments = {
            "dout": dout.astype(dtype),
            "z": z.astype(dtype),
            "alpha": alpha,
            "scale": scale,
        }
        label = _label(z.shape, "units", f", alpha = {alpha:.4g}, scale = {scale:.4g}{rest}")
        cases.append(Case(group, label, arguments))
    return cases


def _elu(dout: Array, z: Array, alpha: float, scale: float) -> Any:
    left = np.minimum(z, 0)
    out = scale * np.where(z > 0, z, alpha * np.expm1(left))
    slope = scale * np.where(z > 0, 1, alpha * np.exp(left))
    return out, dout * slope


ELU = Exercise(
    name="activations.elu",
    outputs=(NAN, "out", "dz"),
    returns=("out", "dz"),
    observe=counting_nan,
    reference=_elu_reference,
    model=_elu,
    cases=_elu_cases,
    criteria=criteria("""
out and dz have the shape of z (shape, 0.25)
out is right (ordinary, 0.25)
    out: act-elu act-selu
dz is right (ordinary, 0.5)
    dz: act-elu-backward act-selu-backward
net inputs of -1000, 0 and 1000 (extreme, 0.25)
    number of NaN, out, dz: act-elu act-elu-backward
the arguments are left as they were (unchanged, 0.25)
"""),
    misconceptions=mistakes(
        _elu,
        """
an infinite number multiplied by 0 (act-elu, 1.25)
    np.where(z > 0, z, alpha * np.expm1(left)) -> ((z > 0) * z + (z <= 0) * alpha * np.expm1(z))
    np.where(z > 0, 1, alpha * np.exp(left)) -> ((z > 0) + (z <= 0) * alpha * np.exp(z))
    np.where(z > 0, z, alpha * np.expm1(left)) -> ((z > 0) * z + (z <= 0) * alpha * np.expm1(z))
        & np.where(z > 0, 1, alpha * np.exp(left)) -> ((z > 0) + (z <= 0) * alpha * np.exp(z))
    exp(1000) is infinite, and a mask that is 0 there makes it NaN. Choose with np.where, or let no
    positive number into the exponential.
the slope of the right side at 0 (act-elu-backward, 1.25)
    z > 0, 1 -> z >= 0, 1
    There is no derivative at 0 unless alpha is 1. This exercise asks for the slope from the left,
    as PyTorch does.
the two cases exchanged (act-elu)
    np.minimum(z, 0) -> z & z > 0, z -> z <= 0, z & z > 0, 1 -> z <= 0, 1
    np.minimum(z, 0) -> z & z > 0, z -> z < 0, z & z > 0, 1 -> z < 0, 1
    np.minimum(z, 0) -> z & z > 0, z -> z < 0, z
    np.minimum(z, 0) -> z & z > 0, 1 -> z < 0, 1
    The exponential belongs to the left, where it stays small. Deck L's slide has the cases the
    wrong way round.
a scale on one side alone (act-selu)
    scale * np.where(z > 0, z, alpha -> np.where(z > 0, z, scale * alpha
        & scale * np.where(z > 0, 1, alpha -> np.where(z > 0, 1, scale * alpha
    scale * np.where(z > 0, z, alpha -> np.where(z > 0, z, scale * alpha
    scale * np.where(z > 0, 1, alpha -> np.where(z > 0, 1, scale * alpha
    scale * np.where(z > 0, z -> np.where(z > 0, scale * z
        & scale * np.where(z > 0, 1 -> np.where(z > 0, scale
    scale * np.where(z > 0, z -> np.where(z > 0, scale * z
    scale * np.where(z > 0, 1 -> np.where(z > 0, scale
    The scale stands before the brace: it multiplies both cases, and so both slopes.
a slope from the output with the wrong constant (act-selu-backward, 0.75)
    scale * np.where(z > 0, 1, alpha * np.exp(left)) -> np.where(z > 0, scale, out + alpha)
    The output is scale alpha (exp(z) - 1), so scale alpha has to be added to it to get the slope;
    alpha alone is right for an ELU.
the function in the place of its slope (act-elu-backward, 0.75)
    np.exp(left) -> np.expm1(left)
    The constant -1 has the derivative 0, so the slope on the left is that of the exponential alone.
an exponential without its -1 (act-elu, 1)
    np.expm1(left) -> np.exp(left)
    The left side has to meet the right one at 0, where exp is 1.
an alpha that multiplies the exponential alone (act-elu, 1)
    alpha * np.expm1(left) -> alpha * np.exp(left) - 1
    alpha multiplies the difference exp(z) - 1, with the parentheses.
the scale forgotten (act-selu)
    scale * np.where(z > 0, z -> np.where(z > 0, z & scale * np.where(z > 0, 1 -> np.where(z > 0, 1
    scale * np.where(z > 0, z -> np.where(z > 0, z
    scale * np.where(z > 0, 1 -> np.where(z > 0, 1
    Both cases, and with them both slopes, are multiplied by scale.
alpha forgotten (act-elu)
    alpha * np.expm1 -> np.expm1 & alpha * np.exp(left) -> np.exp(left)
    alpha * np.exp(left) -> np.exp(left)
    alpha * np.expm1 -> np.expm1
    The left side is multiplied by alpha, and so is its slope.
""",
    ),
)


# ---- GELU and SiLU


def _smooth_reference(dout: Array, z: Array) -> tuple[Array, ...]:
    return (
        reference.gelu(z, "tanh"),
        reference.silu(z),
        reference.gelu_backward(dout, z, "tanh"),
        reference.silu_backward(dout, z),
    )


def _smooth_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for group, rest, dtype in (
        ("ordinary", "", np.float64),
        ("ordinary", ", one of them 0", np.float64),
        ("ordinary", ", float32", np.float32),
        ("extreme", ", entries of -1000 and 1000", np.float64),
    ):
        z = _away_from_0(rng, _sizes(rng), 0.3, 2.5)
        if group == "extreme":
            z[:2] = rng.permuted(np.tile([[-1000.0], [1000.0]], z.shape[1]), axis=0)
        elif "0" in rest:
            z[rng.integers(len(z)), 1] = 0.0
        arguments = {"dout": _arriving(rng, z.shape).astype(dtype), "z": z.astype(dtype)}
        cases.append(Case(group, _label(z.shape, "units", rest), arguments))
    return cases


def _gelu_and_silu(dout: Array, z: Array) -> Any:
    t = np.tanh(np.sqrt(2 / np.pi) * (z + 0.044715 * z**3))
    inner = np.sqrt(2 / np.pi) * (1 + 3 * 0.044715 * z**2)
    g = z / 2 * (1 + t)
    dg = (1 + t) / 2 + z / 2 * (1 - t**2) * inner
    p = (1 + np.tanh(z / 2)) / 2
    s = z * p
    ds = p + s * (1 - p)
    return g, s, dout * dg, dout * ds


SMOOTH = Exercise(
    name="activations.gelu_silu",
    outputs=(NAN, "g", "s", "dg", "ds"),
    returns=("g", "s", "dg", "ds"),
    observe=counting_nan,
    reference=_smooth_reference,
    model=_gelu_and_silu,
    cases=_smooth_cases,
    criteria=criteria("""
all four have the shape of z (shape, 0.125)
GELU and SiLU are right (ordinary, 0.25)
    g, s: act-gelu-tanh act-silu
dg is right (ordinary, 0.25)
    dg: act-gelu-tanh-backward
ds is right (ordinary, 0.25)
    ds: act-silu-backward
net inputs of -1000 and 1000 (extreme, 0.25)
    g, s, dg, ds: act-gelu-tanh act-silu
the arguments are left as they were (unchanged, 0.125)
"""),
    misconceptions=mistakes(
        _gelu_and_silu,
        """
an infinite number divided by another (act-silu)
    (1 + np.tanh(z / 2)) / 2 -> np.exp(z) / (1 + np.exp(z))
    exp(1000) is infinite, and infinity divided by infinity is NaN. Take the exponential of a
    negative number, or 1 / (1 + exp(-z)), which stays defined.
the exact GELU (act-gelu)
    g = z / 2 * (1 + t) -> g = reference.gelu(z) & dout * dg -> reference.gelu_backward(dout, z)
    g = z / 2 * (1 + t) -> g = reference.gelu(z)
    That is the definition, with the distribution function itself. Asked for is the approximation
    by a tanh, which is up to 0.0005 off.
GELU by the sigmoid of 1.702 z (act-gelu-tanh)
    t = np.tanh(np.sqrt(2 / np.pi) * (z + 0.044715 * z**3)) -> t = np.tanh(0.851 * z)
        & np.sqrt(2 / np.pi) * (1 + 3 * 0.044715 * z**2) -> 0.851
    Another approximation of the same paper, ten times coarser. This part asks for the one with z^3.
a GELU without its cube (act-gelu-tanh)
    (z + 0.044715 * z**3) -> z & (1 + 3 * 0.044715 * z**2) -> 1
    (z + 0.044715 * z**3) -> z
    The tanh is taken of z + 0.044715 z^3, times the root of 2 / pi.
a constant that is rounded (act-gelu-tanh)
    np.sqrt(2 / np.pi) * (z -> 0.8 * (z & np.sqrt(2 / np.pi) * (1 -> 0.8 * (1
    0.044715 * z**3 -> 0.0447 * z**3 & 0.044715 * z**2 -> 0.0447 * z**2
    Write the root of 2 / pi as np.sqrt(2 / np.pi), and all digits of 0.044715.
a product rule with one term (act-gelu-tanh-backward)
    (1 + t) / 2 + z / 2 * (1 - t**2) * inner -> (1 + t) / 2 & p + s * (1 - p) -> p
    (1 + t) / 2 + z / 2 * (1 - t**2) * inner -> (1 + t) / 2
    p + s * (1 - p) -> p
    (1 + t) / 2 + z / 2 * (1 - t**2) * inner -> z / 2 * (1 - t**2) * inner
        & p + s * (1 - p) -> s * (1 - p)
    (1 + t) / 2 + z / 2 * (1 - t**2) * inner -> z / 2 * (1 - t**2) * inner
    p + s * (1 - p) -> s * (1 - p)
    Both functions are z times something that depends on z, too: the slope has a term for each.
the slope of tanh without that of its argument (act-gelu-tanh-backward, 0.75)
    (1 - t**2) * inner -> (1 - t**2)
    (1 - t**2) * inner -> (1 - t**2) * np.sqrt(2 / np.pi)
    The chain rule goes on: multiply by the derivative of what the tanh is taken of, in which the
    cube brings 3 * 0.044715 z^2.
the slope of the sigmoid at its value (act-silu-backward, 0.75)
    s * (1 - p) -> s * (1 - s)
    s * (1 - p) -> p * (1 - p)
    With p for the sigmoid, the slope of z p is p + z p (1 - p).
slopes without what arrives (act-silu-backward, 0.5)
    dout * dg, dout * ds -> dg, ds
    The backward pass multiplies each slope by dout.
a SiLU without its factor z (act-silu)
    s = z * p -> s = p & p + s * (1 - p) -> p * (1 - p)
    s = z * p -> s = p
    SiLU is the sigmoid times z.
""",
    ),
)


# ---- constants that keep mean and variance


def _constants_reference(z: Array) -> tuple[Any, Any]:
    right = reference.relu(z).mean()
    alpha = right / (right - reference.elu(z).mean())
    return alpha, 1 / reference.elu(z, alpha).std()


def _constants_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for group, share, spread, what in (
        ("ordinary", 0.58, 1.0, "moderate numbers"),
        ("ordinary", 0.44, 1.0, "moderate numbers"),
        ("edge", 0.7, 0.2, "small numbers"),
        ("edge", 0.35, 6.0, "large numbers"),
    ):
        # Never as many on the left as on the right: then means over each half would do.
        size = int(rng.integers(60, 90))
        sign = np.where(np.arange(size) < share * size, 1.0, -1.0)
        z = rng.permutation(sign * np.abs(rng.normal(0.0, spread, size)))
        positive = int((z > 0).sum())
        label = f"a sample of {size} {what}, {positive} of them positive"
        cases.append(Case(group, label, {"z": z}))
    return cases


def _self_normalizing_constants(z: Array) -> Any:
    right = np.maximum(z, 0)
    left = np.expm1(np.minimum(z, 0))
    alpha = -right.mean() / left.mean()
    scale = 1 / (right + alpha * left).std()
    return alpha, scale


def _with_its_own_alpha(constants: Function, z: Array) -> tuple[Any, Any]:
    """Observe the deviation that scale gives to the outputs, which should be 1.

    A scale that is right counts, and one that follows from the alpha that came: by the standard
    deviation, or by the mean square, for whoever trusts that the mean is 0.
    """
    alpha, scale = constants(z)
    if np.size(alpha) != 1 or np.size(scale) != 1:
        return alpha, np.nan
    right, left = np.maximum(z, 0), np.expm1(np.minimum(z, 0))
    own = right + alpha * left
    due = right + _constants_reference(z)[0] * left
    deviations = scale * np.array([due.std(), own.std(), np.sqrt((own**2).mean())])
    return alpha, deviations[np.argmin(np.nan_to_num(abs(deviations - 1), nan=np.inf))]


CONSTANTS = Exercise(
    name="activations.constants",
    outputs=("alpha", "deviation"),
    returns=("alpha", "scale"),
    observe=_with_its_own_alpha,
    reference=_constants_reference,
    model=_self_normalizing_constants,
    cases=_constants_cases,
    criteria=criteria("""
alpha makes the mean 0 (ordinary, 0.5)
    alpha: act-selu
scale makes the variance 1 (ordinary, 0.25)
    deviation: act-selu
samples of small and of large numbers (edge, 0.25)
    alpha, deviation: act-selu
z is left as it was (unchanged, 0.25)
"""),
    misconceptions=mistakes(
        _self_normalizing_constants,
        """
SELU's constants (act-selu, 0)
    return alpha, scale -> return 1.6732632423543772, 1.0507009873554805
    return alpha, scale -> return 1.6733, 1.0507
    Those belong to the standard normal distribution. Another sample has other constants: solve the
    two conditions for the sample at hand.
means over each half of the sample (act-selu, 0.5)
    -right.mean() / left.mean() -> -right[z > 0].mean() / left[z <= 0].mean()
    -right.mean() / left.mean() -> -right[z > 0].mean() / left[z <= 0].mean()
        & (right + alpha * left).std() -> np.sqrt(((right + alpha * left) ** 2).mean())
    Both sides contribute to one mean, each with the share of the sample that it has. Divide both
    sums by the same number, or by none.
an exponential without its -1 (act-elu)
    -right.mean() / left.mean() -> right.sum() / np.exp(z[z <= 0]).sum()
    -right.mean() / left.mean() -> right.sum() / np.exp(z[z <= 0]).sum()
        & (right + alpha * left).std() -> np.sqrt(((right + alpha * left) ** 2).mean())
    -right.mean() / left.mean() -> -right.sum() / np.exp(z[z <= 0]).sum()
    -right.mean() / left.mean() -> -right.sum() / np.exp(z[z <= 0]).sum()
        & (right + alpha * left).std() -> np.sqrt(((right + alpha * left) ** 2).mean())
    np.expm1(np.minimum(z, 0)) -> np.where(z > 0, 0, np.exp(z))
    np.expm1( -> np.exp(
    The left side of the function is alpha (exp(z) - 1).
an alpha with its sign turned (act-selu, 0.5)
    -right.mean() -> right.mean()
    -right.mean() -> right.mean()
        & (right + alpha * left).std() -> np.sqrt(((right + alpha * left) ** 2).mean())
    return alpha -> return -alpha
    On the left exp(z) - 1 is negative, so a positive alpha balances the right side.
an alpha upside down (act-selu, 0.5)
    -right.mean() / left.mean() -> -left.mean() / right.mean()
    -right.mean() / left.mean() -> -left.mean() / right.mean()
        & (right + alpha * left).std() -> np.sqrt(((right + alpha * left) ** 2).mean())
    alpha multiplies the left side, so it is the sum of the right side divided by that of the left.
a variance in the place of the standard deviation (act-selu, 0.75)
    .std() -> .var()
    A factor before the function enters its variance squared, so a root has to be taken.
a scale upside down (act-selu, 0.75)
    1 / (right + alpha * left) -> (right + alpha * left)
    If the outputs vary too much, the factor has to be below 1.
a scale for an alpha of 1 (act-selu, 0.75)
    alpha * left -> left
    (right + alpha * left).std() -> np.sqrt(((right + left) ** 2).mean())
    The variance is that of the outputs with the alpha that you just found.
a scale from the net inputs (act-selu, 0.75)
    (right + alpha * left).std() -> z.std()
    1 / (right -> z.std() / (right
    What should have the variance 1 is the output of the function, not its input.
a variance divided by n - 1 (act-selu, 0.75)
    .std() -> .std(ddof=1)
    The exercise divides by the size of the sample, which is what NumPy does by default.
a scale that was not computed (act-selu, 0.75, idle)
    1 / (right + alpha * left).std() -> 1.0
    1 / (right + alpha * left).std() -> 0.0
    Divide by the standard deviation of the outputs, so that what they have then is 1.
""",
    ),
)


# ---- softmax


def _softmax_reference(dout: Array, z: Array) -> tuple[Array, ...]:
    return reference.softmax(z), reference.log_softmax(z), reference.softmax_backward(dout, z)


def _softmax_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for group, rest, dtype in (
        ("ordinary", "", np.float64),
        ("ordinary", "", np.float64),
        ("ordinary", ", float32", np.float32),
        ("extreme", ", near 1000 in some examples and near -1000 in others", np.float64),
        ("extreme", ", with -1000 and 1000 in each example", np.float64),
    ):
        rows, classes = _sizes(rng)
        z = rng.uniform(-2.0, 2.0, (rows, classes)) + rng.uniform(0.5, 1.5)
        if "near" in rest:
            z += np.where(np.arange(rows) % 2, 1000.0, -1000.0)[:, np.newaxis]
        elif "each" in rest:
            extremes = np.tile(np.r_[1000.0, -1000.0, np.zeros(classes - 2)], (rows, 1))
            z += rng.permuted(extremes, axis=1)
        arguments = {"dout": _arriving(rng, z.shape).astype(dtype), "z": z.astype(dtype)}
        cases.append(Case(group, _label(z.shape, "classes", rest), arguments))
    return cases


def _softmax(dout: Array, z: Array) -> Any:
    shifted = z - z.max(axis=1)[:, None]
    exponentials = np.exp(shifted)
    total = exponentials.sum(axis=1)[:, None]
    p = exponentials / total
    log_p = shifted - np.log(total)
    weighted = (dout * p).sum(axis=1)[:, None]
    dz = p * (dout - weighted)
    return p, log_p, dz


SOFTMAX_CUT = for_each_cut(
    "shifted - np.log(total) -> np.log(np.maximum(p, CUT))",
    "shifted - np.log(total) -> np.log(p + CUT)",
)

SOFTMAX = Exercise(
    name="activations.softmax",
    outputs=(NAN, "p", "log_p", "dz"),
    returns=("p", "log_p", "dz"),
    observe=counting_nan,
    reference=_softmax_reference,
    model=_softmax,
    cases=_softmax_cases,
    criteria=criteria("""
p, log_p and dz have the shape of z (shape, 0.25)
p and log_p are right at ordinary net inputs (ordinary, 0.5)
    p, log_p: act-softmax act-log-softmax, within (1e-4, 1e-6)
dz is right at ordinary net inputs (ordinary, 0.5)
    dz: act-softmax-backward
all three at net inputs of 1000 (extreme, 0.5)
    number of NaN, p, log_p, dz: act-softmax act-log-softmax
the arguments are left as they were (unchanged, 0.25)
"""),
    misconceptions=mistakes(
        _softmax,
        f"""
an exponential that overflows (act-softmax, 1.5)
    z - z.max(axis=1)[:, None] -> z
    z - z.max(axis=1)[:, None] -> z & shifted - np.log(total) -> np.log(p)
    z - z.max(axis=1)[:, None] -> z & exponentials / total -> np.exp(shifted - np.log(total))
    z - z.max(axis=1)[:, None] -> z
        & shifted - np.log(total) -> z - np.logaddexp.reduce(z, axis=1)[:, None]
    shifted - np.log(total) -> z - np.log(np.exp(z).sum(axis=1))[:, None]
    exp(1000) is infinite, and infinity divided by itself is NaN; at -1000 it is 0 / 0. Shift each
    example before you take exponentials: a shift cancels.
one shift for the whole batch (act-softmax, 1.5)
    z.max(axis=1)[:, None] -> z.max()
    z.max(axis=1)[:, None] -> z.max() & shifted - np.log(total) -> np.log(p)
    z.max(axis=1)[:, None] -> z.max()
        & shifted - np.log(total) -> z - np.logaddexp.reduce(z, axis=1)[:, None]
    You subtract the largest of all entries. An example whose entries are all far below it is left
    with a sum of 0. Each example has its own largest entry: axis 1.
the logarithm of a probability that was rounded to 0 (act-log-softmax, 1.5)
    shifted - np.log(total) -> np.log(p)
    p is right, but some of its entries are too small for a float, and the logarithm of 0 is minus
    infinity. Take the logarithm of the formula: that of exp(z) is z.
probabilities that were kept away from 0 (act-log-softmax, 1.5)
    {SOFTMAX_CUT}
    It keeps the logarithm finite, but at a number that you chose. From the net input the true one
    can be computed.
a softmax over the batch (act-softmax, 0.25)
    z.max(axis=1)[:, None] -> z.max(axis=0) & ials.sum(axis=1)[:, None] -> ials.sum(axis=0)
    z.max(axis=1)[:, None] -> z.max(axis=0) & ials.sum(axis=1)[:, None] -> ials.sum(axis=0)
        & shifted - np.log(total) -> np.log(p)
    The probabilities of one example sum to 1: the sum runs over its classes, axis 1.
a minus in the exponent (act-softmax, 0.25)
    z - z.max(axis=1)[:, None] -> z.min(axis=1)[:, None] - z
    z - z.max(axis=1)[:, None] -> z.min(axis=1)[:, None] - z & shifted - np.log(total) -> np.log(p)
    With exp(-z), as on a slide of deck L, the largest net input gets the smallest probability.
the diagonal of the Jacobian alone (act-softmax-backward, 1)
    (dout - weighted) -> dout * (1 - p)
    p (1 - p) is the slope of p_c by its own z_c, as with a sigmoid. Every probability also depends
    on all other net inputs of the example.
a gradient without its second term (act-softmax-backward, 1)
    (dout - weighted) -> dout
    p times dout is what the exponential above the line brings. The sum below the line depends on
    each z, too, and takes a weighted mean of dout away.
the gradient of the log-softmax (act-softmax-backward, 1)
    p * (dout - weighted) -> dout - p * dout.sum(axis=1)[:, None]
    dout belongs to p here, not to its logarithm, so the sum over the classes weights it by p.
what arrives summed without its weights (act-softmax-backward, 1)
    (dout * p).sum -> dout.sum
    (dout * p).sum -> dout.mean
    Subtract the mean of dout weighted by the probabilities: the sum of dout times p.
a sum over the batch in the gradient (act-softmax-backward, 1)
    (dout * p).sum(axis=1)[:, None] -> (dout * p).sum(axis=0)
    (dout * p).sum(axis=1)[:, None] -> (dout * p).sum()
    Each example has its own sum over its own classes: axis 1.
a gradient with its sign turned (act-softmax-backward, 1)
    dz = p -> dz = -p
    More of a net input means more of its own probability: p_k times dout_k comes with a plus.
""",
    ),
)

EXERCISES = (SIGMOID_TANH, LEAKY_RELU, ELU, SMOOTH, CONSTANTS, SOFTMAX)
