"""Every page in a browser that reaches nothing but the site: whole, light, accessible, narrow."""

import gzip
from importlib import resources
from urllib.parse import urlsplit

import pytest
from pages import CHAPTERS, HTML, PAGES


@pytest.mark.parametrize("page", PAGES)
def test_a_page_asks_nothing_of_other_sites_and_is_whole_and_light_and_fits_a_phone(
    visit, site, page
):
    """All of it in one visit: setting the formulas of a page takes seconds."""
    tab, requests, errors = visit(page)
    assert requests
    assert [url for url in requests if not url.startswith((site, "data:", "blob:"))] == []
    assert errors == []
    # With all that it loads: as it is, and as compressed as a static host sends it.
    files = [HTML / path.lstrip("/") for path in {urlsplit(url).path for url in requests}]
    assert sum(file.stat().st_size for file in files) < 3_000_000
    assert sum(len(gzip.compress(file.read_bytes())) for file in files) < 1_000_000
    # Every formula is set.
    formulas = tab.locator(".math").count()
    assert formulas > 20 or page not in CHAPTERS
    assert tab.locator(".math:not(:has(mjx-container > mjx-math))").count() == 0
    assert tab.locator("mjx-container").count() == formulas
    assert tab.locator("mjx-merror").count() == 0
    tab.set_viewport_size({"width": 360, "height": 900})
    assert tab.evaluate("document.documentElement.scrollWidth") <= 360


def violations(tab, options):
    """What axe finds serious. Formulas stay as they are written: MathJax sets them for everybody,
    and its thousands of elements would take most of the time.
    """
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


@pytest.mark.parametrize("page", PAGES)
def test_axe_finds_no_serious_violation_in_light_or_dark(visit, page):
    tab, _, _ = visit(page, formulas=False)
    assert not violations(tab, "{resultTypes: ['violations']}")
    tab.emulate_media(color_scheme="dark")
    tab.wait_for_selector("html[data-theme=dark]")
    assert not violations(tab, "{runOnly: ['color-contrast']}")
