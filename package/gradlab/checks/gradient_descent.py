"""Checks of the exercise ``gradient-descent``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradlab import gradient_descent as reference
from gradlab.checks._edits import mistakes
from gradlab.checks._model import Case, Exercise, Function, criteria

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


def _rates_answer(hessian: Array) -> tuple[float, float, float]:
    eigenvalues = np.linalg.eigvalsh(hessian)
    low, high = eigenvalues.min(), eigenvalues.max()
    optimal = 2 / (low + high)
    bound = 2 / high
    return optimal, bound, high / low


RATES = Exercise(
    name="gradient_descent.rates",
    outputs=("optimal", "bound", "condition"),
    reference=_rates,
    cases=_rates_cases,
    criteria=criteria("""
optimal makes the slowest axis as fast as possible (ordinary, 0.5)
    optimal: gd-minimax-rate
bound is the rate below which all axes converge (ordinary, 0.5)
    bound: gd-stable-rate
condition says how elongated the surface is (ordinary, 0.5)
    condition: gd-condition-number
one weight, a round bowl, a long valley (edge, 0.25)
    optimal, bound, condition: gd-optimal-rate gd-minimax-rate
the arguments are left as they were (unchanged, 0.25)
"""),
    model=_rates_answer,
    misconceptions=mistakes(
        _rates_answer,
        """
the diagonal of the Hessian in place of its eigenvalues (gd-stable-rate, 0)
    np.linalg.eigvalsh(hessian) -> np.diag(hessian)
    The diagonal holds the curvature along each weight. The axes of the surface lie across the
    weights as soon as an entry off the diagonal is not 0.
eigenvalues taken in the order in which they come (gd-minimax-rate, 0)
    eigvalsh(hessian) -> eigvals(hessian).real & .min(), eigenvalues.max() -> [0], eigenvalues[-1]
    np.linalg.eig and eigvals sort nothing: the first need not be the smallest. np.linalg.eigvalsh,
    for symmetric matrices, returns them in ascending order.
a norm of all entries in place of the largest eigenvalue (gd-stable-rate)
    eigenvalues.max() -> np.linalg.norm(hessian)
    2 / high -> 2 / np.linalg.norm(hessian)
    np.linalg.norm of a matrix is by default the root of the sum of its squared entries, to which
    every eigenvalue contributes. The largest one alone limits the rate.
the smallest eigenvalue where the largest one counts (gd-stable-rate)
    2 / high -> 2 / low
    2 / high -> 2 / low & 2 / (low + high) -> 1 / low
    The steepest axis is the first to diverge. A rate that only suits the flattest one throws the
    steep ones out.
the optimal rate taken for the largest stable one (gd-stable-rate, 1.25)
    2 / high -> 1 / high
    2 / high -> optimal
    Beyond 1 / lambda_max the steepest axis is overshot at every step, and still converges as long
    as its factor 1 - rate * lambda_max stays above -1.
the rate of the largest curvature (gd-minimax-rate)
    2 / (low + high) -> 1 / high
    2 / (low + high) -> 1 / high & 2 / high -> 1 / high
    1 / lambda_max is a sound and more cautious choice, which suits the steepest axis only. Asked
    for is the rate at which the slowest axis is as fast as possible.
half of the best rate (gd-minimax-rate, 1.25)
    2 / (low + high) -> 1 / (low + high)
    Set the two extreme factors equal in size, 1 - rate * lambda_min = rate * lambda_max - 1, and
    solve for the rate: a 2 remains.
the rate that is best for the mean of the inverse curvatures (gd-minimax-rate, 1.25)
    2 / (low + high) -> (1 / low + 1 / high) / 2
    Averaging the best rates of the two axes diverges along the steep one. What has to be balanced
    are the factors 1 - rate * lambda.
the condition number upside down (gd-condition-number, 1.25)
    high / low -> low / high
    The condition number is at least 1: the largest eigenvalue over the smallest.
the ratio of the contours' axes (gd-condition-number, 1.25)
    high / low -> np.sqrt(high / low)
    The contours' axes differ by the root of the condition number, which is the ratio of the
    eigenvalues themselves.
the factor of a step in place of the condition number (gd-condition-number, 1.25)
    high / low -> (high - low) / (high + low)
    (kappa - 1) / (kappa + 1) is what the condition number is good for. Return kappa.
""",
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


def _descent_answer(
    x: Array, y: Array, w: Array, order: Array, batch_size: int, rate: float
) -> Array:
    path = [w]
    for start in range(0, len(order), batch_size):
        batch = order[start : start + batch_size]
        error = x[batch] @ w - y[batch]
        gradient = x[batch].T @ error / len(batch)
        w = w - rate * gradient
        path.append(w)
    return np.array(path)


MINIBATCH_DESCENT = Exercise(
    name="gradient_descent.minibatch_descent",
    outputs=("path",),
    reference=_minibatch_descent,
    cases=_descent_cases,
    criteria=criteria("""
path has the right shape (shape, 0.25)
the path is right where every mini-batch is full (full, 0.75)
    path: gd-update gd-minibatch-gradient
the path is right where the last mini-batch is smaller (rest, 0.5)
    path: gd-minibatch-gradient
one example a step, and all examples in one step (edge, 0.5)
    path: gd-update gd-minibatch-gradient
the arguments are left as they were (unchanged, 0.25)
"""),
    model=_descent_answer,
    misconceptions=mistakes(
        _descent_answer,
        """
a path that holds the same array again and again (gd-update, 0.25)
    w = w - rate -> w -= rate
    w = w - rate -> w -= rate & path = [w] -> w = w.copy(); path = [w]
    All points are the last one: w -= ... changes the array that is in the list already. w = w - ...
    makes a new one.
a path without its first point (gd-update, 0)
    path = [w] -> path = []
    The weights from before the first step belong to the path too.
the last point in place of the path (gd-update, 0)
    np.array(path) -> w
    Keep the weights after every step, and those before the first.
inputs in the new order with targets in the old one (gd-minibatch-gradient, 0.25)
    y[batch] -> y[start : start + batch_size]
    Take x and y with the same indices; otherwise each example gets another's target.
an order that is not used (gd-minibatch-gradient, 0.25)
    order[start -> np.arange(len(order))[start
    The mini-batches are pieces of order, which holds the indices of the examples.
a last mini-batch that is left out (gd-minibatch-gradient, 1.5)
    range(0, len(order), -> range(0, len(order) - batch_size + 1,
    Some programs drop it. This exercise asks to keep it, although it is not full.
a small last mini-batch that is divided by the full batch size (gd-minibatch-gradient, 1.75)
    / len(batch) -> / batch_size
    The mean over the last mini-batch divides by the number of examples that it has.
a division by the size of the training set (gd-minibatch-gradient, 0.25)
    / len(batch) -> / len(order)
    The mean over a mini-batch divides by its own number of examples.
a sum over the mini-batch in place of its mean (gd-minibatch-gradient, 0.25)
    error / len(batch) -> error
    With a sum the step grows with the batch size, and with it the rate that is stable.
steps uphill (gd-update, 0.25)
    w - rate -> w + rate
    The gradient points to where the loss grows, and the step goes against it. With the error as
    y - x w instead of x w - y the sign turns once more.
twice the gradient (gd-update, 0.25)
    / len(batch) -> / len(batch) * 2
    The loss of this exercise has a factor of one half, as in the chapter, which cancels the 2 of
    the derivative. Losses without the half are common as well.
gradients that are all taken at the first weights (gd-update, 0.25)
    @ w - y -> @ path[0] - y
    Each step needs the gradient at the weights that the step before has reached.
a step for each example of the mini-batch (gd-minibatch-gradient, 0.25)
    w = w - rate * gradient -> for i in batch: w = w - rate * (x[i] @ w - y[i]) * x[i]
    w = w - rate * gradient -> for i in batch: w = w - rate * (x[i] @ w - y[i]) * x[i] / batch_size
    w = w - rate * gradient -> for i in batch: w = w - rate * (x[i] @ w - y[i]) * x[i] / len(batch)
    The examples of a mini-batch are evaluated at the same weights, and their mean makes one step.
    An update after each of them is stochastic learning.
""",
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


def _variance_answer(gradients: Array, batch_size: int) -> float:
    examples = len(gradients)
    deviations = gradients - gradients.mean(axis=0)
    one = (deviations**2).sum() / examples
    remaining = (examples - batch_size) / (examples - 1)
    return remaining * one / batch_size


VARIANCE = Exercise(
    name="gradient_descent.minibatch_variance",
    outputs=("variance",),
    reference=_variance,
    cases=_variance_cases,
    criteria=criteria("""
the variance is right for small mini-batches (ordinary, 0.75)
    variance: gd-minibatch-variance
mini-batches of one example, and of all (edge, 0.5)
    variance: gd-minibatch-variance
the arguments are left as they were (unchanged, 0.25)
"""),
    model=_variance_answer,
    misconceptions=mistakes(
        _variance_answer,
        """
examples drawn with replacement (gd-minibatch-variance, 0)
    remaining * one -> one
    This is the variance of independent draws. Here no example is drawn twice, and a mini-batch of
    all examples has no variance left.
examples drawn with replacement, with a variance that divides by M - 1 (gd-minibatch-variance, 0)
    .sum() / examples -> .sum() / (examples - 1) & remaining * one -> one
    Both belong to a sample from something larger. Here the training set is everything that there
    is, and no example is drawn twice.
a factor with M below where M - 1 belongs (gd-minibatch-variance, 0)
    batch_size) / (examples - 1) -> batch_size) / examples
    Look at mini-batches of one: their variance is that of one example, so the factor for drawing
    none twice has to be 1 there.
M - 1 in two places (gd-minibatch-variance, 0)
    .sum() / examples -> .sum() / (examples - 1)
    The variance of one example divides by M. With M - 1 there, the factor for drawing none twice
    would have to be (M - B) / M.
the variance of one example (gd-minibatch-variance, 0)
    remaining * one / batch_size -> one
    .sum() / examples -> .sum() / (examples - 1) & remaining * one / batch_size -> one
    A mini-batch averages over B examples, and that makes the variance smaller.
a variance that falls with the root of B (gd-minibatch-variance)
    / batch_size -> / batch_size**0.5
    remaining * one / batch_size -> one / batch_size**0.5
    The error falls with the root of B; the variance is its square.
a variance that falls with the square of B (gd-minibatch-variance)
    / batch_size -> / batch_size**2
    remaining * one / batch_size -> one / batch_size**2
    Each deviation does enter with 1 / B squared, but there are B of them.
the standard deviation in place of the variance (gd-minibatch-variance, 0)
    remaining * one / batch_size -> np.sqrt(remaining * one / batch_size)
    Asked for is the mean squared distance: no root.
one number for each weight (gd-minibatch-variance, 0)
    .sum() -> .sum(axis=0)
    A squared distance sums over the weights.
a mean over the weights (gd-minibatch-variance, 0)
    .sum() / examples -> .mean()
    The squared distance between two gradients is the sum over the weights, not the mean.
one mean for all weights (gd-minibatch-variance, 0)
    gradients.mean(axis=0) -> gradients.mean()
    gradients.mean(axis=0) -> gradients.mean() & .sum() / examples -> .mean()
    gradients.mean() and gradients.var() pool the weights. The gradient of the whole training set
    has an entry for each: average over the examples, axis 0.
squared gradients that are not centered (gd-minibatch-variance, 0)
    gradients - gradients.mean(axis=0) -> gradients
    Measure the distance from the gradient of the whole training set: subtract the mean before you
    square.
""",
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


def _bracket_answer(
    grad: Gradient, start: Array, steps: int, low: float, high: float, halvings: int
) -> tuple[float, float]:
    length_at_start = np.linalg.norm(grad(start))
    for _ in range(halvings):
        rate = (low + high) / 2
        w = start
        for _ in range(steps):
            w = w - rate * grad(w)
        if np.linalg.norm(grad(w)) <= length_at_start:
            low = rate
        else:
            high = rate
    return low, high


BRACKET = Exercise(
    name="gradient_descent.stable_rate_by_experiment",
    outputs=("low", "high"),
    reference=_bracket,
    cases=_bracket_cases,
    criteria=criteria("""
low and high are right on ordinary bowls (ordinary, 1)
    low, high: gd-update gd-stable-rate
a slope that keeps its length has not diverged (bound, 0.25)
    low, high: gd-stable-rate
weights that overflow have diverged (overflow, 0.25)
    low, high: gd-stable-rate
the arguments are left as they were (unchanged, 0.25)
"""),
    model=_bracket_answer,
    misconceptions=mistakes(
        _bracket_answer,
        """
nan taken for convergence (gd-stable-rate, 1.5)
    if np.linalg.norm(grad(w)) <= -> if not np.linalg.norm(grad(w)) >
    Every comparison with nan is False. Where the weights overflow, the length of the gradient is
    nan, so your question whether it is larger gets the answer no.
an oscillation taken for divergence (gd-stable-rate, 1.5)
    <= length_at_start -> < length_at_start
    At the bound itself the slope keeps its length forever. Only what becomes longer counts as
    diverging here.
the two ends exchanged (gd-stable-rate, 0)
    if np.linalg.norm -> if not np.linalg.norm
    A rate that diverges is the new upper end, any other one the new lower end.
a search that does not go back to the start (gd-update, 0.75)
    w = start -> pass & length_at_start = -> w = start; length_at_start =
    Each rate has to be tried from the same start; yours goes on from where the rate before it
    ended.
every trial taken for a divergence (gd-update, 0.5, idle)
    w - rate -> w + rate
    Only the upper end of your interval moves. The step goes against the gradient: uphill every
    rate diverges. Look at the comparison, too: does it ever find that the gradient is no longer?
every trial taken for a convergence (gd-update, 0, idle)
    w - rate * grad(w) -> w
    Only the lower end of your interval moves. Does a trial take all of its steps, and is the
    gradient that you compare that of the last weights?
a verdict after the first step (gd-stable-rate, 0.75)
    range(steps) -> range(1)
    The flat axes shrink at first and hide the steep one, which grows. Take all steps before you
    compare.
a comparison with the step before (gd-stable-rate, 0.75)
    w = w - rate -> length_at_start = np.linalg.norm(grad(w)); w = w - rate
    Compare the gradient after all steps with the one at the start.
the length of the weights in place of that of the gradient (gd-stable-rate, 0.75)
    norm(grad(start)) -> norm(start) & norm(grad(w)) -> norm(w)
    The minimum need not be at 0, so the length of the weights says nothing about how far they have
    to go. The gradient is 0 at the minimum, wherever that is.
one halving too few or too many (gd-stable-rate, 0)
    range(halvings) -> range(halvings - 1)
    range(halvings) -> range(halvings + 1)
    Halve the interval exactly as often as halvings says.
the geometric mean of the two ends (gd-stable-rate, 0)
    (low + high) / 2 -> np.sqrt(low * high)
    It is a good choice for rates that differ by orders of magnitude. This exercise asks for the
    middle, (low + high) / 2.
a rate that is not in the middle (gd-stable-rate, idle)
    (low + high) / 2 -> low + high
    (low + high) / 2 -> (low + high) * 2
    (low + high) / 2 -> low / 2
    (low + high) / 2 -> high / 2
    The rate to try lies halfway between the ends: (low + high) / 2, with the parentheses.
""",
    ),
)


# ---- simplified Hessians


def _simplified(
    jacobian: Array, loss_hessian: Array, grad: Array, damping: float
) -> tuple[Array, Array]:
    matrix = reference.gauss_newton_matrix(jacobian, loss_hessian)
    return matrix, reference.diagonal_newton_step(grad, np.diag(matrix), damping)


def _simplified_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for group, shape, rest in (
        ("ordinary", (5, 2, 4), ""),
        ("ordinary", (4, 3, 5), ""),
        ("ordinary", (6, 1, 3), ", float32"),
        ("edge", (1, 3, 4), ""),
        ("edge", (3, 2, 5), ", of which one does nothing"),
        ("edge", (4, 2, 3), ", a loss that is curved downwards"),
    ):
        batch, outputs, weights = shape
        jacobian = rng.uniform(0.3, 1.5, shape) * rng.choice([-1.0, 1.0], shape)
        if "nothing" in rest:
            jacobian[:, :, 1] = 0.0
        root = rng.standard_normal((batch, outputs, outputs))
        bowl = root @ root.swapaxes(1, 2) + 0.3 * np.eye(outputs)
        arguments = {
            "jacobian": jacobian,
            "loss_hessian": -bowl if "downwards" in rest else bowl,
            "grad": rng.uniform(0.3, 2.0, weights) * rng.choice([-1.0, 1.0], weights),
        }
        if "float32" in rest:
            arguments = {name: array.astype(np.float32) for name, array in arguments.items()}
        what = f"{batch} example{'s' if batch > 1 else ''}, {outputs} output"
        what += f"{'s' if outputs > 1 else ''}, {weights} weights"
        damping = {"damping": float(rng.uniform(0.2, 0.6))}
        cases.append(Case(group, what + rest, arguments | damping))
    return cases


def _with_its_own_matrix(
    function: Function, jacobian: Array, loss_hessian: Array, grad: Array, damping: float
) -> tuple[Array, Array]:
    """The step is judged with the matrix that came: it follows, or it does not."""
    matrix, step = function(jacobian, loss_hessian, grad, damping)
    right, _ = _simplified(jacobian, loss_hessian, grad, damping)
    if matrix.shape == right.shape and step.shape == grad.shape and np.diag(matrix).any():
        own, due = (abs(np.diag(m)) + damping for m in (matrix, right))
        step = step * (own / due)
    return matrix, step


def _simplified_answer(
    jacobian: Array, loss_hessian: Array, grad: Array, damping: float
) -> tuple[Array, Array]:
    examples, _, weights = jacobian.shape
    matrix = np.zeros((weights, weights))
    for derivatives, curvature in zip(jacobian, loss_hessian, strict=True):
        matrix = matrix + derivatives.T @ curvature @ derivatives
    matrix = matrix / examples
    step = -grad / (np.abs(np.diag(matrix)) + damping)
    return matrix, step


SIMPLIFIED = Exercise(
    name="gradient_descent.simplified_hessian",
    outputs=("matrix", "step"),
    reference=_simplified,
    observe=_with_its_own_matrix,
    cases=_simplified_cases,
    criteria=criteria("""
matrix and step have the right shapes (shape, 0.125)
matrix is Gauss and Newton's (ordinary, 0.5)
    matrix: gd-gauss-newton
step follows from the diagonal of the matrix that you return (ordinary, 0.5)
    step: gd-diagonal-newton
one example, a weight that does nothing, a loss that is curved downwards (edge, 0.25)
    matrix, step: gd-gauss-newton gd-diagonal-newton
the arguments are left as they were (unchanged, 0.125)
"""),
    model=_simplified_answer,
    misconceptions=mistakes(
        _simplified_answer,
        """
a sum over the examples in place of their mean (gd-gauss-newton, 0.75)
    matrix / examples -> matrix
    The loss is the mean over the examples, and so is its Hessian: divide by their number.
the curvature of the loss left out (gd-gauss-newton, 0.75)
    derivatives.T @ curvature @ derivatives -> derivatives.T @ derivatives
    J^T J is the matrix of half the squared error alone. Other losses have second derivatives that
    stand between the two.
the products of the mean Jacobian (gd-gauss-newton)
    zip(jacobian, -> zip([jacobian.mean(axis=0)] * examples,
    Each example has a product of its own, and the products are averaged: a mean taken before loses
    what differs among the examples.
the diagonal of the curvature of the loss alone (gd-gauss-newton)
    @ curvature @ -> @ np.diag(np.diag(curvature)) @
    The outputs act on the loss together: H_i has entries off its diagonal, too.
a curvature with its sign (gd-diagonal-newton, 1.25)
    np.abs(np.diag(matrix)) -> np.diag(matrix)
    np.abs(np.diag(matrix)) + damping -> np.abs(np.diag(matrix) + damping)
    Where the error is curved downwards, a division by a negative number would go uphill: take the
    magnitude of the curvature, and add the damping to that.
a step that is not damped (gd-diagonal-newton, 0.75)
    + damping) -> )
    Where a weight hardly matters the curvature is near 0, and the quotient has no bound.
Newton's step with the whole matrix (gd-diagonal-newton)
    -grad / (np.abs(np.diag(matrix)) + damping) ->
        -np.linalg.solve(matrix + damping * np.eye(weights), grad)
    That solves a system of as many equations as there are weights, which nobody can afford for a
    network. Asked for is the diagonal alone: each weight by its own curvature.
the damping as a learning rate (gd-diagonal-newton)
    -grad / (np.abs(np.diag(matrix)) + damping) -> -damping * grad / np.abs(np.diag(matrix))
    It is added to the curvature, so that it acts only where that is small.
""",
    ),
)

EXERCISES = (RATES, MINIBATCH_DESCENT, VARIANCE, BRACKET, SIMPLIFIED)
