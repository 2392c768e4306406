"""Mistakes as edits of a model answer: those that an instructor lists, and all in one place."""

from __future__ import annotations

import ast
import copy
import inspect
import re
import textwrap
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from itertools import combinations
from typing import Any, NamedTuple

from gradlab.checks._model import Function, Misconception

ENTRY = re.compile(
    r"(?P<name>.+) \((?P<equation>[\w-]*)(?:, (?P<points>[\d.]+))?(?P<idle>, idle)?\)"
)


def edited(model: Function, *edits: str) -> Function:
    """Return `model` with changes to its text, each written ``"old -> new"``.

    Raises
    ------
    ValueError
        If the text does not hold what is to be changed exactly once.
    """
    text = _source(model)
    for edit in edits:
        old, new = edit.split(" -> ")
        if text.count(old) != 1:
            raise ValueError(
                f"{model.__name__} must hold {old!r} once, not {text.count(old)} times"
            )
        text = text.replace(old, new)
    return compiled(model, text)


def with_given(model: Function, name: str, value: Any) -> Function | None:
    """Return `model` with a value in the place of the last one that a variable of it is given."""
    tree = ast.parse(_source(model))
    (function,) = (node for node in tree.body if isinstance(node, ast.FunctionDef))
    places = [
        place
        for place, step in enumerate(function.body)
        for node in ast.walk(step)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id == name
    ]
    if not places:
        return None
    function.body.insert(places[-1] + 1, ast.parse(f"{name} = {GIVEN}").body[0])
    changed = compiled(model, tree)
    changed.__globals__[GIVEN] = copy.copy(value)
    return changed


GIVEN = "_given"
"""The name beside the model of the value that one of its variables gets."""


@cache
def _source(model: Function) -> str:
    return textwrap.dedent(inspect.getsource(model))


def compiled(model: Function, text: str | ast.Module) -> Function:
    """Return the function of the model's name that a text or module defines beside it."""
    scope = dict(model.__globals__)
    exec(compile(text, f"<{model.__name__}>", "exec"), scope)
    changed: Function = scope[model.__name__]
    return changed


def mistakes(model: Function, text: str) -> tuple[Misconception, ...]:
    """Return the misconceptions that a text lists.

    A line at the margin names one, with the equation to read again, the points that it earns if
    the test is to hold them, and ``idle`` for a name that says that nothing is computed. The lines
    below are its forms: an edit of `model` or several joined by `` & ``, or ``= name`` of a
    function beside the model, for what no edit says. A long form goes on in a line that is indented
    further. The rest is the hint::

        epsilon outside the root (bn-normalize, 1.5)
            np.sqrt(var + eps) -> (np.sqrt(var) + eps)
            You divide by sqrt(var) + eps; the chapter adds eps to the variance, under the root.

    Raises
    ------
    ValueError
        If a line at the margin is not of this form, an entry has no form or no hint, or an edit
        does not fit the model.
    """
    whole = re.sub(r"\n {8,}", " ", text.strip())
    return tuple(_mistake(model, entry) for entry in re.split(r"\n(?=\S)", whole))


def _mistake(model: Function, entry: str) -> Misconception:
    title, *rest = entry.split("\n")
    found = ENTRY.fullmatch(title)
    if not found:
        raise ValueError(f"a mistake must begin with 'name (equation, points)', got {title!r}")
    forms: list[tuple[str, ...]] = []
    variants: list[Function] = []
    lines = [line.strip() for line in rest]
    while lines and (" -> " in lines[0] or lines[0].startswith("= ")):
        line = lines.pop(0)
        if line.startswith("= "):
            variants.append(model.__globals__[line[2:]])
        else:
            forms.append(tuple(line.split(" & ")))
            variants.append(edited(model, *forms[-1]))
    if not variants or not lines:
        raise ValueError(f"{found['name']!r} must have a form and a hint")
    return Misconception(
        found["name"],
        " ".join(lines),
        found["equation"],
        tuple(variants),
        idle=bool(found["idle"]),
        edits=tuple(forms),
        points=None if found["points"] is None else float(found["points"]),
    )


# ---- every edit in one place

OPERATORS: dict[type[ast.operator], list[type[ast.operator]]] = {
    ast.Add: [ast.Sub, ast.Mult],
    ast.Sub: [ast.Add],
    ast.Mult: [ast.Div, ast.Add],
    ast.Div: [ast.Mult],
    ast.Pow: [ast.Mult],
    ast.FloorDiv: [ast.Mult],
    ast.Mod: [ast.FloorDiv],
    ast.MatMult: [ast.Mult],
}
COMPARISONS: dict[type[ast.cmpop], list[type[ast.cmpop]]] = {
    ast.Lt: [ast.LtE, ast.GtE],
    ast.LtE: [ast.Lt, ast.Gt],
    ast.Gt: [ast.GtE, ast.LtE],
    ast.GtE: [ast.Gt, ast.Lt],
    ast.Eq: [ast.NotEq],
    ast.NotEq: [ast.Eq],
}
FUNCTIONS = {
    "sum": ["mean", "max"],
    "mean": ["sum", "max"],
    "max": ["min"],
    "min": ["max"],
    "maximum": ["minimum"],
    "minimum": ["maximum"],
    "argmax": ["argmin"],
    "argmin": ["argmax"],
}
WRAPPERS = {"sqrt", "exp", "log", "abs", "tanh", "square", "log1p", "expm1"}

Change = Callable[[Any], Any]
"""Changes a node in place, or returns the one to stand in its place."""


class Edit(NamedTuple):
    """A change of a module's source in one place: where, what was there, what is, and all of it."""

    line: int
    old: str
    what: str
    new: str
    module: ast.Module


def one_place_edits(source: str) -> Iterator[Edit]:
    """Yield every edit of a module's source in one place.

    Operators and comparisons are exchanged, a side of each operation is dropped, signs and
    conditions are turned, numbers are moved by one and doubled (which exchanges axes), a reduction
    becomes another one, loses its axis or is left out, an elementary function is left out, the
    branches of a choice and the entries of a returned tuple change places.
    """
    tree = ast.parse(source)
    for number, node in enumerate(ast.walk(tree)):
        for what, change in _changes(node):
            altered = copy.deepcopy(tree)
            twin = next(n for k, n in enumerate(ast.walk(altered)) if k == number)
            old = ast.unparse(node)
            result = change(twin)
            new = twin if result is None else result
            if result is not None:
                altered = _Replace(twin, result).visit(altered)
            ast.fix_missing_locations(altered)
            yield Edit(getattr(node, "lineno", 0), old, what, ast.unparse(new), altered)


@cache
def one_place_variants(model: Function) -> tuple[tuple[str, str, Function], ...]:
    """Return (old, new, function) for every edit of a model in one place that cannot run on.

    A changed loop may have no end, so those of a `while` are left out.
    """
    source = _source(model)
    loops = [n for n in ast.walk(ast.parse(source)) if isinstance(n, ast.While)]
    return tuple(
        (edit.old, edit.new, compiled(model, edit.module))
        for edit in one_place_edits(source)
        if not any(loop.lineno <= edit.line <= (loop.end_lineno or 0) for loop in loops)
    )


@cache
def two_at_once(
    model: Function, edits: tuple[tuple[str, ...], ...]
) -> tuple[tuple[tuple[str, ...], tuple[str, ...], Function], ...]:
    """Return (one, other, function) for every two of these edits that fit the model together."""
    found = []
    for one, other in combinations(edits, 2):
        # Those that change the same place do not.
        with suppress(ValueError, SyntaxError):
            found.append((one, other, edited(model, *one, *other)))
    return tuple(found)


class _Replace(ast.NodeTransformer):
    def __init__(self, old: ast.AST, new: ast.AST) -> None:
        self.old, self.new = old, new

    def visit(self, node: ast.AST) -> Any:
        """Put the new node in the place of the old one."""
        return self.new if node is self.old else super().generic_visit(node)


def _setter(attribute: str, value: Any) -> Change:
    def change(node: Any) -> None:
        setattr(node, attribute, value)

    return change


Changes = Iterator[tuple[str, Change]]
"""What is done to a node, in words, and how."""


def _changes(node: ast.AST) -> Changes:
    if type(node) in CHANGES:
        yield from CHANGES[type(node)](node)


def _of_operation(node: Any) -> Changes:
    for new in OPERATORS.get(type(node.op), []):
        yield f"operator {new.__name__}", _setter("op", new())
    yield "right side dropped", lambda n: n.left
    yield "left side dropped", lambda n: n.right


def _of_sign(node: Any) -> Changes:
    if isinstance(node.op, ast.USub):
        yield "sign turned", lambda n: n.operand


def _of_number(node: Any) -> Changes:
    if type(node.value) in (int, float):
        for value in (node.value + 1, node.value - 1, node.value * 2):
            if value != node.value:
                yield f"{value} instead", _setter("value", value)


def _of_call(node: Any) -> Changes:
    if not isinstance(node.func, ast.Attribute):
        return
    name = node.func.attr

    def other_function(other: str) -> Change:
        return lambda n: setattr(n.func, "attr", other)

    for other in FUNCTIONS.get(name, []):
        yield f"{other} instead", other_function(other)
    if name in ("sum", "mean"):
        # Of x.sum() there remains x, of np.sum(x) too.
        yield "no reduction", lambda n: n.args[0] if n.args else n.func.value
        yield "sign turned", lambda n: ast.UnaryOp(ast.USub(), copy.deepcopy(n))
    if any(keyword.arg == "axis" for keyword in node.keywords):
        yield "no axis", lambda n: n.keywords.clear()
    if name in WRAPPERS:
        yield f"no {name}", lambda n: n.args[0]
    if name == "where" and len(node.args) == 3:
        yield "branches exchanged", lambda n: n.args.append(n.args.pop(1))


def _of_comparison(node: Any) -> Changes:
    if len(node.ops) == 1:
        for new in COMPARISONS.get(type(node.ops[0]), []):
            yield f"comparison {new.__name__}", _setter("ops", [new()])


def _of_update(node: Any) -> Changes:
    for new in OPERATORS.get(type(node.op), []):
        yield f"operator {new.__name__}", _setter("op", new())
    yield "assigned instead", lambda n: ast.Assign([n.target], n.value)


def _of_condition(node: Any) -> Changes:
    yield "first condition alone", lambda n: n.values[0]
    yield "last condition alone", lambda n: n.values[-1]


def _of_choice(node: Any) -> Changes:
    yield "one branch", lambda n: n.body
    yield "the other branch", lambda n: n.orelse


def _of_result(node: Any) -> Changes:
    if isinstance(node.value, ast.Tuple):
        yield "results exchanged", lambda n: n.value.elts.reverse()
        yield "last result dropped", lambda n: n.value.elts.pop() and None


CHANGES: dict[type[ast.AST], Callable[[Any], Changes]] = {
    ast.BinOp: _of_operation,
    ast.UnaryOp: _of_sign,
    ast.Constant: _of_number,
    ast.Call: _of_call,
    ast.Compare: _of_comparison,
    ast.AugAssign: _of_update,
    ast.BoolOp: _of_condition,
    ast.IfExp: _of_choice,
    ast.Return: _of_result,
}
