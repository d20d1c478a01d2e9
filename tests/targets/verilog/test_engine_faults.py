"""A whole engine and what may go wrong around it: bus, image, program, driver, reset; in one simulator."""

from __future__ import annotations

import pytest
from engine_faults import TESTS, emitted, found


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return found(emitted(tmp_path_factory.mktemp("faults") / "design"))


@pytest.mark.parametrize("test", TESTS)
def test_ends_cleanly(outcome: dict[str, str], test: str) -> None:
    assert outcome[test] == ""
