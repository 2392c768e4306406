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
# # Exercise: Vanishing and exploding gradients
#
# How much can a layer shorten or lengthen a gradient, what does that say about the first layer of a
# deep network, and what really happens there? You compute the bounds first and the gradients
# afterwards. The chapter *Vanishing and exploding gradients* of the book derives every formula; its
# equation labels, such as `gb-upper-bound`, appear in the reports below.
#
# POINTS
#
# Write plain NumPy. After each part, run the cell with `check(...)`: it compares your function with
# the reference on several networks, says what is wrong, and shows the points that you have. Your
# submission is graded by the same criteria on other numbers. Expect about 90 minutes.
#
# All parts speak of one example $\mathbf x = \mathbf h_0$ and a network without biases,
#
# $$\mathbf z_{l+1} = W_l^\top \mathbf h_l , \qquad \mathbf h_l = g(\mathbf z_l)
#   \quad (l = 1, \dots, L) , \qquad \hat{\mathbf y} = \mathbf z_{L+1} .$$
#
# There are $L$ hidden layers and $L + 1$ matrices $W_0, \dots, W_L$, each of shape
# `(fan_in, fan_out)`. The output is linear. Vectors are 1-D arrays.

# %%
import numpy as np

# No module named "gradlab"? The page "Getting started" of the book says how to install it.
from gradlab.checks import check

# %% [markdown]
# ## 1 What a layer can do to a length
#
# On the way back, hidden layer $l$ multiplies what comes from above by
# $\operatorname{diag}(g'(\mathbf z_l)) \, W_l$. The chapter bounds slopes and weights apart: every
# vector $\mathbf v$ has
#
# $$\mathrm{low} \cdot \lVert \mathbf v \rVert_2 \;\le\;
#   \lVert \operatorname{diag}(g'(\mathbf z_l)) \, W_l \, \mathbf v \rVert_2 \;\le\;
#   \mathrm{high} \cdot \lVert \mathbf v \rVert_2$$
#
# with
#
# $$\mathrm{low} = \min_i |g'(z_{l,i})| \; \sigma_{\min}(W_l) , \qquad
#   \mathrm{high} = \max_i |g'(z_{l,i})| \; \sigma_{\max}(W_l) .$$
#
# Here $\sigma_{\max}(W)$ and $\sigma_{\min}(W)$ are the greatest and the least of
# $\lVert W \mathbf v \rVert_2$ over the vectors of length 1. Think before you take
# $\sigma_{\min}$ from a list of singular values: if there is any $\mathbf v \ne \mathbf 0$ that
# $W$ sends to $\mathbf 0$, it is 0. Where rounding makes it some $10^{-16}$ instead, that is
# accepted.


# %% nbgrader={"grade": false, "grade_id": "layer-factors", "locked": false, "schema_version": 3, "solution": true, "task": false}
def layer_factors(weight, slopes):
    """What a layer can multiply the length of a gradient by, at least and at most.

    weight: array (fan_in, fan_out), the matrix W_l
    slopes: array (fan_in,), the slopes g'(z_l) of the units that W_l starts from; any sign

    Returns the tuple (low, high) of two numbers, neither of them negative.
    """
    ### BEGIN SOLUTION
    singular_values = np.linalg.svd(weight, compute_uv=False)
    fan_in, fan_out = weight.shape
    # W takes fan_out numbers to fan_in. With more numbers going in than coming out, some direction
    # is lost, and the singular values, of which there are only fan_in, do not show it.
    least = singular_values[-1] if fan_out <= fan_in else 0.0
    # A diagonal matrix has the absolute values of its entries as singular values.
    steepness = np.abs(slopes)
    return steepness.min() * least, steepness.max() * singular_values[0]
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check-layer-factors", "locked": true, "schema_version": 3, "solution": false, "task": false}
from gradlab.checks import check

check("gradient_bounds.layer_factors", layer_factors)

# %% [markdown]
# ## 2 Bounds for every matrix
#
# The gradient of the loss with respect to $W_l$ is $\mathbf h_l$ times the transpose of the
# sensitivity $\mathbf s_{l+1} = \partial \mathcal L / \partial \mathbf z_{l+1}$, and that has come
# back from the output through the layers $L, L - 1, \dots, l + 1$. The chapter writes down the
# bounds on its Frobenius norm for $W_0$. Find them for all of $W_0, \dots, W_L$.
#
# The factors of the layers are handed over, so this part does not depend on your first one: entry
# $l - 1$ of `smallest` and of `largest` belongs to layer $l$, which has the slopes $g'(\mathbf z_l)$
# and the matrix $W_l$. Some networks run in float32, and their gradients may be as small as
# $10^{-25}$: remember what the chapter says about the squares of such numbers.


# %% nbgrader={"grade": false, "grade_id": "norm-bounds", "locked": false, "schema_version": 3, "solution": true, "task": false}
def norm_bounds(activations, smallest, largest, loss_gradient):
    """Bounds on the Frobenius norm of the gradient of every weight matrix.

    activations: list of the L + 1 arrays h_0 ... h_L, of any lengths; h_l enters W_l
    smallest, largest: arrays (L,), the factors low and high of the layers 1 ... L; L may be 0
    loss_gradient: array, the gradient of the loss with respect to the output

    Returns the tuple (lower, upper) of arrays (L + 1,); entry l belongs to W_l.
    """
    ### BEGIN SOLUTION
    # In float64 from the start: the square of 1e-25 is 0 in float32.
    lengths = np.array([np.linalg.norm(h.astype(np.float64)) for h in activations])
    output_length = np.linalg.norm(loss_gradient.astype(np.float64))
    # A product that grows from the output: behind W_l are the layers l + 1 to L, behind W_L none.
    low_behind = np.append(np.cumprod(smallest[::-1])[::-1], 1.0)
    high_behind = np.append(np.cumprod(largest[::-1])[::-1], 1.0)
    # The norm of an outer product is the product of the norms.
    return lengths * low_behind * output_length, lengths * high_behind * output_length
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check-norm-bounds", "locked": true, "schema_version": 3, "solution": false, "task": false}
from gradlab.checks import check

check("gradient_bounds.norm_bounds", norm_bounds)

# %% [markdown]
# ## 3 Norms through depth
#
# Now the gradients themselves. The activation function is tanh. Send an example forward, then the
# gradient at the output back, and note two lengths for each matrix $W_l$: that of the sensitivity
# $\mathbf s_{l+1}$ at the net inputs that it makes, and that of its own gradient, an outer product.
# Do not build that product: part 2 says what its norm is.


# %% nbgrader={"grade": false, "grade_id": "norms-through-depth", "locked": false, "schema_version": 3, "solution": true, "task": false}
def norms_through_depth(x, weights, loss_gradient):
    """Norms of the sensitivities and of the weight gradients of a tanh network.

    x: array (n_0,), the example
    weights: list of the L + 1 arrays W_0 ... W_L, of shapes (n_0, n_1), (n_1, n_2), ...; L may be 0
    loss_gradient: array, the gradient of the loss with respect to the (linear) output

    Returns the tuple (sensitivities, gradients) of arrays (L + 1,). Entry l of the first is the
    Euclidean norm of dL/dz_(l+1), so the last one is that of loss_gradient; entry l of the second
    is the Frobenius norm of dL/dW_l.
    """
    ### BEGIN SOLUTION
    entering, slopes = [x], []
    for weight in weights[:-1]:
        entering.append(np.tanh(weight.T @ entering[-1]))
        # tanh'(z) = 1 - tanh(z)^2, and tanh(z) is at hand.
        slopes.append(1 - entering[-1] ** 2)
    # The output is linear, so its sensitivity is what is given.
    sensitivity = loss_gradient
    lengths = [np.linalg.norm(sensitivity)]
    for weight, slope in zip(weights[:0:-1], slopes[::-1], strict=True):
        sensitivity = slope * (weight @ sensitivity)
        lengths.insert(0, np.linalg.norm(sensitivity))
    sensitivities = np.array(lengths)
    gradients = sensitivities * np.array([np.linalg.norm(h) for h in entering])
    return sensitivities, gradients
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check-norms-through-depth", "locked": true, "schema_version": 3, "solution": false, "task": false}
from gradlab.checks import check

check("gradient_bounds.norms_through_depth", norms_through_depth)

# %% [markdown]
# ## 4 The gain that keeps the gradient
#
# Take ReLU in place of tanh, with the slope 1 where $z > 0$ and 0 elsewhere, also at $z = 0$. Every
# matrix, $W_0$ to $W_L$, is multiplied by the same number $c > 0$, while the gradient at the output
# is kept as it is. For which $c$ has the sensitivity at the first hidden layer the length that it
# has at the output, $\lVert \mathbf s_1 \rVert_2 = \lVert \partial \mathcal L / \partial
# \hat{\mathbf y} \rVert_2$?
#
# Work out first what $c$ does to the net inputs, to the slopes, and to $\mathbf s_1$. Then one
# forward and one backward pass are enough.


# %% nbgrader={"grade": false, "grade_id": "balancing-gain", "locked": false, "schema_version": 3, "solution": true, "task": false}
def balancing_gain(x, weights, loss_gradient):
    """The number by which to multiply all matrices, so that the gradient keeps its length.

    x: array (n_0,), the example
    weights: list of the L + 1 arrays W_0 ... W_L, L at least 1, of a ReLU network
    loss_gradient: array, the gradient of the loss with respect to the (linear) output

    Returns a positive number. You may take for granted that some gradient arrives at z_1.
    """
    ### BEGIN SOLUTION
    # c multiplies z_l by c^l, which turns no sign: the slopes, 0 or 1, stay. On its way from the
    # output to z_1 the gradient passes W_L ... W_1, so its length is multiplied by c^L.
    hidden, passing = x, []
    for weight in weights[:-1]:
        z = weight.T @ hidden
        passing.append(z > 0)
        hidden = np.maximum(z, 0)
    sensitivity = loss_gradient
    for weight, on in zip(weights[:0:-1], passing[::-1], strict=True):
        sensitivity = on * (weight @ sensitivity)
    change = np.linalg.norm(sensitivity) / np.linalg.norm(loss_gradient)
    return change ** (-1 / len(passing))
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check-balancing-gain", "locked": true, "schema_version": 3, "solution": false, "task": false}
from gradlab.checks import check

check("gradient_bounds.balancing_gain", balancing_gain)

# %% [markdown]
# Once your function is right, take away the `#` in the last line and look at networks with He's
# weights. The first number is your gain. The second is the one that the upper bound would ask for:
# the gain with which the product of the largest singular values is 1.


# %%
def compare_with_the_bound():
    """Print both gains for networks of growing depth with He's weights."""
    rng = np.random.default_rng(0)
    for depth in (5, 10, 20, 40):
        matrices = [rng.normal(0, np.sqrt(2 / 50), (50, 50)) for _ in range(depth + 1)]
        gain = balancing_gain(rng.normal(size=50), matrices, rng.normal(size=50))
        product = np.prod([np.linalg.norm(matrix, 2) for matrix in matrices[1:]])
        print(f"{depth:2d} hidden layers: {gain:.2f}, by the bound {product ** (-1 / depth):.2f}")


# compare_with_the_bound()

# %% [markdown]
# ## 5 A question in words
#
# Two people look at ReLU networks before training.
#
# - The first has 30 hidden layers of equal width with He's weights, finds that the product of the
#   largest singular values is about $10^{13}$, and says: "The gradient of the first matrix explodes."
# - The second has hidden layers of 32, 64, 128 and 256 units and ten outputs. `np.linalg.svd` gives
#   singular values above 1 for every matrix, and slopes are 0 or 1. The second says: "The gradient
#   cannot vanish."
#
# Judge both conclusions, in about five sentences: does it follow, and if not, why not? Then say what
# you would measure instead.

# %% [markdown] nbgrader={"grade": true, "grade_id": "question-conclusions", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# Neither follows. The first number is an upper bound: it says how large the gradient could be if it
# always pointed in the direction that a matrix stretches most. With He's weights a typical gradient
# keeps its length, and the bound is too large by a factor of more than two in each layer; the gain of
# part 4 is close to 1. The second number is no lower bound, for two reasons, each of which is
# enough. The matrices from 32 to 64, 64 to 128 and 128 to 256 units have more columns than rows, so
# there are gradients that they send to 0, and `svd` does not list those directions: the factor is 0,
# not above 1. And a unit that is off has the slope 0, which makes the factor of its layer 0 as well.
# A lower bound of 0 says nothing: the gradient may vanish or not. I would measure the norm of the
# sensitivity of every layer on some examples, and look at the factor from one layer to the next.
#
# Marking: 0.25 for an upper bound that is not an estimate; 0.25 for the wide layers and 0.25 for the
# slopes of 0 that void the lower bound; 0.25 for measuring sensitivities (or gradients at several
# depths) layer by layer.
# ### END SOLUTION

# %% [markdown]
# ## 6 For those who like speed
#
# Not graded. In a deep, narrow network NumPy spends most of its time between the operations. Write
# the sensitivities of part 3 as loops under `numba.njit`, for layers that all have one width, with
# the matrices stacked into one array. Both products can be written so that the inner loop runs along
# a row of the matrix. The last line of the last cell runs the comparison, once you take away its `#`.

# %% nbgrader={"grade": false, "grade_id": "numba", "locked": false, "schema_version": 3, "solution": true, "task": false}
import timeit

from numba import njit


@njit
def sensitivities_numba(x, weights, loss_gradient):
    """x, loss_gradient: arrays (n,); weights: array (L + 1, n, n). Returns an array (L + 1,)."""
    ### BEGIN SOLUTION
    count, width = weights.shape[0], x.size
    entering = np.zeros((count, width))
    entering[0] = x
    for layer in range(count - 1):
        z = np.zeros(width)
        for i in range(width):
            row, value = weights[layer, i], entering[layer, i]
            for j in range(width):
                z[j] += value * row[j]
        entering[layer + 1] = np.tanh(z)
    lengths = np.zeros(count)
    current = loss_gradient.copy()
    lengths[count - 1] = np.sqrt((current**2).sum())
    for layer in range(count - 1, 0, -1):
        below = np.zeros(width)
        for i in range(width):
            row, total = weights[layer, i], 0.0
            for j in range(width):
                total += row[j] * current[j]
            below[i] = total * (1 - entering[layer, i] ** 2)
        current = below
        lengths[layer - 1] = np.sqrt((current**2).sum())
    return lengths
    ### END SOLUTION


# %%
def speed_up():
    """Time both forms alternately on one network and print the ratio of the medians."""
    rng = np.random.default_rng(0)
    stacked = rng.normal(0, 0.25, (101, 16, 16))
    example, gradient = rng.normal(size=(2, 16))
    arguments = {
        norms_through_depth: (example, list(stacked), gradient),
        sensitivities_numba: (example, stacked, gradient),
    }
    sensitivities_numba(*arguments[sensitivities_numba])
    times = {function: [] for function in arguments}
    for _ in range(15):
        for function, record in times.items():
            given = arguments[function]
            record.append(timeit.timeit(lambda f=function, a=given: f(*a), number=5))
    numpy_time, numba_time = (sorted(record)[7] for record in times.values())
    print(f"numba takes {numba_time / numpy_time:.2f} of NumPy's time")


# speed_up()
