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
# # Exercise: Transfer learning
#
# You build a network on the lower layers of another one, bring images to the size that it was
# trained for, and train it in two phases: first what is new, then the top of what is old, at a
# lower rate. The chapter *Transfer learning* of the book gives the reasons; its equation labels,
# such as `tl-resize-weights`, appear in the reports below.
#
# POINTS
#
# In all parts a network of dense layers is a plain list of arrays, from the input on: the weights
# of the first layer (two dimensions), its bias (one dimension), the weights of the second layer,
# its bias, and so on. Layers are counted in layers, each with its two arrays.
#
# Write plain NumPy. After each part, run the cell with `check(...)`: it compares your function with
# the reference on several networks or images, says what is wrong, and shows the points that you
# have. Your submission is graded by the same criteria on other numbers. Expect about 90 minutes.

# %%
import numpy as np

# No module named "gradlab"? The page "Getting started" of the book says how to install it.
from gradlab.checks import check

# %% [markdown]
# ## 1 Reusing lower layers under a new head
#
# The new network consists of the lower layers of a pretrained one, those next to the input, and of
# the layers of a new head on top. In the first phase of training the reused layers are frozen. How
# many numbers are left to learn?


# %% nbgrader={"grade": false, "grade_id": "reuse", "locked": false, "schema_version": 3, "solution": true, "task": false}
def reuse(pretrained, layers, head):
    """Build a network from the lower layers of another one and a new head.

    pretrained: list of arrays, weights and bias of each layer in turn
    layers: int, how many layers are reused, at least 1
    head: list of arrays, weights and bias of each new layer in turn

    Returns the tuple (params, learned): the list of arrays of the new network, and an int, how many
    numbers are learned while the reused layers are frozen.
    """
    ### BEGIN SOLUTION
    # Copies, so that training leaves the pretrained network as it is.
    base = [array.copy() for array in pretrained[: 2 * layers]]
    learned = 0
    for array in head:
        learned += array.size
    return base + head, learned
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check-reuse", "locked": true, "schema_version": 3, "solution": false, "task": false}
from gradlab.checks import check

check("transfer_learning.reuse", reuse)

# %% [markdown]
# ## 2 Resizing images
#
# A network has a fixed number of inputs, so images are brought to its size. An image $I$ with $R$
# rows shall get $R'$ rows. Pixel $k$ of the old image covers the interval from $k$ to $k + 1$, and
# both images cover the same area: so the center of new pixel $i$ lies, counted in the numbers of
# the old pixels, at
#
# $$y_i = \frac{R}{R'} \left( i + \tfrac12 \right) - \tfrac12 .$$
#
# Each old pixel $k$ has a weight that falls linearly with its distance from there and reaches 0 at
# the distance $s$, and the weights of a new pixel sum to 1:
#
# $$t_{ik} = \max\!\left(0, \; 1 - \frac{\lvert y_i - k \rvert}{s}\right), \qquad
#   w_{ik} = \frac{t_{ik}}{\sum_m t_{im}} .$$
#
# $s$ is 1, and with antialiasing $\max(1, R / R')$, so that every old pixel counts somewhere. The
# columns have weights $w'_{jl}$ in the same way, with a ratio and an $s$ of their own, and
#
# $$I'_{ij} = \sum_k \sum_l w_{ik} \, w'_{jl} \, I_{kl} .$$


# %% nbgrader={"grade": false, "grade_id": "resize", "locked": false, "schema_version": 3, "solution": true, "task": false}
def resize(image, size, antialias):
    """Resize an image by bilinear interpolation.

    image: array (height, width)
    size: pair of ints (height, width), of the result
    antialias: bool

    Returns an array of the shape size.
    """
    ### BEGIN SOLUTION
    matrices = []
    # Once for the rows and once for the columns.
    for old, new in zip(image.shape, size, strict=True):
        places = old / new * (np.arange(new) + 0.5) - 0.5
        reach = np.maximum(1, old / new) if antialias else 1
        # One row for each new pixel, one column for each old one.
        distance = np.abs(places[:, None] - np.arange(old))
        weights = np.maximum(0, 1 - distance / reach)
        matrices.append(weights / weights.sum(axis=1)[:, None])
    down, across = matrices
    return down @ image @ across.T
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check-resize", "locked": true, "schema_version": 3, "solution": false, "task": false}
from gradlab.checks import check

check("transfer_learning.resize", resize)

# %% [markdown]
# ## 3 A step with frozen layers
#
# One step of gradient descent with weight decay, for the layers that are not frozen. With the
# learning rate $\eta$ and the strength $\lambda$, a weight matrix that is trained becomes
#
# $$W \leftarrow W - \eta \left( \frac{\partial \mathcal L}{\partial W} + \lambda W \right),$$
#
# and a bias the same without $\lambda$. The frozen layers are the lowest ones. They keep every
# number, although `grads` has gradients for them, too.


# %% nbgrader={"grade": false, "grade_id": "step", "locked": false, "schema_version": 3, "solution": true, "task": false}
def train_step(params, grads, frozen, learning_rate, strength):
    """One step of gradient descent with weight decay that leaves the lower layers alone.

    params: list of arrays, weights and bias of each layer in turn
    grads: list of arrays, the gradient for each of params
    frozen: int, how many of the lower layers are frozen; may be 0
    learning_rate, strength: floats, eta and lambda

    Returns the list of all arrays after the step, the frozen ones included.
    """
    ### BEGIN SOLUTION
    # Frozen arrays take no part in the step: with a gradient of 0 they would still decay.
    stepped = params[: 2 * frozen]
    for k in range(2 * frozen, len(params)):
        slope = grads[k]
        if params[k].ndim == 2:
            slope = slope + strength * params[k]
        stepped.append(params[k] - learning_rate * slope)
    return stepped
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check-step", "locked": true, "schema_version": 3, "solution": false, "task": false}
from gradlab.checks import check

check("transfer_learning.step", train_step)

# %% [markdown]
# ## 4 Training in two phases
#
# The lower `reused` layers of a network come from pretraining, the others are a new head.
#
# - *First phase*, `steps[0]` steps: all reused layers are frozen, the head learns at the rate $\eta$.
# - *Second phase*, `steps[1]` steps: of the reused layers the upper `top` ones, those next to the
#   head, are trained as well. Everything that is trained has the rate $\rho \, \eta$, with the reduction
#   $\rho$.
#
# Train by momentum: with the gradient $\mathbf g$ at the parameters as they are when the step
# begins,
#
# $$\mathbf v \leftarrow \beta \mathbf v - \text{rate} \cdot \mathbf g, \qquad
#   \mathbf w \leftarrow \mathbf w + \mathbf v .$$
#
# Each phase has a new optimizer: its velocities $\mathbf v$ start at 0. There is no weight decay
# here. `gradients` is a function: `gradients(params)` is the list of the gradients for all arrays,
# those of frozen layers included.


# %% nbgrader={"grade": false, "grade_id": "two-phases", "locked": false, "schema_version": 3, "solution": true, "task": false}
def two_phases(params, gradients, reused, top, learning_rate, reduction, momentum, steps):
    """Train a new head first, then the top of the reused layers with it.

    params: list of arrays, weights and bias of each layer in turn
    gradients: function of such a list that returns the list of their gradients
    reused: int, how many of the lower layers are frozen in the first phase
    top: int from 0 to reused, how many of these are trained in the second phase
    learning_rate, reduction, momentum: floats, eta, rho and beta
    steps: pair of ints, the steps of each phase

    Returns the list of all arrays after both phases.
    """
    ### BEGIN SOLUTION
    arrays = list(params)
    phases = [
        (steps[0], learning_rate, reused),
        (steps[1], reduction * learning_rate, reused - top),
    ]
    for count, rate, frozen in phases:
        # A new optimizer: what the old one remembers belongs to another list of parameters.
        velocities = [np.zeros_like(array) for array in arrays]
        for _ in range(count):
            slopes = gradients(arrays)
            for k in range(2 * frozen, len(arrays)):
                velocities[k] = momentum * velocities[k] - rate * slopes[k]
                arrays[k] = arrays[k] + velocities[k]
    return arrays
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check-two-phases", "locked": true, "schema_version": 3, "solution": false, "task": false}
from gradlab.checks import check

check("transfer_learning.two_phases", two_phases)

# %% [markdown]
# ## 5 A question in words
#
# (a) Why is the base frozen at first? Say what the gradient that a random head would hand to it
# depends on, and what it does to a base that is good already. (b) Why is the rate
# lowered afterwards? (c) Name a case in which you would not transfer at all. Answer in four or five
# sentences.

# %% [markdown] nbgrader={"grade": true, "grade_id": "question-phases", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# (a) The gradient for the base is the error at the output times the transposed weights of the head.
# It depends on the labels, so a base can learn below a random head, but it fits the features to the
# weights that happened to be drawn. It is not short, so a base that is good already would be moved
# far to suit an arbitrary head on few examples, and can lose what it has learned. (b) With
# gradients of length at most G, T steps at the rate rho eta move the base by at most rho eta T G:
# the rate is a leash to what was learned before, and should be short where labels are few. (c)
# Where the data are not similar, such as images whose pixels were put in another order, or where
# the inputs are good features already: there the base has thrown away what it did not need for its
# own classes.
#
# Marking: 0.25 for a gradient that depends on the labels; 0.25 for the base that is moved all the same; 0.25 for the bound on
# the distance, in words or as a formula; 0.25 for a case with its reason.
# ### END SOLUTION

# %% [markdown]
# ## 6 For those who like speed
#
# Not graded. Without antialiasing a new pixel has at most four neighbors, and part 2 multiplies by
# matrices that are almost empty. Write that case as loops under `numba.njit`: find the two rows and
# the two columns, let the border count for both where a neighbor is missing, and add up four
# products. The last line of the last cell runs the comparison, once you take away its `#`.

# %% nbgrader={"grade": false, "grade_id": "numba", "locked": false, "schema_version": 3, "solution": true, "task": false}
import timeit

from numba import njit


@njit
def resize_numba(image, height, width):
    ### BEGIN SOLUTION
    rows, columns = image.shape
    out = np.empty((height, width))
    for i in range(height):
        # Clamped to the image, a place at the border is the border's pixel.
        y = min(max(rows / height * (i + 0.5) - 0.5, 0.0), rows - 1.0)
        k = min(int(y), max(rows - 2, 0))
        upper, lower = image[k], image[min(k + 1, rows - 1)]
        for j in range(width):
            x = min(max(columns / width * (j + 0.5) - 0.5, 0.0), columns - 1.0)
            m = min(int(x), max(columns - 2, 0))
            n = min(m + 1, columns - 1)
            left = upper[m] + (y - k) * (lower[m] - upper[m])
            right = upper[n] + (y - k) * (lower[n] - upper[n])
            out[i, j] = left + (x - m) * (right - left)
    return out
    ### END SOLUTION


# %%
def speed_up():
    """Time both forms alternately on one image and print the ratio of the medians."""
    image = np.random.default_rng(0).normal(size=(200, 300))
    np.testing.assert_allclose(resize_numba(image, 320, 500), resize(image, (320, 500), False))
    times = {"NumPy": [], "numba": []}
    for _ in range(15):
        times["NumPy"].append(timeit.timeit(lambda: resize(image, (320, 500), False), number=5))
        times["numba"].append(timeit.timeit(lambda: resize_numba(image, 320, 500), number=5))
    numpy_time, numba_time = (sorted(record)[7] for record in times.values())
    print(f"numba takes {numba_time / numpy_time:.2f} of NumPy's time")


# speed_up()
