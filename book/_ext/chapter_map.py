"""Show which chapter leads to which, from ``book/chapters.csv``: as a picture and as a table."""

from __future__ import annotations

import csv
from html import escape
from pathlib import Path
from typing import NamedTuple

from sphinx.application import Sphinx

TABLE = Path(__file__).resolve().parents[1] / "chapters.csv"

# As wide as a phone's page, where a unit is a pixel.
WIDTH, HEIGHT = 112, 42
ACROSS, DOWN = 124, 62
MARGIN = 10


class Chapter(NamedTuple):
    """A chapter, its place on the map, its name there in lines, and what to read before it."""

    slug: str
    row: int
    column: int
    lines: tuple[str, ...]
    after: tuple[str, ...]

    @property
    def left(self) -> int:
        """The left edge of its box."""
        return MARGIN + ACROSS * self.column

    @property
    def top(self) -> int:
        """The upper edge of its box."""
        return MARGIN + DOWN * self.row

    @property
    def name(self) -> str:
        """Its name on the map in one line."""
        return " ".join(self.lines)


def chapters() -> dict[str, Chapter]:
    """Return the chapters of the map by their slugs."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        return {
            row["chapter"]: Chapter(
                row["chapter"],
                int(row["row"]),
                int(row["column"]),
                tuple(row["short"].split("/")),
                tuple(row["after"].split()),
            )
            for row in csv.DictReader(file)
        }


def arrow(start: Chapter, end: Chapter) -> str:
    """Return the path of an arrow: straight, or around boxes that stand in its way."""
    middle = WIDTH // 2
    if start.row == end.row:
        y = start.top + HEIGHT // 2
        return f"M{start.left + WIDTH} {y}H{end.left - 2}"
    x, y = start.left + middle, start.top + HEIGHT
    if start.column == end.column:
        column = [c.row for c in chapters().values() if c.column == start.column]
        if not any(start.row < row < end.row for row in column):
            return f"M{x} {y}V{end.top - 2}"
        edge = start.left - MARGIN + 3
        ends = start.top + HEIGHT // 2, end.top + HEIGHT // 2
        return f"M{start.left} {ends[0]}H{edge}V{ends[1]}H{end.left - 2}"
    # From the side of the lower edge to that of the upper one, and down between two columns.
    side = 14 if start.column < end.column else -14
    gap = (DOWN - HEIGHT) // 2
    lane = x + (ACROSS // 2 if side > 0 else -(ACROSS // 2))
    between = f"V{y + gap}H{lane}" if end.row > start.row + 1 else ""
    return f"M{x + side} {y}{between}V{end.top - gap}H{end.left + middle - side}V{end.top - 2}"


def box(chapter: Chapter) -> str:
    """Return a chapter's box, which is a link from a page beside it."""
    first = chapter.top + HEIGHT / 2 + 4 - 6.5 * (len(chapter.lines) - 1)
    lines = "".join(
        f'<tspan x="{chapter.left + WIDTH // 2}" y="{first + 13 * number:g}">{escape(line)}</tspan>'
        for number, line in enumerate(chapter.lines)
    )
    return (
        f'<a href="{chapter.slug}.html" aria-label="{escape(chapter.name)}">'
        f'<rect x="{chapter.left}" y="{chapter.top}" width="{WIDTH}" height="{HEIGHT}" rx="4"/>'
        f"<text>{lines}</text>"
        f'<text class="mark" aria-hidden="true" x="{chapter.left + WIDTH - 9}" '
        f'y="{chapter.top + 13}">\u2713</text></a>'
    )


def picture() -> str:
    """Return the map as SVG."""
    every = chapters()
    arrows = "".join(
        f'<path d="{arrow(every[before], chapter)}"/>'
        for chapter in every.values()
        for before in chapter.after
    )
    width = 2 * MARGIN + 2 * ACROSS + WIDTH
    height = MARGIN + max(chapter.top for chapter in every.values()) + HEIGHT
    return (
        f'<div class="gradlab-map"><svg viewBox="0 0 {width} {height}" role="group" aria-label='
        '"Map of the chapters: an arrow leads from what to read first to what rests on it">'
        '<defs><marker id="gradlab-arrow" viewBox="0 0 6 6" refX="5" refY="3" markerWidth="6" '
        'markerHeight="6" orient="auto"><path d="M0 0L6 3L0 6z"/></marker></defs>'
        f'<g class="arrows">{arrows}</g>{"".join(map(box, every.values()))}</svg></div>'
    )


def prerequisites() -> str:
    """Return what to read before each chapter, as a table."""
    lines = ["| chapter | read before it |", "|---|---|"]
    for slug, chapter in chapters().items():
        before = ", ".join(f"{{doc}}`{name}`" for name in chapter.after) or "nothing"
        lines.append(f"| {{doc}}`{slug}` | {before} |")
    return "\n".join(lines)


def fill(_app: Sphinx, page: str, source: list[str]) -> None:
    """Put the map on the first page, and the table on the teachers'."""
    if page == "book/intro":
        source[0] = source[0].replace("CHAPTERMAP", f"```{{raw}} html\n{picture()}\n```")
    if page == "book/teachers":
        source[0] = source[0].replace("PREREQUISITES", prerequisites())


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect to Sphinx."""
    app.connect("source-read", fill)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
