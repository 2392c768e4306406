"""Write the README's table of speed from ``benchmarks/results``; ``make bench`` ends with it."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parent.parent
MARKS = re.compile(r"(?<=<!-- speed -->\n).*?(?=<!-- end of speed -->)", re.DOTALL)
ROWS = (
    "relu",
    "sigmoid",
    "softmax",
    "softmax cross-entropy backward",
    "batch norm",
    "batch norm backward",
    "layer norm",
    "layer norm backward",
    "clip by global norm",
)


def tables() -> ModuleType:
    """Return the module that makes the tables of the book's page."""
    spec = importlib.util.spec_from_file_location("speed", ROOT / "book" / "_ext" / "speed.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def block() -> str:
    """Return what stands between the marks: where, when, and a part of the grid."""
    speed = tables()
    cells = speed.read("kernels-float32-one")["cells"]
    grid = speed.grid([cell for cell in cells if cell["name"] in ROWS])
    epochs = [row for row in speed.read("epochs-one")["rows"] if row["peer"] != "products"]
    listed = ", ".join(
        f"{row['speedup']:.2f} ({row['sizes']}, {speed.PEERS[row['peer']]})" for row in epochs
    )
    return (
        f"{grid}\n\nThe table has PyTorch's time over ours in float32 on one thread, and is a part "
        f"of a grid.\n{speed.summary('one')}.\n"
        f"For an epoch through `fit` the ratios are {listed}.\n"
        f"Measured on {speed.machine()}.\n"
    )


def main() -> None:
    """Put the block into the README."""
    path = ROOT / "README.md"
    text = path.read_text("utf-8")
    path.write_text(MARKS.sub(lambda _: block(), text), "utf-8")


if __name__ == "__main__":
    main()
