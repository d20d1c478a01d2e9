"""What a register map is made of: of a streaming design, of an engine, of any that is to come.

A map is one description: the hardware's package, drivers' constants and the documentation come from it
(`board/register_map.py`). All registers are 32-bit words; an access to any other address, and a write that
cannot take effect, is answered with SLVERR and changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Access(Enum):
    """What a driver may do with a register or a field."""

    READ = "read only"
    WRITE = "read and write"  # refused while a run is at work, where the register says so
    CLEAR = "read, and write 1 to clear"
    PULSE = "write 1 to do it; reads zero"


@dataclass(frozen=True)
class Bits:
    """A field: its name, first bit, width, access, meaning."""

    name: str
    low: int
    bits: int
    access: Access
    text: str


@dataclass(frozen=True)
class Register:
    """A word: its name, byte offset, access, value after reset, meaning.

    reset   None where it is a property of the hardware that was built
    locked  a write while a run is at work is refused
    """

    name: str
    offset: int
    access: Access
    text: str
    reset: int | None = 0
    locked: bool = False
    fields: tuple[Bits, ...] = ()


def of_run(name: str, offset: int, text: str, reset: int = 0) -> Register:
    """What a run is started with."""
    return Register(name, offset, Access.WRITE, text, reset, locked=True)


def count(name: str, offset: int, text: str) -> Register:
    """What a run leaves to be read."""
    return Register(name, offset, Access.READ, text)


def control_registers(offset: int) -> tuple[Register, ...]:
    """CONTROL, STATUS and ENABLE, the same in every map, from this offset on."""
    return (
        Register(
            "CONTROL", offset, Access.PULSE, "begin or end a run",
            fields=(
                Bits("START", 0, 1, Access.PULSE, "during a run: error `busy`, and the run goes on"),
                Bits("ABORT", 1, 1, Access.PULSE, "end the run with error `abort`; without a run: nothing"),
            ),
        ),
        Register(
            "STATUS", offset + 4, Access.CLEAR, "of the run",
            fields=(
                Bits("BUSY", 0, 1, Access.READ, "a run is at work"),
                Bits("DONE", 1, 1, Access.CLEAR, "a run has ended; cleared by a start, too"),
                Bits("INTERRUPT", 2, 1, Access.CLEAR, "as DONE, but cleared here alone: of the interrupt"),
                Bits("ERROR", 8, 8, Access.CLEAR, "code, 0 for none; any 1 clears it, and so does a start"),
            ),
        ),
        Register(
            "ENABLE", offset + 8, Access.WRITE, "of the interrupt",
            fields=(Bits("INTERRUPT", 0, 1, Access.WRITE, "STATUS.INTERRUPT raises the interrupt line"),),
        ),
    )  # fmt: skip
