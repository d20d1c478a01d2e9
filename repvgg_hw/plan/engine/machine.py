"""An executable model of the engine: runs an image's bytes on memory, strip by strip, in integers.

Loads, pads, adds, requantizes and stores what the instructions say, and nothing that only the schedule knows;
so an error of the schedule or of the image is one of the result. Arithmetic: golden.py's, by direct
convolution; the transforms of the hardware are exact, so they give the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from repvgg_hw.errors import CheckFailed
from repvgg_hw.golden import Int
from repvgg_hw.plan.engine.array import ADDR_BITS, LOGIT_BYTES, Array
from repvgg_hw.plan.engine.image import Image, parse
from repvgg_hw.plan.engine.instruction import Instruction, Op
from repvgg_hw.plan.engine.regions import Bytes, read_conv_region, read_linear_region

UNUSED = 0x55  # what lanes without a channel hold: their weights are zero


@dataclass(frozen=True)
class Write:
    """What the engine writes: a row of a strip of one channel, or a block of logits.

    instruction  number in the program; channel of its output, or block of classes; row of the strip
    address      from the beginning of the maps, or where `output`, of the frame's output
    data, mask   bytes in whole beats, and which of them mean something
    """

    instruction: int
    channel: int
    row: int
    output: bool
    address: int
    data: Bytes
    mask: NDArray[np.bool_]


@dataclass
class Machine:
    """An engine with an image, and its memory: maps, a frame's input, its output.

    Raises InputError as `image.parse`; running raises CheckFailed where an instruction leaves its memory,
    reads what need not be there yet, or a sum leaves its width.
    """

    array: Array
    data: bytes
    image: Image = field(init=False)
    maps: Bytes = field(init=False)
    input: Bytes = field(init=False)
    output: Bytes = field(init=False)
    sums: Int = field(init=False)

    def __post_init__(self) -> None:
        self.image = parse(self.data, self.array)
        header = self.image.header
        self.maps = np.full(header["maps"], UNUSED, np.uint8)
        self.input = np.full(header["input"], UNUSED, np.uint8)
        self.output = np.full(header["output"], UNUSED, np.uint8)
        self.sums = np.zeros(self.array.c_max, np.int64)
        self._bytes = np.frombuffer(self.data, np.uint8)
        self._weights: tuple[tuple[int, ...], tuple[NDArray[np.int8], Int, Int]] | None = None
        self._writer = np.full(self.maps.size, -1, np.int32)  # the instruction that wrote each byte

    def set_input(self, frame: NDArray[np.integer]) -> None:
        """Put a frame (C, H, W), int8 or of a layer alone uint8, into memory: lines padded to whole beats."""
        self.input = planar(frame, self.array)

    def run(self) -> Iterator[Write]:
        """Run one frame; yields every write in the order in which the engine does it."""
        complete = -1  # up to this instruction all is stored when this one's loads begin
        for number, one in enumerate(self.image.program):
            if one.op == Op.CONV:
                if one.depends:
                    complete = max(complete, number - one.depends)
                yield from self._conv(number, one, complete)
            elif one.op == Op.LINEAR:
                yield from self._linear(number, one)

    # ---- a strip
    def _conv(self, number: int, one: Instruction, complete: int) -> Iterator[Write]:
        if one.words * one.tiles > self.array.word_depth or one.tiles > self.array.t_max:
            raise CheckFailed(
                f"instruction {number}: a group's words or its tiles exceed the engine's memories"
            )
        kind = self.array.kind(2 if one.stride2 else 1)
        weights, bias, multiplier = self._region(one)
        groups, columns = one.groups, one.tiles_x * kind.m
        channels = (one.repeats - 1) * self.array.po + one.out_lanes
        result = np.zeros((groups, channels, one.tiles_y * kind.m, columns), np.int64)
        for row in range(one.tiles_y):
            windows = self._windows(number, one, row, complete)
            for group in range(groups):
                acc = _convolve(windows[group], weights[group], kind.stride) + bias[group][:, None, None]
                if np.abs(acc).max(initial=0) >> self.array.acc_w - 1:
                    raise CheckFailed(f"instruction {number}: a sum does not fit {self.array.acc_w} bits")
                scaled = (acc * multiplier[group][:, None, None] + (1 << one.shift - 1)) >> one.shift
                result[group, :, row * kind.m : (row + 1) * kind.m] = np.clip(scaled, 0, one.out_max)[
                    :channels
                ]
        valid = result.reshape(groups * channels, -1, columns)[:, : one.store_rows, : one.store_columns]
        if one.pool:
            added = valid.sum(axis=(1, 2))
            self.sums[: added.size] = added if one.pool_first else self.sums[: added.size] + added
            return
        yield from self._store(number, one, valid.astype(np.uint8))

    def _region(self, one: Instruction) -> tuple[NDArray[np.int8], Int, Int]:
        """The weights of a convolution; strips of one layer have the same."""
        key = (one.weight_addr, one.groups, one.repeats, one.words)
        if self._weights is None or self._weights[0] != key:
            beats = one.groups * one.repeats * self.array.region_beats(one.words)
            region = self._beats(one, beats)
            self._weights = (key, read_conv_region(region, self.array, *key[1:]))
        return self._weights[1]

    def _beats(self, one: Instruction, beats: int) -> Bytes:
        """An instruction's weight region, which must have so many beats."""
        region = self._bytes[one.weight_addr : one.weight_addr + beats * self.array.bw]
        if beats != one.weight_beats or region.size != beats * self.array.bw:
            raise CheckFailed(f"an instruction needs {beats} beats of weights, not {one.weight_beats}")
        return region

    def _windows(self, number: int, one: Instruction, row: int, complete: int) -> Int:
        """The pixels of a row of tiles: (groups, words PI, n, columns), zero beyond the map."""
        kind, array = self.array.kind(2 if one.stride2 else 1), self.array
        channels = (one.words - 1) * array.pi + one.in_lanes  # of a group
        above = int(row == 0 and one.top)
        below = one.bottom if row == one.tiles_y - 1 else 0
        lines, length = np.arange(above, kind.size - below), one.load_line_beats * array.bd
        start = (one.load_addr + row * one.load_step) % (1 << ADDR_BITS)
        planes = np.arange(one.groups * channels) * one.load_plane
        first = (start + planes[:, None] + lines * one.load_pitch) % (1 << ADDR_BITS)
        x = one.x_first + np.arange(kind.step * (one.tiles_x - 1) + kind.size)
        inside = (x >= 0) & (x < one.x_limit)
        address = first[..., None] + x[inside]
        memory = self.input if one.from_input else self.maps
        if first.max(initial=0) + length > memory.size:
            raise CheckFailed(
                f"instruction {number}: loads beyond the end of its memory, {memory.size} bytes"
            )
        writer = -1 if one.from_input else int(self._writer[address].max(initial=-1))
        if writer > complete:
            raise CheckFailed(f"instruction {number}: loads what {writer} stores, and does not wait for it")
        pixels = memory[address].view(np.int8 if one.in_signed else np.uint8)
        windows = np.full((one.groups, one.words * array.pi, kind.size, x.size), UNUSED, np.int64)
        windows[:, :channels] = 0
        places = np.ix_(np.arange(one.groups), np.arange(channels), lines, np.flatnonzero(inside))
        windows[places] = pixels.reshape(one.groups, channels, lines.size, -1)
        return windows

    def _store(self, number: int, one: Instruction, valid: Bytes) -> Iterator[Write]:
        memory, length = self.output if one.to_output else self.maps, one.store_line_beats * self.array.bd
        mask = np.arange(length) < one.store_columns
        for channel, plane in enumerate(valid):
            for row, pixels in enumerate(plane):
                address = one.store_addr + channel * one.store_plane + row * one.store_pitch
                data = np.full(length, UNUSED, np.uint8)
                data[: pixels.size] = pixels
                if address % self.array.bd or address + length > memory.size:
                    raise CheckFailed(
                        f"instruction {number}: stores beyond the end of its memory, or not at a beat"
                    )
                memory[address : address + length] = data
                if not one.to_output:
                    self._writer[address : address + length] = number
                yield Write(number, channel, row, bool(one.to_output), address, data, mask)

    # ---- the linear layer
    def _linear(self, number: int, one: Instruction) -> Iterator[Write]:
        region = self._beats(one, one.blocks * (LOGIT_BYTES + one.channels))
        weights, bias = read_linear_region(region, self.array, one.blocks)
        logits = weights.astype(np.int64) @ self.sums[: one.channels] + bias
        data = logits.astype("<i4").view(np.uint8)
        size = self.array.bw * LOGIT_BYTES
        for block in range(one.blocks):
            part, address = data[block * size : (block + 1) * size], one.store_addr + block * size
            self.output[address : address + size] = part
            yield Write(number, block, 0, True, address, part, np.ones(size, bool))


def _convolve(pixels: Int, weights: NDArray[np.int8], stride: int) -> Int:
    """A window's valid outputs: (C, n, X) and (O, C, 9) -> (O, m, X'), exact in float64."""
    height, width = ((size - 3) // stride + 1 for size in pixels.shape[1:])
    data, taps = pixels.astype(np.float64), weights.astype(np.float64)
    acc = np.zeros((weights.shape[0], height * width))
    for tap in range(9):
        y, x = divmod(tap, 3)
        part = data[:, y : y + stride * (height - 1) + 1 : stride, x : x + stride * (width - 1) + 1 : stride]
        acc += taps[:, :, tap] @ part.reshape(part.shape[0], -1)
    exact: Int = acc.astype(np.int64)
    return exact.reshape(-1, height, width)


def planar(frame: NDArray[np.integer], array: Array) -> Bytes:
    """A map (C, H, W) of bytes as it lies in memory: channel by channel, lines padded to whole beats."""
    c, h, w = frame.shape
    lines = np.full((c, h, array.pitch(w)), UNUSED, np.uint8)
    lines[..., :w] = frame.astype(np.int8 if frame.min(initial=0) < 0 else np.uint8).view(np.uint8)
    return lines.reshape(-1)


def from_planar(data: Bytes, shape: tuple[int, int, int], array: Array) -> NDArray[np.uint8]:
    """The map (C, H, W) that lies in memory so."""
    c, h, w = shape
    pitch = array.pitch(w)
    return data[: c * h * pitch].reshape(c, h, pitch)[..., :w]
