from typing import ClassVar

import numpy as np
import pytest
from checking import Checker

from gradlab.autodiff import Dual, count_passes
from gradlab.checks import report
from gradlab.checks.autodiff import COST, DUAL, EXERCISES, JACOBIAN, REVERSE


class TestAutodiff(Checker):
    slug = "autodiff"
    equivalent: ClassVar[dict] = {
        (JACOBIAN.name, "line 13: 'n_inputs < n_outputs', comparison LtE"): (
            "with as many inputs as outputs both modes need the same passes"
        )
    }


def all_cases(exercise):
    return [case for seed in range(20) for case in exercise.cases(np.random.default_rng(seed))]


def test_dual_numbers_are_never_degenerate():
    for case in all_cases(DUAL):
        a, b = case.arguments["a"], case.arguments["b"]
        assert 0.3 < abs(a[1]) != 1.0, "a derivative of 0 or 1 hides the chain rule"
        if b is not None and case.group != "constant":
            assert 0.3 < abs(b[1]) < 1.0
            assert len({abs(v) for v in (*a, *b)}) == 4
    operations = {case.arguments["operation"] for case in all_cases(DUAL)}
    assert operations == {"add", "sub", "mul", "div", "pow", "exp", "log", "tanh", "relu"}


def test_both_sides_of_zero_and_of_the_kink():
    cases = DUAL.cases(np.random.default_rng(0))
    at = sorted(c.arguments["a"][0] for c in cases if c.arguments["operation"] == "relu")
    assert -1 < at[0] < at[1] == 0.0 < at[2] < 1
    bases = [c.arguments["a"][0] for c in cases if c.group == "power"]
    assert min(bases) < 1 < max(bases), "the logarithm has both signs"


def test_wrapped_reference_agrees_with_differences():
    h = 1e-6
    for case in all_cases(DUAL):
        operation, a, b = case.arguments.values()
        if case.group == "kink":
            continue
        ends = []
        for sign in (1, -1):
            moved = (a[0] + sign * h * a[1], 0.0)
            other = None if b is None else (b[0] + sign * h * b[1], 0.0)
            ends.append(DUAL.reference(operation, moved, other)[0])
        _, derivative = DUAL.reference(operation, a, b)
        np.testing.assert_allclose((ends[0] - ends[1]) / (2 * h), derivative, rtol=1e-6, atol=1e-8)


def test_a_constant_is_what_does_not_move():
    """With a dual number of derivative 0 for the exponent, the package's own result is nan."""
    value, derivative = DUAL.reference("pow", (-2.0, 1.5), (3.0, 0.0))
    assert (value, derivative) == (-8.0, 18.0)
    assert np.isnan((Dual(-2.0, 1.5) ** Dual(3.0)).derivative)


@pytest.mark.parametrize("exercise", [REVERSE, COST], ids=lambda e: e.name)
def test_graphs_are_recorded_in_order_and_never_degenerate(exercise):
    for case in all_cases(exercise):
        operands = case.arguments["operands"]
        assert all(u < k for k, nodes in enumerate(operands) for u in nodes)
        inputs = sum(not nodes for nodes in operands)
        if exercise is COST and case.group == "ordinary":
            outputs, arrows = case.arguments["outputs"], sum(map(len, operands))
            assert inputs != len(outputs), "as many inputs as outputs"
            assert len({inputs, len(operands), arrows, len(operands) - inputs}) == 4
            assert all(outputs[k] < len(operands) for k in range(len(outputs)))
        if exercise is REVERSE:
            for nodes, by in zip(operands, case.arguments["partials"]):
                assert len(nodes) == len(by)
                assert all(abs(p) not in (0.0, 1.0) for p in by)
                assert len(set(by)) == len(by), "equal local derivatives hide their order"
        if case.group == "ordinary":
            uses = [u for nodes in operands for u in nodes]
            assert any(uses.count(u) > 1 for u in uses), "every node is used once"


def test_the_doublings_can_be_walked_path_by_path():
    """Slow but right is right: so there must not be too many paths."""
    for case in all_cases(REVERSE):
        paths = [0] * len(case.arguments["operands"])
        paths[case.arguments["output"]] = 1
        for k in reversed(range(len(paths))):
            for u in case.arguments["operands"][k]:
                paths[u] += paths[k]
        assert sum(paths) < 5000


def test_jacobians_are_not_square_where_the_mode_matters():
    for case in all_cases(JACOBIAN):
        n_inputs, n_outputs = len(case.arguments["point"]), len(case.arguments["coefficients"])
        if case.group == "tall":
            assert 1 < n_inputs < n_outputs
        if case.group == "wide":
            assert 1 < n_outputs < n_inputs
        matrix, passes, calls = JACOBIAN.observe(JACOBIAN.reference, *case.arguments.values())
        assert passes == calls == min(count_passes(n_inputs, n_outputs))
        assert np.unique(matrix).size == matrix.size
        assert np.abs(matrix).max() < 10


def test_both_modes_give_the_same_jacobian():
    for case in all_cases(JACOBIAN):
        found = [
            JACOBIAN.observe(function, *case.arguments.values())[0]
            for function in (
                lambda jvp, vjp, n, m: (np.stack([jvp(e) for e in np.eye(n)], axis=1), n),
                lambda jvp, vjp, n, m: (np.stack([vjp(e) for e in np.eye(m)]), m),
            )
        ]
        np.testing.assert_allclose(*found, rtol=1e-12)


def test_passes_are_counted_and_not_believed():
    def dishonest(jvp, vjp, n_inputs, n_outputs):
        rows = np.stack([vjp(e) for e in np.eye(n_outputs)])
        return rows, min(n_inputs, n_outputs)

    result = report(JACOBIAN.name, dishonest)
    assert result.earned == 1.75
    assert "calls: expected 2, got 5" in repr(result)


def test_a_seed_of_the_wrong_length_is_explained():
    text = repr(report(JACOBIAN.name, lambda jvp, vjp, n, m: (jvp(np.ones(n + 1)), 1)))
    assert "jvp takes an array (2,), a seed for each input; got shape (3,)" in " ".join(
        text.split()
    )


def test_every_exercise_is_here():
    assert EXERCISES == (DUAL, REVERSE, COST, JACOBIAN)
