"""Work divided among threads: every row once, in order, the same numbers for any number of them."""

import os
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from gradlab import _threads, activations, losses
from gradlab._threads import by_rows, parts, run


@pytest.fixture(params=[1, 2, 5])
def threads(request, monkeypatch):
    """So many threads, and parts small enough for them to have work."""
    monkeypatch.setattr(_threads, "THREADS", request.param)
    monkeypatch.setattr(_threads, "PART", 100)
    monkeypatch.setattr(_threads, "_pool", None)
    yield request.param
    if _threads._pool:
        _threads._pool.shutdown()


@pytest.mark.parametrize(
    ("length", "entries"), [(0, 0), (1, 10**9), (7, 7), (10, 10**9), (999, 999)]
)
def test_parts_hold_every_row_once_and_in_order(length, entries, monkeypatch):
    monkeypatch.setattr(_threads, "PART", 100)
    rows = np.arange(length)
    stretches = parts(length, entries)
    np.testing.assert_array_equal(np.concatenate([rows[part] for part in stretches]), rows)
    assert len(stretches) == max(1, min(length, entries // 100))


@pytest.mark.parametrize("length", [10**7, 999_999, 64 * 19, 64 * 19 - 1])
def test_long_parts_begin_where_lines_of_memory_do(length, monkeypatch):
    monkeypatch.setattr(_threads, "PART", length // 19)
    starts = [part.start for part in parts(length, length)]
    assert len(starts) == 19
    assert all(start % 64 == 0 for start in starts) == (length >= 64 * 19)
    assert max(np.diff([*starts, length])) <= length / 19 + 128


def test_results_come_in_the_order_of_the_parts(threads):
    stretches = parts(40, 4000)
    assert run(lambda part: (part.start, part.stop), stretches) == [
        (part.start, part.stop) for part in stretches
    ]


def test_several_threads_take_part(threads):
    meeting = threading.Barrier(threads, timeout=30)

    def call(part):
        # Nobody gets past it before every thread is there.
        meeting.wait()
        return threading.get_ident()

    who = run(call, parts(2 * threads, 200 * threads))
    assert len(set(who)) == threads
    # Each began at a place of its own.
    assert len(set(who[::2])) == threads


def test_each_stretch_is_worked_on_once_whoever_is_late(threads):
    calls = []

    def call(part):
        calls.append(part.start)
        time.sleep(0.02 if threading.current_thread() is threading.main_thread() else 0)

    run(call, parts(40, 4000))
    assert sorted(calls) == list(range(40))


def test_what_a_thread_raises_is_raised(threads):
    def call(part):
        if part.start == 3:
            raise ValueError("the fourth")
        return part.start

    with pytest.raises(ValueError, match="the fourth"):
        run(call, parts(8, 800))
    assert run(lambda part: part.start, parts(8, 800)) == list(range(8))


def test_arrays_are_cut_by_rows_and_the_rest_is_handed_on(threads):
    x, out = np.arange(3000.0).reshape(500, 6), np.zeros(500)

    def kernel(x, out, factor):
        out[:] = factor * x.sum(axis=1)
        return len(x)

    assert sum(by_rows(kernel, (x, out), 2.0)) == 500
    np.testing.assert_array_equal(out, 2.0 * x.sum(axis=1))


def test_numbers_do_not_depend_on_the_number_of_threads(monkeypatch):
    monkeypatch.setattr(_threads, "PART", 1000)
    rng = np.random.default_rng(0)
    x, labels = rng.normal(size=(300, 100)).astype(np.float32), rng.integers(100, size=300)
    target = (x > 0).astype(np.float32)
    found = []
    for count in (1, 2, 4):
        monkeypatch.setattr(_threads, "THREADS", count)
        monkeypatch.setattr(_threads, "_pool", None)
        found.append(
            (
                losses.softmax_cross_entropy(x, labels),
                losses.sigmoid_cross_entropy(x, target),
                activations.softmax(x).tobytes(),
                activations.silu_backward(x, x).tobytes(),
            )
        )
    assert found[0] == found[1] == found[2]


SCRIPT = """
import os, sys
import numpy as np
from gradlab import _threads, activations
_threads.THREADS, _threads.PART = 3, 1000
x = np.linspace(-3, 3, 10_000)
expected = activations.sigmoid(x)
assert _threads._pool is not None
{rest}
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_process_has_threads_of_its_own():
    rest = """
child = os.fork()
if child == 0:
    same = np.array_equal(activations.sigmoid(x), expected)
    os._exit(0 if same and _threads._pool is not None else 1)
_, status = os.waitpid(child, 0)
sys.exit(os.waitstatus_to_exitcode(status))
"""
    subprocess.run([sys.executable, "-c", SCRIPT.format(rest=rest)], check=True, timeout=60)


def test_a_large_array_can_be_worked_on_while_the_interpreter_ends():
    rest = """
import atexit
atexit.register(lambda: print(np.array_equal(activations.sigmoid(x), expected)))
"""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(rest=rest)],
        check=True,
        timeout=60,
        capture_output=True,
        text=True,
    )
    assert (done.stdout, done.stderr) == ("True\n", "")
