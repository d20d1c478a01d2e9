"""The boards that `board` writes projects for, and what their tools must be told."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from repvgg_hw.errors import InputError
from repvgg_hw.plan.boards import BOARDS as KNOWN


@dataclass(frozen=True)
class Zynq:
    """A board whose processing system runs PYNQ.

    part         as Vivado names it
    board_parts  a pattern of Vivado's board files; without them the processing system keeps its defaults,
                 which is enough where Linux has set it up already
    ultrascale   a Zynq UltraScale+
    clock_mhz    of the accelerator, as the processing system is asked for it
    """

    name: str
    part: str
    board_parts: str
    ultrascale: bool
    clock_mhz: int

    @property
    def title(self) -> str:
        return KNOWN[self.name].title


BOARDS = {
    board.name: board
    for board in (
        Zynq("pynq-z2", "xc7z020clg400-1", "tul.com.tw:pynq-z2:part0:*", False, 100),
        Zynq("kv260", "xck26-sfvc784-2LV-c", "xilinx.com:kv260_som:part0:*", True, 200),
        Zynq("zcu104", "xczu7ev-ffvc1156-2-e", "xilinx.com:zcu104:part0:*", True, 200),
    )
}


def get(name: str) -> Zynq:
    """The board of that name, in any case. Raises InputError where there is none."""
    board = BOARDS.get(name.lower())
    if board is None:
        near = difflib.get_close_matches(name.lower(), BOARDS, n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise InputError(f"--board {name}: {hint}there are {', '.join(BOARDS)}")
    return board
