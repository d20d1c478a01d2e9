"""`--architecture auto`: the fastest of the architectures that fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from repvgg_hw.errors import InputError
from repvgg_hw.network import IntegerNetwork
from repvgg_hw.plan import registry
from repvgg_hw.plan.planner import NetworkPlan, Reusing
from repvgg_hw.plan.request import Request
from repvgg_hw.progress import Progress, silent

AUTO = "auto"  # what `--architecture` calls it


@dataclass(frozen=True)
class Choice:
    """One request's plan, and in words why it is this one; "" where there was one request alone."""

    request: Request
    plan: NetworkPlan
    why: str


def choose(
    network: IntegerNetwork,
    requests: Sequence[Request],
    others: Sequence[IntegerNetwork] = (),
    progress: Progress = silent,
) -> Choice:
    """Plan each request, which are alike but for the architecture; the plan with the shortest frame, and why.

    All have the same clock, so that is the one with the most frames per second. Of equals the first.
    others: networks that the hardware must run as well, by images of their own; of one request alone
    Raises InputError where nothing fits, in one line with what each architecture says.
    """
    if others:
        return _with_room(network, requests, others, progress)
    if len(requests) == 1:
        (request,) = requests
        plan = registry.get(request.architecture).plan(network, request, progress)
        return Choice(request, plan, "")
    plans, refusals = dict[str, NetworkPlan](), dict[str, str]()
    for request in requests:
        try:
            plans[request.architecture] = registry.get(request.architecture).plan(network, request, progress)
        except InputError as error:
            refusals[request.architecture] = str(error)
    if not plans:
        said = "; ".join(f"{name}: {text}" for name, text in refusals.items())
        raise InputError(f"no architecture fits: {said}")
    name = min(plans, key=lambda one: plans[one].frame_interval)
    rest = [f"{other} takes {plan.frame_interval:,}" for other, plan in plans.items() if other != name]
    rest += [f"{other} does not fit: {text}" for other, text in refusals.items()]
    why = f"architecture {name}: {plans[name].frame_interval:,} cycles a frame; {'; '.join(rest)}"
    return Choice(next(one for one in requests if one.architecture == name), plans[name], why)


def _with_room(
    network: IntegerNetwork,
    requests: Sequence[Request],
    others: Sequence[IntegerNetwork],
    progress: Progress,
) -> Choice:
    """The plan of hardware that runs the others as well."""
    if len(requests) > 1:
        raise InputError("room for other networks has an engine alone: give that architecture")
    (request,) = requests
    planner = registry.get(request.architecture)
    if not isinstance(planner, Reusing):
        raise InputError(f"a design of the architecture {request.architecture} runs one network alone")
    return Choice(request, planner.plan_for(network, request, others, progress), "")
