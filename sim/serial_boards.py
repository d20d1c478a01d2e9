# SPDX-License-Identifier: Apache-2.0
"""Boards behind a serial line as a bench sees them: their pins, and what their LEDs say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Pins:
    """The pins of one top.

    clock, sent, received  what the bench drives, drives, reads
    press                  presses or releases the button that resets
    leds                   running, answered, failed (or a byte was lost), class (None where none is shown)
    """

    clock: Any
    sent: Any
    received: Any
    press: Callable[[bool], None]
    leds: Callable[[], tuple[bool, bool, bool, int | None]]


def ulx3s(dut: Any) -> Pins:
    """FIRE1 is btn[1], high where pressed; LED 0 says that the clock is there."""

    def press(down: bool) -> None:
        dut.btn.value = 0b10 if down else 0

    def leds() -> tuple[bool, bool, bool, int | None]:
        value = int(dut.led.value)
        assert value & 1, "no clock"
        assert dut.wifi_gpio0.value == 1
        return bool(value & 2), bool(value & 4), bool(value & 24), value >> 5

    return Pins(dut.clk_25mhz, dut.ftdi_txd, dut.ftdi_rxd, press, leds)


def orangecrab(dut: Any) -> Pins:
    """Button and LEDs are low where pressed and on."""

    def press(down: bool) -> None:
        dut.usr_btn.value = not down

    def leds() -> tuple[bool, bool, bool, int | None]:
        red, green, blue = (int(led.value) == 0 for led in (dut.rgb_led_r, dut.rgb_led_g, dut.rgb_led_b))
        return blue, green, red, None

    return Pins(dut.clk48, dut.serial_rx, dut.serial_tx, press, leds)


BOARDS = {"ulx3s": ulx3s, "orangecrab": orangecrab}
