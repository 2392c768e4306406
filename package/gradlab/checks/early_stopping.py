"""Checks of the exercise ``early-stopping``.

All metrics are multiples of one quarter, so that every way to write a comparison gives the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradlab.checks._edits import mistakes
from gradlab.checks._model import Case, Exercise, criteria
from gradlab.early_stopping import EarlyStopping

Array = NDArray[Any]

NAN = float("nan")
UNTRAINED = 100.0
"""The loss before the first epoch: above all others, as it usually is."""
INF = float("inf")


# ---- runs


class _Run:
    """Losses of a run, built from what happens in it: each method adds epochs."""

    def __init__(self, rng: np.random.Generator, start: float = 20.0) -> None:
        self._rng = rng
        self.best = start + 0.25 * float(rng.integers(0, 12))
        self.losses = [self.best]

    def better(self, epochs: int) -> _Run:
        """Add epochs that improve by 0.75 to 1.5, more than any least improvement in use."""
        for _ in range(epochs):
            self.best -= 0.25 * float(self._rng.integers(3, 7))
            self.losses.append(self.best)
        return self

    def just_better(self) -> _Run:
        """Add an epoch that improves by 0.75, but no longer if a small change became the best."""
        self.best -= 0.75
        self.losses.append(self.best)
        return self

    def off(self, *quarters: float) -> _Run:
        """Add epochs that are so many quarters above the best one, which stays the best."""
        self.losses += [self.best + 0.25 * k for k in quarters]
        return self

    def falling(self, epochs: int) -> _Run:
        """Add a jump, and epochs that fall from there without reaching the best."""
        drops = np.cumsum(self._rng.integers(1, 4, epochs))
        return self.off(*(float(k) for k in drops[::-1]))

    def rising(self, epochs: int) -> _Run:
        """Add epochs that rise from the best."""
        return self.off(*(float(k) for k in np.cumsum(self._rng.integers(1, 4, epochs))))


def _printed(values: Sequence[float]) -> str:
    return ", ".join(f"{value:g}" for value in values)


def _long_run(rng: np.random.Generator, patience: int) -> list[float]:
    """A jump that patience survives, a new best, a stop, and a better loss that nobody sees.

    Bad epochs fall, there are many of them altogether, and one after the best is as good as it.
    Long after the stop the losses rise, so that a comparison with the epoch before stops there.
    """
    run = _Run(rng).better(int(rng.integers(1, 4))).falling(patience - 1)
    run.better(int(rng.integers(1, 3))).off(2, 0).falling(patience)
    return run.better(2).rising(patience + 1).losses


def _slow_run(rng: np.random.Generator, patience: int) -> list[float]:
    """For a least improvement of 0.5: changes that are smaller, or just as large, on the way."""
    run = _Run(rng).better(int(rng.integers(1, 3))).falling(patience - 2).off(-1)
    run.just_better().better(int(rng.integers(0, 2))).off(-2).just_better()
    return run.off(1).falling(patience - 1).off(-1, -2).better(1).losses


# ---- one more metric, as often as there are metrics


def _update(
    best: float, wait: int, metric: float, patience: int, min_delta: float, mode: str
) -> tuple[float, int, bool]:
    stopping = EarlyStopping(patience, min_delta, mode)
    stopping.best, stopping.wait = best, wait
    stop = stopping.update(metric)
    return stopping.best, stopping.wait, stop


def _follow(
    function: Callable[..., tuple[Any, Any, Any]],
    metrics: tuple[float, ...],
    patience: int,
    min_delta: float,
    mode: str,
) -> tuple[list[Any], ...]:
    """Best, wait and stop after each epoch; what the function returned goes into its next call.

    Wait and stop are right as well if they follow from the best and the wait that went in.
    """
    best, wait = (INF if mode == "min" else -INF), 0
    right = best, wait, False
    steps = []
    for metric in metrics:
        result = [
            v.item() if isinstance(v, np.ndarray) and v.size == 1 else v
            for v in function(best, wait, metric, patience, min_delta, mode)
        ]
        right = _update(*right[:2], metric, patience, min_delta, mode)
        due = _update(best, wait, metric, patience, min_delta, mode)
        steps.append((bool(np.isfinite(best)), result, due, right))
        best, wait = result[:2]
    # A best that never leaves infinity, or that every metric improves, was not looked for.
    looked_for = any(due[1] > 0 for _, _, due, _ in steps)
    return tuple(
        [
            right[k] if k and looked_for and finite and result[k] == due[k] else result[k]
            for finite, result, due, right in steps
        ]
        for k in range(3)
    )


def _update_case(
    group: str, metrics: Sequence[float], patience: int, min_delta: float, mode: str = "min"
) -> Case:
    kind = "losses" if mode == "min" else "accuracies"
    label = f"patience {patience}, min_delta {min_delta:g}, {kind} {_printed(metrics)}"
    arguments = {
        "metrics": tuple(metrics),
        "patience": patience,
        "min_delta": min_delta,
        "mode": mode,
    }
    return Case(group, label, arguments)


def _accuracies(losses: Sequence[float]) -> list[float]:
    """Turn losses upside down: the best accuracy is where the best loss was."""
    return [80.0 - loss for loss in losses]


def _update_cases(rng: np.random.Generator) -> list[Case]:
    short, long = int(rng.integers(2, 4)), int(rng.integers(3, 6))
    begins_badly = [NAN, INF, *_Run(rng).better(1).falling(1).losses, NAN]
    equal = _Run(rng).better(2).off(0).better(1).losses
    exactly = _Run(rng).better(1).off(-2, -2).better(1).losses
    jumps = _Run(rng).better(1).off(NAN).better(1).falling(1).losses
    return [
        _update_case("loss", _long_run(rng, short), short, 0.0),
        _update_case("loss", _slow_run(rng, long), long, 0.5),
        _update_case("accuracy", _accuracies(_long_run(rng, long)), long, 0.0, "max"),
        _update_case("accuracy", _accuracies(_slow_run(rng, short)), short, 0.5, "max"),
        _update_case("edge", begins_badly, 3, 0.25),
        _update_case("edge", equal, 0, 0.0),
        _update_case("edge", exactly, 2, 0.5),
        _update_case("edge", _accuracies(jumps), 1, 0.25, "max"),
    ]


def _update_answer(
    best: float, wait: int, metric: float, patience: int, min_delta: float, mode: str
) -> tuple[float, int, bool]:
    improved = metric < best - min_delta if mode == "min" else metric > best + min_delta
    if improved:
        best = metric
        wait = 0
    else:
        wait = wait + 1
    return best, wait, wait >= max(patience, 1)


_LATE_HINT = (
    "You stop with the first epoch after the patience is at its end, which is PyTorch's convention "
    "for reducing the rate. Here training stops as soon as `wait` is as large as the patience."
)
_STRICT_HINT = (
    "An epoch that is as good as the best, or better by just the least improvement, does not "
    "improve: the comparison is strict."
)
_IGNORED_HINT = "An epoch has to beat the best one by more than the least improvement."
_TURNED_HINT = (
    "You make it easier to improve, so that a metric a little worse than the best counts. The "
    "least improvement makes it harder."
)
_DRIFT_HINT = (
    "A small change, of no more than the least improvement, becomes the best in your function. "
    "Then several small ones never add up to an improvement. Only a metric that improves becomes "
    "the best."
)
_BEFORE_HINT = (
    "You compare each epoch with the one before. After a jump, a slow way back then counts as "
    "improvement again and again. Compare with the best so far."
)
_RESET_HINT = "Bad epochs count in a row: an improvement sets the count back to 0."
_EARLY_HINT = (
    "Count the epochs after the best one: training stops when they are as many as the patience."
)

UPDATE = Exercise(
    name="early_stopping.update",
    outputs=("best_after", "wait_after", "stop_after"),
    returns=("best", "wait", "stop"),
    reference=_update,
    observe=_follow,
    cases=_update_cases,
    criteria=criteria("""
best, wait and stop are one number each (shape, 0.25)
best is the best loss so far (loss, 0.25)
    best_after: es-improvement
wait counts from there on, and stop comes with the patience (loss, 0.5)
    wait_after, stop_after: es-stop
an accuracy has to rise (accuracy, 0.5)
    best_after, wait_after, stop_after: es-improvement es-stop
metrics that are no numbers, a patience of 0, just the least improvement (edge, 0.5)
    best_after, wait_after, stop_after: es-improvement es-stop
"""),
    model=_update_answer,
    misconceptions=mistakes(
        _update_answer,
        f"""
a best metric that follows every small change (es-improvement, 0.75)
    wait + 1 -> wait + 1; best = min(best, metric) if mode == "min" else max(best, metric)
    {_DRIFT_HINT}
a least improvement that is not used (es-improvement, 0.25)
    best - min_delta -> best & best + min_delta -> best
    {_IGNORED_HINT}
a least improvement with the other sign (es-improvement)
    < best - -> < best + & > best + -> > best -
    > best + -> > best -
    < best - -> < best +
    {_TURNED_HINT}
a comparison that is not strict (es-improvement, 0.25)
    metric < -> metric <= & metric > -> metric >=
    {_STRICT_HINT}
the last metric in place of the best (es-improvement, 0.75)
    wait = wait + 1 -> wait = wait + 1; best = metric
    {_BEFORE_HINT}
a mode that is not used (es-improvement, 1)
    mode == "min" -> True
    In your function no accuracy improves, so that it stops at once, with the worst weights. In mode
    "max" an improvement is a rise.
the two modes exchanged (es-improvement, 0.25)
    mode == "min" -> mode == "max"
    In mode "min" a metric improves when it falls, in mode "max" when it rises.
a loss that never improves (es-improvement, 0.75)
    metric < best - min_delta -> False
    In mode "min" a metric improves when it is below the best one so far, which is infinity at the
    start. In your function none does.
a count that never moves (es-stop, 0.5, idle)
    wait + 1 -> wait
    An epoch that does not improve adds 1 to `wait`.
a count that is never set back (es-stop, 0.5)
    wait = 0 -> pass
    {_RESET_HINT}
a count that begins with the best epoch itself (es-stop, 0.5)
    wait = 0 -> wait = 1
    An epoch that improves is not one without improvement: the count is 0 then, not 1.
a stop one epoch too late (es-stop, 0.5)
    wait >= max(patience, 1) -> wait > patience
    {_LATE_HINT}
a stop one epoch too early (es-stop, 0.5)
    wait >= max(patience, 1) -> wait >= patience - 1
    You stop with the last epoch that the patience still allows. Training stops when `wait` is as
    large as the patience.
a patience of 0 that stops an improving run (es-stop, 1.5)
    max(patience, 1) -> patience
    With a patience of 0, wait >= patience is true even right after an improvement. It means the
    same as 1: stop at the first epoch that does not improve.
""",
    ),
)


# ---- a list of losses


def _epochs(losses: list[float], patience: int, min_delta: float) -> tuple[int, int]:
    stopping = EarlyStopping(patience, min_delta)
    last = 0
    for epoch, loss in enumerate(losses):
        last = epoch
        if stopping.update(loss):
            break
    return last, stopping.best_step or 0


def _best_of_those_trained(
    function: Callable[..., tuple[Any, Any]], losses: list[float], patience: int, min_delta: float
) -> tuple[Any, Any]:
    """The best epoch is right as well if it is that of all that were trained, if too many were."""
    last, best = function(losses, patience, min_delta)
    right = _epochs(losses, patience, min_delta)
    too_many = np.size(last) == np.size(best) == 1 and right[0] < last < len(losses)
    if too_many and best == _epochs(losses[: int(last) + 1], len(losses), min_delta)[1]:
        best = right[1]
    return last, best


def _epochs_case(group: str, losses: list[float], patience: int, min_delta: float) -> Case:
    label = f"patience {patience}, min_delta {min_delta:g}, losses {_printed(losses)}"
    arguments = {"losses": losses, "patience": patience, "min_delta": min_delta}
    return Case(group, label, arguments)


def _epochs_cases(rng: np.random.Generator) -> list[Case]:
    short, long = int(rng.integers(2, 4)), int(rng.integers(4, 6))
    rises = _Run(rng).off(1, 3, 2, 3).better(1).losses
    to_the_end = _Run(rng).better(int(rng.integers(2, 5))).falling(2).better(1).falling(2).losses
    with_nan = _Run(rng).better(int(rng.integers(2, 5))).off(NAN, 1).better(1).falling(2).losses
    # Who passes over the nan, or takes it for the best loss, goes on to the better one.
    nan_counts = _Run(rng).better(int(rng.integers(2, 5))).off(NAN, 1, 2).better(1).losses
    no_patience = _Run(rng).better(int(rng.integers(2, 4))).off(1).better(2).losses
    exactly = _Run(rng).better(1).off(-1, -2, -2, -1).better(1).losses
    return [
        _epochs_case("ordinary", _long_run(rng, short), short, 0.0),
        _epochs_case("ordinary", _long_run(rng, long), long, 0.25),
        _epochs_case("ordinary", _slow_run(rng, long), long, 0.5),
        _epochs_case("ordinary", to_the_end, 4, 0.0),
        _epochs_case("edge", rises, 3, 0.25),
        _epochs_case("edge", with_nan, 3, 0.0),
        _epochs_case("edge", nan_counts, 3, 0.0),
        _epochs_case("edge", no_patience, 0, 0.0),
        _epochs_case("edge", exactly, 3, 0.5),
    ]


def _epochs_answer(losses: list[float], patience: int, min_delta: float) -> tuple[int, int]:
    best, wait, best_epoch = np.inf, 0, 0
    for epoch, loss in enumerate(losses):
        if loss < best - min_delta:
            best, best_epoch = loss, epoch
            wait = 0
        else:
            wait = wait + 1
        if wait >= max(patience, 1):
            break
    return epoch, best_epoch


EPOCHS = Exercise(
    name="early_stopping.epochs",
    outputs=("last", "best"),
    reference=_epochs,
    observe=_best_of_those_trained,
    cases=_epochs_cases,
    criteria=criteria("""
last and best are one number each (shape, 0.25)
the last epoch is right (ordinary, 0.75)
    last: es-stop
the best epoch of those trained is right (ordinary, 0.75)
    best: es-improvement
a run that never gets better, one that never stops, a patience of 0, a nan (edge, 0.5)
    last, best: es-improvement es-stop
the arguments are left as they were (unchanged, 0.25)
"""),
    model=_epochs_answer,
    misconceptions=mistakes(
        _epochs_answer,
        f"""
the best epoch of the whole list (es-stop, 1.25)
    return epoch, best_epoch -> return epoch, int(np.nanargmin(losses))
    What comes after the stop is never trained, however good it would have been. Look for the best
    epoch up to the last one.
the weights of the last epoch (es-stop, 1.25)
    return epoch, best_epoch -> return epoch, epoch
    You return the epoch at which training stops for both. What is kept is the last epoch that
    improved; since then the patience has passed.
epochs counted from 1 (es-stop)
    return epoch, best_epoch -> return epoch + 1, best_epoch + 1
    return epoch, best_epoch -> return epoch + 1, best_epoch
    Here epochs are counted from 0, as the entries of the list are. The last epoch is one less than
    the number of epochs trained.
an epoch found by subtracting the patience (es-stop, 1.25)
    return epoch, best_epoch -> return epoch, epoch - patience
    The best epoch lies that far back only where the patience stopped the run; the list may have
    come to its end before.
a best loss that follows every small change (es-improvement)
    wait + 1 -> wait + 1; best, best_epoch = min((best, best_epoch), (loss, epoch))
    wait + 1 -> wait + 1; best = min(best, loss)
    {_DRIFT_HINT}
a least improvement that is not used (es-improvement, 2)
    best - min_delta -> best
    {_IGNORED_HINT}
a least improvement with the other sign (es-improvement, 0.25)
    best - min_delta -> best + min_delta
    {_TURNED_HINT}
a comparison that is not strict (es-improvement, 0.25)
    loss < best -> loss <= best
    {_STRICT_HINT}
a comparison with the epoch before (es-improvement, 0.25)
    wait + 1 -> wait + 1; best = loss
    {_BEFORE_HINT}
an epoch that never improves (es-improvement, 0.25, idle)
    loss < -> loss >
    In your function no epoch ever improves. A loss improves when it is below the best one so far,
    which is infinity at the start.
a count that is never set back (es-stop, 0.25)
    wait = 0 -> pass
    {_RESET_HINT}
a run that never stops (es-stop, 1.25)
    wait >= max(patience, 1) -> False
    You always come to the end of the list. Does the count of epochs without improvement grow, and
    is it compared with the patience?
a stop one epoch too late (es-stop, 1.25)
    wait >= max(patience, 1) -> wait > patience
    {_LATE_HINT}
a stop one epoch too early (es-stop, 0.25)
    wait >= max(patience, 1) -> epoch and wait >= patience - 1
    wait = 0 -> wait = 1 & wait >= max(patience, 1) -> epoch and wait >= max(patience, 1)
    {_EARLY_HINT}
""",
    ),
)


# ---- the smallest patience


def _patience(losses: list[float]) -> int:
    lowest = int(np.argmin(losses))
    patience = 1
    while _epochs(losses, patience, 0.0)[1] != lowest:
        patience += 1
    return patience


def _run_with_gaps(rng: np.random.Generator, gaps: Sequence[int], tail: int) -> list[float]:
    """A run in which a new best comes so many epochs after the one before, and a bad end."""
    run = _Run(rng, 30.0)
    for gap in gaps:
        run.falling(gap - 1).better(1)
    return run.falling(tail).losses


def _patience_cases(rng: np.random.Generator) -> list[Case]:
    long = int(rng.integers(3, 5))
    runs = [
        ("ordinary", _run_with_gaps(rng, (1, 2, long, 1, 2), long + 2)),
        ("ordinary", _run_with_gaps(rng, (2, long + 2, 1, long), 1)),
        ("ordinary", _run_with_gaps(rng, (1, 1, 2, 1), 4)),
        ("edge", _run_with_gaps(rng, (1,) * long, 0)),
        ("edge", _run_with_gaps(rng, (), 4)),
        ("edge", _run_with_gaps(rng, (3, long + 1), 0)),
        ("edge", _Run(rng).off(0, 2, 1).better(1).off(2, 1).better(1).off(3, 2, 1, 2, 0).losses),
    ]
    return [Case(group, f"losses {_printed(losses)}", {"losses": losses}) for group, losses in runs]


def _patience_answer(losses: list[float]) -> int:
    best_epoch = 0
    longest = 1
    for epoch, loss in enumerate(losses):
        if loss < losses[best_epoch]:
            longest = max(longest, epoch - best_epoch)
            best_epoch = epoch
    return longest


PATIENCE = Exercise(
    name="early_stopping.patience",
    outputs=("patience",),
    reference=_patience,
    cases=_patience_cases,
    criteria=criteria("""
the smallest patience of an ordinary run (ordinary, 0.75)
    patience: es-stop
losses that only fall or only rise, equal ones, the lowest at the end (edge, 0.5)
    patience: es-stop
the arguments are left as they were (unchanged, 0.25)
"""),
    model=_patience_answer,
    misconceptions=mistakes(
        _patience_answer,
        f"""
the longest row of bad epochs (es-stop, 0)
    epoch - best_epoch -> epoch - best_epoch - 1
    epoch - best_epoch -> epoch - best_epoch - 1 & longest = 1 -> longest = 0
    A patience of that many would stop at the last of them. It has to be larger by one, so that the
    epoch that improves is still trained.
one more than it takes (es-stop, 0)
    return longest -> return longest + 1
    Try your answer and the one below it: training stops when as many epochs as the patience have
    passed without improvement, not one later.
the bad epochs after the best one (es-stop, 0)
    return longest -> return max(longest, epoch - best_epoch)
    return longest -> return max(longest, epoch - best_epoch + 1)
    Once the lowest loss is reached, training may stop at any time: the end of the run needs no
    patience.
all bad epochs together (es-stop, 0)
    max(longest, epoch - best_epoch) -> longest + epoch - best_epoch - 1
    max(longest, epoch -> (longest - 1 + epoch & return longest -> return longest - 1 or 1
    Each improvement sets the count back to 0, so that only the longest wait matters, not the sum.
a comparison with the epoch before (es-improvement, 0)
    losses[best_epoch] -> losses[epoch - 1]
    {_BEFORE_HINT}
the epoch of the lowest loss (es-stop, 0)
    return longest -> return best_epoch
    return longest -> return max(best_epoch, 1)
    return longest -> return best_epoch + 1
    So much patience is enough, but it need not be the smallest: on the way there the loss has
    improved, and each time the count went back to 0.
an equal loss that counts as a new best (es-improvement, 1)
    loss < -> loss <=
    {_STRICT_HINT}
""",
    ),
)


# ---- training


class _Network:
    """Stands for a network: its arrays change by given amounts, and its losses are given too."""

    def __init__(
        self, weights: Sequence[Array], changes: Sequence[Sequence[Array]], losses: Sequence[float]
    ) -> None:
        self.arrays = [array.copy() for array in weights]
        self.epochs = 0
        self._changes, self._losses = changes, losses

    def parameters(self) -> list[Array]:
        return list(self.arrays)

    def train_epoch(self) -> None:
        if self.epochs == len(self._losses):
            raise RuntimeError("network.train_epoch was called far too often")
        for array, change in zip(self.arrays, self._changes[self.epochs], strict=True):
            array += change
        self.epochs += 1

    def validation_loss(self) -> float:
        # Before the first epoch a network has a loss as well; the exercise does not ask for it.
        return self._losses[self.epochs - 1] if self.epochs else UNTRAINED


def _train(network: _Network, patience: int, max_epochs: int) -> tuple[int, float]:
    stopping = EarlyStopping(patience)
    start = [array.copy() for array in network.parameters()]
    epochs, stop = 0, False
    while epochs < max_epochs and not stop:
        network.train_epoch()
        epochs += 1
        stop = stopping.update(network.validation_loss(), network.parameters())
    if stopping.best_step is not None:
        stopping.restore(network.parameters())
    else:
        for array, kept in zip(network.parameters(), start, strict=True):
            array[...] = kept
    return epochs, stopping.best


def _train_and_look(
    function: Callable[..., tuple[Any, Any]],
    weights: tuple[Array, ...],
    changes: tuple[tuple[Array, ...], ...],
    losses: tuple[float, ...],
    patience: int,
    max_epochs: int,
) -> tuple[Any, ...]:
    """What the function returned, how many epochs it really trained, what the network holds.

    The best of the epochs that were trained is right as well, if not all that was trained is kept.
    """
    network = _Network(weights, changes, losses)
    epochs, best_loss = function(network, patience, max_epochs)
    due, right = _Network(weights, changes, losses), _Network(weights, changes, losses)
    _, best = _train(due, max(network.epochs, 1), network.epochs)
    right_epochs, right_best = _train(right, patience, max_epochs)
    arrays = network.arrays
    if 0 < network.epochs != right_epochs and best != losses[network.epochs - 1]:
        if all(map(np.array_equal, arrays, due.arrays)):
            arrays = right.arrays
        if best_loss == best:
            best_loss = right_best
        if epochs == network.epochs:
            epochs = right_epochs
    return epochs, best_loss, network.epochs, arrays


def _train_case(
    rng: np.random.Generator, group: str, losses: Sequence[float], patience: int, max_epochs: int
) -> Case:
    shapes = (2, 3), (3,)
    seen = f"losses {_printed(losses[:max_epochs])}"
    arguments = {
        "weights": tuple(rng.normal(size=shape) for shape in shapes),
        "changes": tuple(
            tuple(rng.uniform(0.2, 1.0, shape) for shape in shapes) for _ in range(len(losses) + 2)
        ),
        "losses": (*losses, losses[-1], losses[-1]),
        "patience": patience,
        "max_epochs": max_epochs,
    }
    return Case(group, f"patience {patience}, at most {max_epochs} epochs, {seen}", arguments)


def _train_cases(rng: np.random.Generator) -> list[Case]:
    short, long = int(rng.integers(2, 4)), int(rng.integers(3, 5))
    first, second = _long_run(rng, short), _long_run(rng, long)
    # Ends among bad epochs, with the patience not at its end and better losses to come.
    cut = _Run(rng).better(int(rng.integers(2, 4))).falling(3)
    end = len(cut.losses) - 1
    bad_start = [NAN, *_Run(rng).better(2).falling(2).better(1).losses]
    impatient = _Run(rng).better(int(rng.integers(2, 4))).off(1).better(2).losses
    return [
        _train_case(rng, "ordinary", first, short, len(first)),
        _train_case(rng, "ordinary", second, long, len(second)),
        _train_case(rng, "edge", cut.better(2).losses, 4, end),
        _train_case(rng, "edge", bad_start, 2, len(bad_start)),
        _train_case(rng, "edge", impatient, 1, len(impatient)),
        _train_case(rng, "edge", [NAN] * 5, 2, 5),
    ]


def _train_answer(network: _Network, patience: int, max_epochs: int) -> tuple[int, float]:
    best_loss, wait, epochs = np.inf, 0, 0
    kept = [array.copy() for array in network.parameters()]
    for _ in range(max_epochs):
        network.train_epoch()
        epochs = epochs + 1
        loss = network.validation_loss()
        if loss < best_loss:
            best_loss, wait = loss, 0
            kept = [array.copy() for array in network.parameters()]
        else:
            wait = wait + 1
        if wait >= patience:
            break
    for array, best in zip(network.parameters(), kept, strict=True):
        array[...] = best
    return epochs, best_loss


def _copied_too_early(network: _Network, patience: int, max_epochs: int) -> tuple[int, float]:
    """Copy the weights before an epoch, and keep them with its loss."""
    best_loss, wait, epochs = np.inf, 0, 0
    kept = [array.copy() for array in network.parameters()]
    while epochs < max_epochs and wait < patience:
        before = [array.copy() for array in network.parameters()]
        network.train_epoch()
        epochs += 1
        wait += 1
        if network.validation_loss() < best_loss:
            best_loss, wait, kept = network.validation_loss(), 0, before
    for array, best in zip(network.parameters(), kept, strict=True):
        array[...] = best
    return epochs, best_loss


TRAIN = Exercise(
    name="early_stopping.train",
    outputs=("epochs", "best_loss", "epochs_trained", "weights"),
    returns=("epochs", "best_loss"),
    lists=("weights",),
    reference=_train,
    observe=_train_and_look,
    cases=_train_cases,
    criteria=criteria("""
training stops when the patience is at its end (ordinary, 0.75)
    epochs_trained: es-stop
the number of epochs and the best loss of those trained are returned (ordinary, 0.5)
    epochs, best_loss: es-improvement es-stop
the network holds the weights of the best epoch of those trained (ordinary, 1.25)
    weights: es-improvement
max_epochs reached, a nan at first, a patience of 1, losses that are all nan (edge, 0.5)
    epochs, best_loss, epochs_trained, weights: es-improvement es-stop
"""),
    model=_train_answer,
    misconceptions=mistakes(
        _train_answer,
        f"""
the weights of the last epoch (es-improvement, 1.25)
    array[...] = best -> pass
    At the end the network holds what the last epoch left. Either nothing was put back; or what you
    kept are the network's own arrays, which went on changing, and not copies of them; or you gave
    a name to the best arrays and did not write them into the network's.
the weights of the epoch before the best one (es-improvement, 1.25)
    = _copied_too_early
    The loss of an epoch belongs to the weights after it. Train, measure, and copy then.
the best epoch in place of the number of epochs (es-stop, 2)
    return epochs, -> return epochs - wait,
    return epochs, -> return epochs - wait - 1,
    Return how many epochs were trained, those after the best one included.
the last epoch counted from 0 (es-stop, 2)
    return epochs, -> return epochs - 1,
    Return the number of epochs trained: one more than the last epoch counted from 0.
a number of epochs that is not counted (es-stop, 2, idle)
    return epochs, -> return 0,
    return epochs, -> return 1,
    Each round of the loop adds 1 to the number of epochs that you return.
the last loss in place of the best (es-improvement, 2)
    epochs, best_loss -> epochs, loss
    The loss that goes with the weights that you put back is the best one.
training to the end (es-stop, 1.75, idle)
    wait >= patience -> False
    You train for max_epochs and look for the best epoch of all. Early stopping ends training
    before, at the price of what it does not see.
a comparison with the epoch before (es-improvement)
    wait = wait + 1 -> wait = wait + 1; best_loss = loss
    wait = wait + 1 -> wait = wait + 1; best_loss = loss & array[...] = best -> pass
    {_BEFORE_HINT}
an epoch that never improves (es-improvement, 0, idle)
    loss < -> loss >
    In your function no epoch ever improves. A loss improves when it is below the best one so far,
    which is infinity at the start.
a count that is never set back (es-stop, 1.75)
    wait = loss, 0 -> wait = loss, wait
    {_RESET_HINT}
a comparison that is not strict (es-improvement, 1)
    loss < best_loss -> loss <= best_loss
    {_STRICT_HINT}
a stop one epoch too late (es-stop, 1.75)
    wait >= patience -> wait > patience
    {_LATE_HINT}
a stop one epoch too early (es-stop, 1.75)
    wait >= patience -> wait >= patience - 1
    {_EARLY_HINT}
""",
    ),
)

EXERCISES = (UPDATE, EPOCHS, PATIENCE, TRAIN)
