# SPDX-License-Identifier: Apache-2.0
"""rvg_engine_write_mux: each client's beats at its own addresses, its commands in order, its own answers."""

from __future__ import annotations

import cocotb
from cocotb.triggers import FallingEdge, RisingEdge
from streams import Bench, over_cases
from write_port import Command, WritePort

COMMANDS = (30, 40)


class Client:
    """One client's commands and beats, and its answers."""

    def __init__(self, bench: Bench, number: int, lines: dict[str, list[int]]) -> None:
        self.bench, self.number, self.lines = bench, number, lines
        self.bytes = bench.parameters["WIDTH"] // 8
        self.commands: list[Command] = []
        self.beats: list[int] = []
        address = 0x100000 * (number + 1)
        for index in range(COMMANDS[number]):
            count = int(bench.rng.integers(1, 6))
            last = int(index == COMMANDS[number] - 1 or bench.rng.integers(2))
            self.commands.append(Command(last, count, address))
            self.beats += [bench.dice.getrandbits(8 * self.bytes) for _ in range(count)]
            address += count * self.bytes

    async def play(self, stream: str, width: int, words: list[int]) -> None:
        """One stream of this client, packed beside the other's."""
        bench, unit = self.bench, self.bench.unit
        data, valid = self.lines[f"{stream}_tdata"], self.lines[f"{stream}_tvalid"]

        def drive() -> None:
            getattr(unit, f"{stream}_tdata").value = data[1] << width | data[0]
            getattr(unit, f"{stream}_tvalid").value = valid[1] << 1 | valid[0]

        for word in words:
            while bench.dice.random() < bench.idle:
                await RisingEdge(bench.clk)
            data[self.number], valid[self.number] = word, 1
            drive()
            taken = False
            while not taken:
                await FallingEdge(bench.clk)
                taken = bool(getattr(unit, f"{stream}_tready").value.to_unsigned() >> self.number & 1)
                await RisingEdge(bench.clk)
            valid[self.number] = 0
            drive()


async def listen(bench: Bench, answers: list[int]) -> None:
    """The clients that are told of an answer, one after another."""
    while True:
        await FallingEdge(bench.clk)
        told = bench.unit.done.value.to_unsigned()
        answers += [number for number in range(2) if told >> number & 1]


@over_cases
async def clients_share_a_port(bench: Bench) -> None:
    width = bench.parameters["WIDTH"]
    lines = {f"{s}_{n}": [0, 0] for s in ("s_cmd", "s_axis") for n in ("tdata", "tvalid")}
    clients = [Client(bench, number, lines) for number in range(2)]
    port = WritePort(bench, width // 8)
    await bench.reset(s_cmd_tvalid=0, s_axis_tvalid=0, cmd_tready=0, m_axis_tready=0, write_done=0)
    cocotb.start_soon(port.run())
    for client in clients:
        commands = [c.last << 56 | c.beats << 32 | c.address for c in client.commands]
        for task in (client.play("s_cmd", 57, commands), client.play("s_axis", width, client.beats)):
            cocotb.start_soon(task)
    answers: list[int] = []
    cocotb.start_soon(listen(bench, answers))
    wanted = [sum(command.last for command in client.commands) for client in clients]
    await port.until(sum(wanted), patience=300)
    await bench.cycles(3)
    assert answers == [(command.address >> 20) - 1 for _, command in port.came if command.last]
    port.nothing_left()
    for client in clients:
        base = 0x100000 * (client.number + 1)
        came = [command for _, command in port.came if command.address >> 20 == client.number + 1]
        assert came == client.commands
        for number, beat in enumerate(client.beats):
            at = base + number * client.bytes
            got = bytes(port.memory[at + k] for k in range(client.bytes))
            assert int.from_bytes(got, "little") == beat, f"client {client.number}, beat {number}"
    if bench.stalls == "flowing" and bench.parameters["DEPTH"] > 2:
        first, last = port.beats[0], port.beats[-1]
        assert last - first + 1 == sum(len(client.beats) for client in clients), "not a beat a cycle"
