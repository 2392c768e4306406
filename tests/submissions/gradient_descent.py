"""What students hand in for the exercise ``gradient-descent``: right in other forms, and wrong.

Each function stands by itself, so that its source can be put into a notebook.
"""

import numpy as np

RATES = "gradient_descent.rates"
DESCENT = "gradient_descent.minibatch_descent"
VARIANCE = "gradient_descent.minibatch_variance"
BRACKET = "gradient_descent.stable_rate_by_experiment"
SIMPLIFIED = "gradient_descent.simplified_hessian"

# ---- right


def rates_by_norms(hessian):
    high = np.linalg.norm(hessian, 2)
    low = 1 / np.linalg.norm(np.linalg.inv(hessian), 2)
    return [1 / ((low + high) / 2), 2 / high, np.linalg.cond(hessian)]


def rates_sorted(hessian):
    values = sorted(float(v) for v in np.linalg.eigvals(hessian).real)
    condition = values[-1] / values[0]
    bound = 2.0 / values[-1]
    return bound * condition / (condition + 1.0), bound, condition


def descent_loops(x, y, w, order, batch_size, rate):
    weights = [float(v) for v in w]
    path, waiting = [list(weights)], []
    for position, i in enumerate(order):
        waiting.append(i)
        if len(waiting) < batch_size and position < len(order) - 1:
            continue
        total = [0.0] * len(weights)
        for k in waiting:
            error = sum(float(a) * b for a, b in zip(x[k], weights, strict=True)) - float(y[k])
            for j in range(len(total)):
                total[j] += error * float(x[k][j])
        for j in range(len(total)):
            weights[j] -= rate * total[j] / len(waiting)
        path.append(list(weights))
        waiting = []
    return path


def descent_affine(x, y, w, order, batch_size, rate):
    steps = int(np.ceil(len(x) / batch_size))
    path = np.zeros((steps + 1, len(w)))
    path[0] = w
    for t in range(steps):
        xb, yb = (a[order][t * batch_size : (t + 1) * batch_size] for a in (x, y))
        hessian = xb.T @ xb / len(xb)
        path[t + 1] = (np.eye(len(w)) - rate * hessian) @ path[t] + rate * (yb[:, None] * xb).mean(
            0
        )
    return path


def descent_shuffled_in_place(x, y, w, order, batch_size, rate):
    x, y, w = x[order], y[order], w.copy()
    path = [w.copy()]
    while len(x):
        xb, yb, x, y = x[:batch_size], y[:batch_size], x[batch_size:], y[batch_size:]
        w += rate * np.mean((yb - xb.dot(w)).reshape(-1, 1) * xb, axis=0)
        path.append(w.copy())
    return np.vstack(path)


def variance_by_all_batches(gradients, batch_size):
    from itertools import combinations

    whole = gradients.mean(axis=0)
    distances = [
        np.sum((gradients[list(chosen)].mean(axis=0) - whole) ** 2)
        for chosen in combinations(range(len(gradients)), batch_size)
    ]
    return np.mean(distances)


def variance_of_a_sample(gradients, batch_size):
    m = gradients.shape[0]
    s2 = np.trace(np.atleast_2d(np.cov(gradients.T)))
    return s2 / batch_size - s2 / m


def bracket_recursive(grad, start, steps, low, high, halvings):
    if halvings == 0:
        return low, high
    w, rate = start.copy(), low + (high - low) / 2
    for _ in range(steps):
        w -= rate * grad(w)
    before, after = np.sum(grad(start) ** 2), np.sum(grad(w) ** 2)
    if np.isnan(after) or after > before:
        return bracket_recursive(grad, start, steps, low, rate, halvings - 1)
    return bracket_recursive(grad, start, steps, rate, high, halvings - 1)


def bracket_list(grad, start, steps, low, high, halvings):
    ends, g0 = [low, high], grad(start)
    while halvings > 0:
        middle = 0.5 * ends[0] + 0.5 * ends[1]
        w, g = start, g0
        for _ in range(steps):
            w = w - middle * g
            g = grad(w)
        ratio = np.sqrt(g @ g) / np.sqrt(g0 @ g0)
        converges = np.isfinite(ratio) and ratio <= 1
        ends[0 if converges else 1] = middle
        halvings -= 1
    return ends


def rates_by_inverse_eigenvalues(hessian):
    slow = np.linalg.eigvalsh(np.linalg.inv(hessian))
    high, low = 1 / slow[0], 1 / slow[-1]
    return np.array([2 / (high + low), 2 * slow[0], high / low])


def rates_by_svd(hessian):
    high, *_, low = np.append(np.repeat(s := np.linalg.svd(hessian)[1], 2), s[-1])
    half = (high + low) / 2
    return 1 / half, np.array(2 / high), np.float64(high / low)


def rates_by_minimax(hessian):
    lam = np.sort(np.linalg.eigvals(hessian).real)
    left, right = 0.0, 2 / lam[-1]
    for _ in range(200):
        a, b = left + (right - left) / 3, right - (right - left) / 3
        if max(abs(1 - a * lam)) < max(abs(1 - b * lam)):
            right = b
        else:
            left = a
    return [(left + right) / 2, 2 / lam.max(), lam.max() / lam.min()]


def descent_recursive(x, y, w, order, batch_size, rate):
    def go(w, rest):
        if len(rest) == 0:
            return [w]
        k, rest = rest[:batch_size], rest[batch_size:]
        errors = x[k] @ w - y[k]
        return [w, *go(w - rate * np.mean(errors[:, None] * x[k], axis=0), rest)]

    return go(w, order)


def descent_split(x, y, w, order, batch_size, rate):
    path = np.array([w])
    for k in np.split(order, range(batch_size, len(order), batch_size)):
        gradient = np.einsum("if,i->f", x[k], np.dot(x[k], path[-1]) - y[k]) / k.size
        path = np.append(path, [path[-1] - rate * gradient], axis=0)
    return path


def descent_complex_step(x, y, w, order, batch_size, rate):
    path = [np.array(w, float)]
    for first in range(0, len(x), batch_size):
        k = order[first : first + batch_size]
        gradient = [
            (0.5 * np.mean((x[k] @ (path[-1] + 1e-20j * e) - y[k]) ** 2)).imag / 1e-20
            for e in np.eye(len(w))
        ]
        path.append(path[-1] - rate * np.array(gradient))
    return tuple(path)


def descent_generator(x, y, w, order, batch_size, rate):
    def batches():
        for start in range(0, len(order), batch_size):
            yield (
                np.take(x, order[start : start + batch_size], 0),
                y[order[start : start + batch_size]],
            )

    w = w.copy()
    path = [w.tolist()]
    for xb, yb in batches():
        w -= rate / len(yb) * np.inner(xb.T, xb @ w - yb)
        path.append(w.tolist())
    return path


def variance_by_pairs(gradients, batch_size):
    m = len(gradients)
    gaps = gradients[:, None] - gradients[None]
    one = (gaps**2).sum() / (2 * m * m)
    return np.array((m - batch_size) / (batch_size * (m - 1)) * one)


def variance_by_sums(gradients, batch_size):
    m, total = len(gradients), 0.0
    for column in zip(*gradients):
        mean = sum(column) / m
        total += sum((g - mean) ** 2 for g in column) / (m - 1)
    return float(total * (1 / batch_size - 1 / m))


def variance_by_covariances(gradients, batch_size):
    # Two draws without replacement have the covariance -Var / (M - 1).
    m = len(gradients)
    var = gradients.var(axis=0)
    return np.sum(var / batch_size + (batch_size - 1) / batch_size * -var / (m - 1))


def bracket_of_indices(grad, start, steps, low, high, halvings):
    width = (high - low) / 2**halvings
    a, b = 0, 2**halvings
    while b - a > 1:
        middle, w = (a + b) // 2, np.array(start)
        for _ in range(steps):
            w = w - (low + middle * width) * grad(w)
        ratio = np.linalg.norm(grad(w)) - np.linalg.norm(grad(start))
        a, b = (middle, b) if ratio <= 0 else (a, middle)
    return low + a * width, low + b * width


def bracket_closure(grad, start, steps, low, high, halvings):
    def diverges(rate):
        w = start + 0
        for _ in range(steps):
            w -= rate * grad(w)
        return not np.linalg.norm(grad(w)) <= np.linalg.norm(grad(start))

    for _ in range(halvings):
        middle = np.mean([low, high])
        low, high = (low, middle) if diverges(middle) else (middle, high)
    return np.array([low, high])


def bracket_raises(grad, start, steps, low, high, halvings):
    for _ in range(halvings):
        rate, w = (low + high) / 2, start
        try:
            with np.errstate(all="raise", under="ignore"):
                for _ in range(steps):
                    w = w - rate * grad(w)
                longer = np.linalg.norm(grad(w)) > np.linalg.norm(grad(start))
        except FloatingPointError:
            longer = True
        if longer:
            high = rate
        else:
            low = rate
    return low, high


def simplified_einsum(jacobian, loss_hessian, grad, damping):
    matrix = np.einsum("iaj,iab,ibk->jk", jacobian, loss_hessian, jacobian) / len(jacobian)
    return matrix, -grad / (abs(matrix.diagonal()) + damping)


def simplified_by_roots(jacobian, loss_hessian, grad, damping):
    # H = Q diag(lambda) Q^T, so that G is a sum over the curvatures of all examples.
    values, axes = np.linalg.eigh(loss_hessian)
    rows = np.matmul(axes.swapaxes(1, 2), jacobian).reshape(-1, len(grad))
    matrix = (rows.T * values.ravel()) @ rows / len(jacobian)
    scale = np.linalg.inv(np.diag(np.abs(np.diag(matrix)) + damping))
    return [matrix, scale @ -grad]


def simplified_loops(jacobian, loss_hessian, grad, damping):
    n, outputs, weights = jacobian.shape
    matrix = [[0.0] * weights for _ in range(weights)]
    for j, h in zip(jacobian.tolist(), loss_hessian.tolist()):
        for p in range(weights):
            for q in range(weights):
                for a in range(outputs):
                    for b in range(outputs):
                        matrix[p][q] += j[a][p] * h[a][b] * j[b][q] / n
    return matrix, [-g / (abs(matrix[k][k]) + damping) for k, g in enumerate(grad.tolist())]


def simplified_block_matrix(jacobian, loss_hessian, grad, damping):
    flat = jacobian.reshape(-1, jacobian.shape[2])
    outputs = jacobian.shape[1]
    whole = np.zeros((len(flat), len(flat)))
    for i, h in enumerate(loss_hessian):
        whole[i * outputs :][:outputs, i * outputs : (i + 1) * outputs] = h
    matrix = np.mean(jacobian.shape[0]) ** -1 * flat.T @ whole @ flat
    curvature = np.copy(np.diag(matrix))
    np.abs(curvature, out=curvature)
    curvature += damping
    return matrix, np.negative(grad) / curvature


OTHER_FORMS = [
    (RATES, rates_by_norms),
    (RATES, rates_sorted),
    (RATES, rates_by_inverse_eigenvalues),
    (RATES, rates_by_svd),
    (RATES, rates_by_minimax),
    (DESCENT, descent_loops),
    (DESCENT, descent_affine),
    (DESCENT, descent_shuffled_in_place),
    (DESCENT, descent_recursive),
    (DESCENT, descent_split),
    (DESCENT, descent_complex_step),
    (DESCENT, descent_generator),
    (VARIANCE, variance_by_all_batches),
    (VARIANCE, variance_of_a_sample),
    (VARIANCE, variance_by_pairs),
    (VARIANCE, variance_by_sums),
    (VARIANCE, variance_by_covariances),
    (SIMPLIFIED, simplified_einsum),
    (SIMPLIFIED, simplified_by_roots),
    (SIMPLIFIED, simplified_loops),
    (SIMPLIFIED, simplified_block_matrix),
    (BRACKET, bracket_recursive),
    (BRACKET, bracket_list),
    (BRACKET, bracket_of_indices),
    (BRACKET, bracket_closure),
    (BRACKET, bracket_raises),
]


# ---- wrong, as students write it and not as the checker does


def s_rates_upside_down(hessian):
    lam = np.linalg.eigvalsh(hessian)
    return 1 / (lam[0] + lam[-1]), 2 / lam[-1], lam[0] / lam[-1]


def s_descent_aliased(x, y, w, order, batch_size, rate):
    path = [w]
    for k in range(0, len(x), batch_size):
        xb, yb = x[order[k : k + batch_size]], y[order[k : k + batch_size]]
        w -= rate * xb.T @ (xb @ w - yb) / len(xb)
        path.append(w)
    return np.array(path)


def s_variance_root(gradients, batch_size):
    m = len(gradients)
    deviations = gradients - gradients.mean(0)
    one = np.linalg.norm(deviations) ** 2 / m
    return np.sqrt((m - batch_size) / (m - 1) * one / batch_size)


def s_bracket_exchanged(grad, start, steps, low, high, halvings):
    for _ in range(halvings):
        mid = (low + high) / 2
        w = start
        for _ in range(steps):
            w = w - mid * grad(w)
        if np.linalg.norm(grad(w)) <= np.linalg.norm(grad(start)):
            high = mid
        else:
            low = mid
    return low, high


def s_bracket_largest_entry(grad, start, steps, low, high, halvings):
    for _ in range(halvings):
        mid = (low + high) / 2
        w = start
        for _ in range(steps):
            w = w - mid * grad(w)
        if np.abs(grad(w)).max() <= np.abs(grad(start)).max():
            low = mid
        else:
            high = mid
    return low, high


def s_simplified_identity(jacobian, loss_hessian, grad, damping):
    flat = jacobian.reshape(-1, jacobian.shape[-1])
    matrix = flat.T @ flat / len(jacobian)
    return matrix, -grad / (np.diag(matrix) + damping)


def s_simplified_solves(jacobian, loss_hessian, grad, damping):
    matrix = np.mean([j.T @ h @ j for j, h in zip(jacobian, loss_hessian)], axis=0)
    np.fill_diagonal(matrix, matrix.diagonal() + damping)
    return matrix, -np.linalg.solve(matrix, grad)


TWO = "two mistakes at once: half of the best rate, and the condition number upside down"

# (exercise, function, the misconception that the report names, the points that the weights give)
STUDENTS = [
    (RATES, s_rates_upside_down, TWO, 0.75),
    (DESCENT, s_descent_aliased, "a path that holds the same array again and again", 0.25),
    (VARIANCE, s_variance_root, "the standard deviation in place of the variance", 0.0),
    (SIMPLIFIED, s_simplified_identity, "the curvature of the loss left out", 0.75),
    (SIMPLIFIED, s_simplified_solves, "", 0.125),
    (BRACKET, s_bracket_exchanged, "the two ends exchanged", 0.0),
    (BRACKET, s_bracket_largest_entry, "", 0.75),
]
