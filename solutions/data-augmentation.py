# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Exercise: Data augmentation
#
# You write the changes of an image that deck L names (crop, flip, zoom and a shift of colors) and
# the average over changed copies at test time. The chapter *Data augmentation* of the book derives
# every formula; its equation labels, such as `da-zoom`, appear in the reports below.
#
# POINTS
#
# Write plain NumPy. After each part, run the cell with `check(...)`: it compares your function with
# the reference in several cases, says what is wrong, and shows the points that you have. Your
# submission is graded by the same criteria on other numbers. Expect about 90 minutes.

# %%
import numpy as np

# No module named "gradlab"? The page "Getting started" of the book says how to install it.
from gradlab.checks import check

# %% [markdown]
# ## 1 Random crop and flip
#
# Change every image of a mini-batch at random: pad it with `padding` rows and columns of zeros on each
# side, cut out a window of `size` pixels, and with the given probability exchange left and right in
# it. Every place at which the window fits into the padded image is equally likely. Each image has
# draws of its own: for its row, for its column, and for the flip.
#
# Take all random numbers from `rng`, so that the caller can repeat a run. `rng.integers(a, b)` gives
# whole numbers from a to b - 1, and `rng.random()` numbers that are uniform on $[0, 1)$; both take a
# number of draws as their last argument. Yours need not be the same as the reference's; the check
# looks at what all right results have in common.


# %% nbgrader={"grade": false, "grade_id": "crop-flip", "locked": false, "schema_version": 3, "solution": true, "task": false}
def random_crop_flip(images, size, padding, probability, rng):
    """A random window of each image, mirrored at random.

    images: array (batch, height, width, channels)
    size: the pair (rows, columns) of the window, which fits into the padded image
    padding: int, at least 0
    probability: float from 0 to 1, of an image to have left and right exchanged
    rng: numpy.random.Generator

    Returns an array (batch, rows, columns, channels).
    """
    ### BEGIN SOLUTION
    batch = len(images)
    rows, columns = size
    # Neither the batch nor the channels get a border.
    border = (padding, padding)
    padded = np.pad(images, ((0, 0), border, border, (0, 0)))
    # n rows fit into N at N - n + 1 places, the last of which is N - n.
    down, across = padded.shape[1] - rows, padded.shape[2] - columns
    tops = rng.integers(0, down + 1, batch)
    lefts = rng.integers(0, across + 1, batch)
    mirrored = rng.random(batch) < probability
    windows = []
    for image, top, left, flip in zip(padded, tops, lefts, mirrored, strict=True):
        window = image[top : top + rows, left : left + columns]
        windows.append(np.flip(window, axis=1) if flip else window)
    return np.stack(windows)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check-crop-flip", "locked": true, "schema_version": 3, "solution": false, "task": false}
from gradlab.checks import check

check("data_augmentation.crop_flip", random_crop_flip)

# %% [markdown]
# ## 2 Zoom
#
# Enlarge an image about its center by the factor $s$, or shrink it if $s < 1$; the result has as many
# pixels as the image. If $\mathbf u$ is the place of a pixel of the result, measured from the center,
# then
#
# $$\mathrm{out}(\mathbf u) = I(\mathbf u / s) .$$
#
# Row $i$ and column $j$ of the image are at the place $(i, j)$, and the center is in the middle between
# the first and the last of them. The place $(y, x)$ that is asked for lies between four pixels. With
# $r = \lfloor y \rfloor$, $k = \lfloor x \rfloor$, $f_y = y - r$ and $f_x = x - k$,
#
# $$\begin{aligned} I(y, x) ={}& (1 - f_y)(1 - f_x) \, I_{r, k} + (1 - f_y) f_x \, I_{r, k+1} \\
#   & + f_y (1 - f_x) \, I_{r+1, k} + f_y f_x \, I_{r+1, k+1} . \end{aligned}$$
#
# Each of the four neighbors that is outside the image counts with the value `fill`. So between the
# outermost pixels and the background there is a gradual passage.


# %% nbgrader={"grade": false, "grade_id": "zoom", "locked": false, "schema_version": 3, "solution": true, "task": false}
def zoom(image, factor, fill):
    """An image enlarged about its center, with bilinear interpolation.

    image: array (height, width)
    factor: positive float; above 1 enlarges, below 1 shrinks
    fill: float, the value of everything outside the image

    Returns an array (height, width).
    """
    ### BEGIN SOLUTION
    height, width = image.shape
    center_y, center_x = (height - 1) / 2, (width - 1) / 2
    out = np.zeros(image.shape)
    for i in range(height):
        for j in range(width):
            # Backwards: where does this pixel of the result come from?
            y = center_y + (i - center_y) / factor
            x = center_x + (j - center_x) / factor
            top, left = int(np.floor(y)), int(np.floor(x))
            fy, fx = y - top, x - left
            for row, row_weight in ((top, 1 - fy), (top + 1, fy)):
                for column, column_weight in ((left, 1 - fx), (left + 1, fx)):
                    # An index of -1 would be the last row: test both ends.
                    inside = 0 <= row < height and 0 <= column < width
                    pixel = image[row, column] if inside else fill
                    out[i, j] += row_weight * column_weight * pixel
    return out
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check-zoom", "locked": true, "schema_version": 3, "solution": false, "task": false}
from gradlab.checks import check

check("data_augmentation.zoom", zoom)

# %% [markdown]
# ## 3 Color PCA
#
# Let $C$ be the covariance of the colors over all pixels of the training set, $\lambda_k$ its
# eigenvalues and $V$ the matrix with its eigenvectors in the columns. Krizhevsky, Sutskever and Hinton
# shift all pixels $\mathbf x$ of an image alike:
#
# $$\mathrm{out} = \mathbf x + V (\boldsymbol\alpha \odot \boldsymbol\lambda) .$$
#
# Usually $\boldsymbol\alpha$ is drawn from a normal distribution, for each image anew. Here it is given,
# a row for each image and an entry for each axis. An eigenvector may have either sign, and the axes any
# order, so long as each keeps its own eigenvalue; the check does not mind. Nothing is cut off where the
# result leaves the range of an image.


# %% nbgrader={"grade": false, "grade_id": "color-pca", "locked": false, "schema_version": 3, "solution": true, "task": false}
def color_pca(images, covariance, alpha):
    """Images whose colors are shifted along the principal axes of the colors.

    images: array (batch, height, width, channels)
    covariance: array (channels, channels), symmetric, of the training set's colors
    alpha: array (batch, channels), row i for image i

    Returns an array (batch, height, width, channels).
    """
    ### BEGIN SOLUTION
    eigenvalues, axes = np.linalg.eigh(covariance)
    # For rows of numbers in place of a column, V (alpha lambda) is (alpha lambda) V^T.
    shift = (alpha * eigenvalues) @ axes.T
    # One color for each image, the same for all of its pixels.
    return images + shift[:, np.newaxis, np.newaxis]
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check-color-pca", "locked": true, "schema_version": 3, "solution": false, "task": false}
from gradlab.checks import check

check("data_augmentation.color_pca", color_pca)

# %% [markdown]
# ## 4 Averaging at test time
#
# A network that was trained on changed images can be asked about $K$ changed versions of each test image:
#
# $$\bar f(\mathbf x) = \frac1K \sum_{k=1}^{K} f\big(a_k(\mathbf x)\big) .$$
#
# `predict` is $f$ and each entry of `augmentations` is an $a_k$: functions that take a whole batch of
# images. A changed image may have another size than the original, as crops have, and `predict` may
# take images of that size only.


# %% nbgrader={"grade": false, "grade_id": "test-time", "locked": false, "schema_version": 3, "solution": true, "task": false}
def test_time_average(predict, images, augmentations):
    """Average of the predictions for changed copies of the images.

    predict: function from images to an array (batch, classes) of probabilities
    images: array (batch, height, width)
    augmentations: list of functions from images to images, at least one

    Returns an array (batch, classes).
    """
    ### BEGIN SOLUTION
    # The answers are averaged, not the images, and every change starts from the original.
    total = 0.0
    for change in augmentations:
        total = total + predict(change(images))
    return total / len(augmentations)
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check-test-time", "locked": true, "schema_version": 3, "solution": false, "task": false}
from gradlab.checks import check

check("data_augmentation.test_time", test_time_average)

# %% [markdown]
# ## 5 A question in words
#
# For a classifier of handwritten digits somebody makes nine changed copies of each of 1000 images: flips
# from left to right, rotations by any angle, and crops. Of the 10,000 images they take a fifth at random
# for validation. The network reaches 99 % there, and 85 % on digits that arrive later. Answer in
# four or five sentences: name two different mistakes, say for each what it does to the two numbers,
# and how you would proceed instead.

# %% [markdown] nbgrader={"grade": true, "grade_id": "question-split", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# The copies were made before the split, so nearly every validation image has a relative in the training
# set: the 99 % say how well the network recognizes images that it has practically seen, and nothing
# about new ones. It does not lower the 85 %; it only hides them, and every choice that was made by
# the validation accuracy was made blindly. The second mistake is that some changes do not keep the class:
# a digit 6 that is turned by half a turn is a 9, and a mirrored 2 is no digit. Such images carry wrong
# labels, or labels of shapes that never occur, and the network spends its units on them: that does lower
# the 85 %, while the validation set, which holds the same wrong labels, does not show it. Instead: split
# first, by original image; choose changes that keep the class and look at them (small rotations, shifts,
# zooms); change training images anew in each epoch; and leave the validation images as they are.
#
# Marking: 0.25 for the leak between the two sets and 0.25 for what it does (the 99 % are too high, the
# 85 % are the honest number); 0.25 for changes that do not keep the class, with an example; 0.25 for the
# right order: split, then change only what is used for training.
# ### END SOLUTION

# %% [markdown]
# ## 6 For those who like speed
#
# Not graded. A loop over pixels in Python is slow, and a form of zoom without loops needs a lot of
# arrays for indices and weights. Under `numba.njit` the loops of part 2 are just right; of NumPy's
# functions it knows `np.floor` and `np.empty_like`, among many others. Then compare with your part 2:
# the last line of the last cell runs the comparison, once you take away its `#`.

# %% nbgrader={"grade": false, "grade_id": "numba", "locked": false, "schema_version": 3, "solution": true, "task": false}
import timeit

from numba import njit


@njit
def zoom_numba(image, factor, fill):
    ### BEGIN SOLUTION
    height, width = image.shape
    center_y, center_x = (height - 1) / 2, (width - 1) / 2
    out = np.empty_like(image)
    for i in range(height):
        y = center_y + (i - center_y) / factor
        top = int(np.floor(y))
        for j in range(width):
            x = center_x + (j - center_x) / factor
            left = int(np.floor(x))
            value = 0.0
            for below in range(2):
                row, fy = top + below, y - top
                for right in range(2):
                    column, fx = left + right, x - left
                    weight = (fy if below else 1 - fy) * (fx if right else 1 - fx)
                    inside = 0 <= row < height and 0 <= column < width
                    value += weight * (image[row, column] if inside else fill)
            out[i, j] = value
    return out
    ### END SOLUTION


# %%
def speed_up():
    """Time both forms alternately on one image and print the ratio of the medians."""
    arguments = np.random.default_rng(0).random((64, 64)), 0.8, 0.5
    zoom_numba(*arguments)
    times = {zoom: [], zoom_numba: []}
    for _ in range(15):
        for function, record in times.items():
            record.append(timeit.timeit(lambda f=function: f(*arguments), number=2))
    numpy_time, numba_time = (sorted(record)[7] for record in times.values())
    print(f"numba takes {numba_time / numpy_time:.4f} of the time of part 2")


# speed_up()
