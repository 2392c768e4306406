import math

import numpy as np
import pytest
import support  # noqa: F401 (kernels compile on their first call: no deadline)
from hypothesis import given
from hypothesis import strategies as st

from gradlab.early_stopping import EarlyStopping, stopping_step

DTYPES = [np.float64, np.float32]


def run(metrics, **settings):
    """Return the index of the update that asked to stop, or None."""
    stopping = EarlyStopping(**settings)
    for step, metric in enumerate(metrics):
        if stopping.update(metric):
            return step
    return None


def expected_stop(metrics, patience, min_delta, mode):
    """The rule as Keras has it, with the whole history in view instead of counters."""
    sign = 1 if mode == "min" else -1
    improvements, best = [], math.inf
    for step, metric in enumerate(metrics):
        if sign * metric + min_delta < best:
            best = sign * metric
            improvements.append(step)
        last = improvements[-1] if improvements else -1
        if step - last >= max(patience, 1):
            return step
    return None


METRICS = st.lists(
    st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, math.nan]), min_size=1, max_size=30
)


@pytest.mark.equation("es-improvement")
@pytest.mark.equation("es-stop")
@given(METRICS, st.integers(0, 5), st.sampled_from([0.0, 0.25, 0.6]), st.booleans())
def test_stops_where_the_definition_stops(metrics, patience, min_delta, rising):
    mode = "max" if rising else "min"
    settings = {"patience": patience, "min_delta": min_delta, "mode": mode}
    stop = expected_stop(metrics, patience, min_delta, mode)
    assert run(metrics, **settings) == stop
    stopping = EarlyStopping(**settings)
    for metric in metrics[: None if stop is None else stop + 1]:
        stopping.update(metric)
    assert stopping_step(metrics, **settings) == (stop, stopping.best_step)


def test_a_whole_curve_may_be_anything_that_holds_numbers():
    assert stopping_step([], patience=3) == (None, None)
    assert stopping_step([math.nan, -math.inf], patience=2) == (1, None)
    assert stopping_step([math.nan, -math.inf], patience=3) == (None, None)
    for curve in ([3, 1, 2, 2], np.array([3, 1, 2, 2], np.float32), (3.0, 1.0, 2.0, 2.0)):
        stop, best = stopping_step(curve, patience=2)
        assert (stop, best) == (3, 1)
        assert type(stop) is type(best) is int
    # What comes after the stop was never seen.
    assert stopping_step([2.0, 3.0, 1.0], patience=1) == (1, 0)
    assert stopping_step([2.0, 3.0, 1.0], patience=1, mode="max") == (2, 1)


@pytest.mark.parametrize(
    ("name", "bad", "error"),
    [
        ("metrics", [[1.0]], ValueError),
        ("metrics", 1.0, ValueError),
        ("metrics", ["a"], TypeError),
        ("metrics", None, TypeError),
        ("patience", -1, ValueError),
        ("patience", 1.5, TypeError),
        ("min_delta", -1.0, ValueError),
        ("mode", "best", ValueError),
    ],
)
def test_a_curve_or_setting_that_does_not_fit_is_refused_by_name(name, bad, error):
    with pytest.raises(error, match=rf"^{name} must"):
        stopping_step(**({"metrics": [1.0], "patience": 1} | {name: bad}))


def test_shows_its_settings():
    stopping = EarlyStopping(patience=5, mode="max")
    assert repr(stopping) == "EarlyStopping(patience=5, min_delta=0.0, mode='max')"


@pytest.mark.equation("es-stop")
@pytest.mark.parametrize(("patience", "stop"), [(0, 2), (1, 2), (2, 3), (3, None)])
def test_patience_counts_consecutive_updates(patience, stop):
    assert run([5, 4, 4.5, 4.2, 3, 3.5, 3], patience=patience) == stop


@pytest.mark.equation("es-improvement")
def test_a_change_of_exactly_min_delta_is_no_improvement():
    stopping = EarlyStopping(patience=2, min_delta=0.25)
    assert not stopping.update(1.0)
    assert not stopping.update(0.75)
    assert (stopping.best, stopping.best_step, stopping.wait) == (1.0, 0, 1)
    # Compared with the best, not with the update before: small steps add up.
    assert not stopping.update(0.5)
    assert (stopping.best, stopping.best_step, stopping.wait) == (0.5, 2, 0)
    assert run([1.0, 1.0, 1.0], patience=2) == 2


def test_the_first_metric_is_an_improvement_whatever_it_is():
    for mode, metric in (("min", 1e300), ("max", -1e300)):
        stopping = EarlyStopping(patience=1, min_delta=10.0, mode=mode)
        assert math.isinf(stopping.best)
        assert stopping.best_step is None
        assert not stopping.update(metric)
        assert (stopping.best, stopping.best_step) == (metric, 0)


def test_min_and_max_mirror_each_other():
    metrics = [3.0, 2.0, 2.5, 1.0, 1.5, 1.2, 1.1]
    assert run(metrics, patience=3, mode="min") == 6
    assert run([-m for m in metrics], patience=3, mode="max") == 6
    assert run(metrics, patience=3, mode="max") == 3


@pytest.mark.parametrize(
    "bad", [math.nan, math.inf, -math.inf, np.float32("nan"), np.array(np.nan)]
)
def test_a_metric_that_is_not_finite_is_no_improvement(bad):
    for mode in ("min", "max"):
        stopping = EarlyStopping(patience=2, mode=mode)
        assert not stopping.update(bad)
        assert stopping.best_step is None
        assert not stopping.update(0.5)
        assert not stopping.update(bad)
        assert (stopping.best, stopping.best_step) == (0.5, 1)
        assert stopping.update(bad)


def test_goes_on_after_it_has_asked_to_stop():
    stopping = EarlyStopping(patience=1)
    assert [stopping.update(m) for m in (2.0, 3.0, 3.0, 1.0, 2.0)] == [
        False,
        True,
        True,
        False,
        True,
    ]
    assert stopping.best_step == 3


def test_numbers_of_any_kind_are_metrics():
    for metric in (1, np.int64(1), np.float32(1), np.array(1.0), 1.0):
        stopping = EarlyStopping()
        stopping.update(metric)
        assert stopping.best == 1.0
        assert type(stopping.best) is float


# ---- restoring


@pytest.mark.parametrize("dtype", DTYPES)
def test_restores_the_parameters_of_the_best_update_in_place(dtype):
    stopping = EarlyStopping(patience=5)
    weight, bias = np.zeros((2, 3), dtype), np.zeros(3, dtype)
    params = [weight, bias]
    for step, metric in enumerate([3.0, 1.0, 2.0, 1.0, 4.0]):
        weight[:] = step
        bias[:] = 10 * step
        stopping.update(metric, params)
    stopping.restore(params)
    assert params[0] is weight
    np.testing.assert_array_equal(weight, np.ones((2, 3), dtype))
    np.testing.assert_array_equal(bias, np.full(3, 10, dtype))
    assert weight.dtype == dtype

    # What is kept is a copy of its own, both ways.
    weight[:] = 7
    stopping.restore(params)
    np.testing.assert_array_equal(weight, 1)


def test_restores_into_any_memory_layout_and_an_empty_list():
    stopping = EarlyStopping()
    stopping.update(1.0, [np.arange(6.0).reshape(2, 3)])
    wide = np.zeros((4, 6))
    stopping.restore([wide[::2, ::2]])
    np.testing.assert_array_equal(wide[::2, ::2], np.arange(6.0).reshape(2, 3))
    assert wide.sum() == 15
    empty = EarlyStopping()
    empty.update(1.0, [])
    empty.restore([])


def test_nothing_to_restore_is_an_error():
    stopping, weight = EarlyStopping(), np.ones(2)
    for metric, params in ((None, None), (math.nan, [weight]), (2.0, None)):
        if metric is not None:
            stopping.update(metric, params)
        with pytest.raises(RuntimeError, match="restore needs"):
            stopping.restore([weight])
    stopping.update(1.0, [weight])
    stopping.restore([weight])
    # A better update without parameters: those kept are no longer the best.
    stopping.update(0.5)
    with pytest.raises(RuntimeError, match="restore needs"):
        stopping.restore([weight])


def test_the_defaults_are_ten_updates_without_any_improvement_of_a_loss():
    assert run([1.0] * 20) == 10
    assert run([1.0, 0.999, *[0.999] * 20]) == 11
    stopping = EarlyStopping()
    assert (stopping.patience, stopping.min_delta, stopping.mode) == (10, 0.0, "min")


# ---- bad input


@pytest.mark.parametrize(
    ("name", "bad", "error"),
    [
        ("patience", -1, ValueError),
        ("patience", 1.0, TypeError),
        ("patience", True, TypeError),
        ("patience", "1", TypeError),
        ("patience", None, TypeError),
        ("min_delta", -0.1, ValueError),
        ("min_delta", np.nan, ValueError),
        ("min_delta", np.inf, ValueError),
        ("min_delta", "0", TypeError),
        ("mode", "auto", ValueError),
        ("mode", None, ValueError),
    ],
)
def test_bad_settings_are_refused_by_name(name, bad, error):
    with pytest.raises(error, match=rf"^{name} must"):
        EarlyStopping(**{name: bad})


@pytest.mark.parametrize("bad", ["0.5", None, 1j, True, [0.5, 0.4], np.ones(2), np.ones(1, bool)])
def test_a_metric_that_is_no_number_is_refused_and_changes_nothing(bad):
    stopping = EarlyStopping()
    with pytest.raises(TypeError, match=r"^metric must"):
        stopping.update(bad)
    assert stopping.wait == 0
    assert stopping.best_step is None


def test_parameters_that_do_not_fit_are_refused_and_change_nothing():
    stopping, params = EarlyStopping(), [np.ones((2, 3)), np.ones(3)]
    with pytest.raises(TypeError, match=r"^params\[1\] must"):
        stopping.update(1.0, [np.ones(2), [1.0, 2.0]])
    assert stopping.best_step is None
    assert stopping.wait == 0
    stopping.update(1.0, params)
    for bad in ([np.zeros((2, 3))], [np.zeros((2, 3)), np.zeros(4)], [np.zeros(3)] * 2, []):
        with pytest.raises(ValueError, match=r"^params must"):
            stopping.restore(bad)
        assert all((array == 0).all() for array in bad)
    with pytest.raises(TypeError, match=r"^params\[0\] must"):
        stopping.restore([None, np.ones(3)])
