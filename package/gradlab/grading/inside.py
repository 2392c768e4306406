"""What is inside a sandbox beside a submission: the worker, and as much of gradlab as it needs."""

from __future__ import annotations

import ast
import re
import shutil
import tempfile
from collections.abc import Iterable
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent
HERE = Path(__file__).resolve().parent
PROTOCOL = ("worker.py", "wire.py")

_CHECK = '''"""Stands for the checks, which are not where a submission runs."""


def check(name, function):
    """Say that the points are given elsewhere."""
    print(f"{name}: checked where it is graded, and not in a cell of your own.")


def __getattr__(name):
    raise AttributeError(f"gradlab.checks has nothing but check() where work is graded, no {name}")
'''

_WITHHELD = '''"""Stands for a module of gradlab that is not where a submission runs."""

import sys


def __getattr__(name):
    if name.startswith("__"):
        raise AttributeError(name)
    if sys._getframe(1).f_globals.get("__name__", "").startswith("gradlab."):
        return _Withheld
    raise ImportError(
        "{name} is not there when work is graded: it has what the exercise asks you to write, or "
        "is not needed for it"
    )


class _Withheld:
    """For modules of gradlab that name it."""

    def __init__(self, *_, **__):
        raise ImportError("{name} is not there when work is graded")
'''


class Inside:
    """A folder with all of it, which is the same for every submission of an assignment.

    Parameters
    ----------
    modules
        Names of gradlab's modules that the released notebook imports.
    withheld
        The module that has the reference of the assignment.
    """

    def __init__(self, modules: Iterable[str], withheld: str) -> None:
        # Not in /tmp, which is another folder inside.
        self._folder = tempfile.TemporaryDirectory(prefix="gradlab-inside-", dir="/var/tmp")
        self.path = Path(self._folder.name)
        self.path.chmod(0o755)
        for name in PROTOCOL:
            shutil.copyfile(HERE / name, self.path / name)
        _lay_out(self.path / "gradlab", _needed(frozenset(modules)) - {withheld})

    def close(self) -> None:
        """Take the folder away."""
        self._folder.cleanup()

    @property
    def worker(self) -> Path:
        """The program to start."""
        return self.path / PROTOCOL[0]


def _lay_out(target: Path, shown: frozenset[str]) -> None:
    target.mkdir()
    for module in PACKAGE.glob("*.py"):
        name = module.stem
        if name in shown or name == "__init__":
            shutil.copyfile(module, target / module.name)
        else:
            (target / module.name).write_text(_WITHHELD.replace("{name}", f"gradlab.{name}"))
    if "datasets" in shown:
        shutil.copytree(PACKAGE / "data", target / "data")
    (target / "checks").mkdir()
    (target / "checks" / "__init__.py").write_text(_CHECK)


def imported(sources: Iterable[str]) -> frozenset[str]:
    """Return the modules of gradlab that cells import, the checks aside."""
    found: set[str] = set()
    for source in sources:
        try:
            found |= _imports(ast.parse(re.sub(r"^\s*[%!].*$", "", source, flags=re.MULTILINE)))
        except (SyntaxError, ValueError):
            continue
    return frozenset(found) - {"checks"}


@cache
def _needed(modules: frozenset[str]) -> frozenset[str]:
    """Return the modules with all that they import."""
    found: set[str] = set()
    left = list(modules)
    while left:
        name = left.pop()
        path = PACKAGE / f"{name}.py"
        if name not in found and path.is_file():
            found.add(name)
            left += _imports(ast.parse(path.read_text()))
    return frozenset(found)


def _imports(tree: ast.AST) -> set[str]:
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "gradlab":
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("gradlab."):
            found.add((node.module or "").split(".")[1])
        elif isinstance(node, ast.Import):
            found |= {
                alias.name.split(".")[1]
                for alias in node.names
                if alias.name.startswith("gradlab.")
            }
    return found
