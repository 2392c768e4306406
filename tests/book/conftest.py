"""The built book on a server of its own, and a way to open its pages."""

import functools
import http.server
import threading

import pytest
from pages import HTML


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


@pytest.fixture(scope="session")
def site():
    handler = functools.partial(Quiet, directory=str(HTML))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def visit(browser, site):
    """Open a page; return it with what it asked for and what it complained of."""
    contexts = []

    def open_page(page, scheme="light", formulas=True):
        context = browser.new_context(viewport={"width": 1280, "height": 900}, color_scheme=scheme)
        contexts.append(context)
        # As without a network: what is not of this site does not come.
        context.route(lambda url: not url.startswith((site, "data:", "blob:")), lambda r: r.abort())
        if not formulas:
            context.route("**/mathjax/**", lambda r: r.abort())
        tab = context.new_page()
        requests, errors = [], []
        tab.on("request", lambda request: requests.append(request.url))
        tab.on("pageerror", lambda error: errors.append(str(error)))
        tab.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
        # What is missing is reported as such, by its name.
        tab.on("response", lambda r: errors.append(r.url) if r.status >= 400 else None)
        tab.goto(f"{site}/{page}.html")
        if formulas:
            # Awaited, not returned: it gives the whole document.
            tab.evaluate("async () => { await window.MathJax?.startup?.promise }")
            tab.wait_for_load_state("networkidle")
        return tab, requests, errors

    yield open_page
    for context in contexts:
        context.close()
