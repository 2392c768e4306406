"""Grade a class of attackers by nbgrader's own commands, and see what each of them reached.

An attack is a file in a folder of its kind. Its first string says what it is for. Then comes either
what the student writes into the first answer of *Gradient clipping*, or, if the file has one of the
names below, what is handed in besides:

``CELL``
    The text of the first answer.
``FILES``, ``LINKS``
    Further files of the submission, and symbolic links in it: path, and text or target.
``edit(notebook)``, ``write(path)``
    Changes the notebook, which has all answers right, or its file.

In a text, ``$COURSE``, ``$REPOSITORY``, ``$DATABASE``, ``$HOST`` and ``$PORT`` are what an attacker
may know of the grader: its folders, and a server that counts who reaches it; ``$TABLE`` are the
answers to the public cases.
"""

import ast
import contextlib
import hashlib
import json
import os
import re
import socket
import subprocess
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
import pytest
from checking import answers
from classroom import gradebook, nbgrader
from support import ROOT, exercises_tool

from gradlab.checks import exercise, report

HERE = Path(__file__).resolve().parent
SLUG = "gradient-clipping"
ANSWERS = answers(SLUG)
FULL = sum(exercise(name).points for name in ANSWERS)
KINDS = ("forging", "reaching", "exhausting", "breaking")
DONE_BY_HAND = {"CELL", "FILES", "LINKS", "edit", "write"}
CANARY = "CANARY-3f8a1c"
SECRET = "SECRET-77d0b2e4"
SHAPES = 0.25
"""What a function of these earns for the shapes of what it returns, whatever is in them."""

SHORT = ("--ExecuteApart.cell_seconds=5", "--ExecuteApart.submission_seconds=20")
"""Seconds after which nobody need wait any longer."""

LIMIT = 500e6
"""Bytes of memory that the grader's own process may take."""


@dataclass(frozen=True)
class Attack:
    """A submission that is not honest: its name and purpose, and how it is made."""

    kind: str
    name: str
    purpose: str
    text: str
    parts: dict = field(default_factory=dict)

    @property
    def honest_part(self):
        """The points for what is right in it: the shapes of what its functions return."""
        defined = [answer.function for answer in ANSWERS.values() if answer.function in self.text]
        return SHAPES * len(defined) if self.kind != "breaking" else FULL

    @property
    def student(self):
        return f"{self.kind}-{self.name}".replace("_", "-")


def attack(path):
    """Return the attack in a file."""
    text = path.read_text()
    tree = ast.parse(text)
    purpose = ast.get_docstring(tree)
    names = {getattr(node, "name", "") for node in tree.body}
    names |= {
        target.id
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    parts = {}
    if names & DONE_BY_HAND:
        exec(compile(tree, str(path), "exec"), parts)
        text = parts.get("CELL", "")
    return Attack(path.parent.name, path.stem, purpose, text, parts)


def attacks(kind):
    """Return the attacks of a kind."""
    return [attack(path) for path in sorted((HERE / kind).glob("*.py"))]


@dataclass
class Outcome:
    """What an attack got and reached: its points, or None, the log's part on it, and traces."""

    earned: float | None
    log: str
    reached: list[str]


class Class:
    """A course in a folder in which attackers and honest students hand in *Gradient clipping*."""

    def __init__(self, folder):
        self.folder = folder
        self.database = folder / "gradebook.db"
        self.canary = folder / "course" / "canary.txt"
        exercises_tool().write_source(SLUG, folder / "course" / "source")
        nbgrader(folder, "generate_assignment", SLUG)
        self.canary.write_text(f"{CANARY}\n")
        (folder / "course" / "secret").write_text(SECRET)
        self.released = folder / "course" / "release" / SLUG / f"{SLUG}.ipynb"
        self.home = Path.home() / ".gradlab-attack"
        self.server = Server()
        self.submit_honest("honest")
        self.submit_honest("honest-noisy", noisy)

    def submit_honest(self, student, edit=lambda notebook: None):
        """Hand in all answers right, with a note that nobody else is to read."""
        notebook = nbformat.read(self.released, as_version=4)
        solve(notebook)
        notebook.cells.append(nbformat.v4.new_markdown_cell(f"{CANARY} {student}"))
        edit(notebook)
        path = self.path(student)
        path.parent.mkdir(parents=True)
        nbformat.write(notebook, path)

    def path(self, student):
        return self.folder / "course" / "submitted" / student / SLUG / f"{SLUG}.ipynb"

    def filled(self, text):
        """Return an attack's text with what the attacker knows in it."""
        values = {
            "$COURSE": str(self.folder),
            "$REPOSITORY": str(ROOT),
            "$DATABASE": str(self.database),
            "$HOST": self.server.host,
            "$PORT": str(self.server.port),
        }
        for name, value in values.items():
            text = text.replace(name, value)
        return text.replace('"$TABLE"', repr(table())) if "$TABLE" in text else text

    def submit(self, attack):
        """Hand in what an attack makes."""
        notebook = nbformat.read(self.released, as_version=4)
        path = self.path(attack.student)
        path.parent.mkdir(parents=True)
        if attack.text:
            # What it does not define stays as it was released: a function that is not written.
            first, *others = ANSWERS.values()
            for cell in notebook.cells:
                name = cell.metadata.get("nbgrader", {}).get("grade_id")
                if name == first.cell:
                    rest = [cell.source] if first.function not in attack.text else []
                    cell.source = "\n\n\n".join([self.filled(attack.text), *rest])
                elif any(name == one.cell and one.function in attack.text for one in others):
                    cell.source = ""
        elif attack.kind == "breaking":
            solve(notebook)
        if "edit" in attack.parts:
            attack.parts["edit"](notebook)
        path.write_text(json.dumps(notebook))
        if "write" in attack.parts:
            attack.parts["write"](path)
        for name, text in attack.parts.get("FILES", {}).items():
            place = path.parent / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(self.filled(text))
        for name, target in attack.parts.get("LINKS", {}).items():
            (path.parent / name).symlink_to(self.filled(target))
        for link in path.parent.rglob("*"):
            if link.is_symlink() and "$" in os.readlink(link):
                target = self.filled(os.readlink(link))
                link.unlink()
                link.symlink_to(target)

    def grade(self, *arguments):
        """Grade the class by nbgrader, and note what the whole of it did outside of a notebook."""
        before = self.state()
        self.home.unlink(missing_ok=True)
        with Peak() as self.memory:
            self.log = self.run("autograde", *arguments)
        self.feedback_log = self.run("generate_feedback")
        after = self.state()
        self.changed = sorted(
            name for name in before | after if before.get(name) != after.get(name)
        )
        if self.home.exists():
            self.changed.append(str(self.home))
            self.home.unlink()
        self.left = left_behind(f"gradlab-attack-{self.server.port}")
        self.reached = list(self.server.reached)
        self.server.close()

    def run(self, command, *arguments):
        """Run a command of nbgrader's, which fails as soon as one submission does."""
        own = f"--CourseDirectory.root={self.folder}", f"--db=sqlite:///{self.database}"
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("GRADLAB_COURSE_SECRET", SECRET)
            return exercises_tool().run_nbgrader(command, SLUG, *arguments, *own).stdout

    def state(self):
        """Return digests of what no submission may change."""
        places = [self.canary, self.folder / "course" / "secret"]
        for part in ("source", "release", "submitted/honest", "submitted/honest-noisy"):
            places += sorted((self.folder / "course" / part).rglob("*"))
        places += [path for path in self.folder.iterdir() if path.is_file()]
        kept = (path for path in places if path.is_file() and not path.is_symlink())
        return {
            str(path): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in kept
            if path.name not in ("gradebook.db", "autograde.log")
        }

    def outcome(self, student):
        """Return what a submission got and what its outputs show."""
        with gradebook(self.folder) as book:
            try:
                submission = book.find_submission(SLUG, student)
                earned = (
                    sum(
                        book.find_grade(answer.check, SLUG, SLUG, student).score
                        for answer in ANSWERS.values()
                    )
                    if submission.notebooks
                    else None
                )
            except Exception as error:
                earned, submission = None, error
        shown = ""
        for part in ("autograded", "feedback"):
            for path in (self.folder / "course" / part / student).rglob("*"):
                if path.is_file() and path.suffix in (".ipynb", ".html"):
                    shown += outputs(path)
        signs = (CANARY, SECRET, "CANARY-SOLUTION", "CANARY-MEMORY", "CANARY-ROOT", "root:x:")
        return Outcome(earned, part_of(self.log, student), [s for s in signs if s in shown])


def solve(notebook):
    """Put the right answers into a released notebook."""
    sources = {answer.cell: answer.source for answer in ANSWERS.values()}
    for cell in notebook.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id")
        cell.source = sources.get(name, cell.source)


def noisy(notebook):
    """Do what honest students do: warnings, prints, plots, helpers, cells of their own."""
    own = (
        "import warnings, sys, logging\n"
        "import matplotlib.pyplot as plt\nimport numba\n\n"
        "@numba.njit\ndef helper(a):\n    return a + 1\n\n"
        "print('Test', helper(1)); print('Achtung', file=sys.stderr)\n"
        "warnings.warn('careful'); logging.warning('careful')\nplt.plot([1, 2]);"
    )
    notebook.cells.insert(2, nbformat.v4.new_code_cell(own))
    notebook.cells.append(nbformat.v4.new_code_cell("1 / 0"))
    notebook.cells.append(nbformat.v4.new_code_cell("%timeit -n1 -r1 sum(range(10))\n!echo fine"))


def outputs(path):
    """Return what a graded notebook or its page shows beyond the text of its own cells."""
    text = path.read_text(errors="replace")
    if path.suffix == ".ipynb":
        cells = json.loads(text)["cells"]
        return json.dumps([cell.get("outputs", []) for cell in cells])
    return " ".join(re.findall(r'<div class="[^"]*output[^"]*">.*?</div>', text, re.DOTALL))


def part_of(log, student):
    """Return what nbgrader's log says on a student's submission."""
    lines = log.splitlines()
    starts = [
        k for k, line in enumerate(lines) if "Copying" in line or "Converting notebook" in line
    ]
    found = [k for k in starts if f"/{student}/" in lines[k]]
    if not found:
        return "\n".join(line for line in lines if student in line)
    later = [k for k in starts if k > found[-1]]
    return "\n".join(lines[found[0] : later[0] if later else None])


def table():
    """Return {digest of the arguments: answer} over the public cases of the second part."""
    asked, found = exercise("gradient_clipping.by_norm"), {}

    def remember(grad, max_norm):
        answer = asked.reference(grad, max_norm)
        found[grad.astype(float).tobytes().hex()[:64] + repr(float(max_norm))] = answer.tolist()
        return answer

    assert report(asked, remember, secret="").earned == asked.points
    return found


class Server:
    """Counts who reaches it: by TCP and UDP on all addresses, and by an abstract Unix socket."""

    def __init__(self):
        self.reached, self.open = [], True
        tcp = socket.create_server(("0.0.0.0", 0))
        self.port = tcp.getsockname()[1]
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        udp.bind(("0.0.0.0", self.port))
        unix = socket.socket(socket.AF_UNIX)
        unix.bind(f"\0gradlab-attack-{self.port}")
        unix.listen()
        self.host = socket.gethostbyname(socket.gethostname())
        self.sockets = tcp, udp, unix
        for number, one in enumerate(self.sockets):
            one.settimeout(0.2)
            threading.Thread(target=self._listen, args=(one, number == 1), daemon=True).start()

    def _listen(self, one, datagrams):
        while self.open:
            try:
                who = one.recvfrom(100) if datagrams else one.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            self.reached.append(str(who))

    def close(self):
        self.open = False
        for one in self.sockets:
            one.close()


class Peak:
    """The largest resident memory that nbgrader has while the block runs, as started from here."""

    def __enter__(self):
        self.largest, self._running = 0, True
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def _watch(self):
        while self._running:
            for child in self._children():
                folder = Path("/proc", child)
                try:
                    if b"nbgrader" in (folder / "cmdline").read_bytes().split(b"\0")[1]:
                        found = re.search(r"VmHWM:\s+(\d+)", (folder / "status").read_text())
                        self.largest = max(self.largest, int(found[1]) * 1024 if found else 0)
                except (OSError, IndexError):
                    continue
            time.sleep(0.2)

    def _children(self):
        """The processes that this one has started: others grade beside it."""
        for children in Path("/proc/self/task").glob("*/children"):
            with contextlib.suppress(OSError):
                yield from children.read_text().split()

    def __exit__(self, *_):
        self._running = False
        self._thread.join()


def left_behind(mark):
    """Return the processes that an attack of this class has left running, and end them."""
    time.sleep(0.5)
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (folder / "cmdline").read_bytes().split(b"\0")[-2:-1]:
                found.append(folder.name)
        except OSError:
            continue
    for number in found:
        subprocess.run(["kill", "-9", number], check=False)
    return found
