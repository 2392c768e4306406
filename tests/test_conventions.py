"""Rules of the house that hold for every module of the package."""

import ast
import importlib
import inspect
import re
import subprocess
import sys

import pytest
from support import ROOT

import gradlab

PACKAGE = ROOT / "package" / "gradlab"
FILES = sorted(PACKAGE.rglob("*.py"))
NAMES = {path: ".".join(path.relative_to(PACKAGE).with_suffix("").parts) for path in FILES}

# In two parts, so that this line is not one of those.
MARK = r"\bTO" r"DO\b"

# What is no topic, and so has no chapter of its own.
NO_TOPIC = {"layers", "network", "training", "datasets", "landscapes", "gradient_check", "plotting"}
NO_TOPIC |= {"estimator", "evidence"}


def test_imports_go_downwards():
    """By the contracts of pyproject.toml; in a process of its own, since the tool keeps stdout."""
    code = (
        "from importlinter.cli import lint_imports; raise SystemExit(lint_imports(no_cache=True))"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_import_compiles_nothing_and_is_light():
    code = """
import sys, gradlab
heavy = {"matplotlib", "IPython", "nbgrader", "sklearn", "torch", "pooch", "rich"}
assert not heavy & set(sys.modules), heavy & set(sys.modules)
import numba
for name in gradlab.__all__:
    for value in vars(getattr(gradlab, name)).values():
        if isinstance(value, numba.core.dispatcher.Dispatcher):
            assert not value.signatures, (name, value)
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_without_numba_the_kernels_are_plain_python():
    code = """
import sys
sys.modules["numba"] = None
from gradlab.batch_normalization import batch_norm_backward, batch_norm_forward
out, cache = batch_norm_forward([[1.0], [3.0]], [2.0], [1.0])
assert out.round(4).tolist() == [[-1.0], [3.0]], out
assert abs(batch_norm_backward([[1.0], [2.0]], cache)[0].sum()) < 1e-12
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def functions(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef):
            yield node


def is_kernel(node):
    return any(isinstance(d, ast.Name) and d.id.startswith("njit") for d in node.decorator_list)


# What kernels call under these names has no annotation: numba compares the signatures.
OVERLOADED = {"choose", "exp", "expm1", "log", "log1p", "tanh"}


@pytest.mark.parametrize("path", FILES, ids=NAMES.get)
def test_everything_but_kernels_is_annotated(path):
    for node in functions(path):
        if is_kernel(node) or node.name in OVERLOADED:
            continue
        arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        missing = [
            a.arg for a in arguments if a.annotation is None and a.arg not in ("self", "cls")
        ]
        assert not missing, f"{node.name}: {missing}"
        assert node.returns is not None, node.name


@pytest.mark.parametrize("path", FILES, ids=NAMES.get)
def test_a_function_fits_on_a_screen(path):
    for node in functions(path):
        body = node.body[1:] if ast.get_docstring(node) else node.body
        lines = body[-1].end_lineno - body[0].lineno + 1 if body else 0
        assert lines <= 60, f"{node.name} has {lines} lines"


PUBLIC = [
    (module, name)
    for module in gradlab.__all__
    for name in importlib.import_module(f"gradlab.{module}").__all__
]


@pytest.mark.parametrize(("module", "name"), PUBLIC)
def test_public_names_are_documented(module, name):
    value = getattr(importlib.import_module(f"gradlab.{module}"), name)
    doc = inspect.getdoc(value)
    assert doc, "no docstring"
    assert len(doc.splitlines()[0]) <= 100
    if inspect.isfunction(value):
        for argument in inspect.signature(value).parameters:
            assert argument in doc, f"{argument} is not described"
        assert "Returns" in doc
    for method_name, method in inspect.getmembers(value, inspect.isfunction):
        if inspect.isclass(value) and not method_name.startswith("_"):
            assert inspect.getdoc(method), f"{name}.{method_name} has no docstring"


# Protocols, names of types, a base class, an exception, and results: those are shown where the
# function is that returns them.
WITHOUT_EXAMPLE = {"Layer", "Optimizer", "DatasetError", "Dataset", "Passes"}
WITHOUT_EXAMPLE |= {"BatchNormCache", "LayerNormCache", "MLPCache", "PropagatedNorms"}
WITHOUT_EXAMPLE |= {"DominantEigenpair", "Standardization", "Whitening"}
WITHOUT_EXAMPLE |= {"Clip", "Loss", "OptimizerLike", "Schedule"}


@pytest.mark.parametrize(("module", "name"), PUBLIC)
def test_public_names_have_an_example_that_runs(module, name):
    doc = inspect.getdoc(getattr(importlib.import_module(f"gradlab.{module}"), name))
    assert name in WITHOUT_EXAMPLE or ">>>" in doc


def test_every_topic_module_has_a_chapter_name():
    for path in PACKAGE.glob("[!_]*.py"):
        text = ast.get_docstring(ast.parse(path.read_text()))
        if path.stem not in NO_TOPIC:
            assert f"book/{path.stem.replace('_', '-')}.md" in text


def test_nothing_is_left_to_write():
    """``tools/new_topic.py`` marks what somebody has to write."""
    folders = ("book", "package", "solutions", "tests")
    files = [p for folder in folders for p in sorted((ROOT / folder).rglob("*.[mp][dy]"))]
    left = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in files
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if re.search(MARK, line)
    ]
    assert not left, "\n".join(["still to write:", *left])
