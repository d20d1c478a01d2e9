# SPDX-License-Identifier: Apache-2.0
"""rvg_width_converter: lanes keep their order between any two numbers of lanes."""

from __future__ import annotations

import math

from streams import Bench, over_cases, pack

FRAMES = 24


@over_cases
async def keeps_the_order_of_lanes(bench: Bench) -> None:
    width, n_in, n_out = (bench.parameters[name] for name in ("LANE_W", "IN_LANES", "OUT_LANES"))
    lanes = bench.words(FRAMES * math.lcm(n_in, n_out), width)
    beats, expected = (
        [pack(lanes[i : i + n], width) for i in range(0, len(lanes), n)] for n in (n_in, n_out)
    )
    await bench.reset_streams()
    cycles = await bench.equal(beats, expected)
    if bench.stalls == "flowing":  # one beat per cycle on the narrower side
        assert cycles[-1] - cycles[0] <= max(len(beats), len(expected)) - 1
