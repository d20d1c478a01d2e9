"""Plan within a device: the fastest design that its DSPs, memories and logic allow, or why there is none."""

from __future__ import annotations

from dataclasses import replace

from repvgg_hw.errors import InputError
from repvgg_hw.network import IntegerNetwork
from repvgg_hw.plan import device as devices
from repvgg_hw.plan.device import Device
from repvgg_hw.plan.request import OnDevice, Request, packs
from repvgg_hw.plan.resources import TITLES, Resources, of_device
from repvgg_hw.plan.stream.layers import AnyConvPlan
from repvgg_hw.plan.stream.linear import LinearPlan
from repvgg_hw.plan.stream.options import Group, grouped
from repvgg_hw.plan.stream.plan import Plan
from repvgg_hw.plan.stream.programme import Solution, fastest, share, smallest, solve
from repvgg_hw.plan.stream.resources import of_plan
from repvgg_hw.plan.stream.search import Search, floor_cycles

ROUNDS = 4  # of taking the converters between layers off the limits


def make_plan(network: IntegerNetwork, request: Request) -> Plan:
    """The smallest interval that fits, or with --fps the least that reaches it.

    Raises InputError where nothing fits: what is short, by how much, what would help.
    """
    assert request.device is not None
    search = _Search(network, request, devices.get(request.device.name))
    interval = None
    if request.fps is not None:
        assert request.clock_mhz is not None
        interval = int(request.clock_mhz * 1e6 / request.fps)
    found = search.plan(request.device.fill, interval)
    if found is not None:
        return found
    if interval is not None and (best := search.plan(request.device.fill, None)) is not None:
        assert request.clock_mhz is not None
        raise InputError(
            f"{request.fps:g} frames/s at {request.clock_mhz:g} MHz leaves {interval:,} cycles per frame; on "
            f"{request.device.name} at a fill of {request.device.fill:g} the fastest plan takes "
            f"{best.frame_interval:,} ({request.clock_mhz * 1e6 / best.frame_interval:,.1f} frames/s)"
        )
    raise InputError(_refusal(network, request, search))


class _Search:
    """All options on the family of one device."""

    def __init__(self, network: IntegerNetwork, request: Request, device: Device) -> None:
        self.network, self.request, self.device = network, request, device
        family = device.family
        packed = packs(request.target, family)
        # of another family, where one would help
        algorithms = replace(request.algorithms, dsp=family.dsp_ports, packed=packed)
        base = Search(network, request.folding, algorithms)
        fixed = {
            i: base.candidates[i][0].conv
            for i, conv in enumerate(base.unfolded)
            if conv.name in request.folding
        }
        linear = base.unfolded_linear
        folded = None if linear is None else base.fixed_linear(linear)
        self.groups: list[Group] = grouped(base.unfolded, fixed, linear, folded, algorithms, family.name)
        self.names = [conv.name for conv in base.unfolded]
        self.floor = floor_cycles(network)

    def plan(self, fill: float, interval: int | None) -> Plan | None:
        """The fastest plan, or the one that takes least within an interval; None where nothing fits."""
        if interval is not None and interval < self.floor:
            return None
        whole = of_device(self.device, fill)
        limits = whole
        for _ in range(ROUNDS):
            if interval is None:
                found = fastest(self.groups, limits, self.floor)
            else:
                found = solve(self.groups, interval, limits)
            if found is None or found.share > 1:
                return None
            plan = self.as_plan(found)
            takes = of_plan(plan, self.device.family.name)
            if not list(takes.over(whole)):
                return plan
            between = zip(takes.counts, found.takes.counts, whole.counts, strict=True)
            limits = Resources(*(max(0, there - (a - b)) for a, b, there in between))
        return None

    def as_plan(self, solution: Solution) -> Plan:
        """The plan of a solution's options."""
        convs: list[AnyConvPlan] = []
        linear: LinearPlan | None = None
        for i, name in enumerate(self.names):
            first, *head = solution.chosen[i].units
            assert not isinstance(first, LinearPlan)
            convs.append(replace(first, name=name))
            for unit in head:
                assert isinstance(unit, LinearPlan)
                linear = unit
        layers = [*convs, *([linear] if linear else [])]
        return Plan(
            name=self.network.name,
            in_shape=self.network.in_shape,
            in_bits=self.network.convs[0].in_bits,
            convs=tuple(convs),
            linear=linear,
            budget=sum(layer.multipliers for layer in layers),
            clock_mhz=self.request.clock_mhz,
            dsp=self.device.family.dsp_ports,
        )

    def nearest(self, fill: float) -> Resources:
        """What the plan takes that lacks least, however slow it is."""
        limits = of_device(self.device, fill)
        return of_plan(self.as_plan(smallest(self.groups, limits)), self.device.family.name)


def _refusal(network: IntegerNetwork, request: Request, search: _Search) -> str:
    """One line: what is short, by how much, what would help."""
    asked = request.device
    assert asked is not None
    takes, limits = search.nearest(asked.fill), of_device(search.device, asked.fill)
    short = [
        f"{TITLES[name]} {wanted:,} of {there:,}" + (f" ({wanted / there:.1f} times)" if there else "")
        for name, wanted, there in takes.over(limits)
    ]
    what = ", ".join(short) or "a little more with what joins its layers"
    return (
        f"{network.name} does not fit {asked.name} at a fill of {asked.fill:g}: the plan that comes nearest "
        f"takes {what}; {_help(network, request, takes, search)}"
    )


def _help(network: IntegerNetwork, request: Request, takes: Resources, search: _Search) -> str:
    """What would make it fit, as far as it can be computed."""
    asked = request.device
    assert asked is not None
    hints = []
    needed = share(takes, of_device(search.device))
    if needed <= 1:
        hints.append(f"--fill {min(1.0, int(needed * 100 + 1) / 100):g}")
    if request.folding:
        hints.append("another --folding, or none")
    bits = max(conv.weight_bits for conv in network.convs)
    if bits > 4 and takes.bram > of_device(search.device, asked.fill).bram:
        hints.append("--weight-bits 4, which halves the memory of weights")
    fitting = _devices_that_fit(network, request, search)
    hints.append(f"{fitting[0]}, which takes it" if fitting else "a smaller network: no board takes this one")
    return "what would help: " + "; or ".join(hints)


def _devices_that_fit(network: IntegerNetwork, request: Request, search: _Search) -> list[str]:
    """Boards that take the network, those with the fewest multipliers first."""
    asked = request.device
    assert asked is not None
    boards = sorted((d for d in map(devices.get, devices.names()) if d.board), key=lambda d: d.part.dsp)
    searches = {search.device.family.name: search}
    for other in boards:
        if other.family.name not in searches:
            renamed = replace(request, device=OnDevice(other.name, asked.fill, asked.clock))
            searches[other.family.name] = _Search(network, renamed, other)
        groups = searches[other.family.name].groups
        if smallest(groups, of_device(other, asked.fill)).share <= 1:
            return [other.name]
    return []
