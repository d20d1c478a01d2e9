# SPDX-License-Identifier: Apache-2.0
"""AXI4 slaves for benches of masters, written from the AMBA AXI protocol specification (Arm IHI 0022).

Each is moved by two calls a cycle: `sample` in its middle, where what the next edge will see stands still,
and `drive` behind that edge. They hold the master to the specification: a valid payload stays until it is
taken (A3.2.1), a burst does not cross 4 KiB and has at most 256 beats (A3.4.1), WLAST is with the last beat
and with no other; and to what the masters promise: INCR bursts of whole, aligned beats.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

PAGE = 4096
INCR = 1
OKAY, SLVERR = 0, 2


@dataclass
class Burst:
    """An accepted address: how far it came, and from which cycle on it may be answered."""

    ident: int
    addr: int
    beats: int
    due: int
    done: int = 0
    response: int = OKAY


class Slave:
    """What both directions share: dice, time, and the rules of an address channel.

    latency  least and most cycles from an address to its answer
    pause    probability of a cycle without ready, and of one without an answer
    """

    def __init__(self, unit: Any, dice: random.Random, bytes_: int, latency: tuple[int, int], pause: float):
        self.unit, self.dice, self.bytes = unit, dice, bytes_
        self.latency, self.pause = latency, pause
        self.cycle = 0
        self.bursts: list[Burst] = []  # all that were accepted
        self._held: dict[str, tuple[int, ...]] = {}

    def value(self, name: str) -> int:
        return int(getattr(self.unit, f"m_axi_{name}").value)

    def set(self, **values: int) -> None:
        for name, value in values.items():
            getattr(self.unit, f"m_axi_{name}").value = value

    def ready(self) -> int:
        return int(self.dice.random() >= self.pause)

    def handshake(self, channel: str, *payload: str) -> tuple[int, ...] | None:
        """The payload that the next edge takes; None where it takes none."""
        held = self._held.pop(channel, None)
        if not self.value(f"{channel}valid"):
            assert held is None, f"{channel.upper()} was withdrawn"
            return None
        values = tuple(self.value(f"{channel}{name}") for name in payload)
        assert held in (None, values), f"{channel.upper()} changed while it was not taken"
        if self.value(f"{channel}ready"):
            return values
        self._held[channel] = values
        return None

    def accept(self, channel: str, with_id: bool) -> Burst | None:
        """The burst whose address the next edge takes, held to the rules."""
        names = ("addr", "len", "size", "burst", *(("id",) if with_id else ()))
        taken = self.handshake(channel, *names)
        if taken is None:
            return None
        addr, length, size, kind = taken[:4]
        beats = length + 1
        assert (kind, 1 << size) == (INCR, self.bytes), f"{channel.upper()}: not INCR of whole beats"
        assert addr % self.bytes == 0, f"{channel.upper()}: {addr:#x} is not aligned"
        last = addr + beats * self.bytes - 1
        assert addr // PAGE == last // PAGE, f"{channel.upper()}: {addr:#x} to {last:#x} crosses 4 KiB"
        burst = Burst(taken[4] if with_id else 0, addr, beats, self.cycle + self.dice.randint(*self.latency))
        self.bursts.append(burst)
        return burst


class ReadSlave(Slave):
    """Answers reads with `beat_of(address)`: in order for one ID, several IDs mixed at random (A5.3).

    errors  addresses of beats that are answered with SLVERR
    """

    def __init__(self, unit: Any, dice: random.Random, bytes_: int, latency: tuple[int, int], pause: float,
                 beat_of: Callable[[int], int], errors: Collection[int] = ()):  # fmt: skip
        super().__init__(unit, dice, bytes_, latency, pause)
        self.beat_of, self.errors = beat_of, errors
        self.waiting: dict[int, deque[Burst]] = {}
        self.taken: list[int] = []  # cycles in which beats were taken
        self.drive()

    def sample(self) -> None:
        burst = self.accept("ar", with_id=True)
        if burst is not None:
            self.waiting.setdefault(burst.ident, deque()).append(burst)
        if self.handshake("r", "id", "data", "last") is not None:
            self.taken.append(self.cycle)

    def drive(self) -> None:
        self.cycle += 1
        self.set(arready=self.ready())
        if self._held.get("r"):
            return
        due = [q for q in self.waiting.values() if q and q[0].due <= self.cycle]
        if not due or not self.ready():
            self.set(rvalid=0, rid=0, rdata=0, rlast=0, rresp=0)
            return
        queue = self.dice.choice(due)
        burst = queue[0]
        addr = burst.addr + burst.done * self.bytes
        burst.done += 1
        last = burst.done == burst.beats
        response = SLVERR if addr in self.errors else OKAY
        self.set(rvalid=1, rid=burst.ident, rdata=self.beat_of(addr), rlast=int(last), rresp=response)
        if last:
            queue.popleft()


class WriteSlave(Slave):
    """Keeps beats by address; data may come before their address (A3.3.1).

    errors  addresses of bursts that are answered with SLVERR
    written (address, data, strobes) in order
    """

    def __init__(self, unit: Any, dice: random.Random, bytes_: int, latency: tuple[int, int], pause: float,
                 errors: Collection[int] = ()):  # fmt: skip
        super().__init__(unit, dice, bytes_, latency, pause)
        self.errors = errors
        self.addressed: deque[Burst] = deque()
        self.data: deque[tuple[int, ...]] = deque()
        self.answers: deque[Burst] = deque()
        self.written: list[tuple[int, int, int]] = []
        self.taken: list[int] = []  # cycles in which beats were taken
        self.answered = 0  # bursts
        self.drive()

    def sample(self) -> None:
        burst = self.accept("aw", with_id=False)
        if burst is not None:
            self.addressed.append(burst)
        beat = self.handshake("w", "data", "strb", "last")
        if beat is not None:
            self.taken.append(self.cycle)
            self.data.append(beat)
        if self.handshake("b", "resp") is not None:
            self.answered += 1
        while self.addressed and self.data:
            burst = self.addressed[0]
            data, strobes, last = self.data.popleft()
            self.written.append((burst.addr + burst.done * self.bytes, data, strobes))
            burst.done += 1
            assert last == (burst.done == burst.beats), f"WLAST is {last} at {burst.done} of {burst.beats}"
            if last:
                burst.due = self.cycle + self.dice.randint(*self.latency)
                self.answers.append(self.addressed.popleft())

    def drive(self) -> None:
        self.cycle += 1
        self.set(awready=self.ready(), wready=self.ready())
        if self._held.get("b"):
            return
        if not self.answers or self.answers[0].due > self.cycle or not self.ready():
            self.set(bvalid=0, bresp=0)
            return
        burst = self.answers.popleft()
        self.set(bvalid=1, bresp=SLVERR if burst.addr in self.errors else OKAY)
