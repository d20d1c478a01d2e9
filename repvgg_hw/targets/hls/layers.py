"""The layers of a plan as the HLS templates print them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from repvgg_hw.network import IntegerConv, IntegerNetwork
from repvgg_hw.plan.stream.layers import AnyConvPlan
from repvgg_hw.plan.stream.linear import LinearPlan
from repvgg_hw.plan.stream.plan import Plan
from repvgg_hw.targets.hls.forms import FORMS, Literal


@dataclass(frozen=True)
class HlsLayer:
    """One layer as the templates print it."""

    ident: str
    summary: str
    parameters: Mapping[str, Literal]
    unit: str = ""  # the function template of templates/hls/lib that computes it
    shape: str = ""  # the structure that derives its counts and stream types
    source: str = ""  # the stream that it reads
    fifo_depth: int = 0


def conv_parameters(conv: AnyConvPlan, numbers: IntegerConv, in_lanes: int) -> dict[str, Literal]:
    """The configuration of one convolution (shape.hpp and winograd_shape.hpp derive the rest)."""
    parameters: dict[str, Literal] = {
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
        "SHIFT": numbers.shift,
    }
    return parameters | FORMS[conv.KIND].parameters(conv, numbers)


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
    """The layers in order, the linear layer last where there is one."""
    layers = []
    source, lanes = "input", plan.in_shape[0]
    for conv, numbers in zip(plan.convs, network.convs, strict=True):
        form = FORMS[conv.KIND]
        layers.append(
            HlsLayer(
                ident=conv.ident,
                summary=f"{conv.c_in} x {conv.height} x {conv.width} -> "
                f"{conv.c_out} x {conv.out_height} x {conv.out_width}, {conv.algorithm}",
                parameters=conv_parameters(conv, numbers, lanes),
                unit=form.unit,
                shape=form.shape,
                source=source,
                fifo_depth=form.fifo_depth(conv),
            )
        )
        source, lanes = conv.ident, conv.out_lanes
    if (linear := plan.linear) is not None:
        summary = (
            f"global sum of {linear.c_in} x {linear.height} x {linear.width}, then {linear.c_out} logits"
        )
        layers.append(HlsLayer(linear.ident, summary, linear_parameters(linear)))
    return layers
