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
# # Exercise: Layer normalization
#
# You write both passes of layer normalization, its relatives for images, and then an experiment
# that shows what sets it apart from batch normalization. The chapter *Layer normalization* of the
# book derives every formula; its equation labels, such as `ln-mean`, appear in the reports below.
#
# POINTS
#
# Write plain NumPy. After each part, run the cell with `check(...)`: it compares your function with
# the reference on several batches, says what is wrong, and shows the points that you have. Your
# submission is graded by the same criteria on other numbers. Expect about 105 minutes.

# %%
import numpy as np

# No module named "gradlab"? The page "Getting started" of the book says how to install it.
from gradlab.checks import check

# %% [markdown]
# ## 1 Forward pass
#
# A mini-batch `x` has the shape `(batch, features)`, with $m$ features. Each example $i$ is
# standardized over its own features; then each feature $j$ is scaled and shifted:
#
# $$
# \begin{gathered}
# \mu_i = \frac{1}{m} \sum_j x_{ij}, \qquad
# \sigma_i^2 = \frac{1}{m} \sum_j (x_{ij} - \mu_i)^2, \\
# u_{ij} = \frac{x_{ij} - \mu_i}{\sqrt{\sigma_i^2 + \epsilon}}, \qquad
# \mathrm{out}_{ij} = \gamma_j u_{ij} + \beta_j .
# \end{gathered}
# $$
#
# The statistics belong to examples, $\gamma$ and $\beta$ to features. The variance divides by $m$,
# and is returned without $\epsilon$. `out` is judged with the `mean` and `var` that you return,
# too.


# %% nbgrader={"grade": false, "grade_id": "forward", "locked": false, "schema_version": 3, "solution": true, "task": false}
def layer_norm_forward(x, gamma, beta, eps):
    """Layer normalization.

    x: array (batch, features), batch at least 1
    gamma, beta: arrays (features,)
    eps: positive float

    Returns the tuple (out, mean, var): an array (batch, features) and two arrays (batch,).
    """
    ### BEGIN SOLUTION
    mean = x.mean(axis=1)
    # A column broadcasts along the features of its example; an array (batch,) would be laid along
    # the features instead.
    centered = x - mean[:, np.newaxis]
    var = (centered**2).mean(axis=1)
    normalized = centered / np.sqrt(var + eps)[:, np.newaxis]
    out = gamma * normalized + beta
    return out, mean, var
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check-forward", "locked": true, "schema_version": 3, "solution": false, "task": false}
from gradlab.checks import check

check("layer_normalization.forward", layer_norm_forward)

# %% [markdown]
# ## 2 Backward pass
#
# `dout` is the gradient of the loss with respect to `out`. Find the gradients with respect to `x`,
# `gamma` and `beta`. Every entry of `x` acts on the loss through its own standardized value, and
# through the mean and the variance of its example, on which all $u_{ik}$ of that example depend.
# Derive $\partial u_{ik} / \partial x_{ij}$ on paper first. For each sum that you write, ask what
# it runs over: the features of an example, or the examples that share a parameter.
#
# `mean` and `var` are handed over as arrays `(batch,)`, as the forward pass found them, so this
# part does not depend on your first one.


# %% nbgrader={"grade": false, "grade_id": "backward", "locked": false, "schema_version": 3, "solution": true, "task": false}
def layer_norm_backward(dout, x, mean, var, gamma, eps):
    """Gradients through layer normalization.

    dout, x: arrays (batch, features)
    mean, var: arrays (batch,), those of each example of x over its features
    gamma: array (features,)
    eps: positive float

    Returns the tuple (dx, dgamma, dbeta): an array (batch, features) and two arrays (features,).
    """
    ### BEGIN SOLUTION
    inv_std = 1 / np.sqrt(var + eps)[:, np.newaxis]
    u = (x - mean[:, np.newaxis]) * inv_std
    # One gamma and one beta for each feature serve all examples: sums over the batch.
    dbeta = dout.sum(axis=0)
    dgamma = (dout * u).sum(axis=0)
    # Mean and variance belong to an example: means over its features, with gamma inside, because
    # it differs along them.
    du = gamma * dout
    features = x.shape[1]
    mean_du = du.sum(axis=1, keepdims=True) / features
    mean_du_u = (du * u).sum(axis=1, keepdims=True) / features
    dx = inv_std * (du - mean_du - u * mean_du_u)
    return dx, dgamma, dbeta
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check-backward", "locked": true, "schema_version": 3, "solution": false, "task": false}
from gradlab.checks import check

check("layer_normalization.backward", layer_norm_backward)

# %% [markdown]
# ## 3 Groups of channels
#
# An image layer gives each example $C$ channels at $P$ positions, and `x` has the shape
# `(batch, channels, positions)`. Group normalization cuts the channels into $G$ groups of $C / G$
# neighbors. All numbers of one group of one example, from all positions, share a mean and a
# variance:
#
# $$u_{icp} = \frac{x_{icp} - \mu_{ig}}{\sqrt{\sigma_{ig}^2 + \epsilon}}, \qquad
#   \mathrm{out}_{icp} = \gamma_c u_{icp} + \beta_c ,$$
#
# where $g$ is the group of channel $c$: channels 0 to $C / G - 1$ are group 0, and so on. With as
# many groups as channels that is *instance normalization*; a single group is layer normalization of
# the whole example.


# %% nbgrader={"grade": false, "grade_id": "group", "locked": false, "schema_version": 3, "solution": true, "task": false}
def group_norm(x, gamma, beta, groups, eps):
    """Group normalization.

    x: array (batch, channels, positions)
    gamma, beta: arrays (channels,)
    groups: int, the number of groups G, a divisor of the number of channels
    eps: positive float

    Returns an array of the shape of x.
    """
    ### BEGIN SOLUTION
    # A row for each group: its channels are neighbors in memory, and so are their positions.
    rows = x.reshape(x.shape[0], groups, -1)
    mean = rows.mean(axis=2, keepdims=True)
    var = ((rows - mean) ** 2).mean(axis=2, keepdims=True)
    u = ((rows - mean) / np.sqrt(var + eps)).reshape(x.shape)
    return gamma[:, np.newaxis] * u + beta[:, np.newaxis]
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check-group", "locked": true, "schema_version": 3, "solution": false, "task": false}
from gradlab.checks import check

check("layer_normalization.group", group_norm)

# %% [markdown]
# ## 4 An experiment: whose output depends on whom
#
# Somebody hands you a function `normalize`, which takes a batch `(batch, features)` and returns its
# normalized form, of the same shape. You cannot look inside. Find out by experiment which
# examples it mixes: take the batch `x`, add `step` to *one* entry, number `feature` of example $k$,
# leave everything else as it is, and see how far the output of each example moves,
#
# $$\mathrm{influence}_{ik} = \max_j \, \bigl\lvert \mathrm{out}_{ij}(\text{with example } k \text{ changed})
#   - \mathrm{out}_{ij}(\text{with } x) \bigr\rvert .$$
#
# Row $i$ says whose output moved, column $k$ who was changed. Each $k$ starts again from the `x`
# that you were given. (A small question to ask yourself on the way: why does the experiment change
# one entry of example $k$, and not all of them by the same `step`?)


# %% nbgrader={"grade": false, "grade_id": "influence", "locked": false, "schema_version": 3, "solution": true, "task": false}
def influence(normalize, x, feature, step):
    """How far each example's output moves when one entry of another is changed.

    normalize: function of an array (batch, features) that returns an array of the same shape
    x: array (batch, features)
    feature: int, the column of the entry that is changed
    step: positive float, what is added to it

    Returns an array (batch, batch): in row i and column k the largest absolute change in the
    output of example i after a change of example k.
    """
    ### BEGIN SOLUTION
    batch = len(x)
    before = normalize(x)
    result = np.zeros((batch, batch))
    for k in range(batch):
        # A copy for each k: without it the changes would pile up, in the caller's array.
        moved = x.copy()
        moved[k, feature] += step
        result[:, k] = np.abs(normalize(moved) - before).max(axis=1)
    return result
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check-influence", "locked": true, "schema_version": 3, "solution": false, "task": false}
from gradlab.checks import check

check("layer_normalization.influence", influence)

# %% [markdown]
# Now use it on both kinds of normalization, as the package has them, for a batch of four examples
# with three features. Take away the `#` of the last line. Which table has zeros off the diagonal,
# and why must it?


# %%
def compare_normalizations():
    """Print the table of influences for batch and for layer normalization."""
    from gradlab.batch_normalization import batch_norm_forward as by_batch
    from gradlab.layer_normalization import layer_norm_forward as by_layer

    batch = np.random.default_rng(0).normal(size=(4, 3))
    for name, forward in (("batch", by_batch), ("layer", by_layer)):
        print(f"{name} normalization:")
        print(influence(lambda z, f=forward: f(z, np.ones(3), np.zeros(3))[0], batch, 0, 0.5))


# compare_normalizations()

# %% [markdown]
# ## 5 A question in words
#
# A fully connected layer computes $z = a W + b$. If batch normalization follows, the bias $b$ is
# of no use: the mean of each feature over the batch is subtracted, and $b_j$ with it. Layer
# normalization follows now. Is $b$ of no use here, too? Answer in three or four sentences: say what
# happens to the output when one $b_j$ grows by 1 and when all of them do, and where you can see
# both facts in the `dx` of part 2.

# %% [markdown] nbgrader={"grade": true, "grade_id": "question-bias", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# It is of use. When one $b_j$ grows, feature $j$ rises against the other features of the same
# example, so the output changes, in all features, because mean and variance of the example change
# as well. Only when all entries of $b$ grow by the same number does nothing happen: the mean over
# the features grows by that number and takes it away again. The gradient with respect to $b_j$ is
# the sum of column $j$ of `dx` over the batch. No column has to sum to 0, so $b_j$ learns; every
# *row* of `dx` sums to 0, so the gradient of $b$ sums to 0 over its entries, and their common level
# never moves. (Under batch normalization it is the columns that sum to 0.)
#
# Marking: 0.5 for a single bias that changes the output, with the reason that the mean is over the
# features; 0.25 for the common shift that does nothing; 0.25 for rows of `dx` that sum to 0 while
# columns do not.
# ### END SOLUTION

# %% [markdown]
# ## 6 For those who like speed
#
# Not graded. NumPy walks over the batch once for each operation and makes an array each time. Under
# `numba.njit` one example can be finished, statistics and output, while it is still in the
# processor's cache. Write the forward pass as loops, one example after the other. The last line of
# the last cell runs the comparison, once you take away its `#`.

# %% nbgrader={"grade": false, "grade_id": "numba", "locked": false, "schema_version": 3, "solution": true, "task": false}
import timeit

from numba import njit


@njit
def layer_norm_forward_numba(x, gamma, beta, eps):
    ### BEGIN SOLUTION
    batch, features = x.shape
    means = np.empty(batch)
    variances = np.empty(batch)
    out = np.empty_like(x)
    for i in range(batch):
        row, result = x[i], out[i]
        total = 0.0
        for j in range(features):
            total += row[j]
        mu = total / features
        total = 0.0
        for j in range(features):
            total += (row[j] - mu) ** 2
        means[i], variances[i] = mu, total / features
        scale = 1 / np.sqrt(variances[i] + eps)
        for j in range(features):
            result[j] = gamma[j] * (row[j] - mu) * scale + beta[j]
    return out, means, variances
    ### END SOLUTION


# %%
def speed_up():
    """Time both forms alternately on one batch and print the ratio of the medians."""
    rng = np.random.default_rng(0)
    arguments = rng.normal(size=(512, 256)), np.ones(256), np.zeros(256), 1e-5
    layer_norm_forward_numba(*arguments)
    times = {layer_norm_forward: [], layer_norm_forward_numba: []}
    for _ in range(15):
        for function, record in times.items():
            record.append(timeit.timeit(lambda f=function: f(*arguments), number=5))
    numpy_time, numba_time = (sorted(record)[7] for record in times.values())
    print(f"numba takes {numba_time / numpy_time:.2f} of NumPy's time")


# speed_up()
