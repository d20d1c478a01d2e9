"""Read and write checkpoint files. Files are hostile until shown otherwise: no code from one ever runs."""

from __future__ import annotations

import os
import struct
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save
from torch import Tensor

from repvgg_hw.errors import InputError

MAX_HEADER = 64 << 20  # bytes of a safetensors header or of a pickle inside a .pth
MAX_TENSORS = 100_000
MAX_DEPTH = 6  # wrappers around the state dict
_WRAPPERS = ("ema", "state_dict_ema", "model_ema", "state_dict", "model", "model_state_dict", "params")
_PREFIXES = ("module.", "_orig_mod.", "model.", "net.")


@dataclass(frozen=True)
class Checkpoint:
    """Arrays by name, without wrappers and common prefixes, and the file's metadata (safetensors only)."""

    state: dict[str, np.ndarray]
    metadata: dict[str, str] = field(default_factory=dict)
    source: str = ""


def load_state(path: str | os.PathLike[str]) -> dict[str, np.ndarray]:
    """The arrays of a .pth or .safetensors file by name; see load_checkpoint."""
    return load_checkpoint(path).state


def load_checkpoint(path: str | os.PathLike[str]) -> Checkpoint:
    """Read a checkpoint: `.safetensors`, or any other name as a torch pickle (weights only).

    Wrappers (`state_dict`, `model`, `ema`, ...) and prefixes (`module.`, ...) are taken off;
    where an EMA stands beside the raw weights, the EMA is taken. Half precision
    becomes float32, everything else keeps its dtype.
    Raises InputError with one line: no such file, truncated, not tensors, too large a header.
    """
    file = Path(path)
    if not file.is_file():
        raise InputError(f"{file}: no such file")
    if file.stat().st_size == 0:
        raise InputError(f"{file}: the file is empty")
    if file.suffix == ".safetensors":
        state, metadata = _load_safetensors(file)
    else:
        state, metadata = _load_pickle(file), {}
    return Checkpoint(strip_prefixes(state), metadata, str(file))


def save_state(
    path: str | os.PathLike[str], state: Mapping[str, np.ndarray], metadata: Mapping[str, str] | None = None
) -> None:
    """Write arrays as .safetensors, whole or not at all. Raises InputError if the place is not writable."""
    file = Path(path)
    data = save(
        {key: np.ascontiguousarray(value) for key, value in state.items()}, dict(metadata or {"format": "pt"})
    )
    temporary = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    try:
        temporary.write_bytes(data)
        os.replace(temporary, file)
    except OSError as error:
        temporary.unlink(missing_ok=True) if temporary.parent.is_dir() else None
        raise InputError(f"cannot write {file}: {error.strerror or error}") from error


def strip_prefixes(state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Take off a prefix that every key has, as often as there is one."""
    while state:
        shared = next((p for p in _PREFIXES if all(key.startswith(p) for key in state)), None)
        if shared is None:
            return state
        state = {key[len(shared) :]: value for key, value in state.items()}
    return state


def _load_safetensors(file: Path) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    with file.open("rb") as stream:
        start = stream.read(8)
    header = struct.unpack("<Q", start)[0] if len(start) == 8 else 0
    if header > min(MAX_HEADER, file.stat().st_size):
        raise InputError(f"{file}: not a .safetensors file, or truncated (header of {header} bytes)")
    try:
        with safe_open(file, framework="pt") as tensors:
            names = list(tensors.keys())
            _check_count(file, len(names))
            state = {name: _to_numpy(file, name, tensors.get_tensor(name)) for name in names}
            return state, dict(tensors.metadata() or {})
    except (SafetensorError, ValueError) as error:
        raise InputError(f"{file}: not a .safetensors file, or truncated ({_one_line(error)})") from error


def _load_pickle(file: Path) -> dict[str, np.ndarray]:
    _check_archive(file)
    try:
        # weights_only: an unpickler that knows tensors and plain containers, and calls nothing else
        content = torch.load(file, map_location="cpu", weights_only=True)
    except MemoryError as error:
        raise InputError(f"{file}: asks for more memory than there is") from error
    except Exception as error:  # torch raises whatever the damaged bytes lead it to
        if "Unsupported global" in str(error) or "Unsupported class" in str(error):
            raise InputError(
                f"{file}: not loaded: the pickle holds more than tensors; save the state_dict() instead"
            ) from error
        reason = _one_line(str(error).rpartition("WeightsUnpickler error:")[2])
        raise InputError(f"{file}: not a torch checkpoint, or truncated ({reason})") from error
    tensors = _unwrap(file, content)
    _check_count(file, len(tensors))
    budget = 2 * file.stat().st_size  # a view may repeat its storage: no more bytes than the file can carry
    return {name: _to_numpy(file, name, tensor, budget) for name, tensor in tensors.items()}


def _check_archive(file: Path) -> None:
    """Refuse a .pth archive whose parts are compressed or whose pickle is huge, before torch opens it."""
    if not zipfile.is_zipfile(file):
        return
    try:
        with zipfile.ZipFile(file) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise InputError(f"{file}: damaged archive ({_one_line(error)})") from error
    _check_count(file, len(parts))
    for part in parts:
        if part.compress_type != zipfile.ZIP_STORED or part.file_size > file.stat().st_size:
            raise InputError(f"{file}: {part.filename} is compressed; torch.save stores plainly")
        if part.filename.endswith(".pkl") and part.file_size > MAX_HEADER:
            raise InputError(f"{file}: {part.filename} has {part.file_size} bytes; the limit is {MAX_HEADER}")


def _unwrap(file: Path, content: Any) -> dict[str, Tensor]:
    """The dictionary of tensors inside the wrappers that trainers put around it."""
    for _ in range(MAX_DEPTH):
        if not isinstance(content, Mapping):
            raise InputError(f"{file}: holds a {type(content).__name__}, not a dictionary of tensors")
        tensors = {str(k): v for k, v in content.items() if isinstance(v, Tensor)}
        inner = next((content[w] for w in _WRAPPERS if isinstance(content.get(w), Mapping)), None)
        if inner is None:
            if not tensors:
                raise InputError(f"{file}: no tensors in it (keys: {', '.join(map(str, list(content)[:6]))})")
            return tensors
        content = inner
    raise InputError(f"{file}: more than {MAX_DEPTH} wrappers around the tensors")


def _to_numpy(file: Path, name: str, tensor: Tensor, budget: int | None = None) -> np.ndarray:
    """A tensor as an array that owns nothing unexpected: dense, on the CPU, no larger than the file."""
    if tensor.layout != torch.strided or tensor.is_quantized or tensor.device.type != "cpu":
        raise InputError(f"{file}: {name} is not a plain dense tensor")
    if budget is not None and tensor.numel() * tensor.element_size() > budget:
        raise InputError(f"{file}: {name} claims {tensor.numel()} elements, more than the file can hold")
    if tensor.is_complex():
        raise InputError(f"{file}: {name} is complex")
    if tensor.is_floating_point() and tensor.dtype not in (torch.float32, torch.float64):
        tensor = tensor.float()
    return np.asarray(tensor.detach().numpy())


def _check_count(file: Path, count: int) -> None:
    if count > MAX_TENSORS:
        raise InputError(f"{file}: {count} tensors; the limit is {MAX_TENSORS}")


def _one_line(error: object, limit: int = 120) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= limit else text[:limit] + "..."
