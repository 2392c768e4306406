"""Data augmentation: new training images from old ones, by changes that keep the label.

Crops, zooms, flips, rotations, stretching, noise and shifts of color show the network variations
that it should not mind. Every image of a batch is changed by a draw of its own, and one seed gives
one result. What was applied in training can be averaged over at test time.

Images are arrays (batch, height, width) or (batch, height, width, channels), rows from top to
bottom; they come back as floats, in the range they had. Geometry is in pixels about the center of
the image, and a pixel between pixels is found by bilinear interpolation.

Chapter: ``book/data-augmentation.md``.
Decks: L "Data Augmentation", C "Additional heuristics: Data Augmentation".
Paper: A. Krizhevsky, I. Sutskever and G. Hinton, ImageNet Classification with Deep Convolutional
Neural Networks, NIPS 2012 (crops, flips, color PCA, averaging at test time).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from gradlab._jit import njit
from gradlab._validate import (
    FloatArray,
    as_choice,
    as_float_array,
    as_image_batch,
    as_integer,
    as_list,
    as_positive,
    as_real,
    as_rng,
    as_shaped,
    is_finite,
)

__all__ = [
    "add_noise",
    "color_pca",
    "random_crop",
    "random_flip",
    "random_zoom",
    "rotate",
    "stretch",
    "test_time_average",
]


@njit
def _crop_kernel(images, tops, lefts, padding, channels, fill, out):
    """Equation da-crop, of images (batch, height, width times channels).

    Around an image is a border of `padding` pixels that are `fill`.
    """
    batch, height, width = out.shape
    rows, columns = images.shape[1:3]
    for b in range(batch):
        # The corner of the border is at (-padding, -padding).
        t, left = tops[b] - padding, channels * (lefts[b] - padding)
        # From `first` to `last` the window is on the image.
        first = min(max(0, -left), width)
        last = max(first, min(width, columns - left))
        for i in range(height):
            row = out[b, i]
            if not 0 <= i + t < rows:
                for j in range(width):
                    row[j] = fill
                continue
            source = images[b, i + t]
            for j in range(first):
                row[j] = fill
            # (da-crop)  out_ij = I_{i+t, j+l}
            for j in range(first, last):
                row[j] = source[j + left]
            for j in range(last, width):
                row[j] = fill


def random_crop(
    images: ArrayLike,
    size: int | tuple[int, int],
    rng: np.random.Generator,
    padding: int = 0,
    fill: float = 0.0,
) -> FloatArray:
    """Cut a window out of each image, at a random place.

    Parameters
    ----------
    images : array (batch, height, width) or (batch, height, width, channels)
    size : int or (height, width)
        The window, in pixels; not larger than the padded image.
    rng : numpy.random.Generator
        Draws the place; all are equally likely.
    padding : int, default 0
        Pixels added on each side first; 0 or more. With the images' own size the result is a random
        shift, as is usual on CIFAR-10 with a padding of 4.
    fill : float, default 0
        Value of the added pixels.

    Returns
    -------
    array (batch, size...)
        In the dtype of `images`; with as many channels.

    Notes
    -----
    Equation da-crop. Decks L "Data Augmentation"; Krizhevsky et al. (2012), section 4.1. At test
    time the images must be cropped to the same size (deck L): several crops can be averaged,
    `test_time_average`.

    Examples
    --------
    >>> images = np.arange(16.0).reshape(1, 4, 4)
    >>> random_crop(images, 2, np.random.default_rng(0))
    array([[[ 9., 10.],
            [13., 14.]]])
    """
    images, rng = _as_images(images), as_rng("rng", rng)
    padding, fill = as_integer("padding", padding, low=0), as_real("fill", fill)
    available = images.shape[1] + 2 * padding, images.shape[2] + 2 * padding
    height, width = _as_size(size, available)
    tops = rng.integers(0, available[0] - height + 1, len(images))
    lefts = rng.integers(0, available[1] - width + 1, len(images))
    channels = images[0, 0, 0].size
    out = np.empty((len(images), height, width, *images.shape[3:]), images.dtype)
    fill = images.dtype.type(fill)
    _crop_kernel(_rows(images), tops, lefts, padding, channels, fill, _rows(out))
    return out


@njit
def _flip_kernel(images, chosen, vertical, channels, out):
    """Equation da-flip, of images (batch, height, width times channels) that are chosen."""
    batch, height, width = images.shape
    for b in range(batch):
        for i in range(height):
            row = out[b, i]
            if chosen[b] and not vertical:
                source = images[b, i]
                for c in range(channels):
                    # (da-flip)  out_ij = I_{i, W-1-j}, in each channel
                    last = width - channels + 2 * c
                    for j in range(c, width, channels):
                        row[j] = source[last - j]
            else:
                source = images[b, height - 1 - i if chosen[b] else i]
                for j in range(width):
                    row[j] = source[j]


def random_flip(
    images: ArrayLike,
    rng: np.random.Generator,
    probability: float = 0.5,
    axis: Literal["horizontal", "vertical"] = "horizontal",
) -> FloatArray:
    """Mirror each image, or leave it, at random.

    Parameters
    ----------
    images : array (batch, height, width) or (batch, height, width, channels)
    rng : numpy.random.Generator
        Draws which images are mirrored.
    probability : float in [0, 1], default 0.5
        Of an image to be mirrored.
    axis : {"horizontal", "vertical"}, default "horizontal"
        Horizontal changes left and right, vertical top and bottom.

    Returns
    -------
    array of the shape and dtype of `images`

    Notes
    -----
    Equation da-flip.

    Not for images whose mirror image means something else, as letters and most digits.

    Deck L "Data Augmentation"; Krizhevsky et al. (2012), section 4.1.

    Examples
    --------
    >>> random_flip([[[1.0, 2.0], [3.0, 4.0]]], np.random.default_rng(0), probability=1.0)
    array([[[2., 1.],
            [4., 3.]]])
    """
    images, rng = _as_images(images), as_rng("rng", rng)
    probability = as_real("probability", probability, low=0.0, high=1.0)
    as_choice("axis", axis, ("horizontal", "vertical"))
    chosen = rng.random(len(images)) < probability
    out = np.empty_like(images)
    channels = images[0, 0, 0].size
    _flip_kernel(_rows(images), chosen, axis == "vertical", channels, _rows(out))
    return out


@njit
def _warp_kernel(images, matrices, fill, replicate, out):
    """Equations da-zoom, da-stretch and da-rotate, which differ in the matrix, and da-bilinear.

    A matrix takes a pixel of the output to where its value is found in the input, both counted
    from the center. Out there is `fill`, or the nearest pixel of the edge if `replicate`.
    """
    batch, height, width, channels = images.shape
    center_y, center_x = 0.5 * (height - 1), 0.5 * (width - 1)
    # A pixel and more beyond the edge there is nothing but `fill`.
    margin = 0.0 if replicate else 1.0
    for b in range(batch):
        image, matrix = images[b], matrices[b]
        for i in range(height):
            for j in range(width):
                # (da-zoom)  out(u) = I(u / s); (da-stretch)  the same with s_y, s_x
                # (da-rotate)  out(u) = I(R u)
                y = center_y + matrix[0, 0] * (i - center_y) + matrix[0, 1] * (j - center_x)
                x = center_x + matrix[1, 0] * (i - center_y) + matrix[1, 1] * (j - center_x)
                y = min(max(y, -margin), height - 1 + margin)
                x = min(max(x, -margin), width - 1 + margin)
                top, left = int(np.floor(y)), int(np.floor(x))
                # (da-bilinear)  out = (1 - fy) (1 - fx) I[top, left]
                #                      + (1 - fy) fx I[top, left + 1]
                #                      + fy (1 - fx) I[top + 1, left]
                #                      + fy fx I[top + 1, left + 1]
                fy, fx = y - top, x - left
                for c in range(channels):
                    value = np.float64(0.0)
                    for below in range(2):
                        for right in range(2):
                            weight = (fy if below else 1.0 - fy) * (fx if right else 1.0 - fx)
                            row, column = top + below, left + right
                            if 0 <= row < height and 0 <= column < width:
                                value += weight * image[row, column, c]
                            else:
                                value += weight * fill
                    out[b, i, j, c] = value


def _warp(images: FloatArray, matrices: FloatArray, fill: float | None) -> FloatArray:
    edge = 0.0 if fill is None else as_real("fill", fill)
    low, high = images.min(), images.max()
    if fill is not None:
        low, high = min(low, edge), max(high, edge)
    out = np.empty_like(images)
    _warp_kernel(_with_channels(images), matrices, edge, fill is None, _with_channels(out))
    # The four weights add up to 1 but for rounding.
    return np.clip(out, low, high, out=out)


def random_zoom(
    images: ArrayLike,
    low: float,
    high: float,
    rng: np.random.Generator,
    fill: float | None = 0.0,
) -> FloatArray:
    r"""Enlarge or shrink each image about its center by a random factor.

    .. math:: \mathrm{out}(u) = I(u / s), \qquad \log s \sim \mathcal U(\log a, \log b)

    for a pixel at u from the center.

    Parameters
    ----------
    images : array (batch, height, width) or (batch, height, width, channels)
    low, high : floats
        a and b, the range of the factor s; positive, `low` not above `high`. Above 1 enlarges. On
        the logarithmic scale twice as large is as likely as half as large.
    rng : numpy.random.Generator
        Draws the factors.
    fill : float or None, default 0
        Value around a shrunk image; None continues its edge.

    Returns
    -------
    array of the shape and dtype of `images`
        In the range of its pixels and `fill`.

    Notes
    -----
    Equation da-zoom. Nothing is smoothed before an image shrinks: far below a factor of a half,
    pixels are skipped.

    Deck L "Data Augmentation".

    Examples
    --------
    >>> images = np.array([[[0.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0]]])
    >>> random_zoom(images, 2.0, 2.0, np.random.default_rng(0))
    array([[[0.25, 0.5 , 0.25],
            [0.5 , 1.  , 0.5 ],
            [0.25, 0.5 , 0.25]]])
    """
    images, rng = _as_images(images), as_rng("rng", rng)
    factors = _draw_factors(low, high, (len(images), 1), rng)
    return _warp(images, np.eye(2) / factors[:, :, np.newaxis], fill)


def stretch(
    images: ArrayLike,
    low: float,
    high: float,
    rng: np.random.Generator,
    fill: float | None = 0.0,
) -> FloatArray:
    r"""Stretch or squeeze each image about its center, in height and in width on their own.

    .. math:: \mathrm{out}(u_y, u_x) = I(u_y / s_y, u_x / s_x), \qquad
              \log s_y, \log s_x \sim \mathcal U(\log a, \log b)

    Parameters
    ----------
    images : array (batch, height, width) or (batch, height, width, channels)
    low, high : floats
        a and b, the range of both factors; positive, `low` not above `high`. Above 1 stretches.
    rng : numpy.random.Generator
        Draws the factors, two for each image.
    fill : float or None, default 0
        Value around a squeezed image; None continues its edge.

    Returns
    -------
    array of the shape and dtype of `images`
        In the range of its pixels and `fill`.

    Notes
    -----
    Equation da-stretch. Deck C "Additional heuristics: Data Augmentation".

    Examples
    --------
    >>> stretch(np.ones((1, 2, 4)), 0.5, 0.5, np.random.default_rng(0))
    array([[[0. , 0.5, 0.5, 0. ],
            [0. , 0.5, 0.5, 0. ]]])
    """
    images, rng = _as_images(images), as_rng("rng", rng)
    factors = _draw_factors(low, high, (len(images), 2), rng)
    return _warp(images, np.eye(2) / factors[:, :, np.newaxis], fill)


def rotate(
    images: ArrayLike,
    max_angle: float,
    rng: np.random.Generator,
    fill: float | None = 0.0,
) -> FloatArray:
    r"""Turn each image about its center by a random angle.

    .. math:: \mathrm{out}(u) = I(R_\theta u), \qquad
              R_\theta = \begin{pmatrix} \cos\theta & \sin\theta \\
                                         -\sin\theta & \cos\theta \end{pmatrix}, \qquad
              \theta \sim \mathcal U(-\theta_{\max}, \theta_{\max})

    for a pixel at :math:`u = (u_y, u_x)` from the center, rows from top to bottom.

    Parameters
    ----------
    images : array (batch, height, width) or (batch, height, width, channels)
    max_angle : float in [0, 180]
        Largest angle in degrees, either way. Positive angles turn anticlockwise on the screen, as
        ``numpy.rot90`` and torchvision do.
    rng : numpy.random.Generator
        Draws the angles.
    fill : float or None, default 0
        Value in the corners that nothing was turned into; None continues the edge.

    Returns
    -------
    array of the shape and dtype of `images`
        In the range of its pixels and `fill`.

    Notes
    -----
    Equation da-rotate. Deck C "Additional heuristics: Data Augmentation".

    Examples
    --------
    >>> image = [[[1.0, 2.0, 1.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]]
    >>> out = rotate(image, 30.0, np.random.default_rng(3))  # by -24.9 degrees, clockwise
    >>> out.round(1)
    array([[[0.3, 1.4, 1. ],
            [0. , 0. , 0.5],
            [0. , 0. , 0. ]]])
    """
    images, rng = _as_images(images), as_rng("rng", rng)
    max_angle = as_real("max_angle", max_angle, low=0.0, high=180.0)
    angles = np.deg2rad(rng.uniform(-max_angle, max_angle, len(images)))
    cos, sin = np.cos(angles), np.sin(angles)
    matrices = np.stack([cos, sin, -sin, cos], axis=1).reshape(-1, 2, 2)
    return _warp(images, matrices, fill)


@njit
def _noise_kernel(x, normal, scale, low, high, out):
    """Equation da-noise, from normal numbers of deviation 1."""
    for k in range(x.size):
        # (da-noise)  out = min(max(x + e, a), b)
        out[k] = min(max(x[k] + scale * normal[k], low), high)


def add_noise(
    images: ArrayLike,
    scale: float,
    rng: np.random.Generator,
    value_range: tuple[float, float] | None = (0.0, 1.0),
) -> FloatArray:
    r"""Add normal noise to every value, and cut off what leaves the range of an image.

    .. math:: \mathrm{out} = \min(\max(x + e, \, a), \, b), \qquad e \sim \mathcal N(0, \sigma^2)

    Parameters
    ----------
    images : array (batch, height, width) or (batch, height, width, channels)
    scale : float
        Standard deviation of the noise, in the unit of the pixels; 0 or more.
    rng : numpy.random.Generator
        Draws the noise.
    value_range : (low, high) or None, default (0, 1)
        a and b, the smallest and the largest value that a pixel can have, and none of `images` may
        be outside; None, for standardized images, cuts nothing off.

    Returns
    -------
    array of the shape and dtype of `images`

    Notes
    -----
    Equation da-noise. Deck C "Additional heuristics: Data Augmentation". Where pixels sit at the
    end of the range, as the black of a digit does, the noise that is left has a mean.

    Examples
    --------
    >>> out = add_noise(np.full((1, 2, 2), 0.5), 0.1, np.random.default_rng(0))
    >>> out.round(2)
    array([[[0.51, 0.49],
            [0.56, 0.51]]])
    """
    images, rng = _as_images(images), as_rng("rng", rng)
    scale = as_real("scale", scale, low=0.0)
    low, high = _as_range(value_range, images)
    normal, out = rng.standard_normal(images.size), np.empty_like(images)
    _noise_kernel(images.reshape(-1), normal, scale, low, high, out.reshape(-1))
    return out


@njit
def _color_kernel(images, axes, size, alpha, low, high, shift, out):
    """Equation da-color-pca, of images (batch, pixels, channels).

    Axes are in columns, and `size` is how much each one varies; `shift` has a
    place for each channel.
    """
    batch, pixels, channels = images.shape
    for b in range(batch):
        image, shifted = images[b], out[b]
        # (da-color-pca)  V (alpha lambda), one for all pixels of the image
        for c in range(channels):
            shift[c] = 0.0
            for k in range(channels):
                shift[c] += alpha[b, k] * size[k] * axes[c, k]
        # (da-color-pca)  out = x + V (alpha lambda)
        for i in range(pixels):
            for c in range(channels):
                shifted[i, c] = min(max(image[i, c] + shift[c], low), high)


def color_pca(
    images: ArrayLike,
    scale: float,
    rng: np.random.Generator,
    value_range: tuple[float, float] | None = (0.0, 1.0),
    covariance: ArrayLike | None = None,
    scaled_by: Literal["eigenvalue", "deviation"] = "eigenvalue",
) -> FloatArray:
    r"""Shift the color of each image along the principal axes of the colors.

    .. math:: \mathrm{out} = x + V (\alpha \odot \lambda), \qquad
              \alpha_k \sim \mathcal N(0, \sigma^2)

    with one :math:`\alpha` for all pixels x of an image, and :math:`V, \lambda` the eigenvectors
    and eigenvalues of the covariance of the colors. What leaves the range is cut off.

    Parameters
    ----------
    images : array (batch, height, width, channels)
    scale : float
        sigma, 0 or more; 0.1 in the paper.
    rng : numpy.random.Generator
        Draws one number for each image and axis.
    value_range : (low, high) or None, default (0, 1)
        The smallest and the largest value that a pixel can have, and none of `images` may be
        outside; None cuts nothing off.
    covariance : array (channels, channels), optional
        Covariance of the colors over all pixels of the *training set*, symmetric and positive
        semidefinite; left out, over those of `images`.
    scaled_by : {"eigenvalue", "deviation"}, default "eigenvalue"
        The paper multiplies by the eigenvalue, a squared unit, so that the strength depends on
        whether pixels run to 1 or to 255. "deviation" takes its square root, which does not.

    Returns
    -------
    array of the shape and dtype of `images`

    Notes
    -----
    Equation da-color-pca. The eigenvectors are LAPACK's, which finds close ones reliably; the
    largest entry of each is taken as positive, so that one seed gives one result with every linear
    algebra library.

    Krizhevsky et al. (2012), section 4.1; deck L "Data Augmentation".

    Examples
    --------
    >>> images = np.random.default_rng(0).uniform(0.3, 0.7, (2, 4, 4, 3))
    >>> out = color_pca(images, 0.1, np.random.default_rng(1))
    >>> np.ptp(out - images, axis=(1, 2)).max() < 1e-12  # the same shift in each pixel
    np.True_
    """
    images, rng = _as_images(images), as_rng("rng", rng)
    if images.ndim != 4:
        raise ValueError(
            f"images must have shape (batch, height, width, channels), got {images.shape}"
        )
    scale = as_real("scale", scale, low=0.0)
    low, high = _as_range(value_range, images)
    as_choice("scaled_by", scaled_by, ("eigenvalue", "deviation"))
    channels = images.shape[3]
    if covariance is None:
        colors = images.reshape(-1, channels).astype(np.float64)
        colors -= colors.mean(axis=0)
        matrix = colors.T @ colors / len(colors)
    else:
        matrix = as_shaped("covariance", covariance, (channels, channels), np.float64)
    eigenvalues, axes = _color_axes(matrix)
    size = eigenvalues if scaled_by == "eigenvalue" else np.sqrt(eigenvalues)
    alpha = scale * rng.standard_normal((len(images), channels))
    out, shape = np.empty_like(images), (len(images), -1, channels)
    shift = np.empty(channels)
    _color_kernel(images.reshape(shape), axes, size, alpha, low, high, shift, out.reshape(shape))
    return out


def _color_axes(covariance: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return eigenvalues, and eigenvectors in columns, of a covariance."""
    tolerance = 1e-8 * np.abs(covariance).max()
    if not (np.abs(covariance - covariance.T) <= tolerance).all():
        raise ValueError("covariance must be symmetric and finite")
    eigenvalues, axes = np.linalg.eigh(covariance)
    if eigenvalues[0] < -tolerance:
        raise ValueError(
            f"covariance must be positive semidefinite, got an eigenvalue of {eigenvalues[0]:.3g}"
        )
    largest = np.abs(axes).argmax(axis=0)
    return np.maximum(eigenvalues, 0.0), axes * np.sign(axes[largest, np.arange(len(axes))])


@njit
def _average_kernel(predictions, mean):
    """Equation da-test-time, of predictions in rows."""
    copies, size = predictions.shape
    # (da-test-time)  1/K sum_k f(a_k(x))
    mean[:] = 0.0
    for k in range(copies):
        row = predictions[k]
        for i in range(size):
            mean[i] += row[i]
    for i in range(size):
        mean[i] /= copies


def test_time_average(
    predict: Callable[[FloatArray], ArrayLike],
    images: ArrayLike,
    augmentations: Sequence[Callable[[FloatArray], ArrayLike]],
) -> FloatArray:
    r"""Average the predictions for differently augmented copies of the same images.

    .. math:: \frac{1}{K} \sum_{k=1}^{K} f(a_k(x))

    Parameters
    ----------
    predict : callable
        f: takes images, returns an array of predictions, such as probabilities, of one shape
        whatever the augmentation.
    images : array (batch, height, width) or (batch, height, width, channels)
    augmentations : sequence of callables
        The K maps :math:`a_k` from images to images. The unchanged image takes part if the identity
        ``lambda x: x`` is among them; it cannot where `predict` wants crops.

    Returns
    -------
    array
        Of the shape and float type of one prediction.

    Notes
    -----
    Equation da-test-time. Deck L "Data Augmentation": crops, flips and color shifts at test time;
    Krizhevsky et al. (2012), section 4.1, average ten crops.

    Examples
    --------
    >>> images = [[[1.0, 0.0]], [[0.0, 4.0]]]
    >>> def predict(x):
    ...     return x[:, 0, 0]
    >>> test_time_average(predict, images, [lambda x: x, lambda x: x[:, :, ::-1]])
    array([0.5, 2. ])
    """
    images = _as_images(images)
    augmentations = as_list("augmentations", augmentations)
    if not augmentations:
        raise ValueError("augmentations must hold at least one callable, got none")
    # Each gets a copy: an augmentation of the caller's may work in place.
    outputs = [as_float_array("predict", predict(_apply(a, images))) for a in augmentations]
    shapes = {output.shape for output in outputs}
    if len(shapes) > 1:
        raise ValueError(f"predict must return one shape for all augmentations, got {shapes}")
    first = outputs[0]
    mean = np.empty(first.size)
    _average_kernel(np.stack(outputs).reshape(len(outputs), first.size), mean)
    return mean.astype(first.dtype).reshape(first.shape)


# The name is no sign of a test to collect.
test_time_average.__test__ = False  # type: ignore[attr-defined]


def _apply(augmentation: Callable[[FloatArray], ArrayLike], images: FloatArray) -> FloatArray:
    return as_float_array("augmentations", augmentation(images.copy()))


def _as_images(images: ArrayLike) -> FloatArray:
    array = as_image_batch("images", images)
    if not is_finite(array):
        raise ValueError("images must be finite, got nan or infinity")
    return array


def _with_channels(images: FloatArray) -> FloatArray:
    """Return a view of shape (batch, height, width, channels)."""
    return images.reshape(*images.shape[:3], -1)


def _rows(images: FloatArray) -> FloatArray:
    """Return a view of shape (batch, height, width times channels)."""
    return images.reshape(*images.shape[:2], -1)


def _as_size(size: int | tuple[int, int], available: tuple[int, ...]) -> tuple[int, int]:
    pair = tuple(size) if isinstance(size, (tuple, list)) else (size, size)
    if len(pair) != 2:
        raise ValueError(f"size must be an integer or a pair (height, width), got {size!r}")
    height, width = (as_integer("size", side, low=1) for side in pair)
    if height > available[0] or width > available[1]:
        raise ValueError(
            f"size must fit into the padded image of {available[0]} x {available[1]} pixels, "
            f"got {height} x {width}"
        )
    return height, width


def _draw_factors(
    low: float, high: float, shape: tuple[int, int], rng: np.random.Generator
) -> FloatArray:
    low = as_positive("low", low)
    high = as_real("high", high, low=low)
    factors = np.exp(rng.uniform(np.log(low), np.log(high), shape))
    # Beyond these an image is a point or one pixel wide; the inverse of 1e-310 would be infinite.
    return np.clip(factors, 1e-100, 1e100)


def _as_range(value_range: tuple[float, float] | None, images: FloatArray) -> tuple[float, float]:
    if value_range is None:
        return -np.inf, np.inf
    if not isinstance(value_range, (tuple, list)) or len(value_range) != 2:
        raise ValueError(f"value_range must be a pair (low, high) or None, got {value_range!r}")
    low, high = (as_real("value_range", end) for end in value_range)
    if low > images.min() or high < images.max():
        raise ValueError(
            f"value_range must hold all pixels, which run from {images.min()} to {images.max()}, "
            f"got {value_range!r}"
        )
    return low, high
