"""Live figures: the kernels of the page are those of the package, in two browsers, and each figure
computes what Python computes.
"""

import base64
import itertools
import json
import re

import live
import live_changes
import live_initialization as initialization
import live_transfer
import numba
import numpy as np
import pytest
from live_training import STATES, TRAIN, assert_same, executed
from marionette import Firefox
from pages import PAGES, elements, html
from support import ROOT, book_extension

from gradlab import activations, losses, optimizers
from gradlab._random import normal, permutation, uniform
from gradlab.autodiff import Tape, Variable
from gradlab.backpropagation import mlp_backward, mlp_forward, sensitivities
from gradlab.batch_normalization import (
    batch_norm_forward,
    batch_norm_inference,
    update_running_statistics,
)
from gradlab.early_stopping import stopping_step
from gradlab.gradient_bounds import singular_value_products
from gradlab.gradient_clipping import clip_by_norm, clip_by_value
from gradlab.gradient_descent import linear_descent, quadratic_descent
from gradlab.initialization import he_normal, lecun_normal, legacy_torch_uniform, orthogonal
from gradlab.input_normalization import (
    fit_center,
    fit_pca_whitening,
    fit_standardize,
    fit_zca_whitening,
)
from gradlab.landscapes import beale, long_valley, quadratic, saddle
from gradlab.layer_normalization import (
    group_norm_forward,
    instance_norm_forward,
    layer_norm_forward,
)
from gradlab.network import Activation, Dense, Network
from gradlab.schedules import (
    cosine_decay,
    exponential_decay,
    one_cycle,
    power_decay,
    step_decay,
    warmup_cosine_decay,
)
from gradlab.training import LiveGenerator, fit
from gradlab.weight_decay import ridge

FOLDER = ROOT / "book" / "_static" / "live"
SLUGS = sorted(path.stem for path in FOLDER.glob("*.js") if "gradlab.figure(" in path.read_text())
extension = book_extension("live")


def test_the_module_is_of_these_sources():
    assert live.is_fresh(), "a kernel has changed: run `make live`"


@pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="nothing is compiled")
def test_every_kernel_is_in_the_module():
    assert set(live.LEFT_OUT) == {"_memory._lead_kernel"}, "it reads an address, and no numbers"
    assert set(live.manifest()) == set(live.kernels()) - set(live.LEFT_OUT)
    assert (FOLDER / "kernels.js").stat().st_size < 1_000_000
    # Nor is a folder of the machine that compiled it.
    assert b"/gradlab/" not in live.parts(live.MODULE)[2]


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

ULPS = 16
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
        if name in live.LEFT_OUT:
            continue
        wanted = live.signature(examples)
        fitting = sorted((e for e in examples if live.signature([e]) == wanted), key=size)
        # The large ones, which few examples of docstrings show, and the first.
        bearable = [e for e in fitting if size(e) < 20_000] or fitting[:1]
        chosen += [(name, e) for e in {id(e): e for e in bearable[-4:] + bearable[:2]}.values()]
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


def assert_within(found, expected, where="numbers"):
    """Assert that what Python computed, lists and numbers by name, is in what the page did."""
    if isinstance(expected, dict):
        for name, value in expected.items():
            assert_within(found[name], value, f"{where}.{name}")
    elif isinstance(expected, str):
        assert found == expected, where
    else:
        found, expected = np.array(found, dtype=float), np.array(expected, dtype=float)
        scale = np.abs(expected[np.isfinite(expected)]).max(initial=0.0)
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9 * scale, err_msg=where)


def live_figures(page):
    return [e for _, e in elements(page) if "gradlab-live" in e.get("class", "").split()]


def in_source(page):
    path = ROOT / f"{page}.md"
    return path.is_file() and "plotting.live(" in path.read_text()


WITH_FIGURES = [page for page in PAGES if in_source(page)]


def test_every_live_figure_is_on_a_page_and_no_page_loads_scripts_for_nothing():
    shown = [figure["data-live"] for page in PAGES for figure in live_figures(page)]
    assert sorted(shown) == SLUGS
    loading = [page for page in PAGES if "live/runtime.js" in html(page)]
    assert loading == WITH_FIGURES


# What a figure computes at first; where nothing runs unasked, the records of its first runs.
FIRST_NUMBERS = """async slug => {
    const figure = gradlabLive[slug];
    return figure.run ? await figure.run() : figure.numbers();
}"""


@pytest.mark.parametrize("page", WITH_FIGURES)
def test_a_live_figure_begins_where_its_static_twin_is(visit, page):
    tab, _, _ = visit(page, formulas=False)
    tab.wait_for_selector("html[data-live-ready]", state="attached")
    for figure in live_figures(page):
        slug, expected = figure["data-live"], json.loads(figure["data-numbers"])
        assert expected, "a twin says what it shows, in numbers"
        found = tab.evaluate(FIRST_NUMBERS, slug)
        if isinstance(found, list):
            for record, own in zip(found, expected.get("runs", [expected]), strict=True):
                assert_within(record, own)
        else:
            assert_within(found, expected)
        place = tab.locator(f"[data-live={slug}]")
        assert place.locator(".live-view").is_visible()
        assert not place.locator(".live-twin").is_visible()
        tab.emulate_media(media="print")
        assert place.locator(".live-twin").is_visible()
        assert not place.locator(".live-view").is_visible()
        tab.emulate_media(media="screen")


@pytest.mark.parametrize("slug", SLUGS)
def test_without_scripts_and_without_motion_the_static_twin_is_shown(browser, folder, slug):
    address = (folder / f"{slug}.html").as_uri()
    still = browser.new_context(java_script_enabled=False).new_page()
    still.goto(address)
    assert still.locator(".live-twin").is_visible()
    assert still.locator(".live-view").count() == 0
    still.context.close()
    calm = browser.new_context(reduced_motion="reduce").new_page()
    calm.goto(address)
    calm.wait_for_selector("html[data-live-ready]", state="attached")
    assert calm.locator(".live-twin").is_visible()
    # It begins when it is asked to.
    calm.locator(".live-view button").click()
    assert not calm.locator(".live-twin").is_visible()
    assert calm.evaluate("document.activeElement.closest('.live-view') !== null")
    calm.context.close()


@pytest.mark.parametrize("slug", SLUGS)
def test_a_live_figure_is_worked_by_the_keyboard_and_resets_and_links_to_its_state(
    open_figure, slug
):
    tab, errors = open_figure(slug, viewport={"width": 390, "height": 844})
    assert tab.evaluate("document.documentElement.scrollWidth") <= 390
    first = tab.evaluate(f"gradlabLive['{slug}'].state()")
    view = tab.locator(".live-view")
    unnamed = [e for e in view.locator("input, select").all() if not e.evaluate(NAMED)]
    assert unnamed == []
    # A slider obeys the arrows, and where there is none a button or a check box its key.
    control, key = view.locator("input[type=range]"), "ArrowRight"
    if control.count() == 0:
        control, key = view.locator("[aria-pressed=false]"), "Enter"
    if control.count() == 0:
        control, key = view.locator("input[type=checkbox]"), "Space"
    control.first.focus()
    tab.evaluate(WHEN_SAID)
    tab.keyboard.press(key)
    moved = tab.evaluate(f"gradlabLive['{slug}'].state()")
    assert moved != first
    # What is seen is said, once the reader has come to rest.
    assert tab.evaluate("announcedWhenSaid") == ""
    tab.wait_for_function("document.querySelector('.announced').textContent")
    assert view.locator(".announced").text_content() == view.locator(".said").text_content()
    link = view.locator(".foot a").get_attribute("href")
    view.get_by_role("button", name="Reset").focus()
    tab.keyboard.press("Enter")
    assert tab.evaluate(f"gradlabLive['{slug}'].state()") == first
    assert errors == []
    tab, errors = open_figure(slug, link)
    assert tab.evaluate(f"gradlabLive['{slug}'].state()") == moved
    # A link from elsewhere may hold anything.
    name = next(iter(first))
    tab, errors = open_figure(slug, f"#live-{slug}?{name}=%22none%22&other=1&constructor=2&x=%")
    assert tab.evaluate(f"gradlabLive['{slug}'].state()") == first
    assert errors == []


# What has been announced when the finding changes: this is asked later, and the reader rests soon.
WHEN_SAID = """() => {
    const [said, announced] = [".said", ".announced"].map(each => document.querySelector(each));
    const seen = new MutationObserver(() => {
        window.announcedWhenSaid ??= announced.textContent;
    });
    seen.observe(said, {childList: true, characterData: true, subtree: true});
}"""
NAMED = "e => (e.labels?.[0]?.textContent || e.getAttribute('aria-label') || '').trim().length > 0"


def test_settings_that_cannot_be_are_refused_by_name(open_figure):
    tab, _ = open_figure("optimizers")
    refused = """changes => { try { gradlabLive.optimizers.set(changes); return null; }
        catch (error) { return error.message; } }"""
    for changes, word in [
        ({"rate": "x"}, "rate"),
        ({"other": 1}, "other"),
        ({"methods": "x"}, "x"),
    ]:
        before = tab.evaluate("gradlabLive.optimizers.state()")
        assert word in tab.evaluate(refused, changes)
        assert tab.evaluate("gradlabLive.optimizers.state()") == before
    # A number beyond its bounds is the bound; one that is none is the one before.
    assert tab.evaluate("gradlabLive.optimizers.set({rate: 1e9}), gradlabLive.optimizers.state()")[
        "rate"
    ] == pytest.approx(3)
    box = tab.locator("input[type=number]").first
    box.fill("")
    box.press("Tab")
    assert box.input_value() == str(before["condition"])


@pytest.mark.parametrize(
    ("slug", "name"), [("in-practice", "width"), ("batch-normalization", "batch")]
)
def test_units_and_examples_are_whole_on_a_slider_and_in_a_link(open_figure, slug, name):
    tab, errors = open_figure(slug, f"#live-{slug}?{name}=7.4")
    assert tab.evaluate(f"gradlabLive['{slug}'].state()")[name] == 7
    slider = tab.locator(f"#live-{slug}-{name}")
    slider.focus()
    for key, value in [("Home", 2), ("ArrowRight", 3), ("ArrowRight", 4), ("ArrowRight", 5)]:
        tab.keyboard.press(key)
        assert tab.evaluate(f"gradlabLive['{slug}'].state()")[name] == value
    assert errors == []


def test_with_early_stopping_all_losses_are_of_the_weights_that_are_kept(open_figure):
    tab, errors = open_figure("in-practice", "#live-in-practice?examples=50&patience=3&rate=0.1")
    told = tab.evaluate("gradlabLive['in-practice'].run()")
    record, said = told[0] if isinstance(told, list) else told["record"], tab.locator(".said")
    best = record["best"]
    assert 0 < best < len(record["trainLoss"]) - 1
    losses = [record["final"]["loss"], record["trainLoss"][best]]
    found = re.search(r"at a loss of ([\d.]+); training loss ([\d.]+)\. ", said.text_content())
    assert [float(each) for each in found.groups()] == pytest.approx(losses, rel=0.005)
    assert errors == []


def test_a_kernel_refuses_arguments_of_other_types_by_name(open_figure):
    tab, _ = open_figure("optimizers")
    said = tab.evaluate(
        """async () => {
            const k = await gradlab.kernels, w = k.array(2), m = k.array([2, 2]);
            const sgd = k["optimizers._sgd_kernel"], messages = [];
            for (const given of [[w, m, 1, 0, 1], [w, w, 1, 0], [w, w, 1, 0, null]]) {
                try { sgd(...given); } catch (error) { messages.push(error.message); }
            }
            return messages;
        }"""
    )
    assert "g must be float64[1], got float64[2]" in said[0]
    assert "takes w, g, shrink, l2, rate" in said[1]
    assert "rate must be float64, got null" in said[2]


def test_arrays_live_on_while_the_memory_grows(open_figure):
    tab, _ = open_figure("optimizers")
    sums = tab.evaluate(
        """async () => {
            const k = await gradlab.kernels, total = k["_elementary.total"];
            const one = k.array(1000, 1), seen = one.data, first = total(one);
            const large = k.scope(() => k.array(3e6, 2).size);
            return [first, large, seen.length, total(one), one.data.length,
                k.scope(() => total(k.array(10, 3)))];
        }"""
    )
    # The view of before is dead, the array is not.
    assert sums == [1000, 3e6, 0, 1000, 1000, 30]


WORK = """async how => {
    const work = function* (k, {count}) {
        const a = k.array(count);
        for (let n = 0; n < 40; n++) {
            k["_random._normal_draws_kernel"](7, n, 0, a);
            yield {part: n / 40};
        }
        return a.numbers();
    };
    const seen = [], job = gradlab[how](work, {count: 3}, value => seen.push(value.part));
    const stopped = gradlab[how](work, {count: 100000}, () => stopped.stop());
    const failing = gradlab[how](function* (k) { k.nothing(); }, {});
    let error = "";
    try { await failing.done; } catch (raised) { error = raised.message; }
    return {numbers: await job.done, seen, stopped: await stopped.done ?? null, error};
}"""


@pytest.mark.parametrize("how", ["background", "inSlices"])
def test_work_outside_the_page_tells_its_progress_and_can_be_stopped(open_figure, how):
    tab, _ = open_figure("optimizers")
    found = tab.evaluate(WORK, how)
    assert found["seen"] == [n / 40 for n in range(40)]
    np.testing.assert_allclose(found["numbers"], normal(3, seed=7, stream=39), rtol=1e-14)
    assert found["stopped"] is None
    assert "nothing is not a function" in found["error"]


def test_work_outside_the_page_is_done_in_firefox_too(firefox, folder):
    firefox.goto((folder / "optimizers.html").as_uri())
    found = firefox.evaluate(WORK, "background")
    np.testing.assert_allclose(found["numbers"], normal(3, seed=7, stream=39), rtol=1e-14)


def test_a_training_in_firefox_is_that_of_its_script(firefox, folder):
    firefox.goto((folder / "in-practice.html").as_uri())
    (record,), (script,) = firefox.evaluate(TRAIN, [STATES[0]])
    assert_same(record, executed(script)[0])


def test_the_page_has_the_digits_and_draws_what_python_draws(open_figure, firefox, folder):
    draw = """async () => {
        const k = await gradlab.kernels, u = k.array(50);
        const order = k.array(20, [...Array(20).keys()], "int64");
        k["_random._uniform_draws_kernel"](5, 6, 7, u);
        k["_random._permutation_kernel"](5, 6, 7, order);
        return [u.numbers(), order.numbers()];
    }"""
    firefox.goto((folder / "optimizers.html").as_uri())
    for evaluate in (open_figure("optimizers")[0].evaluate, firefox.evaluate):
        numbers, order = evaluate(draw)
        assert numbers == uniform(50, seed=5, stream=6, first=7).tolist()
        assert order == permutation(20, seed=5, stream=6, first=7).tolist()


# Each figure: moves, one after the other, and what Python computes from the settings they lead to.


def in_bowl(state):
    """The figure of the optimizers, by the package's own classes."""
    makes = {
        "sgd": lambda: optimizers.SGD(state["rate"]),
        "momentum": lambda: optimizers.Momentum(state["heavy"], state["momentum"]),
        "nesterov": lambda: optimizers.Nesterov(state["heavy"], state["momentum"]),
        "adagrad": lambda: optimizers.AdaGrad(state["step"]),
        "rmsprop": lambda: optimizers.RMSProp(state["step"]),
        "adam": lambda: optimizers.Adam(state["step"]),
    }
    angle = np.deg2rad(state["angle"])
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    bowl = quadratic(turn @ np.diag([1.0, state["condition"]]) @ turn.T)
    paths = {}
    for name in state["methods"]:
        point, optimizer = turn @ [-2.0, 0.6], makes[name]()
        paths[name] = [point.tolist()]
        for _ in range(state["steps"]):
            optimizer.step([point], [bowl.grad(point)])
            paths[name].append(point.tolist())
    # Its squares must not overflow where the path does not.
    ends = {name: np.hypot(*np.transpose(path)).tolist() for name, path in paths.items()}
    return {"paths": paths, "distances": ends}


def on_surfaces(state):
    surface = {"beale": beale, "valley": long_valley, "saddle": saddle}[state["surface"]]
    makes = {
        "sgd": lambda: optimizers.SGD(state["sgd"]),
        "momentum": lambda: optimizers.Momentum(state["heavy"], state["momentum"]),
        "nesterov": lambda: optimizers.Nesterov(state["heavy"], state["momentum"]),
        "adagrad": lambda: optimizers.AdaGrad(state["adagrad"]),
        "rmsprop": lambda: optimizers.RMSProp(state["rmsprop"]),
        "adam": lambda: optimizers.Adam(state["adam"]),
    }
    paths, distances = {}, {}
    for name in state["methods"]:
        point, optimizer = np.array([state["x"], state["y"]]), makes[name]()
        paths[name] = [point.tolist()]
        for _ in range(state["steps"]):
            optimizer.step([point], [surface.grad(point)])
            paths[name].append(point.tolist())
        x, y = np.transpose(paths[name])
        at = surface.minimum
        distances[name] = np.abs(y) if at is None else np.hypot(x - at[0], y - at[1])
    return {"paths": paths, "distances": distances}


def on_correlated_inputs(state):
    r, rate = state["correlation"], state["rate"]
    matrix, start = np.array([[1.0, r], [r, 1.0]]), [-0.3, 1.75]
    path = quadratic_descent(matrix, start, rate, state["steps"])
    along = np.abs(path @ np.array([[1, 1], [1, -1]]) / np.sqrt(2))
    steep = np.array([1 + abs(r), 1 - abs(r)])
    distances = along.T if r >= 0 else along.T[::-1]
    return {"path": path, "distances": distances, "factors": 1 - rate * steep}


def moving_batches(state):
    size, found = state["batch"], {"before": [], "after": [], "inference": [], "runningVar": []}
    gamma, beta, running = [state["gamma"]], [state["beta"]], (np.zeros(1), np.ones(1))
    for t in range(40):
        draws = normal((size, 1), state["seed"], first=t * size)
        z = state["drift"] * t + state["growth"] ** t * draws
        found["before"].append(z[:, 0])
        found["after"].append(batch_norm_forward(z, gamma, beta)[0][:, 0])
        found["inference"].append(batch_norm_inference(z, gamma, beta, *running)[:, 0])
        running = update_running_statistics(
            *running, z.mean(axis=0), z.var(axis=0), size, state["momentum"]
        )
        found["runningVar"].append(running[1][0])
    return found


def in_pentagons(points):
    """Whether points of the plane are in one of the two pentagons of the figure."""
    angles = np.pi / 2 + 2 * np.pi * (np.arange(5) + 0.5) / 5
    normals = np.stack([np.cos(angles), np.sin(angles)])
    return np.any([((points - [c, 0]) @ normals).max(axis=1) < 0.45 for c in (-0.6, 0.6)], axis=0)


def plane_points(state):
    count = int(state["points"])
    x, y, chance = uniform(3 * count, state["seed"], stream=1).reshape(3, count)
    points = 2.4 * np.stack([x, y], axis=1) - 1.2
    labels = in_pentagons(points) ^ (chance < float(state["wrong"]))
    return {"x": points.ravel(), "labels": labels.astype(int)}


def both_modes(state):
    x, y = Variable(state["x"]), Variable(state["y"])
    a = x * y
    b = getattr(a, state["middle"])()
    c = x + b
    f = c * y
    f.backward()
    nodes, tape = (x, y, a, b, c, f), Tape(f)
    along = state["p"] * tape.derivatives(x) + state["q"] * tape.derivatives(y)
    forward = dict(zip(tape.nodes, along, strict=True))
    return {
        "values": [node.value for node in nodes],
        "dot": [forward[node] for node in nodes],
        "bar": [node.grad for node in nodes],
    }


def up_and_down(state):
    weights = [[[0.8, -0.6], [0.5, 1.0]], [[1.2, -0.7], [0.4, 0.9]]]
    layer, below, above = map(int, state["weight"])
    weights[layer][below][above] += state["nudge"]
    x, biases = [[state["x1"], state["x2"]]], [[0.1, -0.2], [0.0, 0.3]]
    out, cache = mlp_forward(x, weights, biases, state["activation"])
    dout = 2 * (out - [1.0, 0.0])
    dx, gradients, _ = mlp_backward(dout, cache)
    return {
        "loss": ((out - [1.0, 0.0]) ** 2).sum(),
        "netInputs": [z[0] for z in cache.net_inputs],
        "sensitivities": [s[0] for s in sensitivities(dout, cache)],
        "gradients": gradients,
        "inputs": dx[0],
        "slope": gradients[layer][below, above],
    }


def of_activations(state):
    nodes, z = np.linspace(-6, 6, 1201), np.linspace(-5, 5, 201)
    weights, places = np.exp(-(nodes**2) / 2), state["mean"] + state["deviation"] * nodes
    found = {"values": {}, "slopes": {}, "summary": []}
    for name in state["functions"]:
        options = {"alpha": state["alpha"]} if name == "leaky_relu" else {}
        forward = getattr(activations, name)
        backward = getattr(activations, f"{name}_backward")
        found["values"][name] = forward(z, **options)
        found["slopes"][name] = backward(np.ones_like(z), z, **options)
        out, slopes = forward(places, **options), backward(np.ones_like(nodes), places, **options)
        mean = np.average(out, weights=weights)
        of_places = ((out - mean) ** 2, slopes**2, np.abs(slopes) < 0.01)
        found["summary"].append([mean, *(np.average(each, weights=weights) for each in of_places)])
    return found


def on_two_surfaces(state):
    """The figure of the losses: the gradients are the package's, and the rest is written anew."""
    x = 1.5 * normal((100, 2), state["seed"])
    draws = uniform(100, state["seed"], stream=1)
    classes = (draws < activations.sigmoid(x @ [2.0, -1.0]))[:, None].astype(float)

    def gradient(loss, w):
        z = x @ w[:, None]
        if loss == "cross":
            return x.T @ losses.sigmoid_cross_entropy_backward(z, classes)[:, 0]
        dy = losses.squared_error_backward(activations.sigmoid(z), classes)
        return x.T @ activations.sigmoid_backward(dy, z)[:, 0]

    found = {"paths": {}, "minima": {}, "arrived": {}}
    for loss in ("squared", "cross"):
        w = np.array([2.0, -1.0])
        for _ in range(8000):
            w = w - 2 * gradient(loss, w)
        bend = [(gradient(loss, w + h) - gradient(loss, w - h)) / 2e-5 for h in 1e-5 * np.eye(2)]
        rate = state[loss] / np.linalg.eigvalsh(bend)[-1]
        path = [np.array([state["w1"], state["w2"]])]
        for _ in range(state["steps"]):
            path.append(path[-1] - rate * gradient(loss, path[-1]))
        far = np.flatnonzero(np.linalg.norm(np.array(path) - w, axis=1) >= 0.1)
        found["minima"][loss], found["paths"][loss] = w, path
        last = far[-1] + 1 if far.size else 0
        found["arrived"][loss] = last if last < len(path) else -1
    return found


def on_the_cliff(state):
    """Descent on the chain of sigmoids, whose gradient is taken backward here."""

    def loss_and_gradient(w, b):
        before = []
        h = np.float64(0.5)
        for _ in range(state["depth"]):
            before.append(activations.sigmoid(h))
            h = w * before[-1] + b
        y = activations.sigmoid(h)
        back, gradient = 2 * (y - 0.7) * y * (1 - y), np.zeros(2)
        for s in reversed(before):
            gradient += back * s, back
            back *= w * s * (1 - s)
        return (y - 0.7) ** 2, gradient

    clips = {
        "plain": lambda g: g,
        "value": lambda g: clip_by_value([g], state["threshold"])[0],
        "norm": lambda g: clip_by_norm(g, state["threshold"]),
    }
    found = {"paths": {}, "losses": {}, "lengths": {}, "cut": {}}
    for way in state["ways"]:
        points, fall, cut = [np.array([state["w"], state["b"]])], [], 0
        for _ in range(state["steps"]):
            loss, g = loss_and_gradient(*points[-1])
            clipped = clips[way](g)
            cut += bool((clipped != g).any())
            fall.append(loss)
            points.append(points[-1] - state["rate"] * clipped)
        fall.append(loss_and_gradient(*points[-1])[0])
        moved = np.hypot(*np.diff(points, axis=0).T)
        found["paths"][way], found["losses"][way] = points, fall
        found["lengths"][way], found["cut"][way] = moved, cut
    return found


def in_a_noisy_valley(state):
    steps, share, t = state["steps"], state["final"], np.arange(state["steps"])
    down = min(25, 1 / share)
    shapes = {
        "constant": np.ones(steps),
        "power": power_decay(t, 1.0, steps * share / (1 - share)),
        "exponential": exponential_decay(t, 1.0, steps, share),
        "step": step_decay(t, 1.0, steps / 4, share ** (1 / 3)),
        "cosine": cosine_decay(t, 1.0, steps, share),
        "warm": warmup_cosine_decay(t, 0.0, 1.0, state["warm"] * steps // 100, steps, share),
        "cycle": one_cycle(t, 1.0, steps, 0.3, down, 1 / (down * share), convention="optax"),
    }
    curvatures, noise = np.array([1 / state["condition"], 1.0]), state["noise"]
    peaks = 0.01 * 300 ** (np.arange(61) / 60)

    def falls(shape, rates):
        errors, losses = np.tile([100.0, 1.0], (len(rates), 1)), []
        for each in shape:
            losses.append(errors @ curvatures / 2)
            rate = np.array(rates)[:, None] * each
            errors = (1 - rate * curvatures) ** 2 * errors + rate**2 * noise**2
        return np.array([*losses, errors @ curvatures / 2])

    found = {"rates": {}, "losses": {}, "ends": {}, "peaks": {}, "paths": {}}
    for name in state["chosen"]:
        ends = falls(shapes[name], peaks)[-1]
        peak = peaks[ends.argmin()] if state["best"] else state["rate"]
        found["ends"][name], found["peaks"][name] = ends, peak
        found["rates"][name] = peak * shapes[name]
        found["losses"][name] = falls(shapes[name], [peak])[:, 0]
        path = [np.array([10.0, 1.0])]
        for rate, draw in zip(found["rates"][name], normal((steps, 2), state["seed"]), strict=True):
            path.append(path[-1] - rate * (curvatures * path[-1] + noise * draw))
        found["paths"][name] = path
    return found


def through_noisy_points(state):
    n, seed, noise, rate = state["examples"], state["seed"], state["noise"], state["rate"]
    waves, grid = np.arange(20), (np.arange(100) + 0.5) / 100

    def features(x):
        sizes = np.where(waves == 0, 1, np.sqrt(2)) * (1 + waves) ** -0.75
        return sizes * np.cos(np.pi * waves * np.asarray(x)[:, None])

    def sine(x):
        return np.sin(2 * np.pi * x)

    x, held = (np.arange(n) + 0.5) / n, uniform(state["held"], seed, stream=1)
    y = sine(x) + noise * normal(n, seed)
    held_y = sine(held) + noise * normal(held.size, seed, stream=2)
    size, weights, epoch = (
        n if state["batch"] == "all" else int(state["batch"]),
        np.zeros((1, 20)),
        0,
    )
    while len(weights) <= 2000:
        order = permutation(n, seed, 3, epoch * n) if size < n else np.arange(n)
        inputs = features(x[order])
        path = linear_descent(inputs, y[order], weights[-1], rate, min(size, n), shuffle=False)
        weights, epoch = np.concatenate([weights, path[1:]]), epoch + 1
    weights = weights[:2001]

    def error(rows, at, right):
        return ((rows @ features(at).T - right) ** 2).mean(axis=1)

    held_out = error(weights, held, held_y)
    fresh = error(weights, grid, sine(grid)) + noise**2
    patiences = sorted({round(500 ** (i / 47)) for i in range(48)})
    rules = [stopping_step(held_out, p, state["delta"]) for p in [state["patience"], *patiences]]
    stop, kept = rules[0]
    moments, projected = features(x).T @ features(x) / n, features(x).T @ y / n
    strengths = [1 / (rate * 2000 ** (i / 59)) for i in range(60)]
    decayed = [np.linalg.solve(moments + s * np.eye(20), projected) for s in strengths]
    last = [2000 if last is None else last for last, _ in rules[1:]]
    return {
        "x": x,
        "y": y,
        "heldX": held,
        "heldY": held_y,
        "training": error(weights, x, y),
        "heldOut": held_out,
        "fresh": fresh,
        "stop": 2001 if stop is None else stop,
        "kept": kept,
        "decay": error(np.array(decayed), grid, sine(grid)) + noise**2,
        "keptError": fresh[[best for _, best in rules[1:]]],
        "lastError": fresh[last],
        "keptFit": weights[kept] @ features(grid).T,
        "lastFit": weights[-1] @ features(grid).T,
    }


def of_two_inputs(state):
    """The figure of the inputs: what is made of them, the loss, and the way down."""
    normal = LiveGenerator(5).standard_normal((80, 2))
    normal = fit_zca_whitening(normal, eps=0.0).transform(normal)
    r, deviations = state["correlation"], [state["deviation1"], state["deviation2"]]
    x = normal @ [[1, r], [0, np.sqrt(1 - r * r)]] * deviations + [state["mean1"], state["mean2"]]
    centered, pca = fit_center(x).transform(x), fit_pca_whitening(x, state["eps"])
    treated = {
        "raw": x,
        "centered": centered,
        "standardized": fit_standardize(x).transform(x),
        "rotated": centered @ pca.components.T,
        "pca": pca.transform(x),
        "zca": fit_zca_whitening(x, state["eps"]).transform(x),
    }
    found = {}
    for name in state["treatments"]:
        features = treated[name]
        if state["bias"]:
            features = np.column_stack([features, np.ones(80)])
        hessian, start = features.T @ features / 80, [-1.3, 0.3, 0][: features.shape[1]]
        values = np.linalg.eigvalsh(hessian)
        rate = 2 * state["rate"] / (values[0] + values[-1])
        path = quadratic_descent(hessian, start, rate, 2000)
        losses = np.einsum("ti,ij,tj->t", path, hessian, path)
        there = np.flatnonzero(losses <= 0.01 * losses[0])
        found[name] = {
            "x": treated[name].ravel(),
            "hessian": hessian[:2, :2].ravel(),
            "condition": values[-1] / values[0],
            "diverges": rate * values[-1] > 2,
            "path": path[: state["steps"] + 1, :2],
            "loss": losses[: state["steps"] + 1] / losses[0],
            "arrived": there[0] if there.size else -1,
        }
    return {"found": found}


def of_moved_numbers(state):
    """The figure of layer normalization: what comes out, and how many numbers change."""
    x = LiveGenerator(0).standard_normal((3, 6, 8))
    moved = np.zeros(x.shape, bool)
    part = {
        "number": np.s_[1, 3, 2],
        "position": np.s_[1, :, 2],
        "instance": np.s_[1, 3],
        "channel": np.s_[:, 3],
        "example": np.s_[1],
    }
    moved[part[state["target"]]] = True
    after = np.where(moved, state["factor"] * x + state["add"], x)
    ones, zeros, eps = np.ones(6), np.zeros(6), state["eps"]

    def outputs(x):
        rows = x.transpose(0, 2, 1).reshape(24, 6)
        by_row = {
            "batch": batch_norm_forward(rows, ones, zeros, eps)[0],
            "position": layer_norm_forward(rows, ones, zeros, eps)[0],
            "rms": rows / np.sqrt((rows**2).mean(axis=1, keepdims=True) + eps),
        }
        return {
            "whole": group_norm_forward(x, ones, zeros, 1, eps)[0],
            "group": group_norm_forward(x, ones, zeros, int(state["groups"]), eps)[0],
            "instance": instance_norm_forward(x, ones, zeros, eps)[0],
        } | {kind: out.reshape(3, 8, 6).transpose(0, 2, 1) for kind, out in by_row.items()}

    found = {"input": after.ravel(), "outputs": {}, "counts": {}}
    before = outputs(x)
    for kind, out in outputs(after).items():
        many = np.abs(out - before[kind]) > 0.001
        found["outputs"][kind] = out.ravel()
        found["counts"][kind] = {"changed": many.sum(), "elsewhere": many[[0, 2]].sum()}
    return found


def decayed_polynomial(state):
    """The figure of weight decay, by least squares in place of rotations."""
    strengths, line = 10 ** (-8 + np.arange(55) / 6), np.linspace(-1, 1, 201)

    def solved(seed, strength):
        x = (2 * np.arange(count) + 2 * uniform(count, seed)) / count - 1
        y = 1 + np.sin(np.pi * x) + state["noise"] * normal(count, seed, stream=1)
        degrees = np.arange(1, state["degree"] + 1)
        features, powers = x[:, None] ** degrees, line[:, None] ** degrees
        if state["bias"]:
            features, powers = (np.column_stack([f, np.ones(len(f))]) for f in (features, powers))
            zero = np.sqrt(count * strength) * np.eye(features.shape[1])
            w = np.linalg.lstsq(
                np.concatenate([features, zero]), np.append(y, np.zeros(len(zero)))
            )[0]
            b, moments = 0.0, features
        else:
            w, b = ridge(features, y, strength)
            moments = features - features.mean(axis=0)
        fit = powers @ w + b
        errors = features @ w + b - y, fit - 1 - np.sin(np.pi * line)
        train, error = (np.sqrt((e**2).mean()) for e in errors)
        size = np.linalg.norm(w[: state["degree"]])
        h = np.linalg.eigvalsh(moments.T @ moments / count)[::-1]
        at = [train, error, size, 100 * np.abs(np.diff(fit)).max()]
        return {"x": x, "y": y, "fit": fit, "at": at, "h": h}

    count, names = state["points"], ("train", "error", "norm", "slope")
    found = solved(state["seed"], state["strength"])
    draws = range(state["seed"], state["seed"] + 5)
    curves = np.array([[solved(draw, strength)["at"] for strength in strengths] for draw in draws])
    found["draws"] = dict(zip(names, np.moveaxis(curves, 2, 0), strict=True))
    return found | {"best": strengths[curves[:, :, 1].argmin(axis=1)]}


ALL = ["sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam"]
FUNCTIONS = ["sigmoid", "tanh", "softplus", "relu", "leaky_relu", "elu", "selu", "gelu", "silu"]
MOVES = {
    "activations": (
        of_activations,
        [
            {"functions": FUNCTIONS},
            {"mean": -2, "deviation": 0.7, "alpha": 0.25},
            {"mean": 4, "deviation": 5},
            {"functions": ["silu"]},
        ],
    ),
    "autodiff": (
        both_modes,
        [
            {"x": -1.5, "y": 0.7},
            {"p": -2, "q": 1.5, "middle": "exp"},
            {"middle": "relu", "y": -3},
            {"x": 1.2},
        ],
    ),
    "backpropagation": (
        up_and_down,
        [
            {"weight": "110", "nudge": -1.5, "x2": 2},
            {"activation": "relu", "x1": -2, "step": 4},
            {"activation": "sigmoid", "weight": "001"},
            {"activation": "identity", "nudge": 3},
        ],
    ),
    "input-normalization": (
        of_two_inputs,
        [
            {"treatments": ["raw", "centered", "standardized", "rotated", "pca", "zca"]},
            {"correlation": -0.95, "deviation1": 4, "steps": 40},
            {"bias": True, "mean1": -3, "eps": 0.03},
            # Beyond what is stable for some, and not for others.
            {"rate": 1.2, "correlation": 0.5},
        ],
    ),
    "layer-normalization": (
        of_moved_numbers,
        [
            {"add": -2.5, "factor": 0.4},
            {"target": "channel", "groups": "3", "view": "values"},
            {"target": "example", "add": 0, "factor": 4, "eps": 0.1},
            {"target": "position"},
            {"target": "instance", "groups": "2", "add": 1.5, "factor": 1},
        ],
    ),
    "optimizers": (
        in_bowl,
        [
            {"methods": ALL},
            {"angle": 30, "condition": 17.0},
            {"rate": 0.11, "heavy": 0.05, "momentum": 0.93},
            # Beyond what is stable: it overflows as in Python.
            {"step": 0.4, "steps": 200, "rate": 3},
        ],
    ),
    "optimizers-surfaces": (
        on_surfaces,
        [
            {"steps": 40},
            {"surface": "valley", "x": -1.2, "y": 1, "sgd": 0.001, "heavy": 0.001, "rmsprop": 0.01},
            {
                "surface": "saddle",
                "x": 1,
                "y": -0.01,
                "adam": 0.07,
                "momentum": 0.5,
                "adagrad": 0.2,
            },
        ],
    ),
    "gradient-descent": (
        on_correlated_inputs,
        [
            {"rate": 0.1},
            {"correlation": -0.95, "steps": 77},
            {"rate": 1.3, "correlation": 0.5},
            {"correlation": 0, "rate": 1, "steps": 1},
        ],
    ),
    "gradient-clipping": (
        on_the_cliff,
        [
            {"threshold": 5},
            {"w": 3.6, "b": -1.5, "rate": 0.5, "threshold": 0.02, "steps": 100},
            {"depth": 3, "ways": ["value"], "w": 5.6, "b": -2.9, "rate": 30, "threshold": 30},
            {"ways": [], "steps": 1},
        ],
    ),
    "schedules": (
        in_a_noisy_valley,
        [
            {"chosen": ["constant", "power", "exponential", "step", "cosine", "warm", "cycle"]},
            {"best": True, "steps": 37, "warm": 50, "final": 0.5, "seed": 3},
            {"best": False, "rate": 3, "steps": 500, "condition": 1, "warm": 0},
            {"noise": 0, "final": 0.0001, "condition": 100},
        ],
    ),
    "early-stopping": (
        through_noisy_points,
        [
            {"patience": 3},
            {"examples": 47, "held": 5, "batch": "20", "seed": 7, "delta": 0.02},
            {"batch": "1", "rate": 0.5, "noise": 1, "held": 200},
            {"examples": 20, "batch": "all", "noise": 0, "patience": 500, "delta": 0},
        ],
    ),
    "batch-normalization": (
        moving_batches,
        [
            {"batch": 2, "drift": -0.5},
            {"growth": 0.9, "gamma": -2.5, "beta": 1.5, "seed": 3},
            {"batch": 128, "growth": 1.1, "momentum": 1},
        ],
    ),
    "weight-decay": (
        decayed_polynomial,
        [
            {"strength": 0.003},
            {"degree": 15, "points": 6, "seed": 11},
            {"bias": True, "noise": 0.8, "points": 60},
            {"degree": 1, "strength": 10},
        ],
    ),
    "width-and-depth": (
        plane_points,
        [{"points": "30", "wrong": "0.2"}, {"points": "500", "seed": 7}],
    ),
}


@pytest.mark.parametrize("slug", MOVES)
def test_a_figure_computes_what_python_computes_after_the_same_moves(open_figure, slug):
    expected, moves = MOVES[slug]
    tab, errors = open_figure(slug)
    for move in moves:
        tab.evaluate(f"changes => {{ gradlabLive['{slug}'].set(changes); }}", move)
        state = tab.evaluate(f"gradlabLive['{slug}'].state()")
        assert {name: state[name] for name in move} == move
        with np.errstate(all="ignore"):
            assert_within(tab.evaluate(f"gradlabLive['{slug}'].numbers()"), expected(state))
    assert errors == []


def test_the_plane_is_learned_as_python_learns_it(open_figure):
    state = {"layers": 3, "points": "30", "wrong": "0.2", "decay": "0.3", "seed": 4}
    tab, errors = open_figure("width-and-depth")
    tab.evaluate("changes => { gradlabLive['width-and-depth'].set(changes); }", state)
    (record,) = tab.evaluate("gradlabLive['width-and-depth'].run()")
    assert errors == []

    rng, drawn = LiveGenerator(4), plane_points(state)
    layers = [Dense(fan_in, 15, rng, he_normal) for fan_in in (2, 15, 15)]
    hidden = [part for layer in layers for part in (layer, Activation("relu"))]
    network = Network([*hidden, Dense(15, 2, rng, he_normal)])
    middles = -1.2 + (np.arange(45) + 0.5) * 2.4 / 45
    plane = np.stack(np.meshgrid(middles, -middles), axis=-1).reshape(-1, 2)
    history = fit(
        network,
        (drawn["x"].reshape(-1, 2), drawn["labels"]),
        (plane, in_pentagons(plane).astype(int)),
        optimizers.AdamW(0.01, weight_decay=0.3, decay_biases=False),
        epochs=1500,
        batch_size=30,
        schedule=lambda step: cosine_decay(step, 0.01, 1500),
        rng=rng,
    )
    np.testing.assert_allclose(record["trainLoss"][1:], history.train_loss, rtol=1e-6)
    np.testing.assert_allclose(record["heldAccuracy"][1:], history.validation_accuracy)


def test_changed_digits_are_learned_and_read_as_in_python(open_figure):
    tab, errors = open_figure(
        "data-augmentation", f"#live-data-augmentation?changes={'+'.join(live_changes.CHANGES)}"
    )
    records = tab.evaluate("gradlabLive['data-augmentation'].run()")
    networks = []
    for way, epochs in enumerate((30, 6)):
        network, history = live_changes.trained(epochs, changed=bool(way))
        networks.append(network)
        np.testing.assert_allclose(records[way]["trainLoss"][1:], history.train_loss, rtol=1e-6)
        np.testing.assert_allclose(records[way]["heldLoss"][1:], history.validation_loss, rtol=1e-6)
    state = tab.evaluate("gradlabLive['data-augmentation'].set({angle: 0})") and live_changes.FIRST
    for move in live_changes.MOVES:
        state = state | move
        found = tab.evaluate("move => gradlabLive['data-augmentation'].set(move)", move)
        images = live_changes.changed(state)
        np.testing.assert_allclose(found["image"], images[state["digit"]].ravel(), atol=1e-12)
        for way, network in enumerate(networks):
            p, accuracy = live_changes.reading(network, images)
            np.testing.assert_allclose(found["p"][way][0], p[state["digit"]], atol=1e-6)
            assert found["accuracy"][way][0] == pytest.approx(accuracy, abs=0.35)
    # Other copies make other networks, which are to be trained.
    found = tab.evaluate("gradlabLive['data-augmentation'].set({changes: ['shift']})")
    assert found["accuracy"] == [[], []]
    assert errors == []


def test_items_of_the_list_are_switched_as_they_were_trained(open_figure):
    text = (FOLDER / "lists.js").read_text("utf-8")
    runs = json.loads(re.search(r"runs: ({.*}),\n}", text, re.DOTALL)[1])
    items = ["schedule", "relu", "normalization", "clipping", "stopping", "dropout"]
    ends = {key: np.array(values)[:, -1] / 10 for key, (_, values) in runs.items()}
    tab, errors = open_figure("case-study")
    for key in ("000000", "010010", "110101"):
        chosen = [name for name, on in zip(items, key, strict=True) if on == "1"]
        found = tab.evaluate("items => gradlabLive['case-study'].set({items})", chosen)
        rate, values = runs[key]
        assert found["rate"] == rate
        np.testing.assert_allclose(found["curves"], np.array(values)[:, :-1] / 10)
        for k, worth in enumerate(found["worth"]):
            other = [key[:k] + on + key[k + 1 :] for on in "01"]
            np.testing.assert_allclose(worth, ends[other[1]] - ends[other[0]], atol=1e-9)
        assert f"read {ends[key].mean():.3g} % of" in tab.locator(".said").inner_text()
    assert errors == []


def test_layers_are_taken_over_and_frozen_as_in_python(open_figure):
    tab, errors = open_figure(
        "transfer-learning", "#live-transfer-learning?labels=2&reused=1&rate=0.1"
    )
    first = tab.evaluate("gradlabLive['transfer-learning'].run()")
    # The bases are trained once, and the same comes of them.
    again = tab.evaluate("gradlabLive['transfer-learning'].run()")
    assert [record["settings"]["way"] for record in first[:6]] == ["base"] * 5 + ["scratch"]
    assert [record["heldLoss"] for record in first[5:]] == [each["heldLoss"] for each in again]
    base, _, head, frozen, tuned = seed_0 = [first[0], *first[5:9]]
    lowest = [record["parameters"][0] for record in (base, head, frozen, tuned)]
    assert lowest[0] == lowest[1] == lowest[2] != lowest[3]
    for record, history in zip(seed_0, live_transfer.runs(2, 0.1, 0.3), strict=True):
        np.testing.assert_allclose(record["trainLoss"][1:], history.train_loss, rtol=1e-6)
        np.testing.assert_allclose(record["heldLoss"][1:], history.validation_loss, rtol=1e-6)
    assert errors == []


@pytest.mark.parametrize(
    ("beta", "push", "said"),
    [
        (0.0, 0.5, "monotonically"),
        (0.0, 1.5, "oscillates and converges"),
        (0.0, 2.1, "diverges"),
        (0.49, 0.05, "monotonically"),
        (0.49, 0.0905, "critically damped"),
        (0.49, 1.0, "underdamped"),
        (0.49, 2.95, "oscillates at each step"),
        (0.49, 3.0, "diverges"),
    ],
)
def test_the_regime_that_is_named_is_the_one_that_is_run(open_figure, beta, push, said):
    """In a round bowl, where every direction has the curvature 1."""
    tab, _ = open_figure("optimizers")
    state = {"condition": 1, "momentum": beta, "heavy": push, "steps": 60, "methods": ["momentum"]}
    numbers = tab.evaluate("changes => gradlabLive.optimizers.set(changes)", state)
    assert said in numbers["regimes"]["momentum"][0]
    along = np.array(numbers["paths"]["momentum"])[:, 0]
    signs = np.sign(along[:30][np.abs(along[:30]) > 1e-12])
    changes = (signs[1:] != signs[:-1]).mean()
    if said == "diverges":
        assert abs(along[-1]) > 2 * abs(along[0])
    else:
        assert abs(along[-1]) < 0.9 * abs(along[0])
        shares = {
            "monotonically": (0, 0),
            "critically damped": (0, 0.05),
            "underdamped": (0.05, 0.9),
        }
        low, high = shares.get(said, (0.95, 1))
        assert low <= changes <= high


def test_the_line_touches_the_curve_of_the_loss_and_the_sums_that_are_said_are_right(open_figure):
    tab, errors = open_figure("backpropagation")
    for step in range(1, 7):
        move = {"step": step, "weight": "010", "nudge": 0.5}
        numbers = tab.evaluate("move => gradlabLive.backpropagation.set(move)", move)
        along, curve = np.array(numbers["along"]), np.array(numbers["curve"])
        near = np.argmin(np.abs(along - numbers["weight"]))
        slope = (curve[near + 1] - curve[near - 1]) / (along[near + 1] - along[near - 1])
        assert curve[near] == pytest.approx(numbers["loss"], rel=1e-12)
        assert slope == pytest.approx(numbers["slope"], abs=2e-3)
        said = tab.locator(".said").inner_text().replace("\u2212", "-").replace("\u00b7", "*")
        left, right = re.search(r"(?:sums|collects|is) ([^=a-z]+) = (-?\d+\.?\d*)", said).groups()
        left = left.replace("\u00b2", "**2")
        assert eval(left) == pytest.approx(float(right), rel=0.02, abs=0.006), said
    assert errors == []


def test_two_surfaces_are_descended_as_in_python(open_figure):
    tab, errors = open_figure("losses")
    for move in (
        {"steps": 200},
        {"seed": 4, "w1": 3.0, "w2": 6.5, "squared": 1.5},
        {"seed": 8, "steps": 25, "cross": 0.3},
    ):
        found = tab.evaluate("move => gradlabLive.losses.set(move)", move)
        expected = on_two_surfaces(tab.evaluate("gradlabLive.losses.state()"))
        assert found["arrived"] == expected["arrived"]
        for loss in ("squared", "cross"):
            np.testing.assert_allclose(found["minima"][loss], expected["minima"][loss], atol=1e-6)
            np.testing.assert_allclose(found["paths"][loss], expected["paths"][loss], atol=1e-5)
    # Neither a large rate nor a start at the minimum is too much for it.
    for move in ({"squared": 100, "cross": 100, "steps": 1000}, {"w1": 2.6, "w2": -1.25}):
        tab.evaluate("move => { gradlabLive.losses.set(move); }", move)
        said = tab.locator(".said").inner_text()
        assert not re.search("NaN|not a number|undefined", said), said
    assert errors == []


def through_random_layers(state):
    """The figure of the bounds: each activation's lengths, and the layer that voids the bound."""
    make = {
        "lecun": lecun_normal,
        "he": he_normal,
        "torch": legacy_torch_uniform,
        "orthogonal": orthogonal,
    }[state["rule"]]
    depth, width, rng = state["depth"], state["width"], LiveGenerator(state["seed"])
    sizes = [width] * (depth + 2)
    if state["narrow"]:
        sizes[(depth + 1) // 2] = width // 2
    weights = [state["gain"] * make(i, o, rng) for i, o in itertools.pairwise(sizes)]
    x, end = rng.standard_normal(width), rng.standard_normal(width)
    found = {}
    for name in state["functions"]:
        function = getattr(activations, name, lambda z: z)
        backward = getattr(activations, f"{name}_backward", lambda dout, _: dout)
        h, slopes = x, []
        for weight in weights[:-1]:
            z = h @ weight
            h = function(z)
            slopes.append(backward(np.ones_like(z), z))
        s = [end / np.linalg.norm(end)]
        for slope, weight in zip(slopes[::-1], weights[:0:-1], strict=True):
            s.insert(0, slope * (weight @ s[0]))
        lower, upper = singular_value_products(weights[1:], slopes)
        lost = [k + 1 for k in range(depth) if not lower[k]]
        found[name] = {
            "norm": [np.linalg.norm(each) for each in s],
            "lower": [*lower, 1],
            "upper": [*upper, 1],
            "lost": lost[-1] if lost else 0,
        }
    return found


def test_a_gradient_and_its_bounds_go_back_as_in_python(open_figure):
    tab, errors = open_figure("gradient-bounds")
    for move in (
        {"rule": "he", "functions": ["relu", "softplus"], "depth": 30, "seed": 3},
        {"rule": "orthogonal", "functions": ["sigmoid", "tanh", "linear"], "narrow": True},
        {"rule": "torch", "width": 33, "depth": 9, "gain": 2.5},
        {"rule": "lecun", "narrow": False, "depth": 1},
        {"functions": ["relu", "linear"], "width": 2, "depth": 40},
    ):
        found = tab.evaluate("move => gradlabLive['gradient-bounds'].set(move).found", move)
        state = tab.evaluate("gradlabLive['gradient-bounds'].state()")
        expected = through_random_layers(state)
        assert list(found) == list(expected) == state["functions"]
        for name, lines in expected.items():
            lost = found[name]["lost"]
            assert (lost["layer"] if lost else 0) == lines.pop("lost"), (state, name)
            for key, line in lines.items():
                np.testing.assert_allclose(
                    found[name][key], line, rtol=1e-8, err_msg=f"{name} {key}"
                )
    # Neither bound nor gradient that leaves the range of numbers is too much for it.
    for gain in (0.1, 30):
        everything = ["sigmoid", "tanh", "relu", "softplus", "linear"]
        state = {"functions": everything, "width": 64, "gain": gain, "narrow": gain < 1}
        tab.evaluate("state => { gradlabLive['gradient-bounds'].set(state); }", state)
        said = tab.locator(".said").inner_text()
        assert not re.search("NaN|not a number|undefined|infinite", said), said
    assert errors == []


@pytest.mark.parametrize(
    ("target", "ignoring"),
    [
        ("position", {"layer (position)"}),
        ("instance", {"instance"}),
        ("channel", {"batch", "instance"}),
        ("example", {"layer (whole)", "layer (position)", "groups", "instance"}),
    ],
)
def test_it_is_said_which_normalization_does_not_notice_a_move(open_figure, target, ignoring):
    tab, _ = open_figure("layer-normalization")
    rms = {"root mean square (position)"} if target in ("position", "example") else set()
    for move, still in (({"add": 3}, ignoring), ({"add": 0, "factor": 2}, ignoring | rms)):
        tab.evaluate(
            "move => { gradlabLive['layer-normalization'].set(move); }", move | {"target": target}
        )
        said = tab.locator(".said").inner_text()
        assert set(said.split("None does with: ")[1].rstrip(".").split("; ")) == still


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


def test_the_best_settings_put_the_bowl_on_the_edges_of_the_regime(open_figure):
    tab, _ = open_figure("optimizers")
    for condition in (2, 40, 900):
        tab.evaluate("c => { gradlabLive.optimizers.set({condition: c}); }", condition)
        tab.get_by_role("button", name="Best rates").press("Enter")
        state = tab.evaluate("gradlabLive.optimizers.state()")
        push, beta = optimizers.optimal_momentum(condition)
        assert state["momentum"] == beta
        assert state["heavy"] == pytest.approx(push / condition, rel=1e-15)
        along, across = tab.evaluate("gradlabLive.optimizers.numbers().pushes")
        assert along == pytest.approx((1 - beta**0.5) ** 2, rel=1e-9)
        assert across == pytest.approx((1 + beta**0.5) ** 2, rel=1e-9)
        assert "critically damped" in tab.locator(".said").inner_text()


def test_the_start_on_the_cliff_is_dragged_to_where_the_pointer_is(open_figure):
    tab, errors = open_figure("gradient-clipping")
    handle = tab.locator(".handle")

    def middle():
        box = handle.bounding_box()
        return np.array([box["x"] + box["width"] / 2, box["y"] + box["height"] / 2])

    before = middle()
    tab.mouse.move(*before)
    tab.mouse.down()
    for way in ([-40, 20], [-40, 500], [-60, 30]):
        tab.mouse.move(*np.add(before, way), steps=3)
    tab.mouse.up()
    np.testing.assert_allclose(middle() - before, [-60, 30], atol=2)
    state = tab.evaluate("gradlabLive['gradient-clipping'].state()")
    assert 4.4 < state["w"] < 5.1
    assert -2.4 < state["b"] < -1.9
    box = tab.locator("#live-gradient-clipping-w + input")
    assert float(box.input_value()) == pytest.approx(state["w"])
    start = "gradlabLive['gradient-clipping'].numbers().paths.norm[0]"
    assert tab.evaluate(start) == [state["w"], state["b"]]
    assert errors == []
