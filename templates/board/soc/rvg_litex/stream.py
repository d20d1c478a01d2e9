# SPDX-License-Identifier: Apache-2.0
"""A streaming design: pixels and results by DMA, over the SoC's bus; its registers are CSRs `rvg_send_*` and
`rvg_receive_*`."""

from __future__ import annotations

from typing import Any

from migen import Signal

from .base import Base
from .dma import WORD_BYTES, Receive, Send


class Accelerator(Base):
    """The accelerator with its DMA; `attach` connects it to a SoC."""

    def __init__(self, platform: Any) -> None:
        super().__init__(platform)
        self.send, self.receive = Send(), Receive()
        pixels, results = self.send.source, self.receive.sink
        self.instantiate(
            {
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
        self.attach_registers(soc, name)
        soc.bus.add_master(f"{name}_send", master=self.send.bus)
        soc.bus.add_master(f"{name}_receive", master=self.receive.bus)
