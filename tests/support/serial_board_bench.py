"""Build a design's folder for a board behind a serial line, and run the shipped driver at its pins."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from repvgg_hw import __version__, golden
from repvgg_hw.board import bitstream, emit
from repvgg_hw.board.wrapper import Wrapper, expected
from repvgg_hw.files import environment, sim_dir
from repvgg_hw.synth import netlist
from repvgg_hw.targets.verilog.simulator import verilator
from repvgg_hw.targets.verilog.simulator.promises import ASSERTIONS

Fault = Callable[[str], str]
PINS = {
    "ulx3s": ("clk_25mhz", "ftdi_txd", "ftdi_rxd", "btn", "led", "wifi_gpio0"),
    "orangecrab": ("clk48", "serial_rx", "serial_tx", "usr_btn", "rgb_led_r", "rgb_led_g", "rgb_led_b"),
}


def build(wrapper: Wrapper, folder: Path, optimize: str = "-O0") -> None:
    """The folder `board` and its simulator, below `folder`."""
    emit.write(emit.files(wrapper), folder / "board", force=True)
    own = [folder / "board" / name for name in (folder / "board" / "files.f").read_text().split()]
    others = [sim_dir() / name for name in ("cells/EHXPLLL.sv", "rvg_assert.sv", "rvg_assert_stream.sv")]
    verilator.build(
        [_published(wrapper, folder), sim_dir() / "network.vlt", *others, *own],
        wrapper.module,
        folder / "build",
        arguments=[*ASSERTIONS, "-fno-dfg", "-fno-table"],
        optimize=optimize,
    )


def build_netlist(wrapper: Wrapper, folder: Path, optimize: str = "-O0", fault: Fault | None = None) -> None:
    """As `build`, but of the netlist that becomes the bitstream; memories stay RTL.

    fault  what becomes of the netlist's text
    """
    board = folder / "board"
    emit.write(emit.files(wrapper), board, force=True)
    work = bitstream.synthesise(board, wrapper.module)
    stem = work / bitstream.STEM
    cells = [work / f"cells_{path.stem}.sv" for path in netlist.models(bitstream.ECP5)]
    for path, model in zip(cells, netlist.models(bitstream.ECP5), strict=True):
        path.write_text(netlist.included(model))
    found = netlist.memories(stem.with_suffix(".memories.json"))
    named, text = work / "netlist_memories.sv", stem.with_suffix(".v")
    template = environment(sim_dir()).get_template("netlist_memories.sv.j2")
    named.write_text(template.render(memories=found, version=__version__))
    if fault is not None:
        text.write_text(fault(text.read_text()))
    used = sorted({memory.module for memory in found})
    files = [*cells, *(board / "rtl" / f"{name}.sv" for name in used), named, text]
    pll = [sim_dir() / "cells/EHXPLLL.sv"] if "EHXPLLL" in text.read_text() else []
    verilator.build(
        [_published(wrapper, folder), *pll, *files],
        wrapper.module,
        folder / "build",
        arguments=["-Wno-lint"],
        optimize=optimize,
    )


def _published(wrapper: Wrapper, folder: Path) -> Path:
    """What a bench sees: the pins."""
    lines = [f'public_flat_rw -module "{wrapper.module}" -var "{pin}"' for pin in PINS[wrapper.board.suffix]]
    publish = folder / "publish.vlt"
    publish.write_text("\n".join(["`verilator_config", *lines]) + "\n")
    return publish


def run(wrapper: Wrapper, folder: Path, images: NDArray[np.uint8], only: str = "") -> tuple[bool, str]:
    """Run tb_serial_board on images (N, H, W, C): whether all passed, and what was printed.

    only  a pattern of the tests' names
    """
    case, log = folder / "case.npz", folder / "board.log"
    network = wrapper.design.network
    maps: Any = golden.forward(golden.quantize_input(images, network), network) if wrapper.map else ()
    np.savez(case, images=images, expected=expected(wrapper, images), maps=maps)
    facts = wrapper.board.context(wrapper.frame_bytes, 0)
    patience = facts["silence"] + 40 * facts["clocks_per_bit"] + 2 * wrapper.design.plan.latency_estimate
    driver = str(folder / "board" / emit.DRIVER)
    passed = verilator.run(
        folder / "build",
        wrapper.module,
        "tb_serial_board",
        modules_path=sim_dir(),
        work=folder / "board" / "rtl",
        environment={
            "BOARD_DRIVER": driver,
            "BOARD_CASE": str(case),
            "BOARD_NAME": wrapper.name,
            "COCOTB_TEST_FILTER": only,
            "BOARD_PINS": wrapper.board.suffix,
            "BOARD_BIT": str(facts["clocks_per_bit"]),
            "BOARD_PATIENCE": str(patience),
            "PYTHONPATH": os.pathsep.join((driver, os.environ.get("PYTHONPATH", ""))),
        },
        results=folder / "board.xml",
        log=log,
    )
    return passed, log.read_text(errors="replace")
