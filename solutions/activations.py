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
# # Exercise: Activations
#
# You write the common activation functions with their slopes: the two that saturate, the ones with
# a corner or a bend at 0, two that are smooth everywhere, and softmax. In between you count the units that are never on, and you
# find the constants that make an ELU keep mean and variance. The chapter *Activations* of the book
# derives every formula; its equation labels, such as `act-sigmoid`, appear in the reports below.
#
# POINTS
#
# Write plain NumPy. After each part, run the cell with `check(...)`: it compares your function with
# the reference on several arrays, says what is wrong, and shows the points that you have. Your
# submission is graded by the same criteria on other numbers. Expect about 100 minutes.
#
# Throughout, $z$ is the net input, and `dout` the gradient of the loss with respect to the output
# of the function; a backward pass multiplies it by the slope at $z$.

# %%
import numpy as np

# No module named "gradlab"? The page "Getting started" of the book says how to install it.
from gradlab.checks import check

# %% [markdown]
# ## 1 Sigmoid and tanh
#
# $$\sigma(z) = \frac{1}{1 + e^{-z}}, \qquad \tanh(z) = 2 \, \sigma(2z) - 1 .$$
#
# Return both functions and both slopes $\sigma'(z)$ and $\tanh'(z)$, for every entry of an array.
# Each slope is cheap once the function is known. Net inputs of 1000 and $-1000$ are allowed, and no
# entry may be NaN there. `np.tanh` may be used.


# %% nbgrader={"grade": false, "grade_id": "sigmoid-tanh", "locked": false, "schema_version": 3, "solution": true, "task": false}
def sigmoid_and_tanh(z):
    """Sigmoid and hyperbolic tangent with their slopes.

    z: array of any shape, with entries of any size

    Returns the tuple (s, t, ds, dt) of arrays of the shape of z: sigmoid, tanh, and their slopes.
    """
    ### BEGIN SOLUTION
    t = np.tanh(z)
    # The relation of the two, solved for the sigmoid: tanh takes care of large net inputs.
    s = (1 + np.tanh(z / 2)) / 2
    ds = s * (1 - s)
    dt = 1 - t**2
    return s, t, ds, dt
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check-sigmoid-tanh", "locked": true, "schema_version": 3, "solution": false, "task": false}
from gradlab.checks import check

check("activations.sigmoid_tanh", sigmoid_and_tanh)

# %% [markdown]
# ## 2 ReLU, leaky ReLU and units that are never on
#
# $$f(z) = \begin{cases} z & z > 0 \\ \alpha z & z \le 0 \end{cases}$$
#
# With $\alpha = 0$ this is ReLU. Any $\alpha \ge 0$ is allowed, also one above 1. At $z = 0$ take
# $\alpha$ for the slope, as PyTorch does.
#
# A unit is on for an example where $z > 0$. Return, besides the output and the gradient, the share
# of the units that are on for no example of the batch; behind a ReLU these are the dead ones. A
# column of `z` is a unit.


# %% nbgrader={"grade": false, "grade_id": "leaky-relu", "locked": false, "schema_version": 3, "solution": true, "task": false}
def leaky_relu(dout, z, alpha):
    """Leaky ReLU, the gradient through it, and the share of units that are never on.

    dout, z: arrays (batch, units)
    alpha: float, not negative

    Returns the tuple (out, dz, off): two arrays (batch, units) and a number from 0 to 1.
    """
    ### BEGIN SOLUTION
    on = z > 0
    out = np.where(on, z, alpha * z)
    dz = dout * np.where(on, 1, alpha)
    # A unit counts if no example of its column is on.
    off = (~on.any(axis=0)).mean()
    return out, dz, off
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check-leaky-relu", "locked": true, "schema_version": 3, "solution": false, "task": false}
from gradlab.checks import check

check("activations.leaky_relu", leaky_relu)

# %% [markdown]
# ## 3 ELU and SELU
#
# $$f(z) = \lambda \begin{cases} z & z > 0 \\ \alpha \, (e^z - 1) & z \le 0 \end{cases}$$
#
# With $\lambda = 1$ this is the ELU, with two special constants the SELU. In the code $\lambda$ is
# called `scale`. Derive the slope yourself; at $z = 0$ take the one from the left. Net inputs of
# 1000 and $-1000$ are allowed here, too, and no entry may be NaN.


# %% nbgrader={"grade": false, "grade_id": "elu", "locked": false, "schema_version": 3, "solution": true, "task": false}
def elu(dout, z, alpha, scale):
    """Scaled exponential linear unit, and the gradient through it.

    dout, z: arrays (batch, units)
    alpha, scale: positive floats

    Returns the tuple (out, dz) of arrays (batch, units).
    """
    ### BEGIN SOLUTION
    # The exponential is needed where z is negative, and would overflow elsewhere.
    left = np.minimum(z, 0)
    out = scale * np.where(z > 0, z, alpha * np.expm1(left))
    slope = scale * np.where(z > 0, 1, alpha * np.exp(left))
    return out, dout * slope
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check-elu", "locked": true, "schema_version": 3, "solution": false, "task": false}
from gradlab.checks import check

check("activations.elu", elu)

# %% [markdown]
# ## 4 GELU and SiLU
#
# Transformers use functions that follow ReLU from afar and are smooth at 0. SiLU, also called swish,
# is the net input times its sigmoid. GELU is the net input times the probability that a standard
# normal number is smaller, for which GPT-2 took an approximation:
#
# $$\mathrm{SiLU}(z) = z \, \sigma(z), \qquad \mathrm{GELU}(z) \approx \frac z2 \Big( 1 + \tanh \Big(
#   \sqrt{2 / \pi} \, \big( z + 0.044715 \, z^3 \big) \Big) \Big) .$$
#
# Return both, the approximation as it stands here, and the gradients through both. Net inputs of 1000
# and $-1000$ are allowed, and no entry may be NaN.


# %% nbgrader={"grade": false, "grade_id": "gelu-silu", "locked": false, "schema_version": 3, "solution": true, "task": false}
def gelu_and_silu(dout, z):
    """GELU in its tanh form, SiLU, and the gradients through them.

    dout, z: arrays (batch, units); the same dout arrives at either function

    Returns the tuple (g, s, dg, ds) of arrays (batch, units): GELU, SiLU, and the gradients of the
    loss with respect to z through each.
    """
    ### BEGIN SOLUTION
    t = np.tanh(np.sqrt(2 / np.pi) * (z + 0.044715 * z**3))
    # The derivative of what the tanh is taken of.
    inner = np.sqrt(2 / np.pi) * (1 + 3 * 0.044715 * z**2)
    g = z / 2 * (1 + t)
    dg = (1 + t) / 2 + z / 2 * (1 - t**2) * inner
    # The sigmoid by tanh, which takes care of large net inputs.
    p = (1 + np.tanh(z / 2)) / 2
    s = z * p
    # p + z p (1 - p)
    ds = p + s * (1 - p)
    return g, s, dout * dg, dout * ds
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check-gelu-silu", "locked": true, "schema_version": 3, "solution": false, "task": false}
from gradlab.checks import check

check("activations.gelu_silu", gelu_and_silu)

# %% [markdown]
# ## 5 Constants that keep mean and variance
#
# SELU's constants make net inputs from a standard normal distribution leave with mean 0 and
# variance 1. Do the same for any net inputs: given a sample `z`, find the $\alpha$ and the
# $\lambda$ for which the outputs $f(z)$ of part 3 over this sample have the mean 0 and
# the variance 1. The variance divides by the size of the sample.
#
# There is a formula for each. The mean is linear in $\alpha$, and $\lambda$ does not matter for
# it; so begin there. For a large sample of standard normal numbers you should find
# $\alpha \approx 1.67$ and $\lambda \approx 1.05$.


# %% nbgrader={"grade": false, "grade_id": "constants", "locked": false, "schema_version": 3, "solution": true, "task": false}
def self_normalizing_constants(z):
    """The alpha and the scale for which the ELU of a sample has mean 0 and variance 1.

    z: array (size,) with entries on both sides of 0

    Returns the tuple (alpha, scale) of two numbers.
    """
    ### BEGIN SOLUTION
    right = np.maximum(z, 0)
    left = np.expm1(np.minimum(z, 0))
    # mean(right) + alpha mean(left) = 0, both means over the whole sample.
    alpha = -right.mean() / left.mean()
    # A factor before the function multiplies its standard deviation.
    scale = 1 / (right + alpha * left).std()
    return alpha, scale
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check-constants", "locked": true, "schema_version": 3, "solution": false, "task": false}
from gradlab.checks import check

check("activations.constants", self_normalizing_constants)

# %% [markdown]
# ## 6 Softmax
#
# $$p_c = \frac{e^{z_c}}{\sum_k e^{z_k}}$$
#
# for each example, which is a row of `z`. Return the probabilities, their logarithms, and the
# gradient through the *softmax*: `dout` is the gradient of the loss with respect to `p`. Find it
# from the derivative of $p_c$ by $z_k$, without building a matrix for each example.
#
# Net inputs of 1000 and $-1000$ are allowed, in one batch and in one example. Where a probability
# is rounded to 0 its logarithm must still be right: nothing may be cut off.


# %% nbgrader={"grade": false, "grade_id": "softmax", "locked": false, "schema_version": 3, "solution": true, "task": false}
def softmax(dout, z):
    """Softmax over the classes, its logarithm, and the gradient through the softmax.

    dout, z: arrays (batch, classes)

    Returns the tuple (p, log_p, dz) of arrays (batch, classes).
    """
    ### BEGIN SOLUTION
    # A shift of an example cancels. With its largest entry at 0 no exponential overflows.
    shifted = z - z.max(axis=1)[:, None]
    exponentials = np.exp(shifted)
    total = exponentials.sum(axis=1)[:, None]
    p = exponentials / total
    # Not from p, which may have been rounded to 0.
    log_p = shifted - np.log(total)
    # dp_c / dz_k = p_c ([c = k] - p_k), so the sum over c leaves the mean of dout weighted by p.
    weighted = (dout * p).sum(axis=1)[:, None]
    dz = p * (dout - weighted)
    return p, log_p, dz
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check-softmax", "locked": true, "schema_version": 3, "solution": false, "task": false}
from gradlab.checks import check

check("activations.softmax", softmax)

# %% [markdown]
# ## 7 A question in words
#
# A ReLU network has been trained for some epochs on pixels between 0 and 1, with a large learning
# rate. Of the units of its first layer, 40 % are on for no image of the training set. One colleague
# lowers the learning rate and goes on training; another one replaces ReLU by a leaky ReLU with
# $\alpha = 0.01$ and goes on. Answer in four or five sentences: does either of them wake the units,
# and how soon? Use the gradients of a dead unit's weights. What would you have done before the
# training?

# %% [markdown] nbgrader={"grade": true, "grade_id": "question-dead-units", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# Lowering the rate wakes none. The slope of ReLU is 0 at every net input of a dead unit, so the
# gradients of its weights and its bias are 0 for every image, and any rate times 0 is 0; the pixels
# do not change either, as the unit is in the first layer. With the leaky ReLU the gradient is no
# longer 0, but all images are on the left side, where the slope is 0.01: the weights move a hundred
# times more slowly than those of a unit that is on, and units far below 0 may need more epochs than
# anybody waits. Before the training, subtract the mean of each pixel, because inputs that are all
# positive let one large step move every net input of a unit in the same direction; take a smaller
# learning rate from the start, or a function with a clear slope on the left, such as an ELU.
#
# Marking: 0.5 for gradients that are exactly 0 with ReLU, whatever the rate; 0.25 for a leaky
# gradient that is a hundred times smaller and so slow; 0.25 for one measure that prevents it,
# centered inputs or a smaller rate or a larger slope on the left.
# ### END SOLUTION

# %% [markdown]
# ## 8 For those who like speed
#
# Not graded. NumPy makes an array for each step of part 3, and takes exponentials of entries that
# do not need them. Write part 3 as one loop over all entries under `numba.njit` instead. The last
# line of the last cell runs the comparison, once you take away its `#`.

# %% nbgrader={"grade": false, "grade_id": "numba", "locked": false, "schema_version": 3, "solution": true, "task": false}
import timeit

from numba import njit


@njit
def elu_numba(dout, z, alpha, scale):
    ### BEGIN SOLUTION
    batch, units = z.shape
    out = np.empty_like(z)
    dz = np.empty_like(z)
    for i in range(batch):
        row, arriving, result, gradient = z[i], dout[i], out[i], dz[i]
        for j in range(units):
            if row[j] > 0:
                result[j] = scale * row[j]
                gradient[j] = scale * arriving[j]
            else:
                result[j] = scale * alpha * np.expm1(row[j])
                # The slope from the function: no second exponential.
                gradient[j] = arriving[j] * (result[j] + scale * alpha)
    return out, dz
    ### END SOLUTION


# %%
def speed_up():
    """Time both forms alternately on one batch and print the ratio of the medians."""
    rng = np.random.default_rng(0)
    arguments = *rng.normal(size=(2, 512, 256)), 1.67, 1.05
    elu_numba(*arguments)
    times = {elu: [], elu_numba: []}
    for _ in range(15):
        for function, record in times.items():
            record.append(timeit.timeit(lambda f=function: f(*arguments), number=5))
    numpy_time, numba_time = (sorted(record)[7] for record in times.values())
    print(f"numba takes {numba_time / numpy_time:.2f} of NumPy's time")


# speed_up()
