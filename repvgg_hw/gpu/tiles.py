"""Tile shapes of the convolution kernel: which are tried, which is taken without trying."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from repvgg_hw.gpu.packing import MAX_BLOCK_K


@dataclass(frozen=True)
class Tile:
    """What one program computes, and how many warps and pipeline stages compute it."""

    m: int  # output positions
    n: int  # output channels
    k: int  # taps x input channels per step
    warps: int = 4
    stages: int = 3

    def __post_init__(self) -> None:
        if self.k > MAX_BLOCK_K:
            raise ValueError(f"BLOCK_K {self.k} exceeds {MAX_BLOCK_K}, to which spans are padded")


CANDIDATES = (
    Tile(256, 128, 64, 8, 3),
    Tile(128, 256, 64, 8, 3),
    Tile(128, 128, 128, 8, 3),
    Tile(128, 128, 64, 8, 4),
    Tile(128, 128, 64, 4, 4),
    Tile(128, 64, 128, 4, 3),
    Tile(128, 64, 64, 4, 4),
    Tile(64, 64, 128, 4, 4),
    Tile(64, 32, 128, 4, 5),
    Tile(128, 64, 32, 4, 4),
    Tile(32, 32, 128, 2, 5),
)


def default_tile(positions: int, channels: int, span: int, programs_wanted: int) -> Tile:
    """A reasonable tile without measuring: the largest that still gives every multiprocessor a program.

    positions  N * H_out * W_out
    channels   output channels of one group
    span       bytes of one span of taps
    """
    k = 128 if span % 128 == 0 else 64 if span > 32 else 32
    for m, n, warps in ((128, 128, 8), (128, 64, 4), (128, 32, 4), (64, 64, 4), (64, 32, 4)):
        programs = -(-positions // m) * -(-channels // n)
        if programs >= programs_wanted and n <= 2 * channels:
            return Tile(m, n, k, warps, 3)
    return Tile(32, 32, k, 2, 4)


def fastest(candidates: tuple[Tile, ...], seconds: Callable[[Tile], float]) -> Tile:
    """The candidate with the least time; a tile that the device cannot hold takes infinitely long."""
    return min(candidates, key=seconds)
