"""What students hand in for the exercise ``optimizers``: right in other forms, and wrong.

Each function stands by itself, so that its source can be put into a notebook.
"""

import numpy as np

MOMENTUM = "optimizers.momentum"
BEST_PAIR = "optimizers.best_pair"
NESTEROV = "optimizers.nesterov"
RPROP = "optimizers.rprop"
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


def momentum_vectorized(w, velocity, gradient, learning_rate, momentum):
    new = np.vectorize(lambda v, g: momentum * v - learning_rate * g)(velocity, gradient)
    return w + new, new


def momentum_as_a_product(w, velocity, gradient, learning_rate, momentum):
    new = np.tensordot([momentum, -learning_rate], np.stack([velocity, gradient]), axes=1)
    return np.array([w + new, new])


def momentum_class(w, velocity, gradient, learning_rate, momentum):
    class Optimizer:
        def __init__(self, rate, share):
            self.rate, self.share = rate, share

        def step(self, w, v, g):
            v = v * self.share + (-self.rate) * g
            return w + v, v

    return Optimizer(rate=learning_rate, share=momentum).step(w, velocity, g=gradient)


def best_pair_by_roots(h_min, h_max):
    a, b = h_min**0.5, h_max**0.5
    return 4 / (a + b) ** 2, ((b - a) / (b + a)) ** 2


def best_pair_by_a_system(h_min, h_max):
    # 1 - s = r sqrt(h_min) and 1 + s = r sqrt(h_max), with s and r the roots of both.
    r, s = np.linalg.solve([[np.sqrt(h_min), 1], [np.sqrt(h_max), -1]], [1, 1])
    return [r * r, s * s]


def best_pair_by_halving(h_min, h_max):
    low, high = 0.0, 1.0
    for _ in range(200):
        s = (low + high) / 2
        low, high = (s, high) if (1 + s) * h_min**0.5 < (1 - s) * h_max**0.5 else (low, s)
    return np.array([(1 + high) ** 2 / h_max, high**2])


def nesterov_on_copies(w, velocity, gradient, learning_rate, momentum):
    velocity, w = np.copy(velocity), np.copy(w)
    w -= momentum * velocity
    velocity *= momentum
    velocity += -learning_rate * gradient
    w += (1 + momentum) * velocity
    return w, velocity


def nesterov_dozat(w, velocity, gradient, learning_rate, momentum):
    m = -velocity / learning_rate
    m = momentum * m + gradient
    return w - learning_rate * (momentum * m + gradient), -learning_rate * m


def rprop_loops(w, size, previous, gradient, increase, decrease, min_step, max_step):
    w, size, kept = list(w), list(size), list(gradient)
    for i, (g, before) in enumerate(zip(gradient, previous, strict=True)):
        if (g > 0 and before > 0) or (g < 0 and before < 0):
            size[i] = min(size[i] * increase, max_step)
        elif g != 0 and before != 0:
            size[i] = max(size[i] * decrease, min_step)
            kept[i] = 0.0
        if kept[i] > 0:
            w[i] -= size[i]
        elif kept[i] < 0:
            w[i] += size[i]
    return w, size, kept


def rprop_masks(w, size, previous, gradient, increase, decrease, min_step, max_step):
    size, kept, product = size.copy(), gradient.copy(), gradient * previous
    size[product > 0] *= increase
    size[product < 0] *= decrease
    size = np.minimum(np.maximum(size, min_step), max_step)
    kept[product < 0] = 0
    return w - np.sign(kept) * size, size, kept


def rprop_signs(w, size, previous, gradient, increase, decrease, min_step, max_step):
    sign = np.sign(gradient)
    agree = (sign * np.sign(previous)).astype(int)
    size = (size * np.array([1.0, increase, decrease])[agree]).clip(min_step, max_step)
    sign = sign * (agree >= 0)
    # Of what is remembered the sign suffices.
    return [w - size * sign, size, sign]


def rprop_select(w, size, previous, gradient, increase, decrease, min_step, max_step):
    turned = np.sign(gradient) == -np.sign(previous)
    turned &= gradient != 0
    same = (np.sign(gradient) == np.sign(previous)) & (gradient != 0)
    size = np.select([same, turned], [increase * size, decrease * size], default=size)
    size = np.clip(size, min_step, max_step)
    gradient = np.where(turned, 0, gradient)
    return np.where(gradient > 0, w - size, np.where(gradient < 0, w + size, w)), size, gradient


def adagrad_hypot(w, total, gradient, learning_rate, eps):
    root = np.hypot(np.sqrt(total), gradient)
    return w - learning_rate * (gradient / (root + eps)), root * root


def adagrad_on_copies(w, total, gradient, learning_rate, eps):
    w, total = w.astype(float), total.astype(float)
    total += gradient * gradient
    w -= np.divide(gradient, np.sqrt(total) + eps) * learning_rate
    return w, total


def rmsprop_lerp(w, mean_square, gradient, learning_rate, rho, eps):
    after = sum(k * part for k, part in {rho: mean_square, 1 - rho: abs(gradient) ** 2}.items())
    return w + -learning_rate * gradient * np.reciprocal(np.sqrt(after + eps)), after


def rmsprop_vectorized(w, mean_square, gradient, learning_rate, rho, eps):
    def one(w, v, g):
        v = v + (1 - rho) * (g * g - v)
        return w - learning_rate * g / (v + eps) ** 0.5, v

    return np.vectorize(one, otypes=[float, float])(w, mean_square, gradient)


def adam_exponentials(w, m, v, t, gradient, learning_rate, beta1, beta2, eps):
    steps = t + 1
    m, v = (b * a + (1 - b) * g for b, a, g in ((beta1, m, gradient), (beta2, v, gradient**2)))
    m_hat, v_hat = (a / -np.expm1(steps * np.log(b)) for b, a in ((beta1, m), (beta2, v)))
    return w - learning_rate * m_hat / (v_hat**0.5 + eps), m, v, steps


def adam_on_copies(w, m, v, t, gradient, learning_rate, beta1, beta2, eps):
    w, m, v, t = w.copy(), m.copy(), v.copy(), np.array(t)
    t += 1
    m *= beta1
    m += (1 - beta1) * gradient
    v *= beta2
    v += (1 - beta2) * gradient**2
    w -= learning_rate / (1 - beta1**t) * m / (np.sqrt(v / (1 - beta2**t)) + eps)
    return w, m, v, t


def adam_recursive(w, m, v, t, gradient, learning_rate, beta1, beta2, eps):
    def total(beta, count):
        return 0.0 if count == 0 else 1 - beta + beta * total(beta, count - 1)

    m, v = beta1 * m + (1 - beta1) * gradient, beta2 * v + (1 - beta2) * gradient * gradient
    unbiased = m / total(beta1, t + 1), v / total(beta2, t + 1)
    return [w - learning_rate * unbiased[0] / (np.sqrt(unbiased[1]) + eps), m, v, t + 1]


OTHER_FORMS = [
    (MOMENTUM, momentum_loops),
    (MOMENTUM, momentum_without_rate_inside),
    (MOMENTUM, momentum_on_copies),
    (MOMENTUM, momentum_vectorized),
    (MOMENTUM, momentum_as_a_product),
    (MOMENTUM, momentum_class),
    (BEST_PAIR, best_pair_by_roots),
    (BEST_PAIR, best_pair_by_a_system),
    (BEST_PAIR, best_pair_by_halving),
    (NESTEROV, nesterov_by_the_point),
    (NESTEROV, nesterov_twice_the_gradient),
    (NESTEROV, nesterov_cs231n),
    (NESTEROV, nesterov_on_copies),
    (NESTEROV, nesterov_dozat),
    (RPROP, rprop_loops),
    (RPROP, rprop_masks),
    (RPROP, rprop_signs),
    (RPROP, rprop_select),
    (ADAGRAD, adagrad_loops),
    (ADAGRAD, adagrad_rate_for_each),
    (ADAGRAD, adagrad_hypot),
    (ADAGRAD, adagrad_on_copies),
    (RMSPROP, rmsprop_loops),
    (RMSPROP, rmsprop_average),
    (RMSPROP, rmsprop_lerp),
    (RMSPROP, rmsprop_vectorized),
    (ADAM, adam_loops),
    (ADAM, adam_rate_of_the_paper),
    (ADAM, adam_series),
    (ADAM, adam_exponentials),
    (ADAM, adam_on_copies),
    (ADAM, adam_recursive),
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


def s_best_pair_of_descent(h_min, h_max):
    kappa = h_max / h_min
    return (2 * kappa / (kappa + 1)) ** 2 / h_max, ((kappa - 1) / (kappa + 1)) ** 2


def s_rprop_no_rest(w, size, previous, gradient, increase, decrease, min_step, max_step):
    same = gradient * previous
    size = np.where(same > 0, size * increase, np.where(same < 0, size * decrease, size))
    size = np.clip(size, min_step, max_step)
    return w - size * np.sign(gradient), size, gradient


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
    (MOMENTUM, s_momentum_pytorch, "PyTorch's velocity", 0.5),
    (MOMENTUM, s_momentum_in_place, "", 1.125),
    (MOMENTUM, s_momentum_row, ONE_AXIS, 1.125),
    (BEST_PAIR, s_best_pair_of_descent, "the condition number in place of its root", 0.125),
    (NESTEROV, s_nesterov_wrong_velocity_in_the_step, "the step of plain momentum", 0.5),
    (RPROP, s_rprop_no_rest, "a step right after the sign has changed", 0.5),
    (ADAGRAD, s_adagrad_late, "the squares of the steps before", 0.5),
    (RMSPROP, s_rmsprop_after, "epsilon added after the division", 0.5),
    (RMSPROP, s_rmsprop_not_returned, "squares that are returned as they came", 0.125),
    (ADAM, s_adam_late_count, "a count that is increased after its use", 0.75),
    (ADAM, s_adam_count_ignored, "a count that is never increased", 0.75),
    (ADAM, s_adam_keras, "Keras's epsilon", 0.75),
]
