"""The C driver compiles without a warning, and says what is wrong with a board that has a fault."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from board_network import backbone, wrapper

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


MAP = """
#include <stdio.h>
#include "rvg.h"
int main(void) {
  uint8_t result[RVG_DESIGN_RESULT_BYTES];
  for (uint32_t i = 0; i < sizeof result; i++) result[i] = (uint8_t)i;
  printf("%u %u %u\\n", RVG_DESIGN_RESULT_BYTES, RVG_DESIGN_LOGITS, rvg_value(result, 2, 6, 5));
  return 0;
}
"""


def test_a_maps_values_are_found(tmp_path: Path) -> None:
    """Of 3 channels, 7 rows, 6 columns, the last byte of all."""
    emit.write(emit.files(backbone(tmp_path, boards.get("pynq-z2"))), tmp_path / "board", force=False)
    work = tmp_path / "board" / "driver" / "c"
    (work / "main.c").write_text(MAP)
    command = ["cc", *FLAGS, "main.c", "rvg.c", "rvg_dma.c", "-o", "main"]
    done = subprocess.run(command, cwd=work, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert subprocess.run([work / "main"], capture_output=True, text=True, check=True).stdout == "128 0 125\n"


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
