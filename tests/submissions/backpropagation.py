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


OTHER_FORMS = [
    (FORWARD, forward_loops),
    (FORWARD, forward_with_a_one_for_the_bias),
    (FORWARD, forward_columns),
    (SENSITIVITIES, sensitivities_loops),
    (SENSITIVITIES, sensitivities_by_diagonal_matrices),
    (SENSITIVITIES, sensitivities_recursive),
    (GRADIENTS, gradients_by_outer_products),
    (GRADIENTS, gradients_by_einsum),
    (CHECK, check_with_copies),
    (CHECK, check_in_place_with_the_value_put_back),
]


# ---- wrong, as students write it and not as the checker does


def s_forward_tanh_everywhere(x, weights, biases):
    zs, hs = [], []
    for w, b in zip(weights, biases):
        zs.append(x @ w + b)
        x = np.tanh(zs[-1])
        hs.append(x)
    return zs, hs


def s_forward_linear_output(x, weights, biases):
    zs, hs, h = [], [], x
    for k in range(len(weights)):
        z = h @ weights[k] + biases[k]
        h = np.tanh(z) if k < len(weights) - 1 else z
        zs.append(z)
        hs.append(h)
    return zs, hs


def s_forward_sigmoid_everywhere(x, weights, biases):
    zs, hs, h = [], [], x
    for w, b in zip(weights, biases):
        z = np.dot(h, w) + b
        h = 1.0 / (1.0 + np.exp(-z))
        zs.append(z)
        hs.append(h)
    return zs, hs


def s_forward_no_bias(x, weights, biases):
    zs, hs, h = [], [], x
    for k, w in enumerate(weights):
        z = np.dot(h, w)
        h = np.tanh(z) if k < len(weights) - 1 else 1 / (1 + np.exp(-z))
        zs.append(z)
        hs.append(h)
    return zs, hs


def s_forward_z_into_next(x, weights, biases):
    zs, hs, a = [], [], x
    for k in range(len(weights)):
        a = a @ weights[k] + biases[k]
        zs.append(a)
        hs.append(np.tanh(a))
    hs[-1] = 1 / (1 + np.exp(-a))
    return zs, hs


def s_forward_x_in_outputs(x, weights, biases):
    zs, hs = [], [x]
    for k in range(len(weights)):
        zs.append(hs[-1] @ weights[k] + biases[k])
        hs.append(np.tanh(zs[-1]))
    hs[-1] = 1 / (1 + np.exp(-zs[-1]))
    return zs, hs


def s_forward_bias_outside(x, weights, biases):
    zs, hs, h = [], [], x
    for k, (w, b) in enumerate(zip(weights, biases)):
        z = h @ w
        g = np.tanh(z) if k + 1 < len(weights) else 1 / (1 + np.exp(-z))
        h = g + b
        zs.append(z)
        hs.append(h)
    return zs, hs


def s_forward_pytorch_shapes(x, weights, biases):
    zs, hs, h = [], [], x
    for k, (w, b) in enumerate(zip(weights, biases)):
        z = h @ w.T + b
        h = np.tanh(z) if k + 1 < len(weights) else 1 / (1 + np.exp(-z))
        zs.append(z)
        hs.append(h)
    return zs, hs


def s_forward_writes_to_x(x, weights, biases):
    zs, hs, h = [], [], x
    x -= 0.5
    x += 0.5 + 1e-12
    for k, (w, b) in enumerate(zip(weights, biases)):
        z = h @ w + b
        h = np.tanh(z) if k + 1 < len(weights) else 1 / (1 + np.exp(-z))
        zs.append(z)
        hs.append(h)
    return zs, hs


def s_sens_dout_as_last(dout, net_inputs, weights):
    found = [dout]
    for k in range(len(weights) - 1, 0, -1):
        found.append(found[-1] @ weights[k].T * (1 - np.tanh(net_inputs[k - 1]) ** 2))
    return found[::-1]


def s_sens_no_slope_hidden(dout, net_inputs, weights):
    y = 1 / (1 + np.exp(-net_inputs[-1]))
    found = [dout * y * (1 - y)]
    for w in weights[:0:-1]:
        found.append(found[-1] @ w.T)
    return found[::-1]


def s_sens_not_reversed(dout, net_inputs, weights):
    y = 1 / (1 + np.exp(-net_inputs[-1]))
    found = [dout * y * (1 - y)]
    for k in range(len(weights) - 1, 0, -1):
        found.append(found[-1] @ weights[k].T * (1 - np.tanh(net_inputs[k - 1]) ** 2))
    return found


def s_sens_no_transpose(dout, net_inputs, weights):
    y = 1 / (1 + np.exp(-net_inputs[-1]))
    found = [dout * y * (1 - y)]
    for k in range(len(weights) - 1, 0, -1):
        found.append(found[-1] @ weights[k] * (1 - np.tanh(net_inputs[k - 1]) ** 2))
    return found[::-1]


def s_sens_weights_off_by_one(dout, net_inputs, weights):
    y = 1 / (1 + np.exp(-net_inputs[-1]))
    found = [dout * y * (1 - y)]
    for k in range(len(weights) - 2, -1, -1):
        found.append(found[-1] @ weights[k].T * (1 - np.tanh(net_inputs[k]) ** 2))
    return found[::-1]


def s_sens_formula_for_outputs(dout, net_inputs, weights):
    z = net_inputs[-1]
    s = dout * z * (1 - z)
    found = [s]
    for k in range(len(weights) - 1, 0, -1):
        s = (s @ weights[k].T) * (1 - net_inputs[k - 1] ** 2)
        found.insert(0, s)
    return found


def s_sens_tanh_slope_at_output(dout, net_inputs, weights):
    s = dout * (1 - np.tanh(net_inputs[-1]) ** 2)
    found = [s]
    for k in range(len(weights) - 1, 0, -1):
        s = (s @ weights[k].T) * (1 - np.tanh(net_inputs[k - 1]) ** 2)
        found.insert(0, s)
    return found


def s_sens_grad_instead_of_s(dout, net_inputs, weights):
    y = 1 / (1 + np.exp(-net_inputs[-1]))
    grad = dout
    found = [grad * y * (1 - y)]
    for k in range(len(weights) - 1, 0, -1):
        grad = grad @ weights[k].T
        found.insert(0, grad * (1 - np.tanh(net_inputs[k - 1]) ** 2))
    return found


def s_sens_mean(dout, net_inputs, weights):
    y = 1 / (1 + np.exp(-net_inputs[-1]))
    s = dout * y * (1 - y) / dout.shape[0]
    found = [s]
    for k in range(len(weights) - 1, 0, -1):
        s = (s @ weights[k].T) * (1 - np.tanh(net_inputs[k - 1]) ** 2)
        found.insert(0, s)
    return found


def s_sens_writes_to_dout(dout, net_inputs, weights):
    y = 1 / (1 + np.exp(-net_inputs[-1]))
    dout *= y * (1 - y)
    found = [dout]
    for k in range(len(weights) - 1, 0, -1):
        found.insert(0, found[0] @ weights[k].T * (1 - np.tanh(net_inputs[k - 1]) ** 2))
    return found


def s_grad_mean(inputs, sensitivities, weights):
    n = inputs[0].shape[0]
    dw = [np.dot(h.T, s) / n for h, s in zip(inputs, sensitivities)]
    db = [np.sum(s, axis=0) / n for s in sensitivities]
    return sensitivities[0] @ weights[0].T, dw, db


def s_grad_transposed(inputs, sensitivities, weights):
    dw = [s.T @ h for h, s in zip(inputs, sensitivities)]
    db = [np.sum(s, axis=0) for s in sensitivities]
    return sensitivities[0] @ weights[0].T, dw, db


def s_grad_bias_not_summed(inputs, sensitivities, weights):
    dw = [h.T @ s for h, s in zip(inputs, sensitivities)]
    return sensitivities[0] @ weights[0].T, dw, sensitivities


def s_grad_bias_over_units(inputs, sensitivities, weights):
    dw = [h.T @ s for h, s in zip(inputs, sensitivities)]
    return sensitivities[0] @ weights[0].T, dw, [np.sum(s, axis=1) for s in sensitivities]


def s_grad_bias_rows(inputs, sensitivities, weights):
    dw = [h.T @ s for h, s in zip(inputs, sensitivities)]
    db = [np.sum(s, axis=0, keepdims=True) for s in sensitivities]
    return sensitivities[0] @ weights[0].T, dw, db


def s_grad_bias_of_one_example(inputs, sensitivities, weights):
    dw = [h.T @ s for h, s in zip(inputs, sensitivities)]
    return sensitivities[0] @ weights[0].T, dw, [s[0] for s in sensitivities]


def s_grad_dx_with_slope(inputs, sensitivities, weights):
    dw = [h.T @ s for h, s in zip(inputs, sensitivities)]
    db = [s.sum(0) for s in sensitivities]
    dx = sensitivities[0] @ weights[0].T * (1 - inputs[0] ** 2)
    return dx, dw, db


def s_grad_dx_of_last(inputs, sensitivities, weights):
    dw, db = [], []
    for h, s, w in zip(inputs, sensitivities, weights):
        dw.append(h.T @ s)
        db.append(s.sum(0))
        dx = s @ w.T
    return dx, dw, db


def s_grad_summed_first(inputs, sensitivities, weights):
    dw = [
        np.sum(h, axis=0)[:, None] * np.sum(s, axis=0)[None, :]
        for h, s in zip(inputs, sensitivities)
    ]
    return sensitivities[0] @ weights[0].T, dw, [s.sum(0) for s in sensitivities]


def s_check_one_sided(f, parameters, gradients, step):
    base, numerical, errors = f(parameters), [], []
    for k, p in enumerate(parameters):
        g = np.zeros_like(p)
        for i in np.ndindex(p.shape):
            moved = [q.copy() for q in parameters]
            moved[k][i] += step
            g[i] = (f(moved) - base) / step
        numerical.append(g)
        top = np.max(np.maximum(abs(g), abs(gradients[k])))
        errors.append(np.max(abs(g - gradients[k])) / top if top > 0 else 0.0)
    return numerical, errors


def s_check_parenthesis(f, parameters, gradients, step):
    numerical, errors = [], []
    for k, p in enumerate(parameters):
        g = np.zeros_like(p)
        for i in np.ndindex(p.shape):
            up, down = ([q.copy() for q in parameters] for _ in range(2))
            up[k][i] += step
            down[k][i] -= step
            g[i] = (f(up) - f(down)) / 2 * step
        numerical.append(g)
        top = np.max(np.maximum(abs(g), abs(gradients[k])))
        errors.append(np.max(abs(g - gradients[k])) / top if top > 0 else 0.0)
    return numerical, errors


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


def s_check_absolute(f, parameters, gradients, step):
    numerical, errors = [], []
    for k, p in enumerate(parameters):
        g = np.zeros_like(p)
        for i in np.ndindex(p.shape):
            up, down = ([q.copy() for q in parameters] for _ in range(2))
            up[k][i] += step
            down[k][i] -= step
            g[i] = (f(up) - f(down)) / (2 * step)
        numerical.append(g)
        errors.append(np.abs(g - gradients[k]).max())
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


def s_check_norms(f, parameters, gradients, step):
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
        size = np.linalg.norm(g) + np.linalg.norm(b)
        errors.append(np.linalg.norm(g - b) / size if size > 0 else 0.0)
    return numerical, errors


def s_check_zero_by_zero(f, parameters, gradients, step):
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
        errors.append(np.max(np.abs(g - b)) / max(np.max(np.abs(g)), np.max(np.abs(b))))
    return numerical, errors


def s_check_own_step(f, parameters, gradients, step):
    eps, numerical, errors = 1e-6, [], []
    for k, p in enumerate(parameters):
        g = np.zeros_like(p)
        for i in np.ndindex(p.shape):
            up, down = ([q.copy() for q in parameters] for _ in range(2))
            up[k][i] += eps
            down[k][i] -= eps
            g[i] = (f(up) - f(down)) / (2 * eps)
        numerical.append(g)
        top = np.max(np.maximum(abs(g), abs(gradients[k])))
        errors.append(np.max(abs(g - gradients[k])) / top if top > 0 else 0.0)
    return numerical, errors


ONE_AXIS = "an axis of length one"

# (exercise, function, the misconception that the report names, the points that the weights give)
STUDENTS = [
    (FORWARD, s_forward_tanh_everywhere, "tanh at the output, too", 1.25),
    (FORWARD, s_forward_linear_output, "an output layer without activation", 1.25),
    (FORWARD, s_forward_sigmoid_everywhere, "the sigmoid in all layers", 0.25),
    (FORWARD, s_forward_no_bias, "the biases left out", 0.25),
    (FORWARD, s_forward_z_into_next, "net inputs handed on to the next layer", 0.25),
    (FORWARD, s_forward_x_in_outputs, "the input among the outputs", 1.0),
    (FORWARD, s_forward_bias_outside, "the bias added after the activation", 0.25),
    (FORWARD, s_forward_pytorch_shapes, "transposed weights", 0.25),
    (FORWARD, s_forward_writes_to_x, "", 1.75),
    (SENSITIVITIES, s_sens_dout_as_last, "the slope at the output layer forgotten", 0.25),
    (SENSITIVITIES, s_sens_no_slope_hidden, "the slope at the hidden layers forgotten", 1.0),
    (SENSITIVITIES, s_sens_not_reversed, "the last layer first", 0.0),
    (SENSITIVITIES, s_sens_no_transpose, "the transpose forgotten", 0.25),
    (SENSITIVITIES, s_sens_weights_off_by_one, "the weights of the wrong layer", 0.25),
    (
        SENSITIVITIES,
        s_sens_formula_for_outputs,
        "the slope formula for outputs applied to net inputs",
        0.25,
    ),
    (SENSITIVITIES, s_sens_tanh_slope_at_output, "the slope of tanh at the output layer", 0.25),
    (
        SENSITIVITIES,
        s_sens_grad_instead_of_s,
        "a gradient handed down without the slopes above",
        1.0,
    ),
    (SENSITIVITIES, s_sens_mean, "a division by the batch size", 0.25),
    (SENSITIVITIES, s_sens_writes_to_dout, "", 2.25),
    (GRADIENTS, s_grad_mean, "a second division by the batch size", 0.75),
    (GRADIENTS, s_grad_transposed, "the gradient of the weights transposed", 1.0),
    (GRADIENTS, s_grad_bias_not_summed, "a bias gradient that is not summed", 1.0),
    (GRADIENTS, s_grad_bias_over_units, "a bias gradient summed over the units", 1.0),
    (GRADIENTS, s_grad_bias_rows, ONE_AXIS, 1.75),
    (GRADIENTS, s_grad_bias_of_one_example, "the bias gradient of the first example only", 1.25),
    (GRADIENTS, s_grad_dx_with_slope, "a slope at the input", 1.5),
    (GRADIENTS, s_grad_dx_of_last, "the gradient of the input from the last layer", 1.25),
    (
        GRADIENTS,
        s_grad_summed_first,
        "a sum over the batch before activation and sensitivity meet",
        1.25,
    ),
    (CHECK, s_check_one_sided, "a one-sided difference", 1.5),
    (CHECK, s_check_parenthesis, "a multiplication by half the step", 0.25),
    (CHECK, s_check_not_put_back, "an entry that is not put back", 1.5),
    (CHECK, s_check_put_back_by_adding, "", 2.25),
    (CHECK, s_check_absolute, "an absolute difference", 1.5),
    (CHECK, s_check_as_in_cs231n, "a relative error entry by entry", 1.75),
    (CHECK, s_check_norms, "a ratio of norms", 1.75),
    (CHECK, s_check_zero_by_zero, "", 2.25),
    (CHECK, s_check_own_step, "a step of your own", 1.5),
]
