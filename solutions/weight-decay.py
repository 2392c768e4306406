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
# # Exercise: Weight decay
#
# You write the penalty on large weights and its gradient, the step of gradient descent that follows,
# the two places where decay can stand in an adaptive method, and the exact minimum of a linear model
# with a penalty. The chapter *Weight decay* of the book derives the formulas; its equation labels,
# such as `wd-penalty`, appear in the reports below.
#
# POINTS
#
# Write plain NumPy. After each part, run the cell with `check(...)`: it compares your function with
# the reference on several networks, says what is wrong, and shows the points that you have. Your
# submission is graded by the same criteria on other numbers. Expect about 90 minutes.

# %%
import numpy as np

# No module named "gradlab"? The page "Getting started" of the book says how to install it.
from gradlab.checks import check

# %% [markdown]
# ## 1 The penalty and its gradient
#
# The parameters of a network come as a list of arrays in any order: weight matrices, which have two
# dimensions, and biases, which have one. The penalty is
#
# $$\frac{\lambda}{2} \sum_l \lVert W_l \rVert_F^2 ,$$
#
# with $\lVert W \rVert_F^2$ the sum of the squares of all entries. The sum runs over the weight
# matrices alone: the biases are left out. Mind the half. (Keras and one of the slides leave it out.)
#
# Return also the derivative with respect to every entry of every array, as a list of arrays of the
# same shapes, biases included, so that it can be added to the gradients of the loss.


# %% nbgrader={"grade": false, "grade_id": "penalty", "locked": false, "schema_version": 3, "solution": true, "task": false}
def l2_penalty(params, strength):
    """The penalty on the weights of a network, and its gradient.

    params: list of arrays; weights have two dimensions, biases one
    strength: float, at least 0, lambda

    Returns the tuple (penalty, gradients): a float, and a list of arrays, one of the same shape for
    each array of params.
    """
    ### BEGIN SOLUTION
    penalty = 0.0
    gradients = []
    for param in params:
        if param.ndim == 2:
            penalty += 0.5 * strength * (param**2).sum()
            gradients.append(strength * param)
        else:
            # The penalty does not depend on a bias.
            gradients.append(np.zeros_like(param))
    return penalty, gradients
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check-penalty", "locked": true, "schema_version": 3, "solution": false, "task": false}
from gradlab.checks import check

check("weight_decay.penalty", l2_penalty)

# %% [markdown]
# ## 2 A step on a mini-batch
#
# Gradient descent on the loss and the penalty together. The loss of a mini-batch is the *mean* of
# the losses $\ell_i$ of its $B$ examples, and the penalty is added to it once. With the learning rate
# $\eta$, for every weight matrix,
#
# $$W_l \leftarrow W_l - \eta \left( \frac{1}{B} \sum_{i=1}^{B}
#   \frac{\partial \ell_i}{\partial W_l} + \lambda W_l \right),$$
#
# and for every bias the same without $\lambda$. You are given the gradients of the examples one by
# one: beside an array of shape `(4, 3)` stands one of shape `(batch, 4, 3)`.


# %% nbgrader={"grade": false, "grade_id": "step", "locked": false, "schema_version": 3, "solution": true, "task": false}
def sgd_step(params, example_grads, learning_rate, strength):
    """One step of gradient descent with weight decay.

    params: list of arrays; weights have two dimensions, biases one
    example_grads: list of arrays, one for each of params, with one more dimension in front: the
        gradient of the loss of each example
    learning_rate, strength: floats, eta and lambda

    Returns the new params, a list of new arrays.
    """
    ### BEGIN SOLUTION
    stepped = []
    for param, grads in zip(params, example_grads, strict=True):
        slope = grads.mean(axis=0)
        # The gradient of the penalty joins the mean, once and for weights only.
        if param.ndim == 2:
            slope = slope + strength * param
        stepped.append(param - learning_rate * slope)
    return stepped
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check-step", "locked": true, "schema_version": 3, "solution": false, "task": false}
from gradlab.checks import check

check("weight_decay.step", sgd_step)

# %% [markdown]
# ## 3 Decay in an adaptive step
#
# RMSProp divides each gradient by the root of a running average $s$ of its squares. With $\mathbf g$ for
# the gradient and $\mathbf w$ for the weights, entry by entry:
#
# $$s \leftarrow \rho \, s + (1 - \rho) \, g^2, \qquad
#   w \leftarrow w - \eta \, \frac{g}{\sqrt{s + \epsilon}} .$$
#
# The new $s$ is used in the step, and $\epsilon$ stands under the root. Decay can enter in two ways.
#
# - *In the gradient* (`decoupled=False`): first of all $g$ becomes $g + \lambda w$, and everything
#   else sees that sum.
# - *Decoupled* (`decoupled=True`): RMSProp sees the gradient of the loss alone, and the weights
#   shrink before its step by themselves, $w \leftarrow (1 - \eta \lambda) \, w$.
#
# The check makes four steps in a row, with what your function returns, and another gradient in each.


# %% nbgrader={"grade": false, "grade_id": "adaptive-step", "locked": false, "schema_version": 3, "solution": true, "task": false}
def adaptive_step(weight, grad, square, learning_rate, rho, eps, strength, decoupled):
    """One step of RMSProp with weight decay.

    weight, grad, square: arrays (features,); grad is the gradient of the loss, square the running
        average s
    learning_rate, rho, eps, strength: floats, eta, rho, epsilon and lambda
    decoupled: bool, where the decay enters

    Returns the tuple (weight, square) of new arrays (features,).
    """
    ### BEGIN SOLUTION
    if decoupled:
        slope = grad
        # Away from the gradient, so that nothing divides the decay.
        kept = weight * (1 - learning_rate * strength)
    else:
        slope = grad + strength * weight
        kept = weight
    new_square = rho * square + (1 - rho) * slope**2
    new_weight = kept - learning_rate * slope / np.sqrt(new_square + eps)
    return new_weight, new_square
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check-adaptive-step", "locked": true, "schema_version": 3, "solution": false, "task": false}
from gradlab.checks import check

check("weight_decay.adaptive_step", adaptive_step)

# %% [markdown]
# ## 4 Ridge regression
#
# For a linear model the minimum can be written down. There are $M$ examples $\mathbf x_i$, the rows of
# `x`, with targets $y_i$. Find the weights $\mathbf w$ and the bias $b$ that minimize
#
# $$\frac{1}{2M} \sum_{i=1}^{M} \big( \mathbf x_i \cdot \mathbf w + b - y_i \big)^2
#   + \frac{\lambda}{2} \lVert \mathbf w \rVert_2^2 .$$
#
# The bias is not in the penalty. Set the derivative with respect to $b$ to 0 first: what does it say
# about $b$? Put that into the derivatives with respect to $\mathbf w$, and you have linear equations.
# `np.linalg.solve` solves them. With $\lambda > 0$ they have one solution even where there are fewer
# examples than features; where $\lambda = 0$, there are enough.


# %% nbgrader={"grade": false, "grade_id": "ridge", "locked": false, "schema_version": 3, "solution": true, "task": false}
def ridge(x, y, strength):
    """Fit a linear model with a penalty on its weights.

    x: array (examples, features)
    y: array (examples,)
    strength: float, at least 0, lambda

    Returns the tuple (weight, bias): an array (features,) and a float.
    """
    ### BEGIN SOLUTION
    count, features = x.shape
    # The derivative for the bias is 0 where b = mean(y) - mean(x) . w. With that in its place the
    # model sees centered inputs, and the targets need no centering: centered inputs sum to 0.
    x_mean = x.mean(axis=0)
    centered = x - x_mean
    # 1/M sum_i c_i (c_i . w - y_i) + lambda w = 0, with c_i for the centered inputs.
    matrix = centered.T @ centered / count + strength * np.eye(features)
    weight = np.linalg.solve(matrix, centered.T @ y / count)
    bias = y.mean() - x_mean @ weight
    return weight, bias
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check-ridge", "locked": true, "schema_version": 3, "solution": false, "task": false}
from gradlab.checks import check

check("weight_decay.ridge", ridge)

# %% [markdown]
# ## 5 A question in words
#
# A pixel at the edge of the images is always 0. Somebody trains with the penalty in the gradient of
# an adaptive method such as that of part 3 and raises $\lambda$ from 0.1 to 1. What happens to the
# weights of this pixel, at both strengths, and why? What would happen with decoupled decay? And
# which weights does the penalty in the gradient shrink least, among those that do get gradients?
# Answer in four or five sentences.

# %% [markdown] nbgrader={"grade": true, "grade_id": "question-adaptive", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# The loss gives these weights no gradient, so what the method sees is the penalty's alone, strength
# times weight. It is divided by the root of the average of its own square, which is about the
# strength times the magnitude of the weight: the strength cancels, and what is left is the sign.
# So the weights walk to 0 in steps of about the learning rate, equally fast at 0.1 and at 1.
# Decoupled, they shrink by the factor 1 - learning rate times strength in each step, ten times as fast
# at 1 as at 0.1. Among the others the penalty in the gradient shrinks those least whose gradients
# are large, since it is divided by the gradients' size as well.
#
# Marking: 0.5 for a strength that cancels, with the reason; 0.25 for the factor of decoupled decay;
# 0.25 for the weights with large gradients.
# ### END SOLUTION

# %% [markdown]
# ## 6 For those who like speed
#
# Not graded. The adaptive step in NumPy makes an array for each operation. Write it as one loop over
# the weights under `numba.njit` instead, and see what that brings. The last line of the last cell
# runs the comparison, once you take away its `#`.

# %% nbgrader={"grade": false, "grade_id": "numba", "locked": false, "schema_version": 3, "solution": true, "task": false}
import timeit

from numba import njit


@njit
def adaptive_step_numba(weight, grad, square, learning_rate, rho, eps, strength, decoupled):
    ### BEGIN SOLUTION
    new_weight = np.empty_like(weight)
    new_square = np.empty_like(square)
    # One of the two is idle, so that the loop has no branch.
    shrink = 1.0 - learning_rate * strength if decoupled else 1.0
    l2 = 0.0 if decoupled else strength
    for i in range(weight.size):
        slope = grad[i] + l2 * weight[i]
        average = rho * square[i] + (1.0 - rho) * slope * slope
        new_square[i] = average
        new_weight[i] = shrink * weight[i] - learning_rate * slope / np.sqrt(average + eps)
    return new_weight, new_square
    ### END SOLUTION


# %%
def speed_up():
    """Time both forms alternately on one array of weights and print the ratio of the medians."""
    rng = np.random.default_rng(0)
    weight, grad = rng.normal(size=(2, 100_000))
    arguments = weight, grad, grad**2, 1e-3, 0.9, 1e-8, 0.1, False
    adaptive_step_numba(*arguments)
    times = {adaptive_step: [], adaptive_step_numba: []}
    for _ in range(15):
        for function, record in times.items():
            record.append(timeit.timeit(lambda f=function: f(*arguments), number=5))
    numpy_time, numba_time = (sorted(record)[7] for record in times.values())
    print(f"numba takes {numba_time / numpy_time:.2f} of NumPy's time")


# speed_up()
