"""The driver that ships, against an engine's RTL, with a memory that holds its ports to AXI's rules."""

from __future__ import annotations

import re

import engine_designs
import numpy as np
import pytest
from engine_board_bench import EngineBoardBench

from repvgg_hw.board import boards
from repvgg_hw.board.engine_wrapper import wrap

MEMORY = 1 << 16
IMAGES = np.random.default_rng(0).integers(0, 256, (7, 11, 14, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> EngineBoardBench:
    folder = tmp_path_factory.mktemp("board")
    wrapper = wrap(engine_designs.write(folder / "design"), boards.get("kv260"), 3, ())
    made = EngineBoardBench(wrapper, folder, MEMORY)
    made.build()
    return made


def test_the_shipped_driver_runs_the_hardware(built: EngineBoardBench) -> None:
    """Classes and logits, errors, aborts, resets: see sim/tb_board_engine.py. No port breaks a rule."""
    passed, log = built.run(IMAGES)
    assert passed, log[-4000:]
    assert "broken" not in log
    assert "dram_model" not in log
    assert len(re.findall(r"tb_board_engine\.\w+ passed", log)) == 10


# Two more: benchmarks/test_board_engine.py.
@pytest.mark.parametrize(
    ("breaks", "said"),
    [(1, "port 1, .*a burst crosses 4 KiB"), (3, "port 1, .*WLAST is not with the last beat")],
)
def test_a_broken_rule_is_found(built: EngineBoardBench, breaks: int, said: str) -> None:
    passed, log = built.run(IMAGES[:3], only="break_a_rule", breaks=breaks)
    assert not passed
    assert re.search(said, log), log[-2000:]
