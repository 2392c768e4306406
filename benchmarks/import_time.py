"""Time ``import gradlab`` and the module that needs most others against ``import numba``.

Each in a process of its own, alternately.

Run from the repository root: ``make bench``.
"""

import statistics
import subprocess
import sys
import time

ROUNDS = 11


def seconds(module):
    """Return the seconds of a fresh interpreter that imports one module."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", f"import {module}"], check=True)
    return time.perf_counter() - start


def main():
    """Print the medians, and how much longer each of ours takes."""
    for ours in ("gradlab", "gradlab.training"):
        pairs = [(seconds(ours), seconds("numba")) for _ in range(ROUNDS)]
        mine, theirs = (statistics.median(side) for side in zip(*pairs, strict=True))
        ratio = statistics.median(a / b for a, b in pairs)
        print(f"import {ours} {mine:.2f} s, import numba {theirs:.2f} s, ratio {ratio:.2f}")


if __name__ == "__main__":
    main()
