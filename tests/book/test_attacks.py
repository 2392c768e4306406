"""The page of attacks has a row for each file, and says what the tests of attacks allow."""

import csv

from attacking import KINDS, attacks
from pages import html
from support import ROOT

with (ROOT / "book" / "attacks.csv").open() as file:
    ROWS = list(csv.DictReader(file))


def test_each_attack_has_its_row():
    files = [(kind, attack.name) for kind in KINDS for attack in attacks(kind)]
    assert [(row["kind"], row["name"]) for row in ROWS] == files
    assert html("book/attacks").count("<tr") == len(files) + len(KINDS)


def test_none_scored_above_its_honest_part_here():
    found = {(kind, attack.name): attack for kind in KINDS for attack in attacks(kind)}
    for row in ROWS:
        points, rest = row["ours"].split(" of ")
        assert float(points) <= found[row["kind"], row["name"]].honest_part, row
        assert rest == "9", row
