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
# # Exercise: In practice
#
# Below is a script that trains a network on handwritten digits. It runs without an error, and what
# it has learnt at the end is no better than guessing. There are **seven faults** in it, each of a
# line or two: one in each of parts 1, 2, 3 and 5, and three in part 4. Everything else is right.
#
# Find them and repair them in place. After each function stands a cell with an instrument of the
# book: it looks at what the function does and prints what a working one would not show. Some of the
# faults cost no accuracy at all, so accuracy alone will not find them. The chapter *In practice*
# has the instruments and, under *When training fails*, a table from symptoms to causes.
#
# POINTS
#
# The functions are given with their faults, so the checks fail at first. Each of parts 1 to 4 is
# judged alone; part 5 is judged by a run of your script from end to end, and earns all of its
# points only when all seven faults are gone. Your submission is graded by the same criteria on
# other numbers. Expect about 75 minutes.

# %%
import math
from functools import partial
from itertools import pairwise

import numpy as np

# No module named "gradlab"? The page "Getting started" of the book says how to install it.
from gradlab.checks import check
from gradlab.datasets import load_digits
from gradlab.gradient_check import check_gradient
from gradlab.schedules import warmup_cosine_decay

digits = load_digits()
training = digits.x_train[:300], digits.y_train[:300]
held_out = digits.x_train[300:500], digits.y_train[300:500]
test = digits.x_test, digits.y_test
sizes = (64, 32, 32, 32, 10)

# %% [markdown]
# ## 1 Standardized inputs
#
# Each feature of the training digits should have mean 0 and standard deviation 1. Some pixels are
# almost always blank; a floor of 0.1 under the deviations, which belongs there, keeps them from
# being blown up. Digits that are held out stand for digits that nobody has seen yet.


# %% nbgrader={"grade": false, "grade_id": "standardize", "locked": false, "schema_version": 3, "solution": true, "task": false}
def standardize(x_train, x_held, x_test):
    """Standardize the features of three sets of examples.

    x_train, x_held, x_test: arrays (examples, features), with the same number of features

    Returns a list of three arrays, the same sets standardized.
    """
    ### BEGIN SOLUTION
    # What is held out must not have a say in anything that is learnt, statistics included.
    mean = x_train.mean(axis=0)
    deviation = np.maximum(x_train.std(axis=0), 0.1)
    ### GIVEN
    # together = np.concatenate([x_train, x_held, x_test])
    # mean = together.mean(axis=0)
    # deviation = np.maximum(together.std(axis=0), 0.1)
    ### END SOLUTION
    return [(x - mean) / deviation for x in (x_train, x_held, x_test)]


# %% [markdown]
# *Instrument: look at what the network is given.* No mean of a training feature should differ from
# 0 by more than rounding, and nothing about the training features should change when a held-out
# digit does.

# %%
features = standardize(training[0], held_out[0], test[0])[0]
print(f"largest mean of a training feature {np.abs(features.mean(axis=0)).max():.1e}")
broken = held_out[0].copy()
broken[0] = 1000.0
change = standardize(training[0], broken, test[0])[0] - features
print(f"largest change when one held-out digit is broken {np.abs(change).max():.1e}")

# %% nbgrader={"grade": true, "grade_id": "check-standardize", "locked": true, "schema_version": 3, "solution": false, "task": false}
from gradlab.checks import check

check("in_practice.standardize", standardize)

# %% [markdown]
# ## 2 Parameters to begin with
#
# All hidden layers have rectified linear units. He's initialization keeps the size of the signals
# from layer to layer.


# %% nbgrader={"grade": false, "grade_id": "initialize", "locked": false, "schema_version": 3, "solution": true, "task": false}
def initial_parameters(sizes, rng):
    """Draw weights and biases for a network of dense layers.

    sizes: tuple of ints, the number of inputs and of the units of each layer
    rng: a generator of random numbers, numpy.random.Generator

    Returns a list of arrays: for each layer its weights (inputs, units) and its biases (units,).
    """
    params = []
    for fan_in, fan_out in pairwise(sizes):
        ### BEGIN SOLUTION
        deviation = np.sqrt(2.0 / fan_in)
        ### GIVEN
        # deviation = 2.0 / fan_in
        ### END SOLUTION
        params.append(deviation * rng.standard_normal((fan_in, fan_out)))
        params.append(np.zeros(fan_out))
    return params


# %% [markdown]
# *Instrument: the size of the signals, layer by layer.* It should be about the same in all layers.
# The loss at the start should be $\ln 10 = 2.30$ or somewhat above; exactly 2.30 is suspicious,
# too.

# %%
params = initial_parameters(sizes, np.random.default_rng(0))
signal = standardize(training[0], held_out[0], test[0])[0]
for layer in range(len(params) // 2):
    signal = signal @ params[2 * layer] + params[2 * layer + 1]
    print(f"layer {layer + 1}: root mean square {np.sqrt((signal**2).mean()):.3f}")
    if layer < len(params) // 2 - 1:
        signal = np.maximum(signal, 0)
log_sum = np.log(np.exp(signal).sum(axis=1))
right = signal[np.arange(len(signal)), training[1]]
print(f"loss at the start {(log_sum - right).mean():.4f}")

# %% nbgrader={"grade": true, "grade_id": "check-initialize", "locked": true, "schema_version": 3, "solution": false, "task": false}
from gradlab.checks import check

check("in_practice.initial", initial_parameters)

# %% [markdown]
# ## 3 The loss and its gradients
#
# Forward through the layers, softmax with cross-entropy averaged over the examples, and
# backpropagation.


# %% nbgrader={"grade": false, "grade_id": "gradients", "locked": false, "schema_version": 3, "solution": true, "task": false}
def loss_and_gradients(params, x, labels):
    """The loss of a network on a mini-batch, and its gradients.

    params: list of arrays, weights and biases of each layer in turn
    x: array (examples, features)
    labels: array of ints (examples,)

    Returns the tuple (loss, grads): a float, and a list of arrays of the shapes of params.
    """
    inputs = [x]
    for k in range(0, len(params), 2):
        out = inputs[-1] @ params[k] + params[k + 1]
        inputs.append(np.maximum(out, 0))

    shifted = out - out.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    rows = np.arange(len(x))
    loss = -log_p[rows, labels].mean()

    delta = np.exp(log_p)
    delta[rows, labels] -= 1
    delta = delta / len(x)
    grads = [np.zeros(0)] * len(params)
    for k in range(len(params) - 2, -1, -2):
        layer_input = inputs[k // 2]
        grads[k] = layer_input.T @ delta
        grads[k + 1] = delta.sum(axis=0)
        delta = delta @ params[k].T
        ### BEGIN SOLUTION
        # The slope of the unit at its own input, 0 or 1, and not the unit applied to the slope.
        delta = delta * (layer_input > 0)
        ### GIVEN
        # delta = np.maximum(delta, 0)
        ### END SOLUTION
    return loss, grads


# %% [markdown]
# *Instrument: the gradient check, from the top.* The slope of the loss along a random direction
# through the parameters of one layer, by central differences and by the gradient. Errors should be
# below $10^{-6}$. The first layer that fails, counted from the top, says where to look.

# %%
rng = np.random.default_rng(0)
# Of a network whose signals neither vanish nor grow, whatever part 2 gives.
params = [rng.standard_normal((a, b)) * 1.4 / a**0.5 for a, b in ((64, 32), (32, 32), (32, 10))]
params = [array for weights in params for array in (weights, np.zeros(weights.shape[1]))]
x, labels = training[0][:32], training[1][:32]
grads = loss_and_gradients(params, x, labels)[1]
for layer in (2, 1, 0):
    weights = params[2 * layer]
    direction = rng.standard_normal(weights.shape)
    direction /= np.sqrt((direction**2).sum())

    def along(t, layer=layer, weights=weights, direction=direction):
        """The loss after a step of length t along the direction."""
        moved = [*params]
        moved[2 * layer] = weights + float(t) * direction
        return loss_and_gradients(moved, x, labels)[0]

    slope = (grads[2 * layer] * direction).sum()
    error = check_gradient(along, slope, 0.0, tol=10)
    print(f"layer {layer + 1}: relative error {error:.0e}")

# %% nbgrader={"grade": true, "grade_id": "check-gradients", "locked": true, "schema_version": 3, "solution": false, "task": false}
from gradlab.checks import check

check("in_practice.gradients", loss_and_gradients)

# %% [markdown]
# ## 4 Training
#
# Gradient descent with mini-batches. At the beginning of each epoch the examples are put in a new
# order. The schedule gives the learning rate of each step, counted from 0. After each epoch the
# loss of held-out digits is computed, and the parameters with which it was lowest are returned.
# Three lines are wrong.


# %% nbgrader={"grade": false, "grade_id": "train", "locked": false, "schema_version": 3, "solution": true, "task": false}
def train(params, loss_and_gradients, training, held_out, schedule, epochs, batch_size, rng):
    """Train a network, and keep the parameters of the epoch with the lowest held-out loss.

    params: list of arrays, the parameters to begin with; they are left as they are
    loss_and_gradients: the function of part 3
    training, held_out: tuples (x, labels)
    schedule: function that takes a step, counted from 0, and returns its learning rate
    epochs, batch_size: ints
    rng: a generator of random numbers, numpy.random.Generator

    Returns the tuple (best, losses, held_losses, rates): a list of arrays, the parameters; a list
    of the loss of each mini-batch; a list of the held-out losses before the first epoch and after
    each; a list of the learning rate of each step.
    """
    params = [array.copy() for array in params]
    best = [array.copy() for array in params]
    x, labels = training
    losses = []
    rates = []
    held_losses = [loss_and_gradients(params, *held_out)[0]]
    for epoch in range(epochs):
        order = rng.permutation(len(x))
        ### BEGIN SOLUTION
        # An example and its label move together.
        x, labels = x[order], labels[order]
        ### GIVEN
        # x = x[order]
        ### END SOLUTION
        for start in range(0, len(x), batch_size):
            batch = slice(start, start + batch_size)
            loss, grads = loss_and_gradients(params, x[batch], labels[batch])
            ### BEGIN SOLUTION
            # Steps made before this one, in all epochs.
            per_epoch = math.ceil(len(x) / batch_size)
            rate = schedule(epoch * per_epoch + start // batch_size)
            ### GIVEN
            # rate = schedule(epoch)
            ### END SOLUTION
            for array, grad in zip(params, grads, strict=True):
                array -= rate * grad
            losses.append(loss)
            rates.append(rate)
        held_losses.append(loss_and_gradients(params, *held_out)[0])
        if held_losses[-1] < min(held_losses[:-1]):
            ### BEGIN SOLUTION
            # Copies, since training changes the arrays in place.
            best = [p.copy() for p in params]
            ### GIVEN
            # best = params
            ### END SOLUTION
    return best, losses, held_losses, rates


# %% [markdown]
# *Instruments: a few examples by heart, and the records of a run.* A network must be able to learn
# 20 digits by heart. Inputs and labels that do not belong together pass this check as long as they
# stay together; if each epoch mixes them anew, nothing can be learnt, and the held-out loss does
# not fall below $\ln 10$. The rates should be those that were meant: up for a tenth of the steps
# and down to almost 0. And the network that comes back should have the lowest held-out loss of the
# record; with labels drawn at random, that is soon past.

# %%
x_train, x_held, _ = standardize(training[0], held_out[0], test[0])
start = initial_parameters(sizes, np.random.default_rng(0))


def learn_by_heart(labels, epochs, rate):
    """Train on 20 digits at a constant rate."""
    few, others = (x_train[:20], labels), (x_held, held_out[1])
    rng = np.random.default_rng(0)
    return train(start, loss_and_gradients, few, others, lambda _: rate, epochs, 5, rng)


losses = learn_by_heart(training[1][:20], 100, 0.05)[1]
print(
    f"20 digits by heart: loss {np.mean(losses[:4]):.2f} at first, {np.mean(losses[-4:]):.3f} later"
)

drawn = np.random.default_rng(0).integers(0, 10, 20)
best, _, held_losses, _ = learn_by_heart(drawn, 30, 0.05)
returned = loss_and_gradients(best, x_held, held_out[1])[0]
print(
    f"random labels: lowest held-out loss {min(held_losses):.4f},",
    f"of what is returned {returned:.4f}",
)

planned = partial(
    warmup_cosine_decay, init_value=0.02, peak_value=0.2, warmup_steps=6, decay_steps=60
)
few, others = (x_train[:30], training[1][:30]), (x_held, held_out[1])
rates = train(start, loss_and_gradients, few, others, planned, 10, 5, np.random.default_rng(0))[3]
print("rate at steps 0, 6, 30 and 59:", ", ".join(f"{rates[step]:.3f}" for step in (0, 6, 30, 59)))
print(
    "                      planned:", ", ".join(f"{planned(step):.3f}" for step in (0, 6, 30, 59))
)

# %% nbgrader={"grade": true, "grade_id": "check-train", "locked": true, "schema_version": 3, "solution": false, "task": false}
from gradlab.checks import check

check("in_practice.train", train)

# %% [markdown]
# ## 5 The whole run
#
# Everything together, with the functions above. The last fault is one of method: it changes neither
# gradients nor rates, and the result looks no worse for it.


# %%
def logits(params, x):
    """What a network says of examples."""
    for k in range(0, len(params), 2):
        x = x @ params[k] + params[k + 1]
        if k < len(params) - 2:
            x = np.maximum(x, 0)
    return x


# %% nbgrader={"grade": false, "grade_id": "run", "locked": false, "schema_version": 3, "solution": true, "task": false}
def run(training, held_out, test, sizes, epochs, rng):
    """Train a network from raw digits, and say what it thinks of the test digits.

    training, held_out, test: tuples (x, labels) with pixels between 0 and 1
    sizes: tuple of ints, the number of inputs and of the units of each layer
    epochs: int
    rng: a generator of random numbers, numpy.random.Generator

    Returns the tuple (out, records): an array (test examples, classes), and the list of the three
    records of `train`, losses, held_losses and rates.
    """
    x_train, x_held, x_test = standardize(training[0], held_out[0], test[0])
    params = initial_parameters(sizes, rng)
    batch_size = 16
    steps = epochs * math.ceil(len(x_train) / batch_size)
    schedule = partial(
        warmup_cosine_decay,
        init_value=0.02,
        peak_value=0.2,
        warmup_steps=steps // 10,
        decay_steps=steps,
    )
    ### BEGIN SOLUTION
    # What has chosen the epoch cannot judge it: the test digits have no part in training.
    watched = x_held, held_out[1]
    ### GIVEN
    # watched = x_test, test[1]
    ### END SOLUTION
    best, losses, held_losses, rates = train(
        params,
        loss_and_gradients,
        (x_train, training[1]),
        watched,
        schedule,
        epochs,
        batch_size,
        rng,
    )
    return logits(best, x_test), [losses, held_losses, rates]


# %% [markdown]
# *Instrument: a result that can be defended.* Accuracy with its standard error, and whether the
# test labels had a say: with other ones, nothing of the run's record may change.

# %%
out, records = run(training, held_out, test, sizes, 20, np.random.default_rng(0))
losses, held_losses, _ = records
accuracy = (out.argmax(axis=1) == test[1]).mean()
error = math.sqrt(accuracy * (1 - accuracy) / len(test[1]))
print(f"loss of the first mini-batch {losses[0]:.2f}, of the last {losses[-1]:.2f}")
print(
    f"held-out loss {held_losses[0]:.2f}, lowest {min(held_losses):.2f}, last {held_losses[-1]:.2f}"
)
print(f"accuracy on test digits {100 * accuracy:.1f} %, standard error {100 * error:.1f} points")
others = test[0], np.roll(test[1], 1)
again = run(training, held_out, others, sizes, 20, np.random.default_rng(0))[1]
print("the same records with other test labels:", again == records)

# %% nbgrader={"grade": true, "grade_id": "check-run", "locked": true, "schema_version": 3, "solution": false, "task": false}
from gradlab.checks import check

check("in_practice.run", run)

# %% [markdown]
# ## 6 A question in words
#
# Put each of the seven faults back, one at a time, and look at the accuracy on the test digits.
# Which faults can it show, which can it not show, and why? For two of the latter: what would the
# fault have done to somebody who relies on the result? Answer in four or five sentences.

# %% [markdown] nbgrader={"grade": true, "grade_id": "question-accuracy", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# Two faults leave accuracy near a tenth: gradients of the wrong units, and labels that have lost
# their digits. Weights that are too small cost a good part of it, since training begins late. The
# other four hardly move it. Statistics of all digits differ little from those of the training
# digits; a rate that follows the epoch still trains, with another schedule than the one reported;
# the last epoch is nearly as good as the best while the network does not overfit; and choosing by
# the test digits cannot make their loss worse. The first and the last make the reported number too
# good for new digits, by an amount that nobody can know afterwards; with a schedule other than the
# one reported, nobody can repeat the run.
#
# Marking: 0.25 for the faults that accuracy shows; 0.25 for those that it does not; 0.25 for a
# reason that is right; 0.25 for the consequences of two of them.
# ### END SOLUTION
