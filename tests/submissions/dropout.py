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


def s_forward_divides_by_drop(x, rate, rng, training):
    if training:
        mask = (rng.random(x.shape) > rate) / rate
        return x * mask, mask
    return x, np.ones(x.shape)


def s_forward_rate_kept(x, rate, rng, training):
    if training:
        mask = (rng.random(x.shape) < rate) / rate
        return x * mask, mask
    return x, np.ones(x.shape)


def s_forward_kept_exchanged(x, rate, rng, training):
    if not training:
        return x, np.ones(x.shape)
    mask = (rng.random(x.shape) < rate).astype(float) / (1 - rate)
    return x * mask, mask


def s_forward_unscaled(x, rate, rng, training):
    mask = np.ones(x.shape)
    if training:
        mask = rng.binomial(1, 1 - rate, x.shape)
    return x * mask, mask.astype(float)


def s_forward_boolean_mask(x, rate, rng, training):
    mask = rng.random(x.shape) > rate if training else np.full(x.shape, True)
    out = np.where(mask, x / (1 - rate), 0) if training else x
    return out, mask


def s_forward_scales_twice(x, rate, rng, training):
    keep = 1 - rate
    mask = np.ones(x.shape) * keep
    if training:
        mask = (rng.random(x.shape) < keep) / keep
    return x * mask, mask


def s_forward_one_mask(x, rate, rng, training):
    mask = np.ones(x.shape)
    if training:
        mask = (rng.random(x.shape[1:]) >= rate) / (1 - rate)
        mask = np.tile(mask, (len(x),) + (1,) * (x.ndim - 1))
    return x * mask, mask


def s_forward_one_mask_without_rows(x, rate, rng, training):
    if not training:
        return x, np.ones(x.shape)
    mask = (rng.random(x.shape[1:]) >= rate) / (1 - rate)
    return x * mask, mask


def s_forward_normal(x, rate, rng, training):
    if not training:
        return x, np.ones(x.shape)
    mask = (rng.normal(size=x.shape) > rate) / (1 - rate)
    return x * mask, mask


def s_forward_precedence(x, rate, rng, training):
    p = 1 - rate
    if not training:
        return x, np.ones(x.shape)
    mask = rng.random(x.shape) < p / p
    return x * mask, mask * 1.0


def s_forward_always_on(x, rate, rng, training):
    mask = (rng.random(x.shape) < 1 - rate) / (1 - rate)
    return x * mask, mask


def s_forward_own_seed(x, rate, rng, training):
    if not training:
        return x, np.ones_like(x)
    rng = np.random.default_rng(42)
    mask = (rng.random(x.shape) >= rate) / (1 - rate)
    return x * mask, mask


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


def s_backward_plain(dz, h, mask, weight):
    return np.dot(dz, weight.T), np.dot(h.T, dz), np.sum(dz, axis=0)


def s_backward_weights_of_all(dz, h, mask, weight):
    return np.dot(dz, weight.T) * mask, np.dot(h.T, dz), np.sum(dz, axis=0)


def s_backward_no_mask_in_dh(dz, h, mask, weight):
    return np.dot(dz, weight.T), np.dot((h * mask).T, dz), np.sum(dz, axis=0)


def s_backward_zeroes_only(dz, h, mask, weight):
    dh = np.dot(dz, weight.T)
    dh[mask == 0] = 0
    return dh, np.dot((h * mask).T, dz), np.sum(dz, axis=0)


def s_backward_by_output(dz, h, mask, weight):
    dropped = h * mask
    dh = np.where(dropped == 0, 0, dz @ weight.T * mask.max())
    return dh, dropped.T @ dz, dz.sum(0)


def s_backward_twice(dz, h, mask, weight):
    h = h * mask
    dh = dz @ weight.T * mask
    return dh * mask, h.T @ dz, dz.sum(0)


def s_backward_mean(dz, h, mask, weight):
    n = len(dz)
    return dz @ weight.T * mask, (h * mask).T @ dz / n, dz.mean(axis=0)


def s_backward_row_of_bias(dz, h, mask, weight):
    return dz @ weight.T * mask, (h * mask).T @ dz, dz.sum(axis=0, keepdims=True)


def s_backward_in_place(dz, h, mask, weight):
    h *= mask
    return dz @ weight.T * mask, h.T @ dz, dz.sum(axis=0)


def s_inference_deck_l(weights, biases, input_rate, hidden_rate):
    out = [input_rate * weights[0]]
    for w in weights[1:]:
        out.append(hidden_rate * w)
    return out, biases


def s_inference_divides(weights, biases, input_rate, hidden_rate):
    out = [weights[0] / (1 - input_rate)]
    for w in weights[1:]:
        out.append(w / (1 - hidden_rate))
    return out, biases


def s_inference_biases(weights, biases, input_rate, hidden_rate):
    rates = [input_rate] + [hidden_rate] * (len(weights) - 1)
    return (
        [w * (1 - p) for w, p in zip(weights, rates)],
        [b * (1 - p) for b, p in zip(biases, rates)],
    )


def s_inference_deck_h(weights, biases, input_rate, hidden_rate):
    out = []
    for k, w in enumerate(weights):
        if k == len(weights) - 1:
            out.append(w)
        else:
            out.append(w * (1 - hidden_rate))
    return out, biases


def s_inference_no_inputs(weights, biases, input_rate, hidden_rate):
    out = [w.copy() for w in weights]
    for k in range(1, len(out)):
        out[k] *= 1 - hidden_rate
    return out, biases


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


def s_average_inference(predict, h, rate):
    return predict(h.reshape(1, -1))[0]


def s_average_mean_input(predict, h, rate):
    mean = np.zeros(len(h))
    for number in range(2 ** len(h)):
        bits = np.array([number >> k & 1 for k in range(len(h))])
        p = (1 - rate) ** bits.sum() * rate ** (len(h) - bits.sum())
        mean += p * bits * h / (1 - rate)
    return predict(mean[None, :])[0]


def s_average_equal(predict, h, rate):
    rows = []
    for number in range(2 ** len(h)):
        bits = np.array([int(c) for c in format(number, f"0{len(h)}b")])
        rows.append(predict((bits * h / (1 - rate))[None, :])[0])
    return np.mean(rows, axis=0)


def s_average_exchanged(predict, h, rate):
    total = 0
    for number in range(2 ** len(h)):
        bits = np.array([number >> k & 1 for k in range(len(h))])
        p = np.prod(np.where(bits, rate, 1 - rate))
        total = total + p * predict((bits * h / (1 - rate))[None, :])[0]
    return total


def s_average_only_kept(predict, h, rate):
    total = 0
    for number in range(2 ** len(h)):
        bits = np.array([number >> k & 1 for k in range(len(h))])
        total = total + (1 - rate) ** sum(bits) * predict((bits * h / (1 - rate))[None, :])[0]
    return total


def s_average_unscaled(predict, h, rate):
    total = 0
    for number in range(2 ** len(h)):
        bits = np.array([number >> k & 1 for k in range(len(h))])
        p = np.prod(np.where(bits, 1 - rate, rate))
        total = total + p * predict((bits * h)[None, :])[0]
    return total


def s_average_starts_at_one(predict, h, rate):
    total = 0
    for number in range(1, 2 ** len(h)):
        bits = np.array([number >> k & 1 for k in range(len(h))])
        p = np.prod(np.where(bits, 1 - rate, rate))
        total = total + p * predict((bits * h / (1 - rate))[None, :])[0]
    return total


def s_average_stops_early(predict, h, rate):
    total = 0
    for number in range(2 ** len(h) - 1):
        bits = np.array([number >> k & 1 for k in range(len(h))])
        p = np.prod(np.where(bits, 1 - rate, rate))
        total = total + p * predict((bits * h / (1 - rate))[None, :])[0]
    return total


def s_average_keeps_the_row(predict, h, rate):
    total = 0
    for number in range(2 ** len(h)):
        bits = np.array([number >> k & 1 for k in range(len(h))])
        p = np.prod(np.where(bits, 1 - rate, rate))
        total = total + p * predict((bits * h / (1 - rate))[None, :])
    return total


# (exercise, function, the misconception that the report names, the points that the weights give)
ONE_AXIS = "an axis of length one"

STUDENTS = [
    (FORWARD, s_forward_divides_by_drop, "a division by the drop probability", 2.0),
    (FORWARD, s_forward_rate_kept, "rate taken as the probability to keep", 1.25),
    (FORWARD, s_forward_kept_exchanged, "rate taken as the probability to keep", 2.0),
    (FORWARD, s_forward_unscaled, "no scaling in training", 2.0),
    (FORWARD, s_forward_boolean_mask, "a mask without its scale", 2.5),
    (FORWARD, s_forward_scales_twice, "a factor of 1 - rate at inference", 2.75),
    (FORWARD, s_forward_one_mask, "one mask for the whole batch", 2.5),
    (FORWARD, s_forward_one_mask_without_rows, "one mask for the whole batch", 2.25),
    (FORWARD, s_forward_normal, "a normal random number in place of a uniform one", 2.25),
    (FORWARD, s_forward_precedence, "nothing dropped in training", 0.75),
    (FORWARD, s_forward_always_on, "dropout left on at inference", 2.75),
    (FORWARD, s_forward_own_seed, "a seed of your own", 2.5),
    (FORWARD, s_forward_global_numbers, "random numbers that do not come from rng", 2.5),
    (FORWARD, s_forward_in_place, "", 2.75),
    (FORWARD, s_forward_inference_not_written, "", 2.75),
    (BACKWARD, s_backward_plain, "no mask at all", 0.25),
    (
        BACKWARD,
        s_backward_weights_of_all,
        "the weights' gradient from units that were off",
        1.0,
    ),
    (BACKWARD, s_backward_no_mask_in_dh, "a mask that is missing in dh", 1.0),
    (BACKWARD, s_backward_zeroes_only, "a mask whose scale is lost in dh", 1.0),
    (
        BACKWARD,
        s_backward_by_output,
        "units taken as dropped because they are silent",
        1.0,
    ),
    (BACKWARD, s_backward_twice, "a mask applied twice in dh", 1.0),
    (BACKWARD, s_backward_mean, "a mean where dweight and dbias want a sum", 1.0),
    (BACKWARD, s_backward_row_of_bias, ONE_AXIS, 1.75),
    (BACKWARD, s_backward_in_place, "", 1.75),
    (
        INFERENCE,
        s_inference_deck_l,
        "the probability to be dropped where that to be kept belongs",
        0.25,
    ),
    (INFERENCE, s_inference_divides, "a division by the probability to keep", 0.25),
    (INFERENCE, s_inference_biases, "biases that are scaled too", 0.25),
    (
        INFERENCE,
        s_inference_deck_h,
        "the weights into the dropped units in place of those out of them",
        0.25,
    ),
    (INFERENCE, s_inference_no_inputs, "the dropped inputs forgotten", 0.25),
    (INFERENCE, s_inference_piles_up, "factors that pile up from layer to layer", 0.25),
    (INFERENCE, s_inference_in_place, "", 1.25),
    (INFERENCE, s_inference_weights_only, "", 0.0),
    (AVERAGE, s_average_inference, "one network in place of the average", 0.25),
    (AVERAGE, s_average_mean_input, "one network in place of the average", 0.25),
    (AVERAGE, s_average_equal, "all sub-networks taken as equally likely", 0.25),
    (AVERAGE, s_average_exchanged, "probabilities of keeping and dropping exchanged", 0.25),
    (AVERAGE, s_average_only_kept, "probabilities of what is kept alone", 0.25),
    (AVERAGE, s_average_unscaled, "kept units that are not scaled", 0.25),
    (AVERAGE, s_average_starts_at_one, "the sub-network without any unit left out", 0.25),
    (AVERAGE, s_average_stops_early, "the network with all units left out", 0.25),
    (AVERAGE, s_average_keeps_the_row, ONE_AXIS, 2.25),
]
