"""`repvgg-hw devices`: boards and parts, what they have, and where each figure stands."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import click

from repvgg_hw.cli.command import Command
from repvgg_hw.cli.tables import show_table
from repvgg_hw.cli.talk import say
from repvgg_hw.plan import device as devices
from repvgg_hw.plan.device import Device


@click.command(cls=Command)
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of the table.")
def command(name: str | None, as_json: bool) -> None:
    """List boards and parts: multipliers, memories, logic and bandwidth.

    With NAME: everything that is known of one, with the source of each figure.

    \b
    Examples:
      repvgg-hw devices
      repvgg-hw devices kv260

    Exit codes: 0 listed, 2 there is no such device.
    """
    shown = [devices.get(each) for each in (devices.names() if name is None else [name])]
    if as_json:
        say(json.dumps({"devices": [to_json(device) for device in shown]}, indent=2))
    elif name is None:
        _table(shown)
    else:
        _one(shown[0])


def to_json(device: Device) -> dict[str, Any]:
    """Every figure and its source; bram counts blocks of 18 kbit."""
    part, board = device.part, device.board
    counts = {key: getattr(part, key) for key in ("dsp", "bram", "uram", "lut", "ff", "lutram")}
    return {
        "name": device.name,
        "title": device.title,
        "part": part.name,
        "family": dataclasses.asdict(device.family),
        **counts,
        "package": device.package,
        "speed": device.speed,
        "nextpnr": part.nextpnr,
        "dram": None if board is None else {"kind": board.dram.kind, "gbytes_per_second": board.dram.gbytes},
        "clock_mhz": None if device.clock is None else device.clock.mhz,
        "sources": dict(sources(device)),
    }


def sources(device: Device) -> list[tuple[str, str]]:
    """What -> where its figure stands."""
    part, clock = device.part, device.clock
    said = [
        ("dsp, bram, uram, lut, ff", str(part.source)),
        ("lutram", str(part.lutram_source or part.source)),
    ]
    if device.board is not None:
        said.append(("dram", str(device.board.dram.source)))
    said.append(("clock", "none: nothing was routed on it" if clock is None else clock.source))
    return said


def _table(shown: list[Device]) -> None:
    rows = []
    for device in shown:
        part = device.part
        counts = (f"{number:,}" for number in (part.dsp, part.bram, part.uram))
        thousands = (f"{number / 1e3:,.1f}" for number in (part.lut, part.ff))
        memory = "" if device.dram_gbytes is None else f"{device.dram_gbytes:.1f}"
        clock = "" if device.clock is None else f"{device.clock.mhz:g}"
        rows.append((device.name, part.name, *counts, *thousands, memory, clock))
    headings = ("<name", "<part", "DSP", "BRAM", "URAM", "kLUT", "kFF", "GB/s", "MHz")
    show_table("boards, then parts", headings, rows)
    say("BRAM: blocks of 18 kbit (a RAMB36 is two). GB/s: of the DRAM, at most.")
    say("MHz: of a routed stream without tiles. Sources: repvgg-hw devices NAME")


def _one(device: Device) -> None:
    part, family = device.part, device.family
    ports = "x".join(map(str, family.dsp_ports))
    lines = {
        "part": f"{part.name}, package {device.package}, speed {device.speed}; {family.title}",
        "DSP": f"{part.dsp:,} {family.dsp}, {ports}",
        "BRAM": f"{part.bram:,} of {family.bram_bits // 1024} kbit ({family.bram})",
        "URAM": f"{part.uram:,} of 288 kbit, without initial contents" if part.uram else "none",
        "LUT": f"{part.lut:,} of {family.lut_inputs} inputs, of which {part.lutram:,} can be memory",
        "FF": f"{part.ff:,}",
    }
    if device.board is not None:
        lines["DRAM"] = f"{device.board.dram.kind}, {device.board.dram.gbytes:g} GB/s at most"
    lines["clock"] = "none supported yet" if device.clock is None else f"{device.clock.mhz:g} MHz"
    say(f"{device.name}: {device.title}")
    for what, text in lines.items():
        say(f"  {what:<6}{text}")
    say("sources:")
    for what, text in sources(device):
        say(f"  {what}: {text}")
