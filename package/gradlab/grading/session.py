"""A submission that runs elsewhere, as the grader sees it: its cells, and stand-ins for its names.

What comes over the pipe is data that a submission may have written itself. It can make its own
checks fail, and cannot make one pass, because what is right is known on this side alone.
"""

from __future__ import annotations

import contextlib
import inspect
import os
import select
import signal
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from typing import Any

from gradlab.checks._limits import GoneError
from gradlab.checks._model import Elsewhere
from gradlab.checks._run import NotDataError
from gradlab.grading import wire
from gradlab.grading.sandbox import Limits, Sandbox, SandboxError

START = 120.0
"""Seconds in which Python has to start inside; it starts slowly on a busy machine."""

GRACE = 3.0
"""Seconds for an interrupted cell to end."""

RESTARTS = 12
"""Of one submission. Each runs its cells again."""

RECEIVED = 64 << 20
"""Bytes that the functions of a submission may hand over in one graded cell; lists count more, as
they take more. The largest of the course's exercises needs less than a hundredth of it."""

ARGUMENTS = 4 << 20
"""Bytes of arrays in one call of a function of ours, which may make many times as much of them."""

CHARACTERS = 20_000

MIMES = frozenset(
    f"{kind}/{form}"
    for kind, forms in {
        "text": ("plain", "html", "markdown", "latex"),
        "image": ("png", "jpeg", "svg+xml"),
        "application": ("json",),
    }.items()
    for form in forms
)
"""Kinds of output that a cell of a submission may show."""


class EndedError(Exception):
    """The process of a submission ended or does not answer; the message says how it looks."""


class Session:
    """The process of one submission, started anew where it ended.

    Parameters
    ----------
    start
        Starts the worker, held in by whatever it is.
    limits
        Of time and output; `start` sees to the others.
    """

    def __init__(self, start: Callable[[], Sandbox], limits: Limits) -> None:
        self._start, self.limits = start, limits
        self._sandbox: Sandbox | None = None
        self._cells: list[str] = []
        self._until = time.monotonic() + limits.submission_seconds
        self._cell_until = self._until
        self._output = limits.output
        self._starts = 0
        self._received = 0
        self._requests = 0
        self._depth = 0
        self._busy = False
        self._functions = Functions(self)
        self._shared = wire.Shared(1)
        self._why = ""

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    # ---- the process

    def _end(self, why: str = "") -> None:
        with _uninterrupted():
            sandbox, self._sandbox = self._sandbox, None
            self._depth, self._busy = 0, False
            if sandbox is not None:
                self._why = sandbox.ended or why
                sandbox.__exit__(None, None, None)

    def _ready(self) -> None:
        """Start the process if there is none, and run the cells that it has run so far."""
        if self._busy:
            # An interrupt came in between: an answer to something else may be on its way.
            self._end()
        if self._sandbox is not None:
            return
        if time.monotonic() >= self._until:
            raise EndedError(
                f"the submission's {self.limits.submission_seconds:g} seconds are used up"
            )
        if self._starts > RESTARTS:
            raise EndedError(f"its process ended {self._starts} times")
        self._starts += 1
        self._sandbox = self._start()
        header, _ = self._receive(time.monotonic() + START)
        if header.get("op") != "ready":
            self._end()
            raise SandboxError("Python does not start in the sandbox: no answer from the worker")
        for cell in list(self._cells):
            until = min(self._until, time.monotonic() + self.limits.cell_seconds)
            self._ask_until({"op": "run", "source": cell, "silent": True}, until)

    def _receive(self, until: float) -> tuple[dict[str, Any], bytes]:
        header, body = wire.lengths(self._exactly(wire.HEAD.size, until))
        if self._depth:
            self._count(4 * header + body)
        return wire.unpack_header(self._exactly(header, until)), self._exactly(body, until)

    def _exactly(self, count: int, until: float) -> bytes:
        assert self._sandbox is not None
        stream, parts = self._sandbox.stdout.fileno(), bytearray()
        while len(parts) < count:
            left = until - time.monotonic()
            if left <= 0 or not select.select([stream], [], [], left)[0]:
                raise TimeoutError
            part = os.read(stream, min(count - len(parts), 1 << 20))
            if not part:
                raise EOFError
            parts += part
        return bytes(parts)

    def _send(self, frame: bytes, until: float) -> None:
        assert self._sandbox is not None
        stream, view = self._sandbox.stdin.fileno(), memoryview(frame)
        os.set_blocking(stream, False)
        while view:
            left = until - time.monotonic()
            if left <= 0 or not select.select([], [stream], [], left)[1]:
                raise TimeoutError
            with contextlib.suppress(BlockingIOError):
                view = view[os.write(stream, view) :]

    def _number(self) -> int:
        """Return the number of a new request: what answers another one is not taken for it."""
        self._requests += 1
        return self._requests

    def _exchange(self, frame: bytes, request: int, until: float) -> tuple[dict[str, Any], bytes]:
        """Send a frame and return the answer; whatever else happens, the process has ended then."""
        outermost, self._busy = not self._busy, True
        try:
            self._send(frame, until)
            while True:
                header, body = self._receive(until)
                if header.get("request") != request:
                    raise wire.WireError("an answer that nobody asked for")
                if header.get("op") == "output":
                    continue
                if header.get("op") == "call" and self._depth:
                    self._receive_call(header, body, until)
                else:
                    self._busy = not outermost
                    return header, body
        except (EOFError, BrokenPipeError):
            self._end("it ended")
            raise EndedError(self._why_it_ended()) from None
        except TimeoutError:
            self._end()
            raise EndedError(f"it did not come back within {self._seconds()}") from None
        except wire.WireError as error:
            self._end()
            raise EndedError(f"what came back from it cannot be read ({error})") from None
        except BaseException:
            self._end()
            raise

    def _why_it_ended(self) -> str:
        why = self._why if self._why != "it ended" else ""
        return why or "it ended Python, or took more than it may"

    def _seconds(self) -> str:
        if time.monotonic() >= self._until:
            return f"the submission's {self.limits.submission_seconds:g} seconds"
        return f"{self.limits.cell_seconds:g} seconds"

    # ---- cells of the student's

    def run(self, source: str) -> tuple[list[dict[str, Any]], int | None]:
        """Run a cell and return what it showed, in the notebook format, and its number.

        Where it ends the process, the others run again without it.
        """
        shown: list[dict[str, Any]] = []

        def show(outputs: Any) -> None:
            shown.extend(self._sanitized(outputs))

        try:
            self._ready()
            until = min(self._until, time.monotonic() + self.limits.cell_seconds)
            header = self._run(source, until, show)
        except (EndedError, wire.RefusedError) as error:
            said = f"This cell was stopped: {error}. The others go on without it."
            shown.append(_error("Stopped", said))
            return shown, None
        self._cells.append(source)
        show(header.get("outputs"))
        count = header.get("count")
        return shown, count if type(count) is int and 0 <= count < 10**6 else None

    def run_silently(self, source: str) -> None:
        """Run a line of the grader's own, which shows nothing."""
        with contextlib.suppress(EndedError):
            self._ready()
            until = min(self._until, time.monotonic() + self.limits.cell_seconds)
            self._run(source, until, lambda _: None, silent=True)
            self._cells.append(source)

    def _run(
        self, source: str, until: float, show: Callable[[Any], None], silent: bool = False
    ) -> dict[str, Any]:
        """Run a cell; interrupt it when its time is over, and end it if it does not stop then."""
        request = self._number()
        header = {"op": "run", "source": source, "silent": silent, "request": request}
        frame = wire.pack(header, [])
        waited = False
        sent = False
        self._busy = True
        while True:
            try:
                if not sent:
                    self._send(frame, until)
                    sent = True
                header, _ = self._receive(until)
                if header.get("request") != request:
                    raise wire.WireError("an answer that nobody asked for")
            except TimeoutError:
                if waited or not sent or self._sandbox is None:
                    self._end()
                    raise EndedError(f"it did not come back within {self._seconds()}") from None
                waited = True
                self._sandbox.interrupt()
                until = time.monotonic() + GRACE
                continue
            except (EOFError, BrokenPipeError):
                self._end("it ended")
                raise EndedError(self._why_it_ended()) from None
            except wire.WireError:
                self._end()
                raise EndedError("what came back from it cannot be read") from None
            except BaseException:
                self._end()
                raise
            if header.get("op") != "output":
                self._busy = False
                return header
            show(header.get("outputs"))

    def _sanitized(self, outputs: Any) -> Iterator[dict[str, Any]]:
        """Yield outputs that are of the notebook format, as far as the limit goes."""
        for output in outputs if isinstance(outputs, list) else ():
            made = _output(output)
            if made is None or self._output <= 0:
                continue
            self._output -= len(repr(made))
            if self._output <= 0:
                note = (
                    f"... what your notebook shows from here on is left out: it is more than "
                    f"{self.limits.output >> 10} kB\n"
                )
                if made["output_type"] == "stream":
                    made["text"] = made["text"][: max(0, self._output)]
                yield {"output_type": "stream", "name": "stdout", "text": note}
            else:
                yield made

    # ---- graded cells

    @contextlib.contextmanager
    def graded_cell(self) -> Iterator[None]:
        """Within it, functions are called: for as long as a cell may take."""
        self._cell_until = min(self._until, time.monotonic() + self.limits.cell_seconds)
        self._received = 0
        with contextlib.suppress(EndedError):
            self._ask({"op": "begin"})
        try:
            yield
        finally:
            if self._sandbox is not None:
                with contextlib.suppress(EndedError):
                    self._ask({"op": "end"})
            self._cell_until = self._until
            # Nothing of a test is called once it is over, and what it was handed takes memory.
            self._functions.clear()
            self._shared = wire.Shared(1)

    def _ask(self, header: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
        self._ready()
        return self._ask_until(header, self._cell_until)

    def _ask_until(self, header: dict[str, Any], until: float) -> tuple[dict[str, Any], bytes]:
        request = self._number()
        return self._exchange(wire.pack(header | {"request": request}, []), request, until)

    def names(self, wanted: list[str]) -> dict[str, Any]:
        """Return what the submission has under these names, as far as it has: {name: value}.

        A module is a `Module`, a function a `StandIn`.
        """
        if not wanted:
            return {}
        header, body = self._ask({"op": "names", "names": wanted})
        found: dict[str, Any] = {}
        try:
            shared = wire.Shared(1)
            reader = wire.Reader(header, body, shared, self._functions)
            described = header.get("names")
            for name in wanted:
                one = described.get(name) if isinstance(described, dict) else None
                if isinstance(one, dict):
                    found[name] = self._described(name, one, reader)
        except wire.WireError as error:
            self._end()
            raise EndedError(f"what came back from it cannot be read ({error})") from None
        return found

    def _described(self, name: str, one: dict[str, Any], reader: wire.Reader) -> Any:
        if one.get("kind") == "function":
            return StandIn(self, name, name, one)
        if one.get("kind") == "module":
            return Module(wire.text(one.get("module"), wire.NAME))
        return reader.value(one.get("value"))

    def call(
        self, target: str | int, arguments: Any, named: dict[str, Any], watch: bool = False
    ) -> tuple[Any, dict[str, Any]]:
        """Call a function of the submission's; return its value, and its variables if watched.

        Raises
        ------
        GoneError
            If it ended the process, took all the time, or answered what cannot be read.
        NotDataError
            If what it returned cannot be handed over.
        Exception
            What it raised, made anew.
        """
        try:
            if not self._depth:
                self._ready()
            return self._call(target, arguments, named, watch)
        except EndedError as error:
            raise GoneError(f"Your function was stopped: {error}") from None
        except wire.WireError as error:
            self._end()
            raise GoneError(
                f"Your function was stopped: what came back from it cannot be read ({error})"
            ) from None
        except (GoneError, wire.RefusedError):
            self._end()
            raise

    def _call(
        self, target: str | int, arguments: Any, named: dict[str, Any], watch: bool
    ) -> tuple[Any, dict[str, Any]]:
        fresh = self._depth == 0
        if fresh:
            self._shared = wire.Shared(1)
            self._functions.clear()
        writer, request = wire.Writer(self._shared, self._functions), self._number()
        frame = writer.frame(
            {
                "op": "call",
                "request": request,
                "fresh": fresh,
                "target": target,
                "watch": watch,
                "args": [writer.value(value) for value in arguments],
                "kwargs": [[name, writer.value(value)] for name, value in named.items()],
            }
        )
        self._depth += 1
        try:
            header, body = self._exchange(frame, request, self._cell_until)
        finally:
            self._depth = max(0, self._depth - 1)
        _pass_on(header)
        if header.get("op") == "refused":
            said = wire.text(header.get("message"), wire.NAME)
            raise NotDataError(f"Your function returned what cannot be graded: {said}")
        reader = wire.Reader(header, body, self._shared, self._functions, writer.containers)
        value = reader.value(header.get("value")) if header.get("op") == "value" else None
        variables = _pairs(header.get("variables"), reader) if watch else {}
        for place, contents in _entries(header.get("changed")):
            if type(place) is not int or not 0 <= place < len(writer.containers):
                raise wire.WireError("no list")
            wire.write_back(writer.containers[place], reader.contents(contents))
        if header.get("op") != "value":
            raise _raised(header)
        return value, variables

    def _count(self, size: int) -> None:
        self._received += size
        if self._received > RECEIVED:
            raise GoneError(
                f"Your function was stopped: it handed over more than {RECEIVED >> 20} MB"
            )

    def _receive_call(self, header: dict[str, Any], body: bytes, until: float) -> None:
        """Call a function of ours, which the submission was given, and send what it returns."""
        if len(body) > ARGUMENTS:
            raise GoneError(
                f"Your function was stopped: it called a function that it was given with more "
                f"than {ARGUMENTS >> 20} MB"
            )
        _pass_on(header)
        reader = wire.Reader(header, body, self._shared, self._functions)
        function = self._functions.own(header.get("function"))
        arguments = [reader.value(value) for value in _list(header.get("args"))]
        named = _pairs(header.get("kwargs"), reader)
        given = reader.containers
        before = wire.holdings(given)
        answer: dict[str, Any]
        writer = wire.Writer(self._shared, self._functions, given)
        try:
            result = function(*arguments, **named)
        except wire.RefusedError:
            raise
        except Exception as error:
            answer = {"op": "error", **wire.told(error)}
        else:
            answer = {"op": "value", "value": writer.value(result)}
        answer["changed"] = [[k, writer.contents(given[k])] for k in wire.changed(given, before)]
        self._send(writer.frame(answer), until)


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    """Let no interrupt, of which the limits of a check send many, leave a process half ended."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _pass_on(header: dict[str, Any]) -> None:
    """Print what a function printed, and warn of what it warned of."""
    for name, stream in (("stdout", sys.stdout), ("stderr", sys.stderr)):
        printed = header.get(name)
        if isinstance(printed, str) and printed:
            stream.write(wire.text(printed, CHARACTERS))
    for warned in _list(header.get("warnings", []))[:20]:
        if isinstance(warned, dict):
            warnings.warn(_warning(warned), stacklevel=2)


def _warning(said: dict[str, Any]) -> Warning:
    made = wire.rebuilt(said)
    return made if isinstance(made, Warning) else UserWarning(str(made))


def _raised(header: dict[str, Any]) -> BaseException:
    """Return the exception of a header, with the lines of the submission through which it left."""
    error = wire.rebuilt(header)
    lines = []
    for entry in _list(header.get("frames"))[:50]:
        if isinstance(entry, list) and len(entry) == 3 and type(entry[1]) is int:
            lines.append((wire.text(entry[0], wire.NAME), entry[1], wire.text(entry[2], 200)))
    vars(error)["elsewhere"] = tuple(lines)
    return error


def _list(said: Any) -> list[Any]:
    if not isinstance(said, list):
        raise wire.WireError("no list")
    return said


def _entries(said: Any) -> list[list[Any]]:
    entries = _list(said if said is not None else [])
    if not all(isinstance(entry, list) and len(entry) == 2 for entry in entries):
        raise wire.WireError("no entry of this kind")
    return entries


def _pairs(said: Any, reader: wire.Reader) -> dict[str, Any]:
    return {wire.text(name, wire.NAME): reader.value(value) for name, value in _entries(said)}


def _error(name: str, message: str) -> dict[str, Any]:
    return {
        "output_type": "error",
        "ename": name,
        "evalue": message,
        "traceback": [f"{name}: {message}"],
    }


def _output(said: Any) -> dict[str, Any] | None:
    """Return an output of the notebook format that a submission describes, or None."""
    if not isinstance(said, dict):
        return None
    kind = said.get("output_type")
    try:
        if kind == "stream" and said.get("name") in ("stdout", "stderr"):
            return {"output_type": kind, "name": said["name"], "text": wire.text(said.get("text"))}
        if kind == "error":
            lines = [wire.text(line) for line in _list(said.get("traceback"))]
            return _error(wire.text(said.get("ename")), wire.text(said.get("evalue"))) | {
                "traceback": lines
            }
        if kind in ("display_data", "execute_result"):
            data = said.get("data")
            shown = {
                mime: wire.text(content)
                for mime, content in (data if isinstance(data, dict) else {}).items()
                if mime in MIMES and isinstance(content, str)
            }
            made = {"output_type": kind, "data": shown, "metadata": {}}
            return made | ({"execution_count": None} if kind == "execute_result" else {})
    except wire.WireError:
        return None
    return None


class Module:
    """A module of this name that the submission has; which one is for the grader to say."""

    def __init__(self, name: str) -> None:
        self.name = name


class Functions:
    """Our functions that a submission was given, by handle, and stand-ins for its own."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._own: dict[int, Any] = {}
        self._handles: dict[int, int] = {}

    def clear(self) -> None:
        """Let go of the functions that a call was given."""
        self._own.clear()
        self._handles.clear()

    def export(self, function: Any) -> tuple[int, str]:
        """Return the handle and the name of a function of ours."""
        handle = self._handles.get(id(function))
        if handle is None or self._own[handle] is not function:
            handle = len(self._own) + 1
            if handle > wire.ARRAYS:
                raise wire.RefusedError("more functions than can be handed over")
            self._own[handle] = function
            self._handles[id(function)] = handle
        name = getattr(function, "__name__", "")
        return handle, name if isinstance(name, str) and name.isidentifier() else "function"

    def own(self, handle: Any) -> Any:
        """Return the function of ours that has a handle."""
        if type(handle) is not int or handle not in self._own:
            raise wire.WireError("a function that was not handed over")
        return self._own[handle]

    def theirs(self, handle: int, name: str) -> Any:
        """Return what stands for a function that was handed over."""
        return StandIn(self._session, handle, name, {})

    def handle_of(self, value: Any) -> tuple[int, str] | None:
        """Return the handle and name of a function of the submission's."""
        if isinstance(value, StandIn) and isinstance(value.target, int):
            return value.target, value.__name__
        return None


class StandIn(Elsewhere):
    """Stands for a function of the submission: to call it is to have it called there."""

    def __init__(
        self, session: Session, target: str | int, name: str, described: dict[str, Any]
    ) -> None:
        self._session, self.target = session, target
        self.__name__ = self.__qualname__ = name
        doc = described.get("doc")
        self.__doc__ = wire.text(doc, CHARACTERS) if isinstance(doc, str) else None
        variables = described.get("variables")
        self.variables = tuple(
            wire.text(one, wire.NAME)
            for one in (variables if isinstance(variables, list) else [])[:200]
            if isinstance(one, str)
        )
        signature = _signature(described.get("parameters"))
        if signature is not None:
            self.__signature__ = signature

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """Have it called."""
        return self._session.call(self.target, arguments, named)[0]

    def watched(self, *arguments: Any) -> tuple[Any, dict[str, Any]]:
        """Return the value, and the local variables that the function had when it returned."""
        return self._session.call(self.target, arguments, {}, watch=True)

    def __repr__(self) -> str:
        return f"<function {self.__name__} of the submission>"


def _signature(said: Any) -> inspect.Signature | None:
    if not isinstance(said, list):
        return None
    try:
        return inspect.Signature(
            [
                inspect.Parameter(
                    wire.text(name, wire.NAME),
                    inspect._ParameterKind(kind),
                    default=... if default is True else inspect.Parameter.empty,
                )
                for name, kind, default in said[:200]
            ]
        )
    except (TypeError, ValueError, wire.WireError):
        return None
