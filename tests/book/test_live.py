"""Live figures: the kernels of the page are those of the package, in two browsers, and each figure
computes what Python computes.
"""

import base64
import json
import re

import live
import live_initialization as initialization
import numba
import numpy as np
import pytest
from marionette import Firefox
from pages import CHAPTERS, PAGES, elements, html
from support import ROOT, book_extension

from gradlab import optimizers
from gradlab._random import normal, permutation, uniform
from gradlab.landscapes import quadratic

FOLDER = ROOT / "book" / "_static" / "live"
SLUGS = sorted(path.stem for path in FOLDER.glob("*.js") if "gradlab.figure(" in path.read_text())
extension = book_extension("live")


def test_the_module_is_of_these_sources():
    assert live.is_fresh(), "a kernel has changed: run `make live`"


@pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="nothing is compiled")
def test_every_kernel_is_in_the_module():
    assert live.LEFT_OUT == {}
    assert set(live.manifest()) == set(live.kernels())
    assert (FOLDER / "kernels.js").stat().st_size < 1_000_000


@pytest.fixture
def sources(tmp_path, monkeypatch):
    """Return a function that changes a copy of the package, and says whether that is noticed."""
    monkeypatch.setattr(live, "PACKAGE", tmp_path)
    for path in (ROOT / "package" / "gradlab").glob("*.py"):
        (tmp_path / path.name).write_text(path.read_text())

    def noticed(name, old, new):
        text = (tmp_path / name).read_text()
        assert old in text
        (tmp_path / name).write_text(text.replace(old, new))
        fresh = live.is_fresh()
        (tmp_path / name).write_text(text)
        return not fresh

    return noticed


def test_what_changes_a_kernel_is_noticed_and_nothing_else_is(sources):
    assert sources("optimizers.py", "w[i] = wi - rate * gi\n", "w[i] = wi - rate * gi * 1.0\n")
    assert sources("landscapes.py", "(1.5, 2.25, 2.625)", "(1.5, 2.25, 2.5)")
    assert sources("_elementary.py", "0.1333333333333331", "0.1333333333333333")
    assert sources("_jit.py", '"reassoc"', '"reassoc", "contract"')
    assert not sources("optimizers.py", "# (opt-sgd)", "# (opt-sgd) ")
    assert not sources("optimizers.py", '"""Equation opt-sgd."""', '"""Equation."""')
    assert not sources("optimizers.py", "return (self.learning_rate,)", "return [0.0]")


def packed(value):
    """A value for JavaScript: numbers by their bytes, since JSON has neither NaN nor -0."""
    if isinstance(value, tuple):
        return [packed(part) for part in value]
    array = np.ascontiguousarray(value)
    kind = str(array.dtype)
    data = {"kind": kind, "data": base64.b64encode(array.tobytes()).decode()}
    return data | ({"shape": array.shape} if np.ndim(value) else {})


def unpacked(data):
    flat = np.frombuffer(base64.b64decode(data["data"]), data["kind"])
    return flat.reshape(data["shape"]) if "shape" in data else flat[0]


# Calls each kernel, and returns its arguments and what it returned.
CALL_ALL = """async examples => {
    const kernels = await gradlab.kernels;
    const bytes = text => Uint8Array.from(atob(text), each => each.charCodeAt(0)).buffer;
    const VIEWS = {float64: Float64Array, int64: BigInt64Array, bool: Uint8Array};
    const read = value => {
        if (Array.isArray(value)) return value.map(read);
        const {kind, data, shape} = value;
        const view = new VIEWS[kind](bytes(data));
        if (!shape) return kind === "bool" ? Boolean(view[0]) : view[0];
        const array = kernels.array(shape, 0, kind);
        array.data.set(view);
        return array;
    };
    const text = view => btoa(Array.from(
        new Uint8Array(view.buffer, view.byteOffset, view.byteLength),
        each => String.fromCharCode(each)).join(""));
    const write = value => value?.type
        ? {kind: value.kind, shape: value.shape, data: text(value.data)}
        : {kind: "float64", data: text(Float64Array.of(Number(value)))};
    return examples.map(([name, given]) => kernels.scope(() => {
        const values = given.map(read), returned = kernels[name](...values);
        const returns = returned === undefined ? [] : [].concat(returned);
        return [...values.filter(value => value?.type), ...returns].map(write);
    }));
}"""

ULPS = 64
"""How far a number of a page may be from Python's, in units of the last place of the largest number
of its array: a sum is taken in another order where vectors are of another width, a product and a
sum are one operation on this machine and two in a browser, and pow, cos, log and tanh of a browser
are its own.
"""


def size(arguments):
    return sum(np.size(a) for a in arguments)


@pytest.fixture(scope="module")
def calls():
    """What each kernel is called with, of the types that it is compiled for: at most 6 calls."""
    chosen = []
    for name, examples in sorted(live.recorded().items()):
        wanted = live.signature(examples)
        fitting = [e for e in examples if live.signature([e]) == wanted and size(e) < 20_000]
        # The large ones, which no example of a docstring shows, and the first.
        fitting.sort(key=size, reverse=True)
        chosen += [(name, e) for e in fitting[:4] + fitting[4:][-2:]]
    return chosen


def assert_as_in_python(evaluate, calls):
    kernels = live.kernels()
    given = [[name, [packed(a) for a in arguments]] for name, arguments in calls]
    equal = 0
    for (name, arguments), found in zip(calls, evaluate(CALL_ALL, given), strict=True):
        own = [np.array(a, order="C") if isinstance(a, np.ndarray) else a for a in arguments]
        with np.errstate(all="ignore"):
            returned = kernels[name](*own)
        returns = returned if isinstance(returned, tuple) else (returned,)
        expected = [a for a in own if isinstance(a, np.ndarray)]
        expected += [np.float64(r) for r in returns if r is not None]
        assert len(found) == len(expected)
        for got, want in zip(map(unpacked, found), expected, strict=True):
            equal += np.array_equal(got, want, equal_nan=want.dtype.kind == "f")
            if want.dtype.kind != "f":
                np.testing.assert_array_equal(got, want, err_msg=name)
                continue
            largest = np.abs(want[np.isfinite(want)]).max(initial=0.0)
            np.testing.assert_allclose(
                got, want, rtol=0, atol=ULPS * np.spacing(largest), err_msg=name
            )
    return equal


PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>test</title>
<link rel="stylesheet" href="live.css"><body>{body}{scripts}</body></html>"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The scripts as a site has them, in a folder of their own."""
    made = tmp_path_factory.mktemp("live")
    for path in FOLDER.iterdir():
        (made / path.name).write_bytes(path.read_bytes())
    (made / "d3.js").write_text(extension.d3())
    (made / "digits.js").write_text(extension.digits())
    for slug in SLUGS:
        body = f'<figure class="gradlab-live" data-live="{slug}"><div class="live-twin">twin</div>'
        scripts = "".join(f'<script src="{n}" defer></script>' for n in extension.scripts([slug]))
        (made / f"{slug}.html").write_text(PAGE.format(body=body + "</figure>", scripts=scripts))
    return made


@pytest.fixture
def open_figure(browser, folder):
    """Open the page of one figure from its file, and return it with what it complains of."""
    contexts = []

    def opened(slug, fragment="", **settings):
        context = browser.new_context(**settings)
        contexts.append(context)
        context.route(lambda url: not url.startswith(("file:", "blob:", "data:")), abort)
        tab, errors = context.new_page(), []
        tab.on("pageerror", lambda error: errors.append(str(error)))
        tab.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
        tab.goto(f"{(folder / f'{slug}.html').as_uri()}{fragment}")
        tab.wait_for_selector("html[data-live-ready]", state="attached")
        return tab, errors

    yield opened
    for context in contexts:
        context.close()


def abort(route):
    route.abort()


@pytest.fixture(scope="module")
def firefox(tmp_path_factory):
    running = Firefox(tmp_path_factory.mktemp("firefox") / "profile")
    yield running
    running.close()


NATIVE = pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="kernels are not compiled")


@NATIVE
def test_every_kernel_computes_in_chromium_what_it_computes_in_python(open_figure, calls):
    tab, errors = open_figure("optimizers")
    assert {name for name, _ in calls} == set(live.manifest())
    # More than nine in ten arrays are equal to the last bit.
    assert assert_as_in_python(tab.evaluate, calls) > 0.9 * len(calls)
    assert errors == []


@NATIVE
def test_every_kernel_computes_in_firefox_what_it_computes_in_python(firefox, folder, calls):
    firefox.goto((folder / "optimizers.html").as_uri())
    assert assert_as_in_python(firefox.evaluate, calls) > 0.9 * len(calls)


def test_initialization_computes_what_python_computes(open_figure):
    tab, errors = open_figure("initialization")
    for move in initialization.MOVES:
        state = initialization.FIRST | move
        found = tab.evaluate("state => gradlabLive.initialization.set(state)", state)
        for name in state["rules"]:
            numbers, predicted, values = initialization.in_python(state, name)
            for key, expected in numbers.items():
                np.testing.assert_allclose(found[key][name], expected, rtol=1e-9, err_msg=key)
            for way, line in predicted.items():
                np.testing.assert_allclose(found["predicted"][name][way], line, rtol=3e-3)
            if state["axis"] == "value":
                shown = found["histograms"]["forward"]
                counts = [np.histogram(h, shown["bins"], shown["range"])[0] for h in values[0]]
                shares = np.array(counts) / np.array([[h.size] for h in values[0]])
                np.testing.assert_allclose(shown["counts"][name], shares, atol=1.5e-3)
    said = tab.locator(".said").inner_text()
    q = initialization.in_python(initialization.FIRST, "lecun")[0]["forward"]
    assert f"LeCun {(q[-1] / q[0]) ** 0.05:.3g} and" in said
    assert errors == []


def test_initialization_bears_extreme_settings(open_figure):
    tab, errors = open_figure("initialization")
    rules = [*initialization.RULES, "own"]
    for activation in initialization.ACTIVATIONS:
        for state in initialization.EXTREMES:
            tab.evaluate(
                "state => { gradlabLive.initialization.set(state); }",
                state | {"rules": rules, "activation": activation},
            )
            said = tab.locator(".said").inner_text()
            assert "LeCun" in said
            assert not re.search("NaN|not a number|undefined|infinite", said), said
            paths = tab.evaluate(
                "[...document.querySelectorAll('svg path')].map(p => p.getAttribute('d')).join()"
            )
            assert not re.search("NaN|Infinity", paths)
    tab.evaluate("() => { gradlabLive.initialization.set({rules: []}); }")
    assert tab.locator(".said").inner_text() == "No rule is chosen."
    assert errors == []
