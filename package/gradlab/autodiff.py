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

from gradlab._validate import as_flag, as_integer, as_real

__all__ = ["Dual", "Passes", "Variable", "count_passes"]


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

    def _binary(self, other: object, value: float, by_self: float, by_other: float) -> Self:
        if isinstance(other, type(self)):
            return self._result(value, (self, by_self), (other, by_other))
        return self._result(value, (self, by_self))

    def __neg__(self) -> Self:
        return self._result(-self.value, (self, -1.0))

    def __add__(self, other: Self | float) -> Self:
        """Equation ad-sum."""
        b = self._value_of(other)
        if b is None:
            return NotImplemented
        # (ad-sum)  d(a + b) = da + db
        return self._binary(other, self.value + b, 1.0, 1.0)

    def __mul__(self, other: Self | float) -> Self:
        """Equation ad-product."""
        b = self._value_of(other)
        if b is None:
            return NotImplemented
        # (ad-product)  d(a b) = b da + a db
        return self._binary(other, self.value * b, b, self.value)

    def __sub__(self, other: Self | float) -> Self:
        b = self._value_of(other)
        if b is None:
            return NotImplemented
        return self._binary(other, self.value - b, 1.0, -1.0)

    def __truediv__(self, other: Self | float) -> Self:
        """Equation ad-quotient."""
        b = self._value_of(other)
        if b is None:
            return NotImplemented
        # (ad-quotient)  d(a / b) = da / b - (a / b) db / b
        quotient = _divide(self.value, b)
        return self._binary(other, quotient, _divide(1.0, b), -_divide(quotient, b))

    def __pow__(self, other: Self | float) -> Self:
        """Equation ad-power."""
        b = self._value_of(other)
        if b is None:
            return NotImplemented
        a, value = self.value, _power(self.value, b)
        # (ad-power)  d(a^b) = b a^(b - 1) da + a^b log(a) db
        # A factor of exactly 0 decides, also where the other one is infinite.
        by_base = 0.0 if b == 0 else b * _power(a, b - 1.0)
        by_exponent = 0.0 if value == 0 else value * _log(a)
        return self._binary(other, value, by_base, by_exponent)

    # Below, a constant stands on the left.
    __radd__ = __add__
    __rmul__ = __mul__

    def __rsub__(self, other: float) -> Self:
        return -self + other

    def __rtruediv__(self, other: float) -> Self:
        a = self._value_of(other)
        if a is None:
            return NotImplemented
        quotient = _divide(a, self.value)
        return self._result(quotient, (self, -_divide(quotient, self.value)))

    def __rpow__(self, other: float) -> Self:
        a = self._value_of(other)
        if a is None:
            return NotImplemented
        value = _power(a, self.value)
        return self._result(value, (self, 0.0 if value == 0 else value * _log(a)))

    def exp(self) -> Self:
        """Return e to this power. Equation ad-exp."""
        with np.errstate(over="ignore"):
            value = float(np.exp(self.value))
        # (ad-exp)  d(exp a) = exp(a) da
        return self._result(value, (self, value))

    def log(self) -> Self:
        """Return the natural logarithm. Equation ad-log."""
        # (ad-log)  d(log a) = da / a
        return self._result(_log(self.value), (self, _divide(1.0, self.value)))

    def tanh(self) -> Self:
        """Return the hyperbolic tangent. Equation ad-tanh."""
        value = float(np.tanh(self.value))
        # (ad-tanh)  d(tanh a) = (1 - tanh(a)^2) da
        return self._result(value, (self, 1.0 - value * value))

    def relu(self) -> Self:
        """Return the larger of this number and 0. Equation ad-relu."""
        # (ad-relu)  d(max(0, a)) = da where a > 0, else 0
        if self.value <= 0:
            return self._result(0.0, (self, 0.0))
        return self._result(self.value, (self, 1.0))

    def _value_of(self, other: object) -> float | None:
        """Return the value of an operand, or None for one of another kind."""
        if isinstance(other, type(self)):
            return other.value
        if isinstance(other, (int, float, np.integer, np.floating)) and not isinstance(other, bool):
            return float(other)
        return None


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
    ValueError
        If a number is not finite.
    TypeError
        If a number is not real, or a `Dual` meets a `Variable` in an operation.

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
        # (ad-dual)  v' = sum_k dv/du_k u_k'
        terms = (by * operand.derivative for operand, by in partials)
        result.derivative = sum(terms, 0.0)
        return result


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
    ValueError
        If `value` is not finite.
    TypeError
        If `value` is not a real number, or a `Variable` meets a `Dual` in an operation.

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
        adjoint = {id(self): 1.0}
        for node in self._nodes_after_their_uses():
            # All uses of the node come before it, so its own adjoint is complete.
            total = adjoint.pop(id(node))
            node.grad = node.grad + total if accumulate else total
            # (ad-adjoint)  u_bar = sum over the uses v of u of v_bar dv/du
            for operand, by in node._partials:
                adjoint[id(operand)] = adjoint.get(id(operand), 0.0) + total * by

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

    Raises
    ------
    ValueError
        If a count is below 1.
    TypeError
        If a count is not an integer.

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


def _divide(a: float, b: float) -> float:
    with np.errstate(all="ignore"):
        return float(np.float64(a) / np.float64(b))


def _power(a: float, b: float) -> float:
    with np.errstate(all="ignore"):
        return float(np.float64(a) ** np.float64(b))


def _log(a: float) -> float:
    with np.errstate(all="ignore"):
        return float(np.log(np.float64(a)))
