# SPDX-License-Identifier: Apache-2.0
"""rvg_replay: each WORDS beats come REPEATS times, without a gap where the input keeps up."""

from __future__ import annotations

from streams import Bench, over_cases

SETS = 20


@over_cases
async def repeats_each_set(bench: Bench) -> None:
    width, words, repeats = (bench.parameters[name] for name in ("WIDTH", "WORDS", "REPEATS"))
    sets = [bench.words(words, width) for _ in range(SETS)]
    await bench.reset_streams()
    expected = [beat for beats in sets for beat in beats * repeats]
    cycles = await bench.equal([beat for beats in sets for beat in beats], expected)
    if bench.stalls == "flowing":
        assert cycles[-1] - cycles[0] == len(expected) - 1


@over_cases
async def reset_empties(bench: Bench) -> None:
    """A reset in the middle of a set leaves nothing of it."""
    width, words, repeats = (bench.parameters[name] for name in ("WIDTH", "WORDS", "REPEATS"))
    await bench.reset_streams()
    await bench.send(bench.words(words + words // 2, width))
    await bench.reset_streams()
    beats = bench.words(words, width)
    await bench.equal(beats, beats * repeats)
