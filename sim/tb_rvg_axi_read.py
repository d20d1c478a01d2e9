# SPDX-License-Identifier: Apache-2.0
"""rvg_axi_read against the memory that it reads: lengths, pages, latencies, answers mixed and erroneous."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from axi_slaves import PAGE, ReadSlave
from cocotb.triggers import FallingEdge, RisingEdge
from streams import SILENCE, Bench, over_cases, pack, unpack

COMMANDS = 12  # of each client
BEATS_W = 24
IDEAL = (3, 3)
PATIENCE = 400  # cycles: longer than the slave takes


def beat_at(addr: int, bits: int) -> int:
    """The contents of the memory: something else at each address."""
    return sum((addr + 1) * 0x9E3779B1 * (n + 1) % (1 << 32) << 32 * n for n in range(-(-bits // 32))) % (
        1 << bits
    )


class Clients:
    """All clients of one unit, and the slave behind it."""

    def __init__(
        self, bench: Bench, latency: tuple[int, int], pause: float, errors: Sequence[int] = ()
    ) -> None:
        p = bench.parameters
        self.bench, self.unit = bench, bench.unit
        self.count, self.bits, self.addr_w = p["CLIENTS"], p["DATA_W"], p["ADDR_W"]
        self.bytes, self.burst = self.bits // 8, p["MAX_BURST"]
        self.slave = ReadSlave(self.unit, bench.dice, self.bytes, latency, pause,
                               lambda addr: beat_at(addr, self.bits), errors)  # fmt: skip

    def command(self) -> tuple[int, int]:
        """(address, beats): short and long, from page to page."""
        dice = self.bench.dice
        beats = dice.choice([1, 2, 3, self.burst, dice.randint(1, 3 * self.burst)])
        page = dice.randrange(1, 64) * PAGE
        return page - self.bytes * dice.choice([0, 1, 2, beats, dice.randrange(64)]), beats

    def reset_values(self) -> dict[str, int]:
        return {"s_cmd_tvalid": 0, "s_cmd_tdata": 0, "m_axis_tready": 0, "halt": 0}

    async def run(
        self, commands: Sequence[Sequence[tuple[int, int]]], cycles: int = 10**9
    ) -> list[list[int]]:
        """Send each client's commands; returns its beats, when no more come or after so many cycles."""
        bench, unit, dice = self.bench, self.unit, self.bench.dice
        wanted = sum(beats for of_client in commands for _, beats in of_client)
        left = [list(of_client) for of_client in commands]
        got: list[list[int]] = [[] for _ in commands]
        offered, quiet = 0, 0
        held: list[int | None] = [None] * self.count
        for _ in range(cycles):
            for c, queue in enumerate(left):
                if queue and not offered >> c & 1 and dice.random() >= bench.idle:
                    offered |= 1 << c
            heads = [q[0] if offered >> c & 1 else (0, 0) for c, q in enumerate(left)]
            words = [beats << self.addr_w | addr % (1 << self.addr_w) for addr, beats in heads]
            unit.s_cmd_tdata.value = pack(words, BEATS_W + self.addr_w)
            unit.s_cmd_tvalid.value = offered
            unit.m_axis_tready.value = ready = pack([dice.random() >= bench.pause for _ in commands], 1)
            await FallingEdge(bench.clk)
            self.slave.sample()
            taken = offered & int(unit.s_cmd_tready.value)
            valid = int(unit.m_axis_tvalid.value)
            data = unpack(unit.m_axis_tdata.value.to_unsigned(), self.count, self.bits)
            for c in range(self.count):
                if valid >> c & 1:
                    assert held[c] in (None, data[c]), f"client {c}: a beat changed while it was not taken"
                    held[c] = None if ready >> c & 1 else data[c]
                    if ready >> c & 1:
                        got[c].append(data[c])
                else:
                    assert held[c] is None, f"client {c}: a beat was withdrawn"
                if taken >> c & 1:
                    left[c].pop(0)
            offered &= ~taken
            await RisingEdge(bench.clk)
            self.slave.drive()
            quiet = 0 if valid & ready else quiet + 1
            if quiet >= (SILENCE if sum(map(len, got)) >= wanted else PATIENCE):
                break
        return got

    def check(self, commands: Sequence[Sequence[tuple[int, int]]], got: Sequence[Sequence[int]]) -> None:
        for c, (of_client, beats) in enumerate(zip(commands, got, strict=True)):
            expected = [
                beat_at((addr + n * self.bytes) % (1 << self.addr_w), self.bits)
                for addr, count in of_client
                for n in range(count)
            ]
            assert list(beats) == expected, (
                f"client {c}: {len(beats)} beats, expected {len(expected)}, or others"
            )


def stalled(bench: Bench) -> tuple[tuple[int, int], float]:
    """The slave's latency and pauses; where only the clients pause, it is faster than they are."""
    return ((1, 40), bench.idle) if bench.stalls != "flowing" else (IDEAL, 0.0)


@over_cases
async def reads_what_was_asked_for(bench: Bench) -> None:
    clients = Clients(bench, *stalled(bench))
    commands = [[clients.command() for _ in range(COMMANDS)] for _ in range(clients.count)]
    await bench.reset(**clients.reset_values())
    got = await clients.run(commands)
    clients.check(commands, got)
    assert bench.unit.idle.value == 1
    assert bench.unit.error.value == 0
    assert bench.unit.beats.value.to_unsigned() == sum(map(len, got))
    assert all(burst.beats <= clients.burst for burst in clients.slave.bursts), "a burst above MAX_BURST"


@partial(over_cases, patterns=("flowing",))
async def one_beat_a_cycle(bench: Bench) -> None:
    """An ideal slave, one long command: no cycle without a beat, over pages too."""
    clients = Clients(bench, IDEAL, 0.0)
    await bench.reset(**clients.reset_values())
    if clients.burst < 2 or bench.parameters["DEPTH"] < 2 * clients.burst + 8:
        return
    bench.idle = bench.pause = 0.0
    commands = [[(PAGE - 5 * clients.bytes, 600)], *[[] for _ in range(clients.count - 1)]]
    clients.check(commands, await clients.run(commands))
    taken = clients.slave.taken
    assert taken[-1] - taken[0] == len(taken) - 1, f"{len(taken)} beats in {taken[-1] - taken[0] + 1} cycles"


@partial(over_cases, patterns=("flowing", "both"))
async def an_error_stays(bench: Bench) -> None:
    """A beat with SLVERR is delivered; the flag rises with it and not before."""
    addr = 3 * PAGE
    clients = Clients(bench, *stalled(bench), errors=[addr + clients_bytes(bench)])
    await bench.reset(**clients.reset_values())
    others: list[list[tuple[int, int]]] = [[] for _ in range(clients.count - 1)]
    for beats, error in ((1, 0), (3, 1), (1, 1)):
        commands = [*others, [(addr, beats)]]
        clients.check(commands, await clients.run(commands))
        assert bench.unit.error.value == error, f"error is {bench.unit.error.value} after {beats} beats"


def clients_bytes(bench: Bench) -> int:
    return int(bench.parameters["DATA_W"]) // 8


@partial(over_cases, patterns=("flowing", "both"))
async def halts(bench: Bench) -> None:
    """In the midst of commands: what is under way ends, nothing more begins; after a reset all is as new."""
    clients = Clients(bench, *stalled(bench))
    commands = [[(PAGE * (c + 1), 200)] for c in range(clients.count)]
    await bench.reset(**clients.reset_values())
    await clients.run(commands, cycles=60)
    bench.unit.halt.value = 1
    await clients.run([[] for _ in commands], cycles=2)
    begun = len(clients.slave.bursts) + int(bench.unit.m_axi_arvalid.value)
    await clients.run([[] for _ in commands], cycles=400)
    assert len(clients.slave.bursts) <= begun, "a burst was begun after halt"
    assert all(burst.done == burst.beats for burst in clients.slave.bursts)
    assert bench.unit.idle.value == 1, "not idle after all answers"
    await bench.reset(**clients.reset_values())
    commands = [[clients.command()] for _ in range(clients.count)]
    clients.check(commands, await clients.run(commands))


@partial(over_cases, patterns=("flowing",))
async def serves_in_turn(bench: Bench) -> None:
    """Where all wait, all have one burst, then all have another."""
    clients = Clients(bench, IDEAL, 0.0)
    await bench.reset(**clients.reset_values())
    bench.idle = bench.pause = 0.0
    commands = [[(PAGE * (c + 1), 8 * clients.burst)] for c in range(clients.count)]
    clients.check(commands, await clients.run(commands))
    order = [burst.ident for burst in clients.slave.bursts][: 3 * clients.count]
    for first in range(0, len(order), clients.count):
        assert len({*order[first : first + clients.count]}) == clients.count, f"in the order of {order}"
