"""Figures of the book: vector graphics that follow the page's theme and say what they show.

A figure is drawn with matplotlib and shown as SVG inside the page, where its text and axes take
the color of the text around it, in a light theme and in a dark one. A reader moves a figure by a
native slider, over frames that were drawn beforehand: no server, and no script from elsewhere.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import matplotlib as mpl
import numpy as np
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.figure import Figure

__all__ = [
    "BLUE",
    "GREEN",
    "ORANGE",
    "PURPLE",
    "Picture",
    "band",
    "live",
    "show",
    "slider",
    "subplots",
    "use_style",
]

# Colors of a contrast of 3 or more against white and against the dark theme's background, and
# distinct to color-blind readers; line styles tell them apart in gray.
BLUE, ORANGE, GREEN, PURPLE = "#3578b9", "#cf6a12", "#1f8a70", "#a25bb5"

# Stands for the color of the surrounding text until the SVG is written.
_INK = "#010203"

_STYLE: Any = {
    "axes.edgecolor": _INK,
    "axes.facecolor": "none",
    "axes.grid": True,
    "axes.labelcolor": _INK,
    "axes.prop_cycle": cycler(color=[BLUE, ORANGE, GREEN, PURPLE])
    + cycler(linestyle=["-", "--", "-.", ":"]),
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": _INK,
    "axes.titlesize": 11,
    "figure.constrained_layout.use": True,
    "figure.facecolor": "none",
    "font.family": "sans-serif",
    "font.size": 10,
    "grid.alpha": 0.15,
    "grid.color": _INK,
    "legend.edgecolor": "none",
    "legend.facecolor": "none",
    "legend.frameon": False,
    "lines.linewidth": 1.8,
    "savefig.facecolor": "none",
    # Outlines, not text: browsers would set formulas in a font that they were not laid out for.
    "svg.fonttype": "path",
    "text.color": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
}


def use_style() -> None:
    """Set matplotlib's defaults to those of the book; each chapter calls it once."""
    mpl.rcParams.update(_STYLE)


def subplots(
    rows: int = 1, columns: int = 1, *, width: float = 4.6, height: float = 2.8, **options: Any
) -> tuple[Figure, Any]:
    """Return a figure and its axes, as `matplotlib.pyplot.subplots` does, without global state.

    Parameters
    ----------
    rows, columns : int
    width, height : float
        In inches, for text of 10 points. A phone shows between four and five in a row.
    **options
        For `matplotlib.figure.Figure.subplots`.
    """
    figure = Figure(figsize=(width, height))
    return figure, figure.subplots(rows, columns, **options)


class Picture:
    """What a cell returns to show a figure: HTML with the figure's SVG in it."""

    def __init__(self, html: str, text: str) -> None:
        self._html = html
        self._text = text

    def _repr_html_(self) -> str:
        return self._html

    def __repr__(self) -> str:
        return self._text


def band(ax: Axes, x: Any, runs: Any, *, label: str, color: str, style: str = "-") -> None:
    """Draw what several seeds gave: a line through the means, and a band from least to largest.

    Parameters
    ----------
    ax : matplotlib axes
    x : array_like, shape (points,)
    runs : array_like, shape (seeds, points)
        A row for each seed.
    label : str
        For the legend.
    color, style : str
        The line's color, one of this module's, and its style.

    Raises
    ------
    ValueError
        If `runs` has not a row for each seed with an entry for each point.
    """
    x, runs = np.asarray(x), np.asarray(runs, dtype=float)
    if runs.ndim != 2 or runs.shape[1:] != x.shape:
        raise ValueError(f"runs must have shape (seeds, {x.size}), got {runs.shape}")
    ax.fill_between(x, runs.min(axis=0), runs.max(axis=0), color=color, alpha=0.2, linewidth=0)
    ax.plot(x, runs.mean(axis=0), style, color=color, label=label)


def show(figure: Figure, alt: str, caption: str = "") -> Picture:
    """Return a figure for display.

    Parameters
    ----------
    figure : matplotlib figure
    alt : str
        What the figure shows, for those who do not see it: the finding, not the kind of plot.
    caption : str, optional
        What stands below the figure, with formulas between dollars.

    Raises
    ------
    ValueError
        If `alt` is empty.
    """
    return Picture(
        f'<figure class="gradlab-figure">{_image(figure, alt)}{_caption(caption)}</figure>',
        f"[figure: {alt}]",
    )


def live(
    slug: str,
    figure: Figure,
    alt: str,
    numbers: Mapping[str, Any] | None = None,
    caption: str = "",
) -> Picture:
    """Return the static twin of a live figure: on a page of the book, a script replaces it.

    Print shows the twin, and so do a browser without scripts, one that is set to reduced motion and
    Jupyter.

    Parameters
    ----------
    slug : str
        The live figure, whose script is ``book/_static/live/<slug>.js``.
    figure : matplotlib figure
        What the live figure shows at first, computed by the same kernels.
    alt : str
        What the figure shows, in words.
    numbers : mapping, optional
        What the live figure computes at first, for a test to compare: numbers and lists by name.
    caption : str, optional
        What stands below the figure, with formulas between dollars.
    """
    data = escape(json.dumps(dict(numbers or {})))
    return Picture(
        f'<figure class="gradlab-figure gradlab-live" data-live="{escape(slug)}" '
        f'data-numbers="{data}"><div class="live-twin">{_image(figure, alt)}</div>'
        f"{_caption(caption)}</figure>",
        f"[live figure: {alt}]",
    )


def slider(
    figures: Sequence[Figure],
    values: Sequence[str],
    name: str,
    alts: Sequence[str],
    start: int = 0,
    caption: str = "",
) -> Picture:
    """Return figures of which a slider shows one at a time; in print, the one that is shown.

    Parameters
    ----------
    figures : sequence of matplotlib figures
        One for each position of the slider.
    values : sequence of str
        What stands beside the slider at each position, such as ``"0.1"``.
    name : str
        What the slider sets, such as ``"learning rate"``.
    alts : sequence of str
        What each figure shows, in words.
    start : int, default 0
        The position at first.
    caption : str, optional
        What stands below the figure, with formulas between dollars.
    """
    figures, values, alts = list(figures), list(values), list(alts)
    if not len(figures) == len(values) == len(alts) > start >= 0:
        raise ValueError(
            f"figures, values and alts must have one entry for each position and start be one of "
            f"them, got {len(figures)}, {len(values)}, {len(alts)} and {start}"
        )
    letters = _prefix("".join(alts))
    frames = "".join(
        f'<div data-value="{escape(value)}"{"" if k == start else " hidden"}>'
        f"{_image(figure, alt, letters)}</div>"
        for k, (figure, value, alt) in enumerate(zip(figures, values, alts, strict=True))
    )
    frames = _defined_once(frames)
    control = _range(name, values, start, _MOVE)
    html = (
        f'<figure class="gradlab-figure gradlab-slider">{control}{frames}{_caption(caption)}'
        "</figure>"
    )
    return Picture(html, f"[figure with a slider for {name}: {alts[start]}]")


def _caption(text: str) -> str:
    """Return what stands below a figure, its formulas marked for MathJax."""
    if not text:
        return ""
    marked = re.sub(r"\$([^$]+)\$", r'<span class="math">\\(\1\\)</span>', escape(text))
    return f"<figcaption>{marked}</figcaption>"


def _range(name: str, values: Sequence[str], start: int, handler: str) -> str:
    """Return a native slider and the value beside it."""
    return (
        f"<label>{escape(name)} "
        f'<input type="range" min="0" max="{len(values) - 1}" step="1" value="{start}" '
        f'aria-valuetext="{escape(values[start])}" oninput="{handler}"> '
        f"<output>{escape(values[start])}</output></label>"
    )


# The handlers stand in the elements, so that a figure moves in Jupyter as on the page.
_MOVE = (
    "const f=this.closest('figure').querySelectorAll('[data-value]');"
    "f.forEach((e,k)=>{e.hidden=k!=this.value});"
    "const v=f[this.value].dataset.value;"
    "this.setAttribute('aria-valuetext',v);this.nextElementSibling.textContent=v"
)


def _image(figure: Figure, alt: str, letters: str | None = None) -> str:
    """Return the figure as an ``svg`` element that can stand beside others on a page.

    Figures with the same `letters` define letters and markers under the same identifiers.
    """
    if not alt.strip():
        raise ValueError("alt must say what the figure shows, got an empty text")
    buffer = io.StringIO()
    # The same bytes in every build: matplotlib would draw identifiers at random.
    with mpl.rc_context({"svg.hashsalt": "gradlab"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    # Nothing refers to groups and images, and the same image twice would have one identifier.
    svg = re.sub(r'(<g|<image[^>]*) id="[^"]*"', r"\1", svg)
    svg = re.sub(r'(<path id="|href="#)', rf"\g<1>{letters or _prefix(alt)}-", svg)
    svg = re.sub(r'(<(?!path)\w+ id="|url\(#)', rf"\g<1>{_prefix(alt)}-", svg)
    svg = re.sub(r' (d|x|y)="([^"]*)"', lambda one: f' {one[1]}="{_short(one[2])}"', svg)
    svg = re.sub(r">\s+<", "><", svg)
    svg = svg.replace(_INK, "currentColor")
    width = figure.get_figwidth() * 135
    opening = (
        f'<svg role="img" aria-label="{escape(alt)}" '
        f'style="display:block;width:100%;max-width:{width:.0f}px;height:auto" '
    )
    svg = re.sub(r' (width|height)="[\d.]+pt"', "", svg, count=2)
    return svg.replace("<svg ", opening, 1)


def _prefix(alt: str) -> str:
    """Tell this figure's identifiers from those of the other figures on the page."""
    return "f" + hashlib.sha256(alt.encode()).hexdigest()[:8]


def _short(path: str) -> str:
    """Return a path, or a number, at two decimals and without spaces that it can do without.

    A hundredth of a point is finer than any screen.
    """
    path = re.sub(r"\d+\.\d{3,}", lambda number: f"{float(number[0]):.2f}", path)
    return re.sub(r"\s*([A-Z]|z)\s*", r"\1", path).strip()


def _defined_once(frames: str) -> str:
    """Leave out the outlines of letters and markers that an earlier frame has defined.

    A browser finds them in a frame that is hidden, too.
    """
    defined: set[str] = set()

    def once(outline: re.Match[str]) -> str:
        if outline[1] in defined:
            return ""
        defined.add(outline[1])
        return outline[0]

    frames = re.sub(r'<path id="([^"]+)"[^>]*/>\s*', once, frames)
    return re.sub(r"<defs>\s*</defs>\s*", "", frames)
