"""Lay out the files of a new topic, with a TODO wherever somebody has to write.

Run from the repository root:

    python tools/new_topic.py <slug> [--title TITLE] [--prefix PREFIX] [--after SLUG]

The slug names the chapter, as in ``batch-normalization``; the prefix begins the labels of its
equations, as in ``bn-mean``; the chapter comes after the one that is named, or after the last
topic. The tests then fail, and say what is missing.
"""

from __future__ import annotations

import argparse
import keyword
import re
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TEMPLATES = ROOT / "tools" / "topic"

FILES = {
    "chapter.md": "book/SLUG.md",
    "reference.md": "book/api/SLUG.md",
    "module.py": "package/gradlab/MODULE.py",
    "checks.py": "package/gradlab/checks/MODULE.py",
    "solution.py": "solutions/SLUG.py",
    "test_module.py": "tests/test_MODULE.py",
    "test_checks.py": "tests/checks/test_MODULE.py",
    "submissions.py": "tests/submissions/MODULE.py",
}
LAST_PART = "  - caption: All together\n"
REFERENCE = "          - file: book/api/equations\n"
TOPIC_FLOOR = re.compile(r'^(    "[a-z_]+(?: : [a-z_]+)+)",$', re.MULTILINE)


def prefixes() -> set[str]:
    """Return the prefixes of the labels that the book has."""
    text = "".join(path.read_text("utf-8") for path in (ROOT / "book").glob("*.md"))
    return set(re.findall(r"^\$\$ \(([a-z]+)-", text, re.MULTILINE))


def default_prefix(slug: str) -> str:
    """Return the initials of a slug of several words, or the beginning of a single one."""
    words = slug.split("-")
    return "".join(word[0] for word in words) if len(words) > 1 else slug[:4]


def problem(slug: str, prefix: str, after: str) -> str:
    """Say why the topic cannot be laid out; nothing if it can."""
    if not re.fullmatch(r"[a-z]+(-[a-z]+)*", slug) or keyword.iskeyword(slug):
        return f"the slug must be lowercase words joined by hyphens, got {slug!r}"
    if not re.fullmatch(r"[a-z]{2,}", prefix):
        return f"the prefix must be two or more lowercase letters, got {prefix!r}"
    if prefix in prefixes():
        return f"another chapter's labels begin with {prefix!r}: choose one with --prefix"
    if after and f"      - file: book/{after}\n" not in (ROOT / "_toc.yml").read_text("utf-8"):
        return f"--after must be a chapter of _toc.yml, got {after!r}"
    there = [path for path in map(filled({"SLUG": slug}), FILES.values()) if (ROOT / path).exists()]
    return f"there is already {there[0]}" if there else ""


def filled(names: dict[str, str]) -> Callable[[str], str]:
    """Return a function that writes the topic's names for the capitals of a template."""
    names = {"MODULE": names["SLUG"].replace("-", "_"), **names}
    pattern = re.compile("|".join(names))
    return lambda text: pattern.sub(lambda match: names[match[0]], text)


def edit(name: str, change: Callable[[str], str]) -> None:
    """Change the text of a file."""
    path = ROOT / name
    path.write_text(change(path.read_text("utf-8")), "utf-8")


def with_chapter(toc: str, slug: str, after: str) -> str:
    """Return the table of contents with the chapter, its exercise and its reference page."""
    chapter = (
        f"      - file: book/{slug}\n        sections:\n"
        f"          - file: exercises/{slug}/{slug}\n            title: The exercise\n"
    )
    if after:
        place = re.compile(rf"^      - file: book/{after}\n(?:        .*\n)*", re.MULTILINE)
        toc = place.sub(lambda match: match[0] + chapter, toc)
    else:
        toc = toc.replace(LAST_PART, chapter + LAST_PART)
    page = f"          - file: book/api/{slug}\n            title: {slug.replace('-', '_')}\n"
    return toc.replace(REFERENCE, page + REFERENCE)


def with_module(source: str, module: str) -> str:
    """Return ``gradlab/__init__.py`` with the module in both of its lists, in order."""

    def longer(match: re.Match[str]) -> str:
        entry = f"{match[2]}{match[3]}{module}{match[3]},\n"
        return match[1] + "".join(sorted([*match[4].splitlines(keepends=True), entry])) + match[5]

    lists = re.compile(r'((?:import \(|__all__ = \[)\n)(?=( +)("?))((?: +"?\w+"?,\n)+)( *[)\]])')
    return lists.sub(longer, source)


def lay_out(slug: str, title: str, prefix: str, after: str) -> None:
    """Write the files, and name the topic where all are listed."""
    module = slug.replace("-", "_")
    fill = filled(
        {
            "SLUG": slug,
            "TITLE": title,
            "PREFIX": prefix,
            "CLASS": "".join(word.capitalize() for word in slug.split("-")),
        }
    )
    for template, target in FILES.items():
        path = ROOT / fill(target)
        path.write_text(fill((TEMPLATES / template).read_text("utf-8")), "utf-8")
        print(f"  {fill(target)} written")
    edit("_toc.yml", lambda toc: with_chapter(toc, slug, after))
    edit("package/gradlab/__init__.py", lambda source: with_module(source, module))
    edit("pyproject.toml", lambda text: TOPIC_FLOOR.sub(rf'\1 : {module}",', text, count=1))
    print("  _toc.yml, package/gradlab/__init__.py and pyproject.toml name it")


def main() -> None:
    """Lay out the topic that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("slug")
    parser.add_argument("--title", help="the chapter's; the words of the slug by default")
    parser.add_argument("--prefix", help="of the labels; the initials of the slug by default")
    parser.add_argument("--after", default="", help="the slug of the chapter before it")
    given = parser.parse_args()
    prefix = given.prefix or default_prefix(given.slug)
    wrong = problem(given.slug, prefix, given.after)
    if wrong:
        sys.exit(wrong)
    title = given.title or given.slug.replace("-", " ").capitalize()
    lay_out(given.slug, title, prefix, given.after)
    print(
        "Write what is marked TODO; CONTRIBUTING.md says in which order, and what each test asks."
    )


if __name__ == "__main__":
    main()
