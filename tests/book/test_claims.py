"""The page of claims lists those of all chapters, none of them on fewer seeds than five."""

import re

import pytest
from pages import CHAPTERS, html

from gradlab.evidence import MINIMUM


def sections():
    """{chapter: [the seeds of each claim]} as the page lists them."""
    page = html("book/claims")
    found = re.findall(r'<section id="claims-([^"]+)">(.*?)</section>', page, re.DOTALL)
    rows = r"<tr[^>]*>\s*<td>.*?</td>\s*<td><p>(\w+)</p></td>"
    return {name: re.findall(rows, text, re.DOTALL) for name, text in found}


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_each_chapter_has_claims(chapter):
    assert len(sections()[chapter.rpartition("/")[2]]) >= 5


def test_no_claim_rests_on_fewer_seeds():
    seeds = [number for numbers in sections().values() for number in numbers if number != "none"]
    assert len(seeds) > 200
    assert min(map(int, seeds)) >= MINIMUM


def test_the_page_counts_its_claims():
    counted = re.search(r"(\d+) claims: (\d+) on \d+ seeds or more", html("book/claims"))
    listed = [number for numbers in sections().values() for number in numbers]
    assert int(counted[1]) == len(listed)
    assert int(counted[2]) == len([number for number in listed if number != "none"])
