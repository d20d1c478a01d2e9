"""Beside the stages: what a board needs of a design, its folder with wrapper, registers and driver."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from repvgg_hw.design import folder
from repvgg_hw.design import load as load_design
from repvgg_hw.errors import InputError
from repvgg_hw.files import write_atomically
from repvgg_hw.plan import device as devices
from repvgg_hw.plan.rate import shortage
from repvgg_hw.progress import Progress, silent

_log = logging.getLogger(__name__)


@dataclass(frozen=True, repr=False)
class BoardProject:
    """A design as a board takes it.

    directory  its folder; README.md in it says what is next
    module     of the wrapper; identity: what its register of that name says
    facts      sizes of frames and results, addresses: what --json prints
    summary    of registers and memory, in a line; results: rate of a serial line, clock of a bitstream
    """

    directory: Path
    board: str
    title: str
    module: str
    identity: int
    facts: dict[str, Any]
    summary: str
    results: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"<BoardProject {self.module}: for {self.board} in {self.directory}>"

    def to_json(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {"folder": str(self.directory), "board": self.board, "module": self.module, **self.facts}


def board_design(
    place: Path,
    name: str,
    directory: Path | None = None,
    *,
    top: int | None = None,
    logits: bool = True,
    images: Sequence[Path] = (),
    bitstream: Path | None = None,
    seed: int = 1,
    force: bool = False,
    progress: Progress = silent,
) -> BoardProject:
    """As GeneratedDesign.board, of the design in place."""
    from repvgg_hw.board import bitstream as bitstreams
    from repvgg_hw.board import boards, emit
    from repvgg_hw.board.wrap import wrap

    board = boards.get(name)
    if bitstream is not None and not isinstance(board, boards.Serial):
        raise InputError(f"--bitstream: no open tool makes {board.name}'s: see its folder's README.md")
    made = directory if directory is not None else place.with_name(f"{place.name}-{board.name}")
    emit.check_output_folder(made, force)
    with folder.locked(place):
        folder.recover(place)
        networks = [load_design(other, images=True) for other in images]
        wrapped = wrap(load_design(place), board, top, logits=logits, images=networks)
        content = emit.files(wrapped)
    emit.write(content, made, force)
    short = shortage(wrapped.design.plan, board.name) if board.name in devices.names() else None
    if short is not None:
        _log.warning("%s; `generate --device %s` plans within it", short, board.name)
    facts: dict[str, Any] = dict(wrapped.facts())
    results = []
    if isinstance(board, boards.Serial):
        rate = board.frames_per_second(facts["frame_bytes"], facts["result_bytes"])
        facts["frames_per_second"] = rate
        results.append(f"at most {rate:.1f} frames/s over a line of {board.baud:,} baud, results included")
        if bitstream is not None:
            done = bitstreams.make(made, wrapped.module, board, seed, lambda what: progress(None, what))
            write_atomically(bitstream, done.data)
            facts |= {"mhz": done.mhz, **done.counts}
            counts = ", ".join(f"{count:,} {what}" for what, count in done.counts.items())
            results.append(f"{bitstream}: {done.mhz:.1f} MHz hold, it runs at {board.mhz}; {counts}")
    return BoardProject(
        made,
        board.name,
        board.title,
        wrapped.module,
        wrapped.identity,
        facts,
        wrapped.summary(),
        tuple(results),
    )
