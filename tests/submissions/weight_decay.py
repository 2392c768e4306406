"""What students hand in for the exercise ``weight-decay``: right in other forms, and wrong.

Each function stands by itself, so that its source can be put into a notebook.
"""

import numpy as np

PENALTY = "weight_decay.penalty"
STEP = "weight_decay.step"
ADAPTIVE = "weight_decay.adaptive_step"
RIDGE = "weight_decay.ridge"

# ---- right


def penalty_loops(params, strength):
    total, gradients = 0.0, []
    for p in params:
        if p.ndim == 1:
            gradients.append([0.0] * len(p))
            continue
        gradients.append([[strength * float(w) for w in row] for row in p])
        total += sum(float(w) ** 2 for row in p for w in row)
    return [strength / 2 * total, gradients]


def penalty_norms(params, strength):
    weights = [p for p in params if len(p.shape) > 1]
    penalty = strength * sum(np.linalg.norm(w) ** 2 for w in weights) / 2
    return penalty, tuple(strength * p * (p.ndim > 1) for p in params)


def step_shrink(params, example_grads, learning_rate, strength):
    batch = len(example_grads[0])
    new = []
    for p, g in zip(params, example_grads, strict=True):
        shrink = 1 - learning_rate * strength if p.ndim > 1 else 1.0
        new.append(shrink * p - learning_rate / batch * g.sum(axis=0))
    return new


def step_examples(params, example_grads, learning_rate, strength):
    new = [p.copy() for p in params]
    for k, p in enumerate(params):
        for g in example_grads[k]:
            # A mean of the sums: the penalty is counted once.
            decay = strength * p if p.ndim == 2 else 0
            new[k] -= learning_rate * (g + decay) / len(example_grads[k])
    return tuple(new)


def adaptive_loops(weight, grad, square, learning_rate, rho, eps, strength, decoupled):
    weights, squares = [], []
    for w, g, s in zip(weight.tolist(), grad.tolist(), square.tolist(), strict=True):
        l2 = 0 if decoupled else strength
        g += l2 * w
        s = rho * s + (1 - rho) * g * g
        decay = learning_rate * strength * w if decoupled else 0
        weights.append(w - decay - learning_rate * g / (s + eps) ** 0.5)
        squares.append(s)
    return [weights, squares]


def adaptive_moving(weight, grad, square, learning_rate, rho, eps, strength, decoupled):
    g = np.where(decoupled, grad, grad + strength * weight)
    s = square + (1 - rho) * (g * g - square)
    w = weight - learning_rate * (g * (s + eps) ** -0.5 + decoupled * strength * weight)
    return w, s


def ridge_extended(x, y, strength):
    m, n = x.shape
    z = np.hstack([x, np.ones((m, 1))])
    penalty = m * strength * np.diag([1.0] * n + [0.0])
    solution = np.linalg.solve(z.T @ z + penalty, z.T @ y)
    return solution[:n], float(solution[n])


def ridge_dual(x, y, strength):
    # The identity that has a matrix of examples instead of features; without a penalty, pinv.
    c, t = x - x.mean(0), y - y.mean()
    if strength == 0:
        w = np.linalg.pinv(c) @ t
    else:
        w = c.T @ np.linalg.solve(c @ c.T + len(x) * strength * np.eye(len(x)), t)
    return w.tolist(), np.mean(y - x @ w)


def ridge_singular_values(x, y, strength):
    c = x - np.mean(x, axis=0)
    u, s, vt = np.linalg.svd(c, full_matrices=False)
    keep = s > 1e-10 * s[0]
    gain = s[keep] / (s[keep] ** 2 + strength * len(y))
    w = vt[keep].T @ (gain * (u[:, keep].T @ y))
    return w, y.mean() - w @ x.mean(axis=0)


def penalty_concatenated(params, strength):
    gradients = [strength * p if p.ndim > 1 else p * 0 for p in params]
    flat = np.concatenate([p.ravel() for p in params if p.ndim > 1] or [np.zeros(1)])
    return strength * flat.dot(flat) / 2, gradients


def penalty_by_traces(params, strength):
    penalty, gradients = 0, ()
    for p in params:
        matrix = p.ndim == 2
        penalty += strength / 2 * np.trace(p.T @ p) if matrix else 0
        gradients += (np.multiply(strength, p) if matrix else np.zeros(p.shape),)
    return np.array(penalty), gradients


def penalty_complex_step(params, strength):
    def penalty(arrays):
        return strength / 2 * sum((a * a).sum() for a in arrays if a.ndim == 2)

    gradients = []
    for k, p in enumerate(params):
        gradients.append(np.zeros(p.shape))
        for i in np.ndindex(*p.shape):
            moved = [a.astype(complex) for a in params]
            moved[k][i] += 1e-30j
            gradients[-1][i] = np.imag(penalty(moved)) * 1e30
    return penalty(params), gradients


def step_einsum(params, example_grads, learning_rate, strength):
    moved = []
    for p, g in zip(params, example_grads, strict=True):
        mean = np.einsum("b...->...", g) / len(g)
        moved.append(p - learning_rate * (mean + strength * p * (p.ndim - 1)))
    return moved


def step_loops(params, example_grads, learning_rate, strength):
    moved = []
    for p, g in zip(params, example_grads, strict=True):
        new = p.copy()
        for k in np.ndindex(*p.shape):
            slope = sum(float(example[k]) for example in g) / len(g)
            slope += strength * p[k] if len(k) == 2 else 0.0
            new[k] -= learning_rate * slope
        moved.append(new.tolist())
    return moved


def adaptive_branches(weight, grad, square, learning_rate, rho, eps, strength, decoupled):
    if not decoupled:
        grad = grad + strength * weight
    square = np.average([square, grad**2], axis=0, weights=[rho, 1 - rho])
    stepped = weight - learning_rate * grad / np.sqrt(square + eps)
    return np.array([stepped - decoupled * learning_rate * strength * weight, square])


def adaptive_on_copies(weight, grad, square, learning_rate, rho, eps, strength, decoupled):
    w, s, g = weight.copy(), square.copy(), grad.copy()
    g += (0.0 if decoupled else strength) * w
    s *= rho
    s += (1 - rho) * g * g
    w *= 1 - learning_rate * (strength if decoupled else 0.0)
    w -= learning_rate * g / np.hypot(np.sqrt(s), eps**0.5)
    return [w, s]


def ridge_augmented(x, y, strength):
    # Least squares with as many more rows as features: the penalty is one more sum of squares.
    n = x.shape[1]
    rows = np.vstack([x - x.mean(0), np.sqrt(len(x) * strength) * np.eye(n)])
    w = np.linalg.lstsq(rows, np.append(y - y.mean(), np.zeros(n)), rcond=None)[0]
    return w, np.array(y.mean() - x.mean(0) @ w)


def ridge_cholesky(x, y, strength):
    c, m = x - x.mean(axis=0), len(x)
    a = c.T @ c / m + strength * np.eye(x.shape[1])
    low = np.linalg.cholesky(a)
    w = np.linalg.solve(low.T, np.linalg.solve(low, c.T @ y / m))
    return [w.tolist(), float(np.mean(y) - np.mean(x @ w))]


OTHER_FORMS = [
    (PENALTY, penalty_loops),
    (PENALTY, penalty_norms),
    (STEP, step_shrink),
    (STEP, step_examples),
    (ADAPTIVE, adaptive_loops),
    (ADAPTIVE, adaptive_moving),
    (RIDGE, ridge_extended),
    (RIDGE, ridge_dual),
    (RIDGE, ridge_singular_values),
    (PENALTY, penalty_concatenated),
    (PENALTY, penalty_by_traces),
    (PENALTY, penalty_complex_step),
    (STEP, step_einsum),
    (STEP, step_loops),
    (ADAPTIVE, adaptive_branches),
    (ADAPTIVE, adaptive_on_copies),
    (RIDGE, ridge_augmented),
    (RIDGE, ridge_cholesky),
]


# ---- wrong, as students write it and not as the checker does


def s_penalty_l1(params, strength):
    total, grads = 0.0, []
    for p in params:
        if p.ndim > 1:
            total = total + strength * np.abs(p).sum()
            grads.append(strength * np.sign(p))
        else:
            grads.append(np.zeros_like(p))
    return total, grads


def s_penalty_in_place(params, strength):
    penalty = sum(0.5 * strength * (p**2).sum() for p in params if p.ndim > 1)
    for p in params:
        p *= strength * (p.ndim > 1)
    return penalty, params


def s_step_after(params, example_grads, learning_rate, strength):
    new = [p - learning_rate * g.mean(0) for p, g in zip(params, example_grads, strict=True)]
    return [p * (1 - learning_rate * strength) if p.ndim > 1 else p for p in new]


def s_step_in_place(params, example_grads, learning_rate, strength):
    for p, g in zip(params, example_grads, strict=True):
        decay = strength * p if p.ndim > 1 else 0
        p -= learning_rate * (g.mean(axis=0) + decay)
    return params


def s_adaptive_average_first(weight, grad, square, learning_rate, rho, eps, strength, decoupled):
    square = rho * square + (1 - rho) * grad**2
    if decoupled:
        weight = weight * (1 - learning_rate * strength)
    else:
        grad = grad + strength * weight
    return weight - learning_rate * grad / np.sqrt(square + eps), square


def s_adaptive_in_place(weight, grad, square, learning_rate, rho, eps, strength, decoupled):
    if decoupled:
        weight *= 1 - learning_rate * strength
    else:
        grad += strength * weight
    square = rho * square + (1 - rho) * grad**2
    return weight - learning_rate * grad / np.sqrt(square + eps), square


def s_ridge_origin(x, y, strength):
    m = len(x)
    w = np.linalg.solve(x.T @ x + strength * m * np.eye(x.shape[1]), x.T @ y)
    return w, np.mean(y - x @ w)


def s_ridge_column(x, y, strength):
    c, t = x - x.mean(axis=0), (y - y.mean())[:, None]
    w = np.linalg.solve(c.T @ c + strength * len(x) * np.eye(x.shape[1]), c.T @ t)
    return w, y.mean() - x.mean(axis=0) @ w


# (exercise, function, the misconception that the report names, the points that the weights give)
STUDENTS = [
    (PENALTY, s_penalty_l1, "a penalty on the magnitudes", 0.25),
    (PENALTY, s_penalty_in_place, "", 1.75),
    (STEP, s_step_after, "the new weights shrunk instead of the old ones", 1.0),
    (STEP, s_step_in_place, "", 2.25),
    (ADAPTIVE, s_adaptive_average_first, "the average of the squares without the penalty", 1.5),
    (ADAPTIVE, s_adaptive_in_place, "", 2.25),
    (RIDGE, s_ridge_origin, "a fit through the origin", 0.25),
    (RIDGE, s_ridge_column, "an axis of length one", 1.75),
]
