"""Load an ONNX file, its weights in a second file included, without trusting any of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import numpy as np

from repvgg_hw.errors import InputError
from repvgg_hw.files import check_file

if TYPE_CHECKING:
    from onnx import ModelProto, TensorProto

MAX_BYTES = 2 << 30  # ONNX's own limit for one file; here also of all external data together
OLDEST_OPSET = 7  # before it, BatchNormalization and Add broadcast in ways of their own


def load_onnx(path: Path) -> ModelProto:
    """The model with every weight inside it.

    Raises InputError, in one line, for a missing extra, a file that is none or is damaged, and for external
    data that are missing, too short, or anywhere but in the graph's own folder.
    """
    try:
        import onnx
    except ImportError as error:
        raise InputError(f"{path}: needs the extra: pip install 'repvgg-hw[onnx]'") from error
    check_file(path)
    if not 0 < path.stat().st_size <= MAX_BYTES:
        raise InputError(f"{path}: {path.stat().st_size} bytes is no ONNX file's size")
    try:
        model = onnx.load(path, load_external_data=False)
    except Exception as error:  # protobuf raises its own kinds
        raise InputError(f"{path}: not an ONNX file, or truncated ({type(error).__name__})") from error
    _load_external(path, model)
    return model


def opset(path: Path, model: ModelProto) -> int:
    """Version of the standard operators. Raises InputError for one too old, and for functions of the file."""
    versions = [entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx")]
    if len(versions) != 1 or versions[0] < OLDEST_OPSET:
        raise InputError(f"{path}: opset {versions}; one standard opset from {OLDEST_OPSET} on is needed")
    if model.functions:
        raise InputError(f"{path}: it defines functions of its own ({model.functions[0].name}); inline them")
    return int(versions[0])


def _load_external(path: Path, model: ModelProto) -> None:
    """Put external data into their tensors."""
    from onnx import TensorProto

    left = MAX_BYTES
    for tensor in _tensors(model):
        if tensor.data_location != TensorProto.EXTERNAL and not tensor.external_data:
            continue
        entries = {entry.key: entry.value for entry in tensor.external_data}
        try:
            size, offset = _byte_size(tensor), int(entries.get("offset", "0"))
            length = int(entries.get("length", str(size)))
        except ValueError as error:
            raise InputError(
                f"{path}: external data of {tensor.name} are not understood ({error})"
            ) from error
        file = _beside(path, tensor.name, entries.get("location", ""))
        left -= size
        if length != size or offset < 0 or left < 0 or offset + size > file.stat().st_size:
            raise InputError(
                f"{path}: {tensor.name} needs {size} bytes at {offset} of {file.name}, which has "
                f"{file.stat().st_size} (the graph says {length})"
            )
        with file.open("rb") as stream:
            stream.seek(offset)
            tensor.raw_data = stream.read(size)
        del tensor.external_data[:]
        tensor.data_location = TensorProto.DEFAULT


def _tensors(model: ModelProto) -> Iterator[TensorProto]:
    """Initializers and the values of Constant nodes; graphs inside nodes are refused later."""
    yield from model.graph.initializer
    for node in model.graph.node:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield attribute.t


def _byte_size(tensor: TensorProto) -> int:
    from onnx import TensorProto, helper

    plain = ("FLOAT", "DOUBLE", "FLOAT16", "BFLOAT16", "INT32", "INT64")
    if tensor.data_type not in {getattr(TensorProto, name) for name in plain}:
        raise ValueError(f"type {tensor.data_type}")
    size = 2 if tensor.data_type == TensorProto.BFLOAT16 else 0
    size = size or np.dtype(helper.tensor_dtype_to_np_dtype(tensor.data_type)).itemsize
    for length in tensor.dims:
        if length < 0:
            raise ValueError(f"shape {list(tensor.dims)}")
        size *= length
    return int(size)


def _beside(path: Path, name: str, location: str) -> Path:
    """The file of external data, which lies in the graph's folder or below, also when links are followed."""
    parts = PurePosixPath(location).parts
    if not parts or location.startswith("/") or ".." in parts or any(c in location for c in "\\:\0"):
        raise InputError(f"{path}: the weights of {name} are said to be in {location!r}, outside its folder")
    file = path.parent / location
    if not file.is_file():
        raise InputError(
            f"{path}: the weights of {name} are in {location}, which is not there; keep it beside"
        )
    if not file.resolve().is_relative_to(path.parent.resolve()):
        raise InputError(f"{path}: {location}, the weights of {name}, is a link to outside its folder")
    return file
