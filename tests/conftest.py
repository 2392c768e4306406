"""What pytest must not collect: fixtures' scripts, and what students hand in. And a browser."""

import shutil

import pytest

# A browser does much at once, and on a busy machine now and then in another order. A test in one is
# tried twice before it fails; the report lists those that needed it.
BROWSERS = {"browser", "firefox"}

collect_ignore_glob = ["fixtures/*", "submissions/*", "attacks/*/*"]


def pytest_collection_modifyitems(config, items):
    if not config.pluginmanager.hasplugin("rerunfailures"):
        return
    for item in items:
        if BROWSERS & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.flaky(reruns=1))


def patient(make):
    """On a busy machine all takes its time; what never comes fails after all."""

    def made(**settings):
        opened = make(**settings)
        opened.set_default_timeout(120_000)
        return opened

    return made


@pytest.fixture(scope="session")
def browser():
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("Chromium is not installed: Debian's package chromium")
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with sync_api.sync_playwright() as driver:
        running = driver.chromium.launch(
            executable_path=chromium,
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--no-first-run",
            ],
        )
        running.new_context = patient(running.new_context)
        running.new_page = patient(running.new_page)
        yield running
        running.close()
