"""What a usage error says where a common slip explains it."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from repvgg_hw.cli import COMMANDS, main


def error(*arguments: object) -> str:
    """The one line that these arguments end with."""
    done = CliRunner().invoke(main, [str(a) for a in arguments], prog_name="repvgg-hw")
    assert done.exit_code == 2, done.output
    assert done.stderr.count("error: ") == 1
    return done.stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_that_is_misspelt_is_named(command: str) -> None:
    assert f"did you mean {command}?" in error(f"{command}x")


def test_a_word_like_no_command_gets_all_of_them() -> None:
    assert f"no command 'zzzz': there are {', '.join(COMMANDS)}" in error("zzzz")


@pytest.mark.parametrize("command", [("generate",), ("evaluate", "net.pth", "--data", "val")])
def test_blanks_between_numbers(command: tuple[str, ...]) -> None:
    said = error(*command, "--mean", "0.485", "0.456,", "0.406")
    assert "unexpected: 0.456, 0.406: numbers of one option are joined by commas" in said


def test_no_command_s_line_in_the_help_is_cut() -> None:
    said = CliRunner().invoke(main, ["--help"]).output.split("Commands:")[1]
    assert "..." not in said
    assert "Quantize a network, plan its accelerator and write it as Verilog or HLS C++." in " ".join(
        said.split()
    )


def test_a_checkpoint_where_it_stands_behind_an_option() -> None:
    assert "unexpected: net.pth: a checkpoint stands behind an option here, --weights net.pth" in error(
        "generate", "net.pth"
    )
    assert "--weights" not in error("inspect", "net.pth", "other.pth")


def test_a_missing_option_says_what_it_is() -> None:
    assert "Missing option '--device'. A board or part that `repvgg-hw devices` lists (see" in error("synth")
    assert "Missing option '--data'. Labelled test images (see" in error("evaluate", "net.pth")
    either = "--calibration IMAGES to quantize on, or --design DIRECTORY"
    assert either in error("evaluate", "net.pth", "--data", "val")


def test_a_folder_is_not_a_file_that_is_missing(tmp_path: Path) -> None:
    for command in (("inspect", tmp_path), ("generate", "--integers", tmp_path, "-o", tmp_path / "out")):
        assert f"{tmp_path}: a folder, where a file is needed" in error(*command)
    missing = error("simulate", tmp_path / "a")
    assert "no such folder: give a folder written by `repvgg-hw generate`" in missing
    assert "holds no design.json" in error("simulate", tmp_path)
