"""Grade every attack of tests/attacks by stock nbgrader and here, and write down what came out.

``python tools/attacks.py`` writes book/attacks.csv, from which the page *Attacks* is made. What
could harm the machine under stock nbgrader, which holds nothing in, is not handed to it.
"""

from __future__ import annotations

import csv
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "attacks"), str(ROOT / "tools")]

import attacking  # noqa: E402

TABLE = ROOT / "book" / "attacks.csv"
HARMFUL = {"kills_the_grader", "becomes_root", "parent_process"}
"""Attacks, besides those that exhaust the machine, that stock nbgrader does not get."""

ENDED = {"endless_loop", "open_files", "recursion", "detached_child", "slow_everywhere"}
"""Those that exhaust, and that end by themselves or with the kernel."""

APART = {"doubled_cells", "gradebook", "protocol_garbage"}
"""Those that change the grades of all, or keep all from having one: each has a class of its own."""

PATIENCE = 60
"""Seconds that stock nbgrader gets for such a class of three."""

STOCK = """
c = get_config()
c.CourseDirectory.root = {root!r}
c.CourseDirectory.course_id = "gradlab"
for part in ("source", "release", "submitted", "autograded", "feedback"):
    setattr(c.CourseDirectory, part + "_directory", "course/" + part)
c.CourseDirectory.db_url = {database!r}
c.ExecutePreprocessor.timeout = 10
c.Autograde.exclude_overwriting = {{}}
"""


class Stock(attacking.Class):
    """The same class, graded by nbgrader without anything of ours."""

    def run(self, command: str, *_: str) -> str:
        """Run a command of nbgrader's with its own defaults."""
        names = {"root": str(self.folder), "database": f"sqlite:///{self.database}"}
        (self.folder / "nbgrader_config.py").write_text(STOCK.format(**names))
        alone = len(list((self.folder / "course" / "submitted").iterdir())) == 3
        done = subprocess.run(
            [
                *("timeout", f"{PATIENCE if alone else 1000}"),
                *(Path(sys.executable).with_name("nbgrader"), command, attacking.SLUG),
            ],
            cwd=self.folder,
            env=os.environ
            | {
                "GRADLAB_COURSE_SECRET": attacking.SECRET,
                "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
        )
        return done.stdout


def graded(kind: Any, attacks: list[Any], folder: Path) -> dict[str, str]:
    """Return {name of the attack: what it got and reached} for a class of these."""
    course = kind(folder)
    for attack in attacks:
        course.submit(attack)
    course.grade(*attacking.SHORT)
    return {attack.name: verdict(course, attack) for attack in attacks}


def verdict(course: Any, attack: Any) -> str:
    """Return in a few words what an attack got and what it reached."""
    outcome = course.outcome(attack.student)
    points = "no score" if outcome.earned is None else f"{outcome.earned:g} of {attacking.FULL:g}"
    reached = {
        "network": course.reached and "sent its work away",
        "writes_into_the_course": course.changed and "changed what is not its own",
        "detached_child": course.left and "left a process behind",
    }
    seen = outcome.reached and "saw what is not its own"
    stopped = attack.name in APART and course.outcome("honest").earned is None
    held = stopped and "kept the class from a score"
    return ", ".join(filter(None, [points, seen, held, reached.get(attack.name)]))


def stands(attack: Any) -> bool:
    """Whether stock nbgrader can be given an attack."""
    if attack.kind == "exhausting":
        return attack.name in ENDED
    return attack.name not in HARMFUL


def main() -> None:
    """Write the table."""
    rows = []
    for kind in attacking.KINDS:
        attacks = attacking.attacks(kind)
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder)
            ours = graded(attacking.Class, attacks, place / "ours")
            harmless = [attack for attack in attacks if stands(attack)]
            together = [attack for attack in harmless if attack.name not in APART]
            stock = graded(Stock, together, place / "stock")
            for attack in harmless:
                if attack.name in APART:
                    stock |= graded(Stock, [attack], place / attack.name)
        rows += [(kind, a.name, stock.get(a.name, "not run"), ours[a.name]) for a in attacks]
    with TABLE.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([("kind", "name", "stock", "ours"), *rows])


if __name__ == "__main__":
    main()
