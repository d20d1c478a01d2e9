"""Planned cycles of a strip, a layer and a frame, in the structure of the machine.

For a strip, what each process needs if nothing held it up:

    multiply   groups repeats words max(T, SET)    one word of a tile a cycle; SET cycles for its weights, and
                                                   a set of outputs no faster than its beats of weights come
    drain      groups batches T N                  a row of N sums a cycle, LANES channels at once; or as fast
                                                   as the store has room
    transform  groups words T N                    a column a cycle, and of the window before it a row; or as
                                                   fast as rows are asked for and come
    traffic    bytes of loads, stores and weights  through one memory behind all ports

Strips follow each other through these; `frame` keeps the times at which each ends. Words of a group stay in
the data memory, a ring, until its last set of outputs reads them: what does not fit beside them comes then.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from repvgg_hw.plan.engine.array import LOGIT_BYTES, Array
from repvgg_hw.plan.engine.ring import Ring
from repvgg_hw.plan.engine.tiling import Layer, Strip

MEMORY_BYTES = 8  # a cycle, of reads and writes together: one 64-bit beat
SET_CYCLES = 4  # a weight set: three thirds of G's row pass, and its take
TRANSFORM_LATENCY = 28  # from a window's last row in its bank to its word in the data memory, n = 9
MULTIPLY_LATENCY = 8  # from a word's read to its sum
DRAIN_LATENCY = 24  # from a row of sums to its pixels: A^T twice, division, requantization
LOADER_SET, LOADER_CHANNEL = 2, 3  # of the loader, beside a cycle for each command
STORE_COMMAND = 2  # from a command's first beat to its burst, in which no beat leaves
AHEAD = 3  # strips that wait for a unit, or are in it, while another is multiplied
LINEAR_SHARE = 3  # bytes that others move, where all want the memory, for one of the linear layer's weights
MEMORY_LATENCY = 20  # from a read's address to its data, and from a write's last beat to its answer


@dataclass(frozen=True)
class StripCycles:
    """Cycles that each process of a strip takes alone, and bytes through the ports."""

    groups: int
    multiply: int
    drain: int
    transform: int
    load_bytes: int
    store_bytes: int
    weight_bytes: int
    set_multiply: int  # of one set of outputs
    set_drain: int
    word_transform: int  # of one word of all tiles
    row_load: int  # beats of a word's rows for one row of tiles
    batch_drain: int  # of a batch
    batch_store: int  # of a batch, which leaves when all its tiles are there
    set_words: int  # of a group, all tiles
    refill: int  # of transform, for a group: what cannot begin before the last set of the group before it

    @property
    def bytes(self) -> int:
        return self.load_bytes + self.store_bytes + self.weight_bytes

    def memory(self, width: int = MEMORY_BYTES) -> int:
        """Cycles of a memory of so many bytes a cycle."""
        return -(-self.bytes // width)

    @property
    def compute(self) -> int:
        """Multiply and drain: of the accumulators' halves one is drained while the other is summed."""
        return max(self.multiply, self.drain)

    def bound(self, width: int = MEMORY_BYTES) -> int:
        """Of one strip after another like it: the slowest process."""
        refilled = self.compute + self.groups * (self.refill - 2 * self.set_multiply)
        return max(self.compute, refilled, self.transform, self.memory(width))


def of_strip(layer: Layer, strip: Strip) -> StripCycles:
    """What the processes of one strip need."""
    array, tiles, groups = layer.array, strip.tiles, layer.shape.groups
    row = row_cycles(layer, strip)
    batch = batch_cycles(layer, strip)
    set_multiply = multiply_cycles(layer, strip)
    set_drain = -(-array.po // array.lanes) * batch
    stored = layer.shape.c_out * layer.store_rows(strip) * layer.store_beats(strip) if layer.stored else 0
    set_words = layer.words * tiles
    late = max(0, 2 * set_words - array.word_depth)
    return StripCycles(
        groups=groups,
        multiply=groups * layer.repeats * set_multiply,
        drain=groups * _batches(layer) * batch,
        transform=groups * layer.words * strip.rows * row,
        load_bytes=layer.shape.c_in * layer.load_rows(strip) * layer.load_beats(strip) * array.bd,
        store_bytes=stored * array.bd,
        weight_bytes=layer.weight_beats * array.bw,
        set_multiply=set_multiply,
        set_drain=set_drain,
        word_transform=strip.rows * row,
        row_load=array.pi * loaded_rows(layer, strip) * layer.load_beats(strip),
        batch_drain=batch,
        batch_store=store_cycles(layer, strip),
        set_words=set_words,
        refill=late * strip.rows * row // tiles,
    )


def multiply_cycles(layer: Layer, strip: Strip) -> int:
    """Of a set of outputs, over all words of its group.

    A set of weights is there for all its tiles, or comes at a beat a cycle. One block of them is kept, and a
    beat of it is free as soon as its sets are taken: so biases and the next outputs' first kernels come while
    the last sets are used, and cost nothing of their own.
    """
    each = max(strip.tiles, SET_CYCLES)
    return max(layer.words * each, layer.array.region_beats(layer.words))


def row_cycles(layer: Layer, strip: Strip) -> int:
    """Of a word's windows in one row of tiles: to load their rows, to ask for them, and to transform them.

    At once, where the row banks hold the next rows beside those that are read; else one after the other.
    """
    array, line = layer.array, layer.load_beats(strip)
    rows = loaded_rows(layer, strip)
    commands = 1 if line * array.bd == array.pitch(layer.width) else rows
    asked = LOADER_SET + array.pi * (LOADER_CHANNEL + commands)
    loaded, read = array.pi * rows * line, array.n * strip.columns
    if 2 * line <= array.line_depth:
        return max(asked, loaded, read)
    return max(asked, loaded) + MEMORY_LATENCY + read


def loaded_rows(layer: Layer, strip: Strip) -> int:
    """Rows that are loaded for a row of tiles, but the first."""
    return layer.array.n - (layer.overlap if strip.rows > 1 and layer.shares(strip) else 0)


def store_cycles(layer: Layer, strip: Strip) -> int:
    """Of LANES channels of a strip, as they are stored: a beat a cycle, and what each command waits.

    A command is a channel where its lines are contiguous, else a line.
    """
    if not layer.stored:
        return 0
    array, rows, line = layer.array, layer.store_rows(strip), layer.store_beats(strip)
    commands = 1 if line * array.bd == array.pitch(layer.out_width) else rows
    return array.lanes * (rows * line + STORE_COMMAND * commands)


def batch_cycles(layer: Layer, strip: Strip) -> int:
    """Of a batch, LANES channels of all tiles: drained, but no faster than the store's slots become free."""
    array = layer.array
    drained = strip.tiles * array.n
    leaves = store_cycles(layer, strip)
    return max(drained, leaves, -(-(drained + DRAIN_LATENCY + leaves) // array.slots))


def _batches(layer: Layer) -> int:
    """LANES channels at once, in all sets of a group: batches without a channel are skipped."""
    lanes = layer.array.lanes
    return (layer.repeats - 1) * -(-layer.array.po // lanes) + -(-layer.out_lanes // lanes)


@dataclass(frozen=True)
class LayerCycles:
    """A layer's strips, and when the last of them is computed and stored, from the frame's beginning."""

    name: str
    macs: int
    strips: tuple[StripCycles, ...]
    begin: int  # first product
    end: int  # all stored

    @property
    def bytes(self) -> int:
        return sum(strip.bytes for strip in self.strips)


@dataclass(frozen=True)
class FrameCycles:
    """A frame: its layers, the linear layer, all cycles and bytes.

    linear    cycles of the linear layer, which are beside the next frame's first ones; its bytes
    cycles    of a frame alone, the linear layer included
    interval  from frame to frame, where one follows another
    """

    array: Array
    layers: tuple[LayerCycles, ...]
    linear: int
    linear_bytes: int
    macs: int
    cycles: int
    interval: int

    @property
    def bytes(self) -> int:
        return sum(layer.bytes for layer in self.layers) + self.linear_bytes

    @property
    def efficiency(self) -> float:
        """MACs per multiplier of the array and cycle, where frame follows frame."""
        return self.macs / (self.array.multipliers * self.interval)


def linear_cycles(array: Array, channels: int, classes: int, width: int = MEMORY_BYTES) -> tuple[int, int]:
    """(cycles, bytes) of the linear layer: a beat of BW weights a cycle, biases before and logits after."""
    blocks = -(-classes // array.bw)
    region = blocks * (LOGIT_BYTES + channels) * array.bw
    total = region + blocks * array.bw * LOGIT_BYTES
    return max(blocks * (LOGIT_BYTES + channels), -(-total // width)), total


def frame(
    cut: Sequence[tuple[Layer, Sequence[Strip]]], classes: int, width: int = MEMORY_BYTES
) -> FrameCycles:
    """A frame, and the one behind it: every strip of every layer, in order, as the processes hand them on.

    The next frame's first strips are loaded and computed while the last ones of this frame are on their way,
    and while the linear layer reads its weights, which it does beside as many layers as that takes.
    """
    array = cut[0][0].array
    times, layers = _Times(width, array.word_depth), []
    for layer, strips in cut:
        found = tuple(of_strip(layer, strip) for strip in strips)
        begins = [times.strip(one, first=number == 0) for number, one in enumerate(found)]
        macs = layer.shape.macs(layer.out_height, layer.out_width)
        layers.append(LayerCycles(layer.shape.name, macs, found, begins[0], times.stored))
    last, linear, linear_bytes = cut[-1][0], 0, 0
    macs = sum(layer.macs for layer in layers)
    if classes:
        linear, linear_bytes = linear_cycles(array, last.shape.c_out, classes, width)
        macs += last.shape.c_out * classes
    stored, times.beside = times.stored, linear_bytes
    alone = stored + linear + (MEMORY_LATENCY if classes else 0)
    for index, planned in enumerate(layers):
        for number, each in enumerate(planned.strips):
            times.strip(each, first=index > 0 and number == 0)
    traffic = sum(layer.bytes for layer in layers) + linear_bytes
    interval = max(times.stored - stored, linear, -(-traffic // width))
    return FrameCycles(array, tuple(layers), linear, linear_bytes, macs, alone, interval)


class _Times:
    """When each process has ended the strips so far."""

    def __init__(self, width: int, depth: int):
        self.width = width
        self.ring = Ring(depth)
        self.loaded = 0  # all words of the last group are in the data memory
        self.summed = 0
        self.drained = 0
        self.begun = 0  # the last strip's first batch is stored
        self.stored = 0
        self.memory = 0  # busy until
        self.beside = 0  # bytes that a linear layer has still to read
        self.starts = deque[int]([0], maxlen=AHEAD)  # of the last strips: their first products

    def strip(self, one: StripCycles, *, first: bool) -> int:
        """Add a strip; the `first` of a layer loads what the one before stores. Returns its first product."""
        start, first_set = self._group(one, first=first)
        for _ in range(1, one.groups):
            self._group(one, first=False)
        latency = DRAIN_LATENCY + one.batch_store + MEMORY_LATENCY
        self.begun = max(self.drained, first_set + MULTIPLY_LATENCY) + one.batch_drain + latency
        self.drained = max(self.drained, self.summed + MULTIPLY_LATENCY + one.set_drain)
        self.stored = self.drained + latency
        self.starts.append(start)
        return start

    def _group(self, one: StripCycles, *, first: bool) -> tuple[int, int]:
        """Of a group: when its first product is made, and when its first set is summed."""
        before = MEMORY_LATENCY + TRANSFORM_LATENCY
        compute, load = one.compute // one.groups, one.load_bytes // one.groups
        words = max(one.transform // one.groups, -(-load // self.width))
        begin = max(self.loaded, self.ring.room(0))
        if first:  # a channel's word comes when that channel is stored: from the first on, and then the last
            begin = max(begin, self.begun)
        loaded = begin + before + words
        if first:
            loaded = max(loaded, self.stored + before + one.row_load + one.word_transform)
        loaded = max(loaded, self.ring.filled(one.set_words, words) + TRANSFORM_LATENCY)
        start = max(self.summed, begin + before + one.word_transform // 2)
        rest = compute - one.set_multiply  # what remains when the first set has met the last word
        moved = one.bytes // one.groups
        shared = min(self.beside, moved // LINEAR_SHARE)
        self.memory = max(self.memory, begin, self.starts[0]) + -(-(moved + shared) // self.width)
        summed = max(start + compute, loaded + rest, self.memory)
        spare = (summed - self.summed) * self.width - moved - shared
        self.beside = max(0, self.beside - shared - max(0, spare))
        self.loaded, self.summed = loaded, summed
        self.ring.add(one.set_words, self.summed, one.set_multiply)
        return start, max(start + one.set_multiply, loaded)


def steady(layer: Layer, cut: tuple[int, int], width: int = MEMORY_BYTES) -> tuple[int, int]:
    """(cycles, bytes) of a layer cut so, every process at work all the time: what the cut is chosen by."""
    found = [of_strip(layer, strip) for strip in layer.strips(*cut)]
    return sum(one.bound(width) for one in found), sum(one.bytes for one in found)
