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


def dual_class(operation, a, b):
    class Number:
        def __init__(self, v, d=0.0):
            self.v, self.d = v, d

        def __add__(self, o):
            return Number(self.v + o.v, self.d + o.d)

        def __mul__(self, o):
            return Number(self.v * o.v, self.d * o.v + self.v * o.d)

        def of(self, value, slope):
            return Number(value, slope * self.d)

        def exp(self):
            return self.of(np.exp(self.v), np.exp(self.v))

        def log(self):
            return self.of(np.log(self.v), 1 / self.v)

        def power(self, k):
            return self.of(self.v**k, k * self.v ** (k - 1))

    x, y = Number(*a), Number(*(b or (1.0, 0.0)))
    results = {
        "add": lambda: x + y,
        "sub": lambda: x + y * Number(-1.0),
        "mul": lambda: x * y,
        "div": lambda: x * y.power(-1),
        "pow": lambda: (y * x.log()).exp() if y.d else x.power(y.v),
        "exp": x.exp,
        "log": x.log,
        "tanh": lambda: x.of(np.tanh(x.v), 1 - np.tanh(x.v) ** 2),
        "relu": lambda: x if x.v > 0 else Number(0.0),
    }
    result = results[operation]()
    return result.v, result.d


def dual_complex_step(operation, a, b):
    h = 1e-30
    x, y = a[0] + 1j * h * a[1], 0
    if b is not None:
        y = b[0] + 1j * h * b[1] if b[1] else b[0]
    if operation == "relu":
        return max(a[0], 0.0), (a[0] > 0) * a[1]
    if operation == "pow" and not b[1]:
        # Repeated products: the logarithm of a negative number is not needed.
        result = np.prod([x] * int(y)) if y == int(y) else x**y
    else:
        result = {
            "add": lambda: x + y, "sub": lambda: x - y, "mul": lambda: x * y,
            "div": lambda: x / y, "pow": lambda: x**y, "exp": lambda: np.exp(x),
            "log": lambda: np.log(x), "tanh": lambda: np.tanh(x),
        }[operation]()  # fmt: skip
    return [result.real, result.imag / h]


def dual_nilpotent_matrices(operation, a, b):
    # a + a' e as [[a, a'], [0, a]]: its products are those of dual numbers.
    def of(pair):
        return np.array([[pair[0], pair[1]], [0.0, pair[0]]])

    if operation in ("exp", "log", "tanh", "relu"):
        v, d = a
        f, slope = {
            "exp": (np.exp, np.exp),
            "log": (np.log, lambda u: 1 / u),
            "tanh": (np.tanh, lambda u: 4 / (np.exp(u) + np.exp(-u)) ** 2),
            "relu": (lambda u: u * (u > 0), lambda u: 1.0 * (u > 0)),
        }[operation]
        return f(v), slope(v) * d
    x, y = of(a), of(b)
    if operation == "pow":
        if b[1] == 0:
            return np.linalg.matrix_power(x, int(b[0]))[0]
        power = a[0] ** b[0]
        return power, power * (of(b) @ of((np.log(a[0]), a[1] / a[0])))[0, 1]
    results = {"add": x + y, "sub": x - y, "mul": x @ y, "div": x @ np.linalg.inv(y)}
    return tuple(results[operation][0])


def reverse_adjacency_powers(operands, partials, output):
    n = len(operands)
    local = np.zeros((n, n))
    for k in range(n):
        for u, p in zip(operands[k], partials[k]):
            local[k, u] += p
    total, row = np.zeros(n), np.eye(n)[output]
    for _ in range(n):
        total, row = total + row, row @ local
    return total


def reverse_memoized(operands, partials, output):
    from functools import cache

    @cache
    def slope(top, node):
        here = float(top == node)
        return here + sum(p * slope(u, node) for u, p in zip(operands[top], partials[top]))

    return tuple(slope(output, node) for node in range(len(operands)))


def reverse_stack_of_uses(operands, partials, output):
    uses = [0] * len(operands)
    reached, waiting = {output}, [output]
    while waiting:
        for u in operands[waiting.pop()]:
            uses[u] += 1
            if u not in reached:
                reached.add(u)
                waiting.append(u)
    bars, ready = {output: 1.0}, [output]
    while ready:
        k = ready.pop()
        for u, p in zip(operands[k], partials[k]):
            bars[u] = bars.get(u, 0.0) + p * bars[k]
            uses[u] -= 1
            if uses[u] == 0:
                ready.append(u)
    return [bars.get(k, 0) for k in range(len(operands))]


def cost_numpy(operands, outputs):
    fan_in = np.array([len(nodes) for nodes in operands])
    passes = np.array([np.sum(fan_in == 0), np.size(outputs)])
    return (*passes, *(passes * fan_in.sum()))


def cost_counter(operands, outputs):
    from collections import Counter

    sizes = Counter(map(len, operands))
    arrows = sum(size * count for size, count in sizes.items())
    return sizes[0], len(outputs), sizes[0] * arrows, sum(arrows for _ in outputs)


def cost_walks(operands, outputs):
    inputs = [k for k in range(len(operands)) if not operands[k]]
    counts = [0, 0]
    for mode, seeds in enumerate((inputs, outputs)):
        for _ in seeds:
            for nodes in operands:
                for _ in nodes:
                    counts[mode] += 1
    return len(inputs), len(outputs), counts[0], counts[1]


def jacobian_vectorized(jvp, vjp, n_inputs, n_outputs):
    mode, n = (jvp, n_inputs) if n_inputs < n_outputs else (vjp, n_outputs)
    found = np.apply_along_axis(mode, 1, np.identity(n))
    return found.T if mode is jvp else found, n


def jacobian_orthogonal_seeds(jvp, vjp, n_inputs, n_outputs):
    n = min(n_inputs, n_outputs)
    seeds, _ = np.linalg.qr(np.vander(np.arange(1.0, n + 1)))
    if n_outputs <= n_inputs:
        return seeds @ np.array([vjp(seed) for seed in seeds.T]), np.int64(n)
    return np.column_stack([jvp(seed) for seed in seeds.T]) @ seeds.T, np.int64(n)


def jacobian_counting(jvp, vjp, n_inputs, n_outputs):
    passes = 0

    def count(product, size, k):
        nonlocal passes
        passes += 1
        return product([float(j == k) for j in range(size)])

    if n_inputs > n_outputs:
        rows = [count(vjp, n_outputs, i) for i in range(n_outputs)]
    else:
        columns = [count(jvp, n_inputs, j) for j in range(n_inputs)]
        rows = [[column[i] for column in columns] for i in range(n_outputs)]
    return tuple(map(tuple, rows)), passes


OTHER_FORMS = [
    (DUAL, dual_by_local_derivatives),
    (DUAL, dual_by_other_rules),
    (DUAL, dual_as_an_array),
    (DUAL, dual_class),
    (DUAL, dual_complex_step),
    (DUAL, dual_nilpotent_matrices),
    (REVERSE, reverse_by_uses),
    (REVERSE, reverse_by_paths),
    (REVERSE, reverse_by_solving),
    (REVERSE, reverse_by_add_at),
    (REVERSE, reverse_adjacency_powers),
    (REVERSE, reverse_memoized),
    (REVERSE, reverse_stack_of_uses),
    (COST, cost_loops),
    (COST, cost_flat),
    (COST, cost_as_an_array),
    (COST, cost_numpy),
    (COST, cost_counter),
    (COST, cost_walks),
    (JACOBIAN, jacobian_by_lists),
    (JACOBIAN, jacobian_with_scaled_seeds),
    (JACOBIAN, jacobian_vectorized),
    (JACOBIAN, jacobian_orthogonal_seeds),
    (JACOBIAN, jacobian_counting),
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
    (COST, s_cost_set_of_arrows, "a repeated operand counted once", 1.25),
    (JACOBIAN, s_jacobian_seed_stays, "a seed that is not put back", 1.25),
    (JACOBIAN, s_jacobian_wrong_length, "", 1.25),
]
