# SPDX-License-Identifier: Apache-2.0
"""rvg_engine_check: within the engine's limits an instruction is legal; with one field beyond it is not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from cocotb.triggers import FallingEdge, RisingEdge
from streams import Bench, over_cases

from repvgg_hw.errors import InputError
from repvgg_hw.plan.engine.instruction import Instruction, Op

TRIES = 150


def legal_one(bench: Bench, op: Op) -> Instruction:
    """At random, with every limit reached now and then."""
    p, dice = bench.parameters, bench.dice

    def upto(most: int) -> int:
        return dice.choice((1, most, dice.randint(1, most)))

    def beats(bytes_of_beat: int) -> int:
        return dice.getrandbits(32) // bytes_of_beat * bytes_of_beat

    flags = ("stride2", "in_signed", "load_whole", "top", "pool_first")
    tiles_x = upto(p["T_MAX"])
    tiles_y = upto(p["T_MAX"] // tiles_x)
    return Instruction(
        op=op,
        **{name: dice.getrandbits(1) for name in flags},
        tiles_x=tiles_x, tiles_y=tiles_y, tiles=tiles_x * tiles_y, shift=upto(63),
        depends=dice.getrandbits(16), words=upto(65535), groups=upto(65535), repeats=upto(65535),
        in_lanes=upto(p["PI"]), out_lanes=upto(p["PO"]), load_line_beats=upto(p["LINE_DEPTH"]),
        store_line_beats=upto(p["OUT_WORDS"]), store_rows=upto(65535), store_columns=upto(65535),
        channels=upto(p["C_MAX"]), blocks=upto(65535),
        weight_addr=beats(p["BW"]), weight_beats=upto((1 << 24) - 1),
        **{name: beats(p["BD"]) for name in ("load_addr", "load_plane", "load_step", "load_pitch")},
        **{name: beats(p["BD"]) for name in ("store_addr", "store_plane", "store_pitch")},
    )  # fmt: skip


def illegal_ones(bench: Bench, one: Instruction) -> Iterator[tuple[str, Instruction]]:
    """(what is changed, the instruction): one field each."""
    p, dice = bench.parameters, bench.dice
    limits = dict[str, int]()
    yield "too large weight_beats", replace(one, weight_beats=1 << 24 | 7)
    yield "no weight_beats", replace(one, weight_beats=0)
    addresses = {"weight_addr": "BW", "store_addr": "BD"}
    if one.op == Op.LINEAR:
        limits |= {"channels": p["C_MAX"], "blocks": 65535}
    else:
        limits |= {"tiles_x": p["T_MAX"], "tiles_y": p["T_MAX"], "tiles": p["T_MAX"], "words": 65535}
        limits |= {"groups": 65535, "repeats": 65535, "in_lanes": p["PI"], "out_lanes": p["PO"], "shift": 63}
        limits |= {"load_line_beats": p["LINE_DEPTH"], "store_line_beats": p["OUT_WORDS"]}
        limits |= {"store_rows": 65535, "store_columns": 65535}
        addresses |= dict.fromkeys(("load_addr", "load_plane", "load_step", "load_pitch"), "BD")
        addresses |= dict.fromkeys(("store_plane", "store_pitch"), "BD")
        if 1 < p["T_MAX"] < 16:
            most = p["T_MAX"]
            yield "too many tiles", replace(one, tiles_x=most, tiles_y=most, tiles=most * most)
        wrong = one.tiles + dice.choice((-1, 1))
        if 0 < wrong <= p["T_MAX"]:
            yield "another number of tiles", replace(one, tiles=wrong)
    for name, most in limits.items():
        yield f"no {name}", replace(one, **{name: 0})
        beyond = replace(one, **{name: most + 1})
        if name in ("tiles_x", "tiles_y"):
            beyond = replace(beyond, tiles=beyond.tiles_x * beyond.tiles_y & 0xFF)
        try:
            beyond.pack()
        except InputError:  # there are no bits for it
            continue
        yield f"too large {name}", beyond
    for name, port in addresses.items():
        step = dice.choice((1, p[port] // 2, p[port] - 1))
        yield f"{name} within a beat", replace(one, **{name: getattr(one, name) + step & 0xFFFFFFFF})


@over_cases
async def knows_its_limits(bench: Bench) -> None:
    async def answer(word: int) -> int:
        """Of the cycle after the one in which the instruction is there; another one follows it at once."""
        await RisingEdge(bench.clk)
        bench.unit.instruction.value = word
        await RisingEdge(bench.clk)
        bench.unit.instruction.value = bench.dice.getrandbits(1024)
        await FallingEdge(bench.clk)
        return int(bench.unit.legal.value)

    async def legal(one: Instruction) -> int:
        return await answer(int.from_bytes(one.pack(), "little"))

    for number in range(TRIES):
        one = legal_one(bench, bench.dice.choice((Op.CONV, Op.LINEAR)))
        assert await legal(one) == 1, one
        for text, other in illegal_ones(bench, one):
            assert await legal(other) == 0, f"{text}: {other}"
        pooled = replace(one, op=Op.CONV, pool=1, store_line_beats=0, store_addr=number)
        assert await legal(pooled) == 1, pooled
        assert await legal(replace(one, op=Op.END, tiles=0)) == 1
        word = int.from_bytes(one.pack(), "little") & ~0xFF
        assert await answer(word | bench.dice.randint(3, 255)) == 0, "an operation that is none"
