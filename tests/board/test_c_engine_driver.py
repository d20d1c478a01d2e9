"""The C driver for engines: compiles without a warning, makes inputs as golden does, says what is wrong."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import engine_designs
import numpy as np
import pytest

from repvgg_hw import golden
from repvgg_hw.board import boards, emit
from repvgg_hw.board.register_map import ENGINE
from repvgg_hw.board.wrap import wrap

FAKE = Path(__file__).with_name("fake_engine.c")
FLAGS = ("-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror")
SAID = {
    "none": "0 no error",
    "no_design": "no engine at the address",
    "other_map": "registers of another version",
    "other_design": "another engine",
    "busy": "the engine is busy",
    "stuck": "no end within the polls",
    "data_read": "a read through the data port failed",
    "watchdog": "nothing moved for as long as",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("c")
    design = engine_designs.write(made / "design")
    emit.write(emit.files(wrap(design, boards.get("kv260"), 1)), made / "board", force=False)
    return made / "board" / "driver"


def test_it_compiles_alone(folder: Path) -> None:
    """As it is shipped: registers by pointers."""
    command = ["cc", *FLAGS, "-Wconversion", "-c", "rvg.c", "-o", "rvg.o"]
    done = subprocess.run(command, cwd=folder / "c", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def program(folder: Path) -> Path:
    shutil.copy(FAKE, folder / "c")
    command = ["cc", *FLAGS, "-g", "-fsanitize=undefined", FAKE.name, "-o", "fake"]
    done = subprocess.run(command, cwd=folder / "c", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder / "c" / "fake"


@pytest.mark.parametrize("fault", SAID)
def test_every_fault_is_said_and_the_next_run_succeeds(program: Path, folder: Path, fault: str) -> None:
    done = subprocess.run([program, fault], capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert SAID[fault] in done.stdout
    if fault == "none":
        facts = json.loads((folder.parent / "board.json").read_text())
        steps = [facts["input_bytes"], facts["output_bytes"]]
        assert list(map(int, done.stdout.splitlines()[1].split())) == [
            *(0x1000, 0x2000, 0x3000, 0x4000, *steps, 3),
            1,  # the lower of two equal classes
        ]


def converted(program: Path, image: bytes, pixels: bytes) -> tuple[str, list[int]]:
    """What rvg_check_image says, and the bytes that rvg_input makes."""
    files = [program.with_name("image"), program.with_name("pixels")]
    for file, data in zip(files, (image, pixels), strict=True):
        file.write_bytes(data)
    done = subprocess.run([program, *files], capture_output=True, text=True, timeout=20, check=True)
    said, numbers = done.stdout.splitlines()
    return said, list(map(int, numbers.split()))


def test_inputs_and_images(program: Path, folder: Path) -> None:
    facts = json.loads(next(folder.glob("*.json")).read_text())
    height, width, channels = facts["shape"]
    pixels = np.random.default_rng(0).integers(0, 256, (1, height, width, channels), dtype=np.uint8)
    image = (folder / facts["image"]).read_bytes()
    said, found = converted(program, image, pixels.tobytes())
    assert said == "0 no error"
    wanted = golden.quantize_input(pixels, engine_designs.NETWORK)[0]
    assert facts["fold"] == 2  # even and odd rows and columns apart; beyond the last, odd row all is zero
    wanted = np.pad(wanted, ((0, 0), (0, height % 2), (0, width % 2)))
    wanted = np.stack([wanted[:, y::2, x::2] for y in (0, 1) for x in (0, 1)])
    lines = np.array(found, np.uint8).view(np.int8)
    lines = lines.reshape(4, channels, -(-height // 2), facts["pitch"])
    assert (lines[..., : -(-width // 2)] == wanted).all()
    for byte in (0, 8, 36, 63):  # magic, engine, network
        other = bytearray(image)
        other[byte] ^= 1
        assert "the image of another network" in converted(program, bytes(other), pixels.tobytes())[0]


def test_every_error_has_its_text(folder: Path) -> None:
    text = (folder / "c" / "rvg.c").read_text()
    for name, (_, said) in ENGINE.errors.items():
        if name not in ("none", "busy"):  # `busy` is no end of a run
            assert f'case RVG_ERROR_{name.upper()}: return "{said}";' in text
