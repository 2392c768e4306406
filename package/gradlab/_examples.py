"""Examples for training: inputs, targets and losses, and what counts as a hit."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gradlab import losses
from gradlab._calls import In, as_answer, as_function
from gradlab._validate import FloatArray, as_array, as_inputs, is_finite
from gradlab.network import Network

LOSSES = (
    "binary_cross_entropy",
    "kl_divergence",
    "sigmoid_cross_entropy",
    "softmax_cross_entropy",
    "squared_error",
)

# The output above which the answer is yes: a probability, or a logit.
_YES = {losses.binary_cross_entropy: 0.5, losses.sigmoid_cross_entropy: 0.0}

_IN_LOSS, _IN_GRADIENT = In("the loss, loss(output, target)"), In("the gradient of loss")

# So many at once, so that the activations of a large set do not fill the memory.
_ROWS = 2048


def as_examples(
    x: ArrayLike, targets: ArrayLike, x_name: str, targets_name: str
) -> tuple[FloatArray, NDArray[Any]]:
    """Return inputs and targets as arrays with a row for each example."""
    inputs, labels = as_inputs(x_name, x), as_array(targets_name, targets)
    if labels.shape[:1] != inputs.shape[:1]:
        raise ValueError(
            f"{targets_name} must have one label for each of the {len(inputs)} rows of inputs, "
            f"got shape {labels.shape}"
        )
    return inputs, labels


def as_trainable(
    name: str,
    network: Network,
    examples: tuple[FloatArray, NDArray[Any]],
    value_of: Callable[..., float],
) -> tuple[tuple[int, ...], tuple[FloatArray, NDArray[Any]]]:
    """Return the shape of one output, and the examples if they suit the network and the loss."""
    x, target = examples
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            shape = network.forward(x[:1]).shape[1:]
    except ValueError as error:
        reason = ", ".join([str(error), *getattr(error, "__notes__", [])])
        raise ValueError(f"{name} must suit the network: {reason}") from error
    target = as_targets(name, target, shape, value_of)
    if _is_ours(value_of):
        # The loss itself is asked, about an output that is the same for all. Classes are known to
        # be right by now, and one will do.
        asked = target[:1] if value_of is losses.softmax_cross_entropy else target
        constant = np.full((len(asked), *shape), 1 / math.prod(shape))
        try:
            value = value_of(constant, asked)
        except (TypeError, ValueError) as error:
            raise type(error)(f"{name} must suit the loss: {error}") from None
        if not math.isfinite(value):
            raise ValueError(f"{name} must be finite, got nan or infinity in its targets")
    return shape, (x, target)


def _is_ours(value_of: Callable[..., float]) -> bool:
    return any(value_of is getattr(losses, loss) for loss in LOSSES)


def as_targets(
    name: str, target: NDArray[Any], shape: tuple[int, ...], value_of: Callable[..., float]
) -> NDArray[Any]:
    """Return targets that the loss takes beside an output of this shape for each example.

    The targets of a loss that is not one of `gradlab.losses` are left to it.
    """
    if not _is_ours(value_of):
        return target
    if target.dtype.kind == "b":
        target = target.astype(np.int64)
    if value_of is losses.softmax_cross_entropy:
        _check_classes(name, target, shape)
        return target.astype(np.int64, copy=False)
    _check_shape(name, target, shape)
    return target


def _check_classes(name: str, labels: NDArray[Any], shape: tuple[int, ...]) -> None:
    wanted = f"{name} must hold integer labels, one for each example"
    if labels.ndim != 1:
        remedy = "labels.ravel()" if labels.shape[1:] == (1,) else "labels.argmax(axis=1)"
        kind = "" if labels.shape[1:] == (1,) else ", which may be one-hot"
        raise ValueError(f"{wanted}, got shape {labels.shape}{kind}: pass {remedy}")
    if labels.dtype.kind == "f":
        if np.isnan(labels).any():
            raise ValueError(f"{wanted}, got nan: leave out the examples without a label")
        raise TypeError(
            f"{wanted}, got dtype {labels.dtype}: for a regression pass loss='squared_error', "
            "for classes labels.astype(int)"
        )
    if labels.dtype.kind not in "iu":
        raise TypeError(
            f"{wanted}, got dtype {labels.dtype}: number the classes, as "
            "numpy.unique(labels, return_inverse=True) does"
        )
    classes = math.prod(shape)
    if labels.min() < 0 or labels.max() >= classes:
        remedy = ": for one output pass loss='binary_cross_entropy'" if classes == 1 else ""
        raise ValueError(
            f"{name} must hold labels in 0 ... {classes - 1} for a network of {classes} "
            f"output(s), got {labels.min()} ... {labels.max()}{remedy}"
        )


def _check_shape(name: str, target: NDArray[Any], shape: tuple[int, ...]) -> None:
    expected = (len(target), *shape)
    if target.shape == expected:
        return
    remedy = ""
    if target.ndim == 1 and shape == (1,):
        remedy = ": pass targets.reshape(-1, 1)"
    elif target.ndim == 1 and target.dtype.kind in "iu":
        remedy = f": numpy.eye({shape[0]})[labels] makes such targets of labels"
    raise ValueError(
        f"{name} must hold targets of the output's shape {expected}, got {target.shape}{remedy}"
    )


def is_judged(target: NDArray[Any], shape: tuple[int, ...], value_of: Callable[..., float]) -> bool:
    """Tell whether an output is right or wrong: for classes, and for yes and no as 1 and 0."""
    if value_of in _YES:
        return shape == (1,) and bool(((target == 0) | (target == 1)).all())
    one_of_many = len(shape) == 1 and (shape != (1,) or value_of is losses.softmax_cross_entropy)
    return one_of_many and target.ndim == 1 and target.dtype.kind in "iu"


def accuracy(out: FloatArray, target: NDArray[Any], value_of: Callable[..., float]) -> float:
    """Return the fraction of right outputs; not a number where there is no right and wrong."""
    if not is_judged(target, out.shape[1:], value_of):
        return math.nan
    if value_of in _YES:
        hits = (out[:, 0] > _YES[value_of]) == (target[:, 0] == 1)
    else:
        hits = out.argmax(axis=1) == target
    return float((hits & np.isfinite(out).all(axis=1)).mean())


def outputs(network: Network, x: FloatArray) -> FloatArray:
    """Return the output for all examples, a part of them after the other."""
    if len(x) <= _ROWS:
        return network.forward(x)
    parts = (x[start : start + _ROWS] for start in range(0, len(x), _ROWS))
    return np.concatenate([network.forward(part) for part in parts])


def as_loss(loss: Any) -> tuple[Callable[..., float], Callable[..., ArrayLike]]:
    if isinstance(loss, str):
        if loss not in LOSSES:
            raise ValueError(f"loss must be one of {list(LOSSES)} or a pair, got {loss!r}")
        return getattr(losses, loss), getattr(losses, f"{loss}_backward")
    if not isinstance(loss, tuple) or len(loss) != 2 or not all(map(callable, loss)):
        raise TypeError(f"loss must be a name or a pair of functions, got {loss!r}")
    for k, function in enumerate(loss):
        as_function(f"loss[{k}]", function, "output", "target")
    return loss


def is_named(loss: tuple[Callable[..., float], Callable[..., ArrayLike]]) -> bool:
    """Tell whether a loss and its gradient are those of a name."""
    return any(loss == as_loss(name) for name in LOSSES)


def loss_of(value_of: Callable[..., float], out: FloatArray, target: NDArray[Any]) -> float:
    if not is_finite(out):
        return math.nan
    with _IN_LOSS:
        value = value_of(out, target)
    return as_answer("loss(output, target)", value)


def gradient_of(
    slope_of: Callable[..., ArrayLike], out: FloatArray, target: NDArray[Any]
) -> ArrayLike:
    with _IN_GRADIENT:
        grad = slope_of(out, target)
    if getattr(grad, "shape", None) != out.shape and np.shape(grad) != out.shape:
        raise ValueError(
            f"the gradient of loss must have shape {out.shape}, as the output, "
            f"got {type(grad).__name__} of shape {np.shape(grad)}"
        )
    return grad


def loss_and_gradient(
    loss: tuple[Callable[..., float], Callable[..., ArrayLike]],
    out: FloatArray,
    target: NDArray[Any],
    checked: bool,
) -> tuple[float, ArrayLike | None]:
    """Return the loss, and its gradient if the loss is finite.

    Targets are `checked` if `as_targets` has returned them for outputs of this shape.
    """
    both = losses.BOTH.get(loss) if checked else None
    if both is not None and is_finite(out):
        with _IN_LOSS:
            value, slope = both(out, target)
        return value, slope if math.isfinite(value) else None
    value = loss_of(loss[0], out, target)
    return value, gradient_of(loss[1], out, target) if math.isfinite(value) else None


def measured(
    value_of: Callable[..., float], out: FloatArray, target: NDArray[Any]
) -> tuple[float, float]:
    return loss_of(value_of, out, target), accuracy(out, target, value_of)
