"""What the firmware prints (templates/board/soc/firmware/main.c), held against golden's words."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from repvgg_hw.errors import CheckFailed

_LINE = re.compile(r"(result|batch|cycles|end|error:)(.*)")
_NUMBERS = re.compile(r"(?: -?[0-9]+)*")


@dataclass(frozen=True)
class Outcome:
    """A run whose every word was golden's.

    classes  (N,) the likeliest class of each image; (0,) where results are maps
    cycles   (N,) of the accelerator, each image a run
    batch    the same for all images in one run
    uptime   cycles of the system from reset to the last result
    """

    classes: NDArray[np.int64]
    cycles: NDArray[np.int64]
    batch: int
    uptime: int


def judge(text: str, expected: NDArray[np.int64], logits: int | None) -> Outcome:
    """The outcome, of what was printed and of golden's words: (N, logits + classes), or, None, of maps.

    Raises CheckFailed with the firmware's own error, the first line that it does not print, or the first word
    that differs.
    """
    found: dict[str, dict[int, list[int]]] = {"result": {}, "batch": {}}
    totals: list[int] = []
    ended = False
    for line in text.splitlines():
        match = _LINE.fullmatch(line)
        if match is None:
            raise CheckFailed(f"simulated SoC: the firmware says what it has no words for: {line[:80]!r}")
        kind, rest = match.groups()
        if kind == "error:":
            raise CheckFailed(f"simulated SoC: the firmware says: {rest.strip()}")
        if not _NUMBERS.fullmatch(rest):
            raise CheckFailed(f"simulated SoC: no numbers: {line[:80]!r}")
        numbers = [int(word) for word in rest.split()]
        if kind == "cycles":
            totals = numbers
        elif kind == "end":
            ended = True
        elif numbers:
            found[kind][numbers[0]] = numbers[1:]
    cycles = [_frame(found, index, words.tolist(), logits) for index, words in enumerate(expected)]
    if not ended or len(totals) != 2:
        raise CheckFailed("simulated SoC: the firmware's last lines are missing")
    classes = expected[:0, 0] if logits is None else expected[:, logits]
    return Outcome(classes, np.array(cycles, np.int64), *totals)


def _frame(found: dict[str, dict[int, list[int]]], index: int, words: list[int], logits: int | None) -> int:
    """The cycles of an image, whose words must be golden's in both runs."""
    cycles, *alone = found["result"].get(index, [0])
    for where, got in (("alone", alone), ("in one run with all", found["batch"].get(index, []))):
        if len(got) != len(words):
            raise CheckFailed(f"simulated SoC: image {index}, {where}: {len(got)} of {len(words)} words")
        for place, (is_, wanted) in enumerate(zip(got, words, strict=True)):
            if is_ != wanted:
                what = _named(place, logits)
                raise CheckFailed(
                    f"simulated SoC: image {index}, {where}, {what}: golden says {wanted}, it says {is_}"
                )
    return cycles


def _named(place: int, logits: int | None) -> str:
    """A word of a result."""
    if logits is None:
        return f"word {place} of the map"
    return f"logit {place}" if place < logits else f"class {place - logits}"
