import copy
import functools
import gc
import io
import itertools
import math
import os
import pickle
import re
import signal
import sys
import types

import numpy as np
import pytest
from support import torch

from gradlab import _random, layers, losses, training
from gradlab._validate import is_finite
from gradlab.datasets import load_digits
from gradlab.early_stopping import EarlyStopping
from gradlab.gradient_clipping import clip_by_global_norm, clip_by_value, global_norm
from gradlab.layers import Activation, BatchNorm, Dense, Dropout, Layer, LayerNorm
from gradlab.losses import (
    binary_cross_entropy,
    softmax_cross_entropy,
    softmax_cross_entropy_backward,
    squared_error,
)
from gradlab.network import Network
from gradlab.optimizers import SGD, Adam, Momentum
from gradlab.schedules import PerformanceSchedule, cosine_decay, exponential_decay
from gradlab.training import History, LiveGenerator, evaluate, fit

N, CLASSES = 60, 3


def rng(seed=0):
    return np.random.default_rng(seed)


def make_data(seed=0, n=N, noise=0.3):
    """Three classes around the corners of a triangle."""
    generator = rng(seed)
    labels = generator.integers(0, CLASSES, n)
    corners = np.array([[1.0, 0.0], [-0.5, 0.9], [-0.5, -0.9]])
    return corners[labels] + noise * generator.normal(size=(n, 2)), labels


def make_network(seed=0, norm=None, rate=None, dtype=np.float64, activation="tanh"):
    generator = rng(seed)
    layers = [Dense(2, 8, generator, dtype=dtype)]
    layers += [norm(8, dtype=dtype)] if norm else []
    layers += [Activation(activation)]
    layers += [Dropout(rate, rng(seed + 1))] if rate else []
    return Network([*layers, Dense(8, CLASSES, generator, dtype=dtype)])


TRAIN, VALIDATION = make_data(0), make_data(1, 40)
X, Y = TRAIN


def run(network=None, *, optimizer=None, train=TRAIN, validation=VALIDATION, **settings):
    network = make_network() if network is None else network
    settings = {"epochs": 3, "batch_size": 16, "rng": rng(5), "progress": False} | settings
    history = fit(
        network, train, validation, SGD(0.5) if optimizer is None else optimizer, **settings
    )
    return network, history


def snapshot(network):
    return [array.copy() for array in network.arrays()]


def same(first, second):
    return all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


class Recorder:
    """A layer that notes what passes in training."""

    def __init__(self):
        self.seen = []

    def forward(self, x, training):
        """Return the input."""
        if training:
            self.seen.append(x.copy())
        return x

    def backward(self, dout):
        """Return the gradient."""
        return dout

    def parameters(self):
        """Return nothing."""
        return []

    gradients = parameters


# ---- the loop


def test_a_run_is_the_loop_written_out():
    """Against the plain loop: shuffle, forward, backward, update, one mini-batch after another."""
    network, history = run()
    x, labels = TRAIN
    expected, generator = make_network(), rng(5)
    (w1, b1), (w2, b2) = expected.layers[0].parameters(), expected.layers[2].parameters()
    losses = []
    for _ in range(3):
        order = generator.permutation(N)
        for start in range(0, N, 16):
            batch = order[start : start + 16]
            hidden = np.tanh(x[batch] @ w1 + b1)
            logits = hidden @ w2 + b2
            p = np.exp(logits - logits.max(axis=1, keepdims=True))
            p /= p.sum(axis=1, keepdims=True)
            picked = np.arange(len(batch)), labels[batch]
            losses.append(-np.log(p[picked]).mean())
            p[picked] -= 1
            p /= len(batch)
            dhidden = (p @ w2.T) * (1 - hidden**2)
            w2 -= 0.5 * hidden.T @ p
            b2 -= 0.5 * p.sum(axis=0)
            w1 -= 0.5 * x[batch].T @ dhidden
            b1 -= 0.5 * dhidden.sum(axis=0)
    np.testing.assert_allclose(history.step_loss, losses, rtol=1e-12)
    for got, value in zip(network.parameters(), (w1, b1, w2, b2), strict=True):
        np.testing.assert_allclose(got, value, rtol=1e-10)
    assert history.learning_rate == [0.5] * 12
    assert history.gradient_norm == []
    assert history.stopped == ""


def test_metrics_are_those_after_each_epoch_in_inference_mode():
    seen = []

    def measure(epoch, network, history):
        assert len(history.train_loss) == epoch + 1
        seen.append((*evaluate(network, *TRAIN), *evaluate(network, *VALIDATION)))

    _, history = run(make_network(norm=BatchNorm, rate=0.3), callbacks=[measure])
    lists = (
        history.train_loss,
        history.train_accuracy,
        history.validation_loss,
        history.validation_accuracy,
    )
    assert list(zip(*lists, strict=True)) == seen


def test_training_learns_and_without_validation_too():
    network, history = run(epochs=20, validation=None)
    assert history.train_accuracy[-1] > 0.95 > evaluate(make_network(), *TRAIN)[1] + 0.2
    assert history.train_loss[-1] < 0.1 * history.train_loss[0]
    assert evaluate(network, *VALIDATION)[1] > 0.9
    assert history.validation_loss == history.validation_accuracy == []


def test_agrees_with_pytorch_over_a_run():
    pytorch = torch()
    optimizer = Momentum(0.1, 0.9, weight_decay=0.01, decay_biases=False)
    network, history = run(make_network(norm=BatchNorm), optimizer=optimizer, clip=0.5)
    start = make_network(norm=BatchNorm)
    leaves = [pytorch.from_numpy(p.copy()).requires_grad_() for p in start.parameters()]
    running = [pytorch.zeros(8, dtype=pytorch.float64) + k for k in (0, 1)]
    w1, b1, gamma, beta, w2, b2 = leaves
    weights, others = {"params": [w1, w2], "weight_decay": 0.01}, {"params": [b1, gamma, beta, b2]}
    optimizer = pytorch.optim.SGD([weights, others], lr=0.1, momentum=0.9)
    x, labels = (pytorch.from_numpy(a) for a in TRAIN)
    generator, losses = rng(5), []
    for _ in range(3):
        order = generator.permutation(N)
        for first in range(0, N, 16):
            batch = order[first : first + 16]
            z = pytorch.nn.functional.batch_norm(
                x[batch] @ w1 + b1, *running, gamma, beta, training=True
            )
            loss = pytorch.nn.functional.cross_entropy(pytorch.tanh(z) @ w2 + b2, labels[batch])
            losses.append(loss.item())
            optimizer.zero_grad()
            loss.backward()
            pytorch.nn.utils.clip_grad_norm_(leaves, 0.5)
            optimizer.step()
    np.testing.assert_allclose(history.step_loss, losses, rtol=1e-5)
    for got, leaf in zip(network.parameters(), leaves, strict=True):
        np.testing.assert_allclose(got, leaf.detach().numpy(), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(network.layers[1].running_var, running[1].numpy(), rtol=1e-4)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_the_network_keeps_its_dtype(dtype):
    optimizer = SGD(0.5, weight_decay=0.1)
    network, history = run(make_network(norm=LayerNorm, dtype=dtype), optimizer=optimizer, clip=1.0)
    assert all(array.dtype == dtype for array in network.arrays())
    assert history.train_loss[-1] < history.train_loss[0]


def test_every_example_is_seen_once_an_epoch_in_another_order():
    recorder = Recorder()
    network = make_network()
    network.layers.insert(0, recorder)
    run(network, epochs=2)
    assert [len(x) for x in recorder.seen] == [16, 16, 16, 12] * 2
    epochs = np.concatenate(recorder.seen[:4]), np.concatenate(recorder.seen[4:])
    for seen in epochs:
        np.testing.assert_array_equal(np.sort(seen, axis=0), np.sort(TRAIN[0], axis=0))
    assert not np.array_equal(*epochs)


def test_a_last_batch_of_one_is_left_out_with_batch_normalization_only():
    for norm, frozen, expected in (
        (None, False, [16, 16, 16, 12, 1]),
        (LayerNorm, False, [16, 16, 16, 12, 1]),
        (BatchNorm, False, [16, 16, 16, 12]),
        (BatchNorm, True, [16, 16, 16, 12, 1]),
    ):
        recorder, network = Recorder(), make_network(norm=norm)
        network.layers.insert(0, recorder)
        network.layers[2].trainable = not frozen
        _, history = run(network, train=make_data(0, 49), epochs=1)
        sizes = [len(x) for x in recorder.seen]
        assert sizes == [16, 16, 16, 1][: 4 if expected[-1] == 1 else 3]
        assert len(history.step_loss) == len(sizes)


class Wrapped(Layer):
    """A layer around a batch normalization, which says what that needs."""

    def __init__(self, smallest_batch):
        self.inner = BatchNorm(8)
        self.smallest_batch = smallest_batch

    def forward(self, x, training):
        """Return that of the layer within."""
        return self.inner.forward(x, training)

    def backward(self, dout):
        """Return that of the layer within."""
        return self.inner.backward(dout)

    def parameters(self):
        """Return those of the layer within."""
        return self.inner.parameters()

    def gradients(self):
        """Return those of the layer within."""
        return self.inner.gradients()


@pytest.mark.parametrize("norm", [lambda: Wrapped(2), lambda: Network([BatchNorm(8)])])
def test_a_layer_around_a_batch_normalization_trains_too(norm):
    flat, network = make_network(norm=BatchNorm), make_network()
    network.layers.insert(1, norm())
    histories = [run(each, train=make_data(0, 49), epochs=2)[1] for each in (flat, network)]
    assert histories[0] == histories[1]
    assert len(histories[0].step_loss) == 6
    network.layers[1] = Wrapped(1)
    with pytest.raises(ValueError, match=r"^x must have at least 2 row") as caught:
        run(network, train=make_data(0, 49), epochs=2)
    assert caught.value.__notes__ == ["in layers[1], Wrapped"]
    network.layers[1] = Wrapped(17)
    with pytest.raises(ValueError, match=r"^batch_size must be at least 17 examples"):
        run(network)


def test_no_epoch_is_no_change():
    network, history = run(epochs=0, early_stopping=EarlyStopping())
    assert same(snapshot(network), snapshot(make_network()))
    assert history == History()


def test_lists_integers_and_other_layouts_are_taken():
    x, labels = (np.round(10 * TRAIN[0])).astype(int), TRAIN[1]
    expected = run(train=(x.astype(float), labels))[1]
    for data in (
        (x, labels),
        (x.tolist(), labels.tolist()),
        [np.asfortranarray(x), labels.astype(np.uint8)],
    ):
        assert run(train=data)[1].step_loss == expected.step_loss
    kept = x.copy(), labels.copy()
    run(train=(x, labels), augment=lambda x, rng: x + 1)
    assert same((x, labels), kept)


# ---- reproducible


def full_run(seed=5, **more):
    settings = {
        "optimizer": Adam(0.01, weight_decay=0.01),
        "schedule": lambda step: exponential_decay(step, 0.02, 10),
        "clip": 1.0,
        "augment": lambda x, rng: x + 0.1 * rng.normal(size=x.shape),
        "early_stopping": EarlyStopping(patience=2),
        "rng": rng(seed),
    }
    return run(make_network(norm=BatchNorm, rate=0.2), **settings | more)


def test_a_run_is_reproducible_to_the_bit():
    first, second, other = full_run(), full_run(), full_run(seed=6)
    assert first[1] == second[1]
    assert same(snapshot(first[0]), snapshot(second[0]))
    assert first[1].step_loss != other[1].step_loss
    global_state = np.random.get_state()[1].copy()  # noqa: NPY002 (that it is left alone)
    full_run()
    np.testing.assert_array_equal(np.random.get_state()[1], global_state)  # noqa: NPY002


def test_progress_and_callbacks_do_not_change_a_run():
    noisy = full_run(progress=True, callbacks=[lambda epoch, network, history: None])
    assert noisy[1] == full_run()[1]


# ---- schedules


def test_a_schedule_sets_the_rate_of_every_step():
    optimizer, steps = SGD(0.5), []

    def schedule(step):
        steps.append(step)
        return 0.1 / (1 + step)

    network, history = run(schedule=schedule, optimizer=optimizer)
    assert steps == list(range(12))
    assert history.learning_rate == [0.1 / (1 + step) for step in range(12)]
    assert optimizer.learning_rate == 0.1 / 12
    still, _ = run(schedule=lambda step: 0.0)
    assert same(snapshot(still), snapshot(make_network()))
    assert not same(snapshot(network), snapshot(still))


def test_a_performance_schedule_goes_by_the_validation_set():
    schedule = PerformanceSchedule(0.4, factor=0.5, patience=0, min_delta=100.0)
    _, history = run(schedule=schedule, epochs=3)
    # The first epoch is an improvement on nothing, the others are none.
    assert history.learning_rate == [0.4] * 8 + [0.2] * 4
    assert schedule.value == 0.1
    expected = PerformanceSchedule(0.9, factor=0.5, patience=1)
    _, history = run(schedule=PerformanceSchedule(0.9, factor=0.5, patience=1), epochs=12)
    rates = [0.9] + [expected.update(loss) for loss in history.validation_loss]
    assert history.learning_rate[::4] == rates[:-1]
    by_loss = PerformanceSchedule(0.9, patience=50)
    _, history = run(schedule=by_loss)
    assert by_loss.best == min(history.validation_loss)
    by_accuracy = PerformanceSchedule(0.9, patience=50, mode="max")
    _, history = run(schedule=by_accuracy)
    assert by_accuracy.best == max(history.validation_accuracy)


# ---- clipping and decay


def gradient_at_start(batch):
    network = make_network()
    out = network.forward(TRAIN[0][batch], training=True)
    network.backward(softmax_cross_entropy_backward(out, TRAIN[1][batch]))
    return network.gradients()


def test_clipping_by_a_number_bounds_the_global_norm_of_the_update():
    batch = rng(5).permutation(N)
    grads = gradient_at_start(batch)
    norm = global_norm(grads)
    for limit in (0.25 * norm, 4 * norm):
        network, history = run(epochs=1, batch_size=N, clip=limit)
        assert history.gradient_norm == [pytest.approx(norm)]
        for start, end, grad in zip(make_network().parameters(), network.parameters(), grads):
            np.testing.assert_allclose(end - start, -0.5 * grad * min(1, limit / norm), atol=1e-12)


def test_clipping_by_a_callable_sees_all_gradients():
    batch = rng(5).permutation(N)
    grads = gradient_at_start(batch)
    for clip in (
        functools.partial(clip_by_value, clip_value=0.01),
        lambda grads: (clip_by_value(grads, 0.01), "more"),
    ):
        network, history = run(epochs=1, batch_size=N, clip=clip)
        assert history.gradient_norm == [pytest.approx(global_norm(grads))]
        for start, end, grad in zip(make_network().parameters(), network.parameters(), grads):
            np.testing.assert_allclose(end - start, -0.5 * np.clip(grad, -0.01, 0.01), atol=1e-12)
    by_number = run(clip=0.1)
    by_function = run(clip=functools.partial(clip_by_global_norm, max_norm=0.1))
    assert by_number[1] == by_function[1]


def decaying(strength):
    return SGD(0.5, weight_decay=strength, decay_biases=False)


def test_weight_decay_pulls_weights_and_nothing_else():
    batch = rng(5).permutation(N)
    start = make_network(norm=BatchNorm)
    for array in start.arrays():
        array += 0.5
    network = make_network(norm=BatchNorm)
    for array, value in zip(network.arrays(), start.arrays()):
        array[...] = value
    run(network, optimizer=decaying(0.3), epochs=1, batch_size=N)
    begin = [p.copy() for p in start.parameters()]
    out = start.forward(TRAIN[0][batch], training=True)
    start.backward(softmax_cross_entropy_backward(out, TRAIN[1][batch]))
    for p, grad, end in zip(begin, start.gradients(), network.parameters(), strict=True):
        decay = 0.3 * p if p.ndim == 2 else 0.0
        np.testing.assert_allclose(end, p - 0.5 * (grad + decay), atol=1e-12)


def test_weight_decay_shrinks_the_weights():
    ends = [run(optimizer=decaying(d), epochs=30)[0].parameters()[0] for d in (0.0, 0.1)]
    assert np.abs(ends[1]).sum() < 0.5 * np.abs(ends[0]).sum()


def test_weight_decay_is_neither_recorded_nor_clipped():
    settings = {"clip": 0.1, "epochs": 1, "batch_size": N}
    plain, without = run(optimizer=decaying(0.0), **settings)
    network, history = run(optimizer=decaying(0.3), **settings)
    assert history.step_loss == without.step_loss
    assert history.gradient_norm == without.gradient_norm
    assert history.gradient_norm[0] > 0.1
    for start, p, end in zip(
        make_network().parameters(), plain.parameters(), network.parameters(), strict=True
    ):
        shrunk = 0.5 * 0.3 * start if start.ndim == 2 else 0.0
        np.testing.assert_allclose(end, p - shrunk, atol=1e-12)


def test_weight_decay_has_one_place():
    with pytest.raises(TypeError, match=r"unexpected keyword argument 'weight_decay'"):
        run(weight_decay=0.1)


# ---- dropout, augmentation


def test_dropout_acts_in_training_only():
    _, history = run(make_network(rate=0.5), epochs=30)
    assert np.mean(history.step_loss[-12:]) > 1.5 * np.mean(history.train_loss[-3:])
    assert history.train_accuracy[-1] > 0.9


def test_augmentation_changes_every_mini_batch_and_nothing_else():
    recorder, given = Recorder(), []

    def augment(x, generator):
        assert isinstance(generator, np.random.Generator)
        given.append(x.copy())
        return x + generator.normal(size=x.shape)

    network = make_network()
    network.layers.insert(0, recorder)
    _, history = run(network, augment=augment, epochs=2)
    assert len(given) == len(recorder.seen) == 8
    noise = np.concatenate(recorder.seen) - np.concatenate(given)
    assert noise.std() == pytest.approx(1.0, abs=0.15)
    assert len(np.unique(noise)) == noise.size
    # Measured on the examples as they are.
    assert history.train_loss[-1] == evaluate(network, *TRAIN)[0]


# ---- early stopping


def test_early_stopping_ends_the_run_and_restores_the_best_epoch():
    kept = []

    def keep(epoch, network, history):
        kept.append(snapshot(network))

    train = make_data(0, 12, noise=0.8)
    stopping = EarlyStopping(patience=4)
    network, history = run(
        make_network(norm=BatchNorm),
        train=train,
        optimizer=SGD(1.0),
        epochs=300,
        early_stopping=stopping,
        callbacks=[keep],
    )
    epochs = len(history.validation_loss)
    best = int(np.argmin(history.validation_loss))
    assert epochs < 300
    assert epochs == best + 5
    assert history.stopped == f"no improvement in 4 epoch(s), in epoch {epochs}"
    assert (stopping.best_step, stopping.best) == (best, min(history.validation_loss))
    # Running statistics too: all arrays are those of the best epoch, not the last.
    assert same(snapshot(network), kept[best])
    assert not any(np.array_equal(a, b) for a, b in zip(kept[best], kept[-1]))
    assert evaluate(network, *VALIDATION)[0] == history.validation_loss[best]


def test_best_weights_are_restored_when_the_epochs_are_over_too():
    # A rate that grows until it does harm.
    stopping = EarlyStopping(patience=50)
    network, history = run(
        epochs=12, schedule=lambda step: 0.3 * 1.2**step, early_stopping=stopping
    )
    assert history.stopped == ""
    assert stopping.best_step < 11
    assert evaluate(network, *VALIDATION)[0] == min(history.validation_loss)
    assert history.validation_loss[-1] > min(history.validation_loss)


def test_early_stopping_by_accuracy():
    stopping = EarlyStopping(patience=2, mode="max")
    _, history = run(epochs=100, early_stopping=stopping)
    assert stopping.best == max(history.validation_accuracy)
    assert len(history.train_loss) == stopping.best_step + 3


# ---- callbacks


def test_callbacks_are_told_the_epoch_and_may_end_the_run():
    calls = []

    def first(epoch, network, history):
        calls.append(("first", epoch, len(history.train_loss)))
        return epoch == 1

    def second(epoch, network, history):
        calls.append(("second", epoch, network))
        return history.train_accuracy[-1]  # a number, and no True

    network, history = run(epochs=9, callbacks=(first, second))
    assert calls == [
        ("first", 0, 1),
        ("second", 0, network),
        ("first", 1, 2),
        ("second", 1, network),
    ]
    assert history.stopped == "a callback asked for it, in epoch 2"
    assert len(history.train_loss) == 2


@pytest.mark.parametrize("answer", [True, np.True_])
def test_any_true_ends_the_run(answer):
    assert len(run(callbacks=[lambda *args: answer])[1].train_loss) == 1


@pytest.mark.parametrize("answer", [None, False, np.False_, 1, 0.5, "no"])
def test_no_other_answer_ends_the_run(answer):
    assert len(run(callbacks=[lambda *args: answer])[1].train_loss) == 3


# ---- interrupts


def lengths(history):
    return [len(value) for value in vars(history).values() if isinstance(value, list)]


def test_an_interrupt_in_a_callback_ends_the_run_and_keeps_the_record():
    def interrupt(epoch, network, history):
        if epoch == 2:
            raise KeyboardInterrupt

    network, history = run(epochs=9, clip=1.0, callbacks=[interrupt])
    assert history.stopped == "interrupted after step 12, in epoch 3"
    assert lengths(history) == [12, 12, 12, 3, 3, 3, 3]
    assert history.step_loss == run(epochs=3, clip=1.0)[1].step_loss
    assert same(snapshot(network), snapshot(run(epochs=3, clip=1.0)[0]))


def test_an_interrupt_restores_the_best_weights_if_they_are_kept():
    stopping = EarlyStopping(patience=50)

    def interrupt(epoch, network, history):
        if epoch == 3:
            raise KeyboardInterrupt

    noisy = make_data(1, 40, noise=1.0)
    network, history = run(
        train=make_data(0, noise=1.0),
        validation=noisy,
        epochs=9,
        schedule=lambda step: 0.5 if step < 8 else 30.0,
        early_stopping=stopping,
        callbacks=[interrupt],
    )
    assert stopping.best_step < 3
    assert history.stopped.startswith("interrupted")
    assert evaluate(network, *noisy)[0] == min(history.validation_loss)


@pytest.fixture
def listening_to_ctrl_c():
    """Python's own handler: a process that was started in the background ignores the signal."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.skipif(sys.platform == "win32", reason="signals are another thing there")
@pytest.mark.usefixtures("listening_to_ctrl_c")
def test_ctrl_c_in_the_middle_of_an_epoch_leaves_lists_of_one_length():
    def press(x, generator):
        if generator.random() < 0.1:
            os.kill(os.getpid(), signal.SIGINT)
        return x

    _, history = run(epochs=1000, augment=press, clip=1.0, batch_size=8)
    steps = len(history.step_loss)
    assert 0 < steps < 8000
    assert history.stopped == f"interrupted after step {steps}, in epoch {steps // 8 + 1}"
    assert lengths(history) == [steps] * 3 + [steps // 8] * 4


def test_other_errors_are_not_swallowed():
    def fail(epoch, network, history):
        raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match="mine"):
        run(callbacks=[fail])


# ---- divergence


def blow_up_at(last):
    """A schedule that makes the weights overflow, in a network that does not saturate."""
    return lambda step: 0.1 if step < last else 1e305


def test_a_loss_that_is_not_finite_stops_the_run_and_says_where():
    _, history = run(make_network(activation="relu"), optimizer=SGD(1e200), epochs=9)
    step = len(history.step_loss)
    assert history.stopped == f"loss not finite at step {step}, in epoch {(step - 1) // 4 + 1}"
    assert not math.isfinite(history.step_loss[-1])
    assert all(map(math.isfinite, history.step_loss[:-1]))
    assert lengths(history)[:2] == [step, step]


def test_the_step_and_the_epoch_are_right():
    # The update of step 6, the second of the second epoch, does the harm; the next loss shows it.
    schedule = blow_up_at(5)
    _, history = run(make_network(activation="relu"), schedule=schedule, epochs=9)
    assert history.stopped == "loss not finite at step 7, in epoch 2"
    assert len(history.train_loss) == 1


def test_a_loss_that_is_not_finite_after_the_last_step_is_noticed():
    _, history = run(make_network(activation="relu"), schedule=blow_up_at(11), epochs=3)
    assert history.stopped == "loss not finite after step 12, in epoch 3"
    assert all(map(math.isfinite, history.step_loss))
    assert not math.isfinite(history.train_loss[-1])
    assert len(history.train_loss) == 3


def test_a_gradient_that_is_not_finite_stops_the_run_before_the_update():
    class Broken(Recorder):
        """Turns the gradient of the sixth step into infinity."""

        def backward(self, dout):
            """Return a gradient."""
            return dout * (np.inf if len(self.seen) == 6 else 1.0)

    network = make_network()
    network.layers.insert(1, Broken())
    reached = []

    class Watched(SGD):
        """Counts its steps."""

        def step(self, params, grads):
            """Update the parameters."""
            reached.append(all(np.isfinite(g).all() for g in grads))
            super().step(params, grads)

    _, history = run(network, optimizer=Watched(0.1), clip=1.0)
    assert history.stopped == "gradient not finite at step 6, in epoch 2"
    assert reached == [True] * 5
    assert lengths(history)[:3] == [6, 6, 6]
    assert math.isnan(history.gradient_norm[-1])
    assert all(np.isfinite(array).all() for array in network.arrays())


@pytest.mark.parametrize("loss", ["binary_cross_entropy", "kl_divergence"])
def test_losses_that_refuse_what_is_no_probability_stop_the_run_too(loss):
    class Broken(Recorder):
        """Turns the output of the third step into what is not a number."""

        def forward(self, x, training):
            """Return the input, or not."""
            return super().forward(x, training) * (np.nan if len(self.seen) == 3 else 1.0)

    x, labels = TRAIN
    layers = [*make_network().layers, Activation("sigmoid"), Broken()]
    data = x, np.eye(CLASSES)[labels]
    _, history = run(Network(layers), train=data, validation=data, loss=loss)
    assert history.stopped == "loss not finite at step 3, in epoch 1"


def test_divergence_gives_the_best_weights_back():
    network, history = run(
        make_network(activation="relu"),
        schedule=blow_up_at(13),
        epochs=9,
        early_stopping=EarlyStopping(),
    )
    assert history.stopped == "loss not finite at step 15, in epoch 4"
    assert len(history.validation_loss) == 3
    assert evaluate(network, *VALIDATION)[0] == min(history.validation_loss)


# ---- what remembers belongs to one network


MEMORIES = {
    "early_stopping": lambda: EarlyStopping(patience=20),
    "optimizer": lambda: Adam(0.01),
    "schedule": lambda: PerformanceSchedule(0.5, patience=1),
}
each_memory = pytest.mark.parametrize("name", MEMORIES)


@each_memory
@pytest.mark.parametrize("gone", [True, False])
def test_a_memory_of_another_network_is_refused_and_changes_nothing(name, gone):
    memory = MEMORIES[name]()
    first, _ = run(**{name: memory})
    second, before = make_network(1), snapshot(make_network(1))
    if gone:
        del first
        gc.collect()
    with pytest.raises(ValueError, match=f"^{name} must be a new one for each network"):
        run(second, **{name: memory})
    assert same(snapshot(second), before)


@each_memory
def test_heads_on_one_frozen_base_are_different_networks(name):
    base, memory = make_network().layers[:2], MEMORIES[name]()
    base[0].trainable = False
    run(Network([*base, Dense(8, CLASSES, rng(1))]), **{name: memory})
    with pytest.raises(ValueError, match=f"^{name} must"):
        run(Network([*base, Dense(8, CLASSES, rng(2))]), **{name: memory})


@each_memory
def test_a_fold_that_failed_before_its_first_step_leaves_no_memory(name):
    memory = MEMORIES[name]()
    run(epochs=0, **{name: memory})
    run(make_network(1), **{name: memory})


@each_memory
def test_shallow_copies_of_what_is_new_belong_to_a_network_each(name):
    new = MEMORIES[name]()
    pairs = [(make_network(seed), copy.copy(new)) for seed in (0, 1)]
    for _ in range(2):
        for network, memory in pairs:
            run(network, **{name: memory})


@each_memory
def test_a_refusal_says_how_a_copy_of_the_network_goes_on(name):
    network, memory = make_network(), MEMORIES[name]()
    run(network, **{name: memory})
    with pytest.raises(ValueError, match=rf"copy\.deepcopy\({name}\)"):
        run(copy.deepcopy(network), **{name: memory})
    run(copy.deepcopy(network), **{name: copy.deepcopy(memory)})


def judged_without_arrays(network):
    stopping = EarlyStopping()
    stopping.update(0.0)
    return stopping


def judged_with_another_head(network):
    stopping = EarlyStopping()
    run(network, early_stopping=stopping)
    network.layers[-1] = Dense(8, CLASSES + 1, rng(1))
    return stopping


@pytest.mark.parametrize("judged", [judged_without_arrays, judged_with_another_head])
def test_what_could_not_be_restored_is_refused_before_the_run(judged):
    network = make_network()
    stopping, optimizer = judged(network), Adam()
    before, updates = snapshot(network), stopping._updates
    with pytest.raises(ValueError, match=r"^early_stopping must"):
        run(network, early_stopping=stopping, optimizer=optimizer)
    assert same(snapshot(network), before)
    assert (stopping._updates, optimizer.state["t"]) == (updates, 0)


def test_what_has_no_memory_may_be_shared():
    for settings in ({"optimizer": SGD(0.5)}, {"schedule": lambda step: 0.1}):
        run(**settings)
        expected = run(make_network(1))[0] if "optimizer" in settings else None
        network, _ = run(make_network(1), **settings)
        assert expected is None or same(snapshot(network), snapshot(expected))


def two_runs(between):
    """Train twice, with all that remembers, and what `between` makes of it for the second run."""
    network = make_network(norm=BatchNorm)
    memories = {name: make() for name, make in MEMORIES.items()}
    run(network, **memories)
    network, memories = between(network, memories)
    run(network, **memories, rng=rng(6))
    return snapshot(network), memories["optimizer"].state["t"], memories["early_stopping"]._updates


CHECKPOINTS = {
    "deepcopy of both": lambda network, memories: copy.deepcopy((network, memories)),
    "deepcopy of each": lambda network, memories: (
        copy.deepcopy(network),
        {name: copy.deepcopy(memory) for name, memory in memories.items()},
    ),
    "pickle": lambda network, memories: pickle.loads(pickle.dumps((network, memories))),
    "the same layers": lambda network, memories: (Network(network.layers), memories),
    "weights put into it": lambda network, memories: (with_new_weights(network), memories),
    "state": lambda network, memories: (
        copy.deepcopy(network),
        {**copy.deepcopy(memories), "optimizer": with_state(memories["optimizer"])},
    ),
}


def with_new_weights(network):
    for layer in network.layers:
        if isinstance(layer, Dense):
            layer.weight = layer.weight.copy()
    return network


def with_state(optimizer):
    optimizer.state = optimizer.state
    return optimizer


@pytest.mark.parametrize("between", CHECKPOINTS.values(), ids=CHECKPOINTS)
def test_the_same_network_goes_on_from_where_it_was(between):
    expected = two_runs(lambda network, memories: (network, memories))
    got = two_runs(between)
    assert same(got[0], expected[0])
    assert got[1:] == expected[1:]
    assert expected[1:] == (24, 6)


def test_freezing_a_part_does_not_make_another_network():
    network, memories = make_network(), {n: MEMORIES[n]() for n in ("early_stopping", "schedule")}
    network.layers[0].trainable = False
    run(network, **memories)
    network.layers[0].trainable = True
    run(Network(network.layers), **memories)
    network.layers[2].trainable = False
    run(Network(network.layers), **memories)


def test_cross_validation_with_a_new_memory_for_each_fold():
    for seed in range(3):
        run(make_network(seed), **{name: make() for name, make in MEMORIES.items()})


# ---- errors in a run


def test_an_error_of_a_callback_leaves_the_best_weights_and_the_record():
    def fail(epoch, network, history):
        if epoch == 3:
            raise OSError("disk full")

    network, stopping = make_network(), EarlyStopping(patience=50)
    noisy = make_data(1, 40, noise=1.0)
    with pytest.raises(OSError, match="disk full") as caught:
        run(
            network,
            train=make_data(0, noise=1.0),
            validation=noisy,
            epochs=9,
            schedule=lambda step: 0.5 if step < 8 else 30.0,
            early_stopping=stopping,
            callbacks=[fail],
        )
    history = caught.value.history
    assert history.stopped == "OSError, in epoch 4"
    assert (len(history.step_loss), len(history.validation_loss)) == (16, 4)
    assert stopping.best_step < 3
    assert evaluate(network, *noisy)[0] == min(history.validation_loss)


def test_an_error_that_takes_no_attribute_is_raised_as_it_is():
    class BareError(Exception):
        __slots__ = ()

        def __setattr__(self, name, value):
            raise AttributeError(name)

    def fail(epoch, network, history):
        raise BareError

    with pytest.raises(BareError):
        run(callbacks=[fail])


# ---- losses


def test_squared_error_fits_a_line():
    x = rng().normal(size=(50, 2))
    target = x @ [[1.0, -2.0], [0.5, 3.0]] + [0.3, -0.2]
    network = Network([Dense(2, 2, rng())])
    _, history = run(
        network, train=(x, target), validation=(x, target), loss="squared_error", epochs=60
    )
    np.testing.assert_allclose(network.layers[0].weight, [[1, -2], [0.5, 3]], atol=1e-4)
    assert history.train_loss[-1] == squared_error(network.forward(x), target)
    assert history.train_loss == history.validation_loss
    assert history.train_accuracy == history.validation_accuracy == []
    loss, accuracy = evaluate(network, x, target, "squared_error")
    assert loss == history.train_loss[-1]
    assert math.isnan(accuracy)


def test_binary_cross_entropy_separates_two_classes():
    x, labels = TRAIN
    target = (labels == 0).astype(float)[:, np.newaxis]
    network = Network([Dense(2, 1, rng()), Activation("sigmoid")])
    _, history = run(
        network, train=(x, target), validation=None, loss="binary_cross_entropy", epochs=50
    )
    assert history.train_loss[-1] == binary_cross_entropy(network.forward(x), target)
    assert history.train_loss[-1] < 0.2
    assert ((network.forward(x) > 0.5) == target).mean() > 0.95


def test_a_pair_of_functions_is_a_loss():
    named = run()[1]
    pair = run(loss=(softmax_cross_entropy, softmax_cross_entropy_backward))[1]
    assert named == pair
    twice = run(
        loss=(
            lambda out, target: 2 * softmax_cross_entropy(out, target),
            lambda out, target: 2 * softmax_cross_entropy_backward(out, target),
        ),
        optimizer=SGD(0.25),
    )[1]
    np.testing.assert_allclose(twice.train_loss, [2 * loss for loss in named.train_loss])
    np.testing.assert_allclose(twice.train_accuracy, named.train_accuracy)


# ---- targets


def test_truth_values_are_two_classes():
    x, labels = TRAIN
    network = Network([Dense(2, 2, rng())])
    results = [
        run(copy.deepcopy(network), train=(x, target), validation=(x, target))[1]
        for target in ((labels == 0).astype(int), labels == 0, (labels == 0).tolist())
    ]
    assert results[0] == results[1] == results[2]
    assert len(results[0].train_accuracy) == 3
    assert evaluate(network, x, labels == 0) == evaluate(network, x, (labels == 0).astype(int))


@pytest.mark.parametrize("by_name", [True, False])
@pytest.mark.parametrize(
    ("name", "boundary", "last"),
    [
        ("binary_cross_entropy", 0.5, [Activation("sigmoid")]),
        ("sigmoid_cross_entropy", 0.0, []),
    ],
)
def test_one_output_for_yes_and_no_has_an_accuracy(name, boundary, last, by_name):
    x, labels = TRAIN
    yes = (labels == 0)[:, np.newaxis]
    functions = getattr(losses, name), getattr(losses, f"{name}_backward")
    loss = name if by_name else functions
    network = Network([Dense(2, 1, rng()), *last])
    stopping = EarlyStopping(patience=50, mode="max")
    _, history = run(
        network,
        train=(x, yes),
        validation=(x, yes.astype(float)),
        loss=loss,
        epochs=30,
        early_stopping=stopping,
    )
    right = ((network(x) > boundary) == yes).mean()
    assert right > 0.9
    assert max(history.train_accuracy) == stopping.best == right
    assert history.train_accuracy == history.validation_accuracy
    # Nothing is right or wrong about a probability, or about two questions at once.
    assert math.isnan(evaluate(network, x, np.full((N, 1), 0.3), loss)[1])
    two = Network([Dense(2, 2, rng()), *last])
    assert math.isnan(evaluate(two, x, np.ones((N, 2)), loss)[1])
    broken = Network([Activation("relu"), Dense(2, 1, rng())])
    assert evaluate(broken, np.full((3, 2), np.nan), np.zeros((3, 1)), loss)[1] == 0


def test_integers_beside_one_output_are_no_classes():
    pair = (lambda out, y: float(np.mean(out[:, 0] * y)), lambda out, y: y[:, np.newaxis] / len(y))
    _, history = run(
        Network([Dense(2, 1, rng())]), train=(X, 2 * Y - 1), validation=None, loss=pair
    )
    assert history.train_accuracy == []


REMEDIES = [
    ((X, np.eye(3)[Y]), {}, "one-hot: pass labels.argmax"),
    ((X, Y[:, np.newaxis]), {}, r"got shape \(60, 1\): pass labels.ravel"),
    ((X, np.where(Y, Y, np.nan)), {}, "got nan: leave out the examples without a label"),
    ((X, Y + 0.5), {}, "got dtype float64: for a regression pass loss='squared_error'"),
    ((X, Y.astype(float)), {}, r"for classes labels.astype\(int\)"),
    ((X, np.array(["a", "b", "c"])[Y]), {}, "got dtype <U1: number the classes, as numpy.unique"),
    ((X, Y + 1), {}, r"labels in 0 ... 2 for a network of 3 output\(s\), got 1 ... 3"),
    ((X, Y - 1), {}, r"labels in 0 ... 2"),
    ((X[:, :1], Y), {}, r"x must have 2 features, got 1, in layers\[0\], Dense\(2, \d"),
    ((X, Y), {"loss": "squared_error"}, r"shape \(60, 3\), got \(60,\): numpy.eye\(3\)\[labels\]"),
    ((X, np.ones((60, 2))), {"loss": "squared_error"}, r"shape \(60, 3\), got \(60, 2\)$"),
    ((X, np.full((60, 3), np.nan)), {"loss": "squared_error"}, "nan or infinity in its targets"),
    ((X, np.full((60, 3), 2.0)), {"loss": "binary_cross_entropy"}, "suit the loss: target must"),
    ((X, np.full((60, 3), "a")), {"loss": "squared_error"}, "target must hold"),
]


@pytest.mark.parametrize("name", ["train", "validation"])
@pytest.mark.parametrize(("data", "settings", "message"), REMEDIES)
def test_each_set_is_checked_before_the_first_step(name, data, settings, message):
    good = np.full((60, 3), 1 / 3) if settings else Y
    sets = {"train": (X, good), "validation": (X, good)} | {name: data}
    network, before = make_network(), snapshot(make_network())
    with pytest.raises((TypeError, ValueError), match=rf"^{name} must .*{message}"):
        run(network, **sets, **settings)
    assert same(snapshot(network), before)


def test_one_output_has_remedies_of_its_own():
    network = Network([Dense(2, 1, rng())])
    with pytest.raises(ValueError, match=r"got \(60,\): pass targets.reshape\(-1, 1\)"):
        run(network, train=(X, X[:, 0]), validation=None, loss="squared_error")
    with pytest.raises(ValueError, match="for one output pass loss='binary_cross_entropy'"):
        run(network, train=(X, Y > 0), validation=None)


# ---- evaluate


def test_a_large_set_is_evaluated_in_parts_with_the_same_result():
    seen = []

    class Watched(Recorder):
        """Notes how many examples come at a time."""

        def forward(self, x, training):
            """Return the input."""
            seen.append(len(x))
            return x

    network = Network([*make_network(norm=BatchNorm).layers, Watched()])
    x, labels = make_data(3, 5000)
    # Not a mean over examples: the parts must be put together before the loss is found.
    norm = (lambda out, target: float(np.linalg.norm(out)), lambda out, target: out)
    for loss in ("softmax_cross_entropy", norm):
        got = evaluate(network, x, labels, loss)
        assert max(seen) < 2500
        assert sum(seen) == 5000
        out = network.forward(x)
        value_of = softmax_cross_entropy if isinstance(loss, str) else norm[0]
        assert got == (pytest.approx(value_of(out, labels)), (out.argmax(axis=1) == labels).mean())
        seen.clear()


@pytest.mark.parametrize("validation", [VALIDATION, None])
def test_the_training_set_need_not_be_evaluated(validation):
    network, history = run(validation=validation, evaluate_train=False)
    expected, full = run(validation=validation)
    assert same(snapshot(network), snapshot(expected))
    assert history.train_loss == history.train_accuracy == []
    assert history.validation_loss == full.validation_loss
    assert history.step_loss == full.step_loss
    _, diverged = run(
        make_network(activation="relu"),
        validation=validation,
        evaluate_train=False,
        schedule=blow_up_at(11),
    )
    assert bool(diverged.stopped) == (validation is not None)


# ---- what a run shows


def test_a_history_is_one_line():
    assert repr(History()) == "History of 0 epochs, 0 steps"
    _, history = run(epochs=2, early_stopping=EarlyStopping(), validation=VALIDATION)
    assert re.fullmatch(
        r"History of 2 epochs, 8 steps, train_loss [\d.]+, train_accuracy [\d.]+, "
        r"validation_loss [\d.]+, validation_accuracy [\d.]+",
        repr(history),
    )
    # Nothing is measured after an epoch.
    assert repr(run(epochs=2, validation=None, evaluate_train=False)[1]) == "History of 8 steps"
    history.stopped = "a callback asked for it, in epoch 2"
    assert repr(history).endswith(", stopped: a callback asked for it, in epoch 2")


def test_a_history_is_plotted():
    pyplot = pytest.importorskip("matplotlib.pyplot", reason="matplotlib is not installed")
    _, history = run(epochs=4)
    axes = history.plot()
    assert [ax.get_ylabel() for ax in axes] == ["loss", "accuracy"]
    for ax, metric in zip(axes, ("loss", "accuracy")):
        for line, part in zip(ax.get_lines(), ("train", "validation"), strict=True):
            assert line.get_label() == part
            assert list(line.get_xdata()) == [1, 2, 3, 4]
            assert list(line.get_ydata()) == getattr(history, f"{part}_{metric}")
    _, mine = pyplot.subplots()
    assert history.plot(mine) == [mine]
    assert mine.get_ylabel() == "loss"
    _, pair = pyplot.subplots(1, 2)
    assert history.plot(pair) == list(pair)
    (alone,) = History(validation_loss=[1.0]).plot()
    assert [line.get_label() for line in alone.get_lines()] == ["validation"]
    assert len(History().plot()) == 1
    with pytest.raises(ValueError, match=r"^ax must be one or two axes, got 3"):
        history.plot([mine] * 3)
    for bad in (3, [mine, None]):
        with pytest.raises(TypeError, match=r"^ax must be matplotlib axes"):
            history.plot(bad)
    pyplot.close("all")


def test_plotting_without_matplotlib_says_what_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match="pip install matplotlib"):
        History().plot()


# ---- whose error it is


def fail(*args):
    raise LookupError("mine")


@pytest.mark.parametrize(
    ("settings", "note"),
    [
        ({"schedule": fail}, "in schedule(step)"),
        ({"augment": fail}, "in augment(x, rng)"),
        ({"clip": fail}, "in clip(grads)"),
        ({"callbacks": [print, fail]}, "in callbacks[1](epoch, network, history)"),
        ({"loss": (fail, softmax_cross_entropy_backward)}, "in the loss, loss(output, target)"),
        ({"loss": (softmax_cross_entropy, fail)}, "in the gradient of loss"),
        (
            {"optimizer": types.SimpleNamespace(step=fail)},
            "in optimizer.step(params, grads)",
        ),
    ],
)
def test_an_error_from_a_function_that_was_passed_in_says_which(settings, note, capsys):
    with pytest.raises(LookupError, match="mine") as caught:
        run(**settings)
    assert caught.value.__notes__ == [note]


class Missing(Recorder):
    """A layer with a parameter and no gradient."""

    def parameters(self):
        """Return one."""
        return [np.ones(1)]

    def gradients(self):
        """Return none."""
        return []


class Flat(Recorder):
    """A layer whose gradient does not have the shape of its parameter."""

    def parameters(self):
        """Return one."""
        return [np.ones(3)]

    def gradients(self):
        """Return another."""
        return [np.ones(2)]


def frozen(layer):
    layer.trainable = False
    return layer


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"schedule": lambda step: None}, r"schedule\(step\) must return a number, got None"),
        (
            {"loss": (lambda out, y: out[:, 0], softmax_cross_entropy_backward)},
            r"loss\(output, target\) must return a number, got ndarray of shape \(16,\)",
        ),
        (
            {"loss": (softmax_cross_entropy, lambda out, y: None)},
            r"the gradient of loss must have shape \(16, 3\), as the output, got NoneType",
        ),
        ({"clip": lambda grads: grads[0]}, r"clip\(grads\) must return a list of 4 arrays"),
        ({"clip": lambda grads: grads[:1]}, r"clip\(grads\) must return a list of 4 arrays"),
        (
            {"network": Network([Dense(2, 3, rng()), Missing()])},
            r"layers\[1\] must have a gradient for each of its 1 parameters, got 0",
        ),
        (
            {"network": Network([Dense(2, 3, rng()), Flat(), Dense(3, 3, rng())])},
            r"layers\[1\] must have a gradient for each parameter in its shape: \[\(3,\)\], "
            r"got \[\(2,\)\]",
        ),
        (
            {"network": Network([frozen(Dense(2, 3, rng())), Missing()])},
            r"layers\[1\] must have a gradient for each of its 1 parameters, got 0",
        ),
        (
            {"schedule": cosine_decay},
            r"schedule must take \(step\), .*missing a required argument: 'init_value': write "
            r"schedule=lambda step: cosine_decay\(step, ...\), with its settings",
        ),
        ({"callbacks": [lambda epoch: None]}, r"callbacks\[0\] must take \(epoch, network, hist"),
        ({"augment": lambda x: x}, r"augment must take \(x, rng\), got a function of \(x\)"),
        ({"clip": lambda: 1}, r"clip must take \(grads\)"),
        ({"loss": (fail, lambda out: out)}, r"loss\[1\] must take \(output, target\)"),
        ({"optimizer": types.SimpleNamespace(step=lambda params: 0)}, r"optimizer.step must take"),
    ],
)
def test_what_a_function_answers_or_takes_is_checked_by_its_name(settings, message):
    with pytest.raises((TypeError, ValueError), match=f"^{message}"):
        run(**settings)


@pytest.mark.parametrize("rate", [-1.0, np.nan, np.inf])
def test_a_rate_that_no_optimizer_takes_is_the_schedules(rate):
    with pytest.raises(ValueError, match=r"^learning_rate must be in") as caught:
        run(schedule=lambda step: rate)
    assert caught.value.__notes__ == ["in schedule(step)"]


def test_a_schedule_that_is_called_as_if_it_made_one_says_what_to_write():
    with pytest.raises(TypeError, match="decay_steps") as caught:
        run(schedule=cosine_decay(0.1, 100))
    (note,) = caught.value.__notes__
    assert note.endswith("schedule=lambda step: cosine_decay(step, ...), with its settings")
    with pytest.raises(TypeError, match="real number") as caught:
        cosine_decay(0, "1", 100)
    assert not hasattr(caught.value, "__notes__")


def test_evaluate_is_the_definition():
    network = make_network()
    x, labels = TRAIN
    loss, accuracy = evaluate(network, x, labels)
    logits = network.forward(x)
    assert loss == softmax_cross_entropy(logits, labels)
    assert accuracy == np.mean([row.argmax() == label for row, label in zip(logits, labels)])
    x = np.array([[1.0, 0.0], [np.nan, 0.0], [np.inf, 0.0], [0.0, 1.0]])
    loss, accuracy = evaluate(Network([Activation("relu")]), x, [0, 0, 0, 0])
    assert math.isnan(loss)
    assert accuracy == 0.25
    # That loss refuses what is no probability; here it is only not a number.
    loss, _ = evaluate(Network([Activation("sigmoid")]), x, np.ones_like(x), "binary_cross_entropy")
    assert math.isnan(loss)


# ---- progress


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self):
        """Return True."""
        return True


def test_progress_is_one_line_on_a_terminal(monkeypatch):
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    run(progress=True, epochs=4)
    text = stream.getvalue()
    assert text.count("\n") == 1
    assert text.endswith("\n")
    *_, last = text.strip().split("\r")
    assert last.startswith(f"[{'=' * 30}] epoch 4/4  loss ")
    widths = [len(line) for line in text.rstrip("\n").split("\r")[1:]]
    assert widths == sorted(widths)
    assert max(widths) < 80


def test_progress_is_drawn_ten_times_a_second_at_most(monkeypatch):
    stream, clock = Terminal(), iter(range(10**6))
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr(training.time, "monotonic", lambda: 0.01 * next(clock))
    run(progress=True, epochs=50)
    assert stream.getvalue().count("\r") == 200 // 10 + 1


@pytest.mark.parametrize("settings", [{"progress": False}, {"progress": True, "epochs": 0}])
def test_no_progress_where_none_is_asked_for(settings, monkeypatch):
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    run(**settings)
    assert stream.getvalue() == ""


def test_no_progress_in_pipes_files_and_without_a_stream(capsys, monkeypatch):
    run(progress=True)
    captured = capsys.readouterr()
    assert captured.out == captured.err == ""
    monkeypatch.setattr(sys, "stderr", None)
    run(progress=True)


@pytest.mark.parametrize("attended", [True, False])
def test_progress_in_a_notebook_only_if_somebody_is_there(attended, monkeypatch):
    kernel = types.SimpleNamespace(_allow_stdin=attended)
    shell = types.SimpleNamespace(kernel=kernel)
    fake = types.SimpleNamespace(get_ipython=lambda: shell)
    stream = io.StringIO()
    monkeypatch.setitem(sys.modules, "IPython", fake)
    monkeypatch.setattr(sys, "stderr", stream)
    run(progress=True)
    assert bool(stream.getvalue()) == attended


def test_an_executed_notebook_shows_no_progress():
    nbclient = pytest.importorskip("nbclient", reason="nbclient is not installed")
    nbformat = pytest.importorskip("nbformat", reason="nbformat is not installed")
    code = """
import numpy as np
from gradlab.network import Dense, Network
from gradlab.optimizers import SGD
from gradlab.training import fit
rng = np.random.default_rng(0)
x = rng.normal(size=(20, 2))
_ = fit(Network([Dense(2, 2, rng)]), (x, (x[:, 0] > 0).astype(int)), None, SGD(0.1),
        epochs=3, batch_size=5, rng=rng)
"""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    nbclient.NotebookClient(notebook, timeout=120).execute()
    assert notebook.cells[0].outputs == []


def test_the_line_is_closed_when_the_run_fails(monkeypatch):
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)

    def fail(epoch, network, history):
        raise RuntimeError

    with pytest.raises(RuntimeError):
        run(progress=True, callbacks=[fail])
    assert stream.getvalue().endswith("\n")


# ---- all together, on real data


def test_everything_together_on_digits():
    digits = load_digits()
    train = digits.x_train[:600], digits.y_train[:600]
    held_out = digits.x_train[600:900], digits.y_train[600:900]
    generator = rng()
    layers = [Dense(64, 32, generator), BatchNorm(32), Activation("relu"), Dropout(0.2, generator)]
    network = Network([*layers, Dense(32, 10, generator)])
    stopping = EarlyStopping(patience=5)
    history = fit(
        network,
        train,
        held_out,
        Adam(0.01, weight_decay=1e-4),
        epochs=15,
        batch_size=50,
        schedule=lambda step: exponential_decay(step, 0.01, 200),
        clip=5.0,
        early_stopping=stopping,
        augment=lambda x, rng: x + 0.05 * rng.normal(size=x.shape),
        rng=generator,
    )
    assert evaluate(network, digits.x_test, digits.y_test)[1] > 0.93
    assert min(history.validation_loss) == stopping.best


# ---- bad input

GOOD = {
    "network": make_network(),
    "train": TRAIN,
    "validation": VALIDATION,
    "optimizer": SGD(0.1),
    "epochs": 1,
    "batch_size": 16,
    "rng": rng(),
}
NAN = np.where(np.arange(N)[:, np.newaxis] == 7, np.nan, X)


@pytest.mark.parametrize(
    ("name", "bad", "error"),
    [
        ("network", [Dense(2, 3, rng())], TypeError),
        ("optimizer", 0.1, TypeError),
        ("optimizer", SGD, TypeError),
        ("optimizer", None, TypeError),
        ("rng", 0, TypeError),
        ("rng", None, TypeError),
        ("rng", np.random.RandomState(0), TypeError),
        *((name, data, TypeError) for name in ("train",) for data in (None, X, (X,), (X, Y, Y))),
        ("validation", X, TypeError),
        *(
            (name, data, error)
            for name in ("train", "validation")
            for data, error in (
                ((X[:, 0], Y), ValueError),
                ((X[:0], Y[:0]), ValueError),
                ((X[:, :0], Y), ValueError),
                ((X, Y[1:]), ValueError),
                ((X, 3), ValueError),
                ((NAN, Y), ValueError),
                ((np.full_like(X, -np.inf), Y), ValueError),
                ((X.astype(complex), Y), TypeError),
                ((X.astype(str), Y), TypeError),
            )
        ),
        ("epochs", -1, ValueError),
        ("epochs", 1.5, TypeError),
        ("epochs", True, TypeError),
        ("batch_size", 0, ValueError),
        ("batch_size", 2.0, TypeError),
        ("schedule", 0.1, TypeError),
        ("clip", 0, ValueError),
        ("clip", -1.0, ValueError),
        ("clip", np.nan, ValueError),
        ("clip", "1", TypeError),
        ("early_stopping", 3, TypeError),
        ("augment", "flip", TypeError),
        ("callbacks", print, TypeError),
        ("callbacks", [None], TypeError),
        ("callbacks", None, TypeError),
        ("progress", None, TypeError),
        ("evaluate_train", 1, TypeError),
        ("loss", "hinge", ValueError),
        ("loss", squared_error, TypeError),
        ("loss", (squared_error,), TypeError),
        ("loss", None, TypeError),
    ],
)
def test_bad_input_is_refused_by_name(name, bad, error):
    before = snapshot(GOOD["network"])
    with pytest.raises(error, match=rf"^{name} must"):
        fit(**GOOD | {name: bad})
    assert same(before, snapshot(GOOD["network"]))


class WithoutRate:
    """An optimizer that has no learning rate."""

    def step(self, params, grads):
        """Do nothing."""


@pytest.mark.parametrize(
    ("settings", "message", "error"),
    [
        ({"validation": None, "early_stopping": EarlyStopping()}, "validation", ValueError),
        ({"validation": None, "schedule": PerformanceSchedule(0.1)}, "validation", ValueError),
        ({"network": make_network(norm=BatchNorm), "batch_size": 1}, "batch_size", ValueError),
        ({"network": make_network(norm=BatchNorm), "train": (X[:1], Y[:1])}, "train", ValueError),
        ({"schedule": lambda step: 0.1, "optimizer": WithoutRate()}, "optimizer", TypeError),
        ({"schedule": lambda step: -0.1}, "learning_rate", ValueError),
        ({"augment": lambda x, rng: x[1:]}, r"augment\(x, rng\)", ValueError),
        ({"augment": lambda x, rng: x[0]}, r"augment\(x, rng\)", ValueError),
        ({"augment": lambda x, rng: None}, r"augment\(x, rng\)", TypeError),
        ({"augment": lambda x, rng: x[:, :1]}, r"augment\(x, rng\)", ValueError),
        ({"train": (X, Y + 1)}, "train", ValueError),
        ({"train": (X, Y + 0.5)}, "train", TypeError),
        ({"train": (X, np.eye(3)[Y])}, "train", ValueError),
        ({"loss": "squared_error"}, "train", ValueError),
        (
            {
                "loss": "squared_error",
                "train": (X, np.eye(3)[Y]),
                "validation": (X, np.eye(3)[Y]),
                "early_stopping": EarlyStopping(mode="max"),
            },
            "early_stopping",
            ValueError,
        ),
        (
            {
                "loss": "squared_error",
                "train": (X, np.eye(3)[Y]),
                "validation": (X, np.eye(3)[Y]),
                "schedule": PerformanceSchedule(0.1, mode="max"),
            },
            "schedule",
            ValueError,
        ),
    ],
)
def test_what_does_not_go_together_is_refused(settings, message, error):
    with pytest.raises(error, match=rf"^{message} must"):
        fit(**GOOD | settings)


def test_an_optimizer_without_a_rate_will_do_without_a_schedule():
    _, history = run(optimizer=WithoutRate(), epochs=1)
    assert all(map(math.isnan, history.learning_rate))
    assert len(history.learning_rate) == 4


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ((X[0], Y), ValueError),
        ((X, Y[1:]), ValueError),
        ((X, Y + 5), ValueError),
        ((X, Y / 2), TypeError),
        ((X.astype(complex), Y), TypeError),
        ((X, Y, "other"), ValueError),
        ((X, Y, 3), TypeError),
    ],
)
def test_evaluate_refuses_bad_input(arguments, error):
    for bad in ("x", None, [Dense(2, 3, rng())]):
        with pytest.raises(TypeError, match=r"^network must be a Network"):
            evaluate(bad, X, Y)
    with pytest.raises(error, match=r"^(x|labels|loss) must"):
        evaluate(make_network(), *arguments)


def test_a_live_generator_draws_the_numbers_of_the_figures_one_after_the_other():
    rng = LiveGenerator(7)
    assert isinstance(rng, np.random.Generator)
    first, second, order = rng.random((2, 3)), rng.standard_normal(4), rng.permutation(5)
    np.testing.assert_array_equal(first, _random.uniform((2, 3), 7))
    np.testing.assert_array_equal(second, _random.normal(4, 7, first=6))
    np.testing.assert_array_equal(order, _random.permutation(5, 7, first=10))
    assert rng.random() == _random.uniform(1, 7, first=15)[0]
    assert rng.standard_normal() == _random.normal(1, 7, first=16)[0]


@pytest.mark.parametrize("again", [copy.deepcopy, lambda rng: pickle.loads(pickle.dumps(rng))])
def test_a_copy_of_a_live_generator_goes_on_from_there(again):
    rng = LiveGenerator(3)
    rng.random(10)
    np.testing.assert_array_equal(again(rng).random(5), rng.random(5))


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_a_live_generator_takes_a_seed_of_32_bits(seed):
    with pytest.raises(ValueError, match="seed must be at"):
        LiveGenerator(seed)
    with pytest.raises(TypeError, match="seed"):
        LiveGenerator("0")
    with pytest.raises(ValueError, match="x must be at least 0"):
        LiveGenerator(0).permutation(-1)


def test_labels_are_checked_once_and_not_in_each_step(monkeypatch):
    calls, check = [], losses._as_classified
    monkeypatch.setattr(losses, "_as_classified", lambda *a: calls.append(a) or check(*a))
    run(validation=None, evaluate_train=False, epochs=1)
    few = len(calls)
    _, history = run(validation=None, evaluate_train=False, epochs=5)
    assert len(history.step_loss) > few
    assert len(calls) == 2 * few


def test_a_head_that_loses_classes_in_the_course_of_a_run_is_refused():
    """The labels were checked for the old one."""

    def shrink(epoch, network, history):
        network.layers[-1] = Dense(8, CLASSES - 1, rng())

    with pytest.raises(ValueError, match=r"labels must be in 0 \.\.\. 1, got 0 \.\.\. 2"):
        run(callbacks=[shrink], validation=None, evaluate_train=False)


class Keeps:
    """A user's optimizer, which keeps the gradients that it gets as they are."""

    def __init__(self):
        self.kept = []

    def step(self, params, grads):
        self.kept.append((list(grads), [grad.copy() for grad in grads]))
        for w, g in zip(params, grads, strict=True):
            w -= 0.5 * g


def test_whoever_keeps_the_gradients_of_a_step_has_them_unchanged():
    seen = []
    ours, _ = run(clip=lambda grads: seen.append((grads, [*map(np.copy, grads)])) or grads)
    keeps = Keeps()
    theirs, _ = run(optimizer=keeps)
    epochs = []
    run(
        callbacks=[
            lambda epoch, network, _: epochs.append((network.gradients(), snapshot_of(network)))
        ]
    )
    for kept, copies in [*seen, *keeps.kept, *epochs]:
        assert same(kept, copies)
    assert same(ours.parameters(), theirs.parameters())


def snapshot_of(network):
    return [gradient.copy() for gradient in network.gradients()]


def test_backward_after_a_run_leaves_the_gradients_of_the_last_step_alone():
    network, _ = run()
    kept, copies = network.gradients(), snapshot_of(network)
    network.forward(X, training=True)
    network.backward(np.ones((N, CLASSES)))
    assert same(kept, copies)
    assert not same(kept, network.gradients())


@pytest.mark.parametrize("at", [0, 2])
@pytest.mark.parametrize("whole", [False, True])
def test_a_pass_that_somebody_has_put_into_a_dense_layer_is_called(monkeypatch, at, whole):
    network, calls = make_network(), []
    owner = Dense if whole else network.layers[at]
    for name in ("forward", "backward"):
        method = getattr(owner, name)
        monkeypatch.setattr(owner, name, lambda *a, m=method, n=name: calls.append(n) or m(*a))
    run(network, validation=None, evaluate_train=False, epochs=1)
    assert calls.count("backward") == math.ceil(N / 16) * (2 if whole else 1)
    assert calls.count("forward") > calls.count("backward") - 2
    assert same(network.arrays(), run(epochs=1, validation=None)[0].arrays())


def test_what_a_layer_of_ones_own_hands_on_is_checked():
    class Half(Layer):
        kind = np.float64

        def forward(self, x, training):
            return x.astype(self.kind)

        def backward(self, dout):
            return dout

    layer = Half()
    network = Network([Dense(2, 8, rng()), layer, Dense(8, CLASSES, rng())])

    def spoil(epoch, network, history):
        layer.kind = np.float16

    with pytest.raises(TypeError, match=r"x must hold float32, float64 or integer") as raised:
        run(network, callbacks=[spoil], validation=None, evaluate_train=False)
    assert raised.value.__notes__ == ["in layers[2], Dense(8, 3)"]


def test_a_callback_may_change_what_a_run_has_looked_up():
    """Arrays in place, others in their stead, what is frozen, and the dtype."""
    networks = []
    for together in (True, False):
        network = make_network()

        def change(epoch, network, history):
            network.layers[0].weight *= 0.5
            network.layers[2].weight = network.layers[2].weight + 1.0
            network.layers[0].trainable = epoch % 2 == 1

        if together:
            run(network, callbacks=[change], epochs=4)
        else:
            generator = rng(5)
            for epoch in range(4):
                run(network, epochs=1, rng=generator)
                change(epoch, network, None)
        networks.append(network)
    assert same(networks[0].arrays(), networks[1].arrays())


class Elsewhere(Activation):
    """A ReLU of somebody else's, which computes the same."""

    def forward(self, x, training):
        return super().forward(x, training)


def deep(relu=Activation, seed=0, dtype=np.float64, bias=True, norm=None):
    """Three hidden layers, the last of them behind a normalization if there is one."""
    generator = rng(seed)
    layers = [Dense(2, 8, generator, dtype=dtype), relu("relu")]
    layers += [Dense(8, 7, generator, dtype=dtype, bias=bias), relu("relu")]
    layers += [Dense(7, 6, generator, dtype=dtype)]
    layers += [norm(6, dtype=dtype)] if norm else []
    return Network([*layers, relu("relu"), Dense(6, CLASSES, generator, dtype=dtype)])


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("frozen", [(), (0,), (0, 2)])
@pytest.mark.parametrize("settings", [{}, {"norm": BatchNorm}, {"bias": False}])
def test_dense_layers_and_relus_work_as_one_without_a_difference(dtype, frozen, settings):
    results = []
    for relu in (Activation, Elsewhere):
        network = deep(relu, dtype=dtype, **settings)
        for k in frozen:
            network.layers[k].trainable = False
        _, history = run(network, optimizer=Momentum(0.1), clip=0.5)
        results.append((network, history))
    (ours, one), (theirs, two) = results
    assert same(ours.arrays(), theirs.arrays())
    assert one.step_loss == two.step_loss
    assert one.gradient_norm == two.gradient_norm


def test_dense_layers_and_relus_do_work_as_one(monkeypatch):
    """And not where another layer could write to what they share."""
    calls, kernel = [], layers.bias_relu
    monkeypatch.setattr(layers, "bias_relu", lambda *a: calls.append(a) or kernel(*a))
    steps = math.ceil(N / 16)
    for network, pairs in (
        (deep(), 3),
        (deep(bias=False), 2),
        (deep(norm=BatchNorm), 2),
        (deep(Elsewhere), 0),
        (Network([Dense(2, 8, rng()), Activation("relu"), Recorder(), Dense(8, 3, rng())]), 0),
        (Network([Recorder(), Dense(2, 8, rng()), Activation("relu"), Dense(8, 3, rng())]), 0),
        (Network([Dense(2, CLASSES, rng()), Activation("relu")]), 0),
        (make_network(activation="tanh"), 0),
    ):
        calls.clear()
        run(network, epochs=1)
        assert len(calls) == pairs * steps


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("frozen", [(), (0,), (0, 2, 4, 6)])
@pytest.mark.parametrize("settings", [{}, {"norm": BatchNorm}, {"bias": False}])
def test_gradients_that_stand_in_one_vector_make_no_difference(dtype, frozen, settings):
    """Beside a schedule, which may look at them, they do not."""
    results = []
    for schedule in (None, lambda step: 0.1):
        network = deep(dtype=dtype, **settings)
        for k in frozen:
            network.layers[k].trainable = False
        run(network, optimizer=Momentum(0.1), schedule=schedule)
        vectors = {id(root_of(gradient)) for gradient in network.gradients()}
        joined = schedule is None and "norm" not in settings and len(frozen) < 4
        assert (len(vectors) == 1) == joined
        results.append(network)
    assert same(results[0].arrays(), results[1].arrays())
    assert same(results[0].gradients(), results[1].gradients())


def root_of(array):
    while array.base is not None:
        array = array.base
    return array


def test_a_schedule_may_freeze_a_layer_between_two_steps():
    network = make_network()
    weights = []

    def schedule(step):
        network.layers[0].trainable = step < 2
        weights.append(network.layers[0].weight.copy())
        return 0.1

    run(network, schedule=schedule, epochs=1)
    changed = [not np.array_equal(a, b) for a, b in itertools.pairwise(weights)]
    assert changed == [True, True] + [False] * (len(changed) - 2)
    assert len(changed) > 2


def test_a_loss_may_freeze_a_layer_between_two_steps():
    network, weights = make_network(), []

    def slope(out, target):
        network.layers[0].trainable = len(weights) < 2
        weights.append(network.layers[0].weight.copy())
        return softmax_cross_entropy_backward(out, target)

    run(network, loss=(softmax_cross_entropy, slope), epochs=1)
    changed = [not np.array_equal(a, b) for a, b in itertools.pairwise(weights)]
    assert changed == [True, True] + [False] * (len(changed) - 2)
    assert len(changed) > 2


def test_one_number_that_is_not_finite_is_seen_wherever_it_stands():
    network = deep()
    vector = network._join_gradients()
    assert len(network.gradients()) == 8
    for gradient in network.gradients():
        gradient.flat[-1] = np.nan
        assert not is_finite(vector)
        gradient.flat[-1] = 0.0
    assert is_finite(vector)


def test_gradients_in_one_vector_that_overflow_change_nothing():
    network = make_network(activation="relu")
    network.layers[0].weight[...], network.layers[0].bias[...] = 0.0, 1.0
    network.layers[2].weight *= 100.0
    before = snapshot(network)
    _, history = run(network, train=(np.full((N, 2), 1e308), Y), validation=None)
    assert history.stopped == "gradient not finite at step 1, in epoch 1"
    assert same(network.arrays(), before)


def test_a_layer_that_writes_to_what_it_gets_does_not_disturb_a_relu():
    class Shifts(Recorder):
        """A layer that works in place."""

        def forward(self, x, training):
            x += 1.0
            return x

        def backward(self, dout):
            self.seen.append((dout, dout.copy()))
            return dout

    class Copies(Shifts):
        def forward(self, x, training):
            return x + 1.0

    nets = []
    for layer in (Shifts(), Copies()):
        generator = rng()
        below, above = Dense(2, 8, generator), Dense(8, CLASSES, generator)
        nets.append(run(Network([below, Activation("relu"), layer, above]))[0])
        assert all(np.array_equal(*pair) for pair in layer.seen)
    assert same(nets[0].arrays(), nets[1].arrays())


@pytest.mark.parametrize("name", ["forward", "backward"])
def test_a_pass_that_somebody_has_put_into_a_relu_is_called(name, monkeypatch):
    network, calls = make_network(activation="relu"), []
    method = getattr(network.layers[1], name)
    monkeypatch.setattr(network.layers[1], name, lambda *a: calls.append(a) or method(*a))
    run(network, epochs=1, validation=None, evaluate_train=False)
    assert len(calls) >= math.ceil(N / 16)
    assert same(network.arrays(), run(make_network(activation="relu"), epochs=1)[0].arrays())


def test_a_dense_layer_may_train_its_weights_alone():
    class Weights(Dense):
        """Somebody's layer, whose bias stays."""

        def parameters(self):
            return [self.weight]

        def gradients(self):
            return super().gradients()[:1]

    generator = rng()
    below, above = Weights(2, 8, generator), Dense(8, CLASSES, generator)
    run(Network([below, Activation("relu"), above]))
    assert not below.bias.any()
    assert above.bias.any()


def test_one_relu_in_two_places_is_two():
    relu = Activation("relu")
    shared = Network([Dense(2, 8, rng()), relu, Dense(8, 5, rng()), relu, Dense(5, 3, rng())])
    apart = copy.deepcopy(shared)
    apart.layers[3] = Activation("relu")
    assert same(run(shared)[0].arrays(), run(apart)[0].arrays())


def test_the_gradients_after_a_run_are_those_of_the_passes_of_each_layer():
    network, _ = run(deep(), optimizer=SGD(0.0), epochs=1, batch_size=N)
    kept = snapshot_of(network)
    order = rng(5).permutation(N)
    out = network.forward(X[order], training=True)
    network.backward(softmax_cross_entropy_backward(out, Y[order]))
    assert same(kept, network.gradients())


@pytest.mark.parametrize("limit", [1e-3, 1e9])
def test_clipping_writes_to_the_gradients_of_layers_of_this_package_alone(limit):
    class Keeps(Dense):
        """A layer of somebody else's, which knows what its gradients were."""

        def backward(self, dout):
            dx = super().backward(dout)
            self.were = [gradient.copy() for gradient in self.gradients()]
            return dx

    generator = rng()
    layers_of = [Dense(2, 8, generator), Activation("relu"), Keeps(8, CLASSES, generator)]
    theirs, history = run(Network(layers_of), clip=limit)
    assert same(theirs.gradients()[2:], theirs.layers[2].were)
    ours, again = run(make_network(activation="relu"), clip=limit)
    assert again.gradient_norm == history.gradient_norm
    assert same(ours.arrays(), theirs.arrays())
    assert global_norm(ours.gradients()) <= limit * (1 + 1e-12)


@pytest.mark.parametrize("kept_by", ["layer", "augment"])
def test_whoever_keeps_the_inputs_of_a_step_has_them_unchanged(kept_by):
    seen = []

    class Keeps(Recorder):
        def forward(self, x, training):
            seen.append((x, x.copy()))
            return x

    def augment(x, rng):
        seen.append((x, x.copy()))
        return x

    generator = rng()
    layers_of = [Dense(2, 8, generator), Activation("tanh"), Dense(8, CLASSES, generator)]
    if kept_by == "layer":
        run(Network([Keeps(), *layers_of]))
    else:
        run(Network(layers_of), augment=augment)
    assert len(seen) > 4
    assert all(np.array_equal(*pair) for pair in seen)


def test_a_batch_larger_than_the_set_needs_no_room_of_its_size():
    whole = run(batch_size=N)[0]
    assert same(run(batch_size=10**12)[0].arrays(), whole.arrays())
