"""What students hand in for the exercise ``layer-normalization``: right in other forms, and wrong.

Each function stands by itself, so that its source can be put into a notebook.
"""

import math

import numpy as np

FORWARD = "layer_normalization.forward"
BACKWARD = "layer_normalization.backward"
GROUP = "layer_normalization.group"
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
    centered = (x.T - x.mean(axis=1)).T
    std = np.sqrt((centered**2).mean(axis=1) + eps)
    d = (dout * gamma).T / std
    along = np.einsum("ji,ij->i", d, centered) / std**2 / len(d)
    dx = (d - along * centered.T).T
    dx -= dx.mean(axis=1, keepdims=True)
    return dx, np.diag(dout.T @ (centered.T / std).T), np.ones(len(x)) @ dout


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


def forward_projection(x, gamma, beta, eps):
    m = x.shape[1]
    centered = x @ (np.eye(m) - np.full((m, m), 1 / m))
    var = np.linalg.norm(centered, axis=1) ** 2 / m
    out = np.diag((var + eps) ** -0.5) @ centered @ np.diag(gamma) + np.outer(np.ones(len(x)), beta)
    return out, x @ np.full(m, 1 / m), var


def forward_on_a_copy(x, gamma, beta, eps):
    out = np.array(x, dtype=float)
    mean, var = [], []
    for row in out:
        mean += [row.mean()]
        row -= mean[-1]
        var += [row.dot(row) / row.size]
        row /= math.sqrt(var[-1] + eps)
        row *= gamma
        row += beta
    return out, mean, var


def forward_along_axis(x, gamma, beta, eps):
    def one(row):
        return (row - np.average(row)) / np.sqrt(np.var(row) + eps) * gamma + beta

    return np.apply_along_axis(one, 1, x), np.average(x, axis=-1), np.std(x, axis=-1) ** 2


def backward_loops(dout, x, mean, var, gamma, eps):
    batch, m = x.shape
    dx = [[0.0] * m for _ in range(batch)]
    dgamma, dbeta = [0.0] * m, [0.0] * m
    for i in range(batch):
        s = (float(var[i]) + eps) ** -0.5
        u = [(float(x[i, j]) - float(mean[i])) * s for j in range(m)]
        du = [float(gamma[j] * dout[i, j]) for j in range(m)]
        a = sum(du) / m
        b = sum(p * q for p, q in zip(du, u, strict=True)) / m
        for j in range(m):
            dx[i][j] = s * (du[j] - a - u[j] * b)
            dgamma[j] += float(dout[i, j]) * u[j]
            dbeta[j] += float(dout[i, j])
    return dx, dgamma, dbeta


def backward_complex_step(dout, x, mean, var, gamma, eps):
    def loss(z):
        centered = z - z.mean(axis=1, keepdims=True)
        return (dout * gamma * centered / np.sqrt((centered**2).mean(axis=1) + eps)[:, None]).sum()

    dx = np.zeros(x.shape)
    for k in np.ndindex(*x.shape):
        moved = x.astype(complex)
        moved[k] += 1e-30j
        dx[k] = loss(moved).imag * 1e30
    u = (x - mean[:, None]) / np.sqrt(var + eps)[:, None]
    return dx, np.einsum("ij,ij->j", u, dout), np.einsum("ij->j", dout)


def group_loops(x, gamma, beta, groups, eps):
    out = np.zeros(x.shape)
    size = x.shape[1] // groups
    for i in range(len(x)):
        for g in range(groups):
            part = x[i, g * size : (g + 1) * size]
            u = (part - part.mean()) / (part.var() + eps) ** 0.5
            for c in range(size):
                out[i, g * size + c] = gamma[g * size + c] * u[c] + beta[g * size + c]
    return out


def group_split(x, gamma, beta, groups, eps):
    parts = []
    for part in np.split(x, groups, axis=1):
        mean, var = part.mean(axis=(1, 2), keepdims=True), part.var(axis=(1, 2), keepdims=True)
        parts.append((part - mean) * (var + eps) ** -0.5)
    return (np.concatenate(parts, axis=1).swapaxes(1, 2) * gamma + beta).swapaxes(1, 2)


def group_of_four_axes(x, gamma, beta, groups, eps):
    n, c, p = x.shape
    z = np.copy(x).reshape(n, groups, c // groups, p)
    z -= np.einsum("ngcp->ng", z)[:, :, None, None] / (c // groups * p)
    z /= np.sqrt(np.einsum("ngcp,ngcp->ng", z, z) / (c // groups * p) + eps)[:, :, None, None]
    return np.einsum("c,ncp->ncp", gamma, z.reshape(n, c, p)) + beta.reshape(1, c, 1)


def group_membership(x, gamma, beta, groups, eps):
    channels = x.shape[1]
    member = np.arange(channels) * groups // channels == np.arange(groups)[:, None]
    share = member / (member.sum(axis=1, keepdims=True) * x.shape[2])
    mean = np.einsum("gc,ncp->ng", share, x) @ member
    centered = x - mean[:, :, None]
    var = np.einsum("gc,ncp->ng", share, centered**2) @ member
    return (centered / np.sqrt(var + eps)[:, :, None] * gamma[:, None] + beta[:, None]).tolist()


def influence_batches_at_once(normalize, x, feature, step):
    moved = x + step * np.einsum("ki,j->kij", np.eye(len(x)), np.eye(x.shape[1])[feature])
    changes = np.stack([normalize(batch) for batch in moved]) - normalize(x)
    return np.abs(changes).max(axis=2).transpose()


def influence_of_one(normalize, x, feature, step):
    before = normalize(x)

    def moved(k):
        change = step * np.outer(np.arange(len(x)) == k, np.arange(x.shape[1]) == feature)
        return normalize(x + change) - before

    table = {(i, k): max(map(abs, moved(k)[i])) for i in range(len(x)) for k in range(len(x))}
    return np.array(list(table.values())).reshape(len(x), len(x))


OTHER_FORMS = [
    (FORWARD, forward_loops),
    (FORWARD, forward_transposed),
    (FORWARD, forward_moments),
    (FORWARD, forward_projection),
    (FORWARD, forward_on_a_copy),
    (FORWARD, forward_along_axis),
    (BACKWARD, backward_jacobian),
    (BACKWARD, backward_step_by_step),
    (BACKWARD, backward_projection),
    (BACKWARD, backward_loops),
    (BACKWARD, backward_complex_step),
    (GROUP, group_loops),
    (GROUP, group_split),
    (GROUP, group_of_four_axes),
    (GROUP, group_membership),
    (INFLUENCE, influence_all_at_once),
    (INFLUENCE, influence_loops),
    (INFLUENCE, influence_moved_back),
    (INFLUENCE, influence_batches_at_once),
    (INFLUENCE, influence_of_one),
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


def s_group_batch_norm(x, gamma, beta, groups, eps):
    mean, var = x.mean(axis=(0, 2), keepdims=True), x.var(axis=(0, 2), keepdims=True)
    return gamma[:, None] * (x - mean) / np.sqrt(var + eps) + beta[:, None]


def s_group_layer_norm(x, gamma, beta, groups, eps):
    mean, var = x.mean(axis=(1, 2), keepdims=True), x.var(axis=(1, 2), keepdims=True)
    return gamma[:, None] * (x - mean) / np.sqrt(var + eps) + beta[:, None]


def s_group_forgot_channels(x, gamma, beta, groups, eps):
    n, c, p = x.shape
    z = x.reshape(n, groups, c // groups, p)
    z = (z - z.mean(axis=(2, 3), keepdims=True)) / np.sqrt(z.var((2, 3), keepdims=True) + eps)
    return z.reshape(n, c, p)


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
    (FORWARD, s_forward_columns_of_statistics, ONE_AXIS, 2.0),
    (FORWARD, s_forward_writes_to_x, "", 2.125),
    (BACKWARD, s_backward_summed_too_early, "the path through the variance missing", 1.0),
    (BACKWARD, s_backward_divided_by_batch, "sums in dx that are divided by the batch size", 1.375),
    (BACKWARD, s_backward_rows, ONE_AXIS, 3.0),
    (GROUP, s_group_batch_norm, "statistics of the whole batch", 0.125),
    (GROUP, s_group_layer_norm, "the whole example in one group", 0.125),
    (GROUP, s_group_forgot_channels, "gamma and beta forgotten", 1.125),
    (INFLUENCE, s_influence_no_copy, "changes that pile up", 0.25),
]
