# SPDX-License-Identifier: Apache-2.0
"""rvg_output_map: each channel in a byte of its own, zeros above it, tlast on the last beat of each frame."""

from __future__ import annotations

import cocotb
from streams import Bench, over_cases, pack, unpack

FRAMES = 3


@over_cases
async def widens_channels_and_marks_frames(bench: Bench) -> None:
    p = bench.parameters
    sent = bench.words(FRAMES * p["BEATS"], p["LANES"] * p["X_W"])
    await bench.reset_streams()
    cocotb.start_soon(bench.send(sent))
    got = await bench.receive(len(sent), last=True)
    assert [value for _, value, _ in got] == [pack(unpack(beat, p["LANES"], p["X_W"]), 8) for beat in sent]
    assert [last for *_, last in got] == ([0] * (p["BEATS"] - 1) + [1]) * FRAMES
    if bench.stalls == "flowing":
        assert got[-1][0] - got[0][0] == len(sent) - 1, "not a beat every cycle"
