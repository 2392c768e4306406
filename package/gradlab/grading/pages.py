"""The two pages of a graded submission: what the instructor marks, and what the student gets back.

The templates beside this file take the place of nbgrader's. Both pages load nothing from other
sites, whatever a submission holds, and run no script but their own.
"""

from __future__ import annotations

import base64
import functools
import gzip
import importlib.util
import re
import secrets
import sys
import sysconfig
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import nbformat
import nbgrader.server_extensions.formgrader.handlers as formgrader
from nbformat import NotebookNode
from nbgrader.api import Gradebook
from nbgrader.preprocessors import NbGraderPreprocessor

from gradlab.grading.flags import assignment, flags

TEMPLATES = [str(Path(__file__).with_name("templates")), formgrader.template_path]
"""Where nbconvert looks for the pages: ours first."""

FILTERS = {
    name: f"{__name__}.{name}" for name in ("about", "inert", "packed_mathjax", "random_number")
}
"""What the templates call, for the configuration of ``HTMLExporter``."""

SOLUTION = re.compile(r"### BEGIN SOLUTION\n(.*?)\n?### END SOLUTION", re.DOTALL)


class AddRemarks(NbGraderPreprocessor):
    """Write into the graded notebook what its pages show beside it.

    The names of its parts, the answers in words that the instructor expects, and flags; the last
    two are shown to the instructor only. Outputs lose the folders of the machine that graded.
    """

    def preprocess(
        self, nb: NotebookNode, resources: dict[str, Any]
    ) -> tuple[NotebookNode, dict[str, Any]]:
        """Return the notebook with its remarks."""
        directory = self.parent.parent.coursedir
        names = resources["nbgrader"]
        folder = directory.format_path(directory.source_directory, ".", names["assignment"])
        notebook = Path(folder) / f"{names['notebook']}.ipynb"
        with Gradebook(names["db_url"]) as book:
            found = book.find_notebook(names["notebook"], names["assignment"])
            released = {cell.name: cell.source for cell in found.source_cells}
        source = nbformat.v4.new_notebook()
        if notebook.is_file():
            source = nbformat.read(notebook, as_version=4)
        remarks = nb.metadata.setdefault("gradlab", {})
        remarks["parts"] = parts(source)
        remarks["rubrics"] = rubrics(source)
        remarks["flags"] = [asdict(flag) for flag in flags(nb, assignment(source, released))]
        for flag in remarks["flags"]:
            self.log.warning("%s, line %d: %s", flag["cell"], flag["line"], flag["sentence"])
        hide = hider([directory.root])
        for cell in nb.cells:
            if "outputs" in cell:
                cell.outputs = [_rewritten(output, hide) for output in cell.outputs]
        return nb, resources


def parts(source: NotebookNode) -> dict[str, str]:
    """Return {nbgrader's name of a cell: the heading above it}.

    Where several cells below a heading are graded, it ends with the cell's name.
    """
    found: dict[str, tuple[str, bool]] = {}
    heading = ""
    for cell in source.cells:
        if cell.cell_type == "markdown":
            heading = [heading, *re.findall(r"^## +(.+)$", cell.source, re.MULTILINE)][-1]
        entry = cell.metadata.get("nbgrader", {})
        if entry and heading:
            found[entry["grade_id"]] = heading, bool(entry.get("grade"))
    shared = Counter(found.values())
    return {
        name: f"{heading} ({name})" if graded and shared[heading, graded] > 1 else heading
        for name, (heading, graded) in found.items()
    }


def rubrics(source: NotebookNode) -> dict[str, str]:
    """Return {nbgrader's name of a question in words: what the instructor wrote as its answer}."""
    return {
        cell.metadata.nbgrader.grade_id: "\n\n".join(SOLUTION.findall(cell.source)) or cell.source
        for cell in source.cells
        if cell.cell_type == "markdown" and cell.metadata.get("nbgrader", {}).get("grade")
    }


def hider(folders: list[str]) -> Callable[[str], str]:
    """Return a function that takes folders of this machine out of a text."""
    own = [sysconfig.get_path(name) for name in ("purelib", "platlib", "stdlib")]
    own += [*folders, sys.prefix, sys.base_prefix, str(Path.home())]
    paths = {path.rstrip("/") for path in own if len(path) > 1}
    known = "|".join(re.escape(path) for path in sorted(paths, key=len, reverse=True))
    temporary = re.escape(tempfile.gettempdir())
    folder = re.compile(rf"(?<![\w.])(?:{known}|{temporary}/gradlab-[^/\s]+)(?:/|\b)")
    return lambda text: folder.sub("", text)


def _rewritten(value: Any, rewrite: Callable[[str], str]) -> Any:
    """Return an output with each of its texts rewritten, but for images."""
    if isinstance(value, str):
        return rewrite(value)
    if isinstance(value, list):
        return [_rewritten(part, rewrite) for part in value]
    if isinstance(value, dict):
        return NotebookNode(
            {
                k: v if k.startswith("image/png") else _rewritten(v, rewrite)
                for k, v in value.items()
            }
        )
    return value


def about(nb: NotebookNode) -> dict[str, Any]:
    """Return a graded notebook's remarks; for one that was graded without them, empty ones."""
    return {"parts": {}, "rubrics": {}, "flags": []} | nb.metadata.get("gradlab", {})


def inert(page: str) -> str:
    """Return the cells of a page without what sends a browser to another, which no policy stops."""
    return re.sub(r"<(?=meta\b)", "&lt;", page, flags=re.IGNORECASE)


def random_number(_: str) -> str:
    """Return what marks a page's own scripts, and cannot be guessed by who wrote what it shows."""
    return secrets.token_urlsafe(16)


@functools.cache
def packed_mathjax(_: str) -> str:
    """Return MathJax in one file, packed to a third; nothing if it is not installed."""
    found = importlib.util.find_spec("sphinx-mathjax-offline")
    if found is None or found.origin is None:
        return ""
    script = Path(found.origin).with_name("static") / "mathjax" / "tex-svg-full.js"
    return base64.b64encode(gzip.compress(script.read_bytes(), 9, mtime=0)).decode()
