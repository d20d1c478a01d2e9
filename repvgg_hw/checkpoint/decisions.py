"""What a state dict does not say: who decided it, and by which rule.

Every decision that keys and shapes do not force is either given by the user, or recorded as an `Assumption`
with its rule where the documentation has one, or refused in one line that names both readings.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from repvgg_hw.errors import InputError


@dataclass(frozen=True)
class Assumption:
    """One decision that the file does not force, the value taken, and why."""

    subject: str
    value: str
    rule: str

    def line(self) -> str:
        """One line for people."""
        return f"{self.subject}: {self.value} ({self.rule})"

    def to_json(self) -> dict[str, str]:
        """Plain values for JSON."""
        return {"subject": self.subject, "value": self.value, "rule": self.rule}


@dataclass(frozen=True)
class Choice:
    """A name of `--assume NAME=VALUE`: the values it takes, and what it decides."""

    values: str
    pattern: str
    meaning: str


CHOICES: dict[str, Choice] = {
    "order": Choice(
        "file|A,B,...",
        r"[^,=]+(,[^,=]+)*",
        "the order of blocks: the file's, or these names one after another",
    ),
    "weights": Choice("KEY", r".+", "which of several networks in the file"),
    "between": Choice(
        "relu",
        "relu",
        "behind each convolution stands a ReLU and nothing else, whatever gaps in numbers hide",
    ),
    "missing": Choice("nothing", "nothing", "blocks that have fewer keys than their likes were trained so"),
    "linear-bias": Choice("none", "none", "the linear layer was trained without a bias"),
    "average-branch": Choice(
        "yes|no", "yes|no", "QARepVGG blocks that keep size and width add a 3x3 average of their input, too"
    ),
    "pair": Choice("added|chained", "added|chained", "a 3x3 and a 1x1 convolution of one module"),
    "shortcut": Choice("none", "none", "no input is added to the output of several convolutions"),
    "input-channels": Choice("N", r"[1-9]\d*", "the network reads N channels: no first block is missing"),
}


def choices_help() -> str:
    """The names and values of --assume in one sentence."""
    return ", ".join(f"{name}={choice.values}" for name, choice in CHOICES.items())


class Decisions:
    """What the user gave (`--assume`), what was asked for, and what was decided by rule.

    verified  the caller compares the network read with the network itself (a live module): where a file
              would be refused, the first reading is tried instead
    """

    def __init__(self, assume: Mapping[str, str] | None = None, *, verified: bool = False) -> None:
        self._given = dict(assume or {})
        self._used: set[str] = set()
        self.verified = verified
        self.tried: dict[str, str] = {}  # what need() gave unasked, because the caller verifies it
        self.made: list[Assumption] = []
        for name, value in self._given.items():
            if name not in CHOICES:
                raise InputError(f"--assume {name}: unknown; there are {choices_help()}")
            if not re.fullmatch(CHOICES[name].pattern, value):
                raise InputError(f"--assume {name}={value}: the value is {CHOICES[name].values}")

    def record(self, subject: str, value: str, rule: str) -> None:
        """Keep a decision, once."""
        assumption = Assumption(subject, value, rule)
        if assumption not in self.made:
            self.made.append(assumption)

    def given(self, name: str) -> str | None:
        """The user's value, which counts as needed from now on."""
        if name in self._given:
            self._used.add(name)
        return self._given.get(name)

    def listed(self, name: str) -> str | None:
        """The user's value if it is a list rather than a word: it is used even where a rule would do."""
        return self.given(name) if self._given.get(name, "file") != "file" else None

    def need(self, name: str, problem: str, *, first: str, subject: str | None = None) -> str:
        """The user's value for name; else InputError: problem, and the option that decides.

        first  the reading that is tried where the network is compared with itself afterwards
        """
        value = self.given(name)
        if value is not None:
            self.record(subject or name, value, f"--assume {name}={value}")
            return value
        if self.verified:
            self.tried[name] = first
            self.record(subject or name, first, "tried, and checked by running the module itself")
            return first
        raise refusal(problem, f"--assume {name}={CHOICES[name].values}")

    def require_all_needed(self) -> None:
        """Raise InputError if the user gave a name that nothing asked for."""
        unneeded = [name for name in self._given if name not in self._used]
        if unneeded:
            raise InputError(
                f"--assume {unneeded[0]}={self._given[unneeded[0]]} decides nothing here: leave it out"
            )


def refusal(problem: str, option: str) -> InputError:
    """The error for two readings and the option that decides between them."""
    return InputError(f"{problem}; decide with {option}")


def names(values: Iterable[str], limit: int = 6) -> str:
    """A few names for a message."""
    every = list(values)
    return ", ".join(every[:limit]) + (f", ... ({len(every)} in all)" if len(every) > limit else "")
