"""Dress a function up: another name, source and signature than its code has."""

import functools
import inspect

import gradlab.gradient_clipping


@functools.wraps(gradlab.gradient_clipping.clip_by_norm)
def clip_by_norm(grad, max_norm):
    return grad


clip_by_norm.__signature__ = inspect.signature(gradlab.gradient_clipping.clip_by_norm)
