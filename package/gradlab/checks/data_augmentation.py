"""Checks of the exercise ``data-augmentation``."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gradlab import data_augmentation as reference
from gradlab.activations import softmax
from gradlab.checks._edits import mistakes
from gradlab.checks._model import (
    Case,
    Exercise,
    Function,
    criteria,
)

Array = NDArray[Any]
Pair = tuple[int, int]

# ---- crop and flip: the student's random numbers are not ours, so what is compared are statistics

_EXACT = (0.0, 1e-6)
_CALLS = 25
"""At a probability of 0.4 an image that is never mirrored in as many is no accident: 3e-6."""

_SHARES = (0.0, 0.11)
"""For a share of 600 draws: six deviations of the difference of two, which are
sqrt(2 * 0.1 * 0.9 / 600) = 0.017 at a probability of 0.1. The mistakes are 0.4 away and more."""
_STEP = 100.0
"""Image b of a batch holds the codes of its pixels, all below this, plus b times this."""


class Window(NamedTuple):
    """What a window was made by."""

    kind: str
    border_of_zeros: bool
    top: int
    left: int


def _crop_flip(
    images: Array, size: Pair, padding: int, probability: float, rng: np.random.Generator
) -> Array:
    windows = reference.random_crop(images, size, rng, padding)
    return reference.random_flip(windows, rng, probability)


def _crop_flip_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for group, shape, size, padding, probability in (
        ("share", (600, 6, 5, 3), (3, 2), 0, 0.1),
        ("ordinary", (120, 6, 5, 3), (5, 2), 1, 0.4),
        ("ordinary", (120, 9, 5, 2), (4, 3), 0, 0.6),
        ("edge", (40, 5, 4, 3), (5, 4), 0, 0.0),
        ("edge", (40, 4, 6, 2), (4, 6), 0, 1.0),
        ("edge", (1, 5, 4, 2), (5, 4), 0, 0.4),
    ):
        arguments = {
            "images": _coded(shape),
            "size": size,
            "padding": padding,
            "probability": probability,
            "seed": int(rng.integers(2**32)),
        }
        rest = f"size {size}, padding {padding}, probability {probability:g}"
        cases.append(Case(group, f"images of shape {shape}, {rest}", arguments))
    return cases


def _coded(shape: tuple[int, ...]) -> Array:
    """Images in which every number says which pixel of which image it is."""
    pixels = 1.0 + np.arange(np.prod(shape[1:]), dtype=np.float64).reshape(shape[1:])
    return pixels + _STEP * np.arange(shape[0])[:, np.newaxis, np.newaxis, np.newaxis]


@cache
def _windows(shape: tuple[int, ...], size: Pair, padding: int) -> dict[bytes, Window]:
    """What can be made of a coded image by a crop and a change, right or wrong."""
    image, found = _coded((1, *shape))[0], {}
    border = ((padding, padding), (padding, padding), (0, 0))
    modes: list[Any] = ["reflect", "edge", "constant"] if padding else ["constant"]
    for mode in modes:
        padded = np.pad(image, border, mode=mode)
        for top in range(padded.shape[0] - size[0] + 1):
            for left in range(padded.shape[1] - size[1] + 1):
                window = padded[top : top + size[0], left : left + size[1]]
                for form, kind in (
                    (window[:, :, ::-1], "channels reversed"),
                    (window[::-1], "upside down"),
                    (window[:, ::-1], "mirrored"),
                    (window, "plain"),
                ):
                    found[form.tobytes()] = Window(kind, mode == "constant", top, left)
    return found


def _observe_crop_flip(
    function: Function, images: Array, size: Pair, padding: int, probability: float, seed: int
) -> tuple[Any, ...]:
    """What every right crop and flip has in common, whatever its random numbers."""
    known = _windows(images.shape[1:], size, padding)
    number = images[:, :1, :1, :1] - images[0, 0, 0, 0]

    def call(rng: np.random.Generator, count: int) -> Array:
        return np.asarray(function(images[:count], size, padding, probability, rng), np.float64)

    out = call(np.random.default_rng(seed), len(images))
    found: list[Window | None] = [None]
    if out.shape == (len(images), *size, images.shape[3]):
        # The number of the image is taken off what is not border.
        pixels = np.where(out != 0, out - number, 0.0)
        found = [known.get(image.tobytes()) for image in pixels]
    rng = np.random.default_rng(seed)
    first, second, *others = (call(rng, 8) for _ in range(_CALLS))
    again = call(np.random.default_rng(seed), 8)

    def turned(batch: Array) -> bool:
        """Whether the first image is a window that is not plain."""
        window = known.get(batch[0].tobytes()) if batch.ndim == 4 else None
        return window is not None and window.kind != "plain"

    windows = [window for window in found if window]
    kinds = [window.kind for window in windows]
    tops = {window.top for window in windows} or {-1}
    lefts = {window.left for window in windows} or {-1}
    places = {(window.top, window.left) for window in windows}
    drawn = {(*window[2:], window.kind == "plain") for window in windows}
    axes = [window.top for window in windows], [window.left for window in windows]
    spans = (
        n + 2 * padding - wanted + 1 for n, wanted in zip(images.shape[1:], size, strict=False)
    )
    return (
        out,
        *(out.shape[1:3] if out.ndim == 4 else (0, 0)),
        "upside down" in kinds,
        "channels reversed" in kinds,
        not all(window.border_of_zeros for window in windows),
        None in found,
        min(tops),
        max(tops),
        min(lefts),
        max(lefts),
        len(places) > 1,
        len(places) > 0.7 * len(tops) * len(lefts),
        len(drawn) > 1.4 * len(places),
        any(map(_too_rare_at_the_ends, axes, spans)),
        sum(kind != "plain" for kind in kinds) / len(found),
        probability in (0, 1) and any((kind != "plain") != probability for kind in kinds),
        len({kind == "plain" for kind in kinds}) == 2,
        any(map(turned, [first, second, *others])),
        np.array_equal(first, again),
        not np.array_equal(first, second),
    )


def _too_rare_at_the_ends(places: list[int], span: int) -> bool:
    """Whether the first and the last place come less often than others, as after rounding.

    With a span of 4 and 600 draws half of them are there, and a third after rounding. The limit is
    4.5 deviations below the half, and 3.9 above the third.
    """
    if len(places) < 500 or len(set(places)) < max(span, 3):
        return False
    share = 2 / span
    found = sum(place in (0, span - 1) for place in places) / len(places)
    return bool(found < share - 4.5 * np.sqrt(share * (1 - share) / len(places)))


def _crop_flip_answer(
    images: Array, size: Pair, padding: int, probability: float, rng: np.random.Generator
) -> Array:
    batch = len(images)
    rows, columns = size
    border = (padding, padding)
    padded = np.pad(images, ((0, 0), border, border, (0, 0)))
    down, across = padded.shape[1] - rows, padded.shape[2] - columns
    tops = rng.integers(0, down + 1, batch)
    lefts = rng.integers(0, across + 1, batch)
    mirrored = rng.random(batch) < probability
    windows = []
    for image, top, left, flip in zip(padded, tops, lefts, mirrored, strict=True):
        window = image[top : top + rows, left : left + columns]
        windows.append(np.flip(window, axis=1) if flip else window)
    return np.stack(windows)


CROP_FLIP = Exercise(
    name="data_augmentation.crop_flip",
    outputs=(
        "out",
        "rows_of_out",
        "columns_of_out",
        "upside_down_images",
        "reversed_channels",
        "border_not_of_zeros",
        "images_that_are_no_window",
        "smallest_top",
        "largest_top",
        "smallest_left",
        "largest_left",
        "several_places_in_one_batch",
        "rows_and_columns_drawn_apart",
        "flips_drawn_apart",
        "too_few_places_at_the_ends",
        "share_flipped",
        "flipped_at_probability_0_or_plain_at_1",
        "flipped_and_plain_in_one_batch",
        "an_image_is_mirrored_at_some_time",
        "same_seed_gives_same_images",
        "next_call_gives_new_images",
    ),
    returns=("out",),
    reference=_crop_flip,
    observe=_observe_crop_flip,
    cases=_crop_flip_cases,
    criteria=criteria(f"""
out has the right shape (shape, 0.25)
each image is a window of its own, mirrored left to right or plain (ordinary, 0.5)
    upside_down_images, reversed_channels, border_not_of_zeros, images_that_are_no_window: da-crop,
        within {_EXACT}
every place of the padded image can come, the last ones too (ordinary, 0.5)
    smallest_top, largest_top, smallest_left, largest_left: da-crop, within {_EXACT}
the right share is mirrored, and no place is rarer than another (share, 0.5)
    share_flipped, flipped_and_plain_in_one_batch, too_few_places_at_the_ends: da-crop, within
        {_SHARES}
each image has draws of its own, from rng (ordinary, 0.5)
    several_places_in_one_batch, rows_and_columns_drawn_apart, flips_drawn_apart,
        flipped_and_plain_in_one_batch, an_image_is_mirrored_at_some_time,
        same_seed_gives_same_images, next_call_gives_new_images: da-crop, within {_EXACT}
a window as large as the image, probabilities of 0 and 1, a single image (edge, 0.25)
    rows_of_out, columns_of_out, upside_down_images, reversed_channels, images_that_are_no_window,
        flipped_at_probability_0_or_plain_at_1: da-crop, within {_EXACT}
the arguments are left as they were (unchanged, 0.25)
"""),
    model=_crop_flip_answer,
    misconceptions=mistakes(
        _crop_flip_answer,
        """
a last place that is never drawn (da-crop, 2.25)
    down + 1 -> down or 1 & across + 1 -> across or 1
    down + 1 -> down or 1
    across + 1 -> across or 1
    A window of h rows fits into H rows at H - h + 1 places, from 0 to H - h, and rng.integers
    leaves out its upper end.
places of the image without its border (da-crop, 2.25)
    padded.shape[1] -> images.shape[1] & padded.shape[2] -> images.shape[2]
    The window is cut out of the padded image, which has 2 * padding rows and columns more.
one place for the whole batch (da-crop, 1.75)
    tops, lefts, mirrored -> [tops[0]] * batch, [lefts[0]] * batch, mirrored
    Each image of a mini-batch has a place of its own. With one draw all are shifted alike, and the
    batch is less varied.
images without their border (da-crop, 2.25)
    border = (padding, padding) -> border = (0, 0)
    Pad each image with rows and columns of zeros before you cut the window out.
no image mirrored (da-crop, 1.5)
    if flip else -> if False else
    With the given probability an image is mirrored left to right, each by its own draw.
a batch that is mirrored as a whole or not at all (da-crop, 1.75)
    rng.random(batch) -> np.full(batch, rng.random())
    In each of your batches all images are mirrored or none is. Draw for each image.
one random number for both directions (da-crop, 2.25)
    rng.integers(0, across + 1, batch) -> tops * across // max(down, 1)
    Top and left are two draws: with one, the window moves along a diagonal.
one random number for the place and the flip (da-crop, 2.25)
    tops = rng.integers(0, down + 1, batch) ->
        numbers = rng.random(batch); tops = (numbers * (down + 1)).astype(int)
        & rng.random(batch) < probability -> numbers < probability
    Your images are mirrored where the number for their place is small, so some windows are never
    mirrored and others never plain. The flip wants a draw of its own.
places that were rounded (da-crop, 2.25)
    rng.integers(0, down + 1, batch) -> rng.uniform(0, down, batch).round().astype(int)
        & rng.integers(0, across + 1, batch) -> rng.uniform(0, across, batch).round().astype(int)
    Rounding leaves the first and the last place half as much room as the others. rng.integers draws
    all places alike.
a window that is always in the middle (da-crop, 1.75)
    tops, lefts, mirrored -> [down // 2] * batch, [across // 2] * batch, mirrored
    That is what one does at test time. In training its place is random.
images turned upside down (da-crop, 2)
    axis=1 -> axis=0
    Left and right change places along the axis of the columns, which is axis 2 of a batch and axis
    1 of one image.
channels turned round (da-crop, 2)
    axis=1 -> axis=2
    The last axis holds the channels, so [..., ::-1] makes blue of red. The columns are axis 2 of a
    batch and axis 1 of one image.
the probability not to mirror (da-crop, 2)
    < probability -> >= probability
    A uniform number is below probability with this probability: such an image is mirrored.
a probability of one half whatever is given (da-crop, 2)
    < probability -> < 0.5
    One half is usual, and here it is an argument.
a border that continues the image (da-crop)
    border, (0, 0)) -> border, (0, 0)), mode="edge"
    border, (0, 0)) -> border, (0, 0)), mode="reflect"
    Some libraries pad so. Here the added pixels are 0.
a seed of your own (da-crop, 2.25)
    batch = len(images) -> batch = len(images); rng = np.random.default_rng(1)
    A generator that is made anew in every call repeats itself: every epoch would show the same
    windows. Draw from rng.
random numbers that do not come from rng (da-crop, 2.25)
    batch = len(images) -> batch = len(images); rng = np.random.default_rng()
    The caller cannot repeat the run: with the same rng the images have to be the same.
""",
    ),
)


# ---- zoom


def _zoom(image: Array, factor: float, fill: float) -> Array:
    rng = np.random.default_rng(0)
    return reference.random_zoom(image[np.newaxis], factor, factor, rng, fill)[0]


def _zoom_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for group, shape, factor, fill in (
        ("enlarge", (7, 5), 1.7, 0.35),
        ("enlarge", (4, 6), 2.6, -0.5),
        ("enlarge", (3, 7), 1.25, 0.8),
        ("shrink", (6, 4), 0.75, 0.4),
        ("shrink", (3, 5), 0.4, -0.8),
        ("shrink", (4, 6), 0.65, 1.5),
        ("edge", (5, 4), 1.0, 0.6),
        ("edge", (3, 5), 2.0, 0.7),
        ("edge", (1, 6), 0.55, 0.3),
    ):
        arguments = {"image": rng.uniform(0.0, 1.0, shape), "factor": factor, "fill": fill}
        label = f"an image of {shape[0]} x {shape[1]} pixels, factor {factor:g}, fill {fill:g}"
        cases.append(Case(group, label, arguments))
    return cases


def _zoom_answer(image: Array, factor: float, fill: float) -> Array:
    height, width = image.shape
    center_y, center_x = (height - 1) / 2, (width - 1) / 2
    out = np.zeros(image.shape)
    for i in range(height):
        for j in range(width):
            y = center_y + (i - center_y) / factor
            x = center_x + (j - center_x) / factor
            top, left = int(np.floor(y)), int(np.floor(x))
            fy, fx = y - top, x - left
            for row, row_weight in ((top, 1 - fy), (top + 1, fy)):
                for column, column_weight in ((left, 1 - fx), (left + 1, fx)):
                    inside = 0 <= row < height and 0 <= column < width
                    pixel = image[row, column] if inside else fill
                    out[i, j] += row_weight * column_weight * pixel
    return out


def _moved(image: Array, factor: float, fill: float) -> Array:
    """Forward mapping: each pixel goes to the nearest new place."""
    height, width = image.shape
    center_y, center_x = (height - 1) / 2, (width - 1) / 2
    out = np.full(image.shape, fill)
    for i in range(height):
        for j in range(width):
            row = round(center_y + factor * (i - center_y))
            column = round(center_x + factor * (j - center_x))
            if 0 <= row < height and 0 <= column < width:
                out[row, column] = image[i, j]
    return out


ZOOM = Exercise(
    name="data_augmentation.zoom",
    outputs=("out",),
    reference=_zoom,
    cases=_zoom_cases,
    criteria=criteria("""
out has the shape of the image (shape, 0.25)
enlarged images (enlarge, 1.25)
    out: da-zoom da-bilinear
shrunk images, with the background around them (shrink, 0.75)
    out: da-zoom da-bilinear
a factor of 1, places that are pixels, an image of one row (edge, 0.5)
    out: da-bilinear
the arguments are left as they were (unchanged, 0.25)
"""),
    model=_zoom_answer,
    misconceptions=mistakes(
        _zoom_answer,
        """
a place that is multiplied by the factor (da-zoom, 0.25)
    (i - center_y) / -> (i - center_y) * & (j - center_x) / -> (j - center_x) *
    To enlarge, look closer to the center: what is now at u was at u / factor. Yours shrinks where
    it should enlarge.
pixels of the input moved to where they go (da-zoom, 0.25)
    = _moved
    Their targets fall between the pixels of the output, and some of these get none. Go through the
    pixels of the output and ask where each comes from.
a zoom about the corner (da-zoom, 0.25)
    (height - 1) / 2, (width - 1) / 2 -> 0, 0
    Subtract the center before you divide by the factor, and add it again.
a center that is half a pixel off (da-zoom, 0.25)
    (height - 1) / 2, (width - 1) / 2 -> height / 2, width / 2
    (height - 1) / 2, (width - 1) / 2 -> height // 2, width // 2
    n pixels are at 0, 1, ..., n - 1. In the middle between the first and the last is (n - 1) / 2.
the nearest pixel without interpolation (da-bilinear, 0.25)
    y - top, x - left -> int(y - top + 0.5), int(x - left + 0.5)
    y - top, x - left -> round(y - top), round(x - left)
    top, left = -> y, x = round(y), round(x); top, left =
    A common choice of libraries. Here each value is a mean of four pixels, the nearer the heavier.
the pixel above and on the left alone (da-bilinear, 0.25)
    y - top, x - left -> 0, 0
    The place lies between four pixels, and each of them has a part in the value.
weights exchanged between the neighbors (da-bilinear, 0.25)
    y - top, x - left -> top + 1 - y, left + 1 - x
    The nearer a pixel, the larger its weight: where f_y is small, the place is close to the row
    above, whose weight is 1 - f_y.
a plain mean of the four neighbors (da-bilinear, 0.25)
    y - top, x - left -> 0.5, 0.5
    The weights follow from the distances: they are 1/4 each in the middle between four pixels and
    nowhere else.
an edge that is continued outside (da-bilinear, 1.75)
    top, left = -> y, x = np.clip(y, 0, height - 1), np.clip(x, 0, width - 1); top, left =
    Some libraries do so. Here a neighbor outside the image has the value fill.
neighbors from the other side of the image (da-bilinear, 1.75)
    0 <= row < height and 0 <= column < width -> row < height and column < width
    In Python the index -1 means the last row. Test for negative indices, too.
a background that begins at the outermost pixels (da-bilinear, 1.75)
    inside = 0 -> inside = 0 <= y <= height - 1 and 0 <= x <= width - 1 and 0
    That is SciPy's rule. Here a place between the last pixel and the background lies between both:
    only the neighbors that are outside have the value fill.
a background of 0 (da-bilinear, 1.75)
    else fill -> else 0
    A neighbor outside the image has the value fill.
""",
    ),
)


# ---- color PCA


class _Given(np.random.Generator):
    """A generator whose normal numbers are given."""

    def __init__(self, numbers: Array) -> None:
        super().__init__(np.random.PCG64(0))
        self._numbers = numbers

    def standard_normal(self, *arguments: Any, **options: Any) -> Any:
        return self._numbers


def _color_pca(images: Array, covariance: Array, alpha: Array) -> Array:
    return reference.color_pca(images, 1.0, _Given(alpha), None, covariance)


def _color_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for group, shape, special in (
        ("ordinary", (4, 5, 6, 3), ""),
        ("ordinary", (5, 2, 6, 3), ""),
        ("edge", (3, 5, 2, 4), "four channels"),
        ("edge", (4, 2, 5, 3), "gray images: the colors vary along one axis"),
    ):
        batch, channels = shape[0], shape[3]
        axes, _ = np.linalg.qr(rng.standard_normal((channels, channels)))
        # Variances that are no ones, and far enough apart for their axes to be well conditioned.
        variances = np.array([0.15, 0.5, 1.9, 4.0])[:channels] * rng.uniform(0.8, 1.2, channels)
        covariance = (axes * variances) @ axes.T
        if special.startswith("gray"):
            covariance = np.full((channels, channels), rng.uniform(0.4, 0.6))
        arguments = {
            "images": rng.uniform(0.2, 0.8, shape),
            "covariance": (covariance + covariance.T) / 2,
            "alpha": rng.uniform(0.6, 1.5, (batch, channels))
            * rng.choice([-1.0, 1.0], batch)[:, np.newaxis],
        }
        label = f"images of shape {shape}"
        cases.append(Case(group, f"{label}, {special}" if special else label, arguments))
    return cases


def _axis_of(shift: Array, covariance: Array) -> tuple[Array, Array]:
    """How far shifts are from an axis of the colors (a sine), and their length over its variance;
    0 and 1 for a shift of zero, as along an axis without variance.
    """
    length = np.linalg.norm(shift, axis=-1)
    zero = length < 1e-7
    length = np.where(zero, 1.0, length)
    unit = shift / length[..., np.newaxis]
    image = unit @ covariance
    variance = (unit * image).sum(axis=-1)
    rest = np.linalg.norm(image - variance[..., np.newaxis] * unit, axis=-1)
    size = np.maximum(np.linalg.norm(image, axis=-1), 1e-12)
    ratio = length / np.where(variance > 1e-12, variance, 1e-12)
    return np.where(zero, 0.0, rest / size), np.where(zero, 1.0, ratio)


def _observe_color(
    function: Function, images: Array, covariance: Array, alpha: Array
) -> tuple[Any, ...]:
    """What does not depend on the signs and the order of the axes."""
    batch, channels = alpha.shape
    amplitude = alpha[:, 0]

    def shift_by(numbers: Array) -> Array:
        shifted = np.asarray(function(images, covariance, numbers), np.float64)
        try:
            shifted = np.broadcast_to(shifted, images.shape)
        except ValueError:
            # Which the shape criterion explains.
            shifted = np.zeros(images.shape)
        return shifted - images

    out = function(images, covariance, alpha)
    single = [shift_by(amplitude[:, np.newaxis] * one) for one in np.eye(channels)]
    spread = max(np.ptp(shift, axis=(1, 2)).max() for shift in single)
    # (channels, batch, channels): the shift that a number of 1 for one axis brings to an image.
    shifts = np.array([shift[:, 0, 0] for shift in single]) / amplitude[:, np.newaxis]
    lengths = np.linalg.norm(shifts, axis=-1)
    strongest = lengths[lengths[:, 0].argmax()]
    angles, ratios = _axis_of(shifts, covariance)
    whole = shift_by(alpha)[:, 0, 0] - np.einsum("ik,kic->ic", alpha, shifts)
    return (
        out,
        np.round(spread, 9),
        strongest / strongest[0] if strongest[0] > 0 else np.zeros(batch),
        np.sort(lengths, axis=0).T,
        np.round(angles.max(), 9),
        np.array([ratios.min(), ratios.max()]),
        np.round(np.abs(whole).max(), 9),
    )


def _color_answer(images: Array, covariance: Array, alpha: Array) -> Array:
    eigenvalues, axes = np.linalg.eigh(covariance)
    shift = (alpha * eigenvalues) @ axes.T
    return images + shift[:, np.newaxis, np.newaxis]


_AXES = ("lengths", "sine_to_an_axis", "length_over_variance", "out_minus_sum_over_axes")

COLOR_PCA = Exercise(
    name="data_augmentation.color_pca",
    outputs=("out", "spread_over_pixels", "by_own_alpha", *_AXES),
    returns=("out",),
    reference=_color_pca,
    observe=_observe_color,
    cases=_color_cases,
    criteria=criteria("""
out has the shape of the images (shape, 0.25)
all pixels of an image are shifted alike, by its own alpha (ordinary, 0.5)
    spread_over_pixels, by_own_alpha: da-color-pca
the shift runs along the axes of the colors, with the right length (ordinary, 0.75)
    lengths, sine_to_an_axis, length_over_variance, out_minus_sum_over_axes: da-color-pca
four channels, gray images (edge, 0.25)
    lengths, sine_to_an_axis, length_over_variance, out_minus_sum_over_axes: da-color-pca
the arguments are left as they were (unchanged, 0.25)
"""),
    model=_color_answer,
    misconceptions=mistakes(
        _color_answer,
        """
the deviation in place of the eigenvalue (da-color-pca, 1)
    alpha * eigenvalues -> alpha * np.sqrt(np.maximum(eigenvalues, 0))
    alpha * eigenvalues -> alpha * np.sqrt(np.abs(eigenvalues))
    You take the root of the eigenvalue, which does not depend on the unit of the pixels: the
    chapter's other rule, and the better one. This part asks for the paper's, the eigenvalue itself.
axes without their eigenvalues (da-color-pca, 1)
    alpha * eigenvalues -> alpha
    Each entry of alpha is multiplied by the eigenvalue of its axis first: colors vary more along
    some axes than along others.
eigenvalues without their axes (da-color-pca, 1)
    (alpha * eigenvalues) @ axes.T -> alpha * eigenvalues
    You shift red, green and blue themselves. The numbers belong to the eigenvectors, so multiply by
    V.
rows of V where its columns are the eigenvectors (da-color-pca, 1)
    axes.T -> axes
    np.linalg.eigh returns the eigenvectors in the columns: the shift of an image is
    V (alpha * lambda), so for rows of alpha it is (alpha * lambda) @ V.T.
eigenvalues and eigenvectors in different orders (da-color-pca, 1)
    alpha * eigenvalues -> alpha * eigenvalues[::-1]
    np.linalg.eigh gives both in ascending order. Who sorts one sorts the other.
the covariance itself in place of its axes (da-color-pca, 1)
    (alpha * eigenvalues) @ axes.T -> alpha @ covariance
    With normal alpha this draws from the same distribution. With a given one it does not: entry k
    of alpha belongs to axis k alone.
the covariance of the batch (da-color-pca, 1)
    eigh(covariance) -> eigh(np.cov(images.reshape(-1, images.shape[-1]).T))
    eigh(covariance) -> eigh(np.cov(images.reshape(-1, images.shape[-1]).T, ddof=0))
    Take the covariance that is given, that of the training set. With the batch's own the shift of
    an image depends on who is beside it.
one alpha for the whole batch (da-color-pca, 0.25)
    alpha * eigenvalues -> alpha[:1] * eigenvalues
    Row i of alpha belongs to image i.
pixels multiplied by the shift (da-color-pca, 0.25)
    images + shift[:, np.newaxis, np.newaxis] -> images * (1 + shift[:, np.newaxis, np.newaxis])
    images + -> images *
    The shift is added, and is the same for all pixels of an image.
""",
    ),
)


# ---- averaging at test time


def _classifier(rng: np.random.Generator, classes: int) -> Callable[[Array], Array]:
    """Probabilities from a few features that images of any size have; far from linear."""
    weight, bias = rng.standard_normal((6, classes)), rng.standard_normal(classes)

    def predict(images: Array) -> Array:
        x = np.asarray(images, np.float64)
        corners = [x[:, i, j] for i in (0, -1) for j in (0, -1)]
        features = np.stack([*corners, x.mean(axis=(1, 2)), x.std(axis=(1, 2))], axis=1)
        return softmax(3.0 * np.tanh(features @ weight) + bias)

    return predict


def _brighter(images: Array) -> Array:
    return 1.2 * images + 0.3


def _mirrored(images: Array) -> Array:
    return images[:, :, ::-1]


def _turned(images: Array) -> Array:
    return images[:, ::-1, ::-1]


def _shifted(images: Array) -> Array:
    return np.pad(images, ((0, 0), (2, 0), (1, 0)))[:, :-2, :-1]


def _unchanged(images: Array) -> Array:
    return images


def _window(top: int, left: int) -> Callable[[Array], Array]:
    """A crop of 4 x 3 pixels; of what is cropped already nothing more is lost."""

    def crop(images: Array) -> Array:
        first, second = (
            min(wanted, has - needed)
            for wanted, has, needed in zip((top, left), images.shape[1:], (4, 3), strict=True)
        )
        return images[:, first : first + 4, second : second + 3]

    return crop


def _average_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for group, shape, classes, augmentations, what in (
        ("ordinary", (5, 6, 7), 3, [_unchanged, _mirrored, _shifted, _brighter], "four changes"),
        ("ordinary", (4, 7, 5), 6, [_shifted, _turned, _brighter], "three changes"),
        ("edge", (5, 6, 8), 4, [_window(0, 0), _window(2, 5), _window(1, 3)], "three crops"),
        ("edge", (1, 6, 5), 3, [_mirrored, _brighter], "one image"),
        ("edge", (3, 5, 6), 4, [_brighter], "a single change"),
    ):
        arguments = {
            "predict": _classifier(rng, classes),
            "images": rng.uniform(0.0, 1.0, shape),
            "augmentations": augmentations,
        }
        label = f"images of shape {shape}, {classes} classes, {what}"
        cases.append(Case(group, label, arguments))
    return cases


def _average_answer(
    predict: Callable[[Array], Any], images: Array, augmentations: list[Function]
) -> Any:
    total = 0.0
    for change in augmentations:
        total = total + predict(change(images))
    return total / len(augmentations)


def _vote(outputs: Array) -> Array:
    return np.eye(outputs.shape[1])[outputs.argmax(axis=1)]


def _geometric(outputs: list[Array]) -> Array:
    mean = np.exp(np.mean(np.log(outputs), axis=0))
    return mean / mean.sum(axis=1, keepdims=True)


TEST_TIME = Exercise(
    name="data_augmentation.test_time",
    outputs=("average",),
    reference=reference.test_time_average,
    cases=_average_cases,
    criteria=criteria("""
the average has the shape of one prediction (shape, 0.25)
the average of the predictions (ordinary, 0.5)
    average: da-test-time
crops, one image, a single change (edge, 0.25)
    average: da-test-time
the arguments are left as they were (unchanged, 0.25)
"""),
    model=_average_answer,
    misconceptions=mistakes(
        _average_answer,
        """
the prediction for the mean image (da-test-time, 0.25)
    predict(change -> (change & total / len(augmentations) -> predict(total / len(augmentations))
    Average the answers, not the images: a mean of shifted images is a blurred one that the network
    has never seen.
a sum without the division by K (da-test-time, 0.25)
    total / len(augmentations) -> total
    The mean of K probabilities is a probability, their sum is not.
the unchanged image counted on top (da-test-time, 0.25)
    total = 0.0 -> total = predict(images) & len(augmentations) -> (len(augmentations) + 1)
    It takes part if it is among the augmentations, and not otherwise: crops, for one, have another
    size.
the unchanged image alone (da-test-time, 0.25)
    total / len(augmentations) -> predict(images)
    Ask the network about each changed copy.
changes applied one after the other (da-test-time, 0.25)
    change(images) -> images := change(images)
    Each change starts from the image itself, not from the copy before.
an average that stays 0 (da-test-time, idle)
    total + predict(change(images)) -> total
    total + predict -> total * predict
    Each prediction is added to the total.
the last copy alone (da-test-time, 0.25)
    total + predict -> predict & total / len(augmentations) -> total
    Every copy has its part in the average. Does your loop overwrite the answer?
votes in place of probabilities (da-test-time, 0.25)
    predict(change(images)) -> _vote(predict(change(images)))
    A vote forgets how sure each answer was. Average the predictions themselves.
a geometric mean (da-test-time, 0.25)
    0.0 -> 1.0 & total + -> total * & / len(augmentations) -> ** (1 / len(augmentations))
    total / len(augmentations) -> _geometric([predict(f(images)) for f in augmentations])
    That averages logarithms, which is another way to combine answers. Here it is the predictions
    themselves.
the largest probability of all copies (da-test-time, 0.25)
    total / len(augmentations) -> np.max([predict(f(images)) for f in augmentations], axis=0)
    The largest values of several distributions are no distribution: take the mean.
""",
    ),
)

EXERCISES = (CROP_FLIP, ZOOM, COLOR_PCA, TEST_TIME)
