"""Prove an emitted HLS project in C simulation: every layer's output equals golden's.

The sources that stand in the project's folder are compiled with a C++14 compiler against its `csim/` headers,
in which every assignment that loses a bit throws, and run on the images.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from repvgg_hw import golden
from repvgg_hw.design import Design
from repvgg_hw.design.proven import Proven
from repvgg_hw.design.results import LayerResult, SimulationResult
from repvgg_hw.errors import InputError
from repvgg_hw.plan.stream.plan import Plan
from repvgg_hw.progress import Progress, silent
from repvgg_hw.targets.hls.csim import BUILD, compile_bench, compiler, headers, run_bench
from repvgg_hw.targets.hls.emit import differing_tables, numbers, raster, vector_files
from repvgg_hw.targets.hls.forms import FORMS
from repvgg_hw.targets.hls.judge import Ints, judge, read_loops, read_trace, slower, wrong_intervals
from repvgg_hw.targets.hls.tables import Table, tables
from repvgg_hw.targets.verdict import share_correct

FRAMES_PER_CALL = 3  # of the top function, one right behind another; two are the fewest that show an interval
BATCH_VALUES = 8_000_000  # outputs traced by one run of the bench, at most


@dataclass
class Kept:
    """Of a run that may be broken off: what goes into the layers' results from the images that are proven."""

    layers: list[LayerResult]
    loops: dict[str, str]


@dataclass
class BenchRun:
    """What the benches of one simulation have shown so far."""

    plan: Plan
    complete: int = 0  # images of which every layer sent every value
    layers: dict[str, LayerResult] = field(default_factory=dict)
    loops: dict[str, str] = field(default_factory=dict)  # layer -> its slowest loop
    logits: list[Ints] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)  # beside the layers'
    build_seconds: float = 0.0
    run_seconds: float = 0.0

    @classmethod
    def resumed(cls, plan: Plan, proven: Proven) -> BenchRun:
        """As far as an interrupted run came: what `keep` left."""
        kept = proven.rest_as(Kept, Kept([], {}))
        return cls(plan, proven.images, {layer.name: layer for layer in kept.layers}, kept.loops)

    def keep(self, proven: Proven) -> None:
        """So far every layer of every image was equal: the next run may go on from here."""
        proven.keep(self.complete, asdict(Kept(list(self.layers.values()), self.loops)))

    @property
    def passed(self) -> bool:
        return not self.problems and all(layer.passed for layer in self.layers.values())

    def take(self, name: str, trace: Path, expected: Ints, ended: str) -> int:
        """Judge a layer by `trace`.dat and .loops, of images behind those that are complete.

        Returns of how many of them the layer sent every value.
        """
        sent = read_trace(trace.with_suffix(".dat"))
        planned = self.plan.layer_cycles[name]
        layer = judge(name, sent, expected, planned, first_image=self.complete, ended=ended)
        loop, ends = read_loops(trace.with_suffix(".loops"))
        layer = replace(layer, cycles=ends)
        before = self.layers.get(name, replace(layer, values=0))
        self.layers[name] = slower(before, layer)
        if self.layers[name].cycles == ends:
            self.loops[name] = loop
        if name == "linear":
            self.logits.append(sent)
        return min(len(sent) // int(expected[0].size), len(expected))


def batches(images: NDArray[np.int8], plan: Plan) -> Iterator[NDArray[np.int8]]:
    """The images in runs whose traces stay small."""
    per_frame = sum(conv.c_out * conv.out_height * conv.out_width for conv in plan.convs)
    size = max(FRAMES_PER_CALL, BATCH_VALUES // per_frame)
    for first in range(0, len(images), size):
        yield images[first : first + size]


def simulate_project(
    design: Design[Plan],
    images: NDArray[np.int8],
    *,
    labels: NDArray[np.int64] | None = None,
    layer: str | None = None,
    state: str | None = None,
    fresh: bool = False,
    progress: Progress = silent,
    include: Path | None = None,
    flags: Sequence[str] = ("-O2",),
) -> SimulationResult:
    """Compile the project, run it on images and compare every layer with golden.

    images   (N, C, H, W) int8, the network's input; labels (N,), from which top-1 follows
    layer    simulate this layer alone, on golden's input ("pool" and "linear" are one unit)
    state, fresh  see `ProofOptions`; batches of images that an interrupted run has proven are not run again
    include  a folder with another `ap_int.h` and `hls_stream.h`, used instead of the project's own
    flags    more options for the compiler

    Intervals are initiations of the slowest pipelined loop per frame: cycles at II = 1. Differences are in
    the result. Raises CheckFailed where the project does not compile, InputError for an unknown layer, a
    missing file, and where there is no C++ compiler.
    """
    compiler()
    constants = list(tables(design.network, design.plan))
    for table in constants:
        if not (design.directory / "src" / table.path).is_file():
            raise InputError(f"{design.directory}/src/{table.path} is missing: generate the project again")
    differing = differing_tables(design)  # raises where one is no text, on which a compiler would trip
    options = [*flags, "-DREPVGG_TRACE", *headers(design.directory, include)]
    progress(0.0, "compiling")
    about = (compiler(), options)
    proven = Proven(design.directory / BUILD, images, None if layer else state, about, fresh=fresh)
    if layer is None:
        run = _whole(design, images, options, constants, proven, progress)
    else:
        run = _alone(design, images, layer, options, constants)
    layers = tuple(run.layers.values())
    wanted = {one.name for one in layers}
    problems = [f"{name}: {message}" for name, message in differing if name in wanted]
    problems += [one.problem for one in layers if one.problem]
    problems += run.problems or wrong_intervals(layers, run.loops, design.plan)
    bad = {image for one in layers for image in one.bad_frames}
    whole = layer is None and run.complete == len(images)
    simulated = golden_logits = None
    if whole and labels is not None and design.network.linear is not None:
        golden_logits = golden.forward(images, design.network)
        # of images that an earlier run has proven equal, what it sent is what golden says
        sent = [golden_logits[: proven.images].ravel(), *run.logits]
        simulated = np.concatenate(sent).reshape(len(images), -1)
    return SimulationResult(
        target=design.target,
        mode="network" if layer is None else "layers",
        images=len(images),
        bit_exact=len(set(range(run.complete)) - bad),
        stalls=0,
        layers=layers,
        problems=tuple(problems),
        planned_interval=design.plan.frame_interval,
        frame_interval=max((one.interval for one in layers if one.interval), default=None),
        build_seconds=round(run.build_seconds, 3),
        run_seconds=round(run.run_seconds, 3),
        top1_golden=share_correct(golden_logits, labels),
        top1_simulated=share_correct(simulated, labels),
        notes=proven.note,
    )


def _whole(
    design: Design[Plan],
    images: NDArray[np.int8],
    options: Sequence[str],
    constants: Sequence[Table],
    proven: Proven,
    progress: Progress,
) -> BenchRun:
    """The whole network; it ends behind the images among which something is wrong."""
    network, run = design.network, BenchRun.resumed(design.plan, proven)
    build = design.directory / BUILD
    sources = ["src/repvgg_top.cpp", "tb/tb.cpp"]
    run.build_seconds = compile_bench(design.directory, build, sources, options, "tb.out", constants)
    traces = {conv.name: conv.ident for conv in design.plan.convs} | {"pool": "pool"}
    traces[design.plan.layers[-1].name] = "m_axis"  # the last layer is compared where it leaves the design
    for batch in batches(images[run.complete :], design.plan):
        started = time.monotonic()
        ended = run_bench(build, "tb.out", vector_files(batch, network), [str(FRAMES_PER_CALL)])
        run.run_seconds += time.monotonic() - started
        sent = [
            run.take(name, build / "trace" / traces[name], expected, ended)
            for name, expected in golden.trace(batch, network)
        ]
        run.complete += min(sent)
        if ended and run.passed:
            run.problems.append(f"the test bench fails although every layer agrees: {ended}")
        if not run.passed:
            break
        run.keep(proven)
        progress(run.complete / len(images), f"{run.complete} of {len(images)} images")
    proven.forget()
    return run


def _alone(
    design: Design[Plan],
    images: NDArray[np.int8],
    layer: str,
    options: Sequence[str],
    constants: Sequence[Table],
) -> BenchRun:
    """One layer on golden's input; the pool and the linear layer are one unit."""
    plan, run = design.plan, BenchRun(design.plan)
    names = list(plan.layer_cycles)
    if layer not in names:
        raise InputError(f"there is no layer {layer!r}: the network has {', '.join(names)}")
    outputs = dict(golden.trace(images, design.network))
    index = min(names.index(layer), len(plan.convs))
    x: Ints = images if index == 0 else outputs[names[index - 1]]
    last = index == len(plan.convs)
    ident = "linear" if last else plan.convs[index].ident
    unit = "-DLAYER_IS_LINEAR" if last else f"-DUNIT={FORMS[plan.convs[index].KIND].unit}"
    own = [f"-DLAYER={ident}", unit]
    build = design.directory / BUILD / f"layer_{ident}"
    bench = ["tb/layer_tb.cpp"]
    run.build_seconds = compile_bench(
        design.directory, build, bench, [*options, *own], "layer.out", constants
    )
    started = time.monotonic()
    ended = run_bench(build, "layer.out", [("input.dat", numbers(raster(x)))], [str(len(images))])
    run.run_seconds = time.monotonic() - started
    traces = {"pool": "pool", "linear": "linear"} if last else {layer: ident}
    run.complete = min(
        run.take(name, build / "trace" / file, outputs[name], ended) for name, file in traces.items()
    )
    if ended and run.passed:
        run.problems.append(f"{layer}: {ended}")
    return run
