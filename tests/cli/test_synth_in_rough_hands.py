"""`repvgg-hw synth` beside other commands, on a full disk, in odd folders; Yosys is a slow stand-in."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from repvgg_hw import design as designs
from repvgg_hw.cli import main
from repvgg_hw.design import folder
from repvgg_hw.synth import result
from tests.abuse import slow_yosys, world

WAITING = "waiting: another repvgg-hw command is at work in "
WORK = "build/synth/kv260"
ODD = "my net$HOME $(x) #1 'é' \"\\;&|*?[red]%:=~\n!touch stolen"


def words(output: str, multipliers: int, *more: str) -> list[str]:
    made = ("generate", "--weights", "net.pth", "--calibration", "images", "--method", "minmax")
    return [*made, "--multipliers", str(multipliers), "-o", output, *more]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint, and two designs of it."""
    place = tmp_path_factory.mktemp("synth")
    world.save(place)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        for output, multipliers in (("a", 64), ("b", 40)):
            assert CliRunner().invoke(main, words(output, multipliers)).exit_code == 0
    return place


@pytest.fixture(autouse=True)
def _stand_in(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Yosys takes no time in commands that run in this process."""
    monkeypatch.chdir(place)
    monkeypatch.syspath_prepend(str(slow_yosys.FAKE))
    for name, value in slow_yosys.environment().items():
        monkeypatch.setenv(name, value)


def synth(*arguments: object) -> Result:
    typed = ["-q", "synth", *map(str, arguments), "--device", "kv260"]
    return CliRunner().invoke(main, typed)


def started(place: Path, arguments: list[str], until: Path | None = None) -> subprocess.Popen[str]:
    """A command; until: what its Yosys waits for."""
    command = [sys.executable, "-m", "repvgg_hw", *arguments]
    env = os.environ | {"FAKE_YOSYS_UNTIL": "" if until is None else str(until)}
    return subprocess.Popen(
        command, cwd=place, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )


def busy(design: Path) -> None:
    """Wait until Yosys runs in this design."""
    until = time.monotonic() + 60
    while not (design / WORK / "design/netlist.log").exists() and time.monotonic() < until:
        time.sleep(0.02)


def test_other_commands_wait_for_it(place: Path) -> None:
    """`generate --force` comes after it, and `simulate` can be interrupted while it waits."""
    shutil.copytree(place / "a", place / "busy")
    go_on = place / "go on"
    with started(place, ["synth", "busy", "--device", "kv260"], go_on) as first:
        busy(place / "busy")
        others = [started(place, line) for line in (["simulate", "busy"], words("busy", 40, "--force"))]
        said = [iter(other.stderr or ()) for other in others]
        for lines in said:
            assert any(WAITING in line for line in lines)
        others[0].send_signal(signal.SIGINT)
        assert others[0].wait(20) == 130
        assert [process.poll() for process in (first, others[1])] == [None, None]
        go_on.touch()
        assert [process.wait(60) for process in (first, others[1])] == [0, 0]
    for other in others:
        other.communicate()
    assert designs.load(place / "busy").plan.multipliers <= 40
    assert (place / "busy" / result.FILE).exists()
    assert result.load(place / "busy") is None, "of the design that was there before"


def test_it_waits_and_takes_the_design_that_is_there_then(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`generate --force` has written another one since this command read the folder."""
    shutil.copytree(place / "a", place / "changed")
    real, seen = folder.locked, list[Path]()

    @contextlib.contextmanager
    def locked(held: Path) -> Iterator[None]:
        if not seen:
            seen.append(held)
            assert CliRunner().invoke(main, words("changed", 40, "--force")).exit_code == 0
        with real(held):
            yield

    monkeypatch.setattr(folder, "locked", locked)
    done = synth("changed", "--layers", "--jobs", 1, "--json")
    assert done.exit_code == 0, done.output
    assert [part["name"] for part in json.loads(done.stdout)["parts"]]
    planned = {part["name"]: part["planned"] for part in json.loads(done.stdout)["parts"]}
    alone = json.loads(synth("b", "--layers", "--jobs", 1, "--json").stdout)
    assert planned == {part["name"]: part["planned"] for part in alone["parts"]}
    assert alone["provenance"]["method"] == "minmax"


@pytest.mark.parametrize("suffix", [".stat.json", ".memories.json", ".ports.json", ".json", ".v"])
def test_a_netlist_that_ends_too_early_is_no_netlist(
    place: Path, monkeypatch: pytest.MonkeyPatch, suffix: str
) -> None:
    """Yosys says nothing where a disk is full."""
    monkeypatch.setenv("FAKE_YOSYS_CUT", suffix)
    done = synth("b", "--layer", "stage0")
    assert done.exit_code == 1
    assert f"netlist{suffix} to its end: is the disk full?" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_names_of_folders_are_no_words_of_a_script(place: Path) -> None:
    """Yosys' scripts have quotes, comments, lines, and `!` runs a shell."""
    shutil.copytree(place / "a", place / ODD)
    done = synth(place / ODD, "--layer", "stage0")
    assert done.exit_code == 0, done.output
    (script,) = (place / ODD).rglob("*.ys")
    assert script.read_text().splitlines()[0].startswith('read_verilog -sv -defer -DRVG_CELLS "design/rtl/')
    assert "net$HOME" not in script.read_text()
    assert not list(place.rglob("stolen"))


def test_a_copied_design_has_its_own_tables(place: Path) -> None:
    """Also where what was built was copied with it."""
    shutil.copytree(place / "a", place / "one")
    assert synth("one", "--layer", "stage0").exit_code == 0
    shutil.copytree(place / "one", place / "two", symlinks=True)
    shutil.rmtree(place / "one")
    assert synth("two", "--layer", "stage0").exit_code == 0
    for name, target in (("mem", "mem"), ("design", ".")):
        found = (place / "two" / WORK / "stage0" / name).resolve()
        assert found == (place / "two" / target).resolve()


@pytest.mark.parametrize(
    "line", ["../text.sv", 'rtl/x.sv";!touch', "-lib", "rtl/nope.sv", "", "rtl/rvg_fifo.sv"]
)
def test_the_list_of_sources_is_input(place: Path, tmp_path: Path, line: str) -> None:
    design = tmp_path / "net"
    shutil.copytree(place / "a", design)
    (design / "files.f").write_text(f"{line}\n")
    done = synth(design)
    assert done.exit_code == 2
    assert "generate" in done.stderr
    assert not (design / "build").exists()


def test_its_results_place_is_checked_first(place: Path, tmp_path: Path) -> None:
    design = tmp_path / "net"
    shutil.copytree(place / "a", design)
    (design / result.FILE).mkdir()
    done = synth(design)
    assert done.exit_code == 2
    assert f"{result.FILE} is a folder" in done.stderr
    assert not (design / "build").exists()
