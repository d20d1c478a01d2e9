"""Boards that are a whole design behind a serial line, made by open tools."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from repvgg_hw.errors import InputError
from repvgg_hw.plan.boards import BOARDS as KNOWN


@dataclass(frozen=True)
class Pll:
    """25 MHz x feedback / reference; the oscillator runs `output` times as fast, within 400 to 800 MHz."""

    feedback: int
    reference: int
    output: int

    @property
    def mhz(self) -> int:
        return 25 * self.feedback // self.reference

    @property
    def oscillator_mhz(self) -> int:
        return self.mhz * self.output

    @property
    def phase(self) -> int:
        """For an output in phase with the input."""
        return self.output // 2 - 1


@dataclass(frozen=True)
class Serial:
    """What such boards have in common.

    top, constraints  templates of the top and of its pins
    loading           commands that load a bitstream, {} for its stem
    pins              what is to be seen and pressed on the board
    pll               of the clock; without one it is the oscillator's, `clock_mhz`
    clocks_per_bit    of the line
    silence_ms        without a byte, after which a frame that has begun is forgotten
    """

    name: str
    suffix: str
    top: str
    constraints: str
    loading: tuple[str, ...]
    pins: str
    pll: Pll | None
    clock_mhz: int
    clocks_per_bit: int
    silence_ms: float = 50
    bytes: int = 1
    units: frozenset[str] = frozenset({"rvg_uart_rx", "rvg_uart_tx", "rvg_uart_host"})
    dma: bool = False

    @property
    def mhz(self) -> int:
        return self.clock_mhz if self.pll is None else self.pll.mhz

    @property
    def baud(self) -> int:
        return self.mhz * 1_000_000 // self.clocks_per_bit

    @property
    def title(self) -> str:
        return KNOWN[self.name].title

    def copied(self, architecture: str) -> Mapping[str, str]:
        return {"driver/rvg_serial.py": "rvg_serial.py"}

    @property
    def templates(self) -> Mapping[str, str]:
        return {self.constraints: self.constraints, "README.md": "serial_README.md.j2"}

    def frames_per_second(self, frame_bytes: int, result_bytes: int) -> float:
        """At most: a command's byte, a frame and its result on the line, one after another."""
        return self.baud / 10 / (1 + frame_bytes + result_bytes)

    def context(self, frame_bytes: int, frame_interval: int) -> dict[str, Any]:
        """Pixels come as fast as the line sends them: the design must take them at that rate."""
        if frame_interval > frame_bytes * 10 * self.clocks_per_bit:
            raise InputError(
                f"--board {self.name}: a frame takes {frame_interval:,} cycles, its bytes come in "
                f"{frame_bytes * 10 * self.clocks_per_bit:,}: generate it with more multipliers"
            )
        return {
            "clock_mhz": self.mhz,
            "clocks_per_bit": self.clocks_per_bit,
            "baud": self.baud,
            "silence": round(self.silence_ms * self.mhz * 1000),
            "pll": self.pll,
        }


@dataclass(frozen=True)
class Ulx3s(Serial):
    """A ULX3S, by its USB serial line."""

    name: str = "ulx3s-85f"
    suffix: str = "ulx3s"
    top: str = "board_ulx3s.v.j2"
    constraints: str = "ulx3s.lpf"
    loading: tuple[str, ...] = (
        "openFPGALoader -b ulx3s {}.bit                                 # or fujprog",
    )
    pins: str = (
        "LEDs: 0 the clock is there, 1 a run is at work, 2 its result has come, 3 a run failed, 4 a byte was "
        "lost, 7 to 5 the low bits of the last class. FIRE1 resets."
    )
    pll: Pll | None = Pll(feedback=2, reference=1, output=12)
    clock_mhz: int = 25
    clocks_per_bit: int = 50


@dataclass(frozen=True)
class OrangeCrab(Serial):
    """An OrangeCrab r0.2, by a serial adapter of 3.3 V at its header."""

    name: str = "orangecrab-85f"
    suffix: str = "orangecrab"
    top: str = "board_orangecrab.v.j2"
    constraints: str = "orangecrab.lpf"
    loading: tuple[str, ...] = (
        "cp {0}.bit {0}.dfu",
        "dfu-suffix -v 1209 -p 5af0 -a {0}.dfu",
        "dfu-util -D {0}.dfu                           # the button held while it is plugged in",
    )
    pins: str = (
        "The line is at the header's pins 0 (what the board receives) and 1 (what it sends), 3.3 V. LED: red "
        "a run failed or a byte was lost, green a result has come, blue a run is at work. The button resets."
    )
    pll: Pll | None = None
    clock_mhz: int = 48
    clocks_per_bit: int = 48
