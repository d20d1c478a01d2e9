"""The whole generating pipeline, one straight line: fused network -> integers -> plan -> files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from repvgg_hw import design as designs
from repvgg_hw.design import Design, results
from repvgg_hw.errors import InputError
from repvgg_hw.network import IntegerNetwork
from repvgg_hw.plan.request import Request
from repvgg_hw.plan.stream.search import make_plan
from repvgg_hw.targets import registry


def check_directory(directory: Path, force: bool) -> None:
    """Refuse a folder that would be overwritten or cannot be written, before any work is done."""
    try:
        str(directory).encode()
    except UnicodeEncodeError:
        raise InputError(f"{directory}: the folder's name is not valid UTF-8: give another with -o") from None
    if directory.exists() and not directory.is_dir():
        raise InputError(f"{directory} is a file: give a folder with -o")
    if directory.is_dir() and any(directory.iterdir()):
        if not (directory / "design.json").is_file():
            raise InputError(f"{directory} holds other files: give an empty or new folder with -o")
        if not force:
            raise InputError(f"{directory} holds a design already: --force writes over it")
    parent = next(p for p in (directory.absolute(), *directory.absolute().parents) if p.exists())
    if not os.access(parent, os.W_OK | os.X_OK):
        raise InputError(f"{parent} cannot be written: give another folder with -o")


def generate(network: IntegerNetwork, directory: Path, request: Request, options: dict[str, Any]) -> Design:
    """Plan and write a design; `options` is recorded in design.json.

    Raises InputError where no folding satisfies the request.
    """
    plan = make_plan(
        network,
        multipliers=request.multipliers,
        fps=request.fps,
        clock_mhz=request.clock_mhz,
        folding=request.folding,
        algorithms=request.algorithms,
    )
    design = Design(directory, request, network, plan, options)
    (directory / "design.json").unlink(missing_ok=True)  # written last: without it a folder is no design
    (directory / results.FILE).unlink(missing_ok=True)  # what was proven was another design
    registry.get(request.target).emit(design)
    designs.save(design)
    designs.remember(directory)
    return design
