"""Checks of the exercise ``gradient-clipping``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradlab import gradient_clipping as reference
from gradlab.checks._edits import mistakes
from gradlab.checks._model import Case, Exercise, criteria
from gradlab.optimizers import Momentum

Array = NDArray[Any]


def _entries(rng: np.random.Generator, shape: tuple[int, ...], threshold: float) -> Array:
    """Entries of both signs, on both sides of a threshold, and none near it."""
    count = int(np.prod(shape))
    kind = rng.permutation(count) % 4
    magnitude = np.where(kind % 2 == 0, rng.uniform(0.2, 0.8, count), rng.uniform(1.5, 4.0, count))
    return (np.where(kind < 2, 1.0, -1.0) * magnitude * threshold).reshape(shape)


def _norm(grads: Sequence[Array]) -> Any:
    return np.sqrt(sum((g.astype(np.float64) ** 2).sum() for g in grads))


def _shapes(rng: np.random.Generator) -> tuple[tuple[int, ...], ...]:
    """A vector and a matrix that is not square."""
    rows = int(rng.integers(2, 4))
    return (int(rng.integers(5, 8)),), (rows, rows + int(rng.integers(1, 4)))


# ---- by value


def _cosine(a: Array, b: Array) -> Any:
    return (a * b).sum() / np.sqrt((a**2).sum() * (b**2).sum())


def _value_reference(grad: Array, clip_value: float) -> tuple[Array, Any]:
    (clipped,) = reference.clip_by_value([grad], clip_value)
    # In the gradient's own precision, which is all that can be asked for.
    return clipped, grad.dtype.type(_cosine(grad.astype(float), clipped.astype(float)))


def _value_cases(rng: np.random.Generator) -> list[Case]:
    vector, matrix = _shapes(rng)
    chosen: list[tuple[str, str, Array, float]] = []
    for shape, threshold, kind in (
        (vector, 2.5, np.float64),
        (matrix, 0.03, np.float64),
        (vector, 0.7, np.float32),
    ):
        label = f"shape {shape}, threshold {threshold:g}, {np.dtype(kind).name}"
        grad = _entries(rng, shape, threshold).astype(kind)
        chosen.append(("ordinary", label, grad, threshold))
    chosen.append(("edge", "the decks' gradient [0.9, 100]", np.array([0.9, 100.0]), 1.0))
    negative = -np.append(rng.uniform(0.5, 1.5, 3), rng.uniform(3.0, 40.0, 2))
    chosen.append(("edge", "all entries negative, threshold 2", negative, 2.0))
    short = _entries(rng, vector, 0.3)
    chosen.append(("edge", "no entry above the threshold 3", short, 3.0))
    single = np.array([rng.uniform(-9.0, -5.0)])
    chosen.append(("edge", "a single entry, threshold 0.6", single, 0.6))
    return [
        Case(group, label, {"grad": grad, "clip_value": threshold})
        for group, label, grad, threshold in chosen
    ]


def _clip_by_value(grad: Array, clip_value: float) -> Any:
    clipped = np.minimum(np.maximum(grad, -clip_value), clip_value)
    lengths = np.sqrt((grad**2).sum() * (clipped**2).sum())
    cosine = (grad * clipped).sum() / lengths
    return clipped, cosine


BY_VALUE = Exercise(
    name="gradient_clipping.by_value",
    outputs=("clipped", "cosine"),
    reference=_value_reference,
    model=_clip_by_value,
    cases=_value_cases,
    criteria=criteria("""
clipped and cosine have the right shapes (shape, 0.25)
every entry is bounded on both sides (ordinary, 0.5)
    clipped: gc-value
the cosine of the angle between the two (ordinary, 0.5)
    cosine: gc-value
the decks' example, negative entries, nothing to clip, a single entry (edge, 0.5)
    clipped, cosine: gc-value, within (1e-6, 1e-5)
the arguments are left as they were (unchanged, 0.25)
"""),
    misconceptions=mistakes(
        _clip_by_value,
        """
an upper bound alone (gc-value, 0.25)
    np.maximum(grad, -clip_value) -> grad
    An entry of -100 passes your function. Deck C writes only the upper side; the ceiling is meant
    for the magnitude.
a lower bound alone (gc-value, 0.25)
    np.minimum(np.maximum(grad, -clip_value), clip_value) -> np.maximum(grad, -clip_value)
    Entries below -clip_value are cut, those above clip_value are not.
a sign that is lost (gc-value, 0.25)
    np.minimum(np.maximum(grad, -clip_value), clip_value)
        -> np.where(abs(grad) > clip_value, clip_value, grad)
    A large negative entry becomes a positive one: the step would go uphill in that direction. Each
    entry keeps its sign.
the magnitudes without their signs (gc-value, 0.25)
    np.maximum(grad, -clip_value) -> abs(grad)
    You clip |g| and return it. Each entry keeps its sign.
zeros where negative entries were (gc-value, 0.25)
    np.maximum(grad, -clip_value) -> np.maximum(grad, 0)
    The lower bound is -clip_value, not 0.
large entries thrown away (gc-value, 0.25)
    np.minimum(np.maximum(grad, -clip_value), clip_value)
        -> np.where(abs(grad) > clip_value, 0.0, grad)
    An entry above the threshold is cut down to it, not set to 0: its direction is still the best
    that is known.
the sign of the gradient (gc-value, 0.25)
    np.minimum(np.maximum(grad, -clip_value), clip_value) -> clip_value * np.sign(grad)
    Every entry gets the threshold's magnitude. Those below it stay as they are.
clipping by norm (gc-value, 0.25)
    np.minimum(np.maximum(grad, -clip_value), clip_value)
        -> grad * min(1, clip_value / np.sqrt((grad * grad).sum()))
    You shorten the whole gradient by one factor. By value, each entry is bounded by itself, and
    those below the threshold stay.
all entries scaled by the largest one (gc-value, 0.25)
    np.minimum(np.maximum(grad, -clip_value), clip_value)
        -> grad * min(1, clip_value / abs(grad).max())
    No entry is above the threshold then, but all of them have been changed. By value, those below
    the threshold stay.
the cosine with one length squared (gc-value, 1)
    (clipped**2) -> (grad**2)
    (grad**2) -> (clipped**2)
    The inner product of two vectors is divided by the length of the one and by that of the other.
the angle instead of its cosine (gc-value, 1)
    return clipped, cosine -> return clipped, np.arccos(np.clip(cosine, -1, 1))
    return clipped, cosine -> return clipped, np.degrees(np.arccos(np.clip(cosine, -1, 1)))
    Return the cosine itself: 1 where nothing is turned.
""",
    ),
)


# ---- by norm


def _norm_reference(grad: Array, max_norm: float) -> Array:
    return reference.clip_by_norm(grad, max_norm)


def _norm_cases(rng: np.random.Generator) -> list[Case]:
    vector, matrix = _shapes(rng)
    chosen: list[tuple[str, str, Array, float]] = []
    for shape, scale, kind in (
        (vector, 2.0, np.float64),
        (matrix, 7.0, np.float64),
        (matrix, 1e-3, np.float64),
        (vector, 5.0, np.float32),
    ):
        grad = _entries(rng, shape, scale).astype(kind)
        # Below the largest entry, which is at least a quarter of the norm.
        threshold = float(rng.uniform(0.12, 0.22) * _norm([grad]))
        label = f"shape {shape}, norm {_norm([grad]):.3g}, {np.dtype(kind).name}"
        chosen.append(("ordinary", label, grad, threshold))
    short = _entries(rng, matrix, 1.5)
    chosen.append(("short", "a norm below the threshold", short, 1.6 * float(_norm([short]))))
    # All entries are below the threshold, and the norm is above it.
    even = rng.uniform(0.7, 0.9, 6) * rng.choice([-1.0, 1.0], 6)
    chosen.append(("short", "a norm above it, every entry below", even, 1.1))
    long = _entries(rng, vector, 3.0)
    chosen.append(("short", "a norm far above it", long, 0.15 * float(_norm([long]))))
    chosen.append(("zero", "a gradient of zeros", np.zeros(matrix), 0.4))
    chosen.append(("zero", "the decks' gradient [0.9, 100]", np.array([0.9, 100.0]), 1.0))
    return [
        Case(group, label, {"grad": grad, "max_norm": threshold})
        for group, label, grad, threshold in chosen
    ]


def _clip_by_norm(grad: Array, max_norm: float) -> Any:
    norm = np.sqrt((grad**2).sum())
    factor = max_norm / np.maximum(norm, max_norm)
    return factor * grad


BY_NORM = Exercise(
    name="gradient_clipping.by_norm",
    outputs=("clipped",),
    reference=_norm_reference,
    model=_clip_by_norm,
    cases=_norm_cases,
    criteria=criteria("""
clipped has the right shape (shape, 0.25)
a gradient that is too long is shortened (ordinary, 0.75)
    clipped: gc-clip-norm
the norm decides, and a short gradient stays (short, 0.5)
    clipped: gc-clip-norm
the decks' example, and a gradient of zeros (zero, 0.25)
    clipped: gc-clip-norm
the arguments are left as they were (unchanged, 0.25)
"""),
    misconceptions=mistakes(
        _clip_by_norm,
        """
a factor without its minimum (gc-clip-norm, 1.25)
    np.maximum(norm, max_norm) -> norm
    max_norm / norm is above 1 for a short gradient and lengthens it. Near a minimum that makes
    steps of full length forever.
a decision by the largest entry (gc-clip-norm, 1.5)
    / np.maximum(norm, max_norm) -> / norm if abs(grad).max() > max_norm else 1
    You shorten only where an entry is above the threshold. Many small entries make a long gradient,
    too: compare the norm.
a gradient of length 1 (gc-clip-norm, 0.75)
    max_norm / np.maximum(norm, max_norm) -> 1 / norm if norm > max_norm else 1
    You divide by the norm. The result should be max_norm long.
clipping by value (gc-clip-norm, 0.25)
    factor * grad -> np.clip(grad, -max_norm, max_norm)
    You bound each entry by itself, which turns the gradient. By norm, all entries are multiplied by
    one factor.
the root of the mean square (gc-clip-norm, 0.25)
    .sum() -> .mean()
    The norm is the root of the sum of the squares; a mean makes it smaller by the root of their
    number.
the sum of the magnitudes (gc-clip-norm, 0.25)
    np.sqrt((grad**2).sum()) -> abs(grad).sum()
    That is the 1-norm. The length of a vector is its 2-norm.
the largest magnitude as norm (gc-clip-norm, 0.25)
    np.sqrt((grad**2).sum()) -> abs(grad).max()
    That is the maximum norm. The length of a vector is its 2-norm.
the largest singular value of a matrix (gc-clip-norm, 1.25)
    np.sqrt((grad**2).sum()) -> np.linalg.norm(grad, 2)
    np.linalg.norm(matrix, 2) is the spectral norm. The length of the gradient is the root of the
    sum of all its squared entries, whatever its shape.
a norm for each row or column (gc-clip-norm, 1.25)
    .sum() -> .sum(axis=0)
    .sum() -> .sum(axis=-1, keepdims=True)
    With an axis, parts of the gradient get factors of their own, and it is turned. All entries
    together have one norm.
PyTorch's norm (gc-clip-norm, 1.25)
    .sum()) -> .sum()) + 1e-6
    You add 1e-6 to the norm, which is PyTorch's convention. This exercise asks for the norm itself.
a gradient that is not clipped (gc-clip-norm, 0.25, idle)
    factor * grad -> grad
    Your function returns the gradient as it came, where it should be shortened, too.
""",
    ),
)


# ---- by global norm


def _global_reference(grads: Sequence[Array], max_norm: float) -> tuple[list[Array], Any]:
    clipped, total_norm = reference.clip_by_global_norm(grads, max_norm)
    return clipped, grads[0].dtype.type(total_norm)


def _arrays(rng: np.random.Generator, scale: float, kind: Any = np.float64) -> list[Array]:
    """Two matrices and a bias; one of the three is far shorter than the others."""
    vector, matrix = _shapes(rng)
    sizes = (scale, 1.4 * scale, 0.1 * scale)
    return [
        _entries(rng, shape, size).astype(kind)
        for shape, size in zip((matrix, vector, matrix[::-1]), sizes, strict=True)
    ]


def _global_cases(rng: np.random.Generator) -> list[Case]:
    cases = []

    def add(group: str, label: str, grads: list[Array], share: float) -> None:
        # Through their maximum: the squares of some of these are out of range.
        largest = max(float(np.abs(g).max()) for g in grads) or 1.0
        norm = largest * float(_norm([g / largest for g in grads]))
        arguments = {"grads": grads, "max_norm": share * norm or 0.7}
        cases.append(Case(group, label, arguments))

    for scale, kind in ((2.0, np.float64), (0.02, np.float64), (4.0, np.float32)):
        label = f"three arrays of about {scale:g}, {np.dtype(kind).name}"
        add("ordinary", label, _arrays(rng, scale, kind), rng.uniform(0.2, 0.6))
    add("short", "a norm below the threshold", _arrays(rng, 1.0), 1.7)
    add("short", "a single array", _arrays(rng, 3.0)[:1], 0.4)
    add("short", "only the norm of all arrays is above the threshold", _arrays(rng, 0.5), 0.98)
    # Only the largest magnitude, and no other entry, is a unit in which all squares are harmless.
    wide = [-np.abs(g) for g in _arrays(rng, 1e200)]
    for g in (wide[0], wide[1], wide[2][0]):
        g.flat[:: g.ndim + 1] = rng.uniform(1.0, 2.0)
    add("extreme", "entries from about 1 to -1e200", [*wide, rng.uniform(0.5, 2.0, 2)], 1e-200)
    add("extreme", "entries of about 1e-200", _arrays(rng, 1e-200), 1e200)
    add("extreme", "float32, entries of about 1e25", _arrays(rng, 1e25, np.float32), 1e-25)
    add("extreme", "gradients of zeros", [np.zeros((2, 3)), np.zeros(3)], 1.0)
    return cases


def _clip_by_global_norm(grads: list[Array], max_norm: float) -> Any:
    largest = np.max([np.abs(grad).max() for grad in grads])
    if largest == 0:
        return [grad.copy() for grad in grads], 0.0
    squares = [((grad / largest) ** 2).sum() for grad in grads]
    total_norm = largest * np.sqrt(np.sum(squares))
    factor = max_norm / np.maximum(total_norm, max_norm)
    return [factor * grad for grad in grads], total_norm


GLOBAL_NORM = Exercise(
    name="gradient_clipping.by_global_norm",
    outputs=("clipped", "total_norm"),
    lists=("clipped",),
    reference=_global_reference,
    model=_clip_by_global_norm,
    cases=_global_cases,
    criteria=criteria("""
clipped and total_norm have the right shapes (shape, 0.25)
total_norm is the norm of all arrays together, before clipping (ordinary, 0.5)
    total_norm: gc-norm
all arrays are shortened by one factor (ordinary, 0.75)
    clipped: gc-clip-norm
gradients that are short enough, a single array (short, 0.5)
    clipped, total_norm: gc-clip-norm
squares that are out of range, and zeros (extreme, 0.75)
    clipped, total_norm: gc-norm, within (1e-5, 0.0)
the arguments are left as they were (unchanged, 0.25)
"""),
    misconceptions=mistakes(
        _clip_by_global_norm,
        """
squares that overflow or vanish (gc-norm, 2.25)
    np.max([np.abs(grad).max() for grad in grads]) -> 1.0
    The square of 1e200 is infinite and that of 1e-200 is 0, although the norm is neither. Divide by
    the largest magnitude before you square.
one norm for each array (gc-clip-norm, 1)
    factor * grad -> grad * min(1, max_norm / np.sqrt((grad**2).sum()))
    factor * grad -> grad * min(1, max_norm / np.sqrt((grad**2).sum()))
        & np.max([np.abs(grad).max() for grad in grads]) -> 1.0
    Each array is shortened by its own norm, which is Keras's clipnorm. The global norm is one
    number, and so is the factor; otherwise the gradient is turned.
the norms of the arrays added up (gc-norm, 0.25)
    largest * np.sqrt(np.sum(squares)) -> sum(np.sqrt((grad**2).sum()) for grad in grads)
    np.sqrt(np.sum(squares)) -> np.sum(np.sqrt(squares))
    Lengths at right angles do not add: the squares do, and the root comes last.
the longest array's norm for all (gc-norm, 0.25)
    largest * np.sqrt(np.sum(squares)) -> max(np.sqrt((grad**2).sum()) for grad in grads)
    np.sum(squares) -> np.max(squares)
    The arrays are parts of one vector, and each part makes it longer.
the largest magnitude for the norm (gc-norm, 0.25)
    largest * np.sqrt(np.sum(squares)) -> largest
    It is taken out before squaring, and has to be multiplied by the root of the sum of the squares
    afterwards.
a norm in units of the largest magnitude (gc-norm, 0.25)
    largest * np.sqrt -> np.sqrt
    largest * np.sqrt -> np.sqrt & largest == 0 -> largest < 0
    largest * np.sqrt -> np.sqrt & largest == 0 -> largest < 0
        & max_norm / np.maximum(total_norm, max_norm) -> min(1.0, max_norm / total_norm)
    You divided by the largest magnitude before squaring, and did not multiply by it afterwards.
the square of the norm (gc-norm, 0.25)
    np.sqrt(np.sum(squares)) -> np.sum(squares)
        & np.max([np.abs(grad).max() for grad in grads]) -> 1.0
    largest * np.sqrt(np.sum(squares)) -> largest**2 * np.sum(squares)
    np.sqrt(np.sum(squares)) -> np.sum(squares)
    The sum of the squares is the norm squared: the root is missing.
a factor without its minimum (gc-clip-norm, 1.75)
    np.maximum(total_norm, max_norm) -> total_norm
    np.maximum(total_norm, max_norm) -> total_norm & largest == 0 -> largest < 0
    np.maximum(total_norm, max_norm) -> total_norm
        & np.max([np.abs(grad).max() for grad in grads]) -> 1.0
    np.maximum(total_norm, max_norm) -> total_norm & (grad / largest) -> grad.astype(float)
        & largest * np.sqrt -> np.sqrt & largest == 0 -> largest < 0
    max_norm / norm is above 1 for short gradients and lengthens them.
the norm after clipping (gc-norm, 1.25)
    grads], total_norm -> grads], np.minimum(total_norm, max_norm)
    grads], total_norm -> grads], np.minimum(total_norm, max_norm)
        & np.max([np.abs(grad).max() for grad in grads]) -> 1.0
    grads], total_norm -> grads], np.sqrt(sum(((factor * grad) ** 2).sum() for grad in grads))
        & np.max([np.abs(grad).max() for grad in grads]) -> 1.0
    grads], total_norm -> grads], np.sqrt(sum(((factor * grad) ** 2).sum() for grad in grads))
        & (grad / largest) -> grad.astype(float) & largest * np.sqrt -> np.sqrt
    total_norm is the norm that came in. What goes out is never above max_norm, so that would tell
    nobody how often clipping acts.
the factor instead of the norm (gc-norm, 1.25)
    grads], total_norm -> grads], factor
    grads], total_norm -> grads], factor & np.max([np.abs(grad).max() for grad in grads]) -> 1.0
    The second result is the norm before clipping.
PyTorch's norm (gc-clip-norm)
    np.maximum(total_norm, -> np.maximum(total_norm + 1e-6,
    np.maximum(total_norm, -> np.maximum(total_norm + 1e-6,
        & np.max([np.abs(grad).max() for grad in grads]) -> 1.0
    You add 1e-6 to the norm, which is PyTorch's convention. This exercise asks for the norm itself.
clipping by value (gc-clip-norm, 1)
    factor * grad -> np.clip(grad, -max_norm, max_norm)
    factor * grad -> np.clip(grad, -max_norm, max_norm)
        & np.max([np.abs(grad).max() for grad in grads]) -> 1.0
    You bound each entry by itself, which turns the gradient. By norm, all entries are multiplied by
    one factor.
""",
    ),
)


# ---- clipped descent


def _descent_reference(
    gradient: Callable[[Array], Array],
    start: Array,
    learning_rate: float,
    momentum: float,
    max_norm: float,
    steps: int,
) -> Array:
    optimizer = Momentum(learning_rate, momentum)
    point, path = start.copy(), [start.copy()]
    for _ in range(steps):
        optimizer.step([point], [reference.clip_by_norm(gradient(point), max_norm)])
        path.append(point.copy())
    return np.array(path)


def _valley(rng: np.random.Generator) -> tuple[Callable[[Any], Array], Array]:
    """The gradient of a narrow bowl, and a start where its slope is far above any threshold."""
    turn = np.linalg.qr(rng.standard_normal((2, 2)))[0]
    hessian = (turn * np.array([rng.uniform(9.0, 10.0), rng.uniform(0.8, 1.1)])) @ turn.T

    def gradient(point: Any) -> Array:
        slope: Array = hessian @ np.asarray(point, float)
        return slope

    return gradient, turn @ rng.uniform(2.0, 2.4, 2)


def _descent_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for group, steps, momentum, threshold in (
        ("ordinary", 13, 0.6, 2.0),
        ("ordinary", 12, 0.3, 3.0),
        ("ordinary", 17, 0.75, 2.0),
        ("edge", 0, 0.6, 1.5),
        ("edge", 2, 0.8, 1.8),
        ("edge", 5, 0.0, 1.4),
        ("edge", 5, 0.6, 1e6),
    ):
        gradient, start = _valley(rng)
        arguments = {
            "gradient": gradient,
            "start": start,
            "learning_rate": float(rng.uniform(0.17, 0.2)),
            "momentum": momentum,
            "max_norm": threshold,
            "steps": steps,
        }
        label = f"{steps} steps, momentum {momentum:g}, threshold {threshold:g}"
        cases.append(Case(group, label, arguments))
    return cases


def _clipped_descent(
    gradient: Callable[[Array], Array],
    start: Array,
    learning_rate: float,
    momentum: float,
    max_norm: float,
    steps: int,
) -> Any:
    point = start
    velocity = np.zeros_like(start)
    path = [point]
    for _ in range(steps):
        slope = gradient(point)
        norm = np.sqrt((slope**2).sum())
        clipped = slope * max_norm / np.maximum(norm, max_norm)
        velocity = momentum * velocity - learning_rate * clipped
        point = point + velocity
        path.append(point)
    return np.array(path)


DESCENT = Exercise(
    name="gradient_clipping.descent",
    outputs=("path",),
    reference=_descent_reference,
    model=_clipped_descent,
    cases=_descent_cases,
    criteria=criteria("""
path has the right shape (shape, 0.25)
clipped descent with momentum goes the right way (ordinary, 1.25)
    path: gc-clip-norm
no step, two steps, no momentum, nothing to clip (edge, 0.25)
    path: gc-clip-norm
the arguments are left as they were (unchanged, 0.25)
"""),
    misconceptions=mistakes(
        _clipped_descent,
        """
the velocity clipped instead of the gradient (gc-clip-norm, 0.25)
    learning_rate * clipped -> learning_rate * slope & point = point + velocity -> velocity =
        velocity * min(1, max_norm / np.linalg.norm(velocity)); point = point + velocity
    learning_rate * clipped -> learning_rate * slope & point = point + velocity -> velocity =
        velocity * min(1, learning_rate * max_norm / np.linalg.norm(velocity));
        point = point + velocity
    One huge gradient is in the velocity before you shorten it, and pushes all the others out. Clip
    the gradient before the optimizer sees it.
learning rate times gradient compared with the threshold (gc-clip-norm, 0.25)
    gradient(point) -> learning_rate * gradient(point) & learning_rate * clipped -> clipped
    The threshold is one for the gradient. Clip first, then multiply by the learning rate: a step
    without momentum is at most learning_rate * max_norm long.
descent without clipping (gc-clip-norm, 0.25)
    learning_rate * clipped -> learning_rate * slope
    The gradients go into the velocity as they are.
a factor without its minimum (gc-clip-norm, 0.25)
    np.maximum(norm, max_norm) -> norm
    Near the minimum the gradient is short, and you lengthen it to max_norm.
clipping by value (gc-clip-norm, 0.25)
    learning_rate * clipped -> learning_rate * np.clip(slope, -max_norm, max_norm)
    This part asks for clipping by norm, which keeps the direction.
the velocity forgotten (gc-clip-norm, 0.25)
    momentum * velocity - learning_rate -> -learning_rate
    Each of your steps is the clipped gradient's alone. The velocity keeps the share momentum of
    what it was.
a running average for the velocity (gc-clip-norm, 0.25)
    - learning_rate * clipped -> - (1 - momentum) * learning_rate * clipped
    You weight the gradient by 1 - momentum, which is a convention, too. This exercise gives it the
    full learning rate.
the gradient at the start in every step (gc-clip-norm, 0.25)
    gradient(point) -> gradient(start)
    The gradient changes with the point: ask for it anew in each step.
Nesterov's gradient (gc-clip-norm, 0.25)
    gradient(point) -> gradient(point + momentum * velocity)
    You take the gradient where the velocity will lead, which is Nesterov's method. This exercise
    asks for the gradient at the point itself.
a step uphill (gc-clip-norm, 0.25)
    velocity - learning_rate -> velocity + learning_rate
    point + velocity -> point - velocity
    Minus the learning rate times the gradient goes into the velocity, and the velocity is added to
    the point. Compare both signs.
the last point in every row (gc-clip-norm, 0.25)
    np.array(path) -> np.array([path[-1]] * len(path))
    Your list holds the same array many times, and in-place steps change it everywhere. Make a new
    array in each step, or append a copy.
a path without its start (gc-clip-norm, 0)
    np.array(path) -> np.array(path[1:])
    The first row is the start, so there is one row more than there are steps.
""",
    ),
)

EXERCISES = (BY_VALUE, BY_NORM, GLOBAL_NORM, DESCENT)
