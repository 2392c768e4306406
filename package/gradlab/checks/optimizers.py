"""Checks of the exercise ``optimizers``: several steps of each method, with changing gradients."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradlab import optimizers as reference
from gradlab.checks._model import Case, Criterion, Exercise, Misconception

Array = NDArray[Any]

STEPS = 3
"""The first step hides what a wrong exponent, count or memory does; later ones show it."""


# ---- what the five have in common


def _follow(
    function: Callable[..., tuple[Any, ...]],
    w: Array,
    state: tuple[Any, ...],
    gradients: Array,
    rates: Sequence[float],
    hyperparameters: tuple[float, ...],
) -> tuple[list[Any], ...]:
    """Weights and state before the first step and after each; a step gets what the last returned.

    A number comes back from the engine as an array without axes, to which a student's ``t += 1``
    would write; it goes on as a number.
    """
    current = [w, *state]
    records: tuple[list[Any], ...] = tuple([value] for value in current)
    for gradient, rate in zip(gradients, rates, strict=True):
        current = list(function(*current, gradient, rate, *hyperparameters))
        for record, value in zip(records, current, strict=True):
            record.append(value)
        for k, value in enumerate(current):
            if isinstance(value, np.ndarray) and value.ndim == 0:
                current[k] = value.item()
    return records


def _one_step(
    optimizer: reference.Optimizer, w: Array, gradient: Array, t: int, **memory: Array
) -> tuple[Array, ...]:
    """Weights and memory after a step of the package's optimizer that has taken t steps before."""
    optimizer.state = {
        "t": t,
        "learning_rate": optimizer.learning_rate,
        **{name: [value] if t else [] for name, value in memory.items()},
    }
    weights = w.copy()
    optimizer.step([weights], [gradient])
    after = optimizer.state
    return (weights, *(after[name][0] for name in memory))


def _signed(rng: np.random.Generator, low: float, high: float, shape: tuple[int, ...]) -> Array:
    """Numbers of both signs whose size is between two bounds."""
    return rng.uniform(low, high, shape) * rng.choice([-1.0, 1.0], shape)


def _case(
    group: str,
    label: str,
    w: Array,
    state: tuple[Any, ...],
    gradients: Array,
    rates: Sequence[float],
    hyperparameters: tuple[float, ...],
) -> Case:
    arguments = {
        "w": w,
        "state": state,
        "gradients": gradients,
        "rates": tuple(rates),
        "hyperparameters": hyperparameters,
    }
    return Case(group, label, arguments)


# ---- momentum and Nesterov


def _momentum(
    w: Array, velocity: Array, gradient: Array, learning_rate: float, momentum: float
) -> tuple[Array, ...]:
    optimizer = reference.Momentum(learning_rate, momentum)
    return _one_step(optimizer, w, gradient, 1, velocity=velocity)


def _nesterov(
    w: Array, velocity: Array, gradient: Array, learning_rate: float, momentum: float
) -> tuple[Array, ...]:
    optimizer = reference.Nesterov(learning_rate, momentum)
    return _one_step(optimizer, w, gradient, 1, velocity=velocity)


def _velocity_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for group, shape, momentum, dtype, start in (
        ("ordinary", (3, 2), 0.8, np.float64, 0.0),
        ("ordinary", (5,), 0.65, np.float64, 0.0),
        ("ordinary", (4,), 0.7, np.float32, 0.0),
        ("later", (2, 3), 0.75, np.float64, 1.0),
    ):
        rate = round(float(rng.uniform(0.1, 0.3)), 3)
        velocity = start * _signed(rng, 0.3, 0.8, shape)
        rates = [rate * (0.4**k if start else 1.0) for k in range(STEPS)]
        label = f"{STEPS} steps, momentum {momentum:g}, learning rate {rate:g}"
        label += ", falling from step to step; with a velocity to begin with" if start else ""
        label += ", float32" if dtype is np.float32 else ""
        w = _signed(rng, 0.5, 2.0, shape).astype(dtype)
        gradients = _signed(rng, 0.3, 2.0, (STEPS, *shape)).astype(dtype)
        state = (velocity.astype(dtype),)
        cases.append(_case(group, label, w, state, gradients, rates, (momentum,)))
    return cases


Velocity = Callable[[Array, Array, float, float], Array]
Move = Callable[[Array, Array, Array, float, float], Any]


def _velocity_variant(move: Move, velocity: Velocity | None = None) -> Callable[..., Any]:
    """Momentum with another velocity(old, g, rate, beta), or move(old, new, g, rate, beta)."""

    def variant(w: Array, old: Array, g: Array, rate: float, beta: float) -> tuple[Any, ...]:
        new = beta * old - rate * g if velocity is None else velocity(old, g, rate, beta)
        return w + move(old, new, g, rate, beta), new

    return variant


def _by_velocity(old: Array, new: Array, g: Array, rate: float, beta: float) -> Array:
    return new


def _by_nesterov(old: Array, new: Array, g: Array, rate: float, beta: float) -> Array:
    return beta * new - rate * g


def _velocity_misconceptions(
    move: Move, move_uphill: Move, move_without_rate: Move, equation: str
) -> tuple[Misconception, ...]:
    """Mistakes in the velocity, which the two methods share; each moves the weights in its way."""
    return (
        Misconception(
            "PyTorch's velocity",
            "Your velocity adds up gradients, and the learning rate enters when the weights move: "
            "PyTorch's convention. This exercise asks for that of the decks, in which the "
            "velocity holds minus the learning rate times the gradients.",
            equation,
            (_velocity_variant(move_without_rate, lambda v, g, rate, beta: beta * v + g),),
        ),
        Misconception(
            "a sign turned",
            "Minus the learning rate times the gradient goes into the velocity, and the velocity "
            "is added to the weights. Compare both signs with the formula.",
            equation,
            (
                _velocity_variant(move_uphill, lambda v, g, rate, beta: beta * v + rate * g),
                _velocity_variant(move, lambda v, g, rate, beta: beta * v + rate * g),
                _velocity_variant(move_uphill),
            ),
        ),
        Misconception(
            "a running average of the gradients",
            "You weight the new gradient by 1 - momentum. That is a convention too, with a "
            "learning rate that is larger by 1 / (1 - momentum); here the gradient enters whole.",
            equation,
            (
                _velocity_variant(move, lambda v, g, rate, beta: beta * v - (1 - beta) * rate * g),
                _velocity_variant(
                    move_without_rate, lambda v, g, rate, beta: beta * v + (1 - beta) * g
                ),
            ),
        ),
        *_memory_misconceptions(move, equation),
    )


def _memory_misconceptions(move: Move, equation: str) -> tuple[Misconception, ...]:
    """Mistakes in what remains of the old velocity."""
    return (
        Misconception(
            "a velocity that is made anew in each step",
            "What your function is given as velocity has no effect on what it returns. The share "
            "`momentum` of it remains.",
            equation,
            (_velocity_variant(move, lambda v, g, rate, beta: -rate * g),),
        ),
        Misconception(
            "a velocity that is returned as it came",
            "You return the velocity that your function was given, and not the one that the "
            "gradient has changed.",
            equation,
            (
                _velocity_variant(
                    lambda v, same, g, rate, beta: move(v, beta * v - rate * g, g, rate, beta),
                    lambda v, g, rate, beta: v,
                ),
            ),
            idle=True,
        ),
        Misconception(
            "a velocity that is never slowed down",
            "All of the old velocity remains. Without the factor `momentum` nothing ever comes to "
            "rest.",
            equation,
            (_velocity_variant(move, lambda v, g, rate, beta: v - rate * g),),
        ),
        Misconception(
            "momentum as the share that is lost",
            "You keep 1 - momentum of the velocity. What remains is the share `momentum`.",
            equation,
            (_velocity_variant(move, lambda v, g, rate, beta: (1 - beta) * v - rate * g),),
        ),
        Misconception(
            "the newest gradient damped too",
            "`momentum` multiplies the old velocity alone, not the sum with the gradient's part.",
            equation,
            (_velocity_variant(move, lambda v, g, rate, beta: beta * (v - rate * g)),),
        ),
    )


def _velocity_criteria(
    shape: float, values: tuple[float, float, float], equations: tuple[str, str]
) -> tuple[Criterion, ...]:
    both = ("w_after", "velocity_after")
    return (
        Criterion("w and velocity keep their shape", shape, "shape"),
        Criterion(
            "the velocity is right, from rest on",
            values[0],
            group="ordinary",
            outputs=("velocity_after",),
            equations=equations[:1],
        ),
        Criterion(
            "the weights are right, from rest on",
            values[1],
            group="ordinary",
            outputs=("w_after",),
            equations=equations[1:],
        ),
        Criterion(
            "a velocity to begin with, and a learning rate that falls",
            values[2],
            group="later",
            outputs=both,
            equations=equations,
        ),
        Criterion("the arguments are left as they were", 0.25, "unchanged"),
    )


MOMENTUM = Exercise(
    name="optimizers.momentum",
    outputs=("w_after", "velocity_after"),
    returns=("w", "velocity"),
    lists=("w_after", "velocity_after"),
    reference=_momentum,
    observe=_follow,
    cases=_velocity_cases,
    criteria=_velocity_criteria(
        0.25, (0.25, 0.5, 0.25), ("opt-momentum-velocity", "opt-momentum-step")
    ),
    misconceptions=(
        Misconception(
            "plain gradient descent",
            "The weights move by the gradient of this step alone. They move by the velocity, which "
            "holds this gradient and what remains of the earlier ones.",
            "opt-momentum-step",
            (_velocity_variant(lambda old, new, g, rate, beta: -rate * g),),
        ),
        *_velocity_misconceptions(
            _by_velocity,
            lambda old, new, g, rate, beta: -new,
            lambda old, new, g, rate, beta: -rate * new,
            "opt-momentum-velocity",
        ),
        Misconception(
            "the velocity of the step before",
            "The weights move by the old velocity. First the gradient changes the velocity, then "
            "the new one moves the weights.",
            "opt-momentum-step",
            (_velocity_variant(lambda old, new, g, rate, beta: old),),
        ),
        Misconception(
            "the gradient counted twice",
            "The velocity holds minus the learning rate times the gradient already; adding it to "
            "the velocity is too much.",
            "opt-momentum-step",
            (_velocity_variant(lambda old, new, g, rate, beta: new - rate * g),),
        ),
        Misconception(
            "Nesterov's step",
            "You look ahead along the velocity, which is the next part. Here the weights move by "
            "the velocity itself.",
            "opt-momentum-step",
            (_velocity_variant(_by_nesterov),),
        ),
    ),
)

NESTEROV = Exercise(
    name="optimizers.nesterov",
    outputs=("w_after", "velocity_after"),
    returns=("w", "velocity"),
    lists=("w_after", "velocity_after"),
    reference=_nesterov,
    observe=_follow,
    cases=_velocity_cases,
    criteria=_velocity_criteria(
        0.25, (0.25, 1.0, 0.25), ("opt-nesterov-velocity", "opt-nesterov-step")
    ),
    misconceptions=(
        *_velocity_misconceptions(
            _by_nesterov,
            lambda old, new, g, rate, beta: -beta * new - rate * g,
            lambda old, new, g, rate, beta: -rate * (g + beta * new),
            "opt-nesterov-velocity",
        ),
        Misconception(
            "the step of plain momentum",
            "You move by the new velocity. That is the difference of two points W; the network "
            "holds the extended points, and each of them lies ahead of its W by momentum times "
            "its own velocity. If your formula has a velocity in it, look which one: old or new.",
            "opt-nesterov-step",
            (_velocity_variant(_by_velocity),),
        ),
        Misconception(
            "the point W in place of the extended one",
            "w - momentum * (old velocity) is W, and from there the new velocity leads to the next "
            "W. The network holds that one's extended point: one more piece is missing.",
            "opt-nesterov-step",
            (_velocity_variant(lambda old, new, g, rate, beta: -rate * g),),
        ),
        Misconception(
            "an extension that is added without taking off the one before",
            "You add the velocity and the look-ahead to w. But w is an extended point: it holds "
            "momentum times the old velocity already.",
            "opt-nesterov-step",
            (_velocity_variant(lambda old, new, g, rate, beta: new + beta * new),),
        ),
        Misconception(
            "the look-ahead without the newest gradient",
            "The newest gradient enters twice: through the velocity, and once by itself. Write "
            "the difference of the two extended points and replace W.",
            "opt-nesterov-step",
            (_velocity_variant(lambda old, new, g, rate, beta: beta * new),),
        ),
        Misconception(
            "a look-ahead along the whole velocity",
            "The extended point lies ahead of W by momentum times the velocity, not by all of it.",
            "opt-nesterov-step",
            (_velocity_variant(lambda old, new, g, rate, beta: new - rate * g),),
        ),
        Misconception(
            "a step that adds the gradient",
            "Replace W and collect the terms again: the gradient that is left over leads downhill.",
            "opt-nesterov-step",
            (_velocity_variant(lambda old, new, g, rate, beta: beta * new + rate * g),),
        ),
    ),
)


# ---- AdaGrad and RMSProp


def _adagrad(
    w: Array, total: Array, gradient: Array, learning_rate: float, eps: float
) -> tuple[Array, ...]:
    optimizer = reference.AdaGrad(learning_rate, eps)
    return _one_step(optimizer, w, gradient, 1, sum_of_squares=total)


def _rmsprop(
    w: Array, mean_square: Array, gradient: Array, learning_rate: float, rho: float, eps: float
) -> tuple[Array, ...]:
    optimizer = reference.RMSProp(learning_rate, rho, eps)
    return _one_step(optimizer, w, gradient, 1, mean_square=mean_square)


def _unequal_gradients(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Gradients that are large for some weights and tiny for others.

    The tiny ones tell a missing epsilon from a constant of one's own.
    """
    sizes = np.geomspace(1e-4, 2.0, int(np.prod(shape)))
    return rng.permutation(sizes).reshape(shape) * _signed(rng, 0.5, 1.5, (STEPS, *shape))


def _edge_gradients(rng: np.random.Generator, count: int, size: float) -> Array:
    """Gradients of a given size, except for one weight whose gradient stays 0."""
    gradients = size * _signed(rng, 0.5, 1.5, (STEPS, count))
    gradients[:, int(rng.integers(count))] = 0.0
    return gradients


def _adaptive_cases(
    settings: Sequence[tuple[str, tuple[int, ...], float, Any, float]], rhos: Sequence[float] = ()
) -> Callable[[np.random.Generator], list[Case]]:
    """Cases from (group, shape, eps, dtype, start of the memory), and rho where there is one."""

    def cases(rng: np.random.Generator) -> list[Case]:
        made = []
        for k, (group, shape, eps, dtype, start) in enumerate(settings):
            rate = round(float(rng.uniform(0.1, 0.3)), 3)
            if group == "edge":
                gradients = _edge_gradients(rng, shape[0], 3 * eps)
                rest = ", gradients of epsilon's size, and one that stays 0"
            else:
                gradients = _unequal_gradients(rng, shape)
                rest = ", with a memory of earlier steps" if start else ""
            rest += ", float32" if dtype is np.float32 else ""
            own = (rhos[k],) if rhos else ()
            label = f"{STEPS} steps, learning rate {rate:g}, "
            label += "".join(f"rho {rho:g}, " for rho in own) + f"eps {eps:g}{rest}"
            w = _signed(rng, 0.5, 2.0, shape).astype(dtype)
            memory = (start * rng.uniform(0.5, 1.5, shape)).astype(dtype)
            case = _case(
                group, label, w, (memory,), gradients.astype(dtype), [rate] * STEPS, (*own, eps)
            )
            made.append(case)
        return made

    return cases


def _adaptive_variant(
    memory: Callable[..., Any], step: Callable[[Array, Any, Any, float], Any]
) -> Callable[..., tuple[Any, ...]]:
    """The memory is memory(old, g) or, of RMSProp, memory(old, g, rho).

    The weights move by the rate times step(g, old memory, new memory, eps), downhill.
    """

    def variant(w: Array, old: Array, g: Array, rate: float, *rest: float) -> tuple[Any, ...]:
        *rho, eps = rest
        new = memory(old, g, *rho)
        return w - rate * step(g, old, new, eps), new

    return variant


def _sum_of_squares(s: Array, g: Array) -> Array:
    return s + g**2


def _mean_square(s: Array, g: Array, rho: float) -> Array:
    return rho * s + (1 - rho) * g**2


def _outside(g: Array, old: Array, new: Array, eps: float) -> Array:
    return g / (np.sqrt(new) + eps)


def _inside(g: Array, old: Array, new: Array, eps: float) -> Array:
    return g / np.sqrt(new + eps)


def _with_epsilon(
    step: Callable[[Array, Any, Any, float], Any], own: float
) -> Callable[[Array, Any, Any, float], Any]:
    return lambda g, old, new, eps: step(g, old, new, own)


def _after_the_division(
    memory: Callable[..., Any],
) -> tuple[Callable[..., tuple[Any, ...]], ...]:
    """Epsilon added to the quotient, in the two ways that an omitted parenthesis allows."""

    def added_to_the_weights(
        w: Array, old: Array, g: Array, rate: float, *rest: float
    ) -> tuple[Any, ...]:
        *rho, eps = rest
        new = memory(old, g, *rho)
        return w - rate * g / np.sqrt(new) + eps, new

    return (
        _adaptive_variant(memory, lambda g, old, new, eps: g / np.sqrt(new) + eps),
        added_to_the_weights,
    )


def _rmsprop_without_memory(
    w: Array, mean_square: Array, g: Array, rate: float, rho: float, eps: float
) -> tuple[Array, ...]:
    return w - rate * g / np.sqrt(_mean_square(mean_square, g, rho) + eps), mean_square


ADAGRAD = Exercise(
    name="optimizers.adagrad",
    outputs=("w_after", "total_after"),
    returns=("w", "total"),
    lists=("w_after", "total_after"),
    reference=_adagrad,
    observe=_follow,
    cases=_adaptive_cases(
        (
            ("ordinary", (3, 2), 0.3, np.float64, 0.0),
            ("ordinary", (5,), 1e-3, np.float64, 2.0),
            ("ordinary", (4,), 0.1, np.float32, 0.0),
            ("edge", (4,), 1e-6, np.float64, 0.0),
        )
    ),
    criteria=(
        Criterion("w and total keep their shape", 0.25, "shape"),
        Criterion(
            "the sum of squares is right at every step",
            0.25,
            group="ordinary",
            outputs=("total_after",),
            equations=("opt-adagrad-sum",),
        ),
        Criterion(
            "the weights are right at every step",
            0.5,
            group="ordinary",
            outputs=("w_after",),
            equations=("opt-adagrad-step",),
        ),
        Criterion(
            "gradients as small as epsilon, and a gradient that stays 0",
            0.25,
            group="edge",
            outputs=("w_after", "total_after"),
            equations=("opt-adagrad-step",),
        ),
        Criterion("the arguments are left as they were", 0.25, "unchanged"),
    ),
    misconceptions=(
        Misconception(
            "epsilon inside the root",
            "You divide by sqrt(total + eps), as Keras and optax do. This exercise asks for the "
            "paper's convention, also PyTorch's: sqrt(total) + eps.",
            "opt-adagrad-step",
            (_adaptive_variant(_sum_of_squares, _inside),),
        ),
        Misconception(
            "an epsilon that is not the given one",
            "Use the argument eps, in every step. Without it, or with a constant of your own, "
            "nobody notices until gradients are as small as it is, or 0.",
            "opt-adagrad-step",
            tuple(
                _adaptive_variant(_sum_of_squares, _with_epsilon(_outside, own))
                for own in (0.0, 1e-8, 1e-7, 1e-10)
            ),
        ),
        Misconception(
            "a product with epsilon",
            "eps is added to the root, so that the divisor is never 0. Multiplied, it changes the "
            "learning rate and protects from nothing.",
            "opt-adagrad-step",
            (
                _adaptive_variant(
                    _sum_of_squares, lambda g, old, new, eps: g / (np.sqrt(new) * eps)
                ),
            ),
        ),
        Misconception(
            "epsilon added after the division",
            "The divisor is sqrt(total) + eps as a whole: it needs parentheses of its own.",
            "opt-adagrad-step",
            _after_the_division(_sum_of_squares),
        ),
        Misconception(
            "the sum of the steps before",
            "You divide by the root of the sum without this step's gradient. First the gradient "
            "enters the sum, then the root is taken.",
            "opt-adagrad-step",
            (
                _adaptive_variant(
                    _sum_of_squares, lambda g, old, new, eps: g / (np.sqrt(old) + eps)
                ),
            ),
        ),
        Misconception(
            "a division by the sum and not by its root",
            "Squares have the unit of the gradient squared. Take the root, so that the gradient's "
            "size drops out.",
            "opt-adagrad-step",
            (_adaptive_variant(_sum_of_squares, lambda g, old, new, eps: g / (new + eps)),),
        ),
        Misconception(
            "a sum that is returned as it came",
            "The step is that of the new sum, but you return the old one, so that the next step "
            "knows nothing of this gradient.",
            "opt-adagrad-sum",
            (
                _adaptive_variant(
                    lambda s, g: s, lambda g, old, new, eps: _outside(g, old, old + g**2, eps)
                ),
            ),
            idle=True,
        ),
        Misconception(
            "a sum that is made anew in each step",
            "You return this step's square alone. It is added to what total held before.",
            "opt-adagrad-sum",
            (_adaptive_variant(lambda s, g: g**2, _outside),),
        ),
        Misconception(
            "a sum of gradients that are not squared",
            "Gradients of both signs cancel, or the root gets a negative number. Sum the squares.",
            "opt-adagrad-sum",
            (_adaptive_variant(lambda s, g: s + g, _outside),),
        ),
        Misconception(
            "a sum of sizes instead of squares",
            "You add up absolute values. Add up the squares; the root comes afterwards.",
            "opt-adagrad-sum",
            (_adaptive_variant(lambda s, g: s + np.abs(g), _outside),),
        ),
        Misconception(
            "one sum for all weights",
            "You sum the squares over the weights. Each weight has a sum of its own, over the "
            "steps: square and add entry by entry.",
            "opt-adagrad-sum",
            (_adaptive_variant(lambda s, g: s + np.sum(g**2), _outside),),
        ),
        Misconception(
            "a step uphill",
            "The step is subtracted from the weights.",
            "opt-adagrad-step",
            (_adaptive_variant(_sum_of_squares, lambda *a: -_outside(*a)),),
        ),
    ),
)

RMSPROP = Exercise(
    name="optimizers.rmsprop",
    outputs=("w_after", "mean_square_after"),
    returns=("w", "mean_square"),
    lists=("w_after", "mean_square_after"),
    reference=_rmsprop,
    observe=_follow,
    cases=_adaptive_cases(
        (
            ("ordinary", (3, 2), 0.3, np.float64, 0.0),
            ("ordinary", (5,), 1e-3, np.float64, 1.0),
            ("ordinary", (4,), 0.1, np.float32, 0.0),
            ("edge", (4,), 1e-3, np.float64, 0.0),
        ),
        (0.7, 0.85, 0.6, 0.75),
    ),
    criteria=(
        Criterion("w and mean_square keep their shape", 0.25, "shape"),
        Criterion(
            "the running mean of the squares is right at every step",
            0.25,
            group="ordinary",
            outputs=("mean_square_after",),
            equations=("opt-rmsprop-mean-square",),
        ),
        Criterion(
            "the weights are right at every step",
            0.5,
            group="ordinary",
            outputs=("w_after",),
            equations=("opt-rmsprop-step",),
        ),
        Criterion(
            "gradients as small as epsilon, and a gradient that stays 0",
            0.25,
            group="edge",
            outputs=("w_after", "mean_square_after"),
            equations=("opt-rmsprop-step",),
        ),
        Criterion("the arguments are left as they were", 0.25, "unchanged"),
    ),
    misconceptions=(
        Misconception(
            "epsilon outside the root",
            "You divide by sqrt(mean_square) + eps, which is PyTorch's convention. This exercise "
            "asks for that of deck C and Keras: eps is added under the root.",
            "opt-rmsprop-step",
            (_adaptive_variant(_mean_square, _outside),),
        ),
        Misconception(
            "epsilon left out",
            "You divide by sqrt(mean_square), as deck L does. A weight whose gradient is 0 from "
            "the start is then moved by 0 / 0. Add eps under the root.",
            "opt-rmsprop-step",
            (_adaptive_variant(_mean_square, lambda g, old, new, eps: g / np.sqrt(new)),),
        ),
        Misconception(
            "a constant in place of the given epsilon",
            "Your function does not use its argument eps but a small number of its own.",
            "opt-rmsprop-step",
            tuple(
                _adaptive_variant(_mean_square, _with_epsilon(_inside, own))
                for own in (1e-8, 1e-7, 1e-6, 1e-10)
            ),
        ),
        Misconception(
            "a product with epsilon",
            "eps is added, so that the divisor is never 0. Multiplied, it changes the learning "
            "rate and protects from nothing.",
            "opt-rmsprop-step",
            (
                _adaptive_variant(_mean_square, lambda g, old, new, eps: g / np.sqrt(new * eps)),
                _adaptive_variant(_mean_square, lambda g, old, new, eps: g / (np.sqrt(new) * eps)),
            ),
        ),
        Misconception(
            "epsilon added after the division",
            "eps belongs to the divisor, under the root: look at the parentheses.",
            "opt-rmsprop-step",
            _after_the_division(_mean_square),
        ),
        Misconception(
            "the mean square of the steps before",
            "You divide by the mean square without this step's gradient. First the gradient "
            "enters the mean, then the root is taken.",
            "opt-rmsprop-step",
            (_adaptive_variant(_mean_square, lambda g, old, new, eps: g / np.sqrt(old + eps)),),
        ),
        Misconception(
            "a division by the mean square and not by its root",
            "Squares have the unit of the gradient squared. Take the root, so that the gradient's "
            "size drops out.",
            "opt-rmsprop-step",
            (_adaptive_variant(_mean_square, lambda g, old, new, eps: g / (new + eps)),),
        ),
        Misconception(
            "AdaGrad's sum",
            "You add up all squares. RMSProp forgets: the old mean keeps the weight rho, and the "
            "new square gets 1 - rho.",
            "opt-rmsprop-mean-square",
            (_adaptive_variant(lambda s, g, rho: s + g**2, _inside),),
        ),
        Misconception(
            "weights that do not add up to 1",
            "The old mean keeps rho, and the new square gets the rest, 1 - rho. With other weights "
            "it is no mean.",
            "opt-rmsprop-mean-square",
            (
                _adaptive_variant(lambda s, g, rho: rho * s + g**2, _inside),
                _adaptive_variant(lambda s, g, rho: s + (1 - rho) * g**2, _inside),
            ),
        ),
        Misconception(
            "the weights of past and present exchanged",
            "rho is the weight of the past, and 1 - rho that of the new square.",
            "opt-rmsprop-mean-square",
            (_adaptive_variant(lambda s, g, rho: (1 - rho) * s + rho * g**2, _inside),),
        ),
        Misconception(
            "a parenthesis in the wrong place",
            "(1 - rho * g**2) is not (1 - rho) * g**2.",
            "opt-rmsprop-mean-square",
            (_adaptive_variant(lambda s, g, rho: rho * s + (1 - rho * g**2), _inside),),
        ),
        Misconception(
            "a mean square that is returned as it came",
            "The step is that of the new mean square, but you return the old one, so that the next "
            "step knows nothing of this gradient.",
            "opt-rmsprop-mean-square",
            (_rmsprop_without_memory,),
            idle=True,
        ),
        Misconception(
            "a mean that is made anew in each step",
            "What your function is given as mean_square has no effect on what it returns.",
            "opt-rmsprop-mean-square",
            (
                _adaptive_variant(lambda s, g, rho: (1 - rho) * g**2, _inside),
                _adaptive_variant(lambda s, g, rho: g**2, _inside),
            ),
        ),
        Misconception(
            "a mean of gradients that are not squared",
            "Gradients of both signs cancel, or the root gets a negative number. Average their "
            "squares.",
            "opt-rmsprop-mean-square",
            (_adaptive_variant(lambda s, g, rho: rho * s + (1 - rho) * g, _inside),),
        ),
        Misconception(
            "a step uphill",
            "The step is subtracted from the weights.",
            "opt-rmsprop-step",
            (_adaptive_variant(_mean_square, lambda *a: -_inside(*a)),),
        ),
    ),
)


# ---- Adam


def _adam(
    w: Array,
    m: Array,
    v: Array,
    t: int,
    gradient: Array,
    learning_rate: float,
    beta1: float,
    beta2: float,
    eps: float,
) -> tuple[Any, ...]:
    optimizer = reference.Adam(learning_rate, beta1, beta2, eps)
    return (*_one_step(optimizer, w, gradient, t, m=m, v=v), t + 1)


def _adam_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for group, shape, beta1, beta2, eps, dtype in (
        ("ordinary", (3, 2), 0.8, 0.95, 0.2, np.float64),
        ("ordinary", (4,), 0.6, 0.85, 0.05, np.float32),
        ("later", (5,), 0.75, 0.92, 1e-3, np.float64),
        ("edge", (4,), 0.85, 0.97, 1e-6, np.float64),
    ):
        rate = round(float(rng.uniform(0.1, 0.3)), 3)
        t = int(rng.integers(4, 7)) if group == "later" else 0
        m, v = np.zeros(shape), np.zeros(shape)
        label = f"{STEPS} steps, learning rate {rate:g}, beta1 {beta1:g}, beta2 {beta2:g}"
        label += f", eps {eps:g}"
        if group == "edge":
            gradients = _edge_gradients(rng, shape[0], 3 * eps)
            label += ", gradients of epsilon's size, and one that stays 0"
        else:
            gradients = _unequal_gradients(rng, shape)
        if t:
            m, v = _signed(rng, 0.2, 0.8, shape), rng.uniform(0.8, 1.5, shape)
            label += f", from t = {t} on"
        label += ", float32" if dtype is np.float32 else ""
        w = _signed(rng, 0.5, 2.0, shape).astype(dtype)
        state = (m.astype(dtype), v.astype(dtype), t)
        arguments = gradients.astype(dtype), [rate] * STEPS, (beta1, beta2, eps)
        cases.append(_case(group, label, w, state, *arguments))
    return cases


def _adam_variant(
    mean: Callable[..., Any] = lambda m, g, beta: beta * m + (1 - beta) * g,
    mean_square: Callable[..., Any] = lambda v, g, beta: beta * v + (1 - beta) * g**2,
    correction: Callable[..., Any] = lambda beta, t: 1 - beta**t,
    correct: tuple[bool, bool] = (True, True),
    step: Callable[..., Any] = lambda m, v, eps, c: m / (np.sqrt(v) + eps),
    count: tuple[int, int] = (1, 1),
    keep_corrected: bool = False,
    exchanged: bool = False,
) -> Callable[..., tuple[Any, ...]]:
    """Adam with one of its parts exchanged.

    `step` gets the corrected means, epsilon and the sum of the weights in v; `count` is what is
    added to t before it is used, and before it is returned.
    """

    def variant(
        w: Array,
        m: Array,
        v: Array,
        t: int,
        g: Array,
        rate: float,
        beta1: float,
        beta2: float,
        eps: float,
    ) -> tuple[Any, ...]:
        if exchanged:
            beta1, beta2 = beta2, beta1
        m, v = mean(m, g, beta1), mean_square(v, g, beta2)
        now = t + count[0]
        c1 = correction(beta1, now) if correct[0] else 1.0
        c2 = correction(beta2, now) if correct[1] else 1.0
        m_hat, v_hat = np.divide(m, c1), np.divide(v, c2)
        w = w - rate * step(m_hat, v_hat, eps, c2)
        return (w, m_hat, v_hat, t + count[1]) if keep_corrected else (w, m, v, t + count[1])

    return variant


def _adam_with_the_gradient_itself(
    w: Array,
    m: Array,
    v: Array,
    t: int,
    g: Array,
    rate: float,
    beta1: float,
    beta2: float,
    eps: float,
) -> tuple[Any, ...]:
    _, m, v, t = _adam_variant()(w, m, v, t, g, rate, beta1, beta2, eps)
    return w - rate * g / (np.sqrt(v / (1 - beta2**t)) + eps), m, v, t


ADAM = Exercise(
    name="optimizers.adam",
    outputs=("w_after", "m_after", "v_after", "t_after"),
    returns=("w", "m", "v", "t"),
    lists=("w_after", "m_after", "v_after", "t_after"),
    reference=_adam,
    observe=_follow,
    cases=_adam_cases,
    criteria=(
        Criterion("w, m and v keep their shape, and t is one number", 0.25, "shape"),
        Criterion(
            "m is the running mean of the gradient",
            0.25,
            group="ordinary",
            outputs=("m_after",),
            equations=("opt-adam-mean",),
        ),
        Criterion(
            "v is the running mean of its square",
            0.25,
            group="ordinary",
            outputs=("v_after",),
            equations=("opt-adam-mean-square",),
        ),
        Criterion(
            "w and t are right from the first step on",
            1.0,
            group="ordinary",
            outputs=("w_after", "t_after"),
            equations=("opt-adam-correction", "opt-adam-step"),
        ),
        Criterion(
            "training is taken up again at a later step",
            0.25,
            group="later",
            outputs=("w_after", "m_after", "v_after", "t_after"),
            equations=("opt-adam-correction", "opt-adam-step"),
        ),
        Criterion(
            "gradients as small as epsilon, and a gradient that stays 0",
            0.25,
            group="edge",
            outputs=("w_after",),
            equations=("opt-adam-step",),
        ),
        Criterion("the arguments are left as they were", 0.25, "unchanged"),
    ),
    misconceptions=(
        Misconception(
            "no bias correction",
            "The means start at 0 and are too small at first. If you computed the corrected ones, "
            "look whether the step uses them.",
            "opt-adam-correction",
            (_adam_variant(correct=(False, False)),),
        ),
        Misconception(
            "a correction of m alone",
            "v starts at 0 too, and it stands in the divisor: without its correction the first "
            "steps are far too long.",
            "opt-adam-correction",
            (_adam_variant(correct=(True, False)),),
        ),
        Misconception(
            "a correction of v alone",
            "m starts at 0 too, so that the first steps are too short.",
            "opt-adam-correction",
            (_adam_variant(correct=(False, True)),),
        ),
        Misconception(
            "a correction that does not change with the step",
            "1 - beta is right in the first step only. After t steps the weights add up to "
            "1 - beta**t.",
            "opt-adam-correction",
            (_adam_variant(correction=lambda beta, t: 1 - beta),),
        ),
        Misconception(
            "a correction that is right in the second step only",
            "The exponent is the number of the step, and not 2.",
            "opt-adam-correction",
            (_adam_variant(correction=lambda beta, t: 1 - beta**2),),
        ),
        Misconception(
            "a correction upside down",
            "The means are too small at first, because their weights add up to less than 1: divide "
            "by that sum.",
            "opt-adam-correction",
            (_adam_variant(correction=lambda beta, t: 1 / (1 - beta**t)),),
        ),
        Misconception(
            "a count that is increased after its use",
            "t is the number of steps before this one, and 0 in the first call, where 1 - beta**0 "
            "divides by 0. Count this step first.",
            "opt-adam-correction",
            (_adam_variant(count=(0, 1)),),
        ),
        Misconception(
            "a count that is never increased",
            "You return t as it came, so that every step takes itself for the same one. Return "
            "the number of steps taken, this one included.",
            "opt-adam-correction",
            (_adam_variant(count=(1, 0)), _adam_variant(count=(0, 0))),
            idle=True,
        ),
        Misconception(
            "corrected means that are kept",
            "You return the corrected means, so that the next step corrects them again. The step "
            "uses them; what is remembered stays uncorrected.",
            "opt-adam-correction",
            (_adam_variant(keep_corrected=True),),
        ),
        Misconception(
            "a parenthesis in the wrong place",
            "(1 - beta2 * g**2) is not (1 - beta2) * g**2.",
            "opt-adam-mean-square",
            (_adam_variant(mean_square=lambda v, g, beta: beta * v + (1 - beta * g**2)),),
        ),
        Misconception(
            "beta1 and beta2 exchanged",
            "beta1 belongs to the mean of the gradient, beta2 to that of its square.",
            "opt-adam-mean",
            (_adam_variant(exchanged=True),),
        ),
        Misconception(
            "weights that do not add up to 1",
            "The old mean keeps beta, and what is new gets the rest, 1 - beta: in both means.",
            "opt-adam-mean",
            (
                _adam_variant(lambda m, g, beta: beta * m + g, lambda v, g, b: b * v + g**2),
                _adam_variant(lambda m, g, beta: beta * m + g),
                _adam_variant(mean_square=lambda v, g, beta: beta * v + g**2),
            ),
        ),
        Misconception(
            "the weights of past and present exchanged",
            "beta is the weight of the past, and 1 - beta that of the present.",
            "opt-adam-mean",
            (
                _adam_variant(
                    lambda m, g, beta: (1 - beta) * m + beta * g,
                    lambda v, g, beta: (1 - beta) * v + beta * g**2,
                ),
            ),
        ),
        Misconception(
            "a mean square of gradients that are not squared",
            "v is the running mean of the gradient squared. As you have it, it is a second m.",
            "opt-adam-mean-square",
            (_adam_variant(mean_square=lambda v, g, beta: beta * v + (1 - beta) * g),),
        ),
        Misconception(
            "epsilon inside the root",
            "You divide by the root of v_hat + eps, which is deck C's convention. This exercise "
            "asks for the paper's, also PyTorch's: eps is added to the root.",
            "opt-adam-step",
            (_adam_variant(step=lambda m, v, eps, c: m / np.sqrt(v + eps)),),
        ),
        Misconception(
            "Keras's epsilon",
            "You add eps before the correction of v, as Keras does. This exercise asks for the "
            "paper's convention: correct v, take the root, then add eps.",
            "opt-adam-step",
            (_adam_variant(step=lambda m, v, eps, c: m / (np.sqrt(v) + eps / np.sqrt(c))),),
        ),
        Misconception(
            "an epsilon that is not the given one",
            "Use the argument eps. Without it, or with a constant of your own, nobody notices "
            "until gradients are as small as it is, or 0.",
            "opt-adam-step",
            tuple(
                _adam_variant(step=lambda m, v, eps, c, own=own: m / (np.sqrt(v) + own))
                for own in (0.0, 1e-8, 1e-7)
            ),
        ),
        Misconception(
            "epsilon added after the division",
            "The divisor is the root plus eps as a whole: it needs parentheses of its own.",
            "opt-adam-step",
            (_adam_variant(step=lambda m, v, eps, c: m / np.sqrt(v) + eps),),
        ),
        Misconception(
            "a root that is taken before the correction",
            "You divide the root of v by 1 - beta2**t. Correct v first, then take the root.",
            "opt-adam-step",
            (_adam_variant(step=lambda m, v, eps, c: m / (np.sqrt(v / c) + eps)),),
        ),
        Misconception(
            "a division by the mean square and not by its root",
            "Deck C says so in words, but its formula has the root: the gradient's size has to "
            "drop out.",
            "opt-adam-step",
            (_adam_variant(step=lambda m, v, eps, c: m / (v + eps)),),
        ),
        Misconception(
            "the gradient itself where its mean belongs",
            "You divide this step's gradient, as RMSProp does. Adam divides its running mean.",
            "opt-adam-step",
            (_adam_with_the_gradient_itself,),
        ),
        Misconception(
            "a step uphill",
            "The step is subtracted from the weights.",
            "opt-adam-step",
            (_adam_variant(step=lambda m, v, eps, c: -m / (np.sqrt(v) + eps)),),
        ),
    ),
)

EXERCISES = (MOMENTUM, NESTEROV, ADAGRAD, RMSPROP, ADAM)
