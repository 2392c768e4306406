"""Flags are facts: what the reference, the published solution and honest work look like to them."""

import ast
import copy
import csv
import inspect

import nbformat
import pytest
from checking import answers, submissions
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from support import ROOT, exercises_tool

from gradlab.grading.flags import ALIKE, SHORTEST, assignment, flags, tokens, write_report
from gradlab.grading.flags import _alike as alike

SLUG = "batch-normalization"
# Where students repair what is given, nothing is compared with the published solution.
TOPICS = sorted({path.stem for path in (ROOT / "solutions").glob("*.py")} - {"in-practice"})


def known(slug):
    """What flags know of an assignment, from its two notebooks."""
    released = nbformat.read(ROOT / "exercises" / slug / f"{slug}.ipynb", as_version=4)
    texts = {
        cell.metadata.nbgrader.grade_id: cell.source
        for cell in released.cells
        if "nbgrader" in cell.metadata
    }
    return assignment(exercises_tool().source_notebook(slug), texts)


KNOWN = known(SLUG)


def released():
    return nbformat.read(ROOT / "exercises" / SLUG / f"{SLUG}.ipynb", as_version=4)


def of_cell(text, name="forward"):
    """(name, line) of the flags of a text in an answer, or in a cell of the student's own."""
    notebook = released()
    if name:
        (cell,) = (
            c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("grade_id") == name
        )
        cell.source = text
    else:
        notebook.cells.insert(3, new_code_cell(text))
    found = flags(notebook, KNOWN)
    assert {flag.cell for flag in found} <= {name or "cell 4"}
    return [(flag.name, flag.line) for flag in found]


def function(form):
    """The syntax tree of a function that stands by itself."""
    tree = ast.parse(inspect.getsource(inspect.unwrap(getattr(form, "py_func", form))))
    return next(node for node in tree.body if isinstance(node, ast.FunctionDef))


def renamed(text):
    """A copy of a function with other names, a comment and another description."""
    tree = ast.parse(text)
    names = {
        n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
    }
    names |= {n.arg for n in ast.walk(tree) if isinstance(n, ast.arg)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in names:
            node.id = f"my_{node.id}"
        elif isinstance(node, ast.arg):
            node.arg = f"my_{node.arg}"
    (outer,) = (node for node in tree.body if isinstance(node, ast.FunctionDef))
    outer.body[0] = ast.Expr(ast.Constant("My own words."))
    return "# my comment\n" + ast.unparse(tree)


@pytest.mark.parametrize(
    "text",
    [
        "from gradlab.batch_normalization import batch_norm_forward",
        "import numpy\nfrom gradlab import batch_normalization",
        "import gradlab.batch_normalization as b",
        "import importlib\nb = importlib.import_module('gradlab.batch_normalization')",
        "from gradlab.checks import exercise",
        "def f(*a):\n    import gradlab",
        "def batch_norm_forward(*a):\n    return known['x'].reference(*a)",
        "import sys\nmodule = sys.modules['gradlab.checks']",
        "%timeit 1\nfrom gradlab.batch_normalization import batch_norm_forward",
    ],
)
def test_the_reference(text):
    found = of_cell(text)
    assert [name for name, _ in found] == ["reference"]
    assert found[0][1] == (1 if text.startswith(("from", "import g")) else 2)


@pytest.mark.parametrize(
    "text",
    [
        "def check(*a):\n    pass",
        "check = print",
        "from math import sin as check",
        "for check in range(3):\n    pass",
        "class check:\n    pass",
        "if True:\n    check = 1",
        "del check",
        "(check := 3)",
        "def f():\n    global check\n    check = 3",
        "module.check = print",
        "globals()['check'] = print",
        "setattr(module, 'check', print)",
    ],
)
def test_check_redefined(text):
    assert [name for name, _ in of_cell(text, None)] == ["check"]


def test_work_elsewhere():
    text = "\n\ndef batch_norm_forward(x, gamma, beta, eps):\n    return x"
    assert of_cell(text, None) == [("elsewhere", 3)]
    assert of_cell("batch_norm_forward = None", None) == [("elsewhere", 1)]
    assert of_cell(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "from gradlab.checks import check\nimport numpy as np",
        "def helper(x):\n    check = x > 0\n    return check",
        "reference = 3\nprint('gradlab is fine', reference)",
        "%matplotlib inline\n!ls\n%%bash",
        "def broken(:",
        "",
        "batch_norm_forward(np.ones((2, 2)), 1, 0, 0.1)",
        'check("batch_normalization.forward", batch_norm_forward)',
    ],
)
@pytest.mark.parametrize("name", ["forward", None])
def test_honest_cells_have_none(text, name):
    assert of_cell(text, name) == []


def test_what_is_released_has_none():
    assert flags(released(), KNOWN) == []
    assert flags(new_notebook(cells=[new_markdown_cell("check = 1")]), KNOWN) == []


@pytest.mark.parametrize("slug", TOPICS)
def test_a_copy_of_the_published_solution_matches_by_any_name(slug):
    about = known(slug)
    long = [a for a in answers(slug).values() if a.function in about.published]
    for answer in long:
        own_name = renamed(answer.source).replace(f"def {answer.function}(", "def mine(")
        for text, matches in (
            (answer.source, f"{answer.function} matches the published solution."),
            (own_name, f"mine matches the published solution of {answer.function}."),
        ):
            found = flags(new_notebook(cells=[new_code_cell(text)]), about)
            assert matches in [flag.sentence for flag in found]


def test_how_the_threshold_was_chosen():
    """Right answers in other forms, and copies of the published ones with one place changed."""
    honest, changed = [], []
    for slug in TOPICS:
        forms = submissions(slug).OTHER_FORMS
        for name, answer in answers(slug).items():
            (published,) = (
                node
                for node in ast.parse(answer.source).body
                if isinstance(node, ast.FunctionDef) and node.name == answer.function
            )
            text = tokens(published)
            if len(text) < SHORTEST:
                continue
            honest += [
                alike(tokens(function(f)), text, ALIKE) for which, f in forms if which == name
            ]
            for node in ast.walk(published):
                if isinstance(node, ast.BinOp):
                    operation, node.op = node.op, ast.Mod()
                    changed.append(alike(tokens(published), text, ALIKE))
                    node.op = operation
            for place in range(1, len(published.body)):
                longer = copy.copy(published)
                longer.body = [*published.body]
                longer.body.insert(place, ast.parse("extra = 0").body[0])
                changed.append(alike(tokens(longer), text, ALIKE))
    assert len(honest) > 200
    assert sum(honest) == 0
    assert len(changed) > 500
    assert all(changed)


def test_what_is_given_is_not_compared():
    assert known("in-practice").published.keys() <= {"fit"}


@pytest.mark.parametrize(
    "text",
    ["x = " + "(" * 150 + "1" + ")" * 150, "x = " + "-" * 40_000 + "1", "x = 1" + " + 1" * 12_000,
     "x" + ".a" * 20_000, "x = 1\n" * 20_000, "\0", "\ud800", "x = '" + "\\" * 1000, "[" * 40_000,
     "def f():\n" + "".join(" " * k + "if x:\n" for k in range(1, 95)) + " " * 95 + "pass"],
    ids=range(10),
)  # fmt: skip
def test_hostile_texts_are_looked_at_or_said_to_be_too_long(text):
    assert {name for name, _ in of_cell(text)} <= {"unreadable"}


def test_many_functions_take_no_time():
    text = answers(SLUG)["batch_normalization.backward"].source
    text = "\n".join(text.replace("batch_norm_backward", f"f{k}") for k in range(10))
    found = flags(new_notebook(cells=[new_code_cell(text) for _ in range(50)]), KNOWN)
    assert sum(flag.name == "published solution" for flag in found) == 200
    assert found[-1].name == "unreadable"


def test_the_report_of_a_class(tmp_path):
    notebook = new_notebook(metadata={"gradlab": {"flags": [
        {"name": "check", "cell": "cell 4", "line": 2, "sentence": "=1+1"}
    ]}})  # fmt: skip
    folder = tmp_path / "autograded" / "-ada" / SLUG
    folder.mkdir(parents=True)
    nbformat.write(notebook, folder / f"{SLUG}.ipynb")
    assert write_report(tmp_path / "autograded", tmp_path / "flags.csv") == 1
    with (tmp_path / "flags.csv").open(newline="") as file:
        header, row = csv.reader(file)
    assert header == ["student", "assignment", "name", "cell", "line", "sentence"]
    assert row == ["'-ada", SLUG, "check", "cell 4", "2", "'=1+1"]
