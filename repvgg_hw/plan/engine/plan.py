"""An engine and a network on it, as commands and reports show it: see `plan.planner.NetworkPlan`."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from repvgg_hw.network import LOGIT_BITS, IntegerNetwork
from repvgg_hw.plan.device import DEFAULT_DSP
from repvgg_hw.plan.engine import cycles
from repvgg_hw.plan.engine.array import Array
from repvgg_hw.plan.engine.frame import FrameCycles
from repvgg_hw.plan.engine.resources import by_unit, dsps, estimate
from repvgg_hw.plan.engine.schedule import Schedule
from repvgg_hw.plan.output import BYTE, Output
from repvgg_hw.plan.resources import Resources


@dataclass(frozen=True)
class EngineLayer:
    """One layer: all of them run on the same array, one after another.

    cycles  from when the layer before is stored to when this one is; of the first, from the frame's beginning
    """

    name: str
    shape: str
    algorithm: str
    pi: int
    po: int
    multipliers: int
    macs: int
    cycles: int
    memory_bits: int = 0  # of its own: weights and maps are in DRAM
    transform_adders: int = 0
    data_registers: int = 0


@dataclass(frozen=True)
class EnginePlan:
    """A schedule at a clock.

    memory_bytes  of the DRAM in a cycle, reads and writes together, for which cycles are planned
    """

    schedule: Schedule
    clock_mhz: float | None
    memory_bytes: int = cycles.MEMORY_BYTES

    @property
    def array(self) -> Array:
        return self.schedule.array

    @property
    def network(self) -> IntegerNetwork:
        """As the engine runs it: its first layer may be folded, `Schedule.frames`."""
        return self.schedule.network

    @property
    def name(self) -> str:
        return self.network.name

    @property
    def in_shape(self) -> tuple[int, int, int]:
        return self.schedule.frame_shape

    @property
    def output(self) -> Output:
        """What a frame's output in memory holds: logits, or the last map, channel by channel."""
        if self.network.linear is not None:
            return Output((self.network.num_classes,), 1, LOGIT_BITS, signed=True, in_memory=True)
        layer = self.schedule.layers[-1]
        return Output(
            (layer.shape.c_out, layer.out_height, layer.out_width), 1, BYTE, signed=False, in_memory=True
        )

    @cached_property
    def frame(self) -> FrameCycles:
        """Planned cycles and bytes of one frame."""
        return self.schedule.frame(self.memory_bytes)

    @cached_property
    def layers(self) -> tuple[EngineLayer, ...]:
        """Convolutions, then the linear layer with the pooling before it."""
        array, found, before = self.array, [], 0
        for layer, planned in zip(self.schedule.layers, self.frame.layers, strict=True):
            size = f"{layer.height}x{layer.width} -> {layer.out_height}x{layer.out_width}"
            kind = f"F({layer.kind.m})" if array.n > 3 else "direct"
            phases = ", phases" if layer.shape.stride == 2 and array.n > 3 else ""
            shape = f"{layer.shape.c_in} -> {layer.shape.c_out}, {size}"
            found.append(
                EngineLayer(
                    layer.shape.name, shape, kind + phases, array.pi, array.po, array.multipliers,
                    planned.macs, planned.end - before,
                )
            )  # fmt: skip
            before = planned.end
        if self.network.linear is not None:
            weight = self.network.linear.weight
            shape = f"{weight.shape[1]} -> {weight.shape[0]}"
            found.append(
                EngineLayer(
                    "linear", shape, "pool, linear", 1, array.bw, array.bw, weight.size, self.frame.linear
                )
            )
        return tuple(found)

    @property
    def dsp(self) -> tuple[int, int]:
        return DEFAULT_DSP

    @property
    def frame_interval(self) -> int:
        return self.frame.interval

    @property
    def latency_estimate(self) -> int:
        """Of a frame alone: its linear layer is beside the next one's first layers."""
        return self.frame.cycles

    @property
    def fps(self) -> float | None:
        return None if self.clock_mhz is None else self.clock_mhz * 1e6 / self.frame_interval

    @property
    def multipliers(self) -> int:
        """Of the array and the linear layer."""
        return self.array.multipliers + (self.array.bw if self.network.linear is not None else 0)

    @property
    def requant_multipliers(self) -> int:
        """DSPs of requantization."""
        return self.array.lanes * (self.array.n - 2) * dsps(self.array.acc_w, 18, self.dsp)

    @property
    def macs(self) -> int:
        return sum(layer.macs for layer in self.layers)

    @property
    def utilization(self) -> float:
        """MACs for each multiplier and cycle: above 1, as Winograd's are."""
        return self.macs / (self.multipliers * self.frame_interval)

    @property
    def memory_bits(self) -> int:
        """Of the data memory."""
        array = self.array
        return array.word_depth * array.pi * array.n**2 * array.widths.data

    def alternatives(self, name: str) -> dict[str, int]:
        """None: one array runs every layer."""
        return {}

    def resources(self, family: str) -> Resources:
        """Estimated from the engine's structure, not fitted to synthesis."""
        return estimate(self.array, family)

    def resources_by_part(self, family: str) -> dict[str, Resources]:
        """Unit by unit: every layer passes through all of them."""
        return by_unit(self.array, family)

    @property
    def estimate(self) -> str:
        return "estimated from its structure"

    def to_json(self) -> dict[str, Any]:
        """The array and how each layer is cut; what follows from these is for readers."""
        return {
            "array": dataclasses.asdict(self.array),
            "cuts": [list(cut) for cut in self.schedule.cuts],
            "memory_bytes": self.memory_bytes,
            "identity": f"{self.array.identity:08x}",
            "frame_interval": self.frame_interval,
            "bytes": self.frame.bytes,
            "output": self.output.to_json(),
            "layers": [dataclasses.asdict(layer) for layer in self.layers],
        }
