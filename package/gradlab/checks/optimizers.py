"""Checks of the exercise ``optimizers``: several steps of each method, with changing gradients."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradlab import optimizers as reference
from gradlab.checks._edits import mistakes
from gradlab.checks._model import (
    Case,
    Criterion,
    Exercise,
    Function,
    criteria,
    shapes,
    unchanged,
    values,
)

Array = NDArray[Any]

STEPS = 3
"""The first step hides what a wrong exponent, count or memory does; later ones show it."""


# ---- what all have in common


def _follow(
    moved: Callable[..., Any],
    function: Function,
    state: tuple[Any, ...],
    gradients: Array,
    settings: Sequence[tuple[float, ...]],
) -> tuple[list[Any], ...]:
    """Weights and memory before the first step and after each; a step gets what the last returned.

    And where the weights began, if what the returned memory says that they `moved` is taken back:
    nowhere, if they never move, for then nothing follows from anything.
    A number comes back from the engine as an array without axes, to which a student's ``t += 1``
    would write; it goes on as a number.
    """
    w, current, way = state[0], list(state), np.zeros(())
    records: tuple[list[Any], ...] = tuple([value] for value in state)
    again = [w]
    for gradient, setting in zip(gradients, settings, strict=True):
        before = current[0]
        current = [
            value.item() if isinstance(value, np.ndarray) and not value.ndim else value
            for value in function(*current, gradient, *setting)
        ]
        for record, value in zip(records, current, strict=True):
            record.append(value)
        try:
            with np.errstate(all="ignore"):
                rests = current[0] == before
                way = way + moved(rests, gradient, *setting, *current[1:])
                again.append((current[0] - way).astype(w.dtype))
        except ValueError:
            again.append(np.full_like(w, np.nan))
    if all(np.array_equal(each, w) for each in records[0]):
        again[1:] = [np.full_like(w, np.nan) for _ in again[1:]]
    return (*records, again)


def _exercise(
    name: str,
    function: tuple[Function, Function],
    moved: Callable[..., Any],
    memory: str,
    cases: Callable[[np.random.Generator], list[Case]],
    criteria: tuple[Criterion, ...],
    text: str,
) -> Exercise:
    """The exercise of one step, from the reference and the model answer."""
    returns = ("w", *memory.split())
    outputs = (*(f"{each}_after" for each in returns), "w_again")
    return Exercise(
        name=f"optimizers.{name}",
        outputs=outputs,
        returns=returns,
        lists=outputs,
        reference=function[0],
        model=function[1],
        observe=partial(_follow, moved),
        cases=cases,
        criteria=criteria,
        misconceptions=mistakes(function[1], text),
    )


def _criteria(
    memory: str,
    equations: tuple[str, str],
    last: tuple[str, str],
    shape: str,
    weights: float = 0.25,
) -> tuple[Criterion, ...]:
    """Criteria of a method that remembers one thing; `last` is the group of the special cases."""
    return (
        shapes(f"w and {shape} keep their shape", 0.125),
        values(
            f"{memory} is right at every step", 0.25, f"{memory}_after", "ordinary", equations[0]
        ),
        _follows(memory, weights, equations[1]),
        values("w is right at every step", weights, "w_after", "ordinary", equations[1]),
        values(last[1], 0.25, f"w_after {memory}_after", last[0], " ".join(equations)),
        unchanged(0.125),
    )


def _follows(memory: str, points: float, equation: str) -> Criterion:
    title = f"w follows from the {memory} that you return: all steps taken back, it is where it was"
    return values(title, points, "w_again", "", equation)


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
    state: tuple[Any, ...],
    gradients: Array,
    settings: Sequence[tuple[float, ...]],
    dtype: type[Any] = np.float64,
) -> Case:
    if dtype is np.float32:
        label += ", float32"
        state = tuple(v.astype(dtype) if isinstance(v, np.ndarray) else v for v in state)
    arguments = {"state": state, "gradients": gradients.astype(dtype), "settings": tuple(settings)}
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
        settings = [(rate * (0.4**k if start else 1.0), momentum) for k in range(STEPS)]
        label = f"{STEPS} steps, momentum {momentum:g}, learning rate {rate:g}"
        label += ", falling from step to step; with a velocity to begin with" if start else ""
        state = _signed(rng, 0.5, 2.0, shape), start * _signed(rng, 0.3, 0.8, shape)
        gradients = _signed(rng, 0.3, 2.0, (STEPS, *shape))
        cases.append(_case(group, label, state, gradients, settings, dtype))
    return cases


_LATER = "later", "a velocity to begin with, and a learning rate that falls"


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


def _velocity_mistakes(label: str, step: str, pytorch: str, points: float) -> str:
    """Mistakes in the velocity, which both methods have in common."""
    return f"""
PyTorch's velocity ({label})
    velocity - step -> velocity + gradient & {step} -> {pytorch}
    Your velocity adds up gradients, and the learning rate enters when the weights move: PyTorch's
    convention. This exercise asks for that of the decks, in which the velocity holds minus the
    learning rate times the gradients.
a sign turned ({label})
    velocity - step -> velocity + step & w = w + -> w = w -
    velocity - step -> velocity + step
    w = w + -> w = w -
    Minus the learning rate times the gradient goes into the velocity, and the velocity is added to
    the weights. Compare both signs with the formula.
a running average of the gradients ({label})
    velocity - step -> velocity - (1 - momentum) * step
    velocity - step -> velocity + (1 - momentum) * gradient & {step} -> {pytorch}
    You weight the new gradient by 1 - momentum. That is a convention too, with a learning rate that
    is larger by 1 / (1 - momentum); here the gradient enters whole.
a velocity that is made anew in each step ({label}, {points})
    momentum * velocity - step -> -step
    What your function is given as velocity has no effect on what it returns. The share `momentum`
    of it remains.
a velocity that is returned as it came ({label}, 0.125, idle)
    return w, new -> return w, velocity
    You return the velocity that your function was given, and not the one that the gradient has
    changed.
a velocity that is never slowed down ({label}, {points})
    momentum * velocity - step -> velocity - step
    All of the old velocity remains. Without the factor `momentum` nothing ever comes to rest.
momentum as the share that is lost ({label}, {points})
    momentum * velocity - step -> (1 - momentum) * velocity - step
    You keep 1 - momentum of the velocity. What remains is the share `momentum`.
the newest gradient damped too ({label}, {points})
    momentum * velocity - step -> momentum * (velocity - step)
    `momentum` multiplies the old velocity alone, not the sum with the gradient's part.
"""


MOMENTUM = _exercise(
    "momentum",
    (_momentum_reference, _momentum_step),
    lambda _, g, rate, momentum, velocity: velocity,
    "velocity",
    _velocity_cases,
    _criteria("velocity", ("opt-momentum-velocity", "opt-momentum-step"), _LATER, "velocity"),
    """
plain gradient descent (opt-momentum-step, 0.5)
    w + new -> w - step
    The weights move by the gradient of this step alone. They move by the velocity, which holds this
    gradient and what remains of the earlier ones.
the velocity of the step before (opt-momentum-step, 0.5)
    w + new -> w + velocity
    The weights move by the old velocity. First the gradient changes the velocity, then the new one
    moves the weights.
the gradient counted twice (opt-momentum-step, 0.5)
    w + new -> w + new - step
    The velocity holds minus the learning rate times the gradient already; adding it to the velocity
    is too much.
Nesterov's step (opt-momentum-step, 0.5)
    w + new -> w + momentum * new - step
    You look ahead along the velocity, which is part 3. Here the weights move by the velocity
    itself.
"""
    + _velocity_mistakes(
        "opt-momentum-velocity", "w + new", "w - learning_rate * new", 0.5
    ).lstrip(),
)

NESTEROV = _exercise(
    "nesterov",
    (_nesterov_reference, _nesterov_step),
    lambda _, g, rate, momentum, velocity: momentum * velocity - rate * g,
    "velocity",
    _velocity_cases,
    _criteria(
        "velocity", ("opt-nesterov-velocity", "opt-nesterov-step"), _LATER, "velocity", 0.375
    ),
    """
the step of plain momentum (opt-nesterov-step, 0.5)
    w + momentum * new - step -> w + new
    You move by the new velocity. That is the difference of two points W; the network holds the
    extended points, and each of them lies ahead of its W by momentum times its own velocity. If
    your formula has a velocity in it, look which one: old or new.
the point W in place of the extended one (opt-nesterov-step, 0.5)
    w + momentum * new - step -> w - step
    w - momentum * (old velocity) is W, and from there the new velocity leads to the next W. The
    network holds that one's extended point: one more piece is missing.
an extension that is added without taking off the one before (opt-nesterov-step, 0.5)
    w + momentum * new - step -> w + momentum * new + new
    You add the velocity and the look-ahead to w. But w is an extended point: it holds momentum
    times the old velocity already.
the look-ahead without the newest gradient (opt-nesterov-step, 0.5)
    w + momentum * new - step -> w + momentum * new
    The newest gradient enters twice: through the velocity, and once by itself. Write the difference
    of the two extended points and replace W.
a look-ahead along the whole velocity (opt-nesterov-step, 0.5)
    w + momentum * new -> w + new
    The extended point lies ahead of W by momentum times the velocity, not by all of it.
a step that adds the gradient (opt-nesterov-step, 0.5)
    new - step -> new + step
    Replace W and collect the terms again: the gradient that is left over leads downhill.
"""
    + _velocity_mistakes(
        "opt-nesterov-velocity",
        "w + momentum * new - step",
        "w - learning_rate * (gradient + momentum * new)",
        0.625,
    ).lstrip(),
)


# ---- the best pair


def _best_pair_reference(h_min: float, h_max: float) -> tuple[float, float]:
    rate, momentum = reference.optimal_momentum(h_max / h_min)
    return rate / h_max, momentum


def _best_pair_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for group, ratio in (
        ("ordinary", rng.uniform(3.0, 9.0)),
        ("ordinary", rng.uniform(30.0, 90.0)),
        ("ordinary", rng.uniform(1e3, 1e4)),
        ("edge", 1.0),
    ):
        h_min = float(rng.choice([rng.uniform(0.1, 0.6), rng.uniform(2.0, 5.0)]))
        h_max = float(h_min * ratio)
        label = f"curvatures from {h_min:.4g} to {h_max:.4g}"
        cases.append(Case(group, label, {"h_min": h_min, "h_max": h_max}))
    return cases


def _best_pair(h_min: float, h_max: float) -> Any:
    root = np.sqrt(h_max / h_min)
    momentum = ((root - 1) / (root + 1)) ** 2
    learning_rate = (2 * root / (root + 1)) ** 2 / h_max
    return learning_rate, momentum


BEST_PAIR = Exercise(
    name="optimizers.best_pair",
    outputs=("learning_rate", "momentum"),
    reference=_best_pair_reference,
    model=_best_pair,
    cases=_best_pair_cases,
    criteria=criteria("""
momentum is right (ordinary, 0.25)
    momentum: opt-best-momentum
learning_rate is right (ordinary, 0.125)
    learning_rate: opt-best-momentum-rate
a round bowl (edge, 0.125)
    learning_rate, momentum: opt-best-momentum opt-best-momentum-rate
"""),
    misconceptions=mistakes(
        _best_pair,
        """
the condition number in place of its root (opt-best-momentum, 0.125)
    np.sqrt(h_max / h_min) -> h_max / h_min
    sqrt(kappa) = (1 + sqrt(beta)) / (1 - sqrt(beta)): what stands in the formulas is the root of
    the condition number, and that is what momentum is for.
the root of the momentum (opt-best-momentum, 0.25)
    ((root - 1) / (root + 1)) ** 2 -> (root - 1) / (root + 1)
    (sqrt(kappa) - 1) / (sqrt(kappa) + 1) is the root of beta, by which each step shrinks the
    distance. The momentum is its square.
the best rate without momentum (opt-best-momentum-rate, 0.375)
    (2 * root / (root + 1)) ** 2 / h_max -> 2 / (h_min + h_max)
    2 / (h_min + h_max) is the best rate of gradient descent. With momentum larger ones converge:
    put beta into one of the two ends.
the lower end at the largest curvature (opt-best-momentum-rate)
    (2 * root / (root + 1)) ** 2 / h_max -> (2 * root / (root + 1)) ** 2 / h_min
    (2 * root / (root + 1)) ** 2 / h_max -> (2 / (root + 1)) ** 2 / h_max
    (1 + sqrt(beta))^2 is the upper end and belongs to the largest curvature, (1 - sqrt(beta))^2 is
    the lower end and belongs to the smallest.
""",
    ),
)


# ---- RProp


def _rprop_reference(
    w: Array,
    size: Array,
    previous: Array,
    gradient: Array,
    increase: float,
    decrease: float,
    min_step: float,
    max_step: float,
) -> tuple[Array, ...]:
    optimizer = reference.RProp(min_step, increase, decrease, min_step, max_step)
    return _one_step(optimizer, w, gradient, 1, size=size, previous=previous)


_TURNS = np.array([(0, 0, 1, 0), (1, 0, 0, 0), (0, 1, 1, 0), (1, 0, 1, 1), (0, 0, 0, 0)])
"""Between which steps the gradient of a weight changes its sign."""


def _rprop_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for group, dtype, factors, bounds, rest in (
        ("ordinary", np.float64, (1.3, 0.4), (1e-5, 20.0), ""),
        ("ordinary", np.float64, (1.15, 0.6), (1e-4, 30.0), ", with a memory of earlier steps"),
        ("ordinary", np.float32, (1.25, 0.45), (1e-5, 40.0), ""),
        ("edge", np.float64, (1.4, 0.3), (0.07, 0.16), ", steps from 0.07 to 0.16"),
        ("edge", np.float64, (1.35, 0.55), (1e-5, 25.0), ", gradients that are 0 at times"),
    ):
        turns = rng.permutation(_TURNS).T
        signs = np.cumprod(1 - 2 * np.vstack([rng.integers(0, 2, 5), turns]), axis=0)
        gradients = signs * rng.uniform(0.2, 3.0, signs.shape)
        size, previous = np.full(5, round(float(rng.uniform(0.09, 0.15)), 3)), np.zeros(5)
        if "memory" in rest:
            size, previous = rng.uniform(0.05, 0.5, 5), _signed(rng, 0.2, 3.0, (5,))
        if "at times" in rest:
            gradients[rng.permutation(5), np.arange(5)] = 0.0
        label = f"5 steps, increase {factors[0]:g}, decrease {factors[1]:g}{rest}"
        state = _signed(rng, 0.5, 2.0, (5,)), size, previous
        cases.append(_case(group, label, state, gradients, [(*factors, *bounds)] * 5, dtype))
    return cases


def _rprop_step(
    w: Array,
    size: Array,
    previous: Array,
    gradient: Array,
    increase: float,
    decrease: float,
    min_step: float,
    max_step: float,
) -> Any:
    agree = np.sign(gradient) * np.sign(previous)
    factor = np.where(agree > 0, increase, np.where(agree < 0, decrease, 1.0))
    new = np.clip(factor * size, min_step, max_step)
    kept = np.where(agree < 0, 0.0, gradient)
    w = w - new * np.sign(kept)
    return w, new, kept


RPROP = _exercise(
    "rprop",
    (_rprop_reference, _rprop_step),
    # Who returns the gradient where it should be 0 still lets the weight rest.
    lambda rests, g, up, down, low, high, size, previous: -size * np.sign(previous) * ~rests,
    "size previous",
    _rprop_cases,
    _criteria(
        "size",
        ("opt-rprop-size", "opt-rprop-step"),
        ("edge", "bounds that are reached, gradients that are 0 at times"),
        "size",
    ),
    """
the size of the gradient (opt-rprop-step, 0.5)
    new * np.sign(kept) -> new * kept
    The length of the step is `size` alone. Of the gradient nothing counts but its sign.
a step right after the sign has changed (opt-rprop-step, 0.5, idle)
    np.sign(kept) -> np.sign(gradient)
    agree < 0, 0.0, gradient -> agree < 0, gradient, gradient
    A weight whose gradient has changed its sign rests for one step, because the gradient is set to
    0. So the next one counts as a first.
the old length of the step (opt-rprop-step, 0.5)
    - new * -> - size *
    The sign changes the length first; the weights move by the new one.
increase and decrease exchanged (opt-rprop-size, 0.5)
    agree > 0, increase, np.where(agree < 0, decrease -> agree > 0, decrease, np.where(agree < 0,
        increase
    Steps grow while the sign stays, and shrink when it changes.
a gradient of 0 counted as agreement (opt-rprop-size)
    agree > 0 -> agree >= 0
    agree < 0, decrease -> agree <= 0, decrease
    Where one of the two gradients is 0 their signs neither agree nor differ, and the length stays.
    So it is in the first step, and after each change of sign.
lengths without bounds (opt-rprop-size, 1)
    np.clip(factor * size, min_step, max_step) -> factor * size
    np.clip(factor * size, min_step, max_step) -> np.maximum(factor * size, min_step)
    np.clip(factor * size, min_step, max_step) -> np.minimum(factor * size, max_step)
    Each length is kept between min_step and max_step.
lengths that are returned as they came (opt-rprop-size, 0.125, idle)
    return w, new, kept -> return w, size, kept
    Return the new lengths, so that the next step begins with them.
a gradient that is remembered although its sign has changed (opt-rprop-size, 0.5, idle)
    return w, new, kept -> return w, new, gradient
    Where the sign has changed, return 0 as `previous`, so that the next step counts as a first.
    Otherwise its length may change once more, and the weight may rest twice.
gradients that are not remembered (opt-rprop-size, 0.125, idle)
    return w, new, kept -> return w, new, previous
    Return the gradient as `previous`, 0 where the sign has changed, so that the next step can
    compare signs.
a step uphill (opt-rprop-step, 0.5)
    w - new -> w + new
    Against the sign of the gradient the loss falls.
""",
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


_TINY = "edge", "gradients as small as epsilon, and a gradient that stays 0"


def _adaptive_cases(
    tiny: float, start: float, rhos: Sequence[float], rng: np.random.Generator
) -> list[Case]:
    """Cases with the smallest eps, the memory that one of them starts with, and rho if there is."""
    made = []
    for k, (group, shape, eps, dtype) in enumerate(
        (
            ("ordinary", (3, 2), 0.3, np.float64),
            ("ordinary", (5,), 1e-3, np.float64),
            ("ordinary", (4,), 0.1, np.float32),
            ("edge", (4,), tiny, np.float64),
        )
    ):
        rate = round(float(rng.uniform(0.1, 0.3)), 3)
        own = tuple(rhos[k : k + 1])
        label = f"{STEPS} steps, learning rate {rate:g}, "
        label += "".join(f"rho {rho:g}, " for rho in own) + f"eps {eps:g}"
        gradients = _unequal_gradients(rng, shape)
        if group == "edge":
            gradients = _edge_gradients(rng, shape[0], 3 * eps)
            label += ", gradients of epsilon's size, and one that stays 0"
        memory = (start if k == 1 else 0.0) * rng.uniform(0.5, 1.5, shape)
        label += ", with a memory of earlier steps" if k == 1 else ""
        state = _signed(rng, 0.5, 2.0, shape), memory
        cases = _case(group, label, state, gradients, [(rate, *own, eps)] * STEPS, dtype)
        made.append(cases)
    return made


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


def _divisor_mistakes(label: str, divided: str, points: float) -> str:
    """Mistakes in a step that is divided by a root, which three methods have in common."""
    return f"""an epsilon that is not the given one ({label}, {points})
    + eps -> + 1e-8
    + eps -> + 1e-7
    + eps -> + 1e-10
    Use the argument eps, in every step. With a constant of your own nobody notices until gradients
    are as small as it is, or 0.
a product with epsilon ({label}, {points})
    + eps -> * eps
    eps is added, so that the divisor is never 0. Multiplied, it changes the learning rate and
    protects from nothing.
epsilon added after the division ({label}, {points})
    + eps -> + 0.0 & learning_rate * {divided} / divisor
        -> learning_rate * ({divided} / divisor + eps)
    + eps -> + 0.0 & / divisor -> / divisor + eps
    eps belongs to the divisor, which needs parentheses of its own.
a division by the squares and not by their root ({label}, {points})
    divisor = np.sqrt( -> divisor = (
    Squares have the unit of the gradient squared. Take the root, so that the gradient's size drops
    out. (Deck C says of Adam in words what you did, but its formula has the root.)
a step uphill ({label}, {points})
    w - learning_rate -> w + learning_rate
    The step is subtracted from the weights.
"""


def _square_mistakes(label: str, step: str, memory: str) -> str:
    """Mistakes in the memory of squares, which AdaGrad and RMSProp have in common."""
    return f"""the squares of the steps before ({step}, 0.5)
    np.sqrt(new -> np.sqrt({memory}
    You divide by the root of {memory} without this step's gradient. First the gradient enters it,
    then the root is taken.
squares that are returned as they came ({label}, 0.125, idle)
    return w, new -> return w, {memory}
    The step is that of the new {memory}, but you return the old one, so that the next step knows
    nothing of this gradient.
squares that are made anew in each step ({label}, 0.5)
    {memory} + -> 0 * {memory} +
    What your function is given as {memory} has no effect on what it returns.
gradients that are not squared ({label}, 0.125)
    gradient**2 -> gradient
    Gradients of both signs cancel, or the root gets a negative number. Take their squares.
sizes instead of squares ({label}, 0.5)
    gradient**2 -> abs(gradient)
    You take absolute values. Take the squares; the root comes afterwards.
one {memory} for all weights ({label}, 0.5)
    gradient**2 -> (gradient**2).sum()
    You sum the squares over the weights. Each weight has a memory of its own, over the steps:
    square and add entry by entry.
"""


ADAGRAD = _exercise(
    "adagrad",
    (_adagrad_reference, _adagrad_step),
    lambda _, g, rate, eps, total: -rate * g / (np.sqrt(total) + eps),
    "total",
    partial(_adaptive_cases, 1e-6, 2.0, ()),
    _criteria("total", ("opt-adagrad-sum", "opt-adagrad-step"), _TINY, "total"),
    """
epsilon inside the root (opt-adagrad-step, 0.5)
    np.sqrt(new) + eps -> np.sqrt(new + eps)
    You divide by sqrt(total + eps), as Keras and optax do. This exercise asks for the paper's
    convention, also PyTorch's: sqrt(total) + eps.
epsilon left out (opt-adagrad-step, 0.5)
    + eps -> + 0.0
    A weight whose gradient is 0 from the start is then moved by 0 / 0. Add eps to the root.
"""
    + _divisor_mistakes("opt-adagrad-step", "gradient", 0.5)
    + _square_mistakes("opt-adagrad-sum", "opt-adagrad-step", "total"),
)

RMSPROP = _exercise(
    "rmsprop",
    (_rmsprop_reference, _rmsprop_step),
    lambda _, g, rate, rho, eps, mean_square: -rate * g / np.sqrt(mean_square + eps),
    "mean_square",
    partial(_adaptive_cases, 1e-3, 1.0, (0.7, 0.85, 0.6, 0.75)),
    _criteria("mean_square", ("opt-rmsprop-mean-square", "opt-rmsprop-step"), _TINY, "mean_square"),
    """
epsilon outside the root (opt-rmsprop-step, 0.5)
    np.sqrt(new + eps) -> np.sqrt(new) + eps
    You divide by sqrt(mean_square) + eps, which is PyTorch's convention. This exercise asks for
    that of deck C and Keras: eps is added under the root.
epsilon left out (opt-rmsprop-step, 0.5)
    new + eps -> new
    You divide by sqrt(mean_square), as deck L does. A weight whose gradient is 0 from the start is
    then moved by 0 / 0. Add eps under the root.
AdaGrad's sum (opt-rmsprop-mean-square, 0.5)
    rho * mean_square + (1 - rho) * -> mean_square +
    You add up all squares. RMSProp forgets: the old mean keeps the weight rho, and the new square
    gets 1 - rho.
weights that do not add up to 1 (opt-rmsprop-mean-square, 0.5)
    (1 - rho) * gradient -> gradient
    rho * mean_square -> mean_square
    The old mean keeps rho, and the new square gets the rest, 1 - rho. With other weights it is no
    mean.
the weights of past and present exchanged (opt-rmsprop-mean-square, 0.5)
    rho * mean_square + (1 - rho) -> (1 - rho) * mean_square + rho
    rho is the weight of the past, and 1 - rho that of the new square.
a parenthesis in the wrong place (opt-rmsprop-mean-square, 0.125)
    (1 - rho) * gradient**2 -> (1 - rho * gradient**2)
    (1 - rho * g**2) is not (1 - rho) * g**2.
"""
    + _divisor_mistakes("opt-rmsprop-step", "gradient", 0.5)
    + _square_mistakes("opt-rmsprop-mean-square", "opt-rmsprop-step", "mean_square"),
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
        gradients = _unequal_gradients(rng, shape)
        if group == "edge":
            gradients = _edge_gradients(rng, shape[0], 3 * eps)
            label += ", gradients of epsilon's size, and one that stays 0"
        if t:
            m, v = _signed(rng, 0.2, 0.8, shape), rng.uniform(0.8, 1.5, shape)
            label += f", from t = {t} on"
        state = _signed(rng, 0.5, 2.0, shape), m, v, t
        cases.append(
            _case(group, label, state, gradients, [(rate, beta1, beta2, eps)] * STEPS, dtype)
        )
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


def _adam_moved(
    rests: Array,
    g: Array,
    rate: float,
    beta1: float,
    beta2: float,
    eps: float,
    m: Array,
    v: Array,
    t: float,
) -> Array:
    # np.power, for Python's own raises an exception where the result is too large.
    m_hat, v_hat = m / (1 - np.power(beta1, t)), v / (1 - np.power(beta2, t))
    moved: Array = -rate * m_hat / (np.sqrt(v_hat) + eps)
    return moved


ADAM = _exercise(
    "adam",
    (_adam_reference, _adam_step),
    _adam_moved,
    "m v t",
    _adam_cases,
    (
        shapes("w, m and v keep their shape, and t is one number", 0.125),
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
        _follows("m, v and t", 0.375, "opt-adam-step"),
        values(
            "w and t are right from the first step on",
            0.375,
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
        values(_TINY[1], 0.25, "w_after", "edge", "opt-adam-step"),
        unchanged(0.125),
    ),
    """
no bias correction (opt-adam-correction, 0.75)
    / (1 - beta1**t) -> / 1 & / (1 - beta2**t) -> / 1
    The means start at 0 and are too small at first. If you computed the corrected ones, look
    whether the step uses them.
a correction of m alone (opt-adam-correction, 0.75)
    / (1 - beta2**t) -> / 1
    v starts at 0 too, and it stands in the divisor: without its correction the first steps are far
    too long.
a correction of v alone (opt-adam-correction, 0.75)
    / (1 - beta1**t) -> / 1
    m starts at 0 too, so that the first steps are too short.
a correction that does not change with the step (opt-adam-correction, 0.75)
    beta1**t -> beta1 & beta2**t -> beta2
    beta1**t -> beta1
    beta2**t -> beta2
    1 - beta is right in the first step only. After t steps the weights add up to 1 - beta**t.
a correction that is right in the second step only (opt-adam-correction, 0.75)
    beta1**t -> beta1**2 & beta2**t -> beta2**2
    beta1**t -> beta1**2
    beta2**t -> beta2**2
    The exponent is the number of the step, and not 2.
a correction upside down (opt-adam-correction, 0.75)
    m / ( -> m * ( & v / ( -> v * (
    m / ( -> m * (
    v / ( -> v * (
    The means are too small at first, because their weights add up to less than 1: divide by that
    sum.
a count that is increased after its use (opt-adam-correction, 0.75)
    beta1**t -> beta1 ** (t - 1) & beta2**t -> beta2 ** (t - 1)
    t is the number of steps before this one, and 0 in the first call, where 1 - beta**0 divides by
    0. Count this step first.
a count that is never increased (opt-adam-correction, 0.75, idle)
    return w, m, v, t -> return w, m, v, t - 1
    t = t + 1 -> t = t
    You return t as it came, so that every step takes itself for the same one. Return the number of
    steps taken, this one included.
corrected means that are kept (opt-adam-correction, 0.125)
    return w, m, v, t -> return w, m_hat, v_hat, t
    You return the corrected means, so that the next step corrects them again. The step uses them;
    what is remembered stays uncorrected.
a parenthesis in the wrong place (opt-adam-mean-square)
    (1 - beta2) * gradient**2 -> (1 - beta2 * gradient**2)
    (1 - beta2 * g**2) is not (1 - beta2) * g**2.
beta1 and beta2 exchanged (opt-adam-mean)
    t = t + 1 -> t = t + 1; beta1, beta2 = beta2, beta1
    beta1 belongs to the mean of the gradient, beta2 to that of its square.
weights that do not add up to 1 (opt-adam-mean)
    (1 - beta1) * gradient -> gradient & (1 - beta2) * gradient -> gradient
    (1 - beta1) * gradient -> gradient
    (1 - beta2) * gradient -> gradient
    The old mean keeps beta, and what is new gets the rest, 1 - beta: in both means.
the weights of past and present exchanged (opt-adam-mean)
    beta1 * m + (1 - beta1) -> (1 - beta1) * m + beta1
        & beta2 * v + (1 - beta2) -> (1 - beta2) * v + beta2
    beta is the weight of the past, and 1 - beta that of the present.
a mean square of gradients that are not squared (opt-adam-mean-square)
    gradient**2 -> gradient
    v is the running mean of the gradient squared. As you have it, it is a second m.
epsilon inside the root (opt-adam-step, 0.75)
    np.sqrt(v_hat) + eps -> np.sqrt(v_hat + eps)
    You divide by the root of v_hat + eps, which is deck C's convention. This exercise asks for the
    paper's, also PyTorch's: eps is added to the root.
Keras's epsilon (opt-adam-step, 0.75)
    + eps -> + eps / np.sqrt(1 - beta2 ** t)
    You add eps before the correction of v, as Keras does. This exercise asks for the paper's
    convention: correct v, take the root, then add eps.
a root that is taken before the correction (opt-adam-step, 0.75)
    np.sqrt(v_hat) -> np.sqrt(v) / (1 - beta2 ** t)
    You divide the root of v by 1 - beta2**t. Correct v first, then take the root.
the gradient itself where its mean belongs (opt-adam-step, 0.75)
    learning_rate * m_hat -> learning_rate * gradient
    You divide this step's gradient, as RMSProp does. Adam divides its running mean.
epsilon left out (opt-adam-step, 0.75)
    + eps -> + 0.0
    A weight whose gradient is 0 from the start is then moved by 0 / 0. Add eps to the root.
"""
    + _divisor_mistakes("opt-adam-step", "m_hat", 0.75),
)

EXERCISES = (MOMENTUM, BEST_PAIR, NESTEROV, RPROP, ADAGRAD, RMSPROP, ADAM)
