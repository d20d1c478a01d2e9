"""Random integer networks and foldings for the tests of the HLS target."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from repvgg_hw.design import Design
from repvgg_hw.network import (
    ConvShape,
    IntegerConv,
    IntegerLinear,
    IntegerNetwork,
)
from repvgg_hw.plan.folding import Folding
from repvgg_hw.plan.request import Request
from repvgg_hw.plan.stream.plan import Plan
from repvgg_hw.plan.stream.search import make_plan


@dataclass(frozen=True)
class Layer:
    """One convolution of a random network, with its folding."""

    c_out: int
    stride: int = 1
    groups: int = 1
    pi: int = 1
    po: int = 1
    m: int | None = None  # Winograd tile


def random_conv(shape: ConvShape, rng: np.random.Generator, *, first: bool) -> IntegerConv:
    """Weights over the whole range; a requantization in which both clamps, the middle and ties occur."""
    fan_in = 9 * shape.c_in // shape.groups
    weight = rng.integers(-127, 128, (shape.c_out, shape.c_in // shape.groups, 3, 3)).astype(np.int8)
    spread = math.sqrt(fan_in) * 73 * 73  # of the accumulator, uniform weights and inputs
    scale = rng.uniform(0.3, 1.0, shape.c_out) * 150 / spread
    scale[::2] = 2.0 ** np.round(np.log2(scale[::2]))  # so that ties are common
    shift = 16 - math.ceil(math.log2(scale.max()))
    return IntegerConv(
        name=shape.name,
        weight=weight,
        bias=rng.integers(-5000, 5000, shape.c_out).astype(np.int32),
        multiplier=np.round(scale * 2**shift).astype(np.int32),
        shift=shift,
        stride=shape.stride,
        groups=shape.groups,
        in_signed=first,
    )


def random_network(
    layers: list[Layer],
    *,
    in_shape: tuple[int, int, int] = (3, 8, 8),
    classes: int = 5,
    linear: tuple[int, int] | None = (1, 1),
    out_bits: int = 8,
    seed: int = 0,
) -> tuple[IntegerNetwork, Plan]:
    """A network of these layers and its plan at exactly their foldings.

    linear    (PI, PO) of the linear layer; None for a network that ends with its last map
    out_bits  of the last convolution's output
    """
    rng = np.random.default_rng(seed)
    convs, c_in = [], in_shape[0]
    for i, layer in enumerate(layers):
        shape = ConvShape(f"stage{i}.0", c_in, layer.c_out, layer.stride, layer.groups)
        convs.append(random_conv(shape, rng, first=i == 0))
        c_in = layer.c_out
    convs[-1] = replace(convs[-1], out_bits=out_bits)
    head = IntegerLinear(
        weight=rng.integers(-127, 128, (classes, c_in)).astype(np.int8),
        bias=rng.integers(-1000, 1000, classes).astype(np.int32),
    )
    network = IntegerNetwork(
        name="random",
        in_shape=in_shape,
        input_scale=1 / 48,
        mean=(0.5,) * in_shape[0],
        std=(0.25,) * in_shape[0],
        convs=tuple(convs),
        linear=None if linear is None else head,
        output_scale=1.0,
    )
    folding = {f"stage{i}.0": Folding(layer.pi, layer.po, layer.m) for i, layer in enumerate(layers)}
    if linear is not None:
        folding["linear"] = Folding(*linear)
    return network, make_plan(network, multipliers=10**9, folding=folding)


def random_images(network: IntegerNetwork, count: int, seed: int = 0) -> np.ndarray:
    """(count, C, H, W) int8 over the whole range."""
    rng = np.random.default_rng(seed)
    return rng.integers(-128, 128, (count, *network.in_shape)).astype(np.int8)


def hls_design(folder: Path, network: IntegerNetwork, plan: Plan) -> Design[Plan]:
    """The design of an HLS project in folder, not emitted yet."""
    return Design(folder, Request("hls", plan.budget), network, plan, {})
