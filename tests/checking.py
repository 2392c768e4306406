"""What every checker has to stand: subclass `Checker` in ``tests/checks/test_<topic>.py``.

The parametrization is in ``tests/checks/conftest.py``; what students hand in is in
``tests/submissions/<topic>.py``.
"""

import ast
import copy
import importlib
import inspect
import re
import signal
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import ClassVar

import jupytext
import numpy as np
from support import ROOT

from gradlab.checks import _explain, exercise, report
from gradlab.checks._edits import one_place_edits
from gradlab.checks._model import call_once

SEEDS = ["", *(f"seed {k}" for k in range(20))]


@dataclass(frozen=True)
class Answer:
    """A graded function of a solution: its name, its cell, and what the cells before it define.

    `cell` and `check` are nbgrader's identifiers of its cell and of the one that grades it.
    """

    function: str
    source: str
    scope: dict
    cell: str
    check: str

    def run(self, source):
        """Return the function that `source`, put in place of the cell, defines."""
        scope = dict(self.scope)
        exec(source, scope)
        return scope[self.function]


@cache
def answers(slug):
    """{exercise: Answer} of ``solutions/<slug>.py``."""
    cells = jupytext.read(ROOT / "solutions" / f"{slug}.py").cells
    cells = [c for c in cells if c.cell_type == "code"]
    asked = {}
    for cell in cells:
        for name, function in re.findall(r'^check\("([^"]+)", (\w+)\)$', cell.source, re.MULTILINE):
            asked[name] = function, cell.metadata["nbgrader"]["grade_id"]
    found, scope = {}, {}
    for cell in cells:
        if re.search(r"^check\(", cell.source, re.MULTILINE):
            continue
        for name, (function, check) in asked.items():
            if re.search(rf"^def {function}\(", cell.source, re.MULTILINE):
                grade_id = cell.metadata["nbgrader"]["grade_id"]
                found[name] = Answer(function, cell.source, dict(scope), grade_id, check)
        exec(cell.source, scope)
    assert list(found) == list(asked)
    return found


def submissions(slug):
    """Return the module of what students hand in for a topic."""
    return importlib.import_module(f"submissions.{slug.replace('-', '_')}")


def exercises(slug):
    """Return a topic's exercises."""
    return importlib.import_module(f"gradlab.checks.{slug.replace('-', '_')}").EXERCISES


@contextmanager
def at_most(seconds):
    """Raise TimeoutError in what takes longer, such as a mutant whose loop has no end."""

    def stop(*_):
        raise TimeoutError

    signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def steps(source):
    """The statements of a function, without its name, docstring, annotations and comments."""
    (function,) = (n for n in ast.parse(source).body if isinstance(n, ast.FunctionDef))
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return [a.arg for a in function.args.args], list(map(ast.dump, body))


def spoil(values):
    """Write to the arrays and lists among arguments."""
    for value in values:
        if isinstance(value, np.ndarray):
            value[...] += 1
        elif isinstance(value, (list, tuple)):
            spoil(value)
        if isinstance(value, list):
            value.reverse()


def said_why(result):
    """Whether a report says more than where numbers differ: a cause, or the student's own error."""
    return any(
        finding.misconception or finding.hint or "Your function raised" in finding.detail
        for finding in result.findings
    )


def recognised(result):
    return {f.misconception for f in result.findings if f.misconception}


class Checker:
    slug = ""
    # {(exercise, mutant's description): why no result can tell it from the solution}
    equivalent: ClassVar[dict] = {}
    # {exercise: seeds}, where a check takes long and each seed makes three times as many cases
    seeds: ClassVar[dict] = {}
    # {exercise: why edits of a model answer are not tried on what is wrong}
    without_model: ClassVar[dict] = {}
    # Whether the chapter has equations to read again.
    equations = True

    # ---- right answers

    def test_solution_earns_full_points_with_twenty_seeds(self, name):
        answer = answers(self.slug)[name]
        solution = answer.run(answer.source)
        for seed in self.seeds.get(name, SEEDS):
            result = report(name, solution, seed)
            assert result.earned == result.possible, result

    def test_other_correct_forms_earn_full_points(self, name, form):
        for seed in self.seeds.get(name, SEEDS):
            result = report(name, form, seed)
            assert result.earned == result.possible, result

    # ---- answers that are none

    def test_untouched_release_earns_nothing(self, name):
        def stub(*arguments):
            raise NotImplementedError

        result = report(name, stub)
        assert result.earned == 0
        assert "NotImplementedError" in repr(result)

    def test_exception_earns_nothing_and_is_shown(self, name):
        def fails(*arguments):
            raise ValueError("no idea")

        result = report(name, fails)
        assert result.earned == 0
        assert "ValueError: no idea in line" in " ".join(repr(result).split())

    def test_worthless_answers_earn_no_value_criterion(self, name, worthless):
        result = report(name, worthless)
        shape = sum(f.criterion.points for f in result.findings if f.criterion.kind == "shape")
        assert result.earned <= shape, result
        assert all(f.detail for f in result.findings if not f.passed)

    def test_the_function_itself_runs_and_not_the_reference(self, name):
        answer, calls = answers(self.slug)[name], []
        solution = answer.run(answer.source)

        def counted(*arguments):
            calls.append(arguments)
            return solution(*arguments)

        assert report(name, counted).earned == exercise(name).points
        assert len(calls) >= len(exercise(name).cases(np.random.default_rng(0)))

    def test_what_writes_to_its_arguments_loses_just_that(self, name):
        answer, criteria = answers(self.slug)[name], exercise(name).criteria
        solution = answer.run(answer.source)
        lost = sum(criterion.points for criterion in criteria if criterion.kind == "unchanged")

        def writes(*arguments):
            result = copy.deepcopy(solution(*arguments))
            spoil(arguments)
            return result

        for seed in SEEDS[:3]:
            result = report(name, writes, seed)
            assert result.earned == result.possible - lost, result
            assert ("Your function wrote to" in repr(result)) == (lost > 0)

    # ---- misconceptions

    def test_misconception_is_recognised_by_name_with_twenty_seeds(
        self, name, misconception, variant
    ):
        scores = set()
        for seed in self.seeds.get(name, SEEDS):
            result = report(name, variant, seed)
            assert misconception in recognised(result), result
            assert result.earned < result.possible
            scores.add(result.earned)
        assert len(scores) == 1, "the same mistake earns the same, whatever the numbers"
        (points,) = (m.points for m in exercise(name).misconceptions if m.name == misconception)
        assert points is None or scores == {points}

    def test_what_students_write_gets_what_the_weights_say(
        self, name, student, misconception, points, monkeypatch
    ):
        # A busy machine does not decide what is found, and what is not there is not looked for.
        monkeypatch.setattr(_explain, "SECONDS", 60.0 if misconception else 0.1)
        for seed in self.seeds.get(name, SEEDS):
            result = report(name, student, seed)
            assert result.earned == points, result
            assert not re.search(r"expected (\S+), got \1 ", " ".join(repr(result).split()))
            if misconception:
                assert misconception in recognised(result), result

    # ---- the model answer

    def test_model_answer_is_the_solutions(self, name):
        model = exercise(name).model
        assert (model is None) == (name in self.without_model)
        if model is not None:
            solution = answers(self.slug)[name].source
            assert steps(inspect.getsource(model)) == steps(solution)

    # ---- mutants

    def test_mutants_of_the_solution_are_caught_and_explained(self, name):
        answer, alive, killed, silent = answers(self.slug)[name], [], 0, []
        for edit in one_place_edits(answer.source):
            description = f"line {edit.line}: {edit.old!r}, {edit.what}"
            try:
                with at_most(10):
                    result = report(name, answer.run(ast.unparse(edit.module)))
            except TimeoutError:
                killed += 1
                continue
            if result.earned == result.possible:
                alive.append(description)
                continue
            killed += 1
            wrong = [f for f in result.findings if f.wrong]
            if wrong and not said_why(result):
                silent.append(description)
        print(f"{name}: {killed} of {killed + len(alive)} mutants killed, {len(silent)} in silence")
        assert killed >= 8
        assert set(alive) == {what for which, what in self.equivalent if which == name}
        if exercise(name).model is not None:
            assert len(silent) <= 0.1 * killed, silent

    # ---- the exercise as data

    def test_exercise_is_well_formed(self, name):
        topic = self.slug.replace("-", "_")
        chosen = exercise(name)
        assert name.startswith(f"{topic}.")
        cases = chosen.cases(np.random.default_rng(0))
        solution = answers(self.slug)[name]
        asked = inspect.signature(solution.run(solution.source)).parameters
        # Reports name arguments: the cases', or the reference's where it is called many times.
        if chosen.observe is call_once:
            assert all(tuple(case.arguments) == tuple(asked) for case in cases)
        else:
            assert chosen.parameters == tuple(asked)
        for criterion in chosen.criteria:
            assert criterion.points > 0
            if criterion.kind == "values":
                assert criterion.group in {"", *(case.group for case in cases)}
                assert criterion.outputs
                assert set(criterion.outputs) <= set(chosen.outputs)
                assert bool(criterion.equations) == self.equations
        mutable = any(
            isinstance(value, (np.ndarray, list, dict))
            for case in cases
            for value in case.arguments.values()
        )
        assert [c.kind for c in chosen.criteria].count("unchanged") == mutable
        names = [m.name for m in chosen.misconceptions]
        assert len(names) == len(set(names)) >= 3
        written = [s for s in submissions(self.slug).STUDENTS if s[0] == name]
        assert {misconception for _, _, misconception, _ in written} - {""}
        assert (
            len([form for which, form in submissions(self.slug).OTHER_FORMS if which == name]) >= 2
        )

    def test_equations_are_in_the_chapter(self, name):
        text = (ROOT / "book" / f"{self.slug}.md").read_text()
        chosen = exercise(name)
        cited = {label for criterion in chosen.criteria for label in criterion.equations}
        cited |= {misconception.equation for misconception in chosen.misconceptions}
        missing = [label for label in cited if not re.search(rf"(\(|label: ){label}\b", text)]
        assert not missing
