"""What students hand in for the exercise ``activations``: right in other forms, and wrong.

Each function stands by itself, so that its source can be put into a notebook; but for `njit`.
"""

import numpy as np
from numba import njit

SIGMOID = "activations.sigmoid_tanh"
LEAKY = "activations.leaky_relu"
ELU = "activations.elu"
SMOOTH = "activations.gelu_silu"
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


def smooth_loops(dout, z):
    import math

    c = math.sqrt(2 / math.pi)
    out = np.zeros((4, *z.shape))
    for index in np.ndindex(z.shape):
        v, d = float(z[index]), float(dout[index])
        t = math.tanh(c * (v + 0.044715 * v**3))
        e = math.exp(-abs(v))
        p = 1 / (1 + e) if v > 0 else e / (1 + e)
        dg = 0.5 * (1 + t) + 0.5 * v * (1 - t * t) * c * (1 + 0.134145 * v * v)
        out[(slice(None), *index)] = v * (1 + t) / 2, v * p, d * dg, d * p * (1 + v * (1 - p))
    return list(out)


def smooth_by_sigmoids(dout, z):
    def sigmoid(v):
        return np.exp(-np.logaddexp(0, -v))

    k = np.sqrt(8 / np.pi)
    u, du = k * (z + 0.044715 * z**3), k * (1 + 0.134145 * z**2)
    g, s = z * sigmoid(u), z * sigmoid(z)
    dg = sigmoid(u) + g * sigmoid(-u) * du
    return g, s, dg * dout, dout * (s + sigmoid(z) * (1 - s))


def smooth_complex_step(dout, z):
    v = z + 1e-20j
    g = 0.5 * v * (1 + np.tanh(np.sqrt(2 / np.pi) * (v + 0.044715 * v**3)))
    s = 0.5 * v * (1 + np.tanh(v / 2))
    return g.real, s.real, dout * g.imag / 1e-20, dout * s.imag / 1e-20


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


def sigmoid_complex_step(z):
    s, t = (1 + np.tanh((z + 1e-20j) / 2)) / 2, np.tanh(z + 1e-20j)
    return s.real, t.real, s.imag / 1e-20, t.imag / 1e-20


def sigmoid_logaddexp(z):
    on, off = np.exp(-np.logaddexp(0, -z)), np.exp(-np.logaddexp(0, z))
    t = 1 - 2 * np.exp(-np.logaddexp(0, 2 * z))
    return np.array([on, t, on * off, 1 - t * t])


def sigmoid_vectorized(z):
    import math

    def one(v):
        e = math.exp(-abs(v))
        s = (1 if v >= 0 else e) / (1 + e)
        return s, math.tanh(v), s * (1 - s), (1 - math.tanh(v)) * (1 + math.tanh(v))

    return np.vectorize(one)(z)


@njit
def leaky_numba(dout, z, alpha):
    out, dz, off = z.copy(), dout.copy(), 0
    for j in range(z.shape[1]):
        on = 0
        for i in range(z.shape[0]):
            if z[i, j] > 0:
                on += 1
            else:
                out[i, j] *= alpha
                dz[i, j] *= alpha
        off += on == 0
    return out, dz, off / z.shape[1]


def leaky_slope_first(dout, z, alpha):
    slope = np.heaviside(z, 0) * (1 - alpha) + alpha
    return slope * z, np.multiply(dout, slope), 1 - np.any(z > 0, 0).sum() / len(z.T)


def leaky_generators(dout, z, alpha):
    out = [[v if v > 0 else alpha * v for v in row] for row in z.tolist()]
    dz = tuple(tuple(d * (v > 0 or alpha) for d, v in zip(*rows)) for rows in zip(dout, z))
    return out, dz, sum(all(v <= 0 for v in unit) for unit in zip(*out)) / len(out[0])


def elu_complex_step(dout, z, alpha, scale):
    left = np.minimum(z, 0) + 1e-20j
    out = scale * np.where(z > 0, z + 1e-20j, alpha * np.expm1(left))
    return out.real, dout * out.imag / 1e-20


def elu_in_place(dout, z, alpha, scale):
    out, dz = z.copy(), dout.copy()
    np.expm1(z, out=out, where=z <= 0)
    dz[z <= 0] *= alpha * (out[z <= 0] + 1)
    out[z <= 0] *= alpha
    out *= scale
    dz *= scale
    return out, dz


def elu_piecewise(dout, z, alpha, scale):
    pieces = [z <= 0, z > 0]
    f = [lambda v: alpha * np.expm1(v), lambda v: v]
    slope = [lambda v: alpha * np.exp(v), 1]
    return scale * np.piecewise(z, pieces, f), scale * dout * np.piecewise(z, pieces, slope)


def constants_by_solving(z):
    f = np.array([np.maximum(z, 0), np.expm1(np.minimum(z, 0))])
    mean, second = f.mean(axis=1), f @ f.T / z.size
    alpha = np.linalg.solve([[mean[1]]], [-mean[0]])
    v = np.append(1, alpha)
    return alpha[0], 1 / np.sqrt(v @ second @ v)


def constants_secant(z):
    def mean(alpha):
        return np.where(z > 0, z, alpha * np.expm1(z)).mean()

    alpha = mean(0.0) / (mean(0.0) - mean(1.0))
    import statistics

    return np.array(alpha), 1 / statistics.pstdev(np.where(z > 0, z, alpha * np.expm1(z)).tolist())


def constants_sorted(z):
    z = np.sort(z)[::-1]
    k = np.count_nonzero(z > 0)
    alpha = z[:k].sum() / (len(z) - k - np.exp(z[k:]).sum())
    total = np.sum(z[:k] ** 2) + alpha**2 * np.sum((1 - np.exp(z[k:])) ** 2)
    return [alpha, np.sqrt(len(z) / total)]


def softmax_differences(dout, z):
    # p_c = 1 / sum_k exp(z_k - z_c): an exponential that overflows gives 1 / infinity.
    gaps = z[:, None, :] - z[:, :, None]
    p = 1 / np.exp(gaps).sum(axis=2)
    log_p = -np.logaddexp.reduce(gaps, axis=2)
    return p, log_p, p * dout - p * np.matmul(p[:, None, :], dout[:, :, None])[:, 0]


def softmax_transposed(dout, z):
    e = np.exp(z.T - z.T.max(0))
    p = e / e.sum(0)
    log_p = z.T - z.T.max(0) - np.log(e.sum(0))
    return p.T, log_p.T, (p * (dout.T - (p * dout.T).sum(0))).T


def softmax_in_place_on_a_copy(dout, z):
    log_p = np.array(z, dtype=np.float64)
    log_p -= np.amax(log_p, axis=1, keepdims=True)
    log_p -= np.log(np.exp(log_p).sum(axis=1, keepdims=True))
    p = np.exp(log_p)
    dz = dout.astype(float)
    dz -= np.sum(dz * p, axis=1).reshape(-1, 1)
    dz *= p
    return p, log_p, dz


def softmax_complex_step(dout, z):
    def softmax(v):
        e = np.exp(v - v.real.max())
        return e / e.sum()

    p, dz = np.zeros(z.shape), np.zeros(z.shape)
    for i in range(len(z)):
        p[i] = softmax(z[i] + 0j).real
        for k in range(z.shape[1]):
            step = 1e-20j * (np.arange(z.shape[1]) == k)
            dz[i, k] = dout[i] @ softmax(z[i] + step).imag / 1e-20
    top = z.max(1, keepdims=True)
    return p, z - top - np.log(np.exp(z - top).sum(1, keepdims=True)), dz


OTHER_FORMS = [
    (SIGMOID, sigmoid_two_branches),
    (SIGMOID, sigmoid_direct),
    (SIGMOID, sigmoid_lists),
    (SIGMOID, sigmoid_complex_step),
    (SIGMOID, sigmoid_logaddexp),
    (SIGMOID, sigmoid_vectorized),
    (LEAKY, leaky_loops),
    (LEAKY, leaky_parts),
    (LEAKY, leaky_masks),
    (LEAKY, leaky_numba),
    (LEAKY, leaky_slope_first),
    (LEAKY, leaky_generators),
    (ELU, elu_where),
    (ELU, elu_from_the_output),
    (ELU, elu_loops),
    (ELU, elu_complex_step),
    (ELU, elu_in_place),
    (ELU, elu_piecewise),
    (SMOOTH, smooth_loops),
    (SMOOTH, smooth_by_sigmoids),
    (SMOOTH, smooth_complex_step),
    (CONSTANTS, constants_sums),
    (CONSTANTS, constants_bisection),
    (CONSTANTS, constants_by_solving),
    (CONSTANTS, constants_secant),
    (CONSTANTS, constants_sorted),
    (SOFTMAX, softmax_loops),
    (SOFTMAX, softmax_jacobians),
    (SOFTMAX, softmax_logaddexp),
    (SOFTMAX, softmax_differences),
    (SOFTMAX, softmax_transposed),
    (SOFTMAX, softmax_in_place_on_a_copy),
    (SOFTMAX, softmax_complex_step),
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


def s_elu_output_plus_alpha(dout, z, alpha, scale):
    out = scale * np.where(z > 0, z, alpha * (np.exp(z) - 1))
    return out, dout * np.where(z > 0, scale, out + alpha)


def s_smooth_exact(dout, z):
    import math

    phi = np.vectorize(lambda v: 0.5 * math.erfc(-v / math.sqrt(2)))(z)
    s = 1 / (1 + np.exp(-z))
    dg = phi + z * np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
    return z * phi, z * s, dout * dg, dout * (s + z * s * (1 - s))


def s_constants_sign(z):
    alpha = np.sum(z[z > 0]) / np.sum(np.exp(z[z <= 0]) - 1)
    out = np.where(z > 0, z, alpha * (np.exp(z) - 1))
    return alpha, 1 / np.sqrt(np.mean(out**2))


def s_softmax_axis(dout, z):
    z = z - z.max(axis=0)
    log_p = z - np.log(np.exp(z).sum(axis=0))
    p = np.exp(log_p)
    return p, log_p, p * (dout - (dout * p).sum(axis=1, keepdims=True))


# (exercise, function, the misconception that the report names, the points that the weights give)
STUDENTS = [
    (SIGMOID, s_tanh_chain, "a factor 2 lost in the slope of tanh", 1.0),
    (SIGMOID, s_sigmoid_sum, "", 0.5),
    (LEAKY, s_leaky_zero_on, "a net input of 0 that counts as on", 1.5),
    (
        ELU,
        s_elu_output_plus_alpha,
        "a slope from the output with the wrong constant",
        0.75,
    ),
    (SMOOTH, s_smooth_exact, "the exact GELU", 0.5),
    (CONSTANTS, s_constants_sign, "an alpha with its sign turned", 0.5),
    (SOFTMAX, s_softmax_axis, "a softmax over the batch", 0.25),
]
