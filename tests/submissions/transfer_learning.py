"""What students hand in for the exercise ``transfer-learning``: right in other forms, and wrong.

Each function stands by itself, so that its source can be put into a notebook.
"""

import numpy as np

REUSE = "transfer_learning.reuse"
RESIZE = "transfer_learning.resize"
STEP = "transfer_learning.step"
PHASES = "transfer_learning.two_phases"

# ---- right


def reuse_loop(pretrained, layers, head):
    params = []
    for layer in range(layers):
        params += [pretrained[2 * layer], pretrained[2 * layer + 1]]
    count = 0
    for weight, bias in zip(head[0::2], head[1::2], strict=True):
        params.extend((weight, bias))
        count += (weight.shape[0] + 1) * bias.shape[0]
    return tuple(params), float(count)


def reuse_lists(pretrained, layers, head):
    params = [a.tolist() for a in pretrained[0 : layers + layers]] + [a.tolist() for a in head]
    return params, int(np.concatenate([a.ravel() for a in head]).size)


def resize_loops(image, size, antialias):
    old_rows, old_columns = image.shape
    rows, columns = size

    def weights(place, old, reach):
        t = [max(0.0, 1 - abs(place - k) / reach) for k in range(old)]
        return [v / sum(t) for v in t]

    out = []
    for i in range(rows):
        reach = max(1, old_rows / rows) if antialias else 1
        u = weights((i + 0.5) * old_rows / rows - 0.5, old_rows, reach)
        row = []
        for j in range(columns):
            reach = max(1, old_columns / columns) if antialias else 1
            v = weights((j + 0.5) * old_columns / columns - 0.5, old_columns, reach)
            total = 0.0
            for k in range(old_rows):
                for m in range(old_columns):
                    total += u[k] * v[m] * float(image[k, m])
            row.append(total)
        out.append(row)
    return out


def resize_einsum(image, size, antialias):
    def matrix(old, new):
        scale = old / new
        center = (2 * np.arange(new) + 1) * scale / 2 - 0.5
        width = max(scale, 1.0) if antialias else 1.0
        t = np.clip(width - np.abs(center[:, None] - np.arange(old)[None, :]), 0, None)
        return t / t.sum(1, keepdims=True)

    a, b = matrix(image.shape[0], size[0]), matrix(image.shape[1], size[1])
    return np.einsum("ik,kl,jl->ij", a, image, b)


def resize_one_axis_after_the_other(image, size, antialias):
    for new in size:
        # The axis in front is done, and goes to the back.
        old = len(image)
        y = (np.arange(new) + 0.5) / new * old - 0.5
        if antialias and old > new:
            t = np.maximum(0, 1 - np.abs(np.subtract.outer(y, np.arange(old))) * new / old)
            image = (t @ image) / t.sum(axis=1)[:, np.newaxis]
        else:
            y = y.clip(0, old - 1)
            low = np.floor(y).astype(int)
            high = np.minimum(low + 1, old - 1)
            part = (y - low)[:, np.newaxis]
            image = (1 - part) * image[low] + part * image[high]
        image = image.T
    return image


def step_all(params, grads, frozen, learning_rate, strength):
    new = []
    for k, (p, g) in enumerate(zip(params, grads, strict=True)):
        rate = learning_rate if k // 2 >= frozen else 0.0
        shrink = 1 - rate * strength if k % 2 == 0 else 1.0
        new.append(shrink * p - rate * g)
    return new


def step_copies(params, grads, frozen, learning_rate, strength):
    params = [p.copy() for p in params]
    for p, g in list(zip(params, grads, strict=True))[frozen * 2 :]:
        p -= learning_rate * g + (learning_rate * strength * p if p.ndim > 1 else 0)
    return tuple(params)


def phases_two_loops(params, gradients, reused, top, learning_rate, reduction, momentum, steps):
    params = [p.copy() for p in params]
    n = len(params)
    v = [0.0] * n
    for _ in range(steps[0]):
        g = gradients(params)
        for k in range(2 * reused, n):
            v[k] = momentum * v[k] - learning_rate * g[k]
            params[k] += v[k]
    v = [0.0] * n
    for _ in range(steps[1]):
        g = gradients(params)
        for k in range(2 * (reused - top), n):
            v[k] = momentum * v[k] - reduction * learning_rate * g[k]
            params[k] += v[k]
    return params


def phases_masks(params, gradients, reused, top, learning_rate, reduction, momentum, steps):
    layer = [k // 2 for k in range(len(params))]
    for phase in range(2):
        rate = learning_rate * reduction**phase
        mask = [1.0 if place >= reused - phase * top else 0.0 for place in layer]
        # PyTorch's velocity, which does not hold the rate.
        v = [0 * p for p in params]
        for _ in range(steps[phase]):
            v = [momentum * a + m * g for a, m, g in zip(v, mask, gradients(params), strict=True)]
            params = [p - rate * a for p, a in zip(params, v, strict=True)]
    return params


def reuse_pairs(pretrained, layers, head):
    pairs = list(zip(pretrained[::2], pretrained[1::2], strict=True))[:layers]
    pairs += zip(head[::2], head[1::2], strict=True)
    learned = sum(np.prod(w.shape) + len(b) for w, b in pairs[layers:])
    return [np.array(array) for pair in pairs for array in pair], np.int64(learned)


def resize_separable(image, size, antialias):
    rows = []
    for old, new in zip(image.shape, size, strict=True):
        reach = max(old / new, 1) if antialias else 1
        row = {}
        for i in range(new):
            place = (i + 0.5) * old / new - 0.5
            near = {k: 1 - abs(place - k) / reach for k in range(old) if abs(place - k) < reach}
            row[i] = {k: v / sum(near.values()) for k, v in near.items()}
        rows.append(row)
    down, across = rows
    return np.array(
        [
            [
                sum(u * v * image[k, m] for k, u in down[i].items() for m, v in across[j].items())
                for j in range(size[1])
            ]
            for i in range(size[0])
        ]
    )


def resize_kronecker(image, size, antialias):
    def matrix(old, new):
        t = np.fromfunction(lambda i, k: (i + 0.5) * old / new - 0.5 - k, (new, old))
        t = 1 - abs(t) / (max(1.0, old / new) if antialias else 1.0)
        t[t < 0] = 0
        return np.diag(1 / t.sum(axis=1)) @ t

    whole = np.kron(matrix(image.shape[0], size[0]), matrix(image.shape[1], size[1]))
    return (whole @ image.ravel()).reshape(size).tolist()


def step_gated(params, grads, frozen, learning_rate, strength):
    def after(k, p, g):
        gate = float(k >= 2 * frozen)
        return p - learning_rate * gate * (g + strength * p * (k % 2 == 0))

    return [after(k, *pair) for k, pair in enumerate(zip(params, grads, strict=True))]


def step_lists(params, grads, frozen, learning_rate, strength):
    kept, rest = params[: 2 * frozen], list(zip(params, grads))[2 * frozen :]
    decayed = ((1 - learning_rate * strength) * p if p.ndim == 2 else p for p, _ in rest)
    moved = [(d - learning_rate * g).tolist() for d, (_, g) in zip(decayed, rest)]
    return [p.tolist() for p in kept] + moved


def phases_class(params, gradients, reused, top, learning_rate, reduction, momentum, steps):
    class Momentum:
        def __init__(self, rate, first):
            self.rate, self.first, self.velocity = rate, first, {}

        def step(self, arrays):
            slopes = gradients(arrays)
            for k in range(self.first, len(arrays)):
                old = self.velocity.get(k, 0.0)
                self.velocity[k] = momentum * old - self.rate * slopes[k]
                arrays[k] = arrays[k] + self.velocity[k]

    arrays = list(params)
    for count, optimizer in (
        (steps[0], Momentum(learning_rate, 2 * reused)),
        (steps[1], Momentum(rate=learning_rate * reduction, first=2 * reused - 2 * top)),
    ):
        for _ in range(count):
            optimizer.step(arrays)
    return tuple(arrays)


def phases_recursive(params, gradients, reused, top, learning_rate, reduction, momentum, steps):
    def go(arrays, velocities, rate, frozen, left):
        if left == 0:
            return arrays
        pairs = zip(velocities, gradients(arrays), strict=True)
        moved = [(k >= frozen) * (momentum * v - rate * g) for k, (v, g) in enumerate(pairs)]
        arrays = [a + v for a, v in zip(arrays, moved, strict=True)]
        return go(arrays, moved, rate, frozen, left - 1)

    at_rest = [np.zeros(array.shape) for array in params]
    first = go(params, at_rest, learning_rate, 2 * reused, steps[0])
    return go(first, at_rest, reduction * learning_rate, 2 * (reused - top), steps[1])


OTHER_FORMS = [
    (REUSE, reuse_loop),
    (REUSE, reuse_lists),
    (RESIZE, resize_loops),
    (RESIZE, resize_einsum),
    (RESIZE, resize_one_axis_after_the_other),
    (STEP, step_all),
    (STEP, step_copies),
    (PHASES, phases_two_loops),
    (PHASES, phases_masks),
    (REUSE, reuse_pairs),
    (RESIZE, resize_separable),
    (RESIZE, resize_kronecker),
    (STEP, step_gated),
    (STEP, step_lists),
    (PHASES, phases_class),
    (PHASES, phases_recursive),
]


# ---- wrong, as students write it and not as the checker does


def s_reuse_counts_weights(pretrained, layers, head):
    params = pretrained[: 2 * layers] + head
    return params, sum(p.shape[0] * p.shape[1] for p in head if p.ndim == 2)


def s_reuse_in_place(pretrained, layers, head):
    while len(pretrained) > 2 * layers:
        pretrained.pop()
    pretrained += head
    return pretrained, sum(p.size for p in head)


def s_resize_nearest(image, size, antialias):
    rows = ((np.arange(size[0]) + 0.5) * image.shape[0] / size[0]).astype(int)
    columns = ((np.arange(size[1]) + 0.5) * image.shape[1] / size[1]).astype(int)
    return image[rows][:, columns]


def s_step_zeroed(params, grads, frozen, learning_rate, strength):
    grads = [np.zeros_like(g) if k < 2 * frozen else g for k, g in enumerate(grads)]
    new = []
    for p, g in zip(params, grads, strict=True):
        if p.ndim > 1:
            g = g + strength * p
        new.append(p - learning_rate * g)
    return new


def s_step_in_place(params, grads, frozen, learning_rate, strength):
    for p, g in zip(params[2 * frozen :], grads[2 * frozen :], strict=True):
        p -= learning_rate * (g + strength * p * (p.ndim == 2))
    return params


def s_phases_one_step_behind(
    params, gradients, reused, top, learning_rate, reduction, momentum, steps
):
    params = list(params)
    g = gradients(params)
    for count, start, rate in (
        (steps[0], 2 * reused, learning_rate),
        (steps[1], 2 * (reused - top), learning_rate * reduction),
    ):
        v = [np.zeros_like(p) for p in params]
        for _ in range(count):
            for k in range(start, len(params)):
                v[k] = momentum * v[k] - rate * g[k]
                params[k] = params[k] + v[k]
    return params


def s_phases_in_place(params, gradients, reused, top, learning_rate, reduction, momentum, steps):
    for count, start, rate in (
        (steps[0], 2 * reused, learning_rate),
        (steps[1], 2 * (reused - top), learning_rate * reduction),
    ):
        v = [np.zeros_like(p) for p in params]
        for _ in range(count):
            g = gradients(params)
            for k in range(start, len(params)):
                v[k] = momentum * v[k] - rate * g[k]
                params[k] += v[k]
    return params


# (exercise, function, the misconception that the report names, the points that the weights give)
STUDENTS = [
    (REUSE, s_reuse_counts_weights, "the biases not counted", 1.0),
    (REUSE, s_reuse_in_place, "", 1.25),
    (RESIZE, s_resize_nearest, "the nearest pixel", 0.25),
    (STEP, s_step_zeroed, "a gradient of zero, taken for a frozen weight", 0.75),
    (STEP, s_step_in_place, "", 1.25),
    (PHASES, s_phases_one_step_behind, "the same gradients in every step", 0.25),
    (PHASES, s_phases_in_place, "", 2.75),
]
