"""The engine's registers, one description: of the hardware, of drivers, of the documentation.

Its twin is templates/verilog/engine/rvg_engine_registers_pkg.sv, which has offsets and bits; a test holds
them equal. All registers are 32-bit words; an access to any other address, and a write that cannot take
effect, is answered with SLVERR and changes nothing.
"""

from __future__ import annotations

from repvgg_hw.plan.engine.codes import MAGIC, VERSION
from repvgg_hw.plan.registers import Access, Register, control_registers, count, of_run

CONTROL_BITS = 12  # of a byte address: the smallest page that a block design gives to a slave

REGISTERS = (
    Register("ID", 0x00, Access.READ, "RVGE: there is an engine", int.from_bytes(MAGIC, "little")),
    Register("VERSION", 0x04, Access.READ, "of registers and images", VERSION),
    Register("ENGINE", 0x08, Access.READ, "identity of the array, which an image must have, too", None),
    *control_registers(0x0C),
    of_run("IMAGE", 0x18, "address of the image: program and weights"),
    of_run("MAPS", 0x1C, "address of the memory for maps"),
    of_run("INPUT", 0x20, "address of the first frame's input"),
    of_run("OUTPUT", 0x24, "address of the first frame's output"),
    of_run("INPUT_STRIDE", 0x28, "bytes from a frame's input to the next one's"),
    of_run("OUTPUT_STRIDE", 0x2C, "bytes from a frame's output to the next one's"),
    of_run("FRAMES", 0x30, "frames of a run", 1),
    of_run("WATCHDOG", 0x34, "cycles without progress after which a run ends with an error; 0: any", 1 << 20),
    count("CYCLES_LOW", 0x38, "cycles of this or the last run, bits 31 to 0"),
    count("CYCLES_HIGH", 0x3C, "bits 63 to 32; both are steady once the run has ended"),
    count("FRAMES_DONE", 0x40, "frames that this or the last run has finished"),
    count("WEIGHT_READ", 0x44, "beats read through the weight port by this or the last run, modulo 2^32"),
    count("DATA_READ", 0x48, "beats read through the data port"),
    count("DATA_WRITE", 0x4C, "beats written through the data port"),
)  # fmt: skip
