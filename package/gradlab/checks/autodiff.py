"""Checks of the exercise ``autodiff``."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradlab import autodiff as reference
from gradlab.checks._edits import mistakes
from gradlab.checks._model import Case, Exercise, Function, criteria

Array = NDArray[Any]
Pair = tuple[float, float]
Graph = list[list[int]]
"""The operands of each node; a node without any is an input."""


def _signed(rng: np.random.Generator, low: float, high: float) -> float:
    return float(rng.uniform(low, high) * rng.choice([-1.0, 1.0]))


# ---- dual numbers


def _dual(operation: str, a: Pair, b: Pair | None) -> Pair:
    first = reference.Dual(*a)
    if b is None:
        result = getattr(first, operation)()
    else:
        # What does not move is a constant: only then may the base of a power be negative.
        second = reference.Dual(*b) if b[1] else b[0]
        name = {"div": "truediv"}.get(operation, operation)
        result = getattr(first, f"__{name}__")(second)
    return result.value, result.derivative


def _dual_cases(rng: np.random.Generator) -> list[Case]:
    # Values of a on both sides of 0 and below 1, values of b above; all derivatives differ.
    small, positive = _signed(rng, 0.3, 0.9), float(rng.uniform(0.3, 0.9))
    large = _signed(rng, 1.2, 2.0)
    da, db = _signed(rng, 1.1, 1.6), _signed(rng, 0.4, 0.9)
    a, b = (small, da), (large, db)
    cases = [
        Case(group, operation, _operands(operation, a, b))
        for group, operation in (("sum", "add"), ("sum", "sub"), ("mul", "mul"), ("div", "div"))
    ]
    for operation, first in (
        ("exp", a),
        # So that the logarithm of the derivative, a mistake, is a number.
        ("log", (positive, abs(da))),
        ("tanh", a),
        ("relu", (positive, da)),
        ("relu", (-positive, da)),
    ):
        label = f"{operation} at {first[0]:.2g}"
        cases.append(Case(operation, label, _operands(operation, first)))
    for base in (positive, abs(large)):
        arguments = _operands("pow", (base, da), (small, db))
        cases.append(Case("power", f"pow, base {base:.2g}", arguments))
    cases.append(Case("kink", "relu at 0", _operands("relu", (0.0, da))))
    for whole in (2.0, 3.0):
        arguments = _operands("pow", (-abs(large), da), (whole, 0.0))
        cases.append(Case("constant", f"pow, negative base, exponent {whole:g}", arguments))
    return cases


def _operands(operation: str, a: Pair, b: Pair | None = None) -> dict[str, Any]:
    return {"operation": operation, "a": a, "b": b}


def _dual_model(operation: str, a: Pair, b: Any) -> Any:
    x, dx = a
    if operation == "exp":
        return np.exp(x), np.exp(x) * dx
    if operation == "log":
        return np.log(x), dx / x
    if operation == "tanh":
        value = np.tanh(x)
        return value, (1 - value**2) * dx
    if operation == "relu":
        return (x, dx) if x > 0 else (0.0, 0.0)
    y, dy = b
    if operation == "add":
        return x + y, dx + dy
    if operation == "sub":
        return x - y, dx - dy
    if operation == "mul":
        return x * y, y * dx + x * dy
    if operation == "div":
        quotient = x / y
        return quotient, (dx - quotient * dy) / y
    value, derivative = x**y, y * x ** (y - 1) * dx
    if dy != 0:
        derivative += value * np.log(x) * dy
    return value, derivative


_PAIR = "value derivative"

DUAL = Exercise(
    name="autodiff.dual",
    outputs=("value", "derivative"),
    reference=_dual,
    cases=_dual_cases,
    criteria=criteria("""
add and sub (sum, 0.25)
    value, derivative: ad-sum
mul (mul, 0.25)
    value, derivative: ad-product
div (div, 0.25)
    value, derivative: ad-quotient
exp (exp, 0.125)
    value, derivative: ad-exp
log (log, 0.25)
    value, derivative: ad-log
tanh (tanh, 0.25)
    value, derivative: ad-tanh
relu (relu, 0.125)
    value, derivative: ad-relu
pow, with base and exponent both moving (power, 0.5)
    value, derivative: ad-power
relu where it has a kink (kink, 0.25)
    value, derivative: ad-relu
pow of a negative base with a constant exponent (constant, 0.25)
    value, derivative: ad-power
"""),
    misconceptions=mistakes(
        _dual_model,
        """
derivatives combined as the values are (ad-product)
    y * dx + x * dy -> dx * dy
    (dx - quotient * dy) / y -> dx / dy
    y * dx + x * dy -> dx * dy & (dx - quotient * dy) / y -> dx / dy
    That is right for sums only. Multiply out (a + a' e)(b + b' e) with e * e = 0, and see what
    stands before e.
a second operand that is taken for a constant (ad-dual)
    y * dx + x * dy -> y * dx
    (dx - quotient * dy) / y -> dx / y
    y * dx + x * dy -> y * dx & (dx - quotient * dy) / y -> dx / y
    dy != 0 -> False
    y * dx + x * dy -> y * dx & (dx - quotient * dy) / y -> dx / y & dy != 0 -> False
    Both operands may move: each contributes a term of its own.
a plus in the derivative of the difference (ad-sum, 2.25)
    dx - dy -> dx + dy
    When b grows, a - b shrinks.
a minus in the product rule (ad-product, 2.25)
    y * dx + x * dy -> y * dx - x * dy
    The two terms of a product are added; the minus belongs to the quotient.
each derivative with its own operand (ad-product, 2.25)
    y * dx + x * dy -> x * dx + y * dy
    When a moves, a b moves by b times as much: each derivative is multiplied by the other operand.
a plus in the quotient rule (ad-quotient, 2.25)
    dx - quotient * dy -> dx + quotient * dy
    When the denominator of a positive quotient grows, the quotient shrinks: the second term has a
    minus.
the quotient rule turned round (ad-quotient, 2.25)
    dx - quotient * dy -> quotient * dy - dx
    The derivative of the numerator comes first; that of the denominator is subtracted.
the quotient rule without the square (ad-quotient, 2.25)
    (dx - quotient * dy) / y -> dx - quotient * dy
    (dx - quotient * dy) / y -> dx * y - x * dy
    In the form (a' b - a b') / b^2 the denominator is squared.
a local derivative without that of the operand (ad-dual)
    np.exp(x) * dx -> np.exp(x)
    dx / x -> 1 / x
    (1 - value**2) * dx -> 1 - value**2
    (x, dx) if -> (x, 1.0) if
    x, dx = a -> x, dx = a[0], 1.0 & y, dy = b -> dx, (y, dy) = a[1], b
    You return how fast the function changes with its argument. The argument moves at its own
    rate, so multiply by that: the chain rule.
the function applied to the derivative (ad-dual)
    np.exp(x) * dx -> np.exp(dx)
    dx / x -> np.log(abs(dx))
    (1 - value**2) * dx -> np.tanh(dx)
    np.exp(x) * dx -> np.exp(dx) & dx / x -> np.log(abs(dx)) & (1 - value**2) * dx -> np.tanh(dx)
    A derivative is multiplied by the local derivative; the function itself is only for the value.
the derivative of the operand passed on as it is (ad-dual)
    np.exp(x) * dx -> dx
    dx / x -> dx
    (1 - value**2) * dx -> dx
    np.exp(x) * dx -> dx & dx / x -> dx & (1 - value**2) * dx -> dx
    The function stretches or squeezes its argument: its local derivative is missing.
the power rule applied to the exponential (ad-exp, 2.375)
    np.exp(x) * dx -> x * np.exp(x - 1) * dx
    In exp(a) it is the exponent that moves, not the base.
the slope of tanh formed from its argument (ad-tanh, 2.25)
    1 - value**2 -> 1 - x**2
    The formula squares the value, tanh(a), not a.
another slope of relu at 0 (ad-relu, 2.25)
    x > 0 -> x >= 0
    else (0.0, 0.0) -> else (0.0, dx / 2 if x == 0 else 0.0)
    At 0 there is no derivative, so any slope between 0 and 1 is a convention. This exercise takes
    0, as PyTorch, JAX and TensorFlow do.
a slope where relu is flat (ad-relu, 2.125)
    else (0.0, 0.0) -> else (0.0, dx)
    A negative argument gives 0, and moving it a little does not change that.
the logarithm of a negative base (ad-power, 2.25)
    dy != 0 -> True
    Where the exponent does not move, its term is not there: leave the logarithm out then, for 0
    times what is not a number is not a number.
a base that is taken for a constant (ad-power, 1.75)
    y * x ** (y - 1) * dx -> 0.0
    y * x ** (y - 1) * dx -> 0.0 & dy != 0 -> True
    You have the term for the exponent. The base moves, too.
the derivatives of base and exponent multiplied (ad-power, 1.75)
    y * x ** (y - 1) * dx -> y * x ** (y - 1) * dx * dy & dy != 0 -> False
    Each operand that moves contributes a term with its own derivative; the two terms are added.
an exponent that is not lowered (ad-power, 1.75)
    x ** (y - 1) -> x**y
    x ** (y - 1) -> x**y & dy != 0 -> False
    The derivative of a^b by the base is b a^(b - 1).
the logarithm of the exponent (ad-power, 2)
    np.log(x) * dy -> np.log(abs(y)) * dy
    np.log(x) * dy -> np.log(y) * dy
    a^b is exp(b log a): what has a logarithm is the base.
the logarithm forgotten (ad-power, 2)
    value * np.log(x) * dy -> value * dy
    a^b is exp(b log a): its derivative by b is a^b log a.
""",
    ),
    model=_dual_model,
)


# ---- graphs

# The picture of the chapter: a = x y, b = tanh a, c = x + b, f = c y.
_PICTURE: Graph = [[], [], [0, 1], [2], [0, 3], [4, 1]]
# Nodes 3 and 4 are used by results of which one enters the other.
_THREE_INPUTS: Graph = [[], [], [], [0, 1], [1, 2], [3, 4], [3], [5, 6], [7, 4]]
_REPEATS: Graph = [[], [], [0, 0], [2, 1], [3, 3], [4, 2]]
_DOUBLINGS: Graph = [[], *([k, k] for k in range(10))]
_LATE_INPUT: Graph = [[], [], [0, 1], [], [2, 0], [4, 3], [5, 4], [6, 1]]
# Every node is used once.
_TREE: Graph = [[], [], [], [0, 1], [3], [4, 2]]
_PATH: Graph = [[], [0], [1], [2]]
_UNUSED_INPUT: Graph = [[], [], [], [0, 2], [3, 0], [4, 3]]


def _chain(rng: np.random.Generator, inputs: int, operations: int) -> Graph:
    """A graph in which every result uses the one before and an older node."""
    graph: Graph = [[] for _ in range(inputs)]
    for k in range(inputs, inputs + operations):
        graph.append([k - 1, int(rng.integers(0, k - 1))])
    return graph


def _partials(rng: np.random.Generator, operands: Graph) -> list[list[float]]:
    return [[_signed(rng, 0.5, 1.5) for _ in nodes] for nodes in operands]


# ---- reverse


def _reverse(operands: Graph, partials: list[list[float]], output: int) -> list[float]:
    nodes: list[reference.Variable] = []
    for of_node, by in zip(operands, partials, strict=True):
        # The value does not matter: a weighted sum has the weights for local derivatives.
        node = reference.Variable(1.0)
        for k, (u, p) in enumerate(zip(of_node, by, strict=True)):
            node = p * nodes[u] if k == 0 else node + p * nodes[u]
        nodes.append(node)
    nodes[output].backward()
    return [node.grad for node in nodes]


def _reverse_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for group, label, operands, output in (
        ("tree", "three inputs, six nodes, each used once", _TREE, 5),
        ("tree", "one after the other", _PATH, 3),
        ("ordinary", "the graph of the chapter's pictures", _PICTURE, 5),
        ("ordinary", "three inputs, nine nodes", _THREE_INPUTS, 8),
        ("ordinary", "two inputs, nine nodes", _chain(rng, 2, 7), 8),
        ("repeats", "operands used twice by one operation", _REPEATS, 5),
        ("repeats", "ten doublings", _DOUBLINGS, 10),
        ("inner", "nodes after the output", _LATE_INPUT, 5),
        ("inner", "an input that is not used", _UNUSED_INPUT, 4),
        ("inner", "the output is an input", _PICTURE, 1),
    ):
        arguments = {
            "operands": [[*nodes] for nodes in operands],
            "partials": _partials(rng, operands),
            "output": output,
        }
        cases.append(Case(group, label, arguments))
    return cases


def _passed_on_at_once(again: bool, operands: Graph, partials: Any, output: int) -> Array:
    """Go down from each node when it is reached, the first time or every time."""
    adjoints, seen = np.zeros(len(operands)), set()
    adjoints[output] = 1.0

    def visit(k: int) -> None:
        seen.add(k)
        for u, p in zip(operands[k], partials[k], strict=True):
            adjoints[u] += adjoints[k] * p
            if again or u not in seen:
                visit(u)

    visit(output)
    return adjoints


_passed_on_once = functools.partial(_passed_on_at_once, False)
_passed_on_again = functools.partial(_passed_on_at_once, True)


def _forward_mode(operands: Graph, partials: list[list[float]], output: int) -> Array:
    """The derivatives of all nodes by the first one."""
    dots = np.zeros(len(operands))
    dots[0] = 1.0
    for k in range(1, len(operands)):
        for u, p in zip(operands[k], partials[k], strict=True):
            dots[k] += dots[u] * p
    return dots


def _reverse_model(operands: Graph, partials: list[list[float]], output: int) -> Any:
    adjoints = np.zeros(len(operands))
    adjoints[output] = 1.0
    for k in reversed(range(output + 1)):
        for node, partial in zip(operands[k], partials[k], strict=True):
            adjoints[node] += adjoints[k] * partial
    return adjoints


REVERSE = Exercise(
    name="autodiff.reverse",
    outputs=("adjoints",),
    reference=_reverse,
    cases=_reverse_cases,
    criteria=criteria("""
there is one adjoint for each node (shape, 0.25)
right where every node is used once (tree, 0.5)
    adjoints: ad-adjoint
right where nodes are used several times (ordinary, 0.5)
    adjoints: ad-adjoint
a node that enters the same operation twice (repeats, 0.5)
    adjoints: ad-adjoint
an output in the middle, an unused input, an output that is an input (inner, 0.5)
    adjoints: ad-adjoint
the arguments are left as they were (unchanged, 0.25)
"""),
    misconceptions=mistakes(
        _reverse_model,
        """
a use forgotten (ad-adjoint, 1)
    adjoints[node] += -> adjoints[node] =
    adjoints[node] += -> adjoints[node] = adjoints[node] or
    A node that enters several results collects from each of them: add to its adjoint, do not
    assign.
a node passed on too early (ad-adjoint, 1.5)
    = _passed_on_once
    You go on from a node when it is first reached. What reaches it later is lost for its operands:
    pass a node on when all of its uses have added their part.
a node passed on again with all that it has collected (ad-adjoint, 1.5)
    = _passed_on_again
    You go on from a node each time it is reached, and what it had before is handed on once more.
    Pass a node on once, when all of its uses have added their part.
a walk in the order of computation (ad-adjoint, 0.25)
    reversed(range(output + 1)) -> range(len(operands))
    reversed(range(output + 1)) -> range(output + 1)
    The adjoint of a node comes from the results that it enters, which were computed after it:
    begin at the output and go back.
adjoints that never leave the output (ad-adjoint, 0.25)
    range(output + 1) -> range(output)
    The output's own 1 is all that you have. The walk begins at the node `output` itself, and what
    it passes on is added to the adjoints of its operands.
forward mode (ad-dual, 0.25)
    = _forward_mode
    You have the derivatives of all nodes by one input. Asked for are those of one output by all
    nodes.
local derivatives added without the adjoint of the result (ad-adjoint, 0.25)
    adjoints[k] * partial -> partial
    The local derivative says how the result moves with the operand; how the output moves with the
    result is its adjoint. Multiply the two.
local derivative and adjoint added (ad-adjoint, 0.25)
    adjoints[k] * partial -> adjoints[k] + partial
    Along a path derivatives are multiplied; only different paths are added.
an adjoint without the local derivative (ad-adjoint, 0.25)
    adjoints[k] * partial -> adjoints[k]
    How the output moves with the result is its adjoint; how the result moves with the operand is
    the local derivative, in `partials`. Multiply the two.
a repeated operand counted once (ad-adjoint, 2)
    zip(operands[k], partials[k], strict=True) -> dict(zip(operands[k], partials[k])).items()
    Where both operands are the same node, both contribute. With a list of indices, NumPy's
    adjoints[nodes] += ... keeps only the last of them, and so does a dictionary.
a start at the last node (ad-adjoint, 2)
    adjoints[output] -> adjoints[-1] & output + 1 -> len(operands)
    adjoints[output] -> adjoints[[output, -1]] & output + 1 -> len(operands)
    The node to differentiate is given by `output`, which may stand anywhere. What was computed
    after it does not act on it.
the adjoints of the inputs alone (ad-adjoint, 0)
    return adjoints -> return adjoints[[not nodes for nodes in operands]]
    Return one number for each node, in the order of the nodes.
an output without its own adjoint (ad-adjoint, 0.25)
    return adjoints -> adjoints[output] = 0.0; return adjoints
    The derivative of the output by itself is 1; you have 0 there.
""",
    ),
    model=_reverse_model,
)


# ---- cost


def _cost(operands: Graph, outputs: list[int]) -> tuple[int, int, int, int]:
    passes = reference.count_passes(sum(not nodes for nodes in operands), len(outputs))
    arrows = sum(map(len, operands))
    return passes.forward, passes.reverse, passes.forward * arrows, passes.reverse * arrows


def _cost_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for group, label, operands, outputs in (
        ("ordinary", "the graph of the chapter's pictures, one output", _PICTURE, [5]),
        ("ordinary", "three inputs, two outputs", _THREE_INPUTS, [6, 8]),
        (
            "ordinary",
            "two inputs, three outputs",
            _chain(rng, 2, int(rng.integers(7, 10))),
            [5, 4, 7],
        ),
        ("edge", "operands used twice by one operation, three outputs", _REPEATS, [5, 3, 4]),
        ("edge", "an input among the results, two outputs", _LATE_INPUT, [7, 4]),
        ("edge", "an input that is not used, and one that is an output", _UNUSED_INPUT, [5, 1]),
    ):
        arguments = {"operands": [[*nodes] for nodes in operands], "outputs": outputs}
        cases.append(Case(group, label, arguments))
    return cases


def _arrows_to(operands: Graph, outputs: list[int]) -> int:
    """The arrows that lead to one of the outputs."""
    needed = set(outputs)
    for k in reversed(range(len(operands))):
        if k in needed:
            needed.update(operands[k])
    return sum(len(operands[k]) for k in needed)


def _multiplications_of_own_passes(
    function: Function, operands: Graph, outputs: list[int]
) -> tuple[Any, ...]:
    """The multiplications are judged with the passes that were counted, if there are any."""
    *passes, forward, reverse = function(operands, outputs)
    right = _cost(operands, outputs)
    arrows = sum(map(len, operands))
    return *passes, *(
        np.where(came != 0, made - came * arrows + due * arrows, made)
        for made, came, due in zip((forward, reverse), passes, right, strict=False)
    )


def _cost_model(operands: Graph, outputs: list[int]) -> Any:
    forward = sum(1 for nodes in operands if len(nodes) == 0)
    reverse = len(outputs)
    arrows = sum(len(nodes) for nodes in operands)
    return forward, reverse, forward * arrows, reverse * arrows


_PASSES = "forward_passes reverse_passes"
_MULTIPLICATIONS = "forward_multiplications reverse_multiplications"

COST = Exercise(
    name="autodiff.cost",
    outputs=(*_PASSES.split(), *_MULTIPLICATIONS.split()),
    reference=_cost,
    observe=_multiplications_of_own_passes,
    cases=_cost_cases,
    criteria=criteria("""
the passes of forward mode (ordinary, 0.25)
    forward_passes: ad-passes
the passes of reverse mode (ordinary, 0.25)
    reverse_passes: ad-passes
the multiplications of so many passes, in both modes (ordinary, 0.5)
    forward_multiplications, reverse_multiplications: ad-dual ad-adjoint
repeated operands, inputs that are late, unused or outputs themselves (edge, 0.25)
    forward_passes, reverse_passes, forward_multiplications, reverse_multiplications: ad-passes
the arguments are left as they were (unchanged, 0.25)
"""),
    misconceptions=mistakes(
        _cost_model,
        """
one forward pass for each node (ad-passes, 1)
    sum(1 for nodes in operands if len(nodes) == 0) -> len(operands)
    So says a slide of deck L; but a pass visits all nodes, so forward mode needs one for each
    input.
the two modes exchanged (ad-passes, 0.75)
    arrows = -> forward, reverse = reverse, forward; arrows =
    A forward pass has the seed on one input and answers for all outputs; a reverse pass starts at
    one output and answers for all inputs.
one reverse pass for all outputs (ad-passes, 1)
    len(outputs) -> 1
    That is so for a loss, which is one output. A reverse pass starts at one node, so each output
    needs its own.
one forward pass for all inputs (ad-passes, 1)
    sum(1 for nodes in operands if len(nodes) == 0) -> 1
    A pass with all seeds 1 gives the sum of the derivatives. To tell them apart, each input needs
    a pass of its own.
a pass for each entry of the Jacobian (ad-passes, 0.75)
    arrows = -> forward = reverse = forward * reverse; arrows =
    A forward pass yields a whole column, a reverse pass a whole row.
inputs that nothing uses left out (ad-passes, 1.25)
    for nodes in operands if len(nodes) == 0 -> for k in set(sum(operands, [])) if not operands[k]
    An input counts even if nothing uses it: its column of the Jacobian is 0, but asked for.
no input found (ad-passes, 0.5, idle)
    len(nodes) == 0 -> False
    An input is a node without operands: its list is empty.
passes in place of multiplications (ad-passes, 0.75, idle)
    forward * arrows, reverse * arrows -> forward, reverse
    forward * arrows -> forward
    reverse * arrows -> reverse
    Every pass makes a multiplication for each arrow of the graph.
nodes counted in place of arrows (ad-dual, 0.75)
    sum(len(nodes) for nodes in operands) -> len(operands)
    sum(len(nodes) for nodes in operands) -> len(operands) - forward
    There is a local derivative, and so a multiplication, for every arrow: an operation with two
    operands has two.
the multiplications of a single pass (ad-passes, 0.75)
    forward * arrows, reverse * arrows -> arrows, arrows
    Every pass walks along all arrows again.
a repeated operand counted once (ad-dual, 1.25)
    sum(len(nodes) -> sum(len(set(nodes))
    Where both operands of an operation are the same node, there are two arrows, each with a local
    derivative.
only the arrows that lead to an output (ad-adjoint)
    sum(len(nodes) for nodes in operands) -> _arrows_to(operands, outputs)
    reverse * arrows -> sum(_arrows_to(operands, [k]) for k in outputs)
    A program that skips the others does get by with so few. Here the count is by convention that
    of all arrows, wherever they lead, in every pass.
""",
    ),
    model=_cost_model,
)


# ---- jacobian

Product = Callable[[Any], Array]


def _jacobian(jvp: Product, vjp: Product, n_inputs: int, n_outputs: int) -> tuple[Array, int]:
    passes = reference.count_passes(n_inputs, n_outputs)
    if passes.forward <= passes.reverse:
        return np.stack([jvp(seed) for seed in np.eye(n_inputs)], axis=1), passes.forward
    return np.stack([vjp(seed) for seed in np.eye(n_outputs)]), passes.reverse


def _program(coefficients: tuple[tuple[float, ...], ...], x: Sequence[Any]) -> list[Any]:
    """Outputs of which each depends on all inputs, for dual numbers or for variables."""
    results = []
    for k, row in enumerate(coefficients):
        total = row[0] * x[0]
        for c, v in zip(row[1:], x[1:], strict=True):
            total = total + c * v
        results.append(total.tanh() + total * x[k % len(x)])
    return results


def _jacobian_and_calls(
    function: Function, coefficients: tuple[tuple[float, ...], ...], point: tuple[float, ...]
) -> tuple[Array, int, int]:
    """Look at what a function returns, and count the passes that it really made."""
    calls = 0

    def seeds(name: str, given: Any, size: int) -> list[float]:
        nonlocal calls
        calls += 1
        values = np.asarray(given, dtype=np.float64)
        if values.shape != (size,):
            what = "input" if name == "jvp" else "output"
            raise ValueError(
                f"{name} takes an array ({size},), a seed for each {what}; got shape {values.shape}"
            )
        return [float(v) for v in values]

    def jvp(given: Any) -> Array:
        pairs = zip(point, seeds("jvp", given, len(point)), strict=True)
        results = _program(coefficients, [reference.Dual(*pair) for pair in pairs])
        return np.array([result.derivative for result in results])

    def vjp(given: Any) -> Array:
        weights = seeds("vjp", given, len(coefficients))
        x = [reference.Variable(value) for value in point]
        total = reference.Variable(0.0)
        for weight, result in zip(weights, _program(coefficients, x), strict=True):
            total = total + weight * result
        total.backward()
        return np.array([variable.grad for variable in x])

    matrix, passes = function(jvp, vjp, len(point), len(coefficients))
    return matrix, passes, calls


def _jacobian_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for group, n_inputs, n_outputs in (
        ("tall", 2, 5),
        ("tall", 3, 4),
        ("wide", 5, 2),
        ("wide", 4, 3),
        ("edge", 1, 3),
        ("edge", 4, 1),
        ("edge", 3, 3),
    ):
        arguments = {
            "coefficients": tuple(
                tuple(_signed(rng, 0.3, 1.0) for _ in range(n_inputs)) for _ in range(n_outputs)
            ),
            "point": tuple(_signed(rng, 0.3, 1.0) for _ in range(n_inputs)),
        }
        label = f"inputs: {n_inputs}, outputs: {n_outputs}"
        cases.append(Case(group, label, arguments))
    return cases


def _entry_by_entry(jvp: Product, vjp: Product, n_inputs: int, n_outputs: int) -> tuple[Array, int]:
    columns = [[jvp(seed)[i] for seed in np.eye(n_inputs)] for i in range(n_outputs)]
    return np.array(columns), n_inputs * n_outputs


def _both(jvp: Product, vjp: Product, n_inputs: int, n_outputs: int) -> tuple[Array, int]:
    for seed in np.eye(n_inputs):
        jvp(seed)
    return np.stack([vjp(seed) for seed in np.eye(n_outputs)]), n_inputs + n_outputs


def _jacobian_model(jvp: Product, vjp: Product, n_inputs: int, n_outputs: int) -> Any:
    result = np.zeros((n_outputs, n_inputs))
    if n_inputs < n_outputs:
        for j in range(n_inputs):
            seed = np.zeros(n_inputs)
            seed[j] = 1.0
            result[:, j] = jvp(seed)
        return result, n_inputs
    for i in range(n_outputs):
        seed = np.zeros(n_outputs)
        seed[i] = 1.0
        result[i] = vjp(seed)
    return result, n_outputs


JACOBIAN = Exercise(
    name="autodiff.jacobian",
    outputs=("jacobian", "passes", "calls"),
    returns=("jacobian", "passes"),
    reference=_jacobian,
    observe=_jacobian_and_calls,
    cases=_jacobian_cases,
    criteria=criteria("""
the Jacobian has a row for each output and a column for each input (shape, 0.25)
few inputs: the Jacobian is right (tall, 0.5)
    jacobian: ad-dual
few outputs: the Jacobian is right (wide, 0.5)
    jacobian: ad-adjoint
few inputs: no more passes than needed, and as many as you say (tall, 0.5)
    calls, passes: ad-passes
few outputs: no more passes than needed, and as many as you say (wide, 0.5)
    calls, passes: ad-passes
a single input, a single output, as many inputs as outputs (edge, 0.25)
    jacobian, calls, passes: ad-passes
"""),
    misconceptions=mistakes(
        _jacobian_model,
        """
the mode that needs more passes (ad-passes)
    n_inputs < n_outputs -> True
    n_inputs < n_outputs -> False
    n_inputs < n_outputs -> n_inputs > n_outputs
    Forward mode needs a pass for each input, reverse mode one for each output. For a loss, which
    is one output, that means reverse mode; where the inputs are fewer than the outputs, forward
    mode.
both modes run (ad-passes, 1.25)
    = _both
    Each mode alone yields the whole Jacobian; choose before you call.
a pass for each entry (ad-passes, 1.25)
    = _entry_by_entry
    You use one number of each result. A forward pass yields a whole column of the Jacobian, a
    reverse pass a whole row.
a single pass with a seed of ones (ad-passes, 0)
    seed[j] = 1.0 -> return jvp(seed + 1), 1 & seed[i] = 1.0 -> return vjp(seed + 1), 1
    < -> <= & seed[j] = 1.0 -> return jvp(seed + 1), 1 & seed[i] = 1.0 -> return vjp(seed + 1), 1
    By linearity that gives the sum of all columns, or of all rows. To tell them apart, put the 1
    on one entry at a time.
a seed that is not put back (ad-dual, 1.25)
    seed[j] -> seed[: j + 1] & seed[i] -> seed[: i + 1]
    seed[j] -> seed[: j + 1] & seed[i] -> seed[: i + 1] & < n_outputs -> <= n_outputs
    The 1 of the last pass is still there, so each result holds the sum of those before.
the Jacobian transposed (ad-passes)
    result, n_inputs -> result.T, n_inputs & result, n_outputs -> result.T, n_outputs
    result, n_inputs -> result.T, n_inputs
    result, n_inputs -> result.T, n_inputs & < n_outputs -> <= n_outputs
    Its rows are outputs and its columns inputs. What a forward pass returns is a column.
""",
    ),
    model=_jacobian_model,
)

EXERCISES = (DUAL, REVERSE, COST, JACOBIAN)
