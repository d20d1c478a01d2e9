"""Every way to build a layer: its algorithms, its foldings, and those of them that no other one beats."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace

from repvgg_hw.network import LOGIT_BITS, IntegerNetwork, signed_bits
from repvgg_hw.plan.folding import divisors
from repvgg_hw.plan.request import Algorithms
from repvgg_hw.plan.stream.direct import ConvPlan
from repvgg_hw.plan.stream.layers import AnyConvPlan
from repvgg_hw.plan.stream.linear import LinearPlan
from repvgg_hw.plan.stream.winograd import WinogradPlan
from repvgg_hw.winograd.matrices import TILES

ACC_STEP = 4  # accumulators are rounded up to a multiple of this, so that alike layers share one circuit


def alike(conv: ConvPlan) -> tuple[object, ...]:
    """Layers with the same key can be the same circuit: everything but name, folding and accumulator."""
    c = conv
    return (
        c.c_in,
        c.c_out,
        c.height,
        c.width,
        c.stride,
        c.groups,
        c.in_bits,
        c.in_signed,
        c.weight_bits,
        c.out_bits,
    )


def accumulator_bits(bound: int) -> int:
    """Accumulator width for a proven bound, rounded up so that small changes of weights keep the circuit."""
    return -(-signed_bits(bound) // ACC_STEP) * ACC_STEP


def unfolded(network: IntegerNetwork) -> tuple[list[ConvPlan], LinearPlan | None]:
    """Every layer at PI = PO = 1: shapes and proven widths, before the search chooses a folding."""
    convs = []
    for conv, (height, width), _ in network.map_shapes():
        convs.append(
            ConvPlan(
                name=conv.name,
                c_in=conv.shape.c_in,
                c_out=conv.shape.c_out,
                height=height,
                width=width,
                stride=conv.stride,
                groups=conv.groups,
                pi=1,
                po=1,
                in_bits=conv.in_bits,
                in_signed=conv.in_signed,
                weight_bits=conv.weight_bits,
                out_bits=conv.out_bits,
                acc_bits=accumulator_bits(conv.accumulator_bound),
            )
        )
    widest: dict[tuple[object, ...], int] = {}
    for c in convs:
        widest[alike(c)] = max(c.acc_bits, widest.get(alike(c), 0))
    convs = [replace(c, acc_bits=widest[alike(c)]) for c in convs]
    if network.linear is None:
        return convs, None
    last = convs[-1]
    linear = LinearPlan(
        c_in=last.c_out,
        c_out=network.num_classes,
        height=last.out_height,
        width=last.out_width,
        in_lanes=last.out_lanes,
        pi=1,
        po=1,
        in_bits=last.out_bits,
        weight_bits=network.linear.weight_bits,
        acc_bits=LOGIT_BITS,
    )
    return convs, linear


def winograd(conv: ConvPlan, m: int) -> WinogradPlan:
    """The same layer by F(m)."""
    shared = {f.name: getattr(conv, f.name) for f in fields(conv) if f.name != "packed"}
    return WinogradPlan(m=m, **shared)


def ways(conv: ConvPlan, algorithms: Algorithms) -> list[AnyConvPlan]:
    """Each allowed algorithm for this layer, at PI = PO = 1. Direct where no tile fits."""
    conv = replace(conv, packed=algorithms.packed)
    tiles = [winograd(conv, m) for m in algorithms.tiles if algorithms.phases or conv.stride == 1]
    fitting: list[AnyConvPlan] = [unit for unit in tiles if unit.widths.fits(algorithms.dsp)]
    return [conv, *fitting] if algorithms.direct or not fitting else fitting


def foldings(conv: AnyConvPlan) -> Iterator[AnyConvPlan]:
    """Every folding of one convolution."""
    for pi in divisors(conv.c_in // conv.groups):
        for po in divisors(conv.c_out // conv.groups):
            yield replace(conv, pi=pi, po=po)


def linear_foldings(linear: LinearPlan) -> Iterator[LinearPlan]:
    """Every folding of the linear layer."""
    for pi in divisors(linear.c_in):
        for po in divisors(linear.c_out):
            yield replace(linear, pi=pi, po=po)


@dataclass(frozen=True)
class Candidate:
    """One way to build a layer, with what it takes.

    cost  in the order in which it counts: multipliers, requantizers, adders of transforms, accumulators
    """

    cycles: int
    cost: tuple[int, ...]
    conv: AnyConvPlan


def candidates(conv: ConvPlan, algorithms: Algorithms) -> list[Candidate]:
    """Every folding of every allowed algorithm, without those that another one beats in cycles and cost."""
    every = [
        Candidate(c.cycles, (c.multipliers, c.requant_multipliers, c.transform_adders, c.po), c)
        for algorithm in ways(conv, algorithms)
        for c in foldings(algorithm)
    ]
    every.sort(key=lambda way: (way.cycles, way.cost))
    kept: list[Candidate] = []
    for way in every:
        if not kept or way.cost < kept[-1].cost:
            kept.append(way)
    return kept


def cheapest(ways: Sequence[Candidate], interval: int) -> AnyConvPlan | None:
    """The cheapest way within the interval: costs fall as cycles grow, so it is the slowest that fits."""
    at = bisect_right(ways, interval, key=lambda way: way.cycles)
    return ways[at - 1].conv if at else None


def cheapest_linear(linear: LinearPlan, interval: int) -> LinearPlan | None:
    """The cheapest folding of the linear layer within the interval, if any is."""
    within = [c for c in linear_foldings(linear) if c.cycles <= interval]
    return min(within, key=lambda c: (c.multipliers, c.po, c.cycles), default=None)


def alternatives(conv: AnyConvPlan, interval: int, dsp: tuple[int, int]) -> dict[str, int]:
    """What each algorithm would cost for this layer within an interval: algorithm -> multipliers."""
    names = {f.name for f in fields(ConvPlan)} - {"packed"}
    base = ConvPlan(**{name: getattr(conv, name) for name in names})
    prices = {}
    for algorithm in ways(base, Algorithms(tuple(TILES), dsp=dsp)):
        within = [c for c in foldings(algorithm) if c.cycles <= interval]
        if within:
            prices[algorithm.algorithm] = min(c.multipliers for c in within)
    return prices
