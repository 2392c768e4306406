"""The rendered book, as files: complete, self-contained, with words for every picture."""

import csv
import re

import pytest
from pages import CHAPTERS, EXERCISES, HTML, INDEXES, PAGES, elements, html
from support import FIXTURES, ROOT

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


@pytest.mark.parametrize("page", [*PAGES, *INDEXES])
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
    assert any((tag == "input" and a.get("type") == "range") or "data-live" in a for tag, a in page)


@pytest.mark.parametrize("page", PAGES)
def test_identifiers_are_unique(page):
    identifiers = [a["id"] for _, a in elements(page) if a.get("id")]
    twice = {i for i in identifiers if identifiers.count(i) > 1}
    assert not twice, sorted(twice)[:5]


@pytest.mark.parametrize("page", PAGES)
def test_no_cell_failed(page):
    assert "Traceback" not in html(page)
    assert 'class="output stderr' not in html(page)


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_an_equation_shows_the_label_that_reports_name(chapter):
    labels = re.findall(r'<span class="gradlab-label">([a-z0-9-]+)</span>', html(chapter))
    ids = [a["id"] for _, a in elements(chapter) if (a.get("id") or "").startswith("equation-")]
    assert labels
    assert [f"equation-{label}" for label in labels] == ids


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
    chapters = [*CHAPTERS, "book/in-practice"]
    assert [page.split("/")[-1] for page in EXERCISES] == [page.split("/")[-1] for page in chapters]


@pytest.mark.parametrize("page", EXERCISES)
def test_an_exercise_is_shown_as_it_is_handed_out(page):
    assert "YOUR ANSWER HERE" in html(page)
    assert 'class="cell_output' not in html(page)


@pytest.mark.parametrize("page", EXERCISES)
def test_an_exercise_can_be_downloaded_from_its_page_and_from_its_chapter(page):
    released = (ROOT / f"{page}.ipynb").read_bytes()
    for source in (page, f"book/{page.split('/')[-1]}"):
        links = [a.get("href") or "" for tag, a in elements(source) if tag == "a"]
        files = [(HTML / source).parent / link for link in links if link.endswith(".ipynb")]
        assert files
        assert all(file.read_bytes() == released for file in files)


def test_the_snippet_of_the_first_page_can_be_pasted():
    (snippet,) = re.findall(
        r"^```python\n(.*?)^```", (ROOT / "book/intro.md").read_text(), re.M | re.S
    )
    assert snippet in (ROOT / "README.md").read_text()
    exec(snippet, {})
