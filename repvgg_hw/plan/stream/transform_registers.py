"""Bits of data registers in a Winograd layer's transforms, as their RTL units have them, without control."""

from __future__ import annotations

from repvgg_hw.winograd.bounds import TransformWidths
from repvgg_hw.winograd.matrices import Transform
from repvgg_hw.winograd.networks import networks

JOINED = (5, 6)  # words that rvg_in_turn joins in a LUT instead of choosing one by a multiplexer


def in_turn_bits(words: int, bits: int, held: int) -> int:
    """rvg_in_turn: so many words of so many bits, of which `held` in all are not always zero."""
    return 2 * held if words in JOINED else held + bits


def input_transform_bits(kind: Transform, found: TransformWidths, in_bits: int, in_signed: bool) -> int:
    """rvg_winograd_input_transform, for each channel of a word."""
    positions = kind.size**2
    data, _, _ = networks(kind.m, kind.stride)
    return (
        in_turn_bits(kind.size, kind.size * in_bits, positions * in_bits)
        + data.register_bits(in_bits if in_signed else in_bits + 1, found.middle)
        + positions * found.middle
        + in_turn_bits(kind.size, kind.size * found.middle, positions * found.middle)
        + data.register_bits(found.middle, found.data)
        + 2 * positions * found.data
    )


def output_transform_bits(
    kind: Transform, found: TransformWidths, acc_bits: int, rows: int, sets: int
) -> int:
    """rvg_winograd_output_transform, for each lane: rows of sums at once, sets one after another."""
    _, output, divide = networks(kind.m, kind.stride)
    after_rows = acc_bits + kind.shift
    steps = -(-kind.size // rows)  # of the first pass
    words = sets * max(steps, kind.m)
    return (
        in_turn_bits(words, rows * kind.size * found.sum, sets * kind.size**2 * found.sum)
        + rows * output.register_bits(found.sum, found.sum)
        + kind.m * steps * rows * after_rows
        + in_turn_bits(kind.m, kind.size * after_rows, kind.m * kind.size * after_rows)
        + output.register_bits(after_rows, after_rows)
        + kind.m * (2 * acc_bits + divide.register_bits(acc_bits, acc_bits))
    )
