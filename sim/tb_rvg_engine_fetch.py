# SPDX-License-Identifier: Apache-2.0
"""rvg_engine_fetch: the program for each frame, addresses resolved; foreign images are errors."""

from __future__ import annotations

import struct
from collections import deque
from typing import Any

import cocotb
from cocotb.triggers import FallingEdge, RisingEdge
from streams import Bench, over_cases

WORD = 0xFFFF_FFFF
IMAGE, MAPS, INPUT, OUTPUT, IN_STEP, OUT_STEP = 0x1_0000, 0x40_0000, 0x80_0000, 0x90_0000, 0x1000, 0x300
PROGRAM = 192  # from the image's beginning
ENGINE = 0x1234_5678
ILLEGAL = 1 << 31  # of an instruction's last word
MAGIC, VERSION_, ENGINE_, PROGRAM_, ADDRESS_ = 1, 2, 3, 4, 5  # codes of errors


def header(
    count: int, *, magic: bytes = b"RVGE", version: int = 2, engine: int = ENGINE, program: int = PROGRAM
) -> bytes:
    """magic, version, engine, bytes, program, instructions: the engine's page."""
    return struct.pack("<4sIIIII", magic, version, engine, 4096, program, count).ljust(128, b"\xa5")


def instruction(dice: Any, op: int) -> list[int]:
    """32 words; flags of word 0 at random where they matter to fetch; legal, see judge."""
    words: list[int] = [dice.getrandbits(32) for _ in range(32)]
    words[0] = op | dice.getrandbits(24) << 8
    words[31] &= ILLEGAL - 1
    return words


def resolved(words: list[int], frame: int) -> int:
    """As it leaves: addresses absolute, modulo 2^32."""
    out = list(words)
    from_input, to_output = words[0] >> 14 & 1, words[0] >> 15 & 1
    out[2] += INPUT + frame * IN_STEP if from_input else MAPS
    out[13] += OUTPUT + frame * OUT_STEP if to_output else MAPS
    out[11] += IMAGE
    return sum((word & WORD) << 32 * i for i, word in enumerate(out))


class Memory:
    """Answers read commands in order, beat by beat."""

    def __init__(self, bench: Bench, content: dict[int, bytes]) -> None:
        self.bench, self.content = bench, content
        self.beats: deque[int] = deque()
        self.commands: list[int] = []
        self.tasks = [cocotb.start_soon(work()) for work in (self.listen, self.answer, self.judge)]

    def end(self) -> None:
        for task in self.tasks:
            task.cancel()

    async def listen(self) -> None:
        unit, width = self.bench.unit, self.bench.parameters["BW"]
        held = None
        while True:
            await RisingEdge(self.bench.clk)
            unit.read_tready.value = int(self.bench.dice.random() >= self.bench.pause)
            await FallingEdge(self.bench.clk)
            command = unit.read_tdata.value.to_unsigned() if unit.read_tvalid.value == 1 else None
            assert held in (None, command), "a read command did not stay until it was taken"
            held = None if unit.read_tready.value == 1 else command
            if command is not None and held is None:
                address, beats = command & WORD, command >> 32
                assert beats * width == 128, f"{beats} beats"
                assert address in self.content, f"read at {address:#x}, where nothing is"
                self.commands.append(address)
                block = self.content[address]
                self.beats += [int.from_bytes(block[i : i + width], "little") for i in range(0, 128, width)]

    async def judge(self) -> None:
        """As rvg_engine_check does, a cycle later: of the first byte and of the last bit."""
        while True:
            await FallingEdge(self.bench.clk)
            block = self.bench.unit.block.value.to_unsigned()
            await RisingEdge(self.bench.clk)
            self.bench.unit.legal.value = int(block & 0xFF <= 2 and not block >> 1023)

    async def answer(self) -> None:
        while True:
            if self.beats:
                await self.bench.send([self.beats.popleft()])
            else:
                await RisingEdge(self.bench.clk)


async def run(bench: Bench, content: dict[int, bytes], frames: int, **other: int) -> Memory:
    """Start; the memory goes on answering, and operations 0 to 2 are legal. `other`: bases and strides."""
    places = {"image_base": IMAGE, "maps_base": MAPS, "input_base": INPUT, "output_base": OUTPUT}
    steps = {"input_stride": IN_STEP, "output_stride": OUT_STEP, "frames": frames}
    await bench.reset(
        s_axis_tvalid=0, m_axis_tready=0, read_tready=0, start=0, **{**places, **steps, **other}
    )
    memory = Memory(bench, content)
    bench.unit.start.value = 1
    await RisingEdge(bench.clk)
    bench.unit.start.value = 0
    return memory


def image(program: list[list[int]], head: bytes | None = None) -> dict[int, bytes]:
    blocks = {IMAGE: head or header(len(program))}
    return blocks | {
        IMAGE + PROGRAM + 128 * i: struct.pack("<32I", *words) for i, words in enumerate(program)
    }


@over_cases
async def hands_on_every_frame(bench: Bench) -> None:
    for length, frames in ((5, 3), (1, 2), (2, 4)):
        ops = [bench.dice.choice((1, 2)) for _ in range(length)] + [0]
        program = [instruction(bench.dice, op) for op in ops]
        expected = [resolved(words, frame) for frame in range(frames) for words in program[:-1]]
        memory = await run(bench, image(program), frames)
        got = await bench.receive(len(expected))
        await bench.cycles(40)
        assert [beat for _, beat in got] == expected
        assert bench.unit.finished.value == 1, "has not finished"
        assert bench.unit.error.value == 0
        assert bench.unit.issued.value == len(expected)
        assert bench.unit.frame_length.value == length
        memory.end()
        assert memory.commands == [IMAGE] + frames * [IMAGE + PROGRAM + 128 * i for i in range(length + 1)]


@over_cases
async def refuses_what_is_not_its_own(bench: Bench) -> None:
    dice = bench.dice
    conv, end = instruction(dice, 1), instruction(dice, 0)
    heads = {
        MAGIC: header(2, magic=b"RVGF"),
        VERSION_: header(2, version=1),
        ENGINE_: header(2, engine=ENGINE ^ 1),
        PROGRAM_: header(0),
    }
    cases = [(code, image([conv, end], head), 0) for code, head in heads.items()]
    cases += [(PROGRAM_, image([end]), 0)]  # nothing to do
    cases += [
        (PROGRAM_, image([conv, end], header(2, program=PROGRAM + at)), 0) for at in (1, 4)
    ]  # in a beat
    cases += [
        (PROGRAM_, image([conv, conv]), 1),  # no end
        (PROGRAM_, image([conv, end, conv]), 1),  # an end in the middle
        (PROGRAM_, image([conv, instruction(dice, 3), end]), 1),  # an operation that is none
        (PROGRAM_, image([instruction(dice, 0x81), end]), 0),
        (PROGRAM_, image([conv, [*conv[:31], conv[31] | ILLEGAL], end]), 1),
    ]
    for code, content, whole in cases:
        memory = await run(bench, content, 2)
        bench.unit.m_axis_tready.value = 1
        sent = 0
        for _ in range(1500):
            await FallingEdge(bench.clk)
            sent += int(bench.unit.m_axis_tvalid.value)
            await RisingEdge(bench.clk)
        memory.end()
        assert bench.unit.error.value == code, f"error {int(bench.unit.error.value)}, not {code}"
        assert bench.unit.finished.value == 1
        assert sent == whole, f"{sent} instructions of a wrong image were handed on"


@over_cases
async def refuses_addresses_within_a_beat(bench: Bench) -> None:
    """Each of them, at the least step that is wrong; multiples of a beat are right."""
    program = image([instruction(bench.dice, 1), instruction(bench.dice, 0)])
    names = ("image_base", "maps_base", "input_base", "output_base", "input_stride", "output_stride")
    for name in names:
        beat = bench.parameters["BW" if name == "image_base" else "BD"]
        memory = await run(bench, program, 1, **{name: 5 * beat + bench.dice.choice((1, beat // 2))})
        await bench.cycles(100)
        memory.end()
        assert bench.unit.error.value == ADDRESS_, f"{name}: error {int(bench.unit.error.value)}"
        assert bench.unit.finished.value == 1
        assert memory.commands == []
        if name == "image_base":
            continue
        memory = await run(bench, program, 1, **{name: 5 * beat})
        await bench.cycles(20)
        memory.end()
        assert bench.unit.error.value == 0


@over_cases
async def no_frame_is_no_run(bench: Bench) -> None:
    memory = await run(bench, image([instruction(bench.dice, 0)]), 0)
    await bench.cycles(50)
    assert bench.unit.finished.value == 1
    assert memory.commands == []
