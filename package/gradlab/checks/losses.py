"""Checks of the exercise ``losses``: functions that return a loss and its gradient."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradlab import activations
from gradlab import losses as reference
from gradlab.checks._model import (
    NAN,
    Case,
    Criterion,
    Exercise,
    Function,
    Misconception,
    counting_nan,
)

Array = NDArray[Any]
Part = Callable[[Array, Array], Any]
"""One of the two results, the loss or the gradient, from the two arguments."""

CUTS = (1e-15, 1e-12, 1e-10, 1e-9, 1e-8, 1e-7, 1e-6)
"""What people add to a probability, or keep it above, before they take the logarithm."""

ORDINARY = (1e-4, 1e-9)
"""Tolerance of a cross-entropy where nothing is extreme: wide enough that each of the `CUTS` does
no harm there, so that it costs the points for extreme inputs and no others.
"""


def _altered(right: Function, loss: Part | None = None, gradient: Part | None = None) -> Function:
    """Return the function `right` with its loss or its gradient exchanged."""

    def variant(a: Array, b: Array) -> tuple[Any, Any]:
        results = right(a, b)
        return loss(a, b) if loss else results[0], gradient(a, b) if gradient else results[1]

    return variant


def _scaled(right: Function, factor: Callable[[Array], float]) -> Function:
    """Return the function `right` with both results multiplied by a factor."""

    def variant(a: Array, b: Array) -> tuple[Any, Any]:
        loss, gradient = right(a, b)
        return loss * factor(a), gradient * factor(a)

    return variant


def _batch_size(a: Array) -> float:
    return float(a.shape[0])


def _width(a: Array) -> float:
    return float(a.shape[1])


def _sizes(rng: np.random.Generator) -> tuple[int, int]:
    """A batch size and a number of features that are never equal, nor 2."""
    features = int(rng.integers(3, 6))
    return features + int(rng.integers(2, 6)), features


def _label(rows: int, features: int, what: str, rest: str = "") -> str:
    examples = f"{rows} example{'s' if rows > 1 else ''}"
    return f"{examples} with {features} {what}{rest}"


def _away_from_0(rng: np.random.Generator, shape: tuple[int, int], low: float, high: float) -> Any:
    return rng.uniform(low, high, shape) * rng.choice([-1.0, 1.0], shape)


# ---- squared error


def _squared(y: Array, target: Array) -> tuple[Any, Array]:
    # In the dtype of the arguments, so that a float32 batch is judged with float32's tolerance.
    loss = y.dtype.type(reference.squared_error(y, target))
    return loss, reference.squared_error_backward(y, target)


def _squared_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for group, rows, features, dtype in (
        ("ordinary", *_sizes(rng), np.float64),
        ("ordinary", *_sizes(rng), np.float64),
        ("ordinary", *_sizes(rng), np.float32),
        ("edge", 1, 4, np.float64),
        ("edge", 7, 1, np.float64),
    ):
        target = _away_from_0(rng, (rows, features), 0.5, 3.0)
        # The errors have a mean of their own, so that no sum over them is small by chance.
        y = target + 0.4 + _away_from_0(rng, (rows, features), 0.6, 2.0)
        rest = ", float32" if dtype is np.float32 else ""
        label = _label(rows, features, "features" if features > 1 else "feature", rest)
        arguments = {"y": y.astype(dtype), "target": target.astype(dtype)}
        cases.append(Case(group, label, arguments))
    return cases


SQUARED_ERROR = Exercise(
    name="losses.squared_error",
    outputs=(NAN, "loss", "dy"),
    returns=("loss", "dy"),
    observe=counting_nan,
    reference=_squared,
    cases=_squared_cases,
    criteria=(
        Criterion("loss is a number, dy has the shape of y", 0.25, "shape"),
        Criterion(
            "loss is right",
            0.25,
            group="ordinary",
            outputs=("loss",),
            equations=("loss-squared-error",),
        ),
        Criterion(
            "dy is right",
            0.5,
            group="ordinary",
            outputs=("dy",),
            equations=("loss-squared-error-backward",),
        ),
        Criterion(
            "a single example, a single feature",
            0.25,
            group="edge",
            outputs=("loss", "dy"),
            equations=("loss-squared-error", "loss-squared-error-backward"),
        ),
        Criterion("the arguments are left as they were", 0.25, "unchanged"),
    ),
    misconceptions=(
        Misconception(
            "a half that is missing",
            "The convention here is half the squared distance, whose derivative is the error "
            "itself; deck H leaves the half out. A gradient that is twice too large kept the 2 of "
            "the derivative and forgot the half.",
            "loss-squared-error",
            (
                _scaled(_squared, lambda y: 2.0),
                _altered(_squared, loss=lambda y, d: ((y - d) ** 2).sum() / len(y)),
            ),
        ),
        Misconception(
            "PyTorch's mse_loss",
            "You average over all entries, without the half. That is the convention of PyTorch and "
            "Keras; here the features are summed and only the batch is averaged.",
            "loss-squared-error",
            (
                _scaled(_squared, lambda y: 2 / _width(y)),
                _altered(_squared, loss=lambda y, d: ((y - d) ** 2).mean()),
            ),
        ),
        Misconception(
            "a mean over the features",
            "You divide by the number of features, too. They are summed; the mean is over the "
            "batch alone.",
            "loss-squared-error",
            (_scaled(_squared, lambda y: 1 / _width(y)),),
        ),
        Misconception(
            "a sum over the batch",
            "The loss is a mean over the batch, so both it and its gradient are divided by the "
            "number of examples. A sum would make the best learning rate depend on the batch size.",
            "loss-squared-error-backward",
            (
                _scaled(_squared, _batch_size),
                _altered(_squared, gradient=lambda y, d: y - d),
            ),
        ),
        Misconception(
            "a gradient with its sign turned",
            "A prediction that is too large has to have a positive gradient: prediction minus "
            "target.",
            "loss-squared-error-backward",
            (_altered(_squared, gradient=lambda y, d: (d - y) / len(y)),),
        ),
        Misconception(
            "one gradient for the whole batch",
            "Every prediction has a gradient of its own, so dy has the shape of y. Dividing by the "
            "batch size is all that is left of the mean.",
            "loss-squared-error-backward",
            (
                _altered(_squared, gradient=lambda y, d: (y - d).mean(axis=0)),
                _altered(_squared, gradient=lambda y, d: (y - d).sum(axis=0)),
            ),
        ),
        Misconception(
            "a distance that is not squared",
            "You take a root after the sum. The divergence is half the square of the distance.",
            "loss-squared-error",
            (
                _altered(_squared, loss=lambda y, d: np.sqrt(((y - d) ** 2).sum(axis=1)).mean()),
                _altered(
                    _squared, loss=lambda y, d: np.sqrt(((y - d) ** 2).sum(axis=1)).mean() / 2
                ),
            ),
        ),
        Misconception(
            "the absolute error",
            "You sum absolute values, whose slope does not say how far the target is. The "
            "divergence asked for squares each error.",
            "loss-squared-error",
            (
                lambda y, target: (
                    np.abs(y - target).sum() / len(y),
                    np.sign(y - target) / len(y),
                ),
            ),
        ),
    ),
)


# ---- KL divergence


def _kl(y: Array, target: Array) -> tuple[Any, Array]:
    loss = y.dtype.type(reference.kl_divergence(y, target))
    return loss, reference.kl_divergence_backward(y, target)


def _distributions(rng: np.random.Generator, rows: int, classes: int) -> Array:
    weights = np.exp(rng.uniform(-1.5, 1.5, (rows, classes)))
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def _kl_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for group, rest, dtype in (
        ("ordinary", "", np.float64),
        ("ordinary", "", np.float64),
        ("ordinary", ", float32", np.float32),
        ("edge", ", one-hot targets", np.float64),
        ("edge", ", one target of each row is 0", np.float64),
        ("edge", ", prediction and target equal", np.float64),
        ("edge", ", all targets above 0", np.float64),
    ):
        rows, classes = _sizes(rng)
        if "all" in rest:
            rows = 1
        y, target = _distributions(rng, rows, classes), _distributions(rng, rows, classes)
        if "one-hot" in rest:
            target = np.eye(classes)[rng.integers(0, classes, rows)]
        elif "each row" in rest:
            target[np.arange(rows), rng.integers(0, classes, rows)] = 0.0
            target /= target.sum(axis=1, keepdims=True)
        elif "equal" in rest:
            target = y.copy()
        arguments = {"y": y.astype(dtype), "target": target.astype(dtype)}
        cases.append(Case(group, _label(rows, classes, "classes", rest), arguments))
    return cases


def _kl_without_care(y: Array, target: Array) -> Any:
    return (target * np.log(target / y)).sum() / len(y)


def _kl_exchanged(y: Array, target: Array) -> tuple[Any, Array]:
    return (y * np.log(y / target)).sum() / len(y), (np.log(y / target) + 1) / len(y)


KL_DIVERGENCE = Exercise(
    name="losses.kl_divergence",
    outputs=(NAN, "loss", "dy"),
    returns=("loss", "dy"),
    observe=counting_nan,
    reference=_kl,
    cases=_kl_cases,
    criteria=(
        Criterion("loss is a number, dy has the shape of y", 0.25, "shape"),
        Criterion(
            "loss is right where all targets are above 0",
            0.5,
            group="ordinary",
            outputs=("loss",),
            equations=("loss-kl-divergence",),
        ),
        Criterion(
            "dy is right where all targets are above 0",
            0.5,
            group="ordinary",
            outputs=("dy",),
            equations=("loss-kl-divergence-backward",),
        ),
        Criterion(
            "targets of 0, equal distributions, a single example",
            0.5,
            group="edge",
            outputs=(NAN, "loss", "dy"),
            equations=("loss-kl-divergence",),
        ),
        Criterion("the arguments are left as they were", 0.25, "unchanged"),
    ),
    misconceptions=(
        Misconception(
            "0 times the logarithm of 0",
            "That is NaN to the computer, and 0 by the convention of the formula, which is the "
            "limit. Such entries have to be left out before the logarithm is taken: a factor of 0 "
            "comes too late.",
            "loss-kl-divergence",
            (_altered(_kl, loss=_kl_without_care),),
        ),
        Misconception(
            "a cross-entropy",
            "The part that depends on the target alone is missing. Without it the loss is not 0 "
            "where prediction and target agree, but the target's entropy.",
            "loss-kl-divergence",
            (_altered(_kl, loss=lambda y, d: -(d * np.log(y)).sum() / len(y)),),
        ),
        Misconception(
            "prediction and target exchanged",
            "The KL divergence is not symmetric. The target gives the weights, and the prediction "
            "stands only inside the logarithm.",
            "loss-kl-divergence",
            (_kl_exchanged, _altered(_kl, loss=lambda y, d: _kl_exchanged(y, d)[0])),
        ),
        Misconception(
            "a loss with its sign turned",
            "A KL divergence is never negative: the logarithm of the prediction is what is "
            "subtracted.",
            "loss-kl-divergence",
            (
                _altered(_kl, loss=lambda y, d: -_kl(y, d)[0]),
                _altered(_kl, loss=lambda y, d: -_kl_without_care(y, d)),
            ),
        ),
        Misconception(
            "PyTorch's default, a mean over all entries",
            'kl_div divides by the number of classes, too, unless it is told "batchmean". Here the '
            "classes are summed and the batch is averaged.",
            "loss-kl-divergence",
            (
                _scaled(_kl, lambda y: 1 / _width(y)),
                _altered(_kl, loss=lambda y, d: _kl_without_care(y, d) / _width(y)),
            ),
        ),
        Misconception(
            "a sum over the batch",
            "The loss is a mean over the batch, so both it and its gradient are divided by the "
            "number of examples.",
            "loss-kl-divergence-backward",
            (
                _scaled(_kl, _batch_size),
                _altered(_kl, loss=lambda y, d: _kl_without_care(y, d) * _batch_size(y)),
            ),
        ),
        Misconception(
            "logarithms to base 2",
            "That measures the divergence in bits. Here it is in natural logarithms, np.log.",
            "loss-kl-divergence",
            (
                _scaled(_kl, lambda y: 1 / float(np.log(2))),
                _altered(_kl, loss=lambda y, d: _kl_without_care(y, d) / np.log(2)),
            ),
        ),
        Misconception(
            "the gradient at the net input of a softmax",
            "Prediction minus target is what comes out once the Jacobian of the softmax has been "
            "multiplied. Asked for is the gradient at the prediction, before that.",
            "loss-kl-divergence-backward",
            (_altered(_kl, gradient=lambda y, d: (y - d) / len(y)),),
        ),
        Misconception(
            "a gradient with its sign turned",
            "More probability where the target has some makes the loss smaller: the gradient is "
            "negative there.",
            "loss-kl-divergence-backward",
            (_altered(_kl, gradient=lambda y, d: d / y / len(y)),),
        ),
        Misconception(
            "a gradient without the target",
            "The derivative of the logarithm is multiplied by the weight that stands before it, "
            "the target.",
            "loss-kl-divergence-backward",
            (_altered(_kl, gradient=lambda y, d: -1 / y / len(y)),),
        ),
        Misconception(
            "the derivative by the target",
            "What is trained is the prediction. The target is a constant, and so is the first part "
            "of the formula.",
            "loss-kl-divergence-backward",
            (_altered(_kl, gradient=lambda y, d: (np.log(d / y) + 1) / len(y)),),
        ),
        Misconception(
            "a logarithm that was not differentiated",
            "The derivative of log y is 1 / y.",
            "loss-kl-divergence-backward",
            (_altered(_kl, gradient=lambda y, d: -d * np.log(y) / len(y)),),
        ),
    ),
)


# ---- sigmoid and binary cross-entropy


def _sigmoid_ce(z: Array, target: Array) -> tuple[Any, Array]:
    # softplus(z) - d z is the term of loss-binary-cross-entropy at the prediction sigmoid(z).
    terms = activations.softplus(z).astype(np.float64) - target * z.astype(np.float64)
    return z.dtype.type(terms.mean()), (activations.sigmoid(z) - target) / z.size


def _sigmoid_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for rest, soft, dtype in (
        ("", False, np.float64),
        (", targets between 0 and 1", True, np.float64),
        (", float32", False, np.float32),
    ):
        shape = _sizes(rng)
        target = rng.uniform(0.05, 0.95, shape) if soft else _zeros_and_ones(rng, shape)
        z = _away_from_0(rng, shape, 0.3, 3.0)
        arguments = {"z": z.astype(dtype), "target": target.astype(dtype)}
        cases.append(Case("ordinary", _label(*shape, "outputs", rest), arguments))
    # From about 37 on the sigmoid is rounded to 1, from 710 on an exponential overflows.
    for low, high in ((39.0, 45.0), (750.0, 900.0)):
        target, sign = np.array([[0.0, 0.0, 1.0, 1.0], [1.0, -1.0, 1.0, -1.0]])
        order = rng.permutation(4)
        z = np.array([sign, -sign])[:, order] * rng.uniform(low, high, (2, 4))
        arguments = {"z": z, "target": np.array([target, target])[:, order]}
        label = _label(2, 4, "outputs", f", net inputs beyond -{low:g} and {low:g}")
        cases.append(Case("extreme", label, arguments))
    return cases


def _zeros_and_ones(rng: np.random.Generator, shape: tuple[int, int]) -> Array:
    """Targets of which neither all nor half are 1."""
    ones = shape[0] * shape[1] // 3
    return rng.permutation(np.arange(shape[0] * shape[1]) < ones).reshape(shape).astype(float)


def _naive_sigmoid(z: Array) -> Any:
    return 1 / (1 + np.exp(-z))


def _by_logarithms(
    change: Callable[[Array], Array] = lambda y: y, least: float = -np.inf
) -> Callable[[Array, Array], Any]:
    """The loss as the formula has it, from probabilities that are changed in some way before."""

    def loss(z: Array, d: Array) -> Any:
        y = change(_naive_sigmoid(z))
        yes, no = np.maximum(np.log(y), least), np.maximum(np.log(1 - y), least)
        return -(d * yes + (1 - d) * no).mean()

    return loss


def _by_logarithms_chosen(z: Array, d: Array) -> Any:
    y = _naive_sigmoid(z)
    return np.where(d == 1, -np.log(y), -np.log(1 - y)).mean()


def _by_chain_rule(z: Array, d: Array) -> Any:
    y = _naive_sigmoid(z)
    return (y - d) / (y * (1 - y)) * (y * (1 - y)) / z.size


def _by_chain_rule_in_two_terms(z: Array, d: Array) -> Any:
    y = _naive_sigmoid(z)
    return (-d / y + (1 - d) / (1 - y)) * y * (1 - y) / z.size


_APART = (_by_chain_rule, _by_chain_rule_in_two_terms)


def _clipped(least: float) -> Callable[[Array], Array]:
    return lambda y: np.clip(y, least, 1 - least)


def _raised(by: float) -> Callable[[Array, Array], Any]:
    def loss(z: Array, d: Array) -> Any:
        y = _naive_sigmoid(z)
        return -(d * np.log(y + by) + (1 - d) * np.log(1 - y + by)).mean()

    return loss


def _at_prediction(z: Array, d: Array) -> Any:
    y = _naive_sigmoid(z)
    return (y - d) / (y * (1 - y)) / z.size


def _of_squared_error(z: Array, d: Array) -> Any:
    y = activations.sigmoid(z)
    return (y - d) * y * (1 - y) / z.size


def _only_yes(z: Array, d: Array) -> tuple[Any, Array]:
    y = activations.sigmoid(z)
    return (d * activations.softplus(-z)).mean(), -d * (1 - y) / z.size


SIGMOID_CROSS_ENTROPY = Exercise(
    name="losses.sigmoid_cross_entropy",
    outputs=(NAN, "loss", "dz"),
    returns=("loss", "dz"),
    observe=counting_nan,
    reference=_sigmoid_ce,
    cases=_sigmoid_cases,
    criteria=(
        Criterion("loss is a number, dz has the shape of z", 0.25, "shape"),
        Criterion(
            "loss is right at ordinary net inputs",
            0.5,
            group="ordinary",
            outputs=("loss",),
            equations=("loss-binary-cross-entropy",),
            tolerance=ORDINARY,
        ),
        Criterion(
            "dz is right at ordinary net inputs",
            0.75,
            group="ordinary",
            outputs=("dz",),
            equations=("loss-net-input",),
        ),
        Criterion(
            "loss and dz at net inputs of 40 and of 800",
            0.75,
            group="extreme",
            outputs=(NAN, "loss", "dz"),
            equations=("loss-binary-cross-entropy",),
        ),
        Criterion("the arguments are left as they were", 0.25, "unchanged"),
    ),
    misconceptions=(
        Misconception(
            "the logarithm of a probability that was rounded",
            "From z = 37 on the sigmoid is exactly 1 in float64, and the logarithm of 1 - 1 is "
            "infinite, or NaN once it is multiplied by 0. Simplify log(1 - sigmoid(z)) on paper "
            "before you compute it.",
            "loss-binary-cross-entropy",
            tuple(
                _altered(_sigmoid_ce, loss, gradient)
                for loss in (_by_logarithms(), _by_logarithms_chosen)
                for gradient in (None, *_APART)
            ),
        ),
        Misconception(
            "an exponential that overflows",
            "exp(z) is infinite from z = 710 on. For a large positive z take it out of the "
            "logarithm, so that the exponential that remains is one of a negative number.",
            "loss-binary-cross-entropy",
            (
                _altered(_sigmoid_ce, loss=lambda z, d: (np.log(1 + np.exp(z)) - d * z).mean()),
                _altered(
                    _sigmoid_ce,
                    loss=lambda z, d: (np.log(1 + np.exp(-z)) + (1 - d) * z).mean(),
                ),
                _altered(
                    _sigmoid_ce, gradient=lambda z, d: (np.exp(z) / (1 + np.exp(z)) - d) / z.size
                ),
                _altered(
                    _sigmoid_ce,
                    lambda z, d: (np.log(1 + np.exp(z)) - d * z).mean(),
                    lambda z, d: (np.exp(z) / (1 + np.exp(z)) - d) / z.size,
                ),
            ),
        ),
        Misconception(
            "PyTorch's smallest logarithm",
            "binary_cross_entropy of PyTorch replaces logarithms below -100, which is a rule for "
            "probabilities that were rounded already. From the net input the true loss can be "
            "computed, and nothing need be cut off.",
            "loss-binary-cross-entropy",
            (_altered(_sigmoid_ce, _by_logarithms(least=-100.0)),),
        ),
        Misconception(
            "probabilities that were moved away from 0 and 1",
            "Keras does that. It keeps the loss finite, but a decision that is wrong with z = 800 "
            "costs no more than one with z = 40. From the net input the true loss can be computed.",
            "loss-binary-cross-entropy",
            tuple(
                _altered(_sigmoid_ce, loss)
                for cut in CUTS
                for loss in (_by_logarithms(_clipped(cut)), _raised(cut))
            ),
        ),
        Misconception(
            "loss and sigmoid differentiated apart",
            "You divide by y (1 - y) and multiply by it again. On paper it cancels; in the "
            "computer it is 0 / 0 where the sigmoid was rounded. Put the sigmoid into the loss "
            "and differentiate once.",
            "loss-net-input",
            tuple(_altered(_sigmoid_ce, gradient=gradient) for gradient in _APART),
        ),
        Misconception(
            "only the targets of 1 counted",
            "The term (1 - y) log(1 - prediction) is missing: a wrong yes would cost nothing.",
            "loss-binary-cross-entropy",
            (_only_yes,),
        ),
        Misconception(
            "a mean over the batch alone",
            "The convention for binary cross-entropy is a mean over all entries, batch and "
            "outputs.",
            "loss-binary-cross-entropy",
            (_scaled(_sigmoid_ce, _width),),
        ),
        Misconception(
            "a sum in place of the mean",
            "Loss and gradient are divided by the number of all entries.",
            "loss-binary-cross-entropy",
            (_scaled(_sigmoid_ce, lambda z: float(z.size)),),
        ),
        Misconception(
            "the gradient at the prediction",
            "What you return has still to be multiplied by the derivative of the sigmoid, and then "
            "simplified: asked for is the gradient with respect to z.",
            "loss-net-input",
            (_altered(_sigmoid_ce, gradient=_at_prediction),),
        ),
        Misconception(
            "the gradient of the squared error",
            "The derivative of the sigmoid is still there. The one of the cross-entropy cancels "
            "it, which is what the cross-entropy is taken for.",
            "loss-net-input",
            (_altered(_sigmoid_ce, gradient=_of_squared_error),),
        ),
        Misconception(
            "a gradient with its sign turned",
            "For a target of 0 the loss grows with z: prediction minus target.",
            "loss-net-input",
            (_altered(_sigmoid_ce, gradient=lambda z, d: -_sigmoid_ce(z, d)[1]),),
        ),
        Misconception(
            "the net input in place of the prediction",
            "The error is prediction minus target, and the prediction is sigmoid(z).",
            "loss-net-input",
            (_altered(_sigmoid_ce, gradient=lambda z, d: (z - d) / z.size),),
        ),
        Misconception(
            "a sigmoid that was applied twice",
            "z is the net input. One sigmoid makes it a probability, a second one leaves numbers "
            "between 0.5 and 0.73.",
            "loss-binary-cross-entropy",
            (lambda z, target: _sigmoid_ce(activations.sigmoid(z), target),),
        ),
    ),
)


# ---- softmax and cross-entropy


def _softmax_ce(logits: Array, labels: Array) -> tuple[Any, Array]:
    loss = logits.dtype.type(reference.softmax_cross_entropy(logits, labels))
    return loss, reference.softmax_cross_entropy_backward(logits, labels)


def _labels(rng: np.random.Generator, rows: int, classes: int) -> Array:
    """A class for each example, with every class among them where there are enough examples."""
    return rng.permutation(classes)[rng.permutation(rows) % classes]


def _softmax_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for group, rest, dtype in (
        ("ordinary", "", np.float64),
        ("ordinary", "", np.float64),
        ("ordinary", ", float32", np.float32),
        ("edge", "", np.float64),
        ("edge", " and no more", np.float64),
        ("extreme", ", logits near 1000 in some examples, near -1000 in others", np.float64),
        ("extreme", ", logits of -1000 and 1000 in each example", np.float64),
    ):
        rows, classes = _sizes(rng)
        if group == "edge":
            rows, classes = (rows, 2) if rest else (1, 4)
        logits = rng.uniform(-2.0, 2.0, (rows, classes)) + rng.uniform(0.5, 1.5)
        labels = _labels(rng, rows, classes)
        if "near" in rest:
            logits += np.where(np.arange(rows) % 2, 1000.0, -1000.0)[:, np.newaxis]
        elif "each" in rest:
            extremes = np.tile(np.r_[1000.0, -1000.0, np.zeros(classes - 2)], (rows, 1))
            logits += rng.permuted(extremes, axis=1)
            # In half of the examples the class is the least probable of all.
            labels = np.where(np.arange(rows) % 2, logits.argmin(axis=1), labels)
        label = _label(rows, classes, "classes", rest)
        cases.append(Case(group, label, {"logits": logits.astype(dtype), "labels": labels}))
    return cases


def _one_hot(logits: Array, labels: Array) -> Array:
    return np.eye(logits.shape[1])[labels]


def _naive_softmax(logits: Array) -> Any:
    exponentials = np.exp(logits)
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def _naive_sum(logits: Array, labels: Array) -> Any:
    picked = logits[np.arange(len(labels)), labels]
    return (np.log(np.exp(logits).sum(axis=1)) - picked).mean()


def _after(softmax: Callable[[Array], Array]) -> tuple[Part, Part, Part]:
    """Two forms of the loss and the gradient that follow from probabilities."""

    def picked(z: Array, labels: Array) -> Any:
        return -np.log(softmax(z)[np.arange(len(labels)), labels]).mean()

    def multiplied(z: Array, labels: Array) -> Any:
        return -(_one_hot(z, labels) * np.log(softmax(z))).sum() / len(z)

    def gradient(z: Array, labels: Array) -> Any:
        return (softmax(z) - _one_hot(z, labels)) / len(z)

    return picked, multiplied, gradient


def _probabilities(
    softmax: Callable[[Array], Array], losses: tuple[Part, ...] = ()
) -> tuple[Function, ...]:
    """Return the variants whose loss and gradient follow from probabilities that are not right."""
    *forms, gradient = _after(softmax)
    return tuple(_altered(_softmax_ce, loss, gradient) for loss in (*forms, *losses))


def _cut_losses(cut: float) -> tuple[Part, Part]:
    """The loss of probabilities that are at least `cut`, or to which it was added."""

    def at_least(z: Array, labels: Array) -> Any:
        p = activations.softmax(z)[np.arange(len(labels)), labels]
        return -np.log(np.maximum(p, cut)).mean()

    def added(z: Array, labels: Array) -> Any:
        return -np.log(activations.softmax(z)[np.arange(len(labels)), labels] + cut).mean()

    return at_least, added


def _logarithm_of_the_sum(logits: Array, labels: Array) -> Any:
    top = logits.max(axis=1)
    return (top + np.log(np.exp(logits - top[:, np.newaxis]).sum(axis=1))).mean()


def _shifted_by_one_number(logits: Array) -> Any:
    return _naive_softmax(logits - logits.max())


def _over_the_batch(logits: Array) -> Any:
    return activations.softmax(logits.T).T


def _every_label_of_every_example(log: Callable[[Array], Any]) -> Function:
    def variant(logits: Array, labels: Array) -> tuple[Any, Array]:
        gradient = activations.softmax(logits)
        gradient[:, labels] -= 1
        return -log(logits)[:, labels].mean(), gradient / len(logits)

    return variant


def _only_at_the_class(logits: Array, labels: Array) -> Any:
    return (activations.softmax(logits) - 1) * _one_hot(logits, labels) / len(logits)


def _at_probabilities(logits: Array, labels: Array) -> Any:
    return -_one_hot(logits, labels) / activations.softmax(logits) / len(logits)


SOFTMAX_CROSS_ENTROPY = Exercise(
    name="losses.softmax_cross_entropy",
    outputs=(NAN, "loss", "dlogits"),
    returns=("loss", "dlogits"),
    observe=counting_nan,
    reference=_softmax_ce,
    cases=_softmax_cases,
    criteria=(
        Criterion("loss is a number, dlogits has the shape of logits", 0.25, "shape"),
        Criterion(
            "loss is right at ordinary logits",
            0.75,
            group="ordinary",
            outputs=("loss",),
            equations=("loss-softmax-cross-entropy",),
            tolerance=ORDINARY,
        ),
        Criterion(
            "dlogits is right at ordinary logits",
            0.75,
            group="ordinary",
            outputs=("dlogits",),
            equations=("loss-softmax-cross-entropy-backward",),
        ),
        Criterion(
            "a single example, two classes",
            0.25,
            group="edge",
            outputs=("loss", "dlogits"),
            equations=("loss-softmax-cross-entropy", "loss-softmax-cross-entropy-backward"),
            tolerance=ORDINARY,
        ),
        Criterion(
            "loss and dlogits at logits of 1000",
            0.75,
            group="extreme",
            outputs=(NAN, "loss", "dlogits"),
            equations=("loss-softmax-cross-entropy",),
        ),
        Criterion("the arguments are left as they were", 0.25, "unchanged"),
    ),
    misconceptions=(
        Misconception(
            "an exponential that overflows",
            "exp(1000) is infinite, and infinity divided by itself is NaN; at -1000 it is 0 / 0. "
            "Shift the logits of each example before you take exponentials.",
            "loss-softmax-cross-entropy",
            (
                *_probabilities(_naive_softmax, (_naive_sum,)),
                _altered(_softmax_ce, loss=_naive_sum),
            ),
        ),
        Misconception(
            "one shift for the whole batch",
            "You subtract the largest of all logits. An example whose logits are all far below it "
            "is left with a sum of 0. Each example has its own largest logit: axis 1.",
            "loss-softmax-cross-entropy",
            (
                *_probabilities(_shifted_by_one_number, (lambda z, c: _naive_sum(z - z.max(), c),)),
                _altered(_softmax_ce, loss=lambda z, c: _naive_sum(z - z.max(), c)),
            ),
        ),
        Misconception(
            "the logarithm of a probability that was rounded to 0",
            "You compute the softmax safely, but some of its entries are too small for a float, "
            "and the logarithm of 0 is infinite. Take the logarithm of the formula first: that "
            "of exp(z) is z.",
            "loss-softmax-cross-entropy",
            tuple(_altered(_softmax_ce, loss) for loss in _after(activations.softmax)[:2]),
        ),
        Misconception(
            "probabilities that were kept away from 0",
            "It keeps the loss finite, but a class that is wrong by 2000 costs no more than one "
            "that is wrong by 40. From the logits the true loss can be computed.",
            "loss-softmax-cross-entropy",
            tuple(_altered(_softmax_ce, loss) for cut in CUTS for loss in _cut_losses(cut)),
        ),
        Misconception(
            "a softmax over the batch",
            "The probabilities of one example sum to 1: the sum runs over its classes, axis 1.",
            "loss-softmax-cross-entropy",
            _probabilities(_over_the_batch),
        ),
        Misconception(
            "a softmax that was applied twice",
            "The function takes logits. Given probabilities it still runs, but its loss cannot "
            "become small.",
            "loss-softmax-cross-entropy",
            (lambda logits, labels: _softmax_ce(activations.softmax(logits), labels),),
        ),
        Misconception(
            "a minus in the exponent",
            "With exp(-z), as on a slide of deck L, the largest logit gets the smallest "
            "probability.",
            "loss-softmax-cross-entropy",
            (*_probabilities(lambda z: activations.softmax(-z)),),
        ),
        Misconception(
            "every label taken from every example",
            "p[:, labels] picks as many columns as there are labels from each row. One entry of "
            "each row is wanted: index the rows with np.arange, too.",
            "loss-softmax-cross-entropy",
            (
                _every_label_of_every_example(lambda z: np.log(activations.softmax(z))),
                _every_label_of_every_example(activations.log_softmax),
            ),
        ),
        Misconception(
            "a loss without the logit of the class",
            "The logarithm of the sum is there; the logit of the right class is still to be "
            "subtracted.",
            "loss-softmax-cross-entropy",
            (_altered(_softmax_ce, _logarithm_of_the_sum),),
        ),
        Misconception(
            "a loss with its sign turned",
            "The loss is minus the logarithm of a probability, so it is not negative.",
            "loss-softmax-cross-entropy",
            (_altered(_softmax_ce, lambda z, c: -_softmax_ce(z, c)[0]),),
        ),
        Misconception(
            "a sum over the batch",
            "The loss is a mean over the batch, so both it and its gradient are divided by the "
            "number of examples.",
            "loss-softmax-cross-entropy-backward",
            (
                _scaled(_softmax_ce, _batch_size),
                _altered(_softmax_ce, gradient=lambda z, d: _softmax_ce(z, d)[1] * _batch_size(z)),
            ),
        ),
        Misconception(
            "a mean over the classes",
            "You divide by the number of classes, too. An example has one class, and one term; the "
            "mean is over the batch.",
            "loss-softmax-cross-entropy",
            (_scaled(_softmax_ce, lambda z: 1 / _width(z)),),
        ),
        Misconception(
            "a gradient without the one-hot target",
            "These are the probabilities. The second term of the loss takes 1 away at the class of "
            "each example.",
            "loss-softmax-cross-entropy-backward",
            (_altered(_softmax_ce, gradient=lambda z, c: activations.softmax(z) / len(z)),),
        ),
        Misconception(
            "a 1 that was subtracted after the division",
            "The whole error, probability minus 1, is divided by the batch size.",
            "loss-softmax-cross-entropy-backward",
            (
                _altered(
                    _softmax_ce,
                    gradient=lambda z, c: activations.softmax(z) / len(z) - _one_hot(z, c),
                ),
            ),
        ),
        Misconception(
            "a gradient at the right class alone",
            "The logarithm of the sum depends on all logits of an example, so the other classes "
            "have a gradient, too.",
            "loss-softmax-cross-entropy-backward",
            (_altered(_softmax_ce, gradient=_only_at_the_class),),
        ),
        Misconception(
            "the gradient at the probabilities",
            "It has still to go through the Jacobian of the softmax. Asked for is the gradient "
            "with respect to the logits.",
            "loss-softmax-cross-entropy-backward",
            (_altered(_softmax_ce, gradient=_at_probabilities),),
        ),
        Misconception(
            "a gradient with its sign turned",
            "At a wrong class the loss grows with the logit: probability minus target.",
            "loss-softmax-cross-entropy-backward",
            (_altered(_softmax_ce, gradient=lambda z, c: -_softmax_ce(z, c)[1]),),
        ),
        Misconception(
            "logits in place of probabilities",
            "The error is probability minus target, and the probabilities are the softmax of the "
            "logits.",
            "loss-softmax-cross-entropy-backward",
            (_altered(_softmax_ce, gradient=lambda z, c: (z - _one_hot(z, c)) / len(z)),),
        ),
    ),
)

EXERCISES = (SQUARED_ERROR, KL_DIVERGENCE, SIGMOID_CROSS_ENTROPY, SOFTMAX_CROSS_ENTROPY)
