"""The registers of a streaming design on a board: one description of hardware, drivers, documentation.

Its twin is templates/verilog/board/rvg_stream_registers_pkg.sv, which `board/register_map.py` prints; a test
holds them equal.
"""

from __future__ import annotations

from repvgg_hw.plan.registers import Access, Bits, Register, control_registers, count, of_run

MAGIC = b"RVGS"
VERSION = 1

# The field STATUS.ERROR: name -> (code, what it means to a user). Codes are the engine's where names are.
ERRORS = {
    "none": (0, "no error"),
    "abort": (1, "the run was aborted"),
    "watchdog": (9, "no beat came or went for as long as the watchdog allows"),
    "busy": (11, "start was written while a run was at work, which goes on"),
    "short": (16, "the input's packet ended within a frame"),
    "long": (17, "the input's packet did not end with the run's last frame"),
    "keep": (18, "the input's bytes were not consecutive, or no whole number of pixels"),
}

REGISTERS = (
    Register("ID", 0x00, Access.READ, "RVGS: there is a streaming design", int.from_bytes(MAGIC, "little")),
    Register("VERSION", 0x04, Access.READ, "of this map", VERSION),
    Register("NETWORK", 0x08, Access.READ, "identity of the design, which the driver's must be", None),
    *control_registers(0x0C),
    of_run("FRAMES", 0x18, "frames of a run; its input and its results are a packet each", 1),
    of_run("WATCHDOG", 0x1C, "cycles without a beat after which a run ends with an error; 0: any number"),
    Register("FRAME_BYTES", 0x20, Access.READ, "bytes of a frame's pixels: rows, columns, channels", None),
    Register("RESULT_BYTES", 0x24, Access.READ, "bytes of a frame's result: 32-bit words", None),
    Register(
        "RESULT", 0x28, Access.READ, "of what a frame's result is made; 0: of a map's bytes", None,
        fields=(
            Bits("TOP", 0, 8, Access.READ, "so many classes, the likeliest first, behind the logits"),
            Bits("LOGITS", 8, 16, Access.READ, "so many logits, signed; 0 where none are sent"),
        ),
    ),
    count("CYCLES_LOW", 0x2C, "cycles of this or the last run, bits 31 to 0"),
    count("CYCLES_HIGH", 0x30, "bits 63 to 32; both are steady once the run has ended"),
    count("FRAMES_DONE", 0x34, "frames whose results this or the last run has sent"),
)  # fmt: skip
