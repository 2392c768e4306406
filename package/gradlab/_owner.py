"""Whose memory it is: what is used with one network must not act on another one unnoticed."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any


class Owner:
    """The network that an optimizer, a schedule or a judge of epochs was used for.

    Networks are one and the same if they are one object, or train the same arrays, or some of them
    after a part was frozen. What is deep-copied or read from a file belongs to nobody yet, so that
    a run goes on from a checkpoint. An owner never changes, because shallow copies share it.
    """

    def __init__(self, network: Any = None) -> None:
        params = [] if network is None else network.parameters()
        self._network: Callable[[], Any] = _nobody if network is None else weakref.ref(network)
        self._params = [weakref.ref(array) for array in params]

    def claim(self, name: str, network: Any, used: bool) -> Owner:
        """Return the owner from now on, which is the network.

        Raises
        ------
        ValueError
            If something is remembered, `used`, and it is of another network.
        """
        if used and self._network is not _nobody and not self._is(network):
            raise ValueError(
                f"{name} must be a new one for each network, got one that remembers the training "
                f"of another network (for a copy of that network, pass copy.deepcopy({name}))"
            )
        return Owner(network)

    def _is(self, network: Any) -> bool:
        known = {id(ref()) for ref in self._params}
        now = {id(array) for array in network.parameters()}
        fewer, more = sorted((known, now), key=len)
        return self._network() is network or (bool(fewer) and fewer <= more)

    def __reduce__(self) -> tuple[type[Owner], tuple[()]]:
        return Owner, ()


def _nobody() -> None:
    """Stand for the owner of what was not used yet."""
