"""Checkpoints, images and archives that are damaged, hostile or of another kind; names; outputs."""

from __future__ import annotations

import functools
import io
import os
import struct
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from tests.abuse import slow_yosys
from tests.abuse.case import OK, WRONG, Case
from tests.abuse.options import BASES, BESIDE

_TRAIN = ("--input-size", "8", "--widths", "4,4", "--epochs", "1", "--batch-size", "2", "-o", "new.pth")
_QAT = ("--method", "minmax", "--epochs", "1", "--batch-size", "2", "-o", "new.npz")
READS_CHECKPOINT: dict[str, tuple[str, ...]] = {
    "fuse": ("fuse", "bad", "-o", "fused.safetensors"),
    "inspect": ("inspect", "bad"),
    "evaluate": ("evaluate", "bad", "--data", "images.npz", "--calibration", "images"),
    "generate": ("generate", "--weights", "bad", "--calibration", "images", "-o", "new"),
    "train --qat": ("train", "images", "--qat", "bad", *_QAT),
    "train --scales": ("train", "images", "--block", "repopt", "--scales", "bad", *_TRAIN),
}
READS_IMAGES: dict[str, tuple[str, ...]] = {
    "simulate": ("simulate", "design", "--images", "bad", "--limit", "1"),
    "evaluate": ("evaluate", "net.pth", "--data", "bad", "--calibration", "images", "--method", "minmax"),
    "generate": ("generate", "--weights", "net.pth", "--calibration", "bad", "-o", "new"),
    "generate --integers": ("generate", "--integers", "bad", "-o", "new"),
    "train": ("train", "bad", *_TRAIN),
    "train --val": ("train", "images", "--val", "bad", *_TRAIN),
    "train --qat": ("train", "bad", "--qat", "net.pth", *_QAT),
    "train --integers": ("train", "images", "--qat", "net.pth", "--integers", "bad", *_QAT[2:]),
}
LABELLED = ("evaluate", "train", "train --val")  # of which the labels are read
# What is right, and where: the images decide about what they are for.
RIGHT = {
    ("generate", "of another size"),
    ("train --qat", "of another size"),
    ("train", "labels beyond the classes"),
}


def _npy(header: str, data: bytes = b"") -> bytes:
    text = header.encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + data


def _zip(members: dict[str, bytes], compression: int = zipfile.ZIP_STORED, encrypted: bool = False) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    content = bytearray(stream.getvalue())
    if encrypted:  # the flag alone: readers must refuse before they read
        for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
            start = 0
            while (start := content.find(signature, start)) >= 0:
                content[start + offset] |= 1
                start += 4
    return bytes(content)


@functools.cache
def archives() -> dict[str, bytes]:
    """Bytes of .npz files, none of which holds images."""
    good = io.BytesIO()
    np.savez(good, images=np.zeros((2, 8, 8, 3), np.uint8))
    objects = io.BytesIO()
    np.savez(objects, images=np.array([{"a": 1}], dtype=object))
    whole = good.getvalue()
    header = "{'descr': '%s', 'fortran_order': False, 'shape': %s, }"
    bomb = _npy(header % ("|u1", "(40000, 8, 8, 3)"), bytes(40000 * 8 * 8 * 3 // 8))
    return {
        "cut": whole[: len(whole) // 2],
        "a flipped byte in the middle": whole[:150] + bytes([whole[150] ^ 0xFF]) + whole[151:],
        "encrypted": _zip({"images.npy": _npy(header % ("|u1", "(1, 8, 8, 3)"), bytes(192))}, encrypted=True),
        "objects": objects.getvalue(),
        "no array of that name": _zip({"x.npy": _npy(header % ("|u1", "(1,)"), b"0")}),
        "a declared shape beyond its data": _zip(
            {"images.npy": _npy(header % ("|u1", "(1000000000, 224, 224, 3)"))}
        ),
        "a negative shape": _zip({"images.npy": _npy(header % ("|u1", "(-1, 8, 8, 3)"))}),
        "a shape of text": _zip({"images.npy": _npy(header % ("|u1", "('a', 8)"))}),
        "a header that is no header": _zip({"images.npy": b"\x93NUMPY\x01\x00\xff\xffx"}),
        "a dtype of code": _zip({"images.npy": _npy(header % ("__import__", "(1,)"))}),
        "a bomb": _zip({"images.npy": bomb + bytes(300 << 20)}, zipfile.ZIP_DEFLATED),
        "no members": _zip({}),
        "a member that is text": _zip({"images.npy": b"hello"}),
        "a single npy": _npy(header % ("|u1", "(1, 8, 8, 3)"), bytes(192)),
    }


def arrays() -> dict[str, dict[str, np.ndarray]]:
    """Readable archives whose arrays are no labelled images for this network."""
    images, labels = np.zeros((2, 8, 8, 3), np.uint8), np.zeros(2, np.int64)
    return {
        "floats": {"images": images.astype(float), "labels": labels},
        "negative": {"images": images.astype(np.int16) - 1, "labels": labels},
        "one axis less": {"images": images[0], "labels": labels},
        "five channels": {"images": np.zeros((2, 8, 8, 5), np.uint8), "labels": labels},
        "channels first": {"images": np.zeros((2, 3, 8, 8), np.uint8), "labels": labels},
        "none": {"images": images[:0], "labels": labels[:0]},
        "no pixels": {"images": np.zeros((2, 0, 8, 3), np.uint8), "labels": labels},
        "of another size": {"images": np.zeros((2, 9, 8, 3), np.uint8), "labels": labels},
        "labels too few": {"images": images, "labels": labels[:1]},
        "labels as text": {"images": images, "labels": np.array(["cat", "dog"])},
        "labels negative": {"images": images, "labels": labels - 1},
        "labels beyond the classes": {"images": images, "labels": labels + 7},
        "labels NaN": {"images": images, "labels": np.full(2, np.nan)},
    }


def pictures() -> dict[str, Callable[[Path], object]]:
    """What lies in a folder of images, none of which can be read as one."""
    png = io.BytesIO()
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(png, "PNG")
    data = png.getvalue()
    huge = data[:16] + struct.pack(">II", 60000, 60000) + data[24:]
    return {
        "an empty folder": lambda folder: folder.mkdir(),
        "empty class folders": lambda folder: (folder / "cat").mkdir(parents=True),
        "text": lambda folder: _one(folder, "a.png", b"hello"),
        "an empty file": lambda folder: _one(folder, "a.png", b""),
        "cut": lambda folder: _one(folder, "a.png", data[: len(data) // 2]),
        "a declared size of 60000": lambda folder: _one(folder, "a.png", huge),
        "a broken link": lambda folder: _made(folder, lambda path: os.symlink("nowhere", path / "a.png")),
        "a loop of links": lambda folder: _made(folder, lambda path: os.symlink("a.png", path / "a.png")),
        "sizes that differ": _two_sizes,
        "a folder called a.png": lambda folder: (folder / "a.png").mkdir(parents=True),
        "a file in place of the folder": lambda folder: folder.write_bytes(data),
        "a pipe": lambda folder: _made(folder, lambda path: os.mkfifo(path / "a.png")),
    }


def _one(folder: Path, name: str, data: bytes) -> None:
    (folder / "cat").mkdir(parents=True)
    (folder / "cat" / name).write_bytes(data)


def _made(folder: Path, fill: Callable[[Path], None]) -> None:
    folder.mkdir()
    fill(folder)


def _two_sizes(folder: Path) -> None:
    for number, size in enumerate((9, 8)):
        (folder / "cat").mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.zeros((size, 8, 3), np.uint8)).save(folder / "cat" / f"{number}.png")


def write_file(name: str, data: bytes, folder: Path) -> None:
    """Write a file into a world."""
    (folder / name).write_bytes(data)


def _save(name: str, content: dict[str, Any], folder: Path) -> None:
    np.savez(folder / name, **content)


def _picture(make: Callable[[Path], object], folder: Path) -> None:
    make(folder / "bad")


def images() -> Iterator[Case]:
    """Every command that reads images, on what it cannot read."""
    for command, arguments in READS_IMAGES.items():
        typed = tuple("bad.npz" if word == "bad" else word for word in arguments)
        for what, data in archives().items():
            yield Case(
                "archives",
                f"{command}: {what}",
                typed,
                prepare=partial(write_file, "bad.npz", data),
            )
        for what, content in arrays().items():
            if command in LABELLED or "label" not in what:
                right = OK if (command, what) in RIGHT else WRONG
                prepare = partial(_save, "bad.npz", content)
                yield Case("arrays", f"{command}: {what}", typed, frozenset({right}), prepare)
        for what, make in pictures().items():
            yield Case("pictures", f"{command}: {what}", arguments, prepare=partial(_picture, make))


def _bad(make: Callable[[Path], bytes], folder: Path) -> None:
    (folder / "bad").write_bytes(make(folder))


def checkpoints() -> Iterator[Case]:
    """Every command that reads a checkpoint, on what is none."""
    files: dict[str, Callable[[Path], bytes]] = {
        "empty": lambda folder: b"",
        "text": lambda folder: b"hello\n",
        "cut": lambda folder: (folder / "net.pth").read_bytes()[:900],
        "a picture": lambda folder: (folder / "images/cat/0.png").read_bytes(),
        "an archive of images": lambda folder: (folder / "images.npz").read_bytes(),
        "pickled code": lambda folder: b"cos\nsystem\n(S'touch stolen'\ntR.",
        "an endless pickle": lambda folder: b"\x80\x04" + b"(" * 1_000_000,
        "a safetensors file by another name": lambda folder: (folder / "net.safetensors").read_bytes(),
    }
    for command, arguments in READS_CHECKPOINT.items():
        for what, make in files.items():
            yield Case("checkpoints", f"{command}: {what}", arguments, prepare=partial(_bad, make))


def _named(name: str, folder: Path) -> None:
    (folder / "net.pth").rename(folder / name)


def names() -> Iterator[Case]:
    """Files and folders by names that tools trip over: it works, or it is one line."""
    for name in (
        "modèle.pth",
        "网络.pth",
        "module.pth",
        "2nd.pth",
        "a b.pth",
        "[bold]x.pth",
        "-x.pth",
        "reg.pth",
        "$HOME.pth",
    ):
        arguments = (
            "generate",
            f"--weights={name}",
            "--calibration",
            "images",
            "--method",
            "minmax",
            "-o",
            "new",
        )
        yield Case("names", f"generate: {name}", arguments, frozenset({OK, WRONG}), partial(_named, name))
    for folder in (
        "a b",
        "a$HOME",
        "a#b",
        "é",
        "a'b",
        'a"b',
        "a;b",
        "a\\b",
        "-a",
        "[red]a[/]",
        "a\nb",
        "a:b",
        "a%b",
    ):
        words = (*BASES["generate"][:-2], f"--output={folder}")
        yield Case("names", f"generate -o {folder!r}", ("generate", *words), frozenset({OK, WRONG}))
    plain = {"LC_ALL": "C", "LANG": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"}
    for command, base in BASES.items():
        if command == "simulate":  # builds for long, see tests/cli/test_streams.py
            continue
        yield Case(
            "names",
            f"{command} in a locale without UTF-8",
            (command, *base),
            frozenset({OK, WRONG}),
            env={**plain, **(slow_yosys.environment() if command == "synth" else {})},
            beside=BESIDE.get(command, ()),
        )
