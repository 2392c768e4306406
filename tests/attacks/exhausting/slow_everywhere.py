"""Take a little less than the time of a cell, in each call of each function."""

import time


def clip_by_value(grad, clip_value):
    time.sleep(4)
    return grad, 1.0


def clip_by_norm(grad, max_norm):
    time.sleep(4)
    return grad


def clip_by_global_norm(grads, max_norm):
    time.sleep(4)
    return grads, 1.0


def clipped_descent(gradient, *arguments):
    time.sleep(4)
