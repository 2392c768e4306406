"""The attacks of a kind are handed in together, and graded in one go."""

import shutil

import attacking
import pytest


def pytest_generate_tests(metafunc):
    if "attack" in metafunc.fixturenames:
        cases = attacking.attacks(metafunc.module.KIND)
        metafunc.parametrize("attack", cases, ids=[case.name for case in cases])


@pytest.fixture(scope="module")
def graded(request, tmp_path_factory):
    """A class in which all attacks of a kind were handed in, after nbgrader has graded it."""
    if shutil.which("bwrap") is None:
        pytest.skip("bubblewrap is not installed: apt install bubblewrap")
    course = attacking.Class(tmp_path_factory.mktemp(request.module.KIND))
    for attack in attacking.attacks(request.module.KIND):
        course.submit(attack)
    course.grade(*attacking.SHORT)
    return course
