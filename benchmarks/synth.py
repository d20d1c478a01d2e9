"""What netlists of a design take, and the clock they hold: the tables of docs/synthesis.md.

    python benchmarks/synth.py --design build/digits/design --device ulx3s-85f --seeds 1 2 3
    python benchmarks/synth.py --design build/digits/design --device pynq-z2

One Yosys run for each device; for ECP5 one routing for each seed. Prints one JSON object, with the
median clock, LUTs per product, and the longest path of the fastest seed; and of any family the LUT levels
between registers, and which multipliers and block RAMs have theirs (repvgg_hw/synth/levels.py).
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from repvgg_hw import design as designs
from repvgg_hw.plan import device as devices
from repvgg_hw.synth import levels, synthesise, tasks


def measure(folder: Path, name: str, seeds: list[int], layer: str | None) -> dict[str, Any]:
    """One netlist, routed with every seed where an open tool routes the device."""
    design: designs.Design[Any] = designs.load(folder)
    device = devices.get(name)
    routing = None if device.part.nextpnr is None else tasks.Routing(seeds=tuple(seeds))
    (task,) = tasks.tasks(design, device, None if layer is None else [layer], routing)
    part = synthesise.synthesise(task, lambda what: None)
    cells = part.synthesised
    found: dict[str, Any] = {
        "device": device.name,
        "netlist": part.name,
        "planned": vars(part.planned),
        **vars(cells),
        "lut_per_dsp": round(cells.lut / max(1, cells.dsp), 1),
        "structure": levels.structure(levels.read(task.work / f"{synthesise.STEM}.json")).to_json(),
        "yosys_seconds": part.seconds,
        "yosys_megabytes": part.megabytes,
    }
    if part.mhz is not None:
        found |= {
            "mhz": [one.mhz for one in part.attempts],
            "mhz_median": part.mhz_median,
            "nextpnr_seconds": [round(one.seconds) for one in part.attempts],
            "path": [f"{step.ns} ns {step.kind}: {step.start} -> {step.end}" for step in part.path],
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
