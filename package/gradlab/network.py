"""Networks of layers in a row."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from gradlab import _network_file
from gradlab._memory import LINE, full
from gradlab._validate import FloatArray, as_flag, as_inputs, as_integer, as_list, as_rng, as_shaped
from gradlab.layers import (
    KINDS,
    Activation,
    BatchNorm,
    BuiltIn,
    Dense,
    DensePasses,
    Dropout,
    GroupNorm,
    InstanceNorm,
    Layer,
    LayerNorm,
    no_forward_pass,
)

__all__ = [
    "Activation",
    "BatchNorm",
    "Dense",
    "Dropout",
    "GroupNorm",
    "InstanceNorm",
    "Layer",
    "LayerNorm",
    "Network",
]

_METHODS = ("forward", "backward", "parameters", "gradients")


class Network:
    """Layers in a row.

    Parameters
    ----------
    layers : sequence of layers
        From `gradlab.layers`, other networks, or any object with the methods of
        `gradlab.layers.Layer`.

    Attributes
    ----------
    layers : list of layers
        The first one takes the input. It may be changed.
    trainable : bool
        Whether any layer is trained. Setting it sets that of every layer.
    smallest_batch : int
        How many examples the network needs in training: the most that one of its layers needs.

    Raises
    ------
    ValueError
        If a layer does not fit the layer below.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> network = Network([Dense(4, 8, rng), BatchNorm(8), Activation("relu"), Dense(8, 3, rng)])
    >>> network(np.ones((2, 4))).shape
    (2, 3)
    >>> network
    Network of 4 layers, 83 parameters
      0  Dense(4, 8)         4 -> 8  40
      1  BatchNorm(8)        8 -> 8  16
      2  Activation('relu')  8 -> 8   0
      3  Dense(8, 3)         8 -> 3  27
    """

    def __init__(self, layers: Iterable[Layer]) -> None:
        # Any, because layers of one list have different attributes: `network.layers[0].weight`.
        self.layers: list[Any] = as_list("layers", layers)
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
        self._width(None)

    def __call__(self, x: ArrayLike) -> FloatArray:
        """Return the output for a batch at inference, as `forward` does without training."""
        return self.forward(x)

    def __repr__(self) -> str:
        counts, features = [_count(layer) for layer in self.layers], None
        rows = []
        for k, (layer, count) in enumerate(zip(self.layers, counts, strict=True)):
            before, features = features, _width_after(layer, features)
            if before is None:
                before = _width_before(layer, features)
            sizes = f"{before or '?'} -> {features}" if features is not None else ""
            frozen = "" if getattr(layer, "trainable", True) else "  frozen"
            rows.append((str(k), _shown(layer), sizes, f"{count:,}", frozen))
        columns = list(zip(*rows, strict=True))[:4]
        index, name, size, number = (max(map(len, column)) for column in columns)
        lines = [
            f"  {k:>{index}}  {shown:<{name}}  {sizes:>{size}}  {count:>{number}}{frozen}"
            for k, shown, sizes, count, frozen in rows
        ]
        return "\n".join([f"{_shown(self)}, {sum(counts):,} parameters", *lines])

    @property
    def trainable(self) -> bool:
        """Whether any layer is trained."""
        return any(getattr(layer, "trainable", True) for layer in self.layers)

    @trainable.setter
    def trainable(self, value: bool) -> None:
        for layer in self.layers:
            layer.trainable = value

    @property
    def smallest_batch(self) -> int:
        """How many examples the network needs in training."""
        return max(
            as_integer(f"layers[{k}].smallest_batch", getattr(layer, "smallest_batch", 1), low=1)
            for k, layer in enumerate(self.layers)
        )

    def forward(self, x: ArrayLike, training: bool = False) -> FloatArray:
        """Return the output for a batch of shape (batch, features).

        The network computes in the dtype of its parameters, to which `x` is converted.
        """
        inputs, training = as_inputs("x", x), as_flag("training", training)
        inputs = inputs.astype(self._dtype() or inputs.dtype, copy=False)
        return self._walk_up(inputs, {k: a.forward for k, a in enumerate(self.layers)}, training)

    def _dtype(self) -> np.dtype[Any] | None:
        """Return the dtype of the parameters, where there are some."""
        dtypes = (array.dtype for layer in self.layers for array in _listed(layer, "parameters"))
        return next(dtypes, None)

    def _walk_up(
        self, out: FloatArray, passes: dict[int, Callable[..., Any]], training: bool
    ) -> FloatArray:
        """Call these passes, each by the index of its layer, and return the last one's answer."""
        for k, forward in passes.items():
            try:
                out = forward(out, training)
            except Exception as error:
                _note(error, k, self.layers[k])
                raise
            if not isinstance(out, np.ndarray):
                raise TypeError(_no_array(k, self.layers[k], "forward", out))
        self._out = (out.shape, out.dtype) if training else None
        return out

    def backward(self, dout: ArrayLike) -> FloatArray:
        """Return the gradient for the input, given that for the output.

        Raises
        ------
        RuntimeError
            If no forward pass with ``training=True`` came before.
        """
        return self._walk_down(dout, {k: a.backward for k, a in enumerate(self.layers)})

    def _walks(self) -> bool:
        """Tell whether both passes are those of this class."""
        return (type(self).forward, type(self).backward) == (Network.forward, Network.backward)

    def _is_ours(self) -> bool:
        """Tell whether both passes are of this package, down to the layers."""
        return self._walks() and all(map(_is_ours, self.layers))

    def _training_passes(
        self, reuse: bool
    ) -> tuple[Callable[[FloatArray], FloatArray], Callable[[ArrayLike], Any]]:
        """Return `forward` and `backward` for many steps of training, on inputs that were checked.

        They do no more than it needs: the layers of this package do not check what others of them
        hand on, a `Dense` and the ReLU above it work as one, and the lowest layer leaves out the
        gradient for its input, a product of matrices. With `reuse`, gradients stand in the arrays
        of the step before, which nobody may keep then.
        """
        if not self._walks():
            return lambda x: self.forward(x, training=True), self.backward
        layers, dtype = self.layers, self._dtype()
        ours = [True, *map(_is_ours, layers), True]
        ups = {k: layer.forward for k, layer in enumerate(layers)}
        downs = {k: layer.backward for k, layer in enumerate(layers)}
        for k, layer in enumerate(layers):
            if not (isinstance(layer, Dense) and ours[k + 1]):
                continue
            # A layer of this package writes neither to what it gets nor to what it has handed on.
            between = k + 2 < len(layers) and all(ours[k : k + 4])
            with_relu = between and _is_relu(layer, layers[k + 1])
            relu = layers[k + 1] if with_relu else None
            passes = DensePasses(layer, relu, not ours[k + 2], reuse, lowest=k == 0)
            if ours[k]:
                ups[k] = passes.forward
            if ours[k + 2] or k == 0:
                downs[k] = passes.backward
                layer._gradients = []
            if with_relu:
                del ups[k + 1], downs[k + 1]

        def forward(x: FloatArray) -> FloatArray:
            return self._walk_up(x.astype(dtype or x.dtype, copy=False), ups, training=True)

        return forward, lambda dout: self._walk_down(dout, downs)

    def _join_gradients(self) -> FloatArray | None:
        """Have the passes that reuse gradients write all of them into one vector, and return it.

        One call looks at it, and the lists of arrays stay the same from step to step. None where
        anything but a `Dense` is trained. Each array begins where a line of memory does.
        """
        trained = [layer for layer in self.layers if layer.trainable and layer.parameters()]
        lists = [layer.parameters() for layer in trained]
        dtypes = {getattr(array, "dtype", None) for arrays in lists for array in arrays}
        dtype = dtypes.pop() if len(dtypes) == 1 else None
        if dtype is None or not all(type(layer) is Dense for layer in trained):
            return None
        # Shapes are those of the products, and compared with those of the parameters afterwards.
        shapes = [
            [layer.weight.shape, layer.weight.shape[1:]][: len(arrays)]
            for layer, arrays in zip(trained, lists, strict=True)
        ]
        line = LINE // dtype.itemsize
        sizes = [-(-math.prod(shape) // line) * line for each in shapes for shape in each]
        # Between the arrays are zeros.
        vector = full((sum(sizes),), 0.0, dtype)
        places = iter(np.split(vector, np.cumsum(sizes)))
        for layer, each in zip(trained, shapes, strict=True):
            layer._gradients = [next(places)[: math.prod(shape)].reshape(shape) for shape in each]
        return vector

    def _walk_down(self, dout: ArrayLike, passes: dict[int, Callable[..., Any]]) -> FloatArray:
        if self._out is None:
            raise no_forward_pass()
        grad = as_shaped("dout", dout, *self._out)
        for k, backward in reversed(passes.items()):
            try:
                grad = backward(grad)
            except Exception as error:
                _note(error, k, self.layers[k])
                raise
            if not isinstance(grad, np.ndarray):
                raise TypeError(_no_array(k, self.layers[k], "backward", grad))
        return grad

    def parameters(self) -> list[FloatArray]:
        """Return the parameter arrays of the layers that are not frozen, first layer first.

        They are live, not copies.
        """
        return self._collected("parameters")

    def gradients(self) -> list[FloatArray]:
        """Return the gradients of the last `backward`, in the order of `parameters`."""
        return self._collected("gradients")

    def _collected(self, what: str) -> list[FloatArray]:
        arrays: list[FloatArray] = []
        for layer in self.layers:
            if getattr(layer, "trainable", True):
                arrays += _listed(layer, what)
        return arrays

    def arrays(self) -> list[FloatArray]:
        """Return all arrays: parameters, frozen or not, and running statistics.

        They are live, not copies: training updates every one of them in place.
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
            If a layer is not one of `gradlab.layers`, nor a network of such.
        ValueError
            If an array does not have the shape that its layer needs.
        OSError
            If the file cannot be written.

        Notes
        -----
        The entry "description" is a text in JSON: the format's name and version, and for each
        layer its kind, settings and whether it is trainable; a network among the layers lists its
        own. The arrays are named by the layer's index and their own name, as in "0.weight", and
        "1.0.weight" within a network. Generators of dropout are not part of it.
        """
        _network_file.write(path, self.layers, Network)

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
        >>> bool((again(np.ones((1, 4))) == network(np.ones((1, 4)))).all())
        True
        """
        if rng is not None:
            as_rng("rng", rng)
        return cls(_network_file.read(path, rng, Network))

    def _width(self, features: int | None) -> int | None:
        """Return the number of features out for that in, None where it is not known."""
        for k, layer in enumerate(self.layers):
            try:
                features = _width_after(layer, features)
            except ValueError as error:
                raise ValueError(f"layers must fit together; in layers[{k}] {error}") from None
        return features


def _width_after(layer: Any, features: int | None) -> int | None:
    return layer._width(features) if isinstance(layer, (BuiltIn, Network)) else None


def _width_before(layer: Any, features: int | None) -> int | None:
    """Return the number of features in, where the layer says it, given that out."""
    if isinstance(layer, Network):
        first = layer.layers[0]
        return _width_before(first, _width_after(first, None))
    return layer.weight.shape[0] if isinstance(layer, Dense) else features


_PASSES = {getattr(kind, name) for kind in KINDS.values() for name in ("forward", "backward")}


def _is_ours(layer: Any) -> bool:
    """Tell whether both passes are of this package, and not what somebody has put there."""
    passes = (layer.forward, layer.backward)
    return all(getattr(each, "__func__", None) in _PASSES for each in passes)


def _is_relu(dense: Dense, layer: Any) -> bool:
    """Tell whether a layer is the ReLU of a net input with a bias."""
    has_bias = np.shape(dense.bias) == dense.weight.shape[1:]
    return has_bias and isinstance(layer, Activation) and layer.name == "relu"


def _listed(layer: Any, what: str) -> list[FloatArray]:
    """Return what a method of a layer answers, or say whose answer is no list."""
    answer = getattr(layer, what)()
    return answer if isinstance(answer, list) else as_list(f"{what}() of {_shown(layer)}", answer)


def _count(layer: Any) -> int:
    """Return the number of parameters, frozen or not."""
    if isinstance(layer, Network):
        return sum(map(_count, layer.layers))
    return sum(np.size(array) for array in _listed(layer, "parameters"))


def _shown(layer: Any) -> str:
    """Return a layer as text in one line."""
    if isinstance(layer, Network):
        count = len(layer.layers)
        return f"{type(layer).__name__} of {count} layer{'s' if count > 1 else ''}"
    kind: Any = type(layer)
    return kind.__name__ if kind.__repr__ is object.__repr__ else " ".join(repr(layer).split())


def _note(error: Exception, k: int, layer: Any) -> None:
    """Add to an error from inside a layer which one it was."""
    with suppress(AttributeError):
        error.add_note(f"in layers[{k}], {_shown(layer)}")


def _no_array(k: int, layer: Any, method: str, answer: Any) -> str:
    got = type(answer).__name__
    return f"layers[{k}], {_shown(layer)}, must return an array from {method}, got {got}"


def as_network(network: Any) -> Network:
    if not isinstance(network, Network):
        raise TypeError(f"network must be a Network, got {type(network).__name__}")
    return network


def unequal_gradients(network: Network) -> ValueError:
    """Return an error that names the layer whose gradients are not those of its parameters."""
    k, shapes, got = next(
        (k, shapes, got)
        for k, layer in enumerate(network.layers)
        for shapes, got in [[[*map(np.shape, f())] for f in (layer.parameters, layer.gradients)]]
        if getattr(layer, "trainable", True) and shapes != got
    )
    start = f"layers[{k}] must have a gradient for each"
    if len(shapes) != len(got):
        return ValueError(f"{start} of its {len(shapes)} parameters, got {len(got)}")
    return ValueError(f"{start} parameter in its shape: {shapes}, got {got}")
