"""Which of many alike tests `make test` runs; `make test-long` runs the others."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest


def some(values: Iterable[Any], most: int) -> list[Any]:
    """A test's parameters: `most` of them, spread over all, as they are; the others marked as slow."""
    every = list(values)
    step = -(-len(every) // most)
    return [value if i % step == 0 else slow(value) for i, value in enumerate(every)]


def slow(value: Any) -> Any:
    """A test's parameter, marked as slow."""
    return pytest.param(value, marks=pytest.mark.slow)
