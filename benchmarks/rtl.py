"""Whole networks in RTL: generate, build, one frame, back-to-back frames; time, memory, cycles.

    python benchmarks/rtl.py --model A0 --size 224 --multipliers 4096
    python benchmarks/rtl.py --model A0 --size 224 --multipliers 8192 --winograd auto

Every step is the command that a user types, in a process of its own, measured from outside: seconds of wall
clock and the largest resident memory of any process in it. Cycles come from the simulation.
Prints one JSON object.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any


def measured(*arguments: object) -> dict[str, Any]:
    """Run one `repvgg-hw` command; its seconds, the peak memory of all commands so far, its exit code."""
    started = time.monotonic()
    command = [sys.executable, "-m", "repvgg_hw", *map(str, arguments)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    seconds = round(time.monotonic() - started, 1)
    return {"seconds": seconds, "peak_mib": round(peak), "exit": done.returncode, "output": done.stdout}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="A0")
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--multipliers", type=int, default=4096)
    parser.add_argument("--winograd", default="off")
    parser.add_argument("--dsp", default="27x18")
    parser.add_argument("--no-phases", action="store_true", help="stride-2 layers direct")
    parser.add_argument(
        "--frames", type=int, default=2, help="back to back, after the single frame; 0 to skip"
    )
    parser.add_argument("--stalls", type=int, help="one frame more, with random pauses from this seed")
    parser.add_argument("--plan-only", action="store_true", help="generate, do not simulate")
    options = parser.parse_args()
    name = f"{options.model.lower()}_{options.size}_{options.multipliers}_{options.winograd}_{options.dsp}"
    folder = Path("build") / "bench" / (name + ("_direct2" if options.no_phases else ""))
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
    if not options.plan_only:
        result["one frame"] = simulated(folder, "--limit", 1)
        if options.frames:
            result[f"{options.frames} frames"] = simulated(folder, "--limit", options.frames)
        if options.stalls:
            result["with stalls"] = simulated(folder, "--limit", 1, "--stalls", options.stalls)
    print(json.dumps(result, indent=2))


def simulated(folder: Path, *arguments: object) -> dict[str, Any]:
    """One `simulate`; what it says of itself beside what it took."""
    run = measured("simulate", folder, *arguments, "--json")
    found = json.loads(run.pop("output"))
    keys = (
        "passed",
        "images",
        "bit_exact",
        "build_seconds",
        "run_seconds",
        "frame_interval",
        "latency_cycles",
    )
    intervals = sorted(
        {layer["cycles"][-1] - layer["cycles"][-2] for layer in found["layers"] if len(layer["cycles"]) > 1}
    )
    return (
        run
        | {key: found[key] for key in keys}
        | {"intervals of all layers": intervals, "problems": found["problems"]}
    )


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
