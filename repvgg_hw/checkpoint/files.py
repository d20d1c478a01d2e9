"""Read and write checkpoint files. Files are hostile until shown otherwise: no code from one ever runs."""

from __future__ import annotations

import os
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save
from torch import Tensor

from repvgg_hw.checkpoint.decisions import Assumption, Decisions
from repvgg_hw.checkpoint.pickles import MAX_HEADER, check_count, load_pickle, one_line
from repvgg_hw.checkpoint.wrappers import one_network, strip_prefixes, unwrap
from repvgg_hw.errors import InputError, context
from repvgg_hw.files import check_file, write_atomically


@dataclass(frozen=True)
class Checkpoint:
    """Arrays by name, without wrappers and common prefixes.

    metadata     of a safetensors file
    ordered      names stand in the order in which they were saved; a safetensors file sorts them
    assumptions  what was decided in reading the file, such as averaged weights in place of raw ones
    """

    state: dict[str, np.ndarray]
    metadata: dict[str, str] = field(default_factory=dict)
    source: str = ""
    ordered: bool = True
    assumptions: tuple[Assumption, ...] = ()


def load_state(path: str | os.PathLike[str]) -> dict[str, np.ndarray]:
    """The arrays of a .pth or .safetensors file by name; see load_checkpoint."""
    return load_checkpoint(path).state


def load_checkpoint(path: str | os.PathLike[str], decisions: Decisions | None = None) -> Checkpoint:
    """Read a checkpoint: `.safetensors`, or any other name as a torch pickle, of which no code is run.

    Wrappers (`state_dict`, `net`, ...) and prefixes (`module.`, ...) are taken off; where averaged weights
    stand beside the raw ones, they are taken. Half precision becomes float32, all else keeps its dtype.
    Raises InputError with one line: no such file, truncated, not tensors, too large a header, or several
    networks of which decisions says none.
    """
    file = Path(path)
    decisions = decisions or Decisions()
    check_file(file)
    if file.stat().st_size == 0:
        raise InputError(f"{file}: the file is empty")
    ordered = file.suffix != ".safetensors"
    state, metadata = (_load_pickle(file, decisions), {}) if ordered else _load_safetensors(file)
    with context(str(file)):
        state = one_network(state, decisions)
    return Checkpoint(strip_prefixes(state), metadata, str(file), ordered, tuple(decisions.made))


def save_state(
    path: str | os.PathLike[str], state: Mapping[str, np.ndarray], metadata: Mapping[str, str] | None = None
) -> None:
    """Write arrays as .safetensors, whole or not at all. Raises InputError if the place is not writable."""
    file = Path(path)
    data = save(
        {key: np.ascontiguousarray(value) for key, value in state.items()}, dict(metadata or {"format": "pt"})
    )
    try:
        write_atomically(file, data)
    except OSError as error:
        raise InputError(f"cannot write {file}: {error.strerror or error}") from error


def _load_safetensors(file: Path) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    with file.open("rb") as stream:
        start = stream.read(8)
    header = struct.unpack("<Q", start)[0] if len(start) == 8 else 0
    if header > min(MAX_HEADER, file.stat().st_size):
        raise InputError(f"{file}: not a .safetensors file, or truncated (header of {header} bytes)")
    try:
        with safe_open(file, framework="pt") as tensors:
            names = list(tensors.keys())
            check_count(file, len(names))
            state = {name: _to_numpy(file, name, tensors.get_tensor(name)) for name in names}
            return state, dict(tensors.metadata() or {})
    except (SafetensorError, ValueError) as error:
        raise InputError(f"{file}: not a .safetensors file, or truncated ({one_line(error)})") from error


def _load_pickle(file: Path, decisions: Decisions) -> dict[str, np.ndarray]:
    content, classes = load_pickle(file)
    with context(str(file)):
        tensors = unwrap(content, decisions, classes)
    check_count(file, len(tensors))
    budget = 2 * file.stat().st_size  # a view may repeat its storage: no more bytes than the file can carry
    return {name: _to_numpy(file, name, tensor, budget) for name, tensor in tensors.items()}


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
