"""Checks of the exercise ``early-stopping``.

All metrics are multiples of one quarter, so that every way to write a comparison gives the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradlab.checks._model import Case, Criterion, Exercise, Misconception
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
    """Best, wait and stop after each epoch; what the function returned goes into its next call."""
    best, wait = (INF if mode == "min" else -INF), 0
    after: tuple[list[Any], ...] = ([], [], [])
    for metric in metrics:
        result = function(best, wait, metric, patience, min_delta, mode)
        for record, value in zip(after, result, strict=True):
            record.append(value)
        best, wait = (
            v.item() if isinstance(v, np.ndarray) and v.size == 1 else v for v in result[:2]
        )
    return after


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


Better = Callable[[float, float, float], bool]
Rule = Callable[..., tuple[float, int, bool, bool]]


def _strictly(metric: float, best: float, min_delta: float) -> bool:
    return metric < best - min_delta


def _rule(
    better: Better = _strictly,
    keep: Callable[[float, float, bool], float] = lambda m, best, improved: m if improved else best,
    count: Callable[[int, bool], int] = lambda wait, improved: 0 if improved else wait + 1,
    enough: Callable[[int, int], bool] = lambda wait, patience: wait >= max(patience, 1),
    sign: Callable[[str], int] = lambda mode: 1 if mode == "min" else -1,
) -> Rule:
    """The rule with one of its parts exchanged; an accuracy is a loss with the other sign.

    The last of its results tells whether the metric improved.
    """

    def rule(
        best: float, wait: int, metric: float, patience: int, min_delta: float, mode: str
    ) -> tuple[float, int, bool, bool]:
        s = sign(mode)
        improved = better(s * metric, s * best, min_delta)
        wait = count(wait, improved)
        return s * keep(s * metric, s * best, improved), wait, enough(wait, patience), improved

    return rule


_DELTA_IGNORED = _rule(lambda m, best, delta: m < best)
_DELTA_TURNED = _rule(lambda m, best, delta: m < best + delta)
_NOT_STRICT = _rule(lambda m, best, delta: m <= best - delta)
_BEST_DRIFTS = _rule(keep=lambda m, best, improved: m if m < best else best)
_LAST_AS_BEST = _rule(keep=lambda m, best, improved: m)
_NEVER_RESET = _rule(count=lambda wait, improved: wait + (not improved))
_COUNTED_FROM_ONE = _rule(count=lambda wait, improved: 1 if improved else wait + 1)
_ONE_LATE = _rule(enough=lambda wait, patience: wait > patience)
_ONE_EARLY = _rule(enough=lambda wait, patience: wait >= patience - 1)


def _updating(rule: Rule) -> Callable[..., Any]:
    return lambda *arguments: rule(*arguments)[:3]


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
_ONE_HINT = "An epoch that improves is not one without improvement: the count is 0 then, not 1."

UPDATE = Exercise(
    name="early_stopping.update",
    outputs=("best_after", "wait_after", "stop_after"),
    returns=("best", "wait", "stop"),
    reference=_update,
    observe=_follow,
    cases=_update_cases,
    criteria=(
        Criterion("best, wait and stop are one number each", 0.25, "shape"),
        Criterion(
            "best is the best loss so far",
            0.25,
            group="loss",
            outputs=("best_after",),
            equations=("es-improvement",),
        ),
        Criterion(
            "wait counts, and stop comes with the patience",
            0.5,
            group="loss",
            outputs=("wait_after", "stop_after"),
            equations=("es-stop",),
        ),
        Criterion(
            "an accuracy has to rise",
            0.5,
            group="accuracy",
            outputs=("best_after", "wait_after", "stop_after"),
            equations=("es-improvement", "es-stop"),
        ),
        Criterion(
            "metrics that are no numbers, a patience of 0, just the least improvement",
            0.5,
            group="edge",
            outputs=("best_after", "wait_after", "stop_after"),
            equations=("es-improvement", "es-stop"),
        ),
    ),
    misconceptions=(
        Misconception(
            "a best metric that follows every small change",
            _DRIFT_HINT,
            "es-improvement",
            (_updating(_BEST_DRIFTS),),
        ),
        Misconception(
            "a least improvement that is not used",
            _IGNORED_HINT,
            "es-improvement",
            (_updating(_DELTA_IGNORED),),
        ),
        Misconception(
            "a least improvement with the other sign",
            _TURNED_HINT,
            "es-improvement",
            (
                _updating(_DELTA_TURNED),
                # Copied from the loss: right there, and wrong for an accuracy.
                lambda best, wait, metric, patience, min_delta, mode: _rule(
                    _strictly if mode == "min" else lambda m, b, delta: m < b + delta
                )(best, wait, metric, patience, min_delta, mode)[:3],
            ),
        ),
        Misconception(
            "a comparison that is not strict",
            _STRICT_HINT,
            "es-improvement",
            (_updating(_NOT_STRICT),),
        ),
        Misconception(
            "the last metric in place of the best",
            _BEFORE_HINT,
            "es-improvement",
            (_updating(_LAST_AS_BEST),),
        ),
        Misconception(
            "a mode that is not used",
            "You wait for an accuracy to fall: it stops at once, with the worst weights. In mode "
            '"max" an improvement is a rise.',
            "es-improvement",
            (_updating(_rule(sign=lambda mode: 1)),),
        ),
        Misconception(
            "the two modes exchanged",
            'In mode "min" a metric improves when it falls, in mode "max" when it rises.',
            "es-improvement",
            (_updating(_rule(sign=lambda mode: -1 if mode == "min" else 1)),),
        ),
        Misconception(
            "a count that is never set back", _RESET_HINT, "es-stop", (_updating(_NEVER_RESET),)
        ),
        Misconception(
            "a count that begins with the best epoch itself",
            _ONE_HINT,
            "es-stop",
            (_updating(_COUNTED_FROM_ONE),),
        ),
        Misconception("a stop one epoch too late", _LATE_HINT, "es-stop", (_updating(_ONE_LATE),)),
        Misconception(
            "a stop one epoch too early",
            "You stop with the last epoch that the patience still allows. Training stops when "
            "`wait` is as large as the patience.",
            "es-stop",
            (_updating(_ONE_EARLY),),
        ),
        Misconception(
            "a patience of 0 that stops an improving run",
            "With a patience of 0, wait >= patience is true even right after an improvement. It "
            "means the same as 1: stop at the first epoch that does not improve.",
            "es-stop",
            (_updating(_rule(enough=lambda wait, patience: wait >= patience)),),
        ),
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


Told = Callable[[int, int, list[float]], tuple[int, int]]


def _epochs_variant(
    rule: Rule, told: Told = lambda last, best, losses: (last, best), drifts: bool = False
) -> Callable[..., tuple[int, int]]:
    """Epochs by a rule; `told` makes the answer of them. What `drifts` keeps every lower loss."""

    def variant(losses: list[float], patience: int, min_delta: float) -> tuple[int, int]:
        best, wait, last, best_epoch = INF, 0, 0, 0
        for epoch, loss in enumerate(losses):
            before, last = best, epoch
            best, wait, stop, improved = rule(best, wait, loss, patience, min_delta, "min")
            if improved or (drifts and best < before):
                best_epoch = epoch
            if stop and epoch:
                break
        return told(last, best_epoch, losses)

    return variant


EPOCHS = Exercise(
    name="early_stopping.epochs",
    outputs=("last", "best"),
    reference=_epochs,
    cases=_epochs_cases,
    criteria=(
        Criterion("last and best are one number each", 0.25, "shape"),
        Criterion(
            "the last epoch is right",
            0.75,
            group="ordinary",
            outputs=("last",),
            equations=("es-stop",),
        ),
        Criterion(
            "the best epoch is right",
            0.75,
            group="ordinary",
            outputs=("best",),
            equations=("es-improvement",),
        ),
        Criterion(
            "a run that never gets better, one that never stops, a patience of 0, a nan",
            0.5,
            group="edge",
            outputs=("last", "best"),
            equations=("es-improvement", "es-stop"),
        ),
        Criterion("the arguments are left as they were", 0.25, "unchanged"),
    ),
    misconceptions=(
        Misconception(
            "the best epoch of the whole list",
            "What comes after the stop is never trained, however good it would have been. Look "
            "for the best epoch up to the last one.",
            "es-stop",
            (
                _epochs_variant(
                    _rule(), lambda last, best, losses: (last, int(np.nanargmin(losses)))
                ),
            ),
        ),
        Misconception(
            "the weights of the last epoch",
            "You return the epoch at which training stops for both. What is kept is the last epoch "
            "that improved; since then the patience has passed.",
            "es-stop",
            (_epochs_variant(_rule(), lambda last, best, losses: (last, last)),),
        ),
        Misconception(
            "epochs counted from 1",
            "Here epochs are counted from 0, as the entries of the list are. The last epoch is one "
            "less than the number of epochs trained.",
            "es-stop",
            (
                _epochs_variant(_rule(), lambda last, best, losses: (last + 1, best + 1)),
                _epochs_variant(_rule(), lambda last, best, losses: (last + 1, best)),
            ),
        ),
        Misconception(
            "an epoch found by subtracting the patience",
            "The best epoch lies that far back only where the patience stopped the run; the list "
            "may have come to its end before.",
            "es-stop",
            (
                lambda losses, patience, min_delta: (
                    _epochs(losses, patience, min_delta)[0],
                    _epochs(losses, patience, min_delta)[0] - patience,
                ),
            ),
        ),
        Misconception(
            "a best loss that follows every small change",
            _DRIFT_HINT,
            "es-improvement",
            (_epochs_variant(_BEST_DRIFTS, drifts=True), _epochs_variant(_BEST_DRIFTS)),
        ),
        Misconception(
            "a least improvement that is not used",
            _IGNORED_HINT,
            "es-improvement",
            (_epochs_variant(_DELTA_IGNORED),),
        ),
        Misconception(
            "a least improvement with the other sign",
            _TURNED_HINT,
            "es-improvement",
            (_epochs_variant(_DELTA_TURNED),),
        ),
        Misconception(
            "a comparison that is not strict",
            _STRICT_HINT,
            "es-improvement",
            (_epochs_variant(_NOT_STRICT),),
        ),
        Misconception(
            "a comparison with the epoch before",
            _BEFORE_HINT,
            "es-improvement",
            (_epochs_variant(_LAST_AS_BEST),),
        ),
        Misconception(
            "a count that is never set back",
            _RESET_HINT,
            "es-stop",
            (_epochs_variant(_NEVER_RESET),),
        ),
        Misconception(
            "a stop one epoch too late", _LATE_HINT, "es-stop", (_epochs_variant(_ONE_LATE),)
        ),
        Misconception(
            "a stop one epoch too early",
            "Count the epochs after the best one: training stops when they are as many as the "
            "patience.",
            "es-stop",
            (_epochs_variant(_ONE_EARLY), _epochs_variant(_COUNTED_FROM_ONE)),
        ),
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
        ("edge", _run_with_gaps(rng, (2, long + 1), 0)),
        ("edge", _Run(rng).off(0, 2, 1).better(1).off(1).better(1).off(3, 2, 1, 2, 0).losses),
    ]
    return [Case(group, f"losses {_printed(losses)}", {"losses": losses}) for group, losses in runs]


def _gaps(losses: list[float], before: bool = False, ties: bool = False) -> list[int]:
    """Epochs from each best loss to the next; `before` compares with the epoch before instead."""
    gaps, best_epoch = [], 0
    for epoch in range(1, len(losses)):
        other = losses[epoch - 1 if before else best_epoch]
        if losses[epoch] < other or (ties and losses[epoch] == other):
            gaps.append(epoch - best_epoch)
            best_epoch = epoch
    return gaps


def _with_the_end(losses: list[float]) -> int:
    return max(*_gaps(losses), len(losses) - 1 - int(np.argmin(losses)), 1)


PATIENCE = Exercise(
    name="early_stopping.patience",
    outputs=("patience",),
    reference=_patience,
    cases=_patience_cases,
    criteria=(
        Criterion(
            "the smallest patience of an ordinary run",
            0.75,
            group="ordinary",
            outputs=("patience",),
            equations=("es-stop",),
        ),
        Criterion(
            "losses that only fall or only rise, equal ones, the lowest at the end",
            0.5,
            group="edge",
            outputs=("patience",),
            equations=("es-stop",),
        ),
        Criterion("the arguments are left as they were", 0.25, "unchanged"),
    ),
    misconceptions=(
        Misconception(
            "the longest row of bad epochs",
            "A patience of that many would stop at the last of them. It has to be larger by one, "
            "so that the epoch that improves is still trained.",
            "es-stop",
            (
                lambda losses: max(1, *(gap - 1 for gap in (*_gaps(losses), 1))),
                lambda losses: max(gap - 1 for gap in (*_gaps(losses), 1)),
            ),
        ),
        Misconception(
            "one more than it takes",
            "Try your answer and the one below it: training stops when as many epochs as the "
            "patience have passed without improvement, not one later.",
            "es-stop",
            (lambda losses: max(*_gaps(losses), 1, 1) + 1,),
        ),
        Misconception(
            "the bad epochs after the best one",
            "Once the lowest loss is reached, training may stop at any time: the end of the run "
            "needs no patience.",
            "es-stop",
            (
                _with_the_end,
                lambda losses: max(*_gaps(losses), len(losses) - int(np.argmin(losses)), 1),
            ),
        ),
        Misconception(
            "all bad epochs together",
            "Each improvement sets the count back to 0, so that only the longest wait matters, "
            "not the sum.",
            "es-stop",
            (
                lambda losses: max(1, int(np.argmin(losses)) - len(_gaps(losses)) + 1),
                lambda losses: max(1, int(np.argmin(losses)) - len(_gaps(losses))),
            ),
        ),
        Misconception(
            "a comparison with the epoch before",
            _BEFORE_HINT,
            "es-improvement",
            (lambda losses: max(*_gaps(losses, before=True), 1, 1),),
        ),
        Misconception(
            "the epoch of the lowest loss",
            "So much patience is enough, but it need not be the smallest: on the way there the "
            "loss has improved, and each time the count went back to 0.",
            "es-stop",
            (
                lambda losses: int(np.argmin(losses)),
                lambda losses: max(1, int(np.argmin(losses))),
                lambda losses: int(np.argmin(losses)) + 1,
            ),
        ),
        Misconception(
            "an equal loss that counts as a new best",
            _STRICT_HINT,
            "es-improvement",
            (lambda losses: max(*_gaps(losses, ties=True), 1, 1),),
        ),
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
    """What the function returned, how many epochs it really trained, what the network holds."""
    network = _Network(weights, changes, losses)
    epochs, best_loss = function(network, patience, max_epochs)
    return epochs, best_loss, network.epochs, network.arrays


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


def _train_variant(
    rule: Rule | None = None,
    restore: bool = True,
    told: Callable[[int, int, float, float], tuple[int, float]] | None = None,
    stale: bool = False,
) -> Callable[..., tuple[int, float]]:
    """Training by a rule; `told` gets epochs, best epoch, best loss and last loss.

    What is `stale` copies the weights before an epoch and keeps them with its loss.
    """
    chosen = rule or _rule()

    def variant(network: _Network, patience: int, max_epochs: int) -> tuple[int, float]:
        best, wait, epochs, best_epoch, stop, loss = INF, 0, 0, 0, False, INF
        kept = [array.copy() for array in network.parameters()]
        while epochs < max_epochs and not stop:
            before = [array.copy() for array in network.parameters()]
            network.train_epoch()
            epochs += 1
            loss = network.validation_loss()
            best, wait, stop, improved = chosen(best, wait, loss, patience, 0.0, "min")
            if improved:
                best_epoch = epochs
                kept = before if stale else [array.copy() for array in network.parameters()]
        if restore:
            for array, values in zip(network.parameters(), kept, strict=True):
                array[...] = values
        return told(epochs, best_epoch, best, loss) if told else (epochs, best)

    return variant


TRAIN = Exercise(
    name="early_stopping.train",
    outputs=("epochs", "best_loss", "epochs_trained", "weights"),
    returns=("epochs", "best_loss"),
    lists=("weights",),
    reference=_train,
    observe=_train_and_look,
    cases=_train_cases,
    criteria=(
        Criterion(
            "training stops when the patience is at its end",
            0.75,
            group="ordinary",
            outputs=("epochs_trained",),
            equations=("es-stop",),
        ),
        Criterion(
            "the number of epochs and the best loss are returned",
            0.5,
            group="ordinary",
            outputs=("epochs", "best_loss"),
            equations=("es-improvement", "es-stop"),
        ),
        Criterion(
            "the network holds the weights of its best epoch",
            1.25,
            group="ordinary",
            outputs=("weights",),
            equations=("es-improvement",),
        ),
        Criterion(
            "max_epochs reached, a nan at first, a patience of 1, losses that are all nan",
            0.5,
            group="edge",
            outputs=("epochs", "best_loss", "epochs_trained", "weights"),
            equations=("es-improvement", "es-stop"),
        ),
    ),
    misconceptions=(
        Misconception(
            "the weights of the last epoch",
            "At the end the network holds what the last epoch left. Either nothing was put back; "
            "or what you kept are the network's own arrays, which went on changing, and not "
            "copies of them; or you gave a name to the best arrays and did not write them into "
            "the network's.",
            "es-improvement",
            (_train_variant(restore=False),),
        ),
        Misconception(
            "the weights of the epoch before the best one",
            "The loss of an epoch belongs to the weights after it. Train, measure, and copy then.",
            "es-improvement",
            (_train_variant(stale=True),),
        ),
        Misconception(
            "the best epoch in place of the number of epochs",
            "Return how many epochs were trained, those after the best one included.",
            "es-stop",
            (
                _train_variant(told=lambda epochs, best_epoch, best, loss: (best_epoch, best)),
                _train_variant(told=lambda epochs, best_epoch, best, loss: (best_epoch - 1, best)),
            ),
        ),
        Misconception(
            "the last epoch counted from 0",
            "Return the number of epochs trained: one more than the last epoch counted from 0.",
            "es-stop",
            (_train_variant(told=lambda epochs, best_epoch, best, loss: (epochs - 1, best)),),
        ),
        Misconception(
            "the last loss in place of the best",
            "The loss that goes with the weights that you put back is the best one.",
            "es-improvement",
            (_train_variant(told=lambda epochs, best_epoch, best, loss: (epochs, loss)),),
        ),
        Misconception(
            "training to the end",
            "You train for max_epochs and look for the best epoch of all. Early stopping ends "
            "training before, at the price of what it does not see.",
            "es-stop",
            (_train_variant(_rule(enough=lambda wait, patience: False)),),
            idle=True,
        ),
        Misconception(
            "a comparison with the epoch before",
            _BEFORE_HINT,
            "es-improvement",
            (
                _train_variant(_LAST_AS_BEST),
                _train_variant(_LAST_AS_BEST, restore=False),
            ),
        ),
        Misconception(
            "a count that is never set back",
            _RESET_HINT,
            "es-stop",
            (_train_variant(_NEVER_RESET),),
        ),
        Misconception(
            "a comparison that is not strict",
            _STRICT_HINT,
            "es-improvement",
            (_train_variant(_NOT_STRICT),),
        ),
        Misconception(
            "a stop one epoch too late", _LATE_HINT, "es-stop", (_train_variant(_ONE_LATE),)
        ),
        Misconception(
            "a stop one epoch too early",
            "Count the epochs after the best one: training stops when they are as many as the "
            "patience.",
            "es-stop",
            (_train_variant(_ONE_EARLY),),
        ),
    ),
)

EXERCISES = (UPDATE, EPOCHS, PATIENCE, TRAIN)
