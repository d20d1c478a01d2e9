"""The limits of a design's buffers: full, empty, no credit left; and what a bench must do to reach them all.

A buffer that was never full has not shown that it stops in time. Under `simulate --stalls` probes count how
often each limit was reached and left again (sim/limits.sv), while the bench holds source and sink for as long
as anything moves (sim/stream_pauses.sv). No limit is out of a design's reach: while the sink holds and the
source has frames, a stream stops only where what it enters is full, so from the last buffer to the first each
one fills. The source repeats its images until a round of holds is over.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from repvgg_hw.targets.verilog.netlist import Netlist, Unit

# Cycles from a unit's last step inside a row to the stream that moves because of it: pipelines and handovers.
SETTLE_CYCLES = 512
HOLDS = 11  # of a round of sim/stream_pauses.sv

_ROWS = {"u_window.u_full": "input rows full", "u_window.u_empty": "input rows empty"}
_WINDOWS = {"u_replay.u_full": "windows full", "u_replay.u_empty": "windows empty"}
_FIFO = {
    "u_fifo.u_exhausted": "output credits exhausted",
    "u_fifo.u_full": "output FIFO full",
    "u_fifo.u_empty": "output FIFO empty",
}
_RASTER = {
    "u_raster.u_exhausted": "raster buffers all reserved",
    "u_raster.u_full": "raster buffers all full",
    "u_raster.u_empty": "raster buffers empty",
}
# Library module -> {probe's path inside it: what the limit is called}
PROBES = {
    "rvg_conv3x3": _ROWS | _WINDOWS | _FIFO,
    "rvg_conv3x3_winograd": _ROWS | {"u_input.u_full": "input transform full"} | _WINDOWS | _RASTER,
    "rvg_output_map": {},  # a register, which the stream behind it stops
    "rvg_global_sum": {"u_full": "FIFO of sums full", "u_empty": "FIFO of sums empty"},
    "rvg_linear": {"u_replay.u_full": "input full", "u_replay.u_empty": "input empty"} | _FIFO,
}


@dataclass(frozen=True)
class Limit:
    """One limit of one buffer; path: its probe's instance, below the instance u_dut of the bench."""

    layer: str
    name: str
    path: str


def limits(net: Netlist) -> list[Limit]:
    """Every limit of a design, in the order of its streams; a converter's belong to the layer behind it."""
    layers = {probe.stream.name: probe.layer for probe in net.probes}
    every: list[Limit] = []
    waiting: list[tuple[str, str]] = []
    for unit in net.units:
        mine = [(name, f"u_{unit.ident}.{path}") for name, path in unit_limits(unit)]
        if unit.sink.name not in layers:
            waiting += mine
            continue
        every += [Limit(layers[unit.sink.name], name, path) for name, path in (*waiting, *mine)]
        waiting = []
    return every


def unit_limits(unit: Unit) -> Iterator[tuple[str, str]]:
    """(name, path inside the unit) of every limit of one unit."""
    if unit.module == "rvg_width_converter":
        yield from _converter(int(unit.parameters["IN_LANES"]), int(unit.parameters["OUT_LANES"]), "")
        return
    yield from ((name, path) for path, name in PROBES[unit.module].items())
    if unit.module == "rvg_linear":
        yield from _converter(int(unit.parameters["OUT_LANES"]), 1, "u_serialize.")


def _converter(lanes: int, lanes_out: int, path: str) -> Iterator[tuple[str, str]]:
    """A width converter gathers beats, splits them, or both."""
    side = "output" if path else "input"
    if lanes_out > math.gcd(lanes, lanes_out):
        yield f"{side} converter full, gathering", f"{path}g_upsize.u_upsize.u_full"
    if lanes > math.gcd(lanes, lanes_out):
        yield f"{side} converter full, splitting", f"{path}g_downsize.u_downsize.u_full"


def read(path: Path, wanted: Iterable[Limit]) -> dict[str, dict[str, int]]:
    """What the probes wrote: layer -> {limit: times reached and left again}.

    A limit of which nothing was written is left out, which is not the same as 0 times.
    """
    lines = path.read_text().splitlines() if path.is_file() else []
    times = dict(line.split("u_dut.", 1)[1].rsplit(" ", 1) for line in lines if "u_dut." in line)
    reached: dict[str, dict[str, int]] = {}
    for limit in wanted:
        if limit.path in times:
            reached.setdefault(limit.layer, {})[limit.name] = int(times[limit.path])
    return reached


def unreported(wanted: Iterable[Limit], reached: Mapping[str, Mapping[str, int]]) -> list[str]:
    """Problems: limits of which the simulation said nothing."""
    return [
        f"{limit.layer}: the simulation says nothing of the limit {limit.name!r}: generate the design again"
        for limit in wanted
        if limit.name not in reached.get(limit.layer, {})
    ]


def settle_cycles(quiet_cycles: int) -> int:
    """Cycles without a move after which no stream moves any more; quiet_cycles: the longest of any unit."""
    return quiet_cycles + SETTLE_CYCLES


def most_frames(held: float, settle: int, interval: int) -> int:
    """Upper bound of the frames that one round of sim/stream_pauses.sv takes; a sound design ends it before.

    held      frames that the design holds at most, where its output is stopped
    settle    see `settle_cycles`; the random pauses after each hold last up to twice as long
    interval  cycles per frame of the last unit: faster the sink cannot empty what is full
    """
    flowing = math.ceil(held + 2 * settle / interval)
    return math.ceil(held) + HOLDS * (flowing + 1)


def usual_frames(images: int, stalls: int, held: float) -> int:
    """About how many frames a run takes, for progress and patience: under stalls a round of holds."""
    return max(images, math.ceil(held) + HOLDS) if stalls else images
