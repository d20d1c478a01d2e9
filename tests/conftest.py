"""What holds for every test: simulators are compiled fast, not for speed, and no property is timed."""

from __future__ import annotations

import functools
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from repvgg_hw.targets.verilog.simulator import verilator

# A busy machine is no fault of the code.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


@pytest.fixture(scope="session", autouse=True)
def _quick_builds() -> Iterator[None]:
    """Tests simulate few cycles; what commands compile by themselves is run by `make demo` and benchmarks."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(verilator, "build", functools.partial(verilator.build, optimize="-O0"))
        yield
