"""Time two functions in turn, and describe the machine: what the benchmarks share."""

from __future__ import annotations

import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

RESULTS = Path(__file__).with_name("results")


class Pair(NamedTuple):
    """Medians over the rounds: seconds of a call of each, and theirs over ours."""

    ours: float
    theirs: float
    speedup: float


WARM = 0.025
"""Seconds of calls before those that are timed.

The threads of the other side go on for some milliseconds after their work, in wait of more, and
one's own have to be awake.
"""


def seconds(function: Callable[[], Any], calls: int) -> float:
    """Return the mean seconds of `calls` calls in a row."""
    until = time.perf_counter() + WARM
    while time.perf_counter() < until:
        function()
    start = time.perf_counter()
    for _ in range(calls):
        function()
    return (time.perf_counter() - start) / calls


def compare(
    ours: Callable[[], Any], theirs: Callable[[], Any], rounds: int = 11, least: float = 3e-3
) -> Pair:
    """Call the two alternately, each for at least `least` seconds, and return the medians."""
    calls = [
        max(1, round(least / min(seconds(function, 1) for _ in range(3))))
        for function in (ours, theirs)
    ]
    times = [(seconds(ours, calls[0]), seconds(theirs, calls[1])) for _ in range(rounds)]
    mine, other = (statistics.median(side) for side in zip(*times, strict=True))
    return Pair(mine, other, statistics.median(b / a for a, b in times))


def machine() -> dict[str, Any]:
    """Return what the numbers depend on: processor, cores, versions and the day."""
    packages = ("gradlab", "numpy", "numba", "torch", "scikit-learn")
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count(),
        "python": platform.python_version(),
        **{name: version(name) for name in packages},
    }


def _processor() -> str:
    """Return the processor's name, with the vector instructions that decide most here."""
    info = Path("/proc/cpuinfo")
    if not info.exists():
        return platform.processor() or platform.machine()
    lines = dict(
        (part.strip() for part in line.split(":", 1))
        for line in info.read_text().splitlines()
        if ":" in line
    )
    flags = lines.get("flags", "").split()
    widest = next((flag for flag in ("avx512f", "avx2") if flag in flags), "no avx2")
    return f"{lines.get('model name', platform.machine())}, {widest}"


def write(name: str, content: dict[str, Any]) -> None:
    """Write a benchmark's results, with the machine, where the book reads them."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps({"machine": machine(), **content}, indent=1) + "\n")
    print(f"written to benchmarks/results/{path.name}")
