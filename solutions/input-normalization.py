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
# # Exercise: Input normalization
#
# You write the three steps that prepare the inputs of a network, centering, standardizing and
# whitening, and then an experiment that measures what each of them does to the loss. The chapter
# *Input normalization* of the book derives every formula; its equation labels, such as `in-mean`,
# appear in the reports below.
#
# POINTS
#
# Write plain NumPy. After each part, run the cell with `check(...)`: it compares your function with
# the reference on several data sets, says what is wrong, and shows the points that you have. Your
# submission is graded by the same criteria on other numbers. Expect about 90 minutes.

# %%
import numpy as np

# No module named "gradlab"? The page "Getting started" of the book says how to install it.
from gradlab.checks import check

# %% [markdown]
# ## 1 Center and standardize
#
# There are $M$ training examples $x_{ij}$, an example a row, a feature a column. From them, and
# from nothing else, come the mean and the standard deviation of each feature:
#
# $$\mu_j = \frac{1}{M} \sum_i x_{ij}, \qquad
#   \sigma_j^2 = \frac{1}{M} \sum_i (x_{ij} - \mu_j)^2 .$$
#
# With these numbers any examples, old or new, are centered, $x_{ij} - \mu_j$, and standardized,
# $(x_{ij} - \mu_j) / \sigma_j$. A feature that is constant in the training set has $\sigma_j = 0$;
# it is divided by 1 instead. The variance divides by $M$, and there is no $\epsilon$.


# %% nbgrader={"grade": false, "grade_id": "standardize", "locked": false, "schema_version": 3, "solution": true, "task": false}
def standardize(train, x):
    """Center and standardize examples by the statistics of the training set.

    train: array (training examples, features), at least 2 examples
    x: array (examples, features), at least 1 example

    Returns the tuple (centered, standardized) of arrays of the shape of x.
    """
    ### BEGIN SOLUTION
    mean = train.mean(axis=0)
    deviation = np.sqrt(((train - mean) ** 2).mean(axis=0))
    # Where the training set does not vary there is no scale to measure in.
    scale = np.where(deviation == 0, 1.0, deviation)
    centered = x - mean
    return centered, centered / scale
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check-standardize", "locked": true, "schema_version": 3, "solution": false, "task": false}
from gradlab.checks import check

check("input_normalization.standardize", standardize)

# %% [markdown]
# ## 2 Whitening by principal components
#
# The covariance of the training set, $C_{jk} = \frac{1}{M} \sum_i (x_{ij} - \mu_j)(x_{ik} - \mu_k)$,
# is symmetric: $C = V \Lambda V^\top$ with orthonormal eigenvectors in the columns of $V$ and the
# variances along them, $\lambda_1 \ge \lambda_2 \ge \ldots$, on the diagonal of $\Lambda$. Take the
# coordinates of an example along these axes, and divide each by its deviation:
#
# $$\mathbf x'_i = (\mathbf x_i - \boldsymbol\mu) \, V (\Lambda + \epsilon I)^{-1/2} .$$
#
# As many features come out as went in, in the order of falling variance. The sign of an axis is
# arbitrary, so any choice of signs is right; reports show each column with the sign that makes its
# largest entry positive. `np.linalg.eigh` finds eigenvalues and eigenvectors of a symmetric matrix;
# look up in which order it returns them, and where the vectors are.


# %% nbgrader={"grade": false, "grade_id": "pca", "locked": false, "schema_version": 3, "solution": true, "task": false}
def pca_whiten(train, x, eps):
    """Whiten examples along the principal axes of the training set.

    train: array (training examples, features), at least 2 examples
    x: array (examples, features), at least 1 example
    eps: positive float, added to the variances

    Returns an array of the shape of x: coordinates along the axes, by falling variance.
    """
    ### BEGIN SOLUTION
    mean = train.mean(axis=0)
    centered = train - mean
    covariance = centered.T @ centered / len(train)
    # eigh sorts the eigenvalues upwards; eigenvector k is the column v[:, k].
    variances, v = np.linalg.eigh(covariance)
    variances, v = variances[::-1], v[:, ::-1]
    return (x - mean) @ v / np.sqrt(variances + eps)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check-pca", "locked": true, "schema_version": 3, "solution": false, "task": false}
from gradlab.checks import check

check("input_normalization.pca", pca_whiten)

# %% [markdown]
# ## 3 The whitening that moves the data least
#
# ZCA whitening turns the result of part 2 back, so that each feature stays near the one that it
# came from:
#
# $$\mathbf x'_i = (\mathbf x_i - \boldsymbol\mu) \, V (\Lambda + \epsilon I)^{-1/2} \, V^\top .$$
#
# $V$ is square: it has an eigenvector for each feature, even where there are fewer training
# examples than features. What happens here to the arbitrary signs and to the order of the axes?


# %% nbgrader={"grade": false, "grade_id": "zca", "locked": false, "schema_version": 3, "solution": true, "task": false}
def zca_whiten(train, x, eps):
    """Whiten examples by the symmetric matrix that the training set gives.

    train: array (training examples, features), at least 2 examples
    x: array (examples, features), at least 1 example
    eps: positive float, added to the variances

    Returns an array of the shape of x.
    """
    ### BEGIN SOLUTION
    mean = train.mean(axis=0)
    centered = train - mean
    covariance = centered.T @ centered / len(train)
    variances, v = np.linalg.eigh(covariance)
    # Each axis enters twice, so its sign cancels; the sum over the axes has no order.
    return (x - mean) @ (v / np.sqrt(variances + eps)) @ v.T
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check-zca", "locked": true, "schema_version": 3, "solution": false, "task": false}
from gradlab.checks import check

check("input_normalization.zca", zca_whiten)

# %% [markdown]
# ## 4 An experiment: how long is the valley
#
# A linear unit with a bias learns by the loss
# $\frac{1}{2M} \sum_i (\mathbf w \cdot \mathbf x_i + b - y_i)^2$. Work out on paper its second
# derivatives with respect to the weights *and the bias*, $(\mathbf w, b)$. You get a matrix that
# depends on the inputs alone. Its largest eigenvalue is the curvature of the steepest direction,
# which limits the learning rate. The condition number is the largest eigenvalue divided by the
# smallest; the number of steps of gradient descent grows with it.
#
# Along a direction of eigenvalue 0 the loss is flat and there is nothing to learn. So count as flat
# every direction whose eigenvalue is not above `floor`, and take the smallest of the others.


# %% nbgrader={"grade": false, "grade_id": "curvature", "locked": false, "schema_version": 3, "solution": true, "task": false}
def curvature(x, floor):
    """Largest curvature and condition number of the loss of a linear unit with a bias.

    x: array (examples, features)
    floor: positive float; eigenvalues up to it count as 0

    Returns the tuple (largest, condition) of floats: the largest eigenvalue, and its ratio to the
    smallest one above floor.
    """
    ### BEGIN SOLUTION
    # The bias is the weight of an input that is always 1.
    extended = np.column_stack([x, np.ones(len(x))])
    hessian = extended.T @ extended / len(x)
    values = np.linalg.eigvalsh(hessian)
    largest = values.max()
    return largest, largest / values[values > floor].min()
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check-curvature", "locked": true, "schema_version": 3, "solution": false, "task": false}
from gradlab.checks import check

check("input_normalization.curvature", curvature)

# %% [markdown]
# Now measure with your own functions what each step does to the digits, 1437 images of 64 pixels.
# Take away the `#` of the last line. Which step makes the steepest direction less steep? Which one
# lifts the flat ones, and why does the last line not reach a condition number of 1?


# %%
def compare_treatments():
    """Print the largest curvature and the condition number after each treatment of the digits."""
    from gradlab.datasets import load_digits

    digits = load_digits().x_train
    treated = {
        "as they are": digits,
        "centered": standardize(digits, digits)[0],
        "standardized": standardize(digits, digits)[1],
        "whitened": pca_whiten(digits, digits, 1e-5),
    }
    for name, features in treated.items():
        steepest, ratio = curvature(features, 1e-9)
        print(f"{name:13s} steepest {steepest:6.2f}, condition number {ratio:9.3g}")


# compare_treatments()

# %% [markdown]
# ## 5 A question in words
#
# The first layer computes $z_k = \sum_j x'_{ij} W_{jk} + b_k$ from standardized inputs $x'_{ij}$. A
# colleague objects: "A first layer on the raw inputs can compute the same. Standardizing adds
# nothing." Give the weights and biases of that layer. Then say in two or three sentences why training
# is faster nevertheless, and what the same formulas say about the examples that the mean and the
# deviation must come from at inference.

# %% [markdown] nbgrader={"grade": true, "grade_id": "question-absorbed", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# From $x'_{ij} = (x_{ij} - \mu_j)/\sigma_j$ follow the weights $W_{jk} / \sigma_j$ and the biases
# $b_k - \sum_j \mu_j W_{jk} / \sigma_j$. So the colleague is right about what the network can
# compute. But gradient descent depends on the coordinates in which it walks: in those of the raw
# inputs the loss has a steep direction from the means and flat ones from the small features, hence a
# large condition number, and one learning rate has to serve all of them. The formulas also show
# that $\mu$ and $\sigma$ are constants of the trained layer, just as its weights are. They come
# from the training set and stay what they are at inference; with statistics of the test examples it
# would be another layer, whose output for one example depends on the others.
#
# Marking: 0.5 for weights and biases (0.25 for one of them); 0.25 for the condition number, or a
# learning rate that has to serve steep and flat directions; 0.25 for the training set, because the
# statistics are part of the model.
# ### END SOLUTION

# %% [markdown]
# ## 6 For those who like speed
#
# Not graded. Write part 1 as loops under `numba.njit`. Loop over the examples outside and over the
# features inside: then the inner loop reads memory in order. The last line of the last cell runs
# the comparison, once you take away its `#`.

# %% nbgrader={"grade": false, "grade_id": "numba", "locked": false, "schema_version": 3, "solution": true, "task": false}
import timeit

from numba import njit


@njit
def standardize_numba(train, x):
    ### BEGIN SOLUTION
    rows, features = train.shape
    mu = np.zeros(features)
    sigma = np.zeros(features)
    for i in range(rows):
        row = train[i]
        for j in range(features):
            mu[j] += row[j]
    mu /= rows
    for i in range(rows):
        row = train[i]
        for j in range(features):
            sigma[j] += (row[j] - mu[j]) ** 2
    for j in range(features):
        sigma[j] = np.sqrt(sigma[j] / rows)
        if sigma[j] == 0:
            sigma[j] = 1.0
    shifted, scaled = np.empty_like(x), np.empty_like(x)
    for i in range(len(x)):
        row, first, second = x[i], shifted[i], scaled[i]
        for j in range(features):
            first[j] = row[j] - mu[j]
            second[j] = first[j] / sigma[j]
    return shifted, scaled
    ### END SOLUTION


# %%
def speed_up():
    """Time both forms alternately on one data set and print the ratio of the medians."""
    rng = np.random.default_rng(0)
    arguments = rng.normal(size=(2000, 64)), rng.normal(size=(500, 64))
    standardize_numba(*arguments)
    times = {standardize: [], standardize_numba: []}
    for _ in range(15):
        for function, record in times.items():
            record.append(timeit.timeit(lambda f=function: f(*arguments), number=5))
    numpy_time, numba_time = (sorted(record)[7] for record in times.values())
    print(f"numba takes {numba_time / numpy_time:.2f} of NumPy's time")


# speed_up()
