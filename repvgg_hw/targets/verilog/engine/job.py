"""What an engine is to run in a simulation: a scheduled network, whole, in part, or one layer of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from repvgg_hw.plan.engine import image as images
from repvgg_hw.plan.engine.array import LOGIT_BYTES
from repvgg_hw.plan.engine.cycles import MEMORY_BYTES
from repvgg_hw.plan.engine.instruction import Op
from repvgg_hw.plan.engine.machine import Machine, Write
from repvgg_hw.plan.engine.schedule import Place, Schedule

MAPS, LOGITS = "maps", "logits"  # files of what must be written


@dataclass(frozen=True)
class Job:
    """A schedule and the image that runs it.

    image   that the schedule says, by which is known what is written where
    only    instructions of the schedule's program that the image has, in order; all where None
    loaded  bytes that lie in the memory in its place, where they may be others
    memory_bytes  that the memory moves in a cycle, reads and writes together
    """

    schedule: Schedule
    image: bytes
    only: tuple[int, ...] | None = None
    loaded: bytes | None = None
    memory_bytes: int = MEMORY_BYTES

    @staticmethod
    def of(schedule: Schedule, only: Sequence[int] | None = None, memory_bytes: int = MEMORY_BYTES) -> Job:
        """With the image that the schedule says."""
        chosen = None if only is None else tuple(sorted(only))
        return Job(schedule, images.build(schedule, chosen), chosen, memory_bytes=memory_bytes)

    @cached_property
    def machine(self) -> Machine:
        """Raises InputError where the image is none of this engine."""
        return Machine(self.schedule.array, self.image)

    def instruction(self, number: int) -> int:
        """In the schedule's program, of the image's instruction `number`."""
        return number if self.only is None or number >= len(self.only) else self.only[number]

    def place(self, number: int, channel: int, row: int, byte: int) -> Place:
        """What the image's instruction `number` stores there: see Schedule.at."""
        return self.schedule.at(self.instruction(number), channel, row, byte)

    @property
    def pooled(self) -> int:
        """Channels that are pooled; 0 where there is no linear layer."""
        return 0 if self.schedule.network.linear is None else self.schedule.layers[-1].shape.c_out

    @property
    def sums_read(self) -> int:
        """Pooled sums that the linear layer reads in a frame: all of them for each block of classes."""
        return self.pooled * self.schedule.blocks

    @cached_property
    def beats(self) -> dict[str, int]:
        """Of the data port, written in a frame: those of maps, and those of logits, each in order."""
        array, found = self.schedule.array, {MAPS: 0, LOGITS: 0}
        for one in self.machine.image.program:
            if one.op == Op.CONV and not one.pool:
                channels = one.groups * ((one.repeats - 1) * array.po + one.out_lanes)
                found[MAPS] += channels * one.store_rows * one.store_line_beats
            elif one.op == Op.LINEAR:
                found[LOGITS] += one.blocks * array.bw * LOGIT_BYTES // array.bd
        return found

    def whole(self, seen: Mapping[str, int]) -> int:
        """Frames of which every beat is among those that were seen."""
        return min(seen[kind] // each for kind, each in self.beats.items() if each)

    def kind(self, write: Write) -> str:
        """MAPS or LOGITS: whether the store writes it, or the linear layer."""
        return LOGITS if self.machine.image.program[write.instruction].op == Op.LINEAR else MAPS

    @cached_property
    def values(self) -> dict[str, int]:
        """Numbers of each layer compared in a frame, in the network's order; of a pooled map its sums."""
        found, first = dict[str, int](), 0
        for layer, strips in self.schedule.strips:
            chosen = [s for n, s in enumerate(strips, first) if self.only is None or n in self.only]
            pixels = sum(layer.store_rows(strip) * layer.store_columns(strip) for strip in chosen)
            found[layer.shape.name] = layer.shape.c_out * (pixels if layer.stored else min(1, len(chosen)))
            first += len(strips)
        if self.schedule.network.linear is not None:
            found["linear"] = self.schedule.network.num_classes
        return found
