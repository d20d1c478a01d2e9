"""A LiteX SoC around a small network: what is generated for it agrees; what its firmware prints is judged."""

from __future__ import annotations

import re
import struct
from pathlib import Path

import numpy as np
import pytest
from board_network import wrapper
from lint_sources import lint

from repvgg_hw.board import boards, emit
from repvgg_hw.board.soc import console, elf, simulate
from repvgg_hw.errors import CheckFailed, InputError

IMAGES = np.random.default_rng(3).integers(0, 256, (2, 7, 6, 3), dtype=np.uint8)
WORDS = np.array([[5, -7, 0], [2, 9, 1]], np.int64)  # two logits and the class of two images
SAID = """result 0 100 5 -7 0
result 1 101 2 9 1
batch 0 5 -7 0
batch 1 2 9 1
cycles 150 9000
end
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("litex")
    emit.write(emit.files(wrapper(made, boards.get("litex"))), made / "board", force=False)
    return made / "board"


def test_the_folder_is_whole(folder: Path) -> None:
    names = [f"`{name}`" for name in ("rvg_litex", "files.f", "registers.md")]
    assert all(name in (folder / "README.md").read_text() for name in names)
    assert {path.name for path in (folder / "driver/c").iterdir()} == {
        *("rvg.c", "rvg.h", "rvg_dma.c", "rvg_dma.h", "rvg_design.h", "rvg_registers.h")
    }
    sources = [folder / name for name in (folder / "files.f").read_text().split()]
    assert lint(sources, sources[-1].stem) == ""
    assert "PG021" not in (folder / "driver/c/rvg_dma.c").read_text()


def test_the_driver_has_the_offsets_that_litex_gives(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """CSRs of the DMA as LiteX places them, and the firmware compiles with what LiteX generates."""
    pytest.importorskip("litex", reason="needs LiteX: pip install 'repvgg-hw[soc]'")
    pytest.importorskip("ziglang", reason="needs a C compiler: pip install 'repvgg-hw[soc]'")
    from repvgg_hw.board.soc import firmware
    from repvgg_hw.board.soc.system import System, includes

    with simulate.quiet():
        system = System(folder, 1 << 15)
    headers = system.headers()
    csr = headers["generated/csr.h"]
    placed = {
        name: int(value, 0)
        for name, value in re.findall(r"#define CSR_RVG_(\w+)_ADDR \(CSR_BASE \+ (0x\w+)L\)", csr)
    }
    (base,) = {int(v, 0) for v in re.findall(r"#define CSR_RVG_BASE \(CSR_BASE \+ (0x\w+)L\)", csr)}
    driver = (folder / "driver/c/rvg_dma.c").read_text()
    written = {name: int(value, 0) for name, value in re.findall(r"#define (\w+) (0x\w+)u", driver)}
    for transfer in ("SEND", "RECEIVE"):
        for register in ("BASE", "LENGTH", "ENABLE", "ACTIVE", "DONE", "COUNT"):
            offset = base + written[transfer] + written[register]
            assert placed[f"{transfer}_{register}"] == offset, (transfer, register)
    monkeypatch.chdir(tmp_path)  # as `make soc` does, which names folders from where it stands
    binary = firmware.compile_for(folder, IMAGES, headers, includes(), Path())
    assert IMAGES.tobytes() in binary.read_bytes()
    assert 1000 < binary.stat().st_size - IMAGES.nbytes < simulate.CODE_BYTES
    broken = dict(headers, **{"generated/mem.h": "#error no memory\n"})
    with pytest.raises(CheckFailed, match="the firmware does not compile"):
        firmware.compile_for(folder, IMAGES, broken, includes(), tmp_path)


def test_a_missing_package_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulate, "PACKAGES", ("no_such_package", "sys"))
    with pytest.raises(InputError, match=r"no_such_package: pip install 'repvgg-hw\[soc\]'"):
        simulate.check_packages()


def test_what_is_goldens_passes() -> None:
    found = console.judge(SAID, WORDS, 2)
    assert found.classes.tolist() == [0, 1]
    assert found.cycles.tolist() == [100, 101]
    assert (found.batch, found.uptime) == (150, 9000)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("0 100 5 -7 0", "0 100 5 7 0", "image 0, alone, logit 1: golden says -7, it says 7"),
        ("batch 1 2 9 1", "batch 1 2 9 0", "image 1, in one run with all, class 0: golden says 1"),
        ("batch 1 2 9 1\n", "", "image 1, in one run with all: 0 of 3 words"),
        ("101 2 9 1", "101 2 9", "image 1, alone: 2 of 3 words"),
        (
            "result 1",
            "error: the accelerator is busy\nresult 1",
            "the firmware says: the accelerator is busy",
        ),
        ("end\n", "", "last lines are missing"),
        ("cycles 150 9000", "cycles 150", "last lines are missing"),
        ("batch 0", "botch 0", "no words for"),
        ("5 -7 0", "5 x 0", "no numbers"),
    ],
)
def test_what_is_not_is_named(old: str, new: str, says: str) -> None:
    with pytest.raises(CheckFailed, match=re.escape(says)):
        console.judge(SAID.replace(old, new, 1), WORDS, 2)


def test_a_program_is_laid_out_as_in_memory() -> None:
    """Two segments with a gap, one of them zeros alone; and no other kind of file."""
    heads = [(1, 200, 0, 0x10, 4, 4), (1, 204, 0, 0x18, 2, 2), (1, 0, 0, 0x100, 0, 64), (6, 200, 0, 0, 4, 4)]
    table = b"".join(struct.pack("<8I", *head, 0, 0) for head in heads)
    top = b"\x7fELF\x01\x01".ljust(28, b"\0") + struct.pack("<I", 52)
    file = (top.ljust(42, b"\0") + struct.pack("<HH", 32, len(heads))).ljust(52, b"\0") + table
    file = file.ljust(200, b"\0") + b"abcdef"
    assert elf.image(file, 0x10) == b"abcd\0\0\0\0ef"
    with pytest.raises(CheckFailed, match="no little-endian 32-bit ELF"):
        elf.image(file.replace(b"ELF\x01\x01", b"ELF\x02\x01"))
