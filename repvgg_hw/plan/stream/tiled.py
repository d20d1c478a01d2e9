"""Folding a layer of tiles: Winograd's channels in time, and the cycles that follow."""

from __future__ import annotations

from repvgg_hw.plan.folding import FoldedConv, divisors
from repvgg_hw.winograd.matrices import Transform, transform


class TiledConv(FoldedConv):
    """Counts that follow from a layer's tiles and folding; a mixin of dataclasses that have the fields."""

    m: int  # outputs of a tile, in each dimension

    @property
    def transform(self) -> Transform:
        return transform(self.m, self.stride)

    @property
    def tile_rows(self) -> int:
        return -(-self.out_height // self.m)

    @property
    def tiles(self) -> int:
        """Tiles of the map, those that overhang its right and lower edge included."""
        return self.tile_rows * -(-self.out_width // self.m)

    @property
    def lanes(self) -> int:
        """Output channels in the output transform at once: the fewest that keep up with the accumulators."""
        return next(
            (d for d in divisors(self.po) if self.transform.size * self.po // d <= self.words), self.po
        )

    @property
    def rows(self) -> int:
        """Rows of sums that enter the output transform per cycle: the fewest that delay nothing else.

        Where WORDS is smaller than K, all PO channels are in it at once, and still each takes K cycles, a row
        each. It need not be faster than the input transform, nor than the M columns that leave.
        """
        fetch = self.words * (self.transform.size + 1) // self.repeats
        return -(-self.transform.size // min(self.transform.size, max(self.words, self.m, fetch)))

    @property
    def spacing(self) -> int:
        """Cycles of the output transform for one set of PO channels."""
        return max(-(-self.transform.size // self.rows), self.m) * self.po // self.lanes

    @property
    def in_lanes(self) -> int:
        """Channels per beat into the line buffer: the fewest whole words that delay nothing else."""
        pixels, busy = self.height * self.width, max(self.compute_cycles, self.fetch_cycles)
        fits = (d for d in divisors(self.c_in) if d % self.pi == 0)
        return next(d for d in fits if d == self.c_in or pixels * (self.c_in // d) <= busy)

    @property
    def compute_cycles(self) -> int:
        """Per frame: sets of WORDS cycles, or as many as the output transform needs."""
        return self.tiles * self.groups * self.repeats * max(self.words, self.spacing)

    @property
    def fetch_cycles(self) -> int:
        """Per frame: the input transform takes K + 1 cycles for a word."""
        return self.tiles * self.groups * self.words * (self.transform.size + 1)
