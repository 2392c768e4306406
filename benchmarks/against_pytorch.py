"""Time the kernels against PyTorch on one thread: ratios of pairs, measured alternately.

Run from the repository root: ``make bench``. A ratio below 1 means that ours is faster.
"""

import statistics
import time

import numpy as np
import torch

from gradlab import activations, batch_normalization, dropout, layer_normalization, losses
from gradlab.optimizers import Adam

ROUNDS = 15
ROWS, FEATURES = 256, 512


def seconds(function):
    """Return the seconds of one call."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def compare(ours, theirs):
    """Return the median of our time over theirs, pair by pair, and our median in milliseconds."""
    for _ in range(3):
        ours(), theirs()
    pairs = [(seconds(ours), seconds(theirs)) for _ in range(ROUNDS)]
    ratio = statistics.median(a / b for a, b in pairs)
    return ratio, 1e3 * statistics.median(a for a, _ in pairs)


def entrywise(x, tensor):
    """Return (name, ours, theirs) for the activation functions."""
    functional = torch.nn.functional
    for name in ("sigmoid", "tanh", "relu", "leaky_relu", "elu", "selu", "softplus"):
        theirs = getattr(functional, name)
        ours = getattr(activations, name)
        yield name, lambda f=ours: f(x), lambda f=theirs: f(tensor)
    yield "softmax", lambda: activations.softmax(x), lambda: torch.softmax(tensor, -1)


def normalizations(x, dout, vector):
    """Return (name, ours, theirs) for batch and layer normalization, forward and backward."""
    functional = torch.nn.functional
    leaves = [torch.from_numpy(a).requires_grad_() for a in (x, vector, vector)]
    gradient = torch.from_numpy(dout)

    def batch():
        return functional.batch_norm(leaves[0], None, None, *leaves[1:], training=True)

    def layer():
        return functional.layer_norm(leaves[0], (FEATURES,), *leaves[1:])

    for name, theirs, forward, backward in (
        (
            "batch norm",
            batch,
            batch_normalization.batch_norm_forward,
            batch_normalization.batch_norm_backward,
        ),
        (
            "layer norm",
            layer,
            layer_normalization.layer_norm_forward,
            layer_normalization.layer_norm_backward,
        ),
    ):
        out, (_, cache) = theirs(), forward(x, vector, vector)
        yield name, lambda f=forward: f(x, vector, vector), theirs
        yield (
            f"{name} backward",
            lambda f=backward, c=cache: f(dout, c),
            lambda o=out: torch.autograd.grad(o, leaves, gradient, retain_graph=True),
        )


def others(x, tensor, dout):
    """Return (name, ours, theirs) for a loss, dropout and an optimizer's step."""
    labels = np.arange(ROWS) % FEATURES
    targets = torch.from_numpy(labels)
    yield (
        "softmax cross-entropy",
        lambda: losses.softmax_cross_entropy(x, labels),
        lambda: torch.nn.functional.cross_entropy(tensor, targets),
    )
    rng = np.random.default_rng(0)
    yield (
        "dropout",
        lambda: dropout.dropout_forward(x, 0.4, rng),
        lambda: torch.nn.functional.dropout(tensor, 0.4),
    )
    weight, optimizer = x.copy(), Adam()
    leaf = tensor.clone().requires_grad_()
    leaf.grad = torch.from_numpy(dout)
    theirs = torch.optim.Adam([leaf])
    yield "Adam's step", lambda: optimizer.step([weight], [dout]), theirs.step


def main():
    """Print a row for each function, with a column for each float type."""
    torch.set_num_threads(1)
    print(f"our time over PyTorch's for {ROWS} x {FEATURES} entries, one thread (ours in ms)")
    print(f"{'':24}{'float32':>18}{'float64':>18}")
    table = {}
    for dtype in (np.float32, np.float64):
        rng = np.random.default_rng(0)
        x, dout = rng.normal(size=(2, ROWS, FEATURES)).astype(dtype)
        vector, tensor = rng.normal(size=FEATURES).astype(dtype), torch.from_numpy(x)
        for source in (
            entrywise(x, tensor),
            normalizations(x, dout, vector),
            others(x, tensor, dout),
        ):
            for name, ours, theirs in source:
                table.setdefault(name, []).append(compare(ours, theirs))
    for name, cells in table.items():
        print(f"{name:24}" + "".join(f"{ratio:8.2f} ({ms:7.3f})" for ratio, ms in cells))


if __name__ == "__main__":
    main()
