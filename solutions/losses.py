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
# # Exercise: Losses
#
# You write four losses together with their gradients: one for numbers, one for distributions, and
# the two cross-entropies that classifiers are trained with. The last two start from the net input
# of the output layer, where activation and loss become one function that neither overflows nor
# divides by 0. The chapter *Losses* of the book derives every formula; its equation labels, such
# as `loss-kl-divergence`, appear in the reports below.
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
# ## 1 Squared error
#
# For a batch of $B$ predictions $\hat y$ and targets $y$, the L2 divergence is half the squared
# distance, summed over the features and averaged over the batch:
#
# $$\mathcal L = \frac{1}{B} \sum_{i=1}^{B} \frac{1}{2} \sum_j (\hat y_{ij} - y_{ij})^2 .$$
#
# Return the loss and its gradient with respect to the predictions. In the code, `y` is the
# prediction and `target` what it should be.


# %% nbgrader={"grade": false, "grade_id": "squared-error", "locked": false, "schema_version": 3, "solution": true, "task": false}
def squared_error(y, target):
    """Half the squared distance, averaged over the batch, and its gradient.

    y, target: arrays (batch, features)

    Returns the tuple (loss, dy): a number and an array (batch, features).
    """
    ### BEGIN SOLUTION
    batch = y.shape[0]
    error = y - target
    loss = (error**2).sum() / (2 * batch)
    # The half cancels the 2 of the derivative.
    return loss, error / batch
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check-squared-error", "locked": true, "schema_version": 3, "solution": false, "task": false}
from gradlab.checks import check

check("losses.squared_error", squared_error)

# %% [markdown]
# ## 2 KL divergence
#
# Now each row of `y` and of `target` is a distribution over classes. The divergence is averaged
# over the batch and taken in natural logarithms:
#
# $$\mathcal L = \frac{1}{B} \sum_{i=1}^{B} \sum_c
#   \bigl( y_{ic} \log y_{ic} - y_{ic} \log \hat y_{ic} \bigr) .$$
#
# The predictions $\hat y_{ic}$ are all above 0. Targets may be 0; such a term counts as 0. The
# gradient is the one with respect to each entry of the prediction as if it were free: that the
# rows sum to 1 is the business of the layer before.


# %% nbgrader={"grade": false, "grade_id": "kl-divergence", "locked": false, "schema_version": 3, "solution": true, "task": false}
def kl_divergence(y, target):
    """KL divergence of the target from the prediction, averaged over the batch, and its gradient.

    y: array (batch, classes) of probabilities above 0
    target: array (batch, classes) of probabilities, possibly 0

    Returns the tuple (loss, dy): a number and an array (batch, classes).
    """
    ### BEGIN SOLUTION
    batch = y.shape[0]
    # 0 times the logarithm of 0 would be NaN: such entries are left out of the sum.
    some = target > 0
    d = target[some]
    loss = (d * np.log(d / y[some])).sum() / batch
    # The first part of the formula does not depend on the prediction.
    return loss, -target / y / batch
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check-kl-divergence", "locked": true, "schema_version": 3, "solution": false, "task": false}
from gradlab.checks import check

check("losses.kl_divergence", kl_divergence)

# %% [markdown]
# ## 3 Sigmoid and binary cross-entropy
#
# Each of $n$ outputs says with which probability $\hat y_{ij} = \sigma(z_{ij})$ something holds.
# The binary cross-entropy is averaged over all $B n$ entries:
#
# $$\mathcal L = -\frac{1}{B n} \sum_{i=1}^{B} \sum_{j=1}^{n}
#   \bigl( y_{ij} \log \hat y_{ij} + (1 - y_{ij}) \log(1 - \hat y_{ij}) \bigr) .$$
#
# Your function gets the net inputs $z$, and returns the loss and its gradient with respect to $z$.
# Targets are mostly 0 or 1, but may lie between.
#
# Before you write code, put $\sigma(z) = 1 / (1 + e^{-z})$ into one term and simplify, for the loss
# and for the gradient. A net input of 800 is allowed: there $\sigma(z)$ has been rounded to 1, and
# a wrong decision still costs 800. Nothing may be cut off. Find a form in which no exponential
# takes a large positive number.


# %% nbgrader={"grade": false, "grade_id": "sigmoid-cross-entropy", "locked": false, "schema_version": 3, "solution": true, "task": false}
def sigmoid_cross_entropy(z, target):
    """Binary cross-entropy of sigmoid outputs, averaged over all entries, and its gradient.

    z: array (batch, outputs) of net inputs, of any size
    target: array (batch, outputs) of numbers from 0 to 1

    Returns the tuple (loss, dz): a number and an array (batch, outputs).
    """
    ### BEGIN SOLUTION
    # -log s(z) = log(1 + exp(-z)) and -log(1 - s(z)) = log(1 + exp(z)) = z + log(1 + exp(-z)),
    # so a term is log(1 + exp(z)) - y z. Taking the larger of 0 and z out of the logarithm leaves
    # an exponential of a negative number.
    softplus = np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))
    loss = (softplus - target * z).mean()
    # The derivative of log(1 + exp(z)) is the sigmoid, here by way of tanh, which never overflows.
    y = (1 + np.tanh(z / 2)) / 2
    return loss, (y - target) / z.size
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check-sigmoid-cross-entropy", "locked": true, "schema_version": 3, "solution": false, "task": false}
from gradlab.checks import check

check("losses.sigmoid_cross_entropy", sigmoid_cross_entropy)

# %% [markdown]
# ## 4 Softmax and cross-entropy
#
# Each example belongs to exactly one class, $y_i$, counted from 0. Behind a softmax the divergence
# of part 2 from a one-hot target becomes
#
# $$\mathcal L = \frac{1}{B} \sum_{i=1}^{B} \Bigl( \log \sum_c e^{z_{ic}} - z_{i, y_i} \Bigr) .$$
#
# Your function gets the logits $z$ and the labels, and returns the loss and its gradient with
# respect to the logits. Logits of 1000 and of $-1000$ are allowed, in one batch and in one example:
# use that a shift of all logits of an example changes nothing. Nothing may be cut off here either.


# %% nbgrader={"grade": false, "grade_id": "softmax-cross-entropy", "locked": false, "schema_version": 3, "solution": true, "task": false}
def softmax_cross_entropy(logits, labels):
    """Cross-entropy of softmax probabilities, averaged over the batch, and its gradient.

    logits: array (batch, classes), of any size
    labels: integer array (batch,), each from 0 to classes - 1

    Returns the tuple (loss, dlogits): a number and an array (batch, classes).
    """
    ### BEGIN SOLUTION
    batch = logits.shape[0]
    rows = np.arange(batch)
    # With the largest logit of each example at 0 no exponential overflows, and their sum is at
    # least 1, so that its logarithm is safe.
    shifted = logits - logits.max(axis=1)[:, None]
    exponentials = np.exp(shifted)
    total = exponentials.sum(axis=1)
    loss = (np.log(total) - shifted[rows, labels]).mean()
    # The derivative of the logarithm of the sum is the softmax; the second term takes 1 away at
    # the class of the example.
    dlogits = exponentials / total[:, None]
    dlogits[rows, labels] -= 1
    return loss, dlogits / batch
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check-softmax-cross-entropy", "locked": true, "schema_version": 3, "solution": false, "task": false}
from gradlab.checks import check

check("losses.softmax_cross_entropy", softmax_cross_entropy)

# %% [markdown]
# ## 5 A question in words
#
# A network with one sigmoid output is trained with the squared error, by gradient descent. Some
# examples of class 0 have a net input near 10 from the first epoch to the last, while those with
# net inputs near 0 are learned. Somebody suggests a learning rate ten times as large. Answer in
# four or five sentences: why do those examples stay where they are, how much would the larger rate
# do for them and what would it do to the others, and what do you change instead? Use the gradient
# with respect to the net input.

# %% [markdown] nbgrader={"grade": true, "grade_id": "question-learning-rate", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# Behind the sigmoid the gradient of the squared error at the net input is
# $(\hat y - y) \, \hat y (1 - \hat y)$. For $y = 0$ and $z = 10$ the error is nearly 1, but
# $1 - \hat y \approx e^{-10}$, so the gradient is about 0.00005: the examples that are most wrong
# say least. Ten times the rate makes that 0.0005, still next to nothing; because the factor falls
# like $e^{-z}$, it gains no more than $\log 10 \approx 2.3$ units of $z$. The examples near $z = 0$,
# whose gradient is 0.125, would take steps ten times as large, and the descent may overshoot or
# diverge there. Instead take the cross-entropy: its gradient is $\hat y - y$, about 1 for the wrong
# examples and small for those that are nearly right, at the same learning rate.
#
# Marking: 0.5 for the factor $\hat y (1 - \hat y)$ that vanishes where the prediction is sure; 0.25
# for a rate that acts on all examples alike, too little for the wrong ones and too much for the
# others; 0.25 for the cross-entropy with its gradient $\hat y - y$.
# ### END SOLUTION

# %% [markdown]
# ## 6 For those who like speed
#
# Not graded. NumPy makes a call and an array for each operation, which weighs most where the batch
# is small. Write part 4 as loops under `numba.njit` instead: one example after the other, its
# largest logit, its exponentials and their sum, then its row of the gradient. The last line of the
# last cell runs the comparison for 64 examples of 10 classes, once you take away its `#`. Try 2048
# examples, too: there the exponentials take most of the time, and NumPy's are as fast as yours.

# %% nbgrader={"grade": false, "grade_id": "numba", "locked": false, "schema_version": 3, "solution": true, "task": false}
import timeit

from numba import njit


@njit
def softmax_cross_entropy_numba(logits, labels):
    ### BEGIN SOLUTION
    batch, classes = logits.shape
    dlogits = np.empty_like(logits)
    loss = 0.0
    for i in range(batch):
        row, result = logits[i], dlogits[i]
        top = row.max()
        total = 0.0
        for c in range(classes):
            result[c] = np.exp(row[c] - top)
            total += result[c]
        scale = 1 / (total * batch)
        for c in range(classes):
            result[c] *= scale
        result[labels[i]] -= 1 / batch
        loss += np.log(total) - (row[labels[i]] - top)
    return loss / batch, dlogits
    ### END SOLUTION


# %%
def speed_up():
    """Time both forms alternately on one batch and print the ratio of the medians."""
    rng = np.random.default_rng(0)
    arguments = rng.normal(size=(64, 10)), rng.integers(0, 10, 64)
    softmax_cross_entropy_numba(*arguments)
    times = {softmax_cross_entropy: [], softmax_cross_entropy_numba: []}
    for _ in range(15):
        for function, record in times.items():
            record.append(timeit.timeit(lambda f=function: f(*arguments), number=200))
    numpy_time, numba_time = (sorted(record)[7] for record in times.values())
    print(f"numba takes {numba_time / numpy_time:.2f} of NumPy's time")


# speed_up()
