import json
import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from gradlab import plotting

ALT = "A line that rises from 0 to 2."


@pytest.fixture(autouse=True)
def style():
    plotting.use_style()


def line(height=1.0):
    figure, ax = plotting.subplots()
    ax.plot([0, 1, 2], [0, height, 2 * height], label="$y_i$")
    ax.set_xlabel("step")
    ax.legend()
    return figure


def test_a_figure_is_an_image_with_a_description():
    html = plotting.show(line(), ALT)._repr_html_()
    svg = html[html.index("<svg") : html.index("</svg>") + 6]
    ET.fromstring(svg)
    assert 'role="img"' in svg
    assert f'aria-label="{ALT}"' in svg
    assert repr(plotting.show(line(), ALT)) == f"[figure: {ALT}]"


def test_a_figure_follows_the_theme():
    svg = plotting.show(line(), ALT)._repr_html_()
    assert "currentColor" in svg
    assert plotting._INK not in svg
    assert "#000000" not in svg
    assert "#ffffff" not in svg
    assert "<text" not in svg


def test_a_figure_is_the_same_in_every_build_and_unique_on_its_page():
    first = plotting.show(line(), ALT)._repr_html_()
    assert first == plotting.show(line(), ALT)._repr_html_()
    other = plotting.show(line(), "Another text.")._repr_html_()
    identifiers = [set(re.findall(r'\bid="([^"]+)"', html)) for html in (first, other)]
    assert identifiers[0]
    assert not identifiers[0] & identifiers[1]


def test_references_inside_a_figure_are_kept():
    svg = plotting.show(line(), ALT)._repr_html_()
    used = set(re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', svg))
    names = {a or b for a, b in used}
    assert names
    assert names <= set(re.findall(r'\bid="([^"]+)"', svg))


def test_the_same_image_twice_has_no_identifier_twice():
    figure, axes = plotting.subplots(1, 2)
    for ax in axes:
        ax.imshow(np.eye(3), interpolation="none")
    html = plotting.show(figure, ALT)._repr_html_()
    assert html.count("<image ") == 2
    identifiers = re.findall(r'\bid="([^"]*)"', html)
    assert len(identifiers) == len(set(identifiers))


def test_text_is_escaped():
    html = plotting.show(line(), 'x < "y" & more')._repr_html_()
    assert 'aria-label="x &lt; &quot;y&quot; &amp; more"' in html


@pytest.mark.parametrize("alt", ["", "  "])
def test_a_figure_without_text_is_refused(alt):
    with pytest.raises(ValueError, match="alt must say"):
        plotting.show(line(), alt)


def test_a_live_figure_is_its_static_twin_with_its_numbers():
    numbers = {"loss": [1.0, 0.5], "name": 'a "quoted" <name>'}
    picture = plotting.live("bowl", line(), ALT, numbers)
    figure = ET.fromstring(picture._repr_html_())
    assert figure.get("data-live") == "bowl"
    assert json.loads(figure.get("data-numbers")) == numbers
    (twin,) = figure.findall("div")
    assert twin.get("class") == "live-twin"
    assert twin[0].get("aria-label") == ALT
    assert repr(picture) == f"[live figure: {ALT}]"
    with pytest.raises(ValueError, match="alt"):
        plotting.live("bowl", line(), " ")


def test_a_slider_shows_one_of_its_frames():
    picture = plotting.slider(
        [line(1), line(2), line(3)], ["1", "2", "3"], "height", ["one", "two", "three"], start=1
    )
    html = picture._repr_html_()
    frames = re.findall(r'<div data-value="(\d)"( hidden)?>', html)
    assert frames == [("1", " hidden"), ("2", ""), ("3", " hidden")]
    assert '<input type="range" min="0" max="2" step="1" value="1"' in html
    assert "two" in repr(picture)


def test_the_frames_of_a_slider_define_each_letter_once():
    alts = ["one", "two", "three"]
    html = plotting.slider([line(1), line(2), line(3)], ["1", "2", "3"], "h", alts)._repr_html_()
    identifiers = re.findall(r'\bid="([^"]+)"', html)
    assert len(identifiers) == len(set(identifiers))
    used = {a or b for a, b in re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', html)}
    assert used <= set(identifiers)
    alone = [plotting.show(line(k), alt)._repr_html_() for k, alt in zip((1, 2, 3), alts)]
    assert len(html) < 0.85 * sum(map(len, alone))
    for svg in re.findall(r"<svg.*?</svg>", html, re.DOTALL):
        ET.fromstring(svg)


def test_coordinates_are_as_fine_as_a_screen():
    html = plotting.show(line(1 / 3), ALT)._repr_html_()
    coordinates = " ".join(re.findall(r' (?:d|x|y)="([^"]*)"', html))
    assert re.search(r"\.\d\d\b", coordinates)
    assert not re.search(r"\.\d{3}", coordinates)


@pytest.mark.parametrize(
    ("values", "alts", "start"),
    [
        (["1"], ["a", "b"], 0),
        (["1", "2"], ["a"], 0),
        (["1", "2"], ["a", "b"], 2),
        (["1", "2"], ["a", "b"], -1),
        ([], [], 0),
    ],
)
def test_a_slider_with_missing_parts_is_refused(values, alts, start):
    with pytest.raises(ValueError, match="figures, values and alts"):
        plotting.slider([line(1), line(2)], values, "height", alts, start)


def test_a_band_reaches_from_the_least_to_the_largest_run():
    _, ax = plotting.subplots()
    runs = np.array([[1.0, 4.0], [3.0, 6.0], [2.0, 8.0]])
    plotting.band(ax, [0, 1], runs, label="runs", color=plotting.BLUE)
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), [2, 6])
    extents = ax.collections[0].get_paths()[0].get_extents()
    assert (extents.y0, extents.y1) == (1, 8)
    with pytest.raises(ValueError, match=r"runs must have shape \(seeds, 3\), got \(3, 2\)"):
        plotting.band(ax, [0, 1, 2], runs, label="runs", color=plotting.BLUE)


def test_a_caption_stands_below_with_its_formulas_marked():
    html = plotting.show(line(), ALT, "Rates <1, $\\eta$.")._repr_html_()
    assert html.endswith(
        r'<figcaption>Rates &lt;1, <span class="math">\(\eta\)</span>.</figcaption></figure>'
    )
    assert "figcaption" not in plotting.show(line(), ALT)._repr_html_()
