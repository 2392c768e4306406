"""What students hand in for the exercise ``initialization``: right in other forms, and wrong.

Each function stands by itself, so that its source can be put into a notebook.
"""

import numpy as np

SPREAD = "initialization.spread"
DRAW = "initialization.draw"
MEAN_SQUARES = "initialization.mean_squares"
FACTORS = "initialization.balancing_factors"

# ---- right


def spread_branches(rule, fan_in, fan_out):
    if rule == "lecun":
        std = fan_in**-0.5
    elif rule == "xavier":
        std = (2.0 / (fan_in + fan_out)) ** 0.5
    elif rule == "he":
        std = (2.0 / fan_in) ** 0.5
    else:
        std = 2.0 / (fan_in + fan_out) ** 0.5
    return [std, std * 3**0.5]


def spread_gain_and_fan(rule, fan_in, fan_out):
    gain = np.sqrt(2) if rule.startswith("he") else 1
    fan = fan_in if rule in ("lecun", "he") else np.mean([fan_in, fan_out])
    limit = gain * np.sqrt(3 / fan)
    return np.float64(limit / np.sqrt(3)), np.array(limit)


def draw_random(fan_in, fan_out, rng):
    return (2 * rng.random((fan_in, fan_out)) - 1) * np.sqrt(6 / fan_in)


def draw_units(fan_in, fan_out, rng):
    a = (6 / fan_in) ** 0.5
    return [a * (1 - 2 * rng.random(fan_out)) for _ in range(fan_in)]


def draw_float32(fan_in, fan_out, rng):
    a = np.float32(np.sqrt(6 / fan_in))
    units = [rng.uniform(-a, a, fan_in).astype(np.float32) for _ in range(fan_out)]
    return np.stack(units, axis=1)


def mean_squares_loops(widths, variances, alpha, start, end):
    layers = len(variances)
    keep = 0.5 + 0.5 * alpha * alpha
    q, delta = [start], [end]
    for k in range(layers):
        q.append(q[-1] * keep * widths[k] * float(variances[k]))
    for k in reversed(range(layers)):
        delta.append(delta[-1] * keep * widths[k + 1] * float(variances[k]))
    return q, delta[::-1]


def mean_squares_products(widths, variances, alpha, start, end):
    n, v = np.asarray(widths), np.asarray(variances)
    c = (1 + alpha**2) / 2
    layers = range(len(n))
    forward = [start * np.prod(c * n[:k] * v[:k]) for k in layers]
    backward = [end * np.prod(c * n[k + 1 :] * v[k:]) for k in layers]
    return np.array(forward), np.array(backward)


def mean_squares_logarithms(widths, variances, alpha, start, end):
    n = np.log(widths)
    per_layer = np.log(variances) + np.log1p(alpha**2) - np.log(2)
    up = np.concatenate([[0.0], np.cumsum(per_layer + n[:-1])])
    down = np.cumsum((per_layer + n[1:])[::-1])[::-1]
    return start * np.exp(up), end * np.exp(np.concatenate([down, [0.0]]))


def factors_ratios(x, weights, alpha):
    # g(c z) = c g(z): in the network as it was, each layer's own ratio is what the factor undoes.
    sizes, h = [np.linalg.norm(x) / x.size**0.5], x
    for w in weights:
        z = h @ w
        h = z * np.where(z < 0, alpha, 1)
        sizes.append(np.linalg.norm(h) / h.size**0.5)
    return [sizes[k] / sizes[k + 1] for k in range(len(weights))]


def factors_prefixes(x, weights, alpha):
    rows, wanted = len(x), sum(float(v) ** 2 for row in x for v in row) / x.size
    factors = []
    for k in range(len(weights)):
        h = x
        for j in range(k + 1):
            z = h.dot(weights[j] * (factors[j] if j < k else 1.0))
            h = np.array([[v if v > 0 else alpha * v for v in z[i]] for i in range(rows)])
        factors.append((wanted / np.average(h * h)) ** 0.5)
    return factors


def spread_array(rule, fan_in, fan_out):
    fans = {"lecun": fan_in, "xavier": (fan_in + fan_out) / 2, "he": fan_in / 2}
    fans["he-average"] = fans["xavier"] / 2
    return np.sqrt(np.array([1, 3]) / fans[rule])


def draw_into_an_array(fan_in, fan_out, rng):
    weights = np.empty((fan_in, fan_out))
    rng.random(out=weights)
    weights -= 0.5
    weights *= 2 * np.sqrt(6.0) / np.sqrt(fan_in)
    return weights


def draw_scaled_by_the_deviation(fan_in, fan_out, rng):
    unit = rng.uniform(-1.0, 1.0, fan_in * fan_out).reshape(fan_out, fan_in).T
    return np.sqrt(2 / fan_in) * unit / np.sqrt(1 / 3)


def mean_squares_recursive(widths, variances, alpha, start, end):
    def walk(sizes, rates, value):
        if not sizes:
            return [value]
        grown = value * (1 + alpha**2) / 2 * sizes[0] * rates[0]
        return [value, *walk(sizes[1:], rates[1:], grown)]

    rates = list(variances)
    back = walk(widths[:0:-1], rates[::-1], end)
    return walk(widths[:-1], rates, start), back[::-1]


def mean_squares_accumulate(widths, variances, alpha, start, end):
    factor = (1 + alpha * alpha) / 2 * np.asarray(variances)
    up = np.multiply.accumulate(np.concatenate(([start], factor * widths[:-1])))
    down = np.multiply.accumulate(np.concatenate(([end], np.flip(factor * widths[1:]))))
    return np.stack([up, np.flip(down)])


def factors_normalizing(x, weights, alpha):
    wanted, h, factors = np.sqrt(np.vdot(x, x) / x.size), x, np.zeros(len(weights))
    for k, w in enumerate(weights):
        h = np.einsum("bi,ij->bj", h, w)
        h = np.maximum(alpha * h, h)
        factors[k] = wanted / np.sqrt(np.mean(np.square(h)))
        h = h * factors[k]
    return factors


def factors_loops(x, weights, alpha):
    rows = [[float(v) for v in row] for row in x]
    wanted = sum(v * v for row in rows for v in row) / (len(rows) * len(rows[0]))
    factors = ()
    for w in weights:
        rows = [[sum(a * b for a, b in zip(row, unit)) for unit in w.T] for row in rows]
        rows = [[v if v >= 0 else alpha * v for v in row] for row in rows]
        size = sum(v * v for row in rows for v in row) / (len(rows) * len(rows[0]))
        factors += ((wanted / size) ** 0.5,)
        rows = [[factors[-1] * v for v in row] for row in rows]
    return factors


OTHER_FORMS = [
    (SPREAD, spread_branches),
    (SPREAD, spread_gain_and_fan),
    (DRAW, draw_random),
    (DRAW, draw_units),
    (DRAW, draw_float32),
    (MEAN_SQUARES, mean_squares_loops),
    (MEAN_SQUARES, mean_squares_products),
    (MEAN_SQUARES, mean_squares_logarithms),
    (FACTORS, factors_ratios),
    (FACTORS, factors_prefixes),
    (SPREAD, spread_array),
    (DRAW, draw_into_an_array),
    (DRAW, draw_scaled_by_the_deviation),
    (MEAN_SQUARES, mean_squares_recursive),
    (MEAN_SQUARES, mean_squares_accumulate),
    (FACTORS, factors_normalizing),
    (FACTORS, factors_loops),
]


# ---- wrong, as students write it and not as the checker does


def s_spread_average_like_xavier(rule, fan_in, fan_out):
    if rule == "lecun":
        std = np.sqrt(1 / fan_in)
    elif rule == "he":
        std = np.sqrt(2 / fan_in)
    else:
        std = np.sqrt(2 / (fan_in + fan_out))
    return std, np.sqrt(3) * std


def s_draw_transposed(fan_in, fan_out, rng):
    a = np.sqrt(6 / fan_in)
    return rng.uniform(-a, a, (fan_out, fan_in))


def s_draw_global(fan_in, fan_out, rng):
    a = np.sqrt(6 / fan_in)
    return np.random.uniform(-a, a, (fan_in, fan_out))  # noqa: NPY002


def s_mean_squares_fan_in_back(widths, variances, alpha, start, end):
    gain = (1 + alpha**2) / 2
    q, d = [start], [end]
    for n, v in zip(widths[:-1], variances, strict=True):
        q.append(gain * n * v * q[-1])
    for n, v in zip(widths[-2::-1], variances[::-1], strict=True):
        d.insert(0, gain * n * v * d[0])
    return np.array(q), np.array(d)


def s_mean_squares_rows(widths, variances, alpha, start, end):
    gain = (1 + alpha**2) / 2
    q, d = [start], [end]
    for n, v in zip(widths[:-1], variances, strict=True):
        q.append(gain * n * v * q[-1])
    for n, v in zip(widths[:0:-1], variances[::-1], strict=True):
        d.insert(0, gain * n * v * d[0])
    return np.array([q]), np.array([d])


def s_mean_squares_in_place(widths, variances, alpha, start, end):
    variances *= (1 + alpha**2) / 2
    q, d = [start], [end]
    for n, v in zip(widths[:-1], variances, strict=True):
        q.append(n * v * q[-1])
    for n, v in zip(widths[:0:-1], variances[::-1], strict=True):
        d.insert(0, n * v * d[0])
    return np.array(q), np.array(d)


def s_factors_theory(x, weights, alpha):
    return np.array([np.sqrt(2 / ((1 + alpha**2) * w.shape[0])) / w.std() for w in weights])


def s_factors_in_place(x, weights, alpha):
    h, out = x, []
    for w in weights:
        z = h @ w
        a = np.where(z > 0, z, alpha * z)
        c = np.sqrt((x**2).mean() / (a**2).mean())
        w *= c
        out.append(c)
        h = c * a
    return np.array(out)


# (exercise, function, the misconception that the report names, the points that the weights give)
STUDENTS = [
    (SPREAD, s_spread_average_like_xavier, "deck S's form without its factor 2", 1.0),
    (DRAW, s_draw_transposed, "", 1.75),
    (DRAW, s_draw_global, "numbers that do not come from rng", 1.5),
    (MEAN_SQUARES, s_mean_squares_fan_in_back, "the fan-in on the way back", 1.25),
    (MEAN_SQUARES, s_mean_squares_rows, "an axis of length one", 2.25),
    (MEAN_SQUARES, s_mean_squares_in_place, "", 2.25),
    (FACTORS, s_factors_theory, "factors from the theory", 0.25),
    (FACTORS, s_factors_in_place, "", 2.25),
]
