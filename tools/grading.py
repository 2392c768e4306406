"""The steps that ``nbgrader_config.py`` puts among nbgrader's own, so that no submission stops the
class and each earns what its work deserves.

Stock nbgrader believes a submission: the entries of its cells, which copying or splitting a cell
doubles, and the text that a check cell shows in the student's own process. Here the entries come
from the gradebook, and `gradlab.grading` runs the checks apart from what they check.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from nbconvert.preprocessors import ClearMetadataPreprocessor
from nbformat import NotebookNode
from nbgrader.api import Gradebook
from nbgrader.preprocessors import (
    AssignLatePenalties,
    CheckCellMetadata,
    ClearOutput,
    IgnorePattern,
    LimitOutput,
    NbGraderPreprocessor,
    OverwriteCells,
    OverwriteKernelspec,
    SaveAutoGrades,
)
from nbgrader.utils import compute_checksum, determine_grade, is_grade, is_solution

from gradlab.grading.graded import CANNOT_BE_GRADED
from gradlab.grading.pages import AddRemarks
from gradlab.grading.preprocessor import ExecuteApart

PATTERN = re.compile(r"[][*?]")
"""nbgrader takes these characters, in the name of a folder, for a pattern."""

CHECK = re.compile(r'\bcheck\("([^"]+)", (\w+)\)')

Resources = dict[str, Any]
Result = tuple[NotebookNode, Resources]


@dataclass(frozen=True)
class Known:
    """A cell of the assignment in the gradebook: nbgrader's entry for it, and its released text."""

    entry: dict[str, Any]
    cell_type: str
    source: str

    @property
    def check(self) -> bool:
        """Whether its text is the instructor's, and gives a grade."""
        return self.entry["grade"] and not self.entry["solution"]

    def rank(self, cell: NotebookNode) -> tuple[bool, bool]:
        """Order copies of the cell: one with work in it counts before one without."""
        same_text = cell.source.strip() == self.source.strip()
        return cell.cell_type == self.cell_type, self.entry["solution"] and not same_text


def known_cells(resources: Resources) -> dict[str, Known]:
    """Return what the gradebook knows of a submission's assignment, by grade_id."""
    names = resources["nbgrader"]
    with Gradebook(names["db_url"]) as book:
        notebook = book.find_notebook(names["notebook"], names["assignment"])
        points = {cell.name: cell.max_score for cell in notebook.grade_cells}
        solutions = {cell.name for cell in notebook.solution_cells}
        return {
            cell.name: Known(
                {
                    "grade_id": cell.name,
                    "grade": cell.name in points,
                    "solution": cell.name in solutions,
                    "locked": cell.locked,
                    "task": False,
                    "cell_type": cell.cell_type,
                    "checksum": cell.checksum,
                    "schema_version": 3,
                }
                | ({"points": points[cell.name]} if cell.name in points else {}),
                cell.cell_type,
                cell.source,
            )
            for cell in notebook.source_cells
        }


class RestoreEntries(NbGraderPreprocessor):
    """Give each cell of the assignment its entry as the gradebook has it, exactly once.

    Of several copies the last one that was worked in counts. A graded cell that is missing is put
    at the end, where all functions are defined. What a student wrote into a check cell, or joined
    to it, stays as a cell of its own before the check that OverwriteCells restores.
    """

    def preprocess(self, nb: NotebookNode, resources: Resources) -> Result:
        """Return the notebook with its entries restored."""
        known = known_cells(resources)
        # The state of widgets whose output has been cleared. Feedback fails where a program has
        # saved it without the level "state".
        nb.metadata.pop("widgets", None)
        copies: dict[str, list[NotebookNode]] = {name: [] for name in known}
        lost = 0
        for cell in nb.cells:
            entry = cell.metadata.pop("nbgrader", None)
            name = str(entry.get("grade_id")) if isinstance(entry, dict) else None
            # A released cell's own identifier is its grade_id, if a program dropped the entry.
            name = name if name in known else cell.get("id")
            if name in known:
                copies[name].append(cell)
                lost += not entry
        if lost:
            self.log.warning("%d cells had lost nbgrader's metadata; it was put back", lost)
        for name, found in copies.items():
            if len(found) > 1:
                self.log.warning("There are %d copies of cell %r; one counts", len(found), name)
            elif not found and known[name].entry["grade"]:
                self.log.warning("The graded cell %r is missing; it was put at the end", name)
                found = [self._put_back(nb, known[name])]
            if found:
                counts = max(reversed(found), key=known[name].rank)
                counts.metadata["nbgrader"] = dict(known[name].entry)
        nb.cells = [part for cell in nb.cells for part in self._separated(nb, cell, known)]
        return nb, resources

    def _put_back(self, nb: NotebookNode, missing: Known) -> NotebookNode:
        nb.cells.append(_new_cell(nb, "markdown", _PUT_BACK))
        nb.cells.append(_new_cell(nb, missing.cell_type, missing.source))
        return nb.cells[-1]

    def _separated(
        self, nb: NotebookNode, cell: NotebookNode, known: dict[str, Known]
    ) -> list[NotebookNode]:
        entry = cell.metadata.get("nbgrader")
        if not entry or entry["solution"] or cell.cell_type != "code":
            return [cell]
        if cell.source.strip() == known[entry["grade_id"]].source.strip():
            return [cell]
        return [_new_cell(nb, "code", cell.source), cell]


class SaveGrades(SaveAutoGrades):
    """Save the grades; what a person has to look at needs a manual grade, and says why."""

    def preprocess(self, nb: NotebookNode, resources: Resources) -> Result:
        """Save the grades of a notebook."""
        directory = self.parent.parent.coursedir
        names = resources["nbgrader"]
        folder = directory.format_path(directory.source_directory, ".", names["assignment"])
        source = Path(folder) / f"{names['notebook']}.ipynb"
        released = nbformat.read(source, as_version=4) if source.is_file() else nb
        self.reasons = reasons_to_look(nb, released)
        return super().preprocess(nb, resources)

    def _add_score(self, cell: NotebookNode, resources: Resources) -> None:
        super()._add_score(cell, resources)
        reason = self.reasons.get(cell.metadata.nbgrader["grade_id"])
        if reason:
            self._entry(self.gradebook.find_grade, cell).needs_manual_grade = True
            self.gradebook.db.commit()
            self.log.warning("%s: %s", cell.metadata.nbgrader["grade_id"], reason)
            if cell.cell_type == "code":
                cell.outputs.append(nbformat.v4.new_output("stream", text=f"{reason}\n"))

    def _add_comment(self, cell: NotebookNode, resources: Resources) -> None:
        super()._add_comment(cell, resources)
        reason = self.reasons.get(cell.metadata.nbgrader["grade_id"])
        if reason:
            self._entry(self.gradebook.find_comment, cell).auto_comment = reason
            self.gradebook.db.commit()

    def _entry(self, find: Any, cell: NotebookNode) -> Any:
        name = cell.metadata.nbgrader["grade_id"]
        return find(name, self.notebook_id, self.assignment_id, self.student_id)


def reasons_to_look(nb: NotebookNode, source: NotebookNode) -> dict[str, str]:
    """Return {grade_id: why a person has to look at it}: work that is not where it is graded."""
    texts = {_PUT_BACK, *(cell.source.strip() for cell in source.cells)}
    written = [
        cell.source.strip()
        for cell in nb.cells
        if cell.cell_type != "code" and "nbgrader" not in cell.metadata
    ]
    own_text = any(text and text not in texts for text in written)
    reasons = {}
    for number, cell in enumerate(nb.cells):
        if not is_grade(cell):
            continue
        name = cell.metadata.nbgrader["grade_id"]
        if is_solution(cell):
            blank = cell.metadata.nbgrader.get("checksum") == compute_checksum(cell)
            if blank and own_text:
                reasons[name] = "No answer here, but text of the student's own in another cell."
            continue
        for output in cell.outputs:
            if output.get("ename") == CANNOT_BE_GRADED:
                reasons[name] = f"This test could not be run: {output.evalue}"
        below = "\n".join(other.source for other in nb.cells[number + 1 :])
        for _, function in _checks(cell):
            score, points = determine_grade(cell)
            defined = rf"^({function}\s*=|(async )?def {function}\b)"
            if score < points and re.search(defined, below, re.MULTILINE):
                reasons[name] = f"{function} is defined again below its check."
    return reasons


def names_that_are_patterns(submitted: Path) -> list[str]:
    """Return the students' folders that nbgrader would pass over."""
    if not submitted.is_dir():
        return []
    return sorted(path.name for path in submitted.iterdir() if PATTERN.search(path.name))


def without_notebook(submitted: Path) -> list[str]:
    """Return the submissions, as student/assignment, in which nbgrader finds no notebook."""
    folders = (path for path in submitted.glob("*/*") if path.is_dir())
    return sorted(
        path.relative_to(submitted).as_posix()
        for path in folders
        if not any(path.glob("*.ipynb")) and not path.name.startswith(".")
    )


def _new_cell(nb: NotebookNode, cell_type: str, source: str) -> NotebookNode:
    make = nbformat.v4.new_code_cell if cell_type == "code" else nbformat.v4.new_markdown_cell
    cell = make(source)
    if nb.nbformat_minor < 5:
        del cell["id"]
    return cell


def _checks(cell: NotebookNode) -> list[tuple[str, str]]:
    """Return (exercise, function) for each check of a graded cell; an own test has none."""
    graded = cell.cell_type == "code" and is_grade(cell) and not is_solution(cell)
    return CHECK.findall(cell.source) if graded else []


_PUT_BACK = "The next cell was missing from the submission. It was put back for grading."

SANITIZE = [ClearOutput, RestoreEntries, OverwriteKernelspec, OverwriteCells, CheckCellMetadata]
AUTOGRADE = [
    ExecuteApart,
    IgnorePattern,
    ClearMetadataPreprocessor,
    LimitOutput,
    AddRemarks,
    SaveGrades,
    AssignLatePenalties,
    CheckCellMetadata,
]
