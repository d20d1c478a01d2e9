"""`repvgg-hw inspect`: what a checkpoint holds, layer by layer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from repvgg_hw import GENERATOR
from repvgg_hw.cli.command import Command
from repvgg_hw.cli.expectations import EXPECT_RULES, RECORDS, expect_options, expectation, said
from repvgg_hw.cli.reading import reading_options, say_assumptions, say_head
from repvgg_hw.cli.rules import given
from repvgg_hw.cli.tables import show_table
from repvgg_hw.cli.talk import say
from repvgg_hw.cli.values import INPUT_SIZE, SOURCE

if TYPE_CHECKING:
    from repvgg_hw.checkpoint import Imported

NOT_IN_FILE = (
    "not in the file: mean, deviation and size of the images, order of the classes; "
    "`evaluate` shows by its float top-1 whether they are right"
)


@click.command(cls=Command, rules=EXPECT_RULES)
@click.argument("checkpoint", type=SOURCE)
@click.option("--input-size", type=INPUT_SIZE, default=224, show_default=True, help="For the MACs.")
@reading_options
@expect_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of the table.")
def command(
    checkpoint: str,
    input_size: tuple[int, int],
    reading: dict[str, Any],
    expect: Path | None,
    tolerance: float | None,
    as_json: bool,
) -> None:
    """Show what CHECKPOINT holds: families, architecture, cost, unused keys, outliers per layer.

    \b
    Examples:
      repvgg-hw inspect repvgg_a0.pth --input-size 64
      repvgg-hw inspect hf://timm/repvgg_a0.rvgg_in1k --json

    A difference between trained and fused network is shown here, not judged; `fuse` judges it.
    Exit codes: 0 read, 1 the network read does not give what --expect holds, 2 the input is wrong.
    """
    from repvgg_hw.checkpoint import import_network

    wanted = expectation(expect, tolerance)
    imported = import_network(checkpoint, **reading, check=False, expect=wanted)
    result = _summary(imported, checkpoint, input_size)
    if as_json:
        say(json.dumps(result, indent=2))
    else:
        _print(result, sized=given("--input-size", click.get_current_context()))


def _summary(imported: Imported, checkpoint: str, size: tuple[int, int]) -> dict[str, Any]:
    """Everything that is shown, as JSON holds it."""
    from repvgg_hw.checkpoint import findings
    from repvgg_hw.checkpoint.findings import dead_channels, scale_ratio
    from repvgg_hw.model.variants import se_cost
    from repvgg_hw.network import out_size

    architecture, proof = imported.architecture, imported.proof
    cost = se_cost(architecture, *size)
    layers, (height, width) = [], size
    rows = zip(imported.prefixes, imported.convs, imported.blocks, proof.layers, strict=True)
    for prefix, conv, block, compared in rows:
        height, width = out_size(height, conv.stride), out_size(width, conv.stride)
        channel = abs(conv.weight).reshape(len(conv.weight), -1).max(axis=1)
        layers.append(
            {
                "name": conv.name,
                "prefix": prefix,
                "family": block.family,
                "channels": [conv.shape.c_in, conv.shape.c_out],
                "stride": conv.stride,
                "groups": conv.groups,
                "map": [height, width],
                "parameters": conv.shape.parameters,
                "macs": conv.shape.macs(height, width),
                "largest_weight": float(channel.max()),
                "weight_channels_largest_over_median": _ratio(channel),
                "gamma_over_sigma_largest_over_median": max(map(scale_ratio, block.norms), default=None),
                "dead_channels": dead_channels(conv, block),
                "difference_inside": compared.inside,
                "difference_border": compared.border,
            }
        )
    return {
        "checkpoint": Path(checkpoint).name if "://" not in checkpoint else checkpoint,
        "sha256": imported.provenance["sha256"],
        "generator": GENERATOR,
        "architecture": architecture.name,
        "naming": imported.naming,
        "families": sorted({block.family for block in imported.blocks}),
        "widths": architecture.widths,
        "depths": architecture.depths,
        "strides": architecture.strides,
        "squeeze_excite": architecture.se,
        "in_channels": architecture.in_channels,
        "classes": architecture.num_classes,
        "input_size": size,
        "eps": imported.eps,
        "parameters": architecture.parameters() + cost.parameters,
        "macs": architecture.macs(*size) + cost.macs,
        "fused_minus_trained_relative": proof.relative,
        **{key: imported.provenance.get(key) for key in RECORDS},
        "assumptions": imported.provenance["assumptions"],
        "unused_keys": list(imported.unused),
        "findings": [finding.line() for finding in findings(imported.convs, imported.blocks)],
        "layers": layers,
    }


def _ratio(values: Any) -> float | None:
    import numpy as np

    median = float(np.median(values))
    return float(values.max()) / median if median > 0 else None


def _print(result: dict[str, Any], *, sized: bool) -> None:
    """sized: whether somebody said at which input size the network runs."""
    from repvgg_hw.checkpoint.findings import OUTLIER

    height, width = result["input_size"]
    size = f"{height} x {width}" + ("" if sized else " (--input-size: at another)")
    say(
        f"{result['architecture']} from {result['checkpoint']}: {result['naming']} naming, "
        f"{', '.join(result['families'])}; {result['in_channels']} channels -> {say_head(result['classes'])}",
    )
    say(
        f"stages: widths {_spaced(result['widths'])}, depths {_spaced(result['depths'])}, "
        f"strides {_spaced(result['strides'])}"
        + (f", squeeze-and-excitation ({result['squeeze_excite']})" if result["squeeze_excite"] else "")
    )
    say(
        f"fused: {result['parameters']:,} parameters, {result['macs'] / 1e9:.3f} GMAC at {size}; "
        f"differs from trained by {result['fused_minus_trained_relative']:.1e} relative, in float64"
    )
    for line in said(result):
        say(line)
    rows = [
        (
            layer["name"],
            layer["family"],
            " -> ".join(map(str, layer["channels"])),
            str(layer["stride"]),
            str(layer["groups"]),
            f"{layer['macs'] / 1e6:.1f}",
            _number(layer["weight_channels_largest_over_median"]),
            _number(layer["gamma_over_sigma_largest_over_median"]),
            str(layer["dead_channels"]),
        )
        for layer in result["layers"]
    ]
    numbers = ("channels", "stride", "groups", "MMAC", "w channels", "gamma/sigma", "dead")
    show_table("", ("<layer", "<family", *numbers), rows)
    say(
        "w channels, gamma/sigma: a layer's largest channel over its median one; a gamma/sigma above "
        f"{OUTLIER:g} is hard on int8. dead: channels that no input changes"
    )
    for line in say_assumptions(result):
        say(line)
    say(NOT_IN_FILE)
    for line in result["findings"]:
        say(f"warning: {line}")
    if result["unused_keys"]:
        keys = result["unused_keys"]
        say(f"{len(keys)} keys play no part: {', '.join(keys[:6])}")


def _spaced(values: Any) -> str:
    return " ".join(map(str, values))


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"
