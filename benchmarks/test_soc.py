"""The simulated LiteX SoC whole: `make soc`, and faults on the path of its pixels, results and registers."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "support"))
from board_network import wrapper  # noqa: E402

from repvgg_hw.board import boards, emit  # noqa: E402
from repvgg_hw.board.soc import simulate  # noqa: E402
from repvgg_hw.errors import CheckFailed  # noqa: E402

pytest.importorskip("litex", reason="needs LiteX: pip install 'repvgg-hw[soc]'")
IMAGES = np.random.default_rng(3).integers(0, 256, (3, 7, 6, 3), dtype=np.uint8)
FAULTS = {
    "pixels swapped": ("rvg_litex.py", 'Reader(self.bus, endianness="big")', "Reader(self.bus)"),
    "results swapped": ("rvg_litex.py", 'Writer(self.bus, endianness="big")', "Writer(self.bus)"),
    "a word less": ("rvg_litex.py", "self.last.eq(word + 1 == words)", "self.last.eq(word + 2 == words)"),
    "keep of the last beat": ("rvg_litex.py", "self.source.last & (rest != 0)", "0"),
    "registers elsewhere": ("rvg_litex.py", "control.ar.addr[:12]", "control.ar.addr[:12] ^ 4"),
    "frames out of their place": ("driver/c/rvg_dma.c", "+ BASE, address)", "+ BASE, address + 4)"),
}  # fmt: skip


def test_make_soc(tmp_path: Path) -> None:
    """16 digits by the firmware, each word golden's; below ten minutes."""
    start = time.monotonic()
    command = [sys.executable, "-m", "examples.digits.soc", "--output", str(tmp_path / "soc")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=1500, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert "16 of 16" in done.stdout
    assert time.monotonic() - start < 600


def small(folder: Path, monkeypatch: pytest.MonkeyPatch, fault: tuple[str, str, str] | None) -> None:
    """A small network's SoC, with a fault in a file of the board's folder."""
    made = wrapper(folder, boards.get("litex"))
    files = emit.files(made)
    if fault is not None:
        name, old, new = fault
        text = str(files[name])
        assert old in text
        files[name] = text.replace(old, new)
        monkeypatch.setattr(emit, "files", lambda _: files)
    simulate.build(made, IMAGES, folder, "-O0")
    simulate.run(made, IMAGES, folder, 300_000)


def test_a_small_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """126 bytes a frame, which are no whole words."""
    small(tmp_path, monkeypatch, None)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    with pytest.raises(CheckFailed, match="simulated SoC: "):
        small(tmp_path, monkeypatch, FAULTS[fault])
