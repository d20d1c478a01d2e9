"""What holds for every command: help with an example, one line for every error, the exit codes 0, 1 and 2."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from repvgg_hw import __version__
from repvgg_hw.cli import COMMANDS, main
from repvgg_hw.cli.exits import exit_code
from repvgg_hw.errors import CheckFailed, InputError, RepVGGHWError

ROOT = Path(__file__).resolve().parents[2]
PRESENT = main.list_commands(click.Context(main))


def run(*arguments: object) -> Result:
    """repvgg-hw with these arguments, in this process."""
    return CliRunner().invoke(main, [str(a) for a in arguments], prog_name="repvgg-hw")


def assert_one_clear_line(result: Result, code: int = 2) -> None:
    """An error is one line on stderr that says something, and never a traceback."""
    assert result.exit_code == code, result.output + repr(result.exception)
    assert isinstance(result.exception, SystemExit), repr(result.exception)
    errors = [line for line in result.stderr.splitlines() if line.lower().startswith("error:")]
    assert len(errors) == 1, result.output
    assert len(errors[0]) > len("error: ") + 10
    assert "Traceback" not in result.output


@pytest.mark.parametrize("command", ["models", "fuse", "generate", "simulate", "evaluate", "report"])
def test_the_documented_commands_exist(command: str) -> None:
    assert command in PRESENT


def test_help_lists_every_command_with_a_line_about_it() -> None:
    result = run("--help")
    assert result.exit_code == 0
    for command in PRESENT:
        (line,) = [line for line in result.output.splitlines() if line.split()[:1] == [command]]
        assert len(line.split()) > 3, f"{command} has no summary"


@pytest.mark.parametrize("command", PRESENT)
def test_help_of_every_command_shows_an_example(command: str) -> None:
    result = run(command, "--help")
    assert result.exit_code == 0, result.output
    assert f"repvgg-hw {command}" in result.output.split("Options:")[0].split("\n", 2)[2], result.output
    for line in result.output.splitlines():
        assert len(line) <= 110


@pytest.mark.parametrize("command", PRESENT)
def test_every_option_says_what_it_does(command: str) -> None:
    found = main.get_command(click.Context(main), command)
    assert found is not None
    for parameter in found.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, f"{command} {parameter.opts}"


def test_version() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "repvgg_hw", "--version"], capture_output=True, text=True, check=True
    )
    assert __version__ in done.stdout


def test_an_unknown_command_and_an_unknown_option_are_wrong_usage() -> None:
    for arguments in (["synthesize-everything"], ["models", "--no-such-option"]):
        result = run(*arguments)
        assert result.exit_code == 2
        assert "Traceback" not in result.output


@pytest.mark.parametrize("error", [InputError("a file is missing: give it"), CheckFailed("stage0 differs")])
def test_expected_errors_become_one_line_and_their_exit_code(
    error: RepVGGHWError, monkeypatch: pytest.MonkeyPatch
) -> None:
    @click.command()
    def failing() -> None:
        raise error

    monkeypatch.setattr(type(main), "get_command", lambda *_: failing)
    assert_one_clear_line(run("models"), code=error.exit_code)


def test_a_bug_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    @click.command()
    def failing() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(type(main), "get_command", lambda *_: failing)
    result = run("models")
    assert result.exit_code == 1
    assert "internal error" in result.stderr
    assert "ZeroDivisionError" in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("fuse", "{missing}.pth", "-o", "{folder}/out.safetensors"),
        ("fuse", "{junk}", "-o", "{folder}/out.safetensors"),
        ("evaluate", "{missing}.pth", "--data", "{folder}", "--calibration", "{folder}"),
        ("generate", "--target", "verilog", "-o", "{folder}/out"),
        ("generate", "--model", "Z9", "--target", "verilog", "--multipliers", "999", "-o", "{folder}/out"),
        ("generate", "--weights", "{missing}.pth", "--target", "verilog", "-o", "{folder}/out"),
        ("generate", "--model", "A0", "--target", "vhdl", "-o", "{folder}/out"),
        ("simulate", "{folder}"),
        ("simulate", "{missing}"),
        ("report", "{folder}"),
        ("report", "{missing}"),
    ],
    ids=" ".join,
)
def test_bad_input_is_exit_code_2_and_leaves_nothing(arguments: tuple[str, ...], tmp_path: Path) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    junk = tmp_path / "junk.pth"
    junk.write_bytes(b"this is no checkpoint")
    names = {"folder": folder, "missing": tmp_path / "missing", "junk": junk}
    assert_one_clear_line(run(*(a.format(**names) for a in arguments)))
    assert list(folder.iterdir()) == []


def test_commands_are_listed_in_the_order_of_use() -> None:
    assert list(PRESENT) == [name for name in COMMANDS if name in PRESENT]


def test_assume_names_every_choice_in_its_help() -> None:
    from repvgg_hw.checkpoint.decisions import choices_help
    from repvgg_hw.cli.reading import ASSUME_HELP

    assert choices_help() in ASSUME_HELP


def options_of(command: str) -> list[click.Option]:
    """What a command takes beside arguments."""
    declared = main.get_command(click.Context(main), command)
    assert declared is not None
    return [option for option in declared.params if isinstance(option, click.Option)]


def test_one_name_for_one_thing() -> None:
    """--json is a flag everywhere; an option of one name has one type and one destination everywhere."""
    types: dict[str, set[tuple[str, str | None, bool]]] = {}
    for command in PRESENT:
        for option in options_of(command):
            kind = (type(option.type).__name__, option.name, option.is_flag)
            types.setdefault(max(option.opts, key=len), set()).add(kind)
    assert all(option.is_flag for c in PRESENT for option in options_of(c) if "--json" in option.opts)
    assert "--size" not in types
    for script in (ROOT / "benchmarks").glob("*.py"):  # they speak the same language
        assert not re.search(r'add_argument\(\s*"--(size|json)"', script.read_text()), script.name
    differing = {name: found for name, found in types.items() if len(found) > 1}
    # generate writes a folder and fuse a file; latency takes several models, evaluate several methods, sweep
    # lists of what generate takes one of; generate plans for an FPGA, evaluate and latency run on a processor
    several = {"--multipliers", "--fps", "--winograd", "--architecture"}
    assert set(differing) == {"--output", "--model", "--method", "--device", *several}, differing


def test_options_of_generate_are_in_groups_with_their_choices() -> None:
    text = run("generate", "--help").output
    headings = [line for line in text.splitlines() if line and not line.startswith(" ")]
    assert headings[1:] == ["Network:", "Images:", "Quantization:", "Hardware:", "Output:", "Other:"]
    others = text.partition("Other:\n")[2].splitlines()
    assert [line.split()[1] for line in others] == ["--help"], "say in GROUPS where the option stands"
    for words in (
        "naive, minmax,",
        "adaround",
        "verilog|hls",
        "none|resize|timm",
        "bilinear|bicubic",
        "off|auto|2|3",
    ):
        assert words in " ".join(text.split()), words


@pytest.mark.parametrize("words", ["models", "inspect net.pth", "report"])
def test_a_working_directory_that_was_removed(words: str, tmp_path: Path) -> None:
    """One line, before torch dies of it with one of its own."""
    line = f"mkdir gone && cd gone && rmdir ../gone && exec {sys.executable} -m repvgg_hw {words}"
    done = subprocess.run(["/bin/sh", "-c", line], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr == "error: the working directory is not there any more: change to another one\n"


def test_a_package_that_cannot_be_loaded_is_no_bug(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def command() -> None:
        raise ImportError("libtorch_cpu.so: failed to map segment")

    assert exit_code(command) == 2
    assert "a package cannot be loaded, `repvgg-hw doctor` says" in capsys.readouterr().err


@pytest.mark.parametrize(("words", "code"), [(["models"], 0), (["models", "--nothing"], 2)])
def test_a_library_that_aborts_at_the_very_end_changes_nothing(words: list[str], code: int) -> None:
    """Threads of torch's process groups do, now and then. What a command registers for the end is done."""
    script = f"""
import atexit, builtins, os, sys
from repvgg_hw import cli
from repvgg_hw.__main__ import main

class Library:
    def __del__(self):
        os.abort()

def command():
    atexit.register(print, "at the end", file=sys.stderr)
    command_line()

builtins.library = Library()
sys.argv[1:] = {words}
command_line, cli.main = cli.main, command
main()
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert done.returncode == code, done.stderr
    assert done.stderr.splitlines()[-1] == "at the end"
