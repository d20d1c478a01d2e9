"""The engine's registers, one description: of the hardware, of drivers, of the documentation.

Its twin is templates/verilog/engine/rvg_engine_registers_pkg.sv, which has offsets and bits; a test holds
them equal. All registers are 32-bit words; an access to any other address, and a write that cannot take
effect, is answered with SLVERR and changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from repvgg_hw.plan.engine.codes import MAGIC, VERSION

CONTROL_BITS = 12  # of a byte address: the smallest page that a block design gives to a slave


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

    reset   None where it is a property of the engine that was built
    locked  a write while a run is at work is refused
    """

    name: str
    offset: int
    access: Access
    text: str
    reset: int | None = 0
    locked: bool = False
    fields: tuple[Bits, ...] = ()


def _run(name: str, offset: int, text: str, reset: int = 0) -> Register:
    """What a run is started with."""
    return Register(name, offset, Access.WRITE, text, reset, locked=True)


def _count(name: str, offset: int, text: str) -> Register:
    return Register(name, offset, Access.READ, text)


REGISTERS = (
    Register("ID", 0x00, Access.READ, "RVGE: there is an engine", int.from_bytes(MAGIC, "little")),
    Register("VERSION", 0x04, Access.READ, "of registers and images", VERSION),
    Register("ENGINE", 0x08, Access.READ, "identity of the array, which an image must have, too", None),
    Register(
        "CONTROL", 0x0C, Access.PULSE, "begin or end a run",
        fields=(
            Bits("START", 0, 1, Access.PULSE, "while a run is at work: error `busy`, and the run goes on"),
            Bits("ABORT", 1, 1, Access.PULSE, "end the run with error `abort`; without a run: nothing"),
        ),
    ),
    Register(
        "STATUS", 0x10, Access.CLEAR, "of the run",
        fields=(
            Bits("BUSY", 0, 1, Access.READ, "a run is at work"),
            Bits("DONE", 1, 1, Access.CLEAR, "a run has ended; cleared by a start, too"),
            Bits("INTERRUPT", 2, 1, Access.CLEAR, "as DONE, but cleared only here: the interrupt's cause"),
            Bits("ERROR", 8, 8, Access.CLEAR, "code, 0 for none; any 1 clears it, and so does a start"),
        ),
    ),
    Register(
        "ENABLE", 0x14, Access.WRITE, "of the interrupt",
        fields=(Bits("INTERRUPT", 0, 1, Access.WRITE, "STATUS.INTERRUPT raises the interrupt line"),),
    ),
    _run("IMAGE", 0x18, "address of the image: program and weights"),
    _run("MAPS", 0x1C, "address of the memory for maps"),
    _run("INPUT", 0x20, "address of the first frame's input"),
    _run("OUTPUT", 0x24, "address of the first frame's output"),
    _run("INPUT_STRIDE", 0x28, "bytes from a frame's input to the next one's"),
    _run("OUTPUT_STRIDE", 0x2C, "bytes from a frame's output to the next one's"),
    _run("FRAMES", 0x30, "frames of a run", 1),
    _run("WATCHDOG", 0x34, "cycles without progress after which a run ends with an error; 0: any number"),
    _count("CYCLES_LOW", 0x38, "cycles of this or the last run, bits 31 to 0"),
    _count("CYCLES_HIGH", 0x3C, "bits 63 to 32; both are steady once the run has ended"),
    _count("FRAMES_DONE", 0x40, "frames that this or the last run has finished"),
    _count("WEIGHT_READ", 0x44, "beats read through the weight port by this or the last run, modulo 2^32"),
    _count("DATA_READ", 0x48, "beats read through the data port"),
    _count("DATA_WRITE", 0x4C, "beats written through the data port"),
)  # fmt: skip
