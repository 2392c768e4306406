import sys
import warnings

import numpy as np
import pytest

import gradlab.checks as checks
from gradlab.checks import check, report
from gradlab.checks.batch_normalization import EXERCISES

FORWARD = "batch_normalization.forward"
INFERENCE = "batch_normalization.inference"


def right(x, gamma, beta, running_mean, running_var, eps):
    return gamma * (x - running_mean) / np.sqrt(running_var + eps) + beta


def returning(make):
    """A function that turns the right answer into something else."""
    return lambda *arguments: make(right(*arguments))


def test_check_prints_the_report_and_returns_a_plain_float(capsys):
    points = check(INFERENCE, right)
    assert type(points) is float
    assert points == 1.0
    printed = capsys.readouterr()
    assert printed.out.startswith(f"{INFERENCE}: 1 of 1 points\n")
    assert printed.err == ""


def test_unknown_exercise_and_a_result_in_place_of_the_function():
    with pytest.raises(ValueError, match=r"name must be one of batch_normalization\.forward"):
        check("batch_normalisation.forward", right)
    with pytest.raises(TypeError, match="without parentheses"):
        check(INFERENCE, 3.0)


def test_a_warning_and_output_on_stderr_cost_nothing(capsys):
    def warns(*arguments):
        warnings.warn("look here", stacklevel=1)
        print("and here", file=sys.stderr)
        return right(*arguments)

    assert check(INFERENCE, warns) == 1.0
    printed = capsys.readouterr()
    assert printed.err == ""
    assert "costs nothing: UserWarning: look here" in printed.out


def test_numpy_warnings_are_reported_not_raised():
    result = report(INFERENCE, lambda *a: right(*a) + 0 * np.log(np.zeros(1)).clip(0))
    assert result.earned == 1.0
    assert "divide by zero" in result.warning


def test_an_error_says_what_and_where():
    def fails(x, gamma, beta, running_mean, running_var, eps):
        return x.men(axis=0)

    text = words(report(INFERENCE, fails))
    assert "AttributeError: 'numpy.ndarray' object has no attribute 'men'" in text
    assert "return x.men(axis=0)" in text
    assert text.count("AttributeError") == 1
    assert "takes 1 positional argument but 6 were given" in words(report(INFERENCE, lambda x: x))


def test_the_end_of_the_program_is_an_error_like_others():
    assert "SystemExit" in repr(report(INFERENCE, lambda *a: sys.exit(0)))


def test_an_interrupt_is_not_swallowed():
    def interrupted(*arguments):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        report(INFERENCE, interrupted)


def words(result):
    """The report's text without its line breaks."""
    return " ".join(repr(result).split())


class EqualsEverything:
    def __eq__(self, other):
        return True

    def __array__(self, dtype=None, copy=None):
        return np.zeros(3)


class Subclass(np.ndarray):
    pass


class Float(float):
    def __sub__(self, other):
        return 0.0


def endless():
    endless_list = []
    endless_list.append(endless_list)
    return endless_list


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda out: EqualsEverything(), "an object of type EqualsEverything"),
        (lambda out: out.view(Subclass), "an object of type Subclass"),
        (lambda out: np.ma.masked_array(out, mask=True), "an object of type MaskedArray"),
        (lambda out: (row for row in out), "an object of type generator"),
        (lambda out: None, "got None"),
        (lambda out: "numbers", "an object of type str"),
        (lambda out: out.astype(object), "got dtype object"),
        (lambda out: out.astype(complex), "got dtype complex128"),
        (lambda out: out > 0, "got dtype bool"),
        (lambda out: [[Float(v) for v in row] for row in out], "an object of type Float"),
        (lambda out: [EqualsEverything()], "an object of type EqualsEverything"),
        (lambda out: [[1.0], [1.0, 2.0]], "different lengths"),
        (lambda out: endless(), "holds more than"),
        (lambda out: out[:, :1], "has shape"),
        (lambda out: out * np.nan, "got nan"),
        (lambda out: np.full_like(out, np.inf), "got inf"),
    ],
)
def test_what_is_no_plain_data_is_refused(make, message):
    result = report(INFERENCE, returning(make))
    assert message in words(result)
    assert not any(f.passed for f in result.findings if f.criterion.kind == "values")


@pytest.mark.parametrize(
    "make",
    [
        lambda out: out.tolist(),
        lambda out: [list(row) for row in out],
        lambda out: list(out),
        lambda out: tuple(map(tuple, out)),
        lambda out: np.asfortranarray(out),
        lambda out: out[::-1][::-1],
        lambda out: out.astype(np.longdouble),
    ],
)
def test_every_form_of_plain_numbers_is_accepted(make):
    assert report(INFERENCE, returning(make)).earned == 1.0


def test_integers_lose_the_shape_criterion_only_where_they_are_wrong():
    result = report(INFERENCE, returning(lambda out: out.astype(int)))
    assert "holds integers" in repr(result)


def test_everything_from_the_student_is_escaped():
    class EvilError(Exception):
        pass

    def evil(*arguments):
        raise EvilError("<script>alert(1)</script>")

    html = report(INFERENCE, evil)._repr_html_()
    assert "<script>" not in html
    assert "&lt;script&gt;" in html


def test_long_messages_are_cut():
    def verbose(*arguments):
        raise ValueError("x" * 10_000)

    assert len(repr(report(INFERENCE, verbose))) < 2_000


def test_changed_arguments_are_seen_and_the_next_case_is_not_spoiled():
    def writes(x, *rest):
        out = right(x, *rest)
        x[:] = 0
        return out

    result = report(INFERENCE, writes)
    assert result.earned == 0.875
    assert "wrote to x" in repr(result)


def test_public_cases_stay_and_secret_ones_differ():
    def seen(secret):
        calls = []
        report(INFERENCE, lambda *a: calls.append(a[0].copy()), secret)
        return calls

    np.testing.assert_equal(seen(""), seen(""))
    np.testing.assert_equal(seen("a"), seen("a"))
    assert not np.array_equal(seen("")[0], seen("a")[0])
    assert not np.array_equal(seen("a")[0], seen("b")[0])
    assert len(seen("a")) == 3 * len(seen(""))


def test_the_secret_comes_from_the_environment(monkeypatch):
    calls = []
    monkeypatch.setenv(checks.SECRET, "a")
    report(INFERENCE, lambda *a: calls.append(a))
    assert len(calls) == 12


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda e: e.name)
def test_exercises_are_well_formed(exercise):
    assert [c.kind for c in exercise.criteria].count("unchanged") == 1
    groups = {case.group for case in exercise.cases(np.random.default_rng(0))}
    for criterion in exercise.criteria:
        assert criterion.points > 0
        if criterion.kind == "values":
            assert criterion.group in groups
            assert criterion.outputs
            assert set(criterion.outputs) <= set(exercise.outputs)
            assert criterion.equations
    names = [m.name for m in exercise.misconceptions]
    assert len(names) == len(set(names)) >= 3


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda e: e.name)
def test_cases_are_never_degenerate(exercise):
    """Conditions that hide mistakes, by the design's list: see the messages."""
    for seed in range(20):
        cases = exercise.cases(np.random.default_rng(seed))
        for case in cases:
            arguments = case.arguments
            for name, value in arguments.items():
                if name in {"gamma", "beta", "dout"} and value.size > 1:
                    assert np.unique(value).size == value.size, f"{name} has equal entries"
                if name == "momentum":
                    assert value != 0.5, "a momentum of one half hides the conventions"
            if "x" in arguments and case.group == "ordinary":
                rows, features = arguments["x"].shape
                assert rows != features, "as many examples as features"
                assert (np.abs(arguments["x"].mean(axis=0)) > 0.01).all(), "data without a mean"
        if "eps" in cases[0].arguments:
            assert any(case.arguments["eps"] > 0.1 for case in cases if case.group == "ordinary"), (
                "epsilon never matters"
            )
