import sys
import warnings
from types import SimpleNamespace

import numpy as np
import pytest

import gradlab.checks as checks
from gradlab.checks import (
    Case,
    Criterion,
    Exercise,
    Misconception,
    Report,
    _report,
    check,
    report,
)
from gradlab.checks._run import judge

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
    with pytest.raises(ValueError, match=r"one of .*batch_normalization.*got 'batch_normalisation"):
        check("batch_normalisation.forward", right)
    with pytest.raises(ValueError, match=r"one of batch_normalization\.forward, .*got"):
        check("batch_normalization.forwards", right)
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
        (lambda out: out > 0, "holds booleans"),
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


# ---- an exercise that looks at more than one call


def walk(weights, rate):
    """Two arrays of different shapes, and how many entries they have."""
    return [w - rate * w for w in weights], sum(w.size for w in weights)


def three_steps(function, weights, rate):
    for _ in range(3):
        weights, count = function(weights, rate)
    return weights, count, np.inf


def walk_cases(rng):
    weights = [rng.normal(size=(3, 2)), rng.normal(size=4)]
    return [Case("ordinary", "two arrays", {"weights": weights, "rate": 0.1})]


WALK = Exercise(
    name="batch_normalization.walk",
    outputs=("weights", "count", "limit"),
    returns=("weights", "count"),
    lists=("weights",),
    reference=walk,
    observe=three_steps,
    cases=walk_cases,
    criteria=(
        Criterion("shapes", 1, "shape"),
        Criterion("numbers", 2, "values", "ordinary", ("weights", "count", "limit"), ("bn-mean",)),
        Criterion("roughly", 4, "values", "ordinary", ("weights",), ("bn-mean",), (0.2, 0.2)),
        Criterion("unchanged", 8, "unchanged"),
    ),
    misconceptions=(
        Misconception("a plus", "Minus.", "bn-mean", (lambda w, r: ([v + r * v for v in w], 10),)),
    ),
)


def walked(function):
    findings, _ = judge(WALK, function, WALK.cases(np.random.default_rng(0)))
    return Report(WALK.name, tuple(findings))


def in_place(weights, rate):
    for w in weights:
        w -= rate * w
    return weights, 10


@pytest.mark.parametrize(
    ("function", "earned", "text"),
    [
        (walk, 15, ""),
        (lambda w, r: ((w[0] * (1 - r), (w[1] * (1 - r)).tolist()), np.int32(10)), 15, ""),
        (lambda w, r: (walk(w, r)[0], 10.0), 15, ""),
        (in_place, 7, "Your function wrote to weights"),
        (lambda w, r: (walk(w, r)[0], 11), 13, "count: expected 10, got 11"),
        (lambda w, r: (walk(w, 0.11)[0], 10), 13, "weights[0][0, 0]: expected"),
        (lambda w, r: ([v + r * v for v in w], 10), 1, "Looks like a plus. Minus."),
        (lambda w, r: ([*walk(w, r)[0], 0.0], 10), 0, "weights has 5 entries, expected 2"),
        (lambda w, r: ([], 10), 0, "weights has 0 entries, expected 2"),
        (
            lambda w, r: (1.0, 10),
            0,
            "weights must be a list of arrays, got an object of type float",
        ),
        (lambda w, r: (["a", "b"], 10), 0, "weights[0] must be a NumPy array"),
        (
            lambda w, r: (walk(w, r)[0],),
            0,
            "Return the tuple (weights, count); your function returned 1",
        ),
        (lambda w, r: ([v[:1] * 0.9 for v in w], 10), 0, "has shape (1, 2), expected (3, 2)"),
    ],
)
def test_steps_lists_counts_and_tolerances(function, earned, text):
    result = walked(function)
    assert result.earned == earned, result
    assert text in words(result)


def test_an_error_in_a_later_step_names_the_line_of_the_student():
    seen = []

    def fails_later(weights, rate):
        seen.append(rate)
        if len(seen) > 2:
            raise IndexError("too far")
        return walk(weights, rate)

    assert "IndexError: too far in line" in words(walked(fails_later))


# ---- where to read again


def test_equations_are_links_where_the_book_has_an_address(monkeypatch):
    wrong = report(INFERENCE, lambda *a: right(*a) + 1)
    assert "Read again: equation bn-inference." in words(wrong)
    assert "<a " not in wrong._repr_html_()
    entries = {"Project-URL": ["Source, https://code.example", "Book, https://book.example/site/"]}
    metadata = SimpleNamespace(get_all=entries.get)
    monkeypatch.setattr(_report, "metadata", lambda name: metadata)
    address = "https://book.example/site/book/batch-normalization.html#equation-bn-inference"
    assert f'<a href="{address}">bn-inference</a>' in wrong._repr_html_()
