"""Mend what screen readers would stumble over in pages that Sphinx writes."""

from __future__ import annotations

from typing import Any

from sphinx.application import Sphinx


def plain_citations(
    _app: Sphinx, _page: str, _template: str, context: dict[str, Any], _doctree: Any
) -> None:
    """Take the roles off the bibliography: docutils gives it the role of a list whose entries are
    none, and one that the standard has given up.
    """
    body = context.get("body", "")
    context["body"] = body.replace(
        '<div role="list" class="citation-list">', '<div class="citation-list">'
    ).replace(' role="doc-biblioentry"', "")


def named_sections(
    _app: Sphinx, _page: str, _template: str, context: dict[str, Any], _doctree: Any
) -> None:
    """Give a name to the arrows that open a chapter's part of the contents; the theme has none."""
    contents = context.get("generate_toctree_html")
    if contents:

        def with_names(*arguments: Any, **options: Any) -> str:
            label = '<summary aria-label="Pages of this chapter">'
            return str(contents(*arguments, **options)).replace("<summary>", label)

        context["generate_toctree_html"] = with_names


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect to Sphinx."""
    app.connect("html-page-context", plain_citations)
    # After the theme, whose function this wraps.
    app.connect("html-page-context", named_sections, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
