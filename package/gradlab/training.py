"""The training loop: mini-batches, and everything that the topics of the book add to them."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gradlab import losses
from gradlab._owner import Owner
from gradlab._validate import FloatArray, as_array, as_batch, as_flag, as_integer, as_real, as_rng
from gradlab.early_stopping import EarlyStopping
from gradlab.gradient_clipping import clip_by_global_norm, global_norm
from gradlab.gradient_descent import minibatches
from gradlab.network import BatchNorm, Network
from gradlab.schedules import PerformanceSchedule
from gradlab.weight_decay import l2_penalty_backward

__all__ = ["History", "evaluate", "fit"]

Loss = str | tuple[Callable[..., float], Callable[..., ArrayLike]]
"""The name of a loss of `gradlab.losses`, or a function of (output, target) and its gradient."""

Clip = float | Callable[[list[FloatArray]], Any]

_LOSSES = ("binary_cross_entropy", "kl_divergence", "softmax_cross_entropy", "squared_error")


class _Steps(Protocol):
    """What `fit` asks of an optimizer."""

    def step(self, params: Sequence[FloatArray], grads: Sequence[ArrayLike]) -> None:
        """Update the parameters in place."""


@dataclass
class History:
    """What a run recorded.

    Attributes
    ----------
    step_loss : list of float
        Loss of each mini-batch, before its update and without the penalty of weight decay.
    learning_rate : list of float
        The optimizer's, at each step.
    gradient_norm : list of float
        Of all gradients of a step together, before clipping; not a number where the run ended at a
        loss or gradient that was not finite. Empty without clipping.
    train_loss, validation_loss : lists of float
        After each epoch, with the network in inference mode.
    train_accuracy, validation_accuracy : lists of float
        The same; empty where the labels are not classes.
    stopped : str
        Why the run ended before its last epoch; empty if it did not. Steps and epochs are counted
        from 1 there.

    Notes
    -----
    The lists for the validation set are empty where there is none.

    Examples
    --------
    >>> history = History()
    >>> history.step_loss, history.stopped
    ([], '')
    """

    step_loss: list[float] = field(default_factory=list)
    learning_rate: list[float] = field(default_factory=list)
    gradient_norm: list[float] = field(default_factory=list)
    train_loss: list[float] = field(default_factory=list)
    train_accuracy: list[float] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)
    validation_accuracy: list[float] = field(default_factory=list)
    stopped: str = ""


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
    loss : str or pair of callables, default "softmax_cross_entropy"
        As in `fit`.

    Returns
    -------
    loss : float
        The mean, by default softmax cross-entropy in nats; not a number where the output is not
        finite.
    accuracy : float
        Fraction of examples whose largest output is that of their class; 0 for an example whose
        output is not finite. Not a number where the labels are not classes: integers, one for each
        example.

    Raises
    ------
    ValueError
        If a shape does not fit, or there is no loss of this name.
    TypeError
        If an array does not hold numbers of the right kind.

    Examples
    --------
    >>> from gradlab.network import Activation
    >>> evaluate(Network([Activation("relu")]), [[0.0, 0.0], [0.0, 0.0]], labels=[0, 1])
    (0.6931471805599453, 0.5)
    """
    value_of, _ = _as_loss(loss)
    out, target = _as_network(network).forward(x), as_array("labels", labels)
    value = _loss_of(value_of, out, target)
    if not _are_classes(target) or target.shape != out.shape[:1]:
        return value, math.nan
    hits = (out.argmax(axis=1) == target) & np.isfinite(out).all(axis=1)
    return value, float(hits.mean())


def fit(
    network: Network,
    train: tuple[ArrayLike, ArrayLike],
    validation: tuple[ArrayLike, ArrayLike] | None,
    optimizer: _Steps,
    *,
    epochs: int,
    batch_size: int,
    schedule: Callable[[int], float] | PerformanceSchedule | None = None,
    clip: Clip | None = None,
    early_stopping: EarlyStopping | None = None,
    weight_decay: float = 0.0,
    augment: Callable[[FloatArray, np.random.Generator], ArrayLike] | None = None,
    callbacks: Iterable[Callable[[int, Network, History], Any]] = (),
    progress: bool = True,
    loss: Loss = "softmax_cross_entropy",
    rng: np.random.Generator,
) -> History:
    """Train a network on shuffled mini-batches.

    Parameters
    ----------
    network : Network
        Trained in place; layers that are frozen stay as they are.
    train : pair (x, labels)
        Arrays (examples, features) and, for the default loss, (examples,).
    validation : pair (x, labels) or None
        Held-out examples, never trained on.
    optimizer : optimizer
        Anything with ``step(params, grads)``. One of `gradlab.optimizers` that was used for this
        network before goes on from there, with its memory; one that has a memory of another
        network is refused.
    epochs : int
        Passes over the training set, at least 0.
    batch_size : int
        At least 1. The last mini-batch of an epoch holds what is left. If that is one example, and
        the network has batch normalization, which has no use for a batch of one, it is left out of
        that epoch.
    schedule : callable or PerformanceSchedule, optional
        Sets ``optimizer.learning_rate`` before each step: a function of the step, counted from 0
        through all epochs; or one that is updated after each epoch, with the validation loss, or
        the accuracy if its mode is "max". Such a one is for one network, as `early_stopping` is.
    clip : float or callable, optional
        A number is the largest norm of all gradients together (`clip_by_global_norm`). A callable
        takes the list of gradients and returns another, or a pair that begins with it. The gradient
        of the weight decay is part of what is clipped.
    early_stopping : EarlyStopping, optional
        Updated after each epoch, with the validation loss, or the accuracy if its mode is "max".
        At the end of the run, whatever ended it, an error included, the network gets the arrays of
        its best epoch back, running statistics included. One that was used for this network before
        goes on from there; one that was used for another network is refused, because it would give
        this network the arrays of that one. A deep copy, or what is read from a pickle, belongs to
        no network yet.
    weight_decay : float, default 0
        Strength of an L2 penalty (`gradlab.weight_decay.l2_penalty`) on the weights; arrays of
        fewer than two dimensions, which are biases, scales and shifts, are left alone.
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
        Also "squared_error", "binary_cross_entropy" and "kl_divergence", with targets of the
        output's shape; or a pair of functions of (output, target), the loss and its gradient with
        respect to the output.
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
    Weight decay and gradient clipping of an optimizer come after these: its own ``weight_decay`` is
    not clipped.

    Decks C "Mini-batch update" and "Setting up a problem", H "Performance Scheduling", "Early
    Stopping" and "Gradient Clipping".

    Examples
    --------
    >>> from gradlab.network import Dense
    >>> from gradlab.optimizers import SGD
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(100, 2))
    >>> labels = (x[:, 0] > x[:, 1]).astype(int)
    >>> network = Network([Dense(2, 2, rng)])
    >>> history = fit(network, (x, labels), None, SGD(1.0), epochs=5, batch_size=20, rng=rng)
    >>> len(history.step_loss), history.train_accuracy[-1] > 0.9
    (25, True)
    """
    history, epochs = History(), as_integer("epochs", epochs, low=0)
    run = _Run(
        network=_as_network(network),
        train=_as_examples("train", train),
        validation=None if validation is None else _as_examples("validation", validation),
        optimizer=_as_optimizer(optimizer),
        batch_size=as_integer("batch_size", batch_size, low=1),
        schedule=_as_callable("schedule", schedule, PerformanceSchedule),
        clip=clip
        if callable(clip) or clip is None
        else as_real("clip", clip, low=0, low_open=True),
        early_stopping=_as_stopping(early_stopping),
        weight_decay=as_real("weight_decay", weight_decay, low=0.0),
        augment=_as_callable("augment", augment),
        callbacks=_as_callbacks(callbacks),
        loss=_as_loss(loss),
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
    optimizer: _Steps
    batch_size: int
    schedule: Callable[[int], float] | PerformanceSchedule | None
    clip: Clip | None
    early_stopping: EarlyStopping | None
    weight_decay: float
    augment: Callable[[FloatArray, np.random.Generator], ArrayLike] | None
    callbacks: list[Callable[[int, Network, History], Any]]
    loss: tuple[Callable[..., float], Callable[..., ArrayLike]]
    rng: np.random.Generator
    history: History
    bar: _Bar

    def check(self) -> None:
        """Refuse arguments that do not go together."""
        judges = {"early_stopping": self.early_stopping, "schedule": self.schedule}
        for name, judge in judges.items():
            if not isinstance(judge, (EarlyStopping, PerformanceSchedule)):
                continue
            if self.validation is None:
                raise ValueError(f"validation must be given for {name} to go by, got None")
            if judge.mode == "max" and not _are_classes(self.validation[1]):
                raise ValueError(f"{name} must have mode 'min' where labels are not classes")
        if self.schedule is not None and not hasattr(self.optimizer, "learning_rate"):
            raise TypeError("optimizer must have a learning_rate for schedule to set")
        if self.needs_pairs():
            for name, size in (("batch_size", self.batch_size), ("train", len(self.train[0]))):
                if size < 2:
                    raise ValueError(
                        f"{name} must be at least 2 examples with batch normalization, got {size}"
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

    def needs_pairs(self) -> bool:
        """Tell whether a mini-batch of one example is of no use."""
        return any(isinstance(b, BatchNorm) and b.trainable for b in self.network.layers)

    def batches(self) -> Iterator[NDArray[np.int64]]:
        smallest = 2 if self.needs_pairs() else 1
        every = minibatches(len(self.train[0]), self.batch_size, self.rng)
        return (batch for batch in every if len(batch) >= smallest)

    def train_epoch(self, epoch: int, epochs: int) -> str:
        """Train on each mini-batch once, and return why the run must stop, if it must."""
        (x, target), steps = self.train, -(-len(self.train[0]) // self.batch_size)
        for k, batch in enumerate(self.batches()):
            wrong = self.step(x[batch], target[batch])
            if wrong:
                at = len(self.history.step_loss)
                return f"{wrong} not finite at step {at}, in epoch {epoch + 1}"
            done = (epoch + (k + 1) / steps) / epochs
            self.bar.show(
                done, f"epoch {epoch + 1}/{epochs}  loss {self.history.step_loss[-1]:.4g}"
            )
        return ""

    def step(self, x: FloatArray, target: NDArray[Any]) -> str:
        """Update the parameters, and return the name of what is not finite, if something is."""
        history, network = self.history, self.network
        if self.augment is not None:
            x = _as_augmented(self.augment(x, self.rng), x)
        if isinstance(self.schedule, PerformanceSchedule):
            self.optimizer.learning_rate = self.schedule.value  # type: ignore[attr-defined]
        elif self.schedule is not None:
            rate = float(self.schedule(len(history.step_loss)))
            self.optimizer.learning_rate = rate  # type: ignore[attr-defined]
        out = network.forward(x, training=True)
        loss, norm = _loss_of(self.loss[0], out, target), math.nan
        wrong = "" if math.isfinite(loss) else "loss"
        if not wrong:
            network.backward(self.loss[1](out, target))
            params, grads = network.parameters(), network.gradients()
            if all(np.isfinite(grad).all() for grad in grads):
                grads, norm = self.changed(params, grads)
                self.optimizer.step(params, grads)
            else:
                wrong = "gradient"
        # All at once, so that an interrupt leaves lists of one length.
        history.step_loss.append(loss)
        history.learning_rate.append(float(getattr(self.optimizer, "learning_rate", math.nan)))
        if self.clip is not None:
            history.gradient_norm.append(norm)
        return wrong

    def changed(
        self, params: list[FloatArray], grads: list[FloatArray]
    ) -> tuple[list[FloatArray], float]:
        """Return the gradients with weight decay and clipping, and their norm between the two."""
        if self.weight_decay > 0:
            grads = [
                g + l2_penalty_backward([w], self.weight_decay)[0] if w.ndim > 1 else g
                for w, g in zip(params, grads, strict=True)
            ]
        if self.clip is None:
            return grads, math.nan
        if not callable(self.clip):
            return clip_by_global_norm(grads, self.clip)
        clipped = self.clip(grads)
        return clipped[0] if isinstance(clipped, tuple) else clipped, global_norm(grads)

    def end_epoch(self, epoch: int) -> str:
        """Measure, report, and return why the run must stop, if it must."""
        history = self.history
        metrics = evaluate(self.network, *self.train, self.loss)
        held_out = (math.nan, math.nan)
        if self.validation is not None:
            held_out = evaluate(self.network, *self.validation, self.loss)
            history.validation_loss.append(held_out[0])
            if _are_classes(self.validation[1]):
                history.validation_accuracy.append(held_out[1])
        history.train_loss.append(metrics[0])
        if _are_classes(self.train[1]):
            history.train_accuracy.append(metrics[1])
        reasons = []
        if not math.isfinite(metrics[0]):
            reasons.append(f"loss not finite after step {len(history.step_loss)}")
        if isinstance(self.schedule, PerformanceSchedule):
            self.schedule.update(held_out[self.schedule.mode == "max"])
        if self.early_stopping is not None and self.early_stopping.update(
            held_out[self.early_stopping.mode == "max"], self.network.arrays()
        ):
            reasons.append(f"no improvement in {self.early_stopping.wait} epoch(s)")
        answers = [callback(epoch, self.network, history) for callback in self.callbacks]
        if any(isinstance(answer, (bool, np.bool_)) and answer for answer in answers):
            reasons.append("a callback asked for it")
        return f"{reasons[0]}, in epoch {epoch + 1}" if reasons else ""


class _Bar:
    """One line on stderr that tells how far a run is, where somebody is there to see it."""

    def __init__(self, shown: bool) -> None:
        self.shown = shown and _is_watched()
        self.next = 0.0
        self.width = 0

    def show(self, done: float, text: str) -> None:
        """Draw the line anew, at most ten times a second."""
        now = time.monotonic()
        if self.shown and (now >= self.next or done >= 1.0):
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


def _are_classes(target: NDArray[Any]) -> bool:
    return target.ndim == 1 and target.dtype.kind in "iu"


def _loss_of(value_of: Callable[..., float], out: FloatArray, target: NDArray[Any]) -> float:
    return float(value_of(out, target)) if np.isfinite(out).all() else math.nan


def _as_loss(loss: Loss) -> tuple[Callable[..., float], Callable[..., ArrayLike]]:
    if isinstance(loss, str):
        if loss not in _LOSSES:
            raise ValueError(f"loss must be one of {list(_LOSSES)} or a pair, got {loss!r}")
        return getattr(losses, loss), getattr(losses, f"{loss}_backward")
    if not isinstance(loss, tuple) or len(loss) != 2 or not all(map(callable, loss)):
        raise TypeError(f"loss must be a name or a pair of functions, got {loss!r}")
    return loss


def _as_examples(name: str, pair: Any) -> tuple[FloatArray, NDArray[Any]]:
    """Return the inputs and labels of a data set."""
    if not isinstance(pair, (tuple, list)) or len(pair) != 2:
        raise TypeError(f"{name} must be a pair (x, labels), got {type(pair).__name__}")
    x, labels = as_batch(name, pair[0]), as_array(name, pair[1])
    if labels.shape[:1] != x.shape[:1]:
        raise ValueError(
            f"{name} must have one label for each of its {len(x)} rows, got shape {labels.shape}"
        )
    if not np.isfinite(x).all():
        raise ValueError(f"{name} must be finite, got nan or infinity in its inputs")
    return x, labels


def _as_augmented(value: ArrayLike, x: FloatArray) -> FloatArray:
    changed = as_batch("augment(x, rng)", value)
    if len(changed) != len(x):
        raise ValueError(f"augment(x, rng) must have {len(x)} rows, as x, got {len(changed)}")
    return changed


def _as_network(network: Any) -> Network:
    if not isinstance(network, Network):
        raise TypeError(f"network must be a Network, got {type(network).__name__}")
    return network


def _as_optimizer(optimizer: Any) -> _Steps:
    if isinstance(optimizer, type):
        raise TypeError(f"optimizer must be an object, got the class {optimizer.__name__}")
    if not callable(getattr(optimizer, "step", None)):
        raise TypeError(f"optimizer must have a method step, got {type(optimizer).__name__}")
    return optimizer


def _as_callable(name: str, value: Any, *others: type) -> Any:
    if value is not None and not callable(value) and not isinstance(value, others):
        raise TypeError(f"{name} must be callable, got {value!r}")
    return value


def _as_stopping(value: Any) -> EarlyStopping | None:
    if value is not None and not isinstance(value, EarlyStopping):
        raise TypeError(f"early_stopping must be an EarlyStopping, got {type(value).__name__}")
    return value


def _as_callbacks(callbacks: Any) -> list[Callable[[int, Network, History], Any]]:
    if not isinstance(callbacks, Iterable) or not all(map(callable, known := list(callbacks))):
        raise TypeError(f"callbacks must be a sequence of callables, got {callbacks!r}")
    return known
