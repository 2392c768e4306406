"""Fill the tables from slides to pages on the teachers' page, from ``book/slides.csv``, with a link
to each entry of the errata that is about a slide.
"""

from __future__ import annotations

import csv
import re
from html import escape
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx

BOOK = Path(__file__).resolve().parents[1]
DECK = re.compile(r"^## Deck ([A-Z])$", re.MULTILINE)
ENTRY = re.compile(r"^### (.+)$", re.MULTILINE)


def entries() -> dict[str, dict[str, list[str]]]:
    """Return the titles of the errata's entries, by deck and by the slide that they are about."""
    titles = {title for row in rows() for title in row["slide"].split("; ")}
    _, *halves = DECK.split((BOOK / "errata.md").read_text("utf-8"))
    found: dict[str, dict[str, list[str]]] = {}
    for deck, text in zip(halves[::2], halves[1::2], strict=True):
        for title in ENTRY.findall(text):
            for slide in title.split("; "):
                known = slide if slide in titles else bare(slide)
                found.setdefault(deck, {}).setdefault(known, []).append(title)
    return found


def bare(title: str) -> str:
    """Return a slide's title without what an entry adds: what is meant in it, or an equation."""
    return re.sub(r" \([^)]*\)$|, eqs?\. .*$", "", title)


def rows() -> list[dict[str, str]]:
    """Return the rows of the table, in the order of the slides."""
    with (BOOK / "slides.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def table(deck: str) -> str:
    """Return a deck's table as MyST."""
    found = entries()[deck]
    lines = ["| slide | in the book | errata |", "|---|---|---|"]
    for row in rows():
        if row["deck"] != deck:
            continue
        place = ", ".join(f"{{doc}}`{page}`" for page in row["pages"].split())
        titles = [t for s in row["slide"].split("; ") for t in found.get(s, ())]
        links = ", ".join(
            f'<a href="errata.html#{nodes.make_id(title)}" aria-label="{escape(title)}">{k}</a>'
            for k, title in enumerate(titles, 1)
        )
        told = f"{place}: {row['where']}" if row["where"] else place
        lines.append(f"| {row['slide']} | {told} | {links} |")
    return "\n".join(lines)


def fill(_app: Sphinx, page: str, source: list[str]) -> None:
    """Put the tables in their places on the page."""
    if page == "book/teachers":
        source[0] = re.sub(r"^SLIDES ([A-Z])$", lambda m: table(m[1]), source[0], flags=re.M)


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect to Sphinx."""
    app.connect("source-read", fill)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
