# SPDX-License-Identifier: Apache-2.0
"""The accelerator of this folder as a LiteX module: registers, DMA both ways, an interrupt.

    from rvg_litex import Accelerator
    self.rvg = Accelerator(platform)          # in a SoC's __init__
    self.rvg.attach(self)                     # a slave and two masters of its bus, CSRs, an interrupt

The registers (registers.md) are a region `rvg` of the bus, reached through LiteX's bridge to AXI4-Lite; those
of the DMA are CSRs `rvg_send_*` and `rvg_receive_*`. driver/c/ drives both. Needs LiteX and nothing else.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from litex.gen import LiteXModule
from litex.soc.cores.dma import WishboneDMAReader, WishboneDMAWriter
from litex.soc.integration.soc import SoCRegion
from litex.soc.interconnect import axi, stream, wishbone
from litex.soc.interconnect.csr import CSRStatus, CSRStorage
from litex.soc.interconnect.csr_eventmanager import EventManager, EventSourceLevel
from migen import ClockSignal, If, Instance, Mux, ResetInserter, ResetSignal, Signal

HERE = Path(__file__).resolve().parent
WORD_BYTES = 4


def memory_port() -> Any:
    """A master of a 32-bit Wishbone bus."""
    return wishbone.Interface(data_width=8 * WORD_BYTES, address_width=32, addressing="word")


class _Transfer(LiteXModule):  # type: ignore[misc]
    """CSRs of a transfer, and its words counted.

    ENABLE = 1 begins it, DONE says that its last word went; ENABLE = 0 breaks it off, and once ACTIVE is 0
    nothing is left of it. A word whose bus cycle has begun is always finished: LiteX's L2 cache answers
    whoever has the bus by then.
    """

    def __init__(self) -> None:
        self.base = CSRStorage(32, description="first byte, a whole word")
        self.length = CSRStorage(32, description="bytes")
        self.enable = CSRStorage(description="1: begin; 0: break off")
        self.active = CSRStatus(description="a word may still go")
        self.done = CSRStatus(description="the last word went")
        self.count = CSRStatus(32, description="bytes that went, of whole words")
        self.moved = Signal()  # a word goes
        self.ends = Signal()  # it is the last one
        self.waits = Signal()  # no word's bus cycle is under way
        self.working = working = Signal()
        self.word = word = Signal(30)
        self.address = Signal(30)
        self.last = Signal()

        words = Signal(30)
        self.comb += [
            words.eq((self.length.storage + WORD_BYTES - 1) >> 2),
            self.address.eq(self.base.storage[2:] + word),
            self.last.eq(word + 1 == words),
            self.active.status.eq(working),
            self.count.status.eq(word << 2),
        ]
        self.sync += [
            If(working,
                If(self.moved,
                    word.eq(word + 1),
                    If(self.ends, self.done.status.eq(1)),
                    If(self.ends | ~self.enable.storage, working.eq(0)),
                ).Elif(self.waits & ~self.enable.storage,
                    working.eq(0),
                ),
            ).Elif(~self.enable.storage,
                word.eq(0),
                self.done.status.eq(0),
            ).Elif(~self.done.status & (words != 0),
                working.eq(1),
            ),
        ]  # fmt: skip


class Send(_Transfer):
    """Memory -> a packet: `source`, 32 bits a beat, `keep` of its last one as LENGTH says."""

    def __init__(self) -> None:
        super().__init__()
        self.bus = memory_port()
        self.source = stream.Endpoint([("data", 32), ("keep", WORD_BYTES)])
        # "big" is LiteX's name for bytes left as they lie: the first byte low.
        self.reader = reader = ResetInserter()(WishboneDMAReader(self.bus, endianness="big"))
        rest = self.length.storage[:2]
        full = 2**WORD_BYTES - 1
        self.comb += [
            reader.reset.eq(~self.working & ~self.enable.storage),  # words that nobody has taken
            reader.sink.valid.eq(self.working),
            reader.sink.address.eq(self.address),
            reader.sink.last.eq(self.last),
            self.moved.eq(reader.sink.valid & reader.sink.ready),
            self.ends.eq(self.last),
            self.waits.eq(~self.bus.stb),
            reader.source.connect(self.source, omit={"keep"}),
            self.source.keep.eq(Mux(self.source.last & (rest != 0), (1 << rest) - 1, full)),
        ]


class Receive(_Transfer):
    """A packet `sink`, 32 bits a beat, -> memory: up to its last beat or LENGTH, whichever comes first."""

    def __init__(self) -> None:
        super().__init__()
        self.bus = memory_port()
        self.sink = stream.Endpoint([("data", 32)])
        self.writer = writer = WishboneDMAWriter(self.bus, endianness="big")
        self.comb += [
            writer.sink.valid.eq(self.sink.valid & self.working),
            writer.sink.address.eq(self.address),
            writer.sink.data.eq(self.sink.data),
            self.sink.ready.eq(writer.sink.ready & self.working),
            self.moved.eq(self.sink.valid & self.sink.ready),
            self.ends.eq(self.last | self.sink.last),
            self.waits.eq(~self.sink.valid),
        ]


class Accelerator(LiteXModule):  # type: ignore[misc]
    """The accelerator with its DMA; `attach` connects it to a SoC."""

    def __init__(self, platform: Any) -> None:
        self.control = control = axi.AXILiteInterface(data_width=32, address_width=32)
        self.send, self.receive = Send(), Receive()
        self.ev = EventManager()
        self.ev.run = EventSourceLevel(description="a run has ended, or an error")
        self.ev.finalize()
        self.builder: Callable[[], Any] = lambda: None
        for name in (HERE / "files.f").read_text().split():
            platform.add_source(str(HERE / name))
        pixels, results = self.send.source, self.receive.sink
        ports = {
            **{f"i_s_axi_ctrl_aw{name}": getattr(control.aw, name) for name in ("valid", "prot")},
            **{f"i_s_axi_ctrl_ar{name}": getattr(control.ar, name) for name in ("valid", "prot")},
            "i_s_axi_ctrl_awaddr": control.aw.addr[:12],
            "i_s_axi_ctrl_araddr": control.ar.addr[:12],
            "o_s_axi_ctrl_awready": control.aw.ready,
            "o_s_axi_ctrl_arready": control.ar.ready,
            "i_s_axi_ctrl_wdata": control.w.data,
            "i_s_axi_ctrl_wstrb": control.w.strb,
            "i_s_axi_ctrl_wvalid": control.w.valid,
            "o_s_axi_ctrl_wready": control.w.ready,
            "o_s_axi_ctrl_bresp": control.b.resp,
            "o_s_axi_ctrl_bvalid": control.b.valid,
            "i_s_axi_ctrl_bready": control.b.ready,
            "o_s_axi_ctrl_rdata": control.r.data,
            "o_s_axi_ctrl_rresp": control.r.resp,
            "o_s_axi_ctrl_rvalid": control.r.valid,
            "i_s_axi_ctrl_rready": control.r.ready,
            "i_s_axis_tdata": pixels.data,
            "i_s_axis_tkeep": pixels.keep,
            "i_s_axis_tlast": pixels.last,
            "i_s_axis_tvalid": pixels.valid,
            "o_s_axis_tready": pixels.ready,
            "o_m_axis_tdata": results.data,
            "o_m_axis_tkeep": Signal(WORD_BYTES),
            "o_m_axis_tlast": results.last,
            "o_m_axis_tvalid": results.valid,
            "i_m_axis_tready": results.ready,
        }
        self.specials += Instance(
            json.loads((HERE / "board.json").read_text())["module"],
            i_aclk=ClockSignal("sys"),
            i_aresetn=~ResetSignal("sys"),
            o_interrupt=self.ev.run.trigger,
            **ports,
        )

    def attach(self, soc: Any, name: str = "rvg") -> None:
        """Registers at a region `name`, both transfers as masters, the interrupt.

        Call it once, in the SoC's __init__. Raises ValueError where its CSRs are not the C driver's.
        The masters are on the SoC's bus, so what they read and write is what the CPU's L2 cache holds; a data
        cache of the CPU has to be flushed before results are read.
        """
        if soc.csr.data_width != 32:
            raise ValueError(
                f"{name}: driver/c takes CSRs of 32 bits (csr_data_width=32), not {soc.csr.data_width}"
            )
        self.builder = lambda: getattr(soc, "builder", None)  # LiteX sets it later
        soc.bus.add_slave(name, self.control, SoCRegion(size=0x1000, cached=False))
        soc.bus.add_master(f"{name}_send", master=self.send.bus)
        soc.bus.add_master(f"{name}_receive", master=self.receive.bus)
        if soc.irq.enabled:
            soc.irq.add(name, use_loc_if_exists=True)

    def do_finalize(self) -> None:
        """Tables to where LiteX's Builder runs the tools: sources name them without a folder."""
        builder = self.builder()
        if builder is not None:
            for table in (HERE / "rtl").glob("*.mem"):
                shutil.copy(table, builder.gateware_dir)
