"""The engine's compute units at every other size of the array: direct convolution, F(5), F(7)."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_engine_compute_units import units
from units import check_all


@pytest.mark.parametrize("n", [3, 7, 9])
def test_compute_units(tmp_path: Path, n: int) -> None:
    check_all(tmp_path, units(n, faults=False))
