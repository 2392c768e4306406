"""The rendered book: complete, self-contained, readable by everybody."""

import csv
import functools
import gzip
import http.server
import re
import shutil
import threading
from html.parser import HTMLParser
from importlib import resources
from urllib.parse import urlsplit

import pytest
import yaml
from support import FIXTURES, ROOT

HTML = ROOT / "_build" / "html"
TOC = yaml.safe_load((ROOT / "_toc.yml").read_text())
FILED = [chapter for part in TOC["parts"] for chapter in part["chapters"]]
EXERCISES = [section["file"] for chapter in FILED for section in chapter.get("sections", [])]
PAGES = [TOC["root"], *(chapter["file"] for chapter in FILED), *EXERCISES]
# Chapters have a module of their own name; other executed pages have no fixed parts.
CHAPTERS = [
    p
    for p in PAGES
    if (ROOT / "package" / "gradlab" / f"{p.removeprefix('book/').replace('-', '_')}.py").is_file()
]

with (FIXTURES / "coverage.csv").open() as file:
    TOPICS = list(csv.DictReader(file))

SECTIONS = [
    "What you will learn",
    "The idea",
    "The mathematics",
    "The code",
    "See it happen",
    "Where libraries differ",
    "Good practice",
    "Pitfalls",
    "Check yourself",
    "Exercise",
    "Take away",
    "Sources",
    "Further reading",
]


class Elements(HTMLParser):
    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


@functools.cache
def html(page):
    path = HTML / f"{page}.html"
    assert path.is_file(), "the book is not built: run make"
    return path.read_text()


@functools.cache
def elements(page):
    parser = Elements()
    parser.feed(html(page))
    return parser.found


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_chapter_has_all_its_parts_in_order(chapter):
    headings = re.findall(r"^## (.+)$", (ROOT / f"{chapter}.md").read_text(), re.MULTILINE)
    assert headings == SECTIONS


@pytest.mark.parametrize("page", PAGES)
def test_nothing_is_loaded_from_elsewhere(page):
    for tag, attributes in elements(page):
        for name in ("src", "href", "data", "poster"):
            address = attributes.get(name) or ""
            if tag != "a" and address.startswith(("http:", "https:", "//")):
                pytest.fail(f"<{tag} {name}={address}>")


@pytest.mark.parametrize("page", PAGES)
def test_there_is_one_mathjax_at_most(page):
    scripts = [a.get("src") or "" for tag, a in elements(page) if tag == "script"]
    assert sum("mathjax" in script.lower() for script in scripts) <= 1


@pytest.mark.parametrize("page", PAGES)
def test_every_picture_says_what_it_shows(page):
    for tag, attributes in elements(page):
        if tag == "img":
            assert len(attributes.get("alt") or "") > 10, attributes
        if tag == "svg" and attributes.get("role") == "img":
            assert len(attributes.get("aria-label") or "") > 30, attributes


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_chapter_has_pictures_and_one_that_moves(chapter):
    page = elements(chapter)
    assert sum(tag == "svg" and a.get("role") == "img" for tag, a in page) >= 3
    assert any(tag == "input" and a.get("type") == "range" for tag, a in page)


@pytest.mark.parametrize("page", PAGES)
def test_identifiers_are_unique(page):
    identifiers = [a["id"] for _, a in elements(page) if a.get("id")]
    twice = {i for i in identifiers if identifiers.count(i) > 1}
    assert not twice, sorted(twice)[:5]


@pytest.mark.parametrize("page", PAGES)
def test_no_cell_failed(page):
    assert "Traceback" not in html(page)
    assert 'class="output stderr' not in html(page)


@pytest.mark.parametrize("row", TOPICS, ids=lambda row: row["id"])
def test_a_topic_of_the_decks_has_its_place(row):
    """The chapter names what computes it, and the decks that it is from."""
    text = re.sub(r"<[^>]+>", "", html(f"book/{row['chapter']}"))
    for symbol in row["symbols"].split(";"):
        assert re.search(rf"\b{symbol.split('.')[-1]}\b", text), symbol
    mentions = re.findall(r"[Dd]ecks? ((?:[HLCS](?:, (?:and )?| and |'s|\b))+)", text)
    decks = set(row["decks"].split(";")) - {"-"}
    assert decks <= set("".join(mentions))


def test_every_chapter_has_its_exercise():
    assert [page.split("/")[-1] for page in EXERCISES] == [page.split("/")[-1] for page in CHAPTERS]


@pytest.mark.parametrize("page", EXERCISES)
def test_an_exercise_can_be_downloaded_from_its_page_and_from_its_chapter(page):
    released = (ROOT / f"{page}.ipynb").read_bytes()
    for source in (page, f"book/{page.split('/')[-1]}"):
        links = [a.get("href") or "" for tag, a in elements(source) if tag == "a"]
        files = [(HTML / source).parent / link for link in links if link.endswith(".ipynb")]
        assert files
        assert all(file.read_bytes() == released for file in files)


# ---- in a browser


@pytest.fixture(scope="module")
def browser():
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("Chromium is not installed: Debian's package chromium")
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with sync_api.sync_playwright() as driver:
        running = driver.chromium.launch(
            executable_path=chromium,
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--no-first-run",
            ],
        )
        yield running
        running.close()


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


@pytest.fixture(scope="module")
def site():
    handler = functools.partial(Quiet, directory=str(HTML))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def visit(browser, site):
    """Open a page; return it with what it asked for and what it complained of."""
    contexts = []

    def open_page(page, width=1280, scheme="light"):
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        contexts.append(context)
        tab = context.new_page()
        requests, errors = [], []
        tab.on("request", lambda request: requests.append(request.url))
        tab.on("pageerror", lambda error: errors.append(str(error)))
        tab.on("response", lambda r: errors.append(r.url) if r.status >= 400 else None)
        tab.goto(f"{site}/{page}.html", wait_until="load")
        tab.wait_for_timeout(500)
        return tab, requests, errors

    yield open_page
    for context in contexts:
        context.close()


@pytest.mark.parametrize("page", PAGES)
def test_a_page_asks_nothing_of_other_sites_and_has_no_error(visit, site, page):
    _, requests, errors = visit(page)
    assert requests
    assert [url for url in requests if not url.startswith((site, "data:", "blob:"))] == []
    assert [e for e in errors if not e.endswith("/favicon.ico")] == []


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_light(visit, page):
    """With all that it loads, as compressed as a static host sends it, and by itself as it is."""
    tab, _, _ = visit(page)
    tab.wait_for_timeout(1500)
    addresses = tab.evaluate("performance.getEntriesByType('resource').map(e => e.name)")
    files = {HTML / urlsplit(address).path.lstrip("/") for address in addresses}
    files |= {HTML / f"{page}.html"}
    weight = sum(len(gzip.compress(f.read_bytes())) for f in files if f.is_file())
    assert weight < 3_000_000
    assert (HTML / f"{page}.html").stat().st_size < 3_000_000


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_violation(visit, page, scheme):
    tab, _, _ = visit(page, scheme=scheme)
    tab.evaluate(resources.files("axe_playwright_python").joinpath("axe.min.js").read_text())
    found = tab.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
    serious = [
        f"{violation['id']}: {node['html'][:200]}"
        for violation in found
        if violation["impact"] in ("serious", "critical")
        for node in violation["nodes"]
    ]
    assert not serious


@pytest.mark.parametrize("page", PAGES)
def test_a_page_fits_a_phone(visit, page):
    tab, _, _ = visit(page, width=360)
    tab.wait_for_timeout(1500)
    assert tab.evaluate("document.documentElement.scrollWidth") <= 360


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_formulas_are_set(visit, chapter):
    tab, _, _ = visit(chapter)
    tab.wait_for_selector("mjx-container")
    assert tab.locator("mjx-merror").count() == 0
    assert tab.locator("mjx-container").count() > 20


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_the_slider_moves_its_figure(visit, chapter):
    tab, _, _ = visit(chapter)
    slider = tab.locator(".gradlab-slider input").first
    figure = tab.locator(".gradlab-slider").first
    frames = figure.locator("[data-value]")
    assert frames.count() >= 4
    for position in (0, frames.count() - 1):
        slider.fill(str(position))
        shown = [k for k in range(frames.count()) if frames.nth(k).is_visible()]
        assert shown == [position]
        value = frames.nth(position).get_attribute("data-value")
        assert figure.locator("output").inner_text() == value
        assert slider.get_attribute("aria-valuetext") == value


def test_an_animation_plays_pauses_and_steps(visit):
    tab, _, _ = visit("book/optimizers")
    figure = tab.locator(".gradlab-slider:has(button)").first
    slider = figure.locator("input")
    play, step = figure.locator("button").nth(0), figure.locator("button").nth(1)
    slider.fill("0")
    step.click()
    assert slider.input_value() == "1"
    play.click()
    assert play.inner_text() == "Pause"
    tab.wait_for_timeout(1000)
    play.click()
    assert play.inner_text() == "Play"
    reached = int(slider.input_value())
    assert reached >= 2
    tab.wait_for_timeout(600)
    assert int(slider.input_value()) == reached


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_the_slider_obeys_the_keyboard(visit, chapter):
    tab, _, _ = visit(chapter)
    slider = tab.locator(".gradlab-slider input").first
    before = int(slider.input_value())
    slider.focus()
    tab.keyboard.press("ArrowRight")
    assert int(slider.input_value()) == before + 1


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
