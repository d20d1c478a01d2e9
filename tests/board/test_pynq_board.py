"""The driver's PYNQ side (`pynq_board.py`) against a PYNQ written from its documentation."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator

import numpy as np
import pytest
from pynq_stub import CELLS, FakePynq

from repvgg_hw.files import templates_dir


@pytest.fixture(autouse=True)
def _shipped(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.syspath_prepend(str(templates_dir() / "board"))
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield
    asyncio.set_event_loop(None)
    loop.close()


def fake(monkeypatch: pytest.MonkeyPatch, made: FakePynq | None = None) -> FakePynq:
    made = made or FakePynq()
    monkeypatch.setitem(sys.modules, "pynq", made.module)
    return made


def test_registers(monkeypatch: pytest.MonkeyPatch) -> None:
    """The accelerator's are its DefaultIP's, the DMA's are memory: PYNQ's driver of it is left alone."""
    from rvg_driver.pynq_board import PynqBoard

    pynq = fake(monkeypatch)
    board = PynqBoard("net.bit")
    assert pynq.loaded == ["net.bit"]
    board.registers("accelerator").write(8, 5)
    board.registers("dma").write(0x30, 1)
    assert pynq.words == {0x40000008: 5, 0x40010030: 1}
    assert board.registers("accelerator").read(8) == 5


def test_another_bitstream(monkeypatch: pytest.MonkeyPatch) -> None:
    from rvg_driver.errors import DriverError
    from rvg_driver.pynq_board import PynqBoard

    fake(monkeypatch, FakePynq(cells={"dma": CELLS["dma"]}, pins={}))
    with pytest.raises(DriverError, match="the bitstream has no accelerator: wrong bitstream"):
        PynqBoard("net.bit").registers("accelerator")


def test_memory_is_what_the_hardware_sees(monkeypatch: pytest.MonkeyPatch) -> None:
    """A store is flushed, a load invalidated; both are of the bytes asked for alone."""
    from rvg_driver.pynq_board import PynqBoard

    pynq = fake(monkeypatch)
    buffer = PynqBoard("net.bit").allocate(8)
    (made,) = pynq.buffers
    assert buffer.address == 0x10000000
    buffer.store(np.arange(1, 6, dtype=np.uint8))
    assert made.memory.tolist() == [1, 2, 3, 4, 5, 0, 0, 0]
    made.memory[:3] = 9
    read = buffer.load(4)
    assert read.tolist() == [9, 9, 9, 4]
    made.memory[:] = 0
    made.invalidate()
    assert read.tolist() == [9, 9, 9, 4]  # a copy
    buffer.free()
    assert made.freed


def test_interrupt(monkeypatch: pytest.MonkeyPatch) -> None:
    from rvg_driver.pynq_board import PynqBoard

    pynq = fake(monkeypatch)
    board = PynqBoard("net.bit")
    assert not board.wait(0.01)
    pynq.raised.set()
    assert board.wait(5.0)
    fake(monkeypatch, FakePynq(pins={}))
    assert not PynqBoard("net.bit").wait(5.0)


def test_within_a_running_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """A notebook's cell: nothing is raised, nothing is left unawaited, and the driver polls."""
    from rvg_driver.pynq_board import PynqBoard

    pynq = fake(monkeypatch)
    board = PynqBoard("net.bit")
    pynq.raised.set()

    async def cell() -> bool:
        return board.wait(5.0)

    assert not asyncio.get_event_loop().run_until_complete(cell())
