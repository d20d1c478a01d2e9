"""The simulated LiteX SoC whole: `make soc`, and faults on the path of its pixels, results and registers."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "support"))
import engine_designs  # noqa: E402
from board_network import backbone, wrapper  # noqa: E402

from repvgg_hw.board import boards, emit, engine_wrapper  # noqa: E402
from repvgg_hw.board.engine_wrapper import EngineWrapper  # noqa: E402
from repvgg_hw.board.soc import simulate  # noqa: E402
from repvgg_hw.board.wrapper import Wrapper  # noqa: E402
from repvgg_hw.errors import CheckFailed  # noqa: E402

pytest.importorskip("litex", reason="needs LiteX: pip install 'repvgg-hw[soc]'")
IMAGES = np.random.default_rng(3).integers(0, 256, (3, 7, 6, 3), dtype=np.uint8)
FAULTS = {
    "pixels swapped": ("rvg_litex/dma.py", 'Reader(self.bus, endianness="big")', "Reader(self.bus)"),
    "results swapped": ("rvg_litex/dma.py", 'Writer(self.bus, endianness="big")', "Writer(self.bus)"),
    "a word less": ("rvg_litex/dma.py", "self.last.eq(word + 1 == words)", "self.last.eq(word + 2 == words)"),
    "keep of the last beat": ("rvg_litex/dma.py", "self.source.last & (rest != 0)", "0"),
    "registers elsewhere": ("rvg_litex/base.py", "control.ar.addr[:12]", "control.ar.addr[:12] ^ 4"),
    "frames out of their place": ("driver/c/rvg_dma.c", "+ BASE, address)", "+ BASE, address + 4)"),
    "an input out of its place": ("driver/c/rvg.c", "RVG_INPUT, input)", "RVG_INPUT, input + 64)"),
    "maps over the image": ("driver/c/rvg.c", "RVG_MAPS, rvg->maps)", "RVG_MAPS, rvg->image)"),
    "half a beat": ("rvg_litex/memory.py", "(beats + 1) * self.parts - 1", "beats"),
    "the memory elsewhere": ("rvg_litex/memory.py", "addr - base)", "addr - base + 64)"),
    "no memory": ("rvg_litex/engine.py", "(region.origin, region.size)", "(region.origin * 2, region.size)"),
}  # fmt: skip
OF_ENGINES = list(FAULTS)[6:]
Made = Callable[[Path], tuple[Wrapper | EngineWrapper, NDArray[np.uint8]]]


@pytest.mark.parametrize("architecture", ["stream", "engine"])
def test_make_soc(tmp_path: Path, architecture: str) -> None:
    """16 digits by the firmware, each word golden's; below ten minutes."""
    start = time.monotonic()
    output = os.path.relpath(tmp_path / "soc", ROOT)  # as `make soc`'s, which is no absolute one
    command = [sys.executable, "-m", "examples.digits.soc", "--output", output]
    command += ["--architecture", architecture]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=1500, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert "16 of 16" in done.stdout
    assert time.monotonic() - start < 600


def small(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    fault: tuple[str, str, str] | None,
    made: Wrapper | EngineWrapper,
    images: NDArray[np.uint8],
) -> None:
    """A small network's SoC, with a fault in a file of the board's folder."""
    files = emit.files(made)
    if fault is not None:
        name, old, new = fault
        text = str(files[name])
        assert old in text
        files[name] = text.replace(old, new)
        monkeypatch.setattr(emit, "files", lambda _: files)
    simulate.build(made, images, folder, "-O0")
    simulate.run(made, images, folder, 300_000)


def streaming(folder: Path) -> tuple[Wrapper, NDArray[np.uint8]]:
    """126 bytes a frame, which are no whole words."""
    return wrapper(folder, boards.get("litex")), IMAGES


def ending_with_a_map(folder: Path) -> tuple[Wrapper, NDArray[np.uint8]]:
    """126 bytes a result, which are no whole words."""
    return backbone(folder, boards.get("litex")), IMAGES


def on_an_engine(folder: Path) -> tuple[EngineWrapper, NDArray[np.uint8]]:
    """Ports of 64 bits before a controller of 32."""
    design = engine_designs.write(folder / "design")
    channels, height, width = design.network.in_shape
    pixels = np.random.default_rng(4).integers(0, 256, (3, height, width, channels), dtype=np.uint8)
    return engine_wrapper.wrap(design, boards.get("litex"), 1, ()), pixels


@pytest.mark.parametrize("made", [streaming, ending_with_a_map, on_an_engine])
def test_a_small_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, made: Made) -> None:
    small(tmp_path, monkeypatch, None, *made(tmp_path))


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    made = on_an_engine if fault in OF_ENGINES else streaming
    with pytest.raises(CheckFailed, match="simulated SoC: "):
        small(tmp_path, monkeypatch, FAULTS[fault], *made(tmp_path))
