"""Every page in a browser that reaches nothing but the site: whole, light, accessible, narrow."""

import gzip
from importlib import resources
from urllib.parse import urlsplit

import pytest
from pages import CHAPTERS, HTML, PAGES


@pytest.mark.parametrize("page", PAGES)
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
    assert not violations(tab, "{resultTypes: ['violations']}")
    tab.set_viewport_size({"width": 360, "height": 900})
    assert tab.evaluate("document.documentElement.scrollWidth") <= 360
    assert_what_scrolls_is_reachable(tab)
    assert_readable_in_the_dark(tab)


def assert_light(page, requests):
    """With all that it loads: as it is, and as compressed as a static host sends it."""
    files = [HTML / path.lstrip("/") for path in {urlsplit(url).path for url in requests}]
    assert HTML / f"{page}.html" in files
    assert sum(file.stat().st_size for file in files) < 3_000_000
    assert sum(len(gzip.compress(file.read_bytes())) for file in files) < 1_000_000


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


def assert_readable_in_the_dark(tab):
    """The text: a formula has its colour, and axe does not look at the colours of a figure, but it
    would take most of its time for their thousands of elements.
    """
    tab.evaluate("document.querySelectorAll('svg > *, mjx-container').forEach(e => e.remove())")
    tab.emulate_media(color_scheme="dark")
    tab.wait_for_selector("html[data-theme=dark]")
    assert not violations(tab, "{runOnly: ['color-contrast'], resultTypes: ['violations']}")


def violations(tab, options):
    """What axe finds serious."""
    tab.evaluate(resources.files("axe_playwright_python").joinpath("axe.min.js").read_text())
    # Colours move when a page appears.
    tab.wait_for_timeout(400)
    found = tab.evaluate(f"axe.run(document, {options})")["violations"]
    return [
        f"{violation['id']}: {node['html'][:200]}"
        for violation in found
        if violation["impact"] in ("serious", "critical")
        for node in violation["nodes"]
    ]
