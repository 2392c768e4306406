"""The benchmarks compare like with like, and what they measured is what the README says."""

import sys

import numpy as np
import pytest
from support import ROOT


@pytest.fixture(autouse=True)
def path(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    yield
    for name in ("_pairs", "kernels", "summary"):
        sys.modules.pop(name, None)


def first(result):
    """The first array or number of what a side returns."""
    while isinstance(result, (tuple, list)):
        result = result[0]
    return np.asarray(result.detach() if hasattr(result, "detach") else result)


def test_the_readme_has_the_numbers_that_were_measured():
    import summary

    (shown,) = summary.MARKS.findall((ROOT / "README.md").read_text("utf-8"))
    assert shown == summary.block()


def test_both_sides_compute_the_same():
    pytest.importorskip("torch", reason="PyTorch is not installed: make oracles")
    import kernels

    rng = np.random.default_rng(0)
    x, dout = (kernels.aligned(rng, (32, 100), np.float64) for _ in range(2))
    sources = (kernels.activation_cells, kernels.loss_cells, kernels.normalization_cells)
    names = []
    for source in sources:
        for cell in source(x, dout):
            ours, theirs = first(cell.ours()), first(cell.theirs())
            # PyTorch's mean is over all entries; ours over the batch, of half the square.
            factor = x.shape[1] / 2 if cell.name == "squared error" else 1
            np.testing.assert_allclose(
                ours, factor * theirs, rtol=1e-7, atol=1e-9, err_msg=cell.name
            )
            names.append(cell.name)
    assert len(names) > 30
    assert len(set(names)) == len(names)


def test_each_pair_is_timed_in_turn(monkeypatch):
    import _pairs

    monkeypatch.setattr(_pairs, "WARM", 0.0)
    order = []
    pair = _pairs.compare(lambda: order.append("a"), lambda: order.append("b"), 5, least=0)
    assert "".join(order[-10:]) == "ab" * 5
    assert pair.ours > 0
    assert pair.speedup > 0
