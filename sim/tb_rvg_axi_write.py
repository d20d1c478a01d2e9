# SPDX-License-Identifier: Apache-2.0
"""rvg_axi_write against the memory that it leaves: all lengths, pages, latencies, erroneous answers."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from axi_slaves import PAGE, WriteSlave
from cocotb.triggers import FallingEdge, RisingEdge
from streams import SILENCE, Bench, over_cases

COMMANDS = 16
BEATS_W = 24
IDEAL = (3, 3)
PATIENCE = 400  # cycles: longer than the slave takes
Command = tuple[bool, int, int]  # last, address, beats


class Writer:
    """The unit's two streams, and the slave behind it."""

    def __init__(
        self, bench: Bench, latency: tuple[int, int], pause: float, errors: Sequence[int] = ()
    ) -> None:
        p = bench.parameters
        self.bench, self.unit = bench, bench.unit
        self.bits, self.addr_w, self.burst = p["DATA_W"], p["ADDR_W"], p["MAX_BURST"]
        self.bytes = self.bits // 8
        self.slave = WriteSlave(self.unit, bench.dice, self.bytes, latency, pause, errors)
        self.done: list[int] = []  # beats whose burst had been answered, at each pulse

    def command(self) -> Command:
        """Short and long, from page to page."""
        dice = self.bench.dice
        beats = dice.choice([1, 2, 3, self.burst, dice.randint(1, 3 * self.burst)])
        page = dice.randrange(1, 64) * PAGE
        return (
            dice.random() < 0.4,
            page - self.bytes * dice.choice([0, 1, 2, beats, dice.randrange(64)]),
            beats,
        )

    async def reset(self) -> None:
        zero = dict.fromkeys(("s_cmd_tvalid", "s_cmd_tdata", "s_axis_tvalid", "s_axis_tdata", "halt"), 0)
        await self.bench.reset(**zero)

    def answered_beats(self) -> int:
        """Of bursts whose answer was taken."""
        return sum(burst.beats for burst in self.slave.bursts[: self.slave.answered])

    async def run(self, commands: Sequence[Command], beats: Sequence[int], cycles: int = 10**9) -> None:
        """Send both streams, each at its own pace, until nothing moves any more or for so many cycles."""
        bench, unit, dice, slave = self.bench, self.unit, self.bench.dice, self.slave
        left, data, quiet = list(commands), list(beats), 0
        command_offered = beat_offered = False
        answered = self.answered_beats()
        for _ in range(cycles):
            command_offered = command_offered or (bool(left) and dice.random() >= bench.idle)
            beat_offered = beat_offered or (bool(data) and dice.random() >= bench.idle)
            last, addr, count = left[0] if command_offered else (False, 0, 0)
            word = ((int(last) << BEATS_W) + count << self.addr_w) | addr % (1 << self.addr_w)
            unit.s_cmd_tdata.value, unit.s_cmd_tvalid.value = word, int(command_offered)
            unit.s_axis_tdata.value = data[0] if beat_offered else 0
            unit.s_axis_tvalid.value = int(beat_offered)
            await FallingEdge(bench.clk)
            if unit.done.value == 1:
                self.done.append(answered)
            moved = len(slave.taken), slave.answered
            slave.sample()
            answered = self.answered_beats()
            if command_offered and unit.s_cmd_tready.value == 1:
                left.pop(0)
                command_offered = False
            if beat_offered and unit.s_axis_tready.value == 1:
                data.pop(0)
                beat_offered = False
            await RisingEdge(bench.clk)
            slave.drive()
            quiet = 0 if moved != (len(slave.taken), slave.answered) else quiet + 1
            if quiet >= (PATIENCE if left or data or slave.answers else SILENCE + slave.latency[1]):
                break

    def check(self, commands: Sequence[Command], beats: Sequence[int]) -> None:
        """Memory, strobes, and the pulses of `done`."""
        addresses = [
            (addr + n * self.bytes) % (1 << self.addr_w) for _, addr, count in commands for n in range(count)
        ]
        ones = (1 << self.bytes) - 1
        expected = [(addr, beat, ones) for addr, beat in zip(addresses, beats, strict=True)]
        assert self.slave.written == expected, f"{len(self.slave.written)} beats written, or others"
        ends, sent = [], 0
        for last, _, count in commands:
            sent += count
            ends += [sent] if last else []
        assert len(self.done) == len(ends), f"{len(self.done)} pulses of done, expected {len(ends)}"
        late = [(was, end) for was, end in zip(self.done, ends, strict=True) if was < end]
        assert not late, f"done after (beats answered, beats of the commands): {late}"
        assert self.unit.idle.value == 1
        assert int(self.unit.beats.value) == len(beats)


def stalled(bench: Bench) -> tuple[tuple[int, int], float]:
    """The slave's latency and pauses."""
    return ((1, 40), max(bench.pause, bench.idle)) if bench.stalls != "flowing" else (IDEAL, 0.0)


def beats_of(bench: Bench, commands: Sequence[Command]) -> list[int]:
    return bench.words(sum(count for _, _, count in commands), bench.parameters["DATA_W"])


@over_cases
async def writes_what_was_sent(bench: Bench) -> None:
    writer = Writer(bench, *stalled(bench))
    commands = [writer.command() for _ in range(COMMANDS)]
    beats = beats_of(bench, commands)
    await writer.reset()
    await writer.run(commands, beats)
    writer.check(commands, beats)
    assert bench.unit.error.value == 0
    assert all(burst.beats <= writer.burst for burst in writer.slave.bursts), "a burst above MAX_BURST"


@partial(over_cases, patterns=("flowing",))
async def one_beat_a_cycle(bench: Bench) -> None:
    """An ideal slave, one long command: no cycle without a beat, over pages too."""
    writer = Writer(bench, IDEAL, 0.0)
    if writer.burst < 2 or bench.parameters["BURSTS"] * writer.burst < 16:
        return
    bench.idle = 0.0
    commands = [(True, PAGE - 5 * writer.bytes, 600)]
    beats = beats_of(bench, commands)
    await writer.reset()
    await writer.run(commands, beats)
    writer.check(commands, beats)
    taken = writer.slave.taken
    assert taken[-1] - taken[0] == len(taken) - 1, f"{len(taken)} beats in {taken[-1] - taken[0] + 1} cycles"


@partial(over_cases, patterns=("flowing", "both"))
async def an_error_stays(bench: Bench) -> None:
    writer = Writer(bench, *stalled(bench), errors=[3 * PAGE])
    await writer.reset()
    done: list[Command] = []
    sent: list[int] = []
    for addr, error in ((PAGE, 0), (3 * PAGE, 1), (5 * PAGE, 1)):
        commands = [(True, addr, 2)]
        beats = beats_of(bench, commands)
        await writer.run(commands, beats)
        done, sent = done + commands, sent + beats
        writer.check(done, sent)
        assert bench.unit.error.value == error, f"error is {bench.unit.error.value} after {addr:#x}"


@partial(over_cases, patterns=("flowing", "both"))
async def halts(bench: Bench) -> None:
    """In the midst of a command, where the stream has dried up: what was begun ends without a byte more."""
    writer = Writer(bench, *stalled(bench))
    commands = [(True, PAGE, 200)]
    beats = beats_of(bench, commands)[:30]
    await writer.reset()
    await writer.run(commands, beats, cycles=300)
    bench.unit.halt.value = 1
    await writer.run([], [], cycles=2)
    begun = len(writer.slave.bursts) + int(bench.unit.m_axi_awvalid.value)
    await writer.run([], [], cycles=500)
    slave = writer.slave
    assert len(slave.bursts) <= begun, "a burst was begun after halt"
    assert all(burst.done == burst.beats for burst in slave.bursts), "a burst was not ended"
    kept = [data for _, data, strobes in slave.written if strobes]
    assert kept == beats, f"{len(kept)} beats with bytes, of {len(beats)} that were sent"
    assert bench.unit.idle.value == 1, "not idle after all answers"
    fresh = Writer(bench, *stalled(bench))
    commands = [writer.command()]
    beats = beats_of(bench, commands)
    await fresh.reset()
    await fresh.run(commands, beats)
    fresh.check(commands, beats)
