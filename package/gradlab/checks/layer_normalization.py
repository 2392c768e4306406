"""Checks of the exercise ``layer-normalization``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradlab import batch_normalization, layer_normalization
from gradlab.checks._model import Case, Criterion, Exercise, Misconception

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


def _where_it_fits(variant: Callable[..., tuple[Any, ...]]) -> Callable[..., tuple[Any, ...]]:
    """Return a variant that gives nan where shapes do not fit; student code raises there."""

    def guarded(*arguments: Any) -> tuple[Any, ...]:
        try:
            return variant(*arguments)
        except ValueError:
            return (np.full(1, np.nan),) * 3

    return guarded


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


def _forward_variant(
    mean: Callable[[Array], Any] = lambda x: x.mean(axis=1, keepdims=True),
    var: Callable[[Array], Any] = lambda x: x.var(axis=1, keepdims=True),
    std: Callable[[Any, float, int], Any] = lambda var, eps, m: np.sqrt(var + eps),
    standardize: Callable[[Array, Any, Any], Array] = lambda x, mu, s: (x - mu) / s,
    scale_and_shift: bool = True,
    returned: Callable[[Any, float], Any] = lambda var, eps: var,
) -> Callable[..., tuple[Array, ...]]:
    """The forward pass with one of its steps exchanged."""

    def variant(x: Array, gamma: Array, beta: Array, eps: float) -> tuple[Array, ...]:
        mu, sigma2 = mean(x), var(x)
        u = standardize(x, mu, std(sigma2, eps, x.shape[1]))
        out = gamma * u + beta if scale_and_shift else u
        return out, np.reshape(mu, -1), np.reshape(returned(sigma2, eps), -1)

    return variant


FORWARD = Exercise(
    name="layer_normalization.forward",
    outputs=("out", "mean", "var"),
    reference=_forward,
    cases=_forward_cases,
    criteria=(
        Criterion("out, mean and var have the right shapes", 0.25, "shape"),
        Criterion(
            "mean and var are those of each example",
            0.5,
            group="ordinary",
            outputs=("mean", "var"),
            equations=("ln-mean", "ln-variance"),
        ),
        Criterion(
            "out is right on ordinary batches",
            0.75,
            group="ordinary",
            outputs=("out",),
            equations=("ln-normalize", "ln-scale-shift"),
        ),
        Criterion(
            "as many examples as features, where a wrong axis raises no error",
            0.25,
            group="square",
            outputs=("out",),
            equations=("ln-normalize",),
        ),
        Criterion(
            "an example of equal features, a single example, a single feature",
            0.5,
            group="edge",
            outputs=("out", "mean", "var"),
            equations=("ln-variance", "ln-normalize"),
        ),
        Criterion("the arguments are left as they were", 0.25, "unchanged"),
    ),
    misconceptions=(
        Misconception(
            "the statistics of each feature instead of each example",
            "Your mean and variance run over the batch: that is batch normalization. Here each "
            "example is measured by itself, over its features.",
            "ln-mean",
            (
                _forward_variant(
                    mean=lambda x: x.mean(axis=0, keepdims=True),
                    var=lambda x: x.var(axis=0, keepdims=True),
                ),
            ),
        ),
        Misconception(
            "one mean and one variance for the whole batch",
            "Without an axis the statistics run over everything, and every output depends on every "
            "example. Each example has a mean and a variance of its own.",
            "ln-mean",
            (_forward_variant(mean=lambda x: x.mean(), var=lambda x: x.var()),),
        ),
        Misconception(
            "statistics that are not kept as columns",
            _NOT_A_COLUMN,
            "ln-normalize",
            tuple(
                _where_it_fits(_forward_variant(standardize=standardize))
                for standardize in (
                    lambda x, mu, s: (x - mu[:, 0]) / s[:, 0],
                    lambda x, mu, s: (x - mu[:, 0]) / s,
                    lambda x, mu, s: (x - mu) / s[:, 0],
                )
            ),
        ),
        Misconception(
            "a parenthesis missing around x - mean",
            "x - mean / std divides the mean alone, because division comes before subtraction.",
            "ln-normalize",
            (_forward_variant(standardize=lambda x, mu, s: x - mu / s),),
        ),
        Misconception(
            "an input that is not centred",
            "Subtract the mean of the example before you divide by its deviation.",
            "ln-normalize",
            (_forward_variant(standardize=lambda x, mu, s: x / s),),
        ),
        Misconception(
            "gamma and beta forgotten",
            "What you return is the standardized input u; the layer then scales and shifts it.",
            "ln-scale-shift",
            (_forward_variant(scale_and_shift=False),),
        ),
        Misconception(
            "the length of the centred example in place of its deviation",
            "Deck S divides by the length of x - mean, but multiplies by the root of m as well. "
            "Without that factor the outputs shrink as the layer grows wider.",
            "ln-variance",
            (
                _forward_variant(std=lambda var, eps, m: np.sqrt(m * var)),
                _forward_variant(std=lambda var, eps, m: np.sqrt(m * var + eps)),
                _forward_variant(std=lambda var, eps, m: np.sqrt(m * (var + eps))),
            ),
        ),
        Misconception(
            "epsilon left out",
            "That is deck S's formula: with equal features it is 0 / 0. Add eps to the variance.",
            "ln-normalize",
            (_forward_variant(std=lambda var, eps, m: np.sqrt(var)),),
        ),
        Misconception(
            "epsilon outside the root",
            "You divide by sqrt(var) + eps. The chapter, like all the libraries it compares, adds "
            "eps to the variance, under the root.",
            "ln-normalize",
            (_forward_variant(std=lambda var, eps, m: np.sqrt(var) + eps),),
        ),
        Misconception(
            "the variance in place of the standard deviation",
            "The root is missing: divide by sqrt(var + eps).",
            "ln-normalize",
            (_forward_variant(std=lambda var, eps, m: var + eps),),
        ),
        Misconception(
            "the variance divided by m - 1",
            "The variance of an example divides by the number of its features, m. It describes "
            "these features and estimates nothing.",
            "ln-variance",
            (
                _forward_variant(
                    # A single feature has no such variance, and none that could be shown.
                    var=lambda x: x.var(axis=1, keepdims=True, ddof=min(1, x.shape[1] - 1))
                ),
            ),
        ),
        Misconception(
            "the standard deviation returned as the variance",
            "Return the variance itself, before the root.",
            "ln-variance",
            (_forward_variant(returned=lambda var, eps: np.sqrt(var)),),
        ),
        Misconception(
            "epsilon inside the variance that is returned",
            "Return the variance as it is; eps is added where it is used.",
            "ln-variance",
            (_forward_variant(returned=lambda var, eps: var + eps),),
        ),
        Misconception(
            "the mean squared instead of the variance",
            "The variance is the mean of (x - mean) squared: the mean comes off first.",
            "ln-variance",
            (_forward_variant(var=lambda x: (x * x).mean(axis=1, keepdims=True)),),
        ),
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


Term = Callable[[Array, Array, Array], Any]
"""A term of dx from du, u and 1 / std."""


def _through_mean(du: Array, u: Array, s: Array) -> Array:
    return np.asarray(du.mean(axis=1, keepdims=True))


def _through_var(du: Array, u: Array, s: Array) -> Array:
    return np.asarray(u * (du * u).mean(axis=1, keepdims=True))


def _row_through_mean(du: Array, u: Array, s: Array) -> Array:
    return np.asarray(du.mean(axis=1))


def _row_through_var(du: Array, u: Array, s: Array) -> Array:
    return np.asarray(u * (du * u).mean(axis=1))


def _backward_variant(
    by_mean: Term = _through_mean,
    by_var: Term = _through_var,
    inv_std: Callable[[Array, float], Array] = lambda var, eps: 1 / np.sqrt(var + eps),
    factor: Callable[[Array], Array] = lambda s: s,
    column: Callable[[Array], Array] = lambda a: a[:, np.newaxis],
    inside: bool = True,
    outside: bool = False,
    dgamma: Callable[[Array, Array, Array], Any] = lambda dout, u, x: (dout * u).sum(axis=0),
    dbeta: Callable[[Array], Any] = lambda dout: dout.sum(axis=0),
) -> Callable[..., tuple[Any, ...]]:
    """The backward pass with one of its steps exchanged; gamma stands inside the sums of dx."""

    def variant(
        dout: Array, x: Array, mean: Array, var: Array, gamma: Array, eps: float
    ) -> tuple[Any, ...]:
        s = inv_std(column(var), eps)
        u = (x - column(mean)) * s
        du = dout * gamma if inside else dout
        dx = factor(s) * (du - by_mean(du, u, s) - by_var(du, u, s))
        return gamma * dx if outside else dx, dgamma(dout, u, x), dbeta(dout)

    return variant


BACKWARD = Exercise(
    name="layer_normalization.backward",
    outputs=("dx", "dgamma", "dbeta"),
    reference=_backward,
    cases=_backward_cases,
    criteria=(
        Criterion("dx, dgamma and dbeta have the right shapes", 0.25, "shape"),
        Criterion(
            "dgamma and dbeta are right",
            0.75,
            group="ordinary",
            outputs=("dgamma", "dbeta"),
            equations=("ln-backward-gamma", "ln-backward-beta"),
        ),
        Criterion(
            "dx is right on ordinary batches",
            1.75,
            group="ordinary",
            outputs=("dx",),
            equations=("ln-backward-u", "ln-backward-x"),
        ),
        Criterion(
            "as many examples as features, where a wrong axis raises no error",
            0.5,
            group="square",
            outputs=("dx",),
            equations=("ln-backward-x",),
        ),
        Criterion(
            "an example of equal features, a single example, a single feature",
            0.5,
            group="edge",
            outputs=("dx", "dgamma", "dbeta"),
            equations=("ln-backward-x",),
        ),
        Criterion("the arguments are left as they were", 0.25, "unchanged"),
    ),
    misconceptions=(
        Misconception(
            "gamma pulled out of the sums",
            "In batch normalization gamma is one number along the sum and may stand in front. Here "
            "the sum runs over features, and each has a gamma of its own: it stays inside. With "
            "all gammas equal this mistake cannot be seen.",
            "ln-backward-x",
            (_backward_variant(inside=False, outside=True),),
        ),
        Misconception(
            "gamma left out of dx",
            "Between dout and the standardized input stands gamma: dL/du = gamma * dout.",
            "ln-backward-u",
            (_backward_variant(inside=False),),
        ),
        Misconception(
            "dx without the paths through the mean and the variance",
            "You treat mean and var as constants. Both depend on every feature of the example, so "
            "an entry of x acts on all outputs of its example.",
            "ln-backward-x",
            (_backward_variant(by_mean=lambda du, u, s: 0.0, by_var=lambda du, u, s: 0.0),),
        ),
        Misconception(
            "the path through the variance missing",
            "Moving x also moves the variance. If you have that term, look at its sum: "
            "sum(du) * sum(x - mean) is zero, sum(du * (x - mean)) is not.",
            "ln-backward-x",
            (_backward_variant(by_var=lambda du, u, s: 0.0),),
        ),
        Misconception(
            "the path through the mean missing",
            "Moving x also moves the mean of its example. A dx whose rows do not sum to 0 says so.",
            "ln-backward-x",
            (_backward_variant(by_mean=lambda du, u, s: 0.0),),
        ),
        Misconception(
            "sums over the batch in dx",
            "That is batch normalization's way back. Mean and variance belong to an example here, "
            "so the sums in dx run over its features, and examples do not mix.",
            "ln-backward-x",
            (
                _backward_variant(
                    by_mean=lambda du, u, s: du.mean(axis=0),
                    by_var=lambda du, u, s: u * (du * u).mean(axis=0),
                ),
                _backward_variant(
                    by_mean=lambda du, u, s: du.sum(axis=0) / du.shape[1],
                    by_var=lambda du, u, s: u * (du * u).sum(axis=0) / du.shape[1],
                ),
            ),
        ),
        Misconception(
            "sums over the whole batch in dx",
            "The axis is forgotten. Each example has its own mean and variance, so the sums run "
            "over its features alone.",
            "ln-backward-x",
            (
                _backward_variant(
                    by_mean=lambda du, u, s: du.mean(), by_var=lambda du, u, s: u * (du * u).mean()
                ),
                _backward_variant(
                    by_mean=lambda du, u, s: du.sum() / du.shape[1],
                    by_var=lambda du, u, s: u * (du * u).sum() / du.shape[1],
                ),
            ),
        ),
        Misconception(
            "statistics or sums that are not kept as columns",
            _NOT_A_COLUMN,
            "ln-backward-x",
            tuple(
                _where_it_fits(_backward_variant(**steps))
                for steps in (
                    {"column": lambda a: a},
                    {"by_mean": _row_through_mean, "by_var": _row_through_var},
                    {
                        "column": lambda a: a,
                        "by_mean": _row_through_mean,
                        "by_var": _row_through_var,
                    },
                )
            ),
        ),
        Misconception(
            "sums in dx that are not divided by the number of features",
            "The derivative of the mean with respect to one feature is 1 / m, that of the variance "
            "2 (x - mean) / m.",
            "ln-backward-x",
            (
                _backward_variant(
                    by_mean=lambda du, u, s: du.sum(axis=1, keepdims=True),
                    by_var=lambda du, u, s: u * (du * u).sum(axis=1, keepdims=True),
                ),
            ),
        ),
        Misconception(
            "sums in dx that are divided by the batch size",
            "Mean and variance of an example average over its m features. The batch size has no "
            "place in dx.",
            "ln-backward-x",
            (
                _backward_variant(
                    by_mean=lambda du, u, s: du.sum(axis=1, keepdims=True) / len(du),
                    by_var=lambda du, u, s: u * (du * u).sum(axis=1, keepdims=True) / len(du),
                ),
            ),
        ),
        Misconception(
            "no sum in the path through the variance",
            "One variance serves all features of an example, so each contributes to its gradient: "
            "sum over them.",
            "ln-backward-x",
            (
                _backward_variant(by_var=lambda du, u, s: u * du * u),
                _backward_variant(by_var=lambda du, u, s: u * du * u / du.shape[1]),
            ),
        ),
        Misconception(
            "the gradient for the variance without its power of -3/2",
            "The derivative of (var + eps)^(-1/2) is -1/2 (var + eps)^(-3/2).",
            "ln-backward-x",
            (_backward_variant(by_var=lambda du, u, s: _through_var(du, u, s) / s**2),),
        ),
        Misconception(
            "the factor 2 of the squared difference lost",
            "The derivative of (x - mean) squared is 2 (x - mean).",
            "ln-backward-x",
            (_backward_variant(by_var=lambda du, u, s: _through_var(du, u, s) / 2),),
        ),
        Misconception(
            "a plus where the path through the variance has a minus",
            "A larger variance makes the outputs smaller: the derivative is negative.",
            "ln-backward-x",
            (_backward_variant(by_var=lambda du, u, s: -_through_var(du, u, s)),),
        ),
        Misconception(
            "a plus where the path through the mean has a minus",
            "A larger mean makes x - mean smaller: the derivative is negative.",
            "ln-backward-x",
            (_backward_variant(by_mean=lambda du, u, s: -_through_mean(du, u, s)),),
        ),
        Misconception(
            "1 / var in place of 1 / std",
            "The root is missing: both the standardized input and dx divide by sqrt(var + eps).",
            "ln-backward-x",
            (
                _backward_variant(inv_std=lambda var, eps: 1 / (var + eps)),
                _backward_variant(factor=lambda s: s**2),
            ),
        ),
        Misconception(
            "epsilon left out of the backward pass",
            "The forward pass divided by sqrt(var + eps), so its derivative has the same eps.",
            "ln-backward-x",
            (_backward_variant(inv_std=lambda var, eps: 1 / np.sqrt(var)),),
        ),
        Misconception(
            "epsilon outside the root",
            "The chapter adds eps to the variance, under the root, in both passes.",
            "ln-normalize",
            (_backward_variant(inv_std=lambda var, eps: 1 / (np.sqrt(var) + eps)),),
        ),
        Misconception(
            "dgamma and dbeta summed over the features",
            "gamma_j and beta_j serve feature j of all examples, so their gradients sum over the "
            "batch: axis 0. These are the only sums over the batch in this layer.",
            "ln-backward-gamma",
            (
                _backward_variant(
                    dgamma=lambda dout, u, x: (dout * u).sum(axis=1),
                    dbeta=lambda dout: dout.sum(axis=1),
                ),
            ),
        ),
        Misconception(
            "dgamma and dbeta not summed at all",
            "All examples share gamma and beta, so each of them contributes: sum over axis 0.",
            "ln-backward-gamma",
            (_backward_variant(dgamma=lambda dout, u, x: dout * u, dbeta=lambda dout: dout),),
            idle=True,
        ),
        Misconception(
            "a mean where dgamma and dbeta want a sum",
            "Whatever averages over the batch is already in dout. Sum over axis 0.",
            "ln-backward-beta",
            (
                _backward_variant(
                    dgamma=lambda dout, u, x: (dout * u).mean(axis=0),
                    dbeta=lambda dout: dout.mean(axis=0),
                ),
            ),
        ),
        Misconception(
            "dgamma from x instead of the standardized input",
            "gamma multiplies u = (x - mean) / sqrt(var + eps), so that is what dout meets.",
            "ln-backward-gamma",
            (_backward_variant(dgamma=lambda dout, u, x: (dout * x).sum(axis=0)),),
        ),
        Misconception(
            "dgamma summed before dout meets the data",
            "sum(dout) * sum(u) is not sum(dout * u): multiply first, then sum over the batch.",
            "ln-backward-gamma",
            (_backward_variant(dgamma=lambda dout, u, x: dout.sum(axis=0) * u.sum(axis=0)),),
        ),
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


def _influence_variant(
    size: Callable[[Array, int, float], Array] = lambda d, j, step: np.abs(d).max(axis=1),
    move: Callable[[Array, int, int, float], None] | None = None,
    start_again: bool = True,
    compare_with_last: bool = False,
) -> Callable[..., Array]:
    """The experiment with one of its steps exchanged."""

    def variant(normalize: Normalization, x: Array, feature: int, step: float) -> Array:
        moved, before, columns = x.copy(), normalize(x), []
        for k in range(len(x)):
            if start_again:
                moved = x.copy()
            if move is None:
                moved[k, feature] += step
            else:
                move(moved, k, feature, step)
            after = normalize(moved)
            columns.append(size(after - before, feature, step))
            if compare_with_last:
                before = after
        return np.stack(columns, axis=1)

    return variant


def _add_everywhere(z: Array, k: int, feature: int, step: float) -> None:
    z[k] += step


def _add_to_column(z: Array, k: int, feature: int, step: float) -> None:
    z[:, feature] += step


def _overwrite(z: Array, k: int, feature: int, step: float) -> None:
    z[k, feature] = step


INFLUENCE = Exercise(
    name="layer_normalization.influence",
    outputs=("influence",),
    reference=layer_normalization.influence,
    cases=_influence_cases,
    criteria=(
        Criterion("influence has a row and a column for each example", 0.25, "shape"),
        Criterion(
            "normalizations that keep examples apart",
            1.0,
            group="apart",
            outputs=("influence",),
            equations=("ln-mean", "ln-variance"),
        ),
        Criterion(
            "normalizations that mix examples",
            1.0,
            group="mixed",
            outputs=("influence",),
            equations=("ln-mean", "ln-variance"),
        ),
        Criterion("the arguments are left as they were", 0.25, "unchanged"),
    ),
    misconceptions=(
        Misconception(
            "rows and columns exchanged",
            "Row i is the example whose output moves, column k the one that was changed. Layer "
            "normalization cannot tell them apart, batch normalization can.",
            "ln-mean",
            (lambda *arguments: layer_normalization.influence(*arguments).T,),
        ),
        Misconception(
            "changes that pile up",
            "The batch of example k still holds the changes of the examples before it. Assigning "
            "an array to a second name makes no copy; start from a copy of x each time.",
            "ln-mean",
            (
                _influence_variant(start_again=False),
                _influence_variant(start_again=False, compare_with_last=True),
            ),
        ),
        Misconception(
            "a change of the whole example",
            "You add step to all features of example k. Layer normalization takes that away with "
            "the mean, so nothing moves. Change the one entry that `feature` names.",
            "ln-mean",
            (_influence_variant(move=_add_everywhere),),
        ),
        Misconception(
            "a change of the feature in every example",
            "You add step to a whole column, so all examples change at once and none can be "
            "blamed. Change the one entry [k, feature].",
            "ln-mean",
            (_influence_variant(move=_add_to_column),),
        ),
        Misconception(
            "the entry replaced by step",
            "step is added to the entry; it does not take its place.",
            "ln-mean",
            (_influence_variant(move=_overwrite),),
        ),
        Misconception(
            "the signed difference",
            "An output that falls has moved as well: take absolute values before the maximum.",
            "ln-mean",
            (_influence_variant(size=lambda d, j, step: d.max(axis=1)),),
        ),
        Misconception(
            "only the feature that was changed looked at",
            "Mean and variance carry a change of one feature to the others. Look for the largest "
            "change over all features of an example's output.",
            "ln-variance",
            (_influence_variant(size=lambda d, j, step: np.abs(d[:, j])),),
        ),
        Misconception(
            "a sum, a mean or a length instead of the largest change",
            "All of them measure a change; this exercise asks for the largest absolute one over "
            "the features.",
            "ln-mean",
            (
                _influence_variant(size=lambda d, j, step: np.abs(d).sum(axis=1)),
                _influence_variant(size=lambda d, j, step: np.abs(d).mean(axis=1)),
                _influence_variant(size=lambda d, j, step: np.sqrt((d**2).sum(axis=1))),
            ),
        ),
        Misconception(
            "a change divided by the step",
            "That estimates a derivative. This exercise asks for the change itself.",
            "ln-mean",
            (_influence_variant(size=lambda d, j, step: np.abs(d).max(axis=1) / step),),
        ),
    ),
)

EXERCISES = (FORWARD, BACKWARD, INFLUENCE)
