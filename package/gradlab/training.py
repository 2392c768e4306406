"""The training loop: mini-batches, and everything that the topics of the book add to them."""

from __future__ import annotations

import importlib
import math
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gradlab import _random
from gradlab._calls import In, as_answer, as_function
from gradlab._examples import (
    as_examples,
    as_loss,
    as_targets,
    as_trainable,
    is_judged,
    is_named,
    loss_and_gradient,
    measured,
    outputs,
)
from gradlab._memory import empty
from gradlab._owner import Owner
from gradlab._validate import (
    FloatArray,
    as_batch,
    as_flag,
    as_integer,
    as_positive,
    as_rng,
    is_finite,
    shapes_of,
)
from gradlab.early_stopping import EarlyStopping
from gradlab.gradient_clipping import clip_by_global_norm, global_norm
from gradlab.gradient_descent import minibatches
from gradlab.network import Network, as_network, unequal_gradients
from gradlab.optimizers import Optimizer
from gradlab.schedules import PerformanceSchedule

__all__ = [
    "Clip",
    "History",
    "LiveGenerator",
    "Loss",
    "OptimizerLike",
    "Schedule",
    "evaluate",
    "fit",
]

Loss = str | tuple[Callable[..., float], Callable[..., ArrayLike]]
"""The name of a loss of `gradlab.losses`, or a function of (output, target) and its gradient."""

Clip = float | Callable[[list[FloatArray]], Any]
"""The largest norm of all gradients together, or a function of the list of gradients."""

Schedule = Callable[[int], float] | PerformanceSchedule
"""The learning rate as a function of the step, or as one that waits for a metric."""


class LiveGenerator(np.random.Generator):
    """Random numbers as the live figures of the book draw them, to repeat one of their runs.

    Parameters
    ----------
    seed : int
        From 0 to 2^32 - 1.

    Notes
    -----
    `random`, `standard_normal` and `permutation` of an integer, which is all that initialization,
    dropout and `fit` ask of a generator, draw one number after the other from a stream that a
    browser draws too (Salmon, Moraes, Dror and Shaw, 2011). Every other method is NumPy's own and
    draws, from the same seed, numbers that no figure has: augmentation uses some of these.

    Examples
    --------
    >>> rng = LiveGenerator(1)
    >>> rng.random(2).round(4), rng.permutation(4)
    (array([0.5759, 0.8732]), array([1, 2, 3, 0]))
    """

    def __init__(self, seed: int) -> None:
        _random.uniform(0, seed)
        super().__init__(np.random.PCG64(seed))
        self._seed, self._drawn = seed, 0

    def __reduce__(self) -> Any:
        return _live_generator, (self._seed, self._drawn)

    def _next(self, draw: Callable[..., Any], size: Any) -> Any:
        numbers = draw(1 if size is None else size, self._seed, first=self._drawn)
        self._drawn += numbers.size
        return numbers.item() if size is None else numbers

    def random(self, size: Any = None) -> Any:  # type: ignore[override]
        """Return uniform numbers between 0 and 1."""
        return self._next(_random.uniform, size)

    def standard_normal(self, size: Any = None) -> Any:  # type: ignore[override]
        """Return standard normal numbers."""
        return self._next(_random.normal, size)

    def permutation(self, x: int) -> Any:  # type: ignore[override]
        """Return the integers below `x` in random order."""
        return self._next(_random.permutation, as_integer("x", x, low=0))


def _live_generator(seed: int, drawn: int) -> LiveGenerator:
    rng = LiveGenerator(seed)
    rng._drawn = drawn
    return rng


class OptimizerLike(Protocol):
    """What `fit` asks of an optimizer."""

    def step(self, params: Sequence[FloatArray], grads: Sequence[ArrayLike]) -> None:
        """Update the parameters in place."""


@dataclass(repr=False)
class History:
    """What a run recorded.

    Attributes
    ----------
    step_loss : list of float
        Loss of each mini-batch, before its update. Losses and norms are those of the examples
        alone, without the optimizer's weight decay.
    learning_rate : list of float
        The optimizer's, at each step.
    gradient_norm : list of float
        Of all gradients of a step together, before clipping; not a number where the run ended at a
        loss or gradient that was not finite. Empty without clipping.
    train_loss, validation_loss : lists of float
        After each epoch, with the network in inference mode.
    train_accuracy, validation_accuracy : lists of float
        The same; empty where the targets are neither classes nor, for one output, yes and no.
    stopped : str
        Why the run ended before its last epoch; empty if it did not. Steps and epochs are counted
        from 1 there.

    Notes
    -----
    The lists for the validation set are empty where there is none, and those for the training set
    where `fit` was told not to evaluate it.

    Examples
    --------
    >>> history = History()
    >>> history.step_loss, history.stopped
    ([], '')
    >>> history
    History of 0 epochs, 0 steps
    """

    step_loss: list[float] = field(default_factory=list)
    learning_rate: list[float] = field(default_factory=list)
    gradient_norm: list[float] = field(default_factory=list)
    train_loss: list[float] = field(default_factory=list)
    train_accuracy: list[float] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)
    validation_accuracy: list[float] = field(default_factory=list)
    stopped: str = ""

    def __repr__(self) -> str:
        epochs, steps = max(map(len, self._curves().values())), len(self.step_loss)
        # Where nothing was measured after an epoch, nobody counted them.
        counted = f"{epochs} epochs, " if epochs or not steps else ""
        parts = [f"History of {counted}{steps} steps"]
        parts += [f"{name} {curve[-1]:.4g}" for name, curve in self._curves().items() if curve]
        return ", ".join(parts + ([f"stopped: {self.stopped}"] if self.stopped else []))

    def _curves(self) -> dict[str, list[float]]:
        """Return what is recorded after each epoch."""
        names = ("train_loss", "train_accuracy", "validation_loss", "validation_accuracy")
        return {name: getattr(self, name) for name in names}

    def plot(self, ax: Any = None) -> list[Any]:
        """Plot loss and accuracy after each epoch, of the training and the validation set.

        Parameters
        ----------
        ax : matplotlib axes, or a pair of them, optional
            One is for the loss alone, a pair for loss and accuracy. Without, a new figure has as
            many as there is something to show.

        Returns
        -------
        list of matplotlib axes
            Those that were drawn in.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        ValueError
            If there are other than one or two axes.
        TypeError
            If they are no axes.

        Examples
        --------
        >>> history = History(train_loss=[0.9, 0.5], validation_loss=[1.0, 0.7])
        >>> (ax,) = history.plot()
        >>> ax.get_ylabel(), [line.get_label() for line in ax.get_lines()]
        ('loss', ['train', 'validation'])
        """
        judged = bool(self.train_accuracy or self.validation_accuracy)
        if ax is None:
            pyplot = _pyplot()
            _, ax = pyplot.subplots(1, 1 + judged, figsize=(5 * (1 + judged), 3.5))
        axes = list(ax) if isinstance(ax, (list, tuple, np.ndarray)) else [ax]
        if len(axes) not in (1, 2):
            raise ValueError(f"ax must be one or two axes, got {len(axes)}")
        if not all(hasattr(axis, "plot") for axis in axes):
            raise TypeError(f"ax must be matplotlib axes, or a pair of them, got {ax!r}")
        for axis, metric in zip(axes, ("loss", "accuracy"), strict=False):
            for part in ("train", "validation"):
                curve = getattr(self, f"{part}_{metric}")
                if curve:
                    axis.plot(range(1, len(curve) + 1), curve, label=part)
            axis.set(xlabel="epoch", ylabel=metric)
            if axis.get_lines():
                axis.legend()
        return axes


def _pyplot() -> Any:
    try:
        return importlib.import_module("matplotlib.pyplot")
    except ImportError as error:
        raise ImportError(
            "History.plot draws with matplotlib, which is not installed: pip install matplotlib"
        ) from error


def evaluate(
    network: Network, x: ArrayLike, labels: ArrayLike, loss: Loss = "softmax_cross_entropy"
) -> tuple[float, float]:
    """Loss and accuracy of a network in inference mode.

    Parameters
    ----------
    network : Network
        Its outputs are what `loss` takes: logits, by default.
    x : array (batch, features)
    labels : integer array (batch,), or what `loss` takes
        True and False are the classes 1 and 0.
    loss : str or pair of callables, default "softmax_cross_entropy"
        As in `fit`.

    Returns
    -------
    loss : float
        The mean, by default softmax cross-entropy in nats; not a number where the output is not
        finite.
    accuracy : float
        Fraction of examples whose largest output is that of their class; with binary or sigmoid
        cross-entropy of one output, whose probability is above 1/2 where the target is 1 and not
        where it is 0. An example whose output is not finite does not count as right. Not a number
        where the labels are neither classes, integers with one for each example, nor such 0 and 1.

    Raises
    ------
    ValueError
        If a shape does not fit, or there is no loss of this name.
    TypeError
        If an array does not hold numbers of the right kind.

    Notes
    -----
    The network sees some thousand examples at a time, so that a large set needs no more memory than
    its outputs do.

    Examples
    --------
    >>> from gradlab.layers import Activation
    >>> evaluate(Network([Activation("relu")]), [[0.0, 0.0], [0.0, 0.0]], labels=[0, 1])
    (0.6931471805599453, 0.5)
    """
    (value_of, _), network = as_loss(loss), as_network(network)
    inputs, target = as_examples(x, labels, "x", "labels")
    out = outputs(network, inputs)
    target = as_targets("labels", target, out.shape[1:], value_of)
    return measured(value_of, out, target)


def fit(
    network: Network,
    train: tuple[ArrayLike, ArrayLike],
    validation: tuple[ArrayLike, ArrayLike] | None,
    optimizer: OptimizerLike,
    *,
    epochs: int,
    batch_size: int,
    schedule: Schedule | None = None,
    clip: Clip | None = None,
    early_stopping: EarlyStopping | None = None,
    augment: Callable[[FloatArray, np.random.Generator], ArrayLike] | None = None,
    callbacks: Iterable[Callable[[int, Network, History], Any]] = (),
    progress: bool = True,
    loss: Loss = "softmax_cross_entropy",
    evaluate_train: bool = True,
    rng: np.random.Generator,
) -> History:
    """Train a network on shuffled mini-batches.

    Parameters
    ----------
    network : Network
        Trained in place; layers that are frozen stay as they are.
    train : pair (x, labels)
        Arrays (examples, features) and, for the default loss, (examples,) of integers 0, 1, ..., or
        of True and False. Data frames of numbers will do too.
    validation : pair (x, labels) or None
        Held-out examples, never trained on.
    optimizer : OptimizerLike
        Anything with ``step(params, grads)``. One of `gradlab.optimizers` that was used for this
        network before goes on from there, with its memory; one that has a memory of another
        network is refused. Weights decay if it says so: ``SGD(0.1, weight_decay=1e-3)``, and with
        ``decay_biases=False`` biases, scales and shifts are spared.
    epochs : int
        Passes over the training set, at least 0.
    batch_size : int
        At least 1. The last mini-batch of an epoch holds what is left. If that is less than the
        ``smallest_batch`` of a layer, it is left out of that epoch: one example, where there is
        batch normalization.
    schedule : callable or PerformanceSchedule, optional
        Sets ``optimizer.learning_rate`` before each step: a function of the step, counted from 0
        through all epochs, such as ``lambda step: cosine_decay(step, 0.1, 1000)`` with one of
        `gradlab.schedules`; or one that is updated after each epoch, with the validation loss, or
        the accuracy if its mode is "max". Such a one is for one network, as `early_stopping` is.
    clip : float or callable, optional
        A number is the largest norm of all gradients together (`clip_by_global_norm`), which are
        shortened in place where all layers are of this package. A callable takes the list of
        gradients and returns another, or a pair that begins with it. What the optimizer adds for
        weight decay comes afterwards and is not clipped, as in PyTorch.
    early_stopping : EarlyStopping, optional
        Updated after each epoch, with the validation loss, or the accuracy if its mode is "max".
        At the end of the run, whatever ended it, an error included, the network gets the arrays of
        its best epoch back, running statistics included. One that was used for this network before
        goes on from there; one that was used for another network is refused, because it would give
        this network the arrays of that one. A deep copy, or what is read from a pickle, belongs to
        no network yet.
    augment : callable, optional
        Called with the inputs of each mini-batch, (batch, features), and `rng`; returns what the
        network is shown in their place.
    callbacks : sequence of callables
        Called after each epoch with the epoch, counted from 0, the network and the history so far.
        True ends the run. An error that one raises, as any in the course of the run, leaves `fit`
        with the record so far as its attribute ``history``.
    progress : bool, default True
        Show a line on stderr while training, if somebody is there to see it: in a terminal or a
        notebook in use. Nothing is written to files and pipes, and in notebooks that are executed
        without a person, as those of a book or of a grader are.
    loss : str or pair of callables, default "softmax_cross_entropy"
        Also "squared_error", "binary_cross_entropy", "sigmoid_cross_entropy", which takes logits,
        and "kl_divergence", with targets of the output's shape; or a pair of functions of (output,
        target), the loss and its gradient with respect to the output.
    evaluate_train : bool, default True
        Measure loss and accuracy on the training set after each epoch; False saves the time.
    rng : numpy.random.Generator
        Shuffles and augments; with those of the network's layers it makes the run reproducible.

    Returns
    -------
    History
        ``stopped`` says why the run ended early: Ctrl-C, which loses nothing of the record, early
        stopping, a callback, or a loss or gradient that is not finite, with its step and epoch.

    Raises
    ------
    ValueError
        If shapes or sizes do not fit, a number is outside its range, an input is not finite,
        `early_stopping` or a `PerformanceSchedule` has no validation set to go by, or one of them
        or the optimizer remembers the training of another network.
    TypeError
        If an argument is not of its type.

    Notes
    -----
    Shapes and targets of both sets are checked before the first step. An error from inside a
    function or layer of your own is raised as it is, with a note that says which one it was.

    Decks C "Mini-batch update" and "Setting up a problem", H "Performance Scheduling", "Early
    Stopping" and "Gradient Clipping".

    Examples
    --------
    >>> from gradlab.layers import Dense
    >>> from gradlab.optimizers import SGD
    >>> from gradlab.schedules import cosine_decay
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(100, 2))
    >>> network = Network([Dense(2, 2, rng)])
    >>> history = fit(
    ...     network, (x, x[:, 0] > x[:, 1]), None, SGD(1.0), epochs=5, batch_size=20, rng=rng,
    ...     schedule=lambda step: cosine_decay(step, 1.0, 25),
    ... )
    >>> len(history.step_loss), history.train_accuracy[-1] > 0.9
    (25, True)
    """
    history, epochs = History(), as_integer("epochs", epochs, low=0)
    run = _Run(
        network=as_network(network),
        train=_as_set("train", train),
        validation=None if validation is None else _as_set("validation", validation),
        optimizer=_as_optimizer(optimizer),
        batch_size=as_integer("batch_size", batch_size, low=1),
        schedule=_as_schedule(schedule),
        clip=_as_clip(clip),
        early_stopping=_as_stopping(early_stopping),
        augment=None if augment is None else as_function("augment", augment, "x", "rng"),
        callbacks=_as_callbacks(callbacks),
        loss=as_loss(loss),
        evaluate_train=as_flag("evaluate_train", evaluate_train),
        rng=as_rng("rng", rng),
        history=history,
        bar=_Bar(as_flag("progress", progress) and epochs > 0),
    )
    run.check()
    epoch = 0
    try:
        # What a diverging run computes on its way is reported as a loss, not as a warning.
        with np.errstate(over="ignore", invalid="ignore"):
            for epoch in range(epochs):
                history.stopped = run.train_epoch(epoch, epochs) or run.end_epoch(epoch)
                if history.stopped:
                    break
    except KeyboardInterrupt:
        history.stopped = f"interrupted after step {len(history.step_loss)}, in epoch {epoch + 1}"
    except Exception as error:
        history.stopped = f"{type(error).__name__}, in epoch {epoch + 1}"
        with suppress(AttributeError):
            error.history = history  # type: ignore[attr-defined]
        raise
    finally:
        run.bar.close()
        if early_stopping is not None and early_stopping.best_step is not None:
            early_stopping.restore(network.arrays())
    return history


@dataclass
class _Run:
    """The checked arguments of `fit`, and what one step and one epoch do with them."""

    network: Network
    train: tuple[FloatArray, NDArray[Any]]
    validation: tuple[FloatArray, NDArray[Any]] | None
    optimizer: OptimizerLike
    batch_size: int
    schedule: Schedule | None
    clip: Clip | None
    early_stopping: EarlyStopping | None
    augment: Callable[[FloatArray, np.random.Generator], ArrayLike] | None
    callbacks: list[Callable[[int, Network, History], Any]]
    loss: tuple[Callable[..., float], Callable[..., ArrayLike]]
    evaluate_train: bool
    rng: np.random.Generator
    history: History
    bar: _Bar
    shape: tuple[int, ...] = ()
    layers_are_ours: bool = False
    joined: FloatArray | None = None
    """The vector in which all gradients of an epoch stand, where they do."""
    lists: tuple[list[FloatArray], list[FloatArray]] | None = None

    def check(self) -> None:
        """Refuse arguments that do not go together."""
        value_of = self.loss[0]
        shape, self.train = as_trainable("train", self.network, self.train, value_of)
        self.shape = shape
        if self.validation is not None:
            _, self.validation = as_trainable("validation", self.network, self.validation, value_of)
        judges = {"early_stopping": self.early_stopping, "schedule": self.schedule}
        for name, judge in judges.items():
            if not isinstance(judge, (EarlyStopping, PerformanceSchedule)):
                continue
            if self.validation is None:
                raise ValueError(f"validation must be given for {name} to go by, got None")
            if judge.mode == "max" and not is_judged(self.validation[1], shape, value_of):
                raise ValueError(f"{name} must have mode 'min' where labels are not classes")
        if self.schedule is not None and not hasattr(self.optimizer, "learning_rate"):
            raise TypeError("optimizer must have a learning_rate for schedule to set")
        smallest = self.network.smallest_batch
        for name, size in (("batch_size", self.batch_size), ("train", len(self.train[0]))):
            if size < smallest:
                raise ValueError(
                    f"{name} must be at least {smallest} examples, the smallest_batch of a layer "
                    f"such as batch normalization, got {size}"
                )

        memories: dict[str, Any] = {"optimizer": self.optimizer, **judges}
        owners = {
            name: owned._owner.claim(name, self.network, owned._is_used())
            for name, owned in memories.items()
            if isinstance(getattr(owned, "_owner", None), Owner)
        }
        self.check_restore()
        for name, owner in owners.items():
            memories[name]._owner = owner

    def check_restore(self) -> None:
        """Refuse a best epoch that could not be restored at the end of the run."""
        if self.early_stopping is None or self.early_stopping.best_step is None:
            return
        try:
            self.early_stopping.restore([array.copy() for array in self.network.arrays()])
        except (RuntimeError, ValueError) as error:
            raise ValueError(
                f"early_stopping must be a new one, or have the arrays of this network: {error}"
            ) from None

    def batches(self) -> Iterator[NDArray[np.int64]]:
        smallest = self.network.smallest_batch
        every = minibatches(len(self.train[0]), self.batch_size, self.rng)
        return (batch for batch in every if len(batch) >= smallest)

    def train_epoch(self, epoch: int, epochs: int) -> str:
        """Train on each mini-batch once, and return why the run must stop, if it must."""
        (x, target), steps = self.train, -(-len(self.train[0]) // self.batch_size)
        # Optimizers, layers and functions of the user may keep the gradients or inputs of a step.
        ours = getattr(self.optimizer.step, "__func__", None) is Optimizer.step
        reuse = ours and not callable(self.clip)
        passes = self.network._training_passes(reuse)
        self.layers_are_ours = self.network._is_ours()
        # What is somebody else's and called within a step may change the layers.
        others = self.augment is not None or self.schedule is not None or not is_named(self.loss)
        alone = reuse and self.layers_are_ours and not others
        self.joined = self.network._join_gradients() if alone else None
        self.lists = None
        kept = self.augment is not None or not self.layers_are_ours
        rows = None if kept else empty((min(self.batch_size, len(x)), *x.shape[1:]), x.dtype)
        for k, batch in enumerate(self.batches()):
            room = None if rows is None else rows[: len(batch)]
            inputs = x.take(batch, axis=0, out=room, mode="clip")
            wrong = self.step(inputs, target[batch], *passes)
            if wrong:
                at = len(self.history.step_loss)
                return f"{wrong} not finite at step {at}, in epoch {epoch + 1}"
            if self.bar.shown:
                loss, done = self.history.step_loss[-1], (epoch + (k + 1) / steps) / epochs
                self.bar.show(done, f"epoch {epoch + 1}/{epochs}  loss {loss:.4g}")
        return ""

    def step(
        self,
        x: FloatArray,
        target: NDArray[Any],
        forward: Callable[[FloatArray], FloatArray],
        backward: Callable[[ArrayLike], Any],
    ) -> str:
        """Update the parameters, and return the name of what is not finite, if something is."""
        history = self.history
        if self.augment is not None:
            with _IN_AUGMENT:
                changed = self.augment(x, self.rng)
            x = _as_augmented(changed, x)
        self.set_rate()
        out, norm = forward(x), math.nan
        checked = out.shape == (len(target), *self.shape)
        loss, slope = loss_and_gradient(self.loss, out, target, checked)
        wrong = "loss" if slope is None else ""
        if slope is not None:
            backward(slope)
            params, grads = self.lists or self.collected()
            if all(map(is_finite, grads)) if self.joined is None else is_finite(self.joined):
                grads, norm = self.clipped(grads)
                with _IN_OPTIMIZER:
                    self.optimizer.step(params, grads)
            else:
                wrong = "gradient"
        # All at once, so that an interrupt leaves lists of one length.
        history.step_loss.append(loss)
        history.learning_rate.append(float(getattr(self.optimizer, "learning_rate", math.nan)))
        if self.clip is not None:
            history.gradient_norm.append(norm)
        return wrong

    def collected(self) -> tuple[list[FloatArray], list[FloatArray]]:
        """Return the parameters and their gradients, which stay the same ones if joined."""
        params, grads = self.network.parameters(), self.network.gradients()
        if shapes_of(params) != shapes_of(grads):
            raise unequal_gradients(self.network)
        if self.joined is not None:
            self.lists = params, grads
        return params, grads

    def set_rate(self) -> None:
        """Give the optimizer the rate of this step."""
        if self.schedule is None:
            return
        optimizer: Any = self.optimizer
        if isinstance(self.schedule, PerformanceSchedule):
            optimizer.learning_rate = self.schedule.value
            return
        with _IN_SCHEDULE:
            rate = self.schedule(len(self.history.step_loss))
            # The optimizer refuses one that is negative or not finite.
            optimizer.learning_rate = as_answer("schedule(step)", rate)

    def clipped(self, grads: list[FloatArray]) -> tuple[list[FloatArray], float]:
        """Return the gradients after clipping, and their norm before it."""
        if self.clip is None:
            return grads, math.nan
        if not callable(self.clip):
            out = grads if self.layers_are_ours else None
            return clip_by_global_norm(grads, self.clip, out=out)
        with _IN_CLIP:
            clipped = self.clip(grads)
        clipped = clipped[0] if isinstance(clipped, tuple) else clipped
        if not isinstance(clipped, (list, tuple)) or len(clipped) != len(grads):
            raise TypeError(
                f"clip(grads) must return a list of {len(grads)} arrays, "
                f"got {type(clipped).__name__}"
            )
        return list(clipped), global_norm(grads)

    def end_epoch(self, epoch: int) -> str:
        """Measure, report, and return why the run must stop, if it must."""
        history, reasons = self.history, []
        last, held_out = 0.0, (math.nan, math.nan)
        if self.evaluate_train:
            last = self.record("train", self.train)[0]
        if self.validation is not None:
            held_out = self.record("validation", self.validation)
            last = last if self.evaluate_train else held_out[0]
        if not math.isfinite(last):
            reasons.append(f"loss not finite after step {len(history.step_loss)}")
        if isinstance(self.schedule, PerformanceSchedule):
            self.schedule.update(held_out[self.schedule.mode == "max"])
        if self.early_stopping is not None and self.early_stopping.update(
            held_out[self.early_stopping.mode == "max"], self.network.arrays()
        ):
            reasons.append(f"no improvement in {self.early_stopping.wait} epoch(s)")
        answers = []
        for k, callback in enumerate(self.callbacks):
            with In(f"callbacks[{k}](epoch, network, history)"):
                answers.append(callback(epoch, self.network, history))
        if any(isinstance(answer, (bool, np.bool_)) and answer for answer in answers):
            reasons.append("a callback asked for it")
        return f"{reasons[0]}, in epoch {epoch + 1}" if reasons else ""

    def record(self, name: str, examples: tuple[FloatArray, NDArray[Any]]) -> tuple[float, float]:
        """Measure on a set of examples, and write it down."""
        x, target = examples
        loss, fraction = measured(self.loss[0], outputs(self.network, x), target)
        getattr(self.history, f"{name}_loss").append(loss)
        if not math.isnan(fraction):
            getattr(self.history, f"{name}_accuracy").append(fraction)
        return loss, fraction


_IN_AUGMENT, _IN_CLIP = In("augment(x, rng)"), In("clip(grads)")
_IN_OPTIMIZER, _IN_SCHEDULE = In("optimizer.step(params, grads)"), In("schedule(step)")


class _Bar:
    """One line on stderr that tells how far a run is, where somebody is there to see it."""

    def __init__(self, shown: bool) -> None:
        self.shown = shown and _is_watched()
        self.next = 0.0
        self.width = 0

    def show(self, done: float, text: str) -> None:
        """Draw the line anew, at most ten times a second."""
        now = time.monotonic()
        if now >= self.next or done >= 1.0:
            self.next = now + 0.1
            filled = int(30 * done)
            line = f"[{'=' * filled}{' ' * (30 - filled)}] {text}"
            # Spaces wipe out what is left of a longer line.
            sys.stderr.write(f"\r{line:<{self.width}}")
            sys.stderr.flush()
            self.width = len(line)

    def close(self) -> None:
        """Leave the last line as it is."""
        if self.width:
            sys.stderr.write("\n")


def _is_watched() -> bool:
    """Tell whether a person sees stderr: a terminal, or a notebook that can ask for input.

    A notebook that is executed for a book or by a grader cannot.
    """
    if getattr(sys.stderr, "isatty", bool)():
        return True
    get_ipython = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)
    return bool(getattr(getattr(get_ipython(), "kernel", None), "_allow_stdin", False))


def _as_set(name: str, pair: Any) -> tuple[FloatArray, NDArray[Any]]:
    """Return the inputs and labels of a data set."""
    if not isinstance(pair, (tuple, list)) or len(pair) != 2:
        raise TypeError(f"{name} must be a pair (x, labels), got {type(pair).__name__}")
    x, labels = as_examples(pair[0], pair[1], name, name)
    if not is_finite(x):
        raise ValueError(f"{name} must be finite, got nan or infinity in its inputs")
    return x, labels


def _as_augmented(value: ArrayLike, x: FloatArray) -> FloatArray:
    changed = as_batch("augment(x, rng)", value)
    if changed.shape != x.shape:
        raise ValueError(f"augment(x, rng) must have shape {x.shape}, as x, got {changed.shape}")
    return changed


def _as_optimizer(optimizer: Any) -> OptimizerLike:
    if isinstance(optimizer, type):
        raise TypeError(f"optimizer must be an object, got the class {optimizer.__name__}")
    if not callable(getattr(optimizer, "step", None)):
        raise TypeError(f"optimizer must have a method step, got {type(optimizer).__name__}")
    as_function("optimizer.step", optimizer.step, "params", "grads")
    return optimizer


def _as_schedule(schedule: Any) -> Schedule | None:
    if schedule is None or isinstance(schedule, PerformanceSchedule):
        return schedule
    function = getattr(schedule, "__name__", "cosine_decay")
    remedy = f": write schedule=lambda step: {function}(step, ...), with its settings"
    return as_function("schedule", schedule, "step", remedy=remedy)


def _as_clip(clip: Any) -> Clip | None:
    if clip is None:
        return None
    if callable(clip):
        return as_function("clip", clip, "grads")
    return as_positive("clip", clip)


def _as_stopping(value: Any) -> EarlyStopping | None:
    if value is not None and not isinstance(value, EarlyStopping):
        raise TypeError(f"early_stopping must be an EarlyStopping, got {type(value).__name__}")
    return value


def _as_callbacks(callbacks: Any) -> list[Callable[[int, Network, History], Any]]:
    if not isinstance(callbacks, Iterable) or not all(map(callable, known := list(callbacks))):
        raise TypeError(f"callbacks must be a sequence of callables, got {callbacks!r}")
    for k, callback in enumerate(known):
        as_function(f"callbacks[{k}]", callback, "epoch", "network", "history")
    return known
