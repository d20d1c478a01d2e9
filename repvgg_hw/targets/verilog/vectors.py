"""Values as the benches' binary files and logs hold them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from repvgg_hw.design.results import Divergence


def stream_order(values: NDArray[np.integer]) -> NDArray[np.int64]:
    """Maps (N, C, H, W) -> (N, H*W*C), vectors (N, C) as they are: raster order, channels innermost."""
    if values.ndim == 4:
        values = values.transpose(0, 2, 3, 1)
    return values.reshape(len(values), -1).astype(np.int64)


def write_stream(path: Path, values: NDArray[np.integer], bits: int) -> None:
    """Values (N, C, H, W) or (N, C) of `bits` bits as a stream file: ceil(bits/8) bytes each."""
    flat = stream_order(values).reshape(-1) & ((1 << bits) - 1)
    size = -(-bits // 8)
    path.write_bytes(flat.astype("<u8").view(np.uint8).reshape(-1, 8)[:, :size].tobytes())


def beat_values(word: str, lanes: int, bits: int, signed: bool) -> list[int]:
    """A beat, printed in hexadecimal, as its lanes' values."""
    number = int(word.replace("x", "0").replace("z", "0"), 16)
    values = [number >> bits * i & ((1 << bits) - 1) for i in range(lanes)]
    return [v - (1 << bits) if signed and v >> (bits - 1) else v for v in values]


def locate(
    layer: str,
    image: int,
    beat: int,
    shape: tuple[int, ...],
    expected: list[int],
    got: list[int],
) -> Divergence:
    """Name the first lane of a beat that differs; shape is the layer's output (C, H, W) or (C,)."""
    lane = next(i for i, (a, b) in enumerate(zip(expected, got, strict=True)) if a != b)
    pixel, channel = divmod(beat * len(expected) + lane, shape[0])
    row, column = divmod(pixel, shape[2]) if len(shape) == 3 else (None, None)
    return Divergence(layer, image, channel, row, column, expected[lane], got[lane])
