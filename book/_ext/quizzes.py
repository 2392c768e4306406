"""Shuffle the options of the questions in *Check yourself*: authors write them in any order.

A question is a paragraph that begins with a bold number; its options are the dropdowns after it.
The right one is the one whose text begins with "Right". A page has its own seed: its order is the
same in every build.
"""

from __future__ import annotations

import random
import re

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform
from sphinx.util import logging

logger = logging.getLogger(__name__)


def is_option(node: nodes.Node) -> bool:
    """Whether the node is a dropdown."""
    return isinstance(node, nodes.container) and node.get("design_component") == "dropdown"


def is_right(option: nodes.Element) -> bool:
    """Whether the text under the option's title begins with the word "Right"."""
    text = next((child.astext() for child in option if isinstance(child, nodes.paragraph)), "")
    return re.match(r"Right\b", text) is not None


def is_question(node: nodes.Node) -> bool:
    """Whether the node is a paragraph that begins with a bold number."""
    if not isinstance(node, nodes.paragraph):
        return False
    # MyST puts an empty text before a bold one.
    first = next((child for child in node if child.astext()), None)
    return isinstance(first, nodes.strong) and first.astext()[:1].isdigit()


def questions(section: nodes.section) -> list[list[nodes.Element]]:
    """Return the options of each question."""
    found: list[list[nodes.Element]] = []
    for child in section:
        if is_question(child):
            found.append([])
        elif is_option(child) and found:
            found[-1].append(child)
    return found


def places(number: int, options: int, rng: random.Random) -> list[int]:
    """Return where the right options go: everywhere equally often, as nearly as can be."""
    first = rng.randrange(options)
    dealt = [(first + k) % options for k in range(number)]
    rng.shuffle(dealt)
    return dealt


class Shuffle(SphinxTransform):
    """Put the options of each question into another order."""

    default_priority = 700

    def apply(self, **_options: object) -> None:
        """Shuffle the wrong options, and put the right one where its turn is."""
        for section in self.document.findall(nodes.section):
            if "check-yourself" not in section["ids"]:
                continue
            rng = random.Random(self.env.docname)
            quiz = questions(section)
            most = max(map(len, quiz), default=1)
            for options, place in zip(quiz, places(len(quiz), most, rng), strict=True):
                right = [option for option in options if is_right(option)]
                if len(right) != 1:
                    said = "a question needs one option whose text begins with 'Right', not %d"
                    logger.warning(said, len(right), location=options[0] if options else section)
                    continue
                shuffled = [option for option in options if option is not right[0]]
                rng.shuffle(shuffled)
                shuffled.insert(place % len(options), right[0])
                # An option may not stand twice in a tree, not even for a moment.
                at = [section.index(option) for option in options]
                for index, option in zip(at, shuffled, strict=True):
                    section.children[index] = option


def setup(app: Sphinx) -> dict[str, bool]:
    """Shuffle each page as it is read."""
    app.add_transform(Shuffle)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
