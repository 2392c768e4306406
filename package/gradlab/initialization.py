r"""Initial weights of shape (fan_in, fan_out), and what their variance does to a deep network.

Every layer multiplies the variance of what passes by fan times the variance of its weights: by the
fan-in on the way forward, by the fan-out on the way back. The rules here choose the variance so
that one of the two products, or their mean, is 1; a normal and a uniform draw of the same variance
serve equally. Square orthogonal matrices go further and keep every length.

Chapter: ``book/initialization.md``.
Decks: L "Initializing the Weights" to "Extension to ReLU", S "Initialization", C "Other tricks"
(symmetry).
Papers: Y. LeCun et al., Efficient BackProp, 1998; X. Glorot and Y. Bengio, Understanding the
Difficulty of Training Deep Feedforward Neural Networks, AISTATS 2010; A. Saxe et al., Exact
Solutions to the Nonlinear Dynamics of Learning in Deep Linear Neural Networks, ICLR 2014; K. He et
al., Delving Deep into Rectifiers, ICCV 2015; V. Marchenko and L. Pastur, Distribution of
Eigenvalues for Some Sets of Random Matrices, 1967.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from gradlab._jit import njit
from gradlab._validate import (
    FloatArray,
    as_batch,
    as_choice,
    as_float_array,
    as_float_dtype,
    as_integer,
    as_positive,
    as_real,
    as_rng,
    as_vector,
)

__all__ = [
    "he_average_normal",
    "he_normal",
    "he_uniform",
    "identical_units",
    "lecun_normal",
    "lecun_uniform",
    "legacy_torch_uniform",
    "marchenko_pastur_pdf",
    "orthogonal",
    "propagated_variance",
    "variance_scaling",
    "xavier_normal",
    "xavier_uniform",
    "zeros",
]


@njit
def _normal_kernel(z, variance, weight):
    """Equations init-lecun, init-xavier, init-he, init-he-average."""
    # (init-he)  W_ij = sqrt(v) z_ij, with the variance v = 2 / n_in
    deviation = np.sqrt(variance)
    for k in range(z.size):
        weight[k] = deviation * z[k]


@njit
def _uniform_kernel(u, variance, weight):
    """Equations init-uniform-limit, init-lecun-uniform, init-legacy-torch,
    init-xavier-uniform, init-he-uniform.
    """
    # (init-uniform-limit)  Var U[-a, a] = a^2 / 3, so a = sqrt(3 Var)
    limit = np.sqrt(3.0 * variance)
    # (init-he-uniform)  W_ij = -a + 2 a u_ij, with the variance 2 / n_in
    for k in range(u.size):
        weight[k] = -limit + 2.0 * limit * u[k]


def _as_sizes(
    fan_in: int, fan_out: int, rng: np.random.Generator, dtype: DTypeLike
) -> tuple[int, int]:
    """Return the checked sizes, after a check of the other arguments."""
    fan_in, fan_out = as_integer("fan_in", fan_in, low=1), as_integer("fan_out", fan_out, low=1)
    as_rng("rng", rng)
    as_float_dtype("dtype", dtype)
    return fan_in, fan_out


def variance_scaling(
    fan_in: int,
    fan_out: int,
    rng: np.random.Generator,
    scale: float = 1.0,
    mode: Literal["fan_in", "fan_out", "fan_avg"] = "fan_in",
    distribution: Literal["normal", "uniform"] = "normal",
    dtype: DTypeLike = np.float64,
) -> FloatArray:
    r"""Draw weights of mean 0 whose variance goes by the size of the layer.

    .. math:: \mathrm{Var}(W_{ij}) = \frac{s}{n}, \qquad
              n \in \Bigl\{ n_{in}, \; n_{out}, \; \frac{n_{in} + n_{out}}{2} \Bigr\}

    Parameters
    ----------
    fan_in, fan_out : int
        Inputs and outputs of the layer, at least 1.
    rng : numpy.random.Generator
        Draws the numbers; a rule only scales them.
    scale : float, default 1.0
        s, positive: 1 for linear units, 2 for ReLU.
    mode : {"fan_in", "fan_out", "fan_avg"}, default "fan_in"
        n: what keeps the activations, what keeps the gradients, or the mean of the two.
    distribution : {"normal", "uniform"}, default "normal"
        Uniform numbers have the limit :math:`\sqrt{3 s / n}`.
    dtype : float32 or float64, default float64

    Returns
    -------
    array (fan_in, fan_out)

    Notes
    -----
    Equation init-uniform-limit. Every random rule of this module but `orthogonal` is this function
    with three of its arguments fixed. Keras's ``VarianceScaling`` and JAX's ``variance_scaling``
    have the same arguments; what they call normal is cut off at two deviations.

    Examples
    --------
    PyTorch's ``kaiming_uniform_`` with ``mode="fan_out"``, for a ReLU layer:

    >>> weight = variance_scaling(300, 600, np.random.default_rng(0), 2, "fan_out", "uniform")
    >>> abs(weight).max().round(4)  # sqrt(6 / 600)
    np.float64(0.1)
    """
    fan_in, fan_out = _as_sizes(fan_in, fan_out, rng, dtype)
    scale = as_positive("scale", scale)
    fans = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}
    as_choice("mode", mode, fans)
    as_choice("distribution", distribution, ("normal", "uniform"))
    # Divided in this order, a scale of 1/3 gives 1 / (3 n) to the last digit.
    variance = 1.0 / (fans[mode] / scale)
    weight = np.empty((fan_in, fan_out), dtype)
    if distribution == "normal":
        _normal_kernel(rng.standard_normal(weight.size), variance, weight.reshape(-1))
    else:
        _uniform_kernel(rng.random(weight.size), variance, weight.reshape(-1))
    return weight


def lecun_normal(
    fan_in: int, fan_out: int, rng: np.random.Generator, dtype: DTypeLike = np.float64
) -> FloatArray:
    r"""LeCun initialization: normal with variance 1 / fan_in.

    .. math:: W_{ij} \sim \mathcal{N}\Bigl(0, \frac{1}{n_{in}}\Bigr)

    Equation init-lecun. `fan_in`, `fan_out`, `rng` and `dtype` as in `variance_scaling`.

    Keeps the variance of the activations through linear units. Keras draws from a truncated normal
    of the same variance.

    Deck L "Initializing the Weights", LeCun et al. (1998), eq. (16).

    Returns
    -------
    array (fan_in, fan_out)

    Examples
    --------
    >>> weight = lecun_normal(400, 300, np.random.default_rng(0))
    >>> weight.shape, round(float(weight.std()), 3)
    ((400, 300), 0.05)
    """
    return variance_scaling(fan_in, fan_out, rng, 1.0, "fan_in", "normal", dtype)


def lecun_uniform(
    fan_in: int, fan_out: int, rng: np.random.Generator, dtype: DTypeLike = np.float64
) -> FloatArray:
    r"""LeCun initialization: uniform with variance 1 / fan_in.

    .. math:: W_{ij} \sim U\Bigl[-\sqrt{\frac{3}{n_{in}}}, \sqrt{\frac{3}{n_{in}}}\Bigr]

    Equation init-lecun-uniform. `fan_in`, `fan_out`, `rng` and `dtype` as in `variance_scaling`.

    Deck L "Sidenote", the form that takes only the fan-in into account.

    Returns
    -------
    array (fan_in, fan_out)

    Examples
    --------
    >>> weight = lecun_uniform(400, 300, np.random.default_rng(0))
    >>> weight.shape, round(float(weight.std()), 3)
    ((400, 300), 0.05)
    """
    return variance_scaling(fan_in, fan_out, rng, 1.0, "fan_in", "uniform", dtype)


def legacy_torch_uniform(
    fan_in: int, fan_out: int, rng: np.random.Generator, dtype: DTypeLike = np.float64
) -> FloatArray:
    r"""Torch's old rule: uniform with the limit, not the deviation, of 1 / sqrt(fan_in).

    .. math:: W_{ij} \sim U\Bigl[-\frac{1}{\sqrt{n_{in}}}, \frac{1}{\sqrt{n_{in}}}\Bigr],
              \qquad \mathrm{Var}(W) = \frac{1}{3 n_{in}}

    Equation init-legacy-torch. `fan_in`, `fan_out`, `rng` and `dtype` as in `variance_scaling`.

    Through linear units the variance falls to 1/3 in every layer, as deck L says: after ten layers
    to 1.7e-5. `torch.nn.Linear` still draws its weights like that.

    Deck L "Historical Sidenote".

    Returns
    -------
    array (fan_in, fan_out)

    Examples
    --------
    >>> weight = legacy_torch_uniform(300, 400, np.random.default_rng(0))
    >>> weight.shape, round(float(weight.std()), 3)
    ((300, 400), 0.033)
    """
    return variance_scaling(fan_in, fan_out, rng, 1 / 3, "fan_in", "uniform", dtype)


def xavier_normal(
    fan_in: int, fan_out: int, rng: np.random.Generator, dtype: DTypeLike = np.float64
) -> FloatArray:
    r"""Glorot (Xavier) initialization: normal with variance 2 / (fan_in + fan_out).

    .. math:: W_{ij} \sim \mathcal{N}\Bigl(0, \frac{2}{n_{in} + n_{out}}\Bigr)

    Equation init-xavier. `fan_in`, `fan_out`, `rng` and `dtype` as in `variance_scaling`.

    A compromise of 1 / fan_in, which keeps the variance of the activations, and 1 / fan_out, which
    keeps that of the gradients: the mean of the two factors is 1.

    Glorot and Bengio (2010), eq. (12); deck L "Analysis (cont'd)", S "Initialization".

    Returns
    -------
    array (fan_in, fan_out)

    Examples
    --------
    >>> weight = xavier_normal(300, 500, np.random.default_rng(0))
    >>> weight.shape, round(float(weight.std()), 3)
    ((300, 500), 0.05)
    """
    return variance_scaling(fan_in, fan_out, rng, 1.0, "fan_avg", "normal", dtype)


def xavier_uniform(
    fan_in: int, fan_out: int, rng: np.random.Generator, dtype: DTypeLike = np.float64
) -> FloatArray:
    r"""Glorot (Xavier) initialization: uniform with variance 2 / (fan_in + fan_out).

    .. math:: W_{ij} \sim U\Bigl[-\sqrt{\frac{6}{n_{in} + n_{out}}},
              \sqrt{\frac{6}{n_{in} + n_{out}}}\Bigr]

    Equation init-xavier-uniform. `fan_in`, `fan_out`, `rng` and `dtype` as in `variance_scaling`.

    Glorot and Bengio (2010), eq. (16); deck L "Sidenote".

    Returns
    -------
    array (fan_in, fan_out)

    Examples
    --------
    >>> weight = xavier_uniform(300, 500, np.random.default_rng(0))
    >>> weight.shape, round(float(weight.std()), 3)
    ((300, 500), 0.05)
    """
    return variance_scaling(fan_in, fan_out, rng, 1.0, "fan_avg", "uniform", dtype)


def he_normal(
    fan_in: int, fan_out: int, rng: np.random.Generator, dtype: DTypeLike = np.float64
) -> FloatArray:
    r"""He initialization, for layers followed by ReLU: normal with variance 2 / fan_in.

    .. math:: W_{ij} \sim \mathcal{N}\Bigl(0, \frac{2}{n_{in}}\Bigr)

    Equation init-he. `fan_in`, `fan_out`, `rng` and `dtype` as in `variance_scaling`.

    Keeps the mean square of the activations: ReLU passes half of it. With 2 / fan_out, PyTorch's
    ``mode="fan_out"``, it would keep that of the gradients.

    He et al. (2015), eq. (10); deck L "Extension to ReLU".

    Returns
    -------
    array (fan_in, fan_out)

    Examples
    --------
    >>> weight = he_normal(200, 500, np.random.default_rng(0))
    >>> weight.shape, round(float(weight.std()), 3)
    ((200, 500), 0.1)
    """
    return variance_scaling(fan_in, fan_out, rng, 2.0, "fan_in", "normal", dtype)


def he_uniform(
    fan_in: int, fan_out: int, rng: np.random.Generator, dtype: DTypeLike = np.float64
) -> FloatArray:
    r"""He initialization, for layers followed by ReLU: uniform with variance 2 / fan_in.

    .. math:: W_{ij} \sim U\Bigl[-\sqrt{\frac{6}{n_{in}}}, \sqrt{\frac{6}{n_{in}}}\Bigr]

    Equation init-he-uniform. `fan_in`, `fan_out`, `rng` and `dtype` as in `variance_scaling`.

    He et al. (2015), eq. (10), drawn uniformly, as Keras and PyTorch offer it.

    Returns
    -------
    array (fan_in, fan_out)

    Examples
    --------
    >>> weight = he_uniform(200, 500, np.random.default_rng(0))
    >>> weight.shape, round(float(weight.std()), 3)
    ((200, 500), 0.1)
    """
    return variance_scaling(fan_in, fan_out, rng, 2.0, "fan_in", "uniform", dtype)


def he_average_normal(
    fan_in: int, fan_out: int, rng: np.random.Generator, dtype: DTypeLike = np.float64
) -> FloatArray:
    r"""Deck S's form of He initialization: normal with variance 4 / (fan_in + fan_out).

    .. math:: W_{ij} \sim \mathcal{N}\Bigl(0, \frac{4}{n_{in} + n_{out}}\Bigr)

    Equation init-he-average. `fan_in`, `fan_out`, `rng` and `dtype` as in `variance_scaling`.

    It is to `he_normal` what `xavier_normal` is to `lecun_normal`. With ReLU the mean square of the
    activations is multiplied by 2 fan_in / (fan_in + fan_out) a layer and that of the gradients by
    2 fan_out / (fan_in + fan_out): neither is kept unless the layer is square, where the three
    rules are one, but the mean of the two factors is 1. He et al. (2015) have 2 / fan_in or
    2 / fan_out.

    Deck S "Initialization".

    Returns
    -------
    array (fan_in, fan_out)

    Examples
    --------
    >>> weight = he_average_normal(300, 500, np.random.default_rng(0))
    >>> weight.shape, round(float(weight.std()), 3)
    ((300, 500), 0.071)
    """
    return variance_scaling(fan_in, fan_out, rng, 2.0, "fan_avg", "normal", dtype)


def orthogonal(
    fan_in: int,
    fan_out: int,
    rng: np.random.Generator,
    dtype: DTypeLike = np.float64,
    gain: float = 1.0,
) -> FloatArray:
    r"""Random matrix whose singular values are all equal to the gain.

    .. math:: W^\top W = g^2 I \quad (n_{in} \ge n_{out}), \qquad
              W W^\top = g^2 I \quad (n_{in} \le n_{out})

    Equation init-orthogonal. `fan_in`, `fan_out`, `rng` and `dtype` as in `variance_scaling`.

    Parameters
    ----------
    gain : float, default 1.0
        g, not negative.

    Returns
    -------
    array (fan_in, fan_out)
        Uniform over all such matrices (the Haar measure).

    Notes
    -----
    Deck S "Exploding Gradients" asks for singular values close to 1: a square orthogonal matrix
    keeps the length of every vector, both ways; one that widens keeps it forwards only, one that
    narrows backwards only. The variance of an entry is the square of the gain over the larger of
    the sizes. Before ReLU, a gain of sqrt(2 max(1, fan_out / fan_in)) gives He's variance.

    The QR decomposition is LAPACK's: its blocked reflections are stable and faster than loops.

    Saxe et al. (2014), which deck L names under "References"; `torch.nn.init.orthogonal_`.

    Examples
    --------
    >>> weight = orthogonal(4, 3, np.random.default_rng(0))
    >>> (weight.T @ weight).round(6) + 0.0
    array([[1., 0., 0.],
           [0., 1., 0.],
           [0., 0., 1.]])
    """
    fan_in, fan_out = _as_sizes(fan_in, fan_out, rng, dtype)
    gain = as_real("gain", gain, low=0.0)
    gaussian = rng.standard_normal((max(fan_in, fan_out), min(fan_in, fan_out)))
    q, r = np.linalg.qr(gaussian)
    # QR leaves the signs of the columns to the algorithm; a positive diagonal of r makes the
    # decomposition unique, and q uniform.
    q *= gain * np.where(np.diag(r) < 0, -1.0, 1.0)
    return np.ascontiguousarray(q if fan_in >= fan_out else q.T, dtype=dtype)


def zeros(
    fan_in: int,
    fan_out: int,
    rng: np.random.Generator,
    dtype: DTypeLike = np.float64,
) -> FloatArray:
    r"""All weights 0, to show what goes wrong: identical units stay identical.

    .. math:: W_{\cdot j} = W_{\cdot k} \text{ in, and } W_{j \cdot} = W_{k \cdot} \text{ out}
              \implies \frac{\partial L}{\partial W_{\cdot j}}
              = \frac{\partial L}{\partial W_{\cdot k}}

    Equation init-symmetry. `fan_in`, `fan_out` and `dtype` as in `variance_scaling`; nothing is
    drawn from `rng`, which is there so that all rules are called alike.

    Returns
    -------
    array (fan_in, fan_out)

    Notes
    -----
    Two hidden units with the same weights in and out have the same gradient, so gradient descent
    never tells them apart; any constant does the same. With zeros in two layers or more the hidden
    layers learn nothing at all, because each passes 0 to the other. Biases may start at 0.

    Deck C "Other tricks".

    Examples
    --------
    >>> zeros(2, 3, np.random.default_rng(0))
    array([[0., 0., 0.],
           [0., 0., 0.]])
    """
    return np.zeros(_as_sizes(fan_in, fan_out, rng, dtype), dtype)


@njit
def _identical_kernel(weight_in, weight_out, tolerance, first):
    """Equation init-symmetry: the units for which its premise holds.

    `first` receives the first unit that each one is identical to, itself if
    there is none before it.
    """
    fan_in, units = weight_in.shape
    fan_out = weight_out.shape[1]
    for k in range(units):
        first[k] = k
        for j in range(k):
            # Units that are identical to an earlier one are compared with that one.
            same = first[j] == j
            # (init-symmetry)  W_.j = W_.k  and  V_j. = V_k.
            i = 0
            while same and i < fan_in:
                same = abs(weight_in[i, j] - weight_in[i, k]) <= tolerance
                i += 1
            i = 0
            while same and i < fan_out:
                same = abs(weight_out[j, i] - weight_out[k, i]) <= tolerance
                i += 1
            if same:
                first[k] = j
                break


def identical_units(
    weight_in: ArrayLike, weight_out: ArrayLike, tolerance: float = 0.0
) -> NDArray[np.int64]:
    r"""Find hidden units with the same weights in and out, which training cannot tell apart.

    Equation init-symmetry: their gradients are the same too.

    Parameters
    ----------
    weight_in : array (inputs, units)
        Weights into the layer; its biases may be one more row.
    weight_out : array (units, outputs)
        Weights out of it.
    tolerance : float, default 0.0
        What weights that count as the same may differ by; not negative. Rounding alone parts
        units a little in training.

    Returns
    -------
    integer array (units,)
        The first unit that each one is identical to; its own number, if there is none before it.
        The layer is worth as many units as there are different numbers in it.

    Notes
    -----
    Deck C "Other tricks".

    Examples
    --------
    >>> identical_units([[0.5, 0.5, 0.1]], [[1.0], [1.0], [1.0]])
    array([0, 0, 2])
    """
    weight_in, weight_out = as_batch("weight_in", weight_in), as_batch("weight_out", weight_out)
    if len(weight_out) != weight_in.shape[1]:
        raise ValueError(
            f"weight_out must have {weight_in.shape[1]} row(s), one for each unit that weight_in "
            f"leads to, got shape {weight_out.shape}"
        )
    tolerance = as_real("tolerance", tolerance, low=0.0)
    first = np.empty(len(weight_out), np.int64)
    _identical_kernel(weight_in, weight_out, tolerance, first)
    return first


@njit
def _marchenko_pastur_kernel(s, low, high, small, density):
    """Equation init-marchenko-pastur."""
    # (init-marchenko-pastur)  p(s) = sqrt((b^2 - s^2) (s^2 - a^2)) / (pi m s)
    # from a = low to b = high, for entries of variance 1, with m the smaller
    # size. One s goes into the root, so that a square matrix (a = 0) has its
    # finite value at s = 0.
    for k in range(s.size):
        if s[k] != s[k]:
            density[k] = s[k]
        elif s[k] < low or s[k] > high:
            density[k] = 0.0
        else:
            ratio = low / s[k] if low > 0 else 0.0
            root = (high - s[k]) * (high + s[k]) * (1.0 - ratio) * (1.0 + ratio)
            density[k] = np.sqrt(root) / (np.pi * small)


def marchenko_pastur_pdf(s: ArrayLike, fan_in: int, fan_out: int, variance: float) -> FloatArray:
    r"""Limiting density of the singular values of a random weight matrix.

    .. math:: p(s) = \frac{\sqrt{(b^2 - s^2)(s^2 - a^2)}}{\pi \, m \, v \, s}, \\
              a, b = \sqrt{v} \, \bigl| \sqrt{n_{in}} \mp \sqrt{n_{out}} \bigr|, \qquad
              m = \min(n_{in}, n_{out})

    between a and b, and 0 elsewhere.

    Parameters
    ----------
    s : array
        Where to evaluate the density.
    fan_in, fan_out : int
        The sizes of the matrix, at least 1.
    variance : float
        v, the variance of the independent entries of mean 0; positive.

    Returns
    -------
    array of the shape and dtype of `s`
        It integrates to 1 over the min(fan_in, fan_out) singular values, whose mean square is v
        times the larger of the sizes.

    Notes
    -----
    Exact in the limit of large matrices of one aspect ratio, whatever the distribution of the
    entries. The law is mostly stated for the eigenvalues, which are the squares. A square matrix
    has singular values down to 0 and up to 2 sqrt(n v), a quarter circle: with any of the random
    rules here they are far from all being 1, which deck S asks for; `orthogonal` does it.

    Marchenko and Pastur (1967), which deck S "Initialization" names.

    Examples
    --------
    >>> marchenko_pastur_pdf([0.0, 1.0, 3.0], fan_in=100, fan_out=100, variance=0.01).round(4)
    array([0.6366, 0.5513, 0.    ])
    """
    s = as_float_array("s", s)
    fan_in, fan_out = as_integer("fan_in", fan_in, low=1), as_integer("fan_out", fan_out, low=1)
    deviation = math.sqrt(as_positive("variance", variance))
    low = abs(math.sqrt(fan_in) - math.sqrt(fan_out))
    high = math.sqrt(fan_in) + math.sqrt(fan_out)
    scaled = s.astype(np.float64).reshape(-1) / deviation
    density = np.empty_like(scaled)
    _marchenko_pastur_kernel(scaled, low, high, min(fan_in, fan_out), density)
    return (density / deviation).astype(s.dtype).reshape(s.shape)


@njit
def _forward_kernel(widths, variances, gain, q):
    """Equation init-variance-forward, from q[0] on."""
    for k in range(1, q.size):
        # (init-variance-forward)   q_l = (1 + alpha^2)/2 n_{l-1} v_l q_{l-1}
        q[k] = gain * widths[k - 1] * variances[k - 1] * q[k - 1]


@njit
def _backward_kernel(widths, variances, gain, delta):
    """Equation init-variance-backward, from the last entry of `delta` on."""
    for k in range(delta.size - 1, 0, -1):
        # (init-variance-backward)  delta_{l-1} = (1 + alpha^2)/2 n_l v_l delta_l
        delta[k - 1] = gain * widths[k] * variances[k - 1] * delta[k]


def propagated_variance(
    widths: Sequence[int],
    weight_variances: ArrayLike,
    alpha: float = 1.0,
    direction: str = "forward",
    start: float = 1.0,
) -> FloatArray:
    r"""Expected mean square of the activations, or of the gradients, after every layer.

    .. math:: q_l = \frac{1 + \alpha^2}{2} \, n_{l-1} v_l \, q_{l-1}, \qquad
              \delta_{l-1} = \frac{1 + \alpha^2}{2} \, n_l v_l \, \delta_l

    Equations init-variance-forward and init-variance-backward.

    Parameters
    ----------
    widths : sequence of L + 1 int
        Units n of the input and of each layer, at least 1.
    weight_variances : float or array (L,)
        v, the variance of the weights of each layer, or one for all; not negative.
    alpha : float, default 1.0
        The slope of the activation for negative input: 1 for linear units, and for tanh as long as
        it is in its linear region; 0 for ReLU; between for leaky ReLU.
    direction : {"forward", "backward"}, default "forward"
        Activations from the input on, or gradients from the output back.
    start : float, default 1.0
        The mean square at the input, or of the gradient at the output; not negative. The variance,
        where the mean is 0.

    Returns
    -------
    array (L + 1,)
        Entry l belongs to layer l, in both directions; `start` is the first or the last one.

    Notes
    -----
    A mean over random weights, independent and of mean 0, with a symmetric distribution where alpha
    is not 1. Then the activations need no mean of 0, but their *mean square* is what the weights
    multiply, which is the variance for linear units and more for ReLU. Going back, the gradient at
    the output is taken as independent of the network, as in both papers, with entries of mean 0
    that are uncorrelated: a weight and the slope that it leads to are not independent, so others
    would add up. The chance that a whole layer of n ReLUs is off, 2^-n, is left out.

    Deck L "Analysis" and "Analysis (cont'd)"; Glorot and Bengio (2010), eqs. (5) and (6); He et al.
    (2015), eqs. (9), (13) and (15). In the deck's product formula the two squares must be those of
    the means, (E X)^2 and (E W)^2, for the terms to vanish.

    Examples
    --------
    Torch's old rule loses two thirds a layer, ReLU half of what is left:

    >>> propagated_variance([100, 100, 100], 1 / 300).round(4)
    array([1.    , 0.3333, 0.1111])
    >>> propagated_variance([100, 100, 100], 1 / 300, alpha=0.0).round(4)
    array([1.    , 0.1667, 0.0278])
    """
    sizes = _as_widths(widths)
    layers = sizes.size - 1
    variances = as_float_array("weight_variances", weight_variances, dtype=np.float64)
    if variances.shape not in ((), (layers,)):
        raise ValueError(
            f"weight_variances must be one number or have shape {(layers,)}, "
            f"got shape {variances.shape}"
        )
    if not ((variances >= 0) & (variances < math.inf)).all():
        raise ValueError(f"weight_variances must be finite and not negative, got {variances}")
    alpha = as_real("alpha", alpha)
    start = as_real("start", start, low=0.0)
    as_choice("direction", direction, ("forward", "backward"))
    gain = (1 + alpha**2) / 2
    variances, squares = np.full(layers, variances), np.full(sizes.size, start)
    kernel = _forward_kernel if direction == "forward" else _backward_kernel
    kernel(sizes, variances, gain, squares)
    return squares


def _as_widths(widths: Sequence[int]) -> FloatArray:
    """Return the widths as float64, so that products of many cannot wrap around."""
    sizes = np.asarray(as_vector("widths", widths), dtype=np.float64)
    if not ((sizes >= 1) & (sizes < math.inf) & (sizes == np.floor(sizes))).all():
        raise ValueError(f"widths must be whole numbers of at least 1, got {list(widths)}")
    return sizes
