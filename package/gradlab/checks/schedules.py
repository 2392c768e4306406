"""Checks of the exercise ``schedules``."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradlab import schedules as reference
from gradlab.checks._model import Case, Criterion, Exercise, Misconception

Array = NDArray[Any]


def _steps(rng: np.random.Generator, decay_steps: float) -> Array:
    """Step 0, and one in the earlier or later half of some stretches, never at their edges."""
    low, high = np.array([[0.1, 0.6, 1.1, 2.6, 4.6], [0.4, 0.9, 1.4, 2.9, 4.9]])
    return np.concatenate([[0], np.floor(rng.uniform(low, high) * decay_steps)]).astype(np.int64)


def _decay_cases(
    rng: np.random.Generator,
    settings: tuple[tuple[str, float, float], ...],
    name: str,
    steps: Callable[[np.random.Generator, str, float], Array],
) -> list[Case]:
    """Cases of a schedule: (group, decay steps, the parameter `name`)."""
    cases = []
    for group, decay_steps, value in settings:
        arguments = {
            "step": steps(rng, group, decay_steps),
            "init_value": float(rng.uniform(0.2, 0.9)),
            "decay_steps": decay_steps,
            name: value,
        }
        label = f"decay_steps = {decay_steps:g}, {name} = {value:g}"
        cases.append(Case(group, label, arguments))
    return cases


# ---- power


def _power_steps(rng: np.random.Generator, group: str, decay_steps: float) -> Array:
    if group == "ordinary":
        return _steps(rng, decay_steps)
    return np.array([0, 1, int(rng.integers(900, 1100)), 1_000_000])


def _power_cases(rng: np.random.Generator) -> list[Case]:
    settings = (
        ("ordinary", 100, 1.0),
        ("ordinary", 30, 0.7),
        ("ordinary", 12.5, 1.5),
        ("edge", 10, 0.75),
        ("edge", 40, 0.0),
    )
    return _decay_cases(rng, settings, "power", _power_steps)


def _left_over(step: Array, init_value: float, decay_steps: float, power: float) -> Array:
    """What optax and PyTorch call polynomial: a power of the time that is left."""
    left: Array = init_value * np.clip(1 - step / decay_steps, 0, None) ** power
    return left


POWER = Exercise(
    name="schedules.power",
    outputs=("rates",),
    reference=reference.power_decay,
    cases=_power_cases,
    criteria=(
        Criterion("rates has the right shape", 0.25, "shape"),
        Criterion(
            "the rates fall by the power",
            0.75,
            group="ordinary",
            outputs=("rates",),
            equations=("sched-power",),
        ),
        Criterion(
            "a million steps, a power of 0",
            0.25,
            group="edge",
            outputs=("rates",),
            equations=("sched-power", "sched-power-ratio"),
        ),
        Criterion("the arguments are left as they were", 0.25, "unchanged"),
    ),
    misconceptions=(
        Misconception(
            "a denominator without its 1",
            "Look at step 0: the rate there is init_value, and nothing is divided by 0.",
            "sched-power",
            (lambda t, a, s, c: a / np.divide(t, s) ** c,),
        ),
        Misconception(
            "a power of t / T alone",
            "The power belongs to the whole denominator, the 1 included. For c = 1 the two agree.",
            "sched-power",
            (lambda t, a, s, c: a / (1 + (t / s) ** c),),
        ),
        Misconception(
            "a schedule without its power",
            "The denominator is raised to the power c. Your numbers are those of c = 1.",
            "sched-power",
            (lambda t, a, s, c: a / (1 + t / s),),
        ),
        Misconception(
            "a power that became a factor",
            "c is an exponent: it does not multiply t / T, nor the denominator.",
            "sched-power",
            (lambda t, a, s, c: a / (1 + c * t / s), lambda t, a, s, c: a / (c * (1 + t / s))),
        ),
        Misconception(
            "a schedule that forgets the decay steps",
            "The time is measured in units of decay_steps: t / T.",
            "sched-power",
            (lambda t, a, s, c: a / (1.0 + t) ** c, lambda t, a, s, c: a / (1.0 + t * s) ** c),
        ),
        Misconception(
            "steps counted from 1",
            "The first step is step 0, and its rate is init_value.",
            "sched-power",
            (
                lambda t, a, s, c: a / (1 + (t + 1) / s) ** c,
                lambda t, a, s, c: a / (1 + (t - 1) / s) ** c,
            ),
        ),
        Misconception(
            "stairs",
            "// rounds down, so your rate stays the same over each stretch of decay_steps. Power "
            "scheduling falls with every step: divide with /.",
            "sched-power",
            (lambda t, a, s, c: a / (1 + t // s) ** c,),
        ),
        Misconception(
            "a power of the time that is left",
            "That is what optax and PyTorch call polynomial. It reaches 0 at decay_steps; power "
            "scheduling never does.",
            "sched-power",
            (_left_over,),
        ),
        Misconception(
            "a rate that grows",
            "The denominator grows with the step. Divide by it, or give the power a minus.",
            "sched-power",
            (lambda t, a, s, c: a * (1 + t / s) ** c,),
        ),
        Misconception(
            "rates relative to the first one",
            "Multiply by init_value.",
            "sched-power",
            (lambda t, a, s, c: 1 / (1 + t / s) ** c,),
        ),
    ),
)


# ---- exponential


def _exponential(
    step: Array, init_value: float, decay_steps: float, decay_rate: float
) -> tuple[Any, Any, float]:
    smooth = reference.exponential_decay(step, init_value, decay_steps, decay_rate)
    stairs = reference.step_decay(step, init_value, decay_steps, decay_rate)
    return smooth, stairs, float(reference.exponential_decay(1, 1.0, decay_steps, decay_rate))


def _exponential_steps(rng: np.random.Generator, group: str, decay_steps: float) -> Array:
    if group == "ordinary":
        return _steps(rng, decay_steps)
    # At the edges of the stairs, and on both sides of them.
    edges = decay_steps * np.arange(1, 4)
    return np.unique(np.concatenate([[0], np.floor(edges), np.ceil(edges), edges // 1 - 1])).astype(
        np.int64
    )


def _exponential_cases(rng: np.random.Generator) -> list[Case]:
    settings = (
        ("ordinary", 100, 0.1),
        ("ordinary", 16, 0.3),
        ("ordinary", 45, 0.7),
        ("edge", 8, 0.2),
        ("edge", 12.5, 0.6),
    )
    return _decay_cases(rng, settings, "decay_rate", _exponential_steps)


def _exponential_variant(
    smooth: Callable[[Array, float], Any] = lambda u, q: q**u,
    stairs: Callable[[Array, float], Any] = lambda u, q: q ** np.floor(u),
    gamma: Callable[[float, float], float] = lambda s, q: q ** (1 / s),
    time: Callable[[Array, float], Array] = lambda t, s: t / s,
    base: Callable[[float], float] = lambda q: q,
    scale: Callable[[float], float] = lambda a: a,
) -> Callable[..., tuple[Any, ...]]:
    """The three results with one of their steps exchanged; u is the time in stretches."""

    def variant(
        step: Array, init_value: float, decay_steps: float, decay_rate: float
    ) -> tuple[Any, ...]:
        u, q, a = time(step, decay_steps), base(decay_rate), scale(init_value)
        return a * smooth(u, q), a * stairs(u, q), gamma(decay_steps, q)

    return variant


def _smooth_alone(wrong: Callable[[Array, float, float], Any]) -> Callable[..., tuple[Any, ...]]:
    """The smooth schedule with a mistake that the stairs do not have."""

    def variant(
        step: Array, init_value: float, decay_steps: float, decay_rate: float
    ) -> tuple[Any, ...]:
        _, stairs, gamma = _exponential(step, init_value, decay_steps, decay_rate)
        return init_value * wrong(step, decay_steps, decay_rate), stairs, gamma

    return variant


EXPONENTIAL = Exercise(
    name="schedules.exponential",
    outputs=("smooth", "stairs", "gamma"),
    reference=_exponential,
    cases=_exponential_cases,
    criteria=(
        Criterion("smooth, stairs and gamma have the right shapes", 0.25, "shape"),
        Criterion(
            "smooth falls with every step",
            0.5,
            group="ordinary",
            outputs=("smooth",),
            equations=("sched-exponential",),
        ),
        Criterion(
            "stairs stays the same over each stretch",
            0.5,
            group="ordinary",
            outputs=("stairs",),
            equations=("sched-step",),
        ),
        Criterion(
            "gamma takes the rate from one step to the next",
            0.25,
            group="ordinary",
            outputs=("gamma",),
            equations=("sched-exponential", "sched-exponential-ratio"),
        ),
        Criterion(
            "at the edges of the stairs",
            0.25,
            group="edge",
            outputs=("smooth", "stairs"),
            equations=("sched-step",),
        ),
        Criterion("the arguments are left as they were", 0.25, "unchanged"),
    ),
    misconceptions=(
        Misconception(
            "smooth and stairs exchanged",
            "smooth has t / T in the exponent, stairs the same rounded down.",
            "sched-step",
            (_exponential_variant(lambda u, q: q ** np.floor(u), lambda u, q: q**u),),
        ),
        Misconception(
            "a decay rate that is applied at every step",
            "decay_rate is the factor of decay_steps steps together: the exponent is t / T.",
            "sched-exponential",
            (_exponential_variant(time=lambda t, s: t), _smooth_alone(lambda t, s, q: q**t)),
        ),
        Misconception(
            "a decay rate that says what is lost",
            "decay_rate is what is left of the rate after decay_steps, not what is taken away.",
            "sched-exponential",
            (_exponential_variant(base=lambda q: 1 - q),),
        ),
        Misconception(
            "a decay with the base e",
            "exp(-t / T) falls by e in every stretch. Here the factor of a stretch is decay_rate.",
            "sched-exponential",
            (
                _exponential_variant(base=lambda q: math.exp(-1)),
                _exponential_variant(base=lambda q: math.exp(-q)),
                _smooth_alone(lambda t, s, q: np.exp(-t / s)),
                _smooth_alone(lambda t, s, q: np.exp(-q * t / s)),
            ),
        ),
        Misconception(
            "steps counted from 1",
            "The first step is step 0, and its rate is init_value.",
            "sched-exponential",
            (_exponential_variant(time=lambda t, s: (t + 1) / s),),
        ),
        Misconception(
            "stairs that are rounded to the nearest number",
            "A stair starts at a multiple of decay_steps and lasts until the next one: round down.",
            "sched-step",
            (_exponential_variant(stairs=lambda u, q: q ** np.round(u)),),
        ),
        Misconception(
            "stairs that are rounded up",
            "The first stretch has init_value itself, so its exponent is 0: round down.",
            "sched-step",
            (_exponential_variant(stairs=lambda u, q: q ** np.ceil(u)),),
        ),
        Misconception(
            "stairs that fall one step late",
            "At a multiple of decay_steps the new rate holds already. (Keras keeps the old one at "
            "the boundaries of its PiecewiseConstantDecay.)",
            "sched-step",
            (_exponential_variant(stairs=lambda u, q: q ** np.maximum(np.ceil(u) - 1, 0)),),
        ),
        Misconception(
            "stairs that do not fall",
            "Rounding down comes before the power: floor(t / T) is the exponent.",
            "sched-step",
            (
                _exponential_variant(stairs=lambda u, q: np.floor(q**u)),
                _exponential_variant(stairs=lambda u, q: u**0),
            ),
        ),
        Misconception(
            "the factor of a whole stretch for that of one step",
            "decay_rate is the ratio of the rates at the steps (k + 1) T and kT. From one step to "
            "the next the exponent grows by 1 / T only: the slip in deck H's eq. (4).",
            "sched-exponential-ratio",
            (_exponential_variant(gamma=lambda s, q: q),),
            idle=True,
        ),
        Misconception(
            "the loss of a stretch spread evenly over its steps",
            "The factor of one step, multiplied by itself T times, has to give decay_rate. Neither "
            "1 - (1 - q) / T nor q / T does.",
            "sched-exponential-ratio",
            (
                _exponential_variant(gamma=lambda s, q: 1 - (1 - q) / s),
                _exponential_variant(gamma=lambda s, q: q / s),
            ),
        ),
        Misconception(
            "the factor of one step upside down",
            "A rate that falls is multiplied by a factor below 1.",
            "sched-exponential-ratio",
            (_exponential_variant(gamma=lambda s, q: q ** (-1 / s)),),
        ),
        Misconception(
            "rates relative to the first one",
            "Multiply by init_value.",
            "sched-exponential",
            (_exponential_variant(scale=lambda a: 1.0),),
        ),
    ),
)


# ---- performance


def _performance(
    losses: Array,
    init_value: float,
    factor: float,
    patience: int,
    min_delta: float,
    min_value: float,
) -> Array:
    schedule = reference.PerformanceSchedule(init_value, factor, patience, min_delta, min_value)
    return np.array([schedule.update(float(loss)) for loss in losses])


# Losses, to be scaled. Each sequence falls and stalls so that every rule matters: bad updates that
# are not in a row, an equal loss, one that beats the loss before it but not the best.
_LONG_STALLS = (60, 50, 52, 51, 48, 49, 48, 47, 47, 49, 48, 46, 47, 47, 47, 48, 49, 48, 45, 46)
_SHORT_STALLS = (30, 31, 28, 29, 28.5, 27, 27.5, 27, 27, 26, 26, 25, 26, 27, 26, 25, 24.5, 24.8)
# Progress that is often smaller than a threshold of about 1.75 and adds up, and larger jumps. No
# difference from the best is between 1.5 and 2, where the threshold is.
_CREEPING = (56, 55, 54, 53, 50, 49, 48.7, 52.7, 50.1, 51, 51.2, 47.6, 46.5, 45.5, 48, 47.5, 47.4)
# Two bad losses with a nan between them tell who passes over nan from who takes it for the best.
_DIVERGING = (
    *(math.nan, math.nan, 40, 41, math.nan, 42, 43, 39),
    *(math.nan, math.inf, 38, *[math.nan] * 3, 37),
)


def _performance_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for group, label, shape, patience, threshold, floor in (
        ("ordinary", "patience 2", _LONG_STALLS, 2, 0, 0.0),
        ("ordinary", "patience 1", _SHORT_STALLS, 1, 0, 0.0),
        ("ordinary", "patience 0", _SHORT_STALLS[:9], 0, 0, 0.0),
        ("delta", "patience 2 and a min_delta", _CREEPING, 2, 2, 0.0),
        ("delta", "patience 1 and a min_delta", _CREEPING[3:], 1, 2, 0.0),
        ("floor", "patience 1 and a min_value", _LONG_STALLS, 1, 0, 0.01),
        ("nan", "patience 1, losses that are nan or infinite", _DIVERGING, 1, 0, 0.0),
    ):
        scale = float(rng.uniform(0.06, 0.12))
        arguments = {
            "losses": scale * np.array(shape, np.float64),
            "init_value": float(rng.uniform(0.6, 0.9)),
            # Three reductions stay above the floor, so that a mistake shows before it is reached.
            "factor": float(rng.uniform(0.35, 0.4) if floor else rng.uniform(0.2, 0.4)),
            "patience": patience,
            "min_delta": scale * threshold * float(rng.uniform(0.8, 0.95)),
            "min_value": floor,
        }
        cases.append(Case(group, label, arguments))
    return cases


def _performance_variant(
    improved: Callable[[float, float, float, float], bool] = lambda x, best, last, d: x < best - d,
    best_after: Callable[[float, float, bool], float] = lambda x, best, better: (
        x if better else best
    ),
    reset_on_improvement: bool = True,
    reset_on_reduction: bool = True,
    bears: Callable[[int], int] = lambda patience: patience,
    always_asked: bool = False,
    reduced: Callable[[float, float, float, float], float] = lambda rate, q, first, low: max(
        q * rate, low
    ),
    first_counts: bool = True,
    late: bool = False,
) -> Callable[..., Array]:
    """The schedule with one of its rules exchanged."""

    def variant(
        losses: Array,
        init_value: float,
        factor: float,
        patience: int,
        min_delta: float,
        min_value: float,
    ) -> Array:
        rate, best, last, bad, rates = init_value, math.inf, math.inf, 0, [init_value]
        for k, loss in enumerate(losses):
            if k == 0 and not first_counts:
                best = last = loss
            better = improved(loss, best, last, min_delta)
            best, last = best_after(loss, best, better), loss
            if better:
                bad = 0 if reset_on_improvement else bad
            else:
                bad += 1
            if bad > bears(patience) and (always_asked or not better):
                rate = reduced(rate, factor, init_value, min_value)
                bad = 0 if reset_on_reduction else bad
            rates.append(rate)
        return np.array(rates[:-1] if late else rates[1:])

    return variant


def _passing_over(left_out: Callable[[Array], Any]) -> Callable[..., Array]:
    """The schedule that takes in no loss that is left out: the rate stays as it was."""

    def variant(losses: Array, init_value: float, *rest: Any) -> Array:
        counted = ~left_out(losses)
        rates = _performance_variant()(losses[counted], init_value, *rest)
        return np.append(init_value, rates)[np.cumsum(counted)]

    return variant


def _not_worse(x: float, best: float, last: float, d: float) -> bool:
    return not x >= best - d


PERFORMANCE = Exercise(
    name="schedules.performance",
    outputs=("rates",),
    reference=_performance,
    cases=_performance_cases,
    criteria=(
        Criterion("rates has the right shape", 0.25, "shape"),
        Criterion(
            "the rate falls after more than patience updates without a new best loss",
            1.5,
            group="ordinary",
            outputs=("rates",),
            equations=("sched-performance",),
        ),
        Criterion(
            "an improvement has to be larger than min_delta",
            0.5,
            group="delta",
            outputs=("rates",),
            equations=("sched-performance",),
        ),
        Criterion(
            "the rate never falls below min_value",
            0.25,
            group="floor",
            outputs=("rates",),
            equations=("sched-performance",),
        ),
        Criterion(
            "a loss that is nan or infinite is no improvement",
            0.25,
            group="nan",
            outputs=("rates",),
            equations=("sched-performance",),
        ),
        Criterion("the arguments are left as they were", 0.25, "unchanged"),
    ),
    misconceptions=(
        Misconception(
            "the patience of Keras and optax",
            "There the update with number patience reduces. This exercise asks for PyTorch's "
            "convention: that many are borne, and the next one reduces.",
            "sched-performance",
            (
                _performance_variant(bears=lambda patience: patience - 1),
                _performance_variant(bears=lambda patience: patience - 1, always_asked=True),
            ),
        ),
        Misconception(
            "a patience that is one too long",
            "The first update beyond patience reduces. Count the bad update before you ask.",
            "sched-performance",
            (_performance_variant(bears=lambda patience: patience + 1),),
        ),
        Misconception(
            "bad updates that are not in a row",
            "An improvement sets the count back to 0.",
            "sched-performance",
            (_performance_variant(reset_on_improvement=False),),
        ),
        Misconception(
            "a count that goes on after a reduction",
            "After a reduction the patience starts anew. Yours reduces again with every bad update "
            "that follows.",
            "sched-performance",
            (_performance_variant(reset_on_reduction=False),),
        ),
        Misconception(
            "a comparison with the loss before",
            "Compare with the best loss so far. A loss that jumps up and down beats the one before "
            "it half of the time, without any progress.",
            "sched-performance",
            (_performance_variant(lambda x, best, last, d: x < last - d),),
        ),
        Misconception(
            "an equal loss taken for an improvement",
            "Only a loss that is lower than the best one counts: <, not <=.",
            "sched-performance",
            (_performance_variant(lambda x, best, last, d: x <= best - d),),
        ),
        Misconception(
            "a best loss that is never kept",
            "When a loss is better, it becomes the one to beat.",
            "sched-performance",
            (
                _performance_variant(first_counts=False, best_after=lambda x, best, better: best),
                _performance_variant(best_after=lambda x, best, better: best),
            ),
        ),
        Misconception(
            "a first loss that counts as a bad update",
            "Before the first loss the best one is infinite, so the first is an improvement.",
            "sched-performance",
            (_performance_variant(first_counts=False),),
        ),
        Misconception(
            "min_delta left out",
            "The best loss has to be beaten by more than min_delta.",
            "sched-performance",
            (_performance_variant(lambda x, best, last, d: x < best),),
        ),
        Misconception(
            "min_delta with the wrong sign",
            "best + min_delta lets even a worse loss pass for an improvement.",
            "sched-performance",
            (_performance_variant(lambda x, best, last, d: x < best + d),),
        ),
        Misconception(
            "a relative min_delta",
            "best * (1 - min_delta) is PyTorch's default. This exercise asks for a difference in "
            "the loss's own unit, as PyTorch's threshold_mode='abs' and Keras do.",
            "sched-performance",
            (_performance_variant(lambda x, best, last, d: x < best * (1 - d)),),
        ),
        Misconception(
            "a best loss that slides along",
            "A loss that is lower by less than min_delta is no improvement, and must not become "
            "the one to beat: otherwise slow progress never adds up.",
            "sched-performance",
            (
                _performance_variant(best_after=lambda x, best, better: min(x, best)),
                _performance_variant(best_after=lambda x, best, better: min(best, x)),
            ),
        ),
        Misconception(
            "min_value left out",
            "A reduction stops at min_value.",
            "sched-performance",
            (_performance_variant(reduced=lambda rate, q, first, low: q * rate),),
        ),
        Misconception(
            "a rate that stops above min_value",
            "A reduction that would go below min_value goes to min_value; it is not left out.",
            "sched-performance",
            (
                _performance_variant(
                    reduced=lambda rate, q, first, low: rate if q * rate < low else q * rate
                ),
            ),
        ),
        Misconception(
            "a division by the factor",
            "Here the factor is below 1 and multiplies the rate. Deck H's wording leaves it open.",
            "sched-performance",
            (_performance_variant(reduced=lambda rate, q, first, low: max(rate / q, low)),),
        ),
        Misconception(
            "a reduction of the first rate",
            "Each reduction multiplies the rate that holds at the time, not init_value.",
            "sched-performance",
            (_performance_variant(reduced=lambda rate, q, first, low: max(q * first, low)),),
        ),
        Misconception(
            "rates that are noted before the update",
            "Entry k is the rate from loss k on: take the loss in, then note the rate.",
            "sched-performance",
            (_performance_variant(late=True),),
        ),
        Misconception(
            "nan taken for an improvement",
            "Every comparison with nan is False, so 'not worse' is not the same as 'better'. Ask "
            "whether the loss is better.",
            "sched-performance",
            (_performance_variant(_not_worse),),
        ),
        Misconception(
            "a loss of nan or infinity that does not count",
            "You pass over such an update. It is a bad one like any other, and uses up patience.",
            "sched-performance",
            (_passing_over(np.isnan), _passing_over(lambda losses: ~np.isfinite(losses))),
        ),
    ),
)


# ---- the best rates on a noisy bowl


def _best_rates(curvature: float, noise: float, error: float, steps: int) -> Array:
    """Equation sched-best-rate, which minimizes sched-noisy-bowl in every step."""
    first = curvature * error / (curvature**2 * error + noise)
    rates = reference.power_decay(np.arange(float(steps)), first, 1 / (curvature * first))
    return np.asarray(rates)


def _first_and_later(
    function: Callable[..., Any], curvature: float, noise: float, error: float, steps: int
) -> tuple[Array, Array]:
    """The first rate follows from what is given; the others need the error of the step before."""
    rates = np.atleast_1d(function(curvature, noise, error, steps))
    return rates[:1], rates[1:]


def _best_rates_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for group, label, curvature, noise, steps in (
        ("ordinary", "a flat bowl", (0.2, 0.4), (0.3, 0.6), 6),
        ("ordinary", "a steep bowl", (2.0, 3.0), (3.0, 6.0), 5),
        ("edge", "hardly any noise", (1.4, 1.8), (1e-4, 2e-4), 4),
        ("edge", "much noise", (0.5, 0.8), (200.0, 400.0), 7),
    ):
        arguments = {
            "curvature": float(rng.uniform(*curvature)),
            "noise": float(rng.uniform(*noise)),
            "error": float(rng.uniform(1.5, 3.0)),
            "steps": steps,
        }
        cases.append(Case(group, label, arguments))
    return cases


def _best_rates_variant(
    rate: Callable[[float, float, float], float] = lambda h, n, e: h * e / (h**2 * e + n),
    next_error: Callable[[float, float, float, float], float] = lambda h, n, e, r: (
        (1 - r * h) ** 2 * e + r**2 * n
    ),
) -> Callable[[float, float, float, int], Array]:
    """The recursion with one of its formulas exchanged; n is the variance of the noise."""

    def variant(curvature: float, noise: float, error: float, steps: int) -> Array:
        rates = []
        for _ in range(steps):
            rates.append(rate(curvature, noise, error))
            error = next_error(curvature, noise, error, rates[-1])
        return np.array(rates)

    return variant


def _one_over_step(curvature: float, noise: float, error: float, steps: int) -> Array:
    first = curvature * error / (curvature**2 * error + noise)
    rates: Array = first / np.arange(1.0, steps + 1)
    return rates


BEST_RATES = Exercise(
    name="schedules.best_rates",
    outputs=("first", "later"),
    returns=("rates",),
    observe=_first_and_later,
    reference=_best_rates,
    cases=_best_rates_cases,
    criteria=(
        Criterion("rates has the right shape", 0.25, "shape"),
        Criterion(
            "the first rate is best for the error at the start",
            0.75,
            group="ordinary",
            outputs=("first",),
            equations=("sched-best-rate",),
        ),
        Criterion(
            "the later rates are best for the errors that are left",
            1.0,
            group="ordinary",
            outputs=("later",),
            equations=("sched-best-rate",),
        ),
        Criterion(
            "hardly any noise, and much noise",
            0.5,
            group="edge",
            outputs=("first", "later"),
            equations=("sched-best-rate",),
        ),
    ),
    misconceptions=(
        Misconception(
            "rates that ignore the noise",
            "1 / h is best where the gradient is seen without noise, and carries all of the noise "
            "into the weight. The noise costs rate**2 * noise in each step: keep both terms.",
            "sched-best-rate",
            (_best_rates_variant(rate=lambda h, n, e: 1 / h),),
        ),
        Misconception(
            "an error that never changes",
            "The first rate is right. Every step changes the expected error, and with it the best "
            "rate of the next one.",
            "sched-best-rate",
            (_best_rates_variant(next_error=lambda h, n, e, r: e),),
        ),
        Misconception(
            "an error to which the noise adds nothing",
            "What a step leaves is (1 - rate * h)**2 of the error, and rate**2 * noise on top.",
            "sched-best-rate",
            (_best_rates_variant(next_error=lambda h, n, e, r: (1 - r * h) ** 2 * e),),
        ),
        Misconception(
            "the noise multiplied by the rate instead of its square",
            "The step adds rate * noise to the weight; in the mean of the square, the rate is "
            "squared too.",
            "sched-best-rate",
            (
                _best_rates_variant(next_error=lambda h, n, e, r: (1 - r * h) ** 2 * e + r * n),
                _best_rates_variant(
                    rate=lambda h, n, e: (2 * h * e - n) / (2 * h**2 * e),
                    next_error=lambda h, n, e, r: (1 - r * h) ** 2 * e + r * n,
                ),
            ),
        ),
        Misconception(
            "the error multiplied by 1 - rate * h instead of its square",
            "error is the expectation of w**2, and a step multiplies w by 1 - rate * h.",
            "sched-best-rate",
            (_best_rates_variant(next_error=lambda h, n, e, r: (1 - r * h) * e + r**2 * n),),
        ),
        Misconception(
            "the variance taken for a standard deviation",
            "noise is the variance already: do not square it.",
            "sched-best-rate",
            (
                _best_rates_variant(
                    rate=lambda h, n, e: h * e / (h**2 * e + n**2),
                    next_error=lambda h, n, e, r: (1 - r * h) ** 2 * e + r**2 * n**2,
                ),
                _best_rates_variant(rate=lambda h, n, e: h * e / (h**2 * e + n**2)),
            ),
        ),
        Misconception(
            "the error squared once more",
            "error is the mean of w**2 already: do not square it.",
            "sched-best-rate",
            (
                _best_rates_variant(
                    rate=lambda h, n, e: h * e**2 / (h**2 * e**2 + n),
                    next_error=lambda h, n, e, r: (1 - r * h) ** 2 * e**2 + r**2 * n,
                ),
                _best_rates_variant(rate=lambda h, n, e: h * e**2 / (h**2 * e**2 + n)),
            ),
        ),
        Misconception(
            "a curvature that lost its square",
            "Differentiate (1 - rate * h)**2 * error once more: the inner derivative brings "
            "another h, so h**2 stands with the error in the denominator.",
            "sched-best-rate",
            (_best_rates_variant(rate=lambda h, n, e: h * e / (h * e + n)),),
        ),
        Misconception(
            "a curvature missing in the numerator",
            "The derivative of (1 - rate * h)**2 * error is -2 * h * (1 - rate * h) * error, with "
            "an h in front.",
            "sched-best-rate",
            (_best_rates_variant(rate=lambda h, n, e: e / (h**2 * e + n)),),
        ),
        Misconception(
            "a factor 2 that was lost on one side",
            "Both terms are squares, and both derivatives have a 2, which cancels.",
            "sched-best-rate",
            (
                _best_rates_variant(rate=lambda h, n, e: h * e / (h**2 * e + 2 * n)),
                _best_rates_variant(rate=lambda h, n, e: 2 * h * e / (2 * h**2 * e + n)),
            ),
        ),
        Misconception(
            "one over the number of the step",
            "The first rate over 1, 2, 3, ... is power scheduling with T = 1. The best time scale "
            "depends on the bowl, T = 1 / (h * rate), and the recursion finds it by itself.",
            "sched-best-rate",
            (_one_over_step,),
        ),
    ),
)

EXERCISES = (POWER, EXPONENTIAL, PERFORMANCE, BEST_RATES)
