"""What people write by hand: JSON for options; and what a command left for the next one."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from tests.abuse.case import Case
from tests.abuse.inputs import write_file
from tests.abuse.options import BASES

TYPED: dict[str, bytes] = {
    "a byte order mark": b"\xef\xbb\xbf{}",
    "UTF-16": '{"weights": 8}'.encode("utf-16"),
    "a key twice": b'{"weights": 8, "weights": 4}',
    "nested": b'{"a":' * 90_000,
    "NaN": b'{"weights": NaN}',
    "infinity": b'{"weights": 1e999}',
    "a huge number": b'{"weights": 99999999999999999999999}',
    "truth": b'{"weights": true}',
    "text for a number": b'{"weights": "8"}',
    "a number": b"8",
    "a name of nothing": b'{"\\u0000": {"pi": 1, "po": 1}}',
    "no such layer": b'{"stage9": {"pi": 1, "po": 1}}',
    "halves": b'{"stage0": {"pi": 0.5, "po": 1}}',
    "nothing to fold by": b'{"stage0": {"pi": 0, "po": -1}}',
}


def typed() -> Iterator[Case]:
    """JSON that people write by hand for an option."""
    generate = ("generate", *BASES["generate"])
    for what, data in TYPED.items():
        prepare = partial(write_file, "typed.json", data)
        for option in ("--bits", "--folding"):
            yield Case("typed files", f"{option}: {what}", (*generate, option, "typed.json"), prepare=prepare)
        words = (
            "evaluate",
            "net.pth",
            "--data",
            "images",
            "--calibration",
            "images.npz",
            "--method",
            "minmax",
        )
        named = (*words, "--class-index", "typed.json")
        yield Case("typed files", f"--class-index: {what}", named, prepare=prepare)


def _last(data: bytes | None, folder: Path) -> None:
    place = folder / "build/.last-design"
    place.unlink()  # that of the world
    if data is None:
        place.mkdir()
    else:
        place.write_bytes(data)


def last_design() -> Iterator[Case]:
    """What says which design is the last one is a file like any other."""
    for what, data in {
        "a zero": b"a\0b\n",
        "nothing": b"\n",
        "a long name": b"x" * 100_000,
        "no UTF-8": b"\xff\xfe\n",
        "a gone folder": b"gone\n",
        "a folder": None,
    }.items():
        for command in ("report", "simulate"):
            prepare = partial(_last, data)
            yield Case("names", f"{command}: .last-design holds {what}", (command,), prepare=prepare)
