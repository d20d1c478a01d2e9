# SPDX-License-Identifier: Apache-2.0
"""rvg_constant against the file that it was loaded from."""

from __future__ import annotations

from pathlib import Path

from streams import Bench, over_cases


@over_cases
async def equals_its_file(bench: Bench) -> None:
    await bench.cycles(1)
    assert bench.unit.value.value.to_unsigned() == int(Path(bench.parameters["FILE"]).read_text(), 16)
