"""What students hand in for the exercise ``gradient-clipping``: right in other forms, and wrong.

Each function stands by itself, so that its source can be put into a notebook; but for `njit`.
"""

import numpy as np
from numba import njit

VALUE = "gradient_clipping.by_value"
NORM = "gradient_clipping.by_norm"
GLOBAL = "gradient_clipping.by_global_norm"
DESCENT = "gradient_clipping.descent"

# ---- right


def value_loops(grad, clip_value):
    clipped = grad.astype(float).tolist()
    rows = clipped if grad.ndim > 1 else [clipped]
    dot = before = after = 0.0
    for row in rows:
        for j, g in enumerate(row):
            if g > clip_value:
                row[j] = clip_value
            elif g < -clip_value:
                row[j] = -clip_value
            dot += g * row[j]
            before += g * g
            after += row[j] * row[j]
    return clipped, dot / before**0.5 / after**0.5


def value_linalg(grad, clip_value):
    clipped = np.clip(grad, -clip_value, clip_value)
    a, b = grad.ravel() / np.linalg.norm(grad), clipped.ravel() / np.linalg.norm(clipped)
    return [clipped, np.dot(a, b)]


def value_by_sign(grad, clip_value):
    clipped = np.where(np.abs(grad) > clip_value, clip_value * np.sign(grad), grad)
    # The law of cosines.
    a, b, c = (np.sum(v * v) for v in (grad, clipped, grad - clipped))
    return clipped, (a + b - c) / (2 * np.sqrt(a) * np.sqrt(b))


def norm_if(grad, max_norm):
    norm = np.linalg.norm(grad)
    if norm <= max_norm:
        return grad
    return grad / norm * max_norm


def norm_loops(grad, max_norm):
    flat = [float(g) for g in grad.ravel()]
    norm = sum(g * g for g in flat) ** 0.5
    factor = min(1.0, max_norm / norm) if norm > 0 else 1.0
    return np.reshape([factor * g for g in flat], grad.shape).tolist()


def norm_in_place_on_a_copy(grad, max_norm):
    out = np.array(grad)
    norm = np.sqrt(np.vdot(out, out))
    if norm > max_norm:
        out *= max_norm / norm
    return out


def global_hypot(grads, max_norm):
    import math

    total = math.hypot(*[float(g) for grad in grads for g in grad.ravel()])
    if total <= max_norm:
        return grads, total
    return [grad * (max_norm / total) for grad in grads], total


def global_concatenated(grads, max_norm):
    flat = np.concatenate([grad.ravel() for grad in grads]).astype(float)
    largest = np.abs(flat).max()
    if largest == 0:
        return tuple(grads), 0
    unit = flat / largest
    length = np.linalg.norm(unit)
    if largest * length > max_norm:
        flat = unit * (max_norm / length)
    ends = np.cumsum([grad.size for grad in grads])[:-1]
    pieces = np.split(flat, ends)
    return [p.reshape(g.shape) for p, g in zip(pieces, grads, strict=True)], largest * length


def global_power_of_two(grads, max_norm):
    exponent = max(int(np.frexp(np.abs(grad).max())[1]) for grad in grads)
    scaled = [np.ldexp(grad.astype(np.float64), -exponent) for grad in grads]
    norm = float(np.ldexp(np.sqrt(sum((s * s).sum() for s in scaled)), exponent))
    factor = 1.0 if norm == 0 else min(1.0, max_norm / norm)
    return [[factor * row for row in grad] for grad in grads], norm


def descent_array(gradient, start, learning_rate, momentum, max_norm, steps):
    path = np.empty((steps + 1, start.size))
    path[0] = start
    for t in range(steps):
        g = gradient(path[t])
        length = np.linalg.norm(g)
        if length > max_norm:
            g = g * (max_norm / length)
        # The last difference is the velocity.
        before = path[t] - path[t - 1] if t > 0 else 0.0
        path[t + 1] = path[t] + momentum * before - learning_rate * g
    return path


def descent_pytorch(gradient, start, learning_rate, momentum, max_norm, steps):
    w, v = [float(x) for x in start], [0.0] * len(start)
    path = [list(w)]
    while len(path) <= steps:
        g = [float(x) for x in gradient(np.array(w))]
        norm = sum(x * x for x in g) ** 0.5
        factor = 1.0 if norm <= max_norm else max_norm / norm
        v = [momentum * a + factor * b for a, b in zip(v, g, strict=True)]
        w = [a - learning_rate * b for a, b in zip(w, v, strict=True)]
        path.append(list(w))
    return path


def value_vectorized(grad, clip_value):
    clip = np.vectorize(lambda g: max(-clip_value, min(clip_value, float(g))))
    clipped = clip(grad)
    cosine = np.vdot(grad, clipped) / np.sqrt(np.vdot(grad, grad) * np.vdot(clipped, clipped))
    return clipped, np.array(cosine)


def value_in_place_on_a_copy(grad, clip_value):
    c = grad.copy()
    c[c > clip_value] = clip_value
    c[c < -clip_value] = -clip_value
    a, b = np.ravel(grad), np.ravel(c)
    return c, a @ b / ((a @ a) * (b @ b)) ** 0.5


def value_by_medians(grad, clip_value):
    bounds = np.full(grad.shape, clip_value)
    clipped = np.median(np.stack([-bounds, grad, bounds]), axis=0)
    unit = [v.astype(float) / np.sqrt((v.astype(float) ** 2).sum()) for v in (grad, clipped)]
    return clipped, 1 - ((unit[0] - unit[1]) ** 2).sum() / 2


def norm_hypot(grad, max_norm):
    norm = np.hypot.reduce(grad, axis=None)
    return grad if norm == 0 else min(1, max_norm / norm) * grad


def norm_scaled(grad, max_norm):
    top = np.abs(grad).max()
    if top > 0:
        norm = top * np.linalg.norm((grad / top).ravel())
        grad = np.divide(grad, max(1.0, norm / max_norm))
    return grad


@njit
def norm_numba(grad, max_norm):
    total = 0.0
    for g in grad.flat:
        total += g * g
    factor = 1.0 if total <= max_norm**2 else max_norm / np.sqrt(total)
    return grad * factor


def global_recursive(grads, max_norm):
    import math

    def length(values):
        return math.hypot(length(values[:-1]), float(values[-1])) if len(values) else 0.0

    total = 0.0
    for grad in grads:
        total = math.hypot(total, length(grad.ravel()))
    factor = min(1.0, max_norm / total) if total else 1.0
    return (*(np.multiply(grad, factor) for grad in grads),), total


def global_generators(grads, max_norm):
    top = max(abs(float(g)) for grad in grads for g in grad.flat) or 1.0
    norm = top * sum((float(g) / top) ** 2 for grad in grads for g in grad.flat) ** 0.5
    return [(g / max(1.0, norm / max_norm)).tolist() for g in grads], np.float64(norm)


def global_in_place_on_copies(grads, max_norm):
    out = [g.astype(np.longdouble) for g in grads]
    norm = np.sqrt(sum(np.sum(g * g) for g in out))
    for g in out:
        if norm > max_norm:
            g *= max_norm / norm
    return [g.astype(float) for g in out], float(norm)


def descent_generator(gradient, start, learning_rate, momentum, max_norm, steps):
    def points():
        w, v = start, 0 * start
        while True:
            yield w
            g = gradient(w)
            v = momentum * v - learning_rate * g * min(1, max_norm / np.linalg.norm(g))
            w = w + v

    from itertools import islice

    return list(islice(points(), steps + 1))


def descent_recursive(gradient, start, learning_rate, momentum, max_norm, steps):
    def go(point, velocity, left):
        if not left:
            return [point]
        g = gradient(point)
        g = g / max(1.0, np.sqrt(g @ g) / max_norm)
        velocity = momentum * velocity - learning_rate * g
        return [point, *go(point + velocity, velocity, left - 1)]

    return np.stack(go(start, np.zeros(len(start)), steps))


def descent_unrolled(gradient, start, learning_rate, momentum, max_norm, steps):
    # The velocity as a sum over all clipped gradients so far.
    path, clipped = [np.array(start)], []
    for t in range(steps):
        g = np.asarray(gradient(path[-1]))
        clipped.append(g * np.minimum(1, max_norm / np.linalg.norm(g)))
        powers = momentum ** np.arange(t, -1, -1.0)
        path.append(path[-1] - learning_rate * powers @ np.array(clipped))
    return tuple(path)


def descent_in_place_on_copies(gradient, start, learning_rate, momentum, max_norm, steps):
    w, v, path = start.copy(), np.zeros(start.shape), np.tile(start, (steps + 1, 1))
    for t in range(steps):
        g = gradient(w).copy()
        norm = np.linalg.norm(g)
        g *= max_norm / norm if norm > max_norm else 1
        v *= momentum
        v -= learning_rate * g
        w += v
        path[t + 1] = w
    return path


OTHER_FORMS = [
    (VALUE, value_loops),
    (VALUE, value_linalg),
    (VALUE, value_by_sign),
    (VALUE, value_vectorized),
    (VALUE, value_in_place_on_a_copy),
    (VALUE, value_by_medians),
    (NORM, norm_if),
    (NORM, norm_loops),
    (NORM, norm_in_place_on_a_copy),
    (NORM, norm_hypot),
    (NORM, norm_scaled),
    (NORM, norm_numba),
    (GLOBAL, global_hypot),
    (GLOBAL, global_concatenated),
    (GLOBAL, global_power_of_two),
    (GLOBAL, global_recursive),
    (GLOBAL, global_generators),
    (GLOBAL, global_in_place_on_copies),
    (DESCENT, descent_array),
    (DESCENT, descent_pytorch),
    (DESCENT, descent_generator),
    (DESCENT, descent_recursive),
    (DESCENT, descent_unrolled),
    (DESCENT, descent_in_place_on_copies),
]


# ---- wrong, as students write it and not as the checker does


def s_value_by_norm(grad, clip_value):
    norm = np.linalg.norm(grad)
    clipped = grad * clip_value / norm if norm > clip_value else grad
    return clipped, np.sum(grad * clipped) / (np.linalg.norm(grad) * np.linalg.norm(clipped))


def s_norm_looks_at_entries(grad, max_norm):
    if (np.abs(grad) > max_norm).any():
        grad = max_norm * grad / np.linalg.norm(grad)
    return grad


def s_global_each(grads, max_norm):
    total = 0
    clipped = []
    for g in grads:
        norm = np.sqrt(np.sum(g**2))
        total += norm**2
        clipped.append(g * max_norm / norm if norm > max_norm else g)
    return clipped, np.sqrt(total)


def s_descent_same_array(gradient, start, learning_rate, momentum, max_norm, steps):
    w, v = start.copy(), np.zeros(2)
    path = [w]
    for _ in range(steps):
        g = gradient(w)
        g = g * min(1, max_norm / np.linalg.norm(g))
        v = momentum * v - learning_rate * g
        w += v
        path.append(w)
    return np.array(path)


# (exercise, function, the misconception that the report names, the points that the weights give)
STUDENTS = [
    (VALUE, s_value_by_norm, "clipping by norm", 0.25),
    (NORM, s_norm_looks_at_entries, "a decision by the largest entry", 1.5),
    (GLOBAL, s_global_each, "one norm for each array", 1.0),
    (DESCENT, s_descent_same_array, "the last point in every row", 0.25),
]
