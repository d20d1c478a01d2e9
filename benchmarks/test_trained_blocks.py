"""Every block: train two epochs on the digits, fuse, quantize, generate, simulate. In make test-long."""

from __future__ import annotations

from pathlib import Path

import pytest
from trained_designs import prove

from repvgg_hw.training.blocks import BLOCKS


@pytest.mark.parametrize("tuned", [False, True], ids=["post-training", "fine-tuned"])
@pytest.mark.parametrize("block", BLOCKS)
def test_a_trained_block_is_bit_exact(block: str, tuned: bool, tmp_path: Path) -> None:
    prove(block, tmp_path, tuned=tuned)
