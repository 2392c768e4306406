"""What students hand in for the exercise ``losses``: right in other forms, and wrong.

Each function stands by itself, so that its source can be put into a notebook.
"""

import math

import numpy as np

SQUARED = "losses.squared_error"
KL = "losses.kl_divergence"
SIGMOID = "losses.sigmoid_cross_entropy"
SOFTMAX = "losses.softmax_cross_entropy"

# ---- right


def squared_loops(y, target):
    rows, features = len(y), len(y[0])
    loss, dy = 0.0, []
    for i in range(rows):
        errors = [float(y[i][j]) - float(target[i][j]) for j in range(features)]
        loss += sum(e * e for e in errors) / 2
        dy.append([e / rows for e in errors])
    return [loss / rows, dy]


def squared_norms(y, target):
    difference = np.subtract(y, target)
    halves = 0.5 * np.linalg.norm(difference, axis=1) ** 2
    return halves.mean(), difference * (1 / difference.shape[0])


def squared_dot(y, target):
    e = (y - target).reshape(-1)
    n = len(y)
    return float(e @ e) / 2 / n, (e / n).reshape(y.shape)


def kl_loops(y, target):
    rows, classes = y.shape
    loss = 0.0
    dy = np.zeros((rows, classes))
    for i in range(rows):
        for c in range(classes):
            d = float(target[i, c])
            if d != 0:
                loss += d * (np.log(d) - np.log(float(y[i, c])))
                dy[i, c] = -d / y[i, c] / rows
    return loss / rows, dy


def kl_where(y, target):
    safe = np.where(target == 0, 1.0, target)
    terms = target * np.log(safe) - target * np.log(y)
    return np.mean(np.sum(terms, axis=1)), -(target / y) / len(target)


def kl_nan_to_num(y, target):
    with np.errstate(all="ignore"):
        terms = target * (np.log(target) - np.log(y))
    return np.nansum(terms) / y.shape[0], np.negative(target) / (y * y.shape[0])


def sigmoid_logaddexp(z, target):
    loss = np.average(np.logaddexp(0, z) - target * z)
    return loss, (np.exp(-np.logaddexp(0, -z)) - target) / np.prod(z.shape)


def sigmoid_loops(z, target):
    count = z.shape[0] * z.shape[1]
    loss, dz = 0.0, [[0.0] * z.shape[1] for _ in z]
    for i, row in enumerate(z):
        for j, v in enumerate(row):
            d = float(target[i, j])
            e = np.exp(-abs(float(v)))
            y = 1 / (1 + e) if v > 0 else e / (1 + e)
            loss += max(float(v), 0.0) - d * float(v) + np.log(1 + e)
            dz[i][j] = (y - d) / count
    return loss / count, dz


def sigmoid_two_softplus(z, target):
    small = np.log1p(np.exp(-np.abs(z)))
    yes = np.maximum(-z, 0) + small
    no = np.maximum(z, 0) + small
    y = 1 / (1 + np.exp(-z))
    return (target * yes + (1 - target) * no).sum() / z.size, (y - target) / z.size


def softmax_loops(logits, labels):
    rows, classes = logits.shape
    loss, dlogits = 0.0, np.empty((rows, classes))
    for i in range(rows):
        z = [float(v) for v in logits[i]]
        top = max(z)
        total = sum(np.exp(v - top) for v in z)
        loss += top + np.log(total) - z[labels[i]]
        for c in range(classes):
            p = np.exp(z[c] - top) / total
            dlogits[i, c] = (p - (c == labels[i])) / rows
    return loss / rows, dlogits


def softmax_log_probabilities(logits, labels):
    z = logits - np.max(logits, axis=1, keepdims=True)
    log_p = z - np.log(np.sum(np.exp(z), axis=1, keepdims=True))
    one_hot = np.zeros_like(logits)
    one_hot[np.arange(len(labels)), labels] = 1
    return -np.sum(log_p * one_hot) / len(labels), (np.exp(log_p) - one_hot) / len(labels)


def softmax_margins(logits, labels):
    # Relative to the logit of the class, by way of logaddexp.
    margins = logits - np.take_along_axis(logits, labels[:, None], axis=1)
    losses = np.logaddexp.reduce(margins, axis=1)
    p = np.exp(margins - losses[:, None])
    return losses.mean(), (p - np.eye(logits.shape[1])[labels]) / len(losses)


def squared_einsum(y, target):
    e = y - target
    return np.einsum("ij,ij->", e, e) / (2 * len(e)), np.divide(e, len(e))


def squared_complex_step(y, target):
    def loss(z):
        return ((z - target) ** 2).sum() / (2 * len(z))

    dy = np.zeros(y.shape)
    for k in np.ndindex(*y.shape):
        z = y.astype(complex)
        z[k] += 1e-30j
        dy[k] = loss(z).imag * 1e30
    return np.array(loss(y)), dy


def kl_masked(y, target):
    some, loss, dy = target > 0, 0.0, np.zeros_like(y)
    loss = (target[some] * np.log(target[some] / y[some])).sum() / len(y)
    dy[some] = target[some] / y[some] / -len(y)
    return loss, dy


def kl_generator(y, target):
    def term(p, q):
        return 0.0 if q == 0 else float(q) * (math.log(q) - math.log(p))

    loss = math.fsum(term(p, q) for p, q in zip(y.ravel(), target.ravel(), strict=True)) / len(y)
    return [loss, [[-q / (p * len(y)) for p, q in zip(*rows)] for rows in zip(y, target)]]


def sigmoid_signs(z, target):
    # The loss of a target of 1 and that of 0, weighted by the target.
    losses = {sign: np.logaddexp(0.0, -sign * z) for sign in (1, -1)}
    loss = np.mean(target * losses[1] + (1 - target) * losses[-1])
    return loss, (np.tanh(z / 2) / 2 + 0.5 - target) / z.size


def sigmoid_where(z, target):
    e = np.exp(-np.abs(z))
    y = np.where(z < 0, e, 1) / (1 + e)
    terms = np.log1p(e) + np.where(z > 0, z, 0) - z * target
    return terms.mean(axis=1).mean(), np.divide(y - target, target.size)


def sigmoid_vectorized(z, target):
    def one(z, t):
        if z >= 0:
            return math.log1p(math.exp(-z)) + (1 - t) * z, 1 / (1 + math.exp(-z)) - t
        return math.log1p(math.exp(z)) - t * z, math.exp(z) / (1 + math.exp(z)) - t

    loss, error = np.vectorize(one, otypes=[float, float])(z, target)
    return np.sum(loss) / loss.size, error / loss.size


def softmax_logsumexp(logits, labels):
    top = np.amax(logits, axis=1, keepdims=True)
    total = top + np.log(np.sum(np.exp(logits - top), axis=1, keepdims=True))
    dlogits = np.exp(logits - total)
    np.subtract.at(dlogits, (np.arange(len(labels)), labels), 1)
    chosen = np.choose(labels, logits.T)
    return np.mean(total.squeeze(axis=1) - chosen), dlogits / len(labels)


def softmax_one_hot_product(logits, labels):
    n, classes = logits.shape
    hot = (labels.reshape(-1, 1) == range(classes)).astype(float)
    z = logits - logits.max(1, keepdims=True)
    e = np.exp(z)
    loss = np.trace(hot @ (np.log(e.sum(1)) - z.T)) / n
    return loss, (np.diag(1 / e.sum(1)) @ e - hot) / n


def softmax_rows(logits, labels):
    def one(z, label):
        z = z - z.max()
        p = np.exp(z) / np.exp(z).sum()
        return np.log(np.exp(z).sum()) - z[label], p - np.eye(len(z))[label]

    losses, errors = zip(*map(one, logits, labels), strict=True)
    return sum(losses) / len(losses), tuple(error / len(losses) for error in errors)


OTHER_FORMS = [
    (SQUARED, squared_loops),
    (SQUARED, squared_norms),
    (SQUARED, squared_dot),
    (KL, kl_loops),
    (KL, kl_where),
    (KL, kl_nan_to_num),
    (SIGMOID, sigmoid_logaddexp),
    (SIGMOID, sigmoid_loops),
    (SIGMOID, sigmoid_two_softplus),
    (SOFTMAX, softmax_loops),
    (SOFTMAX, softmax_log_probabilities),
    (SOFTMAX, softmax_margins),
    (SQUARED, squared_einsum),
    (SQUARED, squared_complex_step),
    (KL, kl_masked),
    (KL, kl_generator),
    (SIGMOID, sigmoid_signs),
    (SIGMOID, sigmoid_where),
    (SIGMOID, sigmoid_vectorized),
    (SOFTMAX, softmax_logsumexp),
    (SOFTMAX, softmax_one_hot_product),
    (SOFTMAX, softmax_rows),
]


# ---- wrong, as students write it and not as the checker does


def s_squared_gradient_averaged(y, target):
    loss = 0.5 * ((y - target) ** 2).sum(1).mean()
    return loss, np.mean(y - target, axis=0)


def s_squared_loss_of_each_example(y, target):
    return 0.5 * ((y - target) ** 2).sum(axis=1), (y - target) / len(y)


def s_squared_in_place(y, target):
    y -= target
    return 0.5 * (y**2).sum() / len(y), y / len(y)


def s_kl_zero_log_zero(y, target):
    n = y.shape[0]
    loss = np.sum(target * (np.log(target) - np.log(y))) / n
    return loss, -target / (n * y)


def s_kl_reversed(y, target):
    loss = np.sum(y * np.log(y / target), axis=1).mean()
    return loss, -target / y / len(y)


def s_sigmoid_naive_and_apart(z, target):
    y = 1.0 / (1.0 + np.exp(-z))
    loss = -np.mean(target * np.log(y) + (1 - target) * np.log(1 - y))
    dy = (y - target) / (y * (1 - y)) / z.size
    return loss, dy * y * (1 - y)


def s_sigmoid_stable_loss_apart(z, target):
    loss = np.mean(np.maximum(z, 0) - z * target + np.log(1 + np.exp(-np.abs(z))))
    y = 1.0 / (1.0 + np.exp(-z))
    dy = -(target / y - (1 - target) / (1 - y)) / z.size
    return loss, dy * y * (1 - y)


def s_softmax_one_hot_times_log(logits, labels):
    n = len(labels)
    y = np.eye(logits.shape[1])[labels]
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    return -np.sum(y * np.log(p)) / n, (p - y) / n


def s_softmax_axis(logits, labels):
    n = len(labels)
    z = logits - logits.max(axis=0)
    p = np.exp(z) / np.exp(z).sum(axis=0)
    loss = -np.mean(np.log(p[np.arange(n), labels]))
    p[np.arange(n), labels] -= 1
    return loss, p / n


def s_softmax_in_place(logits, labels):
    n = len(labels)
    logits -= logits.max(axis=1, keepdims=True)
    log_p = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    dlogits = np.exp(log_p)
    dlogits[np.arange(n), labels] -= 1
    return -log_p[np.arange(n), labels].mean(), dlogits / n


# (exercise, function, the misconception that the report names, the points that the weights give)
ROUNDED = "the logarithm of a probability that was rounded"
APART = "loss and sigmoid differentiated apart"

STUDENTS = [
    (SQUARED, s_squared_gradient_averaged, "one gradient for the whole batch", 0.5),
    (SQUARED, s_squared_loss_of_each_example, "", 0.75),
    (SQUARED, s_squared_in_place, "", 1.25),
    (KL, s_kl_zero_log_zero, "0 times the logarithm of 0", 1.5),
    (KL, s_kl_reversed, "prediction and target exchanged", 1.0),
    (SIGMOID, s_sigmoid_naive_and_apart, ROUNDED, 1.75),
    (SIGMOID, s_sigmoid_stable_loss_apart, APART, 1.75),
    (
        SOFTMAX,
        s_softmax_one_hot_times_log,
        "the logarithm of a probability that was rounded to 0",
        2.25,
    ),
    (SOFTMAX, s_softmax_axis, "a softmax over the batch", 0.25),
    (SOFTMAX, s_softmax_in_place, "", 2.75),
]
