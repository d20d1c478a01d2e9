"""The layers of a plan as the HLS templates print them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from repvgg_hw.network import IntegerNetwork
from repvgg_hw.plan import ConvPlan, LinearPlan, Plan

Literal = int | bool


@dataclass(frozen=True)
class HlsLayer:
    """One layer as the templates print it."""

    ident: str
    summary: str
    parameters: Mapping[str, Literal]
    source: str = ""  # the stream that it reads
    fifo_depth: int = 0


def conv_parameters(conv: ConvPlan, in_lanes: int, shift: int) -> dict[str, Literal]:
    """The configuration of one conv3x3 unit (templates/hls/lib/shape.hpp derives the rest)."""
    return {
        "C_IN": conv.c_in,
        "C_OUT": conv.c_out,
        "HEIGHT": conv.height,
        "WIDTH": conv.width,
        "STRIDE": conv.stride,
        "GROUPS": conv.groups,
        "PI": conv.pi,
        "PO": conv.po,
        "IN_LANES": in_lanes,
        "OUT_LANES": conv.out_lanes,
        "IN_BITS": conv.in_bits,
        "IN_SIGNED": conv.in_signed,
        "WEIGHT_BITS": conv.weight_bits,
        "OUT_BITS": conv.out_bits,
        "ACC_BITS": conv.acc_bits,
        "SHIFT": shift,
    }


def linear_parameters(linear: LinearPlan) -> dict[str, Literal]:
    """The configuration of the pool and the linear layer."""
    return {
        "C_IN": linear.c_in,
        "C_OUT": linear.c_out,
        "HEIGHT": linear.height,
        "WIDTH": linear.width,
        "PI": linear.pi,
        "PO": linear.po,
        "IN_LANES": linear.in_lanes,
        "IN_BITS": linear.in_bits,
        "WEIGHT_BITS": linear.weight_bits,
        "ACC_BITS": linear.acc_bits,
    }


def hls_layers(network: IntegerNetwork, plan: Plan) -> list[HlsLayer]:
    """The layers in order, the linear layer last."""
    layers = []
    source, lanes = "input", plan.in_shape[0]
    for conv, numbers in zip(plan.convs, network.convs, strict=True):
        layers.append(
            HlsLayer(
                ident=conv.ident,
                summary=f"{conv.c_in} x {conv.height} x {conv.width} -> "
                f"{conv.c_out} x {conv.out_height} x {conv.out_width}, {conv.cycles} cycles",
                parameters=conv_parameters(conv, lanes, numbers.shift),
                source=source,
                fifo_depth=conv.fifo_depth,
            )
        )
        source, lanes = conv.ident, conv.out_lanes
    linear = plan.linear
    summary = f"global sum of {linear.c_in} x {linear.height} x {linear.width}, then {linear.c_out} logits"
    layers.append(HlsLayer(linear.ident, f"{summary}, {linear.cycles} cycles", linear_parameters(linear)))
    return layers
