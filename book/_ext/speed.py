"""Fill the page about speed with what ``make bench`` measured, from ``benchmarks/results``."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

RESULTS = Path(__file__).resolve().parents[2] / "benchmarks" / "results"
PEERS = {
    "pytorchs": "PyTorch",
    "scikit_learns": "scikit-learn",
    "products": "the matrix products alone",
}


def read(name: str) -> dict[str, Any]:
    """Return one benchmark's results."""
    content: dict[str, Any] = json.loads((RESULTS / f"{name}.json").read_text("utf-8"))
    return content


def ratio(number: float) -> str:
    """Return a ratio with two digits that count."""
    return (
        f"{number:.0f}" if number >= 9.95 else f"{number:.1f}" if number >= 2 else f"{number:.2f}"
    )


def machine() -> str:
    """Return where and when, as a sentence."""
    of = read("kernels-float32-one")["machine"]
    versions = ", ".join(
        f"{name} {of[name]}" for name in ("numpy", "numba", "torch", "scikit-learn")
    )
    return (
        f"{of['processor']}, {of['cores']} cores; Python {of['python']}, {versions}; {of['date']}"
    )


def grid(cells: list[dict[str, Any]]) -> str:
    """Return a table of ratios: a row for each function, a column for each size."""
    sizes = list(dict.fromkeys(cell["size"] for cell in cells))
    rows: dict[str, dict[str, str]] = {}
    for cell in cells:
        rows.setdefault(cell["name"], {})[cell["size"]] = ratio(cell["speedup"])
    lines = [
        f"| | {' | '.join(size.replace('x', '&nbsp;&times;&nbsp;') for size in sizes)} |",
        f"|---|{'---:|' * len(sizes)}",
        *(f"| {name} | {' | '.join(row[size] for size in sizes)} |" for name, row in rows.items()),
    ]
    return "\n".join(lines)


def kernels(threads: str) -> str:
    """Return the tables of all kernels: arrays of two axes, then the optimizers' vectors."""
    cells = read(f"kernels-float32-{threads}")["cells"]
    vectors = [cell for cell in cells if "x" not in cell["size"]]
    arrays = [cell for cell in cells if "x" in cell["size"]]
    return f"{grid(arrays)}\n\n{grid(vectors)}"


def summary(threads: str) -> str:
    """Return a sentence with the geometric mean of the ratios and how many are below 1."""
    ratios = [cell["speedup"] for cell in read(f"kernels-float32-{threads}")["cells"]]
    mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
    below = sum(value < 1 for value in ratios)
    return (
        f"The geometric mean of {len(ratios)} ratios is {mean:.1f}; {below} of them are below 1, "
        f"the lowest {min(ratios):.2f}"
    )


def epochs(threads: str) -> str:
    """Return a table of the time of an epoch, ours and that of each peer over it."""
    rows = read(f"epochs-{threads}")["rows"]
    lines = ["| network, batch | against | ours, ms | theirs over ours |", "|---|---|---:|---:|"]
    lines += [
        f"| {row['sizes']}, {row['batch']} | {PEERS[row['peer']]} | {1e3 * row['ours']:.0f} | "
        f"{row['speedup']:.2f} |"
        for row in rows
    ]
    return "\n".join(lines)


def fill(_: Sphinx, docname: str, source: list[str]) -> None:
    """Put the tables in their places on the page."""
    if docname != "book/speed":
        return
    text = source[0].replace("MACHINE", machine())
    for threads in ("one", "all"):
        text = text.replace(f"KERNELS-{threads.upper()}", kernels(threads))
        text = text.replace(f"SUMMARY-{threads.upper()}", summary(threads))
        text = text.replace(f"EPOCHS-{threads.upper()}", epochs(threads))
    source[0] = text


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect to Sphinx."""
    app.connect("source-read", fill)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
