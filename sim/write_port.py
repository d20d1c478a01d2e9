# SPDX-License-Identifier: Apache-2.0
"""A write port for benches of units that store: commands and beats into a memory, and answers, with stalls.

The unit's `cmd` stream is {last, beats[24], address[32]}, `m_axis` the beats; each command that is marked
`last` is answered by one cycle of `write_done`, once all its beats came.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from cocotb.triggers import FallingEdge, RisingEdge
from streams import PATIENCE, Bench


class Command(NamedTuple):
    """One write command."""

    last: int
    beats: int
    address: int


class WritePort:
    """Takes what a unit writes; `run` is started as a task.

    memory      byte by address; `twice` names addresses that were written more than once
    came        (cycle, command) of each command, `beats` the cycles of the beats
    acknowledged  answers so far
    """

    def __init__(self, bench: Bench, beat_bytes: int) -> None:
        self.bench, self.beat_bytes = bench, beat_bytes
        self.memory: dict[int, int] = {}
        self.twice: set[int] = set()
        self.came: list[tuple[int, Command]] = []
        self.beats: list[int] = []
        self.acknowledged = 0
        self._open: deque[Command] = deque()
        self._waiting: deque[int] = deque()  # beats without a command
        self._due = 0
        self._done_beats = 0  # of the first open command

    def _settle(self) -> None:
        """Pair beats with commands."""
        while self._open and self._waiting:
            command = self._open[0]
            address = command.address + self._done_beats * self.beat_bytes
            for number, value in enumerate(self._waiting.popleft().to_bytes(self.beat_bytes, "little")):
                if address + number in self.memory:
                    self.twice.add(address + number)
                self.memory[address + number] = value
            self._done_beats += 1
            if self._done_beats == command.beats:
                self._done_beats = 0
                self._due += command.last
                self._open.popleft()

    async def run(self) -> None:
        try:
            await self._play()
        except AssertionError:
            await self.bench.cycles(2)  # the library's assertions are to see it, too
            raise

    async def _play(self) -> None:
        unit, dice, bench = self.bench.unit, self.bench.dice, self.bench
        held: dict[str, int] = {}
        cycle = 0
        while True:
            ready = {name: dice.random() >= bench.pause for name in ("cmd", "m_axis")}
            unit.cmd_tready.value, unit.m_axis_tready.value = int(ready["cmd"]), int(ready["m_axis"])
            answer = self._due > 0 and dice.random() >= bench.idle
            unit.write_done.value = int(answer)
            self._due -= answer
            self.acknowledged += answer
            await FallingEdge(bench.clk)
            for name, taken in ready.items():
                if getattr(unit, f"{name}_tvalid").value == 0:
                    assert name not in held, f"{name}: a beat was withdrawn"
                    continue
                data = getattr(unit, f"{name}_tdata").value.to_unsigned()
                assert held.get(name, data) == data, f"{name}: a beat changed while it was not taken"
                if not taken:
                    held[name] = data
                    continue
                held.pop(name, None)
                if name == "cmd":
                    command = Command(data >> 56, data >> 32 & 0xFFFFFF, data & 0xFFFFFFFF)
                    assert command.beats > 0, "a command without beats"
                    self.came.append((cycle, command))
                    self._open.append(command)
                else:
                    self.beats.append(cycle)
                    self._waiting.append(data)
            self._settle()
            cycle += 1
            await RisingEdge(bench.clk)

    async def until(self, answers: int, patience: int = PATIENCE) -> None:
        """Wait for so many acknowledgements, so many cycles for each."""
        waited = before = 0
        while self.acknowledged < answers:
            waited = waited + 1 if self.acknowledged == before else 0
            before = self.acknowledged
            assert waited < patience, f"stuck after {before} of {answers} acknowledgements"
            await RisingEdge(self.bench.clk)

    def nothing_left(self) -> None:
        """Every beat had a command, and the other way round."""
        assert not [*self._open, *self._waiting], "beats and commands do not fit"
