"""Submissions that are not as they should be, by accident or on purpose."""

from attacked import *  # noqa: F403
from attacking import FULL, SLUG, attacks
from classroom import feedback

KIND = "breaking"

MENDED = {
    "another_kernel",
    "doubled_cells",
    "hundred_megabytes",
    "named_pipe",
    "no_date",
    "no_metadata",
    "ten_thousand_cells",
}
"""What can be put right costs nothing."""


def test_what_can_be_put_right_costs_nothing(graded):
    full = {a.name for a in attacks(KIND) if graded.outcome(a.student).earned == FULL}
    assert full >= MENDED


def test_what_cannot_be_read_says_why_in_its_feedback(graded):
    for name in ("not_json", "not_utf8", "empty_file", "a_folder", "too_large", "wrong_types"):
        page = feedback(graded.folder, SLUG, f"breaking-{name}".replace("_", "-"))
        assert "It was put aside, and earns nothing" in page, name
