"""Compilation of kernels: numba where it is installed, plain Python where it cannot be.

Browsers (Pyodide) have NumPy but no numba. The same kernels run there, slower, because a kernel is
ordinary Python over arrays.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

F = TypeVar("F", bound=Callable[..., Any])

try:
    import numba
except ImportError:

    def njit(kernel: F) -> F:
        """Return the kernel as it is: numba is not installed."""
        return kernel

    njit_sums = njit_inline = njit

    def in_kernels(face: F, double: F, single: F) -> None:
        """Leave a function as it is: kernels are plain Python."""

else:
    from numba.core import types
    from numba.extending import overload

    def njit(kernel: F) -> F:
        """Compile a kernel on first call and keep the machine code on disk.

        Division follows NumPy (``1 / 0`` is infinite, and raises nothing): the test for zero that
        Python's rule needs would keep inner loops from being vectorized.
        """
        return cast(F, numba.njit(cache=True, error_model="numpy")(kernel))

    def njit_sums(kernel: F) -> F:
        """Compile as `njit` does, and let a sum be taken in any order, which vectorizes it.

        This is one flag of numba's ``fastmath``. The others, which assume that no number is
        infinite or missing, stay off.
        """
        compiled = numba.njit(cache=True, error_model="numpy", fastmath={"reassoc"})(kernel)
        return cast(F, compiled)

    def njit_inline(function: F) -> F:
        """Compile a function that kernels call in their inner loops, into these loops."""
        return cast(F, numba.njit(cache=True, error_model="numpy", forceinline=True)(function))

    def in_kernels(face: F, double: F, single: F) -> None:
        """Let compiled kernels call `double` or `single`, by precision, where they call `face`."""

        # Without annotations: numba compares the signatures.
        @overload(face, jit_options={"forceinline": True, "error_model": "numpy"})
        def choose(x):
            chosen = {types.float64: double, types.float32: single}.get(x)
            return None if chosen is None else lambda x: chosen(x)
