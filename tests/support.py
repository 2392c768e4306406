"""What tests of several topics share."""

import importlib.util
import types
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parent.parent
FIXTURES = ROOT / "tests" / "fixtures"

# Kernels compile on their first call, and the machine may be busy: no deadline.
settings.register_profile(
    "gradlab", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("gradlab")

TOLERANCE = {np.dtype(np.float64): 1e-6, np.dtype(np.float32): 1e-4}
"""Agreement asked for between our kernels and other libraries, relative to the largest entry."""


def module_at(path: Path) -> types.ModuleType:
    """Return a file that is in no package as a module."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def exercises_tool() -> types.ModuleType:
    """Return ``tools/exercises.py`` as a module."""
    return module_at(ROOT / "tools" / "exercises.py")


def book_extension(name: str) -> types.ModuleType:
    """Return ``book/_ext/<name>.py`` as a module."""
    return module_at(ROOT / "book" / "_ext" / f"{name}.py")


def frozen(name: str) -> dict[str, np.ndarray]:
    """Return the arrays that ``tests/fixtures/<name>.py`` froze from another library."""
    with np.load(FIXTURES / f"{name}.npz") as stored:
        return dict(stored)


def torch() -> types.ModuleType:
    """Return PyTorch, or skip the test."""
    return pytest.importorskip("torch", reason="PyTorch is not installed: run `make oracles`")


def assert_agrees(got, expected, rtol=None, scale=0.0):
    """Assert equal shapes and dtypes, and entries equal relative to the largest of them.

    `scale` is the size of what was subtracted on the way, for results that are zero but for
    rounding.
    """
    got, expected = np.asarray(got), np.asarray(expected)
    assert got.shape == expected.shape
    assert got.dtype == expected.dtype
    rtol = TOLERANCE[expected.dtype] if rtol is None else rtol
    largest = max(np.abs(expected).max(initial=0), scale)
    np.testing.assert_allclose(got, expected, rtol=rtol, atol=rtol * largest)


def array_errors(name: str, good: np.ndarray) -> list[tuple[str, object, type[Exception]]]:
    """Return (argument, value, error) for values that no float array argument may take."""
    wrong_type = [good.astype(complex), good.astype(object), good.astype(str), good > 0, None]
    wrong_shape = [np.zeros((*good.shape, 2)), np.float64(1.0), good[..., :0]]
    return [(name, value, TypeError) for value in wrong_type] + [
        (name, value, ValueError) for value in wrong_shape
    ]
