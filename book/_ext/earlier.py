"""What a page takes from other chapters: two questions of earlier ones at the end of each quiz, and
all *Take away* sections on the cheat sheet.

It is taken from the chapters as Sphinx has read them, so nothing is written twice.
"""

from __future__ import annotations

from docutils import nodes
from docutils.parsers.rst import Directive
from quizzes import is_option, is_question
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.transforms.post_transforms import SphinxPostTransform

# Soon, and again when it is about to be forgotten.
DISTANCES = (2, 7)


class CheatSheet(nodes.General, nodes.Element):
    """Where the take-aways go."""


class ListOfTakeAways(Directive):
    """``take-aways``: the take-aways of all chapters."""

    def run(self) -> list[nodes.Node]:
        """Return a place to fill."""
        return [CheatSheet()]


def order(env: BuildEnvironment) -> list[str]:
    """Return the pages in the order of the sidebar."""
    pages = [env.config.root_doc]
    for page in pages:
        pages.extend(env.toctree_includes.get(page, []))
    return pages


def section(env: BuildEnvironment, page: str, name: str, here: str) -> nodes.section:
    """Return a section of a page by its identifier, with links as they are from the page `here`."""
    every = env.get_doctree(page).findall(nodes.section)
    found = next(section for section in every if name in section["ids"]).deepcopy()
    for reference in found.findall(pending_xref):
        reference["refdoc"] = here
    return found


def with_section(env: BuildEnvironment, name: str) -> list[str]:
    """Return the pages that have a section of this identifier, in the order of the book."""
    return [
        page
        for page in order(env)
        for entry in env.tocs[page].findall(nodes.reference)
        if entry.get("anchorname") == f"#{name}"
    ]


def questions(quiz: nodes.section) -> list[list[nodes.Node]]:
    """Return each question of a quiz with its options."""
    found: list[list[nodes.Node]] = []
    for child in quiz:
        if is_question(child):
            found.append([child])
        elif is_option(child) and found:
            found[-1].append(child)
    return found


def without_number(question: nodes.Element) -> None:
    """Take the number off a question's text."""
    text = next(node for node in question.findall(nodes.Text) if node.strip())
    text.parent.replace(text, nodes.Text(text.lstrip("0123456789. ")))


def link(title: str, page: str, here: str) -> pending_xref:
    """Return a link to a page, which Sphinx resolves."""
    return pending_xref(
        "",
        nodes.inline("", title),
        refdomain="std",
        reftype="doc",
        reftarget=f"/{page}",
        refexplicit=True,
        refwarn=True,
        refdoc=here,
    )


class Earlier(SphinxPostTransform):
    """Put what comes from other pages into its place, before links are resolved."""

    default_priority = 5

    def run(self, **_options: object) -> None:
        """Fill the cheat sheet, or end a chapter's quiz with questions of earlier chapters."""
        for place in list(self.document.findall(CheatSheet)):
            place.replace_self(self.take_aways())
            self.with_formulas()
        here = self.env.docname
        chapters = with_section(self.env, "check-yourself")
        if here in chapters:
            self.ask_again(chapters, chapters.index(here))

    def with_formulas(self) -> None:
        """Tell Sphinx that the page has formulas: it looked when there were none."""
        self.env.get_domain("math").data["has_equations"][self.env.docname] = True

    def take_aways(self) -> list[nodes.Node]:
        """Return the take-aways of all chapters, each under a link to its chapter."""
        found: list[nodes.Node] = []
        for page in with_section(self.env, "take-away"):
            taken = section(self.env, page, "take-away", self.env.docname)
            slug = page.rpartition("/")[2]
            title = nodes.title(
                "", "", link(self.env.titles[page].astext(), page, self.env.docname)
            )
            found.append(nodes.section("", title, *taken.children[1:], ids=[f"sheet-{slug}"]))
        return found

    def ask_again(self, chapters: list[str], number: int) -> None:
        """Add a question of each of some earlier chapters, every time another one."""
        again: list[nodes.Node] = []
        for turn, distance in enumerate(DISTANCES):
            if number < distance:
                continue
            page = chapters[number - distance]
            asked = questions(section(self.env, page, "check-yourself", self.env.docname))
            # From the end, and the one before it the second time: the first ones are the easiest.
            question, *options = asked[-1 - turn % len(asked)]
            assert isinstance(question, nodes.paragraph)
            without_number(question)
            source = nodes.paragraph("", "From ", classes=["gradlab-from"])
            source += link(self.env.titles[page].astext(), page, self.env.docname)
            again += [source, question, *options]
        if again:
            title = nodes.title("", "From earlier chapters")
            for own in self.document.findall(nodes.section):
                if "check-yourself" in own["ids"]:
                    new = nodes.section("", title, *again, ids=["from-earlier-chapters"])
                    own.parent.insert(own.parent.index(own) + 1, new)
                    return


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect to Sphinx."""
    app.add_node(CheatSheet)
    app.add_directive("take-aways", ListOfTakeAways)
    app.add_post_transform(Earlier)
    return {"parallel_read_safe": True, "parallel_write_safe": False}
