"""An engine's masters at LiteDRAM's ports: every byte equal, beats wider and narrower than its words.

The controller is played by its documented rules: commands in order, read data that do not wait, write data
that must be there when they are taken.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest
from quick import some

pytest.importorskip("litex", reason="needs LiteX: pip install 'repvgg-hw[soc]'")
pytest.importorskip("migen", reason="needs LiteX: pip install 'repvgg-hw[soc]'")

import litex_bench
from litex_bench import Process
from migen import passive, run_simulation

BASE, SIZE = 0x40000000, 1 << 16
WIDTHS = [(8, 8), (8, 4), (4, 16), (8, 16), (16, 4)]  # bytes of a beat, of a word of the controller
PATIENCE = 5  # cycles a word, at most


class Controller:
    """The memory behind a port of the crossbar: its bytes, and `broken` where a rule was."""

    def __init__(self, port: Any, room: Any, random: Random) -> None:
        self.port, self.room, self.random = port, room, random
        self.bytes = bytearray(random.randbytes(SIZE))
        self.word = port.data_width // 8
        self.latency = random.randrange(2, 7)  # the same for all commands, as a controller's
        self.broken = ""

    def process(self) -> Process:
        port, word = self.port, self.word
        pipe: deque[tuple[bool, int] | None] = deque([None] * self.latency)
        while True:
            command = None
            if port.mode == "read" and (yield port.rdata.valid) and not (yield self.room):
                raise AssertionError("a word was asked for which there is no room")
            if (yield port.cmd.valid) and (yield port.cmd.ready):
                command = bool((yield port.cmd.we)), (yield port.cmd.addr)
            if port.mode == "write" and (yield port.wdata.ready):
                yield from self._take()
            pipe.append(command)
            due = pipe.popleft()
            if port.mode == "read":
                yield port.rdata.valid.eq(due is not None)
                place = 0 if due is None else due[1] * word
                yield port.rdata.data.eq(int.from_bytes(self.bytes[place : place + word], "little"))
            else:
                yield port.wdata.ready.eq(due is not None)
                self.due = due
            if due is not None and due[0] != (port.mode == "write"):
                self.broken = "a command of the other direction"
            yield port.cmd.ready.eq(self.random.random() < 0.6)
            yield

    def _take(self) -> Process:
        port = self.port
        if not (yield port.wdata.valid):
            self.broken = "a word was asked for before its data were there"
        data, enables = (yield port.wdata.data), (yield port.wdata.we)
        assert self.due is not None
        for i in range(self.word):
            if enables >> i & 1:
                self.bytes[self.due[1] * self.word + i] = data >> 8 * i & 0xFF

    due: tuple[bool, int] | None = None


Burst = tuple[int, int, int]  # byte address, beats, id


def bursts(beat: int, random: Random, count: int) -> list[Burst]:
    """Within pages of 4 KiB, some of them outside of the memory."""
    found = []
    for _ in range(count):
        beats = random.choice((1, 1, 2, 3, 7, 16, 33))
        page = BASE + 4096 * random.randrange(SIZE // 4096)
        place = beat * random.randrange((4096 - beats * beat) // beat + 1)
        outside = random.choice((SIZE, -SIZE, 0x80000000)) if random.random() < 0.15 else 0
        found.append(((page + place + outside) % 2**32, beats, random.randrange(2)))
    return found


def patience(wanted: list[Burst], beat: int, word: int) -> int:
    """Cycles that these may take."""
    return PATIENCE * sum(beats * max(1, beat // word) + 4 for _, beats, _ in wanted)


def inside(address: int) -> bool:
    return BASE <= address < BASE + SIZE


def give(channel: Any, beats: list[dict[str, int]], random: Random, share: float = 0.7) -> Process:
    """Offers what a channel carries, with pauses."""
    for fields in beats:
        while random.random() > share:
            yield
        for name, value in fields.items():
            yield getattr(channel, name).eq(value)
        yield channel.valid.eq(1)
        yield
        while not (yield channel.ready):
            yield
        yield channel.valid.eq(0)


def taken(channel: Any, names: tuple[str, ...], into: list[tuple[int, ...]], random: Random) -> Process:
    """Takes a share of what is offered."""
    while True:
        if (yield channel.valid) and (yield channel.ready):
            beat = []
            for name in names:
                beat.append((yield getattr(channel, name)))
            into.append(tuple(beat))
        yield channel.ready.eq(random.random() < 0.7)
        yield


def addresses(wanted: list[Burst]) -> list[dict[str, int]]:
    return [{"addr": address, "len": beats - 1, "id": which} for address, beats, which in wanted]


def port_of(word: int, mode: str) -> Any:
    from litedram.common import LiteDRAMNativePort

    return LiteDRAMNativePort(mode, (SIZE // word).bit_length() - 1, 8 * word)


def reads(module: Any, beat: int, word: int, seed: int) -> None:
    random = Random(seed)
    port = port_of(word, "read")
    unit = module.ReadPort(port, beat, BASE, SIZE, depth=8)
    controller, found = Controller(port, unit.fifo.sink.ready, random), list[tuple[int, ...]]()
    asked = bursts(beat, random, 20)
    wanted: list[tuple[int, ...]] = []
    for address, beats, which in asked:
        for i in range(beats):
            place = address - BASE + i * beat
            data = int.from_bytes(controller.bytes[place : place + beat], "little")
            end = int(i == beats - 1)
            wanted.append((which, data, 0, end) if inside(address) else (which, -1, 3, end))

    def main() -> Process:
        for _ in range(patience(asked, beat, word)):
            if len(found) >= len(wanted):
                break
            yield
        for _ in range(30):
            yield

    run_simulation(
        unit,
        [
            main(),
            passive(controller.process)(),
            passive(lambda: give(unit.address, addresses(asked), random))(),
            passive(lambda: taken(unit.data, ("id", "data", "resp", "last"), found, random))(),
        ],
    )
    seen = [(which, data if resp == 0 else -1, resp, end) for which, data, resp, end in found]
    assert (seen, controller.broken) == (wanted, "")


def writes(module: Any, beat: int, word: int, seed: int) -> None:
    """Each answer comes when its burst, and all before it, are in the memory."""
    random = Random(seed)
    port = port_of(word, "write")
    unit = module.WritePort(port, beat, BASE, SIZE, depth=4)
    controller = Controller(port, None, random)
    asked = bursts(beat, random, 20)
    image, images, data = bytearray(controller.bytes), [], []
    for address, beats, _ in asked:
        for i in range(beats):
            value, strobes = random.randbytes(beat), random.choice((0, 2**beat - 1, random.getrandbits(beat)))
            data.append(
                {"data": int.from_bytes(value, "little"), "strb": strobes, "last": int(i == beats - 1)}
            )
            for byte in range(beat):
                if inside(address) and strobes >> byte & 1:
                    image[address - BASE + i * beat + byte] = value[byte]
        images.append(bytes(image))
    answers: list[tuple[int, ...]] = []
    early: list[int] = []

    def judge() -> Process:
        """As `taken`; and what the memory has by then."""
        while True:
            if (yield unit.answer.valid) and (yield unit.answer.ready):
                number = len(answers)
                answers.append(((yield unit.answer.id), (yield unit.answer.resp)))
                touched = asked[number]
                where = slice(touched[0] - BASE, touched[0] - BASE + touched[1] * beat)
                later = any(
                    inside(other[0]) and abs(other[0] - touched[0]) < 4096 for other in asked[number + 1 :]
                )
                if inside(touched[0]) and not later and controller.bytes[where] != images[number][where]:
                    early.append(number)
            yield unit.answer.ready.eq(random.random() < 0.7)
            yield

    def main() -> Process:
        for _ in range(patience(asked, beat, word)):
            if len(answers) >= len(asked):
                break
            yield
        for _ in range(30):
            yield

    run_simulation(
        unit,
        [
            main(),
            passive(controller.process)(),
            passive(lambda: give(unit.address, addresses(asked), random))(),
            passive(lambda: give(unit.data, data, random))(),
            passive(judge)(),
        ],
    )
    assert answers == [(which, 0 if inside(address) else 3) for address, _, which in asked]
    assert (early, controller.broken) == ([], "")
    assert controller.bytes == images[-1]


def all_of_it(module: Any, widths: Sequence[tuple[int, int]] = ((8, 8), (4, 16))) -> None:
    for beat, word in widths:
        reads(module, beat, word, beat + word)
        writes(module, beat, word, beat + word)


@pytest.mark.parametrize(("beat", "word"), WIDTHS)
def test_every_byte_comes_and_goes(tmp_path: Path, beat: int, word: int) -> None:
    all_of_it(litex_bench.module(tmp_path, "memory.py"), [(beat, word)])


FAULTS = {
    "more words than have room": ("port.cmd.valid.eq(working & (room != 0))", "port.cmd.valid.eq(working)"),
    "outside is inside": ("self.wrong.eq((self.address.addr ^ base) >= size)", "self.wrong.eq(0)"),
    "a word too few": ("left.eq(self.words)", "left.eq(self.words - (self.words != 0))"),
    "the first lane is forgotten": ("lane.eq(burst.lane + sent)", "lane.eq(sent)"),
    "a word is kept": ("((lane == self.lanes - 1) | (sent == burst.len))", "(lane == self.lanes - 1)"),
    "the command before the data": (
        "port.cmd.valid.eq(commands.source.valid)",
        "port.cmd.valid.eq(words.valid | commands.source.valid)",
    ),
    "an answer too early": ("(owed > head.words)", "(owed != 0)"),
    "old enables": ("If(full, enables.eq(0))", "If(0, enables.eq(0))"),
    "answered at once": ("head.wrong | (owed > head.words)", "1"),
}  # fmt: skip


@pytest.mark.parametrize("fault", some(FAULTS, 4))
def test_a_fault_is_found(tmp_path: Path, fault: str) -> None:
    module = litex_bench.module(tmp_path, "memory.py", *FAULTS[fault])
    with pytest.raises(AssertionError):
        all_of_it(module)
