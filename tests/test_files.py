"""Where results are written: never over what is no result, whole or not at all, and checked beforehand."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from repvgg_hw.errors import InputError
from repvgg_hw.files import check_output, check_writable, emptied, write_atomically, write_if_changed


def refusal(path: Path, *suffixes: str) -> str:
    """What is said of this place; writing says the same and leaves everything as it was."""
    before = sorted(path.parent.glob("*")) if path.parent.is_dir() else []
    with pytest.raises(InputError) as error:
        check_output(path, suffixes)
    if not suffixes:
        with pytest.raises(InputError):
            write_atomically(path, b"new")
    assert before == (sorted(path.parent.glob("*")) if path.parent.is_dir() else [])
    return str(error.value)


def test_devices_folders_and_pipes_stay_what_they_are(tmp_path: Path) -> None:
    folder, pipe = tmp_path / "folder.svg", tmp_path / "pipe.svg"
    folder.mkdir()
    os.mkfifo(pipe)
    assert "is a folder" in refusal(folder)
    assert "not a regular file" in refusal(pipe)
    assert "not a regular file" in refusal(Path("/dev/null"))
    assert pipe.is_fifo()
    assert Path("/dev/null").is_char_device()


def test_a_link_is_written_through(tmp_path: Path) -> None:
    target, link = tmp_path / "below" / "a.svg", tmp_path / "link.svg"
    target.parent.mkdir()
    target.write_text("old")
    link.symlink_to(Path("below") / "a.svg")
    assert check_output(link, (".svg",)) == target
    write_atomically(link, b"new")
    assert link.is_symlink()
    assert target.read_text() == "new"
    assert sorted(path.name for path in target.parent.iterdir()) == ["a.svg"]
    assert not write_if_changed(link, "new")


def test_a_link_to_nothing_yet_makes_it(tmp_path: Path) -> None:
    link = tmp_path / "link.svg"
    link.symlink_to("later.svg")
    write_atomically(link, b"new")
    assert (tmp_path / "later.svg").read_bytes() == b"new"


@pytest.mark.parametrize(
    "target", ["notes.txt", "folder.svg", "/dev/full", "link.svg", "notes.txt/below.svg"]
)
def test_a_link_to_anything_else_is_refused(tmp_path: Path, target: str) -> None:
    (tmp_path / "notes.txt").write_text("notes")
    (tmp_path / "folder.svg").mkdir()
    link = tmp_path / "link.svg"
    link.symlink_to(target)
    refusal(link)
    assert (tmp_path / "notes.txt").read_text() == "notes"


def test_suffixes(tmp_path: Path) -> None:
    assert "ends in .svg or .png" in refusal(tmp_path / "a.txt", ".svg", ".png")
    assert check_output(tmp_path / "a.SVG", (".svg",)) == tmp_path / "a.SVG"


def test_folders_are_made_or_the_one_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "dangling").symlink_to("nowhere")
    assert f"{tmp_path / 'file'} is not a folder" in refusal(tmp_path / "file" / "a" / "b.svg")
    assert "leads nowhere" in refusal(tmp_path / "dangling" / "b.svg")
    write_atomically(tmp_path / "made" / "below" / "a.svg", b"new")
    assert (tmp_path / "made" / "below" / "a.svg").is_file()
    assert refusal(tmp_path / ("x" * 300 + ".svg"))


def test_a_folder_without_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked of the system, since tests may run as root, to whom everything is permitted."""
    asked: list[Path] = []

    def access(path: Path, mode: int) -> bool:
        asked.append(path)
        return False

    monkeypatch.setattr(os, "access", access)
    with pytest.raises(InputError, match="cannot be written"):
        check_writable(tmp_path / "not" / "yet")
    assert asked == [tmp_path]


@pytest.mark.parametrize("what", ["nothing", "files", "a file", "a pipe", "a link", "a link to nothing"])
def test_an_emptied_folder(tmp_path: Path, what: str) -> None:
    """Whatever lay there; what a link leads to stays."""
    place, elsewhere = tmp_path / "data", tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "kept").touch()
    if what == "files":
        place.mkdir()
        (place / "old").touch()
    elif what == "a file":
        place.touch()
    elif what == "a pipe":
        os.mkfifo(place)
    elif what != "nothing":
        place.symlink_to("elsewhere" if what == "a link" else "nowhere")
    assert list(emptied(place).iterdir()) == []
    assert place.is_dir()
    assert not place.is_symlink()
    assert (elsewhere / "kept").is_file()
