# SPDX-License-Identifier: Apache-2.0
"""rvg_winograd_input_transform against data_transform: random and extreme windows, at the documented rate."""

from __future__ import annotations

import numpy as np
from streams import Bench, over_cases, pack

from repvgg_hw.winograd.golden import data_transform
from repvgg_hw.winograd.matrices import transform

WINDOWS = 60


@over_cases
async def equals_data_transform(bench: Bench) -> None:
    p = bench.parameters
    kind = transform(p["M"], p["STRIDE"])
    half = 1 << p["X_W"] - 1
    low, high = (-half, half - 1) if p["X_SIGNED"] else (0, 2 * half - 1)
    windows = bench.rng.integers(low, high + 1, (WINDOWS, p["IN_LANES"], kind.size, kind.size))
    windows[::3] = bench.rng.choice([low, high], windows[::3].shape)

    def words(values: np.ndarray, bits: int) -> list[int]:
        return [pack(word, bits) for word in values.transpose(0, 2, 3, 1).reshape(len(values), -1).tolist()]

    await bench.reset_streams()
    parts = windows.reshape(-1, p["PI"], kind.size, kind.size)
    expected = words(data_transform(parts, kind), p["DATA_W"])
    cycles = await bench.equal(words(windows, p["X_W"]), expected)
    bench.planned("ten words", 10 * (kind.size + 1), cycles[-1] - cycles[-11])
