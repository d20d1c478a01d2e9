# SPDX-License-Identifier: Apache-2.0
"""rvg_top_k: logits go through, the likeliest classes follow, the lower index first among equals."""

from __future__ import annotations

import cocotb
from streams import Bench, over_cases

FRAMES = 12


@over_cases
async def ranks(bench: Bench) -> None:
    p = bench.parameters
    classes, k, bits = p["CLASSES"], p["K"], p["X_W"]
    edge = 1 << bits - 1
    frames = [[bench.dice.randrange(-edge, edge) for _ in range(classes)] for _ in range(FRAMES)]
    frames[1] = [-edge] * classes
    frames[2] = [bench.dice.choice((-1, 0)) for _ in range(classes)]
    frames[3], frames[4] = sorted(frames[3]), sorted(frames[4], reverse=True)
    wanted = []
    for frame in frames:
        ranked = [c for _, c in sorted((-x, c) for c, x in enumerate(frame))][:k]
        sent = [*(x & 0xFFFFFFFF for x in frame if p["LOGITS"]), *ranked]
        wanted += [(word, int(i == len(sent) - 1)) for i, word in enumerate(sent)]
    await bench.reset_streams()
    cocotb.start_soon(bench.send([x & (1 << bits) - 1 for frame in frames for x in frame]))
    got = await bench.receive(len(wanted), last=True)
    assert [(word, last) for _, word, last in got] == wanted
    words = len(wanted) // FRAMES
    bench.planned("frames", (FRAMES - 1) * (classes + k), got[-1][0] - got[words - 1][0])
