"""One instruction of an engine's program: a value here, 128 bytes in the image, bit fields in the hardware.

Its twin is templates/verilog/engine/rvg_engine_pkg.sv, which has the same names in capitals.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from repvgg_hw.errors import InputError

BYTES = 128


class Op(IntEnum):
    """What an instruction does."""

    END = 0  # of the program
    CONV = 1  # a strip of a convolution's output, or with `pool` what it adds to the sums
    LINEAR = 2  # the linear layer, from the pool's sums


@dataclass(frozen=True)
class Field:
    """A bit field: its first bit counted from bit 0 of word 0, its width."""

    low: int
    bits: int
    signed: bool = False


def _field(word: int, low: int = 0, bits: int = 32, *, signed: bool = False) -> Field:
    return Field(32 * word + low, bits, signed)


FIELDS = {
    "op": _field(0, 0, 8),
    "stride2": _field(0, 8, 1),
    "in_signed": _field(0, 9, 1),
    "load_whole": _field(0, 10, 1),
    "store_whole": _field(0, 11, 1),
    "pool": _field(0, 12, 1),
    "pool_first": _field(0, 13, 1),
    "from_input": _field(0, 14, 1),
    "to_output": _field(0, 15, 1),
    "shift": _field(0, 16, 6),
    "out_max": _field(0, 24, 8),
    "depends": _field(1, 0, 16),
    "load_addr": _field(2),
    "load_plane": _field(3),
    "load_step": _field(4),
    "load_pitch": _field(5),
    "load_line_beats": _field(6, 0, 16),
    "top": _field(6, 16, 1),
    "bottom": _field(6, 24, 8),
    "x_first": _field(7, 0, 16, signed=True),
    "x_limit": _field(7, 16, 16),
    "tiles_x": _field(8, 0, 8),
    "tiles_y": _field(8, 8, 8),
    "tiles": _field(8, 16, 8),
    "words": _field(9, 0, 16),
    "groups": _field(9, 16, 16),
    "in_lanes": _field(10, 0, 8),
    "out_lanes": _field(10, 8, 8),
    "repeats": _field(10, 16, 16),
    "weight_addr": _field(11),
    "weight_beats": _field(12),
    "store_addr": _field(13),
    "store_plane": _field(14),
    "store_pitch": _field(15),
    "store_line_beats": _field(16, 0, 16),
    "store_rows": _field(16, 16, 16),
    "store_columns": _field(17, 0, 16),
    "channels": _field(18, 0, 16),
    "blocks": _field(18, 16, 16),
}


@dataclass(frozen=True)
class Instruction:
    """All fields as integers; what an operation does not use is zero.

    op               see Op
    stride2          of the convolution; the window is n x n for both strides
    in_signed        pixels loaded are int8, else uint8
    load_whole       lines lie without a gap: load_line_beats x beat bytes == load_pitch; store_whole likewise
    pool             outputs are summed over the map, not stored; pool_first: by the map's first strip
    from_input       load_addr counts from the frame's input, else from the maps; to_output likewise
    shift, out_max   of the requantization: y = min(max((acc M + 2**(shift-1)) >> shift, 0), out_max)
    depends          0, or how many instructions before this one stands the one that stored what this loads
    load_addr        of channel 0, first row of the first row of tiles' windows (also where that lies above
                     the map: modulo 2**32), first beat loaded
    load_plane       bytes from channel to channel; load_step from a row of tiles to the next; load_pitch rows
    load_line_beats  beats loaded of each row
    top, bottom      rows that lie above the map in the first row of tiles' windows, below it in the last's
    x_first          column of the first window's first pixel, from the first loaded pixel
    x_limit          columns from here on read zero, and so do those below zero
    tiles_x, tiles_y, tiles   Q, R and R Q
    words, groups    words of PI channels in a group; groups
    in_lanes, out_lanes       channels in a group's last word, and in its last set of outputs
    repeats          sets of PO outputs in a group
    weight_addr, weight_beats of the region in the image, from its beginning
    store_addr       of channel 0, first row, first beat; store_plane, store_pitch as for loading
    store_line_beats beats stored of each row; store_rows, store_columns: what is valid of the strip
    channels, blocks of the linear layer: sums read, blocks of as many classes as a weight beat has bytes
    """

    op: int
    stride2: int = 0
    in_signed: int = 0
    load_whole: int = 0
    store_whole: int = 0
    pool: int = 0
    pool_first: int = 0
    from_input: int = 0
    to_output: int = 0
    shift: int = 0
    out_max: int = 0
    depends: int = 0
    load_addr: int = 0
    load_plane: int = 0
    load_step: int = 0
    load_pitch: int = 0
    load_line_beats: int = 0
    top: int = 0
    bottom: int = 0
    x_first: int = 0
    x_limit: int = 0
    tiles_x: int = 0
    tiles_y: int = 0
    tiles: int = 0
    words: int = 0
    groups: int = 0
    in_lanes: int = 0
    out_lanes: int = 0
    repeats: int = 0
    weight_addr: int = 0
    weight_beats: int = 0
    store_addr: int = 0
    store_plane: int = 0
    store_pitch: int = 0
    store_line_beats: int = 0
    store_rows: int = 0
    store_columns: int = 0
    channels: int = 0
    blocks: int = 0

    def pack(self) -> bytes:
        """The instruction in the image. Raises InputError naming a field that does not hold its value."""
        word = 0
        for name, field in FIELDS.items():
            value = int(getattr(self, name))
            low = -(1 << field.bits - 1) if field.signed else 0
            if not low <= value < low + (1 << field.bits):
                raise InputError(f"{name} = {value} does not fit its {field.bits} bits of an instruction")
            word |= (value & ((1 << field.bits) - 1)) << field.low
        return word.to_bytes(BYTES, "little")

    @staticmethod
    def unpack(data: bytes) -> Instruction:
        """The instruction that these 128 bytes are.

        Raises InputError for an operation that there is none of, and for bits outside all fields.
        """
        word = int.from_bytes(data, "little")
        values = {}
        for name, field in FIELDS.items():
            value = word >> field.low & ((1 << field.bits) - 1)
            values[name] = value - (value >> field.bits - 1 << field.bits) if field.signed else value
        found = Instruction(**values)
        if len(data) != BYTES or values["op"] not in set(Op):
            raise InputError(f"{len(data)} bytes with operation {values['op']} are not an instruction")
        if found.pack() != data:
            raise InputError("bits are set that belong to no field of an instruction")
        return found
