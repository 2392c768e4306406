"""The released notebooks: up to date, complete, and without a trace of the solutions."""

import re
from itertools import pairwise

import jupytext
import nbformat
import pytest
from support import ROOT, exercises_tool

from gradlab.checks import exercise

tool = exercises_tool()
SLUGS = tool.slugs()


def release(slug):
    return nbformat.read(ROOT / "exercises" / slug / f"{slug}.ipynb", as_version=4)


def graded_cells(notebook):
    return [c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("grade")]


@pytest.fixture(scope="module")
def regenerated(tmp_path_factory):
    """The releases that nbgrader makes now, in a course of their own."""
    folder = tmp_path_factory.mktemp("course")
    for slug in SLUGS:
        tool.write_source(slug, folder / "course" / "source")
    database = f"--db=sqlite:///{folder / 'gradebook.db'}"
    tool.nbgrader("generate_assignment", tool.ALL, f"--course-dir={folder}", database)
    return folder / "course" / "release"


def test_there_is_an_exercise():
    assert SLUGS


@pytest.mark.parametrize("slug", SLUGS)
def test_release_is_up_to_date(slug, regenerated):
    name = f"{slug}/{slug}.ipynb"
    assert (ROOT / "exercises" / name).read_bytes() == (regenerated / name).read_bytes(), (
        f"exercises/{name} does not follow from solutions/{slug}.py: run make exercises"
    )


def test_release_holds_nothing_else():
    files = {
        str(path.relative_to(ROOT / "exercises"))
        for path in (ROOT / "exercises").rglob("*")
        if path.is_file() and ".ipynb_checkpoints" not in path.parts
    }
    assert files == {f"{slug}/{slug}.ipynb" for slug in SLUGS}


@pytest.mark.parametrize("slug", SLUGS)
def test_no_line_of_a_solution_is_released(slug):
    source = (ROOT / "solutions" / f"{slug}.py").read_text()
    # What is given in the place of a solution follows it.
    blocks = re.findall(r"### BEGIN SOLUTION\n(.*?)### (?:GIVEN|END)", source, re.DOTALL)
    lines = {line.strip().removeprefix("# ") for block in blocks for line in block.splitlines()}
    # What everybody writes gives nothing away.
    lines = {line for line in lines if len(line) > 15}
    assert len(lines) > 10
    released = "\n".join(cell.source for cell in release(slug).cells)
    assert not [line for line in lines if line in released]
    assert "### " not in re.sub(r"^#+ .*", "", released, flags=re.MULTILINE)


@pytest.mark.parametrize("slug", SLUGS)
def test_points_of_a_cell_are_those_of_its_exercise(slug):
    for cell in graded_cells(release(slug)):
        settings = cell.metadata.nbgrader
        if cell.cell_type == "code":
            # What a student called check does not reach the cell that grades.
            text = r'from gradlab\.checks import check\n\n((?:# .+\n)+)check\("([^"]+)", \w+\)'
            comment, name = re.fullmatch(text, cell.source).groups()
            assert settings.points == exercise(name).points, name
            # What each criterion is worth can be read before the work.
            said = re.findall(r"^#   ([\d.]+) +(.+)$", comment, re.MULTILINE)
            assert said == [(f"{c.points:g}", c.title) for c in exercise(name).criteria]
            assert settings.locked
    assert 9 <= sum(c.metadata.nbgrader.points for c in graded_cells(release(slug))) <= 12


@pytest.mark.parametrize("slug", SLUGS)
def test_the_table_of_parts_adds_up(slug):
    text = release(slug).cells[0].source
    rows = dict(re.findall(r"^\| (\d+ .+) \| ([\d.]+|none) \|$", text, re.MULTILINE))
    points = [float(value) for value in rows.values() if value != "none"]
    assert sum(points) == sum(c.metadata.nbgrader.points for c in graded_cells(release(slug)))
    everything = "\n".join(cell.source for cell in release(slug).cells)
    assert list(rows) == re.findall(r"^## (\d+ .+)$", everything, re.MULTILINE)


@pytest.mark.parametrize("slug", SLUGS)
def test_no_sentence_turns_into_a_list(slug):
    """A line that happens to begin with a number and a full stop would be an item."""
    item = re.compile(r"(\d+\.|[-+*]) ")
    for cell in release(slug).cells:
        if cell.cell_type == "markdown":
            lines = cell.source.splitlines()
            for before, line in pairwise(lines):
                part_of_list = item.match(before) or before.startswith(" ")
                assert not item.match(line) or not before or part_of_list, line


@pytest.mark.parametrize("slug", SLUGS)
def test_notebook_is_as_jupyter_wants_it(slug):
    notebook = release(slug)
    nbformat.validate(notebook)
    assert notebook.metadata.kernelspec.name == "python3"
    assert all(not cell.get("outputs") for cell in notebook.cells)
    identifiers = [cell.id for cell in notebook.cells]
    assert len(identifiers) == len(set(identifiers))


def test_generating_twice_gives_the_same_bytes(tmp_path):
    for slug in SLUGS:
        first = tool.write_source(slug, tmp_path / "a").read_bytes()
        assert first == tool.write_source(slug, tmp_path / "b").read_bytes()


GRADED = """
# %% nbgrader={"grade": true, "grade_id": "own", "locked": true, "schema_version": 3, \
"solution": false, "task": false}
"""
REPAIR = """
# %% nbgrader={"grade": false, "grade_id": "fix", "locked": false, "schema_version": 3, \
"solution": true, "task": false}
### BEGIN SOLUTION
x = 1
### GIVEN
# x = 2
### END SOLUTION
"""


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        (GRADED + "assert True", "no points for own"),
        (GRADED + "check('weight_decay.ridge', ridge)", "no points for own"),
        (GRADED + 'check(\n    "weight_decay.ridge", ridge\n)', "no points for own"),
        (GRADED + 'check("weight_decay.ridge", ridge)', None),
        (GRADED.replace('"locked"', '"points": 2, "locked"') + "assert True", None),
        (REPAIR, None),
        (REPAIR.replace("GIVEN", "Given"), "given in fix"),
        (REPAIR.replace("### GIVEN", "###GIVEN"), "given in fix"),
        (REPAIR.replace("GIVEN", "GIVEN  #"), "given in fix"),
        (REPAIR.replace("x = 1", "### one\nx = 1"), "given in fix"),
        (REPAIR.replace("### BEGIN SOLUTION", ""), "given in fix"),
    ],
)
def test_a_cell_that_nbgrader_would_misread_is_named(tmp_path, monkeypatch, cell, reason):
    (tmp_path / "solutions").mkdir()
    source = (ROOT / "solutions" / "weight-decay.py").read_text()
    (tmp_path / "solutions" / "topic.py").write_text(source + cell)
    monkeypatch.setattr(tool, "ROOT", tmp_path)
    lines = tool.disagreements("topic")
    assert [reason in line for line in lines] == [True] if reason else not lines, lines


def test_work_in_a_released_notebook_is_left_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(tool, "ROOT", tmp_path)
    monkeypatch.setattr(tool, "COURSE", tmp_path / "course")
    new = tmp_path / "new.ipynb"
    target = tmp_path / "exercises" / "topic" / "topic.ipynb"

    new.write_text("first release")
    assert "written" in tool.install(new, "topic", force=False)
    assert "up to date" in tool.install(new, "topic", force=False)
    new.write_text("second release")
    assert "written" in tool.install(new, "topic", force=False)
    assert target.read_text() == "second release"

    target.write_text("somebody's work")
    assert "left as it is" in tool.install(new, "topic", force=False)
    assert target.read_text() == "somebody's work"
    assert "written" in tool.install(new, "topic", force=True)
    assert target.read_text() == "second release"


def test_a_clone_in_which_somebody_worked_before_the_first_make(tmp_path, monkeypatch):
    monkeypatch.setattr(tool, "ROOT", tmp_path)
    monkeypatch.setattr(tool, "COURSE", tmp_path / "course")
    target = tmp_path / "exercises" / "topic" / "topic.ipynb"
    target.parent.mkdir(parents=True)
    target.write_text("somebody's work")
    new = tmp_path / "new.ipynb"
    new.write_text("release")
    assert "left as it is" in tool.install(new, "topic", force=False)
    assert target.read_text() == "somebody's work"


@pytest.mark.parametrize("slug", SLUGS)
def test_solutions_are_py_percent_with_unique_grade_ids(slug):
    notebook = jupytext.read(ROOT / "solutions" / f"{slug}.py")
    ids = [c.metadata["nbgrader"]["grade_id"] for c in notebook.cells if "nbgrader" in c.metadata]
    assert len(ids) == len(set(ids)) >= 5
