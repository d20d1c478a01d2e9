"""The C driver compiles without a warning, and says what is wrong with a board that has a fault."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from board_network import wrapper

from repvgg_hw.board import boards, emit
from repvgg_hw.board.register_map import STREAM
from repvgg_hw.files import templates_dir

FAKE = Path(__file__).with_name("fake_board.c")
FLAGS = ("-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror")
SAID = {
    "none": "0 no error",
    "no_design": "no streaming design at the address",
    "other_map": "registers of another version",
    "other_design": "the bitstream of another design",
    "busy": "the accelerator is busy",
    "stuck": "no end within the polls",
    "dma": "the DMA failed",
    "short_results": "another number of results",
    "long": "did not end with the run's last frame",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("c")
    emit.write(emit.files(wrapper(made, boards.get("pynq-z2"))), made / "board", force=False)
    return made / "board" / "driver" / "c"


@pytest.mark.parametrize("dma", ["axi", "soc"])
def test_it_compiles_alone(folder: Path, tmp_path: Path, dma: str) -> None:
    """As it is shipped: registers by pointers; the DMA of either kind of board."""
    work = shutil.copytree(folder, tmp_path / "c")
    shutil.copy(templates_dir() / "board" / dma / "rvg_dma.c", work)
    command = ["cc", *FLAGS, "-c", "rvg.c", "rvg_dma.c"]
    done = subprocess.run(command, cwd=work, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def program(folder: Path) -> Path:
    shutil.copy(FAKE, folder)
    command = ["cc", *FLAGS[:-2], "-Werror", "-g", "-fsanitize=undefined", FAKE.name, "-o", "fake"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder / "fake"


@pytest.mark.parametrize("fault", SAID)
def test_every_fault_is_said_and_the_next_run_succeeds(program: Path, fault: str) -> None:
    done = subprocess.run([program, fault], capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert SAID[fault] in done.stdout
    if fault == "none":
        assert done.stdout.splitlines()[1] == "3 378 120 1000 2000"  # 126 bytes and 10 words a frame


def test_every_error_has_its_text(folder: Path) -> None:
    text = (folder / "rvg.c").read_text()
    for name, (_, said) in STREAM.errors.items():
        if name not in ("none", "busy"):  # `busy` is no end of a run
            assert f'case RVG_ERROR_{name.upper()}: return "{said}";' in text
