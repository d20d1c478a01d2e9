"""Another network for hardware that exists: an image, and what a proof needs beside it.

The image's folder has design.json and network.npz as a design has them, and no sources: it names those that
run it by their fingerprint. So what is proven of the image, bound to its own files, is bound to the hardware.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from repvgg_hw import design as designs
from repvgg_hw.design import Design, Hardware, folder, results
from repvgg_hw.errors import InputError
from repvgg_hw.network import IntegerNetwork
from repvgg_hw.plan import registry as planners
from repvgg_hw.plan.planner import NetworkPlan, Reusing
from repvgg_hw.targets import registry as targets
from repvgg_hw.targets.target import Programmable


def check_hardware(design: Design[Any]) -> tuple[Reusing, Programmable]:
    """Who plans and writes images for this design. Raises InputError where it runs its own network alone."""
    planner, target = planners.get(design.request.architecture), targets.of(design)
    if not isinstance(planner, Reusing) or not isinstance(target, Programmable):
        raise InputError(
            f"{design.directory} is a {target.name} design of the architecture {planner.name}: "
            "it runs its own network alone"
        )
    return planner, target


def sources(design: Design[Any]) -> str:
    """SHA-256 over the design's sources. Raises InputError where one is missing."""
    _, target = check_hardware(design)
    return folder.fingerprint(design.directory, target.is_source)


def program(
    hardware: Design[Any],
    network: IntegerNetwork,
    directory: Path,
    options: dict[str, Any],
    *,
    force: bool = True,
) -> Design[NetworkPlan]:
    """Write the image of a network for hardware into a folder, whole or not at all.

    force: also over an image that came there meanwhile
    Raises InputError, one line, where the network exceeds a limit of the hardware.
    """
    planner, target = check_hardware(hardware)
    made = Hardware(sources(hardware), hardware.plan.name)
    plan = planner.reuse(hardware.plan, network)
    design = Design(directory, hardware.request, network, plan, options, hardware=made)

    def emit(stage: Path) -> None:
        staged = replace(design, directory=stage)
        target.program(staged)
        designs.save(staged)

    folder.write(directory, emit, over=force)
    results.forget_void(directory)
    return design


def check_made_for(image: Design[Any], hardware: Design[Any]) -> None:
    """Raise InputError where the image is none, or not of this hardware as it is now."""
    check_hardware(hardware)
    if image.hardware is None:
        raise InputError(f"{image.directory} is a design, not an image: leave --image out")
    if image.hardware.sources != sources(hardware):
        raise InputError(
            f"{image.directory} was made for other sources than those in {hardware.directory}: make it again "
            f"by repvgg-hw program {hardware.directory} --integers {image.directory / 'network.npz'}"
        )
