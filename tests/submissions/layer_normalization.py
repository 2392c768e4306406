"""What students hand in for the exercise ``layer-normalization``: right in other forms, and wrong.

Each function stands by itself, so that its source can be put into a notebook.
"""

import numpy as np

FORWARD = "layer_normalization.forward"
BACKWARD = "layer_normalization.backward"
INFLUENCE = "layer_normalization.influence"

# ---- right


def forward_loops(x, gamma, beta, eps):
    out, means, variances = [], [], []
    for row in x:
        m = len(row)
        mean = sum(float(v) for v in row) / m
        var = sum((float(v) - mean) ** 2 for v in row) / m
        scale = (var + eps) ** 0.5
        out.append([float(g) * (v - mean) / scale + float(b) for v, g, b in zip(row, gamma, beta)])
        means.append(mean)
        variances.append(var)
    return [out, means, variances]


def forward_transposed(x, gamma, beta, eps):
    columns = x.T
    mean, var = np.mean(columns, axis=0), np.var(columns, axis=0)
    u = (columns - mean) / np.sqrt(var + eps)
    return (gamma[:, None] * u + beta[:, None]).T, mean, var


def forward_moments(x, gamma, beta, eps):
    x = np.asarray(x, float)
    mean = np.einsum("ij->i", x) / x.shape[1]
    var = np.maximum(np.einsum("ij,ij->i", x, x) / x.shape[1] - mean**2, 0)
    scale = np.multiply.outer((var + eps) ** -0.5, gamma)
    return x * scale + (beta - mean[:, None] * scale), mean, var


def backward_jacobian(dout, x, mean, var, gamma, eps):
    batch, m = x.shape
    dx, dgamma, dbeta = np.zeros_like(x), np.zeros(m), np.zeros(m)
    for i in range(batch):
        s = (var[i] + eps) ** -0.5
        u = (x[i] - mean[i]) * s
        jacobian = s * (np.eye(m) - np.ones((m, m)) / m - np.outer(u, u) / m)
        dx[i] = jacobian @ (gamma * dout[i])
        dgamma += dout[i] * u
        dbeta += dout[i]
    return [dx, dgamma, dbeta]


def backward_step_by_step(dout, x, mean, var, gamma, eps):
    m = x.shape[1]
    ivar = 1 / np.sqrt(var.reshape(-1, 1) + eps)
    xmu = x - mean.reshape(-1, 1)
    dxhat = dout * gamma
    dvar = np.sum(dxhat * xmu, axis=1, keepdims=True) * -0.5 * ivar**3
    dmu = np.sum(-dxhat * ivar, axis=1, keepdims=True) + dvar * np.mean(-2 * xmu, axis=1)[:, None]
    dx = dxhat * ivar + dvar * 2 * xmu / m + dmu / m
    return dx, np.sum(dout * xmu * ivar, axis=0), np.sum(dout, axis=0)


def backward_projection(dout, x, mean, var, gamma, eps):
    centred = (x.T - x.mean(axis=1)).T
    std = np.sqrt((centred**2).mean(axis=1) + eps)
    d = (dout * gamma).T / std
    along = np.einsum("ji,ij->i", d, centred) / std**2 / len(d)
    dx = (d - along * centred.T).T
    dx -= dx.mean(axis=1, keepdims=True)
    return dx, np.diag(dout.T @ (centred.T / std).T), np.ones(len(x)) @ dout


def influence_all_at_once(normalize, x, feature, step):
    base = normalize(x)
    columns = []
    for k in range(x.shape[0]):
        change = np.zeros(x.shape)
        change[k, feature] = step
        columns.append(np.linalg.norm(normalize(x + change) - base, ord=np.inf, axis=1))
    return np.array(columns).T


def influence_loops(normalize, x, feature, step):
    result = []
    for i in range(len(x)):
        row = []
        for k in range(len(x)):
            other = [[float(v) for v in values] for values in x]
            other[k][feature] += step
            pairs = zip(normalize(np.array(other))[i], normalize(x)[i])
            row.append(max(abs(float(a) - float(b)) for a, b in pairs))
        result.append(row)
    return result


def influence_moved_back(normalize, x, feature, step):
    z, before = np.array(x), normalize(x)
    result = np.empty((len(z), len(z)))
    for k in range(len(z)):
        kept = z[k, feature]
        z[k, feature] = kept + step
        difference = normalize(z) - before
        result[:, k] = np.maximum(difference.max(axis=1), -difference.min(axis=1))
        z[k, feature] = kept
    return result


OTHER_FORMS = [
    (FORWARD, forward_loops),
    (FORWARD, forward_transposed),
    (FORWARD, forward_moments),
    (BACKWARD, backward_jacobian),
    (BACKWARD, backward_step_by_step),
    (BACKWARD, backward_projection),
    (INFLUENCE, influence_all_at_once),
    (INFLUENCE, influence_loops),
    (INFLUENCE, influence_moved_back),
]


# ---- wrong, as students write it and not as the checker does


def s_forward_not_a_column(x, gamma, beta, eps):
    mu, var = np.mean(x, axis=1), np.var(x, axis=1)
    return gamma * (x - mu) / np.sqrt(var + eps) + beta, mu, var


def s_forward_columns_of_statistics(x, gamma, beta, eps):
    mu, var = x.mean(1, keepdims=True), x.var(1, keepdims=True)
    return gamma * (x - mu) / np.sqrt(var + eps) + beta, mu, var


def s_forward_writes_to_x(x, gamma, beta, eps):
    mu, var = x.mean(1), x.var(1)
    x -= mu[:, None]
    return gamma * x / np.sqrt(var[:, None] + eps) + beta, mu, var


def s_backward_summed_too_early(dout, x, mean, var, gamma, eps):
    m = x.shape[1]
    ivar = 1 / np.sqrt(var + eps)[:, None]
    xmu = x - mean[:, None]
    dxhat = dout * gamma
    dvar = dxhat.sum(1, keepdims=True) * xmu.sum(1, keepdims=True) * -0.5 * ivar**3
    dmu = -(dxhat * ivar).sum(1, keepdims=True)
    dx = dxhat * ivar + dvar * 2 * xmu / m + dmu / m
    return dx, np.sum(dout * xmu * ivar, axis=0), np.sum(dout, axis=0)


def s_backward_divided_by_batch(dout, x, mean, var, gamma, eps):
    n = len(x)
    ivar = 1 / np.sqrt(var + eps)[:, None]
    xmu = x - mean[:, None]
    dxhat = dout * gamma
    dvar = np.sum(dxhat * xmu, axis=1, keepdims=True) * -0.5 * ivar**3
    dmu = np.sum(-dxhat * ivar, axis=1, keepdims=True)
    dx = dxhat * ivar + dvar * 2 * xmu / n + dmu / n
    return dx, np.sum(dout * xmu * ivar, axis=0), np.sum(dout, axis=0)


def s_backward_rows(dout, x, mean, var, gamma, eps):
    s = 1 / np.sqrt(var + eps)[:, None]
    u = (x - mean[:, None]) * s
    du = dout * gamma
    dx = s * (du - du.mean(1, keepdims=True) - u * (du * u).mean(1, keepdims=True))
    return dx, np.sum(dout * u, axis=0, keepdims=True), np.sum(dout, axis=0, keepdims=True)


def s_influence_no_copy(normalize, x, feature, step):
    before, result = normalize(x), np.zeros((len(x), len(x)))
    for k in range(len(x)):
        moved = x
        moved[k, feature] += step
        result[:, k] = np.max(np.abs(normalize(moved) - before), axis=1)
    return result


# (exercise, function, the misconception that the report names, the points that the weights give)
ONE_AXIS = "an axis of length one"

STUDENTS = [
    (FORWARD, s_forward_not_a_column, "statistics that are not kept as columns", 0.0),
    (FORWARD, s_forward_columns_of_statistics, ONE_AXIS, 2.25),
    (FORWARD, s_forward_writes_to_x, "", 2.25),
    (BACKWARD, s_backward_summed_too_early, "the path through the variance missing", 1.25),
    (
        BACKWARD,
        s_backward_divided_by_batch,
        "sums in dx that are divided by the batch size",
        1.75,
    ),
    (BACKWARD, s_backward_rows, ONE_AXIS, 3.75),
    (INFLUENCE, s_influence_no_copy, "changes that pile up", 0.25),
]
