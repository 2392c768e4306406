"""Limits for a student's function: its time, its memory and what it prints; nothing of it stays."""

from __future__ import annotations

import _thread
import contextlib
import random
import signal
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any, TextIO

import numpy as np

try:
    import resource
except ImportError:  # Windows has none.
    resource = None  # type: ignore[assignment]

SECONDS = 20.0
"""For one case: far more than any needs, with room for the compiler of numba."""

AGAIN = 0.02
"""Seconds from one interrupt to the next: a bare ``except`` may swallow the first."""

BYTES = 2**29
"""More memory than before, in one case: with room for the compiler of numba as well."""

DEPTH = 3000
"""Calls within calls: with more, a function that calls itself without end takes minutes to fail."""

CHARACTERS = 20_000
"""Printed in one case: more than anybody reads, and little enough for a notebook."""


class OvertimeError(BaseException):
    """A function did not come back in time; no Exception, which ``except Exception`` swallows."""


class GoneError(BaseException):
    """A function that runs in another process cannot be called any more; the message says why."""


class Limits:
    """For the calls of one check, each in a ``with`` of its own, until `close`.

    Raises OvertimeError in what takes too long, and lets what takes too much memory fail. What a
    user stops by hand is KeyboardInterrupt afterwards, whatever the function made of it. A thread
    sends the main thread the signal of Ctrl-C, which ends a wait as well, until the function is
    left. What stays within one call of compiled code cannot be interrupted. Linux alone limits
    memory: elsewhere it ends where the machine's does. There are no limits in other threads than
    the main one, which alone gets signals.
    """

    def __init__(self, seconds: float = SECONDS, memory: int = BYTES) -> None:
        self.seconds, self.memory = seconds, memory
        self._lock, self._closed = threading.Lock(), threading.Event()
        self._thread: threading.Thread | None = None
        self._end: float | None = None
        self._sent = self._heard = 0
        self._stopped = False
        self._before: Any = None
        self._data = limit_data(memory)

    def close(self) -> None:
        """End the thread."""
        self._closed.set()
        if self._thread:
            self._thread.join()

    def __enter__(self) -> None:
        main = threading.current_thread() is threading.main_thread()
        # A handler that is not Python's cannot be put back.
        if not main or signal.getsignal(signal.SIGINT) is None:
            return
        self._sent = self._heard = 0
        self._stopped = False
        self._before = signal.signal(signal.SIGINT, self._interrupted)
        self._end = time.monotonic() + self.seconds
        if self._data:
            resource.setrlimit(resource.RLIMIT_DATA, self._data[1])
        if self._thread is None:
            self._thread = threading.Thread(target=self._watch, daemon=True)
            self._thread.start()

    def __exit__(self, *_: object) -> None:
        if self._before is None:
            return
        if self._data:
            resource.setrlimit(resource.RLIMIT_DATA, self._data[0])
        with self._lock:
            self._end = None
        # What has been sent must not arrive afterwards.
        deadline = time.monotonic() + 1.0
        while self._heard < self._sent and time.monotonic() < deadline:
            time.sleep(0.001)
        signal.signal(signal.SIGINT, self._before)
        self._before = None
        if self._stopped:
            raise KeyboardInterrupt
        if self._sent:
            raise OvertimeError

    def _watch(self) -> None:
        pause = self.seconds
        while not self._closed.wait(pause):
            with self._lock:
                now = time.monotonic()
                if self._end is not None and now >= self._end:
                    self._sent += 1
                    _interrupt()
                    self._end = now + AGAIN
                pause = self.seconds if self._end is None else self._end - now

    def _interrupted(self, _: int, frame: FrameType | None) -> None:
        if self._heard < self._sent:
            self._heard = self._sent
        else:
            self._stopped = True
        # Not in our own code, which would be left half done.
        own = Limits.__enter__.__code__, Limits.__exit__.__code__
        while frame is not None and frame.f_code not in own:
            frame = frame.f_back
        if frame is None:
            raise OvertimeError


def _interrupt() -> None:
    """Send the main thread the signal of Ctrl-C."""
    if hasattr(signal, "pthread_kill"):
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
    else:
        _thread.interrupt_main()


def limit_data(memory: int) -> tuple[tuple[int, int], tuple[int, int]] | None:
    """Return the process's limits of memory, and those that let it have so much more.

    What counts is what it may write to, not what its libraries have set aside.
    """
    try:
        used = int(Path("/proc/self/statm").read_text().split()[5]) * resource.getpagesize()
        before = resource.getrlimit(resource.RLIMIT_DATA)
    except (OSError, AttributeError):
        return None
    limits = [limit for limit in before if limit != resource.RLIM_INFINITY]
    return before, (min([used + memory, *limits]), before[1])


@contextlib.contextmanager
def nothing_left_behind() -> Iterator[None]:
    """Put back what a function may set for the whole notebook, and limit how deep its calls go."""
    drawn, numpys = random.getstate(), np.random.get_state(legacy=False)  # noqa: NPY002
    depth, profile, trace = sys.getrecursionlimit(), sys.getprofile(), sys.gettrace()
    with warnings.catch_warnings(), np.errstate(), np.printoptions():
        sys.setrecursionlimit(min(depth, DEPTH))
        try:
            yield
        finally:
            random.setstate(drawn)
            np.random.set_state(numpys)  # noqa: NPY002
            sys.setrecursionlimit(depth)
            sys.setprofile(profile)
            sys.settrace(trace)


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
