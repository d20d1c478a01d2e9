"""A look into the waveform of a simulation: which streams move in which cycle, as a picture.

`simulate --waves` writes a dump of every stream between the layers: an FST or, without pylibfst, a VCD (IEEE
1364, clause 18). A wave viewer shows all of it; this reads two bits of each stream, tvalid and tready.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path

CLOCK = "bench.clk"
STREAM = "bench.u_dut.{name}_{bit}"
ROW, LABEL, WIDTH = 22, 90, 900  # pixels

Moves = dict[str, list[bool]]


def read(path: Path, signals: Sequence[str]) -> dict[str, list[int]]:
    """Values of 1-bit signals, by their full names, before each rising edge of the clock that was recorded.

    LookupError for a name that the file does not have.
    """
    names = (CLOCK, *signals)
    now: dict[str, str] = {}
    samples: list[dict[str, str]] = []
    before, moment = dict(now), -1
    for time, name, value in (_of_fst if path.suffix == ".fst" else _of_vcd)(path, names):
        if time != moment:
            before, moment = dict(now), time
        if name == CLOCK and value == "1" and now.get(CLOCK) == "0":
            samples.append(before)
        now[name] = value
    return {name: [int(sample.get(name) == "1") for sample in samples] for name in signals}


def _of_vcd(path: Path, names: Sequence[str]) -> Iterator[tuple[int, str, str]]:
    """(time, name, value) of each change."""
    with path.open() as lines:
        codes = _codes(lines, names)
        time = 0
        for line in lines:
            if line.startswith("#"):
                time = int(line[1:])
            elif line[:1] in tuple("01xz"):
                yield from ((time, name, line[0]) for name in names if codes[name] == line[1:].strip())


def _of_fst(path: Path, names: Sequence[str]) -> Iterator[tuple[int, str, str]]:
    """(time, name, value) of each change."""
    import pylibfst

    file = pylibfst.lib.fstReaderOpen(str(path).encode())
    try:
        known = pylibfst.get_scopes_signals2(file)[1].by_name
        _check(names, known)
        handles = {name: known[name].handle for name in names}
        found: list[tuple[int, int, str]] = []
        pylibfst.lib.fstReaderSetFacProcessMaskAll(file)
        pylibfst.fstReaderIterBlocks(
            file, lambda _, time, handle, value: found.append((time, handle, pylibfst.string(value)))
        )
    finally:
        pylibfst.lib.fstReaderClose(file)
    for time, handle, value in found:
        yield from ((time, name, value) for name in names if handles[name] == handle)


def _codes(lines: Iterable[str], names: Sequence[str]) -> dict[str, str]:
    """The file's short codes of signals, from its header, which is read up to its end."""
    found: dict[str, str] = {}
    scopes: list[str] = []
    for line in lines:
        words = line.split()
        if words[:1] == ["$scope"]:
            scopes.append(words[2])
        elif words[:1] == ["$upscope"]:
            scopes.pop()
        elif words[:1] == ["$var"]:
            found[".".join([*scopes, words[4]])] = words[3]
        elif words[:1] == ["$enddefinitions"]:
            break
    _check(names, found)
    return found


def _check(names: Sequence[str], known: Container[str]) -> None:
    missing = [name for name in names if name not in known]
    if missing:
        raise LookupError(f"the dump has no {missing[0]}")


def moves(path: Path, streams: Sequence[str]) -> Moves:
    """For each stream, cycle by cycle, whether a beat moved: tvalid and tready at a clock edge."""
    bits = {name: [STREAM.format(name=name, bit=bit) for bit in ("tvalid", "tready")] for name in streams}
    values = read(path, [signal for pair in bits.values() for signal in pair])
    return {
        name: [bool(v and r) for v, r in zip(values[valid], values[ready], strict=True)]
        for name, (valid, ready) in bits.items()
    }


def svg(moved: Moves) -> str:
    """The streams as rows, cycles from left to right, a bar where a beat moves."""
    cycles = max(len(row) for row in moved.values())
    step = (WIDTH - LABEL) / max(cycles, 1)
    height = ROW * len(moved) + ROW
    size = f'width="{WIDTH}" height="{height}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" {size}>',
        "<style>text { font: 12px sans-serif; fill: #1f2328 } rect { fill: #0969da }</style>",
        f'<rect x="0" y="0" {size} style="fill: #ffffff"/>',
    ]
    for index, (name, row) in enumerate(moved.items()):
        y = ROW * index + 4
        parts.append(f'<text x="4" y="{y + 13}">{name}</text>')
        parts += [
            f'<rect x="{LABEL + start * step:.1f}" y="{y}" width="{(end - start) * step:.1f}" height="14"/>'
            for start, end in _runs(row)
        ]
    foot = height - 6
    parts.append(f'<text x="{LABEL}" y="{foot}">cycle 0</text>')
    parts.append(f'<text x="{WIDTH - 4}" y="{foot}" text-anchor="end">{cycles}</text></svg>')
    return "\n".join(parts)


def _runs(row: Sequence[bool]) -> list[tuple[int, int]]:
    """Where a row is true, as half-open ranges."""
    edges = [i for i in range(1, len(row)) if row[i] != row[i - 1]]
    bounds = [0, *edges, len(row)]
    return [(a, b) for a, b in pairwise(bounds) if a < b and row[a]]
