"""Whole networks in RTL: generate, build, one frame, back-to-back frames; time, memory, cycles.

    python benchmarks/rtl.py --model A0 --input-size 224 --multipliers 4096
    python benchmarks/rtl.py --model A0 --input-size 224 --multipliers 8192 --winograd auto --clock-gating
    python benchmarks/rtl.py --model B0 --input-size 224 --multipliers 4096 --layers 1

Every step is the command that a user types, in a process of its own, measured from outside: seconds of wall
clock and of all its processors' time, and the largest resident memory of any process up to then. Cycles come
from the simulation. Simulators are built anew, into build/bench. Prints one JSON object.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any


def measured(*arguments: object) -> dict[str, Any]:
    """Run one `repvgg-hw` command: its seconds, its exit code, and the peak memory of all commands so far."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    command = [sys.executable, "-m", "repvgg_hw", *map(str, arguments)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    seconds, after = time.monotonic() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "seconds": round(seconds, 1),
        "cpu_seconds": round(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 1),
        "peak_mib": round(after.ru_maxrss / 1024),
        "exit": done.returncode,
        "output": done.stdout,
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="A0")
    parser.add_argument("--input-size", dest="size", default="224", help="of the input, N or HxW")
    parser.add_argument("--multipliers", type=int, default=4096)
    parser.add_argument("--winograd", default="off")
    parser.add_argument("--dsp", default="27x18")
    parser.add_argument("--no-phases", action="store_true", help="stride-2 layers direct")
    parser.add_argument(
        "--frames", type=int, default=2, help="back to back, after the single frame; 0 to skip"
    )
    parser.add_argument("--stalls", type=int, help="one frame more, with random pauses from this seed")
    parser.add_argument(
        "--layers", type=int, metavar="FRAMES", help="each layer alone, in place of the whole"
    )
    parser.add_argument("--clock-gating", action="store_true", help="no clock for layers at rest")
    parser.add_argument("--jobs", type=int, default=2, help="processes of --layers")
    parser.add_argument("--plan-only", action="store_true", help="generate, do not simulate")
    options = parser.parse_args()
    name = f"{options.model.lower()}_{options.size}_{options.multipliers}_{options.winograd}_{options.dsp}"
    folder = Path("build") / "bench" / (name + ("_direct2" if options.no_phases else ""))
    shutil.rmtree(folder / "build", ignore_errors=True)
    command = ["generate", "--model", options.model, "--input-size", options.size, "--target", "verilog"]
    command += ["--multipliers", options.multipliers, "--winograd", options.winograd, "--dsp", options.dsp]
    command += ["--no-phases"] if options.no_phases else []
    result: dict[str, Any] = {"options": vars(options)}
    generated = measured(*command, "-o", folder, "--force", "--json")
    if generated["exit"]:
        sys.exit(f"generate failed with exit code {generated['exit']}")
    plan = json.loads(generated.pop("output"))["plan"]
    result["generate"] = generated
    result["plan"] = plan["derived"] | {"effective": effective(plan)}
    if options.layers:
        result["layers alone"] = layer_by_layer(folder, options.layers, options.jobs)
    elif not options.plan_only:
        gating = ["--clock-gating"] if options.clock_gating else []
        result["one frame"] = simulated(folder, "--limit", 1, *gating)
        if options.frames:
            result[f"{options.frames} frames"] = simulated(folder, "--limit", options.frames, *gating)
        if options.stalls:
            result["with stalls"] = simulated(folder, "--limit", 1, "--stalls", options.stalls)
    print(json.dumps(result, indent=2))


def simulated(folder: Path, *arguments: object) -> dict[str, Any]:
    """One `simulate`; what it says of itself beside what it took."""
    run, found = simulate(folder, *arguments)
    keys = (
        "passed",
        "images",
        "bit_exact",
        "build_seconds",
        "run_seconds",
        "frame_interval",
        "latency_cycles",
    )
    intervals = sorted({interval(layer) for layer in found["layers"] if len(layer["cycles"]) > 1})
    return (
        run
        | {key: found[key] for key in keys}
        | {"intervals of all layers": intervals, "problems": found["problems"]}
    )


def layer_by_layer(folder: Path, frames: int, jobs: int) -> dict[str, Any]:
    """`simulate --layers`, from nothing; how many layers passed, and how many kept their planned cycles."""
    run, found = simulate(folder, "--layers", "--limit", frames, "--jobs", jobs)
    layers = found["layers"]
    kept = [
        layer for layer in layers if len(layer["cycles"]) > 1 and interval(layer) == layer["planned_cycles"]
    ]
    return (
        run
        | {key: found[key] for key in ("passed", "images", "bit_exact", "problems")}
        | {
            "layers": len(layers),
            "layers_bit_exact": sum(layer["problem"] is None for layer in layers),
            "layers_at_their_planned_interval": len(kept) if frames > 1 else None,
            "values_compared": sum(layer["values"] for layer in layers),
            "cycles": sum(layer["cycles"][-1] for layer in layers if layer["cycles"]),
            "simulators": sum(1 for _ in (folder / "build" / "layers" / "simulators").iterdir()),
            "build_seconds": found["build_seconds"],
            "run_seconds": found["run_seconds"],
        }
    )


def simulate(folder: Path, *arguments: object) -> tuple[dict[str, Any], dict[str, Any]]:
    """What `simulate` took, and what it found."""
    run = measured("simulate", folder, *arguments, "--json")
    text = run.pop("output")
    if not text:
        sys.exit(f"simulate failed with exit code {run['exit']}")
    return run, json.loads(text)


def interval(layer: dict[str, Any]) -> int:
    """Cycles between a layer's last two frames."""
    return int(layer["cycles"][-1] - layer["cycles"][-2])


def effective(plan: dict[str, Any]) -> dict[str, float]:
    """MACs per multiplier and cycle, by stride of the layers and for the whole network."""
    interval = plan["derived"]["frame_interval"]
    found = {"whole network": plan["derived"]["utilization"]}
    for stride in (1, 2):
        layers = [conv["derived"] for conv in plan["convs"] if conv["stride"] == stride]
        spent = sum(layer["multipliers"] for layer in layers) * interval
        found[f"stride {stride}"] = sum(layer["macs"] for layer in layers) / spent if spent else 0.0
    return found


if __name__ == "__main__":
    main()
