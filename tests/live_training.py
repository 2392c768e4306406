"""A training in the page, and by the program that it gives."""

import contextlib
import io

import numpy as np

BOUND = 1e-6
"""How far a loss of the page may be from that of its script, over a whole training. Sums are taken
in another order, which changes the last digit; where training is stable the two stay within 1e-12,
and where it is not, each step makes more of the difference.
"""


STATES = [
    {"widths": [32, 32], "normalization": "batch", "dropout": 0.2, "decay": 1e-3, "rate": 0.1}
    | {"schedule": "warmup", "clip": 1, "patience": 100, "epochs": 8},
    {"widths": [24, 16], "normalization": "layer", "activation": "gelu", "optimizer": "adam"}
    | {"rate": 0.003, "schedule": "cosine"},
    {"activation": "tanh", "initialization": "xavier", "optimizer": "adamw", "decay": 0.01}
    | {"rate": 0.003, "schedule": "one_cycle", "seed": 3},
    {"widths": [16, 16, 16], "activation": "sigmoid", "initialization": "lecun", "batch": 32}
    | {"optimizer": "nesterov", "schedule": "step", "rate": 0.1},
    {"activation": "elu", "initialization": "torch", "optimizer": "rmsprop", "rate": 0.002}
    | {"schedule": "exponential", "inputs": "pixels", "seed": 5},
    # The last mini-batch has one example, which batch normalization leaves out.
    {"activation": "silu", "optimizer": "sgd", "rate": 0.5, "schedule": "plateau", "examples": 150}
    | {"normalization": "batch", "batch": 149, "patience": 3, "epochs": 30},
    {"activation": "leaky_relu", "initialization": "small", "momentum": 0.5},
    {"widths": [16, 16], "initialization": "large", "rate": 0.001, "clip": 1},
    {"widths": [], "initialization": "zeros", "optimizer": "sgd"},
    {"widths": [16, 16], "rate": 1e30},
    {"widths": [16, 16], "rate": 1e200, "optimizer": "sgd", "seed": 1},
]


def executed(script):
    names = {}
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(compile(script, "playground", "exec"), names)
    return names, printed.getvalue()


def assert_same(record, names):
    history, final = names["history"], record["final"]
    for key, ours in (
        ("trainLoss", history.train_loss),
        ("heldLoss", history.validation_loss),
        ("trainAccuracy", history.train_accuracy),
        ("heldAccuracy", history.validation_accuracy),
        ("stepLoss", history.step_loss),
        ("rates", history.learning_rate),
    ):
        found = np.array(record[key], np.float64)
        found = found if key in ("stepLoss", "rates") else found[1:]
        np.testing.assert_allclose(found, ours, rtol=BOUND, atol=BOUND, err_msg=key)
    at_first = record["heldLoss"][0], record["heldAccuracy"][0]
    np.testing.assert_allclose(at_first, names["at_first"], rtol=BOUND)
    assert record["stopped"] == history.stopped
    with np.errstate(all="ignore"):
        left = names["evaluate"](names["network"], names["held_x"], names["held_labels"])
    found = np.array([final["loss"], final["accuracy"]], np.float64)
    np.testing.assert_allclose(found, left, rtol=BOUND, atol=BOUND)


TRAIN = """async states => {
    const runs = states.map(gradlab.train.settings);
    const input = {data: gradlab.digits.split("chapter"), runs};
    const records = await gradlab.background(gradlab.train, input).done;
    return [records, runs.map(run => gradlab.train.script(run))];
}"""
