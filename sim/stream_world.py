# SPDX-License-Identifier: Apache-2.0
"""A streaming design's world in simulation: a DMA between a memory and its streams."""

from __future__ import annotations

from typing import Any

import numpy as np
from axi_dma_model import AxiDmaModel
from board_world import Host, SimRegisters
from numpy.typing import NDArray

MEMORY, BASE = 1 << 20, 0x1000_0000
ALIGNED = 64  # bytes


class SimBuffer:
    """See rvg_driver.access.Buffer."""

    def __init__(self, world: World, address: int) -> None:
        self.world, self.address = world, address

    def store(self, data: NDArray[np.uint8]) -> None:
        start = self.address - BASE
        if 0 <= start < MEMORY:
            self.world.memory[start : start + len(data)] = data.tobytes()

    def load(self, size: int) -> NDArray[np.uint8]:
        start = self.address - BASE
        return np.frombuffer(bytes(self.world.memory[start : start + size]), np.uint8)

    def free(self) -> None:
        self.world.buffers -= 1


class World(Host):
    """See rvg_driver.access.Board.

    pauses  (bus, pixels, results): probability of a cycle in which that side waits
    """

    def __init__(self, dut: Any, pauses: tuple[float, float, float], seed: int) -> None:
        self.memory = bytearray(MEMORY)
        self.next, self.buffers = 0, 0
        self.misplaced = False  # buffers lie where no memory is
        dut.dma_resetn.value = 1
        self.dma = AxiDmaModel(dut, self.memory, BASE, pauses[1:], seed)
        super().__init__(dut, pauses[0], seed)

    async def reset_others(self) -> None:
        await self.dma.reset()

    def registers(self, name: str) -> SimRegisters:
        return SimRegisters(self.dma.read, self.dma.write) if name == "dma" else super().registers(name)

    def allocate(self, size: int) -> SimBuffer:
        size = -(-size // ALIGNED) * ALIGNED
        if self.next + size > MEMORY:
            self.next = 0
        address, self.next = BASE + self.next, self.next + size
        self.buffers += 1
        return SimBuffer(self, address + (MEMORY if self.misplaced else 0))
