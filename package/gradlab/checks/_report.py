"""The report that a student sees: a table in Jupyter, lines of text elsewhere."""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass
from html import escape
from importlib.metadata import metadata
from typing import Any

from gradlab.checks._explain import Finding

POINTS = "application/vnd.gradlab.points+json"
"""The part of a displayed report that ``tools/grading.py`` reads."""


@dataclass(frozen=True)
class Report:
    """The findings of one check.

    Everything that came from the student's code is escaped: a report is shown to the instructor.
    """

    exercise: str
    findings: tuple[Finding, ...]
    warning: str = ""

    @property
    def earned(self) -> float:
        """Points earned."""
        return round(sum(finding.points for finding in self.findings), 6)

    @property
    def possible(self) -> float:
        """Points of all criteria."""
        return round(sum(finding.criterion.points for finding in self.findings), 6)

    @property
    def _heading(self) -> str:
        return f"{self.exercise}: {self.earned:g} of {self.possible:g} points"

    def _explanations(self) -> list[tuple[Finding, list[str], tuple[str, ...]]]:
        """What to say about each finding, and the equations to read; nothing at length twice."""
        seen: set[Any] = set()
        explained = []
        for finding in self.findings:
            where = f" ({finding.where})" if finding.where else ""
            if finding.where and len(finding.where) > 80 and finding.where in seen:
                where = " (in the same case)"
            lines = []
            if finding.detail in seen:
                lines.append("The same reason as above.")
            elif finding.detail:
                lines.append(finding.detail + where)
            if finding.misconception in seen - {""}:
                lines.append(f"Again: {finding.misconception}.")
            elif finding.misconception:
                lines.append(f"Looks like {finding.misconception}. {finding.hint}")
            elif finding.hint and finding.hint not in seen:
                lines.append(finding.hint)
            if finding.seen:
                lines.append(finding.seen)
            equations = () if finding.equations in seen else finding.equations
            seen |= {
                finding.detail,
                finding.where,
                finding.misconception,
                finding.hint,
                equations,
            } - {"", ()}
            explained.append((finding, lines, equations))
        return explained

    def __repr__(self) -> str:
        lines = [self._heading]
        for finding, explanation, equations in self._explanations():
            mark = "passed" if finding.passed else "FAILED"
            criterion = finding.criterion
            lines.append(f"  {mark}  {finding.points:g}/{criterion.points:g}  {criterion.title}")
            if equations:
                explanation.append(f"Read again: {_equations(equations)}.")
            for line in explanation:
                lines += textwrap.wrap(line, 88, initial_indent=" " * 8, subsequent_indent=" " * 8)
        if self.warning:
            lines.append(f"  Your function gave a warning, which costs nothing: {self.warning}")
        return "\n".join(lines)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        """What grading reads: no setting of a notebook changes how these numbers are written."""
        points = {"exercise": self.exercise, "earned": self.earned, "possible": self.possible}
        return {POINTS: points}

    def _repr_html_(self) -> str:
        """A table that needs no style sheet, script or class: these are dropped somewhere.

        Colors come in pairs of text and ground, or are those of the page around.
        """
        rows = []
        for finding, explanation, equations in self._explanations():
            color, mark = ("#1a7f4b", "passed") if finding.passed else ("#b3261e", "failed")
            criterion = finding.criterion
            texts = [_html(line) for line in explanation]
            if equations:
                texts.append(f"Read again: {_equations(equations, _link(self.exercise))}.")
            lines = "".join(f'<div style="margin-top:2px">{text}</div>' for text in texts)
            rows.append(
                '<tr style="background-color:transparent">'
                f'<td style="{_CELL};width:1%"><span style="background-color:{color};color:#fff;'
                f'border-radius:3px;padding:1px 6px;font-size:0.85em">{mark}</span></td>'
                f'<td style="{_CELL};width:1%;white-space:nowrap">{finding.points:g} / '
                f"{criterion.points:g}</td>"
                f'<td style="{_CELL};white-space:normal"><strong>{_html(criterion.title)}'
                f"</strong>{lines}</td></tr>"
            )
        note = ""
        if self.warning:
            note = (
                '<p style="margin:4px 0">Your function gave a warning, which costs nothing: '
                f"<code>{escape(self.warning)}</code></p>"
            )
        return (
            '<div style="max-width:46em"><p style="margin:4px 0"><strong>'
            f"{escape(self._heading)}</strong></p>"
            '<table style="border-collapse:collapse;table-layout:auto;margin:0;width:100%">'
            f"{''.join(rows)}</table>{note}</div>"
        )


def _html(line: str) -> str:
    """A line with what stands between backticks as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(line))


def _equations(labels: tuple[str, ...], link: str = "{}") -> str:
    named = ", ".join(link.format(label) for label in labels)
    return f"equation{'s' if len(labels) > 1 else ''} {named}"


def _link(exercise: str) -> str:
    """The form of a link to an equation of the exercise's chapter; bare where no site is known."""
    site = book_url()
    chapter = exercise.split(".")[0].replace("_", "-")
    if not site:
        return "{}"
    return f'<a href="{escape(site)}/book/{chapter}.html#equation-{{0}}" {_NEW_TAB}>{{0}}</a>'


def book_url() -> str:
    """Return the address of the rendered book that this installation belongs to, if it has one.

    It is the ``Book`` of ``[project.urls]`` in pyproject.toml, which an instructor sets once.
    """
    for entry in metadata("gradlab").get_all("Project-URL") or []:
        label, _, address = entry.partition(", ")
        if label == "Book":
            return str(address).rstrip("/")
    return ""


_NEW_TAB = 'target="_blank" rel="noopener" style="color:inherit;text-decoration:underline"'
"""A link would open within the output's own frame, in a color that a dark page may not have."""

_CELL = "text-align:left;vertical-align:top;padding:4px 10px 4px 0;border-top:1px solid #8888"
