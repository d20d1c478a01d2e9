# SPDX-License-Identifier: Apache-2.0
"""Memory -> a packet, and a packet -> memory, over a SoC's Wishbone bus."""

from __future__ import annotations

from typing import Any

from litex.gen import LiteXModule
from litex.soc.cores.dma import WishboneDMAReader, WishboneDMAWriter
from litex.soc.interconnect import stream, wishbone
from litex.soc.interconnect.csr import CSRStatus, CSRStorage
from migen import If, Mux, ResetInserter, Signal

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
