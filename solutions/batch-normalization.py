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
# # Exercise: Batch normalization
#
# You write the functions that a batch normalization layer is made of: what it does to a
# mini-batch in training, how the gradient comes back through it, three ways to collect statistics,
# and what it does with them when there is no mini-batch. The chapter *Batch normalization* of the book
# derives every formula; its equation labels, such as `bn-mean`, appear in the reports below.
#
# POINTS
#
# Write plain NumPy. After each part, run the cell with `check(...)`: it compares your function with
# the reference on several batches, says what is wrong, and shows the points that you have. Your
# submission is graded by the same criteria on other numbers. Expect about 90 minutes.

# %%
import numpy as np

# No module named "gradlab"? The page "Getting started" of the book says how to install it.
from gradlab.checks import check

# %% [markdown]
# ## 1 Forward pass in training
#
# For a mini-batch `x` of shape `(batch, features)`, each feature $j$ is standardized over the
# batch and then scaled and shifted:
#
# $$
# \begin{gathered}
# \mu_j = \frac{1}{B} \sum_i x_{ij}, \qquad
# \sigma_j^2 = \frac{1}{B} \sum_i (x_{ij} - \mu_j)^2, \\
# u_{ij} = \frac{x_{ij} - \mu_j}{\sqrt{\sigma_j^2 + \epsilon}}, \qquad
# \mathrm{out}_{ij} = \gamma_j u_{ij} + \beta_j .
# \end{gathered}
# $$
#
# Mind where $\epsilon$ stands. The variance divides by $B$, and is returned without $\epsilon$.


# %% nbgrader={"grade": false, "grade_id": "forward", "locked": false, "schema_version": 3, "solution": true, "task": false}
def batch_norm_forward(x, gamma, beta, eps):
    """Batch normalization in training.

    x: array (batch, features), batch at least 2
    gamma, beta: arrays (features,)
    eps: positive float

    Returns the tuple (out, mean, var): an array (batch, features) and two arrays (features,).
    """
    ### BEGIN SOLUTION
    mean = x.mean(axis=0)
    var = ((x - mean) ** 2).mean(axis=0)
    normalized = (x - mean) / np.sqrt(var + eps)
    out = gamma * normalized + beta
    return out, mean, var
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check-forward", "locked": true, "schema_version": 3, "solution": false, "task": false}
from gradlab.checks import check

check("batch_normalization.forward", batch_norm_forward)

# %% [markdown]
# ## 2 Backward pass
#
# `dout` is the gradient of the loss with respect to `out`. Find the gradients with respect to `x`,
# `gamma` and `beta`. Every entry of `x` acts on the loss in three ways: through its own
# standardized value, through the variance and through the mean of its feature.
#
# `mean` and `var` are handed over, as the forward pass found them, so this part does not depend on
# your first one.


# %% nbgrader={"grade": false, "grade_id": "backward", "locked": false, "schema_version": 3, "solution": true, "task": false}
def batch_norm_backward(dout, x, mean, var, gamma, eps):
    """Gradients through batch normalization in training.

    dout, x: arrays (batch, features)
    mean, var, gamma: arrays (features,); mean and var are those of x over the batch
    eps: positive float

    Returns the tuple (dx, dgamma, dbeta): an array (batch, features) and two arrays (features,).
    """
    ### BEGIN SOLUTION
    batch = x.shape[0]
    inv_std = 1 / np.sqrt(var + eps)
    centered = x - mean
    dbeta = dout.sum(axis=0)
    dgamma = (dout * centered * inv_std).sum(axis=0)
    du = dout * gamma
    dvar = -0.5 * inv_std**3 * (du * centered).sum(axis=0)
    dmean = -inv_std * du.sum(axis=0)
    dx = du * inv_std + dvar * 2 * centered / batch + dmean / batch
    return dx, dgamma, dbeta
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check-backward", "locked": true, "schema_version": 3, "solution": false, "task": false}
from gradlab.checks import check

check("batch_normalization.backward", batch_norm_backward)

# %% [markdown]
# ## 3 Running statistics
#
# At inference there may be one example and no batch. So training keeps running statistics, which
# each mini-batch moves a little. Use PyTorch's convention: `momentum` is the weight of the *new*
# batch, and the variance of the batch is made unbiased by the factor $B / (B - 1)$ first.


# %% nbgrader={"grade": false, "grade_id": "running-statistics", "locked": false, "schema_version": 3, "solution": true, "task": false}
def update_running_statistics(
    running_mean, running_var, batch_mean, batch_var, batch_size, momentum
):
    """Running statistics after one more mini-batch.

    running_mean, running_var, batch_mean, batch_var: arrays (features,)
    batch_size: int, at least 2; batch_var divides by it
    momentum: float between 0 and 1

    Returns the tuple (running_mean, running_var) of new arrays (features,).
    """
    ### BEGIN SOLUTION
    unbiased = batch_var * batch_size / (batch_size - 1)
    new_mean = (1 - momentum) * running_mean + momentum * batch_mean
    new_var = (1 - momentum) * running_var + momentum * unbiased
    return new_mean, new_var
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check-running-statistics", "locked": true, "schema_version": 3, "solution": false, "task": false}
from gradlab.checks import check

check("batch_normalization.running_statistics", update_running_statistics)

# %% [markdown]
# ## 4 The averages of the decks
#
# Two other ways to the statistics for inference. Deck C runs all mini-batches once more when
# training is over, and averages their means and variances; the factor $B / (B - 1)$ makes the
# average variance unbiased. Deck H keeps a moving average of the *standard deviation* that starts
# from the first mini-batch and gives the newest the weight $\alpha$:
# $\hat v_1 = v_1$ and $\hat v_n = \alpha v_n + (1 - \alpha) \hat v_{n-1}$.


# %% nbgrader={"grade": false, "grade_id": "averages", "locked": false, "schema_version": 3, "solution": true, "task": false}
def averages(batch_means, batch_vars, batch_size, alpha):
    """Statistics for inference, as decks C and H find them.

    batch_means, batch_vars: arrays (batches, features), one row a mini-batch, the oldest first
    batch_size: int, at least 2; batch_vars divides by it
    alpha: float between 0 and 1

    Returns the tuple (mean, var, moving_std) of arrays (features,): the averages of deck C, and
    the moving average of the standard deviation of deck H, without B / (B - 1).
    """
    ### BEGIN SOLUTION
    mean = batch_means.mean(axis=0)
    var = batch_vars.mean(axis=0) * batch_size / (batch_size - 1)
    moving = np.sqrt(batch_vars[0])
    for step in batch_vars[1:]:
        moving = alpha * np.sqrt(step) + (1 - alpha) * moving
    return mean, var, moving
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check-averages", "locked": true, "schema_version": 3, "solution": false, "task": false}
from gradlab.checks import check

check("batch_normalization.averages", averages)

# %% [markdown]
# ## 5 Inference
#
# With the running statistics in place of those of the batch, the output for an example depends on
# that example alone.


# %% nbgrader={"grade": false, "grade_id": "inference", "locked": false, "schema_version": 3, "solution": true, "task": false}
def batch_norm_inference(x, gamma, beta, running_mean, running_var, eps):
    """Batch normalization at inference.

    x: array (batch, features), batch at least 1
    gamma, beta, running_mean, running_var: arrays (features,)
    eps: positive float

    Returns an array (batch, features).
    """
    ### BEGIN SOLUTION
    normalized = (x - running_mean) / np.sqrt(running_var + eps)
    return gamma * normalized + beta
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check-inference", "locked": true, "schema_version": 3, "solution": false, "task": false}
from gradlab.checks import check

check("batch_normalization.inference", batch_norm_inference)

# %% [markdown]
# ## 6 A question in words
#
# A fully connected layer computes $x = a W + b$, and batch normalization follows. Somebody removes
# the bias $b$ to save memory. Does the network lose anything? Answer in three or four sentences:
# say what $b$ does to the output of batch normalization, what that means for the gradient with
# respect to $b$, and where you can see the same fact in the `dx` of part 2.

# %% [markdown] nbgrader={"grade": true, "grade_id": "question-bias", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# It loses nothing. Adding $b_j$ to every example moves the mean of feature $j$ by $b_j$, and the
# mean is subtracted, so the output does not depend on $b$ at all; $\beta$ takes over its work. The
# gradient with respect to $b_j$ is therefore 0. It is also the sum of `dx` over the batch, because
# $b_j$ enters every $x_{ij}$ with derivative 1; so every column of `dx` has to sum to 0, and it
# does: the path through the mean takes away exactly the sum that the direct path brings, and the
# path through the variance sums to 0 by itself.
#
# Marking: 0.5 for an output that does not depend on $b$, with $\beta$ in its place; 0.25 for a
# gradient of 0; 0.25 for the columns of `dx` that sum to 0.
# ### END SOLUTION

# %% [markdown]
# ## 7 For those who like speed
#
# Not graded. NumPy walks over the batch once for each operation and makes an array each time. Write
# the forward pass as loops under `numba.njit` instead, and see what that brings. Loop over the
# examples outside and over the features inside: then the inner loop reads memory in order. The last
# line of the last cell runs the comparison, once you take away its `#`.

# %% nbgrader={"grade": false, "grade_id": "numba", "locked": false, "schema_version": 3, "solution": true, "task": false}
import timeit

from numba import njit


@njit
def batch_norm_forward_numba(x, gamma, beta, eps):
    ### BEGIN SOLUTION
    batch, features = x.shape
    mean = np.zeros(features)
    var = np.zeros(features)
    out = np.empty_like(x)
    for i in range(batch):
        row = x[i]
        for j in range(features):
            mean[j] += row[j]
    mean /= batch
    for i in range(batch):
        row = x[i]
        for j in range(features):
            var[j] += (row[j] - mean[j]) ** 2
    var /= batch
    scale = gamma / np.sqrt(var + eps)
    for i in range(batch):
        row, result = x[i], out[i]
        for j in range(features):
            result[j] = (row[j] - mean[j]) * scale[j] + beta[j]
    return out, mean, var
    ### END SOLUTION


# %%
def speed_up():
    """Time both forms alternately on one batch and print the ratio of the medians."""
    rng = np.random.default_rng(0)
    arguments = rng.normal(size=(512, 256)), np.ones(256), np.zeros(256), 1e-5
    batch_norm_forward_numba(*arguments)
    times = {batch_norm_forward: [], batch_norm_forward_numba: []}
    for _ in range(15):
        for function, record in times.items():
            record.append(timeit.timeit(lambda f=function: f(*arguments), number=5))
    numpy_time, numba_time = (sorted(record)[7] for record in times.values())
    print(f"numba takes {numba_time / numpy_time:.2f} of NumPy's time")


# speed_up()
