"""Checks of the exercise ``weight-decay``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradlab import weight_decay as reference
from gradlab.checks._model import Case, Criterion, Exercise, Misconception
from gradlab.optimizers import SGD, RMSProp

Array = NDArray[Any]


def _signed(rng: np.random.Generator, *shape: int, low: float = 0.5, high: float = 2.0) -> Array:
    """Numbers of both signs, none of them small."""
    result: Array = rng.uniform(low, high, shape) * rng.choice([-1.0, 1.0], shape)
    return result


def _network(rng: np.random.Generator) -> list[Array]:
    """Weights and biases of three layers, the second of which has no bias."""
    inputs, hidden = int(rng.integers(2, 4)), int(rng.integers(4, 6))
    shapes = [(inputs, hidden), (hidden,), (hidden, hidden - 1), (hidden - 1, 3), (3,)]
    return [_signed(rng, *shape) for shape in shapes]


def _is_weight(param: Array) -> bool:
    return param.ndim > 1


# ---- the penalty


def _penalty(params: Sequence[Array], strength: float) -> tuple[Any, list[Array]]:
    weights = [p if _is_weight(p) else np.zeros_like(p) for p in params]
    # In the parameters' own precision, which is all that can be asked for.
    value = params[0].dtype.type(reference.l2_penalty(weights, strength))
    return value, reference.l2_penalty_backward(weights, strength)


def _penalty_cases(rng: np.random.Generator) -> list[Case]:
    inputs = int(rng.integers(4, 7))
    row = [_signed(rng, inputs, 1), _signed(rng, 1), _signed(rng, 1, inputs), _signed(rng, inputs)]
    chosen: list[tuple[str, str, list[Array], float]] = [
        ("ordinary", "three layers, strength 0.3", _network(rng), 0.3),
        ("ordinary", "three layers, strength 1.7", _network(rng)[::-1], 1.7),
        (
            "ordinary",
            "three layers in float32, strength 0.02",
            [p.astype(np.float32) for p in _network(rng)],
            0.02,
        ),
        ("edge", "matrices of one column and of one row", row, 0.4),
        ("edge", "biases alone", [_signed(rng, 4), _signed(rng, 3)], 0.6),
        ("edge", "a strength of 0", _network(rng), 0.0),
    ]
    return [
        Case(group, label, {"params": params, "strength": strength})
        for group, label, params, strength in chosen
    ]


def _half_square(w: Array) -> Any:
    return 0.5 * (w**2).sum()


def _penalty_variant(
    penalty: Callable[[Array], Any] = _half_square,
    gradient: Callable[[Array], Array] = lambda w: w,
    penalized: Callable[[Array], bool] = _is_weight,
) -> Callable[..., tuple[Any, list[Array]]]:
    """The penalty with another function of an array, derivative, or choice of the arrays."""

    def variant(params: list[Array], strength: float) -> tuple[Any, list[Array]]:
        value = strength * sum(penalty(p) for p in params if penalized(p))
        grads = [strength * gradient(p) if penalized(p) else np.zeros_like(p) for p in params]
        return value, grads

    return variant


def _weights_only(params: list[Array], strength: float) -> tuple[Any, list[Array]]:
    value, _ = _penalty(params, strength)
    return value, [strength * p for p in params if _is_weight(p)]


PENALTY = Exercise(
    name="weight_decay.penalty",
    outputs=("penalty", "gradients"),
    lists=("gradients",),
    reference=_penalty,
    cases=_penalty_cases,
    criteria=(
        Criterion("penalty and gradients have the right shapes", 0.25, "shape"),
        Criterion(
            "the penalty of the weights",
            0.5,
            group="ordinary",
            outputs=("penalty",),
            equations=("wd-penalty",),
        ),
        Criterion(
            "its gradient for every array",
            0.75,
            group="ordinary",
            outputs=("gradients",),
            equations=("wd-gradient",),
        ),
        Criterion(
            "a matrix of one row or column, biases alone, a strength of 0",
            0.25,
            group="edge",
            outputs=("penalty", "gradients"),
            equations=("wd-penalty", "wd-gradient"),
        ),
        Criterion("the arguments are left as they were", 0.25, "unchanged"),
    ),
    misconceptions=(
        Misconception(
            "the factor 2 in the gradient",
            "The penalty has a half, and the derivative of w squared is 2 w: they cancel.",
            "wd-gradient",
            (_penalty_variant(gradient=lambda w: 2.0 * w),),
        ),
        Misconception(
            "a penalty on the biases",
            "A bias moves a unit's step without making it steeper: there is nothing to smooth, and "
            "shrinking it draws all predictions towards 0. Arrays of one dimension are left out.",
            "wd-penalty",
            (_penalty_variant(penalized=lambda p: True),),
        ),
        Misconception(
            "the penalty without its half",
            "That is the convention of deck S and of Keras, in which the same strength counts "
            "twice. This exercise asks for deck C's, with the half.",
            "wd-penalty",
            (
                _penalty_variant(lambda w: (w**2).sum(), lambda w: 2 * w),
                _penalty_variant(lambda w: (w**2).sum()),
                _penalty_variant(lambda w: (w**2).sum(), penalized=lambda p: True),
            ),
        ),
        Misconception(
            "the half in the gradient",
            "The derivative of w squared is 2 w, which cancels the half.",
            "wd-gradient",
            (_penalty_variant(gradient=lambda w: 0.5 * w),),
        ),
        Misconception(
            "norms that are not squared",
            "The penalty sums the squares of all entries. np.linalg.norm has a root in it.",
            "wd-penalty",
            (_penalty_variant(lambda w: 0.5 * np.sqrt((w**2).sum()), lambda w: w),),
        ),
        Misconception(
            "the largest singular value instead of the Frobenius norm",
            "The index F stands for the sum of the squares of all entries. "
            "np.linalg.norm(matrix, 2) is another norm.",
            "wd-penalty",
            (_penalty_variant(lambda w: 0.5 * np.linalg.norm(np.atleast_2d(w), 2) ** 2),),
        ),
        Misconception(
            "a mean where the penalty has a sum",
            "The squares are added up: a layer with more weights pays more.",
            "wd-penalty",
            (
                _penalty_variant(lambda w: 0.5 * (w**2).mean()),
                _penalty_variant(lambda w: 0.5 * (w**2).mean(), lambda w: w / w.size),
            ),
        ),
        Misconception(
            "a penalty on the magnitudes",
            "That is an L1 penalty. Weight decay takes the squares.",
            "wd-penalty",
            (
                _penalty_variant(lambda w: np.abs(w).sum(), np.sign),
                _penalty_variant(lambda w: 0.5 * np.abs(w).sum(), np.sign),
            ),
        ),
        Misconception(
            "no gradients for the biases in the list",
            "The list has one gradient for each array, so that it can be added to the gradients of "
            "the loss. For a bias it holds zeros.",
            "wd-gradient",
            (_weights_only,),
        ),
    ),
)


# ---- a step


def _step(
    params: Sequence[Array], example_grads: Sequence[Array], learning_rate: float, strength: float
) -> list[Array]:
    stepped = [p.copy() for p in params]
    optimizer = SGD(learning_rate, weight_decay=strength, decay_biases=False)
    optimizer.step(stepped, [g.mean(axis=0) for g in example_grads])
    return stepped


def _apart(function: Callable[..., list[Array]], *arguments: Any) -> tuple[list[Array], ...]:
    """Weights and biases after a step; what there is too much of goes to both."""
    params, stepped = arguments[0], function(*arguments)
    pairs = list(zip(params, stepped, strict=False))
    beyond = list(stepped[len(params) :])
    return (
        [new for old, new in pairs if _is_weight(old)] + beyond,
        [new for old, new in pairs if not _is_weight(old)] + beyond,
    )


def _step_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for group, batch, rate, strength in (
        ("ordinary", 7, 0.2, 0.3),
        ("ordinary", 6, 0.05, 1.6),
        ("ordinary", 8, 0.7, 0.04),
        ("edge", 1, 0.3, 0.7),
        ("edge", 7, 0.4, 0.0),
        ("edge", 6, 0.8, 1.25),
    ):
        params = _network(rng)
        arguments = {
            "params": params,
            # With a mean of its own, so that no mean over the batch is small by chance.
            "example_grads": [
                _signed(rng, *p.shape) + 0.5 * rng.standard_normal((batch, *p.shape))
                for p in params
            ],
            "learning_rate": rate,
            "strength": strength,
        }
        label = f"batch of {batch}, learning rate {rate:g}, strength {strength:g}"
        cases.append(Case(group, label, arguments))
    return cases


def _step_variant(
    weights: Callable[[Array, Array, float, float], Array] | None = None,
    biases: Callable[[Array, Array, float, float], Array] | None = None,
) -> Callable[..., list[Array]]:
    """A step with other rules for the weights and for the biases.

    A rule gets the array, its gradient for every example, the rate and the strength.
    """

    def plain(p: Array, g: Array, rate: float, strength: float) -> Array:
        result: Array = p - rate * (g.mean(axis=0) + strength * p)
        return result

    def variant(
        params: list[Array], example_grads: list[Array], learning_rate: float, strength: float
    ) -> list[Array]:
        stepped = []
        for p, g in zip(params, example_grads, strict=True):
            if _is_weight(p):
                stepped.append((weights or plain)(p, g, learning_rate, strength))
            else:
                stepped.append((biases or plain)(p, g, learning_rate, strength if biases else 0.0))
        return stepped

    return variant


def _summed(p: Array, g: Array, rate: float, strength: float) -> Array:
    """The bias in a step whose gradients are added up."""
    return p - rate * g.sum(axis=0)


STEP = Exercise(
    name="weight_decay.step",
    outputs=("weights", "biases"),
    lists=("weights", "biases", "params"),
    returns=("params",),
    reference=_step,
    observe=_apart,
    cases=_step_cases,
    criteria=(
        Criterion("params has the right number of arrays, of the right shapes", 0.25, "shape"),
        Criterion(
            "the weights make the step, with decay",
            1.0,
            group="ordinary",
            outputs=("weights",),
            equations=("wd-update",),
        ),
        Criterion(
            "the biases make the step, without decay",
            0.5,
            group="ordinary",
            outputs=("biases",),
            equations=("wd-update",),
        ),
        Criterion(
            "a batch of one, a strength of 0, a decay that takes everything",
            0.5,
            group="edge",
            outputs=("weights", "biases"),
            equations=("wd-update",),
        ),
        Criterion("the arguments are left as they were", 0.25, "unchanged"),
    ),
    misconceptions=(
        Misconception(
            "gradients added up instead of averaged",
            "Deck C's pseudo-code does that, too, while its formula divides by the batch size, "
            "which this exercise asks for. Without it the balance with the penalty depends on the "
            "batch size.",
            "wd-update",
            (_step_variant(lambda p, g, rate, lam: p - rate * (g.sum(axis=0) + lam * p), _summed),),
        ),
        Misconception(
            "the penalty counted once for each example",
            "You add the penalty's gradient to that of every example and add all up. The loss is a "
            "mean over the batch, and the penalty joins it once.",
            "wd-update",
            (
                _step_variant(
                    lambda p, g, rate, lam: p - rate * (g.sum(axis=0) + len(g) * lam * p), _summed
                ),
            ),
        ),
        Misconception(
            "the penalty divided by the batch size",
            "The mean over the batch is one of the losses alone. The penalty does not become "
            "smaller with more examples.",
            "wd-update",
            (_step_variant(lambda p, g, rate, lam: p - rate * (g.sum(axis=0) + lam * p) / len(g)),),
        ),
        Misconception(
            "decay of the biases",
            "The biases are not in the penalty. They follow the gradient of the loss alone.",
            "wd-update",
            (_step_variant(biases=lambda p, g, rate, lam: p - rate * (g.mean(axis=0) + lam * p)),),
        ),
        Misconception(
            "decay without the learning rate",
            "A step shrinks the weights by learning_rate * strength. In the paper on decoupled "
            "decay the strength stands alone; here it is part of the gradient.",
            "wd-update",
            (_step_variant(lambda p, g, rate, lam: p - rate * g.mean(axis=0) - lam * p),),
        ),
        Misconception(
            "a penalty without its half",
            "Your weights decay twice as fast. The penalty here has a half, so its gradient is "
            "strength * W; Keras and deck S leave the half out.",
            "wd-update",
            (_step_variant(lambda p, g, rate, lam: p - rate * (g.mean(axis=0) + 2 * lam * p)),),
        ),
        Misconception(
            "half the decay",
            "The half of the penalty cancels with the 2 of the derivative.",
            "wd-update",
            (_step_variant(lambda p, g, rate, lam: p - rate * (g.mean(axis=0) + 0.5 * lam * p)),),
        ),
        Misconception(
            "weights that grow",
            "The penalty's gradient has the same sign as the loss's: descent subtracts both.",
            "wd-update",
            (_step_variant(lambda p, g, rate, lam: p - rate * (g.mean(axis=0) - lam * p)),),
        ),
        Misconception(
            "the new weights shrunk instead of the old ones",
            "The penalty's gradient is taken where the step begins: the factor belongs to the old "
            "weights, and the gradient's part of the step keeps its full length.",
            "wd-update",
            (
                _step_variant(
                    lambda p, g, rate, lam: (1 - rate * lam) * (p - rate * g.mean(axis=0))
                ),
            ),
        ),
        Misconception(
            "the gradient shrunk with the weights",
            "A parenthesis: the decay acts on the weights, the gradient has no strength in it.",
            "wd-update",
            (_step_variant(lambda p, g, rate, lam: p - rate * lam * (g.mean(axis=0) + p)),),
        ),
        Misconception(
            "a step without decay",
            "The penalty is missing from the step.",
            "wd-update",
            (_step_variant(lambda p, g, rate, lam: p - rate * g.mean(axis=0)),),
        ),
        Misconception(
            "biases that stay",
            "The biases are left out of the penalty, not out of the step.",
            "wd-update",
            (_step_variant(biases=lambda p, g, rate, lam: p),),
        ),
        Misconception(
            "one mean for a whole array",
            "g.mean() averages over the weights, too. Each weight has its own gradient: the mean "
            "runs over the examples, axis 0.",
            "wd-update",
            (
                _step_variant(
                    lambda p, g, rate, lam: p - rate * (g.mean() + lam * p),
                    lambda p, g, rate, lam: p - rate * g.mean(),
                ),
            ),
        ),
    ),
)


# ---- decay in an adaptive step


def _adaptive(
    weight: Array,
    grad: Array,
    square: Array,
    learning_rate: float,
    rho: float,
    eps: float,
    strength: float,
    decoupled: bool,
) -> tuple[Array, Array]:
    optimizer = RMSProp(learning_rate, rho, eps, weight_decay=strength, decoupled=decoupled)
    optimizer.state = {"t": 1, "learning_rate": learning_rate, "mean_square": [square]}
    stepped = weight.copy()
    optimizer.step([stepped], [grad])
    return stepped, optimizer.state["mean_square"][0]


def _walk(
    function: Callable[..., tuple[Array, Array]],
    weight: Array,
    grads: Array,
    square: Array,
    *settings: Any,
) -> tuple[Array, Array]:
    """What several steps in a row return."""
    weights, squares = [], []
    for grad in grads:
        weight, square = function(weight, grad, square, *settings)
        weights.append(weight)
        squares.append(square)
    return np.array(weights), np.array(squares)


def _adaptive_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for group, rate, rho, eps, strength, decoupled in (
        ("coupled", 0.06, 0.8, 0.02, 0.4, False),
        ("coupled", 0.02, 0.6, 1e-6, 1.3, False),
        ("decoupled", 0.05, 0.7, 0.03, 0.6, True),
        ("decoupled", 0.03, 0.85, 1e-6, 1.4, True),
        ("silent", 0.04, 0.7, 1e-3, 0.9, False),
        ("silent", 0.04, 0.7, 1e-3, 0.9, True),
        ("silent", 0.03, 0.6, 0.01, 0.0, True),
        ("silent", 0.03, 0.6, 0.01, 0.0, False),
    ):
        size = int(rng.integers(3, 6))
        grads = _signed(rng, 4, size)
        square = rng.uniform(0.2, 1.5, size)
        if group == "silent":
            # A weight that the loss does not touch, and never did.
            grads[:, 1], square[1] = 0.0, 0.0
        arguments = {
            "weight": _signed(rng, size),
            "grads": grads,
            "square": square,
            "learning_rate": rate,
            "rho": rho,
            "eps": eps,
            "strength": strength,
            "decoupled": decoupled,
        }
        label = f"{'decoupled' if decoupled else 'in the gradient'}, strength {strength:g}"
        label += ", weight 1 without gradients" if group == "silent" else f", eps {eps:g}"
        cases.append(Case(group, f"4 steps, {label}", arguments))
    return cases


Seen = Callable[[Array, Array, float, bool], Array]


def _penalized(w: Array, g: Array, strength: float, decoupled: bool) -> Array:
    return g if decoupled else g + strength * w


def _shrunk(w: Array, rate: float, strength: float, decoupled: bool) -> Array:
    return (1 - rate * strength) * w if decoupled else w


def _adaptive_variant(
    averaged: Seen = _penalized,
    stepped: Seen = _penalized,
    shrunk: Callable[[Array, float, float, bool], Array] = _shrunk,
    divisor: Callable[[Array, float], Array] = lambda s, eps: np.sqrt(s + eps),
    late: bool = False,
    stale: bool = False,
    early: bool = False,
) -> Callable[..., tuple[Array, Array]]:
    """The step with another gradient in the average or in the step, another decay or divisor.

    `late` shrinks after the step, `stale` divides by the average of before, `early` has the penalty
    of the weights that have shrunk already.
    """

    def variant(
        weight: Array,
        grad: Array,
        square: Array,
        learning_rate: float,
        rho: float,
        eps: float,
        strength: float,
        decoupled: bool,
    ) -> tuple[Array, Array]:
        seen = shrunk(weight, learning_rate, strength, decoupled) if early else weight
        in_average = averaged(seen, grad, strength, decoupled)
        in_step = stepped(seen, grad, strength, decoupled)
        average = rho * square + (1 - rho) * in_average**2
        step = learning_rate * in_step / divisor(square if stale else average, eps)
        if late:
            return shrunk(weight - step, learning_rate, strength, decoupled), average
        return shrunk(weight, learning_rate, strength, decoupled) - step, average

    return variant


def _alone(w: Array, g: Array, strength: float, decoupled: bool) -> Array:
    return g


def _always(w: Array, g: Array, strength: float, decoupled: bool) -> Array:
    return g + strength * w


def _exchanged(w: Array, g: Array, strength: float, decoupled: bool) -> Array:
    return _penalized(w, g, strength, not decoupled)


ADAPTIVE = Exercise(
    name="weight_decay.adaptive_step",
    outputs=("weight", "square"),
    reference=_adaptive,
    observe=_walk,
    cases=_adaptive_cases,
    criteria=(
        Criterion("weight and square have the right shapes", 0.25, "shape"),
        Criterion(
            "four steps with the penalty in the gradient",
            0.75,
            group="coupled",
            outputs=("weight", "square"),
            equations=("wd-update",),
        ),
        Criterion(
            "four steps with decoupled decay",
            0.75,
            group="decoupled",
            outputs=("weight", "square"),
            equations=("wd-decoupled",),
        ),
        Criterion(
            "a weight without gradients in both ways, and a strength of 0",
            0.5,
            group="silent",
            outputs=("weight", "square"),
            equations=("wd-update", "wd-decoupled"),
        ),
        Criterion("the arguments are left as they were", 0.25, "unchanged"),
    ),
    misconceptions=(
        Misconception(
            "the two ways exchanged",
            "decoupled=True asks for weights that shrink by themselves and a gradient without "
            "penalty; decoupled=False for the penalty in the gradient.",
            "wd-decoupled",
            (
                _adaptive_variant(
                    _exchanged,
                    _exchanged,
                    lambda w, rate, lam, decoupled: _shrunk(w, rate, lam, not decoupled),
                ),
            ),
        ),
        Misconception(
            "decay twice",
            "The penalty is in the gradient and the weights shrink as well. It is one or the "
            "other, as decoupled says.",
            "wd-decoupled",
            (
                _adaptive_variant(
                    _always, _always, lambda w, rate, lam, decoupled: (1 - rate * lam) * w
                ),
                _adaptive_variant(_always, _always),
                _adaptive_variant(_always, _always, early=True),
                _adaptive_variant(shrunk=lambda w, rate, lam, decoupled: (1 - rate * lam) * w),
            ),
        ),
        Misconception(
            "the average of the squares without the penalty",
            "With the penalty in the gradient, everything sees it: the square that goes into the "
            "average is that of grad + strength * weight.",
            "wd-update",
            (_adaptive_variant(averaged=_alone),),
        ),
        Misconception(
            "the penalty in the average alone",
            "You square grad + strength * weight and step along grad. The step takes the same sum.",
            "wd-update",
            (_adaptive_variant(stepped=_alone),),
        ),
        Misconception(
            "the penalty in the average of the squares, decoupled",
            "Decoupled, the average sees the gradient of the loss alone.",
            "wd-decoupled",
            (_adaptive_variant(averaged=_always),),
        ),
        Misconception(
            "decoupled decay without the learning rate",
            "You shrink by 1 - strength, as the paper does. This exercise asks for PyTorch's and "
            "the chapter's form, 1 - learning_rate * strength.",
            "wd-decoupled",
            (
                _adaptive_variant(
                    shrunk=lambda w, rate, lam, decoupled: (1 - lam) * w if decoupled else w
                ),
            ),
        ),
        Misconception(
            "the weights shrunk after the step",
            "Then the step shrinks, too. The factor acts on the weights that come in.",
            "wd-decoupled",
            (_adaptive_variant(late=True),),
        ),
        Misconception(
            "no decoupled decay",
            "With decoupled=True your weights do not shrink at all.",
            "wd-decoupled",
            (_adaptive_variant(shrunk=lambda w, rate, lam, decoupled: w),),
        ),
        Misconception(
            "no penalty in the gradient",
            "With decoupled=False nothing asks for small weights.",
            "wd-update",
            (_adaptive_variant(_alone, _alone),),
        ),
        Misconception(
            "epsilon outside the root",
            "sqrt(s) + eps is PyTorch's convention. This exercise asks for deck C's, with epsilon "
            "under the root.",
            "wd-update",
            (_adaptive_variant(divisor=lambda s, eps: np.sqrt(s) + eps),),
        ),
        Misconception(
            "a divisor without its root",
            "The gradient is divided by the root of the average of its squares.",
            "wd-update",
            (_adaptive_variant(divisor=lambda s, eps: s + eps),),
        ),
        Misconception(
            "the average of the step before in the divisor",
            "The average takes up the new gradient first, and then divides.",
            "wd-update",
            (_adaptive_variant(stale=True),),
        ),
    ),
)


# ---- ridge regression


def _ridge_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for group, count, features, strength in (
        ("ordinary", 9, 3, 0.3),
        ("ordinary", 7, 4, 0.05),
        ("ordinary", 12, 2, 1.4),
        ("edge", 4, 6, 0.2),
        ("edge", 8, 1, 0.6),
        ("edge", 10, 3, 0.0),
    ):
        x = _signed(rng, features, low=1.0) + rng.standard_normal((count, features))
        slopes = _signed(rng, features)
        offset = _signed(rng, 1, low=3.0, high=6.0)
        y = (x - x.mean(axis=0)) @ slopes + offset + 0.3 * rng.standard_normal(count)
        label = f"{count} examples, features: {features}, strength {strength:g}"
        cases.append(Case(group, label, {"x": x, "y": y, "strength": strength}))
    return cases


def _solved(x: Array, y: Array, added: float) -> Array:
    """The least-squares solution with something added to the diagonal."""
    return np.linalg.lstsq(x.T @ x + added * np.eye(x.shape[1]), x.T @ y, rcond=None)[0]


def _ridge_variant(
    added: Callable[[float, int], float] = lambda strength, count: strength * count,
    bias: Callable[[Array, Array, Array], Any] = lambda x, y, w: y.mean() - x.mean(axis=0) @ w,
    centred: bool = True,
) -> Callable[..., tuple[Array, Any]]:
    def variant(x: Array, y: Array, strength: float) -> tuple[Array, Any]:
        inputs = x - x.mean(axis=0) if centred else x
        weight = _solved(inputs, y, added(strength, len(x)))
        return weight, bias(x, y, weight)

    return variant


def _penalized_bias(x: Array, y: Array, strength: float) -> tuple[Array, Any]:
    solution = _solved(np.column_stack([x, np.ones(len(x))]), y, strength * len(x))
    return solution[:-1], solution[-1]


RIDGE = Exercise(
    name="weight_decay.ridge",
    outputs=("weight", "bias"),
    reference=reference.ridge,
    cases=_ridge_cases,
    criteria=(
        Criterion("weight and bias have the right shapes", 0.25, "shape"),
        Criterion(
            "the weights at the minimum",
            0.75,
            group="ordinary",
            outputs=("weight",),
            equations=("wd-penalty", "wd-gradient"),
        ),
        Criterion(
            "the bias at the minimum",
            0.25,
            group="ordinary",
            outputs=("bias",),
            equations=("wd-penalty",),
        ),
        Criterion(
            "fewer examples than features, a single feature, a strength of 0",
            0.5,
            group="edge",
            outputs=("weight", "bias"),
            equations=("wd-penalty", "wd-gradient"),
        ),
        Criterion("the arguments are left as they were", 0.25, "unchanged"),
    ),
    misconceptions=(
        Misconception(
            "a penalty on the bias",
            "A column of ones makes the bias a weight, and the penalty draws it and with it all "
            "predictions towards 0. Leave its entry out of the penalty, or get rid of the bias "
            "first.",
            "wd-penalty",
            (_penalized_bias,),
        ),
        Misconception(
            "the mean target for the bias",
            "That is right only where the inputs have mean 0. In terms of the inputs as they are, "
            "the weights have their share in the mean.",
            "wd-gradient",
            (_ridge_variant(bias=lambda x, y, w: y.mean()),),
        ),
        Misconception(
            "a fit through the origin",
            "You solved for the weights as if there were no bias. Set the derivative for the bias "
            "to 0 first, and put what it says into the other equations.",
            "wd-gradient",
            (
                _ridge_variant(centred=False),
                _ridge_variant(centred=False, bias=lambda x, y, w: 0.0),
                _ridge_variant(centred=False, bias=lambda x, y, w: y.mean()),
            ),
            idle=True,
        ),
        Misconception(
            "a sum of squares where the loss has a mean",
            "The loss is divided by the number of examples M, so beside the sum X'X the strength "
            "counts M times.",
            "wd-gradient",
            (_ridge_variant(lambda strength, count: strength),),
        ),
        Misconception(
            "a strength divided by the number of examples",
            "The other way round: multiply the equation by M, and the strength is multiplied.",
            "wd-gradient",
            (_ridge_variant(lambda strength, count: strength / count),),
        ),
        Misconception(
            "twice the strength",
            "Loss and penalty both have a half here; the 2 of both derivatives cancels.",
            "wd-gradient",
            (_ridge_variant(lambda strength, count: 2 * strength * count),),
        ),
        Misconception(
            "half the strength",
            "Loss and penalty both have a half here; the 2 of both derivatives cancels.",
            "wd-gradient",
            (_ridge_variant(lambda strength, count: 0.5 * strength * count),),
        ),
        Misconception(
            "least squares without a penalty",
            "The strength does not act on your weights.",
            "wd-penalty",
            (_ridge_variant(lambda strength, count: 0.0),),
        ),
    ),
)

EXERCISES = (PENALTY, STEP, ADAPTIVE, RIDGE)
