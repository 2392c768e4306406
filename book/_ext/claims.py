"""Fill the page that lists the claims of the chapters, from the outputs of their hidden cells."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from docutils import nodes
from docutils.parsers.rst import Directive
from jupyter_cache import get_cache
from nbformat import NotebookNode
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

from gradlab.evidence import MIME


class Claims(nodes.General, nodes.Element):
    """Where the list goes, once all pages are executed."""


class ListOfClaims(Directive):
    """``claims``: the list of claims of all chapters."""

    def run(self) -> list[nodes.Node]:
        """Return a place to fill."""
        return [Claims()]


@dataclass(frozen=True)
class Claim:
    """A claim of a chapter: its sentence, the seeds that it rests on (0: none), and the result."""

    sentence: str
    seeds: int
    result: str


def claims(cells: list[NotebookNode]) -> list[Claim]:
    """Return the claims among the outputs of an executed chapter."""
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    found = [output["data"][MIME] for output in outputs if MIME in output.get("data", {})]
    return [Claim(**entry) for entry in found]


def table(of_chapter: list[Claim]) -> nodes.table:
    """Return a chapter's claims as a table."""
    group = nodes.tgroup(cols=3)
    for width in (60, 10, 30):
        group += nodes.colspec(colwidth=width)
    head, body = nodes.thead(), nodes.tbody()
    head += row(["claim", "seeds", "result"])
    for claim in of_chapter:
        body += row([claim.sentence, str(claim.seeds) if claim.seeds else "none", claim.result])
    group += [head, body]
    return nodes.table("", group)


def row(texts: list[str]) -> nodes.row:
    """Return a row of a table."""
    return nodes.row("", *(nodes.entry("", nodes.paragraph("", text)) for text in texts))


def chapters(env: BuildEnvironment) -> dict[str, list[Claim]]:
    """Return the claims of each page that has some, in the order of the book."""
    cache = get_cache(env.mystnb_config.execution_cache_path)
    executed = {
        Path(record.uri).relative_to(env.srcdir).with_suffix("").as_posix(): record.uri
        for record in cache.list_project_records()
        if Path(record.uri).is_relative_to(env.srcdir)
    }
    found = {}
    for name in env.toctree_includes.get(env.config.root_doc, []):
        if name in executed and (record := cache.get_cached_project_nb(executed[name])):
            of_page = claims(cache.get_cache_bundle(record.pk).nb.cells)
            found |= {name: of_page} if of_page else {}
    return found


def fill(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Put the list in its place."""
    for place in doctree.findall(Claims):
        of_chapters = chapters(app.env)
        every = [claim for of_chapter in of_chapters.values() for claim in of_chapter]
        random = [claim for claim in every if claim.seeds]
        least = min((claim.seeds for claim in random), default=0)
        new: list[nodes.Node] = [
            nodes.paragraph(
                "",
                f"{len(every)} claims: {len(random)} on {least} seeds or more, "
                f"{len(every) - len(random)} on nothing random.",
            )
        ]
        for name, of_chapter in of_chapters.items():
            section = nodes.section(ids=[f"claims-{name.rpartition('/')[2]}"])
            title = app.env.titles[name].astext()
            link = nodes.reference(
                "", title, refuri=app.builder.get_relative_uri(docname, name), internal=True
            )
            section += [nodes.title("", "", link), table(of_chapter)]
            new.append(section)
        place.replace_self(new)


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect to Sphinx."""
    app.add_node(Claims)
    app.add_directive("claims", ListOfClaims)
    app.connect("doctree-resolved", fill)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
