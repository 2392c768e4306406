"""Batch normalization: standardize every feature over the mini-batch, then scale and shift it.

In training the statistics come from the mini-batch itself, so each output depends on every example
in it and the backward pass has three paths. At inference fixed statistics take their place.

Chapter: ``book/batch-normalization.md``.
Decks: H "Batch Normalization", L "Batch Normalization", C "Batch normalization".
Paper: S. Ioffe and C. Szegedy, Batch Normalization: Accelerating Deep Network Training by Reducing
Internal Covariate Shift, ICML 2015.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from gradlab._jit import njit
from gradlab._validate import (
    FloatArray,
    as_batch,
    as_cache,
    as_flag,
    as_float_array,
    as_integer,
    as_positive,
    as_real,
    as_shaped,
    as_variance,
    as_vector,
)

__all__ = [
    "BatchNormCache",
    "average_statistics",
    "batch_norm_backward",
    "batch_norm_forward",
    "batch_norm_inference",
    "exponential_average",
    "update_running_statistics",
]


@dataclass(frozen=True, eq=False)
class BatchNormCache:
    """What the forward pass keeps for the backward pass, all in the dtype of ``x``.

    Attributes
    ----------
    normalized : array (batch, features)
        The standardized input, u.
    mean, var : arrays (features,)
        Statistics of the mini-batch; the variance divides by the batch size, without epsilon.
    inv_std : array (features,)
        1 / sqrt(var + eps).
    gamma : array (features,)
        The scale that the forward pass used.
    """

    normalized: FloatArray
    mean: FloatArray
    var: FloatArray
    inv_std: FloatArray
    gamma: FloatArray


@njit
def _batch_norm_forward_kernel(z, gamma, beta, eps, mu, var, inv_std, u, out):
    """Equations bn-mean, bn-variance, bn-normalize, bn-scale-shift.

    `mu`, `var` and `inv_std` are float64 whatever `z` is, so that a long
    sum of float32 numbers keeps its digits.
    """
    batch, features = z.shape

    # (bn-mean)  mu_j = 1/B sum_i z_ij
    mu[:] = 0.0
    for i in range(batch):
        zi = z[i]
        for j in range(features):
            mu[j] += zi[j]
    for j in range(features):
        mu[j] /= batch

    # (bn-variance)  var_j = 1/B sum_i (z_ij - mu_j)^2
    var[:] = 0.0
    for i in range(batch):
        zi = z[i]
        for j in range(features):
            var[j] += (zi[j] - mu[j]) ** 2
    for j in range(features):
        var[j] /= batch
        inv_std[j] = 1.0 / np.sqrt(var[j] + eps)

    # (bn-normalize)    u_ij = (z_ij - mu_j) / sqrt(var_j + eps)
    # (bn-scale-shift)  out_ij = gamma_j u_ij + beta_j
    for i in range(batch):
        zi, ui, outi = z[i], u[i], out[i]
        for j in range(features):
            ui[j] = (zi[j] - mu[j]) * inv_std[j]
            outi[j] = gamma[j] * ui[j] + beta[j]


def batch_norm_forward(
    x: ArrayLike, gamma: ArrayLike, beta: ArrayLike, eps: float = 1e-5
) -> tuple[FloatArray, BatchNormCache]:
    r"""Normalize every feature over the mini-batch, then scale and shift it (training).

    .. math:: \hat z_{ij} = \gamma_j \, \frac{z_{ij} - \mu_j}{\sqrt{\sigma_j^2 + \epsilon}}
              + \beta_j

    where :math:`\mu_j` and :math:`\sigma_j^2` are the mean and the variance (divided by the batch
    size) of column j of `x`.

    Parameters
    ----------
    x : array (batch, features)
        The mini-batch z, of two examples or more.
    gamma, beta : arrays (features,)
        Scale and shift; converted to the dtype of `x`.
    eps : float, default 1e-5
        Added to the variance, inside the root; positive, in the squared unit of `x`.

    Returns
    -------
    out : array (batch, features)
        The normalized, scaled and shifted batch, in the dtype of `x`.
    cache : BatchNormCache
        For `batch_norm_backward`, with ``mean``, ``var`` and ``normalized``.

    Raises
    ------
    ValueError
        If the batch has fewer than two examples: its variance would be 0 and the output `beta`,
        whatever the input.

    Notes
    -----
    A feature that is constant over the batch comes out as `beta`. A value that is not finite
    spreads over its own feature and no further.

    Decks H eqs. (15) to (18) and C "Batch normalization: Training"; Ioffe and Szegedy (2015),
    Algorithm 1.

    Examples
    --------
    >>> out, cache = batch_norm_forward([[1.0, 10.0], [3.0, 30.0]], gamma=[1, 1], beta=[0, 5])
    >>> out.round(3)
    array([[-1.,  4.],
           [ 1.,  6.]])
    >>> cache.mean, cache.var
    (array([ 2., 20.]), array([  1., 100.]))
    """
    x = as_batch("x", x, min_rows=2)
    features = x.shape[1]
    gamma = as_shaped("gamma", gamma, (features,), x.dtype)
    beta = as_shaped("beta", beta, (features,), x.dtype)
    eps = as_positive("eps", eps)
    mean, var, inv_std = np.empty((3, features))
    normalized, out = np.empty_like(x), np.empty_like(x)
    _batch_norm_forward_kernel(x, gamma, beta, eps, mean, var, inv_std, normalized, out)
    mean, var, inv_std = (a.astype(x.dtype) for a in (mean, var, inv_std))
    return out, BatchNormCache(normalized, mean, var, inv_std, gamma.copy())


@njit
def _batch_norm_backward_kernel(
    dout, u, gamma, inv_std, direct, via_var, via_mu, dgamma, dbeta, dz
):
    """Equations bn-backward-beta, bn-backward-gamma, bn-backward-u,
    bn-backward-variance, bn-backward-mean, bn-backward-z; equal to
    bn-backward-compact.

    `direct`, `via_var` and `via_mu` are work arrays for the coefficients
    of the three paths, one a feature.
    """
    batch, features = dout.shape

    # (bn-backward-beta)   dbeta_j = sum_i dout_ij
    # (bn-backward-gamma)  dgamma_j = sum_i dout_ij u_ij
    dbeta[:] = 0.0
    dgamma[:] = 0.0
    for i in range(batch):
        di, ui = dout[i], u[i]
        for j in range(features):
            dbeta[j] += di[j]
            dgamma[j] += di[j] * ui[j]

    # By (bn-backward-u), dL/du_ij = gamma_j dout_ij. So the sums over the
    # batch in the next two equations are gamma_j dgamma_j / inv_std_j and
    # gamma_j dbeta_j, because z - mu is u / inv_std.
    for j in range(features):
        # (bn-backward-variance)
        # dvar_j = -1/2 (var_j + eps)^(-3/2) sum_i dL/du_ij (z_ij - mu_j)
        dvar = -0.5 * inv_std[j] ** 2 * gamma[j] * dgamma[j]
        # (bn-backward-mean)
        # dmu_j = -1/sqrt(var_j + eps) sum_i dL/du_ij
        dmu = -inv_std[j] * gamma[j] * dbeta[j]
        direct[j] = gamma[j] * inv_std[j]
        via_var[j] = dvar * 2.0 / (batch * inv_std[j])
        via_mu[j] = dmu / batch

    # (bn-backward-z)
    # dz_ij = dL/du_ij / sqrt(var_j + eps) + dvar_j 2 (z_ij - mu_j) / B
    #         + dmu_j / B
    for i in range(batch):
        di, ui, dzi = dout[i], u[i], dz[i]
        for j in range(features):
            dzi[j] = di[j] * direct[j] + ui[j] * via_var[j] + via_mu[j]


def batch_norm_backward(
    dout: ArrayLike, cache: BatchNormCache
) -> tuple[FloatArray, FloatArray, FloatArray]:
    r"""Gradient of the loss through `batch_norm_forward`, by all three paths.

    .. math:: \frac{\partial L}{\partial z_{ij}}
              = \frac{\partial L}{\partial u_{ij}} \frac{1}{\sqrt{\sigma_j^2 + \epsilon}}
              + \frac{\partial L}{\partial \sigma_j^2} \frac{2 (z_{ij} - \mu_j)}{B}
              + \frac{\partial L}{\partial \mu_j} \frac{1}{B}

    Parameters
    ----------
    dout : array (batch, features)
        Gradient of the loss with respect to the output.
    cache : BatchNormCache
        What `batch_norm_forward` returned beside that output.

    Returns
    -------
    dx : array (batch, features)
        Gradient with respect to the input; it sums to 0 over the batch.
    dgamma, dbeta : arrays (features,)
        Gradients with respect to scale and shift.

    Notes
    -----
    Deck C "Batch normalization: Backpropagation".

    Examples
    --------
    >>> out, cache = batch_norm_forward([[1.0], [2.0], [6.0]], gamma=[2.0], beta=[0.0])
    >>> dx, dgamma, dbeta = batch_norm_backward([[1.0], [0.0], [0.0]], cache)
    >>> dx.ravel().round(4)
    array([ 0.3527, -0.4409,  0.0882])
    >>> dgamma.round(4), dbeta
    (array([-0.9258]), array([1.]))
    """
    cache = as_cache(cache, BatchNormCache, "batch_norm_forward")
    u = cache.normalized
    features = u.shape[1]
    dout = as_shaped("dout", dout, u.shape, u.dtype)
    direct, via_var, via_mu, dgamma, dbeta = np.empty((5, features))
    dx = np.empty_like(u)
    _batch_norm_backward_kernel(
        dout, u, cache.gamma, cache.inv_std, direct, via_var, via_mu, dgamma, dbeta, dx
    )
    return dx, dgamma.astype(u.dtype), dbeta.astype(u.dtype)


@njit
def _batch_norm_inference_kernel(z, gamma, beta, mean, var, eps, inv_std, out):
    """Equation bn-inference."""
    batch, features = z.shape
    for j in range(features):
        inv_std[j] = 1.0 / np.sqrt(var[j] + eps)
    # (bn-inference)  out_ij = gamma_j (z_ij - mean_j) / sqrt(var_j + eps) + beta_j
    for i in range(batch):
        zi, outi = z[i], out[i]
        for j in range(features):
            outi[j] = gamma[j] * ((zi[j] - mean[j]) * inv_std[j]) + beta[j]


def batch_norm_inference(
    x: ArrayLike,
    gamma: ArrayLike,
    beta: ArrayLike,
    mean: ArrayLike,
    var: ArrayLike,
    eps: float = 1e-5,
) -> FloatArray:
    r"""Normalize with fixed statistics, so that an example's output is its own (inference).

    .. math:: \hat z_{ij} = \gamma_j \, \frac{z_{ij} - \bar\mu_j}{\sqrt{\bar\sigma_j^2 + \epsilon}}
              + \beta_j

    Parameters
    ----------
    x : array (batch, features)
        One example or more.
    gamma, beta : arrays (features,)
        Scale and shift, as learned.
    mean, var : arrays (features,)
        Statistics of the training set, from `average_statistics` or `update_running_statistics`.
    eps : float, default 1e-5
        The same value as in training; positive.

    Returns
    -------
    array (batch, features)
        In the dtype of `x`.

    Notes
    -----
    Decks H "Batch Normalization: Math (Testing)" and C "Batch normalization: Inference"; Ioffe and
    Szegedy (2015), Algorithm 2.

    Examples
    --------
    >>> batch_norm_inference([[4.0]], gamma=[2.0], beta=[1.0], mean=[3.0], var=[4.0]).round(3)
    array([[2.]])
    """
    x = as_batch("x", x)
    shape = (x.shape[1],)
    gamma = as_shaped("gamma", gamma, shape, x.dtype)
    beta = as_shaped("beta", beta, shape, x.dtype)
    mean = as_shaped("mean", mean, shape, np.float64)
    var = as_variance("var", var, shape, np.float64)
    eps = as_positive("eps", eps)
    out = np.empty_like(x)
    _batch_norm_inference_kernel(x, gamma, beta, mean, var, eps, np.empty(shape), out)
    return out


@njit
def _running_statistics_kernel(mean, var, batch_mean, batch_var, momentum, correction, out):
    """Equations bn-running-mean and bn-running-variance."""
    for j in range(mean.size):
        # (bn-running-mean)      mean <- (1 - m) mean + m mu
        out[0, j] = (1.0 - momentum) * mean[j] + momentum * batch_mean[j]
        # (bn-running-variance)  var <- (1 - m) var + m B/(B-1) sigma^2
        out[1, j] = (1.0 - momentum) * var[j] + momentum * correction * batch_var[j]


def update_running_statistics(
    running_mean: ArrayLike,
    running_var: ArrayLike,
    batch_mean: ArrayLike,
    batch_var: ArrayLike,
    batch_size: int,
    momentum: float = 0.1,
    unbiased: bool = True,
) -> tuple[FloatArray, FloatArray]:
    r"""Move running statistics a step towards those of a mini-batch (PyTorch's convention).

    .. math:: \bar\mu \leftarrow (1 - m) \, \bar\mu + m \, \mu, \qquad
              \bar\sigma^2 \leftarrow (1 - m) \, \bar\sigma^2 + m \, \frac{B}{B - 1} \, \sigma^2

    Parameters
    ----------
    running_mean, running_var : arrays (features,)
        The statistics so far; PyTorch and Keras start at 0 and 1.
    batch_mean, batch_var : arrays (features,)
        Statistics of the mini-batch, its variance divided by the batch size B, as in the cache of
        `batch_norm_forward`.
    batch_size : int
        B, the number of examples behind `batch_var`.
    momentum : float in [0, 1], default 0.1
        m, the weight of the *new* batch. Keras's ``momentum`` weights the old value: pass
        ``1 - momentum`` of Keras.
    unbiased : bool, default True
        Multiply the variance by B / (B - 1), as PyTorch does; Keras does not.

    Returns
    -------
    running_mean, running_var : arrays (features,)
        New arrays, in the dtype of `running_mean`.

    Raises
    ------
    ValueError
        If `batch_size` is 1 with `unbiased`: one example says nothing about the variance.

    Notes
    -----
    `torch.nn.BatchNorm1d`. Deck H eqs. (19) and (20) average in the same way but start from the
    first batch: `exponential_average`.

    Examples
    --------
    >>> update_running_statistics([0.0], [1.0], [10.0], [9.0], batch_size=10, momentum=0.1)
    (array([1.]), array([1.9]))
    """
    running_mean = as_vector("running_mean", running_mean)
    shape, dtype = running_mean.shape, running_mean.dtype
    running_var = as_variance("running_var", running_var, shape, dtype)
    batch_mean = as_shaped("batch_mean", batch_mean, shape, dtype)
    batch_var = as_variance("batch_var", batch_var, shape, dtype)
    unbiased = as_flag("unbiased", unbiased)
    size = as_integer("batch_size", batch_size, low=2 if unbiased else 1)
    correction = size / (size - 1) if unbiased else 1.0
    momentum = as_real("momentum", momentum, low=0.0, high=1.0)
    out = np.empty((2, *shape), dtype)
    _running_statistics_kernel(
        running_mean, running_var, batch_mean, batch_var, momentum, correction, out
    )
    return out[0].copy(), out[1].copy()


@njit
def _average_statistics_kernel(means, variances, correction, mean, var):
    """Equations bn-average-mean and bn-average-variance."""
    batches, features = means.shape
    mean[:] = 0.0
    var[:] = 0.0
    # (bn-average-mean)      mean_j = 1/N sum_n mu_nj
    # (bn-average-variance)  var_j = B/(B-1) 1/N sum_n sigma^2_nj
    for n in range(batches):
        mu, sigma2 = means[n], variances[n]
        for j in range(features):
            mean[j] += mu[j] / batches
            var[j] += correction * sigma2[j] / batches


def average_statistics(
    batch_means: ArrayLike, batch_vars: ArrayLike, batch_size: int
) -> tuple[FloatArray, FloatArray]:
    r"""Average the statistics of all training mini-batches of the trained network (deck C).

    .. math:: \bar\mu = \frac{1}{N} \sum_{n=1}^{N} \mu_n, \qquad
              \bar\sigma^2 = \frac{B}{B - 1} \, \frac{1}{N} \sum_{n=1}^{N} \sigma_n^2

    Parameters
    ----------
    batch_means, batch_vars : arrays (batches, features)
        Mean and variance of each of the N mini-batches, the variance divided by the batch size.
    batch_size : int
        B, the same for all of them; at least 2.

    Returns
    -------
    mean, var : arrays (features,)
        For `batch_norm_inference`. The factor B / (B - 1) makes the variance of one mini-batch an
        unbiased estimate.

    Notes
    -----
    Deck C "Batch normalization: Inference"; Ioffe and Szegedy (2015), Algorithm 2.

    Examples
    --------
    >>> average_statistics([[1.0], [3.0]], [[4.0], [2.0]], batch_size=4)
    (array([2.]), array([4.]))
    """
    batch_means = as_batch("batch_means", batch_means)
    batch_vars = as_variance("batch_vars", batch_vars, batch_means.shape, batch_means.dtype)
    size = as_integer("batch_size", batch_size, low=2)
    correction = size / (size - 1)
    mean, var = np.empty((2, batch_means.shape[1]))
    _average_statistics_kernel(batch_means, batch_vars, correction, mean, var)
    return mean.astype(batch_means.dtype), var.astype(batch_means.dtype)


@njit
def _exponential_average_kernel(values, alpha, average):
    """Equation bn-exponential-average."""
    average[:] = values[0]
    for n in range(1, values.shape[0]):
        value = values[n]
        # (bn-exponential-average)  avg_n = alpha v_n + (1 - alpha) avg_{n-1}
        for j in range(average.size):
            average[j] = alpha * value[j] + (1.0 - alpha) * average[j]


def exponential_average(values: ArrayLike, alpha: float) -> FloatArray:
    r"""Exponential moving average that starts from the first value (deck H).

    .. math:: \hat v_1 = v_1, \qquad \hat v_n = \alpha v_n + (1 - \alpha) \hat v_{n-1}

    Parameters
    ----------
    values : array (steps, ...)
        One entry a mini-batch, oldest first: means, variances or standard deviations.
    alpha : float in [0, 1]
        Weight of the newest value.

    Returns
    -------
    array (...)
        The average after the last step.

    Notes
    -----
    Deck H eqs. (19) and (20), which average the standard deviation. The average of standard
    deviations, squared, is never above the average of variances.

    Examples
    --------
    >>> exponential_average([[1.0, 4.0], [3.0, 0.0]], alpha=0.25)
    array([1.5, 3. ])
    """
    values = as_float_array("values", values)
    if values.ndim == 0 or values.shape[0] == 0:
        raise ValueError(f"values must have at least one step, got shape {values.shape}")
    alpha = as_real("alpha", alpha, low=0.0, high=1.0)
    flat = values.reshape(values.shape[0], -1)
    average = np.empty(flat.shape[1])
    _exponential_average_kernel(flat, alpha, average)
    return average.reshape(values.shape[1:]).astype(values.dtype)
