"""What students hand in for the exercise ``optimizers``: right in other forms, and wrong.

Each function stands by itself, so that its source can be put into a notebook.
"""

import numpy as np

MOMENTUM = "optimizers.momentum"
NESTEROV = "optimizers.nesterov"
ADAGRAD = "optimizers.adagrad"
RMSPROP = "optimizers.rmsprop"
ADAM = "optimizers.adam"

# ---- right


def momentum_loops(w, velocity, gradient, learning_rate, momentum):
    shape = np.shape(w)
    new_w, new_velocity = [], []
    for a, v, g in zip(np.ravel(w), np.ravel(velocity), np.ravel(gradient), strict=True):
        v = float(v) * momentum - float(g) * learning_rate
        new_velocity.append(v)
        new_w.append(float(a) + v)
    return [np.reshape(new_w, shape).tolist(), np.reshape(new_velocity, shape).tolist()]


def momentum_without_rate_inside(w, velocity, gradient, learning_rate, momentum):
    pull = gradient - momentum * velocity / learning_rate
    moved = w - learning_rate * pull
    return moved, moved - w


def momentum_on_copies(w, velocity, gradient, learning_rate, momentum):
    w, velocity = w.copy(), velocity.copy()
    velocity *= momentum
    velocity -= learning_rate * gradient
    w += velocity
    return w, velocity


def nesterov_by_the_point(w, velocity, gradient, learning_rate, momentum):
    point = w - momentum * velocity
    velocity = momentum * velocity - learning_rate * gradient
    point = point + velocity
    return point + momentum * velocity, velocity


def nesterov_twice_the_gradient(w, velocity, gradient, learning_rate, momentum):
    step = -learning_rate * gradient
    return w + momentum**2 * velocity + (1 + momentum) * step, step + momentum * velocity


def nesterov_cs231n(w, velocity, gradient, learning_rate, momentum):
    before = velocity
    velocity = momentum * velocity - learning_rate * gradient
    return [w - momentum * before + (1 + momentum) * velocity, velocity]


def adagrad_loops(w, total, gradient, learning_rate, eps):
    new_w, new_total = np.array(w), np.array(total)
    for k in np.ndindex(new_w.shape):
        new_total[k] = total[k] + gradient[k] * gradient[k]
        new_w[k] = w[k] - learning_rate / (new_total[k] ** 0.5 + eps) * gradient[k]
    return new_w, new_total


def adagrad_rate_for_each(w, total, gradient, learning_rate, eps):
    total = np.add(total, np.square(gradient))
    rates = learning_rate / (eps + np.power(total, 0.5))
    return np.subtract(w, rates * gradient), total


def rmsprop_loops(w, mean_square, gradient, learning_rate, rho, eps):
    new_w, new_mean = np.array(w), np.array(mean_square)
    for k in np.ndindex(new_w.shape):
        new_mean[k] += (1 - rho) * (gradient[k] ** 2 - mean_square[k])
        new_w[k] -= learning_rate * gradient[k] * (new_mean[k] + eps) ** -0.5
    return [new_w, new_mean]


def rmsprop_average(w, mean_square, gradient, learning_rate, rho, eps):
    both = np.stack([mean_square, gradient * gradient])
    mean_square = np.average(both, axis=0, weights=[rho, 1 - rho])
    return w - learning_rate * (gradient / np.hypot(np.sqrt(mean_square), eps**0.5)), mean_square


def adam_loops(w, m, v, t, gradient, learning_rate, beta1, beta2, eps):
    w, m, v = np.array(w, float), np.array(m, float), np.array(v, float)
    t += 1
    for k in np.ndindex(w.shape):
        m[k] += (1 - beta1) * (gradient[k] - m[k])
        v[k] += (1 - beta2) * (gradient[k] ** 2 - v[k])
        w[k] -= learning_rate * (m[k] / (1 - beta1**t)) / ((v[k] / (1 - beta2**t)) ** 0.5 + eps)
    return w, m, v, t


def adam_rate_of_the_paper(w, m, v, t, gradient, learning_rate, beta1, beta2, eps):
    m = beta1 * m + gradient - beta1 * gradient
    v = beta2 * v + (1 - beta2) * np.square(gradient)
    root = np.sqrt(1 - beta2 ** (t + 1))
    rate = learning_rate * root / (1 - beta1 ** (t + 1))
    return [w - rate * m / (np.sqrt(v) + eps * root), m, v, float(t + 1)]


def adam_series(w, m, v, t, gradient, learning_rate, beta1, beta2, eps):
    weights1 = sum((1 - beta1) * beta1**k for k in range(t + 1))
    weights2 = sum((1 - beta2) * beta2**k for k in range(t + 1))
    m = m * beta1 + gradient * (1 - beta1)
    v = v * beta2 + gradient * gradient * (1 - beta2)
    divisor = np.sqrt(v / weights2) + eps
    return w - learning_rate * m / (weights1 * divisor), m, v, np.int64(t) + 1


OTHER_FORMS = [
    (MOMENTUM, momentum_loops),
    (MOMENTUM, momentum_without_rate_inside),
    (MOMENTUM, momentum_on_copies),
    (NESTEROV, nesterov_by_the_point),
    (NESTEROV, nesterov_twice_the_gradient),
    (NESTEROV, nesterov_cs231n),
    (ADAGRAD, adagrad_loops),
    (ADAGRAD, adagrad_rate_for_each),
    (RMSPROP, rmsprop_loops),
    (RMSPROP, rmsprop_average),
    (ADAM, adam_loops),
    (ADAM, adam_rate_of_the_paper),
    (ADAM, adam_series),
]


# ---- wrong, as students write it and not as the checker does


def s_momentum_pytorch(w, velocity, gradient, learning_rate, momentum):
    velocity = momentum * velocity + gradient
    w = w - learning_rate * velocity
    return w, velocity


def s_momentum_in_place(w, velocity, gradient, learning_rate, momentum):
    velocity *= momentum
    velocity -= learning_rate * gradient
    w += velocity
    return w, velocity


def s_momentum_row(w, velocity, gradient, learning_rate, momentum):
    velocity = momentum * velocity - learning_rate * gradient
    return (w + velocity)[None], velocity[None]


def s_nesterov_wrong_velocity_in_the_step(w, velocity, gradient, learning_rate, momentum):
    new = momentum * velocity - learning_rate * gradient
    return w + momentum * velocity - learning_rate * gradient, new


def s_adagrad_late(w, total, gradient, learning_rate, eps):
    w = w - learning_rate * gradient / (np.sqrt(total) + eps)
    return w, total + gradient**2


def s_rmsprop_after(w, mean_square, gradient, learning_rate, rho, eps):
    mean_square = rho * mean_square + (1 - rho) * gradient**2
    w = w - learning_rate * (gradient / np.sqrt(mean_square) + eps)
    return w, mean_square


def s_rmsprop_not_returned(w, mean_square, gradient, learning_rate, rho, eps):
    new = rho * mean_square + (1 - rho) * gradient**2
    return w - learning_rate * gradient / np.sqrt(new + eps), mean_square


def s_adam_late_count(w, m, v, t, gradient, learning_rate, beta1, beta2, eps):
    m = beta1 * m + (1 - beta1) * gradient
    v = beta2 * v + (1 - beta2) * gradient**2
    mb, vb = m / (1 - beta1**t), v / (1 - beta2**t)
    t += 1
    return w - learning_rate * mb / (np.sqrt(vb) + eps), m, v, t


def s_adam_count_ignored(w, m, v, t, gradient, learning_rate, beta1, beta2, eps):
    m = beta1 * m + (1 - beta1) * gradient
    v = beta2 * v + (1 - beta2) * gradient**2
    mb, vb = m / (1 - beta1**t), v / (1 - beta2**t)
    return w - learning_rate * mb / (np.sqrt(vb) + eps), m, v, t


def s_adam_keras(w, m, v, t, gradient, learning_rate, beta1, beta2, eps):
    t = t + 1
    m = beta1 * m + (1 - beta1) * gradient
    v = beta2 * v + (1 - beta2) * gradient**2
    alpha = learning_rate * np.sqrt(1 - beta2**t) / (1 - beta1**t)
    return w - alpha * m / (np.sqrt(v) + eps), m, v, t


# (exercise, function, the misconception that the report names, the points that the weights give)
ONE_AXIS = "an axis of length one"

STUDENTS = [
    (MOMENTUM, s_momentum_pytorch, "PyTorch's velocity", 1.0),
    (MOMENTUM, s_momentum_in_place, "", 1.25),
    (MOMENTUM, s_momentum_row, ONE_AXIS, 1.25),
    (NESTEROV, s_nesterov_wrong_velocity_in_the_step, "the step of plain momentum", 0.75),
    (ADAGRAD, s_adagrad_late, "the sum of the steps before", 0.75),
    (RMSPROP, s_rmsprop_after, "epsilon added after the division", 0.75),
    (RMSPROP, s_rmsprop_not_returned, "a mean square that is returned as it came", 0.25),
    (ADAM, s_adam_late_count, "a count that is increased after its use", 1.0),
    (ADAM, s_adam_count_ignored, "a count that is never increased", 1.0),
    (ADAM, s_adam_keras, "Keras's epsilon", 1.0),
]
