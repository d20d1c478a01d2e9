# SPDX-License-Identifier: Apache-2.0
"""rvg_engine_input against data_transform(cut_tiles()): chains of random layers, read from a slow memory.

The bench is the memory (latency, pauses), the store (which says what has been stored, channel by channel)
and the array (which gives words back), and keeps each of them to what the unit may rely on.
"""

from __future__ import annotations

from collections import deque
from functools import partial

import numpy as np
from cocotb.triggers import FallingEdge, RisingEdge
from engine_strips import Layer, Maps, Strip
from streams import Bench, over_cases, unpack

from repvgg_hw.plan.engine.instruction import Instruction, Op

LAYERS = 8
HIGH = 1, 6  # numbers of layers whose windows have rows in common, the last of one of them all
POINT = Layer(channels=3, height=1, width=1, stride=1)  # the smallest map
HUNG = 2000  # cycles without a word
ADDR = 1 << 32


class Engine:
    """What stands around the unit, cycle by cycle."""

    def __init__(
        self, bench: Bench, maps: Maps, strips: list[Strip | None], latency: int, *, pauses: bool = True
    ) -> None:
        self.bench, self.unit, self.p = bench, bench.unit, bench.parameters
        self.maps, self.strips, self.latency = maps, strips, latency
        self.cycle = 0
        self.commands = [(strip.instruction if strip else Instruction(Op.LINEAR)).pack() for strip in strips]
        self.sent = 0  # instructions taken
        self.reading: deque[tuple[int, int]] = deque()  # (due, beat)
        self.loading = 0  # the strip whose rows are asked for
        self.left = [self.beats(strip) for strip in strips]
        self.stored = [0, 0]  # instructions, channels of the next one
        self.convs = [n for n, strip in enumerate(strips) if strip]
        self.words: list[list[tuple[int, int]]] = [[] for _ in self.convs]  # (cycle, data) of each strip
        self.at = 0  # the strip, of `convs`, whose words come
        self.written = self.released = 0  # words in all
        self.pauses, self.slow = pauses, False  # words are given back

    def beats(self, strip: Strip | None) -> int:
        """That a strip loads in all."""
        if strip is None:
            return 0
        i, n = strip.instruction, int(self.p["N"])
        rows = sum(n - (ty == 0) * i.top - (ty == i.tiles_y - 1) * i.bottom for ty in range(i.tiles_y))
        if (
            n > 3 and 2 * i.load_line_beats <= self.p["LINE_DEPTH"]
        ):  # what windows have in common is loaded once
            twice = i.tiles_y - 1 - (i.tiles_y > 1 and i.bottom == n - 2)
            rows -= twice * (1 if i.stride2 else 2)
        each = (i.words - 1) * self.maps.pi + i.in_lanes
        return rows * i.load_line_beats * i.groups * each

    def channels_stored(self, number: int) -> int:
        """By instruction `number`: channels of the map that it makes; all, where it is complete."""
        return 1 << 16 if number < self.stored[0] else self.stored[1] if number == self.stored[0] else 0

    def command(self, addr: int, beats: int) -> None:
        """Rows are asked for: of the strip in turn, of no channel that is not stored."""
        while self.left[self.loading] == 0:
            self.loading += 1
        strip = self.strips[self.loading]
        assert strip is not None
        self.left[self.loading] -= beats
        assert self.left[self.loading] >= 0, f"strip {self.loading}: a command for more than its rows"
        size = self.maps.bd
        for n in range(beats):
            place = (addr + n * size) % ADDR
            assert place in strip.channel_of, f"strip {self.loading}: {place:#x} is none of its rows"
            producer = self.loading - strip.instruction.depends
            channel = strip.channel_of[place]
            if strip.instruction.depends:
                assert self.channels_stored(producer) > channel, (
                    f"channel {channel} is not stored and was read"
                )
            beat = int.from_bytes(self.maps.memory[place : place + size], "little")
            self.reading.append((self.cycle + self.latency, beat))

    def word(self, addr: int, data: int) -> None:
        """One goes into the data memory: the next of its strip, to the ring's next place, which is free."""
        depth = int(self.p["WORD_DEPTH"])
        assert addr == self.written % depth, f"word {self.written} goes to {addr}"
        assert self.written - self.released < depth, f"word {self.written} goes where one stands"
        self.written += 1
        self.words[self.at].append((self.cycle, data))
        if len(self.words[self.at]) == len(self.expected(self.at).words):
            self.at += 1

    def expected(self, strip: int) -> Strip:
        found = self.strips[self.convs[strip]]
        assert found is not None
        return found

    def store(self) -> None:
        """Now and then a channel of an instruction whose words are all there; linear ones in their turn."""
        number, channels = self.stored
        if number >= len(self.strips) or self.bench.dice.random() < 0.9:
            return
        done = self.strips[number] is None or self.convs.index(number) < self.at
        if done and number < self.sent:
            following = next((s for s in self.strips[number + 1 :] if s), None)
            last = max(following.channel_of.values()) if following else 0
            self.stored = [number + 1, 0] if channels >= last else [number, channels + 1]

    def release(self) -> int:
        """Whether a word is given back: soon or after long."""
        if self.pauses and self.bench.dice.random() < 0.02:
            self.slow = not self.slow
        return int(self.released < self.written and self.bench.dice.random() < (0.5, 0.02)[self.slow])

    async def run(self) -> None:
        """Until all strips are there, and some cycles on."""
        unit, dice, bench = self.unit, self.bench.dice, self.bench
        zero = dict.fromkeys(
            ("s_cmd_tvalid", "s_cmd_tdata", "s_axis_tvalid", "s_axis_tdata", "m_read_tready"), 0
        )
        await bench.reset(stored_count=0, stored_channels=0, released=0, **zero)
        command = beat = False
        quiet, released = 0, 0
        while quiet < (HUNG if self.at < len(self.convs) else 100):
            command = command or (self.sent < len(self.commands) and dice.random() >= bench.idle)
            beat = beat or bool(
                self.reading and self.reading[0][0] <= self.cycle and dice.random() >= bench.idle
            )
            unit.s_cmd_tvalid.value = int(command)
            if command:
                unit.s_cmd_tdata.value = int.from_bytes(self.commands[self.sent], "little")
            unit.s_axis_tvalid.value = int(beat)
            if beat:
                unit.s_axis_tdata.value = self.reading[0][1]
            ready = int(dice.random() >= bench.pause)
            unit.m_read_tready.value = ready
            unit.stored_count.value, unit.stored_channels.value = self.stored
            unit.released.value = released
            await FallingEdge(bench.clk)
            if ready and unit.m_read_tvalid.value == 1:
                self.command(*reversed(divmod(int(unit.m_read_tdata.value), ADDR)))
            if command and unit.s_cmd_tready.value == 1:
                self.sent, command = self.sent + 1, False
            if beat and unit.s_axis_tready.value == 1:
                self.reading.popleft()
                beat = False
            quiet += 1
            self.released += released
            if unit.word_we.value == 1:
                assert self.at < len(self.convs), "a word after the last"
                self.word(int(unit.word_addr.value), int(unit.word_data.value))
                quiet = 0
            self.store()
            released = self.release()
            await RisingEdge(bench.clk)
            self.cycle += 1
        assert self.at == len(self.convs), f"stuck: {self.at} of {len(self.convs)} strips"
        assert self.sent == len(self.commands), "an instruction was not taken"
        assert not any(self.left), "rows were not loaded"

    def check(self) -> None:
        """Every value of every channel."""
        n, pi, bits = self.p["N"], self.p["PI"], self.p["DATA_W"]
        for strip, got in enumerate(self.words):
            expected = self.expected(strip)
            for number, (_, data) in enumerate(got):
                lanes = unpack(data, n * n * pi, bits, signed=True)
                word = np.array(lanes).reshape(n, n, pi).transpose(2, 0, 1)
                valid = expected.lanes[number]
                assert np.array_equal(word[:valid], expected.words[number][:valid]), (
                    f"strip {strip}, word {number}: {expected.instruction}"
                )


def maps_of(bench: Bench) -> Maps:
    p = bench.parameters
    return Maps(p["N"], p["PI"], p["T_MAX"], p["BD"], p["LINE_DEPTH"], bench.dice)


@partial(over_cases, patterns=("flowing", "idle", "both"))
async def equals_golden(bench: Bench) -> None:
    """Chains of layers: most load what the last strip of the one before stores, channel by channel."""
    maps = maps_of(bench)
    strips: list[Strip | None] = []
    for number in range(LAYERS):
        layer = maps.random_layer() if number else POINT
        if number in HIGH:
            step, many = bench.parameters["N"] - 2, 8 * bench.parameters["PI"]
            layer = Layer(channels=many, height=2 * step + 1, width=step, stride=1, signed=number > 1)
        base, x = maps.place(layer)
        depends = int(number > 0 and bench.dice.random() < 0.6)
        made = maps.strips(
            layer, depends, base, x, chunk=bench.dice.choice([0, 0, 1, 2]), high=number in HIGH
        )
        strips += made
        if number == 2:  # a linear layer, and the next frame's first layer behind it
            strips.append(None)
    engine = Engine(bench, maps, strips, 3 if bench.stalls == "flowing" else bench.dice.choice([1, 20, 60]))
    await engine.run()
    engine.check()


@partial(over_cases, patterns=("flowing",))
async def keeps_its_rate(bench: Bench) -> None:
    """Where rows come faster than windows: N cycles a word, from set to set and strip to strip as well."""
    p = bench.parameters
    maps, size = maps_of(bench), p["N"]
    columns = min(p["T_MAX"], (p["LINE_DEPTH"] * p["BD"] // 2) // (size - 1))
    layers = [
        Layer(2 * p["PI"], step, columns * step, stride) for stride, step in ((2, size - 1), (1, size - 2))
    ]
    loading = p["PI"] * size * -(-layers[0].width // p["BD"]) + 8
    if columns * size < loading:
        return
    strips: list[Strip | None] = []
    for layer in layers:
        base, x = maps.place(layer)
        strips += maps.strips(layer, 0, base, x)
    engine = Engine(bench, maps, strips, 3, pauses=False)
    await engine.run()
    engine.check()
    cycles = [cycle for strip in engine.words for cycle, _ in strip]
    planned = size * (len(cycles) - 1)
    if bench.stalls == "flowing":
        assert cycles[-1] - cycles[0] == planned, f"words came in cycles {cycles}"
