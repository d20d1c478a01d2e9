"""Clocks that routed designs have reached: what a plan may be quoted at where nobody gives one."""

from __future__ import annotations

import dataclasses
import statistics
from dataclasses import dataclass


@dataclass(frozen=True)
class Clock:
    """A clock that a routed design has reached on the part; `source` says which design, with which tools.

    A clock is a property of a design, so it is quoted for designs of the same kind only.
    architecture  of the design; winograd: whether it has layers in tiles
    """

    mhz: float
    source: str
    architecture: str = "stream"
    winograd: bool = False

    def covers(self, architecture: str, winograd: bool) -> bool:
        """Whether it is of a design of that kind: with tiles, a design without them says nothing."""
        return self.architecture == architecture and (self.winograd or not winograd)


# The digits example at 128 multipliers, whole, LFE5U-85F, speed 6 (docs/synthesis.md): MHz of each seed, by
#   repvgg-hw synth build/d128 --device ulx3s-85f --clock 140 --seeds 3
DIGITS_MHZ = (146.6, 150.6, 141.5)
DIGITS = Clock(
    statistics.median(DIGITS_MHZ),
    f"the digits example at 128 multipliers, without tiles, routed by nextpnr-ecp5 at speed 6, the median of "
    f"{len(DIGITS_MHZ)} seeds (docs/synthesis.md); for streams without Winograd's tiles",
)
# Nothing whole was routed at speed 8: what holds on the slower grade of one part holds on the faster one.
DIGITS_FASTER = dataclasses.replace(DIGITS, source=f"{DIGITS.source}; this board's speed 8 is faster")
