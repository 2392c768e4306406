"""Call the package's own function."""

import gradlab.gradient_clipping as package


def clip_by_norm(grad, max_norm):
    return package.clip_by_norm(grad, max_norm)


def clip_by_global_norm(grads, max_norm):
    return package.clip_by_global_norm(grads, max_norm)
