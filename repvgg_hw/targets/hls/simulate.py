"""Prove an emitted HLS project in C simulation: every layer's output equals golden's.

The sources that stand in the project's folder are compiled with a C++14 compiler against its `csim/` headers,
in which every assignment that loses a bit throws, and run on the images.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from repvgg_hw import golden
from repvgg_hw.errors import CheckFailed, InputError
from repvgg_hw.network import IntegerNetwork
from repvgg_hw.plan.stream.plan import Plan
from repvgg_hw.plan.stream.winograd import WinogradPlan
from repvgg_hw.targets.hls.csim import BUILD, compile_bench, compiler, headers, run_bench
from repvgg_hw.targets.hls.emit import conv_interval, numbers, raster, vector_files
from repvgg_hw.targets.hls.tables import Table, tables

FRAMES_PER_CALL = 3  # of the top function, one right behind another; two are the fewest that show an interval
BATCH_VALUES = 8_000_000  # outputs traced by one run of the bench, at most

Ints = NDArray[np.integer]
Progress = Callable[[int, int], None]  # (frames done, frames in all)


@dataclass(frozen=True)
class LayerCheck:
    """One layer whose every output value equals golden's.

    loop, frame_ends  its slowest pipelined loop, and the initiations of it at which the last two frames of a
                      call ended; "" and () where no call had two frames
    """

    name: str
    shape: tuple[int, ...]  # of one frame
    values: int  # compared, over all frames
    loop: str = ""
    frame_ends: tuple[int, ...] = ()

    @property
    def interval(self) -> int | None:
        """Initiations from frame to frame: cycles at II = 1, where no stream makes the loop wait."""
        return self.frame_ends[1] - self.frame_ends[0] if self.frame_ends else None


@dataclass(frozen=True)
class HlsSimulation:
    """What was proven, and the time it took."""

    frames: int
    layers: tuple[LayerCheck, ...]
    logits: Ints = field(repr=False)  # (N, classes) of the design; empty where one layer was simulated alone
    compiler: str
    compile_seconds: float  # 0 where the sources had not changed
    run_seconds: float
    problems: tuple[str, ...] = ()  # loops that do not keep the plan

    @property
    def interval(self) -> int | None:
        """The frame interval: initiations of the slowest loop of all, None where no call had two frames."""
        return max((check.interval for check in self.layers if check.interval), default=None)


def verify_tables(directory: Path, constants: Iterable[Table]) -> None:
    """Raise CheckFailed where a table of constants in `directory` is not what the network says."""
    for table in constants:
        path = directory / "src" / table.path
        if not path.is_file():
            raise InputError(f"{path} is missing: generate the project again")
        expected, got = table.text(), path.read_text()
        if got != expected:
            lines = zip(
                expected.splitlines(), [*got.splitlines(), *[""] * expected.count("\n")], strict=False
            )
            line = next((i for i, (a, b) in enumerate(lines, 1) if a != b), expected.count("\n") + 1)
            raise CheckFailed(f"{table.layer}: src/{table.path}, line {line}, is not what the network says")


def read_trace(path: Path) -> Ints:
    """The numbers of one trace file; none where the bench did not come that far."""
    if not path.is_file():
        return np.zeros(0, dtype=np.int64)
    return np.array(path.read_bytes().split(), dtype=np.int64)


def compare(name: str, expected: Ints, trace: Ints, first_image: int, ended: str) -> None:
    """Raise CheckFailed at the first value in which a layer's trace differs from golden's output.

    expected (N, C, H, W) or (N, C); trace flat, in the stream's order.
    """
    ordered = raster(expected) if expected.ndim == 4 else expected
    flat = ordered.ravel()
    common = min(flat.size, trace.size)
    wrong = np.flatnonzero(flat[:common] != trace[:common])
    if wrong.size:
        at = np.unravel_index(int(wrong[0]), ordered.shape)
        where = f"image {first_image + int(at[0])}, channel {int(at[-1])}"
        if ordered.ndim == 4:
            where += f", row {int(at[1])}, column {int(at[2])}"
        raise CheckFailed(
            f"{name}: {where}: expected {int(flat[wrong[0]])}, got {int(trace[wrong[0]])} "
            f"({wrong.size} of {flat.size} values differ)"
        )
    if trace.size != flat.size:
        reason = f": {ended}" if ended else ""
        raise CheckFailed(f"{name}: {flat.size} values expected, got {trace.size}{reason}")


def read_loops(path: Path) -> tuple[str, tuple[int, ...]]:
    """The slowest loop of a layer in any call of the bench, and the last two of its frame ends there."""
    calls = [line.split() for line in path.read_text().splitlines()] if path.is_file() else []
    found = [(loop, (int(before), int(end))) for loop, before, end in calls]
    return max(found, key=lambda call: call[1][1] - call[1][0], default=("", ()))


def check(name: str, trace: Path, expected: Ints, first_image: int, ended: str) -> LayerCheck:
    """Compare the files `trace`.dat and .loops of one layer; see `compare`."""
    compare(name, expected, read_trace(trace.with_suffix(".dat")), first_image, ended)
    loop, ends = read_loops(trace.with_suffix(".loops"))
    return LayerCheck(name, expected.shape[1:], expected.size, loop, ends)


def slower(before: LayerCheck, now: LayerCheck) -> LayerCheck:
    """The later check of a layer, with the slower loop of both."""
    if (before.interval or 0) > (now.interval or 0):
        return replace(now, loop=before.loop, frame_ends=before.frame_ends)
    return now


def wrong_intervals(checks: Iterable[LayerCheck], plan: Plan) -> Iterator[str]:
    """Layers whose slowest loop is not initiated as often per frame as it must be.

    More often than the plan's frame interval breaks the plan; less often than there is work skips some.
    """
    fewest = {conv.name: conv_interval(conv) for conv in plan.convs}
    fewest |= {"pool": plan.linear.pool_cycles, "linear": plan.linear.compute_cycles}
    for layer in checks:
        if layer.interval is None:
            continue
        counted = f"{layer.name}: {layer.loop} is initiated {layer.interval} times per frame"
        if layer.interval > plan.frame_interval:
            yield f"{counted}, planned {plan.frame_interval}"
        elif layer.interval < fewest[layer.name]:
            yield f"{counted}, its work needs {fewest[layer.name]}"


def batches(images: NDArray[np.int8], plan: Plan) -> Iterator[tuple[int, NDArray[np.int8]]]:
    """(index of the first image, images) in runs whose traces stay small."""
    per_frame = sum(conv.c_out * conv.out_height * conv.out_width for conv in plan.convs)
    size = max(FRAMES_PER_CALL, BATCH_VALUES // per_frame)
    for first in range(0, len(images), size):
        yield first, images[first : first + size]


def simulate(
    directory: Path,
    network: IntegerNetwork,
    plan: Plan,
    images: NDArray[np.int8],
    *,
    layer: str | None = None,
    progress: Progress | None = None,
    include: Path | None = None,
    flags: Sequence[str] = ("-O2",),
) -> HlsSimulation:
    """Compile the project in `directory`, run it on images and compare every layer with golden.

    images   (N, C, H, W) int8, the network's input
    layer    simulate this layer alone, on golden's input ("pool" and "linear" are one unit)
    include  a folder with another `ap_int.h` and `hls_stream.h`, used instead of the project's own
    flags    more options for the compiler

    Raises CheckFailed with the first divergence, or where a table differs from the network; InputError where
    there is no C++ compiler.
    """
    compiler()
    constants = list(tables(network, plan))
    verify_tables(directory, constants)
    options = [*flags, "-DREPVGG_TRACE", *headers(directory, include)]
    if layer is not None:
        return _simulate_layer(directory, network, plan, images, layer, options, constants)
    build = directory / BUILD
    sources = ["src/repvgg_top.cpp", "tb/tb.cpp"]
    compiled = compile_bench(directory, build, sources, options, "tb.out", constants)
    idents = {conv.name: conv.ident for conv in plan.convs}
    checks: dict[str, LayerCheck] = {}
    logits, ran = [], 0.0
    for first, batch in batches(images, plan):
        start = time.monotonic()
        ended = run_bench(build, "tb.out", vector_files(batch, network), [str(FRAMES_PER_CALL)])
        ran += time.monotonic() - start
        for name, expected in golden.trace(batch, network):
            found = check(name, build / "trace" / idents.get(name, name), expected, first, ended)
            before = checks.get(name, replace(found, values=0))
            checks[name] = slower(before, replace(found, values=before.values + found.values))
        if ended:
            raise CheckFailed(f"{directory}: the test bench fails although every layer agrees: {ended}")
        logits.append(read_trace(build / "trace" / "linear.dat").reshape(len(batch), -1))
        if progress:
            progress(first + len(batch), len(images))
    return HlsSimulation(
        frames=len(images),
        layers=tuple(checks.values()),
        logits=np.concatenate(logits),
        compiler=compiler(),
        compile_seconds=compiled,
        run_seconds=ran,
        problems=tuple(wrong_intervals(checks.values(), plan)),
    )


def _simulate_layer(
    directory: Path,
    network: IntegerNetwork,
    plan: Plan,
    images: NDArray[np.int8],
    layer: str,
    options: Sequence[str],
    constants: Sequence[Table],
) -> HlsSimulation:
    """One layer on golden's input; the pool and the linear layer are one unit."""
    names = [conv.name for conv in plan.convs] + ["pool", "linear"]
    if layer not in names:
        raise InputError(f"there is no layer {layer!r}: the network has {', '.join(names)}")
    outputs = dict(golden.trace(images, network))
    index = min(names.index(layer), len(plan.convs))
    x: Ints = images if index == 0 else outputs[names[index - 1]]
    last = index == len(plan.convs)
    ident = "linear" if last else plan.convs[index].ident
    unit = "winograd3x3" if not last and isinstance(plan.convs[index], WinogradPlan) else "conv3x3"
    own = [f"-DLAYER={ident}", "-DLAYER_IS_LINEAR" if last else f"-DUNIT={unit}"]
    build = directory / BUILD / f"layer_{ident}"
    compiled = compile_bench(directory, build, ["tb/layer_tb.cpp"], [*options, *own], "layer.out", constants)
    start = time.monotonic()
    files = [("input.dat", numbers(raster(x)))]
    ended = run_bench(build, "layer.out", files, [str(len(images))])
    ran = time.monotonic() - start
    traces = {"pool": "pool", "linear": "linear"} if last else {layer: ident}
    checks = [check(name, build / "trace" / file, outputs[name], 0, ended) for name, file in traces.items()]
    if ended:
        raise CheckFailed(f"{layer}: {ended}")
    return HlsSimulation(
        frames=len(images),
        layers=tuple(checks),
        logits=np.zeros((0, network.num_classes), dtype=np.int64),
        compiler=compiler(),
        compile_seconds=compiled,
        run_seconds=ran,
        problems=tuple(wrong_intervals(checks, plan)),
    )
