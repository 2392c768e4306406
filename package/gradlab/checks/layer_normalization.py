"""Checks of the exercise ``layer-normalization``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradlab import batch_normalization, layer_normalization
from gradlab.checks._edits import mistakes
from gradlab.checks._model import Case, Exercise, Function, criteria

Array = NDArray[Any]
Normalization = Callable[[Array], Array]


def _batch(rng: np.random.Generator, rows: int, features: int) -> Array:
    """A batch whose examples differ in mean and in scale, so that no shared statistic fits."""
    scale = np.exp(rng.uniform(-1.0, 1.5, (rows, 1)))
    noise = rng.standard_normal((rows, features))
    mean = rng.uniform(0.5, 3.0, (rows, 1)) * rng.choice([-1.0, 1.0], (rows, 1))
    return np.asarray(scale * (mean + noise - noise.mean(axis=1, keepdims=True)))


def _sizes(rng: np.random.Generator) -> tuple[int, int]:
    """A batch size and a number of features that are never equal."""
    features = int(rng.integers(4, 7))
    return features + int(rng.choice([-1, 2, 3])), features


def _signed(rng: np.random.Generator, features: int) -> Array:
    """Parameters of either sign that are neither equal nor near 0."""
    return rng.uniform(0.4, 2.0, features) * rng.choice([-1.0, 1.0], features)


def _label(rows: int, features: int, rest: str) -> str:
    examples = f"{rows} example{'s' if rows > 1 else ''}"
    return f"{examples} with {features} feature{'s' if features > 1 else ''}, {rest}"


def _inputs(rng: np.random.Generator) -> list[tuple[str, str, Array, float]]:
    """(group, label, x, eps) of the batches that forward and backward are checked on."""
    inputs = []
    # An epsilon on the scale of the variance shows where it was put; a small one shows the rest.
    for eps in (0.5, 1e-5):
        rows, features = _sizes(rng)
        x = _batch(rng, rows, features)
        inputs.append(("ordinary", _label(rows, features, f"eps = {eps:g}"), x, eps))
    x = _batch(rng, rows, features).astype(np.float32)
    inputs.append(("ordinary", _label(rows, features, "float32, eps = 0.1"), x, 0.1))
    equal = _batch(rng, rows, features)
    # In eighths, so that its mean is this number exactly.
    equal[1] = rng.integers(4, 17) / 8
    label = _label(rows, features, "those of example 1 are equal, eps = 0.02")
    inputs.append(("edge", label, equal, 0.02))
    inputs.append(("edge", _label(1, 6, "eps = 0.3"), _batch(rng, 1, 6), 0.3))
    inputs.append(("edge", _label(5, 1, "eps = 0.05"), _batch(rng, 5, 1), 0.05))
    # Here a mistaken axis raises no error, so that its numbers can be recognised.
    inputs.append(("square", _label(5, 5, "eps = 0.2"), _batch(rng, 5, 5), 0.2))
    return inputs


_NOT_A_COLUMN = (
    "An array (batch,) is laid along the features, so that the number of example i meets feature "
    "i. Where there are more or fewer features that is an error; here it fits by chance. Give the "
    "array the shape (batch, 1)."
)


# ---- forward


def _forward(x: Array, gamma: Array, beta: Array, eps: float) -> tuple[Array, Array, Array]:
    out, cache = layer_normalization.layer_norm_forward(x, gamma, beta, eps)
    return out, cache.mean, cache.var


def _forward_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for group, label, x, eps in _inputs(rng):
        gamma, beta = (_signed(rng, x.shape[1]).astype(x.dtype) for _ in range(2))
        cases.append(Case(group, label, {"x": x, "gamma": gamma, "beta": beta, "eps": eps}))
    return cases


def _forward_observed(
    function: Function, x: Array, gamma: Array, beta: Array, eps: float
) -> tuple[Array, ...]:
    """Look at what a function returns; undone with its own statistics, out gives x again."""
    out, mean, var = function(x, gamma, beta, eps)
    try:
        again = (out - beta) / gamma * np.sqrt(var + eps).reshape(-1, 1) + mean.reshape(-1, 1)
    except ValueError:
        again = np.full(x.shape, np.nan)
    return out, mean, var, again


def _forward_answer(x: Array, gamma: Array, beta: Array, eps: float) -> tuple[Array, Array, Array]:
    mean = x.mean(axis=1)
    centered = x - mean[:, np.newaxis]
    var = (centered**2).mean(axis=1)
    normalized = centered / np.sqrt(var + eps)[:, np.newaxis]
    out = gamma * normalized + beta
    return out, mean, var


def _statistics_of_everything(x: Array, gamma: Array, beta: Array, eps: float) -> tuple[Any, ...]:
    mean, var = x.mean(), x.var()
    return gamma * (x - mean) / np.sqrt(var + eps) + beta, mean, var


FORWARD = Exercise(
    name="layer_normalization.forward",
    outputs=("out", "mean", "var", "x_again"),
    returns=("out", "mean", "var"),
    observe=_forward_observed,
    reference=_forward,
    cases=_forward_cases,
    criteria=criteria("""
out, mean and var have the right shapes (shape, 0.25)
mean is that of each example (ordinary, 0.25)
    mean: ln-mean
var is that of each example (ordinary, 0.25)
    var: ln-variance
out follows from the mean and var that you return: undone with them, it is x again (ordinary, 0.375)
    x_again: ln-normalize ln-scale-shift
out is right on ordinary batches (ordinary, 0.375)
    out: ln-normalize ln-scale-shift
as many examples as features, where a wrong axis raises no error (square, 0.25)
    out: ln-normalize
an example of equal features, a single example, a single feature (edge, 0.375)
    out, mean, var: ln-variance ln-normalize
the arguments are left as they were (unchanged, 0.125)
"""),
    model=_forward_answer,
    misconceptions=mistakes(
        _forward_answer,
        f"""
the statistics of each feature instead of each example (ln-mean, 0)
    mean = x.mean -> x = x.T; mean = x.mean & normalized + beta -> normalized.T + beta
    Your mean and variance run over the batch: that is batch normalization. Here each example is
    measured by itself, over its features.
one mean and one variance for the whole batch (ln-mean, 0.5)
    = _statistics_of_everything
    Without an axis the statistics run over everything, and every output depends on every example.
    Each example has a mean and a variance of its own.
statistics that are not kept as columns (ln-normalize, 0)
    eps)[:, np.newaxis] -> eps)
    mean[:, np.newaxis] -> mean
    mean[:, np.newaxis] -> mean & eps)[:, np.newaxis] -> eps)
    mean[:, np.newaxis] -> mean & (centered**2).mean(axis=1) -> x.var(axis=1)
    mean[:, np.newaxis] -> mean & (centered**2).mean(axis=1) -> x.var(1) & )[:, np.newaxis] -> )
    {_NOT_A_COLUMN}
a parenthesis missing around x - mean (ln-normalize, 0.875)
    normalized = centered / -> normalized = x - mean[:, np.newaxis] /
    x - mean / std divides the mean alone, because division comes before subtraction.
an input that is not centered (ln-normalize, 0.875)
    normalized = centered -> normalized = x
    Subtract the mean of the example before you divide by its deviation.
gamma and beta forgotten (ln-scale-shift, 0.875)
    gamma * normalized + beta -> normalized
    What you return is the standardized input u; the layer then scales and shifts it.
the length of the centered example in place of its deviation (ln-variance, 0.875)
    np.sqrt(var + eps) -> np.sqrt(x.shape[1] * var)
    np.sqrt(var + eps) -> np.sqrt(x.shape[1] * var + eps)
    np.sqrt(var + eps) -> np.sqrt(x.shape[1] * (var + eps))
    Deck S divides by the length of x - mean, but multiplies by the root of m as well. Without that
    factor the outputs shrink as the layer grows wider.
epsilon left out (ln-normalize, 0.875)
    np.sqrt(var + eps) -> np.sqrt(var)
    That is deck S's formula: with equal features it is 0 / 0. Add eps to the variance.
epsilon outside the root (ln-normalize, 0.875)
    np.sqrt(var + eps) -> (np.sqrt(var) + eps)
    You divide by sqrt(var) + eps. The chapter, like all the libraries it compares, adds eps to the
    variance, under the root.
the variance in place of the standard deviation (ln-normalize, 0.875)
    np.sqrt(var + eps) -> (var + eps)
    The root is missing: divide by sqrt(var + eps).
the variance divided by m - 1 (ln-variance, 1)
    (centered**2).mean(axis=1) -> x.var(axis=1, ddof=min(1, x.shape[1] - 1))
    (centered**2).mean(axis=1) -> x.var(axis=1, ddof=1)
    The variance of an example divides by the number of its features, m. It describes these
    features and estimates nothing.
the standard deviation returned as the variance (ln-variance, 1.25)
    return out, mean, var -> return out, mean, np.sqrt(var)
    Return the variance itself, before the root.
epsilon inside the variance that is returned (ln-variance, 1.25)
    return out, mean, var -> return out, mean, var + eps
    Return the variance as it is; eps is added where it is used.
the mean squared instead of the variance (ln-variance, 1)
    (centered**2) -> (x**2)
    The variance is the mean of (x - mean) squared: the mean comes off first.
""",
    ),
)


# ---- backward


def _backward(
    dout: Array, x: Array, mean: Array, var: Array, gamma: Array, eps: float
) -> tuple[Array, ...]:
    # The statistics follow from x, which the exercise says; the reference computes its own.
    _, cache = layer_normalization.layer_norm_forward(x, gamma, np.zeros_like(gamma), eps)
    return layer_normalization.layer_norm_backward(dout, cache)


def _backward_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for group, label, x, eps in _inputs(rng):
        # With a mean of its own, so that no sum is small by chance.
        dout = (rng.uniform(0.3, 1.0) + rng.standard_normal(x.shape)).astype(x.dtype)
        arguments = {
            "dout": dout,
            "x": x,
            "mean": x.mean(axis=1),
            "var": x.var(axis=1),
            "gamma": _signed(rng, x.shape[1]).astype(x.dtype),
            "eps": eps,
        }
        cases.append(Case(group, label, arguments))
    return cases


def _backward_answer(
    dout: Array, x: Array, mean: Array, var: Array, gamma: Array, eps: float
) -> tuple[Array, ...]:
    inv_std = 1 / np.sqrt(var + eps)[:, np.newaxis]
    u = (x - mean[:, np.newaxis]) * inv_std
    dbeta = dout.sum(axis=0)
    dgamma = (dout * u).sum(axis=0)
    du = gamma * dout
    features = x.shape[1]
    mean_du = du.sum(axis=1, keepdims=True) / features
    mean_du_u = (du * u).sum(axis=1, keepdims=True) / features
    dx = inv_std * (du - mean_du - u * mean_du_u)
    return dx, dgamma, dbeta


def _rows_in_place_of_columns(
    dout: Array, x: Array, mean: Array, var: Array, gamma: Array, eps: float
) -> tuple[Array, ...]:
    inv_std = 1 / np.sqrt(var + eps)
    u = (x - mean) * inv_std
    du = gamma * dout
    dx = inv_std * (du - du.mean(axis=1) - u * (du * u).mean(axis=1))
    return dx, (dout * u).sum(axis=0), dout.sum(axis=0)


BACKWARD = Exercise(
    name="layer_normalization.backward",
    outputs=("dx", "dgamma", "dbeta"),
    reference=_backward,
    cases=_backward_cases,
    criteria=criteria("""
dx, dgamma and dbeta have the right shapes (shape, 0.25)
dgamma and dbeta are right (ordinary, 0.5)
    dgamma, dbeta: ln-backward-gamma ln-backward-beta
dx is right on ordinary batches (ordinary, 1.5)
    dx: ln-backward-u ln-backward-x
as many examples as features, where a wrong axis raises no error (square, 0.375)
    dx: ln-backward-x
an example of equal features, a single example, a single feature (edge, 0.375)
    dx, dgamma, dbeta: ln-backward-x
the arguments are left as they were (unchanged, 0.25)
"""),
    model=_backward_answer,
    misconceptions=mistakes(
        _backward_answer,
        f"""
gamma pulled out of the sums (ln-backward-x, 1)
    du = gamma * dout -> du = dout & dx = inv_std -> dx = gamma * inv_std
    In batch normalization gamma is one number along the sum and may stand in front. Here the sum
    runs over features, and each has a gamma of its own: it stays inside. With all gammas equal this
    mistake cannot be seen.
gamma left out of dx (ln-backward-u, 1)
    gamma * dout -> dout
    Between dout and the standardized input stands gamma: dL/du = gamma * dout.
dx without the paths through the mean and the variance (ln-backward-x, 1)
    du - mean_du - u * mean_du_u -> du
    You treat mean and var as constants. Both depend on every feature of the example, so an entry of
    x acts on all outputs of its example.
the path through the variance missing (ln-backward-x, 1)
    mean_du - u * mean_du_u -> mean_du
    Moving x also moves the variance. If you have that term, look at its sum:
    sum(du) * sum(x - mean) is zero, sum(du * (x - mean)) is not.
the path through the mean missing (ln-backward-x, 1)
    du - mean_du - u -> du - u
    Moving x also moves the mean of its example. A dx whose rows do not sum to 0 says so.
sums over the batch in dx (ln-backward-x, 1)
    du.sum(axis=1 -> du.sum(axis=0 & u).sum(axis=1 -> u).sum(axis=0 & x.shape[1] -> len(x)
    du.sum(axis=1 -> du.sum(axis=0 & u).sum(axis=1 -> u).sum(axis=0
    That is batch normalization's way back. Mean and variance belong to an example here, so the sums
    in dx run over its features, and examples do not mix.
sums over the whole batch in dx (ln-backward-x, 1)
    du.sum(axis=1 -> du.sum(axis=None & u).sum(axis=1 -> u).sum(axis=None & x.shape[1] -> x.size
    du.sum(axis=1 -> du.sum(axis=None & u).sum(axis=1 -> u).sum(axis=None
    The axis is forgotten. Each example has its own mean and variance, so the sums run over its
    features alone.
statistics or sums that are not kept as columns (ln-backward-x, 0)
    eps)[:, np.newaxis] -> eps) & mean[:, np.newaxis] -> mean
    du.sum(axis=1, keepdims=True) -> du.sum(1) & u).sum(axis=1, keepdims=True) -> u).sum(1)
    = _rows_in_place_of_columns
    {_NOT_A_COLUMN}
sums in dx that are not divided by the number of features (ln-backward-x, 1)
    x.shape[1] -> 1
    The derivative of the mean with respect to one feature is 1 / m, that of the variance
    2 (x - mean) / m.
sums in dx that are divided by the batch size (ln-backward-x, 1.375)
    x.shape[1] -> len(x)
    Mean and variance of an example average over its m features. The batch size has no place in dx.
no sum in the path through the variance (ln-backward-x, 1)
    u * mean_du_u -> u * du * u
    u * mean_du_u -> u * du * u / features
    One variance serves all features of an example, so each contributes to its gradient: sum over
    them.
the gradient for the variance without its power of -3/2 (ln-backward-x, 1)
    u * mean_du_u -> u * mean_du_u / inv_std**2
    The derivative of (var + eps)^(-1/2) is -1/2 (var + eps)^(-3/2).
the factor 2 of the squared difference lost (ln-backward-x, 1)
    u * mean_du_u -> u * mean_du_u / 2
    The derivative of (x - mean) squared is 2 (x - mean).
a plus where the path through the variance has a minus (ln-backward-x, 1)
    - u * mean_du_u -> + u * mean_du_u
    A larger variance makes the outputs smaller: the derivative is negative.
a plus where the path through the mean has a minus (ln-backward-x, 1)
    du - mean_du -> du + mean_du
    A larger mean makes x - mean smaller: the derivative is negative.
1 / var in place of 1 / std (ln-backward-x)
    1 / np.sqrt(var + eps) -> 1 / (var + eps)
    dx = inv_std -> dx = inv_std**2
    The root is missing: both the standardized input and dx divide by sqrt(var + eps).
epsilon left out of the backward pass (ln-backward-x, 0.25)
    np.sqrt(var + eps) -> np.sqrt(var)
    The forward pass divided by sqrt(var + eps), so its derivative has the same eps.
epsilon outside the root (ln-normalize, 0.25)
    np.sqrt(var + eps) -> (np.sqrt(var) + eps)
    The chapter adds eps to the variance, under the root, in both passes.
dgamma and dbeta summed over the features (ln-backward-gamma, 2.125)
    dout.sum(axis=0) -> dout.sum(axis=1) & (dout * u).sum(axis=0) -> (dout * u).sum(axis=1)
    gamma_j and beta_j serve feature j of all examples, so their gradients sum over the batch: axis
    0. These are the only sums over the batch in this layer.
dgamma and dbeta not summed at all (ln-backward-gamma, 2.125, idle)
    dout.sum(axis=0) -> dout & (dout * u).sum(axis=0) -> dout * u
    All examples share gamma and beta, so each of them contributes: sum over axis 0.
a mean where dgamma and dbeta want a sum (ln-backward-beta, 2.375)
    dout.sum(axis=0) -> dout.mean(axis=0) & (dout * u).sum(axis=0) -> (dout * u).mean(axis=0)
    Whatever averages over the batch is already in dout. Sum over axis 0.
dgamma from x instead of the standardized input (ln-backward-gamma, 2.375)
    (dout * u) -> (dout * x)
    gamma multiplies u = (x - mean) / sqrt(var + eps), so that is what dout meets.
dgamma summed before dout meets the data (ln-backward-gamma, 2.375)
    (dout * u).sum(axis=0) -> dout.sum(axis=0) * u.sum(axis=0)
    sum(dout) * sum(u) is not sum(dout * u): multiply first, then sum over the batch.
""",
    ),
)


# ---- groups of channels


def _group(x: Array, gamma: Array, beta: Array, groups: int, eps: float) -> Array:
    return layer_normalization.group_norm_forward(x, gamma, beta, groups, eps)[0]


def _group_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for group, shape, groups, eps, dtype in (
        ("group", (4, 6, 5), 2, 0.5, np.float64),
        ("group", (2, 6, 3), 3, 1e-5, np.float64),
        ("group", (3, 8, 5), 2, 0.1, np.float32),
        ("ends", (4, 5, 6), 5, 0.2, np.float64),
        ("ends", (5, 4, 3), 1, 0.05, np.float64),
        ("edge", (1, 6, 4), 2, 0.3, np.float64),
        ("edge", (5, 6, 1), 3, 0.2, np.float64),
        ("edge", (4, 3, 1), 3, 0.1, np.float64),
    ):
        batch, channels, positions = shape
        # Means and scales of their own for examples, channels and positions.
        x = np.exp(rng.uniform(-0.7, 0.9, (batch, channels, 1))) * rng.standard_normal(shape)
        for axes in ((batch, 1, 1), (1, channels, 1), (1, 1, positions)):
            x = x + rng.uniform(0.4, 2.0, axes) * rng.choice([-1.0, 1.0], axes)
        counts = {"example": batch, "channel": channels, "position": positions, "group": groups}
        label = ", ".join(f"{n} {what}{'s' if n > 1 else ''}" for what, n in counts.items())
        label += f", eps = {eps:g}" + (", float32" if dtype is np.float32 else "")
        gamma, beta = (_signed(rng, channels).astype(dtype) for _ in range(2))
        arguments = {
            "x": x.astype(dtype),
            "gamma": gamma,
            "beta": beta,
            "groups": groups,
            "eps": eps,
        }
        cases.append(Case(group, label, arguments))
    return cases


def _group_observed(
    function: Function, x: Array, gamma: Array, beta: Array, groups: int, eps: float
) -> tuple[Array, Array]:
    """What comes out with a scale of 1 and a shift of 0, and with those of the case."""
    standardized = function(x, np.ones_like(gamma), np.zeros_like(beta), groups, eps)
    return standardized, function(x, gamma, beta, groups, eps)


def _group_answer(x: Array, gamma: Array, beta: Array, groups: int, eps: float) -> Array:
    rows = x.reshape(x.shape[0], groups, -1)
    mean = rows.mean(axis=2, keepdims=True)
    var = ((rows - mean) ** 2).mean(axis=2, keepdims=True)
    u = ((rows - mean) / np.sqrt(var + eps)).reshape(x.shape)
    return gamma[:, np.newaxis] * u + beta[:, np.newaxis]


def _scattered(x: Array, gamma: Array, beta: Array, groups: int, eps: float) -> Array:
    """Groups whose channels are as far from one another as there are groups."""
    order = np.arange(x.shape[1]).reshape(-1, groups).T.ravel()
    out = np.empty_like(x)
    out[:, order] = _group_answer(x[:, order], gamma[order], beta[order], groups, eps)
    return out


GROUP = Exercise(
    name="layer_normalization.group",
    outputs=("standardized", "out"),
    returns=("out",),
    observe=_group_observed,
    reference=_group,
    cases=_group_cases,
    criteria=criteria("""
out has the shape of x (shape, 0.125)
groups of several channels, with gammas of 1 and betas of 0 (group, 0.5)
    standardized: ln-group
gammas and betas of their own (group, 0.25)
    out: ln-group
as many groups as channels, and a single group (ends, 0.375)
    standardized: ln-instance ln-group
a single example, a single position (edge, 0.375)
    out: ln-group
the arguments are left as they were (unchanged, 0.125)
"""),
    model=_group_answer,
    misconceptions=mistakes(
        _group_answer,
        """
instance normalization whatever the groups are (ln-instance, 0.125)
    x.reshape(x.shape[0], groups, -1) -> x
    Each channel has statistics of its own. That is right with as many groups as channels; here the
    channels of a group share them.
the whole example in one group (ln-group, 0.125)
    groups, -1 -> 1, -1
    All channels of an example share their statistics. That is right with a single group.
statistics of each position (ln-group, 0.125)
    groups, -1) -> groups, -1, x.shape[2])
    The sums run over the channels of a group and over all positions.
statistics of the whole batch (ln-group, 0.125)
    rows.mean(axis=2 -> rows.mean(axis=(0, 2) & 2).mean(axis=2 -> 2).mean(axis=(0, 2)
    x.reshape(x.shape[0], groups, -1) -> x
        & rows.mean(axis=2 -> rows.mean(axis=(0, 2) & 2).mean(axis=2 -> 2).mean(axis=(0, 2)
    Examples do not mix: each group of each example has a mean and a variance of its own.
as many channels in a group as there should be groups (ln-group, 0.125)
    groups, -1 -> x.shape[1] // groups, -1
    `groups` is the number of groups. Each of them has C / G channels.
groups of channels that are no neighbors (ln-group, 0.625)
    = _scattered
    Channel c belongs to group c G // C: the first C / G channels are group 0, and so on.
gamma and beta forgotten (ln-group, 1.125)
    gamma[:, np.newaxis] * u + beta[:, np.newaxis] -> u
    Each channel is scaled and shifted, by its own gamma and beta.
gamma and beta exchanged (ln-group)
    gamma[:, np.newaxis] * u + beta[:, np.newaxis] ->
        beta[:, np.newaxis] * u + gamma[:, np.newaxis]
    gamma is the scale, which multiplies, and beta the shift, which is added.
the variance divided by one less than there are numbers (ln-group, 0.125)
    ((rows - mean) ** 2).mean(axis=2, keepdims=True) -> rows.var(axis=2, ddof=1, keepdims=True)
    The variance of a group divides by the number of its entries. It describes these entries and
    estimates nothing.
epsilon outside the root (ln-group, 0.125)
    np.sqrt(var + eps) -> (np.sqrt(var) + eps)
    You divide by sqrt(var) + eps; eps is added to the variance, under the root.
epsilon left out (ln-group, 0.125)
    var + eps -> var
    Add eps to the variance: the only number of a group has no variance.
a sum in the place of the variance (ln-group, 0.125)
    ** 2).mean(axis=2 -> ** 2).sum(axis=2
    The variance is the mean of the squares: divide by C P / G, the numbers in a group.
""",
    ),
)


# ---- influence


def _by_layer(gamma: Array, beta: Array, eps: float) -> Normalization:
    return lambda z: layer_normalization.layer_norm_forward(z, gamma, beta, eps)[0]


def _by_batch(gamma: Array, beta: Array, eps: float) -> Normalization:
    return lambda z: batch_normalization.batch_norm_forward(z, gamma, beta, eps)[0]


def _by_halves(gamma: Array, beta: Array, eps: float) -> Normalization:
    whole = _by_batch(gamma, beta, eps)
    return lambda z: np.vstack([whole(half) for half in np.array_split(z, 2)])


def _at_inference(gamma: Array, beta: Array, eps: float) -> Normalization:
    mean, var = 1.5 * beta, 1.0 + gamma**2
    return lambda z: batch_normalization.batch_norm_inference(z, gamma, beta, mean, var, eps)


_NORMALIZATIONS: tuple[tuple[str, str, Callable[..., Normalization], int], ...] = (
    ("apart", "layer normalization", _by_layer, 0),
    ("apart", "layer normalization", _by_layer, 0),
    ("apart", "batch normalization at inference", _at_inference, 0),
    ("mixed", "batch normalization in training", _by_batch, 0),
    ("mixed", "batch normalization in training, each half of the batch by itself", _by_halves, 7),
    ("apart", "layer normalization", _by_layer, 1),
)


def _influence_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for group, kind, build, rows in _NORMALIZATIONS:
        chosen, features = _sizes(rng)
        rows = rows or chosen
        feature = int(rng.integers(1, features))
        gamma, beta = _signed(rng, features), _signed(rng, features)
        # So that the feature that is changed is not always the one that moves most.
        gamma[feature] *= 0.25
        arguments = {
            "normalize": build(gamma, beta, rng.uniform(0.05, 0.3)),
            "x": _batch(rng, rows, features),
            "feature": feature,
            "step": rng.uniform(0.4, 0.9),
        }
        cases.append(Case(group, _label(rows, features, kind), arguments))
    return cases


def _influence_answer(normalize: Normalization, x: Array, feature: int, step: float) -> Array:
    batch = len(x)
    before = normalize(x)
    result = np.zeros((batch, batch))
    for k in range(batch):
        moved = x.copy()
        moved[k, feature] += step
        result[:, k] = np.abs(normalize(moved) - before).max(axis=1)
    return result


INFLUENCE = Exercise(
    name="layer_normalization.influence",
    outputs=("influence",),
    reference=layer_normalization.influence,
    cases=_influence_cases,
    criteria=criteria("""
influence has a row and a column for each example (shape, 0.25)
normalizations that keep examples apart (apart, 0.75)
    influence: ln-mean ln-variance
normalizations that mix examples (mixed, 0.5)
    influence: ln-mean ln-variance
the arguments are left as they were (unchanged, 0.25)
"""),
    model=_influence_answer,
    misconceptions=mistakes(
        _influence_answer,
        """
rows and columns exchanged (ln-mean, 1.25)
    return result -> return result.T
    Row i is the example whose output moves, column k the one that was changed. Layer normalization
    cannot tell them apart, batch normalization can.
changes that pile up (ln-mean)
    before = normalize(x) -> before, moved = normalize(x), x.copy() & moved = x.copy() -> pass
    moved = x.copy() -> before, moved = (normalize(moved), moved) if k else (before, x.copy())
    The batch of example k still holds the changes of the examples before it. Assigning an array to
    a second name makes no copy; start from a copy of x each time.
a change of the whole example (ln-mean, 0.25)
    moved[k, feature] += -> moved[k] +=
    You add step to all features of example k. Layer normalization takes that away with the mean, so
    nothing moves. Change the one entry that `feature` names.
a change of the feature in every example (ln-mean, 0.25)
    moved[k, feature] += -> moved[:, feature] +=
    You add step to a whole column, so all examples change at once and none can be blamed. Change
    the one entry [k, feature].
the entry replaced by step (ln-mean, 0.25)
    moved[k, feature] += -> moved[k, feature] =
    step is added to the entry; it does not take its place.
the signed difference (ln-mean, 0.25)
    np.abs(normalize(moved) - before) -> (normalize(moved) - before)
    np.abs(normalize(moved) - before) -> (before - normalize(moved))
    An output that falls has moved as well: take absolute values before the maximum.
only the feature that was changed looked at (ln-variance, 1)
    .max(axis=1) -> [:, feature]
    Mean and variance carry a change of one feature to the others. Look for the largest change over
    all features of an example's output.
a sum, a mean or a length instead of the largest change (ln-mean)
    .max(axis=1) -> .sum(axis=1)
    .max(axis=1) -> .mean(axis=1)
    np.abs( -> np.square( & .max(axis=1) -> .sum(axis=1) ** 0.5
    All of them measure a change; this exercise asks for the largest absolute one over the features.
a change divided by the step (ln-mean, 0.25)
    .max(axis=1) -> .max(axis=1) / step
    That estimates a derivative. This exercise asks for the change itself.
""",
    ),
)

EXERCISES = (FORWARD, BACKWARD, GROUP, INFLUENCE)
