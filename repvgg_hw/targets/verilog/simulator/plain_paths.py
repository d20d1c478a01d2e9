"""Folders by any name: make separates files by spaces and expands `$`, so it builds elsewhere then."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from repvgg_hw.errors import InputError

PLAIN = frozenset("_./+-@,")  # beside letters and digits: no meaning to make, to a shell or to Verilator


def is_plain(path: Path) -> bool:
    """Whether make and Verilator take the path as it is; links are followed."""
    return all(letter.isalnum() or letter in PLAIN for letter in str(path.resolve()))


def check_tool(path: Path, what: str) -> None:
    """Raise InputError where a tool that the makefiles name lies in a folder that they cannot name."""
    if not is_plain(path):
        raise InputError(
            f"{path}: {what} is used by make, which cannot handle this path: "
            "install repvgg-hw into an environment whose path has only letters, digits and _ . - + @ ,"
        )


@contextlib.contextmanager
def plain_build(
    sources: Sequence[Path], directory: Path, results: Sequence[str]
) -> Iterator[tuple[list[Path], Path]]:
    """Yield (sources, folder) to build with: as given, where make can name them, else a temporary copy.

    results: files that the build leaves in its folder; they come into directory, however the build ends.
    Sources have different names. Raises InputError where temporary files lie in such a folder, too.
    """
    if is_plain(directory) and all(map(is_plain, sources)):
        yield list(sources), directory
        return
    with tempfile.TemporaryDirectory(prefix="repvgg-hw-") as temporary:
        folder = Path(temporary)
        if not is_plain(folder):
            raise InputError(f"{folder}: make cannot handle this path: set TMPDIR to another folder")
        copies = [folder / "sources" / path.name for path in sources]
        (folder / "sources").mkdir()
        for path, copy in zip(sources, copies, strict=True):
            shutil.copyfile(path, copy)
        (folder / "build").mkdir()
        try:
            yield copies, folder / "build"
        finally:
            for name in results:
                if (folder / "build" / name).is_file():
                    shutil.copy(folder / "build" / name, directory / name)
