# SPDX-License-Identifier: Apache-2.0
"""dram_model: it reads what was loaded and written, at its latency and rate; each broken rule is named."""

from __future__ import annotations

import os
from collections import deque
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from cocotb.triggers import FallingEdge, RisingEdge
from streams import Bench, over_cases

FOLDER = Path(os.environ["DRAM_FOLDER"])
LATENCY = (5, 60)  # as the simulation's plusargs say
ERROR_AT, ERROR_BURST = 0x3018, 30
PAGE, INCR, IDLE = 4096, 1, 0.3
LIMIT = 6000  # cycles of a bench


@dataclass
class Master:
    """One port: what it still has to send, channel by channel, and what came."""

    bytes: int
    waiting: dict[str, deque[tuple[int, ...]]] = field(
        default_factory=lambda: {"ar": deque(), "aw": deque(), "w": deque()}
    )
    offered: dict[str, tuple[int, ...] | None] = field(
        default_factory=lambda: dict.fromkeys(("ar", "aw", "w"))
    )
    withdraw: str = ""  # a channel whose offer is changed before it is taken
    reads: list[tuple[int, int, int, int]] = field(default_factory=list)  # cycle, data, response, last
    asked: list[int] = field(default_factory=list)  # cycles in which reads were accepted
    answers: list[int] = field(default_factory=list)  # responses to writes

    def read(self, addr: int, beats: int, ident: int = 0, kind: int = INCR) -> None:
        self.waiting["ar"].append((ident, addr, beats - 1, self.bytes.bit_length() - 1, kind))

    def write(self, addr: int, beats: list[int], ident: int = 0, last: int = -1, strobes: int = -1) -> None:
        """last: the beat with WLAST, the last one where not given."""
        self.waiting["aw"].append((ident, addr, len(beats) - 1, self.bytes.bit_length() - 1, INCR))
        last = len(beats) - 1 if last < 0 else last
        ones = (1 << self.bytes) - 1 & strobes
        self.waiting["w"].extend((beat, ones, int(n == last)) for n, beat in enumerate(beats))

    @property
    def idle(self) -> bool:
        return not any(self.waiting.values()) and not any(self.offered.values())


class Masters:
    """All ports of one model."""

    def __init__(self, bench: Bench, idle: float = IDLE) -> None:
        p = bench.parameters
        self.bench, self.unit, self.idle = bench, bench.unit, idle
        self.ports = [Master(p["BYTES"] >> 8 * n & 255) for n in range(p["PORTS"])]
        self.lanes = {"id": p["ID_W"], "addr": p["ADDR_W"], "len": 8, "size": 3, "burst": 2}
        self.lanes |= {"data": p["DATA_W"], "strb": p["DATA_W"] // 8, "last": 1, "resp": 2}
        self.cycle = 0

    def fields(self, channel: str) -> tuple[str, ...]:
        return ("data", "strb", "last") if channel == "w" else ("id", "addr", "len", "size", "burst")

    async def reset(self) -> None:
        zero = {f"s_axi_{c}{f}": 0 for c in ("ar", "aw", "w") for f in (*self.fields(c), "valid")}
        await self.bench.reset(dump=0, s_axi_rready=0, s_axi_bready=0, **zero)

    def value(self, name: str, port: int) -> int:
        """One port's lane of an output."""
        bits = next((n for end, n in self.lanes.items() if name in (f"r{end}", f"b{end}")), 1)
        return int(getattr(self.unit, f"s_axi_{name}").value) >> bits * port & (1 << bits) - 1

    async def step(self) -> None:
        """One cycle of all ports."""
        dice, unit = self.bench.dice, self.unit
        for channel in ("ar", "aw", "w"):
            for port in self.ports:
                if port.offered[channel] is None and port.waiting[channel] and dice.random() >= self.idle:
                    port.offered[channel] = port.waiting[channel].popleft()
            offers = [port.offered[channel] for port in self.ports]
            for n, name in enumerate(self.fields(channel)):
                word = sum(offer[n] << self.lanes[name] * p for p, offer in enumerate(offers) if offer)
                getattr(unit, f"s_axi_{channel}{name}").value = word
            getattr(unit, f"s_axi_{channel}valid").value = sum(
                1 << p for p, offer in enumerate(offers) if offer
            )
        ready = [sum(int(dice.random() >= self.idle) << p for p in range(len(self.ports))) for _ in range(2)]
        unit.s_axi_rready.value, unit.s_axi_bready.value = ready
        await FallingEdge(self.bench.clk)
        for p, port in enumerate(self.ports):
            for channel in ("ar", "aw", "w"):
                if port.offered[channel] is not None:
                    taken = self.value(f"{channel}ready", p)
                    if taken and channel == "ar":
                        port.asked.append(self.cycle)
                    if taken or port.withdraw == channel:
                        port.offered[channel] = None
            if self.value("rvalid", p) and ready[0] >> p & 1:
                beat = self.value("rdata", p), self.value("rresp", p), self.value("rlast", p)
                port.reads.append((self.cycle, *beat))
            if self.value("bvalid", p) and ready[1] >> p & 1:
                port.answers.append(self.value("bresp", p))
        await RisingEdge(self.bench.clk)
        self.cycle += 1

    async def until(self, reads: int, answers: int) -> None:
        """So many beats and answers have come at port 0."""
        while len(self.ports[0].reads) < reads or len(self.ports[0].answers) < answers:
            await self.step()
            assert self.cycle < LIMIT, (
                f"stuck: {len(self.ports[0].reads)} beats, {len(self.ports[0].answers)} answers"
            )

    def broken(self) -> set[int]:
        """The rules that were broken since the reset."""
        rules = int(self.unit.rules.value)
        return {rules >> 8 * n & 255 for n in range(2 * len(self.ports) + 1)} - {0}


def little(beat: int, bytes_: int) -> bytes:
    return beat.to_bytes(bytes_, "little")


flowing = partial(over_cases, patterns=("flowing",))


@flowing
async def reads_what_is_there(bench: Bench) -> None:
    """Loaded at two places, then written, read back and dumped."""
    masters = Masters(bench)
    await masters.reset()
    port, size = masters.ports[0], masters.ports[0].bytes
    memory = bytearray(bench.parameters["SIZE"])
    memory[:PAGE] = (FOLDER / "first").read_bytes()
    memory[2 * PAGE : 3 * PAGE] = (FOLDER / "second").read_bytes()
    places = [
        (bench.dice.randrange(0, 3 * PAGE // size // 16) * 16 * size, bench.dice.randint(1, 16))
        for _ in range(12)
    ]
    for addr, beats in places:
        port.read(addr, beats)
    total = sum(beats for _, beats in places)
    await masters.until(total, 0)
    expected = [memory[addr + n * size :][:size] for addr, beats in places for n in range(beats)]
    assert [little(data, size) for _, data, _, _ in port.reads] == expected
    lasts = [int(n == beats - 1) for _, beats in places for n in range(beats)]
    assert [last for *_, last in port.reads] == lasts
    first = 0
    for asked, (_, beats) in zip(port.asked, places, strict=True):
        assert port.reads[first][0] - asked >= LATENCY[0], "a burst was answered before its time"
        first += beats
    written = list(range(0, 16 * 10 * size, 16 * size))
    for addr in written:
        sent = [bench.dice.getrandbits(8 * size) for _ in range(16)]
        mask = bench.dice.getrandbits(size)
        port.write(addr, sent, strobes=mask)
        for n, beat in enumerate(sent):
            for b in range(size):
                if mask >> b & 1:
                    memory[addr + n * size + b] = little(beat, size)[b]
    await masters.until(total, len(written))
    assert port.answers == [0] * len(written)
    for addr in written:
        port.read(addr, 16)
    await masters.until(total + 16 * len(written), len(written))
    expected = [memory[n : n + size] for n in range(0, 160 * size, size)]
    assert [little(data, size) for _, data, _, _ in port.reads[total:]] == expected
    bench.unit.dump.value = 1
    await bench.cycles(2)
    assert (FOLDER / "dump").read_bytes() == memory, "the dump is not the memory"
    assert masters.broken() == set()


@flowing
async def answers_with_errors(bench: Bench) -> None:
    """SLVERR (2) at an address, DECERR (3) for the burst of a number."""
    masters = Masters(bench)
    await masters.reset()
    port, size = masters.ports[0], masters.ports[0].bytes
    start = ERROR_AT // 64 * 64
    port.read(start, 64 // size)
    await masters.until(64 // size, 0)
    hit = (ERROR_AT - start) // size
    assert [response for _, _, response, _ in port.reads] == [2 * (n == hit) for n in range(64 // size)]
    for number in range(2, ERROR_BURST + 2):
        port.read(8 * PAGE // 2, 1)
        await masters.until(64 // size + number - 1, 0)
        assert port.reads[-1][2] == 3 * (number == ERROR_BURST), f"burst {number}"
    for number in range(1, ERROR_BURST + 2):
        port.write(start if number == 5 else 0, [number] * (64 // size))
        await masters.until(0, number)
        assert port.answers[-1] == {5: 2, ERROR_BURST: 3}.get(number, 0), f"burst {number}"


@flowing
async def keeps_its_rate(bench: Bench) -> None:
    """All ports read and write as fast as they can: the beats of all together."""
    p = bench.parameters
    masters = Masters(bench, idle=0.0)
    await masters.reset()
    for n, port in enumerate(masters.ports):
        for burst in range(40):
            port.read((2 * n * 8 + burst % 8) * 512 % p["SIZE"], 16)
            port.write(((2 * n + 1) * 8 + burst % 8) * 512 % p["SIZE"], [burst] * 16)
            for channel in ("ar", "aw"):
                assert len(port.waiting[channel]) == burst + 1
    before = 0
    for cycle in range(600):
        await masters.step()
        if cycle == 200:
            before = moved(masters)
    rate = (moved(masters) - before) / 8 / 399
    limit = p["BEATS_NUM"] / p["BEATS_DEN"]
    assert 0.75 * limit <= rate <= 1.05 * limit, f"{rate:.3f} beats of 64 bits a cycle, {limit} allowed"


def moved(masters: Masters) -> int:
    """Bytes read and written, as far as they are seen."""
    return sum(port.bytes * (len(port.reads) + 640 - len(port.waiting["w"])) for port in masters.ports)


def plant(masters: Masters, rule: int) -> None:
    """What breaks one rule of dram_pkg, at the last port."""
    port = masters.ports[-1]
    size, memory = port.bytes, masters.bench.parameters["SIZE"]
    if rule == 1:
        port.withdraw = "ar" if masters.bench.dice.random() < 0.5 else "w"
        for n in range(20):
            port.read(n * 64, 1)
            port.write(PAGE + n * 64, [n])
    elif rule == 2:
        port.read(PAGE - size, 2)
    elif rule == 3:
        port.write(0, [0] * (masters.bench.parameters["MAX_BURST"] + 1))
    elif rule == 4:
        port.read(0, 4, kind=2)
    elif rule == 5:
        port.read(size // 2, 1)
    elif rule == 6:
        port.read(memory, 1)
    elif rule == 7:
        port.read(0, 1, ident=3)
    elif rule == 8:
        port.write(0, [1, 2, 3, 4], last=2)
    elif rule == 9:
        port.write(memory - 64, [1])
    elif rule == 10:
        port.write(512, [1] * 8)
    elif rule == 11:
        port.read(512, 16)
        port.write(512 + 15 * size, [1])
    elif rule == 12:
        port.write(512, [1] * 4)
        port.write(512 + 2 * size, [1] * 4)


@flowing
async def names_each_broken_rule(bench: Bench) -> None:
    for rule in range(1, 13):
        masters = Masters(bench, idle=0.0)
        await masters.reset()
        await bench.cycles(2)
        plant(masters, rule)
        if rule == 10:  # behind the address of the write
            while not masters.ports[-1].idle:
                await masters.step()
            masters.ports[-1].read(512 + masters.ports[-1].bytes, 1)
        for _ in range(150):
            await masters.step()
        assert rule in masters.broken(), f"rule {rule} was broken, and the model says {masters.broken()}"
