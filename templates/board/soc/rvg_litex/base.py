# SPDX-License-Identifier: Apache-2.0
"""What every accelerator has in a SoC: sources, registers, an interrupt."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from litex.gen import LiteXModule
from litex.soc.integration.soc import SoCRegion
from litex.soc.interconnect import axi
from litex.soc.interconnect.csr_eventmanager import EventManager, EventSourceLevel
from migen import ClockSignal, Instance, ResetSignal

FOLDER = Path(__file__).resolve().parents[1]  # which `repvgg-hw board` has written
FACTS: dict[str, Any] = json.loads((FOLDER / "board.json").read_text())


class Base(LiteXModule):  # type: ignore[misc]
    """The top of this folder as an instance; whoever inherits connects its data and calls `instantiate`."""

    def __init__(self, platform: Any) -> None:
        self.control = axi.AXILiteInterface(data_width=32, address_width=32)
        self.builder: Callable[[], Any] = lambda: None
        for name in (FOLDER / "files.f").read_text().split():
            platform.add_source(str(FOLDER / name))

    def instantiate(self, data: Mapping[str, Any]) -> None:
        """With these ports beside clock, reset, registers and interrupt; names begin with i_ or o_."""
        # Behind whatever CSRs the data have, whose places driver/c knows.
        self.ev = EventManager()
        self.ev.run = EventSourceLevel(description="a run has ended, or an error")
        self.ev.finalize()
        control = self.control
        self.specials += Instance(
            FACTS["module"],
            i_aclk=ClockSignal("sys"),
            i_aresetn=~ResetSignal("sys"),
            o_interrupt=self.ev.run.trigger,
            **{f"i_s_axi_ctrl_aw{name}": getattr(control.aw, name) for name in ("valid", "prot")},
            **{f"i_s_axi_ctrl_ar{name}": getattr(control.ar, name) for name in ("valid", "prot")},
            i_s_axi_ctrl_awaddr=control.aw.addr[:12],
            i_s_axi_ctrl_araddr=control.ar.addr[:12],
            o_s_axi_ctrl_awready=control.aw.ready,
            o_s_axi_ctrl_arready=control.ar.ready,
            i_s_axi_ctrl_wdata=control.w.data,
            i_s_axi_ctrl_wstrb=control.w.strb,
            i_s_axi_ctrl_wvalid=control.w.valid,
            o_s_axi_ctrl_wready=control.w.ready,
            o_s_axi_ctrl_bresp=control.b.resp,
            o_s_axi_ctrl_bvalid=control.b.valid,
            i_s_axi_ctrl_bready=control.b.ready,
            o_s_axi_ctrl_rdata=control.r.data,
            o_s_axi_ctrl_rresp=control.r.resp,
            o_s_axi_ctrl_rvalid=control.r.valid,
            i_s_axi_ctrl_rready=control.r.ready,
            **data,
        )

    def attach_registers(self, soc: Any, name: str) -> None:
        """Registers at a region of that name, and the interrupt."""
        self.builder = lambda: getattr(soc, "builder", None)  # LiteX sets it later
        soc.bus.add_slave(name, self.control, SoCRegion(size=0x1000, cached=False))
        if soc.irq.enabled:
            soc.irq.add(name, use_loc_if_exists=True)

    def do_finalize(self) -> None:
        """Tables to where LiteX's Builder runs the tools: sources name them without a folder."""
        builder = self.builder()
        if builder is not None:
            for table in (FOLDER / "rtl").glob("*.mem"):
                shutil.copy(table, builder.gateware_dir)
