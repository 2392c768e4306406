"""What students hand in for the exercise ``activations``: right in other forms, and wrong.

Each function stands by itself, so that its source can be put into a notebook.
"""

import numpy as np

SIGMOID = "activations.sigmoid_tanh"
LEAKY = "activations.leaky_relu"
ELU = "activations.elu"
CONSTANTS = "activations.constants"
SOFTMAX = "activations.softmax"

# ---- right


def sigmoid_two_branches(z):
    e = np.exp(-np.abs(z))
    s = np.where(z >= 0, 1 / (1 + e), e / (1 + e))
    e2 = np.exp(-2 * np.abs(z))
    t = np.sign(z) * (1 - e2) / (1 + e2)
    return s, t, e / (1 + e) ** 2, 4 * e2 / (1 + e2) ** 2


def sigmoid_direct(z):
    # exp may overflow to infinity here, whose inverse is 0.
    s = 1 / (1 + np.exp(-z))
    t = 2 / (1 + np.exp(-2 * z)) - 1
    return [s, t, s - s * s, (1 + t) * (1 - t)]


def sigmoid_lists(z):
    flat = [float(v) for v in np.ravel(z)]
    s = [0.5 + 0.5 * np.tanh(v / 2) for v in flat]
    t = [np.tanh(v) for v in flat]
    ds = [a * (1 - a) for a in s]
    dt = [1 - b * b for b in t]
    return tuple(np.reshape(values, z.shape) for values in (s, t, ds, dt))


def leaky_loops(dout, z, alpha):
    rows, units = z.shape
    out = [[0.0] * units for _ in range(rows)]
    dz = [[0.0] * units for _ in range(rows)]
    off = 0
    for j in range(units):
        on = False
        for i in range(rows):
            v = float(z[i, j])
            if v > 0:
                on = True
            out[i][j] = v if v > 0 else alpha * v
            dz[i][j] = float(dout[i, j]) * (1 if v > 0 else alpha)
        off += not on
    return out, dz, off / units


def leaky_parts(dout, z, alpha):
    out = np.maximum(z, 0) + alpha * np.minimum(z, 0)
    slope = alpha + (1 - alpha) * (z > 0)
    return out, slope * dout, np.mean(z.max(axis=0) <= 0)


def leaky_masks(dout, z, alpha):
    out, dz = np.copy(z), np.copy(dout)
    out[z <= 0] *= alpha
    dz[z <= 0] *= alpha
    return out, dz, np.count_nonzero(np.maximum(z, 0).sum(axis=0) == 0) / z.shape[1]


def elu_where(dout, z, alpha, scale):
    out = np.where(z > 0, scale * z, scale * alpha * (np.exp(z) - 1))
    dz = np.where(z > 0, dout * scale, dout * scale * alpha * np.exp(z))
    return out, dz


def elu_from_the_output(dout, z, alpha, scale):
    out = np.array(z, dtype=float)
    left = z <= 0
    out[left] = alpha * np.expm1(z[left])
    slope = np.ones(z.shape)
    slope[left] = out[left] + alpha
    return scale * out, scale * slope * dout


def elu_loops(dout, z, alpha, scale):
    out, dz = np.zeros(z.shape), np.zeros(z.shape)
    for index in np.ndindex(z.shape):
        if z[index] > 0:
            out[index], dz[index] = scale * z[index], scale * dout[index]
        else:
            e = alpha * np.exp(z[index])
            out[index], dz[index] = scale * (e - alpha), scale * e * dout[index]
    return [out, dz]


def constants_sums(z):
    up = sum(v for v in z if v > 0)
    down = sum(1 - np.exp(v) for v in z if v <= 0)
    alpha = up / down
    square = sum(v * v if v > 0 else (alpha * (np.exp(v) - 1)) ** 2 for v in z)
    return alpha, (len(z) / square) ** 0.5


def constants_bisection(z):
    low, high = 0.0, 1e6
    for _ in range(200):
        alpha = (low + high) / 2
        out = np.where(z > 0, z, alpha * np.expm1(z))
        if out.mean() > 0:
            low = alpha
        else:
            high = alpha
    return alpha, 1 / np.std(out)


def softmax_loops(dout, z):
    rows, classes = z.shape
    p, log_p, dz = np.zeros((3, rows, classes))
    for i in range(rows):
        top = max(z[i])
        total = top + np.log(sum(np.exp(z[i, c] - top) for c in range(classes)))
        for c in range(classes):
            log_p[i, c] = z[i, c] - total
            p[i, c] = np.exp(log_p[i, c])
        for k in range(classes):
            for c in range(classes):
                dz[i, k] += dout[i, c] * p[i, c] * ((c == k) - p[i, k])
    return p, log_p, dz


def softmax_jacobians(dout, z):
    shifted = z - np.max(z, axis=-1, keepdims=True)
    e = np.exp(shifted)
    total = np.sum(e, axis=-1, keepdims=True)
    p = e / total
    dz = [(np.diag(row) - np.outer(row, row)) @ g for row, g in zip(p, dout, strict=True)]
    return p, shifted - np.log(total), np.array(dz)


def softmax_logaddexp(dout, z):
    log_p = z - np.logaddexp.reduce(z, axis=1, keepdims=True)
    p = np.exp(log_p)
    return p, log_p, p * dout - p * np.einsum("ij,ij->i", p, dout)[:, None]


OTHER_FORMS = [
    (SIGMOID, sigmoid_two_branches),
    (SIGMOID, sigmoid_direct),
    (SIGMOID, sigmoid_lists),
    (LEAKY, leaky_loops),
    (LEAKY, leaky_parts),
    (LEAKY, leaky_masks),
    (ELU, elu_where),
    (ELU, elu_from_the_output),
    (ELU, elu_loops),
    (CONSTANTS, constants_sums),
    (CONSTANTS, constants_bisection),
    (SOFTMAX, softmax_loops),
    (SOFTMAX, softmax_jacobians),
    (SOFTMAX, softmax_logaddexp),
]


# ---- wrong, as students write it and not as the checker does


def s_tanh_chain(z):
    s, s2 = 1 / (1 + np.exp(-z)), 1 / (1 + np.exp(-2 * z))
    return s, 2 * s2 - 1, s * (1 - s), 2 * s2 * (1 - s2)


def s_sigmoid_sum(z):
    s = 1 / (1 + np.exp(-z))
    return s.sum(), np.tanh(z).sum(), s * (1 - s), 1 - np.tanh(z) ** 2


def s_leaky_zero_on(dout, z, alpha):
    out = np.where(z >= 0, z, alpha * z)
    return out, np.where(z >= 0, dout, alpha * dout), np.mean(np.all(z < 0, axis=0))


def s_leaky_any(dout, z, alpha):
    out = np.where(z > 0, z, alpha * z)
    return out, dout * np.where(z > 0, 1, alpha), np.mean(z.min(axis=0) <= 0)


def s_leaky_in_place(dout, z, alpha):
    off = np.mean(z.max(axis=0) <= 0)
    dz = dout * np.where(z > 0, 1, alpha)
    z[z <= 0] *= alpha
    return z, dz, off


def s_elu_output_plus_alpha(dout, z, alpha, scale):
    out = scale * np.where(z > 0, z, alpha * (np.exp(z) - 1))
    return out, dout * np.where(z > 0, scale, out + alpha)


def s_constants_sign(z):
    alpha = np.sum(z[z > 0]) / np.sum(np.exp(z[z <= 0]) - 1)
    out = np.where(z > 0, z, alpha * (np.exp(z) - 1))
    return alpha, 1 / np.sqrt(np.mean(out**2))


def s_constants_in_place(z):
    left = z <= 0
    z[left] = np.exp(z[left]) - 1
    alpha = -z[~left].sum() / z[left].sum()
    z[left] *= alpha
    return alpha, 1 / z.std()


def s_softmax_axis(dout, z):
    z = z - z.max(axis=0)
    log_p = z - np.log(np.exp(z).sum(axis=0))
    p = np.exp(log_p)
    return p, log_p, p * (dout - (dout * p).sum(axis=1, keepdims=True))


def s_softmax_log_gradient(dout, z):
    z = z - z.max(axis=1, keepdims=True)
    log_p = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    p = np.exp(log_p)
    return p, log_p, dout - p * dout.sum(axis=1, keepdims=True)


def s_softmax_in_place(dout, z):
    z -= z.max(axis=1, keepdims=True)
    log_p = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    p = np.exp(log_p)
    return p, log_p, p * (dout - (dout * p).sum(axis=1, keepdims=True))


# (exercise, function, the misconception that the report names, the points that the weights give)
STUDENTS = [
    (SIGMOID, s_tanh_chain, "a factor 2 lost in the slope of tanh", 1.0),
    (SIGMOID, s_sigmoid_sum, "", 0.75),
    (LEAKY, s_leaky_zero_on, "a net input of 0 that counts as on", 1.75),
    (LEAKY, s_leaky_any, "the share of the units that are off at least once", 1.25),
    (LEAKY, s_leaky_in_place, "", 1.75),
    (
        ELU,
        s_elu_output_plus_alpha,
        "a slope from the output with the wrong constant",
        0.75,
    ),
    (CONSTANTS, s_constants_sign, "an alpha with its sign turned", 0.75),
    (CONSTANTS, s_constants_in_place, "", 1.25),
    (SOFTMAX, s_softmax_axis, "a softmax over the batch", 0.25),
    (SOFTMAX, s_softmax_log_gradient, "the gradient of the log-softmax", 1.0),
    (SOFTMAX, s_softmax_in_place, "", 2.25),
]
