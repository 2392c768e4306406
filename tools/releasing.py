"""The step of a release that ``nbgrader_config.py`` puts in the place of nbgrader's own."""

from __future__ import annotations

import re

from nbformat import NotebookNode
from nbgrader import preprocessors
from nbgrader.converters import GenerateAssignment

LINES = r"(?:(?! *### ).*\n)*"
REGION = re.compile(
    rf"^ *### BEGIN SOLUTION\n{LINES} *### GIVEN\n(?P<given>{LINES}) *### END SOLUTION\n?",
    re.MULTILINE,
)


class ClearSolutions(preprocessors.ClearSolutions):
    """Replaces a solution by what the student is given, if it says so, and else by the stub.

    What is given stands in comments, such as the line that is to be repaired::

        ### BEGIN SOLUTION
        x, labels = x[order], labels[order]
        ### GIVEN
        # x = x[order]
        ### END SOLUTION
    """

    def _replace_solution_region(self, cell: NotebookNode, language: str) -> bool:
        before = cell.source
        cell.source = given(before)
        replaced: bool = super()._replace_solution_region(cell, language)
        return replaced or cell.source != before


def given(source: str) -> str:
    """Return a cell with what the student is given in the place of such solutions."""

    def uncommented(region: re.Match[str]) -> str:
        return re.sub(r"^( *)# ?", r"\1", region["given"], flags=re.MULTILINE)

    return REGION.sub(uncommented, source)


GENERATE = [
    ClearSolutions if step is preprocessors.ClearSolutions else step
    for step in GenerateAssignment.preprocessors.default()
]
"""nbgrader's steps, with this one in the place of its own."""
