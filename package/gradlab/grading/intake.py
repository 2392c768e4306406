"""What is handed in, before nbgrader reads it: each submission can be graded, or says why not.

nbgrader gives no score at all to a notebook that it cannot read, follows symbolic links out of a
submission, and waits forever for a named pipe. The files that it must not meet are put aside under
another name, in the same folder; where the notebook is among them, one that says why takes its
place, and earns nothing.
"""

from __future__ import annotations

import logging
import os
import shutil
import stat
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbgrader.utils import parse_utc
from traitlets.log import get_logger

LARGEST = 100_000_000
"""Bytes that a notebook may have: reading one takes several times as much memory."""


def take_in(notebooks: list[str], **_: str) -> None:
    """Make a submission one that nbgrader can read; it calls this before each of them."""
    logger = get_logger()
    if isinstance(logger, logging.Logger):
        logger.addFilter(_printable)
    folder = Path(notebooks[0]).parent
    found = {path: _no_ordinary_file(path) for path in sorted(folder.rglob("*"))}
    aside = {path: reason for path, reason in found.items() if reason}
    for path, reason in aside.items():
        _put_aside(path, reason)
    _keep_a_readable_date(folder / "timestamp.txt")
    find_renamed(notebooks)
    for path in map(Path, notebooks):
        reason = aside.get(path) or unreadable(path)
        if reason:
            if path not in aside:
                _put_aside(path, reason)
            get_logger().error("%s", _in_one_line(f"{path} {reason}: it earns nothing"))
            text = f"The notebook that was handed in {reason}. It was put aside, and earns nothing."
            cell = nbformat.v4.new_markdown_cell(text)
            nbformat.write(nbformat.v4.new_notebook(cells=[cell]), path)


def _printable(record: logging.LogRecord) -> bool:
    """Show what steers a terminal as text: the names of files are a student's."""
    text = record.getMessage()
    shown = (c if c.isprintable() or c in "\n\t" else ascii(c)[1:-1] for c in text)
    record.msg, record.args = "".join(shown), ()
    return True


def _in_one_line(text: str) -> str:
    return " ".join(text.split())


def find_renamed(notebooks: list[str]) -> None:
    """Let a submission's only notebook, if it has another name, stand in for the one asked for.

    A browser calls a second download ``topic (1).ipynb``.
    """
    folder = Path(notebooks[0]).parent
    wanted = list((folder.parents[2] / "source" / folder.name).glob("*.ipynb"))
    there = [Path(notebook).name for notebook in notebooks]
    if len(wanted) != 1 or wanted[0].name in there:
        return
    (name,) = (path.name for path in wanted)
    if len(there) > 1:
        get_logger().error("%s: none of %s is called %s", folder, ", ".join(there), name)
        return
    if (folder / there[0]).is_file():
        get_logger().warning("%s is graded as %s", notebooks[0], name)
        shutil.copyfile(notebooks[0], folder / name)
        notebooks.append(str(folder / name))


def unreadable(path: Path) -> str:
    """Return why a notebook cannot be graded, to follow "the notebook"; empty if it can."""
    if path.stat().st_size > LARGEST:
        return f"is larger than {LARGEST // 10**6} MB: clear its outputs and hand it in again"
    try:
        text = path.read_text("utf-8")
    except UnicodeDecodeError:
        return "is not text in UTF-8"
    try:
        notebook = nbformat.reads(text, as_version=4)
    except RecursionError:
        return "is nested too deeply"
    except Exception as error:
        # What is no notebook fails in many ways.
        return f"is no notebook ({type(error).__name__})"
    return _malformed(notebook)


def _malformed(notebook: NotebookNode) -> str:
    """Return what of a notebook is not as the steps that follow take it to be."""
    for number, cell in enumerate(notebook.cells, 1):
        parts = {"cell_type": str, "source": str, "metadata": dict}
        if isinstance(cell, dict) and cell.get("cell_type") == "code":
            parts["outputs"] = list
        for name, kind in parts.items():
            if not isinstance(cell, dict) or not isinstance(cell.get(name), kind):
                return f"has a cell, number {number}, without {name}"
        try:
            cell.source.encode("utf-8")
        except UnicodeEncodeError:
            # Half of a pair of surrogates, which no file can hold.
            return f"has a cell, number {number}, with a character that does not exist"
    return ""


def _no_ordinary_file(path: Path) -> str:
    """Return why a file is not one to open, or a folder not one to enter."""
    mode = path.lstat().st_mode
    if stat.S_ISLNK(mode):
        return f"is a symbolic link to {os.readlink(path)}"
    if stat.S_ISDIR(mode):
        return "is a folder" if path.suffix == ".ipynb" else ""
    return "" if stat.S_ISREG(mode) else "is no ordinary file"


def _keep_a_readable_date(path: Path) -> None:
    """Put a date of submission aside that nbgrader would fail on."""
    if path.is_file():
        try:
            parse_utc(path.read_text("utf-8").strip())
        except (ValueError, OverflowError):
            _put_aside(path, "is no date")


def _aside(path: Path) -> Path:
    return path.with_name(f"{path.name}.put-aside")


def _put_aside(path: Path, reason: str) -> None:
    """Give a file another name; what is no file, a text that says what it was."""
    get_logger().warning("%s", _in_one_line(f"{path} {reason}: it is put aside"))
    place = _aside(path)
    if place.is_dir():
        shutil.rmtree(place)
    if path.is_symlink() or not (path.is_file() or path.is_dir()):
        path.unlink()
        place.write_text(reason)
    else:
        path.replace(place)
