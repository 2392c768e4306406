"""Print each label beside its equation number: kernels, tests and reports name equations by it."""

from __future__ import annotations

import re
from typing import Any

from sphinx.application import Sphinx

NUMBER = re.compile(
    r'(<span class="eqno">\(\d+\))(<a class="headerlink" href="#equation-([\w-]+)")'
)


def print_labels(
    _app: Sphinx, _page: str, _template: str, context: dict[str, Any], _doctree: Any
) -> None:
    """Put the label between the number and the link."""
    context["body"] = NUMBER.sub(
        r'\1<span class="gradlab-label">\3</span>\2', context.get("body", "")
    )


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect to Sphinx."""
    app.connect("html-page-context", print_labels)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
