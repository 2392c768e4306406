"""Whose memory it is: what is used with one network must not act on another one unnoticed."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any


class Owner:
    """The network that an optimizer, a schedule or a judge of epochs was used for.

    Networks are one and the same if they are one object, or train the same arrays, or some of them
    after a part was frozen. What is copied or read from a file belongs to nobody yet, so that a
    run goes on from a checkpoint.
    """

    def __init__(self) -> None:
        self._network: Callable[[], Any] = _nobody
        self._params: list[weakref.ref[Any]] = []

    def claim(self, name: str, network: Any, used: bool) -> None:
        """Make the network the owner.

        Raises
        ------
        ValueError
            If something is remembered, `used`, and it is of another network.
        """
        params = network.parameters()
        if used and self._network is not _nobody and not self._is(network, params):
            raise ValueError(
                f"{name} must be a new one for each network, got one that remembers the training "
                f"of another network"
            )
        self._network = weakref.ref(network)
        self._params = [weakref.ref(array) for array in params]

    def _is(self, network: Any, params: list[Any]) -> bool:
        known, now = {id(ref()) for ref in self._params}, {id(array) for array in params}
        fewer, more = sorted((known, now), key=len)
        return self._network() is network or (bool(fewer) and fewer <= more)

    def __reduce__(self) -> tuple[type[Owner], tuple[()]]:
        return Owner, ()


def _nobody() -> None:
    """Stand for the owner of what was not used yet."""
