"""Time an epoch of training through `fit` against PyTorch, scikit-learn and the products alone.

Run from the repository root: ``make bench``. Each of the three is timed in turn with ours, over a
run of `EPOCHS` epochs, since what is done once in a run, as checks are, is not done in each. Same
data, sizes, batches and method (stochastic gradient descent, float32). The matrix products are
those that no way of training can do without: forwards, for the weights, and for the inputs of all
layers but the first, into arrays that stand ready.
"""

from __future__ import annotations

import argparse
import warnings
from itertools import pairwise

import numpy as np
import torch
from _pairs import Pair, compare, write
from sklearn.neural_network import MLPClassifier
from threadpoolctl import threadpool_limits

from gradlab import _threads
from gradlab.network import Activation, Dense, Network
from gradlab.optimizers import SGD
from gradlab.training import fit

CASES = (((784, 100, 100, 10), 32, 6400), ((784, 1024, 1024, 10), 256, 5120))
RATE = 0.01
EPOCHS = 3


def ours(sizes, batch, x, labels):
    """Return a function that trains through `fit`."""
    rng = np.random.default_rng(0)
    layers = []
    for fan_in, fan_out in pairwise(sizes):
        layers += [Dense(fan_in, fan_out, rng, dtype=np.float32), Activation("relu")]
    network, optimizer = Network(layers[:-1]), SGD(RATE)
    settings = {"epochs": EPOCHS, "batch_size": batch, "rng": rng, "evaluate_train": False}
    return lambda: fit(network, (x, labels), None, optimizer, **settings)


def pytorchs(sizes, batch, x, labels):
    """Return the same as PyTorch users write it, with its fused optimizer."""
    layers = []
    for fan_in, fan_out in pairwise(sizes):
        layers += [torch.nn.Linear(fan_in, fan_out), torch.nn.ReLU()]
    network = torch.nn.Sequential(*layers[:-1])
    optimizer = torch.optim.SGD(network.parameters(), RATE, fused=True)
    tx, tl = torch.from_numpy(x), torch.from_numpy(labels)

    def train():
        for _ in range(EPOCHS):
            for part in torch.randperm(len(tx)).split(batch):
                optimizer.zero_grad()
                loss = torch.nn.functional.cross_entropy(network(tx[part]), tl[part])
                loss.backward()
                optimizer.step()

    return train


def scikit_learns(sizes, batch, x, labels):
    """Return the same with scikit-learn's classifier."""
    network = MLPClassifier(
        sizes[1:-1],
        solver="sgd",
        alpha=0.0,
        batch_size=batch,
        learning_rate_init=RATE,
        momentum=0.0,
        max_iter=EPOCHS,
        warm_start=True,
    )

    def train():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            network.fit(x, labels)

    return train


def products(sizes, batch, x, _):
    """Return the matrix products of the same training alone."""
    rng = np.random.default_rng(0)
    pairs = list(pairwise(sizes))
    weights = [rng.normal(size=pair).astype(np.float32) for pair in pairs]
    slopes = [np.empty_like(w) for w in weights]
    values = [np.zeros((batch, size), np.float32) for size in sizes]
    sensitivities = [np.zeros((batch, size), np.float32) for size in sizes]

    def multiply():
        for _ in range(EPOCHS * (len(x) // batch)):
            for k, w in enumerate(weights):
                np.matmul(values[k], w, out=values[k + 1])
            for k in reversed(range(len(weights))):
                np.matmul(values[k].T, sensitivities[k + 1], out=slopes[k])
                if k:
                    np.matmul(sensitivities[k + 1], weights[k].T, out=sensitivities[k])

    return multiply


def main() -> None:
    """Print and write the times."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=1)
    threads = parser.parse_args().threads
    torch.set_num_threads(threads)
    _threads.THREADS = threads
    rows = []
    print(f"an epoch in ms, {threads} thread(s), and the time of each over ours")
    for sizes, batch, examples in CASES:
        rng = np.random.default_rng(0)
        x = rng.normal(size=(examples, sizes[0])).astype(np.float32)
        labels = rng.integers(sizes[-1], size=examples)
        for peer in (pytorchs, scikit_learns, products):
            with threadpool_limits(threads):
                whole = compare(ours(sizes, batch, x, labels), peer(sizes, batch, x, labels))
            pair = Pair(whole.ours / EPOCHS, whole.theirs / EPOCHS, whole.speedup)
            name = "-".join(map(str, sizes))
            rows.append({"sizes": name, "batch": batch, "peer": peer.__name__, **pair._asdict()})
            print(
                f"{name:20}{batch:5}  {peer.__name__:14}ours {1e3 * pair.ours:8.1f}"
                f"  theirs {1e3 * pair.theirs:8.1f}  ratio {pair.speedup:5.2f}",
                flush=True,
            )
    write(f"epochs-{'one' if threads == 1 else 'all'}", {"rows": rows})


if __name__ == "__main__":
    main()
