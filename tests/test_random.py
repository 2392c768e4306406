"""The generator that a page and Python share: its published bits, and what is drawn from them."""

import numpy as np
import pytest
from scipy import special, stats

from gradlab._random import _normal_quantile, _philox, normal, permutation, uniform

COUNT = 200_000


@pytest.mark.parametrize(
    ("seed", "stream", "index", "words"),
    [
        (0, 0, 0, (0xFF1DAE59, 0x6CD10DF2)),
        (0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF, (0x2C3F628B, 0xAB4FD7AD)),
        (0x13198A2E, 0x85A308D3, 0x243F6A88, (0xDD7CE038, 0xF62A4C12)),
    ],
)
def test_the_bits_are_those_of_the_authors(seed, stream, index, words):
    """The known answers of Random123, the authors' library, for philox2x32 of ten rounds."""
    assert _philox(seed, stream, index) == words


def test_the_quantile_is_exact():
    tail = np.logspace(-300, np.log10(0.5), 2001)
    for p in [*tail, *(1 - tail[tail > 1e-16])]:
        assert _normal_quantile(p) == pytest.approx(special.ndtri(p), rel=1e-14, abs=1e-15)


def test_uniform_draws_fill_the_interval_evenly():
    x = uniform(COUNT, seed=3)
    assert 0 < x.min() < 1e-4
    assert 1 - 1e-4 < x.max() < 1
    counts = np.histogram(x, bins=100, range=(0, 1))[0]
    assert 1e-3 < stats.chisquare(counts).pvalue < 1 - 1e-3
    # The last bits too, and one draw with the next.
    assert stats.chisquare(np.histogram((x * 2**40) % 1, 50)[0]).pvalue > 1e-3
    pairs = np.histogram2d(x[::2], x[1::2], bins=20, range=[(0, 1), (0, 1)])[0]
    assert stats.chisquare(pairs.ravel()).pvalue > 1e-3


def test_normal_draws_have_the_moments_of_the_distribution():
    x = normal(COUNT, seed=4)
    errors = np.array([x.mean(), x.var() - 1, (x**3).mean(), (x**4).mean() - 3])
    assert (np.abs(errors) < 4 * np.sqrt(np.array([1, 2, 15, 96]) / COUNT)).all()
    assert stats.kstest(x, "norm").pvalue > 1e-3


def test_streams_and_seeds_are_independent_and_draws_are_addressed():
    draws = [uniform(COUNT // 10, seed, stream) for seed, stream in [(1, 0), (2, 0), (1, 1)]]
    correlations = np.corrcoef(draws)[np.triu_indices(3, 1)]
    assert np.abs(correlations).max() < 4 / np.sqrt(COUNT // 10)
    np.testing.assert_array_equal(uniform((3, 4), 9, first=5).ravel(), uniform(17, 9)[5:])
    np.testing.assert_array_equal(normal(4, 9, 2, 6), normal(10, 9, 2)[6:])


def test_permutations_are_of_all_orders_alike():
    orders = [tuple(permutation(4, seed=1, first=4 * k)) for k in range(4800)]
    counts = np.unique(orders, axis=0, return_counts=True)[1]
    assert len(counts) == 24
    assert stats.chisquare(counts).pvalue > 1e-3


def test_nothing_is_drawn_where_nothing_is_asked_for():
    assert uniform(0, seed=1).shape == normal((0, 3), seed=1).shape[:1] == permutation(0, 1).shape


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"seed": -1}, ValueError),
        ({"seed": 2**32}, ValueError),
        ({"seed": 1.5}, TypeError),
        ({"seed": 1, "stream": -1}, ValueError),
        ({"seed": 1, "first": 2**32 - 2}, ValueError),
    ],
)
def test_seeds_that_are_none_are_refused_by_name(arguments, error):
    name = list(arguments)[-1]
    with pytest.raises(error, match=name):
        uniform(3, **arguments)
