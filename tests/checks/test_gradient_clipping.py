import numpy as np
from checking import Checker

from gradlab.checks.gradient_clipping import BY_NORM, BY_VALUE, DESCENT, EXERCISES, GLOBAL_NORM


class TestGradientClipping(Checker):
    slug = "gradient-clipping"


def cases_of(exercise, group="ordinary"):
    for seed in range(20):
        for case in exercise.cases(np.random.default_rng(seed)):
            if case.group == group:
                yield case.arguments


def test_thresholds_are_no_neutral_numbers():
    for exercise in EXERCISES:
        for arguments in cases_of(exercise):
            threshold = arguments.get("max_norm", arguments.get("clip_value"))
            assert threshold != 1.0, "a threshold of 1 hides that it was forgotten"


def test_gradients_lie_on_both_sides_of_both_bounds():
    for arguments in cases_of(BY_VALUE):
        scaled = arguments["grad"] / arguments["clip_value"]
        for part in (scaled > 1.1, scaled < -1.1, (scaled > 0) & (scaled < 0.9)):
            assert part.any()
        assert ((scaled > -0.9) & (scaled < 0)).any()
        assert np.unique(np.abs(scaled)).size == scaled.size


def test_gradients_are_long_enough_and_short_enough():
    for arguments in cases_of(BY_NORM):
        assert np.linalg.norm(arguments["grad"]) > 1.1 * arguments["max_norm"]
    short, even = list(cases_of(BY_NORM, "short"))[:2]
    assert np.linalg.norm(short["grad"]) < 0.9 * short["max_norm"]
    assert np.abs(even["grad"]).max() < even["max_norm"] < np.linalg.norm(even["grad"])


def test_only_the_norm_of_all_arrays_is_above_the_threshold():
    alone = [a for a in cases_of(GLOBAL_NORM, "short") if len(a["grads"]) > 1][1::2]
    assert len(alone) == 20
    for arguments in alone:
        assert all(np.linalg.norm(g) < arguments["max_norm"] for g in arguments["grads"])


def test_shapes_differ_and_matrices_are_not_square():
    for exercise in (BY_NORM, BY_VALUE):
        assert {a["grad"].ndim for a in cases_of(exercise)} == {1, 2}
    for arguments in cases_of(GLOBAL_NORM):
        matrix, vector, other = arguments["grads"]
        assert len({matrix.shape, vector.shape, other.shape}) == 3
        assert matrix.shape[0] != matrix.shape[1]


def test_squares_are_out_of_range():
    for arguments in cases_of(GLOBAL_NORM, "extreme"):
        with np.errstate(all="ignore"):
            naive = sum((g**2).sum() for g in arguments["grads"])
        assert naive in (0, np.inf)
        assert max(np.abs(g).max() for g in arguments["grads"]) < np.inf


def test_descent_clips_some_gradients_and_others_not():
    for arguments in cases_of(DESCENT):
        path = DESCENT.reference(*arguments.values())
        lengths = [np.linalg.norm(arguments["gradient"](point)) for point in path[:-1]]
        longer = np.array(lengths) > 1.1 * arguments["max_norm"]
        shorter = np.array(lengths) < 0.9 * arguments["max_norm"]
        assert longer.any()
        assert shorter.any()
        assert arguments["momentum"] != 0.5
