"""Whole networks in HLS C simulation: seconds to compile and per image, wall clock and CPU, and peak memory.

    python benchmarks/hls.py --model A0 --size 224 --multipliers 4096
    python benchmarks/hls.py --model A0 --size 224 --multipliers 8192 --winograd auto

Generates with the command that a user types, then compiles afresh and compares every layer with golden.
Prints one JSON object; its memory is that of the largest compiler or test bench.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from repvgg_hw import design
from repvgg_hw.targets.hls.simulate import simulate_project


def cpu_seconds() -> float:
    """User and system time of all child processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def measure(folder: Path, images: int) -> dict[str, Any]:
    """Compile the project afresh and run it on seeded random images, after a first one."""
    shutil.rmtree(folder / "csim_build", ignore_errors=True)
    emitted: design.Design[Any] = design.load(folder)
    rng = np.random.default_rng(0)
    x = rng.integers(-128, 128, (images + 1, *emitted.plan.in_shape)).astype(np.int8)
    start = cpu_seconds()
    first = simulate_project(emitted, x[:1])
    compiled = cpu_seconds()
    done = simulate_project(emitted, x[1:])
    cpu_per_image = (cpu_seconds() - compiled) / images
    return {
        "values_compared": sum(layer.values for layer in done.layers),
        "problems": done.problems,
        "compile_seconds": round(first.build_seconds, 1),
        "compile_cpu_seconds": round(compiled - start - cpu_per_image, 1),
        "run_seconds_per_image": round(done.run_seconds / images, 1),
        "run_cpu_seconds_per_image": round(cpu_per_image, 1),
        "peak_mib": round(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024),
        "table_mib": round(sum(p.stat().st_size for p in folder.glob("src/tables/*")) / 2**20),
        "planned_interval": emitted.plan.frame_interval,
        "counted_interval": done.frame_interval,
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="A0")
    parser.add_argument("--input-size", dest="size", default="224", help="of the input, N or HxW")
    parser.add_argument("--multipliers", type=int, default=4096)
    parser.add_argument("--winograd", default="off")
    parser.add_argument("--images", type=int, default=2, help="to time, after a first one")
    options = parser.parse_args()
    folder = Path("build") / "bench" / f"hls_{options.model.lower()}_{options.size}_{options.winograd}"
    subprocess.run(
        [sys.executable, "-m", "repvgg_hw", "generate", "--target", "hls", "-o", str(folder), "--force",
         "--model", options.model, "--input-size", options.size, "--winograd", options.winograd,
         "--multipliers", str(options.multipliers)],
        check=True,
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    # A process of its own, so that its children are the compilers and the test bench alone.
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        result = pool.submit(measure, folder, options.images).result()
    print(json.dumps({"options": vars(options)} | result, indent=2))


if __name__ == "__main__":
    main()
