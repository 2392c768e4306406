"""Transfer learning: begin with the lower layers of a network that was trained on similar data.

The lower layers find simple features, which serve other data too. A network reuses them, gets new
layers on top, and is trained twice: first only what is new, so that its random start does no harm
below, and then, at a smaller learning rate, with the upper ones of the reused layers as well.

Chapter: ``book/transfer-learning.md``.
Deck: H "Transfer Learning", "Building DNN with Pretrained Model" and "Training DNN with Pretrained
Model".
Paper: J. Yosinski, J. Clune, Y. Bengio and H. Lipson, How Transferable Are Features in Deep Neural
Networks?, NIPS 2014.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gradlab._jit import njit
from gradlab._validate import FloatArray, as_flag, as_image_batch, as_integer, as_list, as_real
from gradlab.layers import BatchNorm, Layer
from gradlab.network import Network, as_network
from gradlab.training import History, fit

__all__ = ["freeze", "resize_images", "reuse", "two_phase_fit", "unfreeze"]


def reuse(network: Network, layers: int, new_head: Sequence[Layer]) -> Network:
    """Build a network from the lower layers of another one and a new head.

    Parameters
    ----------
    network : Network
        The pretrained one. It stays as it is.
    layers : int
        How many of ``network.layers`` are reused, from the input on, at least 1. The more alike the
        two sets of data are, the more of them: all but the last, if they are very alike (deck H).
    new_head : sequence of layers
        What goes on top, with an output that suits the new data. At least one layer.

    Returns
    -------
    Network
        Copies of the reused layers, running statistics included, and the layers of the head
        themselves. Nothing is frozen that was not frozen before.

    Notes
    -----
    Deck H "Building DNN with Pretrained Model".

    Examples
    --------
    >>> from gradlab.network import Activation, Dense
    >>> rng = np.random.default_rng(0)
    >>> pretrained = Network([Dense(64, 32, rng), Activation("relu"), Dense(32, 10, rng)])
    >>> network = reuse(pretrained, 2, [Dense(32, 3, rng)])
    >>> network.forward(np.ones((1, 64))).shape
    (1, 3)
    """
    count = _as_count("layers", layers, as_network(network))
    if count == 0:
        raise ValueError("layers must be at least 1, got 0")
    head = as_list("new_head", new_head)
    if not head:
        raise ValueError("new_head must hold at least one layer, got none")
    # In one copy, so that layers that share a generator go on sharing one.
    return Network([*copy.deepcopy(network.layers[:count]), *head])


def freeze(network: Network, upto: int) -> None:
    """Freeze the lower layers of a network: training leaves their parameters as they are.

    Parameters
    ----------
    network : Network
        Changed in place.
    upto : int
        How many of ``network.layers``, from the input on. Those above stay as they were.

    Returns
    -------
    None

    Notes
    -----
    Equation tl-freeze: what is left to minimize over are the parameters above.

    The layers get ``trainable = False``. Their parameters are no longer among those of the network,
    so an optimizer that has a memory must start anew. Batch normalization that is frozen uses and
    keeps its running statistics; dropout goes on dropping.

    Deck H "Training DNN with Pretrained Model".

    Examples
    --------
    >>> from gradlab.network import Activation, Dense
    >>> rng = np.random.default_rng(0)
    >>> network = Network([Dense(4, 8, rng), Activation("relu"), Dense(8, 3, rng)])
    >>> freeze(network, 2)
    >>> [parameter.shape for parameter in network.parameters()]
    [(8, 3), (3,)]
    """
    count = _as_count("upto", upto, as_network(network))
    for layer in network.layers[:count]:
        _set_trainable(layer, False)


def unfreeze(network: Network, top: int) -> None:
    """Unfreeze the top ones of the frozen hidden layers.

    Parameters
    ----------
    network : Network
        Changed in place.
    top : int
        How many hidden layers. A hidden layer is one that has weights, a matrix, and all that
        stands on it up to the next such layer: normalization, activation, dropout. They are counted
        from the output on, and those that are not frozen are not counted.

    Returns
    -------
    None

    Raises
    ------
    ValueError
        If fewer of them are frozen.

    Notes
    -----
    Deck H "Training DNN with Pretrained Model": one or two, and more with more training data. An
    optimizer that has a memory must start anew.

    Examples
    --------
    >>> from gradlab.network import Activation, Dense
    >>> rng = np.random.default_rng(0)
    >>> network = Network([Dense(4, 8, rng), Activation("relu"), Dense(8, 3, rng)])
    >>> freeze(network, 3)
    >>> unfreeze(network, 1)
    >>> [layer.trainable for layer in network.layers]
    [False, False, True]
    """
    layers = as_network(network).layers
    frozen = [layer for layer in layers if not getattr(layer, "trainable", True)]
    for layer in frozen[_start_of_top(top, frozen) :]:
        _set_trainable(layer, True)


def _start_of_top(top: int, layers: Sequence[Layer]) -> int:
    """Return the index of the lowest of the `top` upper hidden layers, each with what is on it."""
    top = as_integer("top", top, low=0)
    arrays = [getattr(layer, "arrays", layer.parameters)() for layer in layers]
    weighted = [k for k, held in enumerate(arrays) if any(array.ndim > 1 for array in held)]
    if top > len(weighted):
        raise ValueError(
            f"top must be at most {len(weighted)}, the frozen layers with weights, got {top}"
        )
    return weighted[-top] if top else len(layers)


def two_phase_fit(
    network: Network,
    train: tuple[ArrayLike, ArrayLike],
    validation: tuple[ArrayLike, ArrayLike] | None,
    make_optimizer: Callable[[float], Any],
    *,
    reused: int,
    top: int = 1,
    learning_rate: float,
    reduction: float = 0.1,
    freeze_batch_norm: bool = True,
    epochs: tuple[int, int],
    batch_size: int,
    rng: np.random.Generator,
    **settings: Any,
) -> tuple[History, History]:
    r"""Train a network on reused layers: first what is new, then the top reused layers with it.

    .. math:: \eta_1 = \eta, \qquad \eta_2 = \rho \, \eta

    are the learning rates of the two phases.

    Parameters
    ----------
    network : Network
        From `reuse`; trained in place. The layers above the reused ones are trained in both phases.
    train, validation : pairs (x, labels)
        As in `gradlab.training.fit`; `validation` may be None.
    make_optimizer : callable
        Called with the learning rate of each phase, returns a new optimizer: ``SGD`` itself, or
        ``lambda rate: Momentum(rate, 0.95)``.
    reused : int
        How many of ``network.layers`` are frozen in the first phase.
    top : int, default 1
        How many of their hidden layers, counted as in `unfreeze`, are trained in the second phase.
        Deck H: one or two, more with more data.
    learning_rate : float
        :math:`\eta`, not negative.
    reduction : float in (0, 1], default 0.1
        :math:`\rho`, so that the reused weights do not change much.
    freeze_batch_norm : bool, default True
        Leave every reused `BatchNorm`, in a network among the layers too, frozen in the second
        phase: it goes on normalizing by the running statistics that it came with, and keeps them,
        its scale and its shift. False unfreezes it with its hidden layer; it then normalizes by
        the statistics of the new mini-batches.
    epochs : pair of int
        Of each phase.
    batch_size : int
    rng : numpy.random.Generator
    **settings : optional
        Passed to both calls of `gradlab.training.fit`: ``clip``, ``augment`` and so on. An
        ``early_stopping`` counts its patience anew in the second phase, and keeps the best epoch of
        both. There is no ``schedule``, since each phase has its rate.

    Returns
    -------
    head, fine_tuning : History
        Of the two phases. A run that was interrupted or became not finite in the first one has no
        second; its record is empty then.

    Notes
    -----
    Equation tl-reduced-rate. Deck H "Training DNN with Pretrained Model". If the result is not
    accurate, the deck goes on: with little data, reuse fewer layers; with much, put others or more
    on top.

    The deck does not speak of batch normalization. Statistics of new mini-batches change at once
    the outputs that the head has been trained on, small ones most of all. Keras's guide to
    fine-tuning therefore keeps the layer in inference mode, as here, though it trains scale and
    shift; PyTorch's tutorial has everything in training mode. With large mini-batches of data that
    are unlike the old, ``freeze_batch_norm=False`` may serve better.

    Examples
    --------
    >>> from gradlab.network import Activation, Dense
    >>> from gradlab.optimizers import SGD
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(60, 4))
    >>> data = x, (x.sum(axis=1) > 0).astype(int)
    >>> pretrained = Network([Dense(4, 8, rng), Activation("relu"), Dense(8, 5, rng)])
    >>> network = reuse(pretrained, 2, [Dense(8, 2, rng)])
    >>> head, fine_tuning = two_phase_fit(
    ...     network, data, None, SGD, reused=2, learning_rate=0.5, epochs=(3, 2), batch_size=20,
    ...     rng=rng,
    ... )
    >>> head.learning_rate[-1], fine_tuning.learning_rate[-1], len(fine_tuning.train_loss)
    (0.5, 0.05, 2)
    """
    freeze_batch_norm = as_flag("freeze_batch_norm", freeze_batch_norm)
    rate = as_real("learning_rate", learning_rate, low=0.0)
    second_rate = rate * as_real("reduction", reduction, low=0.0, high=1.0, low_open=True)
    if "schedule" in settings:
        raise TypeError("schedule must be left out: each phase has its learning rate")
    if not isinstance(epochs, (tuple, list)) or len(epochs) != 2:
        raise TypeError(f"epochs must be a pair, one number for each phase, got {epochs!r}")
    lengths = [as_integer("epochs", number, low=0) for number in epochs]
    if not callable(make_optimizer):
        raise TypeError(f"make_optimizer must be callable, got {make_optimizer!r}")
    settings |= {"batch_size": batch_size, "rng": rng}
    # What `fit` does not take is refused before anything is frozen.
    inspect.signature(fit).bind(network, train, validation, None, epochs=0, **settings)
    count = _as_count("reused", reused, as_network(network))
    _start_of_top(top, network.layers[:count])
    freeze(network, count)
    head = fit(network, train, validation, make_optimizer(rate), epochs=lengths[0], **settings)
    if head.stopped.startswith(("interrupted", "loss", "gradient")):
        return head, History()
    unfreeze(network, top)
    if freeze_batch_norm:
        _freeze_batch_norms(network.layers[:count])
    if settings.get("early_stopping") is not None:
        settings["early_stopping"].wait = 0
    optimizer = make_optimizer(second_rate)
    return head, fit(network, train, validation, optimizer, epochs=lengths[1], **settings)


def _freeze_batch_norms(layers: Sequence[Layer]) -> None:
    for layer in layers:
        if isinstance(layer, BatchNorm):
            layer.trainable = False
        elif isinstance(layer, Network):
            _freeze_batch_norms(layer.layers)


@njit
def _interpolation_kernel(ratio, spread, weights, span):
    """Equations tl-resize-position, tl-resize-weights: a row for each new pixel.

    `span` receives where the weights that are not 0 begin and end.
    """
    new, old = weights.shape
    for i in range(new):
        wi, total = weights[i], 0.0
        # (tl-resize-position)  y_i = R / R' (i + 1/2) - 1/2
        place = ratio * (i + 0.5) - 0.5
        for k in range(old):
            # (tl-resize-weights)  t_ik = max(0, 1 - |y_i - k| / s)
            wi[k] = max(0.0, 1.0 - abs(place - k) / spread)
            total += wi[k]
        for k in range(old):
            # (tl-resize-weights)  w_ik = t_ik / sum_m t_im
            wi[k] /= total
        span[i, 0] = max(0, int(np.floor(place - spread)) + 1)
        span[i, 1] = min(old, int(np.ceil(place + spread)))


@njit
def _resize_kernel(images, down, down_span, across, across_span, row, out):
    """Equation tl-resize, of images (batch, rows, columns, channels).

    `row` has a place for each old column and channel: rows are resized first,
    with all their columns, and then the columns.
    """
    batch, rows, columns, channels = out.shape
    for b in range(batch):
        for i in range(rows):
            # (tl-resize)  sum_k w_ik I_kl
            row[:] = 0.0
            for k in range(down_span[i, 0], down_span[i, 1]):
                w, pixels = down[i, k], images[b, k]
                for n in range(len(row)):
                    for c in range(channels):
                        row[n, c] += w * pixels[n, c]
            # (tl-resize)  I'_ij = sum_l w'_jl of these
            for j in range(columns):
                for c in range(channels):
                    total = 0.0
                    for n in range(across_span[j, 0], across_span[j, 1]):
                        total += across[j, n] * row[n, c]
                    out[b, i, j, c] = total


def _interpolation(old: int, new: int, antialias: bool) -> tuple[FloatArray, NDArray[np.int64]]:
    """Return the weights of the old pixels in each new one, and where they begin and end."""
    weights, span = np.empty((new, old)), np.empty((new, 2), np.int64)
    ratio = old / new
    _interpolation_kernel(ratio, max(1.0, ratio) if antialias else 1.0, weights, span)
    return weights, span


def resize_images(
    images: ArrayLike, size: int | tuple[int, int], antialias: bool = False
) -> FloatArray:
    r"""Bring images to the size that a pretrained network was trained on.

    .. math:: \mathrm{out}_{ij} = \sum_{k,l} w_{ik} \, w'_{jl} \, I_{kl}, \qquad
              w_{ik} = \frac{t_{ik}}{\sum_m t_{im}}, \\
              t_{ik} = \max \Bigl( 0, 1 - \frac{|y_i - k|}{s} \Bigr), \quad
              y_i = \frac{h}{h'} \bigl( i + \tfrac12 \bigr) - \tfrac12

    for h rows that become h', and :math:`w'` in the same way for the columns; s is 1, and with
    `antialias` the larger of 1 and h / h'.

    Parameters
    ----------
    images : array (batch, height, width) or (batch, height, width, channels)
    size : int or (height, width)
        Of the result, in pixels.
    antialias : bool, default False
        Average over all pixels that an image loses when it shrinks. False interpolates between the
        nearest two in each direction and skips the others, which is as good for enlarging and up to
        a factor of two.

    Returns
    -------
    array (batch, size...)
        In the dtype of `images`; with as many channels.

    Notes
    -----
    Equations tl-resize and tl-resize-weights: bilinear, with the corners of the images aligned
    and not the centers of the corner pixels. PyTorch's ``interpolate`` with ``mode="bilinear"`` and
    the same ``antialias``, `tf.image.resize`, Keras's ``Resizing``; ``jax.image.resize`` has
    `antialias` on.

    Deck H "Building DNN with Pretrained Model": the data must have as many features as the
    pretrained network has inputs.

    Examples
    --------
    >>> resize_images([[[0.0, 4.0]]], size=(1, 4))
    array([[[0., 1., 3., 4.]]])
    """
    array, antialias = as_image_batch("images", images), as_flag("antialias", antialias)
    pair = tuple(size) if isinstance(size, (tuple, list)) else (size, size)
    if len(pair) != 2:
        raise ValueError(f"size must be an integer or a pair (height, width), got {size!r}")
    sizes = [as_integer("size", new, low=1) for new in pair]
    batch, height, width, *channels = array.shape
    source = array.reshape(batch, height, width, -1)
    down, across = (
        _interpolation(old, new, antialias) for old, new in zip((height, width), sizes, strict=True)
    )
    out = np.empty((batch, *sizes, source.shape[3]), array.dtype)
    _resize_kernel(source, *down, *across, np.empty(source.shape[2:]), out)
    return out.reshape(batch, *sizes, *channels)


def _as_count(name: str, value: int, network: Network) -> int:
    """Return a number of the network's layers."""
    count = as_integer(name, value, low=0)
    if count > len(network.layers):
        raise ValueError(f"{name} must be at most {len(network.layers)} layers, got {count}")
    return count


def _set_trainable(layer: Any, value: bool) -> None:
    layer.trainable = value
