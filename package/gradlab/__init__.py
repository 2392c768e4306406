"""Training deep neural networks: the code of a textbook, one module per topic.

Data, a network, a run, its accuracy on new digits, and predictions:

>>> import numpy as np
>>> from gradlab.datasets import load_digits
>>> from gradlab.layers import Activation, BatchNorm, Dense
>>> from gradlab.network import Network
>>> from gradlab.optimizers import Adam
>>> from gradlab.training import evaluate, fit
>>> digits, rng = load_digits(), np.random.default_rng(0)
>>> train = digits.x_train[200:], digits.y_train[200:]
>>> validation = digits.x_train[:200], digits.y_train[:200]
>>> hidden = [Dense(64, 32, rng), BatchNorm(32), Activation("relu")]
>>> network = Network([*hidden, Dense(32, 10, rng)])
>>> sizes = {"epochs": 10, "batch_size": 32}
>>> history = fit(network, train, validation, Adam(0.01), **sizes, rng=rng)
>>> loss, accuracy = evaluate(network, digits.x_test, digits.y_test)
>>> accuracy > 0.9
True
>>> network.forward(digits.x_test[:8]).argmax(axis=1)
array([7, 6, 3, 7, 7, 3, 2, 8])

Names are imported from the module of their topic, which has the name of its chapter in the book.
Arrays are float32 or float64 and keep their type; a batch has one example per row; randomness comes
from a generator that you pass in. Bad input raises a ``ValueError`` or a ``TypeError`` that names
the argument.

``import gradlab`` reads none of the modules: each is read when it is first used. The functions are
NumPy. Where a formula is a loop over entries, the loop is a kernel, which numba compiles at its
first call and keeps on disk for later processes; where there is no folder to write to, each process
compiles it anew, and ``NUMBA_CACHE_DIR`` names another folder. The matrix products of layers are
NumPy's, whose threads can cost more than they bring for small matrices or on a busy machine: if
training is slow, set ``OPENBLAS_NUM_THREADS=1`` before Python starts.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gradlab import (
        activations,
        autodiff,
        backpropagation,
        batch_normalization,
        data_augmentation,
        datasets,
        dropout,
        early_stopping,
        gradient_bounds,
        gradient_check,
        gradient_clipping,
        gradient_descent,
        initialization,
        input_normalization,
        landscapes,
        layer_normalization,
        layers,
        losses,
        network,
        optimizers,
        schedules,
        training,
        transfer_learning,
        weight_decay,
    )

__version__ = "0.1.0"

__all__ = [
    "activations",
    "autodiff",
    "backpropagation",
    "batch_normalization",
    "data_augmentation",
    "datasets",
    "dropout",
    "early_stopping",
    "gradient_bounds",
    "gradient_check",
    "gradient_clipping",
    "gradient_descent",
    "initialization",
    "input_normalization",
    "landscapes",
    "layer_normalization",
    "layers",
    "losses",
    "network",
    "optimizers",
    "schedules",
    "training",
    "transfer_learning",
    "weight_decay",
]


def __getattr__(name: str) -> Any:
    """Read a module when it is first used."""
    if name in __all__:
        return import_module(f"gradlab.{name}")
    raise AttributeError(f"module 'gradlab' has no attribute {name!r}")


def __dir__() -> list[str]:
    """Name the modules that are still to be read as well."""
    return sorted({*globals(), *__all__})
