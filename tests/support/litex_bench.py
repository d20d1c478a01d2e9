"""Units of a SoC under Migen's simulator: memory with random latency, streams with random pauses."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any

from repvgg_hw.files import templates_dir

Process = Generator[Any, Any, None]
SOURCES = templates_dir() / "board/soc/rvg_litex"


def module(folder: Path, source: str, old: str = "", new: str = "") -> ModuleType:
    """A file of rvg_litex as a module, with a fault where `old` is given; written into the folder."""
    text = (SOURCES / source).read_text()
    assert old in text, old
    path = folder / "unit.py"
    path.write_text(text.replace(old, new, 1) if old else text)
    spec = importlib.util.spec_from_file_location("unit", path)
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    sys.modules["unit"] = loaded  # LiteX looks its classes' modules up
    spec.loader.exec_module(loaded)
    return loaded


@dataclass
class Memory:
    """A Wishbone slave: words by address. `broken` says which rule its master broke, if one."""

    bus: Any
    words: dict[int, int]
    random: Random
    writes: list[tuple[int, int]] = field(default_factory=list)
    broken: str = ""

    def process(self) -> Process:
        """Each access takes 0 to 6 cycles; until its end the master must keep it as it is."""
        bus, wait, began = self.bus, -1, None
        while True:
            yield bus.ack.eq(0)
            now = None
            if (yield bus.cyc) and (yield bus.stb) and not (yield bus.ack):
                now = ((yield bus.adr), (yield bus.we), (yield bus.dat_w) if (yield bus.we) else 0)
            if began is not None and now != began:
                self.broken = f"the access {began} became {now} before its end"
                began, wait = None, -1
            if now is not None and wait < 0:
                began, wait = now, self.random.randrange(7)
            if wait == 0 and now is not None:
                address, writes, data = now
                if writes:
                    self.words[address] = data
                    self.writes.append((address, data))
                yield bus.dat_r.eq(self.words.get(address, 0xFFFFFFFF))
                yield bus.ack.eq(1)
                began = None
            wait -= wait >= 0
            yield


@dataclass
class Taken:
    """What a stream gave: (data, keep, last) beat by beat; a beat that does not stay is `broken`."""

    stream: Any
    random: Random
    share: float = 0.5
    beats: list[tuple[int, int, int]] = field(default_factory=list)
    broken: str = ""
    reset: Callable[[], bool] = lambda: False

    def process(self) -> Process:
        """Takes a share of the beats that are offered."""
        stream, offered = self.stream, None
        while True:
            beat = None
            if (yield stream.valid):
                beat = ((yield stream.data), (yield stream.keep), (yield stream.last))
                if (yield stream.ready):
                    self.beats.append(beat)
                    beat = None
            elif offered is not None and not self.reset():
                self.broken = f"the beat {offered} did not stay"
            offered = beat
            yield stream.ready.eq(self.random.random() < self.share)
            yield


def give(stream: Any, beats: Sequence[int], random: Random, share: float = 0.5) -> Process:
    """Offers the beats, the last one with `last`, with pauses before a share of them."""
    for index, data in enumerate(beats):
        while random.random() < share:
            yield
        yield stream.data.eq(data)
        yield stream.last.eq(index == len(beats) - 1)
        yield stream.valid.eq(1)
        yield
        while not (yield stream.ready):
            yield
        yield stream.valid.eq(0)


def start(transfer: Any, base: int, length: int) -> Process:
    """As rvg_dma.c begins one."""
    for register, value in ((transfer.enable, 0), (transfer.base, base), (transfer.length, length)):
        yield register.storage.eq(value)
        yield
        yield
    yield transfer.enable.storage.eq(1)
    yield
