"""Functions for kernels, in float32 and float64: exp, expm1, log, log1p, tanh, the normal
distribution, and largest and total of a row.

A compiled kernel would call the C library for each number. These are straight lines of arithmetic
without a branch or a table, so that a loop over them is computed several numbers at a time. Each
reduces its argument to a short interval, evaluates a polynomial there by Horner's rule, and puts
the exponent together with an integer shift. They are within 2 units in the last place, and have
the special values of NumPy's functions. (The normal distribution has the rounding of a square in
its exponent.) A processor that multiplies and adds in one step rounds once there, so that the last
bit may differ between kinds of processors. Where numba does not compile, functions of NumPy or of
`math` stand in.

The method is that of W. J. Cody and W. Waite, Software Manual for the Elementary Functions,
Prentice Hall, 1980, and P. T. P. Tang, Table-Driven Implementation of the Exponential Function in
IEEE Floating-Point Arithmetic, ACM Transactions on Mathematical Software 15(2), 1989, without the
table; for the logarithm, that of K. C. Ng in the FreeBSD mathematical library; for the normal
distribution, that of W. J. Cody, Rational Chebyshev Approximations for the Error Function,
Mathematics of Computation 23(107), 1969. Polynomials are Chebyshev's, computed with 200 bits.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gradlab._jit import in_kernels, njit_inline, njit_sums


def _single(*numbers: float) -> tuple[Any, ...]:
    """Return numbers of float32, which arithmetic with float32 keeps so."""
    return tuple(np.array(numbers, np.float32))


# Adding and subtracting 1.5 times 2^52 (2^23 in float32) rounds to an integer, and leaves that
# integer in the low bits of the sum. With 1023 (127) more these are the exponent bits of 2^n.
_ROUND64, _ROUND_BITS64 = 6755399441055744.0, 0x4338000000000000
_ROUND_POWER64, _ROUND_POWER32 = _ROUND64 + 1023, np.float32(12582912.0 + 127)
# The same, with an integer that is 64 (24) nearer to 0, and the factors that make up for it.
_ROUND_UP64, _ROUND_DOWN64 = _ROUND_POWER64 + 64, _ROUND_POWER64 - 64
_LEAST64, _MOST64 = 2.0**-64, 2.0**64

# log(2) in two parts, the first with so few digits that its products with exponents are exact.
_LOG2E64, _LN2_HIGH64, _LN2_LOW64 = 1.4426950408889634, 0.6931471803691238, 1.9082149292705877e-10
_LOG2E32, _LN2_HIGH32, _LN2_LOW32 = _single(1.4426950408889634, 0.693115234375, 3.1946183e-05)

# (exp(r) - 1 - r) / r^2 for |r| up to log(2) / 2.
_EXP64 = (
    2.510038549551032e-08,
    2.7620088445409746e-07,
    2.7557268459997064e-06,
    2.4801521295954376e-05,
    0.00019841269863053618,
    0.0013888888917213717,
    0.00833333333333006,
    0.041666666666624129,
    0.16666666666666669,
    0.5,
)
_EXP32 = _single(0.0013926184, 0.0083631791, 0.041666555, 0.16666577, 0.5)

# 2^r for |r| up to 1/2.
_EXP2_64 = (
    4.4558199665721414e-10,
    7.074198158791346e-09,
    1.017805707615539e-07,
    1.3215432514189648e-06,
    1.5252733841579287e-05,
    0.00015403530463766596,
    0.0013333558146406453,
    0.009618129107587223,
    0.055504108664821625,
    0.2402265069591016,
    0.6931471805599453,
    1.0,
)
_EXP2_32 = _single(
    0.00015461456, 0.0013400442, 0.0096180566, 0.055503272, 0.24022651, 0.69314721, 1.0
)

# (log((1 + s) / (1 - s)) - 2 s) / s^3 as a polynomial in s^2, for (1 + s) / (1 - s) from sqrt(1/2)
# to sqrt(2).
_LOG64 = (
    0.14617807153417325,
    0.15331611722055008,
    0.1818289243253687,
    0.22222211089379496,
    0.28571428626253836,
    0.3999999999989889,
    0.666666666666667,
)
_LOG32 = _single(0.23331614, 0.28550780, 0.40000123, 0.66666669)

# (tanh(x) / x - 1) / x^2 as a polynomial in x^2, for |x| up to 0.55.
_TANH64 = (
    7.868967539363156e-06,
    -3.3712357424774e-05,
    9.454554147389006e-05,
    -0.00023847048716663634,
    0.0005899047612997415,
    -0.0014558190150215356,
    0.0035921267619017645,
    -0.00886323546265538,
    0.021869488534056503,
    -0.05396825396822006,
    0.1333333333333331,
    -0.3333333333333333,
)
_TANH32 = _single(0.0025255391, -0.0085257515, 0.021818312, -0.053964686, 0.13333324, -0.33333334)

# exp(a^2 / 2) P(Z > a), where Z is standard normal, as a quotient of polynomials in a for a from 0
# to 38.7, in float32 to 14.49. All coefficients are positive, so that no digits are lost; the
# first of the divisor, which is 1, is left out.
_ABOVE64 = (
    0.39894228040021309,
    10.729040492904337,
    141.27819402848116,
    1178.3344653339591,
    6808.3436366051495,
    28164.383375015256,
    83424.324689674175,
    171316.78081432705,
    223509.69921676392,
    144255.49036245492,
)
_BELOW64 = (
    26.893716258544471,
    355.13191579924016,
    2980.5402007556112,
    17418.118703118551,
    73497.495341049038,
    225481.56497879623,
    494385.61796297511,
    738719.74253042581,
    677217.85557602359,
    288510.98072490986,
)
_ABOVE32 = _single(0.39894692, 3.9383011, 17.760416, 42.483980, 48.467182)
_BELOW32 = _single(9.8724825, 45.504242, 116.55817, 162.31043, 96.934364)

# A plain 1.0 would make a sum with float32 a float64.
_ZERO32, _HALF32, _ONE32, _TWO32, _TWENTY_FOUR32 = _single(0.0, 0.5, 1.0, 2.0, 24.0)
_INFINITY32, _NAN32 = _single(np.inf, np.nan)
_NORMAL32, _TWO24_32 = _single(1.1754944e-38, 16777216.0)
_EXP_LOW32, _EXP_HIGH32, _EXPM1_LOW32 = _single(-105.0, 89.0, -20.0)
_TINY32, _TANH_SMALL32 = _single(1e-8, 0.55)
_ROUND_UP32, _ROUND_DOWN32 = _ROUND_POWER32 + np.float32(24), _ROUND_POWER32 - np.float32(24)
_LEAST32, _MOST32 = _single(2.0**-24, 2.0**24)
_MINUS_HALF_LOG2E32, _NORMAL_HIGH32 = _single(-0.5 * _LOG2E64, 14.49)


@njit_inline
def _power_of_two64(bits):
    """Return 2^n for bits that end with those of its exponent; the shift leaves nothing else."""
    return np.int64(bits << 52).view(np.float64)


@njit_inline
def _power_of_two32(bits):
    """Return 2^n for bits that end with those of its exponent; the shift leaves nothing else."""
    return np.int32(bits << 23).view(np.float32)


@njit_inline
def _reduced64(x, rounding):
    """Return the bits of 2^n, r and q: x = n log(2) + r and exp(r) = 1 + r + q."""
    shifted = x * _LOG2E64 + rounding
    n = shifted - rounding
    r = (x - n * _LN2_HIGH64) - n * _LN2_LOW64
    c = _EXP64
    p = (((((c[0] * r + c[1]) * r + c[2]) * r + c[3]) * r + c[4]) * r + c[5]) * r + c[6]
    q = (((p * r + c[7]) * r + c[8]) * r + c[9]) * (r * r)
    return np.float64(shifted).view(np.int64), r, q


@njit_inline
def _reduced32(x, rounding):
    """Return the bits of 2^n, r and q: x = n log(2) + r and exp(r) = 1 + r + q."""
    shifted = x * _LOG2E32 + rounding
    n = shifted - rounding
    r = (x - n * _LN2_HIGH32) - n * _LN2_LOW32
    c = _EXP32
    q = ((((c[0] * r + c[1]) * r + c[2]) * r + c[3]) * r + c[4]) * (r * r)
    return np.float32(shifted).view(np.int32), r, q


# 2^n alone may be out of range where the result is a number. So n is taken 64 nearer to 0 (24 in
# float32), and what is missing is multiplied last, where the result may also be rounded to one
# below the normal numbers.
@njit_inline
def _exp64(x):
    # Beyond these bounds the result is 0 or infinite; comparisons let NaN through.
    x = -750.0 if x < -750.0 else (710.0 if x > 710.0 else x)
    bits, r, q = _reduced64(x, _ROUND_UP64 if x < 0.0 else _ROUND_DOWN64)
    return ((1.0 + (r + q)) * _power_of_two64(bits)) * (_LEAST64 if x < 0.0 else _MOST64)


@njit_inline
def _exp32(x):
    x = _EXP_LOW32 if x < _EXP_LOW32 else (_EXP_HIGH32 if x > _EXP_HIGH32 else x)
    bits, r, q = _reduced32(x, _ROUND_UP32 if x < _ZERO32 else _ROUND_DOWN32)
    return ((_ONE32 + (r + q)) * _power_of_two32(bits)) * (_LEAST32 if x < _ZERO32 else _MOST32)


@njit_inline
def _exp_nonpositive64(x):
    x = -750.0 if x < -750.0 else x
    bits, r, q = _reduced64(x, _ROUND_UP64)
    return ((1.0 + (r + q)) * _power_of_two64(bits)) * _LEAST64


@njit_inline
def _exp_nonpositive32(x):
    x = _EXP_LOW32 if x < _EXP_LOW32 else x
    bits, r, q = _reduced32(x, _ROUND_UP32)
    return ((_ONE32 + (r + q)) * _power_of_two32(bits)) * _LEAST32


@njit_inline
def _expm164(x):
    z = -45.0 if x < -45.0 else (710.0 if x > 710.0 else x)
    bits, r, q = _reduced64(z, _ROUND_POWER64)
    # 2^n (1 + r + q) - 1, the large terms first; halved, since 2^1024 is out of range.
    half = _power_of_two64(bits - 1)
    result = 2.0 * ((half - 0.5) + half * (r + q))
    return x if abs(x) < 1e-17 else result


@njit_inline
def _expm132(x):
    z = _EXPM1_LOW32 if x < _EXPM1_LOW32 else (_EXP_HIGH32 if x > _EXP_HIGH32 else x)
    bits, r, q = _reduced32(z, _ROUND_POWER32)
    half = _power_of_two32(np.int32(bits - 1))
    result = _TWO32 * ((half - _HALF32) + half * (r + q))
    return x if abs(x) < _TINY32 else result


@njit_inline
def _tanh64(x):
    # (1 - t) / (1 + t) with t = exp(-2 |x|): t falls, and so the quotient never does. Near 0, where
    # it would lose digits, a polynomial takes its place.
    size = abs(x)
    t = _exp_nonpositive64(-2.0 * size)
    large = (1.0 - t) / (1.0 + t)
    z, c = x * x, _TANH64
    p = (((((c[0] * z + c[1]) * z + c[2]) * z + c[3]) * z + c[4]) * z + c[5]) * z + c[6]
    p = ((((p * z + c[7]) * z + c[8]) * z + c[9]) * z + c[10]) * z + c[11]
    small = x + x * (z * p)
    result = small if size < 0.55 else (-large if x < 0.0 else large)
    return x if x == 0.0 else result


@njit_inline
def _tanh32(x):
    size = abs(x)
    t = _exp_nonpositive32(-_TWO32 * size)
    large = (_ONE32 - t) / (_ONE32 + t)
    z, c = x * x, _TANH32
    p = ((((c[0] * z + c[1]) * z + c[2]) * z + c[3]) * z + c[4]) * z + c[5]
    small = x + x * (z * p)
    result = small if size < _TANH_SMALL32 else (-large if x < _ZERO32 else large)
    return x if x == _ZERO32 else result


@njit_inline
def _log_of_sum64(u, rest):
    """Return log(u + u rest) for positive numbers and a rest that is far below 1."""
    # Numbers below the normal ones are brought there.
    small = u < 2.2250738585072014e-308
    bits = np.float64(u * 18014398509481984.0 if small else u).view(np.int64)
    # u = 2^k (1 + f) with 1 + f from sqrt(1/2) to sqrt(2), whose bits are the second constant.
    bits = bits + (0x3FF0000000000000 - 0x3FE6A09E00000000)
    exponent = np.int64((bits >> 52) - 1023 + _ROUND_BITS64).view(np.float64) - _ROUND64
    k = exponent - 54.0 if small else exponent
    f = np.int64((bits & 0xFFFFFFFFFFFFF) + 0x3FE6A09E00000000).view(np.float64) - 1.0
    # log(1 + f) = f - f^2 / 2 + s (f^2 / 2 + w) with s = f / (2 + f) and w = s^2 (2/3 + ...).
    s = f / (2.0 + f)
    z = s * s
    c = _LOG64
    w = z * ((((((c[0] * z + c[1]) * z + c[2]) * z + c[3]) * z + c[4]) * z + c[5]) * z + c[6])
    half_square = 0.5 * f * f
    low = s * (half_square + w) + (k * _LN2_LOW64 + rest)
    return k * _LN2_HIGH64 - ((half_square - low) - f)


@njit_inline
def _log_of_sum32(u, rest):
    """Return log(u + u rest) for positive numbers and a rest that is far below 1."""
    small = u < _NORMAL32
    bits = np.float32(u * _TWO24_32 if small else u).view(np.int32)
    bits = np.int32(bits + (0x3F800000 - 0x3F3504F3))
    k = np.float32((bits >> 23) - 127) - (_TWENTY_FOUR32 if small else _ZERO32)
    f = np.int32((bits & 0x7FFFFF) + 0x3F3504F3).view(np.float32) - _ONE32
    s = f / (_TWO32 + f)
    z = s * s
    c = _LOG32
    w = z * (((c[0] * z + c[1]) * z + c[2]) * z + c[3])
    half_square = _HALF32 * f * f
    low = s * (half_square + w) + (k * _LN2_LOW32 + rest)
    return k * _LN2_HIGH32 - ((half_square - low) - f)


@njit_inline
def _log64(x):
    result = _log_of_sum64(x, 0.0)
    result = result if x < np.inf else x
    result = result if x > 0.0 else np.nan
    return -np.inf if x == 0.0 else result


@njit_inline
def _log32(x):
    result = _log_of_sum32(x, _ZERO32)
    result = result if x < _INFINITY32 else x
    result = result if x > _ZERO32 else _NAN32
    return -_INFINITY32 if x == _ZERO32 else result


@njit_inline
def _log1p64(x):
    # What is lost in 1 + x is added to the logarithm of the rounded sum.
    u = 1.0 + x
    result = _log_of_sum64(u, (x - (u - 1.0)) / u)
    result = result if x < np.inf else x
    result = result if x > -1.0 else np.nan
    result = -np.inf if x == -1.0 else result
    return x if abs(x) < 1e-17 else result


@njit_inline
def _log1p32(x):
    u = _ONE32 + x
    result = _log_of_sum32(u, (x - (u - _ONE32)) / u)
    result = result if x < _INFINITY32 else x
    result = result if x > -_ONE32 else _NAN32
    result = -_INFINITY32 if x == -_ONE32 else result
    return x if abs(x) < _TINY32 else result


# exp(-a^2 / 2) is 2^(n + r) with n the integer next to -a^2 / (2 log(2)).
@njit_inline
def _normal64(x):
    a = abs(x)
    a = 38.7 if a > 38.7 else a
    power = (-0.5 * _LOG2E64 * a) * a
    shifted = power + _ROUND_UP64
    r, c = power - (shifted - _ROUND_UP64), _EXP2_64
    p = (((((c[0] * r + c[1]) * r + c[2]) * r + c[3]) * r + c[4]) * r + c[5]) * r + c[6]
    p = ((((p * r + c[7]) * r + c[8]) * r + c[9]) * r + c[10]) * r + c[11]
    bell = (p * _power_of_two64(np.float64(shifted).view(np.int64))) * _LEAST64
    u, d = _ABOVE64, _BELOW64
    p = ((((u[0] * a + u[1]) * a + u[2]) * a + u[3]) * a + u[4]) * a + u[5]
    p = (((p * a + u[6]) * a + u[7]) * a + u[8]) * a + u[9]
    q = ((((a + d[0]) * a + d[1]) * a + d[2]) * a + d[3]) * a + d[4]
    q = ((((q * a + d[5]) * a + d[6]) * a + d[7]) * a + d[8]) * a + d[9]
    return a, bell, bell * (p / q)


@njit_inline
def _normal32(x):
    a = abs(x)
    a = _NORMAL_HIGH32 if a > _NORMAL_HIGH32 else a
    power = (_MINUS_HALF_LOG2E32 * a) * a
    shifted = power + _ROUND_UP32
    r, c = power - (shifted - _ROUND_UP32), _EXP2_32
    p = (((((c[0] * r + c[1]) * r + c[2]) * r + c[3]) * r + c[4]) * r + c[5]) * r + c[6]
    bell = (p * _power_of_two32(np.float32(shifted).view(np.int32))) * _LEAST32
    u, d = _ABOVE32, _BELOW32
    p = (((u[0] * a + u[1]) * a + u[2]) * a + u[3]) * a + u[4]
    q = ((((a + d[0]) * a + d[1]) * a + d[2]) * a + d[3]) * a + d[4]
    return a, bell, bell * (p / q)


# A maximum of floats is taken one at a time, because one of them may be NaN. Their bits, those
# below the sign turned over where it is set, are integers in the same order.
@njit_inline
def _in_order64(bits):
    return bits ^ ((bits >> 63) & 0x7FFFFFFFFFFFFFFF)


@njit_inline
def _in_order32(bits):
    return np.int32(bits ^ ((bits >> 31) & 0x7FFFFFFF))


@njit_inline
def _largest64(row):
    top = np.int64(-0x8000000000000000)
    for j in range(row.size):
        top = max(top, _in_order64(np.float64(row[j]).view(np.int64)))
    return np.int64(_in_order64(top)).view(np.float64)


@njit_inline
def _largest32(row):
    top = np.int32(-0x80000000)
    for j in range(row.size):
        top = max(top, _in_order32(np.float32(row[j]).view(np.int32)))
    return np.int32(_in_order32(top)).view(np.float32)


@njit_sums
def total(row):
    """Return the sum of a row, taken in float64 and in any order."""
    result = np.float64(0.0)
    for j in range(row.size):
        result += row[j]
    return result


def exp(x: Any) -> Any:
    """Return e to the power of `x`."""
    return np.exp(x)


def exp_nonpositive(x: Any) -> Any:
    """Return e to the power of `x`, which is not above 0; faster than `exp`."""
    return np.exp(x)


def expm1(x: Any) -> Any:
    """Return e to the power of `x`, less 1, with all digits near 0."""
    return np.expm1(x)


def log(x: Any) -> Any:
    """Return the natural logarithm of `x`."""
    return np.log(x)


def log1p(x: Any) -> Any:
    """Return the natural logarithm of 1 + `x`, with all digits near 0."""
    return np.log1p(x)


def tanh(x: Any) -> Any:
    """Return the hyperbolic tangent of `x`."""
    return np.tanh(x)


def normal(x: Any) -> tuple[Any, Any, Any]:
    """Return a = abs(x), exp(-a^2 / 2) and the probability of a standard normal number above a.

    Where x is so large that the last two are 0, a is a bound in its place, so that a product is 0.
    """
    a = type(x)(40) if abs(x) > 40 else abs(x)
    return a, math.exp(-0.5 * a * a), 0.5 * math.erfc(a / math.sqrt(2.0))


def largest(row: Any) -> Any:
    """Return the largest entry of a row that is not empty; NaN may be passed over."""
    return row.max()


in_kernels(exp, _exp64, _exp32)
in_kernels(exp_nonpositive, _exp_nonpositive64, _exp_nonpositive32)
in_kernels(expm1, _expm164, _expm132)
in_kernels(log, _log64, _log32)
in_kernels(log1p, _log1p64, _log1p32)
in_kernels(tanh, _tanh64, _tanh32)
in_kernels(normal, _normal64, _normal32)
in_kernels(largest, _largest64, _largest32)
