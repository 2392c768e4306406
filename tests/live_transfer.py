"""The live figure of transfer learning, in Python: the runs of seed 0 on one reused layer."""

import copy

import numpy as np
from live_changes import PageDraws

from gradlab._random import permutation
from gradlab.data_augmentation import random_crop
from gradlab.datasets import load_digits
from gradlab.initialization import he_normal
from gradlab.network import Activation, Dense, Network
from gradlab.optimizers import Momentum
from gradlab.training import LiveGenerator, fit
from gradlab.transfer_learning import freeze, reuse, unfreeze


def pictures(x, labels, new, copies, seed):
    """Digits 5 to 9, or 0 to 4, anywhere on a canvas of 12 by 12 pixels."""
    chosen = (labels >= 5) == new
    tiled = np.tile(x[chosen].reshape(-1, 8, 8), (copies, 1, 1))
    placed = random_crop(tiled, 12, PageDraws(seed), padding=4)
    return placed.reshape(-1, 144), np.tile(labels[chosen] % 5, copies)


def runs(count, rate, reduction):
    """Return the histories of the base, from scratch, of the head and of both second phases."""
    data = load_digits()
    train, test = (data.x_train, data.y_train), (data.x_test, data.y_test)
    old, old_test = pictures(*train, False, 4, 1), pictures(*test, False, 1, 4)
    pool, new_test = pictures(*train, True, 1, 2), pictures(*test, True, 2, 3)
    order = permutation(len(pool[0]), 100)
    rows = np.concatenate([order[pool[1][order] == c][:count] for c in range(5)])
    few = tuple(array[np.resize(rows, 400)] for array in pool)

    def layers(rng, widths):
        hidden = [
            part for a in widths for part in (Dense(a, 48, rng, he_normal), Activation("relu"))
        ]
        return [*hidden, Dense(48, 5, rng, he_normal)]

    def run(network, epochs, rng=None, rate=rate, data=few, held=new_test, batch=20):
        optimizer, rng = Momentum(rate, 0.9), rng or LiveGenerator(0)
        return fit(network, data, held, optimizer, epochs=epochs, batch_size=batch, rng=rng)

    rngs = [LiveGenerator(0) for _ in range(3)]
    base, scratch = (Network(layers(rng, (144, 48))) for rng in rngs[:2])
    found = [run(base, 6, rngs[0], 0.05, old, old_test, 64), run(scratch, 20, rngs[1])]
    head = reuse(base, 2, layers(rngs[2], (48,)))
    freeze(head, 2)
    found.append(run(head, 10, rngs[2]))
    tuned = copy.deepcopy(head)
    unfreeze(tuned, 1)
    return [*found, run(head, 10), run(tuned, 10, rate=reduction * rate)]
