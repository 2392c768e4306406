"""Checks of the exercise ``input-normalization``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradlab import input_normalization as reference
from gradlab.checks._edits import mistakes
from gradlab.checks._model import Case, Exercise, criteria

Array = NDArray[Any]


def _data(rng: np.random.Generator, rows: int, deviations: Array) -> Array:
    """Correlated examples with a mean, of exactly these deviations along their principal axes.

    So the axes are well apart, and what whitening makes of the data is well-conditioned.
    """
    features = deviations.size
    noise = rng.standard_normal((rows, features))
    scores, _ = np.linalg.qr(noise - noise.mean(axis=0))
    mirror = rng.uniform(0.3, 1.0, features)
    reflection = np.eye(features) - 2 * np.outer(mirror, mirror) / (mirror @ mirror)
    # A reflection is symmetric, and would hide that rows were taken for columns.
    axes = np.roll(reflection, 1, axis=0)
    return np.asarray(_means(rng, features) + np.sqrt(rows) * scores * deviations @ axes)


def _means(rng: np.random.Generator, features: int) -> Array:
    return rng.uniform(0.5, 3.0, features) * rng.choice([-1.0, 1.0], features)


def _deviations(rng: np.random.Generator, features: int) -> Array:
    """Deviations on both sides of 1, each at least a fifth larger than the next."""
    ratio = 0.16 ** (1 / (features - 1))
    return 2.5 * ratio ** np.arange(features) * rng.uniform(0.95, 1.05, features)


def _pair(
    rng: np.random.Generator, features: int, rows: int = 0, flat: bool = False
) -> tuple[Array, Array]:
    """A training set and new examples that differ from it in number, mean and spread."""
    deviations = _deviations(rng, features)
    if flat:
        deviations[-1] = 0.0
    train = _data(rng, features + int(rng.integers(4, 8)), deviations)
    rows = rows or features + int(rng.integers(1, 4))
    return train, _means(rng, features) + rng.standard_normal((rows, features))


def _label(train: Array, x: Array | None, rest: str = "") -> str:
    features = train.shape[1]
    size = f"{len(train)} training examples with {features} feature{'s' if features > 1 else ''}"
    if x is None:
        return f"{size}, transformed themselves{rest}"
    return f"{size}, {len(x)} new one{'s' if len(x) > 1 else ''}{rest}"


_OWN = (
    "You fit on x. Mean and spread are learned from the training set and then stay, so that the "
    "result for one example does not depend on the others."
)
_TOGETHER = (
    "What is fitted on the test examples as well leaks into the measurement and makes it look "
    "better than it is. The statistics come from `train` alone."
)
_UNBIASED = (
    "That is the convention of the unbiased estimate, which scikit-learn's PCA and PyTorch's std "
    "take. This exercise asks for the division by M."
)


# ---- standardize


def _standardize(train: Array, x: Array) -> tuple[Array, Array]:
    return (reference.fit_center(train).transform(x), reference.fit_standardize(train).transform(x))


def _standardize_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for features in (3, 5):
        train, _ = _pair(rng, features)
        arguments = {"train": train, "x": train.copy()}
        cases.append(Case("train", _label(train, None), arguments))
    for rows, dtype in ((0, np.float64), (1, np.float64), (0, np.float32)):
        train, x = (a.astype(dtype) for a in _pair(rng, 4, rows))
        rest = ", float32" if dtype is np.float32 else ""
        cases.append(Case("new", _label(train, x, rest), {"train": train, "x": x}))
    for constants in (1, 2):
        # Small is not constant: nothing but a deviation of 0 is to be replaced.
        train, x = (examples * np.array([1.0, 1.0, 1.0, 1e-3]) for examples in _pair(rng, 4))
        # Their mean is exact in any order of summation, so their deviation is exactly 0.
        train[:, 1 : 1 + constants] = rng.integers(1, 8, constants) / 4 + 4
        rest = f", {constants} constant in training, feature 3 on a small scale"
        cases.append(Case("constant", _label(train, x, rest), {"train": train, "x": x}))
    return cases


def _standardize_answer(train: Array, x: Array) -> tuple[Array, Array]:
    mean = train.mean(axis=0)
    deviation = np.sqrt(((train - mean) ** 2).mean(axis=0))
    scale = np.where(deviation == 0, 1.0, deviation)
    centered = x - mean
    return centered, centered / scale


STANDARDIZE = Exercise(
    name="input_normalization.standardize",
    outputs=("centered", "standardized"),
    reference=_standardize,
    cases=_standardize_cases,
    criteria=criteria("""
centered and standardized have the shape of x (shape, 0.25)
the training set itself (train, 0.75)
    centered, standardized: in-mean in-deviation
new examples centered by the means of the training set (new, 0.5)
    centered: in-mean in-center
new examples standardized by the deviations of the training set (new, 0.75)
    standardized: in-deviation in-standardize
features that are constant in the training set (constant, 0.5)
    centered, standardized: in-standardize
the arguments are left as they were (unchanged, 0.25)
"""),
    model=_standardize_answer,
    misconceptions=mistakes(
        _standardize_answer,
        f"""
the statistics of the new examples (in-mean, 1.25)
    train.mean(axis=0) -> x.mean(axis=0) & (train - mean) -> (x - mean)
    {_OWN}
statistics of training and new examples together (in-mean, 1.25)
    mean = train.mean(axis=0) -> train = np.concatenate([train, x]); mean = train.mean(axis=0)
    {_TOGETHER}
one mean and one deviation for all features (in-mean, 0.25)
    train.mean(axis=0) -> train.mean() & ** 2).mean(axis=0) -> ** 2).mean()
    Without an axis the statistics run over everything, and features stay as unequal as they were.
    Each feature has its own: axis 0.
each example standardized by itself (in-mean, 0.25)
    x - mean -> x - x.mean(1)[:, None] & centered / scale -> centered / x.std(1)[:, None]
    Your statistics run over the features of an example. Here they belong to a feature and run over
    the training examples: axis 0.
the variance in place of the standard deviation (in-standardize, 1)
    np.sqrt(((train - mean) ** 2).mean(axis=0)) -> ((train - mean) ** 2).mean(axis=0)
    The root is missing. Divided by its variance, a feature measured in cm instead of m would not
    come out the same.
a parenthesis missing around x - mean (in-standardize, 1)
    centered / scale -> x - mean / scale
    x - mean / std divides the mean alone, because division comes before subtraction.
standardized examples that are not centered (in-standardize, 1)
    centered / scale -> x / scale
    Subtract the mean before you divide by the deviation.
the deviation of the training set before it is centered (in-deviation, 1)
    (train - mean) -> train
    The deviation is the root of the mean of (x - mean) squared: subtract the mean first.
the range in place of the standard deviation (in-deviation, 1)
    np.sqrt(((train - mean) ** 2).mean(axis=0)) -> np.ptp(train, axis=0)
    Dividing by max - min is another common scaling, but one outlier decides it. This exercise asks
    for the standard deviation.
statistics that divide by M - 1 (in-deviation, 1)
    np.sqrt(((train - mean) ** 2).mean(axis=0)) -> train.std(axis=0, ddof=1)
    {_UNBIASED}
a division by the deviation 0 (in-standardize, 2.5)
    np.where(deviation == 0, 1.0, deviation) -> deviation
    A feature that is constant in training has the deviation 0. In the training set that gives
    0 / 0, in new examples infinity. Divide by 1 there.
a tiny number that stands in for the deviation 0 (in-standardize)
    np.where(deviation == 0, 1.0, deviation) -> deviation + 1e-5
    np.where(deviation == 0, 1.0, deviation) -> deviation + 1e-7
    np.where(deviation == 0, 1.0, deviation) -> deviation + 1e-8
    np.where(deviation == 0, 1.0, deviation) -> deviation + 1e-9
    np.where(deviation == 0, 1.0, deviation) -> deviation + 1e-10
    np.where(deviation == 0, 1.0, deviation) -> deviation + 1e-12
    np.where(deviation == 0, 1.0, deviation) -> deviation + 1e-16
    == 0, 1.0 -> == 0, 1e-5
    == 0, 1.0 -> == 0, 1e-7
    == 0, 1.0 -> == 0, 1e-8
    == 0, 1.0 -> == 0, 1e-9
    == 0, 1.0 -> == 0, 1e-10
    == 0, 1.0 -> == 0, 1e-12
    np.where(deviation == 0, 1.0, deviation) -> np.sqrt(deviation**2 + 1e-5)
    np.where(deviation == 0, 1.0, deviation) -> np.sqrt(deviation**2 + 1e-8)
    np.where(deviation == 0, 1.0, deviation) -> np.sqrt(deviation**2 + 1e-12)
    It avoids NaN, but a new example that differs a little in a constant feature becomes enormous.
    Divide such a feature by 1.
a constant feature set to 0 (in-standardize, 2.5)
    deviation == 0, 1.0, -> deviation == 0, np.inf,
    In new examples it may have another value, which is then lost. Center it and divide it by 1.
""",
    ),
)


# ---- whitening


def _pca(train: Array, x: Array, eps: float) -> Array:
    return reference.fit_pca_whitening(train, eps).transform(x)


def _zca(train: Array, x: Array, eps: float) -> Array:
    return reference.fit_zca_whitening(train, eps).transform(x)


def _up_to_signs(function: Callable[..., Any], train: Array, x: Array, eps: float) -> Array:
    """Return the result with each column's largest entry positive: axes have no sign."""
    out = np.asarray(function(train, x, eps))
    if out.ndim != 2 or out.size == 0:
        return out
    largest = np.abs(out).argmax(axis=0)
    return np.asarray(out * np.where(out[largest, np.arange(out.shape[1])] < 0, -1.0, 1.0))


def _whitening_cases(rng: np.random.Generator, few: bool) -> list[Case]:
    """Ordinary cases, then one new example and a direction, or with `few` many, without extent."""
    chosen: list[tuple[str, Array, Array | None, float, str]] = []
    # An epsilon on the scale of the variances shows where it was put; a small one shows the rest.
    for features, eps in ((4, 0.5), (3, 0.01)):
        train, _ = _pair(rng, features)
        chosen.append(("train", train, None, eps, ""))
    for features, eps in ((3, 0.4), (5, 0.02)):
        chosen.append(("new", *_pair(rng, features), eps, ""))
    chosen.append(("edge", *_pair(rng, 4, rows=1), 0.1, ""))
    train, x = _pair(rng, 6, flat=not few)
    if few:
        chosen.append(("edge", train[:4], x, 0.2, ""))
    else:
        chosen.append(("edge", train, x, 0.2, ", the features are linearly dependent"))
    return [
        Case(
            group,
            _label(train, x, f", eps = {eps:g}{rest}"),
            {"train": train, "x": train.copy() if x is None else x, "eps": eps},
        )
        for group, train, x, eps, rest in chosen
    ]


_COMMON = f"""
the statistics of the new examples (in-covariance)
    train.mean -> x.mean & train - mean -> x - mean & len(train) -> len(x)
    {_OWN}
statistics of training and new examples together (in-covariance)
    mean = train.mean(axis=0) -> train = np.concatenate([train, x]); mean = train.mean(axis=0)
    {_TOGETHER}
new examples centered by their own mean (in-center)
    (x - mean) -> (x - x.mean(axis=0))
    The mean is learned from the training set, as the axes are. A single new example would come out
    as 0.
examples that are not centered (in-center)
    (x - mean) -> x
    Subtract the mean of the training set from x as well, not only where you compute the covariance.
a division by the variances instead of the deviations (EQUATION)
    np.sqrt(variances + eps) -> (variances + eps)
    The power is -1/2: divide by sqrt(lambda + eps).
epsilon left out (EQUATION)
    np.sqrt(variances + eps) -> np.sqrt(np.maximum(variances, 0.0))
    np.sqrt(variances + eps) -> np.sqrt(variances)
    Directions in which the training set hardly varies are then blown up to variance 1, whatever
    they hold. Add eps to the variances.
epsilon outside the root (EQUATION)
    np.sqrt(variances + eps) -> (np.sqrt(np.maximum(variances, 0.0)) + eps)
    np.sqrt(variances + eps) -> (np.sqrt(variances) + eps)
    You divide by sqrt(lambda) + eps; the chapter adds eps to the variances, under the root.
statistics that divide by M - 1 (in-covariance)
    len(train) -> (len(train) - 1)
    {_UNBIASED}
"""
"""What goes wrong in both ways to whiten."""


def _pca_answer(train: Array, x: Array, eps: float) -> Array:
    mean = train.mean(axis=0)
    centered = train - mean
    covariance = centered.T @ centered / len(train)
    variances, v = np.linalg.eigh(covariance)
    variances, v = variances[::-1], v[:, ::-1]
    return (x - mean) @ v / np.sqrt(variances + eps)


PCA = Exercise(
    name="input_normalization.pca",
    outputs=("out",),
    reference=_pca,
    observe=_up_to_signs,
    cases=lambda rng: _whitening_cases(rng, few=False),
    criteria=criteria("""
out has the shape of x (shape, 0.25)
the training set itself (train, 0.75)
    out: in-covariance in-pca
new examples, by the axes of the training set (new, 0.75)
    out: in-center in-pca
a single new example, a direction without extent (edge, 0.5)
    out: in-pca
the arguments are left as they were (unchanged, 0.25)
"""),
    model=_pca_answer,
    misconceptions=mistakes(
        _pca_answer,
        """
the axes in the order of rising variance (in-pca, 0.25)
    variances[::-1], v[:, ::-1] -> variances, v
    np.linalg.eigh sorts the eigenvalues upwards. Turn the order of values and vectors.
a rotation without a division (in-pca, 0.25)
    np.sqrt(variances + eps) -> 1.0
    The coordinates along the axes are uncorrelated, but their variances are as unequal as before.
    Divide each by its deviation.
ZCA whitening (in-pca, 0.25)
    np.sqrt(variances + eps) -> np.sqrt(variances + eps) @ v.T
    You turn the whitened data back to the features that they came from. That is the next part; here
    the coordinates along the axes are asked for.
axes read from the wrong side of the matrix (in-pca, 0.25)
    @ v -> @ v.T
    v[:, ::-1] -> v[::-1].T
    @ v -> @ np.linalg.svd(centered)[2]
    np.linalg.eigh returns the eigenvectors in the columns of its matrix, np.linalg.svd the axes in
    the rows of its last one. To get coordinates, multiply from the right by a matrix with an axis
    in each column.
features that are standardized first (in-covariance, 0.25)
    mean = train.mean -> train, x = train / train.std(0), x / train.std(0); mean = train.mean
    Then the axes are those of the correlations. Whitening divides along the axes; the features
    before it are only centered.
"""
        + _COMMON.replace("EQUATION", "in-pca").lstrip(),
    ),
)


def _with_our_signs(function: Callable[..., Any], train: Array, x: Array, eps: float) -> Array:
    """Return the result; one that is PCA whitening, a mistake here, along the axes of ours.

    Without that the mistake could not be recognised: the signs of its axes are arbitrary, and so
    are the axes themselves where the training set has no extent.
    """
    out = np.asarray(function(train, x, eps))
    if out.shape != x.shape:
        return out
    pca = _pca(train, x, eps)
    rank = int(np.linalg.matrix_rank(train - train.mean(axis=0)))
    for mistake, own in ((pca, np.s_[:, :rank]), (pca[:, ::-1], np.s_[:, x.shape[1] - rank :])):
        signs = np.abs(np.abs(out[own]) - np.abs(mistake[own]))
        lengths = np.abs(np.linalg.norm(out, axis=1) - np.linalg.norm(mistake, axis=1))
        if (signs < 1e-9).all() and (lengths < 1e-9).all():
            return np.asarray(mistake)
    return out


def _zca_answer(train: Array, x: Array, eps: float) -> Array:
    mean = train.mean(axis=0)
    centered = train - mean
    covariance = centered.T @ centered / len(train)
    variances, v = np.linalg.eigh(covariance)
    return (x - mean) @ (v / np.sqrt(variances + eps)) @ v.T


def _by_cholesky(train: Array, x: Array, eps: float) -> Array:
    centered = train - train.mean(axis=0)
    covariance = centered.T @ centered / len(train) + eps * np.eye(x.shape[1])
    return (x - train.mean(axis=0)) @ np.linalg.inv(np.linalg.cholesky(covariance)).T


ZCA = Exercise(
    name="input_normalization.zca",
    outputs=("out",),
    reference=_zca,
    observe=_with_our_signs,
    cases=lambda rng: _whitening_cases(rng, few=True),
    criteria=criteria("""
out has the shape of x (shape, 0.25)
the training set itself (train, 0.25)
    out: in-covariance in-zca
new examples, by the matrix of the training set (new, 0.5)
    out: in-center in-zca
a single new example, fewer training examples than features (edge, 0.25)
    out: in-zca
the arguments are left as they were (unchanged, 0.25)
"""),
    model=_zca_answer,
    misconceptions=mistakes(
        _zca_answer,
        """
PCA whitening, not turned back (in-zca, 0.25)
    eps)) @ v.T -> eps))[:, ::-1]
    eps)) @ v.T -> eps))
    Your features are coordinates along the axes. Multiply by the transposed matrix of the axes once
    more, so that each feature stays where it was.
whitening by a Cholesky factor (in-zca, 0.25)
    = _by_cholesky
    That whitens as well: it is ZCA followed by a rotation. But it depends on the order of the
    features, and moves the data more than the symmetric matrix does.
standardized features whose correlations are left in place (in-zca, 0.25)
    @ (v / np.sqrt(variances + eps)) @ v.T -> / np.sqrt(np.diag(covariance) + eps)
    You divide by the deviations of the features. Divide along the principal axes, where the data
    are uncorrelated.
epsilon added to every entry of the covariance (in-zca, 0.25)
    (covariance) -> (covariance + eps) & variances + eps -> np.maximum(variances, 0.0)
    (covariance) -> (covariance + eps) & variances + eps -> variances
    C + eps adds it everywhere; the formula has eps times the identity matrix, which reaches the
    diagonal alone.
the mean added back (in-zca, 0.25)
    eps)) @ v.T -> eps)) @ v.T + mean
    Whitened data have the mean 0. Turning back means the axes, not the mean.
"""
        + _COMMON.replace("EQUATION", "in-zca").lstrip(),
    ),
)


# ---- curvature


def _hessian(x: Array) -> Array:
    """Equation in-hessian: half the mean squared error of a linear unit with a bias."""
    extended = np.column_stack([x, np.ones(len(x))])
    return np.asarray(extended.T @ extended / len(x))


def _curvature_cases(rng: np.random.Generator) -> list[Case]:
    cases = []

    def add(group: str, x: Array, floor: float, rest: str) -> None:
        examples, features = x.shape
        size = f"{examples} examples with {features} feature{'s' if features > 1 else ''}"
        cases.append(Case(group, f"{size}, {rest}", {"x": x, "floor": floor}))

    for features in (3, 5):
        add("ordinary", _pair(rng, features)[0], 1e-9, "floor = 1e-9")
    standardized = _standardize(*[_pair(rng, 4)[0]] * 2)[1]
    add("ordinary", standardized, 1e-9, "standardized, floor = 1e-9")
    add("edge", _data(rng, 7, rng.uniform(1.5, 2.5, 1)), 1e-9, "floor = 1e-9")
    constant = _pair(rng, 4)[0]
    # In eighths, so that its mean is this number exactly.
    constant[:, 2] = rng.integers(4, 17) / 8
    add("edge", constant, 1e-9, "feature 2 is constant, floor = 1e-9")
    spread = _data(rng, 9, np.array([2.0, 0.5, 0.05]) * rng.uniform(0.9, 1.1, 3))
    # Just below the second, so that a floor taken relative to the largest, or of squares, is seen.
    floor = float(f"{np.linalg.eigvalsh(_hessian(spread))[1] / 1.7:.2g}")
    add("floor", spread, floor, f"a small variance, floor = {floor:g}")
    return cases


def _curvature_answer(x: Array, floor: float) -> tuple[Any, Any]:
    extended = np.column_stack([x, np.ones(len(x))])
    hessian = extended.T @ extended / len(x)
    values = np.linalg.eigvalsh(hessian)
    largest = values.max()
    return largest, largest / values[values > floor].min()


CURVATURE = Exercise(
    name="input_normalization.curvature",
    outputs=("largest", "condition"),
    reference=reference.curvature,
    cases=_curvature_cases,
    criteria=criteria("""
the largest curvature (ordinary, 0.5)
    largest: in-hessian
the condition number (ordinary, 0.5)
    condition: in-hessian
a single feature, a constant feature (edge, 0.25)
    largest, condition: in-hessian
an eigenvalue that is not 0 and not above the floor (floor, 0.5)
    largest, condition: in-hessian
the arguments are left as they were (unchanged, 0.25)
"""),
    model=_curvature_answer,
    misconceptions=mistakes(
        _curvature_answer,
        """
a unit without a bias (in-hessian, 0)
    np.column_stack([x, np.ones(len(x))]) -> x
    The bias is a parameter, too: the weight of an input that is always 1. It gives the matrix one
    more row and column, in which the means stand.
the covariance in place of the second moments (in-hessian, 0)
    np.column_stack([x, np.ones(len(x))]) -> x - x.mean(axis=0)
    [x, np -> [x - x.mean(axis=0), np
    np.column_stack([x, np.ones(len(x))]) -> x - x.mean(axis=0) & / len(x) -> / (len(x) - 1)
    The second derivatives contain the inputs as they are, with their mean, which makes one
    direction steep. You subtract it first, and then see no effect of centering.
a sum over the examples that is not divided by M (in-hessian, 0.75)
    extended / len(x) -> extended
    The loss is a mean over the examples, so its second derivatives are, too.
a division by M - 1 (in-hessian, 0.75)
    / len(x) -> / (len(x) - 1)
    The loss divides by M. There is nothing to estimate here.
twice the second derivatives (in-hessian, 0.75)
    / len(x) -> / len(x) * 2
    The loss has a factor 1/2, which takes away the 2 of the square.
half the second derivatives (in-hessian, 0.75)
    / len(x) -> / len(x) / 2
    Deriving the square twice brings a factor 2, which takes away the 1/2 of the loss.
singular values of the inputs instead of eigenvalues (in-hessian)
    largest / values[values > floor].min() -> np.sqrt(largest / values[values > floor].min())
    np.linalg.eigvalsh(hessian) -> np.linalg.svd(extended, compute_uv=False)
    np.linalg.eigvalsh(hessian) -> np.linalg.svd(extended, compute_uv=False) / np.sqrt(len(x))
    The eigenvalues are the squares of these (divided by M): the condition number of the inputs is
    the root of that of the loss.
the diagonal in place of the eigenvalues (in-hessian, 0)
    np.linalg.eigvalsh(hessian) -> np.diag(hessian)
    The diagonal holds the curvatures along single weights. The steepest direction mixes weights,
    and is steeper than each.
the condition number upside down (in-hessian, 0.75)
    largest / values[values > floor].min() -> values[values > floor].min() / largest
    Divide the largest by the smallest: the number is 1 for a round valley and large for a long one.
the flat directions kept in place of the others (in-hessian, 0)
    values > floor -> values <= floor
    Where every eigenvalue is above the floor, nothing is left to take a smallest of. Keep those
    above the floor.
a floor that is not used (in-hessian, 1.25)
    values[values > floor].min() -> values.min()
    Directions with an eigenvalue up to the floor count as flat: leave them out before you take the
    smallest.
small eigenvalues replaced by the floor (in-hessian, 1.25)
    values[values > floor].min() -> np.maximum(values, floor).min()
    They are left out, not raised: the smallest of the others counts.
""",
    ),
)

EXERCISES = (STANDARDIZE, PCA, ZCA, CURVATURE)
