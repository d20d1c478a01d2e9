"""Resources of an FPGA: what a design takes, and what a device leaves it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields

from repvgg_hw.plan.device import Device

TITLES = {
    "dsp": "DSP",
    "bram": "BRAM",
    "lut": "LUT",
    "ff": "FF",
    "lutram": "LUT as memory",
    "uram": "UltraRAM",
}


@dataclass(frozen=True)
class Resources:
    """Of one unit or of many.

    bram  blocks of 18 kbit     uram    UltraRAMs of 288 kbit
    lut   with those that are memory, lutram
    """

    dsp: int = 0
    bram: int = 0
    lut: int = 0
    ff: int = 0
    lutram: int = 0
    uram: int = 0

    def __add__(self, other: Resources) -> Resources:
        return Resources(*(a + b for a, b in zip(self.counts, other.counts, strict=True)))

    @property
    def counts(self) -> tuple[int, ...]:
        """In the order of NAMES."""
        return tuple(getattr(self, name) for name in NAMES)

    def over(self, limits: Resources) -> Iterator[tuple[str, int, int]]:
        """(name, wanted, there) of each resource that limits have too little of."""
        for name, wanted, there in zip(NAMES, self.counts, limits.counts, strict=True):
            if wanted > there:
                yield name, wanted, there


NAMES = tuple(field.name for field in fields(Resources))


def total(each: Iterable[Resources]) -> Resources:
    """The sum of all."""
    return sum(each, Resources())


def of_device(device: Device, fill: float = 1.0) -> Resources:
    """What a share of the device has, rounded down."""
    return Resources(*(int(getattr(device.part, name) * fill) for name in NAMES))


def beside(taken: Resources, device: Device) -> list[tuple[str, int, int]]:
    """(title, taken, there) of each resource; UltraRAM only where it is taken."""
    counts = zip(NAMES, taken.counts, of_device(device).counts, strict=True)
    return [(TITLES[name], used, there) for name, used, there in counts if used or name != "uram"]


def summary(taken: Resources, device: Device) -> str:
    """One line for people: each resource, and its share of the device."""
    return ", ".join(
        f"{title} {used:,} of {there:,}" + (f" ({used / there:.0%})" if there else "")
        for title, used, there in beside(taken, device)
    )
