"""gradlab: reference implementations for training deep neural networks.

Each module is one topic of the book and has the name of its chapter. Importing compiles nothing
and pulls in no plotting or grading library.
"""

from gradlab import (
    activations,
    batch_normalization,
    datasets,
    gradient_check,
    gradient_descent,
    initialization,
    losses,
    network,
    optimizers,
    training,
)

__version__ = "0.1.0"

__all__ = [
    "activations",
    "batch_normalization",
    "datasets",
    "gradient_check",
    "gradient_descent",
    "initialization",
    "losses",
    "network",
    "optimizers",
    "training",
]
