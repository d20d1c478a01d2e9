"""`repvgg-hw board`: a generated design as a board takes it, with its driver."""

from __future__ import annotations

import json
from pathlib import Path

import click

from repvgg_hw.cli.command import Command
from repvgg_hw.cli.talk import say
from repvgg_hw.cli.values import PLACE, Whole


@click.command(cls=Command)
@click.argument("directory", required=False, type=PLACE)
@click.option("--board", "board_name", required=True, help="A board: pynq-z2, kv260 or zcu104.")
@click.option("-o", "--output", type=PLACE, help="Folder [default: DIRECTORY-BOARD].")
@click.option("--top", type=Whole(1, 255), default=1, show_default=True,
              help="Send so many of the likeliest classes.")  # fmt: skip
@click.option("--no-logits", is_flag=True, help="Send the classes alone.")
@click.option("--force", is_flag=True, help="Write over a board's folder that is there.")
@click.option("--json", "as_json", is_flag=True, help="Print what was written as JSON.")
def command(
    directory: Path | None,
    board_name: str,
    output: Path | None,
    top: int,
    no_logits: bool,
    force: bool,
    as_json: bool,
) -> None:
    """Write what a board needs of a generated design: wrapper, registers, project scripts, driver.

    DIRECTORY is a folder written by `generate --target verilog` [default: the last one]; its architecture is
    stream. No vendor's tool is run: the folder's README says which command makes the bitstream.

    \b
    Example:
      repvgg-hw board build/net --board pynq-z2 -o build/pynq

    Exit codes: 0 written, 2 the input or usage is wrong.
    """
    from repvgg_hw import design as designs
    from repvgg_hw.board import boards, emit, wrapper
    from repvgg_hw.design import folder

    board = boards.get(board_name)
    place = directory if directory is not None else designs.last_directory()
    made = output if output is not None else place.with_name(f"{place.name}-{board.name}")
    emit.check_output_folder(made, force)
    with folder.locked(place):
        folder.recover(place)
        wrapped = wrapper.wrap(designs.load(place), top, not no_logits)
        content = emit.files(wrapped, board)
    emit.write(content, made, force)
    if as_json:
        facts = {"folder": str(made), "board": board.name, "module": wrapped.module, **wrapped.facts()}
        say(json.dumps(facts, indent=2))
        return
    say(f"{made}: {wrapped.module}, design {wrapped.identity:08x}, for {board.title}")
    say(f"{wrapped.frame_bytes:,} bytes of pixels and {4 * wrapped.result_words:,} of results a frame")
    say(f"next: read {made / 'README.md'}")
