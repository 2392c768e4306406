"""Settings of what is configured once and used for long: optimizers, schedules, early stopping."""

from __future__ import annotations

import inspect
from typing import Any


def shown(thing: Any) -> str:
    """Return the call that makes an object with the settings that this one keeps."""
    names = inspect.signature(type(thing)).parameters
    kept = (f"{name}={getattr(thing, name)!r}" for name in names if hasattr(thing, name))
    return f"{type(thing).__name__}({', '.join(kept)})"
