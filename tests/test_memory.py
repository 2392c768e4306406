import numpy as np
import pytest

from gradlab._memory import LARGE, LINE, empty, full


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(LARGE,), (65, 64), (3, LARGE + 1), (2, 5, LARGE)])
def test_large_arrays_begin_on_a_line_and_are_writable(shape, dtype):
    # Several at once, which cannot all begin there by chance.
    arrays = [empty(shape, dtype) for _ in range(20)]
    for k, array in enumerate(arrays):
        assert array.ctypes.data % LINE == 0
        assert (array.shape, array.dtype) == (shape, dtype)
        assert array.flags.c_contiguous
        array[...] = k
    assert all((array == k).all() for k, array in enumerate(arrays))


def test_small_and_empty_arrays():
    assert empty((), np.float32).shape == ()
    assert empty((0, 3), np.float64).shape == (0, 3)
    assert empty((4, 2), np.dtype(np.float32)).dtype == np.float32


def test_an_array_of_one_value():
    array = full((2, LARGE), 0.5, np.float32)
    assert array.ctypes.data % LINE == 0
    np.testing.assert_array_equal(array, np.full((2, LARGE), 0.5, np.float32))
