"""What students hand in for the exercise ``dropout``: right in other forms, and wrong.

Each function stands by itself, so that its source can be put into a notebook.
"""

import numpy as np

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


OTHER_FORMS = [
    (FORWARD, forward_loop),
    (FORWARD, forward_binomial),
    (FORWARD, forward_choice),
    (FORWARD, forward_normal_quantiles_of_its_own_kind),
    (BACKWARD, backward_rows),
    (BACKWARD, backward_einsum),
    (BACKWARD, backward_where),
    (INFERENCE, inference_index),
    (INFERENCE, inference_tuples),
    (AVERAGE, average_recursive),
    (AVERAGE, average_doubling),
    (AVERAGE, average_product),
]


# ---- wrong, as students write it and not as the checker does


def s_forward_global_numbers(x, rate, rng, training):
    if not training:
        return x, np.ones_like(x)
    mask = (np.random.rand(*x.shape) >= rate) / (1 - rate)  # noqa: NPY002
    return x * mask, mask


def s_forward_in_place(x, rate, rng, training):
    mask = np.ones(x.shape)
    if training:
        mask = (rng.random(x.shape) >= rate) / (1 - rate)
        x *= mask.astype(x.dtype)
    return x, mask


def s_forward_inference_not_written(x, rate, rng, training):
    if training:
        mask = (rng.random(x.shape) >= rate) / (1 - rate)
        return x * mask, mask


def s_backward_by_output(dz, h, mask, weight):
    dropped = h * mask
    dh = np.where(dropped == 0, 0, dz @ weight.T * mask.max())
    return dh, dropped.T @ dz, dz.sum(0)


def s_backward_row_of_bias(dz, h, mask, weight):
    return dz @ weight.T * mask, (h * mask).T @ dz, dz.sum(axis=0, keepdims=True)


def s_backward_in_place(dz, h, mask, weight):
    h *= mask
    return dz @ weight.T * mask, h.T @ dz, dz.sum(axis=0)


def s_inference_piles_up(weights, biases, input_rate, hidden_rate):
    out, keep = [], 1 - input_rate
    for w in weights:
        out.append(w * keep)
        keep = keep * (1 - hidden_rate)
    return out, biases


def s_inference_in_place(weights, biases, input_rate, hidden_rate):
    weights[0] *= 1 - input_rate
    for w in weights[1:]:
        w *= 1 - hidden_rate
    return weights, biases


def s_inference_weights_only(weights, biases, input_rate, hidden_rate):
    out = [weights[0] * (1 - input_rate)]
    return out + [w * (1 - hidden_rate) for w in weights[1:]]


def s_average_mean_input(predict, h, rate):
    mean = np.zeros(len(h))
    for number in range(2 ** len(h)):
        bits = np.array([number >> k & 1 for k in range(len(h))])
        p = (1 - rate) ** bits.sum() * rate ** (len(h) - bits.sum())
        mean += p * bits * h / (1 - rate)
    return predict(mean[None, :])[0]


def s_average_keeps_the_row(predict, h, rate):
    total = 0
    for number in range(2 ** len(h)):
        bits = np.array([number >> k & 1 for k in range(len(h))])
        p = np.prod(np.where(bits, 1 - rate, rate))
        total = total + p * predict((bits * h / (1 - rate))[None, :])
    return total


def s_average_of_a_sample(predict, h, rate):
    rng = np.random.default_rng()
    kept = rng.random((2_000, len(h))) >= rate
    return predict(kept * h / (1 - rate)).mean(axis=0)


# (exercise, function, the misconception that the report names, the points that the weights give)
ONE_AXIS = "an axis of length one"

STUDENTS = [
    (FORWARD, s_forward_global_numbers, "random numbers that do not come from rng", 2.5),
    (FORWARD, s_forward_in_place, "", 2.75),
    (FORWARD, s_forward_inference_not_written, "", 2.75),
    (
        BACKWARD,
        s_backward_by_output,
        "units taken as dropped because they are silent",
        1.0,
    ),
    (BACKWARD, s_backward_row_of_bias, ONE_AXIS, 1.75),
    (BACKWARD, s_backward_in_place, "", 1.75),
    (INFERENCE, s_inference_piles_up, "factors that pile up from layer to layer", 0.25),
    (INFERENCE, s_inference_in_place, "", 1.25),
    (INFERENCE, s_inference_weights_only, "", 0.0),
    (AVERAGE, s_average_mean_input, "one network in place of the average", 0.25),
    (AVERAGE, s_average_of_a_sample, "", 0.25),
    (AVERAGE, s_average_keeps_the_row, ONE_AXIS, 2.25),
]
