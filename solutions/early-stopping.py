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
# # Exercise: Early stopping
#
# You write the rule by which training stops, find out which patience a given run would have needed,
# and train with the rule, so that the best weights are there at the end. The chapter *Early
# stopping* of the book explains every step; its equation labels, `es-improvement` and `es-stop`,
# appear in the reports below.
#
# POINTS
#
# Write plain Python and NumPy. After each part, run the cell with `check(...)`: it compares your
# function with the reference on several runs, says what is wrong, and shows the points that you
# have. The reports print the metrics of the run, so that you can go through it by hand; everything
# is counted from 0, and True and False appear as 1 and 0. Your submission is graded by the same
# criteria on other numbers. Expect about 75 minutes.

# %%
import numpy as np

# No module named "gradlab"? The page "Getting started" of the book says how to install it.
from gradlab.checks import check

# %% [markdown]
# ## 1 One more metric
#
# A training loop reports a metric $m$ of held-out examples after each epoch. With $b$ for the best
# metric so far and $\delta \ge 0$ for the least improvement, $m$ *improves* if
#
# $$
# \begin{gathered}
# m < b - \delta \quad \text{(a loss: mode "min")} \qquad \text{or} \\
# m > b + \delta \quad \text{(an accuracy: mode "max")},
# \end{gathered}
# $$
#
# and only then becomes the best. `wait` counts the epochs since the last improvement. Training
# stops when `wait` has reached the patience; a patience of 0 is the same as 1. A metric that is not
# a number is no improvement. Before the first epoch the best metric is infinitely bad: `np.inf`
# for a loss, `-np.inf` for an accuracy.
#
# The check takes your function through whole runs: it hands `best` and `wait` as you returned them
# to the next call, also after the first stop. In the reports, `best_after[2]` is `best` after epoch
# 2, the third one.


# %% nbgrader={"grade": false, "grade_id": "update", "locked": false, "schema_version": 3, "solution": true, "task": false}
def update(best, wait, metric, patience, min_delta, mode):
    """Take the metric of one more epoch.

    best: float, the best metric before this epoch, plus or minus infinity before the first one
    wait: int, the number of epochs since the last improvement, before this epoch
    metric: float, of this epoch
    patience: int, at least 0
    min_delta: float, at least 0
    mode: "min" or "max"

    Returns the tuple (best, wait, stop): best and wait after this epoch, and True or False.
    """
    ### BEGIN SOLUTION
    improved = metric < best - min_delta if mode == "min" else metric > best + min_delta
    # A comparison with nan is false, so such a metric is no improvement.
    if improved:
        best = metric
        wait = 0
    else:
        wait = wait + 1
    return best, wait, wait >= max(patience, 1)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check-update", "locked": true, "schema_version": 3, "solution": false, "task": false}
from gradlab.checks import check

check("early_stopping.update", update)

# %% [markdown]
# ## 2 A list of losses
#
# Here are the validation losses that training would have if it went on and on. Find the last epoch
# that is trained under the rule of part 1, and the epoch whose weights are kept. Both are counted
# from 0, so that they are indices into the list. If the rule never stops training, the last epoch
# is the last of the list.


# %% nbgrader={"grade": false, "grade_id": "epochs", "locked": false, "schema_version": 3, "solution": true, "task": false}
def stopping_epochs(losses, patience, min_delta):
    """The epochs at which training stops and which it keeps.

    losses: list of floats, one for each epoch; the first is finite, a later one may be nan
    patience: int, at least 0
    min_delta: float, at least 0

    Returns the tuple (last, best) of ints: the last epoch trained and the best one up to there,
    counted from 0.
    """
    ### BEGIN SOLUTION
    best_epoch = 0
    for epoch, loss in enumerate(losses):
        if loss < losses[best_epoch] - min_delta:
            best_epoch = epoch
        elif epoch - best_epoch >= max(patience, 1):
            break
    # What comes after the break is never seen, however good it is.
    return epoch, best_epoch
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check-epochs", "locked": true, "schema_version": 3, "solution": false, "task": false}
from gradlab.checks import check

check("early_stopping.epochs", stopping_epochs)

# %% [markdown]
# ## 3 How much patience it takes
#
# Afterwards one knows better. Somebody has trained to the end without stopping. Which is the
# smallest patience, at least 1, with which early stopping would have kept the epoch with the lowest
# loss of the whole run? (If several epochs have that loss, the first of them counts.) The least
# improvement is 0.
#
# You may try one patience after the other, or look at the epochs at which a new best loss occurs,
# and find the answer in one pass.


# %% nbgrader={"grade": false, "grade_id": "patience", "locked": false, "schema_version": 3, "solution": true, "task": false}
def smallest_patience(losses):
    """The smallest patience that keeps the epoch with the lowest loss of a run.

    losses: list of finite floats, one for each epoch

    Returns an int, at least 1.
    """
    ### BEGIN SOLUTION
    best_epoch = 0
    longest = 1
    for epoch, loss in enumerate(losses):
        if loss < losses[best_epoch]:
            # One epoch before this one, wait was epoch - best_epoch - 1. To get here, the patience
            # must be larger.
            longest = max(longest, epoch - best_epoch)
            best_epoch = epoch
    return longest
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check-patience", "locked": true, "schema_version": 3, "solution": false, "task": false}
from gradlab.checks import check

check("early_stopping.patience", smallest_patience)

# %% [markdown]
# ## 4 Training, and the best weights
#
# When training stops, the network holds the weights of the *last* epoch. Now write the loop that
# trains and gives it back those of the best one. `network` has three methods:
#
# - `train_epoch()` trains for one epoch and returns nothing;
# - `validation_loss()` returns the loss with the weights as they are, a float;
# - `parameters()` returns a list of the network's own arrays. Training changes these arrays
#   in place, and what you write into them is what the network holds.
#
# Train until the patience is at its end, by the rule of part 1 for a loss, with a least improvement
# of 0, but never for more than `max_epochs`. Then put the best weights back into the network. If no
# epoch improves, because all losses are nan, put back what the network held when your function was
# called; the best loss is then `np.inf`.
#
# In the reports, `epochs_trained` is how often `train_epoch` was called, and `weights` is what
# `parameters()` returns when your function has ended.


# %% nbgrader={"grade": false, "grade_id": "train", "locked": false, "schema_version": 3, "solution": true, "task": false}
def train(network, patience, max_epochs):
    """Train with early stopping, and leave the best weights in the network.

    network: has the methods train_epoch, validation_loss and parameters, as described above
    patience, max_epochs: ints, at least 1

    Returns the tuple (epochs, best_loss): how many epochs were trained, an int, and the loss of
    the best one.
    """
    ### BEGIN SOLUTION
    best_loss, wait, epochs = np.inf, 0, 0
    # Copies: the arrays themselves go on changing.
    kept = [array.copy() for array in network.parameters()]
    while epochs < max_epochs and wait < patience:
        network.train_epoch()
        epochs = epochs + 1
        loss = network.validation_loss()
        if loss < best_loss:
            best_loss, wait = loss, 0
            kept = [array.copy() for array in network.parameters()]
        else:
            wait = wait + 1
    # Write into the network's arrays; another array under the same name would not reach it.
    for array, values in zip(network.parameters(), kept, strict=True):
        array[...] = values
    return epochs, best_loss
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check-train", "locked": true, "schema_version": 3, "solution": false, "task": false}
from gradlab.checks import check

check("early_stopping.train", train)

# %% [markdown]
# ## 5 A question in words
#
# A network that was trained on many examples elsewhere, with weights $\mathbf w_0$, is trained
# further on 200 examples of your own. One person stops gradient descent with rate $\eta$ early,
# after $t$ steps; another one trains to the end with weight decay of strength
# $\lambda = 1 / (\eta t)$. Near the minimum $\mathbf w^*$ the loss is a quadratic bowl with the
# curvatures $h_j$ along its axes. Which value does each of the two end with along an axis? In which
# directions do the results differ most, and why? Whom would you follow? Answer in four or five
# sentences.

# %% [markdown] nbgrader={"grade": true, "grade_id": "question-decay", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# Gradient descent multiplies the distance from the minimum by $1 - \eta h_j$ in each step, so the
# first person ends with $w_j^* + (1 - \eta h_j)^t (w_{0j} - w_j^*)$: near $w_j^*$ along steep axes,
# near $w_{0j}$ along flat ones. Weight decay ends with $h_j w_j^* / (h_j + \lambda)$, wherever
# training began: near $w_j^*$ along steep axes, near 0 along flat ones. So they differ most along
# flat axes, about which the 200 examples say little: early stopping keeps there what was learnt
# elsewhere, and weight decay forgets it. With weights that are worth keeping, follow the first (or
# let the weights decay towards $\mathbf w_0$ instead of 0).
#
# Marking: 0.25 for each of the two results, in a formula or as "from the start" and "from 0"; 0.25
# for the flat axes; 0.25 for the choice with its reason.
# ### END SOLUTION

# %% [markdown]
# ## 6 Your function on the digits
#
# Not graded. A network with 64 rectified linear units learns from 200 handwritten digits, 30 % of
# whose labels were drawn at random; 400 others are held out. The last line trains it with your
# function, for several patiences, once you take away its `#`. The last column is the loss of the
# network as your function has left it, so it has to be the best loss again.

# %%
from gradlab.datasets import load_digits
from gradlab.network import Activation, Dense, Network
from gradlab.optimizers import SGD
from gradlab.training import evaluate, fit


class Digits:
    """A network that learns the digits, with the methods of part 4."""

    def __init__(self):
        data = load_digits()
        self.rng = np.random.default_rng(0)
        labels = data.y_train[:200].copy()
        redrawn = np.random.default_rng(5).random(200) < 0.3
        labels[redrawn] = self.rng.integers(0, 10, redrawn.sum())
        self.training = data.x_train[:200], labels
        self.held_out = data.x_train[-400:], data.y_train[-400:]
        self.network = Network(
            [Dense(64, 64, self.rng), Activation("relu"), Dense(64, 10, self.rng)]
        )

    def train_epoch(self):
        fit(
            self.network,
            self.training,
            None,
            SGD(0.1),
            epochs=1,
            batch_size=20,
            progress=False,
            rng=self.rng,
        )

    def validation_loss(self):
        return evaluate(self.network, *self.held_out)[0]

    def parameters(self):
        return self.network.parameters()


def compare_patiences():
    """Train with several patiences and print what your function returns."""
    for patience in (1, 5, 20):
        digits = Digits()
        epochs, best_loss = train(digits, patience, 120)
        print(
            f"patience {patience:2d}: {epochs:3d} epochs, best loss {best_loss:.3f}, "
            f"loss now {digits.validation_loss():.3f}"
        )


# compare_patiences()
