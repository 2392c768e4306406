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
# # Exercise: Dropout
#
# You write inverted dropout, the gradient through it and through the layer on top, the weights that
# a network trained with standard dropout needs at inference, and the average over all sub-networks
# that both only approximate. The chapter *Dropout* of the book derives every formula; its equation
# labels, such as `do-mask`, appear in the reports below.
#
# POINTS
#
# Write plain NumPy. After each part, run the cell with `check(...)`: it compares your function with
# the reference in several cases, says what is wrong, and shows the points that you have. Your
# submission is graded by the same criteria on other numbers. Expect about 90 minutes.
#
# Everywhere below a *rate* is the probability to **drop**, as in PyTorch and Keras.

# %%
import numpy as np

# No module named "gradlab"? The page "Getting started" of the book says how to install it.
from gradlab.checks import check

# %% [markdown]
# ## 1 Forward pass of inverted dropout
#
# In training every entry of `x` gets a draw of its own. With the drop probability $p$,
#
# $$P(r = 1) = 1 - p, \qquad P(r = 0) = p, \qquad m = \frac{r}{1 - p}, \qquad
#   \mathrm{out} = m \, x .$$
#
# The mask that you return is $m$, with its scale. At inference nothing is dropped: `out` is `x`, and
# every entry of the mask is 1.
#
# Take all random numbers from `rng`, so that the caller can repeat a run: `rng.random(shape)` gives
# numbers that are uniform on $[0, 1)$. Yours need not be the same as the reference's; the check looks
# at what all right masks have in common.


# %% nbgrader={"grade": false, "grade_id": "forward", "locked": false, "schema_version": 3, "solution": true, "task": false}
def dropout_forward(x, rate, rng, training):
    """Inverted dropout.

    x: array of any shape, the activations of a mini-batch
    rate: float, at least 0 and below 1: the probability to drop
    rng: numpy.random.Generator
    training: bool, False at inference

    Returns the tuple (out, mask) of arrays of the shape of x.
    """
    ### BEGIN SOLUTION
    if not training:
        return x.copy(), np.ones_like(x)
    # A uniform number is below rate with probability rate. One for each entry, so that every
    # example trains another sub-network.
    kept = rng.random(x.shape) >= rate
    # With the scale in the mask its mean is 1, and the backward pass needs nothing else.
    mask = kept / (1 - rate)
    return x * mask, mask
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check-forward", "locked": true, "schema_version": 3, "solution": false, "task": false}
from gradlab.checks import check

check("dropout.forward", dropout_forward)

# %% [markdown]
# ## 2 Backward pass
#
# A dense layer stands on the dropout:
#
# $$\tilde h_{ik} = m_{ik} \, h_{ik}, \qquad z_{ij} = \sum_k \tilde h_{ik} w_{kj} + b_j .$$
#
# `dz` is the gradient of the loss with respect to `z`. Find the gradients with respect to `h`, to
# the weights and to the bias. `mask` is handed over as the forward pass drew it: it holds 0 and
# $1/(1-p)$, or 0 and 1 if it was standard dropout. Your function works for both without being told.


# %% nbgrader={"grade": false, "grade_id": "backward", "locked": false, "schema_version": 3, "solution": true, "task": false}
def dropout_dense_backward(dz, h, mask, weight):
    """Gradients through z = (mask * h) @ weight + bias.

    dz: array (batch, outputs)
    h, mask: arrays (batch, units); h may hold zeros
    weight: array (units, outputs)

    Returns the tuple (dh, dweight, dbias): arrays (batch, units), (units, outputs) and (outputs,).
    """
    ### BEGIN SOLUTION
    # The weights met the masked activations: an example whose unit was off adds nothing to them.
    dweight = (h * mask).T @ dz
    dbias = dz.sum(axis=0)
    # Through the layer to its input, and from there through the same mask.
    dh = (dz @ weight.T) * mask
    return dh, dweight, dbias
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check-backward", "locked": true, "schema_version": 3, "solution": false, "task": false}
from gradlab.checks import check

check("dropout.backward", dropout_dense_backward)

# %% [markdown]
# ## 3 Standard dropout at inference
#
# A network of dense layers was trained with *standard* dropout, $m = r$: nothing was scaled in
# training. Its inputs were dropped with `input_rate`, the outputs of every hidden layer with
# `hidden_rate`, and the outputs of the last layer never. Layer $k$ computes `h @ weights[k] +
# biases[k]`, and an activation follows. Find the weights and biases for inference, where nothing is
# dropped, such that every net input has the value that it had on average over the masks, for the
# same inputs of its layer. The rates may differ, and a network may have one layer only.


# %% nbgrader={"grade": false, "grade_id": "inference", "locked": false, "schema_version": 3, "solution": true, "task": false}
def parameters_for_inference(weights, biases, input_rate, hidden_rate):
    """Weights and biases of a network that was trained with standard dropout.

    weights: list of arrays (fan_in, fan_out), from the first layer to the last
    biases: list of as many arrays (fan_out,)
    input_rate, hidden_rate: floats, at least 0 and below 1: the probabilities to drop

    Returns the tuple (weights, biases) of new lists of arrays of the same shapes.
    """
    ### BEGIN SOLUTION
    # What counts is whether a weight's input could be dropped: the first layer is fed by the
    # inputs, and every other one by hidden units. Biases are fed by nobody.
    scaled = [weights[0] * (1 - input_rate)]
    for weight in weights[1:]:
        scaled.append(weight * (1 - hidden_rate))
    return scaled, [bias.copy() for bias in biases]
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check-inference", "locked": true, "schema_version": 3, "solution": false, "task": false}
from gradlab.checks import check

check("dropout.inference", parameters_for_inference)

# %% [markdown]
# ## 4 The average over all sub-networks
#
# With $U$ units that can drop there are $2^U$ sub-networks. If $f$ stands for the layers above the
# dropout, their average output for one example with the activations $\mathbf h$ is
#
# $$\bar f(\mathbf h) = \sum_{\mathbf r \in \{0, 1\}^U} P(\mathbf r) \,
#   f\Bigl(\frac{\mathbf r \odot \mathbf h}{1 - p}\Bigr) .$$
#
# Find $P(\mathbf r)$, and compute the sum over all masks; there are at most 6 units. The function
# `predict` is $f$. It takes an array with a row of activations for each network, `(rows, units)`, and
# returns their outputs, `(rows, outputs)`. A single row has to be handed over as an array `(1, units)`.
#
# To try it: with `def predict(h): return np.maximum(h @ np.array([[1.0], [-1.0]]) - 1.0, 0.0)`, the
# activations `np.array([3.0, 2.0])` and a rate of 0.2 the average is `[0.6]`. The network at inference
# says 0.


# %% nbgrader={"grade": false, "grade_id": "average", "locked": false, "schema_version": 3, "solution": true, "task": false}
def subnetwork_average(predict, h, rate):
    """Average output of all sub-networks under inverted dropout.

    predict: function from an array (rows, units) to an array (rows, outputs)
    h: array (units,), the activations of one example
    rate: float, at least 0 and below 1: the probability to drop

    Returns an array (outputs,).
    """
    ### BEGIN SOLUTION
    units = len(h)
    numbers = np.arange(2**units)[:, np.newaxis]
    # Bit k of a mask's number says whether it keeps unit k: a row of ones and zeros for each mask.
    kept = numbers // 2 ** np.arange(units) % 2
    # The units are dropped independently, so the probability of a mask is a product over them.
    probability = np.prod(np.where(kept == 1, 1 - rate, rate), axis=1)
    return probability @ predict(kept * h / (1 - rate))
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check-average", "locked": true, "schema_version": 3, "solution": false, "task": false}
from gradlab.checks import check

check("dropout.average", subnetwork_average)

# %% [markdown]
# ## 5 A question in words
#
# A network of two hidden ReLU layers was trained with the function of part 1 and $p = 0.2$ on both. To
# be on the safe side, somebody also applies part 3 with `hidden_rate = 0.2` before the test. The
# accuracy hardly changes, and so they keep it. Answer in four or five sentences: which part of the
# net input above the first dropout is now wrong, and by what factor? What comes on top one layer
# further? Why does the accuracy hardly notice, and what does? How would you have found the mistake
# with nothing but forward passes?

# %% [markdown] nbgrader={"grade": true, "grade_id": "question-twice", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# Inverted dropout scaled in training already, so the weighted sum into the second hidden layer is
# 0.8 times what it should be. Its bias is not scaled, so even this net input is no fixed multiple of
# the right one, and one layer on the parts are out of proportion: what the first hidden layer said has
# been shrunk by 0.8 twice, the second layer's bias once, and the last layer's bias not at all.
# A class is chosen by the largest logit; if the logits mostly shrink together, the largest one
# stays the largest. The probabilities come closer to each other, so the loss changes, and with it
# everything that uses the probabilities. To find it, average the first net input above a dropout over
# many forward passes in training and compare with inference: the two have to agree, and here they
# do not. (Further up they need not agree, because of the ReLU.)
#
# Marking: 0.25 for a factor of 0.8 on the weighted sum; 0.25 for the biases, which are not scaled,
# or for factors that pile up; 0.25 for logits whose order stays while the loss or the probabilities
# change; 0.25 for the comparison of the mean over masks with inference, or of the loss with and
# without the scaling.
# ### END SOLUTION

# %% [markdown]
# ## 6 For those who like speed
#
# Not graded. NumPy makes an array for the comparison, one for the mask and one for the product. Write
# the forward pass in training under `numba.njit` instead, in one walk over the entries. NumPy still
# draws the numbers, as fast as anybody, and hands them over in `uniform`. The last line of the last
# cell runs the comparison, once you take away its `#`: see what the draws alone cost.

# %% nbgrader={"grade": false, "grade_id": "numba", "locked": false, "schema_version": 3, "solution": true, "task": false}
import timeit

from numba import njit


@njit
def dropout_forward_numba(x, rate, uniform):
    ### BEGIN SOLUTION
    out, mask = np.empty_like(x), np.empty_like(x)
    scale = 1 / (1 - rate)
    for i in range(len(x)):
        xi, ui, oi, mi = x[i], uniform[i], out[i], mask[i]
        for j in range(len(xi)):
            # A choice between two numbers, not a branch: the processor cannot guess it.
            mi[j] = scale if ui[j] >= rate else 0.0
            oi[j] = mi[j] * xi[j]
    return out, mask
    ### END SOLUTION


# %%
def speed_up():
    """Time both forms alternately on one batch and print the ratios of the medians."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(64, 128))
    forms = (
        lambda: dropout_forward(x, 0.2, rng, True),
        lambda: dropout_forward_numba(x, 0.2, rng.random(x.shape)),
        lambda: rng.random(x.shape),
    )
    forms[1]()
    times = [[] for _ in forms]
    for _ in range(15):
        for form, record in zip(forms, times, strict=True):
            record.append(timeit.timeit(form, number=50))
    numpy_time, numba_time, draws = (sorted(record)[7] for record in times)
    print(f"numba takes {numba_time / numpy_time:.2f} of NumPy's time,")
    print(f"and the random numbers alone {draws / numpy_time:.2f}")


# speed_up()
