"""Checks of the exercise ``gradient-clipping``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradlab import gradient_clipping as reference
from gradlab.checks._model import Case, Criterion, Exercise, Misconception
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


def _by_value(grad: Array, clip_value: float) -> tuple[Array, Any]:
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


def _value_variant(
    clip: Callable[[Array, float], Array] = lambda g, t: np.clip(g, -t, t),
    cosine: Callable[[Array, Array], Any] = _cosine,
) -> Callable[..., tuple[Array, Any]]:
    def variant(grad: Array, clip_value: float) -> tuple[Array, Any]:
        clipped = clip(grad, clip_value)
        return clipped, cosine(grad, clipped)

    return variant


def _shortened(grad: Array, threshold: float, norm: Callable[[Array], Any]) -> Array:
    """Clipping by norm, with any norm."""
    result: Array = grad * np.minimum(1.0, threshold / norm(grad))
    return result


def _largest(grad: Array) -> Any:
    return np.abs(grad).max()


def _euclidean(grad: Array) -> Any:
    return np.sqrt((grad**2).sum())


BY_VALUE = Exercise(
    name="gradient_clipping.by_value",
    outputs=("clipped", "cosine"),
    reference=_by_value,
    cases=_value_cases,
    criteria=(
        Criterion("clipped and cosine have the right shapes", 0.25, "shape"),
        Criterion(
            "every entry is bounded on both sides",
            0.5,
            group="ordinary",
            outputs=("clipped",),
            equations=("gc-value",),
        ),
        Criterion(
            "the cosine of the angle between the two",
            0.5,
            group="ordinary",
            outputs=("cosine",),
            equations=("gc-value",),
        ),
        Criterion(
            "the decks' example, negative entries, nothing to clip, a single entry",
            0.5,
            group="edge",
            outputs=("clipped", "cosine"),
            equations=("gc-value",),
            # Where nothing is turned, rounding turns by an angle of 1e-8.
            tolerance=(1e-6, 1e-5),
        ),
        Criterion("the arguments are left as they were", 0.25, "unchanged"),
    ),
    misconceptions=(
        Misconception(
            "an upper bound alone",
            "An entry of -100 passes your function. Deck C writes only the upper side; the ceiling "
            "is meant for the magnitude.",
            "gc-value",
            (_value_variant(np.minimum),),
        ),
        Misconception(
            "a lower bound alone",
            "Entries below -clip_value are cut, those above clip_value are not.",
            "gc-value",
            (_value_variant(lambda g, t: np.maximum(g, -t)),),
        ),
        Misconception(
            "a sign that is lost",
            "A large negative entry becomes a positive one: the step would go uphill in that "
            "direction. Each entry keeps its sign.",
            "gc-value",
            (_value_variant(lambda g, t: np.where(np.abs(g) > t, t, g)),),
        ),
        Misconception(
            "the magnitudes without their signs",
            "You clip |g| and return it. Each entry keeps its sign.",
            "gc-value",
            (_value_variant(lambda g, t: np.minimum(np.abs(g), t)),),
        ),
        Misconception(
            "zeros where negative entries were",
            "The lower bound is -clip_value, not 0.",
            "gc-value",
            (_value_variant(lambda g, t: np.clip(g, 0, t)),),
        ),
        Misconception(
            "large entries thrown away",
            "An entry above the threshold is cut down to it, not set to 0: its direction is still "
            "the best that is known.",
            "gc-value",
            (_value_variant(lambda g, t: np.where(np.abs(g) > t, 0.0, g)),),
        ),
        Misconception(
            "the sign of the gradient",
            "Every entry gets the threshold's magnitude. Those below it stay as they are.",
            "gc-value",
            (_value_variant(lambda g, t: t * np.sign(g)),),
        ),
        Misconception(
            "clipping by norm",
            "You shorten the whole gradient by one factor. By value, each entry is bounded by "
            "itself, and those below the threshold stay.",
            "gc-value",
            (_value_variant(lambda g, t: _shortened(g, t, _euclidean)),),
        ),
        Misconception(
            "all entries scaled by the largest one",
            "No entry is above the threshold then, but all of them have been changed. By value, "
            "those below the threshold stay.",
            "gc-value",
            (_value_variant(lambda g, t: _shortened(g, t, _largest)),),
        ),
        Misconception(
            "a cosine that is not divided by the lengths",
            "The inner product is the cosine times both lengths.",
            "gc-value",
            (_value_variant(cosine=lambda g, c: (g * c).sum()),),
        ),
        Misconception(
            "squared lengths under the cosine",
            "The inner product is divided by the lengths of both; a length has a root.",
            "gc-value",
            (_value_variant(cosine=lambda g, c: (g * c).sum() / ((g**2).sum() * (c**2).sum())),),
        ),
        Misconception(
            "the cosine with one length squared",
            "The inner product of two vectors is divided by the length of the one and by that of "
            "the other.",
            "gc-value",
            (
                _value_variant(cosine=lambda g, c: (g * c).sum() / (g**2).sum()),
                _value_variant(cosine=lambda g, c: (g * c).sum() / (c**2).sum()),
            ),
        ),
        Misconception(
            "the angle instead of its cosine",
            "Return the cosine itself: 1 where nothing is turned.",
            "gc-value",
            (
                _value_variant(cosine=lambda g, c: np.arccos(np.clip(_cosine(g, c), -1, 1))),
                _value_variant(
                    cosine=lambda g, c: np.degrees(np.arccos(np.clip(_cosine(g, c), -1, 1)))
                ),
            ),
        ),
    ),
)


# ---- by norm


def _by_norm(grad: Array, max_norm: float) -> Array:
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


def _norm_variant(norm: Callable[[Array], Any]) -> Callable[..., Array]:
    return lambda grad, max_norm: _shortened(grad, max_norm, norm)


def _unit(grad: Array, max_norm: float) -> Array:
    norm = _euclidean(grad)
    return grad / norm if norm > max_norm else grad


BY_NORM = Exercise(
    name="gradient_clipping.by_norm",
    outputs=("clipped",),
    reference=_by_norm,
    cases=_norm_cases,
    criteria=(
        Criterion("clipped has the right shape", 0.25, "shape"),
        Criterion(
            "a gradient that is too long is shortened",
            0.75,
            group="ordinary",
            outputs=("clipped",),
            equations=("gc-clip-norm",),
        ),
        Criterion(
            "the norm decides, and a short gradient stays",
            0.5,
            group="short",
            outputs=("clipped",),
            equations=("gc-clip-norm",),
        ),
        Criterion(
            "the decks' example, and a gradient of zeros",
            0.25,
            group="zero",
            outputs=("clipped",),
            equations=("gc-clip-norm",),
        ),
        Criterion("the arguments are left as they were", 0.25, "unchanged"),
    ),
    misconceptions=(
        Misconception(
            "a factor without its minimum",
            "max_norm / norm is above 1 for a short gradient and lengthens it. Near a minimum that "
            "makes steps of full length for ever.",
            "gc-clip-norm",
            (lambda grad, max_norm: grad * (max_norm / _euclidean(grad)),),
        ),
        Misconception(
            "a decision by the largest entry",
            "You shorten only where an entry is above the threshold. Many small entries make a "
            "long gradient, too: compare the norm.",
            "gc-clip-norm",
            (
                lambda grad, max_norm: (
                    grad * (max_norm / _euclidean(grad)) if _largest(grad) > max_norm else grad
                ),
            ),
        ),
        Misconception(
            "a gradient of length 1",
            "You divide by the norm. The result should be max_norm long.",
            "gc-clip-norm",
            (_unit,),
        ),
        Misconception(
            "clipping by value",
            "You bound each entry by itself, which turns the gradient. By norm, all entries are "
            "multiplied by one factor.",
            "gc-clip-norm",
            (lambda grad, max_norm: np.clip(grad, -max_norm, max_norm),),
        ),
        Misconception(
            "the square of the norm",
            "The sum of the squares is the norm squared: the root is missing.",
            "gc-clip-norm",
            (_norm_variant(lambda g: (g**2).sum()),),
        ),
        Misconception(
            "the root of the mean square",
            "The norm is the root of the sum of the squares; a mean makes it smaller by the root "
            "of their number.",
            "gc-clip-norm",
            (_norm_variant(lambda g: np.sqrt((g**2).mean())),),
        ),
        Misconception(
            "the sum of the magnitudes",
            "That is the 1-norm. The length of a vector is its 2-norm.",
            "gc-clip-norm",
            (_norm_variant(lambda g: np.abs(g).sum()),),
        ),
        Misconception(
            "the largest magnitude as norm",
            "That is the maximum norm. The length of a vector is its 2-norm.",
            "gc-clip-norm",
            (_norm_variant(_largest),),
        ),
        Misconception(
            "the largest singular value of a matrix",
            "np.linalg.norm(matrix, 2) is the spectral norm. The length of the gradient is the "
            "root of the sum of all its squared entries, whatever its shape.",
            "gc-clip-norm",
            (_norm_variant(lambda g: np.linalg.norm(g, 2)),),
        ),
        Misconception(
            "a norm for each row or column",
            "With an axis, parts of the gradient get factors of their own, and it is turned. All "
            "entries together have one norm.",
            "gc-clip-norm",
            (
                _norm_variant(lambda g: np.sqrt((g**2).sum(axis=0))),
                _norm_variant(lambda g: np.sqrt((g**2).sum(axis=-1, keepdims=True))),
            ),
        ),
        Misconception(
            "PyTorch's norm",
            "You add 1e-6 to the norm, which is PyTorch's convention. This exercise asks for the "
            "norm itself.",
            "gc-clip-norm",
            (_norm_variant(lambda g: _euclidean(g) + 1e-6),),
        ),
    ),
)


# ---- by global norm


def _global(grads: Sequence[Array], max_norm: float) -> tuple[list[Array], Any]:
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


def _global_variant(
    norm: Callable[[list[Array]], Any],
    told: Callable[[Any, float], Any] = lambda norm, limit: norm,
    least: Callable[[float, Any], Any] = np.minimum,
) -> Callable[..., tuple[list[Array], Any]]:
    """Clipping with another norm, and perhaps telling another one than it used."""

    def variant(grads: list[Array], max_norm: float) -> tuple[list[Array], Any]:
        total = norm(grads)
        factor = least(1.0, np.float64(max_norm) / total)
        return [g * factor for g in grads], told(total, max_norm)

    return variant


def _naive(grads: list[Array]) -> Any:
    """The norm by its definition, in the gradients' own precision."""
    return np.sqrt(sum((g**2).sum() for g in grads))


def _in_double(grads: list[Array]) -> Any:
    return _naive([g.astype(np.float64) for g in grads])


def _in_units_of_the_largest(grads: list[Array]) -> Any:
    return _naive([g / max(map(_largest, grads)) for g in grads])


def _through_the_largest(grads: list[Array]) -> Any:
    return max(map(_largest, grads)) * _in_units_of_the_largest(grads)


def _after_clipping(
    norm: Callable[[list[Array]], Any],
) -> Callable[..., tuple[list[Array], Any]]:
    """The norm computed once more, of what goes out."""

    def variant(grads: list[Array], max_norm: float) -> tuple[list[Array], Any]:
        clipped, _ = _global_variant(norm)(grads, max_norm)
        return clipped, norm(clipped)

    return variant


def _each(total: Callable[[list[Array]], Any]) -> Callable[..., tuple[list[Array], Any]]:
    def variant(grads: list[Array], max_norm: float) -> tuple[list[Array], Any]:
        return [_shortened(g, max_norm, _euclidean) for g in grads], total(grads)

    return variant


def _by_value_in_lists(grads: list[Array], max_norm: float) -> tuple[list[Array], Any]:
    return [np.clip(g, -max_norm, max_norm) for g in grads], _naive(grads)


GLOBAL_NORM = Exercise(
    name="gradient_clipping.by_global_norm",
    outputs=("clipped", "total_norm"),
    lists=("clipped",),
    reference=_global,
    cases=_global_cases,
    criteria=(
        Criterion("clipped and total_norm have the right shapes", 0.25, "shape"),
        Criterion(
            "total_norm is the norm of all arrays together, before clipping",
            0.5,
            group="ordinary",
            outputs=("total_norm",),
            equations=("gc-norm",),
        ),
        Criterion(
            "all arrays are shortened by one factor",
            0.75,
            group="ordinary",
            outputs=("clipped",),
            equations=("gc-clip-norm",),
        ),
        Criterion(
            "gradients that are short enough, a single array",
            0.5,
            group="short",
            outputs=("clipped", "total_norm"),
            equations=("gc-clip-norm",),
        ),
        Criterion(
            "squares that are out of range, and zeros",
            0.75,
            group="extreme",
            outputs=("clipped", "total_norm"),
            equations=("gc-norm",),
            # Relative alone: beside 1e-200 everything absolute is coarse.
            tolerance=(1e-5, 0.0),
        ),
        Criterion("the arguments are left as they were", 0.25, "unchanged"),
    ),
    misconceptions=(
        Misconception(
            "squares that overflow or vanish",
            "The square of 1e200 is infinite and that of 1e-200 is 0, although the norm is "
            "neither. Divide by the largest magnitude before you square.",
            "gc-norm",
            (_global_variant(_naive),),
        ),
        Misconception(
            "one norm for each array",
            "Each array is shortened by its own norm, which is Keras's clipnorm. The global norm "
            "is one number, and so is the factor; otherwise the gradient is turned.",
            "gc-clip-norm",
            (_each(_naive),),
        ),
        Misconception(
            "the norms of the arrays added up",
            "Lengths at right angles do not add: the squares do, and the root comes last.",
            "gc-norm",
            (_global_variant(lambda grads: sum(_euclidean(g) for g in grads)),),
        ),
        Misconception(
            "the longest array's norm for all",
            "The arrays are parts of one vector, and each part makes it longer.",
            "gc-norm",
            (_global_variant(lambda grads: max(_euclidean(g) for g in grads)),),
        ),
        Misconception(
            "the largest magnitude for the norm",
            "It is taken out before squaring, and has to be multiplied by the root of the sum of "
            "the squares afterwards.",
            "gc-norm",
            (_global_variant(lambda grads: max(_largest(g) for g in grads)),),
        ),
        Misconception(
            "a norm in units of the largest magnitude",
            "You divided by the largest magnitude before squaring, and did not multiply by it "
            "afterwards.",
            "gc-norm",
            (
                _global_variant(_in_units_of_the_largest),
                # Python's min keeps the 1 where the other number is NaN.
                _global_variant(_in_units_of_the_largest, least=min),
            ),
        ),
        Misconception(
            "the square of the norm",
            "The sum of the squares is the norm squared: the root is missing.",
            "gc-norm",
            (_global_variant(lambda grads: _naive(grads) ** 2),),
        ),
        Misconception(
            "a factor without its minimum",
            "max_norm / norm is above 1 for short gradients and lengthens them.",
            "gc-clip-norm",
            tuple(
                _global_variant(norm, least=lambda one, factor: factor)
                for norm in (_naive, _in_double, _through_the_largest)
            ),
        ),
        Misconception(
            "the norm after clipping",
            "total_norm is the norm that came in. What goes out is never above max_norm, so that "
            "would tell nobody how often clipping acts.",
            "gc-norm",
            (
                _global_variant(_naive, told=np.minimum),
                _global_variant(_through_the_largest, told=np.minimum),
                _after_clipping(_naive),
                _after_clipping(_in_double),
            ),
        ),
        Misconception(
            "the factor instead of the norm",
            "The second result is the norm before clipping.",
            "gc-norm",
            (
                _global_variant(
                    _naive, told=lambda norm, limit: np.minimum(1.0, np.float64(limit) / norm)
                ),
            ),
        ),
        Misconception(
            "PyTorch's norm",
            "You add 1e-6 to the norm, which is PyTorch's convention. This exercise asks for the "
            "norm itself.",
            "gc-clip-norm",
            (
                _global_variant(
                    lambda grads: _naive(grads) + 1e-6, told=lambda norm, limit: norm - 1e-6
                ),
            ),
        ),
        Misconception(
            "clipping by value",
            "You bound each entry by itself, which turns the gradient. By norm, all entries are "
            "multiplied by one factor.",
            "gc-clip-norm",
            (_by_value_in_lists,),
        ),
    ),
)


# ---- clipped descent


def _descend(
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


def _clip(grad: Array, max_norm: float) -> Array:
    return _shortened(grad, max_norm, _euclidean)


def _descent_variant(
    step: Callable[..., Array] | None = None,
    clip: Callable[[Array, float], Array] = _clip,
    told: Callable[[list[Array]], Any] = np.array,
    where: Callable[[Array, Array, Array, float], Array] = lambda start, w, v, beta: w,
) -> Callable[..., Any]:
    """Descent with one thing exchanged: the new velocity, the clipping, what is told, the place
    at which the gradient is taken.
    """

    def variant(
        gradient: Callable[[Array], Array],
        start: Array,
        learning_rate: float,
        momentum: float,
        max_norm: float,
        steps: int,
    ) -> Any:
        point, velocity = start, np.zeros_like(start)
        path = [start]
        for _ in range(steps):
            slope = gradient(where(start, point, velocity, momentum))
            if step is None:
                velocity = momentum * velocity - learning_rate * clip(slope, max_norm)
            else:
                velocity = step(velocity, slope, learning_rate, momentum, max_norm)
            point = point + velocity
            path.append(point)
        return told(path)

    return variant


DESCENT = Exercise(
    name="gradient_clipping.descent",
    outputs=("path",),
    reference=_descend,
    cases=_descent_cases,
    criteria=(
        Criterion("path has the right shape", 0.25, "shape"),
        Criterion(
            "clipped descent with momentum goes the right way",
            1.25,
            group="ordinary",
            outputs=("path",),
            equations=("gc-clip-norm",),
        ),
        Criterion(
            "no step, two steps, no momentum, nothing to clip",
            0.25,
            group="edge",
            outputs=("path",),
            equations=("gc-clip-norm",),
        ),
        Criterion("the arguments are left as they were", 0.25, "unchanged"),
    ),
    misconceptions=(
        Misconception(
            "the velocity clipped instead of the gradient",
            "One huge gradient is in the velocity before you shorten it, and pushes all the others "
            "out. Clip the gradient before the optimizer sees it.",
            "gc-clip-norm",
            (
                _descent_variant(lambda v, g, rate, beta, limit: _clip(beta * v - rate * g, limit)),
                _descent_variant(
                    lambda v, g, rate, beta, limit: rate * _clip(beta * v / rate - g, limit)
                ),
            ),
        ),
        Misconception(
            "learning rate times gradient compared with the threshold",
            "The threshold is one for the gradient. Clip first, then multiply by the learning "
            "rate: a step without momentum is at most learning_rate * max_norm long.",
            "gc-clip-norm",
            (_descent_variant(lambda v, g, rate, beta, limit: beta * v - _clip(rate * g, limit)),),
        ),
        Misconception(
            "descent without clipping",
            "The gradients go into the velocity as they are.",
            "gc-clip-norm",
            (_descent_variant(clip=lambda g, limit: g),),
        ),
        Misconception(
            "a factor without its minimum",
            "Near the minimum the gradient is short, and you lengthen it to max_norm.",
            "gc-clip-norm",
            (_descent_variant(clip=lambda g, limit: g * (limit / _euclidean(g))),),
        ),
        Misconception(
            "clipping by value",
            "This part asks for clipping by norm, which keeps the direction.",
            "gc-clip-norm",
            (_descent_variant(clip=lambda g, limit: np.clip(g, -limit, limit)),),
        ),
        Misconception(
            "the velocity forgotten",
            "Each of your steps is the clipped gradient's alone. The velocity keeps the share "
            "momentum of what it was.",
            "gc-clip-norm",
            (_descent_variant(lambda v, g, rate, beta, limit: -rate * _clip(g, limit)),),
        ),
        Misconception(
            "a running average for the velocity",
            "You weight the gradient by 1 - momentum, which is a convention, too. This exercise "
            "gives it the full learning rate.",
            "gc-clip-norm",
            (
                _descent_variant(
                    lambda v, g, rate, beta, limit: beta * v - (1 - beta) * rate * _clip(g, limit)
                ),
            ),
        ),
        Misconception(
            "the gradient at the start in every step",
            "The gradient changes with the point: ask for it anew in each step.",
            "gc-clip-norm",
            (_descent_variant(where=lambda start, w, v, beta: start),),
        ),
        Misconception(
            "Nesterov's gradient",
            "You take the gradient where the velocity will lead, which is Nesterov's method. This "
            "exercise asks for the gradient at the point itself.",
            "gc-clip-norm",
            (_descent_variant(where=lambda start, w, v, beta: w + beta * v),),
        ),
        Misconception(
            "a step uphill",
            "The velocity gets minus the learning rate times the gradient.",
            "gc-clip-norm",
            (_descent_variant(lambda v, g, rate, beta, limit: beta * v + rate * _clip(g, limit)),),
        ),
        Misconception(
            "the last point in every row",
            "Your list holds the same array many times, and in-place steps change it everywhere. "
            "Make a new array in each step, or append a copy.",
            "gc-clip-norm",
            (_descent_variant(told=lambda path: np.array([path[-1]] * len(path))),),
        ),
        Misconception(
            "a path without its start",
            "The first row is the start, so there is one row more than there are steps.",
            "gc-clip-norm",
            (_descent_variant(told=lambda path: np.array(path[1:])),),
        ),
    ),
)

EXERCISES = (BY_VALUE, BY_NORM, GLOBAL_NORM, DESCENT)
