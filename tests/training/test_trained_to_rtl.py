"""Two trained networks down to RTL; benchmarks/test_trained_blocks.py does it for every block."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("sklearn", reason="the digits need scikit-learn: pip install 'repvgg-hw[example]'")

from trained_designs import prove


def test_orepa(tmp_path: Path) -> None:
    prove("orepa", tmp_path)


def test_repvgg_fine_tuned_to_four_bits(tmp_path: Path) -> None:
    prove("repvgg", tmp_path, tuned=True)
