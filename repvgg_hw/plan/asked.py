"""From the words of a command or of Python to requests: one for each architecture that may be taken."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from repvgg_hw.errors import InputError
from repvgg_hw.plan import registry
from repvgg_hw.plan import request as requests
from repvgg_hw.plan.choose import AUTO
from repvgg_hw.plan.device import DEFAULT_PART
from repvgg_hw.plan.folding import Folding
from repvgg_hw.plan.request import DEFAULT_ARCHITECTURE, DEFAULT_WINOGRAD, Request

# What an engine has one of, for all layers, and its search decides.
OF_STREAMS = {
    "winograd": "the size of an engine's array decides about its tiles, and is searched for",
    "phases": "an engine's tiles are for both strides",
    "dsp": "the widths of an engine's multipliers follow from its array",
    "folding": "an engine has one array for all layers",
    "fps": "an engine is searched within a device or a number of multipliers",
}


def asked(
    target: str = "verilog",
    *,
    architecture: str | None = None,
    device: str | None = None,
    fill: float | None = None,
    multipliers: int | None = None,
    fps: float | None = None,
    clock_mhz: float | None = None,
    winograd: str | int | None = None,
    phases: bool | None = None,
    dsp: str | None = None,
    folding: Path | str | Mapping[str, Folding] | None = None,
    part: str | None = None,
) -> tuple[Request, ...]:
    """What is to be planned, as `repvgg-hw generate` has it: None is what nobody asked for.

    Without an architecture: on a device both, unless something is asked of streams alone; else streams.
    Raises InputError for words that mean nothing, alone or beside one another.
    """
    words = {"winograd": winograd, "phases": phases, "dsp": dsp, "folding": folding, "fps": fps}
    of_streams = [name for name, value in words.items() if value is not None]
    if architecture is None:
        architecture = AUTO if device is not None and not of_streams else DEFAULT_ARCHITECTURE
    elif architecture != DEFAULT_ARCHITECTURE:
        if architecture != AUTO:
            registry.get(architecture)
        for name in of_streams:
            raise InputError(f"{name} means nothing beside architecture {architecture}: {OF_STREAMS[name]}")
    winograd = DEFAULT_WINOGRAD if winograd is None else str(winograd)
    void = {
        "device belongs to the target verilog: for others nothing is known": device and target != "verilog",
        "part belongs to the target hls": part is not None and target != "hls",
        "fill belongs to a device": fill is not None and device is None,
        "dsp means nothing beside device, which has multipliers of its own": dsp is not None and device,
        "phases means nothing where winograd is off": phases is not None and winograd == DEFAULT_WINOGRAD,
    }
    for problem, holds in void.items():
        if holds:
            raise InputError(problem)
    return tuple(
        requests.parse(
            target,
            multipliers=multipliers,
            fps=_real(fps),
            clock_mhz=_real(clock_mhz),
            folding=Path(folding) if isinstance(folding, str) else folding,
            part=DEFAULT_PART if part is None else part,
            winograd=winograd,
            phases=phases is not False,
            dsp=dsp,
            architecture=name,
            device=device,
            fill=_real(fill),
        )
        for name in (registry.names() if architecture == AUTO else [architecture])
    )


def _real(value: float | None) -> float | None:
    """As design.json has it, where somebody gave a whole number."""
    return None if value is None else float(value)
