"""What students hand in for the exercise ``schedules``: right in other forms, and wrong.

Each function stands by itself, so that its source can be put into a notebook.
"""

import numpy as np

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


OTHER_FORMS = [
    (POWER, power_loop),
    (POWER, power_by_logarithm),
    (EXPONENTIAL, exponential_by_gamma),
    (EXPONENTIAL, exponential_step_by_step),
    (PERFORMANCE, performance_class),
    (PERFORMANCE, performance_arrays),
    (BEST_RATES, best_rates_inverse),
    (BEST_RATES, best_rates_power),
]


# ---- wrong, as students write it and not as the checker does


def s_power_no_one(step, init_value, decay_steps, power):
    return init_value / (step / decay_steps) ** power


def s_power_inside(step, init_value, decay_steps, power):
    return init_value / (1 + np.power(step / decay_steps, power))


def s_power_linear(step, init_value, decay_steps, power):
    return init_value * decay_steps / (decay_steps + step)


def s_power_polynomial(step, init_value, decay_steps, power):
    t = np.minimum(step, decay_steps)
    return init_value * (1 - t / decay_steps) ** power


def s_power_stairs(step, init_value, decay_steps, power):
    return np.array([init_value / (1 + t // decay_steps) ** power for t in step])


def s_power_from_one(step, init_value, decay_steps, power):
    return init_value * (1 + (1 + step) / decay_steps) ** (-power)


def s_power_column(step, init_value, decay_steps, power):
    return init_value / (1 + step.reshape(-1, 1) / decay_steps) ** power


def s_exponential_per_step(step, init_value, decay_steps, decay_rate):
    gamma = decay_rate ** (1 / decay_steps)
    stairs = init_value * decay_rate ** (step // decay_steps)
    return init_value * decay_rate**step, stairs, gamma


def s_exponential_lost(step, init_value, decay_steps, decay_rate):
    left = 1 - decay_rate
    smooth = init_value * left ** (step / decay_steps)
    return smooth, init_value * left ** (step // decay_steps), left ** (1 / decay_steps)


def s_exponential_euler(step, init_value, decay_steps, decay_rate):
    stairs = init_value * decay_rate ** (step // decay_steps)
    return init_value * np.exp(-step / decay_steps), stairs, decay_rate ** (1 / decay_steps)


def s_exponential_round(step, init_value, decay_steps, decay_rate):
    u = step / decay_steps
    stairs = init_value * decay_rate ** np.rint(u)
    return init_value * decay_rate**u, stairs, decay_rate ** (1 / decay_steps)


def s_exponential_late(step, init_value, decay_steps, decay_rate):
    u = step / decay_steps
    k = np.array([len([b for b in range(1, 99) if b * decay_steps < t]) for t in step])
    return init_value * decay_rate**u, init_value * decay_rate**k, decay_rate ** (1 / decay_steps)


def s_exponential_deck(step, init_value, decay_steps, decay_rate):
    u = step / decay_steps
    return init_value * decay_rate**u, init_value * decay_rate ** np.floor(u), decay_rate


def s_exponential_even(step, init_value, decay_steps, decay_rate):
    u = step / decay_steps
    gamma = 1 - (1 - decay_rate) / decay_steps
    return init_value * decay_rate**u, init_value * decay_rate ** np.floor(u), gamma


def s_exponential_exchanged(step, init_value, decay_steps, decay_rate):
    u = step / decay_steps
    gamma = decay_rate ** (1 / decay_steps)
    return init_value * decay_rate ** np.floor(u), init_value * decay_rate**u, gamma


def s_performance_keras(losses, init_value, factor, patience, min_delta, min_value):
    lr, best, wait, out = init_value, np.inf, 0, []
    for loss in losses:
        if loss < best - min_delta:
            best, wait = loss, 0
        else:
            wait += 1
            if wait >= patience:
                lr, wait = max(lr * factor, min_value), 0
        out.append(lr)
    return np.array(out)


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


def s_performance_not_in_a_row(losses, init_value, factor, patience, min_delta, min_value):
    lr, best, wait, out = init_value, np.inf, 0, []
    for loss in losses:
        if loss < best - min_delta:
            best = loss
        else:
            wait += 1
            if wait > patience:
                lr, wait = max(lr * factor, min_value), 0
        out.append(lr)
    return np.array(out)


def s_performance_goes_on(losses, init_value, factor, patience, min_delta, min_value):
    lr, best, wait, out = init_value, np.inf, 0, []
    for loss in losses:
        if loss < best - min_delta:
            best, wait = loss, 0
        else:
            wait += 1
            if wait > patience:
                lr = max(lr * factor, min_value)
        out.append(lr)
    return np.array(out)


def s_performance_equal(losses, init_value, factor, patience, min_delta, min_value):
    lr, best, wait, out = init_value, np.inf, 0, []
    for loss in losses:
        if loss <= best - min_delta:
            best, wait = loss, 0
        else:
            wait += 1
            if wait > patience:
                lr, wait = max(lr * factor, min_value), 0
        out.append(lr)
    return np.array(out)


def s_performance_no_delta(losses, init_value, factor, patience, min_delta, min_value):
    lr, best, wait, out = init_value, np.inf, 0, []
    for loss in losses:
        if loss < best:
            best, wait = loss, 0
        else:
            wait += 1
            if wait > patience:
                lr, wait = max(lr * factor, min_value), 0
        out.append(lr)
    return np.array(out)


def s_performance_slides(losses, init_value, factor, patience, min_delta, min_value):
    lr, best, wait, out = init_value, np.inf, 0, []
    for loss in losses:
        if loss < best - min_delta:
            wait = 0
        else:
            wait += 1
            if wait > patience:
                lr, wait = max(lr * factor, min_value), 0
        if loss < best:
            best = loss
        out.append(lr)
    return np.array(out)


def s_performance_nan(losses, init_value, factor, patience, min_delta, min_value):
    lr, best, wait, out = init_value, np.inf, 0, []
    for loss in losses:
        if loss >= best - min_delta:
            wait += 1
            if wait > patience:
                lr, wait = max(lr * factor, min_value), 0
        else:
            best, wait = loss, 0
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


def s_performance_no_floor(losses, init_value, factor, patience, min_delta, min_value):
    lr, best, wait, out = init_value, np.inf, 0, []
    for loss in losses:
        if loss < best - min_delta:
            best, wait = loss, 0
        else:
            wait += 1
            if wait > patience:
                lr, wait = lr * factor, 0
        out.append(lr)
    return np.array(out)


def s_performance_above_floor(losses, init_value, factor, patience, min_delta, min_value):
    lr, best, wait, out = init_value, np.inf, 0, []
    for loss in losses:
        if loss < best - min_delta:
            best, wait = loss, 0
        else:
            wait += 1
            if wait > patience:
                wait = 0
                if lr * factor >= min_value:
                    lr *= factor
        out.append(lr)
    return np.array(out)


def s_performance_noted_early(losses, init_value, factor, patience, min_delta, min_value):
    lr, best, wait, out = init_value, np.inf, 0, []
    for loss in losses:
        out.append(lr)
        if loss < best - min_delta:
            best, wait = loss, 0
        else:
            wait += 1
            if wait > patience:
                lr, wait = max(lr * factor, min_value), 0
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


def s_best_noiseless(curvature, noise, error, steps):
    return np.ones(steps) / curvature


def s_best_constant(curvature, noise, error, steps):
    return np.full(steps, curvature * error / (curvature**2 * error + noise))


def s_best_no_noise_in_error(curvature, noise, error, steps):
    rates = []
    for _ in range(steps):
        eta = curvature * error / (curvature**2 * error + noise)
        rates.append(eta)
        error *= (1 - eta * curvature) ** 2
    return np.array(rates)


def s_best_noise_squared(curvature, noise, error, steps):
    rates = []
    for _ in range(steps):
        eta = curvature * error / (curvature**2 * error + noise**2)
        rates.append(eta)
        error = (1 - eta * curvature) ** 2 * error + (eta * noise) ** 2
    return np.array(rates)


def s_best_curvature(curvature, noise, error, steps):
    rates = []
    for _ in range(steps):
        eta = curvature * error / (curvature * error + noise)
        rates.append(eta)
        error = (1 - eta * curvature) ** 2 * error + eta**2 * noise
    return np.array(rates)


def s_best_not_squared(curvature, noise, error, steps):
    rates = []
    for _ in range(steps):
        eta = curvature * error / (curvature**2 * error + noise)
        rates.append(eta)
        error = (1 - eta * curvature) * error + eta**2 * noise
    return np.array(rates)


def s_best_row(curvature, noise, error, steps):
    rates = np.zeros((steps, 1))
    for t in range(steps):
        rates[t] = curvature * error / (curvature**2 * error + noise)
        error = noise * error / (curvature**2 * error + noise)
    return rates


# (exercise, function, the misconception that the report names, the points that the weights give)
ONE_AXIS = "an axis of length one"

STUDENTS = [
    (POWER, s_power_no_one, "a denominator without its 1", 0.25),
    (POWER, s_power_inside, "a power of t / T alone", 0.25),
    (POWER, s_power_linear, "a schedule without its power", 0.25),
    (POWER, s_power_polynomial, "a power of the time that is left", 0.25),
    (POWER, s_power_stairs, "stairs", 0.25),
    (POWER, s_power_from_one, "steps counted from 1", 0.25),
    (POWER, s_power_column, ONE_AXIS, 1.25),
    (
        EXPONENTIAL,
        s_exponential_per_step,
        "a decay rate that is applied at every step",
        1.25,
    ),
    (EXPONENTIAL, s_exponential_lost, "a decay rate that says what is lost", 0.25),
    (EXPONENTIAL, s_exponential_euler, "a decay with the base e", 1.25),
    (
        EXPONENTIAL,
        s_exponential_round,
        "stairs that are rounded to the nearest number",
        1.25,
    ),
    (EXPONENTIAL, s_exponential_late, "stairs that fall one step late", 1.75),
    (
        EXPONENTIAL,
        s_exponential_deck,
        "the factor of a whole stretch for that of one step",
        1.75,
    ),
    (
        EXPONENTIAL,
        s_exponential_even,
        "the loss of a stretch spread evenly over its steps",
        1.75,
    ),
    (EXPONENTIAL, s_exponential_exchanged, "smooth and stairs exchanged", 0.75),
    (PERFORMANCE, s_performance_keras, "the patience of Keras and optax", 0.25),
    (PERFORMANCE, s_performance_previous, "a comparison with the loss before", 0.25),
    (PERFORMANCE, s_performance_not_in_a_row, "bad updates that are not in a row", 0.75),
    (PERFORMANCE, s_performance_goes_on, "a count that goes on after a reduction", 0.25),
    (PERFORMANCE, s_performance_equal, "an equal loss taken for an improvement", 1.25),
    (PERFORMANCE, s_performance_no_delta, "min_delta left out", 2.5),
    (PERFORMANCE, s_performance_slides, "a best loss that slides along", 2.5),
    (PERFORMANCE, s_performance_nan, "nan taken for an improvement", 2.75),
    (
        PERFORMANCE,
        s_performance_passes_over_nan,
        "a loss of nan or infinity that does not count",
        2.75,
    ),
    (PERFORMANCE, s_performance_no_floor, "min_value left out", 2.75),
    (PERFORMANCE, s_performance_above_floor, "a rate that stops above min_value", 2.75),
    (PERFORMANCE, s_performance_noted_early, "rates that are noted before the update", 0.25),
    (PERFORMANCE, s_performance_cleans_in_place, "", 2.75),
    (BEST_RATES, s_best_noiseless, "rates that ignore the noise", 0.25),
    (BEST_RATES, s_best_constant, "an error that never changes", 1.0),
    (
        BEST_RATES,
        s_best_no_noise_in_error,
        "an error to which the noise adds nothing",
        1.0,
    ),
    (BEST_RATES, s_best_noise_squared, "the variance taken for a standard deviation", 0.25),
    (BEST_RATES, s_best_curvature, "a curvature that lost its square", 0.25),
    (
        BEST_RATES,
        s_best_not_squared,
        "the error multiplied by 1 - rate * h instead of its square",
        1.0,
    ),
    (BEST_RATES, s_best_row, ONE_AXIS, 2.25),
]
