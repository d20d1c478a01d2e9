"""The search for the plan: the folding of every layer under a budget of multipliers or for a frame rate.

Exact, not a heuristic: see `Search`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from repvgg_hw.errors import InputError
from repvgg_hw.network import LOGIT_BITS, IntegerNetwork, signed_bits
from repvgg_hw.plan import TAPS, ConvPlan, LinearPlan, Plan, divisors

ACC_STEP = 4  # accumulators are rounded up to a multiple of this, so that alike layers share one circuit

Layers = tuple[list[ConvPlan], LinearPlan]


@dataclass(frozen=True)
class Folding:
    """How a layer's products are shared in time: PI input channels by PO output channels at once."""

    pi: int
    po: int


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


def foldings(conv: ConvPlan) -> Iterator[ConvPlan]:
    """Every folding of one convolution."""
    for pi in divisors(conv.c_in // conv.groups):
        for po in divisors(conv.c_out // conv.groups):
            yield replace(conv, pi=pi, po=po)


def linear_foldings(linear: LinearPlan) -> Iterator[LinearPlan]:
    """Every folding of the linear layer."""
    for pi in divisors(linear.c_in):
        for po in divisors(linear.c_out):
            yield replace(linear, pi=pi, po=po)


def _cheapest(candidates: Sequence[ConvPlan], interval: int) -> ConvPlan | None:
    """The cheapest candidate within the interval: multipliers, then requantizers, then accumulators."""
    within = [c for c in candidates if c.cycles <= interval]
    return min(within, key=lambda c: (c.multipliers, c.requant_multipliers, c.po, c.cycles), default=None)


def _cheapest_linear(linear: LinearPlan, interval: int) -> LinearPlan | None:
    within = [c for c in linear_foldings(linear) if c.cycles <= interval]
    return min(within, key=lambda c: (c.multipliers, c.po, c.cycles), default=None)


class Search:
    """Exact search for foldings: the smallest frame interval that a budget of multipliers allows.

    Layers are independent once the interval is given, so each takes its cheapest folding within it; the total
    cost falls as the interval grows, so the smallest interval that fits is found by bisection over the
    intervals that any folding can have.
    """

    def __init__(self, network: IntegerNetwork, folding: dict[str, Folding]) -> None:
        self.network = network
        self.unfolded, self.unfolded_linear = unfolded(network)
        known = {*(conv.name for conv in self.unfolded), self.unfolded_linear.name}
        for name in folding:
            if name not in known:
                raise InputError(f"the folding names a layer {name!r} that the network does not have")
        self.folding = folding
        cache: dict[tuple[object, ...], list[ConvPlan]] = {}
        self.candidates: list[list[ConvPlan]] = []
        for conv in self.unfolded:
            if conv.name in folding:
                self.candidates.append([self._fixed(conv)])
                continue
            if alike(conv) not in cache:
                cache[alike(conv)] = list(foldings(conv))
            self.candidates.append(cache[alike(conv)])

    def _fixed(self, conv: ConvPlan) -> ConvPlan:
        f = self.folding[conv.name]
        _check_divides(conv.name, "PI", f.pi, conv.c_in // conv.groups, "input channels per group")
        _check_divides(conv.name, "PO", f.po, conv.c_out // conv.groups, "output channels per group")
        return replace(conv, pi=f.pi, po=f.po)

    def _linear(self, convs: Sequence[ConvPlan], interval: int) -> LinearPlan | None:
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
        convs: list[ConvPlan] = []
        for conv, candidates in zip(self.unfolded, self.candidates, strict=True):
            best = _cheapest(candidates, interval)
            if best is None:
                return None
            convs.append(replace(best, name=conv.name))
        linear = self._linear(convs, interval)
        return None if linear is None else (convs, linear)

    def smallest(self, fits: Callable[[Layers], bool]) -> Layers | None:
        """The layers at the smallest interval that `fits`, which must be monotone in the interval."""
        floor = self.network.in_shape[1] * self.network.in_shape[2]
        intervals = {max(floor, c.cycles) for group in self.candidates for c in group}
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
) -> Plan:
    """Choose every layer's folding.

    multipliers  budget: minimise the frame interval within it
    fps          target at clock_mhz: minimise the multipliers that reach it
    folding      layer name -> fixed folding, which the search keeps

    Raises InputError if no folding satisfies the request.
    """
    if (multipliers is None) == (fps is None):
        raise InputError("give either a budget of multipliers or a frame rate, not both and not neither")
    search = Search(network, folding or {})
    if multipliers is not None:
        layers = search.smallest(lambda layers: _multipliers(layers) <= multipliers)
        if layers is None:
            least = TAPS * len(search.unfolded) + 1  # at PI = PO = 1 everywhere
            raise InputError(
                f"{multipliers} multipliers are too few: this network needs at least {least}, "
                f"{TAPS} for each of its {len(search.unfolded)} convolutions and 1 for the linear layer"
            )
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
    )
