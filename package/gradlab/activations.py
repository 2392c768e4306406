"""Activation functions, each with its backward pass.

Every function works entry by entry on an array of any shape. A backward pass takes the input `x` of
the forward pass, not its output.

Chapter: ``book/activations.md``.
Decks: H "Some Popular NonSaturating Activation Functions", L "Commonly Used Nonlinearities".
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from gradlab._jit import njit
from gradlab._validate import FloatArray, as_float_array, as_shaped

__all__ = ["relu", "relu_backward", "sigmoid", "sigmoid_backward", "tanh", "tanh_backward"]


@njit
def _sigmoid_kernel(x, out):
    # exp is only taken of a negative number, so that it cannot overflow.
    for k in range(x.size):
        e = np.exp(-abs(x[k]))
        out[k] = 1.0 / (1.0 + e) if x[k] >= 0 else e / (1.0 + e)


def sigmoid(x: ArrayLike) -> FloatArray:
    r"""Logistic sigmoid, :math:`\sigma(x) = 1 / (1 + e^{-x})`.

    Parameters
    ----------
    x : array

    Returns
    -------
    array of the shape and dtype of `x`
        In [0, 1], without overflow for any finite `x`.

    Raises
    ------
    TypeError
        If `x` does not hold real numbers.

    Notes
    -----
    Deck L "Commonly Used Nonlinearities".

    Examples
    --------
    >>> sigmoid([0.0, 1e4, -1e4])
    array([0.5, 1. , 0. ])
    """
    x = as_float_array("x", x)
    out = np.empty_like(x)
    _sigmoid_kernel(x.reshape(-1), out.reshape(-1))
    return out


def sigmoid_backward(dout: ArrayLike, x: ArrayLike) -> FloatArray:
    r"""Gradient through `sigmoid`: ``dout`` times :math:`\sigma(x) (1 - \sigma(x))`.

    Parameters
    ----------
    dout : array
        Gradient of the loss with respect to the output.
    x : array
        The input of the forward pass.

    Returns
    -------
    array of the shape and dtype of `x`

    Raises
    ------
    ValueError
        If the shapes differ.
    TypeError
        If an array does not hold real numbers.

    Examples
    --------
    >>> sigmoid_backward([2.0], [0.0])
    array([0.5])
    """
    s = sigmoid(x)
    dout = as_shaped("dout", dout, s.shape, s.dtype)
    return dout * s * (1 - s)


def tanh(x: ArrayLike) -> FloatArray:
    r"""Hyperbolic tangent, :math:`\tanh(x) = 2 \sigma(2x) - 1`.

    Parameters
    ----------
    x : array

    Returns
    -------
    array of the shape and dtype of `x`

    Raises
    ------
    TypeError
        If `x` does not hold real numbers.

    Notes
    -----
    Deck L "Choosing the Right Sigmoid".

    Examples
    --------
    >>> tanh([0.0, 1e4])
    array([0., 1.])
    """
    return np.asarray(np.tanh(as_float_array("x", x)))


def tanh_backward(dout: ArrayLike, x: ArrayLike) -> FloatArray:
    r"""Gradient through `tanh`: ``dout`` times :math:`1 - \tanh^2(x)`.

    Parameters
    ----------
    dout : array
        Gradient of the loss with respect to the output.
    x : array
        The input of the forward pass.

    Returns
    -------
    array of the shape and dtype of `x`

    Raises
    ------
    ValueError
        If the shapes differ.
    TypeError
        If an array does not hold real numbers.

    Examples
    --------
    >>> tanh_backward([2.0], [0.0])
    array([2.])
    """
    t = tanh(x)
    dout = as_shaped("dout", dout, t.shape, t.dtype)
    return dout * (1 - t * t)


def relu(x: ArrayLike) -> FloatArray:
    r"""Rectified linear unit, :math:`\max(0, x)`.

    Parameters
    ----------
    x : array

    Returns
    -------
    array of the shape and dtype of `x`

    Raises
    ------
    TypeError
        If `x` does not hold real numbers.

    Notes
    -----
    Deck H eq. (11), L "Extension: ReLU".

    Examples
    --------
    >>> relu([-1.0, 2.0])
    array([0., 2.])
    """
    return np.asarray(np.maximum(as_float_array("x", x), 0))


def relu_backward(dout: ArrayLike, x: ArrayLike) -> FloatArray:
    r"""Gradient through `relu`: ``dout`` where `x` is above 0, else 0.

    Parameters
    ----------
    dout : array
        Gradient of the loss with respect to the output.
    x : array
        The input of the forward pass. At exactly 0 the gradient is taken as 0, as in PyTorch.

    Returns
    -------
    array of the shape and dtype of `x`

    Raises
    ------
    ValueError
        If the shapes differ.
    TypeError
        If an array does not hold real numbers.

    Examples
    --------
    >>> relu_backward([5.0, 5.0], [-1.0, 2.0])
    array([0., 5.])
    """
    x = as_float_array("x", x)
    dout = as_shaped("dout", dout, x.shape, x.dtype)
    return np.where(x > 0, dout, x.dtype.type(0))
