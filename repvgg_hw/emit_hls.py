"""Emit the plan as a Vitis HLS project: static C++ units, rendered parameters, tables of constants.

The units are copied from `templates/hls/`; templates print parameters only; tables (`src/tables/*.inc`) are
numbers only. Golden and plan are the only sources: nothing is decided here.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import jinja2
import numpy as np
from numpy.typing import NDArray

from repvgg_hw import golden
from repvgg_hw.errors import InputError
from repvgg_hw.network import IntegerNetwork
from repvgg_hw.paths import templates_dir
from repvgg_hw.plan import ConvPlan, LinearPlan, Plan

Literal = int | bool

CHUNK_BITS = 64  # of a weight ROM's row: see templates/hls/lib/words.hpp
WORD_BITS_LIMIT = 4096  # the widest ap_uint of the vendor's tool
VECTOR_FRAMES = 2  # the fewest from which co-simulation can tell the frame interval


@dataclass(frozen=True)
class HlsLayer:
    """One layer as the templates print it."""

    ident: str
    summary: str
    parameters: Mapping[str, Literal]
    source: str = ""  # the stream that it reads
    fifo_depth: int = 0


@dataclass(frozen=True)
class Table:
    """A ROM: `ctype ident[shape]`, its numbers in `path` (relative to `src/`)."""

    layer: str
    ident: str
    ctype: str
    values: NDArray[np.generic] = field(repr=False)

    @property
    def path(self) -> str:
        return f"tables/{self.ident}.inc"

    @property
    def shape(self) -> tuple[int, ...]:
        return self.values.shape

    def text(self) -> str:
        """The initialiser's rows, without the outer braces."""
        if self.ctype == "uint64_t":
            rows = self.values.astype(">u8").tobytes().hex()
            digits = CHUNK_BITS // 4
            numbers = ["0x" + rows[i : i + digits] for i in range(0, len(rows), digits)]
        else:
            numbers = [str(v) for v in self.values.ravel().tolist()]
        if self.values.ndim == 1:
            return "".join(f"{number},\n" for number in numbers)
        width = self.shape[1]
        return "".join("{" + ",".join(numbers[i : i + width]) + "},\n" for i in range(0, len(numbers), width))


def pack_rows(weights: NDArray[np.int8], bits: int) -> NDArray[np.uint64]:
    """ROM rows of weights (rows, n) -> chunks (rows, ceil(n / (64 // bits))) uint64, weight 0 lowest."""
    per_chunk = CHUNK_BITS // bits
    rows, count = weights.shape
    chunks = -(-count // per_chunk)
    padded = np.zeros((rows, chunks * per_chunk), dtype=np.uint64)
    padded[:, :count] = weights.astype(np.int64).astype(np.uint64) & np.uint64((1 << bits) - 1)
    shifts = np.arange(per_chunk, dtype=np.uint64) * np.uint64(bits)
    packed: NDArray[np.uint64] = np.bitwise_or.reduce(
        padded.reshape(rows, chunks, per_chunk) << shifts, axis=2
    )
    return packed


def conv_rows(weight: NDArray[np.int8], conv: ConvPlan) -> NDArray[np.int8]:
    """Weights (C_out, C_in / groups, 3, 3) -> ROM rows (groups * repeats * words, PO * PI * 9)."""
    taps = weight.reshape(conv.groups, conv.repeats, conv.po, conv.words, conv.pi, 9)
    rows: NDArray[np.int8] = taps.transpose(0, 1, 3, 2, 4, 5).reshape(-1, conv.po * conv.pi * 9)
    return rows


def linear_rows(weight: NDArray[np.int8], linear: LinearPlan) -> NDArray[np.int8]:
    """Weights (classes, C) -> ROM rows (repeats * words, PO * PI)."""
    lanes = weight.reshape(linear.repeats, linear.po, linear.words, linear.pi)
    rows: NDArray[np.int8] = lanes.transpose(0, 2, 1, 3).reshape(-1, linear.po * linear.pi)
    return rows


def tables(network: IntegerNetwork, plan: Plan) -> Iterator[Table]:
    """Every constant of the design, layer by layer."""
    for conv, layer in zip(plan.convs, network.convs, strict=True):
        name, lanes = conv.name, (-1, conv.out_lanes)
        rows = pack_rows(conv_rows(layer.weight, conv), conv.weight_bits)
        yield Table(name, f"{conv.ident}_weights", "uint64_t", rows)
        yield Table(name, f"{conv.ident}_bias", "int32_t", layer.bias.reshape(lanes))
        yield Table(name, f"{conv.ident}_multiplier", "uint32_t", layer.multiplier.reshape(lanes))
    linear = plan.linear
    rows = pack_rows(linear_rows(network.linear.weight, linear), linear.weight_bits)
    yield Table(linear.name, f"{linear.ident}_weights", "uint64_t", rows)
    yield Table(linear.name, f"{linear.ident}_bias", "int32_t", network.linear.bias)


def conv_parameters(conv: ConvPlan, in_lanes: int, shift: int) -> dict[str, Literal]:
    """The configuration of one conv3x3 unit (templates/hls/lib/shape.hpp derives the rest)."""
    return {
        "C_IN": conv.c_in,
        "C_OUT": conv.c_out,
        "HEIGHT": conv.height,
        "WIDTH": conv.width,
        "STRIDE": conv.stride,
        "GROUPS": conv.groups,
        "PI": conv.pi,
        "PO": conv.po,
        "IN_LANES": in_lanes,
        "OUT_LANES": conv.out_lanes,
        "IN_BITS": conv.in_bits,
        "IN_SIGNED": conv.in_signed,
        "WEIGHT_BITS": conv.weight_bits,
        "OUT_BITS": conv.out_bits,
        "ACC_BITS": conv.acc_bits,
        "SHIFT": shift,
    }


def linear_parameters(linear: LinearPlan) -> dict[str, Literal]:
    """The configuration of the pool and the linear layer."""
    return {
        "C_IN": linear.c_in,
        "C_OUT": linear.c_out,
        "HEIGHT": linear.height,
        "WIDTH": linear.width,
        "PI": linear.pi,
        "PO": linear.po,
        "IN_LANES": linear.in_lanes,
        "IN_BITS": linear.in_bits,
        "WEIGHT_BITS": linear.weight_bits,
        "ACC_BITS": linear.acc_bits,
    }


def hls_layers(network: IntegerNetwork, plan: Plan) -> list[HlsLayer]:
    """The layers in order, the linear layer last."""
    layers = []
    source, lanes = "input", plan.in_shape[0]
    for conv, numbers in zip(plan.convs, network.convs, strict=True):
        layers.append(
            HlsLayer(
                ident=conv.ident,
                summary=f"{conv.c_in} x {conv.height} x {conv.width} -> "
                f"{conv.c_out} x {conv.out_height} x {conv.out_width}, {conv.cycles} cycles",
                parameters=conv_parameters(conv, lanes, numbers.shift),
                source=source,
                fifo_depth=conv.fifo_depth,
            )
        )
        source, lanes = conv.ident, conv.out_lanes
    linear = plan.linear
    summary = f"global sum of {linear.c_in} x {linear.height} x {linear.width}, then {linear.c_out} logits"
    layers.append(HlsLayer(linear.ident, f"{summary}, {linear.cycles} cycles", linear_parameters(linear)))
    return layers


def row_cycles(conv: ConvPlan) -> tuple[int, int]:
    """(reads, writes) of the line buffer per output row, in loop iterations."""
    reads = conv.out_width * conv.groups * conv.repeats * conv.words
    return reads, conv.stride * conv.width * (conv.c_in // conv.pi)


def interval(plan: Plan) -> int:
    """Loop iterations from frame to frame: the slowest process of the design, at II = 1.

    The line buffer pauses twice SETTLE iterations around a row's writes where these outlast its reads
    (templates/hls/lib/line_buffer.hpp).
    """
    settle = 4
    slowest = [plan.in_cycles, plan.linear.compute_cycles, plan.linear.pool_cycles, plan.linear.c_out]
    for conv in plan.convs:
        reads, writes = row_cycles(conv)
        slowest.append(conv.out_height * max(reads, writes + 2 * settle))
    return max(slowest)


def check(plan: Plan) -> None:
    """Raise InputError where a plan cannot be written in the vendor's types."""
    for conv in plan.convs:
        if conv.algorithm != "direct":
            raise InputError(f"{conv.name}: the HLS target has no unit for algorithm {conv.algorithm!r}")
        for what, lanes, bits in (
            ("PI", conv.pi, conv.in_bits),
            ("out_lanes", conv.out_lanes, conv.out_bits),
        ):
            _check_word(conv.name, what, lanes, bits)
    _check_word("linear", "PI", plan.linear.pi, plan.linear.sum_bits)
    _check_word("pool", "out_lanes", plan.linear.in_lanes, plan.linear.sum_bits)
    _check_word(plan.convs[0].name, "input channels", plan.in_shape[0], plan.in_bits)


def _check_word(layer: str, what: str, lanes: int, bits: int) -> None:
    if lanes * bits > WORD_BITS_LIMIT:
        raise InputError(
            f"{layer}: {what} = {lanes} makes a stream word of {lanes * bits} bits; the HLS types end at "
            f"{WORD_BITS_LIMIT}: give this layer a folding with at most {WORD_BITS_LIMIT // bits}"
        )


def cpp(value: Literal) -> str:
    """A C++ literal."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def cpp_type(value: Literal) -> str:
    """The C++ type of a parameter."""
    return "bool" if isinstance(value, bool) else "int"


def dimensions(shape: tuple[int, ...]) -> str:
    """(2, 3) -> [2][3]."""
    return "".join(f"[{n}]" for n in shape)


def environment(folder: Path) -> jinja2.Environment:
    """Jinja with the filters that print C++."""
    env = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    env.filters.update(cpp=cpp, cpp_type=cpp_type, dimensions=dimensions)
    return env


def design_files(network: IntegerNetwork, plan: Plan) -> Iterator[tuple[str, str]]:
    """(relative path, text) of everything that is simulated: `src/`, `tb/`, `csim/`."""
    check(plan)
    folder = templates_dir() / "hls"
    env = environment(folder)
    layers, roms = hls_layers(network, plan), list(tables(network, plan))
    context = {
        "name": plan.name,
        "layers": layers,
        "convs": layers[:-1],
        "tables": roms,
        "in_summary": " x ".join(map(str, plan.in_shape)) + " int8",
        "out_summary": f"{plan.linear.c_out} int32 logits",
    }
    for name in ("config.hpp", "constants.hpp", "repvgg_top.hpp", "repvgg_top.cpp"):
        yield f"src/{name}", env.get_template(f"{name}.j2").render(context)
    for table in roms:
        yield f"src/{table.path}", table.text()
    for static in sorted(folder.glob("lib/*.hpp")):
        yield f"src/lib/{static.name}", static.read_text()
    for bench in ("tb.cpp", "layer_tb.cpp"):
        yield f"tb/{bench}", (folder / bench).read_text()
    for static in sorted(folder.glob("csim/*.h")):
        yield f"csim/{static.name}", static.read_text()


def numbers(values: NDArray[np.integer]) -> str:
    """One number per line: the form of the test bench's files."""
    return "".join(f"{v}\n" for v in values.ravel().tolist())


def raster(maps: NDArray[np.integer]) -> NDArray[np.integer]:
    """(N, C, H, W) -> (N, H, W, C): the order of a stream."""
    return np.moveaxis(maps, 1, 3)


def vector_files(images: NDArray[np.int8], network: IntegerNetwork) -> Iterator[tuple[str, str]]:
    """(name, text) of the test bench's files for images (N, C, H, W)."""
    yield "input.dat", numbers(raster(images))
    yield "logits.dat", numbers(golden.logits(images, network))


def project_files(plan: Plan, part: str, clock_mhz: float) -> Iterator[tuple[str, str]]:
    """(relative path, text) of the vendor's scripts and the README."""
    env = environment(templates_dir() / "hls")
    context = {
        "name": plan.name,
        "part": part,
        "clock": f"{clock_mhz:g}",
        "period_ns": f"{1000.0 / clock_mhz:.4g}",
        "layers": plan.layers,
        "multipliers": plan.multipliers,
        "interval": interval(plan),
        "frames": VECTOR_FRAMES,
        "in_summary": " x ".join(map(str, plan.in_shape)) + " int8",
        "out_summary": f"{plan.linear.c_out} int32 logits",
    }
    for name in ("run_hls.tcl", "hls_config.cfg", "README.md"):
        yield name, env.get_template(f"{name}.j2").render(context)


def write(path: Path, text: str) -> None:
    """Write atomically, and only where the content changes."""
    if path.is_file() and path.read_text() == text:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_text(text)
    os.replace(temporary, path)


def emit(network: IntegerNetwork, plan: Plan, directory: Path, *, part: str, clock_mhz: float) -> None:
    """Write the HLS project into `directory`. The same input gives the same bytes.

    Raises InputError where a layer's folding needs a stream word that is too wide for the vendor's types.
    """
    rng = np.random.default_rng(0)
    images = rng.integers(-128, 128, (VECTOR_FRAMES, *network.in_shape)).astype(np.int8)
    files = [*design_files(network, plan), *project_files(plan, part, clock_mhz)]
    files += [(f"vectors/{name}", text) for name, text in vector_files(images, network)]
    for relative, text in files:
        write(directory / relative, text)
