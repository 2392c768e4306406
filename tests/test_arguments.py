"""What holds for every argument of a kind: sequences, arrays with a mask, flags."""

import importlib
import inspect
import re
from functools import partial

import numpy as np
import pytest

import gradlab
from gradlab import plotting
from gradlab.autodiff import Variable
from gradlab.backpropagation import mlp_forward
from gradlab.batch_normalization import batch_norm_forward, update_running_statistics
from gradlab.data_augmentation import test_time_average as average_predictions
from gradlab.dropout import (
    dropconnect,
    dropout_forward,
    expected_subnetwork_output,
    shakeout,
    whiteout,
    zoneout,
)
from gradlab.early_stopping import EarlyStopping
from gradlab.gradient_bounds import gradient_norm_bounds, singular_value_products
from gradlab.gradient_clipping import clip_by_global_norm, clip_by_value, global_norm
from gradlab.gradient_descent import linear_descent, minibatches
from gradlab.initialization import propagated_variance
from gradlab.input_normalization import fit_standardize
from gradlab.losses import softmax_cross_entropy, squared_error
from gradlab.network import Activation, BatchNorm, Dense, Dropout, LayerNorm, Network
from gradlab.optimizers import Adam, Optimizer
from gradlab.schedules import PerformanceSchedule
from gradlab.training import evaluate, fit
from gradlab.transfer_learning import resize_images, reuse, two_phase_fit
from gradlab.weight_decay import l2_penalty, l2_penalty_backward

X = np.arange(6.0).reshape(3, 2)
SQUARE = np.eye(2)
W = [np.ones((2, 2)), np.ones((2, 2))]
SLOPES = [np.ones(2), np.ones(2)]


def rng():
    return np.random.default_rng(0)


def public_functions():
    """Give the name and the function of all that is called by users, methods too."""
    for module in [*gradlab.__all__, "plotting"]:
        for name in importlib.import_module(f"gradlab.{module}").__all__:
            value = getattr(importlib.import_module(f"gradlab.{module}"), name)
            if inspect.isclass(value) or inspect.isfunction(value):
                yield name, value
            if inspect.isclass(value):
                methods = vars(value).items()
                yield from ((f"{name}.{m}", f) for m, f in methods if m[0] != "_" and callable(f))


# ---- one of several words


@pytest.mark.parametrize("bad", ["Min", "", None, 1, b"min", ["min"], np.array(["min"]), {}])
def test_a_choice_is_one_of_the_words(bad):
    with pytest.raises(ValueError, match=r"^mode must be 'min' or 'max', got "):
        EarlyStopping(mode=bad)
    with pytest.raises(ValueError, match=r"^activation must be 'identity', .* or 'tanh', got "):
        mlp_forward(X, W, SLOPES, activation=bad)


def test_a_choice_may_come_out_of_an_array():
    assert EarlyStopping(mode=np.array(["max"])[0]).mode == "max"


# ---- sequences, which may be iterators


def updated(params):
    stopping = EarlyStopping()
    stopping.update(1.0, params)
    out = [np.zeros_like(X), np.zeros(2)]
    stopping.restore(out)
    return out


def restored(order):
    stopping, kept = EarlyStopping(), [np.zeros_like(X), np.zeros(2)]
    stopping.update(1.0, [np.ones_like(X), np.ones(2)])
    # An iterator over arrays if `order` is one.
    stopping.restore(map(kept.__getitem__, order) if iter(order) is order else kept)
    return kept


def stepped(params, grads):
    optimizer = Adam()
    optimizer.step(params, grads)
    return optimizer.state


def trained(callbacks):
    network, data = Network([Dense(2, 2, rng())]), (X, [0, 1, 1])
    CALLED.clear()
    fit(network, data, None, Adam(), epochs=2, batch_size=2, callbacks=callbacks, rng=rng())
    return CALLED.copy()


CALLED = []


def note(epoch, network, history):
    CALLED.append(epoch)


def lines(count):
    figures = []
    for _ in range(count):
        figure, ax = plotting.subplots()
        ax.plot([0, 1])
        figures.append(figure)
    return figures


def slid(figures=None, values=("0", "1"), alts=("A.", "B.")):
    figures = lines(2) if figures is None else figures
    return plotting.slider(figures, values, "rate", alts)._repr_html_().count("<svg")


def layers_of(network):
    return [type(layer) for layer in network.layers]


GRADS = [X, np.ones(3)]
TO = [np.empty_like(grad) for grad in GRADS]
# A function of the sequence, and the sequence.
SEQUENCES = {
    ("mlp_forward", "weights"): (lambda s: mlp_forward(X, s, SLOPES)[0], W),
    ("mlp_forward", "biases"): (lambda s: mlp_forward(X, W, s)[0], SLOPES),
    ("test_time_average", "augmentations"): (
        lambda s: average_predictions(lambda x: x, [X], s),
        [lambda x: x, lambda x: 2 * x],
    ),
    ("EarlyStopping.update", "params"): (updated, [X, np.ones(2)]),
    ("EarlyStopping.restore", "params"): (restored, [0, 1]),
    ("gradient_norm_bounds", "weights"): (
        lambda s: gradient_norm_bounds([1.0], s, SLOPES, [1.0, 1.0]),
        W,
    ),
    ("gradient_norm_bounds", "activation_derivatives"): (
        lambda s: gradient_norm_bounds([1.0], W, s, [1.0, 1.0]),
        SLOPES,
    ),
    ("singular_value_products", "weights"): (lambda s: singular_value_products(s, SLOPES), W),
    ("singular_value_products", "activation_derivatives"): (
        lambda s: singular_value_products(W, s),
        SLOPES,
    ),
    ("clip_by_value", "grads"): (lambda s: clip_by_value(s, 1.0), GRADS),
    ("clip_by_global_norm", "grads"): (lambda s: clip_by_global_norm(s, 1.0), GRADS),
    ("clip_by_global_norm", "out"): (lambda s: clip_by_global_norm(GRADS, 1.0, out=s), TO),
    ("global_norm", "grads"): (global_norm, GRADS),
    ("propagated_variance", "widths"): (lambda s: propagated_variance(s, 0.1), [3, 4]),
    ("Network", "layers"): (lambda s: layers_of(Network(s)), [Activation("relu")]),
    ("Optimizer.step", "params"): (lambda s: stepped(s, [X]), [np.ones_like(X)]),
    ("Optimizer.step", "grads"): (lambda s: stepped([np.ones_like(X)], s), [X]),
    ("fit", "callbacks"): (trained, [note]),
    ("reuse", "new_head"): (
        lambda s: layers_of(reuse(Network([Activation("relu")]), 1, s)),
        [Activation("tanh")],
    ),
    ("l2_penalty", "weights"): (lambda s: l2_penalty(s, 0.1), W),
    ("l2_penalty_backward", "weights"): (lambda s: l2_penalty_backward(s, 0.1), W),
    ("slider", "figures"): (lambda s: slid(figures=s), lines),
    ("slider", "values"): (lambda s: slid(values=s), ["0", "1"]),
    ("slider", "alts"): (lambda s: slid(alts=s), ["A.", "B."]),
}


def test_no_sequence_is_forgotten():
    found = set()
    for name, function in public_functions():
        for names in re.findall(r"^ *([\w, ]+) : sequence", inspect.getdoc(function) or "", re.M):
            found |= {(name, argument) for argument in names.split(", ")}
    assert found == set(SEQUENCES)


@pytest.mark.parametrize(("call", "argument"), SEQUENCES)
def test_an_iterator_is_as_good_as_a_list_or_refused_by_name(call, argument):
    use, values = SEQUENCES[call, argument]
    make = (lambda: values(2)) if callable(values) else (lambda: values)
    expected = use(make())
    try:
        got = use(iter(make()))
    except TypeError:
        with pytest.raises(TypeError, match=rf"^{argument} must"):
            use(iter(make()))
    else:
        np.testing.assert_equal(got, expected)


@pytest.mark.parametrize(("call", "argument"), [key for key in SEQUENCES if key[0] != "slider"])
@pytest.mark.parametrize("bad", [3, "ab", 2.5, len], ids=str)
def test_what_is_no_sequence_is_refused_by_name(call, argument, bad):
    use = {
        ("EarlyStopping.update", "params"): lambda s: EarlyStopping().update(1.0, s),
        ("EarlyStopping.restore", "params"): restored_into,
    }.get((call, argument), SEQUENCES[call, argument][0])
    with pytest.raises((TypeError, ValueError), match=rf"^{argument} must"):
        use(bad)


def restored_into(params):
    stopping = EarlyStopping()
    stopping.update(1.0, [X])
    stopping.restore(params)


def test_a_mapping_is_no_sequence_of_its_names():
    with pytest.raises(TypeError, match=r"^grads must be a sequence, got dict"):
        global_norm({"weight": X})


# ---- arrays with a mask


MASKED = np.ma.masked_greater(np.array([[1.0, 2.0], [3.0, 1e6]]), 100)
MASKED_CALLS = {
    "x": [
        lambda: fit_standardize(MASKED),
        lambda: fit_standardize([MASKED[1], MASKED[0]]),
        lambda: batch_norm_forward(MASKED, [1.0, 1.0], [0.0, 0.0]),
        lambda: dropout_forward(MASKED, 0.5, rng()),
        lambda: Dense(2, 2, rng()).forward(MASKED, training=True),
        lambda: Network([Activation("relu")]).forward(MASKED),
    ],
    "grads[1]": [lambda: global_norm([X, MASKED]), lambda: clip_by_value([X, MASKED], 1.0)],
    "params[0]": [
        lambda: Adam().step([MASKED], [np.ones((2, 2))]),
        lambda: EarlyStopping().update(1.0, [MASKED]),
        lambda: restored_into([MASKED]),
    ],
    "weights[0]": [lambda: l2_penalty([MASKED], 0.1)],
    "metric": [
        lambda: EarlyStopping().update(np.ma.masked),
        lambda: PerformanceSchedule(0.1).update(np.ma.masked),
    ],
    "strength": [lambda: l2_penalty([X], np.ma.masked)],
    "target": [lambda: squared_error(X[:2], MASKED)],
    "images": [lambda: resize_images(MASKED[np.newaxis], 4)],
    "labels": [
        lambda: softmax_cross_entropy(X, np.ma.masked_equal([0, 1, 1], 0)),
        lambda: evaluate(Network([Activation("relu")]), X, np.ma.masked_equal([0, 1, 1], 0)),
    ],
    "train": [
        lambda: fit(
            Network([Dense(2, 2, rng())]),
            (X, np.ma.masked_equal([0, 1, 1], 0)),
            None,
            Adam(),
            epochs=1,
            batch_size=2,
            rng=rng(),
        )
    ],
}


@pytest.mark.parametrize(
    ("name", "call"), [(name, call) for name, calls in MASKED_CALLS.items() for call in calls]
)
def test_a_mask_is_not_dropped_silently(name, call):
    with pytest.raises(TypeError, match=f"^{re.escape(name)} must not be masked"):
        call()


@pytest.mark.parametrize("sign", [1, -1])
def test_an_integer_beyond_every_float_is_refused_by_name(sign):
    huge = sign * 10**5000
    with pytest.raises(ValueError, match=r"^strength must be finite"):
        l2_penalty([X], huge)
    with pytest.raises(ValueError, match=r"^metric must be finite"):
        EarlyStopping().update(huge)


def test_a_masked_array_in_which_nothing_is_masked_is_an_array():
    np.testing.assert_array_equal(fit_standardize(np.ma.array(X)).mean, [2.0, 3.0])
    np.testing.assert_array_equal(fit_standardize(list(np.ma.array(X))).mean, [2.0, 3.0])
    assert type(dropout_forward(np.ma.array(X), 0.0, rng())[0]) is np.ndarray


# ---- flags


def optimizer_flags():
    for name, kind in public_functions():
        if inspect.isclass(kind) and issubclass(kind, Optimizer):
            for argument, parameter in inspect.signature(kind).parameters.items():
                if parameter.annotation == "bool":
                    make = partial(kind, learning_rate=0.1)
                    yield (name, argument), (lambda v, a=argument, make=make: make(**{a: v}))


FLAGS = {
    ("Variable.backward", "accumulate"): lambda v: Variable(1.0).backward(v),
    ("update_running_statistics", "unbiased"): lambda v: update_running_statistics(
        [0.0], [1.0], [1.0], [1.0], 4, unbiased=v
    ),
    ("dropconnect", "training"): lambda v: dropconnect(X, SQUARE, 0.1, rng(), v),
    ("dropout_forward", "training"): lambda v: dropout_forward(X, 0.1, rng(), v),
    ("expected_subnetwork_output", "inverted"): lambda v: expected_subnetwork_output(
        lambda h: h, [1.0], 0.1, v
    ),
    ("shakeout", "training"): lambda v: shakeout(X, SQUARE, 0.1, 0.1, rng(), v),
    ("whiteout", "multiplicative"): lambda v: whiteout(X, SQUARE, 0.1, rng(), multiplicative=v),
    ("whiteout", "training"): lambda v: whiteout(X, SQUARE, 0.1, rng(), training=v),
    ("zoneout", "training"): lambda v: zoneout(X, X, 0.1, rng(), v),
    ("minibatches", "shuffle"): lambda v: minibatches(4, 2, rng(), shuffle=v),
    ("minibatches", "drop_last"): lambda v: minibatches(4, 2, rng(), drop_last=v),
    ("Activation.forward", "training"): lambda v: Activation("relu").forward(X, v),
    ("BatchNorm.forward", "training"): lambda v: BatchNorm(2).forward(X, v),
    ("Dense.forward", "training"): lambda v: Dense(2, 2, rng()).forward(X, v),
    ("Dropout.forward", "training"): lambda v: Dropout(0.1, rng()).forward(X, v),
    ("LayerNorm.forward", "training"): lambda v: LayerNorm(2).forward(X, v),
    ("Network.forward", "training"): lambda v: Network([Activation("relu")]).forward(X, v),
    ("Dense", "bias"): lambda v: Dense(2, 2, rng(), bias=v),
    ("fit", "evaluate_train"): lambda v: fit(
        Network([Dense(2, 2, rng())]),
        (X, [0, 1, 1]),
        None,
        Adam(),
        epochs=0,
        batch_size=2,
        evaluate_train=v,
        rng=rng(),
    ),
    ("fit", "progress"): lambda v: fit(
        Network([Dense(2, 2, rng())]),
        (X, [0, 1, 1]),
        None,
        Adam(),
        epochs=0,
        batch_size=2,
        progress=v,
        rng=rng(),
    ),
    ("linear_descent", "shuffle"): lambda v: linear_descent(
        X, [0, 1, 1], [0, 0], 0.1, 1, rng=rng(), shuffle=v
    ),
    ("resize_images", "antialias"): lambda v: resize_images([X], 4, v),
    ("two_phase_fit", "freeze_batch_norm"): lambda v: two_phase_fit(
        Network([Dense(2, 2, rng()), Dense(2, 2, rng())]),
        (X, [0, 1, 1]),
        None,
        Adam,
        reused=1,
        learning_rate=0.1,
        epochs=(0, 0),
        batch_size=2,
        freeze_batch_norm=v,
        rng=rng(),
    ),
    ("l2_penalty", "half"): lambda v: l2_penalty(W, 0.1, half=v),
    ("l2_penalty_backward", "half"): lambda v: l2_penalty_backward(W, 0.1, half=v),
    **dict(optimizer_flags()),
}


def test_no_flag_is_forgotten():
    # A protocol has no body.
    found = {
        (name, argument)
        for name, function in public_functions()
        if name not in ("Layer.forward", "DatasetError")
        for argument, parameter in inspect.signature(function).parameters.items()
        if parameter.annotation == "bool"
    }
    assert found == set(FLAGS)


@pytest.mark.parametrize(("call", "argument"), FLAGS)
def test_a_flag_is_true_or_false(call, argument):
    for bad in ("False", "no", 0, 1, None):
        with pytest.raises(TypeError, match=rf"^{argument} must be True or False"):
            FLAGS[call, argument](bad)
    for good in (True, False, np.True_, np.False_):
        FLAGS[call, argument](good)
