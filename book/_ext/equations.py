"""Equations and the code that computes them, read from the chapters and from the package.

The page of equations shows them as a table, and docstrings link to them and to their chapters.
``python book/_ext/equations.py`` prints the equations that have neither a kernel nor a reason in
``book/equations.csv``, and the reasons that nothing needs any more, which ``--prune`` drops.
"""

from __future__ import annotations

import ast
import csv
import re
import sys
from pathlib import Path
from typing import Any, NamedTuple

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.roles import XRefRole
from sphinx.util.nodes import make_refnode

ROOT = Path(__file__).resolve().parents[2]
BOOK, PACKAGE = ROOT / "book", ROOT / "package" / "gradlab"
TABLE = "book/api/equations"
LABEL = re.compile(r"^\$\$ \(([a-z0-9-]+)\)$", re.MULTILINE)
WORD = re.compile(r"\b[a-z]+(?:-[a-z0-9]+)+\b")
FILED = re.compile(r"^ +- file: book/([a-z-]+)$", re.MULTILINE)
TITLE = re.compile(r"^# (.+)$", re.MULTILINE)
CHAPTER = re.compile(r"``book/([a-z-]+)\.md``")


class Kernel(NamedTuple):
    """A compiled function."""

    module: str
    name: str


class Reason(NamedTuple):
    """Why an equation has no kernel."""

    kind: str
    text: str


def labels() -> dict[str, list[str]]:
    """Return the labels of each chapter that has some, in the order of the book."""
    stems = FILED.findall((ROOT / "_toc.yml").read_text("utf-8"))
    found = {stem: LABEL.findall((BOOK / f"{stem}.md").read_text("utf-8")) for stem in stems}
    return {stem: of_chapter for stem, of_chapter in found.items() if of_chapter}


def all_labels() -> list[str]:
    """Return the labels of the whole book."""
    return [label for of_chapter in labels().values() for label in of_chapter]


def is_kernel(node: ast.AST) -> bool:
    """Whether a definition is compiled: its decorator is one of ``gradlab._jit``."""
    return isinstance(node, ast.FunctionDef) and any(
        ast.unparse(decorator).startswith("njit") for decorator in node.decorator_list
    )


def kernels() -> dict[str, list[Kernel]]:
    """Return the kernels whose docstrings name it, for each label or word like one."""
    found: dict[str, list[Kernel]] = {}
    for path in sorted(PACKAGE.glob("*.py")):
        for node in filter(is_kernel, ast.walk(ast.parse(path.read_text("utf-8")))):
            for word in sorted(set(WORD.findall(ast.get_docstring(node) or ""))):
                found.setdefault(word, []).append(Kernel(path.stem, node.name))
    return found


def reasons() -> dict[str, Reason]:
    """Return what ``equations.csv`` says of each equation without a kernel."""
    with (BOOK / "equations.csv").open(encoding="utf-8", newline="") as file:
        return {row["label"]: Reason(row["kind"], row["reason"]) for row in csv.DictReader(file)}


def unexplained() -> list[str]:
    """Return the labels that have neither a kernel nor a reason."""
    known = kernels().keys() | reasons().keys()
    return [label for label in all_labels() if label not in known]


def obsolete() -> list[str]:
    """Return the reasons for equations that have a kernel, or that no chapter has."""
    computed = kernels()
    every = all_labels()
    return [label for label in reasons() if label in computed or label not in every]


def prune() -> None:
    """Drop the obsolete reasons from ``equations.csv``."""
    gone = set(obsolete())
    kept = [(label, *reason) for label, reason in reasons().items() if label not in gone]
    with (BOOK / "equations.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([("label", "kind", "reason"), *kept])


def table() -> str:
    """Return all equations as MyST Markdown, a section per chapter."""
    computed, explained = kernels(), reasons()
    lines: list[str] = []
    linked: set[Kernel] = set()
    for stem, of_chapter in labels().items():
        title = TITLE.findall((BOOK / f"{stem}.md").read_text("utf-8"))[0]
        lines += [f"## {title}", "", "| equation | computed by |", "| --- | --- |"]
        for label in of_chapter:
            told = "<br>".join(_link(kernel, linked) for kernel in computed.get(label, ()))
            if not told and label in explained:
                told = f"*{explained[label].kind}*: {explained[label].text}"
            lines.append(f"| {{equation}}`{label}` | {told} |")
        lines.append("")
    return "\n".join(lines)


def _link(kernel: Kernel, linked: set[Kernel]) -> str:
    """Link to the source, which leads back to the first of its links."""
    anchor = "" if kernel in linked else f' id="gradlab.{kernel.module}.{kernel.name}"'
    linked.add(kernel)
    address = f"../../_modules/gradlab/{kernel.module}.html#{kernel.name}"
    return f'<a href="{address}"{anchor}><code>{kernel.module}.{kernel.name}</code></a>'


def fill_table(_app: Sphinx, page: str, source: list[str]) -> None:
    """Write the table for ``EQUATIONS`` on its page."""
    if page == TABLE:
        source[0] = source[0].replace("EQUATIONS", table())


def link_docstring(
    _app: Sphinx, _what: str, _name: str, _obj: Any, _options: Any, lines: list[str]
) -> None:
    """Make links of the chapters and the equations that a docstring names."""
    known = set(all_labels())

    def role(match: re.Match[str]) -> str:
        return f":equation:`{match[0]}`" if match[0] in known else match[0]

    for number, line in enumerate(lines):
        if not line.lstrip().startswith((">>>", "...")):
            lines[number] = CHAPTER.sub(r":doc:`/book/\1`", WORD.sub(role, line))


def resolve(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, content: nodes.TextElement
) -> nodes.reference | None:
    """Lead the role ``equation``, which shows a label, to the equation that has it."""
    place = env.get_domain("math").data["objects"].get(node["reftarget"])
    if node["reftype"] != "equation" or place is None:
        return None
    page, anchor = place[0], f"equation-{node['reftarget']}"
    return make_refnode(app.builder, node["refdoc"], page, anchor, content)


def show_sources(_app: Sphinx, env: BuildEnvironment) -> None:
    """Let the pages of source code mark the kernels, which no directive documents."""
    modules: dict[str, Any] = getattr(env, "_viewcode_modules", {})
    every = all_labels()
    for label, found in kernels().items():
        for module, name in found if label in every else ():
            entry = modules.get(f"gradlab.{module}")
            if entry:
                entry[2].setdefault(name, TABLE)


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect to Sphinx; docstrings come last, when numpydoc has laid them out."""
    app.add_role("equation", XRefRole(innernodeclass=nodes.inline, warn_dangling=True))
    app.connect("source-read", fill_table)
    app.connect("autodoc-process-docstring", link_docstring, priority=900)
    app.connect("missing-reference", resolve)
    app.connect("env-updated", show_sources)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def main() -> int:
    """Print what is missing and what is too much; return 1 if there is any of it."""
    if "--prune" in sys.argv[1:]:
        prune()
    for label in unexplained():
        print(f"{label}: no kernel names it, and book/equations.csv gives no reason")
    for label in obsolete():
        print(f"{label}: a kernel computes it or no chapter has it; drop it from the reasons")
    computed, explained = kernels(), reasons()
    every = all_labels()
    kinds = [explained[label].kind for label in every if label in explained]
    print(f"{len(every)} equations, {sum(label in computed for label in every)} with a kernel")
    for kind in sorted(set(kinds)):
        print(f"{kinds.count(kind)} {kind}")
    return bool(unexplained() or obsolete())


if __name__ == "__main__":
    sys.exit(main())
