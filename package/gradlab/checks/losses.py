"""Checks of the exercise ``losses``: functions that return a loss and its gradient."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradlab import activations
from gradlab import losses as reference
from gradlab.checks._edits import mistakes
from gradlab.checks._model import (
    NAN,
    Case,
    Exercise,
    counting_nan,
    criteria,
)

Array = NDArray[Any]

CUTS = (1e-15, 1e-12, 1e-10, 1e-9, 1e-8, 1e-7, 1e-6)
"""What people add to a probability, or keep it above, before they take the logarithm."""

ORDINARY = (1e-4, 1e-9)
"""Tolerance of a cross-entropy where nothing is extreme: wide enough that each of the `CUTS` does
no harm there, so that it costs the points for extreme inputs and no others.
"""


def for_each_cut(*forms: str, cuts: tuple[float, ...] = CUTS) -> str:
    """Return the lines of a mistake whose forms say CUT where one of the `CUTS` stands."""
    lines = [form.replace("CUT", repr(cut)) for form in forms for cut in cuts]
    return "\n    ".join(lines)


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


def _squared_reference(y: Array, target: Array) -> tuple[Any, Array]:
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


def _squared_error(y: Array, target: Array) -> Any:
    batch = y.shape[0]
    error = y - target
    loss = (error**2).sum() / (2 * batch)
    dy = error / batch
    return loss, dy


SQUARED_ERROR = Exercise(
    name="losses.squared_error",
    outputs=(NAN, "loss", "dy"),
    returns=("loss", "dy"),
    observe=counting_nan,
    reference=_squared_reference,
    model=_squared_error,
    cases=_squared_cases,
    criteria=criteria("""
loss is a number, dy has the shape of y (shape, 0.25)
loss is right (ordinary, 0.25)
    loss: loss-squared-error
dy is right (ordinary, 0.5)
    dy: loss-squared-error-backward
a single example, a single feature (edge, 0.25)
    loss, dy: loss-squared-error loss-squared-error-backward
the arguments are left as they were (unchanged, 0.25)
"""),
    misconceptions=mistakes(
        _squared_error,
        """
a half that is missing (loss-squared-error)
    (2 * batch) -> batch & error / batch -> 2 * error / batch
    (2 * batch) -> batch
    error / batch -> 2 * error / batch
    The convention here is half the squared distance, whose derivative is the error itself; deck H
    leaves the half out. A gradient that is twice too large kept the 2 of the derivative and forgot
    the half.
PyTorch's mse_loss (loss-squared-error)
    (error**2).sum() / (2 * batch) -> (error**2).mean() & error / batch -> 2 * error / error.size
    (error**2).sum() / (2 * batch) -> (error**2).mean()
    error / batch -> 2 * error / error.size
    You average over all entries, without the half. That is the convention of PyTorch and Keras;
    here the features are summed and only the batch is averaged.
a mean over the features (loss-squared-error)
    (2 * batch) -> (2 * y.size) & error / batch -> error / y.size
    (2 * batch) -> (2 * y.size)
    error / batch -> error / y.size
    You divide by the number of features, too. They are summed; the mean is over the batch alone.
a sum over the batch (loss-squared-error-backward)
    (2 * batch) -> 2 & error / batch -> error
    (2 * batch) -> 2
    error / batch -> error
    The loss is a mean over the batch, so both it and its gradient are divided by the number of
    examples. A sum would make the best learning rate depend on the batch size.
a gradient with its sign turned (loss-squared-error-backward, 0.75)
    error / batch -> -error / batch
    A prediction that is too large has to have a positive gradient: prediction minus target.
one gradient for the whole batch (loss-squared-error-backward, 0.5)
    error / batch -> error.mean(axis=0)
    error / batch -> error.sum(axis=0)
    Every prediction has a gradient of its own, so dy has the shape of y. Dividing by the batch
    size is all that is left of the mean.
a distance that is not squared (loss-squared-error, 1)
    (error**2).sum() / (2 * batch) -> np.sqrt((error**2).sum(axis=1)).mean()
    (error**2).sum() / (2 * batch) -> np.sqrt((error**2).sum(axis=1)).mean() / 2
    You take a root after the sum. The divergence is half the square of the distance.
the absolute error (loss-squared-error)
    (error**2).sum() / (2 * batch) -> abs(error).sum() / batch & dy = error -> dy = np.sign(error)
    (error**2).sum() / (2 * batch) -> abs(error).sum() / batch
    You sum absolute values, whose slope does not say how far the target is. The divergence asked
    for squares each error.
""",
    ),
)


# ---- KL divergence


def _kl_reference(y: Array, target: Array) -> tuple[Any, Array]:
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
        ("edge", ", one prediction of each row is 2e-12", np.float64),
    ):
        rows, classes = _sizes(rng)
        if "all" in rest:
            rows = 1
        y, target = _distributions(rng, rows, classes), _distributions(rng, rows, classes)
        if "one-hot" in rest:
            target = np.eye(classes)[rng.integers(0, classes, rows)]
        elif "target of" in rest:
            target[np.arange(rows), rng.integers(0, classes, rows)] = 0.0
            target /= target.sum(axis=1, keepdims=True)
        elif "2e-12" in rest:
            y[np.arange(rows), rng.integers(0, classes, rows)] = 2e-12
            y /= y.sum(axis=1, keepdims=True)
        elif "equal" in rest:
            target = y.copy()
        arguments = {"y": y.astype(dtype), "target": target.astype(dtype)}
        cases.append(Case(group, _label(rows, classes, "classes", rest), arguments))
    return cases


def _kl_divergence(y: Array, target: Array) -> Any:
    batch = y.shape[0]
    some = target > 0
    d = target[some]
    loss = (d * np.log(d / y[some])).sum() / batch
    dy = -target / y / batch
    return loss, dy


KL_ADDED = for_each_cut(
    "np.log(d / y[some]) -> np.log((d + CUT) / (y[some] + CUT))",
    "np.log(d / y[some]) -> np.log(d / (y[some] + CUT))",
    "batch = y.shape[0] -> batch = y.shape[0]; y = y + CUT",
)
KL_CUT = for_each_cut(
    "d / y[some] -> d / np.maximum(y[some], CUT)",
    "batch = y.shape[0] -> batch = y.shape[0]; y = np.maximum(y, CUT)",
    cuts=CUTS[2:],  # No prediction is below 1e-12.
)

KL_DIVERGENCE = Exercise(
    name="losses.kl_divergence",
    outputs=(NAN, "loss", "dy"),
    returns=("loss", "dy"),
    observe=counting_nan,
    reference=_kl_reference,
    model=_kl_divergence,
    cases=_kl_cases,
    criteria=criteria(f"""
loss is a number, dy has the shape of y (shape, 0.25)
loss is right where all targets are above 0 (ordinary, 0.5)
    loss: loss-kl-divergence, within {ORDINARY}
dy is right where all targets are above 0 (ordinary, 0.5)
    dy: loss-kl-divergence-backward, within {ORDINARY}
targets of 0, predictions near 0, equal distributions, a single example (edge, 0.5)
    number of NaN, loss, dy: loss-kl-divergence
the arguments are left as they were (unchanged, 0.25)
"""),
    misconceptions=mistakes(
        _kl_divergence,
        f"""
0 times the logarithm of 0 (loss-kl-divergence, 1.5)
    target > 0 -> target >= 0
    That is NaN to the computer, and 0 by the convention of the formula, which is the limit. Such
    entries have to be left out before the logarithm is taken: a factor of 0 comes too late.
predictions that were moved away from 0 (loss-kl-divergence, 1.5)
    {KL_ADDED}
    {KL_CUT}
    Predictions are above 0, so their logarithm is finite as it is. A small number added to them, or
    below which they are cut, stands for those that are as small.
a cross-entropy (loss-kl-divergence, 1)
    (d * np.log(d / y[some])) -> -(d * np.log(y[some]))
    The part that depends on the target alone is missing. Without it the loss is not 0 where
    prediction and target agree, but the target's entropy.
prediction and target exchanged (loss-kl-divergence)
    (d * np.log(d / y[some])) -> (y * np.log(y / target)) & -target / y -> (np.log(y / target) + 1)
    (d * np.log(d / y[some])) -> (y * np.log(y / target))
    (d * np.log(d / y[some])) -> (y[some] * np.log(y[some] / d))
    The KL divergence is not symmetric. The target gives the weights, and the prediction stands
    only inside the logarithm.
a loss with its sign turned (loss-kl-divergence, 1)
    np.log(d / y[some]) -> np.log(y[some] / d)
    np.log(d / y[some]) -> np.log(y[some] / d) & target > 0 -> target >= 0
    A KL divergence is never negative: the logarithm of the prediction is what is subtracted.
PyTorch's default, a mean over all entries (loss-kl-divergence)
    .sum() / batch -> .sum() / y.size & / y / batch -> / y / y.size
    .sum() / batch -> .sum() / y.size
    .sum() / batch -> .sum() / y.size & target > 0 -> target >= 0
    kl_div divides by the number of classes, too, unless it is told "batchmean". Here the classes
    are summed and the batch is averaged.
a sum over the batch (loss-kl-divergence-backward)
    .sum() / batch -> .sum() & / y / batch -> / y
    .sum() / batch -> .sum()
    / y / batch -> / y
    .sum() / batch -> .sum() & target > 0 -> target >= 0
    The loss is a mean over the batch, so both it and its gradient are divided by the number of
    examples.
logarithms to base 2 (loss-kl-divergence)
    np.log( -> np.log2( & -target / y -> -target / y / np.log(2)
    np.log( -> np.log2(
    np.log( -> np.log2( & target > 0 -> target >= 0
    That measures the divergence in bits. Here it is in natural logarithms, np.log.
the gradient at the net input of a softmax (loss-kl-divergence-backward, 1)
    -target / y / batch -> (y - target) / batch
    Prediction minus target is what comes out once the Jacobian of the softmax has been multiplied.
    Asked for is the gradient at the prediction, before that.
a gradient with its sign turned (loss-kl-divergence-backward, 1)
    -target -> target
    More probability where the target has some makes the loss smaller: the gradient is negative
    there.
a gradient without the target (loss-kl-divergence-backward, 1)
    -target / y -> -1 / y
    The derivative of the logarithm is multiplied by the weight that stands before it, the target.
the derivative by the target (loss-kl-divergence-backward, 1)
    -target / y -> (np.log(target / y) + 1)
    What is trained is the prediction. The target is a constant, and so is the first part of the
    formula.
a logarithm that was not differentiated (loss-kl-divergence-backward, 1)
    -target / y -> -target * np.log(y)
    The derivative of log y is 1 / y.
""",
    ),
)


# ---- sigmoid and binary cross-entropy


def _sigmoid_reference(z: Array, target: Array) -> tuple[Any, Array]:
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


def _sigmoid_cross_entropy(z: Array, target: Array) -> Any:
    softplus = np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))
    y = np.exp(z - softplus)
    loss = (softplus - target * z).mean()
    dz = (y - target) / z.size
    return loss, dz


SIGMOID_CUT = for_each_cut(
    "(softplus - target * z) -> -(target * np.log(np.clip(y, CUT, 1 - CUT)) "
    "+ (1 - target) * np.log(1 - np.clip(y, CUT, 1 - CUT)))",
    "(softplus - target * z) -> -(target * np.log(y + CUT) + (1 - target) * np.log(1 - y + CUT))",
)

SIGMOID_CROSS_ENTROPY = Exercise(
    name="losses.sigmoid_cross_entropy",
    outputs=(NAN, "loss", "dz"),
    returns=("loss", "dz"),
    observe=counting_nan,
    reference=_sigmoid_reference,
    model=_sigmoid_cross_entropy,
    cases=_sigmoid_cases,
    criteria=criteria(f"""
loss is a number, dz has the shape of z (shape, 0.25)
loss is right at ordinary net inputs (ordinary, 0.5)
    loss: loss-binary-cross-entropy, within {ORDINARY}
dz is right at ordinary net inputs (ordinary, 0.75)
    dz: loss-net-input
loss and dz at net inputs of 40 and of 800 (extreme, 0.75)
    number of NaN, loss, dz: loss-binary-cross-entropy
the arguments are left as they were (unchanged, 0.25)
"""),
    misconceptions=mistakes(
        _sigmoid_cross_entropy,
        f"""
the logarithm of a probability that was rounded (loss-binary-cross-entropy)
    (softplus - target * z) -> -(target * np.log(y) + (1 - target) * np.log(1 - y))
    (softplus - target * z) -> -(target * np.log(y) + (1 - target) * np.log(1 - y))
        & (y - target) -> (y - target) / (y * (1 - y)) * (y * (1 - y))
    (softplus - target * z) -> -(target * np.log(y) + (1 - target) * np.log(1 - y))
        & (y - target) -> (-target / y + (1 - target) / (1 - y)) * y * (1 - y)
    (softplus - target * z) -> np.where(target == 1, -np.log(y), -np.log(1 - y))
    (softplus - target * z) -> np.where(target == 1, -np.log(y), -np.log(1 - y))
        & (y - target) -> (y - target) / (y * (1 - y)) * (y * (1 - y))
    (softplus - target * z) -> np.where(target == 1, -np.log(y), -np.log(1 - y))
        & (y - target) -> (-target / y + (1 - target) / (1 - y)) * y * (1 - y)
    From z = 37 on the sigmoid is exactly 1 in float64, and the logarithm of 1 - 1 is infinite, or
    NaN once it is multiplied by 0. Simplify log(1 - sigmoid(z)) on paper before you compute it.
an exponential that overflows (loss-binary-cross-entropy, 1.75)
    (softplus - target * z) -> (np.log(1 + np.exp(z)) - target * z)
    (softplus - target * z) -> (np.log(1 + np.exp(-z)) + (1 - target) * z)
    np.exp(z - softplus) -> np.exp(z) / (1 + np.exp(z))
    (softplus - target * z) -> (np.log(1 + np.exp(z)) - target * z)
        & np.exp(z - softplus) -> np.exp(z) / (1 + np.exp(z))
    exp(z) is infinite from z = 710 on. For a large positive z take it out of the logarithm, so
    that the exponential that remains is one of a negative number.
PyTorch's smallest logarithm (loss-binary-cross-entropy, 1.75)
    (softplus - target * z) -> -(target * np.maximum(np.log(y), -100)
        + (1 - target) * np.maximum(np.log(1 - y), -100))
    binary_cross_entropy of PyTorch replaces logarithms below -100, which is a rule for
    probabilities that were rounded already. From the net input the true loss can be computed, and
    nothing need be cut off.
probabilities that were moved away from 0 and 1 (loss-binary-cross-entropy, 1.75)
    {SIGMOID_CUT}
    Keras does that. It keeps the loss finite, but a decision that is wrong with z = 800 costs no
    more than one with z = 40. From the net input the true loss can be computed.
loss and sigmoid differentiated apart (loss-net-input, 1.75)
    (y - target) -> (y - target) / (y * (1 - y)) * (y * (1 - y))
    (y - target) -> (-target / y + (1 - target) / (1 - y)) * y * (1 - y)
    You divide by y (1 - y) and multiply by it again. On paper it cancels; in the computer it is
    0 / 0 where the sigmoid was rounded. Put the sigmoid into the loss and differentiate once.
only the targets of 1 counted (loss-binary-cross-entropy)
    (softplus - target * z) -> (target * (softplus - z)) & (y - target) -> target * (y - 1)
    (softplus - target * z) -> (target * (softplus - z))
    The term (1 - y) log(1 - prediction) is missing: a wrong yes would cost nothing.
a mean over the batch alone (loss-binary-cross-entropy)
    .mean() -> .sum() / len(z) & / z.size -> / len(z)
    .mean() -> .sum() / len(z)
    / z.size -> / len(z)
    The convention for binary cross-entropy is a mean over all entries, batch and outputs.
a sum in place of the mean (loss-binary-cross-entropy)
    .mean() -> .sum() & (y - target) / z.size -> y - target
    .mean() -> .sum()
    (y - target) / z.size -> y - target
    Loss and gradient are divided by the number of all entries.
the gradient at the prediction (loss-net-input, 1)
    (y - target) -> (y - target) / (y * (1 - y))
    What you return has still to be multiplied by the derivative of the sigmoid, and then
    simplified: asked for is the gradient with respect to z.
the gradient of the squared error (loss-net-input, 1)
    (y - target) -> (y - target) * y * (1 - y)
    The derivative of the sigmoid is still there. The one of the cross-entropy cancels it, which is
    what the cross-entropy is taken for.
a gradient with its sign turned (loss-net-input, 1)
    (y - target) -> (target - y)
    For a target of 0 the loss grows with z: prediction minus target.
the net input in place of the prediction (loss-net-input, 1)
    (y - target) -> (z - target)
    The error is prediction minus target, and the prediction is sigmoid(z).
a sigmoid that was applied twice (loss-binary-cross-entropy, 0.25)
    softplus = -> z = 1 / (1 + np.exp(-z)); softplus =
    z is the net input. One sigmoid makes it a probability, a second one leaves numbers between 0.5
    and 0.73.
targets between 0 and 1 taken for 0 (loss-binary-cross-entropy, 2)
    (softplus - target * z) -> np.where(target == 1, softplus - z, softplus)
    A target of 0.7 has both terms of the formula, with the weights 0.7 and 0.3.
""",
    ),
)


# ---- softmax and cross-entropy


def _softmax_reference(logits: Array, labels: Array) -> tuple[Any, Array]:
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


def _softmax_cross_entropy(logits: Array, labels: Array) -> Any:
    batch = logits.shape[0]
    rows = np.arange(batch)
    shifted = logits - logits.max(axis=1)[:, None]
    exponentials = np.exp(shifted)
    total = exponentials.sum(axis=1)
    p = exponentials / total[:, None]
    loss = (np.log(total) - shifted[rows, labels]).mean()
    dlogits = p.copy()
    dlogits[rows, labels] -= 1
    return loss, dlogits / batch


SOFTMAX_CUT = for_each_cut(
    "(np.log(total) - shifted[rows, labels]) -> -np.log(np.maximum(p[rows, labels], CUT))",
    "(np.log(total) - shifted[rows, labels]) -> -np.log(p[rows, labels] + CUT)",
)

SOFTMAX_CROSS_ENTROPY = Exercise(
    name="losses.softmax_cross_entropy",
    outputs=(NAN, "loss", "dlogits"),
    returns=("loss", "dlogits"),
    observe=counting_nan,
    reference=_softmax_reference,
    model=_softmax_cross_entropy,
    cases=_softmax_cases,
    criteria=criteria(f"""
loss is a number, dlogits has the shape of logits (shape, 0.25)
loss is right at ordinary logits (ordinary, 0.75)
    loss: loss-softmax-cross-entropy, within {ORDINARY}
dlogits is right at ordinary logits (ordinary, 0.75)
    dlogits: loss-softmax-cross-entropy-backward
a single example, two classes (edge, 0.25)
    loss, dlogits: loss-softmax-cross-entropy loss-softmax-cross-entropy-backward, within {ORDINARY}
loss and dlogits at logits of 1000 (extreme, 0.75)
    number of NaN, loss, dlogits: loss-softmax-cross-entropy
the arguments are left as they were (unchanged, 0.25)
"""),
    misconceptions=mistakes(
        _softmax_cross_entropy,
        f"""
an exponential that overflows (loss-softmax-cross-entropy, 2.25)
    logits - logits.max(axis=1)[:, None] -> logits
    logits - logits.max(axis=1)[:, None] -> logits
        & (np.log(total) - shifted[rows, labels]) -> -np.log(p[rows, labels])
    logits - logits.max(axis=1)[:, None] -> logits & (np.log(total) - shifted[rows, labels]).mean()
        -> -(np.eye(logits.shape[1])[labels] * np.log(p)).sum() / batch
    np.log(total) -> np.log(np.exp(logits).sum(axis=1)) & - shifted[ -> - logits[
    exp(1000) is infinite, and infinity divided by itself is NaN; at -1000 it is 0 / 0. Shift the
    logits of each example before you take exponentials.
one shift for the whole batch (loss-softmax-cross-entropy, 2.25)
    logits.max(axis=1)[:, None] -> logits.max()
    logits.max(axis=1)[:, None] -> logits.max()
        & (np.log(total) - shifted[rows, labels]) -> -np.log(p[rows, labels])
    logits.max(axis=1)[:, None] -> logits.max() & (np.log(total) - shifted[rows, labels]).mean()
        -> -(np.eye(logits.shape[1])[labels] * np.log(p)).sum() / batch
    np.log(total) -> np.log(np.exp(logits - logits.max()).sum(axis=1))
        & - shifted[ -> - (logits - logits.max())[
    You subtract the largest of all logits. An example whose logits are all far below it is left
    with a sum of 0. Each example has its own largest logit: axis 1.
the logarithm of a probability that was rounded to 0 (loss-softmax-cross-entropy, 2.25)
    (np.log(total) - shifted[rows, labels]) -> -np.log(p[rows, labels])
    (np.log(total) - shifted[rows, labels]).mean()
        -> -(np.eye(logits.shape[1])[labels] * np.log(p)).sum() / batch
    You compute the softmax safely, but some of its entries are too small for a float, and the
    logarithm of 0 is infinite. Take the logarithm of the formula first: that of exp(z) is z.
probabilities that were kept away from 0 (loss-softmax-cross-entropy, 2.25)
    {SOFTMAX_CUT}
    It keeps the loss finite, but a class that is wrong by 2000 costs no more than one that is
    wrong by 40. From the logits the true loss can be computed.
a softmax over the batch (loss-softmax-cross-entropy, 0.25)
    logits.max(axis=1)[:, None] -> logits.max(axis=0) & exponentials.sum(axis=1)
        -> exponentials.sum(axis=0) & total[:, None] -> total
        & (np.log(total) - shifted[rows, labels]) -> -np.log(p[rows, labels])
    logits.max(axis=1)[:, None] -> logits.max(axis=0) & exponentials.sum(axis=1)
        -> exponentials.sum(axis=0) & total[:, None] -> total
        & (np.log(total) - shifted[rows, labels]).mean()
        -> -(np.eye(logits.shape[1])[labels] * np.log(p)).sum() / batch
    The probabilities of one example sum to 1: the sum runs over its classes, axis 1.
a softmax that was applied twice (loss-softmax-cross-entropy, 0.25)
    batch = -> p = np.exp(logits - logits.max(axis=1)[:, None]);
        logits = p / p.sum(axis=1)[:, None]; batch =
    The function takes logits. Given probabilities it still runs, but its loss cannot become small.
a minus in the exponent (loss-softmax-cross-entropy, 0.25)
    logits - logits.max(axis=1)[:, None] -> logits.min(axis=1)[:, None] - logits
    logits - logits.max(axis=1)[:, None] -> logits.min(axis=1)[:, None] - logits
        & (np.log(total) - shifted[rows, labels]) -> -np.log(p[rows, labels])
    logits - logits.max(axis=1)[:, None] -> logits.min(axis=1)[:, None] - logits
        & (np.log(total) - shifted[rows, labels]).mean()
        -> -(np.eye(logits.shape[1])[labels] * np.log(p)).sum() / batch
    With exp(-z), as on a slide of deck L, the largest logit gets the smallest probability.
every label taken from every example (loss-softmax-cross-entropy)
    (np.log(total) - shifted[rows, labels]) -> (np.log(total)[:, None] - shifted)[:, labels]
        & dlogits[rows -> dlogits[:
    (np.log(total) - shifted[rows, labels]) -> -np.log(p)[:, labels] & dlogits[rows -> dlogits[:
    dlogits[rows -> dlogits[:
    p[:, labels] picks as many columns as there are labels from each row. One entry of each row is
    wanted: index the rows with np.arange, too.
a loss without the logit of the class (loss-softmax-cross-entropy, 1.25)
    - shifted[rows, labels] -> + logits.max(axis=1)
    (np.log(total) - shifted[rows, labels]) -> np.log(total)
    The logarithm of the sum is there; the logit of the right class is still to be subtracted.
a loss with its sign turned (loss-softmax-cross-entropy, 1.25)
    (np.log(total) - shifted[rows, labels]) -> (shifted[rows, labels] - np.log(total))
    The loss is minus the logarithm of a probability, so it is not negative.
a sum over the batch (loss-softmax-cross-entropy-backward)
    .mean() -> .sum() & dlogits / batch -> dlogits
    .mean() -> .sum()
    dlogits / batch -> dlogits
    The loss is a mean over the batch, so both it and its gradient are divided by the number of
    examples.
a mean over the classes (loss-softmax-cross-entropy)
    .mean() -> .sum() / logits.size & dlogits / batch -> dlogits / logits.size
    .mean() -> .sum() / logits.size
    dlogits / batch -> dlogits / logits.size
    You divide by the number of classes, too. An example has one class, and one term; the mean is
    over the batch.
a gradient without the one-hot target (loss-softmax-cross-entropy-backward, 1.25)
    dlogits / batch -> p / batch
    These are the probabilities. The second term of the loss takes 1 away at the class of each
    example.
a 1 that was subtracted after the division (loss-softmax-cross-entropy-backward, 1.25)
    p.copy() -> p / batch & dlogits / batch -> dlogits
    The whole error, probability minus 1, is divided by the batch size.
a gradient at the right class alone (loss-softmax-cross-entropy-backward, 1.25)
    dlogits / batch -> dlogits * np.eye(logits.shape[1])[labels] / batch
    The logarithm of the sum depends on all logits of an example, so the other classes have a
    gradient, too.
the gradient at the probabilities (loss-softmax-cross-entropy-backward, 1.25)
    dlogits / batch -> -np.eye(logits.shape[1])[labels] / p / batch
    It has still to go through the Jacobian of the softmax. Asked for is the gradient with respect
    to the logits.
a gradient with its sign turned (loss-softmax-cross-entropy-backward, 1.25)
    dlogits / batch -> -dlogits / batch
    At a wrong class the loss grows with the logit: probability minus target.
logits in place of probabilities (loss-softmax-cross-entropy-backward, 1.25)
    p.copy() -> logits.copy()
    The error is probability minus target, and the probabilities are the softmax of the logits.
""",
    ),
)

EXERCISES = (SQUARED_ERROR, KL_DIVERGENCE, SIGMOID_CROSS_ENTROPY, SOFTMAX_CROSS_ENTROPY)
