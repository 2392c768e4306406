"""Carry the secret out in what a function returns, raises or stores."""

import os


def clip_by_value(grad, clip_value):
    return os.environ["GRADLAB_COURSE_SECRET"], 1.0


def clip_by_norm(grad, max_norm):
    raise ValueError(open("$COURSE/course/secret").read())
