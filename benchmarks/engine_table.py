"""Engines as the search finds them, whole networks in RTL: cycles planned and simulated, MACs, traffic.

    python benchmarks/engine_table.py [--only NAME ...] [--stalls SEED] [--folder build/bench/engine_table]

    a0-pynq-z2, a0-kv260    RepVGG-A0 at 224, random weights
    b1-kv260                RepVGG-B1 likewise
    digits-20 .. digits-400    examples/digits within so many multipliers
    digits-BOARD            the same on a board's engine
    checkpoint-BOARD        --data FOLDER's (../shared/data) RepVGG-A0 at 64 x 64

Each is generated and simulated twice: three frames, one behind the other, and one alone. Every value of both
is compared with golden. Prints a table. Exit code 1 where one value differs, or, without stalls, where
planned and simulated cycles are more than 1 % apart, of all but TINY.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.engine_networks import DATA, repvgg_hw, source
from repvgg_hw import design as designs
from repvgg_hw.errors import CheckFailed

BUDGETS = (20, 50, 100, 200, 400)
TRAINED = ("digits", "checkpoint")
BOARDS = ("pynq-z2", "ulx3s-85f", "kv260")
NAMES = (
    *("a0-pynq-z2", "a0-kv260", "b1-kv260"),
    *(f"digits-{one}" for one in (*BUDGETS, *BOARDS)),
    *(f"checkpoint-{board}" for board in BOARDS),
)
TINY = ("digits-kv260",)  # 9,000 cycles, most of which are latencies that a plan has as round numbers
CLOSE = 0.01


@dataclass(frozen=True)
class Row:
    """What was found of one engine."""

    name: str
    engine: str
    interval: int
    planned_interval: int
    alone: int
    planned_alone: int
    efficiency: float  # MACs for each multiplier of the array and cycle, frame behind frame
    notes: Sequence[str]

    @property
    def apart(self) -> float:
        """Of planned and simulated cycles, the larger difference."""
        pairs = ((self.planned_interval, self.interval), (self.planned_alone, self.alone))
        return max(abs(planned / found - 1) for planned, found in pairs)


def row(name: str, folder: Path, data: Path, stalls: int = 0) -> Row:
    """Generate and simulate one. Raises CheckFailed where a value differs."""
    network, _, limit = name.partition("-")
    place = folder / name
    within = ["--multipliers", limit] if limit.isdigit() else ["--device", limit]
    given = source(network if network in TRAINED else network.upper(), folder, data)
    repvgg_hw("generate", *given, "--architecture", "engine", *within, "-o", place, "--force")
    images = {
        "digits": ["--images", folder / "images" / "test.npz"],
        "checkpoint": ["--images", data / "val"],
    }
    frames, alone = (simulated(place, images.get(network, []), count, stalls) for count in (3, 1))
    plan: Any = designs.load(place).plan
    array = plan.array
    efficiency = plan.frame.macs / (array.multipliers * frames["frame_interval"])
    return Row(
        name,
        f"N {array.n}, PI {array.pi}, PO {array.po}",
        frames["frame_interval"],
        plan.frame_interval,
        alone["latency_cycles"],
        plan.latency_estimate,
        efficiency,
        frames["notes"],
    )


def simulated(place: Path, images: Sequence[object], frames: int, stalls: int) -> Any:
    """The report of so many frames, from a run of its own."""
    words = ["simulate", place, *images, "--limit", frames, "--json", "--fresh"]
    return json.loads(repvgg_hw(*words, *(("--stalls", stalls) if stalls else ())))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", action="append", choices=NAMES, help="one of them; repeatable")
    parser.add_argument("--stalls", type=int, default=0, help="seed of the memory's latencies and pauses")
    parser.add_argument("--folder", type=Path, default=Path("build/bench/engine_table"))
    parser.add_argument("--data", type=Path, default=DATA, help="checkpoint, calibration and val")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    print("| | engine | from frame to frame (planned) | a frame alone (planned) | apart, at most | MACs |")
    print("|---|---|---|---|---|---|", flush=True)
    far = list[str]()
    for name in options.only or NAMES:
        one = row(name, options.folder, options.data, options.stalls)
        cells = (
            one.name,
            one.engine,
            f"{one.interval:,} ({one.planned_interval:,})",
            f"{one.alone:,} ({one.planned_alone:,})",
            f"{one.apart:.2%}",
            f"{one.efficiency:.2f}",
        )
        print(f"| {' | '.join(cells)} |", flush=True)
        print(f"  {one.notes[0]}", file=sys.stderr, flush=True)
        if one.apart > CLOSE and name not in TINY and not options.stalls:
            far.append(name)
    if far:
        raise CheckFailed(f"planned and simulated cycles are more than {CLOSE:.0%} apart: {', '.join(far)}")


if __name__ == "__main__":
    try:
        main()
    except CheckFailed as failed:
        sys.exit(f"check failed: {failed}")
