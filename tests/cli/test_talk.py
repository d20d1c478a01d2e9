"""What is said beside results: progress, notes and warnings, --quiet, --verbose."""

from __future__ import annotations

import logging
import time

import click
import pytest
from click.testing import CliRunner, Result

from repvgg_hw.cli import COMMANDS, main, progress
from repvgg_hw.cli.command import Command
from repvgg_hw.cli.progress import Lines, bar, on_demand
from repvgg_hw.cli.talk import detail, note, talk_options

log = logging.getLogger("repvgg_hw.somewhere")


@click.group()
def tool() -> None:
    """A group with one command."""


tool.params += talk_options()


@tool.command(cls=Command)
def work() -> None:
    """Say something of every kind."""
    note("a note")
    detail("a detail")
    log.warning("a warning")
    with bar("step") as update:
        update(0.5, "half")
        update(None, "somewhere")
    click.echo("the result")


def say(*arguments: str) -> Result:
    """The command with these arguments; its warnings go where Python's last resort puts them."""
    return CliRunner().invoke(tool, arguments)


def test_notes_and_progress_go_to_stderr(caplog: pytest.LogCaptureFixture) -> None:
    result = say("work")
    assert result.stdout == "the result\n"
    lines = result.stderr.splitlines()
    assert lines[:2] == ["a note", "step ..."]
    assert lines[2].startswith("step: done in ")
    assert caplog.messages == ["a warning"]


@pytest.mark.parametrize("arguments", [("-q", "work"), ("work", "--quiet"), ("--quiet", "work", "-q")])
def test_quiet(arguments: tuple[str, ...], caplog: pytest.LogCaptureFixture) -> None:
    result = say(*arguments)
    assert (result.stdout, result.stderr, caplog.messages) == ("the result\n", "", [])
    say("work")
    assert caplog.messages == ["a warning"]  # quiet ends with its command


@pytest.mark.parametrize("arguments", [("-v", "work"), ("work", "--verbose")])
def test_verbose(arguments: tuple[str, ...]) -> None:
    said = say(*arguments).stderr
    assert "a detail\n" in said
    assert "step: 50% half (0 s)\n" in said
    assert "step: somewhere (0 s)\n" in said


def test_quiet_and_verbose_exclude_each_other() -> None:
    for arguments in (("-q", "work", "-v"), ("work", "-q", "-v"), ("-q", "-v", "work")):
        result = say(*arguments)
        assert result.exit_code == 2
        assert "exclude each other" in result.stderr


def test_a_refused_command_leaves_nothing_quiet() -> None:
    assert CliRunner().invoke(main, ["-q", "devices", "-v"]).exit_code == 2
    assert logging.getLogger("repvgg_hw").isEnabledFor(logging.WARNING)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_takes_them(command: str) -> None:
    text = CliRunner().invoke(main, [command, "--help"]).output
    assert "-q, --quiet" in text
    assert "-v, --verbose" in text


def run(moments: list[tuple[float, float | None, str]], *, verbose: bool = False) -> list[str]:
    """Lines for reports at these seconds: (second, share, what)."""
    said: list[str] = []
    now = [0.0]
    lines = Lines("x", said.append, verbose=verbose, clock=lambda: now[0])
    for second, share, what in moments:
        now[0] = second
        lines(share, what)
    lines.done()
    return said


def test_a_long_step_gives_ten_lines_not_ten_thousand() -> None:
    said = run([(n / 10, n / 10_000, f"layer {n}") for n in range(10_001)])
    assert said[0] == "x ..."
    assert 10 <= len(said) - 2 <= 20
    assert said[-1] == "x: done in 1000.0 s"
    assert sum(f"{tenth}0%" in line for line in said for tenth in range(1, 10)) >= 9


def test_a_step_begins_with_what_it_is_told_of_first() -> None:
    """It may be silent for minutes then: the compiler says nothing while it works."""

    @click.command(cls=Command)
    def slow() -> None:
        with on_demand("simulate") as update:
            update(0.0, "building the simulator")

    assert CliRunner().invoke(slow).stderr.splitlines()[0] == "simulate: building the simulator ..."


def test_a_short_step_gives_two() -> None:
    assert len(run([(n / 100, n / 100, "a") for n in range(101)])) == 2


def test_lines_are_seconds_apart() -> None:
    said = run([(n / 10, n / 200, "a") for n in range(201)])  # 20 seconds
    assert 2 + 3 <= len(said) <= 2 + 4


def test_a_slow_step_shows_that_it_lives() -> None:
    said = run([(float(n), 0.01, "a") for n in range(0, 601, 1)])
    assert len(said) == 2 + 10


def test_a_step_that_reports_nothing_shows_that_it_lives(monkeypatch: pytest.MonkeyPatch) -> None:
    """A compiler says nothing for minutes; the thread of `bar` says it in its place."""
    monkeypatch.setattr(progress, "SECONDS", 0.01)
    monkeypatch.setattr(progress, "HEARTBEAT", 0.05)

    @click.command(cls=Command)
    def slow() -> None:
        with bar("simulate", "building") as update:
            update(0.0, "building the simulator")
            time.sleep(0.5)

    said = CliRunner().invoke(slow).stderr.splitlines()
    assert said[0] == "simulate: building ..."
    assert said[1:-1].count("simulate: 0% building the simulator (0 s)") >= 2


def test_without_a_share_what_is_going_on_is_said() -> None:
    assert "x: b (6 s)" in run([(0, None, "a"), (6, None, "b"), (7, None, "c")])
