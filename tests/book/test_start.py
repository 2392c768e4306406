"""From the published site alone to a notebook that runs: the package, commands, notebooks."""

import io
import os
import re
import subprocess
import sys
import zipfile
from types import SimpleNamespace

import nbformat
import pytest
from pages import CHAPTERS, EXERCISES, HTML, PAGES, html
from support import ROOT, book_extension

import gradlab

WHEEL = f"gradlab-{gradlab.__version__}-py3-none-any.whl"


def first_code(page):
    """The first code cell of the exercise that is handed out."""
    notebook = nbformat.read(ROOT / f"{page}.ipynb", as_version=4)
    return next(cell.source for cell in notebook.cells if cell.cell_type == "code")


def test_the_site_holds_the_package_as_it_is():
    with zipfile.ZipFile(io.BytesIO((HTML / WHEEL).read_bytes())) as wheel:
        packed = {name: wheel.read(name) for name in wheel.namelist() if ".dist-info" not in name}
    package = ROOT / "package"
    files = [
        path
        for path in (package / "gradlab").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    ]
    assert packed == {p.relative_to(package).as_posix(): p.read_bytes() for p in files}


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The package installed from the file alone, away from the repository."""
    folder = tmp_path_factory.mktemp("installed")
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-index"]
    subprocess.run([*pip, "--target", folder, HTML / WHEEL], check=True, capture_output=True)

    def run(code):
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=folder,
            env=os.environ | {"PYTHONPATH": str(folder)},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return folder, run


def test_the_package_of_the_site_runs_the_first_cell_of_a_notebook(installed):
    folder, run = installed
    said = run(first_code(EXERCISES[0]) + "\nimport gradlab\nprint(gradlab.__file__, check)")
    assert said.startswith(str(folder))


def test_the_package_of_the_site_is_whole(installed):
    """It runs the example of `help(gradlab)`, which reads data of its own, and has its types."""
    folder, run = installed
    assert (folder / "gradlab" / "py.typed").is_file()
    said = run(
        "import doctest, importlib.metadata, gradlab\n"
        "print(doctest.testmod(gradlab), importlib.metadata.version('gradlab'))"
    )
    found = re.fullmatch(r"TestResults\(failed=0, attempted=(\d+)\) (.*)\n", said)
    assert found, said
    assert int(found[1]) > 10
    assert found[2] == gradlab.__version__


@pytest.mark.parametrize("page", EXERCISES)
def test_a_notebook_says_what_to_do_where_the_package_is_missing(page):
    words = first_code(EXERCISES[0]).split("\n\n")[-1].strip()
    assert words.startswith("# No module named")
    assert words in first_code(page)
    named = re.search(r'"([^"]+)" of the book says how to install', first_code(page))[1]
    assert f"<h1>{named}<" in html("book/start")


@pytest.mark.parametrize("page", ["book/intro", "book/api", *CHAPTERS])
def test_a_page_leads_to_the_start(page):
    article = html(page).split("<article")[1].split("</article>")[0]
    assert re.search(r'href="(\.\./book/)?start\.html(#start)?"', article)


def test_commands_install_from_where_the_site_is(visit, site):
    tab, _, errors = visit("book/start", formulas=False)
    commands = [code.inner_text() for code in tab.locator("article pre").all()]
    address = f"{site}/{WHEEL}"
    assert sum(address in command for command in commands) == 2
    assert tab.request.get(address).ok
    assert errors == []


def test_commands_install_from_a_folder_that_holds_the_site(browser):
    """pip installs from such an address as well."""
    tab = browser.new_page()
    tab.goto((HTML / "book" / "start.html").as_uri())
    assert (HTML / WHEEL).as_uri() in tab.locator("article pre").first.inner_text()
    tab.close()


REPOSITORY = """
[project]
name = "gradlab"
[project.urls]
Repository = "https://example.org/gradlab"
"""


def test_the_address_of_the_repository_comes_from_pyproject(tmp_path, monkeypatch):
    package = book_extension("package")
    monkeypatch.setattr(package, "ROOT", tmp_path)
    for pyproject, button in ((REPOSITORY, True), ('[project]\nname = "gradlab"\n', False)):
        (tmp_path / "pyproject.toml").write_text(pyproject)
        config = SimpleNamespace(html_theme_options={"use_repository_button": False})
        package.show_repository(None, config)
        assert config.html_theme_options["use_repository_button"] == button
        assert ("repository_url" in config.html_theme_options) == button


@pytest.mark.parametrize("page", PAGES)
def test_a_page_offers_no_button_that_leads_nowhere(page):
    pyproject = (ROOT / "pyproject.toml").read_text()
    address = book_extension("package").repository(pyproject)
    buttons = re.findall(r'<a href="([^"]*)"[^>]*btn-source-repository-button', html(page))
    assert buttons == [address] * bool(address)
    assert "launch-buttons" not in html(page)
    assert not re.search(r"mybinder|colab\.research", html(page))


def test_a_site_on_a_branch_of_github_keeps_its_folders():
    """Their names begin with an underscore, which Jekyll leaves out."""
    assert (HTML / ".nojekyll").is_file()
