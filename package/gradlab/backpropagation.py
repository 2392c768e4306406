"""Backpropagation through a multilayer perceptron, in matrix form and for a whole mini-batch.

The forward pass keeps every layer's net input and output. The backward pass starts from the
gradient of the loss with respect to the output, carries the sensitivities (the gradients with
respect to the net inputs) from layer to layer, and reads off those of weights and biases.

Chapter: ``book/backpropagation.md``.
Decks: H "Backpropagation: Revisit", "The Backward Pass: Revisit"; S "Backpropagation in MLPs:
Practice".
Paper: D. E. Rumelhart, G. E. Hinton and R. J. Williams, Learning Representations by
Back-Propagating Errors, Nature 323, 1986.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from gradlab import activations
from gradlab._jit import njit, njit_sums
from gradlab._validate import FloatArray, as_batch, as_cache, as_choice, as_float_array, as_shaped

__all__ = ["MLPCache", "mlp_backward", "mlp_forward", "sensitivities"]


# Float32 holds it exactly, and arithmetic with float32 stays in float32.
_ZERO = np.float32(0)


def _identity(x: ArrayLike) -> FloatArray:
    return np.array(x)


def _identity_backward(dout: ArrayLike, _x: ArrayLike) -> FloatArray:
    return np.array(dout)


_ACTIVATIONS: dict[
    str,
    tuple[Callable[[ArrayLike], FloatArray], Callable[[ArrayLike, ArrayLike], FloatArray]],
] = {
    "identity": (_identity, _identity_backward),
    "relu": (activations.relu, activations.relu_backward),
    "sigmoid": (activations.sigmoid, activations.sigmoid_backward),
    "tanh": (activations.tanh, activations.tanh_backward),
}


@dataclass(frozen=True, eq=False)
class MLPCache:
    """What the forward pass keeps for the backward pass, all in the dtype of ``x``.

    Attributes
    ----------
    inputs : tuple of arrays (batch, fan_in)
        What each layer received: ``inputs[0]`` is ``x``, and the next ones are the outputs of the
        hidden layers: H_0, ..., H_L.
    net_inputs : tuple of arrays (batch, fan_out)
        The net input of each layer: Z_1, ..., Z_(L+1).
    weights : tuple of arrays (fan_in, fan_out)
        The weights that the forward pass used.
    activations : tuple of str
        The activation function of each layer.
    """

    inputs: tuple[FloatArray, ...]
    net_inputs: tuple[FloatArray, ...]
    weights: tuple[FloatArray, ...]
    activations: tuple[str, ...]


@njit
def _net_input_kernel(h, weight, bias, z):
    """Equation bp-net-input."""
    batch, fan_in = h.shape
    fan_out = weight.shape[1]
    for i in range(batch):
        hi, zi = h[i], z[i]
        # (bp-net-input)  Z_ik = b_k + sum_j H_ij W_jk
        for k in range(fan_out):
            zi[k] = bias[k]
        for j in range(fan_in):
            wj = weight[j]
            for k in range(fan_out):
                zi[k] += hi[j] * wj[k]


def mlp_forward(
    x: ArrayLike,
    weights: Sequence[ArrayLike],
    biases: Sequence[ArrayLike],
    activation: str = "tanh",
    output: str = "identity",
) -> tuple[FloatArray, MLPCache]:
    r"""Output of a multilayer perceptron. Equations bp-net-input and bp-activation.

    .. math:: H_0 = X, \qquad Z_l = H_{l-1} W_{l-1} + b_{l-1}, \qquad H_l = g_l(Z_l),
              \qquad 1 \le l \le L + 1

    with one example in each row.

    Parameters
    ----------
    x : array (batch, features)
        The mini-batch X.
    weights : sequence of arrays (fan_in, fan_out)
        :math:`W_0, \dots, W_L`, one a layer; converted to the dtype of `x`.
    biases : sequence of arrays (fan_out,)
        :math:`b_0, \dots, b_L`; converted to the dtype of `x`.
    activation : {"tanh", "sigmoid", "relu", "identity"}, default "tanh"
        g of the hidden layers.
    output : {"identity", "sigmoid", "tanh", "relu"}, default "identity"
        g of the last layer.

    Returns
    -------
    output : array (batch, fan_out of the last layer)
        :math:`H_{L+1}`, in the dtype of `x`.
    cache : MLPCache
        For `mlp_backward` and `sensitivities`; it holds copies.

    Notes
    -----
    Deck H eqs. (5) and (6), with layers counted by k, where the bias is the first row of
    :math:`\theta^k` and meets a 1 put before each example. Deck S has columns for examples, so its
    W is our transpose, and a last unit that is always 1 for the bias. PyTorch's ``Linear`` keeps
    the transpose too.

    The products are written out, to be read. `gradlab.network` leaves them to BLAS, which is faster
    where matrices are large.

    Examples
    --------
    >>> out, cache = mlp_forward([[1.0, 2.0]], [[[1.0], [-1.0]], [[3.0]]], [[1.5], [1.0]], "relu")
    >>> out
    array([[2.5]])
    >>> cache.net_inputs
    (array([[0.5]]), array([[2.5]]))
    """
    x = as_batch("x", x).copy()
    layers = _checked_layers(weights, biases, x.shape[1], x.dtype)
    for name, value in (("activation", activation), ("output", output)):
        as_choice(name, value, sorted(_ACTIVATIONS))
    names = (activation,) * (len(layers) - 1) + (output,)
    inputs, net_inputs, h = [], [], x
    for (weight, bias), name in zip(layers, names, strict=True):
        inputs.append(h)
        z = np.empty((len(x), len(bias)), x.dtype)
        _net_input_kernel(h, weight, bias, z)
        net_inputs.append(z)
        # (bp-activation)  H_l = g_l(Z_l), a kernel of gradlab.activations
        h = _ACTIVATIONS[name][0](z)
    kept = tuple(weight.copy() for weight, _ in layers)
    return h, MLPCache(tuple(inputs), tuple(net_inputs), kept, names)


@njit_sums
def _input_gradient_kernel(s, weight, dh):
    """Equation bp-input-gradient, and the first factor of bp-sensitivity."""
    batch, fan_out = s.shape
    for i in range(batch):
        si, di = s[i], dh[i]
        for j in range(len(weight)):
            # (bp-input-gradient)  dL/dX_ij = sum_k S_ik W_jk
            wj = weight[j]
            total = 0.0
            for k in range(fan_out):
                total += si[k] * wj[k]
            di[j] = total


def sensitivities(dout: ArrayLike, cache: MLPCache) -> list[FloatArray]:
    r"""Gradients with respect to the net inputs. Equations bp-sensitivity-output, bp-sensitivity.

    .. math:: S_{L+1} = \frac{\partial \mathcal L}{\partial \hat Y} \odot g'_{L+1}(Z_{L+1}), \\
              S_l = \bigl( S_{l+1} W_l^\top \bigr) \odot g'_l(Z_l), \qquad L \ge l \ge 1

    Row i of :math:`S_l` is the sensitivity of layer l for example i.

    Parameters
    ----------
    dout : array (batch, fan_out of the last layer)
        Gradient of the loss with respect to the output,
        :math:`\partial \mathcal L / \partial \hat Y`. Where the loss is a mean over the batch, it
        holds the 1 / batch.
    cache : MLPCache
        What `mlp_forward` returned beside that output.

    Returns
    -------
    list of arrays (batch, fan_out)
        :math:`S_1, \dots, S_{L+1}`, first layer first.

    Notes
    -----
    Deck H eqs. (7) and (8) are for one example, a row vector. Multiplying by the diagonal matrix
    of eq. (10) from the right is the same as multiplying entry by entry, and this form takes a
    whole batch: each example has a diagonal matrix of its own, so that no one matrix could stand
    there. Eq. (7) is for the squared error without a factor 1/2; here that is
    ``dout = -2 * (y - output)``. The diagonal form needs an activation that works entry by entry,
    which softmax does not.

    Examples
    --------
    >>> out, cache = mlp_forward([[1.0, 2.0]], [[[1.0], [-1.0]], [[3.0]]], [[1.5], [1.0]], "relu")
    >>> sensitivities([[2.0]], cache)
    [array([[6.]]), array([[2.]])]
    """
    cache = as_cache(cache, MLPCache, "mlp_forward")
    last = cache.net_inputs[-1]
    grad = as_shaped("dout", dout, last.shape, last.dtype)
    result: list[FloatArray] = []
    for z, weight, name in zip(
        reversed(cache.net_inputs),
        reversed(cache.weights),
        reversed(cache.activations),
        strict=True,
    ):
        # (bp-sensitivity-output)  S_(L+1) = dL/dY * g'(Z_(L+1))
        # (bp-sensitivity)         S_l = (S_(l+1) W_l^T) * g'(Z_l)
        s = _ACTIVATIONS[name][1](grad, z)
        result.append(s)
        if len(result) < len(cache.weights):
            grad = _input_gradient(s, weight)
    return result[::-1]


def _input_gradient(s: FloatArray, weight: FloatArray) -> FloatArray:
    dh = np.empty((len(s), len(weight)), s.dtype)
    _input_gradient_kernel(s, weight, dh)
    return dh


@njit
def _weight_gradient_kernel(h, s, dweight):
    """Equation bp-weight-gradient."""
    batch, fan_in = h.shape
    fan_out = s.shape[1]
    dweight[:] = 0.0
    for i in range(batch):
        hi, si = h[i], s[i]
        # (bp-weight-gradient)  dL/dW_jk = sum_i H_ij S_ik
        for j in range(fan_in):
            dj = dweight[j]
            for k in range(fan_out):
                dj[k] += hi[j] * si[k]


@njit
def _bias_gradient_kernel(s, dbias):
    """Equation bp-bias-gradient, in float64 so that a long sum keeps its digits."""
    batch, fan_out = s.shape
    dbias[:] = 0.0
    # (bp-bias-gradient)  dL/db_k = sum_i S_ik
    for i in range(batch):
        for k in range(fan_out):
            dbias[k] += s[i, k]


def bias_gradient(s: FloatArray) -> FloatArray:
    """Return the gradient for the biases, in float64, given that for the net input."""
    dbias = np.empty(s.shape[1])
    _bias_gradient_kernel(s, dbias)
    return dbias


@njit
def _bias_relu_kernel(z, bias):
    """Equations bp-net-input and act-relu. What `z` holds is the product before and the output
    after.
    """
    for i in range(len(z)):
        zi = z[i]
        for k in range(bias.size):
            # (bp-net-input)  N_ik = b_k + sum_j A_ij W_jk
            # (act-relu)      f(x) = max(0, x)
            net = zi[k] + bias[k]
            zi[k] = _ZERO if net <= 0 else net


def bias_relu(product: FloatArray, bias: FloatArray) -> None:
    """Make of ``x @ weight`` the ReLU of the net input, in place."""
    _bias_relu_kernel(product, bias)


@njit
def _relu_bias_backward_kernel(s, a, dbias):
    """Equations act-relu-backward and bp-bias-gradient. What `s` holds is dout before and the
    sensitivity after; the output `a` is positive where the net input is.
    """
    dbias[:] = 0.0
    for i in range(len(s)):
        si, ai = s[i], a[i]
        for k in range(dbias.size):
            # (act-relu-backward)  dx = dout [x > 0]
            si[k] = si[k] if ai[k] > 0 else _ZERO
            # (bp-bias-gradient)   dL/db_k = sum_i S_ik
            dbias[k] += si[k]


def relu_bias_backward(dout: FloatArray, a: FloatArray) -> FloatArray:
    """Return the gradient for the biases, in float64, and make of `dout` that for the net input.

    `a` is the ReLU's output.
    """
    dbias = np.empty(a.shape[1])
    _relu_bias_backward_kernel(dout, a, dbias)
    return dbias


def mlp_backward(
    dout: ArrayLike, cache: MLPCache
) -> tuple[FloatArray, list[FloatArray], list[FloatArray]]:
    r"""Gradient of the loss through `mlp_forward`.

    Equations bp-weight-gradient, bp-bias-gradient and bp-input-gradient.

    .. math:: \frac{\partial \mathcal L}{\partial W_l} = H_l^\top S_{l+1}, \qquad
              \frac{\partial \mathcal L}{\partial b_l} = \sum_i (S_{l+1})_i, \qquad
              \frac{\partial \mathcal L}{\partial X} = S_1 W_0^\top

    Parameters
    ----------
    dout : array (batch, fan_out of the last layer)
        Gradient of the loss with respect to the output.
    cache : MLPCache
        What `mlp_forward` returned beside that output.

    Returns
    -------
    dx : array (batch, features)
        Gradient with respect to the input.
    dweights : list of arrays (fan_in, fan_out)
        Gradients with respect to the weights, first layer first.
    dbiases : list of arrays (fan_out,)
        Gradients with respect to the biases.

    Notes
    -----
    The product with :math:`H_l^\top` is the sum over the examples of deck H eq. (9)'s
    :math:`[1 \; a^{k-1}]^\top s^k`, of which the first row is the bias gradient. Deck S
    "Backpropagation in MLPs: Practice" multiplies the same factors out for the first layer.

    Examples
    --------
    >>> out, cache = mlp_forward([[1.0, 2.0]], [[[1.0], [-1.0]], [[3.0]]], [[1.5], [1.0]], "relu")
    >>> dx, dweights, dbiases = mlp_backward([[2.0]], cache)
    >>> dx
    array([[ 6., -6.]])
    >>> dweights
    [array([[ 6.],
           [12.]]), array([[1.]])]
    >>> dbiases
    [array([6.]), array([2.])]
    """
    s = sensitivities(dout, cache)
    dweights, dbiases = [], []
    for h, s_above, weight in zip(cache.inputs, s, cache.weights, strict=True):
        dweight = np.empty_like(weight)
        _weight_gradient_kernel(h, s_above, dweight)
        dweights.append(dweight)
        dbiases.append(bias_gradient(s_above).astype(s_above.dtype, copy=False))
    return _input_gradient(s[0], cache.weights[0]), dweights, dbiases


def _checked_layers(
    weights: Sequence[ArrayLike], biases: Sequence[ArrayLike], fan_in: int, dtype: DTypeLike
) -> list[tuple[FloatArray, FloatArray]]:
    """Return weight and bias of each layer, each layer fitting the one before."""
    for name, value in (("weights", weights), ("biases", biases)):
        if not isinstance(value, Sequence) or isinstance(value, str):
            raise TypeError(
                f"{name} must be a list of arrays, one a layer, got {type(value).__name__}"
            )
    if not weights:
        raise ValueError("weights must hold at least one array, got none")
    if len(biases) != len(weights):
        raise ValueError(f"biases must hold {len(weights)} arrays, one a layer, got {len(biases)}")
    layers = []
    for k, (weight, bias) in enumerate(zip(weights, biases, strict=True), start=1):
        weight = as_float_array("weights", weight, dtype=dtype)
        if weight.ndim != 2 or weight.shape[0] != fan_in or weight.shape[1] == 0:
            raise ValueError(
                f"weights must have shape ({fan_in}, fan_out) in layer {k}, got {weight.shape}"
            )
        fan_in = weight.shape[1]
        layers.append((weight, as_shaped("biases", bias, (fan_in,), dtype)))
    return layers
