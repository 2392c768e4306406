"""Compile the kernels to WebAssembly, for the figures that compute in the reader's browser.

Run from the repository root:

    python tools/live.py build     write book/_static/live/kernels.js from the package's sources
    python tools/live.py check     say whether that file is of these sources, without building
    python tools/live.py compare   build, and say whether that file is the same

The build needs a linker: Debian's package lld, or PyPI's ziglang (the extra "live"). The file is
committed, so that a machine without one builds the book.
"""

from __future__ import annotations

import ast
import base64
import contextlib
import doctest
import hashlib
import importlib
import importlib.util
import io
import json
import os
import pickle
import re
import shutil
import subprocess
import sys
import tempfile
import zlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import FunctionType
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "package" / "gradlab"
MODULE = ROOT / "book" / "_static" / "live" / "kernels.js"
TRIPLE = "wasm32-unknown-unknown"

LIBRARY = {"cos", "exp", "log", "log10", "numba_frexp", "numba_ldexp", "pow", "sin", "sqrt", "tanh"}
"""What runtime.js hands to the module, and the square root, which is an instruction. A kernel that
needs anything else, such as memory of its own or an exception, cannot be compiled."""

LEFT_OUT = {"_memory._lead_kernel": "it tells where this machine has put an array"}
"""Kernels that no page can have, and why."""

# The instructions of this machine must not be in code that is compiled anew for another.
PORTABLE = {
    "NUMBA_OPT": "0",
    "NUMBA_LOOP_VECTORIZE": "0",
    "NUMBA_SLP_VECTORIZE": "0",
    "NUMBA_CPU_NAME": "generic",
    "NUMBA_CPU_FEATURES": "",
    "NUMBA_DISABLE_JIT": "0",
}


def modules() -> list[str]:
    """Return the package's modules that hold kernels."""
    return [
        path.stem for path in sorted(PACKAGE.glob("*.py")) if "\n@njit" in path.read_text("utf-8")
    ]


def kernels() -> dict[str, Any]:
    """Return every kernel by its name, such as ``optimizers._sgd_kernel``.

    Functions that are compiled into the kernels that call them are none.
    """
    from numba.extending import is_jitted

    found = {}
    for name in modules():
        module = importlib.import_module(f"gradlab.{name}")
        for each, kernel in vars(module).items():
            own = is_jitted(kernel) and kernel.py_func.__module__ == module.__name__
            if own and not kernel.targetoptions.get("forceinline"):
                found[f"{name}.{each}"] = kernel
    return found


def _named(tree: ast.AST) -> set[str]:
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


def sources() -> str:
    """Return the code of all kernels and of what they name, without comments and docstrings."""
    texts = [ast.unparse(ast.parse((PACKAGE / "_jit.py").read_text("utf-8")))]
    for path in sorted(PACKAGE.glob("*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        defined: dict[str, ast.stmt] = {}
        wanted: list[str] = []
        for node in tree.body:
            if isinstance(node, ast.FunctionDef):
                defined[node.name] = node
                if any(name.startswith("njit") for name in _named(ast.Module(node.decorator_list))):
                    wanted.append(node.name)
            elif isinstance(node, ast.Assign):
                defined |= dict.fromkeys(_named(ast.Module(node.targets)), node)
        used: set[str] = set()
        while wanted:
            name = wanted.pop()
            if name in defined and name not in used:
                used.add(name)
                wanted += sorted(_named(defined[name]))
        statements = {id(node): node for name, node in defined.items() if name in used}
        for node in sorted(statements.values(), key=lambda node: node.lineno):
            if isinstance(node, ast.FunctionDef) and ast.get_docstring(node, clean=False):
                node.body = node.body[1:] or [ast.Pass()]
            texts.append(f"{path.stem}: {ast.unparse(node)}")
    return "\n".join(texts)


def digest() -> str:
    """Return the hash of the sources."""
    return hashlib.sha256(sources().encode()).hexdigest()


Call = tuple[Any, ...]


class _Recorder:
    """Calls a kernel that runs as plain Python, and keeps what it is given."""

    def __init__(self, kernel: Callable[..., Any], calls: list[Call]) -> None:
        self.kernel, self.calls = kernel, calls
        self.__doc__, self.__name__ = kernel.__doc__, kernel.__name__

    def __call__(self, *arguments: Any) -> Any:
        import numpy as np

        if len(self.calls) < 200:
            kept = [a.copy() if isinstance(a, np.ndarray) else a for a in arguments]
            self.calls.append(tuple(kept))
        return self.kernel(*arguments)


def record() -> dict[str, list[Call]]:
    """Return what every kernel is called with in the examples of all docstrings, and in `more`.

    The process must have been started with ``NUMBA_DISABLE_JIT=1``.
    """
    import numpy as np

    import gradlab._jit as jit

    calls: dict[str, list[Call]] = {}

    def recording(kernel: Callable[..., Any]) -> Any:
        name = f"{kernel.__module__.removeprefix('gradlab.')}.{kernel.__name__}"
        return _Recorder(kernel, calls.setdefault(name, []))

    jit.njit = jit.njit_sums = recording
    found = [importlib.import_module(f"gradlab.{name}") for name in modules()]
    with contextlib.redirect_stdout(io.StringIO()), np.errstate(all="ignore"):
        for module in found:
            doctest.testmod(module)
        more()
    return calls


def more() -> None:
    """Call what no example of a docstring calls, and all layers in the shapes of a real network."""
    import numpy as np

    from gradlab import layers, network, optimizers, training
    from gradlab.activations import gelu_backward
    from gradlab.gradient_clipping import clip_by_global_norm
    from gradlab.initialization import propagated_variance
    from gradlab.landscapes import beale, long_valley, saddle

    rng = np.random.default_rng(0)
    for surface in (beale, long_valley, saddle):
        points = rng.normal(size=(50, 2))
        surface.f(points), surface.grad(points), surface.hessian(points)
    gelu_backward(rng.normal(size=50), rng.normal(size=50), approximate="tanh")
    grads = [rng.normal(size=(4, 3)), rng.normal(size=3)]
    clip_by_global_norm(grads, 1.0, out=grads)
    propagated_variance([4, 3, 2], [0.5, 0.5], direction="backward")
    data = rng.normal(size=(12, 9)), rng.integers(0, 5, 12)
    for norm, kind in ((layers.BatchNorm, "sigmoid"), (layers.LayerNorm, "gelu")):
        for optimizer in (optimizers.Adam(), optimizers.RMSProp(), optimizers.Momentum(0.1)):
            hidden = [layers.Dense(9, 7, rng), norm(7), layers.Activation(kind)]
            model = network.Network([*hidden, layers.Dropout(0.3, rng), layers.Dense(7, 5, rng)])
            training.fit(model, data, data, optimizer, epochs=2, batch_size=6, rng=rng)


def environment() -> dict[str, str]:
    """Return the environment of a process that imports this package."""
    paths = [str(PACKAGE.parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}


def recorded() -> dict[str, list[Call]]:
    """Return what `record` returns in a process in which kernels are plain Python."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "calls.pickle"
        env = {**environment(), "NUMBA_DISABLE_JIT": "1"}
        command = [sys.executable, __file__, "record", str(path)]
        subprocess.run(command, env=env, check=True)
        return pickle.loads(path.read_bytes())


def signature(calls: list[Call]) -> tuple[Any, ...] | None:
    """Return the types that most of the calls have that hold no float32; arrays are contiguous."""
    import numba
    from numba import types

    def typed(value: Any) -> Any:
        kind = numba.typeof(value)
        if isinstance(kind, types.Array):
            return types.Array(kind.dtype, kind.ndim, "C")
        return kind

    seen = Counter(tuple(map(typed, call)) for call in calls)
    double = {key: count for key, count in seen.items() if "float32" not in str(key)}
    return max(double, key=lambda key: double[key]) if double else None


def written(kind: Any) -> str | list[str] | None:
    """Return a type as the manifest has it: ``float64``, ``int64[2]`` for a matrix, or a list."""
    from numba import types

    if isinstance(kind, types.NoneType):
        return None
    if isinstance(kind, types.BaseTuple):
        return [str(written(part)) for part in kind]
    return f"{kind.dtype}[{kind.ndim}]" if isinstance(kind, types.Array) else str(kind)


def retargeted(kernel: Any, kinds: tuple[Any, ...], machine: Any, name: str) -> tuple[Any, Any]:
    """Return a kernel's LLVM module for WebAssembly, which exports it as `name`, and its return."""
    import llvmlite.binding as llvm
    import numba

    options = {k: v for k, v in kernel.targetoptions.items() if k in ("error_model", "fastmath")}
    # An exception that the kernel could raise names its file: not that of this machine.
    code = kernel.py_func.__code__
    function = FunctionType(
        code.replace(co_filename=Path(code.co_filename).name),
        kernel.py_func.__globals__,
        closure=kernel.py_func.__closure__,
    )
    jitted = numba.njit(no_cpython_wrapper=True, no_cfunc_wrapper=True, **options)(function)
    jitted.compile(kinds)
    compiled = jitted.overloads[kinds]
    text = compiled.library.get_llvm_str().replace(" common ", " internal ")
    text = re.sub(r'target datalayout = ".*"', f'target datalayout = "{machine.target_data}"', text)
    text = re.sub(r'target triple = ".*"', f'target triple = "{TRIPLE}"', text)
    # Arrays come from the page and have no owner, of which it would count the users.
    text = re.sub(
        r"(?ms)^(define [^\n]*@NRT_(?:inc|dec)ref\([^\n]*\{)$.*?^\}", r"\1\nret void\n}", text
    )
    module = llvm.parse_assembly(text)
    for each in module.functions:
        if not each.is_declaration:
            each.linkage = "external" if each.name == compiled.fndesc.llvm_func_name else "internal"
    module.get_function(compiled.fndesc.llvm_func_name).name = name
    module.verify()
    tuning = llvm.create_pipeline_tuning_options(speed_level=3)
    tuning.loop_vectorization = True
    builder = llvm.create_pass_builder(machine, tuning)
    builder.getModulePassManager().run(module, builder)
    return module, compiled.signature.return_type


def needed(module: Any) -> set[str]:
    """Return what an optimized module calls that is not in it."""
    calls = {f.name for f in module.functions if f.is_declaration}
    return {name for name in calls if not name.startswith("llvm.")}


def linker() -> list[str] | None:
    """Return the command of a linker for WebAssembly, or None."""
    if found := shutil.which("wasm-ld"):
        return [found]
    if importlib.util.find_spec("ziglang"):
        return [sys.executable, "-m", "ziglang", "wasm-ld"]
    return None


def compiled() -> tuple[bytes, dict[str, Any], dict[str, str]]:
    """Return the WebAssembly module, its manifest, and what cannot be compiled with the reason.

    The process must have been started with the settings `PORTABLE`.
    """
    import llvmlite.binding as llvm

    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    target = llvm.Target.from_triple(TRIPLE)
    machine = target.create_target_machine(opt=3, features="+simd128,+bulk-memory", reloc="static")
    link = linker()
    if link is None:
        raise SystemExit("no linker for WebAssembly: apt install lld, or pip install ziglang")
    calls, manifest, left_out = recorded(), {}, {}
    with tempfile.TemporaryDirectory() as folder:
        objects = []
        for name, kernel in kernels().items():
            if name in LEFT_OUT:
                continue
            kinds = signature(calls.get(name, []))
            if kinds is None:
                left_out[name] = (
                    "is called by nothing in float64: add it to `more` in tools/live.py"
                )
                continue
            module, returned = retargeted(kernel, kinds, machine, name)
            if foreign := needed(module) - LIBRARY:
                left_out[name] = f"needs {', '.join(sorted(foreign))}"
                continue
            path = Path(folder) / f"{name}.o"
            path.write_bytes(machine.emit_object(module))
            objects.append(str(path))
            names = kernel.py_func.__code__.co_varnames
            arguments = [[n, written(kind)] for n, kind in zip(names, kinds, strict=False)]
            manifest[name] = {"arguments": arguments, "returns": written(returned)}
        wasm = Path(folder) / "kernels.wasm"
        # Where the stack is, linkers of different ages do not agree of themselves.
        flags = [
            "--stack-first",
            "-z",
            "stack-size=65536",
            "--no-entry",
            "--allow-undefined",
            "--gc-sections",
            "--strip-all",
        ]
        exports = [f"--export={name}" for name in ["__heap_base", *manifest]]
        subprocess.run([*link, *flags, "-o", str(wasm), *exports, *objects], check=True)
        return wasm.read_bytes(), manifest, left_out


def build(path: Path) -> None:
    """Write the module and its manifest as a script: pages cannot fetch from ``file://``."""
    import llvmlite
    import numba

    wasm, manifest, left_out = compiled()
    if left_out:
        lines = [f"{name} {reason}" for name, reason in left_out.items()]
        raise SystemExit("\n".join(["kernels that cannot be compiled:", *lines]))
    rows = ",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in sorted(manifest.items()))
    versions = {"numba": numba.__version__, "llvmlite": llvmlite.__version__}
    path.write_text(
        "// Made by python tools/live.py build from the kernels of the package; not to be edited.\n"
        f"window.gradlabKernels = {{\nsources: {json.dumps(digest())},\n"
        f"versions: {json.dumps(versions)},\nmanifest: {{\n{rows}\n}},\n"
        # A third as long as it is.
        f'deflated: "{base64.b64encode(zlib.compress(wasm, 9)).decode()}"\n}};\n',
        "utf-8",
    )
    print(f"{len(manifest)} kernels, {len(wasm)} bytes, {path.stat().st_size} as a script")


def parts(path: Path) -> tuple[str, dict[str, Any], bytes]:
    """Return the hash of the sources, the manifest and the WebAssembly module of such a file."""
    found = re.search(
        r'sources: "(\w+)",.*manifest: ({.*}),\ndeflated: "([^"]*)"',
        path.read_text("utf-8"),
        re.DOTALL,
    )
    assert found is not None, f"{path} is not made by tools/live.py"
    return found[1], json.loads(found[2]), zlib.decompress(base64.b64decode(found[3]))


def is_fresh() -> bool:
    """Whether the committed module is of these sources."""
    return parts(MODULE)[0] == digest()


def manifest() -> dict[str, Any]:
    """Return the committed module's manifest."""
    return parts(MODULE)[1]


def main(arguments: list[str]) -> None:
    """Do what the first argument says."""
    match arguments:
        case ["record", path]:
            Path(path).write_bytes(pickle.dumps(record()))
        case ["build", *rest]:
            portable = all(os.environ.get(key) == value for key, value in PORTABLE.items())
            if portable:
                build(Path(rest[0]) if rest else MODULE)
                return
            with tempfile.TemporaryDirectory() as cache:
                env = {**environment(), **PORTABLE, "NUMBA_CACHE_DIR": cache}
                # What cannot be kept on disk is not to be.
                env["PYTHONWARNINGS"] = "ignore"
                command = [sys.executable, __file__, *arguments]
                sys.exit(subprocess.run(command, env=env, check=False).returncode)
        case ["compare"]:
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / MODULE.name
                command = [sys.executable, __file__, "build", str(path)]
                subprocess.run(command, check=True)
                if parts(path) != parts(MODULE):
                    sys.exit(f"{MODULE.name} is not what is built here: python tools/live.py build")
        case ["check"]:
            if not is_fresh():
                sys.exit(f"{MODULE.name} is not of these sources: python tools/live.py build")
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
