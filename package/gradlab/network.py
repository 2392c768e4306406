"""Layers, and networks of layers in a row."""

from __future__ import annotations

import json
import os
import secrets
import struct
import zipfile
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from gradlab import activations, batch_normalization, dropout, layer_normalization
from gradlab._validate import (
    FloatArray,
    as_batch,
    as_flag,
    as_float_array,
    as_float_dtype,
    as_integer,
    as_list,
    as_real,
    as_rng,
    as_shaped,
)
from gradlab.initialization import he_normal, zeros

__all__ = ["Activation", "BatchNorm", "Dense", "Dropout", "Layer", "LayerNorm", "Network"]

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

_FORMAT, _VERSION = "gradlab.network", 1
_DESCRIPTION = "description"
# What the zip and npy readers raise on bytes that are not theirs.
_UNREADABLE = (
    EOFError,
    KeyError,
    MemoryError,
    NotImplementedError,
    OSError,
    OverflowError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)


_METHODS = ("forward", "backward", "parameters", "gradients")


class Layer(Protocol):
    """What a network asks of a layer; any object that has these methods will do.

    Two more are optional. ``trainable``: a layer where it is False is frozen, and its parameters
    are left out of `Network.parameters`. ``arrays()``: all arrays that the layer keeps, for one
    that keeps others than its parameters.
    """

    def forward(self, x: FloatArray, training: bool) -> FloatArray:
        """Return the output, and keep what `backward` needs when `training`."""

    def backward(self, dout: FloatArray) -> FloatArray:
        """Return the gradient for the input, and keep those for the parameters."""

    def parameters(self) -> list[FloatArray]:
        """Return the arrays that an optimizer updates in place."""

    def gradients(self) -> list[FloatArray]:
        """Return the gradients of the last `backward`, in the order of `parameters`."""


class _Kept:
    """What the layers of this module share: their arrays by name, and the flag."""

    _trained: ClassVar[tuple[str, ...]] = ()
    _statistics: ClassVar[tuple[str, ...]] = ()

    def __init__(self) -> None:
        self.trainable = True
        self._gradients: list[FloatArray] = []

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

    def _width(self, features: int | None) -> int | None:
        """Return the number of features out for that in, None where it is not known yet."""
        return features


def _check_width(features: int | None, expected: int) -> None:
    if features not in (None, expected):
        raise ValueError(f"x must have {expected} features, got {features}")


def _no_forward_pass() -> RuntimeError:
    return RuntimeError("backward needs a forward pass with training=True before it")


class Dense(_Kept):
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

    Attributes
    ----------
    weight : array (fan_in, fan_out)
    bias : array (fan_out,)
    trainable : bool
        False freezes the layer.

    Examples
    --------
    >>> dense = Dense(2, 3, np.random.default_rng(0))
    >>> dense.forward(np.zeros((4, 2)), training=False).shape
    (4, 3)
    """

    _trained = ("weight", "bias")

    def __init__(
        self,
        fan_in: int,
        fan_out: int,
        rng: np.random.Generator,
        initializer: Callable[..., FloatArray] = he_normal,
        dtype: DTypeLike = np.float64,
    ) -> None:
        super().__init__()
        self.weight = initializer(fan_in, fan_out, rng, dtype)
        self.bias = np.zeros(fan_out, dtype)
        self._x: FloatArray | None = None

    def forward(self, x: FloatArray, training: bool) -> FloatArray:
        """Return ``x @ weight + bias``."""
        x, training = as_batch("x", x), as_flag("training", training)
        _check_width(x.shape[1], self.weight.shape[0])
        self._x = x if training else None
        return x @ self.weight + self.bias

    def backward(self, dout: FloatArray) -> FloatArray:
        """Return ``dout @ weight.T``."""
        if self._x is None:
            raise _no_forward_pass()
        dout = as_shaped("dout", dout, (len(self._x), self.bias.size))
        self._gradients = []
        if self.trainable:
            dbias = dout.sum(axis=0, dtype=np.float64).astype(dout.dtype, copy=False)
            self._gradients = [self._x.T @ dout, dbias]
        return dout @ self.weight.T

    def _settings(self) -> dict[str, Any]:
        fan_in, fan_out = self.weight.shape
        return {"fan_in": fan_in, "fan_out": fan_out, "dtype": self.weight.dtype.name}

    def _width(self, features: int | None) -> int:
        _check_width(features, self.weight.shape[0])
        return self.weight.shape[1]


class Activation(_Kept):
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

    Raises
    ------
    ValueError
        If there is no function of this name, or a setting is outside its range.
    TypeError
        If the function has no such setting, lacks one, or it is not a number.

    Examples
    --------
    >>> Activation("leaky_relu", alpha=0.1).forward(np.array([[-1.0, 2.0]]), training=False)
    array([[-0.1,  2. ]])
    """

    def __init__(self, name: str, **settings: float) -> None:
        super().__init__()
        if name not in _ACTIVATIONS:
            raise ValueError(f"name must be one of {sorted(_ACTIVATIONS)}, got {name!r}")
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
            raise _no_forward_pass()
        return self._backward(dout, self._x, **self.settings)

    def _settings(self) -> dict[str, Any]:
        return {"name": self.name, **self.settings}

    def _width(self, features: int | None) -> int | None:
        pieces: int = self.settings.get("pieces", 1)
        if features is None:
            return None
        if features % pieces:
            raise ValueError(f"x must have a multiple of {pieces} features, got {features}")
        return features // pieces


class _Normalization(_Kept):
    """What both normalizations share: epsilon, scale and shift."""

    _trained = ("gamma", "beta")

    def __init__(self, features: int, eps: float, dtype: DTypeLike) -> None:
        super().__init__()
        features = as_integer("features", features, low=1)
        dtype = as_float_dtype("dtype", dtype)
        self.eps = as_real("eps", eps, low=0.0, low_open=True)
        self.gamma = np.ones(features, dtype)
        self.beta = np.zeros(features, dtype)

    def _settings(self) -> dict[str, Any]:
        return {"features": self.gamma.size, "eps": self.eps, "dtype": self.gamma.dtype.name}

    def _width(self, features: int | None) -> int:
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
    cache : BatchNormCache or None
        Of the last forward pass in training.
    trainable : bool
        False freezes the layer. It then normalizes by its running statistics in training too and
        leaves them as they are, as Keras's does; PyTorch's needs ``eval()`` for that.

    Notes
    -----
    In training the batch must have two examples or more. Decks H and C put the layer before the
    activation; a bias in the `Dense` layer before it has no effect, because the mean is subtracted.

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
        super().__init__(features, eps, dtype)
        self.momentum = as_real("momentum", momentum, low=0.0, high=1.0)
        self.running_mean = np.zeros_like(self.gamma)
        self.running_var = np.ones_like(self.gamma)
        self.cache: batch_normalization.BatchNormCache | None = None
        self._slope: FloatArray | None = None

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
        """Return the gradient by all three paths, or by the direct one alone if frozen."""
        self._gradients = []
        if self._slope is not None:
            return as_shaped("dout", dout, self._slope.shape) * self._slope
        if self.cache is None:
            raise _no_forward_pass()
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
        super().__init__(features, eps, dtype)
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
            raise _no_forward_pass()
        dx, dgamma, dbeta = layer_normalization.layer_norm_backward(dout, self.cache)
        self._gradients = [dgamma, dbeta] if self.trainable else []
        return dx


class Dropout(_Kept):
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
        self.rate = as_real("rate", rate, low=0.0, high=1.0, high_open=True)
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
            raise _no_forward_pass()
        return dropout.dropout_backward(dout, self.mask)

    def _settings(self) -> dict[str, Any]:
        return {"rate": self.rate}


_KINDS: dict[str, type[_Kept]] = {
    kind.__name__: kind for kind in (Activation, BatchNorm, Dense, Dropout, LayerNorm)
}


class Network:
    """Layers in a row.

    Parameters
    ----------
    layers : sequence of layers
        From this module, or others with the methods of `Layer`.

    Attributes
    ----------
    layers : list of layers
        The first one takes the input. It may be changed.

    Raises
    ------
    ValueError
        If there is no layer, or one does not fit the layer below.
    TypeError
        If an entry is not a layer.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> network = Network([Dense(4, 8, rng), BatchNorm(8), Activation("relu"), Dense(8, 3, rng)])
    >>> network.forward(np.ones((2, 4))).shape
    (2, 3)
    """

    def __init__(self, layers: Sequence[Layer]) -> None:
        self.layers: list[Layer] = as_list("layers", layers)
        if not self.layers:
            raise ValueError("layers must hold at least one layer, got none")
        for k, layer in enumerate(self.layers):
            lacking = [m for m in _METHODS if not callable(getattr(layer, m, None))]
            if lacking or isinstance(layer, type):
                got = layer.__name__ if isinstance(layer, type) else type(layer).__name__
                raise TypeError(
                    f"layers[{k}] must be a layer, an object with {', '.join(_METHODS)}, got "
                    + (f"the class {got}" if isinstance(layer, type) else got)
                )
        self._out: tuple[tuple[int, ...], np.dtype[Any]] | None = None
        features: int | None = None
        for k, layer in enumerate(self.layers):
            try:
                features = layer._width(features) if isinstance(layer, _Kept) else None
            except ValueError as error:
                raise ValueError(f"layers must fit together; in layers[{k}] {error}") from None

    def forward(self, x: ArrayLike, training: bool = False) -> FloatArray:
        """Return the output for a batch of shape (batch, features).

        The network computes in the dtype of its parameters, to which `x` is converted.
        """
        out, training = as_batch("x", x), as_flag("training", training)
        dtypes = (array.dtype for layer in self.layers for array in layer.parameters())
        out = out.astype(next(dtypes, out.dtype), copy=False)
        for layer in self.layers:
            out = layer.forward(out, training)
        self._out = (out.shape, out.dtype) if training else None
        return out

    def backward(self, dout: ArrayLike) -> FloatArray:
        """Return the gradient for the input, given that for the output.

        Raises
        ------
        RuntimeError
            If no forward pass with ``training=True`` came before.
        """
        if self._out is None:
            raise _no_forward_pass()
        grad = as_shaped("dout", dout, *self._out)
        for layer in reversed(self.layers):
            grad = layer.backward(grad)
        return grad

    def _trainable(self) -> list[Layer]:
        return [layer for layer in self.layers if getattr(layer, "trainable", True)]

    def parameters(self) -> list[FloatArray]:
        """Return the parameter arrays of the layers that are not frozen, first layer first.

        They are live, not copies.
        """
        return [array for layer in self._trainable() for array in layer.parameters()]

    def gradients(self) -> list[FloatArray]:
        """Return the gradients of the last `backward`, in the order of `parameters`."""
        return [array for layer in self._trainable() for array in layer.gradients()]

    def arrays(self) -> list[FloatArray]:
        """Return all arrays: parameters, frozen or not, and running statistics.

        They are those that the network computes with, not copies. The parameters stay the same
        arrays; batch normalization replaces its running statistics by new ones in each pass in
        training, so ask again after it.
        """
        per_layer = [getattr(layer, "arrays", layer.parameters)() for layer in self.layers]
        return [array for arrays in per_layer for array in arrays]

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the network to a file: npz, without pickle.

        Parameters
        ----------
        path : str or path
            Replaced only when the new file is complete. Its name is taken as it is.

        Raises
        ------
        TypeError
            If a layer is not one of this module.
        ValueError
            If an array does not have the shape that its layer needs.
        OSError
            If the file cannot be written.

        Notes
        -----
        The entry "description" is a text in JSON: the format's name and version, and for each
        layer its kind, settings and whether it is trainable. The arrays are named by the layer's
        index and their own name, as in "0.weight". Generators of dropout are not part of it.
        """
        target = Path(path)
        layers, arrays = [], {}
        for k, layer in enumerate(self.layers):
            if not isinstance(layer, _Kept) or type(layer) not in _KINDS.values():
                name = type(layer).__name__
                raise TypeError(
                    f"layers[{k}] must be one of {sorted(_KINDS)} to be saved, got {name}"
                )
            kind, settings = type(layer).__name__, layer._settings()
            layers.append({"kind": kind, "trainable": layer.trainable, "settings": settings})
            for name, form in _forms(_build(kind, settings, None)).items():
                value = getattr(layer, name)
                arrays[f"{k}.{name}"] = as_shaped(f"layers[{k}].{name}", value, *form)
        header = {"format": _FORMAT, "version": _VERSION, "layers": layers}
        text = np.array(json.dumps(header, allow_nan=False))
        # In the same folder, so that the last step is a renaming.
        beside = target.with_name(f".{secrets.token_hex(8)}.tmp")
        try:
            with open(beside, "xb") as file:
                np.savez(file, allow_pickle=False, **{_DESCRIPTION: text}, **arrays)
                file.flush()
                os.fsync(file.fileno())
            os.replace(beside, target)
        finally:
            beside.unlink(missing_ok=True)

    @classmethod
    def load(cls, path: str | os.PathLike[str], rng: np.random.Generator | None = None) -> Network:
        """Read a network from a file that `save` wrote.

        Parameters
        ----------
        path : str or path
        rng : numpy.random.Generator, optional
            For the dropout layers, which cannot train without.

        Returns
        -------
        Network
            With the same arrays, settings and frozen layers.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        ValueError
            If it is not such a file, or damaged, or of another version of the format; the message
            names the file and says what is wrong. Nothing in the file is executed.

        Examples
        --------
        >>> import tempfile
        >>> network = Network([Dense(4, 3, np.random.default_rng(0)), Activation("tanh")])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     network.save(f"{folder}/small.npz")
        ...     again = Network.load(f"{folder}/small.npz")
        >>> bool((again.forward(np.ones((1, 4))) == network.forward(np.ones((1, 4)))).all())
        True
        """
        if rng is not None:
            as_rng("rng", rng)
        with open(Path(path), "rb") as file:
            try:
                return cls(_layers_of(_read(file), rng))
            except _UNREADABLE as error:
                reason = str(error) or type(error).__name__
                raise ValueError(f"path must name a saved network, not {path}: {reason}") from error


def _build(kind: str, settings: dict[str, Any], rng: np.random.Generator | None) -> _Kept:
    """Return a layer of a known kind, with arrays yet to be filled."""
    if kind == "Dense":
        return Dense(**settings, rng=np.random.default_rng(0), initializer=zeros)
    if kind == "Dropout":
        return Dropout(**settings, rng=rng)
    return _KINDS[kind](**settings)


def _forms(layer: _Kept) -> dict[str, tuple[tuple[int, ...], np.dtype[Any]]]:
    """Return shape and dtype of each array that a file keeps for the layer."""
    names = layer._trained + layer._statistics
    return {name: (getattr(layer, name).shape, getattr(layer, name).dtype) for name in names}


def _read(file: Any) -> dict[str, FloatArray]:
    """Return the arrays of an npz file."""
    if file.read(4) != b"PK\x03\x04":
        raise ValueError("it is not an npz file")
    file.seek(0)
    try:
        with np.load(file, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
    except _UNREADABLE as error:
        raise ValueError(f"it is damaged or cut short ({error!r})") from error
    if not all(isinstance(array, np.ndarray) for array in arrays.values()):
        raise ValueError("it has entries that are no arrays")
    return arrays


def _layers_of(stored: dict[str, FloatArray], rng: np.random.Generator | None) -> list[Layer]:
    """Return the layers that the arrays of a file describe."""
    layers: list[Layer] = []
    for k, entry in enumerate(_described(stored.pop(_DESCRIPTION, None))):
        kind = entry["kind"]
        if kind not in _KINDS:
            raise ValueError(f"layers[{k}] must be one of {sorted(_KINDS)}, got {kind!r}")
        try:
            layer = _build(kind, entry["settings"], rng)
        except (TypeError, ValueError) as error:
            raise ValueError(f"layers[{k}] cannot be made: {error}") from error
        layer.trainable = entry["trainable"]
        for name, (shape, dtype) in _forms(layer).items():
            value = stored.pop(f"{k}.{name}", None)
            if value is None:
                raise ValueError(f"{k}.{name} is missing")
            if value.shape != shape or value.dtype.newbyteorder("=") != dtype:
                raise ValueError(
                    f"{k}.{name} must be {dtype} of shape {shape}, "
                    f"got {value.dtype} of shape {value.shape}"
                )
            setattr(layer, name, as_shaped(name, value, shape, dtype))
        layers.append(layer)
    if stored:
        raise ValueError(f"it has arrays that no layer knows, {sorted(stored)}")
    return layers


def _described(text: Any) -> list[dict[str, Any]]:
    """Return the checked entries of the layers in a description."""
    if text is None or text.shape != () or text.dtype.kind != "U":
        raise ValueError("it has no description of a network")
    header = json.loads(str(text))
    if not isinstance(header, dict) or header.get("format") != _FORMAT:
        raise ValueError("its description is not that of a network")
    if header.get("version") != _VERSION:
        raise ValueError(
            f"its format version must be {_VERSION}, got {header.get('version')!r}: it comes from "
            "another version of gradlab"
        )
    layers = header.get("layers")
    form = {"kind": str, "trainable": bool, "settings": dict}
    if not isinstance(layers, list) or not all(
        isinstance(entry, dict)
        and set(entry) == set(form)
        and all(isinstance(entry[name], kind) for name, kind in form.items())
        for entry in layers
    ):
        raise ValueError(f"its description must list layers, each with {list(form)}")
    return layers
