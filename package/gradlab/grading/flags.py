"""What an instructor may want to look at in a submission: stated beside the score, no part of it.

A flag is a fact about the text of a submission, which is read and not run. It does not say why: a
short function has one obvious form, and whoever defines a function twice may have been careful.
"""

from __future__ import annotations

import ast
import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

import nbformat
from IPython.core.inputtransformer2 import TransformerManager
from nbformat import NotebookNode

LONGEST = 200_000
"""Characters of a submission that are read; nobody writes more, and reading takes time."""

MOST = 200
"""Functions of a submission that are compared with the published ones."""

SHORTEST = 50
"""Tokens of a published function from which on a copy of it is told from the obvious form."""

ALIKE = 0.95
"""Share of tokens in common from which on a function matches a published one.

``tests/grading/test_flags.py`` holds what this rests on: of the right answers in other forms none
comes near, and a copy stays above it with one operation changed or one statement added.
"""

CHECK = re.compile(r'\bcheck\("[^"]+", (\w+)\)')

GRADLAB = re.compile(r"gradlab(\.\w+)*")

Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@dataclass(frozen=True)
class Flag:
    """A fact about a line of a submission.

    Attributes
    ----------
    name
        ``reference``, ``published solution``, ``check``, ``elsewhere`` or ``unreadable``.
    cell
        nbgrader's name of the cell, or ``cell 7`` for the seventh of the notebook.
    line
        Line in the cell, from 1.
    sentence
        What is there.
    """

    name: str
    cell: str
    line: int
    sentence: str


@dataclass(frozen=True)
class Assignment:
    """What flags depend on.

    Attributes
    ----------
    released
        Texts of the code cells that students get.
    asked
        Functions that checks are handed, with the cell in which each is asked for.
    published
        Tokens of each function that the instructor wrote where students write, by its name.
    imports
        Names that released cells import from ``gradlab``.
    """

    released: frozenset[str]
    asked: dict[str, str]
    published: dict[str, list[str]]
    imports: frozenset[str]


def assignment(source: NotebookNode, released: Mapping[str, str]) -> Assignment:
    """Return what flags depend on.

    Parameters
    ----------
    source
        The instructor's notebook, solutions included.
    released
        Texts of nbgrader's cells as students get them, by their name.
    """
    asked: dict[str, str] = {}
    published: dict[str, list[str]] = {}
    texts, imports = set(released.values()), set()
    for cell in source.cells:
        if cell.cell_type != "code":
            continue
        entry = cell.metadata.get("nbgrader", {})
        if not entry.get("solution"):
            texts.add(cell.source)
            imports |= {name for _, name in _gradlab_imports(_tree(cell.source))}
            continue
        given = {
            function.name: tokens(function)
            for function in _functions(_tree(released.get(entry["grade_id"], "")))
        }
        for function in _functions(_tree(cell.source)):
            asked.setdefault(function.name, entry["grade_id"])
            written = tokens(function)
            # Where students repair what they are given, the right answer is almost that.
            if len(written) >= SHORTEST and not _alike(written, given.get(function.name, []), 0.5):
                published[function.name] = written
    checked = {name for cell in source.cells for name in CHECK.findall(cell.source)}
    return Assignment(
        frozenset(text.strip() for text in texts),
        {name: cell for name, cell in asked.items() if name in checked},
        published,
        frozenset(imports),
    )


def flags(submitted: NotebookNode, known: Assignment) -> list[Flag]:
    """Return the flags of a submission, in the order of its cells.

    Parameters
    ----------
    submitted
        The notebook, with the entries of its cells as the gradebook has them.
    known
        What the assignment asks for.
    """
    found: list[Flag] = []
    compared = read = 0
    for number, cell in enumerate(submitted.cells, 1):
        entry = cell.metadata.get("nbgrader") or {}
        checks = entry.get("grade") and not entry.get("solution")
        if cell.cell_type != "code" or checks or cell.source.strip() in known.released:
            continue
        place = entry.get("grade_id") or f"cell {number}"
        try:
            read += len(cell.source)
            if read > LONGEST:
                raise MemoryError
            tree = _tree(cell.source)
            facts = [*_reference(tree, known), *_redefined(tree)]
            if not entry.get("solution"):
                facts += _elsewhere(tree, known)
            functions = list(_functions(tree))[: MOST - compared]
            compared += len(functions)
            facts += _published(functions, known)
        except (MemoryError, RecursionError):
            facts = [("unreadable", 1, "It is too long or too deep to be looked at.")]
        found += [Flag(name, place, line, sentence) for name, line, sentence in facts]
    return found


def write_report(autograded: Path, report: Path) -> int:
    """Write the flags of all graded submissions as CSV, and return how many there are."""
    names = [field.name for field in fields(Flag)]
    rows = [
        [notebook.parent.parent.name, notebook.parent.name, *(flag[name] for name in names)]
        for notebook in sorted(autograded.glob("*/*/*.ipynb"))
        for flag in nbformat.read(notebook, as_version=4)
        .metadata.get("gradlab", {})
        .get("flags", [])
    ]
    with report.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["student", "assignment", *names])
        writer.writerows([_plain(value) for value in row] for row in rows)
    return len(rows)


def tokens(function: Function) -> list[str]:
    r"""Return what a function is made of, without its comments and the names of its variables.

    Examples
    --------
    >>> import ast
    >>> first, second = ast.parse("def f(x): return x + 1\ndef g(one): return one + 1").body
    >>> tokens(first)
    ['Return', 'BinOp', 'name', 'Add', '1']
    >>> tokens(second) == tokens(first)
    True
    """
    own = {node.arg for node in ast.walk(function) if isinstance(node, ast.arg)}
    own |= {
        node.id
        for node in ast.walk(function)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }
    own |= {inner.name for inner in ast.walk(function) if isinstance(inner, Function)}
    body = function.body[1:] if ast.get_docstring(function, clean=False) else function.body
    # Not by recursion: a hostile text nests as deep as it likes.
    found: list[str] = []
    left: list[Any] = [*reversed(body)]
    while left:
        node = left.pop()
        match node:
            case ast.expr_context() | ast.arg():
                continue
            case ast.Name():
                found.append("name" if node.id in own else node.id)
            case ast.Attribute():
                found.append(f".{node.attr}")
            case ast.Constant():
                found.append(repr(node.value)[:50])
            case ast.keyword():
                found.append(f"{node.arg}=")
            case _:
                found.append(type(node).__name__)
        left.extend(reversed(list(ast.iter_child_nodes(node))))
    return found


Fact = tuple[str, int, str]
"""A flag's name, line and sentence."""


def _reference(tree: ast.Module, known: Assignment) -> Iterator[Fact]:
    for line, name in _gradlab_imports(tree):
        if name not in known.imports:
            yield "reference", line, f"It imports {name}, which the exercise does not."
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(attr="reference"):
                yield "reference", node.lineno, "It asks an object for its reference."
            case ast.Constant(value=str(text)) if GRADLAB.fullmatch(text):
                yield "reference", node.lineno, f"It names {text} in a string."


def _redefined(tree: ast.Module) -> Iterator[Fact]:
    lines = [line for name, line in _bound(tree) if name == "check"]
    for node in ast.walk(tree):
        match node:
            case ast.Global(names=names) if "check" in names:
                lines.append(node.lineno)
            case ast.Attribute(attr="check", ctx=ast.Store() | ast.Del()):
                lines.append(node.lineno)
            case ast.Subscript(slice=ast.Constant(value="check"), ctx=ast.Store() | ast.Del()):
                lines.append(node.lineno)
            case ast.Call(func=ast.Name(id="setattr"), args=[_, ast.Constant(value="check"), _]):
                lines.append(node.lineno)
    for line in sorted(set(lines)):
        yield "check", line, "It gives check another meaning."


def _elsewhere(tree: ast.Module, known: Assignment) -> Iterator[Fact]:
    for name, line in _bound(tree):
        if name in known.asked:
            sentence = f"It defines {name}, for which there is the cell {known.asked[name]}."
            yield "elsewhere", line, sentence


def _published(functions: Iterable[Function], known: Assignment) -> Iterator[Fact]:
    for function in functions:
        written = tokens(function)
        for name, published in known.published.items():
            if _alike(written, published, ALIKE):
                matches = f"{function.name} matches the published solution"
                of = "" if function.name == name else f" of {name}"
                yield "published solution", function.lineno, f"{matches}{of}."
                break


def _alike(one: list[str], other: list[str], share: float) -> bool:
    """Whether two lists have as large a share of tokens in common, in order."""
    matcher = SequenceMatcher(None, one, other, autojunk=False)
    # The first two are upper bounds, and cheap.
    bounds = (matcher.real_quick_ratio, matcher.quick_ratio, matcher.ratio)
    return all(bound() >= share for bound in bounds)


def _tree(text: str) -> ast.Module:
    """Return a cell's statements, with its magic commands as calls; none if it is no Python."""
    try:
        tree = ast.parse(TransformerManager().transform_cell(text))
    except (SyntaxError, ValueError):
        return ast.Module([], [])
    # IPython drops the empty lines at the top.
    ast.increment_lineno(tree, text[: len(text) - len(text.lstrip())].count("\n"))
    return tree


def _functions(tree: ast.Module) -> Iterator[Function]:
    """Yield the functions and classes of a cell, but for those inside of others."""
    for node in _outermost(tree):
        if isinstance(node, Function):
            yield node


def _outermost(tree: ast.Module) -> Iterator[ast.AST]:
    """Yield what runs with the cell itself; functions and classes are not entered."""
    left: list[ast.AST] = [*reversed(tree.body)]
    while left:
        node = left.pop()
        yield node
        if not isinstance(node, Function | ast.Lambda):
            left.extend(reversed(list(ast.iter_child_nodes(node))))


def _bound(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Yield the names that a cell gives a meaning or takes it from, each with its line."""
    for node in _outermost(tree):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.name, node.lineno
            case ast.Name(ctx=ast.Store() | ast.Del()):
                yield node.id, node.lineno
            case ast.Import(names=names) | ast.ImportFrom(names=names):
                if getattr(node, "module", None) != "gradlab.checks":
                    for alias in names:
                        yield alias.asname or alias.name, node.lineno


def _gradlab_imports(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            if name.split(".")[0] == "gradlab":
                yield node.lineno, name


def _plain(value: object) -> str:
    """Return a value so that no spreadsheet takes it for a formula."""
    text = str(value)
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
