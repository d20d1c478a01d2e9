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

import numpy as np
from numpy.typing import NDArray

from repvgg_hw.errors import InputError
from repvgg_hw.files import write_atomically
from repvgg_hw.network import MULTIPLIER_BITS, IntegerConv, IntegerLinear, IntegerNetwork

FORMAT = "repvgg-hw integer network"
VERSION = 2
EPOCH = (1980, 1, 1, 0, 0, 0)  # the oldest date that a zip entry can have

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
    text = json.dumps(header, sort_keys=True, allow_nan=False).encode()
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
    """Read what save_network wrote. Raises InputError where the file is not that, or inconsistent."""
    path = Path(path)
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {key: archive[key] for key in archive.files}
        header = json.loads(arrays["header"].tobytes())
        if header["format"] != FORMAT:
            raise ValueError(f"format is {header['format']!r}")
        if header["version"] != VERSION:
            raise ValueError(f"version {header['version']}, this program reads {VERSION}")
        network = _build(header, arrays)
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file") from error
    except (ValueError, OSError, EOFError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise InputError(f"{path}: not an integer network of this program ({error})") from error
    return network


def _build(header: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> IntegerNetwork:
    convs = tuple(
        IntegerConv(
            **{f: fields[f] for f in CONV_FIELDS},
            weight=_typed(arrays, f"conv{i}.weight", np.int8),
            bias=_typed(arrays, f"conv{i}.bias", np.int32),
            multiplier=_typed(arrays, f"conv{i}.multiplier", np.int32),
        )
        for i, fields in enumerate(header["convs"])
    )
    linear = header["linear"] and IntegerLinear(
        weight_bits=header["linear"]["weight_bits"],
        weight=_typed(arrays, "linear.weight", np.int8),
        bias=_typed(arrays, "linear.bias", np.int32),
    )
    _check(convs, linear, header["in_shape"][0])
    return IntegerNetwork(
        name=header["name"],
        in_shape=(header["in_shape"][0], header["in_shape"][1], header["in_shape"][2]),
        input_scale=float(header["input_scale"]),
        mean=tuple(header["mean"]),
        std=tuple(header["std"]),
        convs=convs,
        linear=linear,
        output_scale=float(header["output_scale"]),
        provenance=header["provenance"],
    )


def _typed(arrays: dict[str, NDArray[Any]], key: str, dtype: type) -> NDArray[Any]:
    array = arrays[key]
    if array.dtype != dtype:
        raise ValueError(f"{key} is {array.dtype}, expected {np.dtype(dtype)}")
    return array


def _check(convs: tuple[IntegerConv, ...], linear: IntegerLinear | None, channels: int) -> None:
    """Shapes chain from layer to layer and constants are in range."""
    for conv in convs:
        c_out = conv.weight.shape[0]
        if conv.weight.ndim != 4 or conv.weight.shape[2:] != (3, 3) or conv.shape.c_in != channels:
            raise ValueError(f"{conv.name}: weight {conv.weight.shape} after {channels} channels")
        if conv.bias.shape != (c_out,) or conv.multiplier.shape != (c_out,):
            raise ValueError(f"{conv.name}: bias or multiplier does not have {c_out} entries")
        if conv.shift < 1 or conv.multiplier.min() < 0 or conv.multiplier.max() >= 1 << MULTIPLIER_BITS:
            raise ValueError(f"{conv.name}: multiplier or shift out of range")
        channels = c_out
    if linear is None:
        return
    if linear.weight.ndim != 2 or linear.weight.shape[1] != channels:
        raise ValueError(f"linear: weight {linear.weight.shape} after {channels} channels")
    if linear.bias.shape != linear.weight.shape[:1]:
        raise ValueError("linear: bias does not have one entry per class")


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
