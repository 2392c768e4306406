import numpy as np
from checking import Checker, exercises, submissions

WORTHLESS = {
    "None": lambda *a: None,
    "first argument": lambda *a: a[0],
    "zeros": lambda *a: tuple(np.zeros_like(v) for v in a[:3]),
    "empty": lambda *a: (),
    "no arguments": lambda: None,
    "a string": lambda *a: "full marks",
    "exception": lambda *a: 1 / 0,
}


def pytest_generate_tests(metafunc):
    """Give each test of a `Checker` what its arguments ask for."""
    if not (metafunc.cls and issubclass(metafunc.cls, Checker)):
        return
    slug, wanted = metafunc.cls.slug, set(metafunc.fixturenames)
    if "form" in wanted:
        rows = submissions(slug).OTHER_FORMS
        metafunc.parametrize(("name", "form"), rows)
    elif "student" in wanted:
        rows = submissions(slug).STUDENTS
        metafunc.parametrize(("name", "student", "misconception", "points"), rows)
    elif "variant" in wanted:
        rows = [
            (e.name, m.name, v)
            for e in exercises(slug)
            for m in e.misconceptions
            for v in m.variants
        ]
        metafunc.parametrize(("name", "misconception", "variant"), rows)
    elif "name" in wanted:
        metafunc.parametrize("name", [e.name for e in exercises(slug)])
        if "worthless" in wanted:
            metafunc.parametrize("worthless", WORTHLESS.values(), ids=WORTHLESS)
