"""What students hand in for the exercise ``data-augmentation``: right in other forms, and wrong.

Each function stands by itself, so that its source can be put into a notebook.
"""

import numpy as np

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


OTHER_FORMS = [
    (CROP_FLIP, crop_flip_by_image),
    (CROP_FLIP, crop_flip_by_index),
    (ZOOM, zoom_padded),
    (ZOOM, zoom_by_matrices),
    (COLOR_PCA, color_loops),
    (COLOR_PCA, color_svd),
    (COLOR_PCA, color_general_eigenvalues),
    (TEST_TIME, average_running),
    (TEST_TIME, average_lists),
    (TEST_TIME, average_one_by_one),
]


# ---- wrong, as students write it and not as the checker does


def s_crop_last_place(images, size, padding, probability, rng):
    h, w = size
    padded = np.pad(images, ((0, 0), (padding, padding), (padding, padding), (0, 0)))
    out = []
    for image in padded:
        top = rng.integers(0, max(image.shape[0] - h, 1))
        left = rng.integers(0, max(image.shape[1] - w, 1))
        crop = image[top : top + h, left : left + w]
        out.append(crop[:, ::-1] if rng.random() < probability else crop)
    return np.array(out)


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


def s_crop_border_forgotten(images, size, padding, probability, rng):
    h, w = size
    n, height, width, _ = images.shape
    padded = np.pad(images, ((0, 0), (padding, padding), (padding, padding), (0, 0)))
    out = np.zeros((n, h, w, images.shape[3]))
    for b in range(n):
        top, left = rng.integers(0, height - h + 1), rng.integers(0, width - w + 1)
        out[b] = padded[b, top : top + h, left : left + w]
        if rng.random() < probability:
            out[b] = out[b, :, ::-1].copy()
    return out


def s_crop_one_for_all(images, size, padding, probability, rng):
    h, w = size
    padded = np.pad(images, ((0, 0), (padding, padding), (padding, padding), (0, 0)))
    top = rng.integers(0, padded.shape[1] - h + 1)
    left = rng.integers(0, padded.shape[2] - w + 1)
    out = padded[:, top : top + h, left : left + w]
    flip = rng.random(len(out)) < probability
    return np.where(flip[:, None, None, None], out[:, :, ::-1], out)


def s_flip_one_for_all(images, size, padding, probability, rng):
    h, w = size
    padded = np.pad(images, ((0, 0), (padding, padding), (padding, padding), (0, 0)))
    out = []
    for image in padded:
        top = rng.integers(0, image.shape[0] - h + 1)
        left = rng.integers(0, image.shape[1] - w + 1)
        out.append(image[top : top + h, left : left + w])
    out = np.array(out)
    if rng.random() < probability:
        out = out[:, :, ::-1]
    return out


def s_flip_axis_of_the_image(images, size, padding, probability, rng):
    h, w = size
    padded = np.pad(images, ((0, 0), (padding, padding), (padding, padding), (0, 0)))
    out = []
    for image in padded:
        top = rng.integers(0, image.shape[0] - h + 1)
        left = rng.integers(0, image.shape[1] - w + 1)
        out.append(image[top : top + h, left : left + w])
    out = np.array(out)
    flip = rng.random(len(out)) < probability
    out[flip] = np.flip(out[flip], axis=1)
    return out


def s_flip_last_axis(images, size, padding, probability, rng):
    h, w = size
    padded = np.pad(images, ((0, 0), (padding, padding), (padding, padding), (0, 0)))
    out = []
    for image in padded:
        top = rng.integers(0, image.shape[0] - h + 1)
        left = rng.integers(0, image.shape[1] - w + 1)
        crop = image[top : top + h, left : left + w]
        if rng.random() < probability:
            crop = crop[..., ::-1]
        out.append(crop)
    return np.array(out)


def s_flip_probability_turned(images, size, padding, probability, rng):
    h, w = size
    padded = np.pad(images, ((0, 0), (padding, padding), (padding, padding), (0, 0)))
    out = []
    for image in padded:
        top = rng.integers(0, image.shape[0] - h + 1)
        left = rng.integers(0, image.shape[1] - w + 1)
        crop = image[top : top + h, left : left + w]
        out.append(np.fliplr(crop) if rng.random() > probability else crop)
    return np.array(out)


def s_flip_one_half(images, size, padding, probability, rng):
    h, w = size
    padded = np.pad(images, ((0, 0), (padding, padding), (padding, padding), (0, 0)))
    out = []
    for image in padded:
        top = rng.integers(0, image.shape[0] - h + 1)
        left = rng.integers(0, image.shape[1] - w + 1)
        crop = image[top : top + h, left : left + w]
        out.append(np.fliplr(crop) if rng.integers(2) == 1 else crop)
    return np.array(out)


def s_crop_global_numbers(images, size, padding, probability, rng):
    h, w = size
    padded = np.pad(images, ((0, 0), (padding, padding), (padding, padding), (0, 0)))
    out = []
    for image in padded:
        top = np.random.randint(image.shape[0] - h + 1)  # noqa: NPY002
        left = np.random.randint(image.shape[1] - w + 1)  # noqa: NPY002
        crop = image[top : top + h, left : left + w]
        out.append(np.fliplr(crop) if np.random.rand() < probability else crop)  # noqa: NPY002
    return np.array(out)


def s_crop_without_border(images, size, padding, probability, rng):
    h, w = size
    out = []
    for image in images:
        top = rng.integers(0, image.shape[0] - h + 1)
        left = rng.integers(0, image.shape[1] - w + 1)
        crop = image[top : top + h, left : left + w]
        out.append(np.fliplr(crop) if rng.random() < probability else crop)
    return np.array(out)


def s_crop_in_place(images, size, padding, probability, rng):
    h, w = size
    for image in images:
        if rng.random() < probability:
            image[:] = image[:, ::-1].copy()
    padded = np.pad(images, ((0, 0), (padding, padding), (padding, padding), (0, 0)))
    out = []
    for image in padded:
        top = rng.integers(0, image.shape[0] - h + 1)
        left = rng.integers(0, image.shape[1] - w + 1)
        out.append(image[top : top + h, left : left + w])
    return np.array(out)


def s_zoom_times(image, factor, fill):
    h, w = image.shape
    out = np.full((h, w), fill)
    cy, cx = (h - 1) / 2, (w - 1) / 2
    padded = np.pad(image, 1, constant_values=fill)
    for i in range(h):
        for j in range(w):
            y, x = cy + (i - cy) * factor, cx + (j - cx) * factor
            if -1 <= y < h and -1 <= x < w:
                r, k = int(np.floor(y)), int(np.floor(x))
                a, b = y - r, x - k
                p = padded[r + 1 : r + 3, k + 1 : k + 3]
                out[i, j] = np.array([1 - a, a]) @ p @ np.array([1 - b, b])
    return out


def s_zoom_corner(image, factor, fill):
    h, w = image.shape
    out = np.zeros((h, w))
    for i in range(h):
        for j in range(w):
            y, x = i / factor, j / factor
            r, k = int(y), int(x)
            for di, wy in ((0, 1 - (y - r)), (1, y - r)):
                for dj, wx in ((0, 1 - (x - k)), (1, x - k)):
                    inside = r + di < h and k + dj < w
                    out[i, j] += wy * wx * (image[r + di, k + dj] if inside else fill)
    return out


def s_zoom_half_pixel(image, factor, fill):
    h, w = image.shape
    out = np.zeros((h, w))
    for i in range(h):
        for j in range(w):
            y, x = h / 2 + (i - h / 2) / factor, w / 2 + (j - w / 2) / factor
            r, k = int(np.floor(y)), int(np.floor(x))
            for di, wy in ((0, 1 - (y - r)), (1, y - r)):
                for dj, wx in ((0, 1 - (x - k)), (1, x - k)):
                    inside = 0 <= r + di < h and 0 <= k + dj < w
                    out[i, j] += wy * wx * (image[r + di, k + dj] if inside else fill)
    return out


def s_zoom_nearest(image, factor, fill):
    h, w = image.shape
    out = np.full((h, w), fill)
    for i in range(h):
        for j in range(w):
            r = round((h - 1) / 2 + (i - (h - 1) / 2) / factor)
            k = round((w - 1) / 2 + (j - (w - 1) / 2) / factor)
            if 0 <= r < h and 0 <= k < w:
                out[i, j] = image[r, k]
    return out


def s_zoom_forward(image, factor, fill):
    h, w = image.shape
    out = np.full((h, w), float(fill))
    for r in range(h):
        for k in range(w):
            i = round((h - 1) / 2 + (r - (h - 1) / 2) * factor)
            j = round((w - 1) / 2 + (k - (w - 1) / 2) * factor)
            if 0 <= i < h and 0 <= j < w:
                out[i, j] = image[r, k]
    return out


def s_zoom_weights_exchanged(image, factor, fill):
    h, w = image.shape
    out = np.zeros((h, w))
    for i in range(h):
        for j in range(w):
            y, x = (
                (h - 1) / 2 + (i - (h - 1) / 2) / factor,
                (w - 1) / 2 + (j - (w - 1) / 2) / factor,
            )
            r, k = int(np.floor(y)), int(np.floor(x))
            for di, wy in ((0, y - r), (1, 1 - (y - r))):
                for dj, wx in ((0, x - k), (1, 1 - (x - k))):
                    inside = 0 <= r + di < h and 0 <= k + dj < w
                    out[i, j] += wy * wx * (image[r + di, k + dj] if inside else fill)
    return out


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


def s_zoom_negative_indices(image, factor, fill):
    h, w = image.shape
    out = np.zeros((h, w))
    for i in range(h):
        for j in range(w):
            y, x = (
                (h - 1) / 2 + (i - (h - 1) / 2) / factor,
                (w - 1) / 2 + (j - (w - 1) / 2) / factor,
            )
            r, k = int(np.floor(y)), int(np.floor(x))
            for di, wy in ((0, 1 - (y - r)), (1, y - r)):
                for dj, wx in ((0, 1 - (x - k)), (1, x - k)):
                    inside = r + di < h and k + dj < w
                    out[i, j] += wy * wx * (image[r + di, k + dj] if inside else fill)
    return out


def s_zoom_sharp_border(image, factor, fill):
    h, w = image.shape
    out = np.full((h, w), float(fill))
    for i in range(h):
        for j in range(w):
            y, x = (
                (h - 1) / 2 + (i - (h - 1) / 2) / factor,
                (w - 1) / 2 + (j - (w - 1) / 2) / factor,
            )
            if 0 <= y <= h - 1 and 0 <= x <= w - 1:
                r, k = min(int(y), max(h - 2, 0)), min(int(x), max(w - 2, 0))
                r2, k2 = min(r + 1, h - 1), min(k + 1, w - 1)
                a, b = y - r, x - k
                out[i, j] = (1 - a) * ((1 - b) * image[r, k] + b * image[r, k2]) + a * (
                    (1 - b) * image[r2, k] + b * image[r2, k2]
                )
    return out


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


def s_zoom_three_axes(image, factor, fill):
    matrices = []
    for n in image.shape:
        places = (n - 1) / 2 + (np.arange(n) - (n - 1) / 2) / factor
        matrices.append(np.maximum(0.0, 1.0 - np.abs(places[:, None] - np.arange(n))))
    rows, columns = matrices
    return (rows @ (image - fill) @ columns.T + fill)[np.newaxis]


def s_color_deviation(images, covariance, alpha):
    w, v = np.linalg.eigh(covariance)
    return images + ((alpha * np.sqrt(np.abs(w))) @ v.T)[:, None, None, :]


def s_color_no_eigenvalues(images, covariance, alpha):
    v = np.linalg.eigh(covariance)[1]
    return images + np.dot(alpha, v.T)[:, None, None, :]


def s_color_rows(images, covariance, alpha):
    w, v = np.linalg.eigh(covariance)
    return images + np.dot(alpha * w, v)[:, None, None, :]


def s_color_sorted_alone(images, covariance, alpha):
    w, v = np.linalg.eigh(covariance)
    w = np.sort(w)[::-1]
    return images + np.dot(alpha * w, v.T)[:, None, None, :]


def s_color_of_batch(images, covariance, alpha):
    flat = images.reshape(-1, images.shape[-1])
    w, v = np.linalg.eigh(np.cov(flat.T))
    return images + np.dot(alpha * w, v.T)[:, None, None, :]


def s_color_first_alpha(images, covariance, alpha):
    w, v = np.linalg.eigh(covariance)
    return images + v @ (alpha[0] * w)


def s_color_in_place(images, covariance, alpha):
    w, v = np.linalg.eigh(covariance)
    for i in range(len(images)):
        images[i] += v @ (alpha[i] * w)
    return images


def s_color_clipped(images, covariance, alpha):
    w, v = np.linalg.eigh(covariance)
    return np.clip(images + np.dot(alpha * w, v.T)[:, None, None, :], 0, 1)


def s_average_of_images(predict, images, augmentations):
    mean = sum(change(images) for change in augmentations) / len(augmentations)
    return predict(mean)


def s_average_sum(predict, images, augmentations):
    total = 0
    for change in augmentations:
        total = total + predict(change(images))
    return total


def s_average_with_original(predict, images, augmentations):
    answers = [predict(images)]
    for change in augmentations:
        answers.append(predict(change(images)))
    return np.mean(answers, axis=0)


def s_average_chain(predict, images, augmentations):
    total = 0
    for change in augmentations:
        images = change(images)
        total = total + predict(images)
    return total / len(augmentations)


def s_average_last(predict, images, augmentations):
    for change in augmentations:
        answer = predict(change(images))
    return answer


def s_average_votes(predict, images, augmentations):
    answers = np.array([predict(change(images)) for change in augmentations])
    votes = np.zeros(answers.shape[1:])
    for answer in answers:
        votes[np.arange(len(answer)), answer.argmax(axis=1)] += 1
    return votes / len(augmentations)


def s_average_everything(predict, images, augmentations):
    return np.mean([predict(change(images)) for change in augmentations])


# (exercise, function, the misconception that the report names, the points that the weights give)
ONE_AXIS = "an axis of length one"

STUDENTS = [
    (CROP_FLIP, s_crop_last_place, "a last place that is never drawn", 2.25),
    (CROP_FLIP, s_crop_empty_range, "a last place that is never drawn", 2.0),
    (CROP_FLIP, s_crop_border_forgotten, "places of the image without its border", 2.25),
    (CROP_FLIP, s_crop_one_for_all, "one place for the whole batch", 1.75),
    (
        CROP_FLIP,
        s_flip_one_for_all,
        "a batch that is mirrored as a whole or not at all",
        1.75,
    ),
    (CROP_FLIP, s_flip_axis_of_the_image, "images turned upside down", 2.0),
    (CROP_FLIP, s_flip_last_axis, "channels turned round", 2.0),
    (CROP_FLIP, s_flip_probability_turned, "the probability not to mirror", 2.0),
    (CROP_FLIP, s_flip_one_half, "a probability of one half whatever is given", 2.0),
    (CROP_FLIP, s_crop_global_numbers, "random numbers that do not come from rng", 2.25),
    (CROP_FLIP, s_crop_without_border, "images without their border", 2.25),
    (CROP_FLIP, s_crop_in_place, "", 2.5),
    (ZOOM, s_zoom_times, "a place that is multiplied by the factor", 0.25),
    (ZOOM, s_zoom_corner, "a zoom about the corner", 0.25),
    (ZOOM, s_zoom_half_pixel, "a centre that is half a pixel off", 0.25),
    (ZOOM, s_zoom_nearest, "the nearest pixel without interpolation", 0.25),
    (ZOOM, s_zoom_forward, "pixels of the input moved to where they go", 0.25),
    (ZOOM, s_zoom_weights_exchanged, "weights exchanged between the neighbours", 0.25),
    (ZOOM, s_zoom_clipped, "an edge that is continued outside", 1.75),
    (ZOOM, s_zoom_negative_indices, "neighbours from the other side of the image", 1.75),
    (ZOOM, s_zoom_sharp_border, "a background that begins at the outermost pixels", 1.75),
    (ZOOM, s_zoom_no_test_at_the_edge, "", 1.75),
    (ZOOM, s_zoom_three_axes, ONE_AXIS, 2.75),
    (COLOR_PCA, s_color_deviation, "the deviation in place of the eigenvalue", 1.0),
    (COLOR_PCA, s_color_no_eigenvalues, "axes without their eigenvalues", 1.0),
    (COLOR_PCA, s_color_rows, "rows of V where its columns are the eigenvectors", 1.0),
    (
        COLOR_PCA,
        s_color_sorted_alone,
        "eigenvalues and eigenvectors in different orders",
        1.0,
    ),
    (COLOR_PCA, s_color_of_batch, "the covariance of the batch", 1.0),
    (COLOR_PCA, s_color_first_alpha, "one alpha for the whole batch", 0.25),
    (COLOR_PCA, s_color_in_place, "", 1.75),
    (COLOR_PCA, s_color_clipped, "", 0.25),
    (TEST_TIME, s_average_of_images, "the prediction for the mean image", 0.25),
    (TEST_TIME, s_average_sum, "a sum without the division by K", 0.25),
    (TEST_TIME, s_average_with_original, "the unchanged image counted on top", 0.25),
    (TEST_TIME, s_average_chain, "changes applied one after the other", 0.25),
    (TEST_TIME, s_average_last, "the last copy alone", 0.25),
    (TEST_TIME, s_average_votes, "votes in place of probabilities", 0.25),
    (TEST_TIME, s_average_everything, "", 0.0),
]
