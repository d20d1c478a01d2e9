"""The driver that ships, against RTL: a small network with pixels that are no whole beats."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import board_network
import numpy as np
import pytest
from board_bench import BoardBench
from quick import some

from repvgg_hw import golden
from repvgg_hw.board import boards
from repvgg_hw.board.wrapper import Wrapper, expected, wrap
from repvgg_hw.errors import InputError
from repvgg_hw.targets.generate import generate

BOARD = boards.get("pynq-z2")
IMAGES = np.random.default_rng(0).integers(0, 256, (9, 7, 6, 3), dtype=np.uint8)


def wrapper(folder: Path, top: int = 3, logits: bool = True) -> Wrapper:
    return board_network.wrapper(folder, BOARD, top, logits)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> BoardBench:
    folder = tmp_path_factory.mktemp("board")
    made = BoardBench(wrapper(folder), folder)
    made.build()
    return made


def test_the_shipped_driver_runs_the_hardware(built: BoardBench) -> None:
    """Classes and logits, errors, aborts and resets: see sim/tb_board.py. No rule of a port is broken."""
    passed, log = built.run(IMAGES)
    assert passed, log[-4000:]
    assert "broken" not in log
    assert len(re.findall(r"tb_board\.\w+ passed", log)) == 9


@pytest.mark.slow
def test_maps(tmp_path: Path) -> None:
    """A design that ends with a map, through the same tests; a byte out of its place is found."""
    made = BoardBench(board_network.backbone(tmp_path, BOARD), tmp_path)
    made.build()
    passed, log = made.run(IMAGES)
    assert passed, log[-4000:]
    assert "broken" not in log
    assert len(re.findall(r"tb_board\.\w+ passed", log)) == 9
    driver = made.board / "driver/rvg_driver/stream.py"
    driver.write_text(driver.read_text().replace("transpose(0, 3, 1, 2)", "reshape(-1, *shape)"))
    passed, _ = made.run(IMAGES[:5], only="all_images_polling")
    assert not passed


@pytest.mark.parametrize(
    ("breaks", "said"),
    [
        ("s_axi_ctrl:stays", "broken rule of s_axi_ctrl: what was offered did not stay until it was taken"),
        ("s_axis:stays", "broken rule of s_axis: a beat did not stay until it was taken"),
        ("s_axis:keep", "broken rule of s_axis: a beat's bytes are not consecutive"),
        ("s_axis:full", "broken rule of s_axis: a beat within a packet is not full"),
    ],
)
def test_a_broken_rule_is_found(built: BoardBench, breaks: str, said: str) -> None:
    passed, log = built.run(IMAGES[:3], only="break_a_rule", breaks=breaks)
    assert not passed
    assert said in log


FAULTS = {
    "answer": (
        "rtl/rvg_axi_lite.sv",
        "if (s_axil_rready) s_axil_rvalid <= 1'b0;",
        "if (s_axil_rready) s_axil_rvalid <= s_axil_rvalid && !ar_full_q;",
        "broken rule of s_axi_ctrl: an answer to a read that has not come",
    ),
    "result": (
        "rtl/rvg_stream_run.sv",
        ".m_axis_tready(m_axis_result_tready)\n  );",
        ".m_axis_tready(1'b1)\n  );",
        "broken rule of m_axis: a beat did not stay until it was taken",
    ),
}


@pytest.mark.parametrize("name", some(FAULTS, 1))
def test_a_fault_of_the_design_breaks_a_rule(tmp_path: Path, name: str) -> None:
    file, old, new, said = FAULTS[name]
    made = BoardBench(wrapper(tmp_path), tmp_path, {file: (old, new)})
    made.build()
    passed, log = made.run(IMAGES[:5], only="all_images_polling")
    assert not passed
    assert said in log, log[-2000:]


def test_a_wrong_table_is_found_by_the_results(built: BoardBench) -> None:
    """It is read when the simulation begins: the simulator is the same."""
    table = built.board / "rtl/input_1.mem"
    sound = table.read_text()
    table.write_text("7f\n" * 256)
    try:
        passed, _ = built.run(IMAGES[:5], only="all_images_polling")
    finally:
        table.write_text(sound)
    assert not passed


def test_what_cannot_be_wrapped_is_refused(tmp_path: Path) -> None:
    design = wrapper(tmp_path).design
    for top in (0, 8):
        with pytest.raises(InputError, match=f"--top {top}: the network random has 7 classes"):
            wrap(design, BOARD, top, True)
    ends = board_network.backbone(tmp_path / "map", BOARD).design
    with pytest.raises(InputError, match="--top 1: the network random ends with a map, without classes"):
        wrap(ends, BOARD, 1, True)
    with pytest.raises(InputError, match=r"--no-logits: .* which is all that it sends"):
        wrap(ends, BOARD, None, False)


def test_identities_tell_designs_apart(tmp_path: Path) -> None:
    one = wrapper(tmp_path / "one")
    assert one.identity == wrapper(tmp_path / "two").identity
    others = [wrapper(tmp_path / "one", 2), wrapper(tmp_path / "one", 3, False)]
    network = dataclasses.replace(one.design.network, input_scale=1 / 51)
    changed = generate(network, tmp_path / "changed", one.design.request, {})
    others.append(wrap(changed, BOARD, 3, True))
    assert len({one.identity, *(other.identity for other in others)}) == 4


def test_expected_words_of_a_map_are_its_bytes(tmp_path: Path) -> None:
    """Rows, columns, channels, little-endian; by the definition of docs/architecture.md, byte by byte."""
    made = board_network.backbone(tmp_path, BOARD)
    words = expected(made, IMAGES[:2])
    network = made.design.network
    maps = golden.forward(golden.quantize_input(IMAGES[:2], network), network)
    assert words.shape == (2, 32)
    for image, channel, row, column in np.ndindex(maps.shape):
        byte = (row * 6 + column) * 3 + channel
        word = int(words[image, byte // 4])
        assert word >> 8 * (byte % 4) & 255 == maps[image, channel, row, column]
    assert (words[:, 31] >> 16 == 0).all()


def test_expected_words_are_logits_then_classes(tmp_path: Path) -> None:
    both, classes = wrapper(tmp_path), wrapper(tmp_path, 3, False)
    words = expected(both, IMAGES)
    assert words.shape == (len(IMAGES), 10)
    assert (words[:, 7] == words[:, :7].argmax(axis=1)).all()
    assert (words[:, 7:] == expected(classes, IMAGES)).all()
