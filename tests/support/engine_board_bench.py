"""Build an engine's board folder into a simulator with a memory, and run the shipped driver against it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from repvgg_hw import golden
from repvgg_hw.board import emit
from repvgg_hw.board.engine_wrapper import EngineWrapper
from repvgg_hw.files import environment, sim_dir
from repvgg_hw.targets.verilog.engine.emit import BENCH_SOURCES
from repvgg_hw.targets.verilog.simulator import verilator
from repvgg_hw.targets.verilog.simulator.promises import ASSERTIONS

WINDOW = 1024  # bytes of the host's way into the memory
OTHERS = ("axi_lite_rules.sv", *(name for name in BENCH_SOURCES if not name.endswith("_check.sv")))


def expected(wrapper: EngineWrapper, pixels: NDArray[np.uint8]) -> dict[str, Any]:
    """By golden, as sim/board_checks.py reads it: logits, then the likeliest classes; or maps."""
    network = wrapper.design.network
    values = golden.forward(golden.quantize_input(pixels, network), network)
    if network.linear is None:
        return {"maps": values}
    return {"expected": np.concatenate([values, golden.top_k(values, wrapper.networks[0].top)], axis=1)}


class EngineBoardBench:
    """An engine's board folder and its simulator, both below `folder`."""

    def __init__(
        self,
        wrapper: EngineWrapper,
        folder: Path,
        memory: int,
        faults: dict[str, tuple[str, str]] | None = None,
    ) -> None:
        """memory: bytes behind the ports, a power of two; faults: file -> (text, what stands there)"""
        self.wrapper, self.folder, self.memory, self.board = wrapper, folder, memory, folder / "board"
        emit.write(emit.files(wrapper), self.board, force=True)
        for name, (old, new) in (faults or {}).items():
            text = (self.board / name).read_text()
            assert old in text, name
            (self.board / name).write_text(text.replace(old, new))

    def build(self, optimize: str = "-O0", promises: bool = True) -> None:
        """promises: whether those of the library are checked, too"""
        top = self.folder / "bench.sv"
        weight, data = self.wrapper.memory_bytes
        context = {
            "module": self.wrapper.module,
            "ports": self.wrapper.ports,
            "bw": weight,
            "bd": data,
            "size": self.memory,
            "window": WINDOW,
        }
        template = environment(sim_dir()).get_template("board_engine_bench.sv.j2")
        top.write_text(template.render(context))
        own = [self.board / name for name in (self.board / "files.f").read_text().split()]
        verilator.build(
            [sim_dir() / "board_engine.vlt", *own, *(sim_dir() / name for name in OTHERS), top],
            "bench",
            self.folder / "build",
            arguments=ASSERTIONS if promises else (),
            optimize=optimize,
        )

    def run(self, images: NDArray[np.uint8], only: str = "", breaks: int = 0) -> tuple[bool, str]:
        """Run tb_board_engine on images (N, H, W, C): whether all passed, and what was printed.

        only    a pattern of the tests' names
        breaks  number of the fault of the bench with which break_a_rule runs
        """
        case, log = self.folder / "case.npz", self.folder / "board.log"
        interval = self.wrapper.design.plan.frame_interval
        np.savez(case, images=images, interval=interval, **expected(self.wrapper, images))
        driver = str(self.board / emit.DRIVER)
        passed = verilator.run(
            self.folder / "build",
            "bench",
            "tb_board_engine",
            modules_path=sim_dir(),
            work=self.folder,
            environment={
                "BOARD_DRIVER": driver,
                "BOARD_CASE": str(case),
                "BOARD_NAME": self.wrapper.name,
                "BOARD_MEMORY": str(self.memory),
                "BOARD_WINDOW": str(WINDOW),
                "BOARD_BREAK": str(breaks or ""),
                "COCOTB_TEST_FILTER": only,
                "PYTHONPATH": os.pathsep.join((driver, os.environ.get("PYTHONPATH", ""))),
            },
            results=self.folder / "board.xml",
            log=log,
        )
        return passed, log.read_text(errors="replace")
