"""Who wraps which design."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from repvgg_hw.board import engine_wrapper, wrapper
from repvgg_hw.board.boards import Board
from repvgg_hw.board.wrapped import Wrapped
from repvgg_hw.design import Design
from repvgg_hw.errors import InputError
from repvgg_hw.plan.engine.plan import EnginePlan
from repvgg_hw.plan.stream.plan import Plan


def wrap(
    design: Design[Any],
    board: Board,
    top: int | None,
    *,
    logits: bool = True,
    images: Sequence[Design[Any]] = (),
) -> Wrapped:
    """Around this design, on this board.

    top     so many of the likeliest classes; None: one, where the network has classes
    logits  whether a streaming design sends them, too; of an engine they are in memory
    images  networks beside an engine's own
    Raises InputError where there is nothing that could be put around it.
    """
    if design.target != "verilog":
        raise InputError(f"{design.directory} is a design of the target {design.target}: board takes Verilog")
    if isinstance(design.plan, EnginePlan):
        if not logits:
            raise InputError(f"--no-logits: {design.directory} is an engine, whose output is its logits")
        return engine_wrapper.wrap(design, board, top, images)
    if images:
        raise InputError(f"--image: {design.directory} is no engine: it runs its own network alone")
    if not isinstance(design.plan, Plan):
        made = design.request.architecture
        raise InputError(f"{design.directory} is a design of the architecture {made}: board takes none")
    return wrapper.wrap(design, board, top, logits)
