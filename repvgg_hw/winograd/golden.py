"""Golden functions of the Winograd unit: NumPy int64, exact, equal to `golden.conv3x3` bit for bit.

Axes: data (..., K, K) and accumulators (..., K, K) in the transform domain, tiles (..., m, m) of outputs.
Sums in the transform domain are exact while they stay below 2**63; `bounds.py` shows that the hardware may
even drop their upper bits, since the result is needed modulo a power of two only.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from repvgg_hw.errors import CheckFailed
from repvgg_hw.network import out_size
from repvgg_hw.winograd.matrices import Int, Transform, transform


def data_transform(tile: NDArray[np.integer], kind: Transform) -> Int:
    """B^T d B of tiles (..., K, K)."""
    result: Int = kind.data @ tile.astype(np.int64) @ kind.data.T
    return result


def weight_transform(weight: NDArray[np.integer], kind: Transform) -> Int:
    """G g G^T of kernels (..., 3, 3) -> (..., K, K)."""
    result: Int = kind.weight @ weight.astype(np.int64) @ kind.weight.T
    return result


def output_transform(accumulator: Int, kind: Transform) -> Int:
    """(A^T M A) / L^2 of sums (..., K, K) -> outputs (..., m, m); CheckFailed where it leaves a rest."""
    scaled = kind.output @ accumulator.astype(np.int64) @ kind.output.T
    result: Int = scaled // kind.denominator**2
    if not np.array_equal(result * kind.denominator**2, scaled):
        raise CheckFailed(
            f"F({kind.m}) output transform: a sum is no multiple of {kind.denominator}**2; "
            "the accumulators are not those of a convolution"
        )
    return result


def exact_divide(value: Int, divisor: int, bits: int) -> Int:
    """value / divisor for multiples of divisor, as the hardware does it, to `bits` bits of two's complement.

    Shift out the power of two, then multiply by the odd part's inverse modulo 2**bits.
    Only the lowest `bits` + (power of two) bits of value are read.
    """
    shift = (divisor & -divisor).bit_length() - 1
    inverse = pow(divisor >> shift, -1, 1 << bits)
    mask, sign = (1 << bits) - 1, 1 << (bits - 1)
    quotient = ((value.astype(object) >> shift) * inverse) & mask
    result: Int = ((quotient ^ sign) - sign).astype(np.int64)
    return result


def cut_tiles(x: NDArray[np.integer], kind: Transform) -> Int:
    """Overlapping tiles of the map x (N, C, H, W), padding 1 -> (N, C, tiles_y, tiles_x, K, K).

    Tiles start every `step` pixels; beyond the map's edges they read zero.
    """
    n, c, h, w = x.shape
    rows, columns = (-(-out_size(s, kind.stride) // kind.m) for s in (h, w))
    padded_h, padded_w = ((t - 1) * kind.step + kind.size for t in (rows, columns))
    padded = np.zeros((n, c, max(padded_h, h + 1), max(padded_w, w + 1)), np.int64)
    padded[:, :, 1 : h + 1, 1 : w + 1] = x
    y = np.arange(rows)[:, None] * kind.step + np.arange(kind.size)
    z = np.arange(columns)[:, None] * kind.step + np.arange(kind.size)
    tiles: Int = padded[:, :, y[:, None, :, None], z[None, :, None, :]]
    return tiles


def join_tiles(tiles: Int, height: int, width: int) -> Int:
    """Output tiles (N, C, tiles_y, tiles_x, m, m) -> map (N, C, height, width); drops the overhang."""
    n, c, rows, columns, m, _ = tiles.shape
    joined: Int = tiles.transpose(0, 1, 2, 4, 3, 5).reshape(n, c, rows * m, columns * m)
    return joined[:, :, :height, :width]


def winograd_conv(
    x: NDArray[np.integer], weight: NDArray[np.integer], m: int, groups: int = 1, stride: int = 1
) -> Int:
    """3x3 convolution, padding 1, in m x m output tiles; equals golden.conv3x3.

    x (N, C_in, H, W), weight (C_out, C_in / groups, 3, 3) -> accumulators (N, C_out, H_out, W_out) int64.
    """
    kind = transform(m, stride)
    n, c_in, h, w = x.shape
    c_out = weight.shape[0]
    data = data_transform(cut_tiles(x, kind), kind)
    data = data.reshape(n, groups, c_in // groups, *data.shape[2:])
    weights = weight_transform(weight, kind).reshape(
        groups, c_out // groups, c_in // groups, kind.size, kind.size
    )
    sums = np.einsum("ngcyxij,gocij->ngoyxij", data, weights, optimize=False)
    tiles = output_transform(sums, kind)
    return join_tiles(tiles.reshape(n, c_out, *tiles.shape[3:]), out_size(h, stride), out_size(w, stride))
