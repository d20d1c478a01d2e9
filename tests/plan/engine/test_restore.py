"""An engine's plan as design.json holds it: read again as it was written, and refused where it is not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from engine_cases import random_array, random_network

from repvgg_hw.errors import InputError
from repvgg_hw.plan.engine import schedule
from repvgg_hw.plan.engine.plan import EnginePlan
from repvgg_hw.plan.engine.planner import PLANNER
from repvgg_hw.plan.request import Algorithms, parse
from repvgg_hw.schema import plain

SEED = 10  # of a network that a faster memory cuts otherwise
NETWORK, ARRAY = random_network(SEED), random_array(random_network(SEED), SEED)
REQUEST = parse("verilog", multipliers=10_000, architecture="engine")


def written(memory: int) -> dict[str, Any]:
    """The plan for a memory of so many bytes a cycle, as JSON."""
    found = schedule.plan(NETWORK, ARRAY, memory=memory)
    content: dict[str, Any] = plain(EnginePlan(found, REQUEST.clock_mhz, memory).to_json())
    return content


@pytest.mark.parametrize("memory", [8, 48])
def test_read_again(memory: int) -> None:
    """Also where the memory is another than that of small boards: it decides about the cuts."""
    content = written(memory)
    assert written(8)["cuts"] != written(48)["cuts"]
    assert plain(PLANNER.restore(content, NETWORK, REQUEST).to_json()) == content


@pytest.mark.parametrize("value", [0, -1, 10**9])
def test_a_memory_that_is_none(value: int) -> None:
    content = {**written(8), "memory_bytes": value}
    with pytest.raises(InputError, match="memory_bytes is 1 to"):
        PLANNER.restore(content, NETWORK, REQUEST)


def test_more_than_was_asked_for() -> None:
    few = parse("verilog", multipliers=ARRAY.multipliers - 1, architecture="engine")
    with pytest.raises(InputError, match="takes more than the request allows"):
        PLANNER.restore(written(8), NETWORK, few)


@pytest.mark.parametrize("other", [{"fps": 30.0, "multipliers": None}, {"algorithms": Algorithms((4,))}])
def test_a_request_for_chains(other: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="not by folding, fps or tiles"):
        PLANNER.restore(written(8), NETWORK, replace(REQUEST, **other))
