"""The boards that `board` writes projects for, and what their tools must be told."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from repvgg_hw.board.serial import OrangeCrab, Pll, Serial, Ulx3s
from repvgg_hw.errors import InputError
from repvgg_hw.plan.boards import BOARDS as KNOWN

__all__ = ["BOARDS", "Board", "Litex", "MemoryPort", "OrangeCrab", "Pll", "Serial", "Ulx3s", "Zynq", "get"]


class Board(Protocol):
    """A board, and how a design's core becomes a top for it."""

    @property
    def name(self) -> str: ...

    @property
    def suffix(self) -> str:
        """Of the top's name, behind the design's."""

    @property
    def bytes(self) -> int:
        """Of a beat of pixels."""

    @property
    def units(self) -> frozenset[str]:
        """Modules of the library in the top, beside the core's."""

    @property
    def top(self) -> str:
        """The top's template, in templates/verilog."""

    @property
    def templates(self) -> Mapping[str, str]:
        """Other files: name -> template, in templates/board."""

    @property
    def title(self) -> str:
        """Its name for people."""

    def copied(self, architecture: str) -> Mapping[str, str]:
        """Files as they are: name -> file or folder in templates/board."""

    @property
    def dma(self) -> bool:
        """Whether the accelerator has registers and a DMA, which the C driver knows."""

    def context(self, frame_bytes: int, frame_interval: int) -> dict[str, Any]:
        """What its templates need beside the wrapper's facts. Raises InputError where it cannot serve."""


@dataclass(frozen=True)
class MemoryPort:
    """A port of the processing system through which the accelerator reaches the memory.

    interface, clock  pins
    settings          of the processing system, for this port
    segment           of its addresses; behind it comes _DDR_LOW or the like
    """

    interface: str
    clock: str
    settings: Mapping[str, int]
    segment: str


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
    suffix: str = "board"
    bytes: int = 4  # a DMA's stream
    units: frozenset[str] = frozenset({"rvg_stream_registers"})
    top: str = "board_stream.v.j2"
    dma: bool = True

    @property
    def title(self) -> str:
        return KNOWN[self.name].title

    @property
    def templates(self) -> Mapping[str, str]:
        return {"vivado.tcl": "vivado.tcl.j2", "README.md": "README.md.j2"}

    def copied(self, architecture: str) -> Mapping[str, str]:
        dma = {"driver/c/rvg_dma.c": "axi/rvg_dma.c"} if architecture == "stream" else {}
        return {"driver/rvg_driver": "rvg_driver", **dma}

    def context(self, frame_bytes: int, frame_interval: int) -> dict[str, Any]:
        return {}

    def memory_ports(self, beats: Sequence[int]) -> list[MemoryPort]:
        """One for each beat of so many bytes, at most two; they meet no other before the memory controller.

        Zynq-7000: HP0 and HP1 share one of its ports, HP2 and HP3 another (UG585, DDR memory controller).
        Zynq UltraScale+: HP0 shares one with the display, HP1 with HP2, HP3 with the PS' own DMA (UG1085).
        """
        numbers = (0,) if len(beats) == 1 else (1, 3) if self.ultrascale else (0, 2)
        return [self._memory_port(number, size) for number, size in zip(numbers, beats, strict=True)]

    def _memory_port(self, number: int, beat: int) -> MemoryPort:
        if not self.ultrascale:
            settings = {f"PCW_USE_S_AXI_HP{number}": 1, f"PCW_S_AXI_HP{number}_DATA_WIDTH": 64}
            port = f"S_AXI_HP{number}"
            return MemoryPort(port, f"{port}_ACLK", settings, f"{port}/HP{number}")
        slave = number + 2  # S_AXI_GP0 and GP1 are the coherent ports
        width = 128 if beat < 8 else min(128, 8 * beat)
        settings = {f"PSU__USE__S_AXI_GP{slave}": 1, f"PSU__SAXIGP{slave}__DATA_WIDTH": width}
        return MemoryPort(
            f"S_AXI_HP{number}_FPD", f"saxihp{number}_fpd_aclk", settings, f"SAXIGP{slave}/HP{number}"
        )


@dataclass(frozen=True)
class Litex:
    """A LiteX SoC, on whatever board LiteX has: the accelerator is a module of it, DMA included."""

    name: str = "litex"
    title: str = "a LiteX SoC"
    suffix: str = "board"
    bytes: int = 4
    units: frozenset[str] = frozenset({"rvg_stream_registers"})
    top: str = "board_stream.v.j2"
    dma: bool = True

    @property
    def templates(self) -> Mapping[str, str]:
        return {"README.md": "litex_README.md.j2"}

    def copied(self, architecture: str) -> Mapping[str, str]:
        dma = {"driver/c/rvg_dma.c": "soc/rvg_dma.c"} if architecture == "stream" else {}
        return {"rvg_litex": "soc/rvg_litex", **dma}

    def context(self, frame_bytes: int, frame_interval: int) -> dict[str, Any]:
        return {}


BOARDS: dict[str, Board] = {
    "pynq-z2": Zynq("pynq-z2", "xc7z020clg400-1", "tul.com.tw:pynq-z2:part0:*", False, 100),
    "kv260": Zynq("kv260", "xck26-sfvc784-2LV-c", "xilinx.com:kv260_som:part0:*", True, 200),
    "zcu104": Zynq("zcu104", "xczu7ev-ffvc1156-2-e", "xilinx.com:zcu104:part0:*", True, 200),
    "ulx3s-85f": Ulx3s(),
    "orangecrab-85f": OrangeCrab(),
    "litex": Litex(),
}


def get(name: str) -> Board:
    """The board of that name, in any case. Raises InputError where there is none."""
    board = BOARDS.get(name.lower())
    if board is None:
        near = difflib.get_close_matches(name.lower(), BOARDS, n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise InputError(f"--board {name}: {hint}there are {', '.join(BOARDS)}")
    return board
