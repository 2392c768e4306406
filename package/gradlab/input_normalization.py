"""Normalization of the inputs: center, standardize, decorrelate.

Inputs of zero mean and equal spread, uncorrelated where possible, make gradient descent converge
faster. The statistics come from the training set alone, once; the same transformation then serves
training, validation and test data.

Chapter: ``book/input-normalization.md``.
Decks: L "Normalization" and "Normalizing the Inputs", C "Other tricks".
Papers: Y. LeCun, L. Bottou, G. Orr and K.-R. Mueller, Efficient BackProp, Neural Networks: Tricks
of the Trade, 1998; A. Bell and T. Sejnowski, The "Independent Components" of Natural Scenes are
Edge Filters, Vision Research 37(23), 1997 (ZCA).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from gradlab._jit import njit
from gradlab._validate import FloatArray, as_batch, as_integer, as_real, is_finite

__all__ = [
    "Standardization",
    "Whitening",
    "curvature",
    "fit_center",
    "fit_pca_whitening",
    "fit_standardize",
    "fit_zca_whitening",
]


@njit
def _standardize_kernel(x, mean, scale, out):
    """Equations in-center, where the scale is 1, and in-standardize."""
    rows, features = x.shape
    for i in range(rows):
        xi, outi = x[i], out[i]
        for j in range(features):
            # (in-standardize)  x'_ij = (x_ij - mu_j) / sigma_j
            outi[j] = (xi[j] - mean[j]) / scale[j]


@njit
def _undo_kernel(x, mean, scale, out):
    """Equation in-standardize, solved for x_ij."""
    rows, features = x.shape
    for i in range(rows):
        xi, outi = x[i], out[i]
        for j in range(features):
            outi[j] = xi[j] * scale[j] + mean[j]


@dataclass(frozen=True, eq=False)
class Standardization:
    """A shift and a positive scale for each feature, both float64.

    Attributes
    ----------
    mean : array (features,)
        What `transform` subtracts.
    scale : array (features,)
        What it then divides by; 1 for a feature that was constant.
    """

    mean: FloatArray
    scale: FloatArray

    def transform(self, x: ArrayLike) -> FloatArray:
        """Return ``(x - mean) / scale`` in the dtype of `x`: equation in-standardize."""
        x = _as_rows(x, self.mean.size)
        out = np.empty_like(x)
        _standardize_kernel(x, self.mean, self.scale, out)
        return out

    def inverse_transform(self, x: ArrayLike) -> FloatArray:
        """Return ``x * scale + mean``, what `transform` was given."""
        x = _as_rows(x, self.mean.size)
        out = np.empty_like(x)
        _undo_kernel(x, self.mean, self.scale, out)
        return out


@dataclass(frozen=True, eq=False)
class Whitening:
    """A shift and a linear map that decorrelates, all float64.

    Attributes
    ----------
    mean : array (features,)
        What `transform` subtracts.
    matrix, inverse : arrays (features, features)
        What `transform` and `inverse_transform` multiply by, from the right.
    components : array (features, features)
        The principal directions, one a row, by falling deviation. The largest entry of each is
        positive.
    deviations : array (features,)
        Standard deviation of the training set along each of them; 0 where it has no extent.
    """

    mean: FloatArray
    matrix: FloatArray
    inverse: FloatArray
    components: FloatArray
    deviations: FloatArray

    def transform(self, x: ArrayLike) -> FloatArray:
        """Return ``(x - mean) @ matrix`` in the dtype of `x`: equations in-pca and in-zca.

        The product is BLAS's, more than twice as fast as a kernel for images of 28 x 28 pixels.
        """
        x = _as_rows(x, self.mean.size)
        return ((x - self.mean) @ self.matrix).astype(x.dtype)

    def inverse_transform(self, x: ArrayLike) -> FloatArray:
        """Return ``x @ inverse + mean``, what `transform` was given, if nothing was cut off."""
        x = _as_rows(x, self.mean.size)
        return (x @ self.inverse + self.mean).astype(x.dtype)


@njit
def _column_statistics_kernel(x, ddof, mean, work, deviation):
    """Equations in-mean and in-deviation."""
    rows, features = x.shape

    # (in-mean)  mu_j = 1/M sum_i x_ij
    # The second round adds the mean of what the first one left, which its rounding had lost.
    mean[:] = 0.0
    for _ in range(2):
        work[:] = 0.0
        for i in range(rows):
            xi = x[i]
            for j in range(features):
                work[j] += xi[j] - mean[j]
        for j in range(features):
            mean[j] += work[j] / rows

    # The squares of 1e200 and of 1e-200 leave float64, so a feature is
    # measured in units of its largest distance from the mean.
    work[:] = 0.0
    for i in range(rows):
        xi = x[i]
        for j in range(features):
            work[j] = max(work[j], abs(xi[j] - mean[j]))
    for j in range(features):
        if work[j] == 0.0:
            work[j] = 1.0

    # (in-deviation)  sigma_j^2 = 1/(M - ddof) sum_i (x_ij - mu_j)^2
    deviation[:] = 0.0
    for i in range(rows):
        xi = x[i]
        for j in range(features):
            deviation[j] += ((xi[j] - mean[j]) / work[j]) ** 2
    for j in range(features):
        deviation[j] = work[j] * np.sqrt(deviation[j] / (rows - ddof))


@njit
def _whitening_scales_kernel(deviations, eps, scale, inverse):
    """Equations in-pca and in-zca: the factor along each axis, and what undoes it.

    Where both the deviation and eps are 0 the axis is lost, and so is the way back.
    """
    root = np.sqrt(eps)
    for k in range(deviations.size):
        # The larger one is taken out: the square of 1e200 is not in float64.
        large, small = max(deviations[k], root), min(deviations[k], root)
        ratio = small / large if large > 0.0 else 0.0
        scale[k] = large * np.sqrt(1.0 + ratio * ratio)
        # (in-pca)  (lambda_k + eps)^(-1/2)  with  lambda_k = sigma_k^2
        inverse[k] = 1.0 / scale[k] if large > 0.0 else 0.0


@njit
def _hessian_kernel(x, hessian):
    """Equation in-hessian, of x in float64; the last row and column are the bias's."""
    rows, features = x.shape
    # (in-hessian)  1/M sum_i (x_i, 1) (x_i, 1)^T, its lower triangle first
    hessian[:, :] = 0.0
    for i in range(rows):
        xi = x[i]
        for j in range(features):
            row, xij = hessian[j], xi[j]
            for k in range(j + 1):
                row[k] += xij * xi[k]
        last = hessian[features]
        for k in range(features):
            last[k] += xi[k]
    for j in range(features + 1):
        for k in range(j + 1):
            hessian[j, k] /= rows
            hessian[k, j] = hessian[j, k]
    hessian[features, features] = 1.0


def fit_center(x: ArrayLike) -> Standardization:
    r"""Learn the mean of each feature, so that `transform` subtracts it.

    .. math:: x'_{ij} = x_{ij} - \mu_j, \qquad \mu_j = \frac{1}{M} \sum_{i=1}^{M} x_{ij}

    Parameters
    ----------
    x : array (examples, features)
        The training set, and nothing else; finite.

    Returns
    -------
    Standardization
        With ``transform(x)`` and ``inverse_transform(x)``; its scale is 1.

    Notes
    -----
    Equation in-center. Where all inputs of a unit are positive, one example moves all of its
    weights one way: deck L "Normalization". The first step of deck L "Normalizing the Inputs", mean
    cancellation; LeCun et al. (1998), section 4.3.

    Examples
    --------
    >>> fit_center([[1.0, 10.0], [3.0, 30.0]]).transform([[2.0, 0.0]])
    array([[  0., -20.]])
    """
    x = _as_training_set(x, min_rows=1)
    mean, _ = _column_statistics(x, 0)
    return Standardization(mean, np.ones_like(mean))


def fit_standardize(x: ArrayLike, ddof: int = 0) -> Standardization:
    r"""Learn mean and standard deviation of each feature: zero mean, unit variance.

    .. math:: x'_{ij} = \frac{x_{ij} - \mu_j}{\sigma_j}, \qquad
              \sigma_j^2 = \frac{1}{M - d} \sum_{i=1}^{M} (x_{ij} - \mu_j)^2

    Parameters
    ----------
    x : array (examples, features)
        The training set, of two examples or more; finite.
    ddof : {0, 1}, default 0
        d. scikit-learn's ``StandardScaler`` and ``numpy.std`` take 0; 1 makes the variance an
        unbiased estimate.

    Returns
    -------
    Standardization
        With ``transform(x)`` and ``inverse_transform(x)``.

    Notes
    -----
    A feature that is constant, to within the rounding of its mean, is centered and not scaled, as
    in scikit-learn: in the training set it comes out as 0.

    The second step of deck L "Normalizing the Inputs", covariance equalization; deck C "Other
    tricks". LeCun et al. (1998), section 4.3.

    Examples
    --------
    >>> fitted = fit_standardize([[1.0, 7.0], [3.0, 7.0]])
    >>> fitted.transform([[5.0, 7.0]])
    array([[3., 0.]])
    >>> fitted.inverse_transform([[3.0, 0.0]])
    array([[5., 7.]])
    """
    x = _as_training_set(x, min_rows=2)
    mean, deviation = _column_statistics(x, _as_ddof(ddof))
    return Standardization(mean, np.where(deviation == 0, 1.0, deviation))


def fit_pca_whitening(x: ArrayLike, eps: float = 1e-5, ddof: int = 0) -> Whitening:
    r"""Learn the principal axes: coordinates along them, each divided by its deviation.

    .. math:: C = \frac{1}{M - d} \sum_i (x_i - \mu)^T (x_i - \mu) = V \Lambda V^T, \\
              x'_i = (x_i - \mu) \, V (\Lambda + \epsilon I)^{-1/2}

    for rows :math:`x_i`. The training set comes out uncorrelated, with the variances
    :math:`\lambda_k / (\lambda_k + \epsilon)`.

    Parameters
    ----------
    x : array (examples, features)
        The training set, of two examples or more; finite.
    eps : float, default 1e-5
        Added to the variances, in the squared unit of `x`; 0 or more. It keeps directions in which
        the data hardly vary from being blown up.
    ddof : {0, 1}, default 0
        d. scikit-learn's ``PCA(whiten=True)`` takes 1, and no eps.

    Returns
    -------
    Whitening
        With ``transform(x)`` and ``inverse_transform(x)``; the output's first feature is the
        direction of largest variance.

    Notes
    -----
    Equations in-covariance and in-pca. The axes come from a singular value decomposition of the
    centered data: forming C would square its condition number.

    A direction in which the training set has no extent (a constant feature, a feature that is a
    combination of others, fewer examples than features) has variance 0. With ``eps=0`` it comes out
    as 0 and is lost; the inverse then returns the nearest point that varies as the training set
    does.

    The third step of deck L "Normalizing the Inputs", KL expansion; LeCun et al. (1998), section
    4.3. Both advise it for fully connected networks: it destroys the neighborhood of pixels.

    Examples
    --------
    >>> fitted = fit_pca_whitening([[0.0, 0.0], [4.0, 4.0], [3.0, 1.0], [1.0, 3.0]], eps=0.0)
    >>> fitted.deviations
    array([2., 1.])
    >>> fitted.transform([[4.0, 4.0]]).round(4)
    array([[1.4142, 0.    ]])
    """
    mean, components, deviations, scale, inverse_scale = _principal_axes(x, eps, ddof)
    return Whitening(
        mean,
        components.T * inverse_scale,
        scale[:, np.newaxis] * components,
        components,
        deviations,
    )


def fit_zca_whitening(x: ArrayLike, eps: float = 1e-5, ddof: int = 0) -> Whitening:
    r"""Learn the whitening that moves the data least: PCA whitening, turned back.

    .. math:: x'_i = (x_i - \mu) \, V (\Lambda + \epsilon I)^{-1/2} V^T

    Parameters
    ----------
    x : array (examples, features)
        The training set, of two examples or more; finite.
    eps : float, default 1e-5
        Added to the variances, in the squared unit of `x`; 0 or more.
    ddof : {0, 1}, default 0
        As in `fit_pca_whitening`.

    Returns
    -------
    Whitening
        With ``transform(x)`` and ``inverse_transform(x)``; the output's features are those of the
        input, decorrelated, so that a whitened image still looks like an image.

    Notes
    -----
    Equation in-zca. Of all matrices that whiten, this is the symmetric positive one. Directions
    without extent are treated as in `fit_pca_whitening`.

    Bell and Sejnowski (1997). The decks stop at PCA.

    Examples
    --------
    >>> fitted = fit_zca_whitening([[0.0, 0.0], [4.0, 4.0], [3.0, 1.0], [1.0, 3.0]], eps=0.0)
    >>> fitted.transform([[4.0, 4.0]])
    array([[1., 1.]])
    """
    mean, components, deviations, scale, inverse_scale = _principal_axes(x, eps, ddof)
    return Whitening(
        mean,
        (components.T * inverse_scale) @ components,
        (components.T * scale) @ components,
        components,
        deviations,
    )


def curvature(x: ArrayLike, floor: float = 1e-9) -> tuple[float, float]:
    r"""Largest curvature and condition number of the squared error of a linear unit.

    .. math:: \nabla^2 \mathcal L = \frac{1}{M} \sum_{i=1}^{M}
              \begin{pmatrix} x_i^T \\ 1 \end{pmatrix} \begin{pmatrix} x_i & 1 \end{pmatrix},
              \qquad \kappa = \frac{\lambda_{\max}}{\lambda_{\min}}

    for rows :math:`x_i` and half the mean squared error, in the weights and the bias.

    Parameters
    ----------
    x : array (examples, features)
        What the unit receives; up to 1e150 in size, so that its squares have a sum.
    floor : float, default 1e-9
        Eigenvalues up to it count as 0, and :math:`\lambda_{\min}` is the smallest above it: along
        the other directions the error is level, and gradient descent does not move.

    Returns
    -------
    largest : float
        :math:`\lambda_{\max}`. Gradient descent diverges at learning rates above 2 over it.
    condition : float
        :math:`\kappa`. Where it is large, the number of steps at the best rate is proportional to
        it.

    Raises
    ------
    ValueError
        If no eigenvalue is above `floor`. The largest is never below 1, because of the bias.

    Notes
    -----
    Equation in-hessian. The eigenvalues are LAPACK's, which is accurate and faster than loops.

    Deck L "Normalization"; LeCun et al. (1998), section 4.3.

    Examples
    --------
    >>> x = [[4.0], [6.0]]
    >>> largest, condition = curvature(x)
    >>> round(largest, 2), round(condition)
    (26.96, 727)
    >>> curvature(fit_standardize(x).transform(x))
    (1.0, 1.0)
    """
    x = _as_training_set(x, min_rows=1).astype(np.float64, copy=False)
    floor = as_real("floor", floor, low=0.0)
    if np.abs(x).max() > 1e150:
        raise ValueError(f"x must be at most 1e150 in size, got {np.abs(x).max():.3g}")
    hessian = np.empty((x.shape[1] + 1, x.shape[1] + 1))
    _hessian_kernel(x, hessian)
    values = np.linalg.eigvalsh(hessian)
    kept = values[values > floor]
    if kept.size == 0:
        raise ValueError(
            f"floor must be below the largest eigenvalue, {values[-1]:.6g}, got {floor}"
        )
    return float(values[-1]), float(values[-1] / kept[0])


def _principal_axes(x: ArrayLike, eps: float, ddof: int) -> tuple[FloatArray, ...]:
    """Return the mean, the axes, a row each, and along them the deviations, sqrt(variances + eps)
    and its pseudo-inverse.
    """
    x = _as_training_set(x, min_rows=2)
    eps = as_real("eps", eps, low=0.0)
    ddof = _as_ddof(ddof)
    mean, column_deviation = _column_statistics(x, ddof)
    centered = np.where(column_deviation == 0, 0.0, x - mean)
    # The triangular factor has the singular values and the axes of the data and is small.
    triangle = np.linalg.qr(centered, mode="r")
    _, singular, components = np.linalg.svd(triangle, full_matrices=True)
    largest = np.abs(components).argmax(axis=1)
    components *= np.sign(components[np.arange(len(components)), largest])[:, np.newaxis]
    # What is left of a direction without extent is the rounding of the others.
    singular[singular <= singular[0] * max(x.shape) * np.finfo(np.float64).eps] = 0.0
    deviations = np.zeros(x.shape[1])
    deviations[: singular.size] = singular / np.sqrt(len(x) - ddof)
    scale, inverse_scale = np.empty((2, x.shape[1]))
    _whitening_scales_kernel(deviations, eps, scale, inverse_scale)
    return mean, components, deviations, scale, inverse_scale


def _column_statistics(x: FloatArray, ddof: int) -> tuple[FloatArray, FloatArray]:
    """Return mean and standard deviation of each column; the latter is 0 for a constant one."""
    mean, work, deviation = np.empty((3, x.shape[1]))
    _column_statistics_kernel(x, ddof, mean, work, deviation)
    # scikit-learn's bound on what rounding alone makes of a constant column.
    constant = deviation <= len(x) * np.finfo(np.float64).eps * np.abs(mean)
    return mean, np.where(constant, 0.0, deviation)


def _as_training_set(x: ArrayLike, min_rows: int) -> FloatArray:
    x = as_batch("x", x, min_rows=min_rows)
    if not is_finite(x):
        raise ValueError("x must be finite: a mean over nan or infinity says nothing")
    return x


def _as_rows(x: ArrayLike, features: int) -> FloatArray:
    x = as_batch("x", x)
    if x.shape[1] != features:
        raise ValueError(
            f"x must have {features} feature(s), as the training set had, got shape {x.shape}"
        )
    return x


def _as_ddof(ddof: int) -> int:
    ddof = as_integer("ddof", ddof)
    if ddof not in (0, 1):
        raise ValueError(f"ddof must be 0 or 1, got {ddof}")
    return ddof
