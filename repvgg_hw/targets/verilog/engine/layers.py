"""An engine's layers one at a time, each a network of its own: an image of it, golden's input as frames.

One simulator serves all. Where the last map is pooled, its convolution and the linear layer go together: the
sums between them are never stored.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from repvgg_hw import golden
from repvgg_hw.design.results import LayerResult
from repvgg_hw.extremes.patterns import layer_inputs
from repvgg_hw.extremes.reach import Reached, layer_reach, merged
from repvgg_hw.network import IntegerNetwork
from repvgg_hw.plan.engine import schedule as schedules
from repvgg_hw.plan.engine.plan import EngineLayer
from repvgg_hw.plan.engine.schedule import Schedule
from repvgg_hw.targets.verilog.engine import judge
from repvgg_hw.targets.verilog.engine.bench import FRAMES
from repvgg_hw.targets.verilog.engine.extremes import shapes
from repvgg_hw.targets.verilog.engine.job import Job
from repvgg_hw.targets.verilog.engine.run import Waves, run
from repvgg_hw.targets.verilog.simulator.promises import broken_promise
from repvgg_hw.targets.verilog.simulator.time_limit import patience, time_limit


@dataclass(frozen=True)
class Part:
    """A network of one layer, or of the last convolution and the linear layer.

    planned  its layers as the whole network's plan has them; memory_bytes as that plan's
    """

    schedule: Schedule
    planned: tuple[EngineLayer, ...]
    memory_bytes: int

    @property
    def name(self) -> str:
        return self.planned[0].name

    def job(self, sample: bool = False) -> Job:
        """All of it; with `sample` one strip of each kind, where its map is stored."""
        some = self.schedule.one_of_each_kind() if sample and self.schedule.layers[0].stored else None
        return Job.of(self.schedule, some, self.memory_bytes)


def parts(schedule: Schedule, planned: Sequence[EngineLayer], memory: int) -> Iterator[Part]:
    """The network's layers, in order. memory: bytes a cycle, for which they are cut."""
    network, last = schedule.network, len(schedule.layers) - 1
    for index, (conv, layer) in enumerate(zip(network.convs, schedule.layers, strict=True)):
        whole = index == last and network.linear is not None
        alone: IntegerNetwork = replace(
            network,
            in_shape=(layer.shape.c_in, layer.height, layer.width),
            convs=(conv,),
            linear=network.linear if whole else None,
        )
        own = schedules.plan(alone, schedule.array, memory=memory)
        yield Part(own, tuple(planned[index:] if whole else planned[index : index + 1]), memory)


@dataclass(frozen=True)
class Proof:
    """One part's proof: its layers' results, what is wrong beside them, seconds of its simulations."""

    layers: tuple[LayerResult, ...]
    problems: tuple[str, ...]
    seconds: float


def prove(
    simulator: Path,
    part: Part,
    inputs: NDArray[np.integer],
    work: Path,
    *,
    stalls: int = 0,
    extremes: bool = False,
    sample: bool = False,
    timeout: float | None = None,
    waves: tuple[Path, Waves] | None = None,
) -> Proof:
    """Run a part on inputs (N, C, H, W), int8 or uint8.

    extremes  also what drives it to the edges of its widths; sample: only one strip of each kind
    waves  simulator that records, and what; in a run of its own behind the proof
    """
    started, job = time.monotonic(), part.job(sample)
    work = work / part.name.replace(".", "_")
    work.mkdir(parents=True, exist_ok=True)
    reach: dict[str, Reached] = {}
    if extremes:
        own = layer_inputs(part.schedule.network, shapes(part.schedule), part.name)
        inputs = np.concatenate([inputs, own.astype(inputs.dtype)])
        reach = _reach(part.schedule, inputs)
    runs, problems = [], list[str]()
    cycles = sum(layer.cycles for layer in part.planned) * FRAMES * (4 if stalls else 2)
    with time_limit(timeout or patience(cycles)):
        for first in range(0, len(inputs), FRAMES):
            batch = inputs[first : first + FRAMES]
            runs.append(run(simulator, job, batch, work, first=first, stalls=stalls))
            broken = broken_promise(work / "check.out", {})
            problems += [*([broken] if broken else []), *judge.ends_badly(runs[-1], work / "check.out")]
        if waves is not None:
            recorder, window = waves
            run(recorder, job, inputs[:FRAMES], work, stalls=stalls, waves=window)
    layers = [replace(layer, reach=reach.get(layer.name, {})) for layer in judge.layers(runs, part.planned)]
    return Proof(tuple(layers), tuple(problems), time.monotonic() - started)


def _reach(schedule: Schedule, inputs: NDArray[np.integer]) -> dict[str, Reached]:
    """How far the inputs drive each layer of a part."""
    network, own, found = schedule.network, shapes(schedule), dict[str, Reached]()
    for one in inputs:
        x: NDArray[np.integer] = one[None]
        for name, out in golden.trace(x, network):
            found[name] = merged([found.get(name, {}), layer_reach(network, own, name, x)])
            x = out
    return found


def layer_frames(
    network: IntegerNetwork, images: NDArray[np.int8]
) -> Iterator[tuple[str, NDArray[np.integer]]]:
    """(name, inputs) of each convolution, golden's for these images."""
    x: NDArray[np.integer] = images
    for name, out in golden.trace(images, network):
        if any(conv.name == name for conv in network.convs):
            yield name, x
        x = out
