"""An IntegerNetwork as one file: an `.npz` of its arrays and a JSON header.

Exact (integers as they are, floats by their shortest round-trip form), no pickle, and deterministic:
entries are stored in a fixed order, uncompressed, with a fixed date, so the same network gives the same
bytes on every machine.
"""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from repvgg_hw import schema
from repvgg_hw.design import network_rules
from repvgg_hw.errors import InputError, context
from repvgg_hw.files import write_atomically
from repvgg_hw.network import IntegerConv, IntegerLinear, IntegerNetwork
from repvgg_hw.npz import read_npz

FORMAT = "repvgg-hw integer network"
VERSION = 2
EPOCH = (1980, 1, 1, 0, 0, 0)  # the oldest date that a zip entry can have

CONV_ARRAYS, LINEAR_ARRAYS = ("weight", "bias", "multiplier"), ("weight", "bias")
CONV_FIELDS = ("name", "shift", "stride", "groups", "weight_bits", "in_bits", "in_signed", "out_bits")


def save_network(network: IntegerNetwork, path: str | Path) -> None:
    """Write network to path; the file appears whole or not at all."""
    header = {
        "format": FORMAT,
        "version": VERSION,
        "name": network.name,
        "in_shape": list(network.in_shape),
        "input_scale": network.input_scale,
        "mean": list(network.mean),
        "std": list(network.std),
        "output_scale": network.output_scale,
        "convs": [{f: getattr(conv, f) for f in CONV_FIELDS} for conv in network.convs],
        "linear": None if network.linear is None else {"weight_bits": network.linear.weight_bits},
        "provenance": network.provenance,
    }
    text = json.dumps(schema.without_surrogates(header), sort_keys=True, allow_nan=False).encode()
    arrays: dict[str, NDArray[Any]] = {"header": np.frombuffer(text, dtype=np.uint8)}
    for index, conv in enumerate(network.convs):
        arrays[f"conv{index}.weight"] = conv.weight
        arrays[f"conv{index}.bias"] = conv.bias
        arrays[f"conv{index}.multiplier"] = conv.multiplier
    if network.linear is not None:
        arrays["linear.weight"] = network.linear.weight
        arrays["linear.bias"] = network.linear.bias
    _write_npz(Path(path), arrays)


def load_network(path: str | Path) -> IntegerNetwork:
    """Read what save_network wrote. Raises InputError for any rule of networks that it breaks."""
    path = Path(path)
    header = _header(path)
    names = [f"conv{i}.{array}" for i in range(len(header.convs)) for array in CONV_ARRAYS]
    names += [f"linear.{array}" for array in LINEAR_ARRAYS] if header.linear is not None else []
    arrays = read_npz(path, ["header", *names], alone=True)
    with context(str(path)):
        network = _network(header, arrays)
        network_rules.check(network)
    return network


class _Conv(msgspec.Struct, forbid_unknown_fields=True):
    """CONV_FIELDS of one layer."""

    name: str
    shift: int
    stride: int
    groups: int
    weight_bits: int
    in_bits: int
    in_signed: bool
    out_bits: int


class _Linear(msgspec.Struct, forbid_unknown_fields=True):
    weight_bits: int


class _Version(msgspec.Struct):
    """What every version of the header has."""

    format: str
    version: int


class _Header(_Version, forbid_unknown_fields=True):
    """Everything of a network but its arrays."""

    name: str
    in_shape: tuple[int, int, int]
    input_scale: float
    mean: tuple[float, ...]
    std: tuple[float, ...]
    output_scale: float
    convs: list[_Conv]
    linear: _Linear | None
    provenance: dict[str, Any]


def _header(path: Path) -> _Header:
    array = read_npz(path, ["header"], limit=schema.MAX_BYTES)["header"]
    with context(f"{path}: header"):
        if array.dtype != np.uint8 or array.ndim != 1:
            raise InputError(f"is {array.dtype} of {array.ndim} dimensions, not bytes of JSON")
        content = schema.decode(array.tobytes())
        written = schema.partly(content, _Version)
        if written.format != FORMAT:
            raise InputError(f"not an integer network of this program: format is {written.format!r}")
        if written.version != VERSION:
            raise InputError(f"version {written.version}, this program reads {VERSION}: generate it again")
        return schema.partly(content, _Header)


def _network(header: _Header, arrays: dict[str, NDArray[Any]]) -> IntegerNetwork:
    convs = tuple(
        IntegerConv(
            **{f: getattr(fields, f) for f in CONV_FIELDS},
            weight=_typed(arrays, f"conv{i}.weight", np.int8),
            bias=_typed(arrays, f"conv{i}.bias", np.int32),
            multiplier=_typed(arrays, f"conv{i}.multiplier", np.int32),
        )
        for i, fields in enumerate(header.convs)
    )
    linear = None
    if header.linear is not None:
        linear = IntegerLinear(
            weight_bits=header.linear.weight_bits,
            weight=_typed(arrays, "linear.weight", np.int8),
            bias=_typed(arrays, "linear.bias", np.int32),
        )
    return IntegerNetwork(
        name=header.name,
        in_shape=header.in_shape,
        input_scale=header.input_scale,
        mean=header.mean,
        std=header.std,
        convs=convs,
        linear=linear,
        output_scale=header.output_scale,
        provenance=header.provenance,
    )


def _typed(arrays: dict[str, NDArray[Any]], key: str, dtype: type) -> NDArray[Any]:
    array = arrays[key]
    if array.dtype != dtype:
        raise InputError(f"{key} is {array.dtype}, expected {np.dtype(dtype)}")
    return array


def _write_npz(path: Path, arrays: dict[str, NDArray[Any]]) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as archive:
        for key, array in arrays.items():
            entry = io.BytesIO()
            np.lib.format.write_array(entry, np.ascontiguousarray(array), version=(1, 0), allow_pickle=False)
            info = zipfile.ZipInfo(f"{key}.npy", EPOCH)
            info.create_system = 3  # the same byte on every operating system
            archive.writestr(info, entry.getvalue())
    write_atomically(path, content.getvalue())
