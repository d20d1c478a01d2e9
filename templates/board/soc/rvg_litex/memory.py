# SPDX-License-Identifier: Apache-2.0
"""AXI4 masters at ports of LiteDRAM's crossbar: bursts of whole beats, aligned, INCR, answered in order.

Both units work in words of the controller, whatever a beat has: wider beats are several words,
narrower ones lie in a word. A burst that does not begin within the memory is answered with DECERR and touches
nothing.
"""

from __future__ import annotations

from typing import Any

from litex.gen import LiteXModule
from litex.soc.interconnect import stream
from migen import Case, If, Signal

DECERR = 0b11
BURSTS = 8  # under way at once, at most
ID_BITS = 2


def address_channel() -> Any:
    """AR or AW; `addr` in bytes, `len` beats less one."""
    return stream.Endpoint([("id", ID_BITS), ("addr", 32), ("len", 8)])


def read_channel(beat: int) -> Any:
    """R, of so many bytes a beat."""
    return stream.Endpoint([("id", ID_BITS), ("data", 8 * beat), ("resp", 2)])


def write_channel(beat: int) -> Any:
    """W, of so many bytes a beat."""
    return stream.Endpoint([("data", 8 * beat), ("strb", beat)])


def answer_channel() -> Any:
    """B."""
    return stream.Endpoint([("id", ID_BITS), ("resp", 2)])


class _Port(LiteXModule):  # type: ignore[misc]
    """What both directions share: a burst's words, one after the other.

    port        of the controller's own width
    beat        bytes of a beat
    base, size  of the memory: bytes, a power of two, `base` a multiple of it
    """

    def __init__(self, port: Any, beat: int, base: int, size: int) -> None:
        word = port.data_width // 8
        self.port, self.word = port, word
        self.lanes = max(1, word // beat)  # beats of a word
        self.parts = max(1, beat // word)  # words of a beat
        self.address = address_channel()
        self.lane = Signal(max=max(2, self.lanes))  # of the first beat
        self.first = Signal(len(port.cmd.addr))  # word of the port
        self.words = Signal(16)  # of the burst, less one
        self.wrong = Signal()
        beats = self.address.len
        if self.lanes > 1:
            low = beat.bit_length() - 1
            self.comb += [
                self.lane.eq(self.address.addr[low : word.bit_length() - 1]),
                self.words.eq((self.lane + beats) >> (self.lanes.bit_length() - 1)),
            ]
        else:
            self.comb += self.words.eq((beats + 1) * self.parts - 1)
        self.comb += [
            self.first.eq((self.address.addr - base) >> (word.bit_length() - 1)),
            self.wrong.eq((self.address.addr ^ base) >= size),
        ]


class ReadPort(_Port):
    """Read bursts: `address` -> `data`. What was asked for always has room, as the controller does not wait.

    Rate: a word each cycle, as far as `depth` words cover the controller's latency.
    """

    def __init__(self, port: Any, beat: int, base: int, size: int, depth: int = 64) -> None:
        super().__init__(port, beat, base, size)
        self.data = data = read_channel(beat)
        self.bursts = bursts = stream.SyncFIFO(
            [("id", ID_BITS), ("len", 8), ("lane", len(self.lane)), ("wrong", 1)], BURSTS, buffered=False
        )
        self.fifo = fifo = stream.SyncFIFO([("data", port.data_width)], depth, buffered=True)

        # Words are asked for.
        address, word = self.address, Signal(len(port.cmd.addr))
        working, left, room = Signal(), Signal(16), Signal(max=depth + 1, reset=depth)
        asked, taken = Signal(), Signal()
        begins = Signal()
        self.comb += [
            begins.eq(address.valid & bursts.sink.ready & ~working),
            address.ready.eq(bursts.sink.ready & ~working),
            bursts.sink.valid.eq(begins),
            bursts.sink.id.eq(address.id),
            bursts.sink.len.eq(address.len),
            bursts.sink.lane.eq(self.lane),
            bursts.sink.wrong.eq(self.wrong),
            port.cmd.valid.eq(working & (room != 0)),
            port.cmd.we.eq(0),
            port.cmd.addr.eq(word),
            port.cmd.last.eq(left == 0),
            asked.eq(port.cmd.valid & port.cmd.ready),
            fifo.sink.valid.eq(port.rdata.valid),
            fifo.sink.data.eq(port.rdata.data),
            port.rdata.ready.eq(1),
            taken.eq(fifo.source.valid & fifo.source.ready),
        ]
        self.sync += [
            If(begins,
                word.eq(self.first),
                left.eq(self.words),
                working.eq(~self.wrong),
            ).Elif(asked,
                word.eq(word + 1),
                left.eq(left - 1),
                working.eq(left != 0),
            ),
            room.eq(room + taken - asked),
        ]  # fmt: skip

        # Words become beats, beats are counted.
        burst, sent, beat_valid, gone = bursts.source, Signal(8), Signal(), Signal()
        value, value_valid = self._beats(beat, burst, sent, gone)
        self.comb += [
            beat_valid.eq(burst.valid & (burst.wrong | value_valid)),
            gone.eq(beat_valid & data.ready),
            data.valid.eq(beat_valid),
            data.id.eq(burst.id),
            data.data.eq(value),
            data.resp.eq(burst.wrong * DECERR),
            data.last.eq(sent == burst.len),
            burst.ready.eq(gone & data.last),
        ]
        self.sync += If(gone, sent.eq(sent + 1), If(data.last, sent.eq(0)))

    def _beats(self, beat: int, burst: Any, sent: Any, gone: Any) -> tuple[Any, Any]:
        """The next beat of the words that came, and whether it is there."""
        source, right = self.fifo.source, gone & ~burst.wrong
        if self.parts > 1:
            self.wider = wider = stream.Converter(self.port.data_width, 8 * beat)
            self.comb += [
                source.connect(wider.sink, keep={"valid", "ready", "data"}),
                wider.source.ready.eq(right),
            ]
            return wider.source.data, wider.source.valid
        if self.lanes == 1:
            self.comb += source.ready.eq(right)
            return source.data, source.valid
        lane, value = Signal(len(self.lane)), Signal(8 * beat)
        self.comb += [
            lane.eq(burst.lane + sent),
            Case(
                lane,
                {i: value.eq(source.data[8 * beat * i : 8 * beat * (i + 1)]) for i in range(self.lanes)},
            ),
            source.ready.eq(right & ((lane == self.lanes - 1) | (sent == burst.len))),
        ]
        return value, source.valid


class WritePort(_Port):
    """Write bursts: `address` and `data` -> `answer`.

    A word is asked for once its data wait for it, as the controller does not. A burst is answered when the
    controller has taken all of its words, so that whoever reads them next reads what was written.
    """

    def __init__(self, port: Any, beat: int, base: int, size: int, depth: int = 32) -> None:
        super().__init__(port, beat, base, size)
        word = self.word
        self.data = write_channel(beat)
        self.answer = answer = answer_channel()
        self.commands = commands = stream.SyncFIFO([("addr", len(port.cmd.addr))], depth, buffered=False)
        self.fifo = fifo = stream.SyncFIFO([("data", 8 * word), ("we", word)], depth, buffered=False)
        self.bursts = bursts = stream.SyncFIFO(
            [("id", ID_BITS), ("words", len(self.words)), ("wrong", 1)], BURSTS, buffered=False
        )

        # A burst at a time; its words go to both queues at once.
        address, working, wrong = self.address, Signal(), Signal()
        place, lane = Signal(len(port.cmd.addr)), Signal(len(self.lane))
        begins, pushed, ends = Signal(), Signal(), Signal()
        words = self._words(beat, working, wrong, lane, ends)
        self.comb += [
            begins.eq(address.valid & bursts.sink.ready & ~working),
            address.ready.eq(bursts.sink.ready & ~working),
            bursts.sink.valid.eq(begins),
            bursts.sink.id.eq(address.id),
            bursts.sink.words.eq(self.words),
            bursts.sink.wrong.eq(self.wrong),
            words.ready.eq(commands.sink.ready & fifo.sink.ready),
            pushed.eq(words.valid & words.ready),
            commands.sink.valid.eq(pushed),
            commands.sink.addr.eq(place),
            fifo.sink.valid.eq(pushed),
            fifo.sink.data.eq(words.data),
            fifo.sink.we.eq(words.we),
        ]
        self.sync += [
            If(begins,
                working.eq(1),
                wrong.eq(self.wrong),
                place.eq(self.first),
                lane.eq(self.lane),
            ).Else(
                If(pushed, place.eq(place + 1)),
                If(self.data.valid & self.data.ready, lane.eq(lane + 1)),
                If(ends, working.eq(0)),
            )
        ]  # fmt: skip

        # To the controller; words that it has taken answer bursts.
        taken, owed, head, done = Signal(), Signal(24), bursts.source, Signal()
        self.comb += [
            port.cmd.valid.eq(commands.source.valid),
            port.cmd.we.eq(1),
            port.cmd.addr.eq(commands.source.addr),
            commands.source.ready.eq(port.cmd.ready),
            port.wdata.valid.eq(fifo.source.valid),
            port.wdata.data.eq(fifo.source.data),
            port.wdata.we.eq(fifo.source.we),
            fifo.source.ready.eq(port.wdata.ready),
            taken.eq(fifo.source.valid & fifo.source.ready),
            answer.valid.eq(head.valid & (head.wrong | (owed > head.words))),
            answer.id.eq(head.id),
            answer.resp.eq(head.wrong * DECERR),
            done.eq(answer.valid & answer.ready),
            head.ready.eq(done),
        ]
        self.sync += [
            If(done & ~head.wrong,
                owed.eq(owed + taken - head.words - 1),
            ).Else(
                owed.eq(owed + taken),
            )
        ]  # fmt: skip

    def _words(self, beat: int, working: Any, wrong: Any, lane: Any, ends: Any) -> Any:
        """The words of the beats, `data` and `we`; `ends` says that the burst's last beat goes."""
        data, word = self.data, self.word
        words = stream.Endpoint([("data", 8 * word), ("we", word)])
        went, open_ = Signal(), working & ~wrong
        self.comb += [went.eq(data.valid & data.ready), ends.eq(went & data.last)]
        if self.lanes == 1:
            part = Signal(max=max(2, self.parts))
            last = part == self.parts - 1
            self.comb += [
                words.valid.eq(data.valid & open_),
                data.ready.eq((words.ready & open_ & last) | (working & wrong)),
                Case(
                    part,
                    {
                        i: [
                            words.data.eq(data.data[8 * word * i : 8 * word * (i + 1)]),
                            words.we.eq(data.strb[word * i : word * (i + 1)]),
                        ]
                        for i in range(self.parts)
                    },
                ),
            ]
            if self.parts > 1:
                self.sync += If(words.valid & words.ready, part.eq(part + 1))
            return words
        # Beats of a word are gathered; what came before lies in `kept`.
        full = (lane == self.lanes - 1) | data.last
        kept, enables = Signal(8 * word), Signal(word)
        for i in range(self.lanes):
            bits, bytes_ = slice(8 * beat * i, 8 * beat * (i + 1)), slice(beat * i, beat * (i + 1))
            here = lane == i
            self.comb += [
                If(here, words.data[bits].eq(data.data)).Else(words.data[bits].eq(kept[bits])),
                If(here, words.we[bytes_].eq(data.strb)).Else(words.we[bytes_].eq(enables[bytes_])),
            ]
        self.comb += [
            words.valid.eq(data.valid & open_ & full),
            data.ready.eq((open_ & (words.ready | ~full)) | (working & wrong)),
        ]
        self.sync += If(
            went & ~wrong, kept.eq(words.data), If(full, enables.eq(0)).Else(enables.eq(words.we))
        )
        return words
