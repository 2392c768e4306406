"""Checks of the exercise ``gradient-bounds``."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gradlab import gradient_bounds as reference
from gradlab.checks._edits import mistakes
from gradlab.checks._model import Case, Exercise, criteria
from gradlab.network import Activation, Dense, Network

Array = NDArray[Any]

# Through many layers the right numbers become as small as 1e-20, so only a relative tolerance says
# anything; sums of a few products of the same sign, or well conditioned ones, keep ten digits.
RELATIVE = {"float64": (1e-6, 0.0)}


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


def _factors_model(weight: Array, slopes: Array) -> Any:
    singular_values = np.linalg.svd(weight, compute_uv=False)
    fan_in, fan_out = weight.shape
    least = singular_values[-1] if fan_out <= fan_in else 0.0
    steepness = np.abs(slopes)
    return steepness.min() * least, steepness.max() * singular_values[0]


FACTORS = Exercise(
    name="gradient_bounds.layer_factors",
    outputs=("low", "high"),
    reference=_factors,
    cases=_factor_cases,
    criteria=criteria("""
high is right for square and narrowing layers (ordinary, 0.5)
    high: gb-upper-bound
low is right for square and narrowing layers (ordinary, 0.5)
    low: gb-lower-bound
low is 0 where some direction is lost, and only there (void, 0.75)
    low: gb-lower-bound, within (1e-6, 1e-6)
slopes may be negative (signs, 0.5)
    low, high: gb-singular-value-products
the arguments are left as they were (unchanged, 0.25)
"""),
    misconceptions=mistakes(
        _factors_model,
        """
the singular values of diag(slopes) W (gb-singular-value-products, 0)
    svd(weight -> svd(slopes[:, None] * weight & np.abs(slopes) -> np.ones(1)
    They bound this one layer more sharply, and rightly so. The exercise asks for the chapter's
    factors, in which slopes and weights are bounded apart: the one bound needs only the activation
    function, the other only the weights.
the smallest number that svd returns (gb-lower-bound, 1.75)
    singular_values[-1] if fan_out <= fan_in else 0.0 -> singular_values[-1]
    A matrix with more columns than rows has no singular value for the directions that it sends to
    0, so the last number in the list is no bound from below.
the condition on the shape the wrong way round (gb-lower-bound, 0.75)
    fan_out <= fan_in -> fan_in <= fan_out
    fan_out <= fan_in -> fan_in < fan_out
    On the way back the layer multiplies W (fan-in by fan-out) by a vector with one entry for each
    output. Directions are lost where there are more outputs than inputs. With PyTorch's and deck
    S's matrices, which are transposed, it would be as you have it.
a condition that only square matrices meet (gb-lower-bound, 0.75)
    fan_out <= fan_in -> fan_out == fan_in
    A narrowing layer can have full column rank too: then it loses no direction.
slopes with their signs (gb-singular-value-products, 2)
    np.abs(slopes) -> slopes
    np.abs(slopes) -> slopes & steepness.min() -> abs(steepness.min()) &
        steepness.max() -> abs(steepness.max())
    A length does not see signs: the singular values of a diagonal matrix are the absolute values of
    its entries. Take those first, the extremes afterwards.
slopes left out (gb-singular-value-products, 0)
    np.abs(slopes) -> np.ones(1)
    Going back through a layer multiplies by the slopes of its activation too.
the mean slope in place of the extreme ones (gb-singular-value-products, 0)
    steepness.min() -> steepness.mean() & steepness.max() -> steepness.mean()
    A mean makes an estimate. A bound has to hold for the flattest and the steepest unit.
the singular values in the opposite order (gb-singular-value-products, 0)
    singular_values[-1] -> singular_values[0] &
        max() * singular_values[0] -> max() * singular_values[-1]
    NumPy returns the largest first.
the Frobenius norm in place of the largest singular value (gb-upper-bound, 1.5)
    max() * singular_values[0] -> max() * np.linalg.norm(weight)
    It is a bound as well, but up to the root of the rank too large: it adds all directions up.
    np.linalg.norm(W) is this one; np.linalg.norm(W, 2) is the other.
the squares of the singular values (gb-singular-value-products, 0)
    compute_uv=False) -> compute_uv=False) ** 2
    The eigenvalues of W^T W are the squares of the singular values of W: take the root.
flattest and steepest slope exchanged (gb-singular-value-products, 0)
    min() * least -> max() * least & , steepness.max() -> , steepness.min()
    The least factor has the flattest slope with the least singular value, the largest one the
    steepest slope with the largest.
high and low exchanged (gb-singular-value-products, 0)
    min() * least -> max() * singular_values[0] &
        , steepness.max() * singular_values[0] -> , steepness.min() * least
    Return the smaller factor first: (low, high).
""",
    ),
    model=_factors_model,
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


def _bounds_model(
    activations: list[Array], smallest: Array, largest: Array, loss_gradient: Array
) -> Any:
    lengths = np.array([np.linalg.norm(h.astype(np.float64)) for h in activations])
    output_length = np.linalg.norm(loss_gradient.astype(np.float64))
    low_behind = np.append(np.cumprod(smallest[::-1])[::-1], 1.0)
    high_behind = np.append(np.cumprod(largest[::-1])[::-1], 1.0)
    return lengths * low_behind * output_length, lengths * high_behind * output_length


_BOTH = "lower upper"

BOUNDS = Exercise(
    name="gradient_bounds.norm_bounds",
    outputs=("lower", "upper"),
    reference=_bounds,
    cases=_bound_cases,
    criteria=criteria("""
lower and upper have the right shapes (shape, 0.25)
both bounds are right for every matrix (ordinary, 0.75)
    lower, upper: gb-upper-bound gb-lower-bound
a layer that voids the lower bound of the matrices before it (void, 0.25)
    lower, upper: gb-lower-bound
a single matrix, with no layer behind it (single, 0.25)
    lower, upper: gb-weight-gradient
float32 vectors whose squares are too small for float32 (float32, 0.25)
    lower, upper: gb-upper-bound, within (1e-4, 0.0)
the arguments are left as they were (unchanged, 0.25)
"""),
    tolerance=RELATIVE,
    misconceptions=mistakes(
        _bounds_model,
        """
squares that underflow (gb-upper-bound, 1.75)
    loss_gradient.astype(np.float64) -> loss_gradient
    The entries are good float32 numbers; their squares are below the least one, and become 0.
    Convert to float64 first, or divide by the largest entry before squaring.
the products from the input side (gb-singular-value-products, 0.75)
    np.append(np.cumprod(smallest[::-1])[::-1], 1.0) -> np.append(1.0, np.cumprod(smallest)) &
        np.append(np.cumprod(largest[::-1])[::-1], 1.0) -> np.append(1.0, np.cumprod(largest))
    A gradient comes from the output. W_l is followed by the layers l + 1 to L, so the longest
    product belongs to W_0.
the products one layer short (gb-singular-value-products, 0.75)
    np.append(np.cumprod(smallest[::-1])[::-1], 1.0) ->
        [smallest[k + 1 :].prod() for k in range(len(lengths))] &
        np.append(np.cumprod(largest[::-1])[::-1], 1.0) ->
        [largest[k + 1 :].prod() for k in range(len(lengths))]
    The gradient of W_l passes the layers l + 1 to L, the first of them included. Entry l - 1 of
    smallest and largest belongs to layer l.
the products one layer too long (gb-singular-value-products, 0.75)
    np.append(np.cumprod(smallest[::-1])[::-1], 1.0) ->
        [smallest[max(k - 1, 0) :].prod() for k in range(len(lengths))] &
        np.append(np.cumprod(largest[::-1])[::-1], 1.0) ->
        [largest[max(k - 1, 0) :].prod() for k in range(len(lengths))]
    The gradient of W_l passes the layers l + 1 to L. The layer l comes after W_l on the way back,
    and entry l - 1 of smallest and largest belongs to it.
the whole product for every matrix (gb-singular-value-products, 0.75)
    np.append(np.cumprod(smallest[::-1])[::-1], 1.0) -> smallest.prod() &
        np.append(np.cumprod(largest[::-1])[::-1], 1.0) -> largest.prod()
    Only W_0 has all layers behind it. The others have fewer, and W_L has none.
the factor of a single layer (gb-singular-value-products, 0.75)
    np.cumprod(smallest[::-1])[::-1] -> smallest & np.cumprod(largest[::-1])[::-1] -> largest
    The gradient passes all the layers behind a matrix: multiply all of their factors.
the norm of the input for every matrix (gb-weight-gradient, 0.75)
    for h in activations] -> for h in activations[:1] * len(activations)]
    The gradient of W_l is the outer product with what enters W_l: for l > 0 the activations of
    layer l, not the input.
bounds of the sensitivities (gb-weight-gradient, 0.25)
    np.linalg.norm(h.astype(np.float64)) for -> 1.0 for
    These bound dL/dz. The gradient of W_l is an outer product with what enters W_l, so the norm of
    that is a factor too.
the norm of the gradient at the output left out (gb-upper-bound, 0.25)
    np.linalg.norm(loss_gradient.astype(np.float64)) -> 1.0
    What comes back through the layers starts as loss_gradient.
squared norms (gb-upper-bound, 0.25)
    np.float64)) for -> np.float64)) ** 2 for &
        loss_gradient.astype(np.float64)) -> loss_gradient.astype(np.float64)) ** 2
    The root is missing.
sums of absolute values (gb-upper-bound, 0.25)
    np.linalg.norm(h.astype(np.float64)) -> np.abs(h.astype(np.float64)).sum() &
        np.linalg.norm(loss_gradient.astype(np.float64)) ->
        np.abs(loss_gradient.astype(np.float64)).sum()
    The bounds are for the Euclidean norm: the root of the sum of squares.
entries in the order from the output to the input (gb-singular-value-products, 0.75)
    lengths * low_behind -> (lengths * low_behind)[::-1] &
        lengths * high_behind -> (lengths * high_behind)[::-1]
    Entry l belongs to W_l, so the entry of W_0 is the first.
upper and lower exchanged (gb-singular-value-products, 0.75)
    * low_behind -> * high_behind & , lengths * high_behind -> , lengths * low_behind
    Return the smaller bound first: (lower, upper).
""",
    ),
    model=_bounds_model,
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


def _norms_model(x: Array, weights: list[Array], loss_gradient: Array) -> Any:
    entering, slopes = [x], []
    for weight in weights[:-1]:
        entering.append(np.tanh(weight.T @ entering[-1]))
        slopes.append(1 - entering[-1] ** 2)
    sensitivity = loss_gradient
    lengths = [np.linalg.norm(sensitivity)]
    for weight, slope in zip(weights[:0:-1], slopes[::-1], strict=True):
        sensitivity = slope * (weight @ sensitivity)
        lengths.insert(0, np.linalg.norm(sensitivity))
    sensitivities = np.array(lengths)
    gradients = sensitivities * np.array([np.linalg.norm(h) for h in entering])
    return sensitivities, gradients


NORMS = Exercise(
    name="gradient_bounds.norms_through_depth",
    outputs=("sensitivities", "gradients"),
    reference=_norms,
    cases=_norm_cases,
    criteria=criteria("""
sensitivities and gradients have the right shapes (shape, 0.25)
sensitivities are right where all layers have one width (ordinary, 1)
    sensitivities: gb-sensitivity
gradients are right where all layers have one width (ordinary, 0.75)
    gradients: gb-weight-gradient
layers of different widths, no hidden layer, one (edge, 0.5)
    sensitivities, gradients: gb-sensitivity gb-weight-gradient
forty layers, through which nearly everything vanishes (deep, 0.25)
    sensitivities, gradients: gb-sensitivity gb-weight-gradient
the arguments are left as they were (unchanged, 0.25)
"""),
    tolerance=RELATIVE,
    misconceptions=mistakes(
        _norms_model,
        """
slopes left out on the way back (gb-weight-gradient, 0.25)
    slope * (weight @ sensitivity) -> weight @ sensitivity
    Before a sensitivity goes on through the weights of the layer below, it is multiplied entry by
    entry by the slopes of the activation there.
the derivative of tanh evaluated at its output (gb-weight-gradient, 0.25)
    1 - entering[-1] ** 2 -> 1 - np.tanh(entering[-1]) ** 2
    The slope is taken at the net input z. If you start from h = tanh(z), then tanh has been applied
    already: the slope is 1 - h**2.
1 - z**2 as the slope (gb-weight-gradient, 0.25)
    1 - entering[-1] ** 2 -> 1 - (weight.T @ entering[-2]) ** 2
    The derivative of tanh is 1 - tanh(z)**2.
tanh in place of its slope (gb-weight-gradient, 0.25)
    1 - entering[-1] ** 2 -> entering[-1]
    You multiply by tanh(z). The chain rule asks for its derivative, 1 - tanh(z)**2.
a slope at the output (gb-weight-gradient, 0.75)
    sensitivity = loss_gradient ->
        sensitivity = loss_gradient * (1 - np.tanh(weights[-1].T @ entering[-1]) ** 2)
    The output is linear: its sensitivity is loss_gradient as it is.
the slopes of the layer above (gb-weight-gradient, 0.25)
    slopes[::-1] -> [1 - np.tanh(weights[-1].T @ entering[-1]) ** 2, *slopes[:0:-1]][: len(slopes)]
    What comes back through W_l arrives at layer l and meets the slopes of layer l.
gradients at the activations (gb-weight-gradient, 0.25)
    sensitivity = slope * (weight @ sensitivity) ->
        after = weight @ sensitivity; sensitivity = slope * after &
        norm(sensitivity)) -> norm(after))
    These are the norms of dL/dh. The sensitivity dL/dz has the slopes in it too.
the matrices transposed on the way back (gb-weight-gradient, 0.25)
    (weight @ sensitivity) -> (weight.T @ sensitivity)
    Forwards W^T is applied, so backwards it is W. With layers of one width a program does not
    notice.
the matrices transposed in both directions (gb-weight-gradient, 0.25)
    weight.T @ entering -> weight @ entering & (weight @ sensitivity) -> (weight.T @ sensitivity)
    The matrices are fan-in by fan-out: z = W^T h, and h @ W for a 1-D array. Deck S's and PyTorch's
    are the transposes.
the matrices transposed on the way forward (gb-weight-gradient, 0.25)
    weight.T @ entering -> weight @ entering
    The matrices are fan-in by fan-out: z = W^T h, and h @ W for a 1-D array.
the outer product forgotten (gb-weight-gradient, 1.5)
    sensitivities * np.array([np.linalg.norm(h) for h in entering]) -> sensitivities
    The gradient of a matrix is the outer product of what enters it and the sensitivity of what it
    makes. Its norm is the product of the two norms.
the activation after the matrix instead of the one before (gb-weight-gradient, 1.5)
    for h in entering] -> for h in [*entering[1:], weights[-1].T @ entering[-1]]]
    for h in entering] -> for h in [*entering[1:], np.tanh(weights[-1].T @ entering[-1])]]
    The gradient of W_l has h_l, which enters W_l, and the sensitivity of z_(l+1), which leaves it.
the input in every outer product (gb-weight-gradient, 1.5)
    for h in entering] -> for h in entering[:1]]
    x enters W_0 alone. What enters W_l is the activation h_l.
squared norms (gb-weight-gradient, 0.25)
    np.array(lengths) -> np.array(lengths) ** 2 & norm(h) -> norm(h) ** 2
    The root is missing.
entries in the order from the output to the input (gb-weight-gradient, 0.25)
    return sensitivities, gradients -> return sensitivities[::-1], gradients[::-1]
    Entry l belongs to the matrix W_l, so what is computed last stands first.
""",
    ),
    model=_norms_model,
)


# ---- the gain that keeps the gradient


def _gain(x: Array, weights: list[Array], loss_gradient: Array) -> float:
    sensitivities, _ = _measured(x, weights, loss_gradient, "relu")
    change = sensitivities[0] / sensitivities[-1]
    return float(change ** (-1 / (len(weights) - 1)))


def _signals(x: Array, weights: list[Array], loss_gradient: Array) -> list[Array]:
    """What goes through a ReLU network, both ways."""
    hidden, sensitivities = [x], [loss_gradient]
    for weight in weights[:-1]:
        hidden.append(np.maximum(hidden[-1] @ weight, 0))
    for h, weight in zip(hidden[:0:-1], weights[:0:-1], strict=True):
        sensitivities.append((h > 0) * (weight @ sensitivities[-1]))
    return [*hidden, *sensitivities]


def _living(
    rng: np.random.Generator, widths: Sequence[int], gain: float, idle: bool
) -> dict[str, Any]:
    """A ReLU network that the signal passes both ways; with `idle`, a unit has no weights in."""
    while True:
        network: dict[str, Any] = _network(rng, widths, gain)
        if idle:
            network["weights"][0][:, 1] = 0.0
        if min(map(np.count_nonzero, _signals(**network))) >= 2:
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


def _from_the_bound(x: Array, weights: list[Array], loss_gradient: Array) -> float:
    largest = [np.linalg.norm(weight, 2) for weight in weights[1:]]
    return float(np.prod(largest) ** (-1 / len(largest)))


def _gain_model(x: Array, weights: list[Array], loss_gradient: Array) -> Any:
    hidden, passing = x, []
    for weight in weights[:-1]:
        z = weight.T @ hidden
        passing.append(z > 0)
        hidden = np.maximum(z, 0)
    sensitivity = loss_gradient
    for weight, on in zip(weights[:0:-1], passing[::-1], strict=True):
        sensitivity = on * (weight @ sensitivity)
    change = np.linalg.norm(sensitivity) / np.linalg.norm(loss_gradient)
    return change ** (-1 / len(passing))


GAIN = Exercise(
    name="gradient_bounds.balancing_gain",
    outputs=("gain",),
    reference=_gain,
    cases=_gain_cases,
    criteria=criteria("""
the gain is right where all layers have one width (ordinary, 0.75)
    gain: gb-sensitivity
different widths, one hidden layer, a net input of 0 (edge, 0.5)
    gain: gb-sensitivity
the arguments are left as they were (unchanged, 0.25)
"""),
    misconceptions=mistakes(
        _gain_model,
        """
a root of the number of matrices (gb-singular-value-products, 0)
    len(passing) -> len(weights)
    How many matrices does the gradient pass between the output and z_1? W_0 is not among them.
the gradient taken back to the input (gb-sensitivity, 0)
    change = np.linalg.norm(sensitivity) -> change = np.linalg.norm(weights[0] @ sensitivity) &
        len(passing) -> len(weights)
    The length is to be the same at z_1 as at the output. W_0 comes after z_1 on the way back.
no root (gb-singular-value-products, 0)
    (-1 / len(passing)) -> -1
    The gain multiplies every matrix, so the change of length has it as a power.
the factor of a layer in place of the gain (gb-singular-value-products, 0)
    -1 / len -> 1 / len
    This is what a layer does to the length now. Which gain makes it 1?
squared norms (gb-singular-value-products, 0)
    norm(loss_gradient) -> norm(loss_gradient); change = change**2
    The ratio of the squares has the gain in it twice as often.
slopes left out on the way back (gb-sensitivity, 0)
    on * (weight @ sensitivity) -> weight @ sensitivity
    A unit that is off passes no gradient: its slope is 0.
a slope of 1 at a net input of 0 (gb-sensitivity, 1)
    z > 0 -> z >= 0
    The slope there is a matter of convention. This exercise takes 0, as PyTorch does.
slopes of another layer (gb-sensitivity, 0)
    passing[::-1] -> [weights[-1].T @ hidden > 0, *passing[:0:-1]]
    What comes back through W_l arrives at layer l and meets the slopes of layer l.
the matrices transposed on the way back (gb-sensitivity, 0)
    weight @ sensitivity -> weight.T @ sensitivity
    Forwards W^T is applied, so backwards it is W.
a gain that keeps the activations (gb-sensitivity, 0)
    norm(sensitivity) / np.linalg.norm(loss_gradient) -> norm(hidden) / np.linalg.norm(x)
    norm(sensitivity) / np.linalg.norm(loss_gradient) ->
        norm(weights[-1].T @ hidden) / np.linalg.norm(x) & len(passing) -> len(weights)
    You compare what goes forward. The same matrices do something else to what comes back: the
    question is about the sensitivities.
the gradients of the matrices compared (gb-sensitivity, 0)
    norm(loss_gradient) -> norm(loss_gradient) * np.linalg.norm(x) / np.linalg.norm(hidden)
    Those have the activations in them, on which the gain acts as well: in their ratio it cancels.
    Compare sensitivities.
the upper bound taken for the gradient itself (gb-upper-bound, 0)
    = _from_the_bound
    With this gain the product of the largest singular values is 1, and the gradient far below. The
    gain asked for follows from the gradient that you measure.
""",
    ),
    model=_gain_model,
)

EXERCISES = (FACTORS, BOUNDS, NORMS, GAIN)
