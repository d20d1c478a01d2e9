"""The streaming architecture: one unit per layer, all at work at once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from repvgg_hw.errors import InputError, context
from repvgg_hw.network import IntegerNetwork
from repvgg_hw.plan.planner import Planner
from repvgg_hw.plan.request import Request
from repvgg_hw.plan.stream import on_device, recorded
from repvgg_hw.plan.stream.candidates import unfolded, ways
from repvgg_hw.plan.stream.plan import Plan
from repvgg_hw.plan.stream.search import Search, floor_cycles, make_plan
from repvgg_hw.progress import Progress, silent
from repvgg_hw.schema import difference, plain

ANY = 10**12  # multipliers: no limit


class StreamPlanner:
    """See `Planner`."""

    name = "stream"

    def plan(self, network: IntegerNetwork, request: Request, progress: Progress = silent) -> Plan:
        """Every layer's folding, by exact search."""
        if request.device is not None:
            return on_device.make_plan(network, request)
        return make_plan(
            network,
            multipliers=request.multipliers,
            fps=request.fps,
            clock_mhz=request.clock_mhz,
            folding=request.folding,
            algorithms=request.algorithms,
        )

    def faster(self, network: IntegerNetwork, request: Request, cycles: int) -> tuple[int, int] | None:
        """The same search, of the intervals that are shorter."""
        layers = Search(network, request.folding, request.algorithms).faster(cycles)
        return None if layers is None else (layers.multipliers, max(layers.cycles, floor_cycles(network)))

    def restore(self, content: Any, network: IntegerNetwork, request: Request) -> Plan:
        """Foldings are read; a search that keeps them gives the rest."""
        foldings = recorded.foldings(content)
        for layer, asked in request.folding.items():
            if foldings.get(layer) != asked:
                raise InputError(f"request.folding.{layer} is not the folding of that layer in the plan")
        with context("plan"):
            plan = _at(network, replace(request, folding=foldings))
        _check_algorithms(plan, network, request)
        other = difference(content, plain(plan.to_json()), "plan")
        if other is not None:
            raise InputError(f"{other}, by network.npz and the request")
        return plan


def _at(network: IntegerNetwork, request: Request) -> Plan:
    """The plan at the request's foldings, which are all given; whether it fits was decided before."""
    if request.device is None:
        return StreamPlanner().plan(network, request)
    plan = make_plan(
        network,
        multipliers=ANY,
        clock_mhz=request.clock_mhz,
        folding=request.folding,
        algorithms=request.algorithms,
    )
    return replace(plan, budget=plan.multipliers)


def _check_algorithms(plan: Plan, network: IntegerNetwork, request: Request) -> None:
    """Raise InputError where a layer is built in a way that was not allowed and not asked for."""
    for conv, chosen in zip(unfolded(network)[0], plan.convs, strict=True):
        allowed = [unit.algorithm for unit in ways(conv, request.algorithms)]
        if conv.name not in request.folding and chosen.algorithm not in allowed:
            raise InputError(f"{conv.name} is {chosen.algorithm}, its request allows {', '.join(allowed)}")


PLANNER: Planner = StreamPlanner()
