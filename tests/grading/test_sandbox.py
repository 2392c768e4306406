"""What a program in the sandbox cannot see, reach, take or leave behind, as root and as a user."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
import time
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from ordinary import as_ordinary_user
from support import ROOT

import gradlab
from gradlab.grading import sandbox

BWRAP = shutil.which("bwrap")
DRIVER = Path(__file__).with_name("driver.py")
ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "PYTHONPATH": str(Path(gradlab.__file__).parent.parent),
    "GRADLAB_COURSE_SECRET": "the-secret-of-the-course",
}

needs_bubblewrap = pytest.mark.skipif(BWRAP is None, reason="apt install bubblewrap")
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the sandbox needs Linux")


def command(user, around=()):
    driver = [*around, sys.executable, str(DRIVER)]
    return as_ordinary_user(driver) if user == "ordinary" else driver


def drive(user, code="", around=(), path=None, **how):
    """What the driver says of a program's code."""
    environment = ENVIRONMENT | ({"PATH": path} if path else {})
    result = subprocess.run(
        command(user, around),
        input=json.dumps({"code": textwrap.dedent(code), **how}),
        capture_output=True,
        text=True,
        env=environment,
        cwd="/",
        timeout=120,
    )
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


@pytest.fixture(params=["same", "ordinary"])
def user(request):
    """Whoever runs the tests, and an ordinary user where that is root."""
    if BWRAP is None:
        pytest.skip("apt install bubblewrap")
    if request.param == "ordinary" and os.geteuid() != 0:
        pytest.skip("whoever runs the tests is an ordinary user")
    return request.param


def alive(mark):
    """Processes of this machine that have the mark among their arguments."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and mark.encode() in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
        except OSError:
            pass
    return found


def gone(mark):
    """Whether within five seconds no process has the mark: by itself it would go on for longer."""
    end = time.monotonic() + 5
    while alive(mark) and time.monotonic() < end:
        time.sleep(0.01)
    return not alive(mark)


OPEN = """
import json, os, sys
opened = []
for path in {paths}:
    try:
        os.listdir(path) if os.path.isdir(path) else open(path, "rb").read(1)
        opened.append(path)
    except OSError:
        pass
print(json.dumps(opened))
"""


def test_no_file_of_the_machine_is_seen(user, tmp_path):
    secret = tmp_path / "gradebook.db"
    secret.write_text("grades")
    tmp_path.chmod(0o755)
    paths = [
        "/etc/shadow", "/etc/passwd", "/etc/hostname", str(Path.home() / ".bashrc"), "/home",
        "/var", "/run", "/sys", "/boot", "/mnt", "/opt", "/srv", "/dev/vda", "/dev/mem",
        "/proc/1/root", "/proc/1/cwd", "/proc/1/mem", "/proc/1/task/1/mem", "/proc/kcore",
        str(secret), str(ROOT / "README.md"), str(ROOT / "solutions"), str(ROOT / "package"),
        gradlab.__file__,
    ]  # fmt: skip
    opened = json.loads(drive(user, OPEN.format(paths=paths))["said"])
    assert opened == []


def test_only_named_folders_are_seen(user):
    code = """
    import os, sys
    shown = ("/usr", "/proc", "/dev", sys.prefix, sys.base_prefix, "/bin", "/sbin", "/lib")
    for folder, folders, names in os.walk("/"):
        for name in list(folders):
            if os.path.join(folder, name).startswith(shown):
                folders.remove(name)
        for name in names:
            print(os.path.join(folder, name))
    """
    seen = drive(user, code)["said"].split()
    assert all(path.startswith("/etc/") for path in seen), seen


def test_an_installed_gradlab_is_hidden(tmp_path, monkeypatch):
    package = tmp_path / "lib" / "gradlab"
    (package / "grading").mkdir(parents=True)
    monkeypatch.setattr(sandbox, "__file__", str(package / "grading" / "sandbox.py"))
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    view = sandbox._view([], [package / "grading"], sandbox.Limits())
    shown = view.index(str(tmp_path), view.index("--ro-bind"))
    hidden = next(
        i for i, part in enumerate(view) if view[i - 1] == "--tmpfs" and part == str(package)
    )
    inside = view.index(str(package / "grading"))
    closed = max(i for i, part in enumerate(view) if part == str(package))
    assert shown < hidden < inside < closed
    assert view[closed - 1] == "--remount-ro"


def test_exercises_that_another_package_registers_are_hidden(monkeypatch):
    registered = [
        EntryPoint("one", "jupytext.myst", sandbox.GROUP),
        EntryPoint("two", "jupytext_config", sandbox.GROUP),
        EntryPoint("none", "not_there.at_all", sandbox.GROUP),
    ]
    monkeypatch.setattr(sandbox, "entry_points", lambda group: registered)
    sandbox._exercises_of_others.cache_clear()
    code = (
        "import sys, glob\nfrom pathlib import Path\n"
        "folder = Path(next(p for p in sys.path if p.endswith('site-packages')))\n"
        "for file in ('jupytext/myst.py', 'jupytext/cell_reader.py', *glob.glob("
        "'jupytext/__pycache__/myst.*.pyc', root_dir=folder)):\n"
        "    try: print(len((folder / file).read_bytes()) > 100)\n"
        "    except PermissionError: print('hidden')\n"
        "print(list(folder.glob('jupytext_config/*')))"
    )
    try:
        with sandbox.open_sandbox([sys.executable, "-I", "-B", "-c", code]) as box:
            seen = box.stdout.read(10_000).decode().split()
    finally:
        sandbox._exercises_of_others.cache_clear()
    assert seen[:2] == ["hidden", "True"]
    assert set(seen[2:-1]) <= {"hidden"}
    assert seen[-1] == "[]"


def test_a_course_among_the_files_of_python_is_refused(tmp_path, monkeypatch):
    sandbox.keep_apart(tmp_path / "course")
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    for course in (tmp_path, tmp_path / "src" / "course"):
        with pytest.raises(sandbox.SandboxError, match="move the course"):
            sandbox.keep_apart(course)


def test_what_is_readable_cannot_be_written(user):
    readable = str(ROOT / "exercises")
    code = f"""
    import os, sys
    print(len(os.listdir({readable!r})))
    closed = ({readable!r}, "/", "/usr", "/dev", "/dev/shm", "/proc", "/etc", sys.prefix)
    for folder in (*closed, "/sandbox"):
        try:
            open(folder + "/written", "w").close()
            print(folder)
        except OSError:
            pass
    """
    number, *written = drive(user, code, readable=[readable])["said"].split()
    assert int(number) == len(list((ROOT / "exercises").iterdir()))
    assert written == ["/sandbox"]


def test_the_submission_is_copied_without_its_links(user):
    work = {
        "data.csv": "1,2",
        "folder/deep/own.py": "value = 3",
        "link": f"-> {ROOT / 'README.md'}",
        "folder/up": f"-> {ROOT}",
        "pipe": "fifo",
        "huge.bin": str(10**9),
        "ünïcode name\n2": "x",
    }
    code = """
    import os, sys
    sys.dont_write_bytecode = True
    sys.path.append("folder/deep")
    import own
    print(sorted(os.path.join(folder, name) for folder, _, names in os.walk(".") for name in names))
    print(own.value, open("data.csv").read())
    open("data.csv", "w").write("changed")
    open("folder/deep/new", "w").write("new")
    os.remove("ünïcode name\\n2")
    """
    result = drive(user, code, work=work)
    names, values = result["said"].splitlines()
    assert names == str(["./data.csv", "./folder/deep/own.py", "./ünïcode name\n2"])
    assert values == "3 1,2"
    assert result["left_out"] == ["folder/up", "huge.bin", "link", "pipe"]
    assert result["work"] == sorted(Path(name).parts[0] for name in work if name != "folder/up")


def test_no_network(user):
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.socket(socket.AF_UNIX) as local,
    ):
        name = f"gradlab-test-{os.getpid()}-{user}"
        local.bind(f"\0{name}")
        local.listen()
        code = f"""
        import ctypes, socket
        port = {server.getsockname()[1]}

        def attempt(what, action):
            try:
                action()
                print(what)
            except OSError:
                pass
        attempt("tcp", lambda: socket.create_connection(("127.0.0.1", port), 2))
        attempt("udp", lambda: socket.socket(type=socket.SOCK_DGRAM).sendto(b"x", ("1.1.1.1", 53)))
        attempt("dns", lambda: socket.getaddrinfo("localhost.example.org", 80))
        attempt("abstract", lambda: socket.socket(socket.AF_UNIX).connect("\\0{name}"))
        attempt("machine", lambda: socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM))
        print([line.split(":")[0].strip() for line in list(open("/proc/self/net/dev"))[2:]])
        import asyncio
        print(asyncio.run(asyncio.sleep(0, "asyncio works")))
        """
        assert drive(user, code)["said"].splitlines() == ["['lo']", "asyncio works"]


def test_no_other_process_and_nothing_of_the_grader(user):
    code = f"""
    import os, signal
    print(sorted(int(name) for name in os.listdir("/proc") if name.isdigit()))
    try:
        os.kill({os.getpid()}, 0)
        print("reached")
    except ProcessLookupError:
        pass
    for number in (1, os.getpid()):
        for name in ("environ", "cmdline", "mountinfo"):
            try:
                text = open(f"/proc/{{number}}/{{name}}").read()
            except OSError:
                continue
            if "the-" + "secret" in text or "/tmp/" + "tmp" in text:
                print(name, text)
    print(sorted(os.environ))
    """
    numbers, variables = drive(user, code)["said"].splitlines()
    assert numbers == "[1, 2]"
    assert variables == str(sorted({*sandbox.ENVIRONMENT, "PWD"}))


def test_no_rights_to_gain(user):
    code = """
    import ctypes, os, subprocess
    libc = ctypes.CDLL(None, use_errno=True)
    for flag in (0x10000000, 0x00020000, 0x40000000):
        print(libc.unshare(flag), end=" ")
    print(libc.mount(b"none", b"/tmp", b"tmpfs", 0, None), libc.shmget(0, 1 << 20, 0o1600), end=" ")
    print(libc.ptrace(0, 0, 0, 0), libc.syscall(425, 1, 0))
    held = [line.split()[1] for line in open("/proc/self/status") if line.startswith("Cap")]
    print(sum(int(number, 16) for number in held))
    for change in (lambda: os.setuid(0), lambda: os.setgroups([0])):
        try:
            change()
            print("changed")
        except OSError:
            pass
    print(subprocess.run(["su", "-c", "id"], capture_output=True).returncode != 0)
    """
    assert drive(user, code)["said"].splitlines() == ["-1 -1 -1 -1 -1 -1 -1", "0", "True"]


def test_memory_of_one_and_of_all(user):
    code = """
    import os, signal, sys
    try:
        bytearray(600 << 20)
    except MemoryError:
        print("refused", flush=True)
    for _ in range({children}):
        if os.fork() == 0:
            block = bytearray(b"x") * (100 << 20)
            signal.pause()
    print("started", flush=True)
    signal.pause()
    """
    some = drive(user, code.format(children=2), memory=500 << 20, read=16, wait=0.6)
    assert some["said"] == "refused\nstarted\n"
    assert some["ended"] == ""
    many = drive(user, code.format(children=10), memory=500 << 20)
    assert many["ended"] == "it took more than 500 MB of memory"
    assert many["seconds"] < 20


def test_memory_that_processes_share_counts(user):
    code = """
    import mmap, os, signal
    for _ in range(4):
        if os.fork() == 0:
            mmap.mmap(-1, 200 << 20).write(b"x" * (200 << 20))
            signal.pause()
    signal.pause()
    """
    result = drive(user, code, memory=500 << 20, submission_seconds=20)
    assert result["ended"] == "it took more than 500 MB of memory"


def test_memory_of_sockets_counts(user):
    code = """
    import signal, socket
    pairs = []
    while True:
        pairs.append(socket.socketpair())
        for one in pairs[-1]:
            one.setblocking(False)
            try:
                while True:
                    one.send(bytes(1 << 16))
            except BlockingIOError:
                pass
        if len(pairs) == 120:
            print("full", flush=True)
            signal.pause()
    """
    result = drive(user, code, memory=90 << 20, submission_seconds=20)
    assert result["ended"] == "it took more than 90 MB of memory"


def test_files_are_counted(user):
    code = """
    import os
    for number in range(10**9):
        folder = ("/tmp", "/sandbox")[number % 2]
        open(f"{folder}/{number}", "w").close()
    """
    result = drive(user, code, files=5000, submission_seconds=20)
    assert result["ended"] == "it made more than 5000 files"


FORKS = """
import os, signal, sys, threading
def start():
    if os.fork() == 0:
        os.setsid()
        signal.pause()
started = 0
try:
    while started < 500:
        start()
        started += 1
except OSError:
    pass
print(started, flush=True)
signal.pause()
"""


def test_processes_and_threads(user):
    # Of an ordinary user's the first is bubblewrap's.
    most = "18\n" if user == "ordinary" or os.geteuid() != 0 else "19\n"
    assert drive(user, FORKS, processes=20, read=3)["said"] == most
    threads = FORKS.replace(
        "if os.fork() == 0:", "if threading.Thread(target=signal.pause).start():"
    )
    threads = threads.replace("OSError", "RuntimeError")
    assert drive(user, threads, processes=20, read=3)["said"] == most


@needs_bubblewrap
def test_two_sandboxes_do_not_share_their_processes():
    limits = sandbox.Limits(processes=20)
    greedy = sandbox.open_sandbox([sys.executable, "-I", "-c", FORKS], limits=limits)
    with greedy:
        most = greedy.stdout.read(3)
        with sandbox.open_sandbox([sys.executable, "-I", "-c", FORKS], limits=limits) as other:
            assert other.stdout.read(3) == most


def test_files_and_disk(user):
    code = """
    import os
    try:
        with open("big", "wb") as file:
            for _ in range(3):
                file.write(bytes(1 << 20))
                file.flush()
    except OSError as error:
        print(os.strerror(error.errno), os.path.getsize("big") >> 20)
    os.remove("big")
    for folder in ("/sandbox", "/tmp"):
        written = 0
        try:
            for number in range(100):
                with open(f"{folder}/{number}", "wb", buffering=0) as file:
                    written += file.write(bytes(1 << 20))
        except OSError as error:
            print(os.strerror(error.errno), written >> 20)
    files = []
    try:
        while True:
            files.append(open("/dev/null"))
    except OSError as error:
        text = os.strerror(error.errno)
    files.clear()
    print(text)
    """
    said = drive(user, code, file_size=2 << 20, disk=5 << 20, open_files=50)["said"].splitlines()
    assert said == [
        "File too large 2",
        "No space left on device 5",
        "No space left on device 5",
        "Too many open files",
    ]


def test_a_flood_of_output_stays_where_it_is(user):
    code = "import os\nwhile True: os.write(1, bytes(1 << 20))"
    result = drive(user, code, read=1000, wait=0.5)
    assert len(result["said"]) == 1000
    assert result["grew"] < 4 << 20


STUBBORN = """
import os, signal, sys
mark = {mark!r}
for number in range(1, 65):
    try:
        signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError):
        pass
for _ in range(3):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.setsid()
            os.closerange(0, 3)
            while True:
                pass
        os._exit(0)
os.write(1, b"ready")
while True:
    pass
"""


def test_nothing_outlives_a_killed_sandbox(user):
    mark = f"outlives-{user}-{os.getpid()}"
    assert drive(user, STUBBORN.format(mark=mark), read=5)["said"] == "ready"
    assert gone(mark)


def test_nothing_outlives_its_time(user):
    mark = f"timed-{user}-{os.getpid()}"
    result = drive(user, STUBBORN.format(mark=mark), submission_seconds=1.0)
    assert result["ended"] == "it took longer than 1 seconds"
    assert gone(mark)


def test_nothing_outlives_a_killed_grader(user):
    mark = f"orphaned-{user}-{os.getpid()}"
    code = STUBBORN.format(mark=mark)
    process = subprocess.Popen(
        command(user), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, env=ENVIRONMENT, cwd="/"
    )
    process.stdin.write(json.dumps({"code": code}).encode())
    process.stdin.close()
    while len(alive(mark)) < 5:
        assert process.poll() is None
        time.sleep(0.05)
    # As an ordinary user's, the grader is a child of the bubblewrap that makes one.
    process.kill()
    process.wait()
    if user == "ordinary":
        for number in alive(str(DRIVER)):
            os.kill(number, signal.SIGKILL)
    assert gone(mark)


@needs_bubblewrap
def test_a_sandbox_can_be_interrupted_and_killed_twice():
    code = """
    import signal, time
    # It inherits that interrupts are ignored, where the tests run in the background.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        print("ready", flush=True)
        # One that comes just before a sleep is noticed only after it.
        while True:
            time.sleep(0.1)
    except KeyboardInterrupt:
        print("interrupted", flush=True)
    """
    program = [sys.executable, "-I", "-c", textwrap.dedent(code)]
    with sandbox.open_sandbox(program) as box:
        assert box.stdout.read(6) == b"ready\n"
        box.interrupt()
        assert box.stdout.read(12) == b"interrupted\n"
        box.kill()
        box.kill()
        box.interrupt()
    assert box.stdout.closed


@needs_bubblewrap
def test_a_sandbox_that_cannot_be_looked_at_is_ended(monkeypatch):
    def closed(_):
        raise PermissionError("closed")

    monkeypatch.setattr(sandbox, "memory_of", closed)
    with sandbox.open_sandbox([sys.executable, "-I", "-c", "while True: pass"]) as box:
        assert box.stdout.read(1) == b""
    assert "cannot be seen" in box.ended


@needs_bubblewrap
def test_a_program_that_is_not_there_or_ends_at_once():
    before = len(os.listdir("/proc/self/fd"))
    for program in (["/no/such/program"], ["true"]):
        for _ in range(5):
            with sandbox.open_sandbox(program) as box:
                assert box.stdout.read(1) == b""
    assert len(os.listdir("/proc/self/fd")) == before


def test_without_a_sandbox_the_interface_is_the_same():
    code = "import os\nprint(os.listdir(), open('data').read())\nprint(input())"
    result = drive("same", code.replace("print(input())", ""), work={"data": "x"}, unprotected=True)
    assert result["said"] == "['data'] x\n"
    result = drive("same", "while True: pass", unprotected=True, submission_seconds=0.5)
    assert "longer" in result["ended"]


FAKE = """#!{python}
import os, sys
file = int(sys.argv[2])
arguments = os.read(file, 1 << 20).decode().split("\\0")[:-1]
{change}
new = os.memfd_create("fake")
os.write(new, "".join(part + "\\0" for part in arguments).encode())
os.lseek(new, 0, 0)
os.set_inheritable(new, True)
os.execv({bwrap!r}, ["bwrap", "--args", str(new), *sys.argv[3:]])
"""


def drop(option, values=0):
    """Code that takes an option out of bubblewrap's arguments."""
    return f"""
while {option!r} in arguments:
    place = arguments.index({option!r})
    del arguments[place:place + 1 + {values}]
"""


# Where Python is in /tmp, another folder there would hide it.
IN_TMP = []
for prefix in {sys.prefix, sys.base_prefix}:
    if prefix.startswith("/tmp/"):
        for parent in reversed(Path(prefix).parents[:-2]):
            IN_TMP += ["--perms", "0755", "--dir", str(parent)]
        IN_TMP += ["--ro-bind", prefix, prefix]
BROKEN = {
    "exit": ("#!/bin/sh\necho of no use >&2\nexit 1\n", "of no use"),
    "exec": ('#!/bin/sh\nshift 2\nexec "$@"\n', "makes no sandbox"),
    "calls": (drop("--seccomp", 1), "its system calls are not filtered"),
    "environment": (drop("--clearenv") + "os.environ['X'] = 'y'", "variables in its environment"),
    "folder": (drop("--chdir", 1), "it is not in /sandbox"),
    "outside": ('arguments += ["--ro-bind", "/tmp", "/tmp"]', "it read a file outside"),
    "disk": (f'arguments += ["--perms", "0777", "--tmpfs", "/tmp", *{IN_TMP}]', "it filled /tmp"),
    "write": ('arguments += ["--perms", "0777", "--tmpfs", "/dev"]', "it wrote to /dev"),
}
BROKEN_AS_ROOT = {
    "network": (drop("--unshare-net") + drop("--seccomp", 1), "it reached the network"),
    "namespace": (drop("--unshare-net"), "shares the namespace net"),
    "processes": (drop("--unshare-pid"), "a process of it was left"),
}
BROKEN_AS_USER = {
    "top": ("arguments[-2:] = []", "it wrote to /"),
    "network": ('arguments += ["--share-net"]' + drop("--seccomp", 1), "it reached the network"),
    "number": (drop("--uid", 1), "it is still the user who grades"),
}


@pytest.mark.parametrize("kind", [*BROKEN, *BROKEN_AS_ROOT, *BROKEN_AS_USER])
def test_a_broken_sandbox_is_refused(user, kind):
    as_root = user == "same" and os.geteuid() == 0
    cases = BROKEN | (BROKEN_AS_ROOT if as_root else BROKEN_AS_USER)
    if kind not in cases:
        pytest.skip("this user's sandbox is made otherwise")
    content, message = cases[kind]
    if not content.startswith("#!"):
        content = FAKE.format(python=sys.executable, change=content, bwrap=BWRAP)
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        fake = Path(folder, "bwrap")
        fake.write_text(content)
        fake.chmod(0o755)
        result = drive(user, "print('run')", path=f"{folder}:{os.environ['PATH']}", patience=2)
    assert "said" not in result
    assert message in result["refused"]
    assert "apt install" in result["refused"]
    assert "Nothing of a submission was run" in result["refused"]


def test_without_bubblewrap_nothing_is_run(tmp_path):
    for name in ("prlimit", "setpriv"):
        (tmp_path / name).symlink_to(shutil.which(name))
    result = drive("same", "print('run')", path=str(tmp_path))
    assert result["refused"].startswith("bwrap is not installed")
    assert "apt install bubblewrap" in result["refused"]


@needs_bubblewrap
def test_where_user_namespaces_are_forbidden_the_setting_is_named():
    forbid = "echo 0 > /proc/sys/user/max_user_namespaces && exec setpriv --ambient-caps=-all $@"
    around = ["unshare", "--user", "--map-user=54321", "--map-group=54321", "--keep-caps"]
    result = drive("ordinary", "print('run')", around=[*around, "sh", "-c", forbid, "sh"])
    assert "makes no sandbox" in result["refused"]
    assert "user.max_user_namespaces" in result["refused"]


@pytest.mark.parametrize("system", ["darwin", "win32"])
def test_other_systems_are_told_where_to_go(system, monkeypatch):
    monkeypatch.setattr(sys, "platform", system)
    with pytest.raises(sandbox.SandboxError, match=r"Linux .* container.*WSL2"):
        sandbox.open_sandbox(["true"])
