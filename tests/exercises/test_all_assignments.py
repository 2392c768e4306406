"""Every assignment through stock nbgrader: right in another form, and a mixture of mistakes."""

import csv
import html
import re

import pytest
import releasing
from checking import answers, submissions
from classroom import as_submitted, feedback, nbgrader, scores, submit
from support import ROOT, exercises_tool

from gradlab.checks import exercise

tool = exercises_tool()
SLUGS = tool.slugs()
# What becomes of the k-th function of the n-th topic: so that all of it happens everywhere.
TROUBLES = ("mistake", "exception", "syntax error", "untouched")


def other_form(slug):
    """({grade_id: source}, {exercise: points}) of a right submission that looks unlike ours."""
    forms = dict(reversed(submissions(slug).OTHER_FORMS))
    cells = {a.cell: as_submitted(slug, name, forms[name]) for name, a in answers(slug).items()}
    return cells, {name: exercise(name).points for name in answers(slug)}


def mixture(slug):
    """The same for a submission in which every function fails in its own way."""
    cells, points = {}, {}
    for number, (name, answer) in enumerate(answers(slug).items(), SLUGS.index(slug)):
        trouble = TROUBLES[number % len(TROUBLES)]
        points[name] = 0.0
        if trouble == "mistake":
            row = next(row for row in submissions(slug).STUDENTS if row[0] == name and row[2])
            cells[answer.cell], points[name] = as_submitted(slug, name, row[1]), row[3]
        elif trouble == "exception":
            cells[answer.cell] = f"def {answer.function}(*arguments):\n    return arguments[99]"
        elif trouble == "syntax error":
            cells[answer.cell] = f"def {answer.function}(x)\n    return x"
    return cells, points


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    folder = tmp_path_factory.mktemp("course")
    for slug in SLUGS:
        tool.write_source(slug, folder / "course" / "source")
        submit(folder, slug, "other-form", other_form(slug)[0])
        submit(folder, slug, "mixture", mixture(slug)[0])
    nbgrader(folder, "generate_assignment", tool.ALL)
    nbgrader(folder, "autograde", tool.ALL)
    nbgrader(folder, "generate_feedback", tool.ALL)
    nbgrader(folder, "export", f"--to={folder / 'grades.csv'}")
    return folder


@pytest.mark.parametrize("slug", SLUGS)
def test_a_right_submission_in_another_form_earns_full_points(course, slug):
    assert scores(course, slug, "other-form") == pytest.approx(other_form(slug)[1])


@pytest.mark.parametrize("slug", SLUGS)
def test_a_mixture_earns_what_the_weights_say(course, slug):
    assert scores(course, slug, "mixture") == pytest.approx(mixture(slug)[1])


@pytest.mark.parametrize("slug", SLUGS)
def test_feedback_says_what_is_wrong_and_shows_no_solution(course, slug):
    page = html.unescape(re.sub(r"<[^>]+>", "", feedback(course, slug, "mixture")))
    for number, name in enumerate(answers(slug), SLUGS.index(slug)):
        trouble = TROUBLES[number % len(TROUBLES)]
        row = next(row for row in submissions(slug).STUDENTS if row[0] == name and row[2])
        said = {
            "mistake": f"Looks like {row[2]}",
            "exception": "IndexError: tuple index out of range",
            "syntax error": "SyntaxError",
            # A function that is given to be repaired does run.
            "untouched": f"{name}: 0 of"
            if releasing.REGION.search(answers(slug)[name].source)
            else "Your function is not written yet",
        }
        assert said[trouble] in page, (name, trouble)
    source = (ROOT / "solutions" / f"{slug}.py").read_text()
    blocks = re.findall(r"### BEGIN SOLUTION\n(.*?)### (?:GIVEN|END)", source, re.DOTALL)
    lines = {line.strip() for block in blocks for line in block.splitlines()}
    # A mistake has right lines as well.
    lines -= {line.strip() for cell in mixture(slug)[0].values() for line in cell.splitlines()}
    assert not [line for line in lines if len(line) > 25 and line in page]


def test_export_has_every_score(course):
    with (course / "grades.csv").open() as file:
        rows = {(r["assignment"], r["student_id"]): float(r["score"]) for r in csv.DictReader(file)}
    for slug in SLUGS:
        assert rows[slug, "other-form"] == pytest.approx(sum(other_form(slug)[1].values()))
        assert rows[slug, "mixture"] == pytest.approx(sum(mixture(slug)[1].values()))
