"""The plan: one value that describes the accelerator.

RTL parameters, HLS constants, test benches, estimates and the report are all read from `Plan`.
Whatever follows from its fields is a property, so nothing is stored twice.

The chain's frame interval is the largest over its layers: every layer works on its own rows at once.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

from repvgg_hw.network import LOGIT_BITS
from repvgg_hw.plan.device import DEFAULT_DSP
from repvgg_hw.plan.output import BYTE, Output
from repvgg_hw.plan.resources import Resources
from repvgg_hw.plan.stream.candidates import alternatives
from repvgg_hw.plan.stream.layers import AnyConvPlan, layer_to_json
from repvgg_hw.plan.stream.linear import LinearPlan
from repvgg_hw.plan.stream.resources import by_part, is_current, of_plan

DERIVED = (
    "frame_interval",
    "multipliers",
    "requant_multipliers",
    "macs",
    "utilization",
    "fps",
    "memory_bits",
)


@dataclass(frozen=True)
class Plan:
    """The whole accelerator."""

    name: str
    in_shape: tuple[int, int, int]  # (C, H, W)
    in_bits: int
    convs: tuple[AnyConvPlan, ...]
    linear: LinearPlan | None  # None: the last convolution's map is the output
    budget: int  # multipliers that the search was allowed
    clock_mhz: float | None  # None: no clock is supported on the device that it is planned for
    dsp: tuple[int, int] = DEFAULT_DSP  # widths of one multiplier's signed ports

    @property
    def layers(self) -> tuple[AnyConvPlan | LinearPlan, ...]:
        return self.convs if self.linear is None else (*self.convs, self.linear)

    @property
    def output(self) -> Output:
        if self.linear is not None:
            return Output((self.linear.c_out,), 1, LOGIT_BITS, signed=True)
        last = self.convs[-1]
        shape = (last.c_out, last.out_height, last.out_width)
        return Output(shape, last.out_lanes, BYTE, signed=False)

    @property
    def tiles(self) -> list[tuple[int, int]]:
        """(m, stride) of each of Winograd's tiles that the plan uses, once."""
        return sorted({conv.tile for conv in self.convs if conv.tile is not None})

    @property
    def layer_cycles(self) -> dict[str, int]:
        """Each unit's own cycles per frame, in order; the linear layer is two units, "pool" and "linear"."""
        convs = {conv.name: conv.cycles for conv in self.convs}
        if self.linear is None:
            return convs
        return convs | {"pool": self.linear.pool_cycles, "linear": self.linear.linear_cycles}

    @property
    def in_cycles(self) -> int:
        """Beats of one frame of pixels."""
        return self.in_shape[1] * self.in_shape[2]

    @property
    def frame_interval(self) -> int:
        """Cycles between two frames in steady state."""
        return max(self.in_cycles, *(layer.cycles for layer in self.layers))

    @property
    def macs(self) -> int:
        return sum(layer.macs for layer in self.layers)

    @property
    def multipliers(self) -> int:
        """Multipliers of all arrays."""
        return sum(layer.multipliers for layer in self.layers)

    @property
    def requant_multipliers(self) -> int:
        return sum(conv.requant_multipliers for conv in self.convs)

    @property
    def utilization(self) -> float:
        """MACs / (multipliers x frame interval): at most 1 for direct products, more with Winograd."""
        return self.macs / (self.multipliers * self.frame_interval)

    @property
    def fps(self) -> float | None:
        """Frames per second; None without a clock."""
        return None if self.clock_mhz is None else self.clock_mhz * 1e6 / self.frame_interval

    @property
    def memory_bits(self) -> int:
        return sum(layer.memory_bits for layer in self.layers)

    @property
    def quiet_cycles(self) -> int:
        """The longest that any layer works without a beat in or out."""
        return max(layer.quiet_cycles for layer in self.layers)

    @property
    def frames_held(self) -> float:
        """Upper bound of the frames that fit into the whole chain, with the converters between its layers."""
        held, lanes = 0.0, self.in_shape[0]
        for layer in self.convs:
            held += layer.frames_held
            held += _converter_values(lanes, layer.in_lanes) / (layer.c_in * layer.height * layer.width)
            lanes = layer.out_lanes
        if self.linear is None:  # two beats in the register at the output
            last = self.convs[-1]
            return held + 2 * last.out_lanes / (last.c_out * last.out_height * last.out_width)
        converted = _converter_values(self.linear.in_lanes, self.linear.pi)
        return held + converted / self.linear.c_in + self.linear.frames_held

    @property
    def latency_estimate(self) -> int:
        """Cycles from a frame's first pixel to its last output, roughly: rows are handed over whole.

        A layer begins when it has two rows; rows come at the frame interval. For progress bars, not proofs.
        """
        waits = sum(2 * self.frame_interval // conv.height for conv in self.convs)
        return self.frame_interval + waits + (self.linear.compute_cycles if self.linear else 0)

    def alternatives(self, name: str) -> dict[str, int]:
        """What each algorithm would cost for a convolution within the frame interval: -> multipliers."""
        conv = next((conv for conv in self.convs if conv.name == name), None)
        return {} if conv is None else alternatives(conv, self.frame_interval, self.dsp)

    def resources(self, family: str) -> Resources:
        """What the whole design takes of a device of this family, estimated."""
        return of_plan(self, family)

    def resources_by_part(self, family: str) -> dict[str, Resources]:
        """Layer by layer, and what joins them."""
        return by_part(self, family)

    @property
    def estimate(self) -> str:
        """What to call them."""
        return "estimated" if is_current() else "estimated from netlists of an earlier version"

    def to_json(self) -> dict[str, Any]:
        """The fields, and beside them what follows from them, for readers that are not Python."""
        return {
            **{f.name: getattr(self, f.name) for f in dataclasses.fields(self)},
            "convs": [layer_to_json(conv) for conv in self.convs],
            "linear": None if self.linear is None else layer_to_json(self.linear),
            "derived": {name: getattr(self, name) for name in DERIVED} | {"output": self.output.to_json()},
        }


def _converter_values(lanes: int, lanes_out: int) -> int:
    """Values that a width converter holds: three beats of the least common multiple gather, two are split."""
    return 0 if lanes == lanes_out else 5 * math.lcm(lanes, lanes_out)
