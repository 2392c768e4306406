"""What students hand in for the exercise ``in-practice``: right in other forms, and wrong.

Each function stands by itself, so that its source can be put into a notebook.
"""

import math
from itertools import pairwise

import numpy as np

from gradlab.schedules import warmup_cosine_decay

STANDARDIZE = "in_practice.standardize"
INITIAL = "in_practice.initial"
GRADIENTS = "in_practice.gradients"
TRAIN = "in_practice.train"
RUN = "in_practice.run"

# ---- right


def standardize_in_loops(x_train, x_held, x_test):
    results = tuple(np.empty_like(x) for x in (x_train, x_held, x_test))
    for feature in range(x_train.shape[1]):
        column = x_train[:, feature]
        mean = sum(column) / len(column)
        deviation = max(math.sqrt(sum((column - mean) ** 2) / len(column)), 0.1)
        for x, result in zip((x_train, x_held, x_test), results, strict=True):
            for row in range(len(x)):
                result[row, feature] = (x[row, feature] - mean) / deviation
    return results


def standardize_by_moments(x_train, x_held, x_test):
    mu = np.mean(x_train, 0)
    sigma = np.sqrt(np.mean(np.square(x_train - mu), 0))
    sigma[sigma < 0.1] = 0.1
    return (x_train - mu) / sigma, (x_held - mu) / sigma, (x_test - mu) / sigma


def initial_uniform(sizes, rng):
    params = []
    for k in range(len(sizes) - 1):
        limit = np.sqrt(6 / sizes[k])
        params += [rng.uniform(-limit, limit, (sizes[k], sizes[k + 1])), np.zeros(sizes[k + 1])]
    return params


def initial_all_weights_first(sizes, rng):
    shapes = list(pairwise(sizes))
    weights = [rng.normal(0, (2 / a) ** 0.5, size=(a, b)) for a, b in shapes]
    return tuple(array for w in weights for array in (w, 0.0 * w[0]))


def gradients_by_gates(params, x, labels):
    layers = [(params[k], params[k + 1]) for k in range(0, len(params), 2)]
    gates, inputs = [], []
    for weight, bias in layers:
        inputs.append(x)
        z = x @ weight + bias
        gates.append(z > 0)
        x = np.where(z > 0, z, 0.0)
    e = np.exp(z - z.max(axis=1)[:, None])
    p = e / e.sum(axis=1)[:, None]
    top = z.max(axis=1) + np.log(e.sum(axis=1))
    loss = np.mean(top - z[np.arange(len(z)), labels])
    d = (p - np.eye(p.shape[1])[labels]) / len(labels)
    grads = []
    for k in range(len(layers) - 1, -1, -1):
        grads = [inputs[k].T @ d, np.sum(d, axis=0), *grads]
        if k:
            d = (d @ layers[k][0].T) * gates[k - 1]
    return loss, grads


def gradients_in_place(params, x, labels):
    inputs = [x]
    for k in range(0, len(params), 2):
        out = inputs[-1] @ params[k] + params[k + 1]
        inputs.append(out.clip(0))
    shifted = out - out.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    rows = np.arange(len(x))
    delta = np.exp(log_p)
    delta[rows, labels] -= 1
    delta /= len(x)
    grads = [None] * len(params)
    for k in range(len(params) - 2, -1, -2):
        grads[k] = inputs[k // 2].T @ delta
        grads[k + 1] = delta.sum(axis=0)
        delta = delta @ params[k].T
        delta[inputs[k // 2] <= 0] = 0
    return -log_p[rows, labels].mean(), grads


def train_by_indices(
    params, loss_and_gradients, training, held_out, schedule, epochs, batch_size, rng
):
    x, labels = training
    weights = [np.array(p) for p in params]
    lowest = loss_and_gradients(weights, *held_out)[0]
    best, losses, held, rates, step = params, [], [lowest], [], 0
    indices = np.arange(len(x))
    for _ in range(epochs):
        rng.shuffle(indices)
        for k in range(0, len(x), batch_size):
            chosen = indices[k : k + batch_size]
            loss, grads = loss_and_gradients(weights, x[chosen], labels[chosen])
            rates.append(schedule(step))
            weights = [w - rates[-1] * g for w, g in zip(weights, grads, strict=True)]
            losses.append(loss)
            step += 1
        held.append(loss_and_gradients(weights, *held_out)[0])
        if held[-1] < lowest:
            lowest, best = held[-1], weights
    return best, np.array(losses), held, np.array(rates)


def train_with_split_batches(
    params, loss_and_gradients, training, held_out, schedule, epochs, batch_size, rng
):
    weights = [p + 0.0 for p in params]
    records = [(loss_and_gradients(weights, *held_out)[0], [w.copy() for w in weights])]
    losses, rates = [], []
    for _ in range(epochs):
        order = rng.permutation(len(training[1]))
        cuts = range(batch_size, len(order), batch_size)
        for chosen in np.split(order, cuts):
            loss, grads = loss_and_gradients(weights, training[0][chosen], training[1][chosen])
            losses.append(loss)
            rates.append(schedule(len(rates)))
            for w, g in zip(weights, grads, strict=True):
                w -= rates[-1] * g
        records.append((loss_and_gradients(weights, *held_out)[0], [w.copy() for w in weights]))
    held = [loss for loss, _ in records]
    return records[int(np.argmin(held))][1], losses, held, rates


def run_of_one_piece(training, held_out, test, sizes, epochs, rng):
    mean, std = training[0].mean(axis=0), np.maximum(training[0].std(axis=0), 0.1)
    x, held, new = ((s[0] - mean) / std for s in (training, held_out, test))
    labels = training[1]
    weights = [rng.normal(0, np.sqrt(2 / a), (a, b)) for a, b in pairwise(sizes)]
    biases = [np.zeros(b) for b in sizes[1:]]

    def forward(a):
        signals = [a]
        for k, (w, b) in enumerate(zip(weights, biases, strict=True)):
            a = a @ w + b
            a = a if k == len(weights) - 1 else np.maximum(a, 0)
            signals.append(a)
        return signals

    def cross_entropy(out, y):
        out = out - out.max(axis=1, keepdims=True)
        p = np.exp(out)
        p /= p.sum(axis=1, keepdims=True)
        return p, -np.log(p[np.arange(len(y)), y] + 1e-300).mean()

    count = -(-len(x) // 16)
    losses, rates = [], []
    held_losses = [cross_entropy(forward(held)[-1], held_out[1])[1]]
    answer = forward(new)[-1]
    for _ in range(epochs):
        for batch in np.array_split(rng.permutation(len(x)), count):
            signals = forward(x[batch])
            d, loss = cross_entropy(signals.pop(), labels[batch])
            d[np.arange(len(batch)), labels[batch]] -= 1
            d /= len(batch)
            rate = float(
                warmup_cosine_decay(len(rates), 0.02, 0.2, epochs * count // 10, epochs * count)
            )
            for k in range(len(weights) - 1, -1, -1):
                below = (d @ weights[k].T) * (signals[k] > 0)
                weights[k] -= rate * signals[k].T @ d
                biases[k] -= rate * d.sum(axis=0)
                d = below
            losses.append(loss)
            rates.append(rate)
        held_losses.append(cross_entropy(forward(held)[-1], held_out[1])[1])
        if held_losses[-1] == min(held_losses):
            answer = forward(new)[-1]
    return answer, [losses, held_losses, rates]


def run_with_the_package(training, held_out, test, sizes, epochs, rng):
    from gradlab.early_stopping import EarlyStopping
    from gradlab.network import Activation, Dense, Network
    from gradlab.optimizers import SGD
    from gradlab.training import evaluate, fit

    seen = training[0]
    mean, std = seen.mean(axis=0), np.maximum(seen.std(axis=0), 0.1)
    sets = [((x - mean) / std, y) for x, y in (training, held_out, test)]
    layers = []
    for k in range(len(sizes) - 1):
        layers += [Dense(sizes[k], sizes[k + 1], rng), Activation("relu")]
    network = Network(layers[:-1])
    per_epoch = math.ceil(len(seen) / 16)
    total = epochs * per_epoch
    start = evaluate(network, *sets[1])[0]
    history = fit(
        network,
        sets[0],
        sets[1],
        SGD(0.2),
        epochs=epochs,
        batch_size=16,
        schedule=lambda step: warmup_cosine_decay(step, 0.02, 0.2, total // 10, total),
        early_stopping=EarlyStopping(patience=epochs),
        rng=rng,
    )
    held_losses = [start, *history.validation_loss]
    records = history.step_loss, held_losses, history.learning_rate
    return network.forward(sets[2][0]), records


def standardize_transposed(x_train, x_held, x_test):
    columns = [(np.average(c), max(np.std(c), 0.1)) for c in x_train.T]
    mean, scale = np.array(columns).T
    return tuple(((x - mean).T / scale[:, None]).T for x in (x_train, x_held, x_test))


def standardize_class(x_train, x_held, x_test):
    class Scaler:
        def fit(self, x):
            self.mean_ = np.einsum("ij->j", x) / len(x)
            variance = np.einsum("ij,ij->j", x - self.mean_, x - self.mean_) / len(x)
            self.scale_ = np.sqrt(np.where(variance < 0.01, 0.01, variance))
            return self

        def transform(self, x):
            return (x - self.mean_) / self.scale_

    scaler = Scaler().fit(x_train)
    return [scaler.transform(x_train), scaler.transform(x_held), scaler.transform(x_test)]


def initial_flat(sizes, rng):
    pairs = [(sizes[k], sizes[k + 1]) for k in range(len(sizes) - 1)]
    flat, params, start = rng.standard_normal(sum(a * b for a, b in pairs)), [], 0
    for a, b in pairs:
        params.append(flat[start : start + a * b].reshape(a, b) / math.sqrt(a / 2))
        params.append(np.zeros_like(params[-1][0]))
        start += a * b
    return params


def gradients_complex_step(params, x, labels):
    def loss(params):
        h = x
        for k in range(0, len(params), 2):
            z = h @ params[k] + params[k + 1]
            h = z * (z.real > 0)
        z = z - z.real.max(axis=1, keepdims=True)
        return (np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(x)), labels]).mean()

    grads = []
    for k, array in enumerate(params):
        grads.append(np.zeros(array.shape))
        for i in np.ndindex(*array.shape):
            moved = [*params]
            moved[k] = array.astype(complex)
            moved[k][i] += 1e-30j
            grads[k][i] = loss(moved).imag * 1e30
    return float(loss(params)), grads


def train_with_while(
    params, loss_and_gradients, training, held_out, schedule, epochs, batch_size, rng
):
    weights, step, order = tuple(params), 0, []
    best, losses, rates = weights, [], []
    held = [loss_and_gradients(list(weights), *held_out)[0]]
    while len(held) <= epochs:
        order = order or list(rng.permutation(len(training[0])))
        batch, order = np.array(order[:batch_size]), order[batch_size:]
        loss, grads = loss_and_gradients(list(weights), training[0][batch], training[1][batch])
        rates += [schedule(step)]
        weights = tuple(w - rates[-1] * g for w, g in zip(weights, grads, strict=True))
        losses, step = [*losses, loss], step + 1
        if not order:
            held.append(loss_and_gradients(list(weights), *held_out)[0])
            best = weights if held[-1] < min(held[:-1]) else best
    return best, losses, held, rates


OTHER_FORMS = [
    (STANDARDIZE, standardize_in_loops),
    (STANDARDIZE, standardize_by_moments),
    (INITIAL, initial_uniform),
    (INITIAL, initial_all_weights_first),
    (GRADIENTS, gradients_by_gates),
    (GRADIENTS, gradients_in_place),
    (TRAIN, train_by_indices),
    (TRAIN, train_with_split_batches),
    (RUN, run_of_one_piece),
    (RUN, run_with_the_package),
    (STANDARDIZE, standardize_transposed),
    (STANDARDIZE, standardize_class),
    (INITIAL, initial_flat),
    (GRADIENTS, gradients_complex_step),
    (TRAIN, train_with_while),
]


# ---- wrong, as students write it and not as the checker does


def s_standardize_all(x_train, x_held, x_test):
    x = np.vstack((x_train, x_held, x_test))
    x = (x - np.mean(x, axis=0)) / np.clip(np.std(x, axis=0), 0.1, None)
    n, m = len(x_train), len(x_train) + len(x_held)
    return x[:n], x[n:m], x[m:]


def s_standardize_in_place(x_train, x_held, x_test):
    mean, std = x_train.mean(axis=0), np.maximum(x_train.std(axis=0), 0.1)
    for x in (x_train, x_held, x_test):
        x -= mean
        x /= std
    return x_train, x_held, x_test


def s_standardize_unbiased(x_train, x_held, x_test):
    mean, std = x_train.mean(axis=0), np.maximum(x_train.std(axis=0, ddof=1), 0.1)
    return [(x - mean) / std for x in (x_train, x_held, x_test)]


def s_initial_variance(sizes, rng):
    params = []
    for a, b in pairwise(sizes):
        params += [rng.normal(0.0, 2 / a, (a, b)), np.zeros((b,))]
    return params


def s_initial_own_generator(sizes, rng):
    rng = np.random.default_rng()
    params = []
    for a, b in pairwise(sizes):
        params += [rng.normal(0.0, np.sqrt(2 / a), (a, b)), np.zeros((b,))]
    return params


def s_initial_one_draw(sizes, rng):
    seed = int(rng.integers(1000000))
    params = []
    for a, b in pairwise(sizes):
        again = np.random.default_rng(seed)
        params += [again.normal(0.0, np.sqrt(2 / a), (a, b)), np.zeros((b,))]
    return params


def s_gradients_backward_relu(params, x, labels):
    inputs = [x]
    for k in range(0, len(params), 2):
        out = inputs[-1] @ params[k] + params[k + 1]
        inputs.append(out * (out > 0))
    z = out - out.max(axis=1, keepdims=True)
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    log_p = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    d = p.copy()
    d[np.arange(len(x)), labels] -= 1
    d /= len(x)
    grads = []
    for k in range(len(params) - 2, -1, -2):
        grads = [inputs[k // 2].T @ d, d.sum(0), *grads]
        d = d @ params[k].T
        d[d < 0] = 0
    return -log_p[np.arange(len(x)), labels].mean(), grads


def s_gradients_unstable(params, x, labels):
    inputs = [x]
    for k in range(0, len(params), 2):
        out = inputs[-1] @ params[k] + params[k + 1]
        inputs.append(np.maximum(out, 0))
    p = np.exp(out) / np.exp(out).sum(axis=1, keepdims=True)
    rows = np.arange(len(x))
    loss = -np.log(p[rows, labels]).mean()
    p[rows, labels] -= 1
    p = p / len(x)
    grads = [None] * len(params)
    for k in range(len(params) - 2, -1, -2):
        grads[k] = inputs[k // 2].T @ p
        grads[k + 1] = p.sum(axis=0)
        p = (p @ params[k].T) * (inputs[k // 2] > 0)
    return loss, grads


def s_train_labels_stay(
    params, loss_and_gradients, training, held_out, schedule, epochs, batch_size, rng
):
    x, y = training
    w = [p.copy() for p in params]
    best, losses, rates = [p.copy() for p in params], [], []
    held = [loss_and_gradients(w, *held_out)[0]]
    for _ in range(epochs):
        order = rng.permutation(len(x))
        for k in range(0, len(x), batch_size):
            loss, grads = loss_and_gradients(w, x[order[k : k + batch_size]], y[k : k + batch_size])
            losses.append(loss)
            rates.append(schedule(len(rates)))
            w = [p - rates[-1] * g for p, g in zip(w, grads, strict=True)]
        held.append(loss_and_gradients(w, *held_out)[0])
        if held[-1] < min(held[:-1]):
            best = w
    return best, losses, held, rates


def s_train_last(params, loss_and_gradients, training, held_out, schedule, epochs, batch_size, rng):
    x, y = training
    w = [p.copy() for p in params]
    losses, rates = [], []
    held = [loss_and_gradients(w, *held_out)[0]]
    for _ in range(epochs):
        order = rng.permutation(len(x))
        for k in range(0, len(x), batch_size):
            chosen = order[k : k + batch_size]
            loss, grads = loss_and_gradients(w, x[chosen], y[chosen])
            losses.append(loss)
            rates.append(schedule(len(rates)))
            w = [p - rates[-1] * g for p, g in zip(w, grads, strict=True)]
        held.append(loss_and_gradients(w, *held_out)[0])
    return w, losses, held, rates


def s_train_two_left(
    params, loss_and_gradients, training, held_out, schedule, epochs, batch_size, rng
):
    x, y = training
    w = [p.copy() for p in params]
    best, losses, rates = w, [], []
    held = [loss_and_gradients(w, *held_out)[0]]
    for epoch in range(epochs):
        order = rng.permutation(len(x))
        x, y = x[order], y[order]
        for k in range(0, len(x), batch_size):
            loss, grads = loss_and_gradients(w, x[k : k + batch_size], y[k : k + batch_size])
            losses.append(loss)
            rates.append(schedule(epoch))
            for p, g in zip(w, grads, strict=True):
                p -= rates[-1] * g
        held.append(loss_and_gradients(w, *held_out)[0])
        if held[-1] < min(held[:-1]):
            best = w
    return best, losses, held, rates


def s_train_in_place(
    params, loss_and_gradients, training, held_out, schedule, epochs, batch_size, rng
):
    x, y = training
    best, losses, rates = [p.copy() for p in params], [], []
    held = [loss_and_gradients(params, *held_out)[0]]
    for _ in range(epochs):
        order = rng.permutation(len(x))
        x, y = x[order], y[order]
        for k in range(0, len(x), batch_size):
            loss, grads = loss_and_gradients(params, x[k : k + batch_size], y[k : k + batch_size])
            losses.append(loss)
            rates.append(schedule(len(rates)))
            for p, g in zip(params, grads, strict=True):
                p -= rates[-1] * g
        held.append(loss_and_gradients(params, *held_out)[0])
        if held[-1] < min(held[:-1]):
            best = [p.copy() for p in params]
    return best, losses, held, rates


def s_run_chooses_by_the_test(training, held_out, test, sizes, epochs, rng):
    from gradlab.early_stopping import EarlyStopping
    from gradlab.network import Activation, Dense, Network
    from gradlab.optimizers import SGD
    from gradlab.training import evaluate, fit

    seen = training[0]
    mean, std = seen.mean(axis=0), np.maximum(seen.std(axis=0), 0.1)
    sets = [((x - mean) / std, y) for x, y in (training, held_out, test)]
    layers = []
    for k in range(len(sizes) - 1):
        layers += [Dense(sizes[k], sizes[k + 1], rng), Activation("relu")]
    network = Network(layers[:-1])
    per_epoch = math.ceil(len(seen) / 16)
    total = epochs * per_epoch
    start = evaluate(network, *sets[1])[0]
    history = fit(
        network,
        sets[0],
        sets[2],
        SGD(0.2),
        epochs=epochs,
        batch_size=16,
        schedule=lambda step: warmup_cosine_decay(step, 0.02, 0.2, total // 10, total),
        early_stopping=EarlyStopping(patience=epochs),
        rng=rng,
    )
    held_losses = [start, *history.validation_loss]
    records = history.step_loss, held_losses, history.learning_rate
    return network.forward(sets[2][0]), records


# (exercise, function, the misconception that the report names, the points that the weights give)
STUDENTS = [
    (STANDARDIZE, s_standardize_all, "statistics of all examples", 0.0),
    (STANDARDIZE, s_standardize_in_place, "", 1.25),
    (STANDARDIZE, s_standardize_unbiased, "", 0.0),
    (INITIAL, s_initial_variance, "the variance for the deviation", 0.0),
    (INITIAL, s_initial_own_generator, "", 1.0),
    (INITIAL, s_initial_one_draw, "", 1.0),
    (GRADIENTS, s_gradients_backward_relu, "a unit applied to the gradient", 0.0),
    (GRADIENTS, s_gradients_unstable, "", 1.5),
    (TRAIN, s_train_labels_stay, "labels that lose their examples", 1.75),
    (TRAIN, s_train_last, "the parameters of the last epoch", 1.75),
    (
        TRAIN,
        s_train_two_left,
        "two mistakes at once: a schedule that counts epochs, and the parameters of the last epoch",
        1.0,
    ),
    (TRAIN, s_train_in_place, "", 2.25),
    (RUN, s_run_chooses_by_the_test, "records that depend on the test digits", 0.5),
]
