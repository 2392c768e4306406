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
# # Exercise: Gradient descent
#
# You compute from the curvature which learning rates are good and which diverge, walk through a
# training set in mini-batches, work out how noisy a mini-batch is, and find the largest stable rate
# by experiment, without knowing the curvature; at last you compute two Hessians that a network can
# afford. The chapter *Gradient descent* of the book derives
# every formula; its equation labels, such as `gd-update`, appear in the reports below.
#
# POINTS
#
# Write plain NumPy. After each part, run the cell with `check(...)`: it compares your function with
# the reference on several cases, says what is wrong, and shows the points that you have. Your
# submission is graded by the same criteria on other numbers. Expect about 100 minutes.

# %%
import numpy as np

# No module named "gradlab"? The page "Getting started" of the book says how to install it.
from gradlab.checks import check

# %% [markdown]
# ## 1 Rates from the curvature
#
# On a quadratic error surface with the Hessian $H$, a step of gradient descent with the rate $\eta$
# multiplies the distance from the minimum along the principal axis $k$ by $1 - \eta \lambda_k$,
# where $\lambda_k$ is an eigenvalue of $H$. From this follow
#
# - the rate that is optimal: the one at which the slowest axis is as fast as possible, or
#   $\max_k |1 - \eta \lambda_k|$ is smallest;
# - the bound: all axes converge below it, and none above it converges on the steepest axis;
# - the condition number, the largest eigenvalue over the smallest.


# %% nbgrader={"grade": false, "grade_id": "rates", "locked": false, "schema_version": 3, "solution": true, "task": false}
def learning_rates(hessian):
    """Learning rates for a quadratic error surface, and how elongated it is.

    hessian: array (weights, weights), symmetric and positive definite

    Returns the tuple (optimal, bound, condition) of three floats.
    """
    ### BEGIN SOLUTION
    # eigvalsh is for symmetric matrices: real eigenvalues, in ascending order.
    eigenvalues = np.linalg.eigvalsh(hessian)
    low, high = eigenvalues.min(), eigenvalues.max()
    # The two extreme axes are equally fast where 1 - rate * low = rate * high - 1.
    optimal = 2 / (low + high)
    # The steepest axis diverges first: where its factor 1 - rate * high reaches -1.
    bound = 2 / high
    return optimal, bound, high / low
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check-rates", "locked": true, "schema_version": 3, "solution": false, "task": false}
from gradlab.checks import check

check("gradient_descent.rates", learning_rates)

# %% [markdown]
# ## 2 One pass in mini-batches
#
# A linear unit predicts $\hat y_i = w^\top x_i$. The loss of example $i$ is
# $\ell_i = \frac12 (w^\top x_i - y_i)^2$, and $\mathcal L$ is its mean. A step on a mini-batch of
# size $B$ goes against the *mean* of the gradients of its examples:
#
# $$w \leftarrow w - \eta \, \hat g, \qquad
#   \hat g = \frac1B \sum_{i \in \text{batch}} \nabla \ell_i .$$
#
# Go once through the training set. `order` holds the indices of all examples, shuffled: its first
# `batch_size` entries are the first mini-batch, and so on. The last mini-batch may be smaller. It is
# kept, and its mean is taken over the examples that it has. With `batch_size` 1 this is stochastic
# learning, with the number of examples it is batch learning. Store the weights before the first
# step and after every step.


# %% nbgrader={"grade": false, "grade_id": "minibatch-descent", "locked": false, "schema_version": 3, "solution": true, "task": false}
def minibatch_descent(x, y, w, order, batch_size, rate):
    """One pass of mini-batch gradient descent for a linear unit.

    x: array (examples, features)
    y: array (examples,), the targets
    w: array (features,), the weights at the start
    order: integer array (examples,), a permutation of 0 ... examples - 1
    batch_size: int, at least 1 and at most the number of examples
    rate: positive float

    Returns the path, an array (steps + 1, features): row 0 holds w, row t the weights after t steps.
    """
    ### BEGIN SOLUTION
    path = [w]
    for start in range(0, len(order), batch_size):
        # A slice that goes past the end is shorter: that is the last mini-batch.
        batch = order[start : start + batch_size]
        error = x[batch] @ w - y[batch]
        # The gradient of one example is its error times its input.
        gradient = x[batch].T @ error / len(batch)
        # A new array, so that the points that are in the path already stay what they are.
        w = w - rate * gradient
        path.append(w)
    return np.array(path)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check-minibatch-descent", "locked": true, "schema_version": 3, "solution": false, "task": false}
from gradlab.checks import check

check("gradient_descent.minibatch_descent", minibatch_descent)

# %% [markdown]
# ## 3 The variance of a mini-batch
#
# `gradients` holds the gradient $\nabla \ell_i$ of each of the $M$ examples in a row. Draw a
# mini-batch of $B$ examples at random, none of them twice. Its mean gradient $\hat g$ is right on
# average. How far off is it, in the mean of the squared distance over all mini-batches that can be
# drawn?
#
# $$\operatorname{Var} \hat g = \mathrm E \, \lVert \hat g - \nabla \mathcal L \rVert^2,
#   \qquad \nabla \mathcal L = \frac1M \sum_{i=1}^{M} \nabla \ell_i .$$
#
# The squared distance sums over the weights, so the answer is one number. Before you write any
# formula, say what the answer has to be for $B = 1$ and for $B = M$.


# %% nbgrader={"grade": false, "grade_id": "minibatch-variance", "locked": false, "schema_version": 3, "solution": true, "task": false}
def minibatch_variance(gradients, batch_size):
    """Expected squared distance between the gradient of a mini-batch and that of all examples.

    gradients: array (examples, weights), the gradients of the single examples; at least 2 examples
    batch_size: int between 1 and the number of examples; drawn without replacement

    Returns a float.
    """
    ### BEGIN SOLUTION
    examples = len(gradients)
    deviations = gradients - gradients.mean(axis=0)
    # The variance of the gradient of one example is known, and not estimated: it divides by M.
    one = (deviations**2).sum() / examples
    # A mean over B independent draws would have one / B. Drawing none twice takes away more: the
    # whole variance when nothing is left to draw, and nothing of it for a mini-batch of one.
    remaining = (examples - batch_size) / (examples - 1)
    return remaining * one / batch_size
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check-minibatch-variance", "locked": true, "schema_version": 3, "solution": false, "task": false}
from gradlab.checks import check

check("gradient_descent.minibatch_variance", minibatch_variance)

# %% [markdown]
# ## 4 The largest stable rate by experiment
#
# For a network nobody computes all eigenvalues of the Hessian. But one can try. Given is `grad`, the
# gradient of a quadratic whose Hessian you do not see, a rate `low` that converges and a rate
# `high` that diverges. Halve the interval between them, again and again:
#
# - try the rate in the middle, $(\text{low} + \text{high}) / 2$: take `steps` steps of gradient
#   descent with it, from `start`;
# - the rate diverges if the gradient is *longer* (in the Euclidean norm) after these steps than it was
#   at `start`, or is no longer a number, because the weights have overflowed; one that keeps its
#   length has not diverged;
# - a rate that diverges is the new `high`, any other one the new `low`.
#
# Do this `halvings` times. A warning about an overflow in the report costs nothing.


# %% nbgrader={"grade": false, "grade_id": "stable-rate-by-experiment", "locked": false, "schema_version": 3, "solution": true, "task": false}
def stable_rate_by_experiment(grad, start, steps, low, high, halvings):
    """Bracket the largest stable learning rate by trying rates.

    grad: function; takes an array (weights,) and returns the gradient there, an array (weights,)
    start: array (weights,), where every trial starts
    steps: int, updates in a trial, at least 1
    low, high: floats; the rate low converges and the rate high diverges
    halvings: int, how many rates to try

    Returns the tuple (low, high) of floats: the ends of the last interval.
    """
    ### BEGIN SOLUTION
    length_at_start = np.linalg.norm(grad(start))
    for _ in range(halvings):
        rate = (low + high) / 2
        w = start
        for _ in range(steps):
            w = w - rate * grad(w)
        # Asked this way round, because a comparison with nan is False: nan is not "not longer".
        if np.linalg.norm(grad(w)) <= length_at_start:
            low = rate
        else:
            high = rate
    return low, high
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check-stable-rate-by-experiment", "locked": true, "schema_version": 3, "solution": false, "task": false}
from gradlab.checks import check

check("gradient_descent.stable_rate_by_experiment", stable_rate_by_experiment)

# %% [markdown]
# Now compare the experiment with the theory. The inputs of a linear unit have a mean that is not
# zero; afterwards it is subtracted. The interval may lie a little above the bound, because the steep
# axis first has to make up for what the gradient loses along the flat ones. The last line runs the
# comparison, once you take away its `#`.


# %%
def compare_with_theory():
    """Print the bound from the Hessian and the interval from trials, for raw and centered inputs."""
    rng = np.random.default_rng(0)
    raw = rng.normal(size=(200, 5)) + 2.0
    y = rng.normal(size=200)
    for name, x in (("raw", raw), ("centered", raw - raw.mean(axis=0))):
        hessian = x.T @ x / 200
        _, bound, condition = learning_rates(hessian)
        with np.errstate(all="ignore"):  # the largest rates overflow, and are meant to
            low, high = stable_rate_by_experiment(
                lambda w, x=x: x.T @ (x @ w - y) / 200, np.zeros(5), 200, 0.0, 10.0, 12
            )
        print(f"{name:8s} condition number {condition:.1f}, bound {bound:.3f}")
        print(f"         by experiment between {low:.3f} and {high:.3f}")


# compare_with_theory()

# %% [markdown]
# ## 5 Simplified Hessians
#
# The Hessian of a network is too large to compute. Two simplifications use what is at hand. The
# matrix of Gauss and Newton leaves out the second derivatives of the outputs: with $J_i$ for the
# derivatives of the outputs for example $i$ with respect to the weights, and $H_i$ for the second
# derivatives of its loss with respect to the outputs, it is the mean
#
# $$G = \frac1M \sum_{i=1}^{M} J_i^\top H_i J_i .$$
#
# The other one leaves out everything beside the diagonal. Newton's step then needs no system of
# equations: with the gradient $g$ and a damping $\mu > 0$,
#
# $$\Delta w_k = - \frac{g_k}{|G_{kk}| + \mu} .$$


# %% nbgrader={"grade": false, "grade_id": "simplified-hessian", "locked": false, "schema_version": 3, "solution": true, "task": false}
def simplified_hessian(jacobian, loss_hessian, grad, damping):
    """Gauss and Newton's matrix, and the step of its diagonal.

    jacobian: array (examples, outputs, weights)
    loss_hessian: array (examples, outputs, outputs), a symmetric matrix for each example
    grad: array (weights,), the gradient of the mean loss
    damping: positive float

    Returns the tuple (matrix, step) of arrays (weights, weights) and (weights,).
    """
    ### BEGIN SOLUTION
    examples, _, weights = jacobian.shape
    matrix = np.zeros((weights, weights))
    for derivatives, curvature in zip(jacobian, loss_hessian, strict=True):
        # Down from the weights to the outputs, through the loss, and back up.
        matrix = matrix + derivatives.T @ curvature @ derivatives
    matrix = matrix / examples
    # The damping bounds the step of a weight that hardly matters.
    step = -grad / (np.abs(np.diag(matrix)) + damping)
    return matrix, step
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check-simplified-hessian", "locked": true, "schema_version": 3, "solution": false, "task": false}
from gradlab.checks import check

check("gradient_descent.simplified_hessian", simplified_hessian)

# %% [markdown]
# ## 6 A question in words
#
# A linear unit has two inputs of mean 0 and variance 1 with correlation 0.98, and is trained on the
# whole batch with the rate $1.2 / \lambda_{\max}$. In the first steps the loss falls by nine tenths,
# and then hardly at all. The first colleague says that it has converged. The second wants to double
# the rate. The third wants to multiply all inputs by 10, so that the gradients get larger. What do you
# answer to each of them, and what would you do instead? Use the eigenvalues.

# %% [markdown] nbgrader={"grade": true, "grade_id": "question-valley", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# The eigenvalues are 1.98 and 0.02. A step multiplies the distance along the steep axis by
# $1 - 1.2 = -0.2$ and along the flat one by $1 - 1.2 \cdot 0.02 / 1.98 = 0.988$. To the first: only
# the steep axis, which made most of the loss, has settled; the flat one needs about 57 steps to come
# half as close, and its gradient is small but not 0. To the second: the rate would be
# $2.4 / \lambda_{\max}$, above the bound $2 / \lambda_{\max}$, and the steep axis would diverge with
# the factor $-1.4$. To the third: both eigenvalues are multiplied by 100. The condition number stays
# 99, so that no rate makes the slow axis faster than before in relation to the steep one; and the old
# rate is now far above the bound. What helps is a smaller condition number: inputs that are
# decorrelated.
#
# Marking: 0.25 for a flat axis that has hardly moved; 0.25 for a doubled rate above the bound; 0.25
# for a condition number that stays when all inputs are scaled; 0.25 for a remedy that makes it
# smaller.
# ### END SOLUTION

# %% [markdown]
# ## 7 For those who like speed
#
# Not graded. With one example a step, NumPy spends its time on calls and not on numbers. Write
# stochastic learning as loops under `numba.njit`, and see what that brings. Return the weights at
# the end only. The last line of the last cell runs the comparison, once you take away its `#`.

# %% nbgrader={"grade": false, "grade_id": "numba", "locked": false, "schema_version": 3, "solution": true, "task": false}
import timeit

from numba import njit


@njit
def stochastic_descent_numba(x, y, w, order, rate):
    ### BEGIN SOLUTION
    w = w.copy()
    for i in order:
        row = x[i]
        deviation = -y[i]
        for j in range(row.size):
            deviation += row[j] * w[j]
        for j in range(row.size):
            w[j] -= rate * deviation * row[j]
    return w
    ### END SOLUTION


# %%
def speed_up():
    """Time both forms alternately on one pass and print the ratio of the medians."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2000, 20)), rng.normal(size=2000)
    w, order = np.zeros(20), rng.permutation(2000)
    calls = {
        "NumPy": lambda: minibatch_descent(x, y, w, order, 1, 0.01)[-1],
        "numba": lambda: stochastic_descent_numba(x, y, w, order, 0.01),
    }
    np.testing.assert_allclose(calls["numba"](), calls["NumPy"]())
    times = {name: [] for name in calls}
    for _ in range(15):
        for name, call in calls.items():
            times[name].append(timeit.timeit(call, number=1))
    numpy_time, numba_time = (sorted(record)[7] for record in times.values())
    print(f"numba takes {numba_time / numpy_time:.3f} of NumPy's time")


# speed_up()
