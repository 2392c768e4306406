"""Time the functions that PyTorch has a counterpart of, nearly all: theirs over ours, in turn.

Run from the repository root: ``make bench``. A ratio above 1 means that ours is faster. PyTorch's
side is its fastest form on the CPU: operators called directly, without a graph, and optimizers
fused where they can be, else with foreach.
"""

from __future__ import annotations

import argparse
import copy
import fnmatch
import itertools
import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from _pairs import compare, seconds, write

from gradlab import _threads, activations, dropout, gradient_clipping, losses, optimizers
from gradlab import batch_normalization as bn
from gradlab import layer_normalization as ln

GRID = ((32, 100), (256, 1024), (4096, 1024))
LENGTHS = (10_000, 1_000_000, 10_000_000)
aten = torch.ops.aten


class Cell(NamedTuple):
    """One comparison: what, how many arrays of its size must be moved, and the two sides."""

    name: str
    arrays: float
    ours: Callable[[], Any]
    theirs: Callable[[], Any]


# PyTorch forwards, and backwards from (dout, x). Where its backward operator takes the output, the
# output is computed, too, as ours does: both get the same arrays.
ACTIVATIONS: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {
    "sigmoid": (aten.sigmoid, lambda d, x: aten.sigmoid_backward(d, aten.sigmoid(x))),
    "tanh": (aten.tanh, lambda d, x: aten.tanh_backward(d, aten.tanh(x))),
    "relu": (aten.relu, lambda d, x: aten.threshold_backward(d, x, 0)),
    "leaky_relu": (
        lambda x: aten.leaky_relu(x, 0.01),
        lambda d, x: aten.leaky_relu_backward(d, x, 0.01, False),
    ),
    "elu": (aten.elu, lambda d, x: aten.elu_backward(d, 1, 1, 1, False, x)),
    "selu": (
        aten.selu,
        lambda d, x: aten.elu_backward(
            d, activations._SELU_ALPHA, activations._SELU_SCALE, 1, False, x
        ),
    ),
    "hard_tanh": (aten.hardtanh, lambda d, x: aten.hardtanh_backward(d, x, -1, 1)),
    "softplus": (aten.softplus, lambda d, x: aten.softplus_backward(d, x, 1, 20)),
    "gelu": (aten.gelu, lambda d, x: aten.gelu_backward(d, x)),
    "silu": (aten.silu, lambda d, x: aten.silu_backward(d, x)),
    "softmax": (
        lambda x: aten._softmax(x, -1, False),
        lambda d, x: aten._softmax_backward_data(d, aten._softmax(x, -1, False), -1, x.dtype),
    ),
    "log_softmax": (
        lambda x: aten._log_softmax(x, -1, False),
        lambda d, x: aten._log_softmax_backward_data(
            d, aten._log_softmax(x, -1, False), -1, x.dtype
        ),
    ),
}


def activation_cells(x, dout) -> Iterator[Cell]:
    """Yield each activation function, forwards and backwards."""
    tx, td = torch.from_numpy(x), torch.from_numpy(dout)
    for name, (forward, backward) in ACTIVATIONS.items():
        ours, ours_backward = getattr(activations, name), getattr(activations, f"{name}_backward")
        yield Cell(name, 2, lambda f=ours: f(x), lambda f=forward: f(tx))
        yield Cell(
            f"{name} backward",
            3,
            lambda f=ours_backward: f(dout, x),
            lambda f=backward: f(td, tx),
        )


def loss_cells(x, dout) -> Iterator[Cell]:
    """Yield the losses and their gradients."""
    labels = np.arange(len(x)) % x.shape[1]
    tx, td, tl = torch.from_numpy(x), torch.from_numpy(dout), torch.from_numpy(labels)
    one = torch.ones((), dtype=tx.dtype)
    yield Cell(
        "softmax cross-entropy",
        1,
        lambda: losses.softmax_cross_entropy(x, labels),
        lambda: torch.nn.functional.cross_entropy(tx, tl),
    )

    def theirs():
        log_p = aten._log_softmax(tx, 1, False)
        _, weight = aten.nll_loss_forward(log_p, tl, None, 1, -100)
        dlog_p = aten.nll_loss_backward(one, log_p, tl, None, 1, -100, weight)
        return aten._log_softmax_backward_data(dlog_p, log_p, 1, tx.dtype)

    yield Cell(
        "softmax cross-entropy backward",
        2,
        lambda: losses.softmax_cross_entropy_backward(x, labels),
        theirs,
    )
    target = (dout > 0).astype(x.dtype)
    tt = torch.from_numpy(target)
    logits = torch.nn.functional.binary_cross_entropy_with_logits
    yield Cell(
        "sigmoid cross-entropy",
        2,
        lambda: losses.sigmoid_cross_entropy(x, target),
        lambda: logits(tx, tt),
    )
    yield Cell(
        "squared error",
        2,
        lambda: losses.squared_error(x, dout),
        lambda: torch.nn.functional.mse_loss(tx, td),
    )


def normalization_cells(x, dout) -> Iterator[Cell]:
    """Yield batch, layer and group normalization, forwards and backwards."""
    rows, features = x.shape
    gamma, beta = np.random.default_rng(1).normal(size=(2, features)).astype(x.dtype)
    tx, td, tg, tb = map(torch.from_numpy, (x, dout, gamma, beta))
    every = [True, True, True]

    _, cache = bn.batch_norm_forward(x, gamma, beta)
    _, mean, inv_std = aten.native_batch_norm(tx, tg, tb, None, None, True, 0.1, 1e-5)
    yield Cell(
        "batch norm",
        2,
        lambda: bn.batch_norm_forward(x, gamma, beta),
        lambda: aten.native_batch_norm(tx, tg, tb, None, None, True, 0.1, 1e-5),
    )
    yield Cell(
        "batch norm backward",
        3,
        lambda: bn.batch_norm_backward(dout, cache),
        lambda: aten.native_batch_norm_backward(
            td, tx, tg, None, None, mean, inv_std, True, 1e-5, every
        ),
    )
    running = np.zeros(features, x.dtype), np.ones(features, x.dtype)
    t_running = [torch.from_numpy(r) for r in running]
    yield Cell(
        "batch norm inference",
        2,
        lambda: bn.batch_norm_inference(x, gamma, beta, *running),
        lambda: aten.native_batch_norm(tx, tg, tb, *t_running, False, 0.1, 1e-5),
    )

    _, layer_cache = ln.layer_norm_forward(x, gamma, beta)
    _, layer_mean, layer_inv = aten.native_layer_norm(tx, [features], tg, tb, 1e-5)
    yield Cell(
        "layer norm",
        2,
        lambda: ln.layer_norm_forward(x, gamma, beta),
        lambda: aten.native_layer_norm(tx, [features], tg, tb, 1e-5),
    )
    yield Cell(
        "layer norm backward",
        3,
        lambda: ln.layer_norm_backward(dout, layer_cache),
        lambda: aten.native_layer_norm_backward(
            td, tx, [features], layer_mean, layer_inv, tg, tb, every
        ),
    )

    groups, channels = 4, 64 if features == 1024 else 20
    x3, dout3 = (a.reshape(rows, channels, -1) for a in (x, dout))
    sizes = (rows, channels, x3.shape[2], groups)
    tg3, tb3 = tg[:channels], tb[:channels]
    tx3, td3 = torch.from_numpy(x3), torch.from_numpy(dout3)
    gamma3, beta3 = gamma[:channels], beta[:channels]
    _, group_cache = ln.group_norm_forward(x3, gamma3, beta3, groups)
    _, group_mean, group_inv = aten.native_group_norm(tx3, tg3, tb3, *sizes, 1e-5)
    yield Cell(
        "group norm",
        2,
        lambda: ln.group_norm_forward(x3, gamma3, beta3, groups),
        lambda: aten.native_group_norm(tx3, tg3, tb3, *sizes, 1e-5),
    )
    yield Cell(
        "group norm backward",
        3,
        lambda: ln.group_norm_backward(dout3, group_cache),
        lambda: aten.native_group_norm_backward(
            td3, tx3, group_mean, group_inv, tg3, *sizes, every
        ),
    )


def other_cells(x, dout) -> Iterator[Cell]:
    """Yield clipping, in place as PyTorch's, and dropout."""
    leaf = torch.from_numpy(x).clone()
    leaf.grad = torch.from_numpy(dout).clone()
    grads = [torch.from_numpy(dout).clone().numpy()]
    # Each limit is a little below the one before, so that every call has something to shorten.
    norm = float(np.linalg.norm(dout))
    limits, their_limits = ((norm * (1 - 1e-6) ** k for k in itertools.count(1)) for _ in range(2))
    yield Cell(
        "clip by global norm",
        3,
        lambda: gradient_clipping.clip_by_global_norm(grads, next(limits), out=grads),
        lambda: torch.nn.utils.clip_grad_norm_([leaf], next(their_limits), foreach=True),
    )
    rng = np.random.default_rng(0)
    tx = torch.from_numpy(x)
    yield Cell(
        "dropout",
        2,
        lambda: dropout.dropout_forward(x, 0.4, rng),
        lambda: aten.native_dropout(tx, 0.4, True),
    )


# (ours, PyTorch's, its options, arrays read and written)
OPTIMIZERS = {
    "SGD": (optimizers.SGD(0.01), torch.optim.SGD, {"lr": 0.01, "fused": True}, 3),
    "Momentum": (
        optimizers.Momentum(0.01),
        torch.optim.SGD,
        {"lr": 0.01, "momentum": 0.9, "fused": True},
        5,
    ),
    "Nesterov": (
        optimizers.Nesterov(0.01),
        torch.optim.SGD,
        {"lr": 0.01, "momentum": 0.9, "nesterov": True, "fused": True},
        5,
    ),
    "AdaGrad": (optimizers.AdaGrad(0.01), torch.optim.Adagrad, {"lr": 0.01, "fused": True}, 5),
    "AdaDelta": (optimizers.AdaDelta(), torch.optim.Adadelta, {"foreach": True}, 7),
    "RMSProp": (optimizers.RMSProp(0.001), torch.optim.RMSprop, {"lr": 0.001, "foreach": True}, 5),
    "RProp": (optimizers.RProp(0.001), torch.optim.Rprop, {"lr": 0.001, "foreach": True}, 7),
    "Adam": (optimizers.Adam(), torch.optim.Adam, {"fused": True}, 7),
    "AdamW": (optimizers.AdamW(), torch.optim.AdamW, {"fused": True}, 7),
    "AdaMax": (optimizers.AdaMax(), torch.optim.Adamax, {"foreach": True}, 7),
}


def optimizer_cells(w, g) -> Iterator[Cell]:
    """Yield a step of each optimizer, on weights and gradients in the same kind of memory."""
    for name, (optimizer, peer, options, arrays) in OPTIMIZERS.items():
        ours, memory = torch.from_numpy(w).clone().numpy(), copy.deepcopy(optimizer)
        leaf = torch.from_numpy(w).clone().requires_grad_()
        leaf.grad = torch.from_numpy(g)
        theirs = peer([leaf], **options)
        with torch.no_grad():
            yield Cell(
                name, arrays, lambda o=memory, p=ours: o.step([p], [g]), lambda o=theirs: o.step()
            )


def copy_bandwidth(threads: int) -> float:
    """Return the bytes a second, read and written, at which PyTorch copies 16 MB."""
    torch.set_num_threads(threads)
    source = torch.zeros(4096 * 1024)
    target = torch.empty_like(source)
    times = [seconds(lambda: target.copy_(source), 3) for _ in range(15)]
    return 2 * source.nbytes / float(np.median(times))


def aligned(rng, shape, dtype):
    """Return normal numbers in PyTorch's memory, which begins at a line of the cache."""
    return torch.from_numpy(rng.normal(size=shape).astype(dtype)).clone().numpy()


def cells(dtype, pattern: str) -> Iterator[tuple[str, int, Cell]]:
    """Yield (size, bytes of an array, cell) for the whole grid."""
    rng = np.random.default_rng(0)
    for shape in GRID:
        x, dout = aligned(rng, shape, dtype), aligned(rng, shape, dtype)
        for source in (activation_cells, loss_cells, normalization_cells, other_cells):
            for cell in source(x, dout):
                if fnmatch.fnmatch(cell.name, pattern):
                    yield "x".join(map(str, shape)), x.nbytes, cell
    for length in LENGTHS:
        w, g = aligned(rng, (length,), dtype), aligned(rng, (length,), dtype)
        for cell in optimizer_cells(w, g):
            if fnmatch.fnmatch(cell.name, pattern):
                yield f"{length:.0e}".replace("e+0", "e"), w.nbytes, cell


def main() -> None:
    """Print and write the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="*", help="pattern of the names to time")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--dtype", default="float32", choices=("float32", "float64"))
    arguments = parser.parse_args()
    _threads.THREADS = arguments.threads
    bandwidth = copy_bandwidth(arguments.threads)
    print(f"{arguments.threads} thread(s), {arguments.dtype}, copy {bandwidth / 1e9:.1f} GB/s")
    print(f"{'':32}{'size':>12}{'ours':>11}{'PyTorch':>11}{'ratio':>8}{'of copy':>9}")
    rows = []
    for size, nbytes, cell in cells(np.dtype(arguments.dtype), arguments.only):
        pair = compare(cell.ours, cell.theirs)
        share = cell.arrays * nbytes / pair.ours / bandwidth
        rows.append({"name": cell.name, "size": size, **pair._asdict(), "copy": share})
        print(
            f"{cell.name:32}{size:>12}{1e6 * pair.ours:11.1f}{1e6 * pair.theirs:11.1f}"
            f"{pair.speedup:8.2f}{100 * share:8.0f}%",
            flush=True,
        )
    mean = math.exp(sum(math.log(row["speedup"]) for row in rows) / len(rows))
    below = sum(row["speedup"] < 1 for row in rows)
    print(f"{len(rows)} cells, geometric mean {mean:.2f}, below 1: {below}")
    if arguments.only == "*":
        threads = "one" if arguments.threads == 1 else "all"
        write(f"kernels-{arguments.dtype}-{threads}", {"bandwidth": bandwidth, "cells": rows})


if __name__ == "__main__":
    main()
