"""What students hand in for the exercise ``batch-normalization``: right in other forms, and wrong.

Each function stands by itself, so that its source can be put into a notebook; but for `njit`.
"""

import numpy as np
from numba import njit

FORWARD = "batch_normalization.forward"
BACKWARD = "batch_normalization.backward"
RUNNING = "batch_normalization.running_statistics"
AVERAGES = "batch_normalization.averages"
INFERENCE = "batch_normalization.inference"

# ---- right


def forward_loops(x, gamma, beta, eps):
    rows, features = len(x), len(x[0])
    out = [[0.0] * features for _ in range(rows)]
    means, variances = [], []
    for j in range(features):
        mean = sum(float(x[i][j]) for i in range(rows)) / rows
        var = sum((float(x[i][j]) - mean) ** 2 for i in range(rows)) / rows
        for i in range(rows):
            out[i][j] = float(gamma[j]) * (float(x[i][j]) - mean) / (var + eps) ** 0.5 + beta[j]
        means.append(mean)
        variances.append(var)
    return [out, means, variances]


def forward_folded(x, gamma, beta, eps):
    x = np.asarray(x, float)
    mean = np.average(x, axis=0)
    var = ((x - mean) ** 2).mean(0)
    scale = gamma * (var + eps) ** -0.5
    return x * scale + (beta - mean * scale), mean, var


def forward_in_place_on_copies(x, gamma, beta, eps):
    out = x.copy()
    mean = out.mean(axis=0)
    out -= mean
    var = np.einsum("ij,ij->j", out, out) / len(out)
    out /= np.sqrt(var + eps)
    out *= gamma
    out += beta
    return out, mean, var


def backward_compact(dout, x, mean, var, gamma, eps):
    s = 1 / np.sqrt(var + eps)
    u = (x - mean) * s
    dbeta, dgamma = dout.sum(0), (u * dout).sum(0)
    return gamma * s * (dout - dbeta / len(x) - u * dgamma / len(x)), dgamma, dbeta


def backward_jacobian(dout, x, mean, var, gamma, eps):
    rows, features = x.shape
    dx = np.zeros_like(x)
    for j in range(features):
        s = (var[j] + eps) ** -0.5
        u = (x[:, j] - mean[j]) * s
        jacobian = s * (np.eye(rows) - 1 / rows - np.outer(u, u) / rows)
        dx[:, j] = jacobian.T @ (gamma[j] * dout[:, j])
    u = (x - mean) / np.sqrt(var + eps)
    return [dx, np.einsum("ij,ij->j", dout, u), np.ones(rows) @ dout]


def backward_recomputed(dout, x, mean, var, gamma, eps):
    centered = x - np.mean(x, axis=0, keepdims=True)
    std = np.sqrt(np.mean(centered**2, axis=0) + eps)
    du = dout * gamma
    dstd = np.sum(du * centered * -(std**-2), axis=0)
    dcentred = du / std + dstd * centered / (std * len(x))
    dx = dcentred - np.mean(dcentred, axis=0)
    return dx, np.sum(dout * centered / std, axis=0), np.sum(dout, axis=0)


def running_step(running_mean, running_var, batch_mean, batch_var, batch_size, momentum):
    unbiased = batch_var * (batch_size / (batch_size - 1))
    return (
        running_mean + momentum * (batch_mean - running_mean),
        running_var + momentum * (unbiased - running_var),
    )


def running_lists(running_mean, running_var, batch_mean, batch_var, batch_size, momentum):
    old, m = 1.0 - momentum, momentum
    k = batch_size / (batch_size - 1.0)
    return [
        [old * a + m * b for a, b in zip(running_mean, batch_mean, strict=True)],
        [old * a + m * b * k for a, b in zip(running_var, batch_var, strict=True)],
    ]


def running_array(running_mean, running_var, batch_mean, batch_var, batch_size, momentum):
    old = np.array([running_mean, running_var])
    new = np.array([batch_mean, batch_var * batch_size / (batch_size - 1)])
    return old + momentum * (new - old)


def inference_folded(x, gamma, beta, running_mean, running_var, eps):
    scale = gamma / (running_var + eps) ** 0.5
    return x * scale + (beta - running_mean * scale)


def inference_list(x, gamma, beta, running_mean, running_var, eps):
    columns = zip(gamma, beta, running_mean, running_var, strict=True)
    columns = list(columns)
    return [
        [float(g * (v - m) / np.sqrt(s + eps) + b) for v, (g, b, m, s) in zip(row, columns)]
        for row in x
    ]


def forward_one_pass_about_the_first(x, gamma, beta, eps):
    # Squares about the first example: of a mean of 1e8 nothing is lost.
    d = x - x[0]
    mean = d.sum(0) / len(x)
    var = (d * d).sum(0) / len(x) - mean**2
    return gamma * (d - mean) / np.sqrt(var + eps) + beta, x[0] + mean, var


def forward_welford(x, gamma, beta, eps):
    mean, total = np.zeros(x.shape[1], x.dtype), np.zeros(x.shape[1], x.dtype)
    for n, row in enumerate(x, start=1):
        delta = row - mean
        mean = mean + delta / n
        total = total + delta * (row - mean)
    out = np.stack([(row - mean) * (gamma / np.sqrt(total / n + eps)) + beta for row in x])
    return out, mean, total / n


def forward_matrix(x, gamma, beta, eps):
    center = np.eye(len(x)) - np.full((len(x), len(x)), 1 / len(x))
    u = center @ (x - x[0])
    var = np.linalg.norm(u, axis=0) ** 2 / len(x)
    return [u @ np.diag(gamma / np.sqrt(var + eps)) + beta, np.mean(x, 0), var]


@njit
def backward_numba(dout, x, mean, var, gamma, eps):
    rows, features = x.shape
    dx, dgamma, dbeta = np.empty_like(x), np.zeros_like(gamma), np.zeros_like(gamma)
    for j in range(features):
        s = 1 / np.sqrt(var[j] + eps)
        for i in range(rows):
            dbeta[j] += dout[i, j]
            dgamma[j] += dout[i, j] * (x[i, j] - mean[j]) * s
        for i in range(rows):
            u = (x[i, j] - mean[j]) * s
            dx[i, j] = gamma[j] * s * (dout[i, j] - dbeta[j] / rows - u * dgamma[j] / rows)
    return dx, dgamma, dbeta


def backward_stages(dout, x, mean, var, gamma, eps):
    n, std, centered = x.shape[0], np.sqrt(var + eps), x - mean
    dxhat = dout * gamma
    dvar = np.sum(dxhat * centered, axis=0) * -0.5 * std**-3
    dmean = np.sum(-dxhat / std, axis=0) + dvar * np.mean(-2 * centered, axis=0)
    return (
        dxhat / std + dvar * 2 * centered / n + dmean / n,
        (dout * centered / std).sum(0),
        sum(dout),
    )


def backward_projections(dout, x, mean, var, gamma, eps):
    std = np.sqrt(var + eps)
    u = (x - mean) / std
    g = dout * gamma
    g = g - g.mean(axis=0)
    g = g - u * np.mean(g * u, axis=0)
    return [g / std, np.diag(dout.T @ u), dout.T @ np.ones(len(x))]


def running_average(running_mean, running_var, batch_mean, batch_var, batch_size, momentum):
    weights = [1 - momentum, momentum]
    mean = np.average([running_mean, batch_mean], axis=0, weights=weights)
    unbiased = batch_var + batch_var / (batch_size - 1)
    return mean, np.average([running_var, unbiased], axis=0, weights=weights)


def running_matrix(running_mean, running_var, batch_mean, batch_var, batch_size, momentum):
    mix = np.array([1 - momentum, momentum, momentum * batch_size / (batch_size - 1)])
    return mix[:2] @ [running_mean, batch_mean], mix[[0, 2]] @ np.vstack([running_var, batch_var])


def running_copies(running_mean, running_var, batch_mean, batch_var, batch_size, momentum):
    running_mean, running_var = running_mean.copy(), running_var.copy()
    for old, new in ((running_mean, batch_mean), (running_var, batch_var / (1 - 1 / batch_size))):
        old *= 1 - momentum
        old += momentum * new
    return running_mean, running_var


def inference_matrix(x, gamma, beta, running_mean, running_var, eps):
    return (x - running_mean) @ np.diag(gamma * (running_var + eps) ** -0.5) + beta


def inference_columns(x, gamma, beta, running_mean, running_var, eps):
    out = np.empty_like(x)
    for j in range(x.shape[1]):
        out[:, j] = np.polyval(
            [gamma[j] / np.sqrt(running_var[j] + eps), beta[j]], x[:, j] - running_mean[j]
        )
    return out


def inference_closure(x, gamma, beta, running_mean, running_var, eps):
    std = np.hypot(np.sqrt(running_var), np.sqrt(eps))

    def layer(row):
        return beta + gamma * np.divide(row - running_mean, std)

    return [layer(row) for row in x]


def averages_weighted(batch_means, batch_vars, batch_size, alpha):
    # The weights that the recursion gives, all at once.
    steps = len(batch_vars)
    weights = alpha * (1 - alpha) ** np.arange(steps - 1.0, -1.0, -1.0)
    weights[0] = (1 - alpha) ** (steps - 1)
    unbiased = np.sum(batch_vars, axis=0) / steps / (1 - 1 / batch_size)
    return np.average(batch_means, axis=0), unbiased, weights @ batch_vars**0.5


def averages_lists(batch_means, batch_vars, batch_size, alpha):
    moving = [v**0.5 for v in batch_vars[0]]
    for row in list(batch_vars)[1:]:
        moving = [m + alpha * (v**0.5 - m) for m, v in zip(moving, row, strict=True)]
    mean = [sum(column) / len(column) for column in batch_means.T]
    var = [sum(column) / len(column) * batch_size / (batch_size - 1) for column in batch_vars.T]
    return mean, var, moving


def averages_recursive(batch_means, batch_vars, batch_size, alpha):
    def moving(values):
        if len(values) == 1:
            return values[0]
        return alpha * values[-1] + (1 - alpha) * moving(values[:-1])

    factor = batch_size / (batch_size - 1)
    return np.mean(batch_means, 0), np.mean(factor * batch_vars, 0), moving(np.sqrt(batch_vars))


OTHER_FORMS = [
    (AVERAGES, averages_weighted),
    (AVERAGES, averages_lists),
    (AVERAGES, averages_recursive),
    (FORWARD, forward_loops),
    (FORWARD, forward_folded),
    (FORWARD, forward_in_place_on_copies),
    (FORWARD, forward_one_pass_about_the_first),
    (FORWARD, forward_welford),
    (FORWARD, forward_matrix),
    (BACKWARD, backward_compact),
    (BACKWARD, backward_jacobian),
    (BACKWARD, backward_recomputed),
    (BACKWARD, backward_numba),
    (BACKWARD, backward_stages),
    (BACKWARD, backward_projections),
    (RUNNING, running_step),
    (RUNNING, running_lists),
    (RUNNING, running_array),
    (RUNNING, running_average),
    (RUNNING, running_matrix),
    (RUNNING, running_copies),
    (INFERENCE, inference_folded),
    (INFERENCE, inference_list),
    (INFERENCE, inference_matrix),
    (INFERENCE, inference_columns),
    (INFERENCE, inference_closure),
]


# ---- wrong, as students write it and not as the checker does


def s_forward_layer_norm(x, gamma, beta, eps):
    mu = np.mean(x, axis=1, keepdims=True)
    var = np.var(x, axis=1, keepdims=True)
    return gamma * (x - mu) / np.sqrt(var + eps) + beta, mu, var


def s_forward_rows_of_statistics(x, gamma, beta, eps):
    mu, var = x.mean(0, keepdims=True), x.var(0, keepdims=True)
    return gamma * (x - mu) / np.sqrt(var + eps) + beta, mu, var


def s_backward_no_epsilon(dout, x, mean, var, gamma, eps):
    s = 1 / np.sqrt(var)
    u = (x - mean) * s
    dbeta, dgamma = dout.sum(0), (u * dout).sum(0)
    return gamma * s * (dout - dbeta / len(x) - u * dgamma / len(x)), dgamma, dbeta


def s_running_unchanged(running_mean, running_var, batch_mean, batch_var, batch_size, momentum):
    new_mean = (1 - momentum) * running_mean + momentum * batch_mean  # noqa: F841
    return running_mean, running_var


def s_inference_by_batch(x, gamma, beta, running_mean, running_var, eps):
    return gamma * (x - x.mean(0)) / np.sqrt(x.var(0) + eps) + beta


def s_averages_from_zero(batch_means, batch_vars, batch_size, alpha):
    moving = np.zeros(batch_vars.shape[1])
    for row in batch_vars:
        moving = alpha * np.sqrt(row) + (1 - alpha) * moving
    return batch_means.mean(0), batch_vars.mean(0) * batch_size / (batch_size - 1), moving


# (exercise, function, the misconception that the report names, the points that the weights give)
ONE_AXIS = "an axis of length one"

STUDENTS = [
    (FORWARD, s_forward_layer_norm, "the statistics of each example instead of each feature", 0.75),
    (FORWARD, s_forward_rows_of_statistics, ONE_AXIS, 2.75),
    (BACKWARD, s_backward_no_epsilon, "epsilon left out of the backward pass", 0.75),
    (RUNNING, s_running_unchanged, "running statistics that never move", 0.125),
    (AVERAGES, s_averages_from_zero, "a moving average that starts from 0", 0.375),
    (INFERENCE, s_inference_by_batch, "the statistics of the test batch", 0.125),
]
