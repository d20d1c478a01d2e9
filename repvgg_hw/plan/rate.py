"""How fast a plan is and what it takes, in words; a rate only with a clock, and where that is from."""

from __future__ import annotations

from typing import Any

from repvgg_hw.plan import device as devices
from repvgg_hw.plan.planner import NetworkPlan
from repvgg_hw.plan.request import Request
from repvgg_hw.plan.resources import beside, of_device, summary


def support(request: Request) -> str:
    """Where the clock of a request comes from."""
    routed = request.device is not None and request.device.clock == "routed"
    return "a routed design reached it on the device" if routed else "assumed"


def rate(plan: NetworkPlan, request: Request) -> str:
    """Frames per second at the clock, or that there is no clock."""
    if plan.fps is None or plan.clock_mhz is None:
        return "no frames/s: no such design was routed on that device, give --clock to assume one"
    return f"{plan.fps:,.1f} frames/s at {plan.clock_mhz:g} MHz ({support(request)})"


def fits(plan: NetworkPlan, request: Request) -> str | None:
    """What a plan takes of the device that it was made for; None where it was made for none.

    It fitted when it was made; a later version may estimate otherwise.
    """
    if request.device is None:
        return None
    device, fill = devices.get(request.device.name), request.device.fill
    taken = plan.resources(device.family.name)
    verdict = "does not fit" if list(taken.over(of_device(device, fill))) else "fits"
    return f"{verdict} {device.name} at a fill of {fill:g}, {plan.estimate}: {summary(taken, device)}"


def shortage(plan: NetworkPlan, name: str) -> str | None:
    """What a plan takes of a device that has less than that; None where it has enough."""
    device = devices.get(name)
    taken = plan.resources(device.family.name)
    if not list(taken.over(of_device(device))):
        return None
    return f"this design does not fit {name}, {plan.estimate}: {summary(taken, device)}"


def facts(plan: NetworkPlan, request: Request) -> dict[str, Any]:
    """For pages and programs: where the clock is from, and (title, taken, there) of each resource."""
    if request.device is None:
        return {"support": support(request), "device": None, "taken": []}
    device = devices.get(request.device.name)
    taken = plan.resources(device.family.name)
    return {"support": support(request), "device": device.name, "taken": beside(taken, device)}
