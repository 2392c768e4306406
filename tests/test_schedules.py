import math
import warnings
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import frozen, torch

from gradlab.gradient_descent import gradient_descent
from gradlab.schedules import (
    PerformanceSchedule,
    cosine_decay,
    exponential_decay,
    one_cycle,
    performance_rates,
    piecewise_constant,
    power_decay,
    step_decay,
    warmup_cosine_decay,
)

T = np.arange(60)


def optax():
    return pytest.importorskip("optax", reason="optax is not installed: run `make oracles`")


def pytorch_rates(make, steps, lr=1.0, metrics=None):
    """The learning rate that PyTorch's optimizer has at each step."""
    pytorch = torch()
    optimizer = pytorch.optim.SGD([pytorch.zeros(1)], lr=lr)
    with warnings.catch_warnings():
        # SequentialLR calls its own schedulers in a way that PyTorch warns of.
        warnings.simplefilter("ignore", UserWarning)
        scheduler = make(pytorch.optim.lr_scheduler, optimizer)
        result = []
        for t in range(steps):
            result.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            scheduler.step(*(() if metrics is None else (metrics[t],)))
    return np.array(result)


def optax_rates(schedule, steps):
    import jax

    compiled = jax.jit(schedule)
    return np.array([float(compiled(t)) for t in range(steps)])


def assert_float32(got, expected):
    """Optax computes in float32."""
    np.testing.assert_allclose(got, expected, rtol=2e-5, atol=2e-7 * np.abs(expected).max())


positive = st.floats(0.01, 100)

# ---- the definitions


@pytest.mark.equation("sched-power")
@pytest.mark.equation("sched-power-ratio")
@given(st.integers(0, 1000), positive, positive, st.floats(0, 3))
def test_power_decay_is_the_definition(t, init, s, c):
    assert power_decay(t, init, s, c) == pytest.approx(init / (1 + t / s) ** c)
    # Deck H eq. (2), here for k = t.
    ratio = power_decay((t + 1) * s, init, s, c) / power_decay(t * s, init, s, c)
    assert ratio == pytest.approx((1 - 1 / (t + 2)) ** c)


@pytest.mark.equation("sched-exponential")
@pytest.mark.equation("sched-exponential-ratio")
@given(st.integers(0, 100), positive, positive, st.floats(0.05, 1))
def test_exponential_decay_is_the_definition(t, init, s, rate):
    assert exponential_decay(t, init, s, rate) == pytest.approx(init * rate ** (t / s))
    ratio = exponential_decay((t + 1) * s, 1.0, s, rate) / exponential_decay(t * s, 1.0, s, rate)
    assert ratio == pytest.approx(rate)


def test_middle_term_of_deck_h_eq_4_is_another_ratio():
    # The deck's exponents, (k + 1)/s and k/s, are those of neighboring steps.
    k, s = 3, 20
    middle = 0.1 ** ((k + 1) / s) / 0.1 ** (k / s)
    assert middle == pytest.approx(exponential_decay(k + 1, 1.0, s) / exponential_decay(k, 1.0, s))
    assert middle == pytest.approx(0.1 ** (1 / s))
    assert abs(middle - 0.1) > 0.7


@pytest.mark.equation("sched-step")
@given(st.integers(0, 1000), st.integers(1, 100), st.floats(0.05, 1))
def test_step_decay_is_the_definition(t, s, rate):
    assert step_decay(t, 0.3, s, rate) == pytest.approx(0.3 * rate ** (t // s))


@pytest.mark.equation("sched-piecewise")
@given(st.lists(st.integers(0, 50), max_size=5, unique=True), st.integers(0, 60))
def test_piecewise_constant_is_the_definition(boundaries, t):
    boundaries = sorted(boundaries)
    values = [0.5, 0.1, 0.4, 0.0, 0.3, 0.2][: len(boundaries) + 1]
    assert piecewise_constant(t, boundaries, values) == values[sum(b <= t for b in boundaries)]
    old = piecewise_constant(t, boundaries, values, at_boundary="old")
    assert old == values[sum(b < t for b in boundaries)]


@pytest.mark.equation("sched-cosine")
@given(st.floats(0, 200), st.floats(0, 2), positive, st.floats(0, 2))
def test_cosine_decay_is_the_definition(t, init, total, end):
    expected = end + (init - end) / 2 * (1 + math.cos(math.pi * min(t, total) / total))
    assert cosine_decay(t, init, total, end) == pytest.approx(expected, abs=1e-12)


@pytest.mark.equation("sched-warmup-cosine")
@given(st.floats(0, 200), st.floats(0, 2), st.floats(0, 2), st.floats(0, 50), positive)
def test_warmup_cosine_decay_is_the_definition(t, init, peak, warmup, decay):
    total = warmup + decay
    got = warmup_cosine_decay(t, init, peak, warmup, total, end_value=0.25)
    if t < warmup:
        expected = init + (peak - init) * t / warmup
    else:
        angle = math.pi * (min(t, total) - warmup) / (total - warmup)
        expected = 0.25 + (peak - 0.25) / 2 * (1 + math.cos(angle))
    assert got == pytest.approx(expected, abs=1e-9)


@pytest.mark.equation("sched-one-cycle")
@pytest.mark.parametrize("convention", ["pytorch", "optax"])
@pytest.mark.parametrize("shape", ["cosine", "linear"])
@pytest.mark.parametrize("back", [None, 0.75])
def test_one_cycle_is_the_definition(convention, shape, back):
    n, top, d, final = 53, 0.9, 5.0, 40.0
    start, end = top / d, top / d / final
    if convention == "pytorch":
        corners = [(0, start), (0.3 * n - 1, top), (0.75 * n - 2, start), (n - 1, end)]
    else:
        corners = [(0, start), (int(0.3 * n), top), (int(0.75 * n), start), (n, end)]
    if back is None:
        del corners[2]
    got = one_cycle(T, top, n, 0.3, d, final, shape, back, convention)
    for t in T:
        expected = end
        for (left, a), (right, b) in pairwise(corners):
            if left <= t < right:
                u = (t - left) / (right - left)
                g = u if shape == "linear" else (1 - math.cos(math.pi * u)) / 2
                expected = a + (b - a) * g
        assert got[t] == pytest.approx(expected, rel=1e-9)


# ---- what they are for


@given(positive, positive, st.floats(0, 3), st.floats(0.05, 1))
def test_decays_start_at_their_initial_value_and_never_rise(init, s, c, rate):
    for values in (
        power_decay(T, init, s, c),
        exponential_decay(T, init, s, rate),
        step_decay(T, init, s, rate),
        cosine_decay(T, init, s, 0.5 * init),
    ):
        assert values[0] == pytest.approx(init, rel=1e-15)
        assert (np.diff(values) <= 1e-15 * init).all()


@pytest.mark.parametrize("end", [0.0, 1e-9, 0.3])
def test_ends_are_exact_and_last(end):
    for t in (40, 41, 1e6):
        assert cosine_decay(t, 0.7, 40, end) == end
        assert warmup_cosine_decay(t, 0.1, 0.7, 10, 40, end) == end
    assert warmup_cosine_decay(10, 0.1, 0.7, 10, 40, end) == 0.7
    assert warmup_cosine_decay(0, 0.1, 0.7, 10, 40, end) == 0.1
    assert warmup_cosine_decay(0, 0.1, 0.7, 0, 40, end) == 0.7
    assert one_cycle(50, 0.7, 50) == one_cycle(49, 0.7, 50) == 0.7 / 25 / 1e4
    assert one_cycle(15, 0.7, 50, convention="optax") == 0.7


def test_sums_of_rates_decide_whether_the_optimum_is_in_reach():
    # Robbins and Monro: with a falling rate, power decay gets there, exponential decay stops short.
    def distance(schedule):
        return abs(gradient_descent(lambda x: x, [1.0], schedule, 3000)[-1, 0])

    assert distance(lambda t: power_decay(t, 0.01, 200)) < 0.01
    left = distance(lambda t: exponential_decay(t, 0.01, 200))
    total = 0.01 / (1 - 0.1 ** (1 / 200))
    assert left == pytest.approx(math.exp(-total), rel=0.02)


# ---- agreement with PyTorch


def test_agrees_with_frozen_pytorch():
    stored = frozen("schedules")
    ours = {
        "exponential": exponential_decay(np.arange(50), 0.3, 1, 0.9),
        "step": step_decay(np.arange(50), 0.3, 7, 0.2),
        "piecewise": piecewise_constant(np.arange(50), [5, 20, 21], [0.8, 0.4, 0.2, 0.1]),
        "one_cycle": one_cycle(np.arange(50), 0.7, 50),
        "one_cycle_linear": one_cycle(np.arange(47), 0.7, 47, 0.21, 8, 30, "linear", 0.42),
    }
    for name, got in ours.items():
        np.testing.assert_allclose(got, stored[name], rtol=1e-9, err_msg=name)
    cosine = cosine_decay(T, 0.3, 40, 0.02)
    np.testing.assert_allclose(cosine[:41], stored["cosine"][:41], rtol=1e-9)
    # PyTorch comes back up.
    np.testing.assert_allclose(cosine[21:41][::-1], stored["cosine"][40:60], rtol=1e-9)
    schedule = PerformanceSchedule(0.8, 0.5, patience=2, min_delta=0.15, min_value=0.01)
    rates = [0.8] + [schedule.update(m) for m in stored["metrics"]]
    np.testing.assert_allclose(rates[:-1], stored["plateau"])
    assert schedule.reductions > 2


def test_agrees_with_pytorch():
    got = exponential_decay(T, 0.3, 12, 0.2)
    np.testing.assert_allclose(
        got, pytorch_rates(lambda m, o: m.ExponentialLR(o, 0.2 ** (1 / 12)), 60, 0.3)
    )
    np.testing.assert_allclose(
        step_decay(T, 0.3, 13, 0.7), pytorch_rates(lambda m, o: m.StepLR(o, 13, 0.7), 60, 0.3)
    )
    np.testing.assert_allclose(
        piecewise_constant(T, [3, 30], [2.0, 0.5, 0.125]),
        pytorch_rates(lambda m, o: m.MultiStepLR(o, [3, 30], 0.25), 60, 2.0),
    )
    cosine = pytorch_rates(lambda m, o: m.CosineAnnealingLR(o, 59, eta_min=0.1), 60, 0.4)
    np.testing.assert_allclose(cosine_decay(T, 0.4, 59, 0.1), cosine)


def test_warmup_cosine_agrees_with_pytorch_in_sequence():
    def make(m, optimizer):
        warmup = m.LinearLR(optimizer, start_factor=0.25, total_iters=8)
        falling = m.CosineAnnealingLR(optimizer, T_max=52)
        return m.SequentialLR(optimizer, [warmup, falling], milestones=[8])

    expected = pytorch_rates(make, 60, 0.4)
    np.testing.assert_allclose(warmup_cosine_decay(T, 0.1, 0.4, 8, 60), expected, atol=1e-12)


@given(
    n=st.integers(20, 80),
    percent=st.integers(10, 45),
    shape=st.sampled_from(["cosine", "linear"]),
    three=st.booleans(),
    d=st.floats(1, 50),
    final=st.floats(1, 1e5),
)
def test_one_cycle_agrees_with_pytorch(n, percent, shape, three, d, final):
    share = percent / 100
    expected = pytorch_rates(
        lambda m, o: m.OneCycleLR(
            o,
            0.9,
            n,
            pct_start=share,
            anneal_strategy=shape[:3] if shape == "cosine" else shape,
            cycle_momentum=False,
            div_factor=d,
            final_div_factor=final,
            three_phase=three,
        ),
        n,
    )
    back = 2 * share if three else None
    got = one_cycle(np.arange(n), 0.9, n, share, d, final, shape, back)
    np.testing.assert_allclose(got, expected, rtol=1e-9)


@given(
    st.lists(st.integers(-5, 5) | st.just(math.nan), max_size=40),
    st.integers(0, 4),
    st.sampled_from([0.0, 0.5, 1.0, 2.0]),
    st.sampled_from(["min", "max"]),
    st.sampled_from([0.0, 0.02]),
)
def test_performance_schedule_agrees_with_pytorch(metrics, patience, delta, mode, floor):
    schedule = PerformanceSchedule(0.8, 0.5, patience, delta, floor, mode)
    got = [schedule.value]
    for metric in metrics:
        assert schedule.update(metric) == schedule.value
        got.append(schedule.value)
    expected = pytorch_rates(
        lambda m, o: m.ReduceLROnPlateau(
            o,
            mode=mode,
            factor=0.5,
            patience=patience,
            threshold=delta,
            threshold_mode="abs",
            min_lr=floor,
            eps=0,
        ),
        len(metrics) + 1,
        0.8,
        [*metrics, 0.0],
    )
    np.testing.assert_allclose(got, expected)


# ---- agreement with optax


def test_agrees_with_optax():
    library = optax()
    assert_float32(
        exponential_decay(T, 0.3, 12, 0.2), optax_rates(library.exponential_decay(0.3, 12, 0.2), 60)
    )
    staircase = library.exponential_decay(0.3, 12, 0.2, staircase=True)
    assert_float32(step_decay(T, 0.3, 12, 0.2), optax_rates(staircase, 60))
    pieces = library.piecewise_constant_schedule(2.0, {3: 0.25, 30: 0.5})
    assert_float32(piecewise_constant(T, [3, 30], [2.0, 0.5, 0.25]), optax_rates(pieces, 60))
    cosine = library.cosine_decay_schedule(0.4, 40, alpha=0.1 / 0.4)
    assert_float32(cosine_decay(T, 0.4, 40, 0.1), optax_rates(cosine, 60))
    for warmup in (0, 8):
        expected = library.warmup_cosine_decay_schedule(0.1, 0.7, warmup, 50, 0.05)
        assert_float32(
            warmup_cosine_decay(T, 0.1, 0.7, warmup, 50, 0.05), optax_rates(expected, 60)
        )


@pytest.mark.parametrize(("n", "share"), [(50, 0.3), (37, 0.41)])
def test_one_cycle_agrees_with_optax(n, share):
    library = optax()
    two = library.cosine_onecycle_schedule(n, 0.9, share, 8.0, 50.0)
    got = one_cycle(T, 0.9, n, share, 8.0, 50.0, convention="optax")
    assert_float32(got, optax_rates(two, 60))
    three = library.linear_onecycle_schedule(n, 0.9, share, 0.85, 8.0, 50.0)
    got = one_cycle(T, 0.9, n, share, 8.0, 50.0, "linear", 0.85, "optax")
    assert_float32(got, optax_rates(three, 60))


def test_one_cycle_of_the_two_libraries_is_a_step_apart():
    # With whole numbers of steps in the phases.
    late = one_cycle([0, 15, 50], 1.0, 50, convention="optax")
    early = one_cycle([0, 14, 49], 1.0, 50, convention="pytorch")
    np.testing.assert_allclose(late, early, rtol=1e-12)


@pytest.mark.parametrize("patience", [1, 3])
def test_optax_reduces_one_update_earlier(patience):
    optax()
    import jax
    from optax.contrib import reduce_on_plateau

    rng = np.random.default_rng(0)
    metrics = rng.integers(0, 20, 40)
    transform = reduce_on_plateau(factor=0.5, patience=patience, rtol=0.0, atol=1.0)
    update = jax.jit(transform.update)
    state, expected = transform.init(np.zeros(1, np.float32)), []
    for metric in metrics:
        scale, state = update(np.ones(1, np.float32), state, value=float(metric))
        expected.append(float(scale[0]))
    schedule = PerformanceSchedule(1.0, 0.5, patience=patience - 1, min_delta=1.0)
    np.testing.assert_allclose([schedule.update(int(m)) for m in metrics], expected)
    assert schedule.reductions > 3


# ---- the performance schedule


@pytest.mark.equation("sched-performance")
@pytest.mark.parametrize("patience", [0, 1, 4])
def test_patience_is_borne_and_the_next_update_reduces(patience):
    schedule = PerformanceSchedule(0.8, factor=0.5, patience=patience)
    assert schedule.update(1.0) == 0.8
    for _ in range(patience):
        assert schedule.update(1.0) == 0.8
    assert schedule.update(1.0) == 0.4
    assert (schedule.best, schedule.bad_updates, schedule.reductions) == (1.0, 0, 1)
    # An improvement in between starts the count anew.
    for _ in range(patience):
        schedule.update(1.0)
    assert schedule.update(0.5) == 0.4
    for _ in range(patience):
        assert schedule.update(0.7) == 0.4
    assert schedule.update(0.7) == 0.2


@given(
    st.lists(st.floats(-3, 3) | st.sampled_from([math.nan, math.inf, -math.inf]), max_size=30),
    st.integers(0, 3),
    st.sampled_from([0.0, 0.5]),
    st.sampled_from(["min", "max"]),
)
def test_rates_of_a_curve_are_those_of_its_updates(metrics, patience, min_delta, mode):
    settings = {
        "factor": 0.5,
        "patience": patience,
        "min_delta": min_delta,
        "min_value": 0.1,
        "mode": mode,
    }
    schedule = PerformanceSchedule(1.0, **settings)
    expected = [schedule.update(metric) for metric in metrics]
    rates = performance_rates(np.array(metrics, float), 1.0, **settings)
    assert rates.tolist() == expected
    # Three stretches of the curve, from state to state.
    schedule = PerformanceSchedule(1.0, **settings)
    third = len(metrics) // 3
    for part in (metrics[:third], metrics[third : 2 * third], metrics[2 * third :]):
        schedule._run(np.array(part, float))
    assert schedule.value == (expected[-1] if expected else 1.0)


def test_a_curve_of_metrics_is_checked_by_name():
    with pytest.raises(ValueError, match="metrics must have 1 dimension"):
        performance_rates([[1.0]], 0.5)
    with pytest.raises(TypeError, match="metrics must hold"):
        performance_rates(["a"], 0.5)
    with pytest.raises(ValueError, match="patience must be at least 0"):
        performance_rates([1.0], 0.5, patience=-1)


def test_min_delta_is_in_the_unit_of_the_metric():
    schedule = PerformanceSchedule(1.0, 0.5, patience=0, min_delta=0.25)
    assert [schedule.update(m) for m in (2.0, 1.75, 1.5)] == [1.0, 0.5, 0.5]
    assert schedule.best == 1.5
    schedule = PerformanceSchedule(1.0, 0.5, patience=0, min_delta=0.25, mode="max")
    assert [schedule.update(m) for m in (-2.0, -1.75, -1.5, -9)] == [1.0, 0.5, 0.5, 0.25]


def test_the_rate_stops_at_its_lower_bound():
    schedule = PerformanceSchedule(1.0, 0.1, patience=0, min_value=0.05)
    assert [schedule.update(1.0) for _ in range(5)] == [1.0, 0.1, 0.05, 0.05, 0.05]
    assert schedule.reductions == 2


@pytest.mark.parametrize("mode", ["min", "max"])
@pytest.mark.parametrize("kind", [float, np.float32, np.float64, np.array])
def test_a_metric_that_is_infinite_or_not_a_number_is_no_improvement(mode, kind):
    schedule = PerformanceSchedule(1.0, 0.5, patience=0, mode=mode)
    metrics = (math.nan, math.inf, -math.inf, 1.0, math.nan)
    rates = [schedule.update(kind(metric)) for metric in metrics]
    assert rates == [0.5, 0.25, 0.125, 0.125, 0.0625]
    assert schedule.best == 1.0


# ---- conventions of the package

SCHEDULES = {
    power_decay: {"init_value": 0.3, "decay_steps": 7, "power": 0.8},
    exponential_decay: {"init_value": 0.3, "decay_steps": 7, "decay_rate": 0.5},
    step_decay: {"init_value": 0.3, "decay_steps": 7, "decay_rate": 0.5},
    piecewise_constant: {"boundaries": [3.0, 6.0], "values": [0.3, 0.2, 0.1], "at_boundary": "new"},
    cosine_decay: {"init_value": 0.3, "decay_steps": 7, "end_value": 0.1},
    warmup_cosine_decay: {
        "init_value": 0.1,
        "peak_value": 0.3,
        "warmup_steps": 3,
        "decay_steps": 9,
        "end_value": 0.01,
    },
    one_cycle: {
        "max_value": 0.3,
        "total_steps": 20,
        "warmup_fraction": 0.3,
        "div_factor": 25.0,
        "final_div_factor": 1e4,
        "shape": "cosine",
        "return_fraction": 0.6,
        "convention": "pytorch",
    },
}
schedules = pytest.mark.parametrize("schedule", SCHEDULES)


@schedules
def test_scalars_give_floats_and_arrays_arrays(schedule):
    arguments = SCHEDULES[schedule]
    steps = np.arange(12).reshape(3, 4)
    values = schedule(steps, **arguments)
    assert (values.shape, values.dtype) == ((3, 4), np.float64)
    wide = np.zeros((3, 8))
    wide[:, ::2] = steps
    for other in (steps.tolist(), steps.astype(float), np.asfortranarray(steps), wide[:, ::2]):
        np.testing.assert_array_equal(schedule(other, **arguments), values)
    for kind in (int, float, np.int64, np.float32, np.float64, np.array):
        for index in np.ndindex(3, 4):
            single = schedule(kind(steps[index]), **arguments)
            assert type(single) is float
            assert single == pytest.approx(values[index], rel=1e-15)
    single = schedule(steps.astype(np.float32), **arguments)
    assert single.dtype == np.float32
    np.testing.assert_array_equal(single, values.astype(np.float32))
    np.testing.assert_array_equal(steps, np.arange(12).reshape(3, 4))
    assert schedule(np.zeros((0, 2)), **arguments).shape == (0, 2)


@schedules
def test_a_step_far_beyond_the_end_is_no_trouble(schedule):
    arguments = SCHEDULES[schedule]
    assert 0 <= schedule(1e308, **arguments) <= 0.1
    if "decay_steps" in arguments and "warmup_steps" not in arguments:
        assert 0 <= schedule(1e308, **(arguments | {"decay_steps": 1e-308})) <= 0.1


# ---- bad input


def bad_calls():
    for schedule, good in SCHEDULES.items():
        for step in (-1, [0, -1], np.nan, np.inf, [[1.0], [1.0, 2.0]]):
            yield schedule, "step", step, ValueError
        for step in ("1", None, 1j, True, [None]):
            yield schedule, "step", step, TypeError
        for name, value in good.items():
            if isinstance(value, str):
                yield schedule, name, "other", ValueError
                yield schedule, name, None, ValueError
            elif not isinstance(value, list):
                wrong = TypeError if name == "total_steps" else ValueError
                yield schedule, name, -1, ValueError
                yield from ((schedule, name, v, wrong) for v in (np.nan, np.inf))
                yield from ((schedule, name, v, TypeError) for v in ("1", 1j, True, [1.0, 2.0]))
        for name, bad in (
            ("decay_steps", 0),
            ("decay_rate", 0),
            ("decay_rate", 1.01),
            ("warmup_fraction", 0),
            ("warmup_fraction", 1),
            ("return_fraction", 0),
            ("return_fraction", 1),
            ("div_factor", 0.99),
            ("final_div_factor", 0.99),
        ):
            if name in good:
                yield schedule, name, bad, ValueError
    yield warmup_cosine_decay, "decay_steps", 3, ValueError
    for bad in (0, 2, 3):
        yield one_cycle, "total_steps", bad, ValueError
    yield one_cycle, "total_steps", 20.0, TypeError
    for bad in ([6, 3], [3, 3], [-1, 3], [3, np.nan], [3, np.inf], [[3, 6]], 3.0):
        yield piecewise_constant, "boundaries", bad, ValueError
    for bad in ([0.1], [0.1] * 4, [0.1, -0.1, 0.1], [0.1, np.nan, 0.1], [[0.1] * 3], 0.1, []):
        yield piecewise_constant, "values", bad, ValueError
    for name in ("boundaries", "values"):
        for bad in (None, "1", [1j, 2], [True, False, True], ["a", "b", "c"]):
            yield piecewise_constant, name, bad, TypeError


@pytest.mark.parametrize(("schedule", "name", "bad", "error"), list(bad_calls()))
def test_bad_input_is_refused_by_name(schedule, name, bad, error):
    with pytest.raises(error, match=rf"^{name} must"):
        schedule(**({"step": 3} | SCHEDULES[schedule] | {name: bad}))


def test_phases_must_not_overlap():
    for bad in ({"return_fraction": 0.3}, {"return_fraction": 0.2}, {"warmup_fraction": 0.05}):
        with pytest.raises(ValueError, match=r"^total_steps must"):
            one_cycle(3, **(SCHEDULES[one_cycle] | bad))


GOOD = {
    "init_value": 0.5,
    "factor": 0.1,
    "patience": 2,
    "min_delta": 0.0,
    "min_value": 0.0,
    "mode": "min",
}


@pytest.mark.parametrize(
    ("name", "bad", "error"),
    [
        (name, bad, ValueError)
        for name in ("init_value", "factor", "min_delta", "min_value")
        for bad in (-0.1, np.nan, np.inf)
    ]
    + [
        (name, bad, TypeError)
        for name in ("init_value", "factor", "patience", "min_delta", "min_value")
        for bad in ("1", None, 1j, True)
    ]
    + [
        ("factor", 0, ValueError),
        ("factor", 1, ValueError),
        ("patience", -1, ValueError),
        ("patience", 1.0, TypeError),
        ("min_value", 0.6, ValueError),
        ("mode", "auto", ValueError),
        ("mode", None, ValueError),
    ],
)
def test_bad_performance_schedules_are_refused_by_name(name, bad, error):
    with pytest.raises(error, match=rf"^{name} must"):
        PerformanceSchedule(**(GOOD | {name: bad}))


def test_a_performance_schedule_shows_its_settings():
    schedule = PerformanceSchedule(0.5, patience=0)
    schedule.update(1.0)
    schedule.update(2.0)
    assert repr(schedule) == (
        "PerformanceSchedule(init_value=0.5, factor=0.1, patience=0, min_delta=0.0, min_value=0.0, "
        "mode='min')"
    )


@pytest.mark.parametrize("bad", ["1", None, 1j, True, [1.0, 2.0], np.ones(2)])
def test_bad_metrics_are_refused_by_name(bad):
    schedule = PerformanceSchedule(0.5, patience=0)
    with pytest.raises(TypeError, match=r"^metric must"):
        schedule.update(bad)
    assert (schedule.value, schedule.bad_updates) == (0.5, 0)
