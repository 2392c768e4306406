"""Put each labeled equation into the index, where the search finds its label as one word: code,
tests and reports name equations by it.
"""

from __future__ import annotations

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform


class IndexLabels(SphinxTransform):
    """Add an entry before each labeled equation."""

    default_priority = 700

    def apply(self, **_options: object) -> None:
        """The entry is the main one, which the search lists before all else."""
        for equation in list(self.document.findall(nodes.math_block)):
            label = equation.get("label")
            if label:
                entry = ("single", label, f"equation-{label}", "main", None)
                place = equation.parent.index(equation)
                equation.parent.insert(place, addnodes.index(entries=[entry]))


def setup(app: Sphinx) -> dict[str, bool]:
    """Index each page as it is read."""
    app.add_transform(IndexLabels)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
