"""What students hand in for the exercise ``dropout``: right in other forms, and wrong.

Each function stands by itself, so that its source can be put into a notebook; but for `njit`.
"""

import numpy as np
from numba import njit

FORWARD = "dropout.forward"
BACKWARD = "dropout.backward"
INFERENCE = "dropout.inference"
AVERAGE = "dropout.average"

# ---- right


def forward_loop(x, rate, rng, training):
    if not training:
        return x, np.ones(x.shape)
    flat, scale = [], 1.0 / (1.0 - rate)
    for _ in range(x.size):
        flat.append(0.0 if rng.random() < rate else scale)
    mask = np.array(flat).reshape(x.shape)
    return mask * x, mask


def forward_binomial(x, rate, rng, training):
    keep = 1 - rate if training else 1.0
    mask = rng.binomial(1, keep, size=x.shape).astype(x.dtype) / keep
    return np.multiply(x, mask), mask


def forward_choice(x, rate, rng, training):
    mask = np.ones(x.shape)
    if training:
        mask = rng.choice([0.0, 1.0], p=[rate, 1.0 - rate], size=x.shape)
        mask /= 1.0 - rate
    return np.where(mask > 0, x * mask, 0.0), mask


def forward_normal_quantiles_of_its_own_kind(x, rate, rng, training):
    out, mask = x.astype(float), np.full(x.shape, 1.0)
    if training:
        off = rng.uniform(size=x.shape) > 1 - rate
        mask = mask * (1 - off) / (1 - rate)
        out[off] = 0
        out = out / (1 - rate)
    return out, mask


def backward_rows(dz, h, mask, weight):
    units, outputs = len(weight), len(weight[0])
    dh, dweight, dbias = [], np.zeros((units, outputs)), [0.0] * outputs
    for z, x, m in zip(dz, h, mask):
        dh.append([float(m[k] * sum(z * weight[k])) for k in range(units)])
        dweight = dweight + np.outer(m * x, z)
        dbias = [b + float(v) for b, v in zip(dbias, z)]
    return [dh, dweight, dbias]


def backward_einsum(dz, h, mask, weight):
    dh = np.einsum("ij,kj,ik->ik", dz, weight, mask)
    return dh, np.einsum("ij,ik,ik->kj", dz, h, mask), np.ones(len(dz)) @ dz


def backward_where(dz, h, mask, weight):
    seen = np.where(mask == 0, 0.0, h * mask)
    back = np.zeros(h.shape)
    back[mask != 0] = (dz @ weight.T)[mask != 0] * mask[mask != 0]
    return back, np.tensordot(seen, dz, axes=(0, 0)), np.add.reduce(dz)


def inference_index(weights, biases, input_rate, hidden_rate):
    new_weights, new_biases = [], []
    for k in range(len(weights)):
        rate = input_rate if k == 0 else hidden_rate
        new_weights.append((weights[k] - rate * weights[k]).tolist())
        new_biases.append(biases[k] + 0.0)
    return new_weights, new_biases


def inference_tuples(weights, biases, input_rate, hidden_rate):
    keep = np.ones(len(weights)) - hidden_rate
    keep[0] = 1 - input_rate
    return [tuple(k * w for k, w in zip(keep, weights)), tuple(biases)]


def average_recursive(predict, h, rate):
    def below(k, masked, probability):
        if k == len(h):
            return probability * predict(np.array([masked]))[0]
        on = below(k + 1, [*masked, h[k] / (1 - rate)], probability * (1 - rate))
        return on + below(k + 1, [*masked, 0.0], probability * rate)

    return below(0, [], 1.0)


def average_doubling(predict, h, rate):
    masks, probability = np.zeros((1, 0)), np.ones(1)
    for _ in h:
        off = np.hstack([masks, np.zeros((len(masks), 1))])
        on = np.hstack([masks, np.ones((len(masks), 1))])
        masks = np.vstack([off, on])
        probability = np.concatenate([rate * probability, (1 - rate) * probability])
    return (probability[:, None] * predict(masks * h / (1 - rate))).sum(axis=0)


def average_product(predict, h, rate):
    import itertools

    total = 0.0
    for bits in itertools.product([False, True], repeat=len(h)):
        on = sum(bits)
        p = (1 - rate) ** on * rate ** (len(h) - on)
        total = total + p * predict((np.array(bits) * h / (1 - rate)).reshape(1, -1)).ravel()
    return list(total)


def forward_in_place_on_copies(x, rate, rng, training):
    out, mask = x.copy(), np.ones_like(x)
    if training:
        dropped = np.less(rng.random(x.shape), rate)
        mask /= 1 - rate
        mask[dropped] = 0
        out *= mask
    return [out, mask]


def forward_integers(x, rate, rng, training):
    if training is False:
        return np.array(x), np.ones(x.shape)
    drawn = rng.integers(0, 2**31, size=x.shape) / 2**31
    mask = np.where(drawn < rate, 0.0, 1 / (1 - rate))
    return np.einsum("...,...->...", x, mask), mask


def forward_by_example(x, rate, rng, training):
    masks = [np.ones(example.shape) for example in x]
    if training:
        masks = [rng.binomial(1, 1 - rate, example.shape) / (1 - rate) for example in x]
    return [m * example for m, example in zip(masks, x)], masks


def forward_lambda(x, rate, rng, training):
    draw = (lambda: rng.random() >= rate) if training else (lambda: True)
    scale = 1 / (1 - rate) if training else 1
    mask = np.fromiter((scale * draw() for _ in range(x.size)), float, x.size).reshape(x.shape)
    return mask * x, mask


@njit
def backward_numba(dz, h, mask, weight):
    dh, dweight = np.zeros_like(h), np.zeros_like(weight)
    dbias = np.zeros(weight.shape[1], weight.dtype)
    for i in range(len(dz)):
        for k in range(weight.shape[1]):
            dbias[k] += dz[i, k]
            for j in range(len(weight)):
                dweight[j, k] += mask[i, j] * h[i, j] * dz[i, k]
                dh[i, j] += mask[i, j] * dz[i, k] * weight[j, k]
    return dh, dweight, dbias


def backward_diagonals(dz, h, mask, weight):
    dh = [np.diag(m) @ weight @ z for m, z in zip(mask, dz)]
    dweight = sum(np.diag(m) @ np.outer(x, z) for m, x, z in zip(mask, h, dz))
    return np.array(dh), dweight, np.cumsum(dz, axis=0)[-1]


def backward_with_a_one(dz, h, mask, weight):
    layer_input = np.column_stack([mask * h, np.ones(len(h))])
    gradient = np.dot(layer_input.T, dz)
    return mask * np.inner(dz, weight), gradient[:-1], gradient[-1]


def backward_finite_differences(dz, h, mask, weight):
    # The layer is linear in each of its arguments, so a step of 1 is exact.
    def value(h, weight, bias):
        return float(np.sum(dz * ((mask * h) @ weight + bias), dtype=np.float64))

    h, weight, bias = h.astype(float), weight.astype(float), np.zeros(dz.shape[1])
    gradients = []
    for k, array in enumerate((h, weight, bias)):
        slope = np.zeros(array.shape)
        for index in np.ndindex(array.shape):
            ends = []
            for sign in (0.5, -0.5):
                moved = [h.copy(), weight.copy(), bias.copy()]
                moved[k][index] += sign
                ends.append(value(*moved))
            slope[index] = ends[0] - ends[1]
        gradients.append(slope)
    return gradients


def inference_zip(weights, biases, input_rate, hidden_rate):
    from itertools import chain, repeat

    rates = chain([input_rate], repeat(hidden_rate))
    return [(1 - rate) * w for w, rate in zip(weights, rates)], biases[:]


def inference_in_place_on_copies(weights, biases, input_rate, hidden_rate):
    out = [w.copy() for w in weights]
    for layer, w in enumerate(out):
        w -= w * (hidden_rate if layer else input_rate)
    return out, [b.tolist() for b in biases]


def inference_diagonals(weights, biases, input_rate, hidden_rate):
    first, *rest = weights
    keep = [np.eye(len(w)) * (1 - hidden_rate) for w in rest]
    scaled = [np.diag(np.full(len(first), 1 - input_rate)) @ first]
    return scaled + [k @ w for k, w in zip(keep, rest)], list(map(np.array, biases))


def average_outer_products(predict, h, rate):
    from functools import reduce

    units = len(h)
    probability = reduce(np.multiply.outer, [np.array([rate, 1 - rate])] * units).ravel()
    masks = np.stack(np.meshgrid(*[[0.0, 1.0]] * units, indexing="ij"), axis=-1).reshape(-1, units)
    return np.einsum("m,mc->c", probability, predict(h * masks / (1 - rate)))


def average_subsets(predict, h, rate):
    from itertools import combinations

    total = np.zeros(predict(h[None]).shape[1])
    for k in range(len(h) + 1):
        for chosen in combinations(range(len(h)), k):
            kept = np.zeros_like(h)
            kept[list(chosen)] = h[list(chosen)] / (1 - rate)
            total += (1 - rate) ** k * rate ** (len(h) - k) * predict(kept[None])[0]
    return total


def average_unit_by_unit(predict, h, rate):
    # Average over the last unit first: each round halves the number of outputs.
    n = len(h)
    masks = np.array([[m >> k & 1 for k in range(n)] for m in range(2**n)])
    outputs = predict(masks * h / (1 - rate))
    for _ in range(n):
        outputs = rate * outputs[0::2] + (1 - rate) * outputs[1::2]
    return outputs[0]


OTHER_FORMS = [
    (FORWARD, forward_loop),
    (FORWARD, forward_binomial),
    (FORWARD, forward_choice),
    (FORWARD, forward_normal_quantiles_of_its_own_kind),
    (FORWARD, forward_in_place_on_copies),
    (FORWARD, forward_integers),
    (FORWARD, forward_by_example),
    (FORWARD, forward_lambda),
    (BACKWARD, backward_rows),
    (BACKWARD, backward_einsum),
    (BACKWARD, backward_where),
    (BACKWARD, backward_numba),
    (BACKWARD, backward_diagonals),
    (BACKWARD, backward_with_a_one),
    (BACKWARD, backward_finite_differences),
    (INFERENCE, inference_index),
    (INFERENCE, inference_tuples),
    (INFERENCE, inference_zip),
    (INFERENCE, inference_in_place_on_copies),
    (INFERENCE, inference_diagonals),
    (AVERAGE, average_recursive),
    (AVERAGE, average_doubling),
    (AVERAGE, average_product),
    (AVERAGE, average_outer_products),
    (AVERAGE, average_subsets),
    (AVERAGE, average_unit_by_unit),
]


# ---- wrong, as students write it and not as the checker does


def s_forward_global_numbers(x, rate, rng, training):
    if not training:
        return x, np.ones_like(x)
    mask = (np.random.rand(*x.shape) >= rate) / (1 - rate)  # noqa: NPY002
    return x * mask, mask


def s_forward_inference_not_written(x, rate, rng, training):
    if training:
        mask = (rng.random(x.shape) >= rate) / (1 - rate)
        return x * mask, mask


def s_backward_by_output(dz, h, mask, weight):
    dropped = h * mask
    dh = np.where(dropped == 0, 0, dz @ weight.T * mask.max())
    return dh, dropped.T @ dz, dz.sum(0)


def s_inference_piles_up(weights, biases, input_rate, hidden_rate):
    out, keep = [], 1 - input_rate
    for w in weights:
        out.append(w * keep)
        keep = keep * (1 - hidden_rate)
    return out, biases


def s_average_mean_input(predict, h, rate):
    mean = np.zeros(len(h))
    for number in range(2 ** len(h)):
        bits = np.array([number >> k & 1 for k in range(len(h))])
        p = (1 - rate) ** bits.sum() * rate ** (len(h) - bits.sum())
        mean += p * bits * h / (1 - rate)
    return predict(mean[None, :])[0]


def s_average_of_a_sample(predict, h, rate):
    rng = np.random.default_rng()
    kept = rng.random((2_000, len(h))) >= rate
    return predict(kept * h / (1 - rate)).mean(axis=0)


# (exercise, function, the misconception that the report names, the points that the weights give)
STUDENTS = [
    (FORWARD, s_forward_global_numbers, "random numbers that do not come from rng", 2.5),
    (FORWARD, s_forward_inference_not_written, "", 2.75),
    (
        BACKWARD,
        s_backward_by_output,
        "units taken as dropped because they are silent",
        1.0,
    ),
    (INFERENCE, s_inference_piles_up, "factors that pile up from layer to layer", 0.75),
    (AVERAGE, s_average_mean_input, "one network in place of the average", 0.25),
    (AVERAGE, s_average_of_a_sample, "", 0.25),
]
