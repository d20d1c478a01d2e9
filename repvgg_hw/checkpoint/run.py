"""Run an imported network in float64: the side of ours in every proof from outside."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from repvgg_hw.checkpoint.imported import Imported
from repvgg_hw.errors import InputError
from repvgg_hw.fuse.proof import fused_conv, head
from repvgg_hw.network import out_size

BATCH_PIXELS = 8 * 224 * 224  # of one batch: what the maps of a wide network leave room for

Floats = NDArray[np.float64]
Activation = Callable[[Tensor], Tensor]


def batched_outputs(imported: Imported, x: Floats, activation: Activation = torch.relu) -> Iterator[Floats]:
    """`outputs` for images x (N, C, H, W), a few at a time: maps of all of them may not fit in memory."""
    count = max(1, BATCH_PIXELS // (x.shape[2] * x.shape[3]))
    for begin in range(0, len(x), count):
        yield outputs(imported, x[begin : begin + count], activation)


def outputs(imported: Imported, x: Floats, activation: Activation = torch.relu) -> Floats:
    """The fused network on x (N, C, H, W), in float64: logits (N, classes), or the last map (N, C', H', W').

    Squeeze-and-excitation is included. Raises InputError if its maps do not fit in memory.
    """
    y = torch.from_numpy(np.ascontiguousarray(x, dtype=np.float64))
    try:
        with torch.inference_mode():
            for conv, block in zip(imported.convs, imported.blocks, strict=True):
                y = activation(_gate(block.se, "se", fused_conv(conv, y)))
                y = _gate(block.se, "post_se", y)
            return np.asarray(head(imported.linear, y).numpy())
    except (RuntimeError, MemoryError) as error:  # torch's allocator raises the first
        raise InputError(
            f"{imported.source}: does not run on images of shape {x.shape[1:]} ({error})"
        ) from error


def output_shape(imported: Imported, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Of the logits, or of the last map, for images of shape (N, C, H, W)."""
    if imported.linear is not None:
        return (shape[0], len(imported.linear.weight))
    height, width = shape[2:]
    for conv in imported.convs:
        height, width = out_size(height, conv.stride), out_size(width, conv.stride)
    return (shape[0], len(imported.convs[-1].weight), height, width)


def input_sizes(imported: Imported, height: int, width: int) -> Iterator[tuple[str, tuple[int, int]]]:
    """Each layer's name and the (H, W) of the map that it reads, for images of height x width."""
    for conv in imported.convs:
        yield conv.name, (height, width)
        height, width = out_size(height, conv.stride), out_size(width, conv.stride)


def _gate(keys: Mapping[str, np.ndarray], name: str, x: Tensor) -> Tensor:
    """x * sigmoid(up(relu(down(mean of x over H, W)))) where the block has such keys, else x."""
    if f"{name}.down.weight" not in keys:
        return x

    def conv(part: str, map_: Tensor) -> Tensor:
        weight, bias = (np.asarray(keys[f"{name}.{part}.{kind}"], np.float64) for kind in ("weight", "bias"))
        return F.conv2d(map_, torch.from_numpy(weight), torch.from_numpy(bias))

    return x * torch.sigmoid(conv("up", torch.relu(conv("down", x.mean((2, 3), keepdim=True)))))
