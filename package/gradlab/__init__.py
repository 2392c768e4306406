"""gradlab: reference implementations for training deep neural networks.

Each module is one topic of the book and has the name of its chapter; the rest composes them into
networks, trains them, and loads data. Importing compiles nothing and pulls in no plotting or
grading library.

The functions are NumPy. Where a formula is a loop over entries, as in normalization, dropout, most
activations, losses and optimizers, the loop is a kernel, which numba compiles at its first call
and keeps on disk for later processes; where there is no folder to write to, each process compiles
it anew, and NUMBA_CACHE_DIR names another folder. The matrix products of layers are NumPy's, whose
threads can cost more than they bring for small matrices or on a busy machine: if training is slow,
set OPENBLAS_NUM_THREADS=1 before Python starts.
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
