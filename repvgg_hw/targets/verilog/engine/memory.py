"""What a simulation's memory holds: image, maps, frames, outputs; and what must be written into it, in order.

Places are byte addresses in the simulation's memory, one region behind the other, each at a page.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from repvgg_hw.plan.engine.machine import Machine, Write, planar
from repvgg_hw.plan.engine.schedule import Schedule

PAGE = 4096


@dataclass(frozen=True)
class Places:
    """Where everything lies; strides are from frame to frame."""

    maps: int
    input: int
    output: int
    input_stride: int
    output_stride: int
    size: int


def paged(size: int) -> int:
    """Rounded up to whole pages."""
    return -(-size // PAGE) * PAGE


def places(schedule: Schedule, frames: int) -> Places:
    """Image first, then maps, inputs of all frames, outputs of all frames."""
    input_stride, output_stride = paged(schedule.input_bytes), paged(schedule.output_bytes)
    maps = paged(schedule.weight_addresses[-1])
    inputs = maps + paged(schedule.maps_bytes)
    outputs = inputs + frames * input_stride
    size = 1 << (outputs + frames * output_stride - 1).bit_length()
    return Places(maps, inputs, outputs, input_stride, output_stride, size)


def memory(
    machine: Machine, images: NDArray[np.integer], where: Places, loaded: bytes | None = None
) -> bytes:
    """The memory before a run: the image, and the frames (N, C, H, W), int8 or of a layer alone uint8.

    loaded  what lies in the image's place, not longer than it
    """
    content = np.zeros(where.input + len(images) * where.input_stride, np.uint8)
    data = np.frombuffer(machine.data if loaded is None else loaded, np.uint8)
    content[: data.size] = data
    for number, image in enumerate(images):
        lines = planar(image, machine.array)
        at = where.input + number * where.input_stride
        content[at : at + lines.size] = lines
    return content.tobytes()


@dataclass(frozen=True)
class Record:
    """One beat of a write: frame, the write that it is of, and its place in that."""

    frame: int
    write: Write
    beat: int


def expected(
    machine: Machine, images: NDArray[np.integer]
) -> tuple[list[tuple[int, Write]], list[NDArray[np.int64]]]:
    """(frame, write) of every write in order, and the pool's sums of every frame, by the image's bytes."""
    writes, sums = [], []
    for frame, image in enumerate(images):
        machine.set_input(image)
        writes += [(frame, write) for write in machine.run()]
        sums.append(machine.sums.copy())
    return writes, sums


def save_writes(path: Path, writes: Sequence[tuple[int, Write]], machine: Machine, where: Places) -> None:
    """The file that dram_write_check reads: for each beat address, data, and mask of bytes that count."""
    size = machine.array.bd
    with path.open("wb") as file:
        for frame, write in writes:
            base = where.output + frame * where.output_stride if write.output else where.maps
            data = write.data.reshape(-1, size)
            mask = np.packbits(write.mask.reshape(-1, size), axis=1, bitorder="little")
            address = (base + write.address + size * np.arange(len(data))).astype("<u4")
            records = np.concatenate([address[:, None].view(np.uint8), data, mask], axis=1)
            file.write(records.astype(np.uint8).tobytes())


def save_sums(path: Path, sums: Sequence[NDArray[np.int64]]) -> None:
    """The file that engine_sum_check reads: the pool's sums, frame by frame."""
    path.write_bytes(b"".join(frame.astype("<u4").tobytes() for frame in sums))


def find(writes: Sequence[tuple[int, Write]], index: int, size: int) -> Record:
    """The beat with this number in the file. Raises IndexError beyond the last one."""
    for frame, write in writes:
        beats = write.data.size // size
        if index < beats:
            return Record(frame, write, index)
        index -= beats
    raise IndexError(index)
