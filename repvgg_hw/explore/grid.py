"""Which points a sweep has: every network with every budget, architecture and choice of tiles."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from repvgg_hw.errors import InputError
from repvgg_hw.plan import registry
from repvgg_hw.plan.asked import asked
from repvgg_hw.plan.request import DEFAULT_ARCHITECTURE, DEFAULT_WINOGRAD, Request

MOST = 10_000  # points: a slip of the keyboard, not a sweep, asks for more


@dataclass(frozen=True)
class Point:
    """One plan to make: of the network of this label, for this request."""

    network: str
    request: Request

    @property
    def budget(self) -> str:
        """What it may take, for people."""
        request = self.request
        if request.device is not None:
            return request.device.name
        if request.fps is not None:
            return f"{request.fps:g} frames/s"
        return f"{request.multipliers:,} multipliers"

    @property
    def tiles(self) -> str:
        """Which Winograd tiles the search may use, as `--winograd` says it; "" where it has no say."""
        algorithms = self.request.algorithms
        if self.request.architecture != DEFAULT_ARCHITECTURE:
            return ""
        if not algorithms.tiles:
            return DEFAULT_WINOGRAD
        return "auto" if algorithms.direct else str(algorithms.tiles[0])


def grid(
    networks: Sequence[str],
    *,
    multipliers: Sequence[int] = (),
    fps: Sequence[float] = (),
    device: Sequence[str] = (),
    architecture: Sequence[str] | None = None,
    winograd: Sequence[str | int] = (DEFAULT_WINOGRAD,),
    clock_mhz: float | None = None,
    fill: float | None = None,
) -> list[Point]:
    """Every combination that means something, each once, in the order given.

    architecture  None: streams, and on a device engines, too. An engine searches its tiles itself, so it has
                   one point for all of `winograd`, and none for a frame rate, by which no engine is searched
    Raises InputError where nothing is left, or for a word that no plan can mean.
    """
    budgets: list[dict[str, Any]] = [{"multipliers": count} for count in dict.fromkeys(multipliers)]
    budgets += [{"fps": rate} for rate in dict.fromkeys(fps)]
    budgets += [{"device": name} for name in dict.fromkeys(map(str.lower, device))]
    if not budgets:
        raise InputError("a sweep needs budgets: multipliers, devices or frames per second")
    if fill is not None and not device:
        raise InputError("fill belongs to a device")
    tiles = list(dict.fromkeys(map(str, winograd))) or [DEFAULT_WINOGRAD]
    requests: list[Request] = []
    for budget in budgets:
        given: dict[str, Any] = {"clock_mhz": clock_mhz, "fill": fill if "device" in budget else None}
        for kind in _architectures(architecture, budget):
            for words in _words(kind, budget, tiles):
                requests += asked(**budget, **given, architecture=kind, **words)
    points = [Point(network, request) for network in dict.fromkeys(networks) for request in requests]
    if not points:
        raise InputError("nothing to plan: an engine is searched within multipliers or a device, not by fps")
    if tiles != [DEFAULT_WINOGRAD] and not any(point.tiles for point in points):
        raise InputError("--winograd means nothing beside --architecture engine: it searches its own tiles")
    if len(points) > MOST:
        raise InputError(f"{len(points):,} points are more than {MOST:,}: give shorter lists")
    return points


def _architectures(asked_for: Sequence[str] | None, budget: dict[str, Any]) -> list[str]:
    if asked_for is None:
        return registry.names() if "device" in budget else [DEFAULT_ARCHITECTURE]
    for name in asked_for:
        registry.get(name)
    return list(dict.fromkeys(asked_for))


def _words(architecture: str, budget: dict[str, Any], tiles: list[str]) -> Iterator[dict[str, Any]]:
    """What else a request says, once for each of its points."""
    if architecture == DEFAULT_ARCHITECTURE:
        yield from ({"winograd": tile} for tile in tiles)
    elif "fps" not in budget:
        yield {}
