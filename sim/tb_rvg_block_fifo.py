# SPDX-License-Identifier: Apache-2.0
"""rvg_block_fifo: every beat leaves once, in order; one a cycle where nothing stalls."""

from __future__ import annotations

from streams import Bench, over_cases


@over_cases
async def first_in_first_out(bench: Bench) -> None:
    beats = bench.words(200, bench.parameters["WIDTH"])
    await bench.reset_streams()
    cycles = await bench.equal(beats, beats)
    if bench.parameters["DEPTH"] > 1:
        bench.planned("200 beats", 200 - 1, cycles[-1] - cycles[0])
