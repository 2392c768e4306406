"""Return what never ends when it is read: an endless iterator, and a list that holds itself."""

import itertools


class Endless(list):
    def __iter__(self):
        return itertools.repeat(0.0)

    def __len__(self):
        return 2**31


def clip_by_value(grad, clip_value):
    return Endless(), itertools.count()


def clip_by_norm(grad, max_norm):
    inside = []
    inside.append(inside)
    return inside


def clip_by_global_norm(grads, max_norm):
    return {"a": Endless()}, iter(int, 1)
