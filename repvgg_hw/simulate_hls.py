"""Prove an emitted HLS project in C simulation: every layer's output equals golden's.

The sources that stand in the project's folder are compiled with a C++14 compiler against its `csim/` headers,
in which every assignment that loses a bit throws, and run on the images.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from repvgg_hw import golden
from repvgg_hw.emit_hls import interval
from repvgg_hw.emit_hls.project import conv_interval, numbers, raster, vector_files
from repvgg_hw.emit_hls.tables import tables
from repvgg_hw.errors import CheckFailed, InputError
from repvgg_hw.network import IntegerNetwork
from repvgg_hw.plan import Plan, WinogradPlan

WARNINGS = (
    "-Wall",
    "-Wextra",
    "-Wconversion",
    "-Werror",
    "-Wno-unknown-pragmas",
)  # HLS pragmas are foreign to g++
FRAMES_PER_CALL = 2  # of the top function: one frame right behind another
BATCH_VALUES = 8_000_000  # outputs traced by one run of the bench, at most

Ints = NDArray[np.integer]
Progress = Callable[[int, int], None]  # (frames done, frames in all)


@dataclass(frozen=True)
class LayerCheck:
    """One layer whose every output value equals golden's."""

    name: str
    shape: tuple[int, ...]  # of one frame
    values: int  # compared, over all frames


@dataclass(frozen=True)
class HlsSimulation:
    """What was proven, and the time it took."""

    frames: int
    layers: tuple[LayerCheck, ...]
    logits: Ints = field(repr=False)  # (N, classes) of the design; empty where one layer was simulated alone
    interval: int  # loop iterations per frame of the slowest process, at II = 1
    compiler: str
    compile_seconds: float  # 0 where the sources had not changed
    run_seconds: float


def compiler() -> str:
    """Path of the C++ compiler: $CXX, else g++, c++, clang++. InputError where there is none."""
    wanted = os.environ.get("CXX")
    for name in [wanted] if wanted else ["g++", "c++", "clang++"]:
        path = shutil.which(name)
        if path:
            return path
    if wanted:
        raise InputError(f"the environment variable CXX names {wanted!r}, which is not a program")
    raise InputError("C simulation needs a C++14 compiler: install g++ or clang++, or name one in CXX")


def verify_tables(directory: Path, network: IntegerNetwork, plan: Plan) -> None:
    """Raise CheckFailed where a table of constants in `directory` is not what the network says."""
    for table in tables(network, plan):
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


def compile_bench(
    directory: Path, build: Path, sources: Sequence[str], flags: Sequence[str], program: str
) -> float:
    """Compile `sources` of `directory` into `build`/`program` unless it is up to date; seconds taken."""
    command = [compiler(), "-std=c++14", *WARNINGS, *flags, "-Isrc", *sources]
    digest = hashlib.sha256("\0".join(command).encode())
    for path in sorted(
        p for part in ("src", "tb", "csim") for p in (directory / part).rglob("*") if p.is_file()
    ):
        digest.update(f"\0{path.relative_to(directory)}\0".encode())
        digest.update(path.read_bytes())
    key, target = build / f"{program}.key", build / program
    if target.is_file() and key.is_file() and key.read_text() == digest.hexdigest():
        return 0.0
    build.mkdir(parents=True, exist_ok=True)
    key.unlink(missing_ok=True)
    start = time.monotonic()
    done = subprocess.run(
        [*command, "-o", str(target.resolve())], cwd=directory, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        errors = [line for line in done.stderr.splitlines() if "error" in line] or [done.stderr.strip()]
        raise CheckFailed(f"{directory}: the C++ compiler refuses the project: {errors[0]}")
    key.write_text(digest.hexdigest())
    return time.monotonic() - start


def run_bench(build: Path, program: str, files: Iterator[tuple[str, str]], arguments: Sequence[str]) -> str:
    """Run the bench on vector files; the message it ended with, or "" where it is content."""
    for folder in ("vectors", "trace"):
        shutil.rmtree(build / folder, ignore_errors=True)
        (build / folder).mkdir()
    for name, text in files:
        (build / "vectors" / name).write_text(text)
    done = subprocess.run(
        [str((build / program).resolve()), "vectors", *arguments],
        cwd=build,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 0:
        return ""
    said = (done.stdout + done.stderr).strip().splitlines()
    return said[0] if said else f"ended with exit status {done.returncode}"


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


def batches(images: NDArray[np.int8], plan: Plan) -> Iterator[tuple[int, NDArray[np.int8]]]:
    """(index of the first image, images) in runs whose traces stay small."""
    per_frame = sum(conv.c_out * conv.out_height * conv.out_width for conv in plan.convs)
    size = max(FRAMES_PER_CALL, BATCH_VALUES // per_frame)
    for first in range(0, len(images), size):
        yield first, images[first : first + size]


def headers(directory: Path, include: Path | None) -> list[str]:
    """Include options: the project's own C-simulation headers, or `include` before them."""
    own = str((directory / "csim").resolve())
    # Foreign headers are exempt from our warnings; -isystem comes after every -I, so then both are -isystem.
    return ["-isystem", str(include.resolve()), "-isystem", own] if include else ["-I", own]


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
    verify_tables(directory, network, plan)
    if layer is not None:
        return _simulate_layer(
            directory, network, plan, images, layer, [*flags, *headers(directory, include)]
        )
    build = directory / "csim_build"
    options = [*flags, "-DREPVGG_TRACE", *headers(directory, include)]
    compiled = compile_bench(directory, build, ["tb/tb.cpp", "src/repvgg_top.cpp"], options, "tb.out")
    idents = {conv.name: conv.ident for conv in plan.convs}
    checks: dict[str, LayerCheck] = {}
    logits, ran = [], 0.0
    for first, batch in batches(images, plan):
        start = time.monotonic()
        ended = run_bench(build, "tb.out", vector_files(batch, network), [str(FRAMES_PER_CALL)])
        ran += time.monotonic() - start
        for name, expected in golden.trace(batch, network):
            trace = read_trace(build / "trace" / f"{idents.get(name, name)}.dat")
            compare(name, expected, trace, first, ended)
            before = checks[name].values if name in checks else 0
            checks[name] = LayerCheck(name, expected.shape[1:], before + expected.size)
        if ended:
            raise CheckFailed(f"{directory}: the test bench fails although every layer agrees: {ended}")
        logits.append(trace.reshape(len(batch), -1))
        if progress:
            progress(first + len(batch), len(images))
    return HlsSimulation(
        frames=len(images),
        layers=tuple(checks.values()),
        logits=np.concatenate(logits),
        interval=interval(plan),
        compiler=compiler(),
        compile_seconds=compiled,
        run_seconds=ran,
    )


def _simulate_layer(
    directory: Path,
    network: IntegerNetwork,
    plan: Plan,
    images: NDArray[np.int8],
    layer: str,
    flags: Sequence[str],
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
    options = [
        *flags,
        "-DREPVGG_TRACE",
        f"-DLAYER={ident}",
        "-DLAYER_IS_LINEAR" if last else f"-DUNIT={unit}",
    ]
    build = directory / "csim_build" / f"layer_{ident}"
    compiled = compile_bench(directory, build, ["tb/layer_tb.cpp"], options, "layer.out")
    start = time.monotonic()
    files = iter([("input.dat", numbers(raster(x)))])
    ended = run_bench(build, "layer.out", files, [str(len(images))])
    ran = time.monotonic() - start
    checks = []
    for name in ("pool", "linear") if last else (layer,):
        file = name if last else ident
        compare(name, outputs[name], read_trace(build / "trace" / f"{file}.dat"), 0, ended)
        checks.append(LayerCheck(name, outputs[name].shape[1:], outputs[name].size))
    if ended:
        raise CheckFailed(f"{layer}: {ended}")
    return HlsSimulation(
        frames=len(images),
        layers=tuple(checks),
        logits=np.zeros((0, network.num_classes), dtype=np.int64),
        interval=plan.linear.cycles if last else conv_interval(plan.convs[index]),
        compiler=compiler(),
        compile_seconds=compiled,
        run_seconds=ran,
    )
