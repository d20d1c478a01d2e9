"""A trained network as a checkpoint, read back as `generate` will read it, and proven the same."""

from __future__ import annotations

import copy
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from repvgg_hw.checkpoint.files import Checkpoint, save_state
from repvgg_hw.checkpoint.imported import Imported, fused_state
from repvgg_hw.checkpoint.importer import import_state
from repvgg_hw.errors import CheckFailed
from repvgg_hw.files import write_atomically
from repvgg_hw.fuse.proof import proof_size
from repvgg_hw.model.repvgg import build_model
from repvgg_hw.network import Architecture
from repvgg_hw.training.network import TrainedNetwork

LIMIT = 1e-9  # relative, of logits in float64; a layer read wrongly is off by far more


@dataclass(frozen=True)
class Finished:
    """What was written: the import of it, and what else an import must be told to read it so."""

    imported: Imported
    difference: float  # of logits, as trained against as read, relative
    reading: dict[str, Any]


def finish(network: TrainedNetwork, architecture: Architecture, block: str, path: Path) -> Finished:
    """Write the network's state dict to path, .pth or .safetensors, if it is read as what was trained.

    Raises CheckFailed, and writes nothing, if its fused form gives other logits in float64.
    """
    network = copy.deepcopy(network).cpu().eval()
    tensors = {key: value.contiguous() for key, value in network.state_dict().items()}
    state = {key: value.numpy() for key, value in tensors.items()}
    reading = reading_of(architecture, block)
    imported = _read(state, reading, path)
    difference = _difference(network, imported, architecture)
    if not difference <= LIMIT:
        raise CheckFailed(
            f"the checkpoint's fused form gives other logits than the trained network: {difference:.1e} "
            f"relative (limit {LIMIT:.0e}); nothing is written"
        )
    if path.suffix == ".safetensors":
        save_state(path, state)
    else:
        content = io.BytesIO()
        torch.save(tensors, content)
        write_atomically(path, content.getvalue())
    return Finished(imported, difference, reading)


def reading_of(architecture: Architecture, block: str) -> dict[str, Any]:
    """What an import must be told, as its keywords: what the keys do not say, and no more."""
    reading: dict[str, Any] = {}
    if block == "qarepvgg" and any(c.c_in == c.c_out and c.stride == 1 for c in architecture.convs()):
        reading["assume"] = {"average-branch": "no"}
    if any(stride != 2 for stride in architecture.strides):
        reading["strides"] = architecture.strides
    return reading


def _read(state: dict[str, np.ndarray], reading: dict[str, Any], path: Path) -> Imported:
    checkpoint = Checkpoint(state, source=str(path), ordered=path.suffix != ".safetensors")
    return import_state(checkpoint, **reading)


@torch.no_grad()
def _difference(network: TrainedNetwork, imported: Imported, architecture: Architecture) -> float:
    size = proof_size([conv.stride for conv in architecture.convs()])
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(1, architecture.in_channels, size, size, generator=generator, dtype=torch.float64)
    fused = build_model(imported.architecture, deploy=True).double().eval()
    fused.load_state_dict({key: torch.from_numpy(value) for key, value in fused_state(imported).items()})
    expected, got = network.double()(x), fused(x)
    return float((got - expected).abs().max() / expected.abs().max().clamp_min(1e-300))
