"""What netlists of a design take, and the clock they hold: the tables of docs/synthesis.md.

    python benchmarks/synth.py --design build/digits/design --device ulx3s-85f --seeds 1 2 3
    python benchmarks/synth.py --design build/digits/design --device pynq-z2

One Yosys run for each device; for ECP5 one routing for each seed. Prints one JSON object, with the
median clock, LUTs per product, and the longest path of the slowest seed; and of any family the LUT levels
between registers, and which multipliers and block RAMs have theirs (repvgg_hw/synth/levels.py).
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from pathlib import Path
from typing import Any

from repvgg_hw import design as designs
from repvgg_hw.plan import device as devices
from repvgg_hw.synth import levels, nextpnr, synthesise


def measure(folder: Path, name: str, seeds: list[int], layer: str | None) -> dict[str, Any]:
    """One netlist, routed with every seed where an open tool routes the device."""
    design: designs.Design[Any] = designs.load(folder)
    device = devices.get(name)
    names = None if layer is None else [layer]
    (task,) = synthesise.tasks(design, device, names, route=False)
    part = synthesise.synthesise(task, lambda what: None)
    routed = []
    for seed in seeds if device.part.nextpnr is not None else []:
        routed.append(nextpnr.route(task.work, "netlist.json", device, seeds=[seed]))
        print(f"seed {seed}: {routed[-1].mhz} MHz", file=sys.stderr)
    cells = part.synthesised
    found: dict[str, Any] = {
        "device": device.name,
        "netlist": part.name,
        "dsp_planned": part.planned_dsp,
        **{resource: getattr(cells, resource) for resource in ("dsp", "bram", "lut", "ff", "carry")},
        "lut_per_dsp": round(cells.lut / max(1, cells.dsp), 1),
        "structure": levels.structure(levels.read(task.work / f"{synthesise.STEM}.json")).to_json(),
        "yosys_seconds": part.seconds,
        "yosys_megabytes": part.megabytes,
    }
    if routed:
        slowest = min(routed, key=lambda one: one.mhz)
        found |= {
            "mhz": [one.mhz for one in routed],
            "mhz_median": statistics.median(one.mhz for one in routed),
            "nextpnr_seconds": [round(sum(try_.seconds for try_ in one.attempts)) for one in routed],
            "path": [f"{step.ns} ns {step.kind}: {step.start} -> {step.end}" for step in slowest.path],
        }
    return found


def main() -> None:
    """Measure one design, or one of its layers, on one device."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--design", type=Path, required=True)
    parser.add_argument("--device", required=True)
    parser.add_argument("--layer")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    options = parser.parse_args()
    print(json.dumps(measure(options.design, options.device, options.seeds, options.layer), indent=2))


if __name__ == "__main__":
    main()
