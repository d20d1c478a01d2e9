"""Boards: which part they carry, and the memory beside it."""

from __future__ import annotations

from dataclasses import dataclass

from repvgg_hw.plan.clocks import DIGITS, DIGITS_FASTER, Clock
from repvgg_hw.plan.parts import Source


@dataclass(frozen=True)
class Dram:
    """Memory beside the device: peak bandwidth in GB/s (10^9 bytes), before any overhead."""

    kind: str
    gbytes: float
    source: Source


@dataclass(frozen=True)
class Board:
    """One board; package and speed where they differ from its part's; clock None where nothing gives one."""

    name: str
    title: str
    part: str
    dram: Dram
    package: str | None = None
    speed: str | None = None
    clock: Clock | None = None


PRESET = "the speed bin in a published board preset"

BOARDS = {
    board.name: board
    for board in (
        Board(
            *("pynq-z2", "TUL PYNQ-Z2", "xc7z020"),
            Dram("DDR3", 2.1, Source("TUL PYNQ-Z2 reference manual: 16 bits at 1050 Mb/s")),
        ),
        Board(
            *("zedboard", "Avnet ZedBoard", "xc7z020"),
            Dram("DDR3", 4.264, Source("Avnet ZedBoard hardware user's guide: 32 bits at 1066 Mb/s")),
            package="clg484",
        ),
        Board(
            *("arty-a7-100", "Digilent Arty A7-100", "xc7a100t"),
            Dram("DDR3L", 1.334, Source("Digilent Arty A7 reference manual: 16 bits at 667 Mb/s")),
        ),
        Board(
            *("ultra96", "Avnet Ultra96, Ultra96-V2", "xczu3eg"),
            Dram(
                "LPDDR4", 4.264, Source("Avnet Ultra96 hardware user's guide: 32 bits at 1066 Mb/s", PRESET)
            ),
        ),
        Board(
            *("kv260", "AMD Kria KV260", "xck26"),
            Dram("DDR4", 19.2, Source("AMD DS987, K26 SOM: 64 bits at 2400 Mb/s", "its overview")),
        ),
        Board(
            *("zcu102", "AMD ZCU102", "xczu9eg"),
            Dram("DDR4", 17.064, Source("AMD UG1182, processor-side SODIMM: 64 bits at 2133 Mb/s", PRESET)),
        ),
        Board(
            *("zcu104", "AMD ZCU104", "xczu7ev"),
            Dram("DDR4", 19.2, Source("AMD UG1267, processor-side DDR4: 64 bits at 2400 Mb/s", PRESET)),
        ),
        Board(
            *("alveo-u50", "AMD Alveo U50", "xcu50"),
            Dram("HBM2", 316.0, Source("AMD DS965: 8 GB of HBM2, 316 GB/s at most")),
        ),
        Board(
            *("alveo-u250", "AMD Alveo U250", "xcu250"),
            Dram("DDR4", 77.0, Source("AMD DS962: four channels", "AMD UG1393, 77 GB/s of its DDR cards")),
        ),
        Board(
            *("ulx3s-85f", "Radiona ULX3S with an 85F", "lfe5u-85f"),
            Dram("SDRAM", 0.1, Source("ULX3S manual: 16 bits, single data rate; at a controller's 50 MHz")),
            clock=DIGITS,
        ),
        Board(
            *("orangecrab-85f", "OrangeCrab with an 85F", "lfe5u-85f"),
            Dram("DDR3L", 1.6, Source("Lattice FPGA-DS-02012: 800 Mb/s at most, speed 8; 16 bits")),
            package="CSFBGA285",
            speed="8",
            clock=DIGITS_FASTER,
        ),
    )
}
