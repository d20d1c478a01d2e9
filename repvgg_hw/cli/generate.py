"""`repvgg-hw generate`: from a checkpoint or a variant's name to an accelerator's sources."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from repvgg_hw.cli.backbone import say_map
from repvgg_hw.cli.command import Command
from repvgg_hw.cli.expectations import EXPECT_RULES, expect_options, expectation, said
from repvgg_hw.cli.hardware import HARDWARE, HARDWARE_RULES, hardware_options
from repvgg_hw.cli.options import (
    IMAGE_RULES,
    METHOD,
    METHOD_HELP,
    WIDTH_RULES,
    Numbers,
    check_units,
    image_options,
    width_options,
)
from repvgg_hw.cli.quantizing import Quantizer, calibration_pixels, random_integers
from repvgg_hw.cli.reading import READING, reading_options
from repvgg_hw.cli.rules import excludes, needs, void
from repvgg_hw.cli.tables import show_table
from repvgg_hw.cli.talk import note, say
from repvgg_hw.cli.values import (
    CLASSES,
    COUNT,
    INPUT_SIZE,
    NUMBERS,
    PLACE,
    SEED,
    SOURCE,
)
from repvgg_hw.errors import InputError
from repvgg_hw.names import display_name, folder_name

if TYPE_CHECKING:
    from repvgg_hw.design import Design
    from repvgg_hw.model.preprocessing import Preprocessing
    from repvgg_hw.plan.planner import NetworkPlan
    from repvgg_hw.plan.request import Request

DEFAULT_SIZE = (224, 224)
DEFAULT_CLASSES = 1000


# What a file of integers has decided already.
DECIDED = (
    *("--input-size", "--mean", "--std", "--head", "--method"),
    *("--weight-bits", "--activation-bits", "--bits", "--weight-memory"),
)
RULES = (
    *EXPECT_RULES,
    *IMAGE_RULES,
    *WIDTH_RULES,
    *HARDWARE_RULES,
    *excludes("--model", "--weights", "--integers"),
    *(void(option, "--integers", why="the file holds the result") for option in DECIDED),
    *(
        needs(option, "--weights", why="random weights have nothing to read or to compare with")
        for option in (*READING, "--expect", "--calibration")
    ),
    needs("--classes", "--model", why="a checkpoint has its own"),
    void("--classes", "--head none", why="it is the linear layer that gives them"),
    needs("--seed", "--model", why="it is of random weights"),
    *(needs(option, "--calibration") for option in ("--calibration-limit", "--preprocess")),
)
GROUPS = {
    "Network": (
        *("--model", "--classes", "--seed", "--integers", "--weights", *READING),
        *("--head", "--expect", "--tolerance"),
    ),
    "Images": (
        *("--input-size", "--calibration", "--calibration-limit", "--mean", "--std"),
        *("--preprocess", "--crop-pct", "--interpolation"),
    ),
    "Quantization": ("--method", "--weight-bits", "--activation-bits", "--bits", "--weight-memory"),
    "Hardware": HARDWARE,
    "Output": ("--output", "--force", "--json", "--quiet", "--verbose"),
}


@click.command(cls=Command, rules=RULES, groups=GROUPS)
@click.option("--model", help="A variant by name, with seeded random weights: for structure and proof only.")
@click.option("--weights", type=SOURCE, help="A checkpoint: .pth, .safetensors, .onnx or hf://...")
@click.option("--integers", type=PLACE, help="An integer network, .npz, as train --qat writes it.")
@reading_options
@expect_options
@click.option("-o", "--output", type=PLACE, help="Folder [default: build/NETWORK-TARGET].")
@click.option("--input-size", type=INPUT_SIZE, help="Height and width [default: 224, or the images'].")
@click.option("--classes", type=CLASSES, help="Classes of --model [default: 1000].")
@click.option("--calibration", type=PLACE, help="Images to quantize on.")
@click.option("--calibration-limit", type=COUNT, help="At most that many of them.")
@image_options
@click.option("--method", type=METHOD, metavar="NAME", help=f"How to quantize: {METHOD_HELP}.")
@width_options
@click.option("--mean", type=NUMBERS, help="Per channel, in 0..1 [default: ImageNet's].")
@click.option("--std", type=NUMBERS, help="Per channel, in 0..1 [default: ImageNet's].")
@hardware_options
@click.option("--seed", type=SEED, default=0, show_default=True, help="Of random weights.")
@click.option("--force", is_flag=True, help="Write over a design that is there.")
@click.option("--json", "as_json", is_flag=True, help="Print the plan as JSON.")
def command(
    model: str | None,
    weights: str | None,
    integers: Path | None,
    reading: dict[str, Any],
    expect: Path | None,
    tolerance: float | None,
    output: Path | None,
    input_size: tuple[int, int] | None,
    classes: int | None,
    calibration: Path | None,
    calibration_limit: int | None,
    preprocessing: Preprocessing | None,
    method: str | None,
    weight_bits: int | None,
    activation_bits: int | None,
    bits_file: Path | None,
    weight_memory: int | None,
    mean: Numbers | None,
    std: Numbers | None,
    request: Request,
    seed: int,
    force: bool,
    as_json: bool,
) -> None:
    """Quantize a network, plan its accelerator and write it as Verilog or HLS C++.

    \b
    Examples:
      repvgg-hw generate --weights net.pth --calibration images/ --target verilog -o build/net
      repvgg-hw generate --integers tuned.npz -o build/net
      repvgg-hw generate --model A0 --target hls
      repvgg-hw generate --model A0 --input-size 224 --multipliers 8192 --winograd auto

    Exit codes: 0 done, 1 the fused network differs from the trained one or from --expect,
    2 the input or usage is wrong.
    """

    from repvgg_hw import design as designs
    from repvgg_hw.design.network_file import load_network
    from repvgg_hw.targets.generate import check_directory, check_request, generate

    if model is None and weights is None and integers is None:
        raise InputError("give either --model NAME for random weights or --weights CHECKPOINT")
    check_units(mean, std)
    check_request(request)
    if output is None:
        output = Path("build") / f"{folder_name(model or weights or str(integers))}-{request.target}"
    check_directory(output, force)
    quantizer = Quantizer(method, mean, std, weight_bits, activation_bits, bits_file, weight_memory)
    wanted = expectation(expect, tolerance)
    if model is not None:
        number = 0 if reading["head"] == "none" else classes or DEFAULT_CLASSES
        network = random_integers(model, input_size or DEFAULT_SIZE, number, seed, quantizer)
    elif integers is not None:
        network = load_network(integers)
    else:
        assert weights is not None
        from repvgg_hw.checkpoint import load_fused

        if calibration is None:
            raise InputError("--weights needs --calibration: images that set the scales of int8")
        fused = load_fused(weights, **reading, expect=wanted)
        for line in said(fused.provenance):
            note(line)
        pixels = calibration_pixels(calibration, calibration_limit, input_size, preprocessing, fused)
        network = quantizer.quantize(fused, pixels)
        for line in say_map(fused, network, pixels):
            note(line)
        if network.name == "custom":  # no published variant: named after its file
            network = replace(network, name=display_name(Path(weights).stem))
    options: dict[str, Any] = {"random": model is not None, "seed": seed if model else None}
    if preprocessing is not None:
        options["preprocess"] = preprocessing.to_json()
    if calibration is not None:  # a name only: the same images under another give the same network.npz
        options["calibration"] = calibration.resolve().name
    design = generate(network, output, request, options, force=force)
    designs.remember(output)
    _print(design, as_json)
    if model is not None:
        note("RANDOM WEIGHTS: for structure and proof only; this design classifies nothing.")


def _print(design: Design[NetworkPlan], as_json: bool) -> None:

    from repvgg_hw.plan.rate import fits, rate
    from repvgg_hw.report.provenance import provenance

    plan = design.plan
    if as_json:
        record = {
            "directory": str(design.directory),
            "provenance": provenance(design),
            "plan": plan.to_json(),
        }
        say(json.dumps(record, indent=2))
        return
    show_table(
        f"{plan.name}: {design.target} in {design.directory}",
        ("<layer", "<algorithm", "PI", "PO", "multipliers", "cycles"),
        (
            (n.name, n.algorithm, str(n.pi), str(n.po), f"{n.multipliers:,}", f"{n.cycles:,}")
            for n in plan.layers
        ),
    )
    say(
        f"frame interval {plan.frame_interval:,} cycles, {rate(plan, design.request)}; "
        f"{plan.multipliers:,} multipliers at {plan.utilization:.3f} MACs per cycle each, "
        f"and {plan.requant_multipliers} in requantization"
    )
    if (fitting := fits(plan, design.request)) is not None:
        say(fitting)
    say(f"output: {plan.output.summary}; a value is its integer times {design.network.output_scale:.6g}")
    say(f"next: repvgg-hw simulate {design.directory}")
