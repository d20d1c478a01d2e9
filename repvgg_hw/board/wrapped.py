"""What every architecture gives to a board's folder, and who wraps which design."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from repvgg_hw.board.boards import Board
from repvgg_hw.board.register_map import RegisterMap
from repvgg_hw.design import Design

Content = Mapping[str, str | bytes]  # files of a folder


class Wrapped(Protocol):
    """A design with what a board expects around it."""

    @property
    def design(self) -> Design[Any]: ...

    @property
    def board(self) -> Board: ...

    @property
    def name(self) -> str:
        """Of files and, behind `repvgg_`, of the module."""

    @property
    def module(self) -> str:
        """The board's top."""

    @property
    def identity(self) -> int:
        """32 bits in a register, which the driver compares."""

    @property
    def registers(self) -> RegisterMap: ...

    @property
    def memory_bytes(self) -> Sequence[int]:
        """Bytes of a beat of each port to the memory."""

    def facts(self) -> dict[str, Any]:
        """What was wrapped, for programs."""

    def files(self) -> dict[str, str]:
        """Sources and tables: name -> text. Raises InputError where the board cannot serve."""

    def driver_files(self) -> Content:
        """Of the folder `driver`, beside the drivers themselves: what they must know, images."""

    def context(self) -> dict[str, Any]:
        """What the board's templates need of this architecture."""

    def summary(self) -> str:
        """A line for people: what goes in and out."""
