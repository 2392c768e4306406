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
# # Exercise: Optimizers
#
# You write one step of six optimizers: momentum, Nesterov's accelerated gradient, RProp, AdaGrad,
# RMSProp and Adam. Each of them remembers something from step to step, and most of what goes wrong
# has to do with that memory. The chapter *Optimizers* of the book derives the formulas; its
# equation labels, such as `opt-adam-step`, appear in the reports below.
#
# POINTS
#
# Write plain NumPy. Each function gets the weights, what the optimizer remembers, and the gradient
# of the loss at the weights; it returns the weights after the step and what to remember for the
# next one, as new arrays. `check(...)` runs several steps: it hands what your function returned to
# its next call, with another gradient. In the reports, `w_after[2]` is what `w` was after two
# steps, and `w_after[0]` is where it began. Steps are judged by what *your* function remembers,
# too: if the memory is wrong and the step that follows from it is right, the step earns its points.
# Your submission is graded by the same criteria on other numbers. Expect about 100 minutes.

# %%
import numpy as np

# No module named "gradlab"? The page "Getting started" of the book says how to install it.
from gradlab.checks import check

# %% [markdown]
# ## 1 Momentum
#
# The gradient $g_t$ changes the velocity, and the velocity moves the weights. Of the velocity
# before, the share $\beta$ remains:
#
# $$\Delta w_t = \beta \, \Delta w_{t-1} - \eta \, g_t, \qquad w_{t+1} = w_t + \Delta w_t .$$
#
# This is the form of the decks and of Keras, in which the velocity holds the learning rate $\eta$.
# (PyTorch leaves the rate out of the velocity.) The check changes $\eta$ on the way, too.


# %% nbgrader={"grade": false, "grade_id": "momentum", "locked": false, "schema_version": 3, "solution": true, "task": false}
def momentum_step(w, velocity, gradient, learning_rate, momentum):
    """One step of gradient descent with momentum.

    w, velocity, gradient: arrays of one shape; velocity is 0 before the first step
    learning_rate: positive float
    momentum: float from 0 to below 1, the share of the velocity that remains

    Returns the tuple (w, velocity): weights and velocity after the step, of the same shape.
    """
    ### BEGIN SOLUTION
    step = learning_rate * gradient
    new = momentum * velocity - step
    # The weights move by the new velocity, which holds this step's gradient already.
    w = w + new
    return w, new
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check-momentum", "locked": true, "schema_version": 3, "solution": false, "task": false}
from gradlab.checks import check

check("optimizers.momentum", momentum_step)

# %% [markdown]
# ## 2 The best pair
#
# On a bowl whose curvatures lie between $h_{\min}$ and $h_{\max}$, momentum shrinks the distance to
# the minimum by the factor $\sqrt\beta$ a step, in the long run and in every direction, if
#
# $$(1 - \sqrt\beta)^2 \le \eta h \le (1 + \sqrt\beta)^2$$
#
# holds for every curvature $h$ of the bowl. Find the smallest $\beta$ for which there is such a
# learning rate $\eta$, and that $\eta$: on paper, with $\kappa = h_{\max} / h_{\min}$.


# %% nbgrader={"grade": false, "grade_id": "best-pair", "locked": false, "schema_version": 3, "solution": true, "task": false}
def best_pair(h_min, h_max):
    """The learning rate and the momentum that are best on a bowl.

    h_min, h_max: floats, the smallest and the largest curvature; positive, and equal if it is round

    Returns the tuple (learning_rate, momentum) of floats.
    """
    ### BEGIN SOLUTION
    # The smallest curvature at the lower end and the largest at the upper one:
    #     sqrt(h_max / h_min) = (1 + sqrt(beta)) / (1 - sqrt(beta)).
    root = np.sqrt(h_max / h_min)
    momentum = ((root - 1) / (root + 1)) ** 2
    # 1 + sqrt(beta) = 2 root / (root + 1).
    learning_rate = (2 * root / (root + 1)) ** 2 / h_max
    return learning_rate, momentum
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check-best-pair", "locked": true, "schema_version": 3, "solution": false, "task": false}
from gradlab.checks import check

check("optimizers.best_pair", best_pair)

# %% [markdown]
# ## 3 Nesterov's accelerated gradient
#
# Nesterov keeps a point $W$, looks ahead along the velocity, and takes the gradient there:
#
# $$\Delta W_t = \beta \, \Delta W_{t-1} - \eta \, \nabla L(W_{t-1} + \beta \, \Delta W_{t-1}),
#   \qquad W_t = W_{t-1} + \Delta W_t .$$
#
# A training loop can take gradients only at the weights that the network holds. So the network
# holds the extended point
#
# $$w_t = W_{t-1} + \beta \, \Delta W_{t-1} , \qquad \text{and} \qquad g_t = \nabla L(w_t) .$$
#
# Find the next extended point $w_{t+1} = W_t + \beta \, \Delta W_t$ from $w_t$, $\Delta W_t$ and
# $g_t$ alone, on paper first: $W$ must not appear. Then write the step. `velocity` is $\Delta W$,
# and `w` is the extended point, before the step and after it.


# %% nbgrader={"grade": false, "grade_id": "nesterov", "locked": false, "schema_version": 3, "solution": true, "task": false}
def nesterov_step(w, velocity, gradient, learning_rate, momentum):
    """One step of Nesterov's accelerated gradient, in terms of the extended point.

    w, velocity, gradient: arrays of one shape; velocity is 0 before the first step, and
        gradient was taken at w
    learning_rate: positive float
    momentum: float from 0 to below 1

    Returns the tuple (w, velocity): extended point and velocity after the step, of the same shape.
    """
    ### BEGIN SOLUTION
    # The velocity changes as in part 1, because the gradient is the one at the extended point.
    step = learning_rate * gradient
    new = momentum * velocity - step
    # W_t = W_{t-1} + v_t, and W_{t-1} = w_t - beta v_{t-1}. So the next extended point is
    #     w_{t+1} = w_t - beta v_{t-1} + v_t + beta v_t,
    # in which v_t - beta v_{t-1} is minus the learning rate times the gradient.
    w = w + momentum * new - step
    return w, new
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check-nesterov", "locked": true, "schema_version": 3, "solution": false, "task": false}
from gradlab.checks import check

check("optimizers.nesterov", nesterov_step)

# %% [markdown]
# ## 4 RProp
#
# RProp uses nothing of the gradient but its sign. Every weight has a step length $d$ of its own,
# which grows while the sign stays, and shrinks when it changes, because the weight has then jumped
# over a minimum:
#
# $$d_t = \begin{cases}
#   \eta^+ \, d_{t-1} & \text{if } g_t \text{ and } g_{t-1} \text{ have the same sign} \\
#   \eta^- \, d_{t-1} & \text{if they have different signs} \\
#   d_{t-1} & \text{if one of them is 0}
# \end{cases}$$
#
# and is kept within $[d_{\min}, d_{\max}]$. After a change of sign $g_t$ is set to 0: the weight
# rests for one step, and the next gradient counts as a first one. Then
#
# $$w_{t+1} = w_t - d_t \, \operatorname{sign}(g_t) .$$


# %% nbgrader={"grade": false, "grade_id": "rprop", "locked": false, "schema_version": 3, "solution": true, "task": false}
def rprop_step(w, size, previous, gradient, increase, decrease, min_step, max_step):
    """One step of RProp.

    w, size, previous, gradient: arrays of one shape; size is d, and previous holds the gradient
        before this one, with 0 where it was set to 0 and in the first step
    increase, decrease: floats, eta+ and eta-
    min_step, max_step: floats, the bounds of the step lengths

    Returns the tuple (w, size, previous) after the step, of the same shape: what is returned as
    previous is this step's gradient, 0 where it was set to 0.
    """
    ### BEGIN SOLUTION
    # The product of the signs, for that of tiny gradients may be rounded to 0.
    agree = np.sign(gradient) * np.sign(previous)
    factor = np.where(agree > 0, increase, np.where(agree < 0, decrease, 1.0))
    new = np.clip(factor * size, min_step, max_step)
    kept = np.where(agree < 0, 0.0, gradient)
    w = w - new * np.sign(kept)
    return w, new, kept
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check-rprop", "locked": true, "schema_version": 3, "solution": false, "task": false}
from gradlab.checks import check

check("optimizers.rprop", rprop_step)

# %% [markdown]
# ## 5 AdaGrad
#
# Every weight gets a step size of its own, from the sum of the squares of all its gradients so far:
#
# $$s_t = s_{t-1} + g_t^2, \qquad w_{t+1} = w_t - \frac{\eta}{\sqrt{s_t} + \epsilon} \, g_t .$$
#
# Here $\epsilon$ stands outside the root, as in the paper and in PyTorch.


# %% nbgrader={"grade": false, "grade_id": "adagrad", "locked": false, "schema_version": 3, "solution": true, "task": false}
def adagrad_step(w, total, gradient, learning_rate, eps):
    """One step of AdaGrad.

    w, total, gradient: arrays of one shape; total is s, and 0 before the first step
    learning_rate, eps: positive floats

    Returns the tuple (w, total): weights and sum of squares after the step, of the same shape.
    """
    ### BEGIN SOLUTION
    new = total + gradient**2
    divisor = np.sqrt(new) + eps
    w = w - learning_rate * gradient / divisor
    return w, new
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check-adagrad", "locked": true, "schema_version": 3, "solution": false, "task": false}
from gradlab.checks import check

check("optimizers.adagrad", adagrad_step)

# %% [markdown]
# ## 6 RMSProp
#
# AdaGrad never forgets. RMSProp keeps a running mean of the squares instead, in which the past has
# the weight $\rho$:
#
# $$v_t = \rho \, v_{t-1} + (1 - \rho) \, g_t^2, \qquad
#   w_{t+1} = w_t - \frac{\eta}{\sqrt{v_t + \epsilon}} \, g_t .$$
#
# Here $\epsilon$ stands inside the root, as in deck C and in Keras.


# %% nbgrader={"grade": false, "grade_id": "rmsprop", "locked": false, "schema_version": 3, "solution": true, "task": false}
def rmsprop_step(w, mean_square, gradient, learning_rate, rho, eps):
    """One step of RMSProp.

    w, mean_square, gradient: arrays of one shape; mean_square is v, and 0 before the first step
    learning_rate, eps: positive floats
    rho: float from 0 to below 1, the weight of the past

    Returns the tuple (w, mean_square): weights and running mean of the squares after the step, of
    the same shape.
    """
    ### BEGIN SOLUTION
    new = rho * mean_square + (1 - rho) * gradient**2
    divisor = np.sqrt(new + eps)
    w = w - learning_rate * gradient / divisor
    return w, new
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check-rmsprop", "locked": true, "schema_version": 3, "solution": false, "task": false}
from gradlab.checks import check

check("optimizers.rmsprop", rmsprop_step)

# %% [markdown]
# ## 7 Adam
#
# Adam keeps a running mean of the gradient and one of its square, both from 0:
#
# $$m_t = \beta_1 \, m_{t-1} + (1 - \beta_1) \, g_t, \qquad
#   v_t = \beta_2 \, v_{t-1} + (1 - \beta_2) \, g_t^2 .$$
#
# The weights that these means give to the gradients so far do not add up to 1. Find out to what
# they add up after step $t = 1, 2, \ldots$, and call the means divided by it $\hat m_t$ and
# $\hat v_t$. Then
#
# $$w_{t+1} = w_t - \eta \, \frac{\hat m_t}{\sqrt{\hat v_t} + \epsilon} .$$
#
# Your function gets the number of steps that were taken *before* this one, which is 0 in the first
# call, and returns the number of steps taken when it ends. What is remembered are $m_t$ and $v_t$
# as they stand above.


# %% nbgrader={"grade": false, "grade_id": "adam", "locked": false, "schema_version": 3, "solution": true, "task": false}
def adam_step(w, m, v, t, gradient, learning_rate, beta1, beta2, eps):
    """One step of Adam.

    w, m, v, gradient: arrays of one shape; m and v are 0 before the first step
    t: int, the number of steps taken before this one
    learning_rate, eps: positive floats
    beta1, beta2: floats from 0 to below 1

    Returns the tuple (w, m, v, t): three arrays of the same shape, and the number of steps taken
    after this one.
    """
    ### BEGIN SOLUTION
    # The first step is step 1, so the count goes up before it is used.
    t = t + 1
    m = beta1 * m + (1 - beta1) * gradient
    v = beta2 * v + (1 - beta2) * gradient**2
    # (1 - beta) (1 + beta + ... + beta^(t-1)) = 1 - beta^t. The corrected means get names of their
    # own: what is returned must stay uncorrected.
    m_hat = m / (1 - beta1**t)
    v_hat = v / (1 - beta2**t)
    divisor = np.sqrt(v_hat) + eps
    w = w - learning_rate * m_hat / divisor
    return w, m, v, t
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check-adam", "locked": true, "schema_version": 3, "solution": false, "task": false}
from gradlab.checks import check

check("optimizers.adam", adam_step)

# %% [markdown]
# ## 8 A question in words
#
# Somebody changes the loss from the sum over a mini-batch of 100 examples to its mean, and nothing
# else, so that all gradients become 100 times smaller. For which of your six optimizers does
# training go on as before, and why? What has to be changed for the others? And in which case would
# even the first ones notice? Answer in four or five sentences.

# %% [markdown] nbgrader={"grade": true, "grade_id": "question-scale", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# RProp, which sees signs alone, and AdaGrad, RMSProp and Adam go on as before. With all gradients
# multiplied by $c$, the root of the sum or mean of their squares is multiplied by $c$ too, and so
# is Adam's mean of the gradients; the factor cancels in the quotient. Momentum and Nesterov's
# method take steps in proportion to the gradient: these become 100 times smaller, and a learning
# rate that is 100 times larger makes up for it. The factor does not cancel in $\epsilon$. The
# adaptive methods notice the change where gradients are no longer large against it: of the size of
# $\epsilon$ where it stands outside the root, and already of the size of $\sqrt\epsilon$ where it
# stands inside, as in part 6.
#
# Marking: 0.5 for RProp and the three adaptive methods with the reason that the factor cancels;
# 0.25 for the learning rate of the other two, times 100; 0.25 for gradients that are not large
# against $\epsilon$, or against its root.
# ### END SOLUTION

# %% [markdown]
# ## 9 For those who like speed
#
# Not graded. NumPy makes a new array for each operation of Adam, about a dozen in a step, and
# carries all of them through memory. Write the step as one loop over the weights under
# `numba.njit`, which changes `w`, `m` and `v` in place; they are one-dimensional here. Compute
# what is the same for all weights before the loop. The last line of the last cell runs the
# comparison, once you take away its `#`.

# %% nbgrader={"grade": false, "grade_id": "numba", "locked": false, "schema_version": 3, "solution": true, "task": false}
import timeit

from numba import njit


@njit
def adam_step_numba(w, m, v, t, gradient, learning_rate, beta1, beta2, eps):
    """Change w, m and v in place, and return the new t."""
    ### BEGIN SOLUTION
    steps = t + 1
    unbias1 = 1 / (1 - beta1**steps)
    unbias2 = 1 / (1 - beta2**steps)
    for i in range(w.size):
        g = gradient[i]
        mi = beta1 * m[i] + (1 - beta1) * g
        vi = beta2 * v[i] + (1 - beta2) * g * g
        m[i] = mi
        v[i] = vi
        w[i] -= learning_rate * mi * unbias1 / (np.sqrt(vi * unbias2) + eps)
    return steps
    ### END SOLUTION


# %%
def speed_up():
    """Time both forms alternately on a million weights and print the ratio of the medians."""
    rng = np.random.default_rng(0)
    w, gradient = rng.normal(size=(2, 1_000_000))
    arguments = w, np.zeros_like(w), np.zeros_like(w), 0, gradient, 1e-3, 0.9, 0.999, 1e-8
    adam_step_numba(*arguments)
    times = {adam_step: [], adam_step_numba: []}
    for _ in range(15):
        for function, record in times.items():
            record.append(timeit.timeit(lambda f=function: f(*arguments), number=3))
    numpy_time, numba_time = (sorted(record)[7] for record in times.values())
    print(f"numba takes {numba_time / numpy_time:.2f} of NumPy's time")


# speed_up()
