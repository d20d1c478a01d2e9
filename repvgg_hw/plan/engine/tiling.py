"""How a layer is cut for an engine: tiles into strips, channels into words and sets of outputs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from repvgg_hw.network import ConvShape, out_size
from repvgg_hw.plan.engine.array import Array
from repvgg_hw.winograd.matrices import Transform


@dataclass(frozen=True)
class Strip:
    """Tiles [y, y + rows) x [x, x + columns) of a map."""

    y: int
    x: int
    rows: int
    columns: int

    @property
    def tiles(self) -> int:
        return self.rows * self.columns


@dataclass(frozen=True)
class Layer:
    """One convolution on one array: its input's size, and everything that follows.

    stored  whether its map goes to DRAM (else only the pool's sums are kept)
    """

    array: Array
    shape: ConvShape
    height: int
    width: int
    stored: bool = True

    @cached_property
    def kind(self) -> Transform:
        return self.array.kind(self.shape.stride)

    @property
    def out_height(self) -> int:
        return out_size(self.height, self.shape.stride)

    @property
    def out_width(self) -> int:
        return out_size(self.width, self.shape.stride)

    @property
    def tile_rows(self) -> int:
        return self.array.tile_rows(self.height, self.shape.stride)

    @property
    def tile_columns(self) -> int:
        return self.array.tile_rows(self.width, self.shape.stride)

    @property
    def in_channels(self) -> int:
        """Of a group."""
        return self.shape.c_in // self.shape.groups

    @property
    def out_channels(self) -> int:
        """Of a group."""
        return self.shape.c_out // self.shape.groups

    @property
    def words(self) -> int:
        """Of PI channels, in a group."""
        return -(-self.in_channels // self.array.pi)

    @property
    def repeats(self) -> int:
        """Sets of PO outputs in a group."""
        return -(-self.out_channels // self.array.po)

    @property
    def in_lanes(self) -> int:
        """Channels in a group's last word."""
        return self.in_channels - (self.words - 1) * self.array.pi

    @property
    def out_lanes(self) -> int:
        """Channels in a group's last set of outputs."""
        return self.out_channels - (self.repeats - 1) * self.array.po

    @property
    def largest(self) -> int:
        """Tiles of a strip that accumulators and data memory hold; 0 where not even one fits.

        The memory holds a group at once: its words leave as the group's last set of outputs reads them.
        """
        return min(self.array.t_max, self.array.word_depth // self.words)

    @property
    def weight_beats(self) -> int:
        """Of the layer's region, read once for each strip."""
        return self.shape.groups * self.repeats * self.array.region_beats(self.words)

    def strips(self, rows: int, columns: int) -> Iterator[Strip]:
        """The map cut into strips of so many tiles, in raster order; those at its end are smaller."""
        for y in range(0, self.tile_rows, rows):
            for x in range(0, self.tile_columns, columns):
                yield Strip(y, x, min(rows, self.tile_rows - y), min(columns, self.tile_columns - x))

    def first_column(self, strip: Strip) -> int:
        """Of the first window: -1 at the left edge."""
        return self.kind.step * strip.x - 1

    def first_beat(self, strip: Strip) -> int:
        """The first beat that is loaded of each row."""
        return max(self.first_column(strip), 0) // self.array.bd

    def load_beats(self, strip: Strip) -> int:
        """Beats that are loaded of each row."""
        last = self.first_column(strip) + self.kind.step * (strip.columns - 1) + self.kind.size - 1
        return min(last, self.width - 1) // self.array.bd + 1 - self.first_beat(strip)

    def load_rows(self, strip: Strip) -> int:
        """Rows that are loaded; those in common with the windows above once, where banks share them."""
        rows = strip.rows * self.kind.size - (strip.y == 0) - self.bottom(strip)
        if not self.shares(strip):
            return rows
        alone = strip.rows > 1 and self.bottom(strip) == self.kind.size - 2  # it would have no row of its own
        return rows - self.overlap * (strip.rows - 1 - alone)

    @property
    def overlap(self) -> int:
        """Rows that a window has in common with the one below."""
        return self.kind.size - self.kind.step

    def shares(self, strip: Strip) -> bool:
        """Whether rows of two windows are loaded once: the banks hold two lines."""
        return self.array.n > 3 and 2 * self.load_beats(strip) <= self.array.line_depth

    def bottom(self, strip: Strip) -> int:
        """Rows of the last windows below the map."""
        last = self.kind.step * (strip.y + strip.rows - 1) - 1 + self.kind.size - 1
        return max(0, last - (self.height - 1))

    def store_rows(self, strip: Strip) -> int:
        """Valid rows of the strip's output."""
        return min(strip.rows * self.kind.m, self.out_height - strip.y * self.kind.m)

    def store_columns(self, strip: Strip) -> int:
        """Valid columns of the strip's output."""
        return min(strip.columns * self.kind.m, self.out_width - strip.x * self.kind.m)

    def store_beats(self, strip: Strip) -> int:
        """Beats of each row of the strip's output."""
        return -(-self.store_columns(strip) // self.array.bd)

    def cuts(self) -> Iterator[tuple[int, int]]:
        """(rows, columns) of tiles of every way to cut that fits the array.

        Whole rows of tiles, or of one row of tiles chunks that begin where a beat of the output begins.
        """
        array, wide = self.array, self.tile_columns
        for rows in range(1, self.tile_rows + 1):
            if self._fits(rows, wide):
                yield rows, wide
        for columns in range(1, min(wide, self.largest + 1)):
            if columns * self.kind.m % array.bd == 0 and self._fits(1, columns):
                yield 1, columns

    def _fits(self, rows: int, columns: int) -> bool:
        if rows * columns > self.largest:
            return False
        strips = list(self.strips(rows, columns))
        loads = max(self.load_beats(strip) for strip in strips)
        stores = max(strip.rows * self.store_beats(strip) for strip in strips) if self.stored else 0
        return loads <= self.array.line_depth and stores <= self.array.out_words
