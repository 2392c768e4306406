"""A new topic, laid out in a copy of the repository."""

import os
import re
import shutil
import subprocess
import sys

import pytest
import yaml
from support import ROOT

FOLDERS = ("book", "package", "solutions", "tests", "tools")


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    root = tmp_path_factory.mktemp("copy")
    for name in FOLDERS:
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("_toc.yml", "pyproject.toml"):
        shutil.copy(ROOT / name, root)
    return root


def run(root, *command):
    path = os.pathsep.join([str(root / "package"), *filter(None, [os.environ.get("PYTHONPATH")])])
    return subprocess.run(
        [sys.executable, *command],
        cwd=root,
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module")
def laid_out(copy):
    done = run(copy, "tools/new_topic.py", "label-smoothing", "--prefix", "ls", "--after", "losses")
    assert done.returncode == 0, done.stderr
    return copy


def test_all_files_are_there_and_nothing_of_the_template_is_left(laid_out):
    new = {p for name in FOLDERS for p in (laid_out / name).rglob("*label[-_]smoothing*.[mp][dy]")}
    assert len(new) == 8
    for path in new:
        assert not re.search(r"SLUG|MODULE|TITLE|PREFIX|CLASS", path.read_text())


def test_the_topic_stands_in_every_list(laid_out):
    toc = yaml.safe_load((laid_out / "_toc.yml").read_text())
    files = [chapter["file"] for part in toc["parts"] for chapter in part["chapters"]]
    assert files.index("book/label-smoothing") == files.index("book/losses") + 1
    reference = next(c for p in toc["parts"] for c in p["chapters"] if c["file"] == "book/api")
    assert {"file": "book/api/label-smoothing", "title": "label_smoothing"} in reference["sections"]
    init = (laid_out / "package" / "gradlab" / "__init__.py").read_text()
    assert init.count("label_smoothing") == 2
    done = run(laid_out, "-c", "import gradlab; print(gradlab.label_smoothing.compute([1.0]))")
    assert done.stdout == "[nan]\n", done.stderr


def test_the_tests_say_what_is_missing(laid_out):
    rules = ("test_imports_go_downwards", "test_nothing_is_left_to_write")
    tests = [
        *(f"tests/test_conventions.py::{rule}" for rule in rules),
        "tests/test_label_smoothing.py",
    ]
    done = run(laid_out, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests)
    failed = re.findall(r"^FAILED \S+::(\w+)", done.stdout, re.MULTILINE)
    assert failed == ["test_nothing_is_left_to_write", "test_it_is_the_definition"], done.stdout
    for place in ("book/label-smoothing.md", "solutions/label-smoothing.py"):
        assert re.search(rf"{place}:\d+: .*TO" "DO", done.stdout)


def test_the_equation_has_its_kernel(laid_out):
    done = run(laid_out, "book/_ext/equations.py")
    assert done.returncode == 0, done.stdout
    assert "ls-" not in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["label-smoothing", "--prefix", "lsm"], "there is already book/label-smoothing.md"),
        (["network"], "there is already book/api/network.md"),
        (["Label Smoothing"], "the slug must be lowercase words"),
        (["lambda"], "the slug must be lowercase words"),
        (["batch-norms"], "another chapter's labels begin with 'bn'"),
        (["focal-loss", "--after", "nowhere"], "--after must be a chapter"),
    ],
)
def test_what_cannot_be_laid_out_changes_nothing(laid_out, arguments, said):
    before = (laid_out / "_toc.yml").read_text()
    done = run(laid_out, "tools/new_topic.py", *arguments)
    assert done.returncode == 1
    assert said in done.stderr
    assert (laid_out / "_toc.yml").read_text() == before


def test_without_a_place_it_comes_last_of_the_topics(laid_out):
    done = run(laid_out, "tools/new_topic.py", "pruning")
    assert done.returncode == 0, done.stderr
    toc = yaml.safe_load((laid_out / "_toc.yml").read_text())
    topics = next(k for k, part in enumerate(toc["parts"]) if part["caption"] == "All together") - 1
    assert toc["parts"][topics]["chapters"][-1]["file"] == "book/pruning"
    assert "$$ (prun-definition)" in (laid_out / "book" / "pruning.md").read_text()
