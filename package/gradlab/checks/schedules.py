"""Checks of the exercise ``schedules``."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradlab import schedules as reference
from gradlab.checks._edits import mistakes
from gradlab.checks._model import Case, Exercise, criteria

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


def _power_answer(step: Array, init_value: float, decay_steps: float, power: float) -> Array:
    return init_value / (1 + step / decay_steps) ** power


POWER = Exercise(
    name="schedules.power",
    outputs=("rates",),
    reference=reference.power_decay,
    cases=_power_cases,
    criteria=criteria("""
rates has the right shape (shape, 0.25)
the rates fall by the power (ordinary, 0.75)
    rates: sched-power
a million steps, a power of 0 (edge, 0.25)
    rates: sched-power sched-power-ratio
the arguments are left as they were (unchanged, 0.25)
"""),
    model=_power_answer,
    misconceptions=mistakes(
        _power_answer,
        """
a denominator without its 1 (sched-power, 0.25)
    (1 + step / decay_steps) -> (step / decay_steps)
    Look at step 0: the rate there is init_value, and nothing is divided by 0.
a power of t / T alone (sched-power, 0.25)
    (1 + step / decay_steps) ** power -> (1 + (step / decay_steps) ** power)
    The power belongs to the whole denominator, the 1 included. For c = 1 the two agree.
a schedule without its power (sched-power, 0.25)
    decay_steps) ** power -> decay_steps)
    The denominator is raised to the power c. Your numbers are those of c = 1.
a power that became a factor (sched-power, 0.25)
    step / decay_steps) ** power -> power * step / decay_steps)
    (1 + step / decay_steps) ** power -> (power * (1 + step / decay_steps))
    c is an exponent: it does not multiply t / T, nor the denominator.
a schedule that forgets the decay steps (sched-power, 0.25)
    step / decay_steps -> step
    The time is measured in units of decay_steps: t / T.
a product in place of the quotient t / T (sched-power, 0.25)
    step / decay_steps -> step * decay_steps
    The time is measured in units of decay_steps: the more decay steps, the slower the decay.
steps counted from 1 (sched-power, 0.25)
    step / decay_steps -> (step + 1) / decay_steps
    step / decay_steps -> (step - 1) / decay_steps
    The first step is step 0, and its rate is init_value.
stairs (sched-power, 0.25)
    step / decay_steps -> step // decay_steps
    // rounds down, so your rate stays the same over each stretch of decay_steps. Power scheduling
    falls with every step: divide with /.
a power of the time that is left (sched-power, 0.25)
    / (1 + step / decay_steps) -> * np.clip(1 - step / decay_steps, 0, None)
    That is what optax and PyTorch call polynomial. It reaches 0 at decay_steps; power scheduling
    never does.
a rate that grows (sched-power, 0.25)
    init_value / -> init_value *
    The denominator grows with the step. Divide by it, or give the power a minus.
rates relative to the first one (sched-power, 0.25)
    init_value / -> 1 /
    Multiply by init_value.
a rate that stays the same (sched-power, idle)
    init_value / (1 + step / decay_steps) ** power -> init_value
    (1 + step / decay_steps) -> (1 + 0.0 * step)
    Nothing that you return depends on step. The rate is init_value at step 0 alone.
""",
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


def _exponential_answer(
    step: Array, init_value: float, decay_steps: float, decay_rate: float
) -> tuple[Array, Array, float]:
    smooth = init_value * decay_rate ** (step / decay_steps)
    stairs = init_value * decay_rate ** np.floor(step / decay_steps)
    gamma = decay_rate ** (1 / decay_steps)
    return smooth, stairs, gamma


EXPONENTIAL = Exercise(
    name="schedules.exponential",
    outputs=("smooth", "stairs", "gamma"),
    reference=_exponential,
    cases=_exponential_cases,
    criteria=criteria("""
smooth, stairs and gamma have the right shapes (shape, 0.25)
smooth falls with every step (ordinary, 0.5)
    smooth: sched-exponential
stairs stays the same over each stretch (ordinary, 0.5)
    stairs: sched-step
gamma takes the rate from one step to the next (ordinary, 0.25)
    gamma: sched-exponential sched-exponential-ratio
at the edges of the stairs (edge, 0.25)
    smooth, stairs: sched-step
the arguments are left as they were (unchanged, 0.25)
"""),
    model=_exponential_answer,
    misconceptions=mistakes(
        _exponential_answer,
        """
smooth and stairs exchanged (sched-step, 0.75)
    return smooth, stairs -> return stairs, smooth
    smooth has t / T in the exponent, stairs the same rounded down.
a decay rate that is applied at every step (sched-exponential)
    ** (step / decay_steps) -> ** step
    ** (step / decay_steps) -> ** step & floor(step / decay_steps) -> floor(step)
    decay_rate is the factor of decay_steps steps together: the exponent is t / T.
a decay rate that says what is lost (sched-exponential, 0.25)
    smooth = -> decay_rate = 1 - decay_rate; smooth =
    decay_rate is what is left of the rate after decay_steps, not what is taken away.
a decay with the base e (sched-exponential)
    smooth = -> decay_rate = np.exp(-1); smooth =
    smooth = -> decay_rate = np.exp(-decay_rate); smooth =
    smooth = init_value * decay_rate -> smooth = init_value * np.exp(-1)
    smooth = init_value * decay_rate -> smooth = init_value * np.exp(-decay_rate)
    exp(-t / T) falls by e in every stretch. Here the factor of a stretch is decay_rate.
steps counted from 1 (sched-exponential, 1.25)
    smooth = -> step = step + 1; smooth =
    The first step is step 0, and its rate is init_value.
stairs that are rounded to the nearest number (sched-step, 1.25)
    np.floor -> np.round
    A stair starts at a multiple of decay_steps and lasts until the next one: round down.
stairs that are rounded up (sched-step, 1.25)
    np.floor -> np.ceil
    The first stretch has init_value itself, so its exponent is 0: round down.
stairs that fall one step late (sched-step, 1.75)
    np.floor(step / decay_steps) -> np.maximum(np.ceil(step / decay_steps) - 1, 0)
    At a multiple of decay_steps the new rate holds already. (Keras keeps the old one at the
    boundaries of its PiecewiseConstantDecay.)
stairs that are 0 behind the first step (sched-step, 1.25)
    decay_rate ** np.floor(step / decay_steps) -> np.floor(decay_rate ** (step / decay_steps))
    A power of decay_rate is below 1, and rounded down it is 0. Rounding comes before the power:
    floor(t / T) is the exponent. An exponent that is far too large has the same effect.
stairs that do not fall (sched-step, 1.25)
    np.floor(step / decay_steps) -> (0 * step)
    The exponent of a stair is floor(t / T), the number of stretches that are complete.
the factor of a whole stretch for that of one step (sched-exponential-ratio, 1.75, idle)
    decay_rate ** (1 / decay_steps) -> decay_rate
    decay_rate is the ratio of the rates at the steps (k + 1) T and kT. From one step to the next
    the exponent grows by 1 / T only: the slip in deck H's eq. (4).
the loss of a stretch spread evenly over its steps (sched-exponential-ratio, 1.75)
    decay_rate ** (1 / decay_steps) -> 1 - (1 - decay_rate) / decay_steps
    The factor of one step, multiplied by itself T times, has to give decay_rate: take the T-th
    root. The loss 1 - q divided by T does not do that.
the factor of a stretch divided by its steps (sched-exponential-ratio, 1.75)
    decay_rate ** (1 / decay_steps) -> decay_rate / decay_steps
    The factor of one step, multiplied by itself T times, has to give decay_rate: that is its T-th
    root, not its T-th part.
the factor of one step upside down (sched-exponential-ratio, 1.75)
    (1 / decay_steps) -> (-1 / decay_steps)
    A rate that falls is multiplied by a factor below 1.
rates relative to the first one (sched-exponential, 0.75)
    smooth = -> init_value = 1.0; smooth =
    Multiply by init_value.
""",
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
        # Counts that grow by 2, or begin at 1, are those of a shorter patience up to here.
        ("ordinary", "patience 3", (*_LONG_STALLS, 47, 46, 48), 3, 0, 0.0),
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


def _performance_answer(
    losses: Array,
    init_value: float,
    factor: float,
    patience: int,
    min_delta: float,
    min_value: float,
) -> Array:
    rate, best, bad = init_value, np.inf, 0
    rates = []
    for loss in losses:
        if loss < best - min_delta:
            best, bad = loss, 0
        else:
            bad += 1
        if bad > patience:
            rate, bad = max(factor * rate, min_value), 0
        rates.append(rate)
    return np.array(rates)


PERFORMANCE = Exercise(
    name="schedules.performance",
    outputs=("rates",),
    reference=_performance,
    cases=_performance_cases,
    criteria=criteria("""
rates has the right shape (shape, 0.25)
the rate falls after more than patience updates without a new best loss (ordinary, 1.5)
    rates: sched-performance
an improvement has to be larger than min_delta (delta, 0.5)
    rates: sched-performance
the rate never falls below min_value (floor, 0.25)
    rates: sched-performance
a loss that is nan or infinite is no improvement (nan, 0.25)
    rates: sched-performance
the arguments are left as they were (unchanged, 0.25)
"""),
    model=_performance_answer,
    misconceptions=mistakes(
        _performance_answer,
        """
the patience of Keras and optax (sched-performance, 0.25)
    if bad > patience -> if bad and bad >= patience
    if bad > patience -> if bad >= patience
    There the update with number patience reduces. This exercise asks for PyTorch's convention: that
    many are borne, and the next one reduces.
a patience that is one too long (sched-performance, 0.25)
    bad > patience -> bad > patience + 1
    The first update beyond patience reduces. Count the bad update before you ask.
bad updates that are not in a row (sched-performance, 0.75)
    best, bad = loss, 0 -> best = loss
    An improvement sets the count back to 0.
a count that goes on after a reduction (sched-performance, 0.25)
    rate, bad = max(factor * rate, min_value), 0 -> rate = max(factor * rate, min_value)
    After a reduction the patience starts anew. Yours reduces again with every bad update that
    follows.
a comparison with the loss before (sched-performance, 0.25)
    bad += 1 -> best, bad = loss, bad + 1
    Compare with the best loss so far. A loss that jumps up and down beats the one before it half of
    the time, without any progress.
an equal loss taken for an improvement (sched-performance, 1.25)
    loss < best -> loss <= best
    Only a loss that is lower than the best one counts: <, not <=.
a best loss that is never kept (sched-performance, 0.25)
    best, bad = loss, 0 -> bad = 0
    np.inf -> losses[0] & best, bad = loss, 0 -> bad = 0
    When a loss is better, it becomes the one to beat.
a first loss that counts as a bad update (sched-performance, 1.25)
    np.inf -> losses[0]
    Before the first loss the best one is infinite, so the first is an improvement.
min_delta left out (sched-performance, 2.5)
    best - min_delta -> best
    The best loss has to be beaten by more than min_delta.
min_delta with the wrong sign (sched-performance, 2.5)
    best - min_delta -> best + min_delta
    best + min_delta lets even a worse loss pass for an improvement.
a relative min_delta (sched-performance, 2.5)
    best - min_delta -> best * (1 - min_delta)
    best * (1 - min_delta) is PyTorch's default. This exercise asks for a difference in the loss's
    own unit, as PyTorch's threshold_mode='abs' and Keras do.
a best loss that slides along (sched-performance)
    bad += 1 -> best, bad = min(loss, best), bad + 1
    bad += 1 -> best, bad = min(best, loss), bad + 1
    A loss that is lower by less than min_delta is no improvement, and must not become the one to
    beat: otherwise slow progress never adds up.
min_value left out (sched-performance, 2.75)
    max(factor * rate, min_value) -> factor * rate
    A reduction stops at min_value.
a rate that stops above min_value (sched-performance, 2.75)
    max(factor * rate, min_value) -> rate if factor * rate < min_value else factor * rate
    A reduction that would go below min_value goes to min_value; it is not left out.
a division by the factor (sched-performance, 0.25)
    max(factor * rate -> max(rate / factor
    Here the factor is below 1 and multiplies the rate. Deck H's wording leaves it open.
a reduction of the first rate (sched-performance, 0.25)
    factor * rate -> factor * init_value
    Each reduction multiplies the rate that holds at the time, not init_value.
rates that are noted before the update (sched-performance, 0.25)
    np.array(rates) -> np.array([init_value, *rates[:-1]])
    Entry k is the rate from loss k on: take the loss in, then note the rate.
nan taken for an improvement (sched-performance, 2.75)
    if loss < best -> if not loss >= best
    Every comparison with nan is False, so 'not worse' is not the same as 'better'. Ask whether the
    loss is better.
a loss of nan or infinity that does not count (sched-performance, 2.75)
    bad += 1 -> bad += not np.isnan(loss)
    bad += 1 -> bad += bool(np.isfinite(loss))
    You pass over such an update. It is a bad one like any other, and uses up patience.
""",
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


def _best_rates_answer(curvature: float, noise: float, error: float, steps: int) -> Array:
    rates = []
    for _ in range(steps):
        rate = curvature * error / (curvature**2 * error + noise)
        rates.append(rate)
        error = (1 - rate * curvature) ** 2 * error + rate**2 * noise
    return np.array(rates)


BEST_RATES = Exercise(
    name="schedules.best_rates",
    outputs=("first", "later"),
    returns=("rates",),
    observe=_first_and_later,
    reference=_best_rates,
    cases=_best_rates_cases,
    criteria=criteria("""
rates has the right shape (shape, 0.25)
the first rate is best for the error at the start (ordinary, 0.75)
    first: sched-best-rate
the later rates are best for the errors that are left (ordinary, 1)
    later: sched-best-rate
hardly any noise, and much noise (edge, 0.5)
    first, later: sched-best-rate
"""),
    model=_best_rates_answer,
    misconceptions=mistakes(
        _best_rates_answer,
        """
rates that ignore the noise (sched-best-rate, 0.25)
    rate = curvature * error / (curvature**2 * error + noise) -> rate = 1 / curvature
    1 / h is best where the gradient is seen without noise, and carries all of the noise into the
    weight. The noise costs rate**2 * noise in each step: keep both terms.
an error that never changes (sched-best-rate, 1)
    error = (1 -> _ = (1
    The first rate is right. Every step changes the expected error, and with it the best rate of the
    next one.
an error to which the noise adds nothing (sched-best-rate, 1)
    curvature) ** 2 * error + rate**2 * noise -> curvature) ** 2 * error
    What a step leaves is (1 - rate * h)**2 of the error, and rate**2 * noise on top.
the noise multiplied by the rate instead of its square (sched-best-rate)
    rate**2 * noise -> rate * noise
    error + noise) -> error) - noise / (2 * curvature**2 * error) & rate**2 -> rate
    The step adds rate * noise to the weight; in the mean of the square, the rate is squared too.
the error multiplied by 1 - rate * h instead of its square (sched-best-rate, 1)
    rate * curvature) ** 2 -> rate * curvature)
    error is the expectation of w**2, and a step multiplies w by 1 - rate * h.
the variance taken for a standard deviation (sched-best-rate, 0.25)
    error + noise) -> error + noise**2) & rate**2 * noise -> rate**2 * noise**2
    error + noise) -> error + noise**2)
    noise is the variance already: do not square it.
the error squared once more (sched-best-rate, 0.25)
    error + noise) -> error + noise / error) & ) ** 2 * error -> ) ** 2 * error**2
    error + noise) -> error + noise / error)
    error is the mean of w**2 already: do not square it.
a curvature that lost its square (sched-best-rate, 0.25)
    (curvature**2 -> (curvature
    Differentiate (1 - rate * h)**2 * error once more: the inner derivative brings another h, so
    h**2 stands with the error in the denominator.
a curvature missing in the numerator (sched-best-rate, 0.25)
    rate = curvature * error -> rate = error
    The derivative of (1 - rate * h)**2 * error is -2 * h * (1 - rate * h) * error, with an h in
    front.
a factor 2 that was lost on one side (sched-best-rate, 0.25)
    error + noise) -> error + 2 * noise)
    rate = curvature * error / (curv -> rate = 2 * curvature * error / (2 * curv
    Both terms are squares, and both derivatives have a 2, which cancels.
one over the number of the step (sched-best-rate, 1)
    error = (1 -> _ = (1 & np.array(rates) -> np.array(rates) / np.arange(1, steps + 1)
    The first rate over 1, 2, 3, ... is power scheduling with T = 1. The best time scale depends on
    the bowl, T = 1 / (h * rate), and the recursion finds it by itself.
""",
    ),
)

EXERCISES = (POWER, EXPONENTIAL, PERFORMANCE, BEST_RATES)
