"""Finish the pages that Sphinx writes: names for screen readers, labels, line breaks, weight."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

NUMBER = re.compile(
    r'(<span class="eqno">\(\d+\))(<a class="headerlink" href="#equation-([\w-]+)")'
)
SCRIPT = r'\s*<script (?:defer )?src="(?:[^"]*/)?(?:%s)\.js[^"]*"></script>'
# The theme's icons, which its font has as well.
ICONS = re.compile(SCRIPT % "fontawesome")
# For a search while one types, which is switched off.
SEARCH = re.compile(SCRIPT % "searchtools|language_data|searchindex")
FORMULA = re.compile(
    r'([(\[]?)(<span class="math notranslate nohighlight">\\\(.*?\\\)</span>)([.,:;!?)\]\u2019]*)',
    re.DOTALL,
)


def plain_citations(body: str) -> str:
    """Take the roles off the bibliography: docutils gives it the role of a list whose entries are
    none, and one that the standard has given up.
    """
    body = body.replace('<div role="list" class="citation-list">', '<div class="citation-list">')
    return body.replace(' role="doc-biblioentry"', "")


def printed_labels(body: str) -> str:
    """Put each label between its number and the link: kernels, tests and reports name equations by
    it.
    """
    return NUMBER.sub(r'\1<span class="gradlab-label">\3</span>\2', body)


def kept_together(body: str) -> str:
    """Keep a formula and the punctuation at its ends on one line: for a browser a formula is a box,
    and a line may end beside it.
    """

    def keep(match: re.Match[str]) -> str:
        before, _, after = match.groups()
        return f'<span class="gradlab-together">{match[0]}</span>' if before or after else match[0]

    return FORMULA.sub(keep, body)


def flat_list(body: str) -> str:
    """Make one list of the modules with source code: Sphinx puts lists into lists, where HTML wants
    entries alone.
    """
    before, _, after = body.partition("<ul>")
    entries, _, rest = after.rpartition("</ul>")
    return f"{before}<ul>{re.sub('</?ul>', '', entries)}</ul>{rest}"


def finish(_app: Sphinx, page: str, _template: str, context: dict[str, Any], _doctree: Any) -> None:
    """Finish one page, and name the arrows that open a chapter's part of the contents: the theme
    gives them no name.
    """
    body = kept_together(printed_labels(plain_citations(context.get("body", ""))))
    context["body"] = flat_list(body) if page == "_modules/index" else body
    contents = context.get("generate_toctree_html")
    if contents:

        def with_names(*arguments: Any, **options: Any) -> str:
            label = '<summary aria-label="Pages of this chapter">'
            return str(contents(*arguments, **options)).replace("<summary>", label)

        context["generate_toctree_html"] = with_names


def without_unused_scripts(app: Sphinx, error: Exception | None) -> None:
    """Take out the scripts that a page loads for nothing: 1.7 MB of them."""
    if error is None and app.builder.format == "html":
        for page in Path(app.outdir).rglob("*.html"):
            html = ICONS.sub("", page.read_text("utf-8"))
            page.write_text(html if page.name == "search.html" else SEARCH.sub("", html), "utf-8")
        Path(app.outdir, "_static", "scripts", "fontawesome.js").unlink(missing_ok=True)


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect to Sphinx, after the theme, whose function `finish` wraps."""
    app.connect("html-page-context", finish, priority=900)
    app.connect("build-finished", without_unused_scripts)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
