"""Closed pipes, locales without UTF-8, names with markup: quiet, readable, with the right exit code."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from pathlib import Path

import pytest
from quick import some

from tests.abuse import world

PLAIN = {"LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
TABLES = {
    "models": (),
    "inspect": ("net.pth", "--input-size", "8"),
    "evaluate": ("net.pth", "--data", "images.npz", "--calibration", "images", "--method", "minmax"),
    "generate": ("--weights", "net.pth", *world.GENERATE, "-o", "piped", "--force"),
    "report": ("design",),
    "doctor": (),
}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint, images and a design."""
    folder = tmp_path_factory.mktemp("streams")
    world.save(folder)
    for name, output in (("net.pth", "design"), ("网络 [bold]é[bold].pth", "named")):
        (folder / name).write_bytes((folder / "net.pth").read_bytes())
        done = run(folder, "generate", "--weights", name, *world.GENERATE, "-o", output)
        assert done.returncode == 0, done.stderr
    return folder


def run(
    folder: Path, *arguments: str, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[bytes]:
    """The console script in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "repvgg_hw", *arguments],
        cwd=folder,
        capture_output=True,
        env={**os.environ, **(env or {})},
    )


@pytest.mark.parametrize("command", some(TABLES, 3))
def test_a_closed_pipe_is_quiet(command: str, place: Path) -> None:
    """As `| head -1`: the reader is gone before the first line."""
    reader, writer = os.pipe()
    os.close(reader)
    arguments = [sys.executable, "-m", "repvgg_hw", "-q", command, *TABLES[command]]
    done = subprocess.run(arguments, cwd=place, stdout=writer, stderr=subprocess.PIPE, text=True)
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, "")


QUICK = (
    ("models",),
    ("report", "design"),
    ("report", "design", "--json"),
    ("fuse", "--help"),
    ("--version",),
)


@pytest.mark.parametrize("words", QUICK, ids=" ".join)
def test_a_full_standard_output_is_an_error(words: tuple[str, ...], place: Path) -> None:
    """The result is lost, and the exit code says so; Python's own second try at its end is quiet."""
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "repvgg_hw", *words],
            cwd=place,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert (done.returncode, done.stderr) == (2, "error: No space left on device: standard output\n")


@pytest.mark.parametrize("words", some(QUICK, 2), ids=" ".join)
def test_a_full_standard_error_ends_nothing(words: tuple[str, ...], place: Path) -> None:
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-m", "repvgg_hw", "-v", *words]
        done = subprocess.run(command, cwd=place, stdout=subprocess.PIPE, stderr=full, text=True)
    assert done.returncode == 0
    assert done.stdout


CLOSED = itertools.product(
    (("report design", 0), ("models", 0), ("report missing", 2)), (">&-", "2>&-", "<&-", "<&- >&- 2>&-")
)


@pytest.mark.parametrize("case", some(CLOSED, 4), ids=str)
def test_closed_streams(case: tuple[tuple[str, int], str], place: Path) -> None:
    """What is written to them goes nowhere, above all not into a file that is opened in their place."""
    (words, code), closed = case
    before = {path: path.read_bytes() for path in place.rglob("*") if path.is_file()}
    line = f"exec {sys.executable} -m repvgg_hw {words} {closed}"
    done = subprocess.run(["/bin/sh", "-c", line], cwd=place, capture_output=True, text=True)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    after = {path: path.read_bytes() for path in place.rglob("*") if path.is_file()}
    assert {path for path in after if after[path] != before.get(path)} <= {place / "design/report.html"}
    assert bool(done.stderr) == (code == 2 and "2>" not in closed)


@pytest.mark.parametrize("command", some(TABLES, 3))
def test_a_locale_without_utf8(command: str, place: Path) -> None:
    done = run(place, command, *TABLES[command], env=PLAIN)
    assert done.returncode == 0, done.stderr
    assert done.stdout.isascii()
    assert done.stderr.isascii()


def test_odd_names_in_any_locale(place: Path) -> None:
    """The name is shown as it is where the locale can, escaped where it cannot, and never as markup."""
    name = "网络 [bold]é[bold]"
    shown = run(place, "report", "named", env={"PYTHONUTF8": "1"})
    assert shown.returncode == 0, shown.stderr
    assert "网络 [bold]é[bold]".encode() in shown.stdout
    plain = run(place, "report", "named", env=PLAIN)
    assert plain.returncode == 0, plain.stderr
    assert name.encode("ascii", "backslashreplace") in plain.stdout
    wrong = run(place, "inspect", "[red]é[/red].pth", env=PLAIN)
    assert wrong.returncode == 2
    assert b"[red]\\xe9[/red].pth" in wrong.stderr or b"[red]\\udcc3\\udca9[/red].pth" in wrong.stderr


def test_completion(place: Path) -> None:
    env = {
        "_REPVGG_HW_COMPLETE": "bash_complete",
        "COMP_WORDS": "repvgg-hw generate --targ",
        "COMP_CWORD": "2",
    }
    script = "from repvgg_hw.cli import main; main(prog_name='repvgg-hw')"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, env={**os.environ, **env}
    )
    assert "plain,--target" in done.stdout, done.stderr


def test_a_working_directory_that_cannot_be_remembered_in(place: Path, tmp_path: Path) -> None:
    (tmp_path / "build").write_text("in the way of build/.last-design, as a read-only folder would be")
    arguments = ("generate", "--weights", str(place / "net.pth"), "--calibration", str(place / "images"))
    done = run(tmp_path, *arguments, "--method", "minmax", "-o", str(tmp_path / "net"))
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "net" / "design.json").is_file()
