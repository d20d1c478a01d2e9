"""The whole generating pipeline, one straight line: fused network -> integers -> plan -> files."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from repvgg_hw import design as designs
from repvgg_hw.design import Design, folder, results
from repvgg_hw.errors import InputError
from repvgg_hw.network import IntegerNetwork
from repvgg_hw.plan.choose import choose
from repvgg_hw.plan.planner import NetworkPlan
from repvgg_hw.plan.request import Request
from repvgg_hw.targets import registry as targets
from repvgg_hw.targets.target import Target


def check_directory(directory: Path, force: bool) -> None:
    """Refuse a folder that would be overwritten or cannot be written, before any work is done."""
    try:
        str(directory).encode()
    except UnicodeEncodeError:
        raise InputError(f"{directory}: the folder's name is not valid UTF-8: give another with -o") from None
    if directory.exists() and not directory.is_dir():
        raise InputError(f"{directory} is a file: give a folder with -o")
    if directory.is_dir() and any(path.name != folder.LOCK for path in directory.iterdir()):
        if not folder.is_design(directory):
            raise InputError(f"{directory} holds other files: give an empty or new folder with -o")
        folder.check_places(directory, [folder.RESULTS])
        if not force and (directory / "design.json").is_file():
            raise InputError(f"{directory} holds a design already: --force writes over it")
    parent = next(p for p in (directory.absolute(), *directory.absolute().parents) if p.exists())
    if not os.access(parent, os.W_OK | os.X_OK):
        raise InputError(f"{parent} cannot be written: give another folder with -o")


def check_request(request: Request) -> Target:
    """The target of a request. Raises InputError where it cannot write that architecture."""
    target = targets.get(request.target)
    if request.architecture not in target.architectures:
        known = ", ".join(sorted(target.architectures))
        raise InputError(
            f"the target {target.name} does not write the architecture {request.architecture}: "
            f"give --architecture {known} or another --target"
        )
    return target


def generate(
    network: IntegerNetwork,
    directory: Path,
    request: Request,
    options: dict[str, Any],
    *,
    force: bool = True,
) -> Design[NetworkPlan]:
    """Plan and write a design; `options` is recorded in design.json.

    force: also over a design that came there meanwhile
    Raises InputError where no folding satisfies the request.
    """
    check_request(request)
    design = Design(directory, request, network, choose(network, [request]).plan, options)
    write(design, force=force)
    return design


def write(design: Design[Any], *, force: bool = True) -> None:
    """Write a design into its folder, whole or not at all; a result that is not of it goes.

    Raises InputError where its target cannot express the plan.
    """

    def emit(stage: Path) -> None:
        staged = replace(design, directory=stage)
        targets.get(design.target).emit(staged)
        designs.save(staged)

    folder.write(design.directory, emit, over=force)
    results.forget_void(design.directory)
