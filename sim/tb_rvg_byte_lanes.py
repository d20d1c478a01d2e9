# SPDX-License-Identifier: Apache-2.0
"""rvg_byte_lanes: the bytes of packets leave in order, in whole beats; wrong packets are noticed."""

from __future__ import annotations

from collections.abc import Sequence

import cocotb
from cocotb.triggers import FallingEdge, RisingEdge
from streams import Bench, over_cases, pack

Beat = tuple[int, int, int]  # tdata, tkeep, tlast


def beats_of(packet: Sequence[int], width: int) -> list[Beat]:
    """A packet's beats; what is not kept has noise."""
    beats = []
    for first in range(0, len(packet), width):
        kept = list(packet[first : first + width])
        noise = [0xA5] * (width - len(kept))
        beats.append((pack([*kept, *noise], 8), (1 << len(kept)) - 1, int(first + width >= len(packet))))
    return beats


async def send(bench: Bench, beats: Sequence[Beat]) -> None:
    unit = bench.unit
    for data, keep, last in beats:
        while bench.dice.random() < bench.idle:
            await RisingEdge(bench.clk)
        unit.s_axis_tdata.value, unit.s_axis_tkeep.value, unit.s_axis_tlast.value = data, keep, last
        unit.s_axis_tvalid.value = 1
        taken = False
        while not taken:
            await FallingEdge(bench.clk)
            taken = unit.s_axis_tready.value == 1
            await RisingEdge(bench.clk)
        unit.s_axis_tvalid.value = 0


@over_cases
async def bytes_in_order(bench: Bench) -> None:
    width, lanes, pads = (bench.parameters[name] for name in ("BYTES", "LANES", "PAD"))
    odd = [n for _ in range(3) for n in range(1, 2 * lanes + width)] if pads else []
    sizes = [*odd, *(lanes * n for n in (1, 2, 3, 5, 8, 40, 1, 1, 4))]
    packets = [[bench.dice.getrandbits(8) for _ in range(size)] for size in sizes]
    await bench.reset_streams(s_axis_tkeep=0, s_axis_tlast=0)
    bench.unit.m_axis_tready.value = 0
    broken_off = cocotb.start_soon(send(bench, beats_of([0xA5] * 2 * width + [0], width)))
    await bench.cycles(30)  # a reset leaves nothing of it
    broken_off.cancel()
    await bench.reset_streams(s_axis_tkeep=0, s_axis_tlast=0)
    sent = [beat for packet in packets for beat in beats_of(packet, width)]
    cocotb.start_soon(send(bench, sent))
    wanted = [
        (pack(packet[first : first + lanes], 8), int(first + lanes >= len(packet)))
        for packet in packets
        for first in range(0, len(packet), lanes)
    ]
    got = await bench.receive(len(wanted), last=True)
    assert [beat for _, *beat in got] == [list(beat) for beat in wanted]
    assert bench.unit.error.value == 0
    if bench.stalls == "flowing":  # the long packet: a beat a cycle on the narrower side
        first = sum(-(-len(packet) // lanes) for packet in packets[: len(odd) + 5])
        spent = got[first + 39][0] - got[first][0]
        assert spent <= max(39, -(-40 * lanes // width)), spent


@over_cases
async def wrong_packets(bench: Bench) -> None:
    """Each is noticed, and the reset forgets it and what was left of it."""
    width, lanes, pads = (bench.parameters[name] for name in ("BYTES", "LANES", "PAD"))
    full = (1 << width) - 1
    packet = list(range(1, lanes + 1))
    wrong: list[list[Beat]] = [[(0, 0, 1)]]
    if width > 1:
        wrong += [[(0, full >> 1, 0)], [(0, full & ~1, 1)]]
    if width > 2:
        wrong += [[(0, full & ~2, 1)]]
    if lanes > 1 and not pads:
        wrong += [beats_of([7] * (lanes * 3 + 1), width), beats_of([7] * (lanes - 1), width)]
    for beats in wrong:
        await bench.reset_streams(s_axis_tkeep=0, s_axis_tlast=0)
        bench.unit.m_axis_tready.value = 1
        await send(bench, beats)
        await bench.cycles(12)
        assert bench.unit.error.value == 1, beats
        if lanes > 1 and not pads and beats is wrong[-1]:  # what was left of it is dropped
            cocotb.start_soon(send(bench, beats_of(packet, width)))
            ((_, beat, _),) = await bench.receive(1, last=True)
            assert beat == pack(packet, 8)
    await bench.reset_streams(s_axis_tkeep=0, s_axis_tlast=0)
    cocotb.start_soon(send(bench, beats_of(packet, width)))
    ((_, beat, last),) = await bench.receive(1, last=True)
    assert (beat, last, int(bench.unit.error.value)) == (pack(packet, 8), 1, 0)
