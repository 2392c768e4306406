"""The compile cache is a help and never a must: whatever happens to it, the numbers come."""

import importlib.util
import math
import os
import pickle
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest
from support import ROOT

import gradlab
from gradlab._jit import njit

PACKAGE = ROOT / "package" / "gradlab"
NOBODY = 65534
COMPUTE = """
import warnings
warnings.simplefilter("error")
from gradlab.losses import squared_error, _squared_error_kernel
assert squared_error([[1.0, 2.0]], [[1.0, 4.0]]) == 2.0
"""

numba = pytest.importorskip("numba", reason="without numba nothing is compiled")
pytestmark = pytest.mark.skipif(
    bool(numba.config.DISABLE_JIT), reason="nothing is compiled with NUMBA_DISABLE_JIT"
)


def python(code, cache=None, package=ROOT / "package", home=None, **settings):
    """Run code in a new process, and return what it wrote on stdout; stderr must be empty."""
    env = {**os.environ, "PYTHONPATH": str(package), "PYTHONDONTWRITEBYTECODE": "1"}
    env = {name: text for name, text in env.items() if not name.startswith("NUMBA_")}
    env |= {} if cache is None else {"NUMBA_CACHE_DIR": str(cache)}
    env |= {} if home is None else {"HOME": home, "XDG_CACHE_HOME": f"{home}/cache"}
    run = subprocess.run(
        [sys.executable, "-c", code],
        env=env,
        cwd="/",
        capture_output=True,
        text=True,
        timeout=300,
        **settings,
    )
    assert run.returncode == 0, run.stderr
    assert run.stderr == ""
    return run.stdout


@pytest.fixture
def compiled(tmp_path, monkeypatch):
    """Return a function that compiles one kernel as a new process would, and the cache's folder."""
    folder, source = tmp_path / "cache", tmp_path / "kernel.py"
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(folder))
    source.write_text("def double(x):\n    return 2 * x\n")
    spec = importlib.util.spec_from_file_location("kernel", source)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return lambda: njit(module.double), folder


def kernels():
    for name in gradlab.__all__:
        module = importlib.import_module(f"gradlab.{name}")
        for kernel in vars(module).values():
            if numba.extending.is_jitted(kernel) and kernel.__module__ == module.__name__:
                yield kernel


def test_every_kernel_has_the_cache_that_may_fail():
    from gradlab._jit import _Cache

    found = list(kernels())
    assert len(found) > 40
    for kernel in found:
        assert isinstance(kernel._cache, _Cache), kernel
    texts = [path.read_text() for path in PACKAGE.rglob("*.py") if path.name != "_jit.py"]
    assert not any("import numba" in text or "from numba" in text for text in texts)


def turned(turns):
    x = 0.0
    for _ in range(turns):
        x = math.cos(x)
    return x


def test_kernels_leave_the_interpreter_to_other_threads(tmp_path, monkeypatch):
    """Where a kernel holds it, the loop below comes to its second turn when the kernel is done."""
    assert all(kernel.targetoptions["nogil"] for kernel in kernels())
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))
    kernel = njit(turned)
    assert kernel(100) == pytest.approx(0.739085)
    thread = threading.Thread(target=kernel, args=(30_000_000,))
    turns = 0
    thread.start()
    while thread.is_alive():
        time.sleep(1e-3)
        turns += 1
    assert turns > 10


def test_kernels_are_pickled():
    kernel = next(kernels())
    assert pickle.loads(pickle.dumps(kernel)) is kernel


def hits(kernel):
    assert kernel(3.5) == 7.0
    return sum(kernel.stats.cache_hits.values())


def test_a_process_reads_what_another_has_compiled(tmp_path):
    for expected in ("0", "1"):
        told = python(
            COMPUTE + "print(sum(_squared_error_kernel.stats.cache_hits.values()))", tmp_path
        )
        assert told.strip() == expected


def as_empty(path):
    path.write_bytes(b"")


def as_half(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def as_garbage(path):
    path.write_bytes(b"no pickle of anybody's")


def as_another_pickle(path):
    path.write_bytes(pickle.dumps(numba.__version__) + pickle.dumps(None))


def as_data_of_another_form(path):
    path.write_bytes(pickle.dumps(["not", "a", "kernel"]))


def as_what_cannot_be_unpickled(path):
    path.write_bytes(pickle.dumps(numba.__version__) + b"cno_such_module\nname\n.")


def as_missing(path):
    path.unlink()


DAMAGES = [
    as_empty,
    as_half,
    as_garbage,
    as_another_pickle,
    as_data_of_another_form,
    as_what_cannot_be_unpickled,
    as_missing,
]


def file_of(folder, suffix):
    (path,) = folder.rglob(f"*.{suffix}")
    return path


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("suffix", ["nbi", "nbc"])
def test_a_damaged_file_is_written_anew(compiled, suffix, damage):
    fresh, folder = compiled
    assert [hits(fresh()), hits(fresh())] == [0, 1]
    damage(file_of(folder, suffix))
    assert [hits(fresh()), hits(fresh())] == [0, 1]


@pytest.mark.parametrize("suffix", ["nbi", "nbc"])
def test_a_folder_in_place_of_a_file_costs_only_time(compiled, suffix):
    fresh, folder = compiled
    hits(fresh())
    path = file_of(folder, suffix)
    path.unlink()
    path.mkdir()
    assert [hits(fresh()), hits(fresh())] == [0, 0]


def test_a_folder_that_vanishes_after_import_costs_only_time(compiled):
    fresh, folder = compiled
    kernel = fresh()
    shutil.rmtree(folder)
    folder.touch()
    assert [hits(kernel), hits(fresh())] == [0, 0]
    kernel.recompile()


def test_what_cannot_be_pickled_is_not_kept(compiled, monkeypatch):
    fresh, folder = compiled
    monkeypatch.setattr(numba.core.caching, "dumps", lambda _: pickle.dumps(lambda: 0))
    assert hits(fresh()) == 0
    assert not list(folder.rglob("*.nb?"))


def test_a_full_disk_costs_only_time(tmp_path):
    pytest.importorskip("resource", reason="the system cannot bound a file's size")
    bound = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
    python(bound + COMPUTE, tmp_path)
    assert not list(tmp_path.rglob("*.nbc"))


def test_a_file_system_without_room_costs_only_time(tmp_path):
    size = ["-o", "size=16k", "tmpfs", str(tmp_path)]
    mount = shutil.which("mount")
    if mount is None or subprocess.run([mount, "-t", "tmpfs", *size], check=False).returncode:
        pytest.skip("no right to mount a small file system")
    try:
        python(COMPUTE, tmp_path)
        assert not list(tmp_path.rglob("*.nbc"))
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)


@pytest.fixture
def copy():
    """Return a copy of the package that every user may read and only its owner may write."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(PACKAGE, Path(folder) / "gradlab", ignore=ignored)
        yield Path(folder)


EVERYTHING = """
import gradlab
from gradlab.batch_normalization import batch_norm_forward
assert batch_norm_forward([[1.0], [3.0]], [2.0], [1.0])[0].round(4).tolist() == [[-1.0], [3.0]]
assert gradlab.losses._squared_error_kernel.stats.cache_path is None
"""


def test_without_any_folder_to_write_to_everything_works(copy):
    (copy / "gradlab" / "__pycache__").touch()
    python(COMPUTE + EVERYTHING, package=copy, home="/dev/null")
    # A folder that is asked for but is a file.
    python(COMPUTE + EVERYTHING, "/dev/null", package=copy, home="/dev/null")


def test_another_user_without_a_home_can_use_a_package_of_root(copy):
    if os.geteuid() != 0:
        pytest.skip("only root can run a process as another user")
    # First what another user may not be able to read: Python and numba themselves.
    known = [name for name in sys.modules if name.split(".")[0] in sys.stdlib_module_names]
    code = f"""
import contextlib, importlib, numba, os
for name in {known}:
    with contextlib.suppress(Exception):
        importlib.import_module(name)
numba.njit(lambda x: x + 1)(1.0)
os.setgroups([])
os.setgid({NOBODY})
os.setuid({NOBODY})
"""
    python(code + COMPUTE + EVERYTHING, package=copy, home="/nonexistent")


def test_a_log_tells_why_nothing_is_kept(copy):
    (copy / "gradlab" / "__pycache__").touch()
    code = "import logging, sys; logging.basicConfig(stream=sys.stdout, level=logging.INFO)"
    told = python(code + COMPUTE, package=copy, home="/dev/null")
    assert "gradlab._jit:compiled kernels are not kept: RuntimeError" in told
