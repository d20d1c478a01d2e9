"""Build a design's board folder into a simulator, and run the shipped driver against it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from repvgg_hw import golden
from repvgg_hw.board import emit
from repvgg_hw.board.wrapper import Wrapper, expected
from repvgg_hw.files import environment, sim_dir
from repvgg_hw.targets.verilog.simulator import verilator
from repvgg_hw.targets.verilog.simulator.promises import ASSERTIONS

LITE = {  # the channels' signals of AXI4-Lite: (driven by the master, bits)
    "awaddr": (1, 12), "awvalid": (1, 1), "awready": (0, 1), "wdata": (1, 32), "wstrb": (1, 4),
    "wvalid": (1, 1), "wready": (0, 1), "bresp": (0, 2), "bvalid": (0, 1), "bready": (1, 1),
    "araddr": (1, 12), "arvalid": (1, 1), "arready": (0, 1), "rdata": (0, 32), "rresp": (0, 2),
    "rvalid": (0, 1), "rready": (1, 1),
}  # fmt: skip
STREAM = {"tdata": 8, "tkeep": 1, "tlast": 0, "tvalid": 0}  # bits a byte; 0: one bit


def bench(wrapper: Wrapper) -> str:
    """The bench's top."""
    ports = [(f"s_axi_ctrl_{name}", bool(driven), bits) for name, (driven, bits) in LITE.items()]
    for prefix, width, driven in (("s_axis", wrapper.board.bytes, True), ("m_axis", 4, False)):
        ports += [(f"{prefix}_{name}", driven, bits * width or 1) for name, bits in STREAM.items()]
        ports.append((f"{prefix}_tready", not driven, 1))
    return (
        environment(sim_dir())
        .get_template("board_bench.sv.j2")
        .render(
            module=wrapper.module,
            bytes=wrapper.board.bytes,
            driven=[(name, bits) for name, driven, bits in ports if driven],
            read=[(name, bits) for name, driven, bits in ports if not driven],
        )
    )


class BoardBench:
    """A design's board folder and its simulator, both below `folder`."""

    def __init__(
        self, wrapper: Wrapper, folder: Path, faults: dict[str, tuple[str, str]] | None = None
    ) -> None:
        """faults: file -> (text, what stands there instead)"""
        self.wrapper, self.folder, self.board = wrapper, folder, folder / "board"
        emit.write(emit.files(wrapper), self.board, force=True)
        for name, (old, new) in (faults or {}).items():
            text = (self.board / name).read_text()
            assert old in text, name
            (self.board / name).write_text(text.replace(old, new))

    def build(self, optimize: str = "-O0") -> None:
        top = self.folder / "bench.sv"
        top.write_text(bench(self.wrapper))
        own = [self.board / name for name in (self.board / "files.f").read_text().split()]
        rules = ("axi_stream_rules.sv", "axi_lite_rules.sv", "rvg_assert.sv", "rvg_assert_stream.sv")
        verilator.build(
            [sim_dir() / "network.vlt", *own, *(sim_dir() / name for name in rules), top],
            "bench",
            self.folder / "build",
            arguments=[*ASSERTIONS, "-fno-dfg", "-fno-table"],
            optimize=optimize,
        )

    def run(self, images: NDArray[np.uint8], only: str = "", breaks: str = "") -> tuple[bool, str]:
        """Run tb_board on images (N, H, W, C): whether all passed, and what was printed.

        only    a pattern of the tests' names
        breaks  the rule that the test break_a_rule breaks
        """
        case = self.folder / "case.npz"
        network, interval = self.wrapper.design.network, self.wrapper.design.plan.frame_interval
        results: dict[str, Any] = {"expected": expected(self.wrapper, images)}
        if self.wrapper.map:
            results = {"maps": golden.forward(golden.quantize_input(images, network), network)}
        np.savez(case, images=images, interval=interval, **results)
        log = self.folder / "board.log"
        driver = str(self.board / emit.DRIVER)
        passed = verilator.run(
            self.folder / "build",
            "bench",
            "tb_board",
            modules_path=sim_dir(),
            work=self.board / "rtl",
            environment={
                "BOARD_DRIVER": driver,
                "BOARD_CASE": str(case),
                "BOARD_NAME": self.wrapper.name,
                "PYTHONPATH": os.pathsep.join(
                    (str(self.board / emit.DRIVER), os.environ.get("PYTHONPATH", ""))
                ),
                "COCOTB_TEST_FILTER": only,
                "BOARD_BREAK": breaks,
            },
            results=self.folder / "board.xml",
            log=log,
        )
        return passed, log.read_text(errors="replace")
