"""Fill the page about attacks from the attacks themselves and from what came of them."""

from __future__ import annotations

import ast
import csv
import re
from pathlib import Path

from sphinx.application import Sphinx

ROOT = Path(__file__).resolve().parents[2]
ATTACKS = ROOT / "tests" / "attacks"
TABLE = ROOT / "book" / "attacks.csv"
HEADS = {
    "forging": "Points that were not earned",
    "reaching": "What is not theirs",
    "exhausting": "All that there is",
    "breaking": "Notebooks that are not as they should be",
}


def purpose(kind: str, name: str) -> str:
    """Return what an attack is for."""
    tree = ast.parse((ATTACKS / kind / f"{name}.py").read_text("utf-8"))
    text = " ".join((ast.get_docstring(tree) or "").split())
    # What stands between backticks is code, in which nothing is markup.
    return re.sub(r"(`[^`]*`)|([\\*_{}\[\]<>$|~])", lambda m: m[1] or f"\\{m[2]}", text)


def tables() -> str:
    """Return a section for each kind of attack."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    parts = []
    for kind, head in HEADS.items():
        lines = [
            f"| {purpose(kind, row['name'])} | {row['stock']} | {row['ours']} |"
            for row in rows
            if row["kind"] == kind
        ]
        parts += [
            f"## {head}",
            "| attack | stock nbgrader | gradlab |\n|---|---|---|\n" + "\n".join(lines),
        ]
    return "\n\n".join(parts)


def fill(_: Sphinx, docname: str, source: list[str]) -> None:
    """Put the tables in their place on the page."""
    if docname == "book/attacks":
        source[0] = source[0].replace("ATTACKS", tables())


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect to Sphinx."""
    app.connect("source-read", fill)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
