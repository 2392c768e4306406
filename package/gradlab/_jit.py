"""Compilation of kernels: numba where it is installed, plain Python where it cannot be.

Browsers (Pyodide) have NumPy but no numba. The same kernels run there, slower, because a kernel is
ordinary Python over arrays.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])

try:
    import numba
except ImportError:
    THREADS = 1

    def njit(kernel: F) -> F:
        """Return the kernel as it is: numba is not installed."""
        return kernel

    njit_sums = njit
    njit_inline = njit

    def in_kernels(face: Any, double: Any, single: Any) -> None:
        """Leave a function as it is: kernels are plain Python."""

else:
    from numba.core import types
    from numba.core.caching import FunctionCache
    from numba.extending import overload

    THREADS = int(vars(numba.config)["NUMBA_NUM_THREADS"])
    """Threads for large arrays: numba's setting, the number of cores by default."""

    _log = logging.getLogger(__name__)

    class _Cache(FunctionCache):
        """Numba's cache on disk, which here may fail in any way: the kernel is compiled then.

        A folder can be full, read-only or damaged on a hub or in a container, and no number
        depends on it. Nothing is printed, because a line on stderr can cost a student a grade; the
        logger of this module tells why at level INFO.
        """

        def __init__(self, kernel: Callable[..., Any]) -> None:
            super().__init__(kernel)
            # Kernels hold the code of the elementary functions and the options of this file: numba
            # asks for the age of the kernel's own file alone.
            for name in ("_elementary.py", "_jit.py"):
                other = Path(__file__).with_name(name).stat()
                stamp = self._cache_file._source_stamp
                self._cache_file._source_stamp = (*stamp, other.st_mtime, other.st_size)

        def load_overload(self, sig: Any, target_context: Any) -> Any:
            try:
                return super().load_overload(sig, target_context)
            except Exception as error:
                _log.info("cannot read a compiled kernel: %r", error)
                # An index that cannot be read could not be added to either.
                self.flush()
                return None

        def save_overload(self, sig: Any, data: Any) -> None:
            try:
                super().save_overload(sig, data)
            except Exception as error:
                _log.info("cannot keep a compiled kernel: %r", error)

        def flush(self) -> None:
            with suppress(Exception):
                super().flush()

    def _compiled(kernel: F, **options: Any) -> F:
        """Compile a kernel on first call, and keep the machine code on disk where that works.

        A kernel holds no Python object, so that it can leave the interpreter to other threads.
        """
        compiled: Any = numba.njit(error_model="numpy", nogil=True, **options)(kernel)
        # With NUMBA_DISABLE_JIT=1 it is the kernel itself.
        if hasattr(compiled, "_cache"):
            try:
                # What `cache=True` does, which raises where there is no folder to write to.
                compiled._cache = _Cache(kernel)
            except Exception as error:
                _log.info("compiled kernels are not kept: %r", error)
        return compiled

    def njit(kernel: F) -> F:
        """Compile a kernel on first call and keep the machine code on disk.

        Division follows NumPy (``1 / 0`` is infinite, and raises nothing): the test for zero that
        Python's rule needs would keep inner loops from being vectorized.
        """
        return _compiled(kernel)

    def njit_sums(kernel: F) -> F:
        """Compile as `njit` does, and let a sum be taken in any order, which vectorizes it.

        A product that is added may be one operation with the sum, which rounds once, where the
        processor has it. These are two flags of numba's ``fastmath``. The others, which assume that
        no number is infinite or missing, stay off.
        """
        return _compiled(kernel, fastmath={"reassoc", "contract"})

    def njit_inline(kernel: F) -> F:
        """Compile a function that kernels call in their inner loops, into these loops.

        Its own sums keep their order, also in a kernel of `njit_sums`, whose flag numba would hand
        on. A product and a sum may be one operation that rounds once, where the processor has it.
        """
        return _compiled(kernel, forceinline=True, fastmath={"contract"})

    def in_kernels(face: Any, double: Any, single: Any) -> None:
        """Let compiled kernels call `double` or `single`, by precision, where they call `face`.

        It takes a number, or an array of numbers.
        """
        options: Any = {"forceinline": True, "error_model": "numpy"}
        chosen = {types.float64: lambda x: double(x), types.float32: lambda x: single(x)}
        overload(face, jit_options=options)(
            lambda x: chosen.get(x.dtype if isinstance(x, types.Array) else x)
        )
