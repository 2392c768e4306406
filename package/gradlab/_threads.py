"""Threads for large arrays: the one place that says when a kernel's work is divided, and how.

Kernels leave the interpreter to other threads while they run, so plain threads are enough. The
work is cut into parts by its size alone and the results come back in order: what a kernel returns
does not depend on the number of threads. That number is numba's, ``NUMBA_NUM_THREADS``, which is
the number of cores unless the environment says otherwise. Kernels and NumPy's products of matrices,
which have threads of their own, take turns.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Any, TypeVar

from gradlab._jit import THREADS
from gradlab._memory import LINE

S = TypeVar("S")
T = TypeVar("T")

PART = 1 << 19
"""Entries in a part: with less than two of them no thread is woken."""

_pool: ThreadPoolExecutor | None = None


def _forget_pool() -> None:
    """Start anew in a forked process, which has the pool but none of its threads."""
    global _pool
    _pool = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_pool)


def parts(length: int, entries: int) -> list[slice]:
    """Return stretches of `length` rows that hold `entries` numbers together.

    There is one for every `PART` numbers, and never more than there are rows.
    """
    if entries < 2 * PART:
        return [slice(0, length)]
    count = max(1, min(length, entries // PART))
    # So many rows fill whole lines of memory, whatever a row holds: parts of multiples of them
    # begin where lines do, if there are rows enough.
    step = LINE if length >= LINE * count else 1
    bounds = [length // step * k // count * step for k in range(count)]
    return [*map(slice, bounds, [*bounds[1:], length])]


def run(call: Callable[[S], T], stretches: Sequence[S]) -> list[T]:
    """Return what `call` returns for each stretch, called in several threads if there are some.

    Each begins at a place of its own and goes on with what the others have left, so that nobody
    waits for the last to wake. With two threads the place is the same at every call, where the
    caches of the core may hold what it needs; with more, any worker of the pool may take any place.
    """
    global _pool
    if len(stretches) == 1:
        return [call(stretches[0])]
    threads = min(THREADS, len(stretches))
    if threads == 1:
        return [call(stretch) for stretch in stretches]
    if _pool is None:
        _pool = ThreadPoolExecutor(THREADS - 1, thread_name_prefix="gradlab")
    results: dict[int, T] = {}
    left = set(range(len(stretches)))

    def work(thread: int) -> None:
        first = len(stretches) * thread // threads
        for k in (*range(first, len(stretches)), *range(first)):
            try:
                left.remove(k)
            except KeyError:
                continue
            results[k] = call(stretches[k])

    helpers: list[Future[None]] = []
    with suppress(RuntimeError):  # the interpreter is ending, and starts no work
        for thread in range(1, threads):
            helpers.append(_pool.submit(work, thread))
    work(0)
    for helper in helpers:
        # Who has not begun yet finds nothing left.
        if not helper.cancel():
            helper.result()
    return [results[k] for k in range(len(stretches))]


def by_rows(kernel: Callable[..., T], arrays: Sequence[Any], *others: Any) -> list[T]:
    """Call ``kernel(*arrays, *others)`` on stretches of the arrays' rows; return the results."""
    first = arrays[0]
    if first.size < 2 * PART:
        return [kernel(*arrays, *others)]
    return run(
        lambda stretch: kernel(*[array[stretch] for array in arrays], *others),
        parts(len(first), first.size),
    )


def each_by_rows(kernel: Callable[..., Any], sets: Iterable[Sequence[Any]], *others: Any) -> None:
    """Call `by_rows` for each set of arrays; most are small, and go to the kernel at once."""
    for arrays in sets:
        if arrays[0].size < 2 * PART:
            kernel(*arrays, *others)
        else:
            by_rows(kernel, arrays, *others)
