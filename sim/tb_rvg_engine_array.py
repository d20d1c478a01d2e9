# SPDX-License-Identifier: Apache-2.0
"""rvg_engine_array against NumPy: random sets of outputs, one half filled while another is drained."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import cocotb
import numpy as np
from cocotb.triggers import FallingEdge, RisingEdge
from engine_streams import extremes
from streams import Bench, over_cases, pack, unpack

from repvgg_hw.plan.stream.timing import MULTIPLY_CYCLES, tree_stages

SETS = 8
DRAIN = 2  # cycles from an address to its sums
SPACING = 4  # cycles from a word of a tile to its next, at least
Step = tuple[int, int, int]  # set of outputs, word of its inputs, tile


@dataclass(frozen=True)
class Outputs:
    """A set of outputs: weights (WORDS, PO, P, PI), data (WORDS, T, P, PI), and their sums (T, PO, P)."""

    weights: np.ndarray
    data: np.ndarray
    sums: np.ndarray


def random_outputs(bench: Bench, words: int, tiles: int) -> Outputs:
    p, rng = bench.parameters, bench.rng
    po, pi, positions = p["PO"], p["PI"], p["N"] ** 2
    half_w, half_d = 1 << p["WEIGHT_W"] - 1, 1 << p["DATA_W"] - 1
    weights = extremes(rng, -half_w, half_w - 1, (words, po, positions, pi))
    data = extremes(rng, -half_d, half_d - 1, (words, tiles, positions, pi))
    sums = (weights[:, None].astype(object) * data[:, :, None]).sum(axis=(0, 4))
    return Outputs(weights, data, sums & ((1 << p["SUM_W"]) - 1))


@over_cases
async def equals_sums(bench: Bench) -> None:
    unit, p, dice = bench.unit, bench.parameters, bench.dice
    n, po, lanes, most = (p[name] for name in ("N", "PO", "LANES", "T_MAX"))
    shapes = [(3, most), (1, 1), (1, most), (5, 1)]
    shapes += [(dice.randint(1, 4), dice.randint(1, most)) for _ in range(SETS - len(shapes))]
    sets = [random_outputs(bench, *shape) for shape in shapes]
    steps = [
        (k, w, t)
        for k, one in enumerate(sets)
        for w, t in itertools.product(range(len(one.weights)), range(one.data.shape[1]))
    ]
    last_cycles: list[int] = []
    done_cycles: list[int] = []
    free = 2  # halves

    async def feed() -> None:
        """One word a cycle, and its weights the cycle before its set's first."""
        nonlocal free
        latest: dict[int, int] = {}  # cycle of each tile's last word
        waiting = iter(steps)
        now: Step | None = None
        step: Step | None = next(waiting)
        for cycle in itertools.count():
            if step is None and now is None:
                break
            await RisingEdge(bench.clk)
            unit.in_valid.value = int(now is not None)
            if now is not None:
                k, w, t = now
                words, tiles = sets[k].data.shape[:2]
                unit.in_word.value = pack(sets[k].data[w, t].ravel().tolist(), p["DATA_W"])
                unit.in_tile.value, unit.in_half.value = t, k % 2
                unit.in_first.value, unit.in_ends.value = int(w == 0), int(w == words - 1)
                unit.in_last.value = int((w, t) == (words - 1, tiles - 1))
            fills = step is not None and step[1:] == (len(sets[step[0]].data) - 1, 0)
            now = step
            too_soon = step is not None and cycle - latest.get(step[2], -SPACING) < SPACING
            if step is None or dice.random() < bench.idle or (fills and free == 0) or too_soon:
                now = None
            free -= int(now is not None and fills)
            unit.set_take.value = int(now is not None and now[2] == 0)
            if now is not None:
                latest[now[2]] = cycle
            # What is not taken is anything.
            weights = sets[now[0]].weights[now[1]] if now is not None else ~sets[0].weights[0]
            unit.set_data.value = pack(weights.ravel().tolist(), p["WEIGHT_W"])
            step = next(waiting, None) if now is not None else step
        await RisingEdge(bench.clk)
        unit.in_valid.value = 0

    async def count() -> None:
        for cycle in itertools.count():
            await FallingEdge(bench.clk)
            if unit.in_valid.value == 1 and unit.in_last.value == 1:
                last_cycles.append(cycle)
            if unit.sums_done.value == 1:
                done_cycles.append(cycle)

    async def drain(number: int) -> None:
        """All rows of a set in random order, one a cycle, with pauses."""
        nonlocal free
        tiles = len(sets[number].sums)
        asked = list(itertools.product(range(tiles), range(n), range(po // lanes)))
        dice.shuffle(asked)
        on_way: list[tuple[int, int, int] | None] = [None] * DRAIN
        while asked or any(on_way):
            request = asked.pop() if asked and dice.random() >= bench.pause else None
            if request is not None:
                tile, row, batch = request
                unit.drain_slot.value = number % 2 * most + tile
                unit.drain_row.value, unit.drain_batch.value = row, batch
            on_way.append(request)
            await FallingEdge(bench.clk)
            arrived = on_way.pop(0)
            if arrived is not None:
                tile, row, batch = arrived
                want = sets[number].sums[tile].reshape(po, n, n)[lanes * batch : lanes * (batch + 1), row]
                got = unpack(unit.drain_sums.value.to_unsigned(), lanes * n, p["SUM_W"])
                assert got == want.ravel().tolist(), f"set {number}, tile {tile}, row {row}, batch {batch}"
            await RisingEdge(bench.clk)
        free += 1

    await bench.reset(in_valid=0, set_take=0, drain_slot=0, drain_row=0, drain_batch=0)
    tasks = [cocotb.start_soon(count()), cocotb.start_soon(feed())]
    for number in range(SETS):
        for _ in range(4000):
            if len(done_cycles) > number:
                break
            await RisingEdge(bench.clk)
        assert len(done_cycles) > number, f"set {number} was not done"
        await drain(number)
    await bench.cycles(20)
    assert tasks[1].done()
    assert len(done_cycles) == len(last_cycles) == SETS
    latency = MULTIPLY_CYCLES + tree_stages(p["PI"]) + 1
    assert {b - a for a, b in zip(last_cycles, done_cycles, strict=True)} == {latency}
