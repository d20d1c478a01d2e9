"""The bitstream of a ULX3S's folder, with open tools: Yosys, nextpnr, ecppack.

The script is the one that makes netlists elsewhere (`synth/netlist.py`), so what is known of these netlists
holds for this one; pins and the 25 MHz clock are constrained, the PLL's clock is asked for as CLOCK says.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

from repvgg_hw.board.boards import Ulx3s
from repvgg_hw.errors import CheckFailed
from repvgg_hw.plan import device
from repvgg_hw.synth import family, netlist, tools, yosys

STEM = "top"
CONSTRAINTS = "ulx3s.lpf"


@dataclass(frozen=True)
class Bitstream:
    """What came of it.

    mhz     the highest clock that the PLL's domain holds
    counts  resources of the netlist
    data    the file's bytes
    """

    mhz: float
    counts: dict[str, int]
    data: bytes


def make(
    folder: Path, top: str, board: Ulx3s, seed: int = 1, progress: tools.Progress | None = None
) -> Bitstream:
    """Synthesise, route and pack the folder of `board`, below its folder `build`.

    Raises InputError where a tool is missing, CheckFailed where one fails or the PLL's clock does not hold.
    """
    for tool in ("yosys", "nextpnr"):
        tools.package(tool)
    work = folder / "build"
    work.mkdir(exist_ok=True)
    ecp5 = family.FAMILIES["ecp5"]
    for table in (folder / "rtl").glob("*.mem"):  # where $readmemh looks: in the working folder
        (work / table.name).write_bytes(table.read_bytes())
    sources = [f"../{name}" for name in (folder / "files.f").read_text().split()]
    script = [yosys.reading(sources, netlist.multipliers(ecp5)), *netlist.of_design(ecp5, top, STEM)]
    yosys.run(script, work, STEM, progress)
    yosys.check_whole(work / f"{STEM}.json")
    chosen = device.get(board.name)
    assert chosen.part.nextpnr is not None
    arguments = [
        *("--json", f"{STEM}.json", chosen.part.nextpnr, "--package", chosen.package),
        *("--speed", chosen.speed, "--lpf", f"../{CONSTRAINTS}", "--freq", f"{board.pll.mhz}"),
        *("--seed", str(seed), "--textcfg", f"{STEM}.config", "--report", f"{STEM}.route.json"),
        "--timing-allow-fail",
    ]
    tools.run("nextpnr", arguments, work, f"{STEM}.nextpnr", progress)
    mhz = clock(work / f"{STEM}.route.json")
    if mhz < board.pll.mhz:
        raise CheckFailed(f"{board.pll.mhz} MHz do not hold, but {mhz:.1f} MHz: try another --seed")
    tools.run("ecppack", [f"{STEM}.config", f"{STEM}.bit"], work, f"{STEM}.ecppack")
    counts = yosys.counts(ecp5, work / f"{STEM}.stat.json")
    return Bitstream(mhz, counts, (work / f"{STEM}.bit").read_bytes())


def clock(report: Path) -> float:
    """The clock that the PLL's domain holds, by nextpnr's report. Raises CheckFailed where there is none."""
    try:
        found = json.loads(report.read_text())["fmax"]
        (mhz,) = [float(facts["achieved"]) for name, facts in found.items() if re.search(r"aclk", name)]
    except (OSError, ValueError, KeyError, TypeError):
        raise CheckFailed(f"{report} names no clock of the PLL: is the disk full?") from None
    return mhz
