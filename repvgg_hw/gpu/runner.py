"""Run an IntegerNetwork through the Triton kernels: maps allocated once, one launch per layer."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext

import numpy as np
import torch
import triton
from numpy.typing import NDArray
from torch import Tensor
from triton.runtime.errors import OutOfResources, PTXASError

from repvgg_hw.errors import InputError
from repvgg_hw.gpu.kernels import conv3x3_kernel, global_sum_kernel, linear_kernel
from repvgg_hw.gpu.packing import (
    HIDDEN_ZERO,
    MAX_BLOCK_K,
    PackedConv,
    pack_conv,
    pack_linear,
)
from repvgg_hw.gpu.tiles import CANDIDATES, Tile, default_tile, fastest
from repvgg_hw.network import IntegerNetwork, out_size

SPARE_BLOCK_M = 16  # images per program of the linear layer: the least that the matrix units take
TUNE_MS = 10  # measuring time per candidate tile


class Maps:
    """A batch of maps as stored: int8 (N, H + 2, W + 2, C), the border holding the stored zero."""

    def __init__(self, batch: int, size: tuple[int, int], channels: int, zero: int, device: str) -> None:
        self.size, self.channels, self.zero = size, channels, zero
        shape = (batch, size[0] + 2, size[1] + 2, channels)
        count = int(np.prod(shape))
        self.flat = torch.full((count + MAX_BLOCK_K,), -zero, dtype=torch.int8, device=device)
        self.tensor = self.flat[:count].view(shape)

    @property
    def width(self) -> int:
        """Pixels from a row to the next."""
        return self.size[1] + 2

    @property
    def pixels(self) -> int:
        """Pixels from an image to the next."""
        return (self.size[0] + 2) * self.width

    def interior(self) -> Tensor:
        """The maps without their border, (N, H, W, C)."""
        return self.tensor[:, 1:-1, 1:-1]


class Runner:
    """The network for one batch size, one map size and one device.

    network  what golden runs; its convolutions' widths must fit (see `packing`)
    size     (H, W) of the input; the network's own where absent
    tune     measure CANDIDATES for every layer (CUDA only) instead of taking the default tile
    """

    def __init__(
        self,
        network: IntegerNetwork,
        batch: int,
        device: str = "cuda",
        *,
        size: tuple[int, int] | None = None,
        tune: bool = False,
    ) -> None:
        self.network, self.batch, self.device = network, batch, device
        self.convs = tuple(pack_conv(layer, device) for layer in network.convs)
        first = self.convs[0]
        size = network.in_shape[1:] if size is None else size
        self.input = Maps(batch, size, first.c_in, 0 if first.layer.in_signed else HIDDEN_ZERO, device)
        self.maps = self._allocate()
        last = self.maps[-1]
        if network.linear is None:
            raise InputError(f"{network.name} has no linear layer: the GPU backend computes logits")
        self.linear = pack_linear(network.linear, last.size[0] * last.size[1], device)
        self.sums = torch.empty((batch, last.channels), dtype=torch.int32, device=device)
        self.logits = torch.empty((batch, network.num_classes), dtype=torch.int32, device=device)
        self.tiles = tuple(
            self._tuned(*step) if tune else self._default(*step)
            for step in zip(self.convs, (self.input, *self.maps[:-1]), self.maps, strict=True)
        )

    def _allocate(self) -> tuple[Maps, ...]:
        """One output per layer; layers of equal shape take turns with two buffers, to use little memory."""
        buffers: dict[tuple[int, tuple[int, int], int], Maps] = {}
        maps, size = [], self.input.size
        for index, conv in enumerate(self.convs):
            stride, c_out = conv.layer.stride, conv.layer.shape.c_out
            size = out_size(size[0], stride), out_size(size[1], stride)
            key = (index % 2, size, c_out)
            if key not in buffers:
                buffers[key] = Maps(self.batch, size, c_out, HIDDEN_ZERO, self.device)
            maps.append(buffers[key])
        return tuple(maps)

    def run(self, x: NDArray[np.integer]) -> NDArray[np.int64]:
        """Integer logits (n, classes) of x (n, C, H, W), n up to the batch size."""
        self.load(x)
        # Triton launches on the current device, which need not be the one that holds the maps.
        with torch.cuda.device(self.device) if self.input.flat.is_cuda else nullcontext():
            self.launch()
        scores: NDArray[np.int64] = self.logits[: len(x)].cpu().numpy().astype(np.int64)
        return scores

    def load(self, x: NDArray[np.integer]) -> None:
        """Store x (n, C, H, W) as the input maps."""
        stored = (np.moveaxis(x, 1, 3).astype(np.int16) - self.input.zero).astype(np.int8)
        self.input.interior()[: len(x), ..., : x.shape[1]].copy_(torch.from_numpy(stored))

    def launch(self) -> Tensor:
        """Run every layer on the input maps: logits (batch, classes) int32. A graph can capture it."""
        source = self.input
        for conv, target, tile in zip(self.convs, self.maps, self.tiles, strict=True):
            _launch_conv(conv, source, target, tile)
            source = target
        self._launch_head(source)
        return self.logits

    def _launch_head(self, source: Maps) -> None:
        (height, width), channels = source.size, source.channels
        global_sum_kernel[(self.batch, triton.cdiv(channels, 64))](
            source.flat, self.sums, height, width, source.width, source.pixels,
            C=channels, ZERO=HIDDEN_ZERO, BLOCK_P=64, BLOCK_C=64,
        )  # fmt: skip
        classes = self.network.num_classes
        grid = (triton.cdiv(self.batch, SPARE_BLOCK_M), triton.cdiv(classes, 32))
        linear_kernel[grid](
            self.sums, self.linear.weight, self.linear.bias, self.logits, self.batch,
            C=channels, CLASSES=classes, DIGITS=self.linear.digits,
            BLOCK_M=SPARE_BLOCK_M, BLOCK_N=32, BLOCK_K=128,
        )  # fmt: skip

    def _default(self, conv: PackedConv, source: Maps, target: Maps) -> Tile:
        positions = self.batch * target.size[0] * target.size[1]
        processors = 1
        if torch.device(self.device).type == "cuda":
            processors = torch.cuda.get_device_properties(self.device).multi_processor_count
        return default_tile(positions, conv.layer.shape.c_out // conv.layer.groups, conv.span, processors)

    def _tuned(self, conv: PackedConv, source: Maps, target: Maps) -> Tile:
        default = self._default(conv, source, target)
        if torch.device(self.device).type != "cuda":
            return default
        key = (
            conv.layer.shape.c_in,
            target.channels,
            conv.layer.stride,
            conv.layer.groups,
            target.size,
            self.batch,
        )
        if key not in _TUNED:
            seconds = _timer(lambda tile: _launch_conv(conv, source, target, tile))
            _TUNED[key] = fastest((default, *CANDIDATES), seconds)
        return _TUNED[key]


_TUNED: dict[tuple[object, ...], Tile] = {}


def _timer(launch: Callable[[Tile], None]) -> Callable[[Tile], float]:
    """A function that measures a tile's median time on the GPU."""

    def seconds(tile: Tile) -> float:
        try:
            return float(triton.testing.do_bench(lambda: launch(tile), rep=TUNE_MS, quantiles=[0.5]))
        except (OutOfResources, PTXASError):  # more shared memory or registers than the chip has
            return float("inf")

    return seconds


def _launch_conv(conv: PackedConv, source: Maps, target: Maps, tile: Tile) -> None:
    layer, shape = conv.layer, conv.layer.shape
    height, width = target.size
    positions = target.tensor.shape[0] * height * width
    c_out_group = shape.c_out // shape.groups
    grid = (triton.cdiv(positions, tile.m) * triton.cdiv(c_out_group, tile.n), shape.groups)
    conv3x3_kernel[grid](
        source.flat, conv.weight, conv.multiplier, conv.offset, target.flat,
        positions, height, width, source.width, source.pixels, target.width, target.pixels,
        conv.c_in // conv.align, conv.c_in_group, shape.c_out, c_out_group,
        conv.span, conv.span_pitch, conv.spans * triton.cdiv(conv.span, tile.k),
        shape.stride, layer.shift, (1 << layer.out_bits) - 1,
        SPANS=conv.spans, ALIGN=conv.align, OUT_ZERO=HIDDEN_ZERO,
        BLOCK_M=tile.m, BLOCK_N=tile.n, BLOCK_K=tile.k,
        num_warps=tile.warps, num_stages=tile.stages,
    )  # fmt: skip
