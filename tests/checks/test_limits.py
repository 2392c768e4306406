"""A function that does not come back, and one that prints without end."""

import threading
import time

import numpy as np
import pytest
from toy import TOY, model, told

from gradlab.checks import _explain, _judge, _run, exercise, report
from gradlab.checks._limits import OvertimeError, in_time, printing_little


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(_run, "SECONDS", 0.3)


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
        time.sleep(0.05)
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


def test_an_interrupt_by_hand_stays_one(impatient):
    def interrupted(x, w, c):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        told(interrupted)


def test_nothing_is_left_behind():
    before = threading.active_count()
    with in_time(0.05):
        pass
    time.sleep(0.1)
    assert threading.active_count() == before
    with pytest.raises(OvertimeError), in_time(0.05):
        time.sleep(5)
    with in_time(5):
        time.sleep(0.01)


def test_in_another_thread_there_is_no_limit():
    came = []

    def work():
        with in_time(0.01):
            time.sleep(0.1)
            came.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert came == [True]


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
