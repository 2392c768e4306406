"""What students hand in for the exercise ``autodiff``: right in other forms, and wrong.

Each function stands by itself, so that its source can be put into a notebook.
"""

import numpy as np

DUAL = "autodiff.dual"
REVERSE = "autodiff.reverse"
COST = "autodiff.cost"
JACOBIAN = "autodiff.jacobian"

# ---- right


def dual_by_local_derivatives(operation, a, b):
    import math

    x, dx = a
    y, dy = b if b is not None else (0.0, 0.0)
    by_x, by_y = 0.0, 0.0
    match operation:
        case "add":
            value, by_x, by_y = x + y, 1, 1
        case "sub":
            value, by_x, by_y = x - y, 1, -1
        case "mul":
            value, by_x, by_y = x * y, y, x
        case "div":
            value, by_x, by_y = x / y, 1 / y, -x / y**2
        case "pow":
            value = math.pow(x, y)
            by_x = y * math.pow(x, y - 1)
            by_y = value * math.log(x) if x > 0 else 0.0
        case "exp":
            value = by_x = math.exp(x)
        case "log":
            value, by_x = math.log(x), 1 / x
        case "tanh":
            value, by_x = math.tanh(x), math.cosh(x) ** -2
        case "relu":
            value, by_x = max(0.0, x), float(x > 0)
    return [value, by_x * dx + by_y * dy]


def dual_by_other_rules(operation, a, b):
    x, dx = np.asarray(a, dtype=np.float64)
    if operation == "tanh":
        p, q = np.exp(x), np.exp(-x)
        value = (p - q) / (p + q)
        return value, dx - value * value * dx
    if operation == "relu":
        return max(x, 0.0), dx * (x > 0)
    if operation in ("exp", "log"):
        value = getattr(np, operation)(x)
        return value, dx * (value if operation == "exp" else 1 / x)
    y, dy = b
    if operation == "pow":
        if dy == 0:
            return x**y, y * x**y / x * dx
        value = np.exp(y * np.log(x))
        return value, value * (dy * np.log(x) + y * dx / x)
    if operation == "div":
        return x / y, (dx * y - x * dy) / (y * y)
    if operation == "mul":
        return x * y, dx * y + x * dy
    sign = 1 if operation == "add" else -1
    return x + sign * y, dx + sign * dy


def reverse_by_uses(operands, partials, output):
    adjoints = []
    for u in reversed(range(len(operands))):
        total = 1.0 if u == output else 0.0
        for v in range(u + 1, output + 1):
            for k, node in enumerate(operands[v]):
                if node == u:
                    total += adjoints[len(operands) - 1 - v] * partials[v][k]
        adjoints.append(total)
    return adjoints[::-1]


def reverse_by_paths(operands, partials, output):
    adjoints = [0.0] * len(operands)

    def go(node, product):
        adjoints[node] += product
        for below, p in zip(operands[node], partials[node]):
            go(below, product * p)

    go(output, 1.0)
    return adjoints


def reverse_by_solving(operands, partials, output):
    n = len(operands)
    matrix = np.zeros((n, n))
    for k in range(n):
        np.add.at(matrix[k], np.array(operands[k], dtype=int), partials[k])
    return np.linalg.solve(np.eye(n) - matrix.T, np.eye(n)[output])


def reverse_by_add_at(operands, partials, output):
    bar = np.eye(len(operands))[output]
    for k in range(len(operands) - 1, -1, -1):
        if operands[k]:
            np.add.at(bar, operands[k], bar[k] * np.array(partials[k]))
    return bar


def cost_loops(operands, outputs):
    n_inputs = n_arrows = 0
    for nodes in operands:
        if nodes:
            n_arrows += len(nodes)
        else:
            n_inputs += 1
    n_outputs = float(len(outputs))
    return [n_inputs, n_outputs, n_arrows * n_inputs, n_arrows * n_outputs]


def cost_flat(operands, outputs):
    arrows = [node for nodes in operands for node in nodes]
    forward = operands.count([])
    return forward, len(set(outputs)), len(arrows) * forward, len(arrows) * len(outputs)


def jacobian_by_lists(jvp, vjp, n_inputs, n_outputs):
    n, passes = min(n_inputs, n_outputs), 0
    vectors = []
    for k in range(n):
        seed = [0] * n
        seed[k] = 1
        vectors.append((vjp if n == n_outputs else jvp)(seed).tolist())
        passes += 1
    if n == n_outputs:
        return vectors, passes
    return [list(row) for row in zip(*vectors)], passes


def jacobian_with_scaled_seeds(jvp, vjp, n_inputs, n_outputs):
    if n_inputs <= n_outputs:
        return np.array([jvp(2 * e) / 2 for e in np.eye(n_inputs)]).T, n_inputs
    seeds = np.tril(np.ones((n_outputs, n_outputs)))
    sums = np.array([vjp(seed) for seed in seeds])
    return np.diff(sums, axis=0, prepend=0.0), n_outputs


OTHER_FORMS = [
    (DUAL, dual_by_local_derivatives),
    (DUAL, dual_by_other_rules),
    (REVERSE, reverse_by_uses),
    (REVERSE, reverse_by_paths),
    (REVERSE, reverse_by_solving),
    (REVERSE, reverse_by_add_at),
    (COST, cost_loops),
    (COST, cost_flat),
    (JACOBIAN, jacobian_by_lists),
    (JACOBIAN, jacobian_with_scaled_seeds),
]


# ---- wrong, as students write it and not as the checker does


def s_dual_componentwise(operation, a, b):
    x, dx = a
    if operation == "exp":
        return np.exp(x), np.exp(x) * dx
    if operation == "log":
        return np.log(x), dx / x
    if operation == "tanh":
        return np.tanh(x), dx * (1 - np.tanh(x) ** 2)
    if operation == "relu":
        return max(0, x), (dx if x > 0 else 0)
    y, dy = b
    if operation == "add":
        return x + y, dx + dy
    if operation == "sub":
        return x - y, dx - dy
    if operation == "mul":
        return x * y, dx * dy
    if operation == "div":
        return x / y, dx / dy
    return x**y, y * x ** (y - 1) * dx


def s_dual_no_chain_rule(operation, a, b):
    x, dx = a
    if operation == "exp":
        return np.exp(x), np.exp(x)
    if operation == "log":
        return np.log(x), 1 / x
    if operation == "tanh":
        return np.tanh(x), 1 - np.tanh(x) ** 2
    if operation == "relu":
        return max(0, x), (1 if x > 0 else 0)
    y, dy = b
    if operation == "add":
        return x + y, dx + dy
    if operation == "sub":
        return x - y, dx - dy
    if operation == "mul":
        return x * y, x * dy + y * dx
    if operation == "div":
        return x / y, (dx * y - x * dy) / y**2
    if dy == 0:
        return x**y, y * x ** (y - 1) * dx
    return x**y, y * x ** (y - 1) * dx + x**y * np.log(x) * dy


def s_dual_quotient_plus(operation, a, b):
    x, dx = a
    if operation == "exp":
        return np.exp(x), np.exp(x) * dx
    if operation == "log":
        return np.log(x), dx / x
    if operation == "tanh":
        return np.tanh(x), (1 - np.tanh(x) ** 2) * dx
    if operation == "relu":
        return max(0.0, x), (dx if x > 0 else 0.0)
    y, dy = b
    if operation == "add":
        return x + y, dx + dy
    if operation == "sub":
        return x - y, dx - dy
    if operation == "mul":
        return x * y, x * dy + y * dx
    if operation == "div":
        return x / y, (dx * y + x * dy) / y**2
    if dy == 0:
        return x**y, y * x ** (y - 1) * dx
    return x**y, y * x ** (y - 1) * dx + x**y * np.log(x) * dy


def s_dual_slope_of_tanh(operation, a, b):
    x, dx = a
    if operation == "exp":
        return np.exp(x), np.exp(x) * dx
    if operation == "log":
        return np.log(x), dx / x
    if operation == "tanh":
        return np.tanh(x), (1 - x**2) * dx
    if operation == "relu":
        return max(0.0, x), (dx if x > 0 else 0.0)
    y, dy = b
    if operation == "add":
        return x + y, dx + dy
    if operation == "sub":
        return x - y, dx - dy
    if operation == "mul":
        return x * y, x * dy + y * dx
    if operation == "div":
        return x / y, (dx * y - x * dy) / y**2
    if dy == 0:
        return x**y, y * x ** (y - 1) * dx
    return x**y, y * x ** (y - 1) * dx + x**y * np.log(x) * dy


def s_dual_log_of_a_negative_base(operation, a, b):
    x, dx = a
    if operation == "exp":
        return np.exp(x), np.exp(x) * dx
    if operation == "log":
        return np.log(x), dx / x
    if operation == "tanh":
        return np.tanh(x), (1 - np.tanh(x) ** 2) * dx
    if operation == "relu":
        return max(0.0, x), (dx if x >= 0 else 0.0)
    y, dy = b
    if operation == "add":
        return x + y, dx + dy
    if operation == "sub":
        return x - y, dx - dy
    if operation == "mul":
        return x * y, x * dy + y * dx
    if operation == "div":
        return x / y, dx / y - x * dy / y**2
    return x**y, y * x ** (y - 1) * dx + x**y * np.log(x) * dy


def s_reverse_assigns(operands, partials, output):
    grad = [0.0] * len(operands)
    grad[output] = 1.0
    for k in range(output, -1, -1):
        for i, p in zip(operands[k], partials[k]):
            grad[i] = grad[k] * p
    return grad


def s_reverse_fancy_index(operands, partials, output):
    grad = np.zeros(len(operands))
    grad[output] = 1.0
    for k in range(output, -1, -1):
        grad[operands[k]] += grad[k] * np.array(partials[k])
    return grad


def s_reverse_forward_order(operands, partials, output):
    grad = np.zeros(len(operands))
    grad[output] = 1.0
    for k in range(len(operands)):
        for i, p in zip(operands[k], partials[k]):
            grad[i] += grad[k] * p
    return grad


def s_reverse_recursive_seen(operands, partials, output):
    grad = np.zeros(len(operands))
    grad[output] = 1.0
    done = []

    def back(k):
        if k in done:
            return
        done.append(k)
        for i, p in zip(operands[k], partials[k]):
            grad[i] += grad[k] * p
            back(i)

    back(output)
    return grad


def s_reverse_recursive(operands, partials, output):
    grad = np.zeros(len(operands))
    grad[output] = 1.0

    def back(k):
        for i, p in zip(operands[k], partials[k]):
            grad[i] += grad[k] * p
            back(i)

    back(output)
    return grad


def s_reverse_from_the_last(operands, partials, output):
    grad = np.zeros(len(operands))
    grad[-1] = 1.0
    for k in range(len(operands) - 1, -1, -1):
        for i, p in zip(operands[k], partials[k]):
            grad[i] += grad[k] * p
    return grad


def s_reverse_no_adjoint(operands, partials, output):
    grad = np.zeros(len(operands))
    grad[output] = 1.0
    for k in range(output, -1, -1):
        for i, p in zip(operands[k], partials[k]):
            grad[i] += p
    return grad


def s_reverse_inputs_only(operands, partials, output):
    grad = np.zeros(len(operands))
    grad[output] = 1.0
    for k in range(output, -1, -1):
        for i, p in zip(operands[k], partials[k]):
            grad[i] += grad[k] * p
    return [grad[k] for k in range(len(operands)) if operands[k] == []]


def s_reverse_eats_the_graph(operands, partials, output):
    grad = np.zeros(len(operands))
    grad[output] = 1.0
    for k in range(output, -1, -1):
        while operands[k]:
            grad[operands[k].pop()] += grad[k] * partials[k].pop()
    return grad


def s_reverse_row(operands, partials, output):
    grad = np.zeros((1, len(operands)))
    grad[0, output] = 1.0
    for k in range(output, -1, -1):
        for i, p in zip(operands[k], partials[k]):
            grad[0, i] += grad[0, k] * p
    return grad


def s_cost_slide(operands, outputs):
    arrows = sum(len(nodes) for nodes in operands)
    return len(operands), len(outputs), len(operands) * arrows, len(outputs) * arrows


def s_cost_exchanged(operands, outputs):
    n_in = sum(1 for nodes in operands if not nodes)
    arrows = sum(len(nodes) for nodes in operands)
    return len(outputs), n_in, len(outputs) * arrows, n_in * arrows


def s_cost_one_reverse_pass(operands, outputs):
    n_in = sum(1 for nodes in operands if not nodes)
    arrows = sum(len(nodes) for nodes in operands)
    return n_in, 1, n_in * arrows, arrows


def s_cost_operations(operands, outputs):
    n_in = sum(1 for nodes in operands if not nodes)
    n_ops = len(operands) - n_in
    return n_in, len(outputs), n_in * n_ops, len(outputs) * n_ops


def s_cost_set_of_arrows(operands, outputs):
    n_in = sum(1 for nodes in operands if not nodes)
    arrows = len({(i, k) for k, nodes in enumerate(operands) for i in nodes})
    return n_in, len(outputs), n_in * arrows, len(outputs) * arrows


def s_cost_used_inputs(operands, outputs):
    used = {i for nodes in operands for i in nodes}
    n_in = len([i for i in used if not operands[i]])
    arrows = sum(len(nodes) for nodes in operands)
    return n_in, len(outputs), n_in * arrows, len(outputs) * arrows


def s_jacobian_reverse(jvp, vjp, n_inputs, n_outputs):
    return np.array([vjp(np.eye(n_outputs)[i]) for i in range(n_outputs)]), n_outputs


def s_jacobian_forward(jvp, vjp, n_inputs, n_outputs):
    rows = np.array([jvp(np.eye(n_inputs)[i]) for i in range(n_inputs)])
    return rows.T, n_inputs


def s_jacobian_turned_round(jvp, vjp, n_inputs, n_outputs):
    if n_inputs > n_outputs:
        return np.column_stack([jvp(e) for e in np.eye(n_inputs)]), n_inputs
    return np.vstack([vjp(e) for e in np.eye(n_outputs)]), n_outputs


def s_jacobian_columns_as_rows(jvp, vjp, n_inputs, n_outputs):
    if n_inputs <= n_outputs:
        return np.array([jvp(e) for e in np.eye(n_inputs)]), n_inputs
    return np.array([vjp(e) for e in np.eye(n_outputs)]), n_outputs


def s_jacobian_seed_stays(jvp, vjp, n_inputs, n_outputs):
    n = min(n_inputs, n_outputs)
    seed, found = np.zeros(n), []
    for k in range(n):
        seed[k] = 1
        found.append(jvp(seed) if n_inputs <= n_outputs else vjp(seed))
    found = np.array(found)
    return (found.T if n_inputs <= n_outputs else found), n


def s_jacobian_entries(jvp, vjp, n_inputs, n_outputs):
    result, passes = np.zeros((n_outputs, n_inputs)), 0
    for i in range(n_outputs):
        for j in range(n_inputs):
            seed = np.zeros(n_inputs)
            seed[j] = 1
            result[i, j] = jvp(seed)[i]
            passes += 1
    return result, passes


def s_jacobian_wrong_length(jvp, vjp, n_inputs, n_outputs):
    if n_inputs <= n_outputs:
        return np.array([jvp(e) for e in np.eye(n_outputs)]).T, n_inputs
    return np.array([vjp(e) for e in np.eye(n_outputs)]), n_outputs


# (exercise, function, the misconception that the report names, the points that the weights give)
STUDENTS = [
    # Two mistakes, of which neither explains all that is wrong.
    (DUAL, s_dual_componentwise, "", 1.25),
    (DUAL, s_dual_no_chain_rule, "a local derivative without that of the operand", 1.75),
    (DUAL, s_dual_quotient_plus, "a plus in the quotient rule", 1.75),
    (DUAL, s_dual_slope_of_tanh, "the slope of tanh formed from its argument", 1.75),
    (DUAL, s_dual_log_of_a_negative_base, "", 2.0),
    (REVERSE, s_reverse_assigns, "a use forgotten", 0.25),
    (REVERSE, s_reverse_fancy_index, "a repeated operand counted once", 2.0),
    (REVERSE, s_reverse_forward_order, "a walk in the order of computation", 0.25),
    (REVERSE, s_reverse_recursive_seen, "a node passed on too early", 1.0),
    (
        REVERSE,
        s_reverse_recursive,
        "a node passed on again with all that it has collected",
        1.0,
    ),
    (REVERSE, s_reverse_from_the_last, "a start at the last node", 2.0),
    (
        REVERSE,
        s_reverse_no_adjoint,
        "local derivatives added without the adjoint of the result",
        0.25,
    ),
    (REVERSE, s_reverse_inputs_only, "the adjoints of the inputs alone", 0.0),
    (REVERSE, s_reverse_eats_the_graph, "", 2.25),
    (REVERSE, s_reverse_row, "an axis of length one", 2.25),
    (COST, s_cost_slide, "one forward pass for each node", 0.0),
    (COST, s_cost_exchanged, "the two modes exchanged", 0.0),
    (COST, s_cost_one_reverse_pass, "one reverse pass for all outputs", 0.0),
    (COST, s_cost_operations, "nodes counted in place of arrows", 0.75),
    (COST, s_cost_set_of_arrows, "a repeated operand counted once", 1.25),
    (COST, s_cost_used_inputs, "", 1.25),
    (JACOBIAN, s_jacobian_reverse, "the mode that needs more passes", 1.75),
    (JACOBIAN, s_jacobian_forward, "the mode that needs more passes", 1.75),
    (JACOBIAN, s_jacobian_turned_round, "the mode that needs more passes", 1.25),
    (JACOBIAN, s_jacobian_columns_as_rows, "the Jacobian transposed", 1.5),
    (JACOBIAN, s_jacobian_seed_stays, "a seed that is not put back", 1.25),
    (JACOBIAN, s_jacobian_entries, "a pass for each entry", 1.25),
    (JACOBIAN, s_jacobian_wrong_length, "", 1.25),
]
