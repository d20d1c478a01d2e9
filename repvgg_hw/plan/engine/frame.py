"""Planned cycles of a frame: when the processes of each strip (`cycles`) end, one behind the other.

Words of a group stay in the data memory, a ring, until its last set of outputs reads them: what does not fit
beside them comes then. Weights are read once per set and kept no longer, so they come while their strip is
multiplied, but for what the port holds; what else moves meanwhile, this strip's stores and the next one's
loads, goes through the same memory.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from repvgg_hw.plan.engine.array import LOGIT_BYTES, READ_DEPTH, Array
from repvgg_hw.plan.engine.cycles import (
    DRAIN_LATENCY,
    MEMORY_BYTES,
    MEMORY_LATENCY,
    StripCycles,
    of_strip,
)
from repvgg_hw.plan.engine.instruction import BYTES as INSTRUCTION_BYTES
from repvgg_hw.plan.engine.ring import Ring
from repvgg_hw.plan.engine.tiling import Layer, Strip

TRANSFORM_LATENCY = 28  # from a window's last row in its bank to its word in the data memory, n = 9
MULTIPLY_LATENCY = 8  # from a word's read to its sum
AHEAD = 3  # strips that wait for a unit, or are in it, while another is multiplied
QUEUE = 2  # instructions in front of a unit: strips before the end at which the linear layer's is there, too
LINEAR_SHARE = 3  # bytes that others move, where all want the memory, for one of the linear layer's weights


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


def frame_cycles(
    cut: Sequence[tuple[Layer, Sequence[Strip]]], classes: int, width: int = MEMORY_BYTES
) -> FrameCycles:
    """A frame, and the one behind it: every strip of every layer, in order, as the processes hand them on.

    The next frame's first strips are loaded and computed while the last ones of this frame are on their way,
    and while the linear layer reads its weights, which it does beside as many layers as that takes.
    """
    array, channels = cut[0][0].array, cut[-1][0].shape.c_out
    linear, linear_bytes = linear_cycles(array, channels, classes, width) if classes else (0, 0)
    times = _Times(width, array, linear_bytes)
    strips_of = [tuple(of_strip(layer, strip) for strip in strips) for layer, strips in cut]
    found = times.frame(strips_of)
    layers = tuple(
        LayerCycles(layer.shape.name, layer.shape.macs(layer.out_height, layer.out_width), strips, *when)
        for (layer, _), strips, when in zip(cut, strips_of, found, strict=True)
    )
    stored = times.stored
    alone = stored + linear + (MEMORY_LATENCY if classes else 0)
    times.frame(strips_of)
    traffic = sum(layer.bytes for layer in layers) + linear_bytes
    interval = max(times.stored - stored, linear, -(-traffic // width))
    macs = sum(layer.macs for layer in layers) + channels * classes
    return FrameCycles(array, layers, linear, linear_bytes, macs, alone, interval)


class _Traffic:
    """What goes through the memory and through the weight port."""

    def __init__(self, width: int, port: int):
        self.width, self.port = width, port  # bytes a cycle
        self.most = READ_DEPTH * port
        self.ahead = 0  # bytes of weights that the port holds when the last group is summed, at most those
        self.beside = 0  # bytes that a linear layer has still to move
        self.busy = 0  # until then

    def rows(self, one: StripCycles) -> int:
        """Cycles in which a group's rows come; so do weights that the port lacks or the first set takes."""
        load = one.load_bytes // one.groups
        weights = self.most - self.ahead + one.weight_bytes * one.set_multiply // one.multiply
        return -(-(load + min(load, weights)) // self.width)

    def group(self, one: StripCycles, then: int, *, begin: int, since: int, ready: int) -> int:
        """Move what a group moves. Returns when it is summed.

        then    bytes that the group behind it loads, while this one is multiplied
        begin   when its first row may be loaded
        since   when the group before it was summed
        ready   when it would be summed if nothing had to wait for bytes
        """
        own = (one.weight_bytes + INSTRUCTION_BYTES) // one.groups
        moved = one.bytes // one.groups
        shared = min(self.beside, moved // LINEAR_SHARE)
        self.busy = max(self.busy, begin) + -(-(moved + shared) // self.width)
        meanwhile = own + one.store_bytes // one.groups + then + shared
        ported = own + min(self.beside, own)  # bursts of both go through the port in turn
        late = max(-(-(meanwhile - self.ahead) // self.width), -(-(ported - self.ahead) // self.port))
        summed = max(ready, self.busy, since + late)
        all_ports, port = (summed - since) * self.width, (summed - since) * self.port
        self.ahead = min(self.most, self.ahead + min(all_ports - meanwhile, port - ported))
        self.beside = max(0, self.beside - max(shared, min(all_ports - moved, port - own)))
        return summed


class _Times:
    """When each process has ended the strips so far."""

    def __init__(self, width: int, array: Array, linear: int):
        self.linear = linear  # bytes that a frame's linear layer reads and writes
        self.traffic = _Traffic(width, array.bw)
        self.ring = Ring(array.word_depth)
        self.loaded = 0  # all words of the last group are in the data memory
        self.summed = 0
        self.drained = 0
        self.begun = 0  # the last strip's first batch is stored
        self.stored = 0
        self.starts = deque[int]([0], maxlen=AHEAD)  # of the last strips: their first products

    def frame(self, layers: Sequence[Sequence[StripCycles]]) -> list[tuple[int, int]]:
        """Add a frame. Of each layer when its first product is made, and when all of it is stored."""
        order = [*itertools.chain(*layers)]
        loads = [one.load_bytes // one.groups for one in (*order[1:], order[0])]
        found, number, early = list[tuple[int, int]](), 0, min(self.linear, self.traffic.most)
        for layer in layers:
            begins = list[int]()
            for one in layer:
                if number == max(0, len(order) - QUEUE):
                    self.traffic.beside += early
                begins.append(self.strip(one, loads[number], first=number > 0 and not begins))
                number += 1
            found.append((begins[0], self.stored))
        self.traffic.beside += self.linear - early
        return found

    def strip(self, one: StripCycles, then: int, *, first: bool) -> int:
        """Add a strip; the `first` of a layer loads what the one before stores. Returns its first product.

        then: bytes that the strip behind it loads for its first group
        """
        loads = [one.load_bytes // one.groups] * (one.groups - 1) + [then]
        start, draining = self._group(one, loads[0], first=first)
        for load in loads[1:]:
            self._group(one, load, first=False)
        latency = DRAIN_LATENCY + one.batch_store + MEMORY_LATENCY
        self.begun = draining + one.batch_rows + latency
        self.stored = self.drained - one.batch_drain + one.batch_rows + latency
        self.starts.append(start)
        return start

    def _group(self, one: StripCycles, then: int, *, first: bool) -> tuple[int, int]:
        """Of a group: when its first product is made, and when its first set begins to be drained."""
        before = MEMORY_LATENCY + TRANSFORM_LATENCY
        words = max(one.transform // one.groups, self.traffic.rows(one))
        begin = max(self.loaded, self.ring.room(0))
        if first:  # a channel's word comes when that channel is stored: from the first on, and then the last
            begin = max(begin, self.begun)
        loaded = begin + before + words
        if first:
            loaded = max(loaded, self.stored + before + one.last_word)
        loaded = max(loaded, self.ring.filled(one.set_words, words) + TRANSFORM_LATENCY)
        start = max(self.summed, begin + before + one.word_transform // 2)
        first_set = max(start + one.set_multiply, loaded)
        draining = max(self.drained, first_set + MULTIPLY_LATENCY)
        drained = draining + one.drain // one.groups
        # The last set's sums go to the half of the accumulators that held those of the last set but one.
        freed = drained - 2 * one.set_drain + one.set_multiply
        self.summed = self.traffic.group(
            one,
            then,
            begin=max(begin, self.starts[0]),
            since=self.summed,
            ready=max(first_set + one.multiply // one.groups - one.set_multiply, freed),
        )
        self.loaded = loaded
        self.drained = max(drained, self.summed + MULTIPLY_LATENCY + one.set_drain)
        self.ring.add(one.set_words, self.summed, one.set_multiply)
        return start, draining
