"""The rendered book: which pages it has, and what is in them."""

import functools
from html.parser import HTMLParser

import yaml
from support import ROOT

HTML = ROOT / "_build" / "html"
TOC = yaml.safe_load((ROOT / "_toc.yml").read_text())
FILED = [chapter for part in TOC["parts"] for chapter in part["chapters"]]
SECTIONS = [section["file"] for chapter in FILED for section in chapter.get("sections", [])]
EXERCISES = [page for page in SECTIONS if page.startswith("exercises/")]
PAGES = [TOC["root"], *(chapter["file"] for chapter in FILED), *SECTIONS]
# What Sphinx adds of itself; of the pages of source code the longest.
INDEXES = ["genindex", "py-modindex", "search", "_modules/index", "_modules/gradlab/optimizers"]
# Chapters have a module of their own name; other executed pages have no fixed parts.
CHAPTERS = [
    p
    for p in PAGES
    if (ROOT / "package" / "gradlab" / f"{p.removeprefix('book/').replace('-', '_')}.py").is_file()
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
