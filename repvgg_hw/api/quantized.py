"""The second stage: a network in integers, all that hardware computes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from repvgg_hw.api.planned import PlannedDesign
from repvgg_hw.errors import InputError
from repvgg_hw.progress import Progress, silent

if TYPE_CHECKING:
    from repvgg_hw.design.accuracy import Measured
    from repvgg_hw.network import IntegerNetwork
    from repvgg_hw.plan.folding import Folding
    from repvgg_hw.plan.request import Request


@dataclass(frozen=True)
class MapQuality:
    """Signal to quantization noise of a network's last map in dB, on so many calibration images."""

    sqnr: float
    images: int


@dataclass(frozen=True, repr=False)
class QuantizedNetwork:
    """A network in integers: all that the golden model and the hardware compute.

    source       what it was made from, as it was given
    options      what design.json records of how it came about
    map_quality  without a linear layer: how near its last map comes to the float network's
    cached       whether its integers were found by an earlier call
    seconds      that finding them took; 0 where they were read
    measured     their accuracy, where `evaluate` has found it: their designs' reports show it
    """

    integers: IntegerNetwork
    source: str
    options: Mapping[str, Any] = field(default_factory=dict)
    map_quality: MapQuality | None = None
    cached: bool = False
    seconds: float = 0.0
    measured: Measured | None = None

    def __repr__(self) -> str:
        network = self.integers
        channels, height, width = network.in_shape
        quantization = network.provenance.get("quantization", {})
        method = f", {quantization['method']}" if "method" in quantization else ""
        head = f"{network.num_classes:,} classes" if network.linear is not None else "no head"
        return (
            f"<QuantizedNetwork {network.name}: {len(network.convs)} layers, "
            f"input {channels}x{height}x{width}, {head}{method}>"
        )

    @property
    def random(self) -> bool:
        """Whether its weights are random: it proves structure, and classifies nothing."""
        return bool(self.options.get("random"))

    def save(self, path: str | Path) -> Path:
        """Write an .npz that `load_integers` reads; whole or not at all."""
        from repvgg_hw.design.network_file import save_network
        from repvgg_hw.files import check_output

        place = check_output(Path(path), (".npz",))
        save_network(self.integers, place)
        return place

    def plan(
        self,
        *,
        target: str = "verilog",
        architecture: str | None = None,
        device: str | None = None,
        fill: float | None = None,
        multipliers: int | None = None,
        fps: float | None = None,
        clock_mhz: float | None = None,
        winograd: str | int | None = None,
        phases: bool | None = None,
        dsp: str | None = None,
        folding: str | Path | Mapping[str, Folding] | None = None,
        part: str | None = None,
        others: Sequence[QuantizedNetwork] = (),
    ) -> PlannedDesign:
        """The fastest accelerator within what is asked for; of one budget alone, 512 multipliers.

        target        "verilog" or "hls"
        architecture  "stream", a unit per layer; "engine", one array for all layers; "auto", the faster that
                      fits [default: auto on a device, unless something is asked of streams alone]
        device        a board or part that it must fit; fill: the share of it that may be taken
        multipliers   budget; fps: instead, frames per second to reach at clock_mhz
        winograd      "off", "auto" or the tile to use everywhere; phases: also for stride 2
        folding       of some layers: a JSON file, or name -> Folding
        dsp, part     signed ports of one multiplier, "27x18"; the device of an HLS project
        others        of engines: networks that the hardware must run as well
        Raises InputError for words that exclude each other, and where nothing satisfies them.
        """
        from repvgg_hw.plan.asked import asked

        requests = asked(
            target,
            architecture=architecture,
            device=device,
            fill=fill,
            multipliers=multipliers,
            fps=fps,
            clock_mhz=clock_mhz,
            winograd=winograd,
            phases=phases,
            dsp=dsp,
            folding=folding,
            part=part,
        )
        return self.plan_requests(requests, others)

    def plan_requests(
        self,
        requests: Sequence[Request],
        others: Sequence[QuantizedNetwork] = (),
        progress: Progress = silent,
    ) -> PlannedDesign:
        """As `plan`, of requests that are alike but for the architecture."""
        from repvgg_hw.plan.choose import choose
        from repvgg_hw.targets.generate import check_request

        for request in requests:
            check_request(request)
        chosen = choose(self.integers, requests, [other.integers for other in others], progress)
        told = {"for": [other.source for other in others]} if others else {}
        options = {**self.options, **told}
        return PlannedDesign(
            self.integers, self.source, chosen.request, chosen.plan, chosen.why, options, self.measured
        )


def load_integers(path: str | Path) -> QuantizedNetwork:
    """An integer network, .npz, as `save`, `train --qat` and a design's folder have it.

    Raises InputError where the file is none.
    """
    from repvgg_hw.design.network_file import load_network

    if not str(path).strip():
        raise InputError("the path of an .npz is empty")
    return QuantizedNetwork(load_network(Path(path)), str(path), {"random": False, "seed": None})
