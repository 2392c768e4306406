import json
import os
from pathlib import Path

import nbformat
import pytest

from gradlab.grading import intake


@pytest.fixture
def notebook(tmp_path):
    """A path in a submission, as nbgrader lays them out."""
    folder = tmp_path / "submitted" / "student" / "topic"
    folder.mkdir(parents=True)
    source = tmp_path / "source" / "topic"
    source.mkdir(parents=True)
    (source / "topic.ipynb").touch()
    return folder / "topic.ipynb"


def good(path):
    cells = [nbformat.v4.new_code_cell("1"), nbformat.v4.new_markdown_cell("words")]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    return json.loads(path.read_text())


def text_of(path):
    return nbformat.read(path, as_version=4).cells[0].source


def test_a_good_submission_stays_as_it_is(notebook):
    good(notebook)
    (notebook.parent / "timestamp.txt").write_text("2026-11-27 10:00:00 UTC")
    (notebook.parent / "data").mkdir()
    (notebook.parent / "data" / "a.csv").write_text("1,2")
    before = {path: path.lstat() for path in notebook.parent.rglob("*")}
    notebooks = [str(notebook)]
    intake.take_in(notebooks)
    assert {path: path.lstat() for path in notebook.parent.rglob("*")} == before
    assert notebooks == [str(notebook)]


UNREADABLE = {
    "is no notebook": b"my homework",
    "is not text in UTF-8": '{"cells": "ï"}'.encode("utf-16"),
    "is nested too deeply": b"[" * 200_000 + b"]" * 200_000,
    "is no notebook (ValidationError)": b'{"nbformat": 4, "nbformat_minor": 5, "metadata": {}}',
    "is no notebook (NBFormatError)": b'{"nbformat": 9, "metadata": {}, "cells": []}',
    "number 1, without source": b'{"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": '
    b'[{"cell_type": "raw", "metadata": {}}]}',
    "number 1, without outputs": b'{"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": '
    b'[{"cell_type": "code", "metadata": {}, "source": "1"}]}',
    "a character that does not exist": b'{"nbformat": 4, "nbformat_minor": 4, "metadata": {}, '
    b'"cells": [{"cell_type": "raw", "metadata": {}, "source": "\\ud800"}]}',
}


@pytest.mark.parametrize("reason", UNREADABLE)
def test_an_unreadable_notebook_is_kept_and_one_that_says_why_takes_its_place(notebook, reason):
    notebook.write_bytes(UNREADABLE[reason])
    intake.take_in([str(notebook)])
    assert reason in text_of(notebook)
    assert notebook.with_name("topic.ipynb.put-aside").read_bytes() == UNREADABLE[reason]
    # Graded a second time, it is what it was.
    intake.take_in([str(notebook)])
    assert reason in text_of(notebook)


def test_an_empty_file_and_one_that_is_too_large_say_so(notebook, monkeypatch):
    notebook.touch()
    intake.take_in([str(notebook)])
    assert "is no notebook" in text_of(notebook)
    monkeypatch.setattr(intake, "LARGEST", 100)
    good(notebook)
    intake.take_in([str(notebook)])
    assert "clear its outputs" in text_of(notebook)


def test_a_folder_in_the_place_of_the_notebook_says_so(notebook):
    notebook.mkdir()
    (notebook / "inside.txt").touch()
    intake.take_in([str(notebook)])
    assert "is a folder" in text_of(notebook)
    assert (notebook.with_name("topic.ipynb.put-aside") / "inside.txt").is_file()


def test_links_are_not_followed(notebook, tmp_path):
    other = tmp_path / "other.ipynb"
    good(other)
    notebook.symlink_to(other)
    (notebook.parent / "all").symlink_to(tmp_path)
    (notebook.parent / "gone").symlink_to("nowhere")
    intake.take_in([str(notebook)])
    assert f"is a symbolic link to {other}" in text_of(notebook)
    assert not any(path.is_symlink() for path in notebook.parent.rglob("*"))
    assert (notebook.parent / "all.put-aside").read_text() == f"is a symbolic link to {tmp_path}"
    assert other.is_file()


def test_a_named_pipe_and_a_date_that_is_none_are_put_aside(notebook):
    good(notebook)
    os.mkfifo(notebook.parent / "data.csv")
    (notebook.parent / "timestamp.txt").write_text("yesterday or so")
    intake.take_in([str(notebook)])
    names = {path.name for path in notebook.parent.iterdir()}
    assert names == {"topic.ipynb", "data.csv.put-aside", "timestamp.txt.put-aside"}


@pytest.mark.parametrize("name", ["topic (1).ipynb", "topic-1.ipynb", "Abgabe.ipynb"])
def test_the_only_notebook_stands_in_for_the_one_asked_for(notebook, name):
    good(notebook.with_name(name))
    notebooks = [str(notebook.with_name(name))]
    intake.take_in(notebooks)
    assert notebooks == [str(notebook.with_name(name)), str(notebook)]
    assert notebook.read_text() == notebook.with_name(name).read_text()


def test_a_renamed_notebook_that_is_a_link_stands_in_for_nothing(notebook, tmp_path):
    other = tmp_path / "other.ipynb"
    good(other)
    renamed = notebook.with_name("mine.ipynb")
    renamed.symlink_to(other)
    intake.take_in([str(renamed)])
    assert "is a symbolic link" in text_of(renamed)
    assert not notebook.exists() or "is a symbolic link" in text_of(notebook)


def test_of_two_notebooks_none_is_chosen_for_the_student(notebook, caplog):
    paths = [notebook.with_name(name) for name in ("a.ipynb", "b.ipynb")]
    for path in paths:
        good(path)
    notebooks = list(map(str, paths))
    intake.take_in(notebooks)
    assert list(map(Path, notebooks)) == paths
    assert not notebook.exists()
    assert "none of a.ipynb, b.ipynb is called topic.ipynb" in caplog.text


def test_a_name_of_a_file_steers_no_terminal(notebook, caplog):
    good(notebook)
    (notebook.parent / "a\x1b[2J\n[AutogradeApp | INFO] all is well").symlink_to("\x1b]0;title\x07")
    intake.take_in([str(notebook)])
    said = caplog.text
    assert "\\x1b[2J [AutogradeApp" in said
    assert "\\x1b]0;title\\x07" in said
    assert "\x1b" not in said
