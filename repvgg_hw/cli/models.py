"""`repvgg-hw models`: the published variants, their shapes and their cost."""

from __future__ import annotations

import json
from typing import Any

import click

from repvgg_hw.cli.command import Command
from repvgg_hw.cli.tables import show_table
from repvgg_hw.cli.talk import say
from repvgg_hw.cli.values import CLASSES, INPUT_SIZE


@click.command(cls=Command)
@click.option("--input-size", type=INPUT_SIZE, default=224, show_default=True, help="In pixels.")
@click.option("--classes", type=CLASSES, default=1000, show_default=True, help="Outputs.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of the table.")
def command(input_size: tuple[int, int], classes: int, as_json: bool) -> None:
    """List the variants: blocks, widths, groups, parameters and multiply-accumulates.

    \b
    Example:
      repvgg-hw models --input-size 64 --classes 200

    Parameters and MACs are those of the fused network, squeeze-and-excitation (D2se) included.
    """
    from repvgg_hw.model.variants import VARIANTS, get_variant, se_cost

    rows: list[dict[str, Any]] = []
    for name in VARIANTS:
        variant = get_variant(name, num_classes=classes)
        se = se_cost(variant, *input_size)
        rows.append(
            {
                "name": name,
                "depths": variant.depths,
                "widths": variant.widths,
                "groups": max(variant.groups.values(), default=1),
                "grouped_layers": sorted(variant.groups),
                "squeeze_excite": variant.se is not None,
                "parameters": variant.parameters() + se.parameters,
                "macs": variant.macs(*input_size) + se.macs,
            }
        )
    if as_json:
        say(json.dumps({"input_size": input_size, "classes": classes, "models": rows}, indent=2))
        return
    cells = [
        (
            row["name"],
            " ".join(map(str, row["depths"])),
            " ".join(map(str, row["widths"])),
            f"{row['groups']}" + (" + SE" if row["squeeze_excite"] else ""),
            f"{row['parameters']:,}",
            f"{row['macs'] / 1e9:.3f} G",
        )
        for row in rows
    ]
    title = f"RepVGG at {input_size[0]} x {input_size[1]}, {classes} classes, fused"
    show_table(title, ("<model", "<blocks", "<widths", "groups", "parameters", "MACs"), cells)
