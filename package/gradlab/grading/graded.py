"""A graded cell of the instructor's, run in the grader's own process over stand-ins."""

from __future__ import annotations

import ast
import builtins
import contextlib
import io
import math
import re
import resource
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import numpy as np

from gradlab import checks
from gradlab.checks import Report
from gradlab.checks._limits import GoneError, limit_data
from gradlab.checks._model import Elsewhere
from gradlab.grading import wire
from gradlab.grading.session import EndedError, Module, Session

MODULES: dict[str, ModuleType] = {"numpy": np, "math": math, "re": re}
"""Modules for a test that uses a name which only the notebook's first cell imports."""

HIDDEN = re.compile(r"### BEGIN HIDDEN TESTS.*?### END HIDDEN TESTS", re.DOTALL)

Output = dict[str, Any]


@dataclass
class Verdict:
    """What a graded cell gave: its points, what it shows, and why a person should look at it."""

    earned: float
    outputs: list[Output] = field(default_factory=list)
    look: str = ""


class GradedCells:
    """The graded cells of one submission, which share their names as cells of a notebook do.

    Parameters
    ----------
    session
        The submission.
    asked
        Names that solution cells define: these are the student's, whatever a test calls by them.
    imports
        Import statements of the instructor's notebook, for tests that rely on its first cell.
    """

    def __init__(self, session: Session, asked: frozenset[str], imports: str = "") -> None:
        self._session, self._asked = session, asked
        self._scope: dict[str, Any] = {"__name__": "__main__"}
        self._shared: set[str] = set()
        self._theirs: set[str] = set()
        self._defined: set[str] = set()
        self._helpers: set[str] = set()
        for statement in ast.parse(imports).body:
            with contextlib.suppress(Exception):
                exec(ast.unparse(statement), self._scope)

    def define(self, source: str) -> None:
        """Take what a cell of the instructor's own defines, so that a student's does not count.

        All of it where the cell computes with nothing of the student's and does nothing else; its
        imports, functions and classes in any case. A cell that was taken before has been.
        """
        if source in self._defined:
            return
        self._defined.add(source)
        try:
            tree = ast.parse(source)
        except SyntaxError:
            return
        loaded, stored = _loaded(tree), _stored(tree)
        whole = not any(isinstance(statement, ast.Expr) for statement in tree.body) and all(
            name not in self._asked and (name in self._scope or name in stored)
            for name in loaded
            if not hasattr(builtins, name)
        )
        for statement in tree.body:
            if whole or isinstance(statement, DEFINITIONS):
                with contextlib.suppress(Exception), _seen_here(io.StringIO(), print):
                    exec(ast.unparse(statement), self._scope)
                    self._theirs -= _stored(ast.Module([statement], []))
        self._helpers |= loaded

    def run(self, source: str, points: float) -> Verdict:
        """Run a cell that is worth so many points."""
        try:
            tree = ast.parse(source)
        except SyntaxError as error:
            return _refused(
                f"line {error.lineno} of this test is no Python, as magics and shell commands are "
                "not: a test runs in the grader, without IPython"
            )
        self._import_there(tree)
        with self._session.graded_cell():
            try:
                self._stand_in(tree)
            except EndedError as error:
                said = f"The submission was stopped: {error}"
                return Verdict(0.0, [_error("Stopped", said)])
            verdict = self._executed(tree, source, points)
        self._theirs -= _stored(tree)
        return verdict

    def _import_there(self, tree: ast.Module) -> None:
        """Import what the cell imports: the student's functions may use it."""
        for statement in tree.body:
            text = ast.unparse(statement)
            if isinstance(statement, ast.Import | ast.ImportFrom) and text not in self._shared:
                self._shared.add(text)
                self._session.run_silently(text)

    def _stand_in(self, tree: ast.Module) -> None:
        wanted = sorted(
            name
            for name in _loaded(tree) | self._helpers
            if name in self._asked | self._theirs or not self._is_known(name)
        )
        found = self._session.names(wanted)
        for name in wanted:
            value = found.get(name)
            if isinstance(value, Module):
                value = MODULES.get(value.name)
                found = found if value else {k: v for k, v in found.items() if k != name}
            if name in found:
                self._scope[name] = value
                self._theirs.add(name)
            else:
                self._scope.pop(name, None)

    def _is_known(self, name: str) -> bool:
        return name in self._scope or hasattr(builtins, name)

    def _executed(self, tree: ast.Module, source: str, points: float) -> Verdict:
        reports: list[Report] = []
        printed = _Capped(self._session.limits.output)
        value, error, refused = None, None, ""
        with _seen_here(printed, reports.append) as warned:
            try:
                # Checks bound what they take themselves, and compile, which ends without memory.
                own = "gradlab" in source or "check(" in source
                with contextlib.nullcontext() if own else _little_memory():
                    value = _value(tree, self._scope)
            except KeyboardInterrupt:
                raise
            except wire.RefusedError as refusal:
                refused = str(refusal)
            except BaseException as raised:  # Nothing that a submission does ends the grading.
                error = raised
        outputs: list[Output] = []
        text = printed.getvalue() + "".join(f"{one}\n" for one in warned)
        if text:
            outputs.append({"output_type": "stream", "name": "stdout", "text": text})
        outputs += map(_shown, reports)
        if refused:
            verdict = _refused(f"a submission cannot be handed {refused}")
            return Verdict(0.0, [*outputs, *verdict.outputs], verdict.look)
        if error is not None:
            return Verdict(0.0, [*outputs, _raised(error, source)])
        if reports:
            _compare(sum(report.possible for report in reports), points)
            earned = sum(report.earned for report in reports)
        elif isinstance(value, NO_POINTS):
            verdict = _refused(
                f"its last line gives an object of type {type(value).__name__}: let it give the "
                "points, or nothing"
            )
            return Verdict(0.0, [*outputs, *verdict.outputs], verdict.look)
        else:
            earned = _number(value, points)
        return Verdict(min(max(earned, 0.0), points), outputs)


DEFINITIONS = (
    ast.Import,
    ast.ImportFrom,
    ast.FunctionDef,
    ast.AsyncFunctionDef,
    ast.ClassDef,
)


def _loaded(tree: ast.Module) -> set[str]:
    names = (node for node in ast.walk(tree) if isinstance(node, ast.Name))
    return {node.id for node in names if isinstance(node.ctx, ast.Load)}


def _stored(tree: ast.Module) -> set[str]:
    """The names that a cell gives a meaning to, at any depth."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            found.add(node.id)
        elif isinstance(node, ast.arg):
            found.add(node.arg)
        elif isinstance(node, ast.alias):
            found.add((node.asname or node.name).split(".")[0])
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
    return found


def _value(tree: ast.Module, scope: dict[str, Any]) -> Any:
    """Run a cell and return the value of its last line, if it is an expression."""
    *steps, last = tree.body or [ast.Pass()]
    if not isinstance(last, ast.Expr):
        steps, last = [*steps, last], ast.Expr(ast.Constant(None))
    exec(compile(ast.Module(steps, []), TEST, "exec"), scope)
    expression = ast.copy_location(ast.Expression(last.value), last)
    return eval(compile(ast.fix_missing_locations(expression), TEST, "eval"), scope)


TEST = "<test>"


NO_POINTS = complex, np.complexfloating, np.ndarray, wire.Foreign, Elsewhere
"""What a sum of points becomes if an answer in it is not the number that the test expects."""


def _number(value: Any, points: float) -> float:
    """The points that the last line of an ordinary test says, or all of them if it says none."""
    if isinstance(value, int | float | np.number) and not isinstance(value, bool | np.bool_):
        try:
            number = float(value)
        except OverflowError:
            return 0.0
        return number if math.isfinite(number) else 0.0
    return points


def _compare(possible: float, points: float) -> None:
    if not math.isclose(points, possible):
        raise ValueError(
            f"the cell is worth {points:g} points, but its criteria in package/gradlab/checks add "
            f"up to {possible:g}: make them equal"
        )


@contextlib.contextmanager
def _seen_here(printed: io.StringIO, show: Callable[[Report], None]) -> Iterator[list[str]]:
    """Catch what is printed, warned of and reported; a grade is not read from any of it."""
    before: Callable[[Report], None] = checks._show
    said: list[str] = []
    checks._show = show  # type: ignore[assignment]
    try:
        with (
            contextlib.redirect_stdout(printed),
            contextlib.redirect_stderr(printed),
            warnings.catch_warnings(record=True) as caught,
        ):
            warnings.simplefilter("always")
            yield said
            said += [f"{type(one.message).__name__}: {one.message}" for one in caught[:5]]
    finally:
        checks._show = before  # type: ignore[assignment]


MEMORY = 2**28
"""Bytes more than before, for a test: an answer of another shape makes a sum of two arrays huge."""


@contextlib.contextmanager
def _little_memory() -> Iterator[None]:
    # What the library takes at first it takes before: it ends the process where it gets none.
    np.ones((300, 300)) @ np.ones((300, 300))
    limits = limit_data(MEMORY)
    if limits:
        resource.setrlimit(resource.RLIMIT_DATA, limits[1])
    try:
        yield
    finally:
        if limits:
            resource.setrlimit(resource.RLIMIT_DATA, limits[0])


class _Capped(io.StringIO):
    """Keeps so many characters."""

    def __init__(self, characters: int) -> None:
        super().__init__()
        self._left = characters

    def write(self, text: str) -> int:
        """Keep as much of a text as may still be."""
        super().write(text[: max(0, self._left)])
        self._left -= len(text)
        return len(text)


def _shown(report: Report) -> Output:
    data = {"text/plain": repr(report), "text/html": report._repr_html_()}
    return {
        "output_type": "display_data",
        "data": data | report._repr_mimebundle_(),
        "metadata": {},
    }


def _error(name: str, message: str, lines: tuple[str, ...] = ()) -> Output:
    return {
        "output_type": "error",
        "ename": name,
        "evalue": message,
        "traceback": [*lines, f"{name}: {message}"],
    }


CANNOT_BE_GRADED = "CannotBeGraded"


def _refused(message: str) -> Verdict:
    """For the exercise's author: a test that cannot be run here is no student's fault."""
    said = f"{message}."
    return Verdict(0.0, [_error(CANNOT_BE_GRADED, said)], f"This test cannot be run: {said}")


def _raised(error: BaseException, source: str) -> Output:
    """An exception, with the student's line or the test's; hidden tests stay hidden."""
    if isinstance(error, GoneError):
        return _error("Stopped", str(error))
    name, message = type(error).__name__, str(error)
    lines = [
        f"in line {number} of {file or 'its cell'}: {line}"
        for file, number, line in vars(error).get("elsewhere", ())
    ]
    at = _line_of_test(error)
    text = source.splitlines()
    if 0 < at <= len(text):
        before = "\n".join(text[:at])
        hidden = before.count("### BEGIN HIDDEN TESTS") > before.count("### END HIDDEN TESTS")
        if hidden:
            return _error(name, "in a test that is not shown", tuple(lines))
        lines.insert(0, f"in line {at} of this test: {text[at - 1].strip()}")
    return _error(name, message, tuple(lines))


def _line_of_test(error: BaseException) -> int:
    trace, found = error.__traceback__, 0
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == TEST:
            found = trace.tb_lineno
        trace = trace.tb_next
    return found
