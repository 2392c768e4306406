"""What students hand in for the exercise ``backpropagation``: right in other forms, and wrong.

Each function stands by itself, so that its source can be put into a notebook.
"""

import numpy as np

FORWARD = "backpropagation.forward"
SENSITIVITIES = "backpropagation.sensitivities"
GRADIENTS = "backpropagation.gradients"
CHECK = "backpropagation.check"

# ---- right


def forward_loops(x, weights, biases):
    net_inputs, outputs, rows = [], [], [[float(v) for v in row] for row in x]
    for k in range(len(weights)):
        fan_in, fan_out = len(weights[k]), len(weights[k][0])
        z_rows, h_rows = [], []
        for row in rows:
            z = [float(biases[k][j]) for j in range(fan_out)]
            for j in range(fan_out):
                for i in range(fan_in):
                    z[j] += row[i] * float(weights[k][i][j])
            last = k == len(weights) - 1
            z_rows.append(z)
            h_rows.append([float(1 / (1 + np.exp(-v)) if last else np.tanh(v)) for v in z])
        net_inputs.append(z_rows)
        outputs.append(h_rows)
        rows = h_rows
    return net_inputs, outputs


def forward_with_a_one_for_the_bias(x, weights, biases):
    ones, h, zs, hs = np.ones((len(x), 1)), x, (), ()
    for k, (w, b) in enumerate(zip(weights, biases), start=1):
        z = np.hstack([ones, h]) @ np.vstack([b, w])
        h = 0.5 * (1 + np.tanh(z / 2)) if k == len(weights) else np.tanh(z)
        zs, hs = (*zs, z), (*hs, h)
    return zs, hs


def forward_columns(x, weights, biases):
    h, zs, hs = x.T, [], []
    for w, b in zip(weights[:-1], biases[:-1]):
        z = w.T @ h + b[:, None]
        h = 2 / (1 + np.exp(-2 * z)) - 1
        zs.append(z.T)
        hs.append(h.T)
    z = weights[-1].T @ h + biases[-1][:, None]
    return [*zs, z.T], [*hs, (1 / (1 + np.exp(-z))).T]


def sensitivities_loops(dout, net_inputs, weights):
    z = net_inputs[-1]
    found = [np.zeros(z.shape) for z in net_inputs]
    for i in range(z.shape[0]):
        for k in range(z.shape[1]):
            a = 1 / (1 + np.exp(-z[i, k]))
            found[-1][i, k] = dout[i, k] * a * (1 - a)
    for layer in range(len(weights) - 2, -1, -1):
        z, above, w = net_inputs[layer], found[layer + 1], weights[layer + 1]
        for i in range(z.shape[0]):
            for j in range(z.shape[1]):
                total = sum(above[i, k] * w[j, k] for k in range(w.shape[1]))
                found[layer][i, j] = total * (1 - np.tanh(z[i, j]) ** 2)
    return found


def sensitivities_by_diagonal_matrices(dout, net_inputs, weights):
    found = [np.empty(np.shape(z)) for z in net_inputs]
    for i in range(len(dout)):
        e = np.exp(-net_inputs[-1][i])
        s = dout[i] @ np.diag(e / (1 + e) ** 2)
        found[-1][i] = s
        for k in reversed(range(len(weights) - 1)):
            s = s @ weights[k + 1].T @ np.diag(np.cosh(net_inputs[k][i]) ** -2.0)
            found[k][i] = s
    return tuple(found)


def sensitivities_recursive(dout, net_inputs, weights):
    def walk(k):
        if k == len(weights) - 1:
            return [dout / (2 * np.cosh(net_inputs[k] / 2)) ** 2]
        above = walk(k + 1)
        h = np.tanh(net_inputs[k])
        return [np.einsum("ik,jk->ij", above[0], weights[k + 1]) * (1 - h) * (1 + h), *above]

    return walk(0)


def gradients_by_outer_products(inputs, sensitivities, weights):
    dweights = [np.zeros(w.shape) for w in weights]
    dbiases = [np.zeros(w.shape[1]) for w in weights]
    for k in range(len(weights)):
        for h, s in zip(inputs[k], sensitivities[k]):
            dweights[k] += np.outer(h, s)
            dbiases[k] += s
    return np.array([weights[0] @ s for s in sensitivities[0]]), dweights, dbiases


def gradients_by_einsum(inputs, sensitivities, weights):
    pairs = list(zip(inputs, sensitivities))
    return [
        np.einsum("ik,jk->ij", sensitivities[0], weights[0]),
        [np.einsum("ij,ik->jk", h, s) for h, s in pairs],
        [(np.ones(len(s)) @ s).tolist() for _, s in pairs],
    ]


def check_with_copies(f, parameters, gradients, step):
    numerical, errors = [], []
    for k, p in enumerate(parameters):
        flat = p.ravel()
        values = []
        for j in range(flat.size):
            unit = np.zeros(flat.size)
            unit[j] = step
            up, down = list(parameters), list(parameters)
            up[k], down[k] = (flat + unit).reshape(p.shape), (flat - unit).reshape(p.shape)
            values.append((f(up) - f(down)) / 2 / step)
        a, b = np.array(values).reshape(p.shape), gradients[k]
        numerical.append(a)
        if not a.any() and not b.any():
            errors.append(0.0)
        else:
            errors.append(float(np.max(np.abs(a - b)) / np.max(np.abs([a, b]))))
    return numerical, errors


def check_in_place_with_the_value_put_back(f, parameters, gradients, step):
    numerical = []
    for p in parameters:
        found = np.empty(p.shape)
        for index, value in np.ndenumerate(p.copy()):
            ends = []
            for sign in (1, -1):
                p[index] = value + sign * step
                ends.append(f(parameters))
                p[index] = value
            found[index] = (ends[0] - ends[1]) * (0.5 / step)
        numerical.append(found.tolist())
    errors = []
    for a, b in zip(numerical, gradients):
        a, b = np.ravel(a), np.ravel(b)
        largest = max(max(abs(u), abs(v)) for u, v in zip(a, b))
        worst = max(abs(u - v) for u, v in zip(a, b))
        errors.append(worst / largest if largest else 0)
    return numerical, errors


def forward_recursive(x, weights, biases):
    if not weights:
        return [], []
    z = np.einsum("bi,ij->bj", x, weights[0]) + biases[0]
    h = np.tanh(z) if len(weights) > 1 else np.exp(-np.logaddexp(0, -z))
    zs, hs = forward_recursive(h, weights[1:], biases[1:])
    return [z, *zs], [h, *hs]


def forward_accumulated(x, weights, biases):
    from itertools import accumulate

    last = len(weights) - 1

    def layer(pair, k):
        z = pair[1].dot(weights[k]) + biases[k][None, :]
        return z, (np.tanh if k < last else lambda v: 1 / (1 + np.exp(-v)))(z)

    layers = list(accumulate(range(last + 1), layer, initial=(None, x)))[1:]
    return list(zip(*layers))


def forward_float32_where_the_input_is(x, weights, biases):
    h, zs, hs = np.array(x), [], []
    for k in range(len(weights)):
        z = np.empty((h.shape[0], weights[k].shape[1]), dtype=x.dtype)
        np.matmul(h, weights[k], out=z)
        z += biases[k]
        zs.append(z)
        h = np.tanh(z) if k != len(weights) - 1 else np.reciprocal(1 + np.exp(-z))
        hs.append(h)
    return tuple(zs), tuple(hs)


def sensitivities_complex_step(dout, net_inputs, weights):
    h = 1e-20
    z = [np.asarray(v, float) for v in net_inputs]
    s = dout * (1 / (1 + np.exp(-z[-1] - 1j * h))).imag / h
    found = [s]
    for w, v in zip(weights[:0:-1], z[-2::-1]):
        s = (w @ s.T).T * np.tanh(v + 1j * h).imag / h
        found.append(s)
    return list(reversed(found))


def sensitivities_in_place(dout, net_inputs, weights):
    found = [np.tanh(z) for z in net_inputs]
    for h in found:
        np.subtract(1, h * h, out=h)
    a = 1 / (1 + np.exp(-net_inputs[-1]))
    found[-1][...] = dout * (a - a * a)
    for k in range(len(weights) - 2, -1, -1):
        found[k] *= np.inner(found[k + 1], weights[k + 1])
    return found


def sensitivities_lists(dout, net_inputs, weights):
    slope = np.vectorize(lambda z: 1 / np.cosh(z) ** 2)
    s = [slope(net_inputs[-1] / 2) / 4 * dout]
    for w, z in zip(reversed(weights[1:]), reversed(net_inputs[:-1])):
        s.append(np.tensordot(s[-1], w, axes=([1], [1])) * slope(z))
    return [v.tolist() for v in s[::-1]]


def gradients_by_columns(inputs, sensitivities, weights):
    ones = [np.ones((len(h), 1)) for h in inputs]
    both = [np.hstack([h, one]).T @ s for h, one, s in zip(inputs, ones, sensitivities)]
    dx = (weights[0] @ sensitivities[0].T).T
    return dx, [g[:-1] for g in both], [g[-1] for g in both]


def gradients_by_broadcasting(inputs, sensitivities, weights):
    dw = [(h[:, :, None] * s[:, None, :]).sum(0) for h, s in zip(inputs, sensitivities)]
    db = tuple(np.add.reduce(s, axis=0) for s in sensitivities)
    return (sensitivities[0][:, None, :] * weights[0]).sum(axis=-1), dw, db


def gradients_by_example(inputs, sensitivities, weights):
    dw, db = [0 * w for w in weights], [np.zeros(w.shape[1], w.dtype) for w in weights]
    dx = np.empty_like(inputs[0])
    for i in range(len(dx)):
        for k, (h, s) in enumerate(zip(inputs, sensitivities)):
            dw[k] = dw[k] + np.kron(h[i][:, None], s[i])
            db[k] = db[k] + s[i]
        dx[i] = np.dot(weights[0], sensitivities[0][i])
    return dx, dw, db


def check_in_one_vector(f, parameters, gradients, step):
    sizes = np.cumsum([p.size for p in parameters])[:-1]

    def unpack(v):
        return [part.reshape(p.shape) for part, p in zip(np.split(v, sizes), parameters)]

    at = np.concatenate([p.ravel() for p in parameters])
    moves = step * np.eye(at.size)
    found = unpack(np.array([(f(unpack(at + m)) - f(unpack(at - m))) / (2 * step) for m in moves]))
    errors = []
    for a, b in zip(found, gradients):
        top = np.abs(np.r_[a.ravel(), b.ravel()]).max()
        errors.append(np.linalg.norm((a - b).ravel(), np.inf) / (top or 1))
    return found, errors


def check_by_divided_differences(f, parameters, gradients, step):
    numerical = []
    for k in range(len(parameters)):
        found = []
        for index in np.ndindex(*parameters[k].shape):
            values = []
            for move in (-step, step):
                moved = [p + 0 for p in parameters]
                moved[k][index] += move
                values.append(f(moved))
            found.append(np.diff(values)[0] / np.ptp([-step, step]))
        numerical.append(np.reshape(found, parameters[k].shape))
    errors = np.zeros(len(numerical))
    for k, (a, b) in enumerate(zip(numerical, gradients)):
        if np.any(a) or np.any(b):
            errors[k] = np.ptp([[0.0, d] for d in np.abs(a - b).ravel()]) / max(
                np.amax(np.abs(a)), np.amax(np.abs(b))
            )
    return tuple(numerical), errors


def check_closure(f, parameters, gradients, step):
    def slope(k, index):
        def at(move):
            copies = [p.copy() for p in parameters]
            copies[k][index] += move
            return f(copies)

        return (at(step) - at(-step)) / step / 2

    def error(a, b):
        scale = max(abs(a).max(), abs(b).max())
        return abs(a - b).max() / scale if scale else 0

    numerical = [
        np.array([slope(k, i) for i in np.ndindex(p.shape)]).reshape(p.shape)
        for k, p in enumerate(parameters)
    ]
    return numerical, list(map(error, numerical, gradients))


OTHER_FORMS = [
    (FORWARD, forward_loops),
    (FORWARD, forward_with_a_one_for_the_bias),
    (FORWARD, forward_columns),
    (FORWARD, forward_recursive),
    (FORWARD, forward_accumulated),
    (FORWARD, forward_float32_where_the_input_is),
    (SENSITIVITIES, sensitivities_loops),
    (SENSITIVITIES, sensitivities_by_diagonal_matrices),
    (SENSITIVITIES, sensitivities_recursive),
    (SENSITIVITIES, sensitivities_complex_step),
    (SENSITIVITIES, sensitivities_in_place),
    (SENSITIVITIES, sensitivities_lists),
    (GRADIENTS, gradients_by_outer_products),
    (GRADIENTS, gradients_by_einsum),
    (GRADIENTS, gradients_by_columns),
    (GRADIENTS, gradients_by_broadcasting),
    (GRADIENTS, gradients_by_example),
    (CHECK, check_with_copies),
    (CHECK, check_in_place_with_the_value_put_back),
    (CHECK, check_in_one_vector),
    (CHECK, check_by_divided_differences),
    (CHECK, check_closure),
]


# ---- wrong, as students write it and not as the checker does


def s_forward_pytorch_shapes(x, weights, biases):
    zs, hs, h = [], [], x
    for k, (w, b) in enumerate(zip(weights, biases)):
        z = h @ w.T + b
        h = np.tanh(z) if k + 1 < len(weights) else 1 / (1 + np.exp(-z))
        zs.append(z)
        hs.append(h)
    return zs, hs


def s_sens_weights_off_by_one(dout, net_inputs, weights):
    y = 1 / (1 + np.exp(-net_inputs[-1]))
    found = [dout * y * (1 - y)]
    for k in range(len(weights) - 2, -1, -1):
        found.append(found[-1] @ weights[k].T * (1 - np.tanh(net_inputs[k]) ** 2))
    return found[::-1]


def s_grad_bias_rows(inputs, sensitivities, weights):
    dw = [h.T @ s for h, s in zip(inputs, sensitivities)]
    db = [np.sum(s, axis=0, keepdims=True) for s in sensitivities]
    return sensitivities[0] @ weights[0].T, dw, db


def s_check_not_put_back(f, parameters, gradients, step):
    moved = [p.copy() for p in parameters]
    numerical, errors = [], []
    for p, b in zip(moved, gradients):
        g = np.zeros_like(p)
        for i in np.ndindex(p.shape):
            p[i] += step
            up = f(moved)
            p[i] -= 2 * step
            g[i] = (up - f(moved)) / (2 * step)
        numerical.append(g)
        top = max(np.max(abs(g)), np.max(abs(b)))
        errors.append(np.max(abs(g - b)) / top if top > 0 else 0.0)
    return numerical, errors


def s_check_put_back_by_adding(f, parameters, gradients, step):
    numerical, errors = [], []
    for p, b in zip(parameters, gradients):
        g = np.zeros_like(p)
        for i in np.ndindex(p.shape):
            p[i] += step
            up = f(parameters)
            p[i] -= 2 * step
            down = f(parameters)
            p[i] += step
            g[i] = (up - down) / (2 * step)
        numerical.append(g)
        top = max(np.max(abs(g)), np.max(abs(b)))
        errors.append(np.max(abs(g - b)) / top if top > 0 else 0.0)
    return numerical, errors


def s_check_as_in_cs231n(f, parameters, gradients, step):
    numerical, errors = [], []
    for k, p in enumerate(parameters):
        g = np.zeros_like(p)
        for i in np.ndindex(p.shape):
            up, down = ([q.copy() for q in parameters] for _ in range(2))
            up[k][i] += step
            down[k][i] -= step
            g[i] = (f(up) - f(down)) / (2 * step)
        numerical.append(g)
        b = gradients[k]
        errors.append(np.max(np.abs(g - b) / np.maximum(1e-8, np.abs(g) + np.abs(b))))
    return numerical, errors


ONE_AXIS = "an axis of length one"

# (exercise, function, the misconception that the report names, the points that the weights give)
STUDENTS = [
    (FORWARD, s_forward_pytorch_shapes, "transposed weights", 0.25),
    (SENSITIVITIES, s_sens_weights_off_by_one, "the weights of the wrong layer", 0.25),
    (GRADIENTS, s_grad_bias_rows, ONE_AXIS, 1.75),
    (CHECK, s_check_not_put_back, "an entry that is not put back", 1.5),
    (CHECK, s_check_put_back_by_adding, "", 2.25),
    (CHECK, s_check_as_in_cs231n, "a relative error entry by entry", 1.75),
]
