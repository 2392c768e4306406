"""A course whose tests are no checks of ours, through nbgrader's own commands."""

import nbformat
import pytest
from classroom import gradebook, nbgrader
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from support import exercises_tool

OWN = "own"
RIGHT = {"double": "def double(x):\n    return 2 * x", "drop": "def drop(parts):\n    parts.pop()"}
TESTS = {
    "test-double": (
        "assert double(2) == 4\n"
        "np.testing.assert_allclose(double(np.ones(3)), 2)\n"
        "### BEGIN HIDDEN TESTS\n"
        "assert double(21) == 42, 'the hidden answer'\n"
        "### END HIDDEN TESTS"
    ),
    "test-drop": "parts = [1, 2, 3]\ndrop(parts)\n1.5 if len(parts) == 2 else 0",
    "test-number": "assert number == 7",
    "test-helper": "assert twice(double, 3) == 12",
    "test-points": "sum(double(n) == 2 * n for n in (1, 2)) / 2",
    "test-author": "double({1})",
}
POINTS = {"test-double": 2, "test-drop": 3, "test-number": 1, "test-helper": 1, "test-points": 1}
POINTS["test-author"] = 1
HELPER = "def twice(function, x):\n    return function(function(x))"
FULL = {"test-double": 2, "test-drop": 1.5, "test-number": 1, "test-helper": 1, "test-points": 1}
FULL["test-author"] = 0


def entry(name, points=None, solution=False):
    settings = {"grade_id": name, "grade": points is not None, "solution": solution}
    settings |= {"locked": not solution, "schema_version": 3, "task": False}
    return {"nbgrader": settings | ({"points": points} if points else {})}


def notebook(answers=RIGHT, extra=""):
    """The instructor's notebook, or with answers and a cell of a student's own in it."""
    cells = [new_code_cell("import numpy as np", id="first"), new_code_cell(extra, id="extra")]
    cells.append(new_code_cell(HELPER, id="helper", metadata=entry("helper")))
    for name in ("double", "drop", "number"):
        answer = answers.get(name, f"def {name}(x):\n    return None" if name in RIGHT else "")
        source = f"### BEGIN SOLUTION\n{answer}\n### END SOLUTION" if answers is RIGHT else answer
        if name in RIGHT or answers is not RIGHT:
            cells.append(new_code_cell(source, id=name, metadata=entry(name, solution=True)))
        else:
            cells.append(new_code_cell("number = 7", id=name, metadata=entry(name, solution=True)))
    for name, source in TESTS.items():
        cells.append(new_code_cell(source, id=name, metadata=entry(name, POINTS[name])))
    question = entry("question", 4, solution=True)
    cells.append(new_markdown_cell("Because.", id="question", metadata=question))
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    return new_notebook(cells=cells, metadata=kernel)


def without_helper(submitted):
    """The notebook without the instructor's own function, for which the student has another."""
    submitted.cells = [one for one in submitted.cells if one.get("id") != "helper"]
    return submitted


NUMBER = {"number": "number = 7"}
STUDENTS = {
    "right": (notebook(RIGHT | NUMBER), FULL),
    "half": (
        notebook({"double": "def double(x): return x + x"} | NUMBER),
        FULL | {"test-drop": 0},
    ),
    "hidden": (
        notebook(
            RIGHT
            | NUMBER
            | {"double": "def double(x): return 0 if isinstance(x, int) and x > 20 else 2 * x"}
        ),
        FULL | {"test-double": 0},
    ),
    "nothing": (notebook({}), dict.fromkeys(FULL, 0)),
    "crash": (notebook(RIGHT | NUMBER, "import os\nos._exit(1)"), FULL),
    "dies": (
        notebook(RIGHT | NUMBER | {"double": "def double(x):\n    import os; os._exit(1)"}),
        FULL | dict.fromkeys(["test-double", "test-helper", "test-points"], 0),
    ),
    "takes-the-helper-away": (
        without_helper(notebook({"double": "def double(x): return 1"}, "def twice(*_): return 12")),
        dict.fromkeys(FULL, 0),
    ),
    "no-number": (
        notebook({"double": "import numpy as np\ndef double(x): return np.zeros(2)"}),
        dict.fromkeys(FULL, 0),
    ),
    "forges": (
        notebook(
            {
                "double": "class Right:\n    __eq__ = lambda *_: True\n    __array__ = None\n"
                "double = lambda _: Right()\nassert_allclose = np.testing.assert_allclose = print",
                "drop": "import builtins\nbuiltins.len = lambda _: 2\ndrop = print",
                "number": "class Seven(int):\n    __eq__ = lambda *_: True\nnumber = Seven(1)",
            }
        ),
        dict.fromkeys(FULL, 0),
    ),
}


def hand_in(course, student, submitted):
    folder = course / "course" / "submitted" / student / OWN
    folder.mkdir(parents=True)
    nbformat.write(submitted, folder / f"{OWN}.ipynb")


def autograded(course, student):
    folder = course / "course" / "autograded" / student / OWN
    return nbformat.read(folder / f"{OWN}.ipynb", as_version=4)


def cell(notebook, name):
    return next(c for c in notebook.cells if c.metadata.get("nbgrader", {}).get("grade_id") == name)


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    folder = tmp_path_factory.mktemp("course")
    (folder / "course" / "source" / OWN).mkdir(parents=True)
    nbformat.write(notebook(), folder / "course" / "source" / OWN / f"{OWN}.ipynb")
    for student, (submitted, _) in STUDENTS.items():
        hand_in(folder, student, submitted)
    nbgrader(folder, "generate_assignment", OWN)
    (folder / "autograde.log").write_text(nbgrader(folder, "autograde", OWN))
    nbgrader(folder, "generate_feedback", OWN)
    return folder


def scores(course, student):
    with gradebook(course) as book:
        return {name: book.find_grade(name, OWN, OWN, student).auto_score for name in FULL}


@pytest.mark.parametrize("student", STUDENTS)
def test_ordinary_tests_are_graded(course, student):
    assert scores(course, student) == STUDENTS[student][1]


def test_a_graded_cell_has_one_number_or_an_error(course):
    for student in STUDENTS:
        for name in FULL:
            kinds = [o.output_type for o in cell(autograded(course, student), name).outputs]
            assert kinds.count("execute_result") + kinds.count("error") == 1


def test_feedback_says_why_and_hides_what_is_hidden(course):
    page = (course / "course" / "feedback" / "hidden" / OWN / f"{OWN}.html").read_text()
    assert "in a test that is not shown" in page
    assert "AssertionError: the hidden answer" not in page
    page = (course / "course" / "feedback" / "dies" / OWN / f"{OWN}.html").read_text()
    assert "Your function was stopped: it ended Python" in page


def test_a_test_that_cannot_be_run_waits_for_a_person_and_tells_its_author(course):
    log = (course / "autograde.log").read_text()
    assert "test-author: This test cannot be run: a submission cannot be handed an object" in log
    with gradebook(course) as book:
        assert book.find_grade("test-author", OWN, OWN, "right").needs_manual_grade
        assert not book.find_grade("test-double", OWN, OWN, "right").needs_manual_grade


def test_a_written_answer_waits_for_a_person(course):
    with gradebook(course) as book:
        grade = book.find_grade("question", OWN, OWN, "right")
        assert grade.max_score == 4
        assert grade.needs_manual_grade


def test_what_held_a_submission_in_is_recorded(course):
    assert autograded(course, "right").metadata.gradlab.sandbox == "bubblewrap"
    hand_in(course, "trusted", STUDENTS["right"][0])
    options = ("--student=trusted", "--ExecuteApart.sandbox=False")
    assert "GRADED WITHOUT A SANDBOX" in nbgrader(course, "autograde", OWN, *options)
    graded = autograded(course, "trusted")
    assert graded.metadata.gradlab.sandbox == "none"
    for name in FULL:
        outputs = cell(graded, name).outputs
        assert any(o.get("text") == "Graded without a sandbox.\n" for o in outputs)
    assert scores(course, "trusted") == FULL


def test_without_bubblewrap_nothing_is_graded(course, monkeypatch):
    hand_in(course, "later", STUDENTS["right"][0])
    root = f"--CourseDirectory.root={course}"
    database = f"--CourseDirectory.db_url=sqlite:///{course / 'gradebook.db'}"
    with monkeypatch.context() as patch:
        patch.setenv("PATH", "")
        done = exercises_tool().run_nbgrader("autograde", OWN, "--student=later", root, database)
    assert done.returncode
    assert "apt install bubblewrap" in done.stdout
    assert not (course / "course" / "autograded" / "later" / OWN).exists()
    nbgrader(course, "autograde", OWN, "--student=later")
    assert scores(course, "later") == FULL
