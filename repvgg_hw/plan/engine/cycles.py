"""Planned cycles of a strip, in the structure of the machine.

For a strip, what each process needs if nothing held it up:

    multiply   groups repeats words max(T, SET)    one word of a tile a cycle; SET cycles for its weights, and
                                                   a set of outputs no faster than its beats of weights come
    drain      groups batches T N                  a row of N sums a cycle, LANES channels at once; or as fast
                                                   as the store has room
    transform  groups words T N                    a column a cycle, and of the window before it a row; or as
                                                   fast as rows are asked for and come
    traffic    bytes of loads, stores and weights  through one memory behind all ports

How strips and layers follow each other is said in `frame`.
"""

from __future__ import annotations

from dataclasses import dataclass

from repvgg_hw.plan.engine.tiling import Layer, Strip

MEMORY_BYTES = 8  # a cycle, of reads and writes together: one 64-bit beat
SET_CYCLES = 4  # a weight set: three thirds of G's row pass, and its take
DRAIN_LATENCY = 24  # from a row of sums to its pixels: A^T twice, division, requantization
LOADER_SET, LOADER_CHANNEL = 2, 3  # of the loader, beside a cycle for each command
STORE_COMMAND = 2  # from a command's first beat to its burst, in which no beat leaves
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
    last_word: int  # from its first row's beats to its last tile: nothing is before it
    batch_drain: int  # of a batch, one after another
    batch_rows: int  # its rows of sums: of a batch alone
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
        last_word=(strip.rows - 1) * row + row_beats(layer, strip) + array.n * strip.columns,
        batch_drain=batch,
        batch_rows=strip.tiles * array.n,
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
    commands = 1 if line * array.bd == array.pitch(layer.width) else loaded_rows(layer, strip)
    asked = LOADER_SET + array.pi * (LOADER_CHANNEL + commands)
    loaded, read = row_beats(layer, strip), array.n * strip.columns
    if 2 * line <= array.line_depth:
        return max(asked, loaded, read)
    return max(asked, loaded) + MEMORY_LATENCY + read


def row_beats(layer: Layer, strip: Strip) -> int:
    """Beats of a word's rows for one row of tiles, but the first."""
    return layer.array.pi * loaded_rows(layer, strip) * layer.load_beats(strip)


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


def steady(layer: Layer, cut: tuple[int, int], width: int = MEMORY_BYTES) -> tuple[int, int]:
    """(cycles, bytes) of a layer cut so, every process at work all the time: what the cut is chosen by."""
    found = [of_strip(layer, strip) for strip in layer.strips(*cut)]
    return sum(one.bound(width) for one in found), sum(one.bytes for one in found)
