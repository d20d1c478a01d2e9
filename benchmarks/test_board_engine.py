"""The shipped driver against a whole engine in RTL: digits; and faults of the engine that monitors find."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "support"))
import engine_cases  # noqa: E402
import engine_designs  # noqa: E402
from click.testing import CliRunner  # noqa: E402
from engine_board_bench import EngineBoardBench  # noqa: E402

from examples.digits import data  # noqa: E402
from repvgg_hw import design as designs  # noqa: E402
from repvgg_hw.board import boards  # noqa: E402
from repvgg_hw.board.engine_wrapper import wrap  # noqa: E402
from repvgg_hw.cli import main  # noqa: E402
from repvgg_hw.design import Design  # noqa: E402

KV260 = boards.get("kv260")
IMAGES = np.random.default_rng(0).integers(0, 256, (3, 11, 14, 3), dtype=np.uint8)


def digits(folder: Path, count: int) -> tuple[Design[Any], NDArray[np.uint8]]:
    """The digits network on a small engine, and so many test images."""
    paths = data.write(folder)
    checkpoint = ROOT / "examples" / "digits" / "digits.safetensors"
    words = [
        *("generate", "--weights", checkpoint, "-o", folder / "design", "--input-size", data.SIZE),
        *("--calibration", paths["calibration"], "--mean", data.MEAN, "--std", data.STD),
        *("--architecture", "engine", "--multipliers", 100),
    ]
    made = CliRunner().invoke(main, [str(word) for word in words])
    assert made.exit_code == 0, made.output
    with np.load(paths["test"]) as test:
        return designs.load(folder / "design"), test["images"][:count]


def test_driver_on_digits(tmp_path: Path) -> None:
    """32 images under latencies of 20 to 200 cycles and back-pressure; every error, abort and reset."""
    design, images = digits(tmp_path, 32)
    bench = EngineBoardBench(wrap(design, KV260, 3, ()), tmp_path, 1 << 20)
    bench.build("-O2")
    passed, log = bench.run(images)
    assert passed, log[-4000:]
    assert "broken" not in log
    assert "dram_model" not in log


def test_maps(tmp_path: Path) -> None:
    """A network that ends with its last map, through the same tests; a row out of its place is found."""
    network = engine_cases.network_of([(5, 2, 1), (6, 1, 1), (7, 1, 1)], (3, 11, 14), classes=0)
    design = engine_designs.write(tmp_path / "design", network)
    bench = EngineBoardBench(wrap(design, KV260, None, ()), tmp_path, 1 << 16)
    bench.build()
    passed, log = bench.run(IMAGES)
    assert passed, log[-4000:]
    assert "broken" not in log
    assert "dram_model" not in log
    assert len(re.findall(r"tb_board_engine\.\w+ passed", log)) == 10
    driver = bench.board / "driver/rvg_driver/engine.py"
    driver.write_text(driver.read_text().replace("lines[..., :width]", "lines[..., ::-1, :width]"))
    passed, _ = bench.run(IMAGES, only="all_images_polling")
    assert not passed


@pytest.mark.parametrize(
    ("breaks", "said"),
    [
        (2, "port 1, .*a burst begins within a beat"),
        (4, "port 1, .*valid or payload changed before it was taken"),
    ],
)
def test_a_broken_rule_is_found(small: EngineBoardBench, breaks: int, said: str) -> None:
    passed, log = small.run(IMAGES, only="break_a_rule", breaks=breaks)
    assert not passed
    assert re.search(said, log), log[-2000:]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> EngineBoardBench:
    return small_bench(tmp_path_factory.mktemp("small"))


def small_bench(folder: Path, faults: dict[str, tuple[str, str]] | None = None) -> EngineBoardBench:
    """With faults the library's own promises are not checked, so that the ports' monitors must find them."""
    wrapper = wrap(engine_designs.write(folder / "design"), KV260, 3, ())
    made = EngineBoardBench(wrapper, folder, 1 << 16, faults)
    made.build(promises=not faults)
    return made


FAULTS = {
    "answer": (
        "rtl/rvg_axi_lite.sv",
        "if (s_axil_rready) s_axil_rvalid <= 1'b0;",
        "if (s_axil_rready) s_axil_rvalid <= s_axil_rvalid && !ar_full_q;",
        "broken rule of s_axi_ctrl: an answer to a read that has not come",
    ),
    "page": (
        "rtl/rvg_axi_split.sv",
        "BEATS_W'(to_page) < BEATS_W'(MAX_BURST) ?",
        "1'b0 ?",
        "dram_model: port ., +A[RW]: a burst crosses 4 KiB",
    ),
    "wlast": (
        "rtl/rvg_axi_write.sv",
        "= sent_q == length - 1'b1;",
        "= sent_q == length;",
        "dram_model: port 1, +W: WLAST is not with the last beat",
    ),
    "changes": (
        "rtl/rvg_axi_read.sv",
        "= !m_axi_arvalid || m_axi_arready;",
        "= 1'b1;",
        "dram_model: port ., +AR: valid or payload changed before it was taken",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_of_the_engine_breaks_a_rule(tmp_path: Path, name: str) -> None:
    file, old, new, said = FAULTS[name]
    passed, log = small_bench(tmp_path, {file: (old, new)}).run(IMAGES, only="all_images_polling")
    assert not passed
    assert re.search(said, log), log[-2000:]
