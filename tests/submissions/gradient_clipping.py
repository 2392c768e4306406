"""What students hand in for the exercise ``gradient-clipping``: right in other forms, and wrong.

Each function stands by itself, so that its source can be put into a notebook.
"""

import numpy as np

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


OTHER_FORMS = [
    (VALUE, value_loops),
    (VALUE, value_linalg),
    (VALUE, value_by_sign),
    (NORM, norm_if),
    (NORM, norm_loops),
    (NORM, norm_in_place_on_a_copy),
    (GLOBAL, global_hypot),
    (GLOBAL, global_concatenated),
    (GLOBAL, global_power_of_two),
    (DESCENT, descent_array),
    (DESCENT, descent_pytorch),
]


# ---- wrong, as students write it and not as the checker does


def s_value_one_sided(grad, clip_value):
    clipped = grad.copy()
    clipped[clipped > clip_value] = clip_value
    return clipped, np.sum(grad * clipped) / np.linalg.norm(grad) / np.linalg.norm(clipped)


def s_value_loses_sign(grad, clip_value):
    clipped = grad.copy()
    clipped[abs(grad) > clip_value] = clip_value
    return clipped, np.sum(grad * clipped) / (np.linalg.norm(grad) * np.linalg.norm(clipped))


def s_value_by_norm(grad, clip_value):
    norm = np.linalg.norm(grad)
    clipped = grad * clip_value / norm if norm > clip_value else grad
    return clipped, np.sum(grad * clipped) / (np.linalg.norm(grad) * np.linalg.norm(clipped))


def s_value_no_lengths(grad, clip_value):
    clipped = np.clip(grad, -clip_value, clip_value)
    return clipped, float(grad.ravel() @ clipped.ravel())


def s_value_angle(grad, clip_value):
    clipped = np.clip(grad, -clip_value, clip_value)
    a, b = grad.astype(float).ravel(), clipped.astype(float).ravel()
    cosine = a @ b / np.sqrt(a @ a) / np.sqrt(b @ b)
    return clipped, np.rad2deg(np.arccos(min(cosine, 1.0)))


def s_value_squared_lengths(grad, clip_value):
    clipped = np.clip(grad, -clip_value, clip_value)
    return clipped, np.sum(grad * clipped) / (np.sum(grad**2) * np.sum(clipped**2))


def s_value_in_place(grad, clip_value):
    before = grad.copy()
    np.clip(grad, -clip_value, clip_value, out=grad)
    return grad, np.sum(before * grad) / np.sqrt(np.sum(before**2) * np.sum(grad**2))


def s_norm_always(grad, max_norm):
    return max_norm * grad / np.linalg.norm(grad)


def s_norm_spectral(grad, max_norm):
    norm = np.linalg.norm(grad, 2)
    if norm > max_norm:
        return grad * max_norm / norm
    return grad


def s_norm_no_root(grad, max_norm):
    norm = np.sum(np.square(grad))
    return grad * max_norm / norm if norm > max_norm else grad.copy()


def s_norm_unit(grad, max_norm):
    norm = np.linalg.norm(grad)
    if norm > max_norm:
        grad = grad / norm
    return grad


def s_norm_axis(grad, max_norm):
    norm = np.linalg.norm(grad, axis=-1, keepdims=True)
    return np.where(norm > max_norm, grad * max_norm / norm.clip(1e-300), grad)


def s_norm_pytorch(grad, max_norm):
    factor = max_norm / (np.linalg.norm(grad) + 1e-6)
    return grad * min(factor, 1.0)


def s_norm_looks_at_entries(grad, max_norm):
    if (np.abs(grad) > max_norm).any():
        grad = max_norm * grad / np.linalg.norm(grad)
    return grad


def s_norm_flat(grad, max_norm):
    grad = grad[np.newaxis]
    return grad * max_norm / max(np.linalg.norm(grad), max_norm)


def s_global_naive(grads, max_norm):
    total = np.sqrt(sum([np.sum(np.square(g)) for g in grads]))
    if total > max_norm:
        return [g * max_norm / total for g in grads], total
    return [g.copy() for g in grads], total


def s_global_each(grads, max_norm):
    total = 0
    clipped = []
    for g in grads:
        norm = np.sqrt(np.sum(g**2))
        total += norm**2
        clipped.append(g * max_norm / norm if norm > max_norm else g)
    return clipped, np.sqrt(total)


def s_global_sum_of_norms(grads, max_norm):
    total = sum(np.linalg.norm(g) for g in grads)
    return [g * min(1, np.float64(max_norm) / total) for g in grads], total


def s_global_norm_after(grads, max_norm):
    total = np.sqrt(sum(np.sum(g.astype(float) ** 2) for g in grads))
    clipped = [g * min(1.0, max_norm / total) for g in grads]
    return clipped, np.sqrt(sum(np.sum(c.astype(float) ** 2) for c in clipped))


def s_global_unit_forgotten(grads, max_norm):
    c = max(np.abs(g).max() for g in grads)
    total = np.sqrt(sum(np.sum((g / c) ** 2) for g in grads))
    return [g * min(1.0, max_norm / total) for g in grads], total


def s_global_lengthens(grads, max_norm):
    c = max(np.abs(g).max() for g in grads)
    total = c * np.sqrt(sum(np.sum((g / c) ** 2) for g in grads))
    return [g * (max_norm / total) for g in grads], total


def s_global_in_place(grads, max_norm):
    c = max(np.abs(g).max() for g in grads)
    if c == 0:
        return grads, 0.0
    total = c * np.sqrt(sum(np.sum((g / c) ** 2) for g in grads))
    for g in grads:
        g *= min(1.0, max_norm / total)
    return grads, total


def s_descent_velocity(gradient, start, learning_rate, momentum, max_norm, steps):
    w, v, path = start, 0 * start, [start]
    for _ in range(steps):
        v = momentum * v - learning_rate * gradient(w)
        norm = np.linalg.norm(v)
        if norm > max_norm:
            v = v / norm * max_norm
        w = w + v
        path.append(w)
    return np.array(path)


def s_descent_rate_first(gradient, start, learning_rate, momentum, max_norm, steps):
    w, v, path = start, 0 * start, [start]
    for _ in range(steps):
        step = learning_rate * gradient(w)
        if np.linalg.norm(step) > max_norm:
            step = step * max_norm / np.linalg.norm(step)
        v = momentum * v - step
        w = w + v
        path.append(w)
    return np.array(path)


def s_descent_always(gradient, start, learning_rate, momentum, max_norm, steps):
    w, v, path = start, 0 * start, [start]
    for _ in range(steps):
        g = gradient(w)
        v = momentum * v - learning_rate * g * max_norm / np.linalg.norm(g)
        w = w + v
        path.append(w)
    return path


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


def s_descent_no_start(gradient, start, learning_rate, momentum, max_norm, steps):
    w, v, path = start, np.zeros(2), []
    for _ in range(steps):
        g = gradient(w)
        g = g * min(1, max_norm / np.linalg.norm(g))
        v = momentum * v - learning_rate * g
        w = w + v
        path.append(w)
    return np.array(path)


def s_descent_average(gradient, start, learning_rate, momentum, max_norm, steps):
    w, v, path = start, np.zeros(2), [start]
    for _ in range(steps):
        g = gradient(w)
        g = g * min(1, max_norm / np.linalg.norm(g))
        v = momentum * v + (1 - momentum) * g
        w = w - learning_rate * v
        path.append(w)
    return np.array(path)


# (exercise, function, the misconception that the report names, the points that the weights give)
STUDENTS = [
    (VALUE, s_value_one_sided, "an upper bound alone", 0.25),
    (VALUE, s_value_loses_sign, "a sign that is lost", 0.25),
    (VALUE, s_value_by_norm, "clipping by norm", 0.25),
    (VALUE, s_value_no_lengths, "a cosine that is not divided by the lengths", 1.0),
    (VALUE, s_value_angle, "the angle instead of its cosine", 1.0),
    (VALUE, s_value_squared_lengths, "squared lengths under the cosine", 1.0),
    (VALUE, s_value_in_place, "", 1.75),
    (NORM, s_norm_always, "a factor without its minimum", 1.25),
    (NORM, s_norm_spectral, "the largest singular value of a matrix", 1.25),
    (NORM, s_norm_no_root, "the square of the norm", 0.25),
    (NORM, s_norm_unit, "a gradient of length 1", 0.75),
    (NORM, s_norm_axis, "a norm for each row or column", 1.25),
    (NORM, s_norm_pytorch, "PyTorch's norm", 1.25),
    (NORM, s_norm_looks_at_entries, "a decision by the largest entry", 1.5),
    (NORM, s_norm_flat, "", 1.75),
    (GLOBAL, s_global_naive, "squares that overflow or vanish", 2.25),
    (GLOBAL, s_global_each, "one norm for each array", 1.0),
    (GLOBAL, s_global_sum_of_norms, "the norms of the arrays added up", 0.25),
    (GLOBAL, s_global_norm_after, "the norm after clipping", 1.25),
    (GLOBAL, s_global_unit_forgotten, "a norm in units of the largest magnitude", 0.25),
    (GLOBAL, s_global_lengthens, "a factor without its minimum", 1.75),
    (GLOBAL, s_global_in_place, "", 2.75),
    (DESCENT, s_descent_velocity, "the velocity clipped instead of the gradient", 0.25),
    (
        DESCENT,
        s_descent_rate_first,
        "learning rate times gradient compared with the threshold",
        0.25,
    ),
    (DESCENT, s_descent_always, "a factor without its minimum", 0.25),
    (DESCENT, s_descent_same_array, "the last point in every row", 0.25),
    (DESCENT, s_descent_no_start, "a path without its start", 0.0),
    (DESCENT, s_descent_average, "a running average for the velocity", 0.25),
]
