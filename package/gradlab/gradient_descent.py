"""Gradient descent in batches and mini-batches.

Chapter: ``book/gradient-descent.md``.
Decks: L "Batch vs. Stochastic Learning", C "Mini-batch update".
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from gradlab._validate import as_integer

__all__ = ["minibatches"]


def minibatches(
    n: int,
    batch_size: int,
    rng: np.random.Generator | None = None,
    shuffle: bool = True,
    drop_last: bool = False,
) -> Iterator[NDArray[np.int64]]:
    """Split the indices 0 ... n - 1 into mini-batches: one pass over the data.

    Parameters
    ----------
    n : int
        Examples in the training set, at least 1.
    batch_size : int
        Indices in a mini-batch, at least 1; the last one holds the rest.
    rng : numpy.random.Generator
        Shuffles; needed unless `shuffle` is False.
    shuffle : bool, default True
        Present the examples in a new random order.
    drop_last : bool, default False
        Leave out a last mini-batch that is not full.

    Returns
    -------
    iterator of integer arrays

    Raises
    ------
    ValueError
        If a count is below 1, or `drop_last` would leave nothing.
    TypeError
        If a count is not an integer, or `rng` is not a Generator.

    Notes
    -----
    Decks L "Shuffling the Examples" and C "Mini-batch update".

    Examples
    --------
    >>> [batch.tolist() for batch in minibatches(5, 2, shuffle=False)]
    [[0, 1], [2, 3], [4]]
    """
    n, batch_size = as_integer("n", n, low=1), as_integer("batch_size", batch_size, low=1)
    if shuffle and not isinstance(rng, np.random.Generator):
        raise TypeError(f"rng must be a numpy.random.Generator to shuffle, got {rng!r}")
    if drop_last and batch_size > n:
        raise ValueError(f"batch_size must be at most n = {n} with drop_last, got {batch_size}")
    order = rng.permutation(n) if shuffle and rng is not None else np.arange(n)
    stop = n - n % batch_size if drop_last else n
    return (order[start : start + batch_size] for start in range(0, stop, batch_size))
