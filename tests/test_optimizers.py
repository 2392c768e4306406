import copy
import inspect
import math
import re

import numpy as np
import pytest
from fixtures.optimizers import (
    FROZEN_STEPS,
    RATE,
    in_a_row,
    make_run,
    rate_at,
    run_optax,
    run_torch,
)
from hypothesis import given
from hypothesis import strategies as st
from support import assert_agrees, frozen, torch

from gradlab import _threads
from gradlab.optimizers import (
    SGD,
    AdaDelta,
    AdaGrad,
    Adam,
    AdaMax,
    AdamW,
    LocalGains,
    Momentum,
    Nesterov,
    Optimizer,
    RMSProp,
    RProp,
    optimal_momentum,
)

DTYPES = [np.float64, np.float32]
# What 50 steps of float32 lose against each other, and float64 does not.
TIGHT = {np.float64: 1e-12, np.float32: 2e-5}

EVERY = {
    "SGD": lambda **kw: SGD(0.1, **kw),
    "Momentum": lambda **kw: Momentum(0.1, 0.7, **kw),
    "Momentum, PyTorch's": lambda **kw: Momentum(0.1, 0.7, velocity_holds_rate=False, **kw),
    "Nesterov": lambda **kw: Nesterov(0.1, 0.7, **kw),
    "LocalGains": lambda **kw: LocalGains(0.1, 0.3, 0.6, 0.2, 3.0, **kw),
    "RProp": lambda **kw: RProp(0.1, 1.3, 0.6, 1e-3, 0.5, **kw),
    "AdaGrad": lambda **kw: AdaGrad(0.1, 1e-2, initial_sum=0.2, **kw),
    "AdaDelta": lambda **kw: AdaDelta(0.8, 1e-2, 0.1, **kw),
    "RMSProp": lambda **kw: RMSProp(0.1, 0.8, 1e-2, **kw),
    "Adam": lambda **kw: Adam(0.1, 0.8, 0.95, 1e-2, **kw),
    "AdamW": lambda **kw: AdamW(0.1, 0.8, 0.95, 1e-2, **kw),
    "AdaMax": lambda **kw: AdaMax(0.1, 0.8, 0.95, 1e-2, **kw),
}
every = pytest.mark.parametrize("make", EVERY.values(), ids=EVERY)


def all_but(left_out):
    makers = {name: make for name, make in EVERY.items() if name != left_out}
    return pytest.mark.parametrize("make", makers.values(), ids=makers)


def follow(optimizer, params, grads, rate=None):
    """Take a step for each gradient; return the parameters after each, as a list of lists."""
    history = []
    for step, slopes in enumerate(grads):
        if rate is not None:
            optimizer.learning_rate = rate(step)
        optimizer.step(params, slopes)
        history.append([param.copy() for param in params])
    return history


def make_vectors(seed, steps=6, size=5, dtype=np.float64):
    """One parameter and gradients that change, with an entry that starts at 0 and a tiny one."""
    rng = np.random.default_rng(seed)
    grads = (rng.normal(size=(steps, size)) + 0.3) * np.array([1e-4, 0.1, 1.0, 10.0, 3.0])[:size]
    grads[:2, -1] = 0
    return rng.normal(size=size).astype(dtype), grads.astype(dtype)


def check_definition(optimizer, one_step, kept, rates=(0.1, 0.1, 0.02, 0.02, 0.3, 0.3)):
    """Compare weights and state after every step with a definition for single numbers.

    `one_step(w, g, eta, t, *memory)` returns the weight and its memory, and is applied to every
    entry on its own; `kept` names the memory in the state, with its start.
    """
    w, grads = make_vectors(1)
    memory = [[start] * w.size for start in kept.values()]
    expected = list(w)
    for t, (g, rate) in enumerate(zip(grads, rates, strict=True), start=1):
        optimizer.learning_rate = rate
        optimizer.step([w], [g])
        for i in range(w.size):
            old = [values[i] for values in memory]
            expected[i], *new = one_step(expected[i], g[i], rate, t, *old)
            for values, value in zip(memory, new, strict=True):
                values[i] = value
        np.testing.assert_allclose(w, expected, rtol=1e-12, atol=1e-14)
        state = optimizer.state
        assert set(state) == {"t", "learning_rate", *kept}
        assert state["t"] == t
        assert state["learning_rate"] == rate
        for name, values in zip(kept, memory, strict=True):
            np.testing.assert_allclose(state[name][0], values, rtol=1e-12, atol=1e-16)


# ---- the definitions, weight by weight


@pytest.mark.equation("opt-sgd")
def test_sgd_is_the_definition():
    check_definition(SGD(0.1), lambda w, g, eta, _: (w - eta * g,), {})


@pytest.mark.equation("opt-momentum-velocity")
@pytest.mark.equation("opt-momentum-step")
def test_momentum_is_the_definition_of_the_decks():
    def one_step(w, g, eta, _, v):
        v = 0.7 * v - eta * g
        return w + v, v

    check_definition(Momentum(0.1, 0.7), one_step, {"velocity": 0.0})


def test_momentum_in_pytorch_form_is_its_definition():
    def one_step(w, g, eta, _, v):
        v = 0.7 * v + g
        return w - eta * v, v

    optimizer = Momentum(0.1, 0.7, velocity_holds_rate=False)
    check_definition(optimizer, one_step, {"velocity": 0.0})


@pytest.mark.equation("opt-nesterov-velocity")
@pytest.mark.equation("opt-nesterov-step")
def test_nesterov_is_the_definition():
    def one_step(w, g, eta, _, v):
        v = 0.7 * v - eta * g
        return w + 0.7 * v - eta * g, v

    check_definition(Nesterov(0.1, 0.7), one_step, {"velocity": 0.0})


@pytest.mark.equation("opt-nesterov-step")
def test_nesterov_holds_the_extended_point_of_deck_c():
    def gradient(w):
        return np.array([1.0, 20.0]) * (w - np.array([0.5, -2.0])) + 0.1 * w**3

    weight, beta, eta = np.array([3.0, 1.0]), 0.8, 0.02
    deck, delta = weight.copy(), np.zeros(2)
    optimizer = Nesterov(eta, beta)
    for _ in range(30):
        optimizer.step([weight], [gradient(weight)])
        # The pseudo-code of the deck: extend, take the gradient there, update.
        extended = deck + beta * delta
        slope = gradient(extended)
        deck = extended - eta * slope
        delta = beta * delta - eta * slope
        np.testing.assert_allclose(weight, deck + beta * delta, rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(optimizer.state["velocity"][0], delta, rtol=1e-10, atol=1e-12)


@pytest.mark.equation("opt-local-gain")
@pytest.mark.equation("opt-local-step")
def test_local_gains_are_the_definition():
    def one_step(w, g, eta, _, gain, previous):
        if g * previous > 0:
            gain += 0.3
        elif g * previous < 0:
            gain *= 0.6
        gain = min(max(gain, 0.4), 1.2)
        return w - eta * gain * g, gain, g

    optimizer = LocalGains(0.1, 0.3, 0.6, 0.4, 1.2)
    check_definition(optimizer, one_step, {"gain": 1.0, "previous": 0.0})
    # Both rules and both bounds were at work.
    assert optimizer.state["gain"][0].min() == 0.4
    assert optimizer.state["gain"][0].max() == 1.2


@pytest.mark.equation("opt-rprop-size")
@pytest.mark.equation("opt-rprop-step")
def test_rprop_is_the_definition():
    def one_step(w, g, eta, t, size, previous):
        if g * previous > 0:
            size *= 1.3
        elif g * previous < 0:
            size *= 0.6
            g = 0.0
        size = min(max(size, 0.04), 0.12)
        return w - size * np.sign(g), size, g

    optimizer, kept = RProp(0.1, 1.3, 0.6, 0.04, 0.12), {"size": 0.1, "previous": 0.0}
    check_definition(optimizer, one_step, kept, rates=[0.1] * 6)
    # Both rules and both bounds were at work.
    assert optimizer.state["size"][0].min() == 0.04
    assert optimizer.state["size"][0].max() == 0.12


@pytest.mark.equation("opt-adagrad-sum")
@pytest.mark.equation("opt-adagrad-step")
@pytest.mark.parametrize("inside", [False, True])
def test_adagrad_is_the_definition(inside):
    def one_step(w, g, eta, _, s):
        s = s + g**2
        root = math.sqrt(s + 1e-2) if inside else math.sqrt(s) + 1e-2
        return w - eta * g / root, s

    check_definition(AdaGrad(0.1, 1e-2, inside, initial_sum=0.4), one_step, {"sum_of_squares": 0.4})
    check_definition(AdaGrad(0.1, 1e-2, inside), one_step, {"sum_of_squares": 0.0})


@pytest.mark.equation("opt-adadelta-mean-square")
@pytest.mark.equation("opt-adadelta-update")
@pytest.mark.equation("opt-adadelta-mean-update")
@pytest.mark.equation("opt-adadelta-step")
def test_adadelta_is_the_definition():
    def one_step(w, g, eta, _, s, u):
        s = 0.8 * s + 0.2 * g**2
        d = -math.sqrt(u + 1e-2) / math.sqrt(s + 1e-2) * g
        return w + eta * d, s, 0.8 * u + 0.2 * d**2

    kept = {"mean_square": 0.0, "mean_square_update": 0.0}
    check_definition(AdaDelta(0.8, 1e-2), one_step, kept)


@pytest.mark.equation("opt-rmsprop-mean-square")
@pytest.mark.equation("opt-rmsprop-step")
@pytest.mark.parametrize("inside", [True, False])
def test_rmsprop_is_the_definition(inside):
    def one_step(w, g, eta, _, s):
        s = 0.8 * s + 0.2 * g**2
        root = math.sqrt(s + 1e-2) if inside else math.sqrt(s) + 1e-2
        return w - eta / root * g, s

    check_definition(RMSProp(0.1, 0.8, 1e-2, inside), one_step, {"mean_square": 0.0})


@pytest.mark.equation("opt-adam-mean")
@pytest.mark.equation("opt-adam-mean-square")
@pytest.mark.equation("opt-adam-correction")
@pytest.mark.equation("opt-adam-step")
@pytest.mark.parametrize("form", ["outside", "inside", "hat"])
def test_adam_is_the_definition(form):
    def one_step(w, g, eta, t, m, v):
        m = 0.8 * m + 0.2 * g
        v = 0.95 * v + 0.05 * g**2
        if form == "hat":
            # As Keras and the paper's section 2 write it.
            rate = eta * math.sqrt(1 - 0.95**t) / (1 - 0.8**t)
            return w - rate * m / (math.sqrt(v) + 1e-2), m, v
        m_hat, v_hat = m / (1 - 0.8**t), v / (1 - 0.95**t)
        root = math.sqrt(v_hat + 1e-2) if form == "inside" else math.sqrt(v_hat) + 1e-2
        return w - eta * m_hat / root, m, v

    optimizer = Adam(0.1, 0.8, 0.95, 1e-2, form == "inside", eps_hat=form == "hat")
    check_definition(optimizer, one_step, {"m": 0.0, "v": 0.0})


@pytest.mark.equation("opt-adamax-mean")
@pytest.mark.equation("opt-adamax-norm")
@pytest.mark.equation("opt-adamax-step")
@pytest.mark.parametrize("inside", [True, False])
def test_adamax_is_the_definition(inside):
    def one_step(w, g, eta, t, m, u):
        m = 0.8 * m + 0.2 * g
        u = max(0.6 * u, abs(g) + (1e-2 if inside else 0.0))
        return w - eta / (1 - 0.8**t) * m / (u + (0.0 if inside else 1e-2)), m, u

    check_definition(AdaMax(0.1, 0.8, 0.6, 1e-2, inside), one_step, {"m": 0.0, "u": 0.0})


@pytest.mark.equation("wd-update")
@all_but("AdamW")
def test_coupled_decay_is_a_longer_gradient(make):
    w, grads = make_vectors(2)
    other, plain, decaying = w.copy(), make(), make(weight_decay=0.3)
    for g in grads:
        decaying.step([w], [g])
        plain.step([other], [g + 0.3 * other])
        np.testing.assert_allclose(w, other, rtol=1e-12)


@pytest.mark.equation("wd-decoupled")
@every
def test_decoupled_decay_shrinks_the_weights_by_itself(make):
    keywords = {} if isinstance(make(), (SGD, AdamW)) else {"decoupled": True}
    w, grads = make_vectors(3)
    other, decaying, plain = w.copy(), make(weight_decay=0.3, **keywords), make(weight_decay=0.0)
    for g in grads:
        decaying.step([w], [g])
        other *= 1 - decaying.learning_rate * 0.3
        plain.step([other], [g])
        np.testing.assert_allclose(w, other, rtol=1e-12)


@every
def test_biases_can_be_left_out_of_the_decay(make):
    rng = np.random.default_rng(4)
    start = [rng.normal(size=(3, 2)), rng.normal(size=2)]
    grads = [[rng.normal(size=(3, 2)), rng.normal(size=2)] for _ in range(4)]
    ends = []
    for keywords in (
        {"weight_decay": 0.0},
        {"weight_decay": 3.0},
        {"weight_decay": 3.0, "decay_biases": False},
    ):
        params = [param.copy() for param in start]
        follow(make(**keywords), params, grads)
        ends.append(params)
    none, both, weights_only = ends
    np.testing.assert_array_equal(weights_only[0], both[0])
    np.testing.assert_array_equal(weights_only[1], none[1])
    assert np.abs(both[0] - none[0]).max() > 1e-3
    assert np.abs(both[1] - none[1]).max() > 1e-3


# ---- agreement with PyTorch and optax

PYTORCH_FORM = {"velocity_holds_rate": False}
BETAS = (0.8, 0.95)
OURS = {
    "sgd": lambda: SGD(RATE),
    "sgd-decay": lambda: SGD(RATE, 0.2),
    "momentum": lambda: Momentum(RATE, 0.7, **PYTORCH_FORM),
    "momentum-decay": lambda: Momentum(RATE, 0.7, 0.2, **PYTORCH_FORM),
    "momentum-holding": lambda: Momentum(RATE, 0.7, 0.2),
    "momentum-decoupled": lambda: Momentum(RATE, 0.7, 0.2, **PYTORCH_FORM, decoupled=True),
    "nesterov": lambda: Nesterov(RATE, 0.7, **PYTORCH_FORM),
    "nesterov-decay": lambda: Nesterov(RATE, 0.7, 0.2, **PYTORCH_FORM),
    "nesterov-holding": lambda: Nesterov(RATE, 0.7, 0.2),
    "rprop": lambda: RProp(RATE, 1.3, 0.6, 1e-3, 0.05),
    "adagrad": lambda: AdaGrad(RATE, 1e-3),
    "adagrad-decay": lambda: AdaGrad(RATE, 1e-3, initial_sum=0.3, weight_decay=0.2),
    "adagrad-inside": lambda: AdaGrad(RATE, 1e-3, True, initial_sum=0.3),
    "adadelta": lambda: AdaDelta(0.8, 1e-3, RATE),
    "adadelta-decay": lambda: AdaDelta(0.8, 1e-3, RATE, 0.2),
    "rmsprop": lambda: RMSProp(RATE, 0.8, 1e-3, False),
    "rmsprop-decay": lambda: RMSProp(RATE, 0.8, 1e-3, False, 0.2),
    "rmsprop-inside": lambda: RMSProp(RATE, 0.8, 1e-3, weight_decay=0.2),
    "rmsprop-decoupled": lambda: RMSProp(RATE, 0.8, 1e-3, weight_decay=0.2, decoupled=True),
    "adam": lambda: Adam(RATE, *BETAS, 1e-3),
    "adam-decay": lambda: Adam(RATE, *BETAS, 1e-3, weight_decay=0.2),
    "adam-inside": lambda: Adam(RATE, *BETAS, 1e-3, eps_inside_sqrt=True),
    "adamw": lambda: AdamW(RATE, *BETAS, 1e-3, weight_decay=0.2),
    "adamw-weights-only": lambda: AdamW(RATE, *BETAS, 1e-3, weight_decay=0.2, decay_biases=False),
    "adamax": lambda: AdaMax(RATE, *BETAS, 1e-3),
    "adamax-decay": lambda: AdaMax(RATE, *BETAS, 1e-3, weight_decay=0.2),
}
FROZEN_CASES = sorted(frozen("optimizers"))
TORCH_CASES = sorted({key.split("/")[1] for key in FROZEN_CASES if key.startswith("torch/")})


def our_run(case, dtype):
    params, grads = make_run(dtype)
    # PyTorch's RProp looks at the rate in its first step only; ours refuses another one later.
    return in_a_row(follow(OURS[case](), params, grads, None if case == "rprop" else rate_at))


@pytest.mark.parametrize("key", FROZEN_CASES)
def test_agrees_with_frozen_pytorch_and_optax(key):
    _, case, name = key.split("/")
    dtype = np.dtype(name).type
    got = our_run(case, dtype)[[step - 1 for step in FROZEN_STEPS]]
    # One entry at a time, so that a large one does not hide the others.
    for column, expected in zip(got.T, frozen("optimizers")[key].T, strict=True):
        assert_agrees(column, expected, rtol=TIGHT[dtype])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("case", TORCH_CASES)
def test_agrees_with_pytorch_step_for_step(case, dtype):
    expected = run_torch(torch(), case, dtype)
    assert len(expected) == 50
    for column, wanted in zip(our_run(case, dtype).T, expected.T, strict=True):
        assert_agrees(column, wanted, rtol=TIGHT[dtype])


@pytest.mark.parametrize("dtype", DTYPES)
def test_agrees_with_optax_step_for_step(dtype):
    optax = pytest.importorskip("optax", reason="optax is not installed: run `make oracles`")
    runs = run_optax(optax, dtype)
    assert {f"optax/{case}/{np.dtype(dtype).name}" for case in runs} <= set(FROZEN_CASES)
    for case, expected in runs.items():
        assert len(expected) == 50
        for column, wanted in zip(our_run(case, dtype).T, expected.T, strict=True):
            assert_agrees(column, wanted, rtol=TIGHT[dtype])


def test_every_case_is_frozen():
    cases = {key.split("/")[1] for key in FROZEN_CASES}
    assert cases == set(OURS)
    assert {key.split("/")[2] for key in FROZEN_CASES} == {"float32", "float64"}


# ---- what the methods promise


@pytest.mark.equation("opt-adamw-step")
@given(st.floats(1e-3, 0.5), st.floats(0, 1), st.floats(-5, 5).filter(lambda g: abs(g) > 1e-3))
def test_the_first_step_of_adamw_shrinks_the_weight_and_has_the_length_of_the_rate(rate, decay, g):
    weight = np.array([3.0])
    AdamW(rate, eps=0.1, weight_decay=decay).step([weight], [np.array([g])])
    assert weight[0] == pytest.approx((1 - rate * decay) * 3.0 - rate * g / (abs(g) + 0.1))


@pytest.mark.equation("opt-terminal-velocity")
@given(st.floats(0, 0.95), st.floats(1e-3, 1), st.floats(-5, 5))
def test_momentum_reaches_the_terminal_velocity(momentum, rate, slope):
    weight, optimizer = np.zeros(1), Momentum(rate, momentum)
    for _ in range(600):
        optimizer.step([weight], [np.array([slope])])
    terminal = -rate * slope / (1 - momentum)
    np.testing.assert_allclose(optimizer.state["velocity"][0], terminal, rtol=1e-9)


@pytest.mark.parametrize("kind", [Momentum, Nesterov])
def test_both_forms_of_the_velocity_agree_while_the_rate_is_constant(kind):
    w, grads = make_vectors(5, steps=30)
    other = w.copy()
    holding, plain = kind(0.1, 0.7), kind(0.1, 0.7, velocity_holds_rate=False)
    for step, g in enumerate(grads):
        if step == 20:
            np.testing.assert_allclose(w, other, rtol=1e-12)
            holding.learning_rate = plain.learning_rate = 0.001
        holding.step([w], [g])
        plain.step([other], [g])
    assert np.abs(w - other).max() > 0.01


def test_momentum_can_be_raised_on_the_way():
    w, optimizer = np.zeros(1), Momentum(0.1, 0.5)
    for momentum in (0.5, 0.5, 0.9):
        optimizer.momentum = momentum
        optimizer.step([w], [np.ones(1)])
    # 0.9 (0.5 (-0.1) - 0.1) - 0.1
    np.testing.assert_allclose(optimizer.state["velocity"][0], [-0.235])
    with pytest.raises(ValueError, match=r"^momentum must"):
        optimizer.momentum = 1.0
    assert optimizer.momentum == 0.9


def radius(rate_times_curvature, momentum):
    """The factor by which the slowest of both solutions of momentum on a bowl falls in a step."""
    trace = 1 + momentum - rate_times_curvature
    discriminant = np.asarray(trace**2 - 4 * momentum, complex)
    roots = [(trace + sign * np.sqrt(discriminant)) / 2 for sign in (1, -1)]
    return np.maximum(*np.abs(roots))


@pytest.mark.equation("opt-best-momentum")
@pytest.mark.equation("opt-best-momentum-rate")
@pytest.mark.parametrize("condition", [1.0, 1.5, 9.0, 40.0, 2508.0])
def test_no_learning_rate_and_momentum_are_better_than_the_best(condition):
    rate, momentum = optimal_momentum(condition)
    curvatures = np.linspace(1 / condition, 1, 50)
    best = math.sqrt(momentum)
    assert best == pytest.approx((math.sqrt(condition) - 1) / (math.sqrt(condition) + 1))
    # Where both roots meet, a rounding of 1e-16 shows as its root.
    np.testing.assert_allclose(radius(rate * curvatures, momentum), best, atol=1e-7)
    rates, momenta = np.meshgrid(np.linspace(0, 4, 401), np.linspace(0, 0.999, 400))
    others = np.maximum(radius(rates, momenta), radius(rates / condition, momenta))
    assert others.min() >= best - 1e-9
    assert others.min() == pytest.approx(best, abs=0.05)


@pytest.mark.equation("opt-best-momentum")
@pytest.mark.equation("opt-best-momentum-rate")
def test_the_best_momentum_is_that_of_the_runs_of_the_optimizer():
    curvature = np.array([1.0, 4.0, 25.0])

    def left(rate, momentum):
        weight, optimizer = np.ones(3), Momentum(rate / 25, momentum)
        for _ in range(120):
            optimizer.step([weight], [curvature * weight])
        return np.abs(weight).max()

    rate, momentum = optimal_momentum(25.0)
    # (4 / 6)^120 of the distance, times some hundred at the edge where both roots meet.
    assert (4 / 6) ** 120 < left(rate, momentum) < 300 * (4 / 6) ** 120
    for other in ((0.8 * rate, momentum), (rate, 0.8 * momentum), (rate, 1.2 * momentum)):
        assert left(*other) > 100 * left(rate, momentum)


def test_the_best_momentum_of_a_round_bowl_is_none():
    assert optimal_momentum(1) == (1.0, 0.0)
    assert [type(value) for value in optimal_momentum(2)] == [float, float]
    rate, momentum = optimal_momentum(1e12)
    assert 3.99999 < rate < 4
    assert 0.99999 < momentum < 1


@pytest.mark.parametrize(
    ("bad", "error"),
    [(0.9, ValueError), (np.inf, ValueError), (np.nan, ValueError), ("9", TypeError)],
)
def test_a_bad_condition_number_is_refused(bad, error):
    with pytest.raises(error, match=r"^condition_number must"):
        optimal_momentum(bad)


@given(st.integers(0, 2**32 - 1), st.floats(1e-3, 1e3))
def test_rprop_looks_at_signs_alone(seed, scale):
    w, grads = make_vectors(seed, size=4)
    other = w.copy()
    follow(RProp(0.1), [w], grads[:, None])
    follow(RProp(0.1), [other], (scale * grads**3)[:, None])
    np.testing.assert_array_equal(w, other)


def test_rprop_rests_after_a_change_of_sign_and_compares_signs_that_a_product_would_lose():
    weight, optimizer, path = np.zeros(1), RProp(0.1), []
    for slope in (-1e-200, 1e-200, 1e-200, 1e-200):
        optimizer.step([weight], [np.array([slope])])
        path.append(float(weight[0]))
    np.testing.assert_allclose(path, [0.1, 0.1, 0.05, -0.01])


def test_rprop_is_misled_by_mini_batches_and_rmsprop_is_not():
    """Deck L's reason for RMSProp: nine gradients of 0.1 and one of -0.9, which cancel."""
    moved = {}
    for name, optimizer in (("rprop", RProp(0.01, 1.0, 1.0)), ("rmsprop", RMSProp(0.01, 0.99))):
        weight = np.zeros(1)
        for step in range(1000):
            if step == 500:
                # RMSProp's mean square starts at 0.
                weight[:] = 0
            optimizer.step([weight], [np.array([-0.9 if step % 10 == 9 else 0.1])])
        moved[name] = abs(float(weight[0]))
    # A step of 0.01 nine times in ten, and none where the sign changes.
    assert moved["rprop"] == pytest.approx(4.5, abs=0.02)
    assert moved["rmsprop"] < 0.01 * moved["rprop"]


@given(st.floats(1e-6, 1e6), st.booleans(), st.floats(0, 0.999), st.floats(0, 0.9999))
def test_adams_first_step_is_the_learning_rate_whatever_the_gradient(size, down, beta1, beta2):
    weight = np.zeros(1)
    Adam(0.01, beta1, beta2, eps=1e-16).step([weight], [np.array([-size if down else size])])
    np.testing.assert_allclose(weight, 0.01 if down else -0.01, rtol=1e-6)


@pytest.mark.parametrize("kind", [AdaGrad, RMSProp, Adam, AdaMax])
@given(st.integers(0, 2**32 - 1), st.floats(1e-3, 1e3))
def test_adaptive_methods_ignore_the_scale_of_the_gradient(kind, seed, scale):
    w, grads = make_vectors(seed, size=4)
    other = w.copy()
    follow(kind(eps=1e-30), [w], grads[:, None])
    follow(kind(eps=1e-30), [other], scale * grads[:, None])
    np.testing.assert_allclose(w, other, rtol=1e-9, atol=1e-12)


def test_where_epsilon_stands_matters_for_small_gradients():
    def first_step(slope, **keywords):
        weight = np.zeros(1)
        Adam(1.0, eps=1e-8, **keywords).step([weight], [np.array([slope])])
        return -weight[0]

    assert first_step(1e-6) == pytest.approx(1 / 1.01)
    assert first_step(1e-6, eps_inside_sqrt=True) == pytest.approx(0.01, rel=1e-3)
    assert first_step(1.0) == pytest.approx(first_step(1.0, eps_inside_sqrt=True), abs=1e-7)
    # 1 / sqrt(1 - 0.999) = 31.6
    assert first_step(1e-6, eps_hat=True) == pytest.approx(1 / (1 + 0.316), rel=1e-3)


def test_rmsprops_first_step_is_the_largest_of_a_constant_gradient():
    weight, optimizer, moves = np.zeros(1), RMSProp(0.01, 0.9, 1e-30), []
    for _ in range(100):
        before = weight.copy()
        optimizer.step([weight], [np.full(1, 3.0)])
        moves.append(float((before - weight)[0]))
    assert moves[0] == pytest.approx(0.01 / math.sqrt(0.1))
    assert moves == sorted(moves, reverse=True)
    assert moves[-1] == pytest.approx(0.01, rel=1e-4)


def test_gains_compare_signs_where_a_product_would_vanish():
    weight, optimizer = np.zeros(3), LocalGains(0.1)
    for slope in ([1e-200, 1e-200, 0.0], [1e-200, -1e-200, 0.0]):
        optimizer.step([weight], [np.array(slope)])
    np.testing.assert_allclose(optimizer.state["gain"][0], [1.05, 0.95, 1.0])


@every
def test_a_gradient_of_zero_moves_nothing(make):
    weight = np.array([2.0, -3.0])
    follow(make(weight_decay=0.0), [weight], [[np.zeros(2)]] * 3)
    np.testing.assert_array_equal(weight, [2.0, -3.0])


@every
def test_every_method_finds_the_bottom_of_a_bowl(make):
    curvature, optimizer = np.array([1.0, 4.0]), make(weight_decay=0.0)
    weight = np.array([0.5, -0.7])

    def loss():
        return float((curvature * weight**2).sum() / 2)

    start = loss()
    for _ in range(400):
        optimizer.step([weight], [curvature * weight])
    assert loss() < 0.1 * start


@all_but("RProp")
def test_a_learning_rate_of_zero_moves_nothing_but_remembers(make):
    weight, optimizer = np.array([2.0]), make()
    optimizer.learning_rate = 0
    optimizer.step([weight], [np.array([1.5])])
    np.testing.assert_array_equal(weight, [2.0])
    assert optimizer.learning_rate == 0.0
    assert optimizer.state["t"] == 1


# ---- state


@every
@pytest.mark.parametrize("dtype", DTYPES)
def test_a_restored_run_goes_on_as_if_nothing_had_happened(make, dtype):
    params, grads = make_run(dtype)
    optimizer = make()
    follow(optimizer, params, grads[:5], rate_at)
    saved, kept = optimizer.state, [param.copy() for param in params]
    untouched = copy.deepcopy(saved)
    follow(optimizer, params, grads[5:12], rate_at)

    fresh, others = make(), [param.copy() for param in kept]
    fresh.state = saved
    assert fresh.learning_rate == saved["learning_rate"]
    follow(fresh, others, grads[5:12])
    back = [param.copy() for param in kept]
    optimizer.state = saved
    follow(optimizer, back, grads[5:12])
    for expected, other, again in zip(params, others, back, strict=True):
        np.testing.assert_array_equal(expected, other)
        np.testing.assert_array_equal(expected, again)

    # Neither reading nor restoring shares memory with the optimizer.
    for name, value in untouched.items():
        np.testing.assert_equal(saved[name], value)
    for name in set(saved) - {"t", "learning_rate"}:
        assert [array.dtype for array in saved[name]] == [dtype] * 2
        assert [array.shape for array in saved[name]] == [(4, 3), (5,)]


@every
def test_the_state_before_the_first_step_starts_over(make):
    params, grads = make_run(np.float64)
    optimizer = make()
    empty = optimizer.state
    assert empty.pop("t") == 0
    assert empty.pop("learning_rate") == optimizer.learning_rate
    assert all(kept == [] for kept in empty.values())
    start = [param.copy() for param in params]
    fresh = optimizer.state
    first = follow(optimizer, params, grads[:3])
    optimizer.state = fresh
    second = follow(optimizer, start, grads[:3])
    np.testing.assert_array_equal(in_a_row(first), in_a_row(second))


def test_a_state_of_lists_or_of_the_other_precision_is_converted():
    w, grads = make_vectors(6, dtype=np.float32)
    optimizer = Adam(0.1)
    follow(optimizer, [w], grads[:3, None])
    state = optimizer.state
    other, copied = Adam(0.1), w.copy()
    other.state = {
        name: [a.tolist() for a in v] if name in "mv" else v for name, v in state.items()
    }
    follow(optimizer, [w], grads[3:, None])
    follow(other, [copied], grads[3:, None])
    np.testing.assert_array_equal(w, copied)
    assert other.state["m"][0].dtype == np.float32


def state_with(**entries):
    optimizer = Adam(0.1)
    optimizer.step([np.ones((2, 3)), np.ones(3)], [np.ones((2, 3)), np.ones(3)])
    return optimizer, optimizer.state | entries


GOOD = [np.ones((2, 3)), np.ones(3)]


@pytest.mark.parametrize(
    ("entries", "error"),
    [
        ({"t": -1}, ValueError),
        ({"t": 1.5}, TypeError),
        ({"t": 0}, ValueError),
        ({"learning_rate": -1.0}, ValueError),
        ({"learning_rate": "fast"}, TypeError),
        ({"unknown": 1}, ValueError),
        ({"m": []}, ValueError),
        ({"m": GOOD[:1]}, ValueError),
        ({"m": GOOD[::-1]}, ValueError),
        ({"m": [np.ones((3, 2)), np.ones(3)]}, ValueError),
        ({"m": [np.ones((3, 2)), np.ones(3)], "v": [np.ones((3, 2)), np.ones(3)]}, ValueError),
        ({"m": np.ones((2, 3))}, TypeError),
        ({"m": None}, TypeError),
        ({"v": [np.ones((2, 3)), np.ones(3, complex)]}, TypeError),
    ],
)
def test_a_state_that_does_not_fit_is_refused_and_changes_nothing(entries, error):
    optimizer, state = state_with(**entries)
    before = optimizer.state
    with pytest.raises(error, match=r"^state(\[.*\])? must"):
        optimizer.state = state
    np.testing.assert_equal(optimizer.state, before)


@pytest.mark.parametrize(
    ("state", "error"),
    [(None, TypeError), ([], TypeError), ({}, ValueError), ({"t": 1}, ValueError)],
)
def test_a_state_with_missing_entries_is_refused(state, error):
    with pytest.raises(error, match=r"^state must"):
        Adam(0.1).state = state


def test_a_fresh_optimizer_refuses_lists_that_contradict_each_other():
    _, state = state_with(v=[np.ones((2, 3)), np.ones(4)])
    with pytest.raises(ValueError, match=r"^state\['v'\] must"):
        Adam(0.1).state = state


def test_a_restored_state_must_fit_the_parameters():
    _, state = state_with()
    optimizer = Adam(0.1)
    optimizer.state = state
    with pytest.raises(ValueError, match=r"^params must"):
        optimizer.step([np.ones(3)], [np.ones(3)])


# ---- conventions of the package


@every
@pytest.mark.parametrize("dtype", DTYPES)
def test_updates_in_place_and_keeps_the_dtype(make, dtype):
    params, grads = make_run(dtype)
    same, copies = list(params), [[g.copy() for g in slopes] for slopes in grads[:3]]
    starts = [param.copy() for param in params]
    optimizer = make()
    for slopes in grads[:3]:
        optimizer.step(params, slopes)
        kept = [value for value in optimizer.state.values() if isinstance(value, list)]
        assert all(array.dtype == dtype for arrays in kept for array in arrays)
    for param, start, before in zip(params, starts, same, strict=True):
        assert param is before
        assert param.dtype == dtype
        assert np.abs(param - start).max() > 1e-3
    for slopes, copied in zip(grads[:3], copies, strict=True):
        for g, c in zip(slopes, copied, strict=True):
            np.testing.assert_array_equal(g, c)


@every
def test_any_memory_layout_is_updated_in_place(make):
    rng = np.random.default_rng(7)
    start, grads = rng.normal(size=(4, 3)), rng.normal(size=(5, 4, 3))
    expected = start.copy()
    follow(make(), [expected], grads[:, None])
    wide = np.full((8, 6), 9.0)
    wide[::2, ::2] = start
    for param in (np.asfortranarray(start), wide[::2, ::2], start[::-1].copy()[::-1]):
        follow(make(), [param], [[np.asfortranarray(g)] for g in grads])
        np.testing.assert_array_equal(param, expected)
    assert (wide[1::2] == 9).all()
    assert (wide[:, 1::2] == 9).all()


@every
def test_lists_integers_and_other_precisions_serve_as_gradients(make):
    slopes = np.arange(6).reshape(2, 3) - 2
    expected = np.ones((2, 3))
    make().step([expected], [slopes.astype(float)])
    for other in (slopes, slopes.tolist(), slopes.astype(np.float32), slopes.astype(">f8")):
        param = np.ones((2, 3))
        make().step([param], [other])
        np.testing.assert_array_equal(param, expected)


@every
def test_empty_and_single_parameters(make):
    optimizer = make()
    optimizer.step([], [])
    assert optimizer.state["t"] == 1
    optimizer, number = make(), np.array(2.0)
    follow(optimizer, [np.empty((0, 3)), number], [[np.empty((0, 3)), np.array(1.0)]] * 2)
    vector = np.array([2.0])
    follow(make(), [vector], [[np.array([1.0])]] * 2)
    assert number == vector[0] != 2.0


@every
def test_the_gradient_may_be_the_parameter_itself(make):
    w, optimizer = np.array([1.0, -2.0]), make()
    expected, other = w.copy(), make()
    for _ in range(3):
        optimizer.step([w], [w])
        other.step([expected], [expected.copy()])
    np.testing.assert_array_equal(w, expected)


@every
def test_weights_that_are_updated_together_do_not_feel_each_other(make):
    w, grads = make_vectors(8)
    parts = [w[:2].copy(), w[2:].copy()]
    follow(make(), [w], grads[:, None])
    follow(make(), parts, [[g[:2], g[2:]] for g in grads])
    np.testing.assert_allclose(np.concatenate(parts), w, rtol=1e-12)


def test_defaults_are_those_of_the_contract():
    assert (Momentum(0.1).momentum, Nesterov(0.1).momentum) == (0.9, 0.9)
    assert SGD(0.1).weight_decay == 0.0
    rprop = RProp(0.1)
    assert (rprop.increase, rprop.decrease, rprop.min_step, rprop.max_step) == (1.2, 0.5, 1e-6, 50)
    assert (AdaDelta().rho, AdaDelta().eps, AdaDelta().learning_rate) == (0.95, 1e-6, 1.0)
    rmsprop, adam, adamw = RMSProp(), Adam(), AdamW()
    assert (rmsprop.learning_rate, rmsprop.rho, rmsprop.eps_inside_sqrt) == (1e-3, 0.9, True)
    assert (adam.learning_rate, adam.beta1, adam.beta2, adam.eps) == (1e-3, 0.9, 0.999, 1e-8)
    assert (adam.eps_inside_sqrt, adam.weight_decay, adam.decoupled) == (False, 0.0, False)
    assert (adamw.weight_decay, adamw.decoupled) == (1e-2, True)
    assert all(isinstance(make(), Optimizer) for make in EVERY.values())


# ---- float32, and large arrays


@every
def test_a_step_in_float32_is_that_of_float64_but_for_a_few_roundings(make):
    rng = np.random.default_rng(9)
    w, grads = rng.normal(size=100).astype(np.float32), rng.normal(size=(3, 100))
    grads = grads.astype(np.float32)
    single, double = make(weight_decay=0.2), make(weight_decay=0.2)
    other = w.astype(np.float64)
    follow(single, [w], grads[:, None])
    follow(double, [other], grads[:, None])
    np.testing.assert_allclose(w, other, rtol=0, atol=1e-6)


@pytest.mark.parametrize("optimizer", [Adam(), RMSProp(rho=0.999), AdaDelta(rho=0.999)], ids=repr)
def test_a_long_mean_square_keeps_its_digits_in_float32(optimizer):
    """0.999 and 0.001, each rounded to float32, add up to 1 + 1.3e-8, a thousand times."""
    rng = np.random.default_rng(10)
    grads = rng.normal(size=(4000, 30)).astype(np.float32)
    mean, w = np.zeros(30), np.ones(30, np.float32)
    for g in grads:
        optimizer.step([w], [g])
        mean = 0.999 * mean + 0.001 * g.astype(np.float64) ** 2
    (kept,) = optimizer.state["v" if isinstance(optimizer, Adam) else "mean_square"]
    assert abs(np.mean(kept / mean - 1)) < 2e-6


@pytest.mark.parametrize("beta", [0.0, 0.1])
def test_a_short_mean_forgets_in_float32_too(beta):
    """A mean that was written as m + (1 - beta) (g - m) would keep the digits that g lacks."""
    optimizer, w = Adam(beta1=beta, beta2=beta), np.ones(1, np.float32)
    for slope in (1e6, 1e-3):
        optimizer.step([w], [np.full(1, slope, np.float32)])
    expected = beta * (1 - beta) * 1e6 + (1 - beta) * 1e-3
    np.testing.assert_allclose(optimizer.state["m"][0], expected, rtol=3e-6)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "make",
    [
        lambda: Adam(eps=1e-60),
        lambda: Adam(eps=1e-60, eps_inside_sqrt=True),
        lambda: AdaGrad(eps=1e-60),
        lambda: RMSProp(eps=1e-60),
        lambda: AdaDelta(eps=1e-60),
        lambda: AdaMax(eps=1e-60),
        lambda: SGD(1e60),
        lambda: Momentum(1e60),
        lambda: AdamW(1e60, weight_decay=0.0),
        lambda: RProp(1.0, min_step=1e-60, max_step=1e60),
    ],
)
def test_settings_that_float32_cannot_hold_do_not_become_0_or_infinite(make, dtype):
    w, optimizer = np.array([2.0, 0.0], dtype), make()
    for _ in range(2):
        optimizer.step([w], [np.zeros(2, dtype)])
    np.testing.assert_array_equal(w, [2.0, 0.0])


@every
@pytest.mark.parametrize("dtype", DTYPES)
def test_parts_of_a_large_array_are_updated_as_the_whole(make, dtype, monkeypatch):
    rng = np.random.default_rng(11)
    w, grads = rng.normal(size=(40, 25)).astype(dtype), rng.normal(size=(3, 40, 25)).astype(dtype)
    other = w.copy()
    follow(make(), [w], grads[:, None])
    monkeypatch.setattr(_threads, "PART", 130)
    assert len(_threads.parts(w.size, w.size)) > 5
    follow(make(), [other], grads[:, None])
    np.testing.assert_array_equal(w, other)


# ---- bad input

NOT_NUMBERS = ["1", None, 1j, True]
NEGATIVE = [-0.1, np.nan, np.inf]
NOT_POSITIVE = [0.0, *NEGATIVE]
NOT_A_FRACTION = [1.0, 1.5, *NEGATIVE]
SHARED = {"weight_decay": NEGATIVE}
FLAGS = ["decoupled", "decay_biases"]
SETTINGS = {
    SGD: ({"learning_rate": NEGATIVE, **SHARED}, ["decay_biases"]),
    Momentum: (
        {"learning_rate": NEGATIVE, "momentum": NOT_A_FRACTION, **SHARED},
        [*FLAGS, "velocity_holds_rate"],
    ),
    Nesterov: (
        {"learning_rate": NEGATIVE, "momentum": NOT_A_FRACTION, **SHARED},
        [*FLAGS, "velocity_holds_rate"],
    ),
    LocalGains: (
        {
            "learning_rate": NEGATIVE,
            "increase": NEGATIVE,
            "decrease": [1.1, *NOT_POSITIVE],
            "min_gain": [1.1, *NOT_POSITIVE],
            "max_gain": [0.9, *NEGATIVE],
            **SHARED,
        },
        FLAGS,
    ),
    RProp: (
        {
            "learning_rate": NOT_POSITIVE,
            "increase": [0.9, *NEGATIVE],
            "decrease": [1.1, *NOT_POSITIVE],
            "min_step": NOT_POSITIVE,
            "max_step": NOT_POSITIVE,
            **SHARED,
        },
        FLAGS,
    ),
    AdaGrad: (
        {"learning_rate": NEGATIVE, "eps": NOT_POSITIVE, "initial_sum": NEGATIVE, **SHARED},
        [*FLAGS, "eps_inside_sqrt"],
    ),
    AdaDelta: (
        {"learning_rate": NEGATIVE, "rho": NOT_A_FRACTION, "eps": NOT_POSITIVE, **SHARED},
        FLAGS,
    ),
    RMSProp: (
        {"learning_rate": NEGATIVE, "rho": NOT_A_FRACTION, "eps": NOT_POSITIVE, **SHARED},
        [*FLAGS, "eps_inside_sqrt"],
    ),
    Adam: (
        {
            "learning_rate": NEGATIVE,
            "beta1": NOT_A_FRACTION,
            "beta2": NOT_A_FRACTION,
            "eps": NOT_POSITIVE,
            **SHARED,
        },
        [*FLAGS, "eps_inside_sqrt", "eps_hat"],
    ),
    AdamW: (
        {
            "learning_rate": NEGATIVE,
            "beta1": NOT_A_FRACTION,
            "beta2": NOT_A_FRACTION,
            "eps": NOT_POSITIVE,
            **SHARED,
        },
        ["decay_biases", "eps_inside_sqrt", "eps_hat"],
    ),
    AdaMax: (
        {
            "learning_rate": NEGATIVE,
            "beta1": NOT_A_FRACTION,
            "beta2": NOT_A_FRACTION,
            "eps": NOT_POSITIVE,
            **SHARED,
        },
        [*FLAGS, "eps_inside_max"],
    ),
}


def bad_settings():
    for kind, (numbers, flags) in SETTINGS.items():
        for name, values in numbers.items():
            yield from ((kind, name, value, ValueError) for value in values)
            yield from ((kind, name, value, TypeError) for value in NOT_NUMBERS)
        for name in flags:
            yield from ((kind, name, value, TypeError) for value in ("no", 1, None))


@pytest.mark.parametrize(("kind", "name", "bad", "error"), list(bad_settings()))
def test_bad_settings_are_refused_by_name(kind, name, bad, error):
    with pytest.raises(error, match=rf"^{name} must"):
        kind(**({"learning_rate": 0.1} | {name: bad}))
    # And afterwards, by the same rule.
    optimizer = kind(learning_rate=0.1)
    before = repr(optimizer)
    with pytest.raises(error, match=rf"^{name} must"):
        setattr(optimizer, name, bad)
    assert repr(optimizer) == before


@pytest.mark.parametrize("kind", SETTINGS)
def test_every_setting_is_checked_here(kind):
    numbers, flags = SETTINGS[kind]
    assert {*numbers, *flags} == set(inspect.signature(kind).parameters)


@pytest.mark.parametrize("kind", SETTINGS)
def test_the_help_of_an_optimizer_is_complete(kind):
    doc, settings = inspect.getdoc(kind), inspect.signature(kind).parameters
    for name in settings:
        assert re.search(rf"^(\w+, )*{name}\b", doc, re.MULTILINE), name
    for name in {"weight_decay", "decoupled", "decay_biases"} & set(settings):
        assert re.search(rf"^{name} : .*\n    \S", doc, re.MULTILINE), name


@every
def test_what_is_shown_makes_the_optimizer_again(make):
    optimizer = make(weight_decay=0.25, decay_biases=False)
    optimizer.step([np.ones(2)], [np.ones(2)])
    assert repr(eval(repr(optimizer))) == repr(optimizer)
    params, others = [np.ones((2, 2))], [np.ones((2, 2))]
    fresh, again = make(weight_decay=0.25, decay_biases=False), eval(repr(optimizer))
    for ours, target in ((fresh, params), (again, others)):
        follow(ours, target, [[np.full((2, 2), slope)] for slope in (0.3, -0.2, 0.1)])
    np.testing.assert_array_equal(params[0], others[0])


def test_an_optimizer_shows_its_settings_as_they_are_now():
    optimizer = Momentum(np.float32(0.5), momentum=np.float64(0.25))
    optimizer.learning_rate = 1
    assert repr(optimizer) == (
        "Momentum(learning_rate=1.0, momentum=0.25, weight_decay=0.0, velocity_holds_rate=True, "
        "decoupled=False, decay_biases=True)"
    )

    class Watched(SGD):
        def __init__(self, rate, pixel):
            super().__init__(rate)
            self.pixel = pixel

    assert repr(Watched(0.1, 3)) == "Watched(pixel=3)"


def test_a_setting_that_is_changed_between_steps_is_that_of_the_next_step():
    weights = [np.ones(2), np.ones(2)]
    changed, other = Adam(0.1, beta1=0.5), Adam(0.1, beta1=0.9)
    for optimizer, weight in zip((changed, other), weights, strict=True):
        optimizer.step([weight], [np.ones(2)])
    changed.state = other.state
    changed.beta1 = 0.9
    for optimizer, weight in zip((changed, other), weights, strict=True):
        optimizer.step([weight], [np.array([-2.0, 5.0])])
    np.testing.assert_allclose(*weights, rtol=1e-12)


@pytest.mark.parametrize(
    ("optimizer", "name", "value"),
    [(RProp(0.1), "learning_rate", 0.05), (AdaGrad(0.1), "initial_sum", 0.1)],
)
def test_where_a_memory_starts_from_is_fixed_by_the_first_step(optimizer, name, value):
    setattr(optimizer, name, 0.3)
    optimizer.step([np.ones(2)], [np.ones(2)])
    (start,) = optimizer.state["size" if name == "learning_rate" else "sum_of_squares"]
    np.testing.assert_allclose(start, 0.3 if name == "learning_rate" else 1.3)
    setattr(optimizer, name, 0.3)
    with pytest.raises(ValueError, match=rf"^{name} must stay 0.3 after the first step"):
        setattr(optimizer, name, value)
    # Another run's state brings its rate with it.
    optimizer.state = optimizer.state | {"learning_rate": 0.7}
    assert optimizer.learning_rate == 0.7


def test_the_bounds_of_rprop_fit_together():
    with pytest.raises(ValueError, match=r"^max_step must be at least min_step, 0.1, got 0.05"):
        RProp(0.1, min_step=0.1, max_step=0.05)
    optimizer = RProp(0.1)
    with pytest.raises(ValueError, match=r"^max_step must"):
        optimizer.min_step = 60.0
    assert optimizer.min_step == 1e-6


def test_adamw_stays_decoupled():
    optimizer = AdamW()
    with pytest.raises(ValueError, match=r"^decoupled must be True in AdamW"):
        optimizer.decoupled = False
    assert optimizer.decoupled


@pytest.mark.parametrize(
    ("dtype", "big"), [(np.float32, 1e20), (np.float32, 3e38), (np.float64, 1e160)]
)
@pytest.mark.parametrize("make", [AdaGrad, AdaDelta, RMSProp, Adam, AdamW, AdaMax])
def test_a_huge_finite_gradient_does_not_freeze_a_weight(make, dtype, big):
    """The step is the one of any other large gradient, and the weight goes on afterwards."""
    settings = {"beta2": 0.5} if "beta2" in inspect.signature(make).parameters else {}
    settings |= {"rho": 0.5} if "rho" in inspect.signature(make).parameters else {}
    weights = {large: np.ones(2, dtype) for large in (big, 1e15)}
    for large, weight in weights.items():
        optimizer = make(learning_rate=0.1, **settings)
        for _ in range(5):
            optimizer.step([weight], [np.array([large, -large], dtype)])
        before = weight.copy()
        for _ in range(1200):
            optimizer.step([weight], [np.array([1.0, -1.0], dtype)])
        for arrays in list(optimizer.state.values())[2:]:
            assert np.isfinite(arrays).all()
        if make is not AdaGrad:
            assert (np.abs(weight - before) > 0.01).all()
        weight[:] = before
    if make is not AdaGrad:
        np.testing.assert_allclose(weights[big], weights[1e15], rtol=1e-4)


@pytest.mark.parametrize("make", [AdaGrad, AdaDelta, RMSProp, Adam])
def test_an_infinite_gradient_is_not_taken_for_a_huge_one(make):
    weight = np.ones(2)
    with np.errstate(invalid="ignore"):
        make(learning_rate=0.1).step([weight], [np.array([np.inf, np.nan])])
    assert not np.isfinite(weight).any()


def test_one_place_for_adams_epsilon():
    with pytest.raises(ValueError, match=r"^eps_hat must"):
        Adam(eps_inside_sqrt=True, eps_hat=True)
    optimizer = Adam(eps_inside_sqrt=True)
    with pytest.raises(ValueError, match=r"^eps_hat must"):
        optimizer.eps_hat = True
    optimizer.eps_inside_sqrt = False
    optimizer.eps_hat = True


def test_a_bad_learning_rate_cannot_be_set():
    optimizer = SGD(0.1)
    for bad, error in ((-1.0, ValueError), (np.nan, ValueError), ("1", TypeError)):
        with pytest.raises(error, match=r"^learning_rate must"):
            optimizer.learning_rate = bad
    assert optimizer.learning_rate == 0.1


READ_ONLY = np.ones(3)
READ_ONLY.flags.writeable = False
P, G = np.ones((2, 3)), np.full((2, 3), 0.5)


@pytest.mark.parametrize(
    ("params", "grads", "name", "error"),
    [
        ([P, np.ones(3)], [G], "grads", ValueError),
        ([P], [G, G], "grads", ValueError),
        ([P, np.ones(3)], [G, np.ones(4)], "grads[1]", ValueError),
        ([P, np.ones(3)], [G, np.ones((1, 3))], "grads[1]", ValueError),
        ([P, np.ones(3)], [G, 1.0], "grads[1]", ValueError),
        ([P, np.ones(3)], [G, np.ones(3, complex)], "grads[1]", TypeError),
        ([P, np.ones(3)], [G, None], "grads[1]", TypeError),
        ([P, np.ones(3)], [G, ["a", "b", "c"]], "grads[1]", TypeError),
        ([P, [1.0, 2.0]], [G, np.ones(2)], "params[1]", TypeError),
        ([P, 1.0], [G, 1.0], "params[1]", TypeError),
        ([P, np.ones(3, int)], [G, np.ones(3)], "params[1]", TypeError),
        ([P, np.ones(3, np.float16)], [G, np.ones(3)], "params[1]", TypeError),
        ([P, np.ones(3, ">f8")], [G, np.ones(3)], "params[1]", TypeError),
        ([P, READ_ONLY], [G, np.ones(3)], "params[1]", ValueError),
    ],
)
@every
def test_a_step_that_does_not_fit_is_refused_and_changes_nothing(make, params, grads, name, error):
    optimizer = make()
    before = optimizer.state
    with pytest.raises(error) as caught:
        optimizer.step(params, grads)
    assert str(caught.value).startswith(f"{name} must")
    np.testing.assert_array_equal(P, np.ones((2, 3)))
    assert optimizer.state == before


@all_but("SGD")
def test_parameters_may_not_change_their_shapes_between_steps(make):
    optimizer, weight = make(), np.ones((2, 3))
    optimizer.step([weight], [G])
    before = optimizer.state
    for others in ([np.ones((3, 2))], [weight, np.ones(3)], []):
        with pytest.raises(ValueError, match=r"^params must"):
            optimizer.step(others, [np.ones_like(other) for other in others])
    np.testing.assert_equal(optimizer.state, before)


def test_the_base_class_says_what_it_lacks():
    with pytest.raises(
        NotImplementedError, match=r"^Optimizer has no step of its own.*step\(params"
    ):
        Optimizer(0.1).step([np.ones(2)], [np.ones(2)])


@every
def test_what_the_first_step_has_checked_may_change_and_is_refused_then(make):
    optimizer, weight = make(), np.ones((2, 3))
    optimizer.step([weight], [G])
    before = optimizer.state
    for bad in (np.ones((3, 2)), np.ones((2, 3), complex)):
        with pytest.raises((ValueError, TypeError), match=r"^grads\[0\] must"):
            optimizer.step([weight], [bad])
    weight.flags.writeable = False
    with pytest.raises(ValueError, match=r"^params\[0\] must be writeable"):
        optimizer.step([weight], [G])
    np.testing.assert_equal(optimizer.state, before)


@every
def test_a_copy_of_an_optimizer_goes_on_by_itself(make):
    params, grads = make_run(np.float64)
    optimizer = make()
    follow(optimizer, params, grads[:2])
    # Together, so that the copies of arrays that both hold are the same too.
    others, copied = copy.deepcopy((params, optimizer))
    after = follow(copied, others, grads[2:5])
    np.testing.assert_array_equal(in_a_row(after), in_a_row(follow(optimizer, params, grads[2:5])))
    for name in set(optimizer.state) - {"t", "learning_rate"}:
        for kept, same in zip(optimizer.state[name], copied.state[name], strict=True):
            np.testing.assert_array_equal(kept, same)


@every
@pytest.mark.parametrize("order", ["C", "F"])
def test_steps_on_the_same_arrays_are_those_on_others(make, order):
    """What a step has looked up serves the next one, whatever is set in between."""
    generator = np.random.default_rng(0)
    start = [generator.normal(size=(2, 3)), generator.normal(size=3).astype(np.float32)]
    start += [np.asarray(generator.normal(size=(2, 3)), order=order)]
    steps = generator.normal(size=(6, 6))
    results = []
    for again in (True, False):
        optimizer, params = make(), [w.copy(order="K") for w in start]
        grads = [np.empty(w.shape, w.dtype) for w in params]
        for k, step in enumerate(steps):
            for g in grads:
                g[...] = step[: g.size].reshape(g.shape)
            optimizer.weight_decay, optimizer.decay_biases = 0.1 * k, k % 2 == 0
            if k == 3:
                optimizer.state = optimizer.state
            optimizer.step(params, grads if again else [g.copy() for g in grads])
        results.append((params, optimizer.state))
    np.testing.assert_equal(results[0], results[1])
