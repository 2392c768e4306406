"""Learning rate schedules: how the learning rate falls, and warms up, in the course of training.

A large rate makes progress early, a small one settles the noise of mini-batches late. Most
schedules are functions of the step, counted from 0; the performance schedule waits for a metric
that no longer improves. `gradlab.training.fit` takes a function of the step alone, so the settings
are given with it: ``schedule=lambda step: cosine_decay(step, 0.1, 1000)``.

Chapter: ``book/schedules.md``.
Decks: H "Learning Rate", "Power Scheduling", "Exponential Scheduling", "Performance Scheduling";
L "Reducing the Learning Rate"; C "Training and minibatches".
Papers: H. Robbins and S. Monro, A Stochastic Approximation Method, Annals of Mathematical
Statistics 22(3), 1951; I. Loshchilov and F. Hutter, SGDR: Stochastic Gradient Descent with Warm
Restarts, ICLR 2017; P. Goyal et al., Accurate, Large Minibatch SGD, arXiv:1706.02677, 2017;
L. N. Smith and N. Topin, Super-Convergence, arXiv:1708.07120, 2017.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import wraps
from inspect import signature
from itertools import pairwise
from typing import Any, Concatenate, ParamSpec, Protocol, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gradlab._jit import njit
from gradlab._owner import Owner
from gradlab._settings import shown
from gradlab._validate import (
    FloatArray,
    as_choice,
    as_float_array,
    as_integer,
    as_metric,
    as_positive,
    as_real,
    as_shaped,
    is_finite,
)

__all__ = [
    "PerformanceSchedule",
    "cosine_decay",
    "exponential_decay",
    "one_cycle",
    "performance_rates",
    "piecewise_constant",
    "power_decay",
    "step_decay",
    "warmup_cosine_decay",
]

_Settings = ParamSpec("_Settings")


class _OfStep(Protocol[_Settings]):
    """A schedule as type checkers see it: a number for one step, an array for several."""

    @overload
    def __call__(
        self,
        step: float | np.integer[Any] | np.floating[Any],
        *args: _Settings.args,
        **settings: _Settings.kwargs,
    ) -> float: ...

    @overload
    def __call__(
        self,
        step: Sequence[Any] | NDArray[Any],
        *args: _Settings.args,
        **settings: _Settings.kwargs,
    ) -> FloatArray: ...


def _of_step(
    schedule: Callable[Concatenate[ArrayLike, _Settings], float | FloatArray],
) -> _OfStep[_Settings]:
    """Type a schedule, and tell who calls it as if it made one how to write that."""

    @wraps(schedule)
    def call(*args: Any, **settings: Any) -> Any:
        try:
            return schedule(*args, **settings)
        except TypeError as error:
            try:
                signature(schedule).bind(*args, **settings)
            except TypeError:
                name = getattr(schedule, "__name__", "schedule")
                error.add_note(
                    f"{name} returns the value at a step. As the schedule of fit write "
                    f"schedule=lambda step: {name}(step, ...), with its settings"
                )
            raise

    return call


@njit
def _power_decay_kernel(steps, init_value, decay_steps, power, out):
    """Equation sched-power."""
    for i in range(len(steps)):
        # (sched-power)  eta_0 / (1 + t / T)^c
        out[i] = init_value * (1.0 + steps[i] / decay_steps) ** -power


@_of_step
def power_decay(
    step: ArrayLike, init_value: float, decay_steps: float, power: float = 1.0
) -> float | FloatArray:
    r"""Power scheduling. Equation sched-power.

    .. math:: \eta(t) = \frac{\eta_0}{(1 + t / T)^c}

    Parameters
    ----------
    step : number or array
        t, counted from 0.
    init_value : float
        :math:`\eta_0`, the value at step 0; not negative.
    decay_steps : float
        T, the step at which the value has fallen by a factor of :math:`2^c`; positive.
    power : float, default 1.0
        c, not negative; 0 keeps the value constant.

    Returns
    -------
    float or array of the shape of `step`
        Falls forever: from step kT to (k + 1)T by a factor of :math:`(1 - 1 / (k + 2))^c`
        (equation sched-power-ratio), which comes closer and closer to 1.

    Notes
    -----
    Deck H eqs. (1) and (2). Keras's ``InverseTimeDecay(lr, decay_steps, decay_rate=1)`` is that of
    power 1; PyTorch and optax have none (optax's ``polynomial_schedule`` and PyTorch's
    ``PolynomialLR`` are powers of what is *left* of the time, and end at a fixed step).

    Deck C asks for a rate that shrinks "sufficiently rapidly". Robbins and Monro (1951) show what
    suffices for convergence in mean square: the sum of the rates diverges, so that the optimum is
    in reach from anywhere, and that of their squares converges. Powers above 1/2 up to 1 do both;
    smaller ones converge on a quadratic too; `exponential_decay` falls too fast.

    Examples
    --------
    >>> power_decay([0, 100, 200, 300], init_value=0.6, decay_steps=100)
    array([0.6 , 0.3 , 0.2 , 0.15])
    """
    init_value = as_real("init_value", init_value, low=0.0)
    decay_steps = as_positive("decay_steps", decay_steps)
    power = as_real("power", power, low=0.0)
    return _at_steps(step, _power_decay_kernel, init_value, decay_steps, power)


@njit
def _exponential_decay_kernel(steps, init_value, decay_steps, decay_rate, out):
    """Equation sched-exponential."""
    for i in range(len(steps)):
        # (sched-exponential)  eta_0 q^(t / T)
        out[i] = init_value * decay_rate ** (steps[i] / decay_steps)


@_of_step
def exponential_decay(
    step: ArrayLike, init_value: float, decay_steps: float, decay_rate: float = 0.1
) -> float | FloatArray:
    r"""Exponential scheduling. Equation sched-exponential.

    .. math:: \eta(t) = \eta_0 \, q^{t / T}

    Parameters
    ----------
    step : number or array
        t, counted from 0.
    init_value : float
        :math:`\eta_0`, the value at step 0; not negative.
    decay_steps : float
        T, how many steps it takes to fall by the factor q; positive.
    decay_rate : float in (0, 1], default 0.1
        q; deck H has 0.1.

    Returns
    -------
    float or array of the shape of `step`
        Falls by the same factor q in every T steps (equation sched-exponential-ratio).

    Notes
    -----
    Deck H eqs. (3) and (4). The middle of eq. (4) has the exponents (k + 1)/s and k/s, with s
    for T; at the steps (k + 1)s and ks they are k + 1 and k, and only those give the ratio 0.1.

    optax's and Keras's exponential decays are the same. PyTorch's ``ExponentialLR(gamma)`` falls by
    ``gamma`` at every step: ``gamma = decay_rate ** (1 / decay_steps)``.

    Examples
    --------
    >>> exponential_decay([0, 50, 100, 200], init_value=1.0, decay_steps=100).round(3)
    array([1.   , 0.316, 0.1  , 0.01 ])
    """
    init_value, decay_steps, decay_rate = _decay(init_value, decay_steps, decay_rate)
    return _at_steps(step, _exponential_decay_kernel, init_value, decay_steps, decay_rate)


@njit
def _step_decay_kernel(steps, init_value, decay_steps, decay_rate, out):
    """Equation sched-step."""
    for i in range(len(steps)):
        # (sched-step)  eta_0 q^floor(t / T)
        out[i] = init_value * decay_rate ** np.floor(steps[i] / decay_steps)


@_of_step
def step_decay(
    step: ArrayLike, init_value: float, decay_steps: float, decay_rate: float = 0.1
) -> float | FloatArray:
    r"""Exponential decay in stairs. Equation sched-step.

    .. math:: \eta(t) = \eta_0 \, q^{\lfloor t / T \rfloor}

    Parameters
    ----------
    step : number or array
        t, counted from 0.
    init_value : float
        :math:`\eta_0`, the value of the first T steps; not negative.
    decay_steps : float
        T, the length of a stair; positive. The value falls *at* the steps T, 2T, ...
    decay_rate : float in (0, 1], default 0.1
        q, the factor from one stair to the next.

    Returns
    -------
    float or array of the shape of `step`

    Notes
    -----
    PyTorch's ``StepLR(step_size, gamma)``, and optax's and Keras's exponential decay with
    ``staircase=True``. Deck L "Reducing the Learning Rate" divides by 10, one to three times.

    Examples
    --------
    >>> step_decay([0, 29, 30, 60], init_value=1.0, decay_steps=30)
    array([1.  , 1.  , 0.1 , 0.01])
    """
    init_value, decay_steps, decay_rate = _decay(init_value, decay_steps, decay_rate)
    return _at_steps(step, _step_decay_kernel, init_value, decay_steps, decay_rate)


@njit
def _piecewise_constant_kernel(steps, boundaries, values, new_at_boundary, out):
    """Equation sched-piecewise."""
    for i in range(len(steps)):
        # (sched-piecewise)  v_k with k the number of boundaries up to t
        k = 0
        for j in range(len(boundaries)):
            k += boundaries[j] < steps[i] or (new_at_boundary and boundaries[j] == steps[i])
        out[i] = values[k]


@_of_step
def piecewise_constant(
    step: ArrayLike, boundaries: ArrayLike, values: ArrayLike, at_boundary: str = "new"
) -> float | FloatArray:
    r"""One value after the other. Equation sched-piecewise.

    .. math:: \eta(t) = v_k, \qquad k = \#\{ j : b_j \le t \}

    Parameters
    ----------
    step : number or array
        t, counted from 0.
    boundaries : array (pieces - 1,)
        The steps b at which the value changes; increasing, not negative; none for a constant.
    values : array (pieces,)
        v, one more than boundaries; not negative.
    at_boundary : {"new", "old"}
        The value at a boundary itself: the new one (PyTorch's ``MultiStepLR``, optax's
        ``piecewise_constant_schedule``) or still the old one (Keras's
        ``PiecewiseConstantDecay``).

    Returns
    -------
    float or array of the shape of `step`

    Notes
    -----
    Keras takes values, as here; PyTorch and optax take factors: ``values[k + 1] / values[k]``.

    Examples
    --------
    >>> piecewise_constant([0, 9, 10, 50], boundaries=[10, 20], values=[0.1, 0.05, 0.01])
    array([0.1 , 0.1 , 0.05, 0.01])
    """
    edges = as_float_array("boundaries", boundaries, ndim=1, dtype=np.float64)
    if not (is_finite(edges) and (edges >= 0).all() and (np.diff(edges) > 0).all()):
        raise ValueError(f"boundaries must be finite, not negative and increasing, got {edges}")
    levels = as_shaped("values", values, (edges.size + 1,), np.float64)
    if not (is_finite(levels) and (levels >= 0).all()):
        raise ValueError(f"values must be finite and not negative, got {levels}")
    as_choice("at_boundary", at_boundary, ("new", "old"))
    return _at_steps(step, _piecewise_constant_kernel, edges, levels, at_boundary == "new")


@njit
def _annealed(a, b, u, cosine):
    """Go from `a` at u = 0 to `b` at u = 1 along half a wave or a line, and stay there."""
    u = min(u, 1.0)
    g = (1.0 - np.cos(np.pi * u)) / 2.0 if cosine else u
    # Weights, and not a + (b - a) g, so that a tiny end value comes out exactly.
    return a * (1.0 - g) + b * g


@njit
def _cosine_decay_kernel(steps, init_value, decay_steps, end_value, out):
    """Equation sched-cosine."""
    for i in range(len(steps)):
        # (sched-cosine)  eta_T + (eta_0 - eta_T) / 2 (1 + cos(pi min(t, T) / T))
        out[i] = _annealed(init_value, end_value, steps[i] / decay_steps, True)


@_of_step
def cosine_decay(
    step: ArrayLike, init_value: float, decay_steps: float, end_value: float = 0.0
) -> float | FloatArray:
    r"""Half a wave of cosine from one value to another. Equation sched-cosine.

    .. math:: \eta(t) = \eta_T + \frac{\eta_0 - \eta_T}{2}
              \left( 1 + \cos \frac{\pi \min(t, T)}{T} \right)

    Parameters
    ----------
    step : number or array
        t, counted from 0.
    init_value : float
        :math:`\eta_0`, the value at step 0; not negative.
    decay_steps : float
        T, the step at which the end is reached; positive.
    end_value : float, default 0.0
        :math:`\eta_T`, the value from there on; not negative.

    Returns
    -------
    float or array of the shape of `step`

    Notes
    -----
    Loshchilov and Hutter (2017), eq. (5), one period. optax and Keras give the end as a fraction,
    ``alpha = end_value / init_value``. PyTorch's ``CosineAnnealingLR(T_max=decay_steps,
    eta_min=end_value)`` is the same up to step T and then *rises* again, back to the start at 2T.
    Of T updates none is made with the end value: the first one is at step 0, the last at T - 1.

    Examples
    --------
    >>> cosine_decay([0, 50, 100, 150], init_value=1.0, decay_steps=100, end_value=0.2)
    array([1. , 0.6, 0.2, 0.2])

    For 5 epochs of 20 mini-batches each, as the ``schedule`` of `gradlab.training.fit`:

    >>> steps = 5 * 20
    >>> schedule = lambda step: cosine_decay(step, 0.1, steps)
    >>> schedule(0), schedule(50)
    (0.1, 0.05)
    """
    init_value = as_real("init_value", init_value, low=0.0)
    decay_steps = as_positive("decay_steps", decay_steps)
    end_value = as_real("end_value", end_value, low=0.0)
    return _at_steps(step, _cosine_decay_kernel, init_value, decay_steps, end_value)


@njit
def _warmup_cosine_decay_kernel(
    steps, init_value, peak_value, warmup_steps, decay_steps, end_value, out
):
    """Equation sched-warmup-cosine."""
    for i in range(len(steps)):
        t = steps[i]
        if t < warmup_steps:
            # (sched-warmup-cosine)  eta_0 + (eta_peak - eta_0) t / W
            out[i] = _annealed(init_value, peak_value, t / warmup_steps, False)
        else:
            # (sched-warmup-cosine)  sched-cosine from the peak, over t - W of T - W steps
            decayed = (t - warmup_steps) / (decay_steps - warmup_steps)
            out[i] = _annealed(peak_value, end_value, decayed, True)


@_of_step
def warmup_cosine_decay(
    step: ArrayLike,
    init_value: float,
    peak_value: float,
    warmup_steps: float,
    decay_steps: float,
    end_value: float = 0.0,
) -> float | FloatArray:
    r"""Warm up along a line, then `cosine_decay`. Equation sched-warmup-cosine.

    .. math:: \eta(t) = \begin{cases}
              \eta_0 + (\eta_{\text{peak}} - \eta_0) \, t / W & t < W \\
              \eta_T + \frac{\eta_{\text{peak}} - \eta_T}{2}
              \left( 1 + \cos \frac{\pi (\min(t, T) - W)}{T - W} \right) & t \ge W
              \end{cases}

    Parameters
    ----------
    step : number or array
        t, counted from 0.
    init_value : float
        :math:`\eta_0`, the value at step 0; not negative. An update with a rate of 0 is lost:
        Goyal et al. (2017) start above it.
    peak_value : float
        :math:`\eta_{\text{peak}}`, the value at step W; not negative.
    warmup_steps : float
        W, the length of the warm-up; not negative. With 0 the schedule starts at the peak.
    decay_steps : float
        T, the length of the whole schedule, warm-up *included*; above `warmup_steps`.
    end_value : float, default 0.0
        :math:`\eta_T`, the value from step T on; not negative.

    Returns
    -------
    float or array of the shape of `step`

    Notes
    -----
    optax's function of this name. Keras's ``CosineDecay(init_value, decay_steps=T - W,
    warmup_target=peak_value, warmup_steps=W)`` counts the decay without the warm-up. In PyTorch:
    ``SequentialLR`` of ``LinearLR(start_factor=init_value / peak_value, total_iters=W)`` and
    ``CosineAnnealingLR(T_max=T - W)``, with W as the milestone and the peak as the optimizer's
    rate.

    Examples
    --------
    >>> warmup_cosine_decay([0, 5, 10, 60, 110], 0.0, 1.0, warmup_steps=10, decay_steps=110)
    array([0. , 0.5, 1. , 0.5, 0. ])
    """
    init_value = as_real("init_value", init_value, low=0.0)
    peak_value = as_real("peak_value", peak_value, low=0.0)
    warmup_steps = as_real("warmup_steps", warmup_steps, low=0.0)
    decay_steps = as_real("decay_steps", decay_steps, low=warmup_steps, low_open=True)
    end_value = as_real("end_value", end_value, low=0.0)
    return _at_steps(
        step,
        _warmup_cosine_decay_kernel,
        init_value,
        peak_value,
        warmup_steps,
        decay_steps,
        end_value,
    )


@njit
def _one_cycle_kernel(steps, times, levels, cosine, out):
    """Equation sched-one-cycle.

    Phase k goes from ``levels[k]`` at ``times[k]`` to the next of both.
    """
    for i in range(len(steps)):
        t, k = steps[i], 0
        while k < len(times) - 2 and times[k + 1] <= t:
            k += 1
        # (sched-one-cycle)  a + (b - a) g((t - t_a) / (t_b - t_a))
        u = (t - times[k]) / (times[k + 1] - times[k])
        out[i] = _annealed(levels[k], levels[k + 1], u, cosine)


@_of_step
def one_cycle(
    step: ArrayLike,
    max_value: float,
    total_steps: int,
    warmup_fraction: float = 0.3,
    div_factor: float = 25.0,
    final_div_factor: float = 1e4,
    shape: str = "cosine",
    return_fraction: float | None = None,
    convention: str = "pytorch",
) -> float | FloatArray:
    r"""Up to a large rate and down to almost none: one cycle. Equation sched-one-cycle.

    .. math:: \eta_0 = \frac{\eta_{\max}}{d}
              \;\longrightarrow\; \eta_{\max}
              \;\bigl[ \longrightarrow\; \eta_0 \bigr]
              \;\longrightarrow\; \frac{\eta_0}{D}, \\
              \eta(t) = a + (b - a) \, g\!\left( \frac{t - t_a}{t_b - t_a} \right)

    from a at step :math:`t_a` to b at step :math:`t_b` in each phase, with
    :math:`g(u) = (1 - \cos \pi u) / 2` or :math:`g(u) = u`.

    Parameters
    ----------
    step : number or array
        t, counted from 0.
    max_value : float
        :math:`\eta_{\max}`, not negative.
    total_steps : int
        Number of steps N in the cycle; the value stays at its end from there on.
    warmup_fraction : float in (0, 1), default 0.3
        Share f of the steps before the maximum (``pct_start`` in PyTorch and optax).
    div_factor : float, default 25.0
        d, at least 1.
    final_div_factor : float, default 1e4
        D, at least 1; it divides the *initial* value.
    shape : {"cosine", "linear"}, default "cosine"
        g.
    return_fraction : float in (0, 1), optional
        Share r of the steps before the value is back at :math:`\eta_0`, for a cycle of three
        phases; left out, there are two. It is optax's ``pct_final``, and twice ``pct_start`` in
        PyTorch with ``three_phase=True``.
    convention : {"pytorch", "optax"}, default "pytorch"
        Where the phases end. "pytorch" reaches the end with the last of the steps 0 ... N - 1:
        :math:`t = f N - 1`, :math:`r N - 2`, :math:`N - 1`, not rounded. "optax" reaches it one
        step later: :math:`\lfloor f N \rfloor`, :math:`\lfloor r N \rfloor`, N.

    Returns
    -------
    float or array of the shape of `step`

    Raises
    ------
    ValueError
        If the cycle is so short that a phase would have no length.

    Notes
    -----
    Smith and Topin (2017), whose cycle is linear with three phases. PyTorch's ``OneCycleLR``, and
    optax's ``cosine_onecycle_schedule`` (two phases) and ``linear_onecycle_schedule`` (three).
    PyTorch moves the momentum in the opposite direction too.

    Examples
    --------
    >>> one_cycle([0, 2, 9, 20], max_value=1.0, total_steps=10).round(6)
    array([4.e-02, 1.e+00, 4.e-06, 4.e-06])
    >>> one_cycle([0, 3, 10, 20], 1.0, 10, convention="optax").round(6)
    array([4.e-02, 1.e+00, 4.e-06, 4.e-06])
    """
    top = as_real("max_value", max_value, low=0.0)
    n = as_integer("total_steps", total_steps, low=2)
    start = top / as_real("div_factor", div_factor, low=1.0)
    end = start / as_real("final_div_factor", final_div_factor, low=1.0)
    shares = [_fraction("warmup_fraction", warmup_fraction)]
    if return_fraction is not None:
        shares.append(_fraction("return_fraction", return_fraction))
    as_choice("shape", shape, ("cosine", "linear"))
    if as_choice("convention", convention, ("pytorch", "optax")) == "pytorch":
        times = [0.0, *(share * n - k for k, share in enumerate(shares, start=1)), n - 1.0]
    else:
        times = [0.0, *(float(int(share * n)) for share in shares), float(n)]
    if any(after <= before for before, after in pairwise(times)):
        raise ValueError(
            f"total_steps must leave each phase some length, got {n} with phases that end at "
            f"{times[1:]}"
        )
    levels = [start, top, end] if return_fraction is None else [start, top, start, end]
    return _at_steps(step, _one_cycle_kernel, np.array(times), np.array(levels), shape == "cosine")


@njit
def _performance_kernel(metrics, sign, settings, state, rates):
    """Equation sched-performance.

    `sign` is 1 where a smaller metric is better and -1 where a larger one is. `settings` holds
    q, p, the least improvement and the lowest rate; `state` the rate, the best metric, the updates
    in a row without improvement and the number of reductions, and is carried on.
    """
    factor, patience, min_delta, min_value = settings
    for i in range(len(metrics)):
        # What is infinitely good is an error somewhere, and could never be surpassed.
        finite = abs(metrics[i]) < np.inf
        if finite and sign * metrics[i] < sign * state[1] - min_delta:
            state[1] = metrics[i]
            state[2] = 0.0
        else:
            state[2] += 1.0
        if state[2] > patience:
            # (sched-performance)  eta <- max(q eta, eta_min)
            reduced = max(factor * state[0], min_value)
            state[3] += reduced < state[0]
            state[0] = reduced
            state[2] = 0.0
        rates[i] = state[0]


class PerformanceSchedule:
    r"""Reduce the learning rate when a metric no longer improves. Equation sched-performance.

    .. math:: \eta \leftarrow \max(q \, \eta, \; \eta_{\min})

    after more than p updates in a row without improvement.

    Parameters
    ----------
    init_value : float
        The learning rate at first; not negative.
    factor : float in (0, 1), default 0.1
        q, which multiplies the rate; deck H writes :math:`\lambda`.
    patience : int, default 10
        p, at least 0. As in PyTorch that many updates without improvement are borne, and the next
        one reduces. Keras and optax reduce with update p itself: pass their patience minus 1.
    min_delta : float, default 0.0
        By how much, in the metric's unit, the best value so far must be surpassed; not negative.
        An equal value is no improvement. PyTorch's default is a relative threshold of 1e-4;
        this is its ``threshold_mode="abs"``, Keras's ``min_delta`` and optax's ``atol``.
    min_value : float, default 0.0
        :math:`\eta_{\min}`, not above `init_value`.
    mode : {"min", "max"}, default "min"
        Whether a smaller or a larger metric is better.

    Attributes
    ----------
    value : float
        The learning rate.
    best : float
        The best metric so far; infinitely bad before the first.
    bad_updates : int
        Updates in a row without improvement since the last reduction.
    reductions : int
        How often the rate has been reduced.

    Notes
    -----
    One object is for one network, because it remembers the best metric and its rate:
    `gradlab.training.fit` refuses one that was used for another network.

    Decks H "Performance Scheduling", C "Training and minibatches" and L "Reducing the Learning
    Rate", which advises to stop after the third reduction at the latest. PyTorch's
    ``ReduceLROnPlateau`` also leaves out a reduction by less than 1e-8 (its ``eps``); here each
    one is made.

    Examples
    --------
    >>> schedule = PerformanceSchedule(0.5, patience=1)
    >>> [schedule.update(loss) for loss in (3.0, 2.0, 2.5, 2.0, 1.0)]
    [0.5, 0.5, 0.5, 0.05, 0.05]
    """

    def __init__(
        self,
        init_value: float,
        factor: float = 0.1,
        patience: int = 10,
        min_delta: float = 0.0,
        min_value: float = 0.0,
        mode: str = "min",
    ) -> None:
        self.init_value = self.value = as_real("init_value", init_value, low=0.0)
        self.factor = _fraction("factor", factor)
        self.patience = as_integer("patience", patience, low=0)
        self.min_delta = as_real("min_delta", min_delta, low=0.0)
        self.min_value = as_real("min_value", min_value, low=0.0, high=self.value)
        as_choice("mode", mode, ("min", "max"))
        self.mode = mode
        self.best = math.inf if mode == "min" else -math.inf
        self.bad_updates = 0
        self.reductions = 0
        self._owner = Owner()

    def __repr__(self) -> str:
        return shown(self)

    def _is_used(self) -> bool:
        return math.isfinite(self.best) or self.bad_updates > 0 or self.reductions > 0

    def update(self, metric: float) -> float:
        """Take a new value of the metric in, and return the learning rate from here on.

        Parameters
        ----------
        metric : float
            One that is not a number, or infinite on either side, is no improvement.

        Returns
        -------
        float
            The same as ``value``.
        """
        return float(self._run(np.array([as_metric("metric", metric)]))[0])

    def _run(self, metrics: FloatArray) -> FloatArray:
        """Take metrics in, one after the other, and return the rate after each."""
        sign = 1.0 if self.mode == "min" else -1.0
        settings = np.array([self.factor, self.patience, self.min_delta, self.min_value])
        state = np.array([self.value, self.best, self.bad_updates, self.reductions])
        rates = np.empty(metrics.size)
        _performance_kernel(metrics, sign, settings, state, rates)
        self.value, self.best = state[:2].tolist()
        self.bad_updates, self.reductions = int(state[2]), int(state[3])
        return rates


def performance_rates(
    metrics: ArrayLike,
    init_value: float,
    factor: float = 0.1,
    patience: int = 10,
    min_delta: float = 0.0,
    min_value: float = 0.0,
    mode: str = "min",
) -> FloatArray:
    r"""Return the learning rates of a whole sequence of metrics. Equation sched-performance.

    .. math:: \eta \leftarrow \max(q \, \eta, \; \eta_{\min})

    after more than p metrics in a row without improvement: what a `PerformanceSchedule` with the
    same settings returns from its updates.

    Parameters
    ----------
    metrics : array (updates,)
        A recorded curve, such as the validation loss of each epoch. What is not a number, or
        infinite on the bad side, is no improvement.
    init_value, factor, patience, min_delta, min_value, mode
        As in `PerformanceSchedule`.

    Returns
    -------
    array (updates,)
        The rate after each update.

    Notes
    -----
    Deck H "Performance Scheduling".

    Examples
    --------
    >>> performance_rates([3.0, 2.0, 2.5, 2.0, 1.0], init_value=0.5, patience=1)
    array([0.5 , 0.5 , 0.5 , 0.05, 0.05])
    """
    schedule = PerformanceSchedule(init_value, factor, patience, min_delta, min_value, mode)
    return schedule._run(as_float_array("metrics", metrics, ndim=1, dtype=np.float64))


def _at_steps(step: ArrayLike, kernel: Callable[..., None], *settings: Any) -> Any:
    """Run a kernel in float64 over the checked steps; a float for a single step."""
    steps = as_float_array("step", step)
    if not (is_finite(steps) and (steps >= 0).all()):
        raise ValueError("step must be finite and not negative, in each entry")
    values = np.empty(steps.size)
    # A step far beyond the decay leaves nothing of the value.
    with np.errstate(over="ignore"):
        kernel(steps.ravel().astype(np.float64), *settings, values)
    if steps.ndim == 0:
        return float(values[0])
    return values.reshape(steps.shape).astype(steps.dtype)


def _decay(init_value: float, decay_steps: float, decay_rate: float) -> tuple[float, float, float]:
    """Check what exponential and step decay have in common."""
    return (
        as_real("init_value", init_value, low=0.0),
        as_positive("decay_steps", decay_steps),
        as_real("decay_rate", decay_rate, low=0.0, high=1.0, low_open=True),
    )


def _fraction(name: str, value: float) -> float:
    return as_real(name, value, low=0.0, high=1.0, low_open=True, high_open=True)
