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


OTHER_FORMS = [
    (FACTORS, factors_eigenvalues),
    (FACTORS, factors_norms),
    (FACTORS, factors_padded),
    (BOUNDS, bounds_backwards),
    (BOUNDS, bounds_scaled),
    (BOUNDS, bounds_logarithms),
    (NORMS, norms_matrices),
    (NORMS, norms_recursion),
    (GAIN, gain_bisection),
    (GAIN, gain_product),
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


def s_bounds_in_place(activations, smallest, largest, loss_gradient):
    end = np.linalg.norm(loss_gradient.astype(float))
    for k in range(len(smallest) - 2, -1, -1):
        smallest[k] *= smallest[k + 1]
        largest[k] *= largest[k + 1]
    norms = np.array([np.linalg.norm(h) for h in activations])
    return norms * end * np.append(smallest, 1), norms * end * np.append(largest, 1)


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
    (BOUNDS, s_bounds_in_place, "", 1.75),
    (NORMS, s_norms_reversed, "entries in the order from the output to the input", 0.25),
    (GAIN, s_gain_forward, "a gain that keeps the activations", 0.0),
]
