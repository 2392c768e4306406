"""Make of a released notebook a page for a learner: links to its chapter and to the equations that
it names, hints to ask for, and the model answers, all made from ``solutions/`` and the checks.

The table of exercises on the teachers' page is made from the same.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, NamedTuple

import jupytext
from equations import all_labels
from sphinx.application import Sphinx

from gradlab.checks import Exercise, exercise

ROOT = Path(__file__).resolve().parents[2]
PAGE = re.compile(r"exercises/([a-z-]+)/\1")
CHECK = re.compile(r'^check\("([^"]+)"', re.MULTILINE)
SOLUTION = re.compile(
    r"^ *### BEGIN SOLUTION\n(.*?)^ *### END SOLUTION\n?", re.MULTILINE | re.DOTALL
)
GIVEN = re.compile(r"^ *### GIVEN\n.*?(?=^ *### END SOLUTION)", re.MULTILINE | re.DOTALL)
TITLE = re.compile(r"^## (\d+ .+)$", re.MULTILINE)
CODE = re.compile(r"(?<!`)`([a-z]+(?:-[a-z0-9]+)+)`(?!`)")


class Part(NamedTuple):
    """A part of an exercise: its title, its answers as MyST, and the exercises that check it."""

    title: str
    answers: list[str]
    checked: list[Exercise]

    @property
    def points(self) -> float:
        """What its checks are worth."""
        return sum(one.points for one in self.checked)


def cells(slug: str) -> list[Any]:
    """Return the cells of a solution."""
    found: list[Any] = jupytext.read(ROOT / "solutions" / f"{slug}.py").cells
    return found


def parts(slug: str) -> list[Part]:
    """Return the parts of an exercise, in order."""
    found: list[Part] = []
    for cell in cells(slug):
        if cell.cell_type == "markdown":
            found += [Part(title, [], []) for title in TITLE.findall(cell.source)]
        if not found:
            continue
        settings = cell.metadata.get("nbgrader", {})
        found[-1].checked.extend(exercise(name) for name in CHECK.findall(cell.source))
        if settings.get("solution"):
            found[-1].answers.append(answer(cell))
    return found


def answer(cell: Any) -> str:
    """Return a cell's model answer as MyST: code without nbgrader's marks, or text as it is."""
    text = re.sub(r"^ *### (BEGIN|END) SOLUTION\n?", "", GIVEN.sub("", cell.source), flags=re.M)
    return text.strip() if cell.cell_type == "markdown" else f"```python\n{text.strip()}\n```"


def linked(text: str, known: set[str]) -> str:
    """Make links of the labels of equations in a text."""
    return CODE.sub(lambda m: f"{{equation}}`{m[1]}`" if m[1] in known else m[0], text)


def plain(text: str) -> str:
    """Return a text of the checks in which nothing begins a markup."""
    return re.sub(r"([\\`*_{}\[\]<>$|~])", r"\\\1", text)


def dropdown(title: str, content: str, kind: str = "") -> str:
    """Return a text that opens on a click."""
    option = f":class-container: {kind}\n" if kind else ""
    return f"::::{{dropdown}} {title}\n{option}\n{content}\n::::"


def hint(part: Part) -> str:
    """Return what to read again for a part and, one click further, what goes wrong in it."""
    equations = [label for one in part.checked for c in one.criteria for label in c.equations]
    read = ", ".join(f"{{equation}}`{label}`" for label in dict.fromkeys(equations))
    slips = [f"- {plain(m.hint)}" for one in part.checked for m in one.misconceptions]
    inner = dropdown("What often goes wrong here", "\n".join(dict.fromkeys(slips)))
    said = f"Read again: {read}." if read else "The text of this part says what is asked."
    return f"{said}\n\n{inner.replace('::::', ':::')}"


def help_on(slug: str, answers: bool = True) -> str:
    """Return the end of an exercise's page: hints and, if wanted, model answers, folded."""
    every = parts(slug)
    hints = [dropdown(part.title, hint(part)) for part in every if part.checked]
    solved = [
        dropdown(part.title, "\n\n".join(part.answers), "gradlab-solution")
        for part in every
        if part.answers
    ]
    text = [
        f"(hints-{slug})=\n## Hints",
        "For each part the equations that it needs and, one click further, the slips that its "
        "checks know. Try first: a report of `check(...)` says which of them is yours.",
        *hints,
    ]
    if answers:
        text += [
            f"(answers-{slug})=\n## Model answers",
            "One way to write each part. Where your check is met, yours is as right as this one.",
            *solved,
        ]
    return "\n\n".join(text)


def head(slug: str, answers: bool = True) -> str:
    """Return the box below the title."""
    folded = f" and {{ref}}`model answers <answers-{slug}>`, folded" if answers else ", folded"
    return (
        ":::{note}\n"
        f"The chapter of this exercise is {{doc}}`/book/{slug}`. {{download}}`Download the "
        f"notebook <{slug}.ipynb>` and work on it in Jupyter ({{ref}}`start`). Below the last part "
        f"are {{ref}}`hints <hints-{slug}>` for each part{folded}.\n:::"
    )


def complete(app: Sphinx, page: str, source: list[str]) -> None:
    """Add to the notebook, as it is read for its page, what the file itself does not have."""
    match = PAGE.fullmatch(page)
    if not match:
        return
    slug = match[1]
    notebook = json.loads(source[0])
    known = set(all_labels())
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            cell["source"] = linked("".join(cell["source"]), known)
    answers = app.config.gradlab_answers
    below = len(notebook["cells"]) + 1
    for text, place in ((head(slug, answers), 1), (help_on(slug, answers), below)):
        notebook["cells"].insert(
            place, {"cell_type": "markdown", "id": f"page-{place}", "metadata": {}, "source": text}
        )
    source[0] = json.dumps(notebook)


def lines(slug: str) -> int:
    """Return how many lines of code the model answers have."""
    code = "".join(
        part
        for cell in cells(slug)
        if cell.cell_type == "code"
        for part in SOLUTION.findall(cell.source + "\n")
    )
    return sum(
        bool(line.strip()) and not line.lstrip().startswith("#") for line in code.splitlines()
    )


def difficulty(slug: str) -> int:
    """Return one to three, by the lines that are written; to find what is wrong is worth two."""
    if any(GIVEN.search(cell.source) for cell in cells(slug)):
        return 2
    return 1 + (lines(slug) > 35) + (lines(slug) > 47)


def table(slugs: list[str]) -> str:
    """Return the table of exercises as MyST."""
    rows = [
        ":::{table}\n:class: gradlab-exercises\n",
        "| exercise | what is asked | minutes | points | lines | difficulty |",
        "|---|---|---:|---:|---:|---:|",
    ]
    for slug in slugs:
        every = cells(slug)
        first = every[0].source
        minutes = re.search(r"about (\d+)\s+minutes", first)
        written = sum(
            cell.metadata.get("nbgrader", {}).get("points", 0)
            for cell in every
            if not CHECK.search(cell.source)
        )
        graded = [part for part in parts(slug) if part.checked]
        asked = "; ".join(part.title.split(" ", 1)[1] for part in graded)
        points = sum(part.points for part in parts(slug)) + written
        assert minutes, slug
        rows.append(
            f"| {{doc}}`{slug} <../exercises/{slug}/{slug}>` | {asked} | {minutes[1]} | "
            f"{points:g} | {lines(slug)} | {difficulty(slug)} |"
        )
    return "\n".join([*rows, ":::"])


def fill(_app: Sphinx, page: str, source: list[str]) -> None:
    """Put the table on the teachers' page."""
    if page == "book/teachers":
        toc = (ROOT / "_toc.yml").read_text("utf-8")
        slugs = re.findall(r"file: exercises/([a-z-]+)/", toc)
        source[0] = source[0].replace("EXERCISES", table(slugs))


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect to Sphinx. A course may leave the model answers out."""
    app.add_config_value("gradlab_answers", True, "env", [bool])
    app.connect("source-read", complete)
    app.connect("source-read", fill)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
