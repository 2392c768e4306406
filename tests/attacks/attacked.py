"""What no attack of any kind may reach: a module for each kind imports these tests."""

import pytest
from attacking import FULL, LIMIT


def test_it_scores_its_honest_part_at_most(graded, attack):
    outcome = graded.outcome(attack.student)
    assert outcome.earned is not None, outcome.log
    assert 0 <= outcome.earned <= attack.honest_part


def test_its_outputs_show_nothing_that_it_should_not_see(graded, attack):
    assert graded.outcome(attack.student).reached == []


@pytest.mark.parametrize("student", ["honest", "honest-noisy"])
def test_the_honest_among_them_get_full_marks(graded, student):
    assert graded.outcome(student).earned == FULL


def test_nothing_outside_was_changed(graded):
    assert graded.changed == []


def test_nothing_outlived_its_grading(graded):
    assert graded.left == []


def test_nobody_was_reached(graded):
    assert graded.reached == []


def test_the_grader_needed_little_memory(graded):
    assert 50e6 < graded.memory.largest < LIMIT
