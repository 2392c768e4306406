"""Every page in a browser that reaches nothing but the site: whole, light, accessible, narrow, and
on paper.
"""

import functools
import gzip
from importlib import resources
from urllib.parse import urlsplit

import pytest
from pages import CHAPTERS, HTML, INDEXES, PAGES


@pytest.mark.parametrize("page", [*PAGES, *INDEXES])
def test_a_page_is_whole_and_light_and_accessible_and_asks_nothing_of_other_sites(
    visit, site, page
):
    """All of it in one visit: setting the formulas of a page takes seconds."""
    tab, requests, errors = visit(page)
    assert requests
    assert [url for url in requests if not url.startswith((site, "data:", "blob:"))] == []
    assert errors == []
    assert_light(page, requests)
    assert_every_formula_is_set(page, tab)
    screen = tab.viewport_size
    # A desktop's page at 400 %.
    tab.set_viewport_size({"width": 320, "height": 900})
    assert tab.evaluate("document.documentElement.scrollWidth") <= 320
    assert tab.evaluate(BROKEN_WORDS) == []
    assert_what_scrolls_is_reachable(tab)
    assert_whole_on_paper(tab)
    tab.set_viewport_size(screen)
    assert_accessible(tab)


BROKEN_WORDS = """() => [...document.querySelectorAll('article h1')].flatMap(h1 => {
  const text = h1.firstChild, range = document.createRange();
  // A name of code may break, a word may not.
  const words = text.nodeType === Node.TEXT_NODE ? [...text.data.matchAll(/\\S+/g)] : [];
  return words.filter(word => !/[._]/.test(word[0])).filter(word => {
    range.setStart(text, word.index);
    range.setEnd(text, word.index + word[0].length);
    return range.getClientRects().length > 1;
  }).map(word => word[0]);
})"""


def assert_light(page, requests):
    """With all that it loads: as it is, and as compressed as a static host sends it."""
    files = [HTML / path.lstrip("/") for path in {urlsplit(url).path for url in requests}]
    assert HTML / f"{page}.html" in files
    sizes = [size(file) for file in files]
    assert sum(plain for plain, _ in sizes) < 3_000_000
    assert sum(compressed for _, compressed in sizes) < 1_000_000


@functools.cache
def size(file):
    """Of a file, and of the file compressed: most pages load the same ones."""
    content = file.read_bytes()
    return len(content), len(gzip.compress(content))


def assert_every_formula_is_set(page, tab):
    formulas = tab.locator(".math").count()
    assert formulas > 20 or page not in CHAPTERS
    assert tab.locator(".math:not(:has(mjx-container > mjx-math))").count() == 0
    assert tab.locator("mjx-container").count() == formulas
    assert tab.locator("mjx-merror").count() == 0
    # For those who hear it.
    assert tab.locator("mjx-container > mjx-assistive-mml > math").count() == formulas


def assert_what_scrolls_is_reachable(tab):
    """By the keyboard: on a phone's width these are most of the wide formulas."""
    tab.wait_for_function(
        """() => [...document.querySelectorAll("mjx-container[display=true]")].every(
            formula => (formula.scrollWidth > formula.clientWidth) == (formula.tabIndex == 0)
        )"""
    )


# What is wrong on a sheet that is as wide as the window.
ON_PAPER = """() => {
    // Colors move when they change.
    for (const move of document.getAnimations()) move.finish();
    const inner = "svg *, mjx-math *, mjx-assistive-mml, mjx-assistive-mml *";
    const all = [...document.querySelectorAll(`main :not(${inner})`)];
    const shown = all.filter(e => e.checkVisibility() && e.getClientRects().length);
    const right = e => e.getBoundingClientRect().right;
    const cut = e => {
        if (right(e) > innerWidth) return true;
        // What is there for those who hear it makes a formula's box wider than it looks.
        const formula = e.closest(".math");
        if (formula) return e.matches("mjx-math") && right(e) > right(formula) + 1;
        return e.clientWidth && e.scrollWidth > e.clientWidth + 1
            && (e.matches("pre") || getComputedStyle(e).overflowX != "visible");
    };
    const light = e => {
        const [r, g, b] = getComputedStyle(e).color.match(/[0-9.]+/g).map(Number);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b > 160;
    };
    // Hints and model answers are for the screen.
    const folded = e => e.matches("details.sd-dropdown") && !e.closest("#hints, #model-answers")
        && !(e.open && e.lastElementChild.checkVisibility());
    const control = e => e.matches("article :is(button, input, a.headerlink)");
    const wrong = {cut: shown.filter(cut), light: shown.filter(light),
        folded: all.filter(folded), controls: shown.filter(control)};
    return Object.entries(wrong).flatMap(
        ([what, elements]) => elements.map(e => `${what}: ${e.outerHTML.slice(0, 200)}`));
}"""


def assert_whole_on_paper(tab):
    """On A4, from the dark theme."""
    screen = tab.viewport_size
    tab.emulate_media(media="print", color_scheme="dark")
    tab.wait_for_selector("html[data-theme=dark]")
    tab.set_viewport_size({"width": 718, "height": 1000})
    tab.evaluate("dispatchEvent(new Event('beforeprint'))")
    wrong = tab.evaluate(ON_PAPER)
    tab.evaluate("dispatchEvent(new Event('afterprint'))")
    tab.emulate_media(media="screen")
    tab.set_viewport_size(screen)
    assert wrong == []


# The strokes of figures and formulas: thousands of elements, of which axe's rules say nothing, and
# most of its time. What has a role, a name or the focus stays.
NO_STROKES = """() => {
    const told = "[role], [tabindex], [href], title, desc, [aria-label], [aria-labelledby]";
    for (const e of document.querySelectorAll("svg *, mjx-math *"))
        if (!e.matches(told) && !e.querySelector(told)) e.remove();
}"""

# What is there for those who hear a formula has no color. Of the words of code that look the same
# on the same ground, one says whether it can be read.
NO_TWINS = """() => {
    document.querySelectorAll("mjx-assistive-mml > *").forEach(e => e.remove());
    const seen = new Set();
    const ground = e => {
        const style = getComputedStyle(e);
        return [style.backgroundColor, style.backgroundImage, style.opacity];
    };
    const look = e => {
        const {color, fontSize, fontWeight} = getComputedStyle(e);
        const around = [e, e.parentElement, e.closest("pre"), e.closest("pre").parentElement];
        return [color, fontSize, fontWeight, ...around.map(ground)].join();
    };
    const words = [...document.querySelectorAll("pre span")].filter(e => !e.childElementCount);
    // The look in the other theme is asked as well, so that what differs there stays.
    const theme = document.documentElement.dataset;
    const before = theme.theme;
    const looks = words.map(look);
    theme.theme = before == "dark" ? "light" : "dark";
    for (const move of document.getAnimations()) move.finish();
    words.forEach((word, k) => looks[k] += look(word));
    theme.theme = before;
    words.filter((_, k) => seen.has(looks[k]) || !seen.add(looks[k])).forEach(e => e.remove());
}"""


# Colors move when a page appears and when its theme changes, sidebars when its width does.
SETTLE = "document.getAnimations().forEach(move => move.finish())"


def assert_accessible(tab):
    """In axe's eyes, and readable in the light and in the dark.

    A formula has the color of the text, and axe does not look at those of a figure.
    """
    # A sidebar that slides in makes the page narrower; the theme's script makes code that scrolls
    # reachable some time after the window has changed.
    tab.evaluate(SETTLE)
    tab.evaluate("dispatchEvent(new Event('resize'))")
    tab.wait_for_function(
        """() => [...document.querySelectorAll("pre")].every(
            code => code.scrollWidth <= code.clientWidth || code.tabIndex === 0
        )"""
    )
    tab.evaluate(resources.files("axe_playwright_python").joinpath("axe.min.js").read_text())
    tab.evaluate(NO_STROKES)
    tab.evaluate(NO_TWINS)
    tab.emulate_media(color_scheme="light")
    tab.wait_for_selector("html[data-theme=light]")
    assert not violations(tab, "{}")
    tab.emulate_media(color_scheme="dark")
    tab.wait_for_selector("html[data-theme=dark]")
    assert not violations(tab, "{runOnly: ['color-contrast']}")


def violations(tab, options):
    """What axe finds serious."""
    tab.evaluate(SETTLE)
    found = tab.evaluate(f"axe.run(document, {{resultTypes: ['violations'], ...{options}}})")
    return [
        f"{violation['id']}: {node['html'][:200]}"
        for violation in found["violations"]
        if violation["impact"] in ("serious", "critical")
        for node in violation["nodes"]
    ]
