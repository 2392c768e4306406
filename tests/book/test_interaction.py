"""What a reader does with a chapter in a browser: sliders, animations, answers. Formulas stay as
they are written, since setting them takes seconds.
"""

import pytest
from pages import CHAPTERS, PAGES, html


def with_figures(kind):
    """The pages that have a figure of this kind."""
    return [page for page in PAGES if f"gradlab-figure {kind}" in html(page)]


def test_every_chapter_has_a_slider():
    assert set(CHAPTERS) <= set(with_figures("gradlab-slider")) <= {*CHAPTERS, "book/in-practice"}


@pytest.mark.parametrize("page", [*CHAPTERS, "book/in-practice"])
def test_every_slider_moves_its_figure(visit, page):
    tab, _, _ = visit(page, formulas=False)
    for figure in tab.locator(".gradlab-slider").all():
        slider, frames = figure.locator("input"), figure.locator("[data-value]")
        assert frames.count() >= 4
        for position in (0, frames.count() - 1, 1):
            slider.fill(str(position))
            shown = [k for k in range(frames.count()) if frames.nth(k).is_visible()]
            assert shown == [position]
            value = frames.nth(position).get_attribute("data-value")
            assert figure.locator("output").inner_text() == value
            assert slider.get_attribute("aria-valuetext") == value


def test_every_animation_plays_pauses_and_steps(visit):
    assert with_figures("gradlab-animation") == ["book/optimizers"]
    tab, _, _ = visit("book/optimizers", formulas=False)
    assert tab.locator(".gradlab-animation").count() == 3
    for figure in tab.locator(".gradlab-animation").all():
        # A path for each of the four methods.
        assert figure.locator("polyline").count() == 4
        slider, line = figure.locator("input"), figure.locator("polyline").first
        play, step = figure.locator("button").nth(0), figure.locator("button").nth(1)
        whole = line.get_attribute("points")
        slider.fill("0")
        assert figure.locator("output").inner_text() == "0"
        assert len(line.get_attribute("points").split()) == 2
        step.click()
        assert slider.input_value() == "1"
        play.click()
        assert play.inner_text() == "Pause"
        tab.wait_for_timeout(700)
        play.click()
        assert play.inner_text() == "Play"
        reached = int(slider.input_value())
        assert 3 <= reached < int(slider.get_attribute("max"))
        tab.wait_for_timeout(300)
        assert int(slider.input_value()) == reached
        # At the end it stops by itself, as it was at first.
        slider.fill(str(int(slider.get_attribute("max")) - 2))
        play.click()
        tab.wait_for_function("button => button.textContent == 'Play'", arg=play.element_handle())
        assert line.get_attribute("points") == whole


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_the_slider_obeys_the_keyboard(visit, chapter):
    tab, _, _ = visit(chapter, formulas=False)
    slider = tab.locator(".gradlab-figure input").first
    slider.fill("0")
    slider.focus()
    tab.keyboard.press("ArrowRight")
    assert slider.input_value() == "1"


@pytest.mark.parametrize("chapter", CHAPTERS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_figures_take_the_colour_of_the_text(visit, chapter, scheme):
    tab, _, _ = visit(chapter, scheme=scheme, formulas=False)
    colours = tab.evaluate(
        """() => [...document.querySelectorAll('.gradlab-figure')].map(f => [
            getComputedStyle(f).color,
            getComputedStyle(f.closest('article')).color,
            getComputedStyle(f.parentElement).backgroundColor])"""
    )
    assert colours
    for figure, article, background in colours:
        assert figure == article
        assert background == "rgba(0, 0, 0, 0)"


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_an_answer_opens_without_a_server(visit, chapter):
    tab, _, _ = visit(chapter, formulas=False)
    option = tab.locator("details.sd-dropdown").first
    assert not option.locator("p").last.is_visible()
    option.locator("summary").click()
    assert option.locator("p").last.is_visible()


def test_the_search_finds_a_chapter_by_a_word_of_its_text(visit):
    tab, _, errors = visit("search", formulas=False)
    tab.goto(f"{tab.url}?q=Marchenko")
    tab.wait_for_selector("#search-results li a")
    found = [link.get_attribute("href") for link in tab.locator("#search-results li a").all()]
    assert any("book/initialization.html" in link for link in found)
    assert errors == []
