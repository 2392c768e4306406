import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import torch

from gradlab.autodiff import Dual, Tape, Variable, count_passes
from gradlab.gradient_check import complex_step_gradient, numerical_gradient

# Programs of two inputs; they run on Dual, Variable, tensors and (through Lifted) complex numbers.
PROGRAMS = {
    "sum": lambda x, y: x + 3.0 * y + 2.0 + (1.0 + x),
    "difference": lambda x, y: (x - y) - 2.5 * x - (1.5 - y) - 4,
    "product": lambda x, y: x * y * x + 2 * y * y,
    "quotient": lambda x, y: x / y + 2.0 / x - y / 4.0,
    "power": lambda x, y: x**3 + x**y + 2.0**y + x**-1.5 - y**0.5,
    "negation": lambda x, y: -(x * -y),
    "exp": lambda x, y: (x * y).exp() - x.exp(),
    "log": lambda x, y: (x * y + 1.0).log() * y.log(),
    "tanh": lambda x, y: (x - y).tanh() * (x * y).tanh(),
    "shared": lambda x, y: _shared(x, y),
}


def _shared(x, y):
    z = x * y
    w = z.tanh() + z
    return w * w / (z + w) + z**2


class Lifted:
    """A complex number with the methods of the programs."""

    def __init__(self, value):
        self.value = value

    def exp(self):
        return Lifted(np.exp(self.value))

    def log(self):
        return Lifted(np.log(self.value))

    def tanh(self):
        return Lifted(np.tanh(self.value))


def _operator(name):
    def operate(self, *others):
        values = [o.value if isinstance(o, Lifted) else o for o in others]
        return Lifted(getattr(self.value, name)(*values))

    return operate


for _name in ("add", "sub", "mul", "truediv", "pow"):
    for _side in ("", "r"):
        setattr(Lifted, f"__{_side}{_name}__", _operator(f"__{_side}{_name}__"))
Lifted.__neg__ = _operator("__neg__")


def forward(program, x, y):
    """Value and gradient by two passes of forward mode."""
    by_x = program(Dual(x, 1.0), Dual(y))
    by_y = program(Dual(x), Dual(y, 1.0))
    np.testing.assert_equal(by_x.value, by_y.value)
    return by_x.value, [by_x.derivative, by_y.derivative]


def reverse(program, x, y):
    """Value and gradient by one pass of reverse mode."""
    a, b = Variable(x), Variable(y)
    result = program(a, b)
    result.backward()
    assert result.grad == 1.0
    return result.value, [a.grad, b.grad]


MODES = [forward, reverse]


# ---- both modes against other ways to the derivative


@pytest.mark.equation("ad-sum")
@pytest.mark.equation("ad-product")
@pytest.mark.equation("ad-quotient")
@pytest.mark.equation("ad-power")
@pytest.mark.equation("ad-exp")
@pytest.mark.equation("ad-log")
@pytest.mark.equation("ad-tanh")
@pytest.mark.equation("ad-dual")
@pytest.mark.equation("ad-adjoint")
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", PROGRAMS)
def test_gradient_agrees_with_the_complex_step(name, mode):
    program = PROGRAMS[name]
    for point in ([0.7, 1.3], [2.0, 0.4]):
        value, gradient = mode(program, *point)

        def evaluate(p):
            return program(*(Lifted(v) for v in p)).value

        expected = complex_step_gradient(evaluate, point)
        assert value == pytest.approx(evaluate(np.array(point, complex)).real, rel=1e-14)
        np.testing.assert_allclose(gradient, expected, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("mode", MODES)
@given(st.floats(0.1, 3), st.floats(0.1, 3))
def test_gradient_agrees_with_central_differences(mode, x, y):
    program = PROGRAMS["shared"]
    _, gradient = mode(program, x, y)
    expected = numerical_gradient(lambda p: program(Dual(p[0]), Dual(p[1])).value, [x, y])
    np.testing.assert_allclose(gradient, expected, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", PROGRAMS)
def test_agrees_with_pytorch(name, mode):
    pytorch = torch()
    leaves = [pytorch.tensor(v, dtype=pytorch.float64, requires_grad=True) for v in (0.7, 1.3)]
    result = PROGRAMS[name](*leaves)
    result.backward()
    value, gradient = mode(PROGRAMS[name], 0.7, 1.3)
    assert value == pytest.approx(float(result.detach()), rel=1e-13)
    np.testing.assert_allclose(gradient, [float(leaf.grad) for leaf in leaves], rtol=1e-12)


@pytest.mark.equation("ad-relu")
@pytest.mark.parametrize("mode", MODES)
def test_relu_passes_what_is_above_zero(mode):
    for x, value, slope in [(2.0, 6.0, 3.0), (-2.0, 0.0, 0.0), (0.0, 0.0, 0.0)]:
        assert mode(lambda a, _: a.relu() * 3.0, x, 1.0) == (value, [slope, 0.0])


# (program, x): where a rule that multiplies carelessly finds 0 times infinity.
EDGES = [
    (lambda x: x**0, 0.0),
    (lambda x: x**1, 0.0),
    (lambda x: x**2, 0.0),
    (lambda x: x**2, -3.0),
    (lambda x: x**-1, -2.0),
    (lambda x: 0.0**x, 2.0),
    (lambda x: x**0.5, 0.0),
    (lambda x: x.exp(), 1e4),
    (lambda x: x.exp(), -1e4),
    (lambda x: x.tanh(), 1e4),
    (lambda x: x.tanh(), -1e4),
    (lambda x: x.log(), 0.0),
    (lambda x: x.log(), -1.0),
    (lambda x: 1.0 / x, 0.0),
    (lambda x: x * 1e200 * 1e200, 1.0),
    (lambda x: x**2, 1e200),
    (lambda x: x**2, 1e-200),
    (lambda x: (x**0.5) ** 2.0, -1.0),
]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("case", range(len(EDGES)))
def test_edges_follow_ieee_arithmetic_as_pytorch_does(case, mode):
    pytorch = torch()
    program, x = EDGES[case]
    leaf = pytorch.tensor(x, dtype=pytorch.float64, requires_grad=True)
    result = program(leaf)
    result.backward()
    value, gradient = mode(lambda a, _: program(a), x, 1.0)
    np.testing.assert_equal(value, float(result.detach()))
    np.testing.assert_equal(gradient[0], float(leaf.grad))


@pytest.mark.parametrize("mode", MODES)
def test_a_power_that_is_zero_has_no_derivative_by_its_exponent(mode):
    assert mode(lambda x, y: x**y, 0.0, 2.0) == (0.0, [0.0, 0.0])
    assert mode(lambda x, y: x**y, 1e-200, 2.0) == (0.0, [2e-200, 0.0])


# ---- what forward mode is


@given(st.floats(-2, 2), st.floats(-2, 2))
def test_seeds_give_the_derivative_along_a_direction(u, v):
    program = PROGRAMS["quotient"]
    _, gradient = reverse(program, 0.7, 1.3)
    along = program(Dual(0.7, u), Dual(1.3, v)).derivative
    assert along == pytest.approx(gradient[0] * u + gradient[1] * v, abs=1e-12)


def test_a_dual_without_seed_is_a_constant():
    result = PROGRAMS["product"](Dual(2.0), Dual(3.0))
    assert (result.value, result.derivative) == (30.0, 0.0)


# ---- what reverse mode is


def test_a_node_used_many_times_adds_up():
    x = Variable(3.0)
    y = x + x + x * x
    y.backward()
    assert x.grad == 2 + 2 * 3


def test_intermediate_nodes_have_gradients_too():
    x = Variable(2.0)
    inner = x * x
    (inner * inner).backward()
    assert inner.grad == 2 * 4
    assert x.grad == 2 * 4 * 2 * 2


def test_backward_replaces_or_accumulates():
    x = Variable(2.0)
    y = x * x * x
    for _ in range(2):
        y.backward()
    assert (x.grad, y.grad) == (12.0, 1.0)
    (5 * x).backward()
    assert x.grad == 5.0
    y.backward(accumulate=True)
    assert x.grad == 17.0
    # Twice through one graph: each pass adds the gradient once.
    y.backward(accumulate=True)
    assert x.grad == 29.0


def test_backward_leaves_nodes_outside_the_graph_alone():
    x, other = Variable(2.0), Variable(5.0)
    (other * 3).backward()
    (x * x).backward()
    assert other.grad == 3.0


def test_a_diamond_of_diamonds_is_walked_once():
    # 2^60 paths lead from the output to x.
    x = Variable(1.0)
    node = x
    for _ in range(60):
        node = node + node
    node.backward()
    assert x.grad == 2.0**60


def test_a_deep_graph_needs_no_recursion():
    x = Variable(0.5)
    node = x
    for _ in range(20_000):
        node = node + 0.25
    node.backward()
    assert node.value == 5000.5
    assert x.grad == 1.0


def test_operands_keep_their_value():
    for x in (Dual(2.0, 1.0), Variable(2.0)):
        y = x
        y += 1.0
        y *= x
        assert (x.value, y.value) == (2.0, 6.0)


# ---- the tape: the program as arrays


@pytest.mark.equation("ad-dual")
@pytest.mark.equation("ad-adjoint")
@pytest.mark.parametrize("name", PROGRAMS)
def test_both_sweeps_over_one_tape_find_the_same_gradient(name):
    inputs = Variable(0.7), Variable(1.3)
    tape = Tape(PROGRAMS[name](*inputs))
    adjoints = dict(zip(tape.nodes, tape.adjoints(), strict=True))
    _, expected = forward(PROGRAMS[name], 0.7, 1.3)
    for variable, derivative in zip(inputs, expected, strict=True):
        assert tape.derivatives(variable)[-1] == pytest.approx(derivative, rel=1e-13, abs=1e-14)
        assert adjoints[variable] == pytest.approx(derivative, rel=1e-13, abs=1e-14)


def test_a_tape_has_each_number_once_and_after_its_operands():
    x, y = Variable(3.0), Variable(2.0)
    z = x * y
    tape = Tape(z * z + 1.0)
    assert len(tape.nodes) == len(set(map(id, tape.nodes))) == 5
    assert all((row < k).all() for k, row in enumerate(tape.operands))
    # A square has the same operand twice; a constant has no row.
    k = tape.nodes.index(z)
    assert tape.operands[-2:].tolist() == [[k, k], [3, -1]]


def test_a_tape_of_an_input_alone():
    x = Variable(3.0)
    tape = Tape(x)
    assert tape.operands.tolist() == [[-1, -1]]
    assert tape.derivatives(x).tolist() == tape.adjoints().tolist() == [1.0]


def test_a_tape_names_what_is_wrong():
    x, y = Variable(3.0), Variable(2.0)
    with pytest.raises(TypeError, match="output must be a Variable, got float"):
        Tape(3.0)
    for other in (y, x * x):
        with pytest.raises(ValueError, match="variable must be an input of the program"):
            Tape(x * x).derivatives(other)


# ---- passes


@pytest.mark.equation("ad-passes")
@given(st.integers(1, 4), st.integers(1, 4))
def test_passes_suffice_for_the_jacobian(inputs, outputs):
    rng = np.random.default_rng(10 * inputs + outputs)
    matrix, x = rng.normal(size=(outputs, inputs)), rng.normal(size=inputs)

    def program(v):
        return [sum(m * a for m, a in zip(row, v, strict=True)).tanh() for row in matrix]

    columns = [
        [r.derivative for r in program([Dual(a, float(j == k)) for j, a in enumerate(x)])]
        for k in range(inputs)
    ]
    leaves = [Variable(a) for a in x]
    rows = []
    for result in program(leaves):
        result.backward()
        rows.append([leaf.grad for leaf in leaves])
    expected = (1 - np.tanh(matrix @ x) ** 2)[:, None] * matrix
    np.testing.assert_allclose(np.transpose(columns), expected, rtol=1e-12)
    np.testing.assert_allclose(rows, expected, rtol=1e-12)
    passes = count_passes(inputs, outputs)
    assert (passes.forward, passes.reverse) == (len(columns), len(rows))
    assert tuple(passes) == (inputs, outputs)


# ---- numbers that mix


@pytest.mark.parametrize("kind", [Dual, Variable])
def test_numpy_and_python_numbers_are_constants_on_either_side(kind):
    x = kind(3.0)
    for two in (2, 2.0, np.float64(2), np.float32(2), np.int64(2)):
        for result, expected in (
            (x + two, 5),
            (two + x, 5),
            (x - two, 1),
            (two - x, -1),
            (x * two, 6),
            (two * x, 6),
            (x / two, 1.5),
            (two / x, 2 / 3),
            (x**two, 9),
            (two**x, 8),
        ):
            assert type(result) is kind
            assert type(result.value) is float
            assert result.value == expected


@pytest.mark.parametrize("kind", [Dual, Variable])
@pytest.mark.parametrize(
    "other", ["1", None, 1j, True, [1.0], np.ones(2), Dual(1.0), Variable(1.0)]
)
def test_other_operands_are_refused(kind, other):
    if isinstance(other, kind):
        return
    x = kind(2.0)
    for operation in ("add", "sub", "mul", "truediv", "pow"):
        assert getattr(x, f"__{operation}__")(other) is NotImplemented
        with pytest.raises(TypeError):
            {
                "add": lambda a, b: a + b,
                "sub": lambda a, b: a - b,
                "mul": lambda a, b: a * b,
                "truediv": lambda a, b: a / b,
                "pow": lambda a, b: a**b,
            }[operation](other, x)


def test_the_repr_shows_value_and_derivative():
    assert repr(Dual(1.5, 2.0)) == "Dual(1.5, derivative=2.0)"
    assert repr(Variable(1.5)) == "Variable(1.5, grad=0.0)"


# ---- bad input

BAD_NUMBERS = [(v, ValueError) for v in (math.nan, math.inf, -math.inf)] + [
    (v, TypeError) for v in ("1", None, 1j, True, np.ones(2), [1.0])
]
BAD_COUNTS = [(0, ValueError), (-1, ValueError)] + [
    (v, TypeError) for v in (1.0, "1", None, True, 1j)
]
BAD = (
    [(Dual, {"value": v}, e) for v, e in BAD_NUMBERS]
    + [(Dual, {"derivative": v}, e) for v, e in BAD_NUMBERS]
    + [(Variable, {"value": v}, e) for v, e in BAD_NUMBERS]
    + [(count_passes, {"n_inputs": v}, e) for v, e in BAD_COUNTS]
    + [(count_passes, {"n_outputs": v}, e) for v, e in BAD_COUNTS]
)
GOOD = {
    Dual: {"value": 1.0, "derivative": 1.0},
    Variable: {"value": 1.0},
    count_passes: {"n_inputs": 2, "n_outputs": 3},
}


@pytest.mark.parametrize(("function", "bad", "error"), BAD)
def test_bad_input_is_refused_by_name(function, bad, error):
    (name,) = bad
    with pytest.raises(error, match=rf"^{name} must"):
        function(**(GOOD[function] | bad))
