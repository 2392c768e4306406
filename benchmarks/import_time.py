"""Time ``import gradlab`` against ``import numba``, each in a process of its own, alternately.

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
    """Print both medians and the median of the differences."""
    pairs = [(seconds("gradlab"), seconds("numba")) for _ in range(ROUNDS)]
    ours, theirs = (statistics.median(side) for side in zip(*pairs, strict=True))
    extra = statistics.median(a - b for a, b in pairs)
    print(f"import gradlab {ours:.2f} s, import numba {theirs:.2f} s, difference {extra:+.2f} s")


if __name__ == "__main__":
    main()
