"""Recurse until the stack of the process ends, which Python's limit does not see."""

import sys

sys.setrecursionlimit(10**9)


def clip_by_value(grad, clip_value):
    return clip_by_value(grad, clip_value)


class Deep:
    def __getattr__(self, name):
        return getattr(self, name + name[:1])


def clip_by_norm(grad, max_norm):
    return Deep().a
