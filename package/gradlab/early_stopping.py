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
from numpy.typing import ArrayLike

from gradlab._jit import njit
from gradlab._owner import Owner
from gradlab._settings import shown
from gradlab._validate import (
    FloatArray,
    as_array,
    as_choice,
    as_float_array,
    as_integer,
    as_list,
    as_metric,
    as_real,
)

__all__ = ["EarlyStopping", "stopping_step"]


@njit
def _stopping_kernel(metrics, sign, patience, min_delta, state):
    """Equations es-improvement and es-stop; returns whether to stop.

    After that no further metric is taken in. `sign` is 1 where a smaller
    metric is better and -1 where a larger one is. `state` holds the best
    metric, its step, the steps since then and the number of all steps, and
    is carried on.
    """
    for i in range(len(metrics)):
        m = metrics[i]
        # (es-improvement)  m < b - delta, or m > b + delta
        # What is infinitely good could never be surpassed.
        if abs(m) < np.inf and sign * m + min_delta < sign * state[0]:
            state[0], state[1], state[2] = m, state[3], 0.0
        else:
            state[2] += 1.0
        state[3] += 1.0
        # (es-stop)  t - t_best >= max(patience, 1)
        if state[2] >= max(patience, 1.0):
            return True
    return False


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
        as_choice("mode", mode, ("min", "max"))
        self.mode = mode
        self.best = math.inf if mode == "min" else -math.inf
        self.best_step: int | None = None
        self.wait = 0
        self._updates = 0
        self._best_params: list[FloatArray] | None = None
        self._owner = Owner()

    def __repr__(self) -> str:
        return shown(self)

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
        """
        value = as_metric("metric", metric)
        arrays = None if params is None else _as_arrays(params)
        stop = self._run(np.array([value]))
        if self.wait == 0:
            self._best_params = None if arrays is None else [array.copy() for array in arrays]
        return stop

    def _run(self, metrics: FloatArray) -> bool:
        """Take metrics in, one after the other, until one of them says stop."""
        sign = 1.0 if self.mode == "min" else -1.0
        best_step = -1 if self.best_step is None else self.best_step
        state = np.array([self.best, best_step, self.wait, self._updates])
        stop = _stopping_kernel(metrics, sign, float(self.patience), self.min_delta, state)
        self.best = float(state[0])
        best_step, self.wait, self._updates = (int(count) for count in state[1:])
        self.best_step = None if best_step < 0 else best_step
        return bool(stop)

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
        """
        if self._best_params is None:
            raise RuntimeError("restore needs an update that improved and was given params before")
        arrays = _as_arrays(params)
        got, expected = [a.shape for a in arrays], [kept.shape for kept in self._best_params]
        if got != expected:
            raise ValueError(f"params must have arrays of shapes {expected}, as kept, got {got}")
        for array, kept in zip(arrays, self._best_params, strict=True):
            array[...] = kept


def stopping_step(
    metrics: ArrayLike, patience: int, min_delta: float = 0.0, mode: str = "min"
) -> tuple[int | None, int | None]:
    r"""Find where a recorded curve stops, and where it was best until then.

    .. math:: t - t_{\text{best}} \ge \max(\textit{patience}, 1)

    for the first time: what an `EarlyStopping` with the same settings would have done.

    Parameters
    ----------
    metrics : array (updates,)
        A recorded curve, such as the validation loss of each epoch. What is not finite is no
        improvement.
    patience, min_delta, mode
        As in `EarlyStopping`; here the patience has no default.

    Returns
    -------
    stop : int or None
        The index of the metric that asked to stop, counted from 0; None if none did.
    best : int or None
        That of the best metric up to there, which is the epoch to go back to; None if no metric is
        finite.

    Notes
    -----
    Equations es-improvement and es-stop. Metrics after `stop` do not count, be they ever so good: a
    run that stopped never saw them.

    Decks H "Early Stopping" and C "Other heuristics: Early stopping"; Prechelt (1998).

    Examples
    --------
    >>> stopping_step([0.5, 0.3, 0.4, 0.35, 0.2], patience=2)
    (3, 1)
    >>> stopping_step([0.5, 0.3, 0.4, 0.35, 0.2], patience=3)
    (None, 4)
    """
    stopping = EarlyStopping(patience, min_delta, mode)
    curve = as_float_array("metrics", metrics, ndim=1, dtype=np.float64)
    stop = stopping._run(curve)
    return stopping._updates - 1 if stop else None, stopping.best_step


def _as_arrays(params: Sequence[FloatArray]) -> list[FloatArray]:
    arrays = as_list("params", params)
    for k, param in enumerate(arrays):
        if not isinstance(param, np.ndarray):
            raise TypeError(f"params[{k}] must be a NumPy array, got {type(param).__name__}")
    return [as_array(f"params[{k}]", param) for k, param in enumerate(arrays)]
