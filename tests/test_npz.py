"""Expectation files of every damaged, hostile and mistaken kind end in one line and exit 2."""

from __future__ import annotations

import io
import pickle
import random
import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from repvgg_hw.checkpoint import load_expectation, random_model
from repvgg_hw.cli import main
from repvgg_hw.errors import InputError
from repvgg_hw.network import Architecture
from repvgg_hw.npz import MAX_BYTES, read_npz

TINY = Architecture("custom", (4, 4, 6), (1, 1, 1), (2, 2, 2), {}, 3, 3)
RNG = np.random.default_rng(0)
X, Y = RNG.standard_normal((2, 3, 16, 16)).astype(np.float32), RNG.standard_normal((2, 3)).astype(np.float32)


class Bomb:
    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (Path("bomb-went-off"),))


def npy(array: np.ndarray, **options: Any) -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array(stream, array, **options)
    return stream.getvalue()


def header(shape: str, descr: str = "'<f4'", version: tuple[int, int] = (1, 0)) -> bytes:
    text = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    length = struct.pack("<H" if version == (1, 0) else "<I", len(text))
    return b"\x93NUMPY" + bytes(version) + length + text


def archive(path: Path, *entries: tuple[str, bytes], method: int = zipfile.ZIP_STORED) -> None:
    with zipfile.ZipFile(path, "w", method) as file:
        for name, content in entries:
            file.writestr(name, content)


def entries(**arrays: bytes) -> list[tuple[str, bytes]]:
    return [(f"{name}.npy", content) for name, content in arrays.items()]


def saved(**arrays: Any) -> Callable[[Path], None]:
    return lambda path: np.savez(path, **arrays)


def packed(method: int = zipfile.ZIP_STORED, **arrays: bytes) -> Callable[[Path], None]:
    return lambda path: archive(path, *entries(**({"x": npy(X), "y": npy(Y)} | arrays)), method=method)


def nan(array: np.ndarray, value: float = float("nan")) -> np.ndarray:
    changed: np.ndarray = array.copy()
    changed.flat[3] = value
    return changed


def patched(offset: int, value: bytes) -> Callable[[Path], None]:
    """x's entry with other bytes at an offset of its central and local header."""

    def write(path: Path) -> None:
        archive(path, *entries(x=npy(X), y=npy(Y)))
        content = bytearray(path.read_bytes())
        central, local = content.index(b"PK\x01\x02"), 0
        content[central + offset : central + offset + len(value)] = value
        content[local + offset - 2 : local + offset - 2 + len(value)] = value  # its fields begin 2 earlier
        path.write_bytes(content)

    return write


def cut(path: Path) -> None:
    np.savez(path, x=X, y=Y)
    path.write_bytes(path.read_bytes()[:-300])


BAD: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing file": (lambda path: None, "no such file"),
    "folder": (lambda path: path.mkdir(), "a folder, where a file is needed"),
    "empty file": (lambda path: path.write_bytes(b""), "not an .npz archive"),
    "text": (lambda path: path.write_text("x y"), "not an .npz archive"),
    "one .npy": (lambda path: path.write_bytes(npy(X)), "not an .npz archive"),
    "pickle": (lambda path: path.write_bytes(pickle.dumps(Bomb())), "not an .npz archive"),
    "truncated": (cut, "not an .npz archive, or truncated"),
    "no arrays": (archive, "one array 'x' is needed"),
    "no y": (saved(x=X, logits=Y), "one array 'y' is needed; it holds logits, x"),
    "x twice": (
        lambda path: archive(path, *entries(x=npy(X), y=npy(Y)), ("x.npy", npy(X))),
        "2 arrays of that name",
    ),
    "labels": (saved(x=X, y=np.array([1, 2])), "y is int64; floating point is needed"),
    "pixels": (saved(x=(X * 9).astype(np.uint8), y=Y), "x is uint8; floating point"),
    "complex": (saved(x=X, y=Y + 0j), "y is complex64"),
    "text array": (saved(x=X, y=np.array(["a", "b"])), "y is <U1"),
    "structured": (saved(x=X, y=np.zeros(2, "f4,f4")), "floating point is needed"),
    "objects": (packed(x=npy(np.array([Bomb()], object))), "x holds Python objects"),
    "nan": (saved(x=nan(X), y=Y), "not finite"),
    "inf": (saved(x=X, y=nan(Y, np.inf)), "not finite"),
    "too large for float64": (
        saved(x=X, y=nan(Y.astype(np.longdouble), np.longdouble("1e400"))),
        "not finite",
    ),
    "no images": (saved(x=X[:0], y=Y[:0]), "is empty"),
    "scalar": (saved(x=np.float32(1), y=Y), r"x has shape ()"),
    "no .npy": (packed(x=b"not an array"), "damaged .npz"),
    "empty .npy": (packed(x=b""), "damaged .npz"),
    "unknown version": (packed(x=b"\x93NUMPY\x03\x00" + header("(1,)")[8:]), "version (3, 0)"),
    "huge shape": (packed(x=header("(1, 3, 1000000, 1000000)")), "claims shape"),
    "overflowing shape": (packed(x=header("(4294967296, 4294967296, 16)") + bytes(4)), "claims shape"),
    "negative shape": (packed(x=header("(-1, -3)") + bytes(12)), "claims shape"),
    "short data": (packed(x=npy(X)[:-4]), "claims shape"),
    "surplus data": (packed(x=npy(X) + bytes(4)), "claims shape"),
    "unsafe header": (packed(x=header("__import__('os').getcwd()")), "damaged .npz"),
    "deep header": (packed(x=header("(" * 3000)), "damaged .npz"),
    "long header": (packed(x=header("(" + "1," * 20000 + ")", version=(2, 0))), "damaged .npz"),
    "no dtype": (packed(x=header("(1,)", "'no'")), "damaged .npz"),
    "other compression": (packed(zipfile.ZIP_LZMA), "compressed in a way"),
    "encrypted": (patched(8, b"\x01"), "x is encrypted"),
    "wrong checksum": (patched(16, b"\0\0\0\0"), "damaged .npz (Bad CRC-32"),
    "shorter than it is": (patched(24, struct.pack("<I", 200)), "damaged .npz"),
    "longer than it is": (patched(24, struct.pack("<I", 10_000_000)), "damaged .npz"),
    "claims 4 GB": (patched(24, struct.pack("<I", 0xFFFFFFF0)), f"the limit is {MAX_BYTES}"),
}


@pytest.mark.filterwarnings("ignore:Duplicate name")  # zipfile's, of the file with two x
@pytest.mark.parametrize("case", BAD)
def test_bad_files_end_in_one_line_and_exit_2(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save(random_model(TINY).state_dict(), "net.pth")
    make, message = BAD[case]
    make(tmp_path / "y.npz")
    result = CliRunner().invoke(main, ["fuse", "net.pth", "-o", "out.safetensors", "--expect", "y.npz"])
    assert result.exit_code == 2, result.output
    assert result.output.count("\n") == 1
    assert result.output.startswith("error: y.npz: ")
    assert message in result.output
    assert not Path("out.safetensors").exists()
    assert not Path("bomb-went-off").exists()


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    """1.5 GiB of zeros in 1.5 MB, once declared, once behind a header that admits to 100 bytes."""
    path, zeros = tmp_path / "y.npz", bytes(1 << 20)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file, file.open("x.npy", "w") as entry:
        for _ in range(1536):
            entry.write(zeros)
    honest = bytearray(path.read_bytes())
    lying = honest.copy()
    central = lying.index(b"PK\x01\x02")
    lying[central + 24 : central + 28] = struct.pack("<I", 100)
    for content, message in ((honest, "the limit is"), (lying, "damaged")):
        path.write_bytes(content)
        tracemalloc.start()
        with pytest.raises(InputError, match=message):
            read_npz(path, ("x",))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 32 << 20


def test_every_plain_spelling_is_read(tmp_path: Path) -> None:
    path = tmp_path / "y.npz"
    for x in (X, X.astype("f8"), X.astype(">f4"), np.asfortranarray(X), X.transpose(0, 1, 3, 2), X[:, ::-1]):
        for save in (np.savez, np.savez_compressed):
            save(path, x=x, y=Y, labels=np.array([1, 2]), more=np.array([{}], object))
            got = load_expectation(path)
            assert got.x.dtype == got.y.dtype == np.float64
            assert np.array_equal(got.x, x)
            assert np.array_equal(got.y, Y)
    archive(path, *entries(x=npy(X, version=(2, 0)), y=npy(Y)))
    assert np.array_equal(load_expectation(path).x, X)


def test_damaged_bytes_never_end_in_a_traceback(tmp_path: Path) -> None:
    path, rng, lines = tmp_path / "y.npz", random.Random(0), []
    for save in (np.savez, np.savez_compressed):
        save(path, x=X[:, :, :2, :2], y=Y)
        content = path.read_bytes()
        for _ in range(300):
            damaged = bytearray(content)
            for _ in range(rng.randint(1, 3)):
                damaged[rng.randrange(len(damaged))] = rng.randrange(256)
            path.write_bytes(damaged if rng.random() < 0.8 else damaged[: rng.randrange(len(damaged))])
            try:
                load_expectation(path)
            except InputError as error:
                lines.append(str(error))
    assert len(lines) > 300
    assert not any("\n" in line for line in lines)
