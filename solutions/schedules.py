# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Exercise: Learning rate schedules
#
# You write the schedules of the lectures, those that are decided before training and the one that
# waits for the loss to stall, and then find out which sequence of rates is the best that there can
# be, on a bowl whose gradient is seen with noise. The chapter *Learning rate schedules* of the book
# derives every formula; its equation labels, such as `sched-power`, appear in the reports below.
#
# POINTS
#
# Write plain NumPy. After each part, run the cell with `check(...)`: it compares your function with
# the reference on several cases, says what is wrong, and shows the points that you have. Your
# submission is graded by the same criteria on other numbers. Expect about 90 minutes.

# %%
import numpy as np

# No module named "gradlab"? The page "Getting started" of the book says how to install it.
from gradlab.checks import check

# %% [markdown]
# ## 1 Power scheduling
#
# $$\eta_t = \frac{\eta_0}{(1 + t / T)^c}$$
#
# Steps are counted from 0. `step` is an array of steps $t$, `init_value` is $\eta_0$, `decay_steps`
# is $T$, which need not be a whole number, and `power` is $c$.


# %% nbgrader={"grade": false, "grade_id": "power", "locked": false, "schema_version": 3, "solution": true, "task": false}
def power_decay(step, init_value, decay_steps, power):
    """Power scheduling.

    step: integer array (n,), steps from 0 on
    init_value, decay_steps: positive floats
    power: float, not negative

    Returns the rates at these steps, an array (n,).
    """
    ### BEGIN SOLUTION
    return init_value / (1 + step / decay_steps) ** power
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check-power", "locked": true, "schema_version": 3, "solution": false, "task": false}
from gradlab.checks import check

check("schedules.power", power_decay)

# %% [markdown]
# ## 2 Exponential scheduling and its stairs
#
# Exponential scheduling multiplies the rate by the same factor $q$, the `decay_rate`, in every
# stretch of $T$ steps:
#
# $$\eta_t = \eta_0 \, q^{\, t / T}$$
#
# Return these rates, `smooth`, and two things that follow from them. `stairs` is the schedule that
# keeps the rate of `smooth` at a multiple of $T$ until the next multiple; at a multiple itself the new
# rate holds already. `gamma` is the factor between the rates of `smooth` at two neighboring steps: it
# is what PyTorch's `ExponentialLR` wants to know.


# %% nbgrader={"grade": false, "grade_id": "exponential", "locked": false, "schema_version": 3, "solution": true, "task": false}
def exponential_decay(step, init_value, decay_steps, decay_rate):
    """Exponential scheduling, smooth and in stairs.

    step: integer array (n,), steps from 0 on
    init_value, decay_steps: positive floats
    decay_rate: float between 0 and 1, what is left of the rate after decay_steps

    Returns the tuple (smooth, stairs, gamma): two arrays (n,) and a float.
    """
    ### BEGIN SOLUTION
    smooth = init_value * decay_rate ** (step / decay_steps)
    # The exponent counts the stretches that are complete.
    stairs = init_value * decay_rate ** np.floor(step / decay_steps)
    # One step adds 1 / T to the exponent.
    gamma = decay_rate ** (1 / decay_steps)
    return smooth, stairs, gamma
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check-exponential", "locked": true, "schema_version": 3, "solution": false, "task": false}
from gradlab.checks import check

check("schedules.exponential", exponential_decay)

# %% [markdown]
# ## 3 Performance scheduling
#
# This schedule watches the run. After every epoch it gets a loss, in an *update*, and reduces the rate
# once the loss has stopped falling:
#
# $$\eta \leftarrow \max(q \, \eta, \; \eta_{\min})$$
#
# The rules, in PyTorch's convention:
#
# - A loss is an improvement if it is lower than the best loss so far by *more* than `min_delta`; an
#   improvement becomes the best loss. Before the first update the best loss is infinite.
# - Any other update is bad, that with a loss of `nan` or infinity included.
# - `patience` bad updates in a row are borne, and the next one reduces the rate. Then the count starts
#   anew; the best loss stays.
#
# The losses of the whole run are given here, so that you can return all rates at once.


# %% nbgrader={"grade": false, "grade_id": "performance", "locked": false, "schema_version": 3, "solution": true, "task": false}
def performance_schedule(losses, init_value, factor, patience, min_delta, min_value):
    """Rates of a schedule that waits for the loss to stall.

    losses: array (updates,); some may be nan or infinite
    init_value: positive float, the rate before the first reduction
    factor: float between 0 and 1, which multiplies the rate
    patience: int, at least 0; so many bad updates in a row are borne
    min_delta: float, at least 0, in the unit of the losses
    min_value: float, at least 0 and at most init_value; the rate does not fall below it

    Returns the rates, an array (updates,): entry k is the rate after the update with losses[k].
    """
    ### BEGIN SOLUTION
    rate, best, bad = init_value, np.inf, 0
    rates = []
    for loss in losses:
        # Asked this way round, because a comparison with nan is False: nan never improves.
        if loss < best - min_delta:
            best, bad = loss, 0
        else:
            bad += 1
        if bad > patience:
            rate, bad = max(factor * rate, min_value), 0
        rates.append(rate)
    return np.array(rates)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check-performance", "locked": true, "schema_version": 3, "solution": false, "task": false}
from gradlab.checks import check

check("schedules.performance", performance_schedule)

# %% [markdown]
# ## 4 The best rates for a noisy bowl
#
# One weight, a bowl $\frac12 h w^2$ with the curvature $h$, and a gradient that is seen with noise:
# $g_t = h w_t + \xi_t$, where the $\xi_t$ are independent with mean 0 and variance $s^2$. Let $e_t$ be
# the expectation of $w_t^2$. A step $w_{t+1} = w_t - \eta_t g_t$ turns it into
#
# $$e_{t+1} = (1 - \eta_t h)^2 \, e_t + \eta_t^2 s^2 .$$
#
# The first term is what the step gains, the second what the noise costs. Find the rate $\eta_t$ that
# makes $e_{t+1}$ as small as possible, and from $e_0$ on return the best rates of the first `steps`
# steps. (Since $e_{t+1}$ grows with $e_t$, the best step at each time makes the best sequence.)


# %% nbgrader={"grade": false, "grade_id": "best-rates", "locked": false, "schema_version": 3, "solution": true, "task": false}
def best_rates(curvature, noise, error, steps):
    """The sequence of rates that brings a weight closest to the minimum of a noisy bowl.

    curvature: positive float, h
    noise: positive float, the variance s**2 of the noise
    error: positive float, the expectation e_0 of the squared weight at the start
    steps: int, at least 1

    Returns the rates, an array (steps,).
    """
    ### BEGIN SOLUTION
    rates = []
    for _ in range(steps):
        # The derivative -2 h (1 - rate h) e + 2 rate s**2 is 0 at h e / (h**2 e + s**2).
        rate = curvature * error / (curvature**2 * error + noise)
        rates.append(rate)
        error = (1 - rate * curvature) ** 2 * error + rate**2 * noise
    return np.array(rates)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check-best-rates", "locked": true, "schema_version": 3, "solution": false, "task": false}
from gradlab.checks import check

check("schedules.best_rates", best_rates)

# %% [markdown]
# Now the experiment: the error that is left after 2000 steps with the best rates, with the best
# constant among some, with exponential scheduling at several speeds, and with power scheduling of
# which you choose $T$. With which $T$ does power scheduling with $c = 1$ give the best rates exactly?
# Try it. The last line runs the experiment, once you take away its `#`.


# %%
def compare_schedules(power_steps=100.0):
    """Print the expected squared weight after 2000 steps under several schedules."""
    h, s2, e0, steps = 1.0, 9.0, 1.0, np.arange(2000)
    best = best_rates(h, s2, e0, 2000)
    schedules = {
        "best": best,
        f"power, T = {power_steps:g}": power_decay(steps, best[0], power_steps, 1.0),
    }
    for constant in (0.1, 0.01, 0.001):
        schedules[f"constant {constant:g}"] = np.full(2000, constant)
    for length in (20, 200, 2000):
        schedules[f"exponential, T = {length}"] = exponential_decay(steps, best[0], length, 0.1)[0]
    for name, rates in schedules.items():
        e = e0
        for eta in rates:
            e = (1 - eta * h) ** 2 * e + eta**2 * s2
        print(f"{name:22s} {e:.5f}")


# compare_schedules()

# %% [markdown]
# ## 5 A question in words
#
# A run without noise starts at the distance 6 from the minimum. Its gradients are never
# longer than 1. The rate follows exponential scheduling with $\eta_0 = 0.2$, $q = 0.1$ and $T = 50$ steps. After
# 300 steps the loss does not change any more, and somebody says that the run has converged. Is that
# so? Compute how far the weights can have come at most, and say which $T$ would be long enough for the
# whole distance at least. Then say why power scheduling with $c = 1$ cannot get stuck in this way, and
# whether $c = 2$ can.

# %% [markdown] nbgrader={"grade": true, "grade_id": "question-sum", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# It has run out of rate. A step covers at most its rate times 1, so all steps together cover no more
# than the sum of the rates, which is geometric: $0.2 / (1 - 0.1^{1/50}) \approx 4.44$, less than 6.
# After 300 steps the rate is a millionth of the first, and the loss stands still wherever the weights
# are; the gradient need not be small. The sum reaches 6 if $1 - 0.1^{1/T} \le 1/30$, or
# $T \ge \ln 10 / \ln (30/29) \approx 67.9$: 68 steps at least, and more in practice, since the
# gradients get shorter on the way. With $c = 1$ the rates fall like $T / t$, whose sum diverges like
# a logarithm: every distance is covered in the end. With $c = 2$ the sum is finite, and the run can
# get stuck too.
#
# Marking: 0.25 for a way that is at most the sum of the rates; 0.25 for 4.44 and the answer that it
# has not converged; 0.25 for a $T$ of 68, or the condition for it; 0.25 for the sums of both powers.
# ### END SOLUTION
