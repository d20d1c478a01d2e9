"""The DMA of a LiteX SoC, and LiteX's bridge to AXI4-Lite: every word equal, under random latency and pauses.

The bus to DRAM is LiteX's Wishbone; LiteDRAM's AXI port, of which faults are reported, is not used.
"""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import pytest
from quick import some

pytest.importorskip("litex", reason="needs LiteX: pip install 'repvgg-hw[soc]'")
pytest.importorskip("migen", reason="needs LiteX: pip install 'repvgg-hw[soc]'")

import litex_bench
from litex_bench import Memory, Process, Taken, give, start
from migen import passive, run_simulation

BASE = 0x400  # bytes
LENGTHS = (1, 2, 3, 4, 5, 31, 126)
PATIENCE = 800  # cycles


def run(dut: Any, main: Process, *others: Process) -> None:
    run_simulation(dut, [main, *(passive(lambda p=other: p)() for other in others)])


def until(holds: Any) -> Process:
    for _ in range(PATIENCE):
        yield
        if (yield holds):
            return
    raise AssertionError("no end")


def sent(unit: Any, length: int, seed: int) -> None:
    """Two packets, the second at once behind the first, each of `length` bytes."""
    random = Random(seed)
    words = -(-length // 4)
    memory = Memory(unit.bus, {BASE // 4 + i: random.getrandbits(32) for i in range(words + 8)}, random)
    taken = Taken(unit.source, random)

    def main() -> Process:
        for packet in (1, 2):
            yield from start(unit, BASE, length)
            yield from until(unit.done.status)
            for _ in range(PATIENCE):
                if sum(last for *_, last in taken.beats) == packet:
                    break
                yield

    run(unit, main(), memory.process(), taken.process())
    rest = length % 4
    keep = [0xF] * (words - 1) + [(1 << rest) - 1 if rest else 0xF]
    packet = [(memory.words[BASE // 4 + i], keep[i], int(i == words - 1)) for i in range(words)]
    assert (taken.beats, memory.broken, taken.broken) == (packet * 2, "", "")
    assert not memory.writes


def received(unit: Any, length: int, beats: int, seed: int) -> None:
    """A packet of `beats` where there is room for `length` bytes: written in order, to its place alone."""
    random = Random(seed)
    data = [random.getrandbits(32) for _ in range(beats)]
    memory = Memory(unit.bus, {}, random)

    def main() -> Process:
        yield from start(unit, BASE, length)
        yield from until(unit.done.status)
        assert (yield unit.count.status) == 4 * min(beats, length // 4)
        for _ in range(20):
            yield

    run(unit, main(), memory.process(), give(unit.sink, data, random))
    kept = data[: length // 4]
    assert memory.writes == [(BASE // 4 + i, word) for i, word in enumerate(kept)]
    assert memory.broken == ""


def broken_off(unit: Any, after: int, seed: int) -> None:
    """A packet that is broken off while nobody takes it: no access is cut short, the next packet is whole."""
    random = Random(seed)
    memory = Memory(unit.bus, {BASE // 4 + i: random.getrandbits(32) for i in range(200)}, random)
    taken = Taken(unit.source, random, share=0.0, reset=lambda: True)

    def main() -> Process:
        yield from start(unit, BASE, 600)
        for _ in range(after):
            yield
        yield unit.enable.storage.eq(0)
        yield from until(unit.active.status == 0)
        yield
        taken.share = 0.7
        yield from start(unit, BASE + 40, 12)
        for _ in range(200):
            yield

    run(unit, main(), memory.process(), taken.process())
    wanted = [(memory.words[BASE // 4 + 10 + i], 0xF, int(i == 2)) for i in range(3)]
    assert (taken.beats, memory.broken) == (wanted, "")


def all_of_it(module: Any) -> None:
    for length in LENGTHS:
        sent(module.Send(), length, length)
    for length, beats in ((4, 1), (40, 10), (40, 7), (40, 13)):
        received(module.Receive(), length, beats, length + beats)
    for after in (1, 2, 3, 5, 8, 13, 30, 80, 200):
        broken_off(module.Send(), after, after)


def test_every_word_is_where_it_belongs(tmp_path: Path) -> None:
    all_of_it(litex_bench.module(tmp_path, "dma.py"))


FAULTS = {
    "bytes swapped": ('WishboneDMAReader(self.bus, endianness="big")', "WishboneDMAReader(self.bus)"),
    "results swapped": ('WishboneDMAWriter(self.bus, endianness="big")', "WishboneDMAWriter(self.bus)"),
    "no keep": ("self.source.last & (rest != 0)", "0"),
    "one word less": ("self.last.eq(word + 1 == words)", "self.last.eq(word + 2 == words)"),
    "length rounded down": ("(self.length.storage + WORD_BYTES - 1) >> 2", "self.length.storage >> 2"),
    "next word's place": ("self.base.storage[2:] + word)", "self.base.storage[2:] + word + 1)"),
    "results go on": ("self.ends.eq(self.last | self.sink.last)", "self.ends.eq(self.last)"),
    "room is not looked at": ("self.ends.eq(self.last | self.sink.last)", "self.ends.eq(self.sink.last)"),
    "access cut short": (".Elif(self.waits & ~self.enable.storage,", ".Elif(~self.enable.storage,"),
    "old words stay": ("reader.reset.eq(~self.working & ~self.enable.storage)", "reader.reset.eq(0)"),
    "never broken off": (".Elif(self.waits & ~self.enable.storage,", ".Elif(0,"),
}  # fmt: skip


@pytest.mark.parametrize("fault", some(FAULTS, 5))
def test_a_fault_is_found(tmp_path: Path, fault: str) -> None:
    with pytest.raises(AssertionError):
        all_of_it(litex_bench.module(tmp_path, "dma.py", *FAULTS[fault]))


def registers_by_the_bridge(base: int, bridge_base: int) -> list[tuple[str, int, int, int]]:
    """Random accesses by LiteX's Wishbone to a model of an AXI4-Lite slave: none may change on its way.

    Returns ("write" or "read", byte address, strobes or 0, value) of each, as the slave has seen it.
    """
    from litex.soc.interconnect import axi, wishbone

    random = Random(7)
    bus = wishbone.Interface(data_width=32, address_width=32, addressing="word")
    lite = axi.AXILiteInterface(data_width=32, address_width=32)
    dut = axi.Wishbone2AXILite(bus, lite, base_address=bridge_base)
    seen: list[tuple[str, int, int, int]] = []
    asked: list[tuple[str, int, int, int]] = []

    def taken(channel: Any) -> Process:
        for _ in range(random.randrange(4)):
            yield
        yield channel.ready.eq(1)
        yield
        while not (yield channel.valid):
            yield
        yield channel.ready.eq(0)

    def slave() -> Process:
        while True:
            if (yield lite.ar.valid):
                address = yield lite.ar.addr
                yield from taken(lite.ar)
                value = random.getrandbits(32)
                seen.append(("read", address, 0, value))
                yield lite.r.data.eq(value)
                yield lite.r.valid.eq(1)
                yield
                while not (yield lite.r.ready):
                    yield
                yield lite.r.valid.eq(0)
            elif (yield lite.aw.valid) and (yield lite.w.valid):
                address, data, strobes = (yield lite.aw.addr), (yield lite.w.data), (yield lite.w.strb)
                yield from taken(lite.aw)
                yield from taken(lite.w)
                seen.append(("write", address, strobes, data))
                yield lite.b.valid.eq(1)
                yield
                while not (yield lite.b.ready):
                    yield
                yield lite.b.valid.eq(0)
            yield

    def main() -> Process:
        for _ in range(60):
            offset, data, strobes = 4 * random.randrange(64), random.getrandbits(32), random.randrange(1, 16)
            writes = random.random() < 0.5
            for signal, value in ((bus.adr, (base + offset) // 4), (bus.we, writes), (bus.dat_w, data)):
                yield signal.eq(value)
            yield bus.sel.eq(strobes)
            yield bus.stb.eq(1)
            yield bus.cyc.eq(1)
            yield from until(bus.ack)
            value = data if writes else (yield bus.dat_r)
            asked.append(("write" if writes else "read", offset, strobes * writes, value))
            yield bus.stb.eq(0)
            yield bus.cyc.eq(0)
            yield

    run(dut, main(), slave())
    assert seen == asked
    return seen


def test_the_bridge_gives_every_value() -> None:
    kinds = [kind for kind, *_ in registers_by_the_bridge(0x80000000, 0x80000000)]
    assert kinds.count("read") > 10
    assert kinds.count("write") > 10


def test_a_bridge_to_another_place_is_found() -> None:
    with pytest.raises(AssertionError):
        registers_by_the_bridge(0x80000000, 0x80000010)
