"""FPGA families and parts: what each has, and where each figure stands.

Figures are of the whole device; a vendor's shell or a soft processor takes some of it. Each names the
document that it is of, and what could be read when it was entered (`Source.seen`).
"""

from __future__ import annotations

from dataclasses import dataclass

REPORT = "Vivado utilization reports that users published (column Available)"
NEXTPNR = "nextpnr-ecp5's own list of a device's cells, in its reports"


@dataclass(frozen=True)
class Source:
    """Where a figure stands.

    document  number of the vendor's document, and the place in it
    seen      what was read when the figure was entered; "" for nothing: it is the document's, from memory
    """

    document: str
    seen: str = ""

    def __str__(self) -> str:
        return f"{self.document}; " + (f"checked with {self.seen}" if self.seen else "not read here")


@dataclass(frozen=True)
class Family:
    """What devices of one architecture share.

    name         as Yosys' synthesis commands call it
    dsp          the cell that multiplies; dsp_ports the widths of its signed ports
    bram         the smallest block RAM that is counted; bram_bits with parity
    lut_inputs   of one look-up table
    packs        whether two products of 8 bits are made in one multiplier
    """

    name: str
    title: str
    dsp: str
    dsp_ports: tuple[int, int]
    bram: str
    bram_bits: int
    lut_inputs: int
    packs: bool = False


FAMILIES = {
    family.name: family
    for family in (
        Family("xc7", "AMD 7 series", "DSP48E1", (25, 18), "RAMB18E1", 18432, 6),
        Family("xcup", "AMD UltraScale+", "DSP48E2", (27, 18), "RAMB18E2", 18432, 6, packs=True),
        Family("ecp5", "Lattice ECP5", "MULT18X18D", (18, 18), "DP16KD", 18432, 4),
    )
}


@dataclass(frozen=True)
class Part:
    """One device without a board.

    dsp         multipliers, in the family's cells
    bram        block RAMs of 18 kbit (a RAMB36 is two)
    uram        UltraRAMs of 288 kbit, which cannot have initial contents
    lut, ff     look-up tables, flip-flops
    lutram      look-up tables that can be memory, of `lut`
    package     default package and speed grade, as the place-and-route tool names them
    nextpnr     nextpnr's option for the device; None where no open tool routes it
    source      of the counts; lutram_source of lutram, where that is another one
    """

    name: str
    family: str
    dsp: int
    bram: int
    uram: int
    lut: int
    ff: int
    lutram: int
    package: str
    speed: str
    source: Source
    lutram_source: Source | None = None
    nextpnr: str | None = None


# AMD counts block RAMs of 36 kbit: twice as many of 18. UltraScale+ FFs are two for each LUT.
PARTS = {
    part.name: part
    for part in (
        Part(
            *("xc7z020", "xc7", 220, 2 * 140, 0, 53_200, 106_400, 17_400, "clg400", "-1"),
            Source("AMD DS190, Zynq-7000 product table", REPORT),
        ),
        Part(
            *("xc7a100t", "xc7", 240, 2 * 135, 0, 63_400, 126_800, 19_000, "csg324", "-1"),
            Source("AMD DS180, Artix-7 feature summary", REPORT),
        ),
        Part(
            *("xczu3eg", "xcup", 360, 2 * 216, 0, 70_560, 141_120, 28_800, "sbva484", "-1-e"),
            Source("AMD DS891, Zynq UltraScale+ EG feature summary", f"{REPORT}: LUT, FF"),
        ),
        Part(
            *("xck26", "xcup", 1248, 2 * 144, 64, 117_120, 234_240, 57_600, "sfvc784", "-2lv-c"),
            Source("AMD DS987, Kria K26 programmable logic", REPORT),
        ),
        Part(
            *("xczu7ev", "xcup", 1728, 2 * 312, 96, 230_400, 460_800, 101_760, "ffvc1156", "-2-e"),
            Source("AMD DS891, Zynq UltraScale+ EV feature summary", f"{REPORT}: LUT, FF"),
            Source("AMD DS891, maximum distributed RAM: 6.2 Mb of 64 bits each"),
        ),
        Part(
            *("xczu9eg", "xcup", 2520, 2 * 912, 0, 274_080, 548_160, 144_000, "ffvb1156", "-2-e"),
            Source("AMD DS891, Zynq UltraScale+ EG feature summary", REPORT),
        ),
        Part(
            *("xcu50", "xcup", 5952, 2 * 1344, 640, 871_680, 1_743_360, 402_000, "fsvh2104", "-2-e"),
            Source("AMD DS965, Alveo U50 data sheet", f"{REPORT}: all but URAM"),
            Source("AMD DS890, maximum distributed RAM of the VU35P: 24.6 Mb of 64 bits each, rounded down"),
        ),
        Part(
            *("xcu250", "xcup", 12_288, 2 * 2688, 1280, 1_728_000, 3_456_000, 791_040, "figd2104", "-2L-e"),
            Source("AMD DS962, Alveo U200 and U250 data sheet", f"{REPORT}: LUT"),
            Source("AMD DS890, maximum distributed RAM of the VU13P", REPORT),
        ),
        Part(
            *("lfe5u-25f", "ecp5", 28, 56, 0, 24_288, 24_288, 12_144, "CABGA381", "6"),
            Source("Lattice FPGA-DS-02012, table 1.1", NEXTPNR),
            nextpnr="--25k",
        ),
        Part(
            *("lfe5u-45f", "ecp5", 72, 108, 0, 43_848, 43_848, 21_924, "CABGA381", "6"),
            Source("Lattice FPGA-DS-02012, table 1.1"),
            nextpnr="--45k",
        ),
        Part(
            *("lfe5u-85f", "ecp5", 156, 208, 0, 83_640, 83_640, 41_820, "CABGA381", "6"),
            Source("Lattice FPGA-DS-02012, table 1.1", NEXTPNR),
            nextpnr="--85k",
        ),
    )
}
