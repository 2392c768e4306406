"""What is said of a wrong answer: known mistakes, two of them, an edit, a factor; or nothing."""

import re
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from toy import TOY, elsewhere, model, told

from gradlab import checks
from gradlab.checks._edits import edited, mistakes, one_place_variants
from gradlab.checks._model import Exercise


def test_a_text_lists_mistakes():
    mean, total, sine = TOY.misconceptions
    assert (mean.name, mean.equation, mean.points) == ("a mean that stays", "toy-mean", 1.0)
    assert (mean.hint, mean.edits) == ("Subtract the mean.", (("x - x.mean(axis=0) -> x",),))
    assert (total.points, sine.equation, sine.points, sine.edits) == (None, "", 0.0, ())
    assert sine.variants == (elsewhere,)
    x = np.ones((2, 3))
    np.testing.assert_array_equal(mean.variants[0](x, np.ones(3), 0.0)[0], x)


def test_a_long_form_goes_on_in_the_next_line():
    long = "both (toy-mean)\n    x - x.mean(axis=0) -> x\n        & c + 1 -> c\n    Hint."
    (both,) = mistakes(model, long)
    assert both.edits == (("x - x.mean(axis=0) -> x", "c + 1 -> c"),)
    assert both.hint == "Hint."


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("no equation\n    x -> y\n    Hint.", "must begin with"),
        ("no form (toy-mean)\n    Hint.", "must have a form and a hint"),
        ("no hint (toy-mean)\n    centered * w -> w", "must have a form and a hint"),
        ("twice (toy-mean)\n    x.mean -> x.sum\n    c -> d\n    Hint.", "'c' once, not"),
        ("never (toy-mean)\n    y.mean -> x.sum\n    Hint.", "'y.mean' once, not 0 times"),
    ],
)
def test_a_text_that_does_not_fit_says_what_is_wrong(text, message):
    with pytest.raises(ValueError, match=message):
        mistakes(model, text)


def test_a_known_mistake_in_another_form_is_named():
    text, findings = told(lambda x, w, c: (x * w / (1 + c), ((x * w / (1 + c)) ** 2).mean(0)))
    assert [f.misconception for f in findings] == ["", "a mean that stays", "a mean that stays"]
    assert "Looks like a mean that stays. Subtract the mean." in text


def test_two_known_mistakes_at_once_are_both_named():
    both = edited(model, "x - x.mean(axis=0) -> x", ".sum(axis=0) / len(x) -> .sum(axis=0)")
    text, _ = told(lambda *a: both(*a))
    assert "two mistakes at once: a mean that stays, and a sum for a mean" in text
    assert "Subtract the mean. Divide by the number of rows." in text


def test_an_edit_in_one_place_is_told_as_what_it_is():
    wrong = edited(model, "centered * w -> centered + w")
    text, findings = told(lambda *a: wrong(*a))
    assert not any(f.misconception for f in findings)
    assert "the model answer with `centered + w` in place of `centered * w`." in text
    assert text.count("Your numbers") == 1


def test_a_factor_is_told_for_each_output():
    def wrong(x, w, c):
        out, total = model(x, w, c)
        return -out, total * len(x) ** 0.5

    assert "Your numbers" not in told(wrong)[0]

    def scaled(x, w, c):
        out, total = model(x, w, c)
        return -2.5 * out, total / x.shape[1] ** 2 * 1.7

    text, _ = told(scaled)
    assert "out is the right one times -2.5 in every case." in text
    assert "total is the right one times 0.188889 in every case." in text


@pytest.mark.parametrize("at_zero", [1.0, np.nan])
def test_a_factor_holds_where_the_right_result_is_0_too(at_zero):
    function = checks.exercise("gradient_clipping.by_norm").reference

    def twice(grad, max_norm):
        return 2 * function(grad, max_norm)

    def twice_but_for_zeros(grad, max_norm):
        return twice(grad, max_norm) if grad.any() else np.full_like(grad, at_zero)

    said = "clipped is the right one times 2 in every case."
    assert said in repr(checks.report("gradient_clipping.by_norm", twice))
    assert said not in repr(checks.report("gradient_clipping.by_norm", twice_but_for_zeros))


def test_a_factor_of_1_is_not_told():
    text, _ = told(lambda x, w, c: tuple(1.000003 * part for part in model(x, w, c)))
    assert "FAILED" in text
    assert "the right one times" not in text


def test_a_size_of_an_argument_is_told_as_such():
    exercise = Exercise(**{**vars(TOY), "model": None, "misconceptions": ()})
    text, _ = told(lambda x, w, c: (model(x, w, c)[0], model(x, w, c)[1] * len(x)), exercise)
    assert "total is the right one times x.shape[0] in every case." in text
    text, _ = told(lambda x, w, c: (-model(x, w, c)[0], model(x, w, c)[1] / len(x)), exercise)
    assert "out is the right one times -1 in every case (its sign is turned)." in text
    assert "total is the right one divided by x.shape[0] in every case." in text


def test_what_nothing_explains_gets_no_name():
    text, findings = told(lambda x, w, c: (x**3 + w, np.cos(w) + len(x)))
    assert not any(f.misconception or f.hint for f in findings)
    assert "Read again: equation toy-mean." in text


# ---- what is seen where nothing explains it


def with_median(x, w, c):
    centered = x - np.median(x, axis=0) ** 3
    out = (centered * w) / (c + 1)
    total = (out**2).sum(axis=0) / len(x)
    return out, total


def test_the_variable_that_explains_all_numbers_is_told():
    text, findings = told(with_median)
    assert not any(f.misconception or f.hint for f in findings)
    found = re.search(
        r"`centered` already .*: centered\[(\d, \d)\] is (\S+), there (\S+) \(4", text
    )
    row, column = map(int, found[1].split(", "))
    x = TOY.cases(np.random.default_rng(0))[0].arguments["x"]
    assert float(found[2]) == pytest.approx(x[row, column] - np.median(x[:, column]) ** 3, 1e-4)
    assert float(found[3]) == pytest.approx(x[row, column] - x[:, column].mean(), 1e-4)
    assert "With yours in its place, the model answer gives all your numbers." in text


def test_a_variable_that_means_something_else_is_not_accused():
    """It differs from the model answer's of its name, and not because of that is the rest wrong."""

    def other_meaning(x, w, c):
        centered = np.sin(x)
        out = (x - x.mean(axis=0)) * w / (c + 1)
        return out, np.cos(out).sum(axis=0) + centered[0]

    def other_shape(x, w, c):
        centered = x.mean(axis=0)
        return np.cos(x) - centered, centered + w

    def wrong_below_too(x, w, c):
        out, total = with_median(x, w, c)
        centered = x - np.median(x, axis=0) ** 3
        return out + centered * 0, np.cos(total)

    for function in (other_meaning, other_shape, wrong_below_too):
        assert "`centered`" not in told(function)[0]


def test_variables_that_agree_are_told():
    def wrong_below(x, w, c):
        centered = x - x.mean(axis=0)
        out = np.sin(centered * w)
        return out, (out**2).sum(axis=0)

    assert "Your `centered` is as in the model answer in every case." in told(wrong_below)[0]


def test_what_is_drawn_anew_in_each_call_is_not_compared():
    drawn = []

    def fickle(x, w, c):
        drawn.append(1)
        centered = x - x.mean(axis=0) + len(drawn)
        return np.sin(centered), w

    assert "`centered`" not in told(fickle)[0]


def test_the_outputs_and_cases_that_agree_are_told():
    def half(x, w, c):
        out, total = model(x, w, c)
        return out, np.sin(total) if len(x) == 7 else total

    text, _ = told(half)
    assert "out agrees in every case. total agrees in 1 of 2 cases: 4 rows." in text
    text, _ = told(lambda x, w, c: (np.cos(x), np.cos(w)))
    assert "agrees" not in text


def test_a_function_is_watched_without_a_trace(capsys):
    def talks(x, w, c):
        print("rows", len(x))
        return with_median(x, w, c)

    sys.setprofile(None)
    told(talks)
    assert sys.getprofile() is None
    # What it prints in calls that only look for a cause is not shown again.
    assert capsys.readouterr().out == "rows 4\nrows 7\n"


def test_what_computes_nothing_gets_no_name():
    _, findings = told(lambda x, w, c: (np.zeros_like(x), np.zeros(3)))
    assert not any(f.misconception or f.hint for f in findings)


def test_a_right_part_is_needed_too():
    """Where one output is that of an edit and another is not, nothing is said."""

    def wrong(x, w, c):
        return edited(model, "centered * w -> centered + w")(x, w, c)[0], np.cos(w) + len(x)

    _, findings = told(wrong)
    assert not any(f.hint for f in findings)


def test_edits_of_a_loop_without_a_fixed_end_are_not_tried():
    def counted(n):
        k, total = n, 0
        while k > 0:
            total += k
            k -= 1
        return total * 2

    olds = {old for old, _, _ in one_place_variants(counted)}
    assert "total * 2" in olds
    assert not olds & {"k > 0", "k -= 1", "total += k"}


# ---- exercises of others


def test_an_exercise_itself_may_be_checked(capsys):
    assert checks.check(TOY, model) == 3.0
    assert capsys.readouterr().out.startswith("toy.out: 3 of 3 points")
    assert checks.report(TOY, model, "secret").possible == 3


def test_a_package_adds_a_topic_by_an_entry_point(monkeypatch):
    class Entry:
        name = "toy"

        @staticmethod
        def load():
            return SimpleNamespace(EXERCISES=[TOY])

    class Taken(Entry):
        name = "losses"

    asked = []

    def entry_points(group):
        asked.append(group)
        return [Entry, Taken]

    monkeypatch.setattr(checks, "entry_points", entry_points)
    assert checks.report("toy.out", model).earned == 3
    assert asked == ["gradlab.exercises"]
    with pytest.raises(ValueError, match=r"one of toy\.out; got 'toy\.in'"):
        checks.exercise("toy.in")
    with pytest.raises(ValueError, match="must be one of toy, "):
        checks.exercise("toi.out")
    # The book's own topics cannot be taken.
    assert checks.exercise("losses.squared_error") is not TOY


@pytest.mark.parametrize(
    ("wrong", "settings"),
    [
        (edited(model, "centered * w -> centered + w"), {}),
        (lambda *a: tuple(3 * value for value in model(*a)), {"model": None}),
    ],
)
def test_what_fails_nowhere_does_not_explain_an_exception(wrong, settings):
    """Neither an edit of the model answer nor a factor, though three cases of four agree."""
    cases = [*TOY.cases(np.random.default_rng(0)), *TOY.cases(np.random.default_rng(1))]
    exercise = Exercise(**{**vars(TOY), "misconceptions": (), "cases": lambda _: cases, **settings})
    assert any(f.hint for f in told(lambda *a: wrong(*a), exercise)[1])
    calls = []

    def raises_last(*arguments):
        calls.append(1)
        if len(calls) == 4:
            raise ValueError("the fourth")
        return wrong(*arguments)

    assert not any(f.hint for f in told(raises_last, exercise)[1])
