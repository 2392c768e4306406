"""Time batch normalization against PyTorch on one thread: ratios of medians, measured alternately.

Run from the repository root: ``make bench``.
"""

import statistics
import time

import numpy as np
import torch

from gradlab.batch_normalization import batch_norm_backward, batch_norm_forward

ROUNDS = 15


def once(function):
    """Return the seconds of one call."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def ratio(ours, theirs):
    """Return the median of our time over theirs, taken in pairs, and our median in seconds."""
    for _ in range(3):
        ours(), theirs()
    pairs = [(once(ours), once(theirs)) for _ in range(ROUNDS)]
    return (
        statistics.median(a / b for a, b in pairs),
        statistics.median(a for a, _ in pairs),
    )


def main():
    """Print a row for each size and type."""
    torch.set_num_threads(1)
    print("batch normalization, our time over PyTorch's (below 1: we are faster), ours in ms")
    print(f"{'batch':>6} {'features':>8} {'dtype':>8} {'forward':>14} {'backward':>14}")
    for rows, features in ((32, 64), (128, 256), (1024, 1024)):
        for dtype in (np.float32, np.float64):
            rng = np.random.default_rng(0)
            x, dout = rng.normal(size=(2, rows, features)).astype(dtype)
            gamma, beta = rng.normal(size=(2, features)).astype(dtype)
            leaves = [torch.from_numpy(a).requires_grad_() for a in (x, gamma, beta)]
            gradient = torch.from_numpy(dout)

            def forward(leaves=leaves):
                return torch.nn.functional.batch_norm(
                    leaves[0], None, None, leaves[1], leaves[2], training=True
                )

            out = forward()
            _, cache = batch_norm_forward(x, gamma, beta)
            cells = []
            for ours, theirs in (
                (lambda: batch_norm_forward(x, gamma, beta), forward),  # noqa: B023
                (
                    lambda: batch_norm_backward(dout, cache),  # noqa: B023
                    lambda: torch.autograd.grad(out, leaves, gradient, retain_graph=True),  # noqa: B023
                ),
            ):
                quotient, seconds = ratio(ours, theirs)
                cells.append(f"{quotient:5.2f} ({1e3 * seconds:6.3f})")
            print(f"{rows:6} {features:8} {np.dtype(dtype).name:>8} {cells[0]:>14} {cells[1]:>14}")


if __name__ == "__main__":
    main()
