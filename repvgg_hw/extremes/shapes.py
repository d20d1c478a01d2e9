"""What extremes depend on, of any architecture's plan: the layers' inputs, and how they are transformed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class ConvInput(Protocol):
    """A convolution layer's input map, and (m, stride) of the tiles that it is transformed in, if in any."""

    @property
    def c_in(self) -> int: ...
    @property
    def height(self) -> int: ...
    @property
    def width(self) -> int: ...
    @property
    def tile(self) -> tuple[int, int] | None: ...


class PoolInput(Protocol):
    """The map that is pooled."""

    @property
    def c_in(self) -> int: ...
    @property
    def height(self) -> int: ...
    @property
    def width(self) -> int: ...
    @property
    def in_bits(self) -> int: ...


class Shapes(Protocol):
    """Of a whole network."""

    @property
    def convs(self) -> Sequence[ConvInput]: ...
    @property
    def linear(self) -> PoolInput | None: ...
