"""Folding a 3x3 layer by PI input and PO output channels: what follows, whatever computes the products."""

from __future__ import annotations

from dataclasses import dataclass

from repvgg_hw.network import out_size

TAPS = 9  # weights of a 3x3 kernel


@dataclass(frozen=True)
class Folding:
    """How a layer's products are shared in time: PI input channels by PO output channels at once.

    m  Winograd tile, None for direct products
    """

    pi: int
    po: int
    m: int | None = None


def divisors(n: int) -> list[int]:
    """All divisors of n, ascending."""
    return [d for d in range(1, n + 1) if n % d == 0]


def product_bits(terms: int, a_bits: int, b_bits: int, sum_bits: int) -> int:
    """Register bits of a pipelined sum of `terms` products: rvg_dot_product.sv.

    Each multiplier has its operands, the product and the result in registers; sums are added by pairs, a
    register after each, a bit wider each time, up to sum_bits.
    """
    width = min(a_bits + b_bits, sum_bits)
    total = terms * (a_bits + b_bits + 2 * width)
    while terms > 1:
        terms, width = -(-terms // 2), min(width + 1, sum_bits)
        total += terms * width
    return total


class FoldedConv:
    """Counts that follow from a layer's shape and folding; a mixin of dataclasses that have the fields."""

    c_in: int
    c_out: int
    height: int  # of the input map
    width: int
    stride: int
    groups: int
    pi: int
    po: int

    @property
    def words(self) -> int:
        """Words of PI channels that one output is accumulated over."""
        return self.c_in // self.groups // self.pi

    @property
    def repeats(self) -> int:
        """Times that a window's words are read, once for each PO output channels of the group."""
        return self.c_out // self.groups // self.po

    @property
    def out_height(self) -> int:
        return out_size(self.height, self.stride)

    @property
    def out_width(self) -> int:
        return out_size(self.width, self.stride)

    @property
    def shape(self) -> str:
        """Channels x height x width, from input to output, for readers."""
        groups = f", {self.groups} groups" if self.groups > 1 else ""
        return (
            f"{self.c_in}x{self.height}x{self.width} -> "
            f"{self.c_out}x{self.out_height}x{self.out_width}{groups}"
        )

    @property
    def macs(self) -> int:
        """Multiply-accumulates per frame, as direct products."""
        return self.out_height * self.out_width * self.c_out * (self.c_in // self.groups) * TAPS

    @property
    def in_lanes(self) -> int:
        """Channels per beat into the line buffer."""
        return self.pi

    @property
    def write_cycles(self) -> int:
        """Beats that the line buffer takes per frame."""
        return self.height * self.width * (self.c_in // self.in_lanes)
