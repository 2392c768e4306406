from typing import ClassVar

import numpy as np
import pytest
from checking import Checker

from gradlab.checks import report
from gradlab.checks.backpropagation import CHECK, EXERCISES, FORWARD, GRADIENTS, SENSITIVITIES


class TestBackpropagation(Checker):
    slug = "backpropagation"
    equivalent: ClassVar[dict] = {
        (SENSITIVITIES.name, "line 11: '-net_inputs[-1]', sign turned"): (
            "the slope of the sigmoid is the same at z and at -z"
        )
    }


def all_cases(exercise):
    return [case for seed in range(20) for case in exercise.cases(np.random.default_rng(seed))]


@pytest.mark.parametrize("exercise", [FORWARD, SENSITIVITIES, GRADIENTS], ids=lambda e: e.name)
def test_networks_are_never_degenerate(exercise):
    for case in all_cases(exercise):
        weights = case.arguments["weights"]
        widths = [weights[0].shape[0], *(w.shape[1] for w in weights)]
        batch = len(next(iter(case.arguments.values())))
        if exercise is GRADIENTS:
            batch = len(case.arguments["inputs"][0])
        assert batch not in widths, "as many examples as units"
        if case.group == "ordinary":
            assert len(set(widths)) == len(widths) >= 3, "equal widths hide a transpose"
        else:
            assert len(set(widths)) == 1, "only square matrices let a forgotten transpose run"
        for bias in case.arguments.get("biases", []):
            assert (np.abs(bias) > 0.2).all(), "a bias that does not matter"
        for name in ("dout", "sensitivities"):
            given = case.arguments.get(name, [])
            for array in given if isinstance(given, list) else [given]:
                assert np.unique(array).size == array.size, f"{name} has equal entries"


def test_depths_and_dtypes_differ():
    for exercise in (FORWARD, SENSITIVITIES, GRADIENTS):
        cases = exercise.cases(np.random.default_rng(0))
        depths = {len(case.arguments["weights"]) for case in cases}
        assert {1, 2, 3, 4} <= depths
        assert {case.arguments["weights"][0].dtype.name for case in cases} == {"float32", "float64"}


def test_gradients_to_check_separate_the_definitions_of_an_error():
    for case in all_cases(CHECK):
        numerical, errors = CHECK.reference(*case.arguments.values())
        if case.group == "check":
            assert sum(error > 0.3 for error in errors) == 2
            assert min(errors) < 1e-4, "one gradient is right"
        sizes = [np.abs(a).max() for a in numerical]
        if case.group == "edge":
            assert errors[1:] == [1.0, 0.0]
        else:
            assert min(sizes) > 1e-2, "nothing to differentiate"
        assert case.arguments["step"] >= 1e-5, "rounding decides"


def test_the_check_finds_the_layer_with_the_mistake():
    """The experiment of the question: only the lowest layer's gradient is wrong."""
    rng = np.random.default_rng(3)
    x, y = rng.standard_normal((7, 3)), rng.standard_normal((7, 2))
    w0, w1, w2 = (
        rng.standard_normal(shape) / np.sqrt(shape[0]) for shape in ((3, 5), (5, 4), (4, 2))
    )

    def loss(parameters):
        a, b, c = parameters
        return float(np.mean((np.tanh(np.tanh(x @ a) @ b) @ c - y) ** 2))

    def claimed(w0):
        h1 = np.tanh(x @ w0)
        h2 = np.tanh(h1 @ w1)
        s3 = 2 * (h2 @ w2 - y) / y.size
        s2 = s3 @ w2.T * (1 - h2**2)
        return [x.T @ (s2 @ w1.T), h1.T @ s2, h2.T @ s3]

    _, errors = CHECK.reference(loss, [w0, w1, w2], claimed(w0), 1e-5)
    assert errors[0] > 0.1
    assert max(errors[1:]) < 1e-7
    small = 0.001 * w0
    _, errors = CHECK.reference(loss, [small, w1, w2], claimed(small), 1e-5)
    assert errors[0] < 1e-4
    # The wrong step still goes downhill.
    assert loss([w0 - 0.05 * claimed(w0)[0], w1, w2]) < loss([w0, w1, w2])


def test_nothing_follows_from_what_was_not_computed():
    def zeros(values):
        return [np.zeros_like(value) for value in values]

    def claims(f, parameters, gradients, step):
        return gradients, np.zeros(len(gradients))

    def full(x, weights, number):
        return [np.full((len(x), weight.shape[1]), number) for weight in weights]

    for exercise, function in (
        (FORWARD, lambda x, w, b: (zeros(x @ w[0] for _ in w), zeros(x @ w[0] for _ in w))),
        (FORWARD, lambda x, w, b: (full(x, w, 1e3), full(x, w, 1.0))),
        (SENSITIVITIES, lambda dout, z, w: zeros(z)),
        (CHECK, claims),
        (CHECK, lambda f, p, g, step: (zeros(p), np.ones(len(p)))),
    ):
        result = report(exercise.name, function)
        shape = next(c.points for c in exercise.criteria if c.kind == "shape")
        assert result.earned <= shape, result


@pytest.mark.parametrize(
    ("exercise", "mistake", "points"),
    [
        (FORWARD, "net inputs handed on to the next layer", 1.0),
        (SENSITIVITIES, "the slope at the output layer forgotten", 1.5),
        (CHECK, "a minus too many", 1.25),
    ],
)
def test_one_slip_does_not_cost_what_follows_from_it(exercise, mistake, points):
    (found,) = [m for m in exercise.misconceptions if m.name == mistake]
    assert report(exercise.name, found.variants[0]).earned == points


def test_missing_layers_are_counted():
    for name, none, message in (
        (FORWARD.name, ([], []), "net_inputs has 0 entries"),
        (SENSITIVITIES.name, [], "output_layer has shape (0,)"),
        (GRADIENTS.name, (0.0, [], []), "dweights has 0 entries"),
    ):
        result = report(name, lambda *a, none=none: none)
        assert result.earned == 0
        assert message in repr(result)


def test_every_exercise_is_here():
    assert EXERCISES == (FORWARD, SENSITIVITIES, GRADIENTS, CHECK)
