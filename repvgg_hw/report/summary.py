"""What was planned, emitted and simulated, for people and for programs.

`summarize` makes one value from a design and its results; terminal, JSON and HTML only print it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from markupsafe import Markup

from repvgg_hw import GENERATOR, __version__
from repvgg_hw.design import Design, accuracy, folder, results
from repvgg_hw.design.accuracy import Measured
from repvgg_hw.design.results import GATED, LayerResult, SimulationResult
from repvgg_hw.errors import InputError
from repvgg_hw.files import environment, templates_dir, write_if_changed
from repvgg_hw.plan import rate as rates
from repvgg_hw.plan.planner import LayerPlan, NetworkPlan
from repvgg_hw.report import pictures
from repvgg_hw.report.provenance import SHOWN, lines, provenance
from repvgg_hw.report.quality import Quality, quality
from repvgg_hw.report.taken import Taken, taken
from repvgg_hw.synth import proof
from repvgg_hw.synth import result as synthesis
from repvgg_hw.synth.result import Synthesis

FILE = "report.html"


@dataclass(frozen=True)
class LayerRow:
    """One layer's line. use: MACs / (multipliers x frame interval); shares are of the whole, 0..1."""

    name: str
    shape: str
    algorithm: str
    pi: int
    po: int
    multipliers: int
    macs: int
    cycles: int
    interval: int | None
    use: float
    memory_bits: int
    values: int
    verdict: str  # "bit-exact", "not simulated", or the first divergence
    passed: bool | None
    multiplier_share: float
    cycle_share: float
    alternatives: dict[str, int]  # algorithm -> multipliers that it would need within the frame interval
    adders: int  # two-input adders of Winograd's constant networks
    registers: int  # bits, from the window to the accumulators or tiles


@dataclass(frozen=True, repr=False)
class Summary:
    """Everything that a report says; print() shows it as text."""

    design: Design[NetworkPlan]
    result: SimulationResult | None
    rows: tuple[LayerRow, ...]
    synthesis: Synthesis | None = None  # of the folder as it is now
    netlists: Mapping[str, SimulationResult] = field(default_factory=dict)  # device -> its netlist's proof
    measured: Measured | None = None  # by evaluate, of the network as it is now
    void: bool = False  # there is a result, but of files that have changed since

    def __repr__(self) -> str:
        return f"<Report {self.design.plan.name}: {self.design.kind}, {self.verdict}>"

    def __str__(self) -> str:
        """A table of the layers, rate, price, provenance and verdict."""
        from repvgg_hw.report import text

        return text.plain(text.report_table(self), text.report_lines(self))

    @property
    def verdict(self) -> str:
        """One line: proven, failed, or not simulated."""
        if self.void:
            return "not proven: a file of the design has changed since it was simulated; simulate again"
        if self.result is None:
            return "not simulated yet: run `repvgg-hw simulate`"
        if not self.result.passed:
            return f"NOT proven: {self.result.problems[0]}"
        return _proven(self.result)

    @property
    def taken(self) -> Taken | None:
        """What each part takes of the device, beside what was synthesised; None where there is no device."""
        return taken(self.design, self.synthesis)

    @property
    def quality(self) -> Quality:
        """Accuracy of float, integers and hardware, each layer's noise, and what is not known."""
        return quality(self.design, self.result, self.measured)

    @property
    def netlist_verdicts(self) -> list[str]:
        """One line for each netlist that was simulated."""
        return [
            f"netlist for {device}: {_proven(one) if one.passed else f'NOT proven: {one.problems[0]}'}"
            for device, one in self.netlists.items()
        ]

    def write_html(self, path: str | Path | None = None) -> Path:
        """As the function: the page, in the design's folder or at path."""
        return write_html(self, None if path is None else Path(path))

    def to_json(self) -> dict[str, Any]:
        """For programs: the plan, the result, and the rows."""
        return {
            "generator": GENERATOR,
            "target": self.design.target,
            "provenance": provenance(self.design),
            "verdict": self.verdict,
            "passed": None if self.result is None else self.result.passed,
            "plan": self.design.plan.to_json(),
            "layers": [vars(row) for row in self.rows],
            "frame_interval": {
                "planned": self.design.plan.frame_interval,
                "simulated": self.result.frame_interval if self.result else None,
            },
            "output": {
                **self.design.plan.output.to_json(),
                "summary": self.design.plan.output.summary,
                "scale": self.design.network.output_scale,
            },
            "device": rates.facts(self.design.plan, self.design.request),
            "quality": self.quality.to_json(),
            "limits": self.result.limits if self.result else {},
            "resources": None if self.taken is None else self.taken.to_json(),
            "synthesis": None if self.synthesis is None else self.synthesis.to_json(),
            "netlists": {device: one.to_json() for device, one in self.netlists.items()},
            "problems": list(self.result.problems) if self.result else [],
        }


def summarize(design: Design[NetworkPlan]) -> Summary:
    """Read a design's results, if there are any, and put them beside its plan."""
    result = results.load(design.directory)
    results_of = {layer.name: layer for layer in result.layers} if result else {}
    rows = tuple(_row(design, layer, results_of.get(layer.name)) for layer in design.plan.layers)
    found = synthesis.load(design.directory)
    netlists = proof.load(design.directory)
    measured = accuracy.load(design.directory, design.network)
    void = results.is_void(design.directory)
    return Summary(design, result, rows, found, netlists, measured, void)


def _proven(result: SimulationResult) -> str:
    return (
        f"proven: {result.bit_exact} of {result.images} images bit-exact in all "
        f"{len(result.layers)} simulated layers{f'; {GATED}' if result.clock_gating else ''}"
    )


def _row(design: Design[NetworkPlan], layer: LayerPlan, result: LayerResult | None) -> LayerRow:
    plan = design.plan
    return LayerRow(
        name=layer.name,
        shape=layer.shape,
        algorithm=layer.algorithm,
        pi=layer.pi,
        po=layer.po,
        multipliers=layer.multipliers,
        macs=layer.macs,
        cycles=layer.cycles,
        interval=result.interval if result else None,
        use=layer.macs / (layer.multipliers * plan.frame_interval),
        memory_bits=layer.memory_bits,
        values=result.values if result else 0,
        verdict="not simulated" if result is None else result.problem or "bit-exact",
        passed=None if result is None else result.passed,
        multiplier_share=layer.multipliers / plan.multipliers,
        cycle_share=layer.cycles / plan.frame_interval,
        alternatives=plan.alternatives(layer.name),
        adders=layer.transform_adders,
        registers=layer.data_registers,
    )


def _versions(summary: Summary) -> list[tuple[str, str]]:
    """What else decides: the state of the files, and the tools of a synthesis."""
    with contextlib.suppress(InputError):
        state = folder.fingerprint(summary.design.directory)
        said = [("design's files", f"SHA-256 {state[:SHOWN]}...")]
        return said + ([] if summary.synthesis is None else [("synthesised by", summary.synthesis.tools)])
    return []


def _where(summary: Summary) -> Markup:
    """A picture of the first value that differs, where it is in a map."""
    layers = () if summary.result is None else summary.result.layers
    first = next((layer.divergence for layer in layers if layer.divergence is not None), None)
    size = None if first is None else pictures.map_size(summary.design.network, first.layer)
    return Markup("") if first is None or size is None else pictures.where(first, size)


def write_html(summary: Summary, path: Path | None = None) -> Path:
    """Write the page, which needs nothing else, into the design's folder or to path."""
    path = path or summary.design.directory / FILE
    env = environment(templates_dir() / "report")
    env.autoescape = True
    page = env.get_template("report.html.j2").render(
        summary=summary,
        parts=summary.taken,
        quality=summary.quality,
        noise=pictures.noise(summary.quality.noise),
        plan=summary.design.plan,
        kind=summary.design.request.architecture,
        result=summary.result,
        target=summary.design.target,
        options=summary.design.options,
        version=__version__,
        provenance=[*lines(provenance(summary.design)), *_versions(summary)],
        diagram=pictures.diagram(summary.design),
        timeline=pictures.timeline(pictures.spans(summary.design, summary.result)),
        differs=_where(summary),
        **rates.facts(summary.design.plan, summary.design.request),
    )
    write_if_changed(path, page)
    return path
