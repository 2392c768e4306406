"""Count the edits of each solution that get a cause, for the page *What the checkers know*.

Run from the repository root after a checker or a solution changed: ``python tests/recall.py``.
"""

from __future__ import annotations

import ast
import csv

from checking import answers, at_most, exercises
from support import ROOT

from gradlab.checks import report
from gradlab.checks._edits import one_place_edits


def count(slug: str, name: str) -> dict[str, object]:
    """Return how many edits of a solution are wrong, and how many of them get which cause."""
    answer, wrong, known, other = answers(slug)[name], 0, 0, 0
    for edit in one_place_edits(answer.source):
        try:
            with at_most(10):
                result = report(name, answer.run(ast.unparse(edit.module)))
        except TimeoutError:
            continue
        failed = [finding for finding in result.findings if finding.wrong]
        wrong += bool(failed)
        known += any(finding.misconception for finding in failed)
        other += (
            bool(failed)
            and not any(finding.misconception for finding in failed)
            and any(finding.hint for finding in failed)
        )
    return {"exercise": name, "wrong": wrong, "known": known, "other": other}


def main() -> None:
    """Write ``book/recall.csv``."""
    slugs = sorted(path.stem for path in (ROOT / "solutions").glob("*.py"))
    rows = [count(slug, e.name) for slug in slugs for e in exercises(slug)]
    with (ROOT / "book" / "recall.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
