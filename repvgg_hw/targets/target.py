"""What a target is: it writes a design's sources, and proves that these compute what the network says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from repvgg_hw.design import Design
from repvgg_hw.design.results import SimulationResult
from repvgg_hw.progress import Progress, silent


@dataclass(frozen=True)
class ProofOptions:
    """How to prove a design.

    labels     (N,) of the images, from which top-1 follows
    layer      this layer alone, on golden's input; layers: each alone, in parallel
    jobs       processes of `layers`, one per core where None; scheduler: a Dask scheduler's address instead
    stalls     seed of pauses on input and output, 0 for none
    extremes   beside the images, inputs that drive sums and transforms to the edges of their widths
    waves      record what happens within (first, last) cycle; last None: as many as the target records by
               default
    timeout    seconds of wall clock for one simulation; by its planned cycles where None
    state      fingerprint of the design's folder: what an interrupted run of the same has proven is not run
               again; of a whole network nothing is kept where None
    fresh      start over, whatever was proven before
    clock_gating   a layer of a whole network has no clock while it is at rest
    hardware   whose sources are simulated, where the design is an image without any
    """

    labels: NDArray[np.int64] | None = None
    layer: str | None = None
    layers: bool = False
    jobs: int | None = None
    scheduler: str | None = None
    stalls: int = 0
    extremes: bool = False
    waves: tuple[int, int | None] | None = None
    timeout: float | None = None
    state: str | None = None
    hardware: Design[Any] | None = None
    fresh: bool = False
    clock_gating: bool = False
    progress: Progress = silent


class Target(Protocol):
    """One kind of sources."""

    @property
    def name(self) -> str:
        """What `--target` and design.json call it."""

    @property
    def counts(self) -> str:
        """What its simulation counts from frame to frame, in the plural: cycles, where it has a clock."""

    @property
    def takes(self) -> frozenset[str]:
        """Those fields of ProofOptions that its proof knows beside labels, layer, state and progress."""

    @property
    def architectures(self) -> frozenset[str]:
        """Those whose plans it can write."""

    def emit(self, design: Design[Any]) -> None:
        """Write every file of the design but those that every target has: the same input, the same bytes.

        Raises InputError where the plan is none for this target.
        """

    def prove(self, design: Design[Any], images: NDArray[np.int8], options: ProofOptions) -> SimulationResult:
        """Simulate images (N, C, H, W), the network's input, and compare every layer with golden.

        What is wrong with the design is in the result. Raises InputError for a layer that is not there and
        for a missing tool or file, CheckFailed where the proof could not be made.
        """

    def differing_tables(self, design: Design[Any]) -> list[tuple[str, str]]:
        """Constants on disk that are not what the network says: (layer, message), in the network's order."""


@runtime_checkable
class Programmable(Protocol):
    """A target of which some designs run other networks by an image alone: see targets/program.py."""

    @property
    def name(self) -> str: ...

    def is_source(self, name: str) -> bool:
        """Whether this file of a design is of the hardware, whatever network it runs."""

    def program(self, design: Design[Any]) -> None:
        """Write the image of a design without sources into its folder."""
