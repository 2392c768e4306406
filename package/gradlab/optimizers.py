"""Optimizers, which update a list of parameter arrays in place.

Chapter: ``book/optimizers.md``.
Decks: L "The Momentum Method", C "Momentum and trend-based methods".
"""

from __future__ import annotations

from collections.abc import Sequence

from gradlab._validate import FloatArray, as_real, as_shaped

__all__ = ["SGD"]


class SGD:
    r"""Stochastic gradient descent, :math:`w \leftarrow w - \eta \, (g + \lambda w)`.

    Parameters
    ----------
    learning_rate : float
        :math:`\eta`, not negative; may be set between steps.
    weight_decay : float, default 0
        :math:`\lambda`, not negative.

    Raises
    ------
    ValueError
        If a rate is negative or not finite.

    Examples
    --------
    >>> import numpy as np
    >>> weight = np.array([1.0, 2.0])
    >>> SGD(learning_rate=0.1).step([weight], [np.array([1.0, -1.0])])
    >>> weight
    array([0.9, 2.1])
    """

    def __init__(self, learning_rate: float, weight_decay: float = 0.0) -> None:
        self.learning_rate = learning_rate
        self.weight_decay = as_real("weight_decay", weight_decay, low=0.0)

    @property
    def learning_rate(self) -> float:
        """The current rate."""
        return self._learning_rate

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        self._learning_rate = as_real("learning_rate", value, low=0.0)

    def step(self, params: Sequence[FloatArray], grads: Sequence[FloatArray]) -> None:
        """Update every array of `params` in place.

        Raises
        ------
        ValueError
            If the lists differ in length, or a gradient in shape from its parameter; nothing has
            changed then.
        """
        if len(params) != len(grads):
            raise ValueError(f"grads must have {len(params)} arrays, as params, got {len(grads)}")
        checked = [
            as_shaped(f"grads[{k}]", grad, param.shape, param.dtype)
            for k, (param, grad) in enumerate(zip(params, grads, strict=True))
        ]
        for param, grad in zip(params, checked, strict=True):
            param -= self._learning_rate * (grad + self.weight_decay * param)
