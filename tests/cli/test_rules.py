"""Options that another makes void are refused in one line that names both, and only where they were typed."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from repvgg_hw.cli.command import Command
from repvgg_hw.cli.rules import excludes, needs, void
from repvgg_hw.cli.values import PLACE, OutputFile

RULES = (
    needs("--depth", "--wave", "--mode fast", why="it is of waves"),
    void(["--fine", "--no-fine"][0], "--mode slow"),
    excludes("--a", "--b", "--c"),
    void("--d", "--wave", unless=("--a",)),
)


@click.command(cls=Command, rules=RULES)
@click.option("--depth", type=int, default=3)
@click.option("--wave", is_flag=True)
@click.option("--mode", type=click.Choice(["slow", "fast"]), default="slow")
@click.option("--fine/--no-fine", default=True)
@click.option("--a")
@click.option("--b")
@click.option("--c")
@click.option("--d")
@click.option("--read", type=PLACE)
@click.option("--out", type=OutputFile(".svg"))
@click.option("--more", type=OutputFile(".svg"))
def command(**_: object) -> None:
    """Nothing."""


def refusal(*arguments: str) -> str:
    """What is said, or nothing where the options go together."""
    result = CliRunner().invoke(command, list(arguments))
    assert result.exit_code in (0, 2), result.output
    return result.stderr if result.exit_code else ""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("", ""),
        (
            "--depth 3",
            "--depth belongs to --wave or --mode fast: it is of waves",
        ),  # typed
        ("--depth 3 --wave", ""),
        ("--depth 3 --mode fast", ""),
        ("--no-fine", "--fine/--no-fine means nothing beside --mode slow (the default)"),
        ("--fine --mode slow", "--fine/--no-fine means nothing beside --mode slow"),
        ("--no-fine --mode fast", ""),
        ("--a 1", ""),
        ("--d 1 --wave", "--d means nothing beside --wave"),
        ("--d 1 --wave --a 1", ""),
        ("--c 1 --a 1", "--a and --c exclude each other"),
        ("--b 1 --c 1", "--b and --c exclude each other"),
    ],
)
def test_rules(arguments: str, said: str) -> None:
    found = refusal(*arguments.split())
    assert said in found
    assert bool(said) == bool(found)


def test_an_environment_variable_counts_as_typed() -> None:
    runner = CliRunner(env={"TOOL_DEPTH": "4"})
    assert runner.invoke(command, [], auto_envvar_prefix="TOOL").exit_code == 2


def test_a_half_typed_line_is_completed_not_judged() -> None:
    context = command.make_context("x", ["--a", "1", "--b", "2"], resilient_parsing=True)
    assert context.params["b"] == "2"


def test_no_output_is_an_input_or_another_output(tmp_path: Path) -> None:
    picture = tmp_path / "a.svg"
    other = tmp_path / "b.svg"
    other.symlink_to(picture)
    assert "--out" in refusal("--read", str(picture), "--out", str(picture))
    picture.write_text("x")
    for second in (picture, other, tmp_path / "." / "a.svg"):
        said = refusal("--read", str(picture), "--out", str(second))
        assert "would overwrite '--read'" in said, second
    assert "would overwrite '--out'" in refusal("--out", str(picture), "--more", str(other))
    assert refusal("--out", str(picture), "--more", str(tmp_path / "c.svg")) == ""
