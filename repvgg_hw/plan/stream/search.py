"""The search for the plan: the folding of every layer under a budget of multipliers or for a frame rate.

Exact, not a heuristic: see `Search`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from repvgg_hw.errors import InputError
from repvgg_hw.network import IntegerNetwork
from repvgg_hw.plan.folding import Folding, divisors
from repvgg_hw.plan.request import DEFAULT_CLOCK_MHZ, DIRECT, Algorithms
from repvgg_hw.plan.stream.candidates import (
    Candidate,
    alike,
    candidates,
    cheapest,
    cheapest_linear,
    linear_foldings,
    unfolded,
    winograd,
)
from repvgg_hw.plan.stream.direct import ConvPlan
from repvgg_hw.plan.stream.layers import AnyConvPlan
from repvgg_hw.plan.stream.linear import LinearPlan
from repvgg_hw.plan.stream.plan import Plan
from repvgg_hw.winograd.matrices import TILES


@dataclass(frozen=True)
class Layers:
    """Every layer, folded; linear is None in a network that ends with a map."""

    convs: tuple[AnyConvPlan, ...]
    linear: LinearPlan | None

    @property
    def all(self) -> tuple[AnyConvPlan | LinearPlan, ...]:
        return self.convs if self.linear is None else (*self.convs, self.linear)

    @property
    def multipliers(self) -> int:
        return sum(layer.multipliers for layer in self.all)

    @property
    def cycles(self) -> int:
        """Of the slowest one."""
        return max(layer.cycles for layer in self.all)


class Search:
    """Exact search for foldings: the smallest frame interval that a budget of multipliers allows.

    Layers are independent once the interval is given, so each takes its cheapest folding within it; the total
    cost falls as the interval grows, so the smallest interval that fits is found by bisection over the
    intervals that any folding can have.
    """

    def __init__(
        self, network: IntegerNetwork, folding: Mapping[str, Folding], algorithms: Algorithms
    ) -> None:
        self.network = network
        self.algorithms = algorithms
        self.unfolded, self.unfolded_linear = unfolded(network)
        known = {conv.name for conv in self.unfolded}
        if self.unfolded_linear is not None:
            known.add(self.unfolded_linear.name)
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
        direct = replace(conv, packed=self.algorithms.packed)
        chosen: AnyConvPlan = replace(direct if f.m is None else winograd(conv, f.m), pi=f.pi, po=f.po)
        return Candidate(chosen.cycles, (chosen.multipliers,), chosen)

    def _linear(self, unfolded: LinearPlan, last: AnyConvPlan, interval: int) -> LinearPlan | None:
        """The cheapest linear layer behind `last` that keeps the interval, or None if none does."""
        linear = replace(unfolded, in_lanes=last.out_lanes)
        fixed = self.fixed_linear(linear)
        if fixed is not None:
            return fixed if fixed.cycles <= interval else None
        return cheapest_linear(linear, interval)

    def fixed_linear(self, linear: LinearPlan) -> LinearPlan | None:
        """The linear layer, folded as asked for; None where that is left to the search."""
        if linear.name not in self.folding:
            return None
        f = self.folding[linear.name]
        _check_divides("linear", "PI", f.pi, linear.c_in, "input features")
        _check_divides("linear", "PO", f.po, linear.c_out, "classes")
        return replace(linear, pi=f.pi, po=f.po)

    def at(self, interval: int) -> Layers | None:
        """The cheapest layers that keep the interval, or None if some layer cannot."""
        convs: list[AnyConvPlan] = []
        for conv, ways in zip(self.unfolded, self.candidates, strict=True):
            best = cheapest(ways, interval)
            if best is None:
                return None
            convs.append(replace(best, name=conv.name))
        if self.unfolded_linear is None:
            return Layers(tuple(convs), None)
        linear = self._linear(self.unfolded_linear, convs[-1], interval)
        return None if linear is None else Layers(tuple(convs), linear)

    def smallest(self, fits: Callable[[Layers], bool]) -> Layers | None:
        """The layers at the smallest interval that `fits`, which must be monotone in the interval."""
        ordered = self.intervals
        low, high, best = 0, len(ordered) - 1, None
        while low <= high:
            middle = (low + high) // 2
            layers = self.at(ordered[middle])
            if layers is not None and fits(layers):
                best, high = layers, middle - 1
            else:
                low = middle + 1
        return best

    def faster(self, cycles: int) -> Layers | None:
        """The layers at the largest interval below cycles, or None where nothing is faster."""
        return next((self.at(interval) for interval in reversed(self.intervals) if interval < cycles), None)

    @property
    def intervals(self) -> list[int]:
        """All that any folding can have, the shortest first."""
        floor = floor_cycles(self.network)
        intervals = {max(floor, way.cycles) for ways in self.candidates for way in ways}
        if (linear := self.unfolded_linear) is not None:
            intervals |= {max(floor, c.cycles) for c in linear_foldings(linear)}
            pools = (replace(linear, in_lanes=lanes) for lanes in divisors(linear.c_in))
            intervals |= {max(floor, pool.pool_cycles) for pool in pools}
        return sorted(intervals)


def floor_cycles(network: IntegerNetwork) -> int:
    """Cycles of a frame's pixels: no design is faster."""
    return network.in_shape[1] * network.in_shape[2]


def _check_divides(layer: str, axis: str, value: int, total: int, what: str) -> None:
    if value < 1 or total % value:
        raise InputError(f"folding of {layer}: {axis} = {value} does not divide its {total} {what}")


def make_plan(
    network: IntegerNetwork,
    *,
    multipliers: int | None = None,
    fps: float | None = None,
    clock_mhz: float | None = DEFAULT_CLOCK_MHZ,
    folding: Mapping[str, Folding] | None = None,
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
        layers = search.smallest(lambda layers: layers.multipliers <= multipliers)
        if layers is None:
            slowest = search.at(max(way.cycles for ways in search.candidates for way in ways))
            least = "more" if slowest is None else f"at least {slowest.multipliers}"
            raise InputError(f"{multipliers} multipliers are too few: this network needs {least}")
        budget = multipliers
    else:
        assert fps is not None
        if clock_mhz is None or not fps > 0 or not clock_mhz > 0:
            raise InputError("frame rate and clock must be positive")
        interval = int(clock_mhz * 1e6 / fps)
        layers = search.at(interval) if interval >= floor_cycles(network) else None
        if layers is None:
            fastest = search.smallest(lambda _: True)
            assert fastest is not None
            best = max(fastest.cycles, floor_cycles(network))
            raise InputError(
                f"{fps:g} frames/s at {clock_mhz:g} MHz leaves {interval} cycles per frame; "
                f"this network needs at least {best} ({clock_mhz * 1e6 / best:.1f} frames/s)"
            )
        budget = layers.multipliers
    return Plan(
        name=network.name,
        in_shape=network.in_shape,
        in_bits=network.convs[0].in_bits,
        convs=layers.convs,
        linear=layers.linear,
        budget=budget,
        clock_mhz=clock_mhz,
        dsp=algorithms.dsp,
    )
