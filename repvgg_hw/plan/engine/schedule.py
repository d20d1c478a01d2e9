"""A network on an array: how each layer is cut, where maps lie, and the program's instructions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from repvgg_hw.network import IntegerConv, IntegerNetwork
from repvgg_hw.plan.engine import cycles, limits
from repvgg_hw.plan.engine.array import ADDR_BITS, LOGIT_BYTES, Array
from repvgg_hw.plan.engine.codes import HEADER_BYTES
from repvgg_hw.plan.engine.fold import PHASES, fold_frames, foldable, folded
from repvgg_hw.plan.engine.frame import FrameCycles, frame_cycles
from repvgg_hw.plan.engine.instruction import BYTES, Instruction, Op
from repvgg_hw.plan.engine.tiling import Layer, Strip

Cut = tuple[int, int]  # rows and columns of tiles of a strip
TRAFFIC = 0.75  # cycles that a layer may take longer for each cycle of the memory that this spares
ZEROS = PHASES**2  # products of a folded layer for one of the network's
ALIGN = 64  # bytes: of weight regions and of map buffers


def aligned(size: int) -> int:
    """Rounded up to the alignment of regions."""
    return -(-size // ALIGN) * ALIGN


@dataclass(frozen=True)
class Place:
    """A value of a layer's map, or, without row and column, a logit."""

    layer: str
    channel: int
    row: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        if self.row is None:
            return f"layer {self.layer}, class {self.channel}"
        return f"layer {self.layer}, channel {self.channel}, row {self.row}, column {self.column}"


@dataclass(frozen=True)
class Schedule:
    """What runs on the array, without its weights.

    cuts         of each layer, in order
    folded_from  in_shape of the network whose first layer was folded to that of this one (`fold`); else None
    Map i goes to buffer i % 2 of the maps, which lie one after the other. The logits, or the last map where
    there is no linear layer, go to the frame's output.
    """

    array: Array
    network: IntegerNetwork
    layers: tuple[Layer, ...]
    cuts: tuple[Cut, ...]
    folded_from: tuple[int, int, int] | None = None

    @property
    def frame_shape(self) -> tuple[int, int, int]:
        """Of a frame as it is given, before `frames`."""
        return self.folded_from or self.network.in_shape

    def frames(self, given: NDArray[np.integer]) -> NDArray[np.integer]:
        """Frames (..., *frame_shape) as the network here takes them and as they lie in memory."""
        return fold_frames(given) if self.folded_from else given

    @cached_property
    def strips(self) -> tuple[tuple[Layer, tuple[Strip, ...]], ...]:
        return tuple(
            (layer, tuple(layer.strips(*cut))) for layer, cut in zip(self.layers, self.cuts, strict=True)
        )

    def place(self, index: int) -> tuple[str, Strip | None]:
        """The layer's name of instruction `index`, and its strip; "linear" and None, "end" and None."""
        for layer, strips in self.strips:
            if index < len(strips):
                return layer.shape.name, strips[index]
            index -= len(strips)
        return ("linear" if self.network.linear is not None and index == 0 else "end"), None

    def at(self, index: int, channel: int, row: int, column: int) -> Place:
        """What instruction `index` stores as this channel (or block of classes) there in its strip."""
        name, strip = self.place(index)
        layer = next((one for one in self.layers if one.shape.name == name), None)
        if strip is None or layer is None:
            return Place(name, channel * self.array.bw + column // LOGIT_BYTES)
        return Place(name, channel, row + strip.y * layer.kind.m, column + strip.x * layer.kind.m)

    def one_of_each_kind(self) -> list[int]:
        """Instructions such that every other but the end differs from one of them by its addresses alone."""
        first: dict[Instruction, int] = {}
        for number, one in enumerate(self.program()):
            if one.op != Op.END:
                first.setdefault(replace(one, load_addr=0, store_addr=0), number)
        return list(first.values())

    @property
    def count(self) -> int:
        """Instructions, the end included."""
        return sum(len(strips) for _, strips in self.strips) + (self.network.linear is not None) + 1

    @cached_property
    def buffers(self) -> tuple[int, int]:
        """Bytes of the two map buffers: each holds every second map."""
        sizes = [self.map_bytes(i) for i, layer in enumerate(self.layers[:-1])]
        return max(sizes[0::2], default=0), max(sizes[1::2], default=0)

    @property
    def maps_bytes(self) -> int:
        return sum(map(aligned, self.buffers))

    def map_bytes(self, index: int) -> int:
        """Of layer index's output in DRAM, lines padded to whole beats."""
        layer = self.layers[index]
        return layer.shape.c_out * layer.out_height * self.array.pitch(layer.out_width)

    @property
    def input_bytes(self) -> int:
        layer = self.layers[0]
        return layer.shape.c_in * layer.height * self.array.pitch(layer.width)

    @property
    def blocks(self) -> int:
        """Blocks of classes of the linear layer."""
        return -(-self.network.num_classes // self.array.bw)

    @property
    def output_bytes(self) -> int:
        """Of the logits, or of the last map, in whole beats of the data port."""
        if self.network.linear is None:
            return self.map_bytes(len(self.layers) - 1)
        return self.array.pitch(self.blocks * self.array.bw * LOGIT_BYTES)

    def map_base(self, index: int) -> int:
        """Of layer index's output, from the maps' beginning."""
        return aligned(self.buffers[0]) * (index % 2)

    @cached_property
    def weight_addresses(self) -> tuple[int, ...]:
        """Of each layer's region in the image, the linear layer's last; then where the image ends."""
        addresses, at = [], aligned(HEADER_BYTES + self.count * BYTES)
        for layer in self.layers:
            addresses.append(at)
            at += aligned(layer.weight_beats * self.array.bw)
        if self.network.linear is not None:
            addresses.append(at)
            at += aligned(self.linear_beats * self.array.bw)
        return (*addresses, at)

    @property
    def linear_beats(self) -> int:
        return self.blocks * (LOGIT_BYTES + self.layers[-1].shape.c_out)

    def program(self) -> Iterator[Instruction]:
        """All instructions, the end last."""
        for index, (layer, strips) in enumerate(self.strips):
            for number, strip in enumerate(strips):
                yield self._strip(index, self.network.convs[index], layer, strip, number)
        if self.network.linear is not None:
            yield Instruction(
                op=Op.LINEAR,
                to_output=1,
                weight_addr=self.weight_addresses[len(self.layers)],
                weight_beats=self.linear_beats,
                channels=self.layers[-1].shape.c_out,
                blocks=self.blocks,
            )
        yield Instruction(op=Op.END)

    def _strip(self, index: int, conv: IntegerConv, layer: Layer, strip: Strip, number: int) -> Instruction:
        array, step = self.array, layer.kind.step
        pitch, out_pitch = array.pitch(layer.width), array.pitch(layer.out_width)
        first_beat, load_beats = layer.first_beat(strip) * array.bd, layer.load_beats(strip)
        stored = layer.stored
        base = 0 if index == 0 else self.map_base(index - 1)
        last = index == len(self.layers) - 1
        row, column = strip.y * layer.kind.m, strip.x * layer.kind.m
        to = row * out_pitch + column + (0 if last else self.map_base(index))
        return Instruction(
            op=Op.CONV,
            stride2=conv.stride == 2,
            in_signed=conv.in_signed,
            load_whole=load_beats * array.bd == pitch,
            store_whole=stored and layer.store_beats(strip) * array.bd == out_pitch,
            pool=not stored,
            pool_first=not stored and number == 0,
            from_input=index == 0,
            to_output=stored and last,
            shift=conv.shift,
            out_max=(1 << conv.out_bits) - 1,
            depends=1 if index and not number else 0,
            load_addr=(base + (step * strip.y - 1) * pitch + first_beat) % (1 << ADDR_BITS),
            load_plane=layer.height * pitch,
            load_step=step * pitch,
            load_pitch=pitch,
            load_line_beats=load_beats,
            top=strip.y == 0,
            bottom=layer.bottom(strip),
            x_first=layer.first_column(strip) - first_beat,
            x_limit=min(layer.width - first_beat, load_beats * array.bd),
            tiles_x=strip.columns,
            tiles_y=strip.rows,
            tiles=strip.tiles,
            words=layer.words,
            groups=layer.shape.groups,
            in_lanes=layer.in_lanes,
            out_lanes=layer.out_lanes,
            repeats=layer.repeats,
            weight_addr=self.weight_addresses[index],
            weight_beats=layer.weight_beats,
            store_addr=to if stored else 0,
            store_plane=layer.out_height * out_pitch if stored else 0,
            store_pitch=out_pitch if stored else 0,
            store_line_beats=layer.store_beats(strip) if stored else 0,
            store_rows=layer.store_rows(strip),
            store_columns=layer.store_columns(strip),
        )

    def frame(self, width: int = cycles.MEMORY_BYTES) -> FrameCycles:
        """Planned cycles of one frame, with a memory of so many bytes a cycle."""
        found = frame_cycles(self.strips, self.network.num_classes, width)
        if self.folded_from is None:
            return found
        first, *others = found.layers  # most products of a folded layer are of zeros
        macs = first.macs // ZEROS
        layers = (replace(first, macs=macs), *others)
        return replace(found, layers=layers, macs=found.macs - first.macs + macs)


def plan(
    network: IntegerNetwork,
    array: Array,
    cuts: Sequence[Cut] | None = None,
    memory: int = cycles.MEMORY_BYTES,
) -> Schedule:
    """The schedule whose layers are cut as `best_cut` says; or one that is cut as given.

    memory  bytes of the DRAM in a cycle, which decide about the best cuts
    Raises InputError naming the limit of the array that the network exceeds, and the layer.
    """
    limits.check(network, array)
    layers = limits.layers(network, array)
    chosen = tuple(cuts) if cuts is not None else tuple(best_cut(layer, memory) for layer in layers)
    found = Schedule(array, network, layers, chosen)
    limits.check_memory(found.weight_addresses[-1], found.maps_bytes, found.input_bytes, found.output_bytes)
    return found


def fastest(network: IntegerNetwork, array: Array, memory: int) -> Schedule | None:
    """The network, or that with its first layer folded: which takes fewer cycles. Limits are not looked at.

    None where no strip of a layer fits.
    """
    found = []
    for one in (network, folded(network)) if foldable(network) else (network,):
        layers = limits.layers(one, array)
        if all(next(layer.cuts(), None) is not None for layer in layers):
            cuts = tuple(best_cut(layer, memory) for layer in layers)
            found.append(Schedule(array, one, layers, cuts, None if one is network else network.in_shape))
    return min(found, key=lambda schedule: schedule.frame(memory).interval, default=None)


def plan_fastest(network: IntegerNetwork, array: Array, memory: int = cycles.MEMORY_BYTES) -> Schedule:
    """As `plan`, or with the first layer folded where that takes fewer cycles. Raises as `plan`."""
    given = plan(network, array, memory=memory)
    found = fastest(network, array, memory)
    if found is None or found.folded_from is None:
        return given
    folded_alone = plan(found.network, array, memory=memory)  # its limits
    return replace(folded_alone, folded_from=found.folded_from)


def best_cut(layer: Layer, width: int = cycles.MEMORY_BYTES) -> Cut:
    """Of all cuts that fit, the one of the fewest cycles and the least traffic, each weighed by TRAFFIC."""

    def cost(cut: Cut) -> tuple[float, Cut]:
        taken, moved = cycles.steady(layer, cut, width)
        return taken + TRAFFIC * moved / width, cut

    return min(layer.cuts(), key=cost)
