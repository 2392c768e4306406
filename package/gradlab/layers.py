"""Layers: what a network is made of, over the functions of the topics."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import DTypeLike

from gradlab import activations, batch_normalization, dropout, layer_normalization
from gradlab._memory import empty
from gradlab._validate import (
    FloatArray,
    as_batch,
    as_choice,
    as_flag,
    as_float_array,
    as_float_dtype,
    as_fraction,
    as_integer,
    as_positive,
    as_real,
    as_rng,
    as_shaped,
)
from gradlab.backpropagation import bias_gradient, bias_relu, relu_bias_backward
from gradlab.initialization import he_normal

__all__ = [
    "Activation",
    "BatchNorm",
    "Dense",
    "Dropout",
    "GroupNorm",
    "InstanceNorm",
    "Layer",
    "LayerNorm",
]

_ACTIVATIONS: dict[str, tuple[Callable[..., FloatArray], Callable[..., FloatArray]]] = {
    name: (getattr(activations, name), getattr(activations, f"{name}_backward"))
    for name in (
        "elu",
        "gelu",
        "hard_tanh",
        "leaky_relu",
        "log_softmax",
        "maxout",
        "relu",
        "scaled_tanh",
        "selu",
        "sigmoid",
        "silu",
        "softmax",
        "softplus",
        "tanh",
    )
}

_DEFAULTS: dict[str, dict[str, float]] = {"elu": {"alpha": 1.0}, "leaky_relu": {"alpha": 0.01}}


class Layer(Protocol):
    """What a network asks of a layer; any object that has these methods will do.

    A class that is derived from this one needs `forward` and `backward`; it has no parameters
    unless it says so.

    Three more attributes are optional. ``trainable``: a layer where it is False is frozen, and its
    parameters are left out of `Network.parameters`. ``arrays()``: all arrays that the layer keeps,
    for one that keeps others than its parameters. ``smallest_batch``: how many examples it needs in
    training, 1 if it does not say; 2 for a layer that holds a `BatchNorm`.
    """

    @abstractmethod
    def forward(self, x: FloatArray, training: bool) -> FloatArray:
        """Return the output, and keep what `backward` needs when `training`."""

    @abstractmethod
    def backward(self, dout: FloatArray) -> FloatArray:
        """Return the gradient for the input, and keep those for the parameters."""

    def parameters(self) -> list[FloatArray]:
        """Return the arrays that an optimizer updates in place."""
        return []

    def gradients(self) -> list[FloatArray]:
        """Return the gradients of the last `backward`, in the order of `parameters`."""
        return []


class BuiltIn:
    """What the layers of this module share: their arrays by name, and the flag."""

    _trained: tuple[str, ...] = ()
    _statistics: tuple[str, ...] = ()

    def __init__(self) -> None:
        self.trainable = True
        self._gradients: list[FloatArray] = []

    def __repr__(self) -> str:
        arguments = ", ".join(self._shown())
        return f"{type(self).__name__}({arguments})"

    @property
    def smallest_batch(self) -> int:
        """How many examples the layer needs in training."""
        return 1

    def parameters(self) -> list[FloatArray]:
        """Return the arrays that an optimizer updates in place."""
        return [getattr(self, name) for name in self._trained]

    def gradients(self) -> list[FloatArray]:
        """Return the gradients of the last `backward`; none if the layer was frozen."""
        return self._gradients

    def arrays(self) -> list[FloatArray]:
        """Return the parameters, and the statistics that training keeps beside them."""
        return [getattr(self, name) for name in self._trained + self._statistics]

    def forward(self, x: FloatArray, training: bool) -> FloatArray:
        """Return the output."""
        raise NotImplementedError

    def backward(self, dout: FloatArray) -> FloatArray:
        """Return the gradient for the input."""
        raise NotImplementedError

    def _settings(self) -> dict[str, Any]:
        """Return what the constructor needs to make a layer of this form, for a file."""
        raise NotImplementedError

    def _shown(self) -> list[str]:
        """Return the arguments of the constructor that tell what the layer is, as text."""
        raise NotImplementedError

    def _width(self, features: int | None) -> int | None:
        """Return the number of features out for that in, None where it is not known yet."""
        return features


def _check_width(features: int | None, expected: int) -> None:
    if features not in (None, expected):
        raise ValueError(f"x must have {expected} features, got {features}")


def no_forward_pass() -> RuntimeError:
    return RuntimeError("backward needs a forward pass with training=True before it")


class Dense(BuiltIn):
    """Fully connected layer, ``x @ weight + bias``.

    Parameters
    ----------
    fan_in, fan_out : int
        Features in and out.
    rng : numpy.random.Generator
        Draws the weights; the biases start at 0.
    initializer : callable, default `gradlab.initialization.he_normal`
        Called with ``(fan_in, fan_out, rng, dtype)``.
    dtype : float32 or float64, default float64
    bias : bool, default True
        False leaves the bias out: below a `BatchNorm`, which subtracts it again, for example.

    Attributes
    ----------
    weight : array (fan_in, fan_out)
    bias : array (fan_out,) or None
    trainable : bool
        False freezes the layer.

    Examples
    --------
    >>> dense = Dense(2, 3, np.random.default_rng(0))
    >>> dense.forward(np.zeros((4, 2)), training=False).shape
    (4, 3)
    """

    def __init__(
        self,
        fan_in: int,
        fan_out: int,
        rng: np.random.Generator,
        initializer: Callable[..., FloatArray] = he_normal,
        dtype: DTypeLike = np.float64,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.weight = initializer(fan_in, fan_out, rng, dtype)
        # Any, so that `dense.bias += 1` needs no check for None where there is a bias.
        self.bias: Any = np.zeros(fan_out, dtype) if as_flag("bias", bias) else None
        self._trained = ("weight", "bias") if bias else ("weight",)
        self._x: FloatArray | None = None

    def forward(self, x: FloatArray, training: bool) -> FloatArray:
        """Return ``x @ weight + bias``."""
        x, training = as_batch("x", x), as_flag("training", training)
        _check_width(x.shape[1], self.weight.shape[0])
        self._x = x if training else None
        out = x @ self.weight
        if self.bias is not None:
            out += self.bias
        return out

    def backward(self, dout: FloatArray) -> FloatArray:
        """Return ``dout @ weight.T``."""
        dout = self._checked(dout)
        self._gradients = []
        self._keep_gradients(dout)
        return dout @ self.weight.T

    def _checked(self, dout: FloatArray) -> FloatArray:
        if self._x is None:
            raise no_forward_pass()
        return as_shaped("dout", dout, (len(self._x), self.weight.shape[1]))

    def _keep_gradients(self, dout: FloatArray, dbias: FloatArray | None = None) -> None:
        """Compute the gradients for the parameters, in the arrays of the last if there are some.

        That for the bias may be known.
        """
        if self._x is None:
            raise no_forward_pass()
        if not self.trainable:
            self._gradients = []
            return
        if not self._gradients:
            shape, dtype = (self._x.shape[1], dout.shape[1]), np.result_type(self._x, dout)
            self._gradients = [empty(shape, dtype)]
            if self.bias is not None:
                self._gradients.append(empty(shape[1:], dtype))
        np.matmul(self._x.T, dout, out=self._gradients[0])
        if self.bias is not None:
            self._gradients[1][...] = bias_gradient(dout) if dbias is None else dbias

    def _settings(self) -> dict[str, Any]:
        fan_in, fan_out = self.weight.shape
        dtype, bias = self.weight.dtype.name, self.bias is not None
        return {"fan_in": fan_in, "fan_out": fan_out, "dtype": dtype, "bias": bias}

    def _shown(self) -> list[str]:
        return [*map(str, self.weight.shape), *(["bias=False"] if self.bias is None else [])]

    def _width(self, features: int | None) -> int:
        _check_width(features, self.weight.shape[0])
        return self.weight.shape[1]


class Activation(BuiltIn):
    """An activation function of `gradlab.activations` as a layer.

    Parameters
    ----------
    name : str
        Entry by entry: "elu", "gelu", "hard_tanh", "leaky_relu", "relu", "scaled_tanh", "selu",
        "sigmoid", "silu", "softplus" or "tanh". Over the features of each example: "softmax",
        "log_softmax" and "maxout", which makes one feature of every few.
    **settings : float
        What the function takes beside its input: ``alpha`` of "elu" and "leaky_relu", and
        ``pieces`` of "maxout", which has no default.

    Examples
    --------
    >>> Activation("leaky_relu", alpha=0.1).forward(np.array([[-1.0, 2.0]]), training=False)
    array([[-0.1,  2. ]])
    """

    def __init__(self, name: str, **settings: float) -> None:
        super().__init__()
        as_choice("name", name, sorted(_ACTIVATIONS))
        names = {"maxout": ["pieces"]}.get(name, list(_DEFAULTS.get(name, {})))
        settings = _DEFAULTS.get(name, {}) | settings
        if list(settings) != names:
            raise TypeError(f"settings must be {names} for {name}, got {list(settings)}")
        self.name = name
        self.settings: dict[str, Any] = {}
        for key, value in settings.items():
            if key == "pieces":
                self.settings[key] = as_integer(key, value, low=1)
            else:
                self.settings[key] = as_real(key, value, low=0.0 if name == "elu" else -np.inf)
        self._forward, self._backward = _ACTIVATIONS[name]
        self._x: FloatArray | None = None

    def forward(self, x: FloatArray, training: bool) -> FloatArray:
        """Return the function of `x`."""
        self._x = x if as_flag("training", training) else None
        return self._forward(x, **self.settings)

    def backward(self, dout: FloatArray) -> FloatArray:
        """Return the gradient through the function."""
        if self._x is None:
            raise no_forward_pass()
        return self._backward(dout, self._x, **self.settings)

    def _settings(self) -> dict[str, Any]:
        return {"name": self.name, **self.settings}

    def _shown(self) -> list[str]:
        return [repr(self.name), *(f"{name}={value:g}" for name, value in self.settings.items())]

    def _width(self, features: int | None) -> int | None:
        pieces: int = self.settings.get("pieces", 1)
        if features is None:
            return None
        if features % pieces:
            raise ValueError(f"x must have a multiple of {pieces} features, got {features}")
        return features // pieces


class _Normalization(BuiltIn):
    """What the normalizations share: epsilon, scale and shift."""

    _trained = ("gamma", "beta")

    def __init__(self, name: str, features: int, eps: float, dtype: DTypeLike) -> None:
        super().__init__()
        features = as_integer(name, features, low=1)
        dtype = as_float_dtype("dtype", dtype)
        self.eps = as_positive("eps", eps)
        self.gamma = np.ones(features, dtype)
        self.beta = np.zeros(features, dtype)

    def _settings(self) -> dict[str, Any]:
        return {"features": self.gamma.size, "eps": self.eps, "dtype": self.gamma.dtype.name}

    def _shown(self) -> list[str]:
        return [str(self.gamma.size)]

    def _width(self, features: int | None) -> int | None:
        _check_width(features, self.gamma.size)
        return self.gamma.size


class BatchNorm(_Normalization):
    """Batch normalization as a layer, with running statistics in PyTorch's convention.

    Parameters
    ----------
    features : int
    eps : float, default 1e-5
    momentum : float in [0, 1], default 0.1
        The weight of the new batch in the running statistics.
    dtype : float32 or float64, default float64

    Attributes
    ----------
    gamma, beta, running_mean, running_var : arrays (features,)
        All four are updated in place.
    cache : BatchNormCache or None
        Of the last forward pass in training.
    trainable : bool
        False freezes the layer. It then normalizes by its running statistics in training too and
        leaves them as they are, as Keras's does; PyTorch's needs ``eval()`` for that.

    Notes
    -----
    In training the batch must have two examples or more. Decks H and C put the layer before the
    activation; a bias in the `Dense` layer before it has no effect, because the mean is subtracted,
    and ``Dense(..., bias=False)`` leaves it out.

    Examples
    --------
    >>> norm = BatchNorm(1)
    >>> norm.forward(np.array([[1.0], [3.0]]), training=True).round(3)
    array([[-1.],
           [ 1.]])
    >>> norm.running_mean, norm.running_var
    (array([0.2]), array([1.1]))
    """

    _statistics = ("running_mean", "running_var")

    def __init__(
        self,
        features: int,
        eps: float = 1e-5,
        momentum: float = 0.1,
        dtype: DTypeLike = np.float64,
    ) -> None:
        super().__init__("features", features, eps, dtype)
        self.momentum = as_real("momentum", momentum, low=0.0, high=1.0)
        self.running_mean = np.zeros_like(self.gamma)
        self.running_var = np.ones_like(self.gamma)
        self.cache: batch_normalization.BatchNormCache | None = None
        self._slope: FloatArray | None = None

    @property
    def smallest_batch(self) -> int:
        """Two, whose mean and variance say something; one if frozen."""
        return 2 if self.trainable else 1

    def forward(self, x: FloatArray, training: bool) -> FloatArray:
        """Normalize by the batch in training, by the running statistics if not, or if frozen."""
        x, training = as_batch("x", x), as_flag("training", training)
        _check_width(x.shape[1], self.gamma.size)
        self.cache = self._slope = None
        if not training or not self.trainable:
            if training:
                slope = self.gamma / np.sqrt(self.running_var + self.eps)
                self._slope = np.broadcast_to(slope, x.shape)
            return batch_normalization.batch_norm_inference(
                x, self.gamma, self.beta, self.running_mean, self.running_var, self.eps
            )
        out, self.cache = batch_normalization.batch_norm_forward(x, self.gamma, self.beta, self.eps)
        running = self.running_mean, self.running_var
        moved = batch_normalization.update_running_statistics(
            *running, self.cache.mean, self.cache.var, x.shape[0], self.momentum
        )
        for statistic, value in zip(running, moved, strict=True):
            np.copyto(statistic, value)
        return out

    def backward(self, dout: FloatArray) -> FloatArray:
        """Return the gradient by all three paths, or by the direct one alone if frozen."""
        self._gradients = []
        if self._slope is not None:
            return as_shaped("dout", dout, self._slope.shape) * self._slope
        if self.cache is None:
            raise no_forward_pass()
        dx, dgamma, dbeta = batch_normalization.batch_norm_backward(dout, self.cache)
        self._gradients = [dgamma, dbeta]
        return dx

    def _settings(self) -> dict[str, Any]:
        return super()._settings() | {"momentum": self.momentum}


class LayerNorm(_Normalization):
    """Layer normalization as a layer: the same in training and at inference.

    Parameters
    ----------
    features : int
    eps : float, default 1e-5
    dtype : float32 or float64, default float64

    Attributes
    ----------
    gamma, beta : arrays (features,)
    trainable : bool
        False freezes the layer.

    Notes
    -----
    Deck S "Layer Normalization".

    Examples
    --------
    >>> LayerNorm(2).forward(np.array([[1.0, 3.0], [10.0, 30.0]]), training=False).round(3)
    array([[-1.,  1.],
           [-1.,  1.]])
    """

    def __init__(self, features: int, eps: float = 1e-5, dtype: DTypeLike = np.float64) -> None:
        super().__init__("features", features, eps, dtype)
        self.cache: layer_normalization.LayerNormCache | None = None

    def forward(self, x: FloatArray, training: bool) -> FloatArray:
        """Normalize every example over its features."""
        x, training = as_batch("x", x), as_flag("training", training)
        _check_width(x.shape[1], self.gamma.size)
        out, cache = layer_normalization.layer_norm_forward(x, self.gamma, self.beta, self.eps)
        self.cache = cache if training else None
        return out

    def backward(self, dout: FloatArray) -> FloatArray:
        """Return the gradient through mean and variance too."""
        if self.cache is None:
            raise no_forward_pass()
        dx, dgamma, dbeta = layer_normalization.layer_norm_backward(dout, self.cache)
        self._gradients = [dgamma, dbeta] if self.trainable else []
        return dx


class _ChannelNormalization(_Normalization):
    """What group and instance normalization share: inputs of channels, each with its positions."""

    _functions: tuple[Callable[..., Any], Callable[..., Any]]

    def __init__(self, channels: int, eps: float, dtype: DTypeLike) -> None:
        super().__init__("channels", channels, eps, dtype)
        self.cache: layer_normalization.LayerNormCache | None = None

    def forward(self, x: FloatArray, training: bool) -> FloatArray:
        """Normalize every example by itself, in training and at inference alike."""
        x, training = as_batch("x", x), as_flag("training", training)
        self._width(x.shape[1])
        apart = x.reshape(len(x), self.gamma.size, -1)
        out, cache = self._functions[0](apart, self.gamma, self.beta, **self._grouping())
        self.cache = cache if training else None
        return out.reshape(x.shape)

    def backward(self, dout: FloatArray) -> FloatArray:
        """Return the gradient through mean and variance too."""
        if self.cache is None:
            raise no_forward_pass()
        shape = self.cache.x.shape
        dout = as_shaped("dout", dout, (shape[0], shape[1] * shape[2]))
        dx, dgamma, dbeta = self._functions[1](dout.reshape(shape), self.cache)
        self._gradients = [dgamma, dbeta] if self.trainable else []
        return dx.reshape(dout.shape)

    def _grouping(self) -> dict[str, Any]:
        return {"eps": self.eps}

    def _settings(self) -> dict[str, Any]:
        return {"channels": self.gamma.size, "dtype": self.gamma.dtype.name, **self._grouping()}

    def _width(self, features: int | None) -> int | None:
        if features is not None and features % self.gamma.size:
            raise ValueError(
                f"x must have a multiple of {self.gamma.size} features, the channels, "
                f"got {features}"
            )
        return features


class GroupNorm(_ChannelNormalization):
    """Group normalization as a layer: the same in training and at inference.

    Parameters
    ----------
    channels : int
        The features of an example are those of the first channel, then those of the second, and so
        on, equally many for each. Images (batch, rows, columns, channels) come into this order by
        ``np.moveaxis(images, -1, 1).reshape(len(images), -1)``.
    groups : int
        A divisor of `channels`.
    eps : float, default 1e-5
    dtype : float32 or float64, default float64

    Attributes
    ----------
    gamma, beta : arrays (channels,)
    trainable : bool
        False freezes the layer.

    Notes
    -----
    `gradlab.layer_normalization.group_norm_forward`. Deck S "Layer Normalization".

    Examples
    --------
    >>> norm = GroupNorm(4, groups=2)
    >>> norm.forward(np.array([[1.0, 3.0, 10.0, 30.0]]), training=False).round(3)
    array([[-1.,  1., -1.,  1.]])
    """

    _functions = (layer_normalization.group_norm_forward, layer_normalization.group_norm_backward)

    def __init__(
        self, channels: int, groups: int, eps: float = 1e-5, dtype: DTypeLike = np.float64
    ) -> None:
        super().__init__(channels, eps, dtype)
        self.groups = as_integer("groups", groups, low=1)
        if channels % self.groups:
            raise ValueError(f"groups must divide the {channels} channels, got {groups}")

    def _grouping(self) -> dict[str, Any]:
        return {"groups": self.groups, "eps": self.eps}

    def _shown(self) -> list[str]:
        return [str(self.gamma.size), f"groups={self.groups}"]


class InstanceNorm(_ChannelNormalization):
    """Instance normalization as a layer: the same in training and at inference.

    Parameters
    ----------
    channels : int
        The features come in the order that `GroupNorm` takes. A channel of one feature comes out as
        its shift, ``beta``, whatever it was.
    eps : float, default 1e-5
    dtype : float32 or float64, default float64

    Attributes
    ----------
    gamma, beta : arrays (channels,)
    trainable : bool
        False freezes the layer.

    Notes
    -----
    `gradlab.layer_normalization.instance_norm_forward`. Deck S "Layer Normalization".

    Examples
    --------
    >>> norm = InstanceNorm(2)
    >>> norm.forward(np.array([[1.0, 3.0, 10.0, 30.0]]), training=False).round(3)
    array([[-1.,  1., -1.,  1.]])
    """

    _functions = (
        layer_normalization.instance_norm_forward,
        layer_normalization.instance_norm_backward,
    )

    def __init__(self, channels: int, eps: float = 1e-5, dtype: DTypeLike = np.float64) -> None:
        super().__init__(channels, eps, dtype)


class Dropout(BuiltIn):
    """Inverted dropout as a layer: in training each activation is dropped at random.

    Parameters
    ----------
    rate : float in [0, 1)
        Probability to drop.
    rng : numpy.random.Generator or None
        Draws the masks; None will do for inference.

    Notes
    -----
    A frozen part of a network drops as before, as in PyTorch and Keras: there is nothing to freeze.

    Decks H "Dropout" and C "Dropout : alternate implementation".

    Examples
    --------
    >>> layer = Dropout(0.2, np.random.default_rng(2))
    >>> layer.forward(np.array([[1.0, 2.0, 3.0, 4.0]]), training=True)
    array([[1.25, 2.5 , 3.75, 0.  ]])
    """

    def __init__(self, rate: float, rng: np.random.Generator | None) -> None:
        super().__init__()
        if rng is not None:
            as_rng("rng", rng)
        self.rate = as_fraction("rate", rate)
        self.rng = rng
        self.mask: FloatArray | None = None

    def forward(self, x: FloatArray, training: bool) -> FloatArray:
        """Drop and scale up in training, let everything through at inference."""
        self.mask = None
        if not as_flag("training", training):
            return as_float_array("x", x)
        if self.rng is None:
            raise RuntimeError("training needs a generator in the attribute rng of Dropout")
        out, self.mask = dropout.dropout_forward(x, self.rate, self.rng)
        return out

    def backward(self, dout: FloatArray) -> FloatArray:
        """Return the gradient, 0 for what was dropped."""
        if self.mask is None:
            raise no_forward_pass()
        return dropout.dropout_backward(dout, self.mask)

    def _settings(self) -> dict[str, Any]:
        return {"rate": self.rate}

    def _shown(self) -> list[str]:
        return [f"{self.rate:g}"]


@dataclass
class DensePasses:
    """The passes of a `Dense` for steps of training, as one with those of the ReLU above it.

    They leave in the layers what their own passes would, but that the ReLU keeps its output in
    place of its input: one is positive where the other is.

    Attributes
    ----------
    dense : Dense
    relu : Activation or None
        Nobody else may write to its output, nor keep the gradient for it, which is written to.
    checks : bool
        Whether `backward` checks what it gets.
    reuse : bool
        Whether gradients stand in the arrays of the step before.
    lowest : bool
        Whether `backward` spares the gradient for the input, a product of matrices.
    out : array or None
        The last output.
    """

    dense: Dense
    relu: Activation | None
    checks: bool
    reuse: bool
    lowest: bool
    out: Any = None

    def forward(self, x: FloatArray, training: bool) -> FloatArray:
        """Return the output for a batch that was checked."""
        dense = self.dense
        dense._x = x if training else None
        self.out = out = x @ dense.weight
        if self.relu is not None:
            bias_relu(out, dense.bias)
            self.relu._x = out if training else None
        elif dense.bias is not None:
            out += dense.bias
        return out

    def backward(self, dout: FloatArray) -> FloatArray:
        """Return the gradient for the input."""
        dense, dbias = self.dense, None
        if self.checks:
            dout = dense._checked(dout)
        if self.relu is not None:
            dbias = relu_bias_backward(dout, self.out)
        if not self.reuse:
            dense._gradients = []
        dense._keep_gradients(dout, dbias)
        return dout if self.lowest else dout @ dense.weight.T


KINDS: dict[str, type[BuiltIn]] = {
    kind.__name__: kind
    for kind in (Activation, BatchNorm, Dense, Dropout, GroupNorm, InstanceNorm, LayerNorm)
}
