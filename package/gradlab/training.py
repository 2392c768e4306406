"""The training loop."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from gradlab._validate import as_integer
from gradlab.gradient_descent import minibatches
from gradlab.losses import softmax_cross_entropy, softmax_cross_entropy_backward
from gradlab.network import Network
from gradlab.optimizers import SGD

__all__ = ["History", "evaluate", "fit"]


@dataclass
class History:
    """What a run recorded.

    Attributes
    ----------
    step_loss : list of float
        Loss of each mini-batch, before its update.
    train_loss, train_accuracy, validation_loss, validation_accuracy : lists of float
        After each epoch, with the network in inference mode.
    stopped : str
        Why the run ended before its last epoch; empty if it did not.
    """

    step_loss: list[float] = field(default_factory=list)
    train_loss: list[float] = field(default_factory=list)
    train_accuracy: list[float] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)
    validation_accuracy: list[float] = field(default_factory=list)
    stopped: str = ""


def evaluate(network: Network, x: ArrayLike, labels: ArrayLike) -> tuple[float, float]:
    """Loss and accuracy of a classifier in inference mode.

    Parameters
    ----------
    network : Network
        Its outputs are logits.
    x : array (batch, features)
    labels : integer array (batch,)

    Returns
    -------
    loss : float
        Mean softmax cross-entropy, in nats.
    accuracy : float
        Fraction of examples whose largest logit is that of their class; 0 where the network's
        output is not a number.
    """
    logits = network.forward(x)
    loss = softmax_cross_entropy(logits, labels)
    hits = (logits.argmax(axis=1) == np.asarray(labels)) & np.isfinite(logits).all(axis=1)
    return loss, float(hits.mean())


def fit(
    network: Network,
    train: tuple[ArrayLike, ArrayLike],
    validation: tuple[ArrayLike, ArrayLike],
    optimizer: SGD,
    *,
    epochs: int,
    batch_size: int,
    rng: np.random.Generator,
) -> History:
    """Train a classifier with softmax cross-entropy on shuffled mini-batches.

    Parameters
    ----------
    network : Network
        Trained in place.
    train, validation : pairs (x, labels)
    optimizer : optimizer
        Anything with ``step(params, grads)``.
    epochs : int
        Passes over the training set.
    batch_size : int
        At least 1; a last mini-batch that is not full is left out of that epoch, since batch
        normalization has no use for a batch of one.
    rng : numpy.random.Generator
        Shuffles; with the network's own it makes the run reproducible.

    Returns
    -------
    History
        A loss that is not finite ends the run; ``stopped`` then says at which step.

    Raises
    ------
    ValueError
        If the sizes do not fit.

    Notes
    -----
    Deck C "Mini-batch update".
    """
    epochs = as_integer("epochs", epochs, low=0)
    x, labels = np.asarray(train[0]), np.asarray(train[1])
    if len(x) != len(labels):
        raise ValueError(f"train must have as many labels as rows, got {len(labels)} and {len(x)}")
    history = History()
    # What a diverging run computes on its way is reported as a loss, not as a warning.
    with np.errstate(over="ignore", invalid="ignore"):
        for epoch in range(epochs):
            for batch in minibatches(len(x), batch_size, rng, drop_last=True):
                logits = network.forward(x[batch], training=True)
                history.step_loss.append(softmax_cross_entropy(logits, labels[batch]))
                if not math.isfinite(history.step_loss[-1]):
                    step = len(history.step_loss)
                    history.stopped = f"loss not finite at step {step}, in epoch {epoch + 1}"
                    return history
                network.backward(softmax_cross_entropy_backward(logits, labels[batch]))
                optimizer.step(network.parameters(), network.gradients())
            loss, accuracy = evaluate(network, x, labels)
            history.train_loss.append(loss)
            history.train_accuracy.append(accuracy)
            loss, accuracy = evaluate(network, *validation)
            history.validation_loss.append(loss)
            history.validation_accuracy.append(accuracy)
    return history
