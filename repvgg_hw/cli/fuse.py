"""`repvgg-hw fuse`: fuse a trained checkpoint into one 3x3 per block, and prove it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from repvgg_hw import GENERATOR
from repvgg_hw.cli.command import Command
from repvgg_hw.cli.expectations import EXPECT_RULES, RECORDS, expect_options, expectation, said
from repvgg_hw.cli.reading import reading_options, say_assumptions, say_head
from repvgg_hw.cli.talk import say
from repvgg_hw.cli.values import SOURCE, OutputFile


@click.command(cls=Command, rules=EXPECT_RULES)
@click.argument("checkpoint", type=SOURCE)
@click.option(
    "-o", "--output", required=True, type=OutputFile(".safetensors"), help="A .safetensors to write."
)
@reading_options
@expect_options
@click.option("--json", "as_json", is_flag=True, help="Print the proof as JSON.")
def command(
    checkpoint: str,
    output: Path,
    reading: dict[str, Any],
    expect: Path | None,
    tolerance: float | None,
    as_json: bool,
) -> None:
    """Fuse CHECKPOINT into 3x3 convolutions in float64, prove it, and write them in float32.

    \b
    Examples:
      repvgg-hw fuse repvgg_a0.pth -o repvgg_a0_fused.safetensors
      repvgg-hw fuse repvgg_a0.pth -o repvgg_a0_fused.safetensors --expect repvgg_a0_outputs.npz

    The proof runs the trained and the fused network on random input in float64 and gives the largest
    difference at inner pixels and at the border apart. --expect compares with what your own framework gives
    for images of yours: it sees what both would have in common, such as a wrong stride. Exit codes: 0 written
    and proven, 1 a comparison failed (nothing is written), 2 the input is wrong.

    What a checkpoint does not say (strides, eps, the activation, sometimes groups or the order) is taken by
    rules, and printed with them. Where two networks are plausible, nothing is written; the line says which
    option decides.
    """
    from repvgg_hw.checkpoint import import_network, save_fused

    wanted = expectation(expect, tolerance)
    imported = import_network(checkpoint, **reading, expect=wanted)
    save_fused(output, imported)
    architecture, proof = imported.architecture, imported.proof
    families = sorted({block.family for block in imported.blocks})
    result = {
        "checkpoint": checkpoint,
        "sha256": imported.provenance["sha256"],
        "generator": GENERATOR,
        "output": str(output),
        "architecture": architecture.name,
        "families": families,
        "layers": len(imported.convs),
        "strides": list(architecture.strides),
        "max_difference_inside": proof.inside,
        "max_difference_border": proof.border,
        "max_difference_output": proof.output,
        "relative": proof.relative,
        "worst_layer": proof.worst.name,
        "assumptions": imported.provenance["assumptions"],
        **{key: imported.provenance.get(key) for key in RECORDS},
    }
    if as_json:
        say(json.dumps(result, indent=2))
        return
    say(
        f"{architecture.name}: {len(imported.convs)} {'/'.join(families)} blocks, "
        f"{say_head(architecture.num_classes)}, stage strides {','.join(map(str, architecture.strides))}"
    )
    say(
        f"fused = trained in float64: max |difference| inside {proof.inside:.1e}, border {proof.border:.1e}, "
        f"output {proof.output:.1e}; relative {proof.relative:.1e} (worst: {proof.worst.name})"
    )
    for line in (*say_assumptions(imported.provenance), *said(imported.provenance)):
        say(line)
    say(f"wrote {output}")
