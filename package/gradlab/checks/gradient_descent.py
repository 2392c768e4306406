"""Checks of the exercise ``gradient-descent``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradlab import gradient_descent as reference
from gradlab.checks._model import Case, Criterion, Exercise, Misconception

Array = NDArray[Any]
Gradient = Callable[[Array], Array]


def _rotated(rng: np.random.Generator, eigenvalues: list[float]) -> Array:
    """A Hessian with these eigenvalues whose axes are not those of the weights."""
    weights = len(eigenvalues)
    axes, _ = np.linalg.qr(rng.standard_normal((weights, weights)))
    hessian = (axes * np.array(eigenvalues)) @ axes.T
    return (hessian + hessian.T) / 2


# ---- rates


def _rates(hessian: Array) -> tuple[float, float, float]:
    return (
        reference.optimal_learning_rate(hessian),
        reference.max_stable_learning_rate(hessian),
        reference.condition_number(hessian),
    )


def _rates_cases(rng: np.random.Generator) -> list[Case]:
    def spread(low: float, high: float, between: int) -> list[float]:
        """The two extremes, away from 1, and some eigenvalues between them."""
        scale = rng.uniform(1.2, 1.9)
        inner = rng.uniform(1.5 * low, 0.6 * high, between)
        return [scale * float(value) for value in (low, *inner, high)]

    correlation = rng.uniform(0.6, 0.95) * rng.choice([-1.0, 1.0])
    variances = np.diag(rng.uniform([1.5, 0.3], [2.5, 0.7]) ** 0.5)
    pair = variances @ np.array([[1.0, correlation], [correlation, 1.0]]) @ variances
    # The steepest axis stands in the middle: who relies on the order of np.linalg.eig fails.
    first, *inner, last = spread(0.4, 9.0, 3)
    ordered = np.diag([inner[0], last, inner[1], first, inner[2]])
    valley = _rotated(rng, spread(0.003, 40.0, 1))
    while np.linalg.eigvals(valley)[-1] > 1:
        valley = _rotated(rng, spread(0.003, 40.0, 1))
    return [
        Case("ordinary", "two correlated inputs", {"hessian": pair}),
        Case("ordinary", "4 weights", {"hessian": _rotated(rng, spread(0.2, 6.0, 2))}),
        Case("ordinary", "5 weights, a diagonal matrix", {"hessian": ordered}),
        Case("edge", "one weight", {"hessian": np.array([[rng.uniform(2.5, 5.0)]])}),
        Case("edge", "a round bowl in 3 weights", {"hessian": rng.uniform(0.2, 0.4) * np.eye(3)}),
        Case("edge", "a long valley", {"hessian": valley}),
    ]


def _rates_variant(
    optimal: Callable[[float, float], float] = lambda low, high: 2 / (low + high),
    bound: Callable[[float, float], float] = lambda low, high: 2 / high,
    condition: Callable[[float, float], float] = lambda low, high: high / low,
    extremes: Callable[[Array], tuple[Any, Any]] = lambda h: (
        np.linalg.eigvalsh(h)[0],
        np.linalg.eigvalsh(h)[-1],
    ),
) -> Callable[[Array], tuple[float, float, float]]:
    """The three numbers with one of the formulas, or the eigenvalues, exchanged."""

    def variant(hessian: Array) -> tuple[float, float, float]:
        low, high = extremes(hessian)
        return optimal(low, high), bound(low, high), condition(low, high)

    return variant


def _unsorted(hessian: Array) -> tuple[Any, Any]:
    values = np.linalg.eigvals(hessian).real
    return values[0], values[-1]


def _diagonal(hessian: Array) -> tuple[Any, Any]:
    values = np.diag(hessian)
    return values.min(), values.max()


RATES = Exercise(
    name="gradient_descent.rates",
    outputs=("optimal", "bound", "condition"),
    reference=_rates,
    cases=_rates_cases,
    criteria=(
        Criterion(
            "optimal makes the slowest axis as fast as possible",
            0.75,
            group="ordinary",
            outputs=("optimal",),
            equations=("gd-minimax-rate",),
        ),
        Criterion(
            "bound is the rate below which all axes converge",
            0.5,
            group="ordinary",
            outputs=("bound",),
            equations=("gd-stable-rate",),
        ),
        Criterion(
            "condition says how elongated the surface is",
            0.5,
            group="ordinary",
            outputs=("condition",),
            equations=("gd-condition-number",),
        ),
        Criterion(
            "one weight, a round bowl, a long valley",
            0.5,
            group="edge",
            outputs=("optimal", "bound", "condition"),
            equations=("gd-optimal-rate", "gd-minimax-rate"),
        ),
        Criterion("the argument is left as it was", 0.25, "unchanged"),
    ),
    misconceptions=(
        Misconception(
            "the diagonal of the Hessian in place of its eigenvalues",
            "The diagonal holds the curvature along each weight. The axes of the surface lie "
            "across the weights as soon as an entry off the diagonal is not 0.",
            "gd-stable-rate",
            (_rates_variant(extremes=_diagonal),),
        ),
        Misconception(
            "eigenvalues taken in the order in which they come",
            "np.linalg.eig and eigvals sort nothing: the first need not be the smallest. "
            "np.linalg.eigvalsh, for symmetric matrices, returns them in ascending order.",
            "gd-minimax-rate",
            (_rates_variant(extremes=_unsorted),),
        ),
        Misconception(
            "a norm of all entries in place of the largest eigenvalue",
            "np.linalg.norm of a matrix is by default the root of the sum of its squared entries, "
            "to which every eigenvalue contributes. The largest one alone limits the rate.",
            "gd-stable-rate",
            (
                _rates_variant(
                    extremes=lambda h: (np.linalg.eigvalsh(h)[0], np.linalg.norm(h)),
                ),
                lambda h: (_rates_variant()(h)[0], 2 / np.linalg.norm(h), _rates_variant()(h)[2]),
            ),
        ),
        Misconception(
            "the smallest eigenvalue where the largest one counts",
            "The steepest axis is the first to diverge. A rate that only suits the flattest one "
            "throws the steep ones out.",
            "gd-stable-rate",
            (
                _rates_variant(bound=lambda low, high: 2 / low),
                _rates_variant(optimal=lambda low, high: 1 / low, bound=lambda low, high: 2 / low),
            ),
        ),
        Misconception(
            "the optimal rate taken for the largest stable one",
            "Beyond 1 / lambda_max the steepest axis is overshot at every step, and still "
            "converges as long as its factor 1 - rate * lambda_max stays above -1.",
            "gd-stable-rate",
            (
                _rates_variant(bound=lambda low, high: 1 / high),
                _rates_variant(bound=lambda low, high: 2 / (low + high)),
            ),
        ),
        Misconception(
            "the rate of the largest curvature",
            "1 / lambda_max is a sound and more cautious choice, which suits the steepest axis "
            "only. Asked for is the rate at which the slowest axis is as fast as possible.",
            "gd-minimax-rate",
            (
                _rates_variant(optimal=lambda low, high: 1 / high),
                _rates_variant(
                    optimal=lambda low, high: 1 / high, bound=lambda low, high: 1 / high
                ),
            ),
        ),
        Misconception(
            "half of the best rate",
            "Set the two extreme factors equal in size, 1 - rate * lambda_min = "
            "rate * lambda_max - 1, and solve for the rate: a 2 remains.",
            "gd-minimax-rate",
            (_rates_variant(optimal=lambda low, high: 1 / (low + high)),),
        ),
        Misconception(
            "the rate that is best for the mean of the inverse curvatures",
            "Averaging the best rates of the two axes diverges along the steep one. What has to be "
            "balanced are the factors 1 - rate * lambda.",
            "gd-minimax-rate",
            (_rates_variant(optimal=lambda low, high: (1 / low + 1 / high) / 2),),
        ),
        Misconception(
            "the condition number upside down",
            "It is at least 1: the largest eigenvalue over the smallest.",
            "gd-condition-number",
            (_rates_variant(condition=lambda low, high: low / high),),
        ),
        Misconception(
            "the ratio of the contours' axes",
            "The contours' axes differ by the root of the condition number, which is the ratio of "
            "the eigenvalues themselves.",
            "gd-condition-number",
            (_rates_variant(condition=lambda low, high: float(np.sqrt(high / low))),),
        ),
        Misconception(
            "the factor of a step in place of the condition number",
            "(kappa - 1) / (kappa + 1) is what the condition number is good for. Return kappa.",
            "gd-condition-number",
            (_rates_variant(condition=lambda low, high: (high - low) / (high + low)),),
        ),
    ),
)


# ---- one pass in mini-batches


def _minibatch_descent(
    x: Array, y: Array, w: Array, order: Array, batch_size: int, rate: float
) -> Array:
    places = list(reference.minibatches(len(x), batch_size, shuffle=False))
    batches = iter([order[place] for place in places])

    def grad(point: Array) -> Array:
        chosen = next(batches)
        result: Array = x[chosen].T @ (x[chosen] @ point - y[chosen]) / len(chosen)
        return result

    return reference.gradient_descent(grad, w, rate, len(places))


def _descent_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for group, examples, batch_size, rest in (
        ("full", 12, 4, ""),
        ("full", 10, 5, ""),
        ("full", 9, 3, ", float32"),
        ("rest", 11, 4, ", the last mini-batch has 3"),
        ("rest", 13, 3, ", the last mini-batch has 1"),
        ("edge", 6, 1, ": stochastic learning"),
        ("edge", 7, 7, ": batch learning"),
    ):
        features = 2 if batch_size > 3 else 4
        dtype = np.float32 if "float32" in rest else np.float64
        x = rng.standard_normal((examples, features)) + rng.uniform(0.3, 0.9, features)
        # Targets beyond what the first weights explain, so that every step goes somewhere.
        y = rng.uniform(2.0, 4.0, examples) * rng.choice([-1.0, 1.0], examples)
        order = rng.permutation(examples)
        while np.array_equal(order[:batch_size], np.arange(batch_size)):
            order = np.roll(order, 1)
        arguments = {
            "x": x.astype(dtype),
            "y": y.astype(dtype),
            "w": (rng.uniform(0.5, 1.5, features)).astype(dtype),
            "order": order,
            "batch_size": batch_size,
            "rate": float(rng.uniform(0.1, 0.2)),
        }
        label = f"{examples} examples, batch size {batch_size}{rest}"
        cases.append(Case(group, label, arguments))
    return cases


def _points(path: list[Array]) -> Array:
    return np.array(path)


def _descent_variant(
    divisor: Callable[[int, int, int], float] = lambda size, batch_size, examples: size,
    sign: float = -1.0,
    labels_in_order: bool = True,
    ordered: bool = True,
    keep_rest: bool = True,
    stale: bool = False,
    singly: bool = False,
    record: Callable[[list[Array]], Array] = _points,
) -> Callable[..., Array]:
    """The pass with one of its steps exchanged; `divisor` gets the sizes that may be divided by."""

    def variant(x: Array, y: Array, w: Array, order: Array, batch_size: int, rate: float) -> Array:
        examples, path = len(x), [w]
        chosen_order = order if ordered else np.arange(examples)
        for start in range(0, examples, batch_size):
            batch = chosen_order[start : start + batch_size]
            if len(batch) < batch_size and not keep_rest:
                break
            targets = y[batch] if labels_in_order else y[start : start + batch_size]
            point, rows = path[-1], [batch]
            if singly:
                rows, targets = [batch[k : k + 1] for k in range(len(batch))], targets[:, None]
            else:
                targets = targets[None]
            for row, target in zip(rows, targets, strict=True):
                error = x[row] @ (w if stale else point) - target
                scale = divisor(len(row), batch_size, examples)
                point = point + sign * rate * (x[row].T @ error) / scale
            path.append(point)
        return record(path)

    return variant


MINIBATCH_DESCENT = Exercise(
    name="gradient_descent.minibatch_descent",
    outputs=("path",),
    reference=_minibatch_descent,
    cases=_descent_cases,
    criteria=(
        Criterion("path has the right shape", 0.25, "shape"),
        Criterion(
            "the path is right where every mini-batch is full",
            1.25,
            group="full",
            outputs=("path",),
            equations=("gd-update", "gd-minibatch-gradient"),
        ),
        Criterion(
            "the path is right where the last mini-batch is smaller",
            0.5,
            group="rest",
            outputs=("path",),
            equations=("gd-minibatch-gradient",),
        ),
        Criterion(
            "one example a step, and all examples in one step",
            0.75,
            group="edge",
            outputs=("path",),
            equations=("gd-update", "gd-minibatch-gradient"),
        ),
        Criterion("the arguments are left as they were", 0.25, "unchanged"),
    ),
    misconceptions=(
        Misconception(
            "a path that holds the same array again and again",
            "All points are the last one: w -= ... changes the array that is in the list already. "
            "w = w - ... makes a new one.",
            "gd-update",
            (_descent_variant(record=lambda path: np.array([path[-1]] * len(path))),),
        ),
        Misconception(
            "a path without its first point",
            "The weights from before the first step belong to the path too.",
            "gd-update",
            (_descent_variant(record=lambda path: np.array(path[1:])),),
        ),
        Misconception(
            "the last point in place of the path",
            "Keep the weights after every step, and those before the first.",
            "gd-update",
            (_descent_variant(record=lambda path: path[-1]),),
        ),
        Misconception(
            "inputs in the new order with targets in the old one",
            "Take x and y with the same indices; otherwise each example gets another's target.",
            "gd-minibatch-gradient",
            (_descent_variant(labels_in_order=False),),
        ),
        Misconception(
            "an order that is not used",
            "The mini-batches are pieces of order, which holds the indices of the examples.",
            "gd-minibatch-gradient",
            (_descent_variant(ordered=False),),
        ),
        Misconception(
            "a last mini-batch that is left out",
            "Some programs drop it. This exercise asks to keep it, although it is not full.",
            "gd-minibatch-gradient",
            (_descent_variant(keep_rest=False),),
        ),
        Misconception(
            "a small last mini-batch that is divided by the full batch size",
            "The mean over the last mini-batch divides by the number of examples that it has.",
            "gd-minibatch-gradient",
            (_descent_variant(divisor=lambda size, batch_size, examples: batch_size),),
        ),
        Misconception(
            "a division by the size of the training set",
            "The mean over a mini-batch divides by its own number of examples.",
            "gd-minibatch-gradient",
            (_descent_variant(divisor=lambda size, batch_size, examples: examples),),
        ),
        Misconception(
            "a sum over the mini-batch in place of its mean",
            "With a sum the step grows with the batch size, and with it the rate that is stable.",
            "gd-minibatch-gradient",
            (_descent_variant(divisor=lambda size, batch_size, examples: 1),),
        ),
        Misconception(
            "steps uphill",
            "The gradient points to where the loss grows, and the step goes against it. With the "
            "error as y - x w instead of x w - y the sign turns once more.",
            "gd-update",
            (_descent_variant(sign=1.0),),
        ),
        Misconception(
            "twice the gradient",
            "The loss of this exercise has a factor of one half, as in the chapter, which cancels "
            "the 2 of the derivative. Losses without the half are common as well.",
            "gd-update",
            (_descent_variant(divisor=lambda size, batch_size, examples: size / 2),),
        ),
        Misconception(
            "gradients that are all taken at the first weights",
            "Each step needs the gradient at the weights that the step before has reached.",
            "gd-update",
            (_descent_variant(stale=True),),
        ),
        Misconception(
            "a step for each example of the mini-batch",
            "The examples of a mini-batch are evaluated at the same weights, and their mean makes "
            "one step. An update after each of them is stochastic learning.",
            "gd-minibatch-gradient",
            (
                _descent_variant(singly=True),
                _descent_variant(
                    singly=True, divisor=lambda size, batch_size, examples: batch_size
                ),
            ),
        ),
    ),
)


# ---- the variance of a mini-batch gradient


def _variance(gradients: Array, batch_size: int) -> float:
    # tests/checks/test_gradient_descent.py compares this with all mini-batches that there are.
    return float(reference.minibatch_variance(gradients, batch_size).sum())


def _variance_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for group, examples, weights, batch_size in (
        ("ordinary", 8, 3, 3),
        ("ordinary", 9, 2, 4),
        ("ordinary", 6, 5, 2),
        ("edge", 7, 3, 1),
        ("edge", 5, 4, 5),
    ):
        scale = rng.uniform(0.5, 3.0, weights)
        mean = rng.uniform(1.0, 3.0, weights) * rng.choice([-1.0, 1.0], weights)
        gradients = mean + scale * rng.standard_normal((examples, weights))
        label = f"mini-batches of {batch_size} out of {examples}, {weights} weights"
        arguments = {"gradients": gradients, "batch_size": batch_size}
        cases.append(Case(group, label, arguments))
    return cases


def _variance_variant(
    one: Callable[[Array], Any] = lambda g: g.var(axis=0).sum(),
    factor: Callable[[int, int], float] = lambda m, b: (m - b) / (m - 1) / b,
    finish: Callable[[Any], Any] = lambda variance: variance,
) -> Callable[[Array, int], Any]:
    def variant(gradients: Array, batch_size: int) -> Any:
        return finish(one(gradients) * factor(len(gradients), batch_size))

    return variant


VARIANCE = Exercise(
    name="gradient_descent.minibatch_variance",
    outputs=("variance",),
    reference=_variance,
    cases=_variance_cases,
    criteria=(
        Criterion(
            "the variance is right for small mini-batches",
            0.75,
            group="ordinary",
            outputs=("variance",),
            equations=("gd-minibatch-variance",),
        ),
        Criterion(
            "mini-batches of one example, and of all",
            0.5,
            group="edge",
            outputs=("variance",),
            equations=("gd-minibatch-variance",),
        ),
        Criterion("the arguments are left as they were", 0.25, "unchanged"),
    ),
    misconceptions=(
        Misconception(
            "examples drawn with replacement",
            "This is the variance of independent draws. Here no example is drawn twice, and a "
            "mini-batch of all examples has no variance left.",
            "gd-minibatch-variance",
            (_variance_variant(factor=lambda m, b: 1 / b),),
        ),
        Misconception(
            "examples drawn with replacement, with a variance that divides by M - 1",
            "Both belong to a sample from something larger. Here the training set is everything "
            "that there is, and no example is drawn twice.",
            "gd-minibatch-variance",
            (_variance_variant(factor=lambda m, b: m / (m - 1) / b),),
        ),
        Misconception(
            "a factor with M below where M - 1 belongs",
            "Look at mini-batches of one: their variance is that of one example, so the factor for "
            "drawing none twice has to be 1 there.",
            "gd-minibatch-variance",
            (_variance_variant(factor=lambda m, b: (m - b) / m / b),),
        ),
        Misconception(
            "M - 1 in two places",
            "The variance of one example divides by M. With M - 1 there, the factor for drawing "
            "none twice would have to be (M - B) / M.",
            "gd-minibatch-variance",
            (_variance_variant(factor=lambda m, b: (m - b) / (m - 1) / b * m / (m - 1)),),
        ),
        Misconception(
            "the variance of one example",
            "A mini-batch averages over B examples, and that makes the variance smaller.",
            "gd-minibatch-variance",
            (_variance_variant(factor=lambda m, b: 1.0),),
        ),
        Misconception(
            "a variance that falls with the root of B",
            "The error falls with the root of B; the variance is its square.",
            "gd-minibatch-variance",
            (
                _variance_variant(factor=lambda m, b: (m - b) / (m - 1) / b**0.5),
                _variance_variant(factor=lambda m, b: b**-0.5),
            ),
        ),
        Misconception(
            "a variance that falls with the square of B",
            "Each deviation does enter with 1 / B squared, but there are B of them.",
            "gd-minibatch-variance",
            (
                _variance_variant(factor=lambda m, b: (m - b) / (m - 1) / b**2),
                _variance_variant(factor=lambda m, b: b**-2.0),
            ),
        ),
        Misconception(
            "the standard deviation in place of the variance",
            "Asked for is the mean squared distance: no root.",
            "gd-minibatch-variance",
            (_variance_variant(finish=np.sqrt),),
        ),
        Misconception(
            "one number for each weight",
            "A squared distance sums over the weights.",
            "gd-minibatch-variance",
            (_variance_variant(one=lambda g: g.var(axis=0)),),
        ),
        Misconception(
            "a mean over the weights",
            "The squared distance between two gradients is the sum over the weights, not the mean.",
            "gd-minibatch-variance",
            (_variance_variant(one=lambda g: g.var(axis=0).mean()),),
        ),
        Misconception(
            "one mean for all weights",
            "gradients.mean() and gradients.var() pool the weights. The gradient of the whole "
            "training set has an entry for each: average over the examples, axis 0.",
            "gd-minibatch-variance",
            (
                _variance_variant(one=lambda g: g.var() * g.shape[1]),
                _variance_variant(one=lambda g: g.var()),
            ),
        ),
        Misconception(
            "squared gradients that are not centred",
            "Measure the distance from the gradient of the whole training set: subtract the mean "
            "before you square.",
            "gd-minibatch-variance",
            (_variance_variant(one=lambda g: (g**2).sum() / len(g)),),
        ),
    ),
)


# ---- the largest stable rate by experiment


def _bracket(
    grad: Gradient, start: Array, steps: int, low: float, high: float, halvings: int
) -> tuple[float, float]:
    first = np.linalg.norm(grad(start))
    for _ in range(halvings):
        rate = (low + high) / 2
        last = reference.gradient_descent(grad, start, rate, steps)[-1]
        if np.linalg.norm(grad(last)) <= first:
            low = rate
        else:
            high = rate
    return low, high


def _quadratic(hessian: Array, minimum: Array) -> Gradient:
    def grad(w: Array) -> Array:
        result: Array = hessian @ (w - minimum)
        return result

    return grad


def _bracket_cases(rng: np.random.Generator) -> list[Case]:
    def bowl(weights: int) -> tuple[Gradient, Array, float]:
        """A gradient, a start whose slope is mostly that of the flat axes, and the bound."""
        eigenvalues = rng.uniform(0.3, 0.9, weights)
        eigenvalues[0] = rng.uniform(2.0, 5.0)
        axes, _ = np.linalg.qr(rng.standard_normal((weights, weights)))
        slope = rng.uniform(2.0, 3.0, weights) * rng.choice([-1.0, 1.0], weights)
        slope[0] = rng.uniform(0.2, 0.3)
        minimum = rng.uniform(1.0, 2.0, weights)
        hessian = (axes * eigenvalues) @ axes.T
        return (
            _quadratic(hessian, minimum),
            minimum + axes @ (slope / eigenvalues),
            2 / eigenvalues[0],
        )

    cases = []
    # Where high is far up, some of the rates make the gradient longer with the first step already.
    for weights, steps, halvings, upper in ((3, 12, 7, 2.2), (5, 9, 8, 25.0)):
        grad, start, bound = bowl(weights)
        low, high = rng.uniform(0.3, 0.5) * bound, upper * rng.uniform(1.0, 1.2) * bound
        arguments = (grad, start, steps, float(low), float(high), halvings)
        cases.append(
            ("ordinary", f"{weights} weights, {steps} steps, {halvings} halvings", arguments)
        )
    # Both axes have the same slope at first, and after two steps nearly all of it is along the
    # steep one: another norm than the Euclidean one draws the line elsewhere.
    curvature, minimum = rng.uniform(2.0, 5.0), rng.uniform(1.0, 2.0, 2)
    grad = _quadratic(np.diag([curvature, curvature / 3]), minimum)
    start = minimum + rng.uniform(4.0, 6.0) * np.array([1.0, 3.0]) / curvature
    arguments = (grad, start, 2, 1 / curvature, 3 / curvature, 7)
    cases.append(("ordinary", "2 weights, 2 steps, 7 halvings", arguments))
    # Powers of 2, so that the second rate is the bound exactly, and the slope keeps its length.
    curvature = 2.0 ** rng.integers(1, 4)
    grad = _quadratic(np.array([[curvature]]), np.zeros(1))
    start = rng.uniform(1.0, 2.0, 1)
    label = "one weight, and a rate in the middle that is the bound itself"
    cases.append(("bound", label, (grad, start, 5, 1 / curvature, 3 / curvature, 4)))
    grad, start, bound = bowl(3)
    label = "a rate so large that the weights overflow"
    cases.append(("overflow", label, (grad, start, 12, float(bound / 3), float(1e32 * bound), 5)))
    names = ("grad", "start", "steps", "low", "high", "halvings")
    return [
        Case(group, label, dict(zip(names, arguments, strict=True)))
        for group, label, arguments in cases
    ]


def _ends_longer(slopes: list[Any], points: list[Any]) -> bool:
    return not np.linalg.norm(slopes[-1]) <= np.linalg.norm(slopes[0])


def _bracket_variant(
    diverges: Callable[[list[Any], list[Any]], Any] = _ends_longer,
    sign: float = -1.0,
    restart: bool = True,
    exchanged: bool = False,
    count: Callable[[int], int] = lambda halvings: halvings,
    middle: Callable[[float, float], float] = lambda low, high: (low + high) / 2,
) -> Callable[..., tuple[float, float]]:
    """The search with one of its steps exchanged; `diverges` sees all slopes and all points."""

    def variant(
        grad: Gradient, start: Array, steps: int, low: float, high: float, halvings: int
    ) -> tuple[float, float]:
        first, w = grad(start), start
        for _ in range(count(halvings)):
            rate = middle(low, high)
            points, slopes = [start if restart else w], [first]
            for _ in range(steps):
                points.append(points[-1] + sign * rate * grad(points[-1]))
                slopes.append(grad(points[-1]))
            w = points[-1]
            if bool(diverges(slopes, points)) != exchanged:
                high = rate
            else:
                low = rate
        return low, high

    return variant


BRACKET = Exercise(
    name="gradient_descent.stable_rate_by_experiment",
    outputs=("low", "high"),
    reference=_bracket,
    cases=_bracket_cases,
    criteria=(
        Criterion(
            "low and high are right on ordinary bowls",
            1.25,
            group="ordinary",
            outputs=("low", "high"),
            equations=("gd-update", "gd-stable-rate"),
        ),
        Criterion(
            "a slope that keeps its length has not diverged",
            0.25,
            group="bound",
            outputs=("low", "high"),
            equations=("gd-stable-rate",),
        ),
        Criterion(
            "weights that overflow have diverged",
            0.25,
            group="overflow",
            outputs=("low", "high"),
            equations=("gd-stable-rate",),
        ),
        Criterion("the arguments are left as they were", 0.25, "unchanged"),
    ),
    misconceptions=(
        Misconception(
            "nan taken for convergence",
            "Every comparison with nan is False. Where the weights overflow, the length of the "
            "gradient is nan, so your question whether it is larger gets the answer no.",
            "gd-stable-rate",
            (
                _bracket_variant(
                    lambda slopes, points: np.linalg.norm(slopes[-1]) > np.linalg.norm(slopes[0])
                ),
            ),
        ),
        Misconception(
            "an oscillation taken for divergence",
            "At the bound itself the slope keeps its length for ever. Only what becomes longer "
            "counts as diverging here.",
            "gd-stable-rate",
            (
                _bracket_variant(
                    lambda slopes, points: (
                        not np.linalg.norm(slopes[-1]) < np.linalg.norm(slopes[0])
                    )
                ),
            ),
        ),
        Misconception(
            "the two ends exchanged",
            "A rate that diverges is the new upper end, any other one the new lower end.",
            "gd-stable-rate",
            (_bracket_variant(exchanged=True),),
        ),
        Misconception(
            "a search that does not go back to the start",
            "Each rate has to be tried from the same start; yours goes on from where the rate "
            "before it ended.",
            "gd-update",
            (_bracket_variant(restart=False),),
        ),
        Misconception(
            "steps uphill",
            "The step goes against the gradient. Uphill every rate diverges.",
            "gd-update",
            (_bracket_variant(sign=1.0),),
            idle=True,
        ),
        Misconception(
            "a verdict after the first step",
            "The flat axes shrink at first and hide the steep one, which grows. Take all steps "
            "before you compare.",
            "gd-stable-rate",
            (
                _bracket_variant(
                    lambda slopes, points: (
                        not np.linalg.norm(slopes[1]) <= np.linalg.norm(slopes[0])
                    )
                ),
            ),
        ),
        Misconception(
            "a comparison with the step before",
            "Compare the gradient after all steps with the one at the start.",
            "gd-stable-rate",
            (
                _bracket_variant(
                    lambda slopes, points: (
                        not np.linalg.norm(slopes[-1]) <= np.linalg.norm(slopes[-2])
                    )
                ),
            ),
        ),
        Misconception(
            "the length of the weights in place of that of the gradient",
            "The minimum need not be at 0, so the length of the weights says nothing about how far "
            "they have to go. The gradient is 0 at the minimum, wherever that is.",
            "gd-stable-rate",
            (
                _bracket_variant(
                    lambda slopes, points: (
                        not np.linalg.norm(points[-1]) <= np.linalg.norm(points[0])
                    )
                ),
            ),
        ),
        Misconception(
            "one halving too few or too many",
            "Halve the interval exactly as often as halvings says.",
            "gd-stable-rate",
            (
                _bracket_variant(count=lambda halvings: halvings - 1),
                _bracket_variant(count=lambda halvings: halvings + 1),
            ),
        ),
        Misconception(
            "the geometric mean of the two ends",
            "It is a good choice for rates that differ by orders of magnitude. This exercise asks "
            "for the middle, (low + high) / 2.",
            "gd-stable-rate",
            (_bracket_variant(middle=lambda low, high: float(np.sqrt(low * high))),),
        ),
    ),
)

EXERCISES = (RATES, MINIBATCH_DESCENT, VARIANCE, BRACKET)
