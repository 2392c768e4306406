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
# # Exercise: Backpropagation
#
# You write a multilayer perceptron by hand: the forward pass for a whole mini-batch, the walk back
# that finds the sensitivity of every unit, and the gradients that follow from it. Then you write
# the check that tells whether such a gradient is right, and in which array it is not. The chapter
# *Backpropagation* of the book derives every formula; its equation labels, such as
# `bp-sensitivity`, appear in the reports below.
#
# POINTS
#
# Write plain NumPy. After each part, run the cell with `check(...)`: it compares your function with
# the reference on several networks, says what is wrong, and shows the points that you have. Your
# submission is graded by the same criteria on other numbers. Expect about 100 minutes.
#
# **The network.** There is one example in each row of `x`. Layer $l$ receives $H_{l-1}$, with
# $H_0 = X$, and computes
#
# $$Z_l = H_{l-1} W_{l-1} + \mathbf{1} \, \mathbf{b}_{l-1}, \qquad H_l = g_l(Z_l),
#   \qquad 1 \le l \le L + 1 .$$
#
# The hidden layers $1, \dots, L$ have $g = \tanh$, with the slope $1 - \tanh^2 z$. The last layer
# has the sigmoid $g(z) = 1 / (1 + e^{-z})$, with the slope $g(z) \, (1 - g(z))$. There may be no
# hidden layer at all. Lists of arrays hold one array a layer, the layer that receives $X$ first:
# `weights[0]` is $W_0$ and leads from $X$ into layer 1.

# %%
import numpy as np

# No module named "gradlab"? The page "Getting started" of the book says how to install it.
from gradlab.checks import check

# %% [markdown]
# ## 1 Forward pass
#
# Return all net inputs $Z_1, \dots, Z_{L+1}$ and all outputs $H_1, \dots, H_{L+1}$: the walk back
# will need them. The input $X$ is not among the outputs.


# %% nbgrader={"grade": false, "grade_id": "forward", "locked": false, "schema_version": 3, "solution": true, "task": false}
def mlp_forward(x, weights, biases):
    """Net inputs and outputs of all layers: tanh in the hidden layers, a sigmoid in the last.

    x: array (batch, features)
    weights: list of arrays (fan_in, fan_out), one a layer, at least one
    biases: list of arrays (fan_out,), one a layer

    Returns the tuple (net_inputs, outputs): two lists of arrays (batch, fan_out), one a layer.
    """
    ### BEGIN SOLUTION
    net_inputs, outputs = [], []
    h = x
    for weight, bias in zip(weights, biases, strict=True):
        # One product for the whole batch; NumPy adds the biases to each of its rows.
        z = h @ weight + bias
        h = np.tanh(z)
        net_inputs.append(z)
        outputs.append(h)
    # The last layer is the only one without tanh, and nothing was computed from its output.
    outputs[-1] = 1 / (1 + np.exp(-net_inputs[-1]))
    return net_inputs, outputs
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check-forward", "locked": true, "schema_version": 3, "solution": false, "task": false}
from gradlab.checks import check

check("backpropagation.forward", mlp_forward)

# %% [markdown]
# ## 2 Sensitivities
#
# `dout` is the gradient of the loss with respect to the output $H_{L+1}$. The sensitivity
# $S_l = \partial \mathcal L / \partial Z_l$ is the gradient with respect to the net inputs of a
# layer. Find that of the last layer from `dout`, and that of every other layer from the one above
# it. Ask yourself which units a unit feeds, and where the slope of its own activation comes in.
#
# `net_inputs` is handed over as the forward pass found it, so this part does not depend on your
# first one. Where the loss is a mean over the batch, `dout` holds the $1 / B$ already.


# %% nbgrader={"grade": false, "grade_id": "sensitivities", "locked": false, "schema_version": 3, "solution": true, "task": false}
def mlp_sensitivities(dout, net_inputs, weights):
    """Gradients of the loss with respect to the net inputs of all layers.

    dout: array (batch, fan_out of the last layer), the gradient with respect to the output
    net_inputs: list of arrays (batch, fan_out), one a layer
    weights: list of arrays (fan_in, fan_out), one a layer

    Returns a list of arrays (batch, fan_out), one a layer, the first layer first.
    """
    ### BEGIN SOLUTION
    a = 1 / (1 + np.exp(-net_inputs[-1]))
    s = dout * a * (1 - a)
    sensitivities = [s]
    for k in range(len(weights) - 1, 0, -1):
        # weights[k] leads from the layer with net_inputs[k - 1] into the one with net_inputs[k].
        # A unit collects from all units that it feeds: the sum runs over the columns of weights[k].
        s = s @ weights[k].T * (1 - np.tanh(net_inputs[k - 1]) ** 2)
        sensitivities.insert(0, s)
    return sensitivities
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check-sensitivities", "locked": true, "schema_version": 3, "solution": false, "task": false}
from gradlab.checks import check

check("backpropagation.sensitivities", mlp_sensitivities)

# %% [markdown]
# ## 3 Gradients
#
# With the sensitivities at hand, the gradients of weights, biases and input are one line each.
# `inputs` holds what each layer received, $H_0 = X, H_1, \dots, H_L$, so that `inputs[k]`,
# `weights[k]` and `sensitivities[k]` belong to the same layer. The sensitivities are handed over;
# take them as they are.


# %% nbgrader={"grade": false, "grade_id": "gradients", "locked": false, "schema_version": 3, "solution": true, "task": false}
def mlp_gradients(inputs, sensitivities, weights):
    """Gradients of the loss with respect to the input and to all weights and biases.

    inputs: list of arrays (batch, fan_in), what each layer received; inputs[0] is x
    sensitivities: list of arrays (batch, fan_out), one a layer
    weights: list of arrays (fan_in, fan_out), one a layer

    Returns the tuple (dx, dweights, dbiases): an array (batch, features), a list of arrays
    (fan_in, fan_out) and a list of arrays (fan_out,).
    """
    ### BEGIN SOLUTION
    dweights, dbiases = [], []
    for h, s in zip(inputs, sensitivities, strict=True):
        # The product sums over the examples: entry (j, k) is the sum over i of h[i, j] * s[i, k].
        dweights.append(h.T @ s)
        dbiases.append(s.sum(axis=0))
    # The input is a layer without activation, so no slope follows.
    dx = sensitivities[0] @ weights[0].T
    return dx, dweights, dbiases
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check-gradients", "locked": true, "schema_version": 3, "solution": false, "task": false}
from gradlab.checks import check

check("backpropagation.gradients", mlp_gradients)

# %% [markdown]
# ## 4 The check of a gradient
#
# Somebody hands you a loss, a function `f` that takes the list of all parameter arrays and returns
# a number, and a list of gradients that they claim to be right. Compare with central differences.
# For each entry $x_k$ of each array, all other entries of all arrays staying as they are,
#
# $$\frac{\partial f}{\partial x_k} \approx
#   \frac{f(\mathbf x + h \, \mathbf e_k) - f(\mathbf x - h \, \mathbf e_k)}{2 h} ,$$
#
# where $h$ is `step`, the same for every entry and not scaled by it. Then give the relative error
# of each array on its own: with $a$ for your numerical gradient of the array and $b$ for the
# claimed one, it is
#
# $$\frac{\max_k |a_k - b_k|}{\max_k \max(|a_k|, |b_k|)} ,$$
#
# and 0 where both arrays hold nothing but zeros. Other definitions are in use elsewhere; take this.
#
# `np.ndindex(a.shape)` walks over the indices of an array of any shape. If you nudge an array that
# you were given, put the saved value back: adding and subtracting the step again leaves a rounding
# error, and then `parameters` has changed.


# %% nbgrader={"grade": false, "grade_id": "check-of-a-gradient", "locked": false, "schema_version": 3, "solution": true, "task": false}
def check_gradients(f, parameters, gradients, step):
    """Numerical gradients by central differences, and how far the claimed ones are from them.

    f: function that takes a list of arrays like `parameters` and returns a float
    parameters: list of arrays of any shapes
    gradients: list of arrays, one for each array of parameters and of its shape
    step: positive float

    Returns the tuple (numerical, errors): a list of arrays of the shapes of `parameters`, and an
    array (len(parameters),) with the relative error of each array.
    """
    ### BEGIN SOLUTION
    # Copies to nudge, so that the caller's arrays stay as they are.
    nudged = [parameter.copy() for parameter in parameters]
    numerical, errors = [], []
    for array, claimed in zip(nudged, gradients, strict=True):
        found = np.zeros_like(array)
        for index in np.ndindex(array.shape):
            saved = array[index]
            array[index] = saved + step
            above = f(nudged)
            array[index] = saved - step
            below = f(nudged)
            # The other entries are differentiated at the point itself, so this one goes back.
            array[index] = saved
            found[index] = (above - below) / (2 * step)
        numerical.append(found)
        scale = max(np.abs(found).max(), np.abs(claimed).max())
        # Two arrays of zeros agree, although 0 / 0 is not a number.
        errors.append(np.abs(found - claimed).max() / scale if scale > 0 else 0.0)
    return numerical, np.array(errors)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check-check-of-a-gradient", "locked": true, "schema_version": 3, "solution": false, "task": false}
from gradlab.checks import check

check("backpropagation.check", check_gradients)

# %% [markdown]
# ## 5 A question in words
#
# Somebody's network has two hidden layers of tanh, and $W_0$, $W_1$ and $W_2$ between its four
# rows of units. Its backward pass leaves out the slope at the *lower* hidden layer and is right
# otherwise. After training it reaches 94 % on test data, which its author takes as a proof.
# Answer in four or five sentences. Why does such a network learn all the same? For which weights
# does the check of part 4 report large errors, for which small ones, and why? And why would the
# check hardly notice anything if $W_0$ and the lower biases were close to zero?

# %% [markdown] nbgrader={"grade": true, "grade_id": "question-slope", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# The slope of tanh lies between 0 and 1, so leaving it out changes the size of each entry of the
# sensitivity at the lower hidden layer and never its sign; for a single example the wrong step
# still goes downhill, and for a batch mostly so. Besides, the layers above get their right
# gradients and adapt to whatever the lowest layer does. Accuracy therefore says little about a
# gradient. The check reports rounding errors for $W_2$ and $W_1$, whose gradients come from the
# sensitivities of the layers above and never pass the missing slope, and a large error for $W_0$
# and its biases alone: it says where to look. With $W_0$ and the lower biases near zero the net
# inputs of the lower hidden layer are near zero too, where the slope is almost 1, so that leaving
# it out changes almost nothing; a gradient should be checked at a point where no factor is 1 or 0.
#
# Marking: 0.25 for a step that still goes downhill (signs kept, or upper layers that adapt); 0.25
# for $W_0$ with large errors, $W_1$ and $W_2$ with small ones; 0.25 for the reason; 0.25 for slopes
# near 1 at net inputs near 0.
# ### END SOLUTION

# %% [markdown]
# ## 6 For those who like speed
#
# Not graded. One step of the walk back to a hidden layer, $(S W^\top) \odot (1 - \tanh^2 Z)$, as
# loops under `numba.njit`, where it needs no array but the result. Let the innermost loop run along
# a row of `weight`, so that memory is read in order. The comparison takes a small layer
# and a large one, and they answer differently: NumPy's product is a library that was tuned for large
# matrices, while for small ones the calls themselves cost more than the arithmetic. The last line
# of the last cell runs it, once you take away its `#`.

# %% nbgrader={"grade": false, "grade_id": "numba", "locked": false, "schema_version": 3, "solution": true, "task": false}
import timeit

from numba import njit


@njit
def step_back_numba(s, weight, z):
    ### BEGIN SOLUTION
    batch, units = z.shape
    out = np.empty_like(z)
    for i in range(batch):
        above = s[i]
        for j in range(units):
            row = weight[j]
            total = 0.0
            for k in range(row.size):
                total += above[k] * row[k]
            h = np.tanh(z[i, j])
            out[i, j] = total * (1 - h * h)
    return out
    ### END SOLUTION


# %%
def step_back(s, weight, z):
    """The same step, with the slope by another formula: 1 / cosh^2."""
    return s @ weight.T / np.cosh(z) ** 2


def speed_up():
    """Time both forms alternately on two layers and print the ratios of the medians."""
    rng = np.random.default_rng(0)
    for batch, units, above in ((4, 8, 8), (128, 256, 256)):
        arguments = tuple(
            rng.normal(size=shape) for shape in ((batch, above), (units, above), (batch, units))
        )
        np.testing.assert_allclose(step_back_numba(*arguments), step_back(*arguments), atol=1e-10)
        times = {step_back: [], step_back_numba: []}
        for _ in range(15):
            for function, record in times.items():
                record.append(timeit.timeit(lambda f=function, a=arguments: f(*a), number=5))
        numpy_time, numba_time = (sorted(record)[7] for record in times.values())
        print(f"{units} units: numba takes {numba_time / numpy_time:.2f} of NumPy's time")


# speed_up()
