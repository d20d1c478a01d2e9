# SPDX-License-Identifier: Apache-2.0
"""An AXI4-Lite master for benches, its five channels independent of each other, with stalls.

Written from the AMBA AXI protocol specification (IHI 0022): a channel's payload stays until it is taken,
write address and write data come in any order, an answer may wait.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any, Protocol

import cocotb
from cocotb.triggers import FallingEdge, RisingEdge

OKAY, SLVERR = 0, 2
PATIENCE = 300  # cycles after which a channel is stuck
CHANNELS = {"aw": ("addr",), "w": ("data", "strb"), "b": ("resp",), "ar": ("addr",), "r": ("data", "resp")}


class Bench(Protocol):
    """Whose `unit` has the ports s_axil_*; probabilities of a cycle without a beat, and of one not ready."""

    unit: Any
    clk: Any
    dice: random.Random
    idle: float
    pause: float


class AxiLiteMaster:
    """`write` and `read` issue a list of accesses back to back; answers come in order."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.spent = 0  # cycles of the last list

    def _signal(self, name: str) -> Any:
        return getattr(self.bench.unit, f"s_axil_{name}")

    async def idle(self) -> None:
        for channel in ("aw", "w", "ar"):
            self._signal(f"{channel}valid").value = 0
        for channel in ("b", "r"):
            self._signal(f"{channel}ready").value = 0

    async def _send(self, channel: str, payloads: Sequence[tuple[int, ...]]) -> None:
        bench = self.bench
        for payload in payloads:
            while bench.dice.random() < bench.idle:
                await RisingEdge(bench.clk)
            for name, value in zip(CHANNELS[channel], payload, strict=True):
                self._signal(channel + name).value = value
            self._signal(f"{channel}valid").value = 1
            waited, taken = 0, False
            while not taken:
                await FallingEdge(bench.clk)
                taken = self._signal(f"{channel}ready").value == 1
                waited += 1
                assert waited < PATIENCE, f"{channel} is not taken"
                await RisingEdge(bench.clk)
            self._signal(f"{channel}valid").value = 0

    async def _receive(self, channel: str, count: int) -> list[tuple[int, ...]]:
        bench = self.bench
        got: list[tuple[int, ...]] = []
        held: tuple[int, ...] | None = None
        self.spent = waited = 0
        while len(got) < count:
            ready = bench.dice.random() >= bench.pause
            self._signal(f"{channel}ready").value = int(ready)
            await FallingEdge(bench.clk)
            waited, self.spent = waited + 1, self.spent + 1
            assert waited < PATIENCE, f"no answer on {channel}"
            if self._signal(f"{channel}valid").value == 1:
                answer = tuple(self._signal(channel + name).value.to_unsigned() for name in CHANNELS[channel])
                assert held in (None, answer), f"{channel}: an answer changed while it was not taken"
                held = None if ready else answer
                if ready:
                    got.append(answer)
                    waited = 0
            else:
                assert held is None, f"{channel}: an answer was withdrawn"
            await RisingEdge(bench.clk)
        self._signal(f"{channel}ready").value = 0
        return got

    async def write(self, accesses: Sequence[tuple[int, int, int]]) -> list[int]:
        """(address, data, strobes) each; returns the responses."""
        for channel, payloads in (
            ("aw", [(a,) for a, _, _ in accesses]),
            ("w", [(d, s) for _, d, s in accesses]),
        ):
            cocotb.start_soon(self._send(channel, payloads))
        return [resp for (resp,) in await self._receive("b", len(accesses))]

    async def read(self, addresses: Sequence[int]) -> list[tuple[int, int]]:
        """Returns (data, response) of each."""
        cocotb.start_soon(self._send("ar", [(address,) for address in addresses]))
        return [(data, resp) for data, resp in await self._receive("r", len(addresses))]
