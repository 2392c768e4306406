"""Criteria that are written as a text."""

import re

import pytest

from gradlab.checks._model import Criterion, criteria, shapes, unchanged, values


def test_a_text_gives_the_criteria_that_calls_give():
    found = criteria("""
out has the shape of x (shape, 0.25)
mean and out are right (and a title with parentheses that is so long that it goes on in a second
        line) (ordinary, 0.5)
    number of NaN, out: toy-mean toy-total
what is drawn (share, 1)
    out: toy-mean, within (0.0, 0.03)
out needs no equation (edge, 0.125)
    out:
the arguments are left as they were (unchanged, 0.125)
""")
    long = (
        "mean and out are right (and a title with parentheses that is so long that it goes on in a "
        "second line)"
    )
    outputs, equations = ("number of NaN", "out"), ("toy-mean", "toy-total")
    assert found == (
        shapes("out has the shape of x", 0.25),
        Criterion(long, 0.5, "values", "ordinary", outputs, equations),
        Criterion("what is drawn", 1.0, "values", "share", ("out",), ("toy-mean",), (0.0, 0.03)),
        values("out needs no equation", 0.125, "out", "edge", ""),
        unchanged(0.125),
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("out is right\n    out: toy-mean", "must begin with 'title (group, points)', got 'out is"),
        ("out is right (ordinary, 1)", "'out is right' must have 'outputs: equations'"),
        ("out is right (ordinary, 1)\n    out, toy-mean", "must have 'outputs: equations'"),
    ],
)
def test_what_does_not_fit_is_named(text, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        criteria(text)
