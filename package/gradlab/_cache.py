"""What a forward pass keeps for its backward pass."""

from __future__ import annotations

from typing import Any


class Cache:
    """Base of the caches, which are frozen dataclasses: ``cache["mean"]`` is ``cache.mean``."""

    __dataclass_fields__: dict[str, Any]

    def __getitem__(self, name: str) -> Any:
        """Return an attribute by its name.

        Raises
        ------
        KeyError
            If the cache has no such entry.
        """
        if name not in self.__dataclass_fields__:
            raise KeyError(name)
        return getattr(self, name)
