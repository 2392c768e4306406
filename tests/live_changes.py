"""The live figure of data augmentation, in Python: its networks, and what they read."""

import functools

import numpy as np

from gradlab._random import normal
from gradlab.activations import softmax
from gradlab.data_augmentation import add_noise, random_crop, random_flip, random_zoom, rotate
from gradlab.datasets import load_digits
from gradlab.initialization import he_normal
from gradlab.network import Activation, Dense, Network
from gradlab.optimizers import Momentum
from gradlab.training import LiveGenerator, fit

CHANGES = ["zoom", "shift", "noise", "flip"]
MOVES = [
    {"angle": -40, "digit": 3},
    {"size": 0.7, "right": -2, "down": 1, "noise": 0.3},
    {"flip": True, "angle": 180, "digit": 289},
]
FIRST = {"angle": 0, "size": 1, "right": 0, "down": 0, "noise": 0, "flip": False, "digit": 0}


class PageDraws(LiveGenerator):
    """What the page draws, in a range as well."""

    def uniform(self, low, high, size):
        return low + (high - low) * self.random(size)

    def integers(self, low, high, size):
        return low + np.floor((high - low) * self.random(size)).astype(int)


class Given(np.random.Generator):
    """Draws one number alone."""

    def __init__(self, value):
        super().__init__(np.random.PCG64(0))
        self.value = value

    def uniform(self, low, high, size):
        return np.full(size, self.value)

    def standard_normal(self, size):
        return normal(size, seed=9)


@functools.cache
def digits():
    """Return images and labels to train on, and those held out."""
    data, split = load_digits(), np.random.default_rng(0)
    images = data.x_train.reshape(-1, 8, 8)
    of_class = [split.permutation(np.flatnonzero(data.y_train == k)) for k in range(10)]
    held, kept = (np.concatenate([k[part] for k in of_class]) for part in (np.s_[:29], np.s_[29:]))
    return images[kept], data.y_train[kept], images[held], data.y_train[held]


def trained(epochs, changed):
    """Return the network of seed 0 and its history, trained on changed copies, too, or not."""
    images, labels, held, held_labels = digits()
    if changed:
        copies = random_zoom(np.tile(images, (4, 1, 1)), 0.75, 1.33, PageDraws(2))
        copies = random_crop(copies, 8, PageDraws(3), padding=1)
        copies = add_noise(copies, 0.3, PageDraws(4))
        copies = random_flip(copies, PageDraws(5))
        images, labels = np.concatenate([images, copies]), np.tile(labels, 5)
    rng = LiveGenerator(0)
    layers = Dense(64, 48, rng, he_normal), Activation("relu"), Dense(48, 10, rng, he_normal)
    network, (x, held_x) = Network(list(layers)), (each.reshape(-1, 64) for each in (images, held))
    history = fit(
        network,
        (x, labels),
        (held_x, held_labels),
        Momentum(0.1, 0.9),
        epochs=epochs,
        batch_size=32,
        rng=rng,
    )
    return network, history


def changed(state):
    """Return the held-out digits under the reader's change."""
    images = digits()[2]
    if state["angle"]:
        images = rotate(images, 180, Given(state["angle"]))
    if state["size"] != 1:
        images = random_zoom(images, 0.4, 2, Given(np.log(state["size"])))
    framed = np.pad(images, ((0, 0), (3, 3), (3, 3)))
    top, left = 3 - state["down"], 3 - state["right"]
    images = framed[:, top : top + 8, left : left + 8]
    if state["noise"]:
        images = add_noise(images, state["noise"], Given(0))
    return images[:, :, ::-1] if state["flip"] else images


def reading(network, images):
    """Return the probabilities, and how many percent of the images are read rightly."""
    p = softmax(network.forward(images.reshape(-1, 64)))
    return p, 100 * (p.argmax(axis=1) == digits()[3]).mean()
