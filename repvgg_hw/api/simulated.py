"""The fifth stage: a design, simulated; what is found is kept beside it."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from repvgg_hw import golden
from repvgg_hw.api.pictures import Pictures
from repvgg_hw.design import Design, folder, results
from repvgg_hw.design import load as load_design
from repvgg_hw.design.results import SimulationResult
from repvgg_hw.errors import CheckFailed, InputError
from repvgg_hw.files import check_output
from repvgg_hw.plan import device as devices
from repvgg_hw.plan.device import Device
from repvgg_hw.plan.planner import NetworkPlan
from repvgg_hw.synth import circuit, proof
from repvgg_hw.targets import registry
from repvgg_hw.targets.program import check_made_for
from repvgg_hw.targets.target import ProofOptions, Target

if TYPE_CHECKING:
    from repvgg_hw.api.generated import GeneratedDesign


@dataclass(frozen=True, repr=False)
class SimulatedDesign:
    """What a simulation found.

    design  what was simulated, as it was in its folder then
    result  each layer's comparison and cycles: see SimulationResult
    """

    design: Design[NetworkPlan]
    result: SimulationResult

    @property
    def passed(self) -> bool:
        """Whether every value of every layer is the golden model's, and the cycles are the planned ones."""
        return self.result.passed

    @property
    def counts(self) -> str:
        """What was counted from frame to frame: cycles, where the target has a clock."""
        return registry.of(self.design).counts

    def check(self) -> SimulatedDesign:
        """Itself. Raises CheckFailed, with the first difference, where it did not pass."""
        if not self.passed:
            raise CheckFailed(f"{self.design.plan.name}: {self.result.problems[0]}")
        return self

    def __repr__(self) -> str:
        result = self.result
        cycles = f"{result.planned_interval:,} planned"
        if result.frame_interval is not None:
            cycles = f"{result.frame_interval:,} {self.counts} a frame, {cycles}"
        verdict = "" if self.passed else f"NOT proven: {result.problems[0]}; "
        return (
            f"<SimulatedDesign {self.design.plan.name}: {verdict}"
            f"{result.bit_exact} of {result.images} images bit-exact in {len(result.layers)} layers, "
            f"{cycles}>"
        )

    def __str__(self) -> str:
        """A table of its layers, and the verdict."""
        from repvgg_hw.report import text

        result = self.result
        table = text.result_table(self.design, result, self.counts)
        lines = (*text.result_lines(result, self.counts), *text.problem_lines(result))
        return text.plain(table, (*lines, text.verdict_line(result)))


@dataclass(frozen=True)
class _Prepared:
    """All that a run needs, read from the folders in one state of theirs."""

    design: Design[NetworkPlan]
    target: Target
    x: NDArray[np.int8]
    options: ProofOptions


def simulate(
    design: GeneratedDesign,
    image: GeneratedDesign | None,
    pictures: Pictures,
    netlist: str | None,
    options: ProofOptions,
) -> SimulatedDesign:
    """As GeneratedDesign.simulate. The folders are locked, and read again where they have changed."""
    made_at = design.directory
    place = made_at if image is None else image.directory
    device = None if netlist is None else devices.get(netlist)
    if device is not None and image is not None:
        raise InputError("netlists run their own network: leave the image out")
    if image is None and design.contents.hardware is not None:
        load_design(place)  # an image has no sources: says whose folder to give
    read = image or design
    before = {each.directory: each.stamp or folder.stamp(each.directory) for each in (design, read)}
    known = design.stamp is not None and read.stamp is not None

    def prepare(found: Design[NetworkPlan] | None = None) -> _Prepared:
        found = found or load_design(place, images=image is not None)
        target, hardware = registry.of(found), None
        if image is not None:
            hardware = load_design(made_at)
            check_made_for(found, hardware)
        _check_options(target, options)
        if device is not None and target.name != "verilog":
            raise InputError(f"--netlist: not for designs of the target {target.name}")
        check_output(place / (results.FILE if device is None else proof.FILE))
        pixels, labels = pictures.of(found)
        own = replace(options, labels=labels, hardware=hardware)
        return _Prepared(found, target, golden.quantize_input(pixels, found.network), own)

    prepared = prepare(read.contents) if known else prepare()
    with contextlib.ExitStack() as locks:
        for each in sorted(before):
            locks.enter_context(folder.locked(each))
            folder.recover(each)
        # made anew while this one prepared, or waited
        if any(folder.stamp(each) != stamp for each, stamp in before.items()):
            prepared = prepare()
        states = {each: folder.fingerprint(each) for each in before}
        made = None if device is None else circuit.required(place, device)
        result = _proven(prepared, device, states[place])
        if any(folder.fingerprint(each) != states[each] for each in before):
            problem = "files of the design have changed while it was simulated: simulate again"
            result = replace(result, problems=(problem, *result.problems))
        if device is None or made is None:
            results.save(result, place, states[place])
        else:
            proof.save(place, device, made, result)
    return SimulatedDesign(prepared.design, result)


def _proven(prepared: _Prepared, device: Device | None, state: str) -> SimulationResult:
    """What the target finds; a proof that it could not make is kept, so that no report shows an older one."""
    design, x = prepared.design, prepared.x
    options = replace(prepared.options, state=state)
    try:
        if device is None:
            return prepared.target.prove(design, x, options)
        return proof.prove(design, device, x, options)
    except CheckFailed as error:
        return results.not_proven(design.target, len(x), design.plan.frame_interval, str(error))


def _check_options(target: Target, options: ProofOptions) -> None:
    """Refuse options that this target's proof does not know."""
    given = ("stalls", "extremes", "waves", "layers", "jobs", "scheduler", "timeout", "fresh", "clock_gating")
    foreign = [
        f"--{name.replace('_', '-')}" for name in given if getattr(options, name) and name not in target.takes
    ]
    if foreign:
        raise InputError(f"{', '.join(foreign)}: not for designs of the target {target.name}")
