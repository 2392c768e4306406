"""Checks of the exercise ``gradient-bounds``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradlab import gradient_bounds as reference
from gradlab.checks._model import Case, Criterion, Exercise, Misconception
from gradlab.network import Activation, Dense, Network

Array = NDArray[Any]

# Through many layers the right numbers become as small as 1e-20, so only a relative tolerance says
# anything; sums of a few products of the same sign, or well conditioned ones, keep ten digits.
RELATIVE = {"float64": (1e-6, 0.0)}


def _singular_values(weight: Array) -> Array:
    values: Array = np.linalg.svd(weight, compute_uv=False)
    return values


# ---- the factors of a layer


def _factors(weight: Array, slopes: Array) -> tuple[float, float]:
    smallest, largest = reference.singular_value_products([weight], [slopes])
    return float(smallest[0]), float(largest[0])


def _matrix(rng: np.random.Generator, rows: int, columns: int) -> Array:
    """A matrix whose singular values are between 0.4 and 3 and all different."""
    rank = min(rows, columns)
    values = np.linspace(0.4, 3.0, rank) + rng.uniform(-0.1, 0.1, rank)
    left = np.linalg.qr(rng.standard_normal((rows, rank)))[0]
    right = np.linalg.qr(rng.standard_normal((columns, rank)))[0]
    product: Array = (left * values) @ right.T
    return product


def _factor_cases(rng: np.random.Generator) -> list[Case]:
    cases = []

    def add(group: str, what: str, weight: Array, slopes: Array) -> None:
        rows, columns = weight.shape
        label = f"{what}, {rows} to {columns} units"
        cases.append(Case(group, label, {"weight": weight, "slopes": slopes}))

    columns = int(rng.integers(3, 5))
    rows = columns + int(rng.integers(2, 4))

    def slopes(size: int) -> Array:
        return rng.permutation(np.linspace(0.2, 1.1, size)) + rng.uniform(-0.05, 0.05, size)

    add("ordinary", "a square layer", _matrix(rng, rows, rows), slopes(rows))
    add("ordinary", "a narrowing layer", _matrix(rng, rows, columns), slopes(rows))
    add("void", "a narrowing layer", _matrix(rng, rows, columns), slopes(rows))
    add("void", "a widening layer", _matrix(rng, columns, rows), slopes(columns))
    deficient = _matrix(rng, rows, columns)
    deficient[:, 1] = 2 * deficient[:, 0]
    add("void", "a layer with two proportional columns", deficient, slopes(rows))
    flat = slopes(rows)
    flat[int(rng.integers(rows))] = 0.0
    add("void", "a layer with a unit that is off", _matrix(rng, rows, columns), flat)
    # As those of swish: the steepest slope and the flattest one are negative.
    falling = slopes(rows)
    falling[[np.argmax(falling), np.argmin(falling)]] *= -1
    add("signs", "a layer with negative slopes", _matrix(rng, rows, columns), falling)
    return cases


def _least(values: Array, weight: Array) -> float:
    """The least singular value as the chapter counts it."""
    return float(values[-1]) if weight.shape[1] <= weight.shape[0] else 0.0


def _factor_variant(
    values: Callable[[Array], Array] = _singular_values,
    least: Callable[[Array, Array], float] = _least,
    largest: Callable[[Array, Array], float] = lambda values, weight: float(values[0]),
    flattest: Callable[[Array], float] = lambda slopes: float(np.abs(slopes).min()),
    steepest: Callable[[Array], float] = lambda slopes: float(np.abs(slopes).max()),
) -> Callable[..., tuple[float, float]]:
    """The two factors with one of their parts exchanged."""

    def variant(weight: Array, slopes: Array) -> tuple[float, float]:
        found = values(weight)
        low, high = least(found, weight), largest(found, weight)
        return flattest(slopes) * low, steepest(slopes) * high

    return variant


def _of_the_product(weight: Array, slopes: Array) -> tuple[float, float]:
    values = _singular_values(slopes[:, None] * weight)
    return _least(values, weight), float(values[0])


FACTORS = Exercise(
    name="gradient_bounds.layer_factors",
    outputs=("low", "high"),
    reference=_factors,
    cases=_factor_cases,
    criteria=(
        Criterion(
            "high is right for square and narrowing layers",
            0.5,
            group="ordinary",
            outputs=("high",),
            equations=("gb-upper-bound",),
        ),
        Criterion(
            "low is right for square and narrowing layers",
            0.5,
            group="ordinary",
            outputs=("low",),
            equations=("gb-lower-bound",),
        ),
        Criterion(
            "low is 0 where some direction is lost, and only there",
            0.75,
            group="void",
            outputs=("low",),
            equations=("gb-lower-bound",),
            # One may take the root of an eigenvalue of W^T W, which doubles the digits lost: what
            # should be 0 is then some 1e-8. The right values are above 0.05.
            tolerance=(1e-6, 1e-6),
        ),
        Criterion(
            "slopes may be negative",
            0.5,
            group="signs",
            outputs=("low", "high"),
            equations=("gb-singular-value-products",),
        ),
        Criterion("the arguments are left as they were", 0.25, "unchanged"),
    ),
    misconceptions=(
        Misconception(
            "the singular values of diag(slopes) W",
            "They bound this one layer more sharply, and rightly so. The exercise asks for the "
            "chapter's factors, in which slopes and weights are bounded apart: the one bound needs "
            "only the activation function, the other only the weights.",
            "gb-singular-value-products",
            (_of_the_product,),
        ),
        Misconception(
            "the smallest number that svd returns",
            "A matrix with more columns than rows has no singular value for the directions that it "
            "sends to 0, so the last number in the list is no bound from below.",
            "gb-lower-bound",
            (_factor_variant(least=lambda values, weight: float(values[-1])),),
        ),
        Misconception(
            "the condition on the shape the wrong way round",
            "On the way back the layer multiplies W (fan-in by fan-out) by a vector with one entry "
            "for each output. Directions are lost where there are more outputs than inputs. With "
            "PyTorch's and deck S's matrices, which are transposed, it would be as you have it.",
            "gb-lower-bound",
            (
                _factor_variant(
                    least=lambda values, weight: _least(values, weight.T),
                ),
                _factor_variant(
                    least=lambda values, weight: (
                        float(values[-1]) if weight.shape[0] < weight.shape[1] else 0.0
                    ),
                ),
            ),
        ),
        Misconception(
            "a condition that only square matrices meet",
            "A narrowing layer can have full column rank too: then it loses no direction.",
            "gb-lower-bound",
            (
                _factor_variant(
                    least=lambda values, weight: (
                        float(values[-1]) if weight.shape[0] == weight.shape[1] else 0.0
                    )
                ),
            ),
        ),
        Misconception(
            "slopes with their signs",
            "A length does not see signs: the singular values of a diagonal matrix are the "
            "absolute values of its entries. Take those first, the extremes afterwards.",
            "gb-singular-value-products",
            (
                _factor_variant(flattest=lambda s: float(s.min()), steepest=lambda s: s.max()),
                _factor_variant(
                    flattest=lambda s: abs(float(s.min())), steepest=lambda s: abs(float(s.max()))
                ),
            ),
        ),
        Misconception(
            "slopes left out",
            "Going back through a layer multiplies by the slopes of its activation too.",
            "gb-singular-value-products",
            (_factor_variant(flattest=lambda s: 1.0, steepest=lambda s: 1.0),),
        ),
        Misconception(
            "the mean slope in place of the extreme ones",
            "A mean makes an estimate. A bound has to hold for the flattest and the steepest unit.",
            "gb-singular-value-products",
            (
                _factor_variant(
                    flattest=lambda s: float(np.abs(s).mean()),
                    steepest=lambda s: float(np.abs(s).mean()),
                ),
            ),
        ),
        Misconception(
            "the singular values in the opposite order",
            "NumPy returns the largest first.",
            "gb-singular-value-products",
            (
                _factor_variant(
                    least=lambda values, weight: _least(values[::-1], weight),
                    largest=lambda values, weight: float(values[-1]),
                ),
            ),
        ),
        Misconception(
            "the Frobenius norm in place of the largest singular value",
            "It is a bound as well, but up to the root of the rank too large: it adds all "
            "directions up. np.linalg.norm(W) is this one; np.linalg.norm(W, 2) is the other.",
            "gb-upper-bound",
            (
                _factor_variant(
                    largest=lambda values, weight: float(np.sqrt(np.sum(values**2))),
                ),
            ),
        ),
        Misconception(
            "the squares of the singular values",
            "The eigenvalues of W^T W are the squares of the singular values of W: take the root.",
            "gb-singular-value-products",
            (_factor_variant(values=lambda weight: _singular_values(weight) ** 2),),
        ),
        Misconception(
            "high and low exchanged",
            "Return the smaller factor first: (low, high).",
            "gb-singular-value-products",
            (lambda weight, slopes: _factors(weight, slopes)[::-1],),
        ),
    ),
)


# ---- the bounds of a network


def _chain(factors: Array) -> tuple[list[Array], list[Array]]:
    """Single units with these factors: of a number, both singular values are its absolute value."""
    return [np.array([[factor]]) for factor in factors], [np.ones(1) for _ in factors]


def _length(v: Array) -> float:
    return reference.gradient_norm_bounds(v, [], [], [1.0])[0]


def _bounds(
    activations: list[Array], smallest: Array, largest: Array, loss_gradient: Array
) -> tuple[Array, Array]:
    ends = np.array([_length(h) for h in activations]) * _length(loss_gradient)
    behind = (
        np.append(reference.singular_value_products(*_chain(factors))[0], 1.0)
        for factors in (smallest, largest)
    )
    lower, upper = (ends * products for products in behind)
    return lower, upper


def _vectors(rng: np.random.Generator, count: int) -> list[Array]:
    """Vectors of different lengths, in both senses."""
    return [
        rng.uniform(0.5, 3.0) * rng.standard_normal(int(rng.integers(3, 8))) for _ in range(count)
    ]


def _bound_cases(rng: np.random.Generator) -> list[Case]:
    cases = []
    for group, layers, rest in (
        ("ordinary", 3, ""),
        ("ordinary", 6, ""),
        ("ordinary", 15, ""),
        ("void", 5, ", the lower factor of layer 3 is 0"),
        ("single", 0, ""),
        ("float32", 4, ", float32 with a tiny loss_gradient"),
    ):
        *activations, loss_gradient = _vectors(rng, layers + 2)
        smallest, largest = rng.uniform(0.3, 0.9, layers), rng.uniform(1.1, 2.5, layers)
        if group == "void":
            smallest[2] = 0.0
        if group == "float32":
            activations = [h.astype(np.float32) for h in activations]
            # The square of 1e-25 is below the least float32, 1e-45.
            loss_gradient = (1e-25 * loss_gradient).astype(np.float32)
        arguments = {
            "activations": activations,
            "smallest": smallest,
            "largest": largest,
            "loss_gradient": loss_gradient,
        }
        label = f"{layers} hidden layer{'' if layers == 1 else 's'}{rest}"
        cases.append(Case(group, label, arguments))
    return cases


def _behind(factors: Array) -> Array:
    """Products of the factors behind each matrix; the last one has none."""
    return np.append(np.cumprod(factors[::-1])[::-1], 1.0)


def _euclid(v: Array) -> float:
    return float(np.linalg.norm(v.astype(np.float64)))


def _bound_variant(
    products: Callable[[Array], Array] = _behind,
    norm: Callable[[Array], float] = _euclid,
    entering: Callable[[list[float]], Any] = np.array,
    with_loss_gradient: bool = True,
) -> Callable[..., tuple[Array, Array]]:
    """The bounds with one of their parts exchanged."""

    def variant(
        activations: list[Array], smallest: Array, largest: Array, loss_gradient: Array
    ) -> tuple[Array, Array]:
        ends = entering([norm(h) for h in activations])
        if with_loss_gradient:
            ends = ends * norm(loss_gradient)
        return ends * products(smallest), ends * products(largest)

    return variant


def _one_off(shift: int) -> Callable[[Array], Array]:
    """The products that begin `shift` layers too late."""

    def products(factors: Array) -> Array:
        return np.array(
            [np.prod(factors[max(layer + shift, 0) :]) for layer in range(len(factors) + 1)]
        )

    return products


BOUNDS = Exercise(
    name="gradient_bounds.norm_bounds",
    outputs=("lower", "upper"),
    reference=_bounds,
    cases=_bound_cases,
    criteria=(
        Criterion("lower and upper have the right shapes", 0.25, "shape"),
        Criterion(
            "both bounds are right for every matrix",
            0.75,
            group="ordinary",
            outputs=("lower", "upper"),
            equations=("gb-upper-bound", "gb-lower-bound"),
        ),
        Criterion(
            "a layer that voids the lower bound of the matrices before it",
            0.25,
            group="void",
            outputs=("lower", "upper"),
            equations=("gb-lower-bound",),
        ),
        Criterion(
            "a single matrix, with no layer behind it",
            0.25,
            group="single",
            outputs=("lower", "upper"),
            equations=("gb-weight-gradient",),
        ),
        Criterion(
            "float32 vectors whose squares are too small for float32",
            0.25,
            group="float32",
            outputs=("lower", "upper"),
            equations=("gb-upper-bound",),
            # Norms and products may be computed in float32, as long as no square is.
            tolerance=(1e-4, 0.0),
        ),
        Criterion("the arguments are left as they were", 0.25, "unchanged"),
    ),
    tolerance=RELATIVE,
    misconceptions=(
        Misconception(
            "squares that underflow",
            "The entries are good float32 numbers; their squares are below the least one, and "
            "become 0. Convert to float64 first, or divide by the largest entry before squaring.",
            "gb-upper-bound",
            (
                _bound_variant(norm=lambda v: float(np.sqrt(np.sum(v * v)))),
                _bound_variant(norm=lambda v: float(np.linalg.norm(v))),
            ),
        ),
        Misconception(
            "the products from the input side",
            "A gradient comes from the output. W_l is followed by the layers l + 1 to L, so the "
            "longest product belongs to W_0.",
            "gb-singular-value-products",
            (_bound_variant(products=lambda f: np.append(1.0, np.cumprod(f))),),
        ),
        Misconception(
            "the products one layer short",
            "The gradient of W_l passes the layers l + 1 to L, the first of them included. "
            "Entry l - 1 of smallest and largest belongs to layer l.",
            "gb-singular-value-products",
            (_bound_variant(products=_one_off(1)),),
        ),
        Misconception(
            "the products one layer too long",
            "The gradient of W_l passes the layers l + 1 to L. The layer l comes after W_l on the "
            "way back, and entry l - 1 of smallest and largest belongs to it.",
            "gb-singular-value-products",
            (_bound_variant(products=_one_off(-1)),),
        ),
        Misconception(
            "the whole product for every matrix",
            "Only W_0 has all layers behind it. The others have fewer, and W_L has none.",
            "gb-singular-value-products",
            (_bound_variant(products=lambda f: np.full(len(f) + 1, np.prod(f))),),
        ),
        Misconception(
            "the factor of a single layer",
            "The gradient passes all the layers behind a matrix: multiply all of their factors.",
            "gb-singular-value-products",
            (_bound_variant(products=lambda f: np.append(f, 1.0)),),
        ),
        Misconception(
            "the norm of the input for every matrix",
            "The gradient of W_l is the outer product with what enters W_l: for l > 0 the "
            "activations of layer l, not the input.",
            "gb-weight-gradient",
            (_bound_variant(entering=lambda norms: np.full(len(norms), norms[0])),),
        ),
        Misconception(
            "bounds of the sensitivities",
            "These bound dL/dz. The gradient of W_l is an outer product with what enters W_l, so "
            "the norm of that is a factor too.",
            "gb-weight-gradient",
            (_bound_variant(entering=lambda norms: np.ones(len(norms))),),
        ),
        Misconception(
            "the norm of the gradient at the output left out",
            "What comes back through the layers starts as loss_gradient.",
            "gb-upper-bound",
            (_bound_variant(with_loss_gradient=False),),
        ),
        Misconception(
            "squared norms",
            "The root is missing.",
            "gb-upper-bound",
            (_bound_variant(norm=lambda v: _euclid(v) ** 2),),
        ),
        Misconception(
            "sums of absolute values",
            "The bounds are for the Euclidean norm: the root of the sum of squares.",
            "gb-upper-bound",
            (_bound_variant(norm=lambda v: float(np.abs(v.astype(np.float64)).sum())),),
        ),
        Misconception(
            "entries in the order from the output to the input",
            "Entry l belongs to W_l, so the entry of W_0 is the first.",
            "gb-singular-value-products",
            (lambda *arguments: tuple(side[::-1] for side in _bounds(*arguments)),),
        ),
        Misconception(
            "upper and lower exchanged",
            "Return the smaller bound first: (lower, upper).",
            "gb-singular-value-products",
            (lambda *arguments: _bounds(*arguments)[::-1],),
        ),
    ),
)


# ---- norms through depth


def _measured(
    x: Array, weights: list[Array], loss_gradient: Array, name: str
) -> tuple[Array, Array]:
    """Norms of dL/dz and of dL/dW of each layer, by backpropagation.

    The gradient for the bias of one example is the sensitivity.
    """
    rng = np.random.default_rng(0)
    layers: list[Any] = []
    for weight in weights:
        fan_in, fan_out = weight.shape
        layers += [Dense(fan_in, fan_out, rng, lambda *_, w=weight: w), Activation(name)]
    network = Network(layers[:-1])
    network.forward(x[None], training=True)
    network.backward(loss_gradient[None])
    norms = np.array([np.linalg.norm(gradient) for gradient in network.gradients()])
    return norms[1::2], norms[::2]


def _norms(x: Array, weights: list[Array], loss_gradient: Array) -> tuple[Array, Array]:
    return _measured(x, weights, loss_gradient, "tanh")


def _network(
    rng: np.random.Generator, widths: Sequence[int], gain: float
) -> dict[str, Array | list[Array]]:
    weights = [
        gain / np.sqrt(n_in) * rng.standard_normal((n_in, n_out))
        for n_in, n_out in pairwise(widths)
    ]
    x, loss_gradient = rng.standard_normal(widths[0]), rng.standard_normal(widths[-1])
    return {"x": x, "weights": weights, "loss_gradient": 0.3 * loss_gradient}


def _norm_cases(rng: np.random.Generator) -> list[Case]:
    width = int(rng.integers(4, 7))
    uneven = [width, width + 3, width - 1, width + 2, width - 2]
    return [
        Case(group, label, _network(rng, widths, gain))
        for group, label, widths, gain in (
            ("ordinary", f"3 hidden layers of {width} units", [width] * 5, 1.5),
            ("ordinary", f"5 hidden layers of {width + 1} units", [width + 1] * 7, 1.2),
            ("edge", "hidden layers of different widths", uneven, 1.4),
            ("edge", "no hidden layer", [width, width + 2], 1.4),
            ("edge", "one hidden layer", [width, width - 1, width + 1], 1.4),
            ("deep", f"40 hidden layers of {width} units", [width] * 42, 0.6),
        )
    ]


def _tanh_slope(z: Array, h: Array) -> Array:
    return 1 - h * h


def _relu(z: Array) -> Array:
    return z * (z > 0)


def _relu_slope(z: Array, h: Array) -> Array:
    return (z > 0).astype(float)


def _passes(
    x: Array,
    weights: list[Array],
    loss_gradient: Array,
    function: Callable[[Array], Array] = np.tanh,
    slope: Callable[[Array, Array], Array] = _tanh_slope,
    shift: int = 0,
    transposed: tuple[bool, bool] = (False, False),
    output: bool = False,
) -> tuple[list[Array], list[Array], list[Array]]:
    """What enters each matrix, and the gradients at its net inputs and at what follows them.

    `shift` takes the slopes of another layer, `transposed` the matrices the wrong way, forwards and
    backwards, `output` applies a slope at the output too.
    """
    # Rows times a matrix: the chapter's W^T h.
    forth, back = ([w.T if wrong else w for w in weights] for wrong in transposed)
    entering, nets = [x], []
    for weight in forth:
        nets.append(entering[-1] @ weight)
        entering.append(function(nets[-1]))
    slopes = [slope(z, h) for z, h in zip(nets, entering[1:], strict=True)]
    after = [loss_gradient]
    at = [loss_gradient * slopes[-1] if output else loss_gradient]
    for layer in range(len(weights) - 1, 0, -1):
        after.insert(0, back[layer] @ at[0])
        at.insert(0, slopes[layer - 1 + shift] * after[0])
    return entering, at, after


def _lengths(vectors: Sequence[Array]) -> Array:
    return np.array([np.linalg.norm(v) for v in vectors])


def _norm_variant(
    sensitivities: Callable[..., Any] = lambda entering, at, after: _lengths(at),
    factors: Callable[[list[Array]], Any] = lambda entering: _lengths(entering[:-1]),
    **settings: Any,
) -> Callable[..., tuple[Array, Array]]:
    """The two norms with one step exchanged; not numbers where it does not fit the widths."""

    def variant(x: Array, weights: list[Array], loss_gradient: Array) -> tuple[Array, Array]:
        try:
            entering, at, after = _passes(x, weights, loss_gradient, **settings)
            first = sensitivities(entering, at, after)
            return first, first * factors(entering)
        except (ValueError, IndexError):
            nothing = np.full(len(weights), np.nan)
            return nothing, nothing

    return variant


NORMS = Exercise(
    name="gradient_bounds.norms_through_depth",
    outputs=("sensitivities", "gradients"),
    reference=_norms,
    cases=_norm_cases,
    criteria=(
        Criterion("sensitivities and gradients have the right shapes", 0.25, "shape"),
        Criterion(
            "sensitivities are right where all layers have one width",
            1.0,
            group="ordinary",
            outputs=("sensitivities",),
            equations=("gb-sensitivity",),
        ),
        Criterion(
            "gradients are right where all layers have one width",
            0.75,
            group="ordinary",
            outputs=("gradients",),
            equations=("gb-weight-gradient",),
        ),
        Criterion(
            "layers of different widths, no hidden layer, one",
            0.5,
            group="edge",
            outputs=("sensitivities", "gradients"),
            equations=("gb-sensitivity", "gb-weight-gradient"),
        ),
        Criterion(
            "forty layers, through which nearly everything vanishes",
            0.25,
            group="deep",
            outputs=("sensitivities", "gradients"),
            equations=("gb-sensitivity", "gb-weight-gradient"),
        ),
        Criterion("the arguments are left as they were", 0.25, "unchanged"),
    ),
    tolerance=RELATIVE,
    misconceptions=(
        Misconception(
            "slopes left out on the way back",
            "Before a sensitivity goes on through the weights of the layer below, it is multiplied "
            "entry by entry by the slopes of the activation there.",
            "gb-weight-gradient",
            (_norm_variant(slope=lambda z, h: np.ones_like(z)),),
        ),
        Misconception(
            "the derivative of tanh evaluated at its output",
            "The slope is taken at the net input z. If you start from h = tanh(z), then tanh has "
            "been applied already: the slope is 1 - h**2.",
            "gb-weight-gradient",
            (_norm_variant(slope=lambda z, h: 1 - np.tanh(h) ** 2),),
        ),
        Misconception(
            "1 - z**2 as the slope",
            "The derivative of tanh is 1 - tanh(z)**2.",
            "gb-weight-gradient",
            (_norm_variant(slope=lambda z, h: 1 - z**2),),
        ),
        Misconception(
            "1 - tanh(z) as the slope",
            "The derivative of tanh is 1 - tanh(z)**2: the square is missing.",
            "gb-weight-gradient",
            (_norm_variant(slope=lambda z, h: 1 - h),),
        ),
        Misconception(
            "a slope at the output",
            "The output is linear: its sensitivity is loss_gradient as it is.",
            "gb-weight-gradient",
            (_norm_variant(output=True),),
        ),
        Misconception(
            "the slopes of the layer above",
            "What comes back through W_l arrives at layer l and meets the slopes of layer l.",
            "gb-weight-gradient",
            (_norm_variant(shift=1),),
        ),
        Misconception(
            "gradients at the activations",
            "These are the norms of dL/dh. The sensitivity dL/dz has the slopes in it too.",
            "gb-weight-gradient",
            (_norm_variant(lambda entering, at, after: _lengths(after)),),
        ),
        Misconception(
            "the matrices transposed on the way back",
            "Forwards W^T is applied, so backwards it is W. With layers of one width a program "
            "does not notice.",
            "gb-weight-gradient",
            (_norm_variant(transposed=(False, True)),),
        ),
        Misconception(
            "the matrices transposed in both directions",
            "The matrices are fan-in by fan-out: z = W^T h, and h @ W for a 1-D array. Deck S's "
            "and PyTorch's are the transposes.",
            "gb-weight-gradient",
            (_norm_variant(transposed=(True, True)),),
        ),
        Misconception(
            "the matrices transposed on the way forward",
            "The matrices are fan-in by fan-out: z = W^T h, and h @ W for a 1-D array.",
            "gb-weight-gradient",
            (_norm_variant(transposed=(True, False)),),
        ),
        Misconception(
            "the outer product forgotten",
            "The gradient of a matrix is the outer product of what enters it and the sensitivity "
            "of what it makes. Its norm is the product of the two norms.",
            "gb-weight-gradient",
            (_norm_variant(factors=lambda entering: 1.0),),
        ),
        Misconception(
            "the activation after the matrix instead of the one before",
            "The gradient of W_l has h_l, which enters W_l, and the sensitivity of z_(l+1), which "
            "leaves it.",
            "gb-weight-gradient",
            (_norm_variant(factors=lambda entering: _lengths(entering[1:])),),
        ),
        Misconception(
            "the input in every outer product",
            "x enters W_0 alone. What enters W_l is the activation h_l.",
            "gb-weight-gradient",
            (_norm_variant(factors=lambda entering: np.linalg.norm(entering[0])),),
        ),
        Misconception(
            "squared norms",
            "The root is missing.",
            "gb-weight-gradient",
            (
                _norm_variant(
                    lambda entering, at, after: _lengths(at) ** 2,
                    lambda entering: _lengths(entering[:-1]) ** 2,
                ),
            ),
        ),
        Misconception(
            "entries in the order from the output to the input",
            "Entry l belongs to the matrix W_l, so what is computed last stands first.",
            "gb-weight-gradient",
            (lambda *arguments: tuple(side[::-1] for side in _norms(*arguments)),),
        ),
    ),
)


# ---- the gain that keeps the gradient


def _gain(x: Array, weights: list[Array], loss_gradient: Array) -> float:
    sensitivities, _ = _measured(x, weights, loss_gradient, "relu")
    change = sensitivities[0] / sensitivities[-1]
    return float(change ** (-1 / (len(weights) - 1)))


def _living(
    rng: np.random.Generator, widths: Sequence[int], gain: float, idle: bool
) -> dict[str, Any]:
    """A ReLU network that the signal passes both ways; with `idle`, a unit has no weights in."""
    while True:
        network: dict[str, Any] = _network(rng, widths, gain)
        if idle:
            network["weights"][0][:, 1] = 0.0
        entering, at, _ = _passes(**network, function=_relu, slope=_relu_slope)
        if min(map(np.count_nonzero, [*entering[:-1], *at])) >= 2:
            return network


def _gain_cases(rng: np.random.Generator) -> list[Case]:
    width = int(rng.integers(7, 10))
    uneven = [width, width + 3, width - 1, width + 2, width - 2]
    return [
        Case(group, label, _living(rng, widths, gain, idle))
        for group, label, widths, gain, idle in (
            ("ordinary", f"4 hidden layers of {width} units", [width] * 6, 2.2, False),
            ("ordinary", f"7 hidden layers of {width + 1} units", [width + 1] * 9, 0.8, False),
            ("edge", "hidden layers of different widths", uneven, 2.4, False),
            ("edge", "one hidden layer", [width, width + 2, width - 1], 0.7, False),
            ("edge", "a unit whose net input is exactly 0", uneven[::-1], 0.9, True),
        )
    ]


def _gain_variant(
    ratio: Callable[[list[Array], list[Array]], float] = lambda entering, at: _change(at),
    root: Callable[[int], float] = lambda layers: layers,
    **settings: Any,
) -> Callable[..., float]:
    """The gain with one step exchanged; not a number where it does not fit the widths."""

    def variant(x: Array, weights: list[Array], loss_gradient: Array) -> float:
        settings_ = {"function": _relu, "slope": _relu_slope} | settings
        try:
            entering, at, _ = _passes(x, weights, loss_gradient, **settings_)
        except ValueError:
            return np.nan
        return float(ratio(entering, at) ** (1 / root(len(weights) - 1)))

    return variant


def _change(vectors: list[Array]) -> float:
    return float(np.linalg.norm(vectors[-1]) / np.linalg.norm(vectors[0]))


def _with_the_input(x: Array, weights: list[Array], loss_gradient: Array) -> float:
    _, at, _ = _passes(x, weights, loss_gradient, _relu, _relu_slope)
    return float(_change([weights[0] @ at[0], at[-1]]) ** (1 / len(weights)))


def _from_the_bound(x: Array, weights: list[Array], loss_gradient: Array) -> float:
    largest = [_singular_values(weight)[0] for weight in weights[1:]]
    return float(np.prod(largest) ** (-1 / len(largest)))


GAIN = Exercise(
    name="gradient_bounds.balancing_gain",
    outputs=("gain",),
    reference=_gain,
    cases=_gain_cases,
    criteria=(
        Criterion(
            "the gain is right where all layers have one width",
            0.75,
            group="ordinary",
            outputs=("gain",),
            equations=("gb-sensitivity",),
        ),
        Criterion(
            "different widths, one hidden layer, a net input of 0",
            0.5,
            group="edge",
            outputs=("gain",),
            equations=("gb-sensitivity",),
        ),
        Criterion("the arguments are left as they were", 0.25, "unchanged"),
    ),
    misconceptions=(
        Misconception(
            "a root of the number of matrices",
            "How many matrices does the gradient pass between the output and z_1? W_0 is not "
            "among them.",
            "gb-singular-value-products",
            (_gain_variant(root=lambda layers: layers + 1),),
        ),
        Misconception(
            "the gradient taken back to the input",
            "The length is to be the same at z_1 as at the output. W_0 comes after z_1 on the way "
            "back.",
            "gb-sensitivity",
            (_with_the_input,),
        ),
        Misconception(
            "no root",
            "The gain multiplies every matrix, so the change of length has it as a power.",
            "gb-singular-value-products",
            (_gain_variant(root=lambda layers: 1.0),),
        ),
        Misconception(
            "the factor of a layer in place of the gain",
            "This is what a layer does to the length now. Which gain makes it 1?",
            "gb-singular-value-products",
            (_gain_variant(lambda entering, at: 1 / _change(at)),),
        ),
        Misconception(
            "squared norms",
            "The ratio of the squares has the gain in it twice as often.",
            "gb-singular-value-products",
            (_gain_variant(lambda entering, at: _change(at) ** 2),),
        ),
        Misconception(
            "slopes left out on the way back",
            "A unit that is off passes no gradient: its slope is 0.",
            "gb-sensitivity",
            (_gain_variant(slope=lambda z, h: np.ones_like(z)),),
        ),
        Misconception(
            "a slope of 1 at a net input of 0",
            "The slope there is a matter of convention. This exercise takes 0, as PyTorch does.",
            "gb-sensitivity",
            (_gain_variant(slope=lambda z, h: (z >= 0).astype(float)),),
        ),
        Misconception(
            "slopes of another layer",
            "What comes back through W_l arrives at layer l and meets the slopes of layer l.",
            "gb-sensitivity",
            (_gain_variant(shift=1),),
        ),
        Misconception(
            "the matrices transposed on the way back",
            "Forwards W^T is applied, so backwards it is W.",
            "gb-sensitivity",
            (_gain_variant(transposed=(False, True)),),
        ),
        Misconception(
            "a gain that keeps the activations",
            "You compare what goes forward. The same matrices do something else to what comes "
            "back: the question is about the sensitivities.",
            "gb-sensitivity",
            (
                _gain_variant(lambda entering, at: 1 / _change(entering[:-1])),
                _gain_variant(
                    lambda entering, at: 1 / _change(entering), root=lambda layers: layers + 1
                ),
            ),
        ),
        Misconception(
            "the gradients of the matrices compared",
            "Those have the activations in them, on which the gain acts as well: in their ratio "
            "it cancels. Compare sensitivities.",
            "gb-sensitivity",
            (_gain_variant(lambda entering, at: _change(at) * _change(entering[:-1])),),
        ),
        Misconception(
            "the upper bound taken for the gradient itself",
            "With this gain the product of the largest singular values is 1, and the gradient far "
            "below. The gain asked for follows from the gradient that you measure.",
            "gb-upper-bound",
            (_from_the_bound,),
        ),
    ),
)

EXERCISES = (FACTORS, BOUNDS, NORMS, GAIN)
