"""Early stopping: end training when a metric of held-out examples no longer improves.

A network that trains on begins to fit what its training examples do not share with others: the
training loss goes on falling while that of held-out examples rises. The training loop reports the
validation metric, is told when to stop, and gets back the parameters of the best time.

Chapter: ``book/early-stopping.md``.
Decks: H "Early Stopping", C "Other heuristics: Early stopping".
Paper: L. Prechelt, Early Stopping - But When?, in Neural Networks: Tricks of the Trade, 1998.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from gradlab._owner import Owner
from gradlab._validate import FloatArray, as_array, as_integer, as_list, as_metric, as_real

__all__ = ["EarlyStopping"]


class EarlyStopping:
    r"""Stop after `patience` consecutive updates without improvement of a metric.

    A metric m improves on the best one so far, b, if

    .. math:: m < b - \delta \quad (\text{mode "min"}) \qquad \text{or} \qquad
              m > b + \delta \quad (\text{mode "max"})

    and only then becomes the best; training stops at the first update with `patience` updates in a
    row, itself included, that did not improve.

    Parameters
    ----------
    patience : int, default 10
        Not negative. 0 is the same as 1: stop at the first update without improvement.
    min_delta : float, default 0
        :math:`\delta`, not negative: a change of no more than this is no improvement.
    mode : {"min", "max"}, default "min"
        "min" for a loss, "max" for an accuracy.

    Attributes
    ----------
    best : float
        The best metric so far; infinite, with the sign of the worst, before there is one.
    best_step : int or None
        The update it came with, counted from 0, so that it is an index into a list of the metrics;
        None before there is one.
    wait : int
        Updates since then.

    Raises
    ------
    ValueError
        If a number is negative or not finite, or `mode` is unknown.
    TypeError
        If `patience` is not an integer or `min_delta` not a real number.

    Notes
    -----
    One object is for one network, because it remembers the best epoch and its arrays: make a new
    one for each fold of a cross-validation and for each setting that is tried.
    `gradlab.training.fit` refuses one that was used for another network.

    Equations es-improvement and es-stop. Keras's ``EarlyStopping`` with ``restore_best_weights``
    when `restore` is called at the end; PyTorch's ``ReduceLROnPlateau`` bears one update more for
    the same patience. Small improvements add up: each is compared with the best, not with the
    update before.

    Decks H "Early Stopping" and C "Other heuristics: Early stopping". Deck C names "one of several"
    criteria; Prechelt (1998) compares others, such as the rise above the best metric in percent.

    Examples
    --------
    >>> stopping, weight = EarlyStopping(patience=2), np.array([0.0])
    >>> for loss in [0.5, 0.3, 0.4, 0.35, 0.2]:
    ...     weight += 1
    ...     if stopping.update(loss, [weight]):
    ...         break
    >>> weight, stopping.best, stopping.best_step
    (array([4.]), 0.3, 1)
    >>> stopping.restore([weight])
    >>> weight
    array([2.])
    """

    def __init__(self, patience: int = 10, min_delta: float = 0.0, mode: str = "min") -> None:
        self.patience = as_integer("patience", patience, low=0)
        self.min_delta = as_real("min_delta", min_delta, low=0.0)
        if mode not in ("min", "max"):
            raise ValueError(f"mode must be 'min' or 'max', got {mode!r}")
        self.mode = mode
        self.best = math.inf if mode == "min" else -math.inf
        self.best_step: int | None = None
        self.wait = 0
        self._updates = 0
        self._best_params: list[FloatArray] | None = None
        self._owner = Owner()

    def _is_used(self) -> bool:
        return self._updates > 0

    def update(self, metric: float, params: Sequence[FloatArray] | None = None) -> bool:
        """Take the metric of one more epoch, and say whether to stop.

        Parameters
        ----------
        metric : float
            Of held-out examples, never of the training set. Infinite or not a number is no
            improvement: a run that diverges stops when the patience is at its end.
        params : sequence of arrays, optional
            Copied if the metric improved, for `restore`.

        Returns
        -------
        bool
            True: stop.

        Raises
        ------
        TypeError
            If `metric` is not a real number, or `params` does not hold arrays.
        """
        value = as_metric("metric", metric)
        # (es-improvement)  m < b - delta, or m > b + delta
        if self.mode == "min":
            improved = value + self.min_delta < self.best
        else:
            improved = value - self.min_delta > self.best
        if improved and math.isfinite(value):
            kept = None if params is None else [array.copy() for array in _as_arrays(params)]
            self.best, self.best_step, self._best_params = value, self._updates, kept
            self.wait = 0
        else:
            self.wait += 1
        self._updates += 1
        # (es-stop)  stop at wait >= patience
        return self.wait >= max(self.patience, 1)

    def restore(self, params: Sequence[FloatArray]) -> None:
        """Copy the parameters of the best update into `params`, in place.

        Parameters
        ----------
        params : sequence of arrays
            Of the shapes that the best update was given.

        Raises
        ------
        RuntimeError
            If no metric has improved yet, or the best one came without parameters.
        ValueError
            If the arrays differ in number or shape from those kept; nothing has changed then.
        TypeError
            If `params` does not hold arrays.
        """
        if self._best_params is None:
            raise RuntimeError("restore needs an update that improved and was given params before")
        arrays = _as_arrays(params)
        got, expected = [a.shape for a in arrays], [kept.shape for kept in self._best_params]
        if got != expected:
            raise ValueError(f"params must have arrays of shapes {expected}, as kept, got {got}")
        for array, kept in zip(arrays, self._best_params, strict=True):
            array[...] = kept


def _as_arrays(params: Sequence[FloatArray]) -> list[FloatArray]:
    arrays = as_list("params", params)
    for k, param in enumerate(arrays):
        if not isinstance(param, np.ndarray):
            raise TypeError(f"params[{k}] must be a NumPy array, got {type(param).__name__}")
    return [as_array(f"params[{k}]", param) for k, param in enumerate(arrays)]
