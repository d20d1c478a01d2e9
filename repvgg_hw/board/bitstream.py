"""The bitstream of a folder behind a serial line, with open tools: Yosys, nextpnr, ecppack.

The script is the one that makes netlists elsewhere (`synth/netlist.py`), so what is known of these netlists
holds for this one; pins and the oscillator's clock are constrained, the board's clock is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from repvgg_hw.board.boards import Serial
from repvgg_hw.errors import CheckFailed
from repvgg_hw.plan import device
from repvgg_hw.synth import family, netlist, nextpnr, tools, yosys

STEM = "top"
ECP5 = family.FAMILIES["ecp5"]


@dataclass(frozen=True)
class Bitstream:
    """What came of it.

    mhz     the highest clock that the netlist holds
    counts  resources of the netlist
    data    the file's bytes
    """

    mhz: float
    counts: dict[str, int]
    data: bytes


def synthesise(folder: Path, top: str, progress: tools.Progress | None = None) -> Path:
    """The netlist of the folder's top: files as `netlist.of_design` names them, in the folder returned.

    Raises InputError where Yosys is missing, CheckFailed where it fails.
    """
    work = folder / "build"
    work.mkdir(exist_ok=True)
    for table in (folder / "rtl").glob("*.mem"):  # where $readmemh looks: in the working folder
        (work / table.name).write_bytes(table.read_bytes())
    sources = [f"../{name}" for name in (folder / "files.f").read_text().split()]
    script = [yosys.reading(sources, netlist.multipliers(ECP5)), *netlist.of_design(ECP5, top, STEM)]
    yosys.run(script, work, STEM, progress)
    yosys.check_whole(work / f"{STEM}.json")
    return work


def make(
    folder: Path, top: str, board: Serial, seed: int = 1, progress: tools.Progress | None = None
) -> Bitstream:
    """Synthesise, route and pack the folder of `board`, below its folder `build`.

    Raises InputError where a tool is missing, CheckFailed where one fails or the board's clock does not hold.
    """
    for tool in ("yosys", "nextpnr"):
        tools.package(tool)
    work = synthesise(folder, top, progress)
    routed = nextpnr.route(
        work,
        f"{STEM}.json",
        device.get(board.name),
        mhz=board.mhz,
        seeds=(seed,),
        constraints=f"../{board.constraints}",
        progress=progress,
    )
    if routed.mhz < board.mhz:
        raise CheckFailed(f"{board.mhz} MHz do not hold, but {routed.mhz:.1f} MHz: try another --seed")
    data = nextpnr.pack(work, STEM).read_bytes()
    counts = yosys.counts(ECP5, work / f"{STEM}.stat.json")
    return Bitstream(routed.mhz, counts, data)
