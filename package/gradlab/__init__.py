"""gradlab: reference implementations for training deep neural networks.

Each module is one topic of the book and has the name of its chapter; the rest composes them into
networks, trains them, and loads data. Importing compiles nothing and pulls in no plotting or
grading library.
"""

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
    "losses",
    "network",
    "optimizers",
    "schedules",
    "training",
    "transfer_learning",
    "weight_decay",
]
