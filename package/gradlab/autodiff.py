"""Automatic differentiation: forward mode with dual numbers, reverse mode on a scalar graph.

Both modes multiply the same local derivatives; forward mode does so beside the values, from the
inputs on, and reverse mode afterwards, from the output back. Forward mode therefore needs a pass
for each input, reverse mode one for each output: a network has many weights and one loss.

Chapter: ``book/autodiff.md``.
Decks: L "Recap: Computational Graphs", "Recap: Automatic Differentiation".
Papers: R. E. Wengert, A Simple Automatic Derivative Evaluation Program, Communications of the ACM
7(8), 1964; S. Linnainmaa, Taylor Expansion of the Accumulated Rounding Error, BIT 16, 1976;
W. Baur and V. Strassen, The Complexity of Partial Derivatives, Theoretical Computer Science 22,
1983.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import NamedTuple, Self

import numpy as np

from gradlab._jit import njit
from gradlab._validate import FloatArray, as_flag, as_integer, as_real

__all__ = ["Dual", "Passes", "Tape", "Variable", "count_passes"]


# The operations, as the kernel below tells them apart.
SUM, DIFFERENCE, PRODUCT, QUOTIENT, POWER, EXP, LOG, TANH, RELU = range(9)


@njit
def _operation_kernel(operation, a, b, out):
    """Equations ad-sum, ad-product, ad-quotient, ad-power, ad-exp, ad-log,
    ad-tanh, ad-relu.

    `out` receives the value of the operation on `a` and `b` and its derivatives
    with respect to each of them; an operation of `a` alone has 0 for the second.
    """
    if operation == SUM:
        # (ad-sum)  d(a + b) = da + db
        out[0], out[1], out[2] = a + b, 1.0, 1.0
    elif operation == DIFFERENCE:
        out[0], out[1], out[2] = a - b, 1.0, -1.0
    elif operation == PRODUCT:
        # (ad-product)  d(a b) = b da + a db
        out[0], out[1], out[2] = a * b, b, a
    elif operation == QUOTIENT:
        # (ad-quotient)  d(a / b) = da / b - (a / b) db / b
        quotient = a / b
        out[0], out[1], out[2] = quotient, 1.0 / b, -quotient / b
    elif operation == POWER:
        # (ad-power)  d(a^b) = b a^(b - 1) da + a^b log(a) db
        # A factor of exactly 0 decides, also where the other one is infinite.
        power = a**b
        out[0] = power
        out[1] = 0.0 if b == 0.0 else b * a ** (b - 1.0)
        out[2] = 0.0 if power == 0.0 else power * np.log(a)
    elif operation == EXP:
        # (ad-exp)  d(exp a) = exp(a) da
        value = np.exp(a)
        out[0], out[1], out[2] = value, value, 0.0
    elif operation == LOG:
        # (ad-log)  d(log a) = da / a
        out[0], out[1], out[2] = np.log(a), 1.0 / a, 0.0
    elif operation == TANH:
        # (ad-tanh)  d(tanh a) = (1 - tanh(a)^2) da
        value = np.tanh(a)
        out[0], out[1], out[2] = value, 1.0 - value * value, 0.0
    else:
        # (ad-relu)  d(max(0, a)) = da where a > 0, else 0
        passes = 0.0 if a <= 0.0 else 1.0
        out[0], out[1], out[2] = a if passes == 1.0 else 0.0, passes, 0.0


def _operate(operation: int, a: float, b: float = 0.0) -> tuple[float, float, float]:
    """Return the value of an operation and its two local derivatives."""
    out = np.empty(3)
    with np.errstate(all="ignore"):
        _operation_kernel(operation, np.float64(a), np.float64(b), out)
    value, by_a, by_b = out.tolist()
    return value, by_a, by_b


class _Number(ABC):
    """A float that is differentiated: the operations, each with its local derivatives.

    What becomes of the derivatives is up to the mode: `_result` receives the value of an operation
    and, for every operand that is not a constant, the pair of the operand and the derivative of
    the value with respect to it.
    """

    # NumPy's scalars leave an operation with one of ours to us.
    __array_ufunc__ = None
    value: float

    @abstractmethod
    def _result(self, value: float, *partials: tuple[Self, float]) -> Self:
        """Make the result of an operation."""

    def _unary(self, operation: int) -> Self:
        value, by_self, _ = _operate(operation, self.value)
        return self._result(value, (self, by_self))

    def _binary(self, operation: int, other: Self | float) -> Self:
        b = self._value_of(other)
        if b is None:
            return NotImplemented
        value, by_self, by_other = _operate(operation, self.value, b)
        if isinstance(other, type(self)):
            return self._result(value, (self, by_self), (other, by_other))
        return self._result(value, (self, by_self))

    def _after_constant(self, operation: int, other: float) -> Self:
        """Operate on a constant, which stands on the left, and this number."""
        a = self._value_of(other)
        if a is None:
            return NotImplemented
        value, _, by_self = _operate(operation, a, self.value)
        return self._result(value, (self, by_self))

    def __neg__(self) -> Self:
        return self._binary(PRODUCT, -1.0)

    def __add__(self, other: Self | float) -> Self:
        return self._binary(SUM, other)

    def __sub__(self, other: Self | float) -> Self:
        return self._binary(DIFFERENCE, other)

    def __mul__(self, other: Self | float) -> Self:
        return self._binary(PRODUCT, other)

    def __truediv__(self, other: Self | float) -> Self:
        return self._binary(QUOTIENT, other)

    def __pow__(self, other: Self | float) -> Self:
        return self._binary(POWER, other)

    __radd__ = __add__
    __rmul__ = __mul__

    def __rsub__(self, other: float) -> Self:
        return self._after_constant(DIFFERENCE, other)

    def __rtruediv__(self, other: float) -> Self:
        return self._after_constant(QUOTIENT, other)

    def __rpow__(self, other: float) -> Self:
        return self._after_constant(POWER, other)

    def exp(self) -> Self:
        """Return e to this power."""
        return self._unary(EXP)

    def log(self) -> Self:
        """Return the natural logarithm."""
        return self._unary(LOG)

    def tanh(self) -> Self:
        """Return the hyperbolic tangent."""
        return self._unary(TANH)

    def relu(self) -> Self:
        """Return the larger of this number and 0."""
        return self._unary(RELU)

    def _value_of(self, other: object) -> float | None:
        """Return the value of an operand, or None for one of another kind."""
        if isinstance(other, type(self)):
            return other.value
        if isinstance(other, (int, float, np.integer, np.floating)) and not isinstance(other, bool):
            return float(other)
        return None


@njit
def _forward_sweep_kernel(operands, partials, derivative):
    """Equation ad-dual.

    A tape has a row for each number, in the order in which a program computes
    them: the rows of its operands, -1 where there is none (an input has none),
    and its derivatives with respect to these. `derivative` holds the
    seeds in the rows of the inputs and receives the rest.
    """
    for v in range(len(operands)):
        if operands[v, 0] >= 0 or operands[v, 1] >= 0:
            # (ad-dual)  v' = sum_k dv/du_k u_k'
            derivative[v] = 0.0
            for k in range(2):
                u = operands[v, k]
                if u >= 0:
                    derivative[v] += partials[v, k] * derivative[u]


class Dual(_Number):
    r"""A number and its derivative, carried along together (forward mode). Equation ad-dual.

    .. math:: v = g(u_1, \dots, u_n), \qquad
              \dot v = \sum_{k=1}^{n} \frac{\partial g}{\partial u_k} \, \dot u_k

    The derivative is with respect to whatever was given the derivative 1; all else starts with 0.

    Parameters
    ----------
    value : float
        Finite.
    derivative : float, default 0.0
        The seed: 1 for the input to differentiate by, 0 for any other, or the entries of a
        direction for the derivative along it.

    Attributes
    ----------
    value, derivative : float

    Raises
    ------
    TypeError
        If a `Dual` meets a `Variable` in an operation.

    Notes
    -----
    ``+ - * / **`` with another `Dual` or a number, and the methods ``exp``, ``log``, ``tanh`` and
    ``relu``. They follow IEEE arithmetic, as NumPy and PyTorch do: an overflow is infinite,
    ``log`` of a negative number is not a number, and nothing is raised. The derivative of ``relu``
    at 0 is taken as 0, as in PyTorch. The derivative of a power by its exponent asks for a
    positive base, or a power that is 0.

    Deck L "Recap: Computational Graphs"; Wengert (1964).

    Examples
    --------
    >>> x, y = Dual(3.0, 1.0), Dual(2.0)
    >>> x * x * y
    Dual(18.0, derivative=12.0)
    """

    __slots__ = ("derivative", "value")

    def __init__(self, value: float, derivative: float = 0.0) -> None:
        self.value = as_real("value", value)
        self.derivative = as_real("derivative", derivative)

    def __repr__(self) -> str:
        return f"Dual({self.value!r}, derivative={self.derivative!r})"

    def _result(self, value: float, *partials: tuple[Dual, float]) -> Dual:
        # An intermediate result may overflow: it does not pass through __init__.
        result = object.__new__(Dual)
        result.value = value
        # (ad-dual)  v' = sum_k dv/du_k u_k', as on a tape, but one row at a time
        terms = (by * operand.derivative for operand, by in partials)
        result.derivative = sum(terms, 0.0)
        return result


@njit
def _reverse_sweep_kernel(operands, partials, adjoint):
    """Equation ad-adjoint.

    The tape is that of the forward sweep. `adjoint` holds 1 in the row of the
    output and 0 elsewhere, and receives the rest.
    """
    for v in range(len(operands) - 1, -1, -1):
        # (ad-adjoint)  u_bar = sum over the uses v of u of v_bar dv/du
        # All uses of a number come after it, so v_bar is complete here.
        for k in range(2):
            u = operands[v, k]
            if u >= 0:
                adjoint[u] += adjoint[v] * partials[v, k]


class Variable(_Number):
    r"""A node of a computational graph (reverse mode). Equation ad-adjoint.

    .. math:: \bar u = \frac{\partial L}{\partial u}
              = \sum_{v \,:\, u \to v} \bar v \, \frac{\partial v}{\partial u}

    An operation makes a new node that remembers its operands and the local derivatives. `backward`
    then goes through the graph once, from the output to the inputs; a node that is used several
    times adds up what comes from each use.

    Parameters
    ----------
    value : float
        Finite.

    Attributes
    ----------
    value : float
    grad : float
        What the last `backward` found: the derivative of the node it was called on with respect to
        this one. 0 before.

    Raises
    ------
    TypeError
        If a `Variable` meets a `Dual` in an operation.

    Notes
    -----
    The operations and their conventions are those of `Dual`.

    Deck L "Recap: Computational Graphs" and "Recap: Automatic Differentiation"; Linnainmaa (1976).

    Examples
    --------
    >>> x, y = Variable(3.0), Variable(2.0)
    >>> z = x * x * y
    >>> z.backward()
    >>> z.value, x.grad, y.grad
    (18.0, 12.0, 9.0)
    """

    __slots__ = ("_partials", "grad", "value")

    _partials: tuple[tuple[Variable, float], ...]

    def __init__(self, value: float) -> None:
        self.value = as_real("value", value)
        self.grad = 0.0
        self._partials = ()

    def __repr__(self) -> str:
        return f"Variable({self.value!r}, grad={self.grad!r})"

    def _result(self, value: float, *partials: tuple[Variable, float]) -> Variable:
        result = object.__new__(Variable)
        result.value, result.grad, result._partials = value, 0.0, partials
        return result

    def backward(self, accumulate: bool = False) -> None:
        """Set ``grad`` of this node and of all nodes that it was computed from.

        Parameters
        ----------
        accumulate : bool, default False
            Add to the gradients that the nodes hold already, as PyTorch does for its leaves,
            instead of replacing them.

        Examples
        --------
        >>> x = Variable(0.5)
        >>> for _ in range(2):
        ...     (3 * x).backward(accumulate=True)
        >>> x.grad
        6.0
        """
        accumulate = as_flag("accumulate", accumulate)
        tape = Tape(self)
        for node, adjoint in zip(tape.nodes, tape.adjoints().tolist(), strict=True):
            node.grad = node.grad + adjoint if accumulate else adjoint

    def _nodes_after_their_uses(self) -> list[Variable]:
        """Return the graph in topological order, this node first; without recursion."""
        order: list[Variable] = []
        seen = {id(self)}
        stack = [(self, iter(self._partials))]
        while stack:
            node, operands = stack[-1]
            for operand, _ in operands:
                if id(operand) not in seen:
                    seen.add(id(operand))
                    stack.append((operand, iter(operand._partials)))
                    break
            else:
                order.append(node)
                stack.pop()
        return order[::-1]


class Tape:
    """The program behind a `Variable` as arrays, a row for each number that it computed.

    Parameters
    ----------
    output : Variable
        The program's result, in the last row.

    Attributes
    ----------
    nodes : list of Variable
        The rows, each after its operands.
    operands : int64 array (rows, 2)
        The rows of the operands; -1 where there is none or a constant.
    partials : array (rows, 2)
        The derivative of each number with respect to its operands, 0 where there is none.

    Notes
    -----
    R. E. Wengert's list (1964), as the programs that differentiate large codes keep it.

    Examples
    --------
    >>> x, y = Variable(3.0), Variable(2.0)
    >>> tape = Tape(x * y)
    >>> tape.operands.tolist(), tape.partials.tolist()
    ([[-1, -1], [-1, -1], [0, 1]], [[0.0, 0.0], [0.0, 0.0], [2.0, 3.0]])
    """

    def __init__(self, output: Variable) -> None:
        if not isinstance(output, Variable):
            raise TypeError(f"output must be a Variable, got {type(output).__name__}")
        self.nodes = output._nodes_after_their_uses()[::-1]
        rows = {id(node): row for row, node in enumerate(self.nodes)}
        self.operands = np.full((len(self.nodes), 2), -1)
        self.partials = np.zeros((len(self.nodes), 2))
        for row, node in enumerate(self.nodes):
            for k, (operand, by) in enumerate(node._partials):
                self.operands[row, k], self.partials[row, k] = rows[id(operand)], by

    def derivatives(self, variable: Variable) -> FloatArray:
        """Return the derivative of every row with respect to one input. Equation ad-dual.

        Parameters
        ----------
        variable : Variable
            An input of the program, among `nodes`.

        Returns
        -------
        array (rows,)

        Examples
        --------
        >>> x, y = Variable(3.0), Variable(2.0)
        >>> Tape(x * x * y).derivatives(x).tolist()[-1]
        12.0
        """
        row = next((row for row, node in enumerate(self.nodes) if node is variable), -1)
        if row < 0 or (self.operands[row] >= 0).any():
            raise ValueError("variable must be an input of the program that output came from")
        derivative = np.zeros(len(self.nodes))
        derivative[row] = 1.0
        with np.errstate(all="ignore"):
            _forward_sweep_kernel(self.operands, self.partials, derivative)
        return derivative

    def adjoints(self) -> FloatArray:
        """Return the derivative of the output with respect to every row. Equation ad-adjoint.

        Returns
        -------
        array (rows,)

        Examples
        --------
        >>> x, y = Variable(3.0), Variable(2.0)
        >>> tape = Tape(x * x * y)
        >>> dict(zip(tape.nodes, tape.adjoints().tolist()))[x]
        12.0
        """
        adjoint = np.zeros(len(self.nodes))
        adjoint[-1] = 1.0
        with np.errstate(all="ignore"):
            _reverse_sweep_kernel(self.operands, self.partials, adjoint)
        return adjoint


class Passes(NamedTuple):
    """Passes through a program for all its derivatives.

    Attributes
    ----------
    forward : int
        With forward mode.
    reverse : int
        With reverse mode.
    """

    forward: int
    reverse: int


def count_passes(n_inputs: int, n_outputs: int) -> Passes:
    r"""Passes that each mode needs for the whole Jacobian. Equation ad-passes.

    .. math:: \text{forward}: n_{\text{inputs}}, \qquad \text{reverse}: n_{\text{outputs}}

    A forward pass yields the derivatives of all outputs by one input, a column of the Jacobian; a
    reverse pass those of one output by all inputs, a row.

    Parameters
    ----------
    n_inputs, n_outputs : int
        At least 1.

    Returns
    -------
    Passes
        With ``forward`` and ``reverse``.

    Notes
    -----
    Deck L "Recap: Computational Graphs" says that forward mode needs a pass per node; it is one
    per *input*, and the speed-up that the slide gives, of the order of the number of inputs, is
    that of one output. The count leaves out what a pass costs: a small constant times the
    evaluation (Baur and Strassen, 1983) and, in reverse mode, the memory for the graph.

    Examples
    --------
    >>> count_passes(n_inputs=1_000_000, n_outputs=1)
    Passes(forward=1000000, reverse=1)
    """
    return Passes(
        as_integer("n_inputs", n_inputs, low=1), as_integer("n_outputs", n_outputs, low=1)
    )
