"""Turn ``solutions/*.py`` into the released notebooks, and grade the solutions themselves.

Run from the repository root (``make`` does):

    python tools/exercises.py generate [--force]
    python tools/exercises.py grade
    python tools/exercises.py flags

``generate`` writes ``course/source/<slug>/<slug>.ipynb`` for nbgrader, lets nbgrader's own
generator make the release, and puts that into ``course/release``, where nbgrader looks for it,
and into ``exercises/``. A notebook there that somebody has worked in is left alone unless
``--force`` is given. ``flags`` writes ``course/flags.csv`` from all graded submissions: what stands
beside their scores in formgrader.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import jupytext
import nbformat
from nbgrader.api import Gradebook
from releasing import given

ROOT = Path(__file__).resolve().parent.parent
COURSE = ROOT / "course"
BIN = Path(sys.executable).parent
CHECK = re.compile(r'^check\("([^"]+)"', re.MULTILINE)
ALL = "*"
"""What nbgrader understands as every assignment that there is."""


def slugs() -> list[str]:
    """Return the assignments, in alphabetical order."""
    return sorted(path.stem for path in (ROOT / "solutions").glob("*.py"))


def source_notebook(slug: str) -> nbformat.NotebookNode:
    """Return the instructor's notebook: the same bytes every time it is written."""
    notebook = jupytext.read(ROOT / "solutions" / f"{slug}.py")
    notebook.metadata = {"kernelspec": notebook.metadata["kernelspec"]}
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    for number, cell in enumerate(notebook.cells):
        # jupytext draws random identifiers, and notes how many blank lines stood between cells.
        cell["id"] = cell.metadata.get("nbgrader", {}).get("grade_id", f"cell-{number}")
        cell.metadata.pop("lines_to_next_cell", None)
    write_points(notebook)
    return notebook


def write_points(notebook: nbformat.NotebookNode) -> None:
    """Put points where they are read; they stand in the criteria of the checks, and only there.

    In the metadata of each check cell, in a comment above the check, and in the table of parts,
    which takes the place of the word POINTS. What has no check keeps the points of its cell.
    """
    # nbgrader imports this file for the hook below, and should not wait for numba.
    from gradlab.checks import exercise

    parts: dict[str, float] = {}
    for cell in notebook.cells:
        for title in re.findall(r"^## (\d+ .+)$", cell.source, re.MULTILINE):
            parts[title] = 0
        settings = cell.metadata.get("nbgrader", {})
        chosen = [exercise(name) for name in CHECK.findall(cell.source)]
        if chosen and settings.get("grade"):
            settings["points"] = sum(one.points for one in chosen)
            for one in chosen:
                cell.source = cell.source.replace(
                    f'check("{one.name}"', f'{weights(one)}\ncheck("{one.name}"'
                )
        if parts:
            parts[list(parts)[-1]] += settings.get("points", 0) if settings.get("grade") else 0
    rows = [
        f"| {title} | {f'{points:g}' if points else 'none'} |" for title, points in parts.items()
    ]
    table = "\n".join(["| part | points |", "|---|---|", *rows])
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = re.sub(r"^POINTS$", lambda _: table, cell.source, flags=re.MULTILINE)


def weights(exercise: Any) -> str:
    """Return what each criterion of an exercise is worth, as a comment."""
    lines = [f"{exercise.points:g} points:"]
    lines += [f"  {f'{c.points:g}':4}  {c.title}" for c in exercise.criteria]
    return "\n".join(f"# {line}" for line in lines)


def write_source(slug: str, folder: Path) -> Path:
    """Write the instructor's notebook to ``<folder>/<slug>/<slug>.ipynb``."""
    path = folder / slug / f"{slug}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(source_notebook(slug), path)
    return path


def write_anew(notebooks: list[str], **_: str) -> None:
    """Write the instructor's notebooks again before nbgrader makes a release of them."""
    for notebook in map(Path, notebooks):
        if notebook.stem in slugs():
            nbformat.write(source_notebook(notebook.stem), notebook)


def disagreements(slug: str) -> list[str]:
    """Return a line for each cell that would be graded or released otherwise than it says.

    Its check has no exercise, its points stand here as well or nowhere, or what is given is lost.
    """
    from gradlab.checks import exercise

    lines = []
    for cell in jupytext.read(ROOT / "solutions" / f"{slug}.py").cells:
        settings = cell.metadata.get("nbgrader", {})
        points, names = settings.get("points"), CHECK.findall(cell.source)
        if settings.get("grade") and points is None and not names:
            lines.append(
                f"solutions/{slug}.py has no points for {settings['grade_id']}: begin a line of it "
                'with check("<exercise>", or put points into its metadata'
            )
        if re.search(r"^ *#+ *GIVEN\b", given(cell.source), re.MULTILINE | re.IGNORECASE):
            lines.append(
                f"solutions/{slug}.py would release nothing of what is given in "
                f"{settings.get('grade_id', 'a cell')}: ### GIVEN stands once between "
                "### BEGIN SOLUTION and ### END SOLUTION, with no other ### there"
            )
        for name in names:
            try:
                exercise(name)
            except ValueError as error:
                lines.append(f"solutions/{slug}.py checks what is no exercise: {error}")
            if points is not None:
                lines.append(
                    f"solutions/{slug}.py gives {points:g} points for {name}: leave them out, they "
                    f"stand in its criteria in package/gradlab/checks/{name.split('.')[0]}.py"
                )
    return lines


def refuse_what_cannot_be_graded() -> None:
    """Stop with a line for each reason for which nbgrader would fail later."""
    lines = [line for slug in slugs() for line in disagreements(slug)]
    if re.search(r"[][*?]", str(ROOT)):
        lines.append(f"nbgrader takes [ ] * ? in {ROOT} for a pattern: move the repository")
    if lines:
        sys.exit("\n".join(lines))


def run_nbgrader(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run an nbgrader command in the course at the root."""
    # nbgrader looks for alembic on PATH.
    path = f"{BIN}{os.pathsep}{os.environ.get('PATH', '')}"
    return subprocess.run(
        [BIN / "nbgrader", *arguments],
        cwd=ROOT,
        env=os.environ | {"PATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # What a submission prints need not be text.
        errors="replace",
        check=False,
    )


def nbgrader(*arguments: str) -> str:
    """Run an nbgrader command and return its log; stop with the reason if it fails."""
    done = run_nbgrader(*arguments)
    if done.returncode:
        COURSE.mkdir(exist_ok=True)
        log = COURSE / "nbgrader.log"
        log.write_text(done.stdout)
        sys.exit(f"nbgrader {arguments[0]} failed: {reason(done.stdout)} (all of it is in {log})")
    return done.stdout


def reason(log: str, slug: str = "") -> str:
    """Return the line of a log, or of its part on one assignment, that says what went wrong."""
    part = re.search(rf"error processing assignment: \S*/{slug}\n(.*?\n)\S*\[", log, re.DOTALL)
    lines = [line.strip() for line in (part[1] if slug and part else log).splitlines()]
    raised = [line for line in lines if re.match(r"[\w.]*(Error|Exception|Entry)\b.*: ", line)]
    return (raised or [line for line in lines if line] or ["it says nothing"])[-1]


def digest(path: Path) -> str:
    """Return the file's SHA-256, or an empty string if there is no file."""
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


def generate(force: bool) -> None:
    """Write every assignment's release."""
    refuse_what_cannot_be_graded()
    COURSE.mkdir(exist_ok=True)
    secret = COURSE / "secret"
    if not secret.exists():
        secret.write_text(secrets.token_hex(16) + "\n")
    for slug in slugs():
        write_source(slug, COURSE / "source")
    # One call for all assignments: nbgrader takes longer to start than to work.
    with tempfile.TemporaryDirectory() as release:
        done = run_nbgrader(
            "generate_assignment", ALL, "--force", f"--CourseDirectory.release_directory={release}"
        )
        refused = []
        for slug in slugs():
            new = Path(release) / slug / f"{slug}.ipynb"
            if new.exists():
                print(f"  {install(new, slug, force)}")
            else:
                refused.append(f"exercises/{slug} not generated: {reason(done.stdout, slug)}")
    if refused:
        sys.exit("\n".join(refused))


def install(new: Path, slug: str, force: bool) -> str:
    """Copy a release to nbgrader, and to ``exercises/`` unless that overwrites somebody's work."""
    target = ROOT / "exercises" / slug / f"{slug}.ipynb"
    record = COURSE / "released" / f"{slug}.sha256"
    for_nbgrader = COURSE / "release" / slug / f"{slug}.ipynb"
    for_nbgrader.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(new, for_nbgrader)
    name = target.relative_to(ROOT)
    there = digest(target)
    written = record.read_text() if record.exists() else ""
    if there and there not in (digest(new), written) and not force:
        return f"{name} has been worked in: left as it is (make exercises FORCE=1 replaces it)"
    target.parent.mkdir(parents=True, exist_ok=True)
    record.parent.mkdir(parents=True, exist_ok=True)
    verdict = "up to date" if there == digest(new) else "written"
    shutil.copyfile(new, target)
    record.write_text(digest(new))
    return f"{name} {verdict}"


def grade() -> None:
    """Grade the solutions as if a student had submitted them; fail below full marks."""
    refuse_what_cannot_be_graded()
    with tempfile.TemporaryDirectory() as folder:
        course = Path(folder)
        options = [f"--course-dir={course}", f"--db=sqlite:///{course / 'gradebook.db'}"]
        for slug in slugs():
            write_source(slug, course / "course" / "source")
            write_source(slug, course / "course" / "submitted" / "solution")
        nbgrader("generate_assignment", ALL, *options)
        nbgrader("autograde", ALL, *options, *without_sandbox())
        with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as gradebook:
            verdicts = {slug: marks(gradebook, slug) for slug in slugs()}
        for slug, (score, wanted) in verdicts.items():
            print(f"  solutions/{slug}.py: {score:g} of {wanted:g} points")
        short = [slug for slug, (score, wanted) in verdicts.items() if score != wanted]
        if short:
            sys.exit(f"These solutions must earn full marks: {', '.join(short)}")


def without_sandbox() -> list[str]:
    """Return the option to grade without a sandbox where there is none: solutions are our own."""
    from gradlab.grading.sandbox import SandboxError, self_test

    try:
        self_test()
    except SandboxError as error:
        print(f"  Graded without a sandbox, which students' work needs: {error}")
        return ["--ExecuteApart.sandbox=False"]
    return []


def marks(gradebook: Gradebook, slug: str) -> tuple[float, float]:
    """Return what the solution earned by its code, and what there is to earn."""
    submission = gradebook.find_submission(slug, "solution")
    wanted = sum(
        cell.max_score
        for notebook in gradebook.find_assignment(slug).notebooks
        for cell in notebook.grade_cells
        if cell.cell_type == "code"
    )
    return sum(notebook.score for notebook in submission.notebooks), wanted


def list_flags() -> None:
    """Write what the instructor may want to look at."""
    from gradlab.grading.flags import write_report

    report = COURSE / "flags.csv"
    number = write_report(COURSE / "autograded", report)
    print(f"{report.relative_to(ROOT)}: {number} flags, which are facts and no grades")


def main() -> None:
    """Run the command that was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("generate").add_argument("--force", action="store_true")
    commands.add_parser("grade")
    commands.add_parser("flags")
    arguments = parser.parse_args()
    if arguments.command == "generate":
        generate(arguments.force)
    elif arguments.command == "flags":
        list_flags()
    else:
        grade()


if __name__ == "__main__":
    main()
