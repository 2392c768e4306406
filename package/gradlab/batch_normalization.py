"""Batch normalization: standardize every feature over the mini-batch, then scale and shift it.

In training the statistics come from the mini-batch itself, so each output depends on every example
in it and the backward pass has three paths. At inference fixed statistics take their place.

Chapter: ``book/batch-normalization.md``.
Decks: H "Batch Normalization", L "Batch Normalization", C "Batch normalization".
Paper: S. Ioffe and C. Szegedy, Batch Normalization: Accelerating Deep Network Training by Reducing
Internal Covariate Shift, ICML 2015. T. F. Chan, G. H. Golub and R. J. LeVeque, Algorithms for
Computing the Sample Variance: Analysis and Recommendations, The American Statistician 37(3), 1983
(mean and variance in one pass).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from gradlab._jit import njit
from gradlab._memory import empty, empty_like
from gradlab._threads import parts, run
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
    x : array (batch, features)
        The mini-batch itself, not a copy: it must stay as it is until the backward pass.
    statistics : array (4, features)
        ``mean``, ``var``, ``inv_std``, and what rounding took from the mean.
    gamma : array (features,)
        The scale that the forward pass used.
    """

    x: FloatArray
    statistics: FloatArray
    gamma: FloatArray

    @property
    def mean(self) -> FloatArray:
        """Mean of the mini-batch, an array (features,)."""
        return self.statistics[0]

    @property
    def var(self) -> FloatArray:
        """Variance, divided by the batch size, without epsilon; an array (features,)."""
        return self.statistics[1]

    @property
    def inv_std(self) -> FloatArray:
        """1 / sqrt(var + eps), an array (features,)."""
        return self.statistics[2]

    @property
    def normalized(self) -> FloatArray:
        """The standardized input, u, an array (batch, features); computed at each access."""
        mean, _, inv_std, rest = self.statistics
        return ((self.x - mean) - rest) * inv_std


@njit
def _batch_moments_kernel(low, high, z, moments):
    """Equations bn-mean and bn-variance, the second without its 1/B.

    One pass over the rows from `low` to `high`, eight at a time: their sums,
    counted from the first of them so that no digit is lost beside a large
    mean, are united with those of the n rows before (Chan, Golub and LeVeque,
    1983). They are float64 whatever `z` is.
    """
    rows, features = high - low, z.shape[1]
    mean, squares = moments[0], moments[1]
    mean[:] = 0.0
    squares[:] = 0.0
    for n in range(0, rows - rows % 8, 8):
        zn, share = z[low + n : low + n + 8], 8.0 / (n + 8.0)
        for j in range(features):
            first, total, square = np.float64(zn[0, j]), 0.0, 0.0
            for i in range(1, 8):
                total += zn[i, j] - first
                square += (zn[i, j] - first) ** 2
            step = first + 0.125 * total - mean[j]
            # (bn-mean)      mu_j = 1/B sum_i z_ij
            mean[j] += share * step
            # (bn-variance)  var_j = 1/B sum_i (z_ij - mu_j)^2
            squares[j] += (square - 0.125 * total * total) + n * share * step * step
    for n in range(rows - rows % 8, rows):
        row, share = z[low + n], 1.0 / (n + 1.0)
        for j in range(features):
            step = row[j] - mean[j]
            mean[j] += share * step
            squares[j] += n * share * step * step


@njit
def _batch_columns_kernel(batch, moments, gamma, beta, eps, columns):
    """Equations bn-mean, bn-variance and bn-normalize, what they have of each column.

    `moments` has the mean and the sum of squares of each stretch of the
    batch. In `columns`, which has the dtype of the batch, are mean, variance,
    1 / sqrt(var_j + eps), what rounding took from the mean, and gamma_j and
    beta_j as factor and summand of z_ij - mu_j.
    """
    mu, var, inv_std = columns[0], columns[1], columns[2]
    rest, scale, shift = columns[3], columns[4], columns[5]
    count = len(moments)
    # A stretch ends where `_threads.parts` ends it.
    for j in range(gamma.size):
        n, mean, squares = 0, moments[0, 0, j], moments[0, 1, j]
        for k in range(1, count):
            n = batch * k // count
            share = 1.0 - n / (batch * (k + 1) // count)
            step = moments[k, 0, j] - mean
            mean += share * step
            squares += moments[k, 1, j] + n * share * step * step
        mu[j], var[j] = mean, squares / batch
        rest[j] = mean - mu[j]
        one_by_std = 1.0 / np.sqrt(squares / batch + eps)
        inv_std[j] = one_by_std
        scale[j] = gamma[j] * one_by_std
        shift[j] = beta[j] - gamma[j] * one_by_std * (mean - mu[j])


@njit
def _scale_shift_kernel(low, high, z, columns, out):
    """Equations bn-normalize and bn-scale-shift, and bn-inference."""
    mu, scale, shift = columns[0], columns[4], columns[5]
    # (bn-normalize)    u_ij = (z_ij - mu_j) / sqrt(var_j + eps)
    # (bn-scale-shift)  out_ij = gamma_j u_ij + beta_j
    # with scale_j = gamma_j / sqrt(var_j + eps), and beta_j in shift_j
    for i in range(low, high):
        zi, outi = z[i], out[i]
        for j in range(zi.size):
            outi[j] = (zi[j] - mu[j]) * scale[j] + shift[j]


@njit
def _batch_norm_forward_kernel(z, gamma, beta, eps, moments, columns, out):
    """Equations bn-mean, bn-variance, bn-normalize, bn-scale-shift, in one stretch."""
    batch = len(z)
    _batch_moments_kernel(0, batch, z, moments[0])
    _batch_columns_kernel(batch, moments, gamma, beta, eps, columns)
    _scale_shift_kernel(0, batch, z, columns, out)


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
        For `batch_norm_backward`, with ``mean``, ``var`` and ``normalized``. It refers to `x`,
        which must stay as it is until then, as in PyTorch.

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
    batch, stretches = len(x), parts(len(x), x.size)
    moments = empty((len(stretches), 2, features), np.float64)
    columns, out = empty((6, features), x.dtype), empty_like(x)
    if len(stretches) == 1:
        _batch_norm_forward_kernel(x, gamma, beta, eps, moments, columns, out)
    else:
        ends = [(k, s.start, s.stop) for k, s in enumerate(stretches)]
        run(lambda e: _batch_moments_kernel(e[1], e[2], x, moments[e[0]]), ends)
        _batch_columns_kernel(batch, moments, gamma, beta, eps, columns)
        run(lambda e: _scale_shift_kernel(e[1], e[2], x, columns, out), ends)
    return out, BatchNormCache(x, columns[:4], gamma.copy())


@njit
def _batch_sums_kernel(low, high, dout, z, mu, sums):
    """Equations bn-backward-beta and bn-backward-gamma, the second without 1 / sqrt(var_j + eps).

    The sums are float64 whatever `z` is.
    """
    dbeta, dgamma = sums[0], sums[1]
    dbeta[:] = 0.0
    dgamma[:] = 0.0
    # (bn-backward-beta)   dbeta_j = sum_i dout_ij
    # (bn-backward-gamma)  dgamma_j = sum_i dout_ij u_ij
    for i in range(low, high):
        di, zi = dout[i], z[i]
        for j in range(di.size):
            d = np.float64(di[j])
            dbeta[j] += d
            dgamma[j] += d * (zi[j] - mu[j])


@njit
def _batch_paths_kernel(batch, sums, gamma, statistics, paths):
    """Equations bn-backward-u, bn-backward-variance and bn-backward-mean; equal
    to bn-backward-compact.

    `sums` are those of each stretch of the batch. In `paths`, which has the
    dtype of the batch, are dgamma and dbeta, and what the three paths
    multiply or add: for the direct one, by the variance and by the mean.
    """
    inv_std, rest = statistics[2], statistics[3]
    dgamma, dbeta = paths[0], paths[1]
    direct, via_var, via_mu = paths[2], paths[3], paths[4]
    for j in range(gamma.size):
        sum_d, sum_dz = 0.0, 0.0
        for k in range(len(sums)):
            sum_d += sums[k, 0, j]
            sum_dz += sums[k, 1, j]
        # The mean that was subtracted is the rounded one.
        sum_du = (sum_dz - rest[j] * sum_d) * inv_std[j]
        dbeta[j], dgamma[j] = sum_d, sum_du

        # By (bn-backward-u), dL/du_ij = gamma_j dout_ij. So the sums over the
        # batch in the next two equations are gamma_j dgamma_j / inv_std_j and
        # gamma_j dbeta_j, because z - mu is u / inv_std.
        # (bn-backward-variance)
        # dvar_j = -1/2 (var_j + eps)^(-3/2) sum_i dL/du_ij (z_ij - mu_j)
        dvar = -0.5 * np.float64(inv_std[j]) ** 2 * gamma[j] * sum_du
        # (bn-backward-mean)
        # dmu_j = -1/sqrt(var_j + eps) sum_i dL/du_ij
        dmu = -inv_std[j] * gamma[j] * sum_d
        direct[j] = gamma[j] * inv_std[j]
        via_var[j] = dvar * 2.0 / batch
        via_mu[j] = dmu / batch - rest[j] * dvar * 2.0 / batch


@njit
def _batch_gradient_kernel(low, high, dout, z, mu, paths, dz):
    """Equation bn-backward-z."""
    direct, via_var, via_mu = paths[2], paths[3], paths[4]
    # (bn-backward-z)
    # dz_ij = dL/du_ij / sqrt(var_j + eps) + dvar_j 2 (z_ij - mu_j) / B
    #         + dmu_j / B
    for i in range(low, high):
        di, zi, dzi = dout[i], z[i], dz[i]
        for j in range(di.size):
            dzi[j] = di[j] * direct[j] + (zi[j] - mu[j]) * via_var[j] + via_mu[j]


@njit
def _batch_norm_backward_kernel(dout, z, gamma, statistics, sums, paths, dz):
    """Equations bn-backward-beta, bn-backward-gamma, bn-backward-u,
    bn-backward-variance, bn-backward-mean, bn-backward-z, in one stretch.
    """
    batch, mu = len(z), statistics[0]
    _batch_sums_kernel(0, batch, dout, z, mu, sums[0])
    _batch_paths_kernel(batch, sums, gamma, statistics, paths)
    _batch_gradient_kernel(0, batch, dout, z, mu, paths, dz)


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
    x, statistics, gamma = cache.x, cache.statistics, cache.gamma
    dout = as_shaped("dout", dout, x.shape, x.dtype)
    batch, stretches = len(x), parts(len(x), x.size)
    sums = empty((len(stretches), 2, gamma.size), np.float64)
    paths, dx = empty((5, gamma.size), x.dtype), empty_like(x)
    if len(stretches) == 1:
        _batch_norm_backward_kernel(dout, x, gamma, statistics, sums, paths, dx)
    else:
        mean = statistics[0]
        ends = [(k, s.start, s.stop) for k, s in enumerate(stretches)]
        run(lambda e: _batch_sums_kernel(e[1], e[2], dout, x, mean, sums[e[0]]), ends)
        _batch_paths_kernel(batch, sums, gamma, statistics, paths)
        run(lambda e: _batch_gradient_kernel(e[1], e[2], dout, x, mean, paths, dx), ends)
    return dx, paths[0].copy(), paths[1].copy()


@njit
def _batch_norm_inference_kernel(low, high, z, gamma, beta, mean, var, eps, columns, out):
    """Equation bn-inference; `columns` as in training. Returns the smallest variance."""
    mu, scale, shift = columns[0], columns[4], columns[5]
    smallest = np.inf
    # (bn-inference)  out_ij = gamma_j (z_ij - mean_j) / sqrt(var_j + eps) + beta_j
    for j in range(gamma.size):
        one_by_std = 1.0 / np.sqrt(abs(np.float64(var[j])) + eps)
        mu[j] = mean[j]
        scale[j] = gamma[j] * one_by_std
        shift[j] = beta[j] - gamma[j] * one_by_std * (mean[j] - mu[j])
        smallest = min(smallest, var[j])
    _scale_shift_kernel(low, high, z, columns, out)
    return smallest


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
    mean, var = as_shaped("mean", mean, shape), as_shaped("var", var, shape)
    eps = as_positive("eps", eps)
    out = empty_like(x)

    def normalize(stretch: slice) -> float:
        columns = empty((6, *shape), x.dtype)
        ends = stretch.start, stretch.stop
        return _batch_norm_inference_kernel(*ends, x, gamma, beta, mean, var, eps, columns, out)

    smallest = min(run(normalize, parts(len(x), x.size)))
    if smallest < 0:
        raise ValueError(f"var must not be negative, got a smallest entry of {smallest}")
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
    for j in range(average.size):
        average[j] = values[0, j]
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
