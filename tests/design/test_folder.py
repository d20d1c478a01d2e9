"""A design's folder: whole at any time, whatever breaks off; one command at a time; one state, one proof."""

from __future__ import annotations

import errno
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from repvgg_hw.design import folder
from repvgg_hw.errors import InputError

OLD = {"design.json": "old", "rtl/a.sv": "old a", "rtl/same.sv": "same", "mem/gone.mem": "gone"}
NEW = {
    "design.json": "new",
    "rtl/a.sv": "new a",
    "rtl/same.sv": "same",
    "mem/fresh.mem": "fresh",
    "x/y/z": "deep",
}


def emit(files: dict[str, str], stage: Path) -> None:
    for name, text in files.items():
        (stage / name).parent.mkdir(parents=True, exist_ok=True)
        (stage / name).write_text(text)


def write(directory: Path, files: dict[str, str]) -> None:
    folder.write(directory, lambda stage: emit(files, stage))


def contents(directory: Path) -> dict[str, str]:
    """What belongs to the design: the list is left out, and so is what others put there."""
    return {name: (directory / name).read_text() for name in folder.listed(directory)}


def test_a_new_design_replaces_the_old_one_and_nothing_else(tmp_path: Path) -> None:
    write(tmp_path, OLD)
    (tmp_path / "build").mkdir()
    (tmp_path / "build/simulator").write_text("warm")
    (tmp_path / "notes.txt").write_text("mine")
    date = (tmp_path / "rtl/same.sv").stat().st_mtime_ns
    write(tmp_path, NEW)
    assert contents(tmp_path) == NEW
    assert (tmp_path / "build/simulator").read_text() == "warm"
    assert (tmp_path / "notes.txt").read_text() == "mine"
    assert not (tmp_path / "mem/gone.mem").exists()
    assert not (tmp_path / folder.STAGE).exists()
    assert (tmp_path / "rtl/same.sv").stat().st_mtime_ns == date  # a build of it stays warm


@pytest.mark.parametrize("error", [InputError("no"), OSError(errno.ENOSPC, "full"), KeyboardInterrupt()])
def test_what_fails_while_writing_leaves_the_old_design(tmp_path: Path, error: BaseException) -> None:
    write(tmp_path, OLD)

    def fails(stage: Path) -> None:
        emit({"design.json": "half"}, stage)
        raise error

    with pytest.raises(type(error)):
        folder.write(tmp_path, fails)
    assert contents(tmp_path) == OLD
    assert not (tmp_path / folder.STAGE).exists()


def test_what_fails_in_a_new_place_leaves_no_folder(tmp_path: Path) -> None:
    def fails(stage: Path) -> None:
        raise InputError("no")

    with pytest.raises(InputError):
        folder.write(tmp_path / "a" / "b", fails)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("moves", range(8))
def test_broken_off_while_moving_the_next_one_finishes(
    tmp_path: Path, moves: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, OLD)
    replace, left = os.replace, [moves]

    def limited(source: Path, target: Path) -> None:
        if folder.STAGE in Path(source).parts and folder.STAGE not in Path(target).parts:
            if left[0] == 0:
                raise KeyboardInterrupt
            left[0] -= 1
        replace(source, target)

    monkeypatch.setattr(os, "replace", limited)
    try:
        write(tmp_path, NEW)
    except KeyboardInterrupt:
        monkeypatch.setattr(os, "replace", replace)
        folder.recover(tmp_path)
    assert contents(tmp_path) == NEW
    assert not (tmp_path / "mem/gone.mem").exists()
    assert not (tmp_path / folder.STAGE).exists()


KILLED = """
import sys, time
from pathlib import Path
from repvgg_hw.design import folder
def emit(stage):
    for n in range(60):
        (stage / "rtl").mkdir(parents=True, exist_ok=True)
        (stage / "rtl" / f"{n}.sv").write_text(sys.argv[2] * 1000)
    (stage / "design.json").write_text(sys.argv[2])
print("ready", flush=True)
while True:
    folder.write(Path(sys.argv[1]), emit)
"""


@pytest.mark.parametrize("seed", range(8))
def test_killed_at_any_time_the_folder_holds_one_design(tmp_path: Path, seed: int) -> None:
    write(tmp_path, {"design.json": "a", **{f"rtl/{n}.sv": "a" * 1000 for n in range(60)}})
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path), "b"], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(random.Random(seed).uniform(0, 0.03))
        os.kill(process.pid, signal.SIGKILL)
    with folder.locked(tmp_path):
        folder.recover(tmp_path)
    found = contents(tmp_path)
    letters = {text[0] for text in found.values()}
    assert len(found) == 61
    assert len(letters) == 1
    assert {len(text) for name, text in found.items() if name != "design.json"} == {1000}


def test_one_command_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    said: list[str] = []
    monkeypatch.setattr(folder._log, "warning", lambda text, *words: said.append(text % words))

    def second() -> None:
        with folder.locked(tmp_path):
            order.append("second")

    thread = threading.Thread(target=second)
    with folder.locked(tmp_path):
        thread.start()
        time.sleep(0.3)
        order.append("first")
    thread.join(10)
    assert order == ["first", "second"]
    assert [text for text in said if "waiting: another repvgg-hw command" in text]


@pytest.mark.parametrize("name", ["rtl/a.sv", "mem/gone.mem", "design.json"])
def test_the_fingerprint_is_of_every_file(tmp_path: Path, name: str) -> None:
    write(tmp_path, OLD)
    before = folder.fingerprint(tmp_path)
    (tmp_path / "notes.txt").write_text("not part of it")
    assert folder.fingerprint(tmp_path) == before
    (tmp_path / name).write_text(OLD[name] + " ")
    assert folder.fingerprint(tmp_path) != before


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "a/../../b", "", "a\0b"])
def test_a_list_names_nothing_outside(tmp_path: Path, name: str) -> None:
    write(tmp_path, OLD)
    (tmp_path / folder.FILES).write_text(f'["design.json", "{name}"]')
    assert folder.listed(tmp_path) == []
    with pytest.raises(InputError, match=r"files\.json"):
        folder.fingerprint(tmp_path)


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", "a folder", "a pipe"])
def test_a_table_that_is_no_text_is_wrong_input(tmp_path: Path, content: bytes | str) -> None:
    """Never waited for, never a traceback; one that is missing reads as empty, and differs."""
    assert folder.read_table(tmp_path, "mem/w.mem") == ""
    table = tmp_path / "w.mem"
    if isinstance(content, bytes):
        table.write_bytes(content)
    elif content == "a pipe":
        os.mkfifo(table)
    else:
        table.mkdir()
    with pytest.raises(InputError, match=r"w\.mem is no readable text file"):
        folder.read_table(tmp_path, "w.mem")


def test_a_design_that_came_there_meanwhile_is_not_written_over(tmp_path: Path) -> None:
    write(tmp_path, OLD)
    with pytest.raises(InputError, match="--force"):
        folder.write(tmp_path, lambda stage: emit(NEW, stage), over=False)
    assert contents(tmp_path) == OLD
    assert not (tmp_path / folder.STAGE).exists()


@pytest.mark.parametrize("name", ["design.json", "x/y/z", folder.RESULTS])
def test_a_folder_in_a_files_place_is_refused_before_anything_moves(tmp_path: Path, name: str) -> None:
    """Moved in half, the design could never be finished."""
    (tmp_path / name).mkdir(parents=True)
    with pytest.raises(InputError, match="in the way of the design: move it away"):
        write(tmp_path, NEW)
    assert folder.listed(tmp_path) == []
    assert not (tmp_path / folder.STAGE).exists()
    (tmp_path / name).rmdir()
    write(tmp_path, NEW)
    assert contents(tmp_path) == NEW


def test_a_file_in_a_folders_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "rtl").write_text("mine")
    with pytest.raises(InputError, match="rtl is no folder"):
        write(tmp_path, NEW)
    assert (tmp_path / "rtl").read_text() == "mine"


@pytest.mark.parametrize("error", [False, True])
def test_what_is_read_while_another_command_writes_is_read_again(tmp_path: Path, error: bool) -> None:
    """Half of the old design and half of the new one is neither."""
    write(tmp_path, OLD)
    writes = [NEW, OLD, NEW]

    def read() -> str:
        first = (tmp_path / "design.json").read_text()
        if writes:
            write(tmp_path, writes.pop())
            if error:
                raise InputError("the two do not belong together")
        return f"{first} and {(tmp_path / 'rtl/a.sv').read_text()}"

    assert folder.steady(tmp_path, read) == "new and new a"


def test_an_error_of_a_folder_that_stands_still_is_one(tmp_path: Path) -> None:
    write(tmp_path, OLD)

    def read() -> None:
        raise InputError("damaged")

    with pytest.raises(InputError, match="damaged"):
        folder.steady(tmp_path, read)


def test_a_folder_that_is_always_written_is_given_up(tmp_path: Path) -> None:
    write(tmp_path, OLD)
    state = [OLD, NEW]

    def read() -> None:
        state.reverse()
        write(tmp_path, state[0])

    with pytest.raises(InputError, match="another command"):
        folder.steady(tmp_path, read)
