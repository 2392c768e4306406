"""The front page trains a network, and shows what keeps it from learning."""

import re

import pytest


@pytest.fixture
def front(visit):
    page, _, errors = visit("book/intro", formulas=False)
    page.wait_for_selector("html[data-live-ready]", state="attached")
    yield page
    # Formulas are not asked for here.
    assert [error for error in errors if "mathjax" not in error and "ERR_FAILED" not in error] == []


def train(page, button):
    """Press a button; return the curve, the sentence and the number of wrong digits shown."""
    page.get_by_role("button", name=button).press("Enter")
    page.wait_for_function("() => gradlabLive.intro.numbers()?.[0]?.final")
    curve = page.evaluate("gradlabLive.intro.numbers()[0].heldAccuracy")
    said = page.locator(".said").inner_text()
    return curve, said, page.locator(".digits li.wrong").count()


def test_it_learns_and_fails_for_want_of_one_thing(front):
    assert "has not seen a digit" in front.locator(".said").inner_text()
    curve, said, wrong = train(front, "as it should be")
    assert f"{round(290 * curve[-1])} of 290" in said
    assert curve[-1] > 0.9
    assert wrong < 10
    for button, words in (
        ("without normalization", r"the first layer's weights had 0\.\d+ times the norm"),
        ("with all weights 0", "zero weights pass no gradient"),
        ("at 100 times the rate", r"is \d\.\d now; it rose in \d+ of 12 epochs"),
    ):
        curve, said, wrong = train(front, button)
        assert curve[-1] < 0.45
        assert wrong > 20
        assert re.search(words, said), said
    # All four curves stay for comparison, until another seed makes them another network's.
    curves = front.locator("svg g[clip-path] path:not([display])")
    assert curves.count() == 4
    front.evaluate("gradlabLive.intro.set({seed: 1})")
    assert curves.count() == 0
    assert "has not seen a digit" in front.locator(".said").inner_text()


def test_it_can_be_stopped_and_run_again(front):
    button = front.get_by_role("button", name="as it should be")
    button.press("Enter")
    front.get_by_role("button", name="Stop").press("Enter")
    front.get_by_role("button", name="Again").wait_for()
    before, *_ = train(front, "as it should be")
    front.get_by_role("button", name="Again").press("Enter")
    front.get_by_role("button", name="Pause").wait_for(state="detached")
    assert front.evaluate("gradlabLive.intro.numbers()[0].heldAccuracy") == before
