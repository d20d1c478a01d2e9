"""The simulated SoC: VexRiscv, ROM, SRAM, LiteDRAM in front of a model of an SDRAM, UART, accelerator.

LiteX writes its Verilog; simulator and firmware are built elsewhere (`simulate.py`, `firmware.py`). LiteX is
needed by this module and no other.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from litedram.init import get_sdram_phy_c_header
from litedram.modules import MT48LC16M16
from litedram.phy.model import SDRAMPHYModel
from litex.build.generic_platform import Pins, Subsignal
from litex.build.io import CRG
from litex.build.sim import SimPlatform
from litex.soc.integration import export
from litex.soc.integration.common import get_mem_data
from litex.soc.integration.soc_core import SoCCore

CLOCK_HZ = 100_000_000  # which the DRAM's timing is calculated for
DRAM_BITS = 32
SRAM_BYTES = 8192
TOP = "soc"
BYTE = {"valid": 1, "ready": 1, "data": 8}
PINS = [
    ("sys_clk", 0, Pins(1)),
    (
        *("serial", 0),
        *(
            Subsignal(f"{way}_{name}", Pins(bits))
            for way in ("source", "sink")
            for name, bits in BYTE.items()
        ),
    ),
]


def module_of(folder: Path) -> ModuleType:
    """The folder's package rvg_litex, as the user of a folder imports it."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "rvg_litex"]:
        del sys.modules[name]  # another folder's
    package = folder / "rvg_litex"
    spec = importlib.util.spec_from_file_location(
        "rvg_litex", package / "__init__.py", submodule_search_locations=[str(package)]
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["rvg_litex"] = module  # LiteX looks its classes' modules up
    spec.loader.exec_module(module)
    return module


class System(SoCCore):  # type: ignore[misc]
    """The SoC with the accelerator of a board's folder.

    rom_bytes  room of the firmware
    """

    def __init__(self, folder: Path, rom_bytes: int) -> None:
        platform = SimPlatform("SIM", list(PINS), name=TOP)
        super().__init__(
            platform,
            clk_freq=CLOCK_HZ,
            cpu_type="vexriscv",
            cpu_variant="standard",
            integrated_rom_size=rom_bytes,
            integrated_sram_size=SRAM_BYTES,
            uart_name="sim",
            timer_uptime=True,
            ident="repvgg-hw",
            ident_version=False,
        )
        self.crg = CRG(platform.request("sys_clk"))
        chip = MT48LC16M16(CLOCK_HZ, "1:1")
        self.sdrphy = SDRAMPHYModel(chip, data_width=DRAM_BITS, clk_freq=CLOCK_HZ)
        self.add_sdram("sdram", phy=self.sdrphy, module=chip, l2_cache_size=2048)
        self.rvg = module_of(folder).Accelerator(platform)
        self.rvg.attach(self)
        self.finalize()

    def headers(self) -> dict[str, str]:
        """What LiteX generates for firmware: name -> text."""
        controller = self.sdram.controller.settings
        csr = export.get_csr_header(
            regions=self.csr_regions,
            constants=self.constants,
            csr_base=self.mem_regions["csr"].origin,
            with_access_functions=True,
            with_fields_access_functions=False,
        )
        return {
            "generated/csr.h": csr,
            "generated/soc.h": export.get_soc_header(self.constants),
            "generated/mem.h": export.get_mem_header(self.mem_regions),
            "generated/sdram_phy.h": get_sdram_phy_c_header(
                controller.phy, controller.timing, controller.geom
            ),
            "regions.ld": export.get_linker_regions(self.mem_regions),
        }

    def verilog(self, firmware: Path, work: Path) -> list[Path]:
        """Write the SoC into `work`, `firmware` (a binary) in its ROM: the sources, its top last.

        Memories' contents lie in `work`, where the simulator must run.
        """
        self.init_rom("rom", get_mem_data(str(firmware), data_width=32, endianness="little"))
        written: Any = self.platform.get_verilog(self, name=TOP)
        top = work / f"{TOP}.v"
        for name, text in {top.name: written.main_source, **written.data_files}.items():
            (work / name).write_text(text)
        return [*(Path(name) for name, *_ in self.platform.sources), top]


def includes() -> list[Path]:
    """Folders of LiteX's headers for the CPU's firmware."""
    import litex

    root = Path(litex.__file__).parent / "soc"
    return [root / "software/include", root / "software", root / "cores/cpu/vexriscv"]
