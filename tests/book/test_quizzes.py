"""The options of *Check yourself*: all there, one right, and not always in the same place."""

import functools
import random
import re
from collections import Counter

import pytest
from pages import CHAPTERS, html
from support import ROOT, book_extension

OPTION = re.compile(r"<details .*?</details>", re.DOTALL)
RIGHT = re.compile(r'</summary>\s*<div[^>]*>\s*<p class="sd-card-text">Right\b')


@functools.cache
def quiz(chapter):
    """For each question of the page: its options, and the places of those that are right."""
    section = html(chapter).split('<section id="check-yourself">')[1].split("</section>")[0]
    found = []
    for question in re.split(r"<p><strong>\d", section)[1:]:
        options = OPTION.findall(question)
        found.append((options, [k for k, o in enumerate(options) if RIGHT.search(o)]))
    return found


def source(chapter):
    """The titles of the options as written: for each question, in order."""
    text = (ROOT / f"{chapter}.md").read_text()
    section = text.split("\n## Check yourself\n")[1].split("\n## ")[0]
    questions = re.split(r"^\*\*\d", section, flags=re.MULTILINE)[1:]
    return [re.findall(r"^:::\{dropdown\} (.+)$", question, re.MULTILINE) for question in questions]


def words(title):
    """What a title has in common with its source: no formula, code or quotation mark."""
    bare = re.sub(r"<[^>]+>|\$[^$]*\$|\\\(.*?\\\)|`[^`]*`|\{\w+\}|&\w+;", " ", title)
    return re.findall(r"[a-z]{2,}", bare.lower())


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_question_keeps_its_options_and_has_one_that_is_right(chapter):
    written, built = source(chapter), quiz(chapter)
    assert len(built) == len(written) >= 4
    for titles, (options, right) in zip(written, built, strict=True):
        assert len(options) == len(titles) >= 2
        assert len(right) == 1
        shown = [
            re.search(
                r'<span class="sd-summary-text">(.*?)</span><span class="sd-summary-s', o, re.DOTALL
            )[1]
            for o in options
        ]
        assert len(set(shown)) == len(shown)
        # Code and formulas lose their marks: compare what each title starts with.
        plain = [t for t in titles if not re.search(r"[`$*{]", t)]
        assert {" ".join(words(t)) for t in plain} <= {" ".join(words(s)) for s in shown}


def test_no_place_is_the_right_one_more_often_than_not():
    places = {chapter: [right[0] for _, right in quiz(chapter)] for chapter in CHAPTERS}
    counts = Counter(place for chapter in CHAPTERS for place in places[chapter])
    assert set(counts) == {0, 1, 2}
    assert max(counts.values()) <= counts.total() / 2
    assert [chapter for chapter in CHAPTERS if len(set(places[chapter])) == 1] == []


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_the_order_is_the_same_in_every_build(chapter):
    """It follows from the page's name alone."""
    sizes = [len(options) for options, _ in quiz(chapter)]
    places = book_extension("quizzes").places(len(sizes), max(sizes), random.Random(chapter))
    expected = [place % size for place, size in zip(places, sizes, strict=True)]
    assert [right[0] for _, right in quiz(chapter)] == expected


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_no_text_speaks_of_an_option_by_its_place(chapter):
    text = " ".join(
        re.sub(r"<[^>]+>", " ", option) for options, _ in quiz(chapter) for option in options
    )
    assert not re.search(
        r"\b(first|second|third|last|previous|next)\s+(option|answer|choice)"
        r"|\b(option|answer|choice)s?\s+(above|below|before|[1-3ABC])\b"
        r"|\b(all|none|both|either) of the (above|options|answers)",
        text,
    )
