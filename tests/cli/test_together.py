"""Two commands in one folder at the same time: each sees one design, whole, and waits or says why not."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from repvgg_hw import design as designs
from repvgg_hw.cli import main
from repvgg_hw.design import folder
from tests.abuse import world

WAITING = "waiting: another repvgg-hw command is at work in "


def words(output: str, multipliers: int, *more: str) -> list[str]:
    made = ("generate", "--weights", "net.pth", "--calibration", "images", "--method", "minmax")
    return [*made, "--multipliers", str(multipliers), "-o", output, *more]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint, and two designs of it."""
    place = tmp_path_factory.mktemp("together")
    world.save(place)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        for output, multipliers in (("a", 64), ("b", 40)):
            assert CliRunner().invoke(main, words(output, multipliers)).exit_code == 0
    return place


def start(place: Path, arguments: list[str]) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "repvgg_hw", *arguments]
    return subprocess.Popen(command, cwd=place, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def together(place: Path, *commands: list[str]) -> list[tuple[int, str]]:
    """(exit code, standard error) of commands that run at the same time."""
    processes = [start(place, command) for command in commands]
    errors = [process.communicate(timeout=240)[1] for process in processes]
    return [(process.returncode, error) for process, error in zip(processes, errors, strict=True)]


def files(directory: Path) -> dict[str, bytes]:
    return {name: (directory / name).read_bytes() for name in folder.listed(directory)}


def test_two_generate_in_one_new_folder(place: Path) -> None:
    """One writes its design; the other is refused, however late it finds out."""
    found = together(place, words("both", 64), words("both", 40))
    assert sorted(code for code, _ in found) == [0, 2], found
    (error,) = (error for code, error in found if code == 2)
    assert error.splitlines()[-1] == "error: both holds a design already: --force writes over it"
    winner = "a" if found[0][0] == 0 else "b"
    assert files(place / "both") == files(place / winner)


def test_two_generate_force(place: Path) -> None:
    found = together(place, words("forced", 64, "--force"), words("forced", 40, "--force"))
    assert [code for code, _ in found] == [0, 0], found
    assert files(place / "forced") in (files(place / "a"), files(place / "b"))


@pytest.mark.slow
def test_generate_force_beside_simulate_waits(place: Path) -> None:
    """And two `simulate` side by side are both right."""
    shutil.copytree(place / "a", place / "busy")
    with start(place, ["simulate", "busy"]) as simulate, start(place, ["simulate", "busy"]) as second:
        until = time.monotonic() + 120
        while not (place / "busy/build/sim/build.log").exists() and time.monotonic() < until:
            time.sleep(0.05)
        ((code, error),) = together(place, words("busy", 40, "--force"))
        outcomes = [process.wait(240) for process in (simulate, second)]
        said = [process.stderr.read() if process.stderr else "" for process in (simulate, second)]
    assert code == 0, error
    assert WAITING in error
    assert outcomes == [0, 0], said
    assert sum(WAITING in text for text in said) == 1
    assert files(place / "busy") == files(place / "b")


def test_simulate_proves_the_design_that_is_there_when_its_turn_comes(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`generate --force` has written another one since this command read the folder."""
    directory = place / "changed"
    shutil.copytree(place / "a", directory)
    monkeypatch.chdir(place)
    real = folder.locked
    seen: list[Path] = []

    @contextlib.contextmanager
    def locked(held: Path) -> Iterator[None]:
        if not seen:
            seen.append(held)
            assert CliRunner().invoke(main, words("changed", 40, "--force")).exit_code == 0
        with real(held):
            yield

    monkeypatch.setattr(folder, "locked", locked)
    result = CliRunner().invoke(main, ["simulate", "changed", "--limit", "3", "--json"])
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["planned_interval"] == designs.load(place / "b").plan.frame_interval
