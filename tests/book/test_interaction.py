"""What a reader does with a chapter in a browser: formulas, sliders, animations, answers."""

import pytest
from pages import CHAPTERS, PAGES


@pytest.mark.parametrize("page", PAGES)
def test_every_formula_is_set(visit, page):
    tab, _, _ = visit(page)
    formulas = tab.locator(".math")
    if page in CHAPTERS:
        assert formulas.count() > 20
    assert tab.locator(".math:not(:has(mjx-container > mjx-math))").count() == 0
    assert tab.locator("mjx-container").count() == formulas.count()
    assert tab.locator("mjx-merror").count() == 0


@pytest.mark.parametrize("page", PAGES)
def test_every_slider_moves_its_figure(visit, page):
    tab, _, _ = visit(page)
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


@pytest.mark.parametrize("page", PAGES)
def test_every_animation_plays_pauses_and_steps(visit, page):
    tab, _, _ = visit(page)
    for figure in tab.locator(".gradlab-animation").all():
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
        tab.wait_for_timeout(700)
        assert play.inner_text() == "Play"
        assert line.get_attribute("points") == whole


def test_the_optimizers_are_animated_on_three_surfaces(visit):
    tab, _, _ = visit("book/optimizers")
    assert tab.locator(".gradlab-animation").count() == 3
    assert tab.locator(".gradlab-animation polyline").count() == 12


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_the_slider_obeys_the_keyboard(visit, chapter):
    tab, _, _ = visit(chapter)
    slider = tab.locator(".gradlab-figure input").first
    slider.fill("0")
    slider.focus()
    tab.keyboard.press("ArrowRight")
    assert slider.input_value() == "1"


@pytest.mark.parametrize("chapter", CHAPTERS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_figures_take_the_colour_of_the_text(visit, chapter, scheme):
    tab, _, _ = visit(chapter, scheme=scheme)
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
    tab, _, _ = visit(chapter)
    option = tab.locator("details.sd-dropdown").first
    assert not option.locator("p").last.is_visible()
    option.locator("summary").click()
    assert option.locator("p").last.is_visible()
