"""The search for the plan: the folding of every layer under a budget of multipliers or for a frame rate.

Exact, not a heuristic: see `Search`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace

from repvgg_hw.errors import InputError
from repvgg_hw.network import LOGIT_BITS, IntegerNetwork, signed_bits
from repvgg_hw.plan.folding import divisors
from repvgg_hw.plan.stream.direct import ConvPlan
from repvgg_hw.plan.stream.linear import LinearPlan
from repvgg_hw.plan.stream.plan import AnyConvPlan, Plan
from repvgg_hw.plan.stream.winograd import WinogradPlan

ACC_STEP = 4  # accumulators are rounded up to a multiple of this, so that alike layers share one circuit

TILES = range(2, 8)  # F(m) that one multiplier of 27 x 18 bits can do, with exact integers

Layers = tuple[list[AnyConvPlan], LinearPlan]


@dataclass(frozen=True)
class Folding:
    """How a layer's products are shared in time: PI input channels by PO output channels at once.

    m  Winograd tile, None for direct products
    """

    pi: int
    po: int
    m: int | None = None


@dataclass(frozen=True)
class Algorithms:
    """Which algorithms the search may give to a layer.

    tiles   Winograd tiles F(m); none for direct products alone
    direct  whether a layer may be direct although a tile is allowed
    phases  whether layers of stride 2 may use tiles, as four phases of stride 1
    dsp     widths of one multiplier's signed ports: a tile whose numbers are wider is left out
    """

    tiles: tuple[int, ...] = ()
    direct: bool = True
    phases: bool = True
    dsp: tuple[int, int] = (27, 18)

    def of(self, conv: ConvPlan) -> list[AnyConvPlan]:
        """Each allowed algorithm for this layer, at PI = PO = 1. Direct where no tile fits."""
        tiles = [winograd(conv, m) for m in self.tiles if self.phases or conv.stride == 1]
        fitting: list[AnyConvPlan] = [unit for unit in tiles if unit.widths.fits(self.dsp)]
        return [conv, *fitting] if self.direct or not fitting else fitting


DIRECT = Algorithms()


def alternatives(conv: AnyConvPlan, interval: int, dsp: tuple[int, int]) -> dict[str, int]:
    """What each algorithm would cost for this layer within an interval: algorithm -> multipliers."""
    names = {f.name for f in fields(ConvPlan)}
    base = ConvPlan(**{name: getattr(conv, name) for name in names})
    found = {}
    for algorithm in Algorithms(tuple(TILES), dsp=dsp).of(base):
        within = [c for c in foldings(algorithm) if c.cycles <= interval]
        if within:
            found[algorithm.algorithm] = min(c.multipliers for c in within)
    return found


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


def unfolded(network: IntegerNetwork) -> tuple[list[ConvPlan], LinearPlan]:
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
    shared = {f.name: getattr(conv, f.name) for f in fields(conv)}
    return WinogradPlan(m=m, **shared)


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
    ways = [
        Candidate(c.cycles, (c.multipliers, c.requant_multipliers, c.transform_adders, c.po), c)
        for algorithm in algorithms.of(conv)
        for c in foldings(algorithm)
    ]
    ways.sort(key=lambda way: (way.cycles, way.cost))
    kept: list[Candidate] = []
    for way in ways:
        if not kept or way.cost < kept[-1].cost:
            kept.append(way)
    return kept


def cheapest(ways: Sequence[Candidate], interval: int) -> AnyConvPlan | None:
    """The cheapest way within the interval: costs fall as cycles grow, so it is the slowest that fits."""
    at = bisect_right(ways, interval, key=lambda way: way.cycles)
    return ways[at - 1].conv if at else None


def _cheapest_linear(linear: LinearPlan, interval: int) -> LinearPlan | None:
    within = [c for c in linear_foldings(linear) if c.cycles <= interval]
    return min(within, key=lambda c: (c.multipliers, c.po, c.cycles), default=None)


class Search:
    """Exact search for foldings: the smallest frame interval that a budget of multipliers allows.

    Layers are independent once the interval is given, so each takes its cheapest folding within it; the total
    cost falls as the interval grows, so the smallest interval that fits is found by bisection over the
    intervals that any folding can have.
    """

    def __init__(self, network: IntegerNetwork, folding: dict[str, Folding], algorithms: Algorithms) -> None:
        self.network = network
        self.algorithms = algorithms
        self.unfolded, self.unfolded_linear = unfolded(network)
        known = {*(conv.name for conv in self.unfolded), self.unfolded_linear.name}
        for name in folding:
            if name not in known:
                raise InputError(f"the folding names a layer {name!r} that the network does not have")
        self.folding = folding
        cache: dict[tuple[object, ...], list[Candidate]] = {}
        self.candidates: list[list[Candidate]] = []
        for conv in self.unfolded:
            if conv.name in folding:
                self.candidates.append([self._fixed(conv)])
                continue
            key = (alike(conv), conv.acc_bits)
            if key not in cache:
                cache[key] = candidates(conv, algorithms)
            self.candidates.append(cache[key])

    def _fixed(self, conv: ConvPlan) -> Candidate:
        f = self.folding[conv.name]
        _check_divides(conv.name, "PI", f.pi, conv.c_in // conv.groups, "input channels per group")
        _check_divides(conv.name, "PO", f.po, conv.c_out // conv.groups, "output channels per group")
        if f.m is not None and f.m not in TILES:
            raise InputError(
                f"folding of {conv.name}: m = {f.m}, Winograd tiles are {TILES[0]} to {TILES[-1]}"
            )
        chosen: AnyConvPlan = replace(conv if f.m is None else winograd(conv, f.m), pi=f.pi, po=f.po)
        return Candidate(chosen.cycles, (chosen.multipliers,), chosen)

    def _linear(self, convs: Sequence[AnyConvPlan], interval: int) -> LinearPlan | None:
        linear = replace(self.unfolded_linear, in_lanes=convs[-1].out_lanes)
        if "linear" in self.folding:
            f = self.folding["linear"]
            _check_divides("linear", "PI", f.pi, linear.c_in, "input features")
            _check_divides("linear", "PO", f.po, linear.c_out, "classes")
            linear = replace(linear, pi=f.pi, po=f.po)
            return linear if linear.cycles <= interval else None
        return _cheapest_linear(linear, interval)

    def at(self, interval: int) -> Layers | None:
        """The cheapest layers that keep the interval, or None if some layer cannot."""
        convs: list[AnyConvPlan] = []
        for conv, ways in zip(self.unfolded, self.candidates, strict=True):
            best = cheapest(ways, interval)
            if best is None:
                return None
            convs.append(replace(best, name=conv.name))
        linear = self._linear(convs, interval)
        return None if linear is None else (convs, linear)

    def smallest(self, fits: Callable[[Layers], bool]) -> Layers | None:
        """The layers at the smallest interval that `fits`, which must be monotone in the interval."""
        floor = self.network.in_shape[1] * self.network.in_shape[2]
        intervals = {max(floor, way.cycles) for ways in self.candidates for way in ways}
        intervals |= {max(floor, c.cycles) for c in linear_foldings(self.unfolded_linear)}
        intervals |= {max(floor, self._pool_cycles(lanes)) for lanes in divisors(self.unfolded[-1].c_out)}
        ordered = sorted(intervals)
        low, high, found = 0, len(ordered) - 1, None
        while low <= high:
            middle = (low + high) // 2
            layers = self.at(ordered[middle])
            if layers is not None and fits(layers):
                found, high = layers, middle - 1
            else:
                low = middle + 1
        return found

    def _pool_cycles(self, lanes: int) -> int:
        return replace(self.unfolded_linear, in_lanes=lanes).pool_cycles


def _check_divides(layer: str, axis: str, value: int, total: int, what: str) -> None:
    if value < 1 or total % value:
        raise InputError(f"folding of {layer}: {axis} = {value} does not divide its {total} {what}")


def _multipliers(layers: Layers) -> int:
    return sum(c.multipliers for c in layers[0]) + layers[1].multipliers


def make_plan(
    network: IntegerNetwork,
    *,
    multipliers: int | None = None,
    fps: float | None = None,
    clock_mhz: float = 200.0,
    folding: dict[str, Folding] | None = None,
    algorithms: Algorithms = DIRECT,
) -> Plan:
    """Choose every layer's folding.

    multipliers  budget: minimise the frame interval within it
    fps          target at clock_mhz: minimise the multipliers that reach it
    folding      layer name -> fixed folding, which the search keeps
    algorithms   what the search may choose from for every other layer

    Raises InputError if no folding satisfies the request.
    """
    if (multipliers is None) == (fps is None):
        raise InputError("give either a budget of multipliers or a frame rate, not both and not neither")
    search = Search(network, folding or {}, algorithms)
    if multipliers is not None:
        layers = search.smallest(lambda layers: _multipliers(layers) <= multipliers)
        if layers is None:
            slowest = search.at(max(way.cycles for ways in search.candidates for way in ways))
            least = "more" if slowest is None else f"at least {_multipliers(slowest)}"
            raise InputError(f"{multipliers} multipliers are too few: this network needs {least}")
        budget = multipliers
    else:
        assert fps is not None
        if not fps > 0 or not clock_mhz > 0:
            raise InputError("frame rate and clock must be positive")
        interval = int(clock_mhz * 1e6 / fps)
        layers = search.at(interval) if interval >= network.in_shape[1] * network.in_shape[2] else None
        if layers is None:
            fastest = search.smallest(lambda _: True)
            assert fastest is not None
            best = max(fastest[1].cycles, *(c.cycles for c in fastest[0]))
            best = max(best, network.in_shape[1] * network.in_shape[2])
            raise InputError(
                f"{fps:g} frames/s at {clock_mhz:g} MHz leaves {interval} cycles per frame; "
                f"this network needs at least {best} ({clock_mhz * 1e6 / best:.1f} frames/s)"
            )
        budget = _multipliers(layers)
    return Plan(
        name=network.name,
        in_shape=network.in_shape,
        in_bits=network.convs[0].in_bits,
        convs=tuple(layers[0]),
        linear=layers[1],
        budget=budget,
        clock_mhz=clock_mhz,
        dsp=algorithms.dsp,
    )
