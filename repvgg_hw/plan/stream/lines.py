"""A layer's line buffer: a ring of rows of its map, and the windows read out of it (rvg_window_buffer.sv)."""

from __future__ import annotations

from dataclasses import dataclass

from repvgg_hw.plan.folding import divisors
from repvgg_hw.plan.stream.timing import HANDOVER_CYCLES


@dataclass(frozen=True)
class Lines:
    """A line buffer by its map and windows.

    words      beats per pixel
    width      pixels per row of the map
    kernel     rows and columns of a window
    step       rows and columns from one window to the next
    tile_rows, tile_columns  windows of a frame, for each word
    beat_bits  bits per beat
    """

    words: int
    width: int
    kernel: int
    step: int
    tile_rows: int
    tile_columns: int
    beat_bits: int

    @property
    def row_beats(self) -> int:
        return self.width * self.words

    @property
    def rows(self) -> int:
        """Rows of the ring: a window's are read while as many are written as it moves by."""
        return self.kernel + self.step

    @property
    def ring(self) -> tuple[int, int]:
        """(words, bits per word) of the ring, all rows side by side."""
        return self.row_beats, self.rows * self.beat_bits

    @property
    def columns(self) -> int:
        """Columns read per frame: windows slide where a word holds all channels, else each is read anew."""
        slides = self.step * (self.tile_columns - 1) + self.kernel
        return self.tile_rows * (slides if self.words == 1 else self.tile_columns * self.kernel * self.words)

    def cycles(self, at_once: int) -> int:
        """Per frame, where so many rows of a column are read at once."""
        return self.columns * self.kernel // at_once

    def fewest_rows(self, busy: int) -> int:
        """The fewest rows at once with which windows are there within `busy` cycles per frame, or else all.

        What begins a row of windows waits for a row of the map to be handed over.
        """
        spare = busy - self.tile_rows * HANDOVER_CYCLES
        return next((d for d in divisors(self.kernel) if self.cycles(d) <= spare), self.kernel)

    def lanes(self, at_once: int) -> int:
        """Memories: one for each row that is read at once, or where all are, for each row of the ring."""
        return self.rows if at_once == self.kernel else at_once

    def slots(self, at_once: int) -> int:
        """Rows in each memory."""
        return -(-self.rows // self.lanes(at_once))

    def depth(self, at_once: int) -> int:
        """Words of each memory: a slot begins at a power of two."""
        slot = 1 << max(1, (self.row_beats - 1).bit_length())
        return (self.slots(at_once) - 1) * slot + self.row_beats
