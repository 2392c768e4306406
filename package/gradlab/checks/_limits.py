"""Limits for a student's function: how long it runs, and how much it prints."""

from __future__ import annotations

import _thread
import contextlib
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any, TextIO

SECONDS = 20.0
"""For one case: far more than any needs, with room for the compiler of numba."""

CHARACTERS = 20_000
"""Printed in one case: more than anybody reads, and little enough for a notebook."""


class OvertimeError(Exception):
    """A function did not come back in time."""


@contextlib.contextmanager
def in_time(seconds: float) -> Iterator[None]:
    """Raise OvertimeError in what takes longer, as Ctrl-C would interrupt it.

    Only the main thread can be interrupted, and a function that swallows KeyboardInterrupt cannot.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    state, lock = {"running": True, "fired": False}, threading.Lock()

    def interrupt() -> None:
        with lock:
            if state["running"]:
                state["fired"] = True
                _thread.interrupt_main()

    timer = threading.Timer(seconds, interrupt)
    timer.daemon = True
    timer.start()
    try:
        yield
        with lock:
            state["running"] = False
        if state["fired"]:
            time.sleep(1.0)  # the interrupt is on its way
    except KeyboardInterrupt:
        if not state["fired"]:
            raise
        raise OvertimeError from None
    finally:
        state["running"] = False
        timer.cancel()


class _Limited:
    """Passes on what is printed, up to a number of characters."""

    def __init__(self, stream: TextIO, characters: int) -> None:
        self._stream, self._left = stream, characters

    def write(self, text: str) -> int:
        """Print as much of a text as may still be."""
        if self._left > 0:
            self._stream.write(text[: self._left])
            self._left -= len(text)
            if self._left <= 0:
                self._stream.write("\n... what your function prints from here on is left out\n")
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def printing_little(characters: int) -> contextlib.AbstractContextManager[Any]:
    """Cut what is printed off after so many characters."""
    return contextlib.redirect_stdout(_Limited(sys.stdout, characters))
