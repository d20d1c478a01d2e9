# SPDX-License-Identifier: Apache-2.0
"""rvg_stream_registers: each word as the register map says; a run's life; strobes; what is refused."""

from __future__ import annotations

from typing import Any

import cocotb
from axi_lite_master import OKAY, SLVERR, AxiLiteMaster
from cocotb.triggers import FallingEdge, RisingEdge
from streams import Bench, over_cases

from repvgg_hw.plan.registers import Access
from repvgg_hw.plan.stream.registers import ERRORS, REGISTERS

AT = {register.name: register.offset for register in REGISTERS}
BIT = {f"{r.name}.{f.name}": 1 << f.low for r in REGISTERS for f in r.fields}
START, ABORT = BIT["CONTROL.START"], BIT["CONTROL.ABORT"]
BUSY, DONE, INTERRUPT = BIT["STATUS.BUSY"], BIT["STATUS.DONE"], BIT["STATUS.INTERRUPT"]
CODE = {name: code for name, (code, _) in ERRORS.items()}
ALL = 0xF  # strobes


async def begin(bench: Bench) -> AxiLiteMaster:
    await bench.reset(done=0, code=0, frame_done=0)
    master = AxiLiteMaster(bench)
    await master.idle()
    return master


@over_cases
async def every_word(bench: Bench) -> None:
    """Values after reset, writes with strobes, addresses without a register."""
    p, master = bench.parameters, await begin(bench)
    built = {
        "NETWORK": p["NETWORK"], "FRAME_BYTES": p["FRAME_BYTES"], "RESULT_BYTES": p["RESULT_BYTES"],
        "RESULT": p["LOGITS"] << 8 | p["TOP"],
    }  # fmt: skip
    reset = {r.name: built[r.name] if r.reset is None else r.reset for r in REGISTERS}
    words = await master.read([r.offset for r in REGISTERS])
    assert words == [(reset[r.name], OKAY) for r in REGISTERS]
    free = [r for r in REGISTERS if r.access == Access.WRITE and not r.fields]
    assert len(free) == 2
    values = {r.name: reset[r.name] for r in free}
    for register in free:
        data, strobes = bench.dice.getrandbits(32), bench.dice.getrandbits(4)
        assert await master.write([(register.offset, data, strobes)]) == [OKAY]
        mask = sum(0xFF << 8 * i for i in range(4) if strobes >> i & 1)
        values[register.name] = values[register.name] & ~mask | data & mask
    for register in free:
        assert await master.read([register.offset]) == [(values[register.name], OKAY)]
    refused = [r.offset for r in REGISTERS if r.access == Access.READ]
    beyond = [4 * len(REGISTERS)] if 4 * len(REGISTERS) < 1 << p["ADDR_W"] else []
    assert set(await master.write([(a, 1, ALL) for a in (*refused, *beyond)])) == {SLVERR}
    assert all(resp == SLVERR for _, resp in await master.read(beyond))
    words = await master.read([AT["ID"], AT["FRAMES"]])
    assert words == [(reset["ID"], OKAY), (values["FRAMES"], OKAY)]
    assert bench.unit.frames.value.to_unsigned() == values["FRAMES"]
    assert bench.unit.watchdog.value.to_unsigned() == values["WATCHDOG"]


@over_cases
async def runs_begin_and_end(bench: Bench) -> None:
    """Start, start while busy, abort, what a run locks, counts, the interrupt, errors; twice."""
    unit, master = bench.unit, await begin(bench)
    pulses = {"start": 0, "stop": 0}

    async def count() -> None:
        while True:
            await FallingEdge(bench.clk)
            for name in pulses:
                pulses[name] += int(getattr(unit, name).value)

    cocotb.start_soon(count())

    async def word(name: str) -> int:
        ((data, resp),) = await master.read([AT[name]])
        assert resp == OKAY
        return data

    async def write(name: str, data: int) -> int:
        (resp,) = await master.write([(AT[name], data, ALL)])
        await bench.cycles(3)
        return resp

    for number, code in enumerate(("none", "long")):
        assert await write("ENABLE", number) == OKAY
        assert await write("FRAMES", 5 + number) == OKAY
        assert await write("CONTROL", ABORT) == OKAY  # nothing is at work
        assert pulses == {"start": number, "stop": number}
        assert await write("CONTROL", START) == OKAY
        assert pulses["start"] == number + 1
        assert await word("STATUS") & (BUSY | DONE) == BUSY
        assert await write("FRAMES", 77) == SLVERR
        assert await write("WATCHDOG", 77) == SLVERR
        assert (await word("FRAMES"), await word("WATCHDOG")) == (5 + number, 0)
        assert await word("STATUS") >> 8 == 0
        if number == 0:
            assert await write("CONTROL", START) == OKAY
            assert pulses["start"] == 1, "the run at work was started again"
            assert await word("STATUS") >> 8 == CODE["busy"]
        assert await write("CONTROL", ABORT) == OKAY
        assert pulses["stop"] == number + 1
        before = await word("CYCLES_LOW")
        unit.frame_done.value = 1
        await bench.cycles(3)
        unit.frame_done.value = 0
        await end(bench, unit, CODE[code])
        said = CODE["busy"] if code == "none" else CODE[code]
        assert unit.irq.value == number
        assert await word("STATUS") == said << 8 | INTERRUPT | DONE
        after = await word("CYCLES_LOW")
        assert after == await word("CYCLES_LOW") > before
        assert (await word("CYCLES_HIGH"), await word("FRAMES_DONE")) == (0, 3)
        assert await write("STATUS", 0xFFFFFFFF if number else DONE) == OKAY
        assert await word("STATUS") == (0 if number else said << 8 | INTERRUPT)
        assert unit.irq.value == 0


async def end(bench: Bench, unit: Any, code: int) -> None:
    """The run's own end."""
    unit.done.value, unit.code.value = 1, code
    await RisingEdge(bench.clk)
    unit.done.value, unit.code.value = 0, 0
    await bench.cycles(2)
