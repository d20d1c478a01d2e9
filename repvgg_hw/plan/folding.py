"""Folding a 3x3 layer by PI input and PO output channels: what follows, whatever computes the products."""

from __future__ import annotations

from dataclasses import dataclass

from repvgg_hw.network import out_size

TAPS = 9  # weights of a 3x3 kernel
TREE_RADIX = 8  # inputs that one register stage of an adder tree sums


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


def sum_registers(terms: int) -> int:
    """Registers of the pipelined sum of `terms` products: one after every TREE_RADIX terms."""
    total = level = -(-terms // TREE_RADIX)
    while level > 1:
        level = -(-level // TREE_RADIX)
        total += level
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
    def write_cycles(self) -> int:
        """Beats that the line buffer takes per frame."""
        return self.height * self.width * (self.c_in // self.pi)
