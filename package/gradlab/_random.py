"""Random numbers that a page of the book and Python draw alike.

A counter-based generator: draw number i of a stream is a function of i, the stream and the seed,
so that nothing has to be kept between draws and any of them can be drawn alone. The package itself
takes NumPy's generators; this one is made of kernels, which run in a browser too.

The bits are those of Philox2x32-10: J. K. Salmon, M. A. Moraes, R. O. Dror and D. E. Shaw, Parallel
Random Numbers: As Easy as 1, 2, 3, SC 2011. A normal draw is one uniform draw through the inverse
of the distribution function: M. J. Wichura, Algorithm AS 241: The Percentage Points of the Normal
Distribution, Applied Statistics 37(3), 1988, whose error is about 1e-16.
"""

from __future__ import annotations

import math

import numpy as np

from gradlab._elementary import log
from gradlab._jit import njit
from gradlab._validate import as_integer

__all__ = ["normal", "permutation", "uniform"]

_WORD = 0xFFFFFFFF

# Numerator and denominator of AS 241, the lowest power first: in the middle, in the tails near the
# middle, and far out.
_MIDDLE = (
    3.3871328727963666080,
    1.3314166789178437745e2,
    1.9715909503065514427e3,
    1.3731693765509461125e4,
    4.5921953931549871457e4,
    6.7265770927008700853e4,
    3.3430575583588128105e4,
    2.5090809287301226727e3,
)
_BELOW_MIDDLE = (
    1.0,
    4.2313330701600911252e1,
    6.8718700749205790830e2,
    5.3941960214247511077e3,
    2.1213794301586595867e4,
    3.9307895800092710610e4,
    2.8729085735721942674e4,
    5.2264952788528545610e3,
)
_NEAR = (
    1.42343711074968357734,
    4.63033784615654529590,
    5.76949722146069140550,
    3.64784832476320460504,
    1.27045825245236838258,
    2.41780725177450611770e-1,
    2.27238449892691845833e-2,
    7.74545014278341407640e-4,
)
_BELOW_NEAR = (
    1.0,
    2.05319162663775882187,
    1.67638483018380384940,
    6.89767334985100004550e-1,
    1.48103976427480074590e-1,
    1.51986665636164571966e-2,
    5.47593808499534494600e-4,
    1.05075007164441684324e-9,
)
_FAR = (
    6.65790464350110377720,
    5.46378491116411436990,
    1.78482653991729133580,
    2.96560571828504891230e-1,
    2.65321895265761230930e-2,
    1.24266094738807843860e-3,
    2.71155556874348757815e-5,
    2.01033439929228813265e-7,
)
_BELOW_FAR = (
    1.0,
    5.99832206555887937690e-1,
    1.36929880922735805310e-1,
    1.48753612908506148525e-2,
    7.86869131145613259100e-4,
    1.84631831751005468180e-5,
    1.42151175831644588870e-7,
    2.04426310338993978564e-15,
)


@njit
def _philox(seed, stream, index):
    """Return the two words of 32 bits that Philox2x32-10 makes of a counter and a key."""
    key, left, right = seed & _WORD, index & _WORD, stream & _WORD
    for _ in range(10):
        # Compiled, the product of 64 bits may be negative, and has the same bits.
        product = 0xD256D193 * left
        left = ((product >> 32) & _WORD) ^ key ^ right
        right = product & _WORD
        key = (key + 0x9E3779B9) & _WORD
    return left, right


@njit
def _draw(seed, stream, index):
    """Return a number between 0 and 1, neither of which it is: the middle of one of 2^53 steps."""
    left, right = _philox(seed, stream, index)
    return ((left >> 5) * 67108864.0 + (right >> 6) + 0.5) * 1.1102230246251565e-16


@njit
def _polynomial(c, r):
    p = ((c[7] * r + c[6]) * r + c[5]) * r + c[4]
    return (((p * r + c[3]) * r + c[2]) * r + c[1]) * r + c[0]


@njit
def _normal_quantile(p):
    """Return the number below which a standard normal one is with probability p."""
    q = p - 0.5
    if abs(q) <= 0.425:
        r = 0.180625 - q * q
        return q * _polynomial(_MIDDLE, r) / _polynomial(_BELOW_MIDDLE, r)
    r = math.sqrt(-log(min(p, 1.0 - p)))
    if r <= 5.0:
        size = _polynomial(_NEAR, r - 1.6) / _polynomial(_BELOW_NEAR, r - 1.6)
    else:
        size = _polynomial(_FAR, r - 5.0) / _polynomial(_BELOW_FAR, r - 5.0)
    return -size if q < 0.0 else size


@njit
def _uniform_draws_kernel(seed, stream, first, out):
    """Fill `out` with the uniform draws of a stream from number `first` on."""
    for i in range(out.size):
        out[i] = _draw(seed, stream, first + i)


@njit
def _normal_draws_kernel(seed, stream, first, out):
    """Fill `out` with the standard normal draws of a stream from number `first` on."""
    for i in range(out.size):
        out[i] = _normal_quantile(_draw(seed, stream, first + i))


@njit
def _permutation_kernel(seed, stream, first, order):
    """Shuffle `order` by the draws of a stream from number `first` on, one for each entry."""
    for i in range(order.size - 1, 0, -1):
        j = int(_draw(seed, stream, first + i) * (i + 1))
        order[i], order[j] = order[j], order[i]


def _checked(seed: int, stream: int, first: int, count: int) -> tuple[int, int, int]:
    """Return what the kernels take, where it and the numbers of all draws have 32 bits."""
    numbers = [("seed", seed, _WORD), ("stream", stream, _WORD), ("first", first, _WORD - count)]
    for name, number, high in numbers:
        if as_integer(name, number, low=0) > high:
            raise ValueError(f"{name} must be at most {high}, got {number}")
    return int(seed), int(stream), int(first)


def uniform(
    shape: int | tuple[int, ...], seed: int, stream: int = 0, first: int = 0
) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Return draws from the uniform distribution between 0 and 1.

    Parameters
    ----------
    shape : int or tuple of int
    seed, stream : int
        From 0 to 2^32 - 1. Each pair has draws of its own.
    first : int, default 0
        The number of the first draw in its stream.

    Examples
    --------
    >>> uniform(3, seed=1).round(4), uniform(1, seed=1, first=2).round(4)
    (array([0.5759, 0.8732, 0.7202]), array([0.7202]))
    """
    out = np.empty(shape)
    _uniform_draws_kernel(*_checked(seed, stream, first, out.size), out.reshape(-1))
    return out


def normal(
    shape: int | tuple[int, ...], seed: int, stream: int = 0, first: int = 0
) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Return draws from the standard normal distribution, with the parameters of `uniform`.

    Examples
    --------
    >>> normal(3, seed=1).round(4)
    array([0.1915, 1.1414, 0.5833])
    """
    out = np.empty(shape)
    _normal_draws_kernel(*_checked(seed, stream, first, out.size), out.reshape(-1))
    return out


def permutation(
    count: int, seed: int, stream: int = 0, first: int = 0
) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    """Return the integers below `count` in a random order, for which it takes `count` draws.

    Examples
    --------
    >>> permutation(5, seed=1)
    array([3, 4, 2, 0, 1])
    """
    order = np.arange(as_integer("count", count, low=0))
    _permutation_kernel(*_checked(seed, stream, first, order.size), order)
    return order
