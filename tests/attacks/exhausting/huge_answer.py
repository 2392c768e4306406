"""Return more than anybody wants to read: large arrays, long texts, wide and deep lists."""

import numpy as np


def clip_by_value(grad, clip_value):
    return np.ones(40_000_000), "x" * 100_000_000


def clip_by_norm(grad, max_norm):
    return [[0.0] * 1000] * 5000


def clip_by_global_norm(grads, max_norm):
    deep = []
    for _ in range(100_000):
        deep = [deep]
    return deep, 10**100_000


def clipped_descent(*arguments):
    return np.broadcast_to(np.float64(0), (1 << 40,))
