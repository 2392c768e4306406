"""Checks of the exercise ``batch-normalization``."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradlab import batch_normalization as reference
from gradlab.checks._edits import mistakes
from gradlab.checks._model import (
    Case,
    Exercise,
    Function,
    criteria,
)

Array = NDArray[Any]


def _batch(rng: np.random.Generator, rows: int, features: int) -> Array:
    """A batch whose features differ in mean and in scale, so that no pooled statistic fits."""
    scale = np.exp(rng.uniform(-1.0, 1.5, features))
    noise = rng.standard_normal((rows, features))
    mean = rng.uniform(0.5, 3.0, features) * rng.choice([-1.0, 1.0], features)
    return scale * (mean + noise - noise.mean(axis=0))


def _sizes(rng: np.random.Generator) -> tuple[int, int]:
    """A batch size and a number of features that are never equal."""
    features = int(rng.integers(3, 6))
    return features + int(rng.integers(2, 6)), features


def _parameters(rng: np.random.Generator, features: int) -> tuple[Array, Array]:
    gamma = rng.uniform(0.4, 2.0, features) * rng.choice([-1.0, 1.0], features)
    return gamma, rng.uniform(0.5, 2.0, features) * rng.choice([-1.0, 1.0], features)


def _label(rows: int, features: int, rest: str) -> str:
    return f"a batch of {rows} with {features} feature{'s' if features > 1 else ''}, {rest}"


def _training_inputs(rng: np.random.Generator) -> list[tuple[str, str, Array, float]]:
    """(group, label, x, eps) of the batches that forward and backward are checked on."""
    inputs = []
    # An epsilon on the scale of the variance shows where it was put; a small one shows the rest.
    for eps in (0.5, 1e-3, 1e-5):
        rows, features = _sizes(rng)
        x = _batch(rng, rows, features)
        inputs.append(("ordinary", _label(rows, features, f"eps = {eps:g}"), x, eps))
    rows, features = _sizes(rng)
    x = _batch(rng, rows, features).astype(np.float32)
    inputs.append(("ordinary", _label(rows, features, "float32, eps = 0.1"), x, 0.1))
    constant = _batch(rng, rows, features)
    # In eighths, so that its mean is this number exactly, and its variance 0.
    constant[:, 1] = rng.integers(4, 17) / 8
    label = _label(rows, features, "feature 1 is constant, eps = 0.02")
    inputs.append(("edge", label, constant, 0.02))
    pair = _batch(rng, 2, 5)
    inputs.append(("edge", _label(2, 5, "eps = 0.3"), pair, 0.3))
    single = _batch(rng, 7, 1)
    inputs.append(("edge", _label(7, 1, "eps = 0.05"), single, 0.05))
    return inputs


# ---- forward


def _forward(x: Array, gamma: Array, beta: Array, eps: float) -> tuple[Array, Array, Array]:
    out, cache = reference.batch_norm_forward(x, gamma, beta, eps)
    return out, cache.mean, cache.var


def _forward_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for group, label, x, eps in _training_inputs(rng):
        gamma, beta = (a.astype(x.dtype) for a in _parameters(rng, x.shape[1]))
        cases.append(Case(group, label, {"x": x, "gamma": gamma, "beta": beta, "eps": eps}))
    # The mean of the squares less the square of the mean keeps no digit of this variance.
    rows, features = _sizes(rng)
    x = _batch(rng, rows, features)
    x[:, 0] += 1e8
    gamma, beta = _parameters(rng, features)
    label = _label(rows, features, "feature 0 has a mean of 1e8, eps = 1e-05")
    cases.append(Case("edge", label, {"x": x, "gamma": gamma, "beta": beta, "eps": 1e-5}))
    return cases


def _forward_observed(
    function: Function, x: Array, gamma: Array, beta: Array, eps: float
) -> tuple[Array, ...]:
    """Look at what a function returns; undone with its own statistics, out gives x again."""
    out, mean, var = function(x, gamma, beta, eps)
    try:
        again = (out - beta) / gamma * np.sqrt(var + eps) + mean
    except ValueError:
        again = np.full(x.shape, np.nan)
    return out, mean, var, again


def _forward_model(x: Array, gamma: Array, beta: Array, eps: float) -> Any:
    mean = x.mean(axis=0)
    var = ((x - mean) ** 2).mean(axis=0)
    normalized = (x - mean) / np.sqrt(var + eps)
    out = gamma * normalized + beta
    return out, mean, var


FORWARD = Exercise(
    name="batch_normalization.forward",
    outputs=("out", "mean", "var", "x again"),
    returns=("out", "mean", "var"),
    reference=_forward,
    observe=_forward_observed,
    cases=_forward_cases,
    criteria=criteria("""
out, mean and var have the right shapes (shape, 0.25)
mean is that of each feature (ordinary, 0.25)
    mean: bn-mean
var is that of each feature (ordinary, 0.5)
    var: bn-variance
out follows from the mean and var that you return: undone with them, it is x again (ordinary, 0.5)
    x again: bn-normalize bn-scale-shift
out is right on ordinary batches (ordinary, 0.75)
    out: bn-normalize bn-scale-shift
a constant feature, one far from 0, a batch of two, a single feature (edge, 0.5)
    out, mean, var: bn-variance bn-normalize
the arguments are left as they were (unchanged, 0.25)
"""),
    misconceptions=mistakes(
        _forward_model,
        """
epsilon outside the root (bn-normalize, 1.25)
    np.sqrt(var + eps) -> (np.sqrt(var) + eps)
    You divide by sqrt(var) + eps; the chapter adds eps to the variance, under the root. Some
    libraries add it outside in other layers, so always look it up.
epsilon left out (bn-normalize, 1.25)
    var + eps -> var
    Add eps to the variance: without it a feature that is constant divides by zero.
epsilon subtracted (bn-normalize, 1.25)
    var + eps -> var - eps
    It keeps the divisor away from 0, so it is added to the variance. A variance below eps has no
    root in your form.
the variance in place of the standard deviation (bn-normalize, 1.25)
    np.sqrt(var + eps) -> (var + eps)
    The root is missing: divide by sqrt(var + eps).
an input that is not centered (bn-normalize, 1.25)
    (x - mean) / np -> x - mean / np
    The mean has to be subtracted from x before the division: (x - mean) / ..., with the
    parentheses.
gamma and beta forgotten (bn-scale-shift, 1.25)
    gamma * normalized + beta -> normalized
    The standardized batch still has to be multiplied by gamma and shifted by beta.
gamma and beta exchanged (bn-scale-shift, 1.25)
    gamma * normalized + beta -> beta * normalized + gamma
    gamma is the scale and multiplies; beta is the shift and is added.
a shift that is scaled too (bn-scale-shift, 1.25)
    gamma * normalized + beta -> gamma * (normalized + beta)
    gamma multiplies the standardized batch alone; beta is added afterwards.
one variance for all features (bn-variance, 1)
    ((x - mean) ** 2).mean(axis=0) -> x.var()
    ((x - mean) ** 2).mean(axis=0) -> ((x - mean) ** 2).mean()
    ((x - mean) ** 2).mean(axis=0) -> ((x - mean) ** 2).sum() / len(x)
    x.var() pools everything into one number. Each feature has its own: sum over the batch,
    which is axis 0.
one mean and one variance for all features (bn-mean, 0.75)
    x.mean(axis=0) -> x.mean() & ** 2).mean(axis=0) -> ** 2).mean()
    x.mean() and x.var() pool everything into one number. Each feature has its own: sum over the
    batch, which is axis 0.
the statistics of each example instead of each feature (bn-mean, 0.75)
    x.mean(axis=0) -> x.mean(axis=1, keepdims=True) & 2).mean(axis=0) -> 2).mean(1, keepdims=True)
    axis 1 runs over the features of one example: that is layer normalization. Batch
    normalization averages over the batch, axis 0.
the variance divided by B - 1 (bn-variance, 1.25)
    ((x - mean) ** 2).mean(axis=0) -> x.var(axis=0, ddof=1)
    Training divides by the batch size B. The factor B / (B - 1) belongs to the statistics for
    inference.
the standard deviation returned as the variance (bn-variance, 1.5)
    return out, mean, var -> return out, mean, np.sqrt(var)
    Return the variance itself, before the root.
epsilon inside the variance that is returned (bn-variance, 1.5)
    return out, mean, var -> return out, mean, var + eps
    Return the variance as it is; eps is added where it is used.
the mean squared instead of the variance (bn-variance, 1.25)
    ((x - mean) ** 2).mean(axis=0) -> (x * x).mean(axis=0)
    The variance is the mean of (x - mean) squared: the mean comes off first.
a variance that is a difference of large numbers (bn-variance, 2.5)
    ((x - mean) ** 2).mean(axis=0) -> (x * x).mean(axis=0) - mean * mean
    ((x - mean) ** 2).mean(axis=0) -> np.maximum((x * x).mean(axis=0) - mean * mean, 0)
    The mean of the squares less the square of the mean is right on paper. Where the mean is
    large, both are larger still, and rounding leaves nothing of their difference: subtract the
    mean first, then square.
""",
    ),
    model=_forward_model,
)


# ---- backward


def _backward(
    dout: Array, x: Array, mean: Array, var: Array, gamma: Array, eps: float
) -> tuple[Array, ...]:
    # The statistics follow from x, which the exercise says; the reference computes its own.
    _, cache = reference.batch_norm_forward(x, gamma, np.zeros_like(gamma), eps)
    return reference.batch_norm_backward(dout, cache)


def _backward_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for group, label, x, eps in _training_inputs(rng):
        gamma, _ = (a.astype(x.dtype) for a in _parameters(rng, x.shape[1]))
        # With a mean of its own, so that no sum over the batch is small by chance.
        dout = (rng.uniform(0.3, 1.0) + rng.standard_normal(x.shape)).astype(x.dtype)
        arguments = {
            "dout": dout,
            "x": x,
            "mean": x.mean(axis=0),
            "var": x.var(axis=0),
            "gamma": gamma,
            "eps": eps,
        }
        cases.append(Case(group, label, arguments))
    return cases


def _backward_model(
    dout: Array, x: Array, mean: Array, var: Array, gamma: Array, eps: float
) -> Any:
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


BACKWARD = Exercise(
    name="batch_normalization.backward",
    outputs=("dx", "dgamma", "dbeta"),
    reference=_backward,
    cases=_backward_cases,
    criteria=criteria("""
dx, dgamma and dbeta have the right shapes (shape, 0.25)
dgamma is right (ordinary, 0.5)
    dgamma: bn-backward-gamma
dbeta is right (ordinary, 0.25)
    dbeta: bn-backward-beta
dx is right on ordinary batches (ordinary, 1.75)
    dx: bn-backward-variance bn-backward-mean bn-backward-z
a constant feature, a batch of two, a single feature (edge, 0.5)
    dx, dgamma, dbeta: bn-backward-z
the arguments are left as they were (unchanged, 0.25)
"""),
    misconceptions=mistakes(
        _backward_model,
        """
dx without the paths through the mean and the variance (bn-backward-z, 1.25)
    du * inv_std + dvar * 2 * centered / batch + dmean / batch -> du * inv_std
    You treat mean and var as constants. Both depend on every example of the batch, so x reaches
    the loss in three ways.
a division that is undone in place of differentiated (bn-backward-z, 1.25)
    du * inv_std + dvar * 2 * centered / batch + dmean / batch -> du / inv_std
    du * inv_std + dvar -> du / inv_std + dvar
    The forward pass divides by sqrt(var + eps), and the derivative of a division by a number
    divides by it, too: multiply by 1 / sqrt(var + eps).
the path through the variance missing (bn-backward-variance, 1.25)
    dvar * 2 * centered / batch + dmean / batch -> dmean / batch
    (du * centered).sum(axis=0) -> du.sum(axis=0) * centered.sum(axis=0)
    Two of the three terms are there. Moving x also moves the variance. If you have that term,
    look at its sum: that of x - mean alone is zero, that of du * (x - mean) is not.
the path through the mean missing (bn-backward-mean, 1.25)
    centered / batch + dmean / batch -> centered / batch
    Two of the three terms are there. Moving x also moves the mean.
no division by the batch size (bn-backward-z, 1.25)
    centered / batch + dmean / batch -> centered + dmean
    centered / batch + dmean -> centered + dmean
    dmean / batch -> dmean
    Mean and variance are averages: an example's share in each has the factor 1 / B.
a division by the batch size too many (bn-backward-z, 1.25)
    (du * centered).sum -> (du * centered).mean & du.sum -> du.mean
    (du * centered).sum -> (du * centered).mean
    du.sum -> du.mean
    The gradients for the mean and the variance are sums over the batch. The factor 1 / B comes
    in once, from the derivative of the average.
no sum over the batch in the gradient for the variance (bn-backward-variance, 1.25)
    (du * centered).sum(axis=0) -> (du * centered)
    One variance serves the whole batch, so every example contributes to its gradient: sum over
    axis 0.
no sum over the batch in the gradient for the mean (bn-backward-mean, 1.25)
    du.sum(axis=0) -> du
    One mean serves the whole batch, so every example contributes to its gradient: sum over axis
    0.
the gradient for the variance summed over all features (bn-backward-variance, 1.25)
    (du * centered).sum(axis=0) -> (du * centered).sum()
    The sum runs over the batch alone: axis 0. Each feature has a variance of its own.
the gradient for the mean summed over all features (bn-backward-mean, 1.25)
    du.sum(axis=0) -> du.sum()
    The sum runs over the batch alone: axis 0. Each feature has a mean of its own.
the gradient for the variance without its power of -3/2 (bn-backward-variance, 1.25)
    inv_std**3 -> inv_std
    The derivative of (var + eps)^(-1/2) is -1/2 (var + eps)^(-3/2).
the factor 2 of the squared difference lost (bn-backward-z, 1.25)
    dvar * 2 * centered -> dvar * centered
    The derivative of (x - mean) squared is 2 (x - mean).
a plus where the derivative for the variance has a minus (bn-backward-variance, 1.25)
    -0.5 -> 0.5
    A larger variance makes the outputs smaller: the derivative is negative.
a plus where the derivative for the mean has a minus (bn-backward-mean, 1.25)
    -inv_std * du -> inv_std * du
    A larger mean makes x - mean smaller: the derivative is negative.
1 / var in place of 1 / std (bn-backward-z)
    1 / np.sqrt(var + eps) -> 1 / (var + eps)
    1 / np.sqrt(var + eps) -> 1 / (var + eps) & centered * inv_std -> centered / np.sqrt(var + eps)
    dout * centered * inv_std -> dout * centered / (var + eps)
    The root is missing: divide by sqrt(var + eps).
epsilon left out of the backward pass (bn-backward-variance)
    var + eps -> var
    var + eps -> var & centered * inv_std -> centered / np.sqrt(var + eps)
    dout * centered * inv_std -> dout * centered / np.sqrt(var)
    The forward pass divided by sqrt(var + eps), so its derivative has the same eps.
epsilon outside the root (bn-normalize)
    np.sqrt(var + eps) -> (np.sqrt(var) + eps)
    np.sqrt(var + eps) -> (np.sqrt(var) + eps) & * centered * inv_std -> * centered / (var+eps)**0.5
    dout * centered * inv_std -> dout * centered / (np.sqrt(var) + eps)
    The chapter adds eps to the variance, under the root, in both passes.
gamma left out of dx (bn-backward-u, 1.25)
    dout * gamma -> dout
    Between dout and the standardized input stands gamma, as a factor: dL/du = gamma * dout. (What
    is added to every example alike falls out of dx.)
dgamma from x instead of the standardized input (bn-backward-gamma, 2.5)
    dout * centered * inv_std -> dout * x
    gamma multiplies u = (x - mean) / sqrt(var + eps), so that is what dout meets.
dgamma from the centered input, not divided (bn-backward-gamma, 2.5)
    dout * centered * inv_std -> dout * centered
    gamma multiplies u = (x - mean) / sqrt(var + eps): the division is missing.
dgamma that sums the standardized data by itself (bn-backward-gamma, 2.5)
    (dout * centered * inv_std).sum(axis=0) -> dout.sum(axis=0) * (centered * inv_std).sum(axis=0)
    u adds up to 0 over the batch, so sum(u), and sum(dout) * sum(u), are 0 but for rounding.
    Multiply dout and u first, then sum.
dgamma and dbeta with gamma (bn-backward-gamma)
    dout * centered -> dout * gamma * centered
    dout.sum -> (dout * gamma).sum
    dout.sum -> (dout * gamma).sum & dout * centered -> dout * gamma * centered
    gamma and beta stand above gamma * u: their gradients begin with dout itself.
a mean where dgamma and dbeta want a sum (bn-backward-beta)
    inv_std).sum -> inv_std).mean & dout.sum -> dout.mean
    inv_std).sum -> inv_std).mean
    dout.sum -> dout.mean
    Whatever averages over the batch is already in dout. Sum over axis 0.
""",
    ),
    model=_backward_model,
)


# ---- running statistics


def _running_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for group, batch_size, momentum in (
        ("ordinary", 5, 0.1),
        ("ordinary", 12, 0.3),
        ("edge", 2, 0.25),
        ("edge", 9, 1.0),
        ("edge", 9, 0.0),
    ):
        features = int(rng.integers(3, 6))
        arguments = {
            "running_mean": rng.uniform(0.5, 2.0, features),
            "running_var": rng.uniform(0.5, 3.0, features),
            "batch_mean": rng.uniform(-2.0, -0.5, features),
            "batch_var": rng.uniform(3.5, 6.0, features),
            "batch_size": batch_size,
            "momentum": momentum,
        }
        label = f"batch size {batch_size}, momentum {momentum:g}"
        cases.append(Case(group, label, arguments))
    return cases


def _running_model(
    running_mean: Array,
    running_var: Array,
    batch_mean: Array,
    batch_var: Array,
    batch_size: int,
    momentum: float,
) -> Any:
    unbiased = batch_var * batch_size / (batch_size - 1)
    new_mean = (1 - momentum) * running_mean + momentum * batch_mean
    new_var = (1 - momentum) * running_var + momentum * unbiased
    return new_mean, new_var


RUNNING_STATISTICS = Exercise(
    name="batch_normalization.running_statistics",
    outputs=("running_mean", "running_var"),
    reference=reference.update_running_statistics,
    cases=_running_cases,
    criteria=criteria("""
running_mean and running_var keep their shapes (shape, 0.125)
running_mean moves by the momentum (ordinary, 0.25)
    running_mean: bn-running-mean
running_var moves by the momentum, with B / (B - 1) (ordinary, 0.25)
    running_var: bn-running-variance
a batch of two, a momentum of 1 and of 0 (edge, 0.25)
    running_mean, running_var: bn-running-mean bn-running-variance
the arguments are left as they were (unchanged, 0.125)
"""),
    misconceptions=mistakes(
        _running_model,
        """
running statistics that never move (bn-running-mean, 0.125, idle)
    return new_mean, new_var -> return running_mean, running_var
    You return the old values. The new ones mix in the batch.
running statistics overwritten by the batch (bn-running-mean, 0.125, idle)
    return new_mean, new_var -> return batch_mean, batch_var
    You return the values of the last batch. They get the weight momentum, and the old ones keep
    1 - momentum.
Keras's momentum (bn-running-mean, 0.125)
    unbiased = -> momentum = 1 - momentum; unbiased =
    You weight the old value by momentum, which is Keras's convention. This exercise asks for
    PyTorch's, in which momentum weights the new batch.
Keras's momentum and its variance without B / (B - 1) (bn-running-variance, 0.125)
    * batch_size / (batch_size - 1) -> ; momentum = 1 - momentum
    Both are Keras's conventions. This exercise asks for PyTorch's: momentum weights the new
    batch, and its variance is made unbiased.
the variance without B / (B - 1) (bn-running-variance, 0.5)
    batch_var * batch_size / (batch_size - 1) -> batch_var
    batch_var divides by B. Keras keeps it so; PyTorch and deck C make it unbiased, which is
    what this exercise asks for.
the correction upside down (bn-running-variance, 0.5)
    batch_size / (batch_size - 1) -> (batch_size - 1) / batch_size
    Dividing by B made the variance too small, so the factor has to be above 1: B / (B - 1).
the running variance updated with the mean (bn-running-variance, 0.5)
    momentum * unbiased -> momentum * batch_mean
    running_var wants batch_var.
the running variance updated with a standard deviation (bn-running-variance, 0.5)
    momentum * unbiased -> momentum * np.sqrt(unbiased)
    momentum * unbiased -> momentum * np.sqrt(batch_var)
    Mix in batch_var itself, without a root.
the whole running variance corrected (bn-running-variance, 0.5)
    momentum) * running_var -> momentum) * running_var * batch_size / (batch_size - 1)
    B / (B - 1) belongs to batch_var alone; the running variance holds it already.
""",
    ),
    model=_running_model,
)


# ---- averages


def _averages_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for group, steps, batch_size, alpha in (
        ("ordinary", 6, 5, 0.1),
        ("ordinary", 9, 3, 0.35),
        ("edge", 1, 4, 0.2),
        ("edge", 7, 2, 1.0),
    ):
        features = int(rng.integers(3, 6))
        arguments = {
            "batch_means": rng.uniform(0.5, 2.0, (steps, features)),
            "batch_vars": rng.uniform(1.5, 6.0, (steps, features)),
            "batch_size": batch_size,
            "alpha": alpha,
        }
        label = f"{steps} mini-batch{'es' if steps > 1 else ''} of {batch_size}, alpha {alpha:g}"
        cases.append(Case(group, label, arguments))
    return cases


def _averages(
    batch_means: Array, batch_vars: Array, batch_size: int, alpha: float
) -> tuple[Array, Array, Array]:
    mean, var = reference.average_statistics(batch_means, batch_vars, batch_size)
    return mean, var, reference.exponential_average(np.sqrt(batch_vars), alpha)


def _averages_model(batch_means: Array, batch_vars: Array, batch_size: int, alpha: float) -> Any:
    mean = batch_means.mean(axis=0)
    var = batch_vars.mean(axis=0) * batch_size / (batch_size - 1)
    moving = np.sqrt(batch_vars[0])
    for step in batch_vars[1:]:
        moving = alpha * np.sqrt(step) + (1 - alpha) * moving
    return mean, var, moving


AVERAGES = Exercise(
    name="batch_normalization.averages",
    outputs=("mean", "var", "moving_std"),
    reference=_averages,
    cases=_averages_cases,
    criteria=criteria("""
the average over all mini-batches, with B / (B - 1) (, 0.25)
    mean, var: bn-average-mean bn-average-variance
the moving average of the standard deviation (, 0.125)
    moving_std: bn-exponential-average
the arguments are left as they were (unchanged, 0.125)
"""),
    misconceptions=mistakes(
        _averages_model,
        """
the average variance without B / (B - 1) (bn-average-variance, 0.25)
    batch_vars.mean(axis=0) * batch_size / (batch_size - 1) -> batch_vars.mean(axis=0)
    Each of batch_vars divides by B, and is too small on average. B / (B - 1) makes up for it.
the correction of the average upside down (bn-average-variance, 0.25)
    batch_size / (batch_size - 1) -> (batch_size - 1) / batch_size
    Dividing by B made each variance too small, so the factor has to be above 1: B / (B - 1).
a factor N / (N - 1) (bn-average-variance, 0.25)
    batch_size / (batch_size - 1) -> len(batch_vars) / max(len(batch_vars) - 1, 1)
    The factor is that of the examples in a mini-batch, B, and not of the mini-batches.
a moving average that starts from 0 (bn-exponential-average, 0.375)
    moving = np.sqrt(batch_vars[0]) -> moving = 0 * batch_vars[0]
        & in batch_vars[1:] -> in batch_vars
    Deck H starts from the first mini-batch itself.
the weights of the moving average exchanged (bn-exponential-average, 0.375)
    alpha * np.sqrt(step) + (1 - alpha) * moving -> (1 - alpha) * np.sqrt(step) + alpha * moving
    alpha is the weight of the newest mini-batch.
a moving average of the variance (bn-exponential-average, 0.375)
    np.sqrt(batch_vars[0]) -> batch_vars[0] & np.sqrt(step) -> step
    Deck H averages the standard deviation, the root of each of batch_vars.
the root of a moving average (bn-exponential-average, 0.375)
    np.sqrt(batch_vars[0]) -> batch_vars[0] & np.sqrt(step) -> step
        & return mean, var, moving -> return mean, var, np.sqrt(moving)
    The roots come first, and their average then: the root of the average is larger.
""",
    ),
    model=_averages_model,
)


# ---- inference


def _inference_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for group, rows, eps in (
        ("ordinary", None, 0.5),
        ("ordinary", None, 1e-3),
        ("edge", 1, 0.2),
        ("edge", None, 0.05),
    ):
        chosen, features = _sizes(rng)
        rows = rows or chosen
        gamma, beta = _parameters(rng, features)
        var = np.exp(rng.uniform(-1.0, 2.0, features))
        if group == "edge":
            var[0] = 0.0
        arguments = {
            "x": _batch(rng, rows, features),
            "gamma": gamma,
            "beta": beta,
            "running_mean": rng.uniform(0.5, 2.0, features) * rng.choice([-1.0, 1.0], features),
            "running_var": var,
            "eps": eps,
        }
        rest = f"eps = {eps:g}" + (", one variance is 0" if group == "edge" else "")
        cases.append(Case(group, _label(rows, features, rest), arguments))
    return cases


def _inference_model(
    x: Array, gamma: Array, beta: Array, running_mean: Array, running_var: Array, eps: float
) -> Any:
    normalized = (x - running_mean) / np.sqrt(running_var + eps)
    return gamma * normalized + beta


INFERENCE = Exercise(
    name="batch_normalization.inference",
    outputs=("out",),
    reference=reference.batch_norm_inference,
    cases=_inference_cases,
    criteria=criteria("""
out is right on ordinary batches (ordinary, 0.5)
    out: bn-inference
a single example, a variance of zero (edge, 0.25)
    out: bn-inference
out has the right shape (shape, 0.125)
the arguments are left as they were (unchanged, 0.125)
"""),
    misconceptions=mistakes(
        _inference_model,
        """
gamma and beta forgotten (bn-inference, 0.125)
    gamma * normalized + beta -> normalized
    Inference scales and shifts as training does.
gamma and beta exchanged (bn-inference, 0.125)
    gamma * normalized + beta -> beta * normalized + gamma
    gamma is the scale and multiplies; beta is the shift and is added.
a shift that is scaled too (bn-inference, 0.125)
    gamma * normalized + beta -> gamma * (normalized + beta)
    gamma multiplies the standardized input alone; beta is added afterwards.
the statistics of the test batch (bn-inference, 0.125)
    (x - running_mean) / np.sqrt(running_var -> (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0)
    You normalize by the mean and variance of x. At inference the running ones take their place,
    so that an example's output is its own.
epsilon left out (bn-inference, 0.125)
    running_var + eps -> running_var
    The same eps as in training is added to the variance.
epsilon outside the root (bn-inference, 0.125)
    np.sqrt(running_var + eps) -> (np.sqrt(running_var) + eps)
    You divide by sqrt(var) + eps; training added eps to the variance, under the root.
epsilon subtracted (bn-inference, 0.125)
    running_var + eps -> running_var - eps
    Training added eps to the variance, and so does inference.
an input that is not centered (bn-inference, 0.125)
    (x - running_mean) / -> x - running_mean /
    running_mean has to be subtracted from x before the division: (x - running_mean) / ..., with
    the parentheses.
the variance in place of the standard deviation (bn-inference, 0.125)
    np.sqrt(running_var + eps) -> (running_var + eps)
    The root is missing: divide by sqrt(running_var + eps).
""",
    ),
    model=_inference_model,
)

EXERCISES = (FORWARD, BACKWARD, RUNNING_STATISTICS, AVERAGES, INFERENCE)
