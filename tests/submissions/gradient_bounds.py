"""What students hand in for the exercise ``gradient-bounds``: right in other forms, and wrong.

Each function stands by itself, so that its source can be put into a notebook.
"""

import numpy as np

FACTORS = "gradient_bounds.layer_factors"
BOUNDS = "gradient_bounds.norm_bounds"
NORMS = "gradient_bounds.norms_through_depth"
GAIN = "gradient_bounds.balancing_gain"

# ---- right


def factors_eigenvalues(weight, slopes):
    # The eigenvalues of W^T W belong to all directions of the outputs, the lost ones too.
    eigenvalues = np.clip(np.linalg.eigvalsh(weight.T @ weight), 0, None)
    slopes = sorted(abs(float(slope)) for slope in slopes)
    return [slopes[0] * eigenvalues[0] ** 0.5, slopes[-1] * eigenvalues[-1] ** 0.5]


def factors_norms(weight, slopes):
    high = np.linalg.norm(np.diag(slopes), 2) * np.linalg.norm(weight, 2)
    if np.linalg.matrix_rank(weight) < weight.shape[1]:
        return 0, high
    return np.linalg.norm(np.diag(slopes), -2) * np.linalg.norm(weight, -2), high


def factors_padded(weight, slopes):
    # Rows of zeros change no length, and make every matrix tall.
    columns = weight.shape[1]
    padded = np.vstack([weight, np.zeros((columns, columns))])
    values = np.linalg.svd(padded)[1]
    squares = np.square(slopes)
    return float(np.sqrt(squares.min())) * values[-1], float(np.sqrt(squares.max())) * values[0]


def bounds_backwards(activations, smallest, largest, loss_gradient):
    def length(v):
        return sum(float(a) ** 2 for a in v) ** 0.5

    low = high = length(loss_gradient)
    lower, upper = [length(activations[-1]) * low], [length(activations[-1]) * high]
    for layer in range(len(smallest), 0, -1):
        low *= float(smallest[layer - 1])
        high *= float(largest[layer - 1])
        lower.append(length(activations[layer - 1]) * low)
        upper.append(length(activations[layer - 1]) * high)
    return lower[::-1], upper[::-1]


def bounds_scaled(activations, smallest, largest, loss_gradient):
    lower, upper = np.empty(len(activations)), np.empty(len(activations))
    top = np.abs(loss_gradient).max()
    end = top * np.sqrt(np.sum((loss_gradient / top) ** 2))
    for k in range(len(activations)):
        outer = end * np.linalg.norm(activations[k])
        lower[k] = outer * np.prod(smallest[k:])
        upper[k] = outer * np.prod(largest[k:])
    return lower, upper


def bounds_logarithms(activations, smallest, largest, loss_gradient):
    results = []
    end = np.log(np.linalg.norm(np.asarray(loss_gradient, dtype=float)))
    for factors in (smallest, largest):
        total = []
        for k, h in enumerate(activations):
            total.append(end + np.log(np.linalg.norm(h)) + np.log(factors[k:]).sum())
        results.append(np.exp(total))
    return tuple(results)


def norms_matrices(x, weights, loss_gradient):
    depth = len(weights) - 1
    h, z = {0: x}, {}
    for k in range(depth):
        z[k + 1] = h[k] @ weights[k]
        h[k + 1] = np.tanh(z[k + 1])
    s = {depth + 1: loss_gradient}
    for k in range(depth, 0, -1):
        s[k] = np.diag(1 / np.cosh(z[k]) ** 2) @ weights[k] @ s[k + 1]
    sensitivities = [np.sqrt(np.sum(s[k + 1] ** 2)) for k in range(depth + 1)]
    gradients = [np.linalg.norm(np.outer(h[k], s[k + 1]), "fro") for k in range(depth + 1)]
    return sensitivities, gradients


def norms_recursion(x, weights, loss_gradient):
    def walk(h, rest):
        if len(rest) == 1:
            return loss_gradient, [np.linalg.norm(loss_gradient)], [np.linalg.norm(h)]
        following = np.tanh(np.einsum("ij,i->j", rest[0], h))
        s, lengths, sizes = walk(following, rest[1:])
        s = (1 - following * following) * np.einsum("ij,j->i", rest[1], s)
        return s, [np.linalg.norm(s), *lengths], [np.linalg.norm(h), *sizes]

    _, lengths, sizes = walk(x, weights)
    return np.array(lengths), np.multiply(lengths, sizes)


def gain_bisection(x, weights, loss_gradient):
    def length(c):
        h, on = x, []
        for w in weights[:-1]:
            z = h @ (c * w)
            on.append(z > 0)
            h = np.where(z > 0, z, 0)
        s = loss_gradient
        for k in range(len(weights) - 1, 0, -1):
            s = np.where(on[k - 1], c * weights[k] @ s, 0)
        return np.linalg.norm(s)

    low, high = 1e-3, 1e3
    target = np.linalg.norm(loss_gradient)
    for _ in range(80):
        middle = (low * high) ** 0.5
        if length(middle) < target:
            low = middle
        else:
            high = middle
    return low


def gain_product(x, weights, loss_gradient):
    h, product = x, np.eye(weights[0].shape[1])
    for k in range(1, len(weights)):
        z = h @ weights[k - 1]
        h = z * (z > 0)
        product = product @ (np.diag((z > 0).astype(float)) @ weights[k])
    ratio = np.linalg.norm(product @ loss_gradient) / np.linalg.norm(loss_gradient)
    return np.exp(-np.log(ratio) / (len(weights) - 1))


def factors_gram(weight, slopes):
    values = np.sqrt(np.maximum(np.linalg.eigvals(weight.T @ weight).real, 0))
    sizes = [abs(s) for s in slopes]
    return np.array([min(sizes) * values.min(), max(sizes) * values.max()])


def factors_qr(weight, slopes):
    r = np.linalg.qr(weight.T if weight.shape[0] < weight.shape[1] else weight, mode="r")
    values = np.linalg.svd(r)[1]
    wide = weight.shape[1] > weight.shape[0]
    g = np.sort(np.abs(slopes))
    return 0.0 if wide else g[0] * values.min(), g[-1] * values.max()


def factors_inverse(weight, slopes):
    steep = np.linalg.svd(np.diag(slopes), compute_uv=False)
    largest = np.linalg.norm(weight, ord=2)
    least = 0
    if np.linalg.matrix_rank(weight) == weight.shape[1]:
        least = 1 / np.linalg.norm(np.linalg.pinv(weight), ord=2)
    return float(steep[-1] * least), float(steep[0] * largest)


def bounds_recursive(activations, smallest, largest, loss_gradient):
    end = np.linalg.norm(np.float64(loss_gradient))

    def behind(factors):
        if len(factors) == 0:
            return [1.0]
        rest = behind(factors[1:])
        return [factors[0] * rest[0], *rest]

    outer = [end * np.sqrt(h.astype(float) @ h.astype(float)) for h in activations]
    return np.multiply(outer, behind(smallest)), np.multiply(outer, behind(largest))


def bounds_outer_products(activations, smallest, largest, loss_gradient):
    import math

    out = []
    for factors in (smallest, largest):
        out.append([
            np.linalg.norm(np.outer(h.astype(float), loss_gradient.astype(float)))
            * math.prod(factors[k:])
            for k, h in enumerate(activations)
        ])  # fmt: skip
    return out


def bounds_reduce(activations, smallest, largest, loss_gradient):
    import math

    length = np.vectorize(lambda k: math.hypot(*map(float, activations[k])))
    outer = length(range(len(activations))) * math.hypot(*map(float, loss_gradient))
    both = np.array([smallest, largest]).reshape(2, -1)
    behind = np.stack([np.prod(both[:, k:], axis=1) for k in range(len(activations))], axis=1)
    return tuple(outer * behind)


def norms_lists(x, weights, loss_gradient):
    import math

    hs = [list(map(float, x))]
    for w in weights[:-1]:
        hs.append([math.tanh(sum(h * v for h, v in zip(hs[-1], col))) for col in zip(*w.tolist())])
    s, out = list(map(float, loss_gradient)), []
    for k in range(len(weights) - 1, -1, -1):
        size = math.sqrt(sum(v * v for v in s))
        out.append((size, size * math.sqrt(sum(h * h for h in hs[k]))))
        back = [sum(a * b for a, b in zip(row, s)) for row in weights[k].tolist()]
        s = [b * (1 - h * h) for b, h in zip(back, hs[k])]
    return list(zip(*out[::-1]))


def norms_batch(x, weights, loss_gradient):
    z, h = [], [x[None]]
    for w in weights:
        z.append(h[-1] @ w)
        h.append(np.tanh(z[-1]))
    s = loss_gradient[None]
    sens, grads = np.zeros(len(weights)), np.zeros(len(weights))
    for k in reversed(range(len(weights))):
        sens[k] = np.linalg.norm(s)
        grads[k] = np.sqrt(((h[k].T @ s) ** 2).sum())
        if k:
            s = s @ weights[k].T * np.cosh(z[k - 1]) ** -2
    return sens, grads


def norms_complex_step(x, weights, loss_gradient):
    # The slope of the linearized loss by each net input, one imaginary step at a time.
    def value(k, step):
        h = x
        for layer, w in enumerate(weights):
            z = h @ w
            if layer == k:
                z = z + step
            h = np.tanh(z)
        return z @ loss_gradient

    sizes, sens, h = [], [], x
    for k, w in enumerate(weights):
        steps = 1e-30j * np.eye(w.shape[1])
        sens.append(np.linalg.norm([value(k, step).imag / 1e-30 for step in steps]))
        sizes.append(np.linalg.norm(h))
        h = np.tanh(h @ w)
    return sens, np.multiply(sens, sizes)


def gain_batch(x, weights, loss_gradient):
    h, slopes = x.reshape(1, -1), []
    for w in weights[:-1]:
        h = np.clip(h @ w, 0, None)
        slopes.append(np.sign(h))
    s = np.atleast_2d(loss_gradient)
    for w, slope in zip(weights[-1:0:-1], reversed(slopes)):
        s = np.inner(s, w) * slope
    return (np.linalg.norm(loss_gradient) / np.linalg.norm(s)) ** (1 / len(slopes))


def gain_submatrices(x, weights, loss_gradient):
    # Units that are off take no part: leave their rows and columns out.
    h, kept = x, np.arange(len(x))
    active = []
    for w in weights[:-1]:
        z = w[kept].T @ h
        active.append(np.flatnonzero(z > 0))
        h, kept = z[active[-1]], active[-1]
    s = loss_gradient
    for k in range(len(active) - 1, -1, -1):
        above = active[k + 1] if k + 1 < len(active) else slice(None)
        s = weights[k + 1][active[k]][:, above] @ s
    return np.sqrt(loss_gradient @ loss_gradient / (s @ s)) ** (1 / len(active))


def gain_logarithms(x, weights, loss_gradient):
    on, h = [], x
    for w in weights[:-1]:
        on.append((h @ w > 0).astype(int))
        h = on[-1] * (h @ w)
    total, s = 0.0, loss_gradient / np.linalg.norm(loss_gradient)
    for w, mask in zip(weights[:0:-1], on[::-1]):
        s = mask * w.dot(s)
        total += np.log(np.linalg.norm(s))
        s = s / np.linalg.norm(s)
    return np.array(np.exp(-total / len(on)))


OTHER_FORMS = [
    (FACTORS, factors_eigenvalues),
    (FACTORS, factors_norms),
    (FACTORS, factors_padded),
    (FACTORS, factors_gram),
    (FACTORS, factors_qr),
    (FACTORS, factors_inverse),
    (BOUNDS, bounds_backwards),
    (BOUNDS, bounds_scaled),
    (BOUNDS, bounds_logarithms),
    (BOUNDS, bounds_recursive),
    (BOUNDS, bounds_outer_products),
    (BOUNDS, bounds_reduce),
    (NORMS, norms_matrices),
    (NORMS, norms_recursion),
    (NORMS, norms_lists),
    (NORMS, norms_batch),
    (NORMS, norms_complex_step),
    (GAIN, gain_bisection),
    (GAIN, gain_product),
    (GAIN, gain_batch),
    (GAIN, gain_submatrices),
    (GAIN, gain_logarithms),
]


# ---- wrong, as students write it and not as the checker does


def s_factors_eigenvalues(weight, slopes):
    e = np.linalg.eigvalsh(weight.T @ weight)
    return np.abs(slopes).min() * max(e[0], 0), np.abs(slopes).max() * e[-1]


def s_bounds_rows(activations, smallest, largest, loss_gradient):
    end = np.linalg.norm(loss_gradient.astype(float))
    norms = [np.linalg.norm(h) for h in activations]
    lower = [[n * np.prod(smallest[k:]) * end for k, n in enumerate(norms)]]
    upper = [[n * np.prod(largest[k:]) * end for k, n in enumerate(norms)]]
    return np.array(lower), np.array(upper)


def s_norms_reversed(x, weights, loss_gradient):
    hs = [x]
    for w in weights[:-1]:
        hs.append(np.tanh(hs[-1] @ w))
    s = loss_gradient
    out, grads = [], []
    for k in range(len(weights) - 1, -1, -1):
        out.append(np.linalg.norm(s))
        grads.append(np.linalg.norm(np.outer(hs[k], s)))
        s = (1 - hs[k] ** 2) * (weights[k] @ s)
    return np.array(out), np.array(grads)


def s_gain_forward(x, weights, loss_gradient):
    h = x
    for w in weights[:-1]:
        h = np.maximum(h @ w, 0)
    return (np.linalg.norm(x) / np.linalg.norm(h)) ** (1 / (len(weights) - 1))


# (exercise, function, the misconception that the report names, the points that the weights give)
STUDENTS = [
    (FACTORS, s_factors_eigenvalues, "the squares of the singular values", 0.0),
    (BOUNDS, s_bounds_rows, "an axis of length one", 1.75),
    (NORMS, s_norms_reversed, "entries in the order from the output to the input", 0.25),
    (GAIN, s_gain_forward, "a gain that keeps the activations", 0.0),
]
