"""A second architecture, as small as one can be: one multiplier that does one product after another."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from repvgg_hw.errors import InputError
from repvgg_hw.network import IntegerNetwork
from repvgg_hw.plan.output import Output
from repvgg_hw.plan.planner import Planner
from repvgg_hw.plan.request import Request
from repvgg_hw.plan.resources import Resources
from repvgg_hw.progress import Progress, silent
from repvgg_hw.schema import difference, plain


@dataclass(frozen=True)
class ToyLayer:
    name: str
    shape: str
    macs: int
    algorithm: str = "one by one"
    pi: int = 1
    po: int = 1
    multipliers: int = 1
    memory_bits: int = 0
    transform_adders: int = 0
    data_registers: int = 0

    @property
    def cycles(self) -> int:
        return self.macs


@dataclass(frozen=True)
class ToyPlan:
    name: str
    in_shape: tuple[int, int, int]
    layers: tuple[ToyLayer, ...]
    clock_mhz: float | None
    classes: int
    dsp: tuple[int, int] = (27, 18)
    multipliers: int = 1
    requant_multipliers: int = 0
    memory_bits: int = 0
    utilization: float = 1.0

    @property
    def output(self) -> Output:
        return Output((self.classes,), lanes=1, bits=32, signed=True)

    @property
    def macs(self) -> int:
        return sum(layer.macs for layer in self.layers)

    @property
    def frame_interval(self) -> int:
        return self.macs

    @property
    def latency_estimate(self) -> int:
        return self.macs

    @property
    def fps(self) -> float | None:
        return None if self.clock_mhz is None else self.clock_mhz * 1e6 / self.frame_interval

    def alternatives(self, name: str) -> dict[str, int]:
        return {}

    estimate = "estimated"

    def resources(self, family: str) -> Resources:
        return Resources(dsp=self.multipliers)

    def resources_by_part(self, family: str) -> dict[str, Resources]:
        return {"multiplier": self.resources(family)}

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


class ToyPlanner:
    name = "toy"

    def plan(self, network: IntegerNetwork, request: Request, progress: Progress = silent) -> ToyPlan:
        layers = []
        for conv, (height, width), (out_height, out_width) in network.map_shapes():
            macs = conv.weight.size * out_height * out_width
            layers.append(ToyLayer(conv.name, f"{height}x{width} -> {out_height}x{out_width}", macs))
        assert network.linear is not None
        layers.append(ToyLayer("linear", "vectors", network.linear.weight.size))
        return ToyPlan(network.name, network.in_shape, tuple(layers), request.clock_mhz, network.num_classes)

    def faster(self, network: IntegerNetwork, request: Request, cycles: int) -> tuple[int, int] | None:
        return None

    def restore(self, content: Any, network: IntegerNetwork, request: Request) -> ToyPlan:
        plan = self.plan(network, request)
        other = difference(content, plain(plan.to_json()), "plan")
        if other is not None:
            raise InputError(other)
        return plan


PLANNER: Planner = ToyPlanner()
