# SPDX-License-Identifier: Apache-2.0
"""AMD's AXI DMA in simple mode, as its product guide (PG021) describes it; streams by cocotbext-axi.

Not here: scatter-gather, interrupts of its own, the memory's latency: memory is a bytearray.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import cocotb
from cocotb.triggers import RisingEdge
from cocotbext.axi import AxiStreamBus, AxiStreamFrame, AxiStreamSink, AxiStreamSource

MM2S, S2MM = 0x00, 0x30
DMACR, DMASR, ADDRESS, ADDRESS_MSB, LENGTH = 0x00, 0x04, 0x18, 0x1C, 0x28
RUN, RESET = 1, 4
HALTED, IDLE, INTERNAL, DECODE, COMPLETE = 1 << 0, 1 << 1, 1 << 4, 1 << 6, 1 << 12


class Channel:
    """One direction: its registers and the transfer under way."""

    def __init__(self) -> None:
        self.control, self.status, self.address, self.length = 0, HALTED, 0, 0
        self.task: Any = None


class AxiDmaModel:
    """The DMA between a bytearray and the streams s_axis and m_axis of the bench.

    base    address of the memory's first byte
    pauses  (source, sink): probability of a cycle in which it does not offer, or take
    """

    def __init__(
        self, dut: Any, memory: bytearray, base: int, pauses: tuple[float, float], seed: int
    ) -> None:
        self.dut, self.memory, self.base, self.pauses = dut, memory, base, pauses
        self.dice = random.Random(seed)
        self.stuck = False  # nothing is offered at all, as where the memory hangs
        self.source = AxiStreamSource(AxiStreamBus.from_prefix(dut, "s_axis"), dut.aclk)
        self.sink = AxiStreamSink(AxiStreamBus.from_prefix(dut, "m_axis"), dut.aclk)
        self.channels = {MM2S: Channel(), S2MM: Channel()}
        self.source.set_pause_generator(self._source_pauses())
        self.sink.set_pause_generator(self._sink_pauses())

    def _source_pauses(self) -> Iterator[bool]:
        while True:
            yield self.stuck or self.dice.random() < self.pauses[0]

    def _sink_pauses(self) -> Iterator[bool]:
        """Beats are taken only while a transfer is under way."""
        while True:
            task = self.channels[S2MM].task
            yield task is None or self.dice.random() < self.pauses[1]

    def _at(self, offset: int) -> tuple[int, Channel, int]:
        first = S2MM if offset >= S2MM else MM2S
        return first, self.channels[first], offset - first

    async def read(self, offset: int) -> int:
        await RisingEdge(self.dut.aclk)
        _, channel, place = self._at(offset)
        found = {
            DMACR: channel.control, DMASR: channel.status, ADDRESS: channel.address & 0xFFFFFFFF,
            ADDRESS_MSB: channel.address >> 32, LENGTH: channel.length,
        }  # fmt: skip
        return found.get(place, 0)

    async def write(self, offset: int, value: int) -> None:
        await RisingEdge(self.dut.aclk)
        first, channel, place = self._at(offset)
        if place == DMACR and value & RESET:
            await self.reset()
        elif place == DMACR:
            channel.control = value
            if value & RUN:
                channel.status &= ~HALTED
        elif place == DMASR:
            channel.status &= ~(value & COMPLETE)
        elif place == ADDRESS:
            channel.address = channel.address >> 32 << 32 | value
        elif place == ADDRESS_MSB:
            channel.address = value << 32 | channel.address & 0xFFFFFFFF
        elif place == LENGTH and channel.control & RUN and not channel.status & HALTED and value:
            channel.length = value
            channel.status &= ~IDLE
            channel.task = cocotb.start_soon(self._send() if first == MM2S else self._receive())

    async def reset(self) -> None:
        """Of the whole DMA, whichever channel asks for it."""
        self.dut.dma_resetn.value = 0
        for first, channel in self.channels.items():
            if channel.task is not None:
                channel.task.cancel()
            self.channels[first] = Channel()
        for end in (self.source, self.sink):
            end.assert_reset()
            end.clear()
        await RisingEdge(self.dut.aclk)
        await RisingEdge(self.dut.aclk)
        self.dut.dma_resetn.value = 1

    def _span(self, channel: Channel, size: int) -> slice | None:
        """Where a transfer's bytes lie; None, and the error, where there is no memory."""
        start = channel.address - self.base
        if start < 0 or start + size > len(self.memory):
            channel.status |= DECODE | HALTED
            channel.task = None
            return None
        return slice(start, start + size)

    async def _send(self) -> None:
        channel = self.channels[MM2S]
        span = self._span(channel, channel.length)
        if span is not None:
            await self.source.send(AxiStreamFrame(bytes(self.memory[span])))
            await self.source.wait()
            channel.status |= IDLE | COMPLETE
            channel.task = None

    async def _receive(self) -> None:
        channel = self.channels[S2MM]
        if self._span(channel, channel.length) is None:
            return
        packet = bytes((await self.sink.recv()).tdata)
        channel.task = None
        if len(packet) > channel.length:
            channel.status |= INTERNAL | HALTED
            return
        span = self._span(channel, len(packet))
        assert span is not None
        self.memory[span] = packet
        channel.length = len(packet)
        channel.status |= IDLE | COMPLETE
