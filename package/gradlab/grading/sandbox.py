"""Programs of others, held in by bubblewrap: no file but their own, no network, bounded resources.

A sandbox is fresh, sees an allow-list of the machine's folders, and is gone with all of its
processes when it is killed. Two recipes give it. An ordinary user gets a user namespace. Root needs
none, and must not have one: its user would still be root, who may read every file and start any
number of processes. So root's sandboxes change to a user that exists by number only, another one
for each.

Before the first sandbox of a process is opened, `self_test` tries to get out of one. Where any of
it succeeds, nothing is run.
"""

from __future__ import annotations

import contextlib
import functools
import importlib.util
import json
import os
import re
import secrets
import select
import shutil
import signal
import socket
import stat
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, BinaryIO, Self, cast

FOLDER = "/sandbox"
"""Where the submission's own files are inside."""

WRITABLE = ("/tmp", FOLDER)
"""Folders inside that can be written."""

ENVIRONMENT = {
    "HOME": "/tmp",
    "LANG": "C.UTF-8",
    "PATH": "/usr/bin:/bin",
    "USER": "student",
    # Submissions run side by side, and each thread takes address space.
    "MKL_NUM_THREADS": "1",
    "NUMBA_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
}

GROUP = "gradlab.exercises"
"""Entry points by which other packages register exercises, as ``gradlab.checks`` has it."""

MOST_FILES = 200
"""So many files of a submission are handed in; each is open while the sandbox starts."""

WATCH = 0.2
"""Seconds between two looks at a sandbox's memory and time."""


START = 10.0
"""Seconds in which bubblewrap has to start, on a machine however busy."""


class SandboxError(RuntimeError):
    """The machine gives no sandbox; the message says why, and what to install or allow."""


@dataclass(frozen=True)
class Limits:
    """What a submission may take.

    Parameters
    ----------
    memory
        Bytes of address space of each process, and of memory in use by all of them together.
    processes
        Processes and threads.
    file_size
        Bytes of a file that is written.
    open_files
        Files that a process has open.
    disk
        Bytes of each of the two folders that can be written, ``/sandbox`` and ``/tmp``.
    files
        Files and folders in both of them together.
    output
        Bytes that a submission may print; whoever reads its output drops the rest with a note.
    cell_seconds, submission_seconds
        Seconds of a cell, seen to by whoever runs the cells, and of the sandbox.
    """

    memory: int = 2 << 30
    processes: int = 64
    file_size: int = 64 << 20
    open_files: int = 256
    disk: int = 64 << 20
    files: int = 10_000
    output: int = 1 << 20
    cell_seconds: float = 60.0
    submission_seconds: float = 300.0


class Sandbox:
    """A running program, whatever holds it in.

    Attributes
    ----------
    stdin, stdout : raw binary files
        Pipes to and from the program. They are not buffered: what is not read is not kept.
    ended : str
        Why the sandbox was ended before anybody asked; empty if it was not.
    left_out : list of str
        Files of the submission that are not inside: links, devices, and what exceeds the limits.
    """

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        limits: Limits,
        first: int,
        left_out: Sequence[str] = (),
        folder: tempfile.TemporaryDirectory[str] | None = None,
    ) -> None:
        self.stdin = cast(BinaryIO, process.stdin)
        self.stdout = cast(BinaryIO, process.stdout)
        self.ended = ""
        self.left_out = list(left_out)
        self.limits = limits
        self._process = process
        self._folder = folder
        # The first process of the sandbox. When it ends, the kernel ends the others, and only then
        # is it gone. In a plain child it is the program itself.
        self._first = first
        self._handle = -1
        with contextlib.suppress(ProcessLookupError, AttributeError):
            self._handle = os.pidfd_open(first)
        self._over = threading.Event()
        self._watch = threading.Thread(target=self._look, daemon=True)
        self._watch.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        self._watch.join()
        for stream in (self.stdin, self.stdout):
            with contextlib.suppress(OSError):
                stream.close()
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1
        if self._folder:
            self._folder.cleanup()

    def interrupt(self) -> None:
        """Send the program an interrupt, which it may ignore."""
        if self._process.poll() is None:
            with contextlib.suppress(OSError):
                inside = self._first != self._process.pid
                programs = _children(self._first) if inside else [self._first]
                for program in programs[:1]:
                    os.kill(program, signal.SIGINT)

    def kill(self) -> None:
        """End the program and all of its processes; return when they are gone."""
        self._over.set()
        if self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                if self._first == self._process.pid:
                    os.killpg(self._first, signal.SIGKILL)
                elif self._handle >= 0:
                    # bubblewrap itself, which waits for it, then ends too.
                    signal.pidfd_send_signal(self._handle, signal.SIGKILL)
            if self._handle < 0 or not select.select([self._handle], [], [], START)[0]:
                self._process.kill()
            self._process.wait()

    def _look(self) -> None:
        start = time.monotonic()
        while not self._over.wait(WATCH) and self._process.poll() is None:
            try:
                self.ended = self._exceeded(time.monotonic() - start)
            except OSError as error:
                self.ended = f"what it takes cannot be seen ({error})"
            if self.ended:
                self.kill()

    def _exceeded(self, seconds: float) -> str:
        """Return which limit does not hold; of those that the kernel does not hold by itself."""
        memory, files = memory_of(self._first), 0
        if self._first != self._process.pid:
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                memory += _memory_of_sockets(self._first)
                folders = [os.statvfs(f"/proc/{self._first}/root{folder}") for folder in WRITABLE]
                files = sum(folder.f_files - folder.f_ffree for folder in folders)
        if seconds > self.limits.submission_seconds:
            return f"it took longer than {self.limits.submission_seconds:g} seconds"
        if memory > self.limits.memory:
            return f"it took more than {self.limits.memory >> 20} MB of memory"
        if files > self.limits.files:
            return f"it made more than {self.limits.files} files"
        return ""


def open_sandbox(
    program: Sequence[str],
    work: Path | None = None,
    readable: Sequence[Path] = (),
    limits: Limits | None = None,
) -> Sandbox:
    """Start a program in a sandbox of its own.

    Parameters
    ----------
    program
        Command and arguments; the command is found inside, by its full path.
    work
        Folder with the submission's own files. Inside are copies of them in ``/sandbox``, where the
        program starts and may write; nothing of that stays.
    readable
        Further files and folders, which are inside at the same path and cannot be written. The
        Python that runs this is there without being named, but for the package ``gradlab``.
    limits
        What the program may take.

    Raises
    ------
    SandboxError
        If the machine gives no sandbox that holds.

    Notes
    -----
    A sandbox ends with the thread that opened it.
    """
    self_test()
    return _start(program, work, readable, limits or Limits())


def open_unprotected(
    program: Sequence[str],
    work: Path | None = None,
    readable: Sequence[Path] = (),
    limits: Limits | None = None,
) -> Sandbox:
    """Start a program that nothing holds in, with the rights of whoever grades.

    It sees every file and the network, and what it starts may outlive it. Only the limits of a
    single process hold, and these on Linux only.
    """
    del readable
    limits = limits or Limits()
    folder = tempfile.TemporaryDirectory(prefix="gradlab-", ignore_cleanup_errors=True)
    files, left_out = _files(work, limits)
    for name, source in files:
        target = Path(folder.name, os.fsdecode(name))
        target.parent.mkdir(parents=True, exist_ok=True)
        with open(source, "rb") as content, target.open("wb") as copy:
            shutil.copyfileobj(content, copy)
    prefix = _limited(limits, processes=False) if shutil.which("prlimit") else []
    process = subprocess.Popen(
        [*prefix, *program],
        cwd=folder.name,
        env={**ENVIRONMENT, "HOME": folder.name, "PATH": os.environ.get("PATH", os.defpath)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        bufsize=0,
        start_new_session=True,
    )
    return Sandbox(process, limits, process.pid, left_out, folder)


def self_test() -> None:
    """Try to get out of a sandbox, and to take more than the limits; once for each process.

    Raises
    ------
    SandboxError
        If there is no sandbox, or any of it succeeds.
    """
    _self_test(_bubblewrap(), os.geteuid())


def keep_apart(course: Path) -> None:
    """Make sure that a folder is not among those of Python's, which are inside of every sandbox.

    Raises
    ------
    SandboxError
        If it is.
    """
    course = course.resolve()
    for folder in map(Path, _folders_of_python()):
        if folder.resolve() in (course, *course.parents):
            raise SandboxError(
                f"the course is in {course}, and submissions can read all of {folder}, where their "
                "Python is: move the course to a folder of its own"
            )


def _folders_of_python() -> list[str]:
    return sorted({"/usr", sys.prefix, sys.base_prefix})


@functools.cache
def _exercises_of_others() -> list[str]:
    """Return the arguments that hide modules with exercises which other packages have registered.

    Each has a reference. What is compiled of it is another file.
    """
    arguments = []
    for entry in entry_points(group=GROUP):
        with contextlib.suppress(ImportError, ValueError):
            spec = importlib.util.find_spec(entry.module)
            if spec and spec.submodule_search_locations:
                for folder in filter(_is_inside, spec.submodule_search_locations):
                    arguments += ["--tmpfs", folder, "--remount-ro", folder]
            elif spec and spec.origin:
                for path in (spec.origin, importlib.util.cache_from_source(spec.origin)):
                    if os.path.isfile(path) and _is_inside(path):
                        # No device opens there.
                        arguments += ["--ro-bind", "/dev/null", path]
    return arguments


def _is_inside(path: str) -> bool:
    return any(Path(folder) in Path(path).parents for folder in _folders_of_python())


def memory_of(first: int) -> int:
    """Return the bytes of memory of a process and of all that it started.

    What several of them share counts for each: only a process that allows it tells whether it does.
    """
    total, family = 0, [first]
    for process in family:
        with contextlib.suppress(OSError):
            status = Path(f"/proc/{process}/status").read_text(errors="replace")
            total += sum(int(size) << 10 for size in _IN_USE.findall(status))
            family += _children(process)
    return total


def _memory_of_sockets(process: int) -> int:
    """Return the bytes that all sockets of a network namespace may hold; they count for nobody."""
    used = re.search(r"used (\d+)", Path(f"/proc/{process}/net/sockstat").read_text())
    most = int(Path("/proc/sys/net/core/wmem_max").read_text())
    return 2 * most * int(used[1]) if used else 0


_IN_USE = re.compile(r"^Rss(?:Anon|Shmem):\s*(\d+) kB$", re.MULTILINE)


def _children(process: int) -> list[int]:
    """Return what a process and its threads have started, the oldest of each first."""
    tasks = Path(f"/proc/{process}/task").iterdir()
    return [int(child) for task in tasks for child in (task / "children").read_text().split()]


def _start(
    program: Sequence[str],
    work: Path | None,
    readable: Sequence[Path],
    limits: Limits,
    errors: int | BinaryIO = subprocess.DEVNULL,
) -> Sandbox:
    inside = [*_as_nobody(), *_limited(limits), *program]
    files, left_out = _files(work, limits)
    rules = _data(_forbidden_calls())
    told, tell = os.pipe()
    command = ["--seccomp", str(rules), "--info-fd", str(tell), *_view(files, readable, limits)]
    arguments = _data(b"".join(os.fsencode(part) + b"\0" for part in command))
    handed = [arguments, rules, tell, *(source for _, source in files)]
    try:
        # The first process inside is bubblewrap's: its environment and its arguments can be seen.
        process = subprocess.Popen(
            [_bubblewrap(), "--args", str(arguments), *inside],
            env={},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            bufsize=0,
            pass_fds=handed,
            start_new_session=True,
        )
    finally:
        for descriptor in handed:
            os.close(descriptor)
    try:
        return Sandbox(process, limits, _told(told), left_out)
    except (ValueError, TypeError, KeyError):
        # What it started may hold the pipes: nobody waits for their end.
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            cast(BinaryIO, stream).close()
        raise SandboxError("bubblewrap did not start the program") from None
    finally:
        os.close(told)


def _told(info: int) -> int:
    """Return the number of the sandbox's first process, which bubblewrap says in several writes."""
    said = b""
    while select.select([info], [], [], START)[0] and (more := os.read(info, 4096)):
        said += more
        with contextlib.suppress(ValueError):
            return int(json.loads(said)["child-pid"])
    raise ValueError(said)


def _view(
    files: Sequence[tuple[bytes, int]], readable: Sequence[Path], limits: Limits
) -> list[str]:
    """Return bubblewrap's arguments: what is inside, and which namespaces are its own."""
    shown = _folders_of_python()
    if _is_root():
        # Rights to change the user, which the program then no longer has.
        own = ["--unshare-net", "--unshare-pid", "--unshare-ipc", "--unshare-uts"]
        own += ["--unshare-cgroup-try", "--cap-drop", "ALL", "--cap-add", "CAP_SETUID"]
        own += ["--cap-add", "CAP_SETGID", "--cap-add", "CAP_SETPCAP"]
    else:
        own = ["--unshare-all", "--unshare-user", "--cap-drop", "ALL"]
        own += ["--uid", "65534", "--gid", "65534"]
    arguments = [*own, "--die-with-parent", "--new-session", "--clearenv"]
    for name, value in ENVIRONMENT.items():
        arguments += ["--setenv", name, value]
    arguments += ["--proc", "/proc", "--dev", "/dev", "--remount-ro", "/dev"]
    # The first process is bubblewrap's, whose calls are not filtered: nobody may write its memory.
    arguments += ["--perms", "0000", "--tmpfs", "/proc/1", "--remount-ro", "/proc/1"]
    for folder in WRITABLE:
        arguments += ["--perms", "0777", "--size", str(limits.disk), "--tmpfs", folder]
    for folder in shown:
        arguments += _shown(Path(folder))
    for name in ("bin", "sbin", "lib", "lib32", "lib64"):
        if os.path.islink(f"/{name}"):
            arguments += ["--symlink", os.readlink(f"/{name}"), f"/{name}"]
        else:
            arguments += ["--ro-bind-try", f"/{name}", f"/{name}"]
    for name in ("alternatives", "fonts", "ld.so.cache", "localtime"):
        arguments += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
    # An installed gradlab stands among the packages of Python, with the cases and the answers.
    package = str(Path(__file__).resolve().parent.parent)
    hidden = _is_inside(package)
    if hidden:
        arguments += ["--tmpfs", package]
    arguments += _exercises_of_others()
    for allowed in readable:
        arguments += _shown(allowed)
    if hidden:
        arguments += ["--remount-ro", package]
    for path, source in files:
        inside = Path(FOLDER, os.fsdecode(path))
        for parent in reversed(inside.parents[:-2]):
            arguments += ["--perms", "0777", "--dir", str(parent)]
        arguments += ["--perms", "0666", "--file", str(source), str(inside)]
    return [*arguments, "--chdir", FOLDER, "--remount-ro", "/"]


def _shown(path: Path) -> list[str]:
    """Return the arguments for a path that is inside as it is outside, and cannot be written."""
    arguments = []
    for parent in reversed(path.parents[:-1]):
        # Else it would be open to root only.
        arguments += ["--perms", "0755", "--dir", str(parent)]
    return [*arguments, "--ro-bind", str(path), str(path)]


def _files(work: Path | None, limits: Limits) -> tuple[list[tuple[bytes, int]], list[str]]:
    """Open the plain files of a folder; return them, and the names of what else was there."""
    opened: list[tuple[bytes, int]] = []
    left_out: list[str] = []
    room = limits.disk
    if work is None:
        return opened, left_out
    for name in sorted(_below(work)):
        path = os.path.join(os.fsencode(work), name)
        try:
            file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            left_out.append(os.fsdecode(name))
            continue
        status = os.fstat(file)
        # A folder's pages are whole, and each file has its entry.
        size = status.st_size + 8192
        if stat.S_ISREG(status.st_mode) and size <= room and len(opened) < MOST_FILES:
            opened.append((name, file))
            room -= size
        else:
            os.close(file)
            left_out.append(os.fsdecode(name))
    return opened, left_out


def _below(work: Path) -> Iterator[bytes]:
    for folder, folders, names in os.walk(os.fsencode(work)):
        links = [name for name in folders if os.path.islink(os.path.join(folder, name))]
        for name in [*names, *links]:
            yield os.path.relpath(os.path.join(folder, name), os.fsencode(work))


def _is_root() -> bool:
    """Whether this is the machine's root; the root of a user namespace is an ordinary user."""
    inside, outside = _numbers()[0][:2]
    return os.geteuid() == 0 and inside == outside == 0


def _numbers() -> list[list[int]]:
    """Return the ranges of users' numbers here: first inside, first outside, how many."""
    lines = Path("/proc/self/uid_map").read_text().splitlines()
    return [[int(number) for number in line.split()] for line in lines]


def _as_nobody() -> list[str]:
    """Return how root's program changes to a user of its own, or nothing."""
    if not _is_root():
        return []
    return [
        "setpriv",
        *(f"--re{kind}={_unused_number()}" for kind in ("uid", "gid")),
        "--clear-groups",
        "--bounding-set=-all",
        "--inh-caps=-all",
        "--no-new-privs",
    ]


def _unused_number() -> int:
    """Return a user's number that no account has, as good as surely another one at each call."""
    inside, _, count = _numbers()[-1]
    largest = min(inside + count - 1, 2**31 - 2)
    if largest < 1000:
        raise SandboxError("root knows no other user here, as whom a submission could run")
    return largest - secrets.randbelow(min(1 << 24, largest // 2))


def _limited(limits: Limits, processes: bool = True) -> list[str]:
    """Return the start of a command with limits, none above what the grader itself has."""
    import resource

    cores = os.cpu_count() or 1
    wanted = {
        "as": limits.memory,
        # The grader's own is lower while a test runs, in which a sandbox may have to start anew.
        "data": limits.memory,
        "core": 0,
        # Time is watched from outside; this ends what would be left if the grader were killed.
        "cpu": int(limits.submission_seconds * cores) + 1,
        "fsize": limits.file_size,
        "nofile": limits.open_files,
    }
    if processes:
        wanted["nproc"] = limits.processes
    parts = ["prlimit"]
    for name, value in wanted.items():
        hard = resource.getrlimit(getattr(resource, f"RLIMIT_{name.upper()}"))[1]
        parts.append(f"--{name}={value if hard == resource.RLIM_INFINITY else min(value, hard)}")
    return parts


def _data(content: bytes) -> int:
    """Return a descriptor from which the content is read."""
    file = os.memfd_create("gradlab")
    os.write(file, content)
    os.lseek(file, 0, os.SEEK_SET)
    return file


CALLS = {
    "x86_64": (0xC000003E, 56, {
        "socket": 41, "ptrace": 101, "process_vm_readv": 310, "process_vm_writev": 311,
        "shmget": 29, "semget": 64, "msgget": 68, "mq_open": 240, "memfd_create": 319,
        "add_key": 248, "request_key": 249, "keyctl": 250, "bpf": 321, "perf_event_open": 298,
        "userfaultfd": 323, "unshare": 272, "setns": 308, "mount": 165, "umount2": 166,
        "pivot_root": 155, "chroot": 161,
    }),
    "aarch64": (0xC00000B7, 220, {
        "socket": 198, "ptrace": 117, "process_vm_readv": 270, "process_vm_writev": 271,
        "shmget": 194, "semget": 190, "msgget": 186, "mq_open": 180, "memfd_create": 279,
        "add_key": 217, "request_key": 218, "keyctl": 219, "bpf": 280, "perf_event_open": 241,
        "userfaultfd": 282, "unshare": 97, "setns": 268, "mount": 40, "umount2": 39,
        "pivot_root": 41, "chroot": 51,
    }),
}  # fmt: skip
"""For each machine the kernel's name for it, the number of clone, and of calls that are refused.

Namespaces do not cut off what these reach: sockets to a virtual machine's host, the keys of the
session, memory that belongs to no process and so counts for none.
"""

NEWER_CALLS = {
    "io_uring_setup": 425, "open_tree": 428, "move_mount": 429, "fsopen": 430, "fsmount": 432,
    "mount_setattr": 442, "memfd_secret": 447,
}  # fmt: skip
"""Calls that have the same number on every machine."""

CLONE3 = 435
NEW_NAMESPACES = 0x7E020000
"""The flags of clone that make a namespace."""


def _forbidden_calls() -> bytes:
    """Return the filter of system calls, a program for the kernel's packet filter (seccomp)."""
    machine, clone, calls = CALLS[os.uname().machine]
    numbers = [*calls.values(), *NEWER_CALLS.values()]
    load, equal, at_least, any_bit, give = 0x20, 0x15, 0x35, 0x45, 0x06
    # Where the jumps go, counted from the end.
    steps: list[tuple[int, int, str | None]] = [
        (load, 4, None),
        (equal, machine, "else kill"),
        (load, 0, None),
        # The calls of x86-64's second set, which have other numbers.
        (at_least, 0x40000000, "kill"),
        *((equal, number, "refuse") for number in numbers),
        # Its flags are in memory, where no filter sees them: the library falls back to clone.
        (equal, CLONE3, "unknown"),
        (equal, clone, "else allow"),
        (load, 16, None),
        (any_bit, NEW_NAMESPACES, "refuse"),
    ]
    ends = {"allow": 0x7FFF0000, "refuse": 0x00050001, "unknown": 0x00050026, "kill": 0x80000000}
    program = b""
    for place, (operation, value, target) in enumerate(steps):
        name = (target or "").removeprefix("else ")
        jump = len(steps) + list(ends).index(name) - place - 1 if target else 0
        true, false = (0, jump) if target and target.startswith("else") else (jump, 0)
        program += struct.pack("HBBI", operation, true, false, value)
    return program + b"".join(struct.pack("HBBI", give, 0, 0, value) for value in ends.values())


_PROBE = """
import ctypes, json, os, resource, signal, socket, sys
canary, port, name, memory = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
done = []

def attempt(what, action):
    try:
        action()
    except (OSError, MemoryError):
        return
    done.append(what)

def write(path):
    with open(path, "w") as file:
        file.write("canary")
    os.remove(path)

def call(function, *arguments):
    if getattr(ctypes.CDLL(None), function)(*arguments) == -1:
        raise OSError

def fill(folder):
    with open(folder + "/fill", "w") as file:
        os.posix_fallocate(file.fileno(), 0, 4 << 20)

def grow():
    bytearray(memory)

attempt("it read a file outside", lambda: open(canary).read())
attempt("it listed a folder outside", lambda: os.listdir(os.path.dirname(canary)))
for folder in (os.path.dirname(canary), sys.prefix, sys.base_prefix, "/usr", "/dev", "/"):
    attempt("it wrote to " + folder, lambda: write(folder + "/gradlab-canary"))
for name_of in ("environ", "mem", "task/1/mem"):
    attempt("it opened the program around it", lambda: open("/proc/1/" + name_of, "rb"))
attempt("it reached the network", lambda: socket.create_connection(("127.0.0.1", port), 1))
attempt("it reached a socket of another program",
        lambda: socket.socket(socket.AF_UNIX).connect("\\0" + name))
attempt("it made a user namespace", lambda: call("unshare", 0x10000000))
attempt("it took memory that no process has", lambda: os.memfd_create("canary"))
attempt("it took more address space than it may", grow)
for folder in ("/sandbox", "/tmp"):
    attempt("it filled " + folder, lambda: fill(folder))

status = dict(line.split(":", 1) for line in open("/proc/self/status"))
if any(int(status[kind], 16) for kind in ("CapEff", "CapPrm", "CapInh", "CapBnd", "CapAmb")):
    done.append("it has capabilities")
if status["NoNewPrivs"].strip() != "1":
    done.append("it can gain rights")
if status["Seccomp"].strip() != "2":
    done.append("its system calls are not filtered")
if set(status["Groups"].split()) - {"65534"}:
    done.append("it is in groups")
if len([number for number in os.listdir("/proc") if number.isdigit()]) > 2:
    done.append("it sees other programs")
started = 0
try:
    while started < 30:
        if os.fork() == 0:
            os.setsid()
            # Where the sandbox does not end it.
            signal.alarm(20)
            signal.pause()
        started += 1
except OSError:
    pass
print(json.dumps({
    "done": done,
    "started": started,
    "users": status["Uid"].split(),
    "environment": dict(os.environ),
    "folder": os.getcwd(),
    "namespaces": {kind: os.readlink("/proc/self/ns/" + kind)
                   for kind in ("ipc", "mnt", "net", "pid", "uts")},
    "limits": {kind: resource.getrlimit(getattr(resource, "RLIMIT_" + kind))
               for kind in ("AS", "DATA", "CORE", "CPU", "FSIZE", "NOFILE", "NPROC")},
}), flush=True)
signal.pause()
"""
"""Runs inside, and tries what must not succeed. It is ours: what it says of itself is true."""


@functools.cache
def _self_test(bubblewrap: str, user: int) -> None:
    limits = Limits(disk=1 << 20, processes=12)
    with (
        tempfile.TemporaryDirectory(prefix="gradlab-") as folder,
        tempfile.TemporaryFile() as errors,
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.socket(socket.AF_UNIX) as local,
    ):
        os.chmod(folder, 0o755)
        canary = Path(folder, "canary")
        canary.write_text("canary")
        canary.chmod(0o644)
        name = f"gradlab-{secrets.token_hex(8)}"
        local.bind(f"\0{name}")
        local.listen()
        told = [str(canary), str(server.getsockname()[1]), name, str(limits.memory + 1)]
        try:
            with _start(
                [sys.executable, "-I", "-c", _PROBE, *told], None, (), limits, errors
            ) as box:
                said = _line(box)
                box.kill()
                left = not select.select([box.stdout], [], [], 1)[0] or box.stdout.read(1)
        except SandboxError as error:
            said, left, reason = b"", b"", str(error)
        else:
            reason = "the program inside said nothing"
        errors.seek(0)
        reason = errors.read(2000).decode(errors="replace").strip() or reason
    try:
        escapes = _escapes(json.loads(said), limits, user)
    except (ValueError, KeyError, TypeError):
        raise SandboxError(f"{bubblewrap} makes no sandbox here ({reason}). {_remedy()}") from None
    if left:
        escapes.append("a process of it was left")
    if escapes:
        raise SandboxError(
            f"{bubblewrap} makes a sandbox that does not hold: {'; '.join(escapes)}. Nothing of a "
            "submission was run. It has to be the program of the package bubblewrap: "
            "`apt install --reinstall bubblewrap`."
        )


def _line(box: Sandbox) -> bytes:
    """Return what the probe says, which ends with its line or with the program."""
    said = b""
    while not said.endswith(b"\n") and select.select([box.stdout], [], [], START)[0]:
        more = box.stdout.read(65536)
        if not more:
            break
        said += more
    return said


def _escapes(found: dict[str, Any], limits: Limits, user: int) -> list[str]:
    """Return sentences about what a sandbox let out."""
    escapes = list(found["done"])
    for kind, inside in found["namespaces"].items():
        if os.readlink(f"/proc/self/ns/{kind}") == inside:
            escapes.append(f"it shares the namespace {kind} with the grader")
    users = {int(number) for number in found["users"]}
    if len(users) != 1 or users & {0, user}:
        escapes.append("it is still the user who grades")
    # bubblewrap adds the folder.
    if found["environment"] != ENVIRONMENT | {"PWD": FOLDER}:
        escapes.append("it has other variables in its environment")
    if found["folder"] != FOLDER:
        escapes.append(f"it is not in {FOLDER}")
    if not 1 <= found["started"] <= limits.processes:
        escapes.append(f"it may have {limits.processes} processes, and had {found['started']} more")
    for part in _limited(limits)[1:]:
        kind, _, value = part.removeprefix("--").partition("=")
        if found["limits"][kind.upper()] != [int(value), int(value)]:
            escapes.append(f"the limit {kind} does not hold")
    return escapes


def _bubblewrap() -> str:
    """Return the path of bubblewrap."""
    if sys.platform != "linux":
        raise SandboxError(
            "the sandbox needs Linux: grade in a Linux machine or container, or on Windows in WSL2"
        )
    if os.uname().machine not in CALLS:
        raise SandboxError(f"the sandbox knows {' and '.join(CALLS)}, not {os.uname().machine}")
    for needed, package in (("bwrap", "bubblewrap"), ("prlimit", "util-linux")):
        if not shutil.which(needed):
            raise SandboxError(
                f"{needed} is not installed, and without a sandbox nothing of a submission is run: "
                f"`apt install {package}` (Debian, Ubuntu) or `dnf install {package}` (Fedora)"
            )
    return cast(str, shutil.which("bwrap"))


def _remedy() -> str:
    """Return what may be the matter on this machine, and that nothing was run."""
    causes = []
    allowed = int(re.findall(r"CapEff:\s*(\w+)", Path("/proc/self/status").read_text())[0], 16)
    contained = any(Path(mark).exists() for mark in ("/.dockerenv", "/run/.containerenv"))
    if not allowed & SYS_ADMIN if _is_root() else contained:
        causes.append(
            "A container allows namespaces if it is started with --cap-add=SYS_ADMIN "
            "--security-opt seccomp=unconfined --security-opt apparmor=unconfined."
        )
    if not _is_root():
        for setting, bad, what in _SETTINGS:
            with contextlib.suppress(OSError):
                if Path("/proc/sys", setting).read_text().strip() == bad:
                    causes.append(what)
    causes.append("bubblewrap 0.7 or later is needed: `apt install bubblewrap`.")
    return " ".join(["Nothing of a submission was run.", *causes])


SYS_ADMIN = 1 << 21
"""The capability to make namespaces."""

_SETTINGS = [
    (
        "kernel/apparmor_restrict_unprivileged_userns",
        "1",
        "AppArmor keeps user namespaces from programs without a profile (Ubuntu 23.10 and later): "
        "write 'abi <abi/4.0>, profile bwrap /usr/bin/bwrap flags=(unconfined) { userns, }' to "
        "/etc/apparmor.d/bwrap and run `systemctl reload apparmor`.",
    ),
    (
        "kernel/unprivileged_userns_clone",
        "0",
        "User namespaces are off: `sysctl -w kernel.unprivileged_userns_clone=1`.",
    ),
    (
        "user/max_user_namespaces",
        "0",
        "User namespaces are off: `sysctl -w user.max_user_namespaces=10000`.",
    ),
]
"""Files below /proc/sys, the value with which an ordinary user gets no sandbox, and the remedy."""
