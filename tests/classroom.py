"""A course that a test makes: notebooks handed in, and nbgrader's own commands run on them."""

import inspect
import json
import re

import nbformat
from checking import answers
from nbgrader.api import Gradebook
from support import ROOT, exercises_tool


def as_submitted(slug, name, function):
    """The function's source under the name that the notebook asks for."""
    wanted = answers(slug)[name].function
    return re.sub(rf"\b{function.__name__}\b", wanted, inspect.getsource(function))


def submit(course, slug, student, cells, edit=None, name=None):
    """Hand in the released notebook with some cells changed: {nbgrader's grade_id: source}.

    `edit` then changes the notebook in place, and `name` is another name for the file.
    """
    notebook = nbformat.read(ROOT / "exercises" / slug / f"{slug}.ipynb", as_version=4)
    identifiers = [cell.metadata.get("nbgrader", {}).get("grade_id") for cell in notebook.cells]
    assert cells.keys() <= set(identifiers)
    for cell, identifier in zip(notebook.cells, identifiers, strict=True):
        cell.source = cells.get(identifier, cell.source)
    if edit:
        edit(notebook)
    folder = course / "course" / "submitted" / student / slug
    folder.mkdir(parents=True)
    # As it is: what a student hands in need not be valid.
    (folder / (name or f"{slug}.ipynb")).write_text(json.dumps(notebook))


def nbgrader(course, command, *arguments):
    """Run a command with the root's configuration on a course elsewhere, and return its log."""
    database = f"--CourseDirectory.db_url=sqlite:///{course / 'gradebook.db'}"
    root = f"--CourseDirectory.root={course}"
    return exercises_tool().nbgrader(command, *arguments, root, database)


def gradebook(course):
    return Gradebook(f"sqlite:///{course / 'gradebook.db'}")


def scores(course, slug, student):
    """{exercise: points}, as the gradebook has them."""
    with gradebook(course) as book:
        return {
            name: book.find_grade(answer.check, slug, slug, student).score
            for name, answer in answers(slug).items()
        }


def feedback(course, slug, student):
    return (course / "course" / "feedback" / student / slug / f"{slug}.html").read_text()
