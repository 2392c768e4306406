"""Checks of the exercise ``weight-decay``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradlab import weight_decay as reference
from gradlab.checks._edits import mistakes
from gradlab.checks._model import Case, Exercise, criteria
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


def _penalty_answer(params: list[Array], strength: float) -> tuple[float, list[Array]]:
    penalty = 0.0
    gradients = []
    for param in params:
        if param.ndim == 2:
            penalty += 0.5 * strength * (param**2).sum()
            gradients.append(strength * param)
        else:
            gradients.append(np.zeros_like(param))
    return penalty, gradients


PENALTY = Exercise(
    name="weight_decay.penalty",
    outputs=("penalty", "gradients"),
    lists=("gradients",),
    reference=_penalty,
    cases=_penalty_cases,
    criteria=criteria("""
penalty and gradients have the right shapes (shape, 0.25)
the penalty of the weights (ordinary, 0.5)
    penalty: wd-penalty
its gradient for every array (ordinary, 0.75)
    gradients: wd-gradient
a matrix of one row or column, biases alone, a strength of 0 (edge, 0.25)
    penalty, gradients: wd-penalty wd-gradient
the arguments are left as they were (unchanged, 0.25)
"""),
    model=_penalty_answer,
    misconceptions=mistakes(
        _penalty_answer,
        """
the factor 2 in the gradient (wd-gradient, 1)
    append(strength -> append(2 * strength
    The penalty has a half, and the derivative of w squared is 2 w: they cancel.
a penalty on the biases (wd-penalty, 0.25)
    param.ndim == 2 -> True
    A bias moves a unit's step without making it steeper: there is nothing to smooth, and shrinking
    it draws all predictions towards 0. Arrays of one dimension are left out.
the penalty without its half (wd-penalty)
    0.5 * strength -> strength & append(strength -> append(2 * strength
    0.5 * strength -> strength
    0.5 * strength -> strength & param.ndim == 2 -> True
    That is the convention of deck S and of Keras, in which the same strength counts twice. This
    exercise asks for deck C's, with the half.
the half in the gradient (wd-gradient, 1)
    append(strength -> append(0.5 * strength
    The derivative of w squared is 2 w, which cancels the half.
norms that are not squared (wd-penalty, 1.25)
    (param**2).sum() -> np.linalg.norm(param)
    The penalty sums the squares of all entries. np.linalg.norm has a root in it.
the largest singular value instead of the Frobenius norm (wd-penalty, 1.5)
    (param**2).sum() -> np.linalg.norm(param, 2) ** 2
    The index F stands for the sum of the squares of all entries. np.linalg.norm(matrix, 2) is
    another norm.
a mean where the penalty has a sum (wd-penalty)
    .sum() -> .mean()
    .sum() -> .mean() & strength * param) -> strength * param / param.size)
    The squares are added up: a layer with more weights pays more.
a penalty on the magnitudes (wd-penalty, 0.25)
    0.5 * strength * (param**2) -> strength * abs(param) & * param) -> * np.sign(param))
    (param**2) -> abs(param) & strength * param) -> strength * np.sign(param))
    That is an L1 penalty. Weight decay takes the squares.
no gradients for the biases in the list (wd-gradient, 0.75)
    gradients.append(np.zeros_like(param)) -> pass
    The list has one gradient for each array, so that it can be added to the gradients of the loss.
    For a bias it holds zeros.
a penalty and gradients that are all 0 (wd-penalty, 0.25, idle)
    param.ndim == 2 -> False
    All that you return is 0, as if there were no weights. Weights have two dimensions, biases one.
a penalty that stays at 0 (wd-penalty, 1.25, idle)
    penalty += -> penalty *=
    A sum starts at 0 and takes up each term with +=.
weights in place of the gradient (wd-gradient, 1, idle)
    append(strength * param) -> append(param)
    The strength is a factor of the penalty, and of its gradient too: strength * W.
""",
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


def _step_answer(
    params: list[Array], example_grads: list[Array], learning_rate: float, strength: float
) -> list[Array]:
    stepped = []
    for param, grads in zip(params, example_grads, strict=True):
        slope = grads.mean(axis=0)
        if param.ndim == 2:
            slope = slope + strength * param
        stepped.append(param - learning_rate * slope)
    return stepped


STEP = Exercise(
    name="weight_decay.step",
    outputs=("weights", "biases"),
    lists=("weights", "biases", "params"),
    returns=("params",),
    reference=_step,
    observe=_apart,
    cases=_step_cases,
    criteria=criteria("""
params has the right number of arrays, of the right shapes (shape, 0.25)
the weights make the step, with decay (ordinary, 1)
    weights: wd-update
the biases make the step, without decay (ordinary, 0.5)
    biases: wd-update
a batch of one, a strength of 0, a decay that takes everything (edge, 0.5)
    weights, biases: wd-update
the arguments are left as they were (unchanged, 0.25)
"""),
    model=_step_answer,
    misconceptions=mistakes(
        _step_answer,
        """
gradients added up instead of averaged (wd-update, 0.25)
    mean(axis=0) -> sum(axis=0)
    Deck C's pseudo-code does that, too, while its formula divides by the batch size, which this
    exercise asks for. Without it the balance with the penalty depends on the batch size.
the penalty counted once for each example (wd-update, 0.25)
    mean(axis=0) -> sum(axis=0) & + strength * param -> + strength * param * len(grads)
    You add the penalty's gradient to that of every example and add all up. The loss is a mean over
    the batch, and the penalty joins it once.
the penalty divided by the batch size (wd-update, 1)
    + strength * param -> + strength * param / len(grads)
    The mean over the batch is one of the losses alone. The penalty does not become smaller with
    more examples.
decay of the biases (wd-update, 1.5)
    param.ndim == 2 -> True
    The biases are not in the penalty. They follow the gradient of the loss alone.
decay without the learning rate (wd-update, 1)
    + strength * param -> + strength * param / learning_rate
    A step shrinks the weights by learning_rate * strength. In the paper on decoupled decay the
    strength stands alone; here it is part of the gradient.
a penalty without its half (wd-update, 1)
    + strength * param -> + 2 * strength * param
    Your weights decay twice as fast. The penalty here has a half, so its gradient is strength * W;
    Keras and deck S leave the half out.
half the decay (wd-update, 1)
    + strength * param -> + 0.5 * strength * param
    The half of the penalty cancels with the 2 of the derivative.
weights that grow (wd-update, 1)
    + strength * param -> - strength * param
    The penalty's gradient has the same sign as the loss's: descent subtracts both.
the new weights shrunk instead of the old ones (wd-update, 1)
    + strength * param -> + strength * (param - learning_rate * slope)
    The penalty's gradient is taken where the step begins: the factor belongs to the old weights,
    and the gradient's part of the step keeps its full length.
the gradient shrunk with the weights (wd-update, 1)
    slope + strength * param -> strength * (slope + param)
    A parenthesis: the decay acts on the weights, the gradient has no strength in it.
a step without decay (wd-update, 1)
    slope + strength * param -> slope
    The penalty is missing from the step.
biases that stay (wd-update, 1.5)
    learning_rate * slope -> learning_rate * slope * (param.ndim == 2)
    The biases are left out of the penalty, not out of the step.
one mean for a whole array (wd-update, 0.25)
    mean(axis=0) -> mean()
    g.mean() averages over the weights, too. Each weight has its own gradient: the mean runs over
    the examples, axis 0.
""",
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
) -> tuple[Array, ...]:
    """What several steps in a row return, and how far it is from what follows from itself.

    The average follows from the weights and the average that came in, the weights from the average
    that comes out. Nothing follows if that is so large that no step is left.
    """
    rate, rho, eps, strength, decoupled = settings
    steps = []
    for grad in grads:
        old, old_square = weight, square
        weight, square = function(old, grad, old_square, *settings)
        slope = grad if decoupled else grad + strength * old
        kept = old * (1 - rate * strength) if decoupled else old
        try:
            with np.errstate(all="ignore"):
                step = rate * slope / np.sqrt(square + eps)
            if slope.any() and not np.round(step, 12).any():
                step = np.full_like(step, np.nan)
            apart = square - rho * old_square - (1 - rho) * slope**2, weight - (kept - step)
        except ValueError:
            apart = np.full_like(grad, np.nan), np.full_like(grad, np.nan)
        # Rounded, so that a report expects 0 and not what rounding leaves of it.
        steps.append((weight, square, *(np.round(each, 12) for each in apart)))
    return tuple(np.array(each) for each in zip(*steps, strict=True))


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


def _adaptive_answer(
    weight: Array,
    grad: Array,
    square: Array,
    learning_rate: float,
    rho: float,
    eps: float,
    strength: float,
    decoupled: bool,
) -> tuple[Array, Array]:
    if decoupled:
        slope = grad
        kept = weight * (1 - learning_rate * strength)
    else:
        slope = grad + strength * weight
        kept = weight
    new_square = rho * square + (1 - rho) * slope**2
    new_weight = kept - learning_rate * slope / np.sqrt(new_square + eps)
    return new_weight, new_square


ADAPTIVE = Exercise(
    name="weight_decay.adaptive_step",
    outputs=("weight", "square", "square_apart", "weight_apart"),
    returns=("weight", "square"),
    reference=_adaptive,
    observe=_walk,
    cases=_adaptive_cases,
    criteria=criteria("""
weight and square have the right shapes (shape, 0.25)
the penalty in the gradient: square follows from the weights and the square before (coupled, 0.25)
    square_apart: wd-update
the penalty in the gradient: weight follows from the square that you return (coupled, 0.25)
    weight_apart: wd-update
the penalty in the gradient: both after four steps (coupled, 0.25)
    weight, square: wd-update
decoupled decay: square follows from the square before (decoupled, 0.25)
    square_apart: wd-decoupled
decoupled decay: weight follows from the square that you return (decoupled, 0.25)
    weight_apart: wd-decoupled
decoupled decay: both after four steps (decoupled, 0.25)
    weight, square: wd-decoupled
a weight without gradients in both ways, and a strength of 0 (silent, 0.5)
    weight, square: wd-update wd-decoupled
the arguments are left as they were (unchanged, 0.25)
"""),
    model=_adaptive_answer,
    misconceptions=mistakes(
        _adaptive_answer,
        """
the two ways exchanged (wd-decoupled, 0.25)
    if decoupled -> if not decoupled
    decoupled=True asks for weights that shrink by themselves and a gradient without penalty;
    decoupled=False for the penalty in the gradient.
decay twice (wd-decoupled)
    new_square = -> kept = weight * (1 - learning_rate * strength); new_square =
    new_square = -> slope = grad + strength * weight; new_square =
    new_square = -> slope = grad + strength * kept; new_square =
    if decoupled -> if True & new_square = -> slope = grad + strength * weight; new_square =
    The penalty is in the gradient and the weights shrink as well. It is one or the other, as
    decoupled says.
the average of the squares without the penalty (wd-update, 1.5)
    slope**2 -> grad**2
    With the penalty in the gradient, everything sees it: the square that goes into the average is
    that of grad + strength * weight.
the penalty in the average alone (wd-update, 1.5)
    learning_rate * slope -> learning_rate * grad
    You square grad + strength * weight and step along grad. The step takes the same sum.
the penalty in the average of the squares, decoupled (wd-decoupled, 1.5)
    slope**2 -> (grad + strength * weight) ** 2
    Decoupled, the average sees the gradient of the loss alone.
decoupled decay without the learning rate (wd-decoupled, 1.5)
    1 - learning_rate * strength -> 1 - strength
    You shrink by 1 - strength, as the paper does. This exercise asks for PyTorch's and the
    chapter's form, 1 - learning_rate * strength.
the weights shrunk after the step (wd-decoupled, 1.5)
    rate * slope -> rate * (1 - decoupled * learning_rate * strength) * slope
    Then the step shrinks, too. The factor acts on the weights that come in.
no decoupled decay (wd-decoupled, 1.5)
    weight * (1 - learning_rate * strength) -> weight
    With decoupled=True your weights do not shrink at all.
no penalty in the gradient (wd-update, 1.25)
    grad + strength * weight -> grad
    With decoupled=False nothing asks for small weights.
epsilon outside the root (wd-update, 1)
    np.sqrt(new_square + eps) -> (np.sqrt(new_square) + eps)
    sqrt(s) + eps is PyTorch's convention. This exercise asks for deck C's, with epsilon under the
    root.
a divisor without its root (wd-update, 1)
    np.sqrt(new_square + eps) -> (new_square + eps)
    The gradient is divided by the root of the average of its squares.
the average of the step before in the divisor (wd-update, 1)
    np.sqrt(new_square -> np.sqrt(square
    The average takes up the new gradient first, and then divides.
""",
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


def _ridge_answer(x: Array, y: Array, strength: float) -> tuple[Array, float]:
    count, features = x.shape
    x_mean = x.mean(axis=0)
    centered = x - x_mean
    matrix = centered.T @ centered / count + strength * np.eye(features)
    weight = np.linalg.solve(matrix, centered.T @ y / count)
    bias = y.mean() - x_mean @ weight
    return weight, bias


def _penalized_bias(x: Array, y: Array, strength: float) -> tuple[Array, float]:
    inputs = np.column_stack([x, np.ones(len(x))])
    matrix = inputs.T @ inputs + strength * len(x) * np.eye(inputs.shape[1])
    solution = np.linalg.lstsq(matrix, inputs.T @ y)[0]
    return solution[:-1], solution[-1]


RIDGE = Exercise(
    name="weight_decay.ridge",
    outputs=("weight", "bias"),
    reference=reference.ridge,
    cases=_ridge_cases,
    criteria=criteria("""
weight and bias have the right shapes (shape, 0.25)
the weights at the minimum (ordinary, 0.75)
    weight: wd-penalty wd-gradient
the bias at the minimum (ordinary, 0.25)
    bias: wd-penalty
fewer examples than features, a single feature, a strength of 0 (edge, 0.5)
    weight, bias: wd-penalty wd-gradient
the arguments are left as they were (unchanged, 0.25)
"""),
    model=_ridge_answer,
    misconceptions=mistakes(
        _ridge_answer,
        """
a penalty on the bias (wd-penalty, 0.25)
    = _penalized_bias
    A column of ones makes the bias a weight, and the penalty draws it and with it all predictions
    towards 0. Leave its entry out of the penalty, or get rid of the bias first.
the mean target for the bias (wd-gradient, 1.25)
    y.mean() - x_mean @ weight -> y.mean()
    That is right only where the inputs have mean 0. In terms of the inputs as they are, the weights
    have their share in the mean.
a fit through the origin (wd-gradient, 0.25, idle)
    x - x_mean -> x
    x - x_mean -> x & y.mean() - x_mean @ weight -> 0.0
    x - x_mean -> x & y.mean() - x_mean @ weight -> y.mean()
    You solved for the weights as if there were no bias. Set the derivative for the bias to 0 first,
    and put what it says into the other equations.
a sum of squares where the loss has a mean (wd-gradient, 0.25)
    strength * np.eye -> strength / count * np.eye
    The loss is divided by the number of examples M, so beside the sum X'X the strength counts M
    times.
a strength divided by the number of examples (wd-gradient, 0.25)
    strength * np.eye -> strength / count**2 * np.eye
    The other way round: multiply the equation by M, and the strength is multiplied.
twice the strength (wd-gradient, 0.25)
    strength * np.eye -> 2 * strength * np.eye
    Loss and penalty both have a half here; the 2 of both derivatives cancels.
half the strength (wd-gradient, 0.25)
    strength * np.eye -> 0.5 * strength * np.eye
    Loss and penalty both have a half here; the 2 of both derivatives cancels.
least squares without a penalty (wd-penalty, 0.25)
    solve(matrix, centered.T @ y / count) -> lstsq(centered, y)[0]
    The strength does not act on your weights.
""",
    ),
)

EXERCISES = (PENALTY, STEP, ADAPTIVE, RIDGE)
