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
# # Exercise: Initialization
#
# Before the first step a network is a product of random matrices. You compute how widely each rule
# spreads the weights, draw them, follow the mean square of activations and gradients through the
# layers, and correct a network whose signal fades by measuring it. The chapter *Initialization* of
# the book derives every formula; its equation labels, such as `init-variance-forward`, appear in the
# reports below.
#
# POINTS
#
# Write plain NumPy. After each part, run the cell with `check(...)`: it compares your function with
# the reference on several layers, says what is wrong, and shows the points that you have. Your
# submission is graded by the same criteria on other numbers. Expect about 90 minutes.
#
# A weight matrix has the shape `(fan_in, fan_out)`: one column for each unit of its layer.

# %%
import numpy as np

# No module named "gradlab"? The page "Getting started" of the book says how to install it.
from gradlab.checks import check

# %% [markdown]
# ## 1 How widely each rule spreads the weights
#
# Four rules, each of which names a variance for weights of mean 0:
#
# - `"lecun"`: for linear units. Fan-in times variance is 1, so that the activations keep their size.
# - `"xavier"`: LeCun's rule with the (arithmetic) mean of fan-in and fan-out in place of the fan-in.
# - `"he"`: for ReLU, which passes half of the mean square on. The variance makes up for it; the
#   activations keep their size.
# - `"he-average"`: deck S's form, He's rule with the mean of fan-in and fan-out in place of the
#   fan-in.
#
# Weights with that variance may be drawn from a normal distribution or from a uniform one between
# $-a$ and $a$. Return the standard deviation, which the first needs, and the limit $a$, which the
# second needs.


# %% nbgrader={"grade": false, "grade_id": "spread", "locked": false, "schema_version": 3, "solution": true, "task": false}
def spread(rule, fan_in, fan_out):
    """Standard deviation of a normal draw and limit of a uniform one.

    rule: "lecun", "xavier", "he" or "he-average"
    fan_in, fan_out: ints, the inputs and outputs of the layer

    Returns the tuple (deviation, limit) of two numbers.
    """
    ### BEGIN SOLUTION
    mean_fan = (fan_in + fan_out) / 2
    variances = {
        "lecun": 1 / fan_in,
        "xavier": 1 / mean_fan,
        "he": 2 / fan_in,
        "he-average": 2 / mean_fan,
    }
    variance = variances[rule]
    # The variance of a uniform number between -a and a is a^2 / 3.
    return np.sqrt(variance), np.sqrt(3 * variance)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check-spread", "locked": true, "schema_version": 3, "solution": false, "task": false}
from gradlab.checks import check

check("initialization.spread", spread)

# %% [markdown]
# ## 2 Drawing the weights
#
# Draw a weight matrix by He's rule, uniformly, with the variance that keeps the *activations*. All
# random numbers have to come from `rng`, so that the same seed gives the same network.
#
# Your draws need not be those of the reference. The check draws several matrices of about 30,000
# weights and looks at what no correct function can miss: the least and the greatest weight, the
# deviation, the share of the weights that are within one deviation of 0, and whether weights
# repeat that should not.


# %% nbgrader={"grade": false, "grade_id": "draw", "locked": false, "schema_version": 3, "solution": true, "task": false}
def draw_he_uniform(fan_in, fan_out, rng):
    """Weights by He's rule, from a uniform distribution.

    fan_in, fan_out: ints, the inputs and outputs of the layer
    rng: numpy.random.Generator

    Returns an array (fan_in, fan_out).
    """
    ### BEGIN SOLUTION
    limit = np.sqrt(3 * 2 / fan_in)
    return rng.uniform(-limit, limit, size=(fan_in, fan_out))
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check-draw", "locked": true, "schema_version": 3, "solution": false, "task": false}
from gradlab.checks import check

check("initialization.draw", draw_he_uniform)

# %% [markdown]
# ## 3 Mean squares through the layers
#
# A network has $n_0$ inputs and $L$ layers of $n_1, \dots, n_L$ units. The weights into layer $l$
# are independent, symmetric about 0 and of variance $v_l$; there are no biases. Every unit has the
# slope 1 for positive and $\alpha$ for negative net inputs. Call $q_l$ the mean square of the
# activations of layer $l$, expected over the weights, and $\delta_l$ that of the gradients of the
# loss with respect to these activations. On the way back, take the gradient as independent of the
# weights that it meets and of the signs of the net inputs, as the chapter does.
#
# Given $q_0$ and $\delta_L$, find all $q_l$ and all $\delta_l$. Derive the factor of one layer in
# each direction first: which units does the sum run over, and what does the activation function do
# to the mean square?


# %% nbgrader={"grade": false, "grade_id": "mean-squares", "locked": false, "schema_version": 3, "solution": true, "task": false}
def mean_squares(widths, variances, alpha, start, end):
    """Expected mean squares of activations and gradients in every layer.

    widths: list of the L + 1 ints n_0 ... n_L
    variances: array (L,) of v_1 ... v_L
    alpha: float, the slope for negative net inputs
    start, end: floats, the mean square of the input and that of the gradient at the output

    Returns the tuple (forward, backward) of arrays (L + 1,). Entry l of both belongs to layer l, so
    the first entry of forward is start and the last entry of backward is end.
    """
    ### BEGIN SOLUTION
    sizes = np.array(widths, dtype=float)
    # Half of the mean square comes from either side of 0.
    gain = (1 + alpha**2) / 2
    # Forwards a unit sums over the layer before it: the fan-in.
    growth = gain * sizes[:-1] * variances
    forward = start * np.append(1.0, np.cumprod(growth))
    # Backwards it sums over the layer after it: the fan-out. The product begins at the output.
    growth_back = gain * sizes[1:] * variances
    backward = end * np.append(1.0, np.cumprod(growth_back[::-1]))[::-1]
    return forward, backward
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check-mean-squares", "locked": true, "schema_version": 3, "solution": false, "task": false}
from gradlab.checks import check

check("initialization.mean_squares", mean_squares)

# %% [markdown]
# ## 4 Factors that keep the signal
#
# Part 3 is about the mean over many networks. Here is one network with given matrices
# $W_1, \dots, W_L$ and one mini-batch `x`. Layer $l$ turns $H_{l-1}$ into $H_l = g(H_{l-1} W_l)$,
# where $g$ has the slope 1 for positive and $\alpha$ for negative net inputs, and $H_0$ is `x`.
#
# Find factors $c_1, \dots, c_L > 0$ such that in the network with the matrices $c_1 W_1, \dots,
# c_L W_L$ the mean square of the activations after *every* layer, over all examples and units, is
# the mean square of `x`.


# %% nbgrader={"grade": false, "grade_id": "balancing-factors", "locked": false, "schema_version": 3, "solution": true, "task": false}
def balancing_factors(x, weights, alpha):
    """Factors of the weight matrices that keep the mean square of the input in every layer.

    x: array (batch, n_0)
    weights: list of the L arrays W_1 ... W_L, of shapes (n_0, n_1), (n_1, n_2), ...
    alpha: float, the slope for negative net inputs

    Returns an array (L,); entry l - 1 is the factor of W_l. The matrices are left as they are.
    """
    ### BEGIN SOLUTION
    wanted = np.mean(x**2)
    activations, factors = x, []
    for weight in weights:
        z = activations @ weight
        activations = np.maximum(z, 0) + alpha * np.minimum(z, 0)
        # c W makes c z and c g(z), because c > 0: the mean square is multiplied by c^2.
        factor = np.sqrt(wanted / np.mean(activations**2))
        factors.append(factor)
        # The next layer receives what the corrected one makes.
        activations = factor * activations
    return np.array(factors)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check-balancing-factors", "locked": true, "schema_version": 3, "solution": false, "task": false}
from gradlab.checks import check

check("initialization.balancing_factors", balancing_factors)

# %% [markdown]
# Once your function is right, take away the `#` in the last line. It draws twenty layers by He's
# rule, for which the factors of ReLU layers should be 1, in networks of growing width. How good is
# an expectation in a narrow network?


# %%
def compare_widths():
    """Print the range of the factors that networks with He's weights still need."""
    rng = np.random.default_rng(0)
    for width in (8, 32, 128, 512):
        batch = rng.normal(size=(16, width))
        layers = [rng.normal(0, np.sqrt(2 / width), (width, width)) for _ in range(20)]
        found = balancing_factors(batch, layers, 0.0)
        print(f"width {width:3d}: factors from {found.min():.2f} to {found.max():.2f}")


# compare_widths()

# %% [markdown]
# ## 5 A question in words
#
# Somebody reads that He's rule wants weights of the size $\sqrt{2 / n}$ in ReLU layers of $n$ inputs
# and $n$ units, and sets *every* weight to exactly $\sqrt{2 / n}$, with biases of 0. Answer in four or
# five sentences: Which step of the derivation of `init-variance-forward` does not hold any more? From
# the second layer on, by what factor does a layer now multiply the mean square? Suppose that the
# learning rate is made small enough for that. Why does training still not get far, and does Adam
# help?

# %% [markdown] nbgrader={"grade": true, "grade_id": "question-equal-weights", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# The derivation needs the mixed terms $\mathbb E[W_{jk} W_{j'k}]$ to be 0 for $j \ne j'$, which
# follows from independent weights with mean 0; here they are $2 / n$, like the others. After the first
# layer all units have the same value $h \ge 0$, so the next net inputs are all $n \sqrt{2/n} \, h =
# \sqrt{2n} \, h$, and the mean square is multiplied by $2n$ in each layer instead of by 1. Even if that
# is put right by scaling, units with equal weights in and out compute the same and receive the same
# gradient, so they are equal after the step and forever: a layer of $n$ units is worth one. Adam
# scales each weight's step by that weight's own gradients, and equal gradients make equal steps, so
# it does not help. What does is something that treats units differently, such as random weights.
#
# Marking: 0.25 for the mixed terms (or independence, or mean 0); 0.25 for the factor $2n$; 0.25 for
# equal gradients that keep equal units equal; 0.25 for Adam, with the reason.
# ### END SOLUTION
