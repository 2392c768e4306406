"""Fill the page that lists the mistakes that the checkers know, from the exercises themselves."""

from __future__ import annotations

import csv
import importlib
import pkgutil
import re
from pathlib import Path

from sphinx.application import Sphinx

import gradlab.checks
from gradlab.checks import Exercise, Misconception

ROOT = Path(__file__).resolve().parents[2]
RECALL = ROOT / "book" / "recall.csv"


def exercises() -> dict[str, list[Exercise]]:
    """Return the exercises of each topic that has some."""
    modules = pkgutil.iter_modules(gradlab.checks.__path__, "gradlab.checks.")
    topics = [name for _, name, _ in modules if not name.rpartition(".")[2].startswith("_")]
    return {name.rpartition(".")[2]: importlib.import_module(name).EXERCISES for name in topics}


def plain(text: str) -> str:
    """Return a text in which no character begins a markup."""
    return re.sub(r"([\\`*_{}\[\]<>$|~])", r"\\\1", text)


def row(mistake: Misconception) -> str:
    """Return a mistake as a row: its name, what it earns, the hint, the equation."""
    points = "" if mistake.points is None else f"{mistake.points:g}"
    equation = f"{{equation}}`{mistake.equation}`" if mistake.equation else ""
    return f"| {plain(mistake.name)} | {points} | {plain(mistake.hint)} | {equation} |"


def table(topic: str, of_topic: list[Exercise]) -> str:
    """Return a section with a table for each exercise of a topic."""
    slug = topic.replace("_", "-")
    parts = [f"## {slug}", f"The exercise of {{doc}}`{slug}`."]
    for exercise in of_topic:
        parts += [
            f"### {exercise.name}\n\n{exercise.points:g} points.",
            "| mistake | earns | hint | read again |\n|---|---:|---|---|\n"
            + "\n".join(map(row, exercise.misconceptions)),
        ]
    return "\n\n".join(parts)


def recall() -> str:
    """Return the table of how many edits of each solution get a cause."""
    with RECALL.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    lines = [
        "| exercise | wrong | named | other | none |",
        "|---|---:|---:|---:|---:|",
    ]
    for entry in rows:
        numbers = [int(entry[key]) for key in ("wrong", "known", "other")]
        none = numbers[0] - numbers[1] - numbers[2]
        lines.append(f"| {plain(entry['exercise'])} | {' | '.join(map(str, [*numbers, none]))} |")
    totals = [sum(int(entry[key]) for entry in rows) for key in ("wrong", "known", "other")]
    lines.append(f"| all | {' | '.join(map(str, [*totals, totals[0] - totals[1] - totals[2]]))} |")
    return "\n".join(lines)


def fill(_: Sphinx, docname: str, source: list[str]) -> None:
    """Put the tables in their places on the page."""
    if docname == "book/mistakes":
        sections = "\n\n".join(table(*pair) for pair in exercises().items())
        source[0] = source[0].replace("RECALL", recall()).replace("MISTAKES", sections)


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect to Sphinx."""
    app.connect("source-read", fill)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
