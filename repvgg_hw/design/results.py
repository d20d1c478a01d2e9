"""What a simulation found: the value that `simulate` writes and `report` reads."""

from __future__ import annotations

import dataclasses
import json
import xml.etree.ElementTree as ET
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from repvgg_hw import schema
from repvgg_hw.design import folder
from repvgg_hw.errors import InputError, context
from repvgg_hw.files import write_if_changed

FILE = folder.RESULTS
GATED = "layers at rest had no clock"  # what is said of a proof with clock gating


@dataclass(frozen=True)
class Divergence:
    """The first value of a layer that differs from golden; row and column are None for vectors."""

    layer: str
    image: int
    channel: int
    row: int | None
    column: int | None
    expected: int
    got: int

    def __str__(self) -> str:
        place = f"channel {self.channel}"
        if self.row is not None:
            place += f", row {self.row}, column {self.column}"
        return f"{self.layer}: image {self.image}, {place}: expected {self.expected}, got {self.got}"


@dataclass(frozen=True)
class Reach:
    """The largest magnitude of a stage's values in a run, and the bound for which its width is proven."""

    reached: int
    bound: int

    @property
    def share(self) -> float:
        return self.reached / self.bound


@dataclass(frozen=True)
class LayerResult:
    """One layer's comparison.

    values     numbers compared with golden
    problem    None if every one was equal, else what is wrong first
    cycles     cycle at which each frame's last value left; interval: between the last two of them
    limits     limit of a buffer -> how often it was reached and left again; only where a run looked for it
    reach      stage -> how near its values came to its width's bound; only where a run looked for it
    """

    name: str
    values: int
    planned_cycles: int
    problem: str | None = None
    divergence: Divergence | None = None
    cycles: tuple[int, ...] = ()
    bad_frames: tuple[int, ...] = ()  # images that differ, or did not come, in any turn
    limits: dict[str, int] = field(default_factory=dict)
    reach: dict[str, Reach] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        return self.problem is None

    @property
    def interval(self) -> int | None:
        return self.cycles[-1] - self.cycles[-2] if len(self.cycles) > 1 else None


@dataclass(frozen=True)
class SimulationResult:
    """One run of `simulate`.

    mode       "network" (all layers in one simulation) or "layers" (each alone, on golden's input)
    bit_exact  images of which every compared value of every layer was equal
    problems   everything that is wrong, the first divergence in the network's order first
    clock_gating   whether layers at rest had no clock
    """

    target: str
    mode: str
    images: int
    bit_exact: int
    stalls: int
    layers: tuple[LayerResult, ...]
    problems: tuple[str, ...]
    planned_interval: int
    frame_interval: int | None = None
    latency_cycles: int | None = None
    build_seconds: float = 0.0
    run_seconds: float = 0.0
    top1_golden: float | None = None
    top1_simulated: float | None = None
    notes: tuple[str, ...] = field(default=())
    clock_gating: bool = False

    @property
    def passed(self) -> bool:
        return not self.problems

    @property
    def limits(self) -> dict[str, int]:
        """Every limit of every layer's buffers, "layer: limit" -> times; empty where none was looked for."""
        return {f"{layer.name}: {name}": n for layer in self.layers for name, n in layer.limits.items()}

    @property
    def limits_not_reached(self) -> list[str]:
        return [name for name, times in self.limits.items() if not times]

    @property
    def limits_summary(self) -> str:
        """One line on the limits; empty where none was looked for."""
        total, missed = len(self.limits), self.limits_not_reached
        if not total:
            return ""
        if not missed:
            return f"reached all {total} limits of the buffers"
        reached = f"reached {total - len(missed)} of {total} limits of the buffers"
        return f"{reached}; not reached: {', '.join(missed)}"

    @property
    def reach_summary(self) -> str:
        """One line on how near the widths' bounds each stage came; empty where none was looked for."""
        shares: dict[str, list[tuple[float, str]]] = {}
        for layer in self.layers:
            for stage, reach in layer.reach.items():
                shares.setdefault(stage, []).append((reach.share, layer.name))
        parts = []
        for stage, of_layers in shares.items():
            (least, where), (most, _) = min(of_layers), max(of_layers)
            parts.append(f"{stage} {most:.0%}" + (f", least {least:.0%} in {where}" if least < most else ""))
        return f"largest values, of the bound of their width: {'; '.join(parts)}" if parts else ""

    def to_json(self) -> dict[str, Any]:
        """For programs; what `load` reads."""
        content = dataclasses.asdict(self) | {"passed": self.passed}
        if self.limits:
            missed = self.limits_not_reached
            reached = len(self.limits) - len(missed)
            content["limits"] = {"reached": reached, "of": len(self.limits), "not_reached": missed}
        return content


class _State(msgspec.Struct):
    """What results.json holds beside the result: its verdict, and of which state of the folder it is."""

    passed: bool
    fingerprint: str
    limits: dict[str, Any] | None = None  # a summary for other programs, which follows from the layers


def not_proven(target: str, images: int, planned_interval: int, problem: str) -> SimulationResult:
    """The result of a proof that could not be made."""
    return SimulationResult(
        target=target,
        mode="network",
        images=images,
        bit_exact=0,
        stalls=0,
        layers=(),
        problems=(problem,),
        planned_interval=planned_interval,
    )


def save(result: SimulationResult, directory: Path, fingerprint: str | None = None) -> None:
    """Write results.json, found of the folder in the state of this fingerprint; in today's where None."""
    state = {"fingerprint": fingerprint or folder.fingerprint(directory)}
    content = result.to_json() | state
    write_if_changed(directory / FILE, json.dumps(content, indent=2) + "\n")


def load(directory: Path) -> SimulationResult | None:
    """Read results.json; None where nothing was simulated since a file of the design last changed.

    Raises InputError where the file is none of ours.
    """
    kept = _read(directory)
    return None if kept is None or kept[1] != folder.fingerprint(directory) else kept[0]


def forget_void(directory: Path) -> None:
    """Remove a result that is not of the folder as it is now, or that is damaged."""
    try:
        current = load(directory)
    except InputError:
        current = None
    if current is None:
        (directory / FILE).unlink(missing_ok=True)


def is_void(directory: Path) -> bool:
    """Whether there is a result, but of another state of the folder than today's."""
    return _read(directory) is not None and load(directory) is None


def _read(directory: Path) -> tuple[SimulationResult, str] | None:
    """The result and the fingerprint of what was simulated."""
    path = directory / FILE
    if not path.exists():
        return None
    with context(f"simulate again: {path}"):
        content = schema.read_json(path)
        state = schema.partly(content, _State)
        rest = {key: value for key, value in content.items() if key not in _State.__struct_fields__}
        result = schema.exactly(rest, SimulationResult)
        if state.passed != result.passed:
            raise InputError("passed is not what its problems say")
    return result, state.fingerprint


def layer_from_json(content: dict[str, Any]) -> LayerResult:
    """The inverse of dataclasses.asdict."""
    divergence = content["divergence"] and Divergence(**content["divergence"])
    reach = {stage: Reach(**values) for stage, values in content["reach"].items()}
    lists = {name: tuple(content[name]) for name in ("cycles", "bad_frames")}
    return LayerResult(**{**content, **lists, "divergence": divergence, "reach": reach})


def write_junit(result: SimulationResult, path: Path, suite: str) -> None:
    """One test case per layer, one for the tables and the frame interval, as JUnit XML."""
    cases = {layer.name: layer.problem for layer in result.layers}
    own = {layer.problem for layer in result.layers}
    rest = [problem for problem in result.problems if problem not in own]
    cases["tables and timing"] = "; ".join(rest) or None
    failures = sum(problem is not None for problem in cases.values())
    root = ET.Element("testsuite", name=suite, tests=str(len(cases)), failures=str(failures), errors="0")
    for name, problem in cases.items():
        case = ET.SubElement(root, "testcase", classname=suite, name=name)
        if problem is not None:
            ET.SubElement(case, "failure", message=problem)
    path.parent.mkdir(parents=True, exist_ok=True)
    ET.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)
