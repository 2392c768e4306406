"""What a reader does with a chapter in a browser: sliders, answers, the search, copying
and printing. Formulas stay as they are written where they need not be set: it takes seconds.
"""

import re

import pytest
from pages import CHAPTERS, PAGES, html


def with_figures(kind):
    """The pages that have a figure of this kind."""
    return [page for page in PAGES if f"gradlab-figure {kind}" in html(page)]


def test_every_chapter_has_a_figure_that_moves():
    moving = {*with_figures("gradlab-slider"), *with_figures("gradlab-live")}
    others = {"book/case-study", "book/in-practice", "book/intro", "book/width-and-depth"}
    assert set(CHAPTERS) <= moving <= {*CHAPTERS, *others}


@pytest.mark.parametrize("page", [*CHAPTERS, "book/in-practice"])
def test_sliders_answers_and_colors_of_a_page(visit, page):
    """All of it in one visit."""
    tab, _, _ = visit(page, formulas=False)
    for figure in tab.locator(".gradlab-slider").all():
        assert_slider_moves(figure)
    if page in CHAPTERS:
        assert_slider_obeys_the_keyboard(tab)
        assert_answer_opens(tab)
        assert_figures_take_the_color_of_the_text(tab)
        light = tab.evaluate("getComputedStyle(document.querySelector('article')).color")
        tab.emulate_media(color_scheme="dark")
        tab.wait_for_selector("html[data-theme=dark]")
        tab.evaluate("document.getAnimations().forEach(move => move.finish())")
        assert_figures_take_the_color_of_the_text(tab)
        assert tab.evaluate("getComputedStyle(document.querySelector('article')).color") != light


def assert_slider_moves(figure):
    slider, frames = figure.locator("input"), figure.locator("[data-value]")
    count = frames.count()
    assert count >= 3
    for position in (0, count - 1, 1):
        slider.fill(str(position))
        # All at once: to ask for each frame takes longer than the rest of the visit.
        shown = frames.evaluate_all("all => all.flatMap((f, k) => f.checkVisibility() ? [k] : [])")
        assert shown == [position]
        assert frames.nth(position).is_visible()
        value = frames.nth(position).get_attribute("data-value")
        assert figure.locator("output").inner_text() == value
        assert slider.get_attribute("aria-valuetext") == value


def assert_slider_obeys_the_keyboard(tab):
    # A live figure stands in its place in some chapters: test_live.py presses its keys.
    for slider in tab.locator(".gradlab-slider input").all()[:1]:
        slider.fill("0")
        slider.focus()
        tab.keyboard.press("ArrowRight")
        assert slider.input_value() == "1"


def assert_answer_opens(tab):
    option = tab.locator("details.sd-dropdown").first
    assert not option.locator("p").last.is_visible()
    option.locator("summary").click()
    assert option.locator("p").last.is_visible()


def assert_figures_take_the_color_of_the_text(tab):
    colors = tab.evaluate(
        """() => [...document.querySelectorAll('.gradlab-figure')].map(f => [
            getComputedStyle(f).color,
            getComputedStyle(f.closest('article')).color,
            getComputedStyle(f.parentElement).backgroundColor])"""
    )
    assert colors
    for figure, article, background in colors:
        assert figure == article
        assert background == "rgba(0, 0, 0, 0)"


def found(tab, words):
    """The pages that the search finds, in its order."""
    tab.goto(f"{tab.url.split('?')[0]}?q={words}")
    # It says how many when it has them all.
    tab.wait_for_function("() => document.querySelector('.search-summary')?.textContent")
    return [link.get_attribute("href") for link in tab.locator("#search-results li > a").all()]


def test_the_search_finds_a_chapter_by_a_word_of_its_text(visit):
    tab, _, errors = visit("search", formulas=False)
    assert any("book/initialization.html" in link for link in found(tab, "Marchenko"))
    assert errors == []


@pytest.mark.parametrize("words", ["jupyter", "install", "pip", "getting+started"])
def test_the_search_finds_how_to_start(visit, words):
    tab, _, _ = visit("search", formulas=False)
    assert found(tab, words)[0].startswith("book/start.html")


def test_the_search_finds_every_equation_by_its_label(visit):
    """Reports name equations by it. The first place that is found is the equation itself."""
    tab, _, _ = visit("search", formulas=False)
    assert found(tab, "bn-mean")[0] == "book/batch-normalization.html#equation-bn-mean"
    # All of them, without the page's slow way of showing what it found.
    labels = [
        (f"{chapter}#equation-{label}", label)
        for chapter in CHAPTERS
        for label in re.findall(r'<span class="gradlab-label">([a-z0-9-]+)</span>', html(chapter))
    ]
    first = tab.evaluate(
        """labels => labels.map(label => {
            const [page, , anchor] = Search._performSearch(...Search._parseQuery(label)).at(-1);
            return page + anchor;
        })""",
        [label for _, label in labels],
    )
    assert first == [place for place, _ in labels]


def test_the_search_knows_the_words_of_other_libraries(visit):
    tab, _, _ = visit("search", formulas=False)
    words = ["CrossEntropyLoss", "state_dict", "MLPClassifier", "learning rate finder"]
    words += ["custom layer", "float16", "reproducibility", "callback", "Conv2d"]
    pages = tab.evaluate(
        "words => words.map(w => Search._performSearch(...Search._parseQuery(w)).map(r => r[0]))",
        words,
    )
    assert [w for w, found in zip(words, pages, strict=True) if "book/api" not in found] == []


def copied(tab):
    """What the clipboard holds, once it holds something; it is empty afterwards."""
    text = tab.wait_for_function("async () => await navigator.clipboard.readText()").json_value()
    tab.evaluate("navigator.clipboard.writeText('')")
    return text


def test_the_copy_button_takes_the_input_of_an_example_alone(visit):
    tab, _, _ = visit("book/api/optimizers", formulas=False)
    tab.context.grant_permissions(["clipboard-read", "clipboard-write"])
    for example in tab.locator("div.highlight:has(.gp):has(.go)").all()[:20]:
        example.locator("button.copybtn").evaluate("button => button.click()")
        lines = example.locator("pre").inner_text().splitlines()
        inputs = [line[4:] for line in lines if line.startswith((">>>", "..."))]
        assert copied(tab).splitlines() == inputs != lines


def test_a_formula_is_copied_as_its_tex(visit):
    tab, _, errors = visit("book/batch-normalization")
    tab.context.grant_permissions(["clipboard-read", "clipboard-write"])
    select = """([start, end]) => {
        const range = document.createRange();
        range.setStart(document.querySelector(start), 0);
        range.setEnd(document.querySelector(end), 0);
        getSelection().removeAllRanges();
        getSelection().addRange(range);
    }"""
    before = tab.locator("*").count()
    tab.evaluate(select, ["#forward-in-training p", "#equation-bn-normalize ~ p"])
    tab.keyboard.press("Control+c")
    text = copied(tab)
    assert r"Let $z_{ij}$ be the value of feature $j$ in example $i$" in text
    assert r"$$\mu_j = \frac{1}{B} \sum_{i=1}^{B} z_{ij}$$" in text
    # From the middle of a formula to the middle of another: both are whole.
    tab.evaluate(
        select, ["#forward-in-training p mjx-mi", "#forward-in-training p span ~ span mjx-mi"]
    )
    tab.keyboard.press("Control+c")
    assert re.fullmatch(r"\$z_\{ij\}\$ be the value of feature\s+\$j\$", copied(tab))
    assert tab.locator("*").count() == before
    assert errors == []


def test_printing_leaves_the_page_as_it_was(visit):
    """Chromium's own printing tells our script, whose work is seen in the visit of every page."""
    tab, _, errors = visit("book/batch-normalization", scheme="dark")
    state = """() => [document.documentElement.dataset.theme,
        document.querySelectorAll("details.sd-dropdown[open]").length,
        document.querySelectorAll("[style*=zoom]").length]"""
    tab.evaluate(f"addEventListener('beforeprint', () => window.printed = ({state})())")
    tab.locator("details.sd-dropdown summary").first.click()
    assert tab.evaluate(state) == ["dark", 1, 0]
    tab.pdf(format="A4")
    theme, answers, _ = tab.evaluate("window.printed")
    assert (theme, answers) == ("light", tab.locator("details.sd-dropdown").count())
    assert tab.evaluate(state) == ["dark", 1, 0]
    assert errors == []
