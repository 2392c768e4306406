"""The step of nbgrader's that runs a submission apart from its checks."""

from __future__ import annotations

import ast
import contextlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbgrader.api import Gradebook
from nbgrader.preprocessors import NbGraderPreprocessor
from nbgrader.utils import is_grade, is_solution
from traitlets import Bool, Float, Integer

from gradlab.grading.graded import GradedCells, Verdict
from gradlab.grading.inside import Inside, imported
from gradlab.grading.sandbox import (
    Limits,
    SandboxError,
    keep_apart,
    open_sandbox,
    open_unprotected,
    self_test,
)
from gradlab.grading.session import Session

Resources = dict[str, Any]
Result = tuple[NotebookNode, Resources]

WARNING = (
    "GRADED WITHOUT A SANDBOX: what students have written runs with your rights, and can read and "
    "change whatever you can, this gradebook included."
)


class ExecuteApart(NbGraderPreprocessor):
    """Run the student's cells in a sandbox, and the graded cells here, over stand-ins.

    In the place of nbgrader's ``Execute``. A graded cell gets one number, from which nbgrader reads
    the grade, or an error; what the student's process says is no grade.
    """

    sandbox = Bool(
        True,
        help="Whether students' code is held in by bubblewrap. False runs it with your rights.",
    ).tag(config=True)
    cell_seconds = Float(Limits.cell_seconds, help="Seconds that a cell may take.").tag(config=True)
    submission_seconds = Float(
        Limits.submission_seconds, help="Seconds that all cells of a submission may take."
    ).tag(config=True)
    memory = Integer(Limits.memory >> 20, help="MB of memory that a submission may take.").tag(
        config=True
    )
    processes = Integer(Limits.processes, help="Processes of a submission.").tag(config=True)
    output = Integer(Limits.output >> 10, help="kB of output that a submission keeps.").tag(
        config=True
    )

    def preprocess(self, nb: NotebookNode, resources: Resources) -> Result:
        """Return the notebook with outputs, and with a number in each graded cell."""
        assignment = _assignment(resources, self._source_notebook(resources))
        limits = replace(
            Limits(),
            cell_seconds=self.cell_seconds,
            submission_seconds=self.submission_seconds,
            memory=self.memory << 20,
            processes=self.processes,
            output=self.output << 10,
        )
        self._make_sure(Path(resources["metadata"]["path"]))
        nb.metadata["gradlab"] = {"sandbox": "bubblewrap" if self.sandbox else "none"}
        opened = open_sandbox if self.sandbox else open_unprotected
        inside = assignment.inside()
        with _own_files(Path(resources["metadata"]["path"])) as work:
            program = [sys.executable, "-I", "-B", str(inside.worker)]
            start = partial(opened, program, work, [inside.path], limits)
            with Session(start, limits) as session:
                tests = GradedCells(session, assignment.asked, assignment.imports)
                for cell in nb.cells:
                    if cell.cell_type == "code":
                        self._run(cell, session, tests, assignment)
        return nb, resources

    def _make_sure(self, folder: Path) -> None:
        """Stop where there is no sandbox, so that nothing counts as graded; warn if so asked."""
        if not self.sandbox:
            print(WARNING, file=sys.stderr)
            return
        try:
            self_test()
            keep_apart(Path(self.parent.parent.coursedir.root))
        except SandboxError as error:
            # What nbgrader has put there so far would be skipped the next time.
            shutil.rmtree(folder, ignore_errors=True)
            message = (
                f"{error}\nTo run students' code with your rights: --ExecuteApart.sandbox=False"
            )
            self.log.critical(message)
            raise SystemExit(1) from None

    def _source_notebook(self, resources: Resources) -> Path:
        directory = self.parent.parent.coursedir
        names = resources["nbgrader"]
        folder = directory.format_path(directory.source_directory, ".", names["assignment"])
        return Path(folder) / f"{names['notebook']}.ipynb"

    def _run(
        self, cell: NotebookNode, session: Session, tests: GradedCells, assignment: Assignment
    ) -> None:
        name = cell.metadata.get("nbgrader", {}).get("grade_id")
        if is_grade(cell) and not is_solution(cell):
            points = float(cell.metadata.nbgrader["points"])
            for above in assignment.above(name):
                tests.define(above)
            verdict = tests.run(assignment.sources[name], points)
            cell.outputs = self._outputs(cell, verdict)
            return
        outputs, count = session.run(cell.source)
        cell.outputs = list(map(nbformat.from_dict, outputs))
        cell.execution_count = count
        for output in cell.outputs:
            if output.output_type == "execute_result":
                output.execution_count = count
            if output.output_type == "error" and output.ename == "Stopped":
                self.log.warning("%s", " ".join(output.evalue.split())[:200])

    def _outputs(self, cell: NotebookNode, verdict: Verdict) -> list[NotebookNode]:
        outputs = list(map(nbformat.from_dict, verdict.outputs))
        if verdict.look:
            self.log.error("%s: %s", cell.metadata.nbgrader["grade_id"], verdict.look)
        if not self.sandbox:
            outputs.append(nbformat.v4.new_output("stream", text="Graded without a sandbox.\n"))
        if not any(output.output_type == "error" for output in outputs):
            number = {"text/plain": repr(float(verdict.earned))}
            outputs.append(nbformat.v4.new_output("execute_result", number))
        return outputs


class Assignment:
    """What the gradebook and the instructor's notebook say of an assignment.

    Attributes
    ----------
    sources
        The text of each cell that nbgrader knows, by its name.
    asked
        Names that its solution cells define.
    imports
        The instructor's import statements.
    """

    def __init__(
        self,
        name: str,
        sources: dict[str, str],
        solutions: set[str],
        cells: list[str],
        order: list[str],
        given: set[str],
    ) -> None:
        self.name, self.sources = name, sources
        self.asked = frozenset(
            defined for cell in solutions for defined in _defined(_parsed(sources[cell]))
        )
        self._cells, self._order, self._given = cells, order, given
        self.imports = "\n".join(
            ast.unparse(statement)
            for cell in cells
            for statement in _parsed(cell).body
            if isinstance(statement, ast.Import | ast.ImportFrom)
        )

    def above(self, name: str) -> list[str]:
        """Return the instructor's own cells above a graded one, wherever a student has put them."""
        names = self._order[: self._order.index(name)] if name in self._order else self._order
        return [self.sources[one] for one in names if one in self._given]

    def inside(self) -> Inside:
        """Lay out what is in its sandboxes."""
        return _inside(imported(self._cells), self.name.replace("-", "_"))


@cache
def _inside(modules: frozenset[str], withheld: str) -> Inside:
    return Inside(modules, withheld)


def _assignment(resources: Resources, notebook: Path) -> Assignment:
    names = resources["nbgrader"]
    with Gradebook(names["db_url"]) as book:
        found = book.find_notebook(names["notebook"], names["assignment"])
        sources = {cell.name: cell.source for cell in found.source_cells}
        code = {cell.name for cell in found.source_cells if cell.cell_type == "code"}
        solutions = {cell.name for cell in found.solution_cells} & code
        graded = {cell.name for cell in found.grade_cells}
    cells, order = list(sources.values()), sorted(sources, key=graded.__contains__)
    if notebook.is_file():
        # Without the solutions, whose imports a student does not get.
        own = [
            cell
            for cell in nbformat.read(notebook, as_version=4).cells
            if cell.cell_type == "code" and not is_solution(cell)
        ]
        cells = [cell.source for cell in own]
        order = [cell.metadata.get("nbgrader", {}).get("grade_id", "") for cell in own]
    given = code - solutions - graded
    order = [name for name in order if name in given | graded]
    return Assignment(names["assignment"], sources, solutions, cells, order, given)


def _parsed(source: str) -> ast.Module:
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError):
        lines = [line for line in source.splitlines() if not line.lstrip().startswith(("%", "!"))]
        try:
            return ast.parse("\n".join(lines))
        except (SyntaxError, ValueError):
            return ast.Module([], [])


def _defined(tree: ast.Module) -> Iterator[str]:
    """Yield the names that the top level of a cell defines."""
    for statement in tree.body:
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield statement.name
        else:
            for node in ast.walk(statement):
                if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                    yield node.id


@contextlib.contextmanager
def _own_files(folder: Path) -> Iterator[Path]:
    """Copy the plain files of a submission, but no notebook: these have the tests by now."""
    with tempfile.TemporaryDirectory(prefix="gradlab-work-") as copy:
        room = Limits.disk
        for path in sorted(folder.rglob("*")):
            target = Path(copy) / path.relative_to(folder)
            if path.suffix == ".ipynb" or path.is_symlink() or not path.is_file():
                continue
            room -= os.path.getsize(path)
            if room > 0:
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, target)
        yield Path(copy)
