"""An engine on a board: its top for block designs, and the networks that it runs, as the driver takes them.

A network is a .json, `network_facts`, and an image; the engine's own one comes first, those of `program`
behind it. One bitstream runs them all.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from repvgg_hw import __version__, golden
from repvgg_hw.board.boards import Board, Litex, Zynq
from repvgg_hw.board.engine_ports import Port, control_ports, memory_ports
from repvgg_hw.board.register_map import ENGINE, RegisterMap
from repvgg_hw.board.wrapped import Content
from repvgg_hw.board.wrapper import design_sources, likeliest
from repvgg_hw.design import Design
from repvgg_hw.errors import InputError
from repvgg_hw.files import environment, templates_dir
from repvgg_hw.names import identifier, top_module
from repvgg_hw.plan.engine import image
from repvgg_hw.plan.engine.fold import PHASES
from repvgg_hw.plan.engine.plan import EnginePlan
from repvgg_hw.targets import program
from repvgg_hw.targets.verilog.engine.emit import IMAGE, differences, found_image


@dataclass(frozen=True)
class EngineNetwork:
    """A network on the engine, and how many of the likeliest classes its results have."""

    design: Design[EnginePlan]
    top: int

    @property
    def name(self) -> str:
        """Of its files."""
        return identifier(self.design.plan.name)

    @property
    def image_file(self) -> str:
        return f"{self.name}.engine.bin"

    @cached_property
    def image(self) -> bytes:
        """Raises InputError where the folder's is missing, or not the network's."""
        right = image.build(self.design.plan.schedule)
        found = found_image(self.design.directory, right)
        if wrong := differences(self.design.plan, found, right):
            raise InputError(f"{self.design.directory / IMAGE}: {wrong[0][1]}: generate the design again")
        return found

    def facts(self) -> dict[str, Any]:
        """What the driver must know of the network."""
        schedule, network = self.design.plan.schedule, self.design.network
        channels, height, width = network.in_shape
        last, data = schedule.layers[-1], self.image
        return {
            "architecture": "engine",
            "name": self.name,
            "engine": schedule.array.identity,
            "network": image.fingerprint(schedule.network).hex(),
            "image": self.image_file,
            "image_sha256": hashlib.sha256(data).hexdigest(),
            "shape": [height, width, channels],
            "pitch": schedule.array.pitch(schedule.network.in_shape[2]),
            "fold": 1 if schedule.folded_from is None else PHASES,
            "input_bytes": schedule.input_bytes,
            "maps_bytes": schedule.maps_bytes,
            "output_bytes": schedule.output_bytes,
            "logits": 0 if network.linear is None else network.num_classes,
            "top": self.top,
            "map": [last.shape.c_out, last.out_height, last.out_width, schedule.array.pitch(last.out_width)]
            if network.linear is None
            else None,
            "logit_scale": network.output_scale,
        }


@dataclass(frozen=True)
class EngineWrapper:
    """What is put around an engine: see `wrapped.Wrapped`. `networks`: its own, then others."""

    design: Design[EnginePlan]
    board: Board
    networks: tuple[EngineNetwork, ...]

    @property
    def name(self) -> str:
        return identifier(self.design.plan.name)

    @property
    def module(self) -> str:
        return f"{top_module(self.design.plan.name)}_{self.board.suffix}"

    @property
    def identity(self) -> int:
        """The array's: an image for it runs on every engine that has it."""
        return self.design.plan.array.identity

    @property
    def registers(self) -> RegisterMap:
        return ENGINE

    @property
    def memory_bytes(self) -> tuple[int, int]:
        """Of the weight port, and of the data port."""
        return self.design.plan.array.bw, self.design.plan.array.bd

    @property
    def ports(self) -> list[Port]:
        """Of the top, beside clock, reset and interrupt."""
        weight, data = self.memory_bytes
        return [
            *control_ports(),
            *memory_ports("weight", weight, writes=False),
            *memory_ports("data", data, writes=True),
        ]

    def facts(self) -> dict[str, Any]:
        return self.networks[0].facts() | {"beats": list(self.memory_bytes)}

    def files(self) -> dict[str, str]:
        found = design_sources(self.design.directory)
        found[f"rtl/{self.module}.v"] = (
            environment(templates_dir() / "verilog")
            .get_template("board_engine.v.j2")
            .render(
                name=self.module,
                top=top_module(self.design.plan.name),
                version=__version__,
                identity=self.identity,
                ports=self.ports,
            )
        )
        return found

    def driver_files(self) -> Content:
        """The images, what the driver must know of the other networks, and the same for C."""
        header = environment(templates_dir() / "board").get_template("rvg_engine_design.h.j2")
        found: dict[str, str | bytes] = {}
        for network in self.networks:
            facts = network.facts() | {"table": golden.input_table(network.design.network).tolist()}
            found[network.image_file] = network.image
            found[f"{network.name}.json"] = json.dumps(facts) + "\n"
            place = "c" if network is self.networks[0] else f"c/{network.name}"
            found[f"{place}/rvg_design.h"] = header.render(
                facts=facts, image_bytes=len(network.image), version=__version__
            )
        return found

    def context(self) -> dict[str, Any]:
        return {"array": self.design.plan.array, "networks": [one.facts() for one in self.networks]}

    def summary(self) -> str:
        names = ", ".join(network.name for network in self.networks)
        weight, data = self.memory_bytes
        return f"networks: {names}; ports of {8 * weight} bits for weights, {8 * data} for maps"


def wrap(
    design: Design[EnginePlan], board: Board, top: int | None, images: Sequence[Design[EnginePlan]]
) -> EngineWrapper:
    """Around this engine. Raises InputError where the board has no memory for it, or an image is foreign."""
    if not isinstance(board, (Zynq, Litex)):
        raise InputError(
            f"--board {board.name}: an engine needs AXI4 ports to a memory, which this board's top has not"
        )
    networks = [EngineNetwork(design, likeliest(design, top))]
    for other in images:
        program.check_made_for(other, design)
        one = EngineNetwork(other, likeliest(other, top if other.network.linear else None))
        if one.name in (before.name for before in networks):
            raise InputError(
                f"--image {other.directory}: there is a network {one.name} already: give its own name"
            )
        networks.append(one)
    return EngineWrapper(design, board, tuple(networks))


def expected(wrapper: EngineWrapper, pixels: NDArray[np.uint8]) -> tuple[NDArray[np.int64], int]:
    """By golden, what C firmware makes of pixels (N, H, W, C): logits and class of each, number of logits."""
    network = wrapper.design.network
    logits = golden.forward(golden.quantize_input(pixels, network), network)
    return np.concatenate([logits, golden.top_k(logits, 1)], axis=1), logits.shape[1]
