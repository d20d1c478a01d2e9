# SPDX-License-Identifier: Apache-2.0
"""rvg_engine_registers: every address as the registers' description says, and runs from start to done."""

from __future__ import annotations

from typing import Any

import cocotb
from axi_lite_master import OKAY, SLVERR, AxiLiteMaster
from cocotb.triggers import FallingEdge, RisingEdge
from streams import Bench, over_cases

from repvgg_hw.plan.engine.codes import ERRORS
from repvgg_hw.plan.engine.registers import REGISTERS
from repvgg_hw.plan.registers import Access

AT = {register.name: register.offset for register in REGISTERS}
START, ABORT, BUSY, DONE, INTERRUPT = 1, 2, 1, 2, 4
ALL = 0xF
CODE = {name: code for name, (code, _) in ERRORS.items()}
ENDS = (("none", "none"), ("watchdog", "watchdog"))  # what a run ends with, what the register then says


def written(old: int, data: int, strobes: int) -> int:
    """A word after a write of these bytes."""
    mask = sum(0xFF << 8 * byte for byte in range(4) if strobes >> byte & 1)
    return old & ~mask | data & mask


async def begin(bench: Bench) -> AxiLiteMaster:
    master = AxiLiteMaster(bench)
    await master.idle()
    await bench.reset(
        done=0,
        code=0,
        clear=0,
        frame_done=0,
        weight_read_beats=7,
        data_read_beats=0,
        data_write_beats=0xFFFFFFFF,
    )
    return master


@over_cases
async def registers_are_as_described(bench: Bench) -> None:
    """Reset values, then random reads and writes at every address, back to back."""
    unit, dice, master = bench.unit, bench.dice, await begin(bench)
    values = {r.offset: r.reset for r in REGISTERS if r.reset is not None}
    values[AT["ENGINE"]] = bench.parameters["ENGINE_ID"]
    plain = {r.offset for r in REGISTERS if r.access == Access.WRITE and not r.fields}
    everywhere = range(0, min(1 << bench.parameters["ADDR_W"], 0x100), 4)

    async def compare() -> None:
        got = await master.read(everywhere)
        want = [(values[at], OKAY) if at in values else (0, SLVERR) for at in everywhere]
        assert got == want
        if bench.stalls == "flowing":
            assert master.spent <= 2 * len(got) + 3, f"{master.spent} cycles for {len(got)} reads"

    await compare()
    accesses, want = [], []
    for at in [*everywhere, *everywhere]:
        if at in (AT["CONTROL"], AT["STATUS"], AT["ENABLE"]):
            continue
        data, strobes = dice.getrandbits(32), dice.randrange(16)
        accesses.append((at + dice.randrange(4), data, strobes))
        want.append(OKAY if at in plain else SLVERR)
        if at in plain:
            values[at] = written(values[at], data, strobes)
    assert await master.write(accesses) == want
    if bench.stalls == "flowing":
        assert master.spent <= 2 * len(want) + 3, f"{master.spent} cycles for {len(want)} writes"
    await compare()
    assert await master.write([(AT["ENABLE"], 1, 0xE), (AT["ENABLE"], 0xFFFFFFFF, ALL)]) == [OKAY, OKAY]
    values[AT["ENABLE"]] = 1
    await compare()
    for name, port in (("MAPS", "maps_base"), ("OUTPUT_STRIDE", "output_stride"), ("WATCHDOG", "watchdog")):
        assert getattr(unit, port).value.to_unsigned() == values[AT[name]]


@over_cases
async def runs_begin_and_end(bench: Bench) -> None:
    """Start, start while busy, abort, what a run locks, counts, the interrupt, errors; twice."""
    unit, master = bench.unit, await begin(bench)
    pulses = {"start": 0, "stop": 0}

    async def word(name: str) -> int:
        ((data, resp),) = await master.read([AT[name]])
        assert resp == OKAY
        return data

    async def write(name: str, data: int) -> int:
        return (await counted(master, unit, pulses, (AT[name], data, ALL)))[0]

    for number, (code, said) in enumerate(ENDS):
        assert await write("ENABLE", number) == OKAY
        assert await write("IMAGE", 0x1000 + number) == OKAY
        assert await write("CONTROL", ABORT) == OKAY  # nothing is at work
        assert pulses["stop"] == number
        assert await write("CONTROL", START) == OKAY
        assert pulses["start"] == number + 1
        assert await word("STATUS") & (BUSY | DONE) == BUSY
        assert await write("IMAGE", 5) == SLVERR
        assert await word("IMAGE") == 0x1000 + number
        assert await word("STATUS") >> 8 == 0
        if number == 0:
            assert await write("CONTROL", START) == OKAY
            assert pulses["start"] == 1, "the run at work was started again"
            assert await word("STATUS") >> 8 == CODE["busy"]
            assert await write("STATUS", 0xFF00 | DONE) == OKAY
            assert await word("STATUS") == BUSY | number * INTERRUPT
            assert await write("CONTROL", START) == OKAY
            code, said = "none", "busy"
        assert await write("CONTROL", ABORT) == OKAY
        assert pulses["stop"] == number + 1
        before = await word("CYCLES_LOW")
        for frame in range(3):
            unit.frame_done.value = 1
            unit.weight_read_beats.value = 7 + 100 * frame + number
            await RisingEdge(bench.clk)
        unit.frame_done.value = 0
        unit.data_write_beats.value = 3
        await bench.cycles(1)
        unit.clear.value, unit.weight_read_beats.value = 1, 0  # the ports are reset when a run ends
        await bench.cycles(3)
        unit.clear.value = 0
        unit.done.value, unit.code.value = 1, CODE[code]
        await RisingEdge(bench.clk)
        unit.done.value, unit.code.value = 0, 0
        unit.weight_read_beats.value = 9
        await bench.cycles(2)
        assert unit.irq.value == number
        assert await word("STATUS") == CODE[said] << 8 | INTERRUPT | DONE
        after = await word("CYCLES_LOW")
        assert after == await word("CYCLES_LOW") > before
        counts = [await word(name) for name in ("CYCLES_HIGH", "FRAMES_DONE", "WEIGHT_READ", "DATA_WRITE")]
        assert counts == [0, 3, 200 if number == 0 else 199, 4 if number == 0 else 0], counts
        assert await write("STATUS", 0xFFFFFFFF if number else DONE) == OKAY
        assert await word("STATUS") == (0 if number else CODE["busy"] << 8 | INTERRUPT)
        assert unit.irq.value == 0


async def counted(
    master: AxiLiteMaster, unit: Any, pulses: dict[str, int], access: tuple[int, int, int]
) -> list[int]:
    """Write once, and count the cycles of `start` and `stop` until shortly after."""
    clk = master.bench.clk
    task = cocotb.start_soon(master.write([access]))
    quiet = 0
    while quiet < 4:
        await FallingEdge(clk)
        for name in pulses:
            pulses[name] += int(getattr(unit, name).value)
        quiet = quiet + 1 if task.done() else 0
    await RisingEdge(clk)
    return task.result()
