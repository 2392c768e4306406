import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support import assert_agrees, frozen, torch

from gradlab.gradient_clipping import (
    clip_by_global_norm,
    clip_by_norm,
    clip_by_value,
    global_norm,
)

DTYPES = [np.float64, np.float32]
EPS_OF_PYTORCH = 1e-6


def make_grads(seed, dtype=np.float64, scale=3.0):
    rng = np.random.default_rng(seed)
    shapes = [(4, 3), (5,), (2, 2, 2)]
    return [(scale * rng.normal(size=shape) + 0.5).astype(dtype) for shape in shapes]


def exact_norm(values):
    """The Euclidean norm without rounding but for the last root, at any scale."""
    total = sum(Fraction(float(value)) ** 2 for value in values)
    if total == 0:
        return 0.0
    # Scaled by a power of two, so that the root is of a number near 1.
    bits = (total.numerator.bit_length() - total.denominator.bit_length()) // 2
    return math.ldexp(math.sqrt(total / Fraction(4) ** bits), bits)


# ---- by value


@pytest.mark.equation("gc-value")
@pytest.mark.parametrize("dtype", DTYPES)
def test_by_value_is_the_definition_on_both_sides(dtype):
    grads = make_grads(0, dtype)
    clipped = clip_by_value(grads, 0.75)
    for before, after in zip(grads, clipped, strict=True):
        expected = [max(-0.75, min(0.75, value)) for value in before.ravel().tolist()]
        assert after.dtype == dtype
        np.testing.assert_array_equal(after, np.reshape(expected, before.shape))
    values = np.concatenate([after.ravel() for after in clipped])
    assert values.min() == -0.75
    assert values.max() == 0.75


def test_the_one_sided_rule_of_deck_c_lets_large_negative_derivatives_pass():
    def of_the_deck(derivative, threshold):
        return threshold if derivative > threshold else derivative

    assert [of_the_deck(d, 5.0) for d in (100.0, -100.0)] == [5.0, -100.0]
    np.testing.assert_array_equal(clip_by_value([[100.0, -100.0]], 5.0)[0], [5.0, -5.0])


def test_the_example_of_deck_h():
    np.testing.assert_array_equal(clip_by_value([[0.9, 100.0]], 1.0)[0], [0.9, 1.0])
    np.testing.assert_allclose(clip_by_norm([0.9, 100.0], 1.0), [0.00899964, 0.9999595], atol=5e-9)


# ---- by norm


@pytest.mark.equation("gc-clip-norm")
@given(st.integers(0, 2**32 - 1), st.floats(1e-3, 1e3))
def test_by_norm_keeps_the_direction_and_bounds_the_length(seed, max_norm):
    grad = make_grads(seed)[0]
    norm = math.sqrt(sum(value**2 for value in grad.ravel().tolist()))
    clipped = clip_by_norm(grad, max_norm)
    np.testing.assert_allclose(clipped, min(1, max_norm / norm) * grad, rtol=1e-12)


@pytest.mark.equation("gc-clip-norm")
@pytest.mark.equation("gc-norm")
@pytest.mark.equation("gc-global-norm")
@given(st.integers(0, 2**32 - 1), st.floats(1e-3, 1e3))
def test_by_global_norm_uses_one_factor_for_all(seed, max_norm):
    grads = make_grads(seed)
    norm = math.sqrt(sum(value**2 for grad in grads for value in grad.ravel().tolist()))
    clipped, total = clip_by_global_norm(grads, max_norm)
    assert total == pytest.approx(norm, rel=1e-12)
    assert total == global_norm(grads)
    for before, after in zip(grads, clipped, strict=True):
        np.testing.assert_allclose(after, min(1, max_norm / norm) * before, rtol=1e-12)
    assert global_norm(clipped) == pytest.approx(min(norm, max_norm), rel=1e-12)


def test_short_gradients_come_back_as_equal_copies():
    grads = make_grads(1)
    norm = global_norm(grads)
    for limit in (norm, np.nextafter(norm, np.inf), 1e300):
        clipped, total = clip_by_global_norm(grads, limit)
        assert total == norm
        for before, after in zip(grads, clipped, strict=True):
            np.testing.assert_array_equal(after, before)
            assert not np.shares_memory(after, before)
    alone = clip_by_norm(grads[0], 1e300)
    np.testing.assert_array_equal(alone, grads[0])
    assert not np.shares_memory(alone, grads[0])


def test_each_array_by_itself_is_not_all_together():
    grads = [[3.0, 0.0], [4.0]]
    together, _ = clip_by_global_norm(grads, 3.5)
    np.testing.assert_allclose(together[0], [2.1, 0.0])
    np.testing.assert_allclose(together[1], [2.8])
    np.testing.assert_allclose(clip_by_norm(grads[0], 3.5), [3.0, 0.0])
    np.testing.assert_allclose(clip_by_norm(grads[1], 3.5), [3.5])


# ---- scales whose squares are out of range


@pytest.mark.equation("gc-norm")
@pytest.mark.parametrize("scale", [1e200, 1e-200, 1e307, 1e-320, 5e-324, 1.0])
def test_norms_are_right_at_any_scale(scale):
    grads = [scale * np.array([[3.0, -1.0], [0.0, 2.0]]), scale * np.array([-4.0])]
    expected = exact_norm(np.concatenate([grad.ravel() for grad in grads]))
    assert 0 < global_norm(grads) < np.inf
    assert global_norm(grads) == pytest.approx(expected, rel=1e-12, abs=1e-323)
    if scale < 1e-300:
        return
    clipped, total = clip_by_global_norm(grads, scale)
    assert total == pytest.approx(expected, rel=1e-12)
    for before, after in zip(grads, clipped, strict=True):
        np.testing.assert_allclose(after / scale, before / scale / math.sqrt(30), rtol=1e-12)
    together = clip_by_norm(np.concatenate([grad.ravel() for grad in grads]), 1e-3 * scale)
    assert global_norm([together]) == pytest.approx(1e-3 * scale, rel=1e-12)


def test_one_large_entry_among_tiny_ones():
    grads = [np.array([1e-200, 1e200, -1e-200])]
    clipped, total = clip_by_global_norm(grads, 1.0)
    assert total == 1e200
    np.testing.assert_array_equal(clipped[0], [0.0, 1.0, 0.0])


def test_a_norm_above_the_largest_float_is_still_clipped():
    grads = [np.full(4, 1.5e308), np.array([-1.5e308])]
    clipped, total = clip_by_global_norm(grads, 2.0)
    assert total == np.inf
    np.testing.assert_allclose(clipped[0], 2 / math.sqrt(5))
    np.testing.assert_allclose(clipped[1], -2 / math.sqrt(5))
    np.testing.assert_allclose(clip_by_norm(grads[0], 2.0), 1.0)


def test_float32_whose_squares_overflow_in_float32():
    grads = [np.array([3e30, 0.0], np.float32), np.array([4e30], np.float32)]
    clipped, total = clip_by_global_norm(grads, 5.0)
    assert total == pytest.approx(5e30, rel=1e-6)
    np.testing.assert_allclose(clipped[0], [3.0, 0.0], rtol=1e-6)
    np.testing.assert_allclose(clipped[1], [4.0], rtol=1e-6)


@pytest.mark.parametrize("in_place", [False, True])
def test_a_factor_that_float32_cannot_hold_loses_no_digits(in_place):
    grads = [np.array([3e30, 4e30], np.float32)]
    out = grads if in_place else None
    clipped, norm = clip_by_global_norm(grads, 1e-10, out=out)
    assert norm == pytest.approx(5e30, rel=1e-6)
    np.testing.assert_allclose(clipped[0], [6e-11, 8e-11], rtol=3e-7)


# ---- gradients that are not finite

BAD_GRADS = [[1.0, np.nan, 3.0], [-np.inf, 4.0], [np.inf]]


@pytest.mark.parametrize("index", [0, 1, 2])
def test_gradients_that_are_not_finite_are_refused(index):
    grads = [[1.0, 2.0], BAD_GRADS[index]]
    for call in (
        lambda: clip_by_value(grads, 1.0),
        lambda: clip_by_global_norm(grads, 1.0),
        lambda: global_norm(grads),
    ):
        with pytest.raises(ValueError, match=r"^grads\[1\] must be finite"):
            call()
    with pytest.raises(ValueError, match=r"^grad must be finite, got 1 of"):
        clip_by_norm(grads[1], 1.0)


@pytest.mark.parametrize("dtype", DTYPES)
def test_entries_that_are_not_finite_can_be_set_to_zero(dtype):
    grads = [np.array(grad, dtype) for grad in BAD_GRADS]
    copies = [grad.copy() for grad in grads]
    by_value = clip_by_value(grads, 2.0, nonfinite="zero")
    clipped, total = clip_by_global_norm(grads, 1.0, nonfinite="zero")
    alone = clip_by_norm(grads[0], 1.0, nonfinite="zero")
    for got, expected in zip(by_value, ([1, 0, 2], [0, 2], [0]), strict=True):
        assert_agrees(got, np.array(expected, dtype))
    assert total == pytest.approx(math.sqrt(26))
    for got, expected in zip(clipped, ([1, 0, 3], [0, 4], [0]), strict=True):
        assert_agrees(got, (np.array(expected) / math.sqrt(26)).astype(dtype))
    assert_agrees(alone, (np.array([1, 0, 3]) / math.sqrt(10)).astype(dtype))
    for grad, copied in zip(grads, copies, strict=True):
        np.testing.assert_array_equal(grad, copied)


# ---- agreement with PyTorch and optax


@pytest.mark.parametrize("name", ["float64", "float32"])
def test_agrees_with_frozen_pytorch(name):
    case = {
        key.removeprefix(name + "/"): value
        for key, value in frozen("gradient_clipping").items()
        if key.startswith(name)
    }
    grads = [case["0"], case["1"]]
    for k, got in enumerate(clip_by_value(grads, 0.7)):
        assert_agrees(got, case[f"value/{k}"])
    for label, limit in (("norm", 2.5), ("long", 1000.0)):
        clipped, total = clip_by_global_norm(grads, limit, eps=EPS_OF_PYTORCH)
        assert total == pytest.approx(float(case[f"{label}/total"]), rel=1e-6)
        for k, got in enumerate(clipped):
            assert_agrees(got, case[f"{label}/{k}"])


@pytest.mark.parametrize("dtype", DTYPES)
@given(st.integers(0, 2**32 - 1), st.floats(1e-2, 100), st.sampled_from([1e-4, 1.0, 1e4]))
def test_agrees_with_pytorch(dtype, seed, limit, scale):
    pytorch = torch()
    grads = make_grads(seed, dtype, scale)
    rtol = 1e-12 if dtype == np.float64 else 1e-5

    def clipped_by(clip, **keywords):
        params = [pytorch.from_numpy(np.zeros_like(grad)) for grad in grads]
        for param, grad in zip(params, grads, strict=True):
            param.grad = pytorch.from_numpy(grad.copy())
        norm = clip(params, limit, **keywords)
        return [param.grad.numpy() for param in params], norm

    expected, _ = clipped_by(pytorch.nn.utils.clip_grad_value_)
    for got, wanted in zip(clip_by_value(grads, limit), expected, strict=True):
        assert_agrees(got, wanted, rtol=rtol)
    expected, norm = clipped_by(pytorch.nn.utils.clip_grad_norm_, error_if_nonfinite=True)
    clipped, total = clip_by_global_norm(grads, limit, eps=EPS_OF_PYTORCH)
    assert total == pytest.approx(float(norm), rel=rtol)
    for got, wanted in zip(clipped, expected, strict=True):
        assert_agrees(got, wanted, rtol=rtol)


def test_agrees_with_optax():
    optax = pytest.importorskip("optax", reason="optax is not installed: run `make oracles`")
    grads = make_grads(2, np.float32)
    for limit in (0.5, 5.0, 500.0):
        for ours, theirs in (
            (clip_by_value(grads, limit), optax.clip(limit)),
            (clip_by_global_norm(grads, limit)[0], optax.clip_by_global_norm(limit)),
        ):
            expected, _ = theirs.update(grads, theirs.init(grads))
            for got, wanted in zip(ours, expected, strict=True):
                assert_agrees(got, np.asarray(wanted), rtol=1e-6)


# ---- conventions of the package


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("max_norm", [0.5, 1e6])
def test_results_go_where_the_caller_says_also_in_place(dtype, max_norm):
    # The second is large enough for several stretches.
    grads = [*make_grads(3, dtype), np.full((1100, 1000), 0.01, dtype)]
    expected, norm = clip_by_global_norm(grads, max_norm)
    given = [np.empty_like(grad) for grad in grads]
    for out in (given, grads):
        clipped, got = clip_by_global_norm(grads, max_norm, out=out)
        assert got == norm
        assert all(array is to for array, to in zip(clipped, out, strict=True))
        for array, right in zip(clipped, expected, strict=True):
            np.testing.assert_array_equal(array, right)


def test_in_place_entries_that_are_not_finite_become_zero_or_stay():
    for max_norm, right in ((0.5, [0.0, 0.5]), (9.0, [0.0, 4.0])):
        grads = [np.array([np.nan, 4.0])]
        with pytest.raises(ValueError, match=r"grads\[0\] must be finite"):
            clip_by_global_norm(grads, max_norm, out=grads)
        np.testing.assert_array_equal(grads[0], [np.nan, 4.0])
        clip_by_global_norm(grads, max_norm, nonfinite="zero", out=grads)
        np.testing.assert_array_equal(grads[0], right)


def test_results_cannot_go_where_they_do_not_fit():
    grads, fixed = [np.ones(3), np.ones((2, 2))], np.ones((2, 2))
    fixed.flags.writeable = False
    cases = [
        ([np.ones(3)], ValueError, "out must have 2 arrays, as grads, got 1"),
        ([np.ones(3), [[1.0]]], TypeError, r"out\[1\] must be a NumPy array, got list"),
        ([np.ones(4), np.ones((2, 2))], ValueError, r"out\[0\] must have shape \(3,\)"),
        ([np.ones(3, np.float32), np.ones((2, 2))], ValueError, "float64, as its gradient"),
        ([np.ones(3), fixed], ValueError, r"out\[1\] must be writeable"),
        ([np.ones(3), np.ones((2, 2), order="F")], ValueError, r"out\[1\] must be .*C-contiguous"),
    ]
    for out, error, message in cases:
        with pytest.raises(error, match=message):
            clip_by_global_norm(grads, 0.5, out=out)
        np.testing.assert_array_equal(grads[0], np.ones(3))


@pytest.mark.parametrize("dtype", DTYPES)
def test_dtypes_are_kept_and_inputs_left_alone(dtype):
    grads = make_grads(3, dtype)
    copies = [grad.copy() for grad in grads]
    results = clip_by_value(grads, 0.5) + clip_by_global_norm(grads, 0.5)[0]
    results += [clip_by_norm(grads[0], 0.5)]
    assert all(result.dtype == dtype for result in results)
    assert [result.shape for result in results] == [g.shape for g in [*grads, *grads, grads[0]]]
    for grad, copied in zip(grads, copies, strict=True):
        np.testing.assert_array_equal(grad, copied)


def test_each_gradient_keeps_its_own_dtype():
    grads = [np.ones(2, np.float32), np.ones(3)]
    for clipped in (clip_by_value(grads, 0.5), clip_by_global_norm(grads, 0.5)[0]):
        assert [grad.dtype for grad in clipped] == [np.float32, np.float64]


def test_integers_lists_and_other_memory_layouts_give_the_same():
    grad = np.arange(12).reshape(4, 3) - 5
    wide = np.zeros((8, 6))
    wide[::2, ::2] = grad
    expected = clip_by_norm(grad.astype(float), 2.0)
    expected_value = clip_by_value([grad.astype(float)], 2.0)[0]
    for other in (grad, grad.tolist(), np.asfortranarray(grad), wide[::2, ::2]):
        assert clip_by_norm(other, 2.0).dtype == np.float64
        np.testing.assert_array_equal(clip_by_norm(other, 2.0), expected)
        np.testing.assert_array_equal(clip_by_global_norm([other], 2.0)[0][0], expected)
        np.testing.assert_array_equal(clip_by_value([other], 2.0)[0], expected_value)


def test_empty_zero_and_single():
    assert clip_by_value([], 1.0) == []
    assert clip_by_global_norm([], 1.0) == ([], 0.0)
    assert global_norm([]) == 0.0
    assert clip_by_norm(np.empty((0, 3)), 1.0).shape == (0, 3)
    clipped, total = clip_by_global_norm([np.zeros(3), np.empty(0), np.zeros((2, 2))], 1.0)
    assert total == 0.0
    assert [grad.shape for grad in clipped] == [(3,), (0,), (2, 2)]
    np.testing.assert_array_equal(clipped[0], np.zeros(3))
    # Even where the summand of the norm alone is above the limit.
    np.testing.assert_array_equal(clip_by_norm(np.zeros(3), 1e-9, eps=1e-6), np.zeros(3))
    np.testing.assert_array_equal(clip_by_norm(np.array(-8.0), 2.0), np.array(-2.0))


# ---- bad input

LISTS = [np.ones((2, 3)), np.ones(3)]
CALLS = {
    clip_by_value: {"grads": LISTS, "clip_value": 1.0, "nonfinite": "raise"},
    clip_by_norm: {"grad": LISTS[0], "max_norm": 1.0, "nonfinite": "raise", "eps": 0.0},
    clip_by_global_norm: {"grads": LISTS, "max_norm": 1.0, "nonfinite": "raise", "eps": 0.0},
    global_norm: {"grads": LISTS},
}


def bad_calls():
    wrong = [np.ones(3, complex), np.ones(3, object), np.ones(3, bool), ["a"], None]
    for function, good in CALLS.items():
        if "grad" in good:
            yield from ((function, "grad", value, TypeError) for value in wrong)
            yield function, "grad", [[1.0], [1.0, 2.0]], ValueError
        else:
            yield from ((function, "grads", [LISTS[0], value], TypeError) for value in wrong)
            yield function, "grads", [LISTS[0], [[1.0], [1.0, 2.0]]], ValueError
            yield from (
                (function, "grads", bad, TypeError) for bad in (None, 3, "ab", np.float64(3))
            )
        for name in sorted({"clip_value", "max_norm"} & set(good)):
            yield from ((function, name, v, ValueError) for v in (0.0, -1.0, np.nan, np.inf))
            yield from ((function, name, v, TypeError) for v in ("1", None, 1j, True))
        if "eps" in good:
            yield from ((function, "eps", value, ValueError) for value in (-1e-6, np.nan, np.inf))
            yield function, "eps", None, TypeError
        if "nonfinite" in good:
            yield from ((function, "nonfinite", v, ValueError) for v in ("keep", None, True))


@pytest.mark.parametrize(("function", "name", "bad", "error"), list(bad_calls()))
def test_bad_input_is_refused_by_name(function, name, bad, error):
    with pytest.raises(error, match=rf"^{name}(\[1\])? must"):
        function(**(CALLS[function] | {name: bad}))
