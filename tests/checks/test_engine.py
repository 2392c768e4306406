import importlib
import pkgutil
import re
import sys
import warnings
from html.parser import HTMLParser
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
from gradlab.checks._compare import differs
from gradlab.checks._judge import judge

FORWARD = "batch_normalization.forward"
INFERENCE = "batch_normalization.inference"


def right(x, gamma, beta, running_mean, running_var, eps):
    return gamma * (x - running_mean) / np.sqrt(running_var + eps) + beta


def returning(make):
    """A function that turns the right answer into something else."""
    return lambda *arguments: make(right(*arguments))


def test_check_prints_the_report_and_returns_a_plain_float(capsys):
    points = check(INFERENCE, right)
    assert isinstance(points, float)
    assert (points, repr(points), points._repr_html_()) == (1.0, "1.0", "<span></span>")
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


class UnreadableError(Exception):
    def __str__(self):
        raise RuntimeError("no message")


def test_an_exception_without_a_readable_message_is_reported():
    def fails(*arguments):
        raise UnreadableError

    assert "UnreadableError: (its message cannot be read)" in words(report(INFERENCE, fails))


def test_a_warning_of_many_lines_is_shown_in_one():
    def warns(*arguments):
        warnings.warn("look\nhere\n" * 5, stacklevel=1)
        return right(*arguments)

    assert "\n" not in report(INFERENCE, warns).warning


def test_the_end_of_the_program_is_an_error_like_others():
    assert "SystemExit" in repr(report(INFERENCE, lambda *a: sys.exit(0)))


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
        (lambda out: None, "returned nothing; return out"),
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
        (lambda w, r: (walk(w, 0.11)[0], 10), 13, "weights[0]["),
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
            lambda w, r: walk(w, r)[::-1],
            0,
            "weights must be a list of arrays, got an object of type int",
        ),
        (
            lambda w, r: walk(w, r)[::-1],
            0,
            "You return (count, weights); asked for is (weights, count).",
        ),
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
    assert f'<a href="{address}" target="_blank"' in wrong._repr_html_()


# Those of JupyterLab's sanitizer, which it applies to notebooks of others.
PROPERTIES = {
    "background-color", "border-collapse", "border-radius", "border-top", "color", "font-size",
    "margin", "margin-top", "max-width", "padding", "table-layout", "text-align",
    "text-decoration", "vertical-align", "white-space", "width",
}  # fmt: skip


class Parts(HTMLParser):
    def __init__(self, html):
        super().__init__()
        self.found = []
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))


def test_a_report_needs_nothing_that_a_notebook_drops(monkeypatch):
    """Colab shows it in a frame of its own, VS Code with rules of its own for tables."""

    def wrong(*arguments):
        warnings.warn("look here", stacklevel=1)
        return right(*arguments) + 1

    entries = {"Project-URL": ["Book, https://book.example"]}
    metadata = SimpleNamespace(get_all=entries.get)
    monkeypatch.setattr(_report, "metadata", lambda name: metadata)
    parts = Parts(report(INFERENCE, wrong)._repr_html_()).found
    tags = {tag for tag, _ in parts}
    plain = {"div", "p", "strong", "table", "tr", "td", "span", "code", "a"}
    assert {"table", "a", "code"} <= tags <= plain
    for tag, attributes in parts:
        assert attributes.keys() <= {"style", "href", "target", "rel"}
        style = dict(pair.split(":") for pair in attributes.get("style", "").split(";") if pair)
        assert style.keys() <= PROPERTIES
        # A color of its own has a ground of its own.
        assert style.get("color", "inherit") == "inherit" or "background-color" in style
        assert ("target" in attributes) == (tag == "a")


def test_code_in_a_report_is_shown_as_code():
    finding = checks.Finding(Criterion("a", 1), False, detail="`x <b>` is `y`, ` alone")
    html = Report("toy.out", (finding,))._repr_html_()
    assert "<code>x &lt;b&gt;</code> is <code>y</code>, ` alone" in html


# ---- a diagnosis is a claim: it has to explain everything that is wrong

ALL = [
    chosen
    for topic in pkgutil.iter_modules(checks.__path__)
    if not topic.name.startswith("_")
    for chosen in importlib.import_module(f"gradlab.checks.{topic.name}").EXERCISES
]


def named(result):
    """What the value criteria are said to look like."""
    kinds = [(f.criterion.kind, f.misconception) for f in result.findings]
    return {name for kind, name in kinds if kind == "values" and name}


def reference(name):
    return checks.exercise(name).reference


def each(value, change):
    if isinstance(value, (list, tuple)):
        return [each(item, change) for item in value]
    return change(np.asarray(value))


def as_it_came(value, arguments):
    """An argument that has the output's form, as it came; zeros where there is none."""
    if isinstance(value, (list, tuple)):
        lists = [a for a in arguments if isinstance(a, (list, tuple)) and len(a) == len(value)]
        return list(lists[0]) if lists else [as_it_came(item, arguments) for item in value]
    shape = np.shape(value)
    plain = [a for a in arguments if isinstance(a, (np.ndarray, int, float))]
    return next((a for a in plain if np.shape(a) == shape), np.zeros(shape))


NOTHING = {
    "zeros": lambda value, arguments: each(value, lambda v: np.zeros(v.shape)),
    "ones": lambda value, arguments: each(value, lambda v: np.ones(v.shape)),
    "nan": lambda value, arguments: each(value, lambda v: np.full(v.shape, np.nan)),
    "as it came": as_it_came,
}


def computing_nothing(chosen):
    """Functions that leave out all that they should compute, or one of the results."""
    count = len(chosen.returns or chosen.outputs)
    for label, nothing in NOTHING.items():
        for alone in [None, *range(count if count > 1 else 0)]:

            def function(*arguments, nothing=nothing, alone=alone):
                result = chosen.reference(*arguments)
                values = result if count > 1 else (result,)
                values = [
                    nothing(value, arguments) if alone in (None, k) else value
                    for k, value in enumerate(values)
                ]
                return tuple(values) if count > 1 else values[0]

            yield label if alone is None else f"{label} for {alone}", function
    for position, parameter in enumerate(chosen.parameters):

        def function(*arguments, position=position):
            return (arguments[position],) * count if count > 1 else arguments[position]

        yield f"{parameter} returned", function


# Names that say no more than that: what was returned, and not why.
TRUE_OF_NOTHING = {
    ("activations.constants", "as it came for 1", "a scale that was not computed"),
    ("activations.constants", "ones for 1", "a scale that was not computed"),
    ("activations.constants", "zeros for 1", "a scale that was not computed"),
    ("activations.leaky_relu", "as it came for 1", "a gradient that passes as it arrives"),
    ("activations.leaky_relu", "zeros for 2", "a share that is always 0"),
    ("data_augmentation.test_time", "as it came", "an average that stays 0"),
    ("data_augmentation.test_time", "zeros", "an average that stays 0"),
    ("dropout.forward", "as it came for 0", "a mask that x is not multiplied by"),
    ("dropout.inference", "as it came for 0", "weights as they were trained"),
    ("early_stopping.train", "ones for 0", "a number of epochs that is not counted"),
    ("early_stopping.train", "zeros for 0", "a number of epochs that is not counted"),
    ("gradient_clipping.by_norm", "as it came", "a gradient that is not clipped"),
    ("gradient_clipping.by_norm", "grad returned", "a gradient that is not clipped"),
    ("in_practice.train", "as it came for 0", "parameters that are never kept"),
    ("schedules.power", "init_value returned", "a rate that stays the same"),
    ("weight_decay.penalty", "zeros", "a penalty and gradients that are all 0"),
    ("weight_decay.penalty", "zeros for 0", "a penalty that stays at 0"),
}


@pytest.mark.parametrize("chosen", ALL, ids=lambda chosen: chosen.name)
def test_what_computes_nothing_is_given_no_name(chosen):
    with np.errstate(all="ignore"):
        found = {
            (chosen.name, label, name)
            for label, function in computing_nothing(chosen)
            for name in named(report(chosen.name, function))
        }
    assert found == {row for row in TRUE_OF_NOTHING if row[0] == chosen.name}


def test_only_a_mistake_that_says_so_may_return_what_it_was_given():
    stays = [(e.name, m.name) for e in ALL for m in e.misconceptions if m.idle]
    assert ("batch_normalization.running_statistics", "running statistics that never move") in stays
    assert len(stays) < 45
    unchanged = report("batch_normalization.running_statistics", lambda *a: a[:2])
    assert named(unchanged) == {"running statistics that never move"}


@pytest.mark.parametrize(
    "chosen",
    [e for e in ALL if 2 <= len(e.returns or e.outputs) <= 5],
    ids=lambda chosen: chosen.name,
)
def test_values_in_another_order_are_said_to_be(chosen):
    names = chosen.returns or chosen.outputs

    def turned(*arguments):
        result = tuple(chosen.reference(*arguments))
        return (*result[1:], result[0])

    result = report(chosen.name, turned)
    own = {m.name for m in chosen.misconceptions if "exchanged" in m.name}
    assert len(named(result)) == 1, result
    if not named(result) <= own:
        told = f"You return ({', '.join((*names[1:], names[0]))}); asked for is"
        assert told in words(result)


def test_two_mistakes_get_the_names_of_both():
    def twice(operation, a, b=None):
        value, derivative = reference("autodiff.dual")(operation, a, b)
        if operation == "div":
            derivative = (a[1] * b[0] + a[0] * b[1]) / b[0] ** 2
        if operation == "tanh":
            derivative = (1 - a[0] ** 2) * a[1]
        return value, derivative

    def quotient(operation, a, b=None):
        return (
            twice(operation, a, b)
            if operation == "div"
            else reference("autodiff.dual")(operation, a, b)
        )

    assert named(report("autodiff.dual", quotient)) == {"a plus in the quotient rule"}
    assert named(report("autodiff.dual", twice)) == {
        "two mistakes at once: a plus in the quotient rule, and the slope of tanh formed from its "
        "argument"
    }


def adam_at_rest(w, m, v, t, gradient, learning_rate, beta1, beta2, epsilon):
    """The state moves on, and the weights do not move."""
    v = beta2 * v + (1 - beta2) * gradient**2
    return w.copy(), beta1 * m + (1 - beta1) * gradient, v, t + 1


def power_of_both(operation, a, b=None):
    if operation == "pow":
        return a[0] ** b[0], b[0] * a[0] ** (b[0] - 1) * a[1] * b[1]
    return reference("autodiff.dual")(operation, a, b)


def shifted_tanh(z):
    """The sigmoid of 2 z, doubled and not lowered."""
    s, t, ds, dt = reference("activations.sigmoid_tanh")(z)
    return s, 1 + t, ds, dt


def never_mirrored(images, size, padding, probability, rng):
    return reference("data_augmentation.crop_flip")(images, size, padding, 0.0, rng)


def adam_that_does_not_count(w, m, v, t, gradient, learning_rate, beta1, beta2, epsilon):
    m, v = beta1 * m + (1 - beta1) * gradient, beta2 * v + (1 - beta2) * gradient**2
    step = (m / (1 - beta1 ** (t + 1))) / (np.sqrt(v / (1 - beta2 ** (t + 1))) + epsilon)
    return w - learning_rate * step, m, v, t


@pytest.mark.parametrize(
    ("name", "function", "expected"),
    [
        ("optimizers.adam", adam_at_rest, set()),
        ("optimizers.adam", adam_that_does_not_count, {"a count that is never increased"}),
        (
            "autodiff.dual",
            power_of_both,
            {"the derivatives of base and exponent multiplied"},
        ),
        (
            "schedules.power",
            lambda step, rate, decay, power: rate / (1 + step * decay) ** power,
            {"a product in place of the quotient t / T"},
        ),
        (
            "transfer_learning.reuse",
            lambda arrays, layers, head: (arrays[: 2 * layers] + head, sum(map(len, head))),
            {"rows counted instead of numbers"},
        ),
        (
            "transfer_learning.reuse",
            lambda arrays, layers, head: (arrays[: 2 * layers] + head, len(head) // 2),
            {"layers counted instead of numbers"},
        ),
        (
            "activations.sigmoid_tanh",
            shifted_tanh,
            {"a tanh with a step missing"},
        ),
        ("data_augmentation.crop_flip", never_mirrored, {"no image mirrored"}),
    ],
)
def test_names_that_were_false(name, function, expected):
    for secret in ("", "a", "b"):
        assert named(report(name, function, secret)) == expected


def with_changed(name, position, change):
    """The right function with one of its results changed."""

    def function(*arguments):
        values = list(reference(name)(*arguments))
        values[position] = change(values[position])
        return tuple(values)

    return function


def test_a_special_case_points_nowhere_where_the_ordinary_one_fails_the_same():
    backward = "batch_normalization.backward"
    text = words(report(backward, with_changed(backward, 1, lambda v: 1.5 * v)))
    assert "Read again: equation bn-backward-gamma." in text
    assert "bn-backward-z" not in text
    text = words(report(FORWARD, with_changed(FORWARD, 0, lambda v: v + 1)))
    assert text.count("Read again") == 1
    assert "bn-variance" not in text


# ---- what is shown


def test_the_entry_that_is_most_wrong_is_shown_with_digits_that_differ():
    def slightly(*arguments):
        out = right(*arguments)
        out.flat[0] += 3e-6 * np.abs(out[:, 0]).max()
        return out

    detail = next(f.detail for f in report(INFERENCE, slightly).findings if not f.passed)
    expected, got = re.findall(r"(?:expected|got) ([-\d.]+)", detail)
    assert detail.startswith("out[0, 0]")
    assert expected != got

    def one_worse(*arguments):
        out = right(*arguments) + 0.001
        out.flat[1] += 1
        return out

    assert "out[0, 1]: expected" in words(report(INFERENCE, one_worse))


def test_a_mistake_that_gives_infinity_hides_no_other_entry():
    criterion = Criterion("numbers", 1, outputs=("weights",))
    expected = np.array([[1.0], [np.inf]])
    for got, wrong in (([[1.0], [np.inf]], False), ([[2.0], [np.inf]], True)):
        assert bool(differs(WALK, criterion, "weights", expected, np.array(got))) == wrong


@pytest.mark.parametrize(
    ("make", "hint"),
    [
        (np.squeeze, "np.squeeze, or a sum without keepdims=True drops the axis"),
        (lambda out: out[np.newaxis], "keepdims=True, or a slice, keeps the axis"),
    ],
)
def test_an_axis_of_length_one_is_lost_or_kept(make, hint):
    result = report(INFERENCE, returning(make))
    assert hint in words(result)
    assert sum(f.criterion.points for f in result.findings if not f.passed) == 0.125


def not_written(*arguments):
    raise NotImplemented  # noqa: F901 - the mistake itself


def of_two_axes(x, rate, rng, training):
    rows, units = x.shape
    assert rows * units == x.size
    return reference("dropout.forward")(x, rate, rng, training)


def with_a_line_break(*arguments):
    raise AttributeError("gone\nsince long")


@pytest.mark.parametrize(
    ("name", "function", "message"),
    [
        (
            INFERENCE,
            lambda *a: (right(*a), a[3], a[4]),
            "Return out alone; your function returned 3",
        ),
        (INFERENCE, lambda *a: None, "Your function returned nothing; return out"),
        (FORWARD, lambda *a: None, "Your function returned nothing; return the tuple (out, mean"),
        (INFERENCE, not_written, "is not written yet: it raises NotImplemented"),
        (INFERENCE, with_a_line_break, "AttributeError: gone since long in line"),
        ("dropout.forward", of_two_axes, "The array has another number of axes in this case"),
        (
            "dropout.inference",
            lambda *a: reference("dropout.inference")(*a)[0],
            "Return the tuple (weights, biases); your function returned one list of arrays",
        ),
    ],
)
def test_messages_say_what_to_do(name, function, message):
    assert message in words(report(name, function))


@pytest.mark.parametrize("name", ["autodiff.dual", "autodiff.cost"])
@pytest.mark.parametrize("kind", [None, object])
def test_an_array_unpacks_as_a_tuple_does(name, kind):
    result = report(name, lambda *a: np.array(reference(name)(*a), dtype=kind))
    assert result.earned == result.possible, result


# ---- what an exception costs


def test_an_exception_costs_the_cases_that_it_spoils():
    result = report("dropout.forward", of_two_axes)
    assert {f.criterion.group for f in result.findings if not f.passed} == {"edge"}
    assert result.earned == 2.75


def test_an_exception_does_not_hide_a_name():
    def unscaled_of_two_axes(x, rate, rng, training):
        rows, units = x.shape
        mask = (rng.random((rows, units)) >= rate) * 1.0 if training else np.ones_like(x)
        return x * mask, mask

    result = report("dropout.forward", unscaled_of_two_axes)
    assert named(result) == {"no scaling in training"}
    (edge,) = [f for f in result.findings if f.criterion.group == "edge"]
    assert "values to unpack" in edge.detail


def test_a_single_example_that_did_not_raise_is_no_evidence():
    def of_one_example(x, gamma, beta, running_mean, running_var, eps):
        if len(x) > 1:
            raise ValueError("one example, please")
        return gamma * (x - running_mean) / np.sqrt(running_var) + beta

    def of_all(*arguments):
        with_eps = list(arguments)
        with_eps[5] = 0.0
        return right(*with_eps)

    assert named(report(INFERENCE, of_all)) == {"epsilon left out"}
    assert not named(report(INFERENCE, of_one_example))


def test_running_statistics_of_another_shape_lose_the_shape_alone():
    name = "batch_normalization.running_statistics"
    result = report(name, lambda *a: tuple(v[np.newaxis] for v in reference(name)(*a)))
    assert [f.criterion.kind for f in result.findings if not f.passed] == ["shape"]


# ---- cases whose special value does not depend on rounding


@pytest.mark.parametrize(
    ("name", "axis"),
    [
        ("batch_normalization.forward", 0),
        ("batch_normalization.backward", 0),
        ("layer_normalization.forward", 1),
        ("layer_normalization.backward", 1),
        ("input_normalization.curvature", 0),
    ],
)
def test_what_is_constant_has_a_variance_of_0_exactly(name, axis):
    for seed in range(100):
        cases = checks.exercise(name).cases(np.random.default_rng(seed))
        constant = [
            deviation
            for x in (case.arguments["x"] for case in cases)
            for deviation in np.moveaxis(x - x.mean(axis=axis, keepdims=True), axis, 0).T
            if x.shape[axis] > 1 and np.abs(deviation).max() < 1e-6
        ]
        assert constant
        assert not np.any(constant)


def test_the_variance_of_a_feature_far_from_0_wants_its_mean_taken_off_first():
    def from_squares(x, gamma, beta, eps):
        mean = x.mean(axis=0)
        var = np.maximum((x * x).mean(axis=0) - mean * mean, 0)
        return gamma * (x - mean) / np.sqrt(var + eps) + beta, mean, var

    for secret in ("", "a", "b"):
        result = report(FORWARD, from_squares, secret)
        assert [f.criterion.group for f in result.findings if not f.passed] == ["edge"]


def test_an_error_in_a_module_of_the_students_names_the_module(tmp_path, monkeypatch):
    (tmp_path / "my_helpers.py").write_text("def centered(x):\n    return x - x.mena()\n")
    monkeypatch.syspath_prepend(tmp_path)
    helpers = importlib.import_module("my_helpers")

    def inference(x, gamma, beta, running_mean, running_var, eps):
        return helpers.centered(x)

    said = words(report(INFERENCE, inference))
    assert "in line 2 of my_helpers.py (return x - x.mena())" in said
