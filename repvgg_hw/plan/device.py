"""What a plan must fit: a board or a bare part by name, and the widths of its multipliers."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass

from repvgg_hw.errors import InputError
from repvgg_hw.plan.boards import BOARDS, Board
from repvgg_hw.plan.clocks import Clock
from repvgg_hw.plan.parts import FAMILIES, PARTS, Family, Part

DEFAULT_PART = "xczu7ev-ffvc1156-2-e"
SMALLEST_PORT, LARGEST_PORT = 9, 64  # 8 bits and a sign; beyond 64 no device has one
DEFAULT_DSP = (27, 18)  # widths of the signed ports of a DSP48E2's multiplier


@dataclass(frozen=True)
class Device:
    """A board, or a part alone (board None)."""

    name: str
    part: Part
    board: Board | None = None

    @property
    def title(self) -> str:
        return self.part.name if self.board is None else self.board.title

    @property
    def family(self) -> Family:
        return FAMILIES[self.part.family]

    @property
    def package(self) -> str:
        """As the place-and-route tool names it."""
        return (self.board and self.board.package) or self.part.package

    @property
    def speed(self) -> str:
        """Speed grade, with AMD's temperature grade."""
        return (self.board and self.board.speed) or self.part.speed

    @property
    def clock(self) -> Clock | None:
        """A clock that a routed design reached on it; None where nothing supports one."""
        return self.board.clock if self.board else None

    @property
    def dram_gbytes(self) -> float | None:
        """Peak bandwidth of the memory beside it, in GB/s; None for a bare part."""
        return self.board.dram.gbytes if self.board else None


def names() -> list[str]:
    """Every board and part."""
    return [*BOARDS, *PARTS]


def get(name: str) -> Device:
    """The board or the part of that name, in any case. Raises InputError where there is none."""
    wanted = name.lower()
    if wanted in BOARDS:
        return Device(wanted, PARTS[BOARDS[wanted].part], BOARDS[wanted])
    if wanted in PARTS:
        return Device(wanted, PARTS[wanted])
    near = difflib.get_close_matches(wanted, names(), n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    raise InputError(f"there is no device {name!r}: {hint}`repvgg-hw devices` lists them")


def parse_dsp(text: str) -> tuple[int, int]:
    """Widths of a multiplier's two signed ports: "27x18" -> (27, 18). Raises InputError for anything else."""
    match = re.fullmatch("([1-9][0-9]?)x([1-9][0-9]?)", text)
    ports = (int(match[1]), int(match[2])) if match else (0, 0)
    return check_ports(ports, text)


def check_ports(ports: tuple[int, int], said: str | None = None) -> tuple[int, int]:
    """The widths of a multiplier's signed ports. Raises InputError, as they were `said`, if none has them."""
    said = "x".join(map(str, ports)) if said is None else said
    if not SMALLEST_PORT <= min(ports) <= max(ports) <= LARGEST_PORT:
        raise InputError(
            f"--dsp is the widths of a multiplier's two signed ports, {SMALLEST_PORT} to {LARGEST_PORT} bits "
            f"each, as 27x18, not {said!r}"
        )
    return ports


def check_part(name: str) -> str:
    """A device's name, as it may stand in a Tcl script or a project's file; InputError for anything else.

    AMD's names begin with xc, xa (automotive) or xq (defence).
    """
    if re.fullmatch("[xX][aAcCqQ][A-Za-z0-9._-]{2,61}", name) is None:
        raise InputError(
            f"--part is a device's name, which begins with xc, xa or xq and has letters, digits and . _ -, "
            f"as {DEFAULT_PART}, not {name!r}"
        )
    return name
