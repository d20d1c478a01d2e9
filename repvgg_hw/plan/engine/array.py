"""One engine: its array, its memories, its ports, and which identity ties images to it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields

from repvgg_hw.errors import InputError
from repvgg_hw.network import out_size
from repvgg_hw.plan.engine.codes import VERSION
from repvgg_hw.plan.engine.kinds import SIZES, EngineWidths, engine_widths, kind_of
from repvgg_hw.winograd.matrices import KERNEL, Transform

TAPS = KERNEL * KERNEL
ADDR_BITS = 32
BEATS = (8, 16, 32, 64)  # bytes of a port's beat
LARGEST_TILES = 16  # of a strip
BLOCK_BEATS = 9  # of a block of weights, where one set does not need more
AFFINE_BYTES = 8  # of an output channel: bias and multiplier
LOGIT_BYTES = 4
READ_DEPTH = 512  # beats that a read port holds or has asked for


def strip_sum_bits(n: int, t_max: int) -> int:
    """Bits of the pool's sum over a strip of the largest tiles, all pixels 255."""
    return (255 * t_max * (n - 2) ** 2).bit_length()


@dataclass(frozen=True)
class Array:
    """An engine's parameters; two engines with the same run the same images.

    n            positions of a tile in one dimension: 3 (direct), 5, 7 or 9
    pi, po       input and output channels at once; lanes outputs transformed at once, divides po
    t_max        tiles of a strip, at most; word_depth words of the data memory, a ring,
                 in block RAM, or with word_uram 1 in UltraRAM
    line_depth   beats in one row bank of the input, a power of two from 2 on
    out_words    beats in one slot of a row bank of the store, which has `slots` slots
    c_max        channels of the pool; pool_w bits of a sum over a map
    bd, bw       bytes of a beat of the data port and of the weight port
    acc_w        bits of a convolution sum with bias; max_burst beats of a burst
    """

    n: int = 9
    pi: int = 1
    po: int = 2
    lanes: int = 2
    t_max: int = 16
    word_depth: int = 2048
    word_uram: int = 0
    line_depth: int = 64
    out_words: int = 32
    slots: int = 4
    c_max: int = 1280
    pool_w: int = 24
    bd: int = 8
    bw: int = 8
    acc_w: int = 28
    max_burst: int = 64

    def __post_init__(self) -> None:
        self._require(self.word_uram in (0, 1), "word_uram", "is 0 or 1")
        for field in fields(self):
            self._require(
                field.name == "word_uram" or getattr(self, field.name) >= 1, field.name, "is at least 1"
            )
        self._require(self.n in SIZES, "n", f"is one of {SIZES}")
        for name in ("pi", "po"):
            self._require(getattr(self, name) <= 255, name, "is at most 255")
        self._require(self.po % self.lanes == 0, "lanes", f"divides po = {self.po}")
        self._require(self.t_max <= LARGEST_TILES, "t_max", f"is at most {LARGEST_TILES}")
        self._require(self.bd in BEATS, "bd", f"is one of {BEATS}")
        self._require(self.bw in BEATS, "bw", f"is one of {BEATS}")
        power = self.line_depth >= 2 and self.line_depth & (self.line_depth - 1) == 0
        self._require(power, "line_depth", "is a power of two from 2 on")
        self._require(9 <= self.acc_w <= 32, "acc_w", "is 9 to 32: the divisions have 32 bits")
        self._require(8 <= self.pool_w <= 32, "pool_w", "is 8 to 32")
        strip = strip_sum_bits(self.n, self.t_max)
        self._require(self.pool_w >= strip, "pool_w", f"holds the sum of a strip, {strip} bits")
        self._require(self.max_burst <= 256, "max_burst", "is at most AXI4's 256")
        self._require(self.slots >= 2, "slots", "is at least 2: one is filled while one leaves")

    def _require(self, holds: bool, name: str, rule: str) -> None:
        if not holds:
            raise InputError(f"an engine's {name} {rule}; {getattr(self, name)} is not")

    @property
    def widths(self) -> EngineWidths:
        return engine_widths(self.n, self.acc_w)

    def kind(self, stride: int) -> Transform:
        """The transform at this stride; `.m` outputs of a tile, `.step` pixels from one to the next."""
        return kind_of(self.n, stride)

    def tile_rows(self, size: int, stride: int) -> int:
        """Tiles that cover the output of a map of this height (or width)."""
        return -(-out_size(size, stride) // self.kind(stride).m)

    @property
    def multipliers(self) -> int:
        """Of the array alone."""
        return self.n * self.n * self.pi * self.po

    def pitch(self, width: int) -> int:
        """Bytes from row to row of a map in DRAM."""
        return -(-width // self.bd) * self.bd

    @property
    def set_bytes(self) -> int:
        """Of a weight set, PI x PO kernels of int8."""
        return self.pi * self.po * TAPS

    @property
    def block(self) -> tuple[int, int]:
        """(SETS, BLOCK_BEATS): sets of weights in a block of beats, chosen for the least padding."""
        one = -(-self.set_bytes // self.bw)
        sizes = range(one, max(BLOCK_BEATS, one) + 1)
        per_set = [(beats / (beats * self.bw // self.set_bytes), beats) for beats in sizes]
        _, beats = min(per_set)
        return beats * self.bw // self.set_bytes, beats

    @property
    def affine_beats(self) -> int:
        """Of a set of outputs: biases and multipliers."""
        return -(-self.po * AFFINE_BYTES // self.bw)

    def region_beats(self, words: int) -> int:
        """Beats of the weight port for one set of outputs over so many words of inputs.

        The last block of the words has no more beats than its sets need.
        """
        sets, beats = self.block
        whole, rest = divmod(words, sets)
        return self.affine_beats + whole * beats + -(-rest * self.set_bytes // self.bw)

    @property
    def parameters(self) -> dict[str, int]:
        """As every module of the engine names them."""
        found, (sets, beats) = self.widths, self.block
        return {
            **{field.name.upper(): getattr(self, field.name) for field in fields(self)},
            "SETS": sets,
            "BLOCK_BEATS": beats,
            "X_W": 9,
            "MIDDLE_W": found.middle,
            "DATA_W": found.data,
            "WMIDDLE_W": found.weight_middle,
            "WEIGHT_W": found.weight,
            "SHIFT1": found.shift1,
            "SHIFT2": found.shift2,
            "SUM_W": found.sum,
            "ADDR_W": ADDR_BITS,
        }

    @property
    def identity(self) -> int:
        """32 bits that the hardware compares with an image's: of the parameters and the image's version.

        Which memories hold the words is nothing that an image could tell.
        """
        told = {name: value for name, value in self.parameters.items() if name != "WORD_URAM"}
        text = "".join(f"{name}={value}\n" for name, value in sorted(told.items()))
        return int.from_bytes(hashlib.sha256(f"{text}version={VERSION}\n".encode()).digest()[:4], "little")
