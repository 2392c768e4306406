"""Checks of the exercise ``autodiff``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradlab import autodiff as reference
from gradlab.checks._model import Case, Criterion, Exercise, Function, Misconception

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
    cases = [Case("arithmetic", operation, _operands(operation, a, b)) for operation in _ARITHMETIC]
    for operation, first in (
        ("exp", a),
        # So that the logarithm of the derivative, a mistake, is a number.
        ("log", (positive, abs(da))),
        ("tanh", a),
        ("relu", (positive, da)),
        ("relu", (-positive, da)),
    ):
        cases.append(
            Case("functions", f"{operation} at {first[0]:.2g}", _operands(operation, first))
        )
    for base in (positive, abs(large)):
        arguments = _operands("pow", (base, da), (small, db))
        cases.append(Case("power", f"pow, base {base:.2g}", arguments))
    cases.append(Case("kink", "relu at 0", _operands("relu", (0.0, da))))
    for whole in (2.0, 3.0):
        arguments = _operands("pow", (-abs(large), da), (whole, 0.0))
        cases.append(Case("constant", f"pow, negative base, exponent {whole:g}", arguments))
    return cases


_ARITHMETIC = ("add", "sub", "mul", "div")


def _operands(operation: str, a: Pair, b: Pair | None = None) -> dict[str, Any]:
    return {"operation": operation, "a": a, "b": b}


def _dual_variant(**derivatives: Callable[[float, float, float, float], float]) -> Function:
    """Dual arithmetic with other derivatives, of x, dx, y and dy, for the named operations."""

    def variant(operation: str, a: Pair, b: Pair | None) -> Pair:
        value, derivative = _dual(operation, a, b)
        if operation in derivatives:
            derivative = derivatives[operation](*a, *(b or (0.0, 0.0)))
        return value, derivative

    return variant


def _each_and_all(
    **derivatives: Callable[[float, float, float, float], float],
) -> tuple[Function, ...]:
    """One variant for each operation, and one in which all of them are wrong."""
    single = tuple(_dual_variant(**{name: wrong}) for name, wrong in derivatives.items())
    return (*single, _dual_variant(**derivatives))


DUAL = Exercise(
    name="autodiff.dual",
    outputs=("value", "derivative"),
    reference=_dual,
    cases=_dual_cases,
    criteria=(
        Criterion(
            "add, sub, mul and div",
            0.75,
            group="arithmetic",
            outputs=("value", "derivative"),
            equations=("ad-sum", "ad-product", "ad-quotient"),
        ),
        Criterion(
            "exp, log, tanh and relu",
            0.75,
            group="functions",
            outputs=("value", "derivative"),
            equations=("ad-exp", "ad-log", "ad-tanh", "ad-relu"),
        ),
        Criterion(
            "pow, with base and exponent both moving",
            0.5,
            group="power",
            outputs=("value", "derivative"),
            equations=("ad-power",),
        ),
        Criterion(
            "relu where it has a kink",
            0.25,
            group="kink",
            outputs=("value", "derivative"),
            equations=("ad-relu",),
        ),
        Criterion(
            "pow of a negative base with a constant exponent",
            0.25,
            group="constant",
            outputs=("value", "derivative"),
            equations=("ad-power",),
        ),
    ),
    misconceptions=(
        Misconception(
            "derivatives combined as the values are",
            "That is right for sums only. Multiply out (a + a' e)(b + b' e) with e * e = 0, and "
            "see what stands before e.",
            "ad-product",
            _each_and_all(
                mul=lambda x, dx, y, dy: dx * dy,
                div=lambda x, dx, y, dy: dx / dy,
            ),
        ),
        Misconception(
            "a second operand that is taken for a constant",
            "Both operands may move: each contributes a term of its own.",
            "ad-dual",
            (
                *_each_and_all(
                    mul=lambda x, dx, y, dy: y * dx,
                    div=lambda x, dx, y, dy: dx / y,
                ),
                _dual_variant(pow=lambda x, dx, y, dy: y * x ** (y - 1) * dx),
            ),
        ),
        Misconception(
            "a plus in the derivative of the difference",
            "When b grows, a - b shrinks.",
            "ad-sum",
            (_dual_variant(sub=lambda x, dx, y, dy: dx + dy),),
        ),
        Misconception(
            "a plus in the quotient rule",
            "When the denominator of a positive quotient grows, the quotient shrinks: the second "
            "term has a minus.",
            "ad-quotient",
            (_dual_variant(div=lambda x, dx, y, dy: (dx * y + x * dy) / y**2),),
        ),
        Misconception(
            "the quotient rule turned round",
            "The derivative of the numerator comes first; that of the denominator is subtracted.",
            "ad-quotient",
            (_dual_variant(div=lambda x, dx, y, dy: (x * dy - dx * y) / y**2),),
        ),
        Misconception(
            "the quotient rule without the square",
            "In the form (a' b - a b') / b^2 the denominator is squared.",
            "ad-quotient",
            (
                _dual_variant(div=lambda x, dx, y, dy: (dx * y - x * dy) / y),
                _dual_variant(div=lambda x, dx, y, dy: dx * y - x * dy),
            ),
        ),
        Misconception(
            "a local derivative without that of the operand",
            "You return how fast the function changes with its argument. The argument moves at its "
            "own rate, so multiply by that: the chain rule.",
            "ad-dual",
            _each_and_all(
                exp=lambda x, dx, y, dy: np.exp(x),
                log=lambda x, dx, y, dy: 1 / x,
                tanh=lambda x, dx, y, dy: 1 - np.tanh(x) ** 2,
                relu=lambda x, dx, y, dy: float(x > 0),
            ),
        ),
        Misconception(
            "the function applied to the derivative",
            "A derivative is multiplied by the local derivative; the function itself is only for "
            "the value.",
            "ad-dual",
            _each_and_all(
                exp=lambda x, dx, y, dy: np.exp(dx),
                log=lambda x, dx, y, dy: np.log(abs(dx)),
                tanh=lambda x, dx, y, dy: np.tanh(dx),
            ),
        ),
        Misconception(
            "the derivative of the operand passed on as it is",
            "The function stretches or squeezes its argument: its local derivative is missing.",
            "ad-dual",
            _each_and_all(
                exp=lambda x, dx, y, dy: dx,
                log=lambda x, dx, y, dy: dx,
                tanh=lambda x, dx, y, dy: dx,
            ),
        ),
        Misconception(
            "the power rule applied to the exponential",
            "In exp(a) it is the exponent that moves, not the base.",
            "ad-exp",
            (_dual_variant(exp=lambda x, dx, y, dy: x * np.exp(x - 1) * dx),),
        ),
        Misconception(
            "the slope of tanh formed from its argument",
            "The formula squares the value, tanh(a), not a.",
            "ad-tanh",
            (_dual_variant(tanh=lambda x, dx, y, dy: (1 - x * x) * dx),),
        ),
        Misconception(
            "another slope of relu at 0",
            "At 0 there is no derivative, so any slope between 0 and 1 is a convention. This "
            "exercise takes 0, as PyTorch, JAX and TensorFlow do.",
            "ad-relu",
            (
                _dual_variant(relu=lambda x, dx, y, dy: dx if x >= 0 else 0.0),
                _dual_variant(relu=lambda x, dx, y, dy: dx * np.heaviside(x, 0.5)),
            ),
        ),
        Misconception(
            "a slope where relu is flat",
            "A negative argument gives 0, and moving it a little does not change that.",
            "ad-relu",
            (_dual_variant(relu=lambda x, dx, y, dy: dx),),
        ),
        Misconception(
            "a base that is taken for a constant",
            "You have the term for the exponent. The base moves, too.",
            "ad-power",
            (_dual_variant(pow=lambda x, dx, y, dy: abs(x) ** y * np.log(abs(x)) * dy),),
        ),
        Misconception(
            "an exponent that is not lowered",
            "The derivative of a^b by the base is b a^(b - 1).",
            "ad-power",
            (
                _dual_variant(
                    pow=lambda x, dx, y, dy: x**y * (y * dx + (np.log(abs(x)) * dy if dy else 0.0))
                ),
                _dual_variant(pow=lambda x, dx, y, dy: y * x**y * dx),
            ),
        ),
        Misconception(
            "the logarithm of the exponent",
            "a^b is exp(b log a): what has a logarithm is the base.",
            "ad-power",
            (
                _dual_variant(
                    pow=lambda x, dx, y, dy: (
                        y * x ** (y - 1) * dx + (x**y * np.log(abs(y)) * dy if dy else 0.0)
                    )
                ),
            ),
        ),
    ),
)


# ---- graphs

# The picture of the chapter: a = x y, b = tanh a, c = x + b, f = c y.
_PICTURE: Graph = [[], [], [0, 1], [2], [0, 3], [4, 1]]
# Nodes 3 and 4 are used by results of which one enters the other.
_THREE_INPUTS: Graph = [[], [], [], [0, 1], [1, 2], [3, 4], [3], [5, 6], [7, 4]]
_REPEATS: Graph = [[], [], [0, 0], [2, 1], [3, 3], [4, 2]]
_DOUBLINGS: Graph = [[], *([k, k] for k in range(10))]
_LATE_INPUT: Graph = [[], [], [0, 1], [], [2, 0], [4, 3], [5, 4], [6, 1]]
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


def _arrows(operands: Graph, partials: list[list[float]], node: int) -> Iterator[tuple[int, float]]:
    return zip(operands[node], partials[node], strict=True)


def _reverse_variant(
    collected: Callable[[float, float, float], float] = lambda old, bar, p: old + bar * p,
    order: Callable[[int, int], Sequence[int]] = lambda n, output: range(output, -1, -1),
    seeds: Callable[[int, int], Sequence[int]] = lambda n, output: (output,),
    once: bool = False,
    kept: Callable[[Array, Graph], Array] = lambda adjoints, operands: adjoints,
) -> Function:
    """The reverse pass with one of its steps exchanged."""

    def variant(operands: Graph, partials: list[list[float]], output: int) -> Array:
        adjoints = np.zeros(len(operands))
        adjoints[list(seeds(len(operands), output))] = 1.0
        for k in order(len(operands), output):
            arrows = list(_arrows(operands, partials, k))
            for u, p in dict(arrows).items() if once else arrows:
                adjoints[u] = collected(adjoints[u], adjoints[k], p)
        return kept(adjoints, operands)

    return variant


def _passed_on_at_once(again: bool) -> Function:
    """Go down from each node when it is reached, the first time or every time."""

    def variant(operands: Graph, partials: list[list[float]], output: int) -> Array:
        adjoints, seen = np.zeros(len(operands)), set()
        adjoints[output] = 1.0

        def visit(k: int) -> None:
            seen.add(k)
            for u, p in _arrows(operands, partials, k):
                adjoints[u] += adjoints[k] * p
                if again or u not in seen:
                    visit(u)

        visit(output)
        return adjoints

    return variant


def _forward_mode(operands: Graph, partials: list[list[float]], output: int) -> Array:
    """The derivatives of all nodes by the first one."""
    dots = np.zeros(len(operands))
    dots[0] = 1.0
    for k in range(1, len(operands)):
        for u, p in _arrows(operands, partials, k):
            dots[k] += dots[u] * p
    return dots


REVERSE = Exercise(
    name="autodiff.reverse",
    outputs=("adjoints",),
    reference=_reverse,
    cases=_reverse_cases,
    criteria=(
        Criterion("there is one adjoint for each node", 0.25, "shape"),
        Criterion(
            "the adjoints are right",
            1.0,
            group="ordinary",
            outputs=("adjoints",),
            equations=("ad-adjoint",),
        ),
        Criterion(
            "a node that enters the same operation twice",
            0.5,
            group="repeats",
            outputs=("adjoints",),
            equations=("ad-adjoint",),
        ),
        Criterion(
            "an output in the middle, an unused input, an output that is an input",
            0.5,
            group="inner",
            outputs=("adjoints",),
            equations=("ad-adjoint",),
        ),
        Criterion("the arguments are left as they were", 0.25, "unchanged"),
    ),
    misconceptions=(
        Misconception(
            "a use forgotten",
            "A node that enters several results collects from each of them: add to its adjoint, do "
            "not assign.",
            "ad-adjoint",
            (
                _reverse_variant(collected=lambda old, bar, p: bar * p),
                _reverse_variant(collected=lambda old, bar, p: old or bar * p),
            ),
        ),
        Misconception(
            "a node passed on too early",
            "You go on from a node when it is first reached. What reaches it later is lost for its "
            "operands: pass a node on when all of its uses have added their part.",
            "ad-adjoint",
            (_passed_on_at_once(again=False),),
        ),
        Misconception(
            "a node passed on again with all that it has collected",
            "You go on from a node each time it is reached, and what it had before is handed on "
            "once more. Pass a node on once, when all of its uses have added their part.",
            "ad-adjoint",
            (_passed_on_at_once(again=True),),
        ),
        Misconception(
            "a walk in the order of computation",
            "The adjoint of a node comes from the results that it enters, which were computed "
            "after it: begin at the output and go back.",
            "ad-adjoint",
            (
                _reverse_variant(order=lambda n, output: range(n)),
                _reverse_variant(order=lambda n, output: range(output + 1)),
            ),
        ),
        Misconception(
            "forward mode",
            "You have the derivatives of all nodes by one input. Asked for are those of one output "
            "by all nodes.",
            "ad-dual",
            (_forward_mode,),
        ),
        Misconception(
            "local derivatives added without the adjoint of the result",
            "The local derivative says how the result moves with the operand; how the output moves "
            "with the result is its adjoint. Multiply the two.",
            "ad-adjoint",
            (_reverse_variant(collected=lambda old, bar, p: old + p),),
        ),
        Misconception(
            "local derivative and adjoint added",
            "Along a path derivatives are multiplied; only different paths are added.",
            "ad-adjoint",
            (_reverse_variant(collected=lambda old, bar, p: old + bar + p),),
        ),
        Misconception(
            "a repeated operand counted once",
            "Where both operands are the same node, both contribute. With a list of indices, "
            "NumPy's adjoints[nodes] += ... keeps only the last of them, and so does a dictionary.",
            "ad-adjoint",
            (_reverse_variant(once=True),),
        ),
        Misconception(
            "a start at the last node",
            "The node to differentiate is given by `output`, which may stand anywhere. What was "
            "computed after it does not act on it.",
            "ad-adjoint",
            (
                _reverse_variant(
                    order=lambda n, output: range(n - 1, -1, -1),
                    seeds=lambda n, output: (n - 1,),
                ),
                _reverse_variant(
                    order=lambda n, output: range(n - 1, -1, -1),
                    seeds=lambda n, output: (n - 1, output),
                ),
            ),
        ),
        Misconception(
            "the adjoints of the inputs alone",
            "Return one number for each node, in the order of the nodes.",
            "ad-adjoint",
            (
                _reverse_variant(
                    kept=lambda adjoints, operands: adjoints[[not nodes for nodes in operands]]
                ),
            ),
        ),
        Misconception(
            "an output without its own adjoint",
            "The derivative of the output by itself is 1; you have 0 there.",
            "ad-adjoint",
            (
                lambda operands, partials, output: np.where(
                    np.arange(len(operands)) == output, 0.0, _reverse(operands, partials, output)
                ),
            ),
        ),
    ),
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
            _chain(rng, 2, int(rng.integers(6, 9))),
            [5, 4, 7],
        ),
        ("edge", "operands used twice by one operation, three outputs", _REPEATS, [5, 3, 4]),
        ("edge", "an input among the results, two outputs", _LATE_INPUT, [7, 4]),
        ("edge", "an input that is not used, and one that is an output", _UNUSED_INPUT, [5, 1]),
    ):
        arguments = {"operands": [[*nodes] for nodes in operands], "outputs": outputs}
        cases.append(Case(group, label, arguments))
    return cases


def _cost_variant(
    forward: Callable[[Graph, list[int]], int] = lambda operands, outputs: _inputs(operands),
    reverse: Callable[[Graph, list[int]], int] = lambda operands, outputs: len(outputs),
    each: Callable[[Graph], int] = lambda operands: sum(map(len, operands)),
    all_passes: bool = True,
) -> Function:
    """The count with one of its factors exchanged."""

    def variant(operands: Graph, outputs: list[int]) -> tuple[int, int, int, int]:
        f, r, multiplications = (
            forward(operands, outputs),
            reverse(operands, outputs),
            each(operands),
        )
        if not all_passes:
            return f, r, multiplications, multiplications
        return f, r, f * multiplications, r * multiplications

    return variant


def _inputs(operands: Graph) -> int:
    return sum(not nodes for nodes in operands)


COST = Exercise(
    name="autodiff.cost",
    outputs=(
        "forward_passes",
        "reverse_passes",
        "forward_multiplications",
        "reverse_multiplications",
    ),
    reference=_cost,
    cases=_cost_cases,
    criteria=(
        Criterion(
            "the passes of both modes",
            0.5,
            group="ordinary",
            outputs=("forward_passes", "reverse_passes"),
            equations=("ad-passes",),
        ),
        Criterion(
            "the multiplications of both modes",
            0.5,
            group="ordinary",
            outputs=("forward_multiplications", "reverse_multiplications"),
            equations=("ad-dual", "ad-adjoint"),
        ),
        Criterion(
            "repeated operands, inputs that are late, unused or outputs themselves",
            0.25,
            group="edge",
            outputs=(
                "forward_passes",
                "reverse_passes",
                "forward_multiplications",
                "reverse_multiplications",
            ),
            equations=("ad-passes",),
        ),
        Criterion("the arguments are left as they were", 0.25, "unchanged"),
    ),
    misconceptions=(
        Misconception(
            "one forward pass for each node",
            "So says a slide of deck L; but a pass visits all nodes, so forward mode needs one for "
            "each input.",
            "ad-passes",
            (_cost_variant(forward=lambda operands, outputs: len(operands)),),
        ),
        Misconception(
            "the two modes exchanged",
            "A forward pass has the seed on one input and answers for all outputs; a reverse pass "
            "starts at one output and answers for all inputs.",
            "ad-passes",
            (
                _cost_variant(
                    forward=lambda operands, outputs: len(outputs),
                    reverse=lambda operands, outputs: _inputs(operands),
                ),
            ),
        ),
        Misconception(
            "one reverse pass for all outputs",
            "That is so for a loss, which is one output. A reverse pass starts at one node, so "
            "each output needs its own.",
            "ad-passes",
            (_cost_variant(reverse=lambda operands, outputs: 1),),
        ),
        Misconception(
            "one forward pass for all inputs",
            "A pass with all seeds 1 gives the sum of the derivatives. To tell them apart, each "
            "input needs a pass of its own.",
            "ad-passes",
            (_cost_variant(forward=lambda operands, outputs: 1),),
        ),
        Misconception(
            "a pass for each entry of the Jacobian",
            "A forward pass yields a whole column, a reverse pass a whole row.",
            "ad-passes",
            (
                _cost_variant(
                    forward=lambda operands, outputs: _inputs(operands) * len(outputs),
                    reverse=lambda operands, outputs: _inputs(operands) * len(outputs),
                ),
            ),
        ),
        Misconception(
            "nodes counted in place of arrows",
            "There is a local derivative, and so a multiplication, for every arrow: an operation "
            "with two operands has two.",
            "ad-dual",
            (
                _cost_variant(each=len),
                _cost_variant(each=lambda operands: len(operands) - _inputs(operands)),
            ),
        ),
        Misconception(
            "the multiplications of a single pass",
            "Every pass walks along all arrows again.",
            "ad-passes",
            (_cost_variant(all_passes=False),),
        ),
        Misconception(
            "a repeated operand counted once",
            "Where both operands of an operation are the same node, there are two arrows, each "
            "with a local derivative.",
            "ad-dual",
            (_cost_variant(each=lambda operands: sum(len(set(nodes)) for nodes in operands)),),
        ),
    ),
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


def _columns(jvp: Product, n_inputs: int, kept: float = 0.0) -> Array:
    """One forward pass for each input; `kept` is what stays in the seed afterwards."""
    seed, columns = np.zeros(n_inputs), []
    for j in range(n_inputs):
        seed[j] = 1.0
        columns.append(jvp(seed))
        seed[j] = kept
    return np.stack(columns, axis=1)


def _rows(vjp: Product, n_outputs: int, kept: float = 0.0) -> Array:
    """One reverse pass for each output."""
    return _columns(vjp, n_outputs, kept).T


def _jacobian_variant(
    forward: Callable[[int, int], bool] = lambda n, m: n <= m,
    kept: float = 0.0,
    result: Callable[[Array], Array] = lambda matrix: matrix,
) -> Function:
    """The Jacobian with another choice of the mode, or another use of the passes."""

    def variant(jvp: Product, vjp: Product, n_inputs: int, n_outputs: int) -> tuple[Array, int]:
        if forward(n_inputs, n_outputs):
            return result(_columns(jvp, n_inputs, kept)), n_inputs
        return result(_rows(vjp, n_outputs, kept)), n_outputs

    return variant


def _ones(jvp: Product, vjp: Product, n_inputs: int, n_outputs: int) -> tuple[Array, int]:
    """A single pass with a seed of ones."""
    if n_inputs <= n_outputs:
        return jvp(np.ones(n_inputs)), 1
    return vjp(np.ones(n_outputs)), 1


def _entry_by_entry(jvp: Product, vjp: Product, n_inputs: int, n_outputs: int) -> tuple[Array, int]:
    columns = [[jvp(seed)[i] for seed in np.eye(n_inputs)] for i in range(n_outputs)]
    return np.array(columns), n_inputs * n_outputs


def _both(jvp: Product, vjp: Product, n_inputs: int, n_outputs: int) -> tuple[Array, int]:
    _columns(jvp, n_inputs)
    return _rows(vjp, n_outputs), n_inputs + n_outputs


JACOBIAN = Exercise(
    name="autodiff.jacobian",
    outputs=("jacobian", "passes", "calls"),
    returns=("jacobian", "passes"),
    reference=_jacobian,
    observe=_jacobian_and_calls,
    cases=_jacobian_cases,
    criteria=(
        Criterion(
            "the Jacobian has a row for each output and a column for each input", 0.25, "shape"
        ),
        Criterion(
            "few inputs: the Jacobian is right",
            0.5,
            group="tall",
            outputs=("jacobian",),
            equations=("ad-dual",),
        ),
        Criterion(
            "few outputs: the Jacobian is right",
            0.5,
            group="wide",
            outputs=("jacobian",),
            equations=("ad-adjoint",),
        ),
        Criterion(
            "few inputs: no more passes than needed, and as many as you say",
            0.5,
            group="tall",
            outputs=("calls", "passes"),
            equations=("ad-passes",),
        ),
        Criterion(
            "few outputs: no more passes than needed, and as many as you say",
            0.5,
            group="wide",
            outputs=("calls", "passes"),
            equations=("ad-passes",),
        ),
        Criterion(
            "a single input, a single output, as many inputs as outputs",
            0.25,
            group="edge",
            outputs=("jacobian", "calls", "passes"),
            equations=("ad-passes",),
        ),
    ),
    misconceptions=(
        Misconception(
            "the mode that needs more passes",
            "Forward mode needs a pass for each input, reverse mode one for each output. For a "
            "loss, which is one output, that means reverse mode; where the inputs are fewer than "
            "the outputs, forward mode.",
            "ad-passes",
            (
                _jacobian_variant(forward=lambda n, m: True),
                _jacobian_variant(forward=lambda n, m: False),
                _jacobian_variant(forward=lambda n, m: n > m),
            ),
        ),
        Misconception(
            "both modes run",
            "Each mode alone yields the whole Jacobian; choose before you call.",
            "ad-passes",
            (_both,),
        ),
        Misconception(
            "a pass for each entry",
            "You use one number of each result. A forward pass yields a whole column of the "
            "Jacobian, a reverse pass a whole row.",
            "ad-passes",
            (_entry_by_entry,),
        ),
        Misconception(
            "a single pass with a seed of ones",
            "By linearity that gives the sum of all columns, or of all rows. To tell them apart, "
            "put the 1 on one entry at a time.",
            "ad-passes",
            (_ones,),
        ),
        Misconception(
            "a seed that is not put back",
            "The 1 of the last pass is still there, so each result holds the sum of those before.",
            "ad-dual",
            (_jacobian_variant(kept=1.0),),
        ),
        Misconception(
            "the Jacobian transposed",
            "Its rows are outputs and its columns inputs. What a forward pass returns is a column.",
            "ad-passes",
            (
                _jacobian_variant(result=lambda matrix: matrix.T),
                lambda jvp, vjp, n, m: (_columns(jvp, n).T, n) if n <= m else (_rows(vjp, m), m),
            ),
        ),
    ),
)

EXERCISES = (DUAL, REVERSE, COST, JACOBIAN)
