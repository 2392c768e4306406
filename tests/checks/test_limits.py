"""A function that does not come back, takes all memory, raises what it should not, or prints on."""

import contextlib
import random
import resource
import signal
import sys
import threading
import time
import warnings

import numpy as np
import pytest
from toy import TOY, model, told

from gradlab.checks import _explain, _judge, exercise, report
from gradlab.checks._limits import Limits, OvertimeError, printing_little


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(_judge, "SECONDS", 0.3)


def test_an_endless_loop_ends_with_a_question(impatient):
    calls = []

    def endless(x, w, c):
        calls.append(1)
        while True:
            pass

    began = time.monotonic()
    text, findings = told(endless)
    assert time.monotonic() - began < 5
    assert "Your function ran for 0.3 seconds: does your loop end?" in text
    assert not any(f.passed for f in findings)
    assert len(calls) == 1, "once is enough"


def test_an_endless_loop_is_not_tried_in_other_orders(impatient):
    calls = []

    def endless(*arguments):
        calls.append(1)
        while True:
            pass

    assert report("optimizers.adam", endless).earned == 0
    assert len(calls) == 1


def test_other_orders_of_a_slow_function_are_tried_for_a_while(monkeypatch):
    monkeypatch.setattr(_explain, "SECONDS", 0.2)
    calls = []

    def slow(w, m, v, t, *others):
        calls.append(1)
        # Of the processor's time, which is what is limited.
        end = time.process_time() + 0.05
        while time.process_time() < end:
            pass
        return w, m, v, t

    report("optimizers.adam", slow)
    # Those that are judged, and a few more: 23 other orders would take as many again, each.
    judged = sum(len(case.arguments["gradients"]) for case in _adam_cases())
    assert judged <= len(calls) <= judged + 10


def _adam_cases():
    return exercise("optimizers.adam").cases(np.random.default_rng(0))


def test_what_was_right_before_the_endless_case_counts(impatient):
    def sometimes(x, w, c):
        while len(x) == 7:
            time.sleep(0.01)
        return model(x, w, c)

    text, findings = told(sometimes)
    assert findings[0].passed
    assert "does your loop end?" in text
    assert not findings[1].passed


def test_a_bare_except_does_not_keep_a_loop_going(impatient):
    def stubborn(x, w, c):
        while True:
            try:  # noqa: SIM105
                np.sum(x)
            except:  # noqa: E722 - the mistake itself
                pass

    text, findings = told(stubborn)
    assert "does your loop end?" in text
    assert not any(f.passed for f in findings)


def test_a_result_that_came_too_late_does_not_count(impatient):
    def late(x, w, c):
        try:
            while True:
                pass
        except BaseException:
            return model(x, w, c)

    assert "does your loop end?" in told(late)[0]


def test_a_wait_is_ended_too(impatient):
    began = time.monotonic()
    assert "does your loop end?" in told(lambda x, w, c: time.sleep(30))[0]
    assert time.monotonic() - began < 5


# ---- memory


def appends(x, w, c):
    rows = []
    while True:
        rows.append(x + 1)


def doubles(x, w, c):
    while True:
        x = np.concatenate([x, x])


def one_array(x, w, c):
    return np.zeros((10**6, 10**6)), w


def deaf(x, w, c):
    kept = []
    while True:
        with contextlib.suppress(Exception):
            kept.append(np.ones(10**5))


@pytest.mark.skipif(sys.platform != "linux", reason="Linux alone limits memory")
@pytest.mark.parametrize("function", [appends, doubles, one_array, deaf])
def test_what_takes_memory_without_end_fails_and_says_so(function, impatient, monkeypatch):
    monkeypatch.setattr(_judge, "SECONDS", 1.0 if function is deaf else 20.0)
    monkeypatch.setattr(_judge, "BYTES", 2**26)
    before = state()
    text, findings = told(function)
    assert not any(f.passed for f in findings)
    if function is deaf:
        assert "does your loop end?" in text
    else:
        assert "MemoryError" in text
        assert "In one case it may take 64 MB: does a list grow without end" in text
    assert state() == before


def test_an_array_of_no_size_is_refused_by_the_size_that_it_has():
    text, _ = told(lambda x, w, c: (np.broadcast_to(1.0, (10**6, 10**6)), w))
    assert "out holds more than 1000000 entries" in text


def test_a_function_that_calls_itself_without_end():
    def again(x, w, c):
        return again(x, w, c)

    depth = sys.getrecursionlimit()
    try:
        sys.setrecursionlimit(10**8)
        text, _ = told(again)
        assert sys.getrecursionlimit() == 10**8
    finally:
        sys.setrecursionlimit(depth)
    assert "RecursionError" in text
    assert "does it reach a case in which it no longer does?" in text


# ---- what is raised, and a user's own interrupt


class OwnError(BaseException):
    pass


class Unreadable(BaseException):
    def __str__(self):
        raise KeyboardInterrupt


@pytest.mark.parametrize(
    "raised", [KeyboardInterrupt, SystemExit, GeneratorExit, OwnError, Unreadable, OvertimeError]
)
def test_nothing_that_a_function_raises_ends_the_notebook(raised):
    def raises(x, w, c):
        raise raised

    text, findings = told(raises)
    assert not any(f.passed for f in findings)
    if raised is not OvertimeError:
        assert f"Your function raised {raised.__name__}" in text


@pytest.mark.parametrize("swallows", [False, True])
def test_an_interrupt_by_hand_stops_the_check(swallows):
    def slow(x, w, c):
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
        try:
            time.sleep(1)
        except BaseException:
            if not swallows:
                raise
        return model(x, w, c)

    before = state()
    with pytest.raises(KeyboardInterrupt):
        report(TOY, slow)
    assert state() == before


# ---- nothing is left behind


def state():
    """What a check might leave changed in a notebook."""
    return (
        # Ours: a server's, in the browser's tests, may end at any moment.
        [thread for thread in threading.enumerate() if "_watch" in thread.name],
        signal.getsignal(signal.SIGINT),
        resource.getrlimit(resource.RLIMIT_DATA),
        sys.getrecursionlimit(),
        warnings.filters[:],
        np.geterr(),
        np.get_printoptions(),
        sys.stdout,
        sys.stderr,
        sys.getprofile(),
        sys.gettrace(),
        random.getstate(),
        str(np.random.get_state()),  # noqa: NPY002
    )


def test_nothing_is_left_behind(impatient):
    def meddles(x, w, c):
        np.random.seed(len(x))  # noqa: NPY002
        random.seed(1)
        warnings.simplefilter("ignore")
        np.seterr(all="ignore")
        np.set_printoptions(precision=2)
        sys.setrecursionlimit(5000)
        sys.setprofile(lambda *_: None)
        sys.settrace(lambda *_: None)
        return model(x, w, c)

    def endless(x, w, c):
        meddles(x, w, c)
        while True:
            pass

    before = state()
    assert report(TOY, meddles).earned == 3
    assert state() == before
    assert report(TOY, endless).earned == 0
    assert state() == before


def test_an_interrupt_that_comes_last_does_not_come_afterwards():
    """Time is up while the function returns: at one of the instants, whichever it is."""
    before = state()
    for pause in np.linspace(0.0, 0.004, 40):
        with (
            contextlib.closing(Limits(0.002)) as limits,
            contextlib.suppress(OvertimeError),
            limits,
        ):
            time.sleep(pause)
        assert state() == before


def test_the_limit_is_that_of_each_call():
    with contextlib.closing(Limits(0.5)) as limits:
        for _ in range(4):
            with limits:
                time.sleep(0.15)
        for _ in range(2):
            with pytest.raises(OvertimeError), limits:
                time.sleep(5)


def test_in_another_thread_there_is_no_limit():
    came = []

    def work():
        with contextlib.closing(Limits(0.01)) as limits, limits:
            time.sleep(0.1)
            came.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert came == [True]


# ---- what is printed


def test_what_is_printed_is_cut_off(capsys):
    with printing_little(10):
        for _ in range(100_000):
            print("long")
    printed = capsys.readouterr().out
    assert printed.startswith("long\nlong\n")
    assert printed.count("left out") == 1
    assert len(printed) < 100


def test_a_function_may_print(capsys):
    def talks(x, w, c):
        print("rows", len(x))
        return model(x, w, c)

    findings, _ = _judge.judge(TOY, talks, TOY.cases(np.random.default_rng(0)))
    assert all(f.passed for f in findings)
    assert capsys.readouterr().out == "rows 4\nrows 7\n"
