"""Layers, and networks of layers in a row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from gradlab import activations, batch_normalization
from gradlab._validate import FloatArray, as_batch, as_integer, as_real, as_shaped
from gradlab.initialization import he_normal

__all__ = ["Activation", "BatchNorm", "Dense", "Layer", "Network"]

_ACTIVATIONS: dict[
    str,
    tuple[Callable[[ArrayLike], FloatArray], Callable[[ArrayLike, ArrayLike], FloatArray]],
] = {
    "sigmoid": (activations.sigmoid, activations.sigmoid_backward),
    "tanh": (activations.tanh, activations.tanh_backward),
    "relu": (activations.relu, activations.relu_backward),
}


class Layer(Protocol):
    """What a network asks of a layer."""

    def forward(self, x: FloatArray, training: bool) -> FloatArray:
        """Return the output, and keep what `backward` needs when `training`."""

    def backward(self, dout: FloatArray) -> FloatArray:
        """Return the gradient for the input, and keep those for the parameters."""

    def parameters(self) -> list[FloatArray]:
        """Return the arrays that an optimizer updates in place."""

    def gradients(self) -> list[FloatArray]:
        """Return the gradients of the last `backward`, in the order of `parameters`."""


class Dense:
    """Fully connected layer, ``x @ weight + bias``.

    Parameters
    ----------
    fan_in, fan_out : int
        Features in and out.
    rng : numpy.random.Generator
        Draws the weights; the biases start at 0.
    initializer : callable, default `gradlab.initialization.he_normal`
        Called with ``(fan_in, fan_out, rng, dtype)``.
    dtype : float32 or float64
    """

    def __init__(
        self,
        fan_in: int,
        fan_out: int,
        rng: np.random.Generator,
        initializer: Callable[..., FloatArray] = he_normal,
        dtype: DTypeLike = np.float64,
    ) -> None:
        self.weight = initializer(fan_in, fan_out, rng, dtype)
        self.bias = np.zeros(fan_out, dtype)
        self._gradients: list[FloatArray] = []
        self._x: FloatArray | None = None

    def forward(self, x: FloatArray, training: bool) -> FloatArray:
        """Return ``x @ weight + bias``."""
        if x.shape[1] != self.weight.shape[0]:
            raise ValueError(f"x must have {self.weight.shape[0]} features, got shape {x.shape}")
        self._x = x if training else None
        return x @ self.weight + self.bias

    def backward(self, dout: FloatArray) -> FloatArray:
        """Return ``dout @ weight.T``."""
        if self._x is None:
            raise RuntimeError("backward needs a forward pass with training=True before it")
        self._gradients = [self._x.T @ dout, dout.sum(axis=0)]
        return dout @ self.weight.T

    def parameters(self) -> list[FloatArray]:
        """Return weight and bias."""
        return [self.weight, self.bias]

    def gradients(self) -> list[FloatArray]:
        """Return the gradients of weight and bias."""
        return self._gradients


class Activation:
    """An activation function as a layer.

    Parameters
    ----------
    name : {"sigmoid", "tanh", "relu"}

    Raises
    ------
    ValueError
        If there is no function of this name.
    """

    def __init__(self, name: str) -> None:
        if name not in _ACTIVATIONS:
            raise ValueError(f"name must be one of {sorted(_ACTIVATIONS)}, got {name!r}")
        self.name = name
        self._forward, self._backward = _ACTIVATIONS[name]
        self._x: FloatArray | None = None

    def forward(self, x: FloatArray, training: bool) -> FloatArray:
        """Return the function of `x`."""
        self._x = x if training else None
        return self._forward(x)

    def backward(self, dout: FloatArray) -> FloatArray:
        """Return the gradient through the function."""
        if self._x is None:
            raise RuntimeError("backward needs a forward pass with training=True before it")
        return self._backward(dout, self._x)

    def parameters(self) -> list[FloatArray]:
        """Return no array."""
        return []

    def gradients(self) -> list[FloatArray]:
        """Return no array."""
        return []


class BatchNorm:
    """Batch normalization as a layer, with running statistics in PyTorch's convention.

    Parameters
    ----------
    features : int
    eps : float, default 1e-5
    momentum : float in [0, 1], default 0.1
        The weight of the new batch in the running statistics.
    dtype : float32 or float64

    Notes
    -----
    In training the batch must have two examples or more. Decks H and C put the layer before the
    activation; a bias in the `Dense` layer before it has no effect, because the mean is subtracted.
    """

    def __init__(
        self,
        features: int,
        eps: float = 1e-5,
        momentum: float = 0.1,
        dtype: DTypeLike = np.float64,
    ) -> None:
        features = as_integer("features", features, low=1)
        self.eps = as_real("eps", eps, low=0.0, low_open=True)
        self.momentum = as_real("momentum", momentum, low=0.0, high=1.0)
        self.gamma = np.ones(features, dtype)
        self.beta = np.zeros(features, dtype)
        self.running_mean = np.zeros(features, dtype)
        self.running_var = np.ones(features, dtype)
        self.cache: batch_normalization.BatchNormCache | None = None
        self._gradients: list[FloatArray] = []

    def forward(self, x: FloatArray, training: bool) -> FloatArray:
        """Normalize by the batch in training, by the running statistics otherwise."""
        if not training:
            self.cache = None
            return batch_normalization.batch_norm_inference(
                x, self.gamma, self.beta, self.running_mean, self.running_var, self.eps
            )
        out, self.cache = batch_normalization.batch_norm_forward(x, self.gamma, self.beta, self.eps)
        self.running_mean, self.running_var = batch_normalization.update_running_statistics(
            self.running_mean,
            self.running_var,
            self.cache.mean,
            self.cache.var,
            x.shape[0],
            self.momentum,
        )
        return out

    def backward(self, dout: FloatArray) -> FloatArray:
        """Return the gradient by all three paths."""
        if self.cache is None:
            raise RuntimeError("backward needs a forward pass with training=True before it")
        dx, dgamma, dbeta = batch_normalization.batch_norm_backward(dout, self.cache)
        self._gradients = [dgamma, dbeta]
        return dx

    def parameters(self) -> list[FloatArray]:
        """Return gamma and beta; the running statistics are not trained."""
        return [self.gamma, self.beta]

    def gradients(self) -> list[FloatArray]:
        """Return the gradients of gamma and beta."""
        return self._gradients


class Network:
    """Layers in a row.

    Parameters
    ----------
    layers : sequence of layers

    Raises
    ------
    ValueError
        If there is no layer.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> network = Network([Dense(4, 8, rng), BatchNorm(8), Activation("relu"), Dense(8, 3, rng)])
    >>> network.forward(np.ones((2, 4))).shape
    (2, 3)
    """

    def __init__(self, layers: Sequence[Layer]) -> None:
        if not layers:
            raise ValueError("layers must hold at least one layer, got none")
        self.layers = list(layers)
        self._out_shape: tuple[int, ...] | None = None

    def forward(self, x: ArrayLike, training: bool = False) -> FloatArray:
        """Return the output for a batch of shape (batch, features)."""
        out = as_batch("x", x)
        for layer in self.layers:
            out = layer.forward(out, training)
        self._out_shape = out.shape if training else None
        return out

    def backward(self, dout: ArrayLike) -> FloatArray:
        """Return the gradient for the input, given that for the output.

        Raises
        ------
        RuntimeError
            If no forward pass with ``training=True`` came before.
        """
        if self._out_shape is None:
            raise RuntimeError("backward needs a forward pass with training=True before it")
        grad = as_shaped("dout", dout, self._out_shape)
        for layer in reversed(self.layers):
            grad = layer.backward(grad)
        return grad

    def parameters(self) -> list[FloatArray]:
        """Return all parameter arrays, first layer first; they are live, not copies."""
        return [array for layer in self.layers for array in layer.parameters()]

    def gradients(self) -> list[FloatArray]:
        """Return the gradients of the last `backward`, in the order of `parameters`."""
        return [array for layer in self.layers for array in layer.gradients()]
