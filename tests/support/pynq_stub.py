"""What PYNQ's documentation says of the names that the driver uses: a `pynq` that has a fake board behind it.

Written from https://pynq.readthedocs.io (overlay, allocate, interrupt, MMIO). As on a Zynq, a buffer lies in
cached memory: what the processor writes reaches the hardware by `flush`, what the hardware writes reaches the
processor by `invalidate`.
"""

from __future__ import annotations

import asyncio
from types import ModuleType
from typing import Any

import numpy as np

CELLS = {
    "accelerator": {"phys_addr": 0x40000000, "addr_range": 0x1000, "type": "user.org:user:core:1.0"},
    "dma": {"phys_addr": 0x40010000, "addr_range": 0x10000, "type": "xilinx.com:ip:axi_dma:7.1"},
}
PINS = {"accelerator/interrupt": {"controller": "interrupts", "index": 0}}


class FakePynq:
    """A loaded overlay and what was done to it; `module` is what `import pynq` gives.

    words      registers by address
    raised     set: the interrupt has come
    """

    def __init__(self, cells: dict[str, Any] | None = None, pins: dict[str, Any] | None = None) -> None:
        self.cells = CELLS if cells is None else cells
        self.pins = PINS if pins is None else pins
        self.words: dict[int, int] = {}
        self.loaded: list[str] = []
        self.buffers: list[Any] = []
        self.raised = asyncio.Event()
        self.module = self._module()

    def _module(self) -> ModuleType:
        fake = self

        class MMIO:
            def __init__(self, base_addr: int, length: int = 4) -> None:
                self.base_addr, self.length = base_addr, length

            def read(self, offset: int = 0, length: int = 4) -> int:
                assert offset in range(0, self.length, 4)
                return fake.words.get(self.base_addr + offset, 0)

            def write(self, offset: int, data: int) -> None:
                assert offset in range(0, self.length, 4)
                fake.words[self.base_addr + offset] = data

        class DefaultIP:
            def __init__(self, description: dict[str, Any]) -> None:
                self.mmio = MMIO(description["phys_addr"], description["addr_range"])

            def read(self, offset: int = 0) -> int:
                return self.mmio.read(offset)

            def write(self, offset: int, value: int) -> None:
                self.mmio.write(offset, value)

        class Overlay:
            def __init__(self, bitfile_name: str) -> None:
                fake.loaded.append(bitfile_name)
                self.ip_dict, self.interrupt_pins = fake.cells, fake.pins

            def __getattr__(self, name: str) -> DefaultIP:
                assert name != "dma", "PYNQ's own driver of the DMA would start it"
                return DefaultIP(self.ip_dict[name])

        class PynqBuffer(np.ndarray[Any, Any]):
            memory: np.ndarray[Any, Any]
            device_address = 0x10000000
            freed = False

            def flush(self) -> None:
                self.memory[:] = self

            def invalidate(self) -> None:
                self[:] = self.memory

            def freebuffer(self) -> None:
                self.freed = True

        def allocate(shape: tuple[int, ...], dtype: Any = "u4", target: Any = None) -> PynqBuffer:
            made = np.zeros(shape, dtype).view(PynqBuffer)
            made.memory = np.zeros(shape, dtype)
            fake.buffers.append(made)
            return made

        class Interrupt:
            def __init__(self, pinname: str) -> None:
                if pinname not in fake.pins:
                    raise ValueError(f"No Pin of name {pinname} found")

            async def wait(self) -> None:
                await fake.raised.wait()

        module = ModuleType("pynq")
        for value in (MMIO, DefaultIP, Overlay, allocate, Interrupt):
            setattr(module, value.__name__, value)
        return module
