"""Machine-made mutants of a function: each differs from it in one place."""

import ast
import copy
from collections.abc import Iterator

BINARY = {
    ast.Add: [ast.Sub, ast.Mult],
    ast.Sub: [ast.Add],
    ast.Mult: [ast.Div, ast.Add],
    ast.Div: [ast.Mult],
    ast.Pow: [ast.Mult],
    ast.FloorDiv: [ast.Mult],
    ast.Mod: [ast.FloorDiv],
    ast.MatMult: [ast.Mult],
}
COMPARE = {
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


def mutants(source: str) -> Iterator[tuple[str, str]]:
    """Yield (description, source) for every mutant of a module's source.

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
            text = ast.unparse(node)
            result = change(twin)
            if result is not None:
                altered = _Replace(twin, result).visit(altered)
            line = getattr(node, "lineno", 0)
            yield f"line {line}: {text!r}, {what}", ast.unparse(ast.fix_missing_locations(altered))


class _Replace(ast.NodeTransformer):
    def __init__(self, old, new):
        self.old, self.new = old, new

    def visit(self, node):
        return self.new if node is self.old else super().generic_visit(node)


def _setter(attribute, value):
    def change(node):
        setattr(node, attribute, value)

    return change


def _changes(node):
    if isinstance(node, ast.BinOp):
        for new in BINARY.get(type(node.op), []):
            yield f"operator {new.__name__}", _setter("op", new())
        yield "right side dropped", lambda n: n.left
        yield "left side dropped", lambda n: n.right
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield "sign turned", lambda n: n.operand
    elif isinstance(node, ast.Constant) and type(node.value) in (int, float):
        for value in (node.value + 1, node.value - 1, node.value * 2):
            if value != node.value:
                yield f"{value} instead", _setter("value", value)
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        name = node.func.attr
        for other in FUNCTIONS.get(name, []):
            yield f"{other} instead", lambda n, other=other: setattr(n.func, "attr", other)
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
    elif isinstance(node, ast.Compare) and len(node.ops) == 1:
        for new in COMPARE.get(type(node.ops[0]), []):
            yield f"comparison {new.__name__}", lambda n, new=new: setattr(n, "ops", [new()])
    elif isinstance(node, ast.AugAssign):
        for new in BINARY.get(type(node.op), []):
            yield f"operator {new.__name__}", _setter("op", new())
        yield "assigned instead", lambda n: ast.Assign([n.target], n.value)
    elif isinstance(node, ast.BoolOp):
        yield "first condition alone", lambda n: n.values[0]
        yield "last condition alone", lambda n: n.values[-1]
    elif isinstance(node, ast.IfExp):
        yield "one branch", lambda n: n.body
        yield "the other branch", lambda n: n.orelse
    elif isinstance(node, ast.Return) and isinstance(node.value, ast.Tuple):
        yield "results exchanged", lambda n: n.value.elts.reverse()
        yield "last result dropped", lambda n: n.value.elts.pop() and None
