"""What crosses between the grader and a submission: data in frames, and nothing that runs.

A frame is a magic word, two lengths, a header in JSON and a body of raw bytes, which holds the
arrays. Both ends use this file, which imports neither the rest of gradlab nor anything beyond
NumPy, because it also lies in the sandbox. Whatever a frame says, reading it makes values of the
types below, within the limits below, or raises `WireError`: there is no pickle, no ``eval`` and no
``getattr`` by a name that came.

Values are None, bool, int, float, complex, str, lists, tuples, dictionaries with plain keys,
NumPy's arrays and scalars, dtypes, generators of random numbers, functions by handle, and objects
by the handles of their methods. What cannot cross arrives as a `Foreign` that tells its type.

What both ends hold at a time is one thing: an array or a generator that crosses is numbered, and
whatever changed since the last frame goes along with the next one, either way. So an argument that
is written to in place is written to here as well, and an array that a function of ours changes
changes in the submission. Lists and dictionaries that a call is given come back with its result.
"""

from __future__ import annotations

import builtins
import inspect
import json
import struct
import sys
from collections.abc import Callable
from typing import Any, ClassVar, Protocol

import numpy as np

HEAD = struct.Struct("<4sII")
MAGIC = b"GLW1"

HEADER_BYTES = 4 << 20
BODY_BYTES = 32 << 20
"""Of one frame. The largest array that an exercise hands over has less than a megabyte."""

DEPTH = 40
"""Lists within lists."""

COUNT = 1_000_000
"""Entries of all lists in a frame, and numbers of one object array."""

ENTRIES = 10_000
"""Of one dictionary: what its keys hash to is chosen by whoever sends them."""

NAME = 120
"""Characters of a name of a type or a function."""

DIGITS = 3000
"""Bits of an integer."""

ARRAYS = 20_000
"""Arrays and generators that both ends hold at a time."""

DTYPES = {
    name: np.dtype(name)
    for name in (
        *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
        *("float16", "float32", "float64", "longdouble", "complex64", "complex128"),
    )
}
NAMES = {dtype: name for name, dtype in reversed(DTYPES.items())}

BIT_GENERATORS: dict[str, Callable[[], Any]] = {
    one.__name__: one
    for one in (
        np.random.PCG64,
        np.random.PCG64DXSM,
        np.random.MT19937,
        np.random.Philox,
        np.random.SFC64,
    )
}


class WireError(Exception):
    """What came is not of the protocol."""


class RefusedError(Exception):
    """A value cannot cross; the message says which."""


class Foreign:
    """Stands for an object that stays on the other side: it has a type's name, and nothing else."""

    def __repr__(self) -> str:
        return f"<an object of type {type(self).__name__}, which cannot be handed over>"

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(
            f"an object of type {type(self).__name__} stays in the submission's process: a test "
            f"gets data and functions of it, and cannot see its {name}"
        )


def foreign(name: str) -> Foreign:
    """Return what stands for an object of a type of this name."""
    made: Foreign = type(_identifier(name), (Foreign,), {"__module__": "submission"})()
    return made


class Methods:
    """Stands for an object of the other side that has methods."""


# ---- frames


def pack(header: dict[str, Any], chunks: list[bytes]) -> bytes:
    """Return the frame of a header and a body.

    Raises
    ------
    RefusedError
        If it is too long.
    """
    text = json.dumps(header, separators=(",", ":")).encode()
    size = sum(map(len, chunks))
    if len(text) > HEADER_BYTES or size > BODY_BYTES:
        raise RefusedError(
            f"{max(len(text), size) / 2**20:.0f} MB in one piece, of which "
            f"{(HEADER_BYTES if len(text) > HEADER_BYTES else BODY_BYTES) >> 20} MB can be handed "
            "over"
        )
    return b"".join([HEAD.pack(MAGIC, len(text), size), text, *chunks])


def lengths(head: bytes) -> tuple[int, int]:
    """Return the lengths of the header and the body that follow a frame's first bytes."""
    magic, header, body = HEAD.unpack(head)
    if magic != MAGIC or header > HEADER_BYTES or body > BODY_BYTES:
        raise WireError("no frame")
    return header, body


def unpack_header(text: bytes) -> dict[str, Any]:
    """Return a frame's header."""
    try:
        header = json.loads(text)
    # RecursionError in what is nested too deeply, ValueError in numbers of too many digits too.
    except (ValueError, RecursionError) as error:
        raise WireError(f"no JSON: {error}") from None
    if not isinstance(header, dict):
        raise WireError("a header must be an object")
    return header


# ---- values


class Functions(Protocol):
    """How an end stands for functions and objects of the other one, and keeps its own."""

    def export(self, function: Callable[..., Any]) -> tuple[int, str]:
        """Return the handle and the name of a function of this end."""

    def own(self, handle: int) -> Any:
        """Return the function of this end that has a handle; WireError if there is none."""

    def theirs(self, handle: int, name: str) -> Any:
        """Return what stands for a function of the other end."""

    def handle_of(self, value: Any) -> tuple[int, str] | None:
        """Return the handle and name that a stand-in for their function has."""


class Shared:
    """Arrays and generators that both ends hold, by number: positive the grader's, negative not.

    Whoever made one keeps it until the other end says that nothing there refers to its copy.
    """

    def __init__(self, side: int) -> None:
        self.side = side
        self.last: dict[int, Any] = {}
        """What each of them held when it crossed for the last time."""
        self._things: dict[int, Any] = {}
        self._numbers: dict[int, int] = {}
        self._count = 0

    def number(self, thing: Any) -> int | None:
        """Return the number of what is shared already."""
        return self._numbers.get(id(thing))

    def get(self, number: int) -> Any:
        """Return what has a number, or None."""
        return self._things.get(number)

    def add(self, thing: Any, number: int = 0) -> int:
        """Enter a thing of this end, or the copy of one that has a number at the other end."""
        if len(self._things) >= ARRAYS:
            raise RefusedError(f"more than {ARRAYS} arrays at a time")
        if not number:
            self._count += 1
            number = self.side * self._count
        self._things[number] = thing
        self._numbers[id(thing)] = number
        return number

    def _remove(self, number: int) -> None:
        thing = self._things.pop(number, None)
        self._numbers.pop(id(thing), None)
        self.last.pop(number, None)

    def release(self, numbers: Any) -> None:
        """Let go of what the other end has dropped."""
        for number in _list(numbers):
            if _number(number) * self.side > 0:
                self._remove(number)

    def unused(self, used: set[int]) -> list[int]:
        """Return the copies to which nothing here refers any more, but for those in `used`."""
        return [
            number
            for number in self._things
            if number * self.side < 0
            and number not in used
            # This table refers to it, and the call.
            and sys.getrefcount(self._things[number]) <= 2
        ]

    def drop(self, numbers: list[int]) -> None:
        """Let go of copies, of which the other end is told."""
        for number in numbers:
            self._remove(number)

    def all(self) -> list[tuple[int, Any]]:
        """Return everything that is shared, with its number."""
        return list(self._things.items())


def _content(array: Any) -> tuple[str, tuple[int, ...], str, bytes]:
    order = "F" if array.flags.f_contiguous and not array.flags.c_contiguous else "C"
    return NAMES[array.dtype], array.shape, order, array.tobytes(order)


class Writer:
    """Turns values into one frame."""

    def __init__(
        self, shared: Shared, functions: Functions, given: list[Any] | None = None
    ) -> None:
        self._shared, self._functions = shared, functions
        self._given = {id(container): k for k, container in enumerate(given or [])}
        self.containers: list[Any] = []
        self._places: dict[int, int] = {}
        self._open: set[int] = set()
        self._used: set[int] = set()
        self._count = 0

    def value(self, value: Any, depth: int = 0) -> Any:
        """Return what stands for a value in the header."""
        kind = type(value)
        if value is None or kind is bool or kind is float or kind is str:
            return value
        if kind is np.str_:
            return str(value)
        if kind is int:
            return value if value.bit_length() <= DIGITS else ["x", "int"]
        if kind in (list, tuple, dict):
            return self._container(value, depth)
        if kind is np.ndarray:
            return self._array(value, depth)
        if kind.__module__ == "numpy" and isinstance(value, np.generic):
            name = NAMES.get(value.dtype)
            return ["n", name, value.tobytes().hex()] if name else ["x", _named(value)]
        if kind is complex:
            return ["c", value.real, value.imag]
        if isinstance(value, np.dtype):
            return ["y", NAMES[value]] if value in NAMES else ["x", "dtype"]
        if kind is np.random.Generator:
            return self._generator(value)
        return self._other(value)

    def _container(self, value: Any, depth: int) -> Any:
        key = id(value)
        if key in self._open:
            raise RefusedError("a list that holds itself")
        if key in self._given:
            return ["g", self._given[key]]
        if key in self._places:
            return ["s", self._places[key]]
        if depth >= DEPTH:
            raise RefusedError(f"lists that are nested more than {DEPTH} deep")
        self._count += len(value)
        if self._count > COUNT:
            raise RefusedError(f"more than {COUNT} entries")
        self._open.add(key)
        if type(value) is not tuple:
            self._places[key] = len(self.containers)
            self.containers.append(value)
        written = self._contents(value, depth)
        self._open.discard(key)
        return written

    def contents(self, value: Any) -> Any:
        """Return what stands for what a list or dictionary holds now, even where it was given."""
        if len(value) > COUNT:
            raise RefusedError(f"more than {COUNT} entries")
        return self._contents(value, 0)

    def _contents(self, value: Any, depth: int) -> Any:
        if type(value) is dict:
            if len(value) > ENTRIES:
                raise RefusedError(f"a dictionary of more than {ENTRIES} entries")
            pairs = [part for pair in value.items() for part in pair]
            if not all(type(key) in _KEYS for key in value):
                raise RefusedError("a dictionary whose keys are not texts or numbers")
            return ["d", *(self.value(part, depth + 1) for part in pairs)]
        tag = "t" if type(value) is tuple else "l"
        return [tag, *(self.value(part, depth + 1) for part in value)]

    def _array(self, value: Any, depth: int) -> Any:
        if value.dtype.kind in "OU":
            if value.size > COUNT or depth >= DEPTH:
                raise RefusedError(f"an array of more than {COUNT} objects")
            self._count += value.size
            items = (self.value(part, depth + 1) for part in value.ravel().tolist())
            return ["o", list(value.shape), *items]
        if value.dtype not in NAMES:
            return ["x", "ndarray"]
        number = self._shared.number(value)
        if number is None:
            if value.nbytes > BODY_BYTES:
                raise RefusedError(f"an array of {value.nbytes / 2**20:.0f} MB")
            number = self._shared.add(value)
        self._used.add(number)
        return ["a", number]

    def _generator(self, value: Any) -> Any:
        number = self._shared.number(value)
        if number is None:
            if type(value.bit_generator).__name__ not in BIT_GENERATORS:
                return ["x", "Generator"]
            number = self._shared.add(value)
        self._used.add(number)
        return ["r", number]

    def _other(self, value: Any) -> Any:
        known = self._functions.handle_of(value)
        if known is not None:
            return ["f", *known]
        if isinstance(value, Foreign):
            raise RefusedError(
                f"an object of type {type(value).__name__}, which the submission made: a test can "
                "hand over data and functions"
            )
        if callable(value):
            return ["f", *self._functions.export(value)]
        if self._shared.side > 0:
            return self._methods(value)
        return ["x", _named(value)]

    def _methods(self, value: Any) -> Any:
        """An object of ours, by its public methods."""
        names = [
            name
            for one in reversed(type(value).__mro__[:-1])
            for name, thing in vars(one).items()
            if not name.startswith("_") and inspect.isfunction(thing)
        ]
        if not names:
            raise RefusedError(f"an object of type {type(value).__name__}")
        methods = [
            [name, self._functions.export(getattr(value, name))[0]] for name in dict.fromkeys(names)
        ]
        return ["m", type(value).__name__[:NAME], *methods]

    def frame(self, header: dict[str, Any]) -> bytes:
        """Return the frame of a header, with what changed of what is shared."""
        shared = self._shared
        arrays: list[Any] = []
        generators: list[Any] = []
        chunks: list[bytes] = []
        now: dict[int, Any] = {}
        dropped = shared.unused(self._used)
        for number, thing in shared.all():
            before = shared.last.get(number)
            generator = isinstance(thing, np.random.Generator)
            content: Any = _state(thing) if generator else _content(thing)
            if content == before:
                continue
            now[number] = content
            if generator:
                generators.append([number, *content])
                continue
            name, shape, order, data = content
            if before and (name, len(data)) != (before[0], len(before[3])):
                raise RefusedError("an argument that was given another size in place")
            arrays.append([number, name, list(shape), order, bool(thing.flags.writeable)])
            chunks.append(data)
        frame = pack(
            header | {"arrays": arrays, "generators": generators, "dropped": dropped}, chunks
        )
        shared.last.update(now)
        shared.drop(dropped)
        return frame


_KEYS = (str, int, float, bool, type(None))


def _state(generator: Any) -> tuple[str, Any]:
    bits = generator.bit_generator
    return type(bits).__name__, _plain(bits.state)


def _plain(state: Any) -> Any:
    if isinstance(state, dict):
        return {key: _plain(value) for key, value in state.items()}
    return state.tolist() if isinstance(state, np.ndarray) else state


def _named(value: Any) -> str:
    return str(type(value).__name__)[:NAME]


class Reader:
    """Turns one frame into values; raises `WireError` where it does not say any."""

    def __init__(
        self,
        header: dict[str, Any],
        body: bytes | bytearray,
        shared: Shared,
        functions: Functions,
        given: list[Any] | None = None,
    ) -> None:
        self._shared, self._functions, self._given = shared, functions, given or []
        self.containers: list[Any] = []
        self._sizes: dict[int, int] = {}
        self._count = 0
        self._take_arrays(_list(header.get("arrays", [])), memoryview(body))
        for entry in _list(header.get("generators", [])):
            self._take_generator(entry)
        # What was written to before it was dropped has come with this frame.
        shared.release(header.get("dropped", []))

    def _take_arrays(self, entries: list[Any], body: memoryview) -> None:
        at = 0
        for entry in entries:
            number, name, shape, order, writeable = _several(entry, 5)
            dtype = DTYPES.get(name) if isinstance(name, str) else None
            sizes = [_whole(n, 0, BODY_BYTES) for n in _list(shape)]
            if dtype is None or order not in ("C", "F") or len(sizes) > 32:
                raise WireError("no array")
            size = dtype.itemsize
            for n in sizes:
                size *= n
                if size > BODY_BYTES:
                    raise WireError("an array that is too long")
            if at + size > len(body):
                raise WireError("an array without its numbers")
            flat = np.frombuffer(body[at : at + size], dtype=np.uint8).copy().view(dtype)
            if dtype.kind == "b":
                flat = flat.view(np.uint8) != 0
            at += size
            self._take_array(_number(number), flat.reshape(sizes, order=order), bool(writeable))
        if at != len(body):
            raise WireError("bytes that belong to nothing")

    def _take_array(self, number: int, came: Any, writeable: bool) -> None:
        mine = self._shared.get(number)
        if mine is None:
            if number * self._shared.side > 0:
                raise WireError("an array of ours that is not there")
            came = came.copy(order="K")
            came.flags.writeable = writeable
            self._add(came, number)
        elif type(mine) is not np.ndarray or (mine.dtype, mine.size) != (came.dtype, came.size):
            raise WireError("an array of another size")
        elif not mine.flags.writeable:
            raise WireError("an array that must not be written to")
        else:
            if mine.shape != came.shape:
                mine = _reshaped(mine, came.shape)
            mine[...] = came
            came = mine
        self._shared.last[number] = _content(came)

    def _add(self, thing: Any, number: int) -> None:
        try:
            self._shared.add(thing, number)
        except RefusedError as error:
            raise WireError(str(error)) from None

    def _take_generator(self, entry: Any) -> None:
        number, name, state = _several(entry, 3)
        number = _number(number)
        make = BIT_GENERATORS.get(name) if isinstance(name, str) else None
        if make is None:
            raise WireError("no generator of random numbers")
        mine = self._shared.get(number)
        if mine is None:
            if number * self._shared.side > 0:
                raise WireError("a generator of ours that is not there")
            mine = np.random.Generator(make())
            self._add(mine, number)
        elif type(mine) is not np.random.Generator or type(mine.bit_generator).__name__ != name:
            raise WireError("a generator of another kind")
        set_state(mine, name, state)
        self._shared.last[number] = _state(mine)

    def value(self, said: Any, depth: int = 0) -> Any:
        """Return the value that a part of the header stands for."""
        if said is None or isinstance(said, (bool, int, float)):
            return said
        if isinstance(said, str):
            return text(said)
        if not isinstance(said, list) or not said or not isinstance(said[0], str):
            raise WireError("no value")
        if depth > DEPTH + 1:
            raise WireError("a value that is nested too deeply")
        tag = said[0]
        self._add_to_count(len(said))
        read = self._READ.get(tag)
        if read is None:
            raise WireError("no value")
        return read(self, said, depth)

    def _add_to_count(self, entries: int) -> None:
        self._count += entries
        if self._count > 3 * COUNT:
            raise WireError("too many values")

    def contents(self, said: Any) -> Any:
        """Return what `Writer.contents` wrote, which is no list of the frame's own."""
        if not isinstance(said, list) or not said or said[0] not in ("l", "d"):
            raise WireError("no list")
        self._add_to_count(len(said))
        if said[0] == "d":
            return self._pairs(said, 0)
        return [self.value(part, 1) for part in said[1:]]

    def _read_list(self, said: list[Any], depth: int) -> Any:
        place, before = self._begin()
        made = [self.value(part, depth + 1) for part in said[1:]]
        return self._end(place, before, made)

    def _begin(self) -> tuple[int, int]:
        self.containers.append(None)
        return len(self.containers) - 1, self._count

    def _end(self, place: int, before: int, made: Any) -> Any:
        """Enter a list, with how long it is with all that is in it, however often it is there."""
        self.containers[place] = made
        self._sizes[place] = self._count - before
        return made

    def _read_tuple(self, said: list[Any], depth: int) -> Any:
        return tuple(self.value(part, depth + 1) for part in said[1:])

    def _read_dict(self, said: list[Any], depth: int) -> Any:
        place, before = self._begin()
        return self._end(place, before, self._pairs(said, depth))

    def _pairs(self, said: list[Any], depth: int) -> dict[Any, Any]:
        if len(said) > 2 * ENTRIES + 1 or len(said) % 2 == 0:
            raise WireError("no dictionary")
        made = {}
        for key, value in zip(said[1::2], said[2::2], strict=True):
            if not isinstance(key, _KEYS):
                raise WireError("no key")
            made[text(key) if isinstance(key, str) else key] = self.value(value, depth + 1)
        return made

    def _read_same(self, said: list[Any], _: int) -> Any:
        place = _whole(_several(said, 2)[1], 0, len(self.containers) - 1)
        made = self.containers[place]
        if made is None:
            raise WireError("a list that holds itself")
        self._add_to_count(self._sizes[place])
        return made

    def _read_given(self, said: list[Any], _: int) -> Any:
        made = self._given[_whole(_several(said, 2)[1], 0, len(self._given) - 1)]
        self._add_to_count(len(made))
        return made

    def _read_array(self, said: list[Any], _: int) -> Any:
        made = self._shared.get(_number(_several(said, 2)[1]))
        if type(made) is not np.ndarray:
            raise WireError("an array that is not there")
        return made

    def _read_objects(self, said: list[Any], depth: int) -> Any:
        if len(said) < 2:
            raise WireError("no array")
        sizes = [_whole(n, 0, COUNT) for n in _list(said[1])]
        size = 1
        for n in sizes:
            size *= n
        if size != len(said) - 2 or len(sizes) > 32:
            raise WireError("no array")
        made = np.empty(size, dtype=object)
        for place, part in enumerate(said[2:]):
            made[place] = self.value(part, depth + 1)
        return made.reshape(sizes)

    def _read_scalar(self, said: list[Any], _: int) -> Any:
        _, name, data = _several(said, 3)
        dtype = DTYPES.get(name) if isinstance(name, str) else None
        if dtype is None or not isinstance(data, str):
            raise WireError("no number")
        try:
            made = bytes.fromhex(data)
        except ValueError:
            raise WireError("no number") from None
        if len(made) != dtype.itemsize:
            raise WireError("no number")
        if dtype.kind == "b":
            return np.bool_(made != b"\0")
        return np.frombuffer(made, dtype)[0]

    def _read_complex(self, said: list[Any], _: int) -> Any:
        _, real, imaginary = _several(said, 3)
        if not isinstance(real, float) or not isinstance(imaginary, float):
            raise WireError("no number")
        return complex(real, imaginary)

    def _read_dtype(self, said: list[Any], _: int) -> Any:
        name = _several(said, 2)[1]
        if not isinstance(name, str) or name not in DTYPES:
            raise WireError("no dtype")
        return DTYPES[name]

    def _read_generator(self, said: list[Any], _: int) -> Any:
        made = self._shared.get(_number(_several(said, 2)[1]))
        if type(made) is not np.random.Generator:
            raise WireError("a generator that is not there")
        return made

    def _read_function(self, said: list[Any], _: int) -> Any:
        _, handle, name = _several(said, 3)
        handle = _number(handle)
        if handle * self._shared.side > 0:
            return self._functions.own(handle)
        return self._functions.theirs(handle, _identifier(name))

    def _read_methods(self, said: list[Any], _: int) -> Any:
        if self._shared.side > 0 or len(said) < 2:
            raise WireError("only the grader hands over objects")
        made = {}
        for method in said[2:]:
            name, handle = _several(method, 2)
            made[_identifier(name)] = self._functions.theirs(_number(handle), _identifier(name))
        stands_for = type(_identifier(said[1]), (Methods,), {})()
        vars(stands_for).update(made)
        return stands_for

    def _read_foreign(self, said: list[Any], _: int) -> Any:
        return foreign(_several(said, 2)[1])

    _READ: ClassVar[dict[str, Callable[[Reader, list[Any], int], Any]]] = {
        "l": _read_list,
        "t": _read_tuple,
        "d": _read_dict,
        "s": _read_same,
        "g": _read_given,
        "a": _read_array,
        "o": _read_objects,
        "n": _read_scalar,
        "c": _read_complex,
        "y": _read_dtype,
        "r": _read_generator,
        "f": _read_function,
        "m": _read_methods,
        "x": _read_foreign,
    }


def _reshaped(array: Any, shape: tuple[int, ...]) -> Any:
    try:
        array.shape = shape
    except AttributeError:
        raise WireError("an array that cannot take another shape") from None
    return array


def changed(containers: list[Any], before: list[Any]) -> list[int]:
    """Return which lists and dictionaries hold something else than they did."""
    return [k for k, now in enumerate(containers) if not _holds_the_same(now, before[k])]


def holdings(containers: list[Any]) -> list[Any]:
    """Return what lists and dictionaries hold, for `changed`."""
    return [one.copy() for one in containers]


def _holds_the_same(now: Any, before: Any) -> bool:
    if len(now) != len(before):
        return False
    if isinstance(now, dict):
        now, before = [*now, *now.values()], [*before, *before.values()]
    return all(a is b for a, b in zip(now, before, strict=True))


def write_back(container: Any, new: Any) -> None:
    """Make a list or dictionary hold what another one of its kind does."""
    if type(container) is not type(new):
        raise WireError("a list of another kind")
    if isinstance(container, dict):
        container.clear()
        container.update(new)
    else:
        container[:] = new


# ---- exceptions

EXCEPTIONS: dict[str, type[Exception]] = {
    name: one
    for name, one in vars(builtins).items()
    if isinstance(one, type) and issubclass(one, Exception)
} | {"LinAlgError": np.linalg.LinAlgError}
"""What an exception may be when it has crossed: it is told by its name, and made anew."""


def told(error: BaseException) -> dict[str, Any]:
    """Return the names of an exception's type and its bases, and its message."""
    try:
        message = str(error)
    except BaseException:  # A class of the submission's may be wrong in its message, too.
        message = "(its message cannot be read)"
    names = [str(one.__name__)[:NAME] for one in type(error).__mro__]
    return {"types": names[:DEPTH], "message": message[:MESSAGE]}


MESSAGE = 4000
"""Characters of an exception's message."""


def rebuilt(said: dict[str, Any]) -> Exception:
    """Return an exception of the first base that is in `EXCEPTIONS`, under its own name."""
    names = [text(name, NAME) for name in _list(said.get("types"))[:DEPTH]] or ["Exception"]
    message = text(said.get("message"), MESSAGE)
    bases = [EXCEPTIONS[name] for name in names if name in EXCEPTIONS] or [Exception]
    for base in bases:
        try:
            made = base(message) if message else base()
        except TypeError:  # Some take more than a message.
            continue
        if base.__name__ == names[0] and str(made) == message:
            return made
        kind = type(_identifier(names[0]), (base,), _SAYS)
        other: Exception = kind(message)
        return other
    raise WireError("no exception")


_SAYS = {"__str__": lambda error: error.args[0], "__module__": "submission"}


# ---- generators of random numbers


def set_state(generator: Any, name: str, state: Any) -> None:
    """Set a generator's state to one that came.

    NumPy checks types and not positions: one outside would let it read memory that is not its own.
    """
    if not isinstance(state, dict) or state.get("bit_generator") != name:
        raise WireError("no state")
    inner = state.get("state")
    if not isinstance(inner, dict):
        raise WireError("no state")
    try:
        _RULES[name](state, inner)
        generator.bit_generator.state = _with_arrays(state)
    except (KeyError, TypeError, ValueError, OverflowError):
        raise WireError("no state") from None


def _with_arrays(state: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for key, value in state.items():
        if isinstance(value, dict):
            made[key] = _with_arrays(value)
        elif isinstance(value, list):
            wide = np.uint32 if len(value) == 624 else np.uint64
            made[key] = np.array([_whole(n, 0, 2**64 - 1) for n in value], dtype=wide)
        else:
            made[key] = value
    return made


def _words(values: Any, count: int, bits: int) -> None:
    if not isinstance(values, list) or len(values) != count:
        raise WireError("no state")
    for value in values:
        _whole(value, 0, 2**bits - 1)


def _spare(state: dict[str, Any]) -> None:
    _whole(state["has_uint32"], 0, 1)
    _whole(state["uinteger"], 0, 2**32 - 1)


def _pcg(state: dict[str, Any], inner: dict[str, Any]) -> None:
    _whole(inner["state"], 0, 2**128 - 1)
    _whole(inner["inc"], 0, 2**128 - 1)
    _spare(state)


def _mersenne(_: dict[str, Any], inner: dict[str, Any]) -> None:
    _words(inner["key"], 624, 32)
    _whole(inner["pos"], 0, 624)


def _philox(state: dict[str, Any], inner: dict[str, Any]) -> None:
    _words(inner["counter"], 4, 64)
    _words(inner["key"], 2, 64)
    _words(state["buffer"], 4, 64)
    _whole(state["buffer_pos"], 0, 4)
    _spare(state)


def _sfc(state: dict[str, Any], inner: dict[str, Any]) -> None:
    _words(inner["state"], 4, 64)
    _spare(state)


_RULES = {
    "PCG64": _pcg,
    "PCG64DXSM": _pcg,
    "MT19937": _mersenne,
    "Philox": _philox,
    "SFC64": _sfc,
}


# ---- what is asked of parts of a header


def text(said: Any, most: int = HEADER_BYTES) -> str:
    """Return a text that any file can hold, of at most so many characters."""
    if not isinstance(said, str):
        raise WireError("no text")
    said = said[:most]
    return said if said.isascii() else said.encode("utf-8", "replace").decode()


def _identifier(said: Any) -> str:
    name = text(said, NAME)
    return name if name.isidentifier() else "object"


def _list(said: Any) -> list[Any]:
    if not isinstance(said, list):
        raise WireError("no list")
    return said


def _several(said: Any, count: int) -> list[Any]:
    if not isinstance(said, list) or len(said) != count:
        raise WireError("no entry of this kind")
    return said


def _whole(said: Any, least: int, most: int) -> int:
    if type(said) is not int or not least <= said <= most:
        raise WireError("no number of this kind")
    return said


def _number(said: Any) -> int:
    number = _whole(said, -(2**53), 2**53)
    if number == 0:
        raise WireError("no number of this kind")
    return number


if sys.byteorder != "little":  # What crosses is the machine's own order, which DTYPES names.
    raise ImportError("gradlab.grading needs a machine whose byte order is little-endian")
