"""Training in the page: digits, trainer and playground compute what the package does."""

import json

import digits as digits_script
import pytest
from live_training import STATES, TRAIN, assert_same, executed
from support import ROOT, book_extension

from gradlab.datasets import load_digits

FOLDER = ROOT / "book" / "_static" / "live"
extension = book_extension("live")


def test_the_script_of_the_digits_is_fresh():
    assert (FOLDER / "digits.js").read_text() == digits_script.script(), "python tools/digits.py"


@pytest.fixture(scope="module")
def tab(browser, tmp_path_factory):
    """A page from a file with the playground and nothing else, without a network."""
    folder = tmp_path_factory.mktemp("playground")
    for path in FOLDER.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    (folder / "d3.js").write_text(extension.d3())
    scripts = "".join(
        f'<script src="{name}" defer></script>' for name in extension.scripts(["in-practice"])
    )
    figure = '<figure data-live="in-practice" data-numbers="{}"><div class="live-twin"></div>'
    (folder / "page.html").write_text(
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>test</title>{scripts}'
        f'<link rel="stylesheet" href="live.css"><body>{figure}</figure></body></html>'
    )
    context = browser.new_context(offline=True)
    opened = context.new_page()
    opened.errors = []
    opened.on("pageerror", lambda error: opened.errors.append(str(error)))
    opened.on("console", lambda m: opened.errors.append(m.text) if m.type == "error" else None)
    opened.goto((folder / "page.html").as_uri())
    opened.wait_for_selector("html[data-live-ready]", state="attached")
    yield opened
    context.close()


def test_the_digits_are_those_of_the_package(tab):
    data = load_digits()
    found = tab.evaluate(
        """() => Object.values(gradlab.digits.split("test")).slice(0, 4).map(each => [...each])"""
    )
    for got, want in zip(
        found, (data.x_train, data.y_train, data.x_test, data.y_test), strict=True
    ):
        assert got == want.ravel().tolist()


def test_a_training_in_the_page_is_that_of_its_script(tab):
    """All of them in one worker, one after the other."""
    states = [{"widths": [16], "epochs": 5} | state for state in STATES]
    records, scripts = tab.evaluate(TRAIN, states)
    stopped = 0
    for record, script in zip(records, scripts, strict=True):
        names, printed = executed(script)
        assert_same(record, names)
        epochs = len(record["heldLoss"])
        assert len(printed.splitlines()) == epochs + 2
        stopped += record["stopped"] != ""
    assert stopped >= 2
    # The states differ in what they train.
    assert len({json.dumps(record["trainLoss"]) for record in records}) == len(records)


def test_the_test_digits_are_another_split(tab):
    record, script = tab.evaluate(
        """async () => {
            const run = gradlab.train.settings({widths: [16], epochs: 2});
            const input = {data: gradlab.digits.split("test"), runs: [run]};
            const [record] = await gradlab.background(gradlab.train, input).done;
            return [record, gradlab.train.script(run, "test")];
        }"""
    )
    assert_same(record, executed(script)[0])


def test_the_trainer_names_the_kernels_that_it_calls(tab):
    """It is handed all of them in a worker, so nothing else would notice."""
    found = tab.evaluate(
        """async states => {
            const kernels = {...await gradlab.kernels}, used = new Set();
            for (const name of Object.keys(gradlab.manifest)) {
                const kernel = kernels[name];
                kernels[name] = (...given) => { used.add(name); return kernel(...given); };
            }
            const runs = states.map(gradlab.train.settings);
            const input = {data: gradlab.digits.split("chapter"), runs};
            for (const _ of gradlab.train(kernels, input));
            return [[...used], gradlab.train.kernels];
        }""",
        [{"widths": [8], "epochs": 1, "examples": 50, "patience": 1} | state for state in STATES]
        + [{"widths": [8], "epochs": 1, "activation": "relu", "clip": 1e-3}],
    )
    used, named = map(set, found)
    assert used == named


def press(tab, name):
    tab.get_by_role("button", name=name, exact=True).press("Enter")


def move(tab, **changes):
    tab.evaluate("changes => { gradlabLive['in-practice'].set(changes) }", changes)


def run(tab):
    return tab.evaluate("async () => (await gradlabLive['in-practice'].run())[0]")


def test_the_playground_computes_what_its_program_does(tab):
    """After a sequence of moves, and of the keyboard alone."""
    move(tab, layers=1, width=16, epochs=5, normalization="layer", optimizer="adam", rate=0.01)
    first = run(tab)
    move(tab, dropout=0.3, decay="0.001", clip="1", patience="3", batch="128", seed=4)
    second = run(tab)
    assert first["settings"]["widths"] == second["settings"]["widths"] == [16]
    code = tab.locator(".script pre")
    names, _ = executed(code.text_content())
    assert_same(second, names)
    assert tab.locator(".earlier tbody tr").count() == 1
    # The link of an earlier run brings its settings back.
    tab.locator(".earlier a").first.press("Enter")
    tab.wait_for_function("() => gradlabLive['in-practice'].state().seed === 0")
    assert_same(first, executed(code.text_content())[0])
    said = tab.locator(".said").inner_text()
    assert "settings have changed" in said
    assert tab.errors == []


def test_the_playground_walks_pauses_and_stops(tab):
    press(tab, "settings at first")
    move(tab, layers=1, width=32, epochs=100, examples="0", batch="16")
    press(tab, "Step")
    tab.wait_for_function("() => /step 0/.test(document.querySelector('.said').textContent)")
    for step in (1, 2):
        press(tab, "Step")
        tab.wait_for_function(
            f"() => /step {step}\\D/.test(document.querySelector('.said').textContent)"
        )
    press(tab, "Go on")
    tab.wait_for_function("() => gradlabLive['in-practice'].numbers().epoch > 1")
    press(tab, "Pause")
    # What was on its way from the worker may still come.
    step, before = "gradlabLive['in-practice'].numbers().step", None
    while (at := tab.evaluate(step)) != before:
        before = at
        tab.wait_for_timeout(300)
    tab.wait_for_timeout(300)
    assert tab.evaluate(step) == at > 2
    tab.get_by_role("button", name="Go on", exact=True).wait_for()
    press(tab, "Stop")
    tab.get_by_role("button", name="Run", exact=True).wait_for()
    assert tab.errors == []


@pytest.mark.parametrize(
    ("start", "words"),
    [
        ("a rate too large", "of the units are dead"),
        ("weights too large", "the weights are too large for the inputs"),
        ("a deep sigmoid network", "it vanishes on its way down"),
        ("50 digits", "overfitting"),
    ],
)
def test_a_start_that_fails_is_explained_by_what_was_measured(tab, start, words):
    press(tab, start)
    run(tab)
    assert words in tab.locator(".said").inner_text()


def test_a_run_that_diverges_says_at_which_step(tab):
    press(tab, "settings at first")
    move(tab, activation="leaky_relu", rate=0.5)
    record = run(tab)
    assert record["stopped"]
    assert f"stopped with a {record['stopped']}" in tab.locator(".said").inner_text()


def test_batch_normalization_of_one_example_is_refused_in_words(tab):
    press(tab, "settings at first")
    move(tab, normalization="batch", batch="1")
    tab.evaluate("async () => { await gradlabLive['in-practice'].run() }")
    assert "two examples or more" in tab.locator(".said").inner_text()
    assert tab.errors == []
