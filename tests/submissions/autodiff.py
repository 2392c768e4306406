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


def dual_as_an_array(operation, a, b):
    a = np.array(a)
    # (value, derivative by the first operand, derivative by the second)
    of_one = {
        "exp": lambda x: (np.exp(x), np.exp(x)),
        "log": lambda x: (np.log(x), 1 / x),
        "tanh": lambda x: (np.tanh(x), np.cosh(x) ** -2),
        "relu": lambda x: (x * (x > 0), float(x > 0)),
    }
    if operation in of_one:
        value, by_x = of_one[operation](a[0])
        return np.array([value, by_x * a[1]])
    (x, y), moves = (a[0], b[0]), np.array([a[1], b[1]])
    of_two = {
        "add": lambda: (x + y, 1, 1),
        "sub": lambda: (x - y, 1, -1),
        "mul": lambda: (x * y, y, x),
        "div": lambda: (x / y, 1 / y, -x / y**2),
        "pow": lambda: (x**y, y * x ** (y - 1), x**y * np.log(x) if b[1] else 0),
    }
    value, *slopes = of_two[operation]()
    return np.array([value, np.dot(slopes, moves)])


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


def cost_as_an_array(operands, outputs):
    passes = np.array([sum(nodes == [] for nodes in operands), len(outputs)])
    return np.concatenate([passes, passes * sum(map(len, operands))])


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
    (DUAL, dual_as_an_array),
    (REVERSE, reverse_by_uses),
    (REVERSE, reverse_by_paths),
    (REVERSE, reverse_by_solving),
    (REVERSE, reverse_by_add_at),
    (COST, cost_loops),
    (COST, cost_flat),
    (COST, cost_as_an_array),
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


def s_reverse_fancy_index(operands, partials, output):
    grad = np.zeros(len(operands))
    grad[output] = 1.0
    for k in range(output, -1, -1):
        grad[operands[k]] += grad[k] * np.array(partials[k])
    return grad


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


def s_cost_set_of_arrows(operands, outputs):
    n_in = sum(1 for nodes in operands if not nodes)
    arrows = len({(i, k) for k, nodes in enumerate(operands) for i in nodes})
    return n_in, len(outputs), n_in * arrows, len(outputs) * arrows


def s_jacobian_seed_stays(jvp, vjp, n_inputs, n_outputs):
    n = min(n_inputs, n_outputs)
    seed, found = np.zeros(n), []
    for k in range(n):
        seed[k] = 1
        found.append(jvp(seed) if n_inputs <= n_outputs else vjp(seed))
    found = np.array(found)
    return (found.T if n_inputs <= n_outputs else found), n


def s_jacobian_wrong_length(jvp, vjp, n_inputs, n_outputs):
    if n_inputs <= n_outputs:
        return np.array([jvp(e) for e in np.eye(n_outputs)]).T, n_inputs
    return np.array([vjp(e) for e in np.eye(n_outputs)]), n_outputs


# (exercise, function, the misconception that the report names, the points that the weights give)
AS_VALUES = (
    "two mistakes at once: derivatives combined as the values are, and a second operand that is "
    "taken for a constant"
)
NEGATIVE_BASE = (
    "two mistakes at once: another slope of relu at 0, and the logarithm of a negative base"
)
STUDENTS = [
    # Two mistakes, of which neither explains all that is wrong.
    (DUAL, s_dual_componentwise, AS_VALUES, 1.5),
    (DUAL, s_dual_log_of_a_negative_base, NEGATIVE_BASE, 2.0),
    (REVERSE, s_reverse_fancy_index, "a repeated operand counted once", 2.0),
    (REVERSE, s_reverse_eats_the_graph, "", 2.25),
    (REVERSE, s_reverse_row, "an axis of length one", 2.25),
    (COST, s_cost_set_of_arrows, "a repeated operand counted once", 1.25),
    (JACOBIAN, s_jacobian_seed_stays, "a seed that is not put back", 1.25),
    (JACOBIAN, s_jacobian_wrong_length, "", 1.25),
]
