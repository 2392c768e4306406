import re
import xml.etree.ElementTree as ET

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


def test_text_is_escaped():
    html = plotting.show(line(), 'x < "y" & more')._repr_html_()
    assert 'aria-label="x &lt; &quot;y&quot; &amp; more"' in html


@pytest.mark.parametrize("alt", ["", "  "])
def test_a_figure_without_text_is_refused(alt):
    with pytest.raises(ValueError, match="alt must say"):
        plotting.show(line(), alt)


def test_a_slider_shows_one_of_its_frames():
    picture = plotting.slider(
        [line(1), line(2), line(3)], ["1", "2", "3"], "height", ["one", "two", "three"], start=1
    )
    html = picture._repr_html_()
    frames = re.findall(r'<div data-value="(\d)"( hidden)?>', html)
    assert frames == [("1", " hidden"), ("2", ""), ("3", " hidden")]
    assert '<input type="range" min="0" max="2" step="1" value="1"' in html
    assert "two" in repr(picture)


def test_a_slider_has_buttons_on_request():
    frames = [line(1), line(2)], ["1", "2"], "height", ["one", "two"]
    assert "<button" not in plotting.slider(*frames)._repr_html_()
    html = plotting.slider(*frames, play=True)._repr_html_()
    assert re.findall(r">(\w+)</button>", html) == ["Play", "Step"]


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


def test_the_influence_diagram_names_its_nodes():
    html = plotting.show(plotting.influence_diagram(), ALT)._repr_html_()
    for node in ("loss", "all"):
        assert node in html
    for colour in (plotting.BLUE, plotting.ORANGE, plotting.GREEN):
        assert colour in html
