"""What students hand in for the exercise ``data-augmentation``: right in other forms, and wrong.

Each function stands by itself, so that its source can be put into a notebook; but for `njit`.
"""

import numpy as np
from numba import njit

CROP_FLIP = "data_augmentation.crop_flip"
ZOOM = "data_augmentation.zoom"
COLOR_PCA = "data_augmentation.color_pca"
TEST_TIME = "data_augmentation.test_time"

# ---- right


def crop_flip_by_image(images, size, padding, probability, rng):
    h, w = size
    _, height, width, channels = images.shape
    out = np.zeros((len(images), h, w, channels))
    for b, image in enumerate(images):
        padded = np.zeros((height + 2 * padding, width + 2 * padding, channels))
        padded[padding : padding + height, padding : padding + width] = image
        if rng.random() < probability:
            padded = padded[:, ::-1]
        top = int(rng.random() * (height + 2 * padding - h + 1))
        left = rng.choice(width + 2 * padding - w + 1)
        out[b] = padded[top : top + h, left : left + w]
    return out


def crop_flip_by_index(images, size, padding, probability, rng):
    p, n = padding, len(images)
    padded = np.pad(images, [(0, 0), (p, p), (p, p), (0, 0)])
    tops = rng.integers(padded.shape[1] - size[0], size=n, endpoint=True)
    lefts = rng.integers(padded.shape[2] - size[1], size=n, endpoint=True)
    rows = tops[:, None] + np.arange(size[0])
    columns = lefts[:, None] + np.arange(size[1])
    flip = rng.binomial(1, probability, n).astype(bool)
    columns[flip] = columns[flip][:, ::-1]
    return padded[np.arange(n)[:, None, None], rows[:, :, None], columns[:, None, :]]


def zoom_padded(image, factor, fill):
    height, width = image.shape
    padded = np.pad(image, 1, constant_values=fill)
    y = (height - 1) / 2 + (np.arange(height) - (height - 1) / 2) / factor
    x = (width - 1) / 2 + (np.arange(width) - (width - 1) / 2) / factor
    y, x = np.clip(y + 1, 0, height + 1), np.clip(x + 1, 0, width + 1)
    r = np.minimum(y.astype(int), height)
    k = np.minimum(x.astype(int), width)
    fy, fx = (y - r)[:, None], (x - k)[None, :]
    upper = (1 - fx) * padded[np.ix_(r, k)] + fx * padded[np.ix_(r, k + 1)]
    lower = (1 - fx) * padded[np.ix_(r + 1, k)] + fx * padded[np.ix_(r + 1, k + 1)]
    return upper + fy * (lower - upper)


def zoom_by_matrices(image, factor, fill):
    # Each direction is a matrix of hat functions; what they do not reach is background.
    matrices = []
    for n in image.shape:
        places = (n - 1) / 2 + (np.arange(n) - (n - 1) / 2) / factor
        matrices.append(np.maximum(0.0, 1.0 - np.abs(places[:, None] - np.arange(n))))
    rows, columns = matrices
    return rows @ (image - fill) @ columns.T + fill


def color_loops(images, covariance, alpha):
    values, vectors = np.linalg.eigh(covariance)
    out = images.copy()
    for i in range(len(images)):
        for k in range(len(values)):
            out[i] += alpha[i, k] * values[k] * vectors[:, k]
    return out


def color_svd(images, covariance, alpha):
    u, s, _ = np.linalg.svd(covariance)
    shift = np.einsum("ck,k,ik->ic", u, s, alpha)
    return images + shift.reshape(len(images), 1, 1, -1)


def color_general_eigenvalues(images, covariance, alpha):
    values, vectors = np.linalg.eig(covariance)
    order = np.argsort(-values)
    values, vectors = values[order].real, -vectors[:, order].real
    return [image + vectors @ (a * values) for image, a in zip(images, alpha)]


def average_running(predict, images, augmentations):
    mean = 0.0
    for k, change in enumerate(augmentations, start=1):
        mean = mean + (predict(change(images)) - mean) / k
    return mean


def average_lists(predict, images, augmentations):
    total = predict(augmentations[0](images)).tolist()
    for change in augmentations[1:]:
        rows = predict(change(images))
        total = [[a + float(b) for a, b in zip(old, new)] for old, new in zip(total, rows)]
    return [[value / len(augmentations) for value in row] for row in total]


def average_one_by_one(predict, images, augmentations):
    out = []
    for image in images:
        answers = [predict(change(image[None]))[0] for change in augmentations]
        out.append(sum(answers) / len(answers))
    return np.array(out)


def crop_flip_windows_view(images, size, padding, probability, rng):
    from numpy.lib.stride_tricks import sliding_window_view

    padded = np.pad(images, ((0,), (padding,), (padding,), (0,)), mode="constant")
    windows = sliding_window_view(padded, size, axis=(1, 2))
    out = []
    for image in windows:
        window = image[rng.integers(image.shape[0]), rng.integers(image.shape[1])]
        window = np.moveaxis(window, 0, -1)
        out.append(window[:, ::-1] if rng.uniform() < probability else window)
    return out


def crop_flip_uniform_floor(images, size, padding, probability, rng):
    n, h, w, c = images.shape
    frame = np.zeros((n, h + 2 * padding, w + 2 * padding, c))
    frame[:, padding : padding + h, padding : padding + w] = images
    top = np.floor(rng.uniform(0, h + 2 * padding - size[0] + 1, n)).astype(int)
    left = np.floor(rng.uniform(0, w + 2 * padding - size[1] + 1, n)).astype(int)
    flips = rng.uniform(size=n) > 1 - probability
    out = np.empty((n, *size, c))
    for b in range(n):
        columns = np.arange(size[1])[:: -1 if flips[b] else 1] + left[b]
        out[b] = frame[b][top[b] : top[b] + size[0]][:, columns]
    return out


def crop_flip_pixels(images, size, padding, probability, rng):
    def pixel(image, i, j):
        inside = 0 <= i < image.shape[0] and 0 <= j < image.shape[1]
        return image[i, j] if inside else np.zeros(image.shape[2])

    (n, h, w, _), (rows, columns) = images.shape, size
    tops = rng.choice(np.arange(-padding, h + padding - rows + 1), n)
    lefts = rng.choice(np.arange(-padding, w + padding - columns + 1), n)
    batch = []
    for image, top, left, u in zip(images, tops, lefts, rng.random(n)):
        order = (
            range(left + columns - 1, left - 1, -1)
            if u < probability
            else range(left, left + columns)
        )
        batch.append([[pixel(image, i, j) for j in order] for i in range(top, top + rows)])
    return np.array(batch)


@njit
def zoom_numba(image, factor, fill):
    h, w = image.shape
    out = np.zeros((h, w))
    for i in range(h):
        y = (h - 1) / 2 + (i - (h - 1) / 2) / factor
        for j in range(w):
            x = (w - 1) / 2 + (j - (w - 1) / 2) / factor
            left = 1.0
            for r in range(h):
                for k in range(w):
                    weight = max(0.0, 1 - abs(y - r)) * max(0.0, 1 - abs(x - k))
                    out[i, j] += weight * image[r, k]
                    left -= weight
            out[i, j] += left * fill
    return out


def zoom_divmod(image, factor, fill):
    h, w = image.shape
    get = {(i, j): image[i, j] for i in range(h) for j in range(w)}.get
    out = []
    for i in range(h):
        r, a = divmod((i - (h - 1) / 2) / factor + (h - 1) / 2, 1)
        row = []
        for j in range(w):
            k, b = divmod((j - (w - 1) / 2) / factor + (w - 1) / 2, 1)
            top = (1 - b) * get((r, k), fill) + b * get((r, k + 1), fill)
            bottom = (1 - b) * get((r + 1, k), fill) + b * get((r + 1, k + 1), fill)
            row.append((1 - a) * top + a * bottom)
        out.append(row)
    return out


def zoom_interp(image, factor, fill):
    # NumPy's interpolation in one direction after the other, on a frame of background.
    framed = np.pad(image - fill, 1)
    for axis in (0, 1):
        n = image.shape[axis]
        places = (n - 1) / 2 + (np.arange(n) - (n - 1) / 2) / factor
        lines = np.moveaxis(framed, axis, -1)
        lines = np.stack([np.interp(places, np.arange(-1, n + 1), line) for line in lines])
        framed = np.moveaxis(lines, -1, axis)
    return framed + fill


def color_by_projections(images, covariance, alpha):
    values, vectors = np.linalg.eigh(covariance)
    shift = sum(v * np.multiply.outer(a, e) for v, a, e in zip(values, alpha.T, vectors.T))
    return np.add(images, shift[:, None, None, :])


def color_repeat(images, covariance, alpha):
    values, vectors = np.linalg.eigh(covariance, UPLO="U")
    shift = np.matmul(vectors, (alpha * values)[..., None])[..., 0]
    pixels = images.reshape(len(images), -1, images.shape[-1]) + shift[:, None]
    return pixels.reshape(images.shape)


def color_lists(images, covariance, alpha):
    values, vectors = np.linalg.eigh(covariance)
    out = images.tolist()
    for i, image in enumerate(out):
        shift = [sum(vectors[c] * alpha[i] * values) for c in range(len(values))]
        out[i] = [[[p + s for p, s in zip(pixel, shift)] for pixel in row] for row in image]
    return out


def average_mean(predict, images, augmentations):
    return np.mean([predict(change(images)) for change in augmentations], axis=0)


def average_reduce(predict, images, augmentations):
    from functools import reduce

    answers = (predict(change(images.copy())) for change in augmentations)
    return reduce(np.add, answers) / len(augmentations)


def average_weights(predict, images, augmentations):
    answers = np.stack([np.asarray(predict(change(images))) for change in augmentations], axis=-1)
    return answers @ np.full(len(augmentations), 1 / len(augmentations))


OTHER_FORMS = [
    (CROP_FLIP, crop_flip_by_image),
    (CROP_FLIP, crop_flip_by_index),
    (CROP_FLIP, crop_flip_windows_view),
    (CROP_FLIP, crop_flip_uniform_floor),
    (CROP_FLIP, crop_flip_pixels),
    (ZOOM, zoom_padded),
    (ZOOM, zoom_by_matrices),
    (ZOOM, zoom_numba),
    (ZOOM, zoom_divmod),
    (ZOOM, zoom_interp),
    (COLOR_PCA, color_loops),
    (COLOR_PCA, color_svd),
    (COLOR_PCA, color_general_eigenvalues),
    (COLOR_PCA, color_by_projections),
    (COLOR_PCA, color_repeat),
    (COLOR_PCA, color_lists),
    (TEST_TIME, average_running),
    (TEST_TIME, average_lists),
    (TEST_TIME, average_one_by_one),
    (TEST_TIME, average_mean),
    (TEST_TIME, average_reduce),
    (TEST_TIME, average_weights),
]


# ---- wrong, as students write it and not as the checker does


def s_crop_empty_range(images, size, padding, probability, rng):
    h, w = size
    padded = np.pad(images, ((0, 0), (padding, padding), (padding, padding), (0, 0)))
    out = []
    for image in padded:
        top = rng.integers(0, image.shape[0] - h)
        left = rng.integers(0, image.shape[1] - w)
        crop = image[top : top + h, left : left + w]
        out.append(crop[:, ::-1] if rng.random() < probability else crop)
    return np.array(out)


def s_zoom_clipped(image, factor, fill):
    h, w = image.shape
    y = np.clip((h - 1) / 2 + (np.arange(h) - (h - 1) / 2) / factor, 0, h - 1)
    x = np.clip((w - 1) / 2 + (np.arange(w) - (w - 1) / 2) / factor, 0, w - 1)
    r, k = np.floor(y).astype(int), np.floor(x).astype(int)
    r2, k2 = np.minimum(r + 1, h - 1), np.minimum(k + 1, w - 1)
    a, b = (y - r)[:, None], (x - k)[None]
    upper = (1 - b) * image[r][:, k] + b * image[r][:, k2]
    lower = (1 - b) * image[r2][:, k] + b * image[r2][:, k2]
    return (1 - a) * upper + a * lower


def s_zoom_no_test_at_the_edge(image, factor, fill):
    h, w = image.shape
    out = np.zeros((h, w))
    for i in range(h):
        for j in range(w):
            y, x = (
                (h - 1) / 2 + (i - (h - 1) / 2) / factor,
                (w - 1) / 2 + (j - (w - 1) / 2) / factor,
            )
            r, k = int(y), int(x)
            a, b = y - r, x - k
            out[i, j] = (1 - a) * ((1 - b) * image[r, k] + b * image[r, k + 1]) + a * (
                (1 - b) * image[r + 1, k] + b * image[r + 1, k + 1]
            )
    return out


def s_color_first_alpha(images, covariance, alpha):
    w, v = np.linalg.eigh(covariance)
    return images + v @ (alpha[0] * w)


def s_color_clipped(images, covariance, alpha):
    w, v = np.linalg.eigh(covariance)
    return np.clip(images + np.dot(alpha * w, v.T)[:, None, None, :], 0, 1)


def s_average_votes(predict, images, augmentations):
    answers = np.array([predict(change(images)) for change in augmentations])
    votes = np.zeros(answers.shape[1:])
    for answer in answers:
        votes[np.arange(len(answer)), answer.argmax(axis=1)] += 1
    return votes / len(augmentations)


# (exercise, function, the misconception that the report names, the points that the weights give)
STUDENTS = [
    (CROP_FLIP, s_crop_empty_range, "a last place that is never drawn", 2.0),
    (ZOOM, s_zoom_clipped, "an edge that is continued outside", 1.75),
    (ZOOM, s_zoom_no_test_at_the_edge, "", 1.75),
    (COLOR_PCA, s_color_first_alpha, "one alpha for the whole batch", 0.25),
    (COLOR_PCA, s_color_clipped, "", 0.25),
    (TEST_TIME, s_average_votes, "votes in place of probabilities", 0.25),
]
