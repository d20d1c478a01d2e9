"""One engine, many networks: its RTL is emitted and built once, and runs each of them by an image alone.

    python benchmarks/engine_networks.py [--only NAME] [--folder build/bench/engine_networks] [-o FILE]

The engine is planned for RepVGG-A0 at 224 within a PYNQ-Z2, with room (`generate --for`) for the others. Each
network is a `program`, and a proof in RTL against the golden model:

    A0, A1, B0, B1g4    random weights, 224: every layer alone, on golden's input, one strip of each kind
    digits              examples/digits, whole, 4 test images
    checkpoint          --data FOLDER (../shared/data): its checkpoint, whole, 8 images of its val/, whose
                        logits are also those of the integer model that `evaluate` measures

Prints a table. Exit code 1 where one value differs.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.quant_rtl import evaluated, spread
from examples.digits import data as digits
from repvgg_hw import design as designs
from repvgg_hw import golden
from repvgg_hw.design import Design
from repvgg_hw.errors import CheckFailed
from repvgg_hw.model.images import Images, load_images, synthetic
from repvgg_hw.targets import registry
from repvgg_hw.targets.program import check_made_for
from repvgg_hw.targets.target import ProofOptions
from repvgg_hw.targets.verilog.engine.layers import layer_frames, parts, prove
from repvgg_hw.targets.verilog.engine.simulate import simulator_of

LARGE = ("A0", "A1", "B0", "B1g4")
NAMES = (*LARGE, "digits", "checkpoint")
DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
SIZE = 224
METHOD = "minmax"  # how a checkpoint is quantized does not matter here
CALIBRATION = 200  # images


@dataclass(frozen=True)
class Row:
    """What was found of one network."""

    name: str
    how: str
    values: int  # compared
    planned_cycles: int
    image_mb: float
    seconds: float
    problems: tuple[str, ...]


def repvgg_hw(*arguments: object) -> str:
    """What one command prints. Raises CheckFailed with what it says where it does not end well."""
    command = [sys.executable, "-m", "repvgg_hw", "-q", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CheckFailed(f"repvgg-hw {arguments[0]}: {(done.stderr or done.stdout).strip()}")
    return done.stdout


def engine(folder: Path) -> Design[Any]:
    """The one design; its simulator is built at the first proof."""
    place = folder / "engine"
    if not (place / "design.json").is_file():
        rooms = [word for name in LARGE[1:] for word in ("--for", name)]
        board = ("--architecture", "engine", "--device", "pynq-z2")
        repvgg_hw("generate", "--model", LARGE[0], "--input-size", SIZE, *board, *rooms, "-o", place)
    return designs.load(place)


def source(name: str, folder: Path, data: Path) -> tuple[object, ...]:
    """Options that say which network: of `generate` and of `program`."""
    if name == "digits":
        files = digits.write(folder / "images")
        checkpoint = Path(digits.__file__).with_name("digits.safetensors")
        given = ("--weights", checkpoint, "--calibration", files["calibration"])
        return (*given, "--mean", digits.MEAN, "--std", digits.STD)
    if name == "checkpoint":
        calibration = ("--calibration", data / "calibration", "--calibration-limit", CALIBRATION)
        return ("--weights", data / "repvgg_a0_tiny_imagenet.pth", *calibration, "--method", METHOD)
    return ("--model", name, "--input-size", SIZE)


def image(name: str, hardware: Design[Any], folder: Path, data: Path = DATA) -> Design[Any]:
    """The network's image for the engine."""
    place = folder / name
    if not (place / "design.json").is_file():
        repvgg_hw("program", hardware.directory, *source(name, folder, data), "-o", place)
    design = designs.load(place, images=True)
    check_made_for(design, hardware)
    return design


def row(name: str, folder: Path, data: Path = DATA) -> Row:
    """Program and prove one network."""
    hardware = engine(folder)
    design = image(name, hardware, folder, data)
    started = time.monotonic()
    if name in LARGE:
        values, problems = layer_by_layer(design, hardware)
        how = "each layer, one strip of each kind"
    else:
        images = tests(name, folder, data)
        x = golden.quantize_input(images.pixels, design.network)
        options = ProofOptions(labels=images.labels, hardware=hardware)
        result = registry.of(design).prove(design, x, options)
        values, problems = sum(layer.values for layer in result.layers), list(result.problems)
        how = f"whole, {len(images)} images"
        if not np.array_equal(golden.forward(x, design.network), evaluated(design.network, images)):
            problems.append("golden's logits are not those of the evaluated integer model")
    megabytes = (design.directory / "engine.bin").stat().st_size / 1e6
    took = time.monotonic() - started
    return Row(name, how, values, design.plan.frame_interval, megabytes, took, tuple(problems))


def layer_by_layer(design: Design[Any], hardware: Design[Any]) -> tuple[int, list[str]]:
    """(values compared, what is wrong): every layer alone, on golden's input of one image."""
    plan = design.plan
    todo = list(parts(plan.schedule, plan.layers, plan.memory_bytes))
    simulator = simulator_of(hardware, [part.job(sample=True) for part in todo])
    x = golden.quantize_input(synthetic(1, design.network.in_shape), design.network)
    inputs = layer_frames(plan.schedule.network, plan.schedule.frames(x))
    values, problems = 0, list[str]()
    for part, (name, frames) in zip(todo, inputs, strict=True):
        assert part.name == name
        proof = prove(simulator, part, frames, design.directory.resolve() / "build" / "layers", sample=True)
        values += sum(layer.values for layer in proof.layers)
        problems += [*proof.problems, *(layer.problem for layer in proof.layers if layer.problem)]
    return values, problems


def tests(name: str, folder: Path, data: Path) -> Images:
    """Images that neither training nor calibration has seen."""
    if name == "digits":
        return spread(load_images(folder / "images" / "test.npz", channels=1), 4)
    return spread(load_images(data / "val"), 8)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", action="append", choices=NAMES, help="a network; repeatable")
    parser.add_argument("--folder", type=Path, default=Path("build/bench/engine_networks"))
    parser.add_argument("--data", type=Path, default=DATA, help="checkpoint, calibration and val")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="JSON of the rows")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    print("| network | proven | values compared, all equal | cycles of a frame, planned | image, MB | s |")
    print("|---|---|---|---|---|---|", flush=True)
    rows = list[Row]()
    for name in options.only or NAMES:
        rows.append(one := row(name, options.folder, options.data))
        equal = f"{one.values:,}" if not one.problems else f"NO: {one.problems[0]}"
        cells = (
            one.name,
            one.how,
            equal,
            f"{one.planned_cycles:,}",
            f"{one.image_mb:.1f}",
            f"{one.seconds:.0f}",
        )
        print(f"| {' | '.join(cells)} |", flush=True)
    if options.output:
        options.output.write_text(json.dumps([asdict(one) for one in rows], indent=2) + "\n")
    if any(one.problems for one in rows):
        raise CheckFailed("a network differs")


if __name__ == "__main__":
    try:
        main()
    except CheckFailed as failed:
        sys.exit(f"check failed: {failed}")
