"""Checks of the exercise ``batch-normalization``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradlab import batch_normalization as reference
from gradlab.checks._model import Case, Criterion, Exercise, Misconception

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


def _forward_variant(
    standardize: Callable[[Array, Any, Any, float], Array] | None = None,
    mean: Callable[[Array], Any] = lambda x: x.mean(axis=0),
    var: Callable[[Array], Any] = lambda x: x.var(axis=0),
    scale_and_shift: bool = True,
) -> Callable[..., tuple[Any, ...]]:
    """The forward pass with one of its steps exchanged."""

    def variant(x: Array, gamma: Array, beta: Array, eps: float) -> tuple[Any, ...]:
        mu, sigma2 = mean(x), var(x)
        u = (x - mu) / np.sqrt(sigma2 + eps)
        if standardize is not None:
            u = standardize(x, mu, sigma2, eps)
        return (gamma * u + beta if scale_and_shift else u), mu, sigma2

    return variant


def _forward_keeping(
    mean: Callable[[Array, float], Array], var: Callable[[Array, float], Array]
) -> Callable[..., tuple[Array, ...]]:
    """A right output beside wrong statistics."""

    def variant(x: Array, gamma: Array, beta: Array, eps: float) -> tuple[Array, ...]:
        out, _, _ = _forward(x, gamma, beta, eps)
        return out, mean(x, eps), var(x, eps)

    return variant


FORWARD = Exercise(
    name="batch_normalization.forward",
    outputs=("out", "mean", "var"),
    reference=_forward,
    cases=_forward_cases,
    criteria=(
        Criterion("out, mean and var have the right shapes", 0.25, "shape"),
        Criterion(
            "mean and var are those of each feature",
            0.75,
            group="ordinary",
            outputs=("mean", "var"),
            equations=("bn-mean", "bn-variance"),
        ),
        Criterion(
            "out is right on ordinary batches",
            1.25,
            group="ordinary",
            outputs=("out",),
            equations=("bn-normalize", "bn-scale-shift"),
        ),
        Criterion(
            "a constant feature, one far from 0, a batch of two, a single feature",
            0.5,
            group="edge",
            outputs=("out", "mean", "var"),
            equations=("bn-variance", "bn-normalize"),
        ),
        Criterion("the arguments are left as they were", 0.25, "unchanged"),
    ),
    misconceptions=(
        Misconception(
            "epsilon outside the root",
            "You divide by sqrt(var) + eps; the chapter adds eps to the variance, under the root. "
            "Some libraries add it outside in other layers, so always look it up.",
            "bn-normalize",
            (_forward_variant(lambda x, mu, sigma2, eps: (x - mu) / (np.sqrt(sigma2) + eps)),),
        ),
        Misconception(
            "epsilon left out",
            "Add eps to the variance: without it a feature that is constant divides by zero.",
            "bn-normalize",
            (_forward_variant(lambda x, mu, sigma2, eps: (x - mu) / np.sqrt(sigma2)),),
        ),
        Misconception(
            "epsilon subtracted",
            "It keeps the divisor away from 0, so it is added to the variance. A variance below "
            "eps has no root in your form.",
            "bn-normalize",
            (_forward_variant(lambda x, mu, sigma2, eps: (x - mu) / np.sqrt(sigma2 - eps)),),
        ),
        Misconception(
            "the variance in place of the standard deviation",
            "The root is missing: divide by sqrt(var + eps).",
            "bn-normalize",
            (_forward_variant(lambda x, mu, sigma2, eps: (x - mu) / (sigma2 + eps)),),
        ),
        Misconception(
            "an input that is not centred",
            "The mean has to be subtracted from x before the division: (x - mean) / ..., with the "
            "parentheses.",
            "bn-normalize",
            (_forward_variant(lambda x, mu, sigma2, eps: x - mu / np.sqrt(sigma2 + eps)),),
        ),
        Misconception(
            "an input that is scaled but not centred",
            "Subtract the mean before you divide.",
            "bn-normalize",
            (_forward_variant(lambda x, mu, sigma2, eps: x / np.sqrt(sigma2 + eps)),),
        ),
        Misconception(
            "gamma and beta forgotten",
            "The standardized batch still has to be multiplied by gamma and shifted by beta.",
            "bn-scale-shift",
            (_forward_variant(scale_and_shift=False),),
        ),
        Misconception(
            "one variance for all features",
            "x.var() pools everything into one number. Each feature has its own: sum over the "
            "batch, which is axis 0.",
            "bn-variance",
            (
                _forward_variant(var=lambda x: x.var()),
                _forward_variant(var=lambda x: ((x - x.mean(axis=0)) ** 2).mean()),
                _forward_variant(var=lambda x: ((x - x.mean(axis=0)) ** 2).sum() / len(x)),
            ),
        ),
        Misconception(
            "one mean and one variance for all features",
            "x.mean() and x.var() pool everything into one number. Each feature has its own: sum "
            "over the batch, which is axis 0.",
            "bn-mean",
            (_forward_variant(mean=lambda x: x.mean(), var=lambda x: x.var()),),
        ),
        Misconception(
            "the statistics of each example instead of each feature",
            "axis 1 runs over the features of one example: that is layer normalization. Batch "
            "normalization averages over the batch, axis 0.",
            "bn-mean",
            (
                _forward_variant(
                    mean=lambda x: x.mean(axis=1, keepdims=True),
                    var=lambda x: x.var(axis=1, keepdims=True),
                ),
            ),
        ),
        Misconception(
            "the variance divided by B - 1",
            "Training divides by the batch size B. The factor B / (B - 1) belongs to the "
            "statistics for inference.",
            "bn-variance",
            (_forward_variant(var=lambda x: x.var(axis=0, ddof=1)),),
        ),
        Misconception(
            "the standard deviation returned as the variance",
            "Return the variance itself, before the root.",
            "bn-variance",
            (_forward_keeping(lambda x, eps: x.mean(axis=0), lambda x, eps: x.std(axis=0)),),
        ),
        Misconception(
            "epsilon inside the variance that is returned",
            "Return the variance as it is; eps is added where it is used.",
            "bn-variance",
            (_forward_keeping(lambda x, eps: x.mean(axis=0), lambda x, eps: x.var(axis=0) + eps),),
        ),
        Misconception(
            "the mean squared instead of the variance",
            "The variance is the mean of (x - mean) squared: the mean comes off first.",
            "bn-variance",
            (_forward_variant(var=lambda x: (x * x).mean(axis=0)),),
        ),
    ),
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


def _backward_variant(
    dvar: Callable[..., Any] | None = None,
    dmean: Callable[..., Any] | None = None,
    inv_std: Callable[[Array, float], Array] = lambda var, eps: 1 / np.sqrt(var + eps),
    inv_std_of_u: Callable[[Array, float], Array] | None = None,
    with_gamma: bool = True,
    dgamma: Callable[[Array, Array, Array], Any] | None = None,
    dbeta: Callable[[Array], Any] | None = None,
) -> Callable[..., tuple[Any, ...]]:
    """The backward pass with one of its steps exchanged; u has another divisor on request."""

    def variant(
        dout: Array, x: Array, mean: Array, var: Array, gamma: Array, eps: float
    ) -> tuple[Any, ...]:
        batch = len(x)
        inverse = inv_std(var, eps)
        centred = x - mean
        u = centred * (inverse if inv_std_of_u is None else inv_std_of_u(var, eps))
        du = dout * gamma if with_gamma else dout
        by_var = -0.5 * inverse**3 * (du * centred).sum(axis=0)
        by_mean = -inverse * du.sum(axis=0)
        if dvar is not None:
            by_var = dvar(du, centred, inverse)
        if dmean is not None:
            by_mean = dmean(du, centred, inverse)
        dx = du * inverse + by_var * 2 * centred / batch + by_mean / batch
        return (
            dx,
            (dout * u).sum(axis=0) if dgamma is None else dgamma(dout, u, x),
            dout.sum(axis=0) if dbeta is None else dbeta(dout),
        )

    return variant


def _with_inv_std(wrong: Callable[[Array, float], Array]) -> tuple[Callable[..., Any], ...]:
    """The mistake in dx and dgamma, in dx alone, and in dgamma alone."""

    def right(var: Array, eps: float) -> Array:
        return np.asarray(1 / np.sqrt(var + eps))

    return (
        _backward_variant(inv_std=wrong),
        _backward_variant(inv_std=wrong, inv_std_of_u=right),
        _backward_variant(inv_std_of_u=wrong),
    )


BACKWARD = Exercise(
    name="batch_normalization.backward",
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
            equations=("bn-backward-gamma", "bn-backward-beta"),
        ),
        Criterion(
            "dx is right on ordinary batches",
            1.75,
            group="ordinary",
            outputs=("dx",),
            equations=("bn-backward-variance", "bn-backward-mean", "bn-backward-z"),
        ),
        Criterion(
            "a constant feature, a batch of two, a single feature",
            0.5,
            group="edge",
            outputs=("dx", "dgamma", "dbeta"),
            equations=("bn-backward-z",),
        ),
        Criterion("the arguments are left as they were", 0.25, "unchanged"),
    ),
    misconceptions=(
        Misconception(
            "dx without the paths through the mean and the variance",
            "You treat mean and var as constants. Both depend on every example of the batch, so x "
            "reaches the loss in three ways.",
            "bn-backward-z",
            (_backward_variant(dvar=lambda du, c, s: 0.0, dmean=lambda du, c, s: 0.0),),
        ),
        Misconception(
            "the path through the variance missing",
            "Two of the three terms are there. Moving x also moves the variance. If you have that "
            "term, look at its sum: sum(du) * sum(x - mean) is zero, sum(du * (x - mean)) is not.",
            "bn-backward-variance",
            (_backward_variant(dvar=lambda du, c, s: 0.0),),
        ),
        Misconception(
            "the path through the mean missing",
            "Two of the three terms are there. Moving x also moves the mean.",
            "bn-backward-mean",
            (_backward_variant(dmean=lambda du, c, s: 0.0),),
        ),
        Misconception(
            "no sum over the batch in the gradient for the variance",
            "One variance serves the whole batch, so every example contributes to its gradient: "
            "sum over axis 0.",
            "bn-backward-variance",
            (_backward_variant(dvar=lambda du, c, s: -0.5 * s**3 * du * c),),
        ),
        Misconception(
            "no sum over the batch in the gradient for the mean",
            "One mean serves the whole batch, so every example contributes to its gradient: sum "
            "over axis 0.",
            "bn-backward-mean",
            (_backward_variant(dmean=lambda du, c, s: -s * du),),
        ),
        Misconception(
            "the gradient for the variance summed over all features",
            "The sum runs over the batch alone: axis 0. Each feature has a variance of its own.",
            "bn-backward-variance",
            (_backward_variant(dvar=lambda du, c, s: -0.5 * s**3 * (du * c).sum()),),
        ),
        Misconception(
            "the gradient for the mean summed over all features",
            "The sum runs over the batch alone: axis 0. Each feature has a mean of its own.",
            "bn-backward-mean",
            (_backward_variant(dmean=lambda du, c, s: -s * du.sum()),),
        ),
        Misconception(
            "the gradient for the variance without its power of -3/2",
            "The derivative of (var + eps)^(-1/2) is -1/2 (var + eps)^(-3/2).",
            "bn-backward-variance",
            (_backward_variant(dvar=lambda du, c, s: -0.5 * s * (du * c).sum(axis=0)),),
        ),
        Misconception(
            "the factor 2 of the squared difference lost",
            "The derivative of (x - mean) squared is 2 (x - mean).",
            "bn-backward-z",
            (_backward_variant(dvar=lambda du, c, s: -0.25 * s**3 * (du * c).sum(axis=0)),),
        ),
        Misconception(
            "a plus where the derivative for the variance has a minus",
            "A larger variance makes the outputs smaller: the derivative is negative.",
            "bn-backward-variance",
            (_backward_variant(dvar=lambda du, c, s: 0.5 * s**3 * (du * c).sum(axis=0)),),
        ),
        Misconception(
            "a plus where the derivative for the mean has a minus",
            "A larger mean makes x - mean smaller: the derivative is negative.",
            "bn-backward-mean",
            (_backward_variant(dmean=lambda du, c, s: s * du.sum(axis=0)),),
        ),
        Misconception(
            "1 / var in place of 1 / std",
            "The root is missing: the direct path divides by sqrt(var + eps).",
            "bn-backward-z",
            _with_inv_std(lambda var, eps: 1 / (var + eps)),
        ),
        Misconception(
            "epsilon left out of the backward pass",
            "The forward pass divided by sqrt(var + eps), so its derivative has the same eps.",
            "bn-backward-variance",
            _with_inv_std(lambda var, eps: 1 / np.sqrt(var)),
        ),
        Misconception(
            "epsilon outside the root",
            "The chapter adds eps to the variance, under the root, in both passes.",
            "bn-normalize",
            _with_inv_std(lambda var, eps: 1 / (np.sqrt(var) + eps)),
        ),
        Misconception(
            "gamma left out of dx",
            "Between dout and the standardized input stands gamma: dL/du = gamma * dout.",
            "bn-backward-u",
            (_backward_variant(with_gamma=False),),
        ),
        Misconception(
            "dgamma from x instead of the standardized input",
            "gamma multiplies u = (x - mean) / sqrt(var + eps), so that is what dout meets.",
            "bn-backward-gamma",
            (_backward_variant(dgamma=lambda dout, u, x: (dout * x).sum(axis=0)),),
        ),
        Misconception(
            "dgamma that sums the standardized data by itself",
            "u adds up to 0 over the batch, so sum(u), and sum(dout) * sum(u), are 0 but for "
            "rounding. Multiply dout and u first, then sum.",
            "bn-backward-gamma",
            (_backward_variant(dgamma=lambda dout, u, x: dout.sum(axis=0) * u.sum(axis=0)),),
        ),
        Misconception(
            "a mean where dgamma and dbeta want a sum",
            "Whatever averages over the batch is already in dout. Sum over axis 0.",
            "bn-backward-beta",
            (
                _backward_variant(
                    dgamma=lambda dout, u, x: (dout * u).mean(axis=0),
                    dbeta=lambda dout: dout.mean(axis=0),
                ),
            ),
        ),
    ),
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


def _running_variant(
    weight: Callable[[float], float] = lambda momentum: momentum,
    correction: Callable[[int], float] = lambda batch: batch / (batch - 1),
    mixed_in: Callable[[Array], Array] = lambda var: var,
) -> Callable[..., tuple[Array, ...]]:
    def variant(
        running_mean: Array,
        running_var: Array,
        batch_mean: Array,
        batch_var: Array,
        batch_size: int,
        momentum: float,
    ) -> tuple[Array, ...]:
        m, factor = weight(momentum), correction(batch_size)
        return (
            (1 - m) * running_mean + m * batch_mean,
            (1 - m) * running_var + m * mixed_in(factor * batch_var),
        )

    return variant


RUNNING_STATISTICS = Exercise(
    name="batch_normalization.running_statistics",
    outputs=("running_mean", "running_var"),
    reference=reference.update_running_statistics,
    cases=_running_cases,
    criteria=(
        Criterion("running_mean and running_var keep their shapes", 0.125, "shape"),
        Criterion(
            "running_mean moves by the momentum",
            0.5,
            group="ordinary",
            outputs=("running_mean",),
            equations=("bn-running-mean",),
        ),
        Criterion(
            "running_var moves by the momentum, with B / (B - 1)",
            0.5,
            group="ordinary",
            outputs=("running_var",),
            equations=("bn-running-variance",),
        ),
        Criterion(
            "a batch of two, a momentum of 1 and of 0",
            0.25,
            group="edge",
            outputs=("running_mean", "running_var"),
            equations=("bn-running-mean", "bn-running-variance"),
        ),
        Criterion("the arguments are left as they were", 0.125, "unchanged"),
    ),
    misconceptions=(
        Misconception(
            "running statistics that never move",
            "You return the old values. The new ones mix in the batch.",
            "bn-running-mean",
            (_running_variant(weight=lambda momentum: 0.0),),
            idle=True,
        ),
        Misconception(
            "running statistics overwritten by the batch",
            "You return the values of the last batch. They get the weight momentum, and the old "
            "ones keep 1 - momentum.",
            "bn-running-mean",
            (
                lambda running_mean, running_var, batch_mean, batch_var, batch_size, momentum: (
                    batch_mean,
                    batch_var,
                ),
            ),
            idle=True,
        ),
        Misconception(
            "Keras's momentum",
            "You weight the old value by momentum, which is Keras's convention. This exercise asks "
            "for PyTorch's, in which momentum weights the new batch.",
            "bn-running-mean",
            (_running_variant(weight=lambda momentum: 1 - momentum),),
        ),
        Misconception(
            "Keras's momentum and its variance without B / (B - 1)",
            "Both are Keras's conventions. This exercise asks for PyTorch's: momentum weights the "
            "new batch, and its variance is made unbiased.",
            "bn-running-variance",
            (_running_variant(weight=lambda momentum: 1 - momentum, correction=lambda batch: 1.0),),
        ),
        Misconception(
            "the variance without B / (B - 1)",
            "batch_var divides by B. Keras keeps it so; PyTorch and deck C make it unbiased, which "
            "is what this exercise asks for.",
            "bn-running-variance",
            (_running_variant(correction=lambda batch: 1.0),),
        ),
        Misconception(
            "the correction upside down",
            "Dividing by B made the variance too small, so the factor has to be above 1: "
            "B / (B - 1).",
            "bn-running-variance",
            (_running_variant(correction=lambda batch: (batch - 1) / batch),),
        ),
        Misconception(
            "the running variance updated with the mean",
            "running_var wants batch_var.",
            "bn-running-variance",
            (
                lambda running_mean, running_var, batch_mean, batch_var, batch_size, momentum: (
                    (1 - momentum) * running_mean + momentum * batch_mean,
                    (1 - momentum) * running_var + momentum * batch_mean,
                ),
            ),
        ),
        Misconception(
            "the running variance updated with a standard deviation",
            "Mix in batch_var itself, without a root.",
            "bn-running-variance",
            (
                _running_variant(mixed_in=np.sqrt),
                _running_variant(mixed_in=np.sqrt, correction=lambda batch: 1.0),
            ),
        ),
        Misconception(
            "the whole running variance corrected",
            "B / (B - 1) belongs to batch_var alone; the running variance holds it already.",
            "bn-running-variance",
            (
                lambda running_mean, running_var, batch_mean, batch_var, batch_size, momentum: (
                    (1 - momentum) * running_mean + momentum * batch_mean,
                    ((1 - momentum) * running_var + momentum * batch_var)
                    * batch_size
                    / (batch_size - 1),
                ),
            ),
        ),
    ),
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


def _inference_variant(
    std: Callable[[Array, float], Array] = lambda var, eps: np.sqrt(var + eps),
    scale_and_shift: bool = True,
) -> Callable[..., Array]:
    def variant(
        x: Array, gamma: Array, beta: Array, running_mean: Array, running_var: Array, eps: float
    ) -> Array:
        u: Array = (x - running_mean) / std(running_var, eps)
        return gamma * u + beta if scale_and_shift else u

    return variant


def _inference_by_batch(
    x: Array, gamma: Array, beta: Array, running_mean: Array, running_var: Array, eps: float
) -> Array:
    return gamma * (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + eps) + beta


INFERENCE = Exercise(
    name="batch_normalization.inference",
    outputs=("out",),
    reference=reference.batch_norm_inference,
    cases=_inference_cases,
    criteria=(
        Criterion(
            "out is right on ordinary batches",
            0.5,
            group="ordinary",
            outputs=("out",),
            equations=("bn-inference",),
        ),
        Criterion(
            "a single example, a variance of zero",
            0.25,
            group="edge",
            outputs=("out",),
            equations=("bn-inference",),
        ),
        Criterion("out has the right shape", 0.125, "shape"),
        Criterion("the arguments are left as they were", 0.125, "unchanged"),
    ),
    misconceptions=(
        Misconception(
            "gamma and beta forgotten",
            "Inference scales and shifts as training does.",
            "bn-inference",
            (_inference_variant(scale_and_shift=False),),
        ),
        Misconception(
            "the statistics of the test batch",
            "You normalize by the mean and variance of x. At inference the running ones take "
            "their place, so that an example's output is its own.",
            "bn-inference",
            (_inference_by_batch,),
        ),
        Misconception(
            "epsilon left out",
            "The same eps as in training is added to the variance.",
            "bn-inference",
            (_inference_variant(std=lambda var, eps: np.sqrt(var)),),
        ),
        Misconception(
            "epsilon outside the root",
            "You divide by sqrt(var) + eps; training added eps to the variance, under the root.",
            "bn-inference",
            (_inference_variant(std=lambda var, eps: np.sqrt(var) + eps),),
        ),
        Misconception(
            "epsilon subtracted",
            "Training added eps to the variance, and so does inference.",
            "bn-inference",
            (_inference_variant(std=lambda var, eps: np.sqrt(var - eps)),),
        ),
        Misconception(
            "an input that is not centred",
            "running_mean has to be subtracted from x before the division: (x - running_mean) / "
            "..., with the parentheses.",
            "bn-inference",
            (
                lambda x, gamma, beta, running_mean, running_var, eps: (
                    gamma * (x - running_mean / np.sqrt(running_var + eps)) + beta
                ),
            ),
        ),
        Misconception(
            "the variance in place of the standard deviation",
            "The root is missing: divide by sqrt(running_var + eps).",
            "bn-inference",
            (_inference_variant(std=lambda var, eps: var + eps),),
        ),
    ),
)

EXERCISES = (FORWARD, BACKWARD, RUNNING_STATISTICS, INFERENCE)
