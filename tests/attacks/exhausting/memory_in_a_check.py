"""Take memory in the function that is checked, and keep it."""

import numpy as np

_kept = []


def clip_by_value(grad, clip_value):
    while True:
        _kept.append(np.ones(8 << 20))


def clip_by_norm(grad, max_norm):
    return np.ones(1 << 36)
