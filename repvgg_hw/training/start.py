"""The network with which a training begins."""

from __future__ import annotations

from pathlib import Path

import torch

from repvgg_hw.checkpoint.files import load_state
from repvgg_hw.errors import InputError
from repvgg_hw.model.variants import get_variant
from repvgg_hw.network import Architecture
from repvgg_hw.training.blocks.repopt import RepOpt, RepOptSearch
from repvgg_hw.training.network import TrainedNetwork
from repvgg_hw.training.recipe import check_whole

LARGEST_WIDTH, DEEPEST, WIDEST = 65_536, 1_000, 8  # of a stage: channels, blocks, its stride


def architecture_of(
    model: str | None,
    widths: tuple[int, ...] | None,
    depths: tuple[int, ...] | None,
    strides: tuple[int, ...] | None,
    *,
    classes: int,
    channels: int,
) -> Architecture:
    """A published variant by name, or a network of its own: the stem's width and depth, then the stages'.

    depths are 1 for each stage and strides 2 unless given. Raises InputError for what makes no network.
    """
    if model is not None:
        return get_variant(model, num_classes=classes, in_channels=channels)
    if widths is None:
        raise InputError("give either --model NAME, or --widths and --depths")
    limits = (("widths", widths, LARGEST_WIDTH), ("depths", depths, DEEPEST), ("strides", strides, WIDEST))
    for name, values, largest in limits:
        for value in values or ():
            check_whole(name, value, 1, largest)
    depths, strides = depths or (1,) * len(widths), strides or (2,) * len(widths)
    if not len(widths) == len(depths) == len(strides):
        raise InputError(
            f"--widths, --depths and --strides have {len(widths)}, {len(depths)} and {len(strides)} values: "
            "one for the stem and one for each stage, alike"
        )
    if depths[0] != 1:
        raise InputError(f"--depths begins with {depths[0]}: the stem is one block")
    return Architecture("custom", widths, depths, strides, num_classes=classes, in_channels=channels)


def new_network(
    architecture: Architecture, block: str, seed: int, scales: Path | None = None
) -> TrainedNetwork:
    """A freshly initialised network; the state of torch's own generator is left as it was.

    scales  a checkpoint of block "repopt-search", whose scales block "repopt" begins with
    Raises InputError for a block that does not fit, and for scales that are not those of this network.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = TrainedNetwork(architecture, block)
        if scales is not None:
            _take_scales(network, scales)
    return network


def _take_scales(network: TrainedNetwork, path: Path) -> None:
    state = {key: torch.from_numpy(value) for key, value in load_state(path).items()}
    for name, block in network.blocks().items():
        if not isinstance(block, RepOpt):
            raise InputError("--scales belongs to --block repopt")
        searched = RepOptSearch(block.shape, block.position)
        for part in ("scale_conv", "scale_1x1", *(["scale_identity"] if block.has_identity else [])):
            key, wanted = f"{name}.{part}.weight", getattr(searched, part).weight
            if key not in state or state[key].shape != wanted.shape:
                raise InputError(
                    f"{path}: {key} with {len(wanted)} values is not there; --scales takes what "
                    "--block repopt-search made of the same network"
                )
            wanted.data.copy_(state[key])
        block.begin(searched)
