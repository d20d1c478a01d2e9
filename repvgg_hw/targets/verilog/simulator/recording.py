"""Waves: which cycles are recorded, and a GTKWave save file that shows them in order.

The simulator writes a VCD, of which an FST is made where that can be (`fst.py`); a window keeps both small.

The save file, `NAME.gtkw` beside the dump, is made from what the dump itself declares: clock, streams in
the order in which data pass them, then a group for each layer and each unit.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from repvgg_hw.files import write_if_changed
from repvgg_hw.targets.verilog.simulator import fst

Window = tuple[int, int | None]  # cycles, from and to; to None: as many as are recorded by default
STREAM_CYCLES, INSIDE_CYCLES = 20_000, 2_000  # of streams alone, of everything
PLAIN = ("--no-trace-params",)  # of Verilator: parameters do not change
BITS, HEX, OPEN, SHUT, END = "@28", "@22", "@800200", "@c00200", "@1000200"  # GTKWave's flags
TOP = ("bench", "u_dut")  # scope of the design in every bench
HANDSHAKE = re.compile(r"(.*?)_?(t?)(valid|ready|data|last|addr|len|size|burst|strb|resp)")


@dataclass(frozen=True)
class Signal:
    """A variable of a dump: where it stands, and what a viewer calls it, with its bits."""

    scope: tuple[str, ...]
    name: str
    bits: str  # "[7:0]", "" of a single one

    @property
    def path(self) -> str:
        """As GTKWave writes it."""
        return ".".join((*self.scope, self.name)) + self.bits


def limited(window: Window, cycles: int) -> tuple[int, int]:
    """A window with an end: `cycles` behind its beginning, where it has none."""
    first, last = window
    return first, first + cycles if last is None else last


def finish(dump: Path, window: tuple[int, int], layers: Sequence[str] = ()) -> str:
    """Lay a recorded dump out; a line that says what lies where, or that nothing was recorded."""
    first, last = window
    dump.with_suffix(".fst").unlink(missing_ok=True)  # of an earlier run
    if not dump.is_file():
        return f"no waves: the simulation ended before cycle {first:,}"
    kept = fst.compressed(dump)
    layout = lay_out(dump, TOP, layers, kept)
    if kept != dump:
        dump.unlink()
    return f"waves of cycles {first:,} to {last:,} in {kept}, laid out for GTKWave in {layout.name}"


def lay_out(dump: Path, top: Sequence[str], layers: Sequence[str] = (), kept: Path | None = None) -> Path:
    """Write the save file of a dump beside it, and return its place.

    dump    a VCD
    top     scope of the design: what lies above it, the bench, is left out
    layers  identifiers of layers, in order: each one's signals of the top begin with its own
    kept    the file that a viewer is to open, where it is not the VCD
    """
    groups = list(_groups(list(signals(dump)), tuple(top), layers))
    lines = ["[*] repvgg-hw", f'[dumpfile] "{(kept or dump).name}"', "[timestart] 0", "[sst_expanded] 1"]
    for number, (title, members) in enumerate(groups):
        lines += [OPEN if number < 2 else SHUT, f"-{title}"]
        for signal in members:
            lines += [HEX if signal.bits else BITS, signal.path]
        lines += [END, f"-{title}"]
    place = dump.with_suffix(".gtkw")
    write_if_changed(place, "\n".join(lines) + "\n")
    return place


def signals(dump: Path) -> Iterator[Signal]:
    """Every variable that a VCD declares, in order; its header alone is read."""
    scope: list[str] = []
    with dump.open(errors="replace") as lines:
        for line in lines:
            words = line.split()
            if words[:1] == ["$scope"]:
                scope.append(words[2])
            elif words[:1] == ["$upscope"]:
                scope.pop()
            elif words[:1] == ["$var"]:
                yield Signal(tuple(scope), words[4], words[5] if words[5] != "$end" else "")
            elif words[:1] == ["$enddefinitions"]:
                return


def _groups(
    found: Sequence[Signal], top: tuple[str, ...], layers: Sequence[str]
) -> Iterator[tuple[str, list[Signal]]]:
    """(title, signals) of each group; every signal of the top and below it once."""
    own = [signal for signal in found if signal.scope == top]
    streams = {_stream(signal) for signal in own if signal.name.endswith("valid")}
    streams &= {_stream(signal) for signal in own if signal.name.endswith("ready")}
    moving = [signal for signal in own if _stream(signal) in streams]
    still = [signal for signal in own if _stream(signal) not in streams]
    named = {layer: [one for one in still if one.name.startswith(f"{layer}_")] for layer in layers}
    of_layers = {signal for members in named.values() for signal in members}
    yield "clock and control", [signal for signal in still if signal not in of_layers]
    yield "streams", sorted(moving, key=_first_to_last)
    yield from ((layer, members) for layer, members in named.items() if members)
    below: dict[tuple[str, ...], list[Signal]] = {}
    for signal in found:
        if signal.scope[: len(top)] == top and signal.scope != top:
            below.setdefault(signal.scope[len(top) :], []).append(signal)
    yield from ((".".join(scope), members) for scope, members in below.items())


def _stream(signal: Signal) -> str | None:
    """What its handshake has in common: s_axis of s_axis_tvalid; None where it is of none."""
    match = HANDSHAKE.fullmatch(signal.name)
    return None if match is None else match[1] + match[2]


def _first_to_last(signal: Signal) -> int:
    """The input first and the output last; between them they are declared in order."""
    return {"s_axis": -1, "m_axis": 1}.get(signal.name.rpartition("_")[0], 0)
