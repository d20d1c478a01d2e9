"""A streaming design with what a board expects around it: bytes in, words out, and the board's own top.

The core is the module of templates/verilog/board_core.v.j2, the same for every board. Its result for a frame
is the logits, where they are asked for, and the likeliest classes; of a network that ends with a map, its
bytes: `expected` says which words that are.
"""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from repvgg_hw import __version__, golden
from repvgg_hw.board.boards import Board, Serial
from repvgg_hw.board.register_map import STREAM, RegisterMap
from repvgg_hw.board.wrapped import Content
from repvgg_hw.design import Design, folder
from repvgg_hw.errors import InputError
from repvgg_hw.files import environment, templates_dir
from repvgg_hw.names import identifier, top_module
from repvgg_hw.plan.stream.plan import Plan
from repvgg_hw.targets.verilog.emit import library_sources, listed_sources
from repvgg_hw.targets.verilog.netlist import MEMORY_FOLDER

UNITS = {"rvg_reset", "rvg_rom", "rvg_byte_lanes", "rvg_pixel_table", "rvg_stream_run"}
TABLES = "input_{}.mem"  # of each channel


@dataclass(frozen=True)
class Wrapper:
    """What is put around a design.

    top     so many of the likeliest classes; 0 of a network that ends with a map
    logits  how many are sent, all or none
    """

    design: Design[Plan]
    board: Board
    top: int
    logits: int

    @property
    def name(self) -> str:
        """Of files and, behind `repvgg_`, of the module."""
        return identifier(self.design.plan.name)

    @property
    def module(self) -> str:
        """The board's top."""
        return f"{top_module(self.design.plan.name)}_{self.board.suffix}"

    @property
    def core(self) -> str:
        """The module within it that is the same for every board."""
        return f"{top_module(self.design.plan.name)}_core"

    @property
    def map(self) -> tuple[int, ...] | None:
        """Channels, height and width of the result; None of a network with a linear layer."""
        return self.design.plan.output.shape if self.design.plan.linear is None else None

    @property
    def frame_bytes(self) -> int:
        """Of a frame's pixels."""
        channels, height, width = self.design.plan.in_shape
        return channels * height * width

    @property
    def result_words(self) -> int:
        """32-bit words of a frame's result; zeros fill the last one behind a map's bytes."""
        return self.logits + self.top if self.map is None else -(-math.prod(self.map) // 4)

    @property
    def identity(self) -> int:
        """32 bits that another network, design or wrapper does not have."""
        facts = [
            folder.fingerprint(self.design.directory),
            self.board.name,
            self.top,
            self.logits > 0,
            __version__,
        ]
        return int(hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:8], 16)

    @property
    def registers(self) -> RegisterMap:
        return STREAM

    @property
    def memory_bytes(self) -> tuple[int, ...]:
        """One port, of the DMA."""
        return (self.board.bytes,)

    def driver_files(self) -> Content:
        """What the driver must know; the weights are the design's."""
        return {f"{self.name}.json": json.dumps(self.facts(), indent=2) + "\n"}

    def context(self) -> dict[str, Any]:
        """As the board says, which may be too slow or too fast for the design."""
        return self.board.context(self.frame_bytes, self.design.plan.frame_interval)

    def summary(self) -> str:
        """Bytes of a frame."""
        return f"{self.frame_bytes:,} bytes of pixels and {4 * self.result_words:,} of results a frame"

    def facts(self) -> dict[str, Any]:
        """What the driver must know; it lies beside the bitstream."""
        channels, height, width = self.design.plan.in_shape
        return {
            "architecture": "stream",
            "name": self.name,
            "network": self.identity,
            "shape": [height, width, channels],
            "frame_bytes": self.frame_bytes,
            "result_bytes": 4 * self.result_words,
            "logits": self.logits,
            "top": self.top,
            "map": self.map,
            "logit_scale": self.design.network.output_scale,
        }

    def files(self) -> dict[str, str]:
        """The design's sources and tables and the wrapper's own: name -> text.

        Raises InputError where the design's folder lacks one, or the board cannot serve.
        """
        directory = self.design.directory
        found = design_sources(directory)
        top = f"rtl/{top_module(self.design.plan.name)}.sv"
        found[top] = found[top].replace(f'"{MEMORY_FOLDER}/', '"')
        tables = [name for name in folder.listed(directory) if name.startswith(f"{MEMORY_FOLDER}/")]
        found |= {f"rtl/{Path(name).name}": text_of(directory / name) for name in tables}
        return found | self._own_files()

    def _own_files(self) -> dict[str, str]:
        table = golden.input_table(self.design.network)
        bits = self.design.plan.in_bits
        mask, digits = (1 << bits) - 1, -(-bits // 4)
        files = {
            f"rtl/{TABLES.format(channel)}": "".join(f"{int(value) & mask:0{digits}x}\n" for value in values)
            for channel, values in enumerate(table)
        }
        units = UNITS | self.board.units | (set() if self.map else {"rvg_top_k"})
        if self.map and isinstance(self.board, Serial):
            units |= {"rvg_block_fifo"}
        files |= {f"rtl/{path.name}": path.read_text() for path in library_sources(units)}
        tables = tuple(TABLES.format(channel) for channel in range(len(table)))
        return files | {
            f"rtl/{self.core}.v": self._rendered("board_core.v.j2", tables),
            f"rtl/{self.module}.v": self._rendered(self.board.top, tables),
        }

    def _rendered(self, template: str, tables: tuple[str, ...]) -> str:
        plan = self.design.plan
        return (
            environment(templates_dir() / "verilog")
            .get_template(template)
            .render(
                name=self.module,
                core=self.core,
                top=top_module(plan.name),
                version=__version__,
                identity=self.identity,
                bytes=self.board.bytes,
                channels=plan.in_shape[0],
                pixels=plan.in_shape[1] * plan.in_shape[2],
                in_bits=plan.in_bits,
                frame_bytes=self.frame_bytes,
                result_words=self.result_words,
                result=self._result(),
                map=self.map,
                classes=None if plan.linear is None else plan.linear.c_out,
                logits=self.logits,
                out_bits=8 * plan.output.lanes if plan.linear is None else plan.linear.acc_bits,
                k=self.top,
                table_files=tables,
                **self.context(),
            )
        )

    def _result(self) -> str:
        """Of what it is made, for people."""
        if self.map is not None:
            channels, height, width = self.map
            return f"a map of {height} x {width} pixels of {channels} bytes, the last word filled with zeros"
        return f"{self.logits} logits, then the {self.top} likeliest class{'es' if self.top > 1 else ''}"


def design_sources(directory: Path) -> dict[str, str]:
    """A design's sources, in the order in which tools read them. Raises InputError where one is missing."""
    return {name: text_of(directory / name) for name in listed_sources(directory)}


def text_of(path: Path) -> str:
    """Of a design's file. Raises InputError where it is missing."""
    try:
        return path.read_text()
    except (OSError, ValueError):
        raise InputError(f"{path} is missing or damaged: generate the design again") from None


def wrap(design: Design[Any], board: Board, top: int | None, logits: bool) -> Wrapper:
    """Around this design. Raises InputError where there is nothing that could be put around it."""
    top = likeliest(design, top)
    linear = design.plan.linear
    if linear is None:
        if not logits:
            raise InputError(f"--no-logits: {design.directory} ends with a map, which is all that it sends")
        return Wrapper(design, board, top, 0)
    if top > 255:
        raise InputError(f"--top {top}: at most 255 are sent")
    if linear.c_out >= 1 << 16:
        raise InputError(
            f"{design.directory} has {linear.c_out:,} classes: a result has at most 65,535 logits"
        )
    return Wrapper(design, board, top, linear.c_out if logits else 0)


def likeliest(design: Design[Any], top: int | None) -> int:
    """So many of the likeliest classes: `top`, or 1; 0 of a network that ends with a map.

    Raises InputError where the network has not so many.
    """
    network = design.network
    if network.linear is None:
        if top is not None:
            raise InputError(f"--top {top}: the network {design.plan.name} ends with a map, without classes")
        return 0
    if top is not None and not 1 <= top <= network.num_classes:
        raise InputError(f"--top {top}: the network {design.plan.name} has {network.num_classes} classes")
    return top or 1


def expected(wrapper: Wrapper, pixels: NDArray[np.uint8]) -> NDArray[np.int64]:
    """The words of the results for pixels (N, H, W, C), by golden: (N, result_words), signed."""
    network = wrapper.design.network
    output = golden.forward(golden.quantize_input(pixels, network), network)
    if wrapper.map is not None:
        filled = np.zeros((len(pixels), 4 * wrapper.result_words), np.uint8)
        filled[:, : math.prod(wrapper.map)] = output.transpose(0, 2, 3, 1).reshape(len(pixels), -1)
        return filled.view("<i4").astype(np.int64)
    return np.concatenate(([output] if wrapper.logits else []) + [golden.top_k(output, wrapper.top)], axis=1)
