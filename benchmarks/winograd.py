"""Effective MACs per multiplier with Winograd, from simulated cycles, for several budgets and multipliers.

    python benchmarks/winograd.py                      every row of the table in docs/benchmarks.md
    python benchmarks/winograd.py --only "1728"        one of them
    python benchmarks/winograd.py --plan-only          what the search plans, without a simulation

Each row is one `generate` and one `simulate --layers --limit 3`: every layer alone, three frames back to back
on golden's input, bit for bit, alike layers built once. A row's interval is the slowest layer's, between its
last two frames. Prints a table and, with --output FILE, writes what it is made of.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path
from typing import Any

from benchmarks.rtl import effective, measured

FRAMES = 3
ROWS: dict[str, list[object]] = {
    "8192": ["--multipliers", 8192],
    "5200": ["--multipliers", 5200],
    "1728": ["--multipliers", 1728],
    "1024": ["--multipliers", 1024],
    "3100, stride 2 direct": ["--multipliers", 3100, "--no-phases"],
    "4096, 18x18": ["--multipliers", 4096, "--dsp", "18x18"],
}
COLUMNS = (
    "budget",
    "multipliers",
    "cycles per frame, planned",
    "simulated",
    "MACs per multiplier and cycle",
    "stride-1 layers",
    "stride-2 layers",
)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", default="A0")
    parser.add_argument("--input-size", dest="size", default="224", help="of the input, N or HxW")
    parser.add_argument("--only", action="append", choices=list(ROWS), help="a row; repeatable")
    parser.add_argument("--plan-only", action="store_true")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="JSON of what the table is made of")
    options = parser.parse_args()
    found = {
        name: row(name, arguments, options)
        for name, arguments in ROWS.items()
        if not options.only or name in options.only
    }
    print("| " + " | ".join(COLUMNS) + " |\n" + "|---" * len(COLUMNS) + "|")
    for name, result in found.items():
        print("| " + " | ".join([name, *cells(result)]) + " |")
    if options.output:
        options.output.write_text(json.dumps(found, indent=2) + "\n")


def row(name: str, arguments: list[object], options: argparse.Namespace) -> dict[str, Any]:
    """Generate, and simulate every layer, unless told not to."""
    folder = Path("build") / "bench" / re.sub(r"\W+", "_", f"winograd_{options.model}_{options.size}_{name}")
    command = ["generate", "--model", options.model, "--input-size", options.size, "--target", "verilog"]
    generated = measured(*command, "--winograd", "auto", *arguments, "-o", folder, "--force", "--json")
    if generated["exit"]:
        sys.exit(f"{name}: generate failed with exit code {generated['exit']}")
    plan = json.loads(generated["output"])["plan"]
    result: dict[str, Any] = {
        "multipliers": plan["derived"]["multipliers"],
        "planned": plan["derived"]["frame_interval"],
        "simulated": None,
        "effective": effective(plan),
        "generate_seconds": generated["seconds"],
    }
    if options.plan_only:
        return result
    run = measured("simulate", folder, "--layers", "--limit", FRAMES, "--json")
    layers = json.loads(run["output"])
    if not layers["passed"]:
        sys.exit(f"{name}: {layers['problems'][0]}")
    intervals = {layer["name"]: layer["cycles"][-1] - layer["cycles"][-2] for layer in layers["layers"]}
    result |= {
        "simulated": max(intervals.values()),
        "intervals": intervals,
        "bit_exact": layers["bit_exact"],
        "simulate_seconds": run["seconds"],
    }
    # What the plan says holds at its own interval; the ratios below hold at the simulated one.
    slower = result["planned"] / result["simulated"]
    result["effective"] = {key: value * slower for key, value in result["effective"].items()}
    return result


def cells(result: dict[str, Any]) -> list[str]:
    """A row of the table, without its name."""
    simulated = f"{result['simulated']:,}" if result["simulated"] else "not simulated"
    ratios = [f"{result['effective'][key]:.2f}" for key in ("whole network", "stride 1", "stride 2")]
    return [f"{result['multipliers']:,}", f"{result['planned']:,}", simulated, *ratios]


if __name__ == "__main__":
    main()
