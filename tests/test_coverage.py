"""Every topic of the four decks is served: ``tests/fixtures/coverage.csv`` says by what."""

import csv
import importlib

import pytest
from support import FIXTURES, ROOT

with (FIXTURES / "coverage.csv").open() as file:
    TOPICS = list(csv.DictReader(file))

WITHOUT_A_MODULE = {"case-study", "in-practice", "width-and-depth"}
SYMBOLS = sorted({symbol for row in TOPICS for symbol in row["symbols"].split(";")})


def test_the_table_is_whole():
    assert len(TOPICS) == 111
    assert len({row["id"] for row in TOPICS}) == 111


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_the_symbol_exists_and_is_public(symbol):
    module_name, name = symbol.rsplit(".", 1)
    module = importlib.import_module(f"gradlab.{module_name}")
    assert name in module.__all__
    assert callable(getattr(module, name)) or name in ("beale", "long_valley", "saddle")


@pytest.mark.parametrize("slug", sorted({row["chapter"] for row in TOPICS} - WITHOUT_A_MODULE))
def test_every_chapter_has_its_module(slug):
    assert (ROOT / "package" / "gradlab" / f"{slug.replace('-', '_')}.py").is_file()
