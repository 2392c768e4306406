"""What students hand in for the exercise ``schedules``: right in other forms, and wrong.

Each function stands by itself, so that its source can be put into a notebook.
"""

import math

import numpy as np
from numba import njit

POWER = "schedules.power"
EXPONENTIAL = "schedules.exponential"
PERFORMANCE = "schedules.performance"
BEST_RATES = "schedules.best_rates"

# ---- right


def power_loop(step, init_value, decay_steps, power):
    rates = []
    for t in step:
        rates.append(init_value * (decay_steps / (decay_steps + int(t))) ** power)
    return rates


def power_by_logarithm(step, init_value, decay_steps, power):
    return np.exp(np.log(init_value) - power * np.log1p(step / decay_steps))


def exponential_by_gamma(step, init_value, decay_steps, decay_rate):
    gamma = np.exp(np.log(decay_rate) / decay_steps)
    smooth = init_value * np.power(gamma, step.astype(float))
    stairs = [init_value * decay_rate ** int(t / decay_steps) for t in step]
    return [smooth, stairs, gamma]


def exponential_step_by_step(step, init_value, decay_steps, decay_rate):
    gamma = decay_rate ** (1.0 / decay_steps)
    smooth, stairs, falls = [init_value], [init_value], 0
    for t in range(1, max(step) + 1):
        smooth.append(smooth[-1] * gamma)
        falls += t >= (falls + 1) * decay_steps
        stairs.append(init_value * decay_rate**falls)
    return np.array(smooth)[step], np.array(stairs)[step], gamma


def performance_class(losses, init_value, factor, patience, min_delta, min_value):
    class Schedule:
        def __init__(self):
            self.rate, self.best, self.bad = init_value, float("inf"), 0

        def update(self, loss):
            if self.best - loss > min_delta:
                self.best, self.bad = loss, 0
                return self.rate
            self.bad += 1
            if self.bad == patience + 1:
                self.rate, self.bad = max(self.rate * factor, min_value), 0
            return self.rate

    schedule = Schedule()
    return [schedule.update(float(loss)) for loss in losses]


def performance_arrays(losses, init_value, factor, patience, min_delta, min_value):
    rates = np.full(len(losses), float(init_value))
    best, start = np.inf, -1
    for k in range(len(losses)):
        if np.isfinite(losses[k]) and losses[k] + min_delta < best:
            best, start = losses[k], k
        elif k - start > patience:
            rates[k:] = np.maximum(rates[k] * factor, min_value)
            start = k
    return rates


def best_rates_inverse(curvature, noise, error, steps):
    h, s2 = curvature, noise
    rates = np.zeros(steps)
    for t in range(steps):
        error = 1 / (1 / error + h**2 / s2)
        rates[t] = h * error / s2
    return rates


def best_rates_power(curvature, noise, error, steps):
    first = 1 / (curvature + noise / (curvature * error))
    return [first / (1 + t * curvature * first) for t in range(steps)]


def power_vectorized(step, init_value, decay_steps, power):
    return np.vectorize(lambda t: init_value * math.pow(1 + t / decay_steps, -power))(step)


def power_on_a_copy(step, init_value, decay_steps, power):
    rates = step.astype(np.float64)
    rates += decay_steps
    rates /= decay_steps
    np.power(rates, -power, out=rates)
    rates *= init_value
    return rates


@njit
def power_compiled(step, init_value, decay_steps, power):
    rates = np.empty(step.size)
    for k in range(step.size):
        rates[k] = init_value / (1.0 + step[k] / decay_steps) ** power
    return rates


def exponential_outer(step, init_value, decay_steps, decay_rate):
    t = step / decay_steps
    both = init_value * np.exp(np.log(decay_rate) * np.array([t, t // 1]))
    return both[0], both[1], np.array(decay_rate ** (1 / decay_steps))


def exponential_generators(step, init_value, decay_steps, decay_rate):
    whole = (math.floor(t / decay_steps) for t in step)
    stairs = tuple(init_value * decay_rate**k for k in whole)
    smooth = tuple(init_value * decay_rate ** (t / decay_steps) for t in step)
    return smooth, stairs, math.exp(math.log(decay_rate) / decay_steps)


def performance_recursive(losses, init_value, factor, patience, min_delta, min_value):
    def go(rest, rate, best, bad):
        if not rest:
            return []
        better = rest[0] < best - min_delta
        best, bad = (rest[0], 0) if better else (best, bad + 1)
        if bad > patience:
            rate, bad = max(rate * factor, min_value), 0
        return [rate, *go(rest[1:], rate, best, bad)]

    return go([float(loss) for loss in losses], init_value, math.inf, 0)


def performance_closure(losses, init_value, factor, patience, min_delta, min_value):
    best, left, rate = None, patience, init_value

    def update(loss):
        nonlocal best, left, rate
        if np.isfinite(loss) and (best is None or loss + min_delta < best):
            best, left = loss, patience
        elif left == 0:
            rate, left = max(min_value, factor * rate), patience
        else:
            left -= 1
        return rate

    return np.fromiter(map(update, losses), float, count=len(losses))


def best_rates_by_the_slope(curvature, noise, error, steps):
    # The minimum of a parabola in the rate, from three of its points.
    rates = np.empty(steps)
    for t in range(steps):
        left, middle, right = (
            (1 - r * curvature) ** 2 * error + r**2 * noise for r in (-1.0, 0.0, 1.0)
        )
        rates[t] = (left - right) / (2 * (left + right - 2 * middle))
        error -= (left - right) ** 2 / (8 * (left + right - 2 * middle))
    return rates


def best_rates_recursive(curvature, noise, error, steps):
    if steps == 0:
        return []
    rate = 1 / (curvature + noise / (curvature * error))
    return [
        rate,
        *best_rates_recursive(curvature, noise, error * (1 - rate * curvature), steps - 1),
    ]


def best_rates_harmonic(curvature, noise, error, steps):
    return 1 / (noise / (curvature * error) + curvature * np.arange(1, steps + 1))


OTHER_FORMS = [
    (POWER, power_loop),
    (POWER, power_by_logarithm),
    (EXPONENTIAL, exponential_by_gamma),
    (EXPONENTIAL, exponential_step_by_step),
    (PERFORMANCE, performance_class),
    (PERFORMANCE, performance_arrays),
    (BEST_RATES, best_rates_inverse),
    (BEST_RATES, best_rates_power),
    (POWER, power_vectorized),
    (POWER, power_on_a_copy),
    (POWER, power_compiled),
    (EXPONENTIAL, exponential_outer),
    (EXPONENTIAL, exponential_generators),
    (PERFORMANCE, performance_recursive),
    (PERFORMANCE, performance_closure),
    (BEST_RATES, best_rates_by_the_slope),
    (BEST_RATES, best_rates_recursive),
    (BEST_RATES, best_rates_harmonic),
]


# ---- wrong, as students write it and not as the checker does


def s_power_polynomial(step, init_value, decay_steps, power):
    t = np.minimum(step, decay_steps)
    return init_value * (1 - t / decay_steps) ** power


def s_power_column(step, init_value, decay_steps, power):
    return init_value / (1 + step.reshape(-1, 1) / decay_steps) ** power


def s_exponential_late(step, init_value, decay_steps, decay_rate):
    u = step / decay_steps
    k = np.array([len([b for b in range(1, 99) if b * decay_steps < t]) for t in step])
    return init_value * decay_rate**u, init_value * decay_rate**k, decay_rate ** (1 / decay_steps)


def s_performance_previous(losses, init_value, factor, patience, min_delta, min_value):
    lr, previous, wait, out = init_value, np.inf, 0, []
    for loss in losses:
        if loss < previous - min_delta:
            wait = 0
        else:
            wait += 1
        previous = loss
        if wait > patience:
            lr, wait = max(lr * factor, min_value), 0
        out.append(lr)
    return np.array(out)


def s_performance_passes_over_nan(losses, init_value, factor, patience, min_delta, min_value):
    lr, best, wait, out = init_value, np.inf, 0, []
    for loss in losses:
        if np.isfinite(loss):
            if loss < best - min_delta:
                best, wait = loss, 0
            else:
                wait += 1
        if wait > patience:
            lr, wait = max(lr * factor, min_value), 0
        out.append(lr)
    return np.array(out)


def s_performance_cleans_in_place(losses, init_value, factor, patience, min_delta, min_value):
    losses[np.isnan(losses)] = np.inf
    lr, best, wait, out = init_value, np.inf, 0, []
    for loss in losses:
        if loss < best - min_delta:
            best, wait = loss, 0
        else:
            wait += 1
            if wait > patience:
                lr, wait = max(lr * factor, min_value), 0
        out.append(lr)
    return np.array(out)


def s_best_row(curvature, noise, error, steps):
    rates = np.zeros((steps, 1))
    for t in range(steps):
        rates[t] = curvature * error / (curvature**2 * error + noise)
        error = noise * error / (curvature**2 * error + noise)
    return rates


# (exercise, function, the misconception that the report names, the points that the weights give)
ONE_AXIS = "an axis of length one"

STUDENTS = [
    (POWER, s_power_polynomial, "a power of the time that is left", 0.25),
    (POWER, s_power_column, ONE_AXIS, 1.25),
    (EXPONENTIAL, s_exponential_late, "stairs that fall one step late", 1.75),
    (PERFORMANCE, s_performance_previous, "a comparison with the loss before", 0.25),
    (
        PERFORMANCE,
        s_performance_passes_over_nan,
        "a loss of nan or infinity that does not count",
        2.75,
    ),
    (PERFORMANCE, s_performance_cleans_in_place, "", 2.75),
    (BEST_RATES, s_best_row, ONE_AXIS, 2.25),
]
