"""What holds for every test: simulators are compiled fast, not for speed."""

from __future__ import annotations

import functools
from collections.abc import Iterator

import pytest

from repvgg_hw.targets.verilog.simulator import verilator


@pytest.fixture(scope="session", autouse=True)
def _quick_builds() -> Iterator[None]:
    """Tests simulate few cycles; what commands compile by themselves is run by `make demo` and benchmarks."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(verilator, "build", functools.partial(verilator.build, optimize="-O0"))
        yield
