"""Emit the plan as a Vitis HLS project: static C++ units, rendered parameters, tables of constants.

The units are copied from `templates/hls/`; templates print parameters only; tables (`src/tables/*.inc`) are
numbers only. Golden and plan are the only sources: nothing is decided here.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import jinja2
import numpy as np
from numpy.typing import NDArray

from repvgg_hw import golden
from repvgg_hw.design import Design
from repvgg_hw.design.folder import read_table
from repvgg_hw.errors import InputError
from repvgg_hw.files import environment, templates_dir, write_if_changed
from repvgg_hw.names import ascii_text
from repvgg_hw.network import IntegerNetwork
from repvgg_hw.plan.device import check_part
from repvgg_hw.plan.output import Output
from repvgg_hw.plan.stream.plan import Plan
from repvgg_hw.targets.hls.forms import Literal
from repvgg_hw.targets.hls.layers import hls_layers
from repvgg_hw.targets.hls.tables import CHUNK_BITS, tables
from repvgg_hw.targets.hls.transforms import matrices
from repvgg_hw.targets.verdict import first_difference

WORD_BITS_LIMIT = 4096  # the widest ap_uint of the vendor's tool
ROM_BITS_LIMIT = 65_536  # the widest element that ARRAY_RESHAPE makes there
UNCERTAINTY_PERCENT = 27  # of the clock's period: the tool's default, stated so that it stays what it is
VECTOR_FRAMES = 2  # the fewest from which co-simulation can tell the frame interval


def interval(plan: Plan) -> int:
    """Initiations per frame of the design's slowest pipelined loop: at II = 1 the frame interval."""
    slowest = [plan.in_cycles, plan.output.beats, *(conv.initiations for conv in plan.convs)]
    if plan.linear is not None:
        slowest += [plan.linear.compute_cycles, plan.linear.pool_cycles]
    return max(slowest)


def check(plan: Plan) -> None:
    """Raise InputError where a plan cannot be written in the vendor's types."""
    for conv in plan.convs:
        _check_word(conv.name, "PI", conv.pi, conv.in_bits)
        _check_word(conv.name, "in_lanes", conv.in_lanes, conv.in_bits)
        _check_word(conv.name, "out_lanes", conv.out_lanes, conv.out_bits)
        _check_rom(conv.name, conv.multipliers, conv.weight_lane_bits)
    if plan.linear is None:
        _check_word(plan.convs[-1].name, "out_lanes", plan.output.lanes, plan.output.bits)
    else:
        _check_word("linear", "PI", plan.linear.pi, plan.linear.sum_bits)
        _check_rom("linear", plan.linear.multipliers, plan.linear.weight_bits)
        _check_word("pool", "in_lanes", plan.linear.in_lanes, plan.linear.sum_bits)
    _check_word(plan.convs[0].name, "input channels", plan.in_shape[0], plan.in_bits)


def _check_rom(layer: str, multipliers: int, weight_bits: int) -> None:
    per_chunk = CHUNK_BITS // weight_bits
    bits = -(-multipliers // per_chunk) * CHUNK_BITS
    if bits > ROM_BITS_LIMIT:
        raise InputError(
            f"{layer}: a row of its weight ROM has {bits} bits; memories of the HLS tool end at "
            f"{ROM_BITS_LIMIT}: give this layer a folding with at most "
            f"{ROM_BITS_LIMIT // CHUNK_BITS * per_chunk} multipliers"
        )


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


def cpp_environment(folder: Path) -> jinja2.Environment:
    """Jinja with the filters that print C++."""
    env = environment(folder)
    env.filters.update(cpp=cpp, cpp_type=cpp_type, dimensions=dimensions)
    return env


def design_files(network: IntegerNetwork, plan: Plan) -> Iterator[tuple[str, str]]:
    """(relative path, text) of everything that is simulated: `src/`, `tb/`, `csim/`."""
    check(plan)
    folder = templates_dir() / "hls"
    env = cpp_environment(folder)
    layers, roms = hls_layers(network, plan), list(tables(network, plan))
    context = {
        "name": ascii_text(plan.name),
        "layers": layers,
        "convs": layers[: len(plan.convs)],
        "linear": plan.linear,
        "tables": roms,
        "transforms": matrices(plan.tiles),
        "in_summary": " x ".join(map(str, plan.in_shape)) + " int8",
        "out_summary": out_summary(plan.output),
    }
    for name in ("config.hpp", "constants.hpp", "winograd_matrices.hpp", "repvgg_top.hpp", "repvgg_top.cpp"):
        yield f"src/{name}", env.get_template(f"{name}.j2").render(context)
    for table in roms:
        yield f"src/{table.path}", table.text()
    for static in sorted(folder.glob("lib/*.hpp")):
        yield f"src/lib/{static.name}", static.read_text()
    for bench in ("tb.cpp", "layer_tb.cpp"):
        yield f"tb/{bench}", (folder / bench).read_text()
    for static in sorted(folder.glob("csim/*.*")):
        yield f"csim/{static.name}", static.read_text()


def out_summary(output: Output) -> str:
    """What leaves, for people."""
    if len(output.shape) == 1:
        return f"{output.shape[0]} int32 logits"
    return " x ".join(map(str, output.shape)) + " uint8"


def numbers(values: NDArray[np.integer]) -> str:
    """One number per line: the form of the test bench's files."""
    return "".join(f"{v}\n" for v in values.ravel().tolist())


def raster(maps: NDArray[np.integer]) -> NDArray[np.integer]:
    """(N, C, H, W) -> (N, H, W, C): the order of a stream."""
    return np.moveaxis(maps, 1, 3)


def vector_files(images: NDArray[np.int8], network: IntegerNetwork) -> Iterator[tuple[str, str]]:
    """(name, text) of the test bench's files for images (N, C, H, W)."""
    yield "input.dat", numbers(raster(images))
    output = golden.forward(images, network)
    yield "output.dat", numbers(raster(output) if output.ndim == 4 else output)


def project_files(plan: Plan, output_scale: float, part: str, clock_mhz: float) -> Iterator[tuple[str, str]]:
    """(relative path, text) of the vendor's scripts and the README."""
    env = cpp_environment(templates_dir() / "hls")
    context = {
        "name": ascii_text(plan.name),
        "part": check_part(part),
        "clock": f"{clock_mhz:g}",
        "uncertainty_percent": UNCERTAINTY_PERCENT,
        "period_ns": f"{1000.0 / clock_mhz:.4g}",
        "layers": plan.layers,
        "multipliers": plan.multipliers,
        "interval": interval(plan),
        "frames": VECTOR_FRAMES,
        "in_summary": " x ".join(map(str, plan.in_shape)) + " int8",
        "out_summary": out_summary(plan.output),
        "linear": plan.linear,
        "output": plan.output,
        "scale": output_scale,
    }
    for name in ("run_hls.tcl", "hls_config.cfg", "README.md"):
        yield name, env.get_template(f"{name}.j2").render(context)


def emit(design: Design[Plan]) -> None:
    """Write the HLS project of a design into its folder. The same input gives the same bytes.

    Raises InputError where a layer's folding needs a word or a ROM row that is too wide for the tool.
    """
    network, plan, request = design.network, design.plan, design.request
    if plan.clock_mhz is None:
        raise InputError("an HLS project needs a clock: give --clock")
    rng = np.random.default_rng(0)
    images = rng.integers(-128, 128, (VECTOR_FRAMES, *network.in_shape)).astype(np.int8)
    files = [
        *design_files(network, plan),
        *project_files(plan, network.output_scale, request.part, plan.clock_mhz),
    ]
    files += [(f"vectors/{name}", text) for name, text in vector_files(images, network)]
    for relative, text in files:
        write_if_changed(design.directory / relative, text)


def differing_tables(design: Design[Plan]) -> list[tuple[str, str]]:
    """Tables on disk that are not what the network says: (layer, message), in the network's order."""
    differing = []
    for table in tables(design.network, design.plan):
        line = first_difference(table.text(), read_table(design.directory, f"src/{table.path}"))
        if line is not None:
            differing.append((table.layer, f"src/{table.path}, line {line + 1} is not the network's"))
    return differing
