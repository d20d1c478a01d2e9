"""A small network that tests put on boards: 3 x 7 x 6 pixels, 126 bytes a frame, and seven classes."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from hls_networks import Layer, random_network

from repvgg_hw.board.boards import Board
from repvgg_hw.board.wrapper import Wrapper, wrap
from repvgg_hw.plan import request as requests
from repvgg_hw.targets.generate import generate


def backbone(folder: Path, board: Board) -> Wrapper:
    """As `wrapper`, but it ends with a map of 3 x 7 x 6, 126 bytes, which are no whole words."""
    network, _ = random_network([Layer(4), Layer(3)], in_shape=(3, 7, 6), linear=None, seed=2)
    network = dataclasses.replace(network, input_scale=1 / 50)
    design = generate(network, folder / "design", requests.parse("verilog", multipliers=60), {})
    return wrap(design, board, None, True)


def wrapper(folder: Path, board: Board, top: int = 3, logits: bool = True) -> Wrapper:
    """Around the design in folder/design, which is written."""
    network, _ = random_network([Layer(4, stride=2), Layer(6)], in_shape=(3, 7, 6), classes=7, seed=1)
    network = dataclasses.replace(
        network, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225), input_scale=1 / 50
    )
    design = generate(network, folder / "design", requests.parse("verilog", multipliers=60), {})
    return wrap(design, board, top, logits)
