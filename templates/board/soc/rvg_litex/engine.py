# SPDX-License-Identifier: Apache-2.0
"""An engine: its masters are at ports of LiteDRAM's crossbar, beside the CPU's bus and its caches."""

from __future__ import annotations

from typing import Any

from migen import Signal

from .base import FACTS, Base
from .memory import ReadPort, WritePort, address_channel, answer_channel, read_channel, write_channel

FIXED = {"size": 3, "burst": 2, "lock": 1, "cache": 4, "prot": 3, "qos": 4}  # which no memory here looks at


class Accelerator(Base):
    """The engine; `attach` gives it a memory and a place on the bus."""

    def __init__(self, platform: Any) -> None:
        super().__init__(platform)
        self.beats = dict(zip(("weight", "data"), FACTS["beats"], strict=True))  # bytes
        self.reads = {name: (address_channel(), read_channel(beat)) for name, beat in self.beats.items()}
        self.writes = address_channel(), write_channel(self.beats["data"]), answer_channel()
        ports: dict[str, Any] = {}
        for name, (address, data) in self.reads.items():
            ports |= _address(f"m_axi_{name}_ar", address)
            ports |= {f"i_m_axi_{name}_r{field}": getattr(data, field) for field in _FIELDS["r"]}
            ports[f"o_m_axi_{name}_rready"] = data.ready
        address, data, answer = self.writes
        ports |= _address("m_axi_data_aw", address)
        ports |= {f"o_m_axi_data_w{field}": getattr(data, field) for field in _FIELDS["w"]}
        ports |= {f"i_m_axi_data_b{field}": getattr(answer, field) for field in _FIELDS["b"]}
        ports |= {"i_m_axi_data_wready": data.ready, "o_m_axi_data_bready": answer.ready}
        self.instantiate(ports)

    def attach(self, soc: Any, name: str = "rvg", memory: str = "main_ram") -> None:
        """Registers at a region `name` of the bus, three ports of the crossbar, the interrupt.

        Call it once, in the SoC's __init__, behind add_sdram. Raises ValueError where there is no LiteDRAM.
        The ports know nothing of the CPU's caches: flush them, L2 too, before a run and before results are
        read. What lies outside the region `memory` is answered with an error, which ends the run.
        """
        region, controller = soc.bus.regions.get(memory), getattr(soc, "sdram", None)
        if region is None or controller is None:
            raise ValueError(f"{name}: an engine needs LiteDRAM: call add_sdram before attach")
        place = (region.origin, region.size)
        self.attach_registers(soc, name)
        for which, (address, data) in self.reads.items():
            unit = ReadPort(controller.crossbar.get_port(mode="read"), self.beats[which], *place)
            self.add_module(name=f"{which}_read", module=unit)
            self.comb += [address.connect(unit.address), unit.data.connect(data)]
        writer = WritePort(controller.crossbar.get_port(mode="write"), self.beats["data"], *place)
        self.add_module(name="data_write", module=writer)
        address, data, answer = self.writes
        self.comb += [
            address.connect(writer.address),
            data.connect(writer.data),
            writer.answer.connect(answer),
        ]


_FIELDS = {
    "r": ("id", "data", "resp", "last", "valid"),
    "w": ("data", "strb", "last", "valid"),
    "b": ("id", "resp", "valid"),
}


def _address(prefix: str, channel: Any) -> dict[str, Any]:
    """An address channel's ports."""
    return {
        **{f"o_{prefix}{field}": getattr(channel, field) for field in ("id", "addr", "len", "valid")},
        **{f"o_{prefix}{field}": Signal(bits) for field, bits in FIXED.items()},
        f"i_{prefix}ready": channel.ready,
    }
