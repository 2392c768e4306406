"""Pages that ask for nothing from elsewhere, and for no more of MathJax than they use.

Jupyter Book always loads sphinx_thebe, which writes the address of a live-code service into each
page, whether a launch button asks for it or not.
"""

from __future__ import annotations

from sphinx.application import Sphinx
from sphinx.config import Config


def disconnect_thebe(app: Sphinx, _config: Config) -> None:
    """Drop what would write the service's address into the pages."""
    for name, listeners in app.events.listeners.items():
        app.events.listeners[name] = [
            listener
            for listener in listeners
            if listener.handler.__module__ != "sphinx_thebe"
            or listener.handler.__name__ != "init_thebe_core"
        ]


def mathjax_in_parts(_app: Sphinx, config: Config) -> None:
    """Start MathJax by the script that loads what `mathjax3_config` lists: sphinx-mathjax-offline
    sets another one, over what `_config.yml` says.
    """
    config.mathjax_path = "mathjax/startup.js"


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect to Sphinx once all extensions are loaded."""
    app.connect("config-inited", disconnect_thebe)
    app.connect("config-inited", mathjax_in_parts)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
