"""The data memory in time: a ring of words, each dead when its group's last set of outputs has read it."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass


@dataclass(frozen=True)
class _Group:
    """Words [first, first + words) of all that were ever written; read last in cycles (end - read, end]."""

    first: int
    words: int
    end: int
    read: int

    def dead(self, word: int) -> int:
        """When this word may be overwritten."""
        return self.end - self.read * (self.first + self.words - 1 - word) // self.words


class Ring:
    """Groups of words as they are written one after another into a memory of `depth` words."""

    def __init__(self, depth: int):
        self.depth = depth
        self.written = 0
        self._groups: deque[_Group] = deque()

    def room(self, ahead: int) -> int:
        """The cycle from which on there is a place for the word that comes `ahead` words after the next."""
        place = self.written + ahead - self.depth  # the word that stands there
        return next(
            (one.dead(place) for one in self._groups if one.first <= place < one.first + one.words), 0
        )

    def filled(self, words: int, cycles: int) -> int:
        """When the next `words` are written, by places alone: at a pace of `cycles` for all of them."""
        ends = [self.room(words - 1)]
        for one in self._groups:  # the first word and the last that wait for this group, and all behind them
            first, last = (
                word + self.depth - self.written for word in (one.first, one.first + one.words - 1)
            )
            for ahead in (max(first, 0), min(last, words - 1)):
                if first <= ahead <= last and 0 <= ahead < words:
                    ends.append(self.room(ahead) + cycles * (words - ahead) // words)
        return max(ends)

    def add(self, words: int, end: int, read: int) -> None:
        """A group is written, and read for the last time in the `read` cycles before `end`."""
        self._groups.append(_Group(self.written, words, end, read))
        self.written += words
        while self._groups and self._groups[0].first + self._groups[0].words <= self.written - self.depth:
            self._groups.popleft()
