"""What instructor and student see of a graded submission, in a browser, by nbgrader itself."""

import contextlib
import http.server
import json
import os
import re
import subprocess
import sys
import threading
import time
import urllib.request
from pathlib import Path

import nbformat
import pytest
from checking import answers
from classroom import feedback, nbgrader, submit
from nbformat.v4 import new_code_cell, new_markdown_cell
from support import ROOT, exercises_tool

SLUG = "batch-normalization"
QUESTION = "question-bias"
RUBRIC = "takes over its work"
HEADINGS = ["1 Forward pass in training", "6 A question in words"]
HOSTILE_ANSWER = r"""It loses *nothing*: $\sigma_j \ge 0$.

$$\begin{aligned} a &= b \\ c &= \boldsymbol d \end{aligned}$$

<script>document.title = "taken over"; document.querySelector("input.score").value = 9</script>
<img src="ELSEWHERE/pixel.png" onerror="document.title = 'taken over'">
<style>@import url(ELSEWHERE/x.css); #gradlab-flags { display: none !important }</style>
<script src="notes.js"></script>
<iframe src="ELSEWHERE"></iframe>
[click](javascript:document.title='taken')
<Meta http-equiv="refresh" content="0;url=ELSEWHERE/answer">
"""
HOSTILE_CELL = """
from IPython.display import HTML, display
display(HTML('<img src="ELSEWHERE/a.png"><script>document.title = "taken over"</script>'))
display(HTML('<link rel="stylesheet" href="ELSEWHERE/b.css">'))
display(HTML('<meta http-equiv="refresh" content="0;url=ELSEWHERE/cell">'))
check = print
import gradlab.checks, sys
print(sys.prefix, np.__file__, gradlab.__file__)
print(np.linalg.__spec__)
"""
TRACEBACK = """def batch_norm_forward(x, gamma, beta, eps):
    return np.concatenate([x, x[0]])

batch_norm_forward(np.ones((2, 3)), 1, 0, 0.1)
"""


@pytest.fixture(scope="module")
def elsewhere():
    """Another site, and what it has been asked for."""
    asked = []

    class Site(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, *arguments):
            pass

    site = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Site)
    threading.Thread(target=site.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{site.server_address[1]}", asked
    site.shutdown()
    site.server_close()


@pytest.fixture(scope="module")
def course(tmp_path_factory, elsewhere):
    folder = tmp_path_factory.mktemp("course")
    exercises_tool().write_source(SLUG, folder / "course" / "source")
    address = elsewhere[0]
    cells = {"forward": TRACEBACK, QUESTION: HOSTILE_ANSWER.replace("ELSEWHERE", address)}

    def edit(notebook):
        notebook.cells.insert(2, new_code_cell(HOSTILE_CELL.replace("ELSEWHERE", address)))
        notebook.cells.insert(2, new_markdown_cell("## A heading of my own"))

    submit(folder, SLUG, "hostile", cells, edit)
    (folder / "course" / "submitted" / "hostile" / SLUG / "notes.js").write_text(
        "document.title = 'taken over'"
    )
    solved = {answer.cell: answer.source for answer in answers(SLUG).values()}
    submit(folder, SLUG, "honest", solved | {QUESTION: "Nothing is lost."})
    nbgrader(folder, "generate_assignment", SLUG)
    nbgrader(folder, "autograde", SLUG)
    nbgrader(folder, "generate_feedback", SLUG)
    return folder


@pytest.fixture
def page(browser):
    """A page that keeps what it got, and what it complained of."""
    opened = browser.new_page(viewport={"width": 1200, "height": 900})
    opened.got, opened.said = [], []
    opened.on("requestfinished", lambda request: opened.got.append(request.url))
    opened.on("console", lambda message: opened.said.append(message.text))
    yield opened
    opened.close()


def show(page, address):
    page.goto(address)
    page.wait_for_selector("mjx-container svg")


def feedback_file(course, student):
    return course / "course" / "feedback" / student / SLUG / f"{SLUG}.html"


def graded(course, student):
    path = course / "course" / "autograded" / student / SLUG / f"{SLUG}.ipynb"
    return nbformat.read(path, as_version=4)


def test_feedback_names_the_parts(course, page):
    show(page, feedback_file(course, "honest").as_uri())
    contents = page.locator("#toc li").all_inner_texts()
    # The last is what nbgrader says of the part that was left as it was.
    assert contents[6:] == ["Comment on 7 For those who like speed"]
    for heading in HEADINGS:
        assert any(entry.startswith(f"{heading} (Score: ") for entry in contents)
    assert "Test cell" not in page.content()


@pytest.mark.parametrize("student", ["honest", "hostile"])
def test_feedback_loads_nothing_and_runs_nothing_of_the_submission(
    course, page, student, elsewhere
):
    address = feedback_file(course, student).as_uri()
    show(page, address)
    assert page.title() == SLUG
    outside = [url for url in page.got if not url.startswith(("data:", "blob:"))]
    assert outside in ([address], [])
    assert elsewhere[1] == []
    # What is wrong with the mathematics, MathJax says in the page.
    assert page.locator("mjx-merror, [data-mml-node=merror]").count() == 0


def test_feedback_keeps_the_instructors_remarks_to_the_instructor(course):
    for student in ("honest", "hostile"):
        text = feedback(course, SLUG, student)
        assert RUBRIC not in text
        assert "Marking:" not in text
        assert "matches the published solution" not in text
        assert "another meaning" not in text


def test_no_page_names_a_folder_of_the_grader(course):
    text = feedback(course, SLUG, "hostile") + json.dumps(graded(course, "hostile"))
    assert "numpy/__init__.py" in text
    assert "ValueError" in text
    for folder in (sys.prefix, sys.base_prefix, str(ROOT), str(Path.home()), str(course), "/tmp/"):
        assert not re.search(rf"(?<![\w.]){re.escape(folder)}", text), folder


@pytest.fixture(scope="module")
def server(course):
    """Jupyter with nbgrader's formgrader, on the course."""
    config = f"""
c = get_config()
load_subconfig({str(ROOT / "nbgrader_config.py")!r})
c.CourseDirectory.root = {str(course)!r}
c.CourseDirectory.db_url = "sqlite:///{course / "gradebook.db"}"
"""
    (course / "nbgrader_config.py").write_text(config)
    # It chooses a port that is free, and says in a file of its own which.
    command = [
        sys.executable, "-m", "jupyter_server", "--port=0", "--no-browser", "--allow-root",
        "--ServerApp.ip=127.0.0.1", "--IdentityProvider.token=", "--ServerApp.password=",
        "--ServerApp.jpserver_extensions={'nbgrader.server_extensions.formgrader': True}",
    ]  # fmt: skip
    log = (course / "server.log").open("w")
    process = subprocess.Popen(
        command,
        cwd=course,
        env=os.environ | {"JUPYTER_RUNTIME_DIR": str(course / "runtime")},
        stdout=log,
        stderr=subprocess.STDOUT,
    )
    try:
        yield address_of(process, course)
    finally:
        process.terminate()
        process.wait(20)
        log.close()


def address_of(process, course):
    """Wait until a server answers, and return its address."""
    end = time.monotonic() + 120
    while True:
        with contextlib.suppress(OSError, ValueError):
            said = json.loads((course / "runtime" / f"jpserver-{process.pid}.json").read_text())
            address = f"http://127.0.0.1:{said['port']}"
            urllib.request.urlopen(f"{address}/api/status", timeout=5).close()
            return address
        assert process.poll() is None, (course / "server.log").read_text()
        assert time.monotonic() < end, (course / "server.log").read_text()
        time.sleep(0.1)


def submission(server, student):
    """The address of a student's page in formgrader."""
    path = f"{server}/formgrader/api/submitted_notebooks/{SLUG}/{SLUG}"
    with urllib.request.urlopen(path) as answer:
        (row,) = (row for row in json.load(answer) if row["student"] == student)
    return f"{server}/formgrader/submissions/{row['id']}/"


def mark(page, address):
    """Open a page of formgrader, and wait until it heeds what an instructor enters."""
    show(page, address)
    page.wait_for_function("formgrader.grades?.loaded && formgrader.comments?.loaded")


def test_formgrader_shows_the_rubric_beside_the_answer(server, page):
    show(page, submission(server, "honest"))
    rubric = page.locator(".gradlab-rubric")
    assert RUBRIC in rubric.inner_text()
    assert "Marking:" in rubric.inner_text()
    answer = page.locator(".gradlab-beside > div").first
    left, right = answer.bounding_box(), rubric.bounding_box()
    assert abs(left["y"] - right["y"]) < 5
    assert left["x"] + left["width"] <= right["x"]
    for heading in HEADINGS:
        assert page.get_by_text(heading, exact=True).count() >= 1
    assert page.locator("#gradlab-flags").count() == 1


def test_formgrader_still_takes_scores_and_comments(server, course, page):
    mark(page, submission(server, "honest"))
    score = page.locator(f"input[id='{QUESTION}']")
    score.fill("0.75")
    with page.expect_response(re.compile("/formgrader/api/grade/")) as saved:
        score.press("Tab")
    assert saved.value.ok
    comment = page.locator(f"textarea[id='{QUESTION}-comment']")
    comment.fill("Say what *beta* does.")
    with page.expect_response(re.compile("/formgrader/api/comment/")) as saved:
        comment.blur()
    assert saved.value.ok
    show(page, submission(server, "honest"))
    page.wait_for_function(f"document.getElementById('{QUESTION}').value === '0.75'")
    page.wait_for_function(
        f"document.getElementById('{QUESTION}-comment').value === 'Say what *beta* does.'"
    )
    page.locator("span.name-hidden").first.click()
    assert page.get_by_text("honest", exact=True).is_visible()


def test_formgrader_runs_nothing_of_the_submission_and_states_flags(server, page, elsewhere):
    address = submission(server, "hostile")
    show(page, address)
    page.wait_for_function(f"document.getElementById('{QUESTION}').value !== '9'")
    assert page.title() == SLUG
    outside = [url for url in page.got if not url.startswith((f"{server}/", "data:", "blob:"))]
    assert outside == []
    assert elsewhere[1] == []
    assert not any(url.endswith("notes.js") for url in page.got)
    flags = page.locator("#gradlab-flags")
    assert flags.is_visible()
    assert "It gives check another meaning." in flags.inner_text()
    refused = [text for text in page.said if "Content Security Policy" in text]
    assert len(refused) >= 4


def test_without_the_policy_the_same_answer_takes_over(page, elsewhere, tmp_path):
    """So the tests above can fail."""
    address, asked = elsewhere
    path = tmp_path / "page.html"
    answer, _, redirect = HOSTILE_ANSWER.replace("ELSEWHERE", address).partition("<Meta")
    path.write_text(f"<title>before</title>{answer}")
    page.goto(path.as_uri())
    page.wait_for_function("document.title === 'taken over'")
    until_asked(page, asked, "/pixel.png", "/x.css")
    path.write_text(f"<title>before</title><Meta{redirect}")
    page.goto(path.as_uri())
    until_asked(page, asked, "/answer")
    asked.clear()


def until_asked(page, asked, *paths):
    """Wait until the other site has been asked for these."""
    end = time.monotonic() + 60
    while not set(paths) <= set(asked):
        assert time.monotonic() < end, asked
        page.wait_for_timeout(50)
