r"""Initial weights of shape (fan_in, fan_out), and what their variance does to a deep network.

Every layer multiplies the variance of what passes by fan times the variance of its weights: by the
fan-in on the way forward, by the fan-out on the way back. The rules here choose the variance so
that one of the two products, or their mean, is 1; a normal and a uniform draw of the same variance
serve equally. Orthogonal matrices go further and keep every length.

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

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from gradlab._jit import njit
from gradlab._validate import (
    FloatArray,
    as_float_array,
    as_float_dtype,
    as_integer,
    as_real,
    as_rng,
    as_vector,
)

__all__ = [
    "he_average_normal",
    "he_normal",
    "he_uniform",
    "lecun_normal",
    "lecun_uniform",
    "legacy_torch_uniform",
    "marchenko_pastur_pdf",
    "orthogonal",
    "propagated_variance",
    "xavier_normal",
    "xavier_uniform",
    "zeros",
]


def _as_sizes(
    fan_in: int, fan_out: int, rng: np.random.Generator, dtype: DTypeLike
) -> tuple[int, int]:
    """Return the checked sizes, after a check of the other arguments."""
    fan_in, fan_out = as_integer("fan_in", fan_in, low=1), as_integer("fan_out", fan_out, low=1)
    as_rng("rng", rng)
    as_float_dtype("dtype", dtype)
    return fan_in, fan_out


def _normal(
    fan_in: int, fan_out: int, variance: float, rng: np.random.Generator, dtype: DTypeLike
) -> FloatArray:
    return (math.sqrt(variance) * rng.standard_normal((fan_in, fan_out))).astype(dtype)


def _uniform(
    fan_in: int, fan_out: int, variance: float, rng: np.random.Generator, dtype: DTypeLike
) -> FloatArray:
    """Return uniform numbers; equation init-uniform-limit."""
    # (init-uniform-limit)  Var U[-a, a] = (2 a)^2 / 12 = a^2 / 3, so a = sqrt(3 Var)
    limit = math.sqrt(3 * variance)
    return rng.uniform(-limit, limit, (fan_in, fan_out)).astype(dtype)


def lecun_normal(
    fan_in: int, fan_out: int, rng: np.random.Generator, dtype: DTypeLike = np.float64
) -> FloatArray:
    r"""LeCun initialization: normal with variance 1 / fan_in.

    .. math:: W_{ij} \sim \mathcal{N}\Bigl(0, \frac{1}{n_{in}}\Bigr)

    Equation init-lecun.

    Parameters
    ----------
    fan_in, fan_out : int
        Inputs and outputs of the layer, at least 1.
    rng : numpy.random.Generator
    dtype : float32 or float64, default float64

    Returns
    -------
    array (fan_in, fan_out)

    Raises
    ------
    ValueError
        If a size is below 1.
    TypeError
        If a size is not an integer, `rng` is not a Generator, or `dtype` is neither of the two.

    Notes
    -----
    Keeps the variance of the activations through linear units. Keras draws from a truncated normal
    of the same variance.

    Deck L "Initializing the Weights", LeCun et al. (1998), eq. (16).

    Examples
    --------
    >>> weight = lecun_normal(400, 300, np.random.default_rng(0))
    >>> weight.shape, round(float(weight.std()), 3)
    ((400, 300), 0.05)
    """
    fan_in, fan_out = _as_sizes(fan_in, fan_out, rng, dtype)
    return _normal(fan_in, fan_out, 1 / fan_in, rng, dtype)


def lecun_uniform(
    fan_in: int, fan_out: int, rng: np.random.Generator, dtype: DTypeLike = np.float64
) -> FloatArray:
    r"""LeCun initialization: uniform with variance 1 / fan_in.

    .. math:: W_{ij} \sim U\Bigl[-\sqrt{\frac{3}{n_{in}}}, \sqrt{\frac{3}{n_{in}}}\Bigr]

    Equation init-lecun-uniform.

    Parameters
    ----------
    fan_in, fan_out : int
        Inputs and outputs of the layer, at least 1.
    rng : numpy.random.Generator
    dtype : float32 or float64, default float64

    Returns
    -------
    array (fan_in, fan_out)

    Raises
    ------
    ValueError
        If a size is below 1.
    TypeError
        If a size is not an integer, `rng` is not a Generator, or `dtype` is neither of the two.

    Notes
    -----
    Deck L "Sidenote", the form that takes only the fan-in into account.

    Examples
    --------
    >>> weight = lecun_uniform(400, 300, np.random.default_rng(0))
    >>> weight.shape, round(float(weight.std()), 3)
    ((400, 300), 0.05)
    """
    fan_in, fan_out = _as_sizes(fan_in, fan_out, rng, dtype)
    return _uniform(fan_in, fan_out, 1 / fan_in, rng, dtype)


def legacy_torch_uniform(
    fan_in: int, fan_out: int, rng: np.random.Generator, dtype: DTypeLike = np.float64
) -> FloatArray:
    r"""Torch's old rule: uniform with the limit, not the deviation, of 1 / sqrt(fan_in).

    .. math:: W_{ij} \sim U\Bigl[-\frac{1}{\sqrt{n_{in}}}, \frac{1}{\sqrt{n_{in}}}\Bigr],
              \qquad \mathrm{Var}(W) = \frac{1}{3 n_{in}}

    Equation init-legacy-torch.

    Parameters
    ----------
    fan_in, fan_out : int
        Inputs and outputs of the layer, at least 1.
    rng : numpy.random.Generator
    dtype : float32 or float64, default float64

    Returns
    -------
    array (fan_in, fan_out)

    Raises
    ------
    ValueError
        If a size is below 1.
    TypeError
        If a size is not an integer, `rng` is not a Generator, or `dtype` is neither of the two.

    Notes
    -----
    Through linear units the variance falls to 1/3 in every layer, as deck L says: after ten layers
    to 1.7e-5. `torch.nn.Linear` still draws its weights like that.

    Deck L "Historical Sidenote".

    Examples
    --------
    >>> weight = legacy_torch_uniform(300, 400, np.random.default_rng(0))
    >>> weight.shape, round(float(weight.std()), 3)
    ((300, 400), 0.033)
    """
    fan_in, fan_out = _as_sizes(fan_in, fan_out, rng, dtype)
    return _uniform(fan_in, fan_out, 1 / (3 * fan_in), rng, dtype)


def xavier_normal(
    fan_in: int, fan_out: int, rng: np.random.Generator, dtype: DTypeLike = np.float64
) -> FloatArray:
    r"""Glorot (Xavier) initialization: normal with variance 2 / (fan_in + fan_out).

    .. math:: W_{ij} \sim \mathcal{N}\Bigl(0, \frac{2}{n_{in} + n_{out}}\Bigr)

    Equation init-xavier.

    Parameters
    ----------
    fan_in, fan_out : int
        Inputs and outputs of the layer, at least 1.
    rng : numpy.random.Generator
    dtype : float32 or float64, default float64

    Returns
    -------
    array (fan_in, fan_out)

    Raises
    ------
    ValueError
        If a size is below 1.
    TypeError
        If a size is not an integer, `rng` is not a Generator, or `dtype` is neither of the two.

    Notes
    -----
    A compromise of 1 / fan_in, which keeps the variance of the activations, and 1 / fan_out, which
    keeps that of the gradients: the mean of the two factors is 1.

    Glorot and Bengio (2010), eq. (12); deck L "Analysis (cont'd)", S "Initialization".

    Examples
    --------
    >>> weight = xavier_normal(300, 500, np.random.default_rng(0))
    >>> weight.shape, round(float(weight.std()), 3)
    ((300, 500), 0.05)
    """
    fan_in, fan_out = _as_sizes(fan_in, fan_out, rng, dtype)
    return _normal(fan_in, fan_out, 2 / (fan_in + fan_out), rng, dtype)


def xavier_uniform(
    fan_in: int, fan_out: int, rng: np.random.Generator, dtype: DTypeLike = np.float64
) -> FloatArray:
    r"""Glorot (Xavier) initialization: uniform with variance 2 / (fan_in + fan_out).

    .. math:: W_{ij} \sim U\Bigl[-\sqrt{\frac{6}{n_{in} + n_{out}}},
              \sqrt{\frac{6}{n_{in} + n_{out}}}\Bigr]

    Equation init-xavier-uniform.

    Parameters
    ----------
    fan_in, fan_out : int
        Inputs and outputs of the layer, at least 1.
    rng : numpy.random.Generator
    dtype : float32 or float64, default float64

    Returns
    -------
    array (fan_in, fan_out)

    Raises
    ------
    ValueError
        If a size is below 1.
    TypeError
        If a size is not an integer, `rng` is not a Generator, or `dtype` is neither of the two.

    Notes
    -----
    Glorot and Bengio (2010), eq. (16); deck L "Sidenote".

    Examples
    --------
    >>> weight = xavier_uniform(300, 500, np.random.default_rng(0))
    >>> weight.shape, round(float(weight.std()), 3)
    ((300, 500), 0.05)
    """
    fan_in, fan_out = _as_sizes(fan_in, fan_out, rng, dtype)
    return _uniform(fan_in, fan_out, 2 / (fan_in + fan_out), rng, dtype)


def he_normal(
    fan_in: int, fan_out: int, rng: np.random.Generator, dtype: DTypeLike = np.float64
) -> FloatArray:
    r"""He initialization, for layers followed by ReLU: normal with variance 2 / fan_in.

    .. math:: W_{ij} \sim \mathcal{N}\Bigl(0, \frac{2}{n_{in}}\Bigr)

    Equation init-he.

    Parameters
    ----------
    fan_in, fan_out : int
        Inputs and outputs of the layer, at least 1.
    rng : numpy.random.Generator
    dtype : float32 or float64, default float64

    Returns
    -------
    array (fan_in, fan_out)

    Raises
    ------
    ValueError
        If a size is below 1.
    TypeError
        If a size is not an integer, `rng` is not a Generator, or `dtype` is neither of the two.

    Notes
    -----
    Keeps the mean square of the activations: ReLU passes half of it. With 2 / fan_out, PyTorch's
    ``mode="fan_out"``, it would keep that of the gradients.

    He et al. (2015), eq. (10); deck L "Extension to ReLU".

    Examples
    --------
    >>> weight = he_normal(200, 500, np.random.default_rng(0))
    >>> round(float(weight.std()), 3)
    0.1
    """
    fan_in, fan_out = _as_sizes(fan_in, fan_out, rng, dtype)
    return _normal(fan_in, fan_out, 2 / fan_in, rng, dtype)


def he_uniform(
    fan_in: int, fan_out: int, rng: np.random.Generator, dtype: DTypeLike = np.float64
) -> FloatArray:
    r"""He initialization, for layers followed by ReLU: uniform with variance 2 / fan_in.

    .. math:: W_{ij} \sim U\Bigl[-\sqrt{\frac{6}{n_{in}}}, \sqrt{\frac{6}{n_{in}}}\Bigr]

    Equation init-he-uniform.

    Parameters
    ----------
    fan_in, fan_out : int
        Inputs and outputs of the layer, at least 1.
    rng : numpy.random.Generator
    dtype : float32 or float64, default float64

    Returns
    -------
    array (fan_in, fan_out)

    Raises
    ------
    ValueError
        If a size is below 1.
    TypeError
        If a size is not an integer, `rng` is not a Generator, or `dtype` is neither of the two.

    Notes
    -----
    He et al. (2015), eq. (10), drawn uniformly, as Keras and PyTorch offer it.

    Examples
    --------
    >>> weight = he_uniform(200, 500, np.random.default_rng(0))
    >>> weight.shape, round(float(weight.std()), 3)
    ((200, 500), 0.1)
    """
    fan_in, fan_out = _as_sizes(fan_in, fan_out, rng, dtype)
    return _uniform(fan_in, fan_out, 2 / fan_in, rng, dtype)


def he_average_normal(
    fan_in: int, fan_out: int, rng: np.random.Generator, dtype: DTypeLike = np.float64
) -> FloatArray:
    r"""Deck S's form of He initialization: normal with variance 4 / (fan_in + fan_out).

    .. math:: W_{ij} \sim \mathcal{N}\Bigl(0, \frac{4}{n_{in} + n_{out}}\Bigr)

    Equation init-he-average.

    Parameters
    ----------
    fan_in, fan_out : int
        Inputs and outputs of the layer, at least 1.
    rng : numpy.random.Generator
    dtype : float32 or float64, default float64

    Returns
    -------
    array (fan_in, fan_out)

    Raises
    ------
    ValueError
        If a size is below 1.
    TypeError
        If a size is not an integer, `rng` is not a Generator, or `dtype` is neither of the two.

    Notes
    -----
    It is to `he_normal` what `xavier_normal` is to `lecun_normal`. With ReLU the mean square of the
    activations is multiplied by 2 fan_in / (fan_in + fan_out) a layer and that of the gradients by
    2 fan_out / (fan_in + fan_out): neither is kept unless the layer is square, where the three
    rules are one, but the mean of the two factors is 1. He et al. (2015) have 2 / fan_in or
    2 / fan_out.

    Deck S "Initialization".

    Examples
    --------
    >>> weight = he_average_normal(300, 500, np.random.default_rng(0))
    >>> weight.shape, round(float(weight.std()), 3)
    ((300, 500), 0.071)
    """
    fan_in, fan_out = _as_sizes(fan_in, fan_out, rng, dtype)
    return _normal(fan_in, fan_out, 4 / (fan_in + fan_out), rng, dtype)


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

    Equation init-orthogonal.

    Parameters
    ----------
    fan_in, fan_out : int
        Inputs and outputs of the layer, at least 1.
    rng : numpy.random.Generator
    dtype : float32 or float64, default float64
    gain : float, default 1.0
        g, not negative.

    Returns
    -------
    array (fan_in, fan_out)
        Uniform over all such matrices (the Haar measure).

    Raises
    ------
    ValueError
        If a size is below 1, or `gain` is negative or not finite.
    TypeError
        If a size is not an integer, `rng` is not a Generator, `dtype` is neither of the two, or
        `gain` is not a number.

    Notes
    -----
    Deck S "Exploding Gradients" asks for singular values close to 1: a square orthogonal matrix
    keeps the length of every vector, both ways; one that widens keeps it forwards only, one that
    narrows backwards only. The variance of an entry is the square of the gain over the larger of
    the sizes. Before ReLU, a gain of sqrt(2 max(1, fan_out / fan_in)) gives He's variance.

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

    Equation init-symmetry.

    Parameters
    ----------
    fan_in, fan_out : int
        Inputs and outputs of the layer, at least 1.
    rng : numpy.random.Generator
        Nothing is drawn from it; it is there so that all rules are called alike.
    dtype : float32 or float64, default float64

    Returns
    -------
    array (fan_in, fan_out)

    Raises
    ------
    ValueError
        If a size is below 1.
    TypeError
        If a size is not an integer, `rng` is not a Generator, or `dtype` is neither of the two.

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

    Raises
    ------
    ValueError
        If a size is below 1, or `variance` is not positive and finite.
    TypeError
        If `s` does not hold real numbers, a size is not an integer, or `variance` not a number.

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
    deviation = math.sqrt(as_real("variance", variance, low=0.0, low_open=True))
    low = abs(math.sqrt(fan_in) - math.sqrt(fan_out))
    high = math.sqrt(fan_in) + math.sqrt(fan_out)
    scaled = s.astype(np.float64).reshape(-1) / deviation
    density = np.empty_like(scaled)
    _marchenko_pastur_kernel(scaled, low, high, min(fan_in, fan_out), density)
    return (density / deviation).astype(s.dtype).reshape(s.shape)


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

    Raises
    ------
    ValueError
        If there is no width, one is below 1, the number of variances does not fit or one is
        negative, `direction` is neither of the two, or `alpha` or `start` is out of range.
    TypeError
        If an argument is not of its type.

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
    gain = (1 + alpha**2) / 2
    if direction == "forward":
        # (init-variance-forward)   q_l = (1 + alpha^2)/2 n_{l-1} v_l q_{l-1}
        return start * np.cumprod(np.append(1.0, gain * sizes[:-1] * variances))
    if direction == "backward":
        # (init-variance-backward)  delta_{l-1} = (1 + alpha^2)/2 n_l v_l delta_l
        factors = gain * sizes[1:] * variances
        return start * np.cumprod(np.append(1.0, factors[::-1]))[::-1]
    raise ValueError(f"direction must be 'forward' or 'backward', got {direction!r}")


def _as_widths(widths: Sequence[int]) -> FloatArray:
    """Return the widths as float64, so that products of many cannot wrap around."""
    sizes = np.asarray(as_vector("widths", widths), dtype=np.float64)
    if not ((sizes >= 1) & (sizes < math.inf) & (sizes == np.floor(sizes))).all():
        raise ValueError(f"widths must be whole numbers of at least 1, got {list(widths)}")
    return sizes
