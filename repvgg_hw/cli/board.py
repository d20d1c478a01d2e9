"""`repvgg-hw board`: a generated design as a board takes it, with its driver."""

from __future__ import annotations

import json
from pathlib import Path

import click

from repvgg_hw.cli.command import Command
from repvgg_hw.cli.progress import bar
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
    from repvgg_hw.board import bitstream as bitstreams
    from repvgg_hw.board import boards, emit
    from repvgg_hw.board.wrap import wrap
    from repvgg_hw.design import folder
    from repvgg_hw.errors import InputError
    from repvgg_hw.files import write_atomically

    board = boards.get(board_name)
    if bitstream is not None and not isinstance(board, boards.Serial):
        raise InputError(f"--bitstream: no open tool makes {board.name}'s: see its folder's README.md")
    place = directory if directory is not None else designs.last_directory()
    made = output if output is not None else place.with_name(f"{place.name}-{board.name}")
    emit.check_output_folder(made, force)
    with folder.locked(place):
        folder.recover(place)
        networks = [designs.load(other, images=True) for other in image]
        wrapped = wrap(designs.load(place), board, top, logits=not no_logits, images=networks)
        content = emit.files(wrapped)
    emit.write(content, made, force)
    made_of: dict[str, object] = {}
    results = []
    if isinstance(board, boards.Serial):
        facts = wrapped.facts()
        made_of["frames_per_second"] = board.frames_per_second(facts["frame_bytes"], facts["result_bytes"])
        rate = f"{made_of['frames_per_second']:.1f} frames/s"
        results.append(f"at most {rate} over a line of {board.baud:,} baud, results included")
    if bitstream is not None:
        assert isinstance(board, boards.Serial)
        with bar(f"bitstream of {wrapped.name}") as update:
            done = bitstreams.make(made, wrapped.module, board, seed, lambda what: update(None, what))
        write_atomically(bitstream, done.data)
        made_of |= {"mhz": done.mhz, **done.counts}
        counts = ", ".join(f"{count:,} {what}" for what, count in done.counts.items())
        results.append(f"{bitstream}: {done.mhz:.1f} MHz hold, it runs at {board.mhz}; {counts}")
    if as_json:
        told = {
            "folder": str(made),
            "board": board.name,
            "module": wrapped.module,
            **wrapped.facts(),
            **made_of,
        }
        say(json.dumps(told, indent=2))
        return
    say(f"{made}: {wrapped.module}, design {wrapped.identity:08x}, for {board.title}")
    say(wrapped.summary())
    for result in results:
        say(result)
    say(f"next: read {made / 'README.md'}")
