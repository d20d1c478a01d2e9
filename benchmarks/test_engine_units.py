"""The engine's units at every other size of the array: direct convolution, F(5), F(7)."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_engine_compute_units import units
from test_engine_input import two, unit
from units import Trials, check_all


@pytest.mark.parametrize("n", [3, 7, 9])
def test_compute_units(tmp_path: Path, n: int) -> None:
    check_all(tmp_path, units(n, faults=False))


@pytest.mark.parametrize("n", [3, 7, 9])
def test_input(tmp_path: Path, n: int) -> None:
    cases = {**two(n).cases, "one": unit(n)}
    check_all(tmp_path, {"rvg_engine_input": Trials(cases)})
