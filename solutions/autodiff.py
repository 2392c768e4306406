# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Exercise: Automatic differentiation
#
# You write both modes of automatic differentiation: the arithmetic of dual numbers, which carries
# derivatives beside the values, and the walk back through a recorded graph. Then you count what
# each mode costs, and use the two as a library offers them to get a whole Jacobian with as few
# passes as possible. The chapter *Automatic differentiation* of the book derives every rule; its
# equation labels, such as `ad-adjoint`, appear in the reports below.
#
# POINTS
#
# Write plain NumPy. After each part, run the cell with `check(...)`: it compares your function with
# the reference, says what is wrong, and shows the points that you have. Your submission is graded
# by the same criteria on other numbers. Expect about 90 minutes.

# %%
import numpy as np

# No module named "gradlab"? The page "Getting started" of the book says how to install it.
from gradlab.checks import check

# %% [markdown]
# ## 1 Dual numbers
#
# A pair `(a, da)` holds a value $a$ and its derivative $\dot a$ with respect to something that is
# the same for the whole computation. Calculate with $a + \dot a \, \varepsilon$ and
# $\varepsilon^2 = 0$, and return the pair of the result. The operations are given by name:
#
# | `"add"` | `"sub"` | `"mul"` | `"div"` | `"pow"` | `"exp"` | `"log"` | `"tanh"` | `"relu"` |
# |---|---|---|---|---|---|---|---|---|
# | $a + b$ | $a - b$ | $a b$ | $a / b$ | $a^b$ | $e^a$ | $\log a$ | $\tanh a$ | $\max(0, a)$ |
#
# In a power both may move, base and exponent. The base is then positive; it may be negative where
# the exponent is a whole number whose derivative is 0, and no logarithm exists. At 0 the slope of
# `"relu"` is taken to be 0. No denominator is 0, and `"log"` gets positive numbers only.


# %% nbgrader={"grade": false, "grade_id": "dual", "locked": false, "schema_version": 3, "solution": true, "task": false}
def dual(operation, a, b):
    """One operation on dual numbers.

    operation: str, one of the names in the table
    a: pair of floats (value, derivative)
    b: pair of floats (value, derivative), or None where the operation has one operand

    Returns the tuple (value, derivative) of two floats.
    """
    ### BEGIN SOLUTION
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
        # The numerator is quotient times denominator, so dx = y * derivative + quotient * dy.
        quotient = x / y
        return quotient, (dx - quotient * dy) / y
    # What is left is the power. Each operand that moves contributes a term.
    value, derivative = x**y, y * x ** (y - 1) * dx
    if dy != 0:
        derivative += value * np.log(x) * dy
    return value, derivative
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check-dual", "locked": true, "schema_version": 3, "solution": false, "task": false}
from gradlab.checks import check

check("autodiff.dual", dual)

# %% [markdown]
# ## 2 The reverse pass
#
# A program has run, and its graph was recorded. The nodes are numbered in the order of their
# computation. `operands[k]` lists the nodes that node `k` was computed from, none for an input, and
# `partials[k]` the local derivatives with respect to them, in the same order. The expression
# $(x + \tanh(x y)) \, y$ at $x = 0.5$, $y = 2$ gives
#
# | node | 0 | 1 | 2 | 3 | 4 | 5 |
# |---|---|---|---|---|---|---|
# | what | $x$ | $y$ | $a = x y$ | $b = \tanh a$ | $c = x + b$ | $f = c y$ |
# | operands | `[]` | `[]` | `[0, 1]` | `[2]` | `[0, 3]` | `[4, 1]` |
# | partials | `[]` | `[]` | `[2.0, 0.5]` | `[0.42]` | `[1.0, 1.0]` | `[2.0, 1.26]` |
#
# Find the derivative of node `output` with respect to every node, its adjoint. `output` may be any
# node: the derivative with respect to a node that it does not depend on is 0, and that with respect
# to itself is 1. An operation may use a node twice, as $x x$ does; then its number stands in the
# list twice.


# %% nbgrader={"grade": false, "grade_id": "reverse", "locked": false, "schema_version": 3, "solution": true, "task": false}
def reverse_pass(operands, partials, output):
    """Derivatives of one node of a recorded graph with respect to all nodes.

    operands: list with a list of ints for each node, all smaller than the node's own number
    partials: list with a list of floats for each node, one for each operand
    output: int, the number of the node to differentiate

    Returns an array (number of nodes,).
    """
    ### BEGIN SOLUTION
    adjoints = np.zeros(len(operands))
    adjoints[output] = 1.0
    # All uses of a node have larger numbers, so its adjoint is complete when its turn comes.
    for k in reversed(range(output + 1)):
        for node, partial in zip(operands[k], partials[k], strict=True):
            adjoints[node] += adjoints[k] * partial
    return adjoints
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check-reverse", "locked": true, "schema_version": 3, "solution": false, "task": false}
from gradlab.checks import check

check("autodiff.reverse", reverse_pass)

# %% [markdown]
# ## 3 What each mode costs
#
# Somebody wants the derivatives of all nodes in `outputs` with respect to all inputs, the nodes
# without operands. For each mode, how many passes does that take, and how many multiplications?
# Count as the chapter does: a pass uses every arrow of the graph once, for one multiplication by
# a local derivative, whatever its number is and wherever the arrow leads. A node that enters an
# operation twice has two arrows to it. An input counts even if nothing uses it.


# %% nbgrader={"grade": false, "grade_id": "cost", "locked": false, "schema_version": 3, "solution": true, "task": false}
def cost(operands, outputs):
    """Passes and multiplications for the whole Jacobian, by forward and by reverse mode.

    operands: list with a list of ints for each node, as in part 2
    outputs: list of ints, the numbers of the nodes to differentiate, all different

    Returns the tuple (forward_passes, reverse_passes, forward_multiplications,
    reverse_multiplications) of four ints.
    """
    ### BEGIN SOLUTION
    forward = sum(1 for nodes in operands if len(nodes) == 0)
    reverse = len(outputs)
    arrows = sum(len(nodes) for nodes in operands)
    return forward, reverse, forward * arrows, reverse * arrows
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check-cost", "locked": true, "schema_version": 3, "solution": false, "task": false}
from gradlab.checks import check

check("autodiff.cost", cost)

# %% [markdown]
# ## 4 A Jacobian with the fewest passes
#
# A library does not hand over its graph but two functions, each of which makes one pass through the
# program at a fixed point. With $J_{ij} = \partial f_i / \partial x_j$ the Jacobian,
#
# - `jvp(seed)` is a forward pass: it takes a derivative $\dot x_j$ for each input and returns
#   $\dot f = J \dot x$, an array `(n_outputs,)`;
# - `vjp(seed)` is a reverse pass: it takes an adjoint $\bar f_i$ for each output and returns
#   $\bar x = \bar f^\top J$, an array `(n_inputs,)`.
#
# Find the whole Jacobian with as few passes as possible, and say how many you made. The check
# counts them.


# %% nbgrader={"grade": false, "grade_id": "jacobian", "locked": false, "schema_version": 3, "solution": true, "task": false}
def jacobian(jvp, vjp, n_inputs, n_outputs):
    """The Jacobian of a program, by forward or by reverse mode, whichever is cheaper.

    jvp: function that takes an array (n_inputs,) and returns an array (n_outputs,)
    vjp: function that takes an array (n_outputs,) and returns an array (n_inputs,)
    n_inputs, n_outputs: int, at least 1

    Returns the tuple (jacobian, passes): an array (n_outputs, n_inputs) and an int, the number of
    calls of jvp and vjp together.
    """
    ### BEGIN SOLUTION
    result = np.zeros((n_outputs, n_inputs))
    if n_inputs < n_outputs:
        # A seed of 1 on one input and 0 on the others picks a column of the Jacobian.
        for j in range(n_inputs):
            seed = np.zeros(n_inputs)
            seed[j] = 1.0
            result[:, j] = jvp(seed)
        return result, n_inputs
    # The same on an output picks a row.
    for i in range(n_outputs):
        seed = np.zeros(n_outputs)
        seed[i] = 1.0
        result[i] = vjp(seed)
    return result, n_outputs
    ### END SOLUTION


# %% nbgrader={"grade": true, "grade_id": "check-jacobian", "locked": true, "schema_version": 3, "solution": false, "task": false}
from gradlab.checks import check

check("autodiff.jacobian", jacobian)

# %% [markdown]
# ## 5 A question in words
#
# A program simulates the temperature in a room: from 3 material constants it computes, in a million
# small steps, 500 readings of a thermometer. You want to know how every reading depends on every
# constant. Later, somebody compares the readings with measured ones by one sum of squares and
# replaces the 3 constants by a neural network with 10 000 weights inside the simulation. Which mode
# do you take in each case, with how many passes, and what does each choice ask of the memory? Four
# or five sentences.

# %% [markdown] nbgrader={"grade": true, "grade_id": "question-modes", "locked": false, "points": 1, "schema_version": 3, "solution": true, "task": false}
# ### BEGIN SOLUTION
# In the first case forward mode: 3 inputs mean 3 passes, where reverse mode would need one for each
# of the 500 readings. Forward mode forgets a node as soon as the program does, so it needs no more
# memory than the simulation, about twice as much for the derivatives, however many steps there are.
# In the second case there is one output, the sum of squares, and 10 000 inputs: reverse mode, with
# one pass instead of 10 000. It has to keep the graph of all million steps until it walks back,
# which may be more than there is; then one keeps the state at a few points only and computes the
# steps between them again on the way back.
#
# Marking: 0.25 for forward mode with 3 passes, against 500; 0.25 for reverse mode with 1, against
# 10 000; 0.25 for memory that does not grow in the first case; 0.25 for a graph that has to be kept
# in the second.
# ### END SOLUTION

# %% [markdown]
# ## 6 For those who like speed
#
# Not graded. The reverse pass over lists is slow because Python handles each number on its own, the
# reason why libraries make their nodes large. Compiled, small nodes are cheap. Numba wants arrays:
# here every node has two operands, in the rows of an array of ints and one of floats, and an input
# has -1 in place of each. Write the same pass under `numba.njit`. The last line of the last cell
# runs the comparison, once you take away its `#`.

# %% nbgrader={"grade": false, "grade_id": "numba", "locked": false, "schema_version": 3, "solution": true, "task": false}
import timeit

from numba import njit


@njit
def reverse_pass_numba(operands, partials, output):
    ### BEGIN SOLUTION
    bars = np.zeros(operands.shape[0])
    bars[output] = 1.0
    for k in range(output, -1, -1):
        for side in range(operands.shape[1]):
            if operands[k, side] >= 0:
                bars[operands[k, side]] += bars[k] * partials[k, side]
    return bars
    ### END SOLUTION


# %%
def speed_up():
    """Time both forms alternately on one graph and print the ratio of the medians."""
    rng = np.random.default_rng(0)
    count = 5000
    operands = np.full((count, 2), -1)
    for k in range(10, count):
        operands[k] = rng.integers(0, k, 2)
    partials = rng.uniform(-0.7, 0.7, (count, 2))
    as_lists = [row.tolist() if row[0] >= 0 else [] for row in operands]
    numbers = [row.tolist()[: len(nodes)] for row, nodes in zip(partials, as_lists, strict=True)]
    given = {
        reverse_pass: (as_lists, numbers, count - 1),
        reverse_pass_numba: (operands, partials, count - 1),
    }
    slow, fast = (function(*arguments) for function, arguments in given.items())
    np.testing.assert_allclose(slow, fast, atol=1e-10)
    times = {function: [] for function in given}
    for _ in range(15):
        for function, record in times.items():
            record.append(timeit.timeit(lambda f=function: f(*given[f]), number=5))
    list_time, numba_time = (sorted(record)[7] for record in times.values())
    print(f"numba takes {numba_time / list_time:.4f} of the time that lists take")


# speed_up()
