"""What the live figure of initialization computes, with the package's rules."""

import itertools
import math

import numpy as np

from gradlab import activations as act
from gradlab import initialization as init
from gradlab.training import LiveGenerator


def level(fan_in, fan_out, rng):
    gain = math.sqrt(2 * max(1, fan_out / fan_in))
    return init.orthogonal(fan_in, fan_out, rng, gain=gain)


# The rule, and the variance of a weight by fan-in and fan-out.
RULES = {
    "he": (init.he_normal, lambda i, _: 2 / i),
    "average": (init.he_average_normal, lambda i, o: 4 / (i + o)),
    "lecun": (init.lecun_normal, lambda i, _: 1 / i),
    "xavier": (init.xavier_normal, lambda i, o: 2 / (i + o)),
    "torch": (init.legacy_torch_uniform, lambda i, _: 1 / 3 / i),
    "orthogonal": (init.orthogonal, lambda i, o: 1 / max(i, o)),
    "level": (level, lambda i, _: 2 / i),
}
# The function and its gradient, the slope for negative input if it is all that there is, and the
# largest slope.
ACTIVATIONS = {
    "relu": (act.relu, act.relu_backward, 0.0, 1),
    "leaky": (
        lambda z: act.leaky_relu(z, 0.2),
        lambda dout, z: act.leaky_relu_backward(dout, z, 0.2),
        0.2,
        1,
    ),
    "none": (lambda z: z, lambda dout, _: dout, 1.0, 1),
    "tanh": (act.tanh, act.tanh_backward, None, 1),
    "sigmoid": (act.sigmoid, act.sigmoid_backward, None, 0.25),
    "selu": (act.selu, act.selu_backward, None, 1.6732632423543772 * 1.0507009873554805),
}
FIRST = {
    "rules": ["he", "lecun", "torch", "own"],
    "activation": "relu",
    "own": 0.25,
    "gain": 1,
    "width": 64,
    "ratio": 1,
    "seed": 0,
    "axis": "size",
}
MOVES = [
    {},
    {"activation": "tanh", "rules": ["lecun", "orthogonal", "own"], "own": 0.4, "gain": 1.3},
    {"activation": "sigmoid", "rules": ["xavier", "torch"], "width": 24, "ratio": 2.5, "seed": 7},
    {"activation": "selu", "rules": ["level", "average"], "width": 48, "ratio": 3, "axis": "value"},
    {"activation": "leaky", "rules": ["level", "orthogonal", "he"], "width": 32, "ratio": 2},
    {"activation": "none", "rules": ["own", "xavier"], "own": 0.01, "width": 128, "gain": 2},
    {},
]

EXTREMES = [
    {"axis": "size", "gain": 0.1, "own": 0.001, "width": 8, "ratio": 6},
    {"axis": "value", "gain": 0.1, "own": 0.001, "width": 64, "ratio": 1},
    {"axis": "size", "gain": 4, "own": 1, "width": 64, "ratio": 1},
    {"axis": "value", "gain": 4, "own": 1, "width": 8, "ratio": 6},
]


def rule_of(name, own):
    if name == "own":
        return (lambda i, o, rng: own * rng.standard_normal((i, o))), (lambda *_: own**2)
    return RULES[name]


def moments(function, backward, variance):
    """E[g(z)^2] and E[g'(z)^2] for a normal z, by Gauss's rule on pieces."""
    nodes, weights = np.polynomial.legendre.leggauss(60)
    deviation = math.sqrt(variance)
    # Narrow pieces where the function bends.
    far = np.array([0, 0.25, 0.5, 1, 2, 4, 8, 16, 40]) / max(deviation, 1)
    ends = np.unique(np.concatenate([-far, far, [-9, 9]]))
    total = np.zeros(2)
    for low, high in itertools.pairwise(ends[np.abs(ends) <= 9]):
        t = (low + high) / 2 + (high - low) / 2 * nodes
        density = weights * (high - low) / 2 * np.exp(-(t**2) / 2) / math.sqrt(2 * math.pi)
        z = deviation * t
        slopes = backward(np.ones_like(z), z)
        total += (density * function(z) ** 2).sum(), (density * slopes**2).sum()
    return total


def in_python(state, name):
    """What the figure computes for one rule: of the run, and of the prediction."""
    draw, variance = rule_of(name, state["own"])
    function, backward, alpha, steep = ACTIVATIONS[state["activation"]]
    narrow = round(state["width"] / state["ratio"])
    sizes = [narrow if k % 2 == 0 else state["width"] for k in range(21)]
    rng, examples = LiveGenerator(state["seed"]), round(2048 / state["width"])
    hidden, inputs = [rng.standard_normal((examples, sizes[0]))], []
    weights = [state["gain"] * draw(i, o, rng) for i, o in itertools.pairwise(sizes)]
    for weight in weights:
        inputs.append(hidden[-1] @ weight)
        hidden.append(function(inputs[-1]))
    gradients = [rng.standard_normal(hidden[-1].shape)]
    for weight, z in zip(weights[::-1], inputs[::-1], strict=True):
        gradients.insert(0, backward(gradients[0], z) @ weight.T)
    slopes = [backward(np.ones_like(z), z) for z in inputs]
    forward, back = ([(values**2).mean() for values in way] for way in (hidden, gradients))

    variances = [state["gain"] ** 2 * variance(i, o) for i, o in itertools.pairwise(sizes)]
    q, factors = [forward[0]], []
    for fan_in, v in zip(sizes, variances, strict=False):
        of_z = fan_in * v * q[-1]
        if alpha is None:
            kept, slope = moments(function, backward, of_z)
        else:
            slope = (1 + alpha**2) / 2
            kept = slope * of_z
        q.append(kept)
        factors.append(slope)
    delta = [back[-1]]
    for slope, fan_out, v in zip(factors[::-1], sizes[:0:-1], variances[::-1], strict=True):
        delta.insert(0, slope * fan_out * v * delta[0])
    off = [(z <= 0).all(axis=0) for z in inputs]
    numbers = {
        "forward": forward,
        "backward": back,
        "little": np.mean([(s < 0.1 * steep).mean() for s in slopes]),
        "dead": np.concatenate(off).mean() if state["activation"] == "relu" else 0,
    }
    return numbers, {"forward": q, "backward": delta}, (hidden, gradients)
