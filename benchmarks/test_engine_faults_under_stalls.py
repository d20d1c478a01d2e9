"""A whole engine's faults under random latency and back-pressure, at many moments; of `make test-long`."""

from __future__ import annotations

from pathlib import Path

import pytest
from engine_faults import emitted, found


@pytest.mark.parametrize("seed", range(1, 4))
def test_ends_cleanly(seed: int, tmp_path: Path) -> None:
    outcome = found(emitted(tmp_path / "design"), seed)
    assert [f"{test}: {text}" for test, text in outcome.items() if text] == []
