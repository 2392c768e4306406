"""What students hand in for the exercise ``batch-normalization``: right in other forms, and wrong.

Each function stands by itself, so that its source can be put into a notebook.
"""

import numpy as np

FORWARD = "batch_normalization.forward"
BACKWARD = "batch_normalization.backward"
RUNNING = "batch_normalization.running_statistics"
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
    centred = x - np.mean(x, axis=0, keepdims=True)
    std = np.sqrt(np.mean(centred**2, axis=0) + eps)
    du = dout * gamma
    dstd = np.sum(du * centred * -(std**-2), axis=0)
    dcentred = du / std + dstd * centred / (std * len(x))
    dx = dcentred - np.mean(dcentred, axis=0)
    return dx, np.sum(dout * centred / std, axis=0), np.sum(dout, axis=0)


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


OTHER_FORMS = [
    (FORWARD, forward_loops),
    (FORWARD, forward_folded),
    (FORWARD, forward_in_place_on_copies),
    (BACKWARD, backward_compact),
    (BACKWARD, backward_jacobian),
    (BACKWARD, backward_recomputed),
    (RUNNING, running_step),
    (RUNNING, running_lists),
    (RUNNING, running_array),
    (INFERENCE, inference_folded),
    (INFERENCE, inference_list),
]


# ---- wrong, as students write it and not as the checker does


def s_forward_layer_norm(x, gamma, beta, eps):
    mu = np.mean(x, axis=1, keepdims=True)
    var = np.var(x, axis=1, keepdims=True)
    return gamma * (x - mu) / np.sqrt(var + eps) + beta, mu, var


def s_forward_rows_of_statistics(x, gamma, beta, eps):
    mu, var = x.mean(0, keepdims=True), x.var(0, keepdims=True)
    return gamma * (x - mu) / np.sqrt(var + eps) + beta, mu, var


def s_forward_writes_to_x(x, gamma, beta, eps):
    mu, var = x.mean(0), x.var(0)
    x -= mu
    return gamma * x / np.sqrt(var + eps) + beta, mu, var


def s_backward_no_epsilon(dout, x, mean, var, gamma, eps):
    s = 1 / np.sqrt(var)
    u = (x - mean) * s
    dbeta, dgamma = dout.sum(0), (u * dout).sum(0)
    return gamma * s * (dout - dbeta / len(x) - u * dgamma / len(x)), dgamma, dbeta


def s_backward_rows(dout, x, mean, var, gamma, eps):
    s = 1 / np.sqrt(var + eps)
    u = (x - mean) * s
    dbeta, dgamma = dout.sum(0, keepdims=True), (u * dout).sum(0, keepdims=True)
    return gamma * s * (dout - dbeta / len(x) - u * dgamma / len(x)), dgamma, dbeta


def s_running_unchanged(running_mean, running_var, batch_mean, batch_var, batch_size, momentum):
    new_mean = (1 - momentum) * running_mean + momentum * batch_mean  # noqa: F841
    return running_mean, running_var


def s_running_in_place(running_mean, running_var, batch_mean, batch_var, batch_size, momentum):
    running_mean *= 1 - momentum
    running_mean += momentum * batch_mean
    running_var *= 1 - momentum
    running_var += momentum * batch_var * batch_size / (batch_size - 1)
    return running_mean, running_var


def s_inference_by_batch(x, gamma, beta, running_mean, running_var, eps):
    return gamma * (x - x.mean(0)) / np.sqrt(x.var(0) + eps) + beta


# (exercise, function, the misconception that the report names, the points that the weights give)
ONE_AXIS = "an axis of length one"

STUDENTS = [
    (FORWARD, s_forward_layer_norm, "the statistics of each example instead of each feature", 0.75),
    (FORWARD, s_forward_rows_of_statistics, ONE_AXIS, 2.75),
    (FORWARD, s_forward_writes_to_x, "", 2.75),
    (BACKWARD, s_backward_no_epsilon, "epsilon left out of the backward pass", 0.75),
    (BACKWARD, s_backward_rows, ONE_AXIS, 3.25),
    (RUNNING, s_running_unchanged, "running statistics that never move", 0.125),
    (RUNNING, s_running_in_place, "", 1.375),
    (INFERENCE, s_inference_by_batch, "the statistics of the test batch", 0.125),
]
