"""Live figures: pages that have one get the scripts it needs, and no other page does.

A cell shows the static twin by `gradlab.plotting.live`, which names the figure. D3, which draws
the axes, comes from the Python package mpld3 (BSD) and is carried with the site.
"""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

SCRIPTS = ["d3.js", "kernels.js", "runtime.js", "draw.js", "figure.js"]
FOLDER = Path(__file__).resolve().parents[1] / "_static" / "live"


def figures(body: str) -> list[str]:
    """Return the live figures that a page shows."""
    return list(dict.fromkeys(re.findall(r'data-live="([a-z0-9-]+)"', body)))


def scripts(slugs: list[str]) -> list[str]:
    """Return the scripts that these figures need, in the order in which they are loaded."""
    files = [f"{slug}.js" for slug in slugs]
    texts = "".join((FOLDER / name).read_text("utf-8") for name in files)
    shared = [
        name for name in ("digits", "train", "methods", "lists") if f"gradlab.{name}" in texts
    ]
    return [*SCRIPTS, *(f"{name}.js" for name in shared), *files]


def d3() -> str:
    """Return D3's source, under its license."""
    found = find_spec("mpld3")
    if found is None or found.origin is None:
        raise ModuleNotFoundError("live figures need D3 of the Python package mpld3")
    source = (Path(found.origin).parent / "js" / "d3.v5.min.js").read_text("utf-8")
    return f"/*\n{(FOLDER / 'd3-license.txt').read_text('utf-8')}*/\n{source}"


def add_scripts(
    app: Sphinx, _page: str, _template: str, context: dict[str, Any], _doctree: Any
) -> None:
    """Load on this page what its live figures need."""
    slugs = figures(context.get("body", ""))
    if slugs:
        app.add_css_file("live/live.css")
        for name in scripts(slugs):
            app.add_js_file(f"live/{name}", loading_method="defer")


def write_scripts(app: Sphinx) -> None:
    """Put what is made at the build beside the scripts that are kept in the repository."""
    if app.builder.format == "html":
        folder = Path(app.outdir, "_static", "live")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "d3.js").write_text(d3(), "utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect to Sphinx."""
    app.connect("html-page-context", add_scripts)
    app.connect("builder-inited", write_scripts)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
