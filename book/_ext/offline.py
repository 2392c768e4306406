"""Keep Jupyter Book from wiring every page to a live-code service on another site.

Jupyter Book always loads sphinx_thebe, which writes that service's address into each page, whether
a launch button asks for it or not.
"""

from __future__ import annotations

from sphinx.application import Sphinx
from sphinx.config import Config


def disconnect_thebe(app: Sphinx, config: Config) -> None:
    """Drop what sphinx_thebe wants to do to the pages."""
    for name, listeners in app.events.listeners.items():
        app.events.listeners[name] = [
            listener for listener in listeners if listener.handler.__module__ != "sphinx_thebe"
        ]


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect to Sphinx once all extensions are loaded."""
    app.connect("config-inited", disconnect_thebe)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
