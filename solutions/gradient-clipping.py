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
# # Exercise: Gradient clipping
#
# You write three ways to put a ceiling on a gradient, see which of them keeps its direction, make
# the norm safe against numbers whose squares are out of range, and put clipping in its place in a
# descent with momentum. The chapter *Gradient clipping* of the book derives the formulas; its
# equation labels, such as `gc-clip-norm`, appear in the reports below.
#
# POINTS
#
# Write plain NumPy. After each part, run the cell with `check(...)`: it compares your function with
# the reference on several gradients, says what is wrong, and shows the points that you have. Your
# submission is graded by the same criteria on other numbers. Expect about 75 minutes.

# %%
import numpy as np

# No module named "gradlab"? The page "Getting started" of the book says how to install it.
from gradlab.checks import check

# %% [markdown]
# ## 1 Clipping by value
#
# Each entry of the gradient $\mathbf g$ is bounded by itself, on both sides, by a threshold
# $\tau > 0$; call the result $\mathbf c$:
#
# $$c_j = \min\big(\max(g_j, -\tau), \, \tau\big) .$$
#
# That can turn the gradient. Find also the cosine of the angle between the two,
#
# $$\cos \angle(\mathbf g, \mathbf c)
#   = \frac{\mathbf g \cdot \mathbf c}{\lVert \mathbf g \rVert_2 \, \lVert \mathbf c \rVert_2} .$$
#
# An array of any shape counts as one vector of all its entries. Try the gradient $[0.9, 100]$ of the
# slides with $\tau = 1$.


# %% nbgrader={"grade": false, "grade_id": "by-value", "locked": false, "schema_version": 3, "solution": true, "task": false}
def clip_by_value(grad, clip_value):
    """Bound every entry of a gradient, and tell how far that turns it.

    grad: array of any shape; at least one entry is not 0
    clip_value: positive float

    Returns the tuple (clipped, cosine): an array of the shape of grad and a float.
    """
    ### BEGIN SOLUTION
    clipped = np.minimum(np.maximum(grad, -clip_value), clip_value)
    # Both lengths, with one root over the product of the two sums of squares.
    lengths = np.sqrt((grad**2).sum() * (clipped**2).sum())
    cosine = (grad * clipped).sum() / lengths
    return clipped, cosine
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check-by-value", "locked": true, "schema_version": 3, "solution": false, "task": false}
from gradlab.checks import check

check("gradient_clipping.by_value", clip_by_value)

# %% [markdown]
# ## 2 Clipping by norm
#
# Now the length decides: a gradient longer than $\tau$ is shortened to $\tau$, and any other stays
# as it is:
#
# $$\mathbf g \leftarrow \min\!\left(1, \, \frac{\tau}{\lVert \mathbf g \rVert_2}\right) \mathbf g,
# \qquad \lVert \mathbf g \rVert_2 = \sqrt{\textstyle\sum_j g_j^2} .$$
#
# The norm is that of all entries, whatever the shape of the array, and nothing is added to it. A
# gradient of zeros stays one of zeros.


# %% nbgrader={"grade": false, "grade_id": "by-norm", "locked": false, "schema_version": 3, "solution": true, "task": false}
def clip_by_norm(grad, max_norm):
    """Shorten a gradient that is too long, in its own direction.

    grad: array of any shape
    max_norm: positive float

    Returns an array of the shape of grad.
    """
    ### BEGIN SOLUTION
    norm = np.sqrt((grad**2).sum())
    # min(1, max_norm / norm), in a form that does not divide by a norm of 0.
    factor = max_norm / np.maximum(norm, max_norm)
    return factor * grad
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check-by-norm", "locked": true, "schema_version": 3, "solution": false, "task": false}
from gradlab.checks import check

check("gradient_clipping.by_norm", clip_by_norm)

# %% [markdown]
# ## 3 Clipping by global norm
#
# The gradient of a network comes as a list of arrays, one for each weight matrix and each bias. For
# the direction of the whole to stay, all of them get the *same* factor, from the norm of all entries
# of all arrays together.
#
# A gradient that explodes can be so large that its squares are above the largest float: in float64
# from about $10^{154}$ on. And the squares of numbers below $10^{-162}$ are 0. The norm itself is
# well within range in both cases. So take out the largest magnitude before you square:
#
# $$\lVert \mathbf g \rVert_2 = c \, \sqrt{\sum_k \sum_j \left(\frac{g_{kj}}{c}\right)^{\!2}},
# \qquad c = \max_{k, j} \lvert g_{kj} \rvert .$$
#
# If all entries are 0, the norm is 0 and the gradients stay. First write the function without $c$
# if you like: that earns all points but those of one criterion.


# %% nbgrader={"grade": false, "grade_id": "by-global-norm", "locked": false, "schema_version": 3, "solution": true, "task": false}
def clip_by_global_norm(grads, max_norm):
    """Shorten the gradients of a network by one factor, so that their common norm is bounded.

    grads: list of arrays of any shapes, at least one; each has at least one entry
    max_norm: positive float

    Returns the tuple (clipped, total_norm): a list of new arrays, each of the shape of its gradient,
    and a float, the common norm before clipping.
    """
    ### BEGIN SOLUTION
    largest = np.max([np.abs(grad).max() for grad in grads])
    if largest == 0:
        # There is nothing to divide by, and nothing to shorten.
        return [grad.copy() for grad in grads], 0.0
    # Every square is at most 1, and one of them is 1.
    squares = [((grad / largest) ** 2).sum() for grad in grads]
    total_norm = largest * np.sqrt(np.sum(squares))
    factor = max_norm / np.maximum(total_norm, max_norm)
    return [factor * grad for grad in grads], total_norm
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check-by-global-norm", "locked": true, "schema_version": 3, "solution": false, "task": false}
from gradlab.checks import check

check("gradient_clipping.by_global_norm", clip_by_global_norm)

# %% [markdown]
# ## 4 Descent with momentum
#
# Where does clipping stand in an optimizer that remembers? Momentum keeps a velocity $\mathbf v$, at
# first 0, that takes up a gradient in each step and lets it fade. A velocity that took up one huge
# gradient keeps it for many steps. So the gradient is clipped *before* the optimizer sees it: with
# $\mathbf g$ for the gradient at the point $\mathbf w$ where the step begins,
#
# $$\mathbf c = \min\!\left(1, \, \frac{\tau}{\lVert \mathbf g \rVert_2}\right) \mathbf g, \qquad
# \mathbf v \leftarrow \beta \mathbf v - \eta \mathbf c, \qquad
# \mathbf w \leftarrow \mathbf w + \mathbf v .$$
#
# `gradient` is a function: `gradient(w)` is the gradient of the loss at the point `w`. Return all
# points, from the start on. Write the clipping out, so that this part works without your second.


# %% nbgrader={"grade": false, "grade_id": "descent", "locked": false, "schema_version": 3, "solution": true, "task": false}
def clipped_descent(gradient, start, learning_rate, momentum, max_norm, steps):
    """Gradient descent with momentum, every gradient clipped by norm.

    gradient: function of an array (features,) that returns an array (features,)
    start: array (features,), the first point
    learning_rate, momentum, max_norm: floats, eta, beta and tau
    steps: int, at least 0

    Returns the array path (steps + 1, features): the start, and the point after each step.
    """
    ### BEGIN SOLUTION
    point = start
    velocity = np.zeros_like(start)
    path = [point]
    for _ in range(steps):
        slope = gradient(point)
        norm = np.sqrt((slope**2).sum())
        # Only what has been shortened enters the memory.
        clipped = slope * max_norm / np.maximum(norm, max_norm)
        velocity = momentum * velocity - learning_rate * clipped
        # A new array: the points in the list must not change.
        point = point + velocity
        path.append(point)
    return np.array(path)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check-descent", "locked": true, "schema_version": 3, "solution": false, "task": false}
from gradlab.checks import check

check("gradient_clipping.descent", clipped_descent)

# %% [markdown]
# ## 5 A question in words
#
# The slides clip $[0.9, 100]$ by norm at 1 and remark that the first entry is almost 0 afterwards. (a)
# Has clipping by norm done that? What has clipping by value at 1 done to the two entries instead?
# (b) A network has 40 arrays of gradients, and each is clipped *by its own norm* at 1. How long can
# the gradient of the whole network still be, and does it point where it did? Answer in three to
# five sentences.

# %% [markdown] nbgrader={"grade": true, "grade_id": "question-direction", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# (a) No: both entries are divided by the same 100.004, so the first is 0.9 % of the second as it was
# before, and the gradient points where it did. Clipping by value makes [0.9, 1]: it leaves the first
# entry alone, cuts the second to a hundredth, and so turns the gradient by 41 degrees, towards a
# direction that hardly mattered. (b) Up to the root of 40, about 6.3, because the squares of 40
# lengths of at most 1 add. Inside each array the direction stays, but the arrays that were
# shortened count less against the others than before, so the whole is turned unless all of them
# got the same factor.
#
# Marking: 0.25 for the ratio that stays; 0.25 for what clipping by value does to it; 0.25 for the
# root of 40; 0.25 for a direction that changes, with the reason.
# ### END SOLUTION

# %% [markdown]
# ## 6 For those who like speed
#
# Not graded. Part 1 in NumPy walks over the gradient for each minimum, product and sum, and makes an
# array each time. Write it as a single loop under `numba.njit`, for an array of one dimension, and
# see what that brings. The last line of the last cell runs the comparison, once you take away its
# `#`.

# %% nbgrader={"grade": false, "grade_id": "numba", "locked": false, "schema_version": 3, "solution": true, "task": false}
import timeit

from numba import njit


@njit
def clip_by_value_numba(grad, clip_value):
    ### BEGIN SOLUTION
    clipped = np.empty_like(grad)
    # Three sums beside each other: none waits for another.
    product, before, after = 0.0, 0.0, 0.0
    for i in range(grad.size):
        bounded = min(max(grad[i], -clip_value), clip_value)
        clipped[i] = bounded
        product += grad[i] * bounded
        before += grad[i] * grad[i]
        after += bounded * bounded
    return clipped, product / np.sqrt(before * after)
    ### END SOLUTION


# %%
def speed_up():
    """Time both forms alternately on one gradient and print the ratio of the medians."""
    rng = np.random.default_rng(0)
    arguments = rng.normal(size=200_000), 0.7
    clip_by_value_numba(*arguments)
    times = {clip_by_value: [], clip_by_value_numba: []}
    for _ in range(15):
        for function, record in times.items():
            record.append(timeit.timeit(lambda f=function: f(*arguments), number=5))
    numpy_time, numba_time = (sorted(record)[7] for record in times.values())
    print(f"numba takes {numba_time / numpy_time:.2f} of NumPy's time")


# speed_up()
