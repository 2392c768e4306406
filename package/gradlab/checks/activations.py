"""Checks of the exercise ``activations``."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradlab import activations as reference
from gradlab.checks._model import (
    NAN,
    Case,
    Criterion,
    Exercise,
    Function,
    Misconception,
    counting_nan,
)
from gradlab.checks.losses import CUTS

Array = NDArray[Any]


def _altering(right: Function, outputs: tuple[str, ...]) -> Callable[..., Function]:
    """Return a maker of variants of `right`, in which named outputs come from other functions."""

    def altered(**changes: Function) -> Function:
        def variant(*arguments: Any) -> tuple[Any, ...]:
            results = dict(zip(outputs, right(*arguments), strict=True))
            results |= {name: change(*arguments) for name, change in changes.items()}
            return tuple(results.values())

        return variant

    return altered


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


def _saturating(z: Array) -> tuple[Array, ...]:
    one = np.ones_like(z)
    return (
        reference.sigmoid(z),
        reference.tanh(z),
        reference.sigmoid_backward(one, z),
        reference.tanh_backward(one, z),
    )


_saturating_with = _altering(_saturating, ("s", "t", "ds", "dt"))


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


def _sigmoid_quotient(z: Array) -> Any:
    return np.exp(z) / (1 + np.exp(z))


def _tanh_quotient(z: Array) -> Any:
    return (np.exp(z) - np.exp(-z)) / (np.exp(z) + np.exp(-z))


def _tanh_doubled_quotient(z: Array) -> Any:
    return (np.exp(2 * z) - 1) / (np.exp(2 * z) + 1)


def _overflowing() -> tuple[Function, ...]:
    """Quotients that are NaN where exp overflows, and the slopes that follow from them."""
    sigmoids = (reference.sigmoid, _sigmoid_quotient)
    tanhs = (
        reference.tanh,
        _tanh_quotient,
        _tanh_doubled_quotient,
        lambda z: 2 * _sigmoid_quotient(2 * z) - 1,
    )

    def variant(s: Function, t: Function) -> Function:
        return _saturating_with(
            s=s, t=t, ds=lambda z: s(z) * (1 - s(z)), dt=lambda z: 1 - t(z) ** 2
        )

    # The first pair is right.
    return tuple(variant(s, t) for s, t in list(product(sigmoids, tanhs))[1:])


def _wrong_sigmoid(s: Function) -> Function:
    return _saturating_with(s=s, ds=lambda z: s(z) * (1 - s(z)))


def _wrong_tanh(t: Function) -> tuple[Function, ...]:
    return _saturating_with(t=t, dt=lambda z: 1 - t(z) ** 2), _saturating_with(t=t)


def _sigmoid_slope_at_output(z: Array) -> Any:
    return reference.sigmoid_backward(np.ones_like(z), reference.sigmoid(z))


def _tanh_slope_at_output(z: Array) -> Any:
    return 1 - np.tanh(np.tanh(z)) ** 2


SIGMOID_TANH = Exercise(
    name="activations.sigmoid_tanh",
    outputs=(NAN, "s", "t", "ds", "dt"),
    returns=("s", "t", "ds", "dt"),
    observe=counting_nan,
    reference=_saturating,
    cases=_saturating_cases,
    criteria=(
        Criterion("all four have the shape of z", 0.25, "shape"),
        Criterion(
            "sigmoid and tanh are right",
            0.25,
            group="ordinary",
            outputs=("s", "t"),
            equations=("act-sigmoid", "act-tanh-sigmoid"),
        ),
        Criterion(
            "both slopes are right",
            0.5,
            group="ordinary",
            outputs=("ds", "dt"),
            equations=("act-sigmoid-backward", "act-tanh-backward"),
        ),
        Criterion(
            "net inputs of 30 to 1000, on both sides",
            0.25,
            group="extreme",
            outputs=(NAN, "s", "t", "ds", "dt"),
            equations=("act-sigmoid",),
        ),
        Criterion("z is left as it was", 0.25, "unchanged"),
    ),
    misconceptions=(
        Misconception(
            "an exponential that overflows",
            "exp(1000) is infinite, and infinity divided by infinity is NaN. Take a form whose "
            "exponential is one of a negative number, or one whose quotient stays defined.",
            "act-sigmoid",
            _overflowing(),
        ),
        Misconception(
            "the slope at the output instead of the net input",
            "You put the function's output in the place of z and apply the function once more. The "
            "slope is s (1 - s), with s itself.",
            "act-sigmoid-backward",
            (
                _saturating_with(ds=_sigmoid_slope_at_output, dt=_tanh_slope_at_output),
                _saturating_with(ds=_sigmoid_slope_at_output),
                _saturating_with(dt=_tanh_slope_at_output),
            ),
        ),
        Misconception(
            "the net input in the place of the output",
            "The short forms of the slopes hold for the output of the function: s (1 - s), not "
            "z (1 - z).",
            "act-sigmoid-backward",
            (
                _saturating_with(ds=lambda z: z * (1 - z), dt=lambda z: 1 - z**2),
                _saturating_with(ds=lambda z: z * (1 - z)),
                _saturating_with(dt=lambda z: 1 - z**2),
            ),
        ),
        Misconception(
            "a sigmoid that falls",
            "The exponent has a minus: a large net input gives 1.",
            "act-sigmoid",
            (
                _saturating_with(s=lambda z: reference.sigmoid(-z)),
                _wrong_sigmoid(lambda z: reference.sigmoid(-z)),
            ),
        ),
        Misconception(
            "a tanh that was not stretched",
            "tanh goes from -1 to 1 and has the slope 1 at 0. The sigmoid is taken of 2 z, "
            "doubled, and lowered by 1: all three are needed.",
            "act-tanh-sigmoid",
            tuple(
                variant
                for t in (
                    lambda z: 2 * reference.sigmoid(z) - 1,
                    lambda z: reference.sigmoid(2 * z),
                    lambda z: 2 * reference.sigmoid(2 * z),
                )
                for variant in _wrong_tanh(t)
            ),
        ),
        Misconception(
            "the slope of tanh without its square",
            "The slope is 1 minus the square of the output. Without the square it is 2 on the far "
            "left.",
            "act-tanh-backward",
            (_saturating_with(dt=lambda z: 1 - np.tanh(z)),),
        ),
        Misconception(
            "one formula for both slopes",
            "s (1 - s) belongs to the sigmoid, 1 - t^2 to tanh: derive each from its own function.",
            "act-tanh-backward",
            (
                _saturating_with(dt=lambda z: np.tanh(z) * (1 - np.tanh(z))),
                _saturating_with(ds=lambda z: 1 - reference.sigmoid(z) ** 2),
            ),
        ),
        Misconception(
            "a factor 2 lost in the slope of tanh",
            "In 2 sigmoid(2 z) - 1 there is a 2 outside and, by the chain rule, another one from "
            "inside. The slope at 0 is 1.",
            "act-tanh-backward",
            tuple(
                _saturating_with(
                    dt=lambda z, factor=factor: (
                        factor * reference.sigmoid_backward(np.ones_like(z), 2 * z)
                    )
                )
                for factor in (1, 2)
            ),
        ),
        Misconception(
            "slopes with their signs turned",
            "Both functions rise everywhere, so their slopes are positive.",
            "act-sigmoid-backward",
            (
                _saturating_with(
                    ds=lambda z: -_saturating(z)[2],
                    dt=lambda z: -_saturating(z)[3],
                ),
                _saturating_with(ds=lambda z: -_saturating(z)[2]),
                _saturating_with(dt=lambda z: -_saturating(z)[3]),
            ),
        ),
    ),
)


# ---- leaky ReLU


def _leaky(dout: Array, z: Array, alpha: float) -> tuple[Any, ...]:
    return (
        reference.leaky_relu(z, alpha),
        reference.leaky_relu_backward(dout, z, alpha),
        reference.dead_fraction(z),
    )


_leaky_with = _altering(_leaky, ("out", "dz", "off"))


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


def _leaky_by_maximum(dout: Array, z: Array, alpha: float) -> Any:
    return np.maximum(z, alpha * z)


LEAKY_RELU = Exercise(
    name="activations.leaky_relu",
    outputs=("out", "dz", "off"),
    reference=_leaky,
    cases=_leaky_cases,
    criteria=(
        Criterion("out and dz have the shape of z, off is a number", 0.25, "shape"),
        Criterion(
            "out is right",
            0.25,
            group="ordinary",
            outputs=("out",),
            equations=("act-leaky-relu",),
        ),
        Criterion(
            "dz is right",
            0.5,
            group="ordinary",
            outputs=("dz",),
            equations=("act-leaky-relu-backward",),
        ),
        Criterion(
            "off is the share of the units that are never on",
            0.5,
            group="ordinary",
            outputs=("off",),
            equations=("act-dead-fraction",),
        ),
        Criterion(
            "net inputs of 0, an alpha of 0 and one above 1",
            0.25,
            group="edge",
            outputs=("out", "dz", "off"),
            equations=("act-leaky-relu", "act-leaky-relu-backward"),
        ),
        Criterion("the arguments are left as they were", 0.25, "unchanged"),
    ),
    misconceptions=(
        Misconception(
            "the maximum of z and alpha z",
            "That is deck L's form. It is the same up to an alpha of 1; beyond, alpha z is the "
            "larger one on the right. Choose by the sign of z.",
            "act-leaky-relu",
            (
                _leaky_with(out=_leaky_by_maximum),
                _leaky_with(
                    out=_leaky_by_maximum,
                    dz=lambda dout, z, a: dout * np.where(z > a * z, 1, a),
                ),
                _leaky_with(
                    out=_leaky_by_maximum,
                    dz=lambda dout, z, a: dout * np.where(z >= a * z, 1, a),
                ),
            ),
        ),
        Misconception(
            "a net input of 0 that counts as on",
            "There is no derivative at 0, and libraries choose. Here, as in PyTorch, the left side "
            "has the case z = 0: the slope is alpha, and the unit is not on.",
            "act-leaky-relu-backward",
            (
                _leaky_with(dz=lambda dout, z, a: dout * np.where(z >= 0, 1, a)),
                _leaky_with(off=lambda dout, z, a: (z < 0).all(axis=0).mean()),
                _leaky_with(
                    dz=lambda dout, z, a: dout * np.where(z >= 0, 1, a),
                    off=lambda dout, z, a: (z < 0).all(axis=0).mean(),
                ),
            ),
        ),
        Misconception(
            "a ReLU without its leak",
            "On the left the function is alpha z with the slope alpha, and 0 only where alpha is.",
            "act-leaky-relu",
            (
                _leaky_with(
                    out=lambda dout, z, a: np.maximum(z, 0),
                    dz=lambda dout, z, a: dout * (z > 0),
                ),
            ),
        ),
        Misconception(
            "a slope without what arrives",
            "The backward pass multiplies the slope by dout.",
            "act-leaky-relu-backward",
            (_leaky_with(dz=lambda dout, z, a: np.where(z > 0, 1, a)),),
        ),
        Misconception(
            "the sign of dout instead of that of z",
            "Whether the slope is 1 or alpha was decided in the forward pass, by z. A negative "
            "gradient passes a unit that is on.",
            "act-leaky-relu-backward",
            (_leaky_with(dz=lambda dout, z, a: np.where(dout > 0, dout, a * dout)),),
        ),
        Misconception(
            "the function in the place of its slope",
            "dout is multiplied by the derivative: 1 on the right and alpha on the left.",
            "act-leaky-relu-backward",
            (
                _leaky_with(dz=lambda dout, z, a: dout * np.where(z > 0, z, a * z)),
                _leaky_with(dz=lambda dout, z, a: dout * np.where(z > 0, 1, a * z)),
            ),
        ),
        Misconception(
            "the two sides exchanged",
            "alpha belongs to the left side, where z is negative.",
            "act-leaky-relu",
            (
                _leaky_with(
                    out=lambda dout, z, a: np.where(z > 0, a * z, z),
                    dz=lambda dout, z, a: dout * np.where(z > 0, a, 1),
                ),
            ),
        ),
        Misconception(
            "a leak that rises to the left",
            "alpha z is negative on the left, since z is: there is no minus in front of alpha.",
            "act-leaky-relu",
            (
                _leaky_with(
                    out=lambda dout, z, a: np.where(z > 0, z, -a * z),
                    dz=lambda dout, z, a: dout * np.where(z > 0, 1, -a),
                ),
            ),
        ),
        Misconception(
            "the share of the entries that are off",
            "You count pairs of an example and a unit. A unit that is off for some examples is "
            "alive: count the units that are off for all of them.",
            "act-dead-fraction",
            (_leaky_with(off=lambda dout, z, a: (z <= 0).mean()),),
        ),
        Misconception(
            "the share of the units that are off at least once",
            "One example for which a unit is on keeps it alive. What counts is the largest net "
            "input of the unit, not the smallest.",
            "act-dead-fraction",
            (_leaky_with(off=lambda dout, z, a: (z <= 0).any(axis=0).mean()),),
        ),
        Misconception(
            "the examples for which no unit is on",
            "axis 1 runs over the units of one example. A unit is a column: look down axis 0.",
            "act-dead-fraction",
            (_leaky_with(off=lambda dout, z, a: (z <= 0).all(axis=1).mean()),),
        ),
        Misconception(
            "a number of units instead of a share",
            "Divide by the number of units.",
            "act-dead-fraction",
            (_leaky_with(off=lambda dout, z, a: (z <= 0).all(axis=0).sum()),),
        ),
        Misconception(
            "the share of the units that are on",
            "That is what remains. Asked for are the units that are never on.",
            "act-dead-fraction",
            (_leaky_with(off=lambda dout, z, a: (z > 0).any(axis=0).mean()),),
        ),
    ),
)


# ---- ELU and SELU


def _elu(dout: Array, z: Array, alpha: float, scale: float) -> tuple[Array, ...]:
    return scale * reference.elu(z, alpha), scale * reference.elu_backward(dout, z, alpha)


_elu_with = _altering(_elu, ("out", "dz"))

SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805


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


def _elu_form(
    right: Callable[..., Any] = lambda z, a, s: s * z,
    left: Callable[..., Any] = lambda z, a, s: s * a * np.expm1(z),
    slope_right: Callable[..., Any] = lambda z, a, s: s,
    slope_left: Callable[..., Any] = lambda z, a, s: s * a * np.exp(z),
    on: Callable[[Array], Array] = lambda z: z > 0,
) -> Function:
    """An ELU with one of its branches exchanged."""

    def variant(dout: Array, z: Array, alpha: float, scale: float) -> tuple[Any, ...]:
        given = z, alpha, scale
        return (
            np.where(on(z), right(*given), left(*given)),
            dout * np.where(on(z), slope_right(*given), slope_left(*given)),
        )

    return variant


def _masked(dout: Array, z: Array, a: float, s: float) -> Any:
    return s * ((z > 0) * z + (z <= 0) * a * (np.exp(z) - 1))


def _masked_slope(dout: Array, z: Array, a: float, s: float) -> Any:
    return dout * s * ((z > 0) + (z <= 0) * a * np.exp(z))


ELU = Exercise(
    name="activations.elu",
    outputs=(NAN, "out", "dz"),
    returns=("out", "dz"),
    observe=counting_nan,
    reference=_elu,
    cases=_elu_cases,
    criteria=(
        Criterion("out and dz have the shape of z", 0.25, "shape"),
        Criterion(
            "out is right",
            0.25,
            group="ordinary",
            outputs=("out",),
            equations=("act-elu", "act-selu"),
        ),
        Criterion(
            "dz is right",
            0.5,
            group="ordinary",
            outputs=("dz",),
            equations=("act-elu-backward", "act-selu-backward"),
        ),
        Criterion(
            "net inputs of -1000, 0 and 1000",
            0.25,
            group="extreme",
            outputs=(NAN, "out", "dz"),
            equations=("act-elu", "act-elu-backward"),
        ),
        Criterion("the arguments are left as they were", 0.25, "unchanged"),
    ),
    misconceptions=(
        Misconception(
            "an infinite number multiplied by 0",
            "exp(1000) is infinite, and a mask that is 0 there makes it NaN. Choose with np.where, "
            "or let no positive number into the exponential.",
            "act-elu",
            (
                _elu_with(out=_masked, dz=_masked_slope),
                _elu_with(out=_masked),
                _elu_with(dz=_masked_slope),
            ),
        ),
        Misconception(
            "the slope of the right side at 0",
            "There is no derivative at 0 unless alpha is 1. This exercise asks for the slope from "
            "the left, as PyTorch does.",
            "act-elu-backward",
            (_elu_form(on=lambda z: z >= 0),),
        ),
        Misconception(
            "the two cases exchanged",
            "The exponential belongs to the left, where it stays small. Deck L's slide has the "
            "cases the wrong way round.",
            "act-elu",
            (
                _elu_form(on=lambda z: z <= 0),
                _elu_form(on=lambda z: z < 0),
                _elu_with(out=lambda dout, z, a, s: s * np.where(z < 0, z, a * np.expm1(z))),
            ),
        ),
        Misconception(
            "a scale on one side alone",
            "The scale stands before the brace: it multiplies both cases, and so both slopes.",
            "act-selu",
            (
                _elu_form(right=lambda z, a, s: z, slope_right=lambda z, a, s: 1.0),
                _elu_form(slope_right=lambda z, a, s: 1.0),
                _elu_form(
                    left=lambda z, a, s: a * np.expm1(z), slope_left=lambda z, a, s: a * np.exp(z)
                ),
                _elu_form(slope_left=lambda z, a, s: a * np.exp(z)),
            ),
        ),
        Misconception(
            "a slope from the output with the wrong constant",
            "The output is scale alpha (exp(z) - 1), so scale alpha has to be added to it to get "
            "the slope; alpha alone is right for an ELU.",
            "act-selu-backward",
            (_elu_form(slope_left=lambda z, a, s: s * a * np.expm1(z) + a),),
        ),
        Misconception(
            "the function in the place of its slope",
            "The constant -1 has the derivative 0, so the slope on the left is that of the "
            "exponential alone.",
            "act-elu-backward",
            (_elu_form(slope_left=lambda z, a, s: s * a * np.expm1(z)),),
        ),
        Misconception(
            "an exponential without its -1",
            "The left side has to meet the right one at 0, where exp is 1.",
            "act-elu",
            (_elu_form(left=lambda z, a, s: s * a * np.exp(z)),),
        ),
        Misconception(
            "an alpha that multiplies the exponential alone",
            "alpha multiplies the difference exp(z) - 1, with the parentheses.",
            "act-elu",
            (_elu_form(left=lambda z, a, s: s * (a * np.exp(z) - 1)),),
        ),
        Misconception(
            "the scale forgotten",
            "Both cases, and with them both slopes, are multiplied by scale.",
            "act-selu",
            (lambda dout, z, alpha, scale: _elu(dout, z, alpha, 1.0),),
        ),
        Misconception(
            "alpha forgotten",
            "The left side is multiplied by alpha, and so is its slope.",
            "act-elu",
            (
                lambda dout, z, alpha, scale: _elu(dout, z, 1.0, scale),
                _elu_with(dz=lambda dout, z, a, s: _elu(dout, z, 1.0, s)[1]),
            ),
        ),
        Misconception(
            "a slope without what arrives",
            "The backward pass multiplies the slope by dout.",
            "act-elu-backward",
            (_elu_with(dz=lambda dout, z, a, s: _elu(np.ones_like(z), z, a, s)[1]),),
        ),
    ),
)


# ---- constants that keep mean and variance


def _constants(z: Array) -> tuple[Any, Any]:
    right = reference.relu(z).mean()
    alpha = right / (right - reference.elu(z).mean())
    return alpha, 1 / reference.elu(z, alpha).std()


_constants_with = _altering(_constants, ("alpha", "scale"))


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


def _scale_for(alpha: Callable[[Array], Any]) -> Function:
    """The scale that goes with an alpha, by the mean square or by the variance."""
    return lambda z: 1 / np.sqrt((_elu_of(z, alpha(z)) ** 2).mean())


def _elu_of(z: Array, alpha: Any) -> Any:
    return np.where(z > 0, z, alpha * np.expm1(z))


def _with_alpha(alpha: Callable[[Array], Any]) -> tuple[Function, ...]:
    """Return the variants of a wrong alpha, with the scales that follow from it."""
    return (
        _constants_with(alpha=alpha, scale=_scale_for(alpha)),
        _constants_with(alpha=alpha, scale=lambda z: 1 / _elu_of(z, alpha(z)).std()),
    )


def _means_of_the_halves(z: Array) -> Any:
    return -z[z > 0].mean() / np.expm1(z[z <= 0]).mean()


def _without_minus_1(z: Array) -> Any:
    return z[z > 0].sum() / np.exp(z[z <= 0]).sum()


CONSTANTS = Exercise(
    name="activations.constants",
    outputs=("alpha", "scale"),
    reference=_constants,
    cases=_constants_cases,
    criteria=(
        Criterion(
            "alpha makes the mean 0",
            0.5,
            group="ordinary",
            outputs=("alpha",),
            equations=("act-selu",),
        ),
        Criterion(
            "scale makes the variance 1",
            0.5,
            group="ordinary",
            outputs=("scale",),
            equations=("act-selu",),
        ),
        Criterion(
            "samples of small and of large numbers",
            0.25,
            group="edge",
            outputs=("alpha", "scale"),
            equations=("act-selu",),
        ),
        Criterion("z is left as it was", 0.25, "unchanged"),
    ),
    misconceptions=(
        Misconception(
            "SELU's constants",
            "Those belong to the standard normal distribution. Another sample has other constants: "
            "solve the two conditions for the sample at hand.",
            "act-selu",
            (lambda z: (SELU_ALPHA, SELU_SCALE), lambda z: (1.6733, 1.0507)),
        ),
        Misconception(
            "means over each half of the sample",
            "Both sides contribute to one mean, each with the share of the sample that it has. "
            "Divide both sums by the same number, or by none.",
            "act-selu",
            _with_alpha(_means_of_the_halves),
        ),
        Misconception(
            "an exponential without its -1",
            "The left side of the function is alpha (exp(z) - 1).",
            "act-elu",
            (
                *_with_alpha(_without_minus_1),
                *_with_alpha(lambda z: -_without_minus_1(z)),
            ),
        ),
        Misconception(
            "an alpha with its sign turned",
            "On the left exp(z) - 1 is negative, so a positive alpha balances the right side.",
            "act-selu",
            (
                *_with_alpha(lambda z: -_constants(z)[0]),
                _constants_with(alpha=lambda z: -_constants(z)[0]),
            ),
        ),
        Misconception(
            "an alpha upside down",
            "alpha multiplies the left side, so it is the sum of the right side divided by that of "
            "the left.",
            "act-selu",
            _with_alpha(lambda z: 1 / _constants(z)[0]),
        ),
        Misconception(
            "a variance in the place of the standard deviation",
            "A factor before the function enters its variance squared, so a root has to be taken.",
            "act-selu",
            (_constants_with(scale=lambda z: _constants(z)[1] ** 2),),
        ),
        Misconception(
            "a scale upside down",
            "If the outputs vary too much, the factor has to be below 1.",
            "act-selu",
            (_constants_with(scale=lambda z: 1 / _constants(z)[1]),),
        ),
        Misconception(
            "a scale for an alpha of 1",
            "The variance is that of the outputs with the alpha that you just found.",
            "act-selu",
            (
                _constants_with(scale=_scale_for(lambda z: 1.0)),
                _constants_with(scale=lambda z: 1 / reference.elu(z).std()),
            ),
        ),
        Misconception(
            "a scale from the net inputs",
            "What should have the variance 1 is the output of the function, not its input.",
            "act-selu",
            (
                _constants_with(scale=lambda z: 1 / z.std()),
                _constants_with(scale=lambda z: z.std() / _elu_of(z, _constants(z)[0]).std()),
            ),
        ),
        Misconception(
            "a variance divided by n - 1",
            "The exercise divides by the size of the sample, which is what NumPy does by default.",
            "act-selu",
            (_constants_with(scale=lambda z: 1 / _elu_of(z, _constants(z)[0]).std(ddof=1)),),
        ),
    ),
)


# ---- softmax


def _softmax(dout: Array, z: Array) -> tuple[Array, ...]:
    return reference.softmax(z), reference.log_softmax(z), reference.softmax_backward(dout, z)


_softmax_with = _altering(_softmax, ("p", "log_p", "dz"))


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


def _column(values: Array) -> Array:
    return values[:, np.newaxis]


def _from(softmax: Callable[[Array], Any], log: Callable[[Array], Any] | None = None) -> Function:
    """All three results from probabilities, or from logarithms beside them, that are not right."""

    def variant(dout: Array, z: Array) -> tuple[Any, ...]:
        p = softmax(z)
        dz = p * (dout - _column((dout * p).sum(axis=1)))
        return p, np.log(p) if log is None else log(z), dz

    return variant


def _naive(z: Array) -> Any:
    return np.exp(z) / _column(np.exp(z).sum(axis=1))


def _naive_log(z: Array) -> Any:
    return z - np.log(_column(np.exp(z).sum(axis=1)))


def _one_shift(z: Array) -> Any:
    return _naive(z - z.max())


def _over_the_batch(z: Array) -> Any:
    return reference.softmax(z.T).T


def _gradient(combine: Callable[[Array, Array], Any]) -> Function:
    """A wrong gradient, from what arrives and the probabilities."""
    return _softmax_with(dz=lambda dout, z: combine(dout, reference.softmax(z)))


SOFTMAX = Exercise(
    name="activations.softmax",
    outputs=(NAN, "p", "log_p", "dz"),
    returns=("p", "log_p", "dz"),
    observe=counting_nan,
    reference=_softmax,
    cases=_softmax_cases,
    criteria=(
        Criterion("p, log_p and dz have the shape of z", 0.25, "shape"),
        Criterion(
            "p and log_p are right at ordinary net inputs",
            0.5,
            group="ordinary",
            outputs=("p", "log_p"),
            equations=("act-softmax", "act-log-softmax"),
            # Wide enough that a small number added to a probability costs the points for extreme
            # inputs and no others.
            tolerance=(1e-4, 1e-6),
        ),
        Criterion(
            "dz is right at ordinary net inputs",
            0.75,
            group="ordinary",
            outputs=("dz",),
            equations=("act-softmax-backward",),
        ),
        Criterion(
            "all three at net inputs of 1000",
            0.75,
            group="extreme",
            outputs=(NAN, "p", "log_p", "dz"),
            equations=("act-softmax", "act-log-softmax"),
        ),
        Criterion("the arguments are left as they were", 0.25, "unchanged"),
    ),
    misconceptions=(
        Misconception(
            "an exponential that overflows",
            "exp(1000) is infinite, and infinity divided by itself is NaN; at -1000 it is 0 / 0. "
            "Shift each example before you take exponentials: a shift cancels.",
            "act-softmax",
            (
                _from(_naive),
                _from(_naive, _naive_log),
                _from(_naive, reference.log_softmax),
                _from(reference.softmax, _naive_log),
            ),
        ),
        Misconception(
            "one shift for the whole batch",
            "You subtract the largest of all entries. An example whose entries are all far below "
            "it is left with a sum of 0. Each example has its own largest entry: axis 1.",
            "act-softmax",
            (
                _from(_one_shift),
                _from(_one_shift, lambda z: _naive_log(z - z.max())),
                _from(_one_shift, reference.log_softmax),
            ),
        ),
        Misconception(
            "the logarithm of a probability that was rounded to 0",
            "p is right, but some of its entries are too small for a float, and the logarithm of 0 "
            "is minus infinity. Take the logarithm of the formula: that of exp(z) is z.",
            "act-log-softmax",
            (_from(reference.softmax),),
        ),
        Misconception(
            "probabilities that were kept away from 0",
            "It keeps the logarithm finite, but at a number that you chose. From the net input the "
            "true one can be computed.",
            "act-log-softmax",
            tuple(
                _from(reference.softmax, log)
                for cut in CUTS
                for log in (
                    lambda z, cut=cut: np.log(np.maximum(reference.softmax(z), cut)),
                    lambda z, cut=cut: np.log(reference.softmax(z) + cut),
                )
            ),
        ),
        Misconception(
            "a softmax over the batch",
            "The probabilities of one example sum to 1: the sum runs over its classes, axis 1.",
            "act-softmax",
            (
                _from(_over_the_batch),
                _from(_over_the_batch, lambda z: reference.log_softmax(z.T).T),
            ),
        ),
        Misconception(
            "a minus in the exponent",
            "With exp(-z), as on a slide of deck L, the largest net input gets the smallest "
            "probability.",
            "act-softmax",
            (
                _from(lambda z: reference.softmax(-z)),
                _from(lambda z: reference.softmax(-z), lambda z: reference.log_softmax(-z)),
            ),
        ),
        Misconception(
            "the diagonal of the Jacobian alone",
            "p (1 - p) is the slope of p_c by its own z_c, as with a sigmoid. Every probability "
            "also depends on all other net inputs of the example.",
            "act-softmax-backward",
            (_gradient(lambda dout, p: dout * p * (1 - p)),),
        ),
        Misconception(
            "a gradient without its second term",
            "p times dout is what the exponential above the line brings. The sum below the line "
            "depends on each z, too, and takes a weighted mean of dout away.",
            "act-softmax-backward",
            (_gradient(lambda dout, p: p * dout),),
        ),
        Misconception(
            "the gradient of the log-softmax",
            "dout belongs to p here, not to its logarithm, so the sum over the classes weights it "
            "by p.",
            "act-softmax-backward",
            (_gradient(lambda dout, p: dout - p * _column(dout.sum(axis=1))),),
        ),
        Misconception(
            "what arrives summed without its weights",
            "Subtract the mean of dout weighted by the probabilities: the sum of dout times p.",
            "act-softmax-backward",
            (
                _gradient(lambda dout, p: p * (dout - _column(dout.sum(axis=1)))),
                _gradient(lambda dout, p: p * (dout - _column(dout.mean(axis=1)))),
            ),
        ),
        Misconception(
            "a sum over the batch in the gradient",
            "Each example has its own sum over its own classes: axis 1.",
            "act-softmax-backward",
            (
                _gradient(lambda dout, p: p * (dout - (dout * p).sum(axis=0))),
                _gradient(lambda dout, p: p * (dout - (dout * p).sum())),
            ),
        ),
        Misconception(
            "a gradient with its sign turned",
            "More of a net input means more of its own probability: p_k times dout_k comes with a "
            "plus.",
            "act-softmax-backward",
            (_softmax_with(dz=lambda dout, z: -_softmax(dout, z)[2]),),
        ),
    ),
)

EXERCISES = (SIGMOID_TANH, LEAKY_RELU, ELU, CONSTANTS, SOFTMAX)
