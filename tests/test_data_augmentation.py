import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import ndimage
from support import array_errors, torch

from gradlab.data_augmentation import (
    add_noise,
    color_pca,
    random_crop,
    random_flip,
    random_zoom,
    rotate,
    stretch,
)
from gradlab.data_augmentation import test_time_average as average_predictions
from gradlab.datasets import load_digits

DTYPES = [np.float64, np.float32]


def rng(seed=0):
    return np.random.default_rng(seed)


def make_images(seed, batch=5, height=6, width=8, channels=3, dtype=np.float64):
    shape = (batch, height, width) if channels is None else (batch, height, width, channels)
    return rng(seed).uniform(0.1, 0.9, shape).astype(dtype)


class Largest(np.random.Generator):
    """Draws the upper end of every uniform distribution."""

    def __init__(self):
        super().__init__(np.random.PCG64(0))

    def uniform(self, low, high, size):
        """Return `high` throughout."""
        return np.full(size, high) + 0 * low


def warped_by_scipy(images, matrices, fill):
    """Each channel of each image under its own linear map about the center."""
    out = np.empty_like(images)
    center = (np.array(images.shape[1:3]) - 1) / 2
    mode = {"mode": "nearest"} if fill is None else {"mode": "grid-constant", "cval": fill}
    for b in range(images.shape[0]):
        for c in range(images.shape[3]):
            out[b, :, :, c] = ndimage.affine_transform(
                images[b, :, :, c],
                matrices[b],
                center - matrices[b] @ center,
                order=1,
                prefilter=False,
                **mode,
            )
    return out


def rotation(degrees):
    angle = np.deg2rad(degrees)
    return np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])


# ---- crops and flips


@pytest.mark.equation("da-crop")
@pytest.mark.parametrize("channels", [None, 3])
@pytest.mark.parametrize("padding", [0, 2])
def test_crops_are_windows_and_every_place_is_drawn(channels, padding):
    images = np.broadcast_to(
        make_images(0, 1, channels=channels), (400, 6, 8, 3)[: 3 + bool(channels)]
    )
    out = random_crop(images, (4, 7), rng(1), padding, fill=0.05)
    assert out.shape == (400, 4, 7, 3)[: out.ndim]
    pad = [(padding, padding), (padding, padding), (0, 0)][: images.ndim - 1]
    padded = np.pad(images[0], pad, constant_values=0.05)
    places = set()
    for crop in out:
        found = [
            (top, left)
            for top in range(padded.shape[0] - 3)
            for left in range(padded.shape[1] - 6)
            if np.array_equal(padded[top : top + 4, left : left + 7], crop)
        ]
        assert len(found) == 1
        places |= set(found)
    assert len(places) == (padded.shape[0] - 3) * (padded.shape[1] - 6)


@pytest.mark.equation("da-crop")
@given(
    seed=st.integers(0, 2**32 - 1),
    sides=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    padding=st.integers(0, 6),
    channels=st.sampled_from([None, 1, 3]),
    shares=st.tuples(st.floats(0, 1), st.floats(0, 1)),
)
def test_crops_are_those_of_padded_images(seed, sides, padding, channels, shares):
    images = make_images(seed, 6, *sides, channels)
    pad = [(0, 0), (padding, padding), (padding, padding), (0, 0)][: images.ndim]
    padded = np.pad(images, pad, constant_values=0.05)
    # A border that is wider than the window holds whole windows.
    size = [1 + int(p * (n - 1)) for p, n in zip(shares, padded.shape[1:3])]
    draw = rng(seed)
    tops = draw.integers(0, padded.shape[1] - size[0] + 1, 6)
    lefts = draw.integers(0, padded.shape[2] - size[1] + 1, 6)
    expected = [p[t : t + size[0], k : k + size[1]] for p, t, k in zip(padded, tops, lefts)]
    out = random_crop(images, tuple(size), rng(seed), padding, 0.05)
    np.testing.assert_array_equal(out, np.array(expected))


def test_crop_of_the_whole_image_is_the_image():
    images = make_images(1)
    np.testing.assert_array_equal(random_crop(images, (6, 8), rng()), images)
    assert random_crop(images, 6, rng()).shape == (5, 6, 6, 3)


@pytest.mark.equation("da-flip")
@pytest.mark.parametrize("channels", [None, 3])
def test_flips_mirror_some_images_and_not_others(channels):
    images = make_images(2, 1000, 2, 3, channels)
    for axis, number in (("horizontal", 2), ("vertical", 1)):
        out = random_flip(images, rng(1), 0.3, axis)
        mirrored = np.array(
            [np.array_equal(a, np.flip(b, number - 1)) for a, b in zip(out, images, strict=True)]
        )
        same = np.array([np.array_equal(a, b) for a, b in zip(out, images, strict=True)])
        assert (mirrored ^ same).all()
        assert mirrored.mean() == pytest.approx(0.3, abs=0.07)
        np.testing.assert_array_equal(random_flip(images, rng(), 0, axis), images)
        np.testing.assert_array_equal(
            random_flip(images, rng(), 1, axis), np.flip(images, axis=number)
        )


# ---- geometry


@pytest.mark.equation("da-bilinear")
@pytest.mark.equation("da-zoom")
@pytest.mark.equation("da-stretch")
@pytest.mark.equation("da-rotate")
@pytest.mark.parametrize("fill", [0.0, 0.4, None])
@given(seed=st.integers(0, 2**32 - 1), height=st.integers(1, 7), width=st.integers(1, 7))
def test_geometry_agrees_with_scipy(fill, seed, height, width):
    images = make_images(seed, 2, height, width, 2)
    angles = rng(seed).uniform(-60, 60, 2)
    expected = warped_by_scipy(images, [rotation(a) for a in angles], fill)
    np.testing.assert_allclose(rotate(images, 60, rng(seed), fill), expected, atol=1e-12)

    zooms = np.exp(rng(seed).uniform(np.log(0.4), np.log(3), (2, 1)))
    expected = warped_by_scipy(images, [np.eye(2) / z for z in zooms], fill)
    np.testing.assert_allclose(random_zoom(images, 0.4, 3, rng(seed), fill), expected, atol=1e-12)

    factors = np.exp(rng(seed).uniform(np.log(0.4), np.log(3), (2, 2)))
    expected = warped_by_scipy(images, [np.diag(1 / f) for f in factors], fill)
    np.testing.assert_allclose(stretch(images, 0.4, 3, rng(seed), fill), expected, atol=1e-12)


def test_rotation_agrees_with_pytorch():
    pytorch = torch()
    images = make_images(3, 1, 7, 7)
    angle = np.deg2rad(25)
    # PyTorch's grid has x before y.
    theta = [[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0]]
    moved = pytorch.from_numpy(images.transpose(0, 3, 1, 2).copy())
    grid = pytorch.nn.functional.affine_grid(
        pytorch.tensor([theta], dtype=pytorch.float64), moved.shape, align_corners=True
    )
    expected = pytorch.nn.functional.grid_sample(
        moved, grid, "bilinear", "zeros", align_corners=True
    )
    out = rotate(images, 25, Largest())
    np.testing.assert_allclose(out, expected.numpy().transpose(0, 2, 3, 1), atol=1e-12)


@pytest.mark.parametrize(("angle", "quarters"), [(90, 1), (180, 2)])
def test_quarter_turns_are_those_of_numpy(angle, quarters):
    images = make_images(4, height=7, width=7)
    np.testing.assert_allclose(
        rotate(images, angle, Largest()), np.rot90(images, quarters, axes=(1, 2)), atol=1e-12
    )


def test_zoom_by_two_at_the_corner_and_by_a_half_at_the_border():
    image = np.arange(9.0).reshape(1, 3, 3)
    # Half way from the center, 4, to the corners.
    np.testing.assert_allclose(
        random_zoom(image, 2, 2, rng())[0, ::2, ::2], [[2.0, 3.0], [5.0, 6.0]]
    )
    np.testing.assert_array_equal(
        random_zoom(image, 0.5, 0.5, rng(), fill=-1.0),
        [[[-1, -1, -1], [-1, 4, -1], [-1, -1, -1]]],
    )


def test_doing_nothing_changes_nothing():
    images = make_images(5)
    for out in (
        rotate(images, 0, rng()),
        random_zoom(images, 1, 1, rng()),
        stretch(images, 1, 1, rng()),
        add_noise(images, 0, rng()),
        color_pca(images, 0, rng()),
    ):
        np.testing.assert_array_equal(out, images)
        assert out is not images


@pytest.mark.parametrize("dtype", DTYPES)
@given(seed=st.integers(0, 2**32 - 1), fill=st.sampled_from([None, 0.5]), flat=st.booleans())
def test_geometry_stays_in_the_range_to_the_last_digit(dtype, seed, fill, flat):
    images = make_images(seed, 3, dtype=dtype)
    if flat:
        images[:] = images[0, 0, 0, 0]
    low, high = images.min(), images.max()
    if fill is not None:
        low, high = min(low, dtype(fill)), max(high, dtype(fill))
    for out in (
        rotate(images, 180, rng(seed), fill),
        random_zoom(images, 0.3, 3, rng(seed), fill),
        stretch(images, 0.3, 3, rng(seed), fill),
    ):
        assert low <= out.min()
        assert out.max() <= high


def test_extreme_factors_read_nothing_outside():
    images = make_images(6)
    np.testing.assert_array_equal(random_zoom(images, 1e-300, 1e-300, rng(), fill=0.5), 0.5)
    wide = random_zoom(images[:, :5, :7], 1e300, 1e300, rng())
    np.testing.assert_allclose(wide, np.broadcast_to(images[:, 2:3, 3:4], wide.shape), rtol=1e-12)


def test_every_image_has_a_draw_of_its_own_and_all_its_channels_share_it():
    images = np.broadcast_to(make_images(7, 1, channels=1), (30, 6, 8, 3))
    for out in (
        rotate(images, 30, rng()),
        random_zoom(images, 0.5, 2, rng()),
        stretch(images, 0.5, 2, rng()),
    ):
        assert len(np.unique(out, axis=0)) == 30
        np.testing.assert_array_equal(out[..., 0], out[..., 2])


def test_zoom_factors_are_as_often_above_1_as_below():
    # The area of a white square on black tells the factor.
    image = np.zeros((800, 21, 21))
    image[:, 6:15, 6:15] = 1
    factors = np.sqrt(random_zoom(image, 0.5, 2, rng()).sum(axis=(1, 2)) / 81)
    assert factors.min() == pytest.approx(0.5, abs=0.08)
    assert factors.max() == pytest.approx(2, abs=0.08)
    assert (factors > 1).mean() == pytest.approx(0.5, abs=0.06)
    assert (factors > 2**0.5).mean() == pytest.approx(0.25, abs=0.06)


def test_rotation_angles_go_both_ways():
    image = np.zeros((800, 21, 21))
    image[:, 10, 18] = 1
    rows, columns = np.mgrid[:21, :21]
    out = rotate(image, 40, rng())
    mass = out.sum(axis=(1, 2))
    y = (out * rows).sum(axis=(1, 2)) / mass - 10
    x = (out * columns).sum(axis=(1, 2)) / mass - 10
    angles = np.rad2deg(np.arctan2(-y, x))
    assert angles.min() == pytest.approx(-40, abs=2)
    assert angles.max() == pytest.approx(40, abs=2)
    assert (angles > 0).mean() == pytest.approx(0.5, abs=0.08)
    # Anticlockwise on the screen: the right-hand dot goes up.
    assert (rotate(image[:1], 40, Largest())[0] * rows).sum() < 10


# ---- noise and color


@pytest.mark.equation("da-noise")
def test_noise_is_the_definition():
    images = make_images(8, 50)
    expected = np.clip(images + 0.2 * rng(3).standard_normal(images.shape), 0, 1)
    out = add_noise(images, 0.2, rng(3))
    np.testing.assert_allclose(out, expected)
    assert out.min() == 0
    assert out.max() == 1
    noise = add_noise(5 * images, 0.2, rng(3), value_range=None) - 5 * images
    assert noise.std() == pytest.approx(0.2, rel=0.05)
    assert add_noise(100 * images, 50, rng(), (0, 255)).max() <= 255


@pytest.mark.equation("da-color-pca")
@pytest.mark.parametrize("scaled_by", ["eigenvalue", "deviation"])
def test_color_pca_is_the_definition(scaled_by):
    images = make_images(9, 3) ** [1, 2, 3]
    out = color_pca(images, 0.3, rng(4), None, scaled_by=scaled_by)
    pixels = images.reshape(-1, 3)
    variances, axes = np.linalg.eigh(np.cov(pixels, rowvar=False, ddof=0))
    alpha = 0.3 * rng(4).standard_normal((3, 3))
    for i in range(3):
        shift = np.zeros(3)
        for k in range(3):
            axis = axes[:, k] * np.sign(axes[np.abs(axes[:, k]).argmax(), k])
            size = variances[k] if scaled_by == "eigenvalue" else variances[k] ** 0.5
            shift += alpha[i, k] * size * axis
        np.testing.assert_allclose(out[i], images[i] + shift)


def test_color_shifts_have_the_covariance_of_the_colors_by_deviation():
    images = np.broadcast_to(make_images(10, 1), (20_000, 6, 8, 3))[:, :2, :2]
    mixing = np.array([[3.0, 0, 0], [2, 1, 0], [1, 1, 0.5]])
    covariance = mixing @ mixing.T / 100
    shifts = color_pca(images, 0.5, rng(), None, covariance, "deviation") - images
    assert np.ptp(shifts, axis=(1, 2)).max() < 1e-12
    np.testing.assert_allclose(
        np.cov(shifts[:, 0, 0], rowvar=False), 0.25 * covariance, atol=0.05 * covariance.max()
    )


def test_the_paper_s_strength_depends_on_the_unit_of_the_pixels():
    images = make_images(11)
    for scaled_by, factor in (("eigenvalue", 255**2), ("deviation", 255)):
        small = color_pca(images, 0.1, rng(5), None, scaled_by=scaled_by) - images
        large = color_pca(255 * images, 0.1, rng(5), None, scaled_by=scaled_by) - 255 * images
        np.testing.assert_allclose(large, factor * small, rtol=1e-6)


def test_color_statistics_of_the_training_set_are_used():
    images = make_images(12, 2)
    train = make_images(13, 40) * [1.0, 0.5, 0.2]
    covariance = np.cov(train.reshape(-1, 3), rowvar=False)
    out = color_pca(images, 0.3, rng(), covariance=covariance)
    assert np.abs(out - color_pca(images, 0.3, rng())).max() > 1e-3
    # An image's shift is its own.
    alone = color_pca(images[:1], 0.3, rng(), covariance=covariance)
    np.testing.assert_allclose(alone, out[:1])
    gray = color_pca(np.full((2, 3, 3, 1), 0.5), 0.5, rng(), covariance=[[0.04]])
    np.testing.assert_allclose(gray[:, 0, 0, 0], 0.5 + 0.02 * rng().standard_normal(2))


def test_colors_are_cut_off_at_the_range():
    out = color_pca(make_images(14), 100.0, rng())
    assert out.min() == 0
    assert out.max() == 1
    constant = np.full((2, 3, 3, 3), 0.3)
    np.testing.assert_allclose(color_pca(constant, 1.0, rng()), constant)


# ---- at test time


@pytest.mark.equation("da-test-time")
def test_test_time_average_is_the_mean_of_the_predictions():
    images = make_images(15)
    weight = rng().normal(size=(6 * 8 * 3, 4))

    def predict(x):
        return np.tanh(x.reshape(len(x), -1) @ weight)

    augmentations = [lambda x: x, lambda x: x[:, :, ::-1], lambda x: 0.5 * x]
    expected = (predict(images) + predict(images[:, :, ::-1]) + predict(0.5 * images)) / 3
    np.testing.assert_allclose(average_predictions(predict, images, augmentations), expected)
    np.testing.assert_allclose(
        average_predictions(predict, images, augmentations[:1]), predict(images)
    )


@pytest.mark.parametrize("shape", [(), (0,), (5, 0), (5, 2, 3)])
def test_predictions_of_any_shape_are_averaged(shape):
    values = iter(rng().normal(size=(4, *shape)).astype(np.float32))
    expected = rng().normal(size=(4, *shape)).astype(np.float32).mean(axis=0, dtype=float)
    out = average_predictions(lambda x: next(values), make_images(15), [identity] * 4)
    assert (out.shape, out.dtype) == (shape, np.float32)
    np.testing.assert_allclose(out, expected, rtol=1e-6)


def test_averaging_over_flips_forgets_the_side():
    images = make_images(16)
    both = [lambda x: x, lambda x: x[:, :, ::-1]]

    def predict(x):
        return x[:, 0, 0]

    np.testing.assert_allclose(
        average_predictions(predict, images, both),
        average_predictions(predict, images[:, :, ::-1], both),
    )


def test_augmentations_may_work_in_place_and_draw():
    images = make_images(17)
    copy = images.copy()

    def darken(x):
        x *= 0.5
        return x

    generator = rng()
    out = average_predictions(
        lambda x: x.mean(axis=(1, 2, 3)),
        images,
        [darken, lambda x: x, lambda x: random_crop(x, 4, generator)],
    )
    assert out.shape == (5,)
    np.testing.assert_array_equal(images, copy)
    single = average_predictions(
        lambda x: x.mean(axis=(1, 2)), images.astype(np.float32), [lambda x: x]
    )
    assert single.dtype == np.float32


def test_digits_pass_through_all_of_them():
    digits = load_digits().x_train[:40].reshape(-1, 8, 8)
    generator = rng()
    out = random_crop(digits, 8, generator, padding=1)
    for change in (
        lambda x: rotate(x, 15, generator),
        lambda x: random_zoom(x, 0.9, 1.2, generator),
        lambda x: stretch(x, 0.9, 1.1, generator),
        lambda x: random_flip(x, generator),
        lambda x: add_noise(x, 0.05, generator),
    ):
        out = change(out)
        assert out.shape == digits.shape
        assert out.min() >= 0
        assert out.max() <= 1


# ---- conventions of the package

IMAGES = make_images(18)
COVARIANCE = np.diag([0.03, 0.02, 0.01])


def identity(x):
    return x


CALLS = {
    random_crop: {"images": IMAGES, "size": 4, "rng": rng(), "padding": 1, "fill": 0.0},
    random_zoom: {"images": IMAGES, "low": 0.5, "high": 2.0, "rng": rng(), "fill": 0.0},
    random_flip: {"images": IMAGES, "rng": rng(), "probability": 0.5, "axis": "vertical"},
    rotate: {"images": IMAGES, "max_angle": 30.0, "rng": rng(), "fill": 0.0},
    stretch: {"images": IMAGES, "low": 0.5, "high": 2.0, "rng": rng(), "fill": 0.0},
    add_noise: {"images": IMAGES, "scale": 0.1, "rng": rng(), "value_range": (0, 1)},
    color_pca: {"images": IMAGES, "scale": 0.5, "rng": rng(), "covariance": COVARIANCE},
    average_predictions: {"predict": identity, "images": IMAGES, "augmentations": [identity]},
}
RANDOM = [function for function in CALLS if "rng" in CALLS[function]]


def run(function, **changes):
    """Call with the arguments of the table, always with a fresh generator of one seed."""
    fresh = {"rng": rng(21)} if "rng" in CALLS[function] else {}
    return function(**(CALLS[function] | fresh | changes))


@pytest.mark.parametrize("function", CALLS)
def test_one_seed_gives_one_result_in_both_precisions_and_any_layout(function):
    expected = run(function)
    copy = IMAGES.copy()
    np.testing.assert_array_equal(run(function), expected)
    assert expected.dtype == np.float64
    single = run(function, images=IMAGES.astype(np.float32))
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, expected, atol=1e-5)
    wide = np.repeat(IMAGES, 2, axis=2)[:, :, ::2]
    for other in (np.asfortranarray(IMAGES), wide, IMAGES.tolist(), IMAGES.astype(">f8")):
        np.testing.assert_array_equal(run(function, images=other), expected)
    np.testing.assert_array_equal(IMAGES, copy)


@pytest.mark.parametrize("function", RANDOM)
def test_another_seed_gives_another_result(function):
    assert (run(function) != run(function, rng=rng(23))).any()


@pytest.mark.parametrize("function", CALLS)
def test_integer_images_become_float64(function):
    images = (255 * IMAGES).astype(np.uint8)
    wide = {"value_range": (0, 255)} if function in (add_noise, color_pca) else {}
    out = run(function, images=images, **wide)
    assert out.dtype == np.float64
    np.testing.assert_array_equal(out, run(function, images=images.astype(float), **wide))


@pytest.mark.parametrize("function", [f for f in CALLS if f is not color_pca])
def test_gray_images_are_those_with_one_channel(function):
    gray = run(function, images=IMAGES[..., 0])
    assert gray.ndim == 3
    np.testing.assert_array_equal(run(function, images=IMAGES[..., :1])[..., 0], gray)


@pytest.mark.parametrize("function", [f for f in CALLS if f is not random_crop])
def test_image_of_one_pixel(function):
    out = run(function, images=np.full((2, 1, 1, 3), 0.5))
    assert out.shape == (2, 1, 1, 3)
    assert np.isfinite(out).all()


@pytest.mark.equation("da-zoom")
@pytest.mark.parametrize("fill", [0.0, None])
@pytest.mark.parametrize("factor", [5e-324, 1e-310, 1e-200, 1e200, 1.7e308])
def test_factors_at_the_ends_of_float64_give_pixels(factor, fill):
    image = np.arange(1.0, 26.0).reshape(1, 5, 5)
    for change in (random_zoom, stretch):
        out = change(image, factor, factor, np.random.default_rng(0), fill)
        assert out[0, 2, 2] == 13.0
        if factor > 1:
            np.testing.assert_array_equal(out, np.full_like(image, 13.0))
        elif fill is None:
            np.testing.assert_array_equal(out[0, ::2, ::2], image[0, [0, 2, 4]][:, [0, 2, 4]])
        else:
            assert out.sum() == 13.0


# ---- bad input


def bad_calls():
    for function, good in CALLS.items():
        for name, value in good.items():
            if isinstance(value, np.ndarray):
                for argument, bad, error in array_errors(name, value):
                    # The covariance may be left out.
                    if not (name == "covariance" and bad is None):
                        yield function, argument, bad, error
        yield function, "images", IMAGES[:0], ValueError
        yield function, "images", IMAGES[0, 0], ValueError
        yield function, "images", np.where(IMAGES > 0.8, np.nan, IMAGES), ValueError
        yield function, "images", np.where(IMAGES > 0.8, np.inf, IMAGES), ValueError
        yield function, "images", IMAGES.astype(np.float16), TypeError
        if "rng" in good:
            yield from ((function, "rng", bad, TypeError) for bad in (None, 0, np.random, "rng"))
        if "low" in good:
            yield from ((function, "low", bad, ValueError) for bad in (0, -1, np.nan, np.inf))
            yield from ((function, "high", bad, ValueError) for bad in (0.4, -1, np.nan, np.inf))
            yield from ((function, "high", bad, TypeError) for bad in ("2", None, True))
        if "fill" in good:
            yield from ((function, "fill", bad, ValueError) for bad in (np.nan, np.inf))
            yield function, "fill", "0", TypeError
        if "scale" in good:
            yield from ((function, "scale", bad, ValueError) for bad in (-0.1, np.nan, np.inf))
            yield from ((function, "scale", bad, TypeError) for bad in ("1", None, True))
            for bad in ((0.2, 1), (0, 0.8), (1, 0), (0, 0.5, 1), 1, (0, np.nan)):
                yield function, "value_range", bad, ValueError
            yield function, "value_range", (0, "1"), TypeError
    yield from ((random_crop, "size", bad, ValueError) for bad in (0, -2, 9, (4, 11), (4,), ()))
    yield from ((random_crop, "size", bad, TypeError) for bad in (4.0, "4", None, True, (4, 2.0)))
    yield random_crop, "padding", -1, ValueError
    yield random_crop, "padding", 1.0, TypeError
    yield from ((random_flip, "probability", bad, ValueError) for bad in (-0.1, 1.1, np.nan))
    yield from ((random_flip, "axis", bad, ValueError) for bad in ("both", 1, None))
    yield from ((rotate, "max_angle", bad, ValueError) for bad in (-1, 181, np.nan, np.inf))
    yield color_pca, "images", IMAGES[..., 0], ValueError
    yield color_pca, "scaled_by", "variance", ValueError
    for bad in (np.eye(2), -np.eye(3), np.triu(np.ones((3, 3))), np.full((3, 3), np.nan)):
        yield color_pca, "covariance", bad, ValueError
    yield average_predictions, "augmentations", [], ValueError
    yield average_predictions, "augmentations", [lambda x: x > 0], TypeError
    yield average_predictions, "augmentations", [identity, lambda x: x[:, 1:]], ValueError
    yield average_predictions, "predict", lambda x: x > 0, TypeError


@pytest.mark.parametrize(("function", "name", "bad", "error"), list(bad_calls()))
def test_bad_input_is_refused_by_name(function, name, bad, error):
    # Predictions differ in shape because an augmentation changed it.
    blamed = "predict" if name == "augmentations" and len(bad) == 2 else name
    with pytest.raises(error, match=rf"^{blamed} must"):
        run(function, **{name: bad})
