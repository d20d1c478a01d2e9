"""Whole networks in HLS C simulation: seconds to compile and per image, wall clock and CPU, and peak memory.

    python benchmarks/hls.py --model A0 --size 224 --multipliers 4096
    python benchmarks/hls.py --model A0 --size 224 --multipliers 4096 --winograd auto

Generates with the command that a user types, then compiles afresh and compares every layer with golden.
Prints one JSON object.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np

from repvgg_hw import design, emit_hls, simulate_hls


def cpu_seconds() -> float:
    """User and system time of all child processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="A0")
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--multipliers", type=int, default=4096)
    parser.add_argument("--winograd", default="off")
    parser.add_argument("--images", type=int, default=2)
    options = parser.parse_args()
    folder = Path("build") / "bench" / f"hls_{options.model.lower()}_{options.size}_{options.winograd}"
    subprocess.run(
        [sys.executable, "-m", "repvgg_hw", "generate", "--target", "hls", "-o", str(folder), "--force",
         "--model", options.model, "--input-size", str(options.size), "--winograd", options.winograd,
         "--multipliers", str(options.multipliers)],
        check=True,
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    shutil.rmtree(folder / "csim_build", ignore_errors=True)
    emitted = design.load(folder)
    rng = np.random.default_rng(0)
    images = rng.integers(-128, 128, (options.images, *emitted.plan.in_shape)).astype(np.int8)
    before = cpu_seconds()
    done = simulate_hls.simulate(folder, emitted.network, emitted.plan, images)
    result = {
        "options": vars(options),
        "values_compared": sum(check.values for check in done.layers),
        "compile_seconds": round(done.compile_seconds, 1),
        "run_seconds_per_image": round(done.run_seconds / options.images, 1),
        "cpu_seconds": round(cpu_seconds() - before, 1),
        "peak_mib": round(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024),
        "plan_interval": emitted.plan.frame_interval,
        "hls_interval": emit_hls.interval(emitted.plan),
    }
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
