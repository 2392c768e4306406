"""Checks of the exercise ``input-normalization``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradlab import input_normalization as reference
from gradlab.checks._model import Case, Criterion, Exercise, Misconception

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


Source = Callable[[Array, Array], Array]
"""The examples that the statistics come from, from training set and new examples."""

OWN = (
    "the statistics of the new examples",
    "You fit on x. Mean and spread are learned from the training set and then stay, so that the "
    "result for one example does not depend on the others.",
)
TOGETHER = (
    "statistics of training and new examples together",
    "What is fitted on the test examples as well leaks into the measurement and makes it look "
    "better than it is. The statistics come from `train` alone.",
)
UNBIASED = (
    "statistics that divide by M - 1",
    "That is the convention of the unbiased estimate, which scikit-learn's PCA and PyTorch's std "
    "take. This exercise asks for the division by M.",
)


def _both(train: Array, x: Array) -> Array:
    return np.concatenate([train, x])


# ---- standardize


def _standardize(train: Array, x: Array) -> tuple[Array, Array]:
    return (
        reference.fit_center(train).transform(x),
        reference.fit_standardize(train).transform(x),
    )


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
        train, x = _pair(rng, 4)
        # Their mean is exact in any order of summation, so their deviation is exactly 0.
        train[:, 1 : 1 + constants] = rng.integers(1, 8, constants) / 4 + 4
        rest = f", {constants} constant in training"
        cases.append(Case("constant", _label(train, x, rest), {"train": train, "x": x}))
    return cases


def _not_zero(deviation: Array) -> Array:
    return np.where(deviation == 0, 1.0, deviation)


def _standardize_variant(
    source: Source = lambda train, x: train,
    mean: Callable[[Array], Any] = lambda data: data.mean(axis=0),
    scale: Callable[[Array], Any] = lambda data: _not_zero(data.std(axis=0)),
    combine: Callable[[Array, Any, Any], Array] = lambda x, mu, s: (x - mu) / s,
) -> Callable[..., tuple[Array, Array]]:
    """Centring and standardizing with one step exchanged."""

    def variant(train: Array, x: Array) -> tuple[Array, Array]:
        data = source(train, x)
        mu = mean(data)
        return x - mu, combine(x, mu, scale(data))

    return variant


def _floored(outside: float = 0.0, inside: float = 0.0) -> Callable[..., tuple[Array, Array]]:
    return _standardize_variant(scale=lambda data: np.sqrt(data.var(axis=0) + inside) + outside)


def _each_by_itself(train: Array, x: Array) -> tuple[Array, Array]:
    centred = x - x.mean(axis=1, keepdims=True)
    return centred, centred / x.std(axis=1, keepdims=True)


STANDARDIZE = Exercise(
    name="input_normalization.standardize",
    outputs=("centred", "standardized"),
    reference=_standardize,
    cases=_standardize_cases,
    criteria=(
        Criterion("centred and standardized have the shape of x", 0.25, "shape"),
        Criterion(
            "the training set itself",
            0.75,
            group="train",
            outputs=("centred", "standardized"),
            equations=("in-mean", "in-deviation"),
        ),
        Criterion(
            "new examples centred by the means of the training set",
            0.5,
            group="new",
            outputs=("centred",),
            equations=("in-mean", "in-center"),
        ),
        Criterion(
            "new examples standardized by the deviations of the training set",
            0.75,
            group="new",
            outputs=("standardized",),
            equations=("in-deviation", "in-standardize"),
        ),
        Criterion(
            "features that are constant in the training set",
            0.5,
            group="constant",
            outputs=("centred", "standardized"),
            equations=("in-standardize",),
        ),
        Criterion("the arguments are left as they were", 0.25, "unchanged"),
    ),
    misconceptions=(
        Misconception(*OWN, "in-mean", (_standardize_variant(source=lambda train, x: x),)),
        Misconception(*TOGETHER, "in-mean", (_standardize_variant(source=_both),)),
        Misconception(
            "one mean and one deviation for all features",
            "Without an axis the statistics run over everything, and features stay as unequal as "
            "they were. Each feature has its own: axis 0.",
            "in-mean",
            (_standardize_variant(mean=lambda d: d.mean(), scale=lambda d: d.std()),),
        ),
        Misconception(
            "each example standardized by itself",
            "Your statistics run over the features of an example. Here they belong to a feature "
            "and run over the training examples: axis 0.",
            "in-mean",
            (_each_by_itself,),
        ),
        Misconception(
            "the variance in place of the standard deviation",
            "The root is missing. Divided by its variance, a feature measured in cm instead of m "
            "would not come out the same.",
            "in-standardize",
            (_standardize_variant(scale=lambda d: _not_zero(d.var(axis=0))),),
        ),
        Misconception(
            "a parenthesis missing around x - mean",
            "x - mean / std divides the mean alone, because division comes before subtraction.",
            "in-standardize",
            (_standardize_variant(combine=lambda x, mu, s: x - mu / s),),
        ),
        Misconception(
            "standardized examples that are not centred",
            "Subtract the mean before you divide by the deviation.",
            "in-standardize",
            (_standardize_variant(combine=lambda x, mu, s: x / s),),
        ),
        Misconception(
            "the deviation of the training set before it is centred",
            "The deviation is the root of the mean of (x - mean) squared: subtract the mean first.",
            "in-deviation",
            (_standardize_variant(scale=lambda d: np.sqrt((d * d).mean(axis=0))),),
        ),
        Misconception(
            "the range in place of the standard deviation",
            "Dividing by max - min is another common scaling, but one outlier decides it. This "
            "exercise asks for the standard deviation.",
            "in-deviation",
            (_standardize_variant(scale=lambda d: _not_zero(np.ptp(d, axis=0))),),
        ),
        Misconception(
            *UNBIASED,
            "in-deviation",
            (_standardize_variant(scale=lambda d: _not_zero(d.std(axis=0, ddof=1))),),
        ),
        Misconception(
            "a division by the deviation 0",
            "A feature that is constant in training has the deviation 0. In the training set that "
            "gives 0 / 0, in new examples infinity. Divide by 1 there.",
            "in-standardize",
            (_standardize_variant(scale=lambda d: d.std(axis=0)),),
        ),
        Misconception(
            "a tiny number that stands in for the deviation 0",
            "It avoids NaN, but a new example that differs a little in a constant feature becomes "
            "enormous. Divide such a feature by 1.",
            "in-standardize",
            (
                *(_floored(outside=tiny) for tiny in (1e-5, 1e-7, 1e-8, 1e-9, 1e-10, 1e-12, 1e-16)),
                *(_floored(inside=tiny) for tiny in (1e-5, 1e-8, 1e-12)),
            ),
        ),
        Misconception(
            "a constant feature set to 0",
            "In new examples it may have another value, which is then lost. Centre it and divide "
            "it by 1.",
            "in-standardize",
            (
                _standardize_variant(
                    combine=lambda x, mu, s: (x - mu) / s,
                    scale=lambda d: np.where(d.std(axis=0) == 0, np.inf, d.std(axis=0)),
                ),
            ),
        ),
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


def _principal(data: Array, ddof: int) -> tuple[Array, Array]:
    """Variances, upwards, and the axes in columns."""
    centred = data - data.mean(axis=0)
    variances, axes = np.linalg.eigh(centred.T @ centred / (len(data) - ddof))
    return np.maximum(variances, 0.0), axes


def _whitening_variant(
    back: bool,
    source: Source = lambda train, x: train,
    shift: Callable[[Array, Array], Any] = lambda train, x: train.mean(axis=0),
    scale: Callable[[Array, float], Any] = lambda lam, eps: np.sqrt(lam + eps),
    ddof: int = 0,
) -> Callable[..., Array]:
    """Whitening with one step exchanged, turned `back` for ZCA."""

    def variant(train: Array, x: Array, eps: float) -> Array:
        data = source(train, x)
        variances, axes = _principal(data, ddof)
        z = (x - shift(data, x)) @ axes / scale(variances, eps)
        return np.asarray(z @ axes.T if back else z[:, ::-1])

    return variant


def _common_misconceptions(back: bool, equation: str) -> tuple[Misconception, ...]:
    """What goes wrong in both ways to whiten."""

    def variant(**steps: Any) -> tuple[Callable[..., Array], ...]:
        return (_whitening_variant(back, **steps),)

    return (
        Misconception(*OWN, "in-covariance", variant(source=lambda train, x: x)),
        Misconception(*TOGETHER, "in-covariance", variant(source=_both)),
        Misconception(
            "new examples centred by their own mean",
            "The mean is learned from the training set, as the axes are. A single new example "
            "would come out as 0.",
            "in-center",
            variant(shift=lambda train, x: x.mean(axis=0)),
        ),
        Misconception(
            "examples that are not centred",
            "Subtract the mean of the training set from x as well, not only where you compute the "
            "covariance.",
            "in-center",
            variant(shift=lambda train, x: 0.0),
        ),
        Misconception(
            "a division by the variances instead of the deviations",
            "The power is -1/2: divide by sqrt(lambda + eps).",
            equation,
            variant(scale=lambda lam, eps: lam + eps),
        ),
        Misconception(
            "epsilon left out",
            "Directions in which the training set hardly varies are then blown up to variance 1, "
            "whatever they hold. Add eps to the variances.",
            equation,
            variant(scale=lambda lam, eps: np.sqrt(lam)),
        ),
        Misconception(
            "epsilon outside the root",
            "You divide by sqrt(lambda) + eps; the chapter adds eps to the variances, under the "
            "root.",
            equation,
            variant(scale=lambda lam, eps: np.sqrt(lam) + eps),
        ),
        Misconception(*UNBIASED, "in-covariance", variant(ddof=1)),
    )


def _upwards(train: Array, x: Array, eps: float) -> Array:
    return _pca(train, x, eps)[:, ::-1]


def _axes_from_rows(by_svd: bool) -> Callable[..., Array]:
    """Axes read from the rows where they are columns, or the other way round."""

    def variant(train: Array, x: Array, eps: float) -> Array:
        mean = train.mean(axis=0)
        if by_svd:
            _, singular, axes = np.linalg.svd(train - mean)
            variances = np.zeros(x.shape[1])
            variances[: singular.size] = singular**2 / len(train)
            return np.asarray((x - mean) @ axes / np.sqrt(variances + eps))
        variances, axes = _principal(train, 0)
        return np.asarray((x - mean) @ axes[:, ::-1].T / np.sqrt(variances[::-1] + eps))

    return variant


def _standardized_first(train: Array, x: Array, eps: float) -> Array:
    fitted = reference.fit_standardize(train)
    return _pca(fitted.transform(train), fitted.transform(x), eps)


PCA = Exercise(
    name="input_normalization.pca",
    outputs=("out",),
    reference=_pca,
    observe=_up_to_signs,
    cases=lambda rng: _whitening_cases(rng, few=False),
    criteria=(
        Criterion("out has the shape of x", 0.25, "shape"),
        Criterion(
            "the training set itself",
            0.75,
            group="train",
            outputs=("out",),
            equations=("in-covariance", "in-pca"),
        ),
        Criterion(
            "new examples, by the axes of the training set",
            0.75,
            group="new",
            outputs=("out",),
            equations=("in-center", "in-pca"),
        ),
        Criterion(
            "a single new example, a direction without extent",
            0.5,
            group="edge",
            outputs=("out",),
            equations=("in-pca",),
        ),
        Criterion("the arguments are left as they were", 0.25, "unchanged"),
    ),
    misconceptions=(
        Misconception(
            "the axes in the order of rising variance",
            "np.linalg.eigh sorts the eigenvalues upwards. Turn the order of values and vectors.",
            "in-pca",
            (_upwards,),
        ),
        Misconception(
            "a rotation without a division",
            "The coordinates along the axes are uncorrelated, but their variances are as unequal "
            "as before. Divide each by its deviation.",
            "in-pca",
            (_whitening_variant(False, scale=lambda lam, eps: 1.0),),
        ),
        Misconception(
            "ZCA whitening",
            "You turn the whitened data back to the features that they came from. That is the next "
            "part; here the coordinates along the axes are asked for.",
            "in-pca",
            (_zca,),
        ),
        Misconception(
            "axes read from the wrong side of the matrix",
            "np.linalg.eigh returns the eigenvectors in the columns of its matrix, np.linalg.svd "
            "the axes in the rows of its last one. To get coordinates, multiply from the right by "
            "a matrix with an axis in each column.",
            "in-pca",
            (_axes_from_rows(by_svd=False), _axes_from_rows(by_svd=True)),
        ),
        Misconception(
            "features that are standardized first",
            "Then the axes are those of the correlations. Whitening divides along the axes; the "
            "features before it are only centred.",
            "in-covariance",
            (_standardized_first,),
        ),
        *_common_misconceptions(back=False, equation="in-pca"),
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


def _by_cholesky(train: Array, x: Array, eps: float) -> Array:
    centred = train - train.mean(axis=0)
    covariance = centred.T @ centred / len(train) + eps * np.eye(x.shape[1])
    lower = np.linalg.cholesky(covariance)
    return np.asarray(np.linalg.solve(lower, (x - train.mean(axis=0)).T).T)


def _epsilon_everywhere(train: Array, x: Array, eps: float) -> Array:
    centred = train - train.mean(axis=0)
    variances, axes = np.linalg.eigh(centred.T @ centred / len(train) + eps)
    inverse = axes / np.sqrt(np.maximum(variances, 0.0)) @ axes.T
    return np.asarray((x - train.mean(axis=0)) @ inverse)


def _correlations_left(train: Array, x: Array, eps: float) -> Array:
    return np.asarray((x - train.mean(axis=0)) / np.sqrt(train.var(axis=0) + eps))


ZCA = Exercise(
    name="input_normalization.zca",
    outputs=("out",),
    reference=_zca,
    observe=_with_our_signs,
    cases=lambda rng: _whitening_cases(rng, few=True),
    criteria=(
        Criterion("out has the shape of x", 0.25, "shape"),
        Criterion(
            "the training set itself",
            0.25,
            group="train",
            outputs=("out",),
            equations=("in-covariance", "in-zca"),
        ),
        Criterion(
            "new examples, by the matrix of the training set",
            0.5,
            group="new",
            outputs=("out",),
            equations=("in-center", "in-zca"),
        ),
        Criterion(
            "a single new example, fewer training examples than features",
            0.25,
            group="edge",
            outputs=("out",),
            equations=("in-zca",),
        ),
        Criterion("the arguments are left as they were", 0.25, "unchanged"),
    ),
    misconceptions=(
        Misconception(
            "PCA whitening, not turned back",
            "Your features are coordinates along the axes. Multiply by the transposed matrix of "
            "the axes once more, so that each feature stays where it was.",
            "in-zca",
            (_pca, _upwards),
        ),
        Misconception(
            "whitening by a Cholesky factor",
            "That whitens as well: it is ZCA followed by a rotation. But it depends on the order "
            "of the features, and moves the data more than the symmetric matrix does.",
            "in-zca",
            (_by_cholesky,),
        ),
        Misconception(
            "standardized features whose correlations are left in place",
            "You divide by the deviations of the features. Divide along the principal axes, where "
            "the data are uncorrelated.",
            "in-zca",
            (_correlations_left,),
        ),
        Misconception(
            "epsilon added to every entry of the covariance",
            "C + eps adds it everywhere; the formula has eps times the identity matrix, which "
            "reaches the diagonal alone.",
            "in-zca",
            (_epsilon_everywhere,),
        ),
        Misconception(
            "the mean added back",
            "Whitened data have the mean 0. Turning back means the axes, not the mean.",
            "in-zca",
            (lambda train, x, eps: _zca(train, x, eps) + train.mean(axis=0),),
        ),
        *_common_misconceptions(back=True, equation="in-zca"),
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
    spread = _data(rng, 9, np.array([2.0, 0.9, 0.05]) * rng.uniform(0.9, 1.1, 3))
    smallest, second = np.linalg.eigvalsh(_hessian(spread))[:2]
    floor = float(f"{np.sqrt(smallest * second):.1g}")
    add("floor", spread, floor, f"a small variance, floor = {floor:g}")
    return cases


def _curvature_variant(
    matrix: Callable[[Array], Array] = _hessian,
    values: Callable[[Array], Array] = np.linalg.eigvalsh,
    kept: Callable[[Array, float], Array] = lambda v, floor: v[v > floor],
    condition: Callable[[float, float], float] = lambda high, low: high / low,
) -> Callable[..., tuple[Any, ...]]:
    """Largest curvature and condition number with one step exchanged."""

    def variant(x: Array, floor: float) -> tuple[Any, ...]:
        found = values(matrix(x))
        return found.max(), condition(found.max(), kept(found, floor).min())

    return variant


def _covariance(x: Array) -> Array:
    centred = x - x.mean(axis=0)
    return np.asarray(centred.T @ centred / len(x))


CURVATURE = Exercise(
    name="input_normalization.curvature",
    outputs=("largest", "condition"),
    reference=reference.curvature,
    cases=_curvature_cases,
    criteria=(
        Criterion(
            "the largest curvature",
            0.5,
            group="ordinary",
            outputs=("largest",),
            equations=("in-hessian",),
        ),
        Criterion(
            "the condition number",
            0.5,
            group="ordinary",
            outputs=("condition",),
            equations=("in-hessian",),
        ),
        Criterion(
            "a single feature, a constant feature",
            0.25,
            group="edge",
            outputs=("largest", "condition"),
            equations=("in-hessian",),
        ),
        Criterion(
            "an eigenvalue that is not 0 and not above the floor",
            0.5,
            group="floor",
            outputs=("largest", "condition"),
            equations=("in-hessian",),
        ),
        Criterion("the arguments are left as they were", 0.25, "unchanged"),
    ),
    misconceptions=(
        Misconception(
            "a unit without a bias",
            "The bias is a parameter, too: the weight of an input that is always 1. It gives the "
            "matrix one more row and column, in which the means stand.",
            "in-hessian",
            (_curvature_variant(matrix=lambda x: x.T @ x / len(x)),),
        ),
        Misconception(
            "the covariance in place of the second moments",
            "The second derivatives contain the inputs as they are, with their mean, which makes "
            "one direction steep. You subtract it first, and then see no effect of centring.",
            "in-hessian",
            (
                _curvature_variant(matrix=_covariance),
                _curvature_variant(matrix=lambda x: _hessian(x - x.mean(axis=0))),
                _curvature_variant(matrix=lambda x: np.atleast_2d(np.cov(x, rowvar=False))),
            ),
        ),
        Misconception(
            "a sum over the examples that is not divided by M",
            "The loss is a mean over the examples, so its second derivatives are, too.",
            "in-hessian",
            (_curvature_variant(matrix=lambda x: _hessian(x) * len(x)),),
        ),
        Misconception(
            "a division by M - 1",
            "The loss divides by M. There is nothing to estimate here.",
            "in-hessian",
            (_curvature_variant(matrix=lambda x: _hessian(x) * len(x) / (len(x) - 1)),),
        ),
        Misconception(
            "twice the second derivatives",
            "The loss has a factor 1/2, which takes away the 2 of the square.",
            "in-hessian",
            (_curvature_variant(matrix=lambda x: 2 * _hessian(x)),),
        ),
        Misconception(
            "half the second derivatives",
            "Deriving the square twice brings a factor 2, which takes away the 1/2 of the loss.",
            "in-hessian",
            (_curvature_variant(matrix=lambda x: _hessian(x) / 2),),
        ),
        Misconception(
            "singular values of the inputs instead of eigenvalues",
            "The eigenvalues are the squares of these (divided by M): the condition number of the "
            "inputs is the root of that of the loss.",
            "in-hessian",
            (
                _curvature_variant(condition=lambda high, low: np.sqrt(high / low)),
                _curvature_variant(
                    matrix=lambda x: np.column_stack([x, np.ones(len(x))]),
                    values=lambda m: np.linalg.svd(m, compute_uv=False),
                ),
                _curvature_variant(
                    matrix=lambda x: np.column_stack([x, np.ones(len(x))]) / np.sqrt(len(x)),
                    values=lambda m: np.linalg.svd(m, compute_uv=False),
                ),
            ),
        ),
        Misconception(
            "the diagonal in place of the eigenvalues",
            "The diagonal holds the curvatures along single weights. The steepest direction mixes "
            "weights, and is steeper than each.",
            "in-hessian",
            (_curvature_variant(values=np.diag),),
        ),
        Misconception(
            "the condition number upside down",
            "Divide the largest by the smallest: the number is 1 for a round valley and large for "
            "a long one.",
            "in-hessian",
            (_curvature_variant(condition=lambda high, low: low / high),),
        ),
        Misconception(
            "a floor that is not used",
            "Directions with an eigenvalue up to the floor count as flat: leave them out before "
            "you take the smallest.",
            "in-hessian",
            (_curvature_variant(kept=lambda v, floor: v),),
        ),
        Misconception(
            "small eigenvalues replaced by the floor",
            "They are left out, not raised: the smallest of the others counts.",
            "in-hessian",
            (_curvature_variant(kept=lambda v, floor: np.maximum(v, floor)),),
        ),
    ),
)

EXERCISES = (STANDARDIZE, PCA, ZCA, CURVATURE)
