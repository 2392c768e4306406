"""What crosses between the grader and a submission: everything that is data, and nothing else."""

import contextlib
import json
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from gradlab.grading import wire
from gradlab.grading.wire import Reader, RefusedError, Shared, WireError, Writer


class Functions:
    """Functions by handle, on both ends at once."""

    def __init__(self):
        self.own_ones = {}

    def export(self, function):
        self.own_ones[len(self.own_ones) + 1] = function
        return len(self.own_ones), "function"

    def own(self, handle):
        if handle not in self.own_ones:
            raise WireError("no function")
        return self.own_ones[handle]

    def theirs(self, handle, name):
        return "stands for", handle, name

    def handle_of(self, value):
        return None


class Pair:
    """Two ends, and what is sent from one to the other."""

    def __init__(self):
        self.ends = {side: (Shared(side), Functions()) for side in (1, -1)}

    def send(self, value, side=1, given=None, own=None):
        """Return what arrives at the other end of what `side` sends, and the lists in it."""
        writer = Writer(*self.ends[side], own)
        frame = writer.frame({"value": writer.value(value)})
        header, body = wire.lengths(frame[: wire.HEAD.size])
        at = wire.HEAD.size + header
        assert len(frame) == at + body
        said = wire.unpack_header(frame[wire.HEAD.size : at])
        reader = Reader(said, frame[at:], *self.ends[-side], given)
        return reader.value(said["value"]), writer.containers, reader.containers


def same(a, b):
    """Whether two values are of one type throughout, and equal; NaN is."""
    if type(a) is not type(b):
        return False
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, np.ndarray):
        if (a.shape, a.dtype) != (b.shape, b.dtype):
            return False
        if a.dtype == object:
            return all(map(same, a.ravel().tolist(), b.ravel().tolist()))
        return a.tobytes() == b.tobytes() and a.flags.f_contiguous == b.flags.f_contiguous
    if isinstance(a, np.generic):
        return a.dtype == b.dtype and a.tobytes() == b.tobytes()
    return a == b or (a != a and b != b)


DTYPES = st.sampled_from([dtype for name, dtype in wire.DTYPES.items() if name != "longdouble"])
SHAPES = hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)
ARRAYS = hnp.arrays(DTYPES, SHAPES) | hnp.arrays(DTYPES, SHAPES).map(np.asfortranarray)
ATOMS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.complex_numbers()
    | DTYPES
    | hnp.arrays(DTYPES, ()).map(lambda a: a[()])
)
VALUES = st.recursive(
    ATOMS | ARRAYS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(st.text() | st.integers() | st.booleans(), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(VALUES, st.sampled_from([1, -1]))
@settings(max_examples=150)
def test_what_is_sent_arrives(value, side):
    assert same(Pair().send(value, side)[0], value)


def test_arrays_of_objects_arrive():
    value = np.array([np.arange(3), (1, None)], dtype=object)
    assert same(Pair().send(value, -1)[0], value)
    assert same(Pair().send(np.array(["a", "bc"]), -1)[0], np.array(["a", "bc"], dtype=object))


@pytest.mark.parametrize("value", [{1, 2}, b"bytes", range(3), np.ma.array([1.0]), object()])
def test_what_is_no_data_arrives_as_the_name_of_its_type(value):
    arrived = Pair().send([value], -1)[0][0]
    assert type(arrived).__name__ == type(value).__name__
    assert isinstance(arrived, wire.Foreign)
    with pytest.raises(AttributeError, match="stays in the submission's process"):
        _ = arrived.anything


def test_what_has_operators_of_its_own_arrives_without_them():
    class Right(float):
        def __eq__(self, other):
            return True

        def __hash__(self):
            return 0

    arrived = Pair().send(Right(0.5), -1)[0]
    assert arrived != 1.0
    assert not isinstance(arrived, float)


@pytest.mark.parametrize("value", [{1, 2}, b"bytes", range(3), object()])
def test_the_grader_refuses_to_send_what_is_no_data(value):
    with pytest.raises(RefusedError, match=type(value).__name__):
        Pair().send(value)


def nested(depth):
    value = []
    for _ in range(depth):
        value = [value]
    return value


def cyclic():
    value = []
    value.append(value)
    return value


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (nested(wire.DEPTH + 1), "nested"),
        (cyclic(), "holds itself"),
        ([0] * (wire.COUNT + 1), "entries"),
        ({k: k for k in range(wire.ENTRIES + 1)}, "entries"),
        ({(1, 2): 3}, "keys"),
        (["x" * wire.HEADER_BYTES], "MB"),
        (np.zeros(wire.BODY_BYTES, np.int16), "MB"),
        ([np.zeros(wire.BODY_BYTES // 2 + 1, np.int8) for _ in range(2)], "MB"),
    ],
)
def test_what_is_too_much_is_refused(value, message):
    for side in (1, -1):
        with pytest.raises(RefusedError, match=message):
            Pair().send(value, side)


def test_a_list_that_occurs_often_is_sent_once():
    value = [1]
    for _ in range(10):
        value = [value, value]
    arrived = Pair().send(value, -1)[0]
    assert arrived[0] is arrived[1]
    # Whoever looks at all of it would look for ever.
    for _ in range(20):
        value = [value, value]
    with pytest.raises(WireError, match="too many"):
        Pair().send(value, -1)


# ---- what both ends hold


def test_an_array_is_one_at_both_ends():
    pair = Pair()
    mine = np.arange(6.0).reshape(2, 3)
    theirs, again = pair.send((mine, mine))[0]
    assert theirs is again
    theirs[0] = 7
    mine_again = pair.send(theirs, -1)[0]
    assert mine_again is mine
    assert (mine[0] == 7).all()
    mine += 1
    assert pair.send("nothing")[0] == "nothing"
    assert (theirs == mine).all()


def test_an_array_that_nothing_refers_to_is_forgotten_at_both_ends():
    pair = Pair()
    for number in range(100):
        theirs = pair.send(np.full(3, number))[0]
        theirs += 1
        del theirs
        pair.send(None, -1)
    assert all(len(shared.all()) <= 1 for shared, _ in pair.ends.values())


def test_what_is_written_before_it_is_forgotten_arrives():
    pair = Pair()
    mine = np.zeros(3)
    theirs = pair.send(mine)[0]
    theirs[...] = 5
    del theirs
    pair.send(None, -1)
    assert (mine == 5).all()


def test_an_array_that_must_not_be_written_to_cannot_be_written_to():
    mine = np.zeros(3)
    mine.flags.writeable = False
    pair = Pair()
    theirs = pair.send(mine)[0]
    with pytest.raises(ValueError, match="read-only"):
        theirs[0] = 1
    theirs.flags.writeable = True
    theirs[0] = 1
    with pytest.raises(WireError):
        pair.send(theirs, -1)
    assert not mine.any()


@pytest.mark.parametrize("name", wire.BIT_GENERATORS)
def test_a_generator_draws_the_same_at_both_ends(name):
    pair = Pair()
    mine = np.random.Generator(wire.BIT_GENERATORS[name](3))
    twin = np.random.Generator(wire.BIT_GENERATORS[name](3))
    theirs = pair.send(mine)[0]
    assert theirs is not mine
    assert (theirs.normal(size=5) == twin.normal(size=5)).all()
    theirs.integers(7, dtype=np.int32)
    twin.integers(7, dtype=np.int32)
    assert pair.send([theirs], -1)[0][0] is mine
    assert (mine.random(1000) == twin.random(1000)).all()


def test_lists_that_were_given_are_told_apart_from_new_ones():
    pair = Pair()
    mine = [1, [2]]
    theirs, sent, arrived = pair.send(mine)
    before = wire.holdings(arrived)
    theirs[1].append(3)
    assert wire.changed(arrived, before) == [1]
    back = pair.send((theirs, [2, 3]), -1, given=sent, own=arrived)[0]
    assert back[0] is mine
    assert back[1] is not mine[1]


# ---- what anybody may say


ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from([*"ltdsgaoncyrfmx", *wire.DTYPES, *wire.BIT_GENERATORS, "C", "F"]),
    lambda inner: (
        st.lists(inner, max_size=6)
        | st.tuples(st.sampled_from("ltdsgaoncyrfmx"), inner, inner).map(list)
        | st.tuples(st.sampled_from("ltdsgaoncyrfmx"), inner).map(list)
        | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=20,
)
ENTRY = st.tuples(
    st.integers(-3, 3),
    st.sampled_from([*wire.DTYPES, "object", "<U3"]) | ANYTHING,
    st.lists(st.integers(-1, 4) | st.sampled_from([0, 2**25, 2**40, 2**70]), max_size=4) | ANYTHING,
    st.sampled_from(["C", "F"]) | ANYTHING,
    st.booleans() | ANYTHING,
).map(list)


def plausible(data):
    """Nothing but what a value may be: no code has run, and nothing of ours has leaked."""
    allowed = (type(None), bool, int, float, complex, str, list, tuple, dict, np.ndarray)
    allowed += (np.generic, np.dtype, np.random.Generator, wire.Foreign)
    return isinstance(data, allowed) or data == "ours"


@given(ANYTHING, st.lists(ENTRY, max_size=3) | ANYTHING, ANYTHING, ANYTHING, st.binary(max_size=64))
@settings(max_examples=600)
def test_whatever_a_header_says_is_a_value_or_an_error_of_the_protocol(
    value, arrays, generators, dropped, body
):
    shared, functions = Shared(1), Functions()
    shared.add(np.zeros(3))
    shared.add(np.random.default_rng(0))
    functions.export("ours")
    header = {"arrays": arrays, "generators": generators, "dropped": dropped}
    try:
        reader = Reader(header, body, shared, functions, [[1], {"a": 2}])
        data = reader.value(value)
    except WireError:
        return
    assert plausible(data)


@given(st.binary(max_size=200), st.booleans())
def test_random_bytes_are_no_frame(noise, looks_right):
    head = (wire.MAGIC + noise if looks_right else noise).ljust(wire.HEAD.size, b"\0")
    with contextlib.suppress(WireError):
        wire.lengths(head[: wire.HEAD.size])
    with contextlib.suppress(WireError):
        assert isinstance(wire.unpack_header(noise), dict)


@given(VALUES, st.data())
@settings(max_examples=150)
def test_a_frame_with_a_wrong_byte_is_a_value_or_an_error_of_the_protocol(value, data):
    writer = Writer(Shared(-1), Functions())
    frame = bytearray(writer.frame({"value": writer.value(value)}))
    for _ in range(data.draw(st.integers(1, 3))):
        frame[data.draw(st.integers(0, len(frame) - 1))] = data.draw(st.integers(0, 255))
    try:
        header, body = wire.lengths(bytes(frame[: wire.HEAD.size]))
        at = wire.HEAD.size + header
        said = wire.unpack_header(bytes(frame[wire.HEAD.size : at]))
        Reader(said, frame[at : at + body], Shared(1), Functions()).value(said.get("value"))
    except WireError:
        pass


@pytest.mark.parametrize(
    "said",
    [
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"9" * 10_000,
        b'"\xff"',
        b"[1, 2]",
        b"null",
        pickle.dumps({"value": 1}),
    ],
    ids=["deep list", "deep object", "long number", "no UTF-8", "a list", "null", "a pickle"],
)
def test_what_is_no_header_is_an_error_of_the_protocol(said):
    with pytest.raises(WireError):
        wire.unpack_header(said)


def test_a_deep_value_is_an_error_of_the_protocol():
    said = json.loads('["l",' * 200 + "0" + "]" * 200)
    with pytest.raises(WireError, match="deep"):
        Reader({}, b"", Shared(1), Functions()).value(said)


def outside():
    """(bit generator, place in its state, a number that is none of that place)"""
    for name, make in wire.BIT_GENERATORS.items():
        _, state = wire._state(np.random.Generator(make()))
        for place in ("pos", "buffer_pos", "has_uint32", "uinteger"):
            if place in (state["state"] if place == "pos" else state):
                for number in (-1, 2**32, 2**63, 1.5, None):
                    yield name, place, number


@pytest.mark.parametrize(("name", "place", "number"), list(outside()))
def test_a_generator_takes_no_position_outside_of_its_numbers(name, place, number):
    mine = np.random.Generator(wire.BIT_GENERATORS[name](3))
    _, state = wire._state(mine)
    (state["state"] if place == "pos" else state)[place] = number
    with pytest.raises(WireError):
        wire.set_state(mine, name, state)


def test_a_handle_that_was_not_given_is_an_error_of_the_protocol():
    own_list = ["l", ["s", 0]]
    for said in (["f", 7, "f"], ["g", 0], ["s", 0], own_list, ["a", 1], ["r", 1], ["m", "A", []]):
        with pytest.raises(WireError):
            Reader({}, b"", Shared(1), Functions()).value(said)


# ---- exceptions


class OddError(ValueError):
    def __str__(self):
        raise RuntimeError("no message")


@pytest.mark.parametrize(
    "error",
    [
        ValueError("no"),
        KeyError("key"),
        NotImplementedError(),
        np.linalg.LinAlgError("Singular matrix"),
        UnicodeDecodeError("utf-8", b"a", 0, 1, "bad"),
        ZeroDivisionError("division by zero"),
    ],
)
def test_an_exception_is_one_of_its_kind_with_its_message(error):
    made = wire.rebuilt(json.loads(json.dumps(wire.told(error))))
    assert type(made).__name__ == type(error).__name__
    assert str(made) == str(error)
    assert isinstance(made, type(error).__mro__[1])


def test_an_exception_of_another_kind_is_made_of_its_nearest_base():
    class MyError(ZeroDivisionError):
        pass

    made = wire.rebuilt(wire.told(MyError("mine")))
    assert type(made).__name__ == "MyError"
    assert isinstance(made, ZeroDivisionError)
    assert "cannot be read" in str(wire.rebuilt(wire.told(OddError("x"))))


@pytest.mark.parametrize("error", [SystemExit(1), KeyboardInterrupt(), GeneratorExit()])
def test_no_exception_ends_the_grader(error):
    assert isinstance(wire.rebuilt(wire.told(error)), Exception)


@given(ANYTHING, ANYTHING)
def test_whatever_is_said_of_an_exception_makes_one_or_an_error_of_the_protocol(types, message):
    with contextlib.suppress(WireError):
        assert isinstance(wire.rebuilt({"types": types, "message": message}), Exception)
