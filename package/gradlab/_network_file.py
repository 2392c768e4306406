"""The file of a network: npz, with a description in JSON, and without pickle."""

from __future__ import annotations

import json
import os
import secrets
import struct
import zipfile
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gradlab._validate import FloatArray, as_shaped
from gradlab.initialization import zeros
from gradlab.layers import KINDS, BuiltIn, Dense, Dropout

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

# The kind of a network among the layers, whose settings are its own layers.
_NESTED = "Network"

_Container = Callable[[list[Any]], Any]


def write(path: str | os.PathLike[str], layers: Sequence[Any], container: type[Any]) -> None:
    """Write layers to a file, which is replaced only when the new one is complete."""
    target = Path(path)
    arrays: dict[str, FloatArray] = {}
    described = _describe(layers, container, "", arrays)
    header = {"format": _FORMAT, "version": _VERSION, "layers": described}
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


def read(
    path: str | os.PathLike[str], rng: np.random.Generator | None, container: _Container
) -> list[Any]:
    """Return the layers of a file, with networks among them made by `container`."""
    with open(Path(path), "rb") as file:
        try:
            stored = _arrays_of(file)
            layers = _layers_of(_header(stored.pop(_DESCRIPTION, None)), "", stored, rng, container)
            if stored:
                raise ValueError(f"it has arrays that no layer knows, {sorted(stored)}")
            # Layers that do not fit together are a fault of the file.
            container(layers)
        except _UNREADABLE as error:
            reason = str(error) or type(error).__name__
            raise ValueError(f"path must name a saved network, not {path}: {reason}") from error
    return layers


def _describe(
    layers: Sequence[Any], container: type[Any], within: str, arrays: dict[str, FloatArray]
) -> list[dict[str, Any]]:
    """Return the entries of layers, and put their arrays into `arrays`."""
    entries = []
    for k, layer in enumerate(layers):
        place = f"{within}{k}."
        if type(layer) is container:
            kind = _NESTED
            settings = {"layers": _describe(layer.layers, container, place, arrays)}
        elif type(layer) in KINDS.values():
            kind, settings = type(layer).__name__, layer._settings()
            for name, form in _forms(_build(kind, settings, None)).items():
                value = getattr(layer, name)
                arrays[place + name] = as_shaped(f"{_at(within, k)}.{name}", value, *form)
        else:
            raise TypeError(
                f"{_at(within, k)} must be one of {sorted([*KINDS, _NESTED])} to be saved, "
                f"got {type(layer).__name__}"
            )
        entries.append({"kind": kind, "trainable": layer.trainable, "settings": settings})
    return entries


def _at(within: str, k: int) -> str:
    """Return the place of a layer in the words of Python: layers[1].layers[0]."""
    return ".".join(f"layers[{index}]" for index in f"{within}{k}".split("."))


def _build(kind: str, settings: dict[str, Any], rng: np.random.Generator | None) -> BuiltIn:
    """Return a layer of a known kind, with arrays yet to be filled."""
    if kind == "Dense":
        return Dense(**settings, rng=np.random.default_rng(0), initializer=zeros)
    if kind == "Dropout":
        return Dropout(**settings, rng=rng)
    return KINDS[kind](**settings)


def _forms(layer: BuiltIn) -> dict[str, tuple[tuple[int, ...], np.dtype[Any]]]:
    """Return shape and dtype of each array that a file keeps for the layer."""
    names = layer._trained + layer._statistics
    return {name: (getattr(layer, name).shape, getattr(layer, name).dtype) for name in names}


def _arrays_of(file: Any) -> dict[str, FloatArray]:
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


def _layers_of(
    entries: Any,
    within: str,
    stored: dict[str, FloatArray],
    rng: np.random.Generator | None,
    container: _Container,
) -> list[Any]:
    """Return the layers that entries describe, and take their arrays out of `stored`."""
    layers: list[Any] = []
    for k, entry in enumerate(_checked(entries)):
        kind, settings, place = entry["kind"], entry["settings"], f"{within}{k}."
        if kind == _NESTED:
            inner = _layers_of(settings.get("layers"), place, stored, rng, container)
            layers.append(container(inner))
            continue
        if kind not in KINDS:
            known = sorted([*KINDS, _NESTED])
            raise ValueError(f"{_at(within, k)} must be one of {known}, got {kind!r}")
        try:
            layer = _build(kind, settings, rng)
        except (TypeError, ValueError) as error:
            raise ValueError(f"{_at(within, k)} cannot be made: {error}") from error
        layer.trainable = entry["trainable"]
        _fill(layer, place, stored)
        layers.append(layer)
    return layers


def _fill(layer: BuiltIn, place: str, stored: dict[str, FloatArray]) -> None:
    """Give a layer its arrays."""
    for name, (shape, dtype) in _forms(layer).items():
        value = stored.pop(place + name, None)
        if value is None:
            raise ValueError(f"{place}{name} is missing")
        if value.shape != shape or value.dtype.newbyteorder("=") != dtype:
            raise ValueError(
                f"{place}{name} must be {dtype} of shape {shape}, "
                f"got {value.dtype} of shape {value.shape}"
            )
        setattr(layer, name, as_shaped(name, value, shape, dtype))


def _header(text: Any) -> Any:
    """Return the layers' entries of a description."""
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
    return header.get("layers")


def _checked(layers: Any) -> list[dict[str, Any]]:
    """Return the entries of layers if they have the form of such."""
    form = {"kind": str, "trainable": bool, "settings": dict}
    if not isinstance(layers, list) or not all(
        isinstance(entry, dict)
        and set(entry) == set(form)
        and all(isinstance(entry[name], kind) for name, kind in form.items())
        for entry in layers
    ):
        raise ValueError(f"its description must list layers, each with {list(form)}")
    return layers
