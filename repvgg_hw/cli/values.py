"""What may stand behind an option: one type for each kind of value, with its limits, for every command.

Each refuses what it cannot mean before any work is done: NaN, infinity, beyond its limits, an empty word.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from repvgg_hw.errors import InputError
from repvgg_hw.files import check_output

LARGEST_SIZE = 8192  # pixels of a side: beyond it a frame has more values than 32 bits count
LARGEST_COUNT = 10**9  # images, multipliers, bytes
Context = click.Context | None
Parameter = click.Parameter | None


_REAL = re.compile(r"[+-]?([0-9]{1,400}\.?[0-9]{0,400}|\.[0-9]{1,400})([eE][+-]?[0-9]{1,9})?")


class Whole(click.ParamType[int]):
    """A whole number from `lowest` to `highest`, in ASCII digits; int() would read 1_000, too."""

    name = "N"

    def __init__(self, lowest: int, highest: int) -> None:
        self.lowest, self.highest = lowest, highest

    def convert(self, value: Any, param: Parameter, ctx: Context) -> int:
        """The number, if it is within its limits."""
        words = re.fullmatch("[+-]?[0-9]{1,30}", str(value).strip())
        if words is None or not self.lowest <= int(words[0]) <= self.highest:
            self.fail(f"{value!r} is not a whole number from {self.lowest:,} to {self.highest:,}", param, ctx)
        return int(words[0])


class Real(click.ParamType[float]):
    """A finite number; `over` in place of `lowest` excludes it, `under` in place of `highest`."""

    name = "X"

    def __init__(
        self,
        lowest: float | None = None,
        highest: float | None = None,
        *,
        over: float | None = None,
        under: float | None = None,
    ) -> None:
        self.lowest, self.highest, self.over, self.under = lowest, highest, over, under

    def convert(self, value: Any, param: Parameter, ctx: Context) -> float:
        """The number, if it is finite and within its limits."""
        number = float(value) if _REAL.fullmatch(str(value).strip()) else math.nan
        if not math.isfinite(number):
            self.fail(f"{value!r} is not a finite number", param, ctx)
        limits = {
            "at least": (self.lowest, operator.ge),
            "above": (self.over, operator.gt),
            "at most": (self.highest, operator.le),
            "below": (self.under, operator.lt),
        }
        for words, (limit, keeps) in limits.items():
            if limit is not None and not keeps(number, limit):
                self.fail(f"{value} is not {words} {limit:,g}", param, ctx)
        return number


class Size(click.ParamType[tuple[int, int]]):
    """ "224" -> (224, 224); "33x20" -> (33, 20): height, then width."""

    name = "N|HxW"

    def convert(self, value: Any, param: Parameter, ctx: Context) -> tuple[int, int]:
        """The size in pixels; a tuple stays what it is."""
        if isinstance(value, tuple):
            return value[0], value[1]
        match = re.fullmatch(r"([1-9][0-9]{0,4})(?:[xX]([1-9][0-9]{0,4}))?", str(value).strip())
        if match is None:
            self.fail(f"{value!r} is not a size in pixels like 224 or 192x256 (height x width)", param, ctx)
        height, width = int(match[1]), int(match[2] or match[1])
        if max(height, width) > LARGEST_SIZE:
            self.fail(f"{value} is beyond {LARGEST_SIZE:,} pixels", param, ctx)
        return height, width


class Listed(click.ParamType[tuple[Any, ...]]):
    """ "2,2,1" -> (2, 2, 1): one value of another type or more, joined by commas."""

    def __init__(self, each: click.ParamType[Any], example: str) -> None:
        self.each, self.example = each, example
        self.name = "list"

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        """An example says more than a type's name."""
        return self.example

    def convert(self, value: Any, param: Parameter, ctx: Context) -> tuple[Any, ...]:
        """Every part converted; an empty one is refused."""
        if isinstance(value, tuple):
            return value
        parts = [part.strip() for part in str(value).split(",")]
        if not all(parts):
            self.fail(f"{value!r} is not a list like {self.example}", param, ctx)
        return tuple(self.each.convert(part, param, ctx) for part in parts)


class Word(click.ParamType[str]):
    """Text that another tool will read: only what `check` lets pass (it raises InputError)."""

    def __init__(self, metavar: str, check: Callable[[str], object]) -> None:
        self.name = metavar
        self.check = check

    def convert(self, value: Any, param: Parameter, ctx: Context) -> str:
        """The text as it is, checked."""
        try:
            self.check(value)
        except InputError as error:
            self.fail(str(error), param, ctx)
        return str(value)


def named(text: str) -> None:
    """Refuse, with InputError, empty text: it would count as an option that is not there."""
    if not text.strip():
        raise InputError(f"{text!r} names nothing")


class Source(click.ParamType[str]):
    """A checkpoint: a path, or an address that begins with hf://."""

    name = "checkpoint"

    def convert(self, value: Any, param: Parameter, ctx: Context) -> str:
        """The text as it is, unless there is none."""
        if not str(value).strip() or "\0" in str(value):
            self.fail(f"{value!r} names nothing", param, ctx)
        return str(value)


class Place(click.Path):
    """A path to read, or a folder to write; an empty one would mean the working directory."""

    name = "path"

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, param: Parameter, ctx: Context) -> Any:
        """A Path; whether anything is there is for the reader to say."""
        if not str(value).strip() or "\0" in str(value):
            self.fail(f"{value!r} names nothing", param, ctx)
        return super().convert(value, param, ctx)


class OutputFile(Place):
    """A file to write, named by one of these suffixes, whose place is checked at once (`check_output`)."""

    name = "file"

    def __init__(self, *suffixes: str) -> None:
        super().__init__()
        self.suffixes = suffixes

    def convert(self, value: Any, param: Parameter, ctx: Context) -> Any:
        """A Path that can be written."""
        path: Path = super().convert(value, param, ctx)
        try:
            check_output(path, self.suffixes)
        except InputError as error:
            self.fail(str(error), param, ctx)
        return path


COUNT = Whole(1, LARGEST_COUNT)
SEED = Whole(0, 2**63 - 1)
CLASSES = Whole(1, 1_000_000)
BITS = Whole(4, 8)
INPUT_SIZE = Size()
PLACE = Place()
SOURCE = Source()
NAME = Word("TEXT", named)
EPS = Real(0, under=1)  # of a batch normalization
SHARE = Real(over=0, highest=1)
NUMBERS = Listed(Real(), "0.5,0.5,0.5")
STRIDES = Listed(Whole(1, 8), "2,2,2,2,2")
GROUPS = Listed(Whole(1, 65_536), "1,2,1,2")
