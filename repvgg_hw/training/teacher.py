"""The float network as the teacher of its integers: its outputs, and its maps at the end of each stage."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from repvgg_hw import golden
from repvgg_hw.model.images import normalise
from repvgg_hw.network import FusedNetwork, IntegerNetwork
from repvgg_hw.quantize import layers
from repvgg_hw.training.integers import TunedNetwork

TEMPERATURE = 2.0  # that softens the float network's classes
LEAST_MEAN = 0.01  # in steps, of a channel of a map that is compared: less says nothing about its step


class Teacher:
    """How far a tuned network is from the float one, in its outputs and at the ends of its stages.

    Maps teach what outputs alone teach slowly: a stage's gradient comes from its own end, too (FitNets, arXiv
    1412.6550). An integer map has one unknown step per channel, since channels are equalized first; it is
    taken from the network that the training begins with, as the ratio of both maps' means on `pixels`.

    model  at its beginning; pixels (N, H, W, C) uint8, on which steps are found
    """

    def __init__(self, fused: FusedNetwork, model: TunedNetwork, pixels: NDArray[np.uint8]) -> None:
        self._convs = fused.convs
        self._linear = fused.linear
        self._start = model.start
        self._ends = stage_ends(fused)
        with torch.no_grad():
            _, wanted = self._answers(pixels)
            _, got = model.with_maps(as_input(pixels, self._start), self._ends)
        self._steps = [step_of(ours, theirs) for ours, theirs in zip(got, wanted, strict=True)]

    def loss(self, model: TunedNetwork, pixels: NDArray[np.uint8]) -> tuple[Tensor, Tensor]:
        """(what is to be minimised, the distance of outputs alone), on pixels (N, H, W, C) uint8."""
        with torch.no_grad():
            wanted, wanted_maps = self._answers(pixels)
        got, maps = model.with_maps(as_input(pixels, self._start), self._ends)
        apart = distance(got, wanted)
        errors = [
            relative_error(ours * step, theirs)
            for ours, step, theirs in zip(maps, self._steps, wanted_maps, strict=True)
        ]
        return apart + torch.stack(errors).mean(), apart.detach()

    def _answers(self, pixels: NDArray[np.uint8]) -> tuple[Tensor, list[Tensor]]:
        """The float network's outputs and the maps at the ends of its stages."""
        start, maps = self._start, []
        x = torch.from_numpy(normalise(pixels, start.mean, start.std).astype(np.float32))
        for index, conv in enumerate(self._convs):
            x = torch.relu_(layers.conv(x, conv.weight, conv.bias, conv))
            if index in self._ends:
                maps.append(x)
        return torch.from_numpy(layers.float_head(x, self._linear)), maps


def stage_ends(fused: FusedNetwork) -> tuple[int, ...]:
    """Indices of the convolutions behind which a map shrinks, and of the last."""
    strides = [conv.stride for conv in fused.convs]
    return tuple(i for i in range(len(strides)) if i + 1 == len(strides) or strides[i + 1] > 1)


def step_of(integers: Tensor, real: Tensor) -> Tensor:
    """The step of each channel (C, 1, 1) that gives integers (N, C, H, W) real's mean; 0: it is unknown."""
    ours, theirs = (values.mean((0, 2, 3)) for values in (integers, real))
    known = ours > LEAST_MEAN
    return torch.where(known, theirs / ours.clamp_min(LEAST_MEAN), 0.0)[:, None, None]


def relative_error(got: Tensor, wanted: Tensor) -> Tensor:
    """The mean squared error, relative to the mean square of what is wanted."""
    return (got - wanted).square().mean() / wanted.square().mean().clamp_min(1e-30)


def distance(got: Tensor, wanted: Tensor) -> Tensor:
    """How far outputs are from the float network's: of logits the Kullback-Leibler divergence of softened
    classes (arXiv 1503.02531), of maps the relative error."""
    if got.ndim > 2:
        return relative_error(got, wanted)
    ours, theirs = (F.log_softmax(values / TEMPERATURE, 1) for values in (got, wanted))
    return F.kl_div(ours, theirs, reduction="batchmean", log_target=True) * TEMPERATURE**2


def as_input(pixels: NDArray[np.uint8], network: IntegerNetwork) -> Tensor:
    """golden.quantize_input in float32, which holds its integers exactly."""
    return torch.from_numpy(np.ascontiguousarray(golden.quantize_input(pixels, network), np.float32))
