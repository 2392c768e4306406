"""Checks of the exercise ``optimizers``: several steps of each method, with changing gradients."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradlab import optimizers as reference
from gradlab.checks._edits import mistakes
from gradlab.checks._model import Case, Criterion, Exercise, shapes, unchanged, values

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


def _momentum_reference(
    w: Array, velocity: Array, gradient: Array, learning_rate: float, momentum: float
) -> tuple[Array, ...]:
    optimizer = reference.Momentum(learning_rate, momentum)
    return _one_step(optimizer, w, gradient, 1, velocity=velocity)


def _nesterov_reference(
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


def _momentum_step(
    w: Array, velocity: Array, gradient: Array, learning_rate: float, momentum: float
) -> Any:
    step = learning_rate * gradient
    new = momentum * velocity - step
    w = w + new
    return w, new


def _nesterov_step(
    w: Array, velocity: Array, gradient: Array, learning_rate: float, momentum: float
) -> Any:
    step = learning_rate * gradient
    new = momentum * velocity - step
    w = w + momentum * new - step
    return w, new


def _velocity_criteria(
    shape: float, values: tuple[float, float, float], equations: tuple[str, str]
) -> tuple[Criterion, ...]:
    both = ("w_after", "velocity_after")
    return (
        shapes("w and velocity keep their shape", shape),
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
        unchanged(0.25),
    )


MOMENTUM = Exercise(
    name="optimizers.momentum",
    outputs=("w_after", "velocity_after"),
    returns=("w", "velocity"),
    lists=("w_after", "velocity_after"),
    reference=_momentum_reference,
    model=_momentum_step,
    observe=_follow,
    cases=_velocity_cases,
    criteria=_velocity_criteria(
        0.25, (0.25, 0.5, 0.25), ("opt-momentum-velocity", "opt-momentum-step")
    ),
    misconceptions=mistakes(
        _momentum_step,
        """
plain gradient descent (opt-momentum-step, 0.75)
    w + new -> w - step
    The weights move by the gradient of this step alone. They move by the velocity, which holds this
    gradient and what remains of the earlier ones.
PyTorch's velocity (opt-momentum-velocity, 1)
    velocity - step -> velocity + gradient & w + new -> w - learning_rate * new
    Your velocity adds up gradients, and the learning rate enters when the weights move: PyTorch's
    convention. This exercise asks for that of the decks, in which the velocity holds minus the
    learning rate times the gradients.
a sign turned (opt-momentum-velocity)
    velocity - step -> velocity + step & w + new -> w - new
    velocity - step -> velocity + step
    w + new -> w - new
    Minus the learning rate times the gradient goes into the velocity, and the velocity is added to
    the weights. Compare both signs with the formula.
a running average of the gradients (opt-momentum-velocity, 0.25)
    velocity - step -> velocity - (1 - momentum) * step
    momentum * velocity - step -> momentum * velocity + (1 - momentum) * gradient
        & w + new -> w - learning_rate * new
    You weight the new gradient by 1 - momentum. That is a convention too, with a learning rate that
    is larger by 1 / (1 - momentum); here the gradient enters whole.
a velocity that is made anew in each step (opt-momentum-velocity, 0.25)
    momentum * velocity - step -> -step
    What your function is given as velocity has no effect on what it returns. The share `momentum`
    of it remains.
a velocity that is returned as it came (opt-momentum-velocity, 0.25, idle)
    return w, new -> return w, velocity
    You return the velocity that your function was given, and not the one that the gradient has
    changed.
a velocity that is never slowed down (opt-momentum-velocity, 0.25)
    momentum * velocity - step -> velocity - step
    All of the old velocity remains. Without the factor `momentum` nothing ever comes to rest.
momentum as the share that is lost (opt-momentum-velocity, 0.25)
    momentum * velocity - step -> (1 - momentum) * velocity - step
    You keep 1 - momentum of the velocity. What remains is the share `momentum`.
the newest gradient damped too (opt-momentum-velocity, 0.25)
    momentum * velocity - step -> momentum * (velocity - step)
    `momentum` multiplies the old velocity alone, not the sum with the gradient's part.
the velocity of the step before (opt-momentum-step, 0.75)
    w + new -> w + velocity
    The weights move by the old velocity. First the gradient changes the velocity, then the new one
    moves the weights.
the gradient counted twice (opt-momentum-step, 0.75)
    w + new -> w + new - step
    The velocity holds minus the learning rate times the gradient already; adding it to the velocity
    is too much.
Nesterov's step (opt-momentum-step, 0.75)
    w + new -> w + momentum * new - step
    You look ahead along the velocity, which is the next part. Here the weights move by the velocity
    itself.
""",
    ),
)

NESTEROV = Exercise(
    name="optimizers.nesterov",
    outputs=("w_after", "velocity_after"),
    returns=("w", "velocity"),
    lists=("w_after", "velocity_after"),
    reference=_nesterov_reference,
    model=_nesterov_step,
    observe=_follow,
    cases=_velocity_cases,
    criteria=_velocity_criteria(
        0.25, (0.25, 1.0, 0.25), ("opt-nesterov-velocity", "opt-nesterov-step")
    ),
    misconceptions=mistakes(
        _nesterov_step,
        """
PyTorch's velocity (opt-nesterov-velocity, 1.5)
    velocity - step -> velocity + gradient
        & w + momentum * new - step -> w - learning_rate * (gradient + momentum * new)
    Your velocity adds up gradients, and the learning rate enters when the weights move: PyTorch's
    convention. This exercise asks for that of the decks, in which the velocity holds minus the
    learning rate times the gradients.
a sign turned (opt-nesterov-velocity)
    velocity - step -> velocity + step & w + momentum -> w - momentum
    velocity - step -> velocity + step
    w + momentum -> w - momentum
    Minus the learning rate times the gradient goes into the velocity, and the velocity is added to
    the weights. Compare both signs with the formula.
a running average of the gradients (opt-nesterov-velocity, 0.25)
    velocity - step -> velocity - (1 - momentum) * step
    velocity - step -> velocity + (1 - momentum) * gradient
        & w + momentum * new - step -> w - learning_rate * (gradient + momentum * new)
    You weight the new gradient by 1 - momentum. That is a convention too, with a learning rate that
    is larger by 1 / (1 - momentum); here the gradient enters whole.
a velocity that is made anew in each step (opt-nesterov-velocity, 0.25)
    momentum * velocity - step -> -step
    What your function is given as velocity has no effect on what it returns. The share `momentum`
    of it remains.
a velocity that is returned as it came (opt-nesterov-velocity, 0.25, idle)
    return w, new -> return w, velocity
    You return the velocity that your function was given, and not the one that the gradient has
    changed.
a velocity that is never slowed down (opt-nesterov-velocity, 0.25)
    momentum * velocity - step -> velocity - step
    All of the old velocity remains. Without the factor `momentum` nothing ever comes to rest.
momentum as the share that is lost (opt-nesterov-velocity, 0.25)
    momentum * velocity - step -> (1 - momentum) * velocity - step
    You keep 1 - momentum of the velocity. What remains is the share `momentum`.
the newest gradient damped too (opt-nesterov-velocity, 0.25)
    momentum * velocity - step -> momentum * (velocity - step)
    `momentum` multiplies the old velocity alone, not the sum with the gradient's part.
the step of plain momentum (opt-nesterov-step, 0.75)
    w + momentum * new - step -> w + new
    You move by the new velocity. That is the difference of two points W; the network holds the
    extended points, and each of them lies ahead of its W by momentum times its own velocity. If
    your formula has a velocity in it, look which one: old or new.
the point W in place of the extended one (opt-nesterov-step, 0.75)
    w + momentum * new - step -> w - step
    w - momentum * (old velocity) is W, and from there the new velocity leads to the next W. The
    network holds that one's extended point: one more piece is missing.
an extension that is added without taking off the one before (opt-nesterov-step, 0.75)
    w + momentum * new - step -> w + momentum * new + new
    You add the velocity and the look-ahead to w. But w is an extended point: it holds momentum
    times the old velocity already.
the look-ahead without the newest gradient (opt-nesterov-step, 0.75)
    w + momentum * new - step -> w + momentum * new
    The newest gradient enters twice: through the velocity, and once by itself. Write the difference
    of the two extended points and replace W.
a look-ahead along the whole velocity (opt-nesterov-step, 0.75)
    w + momentum * new -> w + new
    The extended point lies ahead of W by momentum times the velocity, not by all of it.
a step that adds the gradient (opt-nesterov-step, 0.75)
    new - step -> new + step
    Replace W and collect the terms again: the gradient that is left over leads downhill.
""",
    ),
)


# ---- AdaGrad and RMSProp


def _adagrad_reference(
    w: Array, total: Array, gradient: Array, learning_rate: float, eps: float
) -> tuple[Array, ...]:
    optimizer = reference.AdaGrad(learning_rate, eps)
    return _one_step(optimizer, w, gradient, 1, sum_of_squares=total)


def _rmsprop_reference(
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


def _adagrad_step(w: Array, total: Array, gradient: Array, learning_rate: float, eps: float) -> Any:
    new = total + gradient**2
    divisor = np.sqrt(new) + eps
    w = w - learning_rate * gradient / divisor
    return w, new


def _rmsprop_step(
    w: Array, mean_square: Array, gradient: Array, learning_rate: float, rho: float, eps: float
) -> Any:
    new = rho * mean_square + (1 - rho) * gradient**2
    divisor = np.sqrt(new + eps)
    w = w - learning_rate * gradient / divisor
    return w, new


ADAGRAD = Exercise(
    name="optimizers.adagrad",
    outputs=("w_after", "total_after"),
    returns=("w", "total"),
    lists=("w_after", "total_after"),
    reference=_adagrad_reference,
    model=_adagrad_step,
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
        shapes("w and total keep their shape", 0.25),
        values(
            "the sum of squares is right at every step",
            0.25,
            "total_after",
            "ordinary",
            "opt-adagrad-sum",
        ),
        values(
            "the weights are right at every step", 0.5, "w_after", "ordinary", "opt-adagrad-step"
        ),
        values(
            "gradients as small as epsilon, and a gradient that stays 0",
            0.25,
            "w_after total_after",
            "edge",
            "opt-adagrad-step",
        ),
        unchanged(0.25),
    ),
    misconceptions=mistakes(
        _adagrad_step,
        """
epsilon inside the root (opt-adagrad-step, 0.75)
    np.sqrt(new) + eps -> np.sqrt(new + eps)
    You divide by sqrt(total + eps), as Keras and optax do. This exercise asks for the paper's
    convention, also PyTorch's: sqrt(total) + eps.
an epsilon that is not the given one (opt-adagrad-step, 0.75)
    + eps -> + 0.0
    + eps -> + 1e-8
    + eps -> + 1e-7
    + eps -> + 1e-10
    Use the argument eps, in every step. Without it, or with a constant of your own, nobody notices
    until gradients are as small as it is, or 0.
a product with epsilon (opt-adagrad-step, 0.75)
    + eps -> * eps
    eps is added to the root, so that the divisor is never 0. Multiplied, it changes the learning
    rate and protects from nothing.
epsilon added after the division (opt-adagrad-step, 0.75)
    + eps -> + 0.0 & * gradient / divisor -> * (gradient / divisor + eps)
    + eps -> + 0.0 & / divisor -> / divisor + eps
    The divisor is sqrt(total) + eps as a whole: it needs parentheses of its own.
the sum of the steps before (opt-adagrad-step, 0.75)
    np.sqrt(new) -> np.sqrt(total)
    You divide by the root of the sum without this step's gradient. First the gradient enters the
    sum, then the root is taken.
a division by the sum and not by its root (opt-adagrad-step, 0.75)
    np.sqrt(new) -> new
    Squares have the unit of the gradient squared. Take the root, so that the gradient's size drops
    out.
a sum that is returned as it came (opt-adagrad-sum, 0.25, idle)
    return w, new -> return w, total
    The step is that of the new sum, but you return the old one, so that the next step knows nothing
    of this gradient.
a sum that is made anew in each step (opt-adagrad-sum, 0.25)
    total + gradient**2 -> gradient**2
    You return this step's square alone. It is added to what total held before.
a sum of gradients that are not squared (opt-adagrad-sum, 0.25)
    gradient**2 -> gradient
    Gradients of both signs cancel, or the root gets a negative number. Sum the squares.
a sum of sizes instead of squares (opt-adagrad-sum, 0.25)
    gradient**2 -> abs(gradient)
    You add up absolute values. Add up the squares; the root comes afterwards.
one sum for all weights (opt-adagrad-sum, 0.25)
    gradient**2 -> (gradient**2).sum()
    You sum the squares over the weights. Each weight has a sum of its own, over the steps: square
    and add entry by entry.
a step uphill (opt-adagrad-step, 0.75)
    w - learning_rate -> w + learning_rate
    The step is subtracted from the weights.
""",
    ),
)

RMSPROP = Exercise(
    name="optimizers.rmsprop",
    outputs=("w_after", "mean_square_after"),
    returns=("w", "mean_square"),
    lists=("w_after", "mean_square_after"),
    reference=_rmsprop_reference,
    model=_rmsprop_step,
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
        shapes("w and mean_square keep their shape", 0.25),
        values(
            "the running mean of the squares is right at every step",
            0.25,
            "mean_square_after",
            "ordinary",
            "opt-rmsprop-mean-square",
        ),
        values(
            "the weights are right at every step", 0.5, "w_after", "ordinary", "opt-rmsprop-step"
        ),
        values(
            "gradients as small as epsilon, and a gradient that stays 0",
            0.25,
            "w_after mean_square_after",
            "edge",
            "opt-rmsprop-step",
        ),
        unchanged(0.25),
    ),
    misconceptions=mistakes(
        _rmsprop_step,
        """
epsilon outside the root (opt-rmsprop-step, 0.75)
    np.sqrt(new + eps) -> np.sqrt(new) + eps
    You divide by sqrt(mean_square) + eps, which is PyTorch's convention. This exercise asks for
    that of deck C and Keras: eps is added under the root.
epsilon left out (opt-rmsprop-step, 0.75)
    new + eps -> new
    You divide by sqrt(mean_square), as deck L does. A weight whose gradient is 0 from the start is
    then moved by 0 / 0. Add eps under the root.
a constant in place of the given epsilon (opt-rmsprop-step, 0.75)
    new + eps -> new + 1e-8
    new + eps -> new + 1e-7
    new + eps -> new + 1e-6
    new + eps -> new + 1e-10
    Your function does not use its argument eps but a small number of its own.
a product with epsilon (opt-rmsprop-step, 0.75)
    new + eps -> new * eps
    np.sqrt(new + eps) -> np.sqrt(new) * eps
    eps is added, so that the divisor is never 0. Multiplied, it changes the learning rate and
    protects from nothing.
epsilon added after the division (opt-rmsprop-step, 0.75)
    new + eps -> new & * gradient / divisor -> * (gradient / divisor + eps)
    new + eps -> new & / divisor -> / divisor + eps
    eps belongs to the divisor, under the root: look at the parentheses.
the mean square of the steps before (opt-rmsprop-step, 0.75)
    new + eps -> mean_square + eps
    You divide by the mean square without this step's gradient. First the gradient enters the mean,
    then the root is taken.
a division by the mean square and not by its root (opt-rmsprop-step, 0.75)
    np.sqrt(new + eps) -> (new + eps)
    Squares have the unit of the gradient squared. Take the root, so that the gradient's size drops
    out.
AdaGrad's sum (opt-rmsprop-mean-square, 0.25)
    rho * mean_square + (1 - rho) * -> mean_square +
    You add up all squares. RMSProp forgets: the old mean keeps the weight rho, and the new square
    gets 1 - rho.
weights that do not add up to 1 (opt-rmsprop-mean-square, 0.25)
    (1 - rho) * gradient -> gradient
    rho * mean_square -> mean_square
    The old mean keeps rho, and the new square gets the rest, 1 - rho. With other weights it is no
    mean.
the weights of past and present exchanged (opt-rmsprop-mean-square, 0.25)
    rho * mean_square + (1 - rho) -> (1 - rho) * mean_square + rho
    rho is the weight of the past, and 1 - rho that of the new square.
a parenthesis in the wrong place (opt-rmsprop-mean-square, 0.25)
    (1 - rho) * gradient**2 -> (1 - rho * gradient**2)
    (1 - rho * g**2) is not (1 - rho) * g**2.
a mean square that is returned as it came (opt-rmsprop-mean-square, 0.25, idle)
    return w, new -> return w, mean_square
    The step is that of the new mean square, but you return the old one, so that the next step knows
    nothing of this gradient.
a mean that is made anew in each step (opt-rmsprop-mean-square, 0.25)
    rho * mean_square + (1 - rho) -> (1 - rho)
    rho * mean_square + (1 - rho) * gradient**2 -> gradient**2
    What your function is given as mean_square has no effect on what it returns.
a mean of gradients that are not squared (opt-rmsprop-mean-square, 0.25)
    gradient**2 -> gradient
    Gradients of both signs cancel, or the root gets a negative number. Average their squares.
a step uphill (opt-rmsprop-step, 0.75)
    w - learning_rate -> w + learning_rate
    The step is subtracted from the weights.
""",
    ),
)


# ---- Adam


def _adam_reference(
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


def _adam_step(
    w: Array,
    m: Array,
    v: Array,
    t: int,
    gradient: Array,
    learning_rate: float,
    beta1: float,
    beta2: float,
    eps: float,
) -> Any:
    t = t + 1
    m = beta1 * m + (1 - beta1) * gradient
    v = beta2 * v + (1 - beta2) * gradient**2
    m_hat = m / (1 - beta1**t)
    v_hat = v / (1 - beta2**t)
    divisor = np.sqrt(v_hat) + eps
    w = w - learning_rate * m_hat / divisor
    return w, m, v, t


ADAM = Exercise(
    name="optimizers.adam",
    outputs=("w_after", "m_after", "v_after", "t_after"),
    returns=("w", "m", "v", "t"),
    lists=("w_after", "m_after", "v_after", "t_after"),
    reference=_adam_reference,
    model=_adam_step,
    observe=_follow,
    cases=_adam_cases,
    criteria=(
        shapes("w, m and v keep their shape, and t is one number", 0.25),
        values(
            "m is the running mean of the gradient", 0.25, "m_after", "ordinary", "opt-adam-mean"
        ),
        values(
            "v is the running mean of its square",
            0.25,
            "v_after",
            "ordinary",
            "opt-adam-mean-square",
        ),
        values(
            "w and t are right from the first step on",
            1.0,
            "w_after t_after",
            "ordinary",
            "opt-adam-correction opt-adam-step",
        ),
        values(
            "training is taken up again at a later step",
            0.25,
            "w_after m_after v_after t_after",
            "later",
            "opt-adam-correction opt-adam-step",
        ),
        values(
            "gradients as small as epsilon, and a gradient that stays 0",
            0.25,
            "w_after",
            "edge",
            "opt-adam-step",
        ),
        unchanged(0.25),
    ),
    misconceptions=mistakes(
        _adam_step,
        """
no bias correction (opt-adam-correction, 1)
    / (1 - beta1**t) -> / 1 & / (1 - beta2**t) -> / 1
    The means start at 0 and are too small at first. If you computed the corrected ones, look
    whether the step uses them.
a correction of m alone (opt-adam-correction, 1)
    / (1 - beta2**t) -> / 1
    v starts at 0 too, and it stands in the divisor: without its correction the first steps are far
    too long.
a correction of v alone (opt-adam-correction, 1)
    / (1 - beta1**t) -> / 1
    m starts at 0 too, so that the first steps are too short.
a correction that does not change with the step (opt-adam-correction, 1)
    beta1**t -> beta1 & beta2**t -> beta2
    beta1**t -> beta1
    beta2**t -> beta2
    1 - beta is right in the first step only. After t steps the weights add up to 1 - beta**t.
a correction that is right in the second step only (opt-adam-correction, 1)
    beta1**t -> beta1**2 & beta2**t -> beta2**2
    beta1**t -> beta1**2
    beta2**t -> beta2**2
    The exponent is the number of the step, and not 2.
a correction upside down (opt-adam-correction, 1)
    m / ( -> m * ( & v / ( -> v * (
    m / ( -> m * (
    v / ( -> v * (
    The means are too small at first, because their weights add up to less than 1: divide by that
    sum.
a count that is increased after its use (opt-adam-correction, 1)
    beta1**t -> beta1 ** (t - 1) & beta2**t -> beta2 ** (t - 1)
    t is the number of steps before this one, and 0 in the first call, where 1 - beta**0 divides by
    0. Count this step first.
a count that is never increased (opt-adam-correction, 1, idle)
    return w, m, v, t -> return w, m, v, t - 1
    t = t + 1 -> t = t
    You return t as it came, so that every step takes itself for the same one. Return the number of
    steps taken, this one included.
corrected means that are kept (opt-adam-correction, 0.25)
    return w, m, v, t -> return w, m_hat, v_hat, t
    You return the corrected means, so that the next step corrects them again. The step uses them;
    what is remembered stays uncorrected.
a parenthesis in the wrong place (opt-adam-mean-square, 0.75)
    (1 - beta2) * gradient**2 -> (1 - beta2 * gradient**2)
    (1 - beta2 * g**2) is not (1 - beta2) * g**2.
beta1 and beta2 exchanged (opt-adam-mean, 0.25)
    t = t + 1 -> t = t + 1; beta1, beta2 = beta2, beta1
    beta1 belongs to the mean of the gradient, beta2 to that of its square.
weights that do not add up to 1 (opt-adam-mean)
    (1 - beta1) * gradient -> gradient & (1 - beta2) * gradient -> gradient
    (1 - beta1) * gradient -> gradient
    (1 - beta2) * gradient -> gradient
    The old mean keeps beta, and what is new gets the rest, 1 - beta: in both means.
the weights of past and present exchanged (opt-adam-mean, 0.25)
    beta1 * m + (1 - beta1) -> (1 - beta1) * m + beta1
        & beta2 * v + (1 - beta2) -> (1 - beta2) * v + beta2
    beta is the weight of the past, and 1 - beta that of the present.
a mean square of gradients that are not squared (opt-adam-mean-square, 0.75)
    gradient**2 -> gradient
    v is the running mean of the gradient squared. As you have it, it is a second m.
epsilon inside the root (opt-adam-step, 1)
    np.sqrt(v_hat) + eps -> np.sqrt(v_hat + eps)
    You divide by the root of v_hat + eps, which is deck C's convention. This exercise asks for the
    paper's, also PyTorch's: eps is added to the root.
Keras's epsilon (opt-adam-step, 1)
    + eps -> + eps / np.sqrt(1 - beta2 ** t)
    You add eps before the correction of v, as Keras does. This exercise asks for the paper's
    convention: correct v, take the root, then add eps.
an epsilon that is not the given one (opt-adam-step, 1)
    + eps -> + 0.0
    + eps -> + 1e-8
    + eps -> + 1e-7
    Use the argument eps. Without it, or with a constant of your own, nobody notices until gradients
    are as small as it is, or 0.
epsilon added after the division (opt-adam-step, 1)
    + eps -> + 0.0 & learning_rate * m_hat / divisor -> learning_rate * (m_hat / divisor + eps)
    + eps -> + 0.0 & / divisor -> / divisor + eps
    The divisor is the root plus eps as a whole: it needs parentheses of its own.
a root that is taken before the correction (opt-adam-step, 1)
    np.sqrt(v_hat) -> np.sqrt(v) / (1 - beta2 ** t)
    You divide the root of v by 1 - beta2**t. Correct v first, then take the root.
a division by the mean square and not by its root (opt-adam-step, 1)
    np.sqrt(v_hat) -> v_hat
    Deck C says so in words, but its formula has the root: the gradient's size has to drop out.
the gradient itself where its mean belongs (opt-adam-step, 1)
    learning_rate * m_hat -> learning_rate * gradient
    You divide this step's gradient, as RMSProp does. Adam divides its running mean.
a step uphill (opt-adam-step, 1)
    w - learning_rate -> w + learning_rate
    The step is subtracted from the weights.
""",
    ),
)

EXERCISES = (MOMENTUM, NESTEROV, ADAGRAD, RMSPROP, ADAM)
