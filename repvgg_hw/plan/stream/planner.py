"""The streaming architecture: one unit per layer, all at work at once."""

from __future__ import annotations

from typing import Any

from repvgg_hw.network import IntegerNetwork
from repvgg_hw.plan.planner import Planner
from repvgg_hw.plan.request import Request
from repvgg_hw.plan.stream import plan as plans
from repvgg_hw.plan.stream.plan import Plan
from repvgg_hw.plan.stream.search import make_plan


class StreamPlanner:
    """See `Planner`."""

    name = "stream"

    def plan(self, network: IntegerNetwork, request: Request) -> Plan:
        """Every layer's folding, by exact search."""
        return make_plan(
            network,
            multipliers=request.multipliers,
            fps=request.fps,
            clock_mhz=request.clock_mhz,
            folding=request.folding,
            algorithms=request.algorithms,
        )

    def from_json(self, content: dict[str, Any]) -> Plan:
        return plans.from_json(content)


PLANNER: Planner = StreamPlanner()
