"""Print and display without end in the function that is checked."""

import os

from IPython.display import display


def clip_by_value(grad, clip_value):
    while True:
        print("x" * 100_000)
        display({"text/plain": "y" * 100_000, "image/png": "AAAA" * 100_000}, raw=True)


def clip_by_norm(grad, max_norm):
    while True:
        os.write(1, b"x" * 65536)
