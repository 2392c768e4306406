"""Every labeled equation is cited by the code that computes it, and checked by a marked test."""

import ast
import re

import pytest
from pages import SECTIONS, html
from support import FIXTURES, ROOT, book_extension

import gradlab

CHAPTERS = {path.stem: path for path in sorted((ROOT / "book").glob("*.md"))}
EQUATIONS = book_extension("equations")
LABELS = {stem: set(labels) for stem, labels in EQUATIONS.labels().items()}
TOPICS = list(LABELS)


def docstrings():
    """Every docstring of the package's functions and classes, the checkers' too, as one text."""
    text = []
    for path in sorted((ROOT / "package" / "gradlab").rglob("*.py")):
        tree = ast.parse(path.read_text())
        nodes = (n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.ClassDef))
        text += filter(None, map(ast.get_docstring, nodes))
    return " ".join(text)


# English, and not a label of input normalization.
WORDS = {"in-place"}


def cited(stem):
    """Labels in the package's docstrings: words with the prefix of the chapter's labels."""
    prefixes = {label.split("-")[0] for label in LABELS[stem]}
    words = re.findall(r"\b[a-z]+(?:-[a-z0-9]+)+\b", docstrings())
    return {word for word in words if word.split("-")[0] in prefixes} - WORDS


def checked():
    found = set()
    for path in (ROOT / "tests").rglob("test_*.py"):
        found |= set(re.findall(r'mark\.equation\("([a-z0-9-]+)"\)', path.read_text()))
    return found


def test_there_are_labeled_equations():
    assert "batch-normalization" in TOPICS
    assert len(LABELS["batch-normalization"]) > 10


def prose(path):
    """The lines of a page that are not code."""
    fenced = re.compile(r"^(`{3,})(?!\{(?:admonition|math)).*?^\1$", re.DOTALL | re.MULTILINE)
    return fenced.sub("", path.read_text()).splitlines()


@pytest.mark.parametrize("stem", CHAPTERS)
def test_displayed_equations_are_written_in_one_form(stem):
    """The next test looks for this form: a line of dollars before and one after, with the label."""
    lines = prose(CHAPTERS[stem])
    dollars = [line for line in lines if "$$" in line]
    assert [line for line in dollars if not re.fullmatch(r"\$\$( \([a-z0-9-]+\))?", line)] == []
    assert len(dollars) % 2 == 0
    others = re.compile(r"\{math\}|\\begin\{(align|equation)\b")
    assert [line for line in lines if others.search(line)] == []


def unlabeled():
    """Displayed equations without a label, a line each."""
    for stem, path in CHAPTERS.items():
        body = None
        for line in prose(path):
            if body is None:
                body = [] if line == "$$" else None
            elif line.startswith("$$"):
                if line == "$$":
                    yield f"{stem}: {' '.join(body)}"
                body = None
            else:
                body.append(line.strip())


def test_what_defines_a_computed_quantity_is_labeled():
    """Without a label stand steps of a derivation alone, and somebody has said that they are.

    An equation that the package computes gets a label, a kernel that cites it and a marked test. A
    step, or a result that nothing computes, goes into ``tests/fixtures/steps.txt``.
    """
    steps = (FIXTURES / "steps.txt").read_text().splitlines()
    assert set(unlabeled()) - set(steps) == set(), "label them, or add them to the steps"
    assert set(steps) - set(unlabeled()) == set(), "no longer in the book"


@pytest.mark.parametrize("stem", TOPICS)
def test_every_equation_is_cited_by_its_code(stem):
    assert LABELS[stem] - cited(stem) == set()


@pytest.mark.parametrize("stem", TOPICS)
def test_every_citation_has_its_equation(stem):
    assert cited(stem) - LABELS[stem] == set()


@pytest.mark.parametrize("stem", TOPICS)
def test_every_equation_is_checked_by_a_test(stem):
    assert LABELS[stem] - checked() == set()


@pytest.mark.parametrize("stem", TOPICS)
def test_one_prefix_a_chapter(stem):
    prefixes = {label.split("-")[0] for label in LABELS[stem]}
    assert len(prefixes) == 1
    others = {label.split("-")[0] for other in TOPICS if other != stem for label in LABELS[other]}
    assert not prefixes & others


def test_every_equation_has_a_kernel_or_a_reason():
    assert EQUATIONS.unexplained() == [], "name them in a kernel, or in book/equations.csv"


def test_every_reason_is_needed():
    assert EQUATIONS.obsolete() == [], "drop them from book/equations.csv"
    assert all(reason.kind and reason.text for reason in EQUATIONS.reasons().values())


def test_a_kernel_makes_a_reason_obsolete(monkeypatch):
    label = next(label for label in EQUATIONS.all_labels() if label in EQUATIONS.kernels())
    stale = {label: EQUATIONS.Reason("identity", "of no use"), "no-label": "whose equation went"}
    monkeypatch.setattr(EQUATIONS, "reasons", lambda: stale)
    assert EQUATIONS.obsolete() == list(stale)
    monkeypatch.setattr(EQUATIONS, "kernels", dict)
    assert EQUATIONS.unexplained() == [one for one in EQUATIONS.all_labels() if one != label]


def test_the_table_leads_to_equations_and_to_sources():
    links = re.findall(r'href="([^"#]+)#([^"]+)"', html(EQUATIONS.TABLE).split("<article")[1])
    equations = [(page, place) for page, place in links if place.startswith("equation-")]
    assert [place.removeprefix("equation-") for _, place in equations] == EQUATIONS.all_labels()
    sources = [(page, place) for page, place in links if "_modules/" in page]
    assert len(sources) > 100
    for page, place in {*equations, *sources}:
        assert f'id="{place}"' in html(f"book/api/{page}".removesuffix(".html")), (page, place)


def test_sources_lead_back_to_the_table():
    source = html("_modules/gradlab/batch_normalization")
    backs = re.findall(r'href="[./]*book/api/equations.html#([^"]+)"', source)
    assert "gradlab.batch_normalization._batch_norm_backward_kernel" in backs
    assert all(f'id="{back}"' in html(EQUATIONS.TABLE) for back in backs)


def test_docstrings_lead_to_chapters_and_equations():
    page = html("book/api/autodiff")
    assert 'href="../autodiff.html">' in page
    assert 'href="../autodiff.html#equation-ad-dual">' in page
    assert "book/autodiff.md" not in page


@pytest.mark.parametrize("module", [*gradlab.__all__, "plotting", "estimator", "checks"])
def test_every_module_has_a_page_of_the_reference(module):
    page = f"book/api/{module.replace('_', '-')}"
    assert page in SECTIONS
    assert f".. automodule:: gradlab.{module}\n" in (ROOT / f"{page}.md").read_text()
    assert f"{{py:mod}}`gradlab.{module}`" in (ROOT / "book" / "api.md").read_text()
