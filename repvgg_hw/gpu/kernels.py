"""Triton kernels: 3x3 convolution + requantize + ReLU, global sum, linear layer. Integers only.

How maps lie in memory (`packing` makes them so):

    stored value   value - zero, int8. Hidden maps are uint8 with zero = 128, because the matrix units
                   multiply int8 by int8; the network's input is int8 already, zero = 0
    order          (N, H + 2, W + 2, C): the zero padding is stored, so no load needs a mask
    slack          bytes after the last map, because the last block of a row of taps may read past it; what it
                   reads there is multiplied by weights that are zero

With x = stored + zero, sum(w x) = sum(w stored) + zero sum(w): one constant per output channel, which
`packing` adds to the bias.
"""

# Triton reads a kernel's arguments from its calls; annotations other than constexpr mean nothing to it.
# mypy: disable-error-code="no-untyped-def, misc, untyped-decorator, no-untyped-call"

from __future__ import annotations

import triton
import triton.language as tl

# Arguments whose divisibility tells the compiler nothing: else every new value means a new compilation.
VARYING = (
    "positions", "out_height", "out_width", "x_width", "x_pixels", "y_width", "y_pixels", "c_in_units",
    "span", "steps", "stride", "shift", "top",
)  # fmt: skip


@triton.jit(do_not_specialize=VARYING)
def conv3x3_kernel(
    x,  # int8 maps, see above
    weight,  # int8 (c_out, SPANS, span_pitch)
    multiplier,  # int32 (c_out,)
    offset,  # int64 (c_out,): multiplier * (bias + zero * sum(w)) + 2**(shift - 1)
    y,  # int8 maps
    positions,  # N * H_out * W_out
    out_height,
    out_width,
    x_width,  # pixels from a row to the next, border included, and from an image to the next
    x_pixels,
    y_width,
    y_pixels,
    c_in_units,  # channels of the input / ALIGN
    c_in_group,  # channels of one group
    c_out,
    c_out_group,
    span,  # taps x channels that lie side by side
    span_pitch,
    steps,  # SPANS * ceil(span / BLOCK_K)
    stride,
    shift,
    top,  # 2**out_bits - 1
    SPANS: tl.constexpr,  # 3 rows of taps, or 9 single taps
    ALIGN: tl.constexpr,  # known divisor of the input's channels: how wide loads may be
    OUT_ZERO: tl.constexpr,
    BLOCK_M: tl.constexpr,  # output positions
    BLOCK_N: tl.constexpr,  # output channels
    BLOCK_K: tl.constexpr,  # taps x input channels
):
    """y = clamp((acc * multiplier + 2**(shift-1)) >> shift, 0, top): golden.conv_layer as an implicit GEMM.

    A program computes BLOCK_M positions x BLOCK_N channels of one group. The three taps of one row of the
    window are 3 * C contiguous bytes, so an ungrouped layer's K dimension is 3 spans of 3 * C; a grouped
    one's is 9 of C / g. Grid: (ceil(positions / BLOCK_M) * ceil(c_out_group / BLOCK_N), groups). Shapes are
    run-time arguments, so that one compilation of a tile serves every layer.
    """
    c_in = c_in_units * ALIGN
    x_row = x_width * c_in
    group = tl.program_id(1)
    # Programs that share input positions run side by side, so that the second reads them from L2.
    blocks_n = tl.cdiv(c_out_group, BLOCK_N)
    m = (tl.program_id(0) // blocks_n) * BLOCK_M + tl.arange(0, BLOCK_M)
    n = (tl.program_id(0) % blocks_n) * BLOCK_N + tl.arange(0, BLOCK_N)
    k = tl.arange(0, BLOCK_K)

    # Past the edge, load the last position or channel again; the masked store drops the result.
    position = tl.minimum(m, positions - 1)
    image = position // (out_height * out_width)
    oy = position // out_width % out_height
    ox = position % out_width
    channel = group * c_out_group + tl.minimum(n, c_out_group - 1)

    pixel = image.to(tl.int64) * x_pixels + (oy * x_width + ox) * stride
    x_tile = x + (pixel * c_in)[:, None] + k[None, :]
    if SPANS == 9:  # only then are there groups; adding zero would hide from the compiler how x is aligned
        x_tile += group * c_in_group
    w_tile = weight + channel[None, :].to(tl.int64) * (SPANS * span_pitch) + k[:, None]

    acc = tl.zeros((BLOCK_M, BLOCK_N), dtype=tl.int32)
    index = 0  # of the span
    start = 0  # within the span
    for _ in range(steps):
        tap = index * x_row if SPANS == 3 else index // 3 * x_row + index % 3 * c_in
        a = tl.load(x_tile + (tap + start))
        b = tl.load(w_tile + (index * span_pitch + start))
        acc = tl.dot(a, b, acc, out_dtype=tl.int32)
        start += BLOCK_K
        done = start >= span
        index = tl.where(done, index + 1, index)
        start = tl.where(done, 0, start)

    # 32-bit sum times 17-bit multiplier: the product needs 64 bits (one wide multiply-add per value).
    scale = tl.load(multiplier + channel).to(tl.int64)
    value = (acc.to(tl.int64) * scale[None, :] + tl.load(offset + channel)[None, :]) >> shift
    value = tl.minimum(tl.maximum(value, 0), top)
    where = image.to(tl.int64) * y_pixels + (oy + 1) * y_width + ox + 1
    tl.store(
        y + (where * c_out + group * c_out_group)[:, None] + n[None, :],
        (value - OUT_ZERO).to(tl.int8),
        mask=(m < positions)[:, None] & (n < c_out_group)[None, :],
    )


@triton.jit
def global_sum_kernel(
    x,  # int8 maps
    sums,  # int32 (N, C)
    height,
    width,
    x_width,
    x_pixels,
    C: tl.constexpr,
    ZERO: tl.constexpr,
    BLOCK_P: tl.constexpr,  # pixels
    BLOCK_C: tl.constexpr,
):
    """sums[n, c] = the exact sum of map c of image n: golden.global_sum. Grid: (N, ceil(C / BLOCK_C))."""
    image = tl.program_id(0)
    c = tl.program_id(1) * BLOCK_C + tl.arange(0, BLOCK_C)
    acc = tl.zeros((BLOCK_C,), dtype=tl.int32)
    for start in range(0, height * width, BLOCK_P):
        p = start + tl.arange(0, BLOCK_P)
        pixel = image.to(tl.int64) * x_pixels + (p // width + 1) * x_width + p % width + 1
        mask = (p < height * width)[:, None] & (c < C)[None, :]
        values = tl.load(x + (pixel * C)[:, None] + c[None, :], mask=mask, other=0)
        acc += tl.sum(values.to(tl.int32), axis=0)
    tl.store(sums + image * C + c, acc + ZERO * height * width, mask=c < C)


@triton.jit
def linear_kernel(
    sums,  # int32 (N, C), not negative
    weight,  # int8 (CLASSES, C)
    bias,  # int32 (CLASSES,)
    logits,  # int32 (N, CLASSES)
    images,
    C: tl.constexpr,
    CLASSES: tl.constexpr,
    DIGITS: tl.constexpr,  # base-128 digits that hold any sum
    BLOCK_M: tl.constexpr,
    BLOCK_N: tl.constexpr,
    BLOCK_K: tl.constexpr,
):
    """logits = sums . weight^T + bias: golden.linear, on the int8 units through base-128 digits of the sums.

    Grid: (ceil(N / BLOCK_M), ceil(CLASSES / BLOCK_N)).
    """
    m = tl.program_id(0) * BLOCK_M + tl.arange(0, BLOCK_M)
    n = tl.program_id(1) * BLOCK_N + tl.arange(0, BLOCK_N)
    total = tl.zeros((BLOCK_M, BLOCK_N), dtype=tl.int32)
    for digit in tl.static_range(DIGITS):
        acc = tl.zeros((BLOCK_M, BLOCK_N), dtype=tl.int32)
        for start in range(0, C, BLOCK_K):
            k = start + tl.arange(0, BLOCK_K)
            in_m = (m < images)[:, None] & (k < C)[None, :]
            in_n = (k < C)[:, None] & (n < CLASSES)[None, :]
            s = tl.load(sums + m[:, None] * C + k[None, :], mask=in_m, other=0)
            w = tl.load(weight + n[None, :] * C + k[:, None], mask=in_n, other=0)
            acc = tl.dot(((s >> (7 * digit)) & 127).to(tl.int8), w, acc, out_dtype=tl.int32)
        total += acc << (7 * digit)
    total += tl.load(bias + n, mask=n < CLASSES, other=0)[None, :]
    mask = (m < images)[:, None] & (n < CLASSES)[None, :]
    tl.store(logits + m[:, None] * CLASSES + n[None, :], total, mask=mask)
