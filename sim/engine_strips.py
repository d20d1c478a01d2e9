# SPDX-License-Identifier: Apache-2.0
"""Strips of random layers for the bench of the engine's input: maps, instructions, the words expected.

Fields are set as the specification of an instruction says; words come from the golden model's tiles alone.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

import numpy as np

from repvgg_hw.plan.engine.instruction import Instruction, Op
from repvgg_hw.plan.engine.kinds import kind_of
from repvgg_hw.winograd.golden import cut_tiles, data_transform

Int = np.ndarray


@dataclass(frozen=True)
class Layer:
    """A convolution's input: channels of all groups, and how it is computed."""

    channels: int
    height: int
    width: int
    stride: int
    groups: int = 1
    signed: bool = False


@dataclass
class Strip:
    """One instruction, and what the input unit must make of it.

    words     (groups * words * tiles, PI, N, N), lanes without a channel -1 in `lanes`
    lanes     (groups * words * tiles): channels in each word
    first     (channel, address) of all that may be read: for each beat's address its channel
    producer  instructions before this one to the one that stores its map; 0: it is there
    """

    instruction: Instruction
    words: Int
    lanes: list[int]
    channel_of: dict[int, int]


class Maps:
    """Layers' inputs in one memory of random bytes."""

    def __init__(self, n: int, pi: int, t_max: int, bd: int, line_depth: int, dice: random.Random) -> None:
        self.n, self.pi, self.t_max, self.bd, self.line_depth, self.dice = n, pi, t_max, bd, line_depth, dice
        self.memory = bytearray()

    def place(self, layer: Layer) -> tuple[int, Int]:
        """(address, map) of random pixels, extremes among them; what stands beside the map is anything."""
        dice, pitch = self.dice, -(-layer.width // self.bd) * self.bd
        values = np.frombuffer(dice.randbytes(layer.channels * layer.height * pitch), np.uint8).copy()
        values = values.reshape(layer.channels, layer.height, pitch)
        values[::2] = np.array([0, 127, 128, 255], np.uint8)[values[::2] % 4]
        base = len(self.memory)
        self.memory += values.tobytes() + dice.randbytes(8 * self.bd)
        shown = values[:, :, : layer.width]
        return base, (shown.view(np.int8) if layer.signed else shown).astype(np.int64)

    def strips(
        self, layer: Layer, depends: int, base: int, x: Int, chunk: int = 0, high: bool = False
    ) -> list[Strip]:
        """All strips of a layer; chunk: tile columns in one, 0 for all; high: as many rows as fit."""
        kind = kind_of(self.n, layer.stride)
        tiles = cut_tiles(x[None], kind)[0]
        rows, columns = tiles.shape[1:3]
        columns_each = min(chunk or columns, columns, self.t_max)
        rows_each = self.t_max // columns_each if high else self.dice.randint(1, self.t_max // columns_each)
        rows_each = rows_each if columns_each == columns else 1
        found: list[Strip] = []
        for r in range(0, rows, rows_each):
            for q in range(0, columns, columns_each):
                here = tiles[:, r : r + rows_each, q : q + columns_each]
                found.append(self._strip(layer, depends if not found else 0, base, here, r, q))
        return found

    def _strip(self, layer: Layer, depends: int, base: int, tiles: Int, r: int, q: int) -> Strip:
        kind, n, bd = kind_of(self.n, layer.stride), self.n, self.bd
        channels, tiles_y, tiles_x = tiles.shape[:3]
        pitch = -(-layer.width // bd) * bd
        left, top = q * kind.step - 1, r * kind.step - 1
        right = min(layer.width - 1, left + (tiles_x - 1) * kind.step + n - 1)
        first = max(0, left) // bd * bd
        beats = right // bd - first // bd + 1
        assert beats <= self.line_depth, "the bench's layer is wider than the banks"
        each = channels // layer.groups
        words = -(-each // self.pi)
        instruction = Instruction(
            op=Op.CONV,
            stride2=int(layer.stride == 2),
            in_signed=int(layer.signed),
            load_whole=int(beats * bd == pitch),
            depends=depends,
            load_addr=(base + top * pitch + first) % (1 << 32),
            load_plane=layer.height * pitch,
            load_step=kind.step * pitch,
            load_pitch=pitch,
            load_line_beats=beats,
            top=int(r == 0),
            bottom=max(0, top + (tiles_y - 1) * kind.step + n - layer.height),
            x_first=left - first,
            x_limit=layer.width - first,
            tiles_x=tiles_x,
            tiles_y=tiles_y,
            tiles=tiles_x * tiles_y,
            words=words,
            groups=layer.groups,
            in_lanes=each - (words - 1) * self.pi,
        )
        grouped = np.zeros((layer.groups, words * self.pi, tiles_y * tiles_x, n, n), np.int64)
        grouped[:, :each] = tiles.reshape(layer.groups, each, -1, n, n)
        grouped = grouped.reshape(layer.groups * words, self.pi, -1, n, n).swapaxes(1, 2)
        expected = data_transform(grouped, kind).reshape(-1, self.pi, n, n)
        lanes = [
            min(self.pi, each - w * self.pi)
            for _ in range(layer.groups)
            for w in range(words)
            for _ in range(tiles_y * tiles_x)
        ]
        plane = layer.height * pitch
        channel_of = {base + offset: offset // plane for offset in range(0, channels * plane, bd)}
        return Strip(instruction, expected, lanes, channel_of)

    def random_layer(self) -> Layer:
        """One of few words that fits the row banks."""
        dice = self.dice
        while True:
            groups = dice.choice([1, 1, 2, 3])
            layer = Layer(
                channels=groups * dice.randint(1, 2 * self.pi + 1),
                height=dice.choice([1, 2, 5, dice.randint(1, 3 * self.n)]),
                width=dice.choice([1, 3, 8, dice.randint(1, 3 * self.n)]),
                stride=dice.choice([1, 2]),
                groups=groups,
                signed=dice.random() < 0.3,
            )
            words = groups * -(-layer.channels // groups // self.pi)
            if words * self.t_max <= 64 and -(-layer.width // self.bd) <= self.line_depth:
                return layer
