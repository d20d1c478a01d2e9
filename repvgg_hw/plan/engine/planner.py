"""The engine as an architecture: one unit for all layers, weights and maps in DRAM."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import msgspec

from repvgg_hw.errors import InputError, context
from repvgg_hw.network import IntegerNetwork
from repvgg_hw.plan import device as devices
from repvgg_hw.plan.engine import schedule
from repvgg_hw.plan.engine.array import Array
from repvgg_hw.plan.engine.plan import EnginePlan
from repvgg_hw.plan.engine.search import Budget, fit, search
from repvgg_hw.plan.planner import Planner
from repvgg_hw.plan.request import Request
from repvgg_hw.plan.resources import NAMES, Resources
from repvgg_hw.progress import Progress, silent
from repvgg_hw.schema import difference, exactly, partly, plain

ANY = 10**9  # of a resource: no limit
# Bytes of a beat of the data port and of the weight port, and of the DRAM in a cycle: one 64-bit port; on
# larger devices several ports of the processing system, six 64-bit beats a cycle of them together.
PORTS = {"xc7": (8, 8, 8), "ecp5": (8, 8, 8), "xcup": (16, 32, 48)}
MOST_BYTES = 4096  # of a DRAM in a cycle
FAMILY = "xcup"  # whose ports multipliers have where no device says otherwise


class _Recorded(msgspec.Struct):
    """What is chosen of a plan; the rest follows."""

    array: dict[str, Any]
    cuts: list[tuple[int, int]]
    memory_bytes: int


class EnginePlanner:
    """See `Planner`."""

    name = "engine"

    def plan(self, network: IntegerNetwork, request: Request, progress: Progress = silent) -> EnginePlan:
        """The array with the fewest planned cycles within a device, or a budget of multipliers."""
        return self.plan_for(network, request, (), progress)

    def plan_for(
        self,
        network: IntegerNetwork,
        request: Request,
        others: Sequence[IntegerNetwork],
        progress: Progress = silent,
    ) -> EnginePlan:
        """The same, of the arrays that the others fit as well."""
        budget = _budget(request)
        found = search(network, budget, others, progress)
        return EnginePlan(found.schedule, request.clock_mhz, budget.memory)

    def reuse(self, plan: EnginePlan, network: IntegerNetwork) -> EnginePlan:
        """The network scheduled on that plan's array."""
        found = schedule.plan_fastest(network, plan.array, memory=plan.memory_bytes)
        return EnginePlan(found, plan.clock_mhz, plan.memory_bytes)

    def faster(self, network: IntegerNetwork, request: Request, cycles: int) -> tuple[int, int] | None:
        """Not said: arrays of every size would have to be scheduled."""
        return None

    def restore(self, content: Any, network: IntegerNetwork, request: Request) -> EnginePlan:
        """The array and the cuts are read; the schedule gives the rest."""
        recorded = partly(content, _Recorded, "plan")
        with context("plan"):
            array = exactly(recorded.array, Array, "array")
            if not 1 <= recorded.memory_bytes <= MOST_BYTES:
                raise InputError(f"memory_bytes is 1 to {MOST_BYTES}, not {recorded.memory_bytes}")
            found = schedule.plan_fastest(network, array, memory=recorded.memory_bytes)
            if [tuple(cut) for cut in recorded.cuts] != list(found.cuts):
                raise InputError("cuts are not those of this network on this array")
            if fit(array, _budget(request)) is None:
                raise InputError("the array takes more than the request allows")
            result = EnginePlan(found, request.clock_mhz, recorded.memory_bytes)
        other = difference(content, plain(result.to_json()), "plan")
        if other is not None:
            raise InputError(f"{other}, by network.npz and the request")
        return result


def _budget(request: Request) -> Budget:
    """What may be taken. Raises InputError where the request is for chains of layers."""
    if request.folding or request.fps is not None or request.algorithms.tiles:
        raise InputError("an engine is searched within a device or multipliers, not by folding, fps or tiles")
    if request.device is not None:
        device = devices.get(request.device.name)
        bd, bw, memory = PORTS[device.part.family]
        return Budget.of(device, memory, bd, bw, request.device.fill)
    rest = replace(Resources(*(ANY for _ in NAMES)), dsp=request.multipliers or 0)
    return Budget(FAMILY, rest)


PLANNER: Planner = EnginePlanner()
