"""What the pages say of the package as it is published: its file, and the repository's address."""

from __future__ import annotations

import tomllib
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.config import Config

import gradlab

ROOT = Path(__file__).resolve().parents[2]
# `make` builds it, and html_extra_path puts it at the root of the site.
WHEEL = f"gradlab-{gradlab.__version__}-py3-none-any.whl"


def repository(pyproject: str) -> str:
    """Return the address of the repository that pyproject.toml gives, or an empty string."""
    urls = tomllib.loads(pyproject)["project"].get("urls", {})
    return str(urls.get("Repository", ""))


def show_repository(_app: Sphinx, config: Config) -> None:
    """Put a button with the repository's address on each page, if there is one."""
    address = repository((ROOT / "pyproject.toml").read_text("utf-8"))
    if address:
        config.html_theme_options |= {"repository_url": address, "use_repository_button": True}


def name_wheel(_app: Sphinx, page: str, source: list[str]) -> None:
    """Write the file's name, which has the version in it, for ``WHEEL`` on the start page."""
    if page == "book/start":
        source[0] = source[0].replace("WHEEL", WHEEL)


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect to Sphinx."""
    app.connect("config-inited", show_repository)
    app.connect("source-read", name_wheel)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
