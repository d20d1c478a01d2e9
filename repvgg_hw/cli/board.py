"""`repvgg-hw board`: a generated design as a board takes it, with its driver."""

from __future__ import annotations

import json
from pathlib import Path

import click

from repvgg_hw.cli.command import Command
from repvgg_hw.cli.progress import on_demand
from repvgg_hw.cli.rules import needs
from repvgg_hw.cli.talk import say
from repvgg_hw.cli.values import PLACE, OutputFile, Whole

RULES = (needs("--seed", "--bitstream"),)


@click.command(cls=Command, rules=RULES)
@click.argument("directory", required=False, type=PLACE)
@click.option(
    "--board",
    "board_name",
    required=True,
    help="A board: pynq-z2, kv260, zcu104, ulx3s-85f, orangecrab-85f; litex.",
)
@click.option("-o", "--output", type=PLACE, help="Folder [default: DIRECTORY-BOARD].")
@click.option("--top", type=Whole(1, 255),
              help="Send so many of the likeliest classes [default: 1].")  # fmt: skip
@click.option("--no-logits", is_flag=True, help="Send the classes alone.")
@click.option("--image", multiple=True, type=PLACE,
              help="An engine's other network, made by `program`; repeatable.")  # fmt: skip
@click.option(
    "--bitstream", type=OutputFile(".bit"), help="Make the bitstream, too (ECP5 boards: open tools)."
)
@click.option("--seed", type=Whole(1, 2**31 - 1), default=1, show_default=True, help="Of placing.")
@click.option("--force", is_flag=True, help="Write over a board's folder that is there.")
@click.option("--json", "as_json", is_flag=True, help="Print what was written as JSON.")
def command(
    directory: Path | None,
    board_name: str,
    output: Path | None,
    top: int | None,
    no_logits: bool,
    image: tuple[Path, ...],
    bitstream: Path | None,
    seed: int,
    force: bool,
    as_json: bool,
) -> None:
    """Write what a board needs of a generated design: wrapper, registers, project scripts, driver.

    DIRECTORY is a folder written by `generate --target verilog` [default: the last one]. No vendor's tool is
    run: the folder's README says which command makes the bitstream; that of a ULX3S, which takes streaming
    designs alone, is made here.

    \b
    Examples:
      repvgg-hw board build/net --board pynq-z2 -o build/pynq
      repvgg-hw board build/engine --board kv260 --image build/net-image -o build/kv260
      repvgg-hw board build/net --board ulx3s-85f -o build/ulx3s --bitstream net.bit

    Exit codes: 0 written, 1 a tool failed or the clock does not hold, 2 the input or usage is wrong.
    """
    from repvgg_hw import design as designs
    from repvgg_hw.api.boarded import board_design

    place = directory if directory is not None else designs.last_directory()
    with on_demand(f"bitstream of {place}") as update:
        done = board_design(
            place,
            board_name,
            output,
            top=top,
            logits=not no_logits,
            images=image,
            bitstream=bitstream,
            seed=seed,
            force=force,
            progress=update,
        )
    if as_json:
        say(json.dumps(done.to_json(), indent=2))
        return
    say(f"{done.directory}: {done.module}, design {done.identity:08x}, for {done.title}")
    say(done.summary)
    for result in done.results:
        say(result)
    say(f"next: read {done.directory / 'README.md'}")
