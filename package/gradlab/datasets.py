"""Data sets."""

from __future__ import annotations

from importlib.resources import files
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Dataset", "load_digits"]


class Dataset(NamedTuple):
    """A classification data set, split into training and test examples.

    Attributes
    ----------
    x_train, x_test : float arrays (examples, features)
    y_train, y_test : integer arrays (examples,)
        Classes, counted from 0.
    names : tuple of str
        The name of each class.
    """

    x_train: NDArray[Any]
    y_train: NDArray[Any]
    x_test: NDArray[Any]
    y_test: NDArray[Any]
    names: tuple[str, ...]


def load_digits() -> Dataset:
    """Handwritten digits of 8 x 8 pixels, shipped with the package: no download.

    Returns
    -------
    Dataset
        1437 training and 360 test examples of 64 features, pixel values between 0 and 1. The split
        is stratified and fixed.

    Notes
    -----
    E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning
    Repository, 1998 (CC BY 4.0); its test portion, as in scikit-learn.

    Examples
    --------
    >>> digits = load_digits()
    >>> digits.x_train.shape, digits.x_test.shape, digits.names[3]
    ((1437, 64), (360, 64), '3')
    """
    with (files("gradlab") / "data" / "digits.npz").open("rb") as file, np.load(file) as stored:
        pixels, labels = stored["pixels"] / 16.0, stored["labels"].astype(np.int64)
    first_test = 1437
    return Dataset(
        pixels[:first_test],
        labels[:first_test],
        pixels[first_test:],
        labels[first_test:],
        tuple("0123456789"),
    )
