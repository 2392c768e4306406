"""The pages that are no chapters: the front page with its network and its map, what a learner finds
on exercise pages and at the end of a chapter, what the browser keeps, and the teachers' tables.
"""

import re
from html import unescape
from types import SimpleNamespace

import pytest
from pages import CHAPTERS, EXERCISES, FILED, HTML, PAGES, elements, html
from support import ROOT, book_extension


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
        ("at 100 times the rate", r"is \d(\.\d)? now; it rose in \d+ of 12 epochs"),
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


def text(markup):
    """What a piece of HTML says."""
    return unescape(" ".join(re.sub(r"<[^>]+>", " ", markup).split()))


def section(page, name):
    """A section of a page that has no section in it."""
    return html(page).split(f'<section id="{name}">')[1].split("</section>")[0]


MAPPED = [*CHAPTERS, "book/width-and-depth", "book/in-practice", "book/case-study"]


def test_the_map_has_each_chapter_once_and_no_arrow_leads_up():
    drawn = html("book/intro").split('<div class="gradlab-map">')[1].split("</div>")[0]
    links = re.findall(r'<a href="([a-z-]+)\.html"', drawn)
    assert sorted(f"book/{link}" for link in links) == sorted(MAPPED)
    chapters = book_extension("chapter_map").chapters()
    order = [chapter["file"].removeprefix("book/") for chapter in FILED]
    places = {(c.row, c.column) for c in chapters.values()}
    assert len(places) == len(chapters)
    arrows = [(chapters[before], c) for c in chapters.values() for before in c.after]
    assert drawn.count("<path d=") == len(arrows) + 1
    for start, end in arrows:
        assert (start.row, start.column) < (end.row, end.column)
        assert order.index(start.slug) < order.index(end.slug)


def test_the_map_fits_a_phone(visit):
    tab, _, _ = visit("book/intro", formulas=False)
    tab.set_viewport_size({"width": 390, "height": 900})
    sizes = tab.evaluate(
        """() => [...document.querySelectorAll(".gradlab-map a")].map(a => {
            const box = a.querySelector("rect").getBoundingClientRect();
            const words = a.querySelector("text").getBoundingClientRect();
            return [words.left - box.left, box.right - words.right, words.height];
        })"""
    )
    assert len(sizes) == len(MAPPED)
    assert min(min(left, right) for left, right, _ in sizes) >= 0
    assert min(height for *_, height in sizes) > 10


def test_what_is_done_is_kept_and_can_be_forgotten(browser):
    """From a folder, as from a server."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    tab = context.new_page()
    errors = []
    tab.on("pageerror", lambda error: errors.append(str(error)))

    def visit(page):
        tab.goto((HTML / f"{page}.html").as_uri())

    visit("book/losses")
    tab.locator(".gradlab-tick input").check()
    quiz = tab.locator("section#check-yourself details.sd-dropdown")
    for option in quiz.all():
        if option.locator("p").last.text_content().startswith("Right"):
            option.locator("summary").click()
            break
    visit("exercises/losses/losses")
    assert not tab.locator(".gradlab-tick input").is_checked()
    tab.locator(".gradlab-tick input").check()
    visit("book/intro")
    assert "chapters 1, exercises 1" in tab.locator("#gradlab-progress").inner_text()
    assert tab.locator(".gradlab-map a.gradlab-done").get_attribute("href") == "losses.html"
    marked = tab.locator(".bd-links a.gradlab-done")
    assert {link.inner_text().strip() for link in marked.all()} <= {"Losses", "The exercise", ""}
    assert marked.count() == 2
    visit("book/losses")
    assert tab.locator(".gradlab-tick input").is_checked()
    assert "1 of" in tab.locator(".gradlab-tick output").inner_text()
    assert "1 right at the first try" in tab.locator(".gradlab-tick output").inner_text()
    visit("book/intro")
    tab.get_by_role("button", name="Forget all").click()
    assert "chapters 0, exercises 0" in tab.locator("#gradlab-progress").inner_text()
    assert tab.locator(".gradlab-done").count() == 0
    visit("book/losses")
    assert not tab.locator(".gradlab-tick input").is_checked()
    assert errors == []
    context.close()


@pytest.mark.parametrize("page", EXERCISES)
def test_an_exercise_leads_to_its_chapter_its_equations_and_its_answers(page):
    slug = page.split("/")[-1]
    links = [a.get("href") or "" for tag, a in elements(page) if tag == "a"]
    assert any(link.endswith(f"book/{slug}.html") for link in links)
    equations = {link.split("#equation-")[1] for link in links if "#equation-" in link}
    assert equations or slug == "in-practice"
    for link in links:
        if "#equation-" in link:
            target, anchor = link.split("#")
            chapter = (HTML / page).parent / target
            assert f'id="{anchor}"' in chapter.read_text()
    answers = html(page).split('id="model-answers"')[1]
    assert "def " in text(answers)
    assert "### " not in text(answers)
    assert "YOUR ANSWER HERE" not in answers
    # All of it is folded: the first word of an answer is under a title.
    assert answers.index("<details") < answers.index('<div class="highlight')


def test_a_course_can_leave_the_answers_out(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "book" / "_ext"))
    pages = book_extension("exercise_pages")
    source = [(ROOT / "exercises/losses/losses.ipynb").read_text()]
    config = SimpleNamespace(gradlab_answers=False)
    pages.complete(SimpleNamespace(config=config), "exercises/losses/losses", source)
    assert "## Hints" in source[0]
    assert "odel answers" not in source[0]
    config.gradlab_answers = True
    pages.complete(SimpleNamespace(config=config), "exercises/losses/losses", source)
    assert "## Model answers" in source[0]
    untouched = ["text"]
    pages.complete(SimpleNamespace(config=config), "book/losses", untouched)
    assert untouched == ["text"]


def test_questions_come_back_in_later_chapters():
    asked = {}
    quizzes = [page for page in PAGES if '<section id="check-yourself">' in html(page)]
    assert set(CHAPTERS) < set(quizzes)
    for number, page in enumerate(quizzes):
        if number < 2:
            assert 'id="from-earlier-chapters"' not in html(page)
            continue
        again = section(page, "from-earlier-chapters")
        sources = re.findall(r'href="([a-z-]+)\.html"><span[^>]*>', again.split("<details")[0])
        assert f"book/{sources[0]}" == quizzes[number - 2]
        blocks = re.split(r'<p class="gradlab-from">', again)[1:]
        assert len(blocks) == 1 + (number >= 7)
        for block in blocks:
            options = re.findall(r"<details.*?</details>", block, re.S)
            assert len(options) >= 2
            assert sum(">Right" in option for option in options) == 1
            question = text(block.split("<strong>")[1].split("</strong>")[0])
            assert not question[0].isdigit()
            asked.setdefault(page, []).append(question)
    assert len({q for of_page in asked.values() for q in of_page}) > 20


def test_the_cheat_sheet_has_every_line_of_the_take_aways():
    sheet = html("book/cheat-sheet")
    for page in MAPPED:
        lines = re.findall(r"<li>(.*?)</li>", section(page, "take-away"), re.S)
        assert lines
        own = sheet.split(f'id="sheet-{page.split("/")[-1]}"')[1].split("</section>")[0]
        assert [text(line) for line in re.findall(r"<li>(.*?)</li>", own, re.S)] == [
            text(line) for line in lines
        ]


def test_the_glossary_leads_to_the_chapters():
    article = html("book/glossary").split("<article")[1].split("</article>")[0]
    terms = re.findall(r"<dt id=\"term-[^\"]*\">(.*?)<a", article, re.S)
    assert len(terms) > 50
    assert terms == sorted(terms, key=str.lower)
    links = set(re.findall(r'href="([a-z-]+)\.html#', article))
    assert {f"book/{link}" for link in links} >= set(CHAPTERS)


def test_the_teachers_page_has_every_exercise_and_every_entry_of_the_errata():
    page = html("book/teachers")
    for exercise in EXERCISES:
        row = re.search(rf"<tr[^>]*>(?:(?!</tr>).)*{exercise}\.html.*?</tr>", page, re.S)[0]
        cells = [text(cell) for cell in re.findall(r"<td.*?</td>", row, re.S)]
        assert len(cells) == 6
        assert 60 <= int(cells[2]) <= 120
        assert cells[3] == "10"
        assert cells[5] in "123"
    entries = re.findall(r'<section id="([^"]+)">\s*<h3', html("book/errata"))
    linked = set(re.findall(r'href="errata\.html#([^"]+)" aria-label', page))
    assert linked == set(entries)
    for word in ("SLIDES", "EXERCISES", "PREREQUISITES"):
        assert word not in page
