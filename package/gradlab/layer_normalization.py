"""Layer, instance and group normalization: statistics of one example, not of a mini-batch.

Each example is cut into rows (all of its features; one channel; a group of channels), and every row
is standardized on its own. An output so depends on no other example, training and inference are the
same computation, and a batch of one is as good as any.

Chapter: ``book/layer-normalization.md``.
Deck: S "Layer Normalization".
Papers: J. L. Ba, J. R. Kiros and G. Hinton, Layer Normalization, arXiv:1607.06450, 2016;
D. Ulyanov, A. Vedaldi and V. Lempitsky, Instance Normalization: The Missing Ingredient for Fast
Stylization, arXiv:1607.08022, 2016; Y. Wu and K. He, Group Normalization, ECCV 2018.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from gradlab._jit import njit, njit_sums
from gradlab._memory import empty, empty_like
from gradlab._threads import parts, run
from gradlab._validate import (
    FloatArray,
    as_batch,
    as_cache,
    as_float_array,
    as_integer,
    as_positive,
    as_shaped,
)

__all__ = [
    "LayerNormCache",
    "group_norm_backward",
    "group_norm_forward",
    "influence",
    "instance_norm_backward",
    "instance_norm_forward",
    "layer_norm_backward",
    "layer_norm_forward",
]


@dataclass(frozen=True, eq=False)
class LayerNormCache:
    """What a forward pass keeps for its backward pass, all in the dtype of ``x``.

    The statistics have one entry for each row that was standardized: shape (batch,) for layer
    normalization, (batch, channels) for instance and (batch, groups) for group normalization.

    Attributes
    ----------
    x : array
        The input itself, not a copy: it must stay as it is until the backward pass.
    statistics : array (4, ...)
        ``mean``, ``var``, ``inv_std``, and what rounding took from the mean.
    gamma : array (features,) or (channels,)
        The scale that the forward pass used.
    """

    x: FloatArray
    statistics: FloatArray
    gamma: FloatArray

    @property
    def mean(self) -> FloatArray:
        """Mean of each row."""
        return self.statistics[0]

    @property
    def var(self) -> FloatArray:
        """Variance of each row, divided by the row's size, without epsilon."""
        return self.statistics[1]

    @property
    def inv_std(self) -> FloatArray:
        """1 / sqrt(var + eps)."""
        return self.statistics[2]

    @property
    def normalized(self) -> FloatArray:
        """The standardized input, u, an array of the shape of ``x``; computed at each access."""
        rows = self.x.reshape(self.mean.size, -1)
        mean, _, inv_std, rest = self.statistics.reshape(4, -1, 1)
        return (((rows - mean) - rest) * inv_std).reshape(self.x.shape)


@njit_sums
def _normalize_rows_kernel(low, high, x, gamma, beta, eps, statistics, out):
    """Equations ln-mean, ln-variance, ln-normalize and ln-scale-shift.

    `x` holds the rows of each example, and those from `low` to `high` are
    normalized; `gamma` and `beta` have an entry for each number of an example,
    that of its channel. The sums are float64 whatever `x` is. (A plain 0.0
    would not do that without numba: NumPy adds float32 to it as float32.)
    `rest` is what rounding takes from the mean.
    """
    _, groups, size = x.shape
    mu, var, inv_std, rest = statistics[0], statistics[1], statistics[2], statistics[3]
    for i in range(low, high):
        for g in range(groups):
            xr, outr, gammar, betar = x[i, g], out[i, g], gamma[g], beta[g]

            # (ln-mean)  mu_r = 1/m sum_k x_rk
            total = np.float64(0.0)
            for k in range(size):
                total += xr[k]
            mean = total / size

            # (ln-variance)  var_r = 1/m sum_k (x_rk - mu_r)^2
            total = np.float64(0.0)
            for k in range(size):
                total += (xr[k] - mean) ** 2
            variance = total / size
            mu[i, g], var[i, g] = mean, variance
            inv_std[i, g] = 1.0 / np.sqrt(variance + eps)
            rest[i, g] = mean - mu[i, g]

            # (ln-normalize)    u_rk = (x_rk - mu_r) / sqrt(var_r + eps)
            # (ln-scale-shift)  out_rk = gamma_c u_rk + beta_c, c the channel of entry k
            m, s, t = mu[i, g], inv_std[i, g], rest[i, g] * inv_std[i, g]
            for k in range(size):
                outr[k] = gammar[k] * ((xr[k] - m) * s - t) + betar[k]


def _forward(
    x: FloatArray, gamma: ArrayLike, beta: ArrayLike, groups: int, eps: float
) -> tuple[FloatArray, LayerNormCache]:
    """Normalize each example in `groups` rows, then scale and shift each channel."""
    batch, channels = x.shape[:2]
    gamma = as_shaped("gamma", gamma, (channels,), x.dtype)
    beta = as_shaped("beta", beta, (channels,), x.dtype)
    eps = as_positive("eps", eps)
    out, statistics = empty_like(x), np.empty((4, batch, groups), x.dtype)
    rows, to = x.reshape(batch, groups, -1), out.reshape(batch, groups, -1)
    scale, shift = _of_entries(gamma, rows), _of_entries(beta, rows)
    run(
        lambda s: _normalize_rows_kernel(s.start, s.stop, rows, scale, shift, eps, statistics, to),
        parts(batch, x.size),
    )
    if x.ndim == 2:
        statistics = statistics[:, :, 0]
    return out, LayerNormCache(x, statistics, gamma.copy())


@njit_sums
def _rows_sums_kernel(low, high, dout, x, gamma, statistics, sums, means):
    """Equations ln-backward-u, ln-backward-gamma, ln-backward-beta, and the
    means of ln-backward-x, which go to `means` from its first row on.

    Rows and `gamma` are those of the forward kernel. In `sums` are dgamma and
    dbeta for each number of an example. All sums are float64 whatever `x` is.
    """
    _, groups, size = x.shape
    mu, inv_std, rest = statistics[0], statistics[2], statistics[3]
    for i in range(low, high):
        for g in range(groups):
            dr, xr, gammar, dgamma, dbeta = dout[i, g], x[i, g], gamma[g], sums[0, g], sums[1, g]
            m, s, t = mu[i, g], inv_std[i, g], rest[i, g] * inv_std[i, g]
            # (ln-backward-u)      du_rk = gamma_c dout_rk
            # (ln-backward-beta)   dbeta_k = sum_i dout_ik
            # (ln-backward-gamma)  dgamma_k = sum_i dout_ik u_ik
            sum_du = np.float64(0.0)
            sum_du_u = np.float64(0.0)
            for k in range(size):
                d, u = np.float64(dr[k]), np.float64((xr[k] - m) * s - t)
                du = np.float64(gammar[k] * dr[k])
                dbeta[k] += d
                dgamma[k] += d * u
                sum_du += du
                sum_du_u += du * u
            means[i - low, g, 0] = sum_du / size
            means[i - low, g, 1] = sum_du_u / size


@njit
def _rows_gradient_kernel(low, high, dout, x, gamma, statistics, means, dx):
    """Equation ln-backward-x, with its two means."""
    _, groups, size = x.shape
    mu, inv_std, rest = statistics[0], statistics[2], statistics[3]
    for i in range(low, high):
        for g in range(groups):
            dr, xr, dxr, gammar = dout[i, g], x[i, g], dx[i, g], gamma[g]
            m, s, t = mu[i, g], inv_std[i, g], rest[i, g] * inv_std[i, g]
            mean_du, mean_du_u = means[i - low, g, 0], means[i - low, g, 1]
            # (ln-backward-x)
            # dx_rk = (du_rk - 1/m sum_l du_rl - u_rk 1/m sum_l du_rl u_rl)
            #         / sqrt(var_r + eps)
            for k in range(size):
                u = (xr[k] - m) * s - t
                dxr[k] = (gammar[k] * dr[k] - mean_du - u * mean_du_u) * s


@njit
def _normalize_rows_backward_kernel(low, high, dout, x, gamma, statistics, block, sums, means, dx):
    """Equations ln-backward-u, ln-backward-gamma, ln-backward-beta and ln-backward-x.

    A block of examples at a time, which is still in the cache when its
    gradients are computed.
    """
    sums[:] = 0.0
    for first in range(low, high, block):
        last = min(first + block, high)
        _rows_sums_kernel(first, last, dout, x, gamma, statistics, sums, means)
        _rows_gradient_kernel(first, last, dout, x, gamma, statistics, means, dx)


@njit_sums
def _channel_sums_kernel(sums, channels):
    """Equation ln-backward-channel.

    `sums` are those for each position of each channel, of each stretch of the
    batch; `channels` gets dgamma and dbeta.
    """
    stretches, both, count, positions = sums.shape
    # (ln-backward-channel)  the same sums over all positions of channel c
    for which in range(both):
        for c in range(count):
            total = 0.0
            for stretch in range(stretches):
                for k in range(positions):
                    total += sums[stretch, which, c, k]
            channels[which, c] = total


_BLOCK = 1 << 16
"""Entries of the input that fit into a cache near the processor, with as many of two others."""


def _backward(
    dout: ArrayLike, cache: LayerNormCache, ndim: int, forward: str
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Go back through each row, and through the scale and shift of each channel."""
    cache = as_cache(cache, LayerNormCache, forward)
    x = cache.x
    if x.ndim != ndim:
        raise ValueError(
            f"cache must come from {forward}, whose output has {ndim} dimensions, "
            f"got one for an output of shape {x.shape}"
        )
    dout = as_shaped("dout", dout, x.shape, x.dtype)
    batch, stretches = len(x), parts(len(x), x.size)
    statistics = cache.statistics.reshape(4, batch, -1)
    shape = (batch, statistics.shape[2], -1)
    down, rows, dx = dout.reshape(shape), x.reshape(shape), empty_like(x)
    gamma, to = _of_entries(cache.gamma, rows), dx.reshape(shape)
    sums = empty((len(stretches), 2, *gamma.shape), np.float64)
    block = min(batch, max(1, _BLOCK // gamma.size))
    means = np.empty((len(stretches), block, len(gamma), 2), x.dtype)

    def go_back(k: int) -> None:
        ends, own = (stretches[k].start, stretches[k].stop), (sums[k], means[k])
        _normalize_rows_backward_kernel(*ends, down, rows, gamma, statistics, block, *own, to)

    run(go_back, range(len(stretches)))
    channels = np.empty((2, cache.gamma.size), x.dtype)
    _channel_sums_kernel(sums.reshape(len(sums), *channels.shape, -1), channels)
    return dx, channels[0], channels[1]


def layer_norm_forward(
    x: ArrayLike, gamma: ArrayLike, beta: ArrayLike, eps: float = 1e-5
) -> tuple[FloatArray, LayerNormCache]:
    r"""Normalize every example over its features, then scale and shift each feature.

    .. math:: \mathrm{out}_{ij} = \gamma_j \, \frac{x_{ij} - \mu_i}{\sqrt{\sigma_i^2 + \epsilon}}
              + \beta_j

    where :math:`\mu_i` and :math:`\sigma_i^2` are the mean and the variance (divided by the number
    of features) of row i of `x`.

    Parameters
    ----------
    x : array (batch, features)
        The mini-batch; one example is enough.
    gamma, beta : arrays (features,)
        Scale and shift; converted to the dtype of `x`.
    eps : float, default 1e-5
        Added to the variance, inside the root; positive, in the squared unit of `x`. PyTorch's
        default; Keras's is 1e-3.

    Returns
    -------
    out : array (batch, features)
        In the dtype of `x`.
    cache : LayerNormCache
        For `layer_norm_backward`; ``mean`` and ``var`` have shape (batch,). It refers to `x`,
        which must stay as it is until then, as in PyTorch.

    Notes
    -----
    Training and inference are the same: there are no running statistics. An example whose features
    are all equal (or that has only one) comes out as `beta`. A value that is not finite spreads
    over its own example and no further.

    Ba, Kiros and Hinton (2016), eq. (3); deck S "Layer Normalization", which has no epsilon, so
    that equal pre-activations make 0 / 0 there. Its factor sqrt(m) / s, with s the norm of the
    centered vector, is one over the standard deviation; its sums leave out the constant unit that
    carries the bias.

    Examples
    --------
    >>> out, cache = layer_norm_forward([[1.0, 3.0], [10.0, 30.0]], gamma=[1, 1], beta=[0, 5])
    >>> out.round(3)
    array([[-1.,  6.],
           [-1.,  6.]])
    >>> cache.mean, cache.var
    (array([ 2., 20.]), array([  1., 100.]))
    """
    return _forward(as_batch("x", x), gamma, beta, 1, eps)


def layer_norm_backward(
    dout: ArrayLike, cache: LayerNormCache
) -> tuple[FloatArray, FloatArray, FloatArray]:
    r"""Gradient of the loss through `layer_norm_forward`.

    .. math:: \frac{\partial L}{\partial x_{ij}} = \frac{1}{\sqrt{\sigma_i^2 + \epsilon}} \left(
              d_{ij} - \frac{1}{m} \sum_{l} d_{il} - u_{ij} \frac{1}{m} \sum_{l} d_{il} u_{il}
              \right), \qquad d_{ij} = \gamma_j \frac{\partial L}{\partial \mathrm{out}_{ij}}

    with u the standardized input and m the number of features.

    Parameters
    ----------
    dout : array (batch, features)
        Gradient of the loss with respect to the output.
    cache : LayerNormCache
        What `layer_norm_forward` returned beside that output.

    Returns
    -------
    dx : array (batch, features)
        Gradient with respect to the input; it sums to 0 over the features of each example.
    dgamma, dbeta : arrays (features,)
        Gradients with respect to scale and shift, summed over the batch.

    Notes
    -----
    Unlike in batch normalization, `gamma` differs along the sum and stays inside it.

    Ba, Kiros and Hinton (2016).

    Examples
    --------
    >>> out, cache = layer_norm_forward([[1.0, 2.0, 6.0]], gamma=[2, 2, 2], beta=[0, 0, 0])
    >>> dx, dgamma, dbeta = layer_norm_backward([[1.0, 0.0, 0.0]], cache)
    >>> dx.round(4)
    array([[ 0.3527, -0.4409,  0.0882]])
    >>> dbeta
    array([1., 0., 0.])
    """
    return _backward(dout, cache, 2, "layer_norm_forward")


def instance_norm_forward(
    x: ArrayLike, gamma: ArrayLike, beta: ArrayLike, eps: float = 1e-5
) -> tuple[FloatArray, LayerNormCache]:
    r"""Normalize every channel of every example over its positions, then scale and shift it.

    .. math:: \mathrm{out}_{icp} = \gamma_c \,
              \frac{x_{icp} - \mu_{ic}}{\sqrt{\sigma_{ic}^2 + \epsilon}} + \beta_c

    where the mean and the variance of channel c of example i run over the positions p.

    Parameters
    ----------
    x : array (batch, channels, positions)
        An image's rows and columns are flattened to positions.
    gamma, beta : arrays (channels,)
        Scale and shift; converted to the dtype of `x`.
    eps : float, default 1e-5
        Added to the variance, inside the root; positive, in the squared unit of `x`.

    Returns
    -------
    out : array (batch, channels, positions)
        In the dtype of `x`.
    cache : LayerNormCache
        For `instance_norm_backward`; ``mean`` and ``var`` have shape (batch, channels). It
        refers to `x`, which must stay as it is until then.

    Notes
    -----
    Equation ln-instance: group normalization with one channel to a group. A channel with one
    position comes out as `beta`; PyTorch refuses it.

    Ulyanov, Vedaldi and Lempitsky (2016); deck S names it under "Layer Normalization".

    Examples
    --------
    >>> x = [[[1.0, 3.0], [10.0, 30.0]]]
    >>> instance_norm_forward(x, gamma=[1, 2], beta=[0, 5])[0].round(3)
    array([[[-1.,  1.],
            [ 3.,  7.]]])
    """
    x = _as_channels(x)
    return _forward(x, gamma, beta, x.shape[1], eps)


def instance_norm_backward(
    dout: ArrayLike, cache: LayerNormCache
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Gradient of the loss through `instance_norm_forward`.

    The formula is that of `layer_norm_backward` with the sums over the positions of one channel.

    Parameters
    ----------
    dout : array (batch, channels, positions)
        Gradient of the loss with respect to the output.
    cache : LayerNormCache
        What `instance_norm_forward` returned beside that output.

    Returns
    -------
    dx : array (batch, channels, positions)
        Gradient with respect to the input; it sums to 0 over the positions of each channel.
    dgamma, dbeta : arrays (channels,)
        Gradients with respect to scale and shift, summed over batch and positions.

    Notes
    -----
    Equations ln-backward-instance and ln-backward-channel. Ulyanov, Vedaldi and Lempitsky (2016).

    Examples
    --------
    >>> out, cache = instance_norm_forward([[[1.0, 2.0, 6.0]]], gamma=[2.0], beta=[0.0])
    >>> dx, dgamma, dbeta = instance_norm_backward([[[1.0, 0.0, 0.0]]], cache)
    >>> dx.round(4)
    array([[[ 0.3527, -0.4409,  0.0882]]])
    """
    return _backward(dout, cache, 3, "instance_norm_forward")


def group_norm_forward(
    x: ArrayLike, gamma: ArrayLike, beta: ArrayLike, groups: int, eps: float = 1e-5
) -> tuple[FloatArray, LayerNormCache]:
    r"""Normalize every group of neighboring channels of every example, then scale and shift.

    .. math:: \mathrm{out}_{icp} = \gamma_c \,
              \frac{x_{icp} - \mu_{ig(c)}}{\sqrt{\sigma_{ig(c)}^2 + \epsilon}} + \beta_c,
              \qquad g(c) = \left\lfloor \frac{c \, G}{C} \right\rfloor

    where the mean and the variance of group g of example i run over its channels and all positions;
    channels and groups count from 0.

    Parameters
    ----------
    x : array (batch, channels, positions)
        An image's rows and columns are flattened to positions.
    gamma, beta : arrays (channels,)
        Scale and shift, one for each of the C channels; converted to the dtype of `x`.
    groups : int
        G, a divisor of the number of channels. With one group the statistics are those of layer
        normalization over the whole example, with as many groups as channels those of instance
        normalization.
    eps : float, default 1e-5
        Added to the variance, inside the root; positive, in the squared unit of `x`.

    Returns
    -------
    out : array (batch, channels, positions)
        In the dtype of `x`.
    cache : LayerNormCache
        For `group_norm_backward`; ``mean`` and ``var`` have shape (batch, groups). It
        refers to `x`, which must stay as it is until then.

    Notes
    -----
    Equation ln-group. Wu and He (2018), eq. (7); deck S names it under "Layer Normalization".

    Examples
    --------
    >>> x = [[[1.0], [3.0], [10.0], [30.0]]]
    >>> out, cache = group_norm_forward(x, gamma=[1, 1, 1, 2], beta=[0, 0, 0, 5], groups=2)
    >>> out.round(3).ravel()
    array([-1.,  1., -1.,  7.])
    >>> cache.mean
    array([[ 2., 20.]])
    """
    x = _as_channels(x)
    groups = as_integer("groups", groups, low=1)
    if x.shape[1] % groups:
        raise ValueError(
            f"groups must divide the number of channels, got {groups} groups and "
            f"{x.shape[1]} channels"
        )
    return _forward(x, gamma, beta, groups, eps)


def group_norm_backward(
    dout: ArrayLike, cache: LayerNormCache
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Gradient of the loss through `group_norm_forward`.

    The formula is that of `layer_norm_backward` with the sums over the channels and positions of
    one group.

    Parameters
    ----------
    dout : array (batch, channels, positions)
        Gradient of the loss with respect to the output.
    cache : LayerNormCache
        What `group_norm_forward` returned beside that output.

    Returns
    -------
    dx : array (batch, channels, positions)
        Gradient with respect to the input; it sums to 0 over each group.
    dgamma, dbeta : arrays (channels,)
        Gradients with respect to scale and shift, summed over batch and positions.

    Notes
    -----
    Equations ln-backward-group and ln-backward-channel. Wu and He (2018).

    Examples
    --------
    >>> x = [[[1.0], [2.0], [6.0]]]
    >>> out, cache = group_norm_forward(x, gamma=[2, 2, 2], beta=[0, 0, 0], groups=1)
    >>> dx, dgamma, dbeta = group_norm_backward([[[1.0], [0.0], [0.0]]], cache)
    >>> dx.round(4).ravel()
    array([ 0.3527, -0.4409,  0.0882])
    """
    return _backward(dout, cache, 3, "group_norm_forward")


def influence(
    normalize: Callable[[FloatArray], ArrayLike], x: ArrayLike, feature: int, step: float
) -> FloatArray:
    r"""Whose output moves when one entry of one example is changed.

    .. math:: \mathrm{influence}_{ik} = \max_j \bigl| \mathrm{out}_{ij}(x + s \, e_{kf})
              - \mathrm{out}_{ij}(x) \bigr|

    with :math:`e_{kf}` the batch whose only entry that is not 0 is a 1 for feature f of example k.

    Parameters
    ----------
    normalize : callable
        Takes a batch of the shape of `x` and returns another; each call gets a new array.
    x : array (batch, features)
    feature : int
        f, the column of the entry that is changed, from 0 on.
    step : float
        s, positive, in the unit of `x`.

    Returns
    -------
    array (batch, batch)
        In the dtype of `x`. Row i says whose output moved, column k who was changed: what treats
        each example by itself has zeros off the diagonal.

    Notes
    -----
    It takes a call of a Python function for each example, so that nothing of it is compiled. A
    change of all features by the same step would show nothing: layer normalization takes it out.

    Deck S "Layer Normalization"; Ba, Kiros and Hinton (2016), section 3.

    Examples
    --------
    >>> x = [[1.0, 2.0, 6.0], [0.0, 4.0, 1.0]]
    >>> by_layer = lambda z: layer_norm_forward(z, gamma=[1, 1, 1], beta=[0, 0, 0])[0]
    >>> influence(by_layer, x, feature=0, step=1.0).round(3)
    array([[0.244, 0.   ],
           [0.   , 0.315]])
    """
    if not callable(normalize):
        raise TypeError(f"normalize must be callable, got {normalize!r}")
    x = as_batch("x", x)
    feature = as_integer("feature", feature, low=0)
    if feature >= x.shape[1]:
        raise ValueError(f"feature must be below {x.shape[1]}, got {feature}")
    step = as_positive("step", step)
    # A copy, for a function that fills one array at each call.
    before = as_shaped("normalize", normalize(x.copy()), x.shape, x.dtype).copy()
    moves = np.empty((len(x), len(x)), x.dtype)
    for k in range(len(x)):
        moved = x.copy()
        moved[k, feature] += step
        if moved[k, feature] == x[k, feature]:
            raise ValueError(
                f"step must be large enough to change the entry {x[k, feature]}, got {step}"
            )
        after = as_shaped("normalize", normalize(moved), x.shape, x.dtype)
        moves[:, k] = np.abs(after - before).max(axis=1)
    return moves


def _as_channels(x: ArrayLike) -> FloatArray:
    array = as_float_array("x", x, ndim=3)
    if array.size == 0:
        raise ValueError(
            f"x must have at least one example, channel and position, got shape {array.shape}"
        )
    return array


def _of_entries(parameter: FloatArray, rows: FloatArray) -> FloatArray:
    """Return a parameter of channels as one of the entries of an example, row by row."""
    _, groups, size = rows.shape
    if groups * size > parameter.size:
        parameter = np.repeat(parameter, groups * size // parameter.size)
    return parameter.reshape(groups, size)
